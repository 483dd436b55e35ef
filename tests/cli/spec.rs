//! `spec`: specs to start from.

use propcert::spec::{Property, Spec};

use crate::scene::Scene;

#[test]
fn every_property_has_a_spec_that_is_read() {
    let scene = Scene::new();
    for name in Property::NAMES {
        for (model, data) in [("mlp.json", ""), ("trees.json", " --data tiny.csv")] {
            let call = format!("spec new {name} --model {model}{data}");
            let text = scene.done(&call);
            let spec =
                Spec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}\n{error}"));
            assert_eq!(spec.property.name(), name);
            scene.done(&format!("{call} --out {name}-{model}.toml"));
            assert_eq!(scene.read(&format!("{name}-{model}.toml")), text);
        }
    }
    crate::snapshot!("spec-new", scene.read("monotonicity-trees.json.toml"));
}

#[test]
fn a_spec_is_certified_as_it_stands() {
    let scene = Scene::new();
    for (name, model, more) in [
        ("local-invariance", "mlp.json", " --data tiny.csv --rows 5"),
        ("output-region", "mlp.json", ""),
        ("monotonicity", "trees.json", ""),
        ("redundancy", "trees.json", ""),
        ("boundary-fuzz", "trees.json", " --data tiny.csv --rows 3"),
        ("lipschitzness-t", "trees.json", " --data tiny.csv:test"),
    ] {
        scene.done(&format!("spec new {name} --model {model} --out {name}.toml"));
        let call = format!("certify --model {model} --spec {name}.toml{more} --out {name}.jsonl");
        let text = scene.done(&call);
        assert!(text.contains("proved "), "{name}: {text}");
    }
}

#[test]
fn what_cannot_be_decided_of_a_model_is_noted() {
    let scene = Scene::new();
    let run = scene.propcert("spec new stability --model mlp.json").assert().code(0);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("note: ") && told.contains("ensembles only"), "{told}");
}

#[test]
fn no_spec_is_lost_and_near_names_are_told() {
    let scene = Scene::new();
    let before = scene.read("local.toml");
    scene.refused("spec new label --model mlp.json --out local.toml", &["local.toml", "--force"]);
    assert_eq!(scene.read("local.toml"), before);
    scene.refused("spec new lable --model mlp.json", &["lable", "did you mean `label`?"]);
    scene.refused("spec new label --model mlp.json --out mlp.json", &["--model"]);
}

#[test]
fn every_property_is_listed_on_a_line() {
    let scene = Scene::new();
    let text = scene.done("spec list");
    let names: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, Property::NAMES);
    let json: serde_json::Value = serde_json::from_str(&scene.done("spec list --json")).unwrap();
    assert_eq!(json["properties"][0]["needs"][0], "epsilon");
}
