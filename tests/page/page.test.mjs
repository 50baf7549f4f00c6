// The page at `/`, in Chromium before the real worker, by what a visitor sees.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { ADMIN_TOKEN, digits, root, start } from "../e2e/support.mjs";
import { drawn, focused, grave, launch, reads, section, visit, wider, zero } from "./support.mjs";

const WIDTHS = [390, 1440];
let worker, browser, originals;

before(async () => {
  [worker, browser] = await Promise.all([start(), launch()]);
  // A verdict ends a run, and all tests add to the same evidence: with so small an alpha none comes in the middle of one.
  const digits = JSON.parse(await worker.ENDPOINTS.get("digits"));
  digits.goal.alpha = 1e-6;
  originals = { digits: JSON.stringify(digits), churn: await worker.ENDPOINTS.get("churn") };
  await restore("digits");
});
after(async () => {
  await browser?.close();
  await worker?.close();
});
// Weights as they were: through the API, so that the isolate has them at once.
beforeEach(() => weigh({ logistic: 50, cnn: 50 }));

const page = (options, body) => visit(browser, worker.url, options, body);
const button = (place, name) => place.getByRole("button", { name, exact: typeof name === "string" });

async function weigh(weights, name = "digits") {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "if-match": "*" };
  const response = await worker.fetch(`/endpoints/${name}/weights`, { method: "PUT", headers, body: JSON.stringify(weights) });
  assert.equal(response.status, 200, await response.text());
}

/** A document, the one as it was unless another is given, through the API: put there by hand so soon after a change, it could be an older copy of KV's. */
async function restore(name, document = originals[name]) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "if-match": "*" };
  assert.equal((await worker.fetch(`/endpoints/${name}`, { method: "PUT", headers, body: document })).status, 200);
}

/** The figures of a table by its caption, by row. */
async function figures(place, caption) {
  const rows = await place.getByRole("table", { name: caption }).locator("tbody tr").all();
  const cells = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
  return Object.fromEntries(cells.map(([name, ...rest]) => [name.trim(), rest]));
}

/** Sets the slider as a hand would: the page is told. `share` is cnn's, in percent. */
const slide = (place, share) => place.getByRole("slider", { name: "Share of cnn" }).fill(String(share));

/** Until what was asked for a frame is painted. */
const frame = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** The section that runs the experiment. */
function experiment(page) {
  const card = section(page, "The experiment");
  return {
    card,
    run: page.locator("#run"),
    status: page.locator("#run-status"),
    counts: page.locator("#run-counts"),
    split: page.locator("#run-split"),
    word: page.locator("#verdict .word"),
    choose: (name) => card.getByLabel("Endpoint").selectOption(name),
    picture: card.getByRole("img", { name: /^Chart of the difference/ }),
  };
}

/** An endpoint's verdict, as the API tells it. */
const verdict = async (name) => (await worker.fetch(`/endpoints/${name}/verdict`)).json();

/** Opens what is folded on a phone. */
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));

/** From now on only so many predictions are answered; the others hang. */
async function answering(page, most) {
  let left = most;
  await page.route("**/invocations", (route) => (left-- > 0 ? route.continue() : undefined));
}

test("the vendored uPlot is the package's own", () => {
  for (const [file, from] of [["uPlot.esm.js", "dist/"], ["uPlot.min.css", "dist/"], ["LICENSE", ""]])
    assert.deepEqual(readFileSync(`${root}www/vendor/uplot/${file}`), readFileSync(`${root}node_modules/uplot/${from}${file}`), file);
});

test("the page and its files may load nothing but their own", async () => {
  for (const path of ["/", "/page.js", "/core/turnout_bg.wasm"]) {
    const { headers } = await worker.fetch(path);
    assert.match(headers.get("content-security-policy"), /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/, path);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  }
  const html = await (await worker.fetch("/")).text();
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:/);
});

