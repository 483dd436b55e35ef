use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::lightgbm;
use crate::import::{ImportError, NodeProblem, Rounds};
use crate::model::{Feature, FeatureSpec, Model, Node, Precision, Schema, Tie};

/// `x ≤ 0.1 ? 1 : (y ≤ −2 ? −0.5 : 0.75)`, then a tree of one leaf.
const TEXT: &str = "tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=x y
feature_infos=[0:1] [-3:3]
tree_sizes=1 2

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
split_gain=2 1
threshold=0.10000000000000001 -2
decision_type=2 8
left_child=-1 -2
right_child=1 -3
leaf_value=1 -0.5 0.75
is_linear=0
shrinkage=1

Tree=1
num_leaves=1
num_cat=0
leaf_value=0.125
is_linear=0
shrinkage=0.1


end of trees

feature_importances:
x=1
";

fn dump() -> Value {
    let split = |feature, threshold, left: Value, right: Value, missing| {
        json!({
            "split_index": 0, "split_feature": feature, "split_gain": 1.5, "threshold": threshold,
            "decision_type": "<=", "default_left": true, "missing_type": missing,
            "left_child": left, "right_child": right,
        })
    };
    let leaf = |value| json!({ "leaf_index": 0, "leaf_value": value });
    let mut below = split(1, -2.0, leaf(-0.5), leaf(0.75), "NaN");
    below["default_left"] = json!(false);
    json!({
        "name": "tree", "version": "v4", "num_class": 1, "num_tree_per_iteration": 1,
        "max_feature_idx": 1, "objective": "binary sigmoid:1", "average_output": false,
        "feature_names": ["x", "y"],
        "tree_info": [
            { "tree_index": 0, "num_leaves": 3, "num_cat": 0, "shrinkage": 1,
              "tree_structure": split(0, 0.1, leaf(1.0), below, "None") },
            { "tree_index": 1, "num_leaves": 1, "tree_structure": { "leaf_value": 0.125 } },
        ],
    })
}

fn import(text: &str) -> Model {
    lightgbm(text.as_bytes(), None).unwrap()
}

fn changed(old: &str, new: &str) -> ImportError {
    assert!(TEXT.contains(old), "{old}");
    lightgbm(TEXT.replacen(old, new, 1).as_bytes(), None).expect_err("refused")
}

fn edited(pointer: &str, value: Value) -> ImportError {
    let mut file = dump();
    *file.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    lightgbm(file.to_string().as_bytes(), None).expect_err("refused")
}

fn is_unsupported(error: &ImportError, name: &str) -> bool {
    matches!(error, ImportError::Unsupported { what, .. } if what.contains(name))
}

#[test]
fn a_value_on_the_threshold_goes_left() {
    let model = import(TEXT);
    let margin = |x, y| model.margin(&[x, y]);
    assert_eq!(margin(0.1, 0.0), 1.125);
    assert_eq!(margin(0.1f64.next_up(), 0.0), 0.875);
    assert_eq!(margin(1.0, -2.0), -0.375);
    assert_eq!((model.precision, model.tie, model.classes), (Precision::F64, Tie::Lower, 2));
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
}

#[test]
fn a_split_off_of_missing_values_sends_all_others_left() {
    // decision_type 10: missing values go left, 8: right
    for (decisions, note) in [("2 8", 0), ("10 10", 0), ("8 8", 1)] {
        let text = TEXT.replacen("threshold=0.10000000000000001", "threshold=inf", 1).replacen(
            "decision_type=2 8",
            &format!("decision_type={decisions}"),
            1,
        );
        let imported = super::take(text.as_bytes(), None, Rounds::Best).unwrap();
        for x in [-f64::MAX, 0.0, 1e308, f64::MAX] {
            assert_eq!(imported.model.margin(&[x, 0.0]), 1.125);
        }
        assert_eq!(imported.notes.len(), note, "{:?}", imported.notes);
    }
    // in JSON such a threshold may stand for any from 1e300 on
    for threshold in [1e300, -1e300, 1e305] {
        let place = "/tree_info/0/tree_structure/threshold";
        let refused = edited(place, json!(threshold)).to_string();
        assert!(refused.contains("take save_model's text"), "{refused}");
    }
}

#[test]
fn large_thresholds_are_kept_as_the_text_states_them() {
    for (stated, threshold) in [("5.0000000000000007e+304", 5e304f64.next_up()), ("1e300", 1e300)] {
        let text = TEXT.replacen("0.10000000000000001", stated, 1);
        let model = import(&text);
        assert_eq!(model.margin(&[threshold, 0.0]), 1.125);
        assert_eq!(model.margin(&[threshold.next_up(), 0.0]), 0.875);
        assert_eq!(model.margin(&[f64::MAX, 0.0]), 0.875);
    }
    let last = import(&TEXT.replacen("0.10000000000000001", "1.7976931348623157e308", 1));
    assert_eq!(last.margin(&[f64::MAX, 0.0]), 1.125);
}

