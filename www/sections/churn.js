// A table: one customer before all models, and where they disagree on all of them.

import { Asking } from "../lib/asking.js";
import { bar, count, element, find, list, percent, variantName } from "../lib/dom.js";
import { disagreements, whoIsRight } from "../lib/pairs.js";
import { columns, invoke, table as rowsOf } from "../lib/worker.js";

export async function churn(endpoint) {
  const [rows, names] = await Promise.all([rowsOf(endpoint.name), columns(endpoint.name)]);
  const customers = rows.map(([label, ...values]) => ({ left: label === "yes", values }));
  one(endpoint, customers, names);
}

const leaving = (prediction) => prediction.probabilities[1];

function one(endpoint, customers, names) {
  const number = find("#customer-number");
  const asking = new Asking({ status: find("#customer-verdict"), trouble: find("#customer-trouble") });
  let at = 0;
  number.max = customers.length;

  /** Shows a customer. Only what the visitor asked for is offered as lines to copy, so not the first one: `asked` tells. */
  function pick(next, asked = true) {
    at = (next + customers.length) % customers.length;
    const customer = customers[at];
    number.value = at + 1;
    find("#customer-title").textContent = `Customer ${count(at + 1)} of ${count(customers.length)}`;
    find("#customer").replaceChildren(...names.map((name, i) => element("div", {}, element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, customer.values[i] ?? "–"))));
    answered(customer);
    return asking.run(`Asking ${list(endpoint.variants)} …`, async (signal) => {
      const row = customer.values.join(",");
      const title = (target) => (asked ? `customer ${customers.indexOf(customer) + 1}, asked of ${target} by name` : undefined);
      const answers = await Promise.all(endpoint.variants.map((target) => invoke(endpoint.name, [row], { title: title(target), target, signal })));
      return answered(customer, answers.map(({ predictions: [prediction] }) => prediction));
    });
  }

  /** Shows what is predicted, nothing as yet without predictions; gives the verdict. */
  function answered({ left }, predictions) {
    const rows = endpoint.variants.map((name, i) => {
      const shown = element(`li.v${i % 6}`, {}, element("span", {}, variantName(name, i)));
      if (!predictions) {
        shown.append(bar(0), element("span", {}, "–"), element("span"));
        return shown;
      }
      const { label } = predictions[i];
      const right = (label === "yes") === left;
      shown.append(
        bar(leaving(predictions[i])),
        " ",
        element("span", {}, percent(leaving(predictions[i]))),
        " ",
        element("span", {}, `${label === "yes" ? "leaves" : "stays"}, `, element(`b.${right ? "good" : "odd"}`, {}, right ? "right" : "wrong")),
      );
      return shown;
    });
    find("#customer-answers").replaceChildren(element("p.note", {}, "Probability of leaving"), element("ul.odds", { "aria-label": "Probability of leaving by variant" }, ...rows));
    if (!predictions) return "";
    const right = endpoint.variants.filter((_, i) => (predictions[i].label === "yes") === left);
    const who = right.length === 0 ? "No model saw it" : right.length === endpoint.variants.length ? "All models saw it" : `Only ${list(right)} saw it`;
    return `In truth this customer ${left ? "left" : "stayed"}. ${who}.`;
  }

  find("#customer-previous").addEventListener("click", () => pick(at - 1));
  find("#customer-next").addEventListener("click", () => pick(at + 1));
  /** The next customer after this one of whom something is true. */
  function seek(fits) {
    for (let step = 1; step <= customers.length; step += 1) {
      const next = (at + step) % customers.length;
      if (fits(next)) return pick(next);
    }
  }

  /** Each variant's label of every customer; asked once. */
  let labels;
  async function disagreement() {
    const rows = customers.map(({ values }) => values.join(","));
    const known = await asking.run(`Asking ${list(endpoint.variants)} about all ${count(customers.length)} …`, async (signal) => {
      const ask = async (target) => (await invoke(endpoint.name, rows, { target, signal })).predictions.map(({ label }) => label);
      labels ??= await Promise.all(endpoint.variants.map(ask));
    });
    if (!known) return;
    const at = disagreements(labels);
    const right = whoIsRight(endpoint.variants, labels, customers.map(({ left }) => (left ? "yes" : "no")), at);
    find("#customer-pairs").textContent = `Of ${count(customers.length)} held-out customers the models disagree on ${count(at.length)}: ${right}`;
    seek((i) => at.includes(i));
  }

  find("#customer-leaver").addEventListener("click", () => seek((i) => customers[i].left));
  find("#customer-hard").addEventListener("click", disagreement);
  number.addEventListener("change", () => {
    const wanted = Math.round(Number(number.value)) || 1;
    pick(Math.max(1, Math.min(customers.length, wanted)) - 1);
  });
  pick(0, false);
}
