//! A value for a value: `LabelEncoder` and `CategoryMapper`.

use std::collections::HashMap;

use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::values::{elements, list, load_tensor, tensor, version};
use crate::signature::Signature;

/// From a value to its place among the keys.
#[derive(Debug)]
enum Keys {
    Ints(HashMap<i64, usize>),
    /// By their bits: of 32-bit floating-point numbers, as doubles have them too.
    Floats {
        places: HashMap<u64, usize>,
        datum: DatumType,
        /// Whether NaN is a key like others. Before version 4 it equals nothing.
        nan: bool,
    },
    Strings(HashMap<String, usize>),
}

/// What stands at each place, and last what stands for values that are no key.
#[derive(Debug)]
enum Values {
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
    Strings(Vec<String>),
}

/// [LabelEncoder](https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html) and
/// [CategoryMapper](https://onnx.ai/onnx/operators/onnx_aionnxml_CategoryMapper.html).
#[derive(Debug)]
pub enum Mapping {
    /// The attributes say which way.
    OneWay(Map),
    /// The input's type says which way.
    EitherWay {
        /// `tensor(string)` to `tensor(int64)`.
        to_ints: Map,
        /// `tensor(int64)` to `tensor(string)`.
        to_strings: Map,
    },
}

/// A table of values by key.
#[derive(Debug)]
pub struct Map {
    keys: Keys,
    values: Values,
}

impl Map {
    fn new(keys: Keys, values: Values) -> TractResult<Self> {
        let most = match &keys {
            Keys::Ints(places) => places.values().max(),
            Keys::Floats { places, .. } => places.values().max(),
            Keys::Strings(places) => places.values().max(),
        };
        // The default is one more.
        ensure!(most.is_none_or(|most| *most < values.len().saturating_sub(1)), "more keys than values");
        Ok(Map { keys, values })
    }

    fn run(&self, input: &Tensor) -> TractResult<TVec<Tensor>> {
        let fallback = self.values.len().saturating_sub(1);
        let places: Vec<usize> = match &self.keys {
            Keys::Ints(keys) => look_up(keys, elements::<i64>(input)?, fallback),
            Keys::Strings(keys) => look_up(keys, elements::<String>(input)?, fallback),
            Keys::Floats { places, nan, .. } => {
                let input = input.cast_to::<f64>()?;
                let place = |x: &f64| places.get(&bits(*x)).filter(|_| *nan || !x.is_nan()).copied();
                elements::<f64>(&input)?.iter().map(|x| place(x).unwrap_or(fallback)).collect()
            }
        };
        let shape = input.shape();
        Ok(tvec!(match &self.values {
            Values::Ints(values) => pick(values, &places, shape)?,
            Values::Floats(values) => pick(values, &places, shape)?,
            Values::Doubles(values) => pick(values, &places, shape)?,
            Values::Strings(values) => pick(values, &places, shape)?,
        }))
    }
}

fn look_up<K: std::hash::Hash + Eq>(keys: &HashMap<K, usize>, values: &[K], fallback: usize) -> Vec<usize> {
    values.iter().map(|value| keys.get(value).copied().unwrap_or(fallback)).collect()
}

fn pick<T: Datum + Clone>(values: &[T], places: &[usize], shape: &[usize]) -> TractResult<Tensor> {
    let picked = places.iter().map(|place| values.get(*place).cloned().context("a key without a value"));
    tensor(shape, picked.collect::<TractResult<Vec<T>>>()?)
}

/// One pattern for all that are equal: both noughts, and every NaN.
fn bits(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() }
}

/// Keys by place; the first of equals counts.
fn places<K: std::hash::Hash + Eq>(keys: impl IntoIterator<Item = K>) -> HashMap<K, usize> {
    let mut places = HashMap::new();
    for (place, key) in keys.into_iter().enumerate() {
        places.entry(key).or_insert(place);
    }
    places
}

impl Keys {
    /// Reads the attributes of a `LabelEncoder` of version 2 or later.
    fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        // Version 4 made NaN a key, and brought the tensors.
        let version = version(model, "ai.onnx.ml").unwrap_or(1);
        let (ints, strings) = (list::<i64>(node, "keys_int64s")?, list::<String>(node, "keys_strings")?);
        let floats: Vec<f32> = list(node, "keys_floats")?;
        Ok(if !ints.is_empty() {
            Keys::Ints(places(ints))
        } else if !strings.is_empty() {
            Keys::Strings(places(strings))
        } else if !floats.is_empty() {
            Keys::floats(floats.into_iter().map(f64::from), f32::datum_type(), version >= 4)
        } else {
            let proto: &TensorProto = node.get_attr_opt("keys_tensor")?.context("it has no keys")?;
            let keys = load_tensor(proto)?;
            match keys.datum_type() {
                datum if datum == i64::datum_type() => Keys::Ints(places(elements::<i64>(&keys)?.to_vec())),
                datum if datum == String::datum_type() => Keys::Strings(places(elements::<String>(&keys)?.to_vec())),
                datum if datum.is_float() => {
                    Keys::floats(elements::<f64>(&*keys.cast_to::<f64>()?)?.to_vec(), datum, version >= 4)
                }
                datum => bail!("keys of type {datum:?} are not known here"),
            }
        })
    }

    fn floats(keys: impl IntoIterator<Item = f64>, datum: DatumType, nan: bool) -> Self {
        Keys::Floats { places: places(keys.into_iter().map(bits)), datum, nan }
    }

    fn datum(&self) -> DatumType {
        match self {
            Keys::Ints(_) => i64::datum_type(),
            Keys::Floats { datum, .. } => *datum,
            Keys::Strings(_) => String::datum_type(),
        }
    }
}

