// The experiment: held-out rows sent where the weights send them, the truth told of each, and the verdict on it as it comes in.
// Where there is a challenger, a ramp hands it the traffic meanwhile, or turns back.

import { Asking } from "../lib/asking.js";
import { eachFrame } from "../lib/crew.js";
import { count, element, find, list, percent, plural } from "../lib/dom.js";
import { Errors } from "../lib/errors.js";
import { Evidence } from "../lib/evidence.js";
import { briefly, sentence } from "../lib/guardrails.js";
import { CHALLENGERS, atRest, broken, ramped } from "../lib/ramp.js";
import { Run } from "../lib/run.js";
import { Shadows, shadowsOf } from "../lib/shadows.js";
import { Split } from "../lib/split.js";
import { Steering } from "../lib/steering.js";
import { keptBy, token } from "../lib/token.js";
import { clear, show } from "../lib/trouble.js";
import { putDocument, rollback, seeded, table } from "../lib/worker.js";
import { policy } from "./policy.js";
import { quality } from "./quality.js";
import { shadows } from "./shadows.js";
import { verdict } from "./verdict.js";

/** So many are sent at a time, unless a verdict comes before. */
const MOST = 6_000;
/** So many where there is one already. */
const MORE = 1_000;
/** So many while a ramp goes on. */
const MOST_RAMPED = 12_000;
const LOOK_EVERY_MS = 1_000;
const WATCH_EVERY_MS = 5_000;
const ROWS = { digits: "digits", churn: "customers" };
/** No faster than one can watch; what is told at once is about what comes in half a second. */
const PACE = { run: { aSecond: 40, batch: 20 }, break: { aSecond: 20, batch: 10 } };
/** For so long customers still come after a ramp has turned back, so that it is seen where they go. */
const AFTER_MS = 4_000;
const REASON = { run: "from the demo page", break: "from the demo page, to a host that does not exist" };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What this tab remembers of an endpoint, so that loading the page again loses neither the run nor the way back. */
const remember = (name, what, value) => (value === null ? sessionStorage.removeItem(`${what} ${name}`) : sessionStorage.setItem(`${what} ${name}`, value));
const remembered = (name, what) => sessionStorage.getItem(`${what} ${name}`);

/** One endpoint's: its run, and the rows that it draws from. */
class Subject {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.challenger = CHALLENGERS[endpoint.name] ?? null;
    this.split = new Split();
    this.run = null;
    this.tookOver = 0;
  }

  get name() {
    return this.endpoint.name;
  }

  get rows() {
    return ROWS[this.name] ?? "rows";
  }

  async begin() {
    const rows = (await table(this.name)).map(([label, ...values]) => ({ label, csv: values.join(",") }));
    this.run = new Run(this.endpoint, rows);
  }
}

