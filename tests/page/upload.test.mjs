// A model file on the dashboard, in Chromium before the real worker: dropped, looked at, made a variant, asked and made a shadow.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, digits, root, start, until } from "../e2e/support.mjs";
import { keyBeside, keyFor, keyTrouble, nameFor, nameTrouble, rowsKeyOf, rowsOf, size, sorted } from "../../www/lib/modelfile.js";
import { beside, missingOutputs, rowShape, sample } from "../../www/lib/signature.js";
import { insert, overshadow } from "../../www/lib/variants.js";
import { focused, grave, launch, reads, section, visit, wider } from "./support.mjs";

const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
const bytesOf = (path) => readFileSync(`${root}models/${path}`);
const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer });
const cnn = file("cnn.onnx", bytesOf("digits/cnn.onnx"));
const cnnRows = file("cnn.check.json", bytesOf("digits/cnn.check.json"));
const CNN_SHA256 = "03be6c22080d5eddd456bc6c314bd46905c7e6a7cdae9b35803468d9564d2ee0";
const seeded = JSON.parse(readFileSync(`${root}models/digits/endpoint.json`, "utf8"));
const [logistic, cnnThere] = seeded.variants;
let worker, browser;

before(async () => {
  [worker, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await worker?.close();
});

/** The document that serves. */
const document = async (name) => JSON.parse(await worker.ENDPOINTS.get(name));

function pictured(card, name) {
  mkdirSync(`${root}build/screenshots`, { recursive: true });
  return card.screenshot({ path: `${root}build/screenshots/adding-${name}.png` });
}

/** The card of an endpoint with the digits' logistic regression, unfolded: `body(page, card)`. */
async function opened(name, options, body, variants = [logistic]) {
  // What the page does not know has to stay as it is.
  await worker.put(name, { ...seeded, variants, config: "somebody-elses" });
  await visit(browser, new URL(`dashboard?endpoint=${name}`, worker.url), { watching: true, ...options }, async (page) => {
    const card = section(page, "Add a variant");
    await reads(page.locator("#seen"), /^Live/);
    await card.getByText("Choose a model file").click();
    await body(page, card);
  });
}

/** Drops a file of so many bytes. Tells of each event whether the browser may do with it what it would. */
const fall = (page, selector, name, bytes = 9) =>
  page.evaluate(([selector, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name));
    const target = globalThis.document.querySelector(selector);
    return ["dragover", "drop"].map((kind) => target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data })));
  }, [selector, name, bytes]);

const choose = (card, ...files) => card.getByLabel("Model file and check rows").setInputFiles(files);
const upload = (card) => card.getByRole("button", { name: "Upload and look at it" });

async function admit(card, token = ADMIN_TOKEN) {
  const form = card.getByRole("form", { name: "Admin token" });
  await form.locator("input").fill(token);
  await form.getByRole("button").click();
}

/** A file is uploaded, so that it could be added. */
async function uploaded(card, ...files) {
  await choose(card, ...files);
  await upload(card).click();
  if (await card.getByRole("form", { name: "Admin token" }).isVisible()) await admit(card);
  await reads(card.getByRole("status"), /The worker can run it/);
}

