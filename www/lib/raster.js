// Strokes into what the models know: a bitmap of 32 by 32, ink counted in blocks of 4 by 4, as UCI's digits were made.

const SIDE = 32;
const BLOCK = 4;
/** UCI's digits fill the height, and nearly never the outer columns. */
const WIDTH = 26;
/** They have about this much ink each, a thin 1 as well as a curly 8. So the pen is as wide as that takes, within reason. */
const INK = 310;
const PENS = Array.from({ length: 11 }, (_, i) => 3 + i / 2);

/** 64 counts, 0 to 16, of strokes (lists of `{x, y}` in any unit). */
export function rasterise(strokes) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const off = (counts) => Math.abs(counts.reduce((sum, count) => sum + count, 0) - INK);
  const tries = PENS.map((pen) => counted(context, fitted(strokes, pen), pen));
  return tries.reduce((best, counts) => (off(counts) < off(best) ? counts : best));
}

function counted(context, strokes, pen) {
  context.clearRect(0, 0, SIDE, SIDE);
  trace(context, strokes, pen);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const counts = new Array(64).fill(0);
  for (let y = 0; y < SIDE; y += 1)
    for (let x = 0; x < SIDE; x += 1)
      if (data[4 * (y * SIDE + x) + 3] >= 128) counts[Math.floor(y / BLOCK) * 8 + Math.floor(x / BLOCK)] += 1;
  return counts;
}

/** The strokes with their bounding box centred and as large as the bitmap takes with the pen's width. */
function fitted(strokes, pen) {
  const points = strokes.flat();
  const [left, right] = ends(points.map((point) => point.x));
  const [top, bottom] = ends(points.map((point) => point.y));
  // A dot has no extent, and stays one.
  const scale = right > left || bottom > top ? Math.min((WIDTH - pen) / (right - left), (SIDE - pen) / (bottom - top)) : 0;
  const place = ({ x, y }) => ({ x: SIDE / 2 + scale * (x - (left + right) / 2), y: SIDE / 2 + scale * (y - (top + bottom) / 2) });
  return strokes.map((stroke) => stroke.map(place));
}

const ends = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

/** Draws strokes with a round pen. */
export function trace(context, strokes, width) {
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  for (const [first, ...rest] of strokes) {
    context.beginPath();
    context.moveTo(first.x, first.y);
    // A dot is a line to itself.
    for (const point of rest.length > 0 ? rest : [first]) context.lineTo(point.x, point.y);
    context.stroke();
  }
}
