// What moves the weights by itself, in Chromium before the real worker: the demo's ramp to its end and back, and the
// dashboard's buttons.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { ADMIN_TOKEN, root, start, until } from "../e2e/support.mjs";
import { focused, grave, launch, reads, section, visit, wider } from "./support.mjs";

const admin = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
const TWO_MINUTES = 120_000;
let worker, browser, original;

before(async () => {
  [worker, browser] = await Promise.all([start(), launch()]);
  original = await worker.ENDPOINTS.get("churn");
});
after(async () => {
  await browser?.close();
  await worker?.close();
});
beforeEach(async () => {
  await act("churn", "stop");
  assert.equal((await worker.fetch("/endpoints/churn", { method: "PUT", headers: { ...admin, "if-match": "*" }, body: original })).status, 200);
});

const act = (name, action) => worker.fetch(`/endpoints/${name}/policy`, { method: "POST", headers: admin, body: JSON.stringify({ action }) });
const report = async (name) => (await worker.fetch(`/endpoints/${name}/policy`)).json();
const history = async (name) => (await (await worker.fetch(`/endpoints/${name}/history`, { headers: admin })).json()).changes;
const sharesOf = async (name) => (await report(name)).shares;
const button = (place, name) => place.getByRole("button", { name, exact: typeof name === "string" });
/** The page with the token in its address, as `make dev` prints it. */
const demo = (options, body) => visit(browser, new URL(`#token=${encodeURIComponent(ADMIN_TOKEN)}`, worker.url), options, body);
const parts = (page) => ({
  card: section(page, "The experiment"),
  run: page.locator("#run"),
  breaking: page.locator("#break"),
  status: page.locator("#run-status"),
  offers: page.locator("#run-offers"),
  word: page.locator("#steered > .word"),
  because: page.locator("#steered > .word + p"),
  deeds: page.locator("#steered .deeds"),
  guardrails: page.locator("#steered .guardrails"),
});
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));

/** Nothing beside the page and nothing for axe to object to, in light and dark, at both widths; and pictures. */
async function seen(page, name) {
  mkdirSync(`${root}build/screenshots`, { recursive: true });
  for (const width of [1440, 390])
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      await page.emulateMedia({ colorScheme });
      assert.equal(await wider(page), 0, `${name} at ${width} px`);
      await page.evaluate(() => document.activeElement.blur());
      await page.locator("#experiment").evaluate((card) => card.scrollIntoView());
      await page.screenshot({ path: `${root}build/screenshots/${name}-${width}-${colorScheme}.png` });
      await page.locator("#experiment").screenshot({ path: `${root}build/screenshots/${name}-${width}-${colorScheme}-whole.png` });
      assert.deepEqual(await grave(page), [], `${name} at ${width} px, ${colorScheme}`);
    }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  await unfold(page);
  assert.doesNotMatch(await page.locator("#experiment").innerText(), /\b(stick|split|always gets|as good as|stands? in|stood in|number u|stand here|undefined|null|NaN)\b/i);
}

