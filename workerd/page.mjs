// The page at `/` without Cloudflare's static assets: the main module under plain workerd. Files of www/ are answered from
// `WWW`, a disk service of workerd; all else is the worker's.

import turnout from "index.js";
import headersFile from "_headers";

// A file of another type is none of the page's.
const TYPES = {
  css: "text/css; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

// Cloudflare's assets have pages without their ending.
const PAGES = { "/": "/index.html", "/dashboard": "/dashboard.html" };

// Plain names alone: nothing that is escaped, hidden or above the folder.
const FILE = /^(?:\/[\w-]+)+(?:\.[\w-]+)*\.([a-z]+)$/;

const HEADERS = pageHeaders(headersFile);

export * from "index.js";

export default {
  fetch(request, env, context) {
    if (request.method === "GET" || request.method === "HEAD") {
      const { pathname } = new URL(request.url);
      const path = PAGES[pathname] ?? pathname;
      const type = TYPES[FILE.exec(path)?.[1]];
      if (type) return file(path, type, request, env, context);
    }
    return turnout.fetch(request, env, context);
  },
};

async function file(path, type, request, env, context) {
  const found = await env.WWW.fetch(`http://www${path}`, { method: request.method });
  if (!found.ok) return turnout.fetch(request, env, context);
  const modified = found.headers.get("last-modified");
  // A browser that keeps a file asks each time whether it is still the one, as with Cloudflare's assets.
  const headers = { ...HEADERS, "content-type": type, "last-modified": modified, "cache-control": "public, max-age=0, must-revalidate" };
  if (request.headers.get("if-modified-since") === modified) {
    await found.body?.cancel();
    return new Response(null, { status: 304, headers });
  }
  return new Response(found.body, { headers });
}

/** The headers of Cloudflare's `_headers` file, as far as it is used here: one rule, for every file. */
function pageHeaders(text) {
  const [pattern, ...lines] = text.trimEnd().split("\n");
  if (pattern !== "/*" || lines.some((line) => !/^ +[\w-]+: /.test(line))) {
    throw new Error("www/_headers: only one rule, for /*, is understood under plain workerd");
  }
  return Object.fromEntries(lines.map((line) => line.trim().split(/: (.*)/, 2)));
}
