// What moves the weights by itself: the steps of a ramp, what it waits for, its guardrails, what was done, and what one may do.

import { Asking, usable } from "../lib/asking.js";
import { bar, element, list, percent, variantName } from "../lib/dom.js";
import { fold } from "../lib/folds.js";
import { deedWords, guardrailWords, sentence } from "../lib/guardrails.js";
import { shadowsOf } from "../lib/shadows.js";
import { clear } from "../lib/trouble.js";
import { history } from "../lib/worker.js";

const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
const short = (number) => String(Number(number.toPrecision(3)));
const duration = (seconds) => (seconds < 90 ? `${Math.ceil(seconds)} s` : seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`);
const shared = (shares) => list(shares.map(([name, share]) => `${name} ${percent(share, 0)}`));

/** The status in a few words: what is announced, so it says nothing that changes all the time. */
function word({ report, status, to }) {
  const kind = report.policy?.bandit ? "bandit" : "ramp";
  const { step } = report;
  switch (status) {
    case "running":
      return step?.of ? `Step ${step.number} of ${step.of}: ${to} has ${short(step.percent)} %` : "The traffic goes where outcomes are better";
    case "paused":
      return `Paused${step?.of ? ` at ${short(step.percent)} %` : ""}`;
    case "done":
      return step?.of ? `${to} has ${short(step.percents.at(-1))} % of the traffic` : "Ended, as there is a verdict";
    case "rolled_back":
      return "Rolled back";
    case "stopped":
      return "Ended early";
    default:
      return report.policy ? `A ${kind} is ready to start` : "Nothing moves the weights";
  }
}

/** Why it is there, in a sentence. */
function why(steering) {
  const { report, status, reason, names } = steering;
  if (status === null) return report.policy ? "" : `The document of ${steering.name} has no policy, so the weights stay until somebody changes them.`;
  // That it is so is said above; here, why.
  const says = ((status === "done" && reason) || (report.says ?? "")).replace(/^\S+ gets [\d.]+ % of the traffic: /, "because ");
  return status === "rolled_back" ? `Because ${says}` : sentence(says, names);
}

/** What it waits for, and about how long. The verdict is told in full elsewhere. */
function waitsFor({ report, names }) {
  const { waiting_for: says, about_seconds: seconds, policy } = report;
  if (!says) return "";
  const about = seconds === null ? "" : ` About ${duration(seconds)}.`;
  const [, before, what] = /^(before .+? gets [\d.]+ %): (.*)$/.exec(says) ?? [null, "", says.replace(/^.* of the traffic; /, "")];
  const isVerdict = before && policy?.ramp && !/^(the step|\d|outcomes)/.test(what);
  return `${sentence(`${before ? `${before}: ` : ""}${isVerdict ? `the verdict has to say that it is ${policy.ramp.promote_when === "better" ? "better" : "not worse"}` : what.trim()}`, names)}${about}`;
}

const MARKS = { done: "✓", now: "●", back: "✕", next: "" };
const SPOKEN = { done: "done", now: "now", back: "rolled back from here", next: "to come" };

function stepsOf({ report: { step }, status }) {
  return step.percents.map((of, i) => {
    const at = step.number - 1;
    const last = status === "done" ? "done" : status === "rolled_back" ? "back" : "now";
    const state = i < at ? (status === "rolled_back" ? "next" : "done") : i === at ? last : "next";
    return { of, state };
  });
}

function trackOf(steering) {
  const steps = stepsOf(steering).map(({ of, state }) =>
    element(`li.${state}`, { "aria-current": state === "now" ? "step" : null }, element("span.stop", { "aria-hidden": "true" }, MARKS[state]), element("b", {}, `${short(of)} %`), element("span.unseen", {}, `, ${SPOKEN[state]}`)),
  );
  return element("ol.ramp", { "aria-label": `Steps of ${steering.to}’s share` }, ...steps);
}

function guardrailOf(guarded, metric, { names, status }) {
  const { name, value, rule } = guardrailWords(guarded, metric);
  return element(
    `li.${guarded.breached ? "crossed" : "quiet"}`,
    {},
    element("span.state", {}, guarded.breached ? "✕ crossed" : "✓ quiet"),
    element("span", {}, element("b", {}, name), ` ${value}`, element("span.note", {}, ` · ${rule}`)),
    // Where it was what ended it, it is said above.
    guarded.breached && status === "running" ? element("span.note.says", {}, sentence(guarded.says, names)) : null,
  );
}

function deedOf(deed) {
  const [what, said] = deedWords(deed);
  return element("li", {}, element("span.note", {}, clock(deed.at_ms)), element("span", {}, element("b", {}, what), deed.deed === "roll_back" ? ", " : ": ", said));
}

/** The share of users that have another variant under other shares. */
function moving(from, to) {
  const names = new Set([...from, ...to].map(([name]) => name));
  const of = (shares, name) => shares.find(([known]) => known === name)?.[1] ?? 0;
  return [...names].reduce((sum, name) => sum + Math.abs(of(from, name) - of(to, name)), 0) / 2;
}

/**
 * Fills `place` with what is known of the policy that `steering` looks at, and keeps it up to date. `evidence` says what the
 * goal is about. Without `controls` there is nothing to press; with them, `{token, ask, changed}`: the admin token, what asks
 * for one, and what is to look again. Where there is nothing to be told, `place` is hidden if `modest`.
 */
export function policy(steering, evidence, place, { controls = null, modest = false } = {}) {
  // The one thing that is announced: the status and the step, when they are others.
  const said = element("p.word.small", { role: "status" });
  const because = element("p");
  const track = element("div");
  const waiting = element("p.note");
  const shares = element("ul.odds.shares", { "aria-label": "Shares of the traffic" });
  const guardrails = element("ul.guardrails");
  const guarded = fold("Guardrails", guardrails);
  const deeds = element("ol.deeds");
  const done = fold("What happened", deeds);
  guarded.hidden = done.hidden = true;
  let offer = () => {};
  const acting = controls ? buttons() : [];
  place.replaceChildren(said, because, track, waiting, shares, ...acting, guarded, done);
  let shown = {};

  /** Only what is another is replaced, so that a reader is where they were. */
  function put(part, children, state) {
    const text = JSON.stringify(state);
    if (shown[part.tagName + part.className] === text) return;
    shown[part.tagName + part.className] = text;
    part.replaceChildren(...children);
  }

  function paint() {
    const { report, missing, status } = steering;
    place.hidden = modest && !missing && status === null;
    if (missing) {
      said.textContent = "Nothing moves the weights";
      because.textContent = missing;
      return offer();
    }
    if (!report) return;
    const text = word(steering);
    if (said.textContent !== text) said.textContent = text;
    said.className = `word small ${status === "done" ? "decided" : status === "rolled_back" ? "odd" : ""}`;
    const reason = why(steering);
    if (because.textContent !== reason) because.textContent = reason;
    const { step } = report;
    put(track, step?.of ? [trackOf(steering)] : [], [step?.percents, step?.number, status]);
    waiting.textContent = waitsFor(steering);
    const shadows = shadowsOf(evidence.description);
    const lines = report.shares.map(([name, share], i) => (shadows.includes(name) ? null : element(`li.v${i % 6}`, {}, variantName(name, i), bar(share), element("b", {}, percent(share, 0)))));
    put(shares, lines.filter(Boolean), [report.shares, shadows]);
    guarded.hidden = report.guardrails.length === 0;
    const metric = evidence.verdict?.metric;
    put(guardrails, report.guardrails.map((each) => guardrailOf(each, metric, steering)), [report.guardrails.map(({ metric, value, breached, says }) => [metric, value, breached, says]), metric, status]);
    const told = steering.deeds.toReversed();
    done.hidden = told.length === 0;
    put(deeds, told.map(deedOf), told.map(({ number }) => number));
    offer();
  }

  function buttons() {
    const main = element("button.primary", { type: "button" });
    const hurry = element("button", { type: "button", onclick: () => act("hurry", "Taking the next step …") }, "Next step now");
    const back = element("button", { type: "button", onclick: () => confirm() }, "Roll back …");
    const stop = element("button", { type: "button", onclick: () => act("stop", "Ending it …") }, "End it here");
    const [status, trouble, asked] = [element("p.verdict", { role: "status" }), element("div"), element("div")];
    const asking = new Asking({ status, trouble });
    const row = element("div.row.acts", { role: "group", "aria-label": "Ramp" }, main, hurry, back, stop);
    const next = { running: ["pause", "Pause", "Pausing …"], paused: ["resume", "Resume", "Resuming …"] };
    main.addEventListener("click", () => {
      const [action, , words] = next[steering.status] ?? ["start", "", "Starting …"];
      act(action, words);
    });

    offer = () => {
      const { report, status, isOpen } = steering;
      const startable = !isOpen && report?.policy;
      row.hidden = !report || (!isOpen && !startable && status !== "done");
      main.textContent = next[status]?.[1] ?? "Start";
      usable([main], isOpen || Boolean(startable));
      usable([hurry], status === "running");
      usable([back], isOpen || status === "done");
      usable([stop], isOpen);
    };

    async function act(action, words) {
      if (asking.busy) return;
      clear(asked);
      steering.token = controls.token();
      if (!steering.token) return controls.ask(trouble);
      await asking.run(words, async (signal) => {
        try {
          await steering.act(action, { signal });
        } catch (error) {
          if (error.code === "unauthorized") controls.ask();
          throw error;
        } finally {
          controls.changed();
        }
        return "";
      });
    }

    /** Says what is put back and who moves, then asks. */
    async function confirm() {
      asking.drop();
      steering.token = controls.token();
      if (!steering.token) return controls.ask(trouble);
      const { report, name, token } = steering;
      const known = await asking.run("Looking up what was before …", async () => {
        let [page, found] = [{ cursor: "" }, null];
        for (let pages = 0; !found && page.cursor !== undefined && pages < 5; pages += 1) {
          page = await history(name, token, page.cursor);
          found = page.changes.find(({ revision }) => revision === report.before);
        }
        const move = found?.shares ? ` ${percent(moving(report.shares, found.shares))} of the users who keep a variant would get another one. Now: ${shared(report.shares)}. Then: ${shared(found.shares)}.` : ` Now: ${shared(report.shares)}.`;
        const yes = element("button.primary", { type: "button" }, "Roll back");
        const no = element("button", { type: "button" }, "Leave it");
        yes.addEventListener("click", async () => {
          back.focus();
          await act("roll_back", "Rolling back …");
        });
        no.addEventListener("click", () => {
          clear(asked);
          back.focus();
        });
        asked.replaceChildren(element("div.problem", { role: "group", "aria-label": "Roll back" }, element("strong", {}, `Back to revision ${report.before}, from before ${steering.to ? `${steering.to}’s ramp` : "the policy"}?`), move, element("div.row", {}, yes, no)));
        yes.focus();
      });
      if (!known) clear(asked);
    }

    return [row, asked, trouble, status];
  }

  steering.addEventListener("chosen", () => {
    shown = {};
    place.hidden = modest;
    for (const part of [said, because, waiting]) part.textContent = "";
    for (const part of [track, shares, guardrails, deeds]) part.replaceChildren();
    guarded.hidden = done.hidden = true;
    offer();
  });
  steering.addEventListener("looked", paint);
  // What the goal is about may be known later.
  evidence.addEventListener("looked", paint);
}
