//! `import` of files that were found elsewhere: what their own tools serve, row by row, or a refusal by name.

use serde_json::{Value, json};

use crate::import::xgboost;
use crate::scene::Scene;

/// Exit code, standard output, standard error.
fn run(scene: &Scene, words: &str) -> (Option<i32>, String, String) {
    let output = scene.propcert(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// XGBoost 3.4.1 writes dart as gbtree, its weights in the model; so does it with a dart of 3.2 that it loaded.
#[test]
fn weights_of_dropped_trees_are_read_where_newer_files_keep_them() {
    let scene = Scene::new();
    scene.find("xgb34-dart");
    for (file, points, expected) in [
        ("booster.json", "points.csv", "expected.csv"),
        ("booster.ubj", "points.csv", "expected.csv"),
        ("old-dart-resaved.json", "old-points.csv", "old-expected.csv"),
    ] {
        let text = scene.done(&format!(
            "import xgboost {file} --verify {points} --expect {expected} --out m.json"
        ));
        assert!(text.ends_with("30 of 30 rows agree with what is expected\n"), "{file}: {text}");
        // what `predict` prints is taken as it is
        let printed =
            scene.done(&format!("predict --model m.json --points {points} --margin-bits"));
        scene.write("printed.csv", printed);
        scene.done(&format!(
            "import xgboost {file} --verify {points} --expect printed.csv --out m.json"
        ));
    }
    scene.done("import xgboost booster-label.json --out m.json");
    let predicted = scene.done("predict --model m.json --points points-label.csv");
    assert_eq!(predicted.lines().nth(1).unwrap().split(',').next(), Some("0"), "{predicted}");
}

/// The wrapper of scikit-learn predicts with the rounds up to the best one.
#[test]
fn the_rounds_up_to_the_best_one_are_taken_and_told() {
    let scene = Scene::new();
    scene.find("xgb-best-iteration");
    let call =
        "import xgboost booster.json --verify points.csv --expect expected_xgbclassifier.csv";
    for rounds in ["", "--rounds best", "--rounds 2"] {
        let (code, text, told) = run(&scene, &format!("{call} {rounds} --out m.json"));
        assert_eq!(code, Some(0), "{rounds}: {text}{told}");
        assert!(text.contains("2 trees with") && text.contains("40 of 40 rows"), "{text}");
        assert!(told.contains("the first 2 of 7 rounds are taken: "), "{told}");
        assert!(told.contains("best_iteration 1"), "{told}");
    }
    let (code, text, told) = run(&scene, &format!("{call} --rounds all --out all.json"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("of 40 rows agree") && text.contains("\n  row 0: margin is "), "{text}");
    assert!(told.contains("the first 7 of 7 rounds are taken: as asked"), "{told}");
    assert!(!scene.has("all.json"), "a model that differs is not written");
    for (rounds, fact) in [("0", "--rounds"), ("8", "--rounds"), ("some", "`best` or `all`")] {
        scene.refused(&format!("import xgboost booster.json --rounds {rounds} --out f"), &[fact]);
    }
    let file: Value = serde_json::from_str(&scene.read("booster.json")).unwrap();
    let with = |best: Value| {
        let mut file = file.clone();
        file["learner"]["attributes"]["best_iteration"] = best;
        scene.write("odd.json", file.to_string());
    };
    for (best, fact) in [("7", "best_iteration"), ("-1", "a whole number"), ("one", "`one`")] {
        with(json!(best));
        scene.refused("import xgboost odd.json --out f", &[fact]);
    }
    // the last round is the best: nothing is left out, nothing is said
    with(json!("6"));
    let (code, _, told) = run(&scene, "import xgboost odd.json --out m.json");
    assert!(code == Some(0) && !told.contains("rounds"), "{told}");
}

#[test]
fn rounds_of_classes_have_a_tree_for_each_and_each_parallel_one() {
    let scene = Scene::new();
    let mut booster = xgboost::three_classes("5E-1", &[0, 0, 1, 1, 2, 2].repeat(2), &[0.5; 12]);
    let model = &mut booster["learner"]["gradient_booster"]["model"];
    model.as_object_mut().unwrap().remove("iteration_indptr");
    model["gbtree_model_param"]["num_parallel_tree"] = json!("2");
    scene.write("booster.json", booster.to_string());
    let text = scene.done("import xgboost booster.json --rounds 1 --out m.json");
    assert!(text.starts_with("6 trees with"), "{text}");
    // before 1.6 the file does not say how many trees a round has
    let model = &mut booster["learner"]["gradient_booster"]["model"];
    model["gbtree_model_param"].as_object_mut().unwrap().remove("num_parallel_tree");
    scene.write("booster.json", booster.to_string());
    scene.refused("import xgboost booster.json --rounds 1 --out f", &["num_parallel_tree", "all"]);
    let text = scene.done("import xgboost booster.json --out m.json");
    assert!(text.starts_with("12 trees with"), "{text}");
    // unless early stopping says how many the best ones have
    let attributes = json!({ "best_iteration": "0", "best_ntree_limit": "2" });
    booster["learner"]["attributes"] = attributes;
    scene.write("booster.json", booster.to_string());
    let text = scene.done("import xgboost booster.json --out m.json");
    assert!(text.starts_with("6 trees with"), "{text}");
}

/// XGBoost serves the probability itself as the margin.
#[test]
fn a_booster_without_trees_has_the_margin_that_is_served() {
    let scene = Scene::new();
    scene.find("xgb-no-trees");
    scene.done("import xgboost booster.json --out m.json");
    let bits = scene.done("predict --model m.json --points points.csv --margin-bits");
    assert_eq!(bits, "label,margin\n1,3f000000\n");
    let old = scene.read("booster.json").replace("[5E-1]", "5E-1");
    scene.write("old.json", old);
    scene.refused("import xgboost old.json --out f", &["without trees", "version"]);
    // and what is exported without trees is served as it is here
    let bare = scene.read("trees.json");
    let bare = format!("{}[]}}", &bare[..bare.find("\"trees\":").unwrap() + "\"trees\":".len()]);
    scene.write("bare.json", bare);
    scene.done("export xgboost bare.json --out back.json");
    let text = scene.done("import xgboost back.json --out again.json");
    assert!(text.starts_with("1 tree with 1 leaf"), "{text}");
}

#[test]
fn keys_that_nobody_knows_are_refused_by_name() {
    let scene = Scene::new();
    for place in [
        "/new_key",
        "/learner/new_key",
        "/learner/learner_model_param/new_key",
        "/learner/objective/new_key",
        "/learner/objective/reg_loss_param/new_key",
        "/learner/gradient_booster/new_key",
        "/learner/gradient_booster/model/new_key",
        "/learner/gradient_booster/model/cats/new_key",
        "/learner/gradient_booster/model/gbtree_model_param/new_key",
        "/learner/gradient_booster/model/trees/0/new_key",
        "/learner/gradient_booster/model/trees/0/tree_param/new_key",
    ] {
        let file = xgboost::edited(place, json!([0.5]));
        scene.write("booster.json", file.to_string());
        scene.write("booster.ubj", xgboost::ubjson(&file));
        for file in ["booster.json", "booster.ubj"] {
            scene.refused(&format!("import xgboost {file} --out f"), &["`new_key`", "predictions"]);
        }
    }
    // anybody writes attributes
    let file = xgboost::edited("/learner/attributes/new_key", json!("anything"));
    scene.write("booster.json", file.to_string());
    scene.done("import xgboost booster.json --out m.json");
    scene.find("lgb-monotone-plateau");
    let text = scene.read("booster.txt");
    for line in ["\nnum_class=1\n", "\nis_linear=0\n"] {
        scene.write("odd.txt", text.replacen(line, &format!("{line}new_key=1\n"), 1));
        scene.refused("import lightgbm odd.txt --out f", &["`new_key`", "predictions"]);
    }
    scene.find("sklearn-forest-missing");
    scene.write("odd.json", scene.read("dump.json").replacen('{', "{\"new_key\":1,", 1));
    scene.refused("import sklearn odd.json --out f", &["`new_key`"]);
}

#[test]
fn trees_stand_where_their_numbers_say() {
    let scene = Scene::new();
    let place = "/learner/gradient_booster/model/trees/0/id";
    scene.write("booster.json", xgboost::edited(place, json!(1)).to_string());
    scene.refused("import xgboost booster.json --out f", &["id of tree 0", "in order"]);
}

/// A split of missing values from all others has an infinite threshold.
#[test]
fn forests_trained_with_missing_values_are_read() {
    let scene = Scene::new();
    scene.find("sklearn-forest-missing");
    let text = scene
        .done("import sklearn dump.json --verify points.csv --expect expected.csv --out m.json");
    assert!(text.contains(" rows agree with what is expected"), "{text}");
    scene.refused("import sklearn dump.json --rounds 1 --out f", &["--rounds", "no rounds"]);
}

#[test]
fn a_pickle_is_refused_by_name() {
    let scene = Scene::new();
    scene.find("messages");
    for format in ["xgboost", "lightgbm", "sklearn", "rule-ensemble", "onnx"] {
        scene.refused(
            &format!("import {format} booster.pkl --out f"),
            &["booster.pkl", "a pickle", "save_model", "import --help"],
        );
    }
}

#[test]
fn directions_of_missing_values_are_told() {
    let scene = Scene::new();
    // both go left: 0 < 0.5, but not 0 < −2
    scene.write("booster.json", xgboost::small().to_string());
    let (_, _, told) = run(&scene, "import xgboost booster.json --out m.json");
    assert!(told.contains("1 of 2 splits send a missing value to the other side than 0"), "{told}");
    let place = "/learner/gradient_booster/model/trees/0/default_left/2";
    scene.write("booster.json", xgboost::edited(place, json!(0)).to_string());
    let (_, _, told) = run(&scene, "import xgboost booster.json --out m.json");
    assert!(!told.contains("missing"), "{told}");
}

#[test]
fn expectations_are_compared_exactly() {
    let scene = Scene::new();
    scene.write("booster.json", xgboost::small().to_string());
    scene.write("points.csv", "f0,f1\n0,0\n0.5,-2\n0.5,-3\n");
    let verify = |expect: &str| {
        scene.write("expect.csv", expect);
        run(
            &scene,
            "import xgboost booster.json --verify points.csv --expect expect.csv --out m.json",
        )
    };
    for expect in [
        "label\n1\n1\n0\n",
        "margin\n1\n0.75\n-0.25\n",
        "margin\n3f800000\n3F400000\nbe800000\n",
        "margin,label\n1,1\n7.5e-1,1\n-0.250000001,0\n",
    ] {
        assert_eq!(verify(expect).0, Some(0), "{expect}");
    }
    let (code, text, _) = verify("margin,label\n1,1\n0.7500001,1\n-0.25,1\n");
    assert_eq!(code, Some(1));
    let differ = "1 of 3 rows agree with what is expected\n  row 1: margin is 0.75, expected 0.7500001\n  \
                  row 2: label is 0, expected 1\n";
    assert_eq!(text, differ);
    for (expect, fact) in [
        ("label\n1\n1\n", "2 rows"),
        ("label\n", "0 rows"),
        ("p1\n0.5\n0.5\n0.5\n", "`p1`"),
        ("label,label\n1,1\n1,1\n1,1\n", "`label`"),
        ("margin_0\n1\n1\n1\n", "`margin_0`"),
        ("label\n2\n1\n0\n", "line 2"),
        ("margin\n1\nx\n0\n", "line 3"),
        ("margin\n1\nnan\n0\n", "line 3"),
    ] {
        let (code, text, told) = verify(expect);
        assert_eq!(code, Some(2), "{expect}: {text}");
        assert!(told.contains("expect.csv") && told.contains(fact), "{expect}: {told}");
    }
    scene.refused("import xgboost booster.json --verify points.csv --out f", &["--expect"]);
    // a sum for every class
    scene.write("booster.json", xgboost::three_classes("5E-1", &[2, 0], &[0.25, 1.5]).to_string());
    assert_eq!(
        verify("margin_0,margin_1,margin_2,label\n2,0.5,0.75,0\n2,0.5,0.75,0\n2,0.5,0.75,0\n").0,
        Some(0)
    );
    assert_eq!(verify("margin\n1\n1\n1\n").0, Some(2));
}
