//! `import`: models of other tools, and files that are none.

use crate::scene::Scene;

#[test]
fn a_network_is_imported_and_described() {
    let scene = Scene::new();
    scene.done("export onnx mlp.json --out mlp.onnx");
    let text = scene.done("import onnx mlp.onnx --out back.json");
    assert_eq!(text, "mlp with 2 features\n");
    assert_eq!(scene.read("back.json"), {
        scene.done("import onnx mlp.onnx --out twice.json");
        scene.read("twice.json")
    });
    scene.write("points.csv", "age,income\n1,2\n4,0.5\n");
    let predict = |model: &str| {
        scene.done(&format!("predict --model {model} --points points.csv --margin-bits"))
    };
    assert_eq!(predict("back.json"), predict("mlp.json"));
}

#[test]
fn bad_calls_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    scene.done("export onnx mlp.json --out mlp.onnx");
    let bytes = std::fs::read(scene.path("mlp.onnx")).unwrap();
    scene.write("cut.onnx", &bytes[..bytes.len() / 2]);
    let places = |old: &[u8]| bytes.windows(old.len()).position(|window| window == old).unwrap();
    let mut other = bytes.clone();
    other[places(b"Relu")..][..4].copy_from_slice(b"Tanh");
    scene.write("other.onnx", &other);
    let mut named = bytes.clone();
    named[places(b"income")..][..6].copy_from_slice(b"profit");
    scene.write("named.onnx", &named);
    let before = scene.files("");
    scene.refused("import onnx cut.onnx --out f", &["cut.onnx", "byte", "ends too early"]);
    scene.refused("import onnx other.onnx --out f", &["operator `Tanh`", "Relu"]);
    scene.refused("import onnx named.onnx --schema tiny.csv --out f", &["`profit`", "`income`"]);
    scene.refused("import onnx missing.onnx --out f", &["missing.onnx"]);
    scene.refused("import onnx mlp.json --out f", &["mlp.json"]);
    scene.refused("import onnx mlp.onnx --out no/such/f", &["no/such"]);
    for (format, name) in
        [("lightgbm", "LightGBM"), ("sklearn", "scikit-learn"), ("rule-ensemble", "rule ensembles")]
    {
        scene.refused(&format!("import {format} mlp.onnx --out f"), &[name, "import onnx"]);
    }
    assert!(scene.files("") == before);
}
