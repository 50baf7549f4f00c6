// Many requests, a few at a time.

const GIVE_UP_AFTER = 20;
const TOGETHER_MS = 500;

/**
 * Does `task` for each of `items`, `width` at a time. `failed` is told of errors; after many in a row there are no more tries, and
 * after as many time-outs as there are at a time.
 */
export async function crew(items, width, signal, task, failed) {
  const waiting = items[Symbol.iterator]();
  let inARow = 0;
  const work = async () => {
    for (const item of waiting) {
      try {
        await task(item);
        inARow = 0;
      } catch (error) {
        if (signal.aborted) return;
        failed(error);
        const late = error.code === "timed_out";
        inARow += late ? GIVE_UP_AFTER / width : 1;
        // What was asked at the same time is late at the same time, and counts before anything more is asked.
        if (late) await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS));
      }
      if (signal.aborted || inARow >= GIVE_UP_AFTER) return;
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return { stopped: signal.aborted, gaveUp: inARow >= GIVE_UP_AFTER };
}

/** A function that does at most once a frame what it is asked to. */
export function eachFrame(paint) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      paint();
    });
  };
}
