// How long after a change the last answer by the older configuration comes: isolates in processes of their own, asked all the time.

import { startObjects } from "../../tests/e2e/objects.mjs";
import { ADMIN_TOKEN, sleep } from "../../tests/e2e/support.mjs";

const ISOLATES = 3;
const CALLERS = 2; // of each isolate, one request after the other
const WATCHED_MS = 2_500;

/** For each change, the milliseconds from its answer to when the last request was sent that was answered by the older one. */
export async function follow(changes) {
  const turnout = await startObjects({ isolates: ISOLATES });
  const origin = (name) => ({ name, weight: 1, origin: { url: "https://a.invalid" } });
  turnout.put("e", { variants: [origin("a"), origin("b")] });
  let ended = false;
  let change = null; // { revision, at, last }
  const call = async (isolate) => {
    while (!ended) {
      const began = performance.now();
      const { revision } = await (await isolate.fetch("/endpoints/e/assignments", { method: "POST" })).json();
      if (change && revision !== change.revision && began > change.at) change.last = began;
    }
  };
  const calls = turnout.isolates.flatMap((isolate) => Array.from({ length: CALLERS }, () => call(isolate)));
  await sleep(2_000);
  const lags = [];
  for (let weight = 2; weight < changes + 2; weight += 1) {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "if-match": "*" };
    const answer = await turnout.isolates[0].fetch("/endpoints/e/weights", { method: "PUT", headers, body: JSON.stringify({ a: weight }) });
    const at = performance.now();
    change = { revision: answer.headers.get("etag").replaceAll('"', ""), at, last: at };
    await sleep(WATCHED_MS);
    lags.push(change.last - at);
    change = null;
  }
  ended = true;
  await Promise.all(calls);
  await turnout.close();
  return lags;
}
