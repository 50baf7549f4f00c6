// What is compared: the workers, built once, and what they are asked.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL(".", import.meta.url));
export const root = join(here, "../..");
export const work = join(root, "target/bench");

const ORT_WEB = "1.30.0";
const WORKER_BUILD = "0.8.7";
export const ORIGIN_PORT = 9500;

export const MODELS = ["digits-logistic", "digits-cnn", "churn-logistic", "churn-xgboost"];

const run = (command, args, options) => execFileSync(command, args, { cwd: root, stdio: "inherit", ...options });
const kept = (name) => join(work, name);

/** Makes what Turnout itself needs, and is not there yet. */
export function buildTurnout(say) {
  for (const folder of ["endpoints", "models", "registry"]) mkdirSync(kept(folder), { recursive: true });
  loadGenerator(say);
  say("building Turnout (some minutes from scratch)");
  run("scripts/build.sh", []);
  stores();
  requests();
}

/** Makes everything that is not there yet. */
export function build(say) {
  buildTurnout(say);
  packages(say);
  bareCrate(say);
  say("building what measures models by themselves (some minutes from scratch)");
  run("cargo", ["build", "--quiet", "--profile", "worker", "--target", "wasm32-unknown-unknown", "--example", "bench-models"]);
  run("cargo", ["build", "--quiet", "--release", "--example", "bench-native"]);
  const built = join(root, "target/wasm32-unknown-unknown/worker/examples/bench_models.wasm");
  run("wasm-bindgen", ["--target", "web", "--no-typescript", "--out-dir", work, "--out-name", "loaded", built]);
  bundle("onnxruntime.js");
  bundle("models.js");
}

function loadGenerator(say) {
  const found = (command) => {
    try {
      return execFileSync("sh", ["-c", `command -v ${command}`]).length > 0;
    } catch {
      return false;
    }
  };
  if (found("wrk")) return;
  if (!found("apt-get")) throw new Error("wrk is missing: install it, for example with `brew install wrk`");
  say("installing wrk");
  const sudo = process.getuid() === 0 ? "" : "sudo ";
  run("sh", ["-c", `${sudo}apt-get update -qq && ${sudo}apt-get install -y -qq --no-install-recommends wrk >/dev/null`]);
}

function packages(say) {
  const wanted = { "onnxruntime-web": ORT_WEB, vega: "6.2.0", "vega-lite": "6.4.2" };
  const there = ([name]) => existsSync(kept(`node_modules/${name}`));
  if (!Object.entries(wanted).every(there)) {
    say("installing onnxruntime-web, and what draws the plot");
    const names = Object.entries(wanted).map(([name, version]) => `${name}@${version}`);
    run("npm", ["install", "--prefix", work, "--no-save", "--no-audit", "--no-fund", "--silent", ...names]);
  }
  copyFileSync(kept("node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"), kept("ort.wasm"));
}

/** By the `worker` crate's own way of building. */
function bareCrate(say) {
  const tool = join(root, ".tools/bin/worker-build");
  if (!existsSync(tool)) {
    say(`building worker-build ${WORKER_BUILD} (some minutes, once; kept in .tools)`);
    const env = { ...process.env, CARGO_PROFILE_RELEASE_OPT_LEVEL: "1", CARGO_TARGET_DIR: kept("tools") };
    run("cargo", ["install", "--quiet", "--root", join(root, ".tools"), "--version", WORKER_BUILD, "worker-build"], { env });
  }
  if (existsSync(kept("crate/index.js"))) return;
  say("building the bare worker of the worker crate");
  const binaries = { WASM_BINDGEN_BIN: "wasm-bindgen", ESBUILD_BIN: "esbuild" };
  const paths = Object.entries(binaries).map(([name, tool]) => [name, execFileSync("which", [tool]).toString().trim()]);
  const env = { ...process.env, ...Object.fromEntries(paths), CARGO_TARGET_DIR: kept("crate-target") };
  run(tool, ["--release", join(here, "bare-crate"), "--out-dir", kept("crate")], { env });
}

function bundle(name) {
  copyFileSync(join(here, "workers", name), kept(name));
  copyFileSync(join(here, "workers/ort.js"), kept("ort.js"));
  const external = ["*.wasm", "cloudflare:*", "node:*"].map((name) => `--external:${name}`);
  run("esbuild", [name, "--bundle", "--format=esm", `--outfile=built-${name}`, "--log-level=error", ...external], { cwd: work });
}

