// A variant, asked by its name, beside the one with the most weight: one body, both answers.

import { Asking } from "../lib/asking.js";
import { brief } from "../lib/captured.js";
import { element, milliseconds, variantName } from "../lib/dom.js";
import { field } from "../lib/field.js";
import { sample } from "../lib/signature.js";
import { words } from "../lib/trouble.js";
import { answerOf } from "../lib/worker.js";

/** An answer laid out to be read: lists of numbers on one line each. */
function laidOut(text) {
  try {
    const lines = JSON.stringify(JSON.parse(text), null, 2);
    return brief(lines.replaceAll(/\[([^[\]{}"]+)\]/g, (_, numbers) => `[${numbers.trim().replaceAll(/\s+/g, " ")}]`));
  } catch {
    return brief(text);
  }
}

/** `{element, begin({name, inputs, rows}), drop()}`. `evidence` knows the endpoint. */
export function ask(evidence) {
  const body = field("What to ask", { rows: "4" });
  const secret = field("The caller’s token", { type: "password" }, "This endpoint answers only who has it. Kept in this page’s memory only.");
  const button = element("button.primary", { type: "button" }, "Ask both");
  const [status, trouble, answers] = [element("p.verdict", { role: "status" }), element("div"), element("div.pair")];
  const asking = new Asking({ status, trouble });
  let name = null;

  /** The variant that answers most. */
  function first() {
    const others = (evidence.description?.variants ?? []).filter((variant) => variant.name !== name && variant.shadow === undefined);
    return others.toSorted((a, b) => b.weight - a.weight)[0]?.name;
  }

  function card(variant, { value, reason }) {
    const position = evidence.position(variant);
    const said = value ? element("pre", { tabindex: "0", role: "region", "aria-label": `What ${variant} answered` }, element("code", {}, laidOut(value.text))) : element("p.odd", {}, words(reason));
    return element(`article.answer.v${position % 6}`, { "aria-label": `Answer of ${variant}` }, element("header", {}, element("h4", {}, variantName(variant, position)), element("p.note", {}, value ? `asked by name · ${milliseconds(value.ms)}` : "asked by name")), said);
  }

  /** What may be said of both: of numbers there is no telling here how far apart is too far. */
  function verdict(asked, [mine, theirs]) {
    const answered = asked.filter((_, i) => (i === 0 ? mine : theirs).value);
    if (answered.length < 2) return answered.length === 0 ? "There is no answer. See below why." : asked.length === 1 ? `${name} has answered.` : `Only ${answered[0]} has answered.`;
    return mine.value.text === theirs.value.text ? "Both answers are the same." : "The answers differ. See below how.";
  }

  async function both() {
    if (!body.input.value.trim()) return body.input.focus();
    answers.replaceChildren();
    const asked = [name, first()].filter(Boolean);
    await asking.run(`Asking ${asked.join(" and ")} …`, async (signal) => {
      const all = await Promise.allSettled(asked.map((target) => answerOf(evidence.name, body.input.value, { target, token: secret.element.hidden ? "" : secret.input.value, signal })));
      if (signal.aborted) return "";
      answers.replaceChildren(...all.map((each, i) => card(asked[i], each)));
      return verdict(asked, all);
    });
  }

  asking.startedBy(button, both);
  return {
    element: element("div.steps", {}, body.element, secret.element, element("div.row", {}, button), trouble, status, answers),
    begin(variant) {
      name = variant.name;
      const other = first();
      asking.drop();
      answers.replaceChildren();
      asking.rename(other ? "Ask both" : `Ask ${name}`);
      body.input.value = sample(variant.inputs, variant.rows);
      const from = variant.rows ? "The first of the check rows" : body.input.value ? "Zeros of the right shape" : "A row is too long to be proposed here";
      body.say(`${from}; JSON or CSV. ${other ? `${name} and ${other} are both asked by name, which counts for no split of the traffic.` : ""}`);
      secret.element.hidden = !evidence.description?.access?.bearer;
    },
    drop() {
      asking.drop();
      answers.replaceChildren();
    },
  };
}
