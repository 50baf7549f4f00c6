// Variants that fail on the hard cases, in real workerd with real model hosts: scoreboard and verdict keep the failure apart
// from the fallback's answer.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { digits, origin, root, until } from "./support.mjs";
import { startObjects } from "./objects.mjs";

/** Each fourth case is hard; each hard one fails a brittle variant in the next of these ways. */
const ways = [
  (response) => response.writeHead(500).end("out of memory"),
  (response) => response.destroy(),
  () => {},
  (response) => response.setHeader("content-type", "application/json").end('{"predictions": [1, '),
];
const isHard = (at) => at % 4 === 0;
const says = (response, label) => response.setHeader("content-type", "application/json").end(JSON.stringify({ predictions: [{ label }] }));
/** The right answer is always yes. */
const hosts = {
  "/whole": (at, response) => says(response, isHard(at) ? "no" : "yes"),
  "/brittle": (at, response) => (isHard(at) ? ways[(at / 4) % ways.length](response) : says(response, "yes")),
  "/odd": (at, response) => (isHard(at) ? response.setHeader("content-type", "application/json").end('{"error": "no such case"}') : says(response, "yes")),
  "/spare": (at, response) => says(response, "yes"),
};

let turnout, host;
before(async () => {
  // So little that the model that takes all memory ends its instance soon.
  turnout = await startObjects({ isolates: 2, texts: { MODEL_MEMORY_BYTES: `${12 << 20}` } });
  host = await origin((call, response) => hosts[call.path](Number(call.body.split(",")[0]), response));
});
after(async () => {
  await turnout.close();
  await host.close();
});

const variant = (name, weight = 1) => ({ name, weight, origin: { url: `${host.url}/${name}`, ...(name === "brittle" && { timeout_ms: 4_000 }) } });
const document = (variants, more = {}) => ({ variants, outcome: { kind: "label", label: { output: "label" } }, ...more });
const invoke = async (name, at, body) => {
  const response = await turnout.isolates[at % 2].invoke(name, { body });
  await response.arrayBuffer();
  const header = (header) => response.headers.get(header);
  return { at, status: response.status, id: header("x-amzn-sagemaker-inference-id"), by: header("x-invoked-variant"), reason: header("x-assignment-reason") };
};
/** Sends so many cases, a few dozen at a time, and tells what came of them. */
const run = async (name, cases, bodyOf = (at) => `${at}`) => {
  const seen = [];
  let next = 0;
  const send = async () => {
    while (next < cases) {
      const at = next++;
      seen.push(await invoke(name, at, bodyOf(at)));
    }
  };
  await Promise.all(Array.from({ length: 32 }, send));
  const told = await turnout.isolates[0].fetch(`/endpoints/${name}/outcomes`, { method: "POST", body: JSON.stringify(seen.map(({ id }) => ({ inference_id: id, label: "yes" }))) });
  return { seen, told: await told.json() };
};
const verdict = async (name) => {
  const said = await (await turnout.isolates[0].fetch(`/endpoints/${name}/verdict`)).json();
  return { ...said, of: (name) => said.variants.find((each) => each.variant === name) };
};
const scoreboard = async (name, of) => {
  const { lines } = await (await turnout.isolates[0].fetch(`/endpoints/${name}/scoreboard`)).json();
  return lines.find((line) => line.variant === of);
};

