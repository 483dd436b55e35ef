//! `radius`.

use crate::scene::Scene;

/// The ensemble changes its label at income 2, whatever the age.
const POINTS: &str = "row,age,income\nleft,1,1\nright,2,3.5\non,3,2\nbeyond,4,4.5\n";

const CALL: &str = "radius --model trees.json --points points.csv";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("points.csv", POINTS);
    scene
}

/// The table without seconds.
fn table(scene: &Scene, name: &str) -> Vec<String> {
    let text = scene.read(name);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("row,lower,upper,exact,nodes,seconds"));
    lines.map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

#[test]
fn radii_are_exact_in_every_norm() {
    let scene = scene();
    for norm in ["linf", "l1", "l2"] {
        let told = scene.done(&format!("{CALL} --norm {norm} --out {norm}.csv"));
        assert_eq!(
            told,
            "unit of distances: standard deviations\n\
             invalid: row beyond: `income` is 4.5, above the highest declared value 4.0\n\
             zero radii: 1 of 3\nexact 3 bounded 0 of 3 (invalid 1)\n"
        );
        let rows = table(&scene, &format!("{norm}.csv"));
        for (row, expected) in rows.iter().zip([
            "left,1,1,true,",
            "right,1.5,1.5,true,",
            "on,0,0,true,",
            "beyond,,,false,0",
        ]) {
            assert!(row.starts_with(expected), "{norm}: {row} or {expected}");
        }
        assert_eq!(rows.len(), 4);
    }
    let told = scene.done(&format!("{CALL} --norm l2 --out r.csv --json"));
    let counts: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&counts["exact"], &counts["zero"]), (&3.into(), &1.into()));
    assert_eq!(counts["unit"], "standard deviations");
}

/// On a threshold of a whole feature, the label changes at the whole number below: a step of 1, half a standard
/// deviation.
#[test]
fn whole_features_may_keep_to_whole_values() {
    let scene = scene();
    let tree = |feature: usize| format!("\"feature\":[{feature},0,0]");
    scene.write("ages.json", scene.read("trees.json").replace(&tree(1), &tree(0)));
    scene.write("points.csv", "row,age,income\non,2,1\nbelow,1,1\nfraction,1.5,1\n");
    let call = "radius --model ages.json --points points.csv --norm l2";
    for (integers, expected) in [
        ("", ["on,0,0,true,", "below,0.5,0.5,true,", "fraction,0.25,0.25,true,"]),
        (" --integers respect", ["on,0.5,0.5,true,", "below,0.5,0.5,true,", "fraction,,,false,0"]),
    ] {
        scene.done(&format!("{call}{integers} --out r.csv --certificates kept"));
        let rows = table(&scene, "r.csv");
        for (row, expected) in rows.iter().zip(expected) {
            assert!(row.starts_with(expected), "{integers}: {row} or {expected}");
        }
        let check = "check kept/on.jsonl --model ages.json --spec kept/on.toml --data kept/on.csv";
        scene.done(&format!("{check} --exact --all-proved"));
    }
    assert!(scene.read("kept/on.toml").contains("integers = \"respect\""));
}

#[test]
fn every_radius_has_certificates_that_check() {
    let scene = scene();
    for norm in ["linf", "l1", "l2"] {
        let told =
            scene.done(&format!("{CALL} --norm {norm} --out r.csv --certificates kept-{norm}"));
        assert!(told.starts_with("confirmed by the kernel: 3 of 3\n"), "{told}");
        for name in ["left", "right", "on"] {
            let folder = format!("kept-{norm}");
            let call = |file: &str| {
                format!(
                    "check {folder}/{file}.jsonl --model trees.json --spec {folder}/{file}.toml \
                     --data {folder}/{name}.csv"
                )
            };
            let told = scene.done(&format!("{} --all-proved", call(name)));
            assert!(told.ends_with("proved 1 refuted 0 undecided 0 of 1 (vacuous 0)\n"), "{told}");
            scene.done(&format!("{} --all-proved --exact", call(name)));
            let told = scene.done(&call(&format!("{name}.flip")));
            assert!(told.ends_with("proved 0 refuted 1 undecided 0 of 1 (vacuous 0)\n"), "{told}");
        }
        let manifest: serde_json::Value =
            serde_json::from_str(&scene.read(&format!("kept-{norm}/manifest.json"))).unwrap();
        assert_eq!(manifest["certificates"].as_array().unwrap().len(), 6);
        // right of a threshold the ball of the radius holds the flip, left of it it does not
        let spec = |name: &str| scene.read(&format!("kept-{norm}/{name}.toml"));
        assert!(spec("left").contains("epsilon = \"0.9999999999999998889"), "{}", spec("left"));
        assert!(spec("right").contains("epsilon = \"1.5\""), "{}", spec("right"));
        assert!(spec("on").contains("epsilon = \"0\""), "{}", spec("on"));
    }
}

