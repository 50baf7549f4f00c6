// Runs a test with SageMaker's SDK against the worker in workerd:
//
//   node tests/notebook/run.mjs PYTHON test_notebook.py [pytest's options]
//
// PYTHON is one with requirements.txt installed; for test_sdk3.py, with requirements-3.txt. The tests find the worker, and its
// keys, in the environment, where boto3 and the SDK look for them.

import { spawn } from "node:child_process";
import { ADMIN_TOKEN, KEYS, root, start } from "../e2e/support.mjs";

const [python, test, ...options] = process.argv.slice(2);
const worker = await start();
const environment = {
  AWS_ENDPOINT_URL: String(worker.url).replace(/\/$/, ""),
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: KEYS.ADMIN_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY: KEYS.ADMIN_SECRET_ACCESS_KEY,
  TURNOUT_TOKEN: ADMIN_TOKEN,
};
const tests = spawn(python, ["-m", "pytest", "-q", "-p", "no:cacheprovider", `${root}tests/notebook/${test}`, ...options], {
  stdio: "inherit",
  env: { ...process.env, ...environment, PYTHONDONTWRITEBYTECODE: "1" },
});
const code = await new Promise((resolve) => tests.on("exit", resolve));
await worker.close();
process.exit(code ?? 1);
