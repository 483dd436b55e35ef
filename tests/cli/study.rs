//! `study`: a grid gives the same bytes whole, in shards, after an interruption, and for any number of threads.

use crate::scene::{Scene, killed};

/// Two small models of the rows of the scene, and one that is there; every kind of cell, and some that are left out.
const GRID: &str = r#"
data = ["tiny.csv"]
seed = 3
repetitions = 2
budget-nodes = 20
exact = 2
radii-rows = 5

[gives-away]
published = "local"
queries = [1, 5]

[[model]]
name = "trees"
recipe-file = "small.toml"

[[model]]
name = "stumps"
file = "trees.json"

[[property]]
name = "local"
rows = 6
spec-file = "local.toml"

[[property]]
name = "own"
part = "auxiliary"
rows = 10
for-attackers = true
spec-file = "predicted.toml"

[[property]]
name = "rising"
declared = "increasing"
for-attackers = true
spec = """
property = "monotonicity"
"""

[[property]]
name = "falling"
declared = "decreasing"
spec = "property = 'monotonicity'\n"

[[attack]]
name = "thief"
attack = """
attack = "masked_thief"
queries = 30
seed-rows = 10
substitute = { family = "trees", trees = 3, depth = 2 }
"""

[[attack]]
name = "random"
attack = """
attack = "random"
queries = 20
substitute = { family = "trees", trees = 3, depth = 2 }
"""

[[defense]]
name = "poisoned"
alpha = "0.1"
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("grid.toml", GRID);
    scene.write("small.toml", crate::scene::SMALL_TREES);
    scene
}

fn line_count(scene: &Scene, file: &str) -> usize {
    scene.read(file).lines().count()
}

#[test]
fn shards_give_the_bytes_of_a_run_in_one_piece() {
    let scene = scene();
    let text = scene.done("study run grid.toml --out whole --threads 1");
    assert!(
        text.starts_with("36 cells: certified 12 stolen 16 measured 4 left out 4 failed 0 wrong 0"),
        "{text}"
    );
    assert_eq!(line_count(&scene, "whole/cells.jsonl"), 36);
    scene.done("study run grid.toml --out again --threads 2");
    assert_eq!(scene.files("again"), scene.files("whole"));
    scene.done("study run grid.toml --out one --shard 1/2 --threads 2");
    scene.done("study run grid.toml --out two --shard 2/2");
    assert_eq!(line_count(&scene, "one/cells.jsonl"), 18);
    let merged = scene.done("study merge one two --out merged");
    assert_eq!(merged, text);
    assert_eq!(scene.files("merged"), scene.files("whole"));
    refused_merges(&scene);
    tables_are_those_of_the_lines(&scene);
}

fn refused_merges(scene: &Scene) {
    scene
        .refused("study merge one --out m", &["cell 0 `tiny/trees/none/certify/local`", "none of"]);
    scene.refused("study merge one two one --out m", &["cell 1 ", "give each shard once"]);
    scene.refused("study merge one models --out m", &["models/study.json", "could not be read"]);
    scene.refused("study merge one two --out one", &["one/cells.jsonl", "a shard"]);
    scene.write("grid2.toml", GRID.replace("seed = 3", "seed = 4"));
    scene.done("study run grid2.toml --out other --shard 0/2");
    scene.refused("study merge one other --out m", &["other", "another study", "`grid`"]);
    let lines = scene.read("two/cells.jsonl");
    scene.write("two/cells.jsonl", &lines[..lines.len() - 9]);
    scene.refused("study merge one two --out m", &["two/cells.jsonl, line 18", "torn"]);
    scene.write("two/cells.jsonl", lines.replace("tiny/trees/none", "tiny/trees/some"));
    scene.refused("study merge one two --out m", &["two/cells.jsonl, line 1", "expected"]);
    scene.write("two/cells.jsonl", lines);
    assert!(!scene.has("m"));
}

fn tables_are_those_of_the_lines(scene: &Scene) {
    let text = scene.done("study tables whole");
    assert_eq!(
        text,
        "models: 4 rows\ncertified: 12 rows\nstolen: 8 rows\npaired: 12 rows\nleft-out: 4 rows\nbest: 4 rows\n"
    );
    scene.done("study tables merged");
    assert_eq!(scene.files("merged"), scene.files("whole"));
    assert!(scene.read("whole/report.html").contains("stumps"));
    crate::snapshot!("study-certified", scene.read("whole/certified.md"));
    crate::snapshot!("study-stolen", scene.read("whole/stolen.md"));
    crate::snapshot!("study-paired", scene.read("whole/paired.md"));
    crate::snapshot!("study-left-out", scene.read("whole/left-out.csv"));
    // a table that is something else stays
    scene.write("whole/stolen.csv", "years of work\n");
    scene.refused("study tables whole", &["stolen.csv: is there and is not a table", "--force"]);
    scene.done("study tables whole --force");
    // the result of one run takes the place of another, tables and all
    scene.done("study merge one two --out whole");
    assert!(!scene.has("whole/report.html"));
}

