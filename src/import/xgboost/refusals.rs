//! Files that are refused: by name if they are not reproduced, and also if they are broken or hostile.

use std::io::Write;

use serde_json::{Value, json};

use super::fixture::{TreeSlot, dart, edited, file, small, three_classes, tree, without};
use super::{unpack, xgboost};
use crate::import::forest::{MAX_NODES, MAX_TREE_DEPTH, MAX_TREES};
use crate::import::{ImportError, NodeProblem};
use crate::model::{FeatureSpec, Kind, LimitError, Schema, SchemaError};

const MODEL: &str = "/learner/gradient_booster/model";
const TREE: &str = "/learner/gradient_booster/model/trees/0";
const PARAMETERS: &str = "/learner/learner_model_param";

fn refusal(file: &Value) -> ImportError {
    refusal_of_bytes(file.to_string().as_bytes())
}

fn refusal_of_bytes(bytes: &[u8]) -> ImportError {
    xgboost(bytes, None).expect_err("refused")
}

/// The problem of one tree of these slots.
fn node_problem(slots: &[TreeSlot]) -> (usize, NodeProblem) {
    match refusal(&file(&[tree(slots)])) {
        ImportError::Node { tree: 0, node, problem } => (node, problem),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_not_reproduced_is_refused_by_name() {
    let table = [
        ("booster `gblinear`", edited("/learner/gradient_booster/name", json!("gblinear"))),
        (
            "objective `multi:softprob` with num_class 0",
            edited("/learner/objective/name", json!("multi:softprob")),
        ),
        ("objective `reg:squarederror` with num_class 3", {
            let mut classes = three_classes("5E-1", &[0], &[1.0]);
            classes["learner"]["objective"]["name"] = json!("reg:squarederror");
            classes
        }),
        ("objective `count:poisson`", edited("/learner/objective/name", json!("count:poisson"))),
        ("objective `rank:ndcg`", edited("/learner/objective/name", json!("rank:ndcg"))),
        (
            "objective `binary:logitraw`",
            edited("/learner/objective/name", json!("binary:logitraw")),
        ),
        ("num_class 3", edited(&format!("{PARAMETERS}/num_class"), json!("3"))),
        ("num_target 2", edited(&format!("{PARAMETERS}/num_target"), json!("2"))),
        ("vector leaf", edited(&format!("{TREE}/tree_param/size_leaf_vector"), json!("3"))),
        ("categorical split (tree 0, node 2)", edited(&format!("{TREE}/split_type/2"), json!(1))),
        ("XGBoost 4.0.0", edited("/version", json!([4, 0, 0]))),
        ("XGBoost 0.90.0", edited("/version", json!([0, 90, 0]))),
    ];
    for (name, file) in table {
        let error = refusal(&file);
        assert!(
            matches!(&error, ImportError::Unsupported { what, .. } if what.contains(name)),
            "{name}: {error}"
        );
    }
}

#[test]
fn other_encodings_are_refused_by_name() {
    let table: [(&str, &[u8]); 3] = [
        ("old binary", b"binf\0\0"),
        ("dump_model", br#"[{"nodeid":0,"leaf":0.5}]"#),
        ("LightGBM", b"tree\nversion=v4\n"),
    ];
    for (name, bytes) in table {
        let error = refusal_of_bytes(bytes);
        assert!(
            matches!(&error, ImportError::Unsupported { what, .. } if what.contains(name)),
            "{name}: {error}"
        );
    }
}

#[test]
fn trees_add_to_sums_that_exist() {
    let missing = refusal(&edited(&format!("{MODEL}/tree_info"), json!([1])));
    assert!(matches!(missing, ImportError::Output { tree: 0, sums: 1 }), "{missing}");
    let classes = three_classes("5E-1", &[0, 1, 3], &[1.0, 2.0, 3.0]);
    let missing = refusal(&classes);
    assert!(matches!(missing, ImportError::Output { tree: 2, sums: 3 }), "{missing}");
}

#[test]
fn more_classes_than_the_limit_are_refused() {
    let mut classes = three_classes("5E-1", &[0, 1, 2], &[1.0, 2.0, 3.0]);
    for declared in ["1001", "1000000000"] {
        classes["learner"]["learner_model_param"]["num_class"] = json!(declared);
        let refused = refusal(&classes);
        assert!(matches!(refused, ImportError::Limit(LimitError { what: "classes", .. })));
    }
}

#[test]
fn weights_of_dropped_trees_must_fit() {
    let mut none = dart(&[]);
    let few = refusal(&none);
    assert!(
        matches!(&few, ImportError::Length { place, found: 0, expected: 1 } if place == "weight_drop"),
        "{few}"
    );
    none["learner"]["gradient_booster"]["gbtree"] = json!({ "name": "gbtree" });
    assert!(matches!(refusal(&none), ImportError::Json { .. }));
    let mut large = dart(&[3e38]);
    let place = "/learner/gradient_booster/gbtree/model/trees/0/split_conditions/1";
    *large.pointer_mut(place).unwrap() = json!(-3.5);
    let overflow = refusal(&large);
    let is_overflow = |error: &ImportError| match error {
        ImportError::Node { tree: 0, problem, .. } => *problem == NodeProblem::Overflow,
        _ => false,
    };
    assert!(is_overflow(&overflow), "{overflow}");
}

#[test]
fn a_categorical_mark_on_a_leaf_means_nothing() {
    assert!(
        xgboost(edited(&format!("{TREE}/split_type/1"), json!(1)).to_string().as_bytes(), None)
            .is_ok()
    );
}

#[test]
fn cycles_and_shared_children_are_refused() {
    use TreeSlot::{Leaf, Split};
    let reached_twice = |node| (node, NodeProblem::ReachedTwice);
    assert_eq!(node_problem(&[Split(0, 0.5, 0, 1), Leaf(1.0)]), reached_twice(0));
    assert_eq!(node_problem(&[Split(0, 0.5, 1, 1), Leaf(1.0)]), reached_twice(1));
    let back = [Split(0, 0.5, 1, 2), Split(1, 0.5, 0, 3), Leaf(1.0), Leaf(1.0)];
    assert_eq!(node_problem(&back), reached_twice(0));
    let shared = [Split(0, 0.5, 1, 2), Split(0, 0.1, 3, 4), Split(0, 0.2, 4, 5)];
    let shared: Vec<TreeSlot> = shared.into_iter().chain(vec![Leaf(1.0); 3]).collect();
    assert_eq!(node_problem(&shared), reached_twice(4));
}

#[test]
fn children_and_features_that_do_not_exist_are_refused() {
    use TreeSlot::{Leaf, Split};
    for (left, right) in [(1, 3), (3, 1), (-1, 1), (1, -1), (-2, 1), (1, i64::MAX), (i64::MIN, 2)] {
        let problem = NodeProblem::Children { left, right, nodes: 3 };
        let found = node_problem(&[Split(0, 0.5, left, right), Leaf(1.0), Leaf(2.0)]);
        assert_eq!(found, (0, problem));
    }
    for found in [2, -1, i64::MAX] {
        let problem = NodeProblem::Feature { found, features: 2 };
        assert_eq!(node_problem(&[Split(found, 0.5, 1, 2), Leaf(1.0), Leaf(2.0)]), (0, problem));
    }
}

#[test]
fn only_deleted_nodes_may_be_out_of_reach() {
    use TreeSlot::{Deleted, Leaf};
    let orphan = refusal(&file(&[tree(&[Leaf(1.0), Leaf(2.0), Deleted])]));
    assert!(matches!(orphan, ImportError::Unreachable { tree: 0, found: 2, deleted: 1 }));
    let miscounted = edited(&format!("{TREE}/tree_param/num_deleted"), json!("2"));
    let refused = refusal(&miscounted);
    assert!(matches!(refused, ImportError::Unreachable { tree: 0, found: 0, deleted: 2 }));
}

#[test]
fn paths_are_limited_as_in_native_models() {
    let chain = |depth: usize| -> Vec<TreeSlot> {
        let split = |k: usize| {
            let next = 2 * k as i64 + 1;
            [TreeSlot::Leaf(0.5), TreeSlot::Split(0, -(k as f32), next, next + 1)]
        };
        // slots 2k−1 and 2k are the children of split k−1; the chain goes right
        let mut slots: Vec<TreeSlot> = (0..depth).flat_map(split).skip(1).collect();
        slots.extend([TreeSlot::Leaf(0.25), TreeSlot::Leaf(0.75)]);
        slots
    };
    let deepest =
        xgboost(file(&[tree(&chain(MAX_TREE_DEPTH))]).to_string().as_bytes(), None).unwrap();
    assert!(crate::model::Model::read(deepest.to_json().as_bytes()).is_ok());
    let (_, problem) = node_problem(&chain(MAX_TREE_DEPTH + 1));
    assert_eq!(problem, NodeProblem::Depth { limit: MAX_TREE_DEPTH });
}

#[test]
fn lists_must_have_the_declared_lengths() {
    let table = [
        ("left_children of tree 0", edited(&format!("{TREE}/left_children"), json!([-1]))),
        ("split_conditions of tree 0", edited(&format!("{TREE}/split_conditions"), json!([0.5]))),
        ("split_type of tree 0", edited(&format!("{TREE}/split_type"), json!([]))),
        ("left_children of tree 0", edited(&format!("{TREE}/tree_param/num_nodes"), json!("4"))),
        ("tree_info", edited(&format!("{MODEL}/tree_info"), json!([]))),
        ("trees", edited(&format!("{MODEL}/gbtree_model_param/num_trees"), json!("1000000"))),
        ("feature_names", edited("/learner/feature_names", json!(["one"]))),
        ("left_children of tree 0", file(&[tree(&[])])),
    ];
    for (list, file) in table {
        let error = refusal(&file);
        assert!(
            matches!(&error, ImportError::Length { place, .. } if place == list),
            "{list}: {error}"
        );
    }
}

#[test]
fn sizes_over_the_limits_are_refused_before_they_are_kept() {
    let limit = |file: &Value| match refusal(file) {
        ImportError::Limit(LimitError { what, found, .. }) => (what, found),
        other => panic!("{other}"),
    };
    let features = edited(&format!("{PARAMETERS}/num_feature"), json!("1000000000"));
    assert_eq!(limit(&features), ("features", 1_000_000_000));
    let names = edited("/learner/feature_names", json!(vec!["f"; 70_000]));
    assert_eq!(limit(&names), ("feature names", 70_000));
    let trees = edited(&format!("{MODEL}/trees"), json!(vec![0; 1_000_000]));
    assert_eq!(limit(&trees), ("trees", 1_000_000));
    let entries = edited(&format!("{MODEL}/tree_info"), json!(vec![0; MAX_TREES + 1]));
    assert_eq!(limit(&entries), ("entries of tree_info", MAX_TREES as u64 + 1));
    let nodes = edited(&format!("{TREE}/left_children"), json!(vec![-1; MAX_NODES + 1]));
    assert_eq!(limit(&nodes), ("nodes of a tree", MAX_NODES as u64 + 1));
    assert_eq!(limit(&edited("/learner/attributes", deep(20))), ("depth of JSON nesting", 17));
}

#[test]
fn a_gzip_bomb_stops_at_the_limit() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&[b' '; 100_000]).unwrap();
    let packed = packer.finish().unwrap();
    let refused = unpack(&packed, 1000).unwrap_err();
    assert!(matches!(refused, ImportError::Limit(LimitError { found: 1001, limit: 1000, .. })));
    assert_eq!(unpack(&packed, 100_000).unwrap().len(), 100_000);
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(0), |inner, _| json!([inner]))
}

