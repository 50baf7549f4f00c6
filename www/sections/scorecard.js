// What is known of each variant's requests, in figures.

import { count, element, find, milliseconds, percent, plural, table, variantName } from "../lib/dom.js";
import { isShadow } from "../lib/experiment.js";

const HEAD = ["variant", "requests", "share", "configured", "rows", "failures", "failure rate", "answered by the fallback", "stood in", "host, median", "host, 99 %"];

/** Where there are shadows. */
const SHADOWED = ["asked as a shadow", "failures as a shadow"];

const FEW = 1_000;

export function scorecard(experiment) {
  /** A shadow answers nobody, so that it has no share: a 0 would look like a fault. */
  const name = (line) => {
    const named = variantName(line.variant, experiment.position(line.variant));
    return isShadow(line) ? element("span", {}, named, " ", element("span.note", {}, "shadow")) : named;
  };
  const shown = (value, format) => (value === null || value === undefined ? "–" : format(value));

  experiment.addEventListener("chosen", () => {
    find("#scores").replaceChildren();
    find("#scores-note").textContent = "";
  });
  experiment.addEventListener("looked", () => {
    if (!experiment.total) return;
    const { lines, lost, bytes } = experiment.total;
    const shadowed = lines.some((line) => line.shadowed);
    const rows = lines.toSorted((a, b) => experiment.position(a.variant) - experiment.position(b.variant)).map((line) => [
      line.variant ? name(line) : element("i", {}, "none chosen"),
      count(line.invocations),
      shown(isShadow(line) ? null : line.share, percent),
      shown(isShadow(line) ? null : line.expected_share, percent),
      count(line.rows),
      count(line.errors.variant),
      shown(line.error_rate, (rate) => percent(rate, 2)),
      count(line.fallbacks),
      count(line.stood_in),
      shown(line.origin_ms?.p50, milliseconds),
      // Of a few answers the slowest says nothing of the slowest hundredth.
      shown(line.origin_ms?.count >= FEW ? line.origin_ms.p99 : null, milliseconds),
      ...(shadowed ? [shown(line.shadowed?.invocations, count), shown(line.shadowed?.errors, count)] : []),
    ]);
    const place = find("#scores");
    // A table that is being scrolled stays where it is.
    const left = place.querySelector(".scroll")?.scrollLeft ?? 0;
    const focused = place.contains(document.activeElement);
    place.replaceChildren(rows.length > 0 ? table("Scorecard by variant", shadowed ? [...HEAD, ...SHADOWED] : HEAD, rows) : element("p.note", {}, "Nothing has been counted yet."));
    const scroll = place.querySelector(".scroll");
    if (scroll) scroll.scrollLeft = left;
    if (focused) scroll?.focus();
    const callers = lines.reduce((sum, line) => sum + line.errors.caller, 0);
    const parts = [`${plural(callers, "request")} failed by the caller's own mistake.`, `The experiment takes ${count(Math.ceil(bytes / 1024))} KB.`];
    if (lost > 0) parts.unshift(`${plural(lost, "request")} could not be counted.`);
    find("#scores-note").textContent = parts.join(" ");
  });
}
