// A million outcomes of 200,000 units, told to the worker in plain workerd, and how long the verdict then takes:
//
//   node benches/verdict/million.mjs [OUTCOMES [UNITS]]
//
// The ids are signed here, as the worker would have signed them.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { INFERENCE_KEY } from "../../tests/e2e/support.mjs";
import { startObjects } from "../../tests/e2e/objects.mjs";

const [outcomes = 1_000_000, units = 200_000] = process.argv.slice(2).map(Number);
const AT_ONCE = 10_000;

const variant = (name) => ({ name, origin: { url: "https://a.invalid" } });
const document = JSON.stringify({
  variants: [variant("a"), variant("b")],
  assignment: { unit: { header: "x-user-id" }, salt: "s" },
  outcome: { kind: "label", label: { output: "label" }, score: { output: "p" }, positive: "1" },
});
const revision = createHash("sha256").update(document).digest().subarray(0, 6);
const classes = ["0", "1"].map((label) => createHash("sha256").update(label).digest().subarray(0, 4));
const EPOCH_MS = 1_767_225_600_000;

/** The id of a prediction, by the layout of src/experiment/inference_id.rs. */
function signed(unit, b, label, score) {
  const said = Buffer.alloc(36);
  said[0] = (1 << 6) | (1 << 4) | (1 << 3) | (2 << 1);
  said[1] = b;
  said.writeUIntBE(Date.now() - EPOCH_MS, 3, 5);
  randomBytes(4).copy(said, 8);
  said.writeFloatBE(0.5, 12);
  revision.copy(said, 16);
  said.writeUIntBE(unit, 22, 6);
  classes[label].copy(said, 28);
  said.writeFloatBE(score, 32);
  const mac = createHmac("sha256", INFERENCE_KEY).update("turnout inference id\nmillion\n").update(said).digest().subarray(0, 12);
  return Buffer.concat([said, mac]).toString("base64url");
}

const turnout = await startObjects({ isolates: 1 });
const [isolate] = turnout.isolates;
turnout.put("million", document);
await isolate.fetch("/endpoints/million/assignments", { method: "POST", headers: { "x-user-id": "first" } });
const times = [];
for (let sent = 0; sent < outcomes; sent += AT_ONCE) {
  const lines = [];
  for (let i = 0; i < AT_ONCE; i += 1) {
    const unit = Math.floor(Math.random() ** 2 * units);
    const b = unit % 2;
    const score = Math.random();
    const truth = Math.random() < 0.8 + 0.01 * b ? score > 0.5 : score <= 0.5;
    lines.push(JSON.stringify({ inference_id: signed(unit, b, Number(score > 0.5), score), label: Number(truth) }));
  }
  const began = performance.now();
  const response = await isolate.fetch("/endpoints/million/outcomes", { method: "POST", body: lines.join("\n") });
  const answer = await response.json();
  times.push(performance.now() - began);
  if (answer.taken !== AT_ONCE) throw new Error(JSON.stringify(answer).slice(0, 500));
  if (sent % (10 * AT_ONCE) === 0) console.log(`${sent + AT_ONCE} outcomes; the last ${AT_ONCE} in ${Math.round(times.at(-1))} ms`);
}
const verdicts = [];
let said;
for (let i = 0; i < 20; i += 1) {
  const began = performance.now();
  said = await (await isolate.fetch("/endpoints/million/verdict")).json();
  verdicts.push(performance.now() - began);
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
console.log(`${AT_ONCE} outcomes in ${Math.round(median(times))} ms (median; the longest ${Math.round(Math.max(...times))})`);
console.log(`the verdict in ${median(verdicts).toFixed(1)} ms (median; the longest ${Math.max(...verdicts).toFixed(1)})`);
console.log(said.variants.map((each) => `${each.variant}: ${each.outcomes} outcomes of ${each.units} units`).join("; "));
console.log(said.comparisons[0].says);
await turnout.close();
