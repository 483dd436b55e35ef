use std::io::Write;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::rules;
use crate::import::{ImportError, NodeProblem};
use crate::model::{Family, Feature, Kind, Model, Node, Point, Precision, Schema, Tie, argmax};

/// Over an integer and a real feature: `3·[a < 4.5 and b ≤ 0.5] − 1·[a > 2] + 0.5`.
fn two_rules() -> Value {
    json!({
        "format": "rule-ensemble-v1", "name": "two", "features": ["a", "b"], "integer_features": [0],
        "lower_bounds": [0, null], "upper_bounds": [2147483647, 1.5], "bias": 0.5,
        "link": "sigmoid", "decision": "score >= 0 is class 1",
        "rules": [
            { "id": 0, "value": 3.0, "atoms": [
                { "feature": 0, "op": "<", "threshold": 4.5, "int_cut": 5, "int_below": true,
                  "raw_op": "<", "raw_weight": 2.0, "raw_eta": 9.0 },
                { "feature": 1, "op": "<=", "threshold": 0.5 },
            ] },
            { "id": 1, "value": -1.0, "atoms": [
                { "feature": 0, "op": ">", "threshold": 2.0, "int_cut": 3, "int_below": false },
            ] },
        ],
    })
}

/// `x < 0.5 ? −1 : 0`, by nodes out of order.
fn one_tree() -> Value {
    json!({
        "format": "tree-ensemble-v1", "name": "one", "features": ["x"], "integer_features": [],
        "bias": 0.0, "link": "sigmoid", "decision": "score >= 0 is class 1",
        "trees": [{ "nodes": [
            { "feature": 0, "threshold": 0.5, "left": 2, "right": 1 }, { "leaf": 0.0 }, { "leaf": -1.0 },
        ] }],
    })
}

fn import(file: &Value) -> Model {
    rules(file.to_string().as_bytes(), None).unwrap()
}

fn edited(mut file: Value, pointer: &str, value: Value) -> Value {
    *file.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    file
}

fn refusal(file: &Value) -> ImportError {
    rules(file.to_string().as_bytes(), None).expect_err("refused")
}

#[test]
fn a_rule_is_a_tree_of_one_path() {
    let model = import(&two_rules());
    let margin = |a, b| model.margin(&[a, b]);
    assert_eq!(margin(4.0, 0.5), 3.0 - 1.0 + 0.5);
    assert_eq!(margin(5.0, 0.5), -1.0 + 0.5);
    assert_eq!(margin(2.0, 0.5), 3.0 + 0.5);
    assert_eq!(margin(2.0, 0.5f64.next_up()), 0.5);
    assert_eq!((model.tie, model.classes), (Tie::Upper, 2));
    assert_eq!(model.precision, Precision::F64, "the float after 0.5 is no f32");
    let [a, b] = model.schema.features() else { panic!("two features") };
    assert_eq!((a.kind, b.kind), (Kind::Integer, Kind::Real));
    let end = |end: &Option<crate::interval::Decimal>| end.as_ref().map(ToString::to_string);
    assert_eq!((end(&a.low).as_deref(), end(&a.high).as_deref()), (Some("0"), Some("2147483647")));
    assert_eq!((end(&b.low), end(&b.high).as_deref()), (None, Some("1.5")));
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
}

#[test]
fn integer_atoms_keep_their_thresholds() {
    let model = import(&two_rules());
    let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
    let root = |tree: usize| match ensemble.trees[tree].nodes[0] {
        Node::Split { feature: Feature(feature), threshold, .. } => (feature, threshold),
        Node::Leaf(_) => panic!("a split"),
    };
    assert_eq!((root(0), root(1)), ((0, 4.5), (0, 2f64.next_up())));
    let mut unstated = two_rules();
    unstated["rules"][1]["atoms"][0] = json!({ "feature": 0, "op": ">", "threshold": 2.0 });
    assert_eq!(import(&unstated), model);
    for (pointer, value) in [
        ("/rules/0/atoms/0/int_cut", json!(4)),
        ("/rules/0/atoms/0/int_below", json!(false)),
        ("/rules/0/atoms/0/int_cut", json!(i64::MAX)),
        ("/rules/0/atoms/0/threshold", json!(1e300)),
    ] {
        let refused = refusal(&edited(two_rules(), pointer, value));
        assert!(
            matches!(&refused, ImportError::Stated { place, .. } if place == "rule 0, atom 0"),
            "{refused}"
        );
    }
}

