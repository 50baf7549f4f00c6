// A contestant in a workerd of its own: its configuration, and its life.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/** A configuration of one worker. `worker` is `{ modules: { "a.js": path, ... }, kv: [names], texts: {}, sink: bool, flags: [names] }`, with `objects: true` for experiments on disk. */
function configuration({ modules, kv = [], texts = {}, sink = false, flags = [], objects = false }, { root, work, port }) {
  const embed = (path) => JSON.stringify(relative(work, path));
  const module = ([name, path]) => `(name = "${name}", ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed ${embed(path)})`;
  const bindings = [
    ...kv.map((name) => `(name = "${name}", kvNamespace = "${name.toLowerCase()}")`),
    ...Object.entries(texts).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`),
    ...(objects ? [`(name = "EXPERIMENTS", durableObjectNamespace = "Experiment")`] : []),
    ...(sink ? [`(name = "RECORDS", wrapped = (moduleName = "bench:sink"))`] : []),
  ];
  // KV is read straight from files, as a worker between would be one more to start in the same process.
  const store = (name) => `
    (name = "${name.toLowerCase()}", disk = (path = "${name.toLowerCase()}")),`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (compatibilityDate = "2026-10-01", compatibilityFlags = ${JSON.stringify(flags)},
      modules = [${Object.entries(modules).map(module).join(", ")}],
      ${objects ? `durableObjectNamespaces = [(className = "Experiment", uniqueKey = "experiments", enableSql = true)], durableObjectStorage = (localDisk = "experiments"),` : ""}
      bindings = [${bindings.join(", ")}])),${kv.map(store).join("")}
    ${objects ? `(name = "experiments", disk = (path = "experiments", writable = true)),` : ""}
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "worker")],
  extensions = [(modules = [(name = "bench:sink", internal = true,
    esModule = embed ${embed(join(root, "benches/serving/workers/sink.js"))})])],
);`;
}

/**
 * What is needed to start a worker. Its configuration is compiled, as it would be for production: reading it as text, with
 * all that it embeds, takes 3 ms a megabyte, which is nothing of the worker's.
 */
export function prepare(name, worker, place) {
  const { work, port } = place;
  const text = join(work, `${name}.capnp`);
  writeFileSync(text, configuration(worker, place));
  const compiled = join(work, `${name}.bin`);
  writeFileSync(compiled, execFileSync("workerd", ["compile", "--config-only", text], { maxBuffer: 1 << 30 }));
  const stores = (worker.kv ?? []).map((store) => `--directory-path=${store.toLowerCase()}=${join(work, store.toLowerCase())}`);
  if (worker.objects) {
    const folder = join(work, `experiments-${name}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    stores.push("--experimental", `--directory-path=experiments=${folder}`);
  }
  return { command: ["serve", "--binary", compiled, ...stores], address: `http://127.0.0.1:${port}` };
}

/** Starts a worker; what it gives back is not up yet. */
export function start({ command, address }) {
  const child = spawn("workerd", command, { stdio: ["ignore", "inherit", "inherit"] });
  return { child, address, stop: () => stopped(child) };
}

export function stopped(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", resolve) && child.kill());
}

/** The answer to a request, once there is somebody to give it; 503 is nobody yet. */
export async function answered(address, request) {
  for (const began = performance.now(); performance.now() - began < 60_000; ) {
    const response = await fetch(address, request).catch(() => undefined);
    if (response !== undefined && response.status !== 503) {
      const text = await response.text();
      if (!response.ok) throw new Error(`${address} answers ${response.status}: ${text}`);
      return text;
    }
    await response?.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`${address} does not answer`);
}

/** Bytes of memory that a process holds. */
export const resident = ({ pid }) => 1024 * Number(execFileSync("ps", ["-o", "rss=", "-p", `${pid}`]));

/** Milliseconds that processors have worked for a process, in steps of ten; NaN where the system does not tell. */
export function processorTime({ pid }) {
  try {
    // Behind the command's name, the 12th and the 13th number are ticks in user mode and in the system's (proc_pid_stat(5)).
    const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ").slice(11, 13);
    return 10 * (Number(user) + Number(system));
  } catch {
    return NaN;
  }
}
