// Two models on the same requests: who was right, as a bar in four parts, and how far their scores are apart, as a box. What
// is drawn is for the eye alone; beside it stands the same in words and figures.

import { count, element, percent } from "../lib/dom.js";

/** The four parts, in the order in which they stand: both and neither at the ends, so that the two between are side by side. */
const parts = (right, baseline, variant) => [
  { kind: "both", words: "both right", of: right.both },
  { kind: "first", words: `only ${baseline} right`, of: right.only_baseline },
  { kind: "second", words: `only ${variant} right`, of: right.only_variant },
  { kind: "neither", words: "neither right", of: right.neither },
];

/** Who was right: `right` is the verdict's. `first` and `second` are `{name, position}`, the baseline and its shadow. */
export function rightBar(right, first, second) {
  const all = parts(right, first.name, second.name);
  const sum = all.reduce((sum, { of }) => sum + of, 0);
  const ink = { first: `.v${first.position % 6}`, second: `.v${second.position % 6}` };
  const swatch = (kind) => element(`span.part.${kind}${ink[kind] ?? ""}`, { "aria-hidden": "true" });
  const bar = element(
    "div.parts",
    { "aria-hidden": "true" },
    ...all.filter(({ of }) => of > 0).map(({ kind, of }) => {
      const part = swatch(kind);
      part.style.flexGrow = of;
      return part;
    }),
  );
  const lines = all.map(({ kind, words, of }) => element("li", {}, swatch(kind), element("span", {}, words), " ", element("b", {}, count(of)), " ", element("span.note", {}, sum > 0 ? percent(of / sum) : "–")));
  return [bar, element("ul.keys", { "aria-label": "Who was right on the same requests" }, ...lines)];
}

/** Differences as a box from a quarter to three, its line the median, on a line from the lowest twentieth to the highest; and 0. */
export function differenceBox({ p5, p25, p50, p75, p95 }, write) {
  const [low, high] = [Math.min(0, p5), Math.max(0, p95)];
  const room = 0.06 * (high - low) || 1;
  const at = (value) => `${(100 * (value - low + room)) / (high - low + 2 * room)}%`;
  const stretch = (kind, from, to) => {
    const made = element(`span.${kind}`);
    made.style.left = at(from);
    made.style.right = `calc(100% - ${at(to)})`;
    return made;
  };
  const mark = (kind, value, text = null) => {
    const made = element(`span.${kind}`, {}, text);
    made.style.left = at(value);
    return made;
  };
  // Where they are apart enough to be told beside each other.
  const ends = [p5, p95].filter((value) => Math.abs(value) > 0.25 * (high - low));
  return element(
    "div.spread",
    { "aria-hidden": "true" },
    stretch("reach", p5, p95),
    stretch("middle", p25, p75),
    mark("median", p50),
    mark("zero", 0),
    mark("tick", 0, "0"),
    ...ends.map((value) => mark("tick", value, write(value))),
  );
}
