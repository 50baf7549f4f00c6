// Shadows: models that are asked about the requests that another answers, and compared with it on each of them.

import { differenceBox, rightBar } from "../charts/pairs.js";
import { count, element, milliseconds, percent, plural, table, variantName } from "../lib/dom.js";
import { measure } from "../lib/measures.js";
import { differences, isUnnamed, rare, said, scored, short, told, when } from "../lib/predicted.js";
import { looking } from "./look.js";

const stacked = (what) => element("span.stacked", {}, element("b", {}, told(what)), " ", what.score === undefined ? null : element("span.note", {}, `score ${scored(what.score)}`));

/** How often the two agreed, or how far they are apart, in a sentence. */
function agreed({ variant, shadow, requests, agreement, difference }) {
  if (agreement) return `${shadow} agreed with ${variant} on ${percent(agreement.rate)} of ${plural(agreement.rows, "row")}.`;
  if (difference) return `${shadow} less ${variant} is ${differences(difference)(difference.mean)} on average, over ${plural(difference.rows, "row")}.`;
  return `${shadow} was asked about ${plural(requests, "request")} that ${variant} answered.`;
}

/** What McNemar's test says of the requests on which one alone was right. */
function discordant({ only_baseline: baseline, only_variant: variant, p_value: p }, pair) {
  if (baseline + variant === 0) return "There is no request yet on which only one of them was right.";
  return `Where only one was right, that was ${pair.shadow} ${plural(variant, "time")} and ${pair.variant} ${plural(baseline, "time")} (${rare(p)}, valid at every look).`;
}

/** What is to be known of the requests that were compared. */
function counted({ requests, skipped, unkept, failed }) {
  return [
    `Asked about ${plural(requests, "request")}.`,
    skipped > 0 ? `Skipped ${count(skipped)}: too much was asked at once, or the model found no memory.` : "None was skipped.",
    unkept > 0 ? `Of ${count(unkept)} the predictions could not be kept for outcomes.` : "",
    failed.both > 0 ? `Both failed ${plural(failed.both, "request")}, which count for each.` : "",
    failed.unread > 0 ? `${plural(failed.unread, "request")} the shadow could not read: does it take the same input?` : "",
  ].filter(Boolean).join(" ");
}

/** Fills `place`, which is hidden where there are none, with what `asked` knows; `evidence` has the verdicts. At first `few` disagreements are shown. */
export function shadows(asked, evidence, place, { few = 20 } = {}) {
  const pairsOf = new Map(); // what is shown of each pair, by both names
  const look = looking(() => asked.name);

  function paint() {
    const { pairs } = asked;
    place.hidden = pairs.length === 0;
    const keys = pairs.map(({ variant, shadow }) => `${shadow}\n${variant}`);
    for (const key of pairsOf.keys()) if (!keys.includes(key)) pairsOf.delete(key);
    keys.forEach((key, i) => {
      if (!pairsOf.has(key)) pairsOf.set(key, pairOf(pairs[i], { asked, evidence, look, few }));
      pairsOf.get(key).paint(pairs[i]);
    });
    const laid = keys.map((key) => pairsOf.get(key).card);
    const body = place.querySelector(".shadows");
    if (laid.length !== body.children.length || laid.some((card, i) => card !== body.children[i])) body.replaceChildren(...laid);
  }

  place.append(element("div.shadows"));
  place.hidden = true;
  document.body.append(look.element);
  asked.addEventListener("chosen", () => {
    look.close();
    pairsOf.clear();
    paint();
  });
  asked.addEventListener("looked", paint);
  evidence.addEventListener("looked", paint);
}

