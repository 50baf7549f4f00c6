// Shadows on both pages, in Chromium before the real worker: two models on the same requests, and where they differ.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, digits, root, start, until } from "../e2e/support.mjs";
import { brief, decoded } from "../../www/lib/captured.js";
import { focused, grave, launch, reads, section, visit, wider } from "./support.mjs";

const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
const json = { "content-type": "application/json" };
/** Of digits; so many that the verdict has its picture. */
const REQUESTS = 240;
let worker, browser, original;

const of = async (what, name = "digits") => (await worker.fetch(`/endpoints/${name}${what}`, { headers: admin })).json();

async function put(document, name = "digits") {
  const response = await worker.fetch(`/endpoints/${name}`, { method: "PUT", headers: { ...admin, "if-match": "*" }, body: typeof document === "string" ? document : JSON.stringify(document) });
  assert.equal(response.status, 200, await response.text());
}

/** The digits' document with cnn as a shadow of logistic; both tell how sure they are of an 8. */
function shadowed() {
  const document = JSON.parse(original);
  const [logistic, { weight, ...cnn }] = document.variants;
  const outcome = { ...document.outcome, score: { output: "probabilities", class: 8 }, positive: "8" };
  return { ...document, variants: [logistic, { ...cnn, shadow: 1 }], outcome, assignment: undefined };
}

before(async () => {
  [worker, browser] = await Promise.all([start(), launch()]);
  original = await worker.ENDPOINTS.get("digits");
  await put(shadowed());
  // Its model is loaded now, so that no request is skipped meanwhile.
  assert.equal((await worker.invoke("digits", { headers: { "x-target-variant": "cnn" } })).status, 200);
  const told = [];
  for (let i = 0; i < REQUESTS; i += 8)
    await Promise.all(
      digits.slice(i, i + 8).map(async ({ csv, label }) => {
        const response = await worker.invoke("digits", { body: csv });
        assert.equal(response.status, 200, await response.text());
        assert.equal(response.headers.get("x-invoked-variant"), "logistic");
        told.push({ inference_id: response.headers.get("x-amzn-sagemaker-inference-id"), label });
      }),
    );
  await until(async () => (await of("/pairs")).pairs[0]?.requests === REQUESTS);
  const response = await worker.fetch("/endpoints/digits/outcomes", { method: "POST", headers: json, body: JSON.stringify(told) });
  assert.equal(response.status, 200, await response.text());
  await until(async () => (await of("/verdict")).comparisons[0]?.pairs?.outcomes === REQUESTS);
});
after(async () => {
  await browser?.close();
  if (original) await put(original);
  await worker?.close();
});

const dashboard = (options, body, name = "digits") => visit(browser, new URL(`dashboard?endpoint=${name}`, worker.url), { watching: true, ...options }, body);
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

test("captured text is laid out to be read, and what cannot be read is said to be so", () => {
  assert.deepEqual(decoded({ data: '{"a":[1]}', encoding: "JSON" }), { text: '{\n  "a": [\n    1\n  ]\n}' });
  assert.deepEqual(decoded({ data: "{not", encoding: "JSON" }), { text: "{not" });
  assert.deepEqual(decoded({ data: "1,2\n3,4", encoding: "CSV" }), { text: "1,2\n3,4" });
  assert.match(decoded({ data: "AAECAw==", encoding: "BASE64", observedContentType: "image/png" }).note, /^4 bytes of image\/png, .* not shown/);
  for (const nothing of [undefined, null, {}]) assert.deepEqual(decoded(nothing), { note: "Not captured." });
  assert.equal(brief("x".repeat(5_000)).length, "x".repeat(4_000).length + " … (1,000 more characters)".length);
});

