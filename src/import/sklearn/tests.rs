use proptest::prelude::*;
use serde_json::{Value, json};

use super::sklearn;
use crate::import::{ImportError, NodeProblem, Rounds};
use crate::model::{FeatureSpec, Kind, Model, Precision, Schema, Tie};

/// `x ≤ 0.1 ? 1 : (y ≤ −2 ? −0.5 : 0.75)`.
fn boosting() -> Value {
    json!({
        "format": "sklearn-trees/1", "model": "GradientBoostingClassifier", "classes": 2,
        "features": ["x", "y"], "loss": "log_loss", "rate": 0.3, "base": [0.25],
        "trees": [{
            "output": 0, "left": [1, -1, 3, -1, -1], "right": [2, -1, 4, -1, -1],
            "feature": [0, -2, 1, -2, -2], "threshold": [0.1, -2.0, -2.0, -2.0, -2.0],
            "value": [[0.0], [1.0], [0.0], [-0.5], [0.75]],
        }],
    })
}

fn forest(shares: [&[f64]; 2]) -> Value {
    json!({
        "format": "sklearn-trees/1", "model": "RandomForestClassifier", "classes": shares[0].len(),
        "features": ["x"],
        "trees": [{
            "left": [1, -1, -1], "right": [2, -1, -1], "feature": [0, -2, -2],
            "threshold": [0.5, -2.0, -2.0], "value": [shares[0], shares[0], shares[1]],
        }],
    })
}

fn import(file: &Value) -> Model {
    sklearn(file.to_string().as_bytes(), None).unwrap()
}

fn refusal(pointer: &str, value: Value) -> ImportError {
    let mut file = boosting();
    *file.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    sklearn(file.to_string().as_bytes(), None).expect_err("refused")
}

#[test]
fn boosted_trees_add_rate_times_value() {
    let model = import(&boosting());
    let margin = |x, y| model.margin(&[x, y]);
    assert_eq!(margin(0.0, 0.0), 0.25 + 0.3 * 1.0);
    // 0.1 is less than the float32 nearest to it, which scikit-learn compares with 0.1
    assert_eq!(margin(0.1, 0.0), 0.25 + 0.3 * 0.75);
    assert_eq!(margin(f64::from(0.1f32.next_down()), 0.0), 0.25 + 0.3);
    assert_eq!(margin(1.0, -2.0), 0.25 + 0.3 * -0.5);
    assert_eq!((model.precision, model.tie, model.classes), (Precision::F64, Tie::Upper, 2));
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
}

#[test]
fn forests_sum_shares() {
    let two = import(&forest([&[0.75, 0.25], &[0.25, 0.75]]));
    assert_eq!((two.margin(&[0.0]), two.margin(&[1.0])), (-0.5, 0.5));
    assert_eq!(two.tie, Tie::Lower);
    let three = import(&forest([&[0.5, 0.25, 0.25], &[0.0, 0.5, 0.5]]));
    assert_eq!(three.scores(&[0.0]), [0.5, 0.25, 0.25]);
    assert_eq!(three.label(&[1.0]), 1, "the first of the largest");
    assert_eq!(Model::read(three.to_json().as_bytes()).unwrap(), three);
    let counts = sklearn(forest([&[3.0, 1.0], &[0.0, 4.0]]).to_string().as_bytes(), None);
    assert!(counts.unwrap_err().to_string().contains("add up to 1"));
}

#[test]
fn regressors_are_plain_scores() {
    let mut file = boosting();
    file["model"] = json!("GradientBoostingRegressor");
    file["classes"] = json!(1);
    file["loss"] = json!("huber");
    let model = import(&file);
    assert_eq!((model.classes, model.is_plain_score()), (1, true));
    assert_eq!(model.margin(&[1.0, -2.0]), 0.25 + 0.3 * -0.5);
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);

    let mut file = forest([&[3.0], &[-7.0]]);
    file["model"] = json!("ExtraTreesRegressor");
    let second = file["trees"][0].clone();
    file["trees"].as_array_mut().unwrap().push(second);
    file["trees"][1]["value"] = json!([[0.0], [1.0], [2.0]]);
    let mean = import(&file);
    assert_eq!((mean.margin(&[0.0]), mean.margin(&[1.0])), (2.0, -2.5));
    assert_eq!(Model::read(mean.to_json().as_bytes()).unwrap(), mean);
    file["trees"][1]["value"][1] = json!([1.0, 2.0]);
    let targets = sklearn(file.to_string().as_bytes(), None).unwrap_err();
    assert!(matches!(targets, ImportError::Stated { .. }), "{targets}");
}