/** KV: each model under its name, an endpoint for each, and one that only routes. */
function stores() {
  const endpoint = (name, document) => writeFileSync(kept(`endpoints/${name}`), JSON.stringify(document));
  for (const name of MODELS) {
    const onnx = readFileSync(join(root, "models", `${name.replace("-", "/")}.onnx`));
    writeFileSync(kept(`models/${name}`), onnx);
    const sha256 = createHash("sha256").update(onnx).digest("hex");
    const variants = [{ name: name.split("-")[1], weight: 1, model: { key: name, sha256 } }];
    endpoint(name, { variants });
  }
  const origin = { url: `http://127.0.0.1:${ORIGIN_PORT}/`, timeout_ms: 5000 };
  const variants = [{ name: "baseline", weight: 90, origin }, { name: "challenger", weight: 10, origin }];
  endpoint("route", { variants, assignment: { unit: { header: "x-user-id" }, salt: "bench" } });
}

/** Rows of the cases that the models were not trained on, in Turnout's form. */
export function instances(model) {
  const folder = join(root, "models", model.split("-")[0]);
  const lines = (file) => readFileSync(join(folder, file), "utf8").trim().split("\n").map((line) => line.split(","));
  const rows = lines("held-out.csv").map(([, ...row]) => row);
  if (model.startsWith("digits")) return rows.map((row) => row.map(Number));
  const columns = lines("customers.csv")[0].slice(0, -1);
  const cell = (text) => (text === "" || Number.isNaN(Number(text)) ? text : Number(text));
  return rows.map((row) => Object.fromEntries(row.map((text, i) => [columns[i], cell(text)])));
}

/** Files of requests for wrk: 50 units without a body, and 20 bodies of each model and number of rows. */
function requests() {
  const units = Array.from({ length: 50 }, (_, i) => `user-${i}`);
  writeFileSync(kept("units.txt"), units.map((unit) => `${unit}\t\n`).join(""));
  for (const model of MODELS) {
    const rows = instances(model);
    for (const count of [1, 100]) {
      const body = (i) => JSON.stringify({ instances: rows.slice(i * count, (i + 1) * count) });
      const bodies = Array.from({ length: count === 1 ? 20 : 3 }, (_, i) => body(i));
      writeFileSync(requestsOf(model, count), bodies.map((body, i) => `user-${i}\t${body}\n`).join(""));
      writeFileSync(rowsOf(model, count), bodies[0]);
    }
  }
}

export const requestsOf = (model, rows) => kept(`${model}-${rows}.txt`);
export const rowsOf = (model, rows) => kept(`${model}-${rows}.json`);

const script = (name) => ({ modules: { "index.js": join(here, "workers", `${name}.js`) } });
/** A build of Turnout, from a folder that `scripts/build.sh` has filled. */
const turnout = (folder) => ({
  // Builds before the engine had a module of its own have one fewer.
  modules: Object.fromEntries(
    ["index.js", "index_bg.wasm", "engine.wasm"].map((name) => [name, join(folder, name)]).filter(([, path]) => existsSync(path)),
  ),
  kv: ["ENDPOINTS", "MODELS", "REGISTRY"],
  sink: true,
  flags: ["enable_request_signal"],
});

/** The workers, by name. */
export const workers = {
  bare: script("bare"),
  crate: { modules: { "index.js": kept("crate/index.js"), "index_bg.wasm": kept("crate/index_bg.wasm") } },
  floor: script("floor"),
  origin: script("origin"),
  forward: { ...script("forward"), texts: { ORIGIN: `http://127.0.0.1:${ORIGIN_PORT}/` } },
  twin: { ...script("twin"), kv: ["ENDPOINTS"], sink: true },
  turnout: turnout(join(root, "build")),
  /** The same with the experiments bound. */
  bound: { ...turnout(join(root, "build")), objects: true },
  /** And with inference ids that are signed. */
  signed: { ...turnout(join(root, "build")), objects: true, texts: { INFERENCE_KEY: "0123456789abcdef0123456789abcdef" } },
  /** Experiments, and what isolates send them. */
  tallies: {
    modules: {
      "index.js": join(here, "workers/tallies.js"),
      "turnout.js": join(root, "build/index.js"),
      ...Object.fromEntries(["index_bg.wasm", "engine.wasm"].map((name) => [name, join(root, "build", name)])),
    },
    kv: ["ENDPOINTS", "MODELS", "REGISTRY"],
    objects: true,
  },
  /** Another build of Turnout, to compare with. */
  beside: turnout(resolve(root, process.env.BESIDE ?? "build")),
  onnxruntime: { modules: { "index.js": kept("built-onnxruntime.js"), "ort.wasm": kept("ort.wasm") }, kv: ["MODELS"] },
  models: {
    modules: { "index.js": kept("built-models.js"), "ort.wasm": kept("ort.wasm"), "loaded_bg.wasm": kept("loaded_bg.wasm") },
    kv: ["MODELS"],
  },
};
