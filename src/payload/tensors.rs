//! Tensors as the Open Inference Protocol sends and asks for them: JSON, or bytes behind it
//! (<https://github.com/kserve/open-inference-protocol>, with its binary tensor data extension).

use half::f16;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::builder::narrow;
use super::error::cut;
use super::tensor_bytes::{binary_values, datatype_name, named};
use super::{Datatype, Input, Output, Outputs, Schema, Table, Values, flat};

/// Why tensors are not what the model takes, or what is asked for is not what it gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// The JSON is not a request.
    #[error("the request cannot be read: {0}")]
    Malformed(String),
    /// The header says that there is more JSON than there is body.
    #[error("Inference-Header-Content-Length is `{0}`, which is no number of bytes that the body has")]
    HeaderLength(String),
    /// The tensors behind the JSON have fewer or more bytes than it says.
    #[error("the tensors behind the JSON should have {expected} bytes, and have {given}")]
    BinaryLength {
        /// What `binary_data_size` add up to.
        expected: usize,
        /// What there is.
        given: usize,
    },
    /// One tensor is wrong.
    #[error("input `{name}`: {problem}")]
    Input {
        /// The tensor's name, cut to 40 characters.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor that the model does not take.
    #[error("there is no input `{name}`; the model takes: {known}")]
    UnknownInput {
        /// The name, cut to 40 characters.
        name: String,
        /// The first twenty that there are.
        known: String,
    },
    /// An output that the model does not give.
    #[error("there is no output `{name}`; the model gives: {known}")]
    UnknownOutput {
        /// The name, cut to 40 characters.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// Values that would have to be decoded first.
    #[error("input `{name}`: values of content type `{content_type}` are not decoded here; send them as {known}")]
    ContentType {
        /// The tensor's name, cut to 40 characters.
        name: String,
        /// Its content type, cut to 40 characters.
        content_type: String,
        /// Those that are taken.
        known: String,
    },
    /// An output is asked for twice.
    #[error("output `{0}` is asked for twice")]
    RepeatedOutput(String),
    /// An extension that is not spoken.
    #[error("the parameter `{0}` is not served here")]
    Parameter(&'static str),
}

/// The media type of JSON with tensors behind it.
pub const BINARY: &str = "application/octet-stream";

/// A request, whole.
#[derive(Debug, Deserialize)]
pub struct Inference<'a> {
    /// The caller's id for it.
    pub id: Option<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    parameters: Map<String, Value>,
    #[serde(borrow)]
    inputs: Vec<InputTensor<'a>>,
    outputs: Option<Vec<RequestedOutput>>,
}

#[derive(Debug, Deserialize)]
struct InputTensor<'a> {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(default, deserialize_with = "null_is_none")]
    parameters: Map<String, Value>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// Its bytes, of those behind the JSON.
    #[serde(skip)]
    binary: Option<&'a [u8]>,
}

#[derive(Debug, Deserialize)]
struct RequestedOutput {
    name: String,
    #[serde(default, deserialize_with = "null_is_none")]
    parameters: Map<String, Value>,
}

/// MLServer's clients write all members, those that are not there as null.
fn null_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Parameters that would change the answer: extensions of Triton's that are not spoken.
const UNSUPPORTED: [&str; 6] =
    ["shared_memory_region", "shared_memory_offset", "classification", "sequence_id", "sequence_start", "sequence_end"];

/// MLServer's content types of tensors that are taken as they are. Others would have to be decoded first.
const CONTENT_TYPES: [&str; 4] = ["np", "pd", "pd_series", "str"];

impl<'a> Inference<'a> {
    /// Reads a request's body, whose JSON has `header_length` bytes where others follow.
    ///
    /// # Errors
    /// If it is not one, or the bytes behind the JSON are more or fewer than it says.
    pub fn parse(body: &'a [u8], header_length: Option<&str>) -> Result<Self, TensorError> {
        let (json, mut binary) = match header_length {
            None => (body, [].as_slice()),
            Some(length) => length
                .trim()
                .parse()
                .ok()
                .and_then(|length: usize| body.split_at_checked(length))
                .ok_or_else(|| TensorError::HeaderLength(cut(length)))?,
        };
        let mut request: Inference<'a> =
            serde_json::from_slice(json).map_err(|error| TensorError::Malformed(error.to_string()))?;
        let outputs = request.outputs.iter().flatten().map(|output| &output.parameters);
        let all = request.inputs.iter().map(|input| &input.parameters).chain(outputs).chain([&request.parameters]);
        for parameters in all {
            // At their defaults they ask for nothing.
            let is_default = |value: &Value| match value {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty(),
                number => number.as_i64() == Some(0),
            };
            let set = |name: &&str| parameters.get(*name).is_some_and(|value| !is_default(value));
            if let Some(name) = UNSUPPORTED.into_iter().find(set) {
                return Err(TensorError::Parameter(name));
            }
        }
        let given = binary.len();
        let mut expected = 0usize;
        for input in &mut request.inputs {
            let Some(size) = input.parameters.get("binary_data_size") else { continue };
            let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
            let size = size.ok_or_else(|| input.wrong("its binary_data_size is no number of bytes".to_owned()))?;
            expected = expected.saturating_add(size);
            let Some((bytes, rest)) = binary.split_at_checked(size) else {
                return Err(TensorError::BinaryLength { expected, given });
            };
            (input.binary, binary) = (Some(bytes), rest);
        }
        if binary.is_empty() { Ok(request) } else { Err(TensorError::BinaryLength { expected, given }) }
    }

