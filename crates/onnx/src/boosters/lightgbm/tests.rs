//! Against LightGBM's own predictions, and against broken files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;
use turnout_tables::{Datatype, Schema, Table, Values};

use super::*;
use crate::model::Model;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/boosters/models");

/// A forest of two trees of three scores less one, of a feature of each kind: edited by the tests below.
const SMALL: &str = "tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=age town
feature_infos=[-3:3] 0:1:2
tree_sizes=1 1

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
split_gain=1 1
threshold=0.5 0
decision_type=2 1
left_child=1 -1
right_child=-3 -2
leaf_value=1 2 4
leaf_weight=1 1 1
leaf_count=1 1 1
internal_value=0 0
internal_weight=0 0
internal_count=0 0
cat_boundaries=0 2
cat_threshold=1 2
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
leaf_value=0.5
is_linear=0
shrinkage=1


end of trees

parameters:
[categorical_feature: 1]
end of parameters

pandas_categorical:null
";

fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64().unwrap(), |text| text.parse().unwrap())
}

/// The table of rows that may have strings where the model has them.
fn table(schema: &Schema, rows: &[Value]) -> Table {
    let mut first = 0;
    let inputs = schema.inputs().iter().map(|input| {
        let range = first..first + input.width();
        first = range.end;
        let cells = rows.iter().flat_map(|row| &row.as_array().unwrap()[range.clone()]);
        match input.datatype {
            Datatype::Text => Values::Text(cells.map(|cell| cell.as_str().unwrap().to_owned()).collect()),
            _ => Values::F64(cells.map(number).collect()),
        }
    });
    Table::new(schema, rows.len(), inputs.collect()).unwrap()
}

/// What the model answers: a list of numbers an output.
fn answers(model: &Model, rows: &[Value]) -> Vec<(String, Vec<f64>)> {
    let outputs = model.run(&table(model.schema(), rows), None).unwrap();
    let numbers = |values: &Values| match values {
        Values::F64(values) => values.clone(),
        Values::I64(values) => values.iter().map(|value| *value as f64).collect(),
        other => panic!("{other:?}"),
    };
    outputs.outputs().iter().map(|output| (output.name.clone(), numbers(&output.values))).collect()
}

fn predictions(text: &str, rows: Value) -> Vec<f64> {
    let model = Model::load(text.as_bytes()).unwrap();
    answers(&model, rows.as_array().unwrap()).swap_remove(0).1
}

fn problem(text: &str) -> String {
    match read(text.as_bytes()) {
        Err(LoadError::Booster { library: "LightGBM", problem }) => problem,
        other => panic!("{other:?}"),
    }
}

/// NaN is what NaN should be.
fn same(found: f64, expected: f64, tolerance: f64) -> bool {
    found.to_bits() == expected.to_bits()
        || found.is_nan() && expected.is_nan()
        || (found - expected).abs() <= tolerance * expected.abs()
}

