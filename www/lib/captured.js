// Captured requests and answers as text.

const MOST = 4_000;

/** Text, cut where it is too long to be read. */
export const brief = (text) => (text.length > MOST ? `${text.slice(0, MOST)} … (${(text.length - MOST).toLocaleString("en")} more characters)` : text);

/** The bytes that Base64 stands for, without decoding it. */
const bytesOf = (data) => Math.floor((data.replace(/=+$/, "").length * 3) / 4);

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** What one side of a captured line says: `{text}` to be read, or a `{note}` where that cannot be. */
export function decoded(side) {
  if (typeof side?.data !== "string") return { note: "Not captured." };
  const { data, encoding, observedContentType: type } = side;
  if (encoding === "BASE64") return { note: `${bytesOf(data).toLocaleString("en")} bytes${type ? ` of ${type}` : ""}, which are kept as Base64 and not shown here.` };
  if (data === "") return { note: "Empty." };
  return { text: brief(encoding === "JSON" ? indented(data) : data) };
}
