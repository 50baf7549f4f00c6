"""How verdict.py, policy.py and pairs.py record what others say: a run replaces the lists whose packages it can import."""

import json
import sys
import warnings


def record_all(vectors, records, order):
    """Writes what `records` give into the file `vectors`, whose lists stand in `order`."""
    # Some packages warn where a figure is not defined, which is recorded as null, and where a fit leaves no degrees of freedom.
    warnings.simplefilter("ignore")
    lists, here = json.loads(vectors.read_text()) if vectors.exists() else {}, 0
    for record in records:
        try:
            recorded = record()
        except ImportError as missing:
            print(f"{record.__name__}: left as it is, as there is no {missing.name} here")
            continue
        lists |= recorded
        here += 1
        for name, cases in recorded.items():
            print(f"{name}: {len(cases)} cases")
    if not here:
        sys.exit("none of the packages is here: scripts/oracles.sh installs them")
    # In one order, and with one case a line, whichever environment ran last.
    text = []
    for name in (name for name in order if name in lists):
        rows = ",\n".join(json.dumps(case, ensure_ascii=False, allow_nan=False) for case in lists[name])
        text += [f'"{name}": [\n{rows}\n]']
    vectors.write_text("{\n" + ",\n".join(text) + "\n}\n", encoding="utf-8")
