//! Models of some hundred bytes that would take all memory, never end, or end the worker: each is refused, when it is loaded
//! or when it is run.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use std::time::{Duration, Instant};

use turnout_onnx::Model;
use turnout_tables::{Table, Values};

/// What a model says to one row of that value, or why it says nothing.
fn answer(name: &str, value: f64) -> Result<Values, String> {
    let path = format!("{}/tests/crashes/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "natively there is a clock")]
    let started = Instant::now();
    let model = Model::load(&std::fs::read(path).unwrap()).map_err(|error| error.to_string())?;
    let inputs = model.schema().inputs().iter().map(|input| match input.datatype.values() {
        Values::F32(_) => Values::F32(vec![value as f32; input.width()]),
        Values::F64(_) => Values::F64(vec![value; input.width()]),
        Values::I64(_) => Values::I64(vec![value as i64; input.width()]),
        other => panic!("{other:?}"),
    });
    let table = Table::new(model.schema(), 1, inputs.collect()).unwrap();
    let outputs = model.run(&table, None).map_err(|error| error.to_string())?;
    assert!(started.elapsed() < Duration::from_secs(10), "{name} takes {:?}", started.elapsed());
    Ok(outputs.outputs()[0].values.clone())
}

#[test]
fn what_would_take_all_is_refused() {
    let refused = [
        ("chains", 1.0, "a node is reached in two ways"),
        ("computed-size", 1.0, "node `d` (ConstantOfShape) needs 6400000000 bytes"),
        ("conv-pads", 1.0, "node `Y` (Conv) needs"),
        ("cos-1e12", 1.0, "node `b` (ConstantOfShape): 1000000000000 does not fit into 32 bits"),
        ("expand", 1.0, "node `Y` (Expand) needs"),
        ("features", 1.0, "a run needs"),
        ("many-values", 1.0, "a run needs"),
        ("matrices", 1.0, "million multiplications"),
        ("one-hot-depth", 1.0, "node `Y` (OneHot): a depth of 2000000000"),
        ("pad", 1.0, "node `Y` (Pad) needs"),
        ("pool", 1.0, "node `Y` (MaxPool): a window of"),
        ("range-0step", 1.0, "node `r` (Range): its step is 0"),
        ("range-by-value", 1e9, "node `r` (Range): it is of"),
        ("range-fine", 1.0, "node `r` (Range): it is of"),
        ("range-long", 1.0, "node `r` (Range): it is of 1000000000 numbers"),
        ("resize", 1.0, "node `Y` (Resize) needs"),
        ("sizes-that-double", 1.0, "node `Wh_Where3` (Where): its inputs do not fit each other"),
        ("tile-by-value", 1.0, "node `Y` (Tile): the size of what it makes depends on values that are sent"),
        ("tile-1e8", 1.0, "node `t` (Tile) needs 800000000 bytes"),
        ("tree-targets", 1.0, "`n_targets` has 1000000000000, which does not fit into 32 bits"),
        ("width-16M", 1.0, "its input `X` needs 67108864 bytes"),
    ];
    for (name, value, words) in refused {
        let error = answer(name, value).unwrap_err();
        assert!(error.contains(words), "{name}: {error}");
    }
}

#[test]
fn what_does_not_fit_into_32_bits_is_refused_as_webassembly_would_cut_it() {
    let refused = [
        ("feat-wrap", 1.0, "`nodes_featureids` has 4294967297, which does not fit into 32 bits"),
        ("flatten-of-nothing", 1.0, "`perm` has 1099511627776, which does not fit into 32 bits"),
        ("reshape-wide", 1.0, "node `Y` (Reshape): 4294967298 does not fit into 32 bits"),
        ("split-wide", 1.0, "node `Y` (Split): 4294967297 does not fit into 32 bits"),
        ("top-wide", 1.0, "node `Y` (TopK): 4294967297 does not fit into 32 bits"),
        ("unsqueeze-wide", 1.0, "node `Y` (Unsqueeze): 4294967296 does not fit into 32 bits"),
    ];
    for (name, value, words) in refused {
        let error = answer(name, value).unwrap_err();
        assert!(error.contains(words), "{name}: {error}");
    }
    for name in ["slice-to-the-end", "slice-to-the-end-9"] {
        assert_eq!(answer(name, 5.0), Ok(Values::F32(vec![5.0])), "{name}");
    }
    assert_eq!(answer("cast-wide", 4294967297.0), Ok(Values::F32(vec![4294967296.0])));
}

#[test]
fn a_value_that_an_operator_does_not_take_is_an_error_of_that_request() {
    let refused = [
        ("div-int", 0.0, "an integer is divided by 0"),
        ("divide", 1.0, "an integer is divided by 0"),
        ("embed-gather", 10.0, "index 10 is beyond the 10 that there are"),
        ("embed-gather", -11.0, "index -11 is beyond the 10 that there are"),
        ("embed-gather", 4294967297.0, "index 4294967297 is beyond the 10 that there are"),
        ("gather-elements", 10.0, "index 10 is beyond the 10 that there are"),
        ("gather-nd", 10.0, "index 10 is beyond the 10 that there are"),
        ("modulo", 0.0, "an integer is divided by 0"),
    ];
    for (name, value, words) in refused {
        let error = answer(name, value).unwrap_err();
        assert!(error.contains(words), "{name}: {error}");
    }
    assert_eq!(answer("embed-gather", 9.0).map(|values| values.len()), Ok(4));
    assert_eq!(answer("embed-gather", -10.0).map(|values| values.len()), Ok(4));
    assert_eq!(answer("one-hot", 3.0), Ok(Values::F32(vec![0.0, 0.0, 0.0, 1.0, 0.0])));
    // By ONNX's rule an index that is out of range is no category.
    assert_eq!(answer("one-hot", 99.0), Ok(Values::F32(vec![0.0; 5])));
    assert_eq!(answer("modulo", 3.0), Ok(Values::F32(vec![2.0])));
}
