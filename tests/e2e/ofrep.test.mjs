// OpenFeature's own providers for servers and for pages, unmodified.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature as Server } from "@openfeature/server-sdk";
import { OpenFeature as Web } from "@openfeature/web-sdk";
import { KEYS, start } from "./support.mjs";

const origin = { url: "https://nowhere.example/" };
const FLAGS = {
  flagged: {
    variants: [{ name: "a", origin }, { name: "b", origin }],
    assignment: { unit: { header: "x-user-id" }, salt: "flagged" },
  },
  only: { variants: [{ name: "a", origin }, { name: "b", weight: 0, origin }] },
  guarded: { variants: [{ name: "a", origin }], access: { bearer: "CALLER_TOKEN" } },
};

let worker, base;
before(async () => {
  worker = await start();
  base = String(worker.url).replace(/\/$/, "");
  for (const [name, document] of Object.entries(FLAGS)) await worker.put(name, document);
});
after(async () => {
  await Web.close();
  await Server.close();
  await worker.close();
});

test("a server's flag is the variant of its unit", async () => {
  await Server.setProviderAndWait(new OFREPProvider({ baseUrl: base }));
  const client = Server.getClient();
  const chosen = new Set();
  for (let number = 0; number < 20; number++) {
    const details = await client.getStringDetails("flagged", "neither", { targetingKey: `user-${number}` });
    assert.deepEqual([details.errorCode, details.reason, details.variant], [undefined, "SPLIT", details.value]);
    assert.equal(details.flagMetadata.propensity, 0.5);
    const native = await worker.fetch("/endpoints/flagged/assignments", { method: "POST", body: JSON.stringify({ unit: `user-${number}` }) });
    assert.equal((await native.json()).variant, details.value);
    chosen.add(details.value);
  }
  assert.deepEqual([...chosen].sort(), ["a", "b"]);
  assert.equal((await client.getStringDetails("only", "neither", { targetingKey: "u" })).reason, "STATIC");
  for (const [flag, context, code] of [
    ["flagged", {}, "TARGETING_KEY_MISSING"],
    ["nobody", { targetingKey: "u" }, "FLAG_NOT_FOUND"],
    ["guarded", { targetingKey: "u" }, "GENERAL"],
  ]) {
    const details = await client.getStringDetails(flag, "neither", context);
    assert.deepEqual([details.value, details.errorCode], ["neither", code], flag);
  }
  await Server.setProviderAndWait(new OFREPProvider({ baseUrl: base, headers: [["X-API-Key", KEYS.CALLER_TOKEN]] }));
  assert.equal(await Server.getClient().getStringValue("guarded", "neither", { targetingKey: "u" }), "a");
});

test("a page fetches all flags at once, and again only when they have changed", async () => {
  const statuses = [];
  const fetchImplementation = async (request) => {
    const response = await fetch(request);
    statuses.push(response.status);
    return response;
  };
  const provider = new OFREPWebProvider({ baseUrl: base, fetchImplementation, pollInterval: 100, changeDetection: "polling", cacheMode: "disabled" });
  await Web.setContext({ targetingKey: "user-1" });
  await Web.setProviderAndWait(provider);
  const details = Web.getClient().getStringDetails("flagged", "neither");
  const native = await worker.fetch("/endpoints/flagged/assignments", { method: "POST", body: JSON.stringify({ unit: "user-1" }) });
  assert.equal(details.value, (await native.json()).variant);
  assert.ok(details.flagMetadata.inferenceId);
  assert.equal(Web.getClient().getStringDetails("guarded", "neither").errorCode, "FLAG_NOT_FOUND", "it is not for this page");
  const until = async (done) => {
    for (let waited = 0; !done() && waited < 100; waited++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(done(), JSON.stringify(statuses));
  };
  await until(() => statuses.includes(304));
  const other = details.value === "a" ? "b" : "a";
  const variants = FLAGS.flagged.variants.map((variant) => ({ ...variant, weight: variant.name === other ? 1 : 0 }));
  await worker.put("flagged", { ...FLAGS.flagged, variants });
  await until(() => Web.getClient().getStringValue("flagged", "neither") === other);
  assert.equal(Web.getClient().getStringDetails("flagged", "neither").reason, "STATIC");
});
