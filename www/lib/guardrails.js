// Guardrails and deeds of a policy in words.

import { count, percent } from "./dom.js";
import { measure } from "./measures.js";

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A sentence with its capital, unless it begins with one of `names`, and its full stop. */
export function sentence(text, names = []) {
  if (text === "") return "";
  const whole = /[.!?…]$/.test(text) ? text : `${text}.`;
  return names.some((name) => whole.startsWith(name)) ? whole : capital(whole);
}

const short = (number) => (number >= 1_000 ? count(Math.round(number)) : String(Number(number.toPrecision(2))));
const times = (number) => (number > 1_000 ? "over 1,000\u00a0times the others’" : `${short(number)}\u00a0times the others’`);
const atMost = (number) => (number === 1 ? "no more often than the others" : `at most ${times(number)}`);
const minutes = (number) => (number < 1 ? `${Math.round(60 * number)}\u00a0s` : `${short(number)}\u00a0min`);

/**
 * What is watched: its name, what was found, up to what it may go, and, in the middle of a sentence, what is wrong with a
 * variant that crosses it.
 */
const WATCHED = {
  errors: { name: "Failures", value: times, none: "none", limit: atMost, because: "it failed too often" },
  slow: { name: "Slow answers", value: times, none: "none", limit: atMost, because: "it was slow too often" },
  absolute: { name: "Failure rate", value: percent, none: "no requests yet", limit: (limit) => `at most ${percent(limit)}`, because: "it failed too often" },
  mismatch: { name: "Traffic", none: "divided as configured", wrong: "not divided as configured", because: "the traffic was not divided as configured" },
  goal: { name: "Goal", none: "no outcomes yet", limit: () => "not worse", because: "it was worse" },
  no_traffic: { name: "Requests", value: (quiet) => `the last ${minutes(quiet)} ago`, none: "none yet", limit: (limit) => `one in ${minutes(limit)}`, because: "no requests came" },
};
const THEN = { pause: "it pauses", roll_back: "it is rolled back" };

/** One guardrail: `{name, value, rule}`, the limit and what is done where it is crossed. `metric` is what the goal is about. */
export function guardrailWords({ metric, value, limit, breached, then }, goal = "goal") {
  const known = WATCHED[metric] ?? { name: metric, value: short, none: "–", limit: short };
  const rule = known.limit && limit !== null ? `${known.limit(limit)}, or ${THEN[then] ?? then}` : `otherwise ${THEN[then] ?? then}`;
  if (metric !== "goal") return { name: known.name, value: breached && known.wrong ? known.wrong : value !== null && known.value ? known.value(value) : known.none, rule };
  const { name, difference, unit } = measure(goal);
  return { name: capital(name), value: value === null ? known.none : `${difference(value)}${unit ? ` ${unit}` : ""}`, rule };
}

/** Why a policy was rolled back or paused, in a few words; nothing where no guardrail says it. */
export function briefly(deed) {
  const crossed = deed?.figures?.guardrails?.find(({ breached }) => breached);
  return crossed ? (WATCHED[crossed.metric]?.because ?? `${crossed.metric} went too far`) : "";
}

const DEEDS = { start: "Started", step: "Next step", pause: "Paused", resume: "Resumed", roll_back: "Rolled back", end: "Ended", stop: "Ended early" };

/** A deed: what it was, and why. */
export const deedWords = ({ deed, says }) => [DEEDS[deed] ?? deed, `${deed === "roll_back" ? "because " : ""}${/[.]$/.test(says) ? says : `${says}.`}`];