#[test]
fn histograms_do_not_round_what_they_compare() {
    let mut file = boosting();
    file["model"] = json!("HistGradientBoostingClassifier");
    file["columns"] = json!("as named");
    file["rate"] = json!(1.0);
    let model = import(&file);
    assert_eq!(model.margin(&[0.1, 0.0]), 0.25 + 1.0, "0.1 is at most 0.1");
    assert_eq!(model.margin(&[0.1_f64.next_up(), 0.0]), 0.25 + 0.75);
    assert_eq!(model.tie, Tie::Lower);
    file["model"] = json!("HistGradientBoostingRegressor");
    file["classes"] = json!(1);
    for (loss, is_read) in
        [("squared_error", true), ("quantile", true), ("poisson", false), ("gamma", false)]
    {
        file["loss"] = json!(loss);
        assert_eq!(sklearn(file.to_string().as_bytes(), None).is_ok(), is_read, "{loss}");
    }
}

/// Scikit-learn counts the columns of a histogram model with categories in another order than it names them.
#[test]
fn histograms_say_that_columns_are_counted_as_named() {
    for (model, columns, is_read) in [
        ("HistGradientBoostingClassifier", json!("as named"), true),
        ("HistGradientBoostingClassifier", json!("categories first"), false),
        ("HistGradientBoostingClassifier", Value::Null, false),
        ("GradientBoostingClassifier", Value::Null, true),
        ("GradientBoostingClassifier", json!("as named"), false),
    ] {
        let mut file = boosting();
        file["model"] = json!(model);
        file["columns"] = columns;
        let read = sklearn(file.to_string().as_bytes(), None);
        assert_eq!(read.is_ok(), is_read, "{file}");
        assert!(read.err().is_none_or(|refused| refused.to_string().contains("columns")));
    }
}

#[test]
fn splits_of_missing_values_are_their_left_part() {
    for place in [0, 2] {
        let mut file = boosting();
        file["trees"][0]["threshold"][place] = json!("Infinity");
        // as Python writes it, and a feature whose name holds the word
        let text = file
            .to_string()
            .replace("\"Infinity\"", "Infinity")
            .replace("\"y\"", "\"\\\"Infinity\"");
        let model = sklearn(text.as_bytes(), None).unwrap();
        assert_eq!(model.schema.features()[1].name, "\"Infinity");
        let expected = if place == 0 { 1.0 } else { -0.5 };
        assert_eq!(model.margin(&[7.0, 1e308]), 0.25 + 0.3 * expected);
        assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
    }
    // what is no tree stays none
    for (key, at, child) in
        [("left", 2, 0), ("left", 2, 2), ("right", 0, 1), ("left", 0, 9), ("left", 0, 4)]
    {
        let mut file = boosting();
        file["trees"][0]["threshold"][2] = Value::Null;
        file["trees"][0][key][at] = json!(child);
        assert!(sklearn(file.to_string().as_bytes(), None).is_err(), "{key} {at} {child}");
    }
}

#[test]
fn rounds_are_those_of_boosting() {
    let mut file = boosting();
    let second = file["trees"][0].clone();
    file["trees"].as_array_mut().unwrap().push(second);
    let first = super::take(file.to_string().as_bytes(), None, Rounds::First(1)).unwrap();
    assert_eq!(first.model, import(&boosting()));
    let forest = forest([&[0.5, 0.5], &[1.0, 0.0]]).to_string();
    assert!(super::take(forest.as_bytes(), None, Rounds::First(1)).is_err());
}

/// `relu(x − y) − 2·relu(y) + 0.5` of scaled features.
fn network() -> Value {
    json!({
        "format": "sklearn-mlp/1", "model": "MLPClassifier", "classes": 2, "features": ["x", "y"],
        "activation": "relu", "output": "logistic", "mean": [1.0, -2.0], "std": [2.0, 0.5],
        "weights": [[[1.0, -1.0], [0.0, 1.0]], [[1.0, -2.0]]], "bias": [[0.0, 0.0], [0.5]],
    })
}

#[test]
fn networks_stand_against_zero_and_take_scaled_features() {
    let model = import(&network());
    // z = ((3 − 1)/2, (−1.5 + 2)/0.5) = (1, 1)
    assert_eq!(model.scores(&[3.0, -1.5]), [0.0, 0.5 - 2.0]);
    assert_eq!(model.scores(&[7.0, -2.0]), [0.0, 3.0 + 0.5]);
    assert_eq!((model.classes, model.tie, model.precision), (2, Tie::Lower, Precision::F64));
    assert_eq!(model.schema.features()[0].scale, 0.5);
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
    // the same function of raw features under a schema that does not scale
    let feature = |name: &str| FeatureSpec {
        name: name.to_owned(),
        kind: Kind::Real,
        low: None,
        high: None,
        mean: 0.0,
        scale: 1.0,
    };
    let raw = Schema::new(vec![feature("x"), feature("y")]).unwrap();
    let raw = sklearn(network().to_string().as_bytes(), Some(&raw)).unwrap();
    assert_eq!(raw.scores(&[3.0, -1.5]), [0.0, -1.5]);
    // without activation it is one affine map: z_x − z_y − 2 z_y + 0.5
    let mut file = network();
    file["activation"] = json!("identity");
    assert_eq!(import(&file).scores(&[-1.0, -1.5]), [0.0, -1.0 - 3.0 + 0.5]);
    file["model"] = json!("MLPRegressor");
    file["output"] = json!("identity");
    file["classes"] = json!(1);
    assert!(import(&file).is_plain_score());
    assert_eq!(import(&file).margin(&[-1.0, -1.5]), -3.5);
}

