// Shadows in real workerd: real models and real hosts beside those that answer, under every fault, and what comes of the pairs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { startObjects } from "./objects.mjs";
import { ADMIN_TOKEN, digits, origin as host, root, sleep, until } from "./support.mjs";
import { createHash } from "node:crypto";

let turnout;
before(async () => {
  turnout = await startObjects({ isolates: 2, faults: 0.3 });
});
after(() => turnout.close());

const isolate = (at) => turnout.isolates[at % turnout.isolates.length];
const json = async (path, init) => (await isolate(0).fetch(path, init)).json();
const scoreboard = (name) => json(`/endpoints/${name}/scoreboard`);
const pair = async (name, shadow) => (await scoreboard(name)).pairs?.find((pair) => pair.shadow === shadow);
const seeded = (name) => JSON.parse(turnout.stored(name));
const model = (name, endpoint = "digits") => seeded(endpoint).variants.find((variant) => variant.name === name);
const byLabel = { kind: "label", label: { output: "label" } };

/** Does something `count` times, so many at once; gives what came of it, in order. */
async function crew(count, atOnce, work) {
  const done = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let at = next++; at < count; at = next++) done[at] = await work(at);
    }),
  );
  return done;
}

/** Has every isolate load a variant's model, so that no shadow waits for it: what comes meanwhile would be skipped. */
async function load(name, variant, body) {
  for (const each of turnout.isolates) assert.equal((await each.invoke(name, { body, headers: { "x-target-variant": variant } })).status, 200);
}

