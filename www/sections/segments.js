// The verdict by segment, where the document names some: the comparison that is shown, in each.

import { count, element, table } from "../lib/dom.js";
import { interval, measure, word } from "../lib/measures.js";

/** Fills `place` with the segments of `evidence`, and keeps them up to date. */
export function segments(evidence, place) {
  let shown = "";

  function paint() {
    const { verdict, comparison } = evidence;
    const all = verdict?.segments ?? [];
    // A shadow has no segments.
    if (all.length === 0 || !comparison || evidence.paired) return place.replaceChildren();
    const write = measure(verdict.metric).difference;
    const rows = all.map(({ segment, comparisons }) => {
      const of = comparisons.find(({ variant }) => variant === comparison.variant);
      return [segment, count(of.outcomes), word(of, verdict), of.difference === null ? "–" : write(of.difference), of.interval ? interval(of.interval, write) : "–"];
    });
    const state = JSON.stringify([comparison.variant, rows]);
    if (state === shown && place.firstChild) return;
    shown = state;
    place.replaceChildren(
      element("h3", {}, `By segment: ${comparison.variant} against ${verdict.baseline}`),
      table("Verdict by segment", ["segment", "outcomes", "verdict", "difference", "interval"], rows),
      element("p.note", {}, "All segments together may be wrong as often as the whole: each has its part."),
    );
  }

  for (const event of ["chosen", "looked", "compared"]) evidence.addEventListener(event, paint);
}