test("customers alone are sent to churn until there is a verdict, which is the API's", () =>
  page({}, async (page) => {
    const { card, run, status, word, counts, picture } = experiment(page);
    const alone = button(page, "Leave the weights, send customers only");
    await reads(word, /^Too early$/);
    await card.getByText("You may look whenever you like: wrong at most 5\u00a0% of the time. As of now.").waitFor();
    await run.click();
    await alone.click();
    await reads(status, /^Sending held-out customers/);
    await reads(status, /^Done, as there is a verdict: [\d,]+ requests answered in all\.$/, 300_000);
    const told = await verdict("churn");
    const [compared] = told.comparisons;
    assert.equal(compared.verdict, "better");
    assert.equal(await word.innerText(), "xgboost is better");
    await card.getByText(compared.says, { exact: true }).waitFor();
    const outcomes = told.variants.reduce((sum, each) => sum + each.outcomes, 0);
    await reads(counts, new RegExp(`^You sent ${outcomes.toLocaleString("en")} requests here; the truth of ${outcomes.toLocaleString("en")} is told\\.$`));
    // Every customer was a user, so that there are as many as outcomes.
    assert.deepEqual(told.variants.map(({ units }) => units), told.variants.map((each) => each.outcomes));
    await card.getByText(`Drawn by user (header x-user-id), each with one variant for all requests: ${told.variants.map(({ variant, units }) => `${variant} ${units.toLocaleString("en")}`).join(" and ")}.`).waitFor();
    // The picture ends with what the API says now.
    const points = (number) => `${number > 0 ? "+" : ""}${(100 * number).toFixed(1)}`.replace("-", "\u2212");
    const [low, high] = compared.interval;
    assert.equal(
      (await picture.getAttribute("aria-label")).replace(/; clear of zero at [\d,]+ outcomes/, ""),
      `Chart of the difference after ${outcomes.toLocaleString("en")} outcomes: ${points(compared.difference)}, ${points(low)} to ${points(high)}.`,
    );
    await card.getByRole("img", { name: "Chart of the share of traffic of xgboost: 50\u00a0% now." }).waitFor();
    await unfold(page);
    const last = (await card.getByRole("table", { name: "The verdict's picture in figures" }).locator("tbody tr").last().locator("th, td").allInnerTexts()).map((cell) => cell.trim());
    assert.deepEqual(last, [outcomes.toLocaleString("en"), points(compared.difference), `${points(low)} to ${points(high)}`, "50\u00a0%"]);
    const scores = await figures(card, "Quality by variant");
    assert.deepEqual(scores.outcomes.slice(0, 2), told.variants.map((each) => each.outcomes.toLocaleString("en")));
    assert.match(scores.accuracy[2], /^\+[\d.]+\s+\+[\d.]+ to \+[\d.]+$/);
    for (const name of ["precision", "recall", "F1"]) for (const cell of scores[name].slice(0, 2)) assert.match(cell, /^[\d.]+\s%$/, name);
    await card.getByText("whose probability is above 0.5").waitFor();
    // Where there is a verdict, going on adds to it.
    await run.click();
    await alone.click();
    await reads(status, /^Done: [\d,]+ requests/, 60_000);
    assert.equal((await verdict("churn")).variants.reduce((sum, each) => sum + each.outcomes, 0), outcomes + 1_000);
  }));

test("a verdict's word is announced when it is another, not at each look", () =>
  page({}, async (page) => {
    const { run, status, word } = experiment(page);
    await experiment(page).choose("digits");
    await reads(word, /./);
    await word.evaluate((element) => {
      globalThis.changes = 0;
      new MutationObserver(() => (globalThis.changes += 1)).observe(element, { childList: true, characterData: true, subtree: true });
    });
    const said = await word.innerText();
    await answering(page, 60);
    await run.click();
    await reads(experiment(page).counts, /^You sent 60/);
    await frame(page);
    await run.click();
    await reads(status, /^Stopped/);
    assert.equal(await word.innerText(), said);
    assert.equal(await page.evaluate(() => globalThis.changes), 0);
  }));

