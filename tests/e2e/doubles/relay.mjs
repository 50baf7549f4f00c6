// The main module of a process without experiments: what is asked of one goes to the process that has them. On its way it is
// lost, comes twice or late, or its answer is lost, as often as FAULTS says, a number between 0 and 1.

import { DurableObject } from "cloudflare:workers";
import turnout from "index.js";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Experiment extends DurableObject {
  async ask(name, question) {
    const ask = async () => {
      const answer = await this.env.OBJECTS.fetch("http://objects/", { method: "POST", body: JSON.stringify({ name, question }) });
      if (!answer.ok) throw new Error(`the object answered ${answer.status}`);
      return answer.text();
    };
    // What is no tally is not sent again by itself.
    const faults = question.startsWith('{"tally"') ? Number(this.env.FAULTS) : 0;
    const fault = Math.random() < faults ? Math.floor(Math.random() * 4) : -1;
    if (fault === 0) throw new Error("lost on the way");
    const answer = await ask();
    if (fault === 1) throw new Error("its answer was lost");
    if (fault === 2) await ask();
    if (fault === 3) this.ctx.waitUntil(pause(300).then(ask).catch(() => {}));
    return answer;
  }
}

export default turnout;
