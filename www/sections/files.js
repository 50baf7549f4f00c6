// A place to drop files on, which is a button as well: a model, and its check rows if it has some.

import { count, element } from "../lib/dom.js";
import { digest, ENDINGS, isRows, rowsOf, size, sorted } from "../lib/modelfile.js";
import { clear, show } from "../lib/trouble.js";

/**
 * `{elements, model, rows}`: the model is `{file, sha256}`, its rows `{file, inputs, outputs, count}`, each `null` where there is
 * none. `taken` is told whenever they are others, `reading` when files are being read, and when they have been. Files are taken
 * wherever on `card` they fall.
 */
export function files(card, taken, reading) {
  const chooser = element("input", { type: "file", multiple: true, hidden: true, accept: ENDINGS.join(","), "aria-label": "Model file and check rows" });
  const hint = `${ENDINGS.join(", ")}, 25 MiB at most; with it, if there are some, its check rows (.check.json)`;
  const zone = element("button.drop", { type: "button", onclick: () => chooser.click() }, element("b", {}, "Drop a model file here, or choose one"), element("span.note", {}, hint));
  const [trouble, list, status] = [element("div"), element("ul.files", { "aria-label": "Files" }), element("p.unseen", { role: "status" })];
  const made = { elements: [chooser, zone, trouble, list, status], model: null, rows: null };
  let turn = 0;

  const line = (what, file, more, part) =>
    element(
      "li",
      {},
      element("span", {}, `${what} `, element("b", {}, file.name), ` · ${size(file.size)}${more}`),
      element("button.small", { type: "button", "aria-label": `Leave out ${file.name}`, onclick: () => leave(part) }, "Leave out"),
    );

  function paint() {
    const { model, rows } = made;
    list.replaceChildren(
      ...(model ? [line("Model", model.file, model.sha256 ? ` · SHA-256 ${model.sha256.slice(0, 12)} …` : "", "model")] : []),
      ...(rows ? [line("Check rows", rows.file, ` · ${count(rows.count)} rows${model ? "" : ", waiting for their model"}`, "rows")] : []),
    );
    status.textContent = [model && `Model ${model.file.name}`, rows && `check rows ${rows.file.name}`].filter(Boolean).join(", ") || "No file";
  }

  function leave(part) {
    turn += 1;
    reading(false);
    made[part] = null;
    clear(trouble);
    paint();
    zone.focus();
    taken();
  }

  /** Of files that are refused, those before stay. */
  async function choose(chosen) {
    if (chosen.length === 0) return;
    const mine = (turn += 1);
    clear(trouble);
    reading(true);
    try {
      const { model: file, rows: rowsFile } = sorted(chosen);
      const model = file ? { file, sha256: await digest(file) } : made.model;
      // Rows that were of the model before are not of this one.
      const rows = rowsFile ? { file: rowsFile, ...(await rowsOf(rowsFile, model?.sha256)) } : file && made.model ? null : made.rows;
      if (rows && !rowsFile && model) await rowsOf(rows.file, model.sha256);
      if (mine !== turn) return;
      Object.assign(made, { model, rows });
      paint();
      taken();
    } catch (error) {
      if (mine === turn) show(trouble, error);
    } finally {
      if (mine === turn) reading(false);
    }
  }

  chooser.addEventListener("change", () => {
    choose([...chooser.files]);
    // The same file can be chosen again, once it has been written anew.
    chooser.value = "";
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  // A file that falls beside it would take the place of the page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => hasFiles(event) && event.preventDefault());
  card.addEventListener("dragover", (event) => zone.classList.toggle("over", hasFiles(event)));
  for (const kind of ["dragleave", "drop"]) card.addEventListener(kind, () => zone.classList.remove("over"));
  card.addEventListener("drop", (event) => hasFiles(event) && choose([...event.dataTransfer.files]));
  return made;
}