/** A generator of numbers from 0 to 1, the same each time (mulberry32). */
function numbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test("two thousand customers in pairs give a verdict that the same two thousand split in two do not", async () => {
  const customers = readFileSync(`${root}models/churn/held-out.csv`, "utf8").trim().split("\n").map((line) => line.split(","));
  // The same model behind a host that loses what it was told of a customer: the fault that a team would want to find.
  const older = await host(async ({ body }, response) => {
    const row = body.trim().split(",");
    row[LOST.column] = LOST.value;
    const answer = await isolate(1).invoke("churn", { body: row.join(","), headers: { "x-target-variant": "xgboost" } });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  try {
    const { outcome, assignment } = seeded("churn");
    const variants = (weights) => [
      { name: "older", weight: 1, origin: { url: older.url } },
      { ...model("xgboost", "churn"), ...weights },
    ];
    const rest = { outcome, assignment, goal: { metric: "accuracy" } };
    turnout.put("churn-pairs", { variants: variants({ weight: 0, shadow: 1 }), ...rest });
    turnout.put("churn-split", { variants: variants({ weight: 1 }), ...rest });
    const random = numbers(20);
    const sent = Array.from({ length: 2_000 }, () => customers[Math.floor(random() * customers.length)]);
    await load("churn-pairs", "xgboost", customers[0].slice(1).join(","));
    for (const name of ["churn-pairs", "churn-split"]) {
      const outcomes = await crew(sent.length, 8, async (at) => {
        const [label, ...row] = sent[at];
        const answer = await isolate(at).invoke(name, { body: row.join(","), headers: { "x-user-id": `customer-${at}` } });
        assert.equal(answer.status, 200, await answer.clone().text());
        await answer.arrayBuffer();
        return { inference_id: answer.headers.get("x-amzn-sagemaker-inference-id"), label };
      });
      for (let at = 0; at < outcomes.length; at += 500) {
        const told = await json(`/endpoints/${name}/outcomes`, { method: "POST", body: JSON.stringify(outcomes.slice(at, at + 500)) });
        assert.equal(told.taken, 500);
      }
    }
    const compared = async (name) => (await json(`/endpoints/${name}/verdict`)).comparisons[0];
    const { skipped } = await until(async () => {
      const told = await pair("churn-pairs", "xgboost");
      return told?.requests + told?.skipped === sent.length && told;
    }, 60_000);
    // Of a machine that is busy with other things some may be skipped.
    assert.ok(skipped < 40, `${skipped} were skipped`);
    const [pairs, split] = [await compared("churn-pairs"), await compared("churn-split")];
    console.log(`# in pairs: ${pairs.says}\n# split: ${split.says}`);
    assert.deepEqual([pairs.basis, pairs.verdict], ["pairs", "better"], pairs.says);
    assert.deepEqual([split.basis, split.verdict, split.outcomes], ["assignment", "undecided", sent.length], split.says);
    const { right, baseline_mean, variant_mean } = pairs.pairs;
    assert.deepEqual([right.both + right.only_baseline + right.only_variant + right.neither, pairs.outcomes], [sent.length - skipped, sent.length - skipped]);
    assert.ok(right.p_value < 0.05 && right.fixed_sample_p_value < 0.001, JSON.stringify(right));
    // As ONNX Runtime has it: the shadow's answers are the model's.
    const expected = readFileSync(`${root}models/churn/xgboost.expected.csv`, "utf8").trim().split("\n").map((line) => line.split(",")[0]);
    const accuracy = sent.filter((customer) => expected[customers.indexOf(customer)] === customer[0]).length / sent.length;
    assert.ok(Math.abs(variant_mean - accuracy) <= skipped / sent.length + 1e-12 && Math.abs(variant_mean - baseline_mean - pairs.difference) < 1e-12);
  } finally {
    await older.close();
  }
});

/** What the older host loses. */
const LOST = { column: 3, value: "no" };

test("a shadow that is slow, dead, talks garbage or ends its instance is noticed by nobody who calls", async (t) => {
  // Each of the two endpoints in an isolate of its own. What one of the shadows wants, 16 MB a row, is more than is left.
  const turnout = await startObjects({ isolates: 2, texts: { MODEL_MEMORY_BYTES: String(14 << 20) } });
  t.after(() => turnout.close());
  const held = [];
  const slow = await host((_, response) => void held.push(response));
  const garbage = await host((_, response) => response.writeHead(200, { "content-type": "application/json" }).end('{"predictions": [['));
  const refuses = await host((_, response) => response.writeHead(503).end("no"));
  const dead = await host(() => {});
  await dead.close();
  const file = (name) => {
    const bytes = readFileSync(`${root}tests/${name}.onnx`);
    turnout.kv.models.values.set(name, bytes);
    return { model: { key: name, sha256: createHash("sha256").update(bytes).digest("hex") } };
  };
  const shadow = (name, backend) => ({ name, shadow: 1, ...backend });
  const faults = {
    slow: { origin: { url: slow.url, timeout_ms: 300 } },
    dead: { origin: { url: dead.url } },
    garbage: { origin: { url: garbage.url } },
    refuses: { origin: { url: refuses.url } },
    hungry: file("e2e/models/hungry"),
    broken: { model: { key: "no such model", sha256: "0".repeat(64) } },
    cnn: { model: model("cnn").model },
  };
  const logistic = { ...model("logistic"), weight: 1 };
  turnout.put("plain", { variants: [logistic], outcome: byLabel });
  turnout.put("watched", { variants: [logistic, ...Object.entries(faults).map(([name, backend]) => shadow(name, backend))], outcome: byLabel });
  const board = async () => (await turnout.isolates[0].fetch("/endpoints/watched/scoreboard")).json();
  try {
    const ms = { plain: [], watched: [] };
    const round = async (name, at) => {
      const began = performance.now();
      const answer = await turnout.isolates[name === "plain" ? 0 : 1].invoke(name, { body: digits[at % digits.length].csv });
      const told = [answer.status, await answer.text()];
      ms[name].push(performance.now() - began);
      await sleep(30);
      return told;
    };
    for (let at = 0; at < 300; at += 1) {
      const [plain, watched] = at % 2 ? [await round("plain", at), await round("watched", at)] : [await round("watched", at), await round("plain", at)].reverse();
      // To the byte what it is without shadows.
      assert.deepEqual(watched, plain);
    }
    const at = (times, q) => times.toSorted((a, b) => a - b)[Math.floor(q * times.length)].toFixed(2);
    for (const [name, times] of Object.entries(ms)) console.log(`# ${name}: median ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms of ${times.length} requests, taken in turns`);
    const told = await until(async () => {
      const { pairs = [], lines } = await board();
      const cnn = pairs.find((pair) => pair.shadow === "cnn");
      return cnn && cnn.requests + cnn.skipped === 300 && { pairs, lines, cnn };
    }, 60_000);
    for (const name of ["slow", "dead", "garbage", "refuses", "broken"]) {
      const { requests, failed } = told.pairs.find((pair) => pair.shadow === name);
      assert.ok(requests > 0 && failed.shadow === requests && failed.variant === 0, `${name}: ${JSON.stringify({ requests, failed })}`);
    }
    assert.ok(told.cnn.requests > 0 && told.cnn.failed.shadow === 0 && told.cnn.agreement.rate > 0.9, JSON.stringify(told.cnn));
    // It would have had to push out who answers.
    const hungry = told.pairs.find((pair) => pair.shadow === "hungry");
    assert.deepEqual([hungry.requests, hungry.skipped], [0, 300]);
    const line = told.lines.find((line) => line.variant === "logistic");
    assert.deepEqual([line.invocations, line.errors.variant, line.share], [300, 0, 1]);
  } finally {
    for (const response of held) response.destroy();
    await Promise.all([slow, garbage, refuses].map((each) => each.close()));
  }
});

test("a shadow is asked once the answer is out, and a caller waits for none", async () => {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const held = await host(async (_, response) => {
    await gate;
    response.writeHead(200, { "content-type": "application/json" }).end('{"predictions": [{"label": 3}]}');
  });
  turnout.put("held", { variants: [{ ...model("logistic"), weight: 1 }, { name: "held", shadow: 1, origin: { url: held.url } }], outcome: byLabel });
  try {
    const answer = await isolate(0).invoke("held");
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
    await until(() => held.calls.length === 1);
    // The same rows, and the caller's own headers.
    assert.equal(held.calls[0].body, digits[0].csv);
    release();
    const told = await until(async () => ((await pair("held", "held"))?.requests ? pair("held", "held") : null));
    assert.equal(told.shadow_ms.count, 1);
  } finally {
    await held.close();
  }
});

test("a unit is shown to a shadow with all of its requests or with none, in every isolate, and each pair counts once", async () => {
  const seen = await host(({ headers }, response) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ predictions: [{ label: headers["x-user-id"].length }] })));
  turnout.put("units-shadow", {
    variants: [{ ...model("logistic"), weight: 1 }, { name: "half", shadow: 0.5, origin: { url: seen.url } }],
    assignment: { unit: { header: "x-user-id" }, salt: "s" },
    outcome: byLabel,
  });
  try {
    await crew(240, 4, async (at) => {
      const answer = await isolate(at % 3).invoke("units-shadow", { headers: { "x-user-id": `u${at % 40}` } });
      await answer.arrayBuffer();
      await sleep(10);
    });
    await until(async () => (await pair("units-shadow", "half"))?.requests === seen.calls.length && seen.calls.length > 60, 30_000);
    const by = Object.groupBy(seen.calls, ({ headers }) => headers["x-user-id"]);
    assert.ok(Object.values(by).every((calls) => calls.length === 6), Object.values(by).map(({ length }) => length).join(" "));
    assert.ok(Object.keys(by).length >= 10 && Object.keys(by).length <= 30, `${Object.keys(by).length} of 40 units`);
    const { skipped, agreement } = await pair("units-shadow", "half");
    assert.deepEqual([skipped, agreement.rows], [0, seen.calls.length]);
  } finally {
    await seen.close();
  }
});

