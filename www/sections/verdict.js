// Which model is better, whether one may say so now, and how that came about: the verdict's word and the one picture.

import { VerdictPlot } from "../charts/verdict.js";
import { count, element, list, percent, table } from "../lib/dom.js";
import { cleared, interval, measure, word } from "../lib/measures.js";

const ROWS = 8;

/** A point for what is known now: the picture's own is of up to two percent earlier. */
function pointsOf(evidence) {
  const { series = [], difference, interval: known } = evidence.comparison;
  const { outcomes, verdict } = evidence;
  const last = series.at(-1);
  if (!known || last?.outcomes >= outcomes) return series;
  return [...series, { outcomes, at_ms: verdict.as_of_ms, difference, low: known[0], high: known[1], share: last?.share ?? null }];
}

/** What was assigned to a variant, in words: the unit that the document names, or the request. */
function randomised({ description, verdict }) {
  const unit = description.assignment?.unit;
  const [kind, name] = Object.entries(unit ?? {})[0] ?? [];
  const of = verdict.variants.map(({ variant, units, outcomes }) => `${variant} ${count(units)}${units === outcomes ? "" : ` with ${count(outcomes)} outcomes`}`);
  return unit ? `Drawn by user (${kind} ${name}), each with one variant for all requests: ${list(of)}.` : `Drawn request by request: ${list(of)}.`;
}

/** Some of the points, for those who cannot see the picture: evenly spaced, and the last. */
const some = (points) => points.filter((_, i) => (points.length - 1 - i) % Math.ceil(points.length / ROWS) === 0);

/** Fills `place` with the verdict of `evidence`, and keeps it up to date. */
export function verdict(evidence, place) {
  const choice = element("select", { onchange: () => evidence.compare(choice.value) });
  const choosing = element("label.inline", { hidden: true }, "Compare ", choice);
  // The one thing that is announced: the word, when it is another.
  const said = element("p.word", { role: "status" });
  const sentence = element("p");
  const note = element("p.note", {}, "");
  const age = element("span");
  const foot = element("p.note");
  const above = element("div.plot.difference");
  const below = element("div.plot.share");
  const title = element("h3");
  const figures = element("div");
  const known = element("div", { hidden: true }, title, above, below, foot, element("details", {}, element("summary", {}, "The picture in figures"), figures));
  place.replaceChildren(element("div.between", {}, said, choosing), sentence, note, known);
  const plot = new VerdictPlot(above, below);
  let shown = "";

  function say(text, tone = "") {
    if (said.textContent === text) return;
    said.textContent = text;
    said.className = `word ${tone}`;
  }

  function compared() {
    const { verdict, comparison } = evidence;
    const { comparisons, baseline } = verdict;
    choosing.hidden = comparisons.length < 2;
    const names = comparisons.map(({ variant }) => variant).join();
    if (names !== choice.dataset.names) choice.replaceChildren(...comparisons.map(({ variant }) => element("option", { value: variant }, `${variant} against ${baseline}`)));
    choice.dataset.names = names;
    choice.value = comparison.variant;
  }

  function paint() {
    const { verdict, comparison, missing } = evidence;
    note.replaceChildren();
    known.hidden = true;
    if (missing) {
      say("No verdict");
      return (sentence.textContent = missing);
    }
    if (!verdict) return;
    if (!comparison) {
      say("No verdict");
      return (sentence.textContent = "There is one variant only, so there is nothing to compare.");
    }
    compared();
    known.hidden = false;
    const { baseline, margin, metric, is_better_higher: higher, alpha } = verdict;
    const { variant } = comparison;
    const measured = measure(metric);
    say(word(comparison, verdict), evidence.decided ? "decided" : "");
    sentence.textContent = comparison.says;
    note.append(`You may look whenever you like: wrong at most ${percent(alpha, 0)} of the time. `, age);
    stamp();
    title.textContent = `${variant} less ${baseline}: difference of ${measured.name}${measured.unit ? ` in ${measured.unit}` : ""}`;
    const points = pointsOf(evidence);
    plot.show({ points, variant, baseline, measure: measured, higher, margin, position: evidence.position(variant), outcomes: evidence.outcomes });
    const first = cleared(points);
    const last = points.at(-1);
    const write = measured.difference;
    above.setAttribute(
      "aria-label",
      last
        ? `Chart of the difference after ${count(last.outcomes)} outcomes: ${write(last.difference)}, ${interval([last.low, last.high], write)}${first ? `; clear of zero at ${count(first.outcomes)} outcomes` : "; zero is still within"}.`
        : "Chart of the difference; it begins at 100 units of each variant.",
    );
    below.setAttribute("aria-label", last?.share == null ? "Chart of the share of traffic; nothing yet." : `Chart of the share of traffic of ${variant}: ${percent(last.share, 0)} now.`);
    foot.textContent = [
      randomised(evidence),
      margin ? `A difference of less than ${write(margin).replace("+", "")}${measured.unit ? ` ${measured.unit}` : ""} does not matter here (dashed).` : "",
      verdict.waiting > 0 ? `${count(verdict.waiting)} outcomes wait for their prediction, or until their time is over.` : "",
    ].filter(Boolean).join(" ");
    const rows = some(points).map((point) => [count(point.outcomes), write(point.difference), interval([point.low, point.high], write), point.share === null ? "–" : percent(point.share, 0)]);
    const state = JSON.stringify([variant, rows]);
    if (state !== shown) figures.replaceChildren(table("The verdict's picture in figures", ["outcomes", "difference", "interval", `traffic of ${variant}`], rows));
    shown = state;
  }

  /** How old what is shown is. */
  function stamp() {
    const seconds = evidence.seen ? Math.round((Date.now() - evidence.seen) / 1000) : 0;
    age.textContent = `As of ${seconds < 2 ? "now" : `${seconds} s ago`}.`;
  }

  evidence.addEventListener("chosen", () => {
    said.textContent = "";
    sentence.textContent = "Loading …";
    note.replaceChildren();
    known.hidden = true;
  });
  for (const event of ["looked", "compared"]) evidence.addEventListener(event, paint);
  setInterval(stamp, 1_000);
}
