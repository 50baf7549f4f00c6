// Stands where the Analytics Engine binding stands, and keeps the points that the worker writes.
import { WorkerEntrypoint } from "cloudflare:workers";

const points = [];
let failing = false;

export default class Analytics extends WorkerEntrypoint {
  writeDataPoint(point) {
    if (failing) throw new Error("the dataset is on strike");
    points.push(point);
  }
  take() {
    return points.splice(0);
  }
  fail(on) {
    failing = on;
  }
  fetch() {
    return new Response("analytics");
  }
}