for (const [width, colorScheme] of [[1440, "light"], [390, "dark"]])
  test(`${width} px, ${colorScheme}: the dashboard says of a shadow what the API says`, async () => {
    const [{ pairs: [pair], disagreements }, verdict] = [await of("/pairs"), await of("/verdict")];
    const [comparison] = verdict.comparisons;
    const { right } = comparison.pairs;
    assert.equal(right.both + right.only_baseline + right.only_variant + right.neither, REQUESTS);
    await dashboard({ width, colorScheme }, async (page) => {
      const card = section(page, "Shadows");
      await card.getByRole("heading", { name: "cnn, shadow of logistic" }).waitFor();
      await card.getByText(comparison.says, { exact: true }).waitFor();
      await card.getByText(`cnn agreed with logistic on ${percent(pair.agreement.rate)} of ${REQUESTS} rows.`, { exact: true }).waitFor();
      const parts = await card.getByRole("list", { name: "Who was right on the same requests" }).getByRole("listitem").allInnerTexts();
      const wanted = [["both right", right.both], ["only logistic right", right.only_baseline], ["only cnn right", right.only_variant], ["neither right", right.neither]];
      assert.deepEqual(parts.map((text) => text.replaceAll(/\s+/g, " ").trim()), wanted.map(([words, of]) => `${words} ${of} ${percent(of / REQUESTS)}`.replaceAll(/\s+/g, " ")));
      await reads(card, new RegExp(`Half of ${REQUESTS} rows are between`));
      await reads(card, new RegExp(`Asked about ${REQUESTS} requests\\. None was skipped\\.`));
      assert.equal(disagreements.length, 100);
      const table = card.getByRole("table", { name: "Where cnn and logistic differ most" });
      assert.equal(await table.locator("tbody tr").count(), 20);
      await reads(table.locator("tbody tr").first(), new RegExp(disagreements[0].inference_id));
      await card.getByRole("button", { name: "Show all 100" }).click();
      assert.equal(await table.locator("tbody tr").count(), 100);
      await card.getByRole("button", { name: "Show the first 20" }).click();

      // The verdict's own picture is of the same requests, and has no share of the traffic.
      const judged = section(page, "Which model is better?");
      await judged.getByText(comparison.says, { exact: true }).waitFor();
      await judged.getByRole("heading", { name: "cnn less logistic: difference of accuracy in points, on the same requests" }).waitFor();
      await reads(judged, /On the same requests: 240 outcomes of what logistic answered, and cnn was asked about as well, as a shadow\./);
      await judged.getByRole("img", { name: /^Chart of the difference after 240 outcomes: / }).waitFor();
      await judged.getByRole("img", { name: "Axis of the outcomes." }).waitFor();
      assert.doesNotMatch(await judged.innerText(), /cnn 0\b/);
      const shares = await section(page, "Ramp and guardrails").getByRole("list", { name: "Shares of the traffic" }).getByRole("listitem").allInnerTexts();
      assert.deepEqual(shares.map((text) => text.replaceAll(/\s+/g, " ").trim()), ["logistic 100 %"]);

      // A shadow has no share, rather than one of 0.
      const rows = await section(page, "Scorecard").getByRole("table", { name: "Scorecard by variant" }).locator("tbody tr").all();
      const cells = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
      const [answers, shadow] = ["logistic", "cnn shadow"].map((name) => cells.find(([first]) => first.trim() === name));
      assert.deepEqual([answers[2], answers[3], answers.at(-2)], ["100.0\u00a0%", "100.0\u00a0%", "–"]);
      assert.deepEqual([shadow[2], shadow[3], shadow.at(-2), shadow.at(-1)], ["–", "–", String(REQUESTS), "0"]);
      await reads(section(page, "Is the traffic divided as configured?"), /^(?![\s\S]*cnn \d)[\s\S]*logistic 240 of 240 requests/);

      assert.equal(await wider(page), 0);
      mkdirSync(`${root}build/screenshots`, { recursive: true });
      await page.screenshot({ path: `${root}build/screenshots/shadows-${width}-${colorScheme}.png`, fullPage: true });
      assert.deepEqual(await grave(page), []);
    });
  });

/** Another endpoint's figures, and captured text, as the worker would tell them. */
const EVIL = "<img src=x onerror=alert(1)>";
const pair = {
  variant: "logistic",
  shadow: "cnn",
  requests: 1_234,
  skipped: 3,
  unkept: 2,
  failed: { variant: 1, shadow: 9, both: 1, unread: 4 },
  agreement: { rows: 1_225, same: 1_176, rate: 0.96 },
  variant_ms: { count: 1_234, sum: 1, min: 1, p50: 12, p90: 30, p99: 55, max: 80 },
  shadow_ms: { count: 1_230, sum: 1, min: 1, p50: 44, p90: 70, p99: 155, max: 180 },
};
const disagreement = { variant: "logistic", shadow: "cnn", inference_id: "an/id", row: 1, at_ms: 1_800_000_000_000, size: 1, variant_said: { label: EVIL }, shadow_said: { label: "#0a1b2c3d", score: 0.25 } };
const side = (data, encoding) => ({ data, encoding, observedContentType: "text/csv", mode: "INPUT" });
const line = (variant, output) => ({ variant, line: { captureData: { endpointInput: side("1,2,3\n4,5,6", "CSV"), endpointOutput: output } } });