/// Of a dense row LightGBM reads numbers up to 1.0000000180025095e-35 in size as 0.
#[test]
fn numbers_next_to_zero_go_where_zero_goes() {
    let zero = super::LARGEST_ZERO;
    assert_eq!(zero, 1.0000000180025095e-35);
    let values = [0.0, 1e-300, 1e-36, zero, zero.next_up(), 1e-34];
    for threshold in [zero, -zero, 0.0, -0.0, 1e-36, -1e-36, 1e-34, -1e-34] {
        let model = import(&TEXT.replacen("0.10000000000000001", &format!("{threshold:e}"), 1));
        for x in values.into_iter().flat_map(|x| [x, -x]) {
            let read = if x.abs() <= zero { 0.0 } else { x };
            let margin = if read <= threshold { 1.125 } else { 0.875 };
            assert_eq!(model.margin(&[x, 0.0]), margin, "{x:e} <= {threshold:e}");
        }
    }
}

#[test]
fn both_forms_are_read_alike() {
    let reference = import(TEXT);
    let again = lightgbm(dump().to_string().as_bytes(), None).unwrap();
    assert_eq!(again.margin(&[0.1, 0.0]), 1.125);
    let splits = |model: &Model| -> Vec<(Feature, f64, bool)> {
        let crate::model::Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
        let nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
        let split = |node: &Node| match *node {
            Node::Split { feature, threshold, default_left, .. } => {
                Some((feature, threshold, default_left))
            }
            Node::Leaf(_) => None,
        };
        nodes.filter_map(split).collect()
    };
    assert_eq!(splits(&again), splits(&reference));
    assert_eq!(again, reference);
}

#[test]
fn trees_take_turns_among_classes() {
    let text = TEXT
        .replacen("num_class=1", "num_class=3", 1)
        .replacen("iteration=1", "iteration=3", 1)
        .replacen("binary sigmoid:1", "multiclass num_class:3", 1);
    let model = import(&text);
    assert_eq!(model.scores(&[0.0, 0.0]), [1.0, 0.125, 0.0]);
    assert_eq!((model.classes, model.tie), (3, Tie::Lower));
}

#[test]
fn a_regression_is_a_plain_score() {
    for objective in super::REGRESSIONS {
        let text = TEXT.replacen("binary sigmoid:1", objective, 1);
        let model = import(&text);
        assert_eq!((model.classes, model.is_plain_score()), (1, true));
        assert_eq!(model.margin(&[0.1, 0.0]), 1.125);
        assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
        let classes = text.replacen("num_class=1", "num_class=3", 1);
        let refused = lightgbm(classes.as_bytes(), None).unwrap_err();
        assert!(is_unsupported(&refused, "with 3 classes"), "{refused}");
    }
}

#[test]
fn what_is_not_reproduced_is_refused_by_name() {
    for (old, new, name) in [
        ("version=v4", "version=v2", "`v2`"),
        ("binary sigmoid:1", "binary sigmoid:2", "binary sigmoid:2"),
        ("binary sigmoid:1", "regression sqrt", "regression sqrt"),
        ("binary sigmoid:1", "poisson", "poisson"),
        ("binary sigmoid:1", "multiclassova num_class:3 sigmoid:1", "multiclassova"),
        ("binary sigmoid:1", "multiclass num_class:1", "1 classes"),
        ("label_index=0", "average_output", "boosting `rf`"),
        ("decision_type=2 8", "decision_type=2 1", "categorical split (tree 0, node 1)"),
        ("decision_type=2 8", "decision_type=6 8", "missing_type Zero (tree 0, node 0)"),
        ("is_linear=0", "is_linear=1", "linear tree (tree 0)"),
    ] {
        let refused = changed(old, new);
        assert!(is_unsupported(&refused, name), "{name}: {refused}");
    }
    let node = "/tree_info/0/tree_structure";
    for (place, value, name) in [
        (format!("{node}/decision_type"), json!("=="), "categorical"),
        (format!("{node}/missing_type"), json!("Zero"), "missing_type Zero"),
        ("/average_output".to_owned(), json!(true), "boosting `rf`"),
        (format!("{node}/left_child"), json!({ "leaf_value": 1.0, "leaf_const": 0.5 }), "linear"),
    ] {
        let refused = edited(&place, value);
        assert!(is_unsupported(&refused, name), "{name}: {refused}");
    }
}