/// The float 2.9 lies below 2.9, rounded to 32 bits above it: the row decides, as for `certify`.
#[test]
fn a_row_is_valid_although_rounding_leaves_the_range() {
    let scene = Scene::new();
    let income = "\"income\",\"kind\":\"real\",\"low\":\"0\",\"high\":";
    let trees =
        scene.read("trees.json").replace(&format!("{income}\"4\""), &format!("{income}\"2.9\""));
    scene.write("trees.json", trees);
    scene.write("points.csv", "age,income\n2,2.9\n2,2.9000001\n");
    let told = scene.done(&format!("{CALL} --norm linf --out r.csv --certificates kept"));
    assert!(told.contains("confirmed by the kernel: 1 of 1\n"), "{told}");
    assert!(told.ends_with("exact 1 bounded 0 of 1 (invalid 1)\n"), "{told}");
    let rows = table(&scene, "r.csv");
    assert!(rows[0].starts_with("0,0.8999999999999999,"), "{rows:?}");
}

#[test]
fn a_larger_ball_is_not_as_stated() {
    let scene = scene();
    scene.done(&format!("{CALL} --norm l2 --out r.csv --certificates kept"));
    let spec = scene.read("kept/right.toml").replace("\"1.5\"", "\"1.50001\"");
    scene.write("larger.toml", &spec);
    let digest = |bytes: &str| blake3::hash(bytes.as_bytes()).to_hex().to_string();
    let certificate = scene
        .read("kept/right.jsonl")
        .replace(&digest(&scene.read("kept/right.toml")), &digest(&spec));
    scene.write("larger.jsonl", certificate);
    let call = "check larger.jsonl --model trees.json --spec larger.toml --data kept/right.csv";
    scene.propcert(call).assert().code(1);
}

#[test]
fn same_bytes_for_any_number_of_threads() {
    let scene = scene();
    for threads in ["1", "3"] {
        scene.done(&format!(
            "{CALL} --norm l1 --threads {threads} --out r{threads}.csv --certificates kept{threads}"
        ));
    }
    assert_eq!(table(&scene, "r1.csv"), table(&scene, "r3.csv"));
    assert_eq!(scene.files("kept1"), scene.files("kept3"));
}

#[test]
fn a_budget_that_ends_leaves_an_interval() {
    let scene = scene();
    scene.done(&format!("{CALL} --norm linf --budget-nodes 1 --out r.csv"));
    let rows = table(&scene, "r.csv");
    let cells: Vec<&str> = rows[0].split(',').collect();
    let (lower, upper): (f64, f64) = (cells[1].parse().unwrap(), cells[2].parse().unwrap());
    assert!(lower <= 1.0 && 1.0 <= upper && cells[3] == "false", "{rows:?}");
}

#[test]
fn certificates_take_the_place_of_no_input_and_of_no_result() {
    let scene = scene();
    scene.done(
        "radius --model trees.json --points points.csv --norm l1 --out r.csv --certificates kept",
    );
    for (path, text) in [
        ("kept/left.csv", POINTS.to_owned()),
        ("kept/right.flip.jsonl", POINTS.to_owned()),
        ("kept/manifest.json", scene.read("trees.json")),
    ] {
        scene.write(path, &text);
        let (model, points) = if path.ends_with("manifest.json") {
            (path, "points.csv")
        } else {
            ("trees.json", path)
        };
        scene.refused(
            &format!(
                "radius --model {model} --points {points} --norm l1 --out r.csv --certificates kept"
            ),
            &[path, "choose another"],
        );
        assert_eq!(scene.read(path), text);
    }
    for out in ["kept/on.toml", "./kept/manifest.json", "kept/left.meta.json"] {
        let call = format!("{CALL} --norm l1 --out {out} --certificates kept");
        scene.refused(&call, &[out, "--certificates"]);
    }
    scene.refused(&format!("{CALL} --norm l1 --out kept"), &["kept", "folder"]);
    // what is in the folder now no run has left
    let call = format!("{CALL} --norm l1 --out kept/r.csv --certificates kept");
    scene.refused(&call, &["kept holds `", "--force"]);
    std::fs::remove_dir_all(scene.path("kept")).unwrap();
    std::fs::create_dir(scene.path("kept")).unwrap();
    for _ in 0..2 {
        scene.done(&call);
        assert!(scene.has("kept/r.csv") && scene.has("kept/manifest.json"));
        assert!(!scene.has("kept/r.csv.partial") && !scene.has("kept.partial"));
    }
}

