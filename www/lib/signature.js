// What models take and give, in words, and a body to ask them with.

import { list, plural } from "./dom.js";

/** A row with more values than anybody would type is not proposed. */
const MOST_VALUES = 20_000;

const row = ({ shape }) => shape.slice(1);
const values = (tensor) => row(tensor).reduce((product, each) => product * Math.max(1, each), 1);
const width = (inputs) => inputs.reduce((sum, input) => sum + values(input), 0);

/** The shape of one row. */
export const rowShape = (tensor) => (row(tensor).length === 0 ? "one value" : row(tensor).map((each) => (each < 0 ? "any" : String(each))).join(" × "));

const sameShape = (a, b) => JSON.stringify(row(a)) === JSON.stringify(row(b));

/** What is different of inputs, `mine` against `theirs`, as a list of words; empty where nothing is. */
export function differences(mine, theirs) {
  if (mine.length !== theirs.length) return [`${plural(mine.length, "input")} instead of ${theirs.length}`];
  const found = mine.flatMap((input, i) => {
    const other = theirs[i];
    const said = [];
    if (input.name !== other.name) said.push(`named \`${input.name}\` instead of \`${other.name}\``);
    if (!sameShape(input, other)) said.push(`of the row shape ${rowShape(input)} instead of ${rowShape(other)}`);
    if (input.datatype !== other.datatype) said.push(`${input.datatype} instead of ${other.datatype}`);
    return said.length > 0 ? [`${mine.length === 1 ? "an input" : `input ${i + 1}`} ${list(said)}`] : [];
  });
  return found.length > 3 ? [...found.slice(0, 3), `and ${found.length - 3} more`] : found;
}

/** How a model's inputs stand beside those of an endpoint's variants: `{same: [names], other: [[name, words]], note}`. */
export function beside(inputs, variants) {
  const [same, other] = [[], []];
  let note = "";
  for (const { name, backend } of variants) {
    if (!backend?.inputs) continue;
    const apart = differences(inputs, backend.inputs);
    if (apart.length === 0) same.push(name);
    else other.push([name, list(apart)]);
    const [here, there] = [width(inputs), width(backend.inputs)];
    if (apart.length > 0) note = here === there ? `A row has ${plural(here, "value")} in both, so lists of values, and CSV without a header, may suit both.` : `A row has ${plural(here, "value")} here and ${there} there: no body suits both.`;
  }
  return { same, other, note };
}

/** The places in an endpoint's outcome that a model has no output for: `[names]`. */
export function missingOutputs(outputs, outcome, answering) {
  const wanted = [outcome?.label, outcome?.value, outcome?.score].map((place) => place?.output).filter(Boolean);
  const given = answering ? [answering] : outputs.map(({ name }) => name);
  return [...new Set(wanted)].filter((name) => !given.includes(name));
}

const zeroOf = ({ datatype }) => (datatype === "BYTES" ? "" : datatype === "BOOL" ? false : 0);
/** JSON has no NaN; requests write a missing value as null. */
const written = (value, { datatype }) => (Array.isArray(value) ? value.map((each) => written(each, { datatype })) : datatype !== "BYTES" && value === "NaN" ? null : value);

const body = (inputs, valueOf) => {
  const one = inputs.length === 1 ? [valueOf(inputs[0])].flat(9) : Object.fromEntries(inputs.map((input) => [input.name, valueOf(input)]));
  return `{"instances": [${JSON.stringify(one)}]}`;
};

/** A body to begin with: the first of the check rows, else zeros; empty where a row is too long to be written here. */
export function sample(inputs, rows) {
  if (width(inputs) > MOST_VALUES) return "";
  if (rows && inputs.every(({ name }) => Array.isArray(rows.inputs[name]))) return body(inputs, (input) => written(rows.inputs[input.name][0], input));
  return body(inputs, (input) => (row(input).length === 0 ? zeroOf(input) : Array.from({ length: values(input) }, () => zeroOf(input))));
}
