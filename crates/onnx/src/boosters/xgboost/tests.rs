//! Files by hand, for what no training makes.

use turnout_tables::{LoadOptions, RowsError, RunError, Table, Values};

use crate::Model;

/// A stump: at `split` of feature 0 it goes to -1 or 1.
fn stump(edit: &[(&str, &str)]) -> String {
    let mut json = r#"{"learner": {"attributes": {}, "feature_names": [], "feature_types": [],
        "gradient_booster": {"model": {"cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
          "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "1"}, "iteration_indptr": [0, 1], "tree_info": [0],
          "trees": [{"base_weights": [0, 0, 0], "categories": [], "categories_nodes": [], "categories_segments": [],
            "categories_sizes": [], "default_left": [1, 0, 0], "id": 0, "left_children": [1, -1, -1],
            "right_children": [2, -1, -1], "parents": [2147483647, 0, 0], "split_conditions": [0.5, -1, 1],
            "split_indices": [0, 0, 0], "split_type": [0, 0, 0], "tree_param": {"num_nodes": "3", "size_leaf_vector": "1"}}]},
          "name": "gbtree"},
        "learner_model_param": {"base_score": "[0E0]", "boost_from_average": "1", "num_class": "0", "num_feature": "2",
          "num_target": "1"},
        "objective": {"name": "reg:squarederror"}}, "version": [3, 2, 0]}"#
        .to_owned();
    for (from, to) in edit {
        assert!(json.contains(from), "{from}");
        json = json.replace(from, to);
    }
    json
}

fn load(edit: &[(&str, &str)]) -> Result<Model, String> {
    Model::load(stump(edit).as_bytes()).map_err(|error| error.to_string())
}

