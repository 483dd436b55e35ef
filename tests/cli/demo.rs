//! `demo` and `report`.

use crate::defend::check_call;
use crate::scene::Scene;

const CALL: &str = "demo --small --rows 12 --repetitions 1 --data tiny.csv";

#[test]
fn the_same_demo_leaves_the_same_bytes_and_every_entry_checks() {
    let scene = Scene::new();
    scene.done(&format!("{CALL} --threads 1 --out one"));
    scene.done(&format!("{CALL} --threads 2 --out two"));
    assert_eq!(scene.files("one"), scene.files("two"));
    for name in ["report.json", "report.html", "manifest.json"] {
        assert!(scene.has(&format!("one/{name}")), "{name}");
    }
    every_entry_checks(&scene);
    reports_are_put_on_one_page(&scene);
}

fn every_entry_checks(scene: &Scene) {
    let manifest: serde_json::Value =
        serde_json::from_str(&scene.read("one/manifest.json")).unwrap();
    let entries = manifest["certificates"].as_array().unwrap();
    assert!(entries.len() >= 10, "{} entries", entries.len());
    for entry in entries {
        let call = check_call(entry);
        for options in ["", " --exact --first 3"] {
            scene.propcert_in("one", &format!("{call}{options}")).assert().code(0);
        }
    }
    let (defended, open): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry["defense"].is_string());
    let subject = |entry: &serde_json::Value| (entry["model"].clone(), entry["spec"].clone());
    assert!(!defended.is_empty());
    for entry in &defended {
        assert!(
            open.iter().any(|one| subject(one) == subject(entry)),
            "{entry} without its defense"
        );
    }
    // a model whose strongest defense is the identity is not called defended
    let report: serde_json::Value = serde_json::from_str(&scene.read("one/report.json")).unwrap();
    let models = report["runs"][0]["models"].as_array().unwrap();
    let is_bare = |model: &&serde_json::Value| model["defenses"].as_array().unwrap().is_empty();
    let notes = report["runs"][0]["notes"].to_string();
    for model in models.iter().filter(is_bare) {
        let said = format!("{} is not defended", model["name"].as_str().unwrap());
        assert!(notes.contains(&said), "{notes}");
    }
    assert!(models.iter().all(|model| model["digest"].as_str().unwrap().len() == 64));
    assert!(
        report["runs"][0]["data"]["digest"].is_string() && report["runs"][0]["tool"].is_string()
    );
}

fn reports_are_put_on_one_page(scene: &Scene) {
    let text = scene.done("report one two --out both");
    assert!(text.contains("natural-mlp") && text.contains("monotone-trees"), "{text}");
    scene.done("report one two --out again");
    assert_eq!(scene.files("both"), scene.files("again"));
    assert_eq!(scene.files("both").len(), 4);
    let report: serde_json::Value = serde_json::from_str(&scene.read("both/report.json")).unwrap();
    assert_eq!(report["runs"][1]["data"]["name"], "tiny, two");
    let file = report["runs"][1]["models"][0]["certificates"][0]["file"].as_str().unwrap();
    assert!(scene.has(&format!("both/{file}")), "{file}");
    scene.refused("report one ./one --out twice", &["./one: the folder is named twice"]);
}

#[test]
fn a_demo_takes_the_place_of_an_earlier_one_as_a_whole() {
    let scene = Scene::new();
    scene.done(&format!("{CALL} --epsilon 0.125 --out out"));
    assert!(scene.has("out/specs/local-invariance-0.125.toml"));
    let run = scene.propcert(&format!("{CALL} --epsilon 0.25 --out out")).assert().code(0);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("out holds an earlier demo of tiny (seed 0, 3 models"), "{told}");
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(scene.has("out/specs/local-invariance-0.25.toml"));
    assert!(!scene.has("out/specs/local-invariance-0.125.toml"), "left from the earlier demo");
    let names: Vec<_> = std::fs::read_dir(scene.path("")).unwrap().collect();
    assert_eq!(names.len(), Scene::new().files("").len() + 1, "{names:?}");

    // what is printed can be typed
    let (_, command) = printed.split_once("Check one yourself:\n").unwrap();
    let words: Vec<&str> = command.split_whitespace().filter(|word| *word != "\\").collect();
    assert_eq!(words[1], "check", "{command}");
    let run = scene.propcert(&words[1..].join(" ")).assert().code(0);
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(!text.contains("\nproved 0 "), "something is proved in it: {text}");
}

#[test]
fn a_folder_that_holds_other_things_is_never_replaced() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("mine")).unwrap();
    scene.write("mine/thesis.txt", "years of work");
    // also inside a demo's folders
    scene.done(&format!("{CALL} --out out"));
    scene.write("out/models/notes.txt", "mine");
    let before = scene.files("");
    scene.refused(&format!("{CALL} --out mine"), &["mine", "thesis.txt", "new or empty folder"]);
    scene.refused(&format!("{CALL} --out out"), &["models/notes.txt", "new or empty folder"]);
    assert_eq!(scene.files(""), before);
}

#[test]
fn bad_demos_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    let before = scene.files("");
    for (options, fact) in [
        ("--data nowhere", "nowhere"),
        ("--repetitions 0", "--repetitions 0"),
        ("--epsilon 0", "--epsilon 0"),
        ("--epsilon=-1", "--epsilon -1: expected a positive decimal"),
        ("--epsilon -1", "--epsilon -1: expected a positive decimal"),
        ("--epsilon nan", "--epsilon nan"),
        ("--rows -3", "-3"),
        ("--rows 0", "--rows 0: expected 1 to"),
        ("--rows 100000", "--rows 100000: expected 1 to 1331"),
    ] {
        scene.refused(&format!("demo --small {options} --out out"), &[fact]);
        assert!(!scene.has("out"), "{options}");
    }
    scene.refused("demo --small --out tiny.csv", &["tiny.csv"]);
    assert_eq!(scene.files(""), before);
    let message = scene.refused("demo --small --data nowhere --out out", &[]);
    crate::snapshot!("demo-refusal", message);
}

#[test]
fn bad_reports_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("old")).unwrap();
    for text in ["", "{}", "{\"title\":", "\0\0\0\0", "[1e999]", "\u{feff}{}"] {
        scene.write("old/report.json", text);
        scene.refused("report old --out new", &["report.json"]);
        assert!(!scene.has("new"), "{text}");
    }
    scene.write("old/report.json", "[".repeat(100_000));
    scene.refused("report old --out new", &["report.json"]);
    scene.write("old/report.json", b"\xff\xfe");
    scene.refused("report old --out new", &["report.json"]);
    scene.refused("report --out new", &["DIR"]);
    scene.write("old/report.json", "{}");
    let message = scene.refused("report old --out new", &[]);
    scene.refused("report missing --out new", &["missing"]);
    assert!(!scene.has("new"));
    crate::snapshot!("report-refusal", message);
}