    /// The outputs that are asked for, each with whether as bytes; all of them unless some are named.
    ///
    /// # Errors
    /// If one that is asked for is none of them.
    pub fn asked_for<'o>(&self, outputs: &'o Outputs) -> Result<Vec<(&'o Output, bool)>, TensorError> {
        let is_set = |parameters: &Map<String, Value>, name: &str| parameters.get(name).and_then(Value::as_bool);
        let all_binary = is_set(&self.parameters, "binary_data_output").unwrap_or(false);
        let Some(requested) = self.outputs.as_ref().filter(|requested| !requested.is_empty()) else {
            return Ok(outputs.outputs().iter().map(|output| (output, all_binary)).collect());
        };
        let find = |asked: &RequestedOutput| {
            let found = outputs.outputs().iter().find(|output| output.name == asked.name);
            let binary = is_set(&asked.parameters, "binary_data").unwrap_or(all_binary);
            found.map(|output| (output, binary)).ok_or_else(|| {
                let known: Vec<&str> = outputs.outputs().iter().map(|output| output.name.as_str()).collect();
                TensorError::UnknownOutput { name: cut(&asked.name), known: known.join(", ") }
            })
        };
        for (at, asked) in requested.iter().enumerate() {
            if requested.iter().take(at).any(|other| other.name == asked.name) {
                return Err(TensorError::RepeatedOutput(cut(&asked.name)));
            }
        }
        requested.iter().map(find).collect()
    }
}

impl Inference<'_> {
    /// The rows that are there, and not just claimed; `None` if that cannot be told.
    pub fn counted_rows(&self) -> Option<usize> {
        let tensor = self.inputs.first()?;
        let values = tensor.decoded().ok()?;
        if values.is_empty() { Some(0) } else { tensor.shape.first().copied() }
    }

    /// Whether tensors stand behind the JSON, as bytes.
    pub fn has_bytes(&self) -> bool {
        self.inputs.iter().any(|input| input.binary.is_some())
    }

    /// How many rows the first tensor's shape says that there are.
    pub fn rows(&self) -> usize {
        self.inputs.first().and_then(|input| input.shape.first().copied()).unwrap_or_default()
    }

    /// The tensors as the inputs of a model.
    ///
    /// # Errors
    /// If they are not what the model takes.
    pub fn table(&self, schema: &Schema) -> Result<Table, TensorError> {
        let known = schema.inputs();
        for (at, tensor) in self.inputs.iter().enumerate() {
            if !known.iter().any(|input| input.name == tensor.name) {
                return Err(TensorError::UnknownInput { name: cut(&tensor.name), known: schema.some_names() });
            }
            if self.inputs.iter().take(at).any(|other| other.name == tensor.name) {
                return Err(tensor.wrong("it stands twice".to_owned()));
            }
        }
        for tensor in &self.inputs {
            // The request's holds for tensors that have none.
            let said =
                |parameters: &Map<String, Value>| parameters.get("content_type").and_then(Value::as_str).map(cut);
            let content_type = said(&tensor.parameters).or_else(|| said(&self.parameters)).unwrap_or_default();
            if !content_type.is_empty() && !CONTENT_TYPES.contains(&content_type.as_str()) {
                let (name, known) = (cut(&tensor.name), CONTENT_TYPES.join(", "));
                return Err(TensorError::ContentType { name, content_type, known });
            }
        }
        let rows = self.rows();
        let values = known.iter().map(|input| {
            let missing = || TensorError::Input { name: input.name.clone(), problem: "it is missing".to_owned() };
            let tensor = self.inputs.iter().find(|tensor| tensor.name == input.name).ok_or_else(missing)?;
            tensor.values(input, rows).map_err(|problem| tensor.wrong(problem))
        });
        let values = values.collect::<Result<Vec<Values>, _>>()?;
        Table::new(schema, rows, values).ok_or_else(|| TensorError::Malformed("the tensors hold no rows".to_owned()))
    }
}

