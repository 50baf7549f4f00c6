// Models, each in an instance of the engine's module: what ends one ends no other, and a dropped one gives its memory back.

export class EngineInstance {
  constructor(engine) {
    this.exports = new WebAssembly.Instance(engine).exports;
    this.view();
  }

  // Has it load a file; what it says. Its memory may have `most` bytes.
  load(file, asked, most) {
    try {
      const place = this.room(file.byteLength + asked.length, most);
      this.bytes.set(new Uint8Array(file), place);
      this.bytes.set(asked, place + file.byteLength);
      return this.answer(this.exports.load(asked.length));
    } catch (error) {
      throw this.lastWords(error);
    }
  }

  // Has it run rows; what it says.
  run(rows, most) {
    try {
      // First the room: where it makes the memory grow, the view from before is worth nothing.
      const place = this.room(rows.length, most);
      this.bytes.set(rows, place);
      return this.answer(this.exports.run());
    } catch (error) {
      throw this.lastWords(error);
    }
  }

  // Room for a message of so many bytes.
  room(length, most) {
    const place = this.exports.room(length, most) >>> 0;
    this.view();
    return place;
  }

  // The bytes whose place and number stand there.
  answer(told) {
    this.view();
    const [at, bytes] = [told >>> 2, this.bytes];
    const place = this.numbers[at];
    return bytes.subarray(place, place + this.numbers[at + 1]);
  }

  // Its memory, which moves when it grows. A view costs more than most that is done with it, so it is kept.
  view() {
    const { buffer } = this.exports.memory;
    if (this.bytes?.buffer === buffer) return;
    this.bytes = new Uint8Array(buffer);
    this.numbers = new Uint32Array(buffer);
  }

  // What ended it, by its own words or, where it has none, V8's, as where the stack was too small.
  lastWords(error) {
    const said = error instanceof Error ? error.message : String(error);
    try {
      const words = new TextDecoder().decode(this.answer(this.exports.last_words()));
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
