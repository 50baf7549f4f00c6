// Workers KV that fails, hangs or comes back, with the runtime's own KV client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { digits, sleep, until } from "./support.mjs";
import { startPlain } from "./plain.mjs";

const body = digits[0].csv;
let worker;
before(async () => (worker = await startPlain()));
after(() => worker.close());

const faults = {
  "answers 503": (response) => response.writeHead(503).end("unavailable"),
  "breaks the connection": (response) => response.destroy(),
};
for (const [what, fault] of Object.entries(faults)) {
  test(`while KV ${what}, the last good configuration serves, and says so`, async () => {
    assert.equal((await worker.invoke("digits", { body })).status, 200);
    worker.endpoints.fault = fault;
    const state = await until(async () => {
      assert.equal((await worker.invoke("digits", { body })).status, 200);
      const state = await (await fetch(`${worker.url}/endpoints/digits`)).json();
      return state.status === "last_good" && state;
    });
    assert.equal(state.problem.code, "store_unavailable");
    assert.ok(worker.lines.some((line) => /endpoint `digits` serves its last good/.test(line)));
    const cold = await worker.invoke("never-seen", { body });
    assert.equal(cold.status, 503);
    assert.equal((await cold.json()).code, "store_unavailable");
    worker.endpoints.fault = null;
    await until(async () => (await (await fetch(`${worker.url}/endpoints/digits`)).json()).status === "good");
  });
}

test("no request waits for a KV that hangs", async () => {
  assert.equal((await worker.invoke("digits", { body })).status, 200);
  worker.endpoints.fault = () => {};
  await sleep(300);
  for (let i = 0; i < 10; i++) {
    const response = await worker.invoke("digits", { body, headers: { "x-amzn-sagemaker-inference-id": `hung-${i}` } });
    assert.equal(response.status, 200);
  }
  // One of them has gone to KV for a newer configuration, and is still waiting. All are recorded.
  const recorded = () => worker.records().filter((record) => record.inference_id.startsWith("hung-")).length;
  await until(() => recorded() === 10);
  worker.endpoints.fault = null;
});

test("after an idle time a configuration is asked for before it is served, and a KV that hangs has a limit", async () => {
  await worker.close();
  worker = await startPlain({ KV_LIMIT_SECONDS: "0.5" });
  assert.equal((await worker.invoke("digits", { body })).status, 200);
  // Beyond its time to live of 0.2 s and its grace of 0.4.
  await sleep(1000);
  worker.endpoints.fault = () => {};
  const idle = await worker.invoke("digits", { body });
  assert.equal(idle.status, 200);
  assert.ok(worker.lines.some((line) => /endpoint `digits` serves its last good.*longer than 500 ms/.test(line)));
  const cold = await worker.invoke("never-seen", { body });
  assert.equal(cold.status, 503);
  assert.equal((await cold.json()).code, "store_unavailable");
  worker.endpoints.fault = null;
});

test("within its time to live an endpoint is read once, a model and its check rows once an isolate", async () => {
  await worker.close();
  worker = await startPlain({ ENDPOINT_TTL_SECONDS: "60" });
  for (let i = 0; i < 20; i++) assert.equal((await worker.invoke("digits", { body, headers: { "x-target-variant": "cnn" } })).status, 200);
  assert.equal(worker.endpoints.reads, 1);
  assert.equal(worker.models.reads, 2);
});

test("a model store that fails costs its variant only while it fails", async () => {
  worker.models.fault = faults["answers 503"];
  const refused = await worker.invoke("digits", { body, headers: { "x-target-variant": "logistic" } });
  assert.equal((await refused.json()).code, "model_unavailable");
  assert.equal((await worker.invoke("digits", { body, headers: { "x-target-variant": "cnn" } })).status, 200);
  worker.models.fault = null;
  assert.equal((await worker.invoke("digits", { body, headers: { "x-target-variant": "logistic" } })).status, 200);
});
