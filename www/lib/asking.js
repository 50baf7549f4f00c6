// The one way in which a section asks the worker: it says so while it lasts, tells a failure where it was asked, and leaves
// the focus where it is.

import { clear, show } from "./trouble.js";

// A button that is of no use now is marked by aria-disabled. `disabled` would take the focus from whoever has just pressed it.
document.addEventListener(
  "click",
  (event) => {
    if (!event.target.closest?.("[aria-disabled=true]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

/** Whether buttons can be pressed; they keep the focus. */
export function usable(buttons, yes) {
  for (const button of buttons) button.setAttribute("aria-disabled", String(!yes));
}

export class Asking {
  #controller = null;
  #starter = null; // { button, text }

  /** Where it is said how things stand, and what went wrong; and the buttons that wait until an answer is there. */
  constructor({ status, trouble, waiting = [] }) {
    Object.assign(this, { status, trouble, waiting });
  }

  get busy() {
    return this.#controller !== null;
  }

  /**
   * Says `words` while `task(signal)` lasts, and then what it gives: a text, an element or a list of them. A newer call puts an
   * end to an older one. Tells whether the task came to its end.
   */
  async run(words, task) {
    this.drop();
    const controller = new AbortController();
    this.#is(controller);
    this.#say(words);
    let said = "";
    let done = false;
    try {
      said = (await task(controller.signal)) ?? "";
      done = true;
    } catch (error) {
      if (this.#controller === controller && !controller.signal.aborted) show(this.trouble, error);
    }
    if (this.#controller !== controller) return false;
    this.#is(null);
    this.#say(said);
    return done;
  }

  /** The task is told to stop; what it has by then is said. */
  stop() {
    this.#controller?.abort();
  }

  /** Says something else while the task lasts. */
  say(words) {
    if (this.busy) this.#say(words);
  }

  /** The task is stopped and forgotten, with all that was said of it. */
  drop() {
    this.stop();
    this.#is(null);
    this.#say("");
    clear(this.trouble);
  }

  /** `button` starts a long task and, while it lasts, stops it: one button, which the focus need not leave. */
  startedBy(button, start) {
    this.#starter = { button, text: button.textContent };
    button.addEventListener("click", () => (this.busy ? this.stop() : start()));
  }

  /** What the button that starts it says from now on, when it is not to stop it. */
  rename(text) {
    this.#starter.text = text;
    if (!this.busy) this.#starter.button.textContent = text;
  }

  #is(controller) {
    this.#controller = controller;
    usable(this.waiting, !this.busy);
    if (this.#starter) this.#starter.button.textContent = this.busy ? "Stop" : this.#starter.text;
    this.status.classList.toggle("busy", this.busy);
  }

  #say(words) {
    this.status.replaceChildren(...[words].flat());
  }
}
