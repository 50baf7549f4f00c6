// How good each variant is, in figures: the metric that is compared with its intervals, and the others.

import { intervalMark } from "../charts/interval.js";
import { count, element, table, variantName } from "../lib/dom.js";
import { interval, measure } from "../lib/measures.js";
import { shadowsOf } from "../lib/shadows.js";

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

  /** Of a shadow: the two on the same requests, and nothing else. */
  function paired({ variant, pairs, difference: by, interval: known }, { baseline, metric }) {
    const main = measure(metric);
    const value = (mean) => (mean === null ? "–" : main.value(mean));
    const head = ["on the same requests", variantName(baseline, evidence.position(baseline)), variantName(variant, evidence.position(variant)), `${variant} less ${baseline}`];
    const rows = [
      ["outcomes", count(pairs.outcomes), count(pairs.outcomes), ""],
      [element("b", {}, main.name), value(pairs.baseline_mean), value(pairs.variant_mean), difference({ interval: known, difference: by }, main.difference)],
    ];
    return { head, rows, note: "The interval of the difference holds at every look." };
  }

  /** Of what was assigned: each variant that answers, by its own outcomes. */
  function assigned({ description, verdict, comparison }) {
    const { metric, baseline } = verdict;
    const shadows = shadowsOf(description);
    const variants = verdict.variants.filter(({ variant }) => !shadows.includes(variant));
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
    const head = ["", ...variants.map(({ variant }) => variantName(variant, evidence.position(variant))), comparison ? `${comparison.variant} less ${baseline}` : ""];
    const positive = evidence.description?.outcome?.positive;
    const threshold = names.some((name) => OF_LABELS.includes(name)) ? ` Precision, recall and F1 are of the labels that the models give${positive ? ` (of “${positive}”)` : ""}; a classifier of two classes gives the one whose probability is above 0.5.` : "";
    return { head, rows, note: `Intervals of ${main.name} hold at every look. The other metrics are plain figures, without one.${threshold}` };
  }

  function paint() {
    const { verdict, comparison } = evidence;
    if (!verdict) return place.replaceChildren();
    const state = JSON.stringify([verdict.variants, comparison?.variant, comparison?.interval, comparison?.pairs]);
    if (state === shown && place.firstChild) return;
    shown = state;
    const left = place.querySelector(".scroll")?.scrollLeft ?? 0;
    const focused = place.contains(document.activeElement);
    const { head, rows, note } = evidence.paired ? paired(comparison, verdict) : assigned(evidence);
    place.replaceChildren(table("Quality by variant", head, rows), element("p.note", {}, note));
    const scroll = place.querySelector(".scroll");
    scroll.scrollLeft = left;
    if (focused) scroll.focus();
  }

  evidence.addEventListener("chosen", () => place.replaceChildren());
  for (const event of ["looked", "compared"]) evidence.addEventListener(event, paint);
}
