// The page at `/dashboard`, in Chromium before the real worker, by what whoever runs an endpoint sees.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, root, start, until } from "../e2e/support.mjs";
import { grave, launch, reads, section, visit, wider } from "./support.mjs";

let worker, browser;

before(async () => {
  [worker, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await worker?.close();
});

const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
const origin = (name, weight) => ({ name, weight, origin: { url: "https://a.invalid/" } });
const decide = (name, headers = {}) => worker.fetch(`/endpoints/${name}/assignments`, { method: "POST", headers });
const counted = async (name) => {
  const { lines } = await (await worker.fetch(`/endpoints/${name}/scoreboard`, { headers: admin })).json();
  return lines.reduce((sum, { invocations }) => sum + invocations, 0);
};
const weigh = async (name, weights, reason) => {
  const headers = { ...admin, "if-match": "*", "x-change-reason": reason };
  assert.equal((await worker.fetch(`/endpoints/${name}/weights`, { method: "PUT", headers, body: JSON.stringify(weights) })).status, 200);
};

/** The dashboard of an endpoint of its own, which has been asked so often. */
async function dashboard(name, options, body, requests = 60) {
  await worker.put(name, { variants: [origin("blue", 50), origin("green", 50)], fallback: "blue" });
  for (let i = 0; i < requests; i += 1) await decide(name);
  await until(async () => (await counted(name)) === requests);
  await visit(browser, new URL(`dashboard?endpoint=${name}`, worker.url), { watching: true, ...options }, body);
}

async function figures(page) {
  const rows = await page.getByRole("table", { name: "Scorecard by variant" }).locator("tbody tr").all();
  const cells = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
  return Object.fromEntries(cells.map(([name, ...rest]) => [name.trim(), rest]));
}

for (const width of [390, 1440]) {
  test(`${width} px: all traffic is counted, whoever sent it, and the figures follow by themselves`, () =>
    dashboard(`traffic-${width}`, { width }, async (page) => {
      const split = section(page, "Is the traffic divided as configured?");
      await reads(split, /Yes, as far as 60 requests since the last change can tell\./);
      await reads(split.getByRole("listitem"), /blue \d+ of 60 requests, configured 50\.0\s%: expected \d+–\d+/);
      const before = await figures(page);
      assert.equal(Number(before.blue[0]) + Number(before.green[0]), 60);
      assert.equal(before.blue[2], "50.0\u00a0%");
      await split.getByRole("img", { name: /^Share of requests by minute, of \d+ minutes?\. Over all: blue [\d.]+\s% and green/ }).waitFor();
      for (let i = 0; i < 25; i += 1) await decide(`traffic-${width}`);
      await reads(split, /as far as 85 requests/);
      await reads(page.locator("#seen"), /^Live, as of/);
    }));

  test(`${width} px: the history needs the token, and an earlier revision is put back once it is said who moves`, () =>
    dashboard(`history-${width}`, { width, expected: /status of 4(01|12)/ }, async (page) => {
      const name = `history-${width}`;
      await weigh(name, { green: 150 }, "green looks better");
      const history = section(page, "History");
      await reads(history, /Enter the admin token above/);
      await page.getByLabel("Admin token").fill("wrong");
      await page.getByRole("button", { name: "Use the token" }).click();
      await reads(history.getByRole("alert"), /This is not the admin token/);
      await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
      await page.getByRole("button", { name: "Use the token" }).click();
      await reads(history.getByRole("listitem").first(), /blue 25\.0\s% and green 75\.0\s% · now.* · the admin token · “green looks better” · replace variants\.1\.weight/);
      await reads(history.getByRole("listitem").nth(1), /blue 50\.0\s% and green 50\.0\s%.* · by hand, in KV · first seen/);
      await history.getByRole("button", { name: "Restore …" }).click();
      const asked = history.getByRole("group", { name: "Put an earlier revision back" });
      await reads(asked, /25\.0\s% of the users who keep a variant would get another one\. Now: blue 25\.0\s% and green 75\.0\s%\. Then: blue 50\.0\s% and green 50\.0\s%\./);
      await asked.getByRole("button", { name: "Put it back" }).click();
      await reads(history.getByRole("status"), /serves again/);
      await reads(history.getByRole("listitem").first(), /blue 50\.0\s% and green 50\.0\s% · now/);
      const { variants } = await (await worker.fetch(`/endpoints/${name}`)).json();
      assert.deepEqual(variants.map(({ weight }) => weight), [50, 50]);
      // Somebody else was faster.
      await history.getByRole("button", { name: "Restore …" }).first().click();
      await weigh(name, { green: 51 }, "meanwhile");
      await asked.getByRole("button", { name: "Put it back" }).click();
      await reads(history.getByRole("alert"), /is at revision/);
    }, 5));

  test(`${width} px: a worker that cannot be reached is told, and the last figures stay with their age`, () =>
    dashboard(`silent-${width}`, { width, expected: /ERR_FAILED/ }, async (page) => {
      await reads(section(page, "Scorecard"), /blue/);
      await page.route("**/scoreboard*", (route) => route.abort());
      await reads(page.locator("#seen"), /^As of \d+ s ago: the worker does not answer\.$/);
      await reads(page.locator("#trouble").getByRole("alert"), /could not be reached/);
      assert.ok((await figures(page)).blue);
    }, 30));

  for (const colorScheme of ["light", "dark"])
    test(`${width} px, ${colorScheme}: nothing for axe to object to, nothing beside the page, and a picture`, () =>
      dashboard(`seen-${width}-${colorScheme}`, { width, colorScheme }, async (page) => {
        await weigh(`seen-${width}-${colorScheme}`, { green: 150 }, "green looks better, as far as one can tell");
        await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
        await page.getByRole("button", { name: "Use the token" }).click();
        await section(page, "History").getByRole("button", { name: "Restore …" }).click();
        assert.equal(await wider(page), 0);
        mkdirSync(`${root}build/screenshots`, { recursive: true });
        await page.screenshot({ path: `${root}build/screenshots/dashboard-${width}-${colorScheme}.png`, fullPage: true });
        assert.deepEqual(await grave(page), []);
      }));
}

/** An endpoint whose rewards are known: `rewards(variant, i)`. */
async function rewarded(name, variants, more, requests, rewards) {
  await worker.put(name, { variants: variants.map((variant) => origin(variant, 50)), outcome: { kind: "reward" }, ...more });
  const outcomes = [];
  for (let i = 0; i < requests; i += 20)
    await Promise.all(
      Array.from({ length: 20 }, async (_, j) => {
        const { variant, inference_id } = await (await decide(name, j % 2 === 0 ? { "x-country": "de" } : {})).json();
        outcomes.push({ inference_id, reward: rewards(variant, i + j) });
      }),
    );
  for (let i = 0; i < requests; i += 200) {
    const response = await worker.fetch(`/endpoints/${name}/outcomes`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(outcomes.slice(i, i + 200)) });
    assert.equal(response.status, 200, await response.text());
  }
  return (await worker.fetch(`/endpoints/${name}/verdict`)).json();
}

