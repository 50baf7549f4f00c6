// Models, each in an instance of the engine's module: what ends one ends no other, and a dropped one gives its memory back.

import engine from "./engine.wasm";

export class EngineInstance {
  constructor() {
    this.exports = new WebAssembly.Instance(engine).exports;
  }

  // Has it load a file; what it says. Its memory may have `most` bytes.
  load(file, asked, most) {
    const bytes = new Uint8Array(file);
    return this.tell(bytes.length + asked.length, most, (room) => {
      room.set(bytes);
      room.set(asked, bytes.length);
      return this.exports.load(asked.length);
    });
  }

  // Has it run rows; what it says.
  run(rows, most) {
    return this.tell(rows.length, most, (room) => {
      room.set(rows);
      return this.exports.run();
    });
  }

  // How many bytes its memory has.
  bytes() {
    return this.exports.memory.buffer.byteLength;
  }

  tell(length, most, ask) {
    try {
      const place = this.exports.room(length, most) >>> 0;
      const told = ask(new Uint8Array(this.exports.memory.buffer, place, length)) >>> 0;
      if (told !== 0) return this.answer(told);
    } catch (error) {
      throw this.lastWords(error);
    }
    throw "it was told something that it does not understand";
  }

  // The bytes whose place and number stand there.
  answer(told) {
    const buffer = this.exports.memory.buffer;
    const [place, length] = new Uint32Array(buffer, told, 2);
    return new Uint8Array(buffer, place, length);
  }

  // What ended it, by its own words or, where it has none, V8's, as where the stack was too small.
  lastWords(error) {
    const said = error instanceof Error ? error.message : String(error);
    try {
      const words = new TextDecoder().decode(this.answer(this.exports.last_words() >>> 0));
      return words === "" || words.startsWith(",") ? said + words : words;
    } catch {
      return said;
    }
  }
}

// A model's file, where KV has one.
export function read_model(namespace, key) {
  return namespace.get(key, "arrayBuffer");
}
