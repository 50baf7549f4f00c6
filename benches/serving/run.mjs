// Turnout against the best, side by side in one go, as ratios: a table, benches/serving/last.json, and a plot.
//
//   make bench                     everything, about six minutes once all is built
//   make bench PARTS="start size"  some parts of it: requests, experiments, servers, start, models, size
//   make bench BESIDE=DIR          nothing but this build against another: DIR holds what scripts/build.sh of another
//                                  version has made in its build/
//
// Each worker lives in a workerd of its own; contestants take turns, round by round, and a ratio is of one round's two
// measurements, so that what disturbs the machine for longer than a turn disturbs both.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build, buildTurnout, instances, MODELS, ORIGIN_PORT, requestsOf, root, rowsOf, work, workers } from "./contestants.mjs";
import { follow } from "./follow.mjs";
import { report, summary } from "./report.mjs";
import { answered, prepare, processorTime, resident, start } from "./workerd.mjs";

const PARTS = ["size", "start", "models", "requests", "experiments", "servers"];
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SECONDS = 1;
const CONNECTIONS = 16;

const say = (text) => console.log(`[bench] ${text}`);
const execute = promisify(execFile);

/** Requests per second, and latencies in milliseconds, of one turn. */
async function load({ address, path, requests, headers = {} }, seconds = SECONDS) {
  const script = join(root, "benches/serving/load.lua");
  const named = Object.entries({ "content-type": "application/json", ...headers }).map(([name, value]) => `${name}=${value}`);
  const options = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}`, "-s", script, address, "--", requests, path, ...named];
  const { stdout } = await execute("wrk", options);
  const result = JSON.parse(stdout.match(/^RESULT (.*)$/m)[1]);
  if (result.bad > 0) throw new Error(`${address}${path}: ${result.bad} requests failed`);
  return { rate: result.requests / result.seconds, requests: result.requests, p50: result.p50, p99: result.p99 };
}

/**
 * Contestants in turns: `measure(contestant, round)` gives numbers by name. Round 0 warms up and is not kept.
 * What comes back is a list of rounds, each an object of numbers by contestant.
 */
async function inTurns(title, names, rounds, measure) {
  const kept = [];
  for (let round = 0; round <= rounds; round++) {
    const row = {};
    for (const name of names) {
      process.stdout.write(`\r[bench] ${title}: round ${round} of ${rounds}, ${name}`.padEnd(100));
      row[name] = await measure(name, round);
    }
    if (round > 0) kept.push(row);
  }
  process.stdout.write(`\r[bench] ${title}: done`.padEnd(100) + "\n");
  return kept;
}

const column = (rounds, key) =>
  rounds.map((row) => Object.fromEntries(Object.entries(row).map(([name, numbers]) => [name, numbers[key]])));

const worker = (name, port) => prepare(name, workers[name], { root, work, port: ORIGIN_PORT + port });

/** Starts workers on ports of their own, gives them to `use`, and ends them. */
async function withWorkers(names, use) {
  const started = names.map((name, i) => [name, start(worker(name, 1 + i))]);
  const origin = start(worker("origin", 0));
  try {
    return await use(Object.fromEntries(started));
  } finally {
    await Promise.all([origin, ...started.map(([, worker]) => worker)].map((worker) => worker.stop()));
  }
}

const predict = (model) => ({ turnout: `/endpoints/${model}/invocations`, onnxruntime: `/${model}` });
/** What asks for a prediction of that model; without one, for the decision alone. */
const first = (model, rows = 1) => {
  if (model === undefined) return { method: "POST" };
  const body = readFileSync(rowsOf(model, rows), "utf8");
  return { method: "POST", headers: { "content-type": "application/json" }, body };
};

/** Whether the contestants answer alike; a benchmark of wrong answers would be worth nothing. */
async function check(model, answers) {
  const [ours, ...others] = Object.values(answers).map((text) => JSON.parse(text).predictions);
  for (const theirs of others) {
    const alike = (prediction, i) =>
      prediction.label === theirs[i].label &&
      prediction.probabilities.every((p, k) => Math.abs(p - theirs[i].probabilities[k]) < 1e-4);
    if (theirs.length !== ours.length || !ours.every(alike)) throw new Error(`${model}: the answers differ`);
  }
}

async function requests() {
  const units = join(work, "units.txt");
  const cases = [
    { name: "decision", paths: { bare: "/", crate: "/", twin: "/endpoints/route/assignments", turnout: "/endpoints/route/assignments" } },
    { name: "origin", paths: { forward: "/", twin: "/endpoints/route/invocations", turnout: "/endpoints/route/invocations" }, body: "digits-cnn" },
    ...MODELS.map((model) => ({ name: `${model}, 1 row`, paths: { bare: "/", floor: "/", ...predict(model) }, body: model, rows: 1 })),
    ...MODELS.map((model) => ({ name: `${model}, 100 rows`, paths: predict(model), body: model, rows: 100 })),
  ];
  const names = ["bare", "crate", "floor", "forward", "twin", "turnout", "onnxruntime"];
  return withWorkers(names, async (running) => {
    const results = [];
    for (const { name, paths, body, rows = 1 } of cases) {
      const answers = {};
      for (const [contestant, path] of Object.entries(paths)) {
        const answer = await answered(`${running[contestant].address}${path}`, first(body, rows));
        if (predict(body)[contestant] === path) answers[contestant] = answer;
      }
      await check(name, answers);
      const file = name === "decision" ? units : requestsOf(body, rows);
      const turn = (contestant) =>
        load({ address: running[contestant].address, path: paths[contestant], requests: file });
      const rounds = await inTurns(name, Object.keys(paths), ROUNDS, turn);
      results.push({ part: "requests", name, unit: "requests/s", rounds: column(rounds, "rate") });
      results.push({ part: "latency", name, unit: "ms, 99th percentile", rounds: column(rounds, "p99") });
    }
    return results;
  });
}

/** Turnout with its experiments bound, against itself without; and how many tallies one experiment counts. */
async function experiments() {
  const cases = [
    { name: "decision", path: "/endpoints/route/assignments", file: join(work, "units.txt") },
    { name: "digits-cnn, 1 row", path: predict("digits-cnn").turnout, file: requestsOf("digits-cnn", 1), body: "digits-cnn" },
  ];
  const contestants = ["turnout", "bound", "signed"];
  const results = await withWorkers(contestants, async (running) => {
    const results = [];
    for (const { name, path, file, body } of cases) {
      for (const contestant of contestants) await answered(`${running[contestant].address}${path}`, first(body));
      const turn = (contestant) => load({ address: running[contestant].address, path, requests: file }, 2);
      const rounds = await inTurns(`${name}, with experiments`, contestants, 2 * ROUNDS + 1, turn);
      results.push({ part: "experiments", name, unit: "requests/s", rounds: column(rounds, "rate") });
    }
    return results;
  });
  return withWorkers(["tallies"], async ({ tallies: { address } }) => {
    await answered(`${address}/`, first());
    const rounds = await inTurns("tallies to one experiment", ["tallies"], ROUNDS, () => load({ address, path: "/", requests: join(work, "units.txt") }, 3));
    results.push({ part: "experiments", name: "tallies to one experiment", unit: "tallies/s", rounds: column(rounds, "rate") });
    results.push({ part: "experiments", name: "tallies to one experiment", unit: "ms, 99th percentile", rounds: column(rounds, "p99") });
    say("changes, and how isolates follow them (a minute)");
    const lags = (await follow(20)).map((ms) => ({ turnout: ms }));
    results.push({ part: "experiments", name: "from a change to the last old answer", unit: "ms", rounds: lags });
    return results;
  });
}

async function pythonServers() {
  const { servers, setUp, stop } = await import("./python/servers.mjs");
  await setUp(work, say);
  const results = [];
  for (const model of ["digits-cnn", "churn-xgboost"]) {
    const rows = instances(model).slice(0, 20).map((instance) => [instance]);
    const running = {};
    const close = [];
    const turnout = start(worker("turnout", 1));
    close.push(() => turnout.stop());
    try {
      running.turnout = { address: turnout.address, path: predict(model).turnout, requests: requestsOf(model, 1) };
      for (const [i, server] of servers.entries()) {
        const port = ORIGIN_PORT + 10 + i;
        const child = await server.start(work, port);
        close.push(() => stop(child));
        const address = `http://127.0.0.1:${port}`;
        await answered(`${address}${server.health}`);
        const file = join(work, `${server.name.split(" ")[0]}-${model}.txt`);
        writeRequests(file, rows.map((instances) => server.body(model, instances)));
        running[server.name] = { address, path: server.path(model), requests: file };
      }
      const rounds = await inTurns(`${model}, 1 row, against servers`, Object.keys(running), ROUNDS, (name) => load(running[name]));
      results.push({ part: "servers", name: `${model}, 1 row`, unit: "requests/s", rounds: column(rounds, "rate") });
      results.push({ part: "servers", name: `${model}, 1 row`, unit: "ms, 99th percentile", rounds: column(rounds, "p99") });
    } finally {
      for (const end of close) await end();
    }
  }
  return results;
}

