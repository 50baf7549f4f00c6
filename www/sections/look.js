// One row on which a shadow and the variant differ, looked at: what was asked, and what each answered, where it was captured.

import { Asking } from "../lib/asking.js";
import { brief, decoded } from "../lib/captured.js";
import { element } from "../lib/dom.js";
import { said, when } from "../lib/predicted.js";
import { token } from "../lib/token.js";
import { askToken } from "../lib/tokenform.js";
import { captured } from "../lib/worker.js";

/** Where it is looked at: `{element, open(disagreement), close()}`. `endpoint` gives the name of the endpoint. */
export function looking(endpoint) {
  const title = element("h3", { id: "looked-title" });
  const [status, trouble, asked, body] = [element("p.verdict", { role: "status" }), element("div"), element("div"), element("div.looked")];
  const close = element("button", { type: "button", onclick: () => made.close() }, "Close");
  const made = element("dialog", { "aria-labelledby": "looked-title" }, element("div.between", {}, title, close), asked, trouble, status, body);
  const asking = new Asking({ status, trouble });

  const refuse = (each, refused) =>
    askToken(asked, {
      why: refused ? "This is not the admin token." : "What was captured is shown to the administrator alone.",
      button: "Look at it",
      given: () => {
        close.focus();
        read(each);
      },
    });

  function read(each) {
    asked.replaceChildren();
    body.replaceChildren();
    if (!token()) return refuse(each);
    return asking.run("Looking …", async (signal) => {
      try {
        const found = await captured(endpoint(), each.inference_id, token(), signal);
        const lines = found?.lines ?? [];
        if (lines.length === 0) return "Not captured. What is kept of requests is the endpoint’s capture: it is off, or this request was not among them.";
        body.replaceChildren(...sides(each, lines));
        return found.complete ? "" : "This may not be all that was captured of it.";
      } catch (error) {
        if (error.status !== 401) throw error;
        refuse(each, true);
      }
    });
  }

  function open(each) {
    title.replaceChildren(`Where ${each.shadow} and ${each.variant} differ`);
    body.replaceChildren();
    asking.drop();
    made.showModal();
    close.focus();
    read(each);
  }

  made.addEventListener("close", () => asking.drop());
  return { element: made, open, close: () => made.close() };
}

/** The request, and what each answered. The two lines have the same request. */
function sides(each, lines) {
  const { variant, shadow, row } = each;
  const part = (name, side) => {
    const { text, note } = decoded(side);
    return element("div", {}, element("h4", {}, name), text === undefined ? element("p.note", {}, note) : element("pre", { tabindex: "0", role: "region", "aria-label": name }, element("code", {}, text)));
  };
  const of = (name) => lines.find((line) => line.variant === name)?.line?.captureData;
  const input = lines.map(({ line }) => line?.captureData?.endpointInput).find(Boolean);
  return [
    element("p.note", {}, "Inference id ", element("code", {}, brief(each.inference_id)), ` · ${when(each.at_ms)}${row > 0 ? ` · row ${row + 1}` : ""}`),
    element("p", {}, `${variant} said ${said(each.variant_said)}; ${shadow} said ${said(each.shadow_said)}.`),
    part("Asked", input),
    part(`${variant} answered`, of(variant)?.endpointOutput),
    part(`${shadow}, the shadow, answered`, of(shadow)?.endpointOutput),
  ];
}