#[test]
fn numbers_that_are_no_finite_floats_are_refused() {
    for token in ["NaN", "Infinity", "-Infinity", "nan", "1e39", "1e999", "null", "\"0.5\""] {
        let text = small().to_string().replace("[0.5,", &format!("[{token},"));
        assert!(text.contains(token));
        let error = refusal_of_bytes(text.as_bytes());
        assert!(matches!(error, ImportError::Json { .. }), "{token}: {error}");
    }
}

#[test]
fn declared_numbers_must_be_whole() {
    for text in ["", "-1", "two", "1.5", "99999999999999999999"] {
        let error = refusal(&edited(&format!("{PARAMETERS}/num_feature"), json!(text)));
        assert!(
            matches!(&error, ImportError::Declared { key: "num_feature", found } if found == text)
        );
    }
}

#[test]
fn keys_that_prediction_needs_are_demanded() {
    for key in [
        "/version",
        "/learner",
        "/learner/objective",
        "/learner/learner_model_param",
        "/learner/learner_model_param/base_score",
        "/learner/learner_model_param/num_feature",
        "/learner/gradient_booster/name",
        "/learner/gradient_booster/model",
        "/learner/gradient_booster/model/trees",
        "/learner/gradient_booster/model/tree_info",
        "/learner/gradient_booster/model/trees/0/split_conditions",
        "/learner/gradient_booster/model/trees/0/default_left",
        "/learner/gradient_booster/model/trees/0/tree_param",
    ] {
        let error = refusal(&without(key));
        assert!(matches!(error, ImportError::Json { .. }), "{key}: {error}");
    }
}

