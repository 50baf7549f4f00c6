// A request as lines that somebody else can run.

/** In single quotes for a POSIX shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const TOKEN = /^Bearer .*/;

/** The token never leaves its field: the lines take it from the environment. */
const secret = (name, value) => name === "authorization" && TOKEN.test(value);

export function curl({ method, path, headers, body }, origin) {
  const parts = [`curl -i ${method === "POST" ? "" : `-X ${method} `}${quoted(origin + path)}`];
  for (const [name, value] of Object.entries(headers))
    parts.push(secret(name, value) ? `-H "${name}: Bearer $ADMIN_TOKEN"` : `-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`--data-binary ${quoted(body)}`);
  return parts.join(" \\\n  ");
}

export function python({ method, path, headers, body }, origin) {
  const token = Object.entries(headers).some(([name, value]) => secret(name, value));
  // JSON's strings of these texts are Python's as well.
  const lines = Object.entries(headers).map(([name, value]) => `        ${JSON.stringify(name)}: ${secret(name, value) ? '"Bearer " + os.environ["ADMIN_TOKEN"]' : JSON.stringify(value)},`);
  return [
    ...(token ? ["import os", ""] : []),
    "import requests",
    "",
    `response = requests.${method.toLowerCase()}(`,
    `    ${JSON.stringify(origin + path)},`,
    "    headers={",
    ...lines,
    "    },",
    `    data=${JSON.stringify(body)},`,
    "    timeout=10,",
    ")",
    'print(response.headers.get("x-invoked-variant"), response.json())',
  ].join("\n");
}

export function javascript({ method, path, headers, body }, origin) {
  const lines = Object.entries(headers).map(([name, value]) => `    ${JSON.stringify(name)}: ${secret(name, value) ? "`Bearer ${process.env.ADMIN_TOKEN}`" : JSON.stringify(value)},`);
  return [
    `const response = await fetch(${JSON.stringify(origin + path)}, {`,
    `  method: ${JSON.stringify(method)},`,
    "  headers: {",
    ...lines,
    "  },",
    `  body: ${JSON.stringify(body)},`,
    "});",
    'console.log(response.headers.get("x-invoked-variant"), await response.json());',
  ].join("\n");
}