#[test]
fn an_interrupted_study_goes_on_to_the_same_bytes() {
    let scene = scene();
    // long enough to be interrupted
    let grid = GRID.replace("repetitions = 2", "repetitions = 30");
    scene.write("grid.toml", &grid);
    scene.done("study run grid.toml --out whole");
    let call = "study run grid.toml --out out";
    let log = "out.partial/new/cells.jsonl.partial";
    killed(&scene, call, |scene| scene.has(log) && line_count(scene, log) > 3);
    assert!(!scene.has("out"));
    scene.refused(call, &["out.partial: is what an interrupted run has kept", "--resume"]);
    let kept = scene.read(log);
    // torn, as by an end in the middle of a line
    scene.write(log, &kept[..kept.len() - 5]);
    scene.write("grid2.toml", grid.replace("seed = 3", "seed = 4"));
    let other = scene.refused("study run grid2.toml --out out --resume", &["another `grid`"]);
    assert!(other.contains("give the same"), "{other}");
    scene.done(&format!("{call} --resume"));
    assert_eq!(scene.files("out"), scene.files("whole"));
    // a finished study is kept, a damaged one made again
    let run = scene.propcert(&format!("{call} --resume")).assert().code(0);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("out is there and whole"), "{told}");
    let lines = scene.read("out/cells.jsonl");
    scene.write("out/cells.jsonl", &lines[..lines.len() / 2]);
    scene.refused("study tables out", &["cells.jsonl", "--resume"]);
    scene.done(&format!("{call} --resume"));
    assert_eq!(scene.files("out"), scene.files("whole"));
}

#[test]
fn every_certificate_of_a_study_checks() {
    let scene = scene();
    scene.done("study run grid.toml --out out");
    let certified = scene
        .read("out/cells.jsonl")
        .lines()
        .filter(|line| line.contains("\"certified\":{"))
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let key = line["key"].as_str().unwrap().to_owned();
            let file = line["result"]["certified"]["report"]["file"].as_str().unwrap().to_owned();
            (key, file)
        })
        .collect::<Vec<_>>();
    assert_eq!(certified.len(), 12);
    for (key, file) in certified {
        let parts: Vec<&str> = key.split('/').collect();
        let [_, model, defense, _, property] = parts[..] else { panic!("{key}") };
        let defense = match defense {
            "none" => String::new(),
            _ => format!(" --defense defenses/{model}.json"),
        };
        let call = format!(
            "check {file} --model models/{model}.json --spec specs/{property}.toml --data ../tiny.csv{defense}"
        );
        scene.propcert_in("out", &call).assert().code(0);
    }
}

#[test]
fn bad_grids_are_refused_and_nothing_is_written() {
    let scene = scene();
    let before = scene.files("");
    for (old, new, facts) in [
        ("seed = 3", "speed = 3", &["bad.toml", "line 3", "speed"] as &[&str]),
        ("seed = 3", "seed = three", &["bad.toml", "line 3"]),
        ("repetitions = 2", "repetitions = 0", &["line 4: `repetitions` is 0"]),
        ("small.toml", "none.toml", &["line 14: model `trees`", "none.toml"]),
        ("small.toml", "local.toml", &["line 14: model `trees`: not a recipe"]),
        ("local.toml", "small.toml", &["line 22: property `local`: not a spec"]),
        ("tiny.csv", "nowhere", &["nowhere"]),
        ("alpha = \"0.1\"", "alpha = \"0.7\"", &["defense `poisoned`", "0.7"]),
    ] {
        scene.write("bad.toml", GRID.replace(old, new));
        scene.refused("study run bad.toml --out out", facts);
    }
    let message = scene.refused("study run bad.toml --out out", &[]);
    crate::snapshot!("study-refusal", message);
    scene.refused("study run grid.toml --out out --shard 3/2", &["3/2", "expected I/N"]);
    scene.refused("study run nowhere.toml --out out", &["nowhere.toml"]);
    scene.refused("study tables .", &["study.json", "expected the folder of a study"]);
    std::fs::remove_file(scene.path("bad.toml")).unwrap();
    assert_eq!(scene.files(""), before);
    std::fs::create_dir(scene.path("mine")).unwrap();
    scene.write("mine/thesis.txt", "years of work");
    scene.refused("study run grid.toml --out mine", &["thesis.txt", "not of a study"]);
}

/// Rows at equal steps: the certificate says so, and `check` decides it from its file.
#[test]
fn rows_of_a_study_may_be_of_the_whole_part() {
    let scene = Scene::new();
    let grid = "data = ['tiny.csv']\n[[model]]\nname = 'm'\nfile = 'mlp.json'\n\
        [[property]]\nname = 'front'\nrows = 8\nspec-file = 'local.toml'\n\
        [[property]]\nname = 'whole'\nrows = 8\nspread = true\nspec-file = 'local.toml'\n";
    scene.write("grid.toml", grid);
    scene.done("study run grid.toml --out s");
    let certificates: Vec<_> = walk(&scene.path("s"))
        .into_iter()
        .filter(|path| {
            path.extension().is_some_and(|ending| ending == "jsonl")
                && path.file_stem().is_some_and(|stem| stem != "cells")
        })
        .collect();
    assert_eq!(certificates.len(), 2, "{certificates:?}");
    for path in certificates {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_whole = path.display().to_string().contains("whole");
        // 40 test rows
        assert_eq!(text.contains("\"every\":5"), is_whole, "{text}");
        let call =
            format!("check {} --model mlp.json --spec local.toml --data tiny.csv", path.display());
        scene.done(&call);
    }
    let tables = scene.done("study tables s");
    assert!(tables.contains("certified: 2 rows"), "{tables}");
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
