// Turnout's decision as one would write it by hand in JavaScript: the endpoint from KV, kept for a while; the target, else the
// unit's hash, else a draw; the headers; a data point. What it leaves out: validation, access, fallbacks, propensities that
// hold for the hash, and a hash that others can recompute.

const TTL_MS = 30_000;
const endpoints = new Map();

async function endpoint(env, name) {
  const known = endpoints.get(name);
  if (known !== undefined && Date.now() - known.read < TTL_MS) return known;
  const text = await env.ENDPOINTS.get(name);
  if (text === null) return undefined;
  const { variants, assignment } = JSON.parse(text);
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const revision = Array.from(new Uint8Array(digest, 0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const read = { variants, total, revision, unit: assignment?.unit.header, salt: assignment?.salt, read: Date.now() };
  endpoints.set(name, read);
  return read;
}

// FNV-1a with a finaliser, as a number in [0, 1).
function hash(text) {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

function choose({ variants, total, salt }, target, unit) {
  if (target !== null) return [variants.find(({ name }) => name === target), "target"];
  let rest = (unit === null ? Math.random() : hash(salt + unit)) * total;
  for (const variant of variants) {
    if (rest < variant.weight) return [variant, unit === null ? "weighted" : "sticky"];
    rest -= variant.weight;
  }
  return [variants.at(-1), "weighted"];
}

export default {
  async fetch(request, env) {
    const [, , name, action] = new URL(request.url).pathname.split("/");
    const found = await endpoint(env, name);
    if (found === undefined) return Response.json({ message: "no such endpoint" }, { status: 404 });
    const unit = found.unit === undefined ? null : request.headers.get(found.unit);
    const [variant, reason] = choose(found, request.headers.get("x-target-variant"), unit);
    if (variant === undefined) return Response.json({ message: "no such variant" }, { status: 400 });
    const id = request.headers.get("x-amzn-sagemaker-inference-id") ?? crypto.randomUUID();
    const propensity = variant.weight / found.total;
    const record = (status, bytes) =>
      env.RECORDS.writeDataPoint({
        indexes: [name],
        blobs: [found.revision, variant.name, reason, "native", "origin", "", id, unit ?? ""],
        doubles: [Date.now(), propensity, status, bytes],
      });
    if (action === "assignments") {
      const body = JSON.stringify({ variant: variant.name, reason, propensity, revision: found.revision, inference_id: id });
      record(200, body.length);
      return new Response(body, { headers: { "content-type": "application/json" } });
    }
    const body = await request.arrayBuffer();
    const answer = await fetch(variant.origin.url, {
      method: "POST",
      headers: { "content-type": request.headers.get("content-type") },
      body,
      signal: AbortSignal.timeout(variant.origin.timeout_ms ?? 30_000),
    });
    const bytes = await answer.arrayBuffer();
    record(answer.status, bytes.byteLength);
    return new Response(bytes, {
      status: answer.status,
      headers: {
        "content-type": answer.headers.get("content-type"),
        "x-invoked-variant": variant.name,
        "x-amzn-invoked-production-variant": variant.name,
        "x-assignment-reason": reason,
        "x-endpoint-revision": found.revision,
        "x-amzn-sagemaker-inference-id": id,
      },
    });
  },
};
