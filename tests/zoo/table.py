"""docs/models.md: what the zoo shows, as tables to read."""

import collections
import json
import pathlib

FOLDER = pathlib.Path(__file__).parent
MODELS = FOLDER / "models"
BOOSTERS = FOLDER.parent / "boosters" / "models"
SUITE = FOLDER.parent / "suite" / "counts.json"
DOCUMENT = FOLDER.parent.parent / "docs" / "models.md"
HAND_MADE = "hand-made"
# Notes that say nothing to a reader.
DEFAULT_NOTES = {"", "no ZipMap"}

HEAD = """# Models that run

The operators of `ai.onnx.ml` are the project's own (`crates/onnx/src/ml`). Models of them and of the most common of ONNX's own operators,
small networks among them, are run by an interpreter (`crates/onnx/src/interpreter`), all others by tract. This page shows what that comes
to. `tests/zoo/train.py` writes it, from the models in `tests/zoo/models`: each is exported by the usual converter, or made by hand, and
run by ONNX Runtime on rows it was not trained on. `make test` compares our answers with those, by the interpreter and by tract, natively
and in WebAssembly: labels are equal, numbers within 1e-5 (relative where they are above 1). *Right* means that. *Refused* means that the
model is not loaded, with these words; no model of the zoo gets a wrong answer.

Where the converter loses something, ONNX Runtime's answers are not the library's; the notes say so, as it is well to know.

To make the zoo again, or with cases of your own (a line in one of the `*_cases.py`), in half a minute (ONNX Runtime lowers the
case of texts by the locale `en_US.UTF-8`, which the machine has to have):

```sh
python3 -m venv models/.venv-zoo
models/.venv-zoo/bin/pip install -r tests/zoo/requirements.txt
models/.venv-zoo/bin/python tests/zoo/train.py
```

## Checked against itself

A model may carry check rows: some inputs, and what ONNX Runtime, or the library that saved the model, answered to them. They are run when an isolate loads the model and when
`create_model` names it, and never again; a model that does not reproduce them answers nobody: 424 `model_unusable`, with the row, the
output, what came and what was expected, and the endpoint's fallback answers.

```sh
pip install onnxruntime numpy
python3 scripts/check-rows.py mine/model.onnx rows.csv    # writes mine/model.check.json, and prints how to upload both files
```

Of [a booster as it was saved](#models-as-they-are-saved), or its `model.tar.gz`, the library that saved it answers, which is to be installed in place
of ONNX Runtime.

A variant names the file's key in `MODELS`, as in `"model": {"key": "mine/model.onnx", "sha256": "...", "check": "mine/model.check.json"}`;
SageMaker's clients name it in the container's `Environment`, as `TURNOUT_CHECK`. `GET /endpoints/NAME` says of each model whether it is
`checked`. Where the file is missing, the model is not served unchecked, but refused (`model_missing`).

`rows.csv` has a line of names or none, and columns in the order of the model's inputs; where each input is a column, names of all of them
choose among the columns, in any order. `--skip 1` leaves out a label that stands first; an empty cell is a missing number. Inputs of
other shapes come as arrays in `rows.npz`, by the names of the inputs. Eight rows are taken, evenly from the whole file, unless `--count`
says how many. The file can be read and edited:

```json
{
  "model": "cb613e4d...",
  "tolerance": {"absolute": 1e-5, "relative": 1e-4},
  "inputs": {"state": ["OH", "CO"], "minutes": [117.8, "NaN"]},
  "outputs": {"label": ["no", "yes"], "probabilities": [[0.98, 0.02], [0.3, 0.7]]}
}
```

- **`model`** is the SHA-256 of the model that the rows are of. So the variant needs no second digest: rows of another model, or a broken
  file, refuse the model, and change no answer.
- **`inputs`** are lists of rows, for every input. A row is a value, or a list, flat or nested as the shape is.
- **`outputs`** are the same, for the outputs that are compared; of a map (ZipMap), each row is an object by its keys. An output that
  depends on chance or on the time is left out.
- **`tolerance`** is how far a number may be off: `absolute`, and `relative` times the number that is expected. A number of 32 bits has
  seven digits; of sums of some thousand products in another order than ONNX Runtime's, four or five are the same, while an operator
  that is computed wrongly is further off. Hence 1e-5 and 1e-4, also where it is left out. A quantised output may be off by one step:
  write that. Strings, integers and truth values are equal.
- **`"NaN"`, `"Infinity"` and `"-Infinity"`** are numbers that JSON has none for; `null` is `"NaN"` as well. Each equals itself alone.

The file has 6 MiB at most. Loading waits for it, beside the model, and for one run of its rows.
"""


