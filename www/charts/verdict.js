// The one picture of an experiment. Above, the evidence: the difference of two variants with its confidence sequence, as
// outcomes come in. Below, on the same x, the action: how much of the traffic the variant has.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { percent } from "../lib/dom.js";
import { cleared } from "../lib/measures.js";
import { Plot, base, percents, rule, wholes, write } from "./plot.js";

const LEFT = 58;
/** What a label of a step takes. */
const ROOM = 90;
/** The first intervals are very wide, and would squeeze all that follows: they may go over the edge. */
const FROM = 0.15;

/** The lowest and the highest that the picture has to show: all but the very first, and zero in any case. */
function reach(points) {
  const last = points.at(-1)?.outcomes ?? 0;
  const shown = points.filter(({ outcomes }) => outcomes >= FROM * last);
  const low = Math.min(0, ...shown.map((point) => point.low));
  const high = Math.max(0, ...shown.map((point) => point.high));
  const room = 0.12 * (high - low) || 0.01;
  return [low - room, high + room];
}

/** `above` and `below` are its two parts; `show` draws `{points, variant, baseline, measure, higher, margin, position, outcomes}`. */
export class VerdictPlot {
  constructor(above, below) {
    this.state = { points: [], outcomes: 0 };
    this.above = new Plot(above, (colours) => this.#difference(colours));
    this.below = new Plot(below, (colours) => this.#share(colours));
  }

  show(state) {
    this.state = state;
    const of = (member) => state.points.map((point) => point[member]);
    const x = of("outcomes");
    this.above.draw([x, of("low"), of("high"), of("difference")]);
    this.below.draw([x, of("share")]);
  }

  /** Both have the same x, and the same room beside them. */
  #x = () => [0, Math.max(100, this.state.outcomes)];

  #difference(colours) {
    const { axis, common } = base(colours);
    const edge = { stroke: colours.text, width: 1, dash: [2, 3], points: { show: false } };
    return {
      ...common,
      series: [{}, { label: "low", ...edge }, { label: "high", ...edge }, { label: "difference", stroke: colours.strong, width: 2.5, points: { show: false } }],
      bands: [{ series: [2, 1], fill: colours.tint(this.state.position ?? 0) }],
      scales: { x: { time: false, range: this.#x }, y: { range: () => reach(this.state.points) } },
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
    if (points.length === 0) return;
    const { left, top, width, height } = plot.bbox;
    const x = (point) => plot.valToPos(point.outcomes, "x", true);
    const y = (value) => plot.valToPos(value, "y", true);
    const gap = 11 * devicePixelRatio;
    const first = cleared(points);
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
        { ...axis, size: LEFT, values: percents, splits: () => [0, 0.5, 1] },
      ],
      hooks: { draw: [(plot) => this.#steps(plot, colours)] },
    };
  }

  #steps(plot, colours) {
    const points = this.state.points.filter(({ share }) => share !== null);
    if (points.length === 0) return;
    const last = points.at(-1);
    const x = (point) => plot.valToPos(point.outcomes, "x", true);
    const whole = (share) => percent(share, 0);
    // Each in the half in which the line is not, as far as there is room beside the one at the end and the one before.
    const { top, height } = plot.bbox;
    const half = (share) => (share > 0.5 ? top + height : top);
    const room = ROOM * devicePixelRatio;
    let free = 0;
    points.forEach((point, i) => {
      const before = points[i - 1];
      if (!before || before.share === point.share) return;
      const y = half((before.share + point.share) / 2);
      if (x(point) < free || (y === half(last.share) && x(point) > x(last) - 2 * room)) return;
      write(plot, colours, `${whole(before.share)} → ${whole(point.share)}`, x(point), y, "centre");
      free = x(point) + room;
    });
    write(plot, colours, `traffic of ${this.state.variant}: ${whole(last.share)}`, x(last), half(last.share), "right", true);
  }
}