for (const width of WIDTHS) {
  test(`${width} px: a drawn zero is read, and the other variant asked`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Draw a digit");
      await drawn(page, zero);
      const first = card.getByRole("article", { name: /^Answer of/ });
      await first.waitFor();
      assert.match(await first.innerText(), /drawn by weight \(weighted\) · [\d.]+\sms/);
      assert.equal(await first.getByRole("listitem").count(), 10);
      await button(card, /^Ask \w+ as well$/).click();
      await first.nth(1).waitFor();
      assert.match((await first.allInnerTexts()).join(), /asked by name \(target\)/);
      assert.match(await reads(card.getByRole("status"), /They/), /They agree on 0\./);
      assert.doesNotMatch(await card.getByRole("img", { name: /^The 8 by 8 image that is sent/ }).getAttribute("aria-label"), /empty/);
      await button(card, "Clear").click();
      await card.getByText("The answer appears here").waitFor();
      await button(card, "Ask").click();
      await reads(card.getByRole("alert"), /nothing to ask about yet\. Draw a digit/);
    }));

  test(`${width} px: held-out digits have their truth, and those that split the models are found`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Draw a digit");
      const first = digits.findIndex(({ label }) => label === 6);
      await button(card, `A 6, held-out digit ${first + 1}`).click();
      await reads(card.getByRole("status"), /It is a 6/);
      const sent = await card.getByRole("img", { name: /^The 8 by 8 image/ }).getAttribute("aria-label");
      assert.equal(sent, `The 8 by 8 image that is sent: ${digits[first].pixels.join(" ")}`);
      await button(card, "Where the models disagree").click();
      await reads(card.getByRole("status"), /Of 450 held-out digits the models disagree on 18: these\. cnn is right on 14 and logistic on 4; were they equally good, so uneven a result had a probability of 0\.031\.$/);
      const thumbs = card.getByRole("toolbar").getByRole("button");
      assert.equal(await thumbs.count(), 18);
      await thumbs.nth(3).click();
      await button(card, /^Ask \w+ as well$/).click();
      await reads(card.getByRole("status"), /They disagree: (logistic|cnn) reads \d \(\d+\s% sure\) and (logistic|cnn) reads \d .* It is a \d\./);
    }));

  test(`${width} px: the experiment can be stopped and gone on with, and what was answered is told`, () =>
    page({ width }, async (page) => {
      const { card, run, status, counts, split, picture } = experiment(page);
      await experiment(page).choose("digits");
      await reads(counts, /^You have sent nothing yet\.$/);
      await picture.waitFor();
      const before = (await verdict("digits")).variants.reduce((sum, { outcomes }) => sum + outcomes, 0);
      const bodies = [];
      page.on("request", (request) => request.url().endsWith("/invocations") && bodies.push([request.headers()["x-user-id"], request.postData()]));
      await answering(page, 120);
      await run.click();
      await reads(counts, /^You sent 120 requests here; the truth of 100 is told\.$/);
      assert.equal(await run.innerText(), "Stop");
      await run.click();
      await reads(status, /^Stopped: 120 requests answered in all\.$/);
      await reads(counts, /the truth of 120 is told/);
      // The band that holds at every look: counts whose Dirichlet-multinomial e-value is below 20.
      await reads(split, /^Divided as configured: cnn \d+ of 120, expected 19–101\.$/);
      const after = (await verdict("digits")).variants.reduce((sum, { outcomes }) => sum + outcomes, 0);
      assert.equal(after - before, 120);
      assert.equal(await run.innerText(), "Go on");
      await page.unroute("**/invocations");
      await answering(page, 30);
      await run.click();
      await reads(counts, /^You sent 150 requests here/);
      await run.click();
      await reads(status, /^Stopped: 150 requests answered in all\.$/);
      // One digit a request, each of another user; and none of another page's.
      const users = bodies.map(([user]) => user);
      assert.equal(new Set(users).size, users.length);
      for (const [user, body] of bodies) {
        assert.match(user, /^page-[0-9a-f]{8}-\d+$/);
        assert.ok(digits.some(({ csv }) => csv === body), body);
      }
      // Another endpoint is another run.
      await experiment(page).choose("churn");
      await reads(counts, /^You have sent nothing yet\.$/);
      assert.equal(await run.innerText(), "Run the experiment");
      await card.getByText("This traffic is made up: it redraws held-out rows, and measures those alone.").waitFor();
    }));

  test(`${width} px: weights need the token, are saved, and the traffic follows`, () =>
    page({ width, expected: /status of 401/ }, async (page) => {
      const card = section(page, "Move the weights");
      const { run, status, split } = experiment(page);
      await experiment(page).choose("digits");
      await answering(page, 100);
      await run.click();
      await reads(split, /of 100,/);
      await run.click();
      await reads(status, /^Stopped: 100/);
      await page.unroute("**/invocations");
      await slide(card, 10);
      assert.equal(await card.getByRole("slider").getAttribute("aria-valuetext"), "cnn 10.0\u00a0%, logistic 90.0\u00a0%");
      await card.getByText("Not saved yet").waitFor();
      await button(card, "Save weights").click();
      await reads(card.getByRole("alert"), /needs the admin token\. With `make dev` it is ADMIN_TOKEN in the file \.dev\.vars/);
      await page.getByLabel("Admin token").fill("a guess");
      await button(card, "Save weights").click();
      const refused = await reads(card.getByRole("alert"), /^This is not the admin token\. Compare it/);
      assert.doesNotMatch(refused, /bearer|authorization/i);
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 90\.0\s%, cnn 10\.0\s%/);
      assert.equal(await card.getByRole("alert").count(), 0);
      // What the new weights send is counted by itself.
      await answering(page, 110);
      await button(card, "Run the experiment and watch").click();
      const said = await reads(split, /cnn \d+ of 110, expected \d–\d+\.$/);
      assert.ok(Number(/cnn (\d+)/.exec(said)[1]) < 35, said);
      await run.click();
      await reads(status, /^Stopped: 210/);
      const { variants } = await (await worker.fetch("/endpoints/digits")).json();
      assert.deepEqual(variants.map(({ weight }) => weight), [90, 10]);
      // Nothing of the token stays: not in the lines to copy, not in the browser.
      assert.doesNotMatch(await page.locator("body").innerText(), new RegExp(ADMIN_TOKEN));
      assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    }));

  test(`${width} px: weights that no slider can show are kept as they are`, async () => {
    await weigh({ logistic: 1 / 3, cnn: 2 / 3 });
    await page({ width }, async (page) => {
      const card = section(page, "Move the weights");
      const stored = async () => (await (await worker.fetch("/endpoints/digits")).json()).variants.map(({ weight }) => weight);
      await card.getByText("As the worker has it, revision").waitFor();
      assert.equal(await card.getByRole("slider").getAttribute("aria-valuetext"), "cnn 66.7\u00a0%, logistic 33.3\u00a0%");
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 33\.3\s%, cnn 66\.7\s%/);
      assert.deepEqual(await stored(), [1 / 3, 2 / 3]);
      // Moved and put back is not moved.
      await slide(card, 50);
      await card.getByText("Not saved yet").waitFor();
      await slide(card, 67);
      await card.getByText("As the worker has it, revision").waitFor();
      await slide(card, 90);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 10\.0\s%, cnn 90\.0\s%/);
      assert.deepEqual(await stored(), [0.1, 0.9]);
    });
  });

  test(`${width} px: two variants have one slider between them, which cannot take both weights to 0`, async () => {
    await weigh({ logistic: 0, cnn: 0 });
    await page({ width, expected: /status of 503/ }, async (page) => {
      const card = section(page, "Move the weights");
      const slider = card.getByRole("slider");
      assert.equal(await slider.count(), 1);
      await card.getByText("All weights are 0: only requests that name a variant are answered.").waitFor();
      // Where all weights are 0 the worker's words to programs are not the visitor's.
      const drawing = section(page, "Draw a digit");
      await button(page, /^A 6, held-out/).first().click();
      const refused = await reads(drawing.getByRole("alert"), /All weights are 0, so no variant is chosen\. Give a variant some of the traffic/);
      assert.doesNotMatch(refused, /x-target-variant/i);
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await slide(card, 25);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 75\.0\s%, cnn 25\.0\s%/);
      for (const share of [0, 100]) {
        await slide(card, share);
        await button(card, "Save weights").click();
        await reads(card.getByRole("status"), new RegExp(`Saved: logistic ${100 - share}\\.0\\s%, cnn ${share}\\.0\\s%`));
      }
    });
  });

  test(`${width} px: three weights at 0 are saved only when asked again, and the sliders say and keep their scale`, async (t) => {
    t.after(() => restore("digits"));
    const document = JSON.parse(originals.digits);
    document.variants = [...document.variants, { ...document.variants[1], name: "second" }].map((variant, i) => ({ ...variant, weight: [250, 50, 100][i] }));
    await restore("digits", JSON.stringify(document));
    const stored = async () => (await (await worker.fetch("/endpoints/digits")).json()).variants.map(({ weight }) => weight);
    while ((await stored()).length < 3);
    await page({ width, expected: /status of 503/ }, async (page) => {
      const card = section(page, "Move the weights");
      const names = ["logistic", "cnn", "second"];
      const slider = (name) => card.getByRole("slider", { name, exact: true });
      const scales = () => Promise.all(names.map((name) => slider(name).getAttribute("max")));
      assert.deepEqual(await scales(), ["250", "250", "250"]);
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      for (const name of names) await slider(name).fill("0");
      const questions = [];
      page.once("dialog", (dialog) => (questions.push(dialog.message()), dialog.dismiss()));
      await button(card, "Save weights").click();
      assert.match(questions.join(), /^With all weights at 0, requests that name no variant are refused/);
      assert.deepEqual(await stored(), [250, 50, 100]);
      page.once("dialog", (dialog) => dialog.accept());
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /^Saved/);
      assert.deepEqual(await stored(), [0, 0, 0]);
      assert.deepEqual(await scales(), ["250", "250", "250"]);
      await slider("cnn").fill("1");
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /^Saved: logistic 0\.0\s%, cnn 100\.0\s%/);
      assert.deepEqual(await scales(), ["250", "250", "250"]);
      await card.getByText("Weights from 0 to 250. A variant's share is its weight out of their sum.").waitFor();
      await restore("digits");
      while ((await stored()).length > 2);
    });
  });

  test(`${width} px: a change behind the page's back is shown, not written over`, () =>
    page({ width, expected: /status of 412/ }, async (page) => {
      const card = section(page, "Move the weights");
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await slide(card, 20);
      await weigh({ logistic: 30, cnn: 70 });
      await button(card, "Save weights").click();
      await reads(card.getByRole("alert"), /Somebody else has changed the weights\. Yours were not saved/);
      assert.deepEqual(await figures(card, "Weights in conflict"), { logistic: ["50", "30", "80"], cnn: ["50", "70", "20"] });
      assert.equal((await (await worker.fetch("/endpoints/digits")).json()).variants[0].weight, 30);
      await button(card, "Take theirs").click();
      assert.equal(await card.getByRole("slider").inputValue(), "70");
      assert.ok(await focused(card.getByRole("slider")));
      await slide(card, 80);
      await weigh({ logistic: 40, cnn: 60 });
      await button(card, "Save weights").click();
      await button(card, "Save mine over theirs").click();
      await reads(card.getByRole("status"), /Saved: logistic 20\.0\s%, cnn 80\.0\s%/);
      assert.ok(await focused(button(card, "Save weights")));
      assert.equal((await (await worker.fetch("/endpoints/digits")).json()).variants[0].weight, 20);
      // A slider that nobody has moved since is a wish as well.
      await weigh({ logistic: 10, cnn: 90 });
      await button(card, "Save weights").click();
      await button(card, "Save mine over theirs").click();
      await card.getByRole("alert").waitFor({ state: "detached" });
      await reads(card.getByRole("status"), /Saved/);
      const { variants } = await (await worker.fetch("/endpoints/digits")).json();
      assert.deepEqual(variants.map(({ weight }) => weight), [20, 80]);
    }));

  test(`${width} px: a user's variant is explained, and the worker agrees`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Same user, same model");
      for (const user of ["ada", "grace", "alan@example.org", "user 7"]) {
        await card.getByLabel("User id").fill(user);
        const [, variant] = / gets (\w+) at every request, until the weights change\./.exec(await reads(card, `${user} gets`));
        await unfold(page);
        const scores = await figures(card, "Scores of this user");
        const smallest = Object.entries(scores).sort(([, a], [, b]) => a[2] - b[2])[0][0];
        assert.equal(smallest, variant);
        await button(card, "Ask the worker as this user").click();
        const said = await reads(card.getByRole("status"), /The worker, asked with/);
        assert.equal(said.replaceAll(/\s+/g, " "), `The worker, asked with x-user-id: ${user}, chose ${variant} (sticky), just as told above.`);
      }
      await card.getByLabel("User id").fill("Žofie");
      await button(card, "Ask the worker as this user").click();
      await reads(card.getByRole("alert"), /cannot be sent in a header\. Use Latin letters/);
    }));

  test(`${width} px: who would move is known before weights are saved`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Same user, same model");
      await card.getByText("Nobody would move").waitFor();
      const weights = section(page, "Move the weights");
      const said = card.getByText(/ of 10,000 would move, the fewest that these shares allow\.$/);
      const flows = card.getByRole("list", { name: "Who would move" });
      // At every place of the slider the count and its bound are of the same users, and do not contradict each other.
      for (const share of [0, 10, 20, 30, 40, 45, 55, 60, 70, 80, 83, 90, 100]) {
        await slide(weights, share);
        await frame(page);
        const pattern = share < 50 ? /cnn → logistic/ : /logistic → cnn/;
        const flow = await reads(flows.getByRole("listitem"), pattern);
        const moved = Number(/([\d,]+)$/.exec(flow.trim())[1].replace(",", ""));
        // With a standard deviation of 50 at most.
        assert.ok(Math.abs(moved - 100 * Math.abs(share - 50)) < 250, flow);
        await said.filter({ hasText: `${moved.toLocaleString("en")} of` }).waitFor();
      }
    }));

  test(`${width} px: a customer before both models, and where they disagree`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Churn");
      await reads(card.getByRole("status"), /In truth this customer left\./);
      const odds = card.getByRole("list", { name: "Probability of leaving by variant" });
      await reads(odds.getByRole("listitem"), /xgboost\s+[\d.]+\s%\s+(leaves|stays), (right|wrong)/);
      await button(card, "Next customer").click();
      await card.getByRole("heading", { name: "Customer 2 of 1,250" }).waitFor();
      await reads(card.getByRole("status"), /In truth this customer stayed\. All models saw it\./);
      await unfold(page);
      assert.match(await card.locator("dl").innerText(), /account length\s+167/);
      await button(card, "Where the models disagree").click();
      await reads(card.getByRole("status"), /Only (logistic|xgboost) saw it/);
      await card.getByText(/^Of 1,250 held-out customers the models disagree on \d+: xgboost is right on \d+ and logistic on \d+; were they equally good/).waitFor();
    }));

  test(`${width} px: what was done last stands as lines to copy, and they work`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Use it yourself");
      const stick = section(page, "Same user, same model");
      await stick.getByLabel("User id").fill("o'hara");
      await button(stick, "Ask the worker as this user").click();
      await card.getByText("What you did last: a digit, as user o'hara.").waitFor();
      await button(card, "Copy curl").click();
      await reads(card.getByRole("status"), /Copied the curl lines/);
      const curl = await page.evaluate(() => navigator.clipboard.readText());
      const ran = spawnSync("sh", ["-c", curl], { encoding: "utf8" });
      assert.match(ran.stdout, /x-assignment-reason: sticky[\s\S]*"predictions"/i, ran.stderr);

      await card.getByRole("tab", { name: "curl" }).focus();
      await page.keyboard.press("ArrowRight");
      assert.match(await card.getByRole("tabpanel", { name: "Python" }).innerText(), /import requests[\s\S]*"x-user-id": "o'hara"/);
      const python = spawnSync("python3", ["-c", `import ast, sys; ast.parse(sys.stdin.read())`], { input: await card.getByRole("tabpanel").innerText() });
      assert.equal(python.status, 0, String(python.stderr));
      await page.keyboard.press("End");
      await button(card, "Copy JavaScript").click();
      const script = await page.evaluate(() => navigator.clipboard.readText());
      const node = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
      assert.match(node.stdout, /^(logistic|cnn) \{ predictions/, node.stderr);
    }));

  test(`${width} px: an endpoint that has gone bad says so, and its last good configuration serves`, async (t) => {
    t.after(() => restore("digits"));
    await worker.put("digits", '{"variants": [{"name": "logistic", "weight": -1}]}');
    for (let status; status !== "last_good"; ) ({ status } = await (await worker.fetch("/endpoints/digits")).json());
    await page({ width }, async (page) => {
      const said = await reads(page.getByRole("alert"), /digits/);
      assert.match(said, /`variants\[0\].weight` is missing, unknown or not allowed[\s\S]*Until it is fixed, the last good configuration serves on/);
      await button(page, /^A 6, held-out/).first().click();
      await reads(section(page, "Draw a digit").getByRole("status"), /It is a 6/);
    });
    await restore("digits");
    for (let status; status !== "good"; ) ({ status } = await (await worker.fetch("/endpoints/digits")).json());
  });

  test(`${width} px: an endpoint that is not there is told, and the other one works`, () =>
    page({ width, opened: false, expected: /status of 404/ }, async (page) => {
      // As if it had been removed: the worker's own answer about a name that it does not know.
      await page.route("**/endpoints/churn", (route) => route.continue({ url: new URL("/endpoints/gone", worker.url).href }));
      await page.goto(String(worker.url));
      await reads(page.getByRole("alert"), /gone[\s\S]*The sections of churn below cannot work until then/);
      assert.ok(await button(section(page, "Churn"), "Next customer").isDisabled());
      assert.deepEqual(await experiment(page).card.getByLabel("Endpoint").locator("option").allInnerTexts(), ["digits: logistic or cnn"]);
      await button(page, /^A 6, held-out/).first().click();
      await reads(section(page, "Draw a digit").getByRole("status"), /It is a 6/);
    }));

  test(`${width} px: without the worker each section says so where it was asked`, () =>
    page({ width, expected: /ERR_FAILED/ }, async (page) => {
      const unreachable = /The worker could not be reached\. See that it runs/;
      await page.route("**/invocations", (route) => route.abort());
      await button(page, /^A 6, held-out/).first().click();
      await reads(section(page, "Draw a digit").getByRole("alert"), unreachable);
      await button(section(page, "Same user, same model"), "Ask the worker as this user").click();
      await reads(section(page, "Same user, same model").getByRole("alert"), unreachable);
      const { card, run, status } = experiment(page);
      await experiment(page).choose("digits");
      await run.click();
      await reads(status, /Gave up after many failures in a row/);
      await reads(card.getByRole("alert"), /\d+ requests failed\.[\s\S]*\d+ times: The worker could not be reached/);
      const churn = section(page, "Churn");
      await button(churn, "Next customer").click();
      await reads(churn.getByRole("alert"), unreachable);
    }));

  test(`${width} px: a customer is never shown with another one's answers`, () =>
    page({ width, expected: /ERR_FAILED/ }, async (page) => {
      const card = section(page, "Churn");
      const odds = card.getByRole("list", { name: "Probability of leaving by variant" });
      await reads(card.getByRole("status"), /In truth this customer left\./);
      let hung;
      const asked = new Promise((resolve) => page.route("**/churn/invocations", (route) => resolve((hung = route))));
      await button(card, "Next customer").click();
      await asked;
      await reads(card.getByRole("status"), /^Asking logistic and xgboost …$/);
      assert.match(await odds.innerText(), /^logistic\s+–\s+xgboost\s+–$/);
      await page.route("**/churn/invocations", (route) => route.abort());
      await hung.abort();
      await reads(card.getByRole("alert"), /The worker could not be reached/);
      assert.match(await odds.innerText(), /^logistic\s+–\s+xgboost\s+–$/);
      assert.doesNotMatch(await card.innerText(), /In truth|Asking/);
    }));

  test(`${width} px: what other tabs change is seen, and what cannot be seen is said`, () =>
    page({ width, watching: true, expected: /ERR_FAILED/ }, async (page) => {
      const track = page.locator("#track");
      const card = section(page, "Move the weights");
      await weigh({ logistic: 50, cnn: 50 });
      await reads(track, /as configured now[\s\S]*logistic\s*50\s%/);
      await card.getByRole("slider").focus();
      await weigh({ logistic: 30, cnn: 70 });
      await reads(track, /logistic\s*30\s%/);
      assert.equal(await card.getByRole("slider").inputValue(), "70");
      assert.ok(await focused(card.getByRole("slider")));
      // A slider that was moved stays where it is.
      await slide(card, 90);
      await weigh({ logistic: 40, cnn: 60 });
      // As when the tab comes back into view.
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      await reads(track, /logistic\s*40\s%/, 3_000);
      assert.equal(await card.getByRole("slider").inputValue(), "90");
      await card.getByText("Not saved yet, and somebody else has changed the weights meanwhile").waitFor();
      await page.route("**/endpoints/digits", (route) => route.abort());
      await reads(track, /as it was at \d\d:\d\d:\d\d: the worker does not answer/);
      await page.unroute("**/endpoints/digits");
      await reads(track, /as configured now/);
    }));

  test(`${width} px: an older configuration that an isolate still gives undoes no newer one`, () =>
    page({ width }, async (page) => {
      const look = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      const card = section(page, "Move the weights");
      const before = await (await worker.fetch("/endpoints/digits")).text();
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await slide(card, 90);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /^Saved/);
      await page.route("**/endpoints/digits", (route) => route.fulfill({ body: before, contentType: "application/json" }));
      const answered = page.waitForResponse("**/endpoints/digits");
      await look();
      await answered;
      await frame(page);
      assert.match(await page.locator("#track").innerText(), /cnn\s+90\s%/);
    }));

  test(`${width} px: nothing is said to have been done, or found, that was not`, () =>
    page({ width }, async (page) => {
      await reads(section(page, "Churn").getByRole("status"), /In truth/);
      await section(page, "Use it yourself").getByText("To begin with: a handwritten 6").waitFor();
      await button(section(page, "Churn"), "Next customer").click();
      await section(page, "Use it yourself").getByText(/^What you did last: customer 2, asked of/).waitFor();
      const card = section(page, "Draw a digit");
      await button(card, "Where the models disagree").click();
      await reads(card.getByRole("status"), /disagree on 18: these/);
      await button(card, "Other digits").click();
      assert.doesNotMatch(await card.innerText(), /18|these\b(?! in)/);
      await reads(card.getByRole("status"), /^Held out/);
    }));

  test(`${width} px: the focus stays with who asks`, () =>
    page({ width }, async (page) => {
      const drawing = section(page, "Draw a digit");
      await button(drawing, /^A 6, held-out/).first().click();
      await button(drawing, /^Ask \w+ as well$/).press("Enter");
      await reads(drawing.getByRole("status"), /They/);
      const last = drawing.getByRole("article", { name: /^Answer of/ }).and(page.locator(":focus"));
      assert.match(await last.innerText(), /asked by name/);

      const { run, status, counts } = experiment(page);
      await experiment(page).choose("digits");
      await answering(page, 20);
      await run.press("Enter");
      await reads(counts, /^You sent 20 requests/);
      assert.ok(await focused(run));
      assert.equal(await run.innerText(), "Stop");
      await run.press("Enter");
      await reads(status, /^Stopped: 20/);
      assert.ok(await focused(run));
      assert.equal(await run.innerText(), "Go on");

      const weights = section(page, "Move the weights");
      await page.unroute("**/invocations");
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await button(weights, "Save weights").press("Enter");
      await reads(weights.getByRole("status"), /^Saved/);
      assert.ok(await focused(button(weights, "Save weights")));
      await button(weights, "Run the experiment and watch").press("Enter");
      await reads(counts, /^You sent (?!20 )[\d,]+ requests/);
      assert.ok(await focused(run));
      await run.press("Enter");
      await reads(status, /^Stopped/);
    }));

  test(`${width} px: a long id, and the narrowest phone, make nothing wider than the page`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Same user, same model");
      const id = "x".repeat(200);
      await page.getByLabel("User id").fill(id);
      await unfold(page);
      await button(card, "Ask the worker as this user").click();
      await reads(card.getByRole("status"), /just as told/);
      await page.getByText(`What you did last: a digit, as user ${id}`).waitFor();
      const beside = () =>
        page.evaluate(() => {
          const inside = [...document.querySelectorAll("section")].flatMap((card) => [...card.querySelectorAll("p, code, li, h3")].filter((part) => !part.closest("pre, .scroll, .unseen") && part.getBoundingClientRect().right > card.getBoundingClientRect().right + 0.5));
          return { page: document.documentElement.scrollWidth - document.documentElement.clientWidth, inside: inside.map((part) => part.textContent) };
        });
      assert.deepEqual(await beside(), { page: 0, inside: [] });
      if (width > 500) return;
      await page.setViewportSize({ width: 320, height: 640 });
      assert.deepEqual(await beside(), { page: 0, inside: [] });
      for (const link of await page.getByRole("navigation").getByRole("link").all()) {
        const { x, width } = await link.boundingBox();
        assert.ok(x >= 0 && x + width <= 320, await link.innerText());
      }
      assert.equal(await page.getByRole("navigation").evaluate((nav) => nav.scrollWidth - nav.clientWidth), 0);
    }));

  test(`${width} px: with a worker that hangs, each section says so after ten seconds`, () =>
    page({ width }, async (page) => {
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await page.route(/invocations|weights$/, () => {});
      const slow = /The worker did not answer within 10 seconds/;
      const cards = Object.fromEntries(["Draw a digit", "The experiment", "Move the weights", "Same user, same model", "Churn"].map((name) => [name, section(page, name)]));
      await button(page, /^A 6, held-out/).first().click();
      await button(cards["Same user, same model"], "Ask the worker as this user").click();
      await button(cards["Churn"], "Next customer").click();
      await button(cards["Move the weights"], "Save weights").click();
      await experiment(page).choose("digits");
      await experiment(page).run.click();
      for (const [name, busy] of Object.entries({ "Draw a digit": /^Asking …/, "Move the weights": /^Saving …/, "Same user, same model": /^Asking/, Churn: /^Asking/, "The experiment": /^Sending/ })) await reads(cards[name].getByRole("status"), busy);
      for (const card of Object.values(cards)) await reads(card.getByRole("alert"), slow, 12_000);
      await reads(cards["Move the weights"].getByRole("alert"), /may have been saved, or not/);
      await reads(cards["The experiment"].getByRole("status"), /Gave up after many failures in a row: 0 requests answered in all, 8 failed/);
      assert.doesNotMatch(await page.locator("main").innerText(), /One moment|Asking|Saving|Sending/);
    }));

  test(`${width} px: what the page needs is asked for at once, and until it is there the controls say so`, () =>
    page({ width, opened: false }, async (page) => {
      let wasm, script;
      const asked = [];
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      const held = new Promise((resolve) => page.route("**/turnout_bg.wasm", (route) => resolve((wasm = route))));
      await page.route("**/page.js", (route) => void (script = route));
      await page.goto(String(worker.url), { waitUntil: "commit" });
      // The core is asked for before a single module has come.
      await held;
      for (const card of ["Draw a digit", "The experiment", "Move the weights", "Same user, same model", "Churn"].map((name) => section(page, name))) {
        await card.getByText("Loading: the controls work in a moment.").waitFor();
        for (const control of await card.locator("button, input").all()) assert.ok(await control.isDisabled());
      }
      await page.getByText("Loading …").waitFor();
      await script.continue();
      await wasm.continue();
      await page.locator("html[data-ready]").waitFor();
      assert.equal(await page.getByText(/^Loading/).count(), 0);
      assert.equal(await page.locator("section button:disabled, section input:disabled").count(), 0);
      assert.deepEqual(asked.filter((path, i) => asked.indexOf(path) !== i && !path.startsWith("/endpoints/") && path !== "/icon.svg"), [], "asked for twice");
      const [named, used] = await page.evaluate(() => [
        [...document.querySelectorAll("link[rel=modulepreload]")].map(({ href }) => href),
        performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.endsWith(".js") && !name.endsWith("/page.js")),
      ]);
      assert.deepEqual(named.sort(), [...new Set(used)].sort());
    }));

  test(`${width} px: the words are plain`, () =>
    page({ width }, async (page) => {
      await unfold(page);
      assert.doesNotMatch(await page.locator("body").innerText(), /\b(stick|split|always gets|as good as|stands? in|stood in|number u|stand here)\b/i);
    }));

  test(`${width} px: by keyboard alone`, () =>
    page({ width }, async (page) => {
      const tabTo = async (locator) => {
        for (let i = 0; i < 60; i += 1) {
          await page.keyboard.press("Tab");
          if (await locator.evaluate((element) => element === document.activeElement)) return;
        }
        assert.fail("Tab does not get there");
      };
      await experiment(page).choose("digits");
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the experiment");
      await page.keyboard.press("Enter");
      const { run, status, counts } = experiment(page);
      await tabTo(run);
      await page.keyboard.press("Enter");
      await reads(counts, /^You sent/);
      await page.keyboard.press("Enter");
      await reads(status, /^Stopped/);
      const card = section(page, "Draw a digit");
      await tabTo(card.getByRole("toolbar").getByRole("button").first());
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("End");
      await page.locator(":focus").and(page.getByRole("button", { name: /^A 9/ })).waitFor();
      await page.keyboard.press("Enter");
      await reads(card.getByRole("status"), /It is a 9/);
      const weights = section(page, "Move the weights");
      await tabTo(weights.getByRole("slider", { name: "Share of cnn" }));
      for (let i = 0; i < 10; i += 1) await page.keyboard.press("ArrowRight");
      await tabTo(page.getByLabel("Admin token"));
      await page.keyboard.type(ADMIN_TOKEN);
      await page.keyboard.press("Enter");
      await reads(weights.getByRole("status"), /Saved: logistic 40\.0\s%, cnn 60\.0\s%/);
      await tabTo(page.getByLabel("User id"));
      await page.keyboard.press("Enter");
      await reads(section(page, "Same user, same model").getByRole("status"), /just as told above/);
    }));

  for (const colorScheme of ["light", "dark"])
    test(`${width} px, ${colorScheme}: nothing for axe to object to, nothing beside the page, and a picture`, () =>
      page({ width, colorScheme, expected: /status of 412/ }, async (page) => {
        await button(page, /^A 3, held-out/).first().click();
        await button(page, /^Ask \w+ as well$/).click();
        const { run, status, counts } = experiment(page);
        const weights = section(page, "Move the weights");
        await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
        await slide(weights, 20);
        await button(weights, "Save weights").click();
        await button(weights, "Run the experiment and watch").click();
        await reads(counts, /^You sent ([3-9]\d\d|\d,\d{3}) /, 120_000);
        if ((await run.innerText()) === "Stop") await run.click();
        await reads(status, /^(Stopped|Done)/);
        await slide(weights, 40);
        const churn = section(page, "Churn");
        await button(churn, "Where the models disagree").click();
        await reads(churn.getByRole("status"), /Only/);
        await button(section(page, "Same user, same model"), "Ask the worker as this user").click();
        await reads(section(page, "Same user, same model").getByRole("status"), /just as told/);

        assert.equal(await wider(page), 0, "the page scrolls sideways");
        mkdirSync(`${root}build/screenshots`, { recursive: true });
        await page.evaluate(() => {
          document.activeElement.blur();
          scrollTo(0, 0);
        });
        await page.screenshot({ path: `${root}build/screenshots/${width}-${colorScheme}.png`, fullPage: true });

        // With a conflict on the page as well: its words are to be legible too.
        await weigh({ logistic: 30, cnn: 70 });
        await button(weights, "Save weights").click();
        await weights.getByRole("alert").waitFor();
        assert.deepEqual(await grave(page), []);
      }));
}

test("a phone has one main button to send with, both answers on one screen, and not far to scroll", () =>
  page({ width: 390 }, async (page) => {
    const box = (locator) => locator.boundingBox();
    const drawing = section(page, "Draw a digit");
    await button(page, /^A 6, held-out/).first().click();
    await button(drawing, /^Ask \w+ as well$/).click();
    await reads(drawing.getByRole("status"), /They/);
    await page.locator("#pad").evaluate((pad) => pad.scrollIntoView());
    const answers = await drawing.getByRole("article", { name: /^Answer of/ }).all();
    assert.equal(answers.length, 2);
    for (const part of [page.locator("#pad"), ...answers]) {
      const { y, height } = await box(part);
      assert.ok(y >= 0 && y + height <= 844, `from ${y}, ${height} high`);
    }
    assert.deepEqual(await section(page, "The experiment").locator("button.primary").allInnerTexts(), ["Run the experiment"]);
    assert.equal(await section(page, "Churn").locator("button.primary").count(), 0);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    assert.ok(height < 5_800, `${height} px`);
  }));