#[test]
fn broken_networks_are_refused() {
    for (pointer, value, fact) in [
        ("/activation", json!("tanh"), "tanh"),
        ("/model", json!("MLPRegressor"), "MLPRegressor"),
        ("/output", json!("exp"), "the exp of its sums"),
        ("/output", json!("softmax"), "the softmax of its sums"),
        ("/output", Value::Null, "without `output`"),
        ("/mean", json!([1.0]), "mean"),
        ("/std", json!([1.0, 0.0]), "std"),
        ("/std/0", json!(-1.0), "std"),
        ("/weights/0/1", json!([1.0]), "a row of layer 0"),
        ("/weights/1/0", json!([1.0]), "a row of layer 1"),
        ("/bias/0", json!([1.0]), "bias of layer 0"),
        ("/bias", json!([]), "bias"),
        ("/weights", json!([[], [[]]]), "layer 0"),
        ("/weights/0/0/0", json!(1e300), "overflows"),
    ] {
        let mut file = network();
        *file.pointer_mut(pointer).unwrap() = value;
        if fact == "overflows" {
            file["std"] = json!([1e-300, 1.0]);
        }
        let refused = sklearn(file.to_string().as_bytes(), None).unwrap_err().to_string();
        assert!(refused.contains(fact), "{pointer}: {refused}");
    }
    let mut file = network();
    file["classes"] = json!(3);
    file["output"] = json!("softmax");
    let few = sklearn(file.to_string().as_bytes(), None).unwrap_err().to_string();
    assert!(few.contains("outputs of the last layer"), "{few}");
    let mut file = network();
    file["weight"] = json!(1);
    assert!(
        sklearn(file.to_string().as_bytes(), None).unwrap_err().to_string().contains("`weight`")
    );
}

#[test]
fn what_is_not_reproduced_is_refused_by_name() {
    for (pointer, value, name) in [
        ("/format", json!("sklearn-trees/2"), "sklearn-trees/2"),
        ("/model", json!("IsolationForest"), "IsolationForest"),
        ("/model", json!("RandomForestClassifier"), "RandomForestClassifier"),
        ("/loss", json!("exponential"), "exponential"),
        ("/classes", json!(1), "of 1 classes"),
        ("/classes", json!(0), "of 0 classes"),
        ("/model", json!("GradientBoostingRegressor"), "of 2 classes"),
        ("/model", json!("AdaBoostClassifier"), "AdaBoostClassifier"),
    ] {
        let refused = refusal(pointer, value);
        assert!(
            matches!(&refused, ImportError::Unsupported { what, .. } if what.contains(name)),
            "{refused}"
        );
    }
    let pickle = sklearn(b"\x80\x04\x95", None).unwrap_err();
    assert!(pickle.to_string().contains("import --help"), "{pickle}");
}

#[test]
fn broken_files_are_refused() {
    let node = |pointer, value| match refusal(pointer, value) {
        ImportError::Node { problem, .. } => problem,
        other => panic!("{other}"),
    };
    assert_eq!(node("/trees/0/left/2", json!(0)), NodeProblem::ReachedTwice);
    assert_eq!(node("/trees/0/right/0", json!(1)), NodeProblem::ReachedTwice);
    let missing = NodeProblem::Children { left: 9, right: 4, nodes: 5 };
    assert_eq!(node("/trees/0/left/2", json!(9)), missing);
    assert_eq!(
        node("/trees/0/feature/0", json!(-2)),
        NodeProblem::Feature { found: -2, features: 2 }
    );
    let mut large = boosting();
    large["rate"] = json!(1e308);
    large["trees"][0]["value"][1] = json!([1e308]);
    let overflow = sklearn(large.to_string().as_bytes(), None).unwrap_err();
    assert!(matches!(overflow, ImportError::Node { problem: NodeProblem::NotFinite, .. }));
    assert!(matches!(refusal("/classes", json!(1_000_000_000)), ImportError::Limit(_)));
    assert!(matches!(refusal("/trees/0/value", json!([[1.0]])), ImportError::Length { .. }));
    for (pointer, value) in [
        ("/trees/0/output", json!(1)),
        ("/trees/0/value/1", json!([1.0, 2.0])),
        ("/trees/0/threshold/0", json!(-1e300)),
    ] {
        assert!(matches!(refusal(pointer, value), ImportError::Stated { .. }));
    }
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_give_a_readable_model(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        digits in proptest::bool::ANY,
        is_forest in proptest::bool::ANY,
    ) {
        let file = if is_forest { forest([&[0.5, 0.5], &[1.0, 0.0]]) } else { boosting() };
        let mut bytes = file.to_string().into_bytes();
        for (place, byte) in damage {
            let digit = b"0123456789-,[]eE."[usize::from(byte) % 17];
            *place.get_mut(&mut bytes) = if digits { digit } else { byte };
        }
        if let Ok(model) = sklearn(&bytes, None) {
            prop_assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
        }
    }
}