test("the README's example does what it says", async () => {
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const put = await isolate(0).fetch("/endpoints/digits-shadow", { method: "PUT", headers: { ...admin, "if-none-match": "*" }, body: readFileSync(`${root}examples/shadow.json`) });
  assert.ok(put.ok, await put.text());
  await load("digits-shadow", "cnn", digits[0].csv);
  await crew(200, 2, async (at) => {
    assert.equal((await isolate(at % 2).invoke("digits-shadow", { body: digits[at].csv })).status, 200);
    await sleep(5);
  });
  await until(async () => (await pair("digits-shadow", "cnn"))?.requests === 200, 30_000);
  const { pairs, disagreements } = await json("/endpoints/digits-shadow/pairs");
  const { agreement } = pairs[0];
  assert.ok(agreement.rate > 0.9 && agreement.rate < 1, JSON.stringify(agreement));
  assert.equal(disagreements.length, agreement.rows - agreement.same);
});

test("a shadow can be named, is given no traffic, and is promoted by a change of the document", async () => {
  turnout.put("promoted", { variants: [{ ...model("logistic"), weight: 1 }, { ...model("cnn"), weight: 0, shadow: 1 }], outcome: byLabel });
  const named = await isolate(0).invoke("promoted", { headers: { "x-target-variant": "cnn" } });
  assert.equal(named.headers.get("x-invoked-variant"), "cnn");
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}`, "if-match": "*" };
  const refused = await isolate(0).fetch("/endpoints/promoted/weights", { method: "PUT", headers: admin, body: '{"cnn": 1}' });
  assert.equal(refused.status, 400);
  assert.match((await refused.json()).message, /`cnn` is a shadow, which answers nobody/);
  const document = { variants: [{ ...model("logistic"), weight: 0 }, { ...model("cnn"), weight: 1 }], outcome: byLabel };
  const put = await isolate(0).fetch("/endpoints/promoted", { method: "PUT", headers: admin, body: JSON.stringify(document) });
  assert.equal(put.status, 200);
  assert.equal((await isolate(0).invoke("promoted")).headers.get("x-invoked-variant"), "cnn");
});