const rewards = (variant, i) => (i % 5) / 4 + { blue: 0, green: 0.4, red: 0 }[variant];

test("the dashboard shows the API's verdict, of any endpoint and metric", async () => {
  const told = await rewarded("judged", ["blue", "green"], { goal: { metric: "reward", margin: 0.1, segment: { header: "x-country", values: ["de", "fr"] } } }, 800, rewards);
  await visit(browser, new URL("dashboard?endpoint=judged", worker.url), { watching: true, expected: /ERR_FAILED/ }, async (page) => {
    const card = section(page, "Which model is better?");
    const [{ says, difference, interval }] = told.comparisons;
    await reads(card.getByRole("status"), /^green is better$/);
    await card.getByText(says, { exact: true }).waitFor();
    await card.getByText(/^Drawn request by request: blue \d+ and green \d+\. A difference of less than 0\.100 does not matter here/).waitFor();
    const figure = (number) => `+${number.toFixed(3)}`;
    await card.getByRole("img", { name: `Chart of the difference after 800 outcomes: ${figure(difference)}, ${interval.map(figure).join(" to ")}; clear of zero at` }).waitFor();
    await card.getByRole("img", { name: "Chart of the share of traffic of green: 50\u00a0% now." }).waitFor();
    const rows = await section(page, "Scorecard").getByRole("table", { name: "Quality by variant" }).locator("tbody tr").allInnerTexts();
    // By the draws, the interval of what is 0.9 in the mean may reach beyond 1.
    assert.match(rows.join("\n"), /reward\s+0\.\d{3}\s+0\.\d{3} to 0\.\d{3}\s+[01]\.\d{3}\s+0\.\d{3} to [01]\.\d{3}\s+\+0\.\d{3}\s+\+0\.\d{3} to \+0\.\d{3}/);
    assert.ok(await card.getByLabel("Compare").isHidden());
    // A header that every second request had.
    const parts = await card.getByRole("table", { name: "Verdict by segment" }).locator("tbody tr").allInnerTexts();
    assert.deepEqual(parts.map((row) => row.split(/\t|\n/).map((cell) => cell.trim()).slice(0, 3)), [["de", "400", "green is better"], ["fr", "0", "Too early"]]);
    for (const [width, colorScheme] of [[1440, "light"], [390, "dark"], [320, "light"]]) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme });
      assert.equal(await wider(page), 0);
      mkdirSync(`${root}build/screenshots`, { recursive: true });
      await page.screenshot({ path: `${root}build/screenshots/verdict-${width}-${colorScheme}.png`, fullPage: true });
      assert.deepEqual(await grave(page), []);
    }
    // It grows old in words while the worker does not answer.
    await page.route("**/endpoints/judged/**", (route) => route.abort());
    await reads(card, /As of \d+ s ago\./);
    await page.unroute("**/endpoints/judged/**");
    await reads(card, /As of now\./);
  });
});

