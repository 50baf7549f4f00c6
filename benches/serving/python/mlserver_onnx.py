"""A runtime of MLServer for ONNX models of numbers and strings, on ONNX Runtime."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from mlserver.utils import get_model_uri

# By ONNX Runtime's names: NumPy's type, and the protocol's.
TYPES = {"tensor(float)": (np.float32, "FP32"), "tensor(int64)": (np.int64, "INT64"), "tensor(string)": (object, "BYTES")}


class OnnxModel(MLModel):
    """Runs the model at `parameters.uri` on one thread; inputs and outputs go by the names that it gives them."""

    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = await get_model_uri(self.settings)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = {tensor.name: TYPES[tensor.type][0] for tensor in self._session.get_inputs()}
        self._outputs = {tensor.name: TYPES[tensor.type][1] for tensor in self._session.get_outputs()}
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        # Arrays by hand: MLServer's NumpyCodec takes three times as long for the 19 inputs of churn, four for the outputs.
        inputs = {
            tensor.name: np.array(tensor.data.root, self._inputs[tensor.name]).reshape(tensor.shape)
            for tensor in payload.inputs
        }
        arrays = self._session.run(list(self._outputs), inputs)
        outputs = [
            ResponseOutput(name=name, shape=array.shape, datatype=datatype, data=array.ravel().tolist())
            for (name, datatype), array in zip(self._outputs.items(), arrays)
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
