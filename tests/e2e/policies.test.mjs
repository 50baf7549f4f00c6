// Policies in real workerd: run by the object's alarm, with real requests, real origins and a real webhook.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, origin as host, sleep, until } from "./support.mjs";
import { startObjects } from "./objects.mjs";

const SECRET = Buffer.from("what notices are signed with").toString("base64");

let turnout;
let models;
const fails = new Set();
before(async () => {
  turnout = await startObjects({ isolates: 2, texts: { NOTIFY_SECRET: `whsec_${SECRET}` } });
  models = await host(({ path }, response) => response.writeHead(fails.has(path) ? 500 : 200, { "content-type": "application/json" }).end("[1]"));
});
after(async () => {
  await turnout.close();
  await models.close();
});

const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
const variant = (name, weight) => ({ name, weight, origin: { url: `${models.url}/${name}` } });
const ramp = (more = {}, rest = {}) => ({
  variants: [variant("a", 1), variant("b", 0)],
  fallback: "a",
  guardrails: [{ metric: "errors" }],
  policy: { ramp: { to: "b", percent: [20, 50, 100], step_minutes: 0.02, step_invocations: 5, ...more } },
  ...rest,
});
const json = async (path, init) => (await turnout.isolates[0].fetch(path, init)).json();
const policy = (name) => json(`/endpoints/${name}/policy`, { headers: admin });
const post = (name, body, query = "") => turnout.isolates[0].fetch(`/endpoints/${name}/policy${query}`, { method: "POST", headers: admin, body: JSON.stringify(body) });
const act = async (name, action, more = {}) => {
  const answer = await post(name, { action, ...more });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};
const history = async (name) => (await json(`/endpoints/${name}/history`, { headers: admin })).changes;
const share = (report, name) => report.shares.find(([variant]) => variant === name)[1];

/** Sends requests through all isolates until `stop()`; gives what came of them. */
function traffic(name, headers = () => ({})) {
  let stopped = false;
  const answers = [];
  const running = Promise.all(
    turnout.isolates.map(async (isolate) => {
      for (let i = 0; !stopped; i += 1) {
        const answer = await isolate.invoke(name, { headers: headers(i) });
        answers.push({ at: Date.now(), status: answer.status, revision: answer.headers.get("x-endpoint-revision"), variant: answer.headers.get("x-invoked-variant") });
        await answer.arrayBuffer();
        await sleep(5);
      }
    }),
  );
  return { answers, stop: () => ((stopped = true), running) };
}
const ended = (name, limit = 30_000) => until(async () => (await policy(name)).status !== "running" && policy(name), limit);

