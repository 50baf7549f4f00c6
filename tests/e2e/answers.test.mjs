// Predictions, formats, headers and refusals, as a caller sees them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { digits, expected, start } from "./support.mjs";

let worker;
before(async () => (worker = await start()));
after(() => worker.close());

const json = (rows) => JSON.stringify({ instances: rows });

for (const model of ["logistic", "cnn"]) {
  test(`${model} answers as ONNX Runtime does, on all held-out digits in one batch`, async () => {
    const response = await worker.invoke("digits", {
      type: "application/json",
      body: json(digits.map((digit) => digit.pixels)),
      headers: { "x-target-variant": model },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-invoked-variant"), model);
    const { predictions } = await response.json();
    const reference = expected(model);
    assert.equal(predictions.length, reference.length);
    predictions.forEach(({ label, probabilities }, row) => {
      assert.equal(label, reference[row].label, `row ${row}`);
      probabilities.forEach((p, i) => assert.ok(Math.abs(p - reference[row].probabilities[i]) <= 1e-5, `row ${row}`));
    });
  });
}

test("each format in, and each out, says the same", async () => {
  const rows = digits.slice(0, 3).map((digit) => digit.pixels);
  const bodies = [
    ["application/json", json(rows)],
    ["application/json; charset=utf-8", json(rows.map((features) => ({ features })))],
    ["text/csv", rows.map((row) => row.join(",")).join("\n")],
    ["application/jsonlines", rows.map((row) => JSON.stringify({ features: row })).join("\n")],
  ];
  const reference = expected("cnn").slice(0, 3).map((row) => row.label);
  for (const [type, body] of bodies) {
    const ask = (accept) => worker.invoke("digits", { type, body, headers: { accept, "x-target-variant": "cnn" } });
    const asJson = await (await ask("application/json")).json();
    assert.deepEqual(asJson.predictions.map((p) => p.label), reference);
    const csv = await ask("text/csv");
    assert.equal(csv.headers.get("content-type"), "text/csv");
    const lines = (await csv.text()).trim().split("\n").map((line) => line.split(",").map(Number));
    assert.deepEqual(lines, asJson.predictions.map((p) => [p.label, ...p.probabilities]));
    const jsonl = (await (await ask("application/jsonlines")).text()).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(jsonl, asJson.predictions);
  }
});

test("the headers name the variant, the reason, the revision and the inference", async () => {
  const response = await worker.invoke("digits", { headers: { "x-amzn-sagemaker-inference-id": "mine-1" } });
  const { revision } = await (await worker.fetch("/endpoints/digits")).json();
  const header = (name) => response.headers.get(name);
  assert.ok(["logistic", "cnn"].includes(header("x-invoked-variant")));
  assert.equal(header("x-amzn-invoked-production-variant"), header("x-invoked-variant"));
  assert.equal(header("x-assignment-reason"), "weighted");
  assert.equal(header("x-endpoint-revision"), revision);
  assert.equal(header("x-amzn-sagemaker-inference-id"), "mine-1");
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => (await worker.invoke("digits")).headers.get("x-amzn-sagemaker-inference-id")),
  );
  assert.equal(new Set(ids).size, 20);
});

test("a caller's mistake is a 4xx that says how to mend it", async () => {
  const cases = [
    [{ body: "1,2,3" }, 400, "wrong_width", /row 1 has 3 values; the model takes 64/],
    [{ body: "pixel0,pixel1" }, 400, "wrong_columns", /line 1 looks like a header: `pixel0` stands where a number belongs/],
    [{ body: "" }, 400, "bad_payload", /no rows/],
    [{ body: "{", type: "application/json" }, 400, "bad_payload", /EOF/],
    [{ body: "[".repeat(1_000_000), type: "application/json" }, 400, "bad_payload", /./],
    [{ type: "application/x-www-form-urlencoded" }, 415, "unsupported_content_type", /x-www-form-urlencoded/],
    [{ headers: { accept: "image/png" } }, 406, "not_acceptable", /image\/png/],
    [{ headers: { "x-target-variant": "best" } }, 400, "unknown_variant", /`best`; the variants are: logistic, cnn/],
    [{ headers: { "x-amzn-sagemaker-inference-id": "x".repeat(65) } }, 400, "bad_inference_id", /64/],
  ];
  for (const [request, status, code, message] of cases) {
    const response = await worker.invoke("digits", request);
    const error = await response.json();
    assert.equal(response.status, status, JSON.stringify(error));
    assert.equal(error.code, code);
    assert.equal(response.headers.get("x-error-code"), code);
    assert.match(error.message, message);
    assert.ok(error.fix.length > 10);
  }
  assert.equal((await worker.invoke("digits")).status, 200);
});

test("bodies are bounded, declared or streamed", async () => {
  const large = "1,".repeat(3 << 20) + "1";
  const declared = await worker.invoke("digits", { body: large });
  assert.equal(declared.status, 413);
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < large.length; at += 1 << 20) controller.enqueue(Buffer.from(large.slice(at, at + (1 << 20))));
      controller.close();
    },
  });
  const url = new URL("/endpoints/digits/invocations", worker.url);
  const streamed = await fetch(url, { method: "POST", headers: { "content-type": "text/csv" }, body: stream, duplex: "half" });
  assert.equal(streamed.status, 413);
  assert.equal((await streamed.json()).code, "body_too_large");
  const small = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(digits[0].csv));
      controller.close();
    },
  });
  const fine = await fetch(url, { method: "POST", headers: { "content-type": "text/csv" }, body: small, duplex: "half" });
  assert.equal(fine.status, 200);
});

test("endpoints are described, and not to pages of other hosts", async () => {
  const one = await worker.fetch("/endpoints/digits", { headers: { origin: "https://page.example" } });
  const described = await one.json();
  assert.equal(one.headers.get("etag"), `"${described.revision}"`);
  assert.equal(one.headers.get("access-control-allow-origin"), null);
  assert.deepEqual(described.variants.map((v) => [v.name, v.share, v.backend.kind]), [
    ["logistic", 0.5, "model"],
    ["cnn", 0.5, "model"],
  ]);
  const head = await worker.fetch("/endpoints/digits", { method: "HEAD" });
  assert.equal(head.headers.get("etag"), one.headers.get("etag"));
  assert.equal(await head.text(), "");
  const { endpoints } = await (await worker.fetch("/endpoints")).json();
  assert.deepEqual(endpoints.map((endpoint) => endpoint.name), ["churn", "digits"]);
  // A list has no model loaded; one endpoint's description tells what its models take and give.
  const [pixels] = described.variants[0].backend.inputs;
  assert.deepEqual(pixels, { name: "pixels", datatype: "FP32", shape: [-1, 64] });
  for (const { backend } of described.variants) {
    assert.equal(backend.checked, true);
    for (const member of ["inputs", "outputs", "checked"]) delete backend[member];
  }
  assert.deepEqual(endpoints[1], described);
  const preflight = await worker.fetch("/endpoints/digits/weights", { method: "OPTIONS" });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-headers"), /authorization/);
  for (const [path, method, status] of [
    ["/nowhere", "GET", 404],
    ["/endpoints/none", "GET", 404],
    ["/endpoints/digits/invocations", "GET", 405],
    ["/endpoints/a_b", "GET", 400],
  ]) {
    const response = await worker.fetch(path, { method });
    assert.equal(response.status, status, path);
    assert.ok((await response.json()).fix);
  }
});

test("the page is served beside the API", async () => {
  const page = await worker.fetch("/");
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<title>Turnout/);
});
