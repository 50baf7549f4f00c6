// The built worker in plain workerd, whose network and KV client are the runtime's own: for what a test harness would
// come between of, calls to origins and a KV that fails.

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { invoker, root, until } from "./support.mjs";
import { seeds } from "../../scripts/seed.mjs";

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs workerd until `close`; `lines` is what it prints. */
export async function workerd(args, port, env = {}) {
  const lines = [];
  const child = spawn(`${root}node_modules/.bin/workerd`, ["serve", ...args], { cwd: root, env: { ...process.env, ...env } });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => lines.push(...data.toString().split("\n").filter(Boolean)));
  }
  const url = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${url}/nowhere`).then(() => true, () => false)).catch(() => {
    throw new Error(`workerd did not start: ${lines.join("\n")}`);
  });
  const ended = (signal) => new Promise((resolve) => (child.exitCode ?? child.signalCode) !== null ? resolve() : child.on("exit", resolve) && child.kill(signal));
  return { url, lines, close: () => ended("SIGTERM"), kill: () => ended("SIGKILL") };
}

/** A KV namespace over HTTP, as workerd's binding expects it; `fault` is what it does instead, while it is set. */
export async function namespace() {
  const values = new Map();
  const state = { values, fault: null, reads: 0, port: 0, close: null };
  const server = createServer(async (request, response) => {
    const key = decodeURIComponent(new URL(request.url, "http://kv").pathname.slice(1));
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (state.fault) return state.fault(response);
    if (request.method === "PUT") values.set(key, Buffer.concat(chunks));
    if (request.method === "DELETE") values.delete(key);
    if (request.method === "GET") state.reads += 1;
    const value = values.get(key);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.port = server.address().port;
  state.close = () => server.closeAllConnections() ?? new Promise((resolve) => server.close(resolve));
  return state;
}

/** The worker with these namespaces and texts as bindings. */
export async function startPlain(texts = {}) {
  const [endpoints, models, port] = [await namespace(), await namespace(), await freePort()];
  const seeded = await seeds();
  for (const [key, bytes] of seeded.models) models.values.set(key, bytes);
  for (const [name, document] of seeded.endpoints) endpoints.values.set(name, Buffer.from(document));
  const bindings = Object.entries({ ENDPOINT_TTL_SECONDS: "0.2", LOG_RECORDS: "true", ...texts });
  const config = `${root}build/plain-${port}.capnp`;
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "turnout", worker = (
      compatibilityDate = "2026-10-01", compatibilityFlags = ["enable_request_signal"],
      modules = [
        (name = "index.js", esModule = embed "index.js"), (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
        (name = "engine.wasm", wasm = embed "engine.wasm"),
      ],
      bindings = [
        (name = "ENDPOINTS", kvNamespace = "endpoints"), (name = "MODELS", kvNamespace = "models"),
        ${bindings.map(([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`).join(", ")}
      ])),
    (name = "endpoints", external = (address = "127.0.0.1:${endpoints.port}", http = ())),
    (name = "models", external = (address = "127.0.0.1:${models.port}", http = ())),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "turnout")],
);`,
  );
  const server = await workerd([config], port);
  const put = (name, document) => endpoints.values.set(name, Buffer.from(JSON.stringify(document)));
  const records = () => server.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return {
    ...server,
    endpoints,
    models,
    put,
    records,
    invoke: invoker(server.url),
    close: async () => {
      await server.close();
      await endpoints.close();
      await models.close();
    },
  };
}
