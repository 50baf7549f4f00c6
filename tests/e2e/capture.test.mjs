// What an endpoint captures, in real workerd: into a bucket of R2, and into files under plain workerd.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, workerd } from "./plain.mjs";
import { ADMIN_TOKEN, digits, expected, invoker, root, start, until } from "./support.mjs";

const document = JSON.parse(readFileSync(`${root}models/digits/endpoint.json`, "utf8"));
const churn = JSON.parse(readFileSync(`${root}models/churn/endpoint.json`, "utf8"));
const [, ...customer] = readFileSync(`${root}models/churn/held-out.csv`, "utf8").split("\n")[0].split(",");
const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
const parsed = (text) => text.trim().split("\n").map((line) => JSON.parse(line));

/** The hour of a time, as keys have it. */
const hour = (time) => new Date(time).toISOString().slice(0, 13).replaceAll(/[-T]/g, "/");

test("lines are in a bucket of R2 within seconds, are counted, and are read back by their ids", async (t) => {
  const worker = await start();
  t.after(() => worker.close());
  await worker.put("seen", { ...document, capture: { percent: 100, prefix: "turnout/capture" } });
  await worker.put("discreet", { variants: churn.variants, capture: { percent: 100, leave_out: ["state", "total_day_minutes"] } });
  const began = Date.now();
  const answers = await Promise.all(digits.slice(0, 20).map(({ csv }) => worker.invoke("seen", { body: csv })));
  const ids = answers.map((answer) => answer.headers.get("x-amzn-sagemaker-inference-id"));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  const variants = answers.map((answer) => answer.headers.get("x-invoked-variant"));
  assert.equal((await worker.invoke("discreet", { body: customer.join(",") })).status, 200);

  const objects = await until(async () => {
    const { objects } = await worker.CAPTURE.list({ prefix: "turnout/capture/seen/" });
    const read = await Promise.all(objects.map(async ({ key }) => ({ key, lines: parsed(await (await worker.CAPTURE.get(key)).text()) })));
    return read.flatMap(({ lines }) => lines).length === 20 && read;
  }, 20_000);
  for (const { key, lines } of objects) {
    const [, variant] = /^turnout\/capture\/seen\/(\w+)\//.exec(key);
    const hours = [hour(began), hour(Date.now())];
    assert.ok(hours.some((hour) => new RegExp(`/${variant}/${hour}/\\d\\d-\\d\\d-\\d{3}-[0-9a-f]{32}\\.jsonl$`).test(key)), key);
    for (const line of lines) {
      const at = ids.indexOf(line.eventMetadata.eventId);
      assert.equal(variants[at], variant);
      const { endpointInput, endpointOutput } = line.captureData;
      assert.deepEqual([endpointInput.data, endpointInput.encoding, endpointInput.mode], [digits[at].csv, "CSV", "INPUT"]);
      assert.deepEqual([endpointOutput.data, endpointOutput.encoding, endpointOutput.observedContentType], [bodies[at], "JSON", "application/json"]);
    }
  }
  const board = await until(async () => {
    const { capture } = await (await worker.fetch("/endpoints/seen/scoreboard", { headers: admin })).json();
    return capture?.lines === 20 && capture;
  });
  assert.deepEqual(board.lost, { too_large: 0, unreadable: 0, no_room: 0, failed: 0 });

  const read = await worker.fetch(`/endpoints/seen/captured/${ids[3]}`, { headers: admin });
  assert.equal(read.status, 200, await read.clone().text());
  const { lines, complete } = await read.json();
  assert.equal(complete, true);
  assert.deepEqual(lines.map(({ variant, line }) => [variant, line.captureData.endpointInput.data]), [[variants[3], digits[3].csv]]);
  assert.equal((await worker.fetch(`/endpoints/seen/captured/${ids[3]}`)).status, 401);

  const discreet = await until(async () => (await worker.CAPTURE.list({ prefix: "discreet/" })).objects[0], 20_000);
  const [line] = parsed(await (await worker.CAPTURE.get(discreet.key)).text());
  const blank = customer.map((value, column) => (column === 0 || column === 6 ? "" : value)).join(",");
  assert.equal(line.captureData.endpointInput.data.trim(), blank);
});

test("what shadows answered is captured as well, under their own names, and read back with the answer", async (t) => {
  const worker = await start();
  t.after(() => worker.close());
  const [logistic, cnn] = document.variants;
  await worker.put("shadowed", { variants: [{ ...logistic, weight: 1 }, { ...cnn, weight: 0, shadow: 1 }], outcome: document.outcome, capture: { percent: 100 } });
  const answer = await worker.invoke("shadowed");
  const id = answer.headers.get("x-amzn-sagemaker-inference-id");
  const text = await answer.text();
  const { lines } = await until(async () => {
    const read = await worker.fetch(`/endpoints/shadowed/captured/${id}`, { headers: admin });
    const found = await read.json();
    return found.lines?.length === 2 && found;
  }, 30_000);
  const of = (name) => lines.find(({ variant }) => variant === name).line;
  for (const name of ["logistic", "cnn"]) {
    assert.equal(of(name).eventMetadata.eventId, id);
    assert.equal(of(name).captureData.endpointInput.data, digits[0].csv);
  }
  assert.equal(of("logistic").captureData.endpointOutput.data, text);
  const shadow = JSON.parse(of("cnn").captureData.endpointOutput.data).predictions[0];
  // The shadow's own answer, in the form of the other's.
  assert.deepEqual([shadow.label, Object.keys(shadow)], [expected("cnn")[0].label, Object.keys(JSON.parse(text).predictions[0])]);
  const { objects } = await worker.CAPTURE.list({ prefix: "shadowed/cnn/" });
  assert.equal(objects.length, 1);
});

test("under plain workerd they are files", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "turnout-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const names = ["endpoints", "registry", "experiments", "capture", "models"];
  for (const name of names) mkdirSync(join(folder, name));
  cpSync(`${root}models/digits`, join(folder, "models/digits"), { recursive: true });
  writeFileSync(join(folder, "endpoints/digits"), JSON.stringify({ ...document, capture: { percent: 100 } }));
  const directories = names.flatMap((name) => ["--directory-path", `${name}=${join(folder, name)}`]);
  const port = await freePort();
  const key = "0123456789abcdef0123456789abcdef";
  const server = await workerd(
    ["workerd/config.capnp", "--experimental", "--socket-addr", `http=127.0.0.1:${port}`, ...directories],
    port,
    { ADMIN_TOKEN, INFERENCE_KEY: key },
  );
  t.after(() => server.close());
  const answer = await invoker(server.url)("digits", { headers: { "x-target-variant": "cnn" } });
  const id = answer.headers.get("x-amzn-sagemaker-inference-id");
  const files = () => readdirSync(join(folder, "capture"), { recursive: true }).filter((name) => name.endsWith(".jsonl"));
  const [file] = await until(() => files().length > 0 && files(), 20_000);
  assert.match(file, /^digits\/cnn\/\d{4}\/\d\d\/\d\d\/\d\d\/\d\d-\d\d-\d{3}-[0-9a-f]{32}\.jsonl$/);
  const [line] = parsed(readFileSync(join(folder, "capture", file), "utf8"));
  assert.equal(line.eventMetadata.eventId, id);
  assert.equal(line.captureData.endpointInput.data, digits[0].csv);
  const read = await fetch(`${server.url}/endpoints/digits/captured/${id}`, { headers: admin });
  assert.equal(read.status, 200, await read.clone().text());
  assert.deepEqual((await read.json()).lines, [{ variant: "cnn", line }]);
});