/// Between whole numbers the model decides as the file does, whatever the schema says of the feature.
#[test]
fn fractions_of_integer_features_are_decided_as_in_the_file() {
    let holds = |op: &str, x: f64, t: f64| match op {
        "<" => x < t,
        "<=" => x <= t,
        ">" => x > t,
        _ => x >= t,
    };
    for (op, cut) in [("<", 3), ("<=", 3), (">", 3), (">=", 3)] {
        let atom = json!({ "feature": 0, "op": op, "threshold": 2.2, "int_cut": cut,
            "int_below": op.starts_with('<') });
        let mut file = two_rules();
        file["rules"] = json!([{ "value": -1.0, "atoms": [atom] }]);
        let own = import(&file);
        let mut features = own.schema.features().to_vec();
        features[0].kind = Kind::Real;
        let real = Schema::new(features).unwrap();
        let real = rules(file.to_string().as_bytes(), Some(&real)).unwrap();
        for x in [2.0, 2.2f64.next_down(), 2.2, 2.2f64.next_up(), 2.5, 3.0] {
            let score = if holds(op, x, 2.2) { -0.5 } else { 0.5 };
            assert_eq!((own.margin(&[x, 0.0]), real.margin(&[x, 0.0])), (score, score), "{op} {x}");
        }
    }
}

#[test]
fn trees_are_read_and_a_score_of_zero_is_class_one() {
    let model = import(&one_tree());
    assert_eq!((model.label(&[0.4]), model.label(&[0.5])), (0, 1));
    assert_eq!(model.precision, Precision::F32);
    let strict = edited(one_tree(), "/decision", json!("score > 0 is class 1"));
    assert_eq!(import(&strict).label(&[0.5]), 0);
}

#[test]
fn what_is_decided_otherwise_is_refused_by_name() {
    for (pointer, value, name) in [
        ("/format", json!("rule-ensemble-v2"), "rule-ensemble-v2"),
        ("/link", json!("softmax"), "softmax"),
        ("/decision", json!("score > 0.3"), "score > 0.3"),
    ] {
        let refused = refusal(&edited(two_rules(), pointer, value));
        assert!(
            matches!(&refused, ImportError::Unsupported { what, .. } if what.contains(name)),
            "{refused}"
        );
    }
}

