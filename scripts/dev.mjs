// `make dev`, once all is built: serves the worker with local KV, and prints what to do with it.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const port = process.env.PORT ?? "8787";
const base = `http://localhost:${port}`;

// The administrator's token, the key that SageMaker's clients sign with, and the one that inference ids are signed with. Those that are there already stay.
const secrets = existsSync(`${root}.dev.vars`) ? readFileSync(`${root}.dev.vars`, "utf8") : "# Secrets of the local worker.\n";
const made = { ADMIN_TOKEN: random(), ADMIN_ACCESS_KEY_ID: `AKID${random().slice(0, 12).toUpperCase()}`, ADMIN_SECRET_ACCESS_KEY: random(), INFERENCE_KEY: random() + random() };
const missing = Object.entries(made).filter(([name]) => !new RegExp(`^${name}=`, "m").test(secrets));
if (missing.length > 0) {
  const lines = missing.map(([name, value]) => `${name}=${value}\n`).join("");
  writeFileSync(`${root}.dev.vars`, secrets + lines, { mode: 0o600 });
}

const wrangler = spawn(
  `${root}node_modules/.bin/wrangler`,
  // Local KV shows a change at once, and reading it is cheap.
  ["dev", "--port", port, "--var", "ENDPOINT_TTL_SECONDS:1", "--var", "KV_DELAY_SECONDS:0", "--var", "OPEN_DESCRIPTIONS:true", "--show-interactive-dev-session=false", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => wrangler.kill(signal));
wrangler.on("exit", (code) => process.exit(code ?? 0));

await answered(`${base}/endpoints/digits`);
// One that both models are sure of.
const row = readFileSync(`${root}models/digits/held-out.csv`, "utf8").split("\n")[3];
const [label, ...pixels] = row.split(",");
const token = /^ADMIN_TOKEN=(.*)$/m.exec(readFileSync(`${root}.dev.vars`, "utf8"))[1];
console.log(`
Turnout answers at ${base}

The page, with the token that moves weights (a browser sends nobody what stands after the #):

  ${base}/#token=${encodeURIComponent(token)}

A first prediction, of a handwritten ${label}:

  curl -i ${base}/endpoints/digits/invocations -H 'content-type: text/csv' -d '${pixels.join(",")}'

The endpoint, its variants and their weights:

  curl ${base}/endpoints/digits

The admin token, for changing weights, and the key for boto3 stand in .dev.vars.
`);

function random() {
  return randomBytes(16).toString("hex");
}

/** Waits until a GET succeeds. */
async function answered(url) {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
