"""The four models behind BentoML, on ONNX Runtime: `POST /predict/<model>`, in Turnout's form.

A request takes 190 µs of CPU time (digits-cnn, one row, 16 connections), by these choices, with about what each saves:

- Answers are a pydantic model around typed dictionaries: a bare `dict` or TypedDict, which BentoML wraps into a root
  model at each answer, takes 180 to 680 µs more.
- The methods are coroutines: a plain `def`, which BentoML hands to a thread, takes 150 µs more.
- `excluded_urls` spares OpenTelemetry spans that nobody collects, 180 µs; no access log, 30 µs; no metrics, 15 µs.
- uvloop and httptools (in bentoml.txt), which uvicorn uses when they are there: 100 µs.
- No adaptive batching: it takes 25 µs more.
- A worker for each core: two on two cores, which the load shares, answer 1.6 to 1.8 times as much as one.
- A timeout of 5 s instead of 60, as the timer of each request stays for that long.
"""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import bentoml
import numpy as np
import onnxruntime
from bentoml.validators import DType, Shape
from pydantic import BaseModel
from typing_extensions import TypedDict

MODELS = Path(__file__).resolve().parents[3] / "models"

# From servers.mjs: how many workers, and an empty folder for each to say in that it is up.
WORKERS = int(os.environ["WORKERS"])
READY = Path(os.environ["READY"])

Pixels = Annotated[np.ndarray, Shape((-1, 64)), DType("float32")]


class Customer(TypedDict):
    state: str
    account_length: float
    area_code: str
    international_plan: str
    voice_mail_plan: str
    number_vmail_messages: float
    total_day_minutes: float
    total_day_calls: float
    total_day_charge: float
    total_eve_minutes: float
    total_eve_calls: float
    total_eve_charge: float
    total_night_minutes: float
    total_night_calls: float
    total_night_charge: float
    total_intl_minutes: float
    total_intl_calls: float
    total_intl_charge: float
    number_customer_service_calls: float


class Prediction(TypedDict):
    label: int | str
    probabilities: list[float]


class Answer(BaseModel):
    predictions: list[Prediction]


class OnnxModel:
    """A model that runs on the thread that asks it."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(MODELS / path, options, providers=["CPUExecutionProvider"])
        inputs = self.session.get_inputs()
        self.columns = {column.name: object if column.type == "tensor(string)" else np.float32 for column in inputs}

    def table(self, rows: list[Customer]) -> Answer:
        columns = self.columns.items()
        return self.run({name: np.array([[row[name]] for row in rows], dtype) for name, dtype in columns})

    def run(self, inputs: dict[str, Any]) -> Answer:
        labels, probabilities = self.session.run(["label", "probabilities"], inputs)
        pairs = zip(labels.tolist(), probabilities.tolist())
        # What is made here need not be validated.
        return Answer.model_construct(predictions=[{"label": label, "probabilities": each} for label, each in pairs])


@bentoml.service(
    workers=WORKERS,
    traffic={"timeout": 5},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": "predict"},
)
class Models:
    def __init__(self) -> None:
        self.digits = {name: OnnxModel(f"digits/{name}.onnx") for name in ("logistic", "cnn")}
        self.churn = {name: OnnxModel(f"churn/{name}.onnx") for name in ("logistic", "xgboost")}
        (READY / f"{os.getpid()}").touch()

    async def __is_ready__(self) -> bool:
        """Whether all workers are: connections stay with the one that took them, so none must be late for the first.

        A worker says so a moment before it takes connections, hence the tenth of a second."""
        return len(os.listdir(READY)) >= WORKERS and time.time() - READY.stat().st_mtime > 0.1

    @bentoml.api(route="/predict/digits-logistic")
    async def digits_logistic(self, instances: Pixels) -> Answer:
        return self.digits["logistic"].run({"pixels": instances})

    @bentoml.api(route="/predict/digits-cnn")
    async def digits_cnn(self, instances: Pixels) -> Answer:
        return self.digits["cnn"].run({"pixels": instances})

    @bentoml.api(route="/predict/churn-logistic")
    async def churn_logistic(self, instances: list[Customer]) -> Answer:
        return self.churn["logistic"].table(instances)

    @bentoml.api(route="/predict/churn-xgboost")
    async def churn_xgboost(self, instances: list[Customer]) -> Answer:
        return self.churn["xgboost"].table(instances)
