// uPlot in the page's colours and at its container's width; anew when the colour scheme changes.

import uPlot from "../vendor/uplot/uPlot.esm.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The page's colours for canvases, as they are now. */
export const colours = () => ({
  text: colour("--soft"),
  grid: colour("--line"),
  strong: colour("--text"),
  ground: colour("--card"),
  variant: (position) => colour(`--variant-${position % 6}`),
  tint: (position) => colour(`--tint-${position % 6}`),
});

/** `options(colours)` gives uPlot's options without a size. The container is an image to screen readers; `say` sets its text. */
export class Plot {
  constructor(container, options) {
    this.container = container;
    this.options = options;
    this.data = null;
    container.setAttribute("role", "img");
    new ResizeObserver(() => this.resize()).observe(container);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.make());
  }

  get size() {
    return { width: this.container.clientWidth, height: this.container.clientHeight };
  }

  resize() {
    if (this.plot) this.plot.setSize(this.size);
    else this.make();
  }

  make() {
    if (!this.data || this.size.width === 0) return;
    this.plot?.destroy();
    this.plot = new uPlot({ ...this.options(colours()), ...this.size }, this.data, this.container);
  }

  /** Draws data of the same series as before. */
  draw(data) {
    this.data = data;
    if (this.plot) this.plot.setData(data);
    else this.make();
  }

  say(text) {
    this.container.setAttribute("aria-label", text);
  }
}

/** What all of the page's charts have in common. */
export function base({ text, grid }) {
  const font = "12px system-ui, sans-serif";
  const axis = { stroke: text, font, labelFont: font, labelSize: 18, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 }, gap: 4 };
  return {
    axis,
    common: { legend: { show: false }, cursor: { show: false }, padding: [10, 22, 0, 0] },
  };
}

/** Curves of different x on the one x that uPlot wants: sorted, with as many points at an x as the curve with most has there. */
export function align(curves) {
  const next = curves.map(() => 0);
  const aligned = [[], ...curves.map(() => [])];
  for (;;) {
    const x = Math.min(...curves.map((curve, i) => curve.x[next[i]] ?? Infinity));
    if (x === Infinity) return aligned;
    aligned[0].push(x);
    curves.forEach((curve, i) => aligned[i + 1].push(curve.x[next[i]] === x ? curve.y[next[i]++] : null));
  }
}

/** An axis's labels in percent. */
export const percents = (_, values) => values.map((value) => `${Math.round(value * 100)} %`);

/** Writes on a chart, with a rim so that it can be read over curves. `x` and `y` are the canvas's pixels; `align` as canvas has it. */
export function write({ ctx, bbox }, colours, text, x, y, align = "left", bold = false) {
  const font = 12 * devicePixelRatio;
  ctx.save();
  ctx.font = `${bold ? "600 " : ""}${font}px system-ui, sans-serif`;
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const { width } = ctx.measureText(text);
  const begin = align === "left" ? x : align === "right" ? x - width : x - width / 2;
  // Inside of the chart, wherever it is to stand.
  const left = Math.max(bbox.left + 4 * devicePixelRatio, Math.min(begin, bbox.left + bbox.width - width - 4 * devicePixelRatio));
  const top = Math.max(bbox.top + font * 0.7, Math.min(y, bbox.top + bbox.height - font * 0.7));
  ctx.strokeStyle = colours.ground;
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.strokeText(text, left, top);
  ctx.fillStyle = colours.strong;
  ctx.fillText(text, left, top);
  ctx.restore();
}

/** A line from one point of the canvas to another. */
export function rule({ ctx }, stroke, width, dash, x1, y1, x2, y2) {
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = width * devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
  ctx.restore();
}

/** Whole numbers, as an axis has them. */
export const wholes = (_, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString("en") : ""));
