// The page at `/`, in Chromium before the real worker, by what a visitor sees.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { ADMIN_TOKEN, digits, root, start } from "../e2e/support.mjs";
import { drawn, launch, reads, section, visit, zero } from "./support.mjs";

const WIDTHS = [390, 1440];
const axe = readFileSync(`${root}node_modules/axe-core/axe.min.js`, "utf8");
let worker, browser, originals;

before(async () => {
  [worker, browser] = await Promise.all([start(), launch()]);
  originals = { digits: await worker.ENDPOINTS.get("digits"), churn: await worker.ENDPOINTS.get("churn") };
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

/** The figures of a table by its caption, by row. */
async function figures(place, caption) {
  const rows = await place.getByRole("table", { name: caption }).locator("tbody tr").all();
  const cells = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
  return Object.fromEntries(cells.map(([name, ...rest]) => [name.trim(), rest]));
}

/** Sets a slider as a hand would: the page is told. */
const slide = (place, name, value) => place.getByRole("slider", { name }).fill(String(value));

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
      await card.getByText("The answer will stand here").waitFor();
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
      await button(card, "Find where the models disagree").click();
      await reads(card.getByRole("status"), /Of 450 held-out digits the models disagree on 18/);
      const thumbs = card.getByRole("toolbar").getByRole("button");
      assert.equal(await thumbs.count(), 18);
      await thumbs.nth(3).click();
      await button(card, /^Ask \w+ as well$/).click();
      await reads(card.getByRole("status"), /They disagree: (logistic|cnn) reads \d \(\d+\s% sure\) and (logistic|cnn) reads \d .* It is a \d\./);
    }));

  test(`${width} px: traffic settles in its band, and can be stopped and reset`, () =>
    page({ width }, async (page) => {
      const card = section(page, "The split, live");
      await button(card, "Send 1").click();
      await reads(card.getByRole("status"), /Done: 1 request answered/);
      await button(card, "Send 100").click();
      await reads(card.getByRole("status"), /Done: 101 requests answered/);
      const seen = await figures(card, /^Requests by variant/);
      assert.equal(Number(seen.logistic[0]) + Number(seen.cnn[0]), 101);
      // The core's band, which is exact: scipy.stats.binom.interval gives these.
      assert.equal(seen.logistic[1], "41–60");
      assert.equal(seen.cnn[3], "50.0\u00a0%");
      // Once in some millions of runs even a fair split is that far off.
      assert.ok(Math.abs(Number(seen.cnn[0]) - 50.5) < 27, seen.cnn[0]);
      const times = await figures(card, "Time to an answer by variant");
      for (const cells of Object.values(times)) for (const cell of cells.slice(1)) assert.match(cell, /^[\d.]+\sms$/);
      await card.getByRole("img", { name: /^Chart of shares by variant after 101 requests: logistic [\d.]+\s%, configured 50\.0\s%/ }).waitFor();
      await card.getByRole("img", { name: /^Chart of the share of answers by time\. logistic: half within/ }).waitFor();

      await answering(page, 20);
      await button(card, "Send 1,000").click();
      await card.getByRole("img", { name: /after 121 requests/ }).waitFor();
      await button(card, "Stop").click();
      await reads(card.getByRole("status"), /^Stopped: 121 requests answered in all\.$/);
      await button(card, "Send 1,000").click();
      await reads(card.getByRole("status"), /Sending/);
      await button(card, "Reset").click();
      await reads(card.getByRole("status"), /^Nothing sent yet\.$/);
      await card.locator("[data-send='1']:enabled").waitFor();
      assert.equal((await figures(card, /^Requests by variant/)).logistic[0], "0");
      assert.equal(await card.getByRole("progressbar").getAttribute("value"), "0");
    }));

  test(`${width} px: weights need the token, are saved, and the traffic follows`, () =>
    page({ width, expected: /status of 401/ }, async (page) => {
      const card = section(page, "Move the weights");
      const split = section(page, "The split, live");
      await button(split, "Send 100").click();
      await reads(split.getByRole("status"), /Done: 100/);
      await slide(card, "logistic", 90);
      await slide(card, "cnn", 10);
      assert.equal(await card.getByRole("slider", { name: "cnn" }).getAttribute("aria-valuetext"), "weight 10, share 10.0\u00a0%");
      await card.getByText("Not saved yet").waitFor();
      await button(card, "Save weights").click();
      await reads(card.getByRole("alert"), /needs the admin token\. With `make dev` it stands in \.dev\.vars as ADMIN_TOKEN/);
      await page.getByLabel("Admin token").fill("a guess");
      await button(card, "Save weights").click();
      await reads(card.getByRole("alert"), /The bearer token is wrong\. Send Authorization: Bearer/);
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 90\.0\s%, cnn 10\.0\s%/);
      assert.equal(await card.getByRole("alert").count(), 0);
      await button(card, "Send 100 requests and watch").click();
      await reads(split.getByRole("status"), /Done: 200/);
      await split.getByText("Counted anew from the mark at 100 requests").waitFor();
      const seen = await figures(split, "Requests by variant since the weights changed");
      assert.equal(seen.logistic[3], "90.0\u00a0%");
      assert.ok(Number(seen.logistic[0]) > 70, seen.logistic[0]);
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
      assert.equal(await card.getByRole("slider", { name: "logistic" }).getAttribute("aria-valuetext"), "weight 0.333, share 33.3\u00a0%");
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 33\.3\s%, cnn 66\.7\s%/);
      assert.deepEqual(await stored(), [1 / 3, 2 / 3]);
      // Moved and put back is not moved.
      await slide(card, "logistic", 0.5);
      await card.getByText("Not saved yet").waitFor();
      await slide(card, "logistic", 0.33);
      await card.getByText("As the worker has it, revision").waitFor();
      await slide(card, "logistic", 0.5);
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /Saved: logistic 42\.9\s%, cnn 57\.1\s%/);
      assert.deepEqual(await stored(), [0.5, 2 / 3]);
    });
  });

  test(`${width} px: all weights at 0 are saved only when asked again, and the sliders keep their scale`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Move the weights");
      const stored = async () => (await (await worker.fetch("/endpoints/digits")).json()).variants.map(({ weight }) => weight);
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      for (const name of ["logistic", "cnn"]) await slide(card, name, 0);
      const questions = [];
      page.once("dialog", (dialog) => (questions.push(dialog.message()), dialog.dismiss()));
      await button(card, "Save weights").click();
      assert.match(questions.join(), /^With all weights at 0, requests that name no variant are refused/);
      assert.deepEqual(await stored(), [50, 50]);
      page.once("dialog", (dialog) => dialog.accept());
      await button(card, "Save weights").click();
      await reads(card.getByRole("status"), /^Saved/);
      assert.deepEqual(await stored(), [0, 0]);
      assert.equal(await card.getByRole("slider", { name: "cnn" }).getAttribute("max"), "100");
    }));

  test(`${width} px: a change behind the page's back is shown, not written over`, () =>
    page({ width, expected: /status of 412/ }, async (page) => {
      const card = section(page, "Move the weights");
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await slide(card, "logistic", 80);
      await weigh({ logistic: 30, cnn: 70 });
      await button(card, "Save weights").click();
      await reads(card.getByRole("alert"), /Somebody else has changed the weights\. Yours were not saved/);
      assert.deepEqual(await figures(card, "Weights in conflict"), { logistic: ["50", "30", "80"], cnn: ["50", "70", "50"] });
      assert.equal((await (await worker.fetch("/endpoints/digits")).json()).variants[0].weight, 30);
      await button(card, "Take theirs").click();
      assert.equal(await card.getByRole("slider", { name: "logistic" }).inputValue(), "30");
      await slide(card, "logistic", 20);
      await weigh({ logistic: 40, cnn: 60 });
      await button(card, "Save weights").click();
      await button(card, "Save mine over theirs").click();
      await reads(card.getByRole("status"), /Saved: logistic 22\.2\s%, cnn 77\.8\s%/);
      assert.equal((await (await worker.fetch("/endpoints/digits")).json()).variants[0].weight, 20);
      // Sliders that nobody has moved since are a wish as well.
      await weigh({ logistic: 10, cnn: 90 });
      await button(card, "Save weights").click();
      await button(card, "Save mine over theirs").click();
      await card.getByRole("alert").waitFor({ state: "detached" });
      const { variants } = await (await worker.fetch("/endpoints/digits")).json();
      assert.deepEqual(variants.map(({ weight }) => weight), [20, 70]);
    }));

  test(`${width} px: a user's variant is explained, and the worker agrees`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Stick");
      for (const user of ["ada", "grace", "alan@example.org", "user 7"]) {
        await card.getByLabel("User id").fill(user);
        const [, variant] = /always gets (\w+)/.exec(await reads(card, `${user} always gets`));
        const scores = await figures(card, "Scores of this user");
        const smallest = Object.entries(scores).sort(([, a], [, b]) => a[2] - b[2])[0][0];
        assert.equal(smallest, variant);
        await button(card, "Ask the worker as this user").click();
        const said = await reads(card.getByRole("status"), /The worker, asked with/);
        assert.equal(said.replaceAll(/\s+/g, " "), `The worker, asked with x-user-id: ${user}, chose ${variant} (sticky), just as computed here.`);
      }
      await card.getByLabel("User id").fill("Žofie");
      await button(card, "Ask the worker as this user").click();
      await reads(card.getByRole("alert"), /cannot stand in a header\. Use Latin letters/);
    }));

  test(`${width} px: who would move is known before weights are saved`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Stick");
      await card.getByText("Nobody would move").waitFor();
      const weights = section(page, "Move the weights");
      await slide(weights, "logistic", 60);
      await slide(weights, "cnn", 40);
      await card.getByText(" of 10,000 would move; with these shares, no rule could move fewer.").waitFor();
      const flows = card.getByRole("list", { name: "Who would move" });
      const flow = await reads(flows.getByRole("listitem"), /cnn → logistic/);
      const moved = Number(/([\d,]+)$/.exec(flow.trim())[1].replace(",", ""));
      // A tenth of 10,000; with a standard deviation of 30.
      assert.ok(moved > 850 && moved < 1150, flow);
      await card.getByText(`${moved.toLocaleString("en")} of 10,000 would move; with these shares, no rule could move fewer.`).waitFor();
      for (const name of ["logistic", "cnn"]) await slide(weights, name, 0);
      await card.getByText("With all weights at 0 no user has a variant.").waitFor();
      await weights.getByText("With all weights at 0, only requests that name a variant are answered.").waitFor();
    }));

  test(`${width} px: a customer before both models, and the table through the split`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Churn");
      await reads(card.getByRole("status"), /In truth this customer left\./);
      const odds = card.getByRole("list", { name: "Probability of leaving by variant" });
      await reads(odds.getByRole("listitem"), /xgboost\s+[\d.]+\s%\s+(leaves|stays), (right|wrong)/);
      await button(card, "Next customer").click();
      await card.getByRole("heading", { name: "Customer 2 of 1,250" }).waitFor();
      await reads(card.getByRole("status"), /In truth this customer stayed\. All models saw it\./);
      if (width < 500) await card.getByText("What is known of this customer").click();
      assert.match(await card.locator("dl").innerText(), /account length\s+167/);
      await button(card, "Where the models disagree").click();
      await reads(card.getByRole("status"), /Only (logistic|xgboost) saw it/);

      await button(card, "Send all customers").click();
      await reads(card.getByRole("status"), /Done: 1,250 of 1,250 customers judged/);
      const seen = await figures(card, "Quality by variant");
      const [logistic, xgboost] = [0, 1].map((i) => Number(seen.customers[i].replace(",", "")));
      assert.equal(logistic + xgboost, 1250);
      for (const name of ["accuracy", "precision", "recall", "F1"]) for (const cell of seen[name]) assert.match(cell, /^[\d.]+\s%$/, name);
      assert.ok(Number(seen["area under the curve"][1]) > 0.85, seen["area under the curve"][1]);
      await card.getByRole("img", { name: /^Chart of receiver operating characteristics\. Area under the curve: logistic 0\.\d+, xgboost 0\.\d+/ }).waitFor();

      await answering(page, 5);
      await button(card, "Send all customers").click();
      await card.locator("progress[value='0.1']").waitFor();
      await button(card, "Stop").click();
      await reads(card.getByRole("status"), /^Stopped: 125 of 1,250/);
    }));

  test(`${width} px: what was done last stands as lines to copy, and they work`, () =>
    page({ width }, async (page) => {
      const card = section(page, "Use it yourself");
      const stick = section(page, "Stick");
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
    t.after(() => worker.put("digits", originals.digits));
    await worker.put("digits", '{"variants": [{"name": "logistic", "weight": -1}]}');
    for (let status; status !== "last_good"; ) ({ status } = await (await worker.fetch("/endpoints/digits")).json());
    await page({ width }, async (page) => {
      const said = await reads(page.getByRole("alert"), /digits/);
      assert.match(said, /weight -1[\s\S]*Until it is fixed, the last good configuration serves on/);
      await button(page, /^A 6, held-out/).first().click();
      await reads(section(page, "Draw a digit").getByRole("status"), /It is a 6/);
    });
    await worker.put("digits", originals.digits);
    for (let status; status !== "good"; ) ({ status } = await (await worker.fetch("/endpoints/digits")).json());
  });

  test(`${width} px: an endpoint that is not there is told, and the other one works`, () =>
    page({ width, ready: false, expected: /status of 404/ }, async (page) => {
      // As if it had been removed: the worker's own answer about a name that it does not know.
      await page.route("**/endpoints/churn", (route) => route.continue({ url: new URL("/endpoints/gone", worker.url).href }));
      await page.reload();
      await reads(page.getByRole("alert"), /gone[\s\S]*The sections of churn below cannot work until then/);
      assert.ok(await button(section(page, "Churn"), "Send all customers").isDisabled());
      await button(page, /^A 6, held-out/).first().click();
      await reads(section(page, "Draw a digit").getByRole("status"), /It is a 6/);
    }));

  test(`${width} px: without the worker each section says so where it was asked`, () =>
    page({ width, expected: /ERR_FAILED/ }, async (page) => {
      const unreachable = /The worker could not be reached\. See that it runs/;
      await page.route("**/invocations", (route) => route.abort());
      await button(page, /^A 6, held-out/).first().click();
      await reads(section(page, "Draw a digit").getByRole("alert"), unreachable);
      await button(section(page, "Stick"), "Ask the worker as this user").click();
      await reads(section(page, "Stick").getByRole("alert"), unreachable);
      const split = section(page, "The split, live");
      await button(split, "Send 100").click();
      await reads(split.getByRole("status"), /Gave up after many failures in a row/);
      await reads(split.getByRole("alert"), /\d+ requests failed\.[\s\S]*\d+ times: The worker could not be reached/);
      const churn = section(page, "Churn");
      await button(churn, "Next customer").click();
      await reads(churn.getByRole("alert"), unreachable);
    }));

  test(`${width} px: by keyboard alone`, () =>
    page({ width }, async (page) => {
      const focused = (name) => page.locator(":focus").and(page.getByRole("button", { name })).waitFor();
      const tabTo = async (locator) => {
        for (let i = 0; i < 60; i += 1) {
          await page.keyboard.press("Tab");
          if (await locator.evaluate((element) => element === document.activeElement)) return;
        }
        assert.fail("Tab does not get there");
      };
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the digits");
      await page.keyboard.press("Enter");
      const card = section(page, "Draw a digit");
      await tabTo(card.getByRole("toolbar").getByRole("button").first());
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("End");
      await focused(/^A 9/);
      await page.keyboard.press("Enter");
      await reads(card.getByRole("status"), /It is a 9/);
      const split = section(page, "The split, live");
      await tabTo(button(split, "Send 100"));
      await page.keyboard.press("Enter");
      await reads(split.getByRole("status"), /Done: 100/);
      const weights = section(page, "Move the weights");
      await tabTo(weights.getByRole("slider", { name: "logistic" }));
      for (let i = 0; i < 10; i += 1) await page.keyboard.press("ArrowRight");
      await tabTo(weights.getByRole("slider", { name: "cnn" }));
      for (let i = 0; i < 10; i += 1) await page.keyboard.press("ArrowLeft");
      await tabTo(page.getByLabel("Admin token"));
      await page.keyboard.type(ADMIN_TOKEN);
      await page.keyboard.press("Enter");
      await reads(weights.getByRole("status"), /Saved: logistic 60\.0\s%, cnn 40\.0\s%/);
      await tabTo(page.getByLabel("User id"));
      await page.keyboard.press("Enter");
      await reads(section(page, "Stick").getByRole("status"), /just as computed here/);
    }));

  for (const colorScheme of ["light", "dark"])
    test(`${width} px, ${colorScheme}: nothing for axe to object to, nothing beside the page, and a picture`, () =>
      page({ width, colorScheme, expected: /status of 412/ }, async (page) => {
        await button(page, /^A 3, held-out/).first().click();
        await button(page, /^Ask \w+ as well$/).click();
        const split = section(page, "The split, live");
        await button(split, "Send 100").click();
        await reads(split.getByRole("status"), /Done: 100/);
        const weights = section(page, "Move the weights");
        await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
        await slide(weights, "logistic", 80);
        await slide(weights, "cnn", 20);
        await button(weights, "Save weights").click();
        await button(weights, "Send 100 requests and watch").click();
        await reads(split.getByRole("status"), /Done: 200/);
        await slide(weights, "logistic", 60);
        const churn = section(page, "Churn");
        await button(churn, "Where the models disagree").click();
        await reads(churn.getByRole("status"), /Only/);
        await button(churn, "Send all customers").click();
        await reads(churn.getByRole("status"), /Done: 1,250/);
        await button(section(page, "Stick"), "Ask the worker as this user").click();
        await reads(section(page, "Stick").getByRole("status"), /just as computed/);

        const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wider, 0, "the page scrolls sideways");
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
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(grave.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]), []);
      }));
}
