//! `import`: foreign models become native ones that `predict` and `check` read.

use serde_json::Value;

use crate::scene::Scene;

#[allow(dead_code, reason = "written for the unit tests beside the reader")]
#[path = "../../src/import/onnx/fixture.rs"]
mod onnx;
#[allow(dead_code, reason = "written for the unit tests beside the reader")]
#[path = "../../src/import/xgboost/fixture.rs"]
mod xgboost;

#[test]
fn a_booster_is_imported_and_predicts() {
    let scene = Scene::new();
    scene.write("booster.json", xgboost::small().to_string());
    let text = scene.done("import xgboost booster.json --out native.json");
    assert_eq!(text, "1 trees with 3 leaves over 2 features, base margin 0\n");
    scene.write("points.csv", "x0,x1\n0,0\n0.5,-2\n0.5,-3\n");
    let text = scene.done("predict --model native.json --points points.csv");
    assert_eq!(text, "label,margin\n1,1\n1,0.75\n0,-0.25\n");
    let bits = scene.done("predict --model native.json --points points.csv --margin-bits");
    assert_eq!(bits, "label,margin\n1,3f800000\n1,3f400000\n0,be800000\n");
    let text = scene.done("import xgboost booster.json --json --out again.json");
    let figures: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&figures["trees"], &figures["splits"]), (&1.into(), &2.into()));
    assert_eq!(scene.read("native.json"), scene.read("again.json"));
}

#[test]
fn names_and_ranges_come_from_a_data_set_and_certificates_follow() {
    let scene = Scene::new();
    scene.write("booster.json", xgboost::small().to_string());
    scene.done("import xgboost booster.json --schema tiny.csv --out native.json");
    scene.write("points.csv", "age,income\n0,1\n3,1\n");
    let text = scene.done("predict --model native.json --points points.csv");
    assert_eq!(text, "label,margin\n1,1\n1,0.75\n");
    let subject = "--model native.json --spec local.toml --data tiny.csv";
    scene.done(&format!("certify {subject} --rows 5 --out native.jsonl"));
    scene.done(&format!("check native.jsonl {subject} --exact"));
}

#[test]
fn a_network_is_imported_bit_for_bit_and_predicts() {
    let scene = Scene::new();
    let graph = onnx::GraphWriter::new(&[0, 2])
        .tensor("W0", &[2, 2], &[1.0, -1.0, 2.0, -2.0])
        .tensor("b0", &[2], &[-0.1, 0.1])
        .tensor("W1", &[2, 2], &[0.0, 1.0, 1.0, 0.0])
        .node("MatMul", &["x", "W0"], "p")
        .node("Add", &["p", "b0"], "z")
        .node("Relu", &["z"], "h")
        .node("MatMul", &["h", "W1"], "y");
    scene.write("network.onnx", graph.model());
    let text = scene.done("import onnx network.onnx --out native.json");
    assert_eq!(text, "mlp with 2 features\n");
    assert!(scene.read("native.json").contains("0.1"), "as short as an f32 allows");
    // margin = x₀ + 2·x₁ − 0.1
    scene.write("points.csv", "x0,x1\n0.5,0.25\n-1,0\n");
    let bits = scene.done("predict --model native.json --points points.csv --margin-bits");
    let margin = |x: f32| format!("{:08x}", x.to_bits());
    let expected = format!("label,margin\n1,{}\n0,{}\n", margin(1.0 - 0.1), margin(-(1.0 + 0.1)));
    assert_eq!(bits, expected);
}

#[test]
fn what_cannot_be_reproduced_is_refused_and_nothing_is_written() {
    let scene = Scene::new();
    let graph = onnx::GraphWriter::new(&[0, 2]).node("Sigmoid", &["x"], "y");
    scene.write("network.onnx", graph.model());
    let multiclass = xgboost::edited("/learner/objective/name", "multi:softprob".into());
    scene.write("booster.json", multiclass.to_string());
    scene.refused("import onnx network.onnx --out native.json", &["network.onnx", "Sigmoid"]);
    scene.refused("import xgboost booster.json --out native.json", &["multi:softprob"]);
    for format in ["lightgbm", "sklearn", "rule-ensemble"] {
        scene.refused(
            &format!("import {format} booster.json --out native.json"),
            &["cannot be imported", "import xgboost"],
        );
    }
    assert!(!scene.has("native.json"));
}
