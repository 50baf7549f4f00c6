// The one picture of an experiment. Above, the evidence: the difference of two variants with its confidence sequence, as
// outcomes come in. Below, on the same x, the action: how much of the traffic the variant has. A shadow has none of it, so
// that below there is the x alone.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { percent } from "../lib/dom.js";
import { cleared } from "../lib/measures.js";
import { Plot, base, percents, rule, wholes, write } from "./plot.js";

const LEFT = 58;
/** What a label of a step takes. */
const ROOM = 66;
const ROW = 10;
/** A chart so narrow has no room for long labels. */
const NARROW = 320;
/** The first intervals are very wide, and would squeeze all that follows: they may go over the edge. */
const FROM = 0.15;
/** The least outcomes that it has room for. */
const LEAST = 100;

/** What is marked of what a policy did. */
const MARKED = new Set(["start", "step", "roll_back"]);

/** The lowest and the highest that the picture has to show: all but the very first, and zero in any case. */
function reach(points, from) {
  const last = points.at(-1)?.outcomes ?? 0;
  const shown = points.filter(({ outcomes }) => outcomes >= from + FROM * (last - from));
  const low = Math.min(0, ...shown.map((point) => point.low));
  const high = Math.max(0, ...shown.map((point) => point.high));
  const room = 0.12 * (high - low) || 0.01;
  return [low - room, high + room];
}

/** From which outcome on it is shown: all of it, but of a ramp that has just begun no more before than since, so that it is seen. */
function beginning(marks, outcomes) {
  if (marks.length === 0) return 0;
  const run = Math.max(LEAST, outcomes - marks[0].outcomes);
  return marks[0].outcomes <= run ? 0 : marks[0].outcomes - run / 2;
}

/** The share from point to point, and since a ramp began from mark to mark: `[x, y]`. */
function sharesOf(points, marks, outcomes) {
  const before = points.filter((point) => point.share !== null && (marks.length === 0 || point.outcomes < marks[0].outcomes));
  const steps = [...before, ...marks];
  if (marks.length > 0) steps.push({ outcomes: Math.max(outcomes, marks.at(-1).outcomes), share: marks.at(-1).share });
  return steps;
}

/**
 * `above` and `below` are its two parts; `show` draws `{points, marks, variant, baseline, measure, higher, margin, position, outcomes, paired}`:
 * the points of the verdict, what a policy did, `{deed, outcomes, share, because}`, and whether the variant is a shadow.
 */
