// Changing a part of an endpoint's document, so that nothing else in it is lost.

import { Failure, putDocument, written } from "./worker.js";

/** So often it is tried again where others are faster. */
const TRIES = 4;

/** A reason as a header can carry it. */
const plain = (reason) => reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 500);

/**
 * Reads the document as it was written, has it changed by `edit(document)`, and puts it back in place of that revision. Where
 * somebody else was faster, `edit` changes theirs, so both changes stay. It throws what keeps it from that, and says whether it
 * has changed something. Gives `{revision, after}`: the revision from then on, and whether others changed it meanwhile.
 */
export async function change(name, token, reason, edit, signal) {
  for (let tries = 1; ; tries += 1) {
    const { document, revision } = await written(name, token, signal);
    if (!edit(document)) return { revision, after: tries > 1 };
    try {
      const made = await putDocument(name, document, revision, token, { reason: plain(reason), signal });
      return { revision: made.revision, after: tries > 1 };
    } catch (error) {
      if (error.code === "timed_out") throw new Failure({ ...error, message: `${error.message}: the change may have been made, or not`, fix: "try again; what has been made is not made twice" });
      if (error.code !== "revision_conflict" || tries === TRIES) throw error;
    }
  }
}
