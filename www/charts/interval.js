// An interval as a small mark: zero in the middle, what is known as a line, the estimate as a dot. The figures stand beside it.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 120;

function shape(tag, attributes) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Of `low` to `high` around `value`. */
export function intervalMark([low, high], value) {
  const most = Math.max(Math.abs(low), Math.abs(high)) * 1.1 || 1;
  const at = (number) => (WIDTH / 2) * (1 + number / most);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} 16`, width: WIDTH, height: 16, class: "mark", "aria-hidden": "true" });
  svg.append(
    shape("path", { d: `M${WIDTH / 2} 0V16`, class: "zero" }),
    shape("path", { d: `M${at(low)} 8H${at(high)}M${at(low)} 4V12M${at(high)} 4V12`, class: "reach" }),
    shape("circle", { cx: at(value), cy: 8, r: 3.5 }),
  );
  return svg;
}
