// Shares by variant over time, beside those that the weights say.

import { Plot, base, percents } from "./plot.js";

const HOUR = 3_600;

/** The last hour. For each variant two series: its share, and the one that was configured. x is seconds since the Unix epoch. */
export function minutesPlot(container, variants) {
  const options = (colours) => {
    const { axis, common } = base(colours);
    const series = variants.flatMap((name, i) => [
      { label: name, stroke: colours.variant(i), width: 2.5, points: { size: 5 } },
      { label: `${name}, configured`, stroke: colours.variant(i), width: 1.5, dash: [6, 5], points: { show: false } },
    ]);
    return {
      ...common,
      series: [{}, ...series],
      scales: { x: { time: true, range: () => [Date.now() / 1000 - HOUR, Date.now() / 1000] }, y: { range: [0, 1] } },
      axes: [
        { ...axis, size: 34, values: (_, seconds) => seconds.map((at) => new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })) },
        { ...axis, size: 50, values: percents },
      ],
    };
  };
  return new Plot(container, options);
}
