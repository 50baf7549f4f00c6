// Files as they are dropped: which is the model, which are its check rows, and what they are to be called.

import { Failure } from "./worker.js";

/** What one value of KV holds. */
export const MOST_BYTES = 25 * 2 ** 20;
/** What a file of check rows may have. */
const MOST_ROWS_BYTES = 6 * 2 ** 20;
export const ENDINGS = [".onnx", ".ubj", ".json", ".txt", ".tar.gz"];
const ROWS_ENDING = ".check.json";
/** What other libraries write, and what to do about it. */
const ELSEWHERE = /\.(pkl|pickle|joblib|pt|pth|h5|keras|pb|tflite|safetensors|cbm|pmml)$/i;

/** A size as one reads it. */
export const size = (bytes) => (bytes < 2 ** 10 ? `${bytes} bytes` : bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`);

const refused = (message, fix) => new Failure({ code: "bad_file", message, fix });
const ends = (name, ending) => name.toLowerCase().endsWith(ending);
export const isRows = ({ name }) => ends(name, ROWS_ENDING);

/** The model and the check rows among files, each absent where there is none. Throws in words what can be neither. */
export function sorted(files) {
  const [rows, models] = [files.filter(isRows), files.filter((file) => !isRows(file))];
  if (models.length > 1) throw refused(`these are ${models.length} models: ${models.map(({ name }) => name).join(", ")}`, "drop one of them, with its check rows if it has some");
  if (rows.length > 1) throw refused(`these are ${rows.length} files of check rows`, "drop those of one model");
  models.forEach(check);
  for (const { name, size: bytes } of rows) if (bytes > MOST_ROWS_BYTES) throw refused(`${name} has more than 6 MiB`, "check rows have no more; write fewer of them");
  return { model: models[0], rows: rows[0] };
}

function check({ name, size: bytes }) {
  if (!ENDINGS.some((ending) => ends(name, ending))) {
    const exported = ELSEWHERE.test(name) ? "export it to ONNX, or save it as XGBoost or LightGBM do" : "rename it, if it is one of these";
    throw refused(`${name} ends with none of ${ENDINGS.join(", ")}`, exported);
  }
  if (bytes === 0) throw refused(`${name} is empty`, "see that it was written to the end");
  if (bytes > MOST_BYTES) throw refused(`${name} has more than 25 MiB, which is what the store takes`, "make it smaller (fewer trees, 16-bit weights), or have a model host run it, as an origin");
}

/** The SHA-256 of a file; `null` where the browser computes none, which it does not for a page that came over plain HTTP. */
export async function digest(file) {
  if (!globalThis.crypto?.subtle) return null;
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const ending = (name) => ENDINGS.find((known) => ends(name, known)) ?? "";
const stem = (name) => name.slice(0, name.length - ending(name).length);

/** The key that is proposed for a file. */
export const keyFor = (endpoint, { name }) => `${endpoint}/${name.replaceAll(/[^A-Za-z0-9._-]+/g, "-")}`;

/** Another key for the same file, which other bytes do not have. */
export const keyBeside = (key, sha256) => `${stem(key)}-${sha256?.slice(0, 8) ?? Date.now().toString(36)}${key.slice(stem(key).length)}`;

/** The key of a model's check rows. */
export const rowsKeyOf = (key) => `${stem(key)}${ROWS_ENDING}`;

/** Why a text is no key; `null` of one that is. */
export function keyTrouble(key) {
  const bytes = new TextEncoder().encode(key).length;
  if (bytes === 0 || bytes > 500) return { message: `the key has ${bytes} bytes`, fix: "give it 1 to 500" };
  if (key.startsWith("/") || key.endsWith("/") || key.split("/").some((part) => ["", ".", ".."].includes(part))) return { message: `\`${key}\` is no key`, fix: "write a path such as mine/model.onnx" };
  return null;
}

/** The name that is proposed for the variant of a file, which none of `taken` has. */
export function nameFor({ name }, taken) {
  const plain = stem(name).replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 58).replaceAll(/^-+|-+$/g, "") || "model";
  const numbered = [plain, ...Array.from({ length: taken.length + 1 }, (_, i) => `${plain}-${i + 2}`)];
  return numbered.find((each) => !taken.includes(each));
}

/** What is wrong with a variant's name; `null` of one that can be used. */
export function nameTrouble(name) {
  if (!/^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$/.test(name) || name.length > 63) return { message: `\`${name}\` is no name`, fix: "use 1 to 63 letters, digits and hyphens, with a letter or digit at each end" };
  return null;
}

/** Check rows, as they are written: `{model, inputs, outputs, count}`. Throws in words where they are none, or of another model. */
export async function rowsOf(file, sha256) {
  let written;
  try {
    written = JSON.parse(await file.text());
  } catch {
    throw refused(`${file.name} is not JSON`, "scripts/check-rows.py writes check rows");
  }
  const { model, inputs, outputs } = written ?? {};
  const columns = [inputs, outputs].flatMap((each) => (each && typeof each === "object" ? Object.values(each) : []));
  if (typeof model !== "string" || columns.length === 0 || !columns.every(Array.isArray)) throw refused(`${file.name} holds no check rows`, "it has the members `model`, `inputs` and `outputs`; scripts/check-rows.py writes them");
  if (sha256 && model.toLowerCase() !== sha256) throw refused(`the check rows are of another model, whose SHA-256 begins with ${model.slice(0, 8)}`, `this one’s begins with ${sha256.slice(0, 8)}; drop the rows that were written for it`);
  return { model, inputs, outputs: outputs ?? {}, count: columns[0].length };
}
