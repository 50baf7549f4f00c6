// Model servers in Python, to compare with: each serves the four models on ONNX Runtime, set as fast as it goes here.

import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const models = join(here, "../../../models");

const MODELS = ["digits-logistic", "digits-cnn", "churn-logistic", "churn-xgboost"];

const run = (command, args) => execFileSync(command, args, { stdio: "inherit" });

/** A virtual environment for each server, made once. It takes Python 3.11 or 3.12, as MLServer 1.7.1 goes no further. */
export async function setUp(work, say) {
  mkdirSync(work, { recursive: true });
  for (const tool of ["mlserver", "bentoml"]) {
    const list = join(here, `${tool}.txt`);
    const venv = join(work, `${tool}-venv`);
    const stamp = join(venv, "requirements.txt");
    const wanted = readFileSync(list, "utf8");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) continue;
    say(`installing ${tool} (about a minute)`);
    rmSync(venv, { recursive: true, force: true });
    run("python3", ["-m", "venv", venv]);
    run(join(venv, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", "--requirement", list]);
    // Last, so that an interrupted installation is made again.
    writeFileSync(stamp, wanted);
  }
}

/** Starts a program of an environment; what it says goes to a file. */
function launch(work, tool, args, options) {
  const log = openSync(join(work, `${tool}.log`), "w");
  try {
    return spawn(join(work, `${tool}-venv/bin`, tool), args, { ...options, stdio: ["ignore", log, log] });
  } finally {
    closeSync(log);
  }
}

/** Ends a server: SIGTERM to `child` is enough, as BentoML ends its workers before itself. This also waits for it. */
export function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", resolve) && child.kill());
}

/**
 * MLServer in one process. By CPU time for a request (digits-cnn, one row, 16 connections), from 190 µs: a pool of one
 * worker, its default, adds 430 µs of passing requests on, and two add 520 (with uvloop 0.21: under 0.23 they do not start);
 * metrics add 35, gzip 20, the access log of `debug` 50; uvicorn without httptools (in mlserver.txt) 70. Adaptive batching
 * changes nothing. It has no way to answer HTTP from more than one process, or without gRPC beside it.
 */
function startMLServer(work, port) {
  const folder = join(work, "mlserver");
  const write = (name, content) => {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), JSON.stringify(content));
  };
  const fast = { debug: false, parallel_workers: 0, metrics_endpoint: null, gzip_enabled: false };
  // 0: any port that is free.
  write("settings.json", { host: "127.0.0.1", http_port: port, grpc_port: 0, ...fast });
  for (const name of MODELS) {
    const parameters = { uri: join(models, `${name.replace("-", "/")}.onnx`) };
    write(`${name}/model-settings.json`, { name, implementation: "mlserver_onnx.OnnxModel", parameters });
  }
  const path = [here, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
  return launch(work, "mlserver", ["start", folder], { cwd: folder, env: { ...process.env, PYTHONPATH: path } });
}

/** Rows in Turnout's form as tensors of the Open Inference Protocol: all pixels in one, or one for each named column. */
function tensors(rows) {
  if (Array.isArray(rows[0])) {
    return [{ name: "pixels", shape: [rows.length, rows[0].length], datatype: "FP32", data: rows.flat() }];
  }
  return Object.entries(rows[0]).map(([name, first]) => ({
    name,
    shape: [rows.length, 1],
    datatype: typeof first === "string" ? "BYTES" : "FP32",
    data: rows.map((row) => row[name]),
  }));
}

/** BentoML, a worker for each core or as many as asked for; the rest of its settings are in bentoml_onnx.py. */
function startBentoML(work, port, { workers = availableParallelism() } = {}) {
  const home = join(work, "bentoml");
  const ready = join(home, "ready");
  rmSync(ready, { recursive: true, force: true });
  mkdirSync(ready, { recursive: true });
  const ours = { WORKERS: `${workers}`, READY: ready };
  const env = { ...process.env, BENTOML_HOME: home, BENTOML_DO_NOT_TRACK: "True", ...ours };
  const args = ["serve", "bentoml_onnx:Models", "--working-dir", here, "--host", "127.0.0.1", "--port", `${port}`];
  return launch(work, "bentoml", args, { cwd: home, env });
}

/** Each is up when GET of `health` answers 200; `body(model, instances)` goes by POST to `path(model)`, as JSON. */
export const servers = [
  {
    name: "MLServer 1.7.1",
    start: startMLServer,
    health: "/v2/health/ready",
    path: (model) => `/v2/models/${model}/infer`,
    body: (model, instances) => JSON.stringify({ inputs: tensors(instances) }),
  },
  {
    name: "BentoML 1.4.39",
    start: startBentoML,
    health: "/readyz",
    path: (model) => `/predict/${model}`,
    body: (model, instances) => JSON.stringify({ instances }),
  },
];