#[test]
fn predictions_are_those_of_lightgbm() {
    let mut cases = 0;
    for file in std::fs::read_dir(FOLDER).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(name) = name.strip_prefix("lightgbm_").and_then(|name| name.strip_suffix(".txt")) else { continue };
        let model = Model::load(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = std::fs::read(path.with_extension("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let rows = expected["rows"].as_array().unwrap();
        let wanted = expected["outputs"].as_object().unwrap();
        let found = answers(&model, rows);
        assert_eq!(found.len(), wanted.len(), "{name}");
        for (output, values) in &found {
            let flat = wanted[output].as_array().unwrap().iter();
            let flat = flat.flat_map(|row| row.as_array().map_or(std::slice::from_ref(row), Vec::as_slice));
            let wanted: Vec<f64> = flat.map(number).collect();
            assert_eq!(values.len(), wanted.len(), "{name}: {output}");
            // Sums have to have the same bits; exponentials depend on the platform.
            let tolerance = if output == "raw_score" { 0.0 } else { 1e-12 };
            for (at, (found, wanted)) in values.iter().zip(wanted).enumerate() {
                assert!(same(*found, wanted, tolerance), "{name}: {output} {at} is {found:?}, not {wanted:?}");
            }
        }
        // One row at a time goes another way through the trees.
        for (at, row) in rows.iter().enumerate() {
            for ((output, one), (_, all)) in answers(&model, std::slice::from_ref(row)).iter().zip(&found) {
                let width = one.len();
                let both = one.iter().zip(&all[at * width..][..width]);
                assert!(both.into_iter().all(|(one, all)| same(*one, *all, 0.0)), "{name}: {output} of row {at} alone");
            }
        }
        cases += 1;
    }
    assert!(cases >= 60, "{cases} cases");
}

#[test]
fn a_small_model_predicts_and_has_its_names() {
    let rows = serde_json::json!([[0.5, 0], [0.6, 0], ["NaN", 33], [0, 1], [0, -0.5], [0, "NaN"], [0, 65]]);
    assert_eq!(predictions(SMALL, rows), [1.5, 4.5, 1.5, 2.5, 1.5, 2.5, 2.5]);
    let saved = read(SMALL.as_bytes()).unwrap();
    assert_eq!((saved.features, saved.names), (2, vec!["age".to_owned(), "town".to_owned()]));
    let unnamed = SMALL.replace("age town", "Column_0 Column_1");
    assert_eq!(read(unnamed.as_bytes()).unwrap().names, Vec::<String>::new());
    // Line ends of another system change nothing.
    let rows = serde_json::json!([[0.5, 0]]);
    assert_eq!(predictions(&SMALL.replace('\n', "\r\n"), rows), [1.5]);
}

#[test]
fn categories_of_a_frame_are_told_by_their_values() {
    let texts = SMALL.replace("categorical:null", "categorical:[[\"Köln\", \"Rom\", \"\"]]");
    let rows = serde_json::json!([[0, "Köln"], [0, "Rom"], [0, "Atlantis"], [0, ""]]);
    assert_eq!(predictions(&texts, rows), [1.5, 2.5, 2.5, 2.5]);
    let numbers = SMALL.replace("categorical:null", "categorical:[[70, 80.5, true]]");
    let rows = serde_json::json!([[0, 70], [0, 80.5], [0, 0], [0, "NaN"], [0, 1]]);
    assert_eq!(predictions(&numbers, rows), [1.5, 2.5, 2.5, 2.5, 2.5]);
}

#[test]
fn what_cannot_be_right_is_refused_with_its_place() {
    let with = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        problem(&SMALL.replacen(from, to, 1))
    };
    for (from, to, expected) in [
        ("version=v4", "version=v9", "is of version `v9`, where v2, v3 and v4 are known"),
        ("version=v4\n", "", "has no `version` in its head"),
        ("num_class=1\n", "", "has no `num_class` in its head"),
        ("num_class=1", "num_class=1\nnum_class=1", "has `num_class` twice in its head, again in line 4"),
        ("num_class=1", "num_class=2", "has 1 trees a round, and `num_class` has 2"),
        (
            "iteration=1",
            "iteration=x",
            "has `x`, which is no number that it may be: `num_tree_per_iteration` of its head",
        ),
        ("max_feature_idx=1", "max_feature_idx=-1", "has `-1`, which is no number"),
        ("max_feature_idx=1", "max_feature_idx=9999999999", "more than the columns that a row may have"),
        ("max_feature_idx=1", "max_feature_idx=2", "has 2 values where 3 belong"),
        ("objective=regression", "objective=banana", "was trained for the objective `banana`"),
        ("age town", "age age", "has `age` twice: `feature_names` of its head, in line 8"),
        ("age town", "age", "has 1 values where 2 belong: `feature_names` of its head, in line 8"),
        ("tree_sizes=1 1", "tree_sizes=1 1 1", "has 2 trees, where whole rounds of 1 belong"),
        ("Tree=1", "Tree=2", "has no `Tree=1` in line 33"),
        ("end of trees", "end", "has no `Tree=2` in line 41"),
        (
            "is_linear=0",
            "is_linear=1",
            "has linear models in the leaves of tree 0, which are not run here; train it without",
        ),
        ("num_leaves=3", "num_leaves=0", "has 0 leaves: `num_leaves` of tree 0, in line 13"),
        ("num_leaves=3", "num_leaves=4", "has 3 values where 4 belong: `leaf_value` of tree 0, in line 21"),
        ("num_leaves=3", "num_leaves=99999999999999999999", "which is no number"),
        ("leaf_value=1 2 4", "leaf_value=1 2 inf", "has inf in a leaf"),
        ("leaf_value=1 2 4", "leaf_value=1 2 nan", "has NaN in a leaf"),
        ("leaf_value=1 2 4", "leaf_value=1 2 4,5", "has `4,5`, which is no number"),
        ("split_feature=0 1", "split_feature=0 2", "has 2, and rows have 2 values: `split_feature` of tree 0"),
        ("threshold=0.5 0", "threshold=nan 0", "has NaN: `threshold` of tree 0"),
        ("threshold=0.5 0", "threshold=0.5 1", "has 1, which is no set of categories"),
        ("threshold=0.5 0", "threshold=0.5 0.5", "has 0.5, which is no set of categories"),
        ("threshold=0.5 0", "threshold=0.5 -1", "has -1, which is no set of categories"),
        ("decision_type=2 1", "decision_type=12 1", "has 12, a kind of decision that is not known"),
        ("decision_type=2 1", "decision_type=300 1", "has `300`, which is no number"),
        ("num_cat=1", "num_cat=0", "has 0, which is no set of categories"),
        ("num_cat=1", "num_cat=18446744073709551615", "values where 18446744073709551615 belong"),
        (
            "left_child=1 -1",
            "left_child=0 -1",
            "has 0, which is reached in another way as well: `left_child` of tree 0",
        ),
        ("left_child=1 -1", "left_child=2 -1", "has 2, which is no node of the tree"),
        ("right_child=-3 -2", "right_child=-4 -2", "has -4, which is no node of the tree"),
        ("right_child=-3 -2", "right_child=-1 -2", "has -1, which is reached in another way as well"),
        ("right_child=-3 -2", "right_child=-9223372036854775808 -2", "which is no node of the tree"),
        ("cat_boundaries=0 2", "cat_boundaries=2 0", "has 2 values where 0 belong: `cat_threshold`"),
        ("cat_boundaries=0 2", "cat_boundaries=0 3", "has 2 values where 3 belong: `cat_threshold`"),
        ("cat_threshold=1 2", "cat_threshold=1 4294967296", "which is no number that it may be"),
        (":null", ":[[\"a\",\"b\",\"c\"],[\"d\"]]", "it notes the values of 2 while it took 1 for categories"),
        (":null", ":[[\"a\",\"b\"]]", "the values of feature 1 are not those that it was trained with"),
        (":null", ":[[\"a\",\"b\",\"b\"]]", "the values of feature 1 are not all different"),
        (":null", ":[[\"a\",\"b\",1]]", "the values of feature 1 are neither all strings nor all numbers"),
        (":null", ":[[\"a\"", "their values cannot be read"),
    ] {
        let found = with(from, to);
        assert!(found.contains(expected), "{from} -> {to}: {found}");
    }
}

#[test]
fn what_is_cut_is_refused() {
    let end = SMALL.find("end of trees").unwrap() + "end of trees".len();
    for length in 0..end {
        if SMALL.is_char_boundary(length) {
            assert!(read(&SMALL.as_bytes()[..length]).is_err(), "{length}");
        }
    }
    assert!(problem(&SMALL[..end - 14]).starts_with("ends before the line `end of trees`"));
    let binary = [&SMALL.as_bytes()[..40], &[0xff], &SMALL.as_bytes()[40..]].concat();
    let error = read(&binary).unwrap_err().to_string();
    assert!(error.contains("it is a model of LightGBM that is no text in UTF-8 from byte 40 on"), "{error}");
}

/// Each branch has a leaf and the next branch: as deep as it has leaves.
fn chain(leaves: usize) -> String {
    let list = |values: Vec<String>| values.join(" ");
    let branches = leaves - 1;
    let right = (0..branches).map(|at| if at + 1 == branches { format!("-{leaves}") } else { (at + 1).to_string() });
    format!(
        "tree\nversion=v4\nnum_class=1\nlabel_index=0\nmax_feature_idx=0\nfeature_names=x\nfeature_infos=[0:1]\n\n\
         Tree=0\nnum_leaves={leaves}\nnum_cat=0\nsplit_feature={}\nthreshold={}\ndecision_type={}\nleft_child={}\n\
         right_child={}\nleaf_value={}\n\n\nend of trees\n",
        list(vec!["0".to_owned(); branches]),
        list((0..branches).map(|at| at.to_string()).collect()),
        list(vec!["2".to_owned(); branches]),
        list((0..branches).map(|at| format!("-{}", at + 1)).collect()),
        list(right.collect()),
        list((0..leaves).map(|at| at.to_string()).collect()),
    )
}

#[test]
fn depth_costs_no_stack() {
    let rows = serde_json::json!([[-1], [7.5], [1e9]]);
    assert_eq!(predictions(&chain(100_000), rows), [0.0, 8.0, 99_999.0]);
}

#[test]
fn thousands_of_sets_of_categories_are_each_looked_at() {
    let branches = 3000;
    let words = |branch: usize| branch / 32 + 1;
    let mut ends = vec![0];
    (0..branches).for_each(|branch| ends.push(ends[branch] + words(branch)));
    let sets = (0..branches).flat_map(|branch| {
        let last = words(branch) - 1;
        (0..=last).map(move |word| if word == last { 1u32 << (branch % 32) } else { 0 })
    });
    let join = |numbers: Vec<String>| numbers.join(" ");
    let text = chain(branches + 1).replace("num_cat=0", &format!("num_cat={branches}")).replace(
        &format!("decision_type={}", join(vec!["2".to_owned(); branches])),
        &{
            let decisions = format!("decision_type={}", join(vec!["1".to_owned(); branches]));
            let ends = join(ends.iter().map(usize::to_string).collect());
            format!(
                "{decisions}\ncat_boundaries={ends}\ncat_threshold={}",
                join(sets.map(|set| set.to_string()).collect())
            )
        },
    );
    let rows: Vec<Value> = (0..100).map(|row| serde_json::json!([row * 30])).collect();
    let expected: Vec<f64> = (0..100).map(|row| f64::from(row * 30)).collect();
    assert_eq!(predictions(&text, rows.into()), expected);
}

proptest! {
    /// Whatever is done to a file, it is refused, or it predicts.
    #[test]
    fn changed_files_load_or_are_refused(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[-0-9 =.\n\\[\\]:e,a]{0,6}"), 1..5),
    ) {
        let mut text = SMALL.to_owned();
        for (place, cut, put) in edits {
            let at = place.index(text.len());
            let end = (at + cut).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, &put);
            }
        }
        if let Ok(model) = Model::load(text.as_bytes()) {
            let width = model.schema().width();
            let row = |value: Value| Value::Array(vec![value; width]);
            let text = model.schema().inputs().iter().any(|input| input.datatype == Datatype::Text);
            let rows = if text { vec![] } else { vec![row(0.into()), row("NaN".into()), row(2.into())] };
            prop_assert!(!answers(&model, &rows).is_empty());
        }
    }
}
