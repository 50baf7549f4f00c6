// Turnout in several processes of workerd: one has the experiments, the others answer requests, each an isolate of its own; all
// share one KV. Any of them can be killed and started again.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, namespace, workerd } from "./plain.mjs";
import { ADMIN_TOKEN, INFERENCE_KEY, invoker, root } from "./support.mjs";
import { seeds } from "../../scripts/seed.mjs";

const MODULES = `
  (name = "index.js", esModule = embed "index.js"), (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
  (name = "engine.wasm", wasm = embed "engine.wasm"),`;

const service = (main, { objects, bindings = "", endpoints, models, texts = {} }) => `(
  compatibilityDate = "2026-10-01", compatibilityFlags = ["enable_request_signal"],
  modules = [(name = "main.mjs", esModule = embed "../tests/e2e/doubles/${main}.mjs"), ${MODULES}],
  ${objects}
  bindings = [
    ${Object.entries(texts).map(([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)}),`).join(" ")}
    (name = "EXPERIMENTS", durableObjectNamespace = "Experiment"),
    (name = "ENDPOINTS", kvNamespace = "endpoints"), (name = "MODELS", kvNamespace = "models"), ${bindings}
  ])`;

const config = (name, worker, { endpoints, models }, port, more = "") => {
  const path = `${root}build/objects-${name}-${port}.capnp`;
  writeFileSync(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "turnout", worker = ${worker}),
    (name = "endpoints", external = (address = "127.0.0.1:${endpoints.port}", http = ())),
    (name = "models", external = (address = "127.0.0.1:${models.port}", http = ())),
    (name = "internet", network = (allow = ["public", "private"])), ${more}
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "turnout")],
);`,
  );
  return path;
};

/** Starts it, with so many isolates. `faults` is the share of tallies that something befalls. */
export async function startObjects({ isolates = 2, faults = 0, texts = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "turnout-"));
  const kv = { endpoints: await namespace(), models: await namespace() };
  const { models, endpoints } = await seeds();
  for (const [key, bytes] of models) kv.models.values.set(key, bytes);
  for (const [name, document] of endpoints) kv.endpoints.values.set(name, Buffer.from(document));
  const settings = { ENDPOINT_TTL_SECONDS: "30", KV_DELAY_SECONDS: "0", ADMIN_TOKEN, INFERENCE_KEY, ...texts };

  const objectsPort = await freePort();
  const onDisk = `durableObjectNamespaces = [(className = "Experiment", uniqueKey = "experiments", enableSql = true)],
    durableObjectStorage = (localDisk = "disk"),`;
  const objectsWorker = service("bridge", { objects: onDisk, texts: settings });
  const objectsConfig = config("bridge", objectsWorker, kv, objectsPort, `(name = "disk", disk = (path = ${JSON.stringify(folder)}, writable = true)),`);
  const startObject = () => workerd(["--experimental", objectsConfig], objectsPort);
  let object = await startObject();

  const inMemory = `durableObjectNamespaces = [(className = "Experiment", uniqueKey = "relays")], durableObjectStorage = (inMemory = void),`;
  const started = [];
  for (let i = 0; i < isolates; i += 1) {
    const port = await freePort();
    const worker = service("relay", { objects: inMemory, texts: { ...settings, FAULTS: String(faults) }, bindings: `(name = "OBJECTS", service = "objects"),` });
    const path = config(`relay-${i}`, worker, kv, port, `(name = "objects", external = (address = "127.0.0.1:${objectsPort}", http = ())),`);
    const server = await workerd(["--experimental", path], port);
    started.push({ ...server, invoke: invoker(server.url), fetch: (path, init) => fetch(new URL(path, server.url), init) });
  }
  return {
    kv,
    isolates: started,
    put: (name, document) => kv.endpoints.values.set(name, Buffer.from(typeof document === "string" ? document : JSON.stringify(document))),
    stored: (name) => kv.endpoints.values.get(name)?.toString(),
    /** Kills the process that has the experiments, in the middle of whatever it does. */
    kill: () => object.kill(),
    restart: async () => (object = await startObject()),
    /** Ends its WebAssembly instance, as a panic would. */
    panic: () => fetch(object.url, { method: "POST", body: "{}" }),
    /** Has it believe that it is so much later. */
    moveOn: (ahead_ms) => fetch(object.url, { method: "POST", body: JSON.stringify({ ahead_ms }) }),
    /** What it has printed. */
    printed: () => object.lines,
    close: async () => {
      await Promise.all([object, ...started].map((server) => server.kill()));
      await Promise.all([kv.endpoints.close(), kv.models.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