#[test]
fn broken_texts_are_refused() {
    let node = |old: &str, new: &str| match changed(old, new) {
        ImportError::Node { problem, .. } => problem,
        other => panic!("{other}"),
    };
    assert_eq!(node("right_child=1 -3", "right_child=0 -3"), NodeProblem::ReachedTwice);
    assert_eq!(node("right_child=1 -3", "right_child=1 -2"), NodeProblem::ReachedTwice);
    let children = |left, right| NodeProblem::Children { left, right, nodes: 5 };
    assert_eq!(node("left_child=-1 -2", "left_child=-1 -4"), children(5, 4));
    assert_eq!(node("left_child=-1 -2", "left_child=-1 2"), children(-1, 4));
    assert_eq!(
        node("left_child=-1 -2", "left_child=-1 -9223372036854775808"),
        children(i64::MAX, 4)
    );
    let feature = NodeProblem::Feature { found: 2, features: 2 };
    assert_eq!(node("split_feature=0 1", "split_feature=0 2"), feature);
    for infinite in ["inf", "nan", "1e999"] {
        let leaf = format!("leaf_value=1 -0.5 {infinite}");
        assert_eq!(node("leaf_value=1 -0.5 0.75", &leaf), NodeProblem::NotFinite);
    }
    assert_eq!(
        node("threshold=0.10000000000000001 -2", "threshold=nan -2"),
        NodeProblem::NotFinite
    );
    assert!(matches!(
        changed("leaf_value=1 -0.5 0.75", "leaf_value=1"),
        ImportError::Length { .. }
    ));
    assert!(matches!(changed("num_leaves=3", "num_leaves=1000000000"), ImportError::Limit(_)));
    assert!(matches!(changed("idx=1", "idx=1000000000"), ImportError::Limit(_)));
    for (old, new) in [
        ("num_leaves=3", "num_leaves=-3"),
        ("num_leaves=3\n", ""),
        ("end of trees", ""),
        ("Tree=1", "Tree=2"),
        ("num_leaves=3\n", "num_leaves=3\nnum_leaves=3\n"),
        ("threshold=0.1", "threshold=x"),
        ("decision_type=2 8", "decision_type=2 12"),
        ("tree\n", "trees\n"),
    ] {
        let refused = changed(old, new);
        assert!(matches!(refused, ImportError::Stated { .. }), "{new}: {refused}");
    }
}

#[test]
fn broken_dumps_are_refused() {
    let node = "/tree_info/0/tree_structure";
    for (place, value) in [
        ("left_child", json!(null)),
        ("left_child", json!({})),
        ("decision_type", json!(">")),
        ("missing_type", json!("Some")),
        ("threshold", json!("1||2")),
    ] {
        let refused = edited(&format!("{node}/{place}"), value);
        assert!(matches!(refused, ImportError::Stated { .. }), "{refused}");
    }
    assert!(matches!(edited("/tree_info/0/num_leaves", json!(4)), ImportError::Length { .. }));
    assert!(matches!(edited("/feature_names", json!(["x"])), ImportError::Length { .. }));
    assert!(matches!(edited("/num_class", json!("one")), ImportError::Document { .. }));
    let mut deep = "{\"a\":".repeat(100);
    deep.push('1');
    assert!(matches!(lightgbm(deep.as_bytes(), None), Err(ImportError::Limit(_))));
}

#[test]
fn trees_as_deep_as_native_ones_are_read() {
    let chain = |depth: usize| {
        let mut node = json!({ "leaf_value": 1.0 });
        for _ in 0..depth {
            node = json!({
                "split_feature": 0, "threshold": 0.5, "decision_type": "<=", "missing_type": "None",
                "left_child": { "leaf_value": 0.0 }, "right_child": node,
            });
        }
        let mut file = dump();
        file["tree_info"] = json!([{ "num_leaves": depth + 1, "tree_structure": node }]);
        let mut text = String::new();
        write!(text, "{file}").unwrap();
        lightgbm(text.as_bytes(), None)
    };
    assert_eq!(chain(64).unwrap().margin(&[1.0, 0.0]), 1.0);
    assert!(chain(65).is_err());
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_give_a_readable_model(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        digits in proptest::bool::ANY,
        is_json in proptest::bool::ANY,
    ) {
        let text = if is_json { dump().to_string() } else { TEXT.to_owned() };
        let mut bytes = text.into_bytes();
        for (place, byte) in damage {
            let digit = b"0123456789-, =\n."[usize::from(byte) % 16];
            *place.get_mut(&mut bytes) = if digits { digit } else { byte };
        }
        if let Ok(model) = lightgbm(&bytes, None) {
            prop_assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
        }
    }
}

/// LightGBM writes `_` for every blank of a name.
#[test]
fn names_keep_the_blanks_of_a_schema() {
    let text = TEXT.replace("feature_names=x y", "feature_names=Age_(days) y_1");
    let schema = |names: [&str; 2]| {
        let plain = super::lightgbm(TEXT.as_bytes(), None).unwrap().schema;
        let features = plain.features().iter().zip(names);
        let named = features
            .map(|(feature, name)| FeatureSpec { name: name.to_owned(), ..feature.clone() });
        Schema::new(named.collect()).unwrap()
    };
    for names in [["Age (days)", "y_1"], ["Age_(days)", "y 1"]] {
        let model = lightgbm(text.as_bytes(), Some(&schema(names))).unwrap();
        assert_eq!(model.schema, schema(names));
    }
    for names in [["Age-(days)", "y_1"], ["y_1", "Age (days)"], ["age (days)", "y_1"]] {
        let refused = lightgbm(text.as_bytes(), Some(&schema(names))).unwrap_err();
        assert!(matches!(refused, ImportError::FeatureName { index: 0, .. }), "{refused}");
    }
}
