//! What a verb did not write itself it does not replace, and folders appear whole or not at all.

use crate::scene::{SMALL_MLP, Scene, killed};

const DEMO: &str = "demo --small --rows 12 --repetitions 1 --data tiny.csv --out out";
const STEAL: &str = "steal --target trees.json --attack random.toml --data tiny.csv --budget 20";
const DEFEND: &str = "defend --data tiny.csv --defense pp";
const RADIUS: &str = "radius --model trees.json --points points.csv --norm linf";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("random.toml", "attack = \"random\"\n");
    scene.write("recipe.toml", SMALL_MLP);
    scene.write("points.csv", "row,age,income\nleft,1,1\nright,2,3.5\n");
    scene.done("export onnx mlp.json --out net.onnx");
    scene
}

/// Runs to exit code 2 with `facts` in the message, and leaves every file as it was.
fn leaves_everything(scene: &Scene, call: &str, facts: &[&str]) {
    let before = scene.files("");
    scene.refused(call, facts);
    assert_eq!(scene.files(""), before, "{call}");
}

/// Calls that leave `notes.csv`, and what it is then.
const FILES: [(&str, &str); 7] = [
    ("train --data tiny.csv --recipe recipe.toml --out notes.csv", "a model/1"),
    ("import onnx net.onnx --out notes.csv", "a model/1"),
    ("export onnx mlp.json --out notes.csv", "a model that was exported"),
    ("certify --model trees.json --spec monotone.toml --out notes.csv", "a certificate/1"),
    ("radius --model trees.json --points points.csv --norm linf --out notes.csv", "row,lower"),
    ("data make customer_churn --rows 400 --out notes.csv", "a data set"),
    ("data import tiny.csv --out notes.csv", "a data set"),
];

#[test]
fn a_device_is_not_replaced() {
    let scene = scene();
    // a run as root could replace the device itself
    std::os::unix::fs::symlink("/dev/null", scene.path("notes.csv")).unwrap();
    for (call, _) in FILES {
        for force in ["", " --force"] {
            leaves_everything(
                &scene,
                &format!("{call}{force}"),
                &["notes.csv: is there", "device"],
            );
            assert!(scene.path("notes.csv").is_symlink(), "{call}");
        }
    }
}

#[test]
fn messages_that_nobody_can_read_end_nothing() {
    let scene = scene();
    let run = |call: &str| {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_propcert"));
        program.args(call.split(' ')).current_dir(scene.path("")).stderr(full);
        program.stdout(std::process::Stdio::null()).status().unwrap().code()
    };
    assert_eq!(run("certify --model trees.json --spec nowhere.toml --out c.jsonl"), Some(2));
    assert_eq!(run("certify --bogus"), Some(2));
    assert_eq!(run(DEMO), Some(0));
    assert!(scene.has("out/report.html"));
}

#[test]
fn what_cannot_be_kept_beside_a_result_is_refused_before_the_work() {
    let scene = scene();
    for name in ["link", "pipe"] {
        std::fs::create_dir(scene.path("steal")).unwrap();
        let path = scene.path("steal").join(name);
        match name {
            "link" => std::os::unix::fs::symlink("nowhere", &path).unwrap(),
            _ => {
                assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success())
            }
        }
        scene.refused(
            &format!("{STEAL} --out steal --force"),
            &["steal holds", name, "move it away"],
        );
        assert!(path.symlink_metadata().is_ok());
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_dir(scene.path("steal")).unwrap();
    }
}

#[test]
fn a_file_that_is_something_else_is_not_replaced() {
    let scene = scene();
    for (call, what) in FILES {
        scene.write("notes.csv", "years of work\n");
        leaves_everything(&scene, call, &["notes.csv: is there and is not", what, "--force"]);
        scene.done(&format!("{call} --force"));
        assert_ne!(std::fs::read(scene.path("notes.csv")).unwrap(), b"years of work\n", "{call}");
        // what it wrote itself, it replaces
        scene.done(call);
        let _ = std::fs::remove_file(scene.path("notes.meta.json"));
    }
}

