// Outcomes in real workerd: signed at one isolate, told at another, counted by the endpoint's object.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { INFERENCE_KEY, sleep, until } from "./support.mjs";
import { startObjects } from "./objects.mjs";

let turnout;
before(async () => {
  turnout = await startObjects({ isolates: 2, faults: 0.4 });
});
after(() => turnout.close());

const origin = (name) => ({ name, origin: { url: "https://a.invalid" } });
const document = (outcome, more = {}) => ({ variants: [origin("a"), origin("b")], outcome, ...more });
const decide = async (isolate, name, headers = {}) => (await isolate.fetch(`/endpoints/${name}/assignments`, { method: "POST", headers })).json();
const tell = async (isolate, name, outcomes) => {
  const response = await isolate.fetch(`/endpoints/${name}/outcomes`, { method: "POST", body: typeof outcomes === "string" ? outcomes : JSON.stringify(outcomes) });
  return { status: response.status, ...(await response.json()) };
};
const verdict = async (name) => (await turnout.isolates[0].fetch(`/endpoints/${name}/verdict`)).json();
const outcomes = async (name) => Object.fromEntries((await verdict(name)).variants.map((variant) => [variant.variant, variant.outcomes]));
const counts = ({ taken, waiting, repeated, refused }) => [taken, waiting, repeated, refused];

test("ten thousand outcomes in one request, of which one variant's are better", async () => {
  turnout.put("rewards", document({ kind: "reward" }));
  const decided = [];
  const send = async (isolate) => {
    while (decided.length < 10_000) decided.push(await decide(isolate, "rewards"));
  };
  await Promise.all([...turnout.isolates, ...turnout.isolates, ...turnout.isolates, ...turnout.isolates].map(send));
  decided.length = 10_000;
  assert.equal(new Set(decided.map((each) => each.inference_id)).size, 10_000);
  const told = decided.map(({ inference_id, variant }, at) => ({ inference_id, reward: (at % 10) / 10 + (variant === "b" ? 0.05 : 0) }));
  const began = performance.now();
  const answer = await tell(turnout.isolates[1], "rewards", told.map((line) => JSON.stringify(line)).join("\n"));
  console.log(`# 10,000 outcomes taken in ${Math.round(performance.now() - began)} ms`);
  assert.deepEqual(counts(answer), [10_000, 0, 0, 0]);
  assert.deepEqual(counts(await tell(turnout.isolates[0], "rewards", told)), [0, 0, 10_000, 0]);
  const said = await verdict("rewards");
  const chosen = (name) => decided.filter((each) => each.variant === name).length;
  assert.deepEqual(await outcomes("rewards"), { a: chosen("a"), b: chosen("b") });
  assert.equal(said.comparisons[0].verdict, "better", said.comparisons[0].says);
  assert.equal((await tell(turnout.isolates[0], "rewards", [...told, told[0]])).status, 400);
});

test("units are what is counted, whichever isolate they meet", async () => {
  turnout.put("units", document({ kind: "reward" }, { assignment: { unit: { header: "x-user-id" }, salt: "s" } }));
  const told = [];
  for (let at = 0; at < 600; at += 1) {
    const { inference_id } = await decide(turnout.isolates[at % 2], "units", { "x-user-id": `user-${at % 30}` });
    told.push({ inference_id, reward: at % 2 });
  }
  assert.deepEqual(counts(await tell(turnout.isolates[0], "units", told)), [600, 0, 0, 0]);
  const { variants } = await verdict("units");
  assert.equal(variants.reduce((sum, variant) => sum + variant.units, 0), 30);
  assert.equal(variants.reduce((sum, variant) => sum + variant.outcomes, 0), 600);
});

test("a caller's own ids are joined once, though tallies are lost, come twice and late, and the object is killed", async () => {
  turnout.put("own", document({ kind: "reward", keep: 1 }));
  const chosen = { a: 0, b: 0 };
  const told = [];
  const round = async (from) => {
    for (let at = from; at < from + 100; at += 1) {
      // Some are told before anything is known of their prediction.
      if (at % 10 === 0) told.push(await tell(turnout.isolates[at % 2], "own", { inference_id: `own-${at}`, reward: 1 }));
      const { variant } = await decide(turnout.isolates[at % 2], "own", { "x-amzn-sagemaker-inference-id": `own-${at}` });
      chosen[variant] += 1;
      if (at % 10 !== 0) told.push(await tell(turnout.isolates[(at + 1) % 2], "own", { inference_id: `own-${at}`, reward: 1 }));
    }
  };
  await round(0);
  await turnout.kill();
  await turnout.restart();
  await round(100);
  assert.ok(told.every((answer) => answer.taken === 1 && answer.refused === 0));
  await until(async () => (await verdict("own")).waiting === 0 || (await decide(turnout.isolates[0], "own"), await sleep(500), false), 60_000);
  assert.deepEqual(await outcomes("own"), chosen);
  assert.deepEqual(counts(await tell(turnout.isolates[0], "own", { inference_id: "own-7", reward: 1 })), [0, 0, 1, 0]);
});

test("hostile outcomes are refused one by one, and nothing else suffers", async () => {
  turnout.put("hostile", document({ kind: "reward" }));
  turnout.put("foreign", document({ kind: "reward" }));
  const { inference_id } = await decide(turnout.isolates[0], "hostile");
  const foreign = (await decide(turnout.isolates[0], "foreign")).inference_id;
  const forged = `${inference_id.slice(0, 12)}${inference_id[12] === "A" ? "B" : "A"}${inference_id.slice(13)}`;
  const answer = await tell(turnout.isolates[1], "hostile", [
    { inference_id: forged, reward: 1 },
    { inference_id: foreign, reward: 1 },
    { inference_id: `${inference_id}==`, reward: 1 },
    { inference_id: "x".repeat(65), reward: 1 },
    { inference_id, reward: "much" },
    { inference_id, reward: 1e300 },
    { inference_id, reward: 1, row: 4_000_000_000 },
    { inference_id, reward: 1, row: -1 },
    { inference_id, reward: 1, label: 1 },
    null,
    [[]],
    { inference_id, reward: 1 },
  ]);
  assert.deepEqual(counts(answer), [1, 0, 0, 11]);
  assert.deepEqual(answer.problems.slice(0, 2).map((problem) => problem.code), ["forged_id", "forged_id"]);
  for (const body of ["", "{", "[", '{"inference_id":', "\u0000", "[".repeat(100_000), `{"inference_id": "${"x".repeat(1 << 20)}", "reward": 1}`]) {
    assert.equal((await tell(turnout.isolates[1], "hostile", body)).status, 400, body.slice(0, 20));
  }
  assert.ok(!turnout.isolates.some((isolate) => isolate.lines?.some((line) => line.includes(INFERENCE_KEY))));
  assert.deepEqual(Object.values(await outcomes("hostile")).reduce((a, b) => a + b), 1);
});
