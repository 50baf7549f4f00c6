// The ways to run it that the README gives: `workerd serve` with the written configuration, `make serve`, and `wrangler dev`
// with weights changed by `wrangler kv key put`.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { digits, root, until } from "./support.mjs";
import { freePort, workerd } from "./plain.mjs";

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "turnout-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

const invoke = (url, headers = {}) =>
  fetch(`${url}/endpoints/digits/invocations`, { method: "POST", headers: { "content-type": "text/csv", ...headers }, body: digits[0].csv });

/** Plain workerd with the written configuration, on `port`; endpoints and registry are folders of `folder`. */
async function serve(port, env = {}) {
  for (const name of ["endpoints", "registry", "experiments", "capture"]) mkdirSync(join(folder, name), { recursive: true });
  cpSync(`${root}models/digits/endpoint.json`, join(folder, "endpoints/digits"));
  const places = { endpoints: `${folder}/endpoints`, models: `${root}models`, registry: `${folder}/registry`, experiments: `${folder}/experiments`, capture: `${folder}/capture` };
  const directories = Object.entries(places).flatMap(([name, path]) => ["--directory-path", `${name}=${path}`]);
  return workerd(
    ["workerd/config.capnp", "--experimental", "--socket-addr", `http=127.0.0.1:${port}`, ...directories],
    port,
    env,
  );
}

test("workerd serve answers from files, and writes weights to them", async () => {
  const server = await serve(await freePort(), { ADMIN_TOKEN: "secret" });
  try {
    const answer = await invoke(server.url, { "x-target-variant": "cnn" });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).predictions[0].label, digits[0].label);
    const { endpoints } = await (await fetch(`${server.url}/endpoints`)).json();
    assert.deepEqual(endpoints.map((endpoint) => endpoint.name), ["digits"]);
    assert.equal((await fetch(`${server.url}/endpoints/none`)).status, 404);
    const changed = await fetch(`${server.url}/endpoints/digits/weights`, {
      method: "PUT",
      headers: { authorization: "Bearer secret", "if-match": endpoints[0].revision },
      body: JSON.stringify({ logistic: 0, cnn: 1 }),
    });
    assert.equal(changed.status, 200);
    assert.equal((await invoke(server.url)).headers.get("x-invoked-variant"), "cnn");
    const written = JSON.parse(readFileSync(join(folder, "endpoints/digits"), "utf8"));
    assert.deepEqual(written.variants.map((variant) => variant.weight), [0, 1]);

    // SageMaker's control plane keeps its things as files too, and removes them.
    const operate = async (operation, body) => {
      const headers = { "x-amz-target": `SageMaker.${operation}`, authorization: "Bearer secret" };
      const answer = await fetch(server.url, { method: "POST", headers, body: JSON.stringify(body) });
      assert.equal(answer.status, 200, await answer.clone().text());
      return answer.json();
    };
    await operate("CreateModel", { ModelName: "m", PrimaryContainer: { ModelDataUrl: "digits/cnn.onnx" } });
    await operate("CreateEndpointConfig", { EndpointConfigName: "c", ProductionVariants: [{ VariantName: "cnn", ModelName: "m" }] });
    await operate("CreateEndpoint", { EndpointName: "made", EndpointConfigName: "c" });
    // Until no isolate has an older copy.
    await until(async () => (await operate("DescribeEndpoint", { EndpointName: "made" })).EndpointStatus === "InService");
    assert.deepEqual(readdirSync(join(folder, "registry")).sort(), ["config.c", "model.m"]);
    await operate("DeleteEndpoint", { EndpointName: "made" });
    await operate("DeleteModel", { ModelName: "m" });
    assert.deepEqual(readdirSync(join(folder, "registry")), ["config.c"]);
    assert.deepEqual(readdirSync(join(folder, "endpoints")), ["digits"]);
  } finally {
    await server.close();
  }
});

test("without its secrets workerd serve refuses administrators, and goes on", async () => {
  const server = await serve(await freePort(), { ADMIN_TOKEN: undefined, ADMIN_ACCESS_KEY_ID: "", ADMIN_SECRET_ACCESS_KEY: undefined });
  try {
    for (const authorization of ["Bearer", "Bearer guess", "AWS4-HMAC-SHA256 Credential=/20261001/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=00"]) {
      const refused = await fetch(`${server.url}/endpoints/digits/weights`, {
        method: "PUT",
        headers: { authorization, "if-match": "*" },
        body: JSON.stringify({ cnn: 1 }),
      });
      assert.equal(refused.status, 503, authorization);
      assert.equal(refused.headers.get("x-error-code"), "access_disabled");
    }
    assert.equal((await invoke(server.url)).status, 200);
  } finally {
    await server.close();
  }
});

