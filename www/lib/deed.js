// Something that the administrator alone can do: a button, and under it the question for the token, what went wrong, and how
// things stand.

import { Asking } from "./asking.js";
import { element } from "./dom.js";
import { token } from "./token.js";
import { askToken } from "./tokenform.js";
import { clear, show } from "./trouble.js";

const ALONE = "This is done by the administrator alone.";
const ANOTHER = "This is not the admin token. Compare it with what stands in .dev.vars as ADMIN_TOKEN, or ask whoever deployed the worker.";

export class Deed {
  #turn = 0;

  /** `beside` stands in a row with the button. */
  constructor(label, ...beside) {
    this.button = element("button.primary", { type: "button" }, label);
    const [status, trouble] = [element("p.verdict", { role: "status" }), element("div")];
    /** Where something is asked before it can be done. */
    this.asked = element("div");
    this.trouble = trouble;
    this.asking = new Asking({ status, trouble });
    this.elements = [element("div.row", {}, this.button, ...beside), this.asked, trouble, status];
  }

  /**
   * Says `words` while `task(signal)` lasts, then what it gives. The token is asked for where there is none, and again where it
   * is another's. Gives `{done, error}`: whether it came to its end, and what kept it from that.
   */
  async run(words, task) {
    this.drop();
    const mine = this.#turn;
    for (let why = token() ? null : ALONE; ; why = ANOTHER) {
      if (why) await this.#ask(why);
      let error = null;
      const done = await this.asking.run(words, (signal) =>
        task(signal).catch((refused) => {
          error = refused;
          throw refused;
        }),
      );
      if (error?.code !== "unauthorized" || mine !== this.#turn) return { done, error };
      clear(this.trouble);
    }
  }

  /** Says what has to be put right first, in a field that gets the focus. */
  refuse(trouble, input) {
    this.drop();
    show(this.trouble, trouble);
    input.focus();
  }

  /** Asks something, with the buttons that answer it; the first gets the focus. */
  offer(title, words, ...buttons) {
    this.asked.replaceChildren(element("div.problem", { role: "group", "aria-label": title }, element("strong", {}, title), ` ${words}`, element("div.row", {}, ...buttons)));
    buttons[0].focus();
  }

  /** Stopped and forgotten, with all that was said of it. */
  drop() {
    this.#turn += 1;
    this.asking.drop();
    clear(this.asked);
  }

  #ask(why) {
    return new Promise((given) =>
      askToken(this.asked, {
        why,
        button: this.button.textContent,
        given: () => {
          this.button.focus();
          clear(this.asked);
          given();
        },
      }),
    );
  }
}
