//! `data list`, `describe`, `rows`, `make`, `import`.

use crate::scene::{ROWS, Scene};

#[test]
fn what_can_be_named_is_listed() {
    let scene = Scene::new();
    let text = scene.done("data list");
    assert!(text.contains("spambase") && text.contains("built in"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&scene.done("data list --json")).unwrap();
    assert_eq!(json["sets"][0]["name"], "spambase");
}

#[test]
fn names_are_looked_up_in_the_data_folder() {
    let scene = Scene::new();
    let folder = scene.path("");
    for (words, fact) in [("data list", "tiny"), ("data describe tiny", "300 SYNTHETIC rows")] {
        let run = scene.propcert(words).env("PROPCERT_DATA", &folder).assert().code(0);
        let text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
        assert!(text.contains(fact), "{words}: {text}");
    }
    scene.refused("data describe tiny", &["PROPCERT_DATA"]);
}

/// A meta file that asks for what is not there is to blame, whatever the verb.
#[test]
fn a_meta_file_is_read_strictly() {
    let scene = Scene::new();
    scene.write("strict.csv", scene.read("tiny.csv"));
    let meta = scene.read("tiny.meta.json").replace("tiny.csv", "strict.csv");
    scene.write("recipe.toml", "family = \"trees\"\nmonotone = \"declared\"\n");
    for (from, to, facts) in [
        ("\"synthetic\"", "\"classes\":[\"a\"],\"synthetic\"", ["`classes` has 1", "expected 2"]),
        ("increasing", "up", ["`monotone` of `income` is `up`", "`increasing` or `decreasing`"]),
        ("{\"income\"", "{\"incom\"", ["feature `incom`", "did you mean `income`?"]),
        ("{\"income\"", "{\"2\"", ["feature 2", "from 0 to 1"]),
        (
            "\"synthetic\"",
            "\"colour\":0,\n\"synthetic\"",
            ["unknown key `colour`", "line 2, column 68"],
        ),
        ("\"monotone\"", "\"monotonne\"", ["`monotonne`; did you mean `monotone`?", "line 2"]),
    ] {
        let changed = meta.replacen(from, to, 1);
        assert_ne!(changed, meta);
        scene.write("strict.meta.json", changed);
        scene.refused("data describe strict.csv", &facts);
        scene.refused("train --data strict.csv --recipe recipe.toml --out m.json", &facts);
    }
    let folder = scene.path("");
    let run = scene.propcert("data list").env("PROPCERT_DATA", &folder).assert().code(0);
    assert!(String::from_utf8_lossy(&run.get_output().stdout).contains("Refused:\n"));
}

#[test]
fn a_set_is_described() {
    let scene = Scene::new();
    crate::snapshot!("data-describe-tiny", scene.done("data describe tiny.csv"));
    let json = scene.done("data describe tiny.csv --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"], ROWS);
}

#[test]
fn rows_of_a_part_are_points_with_labels() {
    let scene = Scene::new();
    let parts = ["train", "validation", "test", "auxiliary"];
    let texts = parts.map(|part| scene.done(&format!("data rows tiny.csv:{part}")));
    assert!(texts.iter().all(|text| text.starts_with("label,age,income\n")), "{}", texts[0]);
    assert_eq!(texts.iter().map(|text| text.lines().count() - 1).sum::<usize>(), ROWS);
    let [_, _, test, _] = &texts;
    scene.write("test.csv", test);
    let predicted = scene.done("predict --model trees.json --points test.csv");
    assert_eq!(predicted.lines().count(), test.lines().count());
    scene.refused("data rows tiny.csv", &["which part", "tiny.csv:train", "tiny.csv:auxiliary"]);
    scene.refused("data rows tiny.csv:tset", &["unknown part `tset`"]);
}

