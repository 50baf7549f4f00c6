// What a model takes and gives, as the worker describes it, beside what the endpoint's other variants take.

import { count, element, list, table } from "../lib/dom.js";
import { size } from "../lib/modelfile.js";
import { short } from "../lib/predicted.js";
import { beside, missingOutputs, rowShape } from "../lib/signature.js";

const SHOWN_ROWS = 3;
const MOST_CHARACTERS = 60;
const MOST_TENSORS = 8;

const cut = (text) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)} …` : text);
/** A value as it is written, its numbers to four digits. */
const text = (value) => (Array.isArray(value) ? `[${value.map(text).join(", ")}]` : typeof value === "number" ? short(value) : JSON.stringify(value ?? null));
const written = (value) => cut(text(value));
const code = (name) => element("code", {}, name);

/** The elements that say so. `evidence` knows the endpoint. */
export function signature({ described, key, check }, { file, rows, evidence }) {
  const { inputs, outputs, sha256 } = described;
  const tensors = [...inputs.map((each) => ["input", each]), ...outputs.map((each) => ["output", each])];
  const facts = [
    ["Key", code(key)],
    ["SHA-256", code(sha256)],
    ["Size", size(described.bytes ?? file.size)],
    ["Most rows at once", described.rows ? count(described.rows) : null],
    ["Check rows", check ? `${described.checked ? "reproduced" : "not run"}, from ${check}` : "none: nobody knows whether it answers here as it did elsewhere"],
  ].filter(([, said]) => said !== null);
  return [
    table("Inputs and outputs", ["", "name", "type", "a row"], tensors.slice(0, MOST_TENSORS * 3).map(([what, each]) => [what, code(each.name), each.datatype, rowShape(each)])),
    ...(tensors.length > MOST_TENSORS * 3 ? [element("p.note", {}, `And ${tensors.length - MOST_TENSORS * 3} more.`)] : []),
    element("dl.known-facts", {}, ...facts.map(([name, said]) => element("div", {}, element("dt", {}, name), element("dd", {}, said)))),
    ...compared(inputs, evidence.description),
    ...unnamed(outputs, evidence.description),
    ...(rows ? shown(rows) : []),
  ];
}

/** Whether one body suits all variants. */
function compared(inputs, description) {
  const { same, other, note } = beside(inputs, description?.variants ?? []);
  if (other.length === 0) return same.length > 0 ? [element("p.good", {}, `It takes the same inputs as ${list(same)}.`)] : [];
  return [
    element(
      "div.problem.plain",
      {},
      element("p", {}, element("b", {}, "It takes other inputs."), " Callers send one body, whichever variant is chosen."),
      element("ul", {}, ...other.map(([name, words]) => element("li", {}, `Beside ${name}: ${words}.`))),
      element("p", {}, `${note}${same.length > 0 ? ` It takes the same as ${list(same)}.` : ""}`),
    ),
  ];
}

/** What outcomes are read from has to be there. */
function unnamed(outputs, description) {
  const missing = missingOutputs(outputs, description?.outcome);
  if (missing.length === 0) return [];
  return [element("p.problem.plain", {}, `The endpoint’s outcomes are compared with ${list(missing.map((name) => `\`${name}\``))}, which is none of its outputs: its predictions could not be judged by them.`)];
}

function shown({ inputs, outputs, count: of }) {
  const [asked, expected] = [Object.entries(inputs), Object.entries(outputs)];
  const one = (columns, i) => (columns.length === 1 ? written(columns[0][1][i]) : cut(columns.map(([name, values]) => `${name} ${text(values[i])}`).join(", ")));
  const lines = Array.from({ length: Math.min(SHOWN_ROWS, of) }, (_, i) => [String(i + 1), one(asked, i), ...expected.map(([, values]) => written(values[i]))]);
  return [element("div", {}, element("h4", {}, `Check rows: the first ${lines.length} of ${count(of)}`), table("Check rows", ["row", "asked", ...expected.map(([name]) => `${name}, expected`)], lines))];
}
