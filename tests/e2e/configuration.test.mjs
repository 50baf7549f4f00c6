// Configuration that changes, goes bad or names broken models, while the worker runs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, start, until } from "./support.mjs";

let worker, models;
before(async () => {
  worker = await start();
  models = JSON.parse(await worker.ENDPOINTS.get("digits")).variants.map((v) => v.model);
});
after(() => worker.close());

const document = (weights) => ({
  variants: Object.entries(weights).map(([name, weight], i) => ({ name, weight, model: models[i] })),
});
const variant = async (endpoint) => (await worker.invoke(endpoint)).headers.get("x-invoked-variant");
const described = async (endpoint) => (await worker.fetch(`/endpoints/${endpoint}`)).json();

test("weights changed in KV move the traffic without a restart", async () => {
  await worker.put("live", document({ a: 1, b: 0 }));
  assert.equal(await variant("live"), "a");
  await worker.put("live", document({ a: 0, b: 1 }));
  await until(async () => (await variant("live")) === "b");
});

test("a document that goes bad leaves the last good one serving, and says so", async () => {
  await worker.put("bad", document({ a: 1, b: 0 }));
  assert.equal(await variant("bad"), "a");
  await worker.put("bad", '{"variants": [{"name": "a", "weight": -1}]}');
  const state = await until(async () => {
    assert.equal(await variant("bad"), "a");
    const state = await described("bad");
    return state.status === "last_good" && state;
  });
  assert.equal(state.problem.code, "endpoint_invalid");
  // Where it is wrong is for everybody, what stands there for the log.
  assert.match(state.problem.message, /`variants\[0\].weight` is missing, unknown or not allowed$/);
  await until(() => worker.logs().some((line) => /endpoint `bad` serves its last good configuration: .* weight -1/.test(line)));
  await worker.put("bad", document({ a: 0, b: 1 }));
  await until(async () => (await variant("bad")) === "b");
  assert.equal((await described("bad")).status, "good");
});

test("a bad document in a fresh isolate is an error with its path", async () => {
  await worker.put("born-bad", '{"variants": [{"name": "a", "model": {"key": "x"}}]}');
  const response = await worker.invoke("born-bad");
  assert.equal(response.status, 500);
  assert.match((await response.json()).message, /`variants\[0\].model` is missing, unknown or not allowed$/);
  await until(() => worker.logs().some((line) => /at `variants\[0\].model`: missing field `sha256`/.test(line)));
});

test("one bad model does not touch its siblings", async () => {
  const [good] = models;
  const corrupt = new Uint8Array(2000).fill(7);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", corrupt)).toString("hex");
  await worker.MODELS.put("corrupt.onnx", corrupt);
  await worker.put("siblings", {
    variants: [
      { name: "good", weight: 0, model: good },
      { name: "missing", weight: 0, model: { key: "none.onnx", sha256: "1".repeat(64) } },
      { name: "other-bytes", weight: 0, model: { key: "corrupt.onnx", sha256: "2".repeat(64) } },
      { name: "corrupt", weight: 1, model: { key: "corrupt.onnx", sha256: digest } },
    ],
  });
  for (const [name, status, code] of [
    ["missing", 424, "model_missing"],
    ["other-bytes", 424, "model_mismatch"],
    ["corrupt", 424, "model_unusable"],
    ["good", 200, undefined],
  ]) {
    const response = await worker.invoke("siblings", { headers: { "x-target-variant": name } });
    assert.equal(response.status, status, name);
    assert.equal((await response.json()).code, code);
  }
});

test("a model that does not reproduce its check rows is refused, and the fallback answers", async () => {
  const [good] = models;
  const rows = JSON.parse(await worker.MODELS.get(good.check));
  rows.outputs.label[2] += 1;
  await worker.MODELS.put("wrong.check.json", JSON.stringify(rows));
  await worker.put("checked", {
    variants: [
      { name: "right", weight: 0, model: good },
      { name: "wrong", weight: 1, model: { ...good, check: "wrong.check.json" } },
    ],
    fallback: "right",
  });
  const answer = await worker.invoke("checked");
  assert.deepEqual([answer.status, answer.headers.get("x-invoked-variant"), answer.headers.get("x-assignment-reason")], [200, "right", "fallback"]);
  const [right, wrong] = (await described("checked")).variants.map((variant) => variant.backend);
  assert.equal(right.checked, true);
  assert.equal(wrong.problem.code, "model_unusable");
  assert.match(wrong.problem.message, /checked against `wrong.check.json`: row 3, output `label`: \d came, \d+ was expected/);
  assert.ok(worker.logs().some((line) => /variant `wrong`: model `digits\/logistic.onnx`, checked against/.test(line)));
});

test("weights are changed through the API, on terms", async () => {
  await worker.put("weights", document({ a: 1, b: 0 }));
  const { revision } = await described("weights");
  const put = (headers, weights) =>
    worker.fetch("/endpoints/weights/weights", { method: "PUT", headers, body: JSON.stringify(weights) });
  const authorization = `Bearer ${ADMIN_TOKEN}`;
  for (const [headers, weights, status] of [
    [{ "if-match": revision }, { a: 0, b: 1 }, 401],
    [{ authorization: "Bearer guess", "if-match": revision }, { a: 0, b: 1 }, 401],
    [{ authorization }, { a: 0, b: 1 }, 428],
    [{ authorization, "if-match": '"aaaaaaaaaaaa"' }, { a: 0, b: 1 }, 412],
    [{ authorization, "if-match": `"${revision}"` }, { c: 1 }, 400],
    [{ authorization, "if-match": `"${revision}"` }, { a: -1 }, 400],
  ]) {
    const response = await put(headers, weights);
    assert.equal(response.status, status);
    assert.ok((await response.json()).fix);
  }
  const changed = await put({ authorization, "if-match": `"${revision}"` }, { a: 0, b: 1 });
  assert.equal(changed.status, 200);
  assert.deepEqual((await changed.json()).variants.map((v) => v.share), [0, 1]);
  assert.equal(await variant("weights"), "b");
  const stored = JSON.parse(await worker.ENDPOINTS.get("weights"));
  assert.deepEqual(stored, { variants: [{ name: "a", weight: 0, model: models[0] }, { name: "b", weight: 1, model: models[1] }] });
  assert.ok(!worker.logs().some((line) => line.includes(ADMIN_TOKEN)));
});

test("a removed endpoint is gone", async () => {
  await worker.put("brief", document({ a: 1 }));
  assert.equal(await variant("brief"), "a");
  await worker.ENDPOINTS.delete("brief");
  await until(async () => (await worker.invoke("brief")).status === 404);
});
