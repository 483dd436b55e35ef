//! Where results go: never in the place of an input, and asked before long work.

use crate::scene::{SMALL_TREES, Scene};

/// Runs to exit code 2 with `facts` in the message, and leaves every file as it was.
fn leaves_everything(scene: &Scene, call: &str, facts: &[&str]) {
    let before = scene.files("");
    scene.refused(call, facts);
    assert_eq!(scene.files(""), before, "{call}");
}

#[test]
fn a_result_never_takes_the_place_of_an_input() {
    let scene = Scene::new();
    scene.write("recipe.toml", SMALL_TREES);
    scene.write("attack.toml", "attack = \"random\"\n");
    scene.done("export onnx mlp.json --out net.onnx");
    scene.write("property.vnnlib", "(declare-const X_0 Real)");
    scene.write("instances.csv", "net.onnx,property.vnnlib,1\n");
    std::fs::create_dir(scene.path("d")).unwrap();
    for name in ["model.json", "metrics.json", "manifest.json"] {
        scene.write(&format!("d/{name}"), scene.read("mlp.json"));
    }
    scene.write("old.jsonl.partial", scene.read("mlp.json"));
    let certify = "certify --model mlp.json --spec local.toml --data tiny.csv:test --rows 2 --out";
    for (call, out, what) in [
        (certify, "mlp.json", "--model"),
        (certify, "./local.toml", "--spec"),
        (certify, "tiny.csv", "--data"),
        (certify, "tiny.meta.json", "--data"),
        (
            "certify --model old.jsonl.partial --spec local.toml --data tiny.csv --out",
            "old.jsonl",
            "--model",
        ),
        ("train --data tiny.csv --recipe recipe.toml --out", "recipe.toml", "--recipe"),
        ("train --data tiny.csv --recipe recipe.toml --out", "tiny.csv", "--data"),
        ("export onnx mlp.json --out", "mlp.json", "the model"),
        ("import onnx net.onnx --out", "net.onnx", "the model to import"),
        ("import onnx net.onnx --schema tiny.csv --out", "tiny.csv", "--schema"),
        ("vnncomp instances.csv --out", "instances.csv", "INSTANCES"),
        ("vnncomp instances.csv --out", "net.onnx", "the network of line 1"),
        ("vnncomp instances.csv --out", "property.vnnlib", "the property of line 1"),
        ("defend --model d/model.json --data tiny.csv --defense pp --out", "d", "--model"),
        (
            "defend --model mlp.json --data tiny.csv --defense pp --certificates d/manifest.json --out",
            "d",
            "--certificates",
        ),
        (
            "steal --target d/metrics.json --attack attack.toml --data tiny.csv --out",
            "d",
            "--target",
        ),
    ] {
        let facts = [&format!("read as {what}; choose another path"), out.trim_start_matches("./")];
        leaves_everything(&scene, &format!("{call} {out}"), &facts);
    }
}

#[test]
fn one_of_several_reports_is_not_replaced() {
    let scene = Scene::new();
    for folder in ["a", "b"] {
        std::fs::create_dir(scene.path(folder)).unwrap();
        let report = "{\"format\":\"report/1\",\"title\":\"t\",\"runs\":[]}";
        scene.write(&format!("{folder}/report.json"), report);
    }
    leaves_everything(&scene, "report a b --out a", &["report.json", "one of the reports"]);
    let text = scene.done("report a b --out c/d");
    assert!(text.ends_with("The page: c/d/report.html\n"), "{text}");
    scene.done("report a --out a");
}

#[cfg(unix)]
#[test]
fn a_link_to_an_input_is_that_input() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.path("mlp.json"), scene.path("link.json")).unwrap();
    let call =
        "certify --model mlp.json --spec local.toml --data tiny.csv --rows 2 --out link.json";
    leaves_everything(&scene, call, &["`link.json` is the file that is read as --model"]);
}

#[test]
fn the_folder_of_a_result_is_looked_for_before_the_work() {
    let scene = Scene::new();
    scene.write("instances.csv", "net.onnx,property.vnnlib,1\n");
    for call in [
        "vnncomp instances.csv --out nodir/o.csv",
        "certify --model mlp.json --spec local.toml --data tiny.csv --rows 2 --out nodir/o.csv",
        "train --data tiny.csv --out nodir/o.csv",
    ] {
        let message =
            scene.refused(call, &["--out nodir/o.csv: there is no folder nodir; make it"]);
        assert!(!message.contains("line 1") && !message.contains("partial"), "{message}");
    }
}