test("a ramp goes its way by itself, every isolate follows, and a webhook hears of each step", async () => {
  let heard = 0;
  // The first notice is not taken at first.
  const hook = await host((call, response) => response.writeHead((heard += 1) === 1 ? 503 : 204).end());
  turnout.put("ramp", ramp({}, { notify: { url: `${hook.url}/hook`, secret: "NOTIFY_SECRET" } }));
  const before = await policy("ramp");
  assert.deepEqual([before.status, before.policy.ramp.to], [null, "b"]);
  const sent = traffic("ramp");
  const report = await act("ramp", "start");
  assert.deepEqual([report.status, share(report, "b"), report.step.number, report.step.of], ["running", 0.2, 1, 3]);
  const done = await ended("ramp");
  assert.deepEqual([done.status, share(done, "b")], ["done", 1]);
  await until(() => sent.answers.slice(-20).every(({ variant }) => variant === "b"));
  await sent.stop();
  assert.ok(sent.answers.every(({ status }) => status === 200));
  assert.deepEqual(done.deeds.map(({ deed }) => deed), ["end", "step", "step", "start"]);
  const changes = await history("ramp");
  assert.deepEqual(changes.map(({ author }) => author), ["policy", "policy", "token", "hand"]);
  assert.match(changes[0].reason, /^b gets 100 % of the traffic: no guardrail is breached after \d+ requests/);
  assert.ok(changes[0].figures.counted.find(({ variant }) => variant === "b").invocations >= 5);
  await until(() => hook.calls.length >= 5, 15_000);
  const notices = hook.calls.map(({ headers, body }) => {
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const signature = createHmac("sha256", Buffer.from(SECRET, "base64")).update(signed).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${signature}`);
    return [headers["webhook-id"], JSON.parse(body).type];
  });
  assert.deepEqual([...new Map(notices)].sort(), [["ramp-1", "policy.start"], ["ramp-2", "policy.step"], ["ramp-3", "policy.step"], ["ramp-4", "policy.end"]]);
  assert.equal(notices.filter(([id]) => id === "ramp-1").length, 2, "sent again");
  await hook.close();
});

for (const step of [1, 2]) {
  test(`a variant that begins to fail in step ${step} is turned back within seconds, and callers notice nothing`, async () => {
    const name = `breach-${step}`;
    // Nothing but a breach ends the step in which it fails.
    turnout.put(name, ramp({ percent: step === 1 ? [20, 100] : [20, 50, 100], step_minutes: 0.02, step_invocations: 5 }));
    turnout.put(name, { ...ramp({ percent: [20, 50, 100] }), variants: [variant("a", 1), { name: "b", weight: 0, origin: { url: `${models.url}/${name}` } }] });
    const sent = traffic(name);
    const { before } = await act(name, "start");
    if (step > 1) await until(async () => (await policy(name)).step.number >= step);
    fails.add(`/${name}`);
    const began = Date.now();
    const back = await ended(name);
    const decided = Date.now();
    assert.deepEqual([back.status, share(back, "b"), back.revision], ["rolled_back", 0, before]);
    assert.match(back.says, /^b fails .* (as|than) the others/);
    await until(() => sent.answers.slice(-20).every(({ variant }) => variant === "a") && Date.now() > decided + 2500);
    await sent.stop();
    const last = sent.answers.filter(({ revision }) => revision !== before).at(-1);
    assert.ok(last.at - decided < 2500, `the last isolate followed after ${last.at - decided} ms`);
    assert.ok(decided - began < 8000, `decided after ${decided - began} ms`);
    assert.ok(sent.answers.every(({ status }) => status === 200));
    const [{ author, reason, figures, revision }] = await history(name);
    assert.deepEqual([author, reason, revision], ["policy", back.says, before]);
    assert.ok(figures.guardrails.find(({ metric }) => metric === "errors").breached);
  });
}

test("the object is killed in the middle of a ramp, and the ramp goes on", async () => {
  turnout.put("killed", ramp({ step_minutes: 0.05 }));
  const sent = traffic("killed");
  await act("killed", "start");
  await sleep(1000);
  await turnout.kill();
  await sleep(500);
  await turnout.restart();
  const done = await ended("killed", 60_000);
  await sent.stop();
  assert.deepEqual([done.status, share(done, "b")], ["done", 1]);
  assert.deepEqual(done.deeds.map(({ deed }) => deed), ["end", "step", "step", "start"], "each step once");
  assert.ok(sent.answers.every(({ status }) => status === 200));
});

test("without requests nothing moves, and where the document says so it pauses", async () => {
  turnout.put("quiet", ramp());
  turnout.put("pausing", ramp({}, { guardrails: [{ metric: "no_traffic", minutes: 0.05 }] }));
  await act("quiet", "start");
  await act("pausing", "start");
  const paused = await ended("pausing");
  assert.deepEqual([paused.status, share(paused, "b")], ["paused", 0.2]);
  assert.match(paused.says, /^no request has come for/);
  const quiet = await policy("quiet");
  assert.deepEqual([quiet.status, quiet.step.number], ["running", 1]);
  assert.match(quiet.waiting_for, /5 more requests of b/);
});

test("a ramp of half-hour steps, with a clock that is moved on; a change in the middle pauses it; two at once are refused", async () => {
  turnout.put("slow", ramp({ step_minutes: 30 }));
  await act("slow", "start");
  const sent = traffic("slow");
  await until(async () => (await policy("slow")).step.invocations >= 10);
  const waiting = await policy("slow");
  assert.equal(waiting.step.number, 1);
  assert.ok(waiting.about_seconds > 1700 && waiting.about_seconds <= 1800, `${waiting.about_seconds}`);
  await turnout.moveOn(31 * 60_000);
  await until(async () => (await policy("slow")).step.number === 2);
  const again = await post("slow", { action: "start" });
  assert.deepEqual([again.status, (await again.json()).code], [409, "policy_open"]);
  const change = await turnout.isolates[1].fetch("/endpoints/slow/weights", { method: "PUT", headers: { ...admin, "if-match": "*", "x-change-reason": "lunch" }, body: '{"b": 10}' });
  assert.equal(change.status, 200);
  const paused = await policy("slow");
  assert.deepEqual([paused.status, paused.says.slice(0, 53)], ["paused", "the administrator changed the document (lunch): the w"]);
  await turnout.moveOn(200 * 60_000);
  await sleep(1000);
  assert.equal((await policy("slow")).step.number, 2);
  const resumed = await act("slow", "resume");
  assert.deepEqual([resumed.status, share(resumed, "b")], ["running", 0.5]);
  assert.equal(share(await act("slow", "hurry"), "b"), 1);
  assert.equal(share(await act("slow", "roll_back"), "b"), 0);
  await sent.stop();
  await turnout.moveOn(0);
});

test("while KV is down a rollback reaches the isolates all the same", async () => {
  turnout.put("down", { ...ramp({ step_minutes: 30 }), variants: [variant("a", 1), { name: "b", weight: 0, origin: { url: `${models.url}/down` } }] });
  const sent = traffic("down");
  const { before } = await act("down", "start");
  await until(() => new Set(sent.answers.map(({ variant }) => variant)).size === 2);
  turnout.kv.endpoints.fault = (response) => response.writeHead(503).end();
  fails.add("/down");
  await until(() => sent.answers.slice(-30).every(({ revision }) => revision === before), 20_000);
  await sent.stop();
  turnout.kv.endpoints.fault = null;
  await until(() => turnout.stored("down").includes('"weight":0'), 30_000);
  assert.equal((await policy("down")).status, "rolled_back");
});

test("what a ramp would do is tried before, and nothing comes of it", async () => {
  turnout.put("tried", ramp({ step_minutes: 1 }));
  const began = Date.now();
  const answer = await post("tried", { assume: { requests_per_minute: 600, runs: 40, variants: { a: { errors: 0.02 }, b: { errors: 0.02 } }, fault_times: 5 } }, "?dry_run=true");
  assert.equal(answer.status, 200, await answer.clone().text());
  const { says, expected, no_difference, fault, fault_errors } = await answer.json();
  assert.ok(Date.now() - began < 20_000);
  assert.equal(says.length, 3);
  assert.ok(expected.done > 0.8 && no_difference.rolled_back + no_difference.paused < 0.2, JSON.stringify({ expected, no_difference }));
  assert.ok(fault.rolled_back > 0.8 && Math.abs(fault_errors - 0.1) < 1e-9, JSON.stringify(fault));
  assert.deepEqual([expected.steps.length, (await policy("tried")).status], [3, null]);
  const none = await post("tried", {}, "?dry_run=true");
  assert.deepEqual([none.status, (await none.json()).code], [400, "bad_operation"]);
});

test("a bandit moves the weights, each time a revision with its reason", async () => {
  const hosts = await host(({ path }, response) => response.writeHead(200, { "content-type": "application/json" }).end("[1]"));
  turnout.put("bandit", {
    variants: [{ name: "a", weight: 1, origin: { url: `${hosts.url}/a` } }, { name: "b", weight: 1, origin: { url: `${hosts.url}/b` } }],
    outcome: { kind: "reward", within_hours: 1 },
    policy: { bandit: { method: "thompson", floor: 0.1, interval_minutes: 0.02, least_outcomes: 60 } },
  });
  await act("bandit", "start");
  let sent = 0;
  const send = async () => {
    const [isolate] = turnout.isolates;
    const answers = await Promise.all(Array.from({ length: 20 }, () => isolate.invoke("bandit")));
    const outcomes = await Promise.all(
      answers.map(async (answer) => {
        await answer.arrayBuffer();
        sent += 1;
        const rate = answer.headers.get("x-invoked-variant") === "b" ? 0.9 : 0.3;
        return { inference_id: answer.headers.get("x-amzn-sagemaker-inference-id"), reward: Math.random() < rate ? 1 : 0 };
      }),
    );
    const told = await isolate.fetch("/endpoints/bandit/outcomes", { method: "POST", headers: admin, body: JSON.stringify(outcomes) });
    assert.equal(told.status, 200, await told.clone().text());
  };
  await until(async () => (await send(), share(await policy("bandit"), "b") > 0.85), 60_000);
  const report = await policy("bandit");
  assert.ok(share(report, "a") >= 0.1 - 1e-9, JSON.stringify(report.shares));
  const [{ author, reason }] = await history("bandit");
  assert.equal(author, "policy");
  assert.match(reason, /^a gets [\d.]+ % \(mean [\d.]+ of \d+ outcomes\), b gets/);
  await act("bandit", "stop");
  await hosts.close();
});
