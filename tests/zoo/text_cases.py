"""Text pipelines of scikit-learn, converted by skl2onnx; and their operators by hand."""

import warnings

import numpy as np
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn import compose, ensemble, linear_model, naive_bayes, pipeline
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from record import Case

OPSET = {"": 17, "ai.onnx.ml": 3}
GOOD = ["the room was clean and quiet", "Great staff, great breakfast!", "we loved the view; would come again", "quiet street, friendly owner", "clean, bright and close to the station", "the best breakfast in town"]
BAD = ["the room was dirty and loud", "Rude staff, cold breakfast!", "never again: a broken shower", "loud street, no sleep", "dirty, dark and far from the station", "the worst bed in town"]
HELD = ["The staff was great", "a dirty street and a broken bed", "", "Ünïcode CLEAN 123 clean_room", "again, again; again", "breakfast breakfast breakfast and nothing else whatsoever in this very long review of a very small hotel", "!!!", "ΣΊΣΥΦΟΣ the İstanbul straße"]


def texts():
    train = np.array(GOOD + BAD, dtype=object).reshape(-1, 1)
    held = np.array(HELD, dtype=object).reshape(-1, 1)
    return train, np.array([1] * len(GOOD) + [0] * len(BAD)), held


def converted(model, held, types, own, options=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_sklearn(model, initial_types=types, target_opset=OPSET, options=options), held, own


def vectorizer(name, model, notes=""):
    def make():
        train, _, held = texts()
        model.fit(train.ravel())
        return converted(model, {"X": held}, [("X", StringTensorType([None, 1]))], [model.transform(held.ravel()).toarray().astype(np.float32)])

    return Case(f"text-{name}", "text", "scikit-learn", type(model).__name__, "transform", notes, make)


def classifier(name, vectors, last, notes=""):
    def make():
        train, labels, held = texts()
        model = pipeline.make_pipeline(vectors, last).fit(train.ravel(), labels)
        own = [model.predict(held.ravel()), model.predict_proba(held.ravel())]
        return converted(model, {"X": held}, [("X", StringTensorType([None, 1]))], own, {id(last): {"zipmap": False}})

    return Case(f"text-{name}", "text", "scikit-learn", type(last).__name__, "binary", notes, make)


def table():
    """A review beside numbers, as a ColumnTransformer has them."""
    import pandas as pd

    train, labels, held = texts()
    numbers = lambda rows: np.random.default_rng(rows).normal(0, 1, (rows, 1)).astype(np.float32)
    frame = lambda text, number: pd.DataFrame({"review": text.ravel(), "stars": number.ravel()})
    last = linear_model.LogisticRegression()
    columns = compose.ColumnTransformer([("text", TfidfVectorizer(), "review"), ("numbers", "passthrough", ["stars"])])
    model = pipeline.make_pipeline(columns, last).fit(frame(train, numbers(len(train))), labels)
    feeds = {"review": held, "stars": numbers(len(held))}
    own = frame(held, feeds["stars"])
    types = [("review", StringTensorType([None, 1])), ("stars", FloatTensorType([None, 1]))]
    return converted(model, feeds, types, [model.predict(own), model.predict_proba(own)], {id(last): {"zipmap": False}})


def counted(name, notes, tokens, **attributes):
    """TfIdfVectorizer alone, of tokens that come as columns."""

    def make():
        feeds = {"X": np.array(tokens, dtype=object)}
        shape = [None, feeds["X"].shape[1]]
        inputs, outputs = [helper.make_tensor_value_info("X", TensorProto.STRING, shape)], [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)]
        graph = helper.make_graph([helper.make_node("TfIdfVectorizer", ["X"], ["Y"], name="node", **attributes)], "graph", inputs, outputs)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), feeds, []

    return Case(f"operator-tf-idf-{name}", "TfIdfVectorizer", "hand-made", "TfIdfVectorizer", "operator", notes, make)


def counts():
    pool = dict(pool_strings=["a", "b", "c", "a", "b", "b", "c", "c", "c"], ngram_counts=[0, 3], ngram_indexes=[0, 1, 2, 3, 4, 5], max_skip_count=0)
    rows = [["a", "b", "c", "c"], ["b", "b", "c", "a"], ["x", "a", "b", "a"], ["", "c", "c", "c"]]
    weights = [0.5, 2.0, 1.0, 3.0, 0.25, 1.5]
    yield counted("unigrams", "unigrams of a pool of both", rows, mode="TF", min_gram_length=1, max_gram_length=1, **pool)
    yield counted("bigrams", "bigrams alone", rows, mode="TF", min_gram_length=2, max_gram_length=2, **pool)
    yield counted("both", "unigrams and bigrams", rows, mode="TF", min_gram_length=1, max_gram_length=2, **pool)
    yield counted("idf", "weights", rows, mode="IDF", min_gram_length=1, max_gram_length=2, weights=weights, **pool)
    yield counted("tf-idf", "counts by weights", rows, mode="TFIDF", min_gram_length=1, max_gram_length=2, weights=weights, **pool)
    yield counted("columns", "columns in another order", rows, mode="TF", min_gram_length=1, max_gram_length=2, **{**pool, "ngram_indexes": [5, 0, 4, 1, 3, 2]})
    yield counted("skips", "n-grams with gaps", rows, mode="TF", min_gram_length=2, max_gram_length=2, **{**pool, "max_skip_count": 1})


def cases():
    yield vectorizer("tf-idf", TfidfVectorizer())
    yield vectorizer("count", CountVectorizer())
    yield vectorizer("count-bigrams", CountVectorizer(ngram_range=(1, 2)), "unigrams and bigrams")
    yield vectorizer("count-bigrams-alone", CountVectorizer(ngram_range=(2, 2)), "bigrams")
    yield vectorizer("count-binary", CountVectorizer(binary=True), "binary")
    yield vectorizer("count-stop-words", CountVectorizer(stop_words=["the", "and"]), "stop words")
    yield vectorizer("count-case", CountVectorizer(lowercase=False), "case kept")
    yield vectorizer("tf-idf-pattern", TfidfVectorizer(token_pattern="[a-zA-Z]+"), "a token pattern")
    yield vectorizer("tf-idf-sublinear", TfidfVectorizer(sublinear_tf=True), "sublinear, which tract runs")
    yield vectorizer("tf-idf-l1", TfidfVectorizer(norm="l1"), "L1")
    yield vectorizer("tf-idf-characters", TfidfVectorizer(analyzer="char", ngram_range=(1, 2)), "characters and pairs of them")
    yield classifier("logistic", TfidfVectorizer(), linear_model.LogisticRegression(), "TfidfVectorizer")
    yield classifier("logistic-bigrams", TfidfVectorizer(ngram_range=(1, 2)), linear_model.LogisticRegression(), "TfidfVectorizer of unigrams and bigrams")
    yield classifier("naive-bayes", CountVectorizer(), naive_bayes.MultinomialNB(), "CountVectorizer")
    yield classifier("forest", TfidfVectorizer(), ensemble.RandomForestClassifier(12, max_depth=4, random_state=2026), "TfidfVectorizer")
    yield Case("text-table", "text", "scikit-learn", "LogisticRegression", "binary", "ColumnTransformer: TfidfVectorizer beside a number", table)
    yield from counts()