#[test]
fn bad_calls_are_refused() {
    let scene = scene();
    let refused = |call: &str, facts: &[&str]| scene.refused(call, facts);
    refused(&format!("{CALL} --norm l3 --out r.csv"), &["l3"]);
    refused(&format!("{CALL} --norm l1 --out no/r.csv"), &["no/r.csv", "no folder"]);
    refused(
        "radius --model mlp.json --points points.csv --norm l1 --out r.csv",
        &["mlp.json", "network"],
    );
    for (header, twice) in [("label,label,age,income", "`label`"), ("row,row,age,income", "`row`")]
    {
        scene.write("bad.csv", format!("{header}\n0,1,2,3\n"));
        let call = "radius --model trees.json --points bad.csv --norm l1 --out r.csv";
        refused(call, &["column 2", twice, "twice"]);
    }
    scene.write("bad.csv", "row,age,income\n");
    refused("radius --model trees.json --points bad.csv --norm l1 --out r.csv", &["no points"]);
    scene.write("bad.csv", "row,age,income\n1,2,3\n2,2,nan\n");
    refused(
        "radius --model trees.json --points bad.csv --norm l1 --out r.csv",
        &["bad.csv", "line 3"],
    );
    for (names, facts) in [(["../a", "b"], "line 2"), (["a", "A"], "line 3")] {
        scene.write("bad.csv", format!("row,age,income\n{},2,3\n{},2,1\n", names[0], names[1]));
        refused(
            "radius --model trees.json --points bad.csv --norm l1 --out r.csv --certificates kept",
            &["bad.csv", facts],
        );
    }
    assert!(!scene.has("r.csv") && !scene.has("kept"));
}

/// A run that ends early leaves its rows; the next one takes them over, and only those of the same run.
#[test]
fn an_interrupted_run_is_resumed() {
    let scene = scene();
    let many: String = (0..150).map(|row| format!("r{row},{},{}\n", row % 5, row % 4)).collect();
    scene.write("points.csv", format!("row,age,income\n{many}"));
    let call = format!("{CALL} --norm l1 --threads 1");
    scene.done(&format!("{call} --certificates whole --out whole.csv"));
    let call = format!("{call} --certificates kept");
    crate::scene::killed(&scene, &format!("{call} --out r.csv"), |scene| {
        scene.has("r.csv.partial") && scene.read("r.csv.partial").lines().count() > 3
    });
    assert!(!scene.has("r.csv") && !scene.has("kept") && scene.has("kept.partial"));
    let partial: String =
        scene.read("r.csv.partial").lines().take(3).map(|line| format!("{line}\n")).collect();

    // a mark that only a row taken over bears, and a line that was being written
    let nodes = partial.lines().nth(1).unwrap().split("\"nodes\":").nth(1).unwrap();
    let nodes = format!("\"nodes\":{},", nodes.split(',').next().unwrap());
    let marked = partial.replacen(&nodes, "\"nodes\":777,", 1) + "{\"at\":2,\"bou";
    scene.write("r.csv.partial", &marked);
    scene.refused(
        &format!("{call} --out r.csv --resume --budget-nodes 7"),
        &["r.csv.partial", "budget"],
    );
    assert_eq!(scene.read("r.csv.partial"), marked, "a refusal loses nothing");
    let told = scene.done(&format!("{call} --out r.csv --resume"));
    assert!(told.starts_with("confirmed by the kernel: 150 of 150\n"), "{told}");
    let (resumed, whole) = (table(&scene, "r.csv"), table(&scene, "whole.csv"));
    assert!(resumed[0].ends_with(",777"), "{resumed:?}");
    assert_eq!(resumed[1..], whole[1..]);
    assert!(!scene.has("r.csv.partial") && !scene.has("kept.partial"));
    assert_eq!(scene.files("kept"), scene.files("whole"));

    // a row whose certificate is not where the run keeps them is measured anew
    scene.write("r.csv.partial", &marked);
    scene.done(&format!("{call} --out r.csv --resume"));
    assert_eq!(table(&scene, "r.csv"), whole);
    assert_eq!(scene.files("kept"), scene.files("whole"));
    // nothing of an interrupted run is lost by the way
    scene.write("r.csv.partial", &marked);
    scene.refused(&format!("{call} --out r.csv"), &["r.csv.partial", "--resume"]);
    assert_eq!(scene.read("r.csv.partial"), marked);
    std::fs::remove_dir_all(scene.path("kept")).unwrap();
    // a torn header is as good as none
    scene.write("r.csv.partial", &marked[..20]);
    scene.done(&format!("{call} --out r.csv --resume"));
    assert_eq!(table(&scene, "r.csv"), whole);
}

#[test]
fn points_without_a_radius_and_radii_of_nothing_are_explained() {
    let scene = Scene::new();
    scene.write("whole.json", crate::scene::TREES.replace("\"feature\":[1,", "\"feature\":[0,"));
    scene.write("points.csv", "row,age,income\non,2,1\nfar,9,1\nhalf,1.5,1\n");
    let call = "radius --model whole.json --points points.csv --norm linf --out radii.csv --force";
    let run = scene.propcert(call).assert().code(0);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (told, hint) = (text(&run.get_output().stdout), text(&run.get_output().stderr));
    assert!(told.contains("zero radii: 1 of 2") && hint.contains("--integers respect"), "{hint}");
    let far = "invalid: row far: `age` is 9.0, above the highest declared value 4.0";
    assert!(told.contains(far), "{told}");
    let run = scene.propcert(&format!("{call} --integers respect")).assert().code(0);
    let (told, hint) = (text(&run.get_output().stdout), text(&run.get_output().stderr));
    assert!(told.contains("row half: `age` is 1.5, no whole number"), "{told}");
    assert!(!hint.contains("--integers"), "{hint}");
}