test("a brittle variant with a fallback is as good as its equal that answers all, and its failures are told", async () => {
  // Once in a thousand runs chance may speak.
  const goal = { alpha: 0.001 };
  turnout.put("backed", document([variant("whole"), variant("brittle"), variant("spare", 0)], { fallback: "spare", goal }));
  const { seen, told } = await run("backed", 600);
  assert.ok(seen.every(({ status }) => status === 200));
  assert.deepEqual([told.taken, told.refused], [600, 0]);
  const failures = seen.filter(({ by, reason }) => by === "spare" && reason === "fallback");
  assert.ok(failures.length > 40 && failures.every(({ at }) => isHard(at)), `${failures.length}`);
  const brittle = seen.filter(({ by }) => by === "brittle").length + failures.length;
  const said = await verdict("backed");
  assert.deepEqual([said.of("brittle").outcomes, said.of("brittle").failed, said.of("whole").failed], [brittle, failures.length, 0]);
  assert.equal(said.of("spare").outcomes, 0);
  const right = 1 - failures.length / brittle;
  assert.ok(Math.abs(said.of("brittle").mean - right) < 1e-12 && Math.abs(said.of("brittle").metrics.accuracy - right) < 1e-12);
  const compared = said.comparisons.find((each) => each.variant === "brittle");
  assert.equal(compared.verdict, "undecided", compared.says);
  assert.match(compared.says, new RegExp(`brittle failed ${failures.length} of its outcomes' requests and whole 0, which count as wrong`));
  // The scoreboard has the same failures, as those of the variant that was chosen.
  await until(async () => (await scoreboard("backed", "brittle"))?.fallbacks === failures.length);
  const line = await scoreboard("backed", "brittle");
  assert.deepEqual([line.invocations, line.errors.variant], [brittle, failures.length]);
});

test("who wants to judge a variant together with its fallback says so", async () => {
  turnout.put("together", document([variant("whole"), variant("brittle"), variant("spare", 0)], { fallback: "spare", goal: { failures: "as_answered" } }));
  const { told } = await run("together", 600);
  assert.deepEqual([told.taken, told.refused], [600, 0]);
  const said = await verdict("together");
  assert.equal(said.of("brittle").mean, 1);
  assert.ok(said.of("brittle").failed > 40);
  const compared = said.comparisons.find((each) => each.variant === "brittle");
  assert.equal(compared.verdict, "better", compared.says);
});

test("without a fallback what nobody answered counts as wrong, and what nobody could read is left out", async () => {
  turnout.put("bare", document([variant("whole"), variant("brittle"), variant("odd")]));
  const { seen, told } = await run("bare", 600);
  const [failures, unread] = [seen.filter(({ status }) => status === 424), seen.filter(({ at, by }) => by === "odd" && isHard(at))];
  assert.ok(failures.length > 20 && failures.every(({ at, by, id }) => isHard(at) && by === "brittle" && id.length <= 64));
  assert.deepEqual([told.taken, told.refused], [600 - unread.length, unread.length]);
  assert.ok(told.problems.every(({ code }) => code === "no_prediction"));
  const said = await verdict("bare");
  const brittle = seen.filter(({ by }) => by === "brittle").length;
  assert.deepEqual([said.of("brittle").outcomes, said.of("brittle").failed, said.of("brittle").left_out], [brittle, failures.length, 0]);
  assert.ok(Math.abs(said.of("brittle").mean - (1 - failures.length / brittle)) < 1e-12);
  assert.deepEqual([said.of("odd").failed, said.of("odd").left_out], [0, unread.length]);
  const remark = new RegExp(`Left out, as no prediction is known: ${unread.length} outcomes of odd and 0 of whole`);
  assert.match(said.comparisons.find((each) => each.variant === "odd").says, remark);
});

test("a model that ends its instance has failed", async () => {
  const onnx = readFileSync(`${root}tests/e2e/models/hungry.onnx`);
  turnout.kv.models.values.set("hungry", onnx);
  const model = { key: "hungry", sha256: createHash("sha256").update(onnx).digest("hex") };
  turnout.put("hungry", document([{ name: "hungry", model }, variant("spare")], { fallback: "spare" }));
  const { seen, told } = await run("hungry", 40, () => digits[0].csv);
  assert.deepEqual(seen.filter(({ status, by }) => status !== 200 || by !== "spare"), []);
  assert.deepEqual([told.taken, told.refused], [40, 0]);
  const said = await verdict("hungry");
  const failed = seen.filter(({ reason }) => reason === "fallback").length;
  assert.ok(failed > 5);
  assert.deepEqual([said.of("hungry").outcomes, said.of("hungry").failed, said.of("hungry").mean], [failed, failed, 0]);
  assert.deepEqual([said.of("spare").outcomes, said.of("spare").failed, said.of("spare").mean], [40 - failed, 0, 1]);
});
