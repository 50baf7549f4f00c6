// One curve a variant: how fast the answers came, and how well a score tells yes from no.

import { Plot, align, base, percents } from "./plot.js";

const line = (name, stroke) => ({ label: name, stroke, width: 2.5, spanGaps: true, points: { show: false } });

/** The share of answers that had come by a time. */
export function latencyPlot(container, variants) {
  const options = (colours) => {
    const { axis, common } = base(colours);
    return {
      ...common,
      series: [{}, ...variants.map((name, i) => line(name, colours.variant(i)))],
      scales: { x: { time: false, range: (_, __, high) => [0, high ?? 1] }, y: { range: [0, 1] } },
      axes: [
        { ...axis, label: "milliseconds", size: 34 },
        { ...axis, size: 50, values: percents },
      ],
    };
  };
  const plot = new Plot(container, options);
  /** `times` are sorted lists of milliseconds. The slowest hundredth is left out of sight: it would squeeze the rest. */
  plot.show = (times) => {
    const end = Math.max(1, ...times.map((sorted) => quantile(sorted, 0.99) ?? 0));
    const curves = times.map((sorted) => {
      const step = Math.max(1, Math.floor(sorted.length / 200));
      const curve = { x: [], y: [] };
      if (sorted.length > 0) curve.x.push(Math.min(sorted[0], end)), curve.y.push(0);
      for (let i = 0; i < sorted.length && sorted[i] <= end; i += step) curve.x.push(sorted[i]), curve.y.push((i + 1) / sorted.length);
      return curve;
    });
    plot.draw(align(curves));
  };
  return plot;
}

export const quantile = (sorted, share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];

/** Receiver operating characteristics, with the diagonal of a coin. */
export function rocPlot(container, variants) {
  const options = (colours) => {
    const { axis, common } = base(colours);
    return {
      ...common,
      series: [{}, ...variants.map((name, i) => line(name, colours.variant(i))), { ...line("a coin", colours.text), width: 1, dash: [4, 4] }],
      scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
      axes: [
        { ...axis, label: "stayers wrongly called leavers", size: 34, values: percents },
        { ...axis, label: "leavers found", size: 50, values: percents },
      ],
    };
  };
  const plot = new Plot(container, options);
  plot.show = (rocs) =>
    plot.draw(align([...rocs.map((roc) => (roc ? { x: roc.false_positive_rate, y: roc.true_positive_rate } : { x: [], y: [] })), { x: [0, 1], y: [0, 1] }]));
  return plot;
}