test("one button: the better model has the traffic within two minutes, and it is said why; then everything is put back", { timeout: 200_000 }, () =>
  demo({}, async (page) => {
    const { card, run, status, word, because, deeds, guardrails, offers } = parts(page);
    assert.equal(new URL(page.url()).hash, "", "the token does not stay in the address");
    assert.ok(await page.locator("#steered").isHidden());
    const announced = word.evaluate((element) => {
      globalThis.said = [];
      new MutationObserver(() => globalThis.said.push(element.textContent)).observe(element, { childList: true, characterData: true, subtree: true });
    });
    await announced;
    await run.click();
    const began = Date.now();
    await reads(word, /^Step 1 of 4: xgboost has 10\s%$/);
    await reads(status, /^Sending held-out customers …$/);
    await page.locator("#steered .ramp [aria-current=step]").getByText("10 %").waitFor();
    await reads(word, /^Step 3 of 4: xgboost has 50\s%$/, TWO_MINUTES);
    await reads(guardrails.getByRole("listitem").first(), /✓ quiet\s*Failures none · at most 1\.5\stimes the others’, or it is rolled back/);
    await reads(word, /^xgboost has 100\s% of the traffic$/, TWO_MINUTES);
    await reads(status, /^Done after \d+ s: xgboost is better, so it has all of the traffic\.$/);
    console.log(`[page] the button to the end: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    assert.ok(Date.now() - began < TWO_MINUTES);
    await reads(because, /^Because xgboost is better than logistic: \+[\d.]+ points of accuracy \(\+[\d.]+ to \+[\d.]+\)/);
    await reads(page.locator("#verdict .word"), /^xgboost is better$/);
    assert.deepEqual(await sharesOf("churn"), [["logistic", 0], ["xgboost", 1]]);
    // What happened, on the page and in the history: who, and why.
    assert.deepEqual((await deeds.locator("b").allInnerTexts()).toReversed(), ["Started", "Next step", "Next step", "Next step", "Ended"]);
    const changes = await history("churn");
    assert.deepEqual(changes.slice(0, 3).map(({ author }) => author), ["policy", "policy", "policy"]);
    assert.match(changes[0].reason, /^xgboost gets 100 % of the traffic: xgboost is better/);
    assert.equal(changes[0].figures.verdict[0].verdict, "better");
    // The picture tells the same, in words as well.
    await card.getByRole("img", { name: /^Chart of the share of traffic of xgboost: 100\s% now; 25\s% at \d+ outcomes, 50\s% at \d+ outcomes, 100\s% at [\d,]+ outcomes\.$/ }).waitFor();
    // The status is announced step by step, not at each look.
    const said = await page.evaluate(() => globalThis.said);
    assert.deepEqual(said.map((text) => text.replace(/\s/g, " ")), ["Step 1 of 4: xgboost has 10 %", "Step 2 of 4: xgboost has 25 %", "Step 3 of 4: xgboost has 50 %", "Step 4 of 4: xgboost has 100 %", "xgboost has 100 % of the traffic"]);
    assert.ok(await focused(run));
    await seen(page, "ramp");
    // A second one begins where the first began, though the verdict is in.
    await run.click();
    await reads(word, /^Step 1 of 4/);
    await run.click();
    await reads(status, /^Stopped: .* The ramp waits where it is for more: logistic 90\s% and xgboost 10\s%\.$/);
    assert.equal(await run.innerText(), "Go on with the ramp");
    await button(offers, "Put everything back").click();
    await reads(status, /^Everything is as it was: logistic 50\s% and xgboost 50\s%\. What was learnt from outcomes stays\.$/);
    assert.ok(await focused(run));
    assert.deepEqual(await sharesOf("churn"), [["logistic", 0.5], ["xgboost", 0.5]]);
    assert.equal(await offers.locator("button").count(), 0);
  }));

test("the second button: a challenger that fails is rolled back within seconds, and nobody goes without an answer", { timeout: 120_000 }, () =>
  demo({}, async (page) => {
    const { card, run, breaking, status, word, because, guardrails, deeds } = parts(page);
    const answers = [];
    page.on("response", (response) => response.url().endsWith("/invocations") && answers.push(response.status()));
    await breaking.click();
    const began = Date.now();
    await reads(word, /^Step 1 of 4: xgboost has 10\s%$/);
    await reads(word, /^Rolled back$/, 15_000);
    console.log(`[page] broken to rolled back: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    await reads(because, /^Because xgboost fails (far more often than the others|about [\d,.]+ times as often as the others) \(\d+ of \d+ failures were its/);
    await reads(guardrails.getByRole("listitem").first(), /✕ crossed\s*Failures over 1,000\stimes the others’ · at most 1\.5\stimes the others’, or it is rolled back/);
    assert.deepEqual(await sharesOf("churn"), [["logistic", 1], ["xgboost", 0]]);
    await reads(status, /^Rolled back after \d+ s, because xgboost failed too often: logistic has all of the traffic again\.$/);
    assert.deepEqual((await deeds.locator("b").allInnerTexts()).toReversed(), ["Started", "Rolled back"]);
    const [back] = await history("churn");
    assert.deepEqual([back.author, back.figures.guardrails[0].breached], ["policy", true]);
    assert.match(back.reason, /^xgboost fails/);
    await reads(page.locator("#run-split"), /^Nobody went without an answer: logistic answered \d+ times? for the host that failed\.$/);
    assert.deepEqual([...new Set(answers)], [200]);
    await card.getByRole("img", { name: /^Chart of the share of traffic of xgboost: 0\s% now; rolled back, because it failed too often, at [\d,]+ outcomes\.$/ }).waitFor();
    assert.ok(await focused(breaking));
    assert.equal(await run.innerText(), "Run the experiment");
    await seen(page, "rollback");
  }));

test("the page that is loaded again while it runs goes on with it", { timeout: 60_000 }, () =>
  demo({}, async (page) => {
    const { run, status, word } = parts(page);
    await run.click();
    await reads(word, /^Step 1 of 4/);
    await page.goto(String(worker.url));
    await page.locator("html[data-ready]").waitFor();
    await reads(status, /^A ramp was going on already: sending it held-out customers …$/);
    await reads(word, /^Step 2 of 4/, 30_000);
    await run.click();
    await reads(status, /^Stopped/);
    // One that was stopped is not gone on with by itself.
    await page.reload();
    await page.locator("html[data-ready]").waitFor();
    assert.equal(await run.innerText(), "Go on with the ramp");
    assert.equal(await status.innerText(), "");
    await act("churn", "pause");
    await run.click();
    await reads(status, /^A ramp is paused here: The administrator paused it\.$/);
    await button(page, "Let it go on").click();
    // No token since the page was loaded again: it is asked for.
    const asked = page.getByRole("form", { name: "Admin token" });
    assert.ok(await focused(asked.getByLabel("Admin token")));
    await page.keyboard.type(ADMIN_TOKEN);
    await page.keyboard.press("Enter");
    await reads(status, /^A ramp is paused here/);
    await button(page, "Let it go on").click();
    await reads(status, /^A ramp was going on already/);
  }));

test("without the token it is asked for where it is needed, and by keyboard alone all of it can be done", { timeout: 60_000 }, () =>
  visit(browser, worker.url, { width: 390, expected: /status of 401/ }, async (page) => {
    const { run, status, word } = parts(page);
    const tabTo = async (locator) => {
      for (let i = 0; i < 60; i += 1) {
        await page.keyboard.press("Tab");
        if (await focused(locator)) return;
      }
      assert.fail("Tab does not get there");
    };
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await tabTo(run);
    await page.keyboard.press("Enter");
    const asked = page.getByRole("form", { name: "Admin token" });
    await asked.waitFor();
    assert.ok(await focused(asked.getByLabel("Admin token")));
    assert.deepEqual(await grave(page), []);
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await reads(asked, /This is not the admin token/);
    assert.ok(await focused(asked.getByLabel("Admin token")));
    assert.equal(await page.locator("#weights").getByLabel("Admin token").inputValue(), "wrong");
    await page.keyboard.type(ADMIN_TOKEN);
    await page.keyboard.press("Enter");
    await reads(word, /^Step 1 of 4/);
    assert.ok(await focused(run));
    assert.equal(await asked.count(), 0);
    await page.keyboard.press("Enter");
    await reads(status, /^Stopped/);
    await tabTo(button(page, "Put everything back"));
    await page.keyboard.press("Enter");
    await reads(status, /^Everything is as it was/);
    assert.equal(await wider(page), 0);
  }));

test("without the token, customers can be sent by the weights as they are, until there is a verdict", { timeout: 120_000 }, () =>
  visit(browser, worker.url, {}, async (page) => {
    const { run, status } = parts(page);
    const before = (await history("churn")).length;
    await run.click();
    await button(page, "Leave the weights, send customers only").click();
    await reads(status, /^(Sending held-out customers|Done)/);
    assert.ok(await focused(run));
    await reads(status, /^Done/, TWO_MINUTES);
    assert.equal((await history("churn")).length, before);
  }));

const origin = (name, weight) => ({ name, weight, origin: { url: "https://a.invalid/" } });
const ramp = { to: "green", percent: [10, 50, 100], step_minutes: 60, step_invocations: 10 };
const WATCHED = [{ metric: "absolute", at_most: 0.05 }, { metric: "errors" }, { metric: "mismatch" }, { metric: "no_traffic", minutes: 60 }];

/** The dashboard of an endpoint of its own. */
async function dashboard(name, document, { token = ADMIN_TOKEN, ...options }, body) {
  await worker.put(name, { variants: [origin("blue", 100), origin("green", 0)], fallback: "blue", ...document });
  await worker.fetch(`/endpoints/${name}/assignments`, { method: "POST" });
  await visit(browser, new URL(`dashboard?endpoint=${name}${token ? `#token=${encodeURIComponent(token)}` : ""}`, worker.url), { watching: true, ...options }, (page) => body(page, section(page, "Ramp and guardrails")));
}

for (const width of [390, 1440])
  test(`${width} px: the dashboard starts a ramp, moves it on, pauses it, and says what a rollback restores before it does`, { timeout: 60_000 }, () =>
    dashboard(`steered-${width}`, { policy: { ramp }, guardrails: WATCHED }, { width }, async (page, card) => {
      const name = `steered-${width}`;
      const word = card.locator(".word");
      await reads(word, /^A ramp is ready to start$/);
      const press = async (label) => {
        await button(card, label).focus();
        await page.keyboard.press("Enter");
      };
      await press("Start");
      await reads(word, /^Step 1 of 3: green has 10\s%$/);
      assert.ok(await focused(button(card, "Pause")), "the focus stays");
      await reads(card, /Before green gets 50 %: the step has to last its time; 10 more requests of green\./);
      await unfold(page);
      await reads(card.getByRole("list").filter({ has: page.locator(".state") }), /Failure rate no requests yet · at most 5\.0\s%, or it is rolled back/);
      await press("Next step now");
      await reads(word, /^Step 2 of 3: green has 50\s%$/);
      assert.ok(await focused(button(card, "Next step now")));
      await press("Pause");
      await reads(word, /^Paused at 50\s%$/);
      assert.ok(await focused(button(card, "Resume")));
      assert.equal(await button(card, "Next step now").getAttribute("aria-disabled"), "true");
      await press("Resume");
      await reads(word, /^Step 2 of 3/);
      await press("Roll back …");
      const asked = card.getByRole("group", { name: "Roll back" });
      await reads(asked, /Back to revision [0-9a-f]+, from before green’s ramp\? 50\.0\s% of the users who keep a variant would get another one\. Now: blue 50\s% and green 50\s%\. Then: blue 100\s% and green 0\s%\./);
      assert.ok(await focused(button(asked, "Roll back")));
      assert.deepEqual(await sharesOf(name), [["blue", 0.5], ["green", 0.5]]);
      assert.equal(await wider(page), 0);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await grave(page), []);
        mkdirSync(`${root}build/screenshots`, { recursive: true });
        await card.screenshot({ path: `${root}build/screenshots/steered-${width}-${colorScheme}.png` });
      }
      await page.keyboard.press("Enter");
      await reads(word, /^Rolled back$/);
      await reads(card, /Because the administrator put back what was before\./);
      assert.ok(await focused(button(card, "Roll back …")));
      assert.deepEqual(await sharesOf(name), [["blue", 1], ["green", 0]]);
      // The history has all of it.
      await reads(section(page, "History").getByRole("listitem").first(), /the admin token · “the administrator put back what was before\.”/);
      await press("Start");
      await reads(word, /^Step 1 of 3/);
      await press("End it here");
      await reads(word, /^Ended early$/);
      assert.deepEqual(await sharesOf(name), [["blue", 0.9], ["green", 0.1]]);
    }));

test("the dashboard's ramp wants the token, and what is refused is told", { timeout: 60_000 }, () =>
  dashboard("untold", { policy: { ramp } }, { token: null, expected: /status of 4(01|09)/ }, async (page, card) => {
    await button(card, "Start").click();
    await reads(card.getByRole("alert"), /This needs the admin token/);
    assert.ok(await focused(page.getByLabel("Admin token")));
    await page.keyboard.type(ADMIN_TOKEN);
    await page.keyboard.press("Enter");
    const open = { code: "policy_open", message: "a policy is running already: stop it, or roll it back, before another is started" };
    await page.route("**/untold/policy", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify(open) }) : route.continue()));
    await reads(card.locator(".word"), /^A ramp is ready to start$/);
    await button(card, "Start").click();
    await reads(card.getByRole("alert"), /A policy is running already/);
    // What somebody else did is seen by itself.
    await act("untold", "start");
    await reads(card.locator(".word"), /^Step 1 of 3/, 15_000);
  }));

test("an endpoint without a policy says so, and a bandit says where its traffic goes", { timeout: 60_000 }, async () => {
  await dashboard("unsteered", {}, {}, async (page, card) => {
    await reads(card.locator(".word"), /^Nothing moves the weights$/);
    await reads(card, /The document of unsteered has no policy, so the weights stay until somebody changes them\./);
    assert.equal(await card.getByRole("button").count(), 0);
  });
  const bandit = { method: "thompson", interval_minutes: 60 };
  await dashboard("learning", { variants: [origin("blue", 50), origin("green", 50)], outcome: { kind: "reward" }, policy: { bandit } }, {}, async (page, card) => {
    await button(card, "Start").click();
    await reads(card.locator(".word"), /^The traffic goes where outcomes are better$/);
    await reads(card, /100 more outcomes of blue/i);
    assert.deepEqual(await grave(page), []);
    assert.ok(await until(async () => (await report("learning")).status === "running"));
  });
});
