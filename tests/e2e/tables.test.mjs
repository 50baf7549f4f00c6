// Tables through the endpoint `churn`: an input a column, strings and numbers, CSV and named columns.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { root, start } from "./support.mjs";

const lines = (file) => readFileSync(`${root}models/churn/${file}`, "utf8").trim().split("\n");
const rows = lines("held-out.csv").map((line) => line.slice(line.indexOf(",") + 1));
const columns = lines("customers.csv")[0].split(",").slice(0, -1);
const strings = ["state", "area_code", "international_plan", "voice_mail_plan"];

/** A row as an object by column. */
const named = (row) =>
  Object.fromEntries(row.split(",").map((cell, at) => [columns[at], strings.includes(columns[at]) ? cell : Number(cell)]));

let worker;
before(async () => (worker = await start()));
after(() => worker.close());

const ask = (variant, type, body) => worker.invoke("churn", { type, body, headers: { "x-target-variant": variant } });

/** ONNX Runtime's answers: `[label, p(no), p(yes)]`. */
const expected = (variant) => lines(`${variant}.expected.csv`).map((line) => line.split(","));

test("the held-out customers get ONNX Runtime's answers from both models", async () => {
  for (const variant of ["logistic", "xgboost"]) {
    const response = await ask(variant, "text/csv", rows.join("\n"));
    const { predictions } = await response.json();
    assert.equal(response.status, 200);
    assert.equal(predictions.length, 1250);
    for (const [at, [label, no, yes]] of expected(variant).entries()) {
      assert.equal(predictions[at].label, label);
      assert.ok(Math.abs(predictions[at].probabilities[0] - no) <= 1e-5, `row ${at}`);
      assert.ok(Math.abs(predictions[at].probabilities[1] - yes) <= 1e-5, `row ${at}`);
    }
  }
});

test("columns by name, in any order, give what CSV gives", async () => {
  const some = rows.slice(0, 20);
  const csv = await (await ask("xgboost", "text/csv", some.join("\n"))).json();
  const shuffled = some.map((row) => Object.fromEntries(Object.entries(named(row)).reverse()));
  const json = await (await ask("xgboost", "application/json", JSON.stringify({ instances: shuffled }))).json();
  assert.deepEqual(json, csv);
  const jsonLines = shuffled.map((row) => JSON.stringify(row)).join("\n");
  assert.deepEqual(await (await ask("xgboost", "application/jsonlines", jsonLines)).json(), csv);
});

test("a wrong cell is named by row and column", async () => {
  const good = named(rows[0]);
  const { state: _, ...without } = good;
  for (const [instances, code, message] of [
    [[good, { ...good, total_day_minutes: "many" }], "bad_payload", /row 2, column 7 \(`total_day_minutes`\): the string `many` stands where a number belongs/],
    [[{ ...good, state: 5 }], "bad_payload", /row 1, column 1 \(`state`\): 5 stands where a string belongs/],
    [[without], "wrong_columns", /row 1: column `state` is missing/],
    [[{ ...good, age: 30 }], "wrong_columns", /row 1: there is no column `age`; the model takes: state, account_length/],
    [[Object.values(good).slice(0, -1)], "wrong_width", /row 1 has 18 values; the model takes 19/],
  ]) {
    const response = await ask("xgboost", "application/json", JSON.stringify({ instances }));
    const error = await response.json();
    assert.equal(response.status, 400);
    assert.equal(error.code, code);
    assert.match(error.message, message);
  }
});

test("a missing number is one that the trees were not shown, and answered", async () => {
  const response = await ask("xgboost", "application/json", JSON.stringify({ instances: [{ ...named(rows[0]), total_day_minutes: null }] }));
  const { predictions } = await response.json();
  assert.ok(Math.abs(predictions[0].probabilities[0] + predictions[0].probabilities[1] - 1) < 1e-6);
});

test("the endpoint may name the one output to answer with", async () => {
  const document = JSON.parse(readFileSync(`${root}models/churn/endpoint.json`, "utf8"));
  for (const variant of document.variants) variant.model.output = "probabilities";
  await worker.put("churn-probabilities", document);
  const response = await worker.invoke("churn-probabilities", { body: rows[0], headers: { "x-target-variant": "xgboost" } });
  const { predictions } = await response.json();
  const [, no] = expected("xgboost")[0];
  assert.equal(predictions[0].length, 2);
  assert.ok(Math.abs(predictions[0][0] - no) <= 1e-5);
});