#[test]
fn what_goes_beside_a_result_replaces_nothing_else_either() {
    let scene = scene();
    scene.write("n.meta.json", "years of work\n");
    let make = "data make customer_churn --rows 400 --out n.csv";
    leaves_everything(&scene, make, &["n.meta.json: is there and is not a data set"]);
    scene.write("m.json.training", "years of work\n");
    let train = "train --data tiny.csv --recipe recipe.toml --out m.json";
    leaves_everything(&scene, train, &["m.json.training: is there and is not what a model was"]);
    for call in [make, train] {
        scene.done(&format!("{call} --force"));
        scene.done(call);
    }
}

#[test]
fn a_folder_that_another_run_fills_is_left_alone() {
    let scene = scene();
    std::fs::create_dir(scene.path("d.partial")).unwrap();
    let mark = std::fs::File::create(scene.path("d.partial/unfinished")).unwrap();
    mark.lock().unwrap();
    leaves_everything(
        &scene,
        &format!("{STEAL} --out d"),
        &["d.partial: another run is filling it"],
    );
    mark.unlock().unwrap();
    scene.done(&format!("{STEAL} --out d"));
}

#[test]
fn a_folder_of_another_verb_is_refused_and_its_own_replaced() {
    let scene = scene();
    scene.done(&format!("{STEAL} --out d"));
    for (call, verb) in [
        (&format!("{DEFEND} --model mlp.json --out d"), "defend"),
        (&format!("{RADIUS} --out r.csv --certificates d"), "radius"),
        (&"demo --small --data tiny.csv --out d".to_owned(), "demo"),
        (&"vnncomp instances.csv --out r.csv --certificates d".to_owned(), "vnncomp"),
    ] {
        scene.write("instances.csv", "net.onnx,none.vnnlib,1\n");
        let fact = format!("which is not of a {verb}");
        leaves_everything(&scene, call, &["d holds `", &fact, "new or empty folder", "--force"]);
    }
    scene.write("d/notes.txt", "mine");
    leaves_everything(&scene, &format!("{STEAL} --out d"), &["d holds `notes.txt`"]);
    // kept beside the result when it is asked for
    scene.done(&format!("{DEFEND} --model mlp.json --out d --force"));
    assert!(scene.read("d/metrics.json").contains("\"verb\": \"defend\""));
    assert_eq!(scene.read("d/notes.txt"), "mine");
}

#[test]
fn nothing_of_an_earlier_run_is_left() {
    let scene = scene();
    scene.write("few.csv", "row,age,income\nright,2,3.5\n");
    scene.done(&format!("{RADIUS} --out r.csv --certificates kept"));
    let call = format!("{RADIUS} --out r.csv --certificates kept").replace("points.csv", "few.csv");
    scene.done(&call);
    assert_eq!(scene.files("kept").len(), 7, "{:?}", scene.files("kept"));
    // an input is never among what goes
    let call =
        format!("{RADIUS} --out r.csv --certificates kept").replace("points.csv", "kept/right.csv");
    leaves_everything(&scene, &call, &["kept/right.csv"]);
    let own = "steal --target d/substitute.json --attack random.toml --data tiny.csv --out d";
    scene.done(&format!("{STEAL} --out d"));
    leaves_everything(&scene, own, &["substitute.json"]);
}

#[test]
fn an_interrupted_demo_leaves_nothing_hidden_and_is_made_again() {
    let scene = scene();
    let before: Vec<_> = scene.files("").into_iter().map(|(name, _)| name).collect();
    killed(&scene, DEMO, |scene| scene.has("out.partial/new/models/natural-mlp.json"));
    assert!(!scene.has("out"));
    let files = scene.files("");
    let others = files.iter().filter(|(name, _)| !before.contains(name));
    assert!(others.clone().count() > 0);
    others.for_each(|(name, _)| assert!(name.starts_with("out.partial"), "{name:?}"));
    scene.done(DEMO);
    assert!(!scene.has("out.partial"));
    scene.done(&DEMO.replace("--out out", "--out two"));
    assert_eq!(scene.files("out"), scene.files("two"));
}

