// The drawing pad, and 8 by 8 images on canvases.

import { trace } from "./raster.js";

const PEN = 0.075;

/** Draws 64 greys, 0 (paper) to 16 (ink), in the colour of the canvas's text, to fill it. */
export function paint(canvas, pixels) {
  const context = canvas.getContext("2d");
  const side = canvas.width / 8;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = getComputedStyle(canvas).color;
  pixels.forEach((grey, i) => {
    context.globalAlpha = grey / 16;
    context.fillRect((i % 8) * side, Math.floor(i / 8) * side, side, side);
  });
  context.globalAlpha = 1;
}

/** Takes strokes by pointer. `started` and `ended` are told of each; `strokes` are in shares of the pad's side. */
export class Pad {
  constructor(canvas, { started, ended }) {
    this.canvas = canvas;
    this.strokes = [];
    this.pixels = null;
    let pointer = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      canvas.setPointerCapture(pointer);
      this.pixels = null;
      this.strokes.push([this.point(event)]);
      started();
      this.paint();
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const between = event.getCoalescedEvents?.() ?? [];
      this.strokes.at(-1).push(...(between.length > 0 ? between : [event]).map((each) => this.point(each)));
      this.paint();
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        ended();
      });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  point(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
  }

  clear() {
    this.strokes = [];
    this.pixels = null;
    this.paint();
  }

  /** Shows an image in place of strokes; the next stroke begins anew. */
  show(pixels) {
    this.strokes = [];
    this.pixels = pixels;
    this.paint();
  }

  paint() {
    const { canvas } = this;
    if (this.pixels) return paint(canvas, this.pixels);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = getComputedStyle(canvas).color;
    const scale = ({ x, y }) => ({ x: x * canvas.width, y: y * canvas.height });
    trace(context, this.strokes.map((stroke) => stroke.map(scale)), PEN * canvas.width);
  }
}
