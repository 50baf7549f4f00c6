// A browser before the real worker. What the page logs as errors fails the test that did not expect it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { root } from "../e2e/support.mjs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

export function launch() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find(existsSync);
  assert.ok(executablePath, `no Chromium: name one in CHROMIUM, or have one of ${PLACES.join(", ")}`);
  // No sandbox, because tests run as root in containers; they meet nothing but this worker.
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, args });
}

/** Opens the page, or leaves that to `body` where not `opened`; does `body(page)`, and finds no error in the log but those that match `expected`. */
export async function visit(browser, url, { width = 1440, colorScheme = "light", expected = /^$/, opened = true, watching = false } = {}, body) {
  const height = width < 500 ? 844 : 900;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce", hasTouch: width < 500 });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(url).origin });
  // The page looks at the endpoint every few seconds, which would overtake what a test does between two steps.
  if (!watching) await context.addInitScript(() => (globalThis.setInterval = () => 0));
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const errors = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.stack));
  try {
    if (opened) {
      await page.goto(String(url));
      await page.locator("html[data-ready]").waitFor();
    }
    await body(page);
    assert.deepEqual(errors.filter((text) => !expected.test(text)), []);
  } finally {
    await context.close();
  }
}

/** The card with a heading. */
export const section = (page, name) => page.getByRole("region", { name, exact: true });

/** Waits until `get` gives something that matches, and gives that. */
export async function reads(locator, pattern, timeout = 10_000) {
  await locator.filter({ hasText: pattern }).first().waitFor({ timeout });
  return locator.filter({ hasText: pattern }).first().innerText();
}

/** Draws lines through points, given in shares of the pad's side. */
export async function drawn(page, ...strokes) {
  const pad = page.getByRole("img", { name: /Drawing pad/ });
  await pad.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await pad.boundingBox();
  const at = ([left, top]) => [x + left * width, y + top * height];
  for (const [first, ...rest] of strokes) {
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...at(point), { steps: 2 });
    await page.mouse.up();
  }
}

/** A ring: what anybody would draw for a zero. */
export const zero = Array.from({ length: 25 }, (_, i) => [0.5 + 0.22 * Math.sin((i * Math.PI) / 12), 0.5 - 0.36 * Math.cos((i * Math.PI) / 12)]);

/** By how many pixels the page is wider than what is seen of it. */
export const wider = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Whether an element has the focus. */
export const focused = (locator) => locator.evaluate((element) => element === document.activeElement);

/** What axe finds serious or critical. */
export async function grave(page) {
  await page.evaluate(readFileSync(`${root}node_modules/axe-core/axe.min.js`, "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]);
}