#[test]
fn an_end_between_the_two_renames_loses_nothing() {
    let scene = scene();
    scene.done(&format!("{STEAL} --out d"));
    let whole = scene.files("d");
    std::fs::create_dir_all(scene.path("d.partial/new")).unwrap();
    scene.write("d.partial/unfinished", "");
    std::fs::rename(scene.path("d"), scene.path("d.partial/earlier")).unwrap();
    scene.done(&format!("{STEAL} --out d"));
    assert_eq!(scene.files("d"), whole);
    assert!(!scene.has("d.partial"));
    // what only looks like it is not touched
    std::fs::create_dir(scene.path("d.partial")).unwrap();
    scene.write("d.partial/notes.txt", "mine");
    leaves_everything(&scene, &format!("{STEAL} --out d"), &["d.partial", "move it away"]);
}

#[test]
fn a_result_of_one_file_may_go_to_standard_output() {
    let scene = Scene::new();
    scene.write("points.csv", "row,age,income\nleft,1,1\nright,2,3.5\n");
    let rows = "certify --model mlp.json --spec local.toml --data tiny.csv --rows 12";
    for (call, same) in [
        (rows, true),
        ("export xgboost trees.json", true),
        ("export onnx mlp.json", true),
        ("spec new label --model mlp.json", true),
        // its last column is the time
        ("radius --model trees.json --points points.csv --norm l2", false),
    ] {
        scene.done(&format!("{call} --out whole --force"));
        let whole = std::fs::read(scene.path("whole")).unwrap();
        for place in ["-", "/dev/stdout"] {
            let run = scene.propcert(&format!("{call} --out {place}")).assert().code(0);
            let told = &run.get_output().stdout;
            assert!(!same || *told == whole, "{call}: {}", String::from_utf8_lossy(told));
            assert!(same || told.starts_with(b"row,lower,upper"), "{call}");
            assert!(!scene.has("-") && !scene.has("-.partial"), "{call}");
        }
    }
    let run = scene.propcert(&format!("{rows} --out -")).assert().code(0);
    let beside = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(beside.contains("proved ") && beside.contains(" of 12"), "{beside}");
    scene.refused(&format!("{rows} --out - --resume"), &["--out -", "--resume"]);
    scene.refused(&format!("{rows} --out - --manifest m.json"), &["--manifest", "--out"]);
}

#[test]
fn results_with_a_second_file_go_to_standard_output_without_it() {
    let scene = Scene::new();
    let given: String = (0..60).map(|at| format!("{},{at}.5\n", at % 2)).collect();
    scene.write("given.csv", format!("label,a\n{given}"));
    for (call, left_out) in [
        ("train --data tiny.csv --family trees", "the record of its training"),
        ("data import given.csv", "the meta file"),
        ("data make customer_churn --rows 500", "the meta file"),
    ] {
        scene.done(&format!("{call} --out whole.csv --force"));
        let whole = std::fs::read(scene.path("whole.csv")).unwrap();
        for place in ["-", "/dev/stdout"] {
            let run = scene.propcert(&format!("{call} --out {place}")).assert().code(0);
            let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
            assert!(run.get_output().stdout == whole, "{call}");
            assert!(said.contains(left_out), "{said}");
            assert!(!scene.has("-") && !scene.has("-.train.json"), "{call}");
        }
    }
    let facts = ["--out -", "--resume"];
    scene.refused("train --data tiny.csv --out - --resume", &facts);
}

#[test]
fn a_folder_is_no_standard_output() {
    let scene = scene();
    let (several, defend) = (format!("{STEAL},30"), format!("{DEFEND} --model trees.json"));
    let swept = format!("{defend} --alpha 0.1,0.2");
    let audit = "audit --model mlp.json --data tiny.csv --quick";
    for call in [STEAL, &several, &defend, &swept, audit] {
        let run = scene.propcert(&format!("{call} --out -")).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains("--out -: the result is a folder"), "{call}: {said}");
        assert!(!scene.has("-") && !scene.has("-.partial"), "{call}");
    }
}