/** `endpoints` are those that could be read, the first is shown at first. */
export async function experiment(endpoints) {
  const subjects = endpoints.map((endpoint) => new Subject(endpoint));
  const choice = find("#experiment-endpoint");
  const [button, breaking] = [find("#run"), find("#break")];
  const [asked, offers] = [find("#run-asked"), find("#run-offers")];
  const errors = new Errors(find("#run-trouble"));
  const progress = find("#run-progress");
  const asking = new Asking({ status: find("#run-status"), trouble: find("#run-trouble"), waiting: [breaking] });
  const evidence = new Evidence();
  const steering = new Steering();
  const shadowed = new Shadows();
  let subject = subjects[0];
  let goal = { from: 0, most: 1 };

  function paint() {
    const { run, split, tookOver } = subject;
    const { step } = steering.report ?? {};
    const ramping = subject.challenger && step?.of;
    if (ramping) progress.value = (steering.status === "done" ? step.of : step.number - 1) / step.of;
    else progress.value = run ? (run.answered - goal.from) / goal.most : 0;
    progress.setAttribute("aria-label", ramping ? "Steps of the ramp" : "Requests of this run");
    errors.show();
    // Where one has all of it, or another has answered in its place, there is nothing to compare.
    const divided = split.total > 0 && tookOver === 0 && !subject.endpoint.shares.includes(1) ? split.say() : null;
    find("#run-counts").textContent = run ? `You sent ${plural(run.answered, "request")} here; the truth of ${count(run.told)} is told.` : "You have sent nothing yet.";
    find("#run-split").replaceChildren(
      ...(divided ? [element(`span.${divided.good ? "good" : "odd"}`, {}, divided.text)] : []),
      ...(tookOver > 0 ? [`Nobody went without an answer: ${subject.challenger.from} answered ${plural(tookOver, "time")} for the host that failed.`] : []),
    );
  }
  const painting = eachFrame(paint);

  /** Where somebody has changed the weights, what is expected from here on has to be asked first. */
  const askedFor = new Set();
  let reading = null;
  async function counted({ endpoint, split }, answer) {
    if (!split.knows(answer.revision) && !askedFor.has(answer.revision)) {
      askedFor.add(answer.revision);
      reading = endpoint.read().finally(() => (reading = null));
    }
    await reading;
    split.follow(endpoint);
    split.add(answer);
  }

  async function look() {
    await Promise.all([evidence.look(), subject.challenger ? steering.look() : null]);
    await shadowed.look(shadowsOf(evidence.description).length > 0);
    const trouble = evidence.trouble ?? (subject.challenger ? steering.trouble : null) ?? shadowed.trouble;
    if (trouble) show(find("#verdict-trouble"), trouble);
    else clear(find("#verdict-trouble"));
  }

  /** Looks again and again until something is over. */
  async function lookUntil(going) {
    let over = false;
    const end = going.finally(() => (over = true));
    for (;;) {
      await Promise.race([end, sleep(LOOK_EVERY_MS)]);
      if (over) return;
      await look();
    }
  }

  /** Sends rows until it is enough, and looks at what comes of it meanwhile. */
  async function send(mine, signal, { most, enough, pace }) {
    const { run } = mine;
    goal = { from: run.answered, most };
    mine.split.follow(mine.endpoint);
    paint();
    const answer = async (given) => {
      if (given.reason === "fallback") mine.tookOver += 1;
      await counted(mine, given);
      if (subject === mine) painting();
    };
    const failed = (error) => {
      if (subject !== mine) return;
      errors.add(error);
      painting();
    };
    const going = run.go(signal, { most, enough, answer, failed, ...pace });
    const [how] = await Promise.all([going, lookUntil(going)]);
    return how;
  }

  /** How many were answered and failed, in a sentence, and what is owed. */
  function tally(end, { run }) {
    const owed = run.owed > 0 ? ` The truth of ${count(run.owed)} could not be told; going on tells it.` : "";
    const failures = errors.total > 0 ? `, ${count(errors.total)} failed` : "";
    return `${end}: ${plural(run.answered, "request")} answered in all${failures}.${owed}`;
  }

  /** Traffic alone, by the weights as they are. */
  function start() {
    const mine = subject;
    errors.reset();
    mine.tookOver = 0;
    clear(asked);
    clear(offers);
    return asking.run(`Sending held-out ${mine.rows} …`, async (signal) => {
      if (!mine.run) await mine.begin();
      if (!evidence.verdict) await look();
      const before = evidence.decided;
      const how = await send(mine, signal, { most: before ? MORE : MOST, enough: () => !before && evidence.decided });
      if (subject !== mine) return;
      name();
      paint();
      await look();
      return tally(how.gaveUp ? "Gave up after many failures in a row" : how.stopped ? "Stopped" : !before && evidence.decided ? "Done, as there is a verdict" : "Done", mine);
    });
  }

  /** What the button says when nothing goes on. */
  function name() {
    asking.rename(subject.challenger && steering.isOpen ? "Go on with the ramp" : subject.run && !subject.challenger ? "Go on" : "Run the experiment");
  }

  /** Asks for the admin token, where it is needed and not there. */
  function askToken(kind, refused = null) {
    const input = element("input", { type: "password", id: "run-token", autocomplete: "off", spellcheck: "false", "aria-describedby": "run-token-note" });
    keptBy(input);
    const alone = kind === "run" ? element("button", { type: "button", onclick: () => (button.focus(), start()) }, "Leave the weights, send customers only") : null;
    const form = element(
      "form.problem.plain",
      { autocomplete: "off", "aria-label": "Admin token" },
      element("p", {}, refused ? `${sentence(refused.message)} ${sentence(refused.fix)}` : "A ramp moves the weights, and that needs the admin token."),
      element("label.field", {}, "Admin token", input),
      element("p.note", { id: "run-token-note" }, "Kept in this page's memory only. ", element("code", {}, "make dev"), " prints an address of this page that brings it along; it is ADMIN_TOKEN in the file .dev.vars."),
      element("div.row", {}, element("button.primary", { type: "submit" }, kind === "run" ? "Run it" : "Break it"), alone),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!token()) return input.focus();
      (kind === "run" ? button : breaking).focus();
      ramp(kind);
    });
    asked.replaceChildren(form);
    input.focus();
    input.select();
  }

  /** Starts a ramp, from where one model has all of the traffic. */
  async function begin(mine, kind, signal) {
    const { name, challenger, endpoint } = mine;
    const seed = await seeded(name, signal);
    await endpoint.read();
    if (remembered(name, "before") === null) remember(name, "before", endpoint.revision);
    const { from } = challenger;
    if (endpoint.shares[endpoint.position(from)] !== 1) await putDocument(name, atRest(seed, challenger), endpoint.revision, token(), { reason: `${REASON[kind]}: first, all traffic to ${from}`, signal });
    await steering.act("start", { document: (kind === "break" ? broken : ramped)(seed, challenger), reason: REASON[kind], signal });
  }

  /** A ramp with customers that are told the truth about. Where one goes on already, they are sent to that. */
  function ramp(kind) {
    const mine = subject;
    const { challenger } = mine;
    errors.reset();
    mine.tookOver = 0;
    clear(asked);
    clear(offers);
    return asking.run(kind === "break" ? `Handing ${challenger.to} to a host that does not exist …` : "Starting the ramp …", async (signal) => {
      if (!mine.run) await mine.begin();
      steering.token = token();
      await look();
      if (steering.trouble) throw steering.trouble;
      let joined = steering.isOpen;
      if (steering.status === "paused") return paused();
      if (!joined) {
        if (!token()) return askToken(kind);
        try {
          await begin(mine, kind, signal);
        } catch (error) {
          if (error.code === "unauthorized") return askToken(kind, error);
          // Somebody was faster.
          if (error.code !== "policy_open") throw error;
          joined = true;
          await look();
        }
      }
      remember(mine.name, "running", kind);
      const began = performance.now();
      await mine.endpoint.read();
      asking.say(`${joined ? "A ramp was going on already: sending it" : "Sending"} held-out ${mine.rows} …`);
      let over = null;
      const enough = () => {
        if (steering.isOpen && steering.status !== "paused") return false;
        over ??= performance.now();
        return steering.status !== "rolled_back" || performance.now() - over > AFTER_MS;
      };
      const how = await send(mine, signal, { most: MOST_RAMPED, enough, pace: PACE[kind] });
      remember(mine.name, "running", null);
      if (subject !== mine) return;
      await look();
      await mine.endpoint.read();
      name();
      paint();
      if (remembered(mine.name, "before") !== null || steering.isOpen || steering.status === "done") offerBack(mine);
      const seconds = Math.round(((over ?? performance.now()) - began) / 1_000);
      return ended(mine, how, seconds);
    });
  }

  /** How a ramp came out, in a sentence. */
  function ended(mine, how, seconds) {
    const { from, to } = mine.challenger;
    const { report, status, deeds, names } = steering;
    const shares = list((report?.shares ?? []).map(([name, share]) => `${name} ${percent(share, 0)}`));
    if (how.gaveUp) return tally("Gave up after many failures in a row", mine);
    if (status === "done") return `Done after ${seconds} s: ${to} is better, so it has all of the traffic.`;
    if (status === "rolled_back") return `Rolled back after ${seconds} s${[briefly(deeds.at(-1))].filter(Boolean).map((why) => `, because ${why.replace(/^it /, `${to} `)}`)}: ${from} has all of the traffic again.`;
    if (status === "paused") return `Paused: ${sentence(report.says, names)}`;
    if (how.stopped && steering.isOpen) return `${tally("Stopped", mine)} The ramp waits where it is for more: ${shares}.`;
    if (how.stopped) return tally("Stopped", mine);
    return `${tally("Not decided yet", mine)} Go on, or put everything back.`;
  }

  /** One that rests can be let go on, or ended. */
  function paused() {
    const act = (action, next) => async () => {
      steering.token = token();
      if (!steering.token) return askToken("run");
      clear(offers);
      button.focus();
      try {
        await steering.act(action, { reason: REASON.run });
        next();
      } catch (error) {
        show(asking.trouble, error);
      }
    };
    offers.replaceChildren(
      element("button", { type: "button", onclick: act("resume", () => ramp("run")) }, "Let it go on"),
      element("button", { type: "button", onclick: act("stop", () => ramp("run")) }, "End it, and begin anew"),
    );
    return `A ramp is paused here: ${sentence(steering.report.says, steering.names)}`;
  }

  function offerBack(mine) {
    offers.replaceChildren(element("button", { type: "button", onclick: () => putBack(mine) }, "Put everything back"));
  }

  /** The weights as they were before the first run of this tab. What is known of outcomes stays known. */
  function putBack(mine) {
    if (asking.busy) return;
    steering.token = token();
    if (!steering.token) return askToken("run");
    const first = remembered(mine.name, "before");
    button.focus();
    return asking.run("Putting everything back …", async (signal) => {
      await steering.look();
      if (steering.isOpen || (first === null && steering.status === "done")) await steering.act("roll_back", { reason: REASON.run, signal });
      await mine.endpoint.read();
      if (first !== null && first !== mine.endpoint.revision) await rollback(mine.name, first, mine.endpoint.revision, token(), signal);
      remember(mine.name, "before", null);
      remember(mine.name, "running", null);
      await Promise.all([mine.endpoint.read(), look()]);
      clear(offers);
      name();
      paint();
      const { answering } = mine.endpoint;
      return `Everything is as it was: ${list(answering.map((variant) => `${variant} ${percent(mine.endpoint.share(variant), 0)}`))}. What was learnt from outcomes stays.`;
    });
  }

  function choose(chosen) {
    asking.drop();
    errors.reset();
    clear(asked);
    clear(offers);
    subject = subjects.find(({ endpoint }) => endpoint.name === chosen);
    goal = { from: subject.run?.answered ?? 0, most: 1 };
    breaking.hidden = !subject.challenger;
    evidence.choose(chosen);
    steering.choose(chosen);
    shadowed.choose(chosen);
    name();
    paint();
    return look().then(() => {
      if (subject.name !== chosen || asking.busy) return;
      name();
      paint();
      if (subject.challenger && remembered(chosen, "before") !== null) offerBack(subject);
    });
  }

  choice.replaceChildren(...endpoints.map(({ name, answering, shadows }) => element("option", { value: name }, `${name}: ${answering.join(" or ")}${shadows.length > 0 ? `, with the shadow ${list(shadows)}` : ""}`)));
  verdict(evidence, find("#verdict"), steering);
  policy(steering, evidence, find("#steered"), { modest: true });
  quality(evidence, find("#quality"));
  shadows(shadowed, evidence, find("#shadows"), { few: 5 });
  choice.addEventListener("change", () => choose(choice.value));
  asking.startedBy(button, () => (subject.challenger ? ramp("run") : start()));
  breaking.addEventListener("click", () => ramp("break"));
  await choose(subject.name);
  choice.value = subject.name;
  const kind = remembered(subject.name, "running");
  if (kind && subject.challenger && steering.status === "running") ramp(kind);
  const watch = async () => {
    if (document.hidden || asking.busy) return;
    await look();
    if (!asking.busy) name();
  };
  setInterval(watch, WATCH_EVERY_MS);
  document.addEventListener("visibilitychange", watch);
}
