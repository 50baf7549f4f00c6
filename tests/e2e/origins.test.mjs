// Forwarding to a model host that is well, slow, dead, broken or hostile.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { digits, origin, sleep, until } from "./support.mjs";
import { startPlain } from "./plain.mjs";

const PREDICTIONS = '{"predictions":[{"label":7}]}';
const behaviours = {
  "/good": (call, response) => response.setHeader("x-model", "m1").setHeader("set-cookie", "a=b").setHeader("content-type", "application/json").end(PREDICTIONS),
  "/slow": () => {},
  "/late": (call, response) => setTimeout(() => response.setHeader("content-type", "application/json").end(PREDICTIONS), 600),
  "/slow-body": (call, response) => response.setHeader("content-type", "application/json").write('{"predictions":'),
  "/500": (call, response) => response.writeHead(500).end("out of memory"),
  "/garbage": (call, response) => response.setHeader("content-type", "application/json").end('{"predictions": [1, '),
  "/page": (call, response) => response.setHeader("content-type", "text/html").end("<h1>Log in"),
  "/hangs-up": (call, response) => response.destroy(),
  "/huge": (call, response) => response.setHeader("content-type", "text/csv").end("1\n".repeat(4 << 20)),
  "/moved": (call, response) => response.writeHead(307, { location: "/good" }).end(),
  "/circle": (call, response) => response.writeHead(308, { location: "/circle" }).end(),
};
const body = digits[0].csv;
let worker, host, elsewhere;
before(async () => {
  worker = await startPlain({ MODEL_TOKEN: "hush" });
  host = await origin((call, response) => behaviours[call.path](call, response));
  elsewhere = await origin((call, response) => response.end(PREDICTIONS));
  behaviours["/away"] = (call, response) => response.writeHead(307, { location: `${elsewhere.url}/x` }).end();
  for (const path of Object.keys(behaviours)) {
    const name = path.slice(1);
    worker.put(name, { variants: [{ name: "remote", origin: { url: host.url + path, timeout_ms: 1500 } }] });
  }
});
after(async () => {
  await worker.close();
  await host.close();
  await elsewhere.close();
});

test("an origin is sent the body, its type and the token, and nothing that ends here", async () => {
  worker.put("token", { variants: [{ name: "remote", origin: { url: `${host.url}/good`, token: "MODEL_TOKEN" } }] });
  const response = await worker.invoke("token", {
    body,
    headers: { authorization: "Bearer the caller's", cookie: "session=1", te: "trailers", "x-request-id": "r1", accept: "application/json" },
  });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), PREDICTIONS);
  assert.equal(response.headers.get("x-invoked-variant"), "remote");
  assert.equal(response.headers.get("x-model"), "m1");
  assert.equal(response.headers.get("set-cookie"), null);
  const call = host.calls.at(-1);
  assert.equal(call.body, body);
  assert.equal(call.headers["content-type"], "text/csv");
  assert.equal(call.headers.authorization, "Bearer hush");
  assert.equal(call.headers["x-request-id"], "r1");
  for (const name of ["cookie", "te", "x-target-variant"]) assert.equal(call.headers[name], undefined, name);
});

const failures = {
  500: ["origin_status", /status 500: out of memory/],
  garbage: ["origin_garbage", /not JSON/],
  page: ["origin_garbage", /text\/html/],
  "hangs-up": ["origin_unreachable", /./],
  huge: ["origin_answer_too_large", /6291456/],
  away: ["origin_redirect", /redirects to http/],
  circle: ["origin_redirect", /after 3 redirects/],
  slow: ["origin_timeout", /within 1500 ms/],
  "slow-body": ["origin_timeout", /within 1500 ms/],
};
for (const [name, [code, message]] of Object.entries(failures)) {
  test(`an origin that is ${name} is a 424 that says so`, async () => {
    const response = await worker.invoke(name, { body, headers: { accept: "application/json" } });
    const error = await response.json();
    assert.equal(response.status, 424, JSON.stringify(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.equal(response.headers.get("x-invoked-variant"), "remote");
  });
}

test("a dead origin is unreachable", async () => {
  const dead = await origin(() => {});
  await dead.close();
  worker.put("dead", { variants: [{ name: "remote", origin: { url: dead.url } }] });
  const response = await worker.invoke("dead", { body });
  assert.equal(response.status, 424);
  assert.equal((await response.json()).code, "origin_unreachable");
});

test("redirects within the host are followed with the body, elsewhere nothing goes", async () => {
  const response = await worker.invoke("moved", { body });
  assert.equal(await response.text(), PREDICTIONS);
  assert.equal(host.calls.at(-1).body, body);
  await worker.invoke("away", { body });
  assert.equal(elsewhere.calls.length, 0);
});

test("the time limit aborts the call", async () => {
  const began = Date.now();
  await worker.invoke("slow", { body });
  assert.ok(Date.now() - began < 4000);
  const call = host.calls.at(-1);
  await until(() => call.aborted, 2000);
  const record = await until(() => worker.records().findLast((record) => record.endpoint === "slow"));
  assert.equal(record.error, "origin_timeout");
  assert.ok(record.origin_ms >= 1400 && record.origin_ms < 3000, `${record.origin_ms}`);
});

test("the fallback answers, and the record names both", async () => {
  worker.put("mixed", {
    variants: [
      { name: "remote", weight: 1, origin: { url: `${host.url}/500` } },
      { name: "local", weight: 0, model: JSON.parse(worker.endpoints.values.get("digits")).variants[0].model },
    ],
    fallback: "local",
  });
  const response = await worker.invoke("mixed", { body });
  assert.equal(response.status, 200);
  assert.equal((await response.json()).predictions.length, 1);
  assert.equal(response.headers.get("x-invoked-variant"), "local");
  assert.equal(response.headers.get("x-assignment-reason"), "fallback");
  const record = await until(() => worker.records().find((record) => record.endpoint === "mixed"));
  assert.deepEqual(
    [record.variant, record.reason, record.backend, record.failed_variant, record.failed_reason, record.status],
    ["local", "fallback", "model", "remote", "weighted", 200],
  );
  assert.ok(record.origin_ms >= 0);
});

/** Sends a request and breaks the connection after `ms`, as a client that crashes or gives up does. */
async function hangUp(url, endpoint, id, ms) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = [`POST /endpoints/${endpoint}/invocations HTTP/1.1`, `host: ${hostname}`, "content-type: text/csv",
    `content-length: ${body.length}`, `x-amzn-sagemaker-inference-id: ${id}`];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  await sleep(ms);
  socket.resetAndDestroy();
}

test("a caller that hangs up while an origin is awaited leaves its record", async () => {
  for (const [name, status, error] of [["late", 200, null], ["slow", 424, "origin_timeout"]]) {
    const id = `gone-${name}`;
    await hangUp(worker.url, name, id, 200);
    const record = await until(() => worker.records().find((record) => record.inference_id === id));
    assert.deepEqual([record.status, record.error, record.variant, record.caller_gone], [status, error, "remote", true]);
    assert.ok(record.origin_ms > 500, `${record.origin_ms}`);
  }
  const patient = await worker.invoke("late", { body, headers: { "x-amzn-sagemaker-inference-id": "patient" } });
  assert.equal(patient.status, 200);
  const record = await until(() => worker.records().find((record) => record.inference_id === "patient"));
  assert.equal(record.caller_gone, false);
});
