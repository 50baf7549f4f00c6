// How good each variant is, in figures: the metric that is compared with its intervals, and the others.

import { intervalMark } from "../charts/interval.js";
import { count, element, table, variantName } from "../lib/dom.js";
import { interval, measure } from "../lib/measures.js";

/** What is said of a metric elsewhere. */
const LEFT_OUT = new Set(["auc_within"]);
const OF_LABELS = ["precision", "recall", "f1"];

/** Fills `place` with the scorecard of `evidence`, and keeps it up to date. */
export function quality(evidence, place) {
  let shown = "";

  function difference({ interval: known, difference }, write) {
    if (difference === null) return "–";
    if (!known) return write(difference);
    return element("span.stacked", {}, element("b", {}, write(difference)), intervalMark(known, difference), element("span.note", {}, interval(known, write)));
  }

  function paint() {
    const { verdict, comparison } = evidence;
    if (!verdict) return place.replaceChildren();
    const { variants, metric, baseline } = verdict;
    const main = measure(metric);
    const stacked = ({ mean, interval: known }) =>
      mean === null ? "–" : known ? element("span.stacked", {}, main.value(mean), element("span.note", {}, interval(known, main.value))) : main.value(mean);
    const names = [...new Set(variants.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) => name !== metric && !LEFT_OUT.has(name));
    const found = (name) => variants.find(({ variant }) => variant === name);
    const plain = (name) => {
      const { value, difference } = measure(name);
      const [a, b] = [baseline, comparison?.variant].map((variant) => found(variant)?.metrics[name]);
      return [measure(name).name, ...variants.map(({ metrics }) => (metrics[name] == null ? "–" : value(metrics[name]))), a == null || b == null ? "–" : difference(b - a)];
    };
    const rows = [
      ["outcomes", ...variants.map(({ outcomes }) => count(outcomes)), ""],
      [element("b", {}, main.name), ...variants.map(stacked), comparison ? difference(comparison, main.difference) : "–"],
      ...names.map(plain),
    ];
    const state = JSON.stringify([variants, comparison?.variant, comparison?.interval]);
    if (state === shown && place.firstChild) return;
    shown = state;
    const left = place.querySelector(".scroll")?.scrollLeft ?? 0;
    const focused = place.contains(document.activeElement);
    const head = ["", ...variants.map(({ variant }, i) => variantName(variant, i)), comparison ? `${comparison.variant} less ${baseline}` : ""];
    const positive = evidence.description?.outcome?.positive;
    const threshold = names.some((name) => OF_LABELS.includes(name)) ? ` Precision, recall and F1 are of the labels that the models give${positive ? ` (of “${positive}”)` : ""}; a classifier of two classes gives the one whose probability is above 0.5.` : "";
    place.replaceChildren(
      table("Quality by variant", head, rows),
      element("p.note", {}, `Intervals of ${main.name} hold at every look. The other metrics are plain figures, without one.${threshold}`),
    );
    const scroll = place.querySelector(".scroll");
    scroll.scrollLeft = left;
    if (focused) scroll.focus();
  }

  evidence.addEventListener("chosen", () => place.replaceChildren());
  for (const event of ["looked", "compared"]) evidence.addEventListener(event, paint);
}
