// Workers KV as files of a folder, as far as this project uses it: the server's side of the protocol that workerd's own
// KV binding speaks. `FILES` is a disk service of workerd.

export default {
  async fetch(request, { FILES }) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (key === "" && request.method === "GET") return list(FILES, url.searchParams);
    if (key.split("/").some((part) => part === "" || part.startsWith("."))) return new Response("bad key", { status: 400 });
    const file = `http://files/${key.split("/").map(encodeURIComponent).join("/")}`;
    if (request.method === "GET") {
      const found = await FILES.fetch(file);
      return found.ok ? new Response(found.body) : new Response("not found", { status: 404 });
    }
    if (request.method === "PUT") {
      const written = await FILES.fetch(file, { method: "PUT", body: await request.arrayBuffer() });
      return new Response(null, { status: written.ok ? 200 : 500 });
    }
    if (request.method === "DELETE") {
      const removed = await FILES.fetch(file, { method: "DELETE" });
      return new Response(null, { status: removed.ok || removed.status === 404 ? 200 : 500 });
    }
    return new Response("not supported", { status: 405 });
  },
};

/** The names of the files, those in folders included, as one page. */
async function list(files, parameters) {
  const prefix = parameters.get("prefix") ?? "";
  const after = parameters.get("cursor") ?? "";
  const limit = Number(parameters.get("key_count_limit") ?? 1000);
  // No key stands in a folder that its beginning does not name.
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  const names = (await within(files, folder)).filter((name) => name.startsWith(prefix) && name > after).sort();
  const keys = names.slice(0, limit).map((name) => ({ name }));
  const complete = names.length <= limit;
  return Response.json({ keys, list_complete: complete, ...(complete ? {} : { cursor: keys.at(-1).name }) });
}

async function within(files, folder) {
  const found = await files.fetch(`http://files/${folder.split("/").map(encodeURIComponent).join("/")}`);
  if (!found.ok) return [];
  const entries = (await found.json()).filter((entry) => !entry.name.startsWith("."));
  const below = await Promise.all(entries.filter((entry) => entry.type === "directory").map((entry) => within(files, `${folder}${entry.name}/`)));
  return entries.filter((entry) => entry.type === "file").map((entry) => folder + entry.name).concat(...below);
}
