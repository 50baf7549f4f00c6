// Which variant answers: targets, units, weights.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { root, start } from "./support.mjs";

let worker, models;
before(async () => {
  worker = await start();
  models = JSON.parse(readFileSync(`${root}models/digits/endpoint.json`, "utf8")).variants.map((v) => v.model);
});
after(() => worker.close());

/** An endpoint of these weights, all variants with the same small model. */
const endpoint = (name, weights, rest = {}) =>
  worker.put(name, {
    variants: Object.entries(weights).map(([name, weight]) => ({ name, weight, model: models[0] })),
    ...rest,
  });

const chosen = async (name, headers) => {
  const response = await worker.invoke(name, { headers });
  return [response.headers.get("x-invoked-variant"), response.headers.get("x-assignment-reason"), response.status];
};

test("2,000 requests at 75 to 25 split so", async () => {
  await endpoint("split", { a: 75, b: 25 });
  let a = 0;
  for (let batch = 0; batch < 40; batch++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => chosen("split")));
    a += answers.filter(([variant]) => variant === "a").length;
    assert.ok(answers.every(([, reason, status]) => reason === "weighted" && status === 200));
  }
  // 4.5 standard deviations of a binomial: a false alarm in 150,000 runs.
  assert.ok(Math.abs(a - 1500) < 4.5 * Math.sqrt(2000 * 0.75 * 0.25), `${a} of 2,000`);
});

test("a target wins, also at weight 0, by either header", async () => {
  await endpoint("targets", { on: 1, off: 0 }, { assignment: { unit: { header: "x-user-id" }, salt: "s" } });
  assert.deepEqual(await chosen("targets", { "x-target-variant": "off", "x-user-id": "u" }), ["off", "target", 200]);
  assert.deepEqual(await chosen("targets", { "X-Amzn-SageMaker-Target-Variant": "off" }), ["off", "target", 200]);
  assert.deepEqual(await chosen("targets"), ["on", "weighted", 200]);
  const unknown = await worker.invoke("targets", { headers: { "x-target-variant": "other" } });
  assert.equal(unknown.status, 400);
  assert.match((await unknown.json()).message, /the variants are: on, off/);
});

test("without any weight only targets are answered", async () => {
  await endpoint("off", { a: 0, b: 0 });
  const response = await worker.invoke("off");
  assert.equal(response.status, 503);
  assert.equal((await response.json()).code, "no_weight");
  assert.deepEqual(await chosen("off", { "x-target-variant": "b" }), ["b", "target", 200]);
});

test("units get the variants of the published vectors, by header and by cookie", async () => {
  const vectors = JSON.parse(readFileSync(`${root}tests/vectors/assignment.json`, "utf8"));
  const [first] = vectors;
  const policy = vectors.filter((v) => v.salt === first.salt && v.weights.challenger === first.weights.challenger);
  await endpoint("by-header", first.weights, { assignment: { unit: { header: "X-User-Id" }, salt: first.salt } });
  await endpoint("by-cookie", first.weights, { assignment: { unit: { cookie: "uid" }, salt: first.salt } });
  await worker.analytics.take();
  const simple = policy.filter((v) => /^[\w-]+$/.test(v.unit)).slice(0, 100);
  for (const { unit, variant } of simple) {
    assert.deepEqual(await chosen("by-header", { "x-user-id": unit }), [variant, "sticky", 200], unit);
    assert.deepEqual(await chosen("by-cookie", { cookie: `a=b; uid=${unit}` }), [variant, "sticky", 200], unit);
  }
  const hashes = (await worker.analytics.take()).map((point) => point.blobs[7]);
  assert.deepEqual(new Set(hashes), new Set(simple.map((v) => v.hash)));
  assert.equal((await chosen("by-header"))[1], "weighted");
});

test("the decision alone is the one that an invocation would be given", async () => {
  await endpoint("decided", { a: 1, b: 1 }, { assignment: { unit: { header: "x-user-id" }, salt: "s" } });
  for (const unit of ["ada", "grace", "barbara", "katherine"]) {
    const headers = { "x-user-id": unit };
    const response = await fetch(`${worker.url}/endpoints/decided/assignments`, { method: "POST", headers });
    const decision = await response.json();
    assert.equal(response.status, 200);
    assert.deepEqual([decision.variant, decision.reason, decision.propensity], [...(await chosen("decided", headers)).slice(0, 2), 0.5]);
  }
});