export class VerdictPlot {
  constructor(above, below) {
    this.state = { points: [], marks: [], outcomes: 0 };
    this.above = new Plot(above, (colours) => this.#difference(colours));
    this.below = new Plot(below, (colours) => this.#share(colours));
  }

  show(state) {
    const { points, marks, outcomes } = state;
    this.below.container.classList.toggle("axis", state.paired);
    this.state = { ...state, from: beginning(marks, outcomes), steps: sharesOf(points, marks, outcomes) };
    const of = (list, member) => list.map((point) => point[member]);
    this.above.draw(points.length === 0 ? [[0], [null], [null], [null]] : [of(points, "outcomes"), of(points, "low"), of(points, "high"), of(points, "difference")]);
    this.below.draw([of(this.state.steps, "outcomes"), of(this.state.steps, "share")]);
  }

  /** Both have the same x, and the same room beside them. */
  #x = () => [this.state.from, this.state.from + Math.max(LEAST, this.state.outcomes - this.state.from)];

  #difference(colours) {
    const { axis, common } = base(colours);
    const edge = { stroke: colours.text, width: 1, dash: [2, 3], points: { show: false } };
    return {
      ...common,
      series: [{}, { label: "low", ...edge }, { label: "high", ...edge }, { label: "difference", stroke: colours.strong, width: 2.5, points: { show: false } }],
      bands: [{ series: [2, 1], fill: colours.tint(this.state.position ?? 0) }],
      scales: { x: { time: false, range: this.#x }, y: { range: () => reach(this.state.points, this.state.from) } },
      axes: [
        { ...axis, size: 8, values: (_, values) => values.map(() => "") },
        { ...axis, size: LEFT, values: (_, values) => values.map((value) => this.state.measure?.difference(value) ?? "") },
      ],
      hooks: { drawAxes: [(plot) => this.#zero(plot, colours)], draw: [(plot) => this.#labels(plot, colours)] },
    };
  }

  #zero(plot, colours) {
    const { left, width } = plot.bbox;
    const at = (value) => Math.round(plot.valToPos(value, "y", true));
    rule(plot, colours.strong, 1.5, [], left, at(0), left + width, at(0));
    const { margin } = this.state;
    for (const value of margin ? [-margin, margin] : []) rule(plot, colours.text, 1, [6, 5], left, at(value), left + width, at(value));
  }

  #labels(plot, colours) {
    const { points, variant, baseline, higher, measure, margin } = this.state;
    const { left, top, width, height } = plot.bbox;
    const x = (point) => plot.valToPos(point.outcomes, "x", true);
    this.#marks(plot, colours);
    if (points.length === 0) return write(plot, colours, this.state.paired ? "begins at 100 users or requests" : "begins at 100 users of each", left + width / 2, top + height / 4, "centre");
    const y = (value) => plot.valToPos(value, "y", true);
    const gap = 11 * devicePixelRatio;
    const found = cleared(points);
    const first = found?.outcomes >= this.state.from ? found : null;
    if (first) rule(plot, colours.strong, 1.5, [3, 3], x(first), top, x(first), top + height);
    write(plot, colours, `↑ ${higher ? variant : baseline} better`, left, top);
    write(plot, colours, `↓ ${higher ? baseline : variant} better`, left, top + height);
    if (margin && Math.abs(y(margin) - y(0)) > 12 * devicePixelRatio) write(plot, colours, "margin", left, y(margin) - gap);
    if (first) {
      const late = x(first) > left + 0.7 * width;
      const where = y(0) > top + height / 2 ? top + 2.2 * gap : top + height - 2.2 * gap;
      write(plot, colours, `clear of zero at ${first.outcomes.toLocaleString("en")}`, x(first) + (late ? -5 : 5) * devicePixelRatio, where, late ? "right" : "left");
    }
    const last = points.at(-1);
    const { ctx } = plot;
    rule(plot, colours.strong, 1.5, [], x(last), Math.max(top, y(last.high)), x(last), Math.min(top + height, y(last.low)));
    ctx.save();
    ctx.fillStyle = colours.strong;
    ctx.beginPath();
    ctx.arc(x(last), y(last.difference), 4 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.restore();
    write(plot, colours, `${variant} − ${baseline}: ${measure.difference(last.difference)}`, x(last) - 8 * devicePixelRatio, y(last.difference) - 1.4 * gap, "right", true);
  }

  #share(colours) {
    const { axis, common } = base(colours);
    return {
      ...common,
      series: [{}, { label: "share", stroke: colours.strong, width: 2.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }],
      scales: { x: { time: false, range: this.#x }, y: { range: [0, 1] } },
      axes: [
        { ...axis, label: "outcomes", size: 34, values: wholes },
        { ...axis, size: LEFT, values: percents, splits: () => (this.state.paired ? [] : [0, 0.5, 1]) },
      ],
      hooks: { draw: [(plot) => this.#steps(plot, colours)] },
    };
  }

  /** Where a policy did something, on both parts. */
  #marks(plot, colours) {
    const { top, height } = plot.bbox;
    for (const { outcomes } of this.state.marks.filter(({ deed }) => MARKED.has(deed))) {
      const x = Math.round(plot.valToPos(outcomes, "x", true));
      rule(plot, colours.text, 1, [1, 4], x, top, x, top + height);
    }
  }

  #steps(plot, colours) {
    const { marks, from, variant, steps } = this.state;
    const points = steps.filter(({ outcomes }, i) => outcomes >= from || steps[i + 1]?.outcomes >= from);
    if (points.length === 0) return;
    this.#marks(plot, colours);
    const last = points.at(-1);
    const x = (point) => plot.valToPos(point.outcomes, "x", true);
    const whole = (share) => percent(share, 0);
    // Each in the half in which the line is not, as far as there is room beside the one at the end and the one before.
    const { top, height } = plot.bbox;
    const half = (share) => (share > 0.5 ? top + height : top);
    const room = ROOM * devicePixelRatio;
    const back = marks.findLast(({ deed }) => deed === "roll_back");
    const because = back?.because ? (plot.bbox.width < NARROW * devicePixelRatio ? `: ${back.because}` : `, because ${back.because}`) : "";
    const end = back ? `rolled back${because}` : `traffic of ${variant}: ${whole(last.share)}`;
    // Two rows of labels, one below the other where there is no room beside the one before.
    const free = [0, 0];
    points.forEach((point, i) => {
      const before = points[i - 1];
      // What was before a ramp is another story, and its end is told at the end.
      if (!before || before.share === point.share || point.deed === "start" || point.deed === "roll_back") return;
      const y = half(Math.max(before.share, point.share));
      const row = free.findIndex((from) => x(point) - room / 2 >= from);
      if (row < 0 || (y === half(last.share) && x(point) > x(last) - 2.5 * room)) return;
      write(plot, colours, `${Math.round(100 * before.share)} → ${whole(point.share)}`, x(point), row === 0 ? y : y + (y === top ? 2.4 : -2.4) * ROW * devicePixelRatio, "centre");
      free[row] = x(point) + room / 2;
    });
    write(plot, colours, end, x(last), half(last.share), "right", true);
  }
}
