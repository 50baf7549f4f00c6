// A table: one customer before both models, and all of them sent where the weights send them.

import { legend } from "../charts/legend.js";
import { rocPlot } from "../charts/curves.js";
import { judge } from "../core/turnout.js";
import { Asking } from "../lib/asking.js";
import { crew, eachFrame } from "../lib/crew.js";
import { bar, count, element, find, list, percent, plural, table, variantName } from "../lib/dom.js";
import { Errors } from "../lib/errors.js";
import { columns, invoke, table as rowsOf } from "../lib/worker.js";

const CHUNK = 25;
const AT_ONCE = 4;
const THRESHOLD = 0.5;

export async function churn(endpoint) {
  const [rows, names] = await Promise.all([rowsOf(endpoint.name), columns(endpoint.name)]);
  const customers = rows.map(([label, ...values]) => ({ left: label === "yes", values }));
  one(endpoint, customers, names);
  all(endpoint, customers);
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
    if (known) seek((i) => new Set(labels.map((of) => of[i])).size > 1);
  }

  find("#customer-leaver").addEventListener("click", () => seek((i) => customers[i].left));
  find("#customer-hard").addEventListener("click", disagreement);
  number.addEventListener("change", () => {
    const wanted = Math.round(Number(number.value)) || 1;
    pick(Math.max(1, Math.min(customers.length, wanted)) - 1);
  });
  pick(0, false);
}

function all(endpoint, customers) {
  const { variants } = endpoint;
  const errors = new Errors(find("#churn-trouble"));
  const progress = find("#churn-progress");
  const asking = new Asking({ status: find("#churn-status"), trouble: find("#churn-trouble") });
  const roc = rocPlot(find("#churn-chart"), variants);
  legend(find("#churn-legend"), variants, ["dashed", "a coin"]);
  let seen;
  let done = 0;

  const fresh = () => variants.map(() => ({ truth: [], scores: [] }));

  function paint() {
    progress.value = done / customers.length;
    errors.show();
    const judged = seen.map(({ truth, scores }) => (truth.length > 0 ? JSON.parse(judge(Uint8Array.from(truth), Float64Array.from(scores), THRESHOLD)) : null));
    roc.show(judged.map((each) => (each?.auc == null ? null : each.roc)));
    const figure = (value, digits = 1) => (value == null ? "–" : percent(value, digits));
    const auc = (each) => (each?.auc == null ? "–" : each.auc.toFixed(3));
    // Figures down, variants across: two or three variants fit a phone so.
    const lines = [
      ["customers", (each) => count(each?.rows ?? 0)],
      ["accuracy", (each) => figure(each?.accuracy)],
      ["precision", (each) => figure(each?.precision)],
      ["recall", (each) => figure(each?.recall)],
      ["F1", (each) => figure(each?.f1)],
      ["area under the curve", auc],
    ];
    find("#churn-table").replaceChildren(table("Quality by variant", ["", ...variants.map(variantName)], lines.map(([name, of]) => [name, ...judged.map(of)])));
    roc.say(`Chart of receiver operating characteristics. Area under the curve: ${variants.map((name, i) => `${name} ${auc(judged[i])}`).join(", ")}.`);
  }

  const painting = eachFrame(paint);

  function run() {
    seen = fresh();
    done = 0;
    errors.reset();
    return asking.run(`Sending ${plural(customers.length, "customer")} …`, async (signal) => {
      paint();
      const chunks = [];
      for (let i = 0; i < customers.length; i += CHUNK) chunks.push(customers.slice(i, i + CHUNK));
      const task = async (chunk) => {
        const rows = chunk.map(({ values }) => values.join(","));
        const { variant, predictions } = await invoke(endpoint.name, rows, { title: `${chunk.length} customers, sent where the weights send them`, signal });
        const judged = seen[variants.indexOf(variant)];
        if (signal.aborted || !judged) return;
        judged.truth.push(...chunk.map(({ left }) => Number(left)));
        judged.scores.push(...predictions.map(leaving));
        done += chunk.length;
        painting();
      };
      const failed = (error) => {
        errors.add(error);
        painting();
      };
      const { stopped, gaveUp } = await crew(chunks, AT_ONCE, signal, task, failed);
      paint();
      return `${gaveUp ? "Gave up after many failures in a row" : stopped ? "Stopped" : "Done"}: ${count(done)} of ${plural(customers.length, "customer")} judged.`;
    });
  }

  asking.startedBy(find("#churn-send"), run);
  seen = fresh();
  paint();
}
