#!/usr/bin/env python3
"""An A/B test of two churn models, from the first endpoint to the last, with boto3 alone.

The same walk as AWS's notebook "A/B Testing with Amazon SageMaker", against Turnout:

  1. make an endpoint with two variants at equal weight, send customers, and count who answered;
  2. send the same customers to each variant by name, and compare accuracy, precision, recall, F1, AUC and ROC;
  3. shift the weights to 25/75, and count again;
  4. shift them to 0/100, and count again;
  5. delete everything.

It needs boto3, scikit-learn and matplotlib, and the address and keys where boto3 looks for them:

  export AWS_ENDPOINT_URL=http://localhost:8787 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...
  python3 examples/ab_test.py
"""

import argparse
import collections
import csv
import io
import math
import pathlib
import sys

import boto3
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn import metrics

HELD_OUT = pathlib.Path(__file__).parents[1] / "models" / "churn" / "held-out.csv"
VARIANTS = ["logistic", "xgboost"]
COLOURS = {"logistic": "#4477aa", "xgboost": "#ee6677"}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--endpoint", default="churn-ab-test", help="name of the endpoint to make (default: %(default)s)")
    options.add_argument("--requests", type=int, default=400, help="requests to count in each step (default: %(default)s)")
    options.add_argument("--plots", type=pathlib.Path, default=pathlib.Path("."), help="folder for the plots (default: here)")
    options = options.parse_args()
    options.plots.mkdir(parents=True, exist_ok=True)
    walk = Walk(options.endpoint)
    try:
        walk.make()
        counts = {"50/50": walk.count(options.requests, {"logistic": 0.5, "xgboost": 0.5})}
        walk.compare(options.plots / "roc.png")
        for weights in [(25, 75), (0, 100)]:
            walk.shift(dict(zip(VARIANTS, weights)))
            shares = {name: weight / 100 for name, weight in zip(VARIANTS, weights)}
            counts["/".join(map(str, weights))] = walk.count(options.requests, shares)
        plot_counts(counts, options.plots / "traffic.png")
    finally:
        walk.delete()
    if walk.surprises:
        sys.exit("not as expected: " + "; ".join(walk.surprises))


class Walk:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.sagemaker = boto3.client("sagemaker")
        self.runtime = boto3.client("sagemaker-runtime")
        self.surprises = []
        self.undo = []
        with open(HELD_OUT, newline="") as file:
            rows = list(csv.reader(file))
        self.left = [row[0] == "yes" for row in rows]
        self.customers = [row[1:] for row in rows]

    def make(self):
        print(f"Making the endpoint {self.endpoint}, with two variants at equal weight")
        config = f"{self.endpoint}-config"
        variants = []
        for name in VARIANTS:
            model = f"{self.endpoint}-{name}"
            self.sagemaker.create_model(ModelName=model, PrimaryContainer={"ModelDataUrl": f"churn/{name}.onnx"})
            self.undo.append(lambda model=model: self.sagemaker.delete_model(ModelName=model))
            print(f"  model {model}")
            variants.append({"VariantName": name, "ModelName": model, "InitialVariantWeight": 1})
        self.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
        self.undo.append(lambda: self.sagemaker.delete_endpoint_config(EndpointConfigName=config))
        self.sagemaker.create_endpoint(EndpointName=self.endpoint, EndpointConfigName=config)
        self.undo.append(lambda: self.sagemaker.delete_endpoint(EndpointName=self.endpoint))
        self.wait()

    def wait(self):
        print("  waiting until it is in service")
        self.sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=self.endpoint, WaiterConfig={"Delay": 2, "MaxAttempts": 90}
        )
        described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        weights = ", ".join(f"{variant['VariantName']} {variant['CurrentWeight']:g}" for variant in described["ProductionVariants"])
        print(f"  {described['EndpointStatus']}, at weights {weights}")

    def invoke(self, customers, variant=None):
        """Who answered, and the probability of leaving for each customer."""
        body = io.StringIO()
        csv.writer(body).writerows(customers)
        target = {"TargetVariant": variant} if variant else {}
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.endpoint, Body=body.getvalue(), ContentType="text/csv", Accept="text/csv", **target
        )
        rows = csv.reader(io.StringIO(answer["Body"].read().decode()))
        # The label, and the probabilities of "no" and "yes".
        return answer["InvokedProductionVariant"], [float(row[2]) for row in rows]

    def count(self, requests, shares):
        print(f"\nSending {requests} customers, one a request")
        counts = collections.Counter()
        for number in range(requests):
            counts[self.invoke([self.customers[number % len(self.customers)]])[0]] += 1
            if (number + 1) % 100 == 0:
                print(f"  {number + 1}: {dict(sorted(counts.items()))}")
        for name, share in shares.items():
            deviation = math.sqrt(requests * share * (1 - share))
            low, high = requests * share - 5 * deviation, requests * share + 5 * deviation
            print(f"  {name}: {counts[name]}, where {requests * share:.0f} are expected, and {low:.0f} to {high:.0f} would be no surprise")
            if not low <= counts[name] <= high:
                self.surprises.append(f"{name} answered {counts[name]} of {requests} at a share of {share}")
        return counts

    def compare(self, path):
        print(f"\nSending the same {len(self.customers)} customers to each variant by name")
        figure, axes = plt.subplots(figsize=(6, 6), layout="constrained")
        print(f"  {'':10}{'accuracy':>10}{'precision':>11}{'recall':>8}{'F1':>7}{'AUC':>7}")
        for name in VARIANTS:
            scores = []
            for start in range(0, len(self.customers), 100):
                answered, more = self.invoke(self.customers[start : start + 100], name)
                if answered != name:
                    self.surprises.append(f"{answered} answered where {name} was named")
                scores += more
            predicted = [score > 0.5 for score in scores]
            auc = metrics.roc_auc_score(self.left, scores)
            print(
                f"  {name:10}{metrics.accuracy_score(self.left, predicted):10.3f}{metrics.precision_score(self.left, predicted):11.3f}"
                f"{metrics.recall_score(self.left, predicted):8.3f}{metrics.f1_score(self.left, predicted):7.3f}{auc:7.3f}"
            )
            false_positives, true_positives, _ = metrics.roc_curve(self.left, scores)
            axes.plot(false_positives, true_positives, color=COLOURS[name], label=f"{name}, AUC {auc:.3f}")
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance, AUC 0.5")
        axes.set(xlabel="share of those who stay that are called leavers", ylabel="share of those who leave that are found", title="ROC on held-out customers")
        axes.set_aspect("equal")
        axes.legend(loc="lower right")
        save(figure, path)

    def shift(self, weights):
        print(f"\nShifting the weights to {weights}")
        self.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=self.endpoint,
            DesiredWeightsAndCapacities=[{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()],
        )
        self.wait()

    def delete(self):
        print("\nDeleting the endpoint, its configuration and its models")
        for undo in reversed(self.undo):
            undo()


def plot_counts(counts, path):
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    left = [0] * len(counts)
    for name in VARIANTS:
        shares = [100 * step[name] / sum(step.values()) for step in counts.values()]
        bars = axes.barh(list(counts), shares, left=left, color=COLOURS[name], label=name)
        axes.bar_label(bars, [f"{share:.0f} %" if share else "" for share in shares], label_type="center", color="white")
        left = [a + b for a, b in zip(left, shares)]
    axes.set(xlabel="share of the requests, per cent", ylabel="weights", title="Who answered", xlim=(0, 100))
    axes.invert_yaxis()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2, frameon=False)
    save(figure, path)


def save(figure, path):
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"  saved {path}")


if __name__ == "__main__":
    main()