#[test]
fn a_made_set_depends_on_its_seed_alone() {
    let scene = Scene::new();
    for (seed, out) in [(1, "a/churn.csv"), (1, "b/churn.csv"), (2, "c/churn.csv")] {
        std::fs::create_dir(scene.path(&out[..1])).unwrap();
        scene.done(&format!("data make customer_churn --rows 400 --seed {seed} --out {out}"));
    }
    let [a, b, c] = ["a", "b", "c"].map(|folder| scene.files(folder));
    assert_eq!(a, b);
    assert_ne!(a, c);
    let text = scene.done("data describe a/churn.csv");
    assert!(text.contains("400 SYNTHETIC rows"), "{text}");
}

#[test]
fn an_imported_csv_is_a_data_set() {
    let scene = Scene::new();
    let rows: String = (0..90)
        .map(|row| format!("{},{},{}\n", row % 7, if row % 3 == 0 { "spam" } else { "ham" }, row))
        .collect();
    scene.write("mails.csv", format!("hits,kind,length\n{rows}"));
    let text = scene.done("data import mails.csv --label kind --out canonical.csv");
    assert!(text.contains("ham") && text.contains("spam"), "{text}");
    assert!(scene.has("canonical.csv") && scene.has("canonical.meta.json"));
    assert!(scene.done("data describe canonical.csv").contains("90 rows"));
}

/// The first columns of 40 rows, with a third value that is distinct.
fn rows(row: impl Fn(usize) -> String) -> String {
    (0..40).map(row).collect()
}

#[test]
fn csv_files_as_people_have_them_are_read() {
    let scene = Scene::new();
    let plain = rows(|k| format!("{k}.5,{},{}\n", k % 3, k % 2));
    scene.write("plain.csv", format!("a,b,spam\n{plain}"));
    scene.done("data import plain.csv --label spam --out out.csv");
    let (csv, meta) = (scene.read("out.csv"), scene.read("out.meta.json"));
    let index: String =
        plain.lines().enumerate().map(|(k, line)| format!("{k},{line}\n")).collect();
    let tabs = plain.replace(',', "\t");
    for (text, said) in [
        (format!("\u{feff}a,b,spam\n{plain}"), ""),
        (
            format!(",a,b,spam\n{index}"),
            "note: column 1 has no name (a data frame's index): left out",
        ),
        (format!("a\tb\tspam\n{tabs}"), "note: columns are separated by tabs"),
        (
            format!("a;b;spam\r\n{}", plain.replace(',', ";")),
            "note: columns are separated by semicolons",
        ),
    ] {
        scene.write("found.csv", &text);
        let told = scene.done("data import found.csv --label spam --out out.csv");
        assert!(told.contains(said), "{told}");
        assert_eq!(
            (scene.read("out.csv"), scene.read("out.meta.json")),
            (csv.clone(), meta.clone())
        );
    }
    let truths = rows(|k| format!("{},{k},{}\n", if k % 3 == 0 { "True" } else { "False" }, k % 2));
    scene.write("bools.csv", format!("a,b,spam\n{truths}"));
    let told = scene.done("data import bools.csv --label spam --out bools-out.csv");
    assert!(told.contains("note: True and False of `a` are read as 1 and 0"), "{told}");
    assert!(scene.read("bools-out.csv").starts_with("a,b,spam\n1,0,0\n0,1,1\n"));
    assert!(scene.read("bools-out.meta.json").contains("\"binary\""));
}

