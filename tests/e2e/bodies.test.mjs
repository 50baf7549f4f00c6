// Bodies as connections bring them, to workerd: whole, in parts, too long, and broken off.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { digits, sleep, until } from "./support.mjs";
import { startPlain } from "./plain.mjs";

let worker;
before(async () => {
  worker = await startPlain();
});
after(() => worker.close());

const row = digits[0].csv;

/** What comes back for these bytes, after which nothing more is sent. */
function sent(...parts) {
  const { hostname, port } = new URL(worker.url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, allowHalfOpen: true });
    let answer = "";
    socket.on("data", (data) => (answer += data));
    socket.on("error", () => resolve(answer));
    socket.on("close", () => resolve(answer));
    socket.on("end", () => socket.end());
    for (const part of parts) socket.write(part);
    socket.end();
  });
}

const head = (length) =>
  `POST /endpoints/digits/invocations HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\nconnection: close\r\n${length}\r\n\r\n`;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;

test("a body is one, whether its length is told before or comes in parts", async () => {
  const told = await sent(head(`content-length: ${row.length}`), row);
  assert.match(told, /^HTTP\/1.1 200 /);
  const parts = await sent(head("transfer-encoding: chunked"), chunk(row.slice(0, 5)), chunk(row.slice(5)), chunk(""));
  assert.match(parts, /^HTTP\/1.1 200 /);
});

test("a body that is too long is told so, whether it says how long it is or not", async () => {
  for (const duplex of [undefined, "half"]) {
    const long = Buffer.alloc((6 << 20) + 1, "0");
    const body = duplex === undefined ? long : new Blob([long]).stream();
    const headers = { "content-type": "text/csv" };
    const response = await fetch(`${worker.url}/endpoints/digits/invocations`, { method: "POST", headers, body, duplex });
    assert.equal(response.status, 413);
    assert.equal((await response.json()).code, "body_too_large");
  }
});

test("bodies that break off cost nobody else anything, however many they are", async () => {
  const broken = [
    [head("content-length: 111"), row.slice(0, 20)],
    [head("transfer-encoding: chunked"), chunk(row.slice(0, 20))],
  ];
  const answers = [];
  for (let round = 0; round < 20; round++) {
    const good = worker.invoke("digits", { body: row }).then((response) => response.status);
    answers.push(...(await Promise.all(Array.from({ length: 30 }, (_, at) => sent(...broken[at % 2])))));
    assert.equal(await good, 200);
  }
  assert.equal(answers.length, 600);
  // Those who still listen are told.
  assert.ok(answers.some((answer) => answer !== ""));
  for (const answer of answers.filter((answer) => answer !== "")) {
    assert.match(answer, /^HTTP\/1.1 400 /);
    assert.match(answer, /"code":"body_broken"/);
  }
  await until(() => worker.records().length > 0);
  const deaths = worker.lines.filter((line) => line.includes("has ended the WebAssembly instance"));
  assert.deepEqual(deaths, []);
});

test("large bodies that never end are given up for those that do", async (t) => {
  const length = 6 << 20;
  const part = Buffer.alloc(4 << 20, "1,2\n");
  const { hostname, port } = new URL(worker.url);
  const slow = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect({ host: hostname, port });
      const sender = { socket, answer: "" };
      socket.on("data", (data) => (sender.answer += data));
      socket.on("error", () => {});
      t.after(() => socket.destroy());
      await new Promise((resolve) => socket.write(Buffer.concat([Buffer.from(head(`content-length: ${length}`)), part]), resolve));
      return sender;
    }),
  );
  // From then on they are silent.
  await sleep(500);
  const post = (body) => fetch(`${worker.url}/endpoints/digits/invocations`, { method: "POST", headers: { "content-type": "text/csv" }, body });
  for (let again = 0; again < 3; again++) assert.equal((await (await post(Buffer.alloc(length, "1,2\n"))).json()).code, "wrong_width");
  assert.equal((await post(row)).status, 200);
  for (const { socket } of slow) socket.write(Buffer.alloc(length - part.length, "1,2\n"));
  await until(() => slow.every(({ answer }) => answer.includes('"code"')));
  const refused = slow.filter(({ answer }) => answer.includes('"busy"'));
  // 16 MiB hold four of the eight, and none of them once a quick one has come.
  assert.ok(refused.length >= 4, `${refused.length} of 8`);
  for (const { answer } of refused) assert.match(answer, /^HTTP\/1.1 503 [\s\S]*retry-after: 1\r\n/i);
  assert.equal((await (await post(Buffer.alloc(length, "1,2\n"))).json()).code, "wrong_width");
});
