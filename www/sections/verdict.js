// Which model is better, whether one may say so now, and how that came about: the verdict's word and the one picture.

import { VerdictPlot } from "../charts/verdict.js";
import { count, element, list, percent, plural, table } from "../lib/dom.js";
import { briefly } from "../lib/guardrails.js";
import { cleared, interval, measure, word } from "../lib/measures.js";
import { shadowsOf } from "../lib/shadows.js";

const ROWS = 8;

/** A point for what is known now, as the picture's own is of up to two percent earlier; and one for each time that a policy looked. */
function pointsOf(evidence, steering) {
  const { variant, difference, interval: known } = evidence.comparison;
  const { outcomes, paired, verdict } = evidence;
  // What was, or is, compared by its own traffic is another story.
  const series = (evidence.comparison.series ?? []).filter(({ share }) => (share === null) === paired);
  const looked = (paired ? [] : (steering?.deeds ?? [])).flatMap(({ at_ms, figures }) => {
    const judged = figures?.verdict?.find((each) => each.variant === variant);
    const share = figures?.counted?.find((each) => each.variant === variant)?.share ?? null;
    return judged?.interval ? [{ outcomes: outcomesOf(figures), at_ms, difference: judged.difference, low: judged.interval[0], high: judged.interval[1], share }] : [];
  });
  const points = [...series, ...looked].sort((a, b) => a.outcomes - b.outcomes);
  const last = points.at(-1);
  if (!known || last?.outcomes >= outcomes) return points;
  return [...points, { outcomes, at_ms: verdict.as_of_ms, difference, low: known[0], high: known[1], share: last?.share ?? null }];
}

/** The outcomes that a policy saw when it looked. */
const outcomesOf = ({ counted }) => counted.reduce((sum, { outcomes }) => sum + outcomes, 0);

/** The requests that two were asked about, in words. */
function asked({ comparison: { variant, pairs }, verdict: { baseline } }) {
  const of = pairs.units === pairs.outcomes ? "" : ` by ${plural(pairs.units, "user")}`;
  return `On the same requests: ${plural(pairs.outcomes, "outcome")} of what ${baseline} answered${of}, and ${variant} was asked about as well, as a shadow.`;
}

/** What was assigned to a variant, in words: the unit that the document names, or the request. */
function randomised({ description, verdict }) {
  const unit = description.assignment?.unit;
  const [kind, name] = Object.entries(unit ?? {})[0] ?? [];
  const shadows = shadowsOf(description);
  const of = verdict.variants.filter(({ variant }) => !shadows.includes(variant)).map(({ variant, units, outcomes }) => `${variant} ${count(units)}${units === outcomes ? "" : ` with ${count(outcomes)} outcomes`}`);
  return unit ? `Drawn by user (${kind} ${name}), each with one variant for all requests: ${list(of)}.` : `Drawn request by request: ${list(of)}.`;
}

/** Some of the points, for those who cannot see the picture: evenly spaced, and the last. */
const some = (points) => points.filter((_, i) => (points.length - 1 - i) % Math.ceil(points.length / ROWS) === 0);

/** Outcomes that were known at a time: those of the picture's last point from before. */
const outcomesAt = (points, ms) => points.findLast(({ at_ms: at }) => at <= ms)?.outcomes ?? 0;

/**
 * What the policy did to a variant's share, the oldest first: `{deed, outcomes, share, because}`, the share from then on. What
 * a deed looked at says how many outcomes there were; of one that looked at nothing, the picture's points say it about.
 */
function marksOf(steering, points, variant) {
  const { report, to } = steering;
  const { step, shares } = report ?? {};
  if (!step?.of || to !== variant) return [];
  let at = -1;
  return steering.deeds.map((told) => {
    const { deed, figures, at_ms: ms } = told;
    if (deed === "start" || deed === "step") at += 1;
    const outcomes = figures ? outcomesOf(figures) : outcomesAt(points, ms);
    const share = deed === "roll_back" ? (shares.find(([name]) => name === variant)?.[1] ?? 0) : step.percents[Math.min(at, step.percents.length - 1)] / 100;
    return { deed, outcomes, share, because: briefly(told) };
  });
}

/** Fills `place` with the verdict of `evidence`, and keeps it up to date; with what `steering` did to the traffic, where that is given. */
export function verdict(evidence, place, steering = null) {
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
    const names = comparisons.map(({ variant, basis }) => `${variant} ${basis}`).join();
    if (names !== choice.dataset.names) choice.replaceChildren(...comparisons.map(({ variant, basis }) => element("option", { value: variant }, `${variant} against ${baseline}${basis === "pairs" ? ", as its shadow" : ""}`)));
    choice.dataset.names = names;
    choice.value = comparison.variant;
  }

  function paint() {
    const { verdict, comparison, missing, paired } = evidence;
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
    title.textContent = `${variant} less ${baseline}: difference of ${measured.name}${measured.unit ? ` in ${measured.unit}` : ""}${paired ? ", on the same requests" : ""}`;
    const points = pointsOf(evidence, steering);
    const marks = steering && !paired ? marksOf(steering, points, variant) : [];
    plot.show({ points, marks, variant, baseline, measure: measured, higher, margin, position: evidence.position(variant), outcomes: evidence.outcomes, paired });
    const first = cleared(points);
    const last = points.at(-1);
    const write = measured.difference;
    above.setAttribute(
      "aria-label",
      last
        ? `Chart of the difference after ${count(last.outcomes)} outcomes: ${write(last.difference)}, ${interval([last.low, last.high], write)}${first ? `; clear of zero at ${count(first.outcomes)} outcomes` : "; zero is still within"}.`
        : `Chart of the difference; it begins at 100 ${paired ? "users or requests" : "units of each variant"}.`,
    );
    const now = marks.at(-1)?.share ?? last?.share ?? null;
    const steps = marks.slice(1).filter(({ deed }) => deed === "step" || deed === "roll_back");
    const moved = steps.map(({ deed, share, because, outcomes }) => `${deed === "roll_back" ? `rolled back${because ? `, because ${because},` : ""}` : percent(share, 0)} at ${count(outcomes)} outcomes`);
    below.setAttribute("aria-label", paired ? "Axis of the outcomes." : now === null ? "Chart of the share of traffic; nothing yet." : `Chart of the share of traffic of ${variant}: ${percent(now, 0)} now${moved.length > 0 ? `; ${moved.join(", ")}` : ""}.`);
    foot.textContent = [
      paired ? asked(evidence) : randomised(evidence),
      margin ? `A difference of less than ${write(margin).replace("+", "")}${measured.unit ? ` ${measured.unit}` : ""} does not matter here (dashed).` : "",
      verdict.waiting > 0 ? `${count(verdict.waiting)} outcomes wait for their prediction, or until their time is over.` : "",
    ].filter(Boolean).join(" ");
    const rows = some(points).map((point) => [count(point.outcomes), write(point.difference), interval([point.low, point.high], write), ...(paired ? [] : [point.share === null ? "–" : percent(point.share, 0)])]);
    const head = ["outcomes", "difference", "interval", ...(paired ? [] : [`traffic of ${variant}`])];
    const state = JSON.stringify([variant, head, rows]);
    if (state !== shown) figures.replaceChildren(table("The verdict's picture in figures", head, rows));
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
  steering?.addEventListener("looked", paint);
  setInterval(stamp, 1_000);
}