test("workerd serve has the page, with types and headers, and leaves all else to the worker", async () => {
  const server = await serve(await freePort());
  const get = (path, init) => fetch(`${server.url}${path}`, init);
  try {
    const types = { css: "text/css", csv: "text/csv", html: "text/html", js: "text/javascript", json: "application/json", svg: "image/svg+xml", wasm: "application/wasm" };
    const files = readdirSync(`${root}www`, { recursive: true }).filter((file) => /\.\w+$/.test(file));
    assert.ok(files.includes("core/turnout_bg.wasm"));
    for (const file of files) {
      const found = await get(`/${file}`);
      assert.equal(found.status, 200, file);
      assert.equal(found.headers.get("content-type").split(";")[0], types[file.split(".").at(-1)], file);
      assert.deepEqual(Buffer.from(await found.arrayBuffer()), readFileSync(`${root}www/${file}`), file);
    }

    const page = await get("/");
    assert.equal(await page.text(), readFileSync(`${root}www/index.html`, "utf8"));
    assert.match(page.headers.get("content-security-policy"), /^default-src 'none'; .*frame-ancestors 'none'$/);
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    const head = await get("/", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), "");
    const again = await get("/page.js", { headers: { "if-modified-since": (await get("/page.js")).headers.get("last-modified") } });
    assert.equal(again.status, 304);

    for (const path of ["/_headers", "/core", "/none.js", "/%2e%2e/package.json", "/..%2fpackage.json", "/core/..%5c..%5cpackage.json"]) {
      const missing = await get(path);
      assert.equal(missing.status, 404, path);
      assert.equal((await missing.json()).code, "no_such_path");
    }
    // What SageMaker's clients post to.
    assert.equal((await get("/", { method: "POST", body: "{}" })).headers.get("content-type"), "application/x-amz-json-1.1");
  } finally {
    await server.close();
  }
});

test("make serve listens on this machine alone", async () => {
  const port = await freePort();
  const child = spawn(`${root}scripts/serve.sh`, { env: { ...process.env, PORT: port, LISTEN: "" }, stdio: "ignore" });
  try {
    await until(() => fetch(`http://localhost:${port}/`).then((page) => page.ok, () => false));
    // Another address of this machine, which only a server for all of them has.
    await assert.rejects(fetch(`http://127.0.0.2:${port}/`, { signal: AbortSignal.timeout(2000) }));
  } finally {
    child.kill();
  }
});

test("wrangler.toml names no namespace of somebody's account", () => {
  // Deployment makes those that are missing, and may write their ids here: they are not for others.
  assert.doesNotMatch(readFileSync(`${root}wrangler.toml`, "utf8"), /^(id|preview_id|account_id) *=/m);
});

test("under wrangler dev, wrangler kv key put moves the traffic", async () => {
  const [port, state] = [await freePort(), join(folder, "state")];
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  const wrangler = `${root}node_modules/.bin/wrangler`;
  const put = (binding, key, path) =>
    execFileSync(wrangler, ["kv", "key", "put", key, "--binding", binding, "--path", path, "--local", "--persist-to", state], { cwd: root, env, stdio: "pipe" });
  for (const file of ["logistic.onnx", "logistic.check.json", "cnn.onnx", "cnn.check.json"]) put("MODELS", `digits/${file}`, `models/digits/${file}`);
  const document = JSON.parse(readFileSync(`${root}models/digits/endpoint.json`, "utf8"));
  const reweigh = (...weights) => {
    weights.forEach((weight, i) => (document.variants[i].weight = weight));
    writeFileSync(join(folder, "digits.json"), JSON.stringify(document));
    put("ENDPOINTS", "digits", join(folder, "digits.json"));
  };
  reweigh(1, 0);
  const dev = spawn(wrangler, ["dev", "--port", String(port), "--persist-to", state, "--var", "ENDPOINT_TTL_SECONDS:0.2", "--show-interactive-dev-session=false"], { cwd: root, env, stdio: "pipe", detached: true });
  try {
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/endpoints/digits`).catch(() => null))?.ok, 90_000);
    assert.equal((await invoke(url)).headers.get("x-invoked-variant"), "logistic");
    reweigh(0, 1);
    await until(async () => (await invoke(url)).headers.get("x-invoked-variant") === "cnn");
  } finally {
    process.kill(-dev.pid);
  }
});