test("of several comparisons one is shown, as somebody chooses", async () => {
  await rewarded("three", ["blue", "green", "red"], {}, 1_000, rewards);
  await visit(browser, new URL("dashboard?endpoint=three", worker.url), { width: 390 }, async (page) => {
    const card = section(page, "Which model is better?");
    await reads(card.getByRole("status"), /^green is better$/);
    await card.getByLabel("Compare").selectOption("red against blue");
    await reads(card.getByRole("status"), /^Too early$/);
    await card.getByRole("heading", { name: "red less blue: difference of reward" }).waitFor();
    await section(page, "Scorecard").getByRole("columnheader", { name: "red less blue" }).waitFor();
    assert.equal(await wider(page), 0);
  });
});

test("an endpoint whose document has no outcome says what to add", () =>
  dashboard("unjudged", {}, async (page) => {
    const card = section(page, "Which model is better?");
    await reads(card.getByRole("status"), /^No verdict$/);
    await reads(card, /The document of unjudged does not say what an outcome is, so nobody can tell which variant is better\. Give it the member "outcome": \{"kind": "label"/);
    assert.equal(await card.getByRole("img").count(), 0);
    assert.equal(await section(page, "Scorecard").getByRole("table", { name: "Quality by variant" }).count(), 0);
  }, 3));

test("an endpoint is chosen from those that there are, and the address names it", () =>
  dashboard("chosen", { expected: /./ }, async (page) => {
    await page.getByLabel("Endpoint").selectOption("digits");
    assert.equal(new URL(page.url()).searchParams.get("endpoint"), "digits");
    await page.getByLabel("Endpoint").selectOption("chosen");
    // Three requests may all have had the same one.
    await reads(section(page, "Scorecard"), /blue|green/);
    await page.goto(String(new URL("dashboard?endpoint=nowhere", worker.url)));
    await reads(page.locator("#trouble").getByRole("alert"), /nowhere/);
  }, 3));
