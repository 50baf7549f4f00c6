// Shadows: models that are asked about the requests that another answers, and compared with it on each of them.

import { differenceBox, rightBar } from "../charts/pairs.js";
import { Asking } from "../lib/asking.js";
import { brief, decoded } from "../lib/captured.js";
import { count, element, milliseconds, percent, plural, table, variantName } from "../lib/dom.js";
import { measure } from "../lib/measures.js";
import { keptBy, token } from "../lib/token.js";
import { captured } from "../lib/worker.js";

/** A class that no outcome has named yet. */
const UNNAMED = /^#[0-9a-f]{8}$/;

const when = (ms) => new Date(ms).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minus = (text) => text.replace("-", "\u2212");
const short = (number) => minus(String(Number(number.toPrecision(4))));
const rare = (p) => (p < 0.0001 ? "p below 0.0001" : `p = ${short(Number(p.toPrecision(2)))}`);
/** Scores are shares, told as exactly as they are looked at. */
const scored = (score) => (score > 0 && score < 0.0005 ? "below 0.001" : score.toFixed(3));

/** How differences are written: all with as many digits as the large ones take. */
function differences({ p5, p95 }) {
  const most = Math.max(Math.abs(p5), Math.abs(p95));
  const digits = most > 0 ? Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(most)))) : 3;
  return (number) => {
    const text = Math.abs(number).toFixed(digits);
    return Number(text) === 0 ? text : `${number < 0 ? "\u2212" : "+"}${text}`;
  };
}

/** What one said of a row: a class or a number, and a score. */
const told = ({ label, value }) => (label === undefined ? short(value) : UNNAMED.test(label) ? `class ${label}` : label);
const said = (what) => `${told(what)}${what.score === undefined ? "" : `, score ${scored(what.score)}`}`;
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
  const look = dialog(() => asked.name);

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
      return [when(at), stacked(each.variant_said), stacked(each.shadow_said), button, size.toFixed(3), element("span", {}, element("code.id", { title: id }, id), row > 0 ? ` row ${row + 1}` : "")];
    });
    const unnamed = listed.some((each) => [each.variant_said, each.shadow_said].some(({ label }) => UNNAMED.test(label ?? "")));
    rows.replaceChildren(
      ...(listed.length === 0
        ? []
        : [
            element("h4", {}, "Where they differ most"),
            table(`Where ${shadow} and ${variant} differ most`, ["time", variant, shadow, "", "apart by", "inference id"], cells),
            element("p.note", {}, `Of the last seven days, the largest difference first: of the scores or numbers, and 1 more where the labels differ.${unnamed ? " A class has its name once an outcome has told it." : ""}`),
          ]),
    );
    const scroll = rows.querySelector(".scroll");
    if (scroll) scroll.scrollLeft = left;
    if (held !== null) ([...rows.querySelectorAll("button")].find((button) => button.dataset.of === held) ?? scroll)?.focus();
  }

  return { card, paint };
}

/** Where one disagreement is looked at: `{element, open(disagreement), close()}`. `endpoint` gives the name of the endpoint. */
function dialog(endpoint) {
  const title = element("h3", { id: "looked-title" });
  const [status, trouble, asked, body] = [element("p.verdict", { role: "status" }), element("div"), element("div"), element("div.looked")];
  const close = element("button", { type: "button", onclick: () => made.close() }, "Close");
  const made = element("dialog", { "aria-labelledby": "looked-title" }, element("div.between", {}, title, close), asked, trouble, status, body);
  const asking = new Asking({ status, trouble });

  function askToken(each, refused) {
    const input = element("input", { type: "password", autocomplete: "off", spellcheck: "false" });
    keptBy(input);
    const form = element(
      "form.problem.plain",
      { autocomplete: "off", "aria-label": "Admin token" },
      element("p", {}, refused ? "This is not the admin token." : "What was captured is shown to the administrator alone."),
      element("label.field", {}, "Admin token", input),
      element("p.note", {}, "Kept in this page's memory only."),
      element("div.row", {}, element("button.primary", { type: "submit" }, "Look at it")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!token()) return input.focus();
      close.focus();
      read(each);
    });
    asked.replaceChildren(form);
    input.focus();
    input.select();
  }

  function read(each) {
    asked.replaceChildren();
    body.replaceChildren();
    if (!token()) return askToken(each);
    return asking.run("Looking …", async (signal) => {
      try {
        const found = await captured(endpoint(), each.inference_id, token(), signal);
        const lines = found?.lines ?? [];
        if (lines.length === 0) return "Not captured. What is kept of requests is the endpoint’s capture: it is off, or this request was not among them.";
        body.replaceChildren(...sides(each, lines));
        return found.complete ? "" : "This may not be all of it: not every file of the capture could be read.";
      } catch (error) {
        if (error.status !== 401) throw error;
        askToken(each, true);
      }
    });
  }

  function open(each) {
    title.replaceChildren(`Where ${each.shadow} and ${each.variant} differ`);
    body.replaceChildren();
    asking.drop();
    made.showModal();
    close.focus();
    read(each);
  }

  made.addEventListener("close", () => asking.drop());
  return { element: made, open, close: () => made.close() };
}

/** The request, and what each answered. The two lines have the same request. */
function sides(each, lines) {
  const { variant, shadow, row } = each;
  const part = (name, side) => {
    const { text, note } = decoded(side);
    return element("div", {}, element("h4", {}, name), text === undefined ? element("p.note", {}, note) : element("pre", { tabindex: "0", role: "region", "aria-label": name }, element("code", {}, text)));
  };
  const of = (name) => lines.find((line) => line.variant === name)?.line?.captureData;
  const input = lines.map(({ line }) => line?.captureData?.endpointInput).find(Boolean);
  return [
    element("p.note", {}, "Inference id ", element("code", {}, brief(each.inference_id)), ` · ${when(each.at_ms)}${row > 0 ? ` · row ${row + 1}` : ""}`),
    element("p", {}, `${variant} said ${said(each.variant_said)}; ${shadow} said ${said(each.shadow_said)}.`),
    part("Asked", input),
    part(`${variant} answered`, of(variant)?.endpointOutput),
    part(`${shadow}, the shadow, answered`, of(shadow)?.endpointOutput),
  ];
}
