// What crosses between JavaScript and WebAssembly on every request, in as few crossings as it takes.

// Method, URL and headers of a request in one text, a line each. None of them can hold a line feed.
export function head(request) {
  let text = `${request.method}\n${request.url}`;
  for (const [name, value] of request.headers) text += `\n${name}:${value}`;
  return text;
}

// A response from its status, its body, and its headers as lines. The platform takes them from an object in a quarter of
// the time that it needs for pairs; what stands there twice is joined, as HTTP has it.
export function respond(status, lines, body) {
  const headers = { __proto__: null };
  for (const line of lines.split("\n")) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1)];
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return new Response(body.length === 0 ? null : body, { status, headers });
}

// Writes a data point of Analytics Engine, from its blobs as lines; none of them can hold a line feed. Analytics Engine
// takes it at once; what else is bound in its place may give something to wait for, such as the promise of a call elsewhere.
export function write_data_point(dataset, index, blobs, doubles) {
  const written = dataset.writeDataPoint({ indexes: [index], blobs: blobs.split("\n"), doubles: [...doubles] });
  return written === undefined ? undefined : Promise.resolve(written);
}