#[test]
fn what_is_wrong_with_a_csv_is_said() {
    let scene = Scene::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/found/wild/messages");
    let found = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    // a handful of rows each
    for (name, fact) in [
        ("two-rows.csv", "two-rows.csv: 2 rows are too few"),
        ("bools.csv", "bools.csv: 2 rows are too few"),
    ] {
        scene.write(name, found(name));
        scene.refused(&format!("data import {name} --label spam --out r.csv"), &[fact]);
    }
    for name in ["index.csv", "tabs.csv"] {
        scene.write(name, found(name));
        let told = scene.done(&format!("data import {name} --label spam --out {name}-r.csv"));
        assert!(told.contains("2 features") && told.contains("note: column"), "{told}");
    }
    for (text, fact) in [
        (
            "a,,spam\n1,2,0\n1,3,1\n",
            "bad.csv, line 1, column 2: the column has no name; give it one",
        ),
        (",a,spam\n0,x,0\n1,3,1\n", "bad.csv, line 2, column 2 (`a`): found `x`"),
        (",a,spam\n0,1,\n1,3,1\n", "bad.csv, line 2, column 3 (`spam`): the label is missing"),
        (",a,a,spam\n0,1,1,0\n", "line 1, column 3: found `a`, expected a name of its own"),
        ("a,spam\nTrue,0\n0,1\n", "bad.csv, line 2, column 1 (`a`): found `True`"),
    ] {
        scene.write("bad.csv", text);
        scene.refused("data import bad.csv --label spam --out r.csv", &[fact]);
        assert!(!scene.has("r.csv"), "{text}");
    }
}

#[test]
fn an_import_warns_of_what_will_get_in_the_way() {
    let scene = Scene::new();
    let rows: String = (0..100).map(|row| format!("{},{row}\n", row % 2)).collect();
    scene.write("few.csv", format!("label,a\n{rows}2,777\n"));
    scene.write("one.csv", "label,a\n0,1.5\n1,2.25\n0,3.125\n");
    let run = scene.propcert("data import few.csv --out small.csv").assert().code(0);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(said.contains("warning: label `2` occurs once"), "{said}");
    assert!(said.contains("warning: `a` grows from row to row"), "{said}");
    scene.done("train --data small.csv --family mlp --out m.json");
    let run = scene.propcert("data import one.csv --out tiny-set.csv").assert().code(0);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(said.contains("warning: part auxiliary has no rows"), "{said}");
    let meta = scene.read("small.meta.json").replace("\"auxiliary\": 5", "\"auxiliary\": 50");
    scene.write("small.meta.json", meta);
    let facts = ["`auxiliary` is 50", "none is left to test on"];
    scene.refused("demo --data small.csv --small --out d", &facts);
    assert!(!scene.has("d"));
}

#[test]
fn bad_calls_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    scene.write("ragged.csv", "label,a\n0,1\n1\n");
    scene.write("one.csv", "label,a\n0,1\n0,2\n");
    scene.write("text.csv", "label,a\n0,1\n1,red\n");
    scene.write("empty.csv", "");
    let before = scene.files("");
    scene.refused("data describe nowhere", &["`nowhere`", "PROPCERT_DATA"]);
    scene.refused("data describe spambase:train", &["part `train` cannot be named here"]);
    scene.refused("data import empty.csv --out r.csv", &["empty.csv, line 1: the file is empty"]);
    scene.refused("data describe tiny.csv/none", &["tiny.csv/none"]);
    scene.refused("data make cube --rows 500 --out cube.csv", &["cube"]);
    scene.refused("data make customer_churn --rows 0 --out cube.csv", &["0"]);
    scene.refused("data make customer_churn --rows 18446744073709551615 --out cube.csv", &[]);
    scene.refused("data make customer_churn --rows -1 --out cube.csv", &[]);
    scene.refused("data make customer_churn --rows 500 --out no/such/cube.csv", &[]);
    scene.refused("data import ragged.csv --out r.csv", &["ragged.csv", "line 3"]);
    scene.refused("data import text.csv --out r.csv", &["text.csv", "line 3", "`red`"]);
    scene.refused("data import one.csv --out r.csv", &["class"]);
    scene.refused("data import tiny.csv --out tiny.csv", &["tiny.csv"]);
    scene.refused("data import missing.csv --out r.csv", &["missing.csv"]);
    let message = scene.refused("data import tiny.csv --label spam --out r.csv", &[]);
    assert_eq!(scene.files(""), before);
    crate::snapshot!("data-import-refusal", message);
}