for (const width of [390, 1440])
  test(`${width} px: by keyboard, a disagreement is looked at with the admin token, and what was captured stays text`, () =>
    dashboard({ width, expected: /status of 40[14]/ }, async (page) => {
      let captured = { status: 401, json: { code: "unauthorized", message: "no", fix: "no" } };
      let asked;
      await page.route("**/endpoints/digits/pairs", (route) => route.fulfill({ json: { pairs: [pair], disagreements: [disagreement] } }));
      await page.route("**/endpoints/digits/captured/**", (route) => {
        asked = route.request();
        return route.fulfill(captured);
      });
      const card = section(page, "Shadows");
      await reads(card, /cnn agreed with logistic on 96\.0\s% of 1,225 rows\./);
      await reads(card, /Asked about 1,234 requests\. Skipped 3: .* Of 2 the predictions could not be kept for outcomes\. Both failed 1 request, .* 4 requests the shadow could not read/);
      const figures = await card.getByRole("table", { name: "Failures and times of cnn and logistic" }).locator("tbody tr").allInnerTexts();
      assert.deepEqual(figures.map((row) => row.replaceAll(/\s+/g, " ").trim()), ["failed 1 9", "host, median 12 ms 44 ms", "host, 90 % 30 ms 70 ms", "host, 99 % 55 ms 155 ms"]);
      await reads(card, /class #0a1b2c3d\s+score 0\.250/);
      await reads(card, /A class has its name once an outcome has told it/);

      const look = card.getByRole("button", { name: /^Look at it/ });
      await look.focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "Where cnn and logistic differ" });
      const token = dialog.getByRole("form", { name: "Admin token" }).locator("input");
      await token.waitFor();
      assert.ok(await focused(token));
      await page.keyboard.type("wrong");
      await page.keyboard.press("Enter");
      await reads(dialog, /This is not the admin token/);
      captured = { status: 404, json: { code: "not_captured", message: "nothing is captured", fix: "capture" } };
      await page.keyboard.type(ADMIN_TOKEN);
      await page.keyboard.press("Enter");
      await reads(dialog.getByRole("status"), /^Not captured\./);
      assert.equal(new URL(asked.url()).pathname, "/endpoints/digits/captured/an%2Fid");
      assert.equal(asked.headers().authorization, `Bearer ${ADMIN_TOKEN}`);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      assert.ok(await focused(look));

      captured = { json: { lines: [line("logistic", side(`{"label":"${EVIL}"}`, "JSON")), line("cnn", side("AAEC", "BASE64"))], complete: false } };
      await page.keyboard.press("Enter");
      await reads(dialog.getByRole("region", { name: "Asked" }), /1,2,3\s+4,5,6/);
      await reads(dialog.getByRole("region", { name: "logistic answered" }), /"label": "<img src=x onerror=alert\(1\)>"/);
      await reads(dialog, /3 bytes of text\/csv, which are kept as Base64 and not shown here/);
      await reads(dialog.getByRole("status"), /This may not be all that was captured/);
      assert.equal(await page.locator("img:not([alt=''])").count(), 0);
      assert.equal(await wider(page), 0);
      assert.deepEqual(await grave(page), []);
      mkdirSync(`${root}build/screenshots`, { recursive: true });
      await page.screenshot({ path: `${root}build/screenshots/looked-at-${width}.png` });
      await dialog.getByRole("button", { name: "Close" }).click();
      assert.ok(await focused(look));
      // It is looked at again and again, and the focus stays.
      await page.waitForTimeout(2_500);
      assert.ok(await focused(look));
    }));

test("the page shows the shadow, gives it no slider and lets it be asked by name", () =>
  visit(browser, worker.url, { width: 390 }, async (page) => {
    const experiment = section(page, "The experiment");
    const shadows = experiment.getByRole("group", { name: "Shadows" });
    assert.ok(await shadows.isHidden());
    await experiment.getByLabel("Endpoint").selectOption("digits: logistic, with the shadow cnn");
    await shadows.getByRole("heading", { name: "cnn, shadow of logistic" }).waitFor();
    await shadows.getByRole("list", { name: "Who was right on the same requests" }).waitFor();
    await reads(page.locator("#track"), /cnn\s*shadow/);

    const weights = section(page, "Move the weights");
    assert.equal(await weights.getByRole("slider").count(), 1);
    await reads(weights, /cnn is a shadow, without a weight\./);
    await weights.getByRole("slider", { name: "logistic" }).fill("40");
    await weights.getByLabel("Admin token").fill(ADMIN_TOKEN);
    await weights.getByRole("button", { name: "Save weights" }).click();
    await reads(weights.getByRole("status"), /^Saved: logistic 100\.0\s%\./);
    assert.deepEqual((await of("")).variants.map(({ weight, shadow }) => [weight, shadow]), [[40, undefined], [0, 1]]);

    const draw = section(page, "Draw a digit");
    await page.locator("#thumbs button").first().click();
    await reads(draw.getByRole("article", { name: "Not asked yet: cnn" }), /a shadow: it answers here only if asked by name/);
    await draw.getByRole("button", { name: "Ask cnn as well" }).click();
    await draw.getByRole("article", { name: "Answer of cnn" }).waitFor();
    assert.equal(await wider(page), 0);
    assert.deepEqual(await grave(page), []);
  }));

