// What the WebAssembly is made of, as far as callers notice.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const CODE = 10;
const MOST_BYTES = 128 << 10;

/** The sizes of a module's functions, in bytes (WebAssembly Core Specification, "Binary Format: Modules"). */
function functionSizes(module) {
  let at = 8;
  const number = () => {
    for (let [value, scale] = [0, 1]; ; scale *= 128) {
      const byte = module[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < module.length) {
    const [section, size] = [module[at++], number()];
    if (section !== CODE) {
      at += size;
      continue;
    }
    return Array.from({ length: number() }, () => {
      const bytes = number();
      at += bytes;
      return bytes;
    });
  }
  return [];
}

// V8 compiles a function whole when it is first called. One of 440 KB, which wasm-opt had made of all that is called from one
// place, took 55 ms and 42 MB of a first answer.
for (const name of ["index_bg.wasm", "engine.wasm"]) {
  test(`no function of ${name} is so large that a first answer waits for it`, () => {
    const sizes = functionSizes(readFileSync(new URL(`../../build/${name}`, import.meta.url)));
    assert.ok(sizes.length > 1000);
    const largest = Math.max(...sizes);
    assert.ok(largest <= MOST_BYTES, `there is one of ${largest} bytes`);
  });
}