#[test]
fn texts_that_are_no_model_are_refused() {
    let cut = small().to_string();
    let mut doubled = cut.clone();
    doubled.insert_str(1, "\"version\":[3,2,0],");
    for text in ["", "{", "{}", "null", "\u{feff}{}", "ONNX", &cut[..cut.len() / 2], &doubled] {
        let error = refusal_of_bytes(text.as_bytes());
        assert!(matches!(error, ImportError::Json { .. }), "{text:.20}: {error}");
    }
    let gzip = refusal_of_bytes(&[0x1f, 0x8b, 8, 0, 1, 2, 3]);
    assert!(matches!(gzip, ImportError::Gzip { .. }));
}

#[test]
fn a_schema_must_have_the_features_of_the_model() {
    let schema = |names: &[&str]| {
        let feature = |name: &&str| FeatureSpec {
            name: (*name).to_owned(),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale: 1.0,
        };
        Schema::new(names.iter().map(feature).collect()).unwrap()
    };
    let named = edited("/learner/feature_names", json!(["age", "income"])).to_string();
    let refused = |names: &[&str]| xgboost(named.as_bytes(), Some(&schema(names))).unwrap_err();
    assert!(matches!(refused(&["age"]), ImportError::Features { found: 2, expected: 1 }));
    let swapped = refused(&["income", "age"]);
    assert_eq!(swapped.to_string(), "feature 0 of the model is `age`, of the schema `income`");
}

#[test]
fn names_must_make_a_schema() {
    let doubled = refusal(&edited("/learner/feature_names", json!(["age", "age"])));
    assert!(matches!(doubled, ImportError::Schema(SchemaError::DuplicateName(_))));
    let none = refusal(&file_without_features());
    assert!(matches!(none, ImportError::Schema(SchemaError::Empty)));
}

fn file_without_features() -> Value {
    let mut file = file(&[tree(&[TreeSlot::Leaf(1.0)])]);
    file["learner"]["learner_model_param"]["num_feature"] = json!("0");
    file
}