def cell(text):
    """A text that stays within its cell."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    """A table of GitHub's Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines) + "\n"


def status(case):
    """In words, how a case fares."""
    return f"refused: {case['refused']}" if "refused" in case else "right"


def notes(case):
    """A case's notes, if they say something."""
    return "" if case["notes"] in DEFAULT_NOTES else case["notes"]


def overview(cases):
    """How many models of each family and library are right, and how many refused."""
    found = collections.Counter((case["family"], case["library"], "refused" in case) for case in cases)
    kinds = sorted({(family, library) for family, library, _ in found}, key=lambda kind: (kind[0].lower(), kind[1]))
    rows = [
        (family, library, found[family, library, False], found[family, library, True] or "")
        for family, library in kinds
    ]
    return table(["Family", "Library", "Right", "Refused"], rows)


def model_row(case):
    """A trained model as a line."""
    operators = ", ".join(case["operators"]) if len(case["operators"]) <= 8 else f"{len(case['operators'])} operators"
    return [
        case["family"],
        f"{case['estimator']} (`{case['name']}`)",
        case["task"],
        operators,
        notes(case),
        status(case),
    ]


def network_row(case):
    """A network made by hand as a line."""
    return [f"`{case['name']}`", ", ".join(case["operators"]), notes(case), status(case)]


def operator_rows(cases):
    """The hand-made graphs of one node, an operator a line."""
    by_operator = collections.defaultdict(list)
    for case in cases:
        by_operator[case["operators"][0]].append(case)
    for operator, group in sorted(by_operator.items()):
        refused = [f"{notes(case) or case['name']}: {case['refused']}" for case in group if "refused" in case]
        yield [operator, len(group) - len(refused), "; ".join(refused)]


def suite():
    """ONNX's own tests, by operator."""
    counts = json.loads(SUITE.read_text())
    right, refused = (sum(count[end] for count in counts.values()) for end in ("right", "refused"))
    rows = [[operator, count["right"], count["refused"] or ""] for operator, count in counts.items() if count["right"]]
    never = ", ".join(operator for operator, count in counts.items() if not count["right"])
    return (
        "## ONNX's own tests\n\nThe backend tests of [ONNX](https://github.com/onnx/onnx), a variant of each with missing, infinite and huge "
        "numbers, and nodes with\nattributes and types that none of them has. `make test` runs them through the engine; what tract may run is "
        f"what they show it to run\nrightly (`crates/onnx/src/shown.rs`). Of {right + refused:,} tests {right:,} are right and {refused:,} "
        "are refused; none is wrong, and none panics.\n`tests/suite/run.sh PYTHON --write` writes the counts.\n\n"
        + table(["Operator", "Right", "Refused"], rows)
        + f"\nRefused altogether: {never}.\n"
    )


