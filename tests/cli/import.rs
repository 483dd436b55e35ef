//! `import`: foreign models become native ones that `predict` and `check` read.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use propcert::model::Model;

use crate::scene::Scene;

#[allow(dead_code, reason = "written for the unit tests beside the reader")]
#[path = "../../src/import/xgboost/fixture.rs"]
pub(crate) mod xgboost;

#[test]
fn a_booster_is_imported_and_predicts() {
    let scene = Scene::new();
    scene.write("booster.json", xgboost::small().to_string());
    let text = scene.done("import xgboost booster.json --out native.json");
    assert_eq!(
        text,
        "1 tree with 3 leaves over 2 features, base margin 0\nnote: no ranges and scales are declared: \
         distances are in raw units, and inputs have no bounds; --schema DATA gives both\n"
    );
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
fn every_class_has_its_own_bits() {
    let scene = Scene::new();
    let booster = xgboost::three_classes("[0E0,1E0,-5E-1]", &[2, 0], &[0.25, 1.5]);
    scene.write("booster.ubj", xgboost::ubjson(&booster));
    let text = scene.done("import xgboost booster.ubj --out native.json");
    let expected = "2 trees with 2 leaves over 2 features, 3 classes, base margins 0 1 -0.5\n";
    assert!(text.starts_with(expected), "{text}");
    scene.write("points.csv", "x0,x1\n0,0\n");
    let predict = |words: &str| {
        scene.done(&format!("predict --model native.json --points points.csv {words}"))
    };
    assert_eq!(predict(""), "label,margin\n0,0.5\n");
    let bits = "label,bits0,bits1,bits2\n0,3fc00000,3f800000,be800000\n";
    assert_eq!(predict("--margin-bits"), bits);
    let line: Value = serde_json::from_str(&predict("--margin-bits --json")).unwrap();
    assert_eq!((&line["label"], &line["bits2"]), (&0.into(), &"be800000".into()));
    scene.write("missing.csv", "x0,x1\n0,NaN\n");
    scene.refused("predict --model native.json --points missing.csv", &["line 2", "NaN"]);
}

/// A regression: claims about its score are decided and checked, whatever needs a class is refused.
#[test]
fn a_plain_score_has_properties_but_no_labels() {
    let scene = Scene::new();
    let booster = xgboost::edited("/learner/objective/name", "reg:squarederror".into());
    scene.write("booster.json", booster.to_string());
    let text = scene.done("import xgboost booster.json --schema tiny.csv --out score.json");
    assert_eq!(
        text,
        "1 tree with 3 leaves over 2 features, a plain score, base score 0.5\nnote: 1 of 2 \
         thresholds lie outside the declared ranges: was the model trained on scaled features? The ranges \
         and scales of --schema are those of raw ones\n"
    );
    scene.write("points.csv", "age,income\n0,0\n0.5,-2\n0.5,-3\n");
    let predict = "predict --model score.json --points points.csv";
    assert_eq!(scene.done(predict), "score\n1.5\n1.25\n0.25\n");
    let bits = scene.done(&format!("{predict} --margin-bits"));
    assert_eq!(bits, "score\n3fc00000\n3fa00000\n3e800000\n");
    assert_eq!(scene.done(&format!("{predict} --json")).lines().next(), Some("{\"score\":1.5}"));
    scene.refused(&format!("{predict} --posterior"), &["plain score", "posterior"]);
    scene.done("predict --model score.json --points tiny.csv");

    // 1.5 where age is 0, 1.25 elsewhere in the domain
    let stability = "property = 'stability'\nfeatures = ['age', 'income']\nbound = ";
    let near =
        "property = 'small-neighborhood'\nunits = 'raw'\non = 'score'\nepsilon = '1'\nconstant = ";
    let monotone = "property = 'monotonicity'\nfeatures = ['age', 'income']\ndirection = ";
    let claims = [
        (format!("{stability}'0.25'"), "proved 2 refuted 0"),
        (format!("{stability}'0.2499'"), "proved 1 refuted 1"),
        (format!("{near}'0.25'"), "proved 1 refuted 0"),
        (format!("{near}'0.2499'"), "proved 0 refuted 1"),
        (format!("{monotone}'decreasing'"), "proved 2 refuted 0"),
        (format!("{monotone}'increasing'"), "proved 1 refuted 1"),
        (format!("{monotone}'decreasing'\nscope = 'local'\nepsilon = '1'"), "proved 6 refuted 0"),
    ];
    for (claim, expected) in claims {
        scene.write("claim.toml", &claim);
        let data = if claim.contains("local") { " --data tiny.csv" } else { "" };
        let subject = format!("--model score.json --spec claim.toml{data}");
        let rows = if data.is_empty() { "" } else { "--rows 3" };
        let certified = scene.done(&format!("certify {subject} {rows} --out claim.jsonl"));
        assert!(certified.contains(expected), "{claim}: {certified}");
        // no attack is made on claims about two points of an ensemble
        assert_eq!(certified.contains("sampled"), claim.contains("monotonicity"), "{certified}");
        let checked = scene.done(&format!("check claim.jsonl {subject} --exact --witnesses"));
        assert!(checked.contains(expected), "{claim}: {checked}");
        let is_refuted = !expected.ends_with("refuted 0");
        assert_eq!(checked.contains("\n  point 1    score "), is_refuted, "{claim}: {checked}");
    }
    let subject = "--model score.json --data tiny.csv";
    scene.write("thief.toml", "attack = 'random'");
    for call in [
        "steal --target score.json --attack thief.toml --data tiny.csv --out f",
        "defend --model score.json --data tiny.csv --defense pp --out f",
    ] {
        scene.refused(call, &["score.json", "plain score", "classifier"]);
    }
    scene.refused(&format!("certify {subject} --spec local.toml --out f"), &["plain score"]);
    scene.refused(
        "radius --model score.json --points points.csv --norm l2 --out f",
        &["score.json", "plain score"],
    );
    scene.done("export xgboost score.json --out back.json");
    scene.done("import xgboost back.json --schema tiny.csv --out again.json");
    assert_eq!(scene.read("again.json"), scene.read("score.json"));
    assert!(!scene.has("f"));
}

/// Every published rule ensemble against the exact worst drop of its score along each feature.
#[test]
fn published_rules_are_as_monotone_as_stated() {
    let folder = std::env::var_os("PROPCERT_DATA").filter(|folder| !folder.is_empty());
    let folder = folder.map(|folder| Path::new(&folder).join("logic_ensemble_models"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        let why = "SKIPPED: PROPCERT_DATA names no folder with `logic_ensemble_models`";
        let _ = writeln!(std::io::stderr(), "{why}; no published rules are certified");
        return;
    };
    let scene = Scene::new();
    let claims: Value =
        serde_json::from_slice(&std::fs::read(folder.join("claims.json")).unwrap()).unwrap();
    let features: Vec<String> = (0..7).map(|feature| feature.to_string()).collect();
    let spec = "property = \"monotonicity\"\ndirection = \"increasing\"\nfeatures = ";
    scene.write("all.toml", format!("{spec}{features:?}\n"));
    let mut models = 0;
    for (name, claim) in claims.as_object().unwrap() {
        let Some(drops) = claim["exact"]["worst_monotone_drop_per_feature"].as_array() else {
            continue;
        };
        std::fs::copy(folder.join(format!("{name}.json")), scene.path("rules.json")).unwrap();
        scene.done("import rule-ensemble rules.json --out native.json");
        let subject = "--model native.json --spec all.toml";
        let text = scene.done(&format!("certify {subject} --out native.jsonl"));
        let refuted = drops.iter().filter(|drop| drop.as_f64().unwrap() > 0.0).count();
        let expected = format!("proved {} refuted {refuted} undecided 0 of 7", 7 - refuted);
        assert!(text.contains(&expected), "{name}: {text}");
        let checked = scene.done(&format!("check native.jsonl {subject} --exact"));
        assert!(checked.contains(&expected), "{name}: {checked}");
        models += 1;
    }
    assert_eq!(models, 5);
}

#[test]
fn thresholds_move_between_training_values() {
    let scene = Scene::new();
    let place = "/learner/gradient_booster/model/trees/0/split_conditions/0";
    scene.write("booster.json", xgboost::edited(place, 3.0.into()).to_string());
    let call = "import xgboost booster.json --schema tiny.csv";
    let text = scene.done(&format!("{call} --recentre tiny.csv --out centred.json"));
    assert!(text.ends_with("\n1 thresholds moved to the middle between training values, 1 kept\n"));
    assert!(scene.read("centred.json").contains("\"threshold\":[2.5,"), "between ages 2 and 3");
    let json = scene.done(&format!("{call} --recentre tiny.csv --json --out again.json"));
    let figures: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(figures["recentred"], serde_json::json!({ "moved": 1, "kept": 1 }));
    scene.refused("import xgboost booster.json --recentre tiny.csv --out f", &["`age`", "`f0`"]);
    scene.refused(&format!("{call} --recentre tiny.csv:train --out f"), &["tiny.csv"]);
    scene.done("export onnx mlp.json --out mlp.onnx");
    scene.refused("import onnx mlp.onnx --recentre tiny.csv --out f", &["network", "ensemble"]);
    assert!(!scene.has("f"));
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
fn what_cannot_be_reproduced_is_refused_and_nothing_is_written() {
    let scene = Scene::new();
    let ranking = xgboost::edited("/learner/objective/name", "rank:ndcg".into());
    scene.write("booster.json", ranking.to_string());
    scene.refused(
        "import xgboost booster.json --out native.json",
        &["rank:ndcg", "reg:squarederror", "binary:logistic"],
    );
    for format in ["lightgbm", "sklearn", "rule-ensemble", "onnx"] {
        scene.refused(
            &format!("import {format} booster.json --out native.json"),
            &["booster.json: ", "expected"],
        );
    }
    assert!(!scene.has("native.json"));
}

#[test]
fn a_network_is_imported_and_described() {
    let scene = Scene::new();
    scene.done("export onnx mlp.json --out mlp.onnx");
    let text = scene.done("import onnx mlp.onnx --out back.json");
    assert!(text.starts_with("mlp with 2 features and layers of "), "{text}");
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

/// Graphs in other words answer as ONNX Runtime does: its float32 outputs at points of its own.
#[test]
fn graphs_as_they_are_found_are_imported() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/found/wild/onnx-valid-refused");
    let scene = Scene::new();
    let mut compared = 0;
    let expected = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    for line in expected.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [file, kind, x @ .., outputs] = cells.as_slice() else { panic!("{line}") };
        if !scene.has(&format!("{file}.json")) {
            std::fs::copy(folder.join(file), scene.path(file)).unwrap();
            scene.done(&format!("import onnx {file} --out {file}.json"));
        }
        let model = Model::read(scene.read(&format!("{file}.json")).as_bytes()).unwrap();
        let x: Vec<f64> = x.iter().map(|x| x.parse().unwrap()).collect();
        let found = if *kind == "posterior" { model.posterior(&x) } else { model.scores(&x) };
        let outputs: Vec<f64> = outputs.split(' ').map(|y| y.parse().unwrap()).collect();
        assert_eq!(found.len(), outputs.len(), "{line}");
        for (a, b) in found.iter().zip(&outputs) {
            assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{line}: {found:?}");
        }
        compared += 1;
    }
    assert_eq!(compared, 88);
}

#[test]
fn one_output_is_a_plain_score_or_a_logit() {
    let scene = Scene::new();
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/found/wild");
    std::fs::copy(found.join("one-output-network/one.onnx"), scene.path("one.onnx")).unwrap();
    let packed = found.join("packed-benchmarks/gz_n.onnx.gz");
    std::fs::copy(packed, scene.path("n.onnx.gz")).unwrap();
    let text = scene.done("import onnx n.onnx.gz --out n.json");
    assert!(text.starts_with("mlp with 2 features and layers of "), "{text}");
    let run = scene.propcert("import onnx one.onnx --out score.json").assert().code(0);
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(text.ends_with("-1 neurons, a plain score\n"), "{text}");
    let hint = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(hint.contains("plain score") && hint.contains("give --classes 2"), "{hint}");
    let run = scene.propcert("import onnx one.onnx --classes 2 --out logit.json").assert().code(0);
    assert!(run.get_output().stderr.is_empty());
    scene.write("points.csv", "x0,x1\n1,0.5\n-1,-1\n0,1\n");
    // relu(x0 + x1) − relu(x0 − x1) + ¼
    let predict = |model: &str| scene.done(&format!("predict --model {model} --points points.csv"));
    assert_eq!(predict("score.json"), "score\n1.25\n0.25\n1.25\n");
    assert_eq!(predict("logit.json"), "label,margin\n1,1.25\n1,0.25\n1,1.25\n");
    scene.refused("predict --model score.json --points points.csv --posterior", &["plain score"]);

    let region = |rhs: &str| {
        format!(
            "property = 'output-region'\nunits = 'raw'\nunsafe = [[{{y = ['-1'], rhs = '{rhs}'}}]]\n[[input]]\nbox = [['-1', '1'], ['-1', '1']]\n"
        )
    };
    for (rhs, expected) in [("-2.5", "proved 1 refuted 0"), ("-2", "proved 0 refuted 1")] {
        scene.write("region.toml", region(rhs));
        let subject = "--model score.json --spec region.toml";
        assert!(
            scene.done(&format!("certify {subject} --out c.jsonl")).contains(expected),
            "{rhs}"
        );
        for arithmetic in ["", " --exact"] {
            let checked = scene.done(&format!("check c.jsonl {subject}{arithmetic}"));
            assert!(checked.contains(expected), "{rhs}: {checked}");
        }
    }
    // of the score these are refused, of the logit decided
    let domain = "[domain]\nx0 = ['-1', '1']\nx1 = ['-1', '1']\n";
    for claim in [
        "property = 'monotonicity'\nfeatures = ['x1']\ndirection = 'increasing'",
        "property = 'small-neighborhood'\non = 'score'\nepsilon = '0.1'\nconstant = '4'",
    ] {
        scene.write("claim.toml", format!("{claim}\n{domain}"));
        scene.refused(
            "certify --model score.json --spec claim.toml --out f",
            &["plain score", "--classes 2"],
        );
        let text = scene.done("certify --model logit.json --spec claim.toml --out c.jsonl");
        assert!(text.contains("proved 1 refuted 0"), "{claim}: {text}");
        scene.done("check c.jsonl --model logit.json --spec claim.toml --exact");
    }
    for call in [
        "radius --model score.json --points points.csv --norm linf --out f",
        "steal --target score.json --attack thief.toml --data tiny.csv --out f",
        "defend --model score.json --data tiny.csv --defense pp --out f",
    ] {
        scene.write("thief.toml", "attack = 'random'");
        scene.refused(call, &["score.json"]);
    }
    let bounds = "bounds --model score.json --points points.csv --eps 0.1 --method ibp";
    scene.refused(bounds, &["two classes", "has 1"]);
    scene.done("export onnx score.json --out back.onnx");
    scene.done("import onnx back.onnx --out again.json");
    assert_eq!(scene.read("again.json"), scene.read("score.json"));
    scene.refused("import onnx one.onnx --classes 3 --out f", &["--classes 3", "expected 1"]);
    scene.write("booster.json", xgboost::small().to_string());
    scene.refused("import xgboost booster.json --classes 2 --out f", &["--classes", "onnx"]);
    assert!(!scene.has("f"));
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
    assert!(scene.files("") == before);
}
