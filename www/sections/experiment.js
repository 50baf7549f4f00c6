// The experiment: held-out rows sent where the weights send them, the truth told of each, and the verdict on it as it comes in.

import { Asking } from "../lib/asking.js";
import { eachFrame } from "../lib/crew.js";
import { count, element, find, plural } from "../lib/dom.js";
import { Errors } from "../lib/errors.js";
import { Evidence } from "../lib/evidence.js";
import { Run } from "../lib/run.js";
import { Split } from "../lib/split.js";
import { clear, show } from "../lib/trouble.js";
import { table } from "../lib/worker.js";
import { quality } from "./quality.js";
import { verdict } from "./verdict.js";

/** So many are sent at a time, unless a verdict comes before. */
const MOST = 6_000;
/** So many where there is one already. */
const MORE = 1_000;
const LOOK_EVERY_MS = 1_000;
const WATCH_EVERY_MS = 5_000;
const ROWS = { digits: "digits", churn: "customers" };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One endpoint's: its run, and the rows that it draws from. */
class Subject {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.split = new Split();
    this.run = null;
  }

  async begin() {
    const rows = (await table(this.endpoint.name)).map(([label, ...values]) => ({ label, csv: values.join(",") }));
    this.run = new Run(this.endpoint, rows);
  }
}

/** `endpoints` are those that could be read, the first is shown at first. */
export async function experiment(endpoints) {
  const subjects = endpoints.map((endpoint) => new Subject(endpoint));
  const choice = find("#experiment-endpoint");
  const button = find("#run");
  const errors = new Errors(find("#run-trouble"));
  const progress = find("#run-progress");
  const asking = new Asking({ status: find("#run-status"), trouble: find("#run-trouble") });
  const evidence = new Evidence();
  let subject = subjects[0];
  let goal = { from: 0, most: 1 };

  function paint() {
    const { run, split } = subject;
    progress.value = run ? (run.answered - goal.from) / goal.most : 0;
    errors.show();
    const divided = split.total > 0 ? split.say() : null;
    find("#run-counts").textContent = run ? `You sent ${plural(run.answered, "request")} here; the truth of ${count(run.told)} is told.` : "You have sent nothing yet.";
    find("#run-split").replaceChildren(...(divided ? [element(`span.${divided.good ? "good" : "odd"}`, {}, divided.text)] : []));
  }
  const painting = eachFrame(paint);

  /** Where somebody has changed the weights, what is expected from here on has to be asked first. */
  const asked = new Set();
  let reading = null;
  async function counted({ endpoint, split }, answer) {
    if (!split.knows(answer.revision) && !asked.has(answer.revision)) {
      asked.add(answer.revision);
      reading = endpoint.read().finally(() => (reading = null));
    }
    await reading;
    split.follow(endpoint);
    split.add(answer);
  }

  async function look() {
    await evidence.look();
    if (evidence.trouble) show(find("#verdict-trouble"), evidence.trouble);
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

  function start() {
    const mine = subject;
    const what = ROWS[mine.endpoint.name] ?? "rows";
    errors.reset();
    return asking.run(`Sending held-out ${what} …`, async (signal) => {
      if (!mine.run) await mine.begin();
      if (!evidence.verdict) await look();
      const { run } = mine;
      const before = evidence.decided;
      goal = { from: run.answered, most: before ? MORE : MOST };
      mine.split.follow(mine.endpoint);
      paint();
      const enough = () => !before && evidence.decided;
      const answer = async (given) => {
        await counted(mine, given);
        if (subject === mine) painting();
      };
      const failed = (error) => {
        if (subject !== mine) return;
        errors.add(error);
        painting();
      };
      const going = run.go(signal, { most: goal.most, enough, answer, failed });
      const [how] = await Promise.all([going, lookUntil(going)]);
      if (subject !== mine) return;
      asking.rename("Go on");
      paint();
      await look();
      const owed = run.owed > 0 ? ` The truth of ${count(run.owed)} could not be told; going on tells it.` : "";
      const failures = errors.total > 0 ? `, ${count(errors.total)} failed` : "";
      const end = how.gaveUp ? "Gave up after many failures in a row" : how.stopped ? "Stopped" : !before && evidence.decided ? "Done, as there is a verdict" : "Done";
      return `${end}: ${plural(run.answered, "request")} answered in all${failures}.${owed}`;
    });
  }

  function choose(name) {
    asking.drop();
    errors.reset();
    subject = subjects.find(({ endpoint }) => endpoint.name === name);
    goal = { from: subject.run?.answered ?? 0, most: 1 };
    asking.rename(subject.run ? "Go on" : "Run the experiment");
    evidence.choose(name);
    paint();
    return look();
  }

  choice.replaceChildren(...endpoints.map(({ name, variants }) => element("option", { value: name }, `${name}: ${variants.join(" or ")}`)));
  verdict(evidence, find("#verdict"));
  quality(evidence, find("#quality"));
  choice.addEventListener("change", () => choose(choice.value));
  asking.startedBy(button, start);
  await choose(subject.endpoint.name);
  const watch = () => document.hidden || asking.busy || look();
  setInterval(watch, WATCH_EVERY_MS);
  document.addEventListener("visibilitychange", watch);
}
