// Puts the models of models/, their check rows and the endpoints into the local KV of `wrangler dev`. A model is always put;
// an endpoint only where there is none yet, so that weights changed by hand stay: `node scripts/seed.mjs --reset` puts them
// all back.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getPlatformProxy } from "wrangler";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What there is to seed: `{ models: [key, bytes][], endpoints: [name, document][] }`, from each folder of models/. */
export async function seeds() {
  const found = { models: [], endpoints: [] };
  for (const folder of await readdir(join(root, "models"), { withFileTypes: true })) {
    if (!folder.isDirectory() || folder.name.startsWith(".")) continue;
    const path = join(root, "models", folder.name);
    for (const file of await readdir(path)) {
      const bytes = () => readFile(join(path, file));
      if (file.endsWith(".onnx") || file.endsWith(".check.json")) found.models.push([`${folder.name}/${file}`, await bytes()]);
      if (file === "endpoint.json") found.endpoints.push([folder.name, (await bytes()).toString()]);
    }
  }
  return found;
}

async function main() {
  const reset = process.argv.includes("--reset");
  const { env, dispose } = await getPlatformProxy({ configPath: join(root, "wrangler.toml") });
  const { models, endpoints } = await seeds();
  for (const [key, bytes] of models) {
    await env.MODELS.put(key, bytes);
    console.log(`[seed] ${key}, ${bytes.length} bytes`);
  }
  for (const [name, document] of endpoints) {
    const kept = !reset && (await env.ENDPOINTS.get(name)) !== null;
    if (!kept) await env.ENDPOINTS.put(name, document);
    console.log(`[seed] endpoint ${name}${kept ? " stays as it is" : ""}`);
  }
  await dispose();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