test("an endpoint without shadows shows nothing of them", () =>
  dashboard({}, async (page) => {
    await reads(section(page, "Which model is better?"), /./);
    assert.equal(await section(page, "Shadows").count(), 0);
  }, "churn"));

test("what lies behind a disagreement is read out of the bucket", async () => {
  await worker.put("kept", { ...shadowed(), capture: { percent: 100 } });
  await worker.invoke("kept", { headers: { "x-target-variant": "cnn" } });
  for (const { csv } of digits.slice(0, 20)) assert.equal((await worker.invoke("kept", { body: csv })).status, 200);
  await until(async () => (await of("/pairs", "kept")).pairs[0]?.requests === 20);
  const [worst] = (await of("/pairs", "kept")).disagreements;
  const { lines } = await until(async () => {
    const found = await of(`/captured/${worst.inference_id}`, "kept");
    return found.lines?.length === 2 && found;
  }, 30_000);
  const { data } = lines[0].line.captureData.endpointInput;
  assert.ok(digits.some(({ csv }) => csv === data), data);
  await dashboard({ width: 390 }, async (page) => {
    await section(page, "Shadows").getByRole("button", { name: /^Look at it/ }).first().click();
    const dialog = page.getByRole("dialog", { name: "Where cnn and logistic differ" });
    await dialog.getByRole("form", { name: "Admin token" }).locator("input").fill(ADMIN_TOKEN);
    await page.keyboard.press("Enter");
    await reads(dialog.getByRole("region", { name: "Asked" }), new RegExp(data.split(",").join(",\\s*")));
    for (const name of ["logistic answered", "cnn, the shadow, answered"]) await reads(dialog.getByRole("region", { name }), /"probabilities"/);
  }, "kept");
});

test("beside variants that share the traffic, a shadow is chosen to be compared, and stands beside each of them", async () => {
  const [logistic, cnn] = JSON.parse(original).variants;
  const { weight, ...model } = cnn;
  const goal = { metric: "accuracy", segment: { header: "x-country", values: ["de"] } };
  await worker.put("mixed", { variants: [logistic, { ...logistic, name: "copy" }, { ...model, shadow: 1 }], outcome: { kind: "label", label: { output: "label" } }, goal });
  const told = [];
  for (const { csv, label } of digits.slice(0, 40)) {
    const response = await worker.invoke("mixed", { body: csv });
    assert.equal(response.status, 200, await response.text());
    told.push({ inference_id: response.headers.get("x-amzn-sagemaker-inference-id"), label });
  }
  await until(async () => (await of("/pairs", "mixed")).pairs.reduce((sum, { requests }) => sum + requests, 0) === 40);
  await worker.fetch("/endpoints/mixed/outcomes", { method: "POST", headers: json, body: JSON.stringify(told) });
  const { comparisons } = await of("/verdict", "mixed");
  assert.deepEqual(comparisons.map(({ variant, basis }) => [variant, basis]), [["copy", "assignment"], ["cnn", "pairs"]]);
  await dashboard({ width: 390 }, async (page) => {
    const judged = section(page, "Which model is better?");
    await reads(judged, /Drawn request by request: logistic \d+ and copy \d+\./);
    await judged.getByRole("table", { name: "Verdict by segment" }).waitFor();
    const quality = section(page, "Scorecard").getByRole("table", { name: "Quality by variant" });
    assert.deepEqual((await quality.locator("thead th").allInnerTexts()).map((text) => text.trim()), ["", "logistic", "copy", "copy less logistic"]);
    await judged.getByLabel("Compare").selectOption("cnn against logistic, as its shadow");
    await judged.getByText(comparisons[1].says, { exact: true }).waitFor();
    assert.equal(await judged.getByRole("table", { name: "Verdict by segment" }).count(), 0);
    await quality.getByRole("columnheader", { name: "on the same requests" }).waitFor();
    const card = section(page, "Shadows");
    await card.getByRole("article", { name: "cnn, shadow of logistic" }).getByText(comparisons[1].says, { exact: true }).waitFor();
    // The verdict compares with the baseline alone.
    await reads(card.getByRole("article", { name: "cnn, shadow of copy" }), /cnn agreed with copy on [\d.]+\s% of \d+ rows\./);
    assert.equal(await wider(page), 0);
    assert.deepEqual(await grave(page), []);
  }, "mixed");
});