impl InputTensor<'_> {
    fn wrong(&self, problem: String) -> TensorError {
        TensorError::Input { name: cut(&self.name), problem }
    }

    /// The values, if they are what the model takes there.
    fn values(&self, input: &Input, rows: usize) -> Result<Values, String> {
        let expected: Vec<usize> = [rows].into_iter().chain(input.row_shape.iter().copied()).collect();
        // A column may be sent without its last dimension.
        let is_column = input.width() == 1 && self.shape == [rows];
        if (self.shape != expected && !is_column) || rows == 0 {
            let sizes: Vec<String> = input.row_shape.iter().map(usize::to_string).collect();
            let sizes = ["rows".to_owned()].into_iter().chain(sizes).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "its shape is {:?}; the model takes [{sizes}], at least one row, and as many in each input",
                self.shape
            ));
        }
        let datatype = named(&self.datatype).ok_or_else(|| format!("`{}` is no datatype", cut(&self.datatype)))?;
        let values = self.decoded()?;
        if datatype == input.datatype {
            return Ok(values);
        }
        converted(values, input.datatype).ok_or_else(|| {
            let wanted = datatype_name(input.datatype);
            format!(
                "its datatype is {}; the model takes {wanted}, which cannot hold these values unchanged",
                self.datatype
            )
        })
    }

    /// The values, if they are as many as the shape has, of the type that it says.
    fn decoded(&self) -> Result<Values, String> {
        let datatype: Datatype =
            named(&self.datatype).ok_or_else(|| format!("`{}` is no datatype", cut(&self.datatype)))?;
        match (self.data, self.binary) {
            (Some(json), None) => flat(datatype, &self.shape, json.get()),
            (None, Some(bytes)) => {
                let count = self.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
                binary_values(datatype, bytes, count.ok_or("its shape has too many values")?)
            }
            (None, None) => Err("it has neither `data` nor `binary_data_size`".to_owned()),
            (Some(_), Some(_)) => Err("it has both `data` and `binary_data_size`".to_owned()),
        }
    }
}

/// The same numbers in another type, if it holds every one of them.
fn converted(values: Values, to: Datatype) -> Option<Values> {
    let integer = |x: i64| {
        let (least, most) = to.range().unwrap_or((i64::MIN, i64::MAX));
        (least..=most).contains(&x).then_some(x)
    };
    let held = |narrow: &f32| if to == Datatype::F16 { f16::from_f32(*narrow).into() } else { f64::from(*narrow) };
    let narrow = |x: f64| narrow(x, to).filter(|narrow| x.is_nan() || held(narrow) == x);
    let exact = |x: i64| Some(x as f64).filter(|float| x.unsigned_abs() <= 1 << 53 && *float as i64 == x);
    Some(match (values, to.values()) {
        (Values::F64(values), Values::F32(_)) => Values::F32(values.into_iter().map(narrow).collect::<Option<_>>()?),
        (Values::F32(values), Values::F32(_)) => {
            Values::F32(values.into_iter().map(|x| narrow(x.into())).collect::<Option<_>>()?)
        }
        (Values::F32(values), Values::F64(_)) => Values::F64(values.into_iter().map(f64::from).collect()),
        (Values::I64(values), Values::I64(_)) => Values::I64(values.into_iter().map(integer).collect::<Option<_>>()?),
        (Values::I64(values), Values::F64(_)) => Values::F64(values.into_iter().map(exact).collect::<Option<_>>()?),
        (Values::I64(values), Values::F32(_)) => {
            Values::F32(values.into_iter().map(|x| narrow(exact(x)?)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// How many rows a request's body holds, by its first tensor; `None` where that does not hold what its shape says. A model
/// host may take the shape for something else, but nobody's claim of billions of rows gets into the sums.
pub fn count_tensor_rows(body: &[u8], header_length: Option<&str>) -> Option<usize> {
    Inference::parse(body, header_length).ok()?.counted_rows()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(tensor: &str) -> Option<usize> {
        count_tensor_rows(format!(r#"{{"inputs": [{{"name": "x", {tensor}}}]}}"#).as_bytes(), None)
    }

    #[test]
    fn rows_are_counted_and_never_just_claimed() {
        assert_eq!(rows(r#""datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3, 4]"#), Some(2));
        assert_eq!(rows(r#""datatype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4]]"#), Some(2));
        assert_eq!(rows(r#""datatype": "BYTES", "shape": [1], "data": ["a"]"#), Some(1));
        assert_eq!(rows(r#""datatype": "FP32", "shape": [4294967295, 2], "data": [1, 2, 3, 4]"#), None);
        assert_eq!(rows(r#""datatype": "FP32", "shape": [4294967295, 0], "data": []"#), Some(0));
        assert_eq!(rows(r#""datatype": "FP32", "shape": [], "data": [1]"#), None);
        assert_eq!(rows(r#""datatype": "FP32", "shape": [2, 2]"#), None);
        let head =
            r#"{"inputs": [{"name": "x", "datatype": "INT8", "shape": [3], "parameters": {"binary_data_size": 3}}]}"#;
        let body = [head.as_bytes(), &[1, 2, 3]].concat();
        assert_eq!(count_tensor_rows(&body, Some(&head.len().to_string())), Some(3));
    }
}