/** From nothing to an answer: how many milliseconds, and how many bytes are in memory then. */
async function fromNothing(prepared, path, request) {
  const began = performance.now();
  const running = start(prepared);
  await answered(`${running.address}${path}`, request);
  const ms = performance.now() - began;
  const bytes = resident(running.child);
  await running.stop();
  return { ms, bytes };
}

/** From nothing to the first answer, and to the first prediction; and what is in memory then. */
async function starts() {
  const model = "digits-cnn";
  const firsts = {
    bare: { prepared: worker("bare", 1), path: "/" },
    "turnout, decision": { prepared: worker("turnout", 1), path: "/endpoints/route/assignments" },
    turnout: { prepared: worker("turnout", 1), path: predict(model).turnout },
    onnxruntime: { prepared: worker("onnxruntime", 1), path: predict(model).onnxruntime },
  };
  await fetch("http://127.0.0.1:1").catch(() => undefined); // What node loads for its first fetch is none of theirs.
  const rounds = await inTurns("start", Object.keys(firsts), 2 * ROUNDS, async (name) => {
    const { prepared, path } = firsts[name];
    return fromNothing(prepared, path, first(path.endsWith("/assignments") ? undefined : model));
  });
  return [
    { part: "start", name: "first answer", unit: "ms", rounds: column(rounds, "ms") },
    { part: "start", name: "memory", unit: "MB", rounds: column(rounds, "bytes").map((row) => mapValues(row, (bytes) => bytes / 1e6)) },
  ];
}