/** One shadow beside one variant: `{card, paint(pair)}`. */
function pairOf({ variant, shadow }, { asked, evidence, look, few }) {
  const [sentence, known, agreement] = [element("p.verdict"), element("div.known"), element("p.note")];
  const rows = element("div");
  const more = element("button", { type: "button", hidden: true });
  const card = element("article.beside-each", { "aria-label": `${shadow}, shadow of ${variant}` });
  const named = (name) => ({ name, position: evidence.position(name) });
  let [all, shown, drawn] = [false, "", ""];

  more.addEventListener("click", () => {
    all = !all;
    disagreements();
  });

  /** The verdict's comparison of the two, if there is one by outcomes. */
  function compared() {
    const { verdict } = evidence;
    if (verdict?.baseline !== variant) return null;
    return verdict.comparisons.find((each) => each.basis === "pairs" && each.variant === shadow && each.outcomes > 0) ?? null;
  }

  function paint(pair) {
    const comparison = compared();
    const state = JSON.stringify([pair, comparison, evidence.position(shadow), evidence.position(variant)]);
    if (state !== shown) {
      shown = state;
      const [first, second] = [named(variant), named(shadow)];
      if (card.childElementCount === 0) card.append(element("h3", {}, variantName(shadow, second.position), ", shadow of ", variantName(variant, first.position)), sentence, agreement, known, rows, more);
      sentence.textContent = comparison?.says ?? agreed(pair);
      agreement.textContent = comparison && (pair.agreement || pair.difference) ? agreed(pair) : "";
      known.replaceChildren(...(comparison ? outcomes(comparison, pair, first, second) : []), ...distances(pair), ...figures(pair, first, second));
    }
    disagreements();
  }

  function outcomes({ pairs }, pair, first, second) {
    const { right } = pairs;
    if (right) return [element("div", {}, element("h4", {}, `Who was right, on ${plural(pairs.outcomes, "outcome")} of the same requests`), ...rightBar(right, first, second), element("p.note", {}, discordant(right, pair)))];
    const { name, value } = measure(evidence.verdict.metric);
    const means = [[variant, pairs.baseline_mean], [shadow, pairs.variant_mean]].filter(([, mean]) => mean !== null);
    return [element("p", {}, `Mean ${name} on ${plural(pairs.outcomes, "outcome")} of the same requests: ${means.map(([of, mean]) => `${of} ${value(mean)}`).join(", ")}.`)];
  }

  function distances({ difference }) {
    if (!difference) return [];
    const { rows, mean, min, p5, p25, p50, p75, p95, max } = difference;
    const write = differences(difference);
    const words = `Half of ${plural(rows, "row")} are between ${write(p25)} and ${write(p75)} (the box), nine in ten between ${write(p5)} and ${write(p95)} (the line). Median ${write(p50)}, mean ${write(mean)}, lowest ${write(min)}, highest ${write(max)}.`;
    return [element("div", {}, element("h4", {}, `How far apart: ${shadow}’s score less ${variant}’s`), differenceBox(difference, write), element("p.note", {}, words))];
  }

  function figures(pair, first, second) {
    const { failed, variant_ms: a, shadow_ms: b } = pair;
    const shown = (times, member) => (times ? milliseconds(times[member]) : "–");
    const times = a || b ? [["host, median", "p50"], ["host, 90 %", "p90"], ["host, 99 %", "p99"]].map(([name, member]) => [name, shown(a, member), shown(b, member)]) : [];
    const head = ["on these requests", variantName(variant, first.position), variantName(shadow, second.position)];
    return [element("div", {}, table(`Failures and times of ${shadow} and ${variant}`, head, [["failed", count(failed.variant), count(failed.shadow)], ...times]), element("p.note", {}, counted(pair)))];
  }

  /** The table is laid again only where it says something else, and a focus in it stays. */
  function disagreements() {
    const found = asked.between({ variant, shadow });
    const listed = all ? found : found.slice(0, few);
    more.hidden = found.length <= few;
    more.textContent = all ? `Show the first ${few}` : `Show all ${count(found.length)}`;
    const state = JSON.stringify(listed);
    if (state === drawn) return;
    drawn = state;
    const held = rows.contains(document.activeElement) ? document.activeElement.dataset.of : null;
    const left = rows.querySelector(".scroll")?.scrollLeft ?? 0;
    const cells = listed.map((each) => {
      const { inference_id: id, row, at_ms: at, size } = each;
      const button = element("button.small", { type: "button", "data-of": `${id} ${row}`, "aria-label": `Look at it: ${variant} said ${said(each.variant_said)}, ${shadow} ${said(each.shadow_said)}`, onclick: () => look.open(each) }, "Look at it");
      return [when(at), stacked(each.variant_said), stacked(each.shadow_said), button, each.variant_said.label === undefined ? short(size) : size.toFixed(3), element("span", {}, element("code.id", { title: id }, id), row > 0 ? ` row ${row + 1}` : "")];
    });
    const unnamed = listed.some((each) => isUnnamed(each.variant_said) || isUnnamed(each.shadow_said));
    rows.replaceChildren(
      ...(listed.length === 0
        ? []
        : [
            element("h4", {}, "Where they differ most"),
            table(`Where ${shadow} and ${variant} differ most`, ["time", variant, shadow, element("span.unseen", {}, "what was captured"), "apart by", "inference id"], cells),
            element("p.note", {}, `Of the last seven days, the largest difference first: of the scores or numbers, and 1 more where the labels differ.${unnamed ? " A class has its name once an outcome has told it." : ""}`),
          ]),
    );
    const scroll = rows.querySelector(".scroll");
    if (scroll) scroll.scrollLeft = left;
    if (held !== null) ([...rows.querySelectorAll("button")].find((button) => button.dataset.of === held) ?? scroll)?.focus();
  }

  return { card, paint };
}
