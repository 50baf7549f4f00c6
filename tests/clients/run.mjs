// Runs the tests of real clients, which are in Python, against the worker in workerd:
//
//   node tests/clients/run.mjs PYTHON [pytest's options]
//
// PYTHON is one with requirements.txt installed. The tests find the worker in the environment.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ADMIN_TOKEN, INFERENCE_KEY, KEYS, origin, root, sleep, start } from "../e2e/support.mjs";

const [python, ...options] = process.argv.slice(2);
const worker = await start();

// A model host in its moods.
const host = await origin(async (call, response) => {
  if (call.path === "/teapot") return response.writeHead(418).end("I am a teapot");
  if (call.path === "/slow") await sleep(2000);
  if (call.path === "/infer") {
    const outputs = [{ name: "y", datatype: "FP32", shape: [1], data: [0.5] }];
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ model_name: "hosted", outputs }));
  }
  const attributes = call.headers["x-amzn-sagemaker-custom-attributes"];
  const headers = { "content-type": "text/csv", ...(attributes && { "x-amzn-sagemaker-custom-attributes": `${attributes};seen` }) };
  response.writeHead(200, headers).end(call.body);
});
const to = (name, path, more = {}) => ({ name, weight: 1, origin: { url: `${host.url}${path}`, ...more } });
await worker.put("hosted", {
  variants: [to("echo", "/echo"), to("teapot", "/teapot"), to("slow", "/slow", { timeout_ms: 100 }), to("infer", "/infer")],
});
await worker.put("measured", { variants: [to("echo", "/echo"), to("teapot", "/teapot")] });
await worker.put("bearer", { variants: [to("echo", "/echo")], access: { bearer: "CALLER_TOKEN" } });
await worker.put("signed", { variants: [to("echo", "/echo")], access: { sigv4: "CALLER" } });
await worker.put("unset", { variants: [to("echo", "/echo")], access: { sigv4: "NOBODY" } });
await worker.put("sessions", {
  variants: [to("a", "/echo"), to("b", "/echo")],
  assignment: { unit: { header: "x-amzn-sagemaker-session-id" }, salt: "sessions" },
});
await worker.put("off", { variants: [{ ...to("echo", "/echo"), weight: 0 }] });
await worker.put("broken", "{");
const datatypes = readFileSync(`${root}tests/clients/datatypes.onnx`);
await worker.MODELS.put("datatypes.onnx", datatypes);
const sha256 = createHash("sha256").update(datatypes).digest("hex");
await worker.put("datatypes", { variants: [{ name: "identity", model: { key: "datatypes.onnx", sha256 } }] });
await worker.MODELS.put("garbage.onnx", "garbage");
// A model of one number a row, as XGBoost's are.
await worker.MODELS.put("score.onnx", readFileSync(`${root}tests/zoo/models/operator-svm-regressor-rbf.onnx`));
await worker.put("flagged", {
  variants: [to("a", "/echo"), to("b", "/echo")],
  assignment: { unit: { header: "x-user-id" }, salt: "flagged" },
  outcome: { kind: "reward" },
});
// The churn models for outcomes: each alone, and with its predictions kept.
const churn = JSON.parse(readFileSync(`${root}models/churn/endpoint.json`, "utf8"));
for (const variant of churn.variants) await worker.put(`only-${variant.name}`, { variants: [variant], outcome: churn.outcome });
await worker.put("churn-captured", { ...churn, capture: { percent: 100 } });
await worker.put("kept", { variants: churn.variants, outcome: { ...churn.outcome, keep: 1 } });

const environment = { TURNOUT_URL: String(worker.url).replace(/\/$/, ""), TURNOUT_HOST_URL: host.url, TURNOUT_ADMIN_TOKEN: ADMIN_TOKEN, TURNOUT_INFERENCE_KEY: INFERENCE_KEY };
const tests = spawn(python, ["-m", "pytest", "-q", "-p", "no:cacheprovider", `${root}tests/clients`, ...options], {
  stdio: "inherit",
  env: { ...process.env, ...KEYS, ...environment, PYTHONDONTWRITEBYTECODE: "1" },
});
const code = await new Promise((resolve) => tests.on("exit", resolve));
await worker.close();
await host.close();
process.exit(code ?? 1);