/**
 * This build against another, by what is asked of both: the ratio of the rates, of the processor's time a request, and of the
 * starts. Each round has workers of its own, as one may be faster than another of the same build for as long as it lives.
 */
async function beside() {
  const cases = [
    { name: "decision", path: "/endpoints/route/assignments", file: join(work, "units.txt") },
    { name: "origin", path: "/endpoints/route/invocations", file: requestsOf("digits-cnn", 1), body: "digits-cnn" },
    ...MODELS.flatMap((model) =>
      [1, 100].map((rows) => ({ name: `${model}, ${rows} rows`, path: predict(model).turnout, file: requestsOf(model, rows), body: model, rows }))),
  ];
  const names = ["beside", "turnout"];
  const spread = (ratios) => {
    const { median, lowest, highest } = mapValues(summary(ratios), (ratio) => ratio.toFixed(3));
    return `${median} (${lowest} to ${highest})`;
  };
  const measured = cases.map(() => []);
  for (let round = 1; round <= ROUNDS; round++) {
    await withWorkers(names, async (running) => {
      for (const [at, { name, path, file, body, rows = 1 }] of cases.entries()) {
        for (const contestant of names) await answered(`${running[contestant].address}${path}`, first(body, rows));
        const turn = async (contestant) => {
          const { address, child } = running[contestant];
          const began = processorTime(child);
          const { rate, requests } = await load({ address, path, requests: file });
          return { rate, each: (processorTime(child) - began) / requests };
        };
        measured[at].push(...(await inTurns(`${round} of ${ROUNDS}: ${name}`, names, 2, turn)));
      }
    });
  }
  for (const [at, { name }] of cases.entries()) {
    const rates = spread(measured[at].map(({ beside, turnout }) => turnout.rate / beside.rate));
    const times = spread(measured[at].map(({ beside, turnout }) => beside.each / turnout.each));
    console.log(`${name.padEnd(28)} ${rates} of the other's speed; by the processor's time ${times}`);
  }
  const prepared = Object.fromEntries(names.map((name) => [name, worker(name, 1)]));
  const begin = (name) => fromNothing(prepared[name], predict("digits-cnn").turnout, first("digits-cnn"));
  const starts = await inTurns("start to first prediction", names, 2 * ROUNDS, begin);
  console.log(`${"start to first prediction".padEnd(28)} ${spread(starts.map(({ beside, turnout }) => beside.ms / turnout.ms))} of the other's speed`);
  console.log(`${"memory by then".padEnd(28)} ${spread(starts.map(({ beside, turnout }) => turnout.bytes / beside.bytes))} of the other's`);
}