for (const [width, colorScheme] of [[1440, "light"], [390, "dark"]])
  test(`${width} px, ${colorScheme}: a model with its check rows becomes a variant, is asked, and becomes a shadow`, () => {
    const name = `added-${width}`;
    return opened(name, { width, colorScheme, expected: /status of 40[01]/ }, async (page, card) => {
      await choose(card, cnn, cnnRows);
      await reads(card.getByRole("list", { name: "Files" }), /Model cnn\.onnx · 39\.9 KiB · SHA-256 03be6c22080d …[\s\S]*Check rows cnn\.check\.json · 4\.1 KiB · 8 rows/);
      assert.equal(await card.getByLabel("Key in the store of models").inputValue(), `${name}/cnn.onnx`);

      // The token is asked for now that there is something to do, and nothing is lost by a wrong one.
      await upload(card).click();
      assert.ok(await focused(card.getByRole("form", { name: "Admin token" }).locator("input")));
      await admit(card, "wrong");
      await reads(card.getByRole("form", { name: "Admin token" }), /This is not the admin token/);
      assert.equal(await worker.MODELS.get(`${name}/cnn.onnx`), null);
      await admit(card);
      await reads(card.getByRole("status"), /^The worker can run it, and it reproduces its check rows\. See below/);
      assert.ok(await focused(upload(card)));

      const tensors = await card.getByRole("table", { name: "Inputs and outputs" }).locator("tbody tr").allInnerTexts();
      assert.deepEqual(tensors.map((row) => row.trim().split(/\s+/)), [["input", "pixels", "FP32", "64"], ["output", "label", "INT64", "one", "value"], ["output", "probabilities", "FP32", "10"]]);
      for (const said of [`SHA-256\\s*${CNN_SHA256}`, `Size\\s*39\\.9 KiB`, `Most rows at once\\s*[\\d,]+`, `Check rows\\s*reproduced, from ${name}/cnn\\.check\\.json`, "It takes the same inputs as logistic\\."]) await reads(card, new RegExp(said));
      const rows = card.getByRole("table", { name: "Check rows" });
      assert.deepEqual((await rows.locator("thead th").allInnerTexts()).map((text) => text.trim()), ["row", "asked", "label, expected", "probabilities, expected"]);
      assert.match(await rows.locator("tbody tr").first().innerText(), /^1\s+\[0, 0, 3, 11, 14, [\d, ]+… ?\s+\d\s+\[/);

      assert.equal(await card.getByLabel("Name").inputValue(), "cnn");
      await card.getByLabel("Name").fill("cnn two");
      await card.getByRole("button", { name: "Add at weight 0" }).click();
      await reads(card.getByRole("alert"), /`cnn two` is no name\. Use 1 to 63 letters/);
      assert.ok(await focused(card.getByLabel("Name")));
      await card.getByLabel("Name").fill("cnn-2");
      await card.getByLabel("What for").fill("a convolution, für die Ziffern");
      await card.getByRole("button", { name: "Add at weight 0" }).click();
      await reads(card.getByRole("status"), /^cnn-2 is a variant now, at weight 0\. Revision [0-9a-f]{12}\./);
      assert.ok(await focused(card.getByRole("button", { name: "Add at weight 0" })));
      const added = { name: "cnn-2", weight: 0, model: { key: `${name}/cnn.onnx`, sha256: CNN_SHA256, check: `${name}/cnn.check.json` } };
      assert.deepEqual(await document(name), { ...seeded, variants: [logistic, added], config: "somebody-elses" });
      await reads(section(page, "History").getByRole("listitem").first(), /· now.*· the admin token · “a convolution, f\?r die Ziffern” · add variants\.1/);

      // Asked by name, beside the one with the most weight.
      const body = JSON.parse(await card.getByLabel("What to ask").inputValue());
      assert.deepEqual(body.instances[0].slice(0, 5), [0, 0, 3, 11, 14]);
      await card.getByRole("button", { name: "Ask both" }).click();
      await reads(card.getByRole("status"), /^(The answers differ\. See below how\.|Both answers are the same\.)$/);
      for (const of of ["cnn-2", "logistic"]) await reads(card.getByRole("article", { name: `Answer of ${of}` }), /asked by name · [\d.]+\sms[\s\S]*"probabilities"/);
      await card.getByLabel("What to ask").fill("1,2,3");
      await card.getByRole("button", { name: "Ask both" }).click();
      await reads(card.getByRole("article", { name: "Answer of cnn-2" }), /64/);
      assert.equal(await card.getByLabel("What to ask").inputValue(), "1,2,3");
      await card.getByLabel("What to ask").fill(digits[0].csv);
      await card.getByRole("button", { name: "Ask both" }).click();
      await reads(card.getByRole("article", { name: "Answer of cnn-2" }), new RegExp(`"label": ${digits[0].label}`));

      await card.getByLabel("Percent of the requests").fill("0");
      await card.getByRole("button", { name: "Shadow it" }).click();
      await reads(card.getByRole("alert"), /This is no share of the requests/);
      await card.getByLabel("Percent of the requests").fill("100");
      await card.getByRole("button", { name: "Shadow it" }).click();
      await reads(card.getByRole("status"), /^cnn-2 is a shadow of 100 % of the requests\. Revision/);
      assert.deepEqual((await document(name)).variants[1], { ...added, shadow: 1 });
      for (const { csv } of digits.slice(0, 5)) assert.equal((await worker.invoke(name, { body: csv })).status, 200);
      await section(page, "Shadows").getByRole("heading", { name: "cnn-2, shadow of logistic" }).waitFor({ timeout: 20_000 });

      for (const [shown, scheme] of width === 1440 ? [[1440, "light"], [1440, "dark"]] : [[390, "dark"], [390, "light"], [320, "light"]]) {
        await page.setViewportSize({ width: shown, height: 844 });
        await page.emulateMedia({ colorScheme: scheme });
        assert.equal(await wider(page), 0);
        await pictured(card, `${shown}-${scheme}`);
        assert.deepEqual(await grave(page), []);
      }
    });
  });

test("what can be no model is said before anything is sent", () =>
  opened("unsent", { width: 320 }, async (page, card) => {
    const sent = [];
    page.on("request", (request) => request.url().includes("/models/") && sent.push(request.url()));
    for (const [files, said] of [
      [[file("model.pkl", Buffer.from("x"))], /Model\.pkl ends with none of \.onnx, .*\. Export it to ONNX, or save it as XGBoost or LightGBM do\./],
      [[file("notes.docx", Buffer.from("x"))], /Rename it, if it is one of these/],
      [[file("empty.onnx", Buffer.alloc(0))], /Empty\.onnx is empty/],
      [[cnn, file("other.onnx", Buffer.from("x"))], /These are 2 models: cnn\.onnx, other\.onnx/],
      [[cnn, file("a.check.json", Buffer.from("{}"))], /A\.check\.json holds no check rows/],
      [[cnn, file("a.check.json", bytesOf("digits/logistic.check.json"))], /The check rows are of another model, whose SHA-256 begins with eb8f8d4a\. This one’s begins with 03be6c22/],
    ]) {
      await choose(card, ...files);
      await reads(card.getByRole("alert"), said);
      assert.equal(await upload(card).isVisible(), false);
    }
    await fall(page, "#adding", "large.onnx", 25 * 2 ** 20 + 1);
    await reads(card.getByRole("alert"), /Large\.onnx has more than 25 MiB, which is what the store takes/);
    assert.equal(await wider(page), 0);
    // Check rows may come first, and stay while their model is looked for.
    await choose(card, cnnRows);
    await reads(card.getByRole("list", { name: "Files" }), /8 rows, waiting for their model/);
    await choose(card, file("other.onnx", Buffer.from("x")));
    await reads(card.getByRole("alert"), /of another model/);
    await choose(card, cnn);
    await reads(card.getByRole("list", { name: "Files" }), /Model cnn\.onnx[\s\S]*· 8 rows/);
    await card.getByRole("button", { name: "Leave out cnn.check.json" }).click();
    assert.ok(await focused(card.getByRole("button", { name: /^Drop a model file here/ })));
    await upload(card).waitFor();
    await card.getByLabel("Key in the store of models").fill("../x.onnx");
    await upload(card).click();
    await admit(card).catch(() => {});
    await reads(card.getByRole("alert"), /`\.\.\/x\.onnx` is no key/);
    assert.deepEqual(sent, []);
  }));

test("a file falls anywhere on the card, folded or not, and never takes the page's place", () =>
  opened("fallen", {}, async (page, card) => {
    await card.getByText("Choose a model file").click();
    assert.deepEqual(await fall(page, "h1", "beside.onnx"), [false, false]);
    assert.equal(await card.getByText("beside.onnx").count(), 0);
    assert.deepEqual(await fall(page, "#adding-title", "upon.onnx"), [false, false]);
    await card.getByRole("list", { name: "Files" }).getByText("upon.onnx").waitFor();
    // By keyboard, the same is a button.
    const zone = card.getByRole("button", { name: /^Drop a model file here/ });
    await zone.focus();
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
    await chooser.setFiles([cnn]);
    await card.getByRole("list", { name: "Files" }).getByText("cnn.onnx").waitFor();
    assert.ok(await focused(zone));
  }));

test("what the worker cannot run is refused in its own words, and is removed again", () =>
  opened("refused", { width: 390, expected: /status of 4(01|24)/ }, async (page, card) => {
    await choose(card, file("notes.txt", Buffer.from("Dear model,\nhow are you?\n")));
    await upload(card).click();
    const answer = page.waitForResponse((response) => new URL(response.url()).pathname === "/model");
    await admit(card);
    const said = await (await answer).json();
    await reads(card.getByRole("alert"), /\S/);
    assert.ok((await card.getByRole("alert").innerText()).toLowerCase().includes(said.message.toLowerCase()), said.message);
    assert.equal(await card.getByRole("button", { name: "Add at weight 0" }).isVisible(), false);
    await pictured(card, "refused");
    assert.notEqual(await worker.MODELS.get("refused/notes.txt"), null);
    await card.getByRole("button", { name: "Remove it from the store" }).click();
    await reads(card.getByRole("status"), /There is nothing under refused\/notes\.txt any more/);
    assert.equal(await worker.MODELS.get("refused/notes.txt"), null);

    // So is one as large as the store takes, of which it is told how far it has gone.
    await fall(page, "#adding", "large.onnx", 25 * 2 ** 20);
    const told = page.waitForFunction(() => globalThis.document.querySelector("progress").value > 0);
    await upload(card).click();
    await told;
    await reads(card.getByRole("alert"), /large\.onnx/i, 60_000);
    await card.getByRole("button", { name: "Remove it from the store" }).click();
    await reads(card.getByRole("status"), /There is nothing under refused\/large\.onnx any more/);

    // Check rows that it does not reproduce keep it out as well; without them it goes on, and is not sent again.
    const rows = JSON.parse(bytesOf("digits/cnn.check.json"));
    rows.outputs.label[2] = (rows.outputs.label[2] + 1) % 10;
    await choose(card, cnn, file("cnn.check.json", Buffer.from(JSON.stringify(rows))));
    await upload(card).click();
    await reads(card.getByRole("alert"), /row 3|row 2/i);
    await card.getByRole("button", { name: "Leave out cnn.check.json" }).click();
    const puts = [];
    page.on("request", (request) => request.method() === "PUT" && puts.push(request.url()));
    await upload(card).click();
    await reads(card.getByRole("status"), /^The worker can run it\. See below/);
    await reads(card, /Check rows\s*none: nobody knows/);
    assert.deepEqual(puts, []);
  }));

test("a key that another model has is never written over; one that nobody needs may be", () =>
  opened("taken", { width: 390, expected: /status of 4(01|12|24)/ }, async (page, card) => {
    const key = card.getByLabel("Key in the store of models");
    await choose(card, file("model.onnx", cnn.buffer));
    await key.fill("digits/logistic.onnx");
    await upload(card).click();
    await admit(card);
    const asked = card.getByRole("group", { name: "Another model has this key." });
    await reads(asked, /It is that of .*logistic of digits/);
    await pictured(card, "taken");
    assert.deepEqual(await grave(page), []);
    const before = Buffer.from(await worker.MODELS.get("digits/logistic.onnx", "arrayBuffer"));
    assert.ok(before.equals(bytesOf("digits/logistic.onnx")));
    assert.ok(await focused(asked.getByRole("button", { name: "Use digits/logistic-03be6c22.onnx" })));
    await page.keyboard.press("Enter");
    await reads(card.getByRole("status"), /The worker can run it/);
    assert.equal(await key.inputValue(), "digits/logistic-03be6c22.onnx");

    // The same bytes under the same key are no conflict.
    await key.fill("digits/cnn.onnx");
    await upload(card).click();
    await reads(card.getByRole("status"), /The worker can run it/);

    await worker.MODELS.put("taken/model.onnx", "something old");
    await key.fill("taken/model.onnx");
    await upload(card).click();
    const free = card.getByRole("group", { name: "Another file has this key." });
    await reads(free, /No variant of any endpoint names it/);
    await free.getByRole("button", { name: "Replace it" }).click();
    await reads(card.getByRole("status"), /The worker can run it/);
    assert.ok(Buffer.from(await worker.MODELS.get("taken/model.onnx", "arrayBuffer")).equals(cnn.buffer));
  }));

test("a model that takes something else, or that outcomes cannot judge, is told apart", () =>
  opened("unlike", { width: 320, expected: /status of 40[01]/ }, async (page, card) => {
    await uploaded(card, file("churn.onnx", bytesOf("churn/xgboost.onnx")));
    await reads(card, /It takes other inputs\. Callers send one body, whichever variant is chosen\.\s*Beside logistic: \d+ inputs instead of 1\./);
    await reads(card, /A row has \d+ values here and 64 there: no body suits both\./);
    assert.equal(await wider(page), 0);
    assert.deepEqual(await grave(page), []);
    await pictured(card, "unlike");
    // It is added all the same, with one of its outputs, and asked with zeros.
    await card.getByLabel("Answers with").selectOption("probabilities");
    await card.getByRole("button", { name: "Add at weight 0" }).click();
    await reads(card.getByRole("status"), /^churn is a variant now/);
    assert.equal((await document("unlike")).variants[1].model.output, "probabilities");
    await reads(card, /Zeros of the right shape; JSON or CSV/);
    await card.getByRole("button", { name: "Ask both" }).click();
    await reads(card.getByRole("status"), /^(Only churn has answered\.|There is no answer\. See below why\.)$/);
    await reads(card.getByRole("article", { name: "Answer of logistic" }), /\w/);
  }));

test("of two tabs that change one endpoint, both changes stay; a name is had once", () =>
  opened("tabs", { expected: /status of 4(01|12)/ }, async (page, card) => {
    await uploaded(card, cnn);
    const other = await page.context().newPage();
    await other.goto(page.url());
    const there = section(other, "Add a variant");
    await there.getByText("Choose a model file").click();
    await uploaded(there, file("logistic-2.onnx", bytesOf("digits/logistic.onnx")));
    // Both have looked at the same revision; the other is faster.
    await there.getByRole("button", { name: "Add at weight 0" }).click();
    await reads(there.getByRole("status"), /logistic-2 is a variant now/);

    // And one more change falls between what is read here and what is written.
    let between = 0;
    await page.route("**/endpoints/tabs", async (route) => {
      if (route.request().method() === "PUT" && (between += 1) === 1) {
        const changed = await worker.fetch("/endpoints/tabs/weights", { method: "PUT", headers: { ...admin, "if-match": "*" }, body: JSON.stringify({ logistic: 77 }) });
        assert.equal(changed.status, 200);
      }
      return route.fallback();
    });
    await card.getByRole("button", { name: "Add at weight 0" }).click();
    await reads(card.getByRole("status"), /cnn is a variant now.*Somebody else has changed the endpoint meanwhile; that stays as well\./);
    assert.equal(between, 2);
    const { variants } = await document("tabs");
    assert.deepEqual(variants.map(({ name, weight }) => [name, weight]), [["logistic", 77], ["logistic-2", 0], ["cnn", 0]]);

    await choose(there, file("cnn.onnx", bytesOf("digits/logistic.onnx")));
    await there.getByLabel("Key in the store of models").fill("tabs/another.onnx");
    await upload(there).click();
    await reads(there.getByRole("status"), /The worker can run it/);
    await there.getByLabel("Name").fill("cnn");
    await there.getByRole("button", { name: "Add at weight 0" }).click();
    await reads(there.getByRole("alert"), /There is a variant cnn already\. Give this one another name\./);
    assert.ok(await focused(there.getByLabel("Name")));

    // Somebody gives it traffic: it can be no shadow then.
    await worker.fetch("/endpoints/tabs/weights", { method: "PUT", headers: { ...admin, "if-match": "*" }, body: JSON.stringify({ cnn: 5 }) });
    await card.getByRole("button", { name: "Shadow it" }).click();
    await reads(card.getByRole("alert"), /Cnn gets traffic: somebody has given it the weight 5/);
  }));

test("a worker that is gone leaves everything as it was typed", () =>
  opened("gone", { expected: /ERR_FAILED|status of 401/ }, async (page, card) => {
    await choose(card, cnn, cnnRows);
    await card.getByLabel("Key in the store of models").fill("gone/mine.onnx");
    const dead = (route) => route.abort();
    await page.route("**/models/**", dead);
    await upload(card).click();
    await admit(card);
    await reads(card.getByRole("alert"), /The upload broke off/);
    assert.equal(await card.getByLabel("Key in the store of models").inputValue(), "gone/mine.onnx");
    assert.ok(await focused(upload(card)));
    await page.unroute("**/models/**", dead);
    // An upload that takes too long is stopped by the button that began it.
    let slow;
    const slowly = (route) => new Promise((resolve) => (slow = resolve)).then(() => route.abort().catch(() => {}));
    await page.route("**/models/**", slowly);
    await upload(card).click();
    await until(() => slow);
    await card.getByRole("button", { name: "Stop" }).click();
    assert.ok(await focused(upload(card)));
    assert.equal(await card.getByRole("alert").count(), 0);
    slow();
    await page.unroute("**/models/**", slowly);
    await upload(card).click();
    await reads(card.getByRole("status"), /it reproduces its check rows/);
    await card.getByLabel("Name").fill("mine");
    await page.route("**/endpoints/gone/document", dead);
    await card.getByRole("button", { name: "Add at weight 0" }).click();
    await reads(card.getByRole("alert"), /could not be reached/);
    assert.equal(await card.getByLabel("Name").inputValue(), "mine");
    await page.unroute("**/endpoints/gone/document", dead);
    await card.getByRole("button", { name: "Add at weight 0" }).click();
    await reads(card.getByRole("status"), /mine is a variant now/);
  }));

test("names, keys and sizes that are proposed, and those that are none", () => {
  assert.deepEqual([keyFor("digits", { name: "my model (2).onnx" }), keyFor("d", { name: "ü.tar.gz" })], ["digits/my-model-2-.onnx", "d/-.tar.gz"]);
  assert.equal(keyBeside("digits/model.tar.gz", CNN_SHA256), "digits/model-03be6c22.tar.gz");
  assert.equal(rowsKeyOf("digits/model.tar.gz"), "digits/model.check.json");
  assert.deepEqual([nameFor({ name: "cnn.v2.onnx" }, []), nameFor({ name: "cnn.onnx" }, ["cnn", "cnn-2"]), nameFor({ name: "___.ubj" }, [])], ["cnn-v2", "cnn-3", "model"]);
  assert.equal(nameFor({ name: `${"x".repeat(90)}.onnx` }, ["x".repeat(58)]).length, 60);
  for (const name of ["a", "A1-b", "x".repeat(63)]) assert.equal(nameTrouble(name), null);
  for (const name of ["", "-a", "a-", "a b", "ä", "x".repeat(64)]) assert.ok(nameTrouble(name), name);
  for (const key of ["a.onnx", "a/b c.onnx", "ä/b"]) assert.equal(keyTrouble(key), null);
  for (const key of ["", "/a", "a/", "a//b", "./a", "a/../b", "x".repeat(501)]) assert.ok(keyTrouble(key), key);
  assert.deepEqual([size(999), size(40_827), size(25 * 2 ** 20)], ["999 bytes", "39.9 KiB", "25.0 MiB"]);
  assert.deepEqual(Object.keys(sorted([cnn, cnnRows].map(({ name, buffer }) => ({ name, size: buffer.length })))), ["model", "rows"]);
});

const input = (name, datatype, ...shape) => ({ name, datatype, shape: [-1, ...shape] });

test("a body is proposed in the model's shape", async () => {
  assert.equal(sample([input("x", "FP32", 2, 2)]), '{"instances": [[0,0,0,0]]}');
  assert.equal(sample([input("n", "FP64"), input("s", "BYTES"), input("b", "BOOL", 1)]), '{"instances": [{"n":0,"s":"","b":[false]}]}');
  assert.equal(sample([input("x", "FP32", 3, 224, 224)]), "");
  assert.equal(sample([input("x", "FP32", 2)], { inputs: { x: [["NaN", 1.5], [2, 3]] } }), '{"instances": [[null,1.5]]}');
  assert.equal(sample([input("s", "BYTES"), input("x", "FP32", 1, 2)], { inputs: { s: ["NaN"], x: [[[1, 2]]] } }), '{"instances": [{"s":"NaN","x":[[1,2]]}]}');
  assert.deepEqual([rowShape(input("x", "FP32")), rowShape(input("x", "FP32", 3, -1, 320))], ["one value", "3 × any × 320"]);
  const rows = await rowsOf({ name: "r.check.json", text: async () => cnnRows.buffer.toString() }, CNN_SHA256);
  assert.equal(rows.count, 8);
});

test("inputs are compared by name, type and shape", () => {
  const backend = (...inputs) => ({ backend: { inputs } });
  const told = beside([input("x", "FP32", 64)], [
    { name: "same", ...backend(input("x", "FP32", 64)) },
    { name: "typed", ...backend(input("x", "FP64", 64)) },
    { name: "flat", ...backend(input("pixels", "FP32", 8, 8)) },
    { name: "host", backend: { kind: "origin" } },
  ]);
  assert.deepEqual(told, {
    same: ["same"],
    other: [["typed", "an input FP32 instead of FP64"], ["flat", "an input named `x` instead of `pixels` and of the row shape 64 instead of 8 × 8"]],
    note: "A row has 64 values in both, so lists of values, and CSV without a header, may suit both.",
  });
  const outcome = { kind: "label", label: { output: "label" }, score: { output: "probabilities", class: 1 } };
  assert.deepEqual(missingOutputs([{ name: "prediction" }], outcome), ["label", "probabilities"]);
  assert.deepEqual(missingOutputs([{ name: "label" }, { name: "probabilities" }], outcome), []);
  assert.deepEqual(missingOutputs([{ name: "prediction" }], undefined), []);
});

test("a variant is added once, and a shadow has no weight", () => {
  const made = { name: "b", weight: 0, model: { key: "k", sha256: "s" } };
  const there = { variants: [{ name: "a" }], other: 1 };
  assert.ok(insert(there, made));
  assert.deepEqual(there, { variants: [{ name: "a" }, made], other: 1 });
  // As after an answer that was lost.
  assert.equal(insert(there, structuredClone(made)), false);
  assert.throws(() => insert(there, { ...made, model: { key: "k", sha256: "t" } }), /there is a variant b already/);
  assert.ok(overshadow(there, "b", 0.1));
  assert.deepEqual(there.variants[1], { ...made, shadow: 0.1 });
  assert.equal(overshadow(there, "b", 0.1), false);
  assert.ok(overshadow(there, "b", 0.5));
  assert.throws(() => overshadow(there, "a", 0.1), /a gets traffic: somebody has given it the weight 1/);
  assert.throws(() => overshadow(there, "c", 0.1), /no variant c any more/);
  assert.throws(() => insert({ variants: {} }, made), /has no list of variants/);
});
