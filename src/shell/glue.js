// What crosses between JavaScript and WebAssembly on every request, in as few crossings as it takes.

// Headers behind a text, each in a line of its own. None of them can hold a line feed.
export function withLines(text, headers) {
  headers.forEach((value, name) => {
    text += `\n${name}:${value}`;
  });
  return text;
}

// Headers as an object, which the platform reads in half of the time that it needs for pairs; what stands there twice is
// joined, as HTTP has it.
function headersOf(lines) {
  const headers = { __proto__: null };
  for (const line of lines.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1)];
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

// Headers that many responses have alike, by their lines. The platform copies headers that are made already in half of the
// time that it needs to make them.
const shared = new Map();
const MOST_SHARED = 256;

function sharedHeaders(lines) {
  let headers = shared.get(lines);
  if (headers === undefined) {
    if (shared.size >= MOST_SHARED) shared.clear();
    headers = new Headers(headersOf(lines));
    shared.set(lines, headers);
  }
  return headers;
}

// A response from its status, the lines of the headers that many share, those of its own, and its body.
export function respond(status, lines, own, body) {
  const response = new Response(body.length === 0 ? null : body, { status, headers: sharedHeaders(lines) });
  const more = headersOf(own);
  for (const name in more) response.headers.set(name, more[name]);
  return response;
}

// The same, with a body that is a stream.
export function respond_stream(status, lines, own, body) {
  const response = new Response(body, { status, headers: sharedHeaders(lines) });
  const more = headersOf(own);
  for (const name in more) response.headers.set(name, more[name]);
  return response;
}

// The same, from one text with an empty line between each.
export function respond_text(status, text) {
  const end = text.indexOf("\n\n");
  const start = text.indexOf("\n\n", end + 2);
  return respond(status, text.slice(0, end), text.slice(end + 2, start), text.slice(start + 2));
}

// Whether the caller has hung up.
export function caller_is_gone(request) {
  return request.signal.aborted;
}

// Asks the experiment of an endpoint; question and answer are JSON.
export function ask_experiment(namespace, endpoint, question) {
  return namespace.get(namespace.idFromName(endpoint)).ask(endpoint, question);
}

// A bucket is R2's, or under plain workerd a service with the same methods.
export async function put_object(bucket, key, bytes) {
  await bucket.put(key, bytes);
}

// An object's bytes; null where there is none.
export async function get_object(bucket, key) {
  const object = await bucket.get(key);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}

// A page of keys, each in a line of its own, behind where the next one begins.
export async function list_objects(bucket, prefix, cursor) {
  const { objects, truncated, cursor: next } = await bucket.list({ prefix, cursor });
  return [truncated ? next : "", ...objects.map(({ key }) => key)].join("\n");
}

// One exchange with a model host: its answer's status and headers as lines, and its body; nothing for a body of more than
// `most` bytes, and "late" where it took longer than `limit` milliseconds.
export async function exchange(url, lines, sent, limit, most) {
  const controller = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, limit);
  try {
    const request = { method: "POST", headers: headersOf(lines), body: sent, redirect: "manual", signal: controller.signal };
    const answer = await fetch(url, request);
    return [withLines(`${answer.status}`, answer.headers), await bounded(answer, most)];
  } catch (error) {
    if (late) return "late";
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// The body of an answer, if it has no more bytes than that. One that is compressed is longer than it says.
async function bounded(answer, most) {
  const length = answer.headers.get("content-length");
  if (length !== null && Number(length) > most) return cancelled(answer.body);
  if (length !== null && !answer.headers.has("content-encoding")) return answer.bytes();
  if (answer.body === null) return new Uint8Array();
  return gathered(answer.body, most, most);
}

// The bytes of a stream, if they are no more than `most` and there is room for them; of others, `read` bytes are read before
// it is left.
export async function gathered(stream, most, read, arrival) {
  const parts = [];
  let seen = 0;
  for await (const part of stream) {
    seen += part.length;
    if (seen <= most) arrival?.grow(part.length);
    if (seen <= most && !arrival?.refused) parts.push(part);
    else parts.length = 0;
    if (seen > read) return undefined;
  }
  return seen <= most && !arrival?.refused ? new Uint8Array(await new Blob(parts).arrayBuffer()) : undefined;
}

async function cancelled(body) {
  await body?.cancel();
}

// Writes a data point of Analytics Engine, from its index and its blobs as lines; none of them can hold a line feed.
// Analytics Engine takes it at once; what else is bound in its place may give something to wait for, such as the promise of
// a call elsewhere.
export function write_data_point(dataset, texts, ...doubles) {
  const [index, ...blobs] = texts.split("\n");
  const written = dataset.writeDataPoint({ indexes: [index], blobs, doubles });
  return written === undefined ? undefined : Promise.resolve(written);
}
