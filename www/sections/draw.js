// A digit, drawn or picked, and what each variant makes of it.

import { Asking, usable } from "../lib/asking.js";
import { bar, count, element, find, list, milliseconds, percent, variantName } from "../lib/dom.js";
import { Pad, paint } from "../lib/pad.js";
import { disagreements, whoIsRight } from "../lib/pairs.js";
import { rasterise } from "../lib/raster.js";
import { show } from "../lib/trouble.js";
import { because, invoke, table } from "../lib/worker.js";

/** Long enough to set the pen down again for the second stroke of a 4. */
const PAUSE_MS = 700;
const SHOWN = 20;
const HELD_OUT = "Held out: no model has seen these in training. Arrow keys move, Enter picks.";

export function draw(endpoint) {
  const asking = new Asking({ status: find("#draw-verdict"), trouble: find("#draw-trouble") });
  let digit = null; // { pixels, truth }
  let answers = new Map(); // by variant
  let timer;

  const pad = new Pad(find("#pad"), {
    started: () => {
      clearTimeout(timer);
      take({ pixels: rasterise(pad.strokes) });
    },
    ended: () => {
      take({ pixels: rasterise(pad.strokes) });
      timer = setTimeout(() => ask(), PAUSE_MS);
    },
  });

  function take(next) {
    clearTimeout(timer);
    // An answer to an older drawing is not waited for.
    asking.drop();
    digit = next;
    answers = new Map();
    find("#pad-hint").hidden = digit !== null;
    const sent = find("#sent");
    paint(sent, digit?.pixels ?? []);
    sent.setAttribute("aria-label", digit ? `The 8 by 8 image that is sent: ${digit.pixels.join(" ")}` : "The 8 by 8 image that is sent: empty");
    answered();
  }

  async function ask(target) {
    clearTimeout(timer);
    if (!digit) return show(asking.trouble, { message: "There is nothing to ask about yet", fix: "Draw a digit, or pick a real one" });
    const title = target ? `a digit, asked of ${target} by name` : "a digit, asked of whichever variant is chosen";
    const row = digit.pixels.join(",");
    const asked = asking.run(target ? `Asking ${target} …` : "Asking …", async (signal) => {
      const answer = await invoke(endpoint.name, [row], { title, target, signal });
      if (!target) answers = new Map();
      answers.set(answer.variant, answer);
      return verdict();
    });
    answered();
    await asked;
    answered();
  }

  function answered() {
    const place = find("#answers");
    // Whoever asked for the second answer is led to it: the button that asked is gone.
    const held = [...place.children].findIndex((card) => card.contains(document.activeElement));
    place.replaceChildren(...(answers.size === 0 ? [blank()] : endpoint.variants.map((name, i) => (answers.has(name) ? card(name, i) : offer(name, i)))));
    if (held >= 0) (place.children[held].querySelector("button") ?? place.children[held]).focus();
  }

  const blank = () => element("p.blank", {}, asking.busy ? "One moment …" : digit ? "No answer yet." : "The answer appears here: which variant was chosen and why, and how sure it is of each digit.");

  function card(name, position) {
    const { predictions, reason, ms } = answers.get(name);
    const { label, probabilities } = predictions[0];
    const rows = probabilities.map((probability, number) =>
      element(`li${number === Number(label) ? ".best" : ""}`, {}, element("span", {}, String(number)), " ", bar(probability), element("span", {}, percent(probability))),
    );
    return element(
      `article.answer.v${position % 6}`,
      { "aria-label": `Answer of ${name}`, tabindex: "-1" },
      element("header", {}, element("h3", {}, variantName(name, position)), element("p.note", {}, `${because(reason)} (${reason}) · ${milliseconds(ms)}`)),
      element("p.label", {}, element("span.unseen", {}, "It reads "), String(label)),
      element("ol.bars", { "aria-label": `Probabilities by ${name}` }, ...rows),
    );
  }

  const offer = (name, position) =>
    element(
      `article.answer.offer.v${position % 6}`,
      { "aria-label": `Not asked yet: ${name}` },
      element("header", {}, element("h3", {}, variantName(name, position)), element("p.note", {}, endpoint.shadows.includes(name) ? "a shadow: it answers here only if asked by name" : "not asked")),
      element("button", { type: "button", onclick: () => ask(name) }, `Ask ${name} as well`),
    );

  function verdict() {
    const truth = digit.truth === undefined ? "" : ` It is a ${digit.truth}.`;
    const said = [...answers].map(([name, answer]) => {
      const { label, probabilities } = answer.predictions[0];
      return { name, label: Number(label), sure: probabilities[label] };
    });
    if (said.length === 1) return `${said[0].name} reads ${said[0].label}.${truth}`;
    if (said.every(({ label }) => label === said[0].label)) {
      const [by, most] = widest();
      const apart = most < 0.0005 ? "Their probabilities are the same." : `They are furthest apart on ${by}, by ${percent(most)} of probability.`;
      return `They agree on ${said[0].label}.${truth} ${apart}`;
    }
    return `They disagree: ${list(said.map(({ name, label, sure }) => `${name} reads ${label} (${percent(sure, 0)} sure)`))}.${truth}`;
  }

  /** The digit on which the answers differ most, and by how much. */
  function widest() {
    const all = [...answers.values()].map((answer) => answer.predictions[0].probabilities);
    const gaps = all[0].map((_, number) => Math.max(...all.map((p) => p[number])) - Math.min(...all.map((p) => p[number])));
    const most = Math.max(...gaps);
    return [gaps.indexOf(most), most];
  }

  find("#ask").addEventListener("click", () => ask());
  find("#clear").addEventListener("click", () => {
    pad.clear();
    take(null);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(find("#sent"), digit?.pixels ?? []));
  find("#pad-hint").textContent = "Draw 0 to 9 here";
  answered();
  return picker(endpoint, (picked) => {
    pad.show(picked.pixels);
    take(picked);
    ask();
  });
}

/** Thumbnails of held-out digits: one stop for Tab, arrows between them. */
async function picker(endpoint, picked) {
  const place = find("#thumbs");
  const asking = new Asking({ status: find("#picker-note"), trouble: find("#picker-trouble") });
  let digits, ink;
  try {
    digits = (await table(endpoint.name)).map(([label, ...pixels], i) => ({ truth: Number(label), pixels: pixels.map(Number), number: i + 1 }));
  } catch (error) {
    usable([find("#shuffle"), find("#hard")], false);
    return show(asking.trouble, error);
  }

  const fill = (chosen) => {
    const buttons = chosen.map((digit, i) => {
      const canvas = element("canvas", { width: "32", height: "32", "aria-hidden": "true" });
      return element(
        "button.thumb",
        { type: "button", tabindex: i === 0 ? "0" : "-1", "aria-pressed": "false", "aria-label": `A ${digit.truth}, held-out digit ${digit.number}`, onclick: () => choose(i) },
        canvas,
        element("span", { "aria-hidden": "true" }, String(digit.truth)),
      );
    });
    const choose = (i) => {
      buttons.forEach((button, j) => button.setAttribute("aria-pressed", String(i === j)));
      focusable(i);
      picked(chosen[i]);
    };
    const focusable = (i) => buttons.forEach((button, j) => button.setAttribute("tabindex", i === j ? "0" : "-1"));
    place.onkeydown = (event) => {
      const at = buttons.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (at < 0 || !buttons[to]) return;
      event.preventDefault();
      focusable(to);
      buttons[to].focus();
    };
    place.replaceChildren(...buttons);
    ink = () => buttons.forEach((button, i) => paint(button.firstChild, chosen[i].pixels));
    ink();
  };

  const some = () => {
    const left = [...digits];
    return Array.from({ length: Math.min(SHOWN, left.length) }, () => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
  };

  const disagreed = () =>
    asking.run(`Asking ${list(endpoint.variants)} about all ${count(digits.length)} …`, async (signal) => {
      const rows = digits.map((digit) => digit.pixels.join(","));
      const answers = await Promise.all(endpoint.variants.map((target) => invoke(endpoint.name, rows, { target, signal })));
      const labels = answers.map((answer) => answer.predictions.map(({ label }) => Number(label)));
      const at = disagreements(labels);
      const said = `Of ${count(digits.length)} held-out digits the models disagree on ${at.length}`;
      if (at.length === 0) return `${said}.`;
      fill(at.map((i) => digits[i]));
      return `${said}: these. ${whoIsRight(endpoint.variants, labels, digits.map(({ truth }) => truth), at)}`;
    });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => ink());
  find("#shuffle").addEventListener("click", () => {
    // What was said of the digits before is not true of these.
    asking.drop();
    asking.status.textContent = HELD_OUT;
    fill(some());
  });
  find("#hard").addEventListener("click", disagreed);
  asking.status.textContent = HELD_OUT;
  // At first two of each kind, in order.
  fill(Array.from({ length: 10 }, (_, label) => digits.filter((digit) => digit.truth === label).slice(0, 2)).flat());
}
