// Shares by variant as requests come in, over the band in which they should be.

import { Plot, base, percents } from "./plot.js";

/** Vertical lines where the weights changed. `marks()` gives their x. */
const marked = (marks, colours) => ({
  hooks: {
    draw: [
      (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.strokeStyle = ctx.fillStyle = colours.strong;
        ctx.lineWidth = devicePixelRatio;
        ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
        for (const x of marks()) {
          const left = Math.round(plot.valToPos(x, "x", true)) + 0.5;
          ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
          ctx.beginPath();
          ctx.moveTo(left, bbox.top);
          ctx.lineTo(left, bbox.top + bbox.height);
          ctx.stroke();
          // On the side where there is room.
          const right = left > bbox.left + bbox.width / 2;
          ctx.textAlign = right ? "right" : "left";
          const place = ["new weights", left + (right ? -6 : 6) * devicePixelRatio, bbox.top + 14 * devicePixelRatio];
          // A rim, so that it can be read over curves.
          ctx.setLineDash([]);
          ctx.save();
          ctx.strokeStyle = colours.ground;
          ctx.lineWidth = 4 * devicePixelRatio;
          ctx.strokeText(...place);
          ctx.restore();
          ctx.fillText(...place);
        }
        ctx.restore();
      },
    ],
  },
});

/** For each variant four series: share, expected, low and high. */
export function sharesPlot(container, variants, marks) {
  const options = (colours) => {
    const { axis, common } = base(colours);
    const series = variants.flatMap((name, i) => {
      const stroke = colours.variant(i);
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      return [
        { label: name, stroke, width: 2.5, points: { show: false } },
        { label: `${name}, configured`, stroke, width: 1.5, dash: [6, 5], points: { show: false } },
        edge,
        edge,
      ];
    });
    return {
      ...common,
      plugins: [marked(marks, colours)],
      series: [{}, ...series],
      bands: variants.map((_, i) => ({ series: [4 * i + 4, 4 * i + 3], fill: colours.tint(i) })),
      scales: { x: { time: false, range: (_, __, high) => [0, Math.max(10, high ?? 10)] }, y: { range: [0, 1] } },
      axes: [
        { ...axis, label: "requests answered", size: 34, values: (_, values) => values.map((v) => (Number.isInteger(v) ? v.toLocaleString("en") : "")) },
        { ...axis, size: 50, values: percents },
      ],
    };
  };
  return new Plot(container, options);
}
