// The admin token, in this page's memory only. `make dev` prints an address that has it after the #, which is sent to nobody.

let known = "";
const inputs = new Set();

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  known = given;
  history.replaceState(null, "", location.pathname + location.search);
}

export const token = () => known;

/** An input that it may be written into, and that has it. */
export function keptBy(input) {
  inputs.add(input);
  input.value = known;
  input.addEventListener("input", () => {
    known = input.value;
    for (const other of inputs) if (other !== input) other.value = known;
  });
}