#[test]
fn broken_files_are_refused() {
    let node = |file: Value| match refusal(&file) {
        ImportError::Node { problem, .. } => problem,
        other => panic!("{other}"),
    };
    let cycle = edited(one_tree(), "/trees/0/nodes/0/left", json!(0));
    assert_eq!(node(cycle), NodeProblem::ReachedTwice);
    let feature = edited(two_rules(), "/rules/0/atoms/1/feature", json!(2));
    assert_eq!(node(feature), NodeProblem::Feature { found: 2, features: 2 });
    let none = edited(one_tree(), "/trees/0/nodes", json!([]));
    assert_eq!(node(none), NodeProblem::None);
    let mut orphan = one_tree();
    orphan["trees"][0]["nodes"].as_array_mut().unwrap().push(json!({ "leaf": 1.0 }));
    assert!(matches!(refusal(&orphan), ImportError::Unreachable { found: 1, .. }));
    let both = edited(one_tree(), "/trees/0/nodes/1", json!({ "leaf": 0.0, "left": 1 }));
    assert!(matches!(refusal(&both), ImportError::Stated { .. }));
    let odd = edited(two_rules(), "/integer_features", json!([2]));
    assert!(matches!(refusal(&odd), ImportError::Stated { .. }));
    let few = edited(two_rules(), "/lower_bounds", json!([0]));
    assert!(matches!(refusal(&few), ImportError::Length { found: 1, expected: 2, .. }));
    let long = edited(
        two_rules(),
        "/rules/0/atoms",
        json!(vec![json!({ "feature": 1, "op": "<", "threshold": 0.0 }); 65]),
    );
    assert!(matches!(refusal(&long), ImportError::Limit(_)));
    for (pointer, value) in [("/rules/0/atoms/0/op", json!("==")), ("/bias", json!("0"))] {
        let refused = refusal(&edited(two_rules(), pointer, value));
        assert!(matches!(refused, ImportError::Document { .. }), "{refused}");
    }
    let mut unknown = two_rules();
    unknown["gates"] = json!([1]);
    assert!(matches!(refusal(&unknown), ImportError::Document { .. }));
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_give_a_readable_model(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        digits in proptest::bool::ANY,
        is_tree in proptest::bool::ANY,
    ) {
        let file = if is_tree { one_tree() } else { two_rules() };
        let mut bytes = file.to_string().into_bytes();
        for (place, byte) in damage {
            let digit = b"0123456789-,[]eE."[usize::from(byte) % 17];
            *place.get_mut(&mut bytes) = if digits { digit } else { byte };
        }
        if let Ok(model) = rules(&bytes, None) {
            prop_assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
        }
    }
}

/// Label and features of every row of a CSV in the data folder.
fn rows(folder: &Path, part: &str) -> Vec<(usize, Vec<f64>)> {
    let packed = std::fs::read(folder.join(format!("{part}.csv.gz"))).unwrap();
    let text = crate::import::packed::unpack(&packed, 1 << 30).unwrap();
    let text = std::str::from_utf8(&text).unwrap().to_owned();
    let row = |line: &str| {
        let mut cells = line.split(',').map(|cell| cell.parse::<f64>().unwrap());
        (cells.next().unwrap() as usize, cells.collect())
    };
    text.lines().skip(1).map(row).collect()
}

/// The accuracies of `claims.json`, to the five digits given there, for real and for served scores.
#[test]
fn published_rule_ensembles_are_as_accurate_as_stated() {
    let folder = std::env::var_os("PROPCERT_DATA").filter(|folder| !folder.is_empty());
    let models = folder.as_ref().map(|folder| Path::new(folder).join("logic_ensemble_models"));
    let Some(models) = models.filter(|models| models.is_dir()) else {
        let why = "SKIPPED: PROPCERT_DATA names no folder with `logic_ensemble_models`";
        let _ = writeln!(std::io::stderr(), "{why}; no published rules are read");
        return;
    };
    let data = models.parent().unwrap();
    let claims: Value =
        serde_json::from_slice(&std::fs::read(models.join("claims.json")).unwrap()).unwrap();
    let mut compared = 0;
    for (name, claim) in claims.as_object().unwrap() {
        let Ok(bytes) = std::fs::read(models.join(format!("{name}.json"))) else { continue };
        let model = rules(&bytes, None).unwrap();
        assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model, "{name}");
        assert_eq!(model.tie, Tie::Upper, "{name}");
        let (set, _) = name.rsplit_once("_start").or(name.rsplit_once('_')).unwrap();
        for part in ["train", "test"] {
            let Some(stated) = claim[part]["acc"].as_f64() else { continue };
            if !data.join(set).join(format!("{part}.csv.gz")).is_file() {
                continue;
            }
            let rows = rows(&data.join(set), part);
            let served = |x: &[f64]| {
                argmax(&model.served_scores(&Point::from_floats(x).unwrap()), model.tie)
            };
            for label in [&served as &dyn Fn(&[f64]) -> usize, &|x| model.label(x)] {
                let right = rows.iter().filter(|(class, x)| label(x) == *class).count();
                let found = right as f64 / rows.len() as f64;
                assert!((found - stated).abs() < 6e-6, "{name}, {part}: {found} or {stated}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 10, "five models on two parts, found {compared}");
}
