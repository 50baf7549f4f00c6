// One record an invocation: a data point, and a line in the log; and nothing fails when the sink does.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { digits, start, until } from "./support.mjs";

let worker;
before(async () => (worker = await start()));
after(() => worker.close());

const lines = (id) => worker.logs().filter((line) => line.startsWith("{") && line.includes(id)).map((line) => JSON.parse(line));

test("a record holds what happened, in both forms", async () => {
  await worker.analytics.take();
  const body = digits.slice(0, 3).map((digit) => digit.csv).join("\n");
  const began = Date.now();
  const response = await worker.invoke("digits", {
    body,
    headers: { "x-target-variant": "cnn", "x-user-id": "u1", "x-amzn-sagemaker-inference-id": "rec-1" },
  });
  const length = (await response.text()).length;
  const [record] = await until(() => lines("rec-1").length && lines("rec-1"));
  assert.ok(Math.abs(record.time_ms - began) < 5000);
  delete record.time_ms;
  const { revision } = await (await worker.fetch("/endpoints/digits")).json();
  assert.deepEqual(record, {
    endpoint: "digits", revision, variant: "cnn", reason: "target", propensity: 0.5, protocol: "native", backend: "model",
    status: 200, error: null, rows: 3, bytes_in: body.length, bytes_out: length, origin_ms: null, inference_id: "rec-1",
    unit: record.unit, failed_variant: null, failed_reason: null, caller_gone: false,
  });
  assert.match(record.unit, /^[0-9a-f]{32}$/);
  const [point] = await worker.analytics.take();
  assert.deepEqual(point.indexes, ["digits"]);
  assert.deepEqual(point.blobs, [revision, "cnn", "target", "native", "model", "", "rec-1", record.unit, "", ""]);
  assert.deepEqual(point.doubles.slice(1), [0.5, 200, 3, body.length, length, -1, 0]);
});

test("refusals on a known endpoint are records too, unknown endpoints are not", async () => {
  await worker.analytics.take();
  await worker.invoke("digits", { body: "1,2", headers: { "x-amzn-sagemaker-inference-id": "rec-2" } });
  await worker.invoke("no-such-endpoint");
  const [record] = await until(() => lines("rec-2").length && lines("rec-2"));
  assert.equal(record.status, 400);
  assert.equal(record.error, "wrong_width");
  assert.ok(record.variant);
  assert.equal((await worker.analytics.take()).length, 1);
});

test("a failing sink fails nothing", async () => {
  await worker.analytics.fail(true);
  for (let i = 0; i < 5; i++) assert.equal((await worker.invoke("digits")).status, 200);
  await worker.analytics.fail(false);
  await worker.analytics.take();
  assert.equal((await worker.invoke("digits")).status, 200);
  await until(async () => (await worker.analytics.take()).length === 1);
});