impl Values {
    /// Reads the attributes of a `LabelEncoder` of version 2 or later, its default last.
    fn read(node: &NodeProto) -> TractResult<Self> {
        let (ints, strings) = (list::<i64>(node, "values_int64s")?, list::<String>(node, "values_strings")?);
        let floats: Vec<f32> = list(node, "values_floats")?;
        let unused = || "_Unused".to_owned();
        Ok(if !ints.is_empty() {
            Values::Ints(with(ints, default(node, "default_int64", -1)?))
        } else if !strings.is_empty() {
            Values::Strings(with(strings, default(node, "default_string", unused())?))
        } else if !floats.is_empty() {
            Values::Floats(with(floats, default(node, "default_float", -0.0)?))
        } else {
            let proto: &TensorProto = node.get_attr_opt("values_tensor")?.context("it has no values")?;
            let values = load_tensor(proto)?;
            match values.datum_type() {
                datum if datum == i64::datum_type() => {
                    let default = default(node, "default_int64", -1)?;
                    Values::Ints(with(elements::<i64>(&values)?.to_vec(), default))
                }
                datum if datum == String::datum_type() => {
                    let default = default(node, "default_string", unused())?;
                    Values::Strings(with(elements::<String>(&values)?.to_vec(), default))
                }
                datum if datum == f32::datum_type() => {
                    let default = default(node, "default_float", -0.0)?;
                    Values::Floats(with(elements::<f32>(&values)?.to_vec(), default))
                }
                datum if datum == f64::datum_type() => {
                    let default = super::values::tensor_list::<f64>(node, "default_tensor")?;
                    let default = default.first().copied().unwrap_or(-0.0);
                    Values::Doubles(with(elements::<f64>(&values)?.to_vec(), default))
                }
                datum => bail!("values of type {datum:?} are not known here"),
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Values::Ints(values) => values.len(),
            Values::Floats(values) => values.len(),
            Values::Doubles(values) => values.len(),
            Values::Strings(values) => values.len(),
        }
    }

    fn datum(&self) -> DatumType {
        match self {
            Values::Ints(_) => i64::datum_type(),
            Values::Floats(_) => f32::datum_type(),
            Values::Doubles(_) => f64::datum_type(),
            Values::Strings(_) => String::datum_type(),
        }
    }
}

fn with<T>(mut values: Vec<T>, default: T) -> Vec<T> {
    values.push(default);
    values
}

/// `default_tensor`, or the attribute of that name, or what the specification has.
fn default<'a, T>(node: &'a NodeProto, name: &str, otherwise: T) -> TractResult<T>
where
    T: Datum + Clone + tract_onnx::pb_helpers::AttrScalarType<'a>,
{
    match super::values::tensor_list::<T>(node, "default_tensor")?.first() {
        Some(default) => Ok(default.clone()),
        None => Ok(node.get_attr_opt(name)?.unwrap_or(otherwise)),
    }
}

impl Mapping {
    /// Reads a `LabelEncoder` of any version.
    pub fn read_label_encoder(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let classes: Vec<String> = list(node, "classes_strings")?;
        if !classes.is_empty() {
            return Mapping::of_classes(node, (0i64..).take(classes.len()).collect(), classes);
        }
        Ok(Mapping::OneWay(Map::new(Keys::read(model, node)?, Values::read(node)?)?))
    }

    /// Reads a `CategoryMapper`.
    pub fn read_category_mapper(node: &NodeProto) -> TractResult<Self> {
        Mapping::of_classes(node, list(node, "cats_int64s")?, list(node, "cats_strings")?)
    }

    /// Integers and strings, side by side; the last of equals counts, as in ONNX Runtime.
    fn of_classes(node: &NodeProto, ints: Vec<i64>, strings: Vec<String>) -> TractResult<Self> {
        ensure!(ints.len() == strings.len(), "{} integers but {} strings", ints.len(), strings.len());
        let int = node.get_attr_opt("default_int64")?.unwrap_or(-1);
        let string = node.get_attr_opt("default_string")?.unwrap_or_else(|| "_Unused".to_owned());
        let by_string = strings.iter().cloned().zip(0usize..).collect();
        let by_int = ints.iter().copied().zip(0usize..).collect();
        Ok(Mapping::EitherWay {
            to_ints: Map::new(Keys::Strings(by_string), Values::Ints(with(ints, int)))?,
            to_strings: Map::new(Keys::Ints(by_int), Values::Strings(with(strings, string)))?,
        })
    }

    fn map(&self, input: DatumType) -> TractResult<&Map> {
        let map = match self {
            Mapping::OneWay(map) => map,
            Mapping::EitherWay { to_ints, .. } if input == String::datum_type() => to_ints,
            Mapping::EitherWay { to_strings, .. } => to_strings,
        };
        ensure!(input == map.keys.datum(), "its keys are {:?}, and its input is {input:?}", map.keys.datum());
        Ok(map)
    }
}

impl Kernel for Mapping {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        Ok(tvec!(Signature::new(self.map(input.datum)?.values.datum(), input.shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        self.map(input.datum_type())?.run(input)
    }
}
