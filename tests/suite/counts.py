"""counts.json and its table in docs/models.md: how ONNX's own tests end, by operator.

    counts.py REPORT           writes both, from what crates/onnx/src/suite.rs reports
    counts.py --check REPORT   fails if they are not what it says
"""

import collections
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
COUNTS = FOLDER / "counts.json"


def counts(report):
    """Of each operator, how many tests are right and how many are refused. A test is right if it is so in one of the ways that it
    is run in: with all of its inputs given, or with those but the first as constants."""
    right, operators = collections.defaultdict(bool), {}
    for line in report.read_text().splitlines():
        operator, test, way, end = line.split("\t")
        if way.startswith("(Preferred"):
            operators[test] = operator
            right[test] |= end == "Right"
    found = collections.defaultdict(lambda: {"right": 0, "refused": 0})
    for test, operator in sorted(operators.items()):
        found[operator]["right" if right[test] else "refused"] += 1
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def main(arguments):
    found = counts(pathlib.Path(arguments[-1]))
    text = json.dumps(found, indent=1) + "\n"
    if "--check" in arguments:
        if text != COUNTS.read_text():
            sys.exit("tests/suite/counts.json is not what the tests say; tests/suite/run.sh PYTHON --write writes it")
        return
    COUNTS.write_text(text)
    sys.path.insert(0, str(FOLDER.parent / "zoo"))
    import table

    table.write_table()


if __name__ == "__main__":
    main(sys.argv[1:])
