// Trees in WebAssembly: this project's kernel, tract's own, and onnxruntime-web, side by side in one workerd.
//
//   make bench-trees
//
// Nothing is timed inside: clocks there tick in milliseconds. Each figure is a request that runs a model many times, timed
// from outside; contestants take turns, and the ratio is of the medians of all rounds.

import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const work = join(root, "target/bench-trees");
const ORT_WEB = "1.30.0";
const ADDRESS = "http://127.0.0.1:9480";
const ROUNDS = 9;

/** How often each contestant runs in one measurement: about a third of a second. */
const TIMES = {
  1: { turnout: 10_000, ort: 5_000, tract: 25 },
  1000: { turnout: 40, ort: 20, tract: 0 },
};

const say = (text) => console.log(`[bench] ${text}`);
const run = (command, args, options) => execFileSync(command, args, { cwd: root, stdio: "inherit", ...options });

function build() {
  mkdirSync(work, { recursive: true });
  if (!existsSync(join(work, "expected.bin"))) {
    say("installing what trains the model (about a minute)");
    run("python3", ["-m", "venv", join(work, "venv")]);
    run(join(work, "venv/bin/pip"), ["install", "--quiet", "--requirement", join(here, "requirements.txt")]);
    run(join(work, "venv/bin/python"), [join(here, "model.py"), work]);
  }
  if (!existsSync(join(work, "node_modules/onnxruntime-web"))) {
    say(`installing onnxruntime-web ${ORT_WEB}`);
    run("npm", ["install", "--prefix", work, "--no-save", "--no-audit", "--no-fund", "--silent", `onnxruntime-web@${ORT_WEB}`]);
  }
  say("building the Rust side (minutes from scratch)");
  run("cargo", ["build", "--release", "--target", "wasm32-unknown-unknown", "--example", "bench-trees"]);
  const built = join(root, "target/wasm32-unknown-unknown/release/examples/bench_trees.wasm");
  run("wasm-bindgen", ["--target", "web", "--no-typescript", "--out-dir", work, "--out-name", "bench_trees", built]);
  copyFileSync(join(work, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"), join(work, "ort.wasm"));
  copyFileSync(join(here, "contestants.mjs"), join(work, "contestants.mjs"));
  copyFileSync(join(here, "bench.capnp"), join(work, "bench.capnp"));
  const external = ["*.wasm", "*.bin", "*.onnx", "cloudflare:*", "node:*"].map((name) => `--external:${name}`);
  run("esbuild", ["contestants.mjs", "--bundle", "--format=esm", "--outfile=contestants.js", "--log-level=error", ...external], { cwd: work });
}

/** Milliseconds a run, from one request of many. */
async function measure(name, rows, times) {
  const began = performance.now();
  const response = await fetch(`${ADDRESS}/${name}?rows=${rows}&times=${times}`);
  const { count, worst } = await response.json();
  const took = (performance.now() - began) / times;
  if (count !== 2 * rows || !(worst < 1e-5)) throw new Error(`${name} is wrong: ${count} numbers, off by ${worst}`);
  return took;
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

async function compare(rows) {
  const contestants = Object.entries(TIMES[rows]).filter(([, times]) => times > 0);
  const times = Object.fromEntries(contestants.map(([name]) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    process.stdout.write(`\r[bench] ${rows} rows, round ${round} of ${ROUNDS} `);
    for (const [name, many] of contestants) {
      const took = await measure(name, rows, many);
      // The first round warms the code up.
      if (round > 0) times[name].push(took);
    }
  }
  process.stdout.write("\n");
  const ours = median(times.turnout);
  return contestants.map(([name]) => ({
    rows,
    contestant: name,
    microseconds: 1000 * median(times[name]),
    lowest: 1000 * Math.min(...times[name]),
    highest: 1000 * Math.max(...times[name]),
    ratio: median(times[name]) / ours,
  }));
}

async function up() {
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(ADDRESS).then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("workerd does not answer");
}

build();
const workerd = spawn("workerd", ["serve", join(work, "bench.capnp")], { stdio: "inherit" });
try {
  await up();
  const results = [...(await compare(1)), ...(await compare(1000))];
  console.log(`\n500 trees of depth 6, 20 features; ${cpus()[0].model}, ${cpus().length} cores; median of ${ROUNDS} rounds\n`);
  console.log("| rows | contestant | µs a run | lowest to highest | times ours |\n|---:|---|---:|---:|---:|");
  for (const { rows, contestant, microseconds, lowest, highest, ratio } of results) {
    const [shown, low, high] = [microseconds, lowest, highest].map((number) => number.toFixed(1));
    console.log(`| ${rows} | ${contestant} | ${shown} | ${low} to ${high} | ${ratio.toFixed(2)} |`);
  }
  writeFileSync(join(work, "result.json"), JSON.stringify(results, null, 1));
} finally {
  workerd.kill();
}