const writeRequests = (file, bodies) => writeFileSync(file, bodies.map((body, i) => `user-${i}\t${body}\n`).join(""));
const mapValues = (object, f) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, f(value, name)]));

/** Models by themselves: loading, and a thousand runs in one request. */
async function models() {
  const native = join(root, "target/release/examples/bench-native");
  return withWorkers(["models"], async ({ models: { address } }) => {
    const results = [];
    const measure = (action, model, rows, times) => async (contestant) => {
      if (contestant.endsWith(" natively")) {
        const file = join(root, "models", `${model.replace("-", "/")}.onnx`);
        const { stdout } = await execute(native, [contestant.split(" ")[0], action, file, rowsOf(model, rows), `${times}`]);
        return { ms: Number(stdout) };
      }
      const began = performance.now();
      await answered(`${address}/${encodeURIComponent(contestant)}/${action}/${model}?times=${times}`, first(model, rows));
      return { ms: (performance.now() - began) / times };
    };
    for (const model of MODELS) {
      // tract by itself has no operators for tables that are worth a comparison.
      const contestants = [model === "digits-cnn" ? "tract natively" : "turnout natively", "turnout", "turnout in tract", "onnxruntime"];
      const loads = await inTurns(`load ${model}`, contestants, ROUNDS, measure("load", model, 1, 20));
      results.push({ part: "load", name: model, unit: "ms", rounds: column(loads, "ms") });
      for (const [rows, times] of [[1, 1000], [100, 200]]) {
        const runs = await inTurns(`run ${model}, ${rows} rows`, contestants, ROUNDS, measure("run", model, rows, times));
        const microseconds = column(runs, "ms").map((row) => mapValues(row, (ms) => 1000 * ms));
        results.push({ part: "run", name: `${model}, ${rows} ${rows === 1 ? "row" : "rows"}`, unit: "µs", rounds: microseconds });
      }
    }
    return results;
  });
}

function size() {
  const sum = (paths, bytes) => paths.reduce((sum, path) => sum + bytes(readFileSync(path)) / 1e6, 0);
  const of = (paths) => ({
    raw: sum(paths, (file) => file.length),
    gzip: sum(paths, (file) => gzipSync(file, { level: 9 }).length),
  });
  const built = ["index_bg.wasm", "engine.wasm"].map((name) => join(root, "build", name));
  const files = { turnout: built, onnxruntime: [join(work, "ort.wasm")], crate: [join(work, "crate/index_bg.wasm")] };
  const sizes = mapValues(files, of);
  return ["raw", "gzip"].map((key) => ({ part: "size", name: `wasm, ${key}`, unit: "MB", rounds: column([sizes], key) }));
}

if (process.env.BESIDE) {
  buildTurnout(say);
  await beside();
  process.exit();
}
const chosen = process.env.PARTS?.split(/[ ,]+/).filter((part) => part !== "") ?? PARTS;
const unknown = chosen.find((part) => !PARTS.includes(part));
if (unknown !== undefined) throw new Error(`there is no part ${unknown}; there are: ${PARTS.join(", ")}`);
// Experiments are compared with nobody else's.
const others = chosen.some((part) => part !== "experiments");
(others ? build : buildTurnout)(say);
const measured = [];
let failed = false;
for (const part of PARTS.filter((part) => chosen.includes(part))) {
  try {
    measured.push(...(await { size, start: starts, models, requests, experiments, servers: pythonServers }[part]()));
  } catch (error) {
    // What has been measured before, and will be, is told all the same.
    console.error(`\n[bench] ${part} failed:`, error);
    failed = true;
  }
}
const whole = !failed && chosen.length === PARTS.length;
await report(measured, { rounds: ROUNDS, seconds: SECONDS, connections: CONNECTIONS, whole });
process.exitCode = failed ? 1 : 0;
