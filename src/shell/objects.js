// Objects too large for WebAssembly's memory: their bytes stay here, and cross in pieces to be checked.

// What crosses at once at most.
const PIECE_BYTES = 64 << 10;
// What is on its way into the store, in this isolate, at most: the largest object, in one piece or in parts that come several
// at a time.
const MOST_BYTES = 26 << 20;
// Who has sent nothing for so long gives way: of a request that the platform has ended, nothing tells.
const SILENT_MS = 30_000;
const NOTHING = new Uint8Array();

const rooms = new Set();

/** Bytes of a stream, a piece at a time. */
export class Pieces {
  /** What is left of a stream that stays is not thrown away when it is left. */
  constructor(stream, stays = false) {
    this.stays = stays;
    this.reader = stream?.getReader();
    this.rest = NOTHING;
    this.piece = NOTHING;
  }

  /** The next piece; undefined at the end. */
  async next() {
    while (this.rest.length === 0) {
      const { done, value } = (await this.reader?.read()) ?? { done: true };
      if (done) {
        this.reader = undefined;
        return undefined;
      }
      this.rest = value;
    }
    this.piece = this.rest.subarray(0, PIECE_BYTES);
    this.rest = this.rest.subarray(PIECE_BYTES);
    return this.piece;
  }

  /** Puts a part of the last piece into a room. */
  keep(room, from, to) {
    room.add(this.piece.subarray(from, to));
  }

  /** Leaves the rest of the stream. */
  leave() {
    if (this.stays) this.reader?.releaseLock();
    else this.reader?.cancel().catch(() => {});
    this.reader = undefined;
  }

  /** A stream of the bytes from `start` to `end`, whose number the platform tells the caller. */
  part(start, end) {
    const { readable, writable } = new FixedLengthStream(end - start);
    this.pump(writable.getWriter(), start, end).catch(() => {});
    return readable;
  }

  async pump(writer, start, end) {
    let at = 0;
    try {
      for (let piece; at < end && (piece = await this.next()) !== undefined; at += piece.length) {
        const wanted = piece.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
        if (wanted.length > 0) await writer.write(wanted);
      }
      await writer.close();
    } catch (error) {
      await writer.abort(error);
    } finally {
      this.leave();
    }
  }
}

/** Room for an object of known size. */
export class Room {
  constructor(bytes) {
    this.bytes = new Uint8Array(bytes);
    this.end = 0;
    this.used = Date.now();
    rooms.add(this);
  }

  add(part) {
    // It has given way.
    if (!rooms.has(this)) return;
    this.bytes.set(part, this.end);
    this.end += part.length;
    this.used = Date.now();
  }

  free() {
    rooms.delete(this);
    this.bytes = NOTHING;
  }
}

/** Room for so many bytes; undefined where others take it. */
export function room(bytes) {
  let held = bytes;
  for (const other of rooms) {
    if (Date.now() - other.used > SILENT_MS) other.free();
    held += other.bytes.length;
  }
  return held > MOST_BYTES ? undefined : new Room(bytes);
}

/** Writes a value of KV, with metadata, for so many seconds or for good. */
export async function write_object(namespace, key, room, metadata, seconds) {
  if (!rooms.has(room)) throw new Error("its bytes came too slowly, and others were in need of the memory; send it again");
  room.used = Date.now();
  await namespace.put(key, room.bytes.subarray(0, room.end), { metadata: JSON.parse(metadata), expirationTtl: seconds });
}

/** What is known of a value of KV as JSON, and its bytes; null where there is none. */
export async function open_model(namespace, key) {
  const { value, metadata } = await namespace.getWithMetadata(key, "stream");
  return value === null ? null : [JSON.stringify({ metadata }), new Pieces(value)];
}

/** A page of a KV namespace as JSON. */
export async function list_models(namespace, prefix, cursor) {
  const { keys, list_complete, cursor: next } = await namespace.list({ prefix, cursor });
  return JSON.stringify({ objects: keys.map(({ name, metadata }) => [name, { metadata }]), cursor: list_complete ? null : next });
}

const told = ({ size, etag, uploaded }) => ({ size, etag, modified_ms: uploaded?.getTime() });

/** The same of an object of R2, or of a service with the same methods, which may know its bytes alone. */
export async function open_captured(bucket, key) {
  const object = await bucket.get(key);
  return object === null ? null : [JSON.stringify(told(object)), new Pieces(object.body)];
}

/** The same of a bucket. */
export async function list_captured(bucket, prefix, cursor) {
  const { objects, truncated, cursor: next } = await bucket.list({ prefix, cursor });
  return JSON.stringify({ objects: objects.map((object) => [object.key, told(object)]), cursor: truncated ? next : null });
}

/** Reads what nobody has read of a request's body, up to `most` bytes, so that the answer is not lost with the connection. */
export async function drained(request, most) {
  if (request.body === null || request.body.locked) return;
  let seen = 0;
  try {
    for await (const part of request.body) if ((seen += part.length) > most) return;
  } catch {
    // Who sends no longer reads either.
  }
}
