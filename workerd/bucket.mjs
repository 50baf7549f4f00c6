// A bucket as files of a folder, as far as this project uses one: the methods of R2's binding, called over the runtime's RPC.
// `FILES` is a disk service of workerd.

import { WorkerEntrypoint } from "cloudflare:workers";

export default class Bucket extends WorkerEntrypoint {
  async put(key, bytes) {
    const written = await this.env.FILES.fetch(file(key), { method: "PUT", body: bytes });
    if (!written.ok) throw new Error(`the file was not written: ${written.status}`);
  }

  async get(key) {
    const found = await this.env.FILES.fetch(file(key));
    return found.ok ? new Response(await found.arrayBuffer()) : null;
  }

  /** The files of one folder, all at once: `prefix` ends with a slash. */
  async list({ prefix }) {
    const found = await this.env.FILES.fetch(file(prefix.slice(0, -1)) + "/");
    const entries = found.ok ? await found.json() : [];
    const names = entries.filter((entry) => entry.type === "file").map((entry) => entry.name);
    return { objects: names.sort().map((name) => ({ key: prefix + name })), truncated: false };
  }
}

function file(key) {
  const parts = key.split("/");
  if (parts.some((part) => part === "" || part.startsWith("."))) throw new Error("bad key");
  return `http://files/${parts.map(encodeURIComponent).join("/")}`;
}