fn predict(model: &Model, values: &[f32]) -> Vec<f32> {
    let table = Table::new(model.schema(), values.len() / 2, vec![Values::F32(values.to_vec())]).unwrap();
    let outputs = model.run(&table, Some("prediction")).unwrap();
    match &outputs.outputs().first().unwrap().values {
        Values::F32(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(edit: &[(&str, &str)], words: &str) {
    let error = load(edit).unwrap_err();
    assert!(error.contains(words), "{error}");
}

#[test]
fn infinities_go_where_they_compare() {
    let model = load(&[]).unwrap();
    let [low, high] = [f32::NEG_INFINITY, f32::INFINITY];
    assert_eq!(predict(&model, &[low, 0.0, high, 0.0, 0.5, 0.0, f32::NAN, 0.0]), [-1.0, 1.0, 1.0, -1.0]);
    // Nothing is below it.
    let model = load(&[("[0.5, -1, 1]", "[-1e39, -1, 1]")]);
    assert!(model.is_err(), "JSON has no infinity, and this is none of 32 bits");
}

#[test]
fn categories_of_the_set_go_right() {
    let set = [
        (r#""split_type": [0, 0, 0]"#, r#""split_type": [1, 0, 0]"#),
        (r#""categories": []"#, r#""categories": [3, 1]"#),
        (r#""categories_nodes": []"#, r#""categories_nodes": [0]"#),
        (r#""categories_segments": []"#, r#""categories_segments": [0]"#),
        (r#""categories_sizes": []"#, r#""categories_sizes": [2]"#),
    ];
    let model = load(&set).unwrap();
    let found = |value: f32| predict(&model, &[value, 0.0]).first().copied().unwrap();
    for value in [1.0, 1.9, 3.0] {
        assert_eq!(found(value), 1.0, "{value}");
    }
    for value in [0.0, 2.0, 4.0, -1.0, -0.5, 16_777_216.0, 1e30, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        assert_eq!(found(value), -1.0, "{value}");
    }
    let mut beyond = set;
    beyond[1].1 = r#""categories": [3, 16777216]"#;
    refused(&beyond, "a category is no number from 0 to 16777215");
    beyond[1].1 = r#""categories": [3]"#;
    refused(&beyond, "its categories are not where it says");
}

#[test]
fn trees_that_are_none_are_refused() {
    refused(&[("[1, -1, -1]", "[0, -1, -1]")], "reached in two ways");
    refused(&[("[1, -1, -1]", "[3, -1, -1]")], "a node points outside of it");
    refused(&[("[2, -1, -1]", "[-5, -1, -1]")], "a node points outside of it");
    refused(&[("[0.5, -1, 1]", "[0.5, -1]")], "its lists are not of one length");
    refused(
        &[(r#""split_indices": [0, 0, 0]"#, r#""split_indices": [2, 0, 0]"#)],
        "a feature that the model does not have",
    );
    refused(&[(r#""tree_info": [0]"#, r#""tree_info": [1]"#)], "an output that the model does not have");
    refused(&[(r#""tree_info": [0]"#, r#""tree_info": []"#)], "has 0 values in `tree_info` where 1 are to be");
    refused(&[(r#""size_leaf_vector": "1""#, r#""size_leaf_vector": "3""#)], "another number of values");
}

#[test]
fn what_is_not_predicted_here_is_refused_in_words() {
    refused(&[("reg:squarederror", "reg:expectileerror")], "has the objective `reg:expectileerror`");
    refused(&[(r#""name": "gbtree""#, r#""name": "gbforest""#)], "has the booster `gbforest`");
    refused(&[("[0E0]", "[1E0,2E0]")], "has 2 values in `base_score` where 1 are to be");
    refused(&[("[0E0]", "[nan]")], "`base_score` of \"[nan]\"");
    refused(&[(r#""num_feature": "2""#, r#""num_feature": "0""#)], "`num_feature` of \"0\"");
    refused(&[(r#""num_class": "0""#, r#""num_class": "4000000000""#)], "`num_class`");
    refused(&[(r#""feature_names": []"#, r#""feature_names": ["a"]"#)], "has 1 names for 2 features");
    refused(&[("\"learner\"", "\"model\"")], "is broken: missing field `learner`");
}

#[test]
fn quantiles_are_sorted_as_the_version_that_saved_them_does() {
    let edit = |version| {
        [
            ("reg:squarederror", "reg:quantileerror"),
            (r#""num_target": "1""#, r#""num_target": "2""#),
            ("[3, 2, 0]", version),
        ]
    };
    let model = load(&edit("[3, 2, 0]")).unwrap();
    assert_eq!(predict(&model, &[1.0, 0.0]), [1.0, 0.0]);
    let model = load(&edit("[3, 4, 0]")).unwrap();
    assert_eq!(predict(&model, &[1.0, 0.0]), [0.0, 1.0]);
}

/// A feature of texts and one of numbers.
fn frame(encodings: &str) -> Result<Model, String> {
    load(&[
        (r#""enc": []"#, &format!(r#""enc": {encodings}"#)),
        (r#""feature_names": []"#, r#""feature_names": ["town", "age"]"#),
    ])
}

#[test]
fn texts_are_recoded_and_unseen_ones_refused() {
    // "a" and "bc".
    let model = frame(r#"[{"offsets": [0, 1, 3], "values": [97, 98, 99]}, {"offsets": [], "values": []}]"#).unwrap();
    let run = |town: &str| {
        let inputs = vec![Values::Text(vec![town.to_owned()]), Values::F32(vec![0.0])];
        let table = Table::new(model.schema(), 1, inputs).unwrap();
        model.run(&table, Some("prediction")).map(|outputs| outputs.outputs().first().unwrap().values.clone())
    };
    assert_eq!(run("a"), Ok(Values::F32(vec![-1.0])));
    assert_eq!(run("bc"), Ok(Values::F32(vec![1.0])));
    assert_eq!(run(""), Ok(Values::F32(vec![-1.0])), "a missing one goes left here");
    let Err(RunError::Value(words)) = run("b") else { panic!("it is unseen") };
    assert!(words.contains("`town` is \"b\", a category that the model was not trained with"), "{words}");
    // As XGBoost 3.2 saves "a" and "é".
    let error = frame(r#"[{"offsets": [0, 1, 3], "values": [97, -61]}, {"offsets": [], "values": []}]"#).unwrap_err();
    assert!(error.contains("cut off"), "{error}");
}

#[test]
fn a_pickle_and_the_oldest_form_say_how_to_save_anew() {
    let refused = |bytes: &[u8], words: &str| {
        let error = Model::load(bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(
        b"\x80\x04\x95",
        "booster = pickle.load(open(\"xgboost-model\", \"rb\")); booster.save_model(\"xgboost-model\")",
    );
    refused(b"binf", "booster.save_model(\"model.ubj\")");
}

#[test]
fn rows_and_shapes_are_bounded_as_of_other_models() {
    let mut options = LoadOptions::default();
    options.limits.answer_bytes = 80;
    let model = Model::load_with(stump(&[]).into_bytes(), &options).unwrap();
    // Two numbers of four bytes.
    assert_eq!(model.description().rows.check(11), Err(RowsError::TooMany { rows: 11, most: 10 }));
    options.shapes.insert("features".to_owned(), vec![3]);
    let error = Model::load_with(stump(&[]).into_bytes(), &options).unwrap_err();
    assert!(error.to_string().contains("has the shape [?, 2], and \"shape\" says [3]"), "{error}");
}