SAVED = """## Loops

PyTorch's exporters write an embedding bag as a `Loop` over its rows. It is read once, when the model is loaded, and made into what it does
to all rows at once, a look-up and a reduction, so it is as fast as these. Its sum, mean and maximum, weights, padding, open and fixed
batches run, of both exporters (ids as rows of a fixed length; lists with offsets have no rows to predict). A loop whose number of turns is known when the model
is loaded, from a number in the file or from the shape of an input, is written out turn by turn, with its branches and lists: a
`for` of `torch.jit.script`. One that ends by the values that are sent is refused. `tests/cases/loops.py` exports those that are tested.

## Models as they are saved

What XGBoost and LightGBM save is served as it is: no conversion, in which converters make mistakes. The file is recognised by its bytes,
whatever it is called.

```python
booster.save_model("model.ubj")                  # XGBoost: .ubj or .json; of an XGBClassifier: model.save_model(...)
booster.save_model("model.txt")                  # LightGBM; of an LGBMClassifier: model.booster_.save_model(...)
# a `model.tar.gz` with one file `xgboost-model`, as SageMaker's container takes it, is served as well
```

{counts}

`tests/boosters/train.py` trains these, and the library predicts from the file that it has loaded again: rows of its sample, missing values,
subnormal and huge numbers, values at thresholds and next to them, and categories that are unseen, negative or not whole. `make test`
compares, natively and in WebAssembly. **XGBoost**'s sums (`raw_score`) are equal to the last bit, for it adds in 32 bits, tree by tree, but
in one case, where its C library has rounded the logarithm of the base score to the number further away; what an exponential makes of them
is within 1e-6 (relative where it is above 1). **LightGBM**'s sums are equal to the last bit of 64, and what its
objectives make of them within 1e-6.

- **Inputs.** Names of features are the model's inputs, so JSON objects and CSV with a header name the columns, in any order. Without
  names there is one input, `features`. A missing value is `null`, an empty cell or NaN. XGBoost itself refuses infinite numbers; here they go
  where they compare.
- **Outputs.** `prediction`, what the library's `predict` answers, alone, unless the variant names another as its `output`: `raw_score`, and of
  classifiers `predicted_label` (the number of the class) and `probabilities` (one a class, of two as well).
- **All trees are used**, as `Booster.predict` does. After early stopping, `XGBClassifier.predict` takes those up to `best_iteration` alone: save
  `model.get_booster()[: model.best_iteration + 1]` to serve the same.
- **Categories** are their codes. Of a data frame's categories, which XGBoost saves since 3.1, the names are taken; one that training did not
  see is refused, as XGBoost does; LightGBM, which saves them as well, takes it for missing. An empty text is a missing value, and truth values
  are 1 and 0.
- **XGBoost**: gbtree, dart and gblinear; categorical splits; many outputs, as trees of one or as leaves of many. Objectives:
  `reg:squarederror`, `squaredlogerror`, `logistic`, `pseudohubererror`, `absoluteerror`, `quantileerror` (sorted where XGBoost 3.4 or later
  saved it), `gamma`, `tweedie`; `count:poisson`; `survival:cox`, `aft`; `binary:logistic`, `logitraw`, `hinge`; `multi:softmax`,
  `softprob`; `rank:pairwise`, `ndcg`, `map`. Files of versions 1.7, 2.1 and 3.2 are among the cases.
- **LightGBM**: gbdt, dart, random forests and goss; all objectives of 4.7, and those of one's own, whose prediction is the sum; all three
  kinds of missing values. Files of versions 2 to 4 of its text, which LightGBM 2.2, 3.3 and 4.7 saved, are among the cases. After early
  stopping it saves the best rounds alone.
- **Refused**, with words: other objectives; XGBoost's old binary form; names of categories that are not ASCII, which XGBoost 3.2 cuts off as
  it saves them; LightGBM's `linear_tree`, and data frames with ordered categories, as its file does not say which columns those are; pickles, which only Python runs, and which may run anything:

```python
booster = pickle.load(open("xgboost-model", "rb")); booster.save_model("xgboost-model")
```
"""


def saved():
    """Boosters as their libraries save them, with how many there are."""
    files = [path.name for path in BOOSTERS.glob("*") if not path.name.endswith(".expected.json")]
    found = collections.Counter((name.split("_")[0], name.rsplit(".", 1)[1]) for name in files)
    names = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}
    forms = {"ubj": "UBJSON", "json": "JSON", "txt": "text"}
    rows = [(names[library], forms[form], count) for (library, form), count in sorted(found.items(), reverse=True)]
    return SAVED.format(counts=table(["Library", "Form", "Right"], rows).rstrip())


def write_table():
    """Writes the page from the cases as recorded, and the list of those that were not."""
    cases = [json.loads(path.read_text()) for path in MODELS.glob("*.json")]
    cases.sort(key=lambda case: (case["family"].lower(), case["name"]))
    trained = [case for case in cases if case["library"] != HAND_MADE]
    made = [case for case in cases if case["library"] == HAND_MADE and case["family"] != "network"]
    networks = [case for case in cases if case["family"] == "network"]
    unconverted = json.loads((FOLDER / "unconverted.json").read_text())
    missing = [[case["library"], f"{case['estimator']} (`{case['name']}`)", case["reason"]] for case in unconverted]
    parts = [
        HEAD,
        saved(),
        f"## In short\n\n{len(cases)} models, of which {sum('refused' in case for case in cases)} are refused.\n\n{overview(trained)}",
        "## Operators of `ai.onnx.ml`\n\nEach with every attribute and type that it has, in graphs of one node.\n\n"
        + table(["Operator", "Graphs that are right", "Refused"], operator_rows(made)),
        "## Networks\n\nSmall ones, of operators of ONNX's own domain, made by hand. Where the notes do not say otherwise, the interpreter runs "
        f"them.\n\n{table(['Graph', 'Operators', 'Notes', 'Status'], map(network_row, networks))}",
        suite(),
        f"## Trained models\n\n{table(['Family', 'Model', 'Task', 'Operators', 'Notes', 'Status'], map(model_row, trained))}",
        "## Not in the zoo\n\nWhat the converter or ONNX Runtime does not take, with the first line of its reason.\n\n"
        + table(["Library", "Model", "Reason"], missing),
    ]
    DOCUMENT.write_text("\n".join(parts))
