// What crosses between JavaScript and WebAssembly on every request, in as few crossings as it takes.

// Method, URL and headers of a request in one text, a line each. None of them can hold a line feed.
export function head(request) {
  let text = `${request.method}\n${request.url}`;
  for (const [name, value] of request.headers) text += `\n${name}:${value}`;
  return text;
}

// A response from its status, its body, and its headers as lines.
export function respond(status, lines, body) {
  const headers = [];
  for (const line of lines.split("\n")) {
    const colon = line.indexOf(":");
    headers.push([line.slice(0, colon), line.slice(colon + 1)]);
  }
  return new Response(body.length === 0 ? null : body, { status, headers });
}

// Writes a data point of Analytics Engine, from its blobs as lines; none of them can hold a line feed. Analytics Engine
// takes it at once; what else is bound in its place may take its time.
export async function write_data_point(dataset, index, blobs, doubles) {
  await dataset.writeDataPoint({ indexes: [index], blobs: blobs.split("\n"), doubles: [...doubles] });
}
