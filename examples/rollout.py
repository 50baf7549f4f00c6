#!/usr/bin/env python3
"""A better churn model gets the traffic step by step, and a broken one is turned back: over plain HTTP, with Python alone.

  1. make an endpoint: logistic has all of the traffic, xgboost none;
  2. ask what a ramp to xgboost would do, before it is started;
  3. start it, send customers, tell the truth about them, and watch the steps until the verdict has promoted xgboost;
  4. put it back, and start a ramp to a challenger whose host does not answer: watch it being turned back;
  5. delete the endpoint.

It needs the worker's address and the administrator's token:

  export TURNOUT_URL=http://localhost:8787 TURNOUT_TOKEN=$(sed -n s/ADMIN_TOKEN=//p .dev.vars)
  python3 examples/rollout.py
"""

import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import random
import sys
import time
import urllib.error
import urllib.request

MODELS = pathlib.Path(__file__).parents[1] / "models" / "churn"
AT_ONCE = 8
BATCH = 40


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--endpoint", default="churn-rollout", help="name of the endpoint to make (default: %(default)s)")
    options.add_argument("--limit", type=float, default=300, help="seconds that each ramp may take (default: %(default)s)")
    options = options.parse_args()
    rollout = Rollout(options.endpoint, os.environ["TURNOUT_URL"].rstrip("/"), os.environ["TURNOUT_TOKEN"])
    try:
        rollout.make()
        better = rollout.document("xgboost")
        rollout.rehearse(better)
        promoted = rollout.go(better, options.limit)
        if promoted["status"] != "done" or dict(promoted["shares"])["xgboost"] != 1:
            sys.exit(f"xgboost was not promoted: {promoted['says']}")
        print("\nPutting back what was before")
        rollout.act("roll_back")
        turned_back = rollout.go(rollout.document("broken"), options.limit)
        if turned_back["status"] != "rolled_back":
            sys.exit(f"the broken challenger was not turned back: {turned_back['says']}")
        rollout.history()
    finally:
        rollout.delete()


class Rollout:
    def __init__(self, endpoint, url, token):
        self.endpoint = endpoint
        self.url = url
        self.token = token
        with open(MODELS / "held-out.csv", newline="") as file:
            self.customers = [(row[0], ",".join(row[1:])) for row in csv.reader(file)]

    def ask(self, path, body=None, method=None, headers={}, kind="application/json"):
        """The answer to a request, and its headers. A JSON answer is read."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.token}", "content-type": kind, **headers}
        request = urllib.request.Request(f"{self.url}/endpoints/{self.endpoint}{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return (json.loads(text) if text else None), answer.headers
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path or 'the document'}: {error.code} {error.read().decode()}") from error

    def document(self, challenger):
        """The endpoint with a challenger, and a ramp to it."""
        seed = json.loads((MODELS / "endpoint.json").read_text())
        models = {variant["name"]: variant for variant in seed["variants"]}
        # Nobody listens there.
        models["broken"] = {"name": "broken", "origin": {"url": "http://127.0.0.1:9/invocations", "timeout_ms": 1000}}
        return {
            "variants": [{**models["logistic"], "weight": 100}, {**models[challenger], "weight": 0}],
            "fallback": "logistic",
            "outcome": seed["outcome"],
            "goal": {"metric": "accuracy", "baseline": "logistic"},
            "guardrails": [{"metric": "errors"}, {"metric": "mismatch"}, {"metric": "goal"}],
            "policy": {
                "ramp": {"to": challenger, "percent": [10, 25, 50, 100], "step_minutes": 0.05, "step_invocations": 30, "promote_when": "better"}
            },
        }

    def make(self):
        print(f"Making the endpoint {self.endpoint}: logistic has all of the traffic")
        document = self.document("xgboost")
        del document["policy"], document["guardrails"]
        self.ask("", document, "PUT", {"if-match": "*"} if self.is_there() else {"if-none-match": "*"})

    def is_there(self):
        request = urllib.request.Request(f"{self.url}/endpoints/{self.endpoint}", headers={"authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=30):
                return True
        except urllib.error.HTTPError as error:
            return error.code != 404

    def rehearse(self, document):
        print("\nWhat the ramp would do, at 1,200 requests a minute:")
        rates = {"errors": 0.002, "told": 1}
        assume = {"requests_per_minute": 1200, "runs": 50, "variants": {"logistic": {**rates, "mean": 0.87}, "xgboost": {**rates, "mean": 0.95}}}
        report, _ = self.ask("/policy?dry_run=true", {"document": document, "assume": assume})
        for sentence in report["says"]:
            print("  " + sentence)

    def act(self, action, **more):
        return self.ask("/policy", {"action": action, **more})[0]

    def go(self, document, limit):
        """Starts the document's ramp, sends customers until it has ended, and tells what it did."""
        to = document["policy"]["ramp"]["to"]
        print(f"\nStarting a ramp to {to}")
        report = self.act("start", document=document)
        told, waiting, end = 0, None, time.monotonic() + limit
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
            while report["status"] == "running" and time.monotonic() < end:
                customers = random.choices(self.customers, k=BATCH)
                outcomes = [outcome for outcome in threads.map(self.customer, customers) if outcome]
                self.ask("/outcomes", outcomes)
                report, _ = self.ask("/policy")
                for deed in reversed(report["deeds"]):
                    if deed["number"] > told and deed["at_ms"] >= report["began_ms"]:
                        told = deed["number"]
                        print(f"  {deed['deed']}: {deed['says']}")
                if report["waiting_for"] and report["waiting_for"].split(":")[0] != waiting:
                    waiting = report["waiting_for"].split(":")[0]
                    print(f"    waiting {report['waiting_for']}")
        return report

    def customer(self, customer):
        """Asks about one customer, and gives the truth as an outcome."""
        truth, columns = customer
        _, headers = self.ask("/invocations", columns.encode(), "POST", kind="text/csv")
        return {"inference_id": headers["x-amzn-sagemaker-inference-id"], "label": truth}

    def history(self):
        print("\nThe history:")
        changes = self.ask("/history")[0]["changes"]
        for change in reversed(changes):
            author = change["author"] if isinstance(change["author"], str) else "key"
            print(f"  {change['number']} by {author}: {change['reason'] or ''}")

    def delete(self):
        self.ask("", method="DELETE", headers={"if-match": "*"})
        print(f"\nDeleted the endpoint {self.endpoint}")


if __name__ == "__main__":
    main()
