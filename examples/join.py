"""Joins captured lines with outcomes, off-line: which variant was right how often, and by how much two differ that were asked about the
same requests. Nothing but Python is needed.

    python3 examples/join.py .local/capture/churn outcomes.jsonl --variants logistic,xgboost

The first is a folder of captured .jsonl files, of any depth: `.local/capture` under plain workerd, or what was downloaded from the
bucket by anything that speaks S3, such as `rclone copy r2:turnout-capture/churn captured`. The second has outcomes as they are posted, an
object a line: {"inference_id": "...", "label": "yes"}, or SageMaker's ground truth.

With capture at 100 percent the figures are those of GET /endpoints/NAME/verdict. Requests that named their variant are left out, as they
are there: their ids say so. So are answers of a fallback, which the verdict counts for the variant that failed. --variants has the
endpoint's variants in the order of its document: with it, lines of the variant that was assigned are told apart from those of shadows.
"""

import argparse
import base64
import csv
import io
import json
import math
import pathlib
import sys
from collections import defaultdict


def captured(folder):
    """Each captured line, with the variant that its path names: .../VARIANT/yyyy/mm/dd/hh/FILE."""
    for path in sorted(pathlib.Path(folder).rglob("*.jsonl")):
        variant = path.parts[-6]
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield variant, json.loads(line)


def outcomes(path):
    """The first outcome of each id and row, as text."""
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            told = json.loads(line)
            if "groundTruthData" in told:
                event = told["eventMetadata"]
                key, value = (event.get("inferenceId") or event["eventId"], 0), told["groundTruthData"]["data"].strip()
            else:
                value = next(told[name] for name in ("label", "value", "reward") if name in told)
                key = (told["inference_id"], told.get("row", 0))
            found.setdefault(key, text(value))
    return found


def text(value):
    """A label as text: true, 1 and "1" are told in more than one way."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def decided(event_id):
    """What a signed id says: why its variant was chosen, its position, and whether the fallback answered. Of any other id nothing."""
    try:
        said = base64.urlsafe_b64decode(event_id + "=" * (-len(event_id) % 4))
    except ValueError:
        return None
    if len(said) < 34 or said[0] >> 6 != 1:
        return None
    return ["target", "sticky", "weighted", None][said[0] >> 4 & 3], said[1], bool(said[0] & 1)


def predictions(output, member):
    """The predicted label of each row, as text, from an answer as JSON or CSV."""
    data = output["data"]
    if output["encoding"] == "BASE64":
        data = base64.b64decode(data).decode()
    if "csv" in output.get("observedContentType", ""):
        return [row[0] for row in csv.reader(io.StringIO(data)) if row]
    answer = json.loads(data)
    rows = answer.get("predictions", answer) if isinstance(answer, dict) else answer
    rows = rows if isinstance(rows, list) else [rows]
    return [text(row[member] if isinstance(row, dict) else row[0] if isinstance(row, list) else row) for row in rows]


def join(lines, truths, member, names):
    """Whether each row was predicted right, by id and row and then by variant; how many requests were captured; how many lines are left
    out. Keys of a shadow's lines end with "(shadow)"."""
    right, requests, left_out = defaultdict(dict), defaultdict(set), 0
    for variant, line in lines:
        event_id = line["eventMetadata"]["eventId"]
        said = decided(event_id)
        if said is not None:
            reason, position, stood_in = said
            if reason == "target" or stood_in:
                left_out += 1
                continue
            if names and names[position : position + 1] != [variant]:
                variant += " (shadow)"
        requests[variant].add(event_id)
        output = line["captureData"].get("endpointOutput")
        if output is None:
            continue
        for row, predicted in enumerate(predictions(output, member)):
            truth = truths.get((event_id, row))
            if truth is not None:
                right[event_id, row].setdefault(variant, predicted == truth)
    return right, requests, left_out


def summary(right, requests):
    """By variant: requests captured, outcomes, and how many were predicted right."""
    table = {variant: {"captured": len(ids), "outcomes": 0, "right": 0} for variant, ids in requests.items()}
    for by_variant in right.values():
        for variant, is_right in by_variant.items():
            table[variant]["outcomes"] += 1
            table[variant]["right"] += is_right
    return table


def paired(right, one, other):
    """The difference of two variants' accuracy on the rows that both answered, its standard error, and how many rows they are."""
    differences = [seen[other] - seen[one] for seen in right.values() if one in seen and other in seen]
    n = len(differences)
    if n < 2:
        return None
    mean = sum(differences) / n
    variance = sum((difference - mean) ** 2 for difference in differences) / (n - 1)
    return mean, math.sqrt(variance / n), n


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("captured", help="a folder of captured .jsonl files")
    parser.add_argument("outcomes", help="a file of outcomes, an object a line")
    parser.add_argument("--member", default="label", help="the member of a prediction that is its label")
    parser.add_argument("--variants", default="", help="the endpoint's variants in the order of its document: A,B")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    names = [name for name in asked.variants.split(",") if name]
    truths = outcomes(asked.outcomes)
    right, requests, left_out = join(captured(asked.captured), truths, asked.member, names)
    table = summary(right, requests)
    variants = sorted(table)
    pairs = {}
    for at, one in enumerate(variants):
        for other in variants[at + 1 :]:
            if (found := paired(right, one, other)) is not None:
                pairs[one, other] = found
    if asked.json:
        told = [{"variants": list(both), "difference": d, "error": e, "rows": n} for both, (d, e, n) in pairs.items()]
        json.dump({"variants": table, "pairs": told, "left_out": left_out}, sys.stdout)
        return
    print(f"{'variant':24}{'captured':>10}{'outcomes':>10}{'accuracy':>10}")
    for variant in variants:
        line = table[variant]
        accuracy = f"{line['right'] / line['outcomes']:10.4f}" if line["outcomes"] else f"{'-':>10}"
        print(f"{variant:24}{line['captured']:10}{line['outcomes']:10}{accuracy}")
    for (one, other), (difference, error, n) in pairs.items():
        print(f"{other} less {one}, on {n} rows that both answered: {difference:+.4f} (standard error {error:.4f}, for one look)")
    if left_out:
        print(f"{left_out} lines are left out: their requests named the variant, or the fallback answered")


if __name__ == "__main__":
    main()
