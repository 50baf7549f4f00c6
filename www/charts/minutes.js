// Shares by variant over time, beside those that the weights say.

import { Plot, base, percents, write } from "./plot.js";

const HOUR = 3_600;
/** Beside colours, so that lines are told apart without them. */
const DASHES = [[], [10, 4], [2, 3], [12, 3, 2, 3]];

/**
 * The last hour. For each of `variants` (`{name, position}`) two series: its share, and, thin, the one that was configured. x is
 * seconds since the Unix epoch.
 */
export function minutesPlot(container, variants) {
  const options = (colours) => {
    const { axis, common } = base(colours);
    const series = variants.flatMap(({ name, position }, i) => [
      { label: name, stroke: colours.variant(position), width: 2.5, dash: DASHES[i % DASHES.length], points: { size: 5 } },
      { label: `${name}, configured`, stroke: colours.variant(position), width: 1, points: { show: false } },
    ]);
    const labels = (plot) => {
      const last = plot.data[0].length - 1;
      if (last < 0) return;
      const x = plot.valToPos(plot.data[0][last], "x", true);
      variants.forEach(({ name }, i) => {
        const share = plot.data[2 * i + 1][last];
        write(plot, colours, name, x - 10 * devicePixelRatio, plot.valToPos(share, "y", true) + (share > 0.5 ? 14 : -14) * devicePixelRatio, "right", true);
      });
    };
    return {
      ...common,
      series: [{}, ...series],
      scales: { x: { time: true, range: () => [Date.now() / 1000 - HOUR, Date.now() / 1000] }, y: { range: [0, 1] } },
      axes: [
        { ...axis, size: 34, values: (_, seconds) => seconds.map((at) => new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })) },
        { ...axis, size: 50, values: percents },
      ],
      hooks: { draw: [labels] },
    };
  };
  return new Plot(container, options);
}
