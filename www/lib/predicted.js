// Predictions, and how far two are apart, in words and figures.

/** A class that no outcome has named yet. */
const UNNAMED = /^#[0-9a-f]{8}$/;

const minus = (text) => text.replace("-", "\u2212");
/** A number of any size, to four digits. */
export const short = (number) => minus(String(Number(number.toPrecision(4))));

/** Scores are shares, told as exactly as they are looked at. */
export const scored = (score) => (score > 0 && score < 0.0005 ? "below 0.001" : score.toFixed(3));

export const isUnnamed = ({ label }) => UNNAMED.test(label ?? "");

/** The class or the number that was predicted. */
export const told = (what) => (what.label === undefined ? short(what.value) : isUnnamed(what) ? `class ${what.label}` : what.label);

/** The same with the score, where there is one. */
export const said = (what) => `${told(what)}${what.score === undefined ? "" : `, score ${scored(what.score)}`}`;

/** A p-value. */
export const rare = (p) => (p < 0.0001 ? "p below 0.0001" : `p = ${short(Number(p.toPrecision(2)))}`);

/** How differences are written: all with as many digits as the large ones take. */
export function differences({ p5, p95 }) {
  const most = Math.max(Math.abs(p5), Math.abs(p95));
  const digits = most > 0 ? Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(most)))) : 3;
  return (number) => {
    const text = Math.abs(number).toFixed(digits);
    return Number(text) === 0 ? text : `${number < 0 ? "\u2212" : "+"}${text}`;
  };
}

export const when = (ms) => new Date(ms).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
