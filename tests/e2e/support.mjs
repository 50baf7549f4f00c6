// What every end-to-end test stands on: the built worker in real workerd with real KV, and a real model host.

import { createServer } from "node:http";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createTestHarness } from "wrangler";
import { seeds } from "../../scripts/seed.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const ADMIN_TOKEN = "the admin's own";
/** What inference ids are signed with. */
export const INFERENCE_KEY = "0123456789abcdef0123456789abcdef";
/** The keys that clients sign with: the administrator's, and a caller's. */
export const KEYS = {
  ADMIN_ACCESS_KEY_ID: "AKIDADMIN",
  ADMIN_SECRET_ACCESS_KEY: "the admin's secret key",
  CALLER_ACCESS_KEY_ID: "AKIDCALLER",
  CALLER_SECRET_ACCESS_KEY: "the caller's secret key",
  CALLER_TOKEN: "the caller's token",
};

/** Held-out digits: `[{ label, csv, pixels }]`. */
export const digits = readFileSync(`${root}models/digits/held-out.csv`, "utf8")
  .trim()
  .split("\n")
  .map((line) => {
    const [label, ...pixels] = line.split(",").map(Number);
    return { label, pixels, csv: pixels.join(",") };
  });

/** ONNX Runtime's answers to them: `[{ label, probabilities }]`. */
export const expected = (model) =>
  readFileSync(`${root}models/digits/${model}.expected.csv`, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [label, ...probabilities] = line.split(",").map(Number);
      return { label, probabilities };
    });

/**
 * Starts the worker that `scripts/test.sh` has built into build/bundle.
 *
 * In place of Analytics Engine, a no-op here, stands the double in doubles/, which keeps the points it is given.
 */
export async function start() {
  const harness = createTestHarness({
    root,
    workers: [
      {
        configPath: withBucket(),
        prebuiltWorkerDir: `${root}build/bundle`,
        vars: { ENDPOINT_TTL_SECONDS: "0.2", KV_DELAY_SECONDS: "1.5" },
        secrets: { ADMIN_TOKEN, INFERENCE_KEY, ...KEYS },
        bindingOverrides: { RECORDS: "analytics" },
      },
      {
        config: { name: "analytics", main: `${root}tests/e2e/doubles/analytics.mjs`, compatibility_date: "2026-10-01" },
      },
    ],
  });
  const { url } = await harness.listen();
  const { ENDPOINTS, MODELS, CAPTURE } = await harness.getWorker("turnout").getEnv();
  const { models, endpoints } = await seeds();
  for (const [key, bytes] of models) await MODELS.put(key, bytes);
  const put = (name, document) =>
    ENDPOINTS.put(name, typeof document === "string" ? document : JSON.stringify(document));
  for (const [name, document] of endpoints) await put(name, document);
  const analytics = await harness.getWorker("analytics").getExport();
  return {
    url,
    put,
    ENDPOINTS,
    MODELS,
    CAPTURE,
    analytics,
    /** A request to a path. */
    fetch: (path, init) => fetch(new URL(path, url), init),
    invoke: invoker(url),
    /** The lines that the worker has logged. */
    logs: () => harness.getLogs().map((log) => log.message),
    close: () => harness.close(),
  };
}

/** The configuration with the bucket that it has in a comment, for a deployment that captures. */
function withBucket() {
  const written = readFileSync(`${root}wrangler.toml`, "utf8");
  const bucket = /^# (\[\[r2_buckets\]\])\n# (binding = .*)\n# (bucket_name = .*)\n/m;
  if (!bucket.test(written)) throw new Error("wrangler.toml has no bucket in a comment");
  const uncommented = written.replace(bucket, "$1\n$2\n$3\n").replace('main = "build/', 'main = "').replace('directory = "www"', 'directory = "../www"');
  const path = `${root}build/wrangler-${process.pid}.toml`;
  writeFileSync(path, uncommented);
  process.once("exit", () => rmSync(path, { force: true }));
  return path;
}

/** What POSTs rows, the first held-out digit unless given, to an endpoint of the worker at `url`. */
export const invoker =
  (url) =>
  (endpoint, { body = digits[0].csv, type = "text/csv", headers = {} } = {}) =>
    fetch(new URL(`/endpoints/${endpoint}/invocations`, url), {
      method: "POST",
      headers: { "content-type": type, ...headers },
      body,
    });

/** A model host on a free port. `answer(request, body, response)` says what it does; `calls` is what it was sent. */
export async function origin(answer) {
  const calls = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    const call = { path: request.url, headers: request.headers, aborted: false };
    response.on("close", () => (call.aborted = !response.writableFinished));
    calls.push(call);
    for await (const chunk of request) chunks.push(chunk);
    call.body = Buffer.concat(chunks).toString();
    await answer(call, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    calls,
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits, for at most `limit` ms, until `check` gives something true, and returns that. */
export async function until(check, limit = 10_000) {
  for (const end = Date.now() + limit; ; await sleep(25)) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error("it did not happen in time");
  }
}
