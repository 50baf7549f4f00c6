// What a model does to its own instance of the engine, it does to nobody else: models that end theirs, and models that failed
// once, in workerd.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { digits, root, until } from "./support.mjs";
import { startPlain } from "./plain.mjs";

const body = digits[0].csv;
const file = (path) => readFileSync(`${root}tests/${path}`);

/** The document of a variant whose model has just been put there. */
function variant(worker, name, weight, onnx) {
  worker.models.values.set(name, onnx);
  return { name, weight, model: { key: name, sha256: createHash("sha256").update(onnx).digest("hex") } };
}

/** Does something so many times, some at once. */
async function many(times, atOnce, work) {
  const results = [];
  let next = 0;
  const one = async () => {
    while (next < times) {
      const at = next++;
      results[at] = await work(at);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return results;
}

const deaths = (worker) => worker.lines.filter((line) => line.includes("a panic has ended the WebAssembly instance"));

test("a variant that ends its instance costs no other request anything", async () => {
  // Its run takes 16 MB a row, and there are 12 for all models together: each run ends its instance.
  const worker = await startPlain({ MODEL_MEMORY_BYTES: `${12 << 20}` });
  try {
    const cnn = JSON.parse(worker.endpoints.values.get("digits")).variants.find((variant) => variant.name === "cnn");
    worker.put("poisoned", {
      variants: [{ ...cnn, name: "sound", weight: 99 }, variant(worker, "poison", 1, file("e2e/models/hungry.onnx"))],
      fallback: "sound",
    });
    const answers = await many(2000, 30, async (at) => {
      const headers = { "x-amzn-sagemaker-inference-id": `b-${at}` };
      const response = await worker.invoke(at % 2 === 0 ? "poisoned" : "digits", { body, headers });
      await response.arrayBuffer();
      return response.status;
    });
    assert.deepEqual(new Set(answers), new Set([200]));
    const recorded = () => worker.records().filter((record) => record.inference_id?.startsWith("b-"));
    await until(() => recorded().length === 2000);
    const failed = recorded().filter((record) => record.failed_variant === "poison");
    assert.ok(failed.length > 1 && failed.every((record) => record.variant === "sound" && record.reason === "fallback"), failed.length);
    assert.ok(recorded().every((record) => record.variant !== "poison"));
    assert.deepEqual(deaths(worker), []);
  } finally {
    await worker.close();
  }
});

test("a model that ends its instance is told so, and after three times refused with the reason", async () => {
  const worker = await startPlain({ MODEL_MEMORY_BYTES: `${12 << 20}` });
  try {
    worker.put("alone", { variants: [variant(worker, "hungry", 1, file("e2e/models/hungry.onnx"))] });
    const codes = [];
    for (let i = 0; i < 5; i++) {
      const response = await worker.invoke("alone", { body });
      assert.equal(response.status, 424);
      const { code, message } = await response.json();
      assert.match(message, /ended .*instance.*\(?out of memory: it has [0-9]+ bytes, and 16000000 more were wanted, at node `wide` \(Tile\)/);
      codes.push(code);
    }
    assert.deepEqual(codes, ["model_failed", "model_failed", "model_failed", "model_unusable", "model_unusable"]);
  } finally {
    await worker.close();
  }
});

/** What the Open Inference Protocol calls numpy's types. */
const types = { float16: "FP16", float32: "FP32", float64: "FP64", bool: "BOOL", str: "BYTES", object: "BYTES" };
const typeOf = (type) => types[type] ?? type.toUpperCase();
/** Numbers as JSON has them. */
const sent = (value) => (value === "nan" ? null : value);
const number = (value) => (value === null ? NaN : Number(String(value).replace("inf", "Infinity")));

test("models that failed once are right or refused, as they are natively", async () => {
  const worker = await startPlain();
  try {
    // JSON has no infinity, so those that need one are tried natively alone.
    const sendable = ({ inputs }) => !Object.values(inputs).some(({ data }) => data.some((value) => /inf/.test(value)));
    const cases = JSON.parse(file("cases/cases.json")).filter(sendable);
    assert.ok(cases.length > 20);
    const told = {};
    for (const [at, { model, inputs, outputs, step = 0 }] of cases.entries()) {
      const name = `case-${at}`;
      worker.put(name, { variants: [variant(worker, name, 1, file(`cases/${model}`))] });
      const tensors = Object.entries(inputs).map(([name, { type, shape, data }]) => ({
        name, shape, datatype: typeOf(type), data: data.map(sent),
      }));
      const response = await fetch(`${worker.url}/v2/models/${name}/infer`, {
        method: "POST",
        body: JSON.stringify({ inputs: tensors }),
      });
      const answer = await response.json();
      if (response.status !== 200) {
        told[model] = answer.error;
        continue;
      }
      for (const { name, data } of answer.outputs) {
        data.forEach((value, at) => {
          const [found, wanted] = [number(value), number(outputs[name].data[at])];
          const same = Object.is(found, wanted) || Math.abs(found - wanted) <= 1e-5 * Math.max(1, Math.abs(wanted)) + step;
          assert.ok(same || (Number.isNaN(found) && Number.isNaN(wanted)), `${model}: ${name}[${at}] is ${value}, not ${wanted}`);
        });
      }
    }
    assert.deepEqual(Object.keys(told), ["torch2.6-legacy-loop-until.onnx"]);
    assert.deepEqual(deaths(worker), []);
  } finally {
    await worker.close();
  }
});

test("models that would take all are refused, and end nothing", async () => {
  const worker = await startPlain();
  try {
    const models = readdirSync(`${root}tests/crashes`).filter((name) => name.endsWith(".onnx"));
    for (const [at, model] of models.entries()) {
      const name = `crash-${at}`;
      worker.put(name, { variants: [variant(worker, name, 1, file(`crashes/${model}`))] });
      const { variants } = await (await fetch(`${worker.url}/endpoints/${name}`)).json();
      const inputs = variants[0].inputs ?? [];
      for (const value of [0, 1, 10, 1e12]) {
        const tensors = inputs.map(({ name, datatype, shape }) => {
          const width = shape.slice(1).reduce((product, size) => product * size, 1);
          return { name, datatype, shape: [1, ...shape.slice(1)], data: Array(width).fill(value) };
        });
        const response = await fetch(`${worker.url}/v2/models/${name}/infer`, {
          method: "POST",
          body: JSON.stringify({ inputs: tensors }),
        });
        const { error } = await response.json();
        assert.ok([200, 400, 424].includes(response.status), `${model}: ${response.status} ${error}`);
        assert.doesNotMatch(error ?? "", /ended .*instance/, model);
      }
    }
    assert.equal((await worker.invoke("digits", { body })).status, 200);
    assert.deepEqual(deaths(worker), []);
  } finally {
    await worker.close();
  }
});
