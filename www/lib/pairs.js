// Rows that every variant was asked about: where they disagree, and who is right there. Of so few rows this tells more than
// traffic that is divided, because each row is its own control.

import { count, list } from "./dom.js";

/** The positions at which the labels differ. `labels` is a list of labels for each variant. */
export const disagreements = (labels) => labels[0].map((_, i) => i).filter((i) => labels.some((of) => of[i] !== labels[0][i]));

/** Who is right where they disagree, in words: "cnn is right on 14, logistic on 4 (p = 0.03)". */
export function whoIsRight(variants, labels, truth, at) {
  const right = labels.map((of) => at.filter((i) => of[i] === truth[i]).length);
  const order = variants.map((_, i) => i).sort((a, b) => right[b] - right[a]);
  const said = order.map((i, place) => `${variants[i]} ${place === 0 ? "is right on" : "on"} ${count(right[i])}`);
  const chance = variants.length === 2 ? `; were they equally good, so uneven a result had a probability of ${shown(signTest(...right))}` : "";
  return `${list(said)}${chance}.`;
}

const shown = (p) => (p < 0.0001 ? "less than 0.0001" : p.toPrecision(2).replace(/\.?0+$/, ""));

/** The exact two-sided sign test: how probable a division of a + b as uneven as this one is, if each side is as likely. */
export function signTest(a, b) {
  const n = a + b;
  let term = n * Math.log(0.5); // the logarithm of C(n, k) / 2^n, for k = 0
  let tail = 0;
  for (let k = 0; k <= Math.min(a, b); k += 1) {
    tail += Math.exp(term);
    term += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
