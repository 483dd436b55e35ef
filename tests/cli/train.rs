//! `train` and `predict`.

use crate::scene::{SMALL_MLP, SMALL_TREES, Scene};

#[test]
fn training_twice_gives_the_same_bytes() {
    let scene = Scene::new();
    for (family, recipe) in [("mlp", SMALL_MLP), ("trees", SMALL_TREES)] {
        scene.write("recipe.toml", recipe);
        for (threads, seed, out) in [(1, 3, "a.json"), (2, 3, "b.json")] {
            scene.done(&format!(
                "train --threads {threads} --data tiny.csv --recipe recipe.toml --seed {seed} --out {out}"
            ));
        }
        assert_eq!(scene.read("a.json"), scene.read("b.json"), "{family}");
    }
    scene.write("recipe.toml", SMALL_MLP);
    scene.done("train --data tiny.csv --recipe recipe.toml --seed 4 --out c.json");
    scene.done("train --data tiny.csv --recipe recipe.toml --seed 3 --out d.json");
    assert_ne!(scene.read("c.json"), scene.read("d.json"), "seeds matter");
}

#[test]
fn without_family_and_recipe_a_network_is_trained() {
    let scene = Scene::new();
    let text = scene.done("train --data tiny.csv --out default.json");
    assert!(text.starts_with("mlp with 2 features"), "{text}");
    scene.done("train --data tiny.csv --family mlp --out named.json");
    assert_eq!(scene.read("default.json"), scene.read("named.json"));
}

#[test]
fn accuracies_of_all_parts_are_printed() {
    let scene = Scene::new();
    scene.write("recipe.toml", SMALL_TREES);
    let text = scene.done("train --data spambase --recipe recipe.toml --out trees-3.json");
    for part in ["train", "validation", "test", "auxiliary"] {
        assert!(text.contains(&format!("{part}: ")), "{text}");
    }
    let json = "train --data tiny.csv --recipe recipe.toml --out m.json --json";
    let json: serde_json::Value = serde_json::from_str(&scene.done(json)).unwrap();
    assert_eq!(json["accuracy"]["test"]["rows"], 40);
    assert!(json["accuracy"]["test"]["correct"].as_u64().unwrap() > 25, "better than guessing");
}

#[test]
fn resume_keeps_a_finished_model_and_refuses_a_broken_one() {
    let scene = Scene::new();
    let whole = scene.done("train --data tiny.csv --seed 3 --out m.json");
    let before = scene.read("m.json");
    let written = std::fs::metadata(scene.path("m.json")).unwrap().modified().unwrap();
    let call = "train --data tiny.csv --family mlp --seed 3 --resume --out m.json";
    assert_eq!(scene.done(call), whole);
    let kept = std::fs::metadata(scene.path("m.json")).unwrap().modified().unwrap();
    assert_eq!((scene.read("m.json"), kept), (before.clone(), written));
    scene.write("m.json", before.replace("\"lower\"", "\"upper\""));
    scene.refused(call, &["m.json: was trained with another model"]);
    scene.write("m.json", &before[..before.len() / 2]);
    scene.refused(call, &["m.json"]);
    // of a model from elsewhere nothing is known
    scene.refused(
        "train --data tiny.csv --resume --out mlp.json",
        &["mlp.json.training is not there"],
    );
}

#[test]
fn a_model_of_other_inputs_is_not_kept() {
    let scene = Scene::new();
    scene.write("recipe.toml", SMALL_MLP);
    scene.write("other.toml", SMALL_MLP.replace("epochs = 3", "epochs = 4"));
    scene.done("data make customer_churn --rows 400 --out churn.csv");
    let call = "train --data tiny.csv --recipe recipe.toml --out m.json";
    scene.done(call);
    let before = scene.files("");
    for (other, what) in [
        (call.replace("--recipe recipe.toml", "--family trees"), "family or recipe"),
        (call.replace("recipe.toml", "other.toml"), "family or recipe"),
        (call.replace("tiny.csv", "churn.csv"), "data"),
        (format!("{call} --seed 1"), "seed"),
    ] {
        let fact = format!("m.json: was trained with another {what}; leave out --resume");
        scene.refused(&format!("{other} --resume"), &[&fact]);
        assert_eq!(scene.files(""), before, "{other}");
    }
}

#[test]
fn declared_directions_that_are_not_there_are_missed() {
    let scene = Scene::new();
    scene.write("recipe.toml", "family = \"trees\"\nmonotone = \"declared\"\n");
    let call = "train --data tiny.csv --recipe recipe.toml --out m.json";
    scene.done(call);
    let meta = scene.read("tiny.meta.json");
    scene.write("tiny.meta.json", meta.replace("{\"income\":\"increasing\"}", "{}"));
    scene.refused(&call.replace("m.json", "n.json"), &["recipe.toml", "declares no directions"]);
    scene.write("recipe.toml", "family = \"trees\"\n[monotone]\n");
    scene.refused(&call.replace("m.json", "n.json"), &["recipe.toml", "monotone"]);
    assert!(!scene.has("n.json"));
}

#[test]
fn bad_recipes_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    let recipes = [
        ("family = \"forest\"\n", "`forest`"),
        ("family = \"mlp\"\nsize = 3\n", "size"),
        ("family = \"mlp\"\n[training]\ntrainer = \"pdg\"\n", "`pdg`"),
        ("family = \"mlp\"\n[training]\ntrainer = \"pgd\"\n", "[[property]]"),
        ("family = \"mlp\"\n[training]\ntrees = 3\n", "`trees`"),
        ("family = \"mlp\"\n[training]\nlearning-rate = nan\n", ""),
        ("family = \"mlp\"\n[training]\nhidden = [0]\n", ""),
        ("family = \"mlp\"\n[training]\nepochs = 9223372036854775807\n", "1 to 1,000,000"),
        ("family = \"trees\"\n[training]\ndepth = 4000000000\n", ""),
        ("family = \"trees\"\n[training]\ntrees = 1000000000000\n", ""),
        ("family = \"trees\"\n[training]\nbins = 0\n", ""),
        ("family = \"trees\"\n[training]\neta = -1.0\n", ""),
        ("family = \"trees\"\nmonotone = \"all\"\n", "all"),
        ("family = \"trees\"\n[monotone]\nheight = \"increasing\"\n", "height"),
    ];
    for (recipe, fact) in recipes {
        scene.write("recipe.toml", recipe);
        let message =
            scene.refused("train --data tiny.csv --recipe recipe.toml --out m.json", &[fact]);
        assert!(!scene.has("m.json"), "{recipe}: {message}");
    }
    scene.refused("train --data tiny.csv --family mlp --recipe recipe.toml --out m.json", &[]);
    let part = "train --data tiny.csv:test --family trees --out m.json";
    scene.refused(part, &["part `test` cannot be named here", "write tiny.csv"]);
    let part = "train --data tiny.csv:foo --family trees --out m.json";
    scene.refused(part, &["unknown part `foo`", "auxiliary"]);
    scene.refused("train --data nowhere --family mlp --out m.json", &["nowhere"]);
    scene.refused("train --data tiny.csv --family trees --out no/such/m.json", &["no/such"]);
    scene.write("recipe.toml", "family = \"forest\"\n");
    let message = scene.refused("train --data tiny.csv --recipe recipe.toml --out m.json", &[]);
    crate::snapshot!("train-refusal", message);
}

#[test]
fn a_network_over_the_limits_is_refused() {
    let scene = Scene::new();
    scene.write("recipe.toml", "family = \"mlp\"\n[training]\nhidden = [9000000000000]\n");
    scene.refused("train --data tiny.csv --recipe recipe.toml --out m.json", &["hidden"]);
}

#[test]
fn predictions_are_labels_and_margins() {
    let scene = Scene::new();
    scene.write("points.csv", "row,label,age,income\n7,1,2,3\n8,0,2,1\n");
    let text = scene.done("predict --model mlp.json --points points.csv");
    assert_eq!(text, "label,margin\n1,2\n0,-2\n");
    scene.write("positions.csv", "x0,x1\n2,3\n");
    let bits = scene.done("predict --model mlp.json --points positions.csv --margin-bits");
    assert_eq!(bits, "label,margin\n1,40000000\n");
    let text = scene.done("predict --model trees.json --points positions.csv --posterior --json");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["label"], &json["margin"]), (&1.into(), &1.5.into()));
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let scene = Scene::new();
    scene.write("points.csv", "\u{feff}income,label,age,idx\n3,1,2,a\n");
    let call = "--model mlp.json --points points.csv";
    assert_eq!(scene.done(&format!("predict {call}")), "label,margin\n1,2\n");
    let bounds = scene.done(&format!("bounds {call} --eps 0 --method ibp"));
    assert!(bounds.contains("\na,1.99999") && bounds.contains(",2.00000"), "{bounds}");
    // by position only where the model has no such names, and not without a word
    scene.write("points.csv", "x1,x0\n3,2\n");
    let run = scene.propcert(&format!("predict {call}")).assert().code(0);
    assert_eq!(run.get_output().stdout, b"label,margin\n1,2\n");
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("by position, for the model's `age`, `income`"), "{told}");
    let named = scene.read("trees.json").replace("\"age\"", "\"x1\"").replace("income", "x0");
    scene.write("permuted.json", named);
    scene.write("points.csv", "x0,x1\n0,4\n");
    let told = scene.done("predict --model permuted.json --points points.csv");
    assert_eq!(told, "label,margin\n0,-1.5\n", "x0 is the second feature");
}

#[test]
fn a_published_booster_with_permuted_names_is_asked_by_name() {
    let scene = Scene::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/found/wild/x-names-permuted");
    for name in ["booster.json", "points.csv", "points_model_order.csv"] {
        scene.write(name, std::fs::read(format!("{folder}/{name}")).unwrap());
    }
    scene.done("import xgboost booster.json --out m.json");
    for points in ["points.csv", "points_model_order.csv"] {
        let told = scene.done(&format!("predict --model m.json --points {points}"));
        assert_eq!(told, "label,margin\n1,1.2034110724925995\n");
    }
}

#[test]
fn bad_points_are_refused_with_line_and_column() {
    let scene = Scene::new();
    let points = [
        ("age,income\n1,nan\n", "points.csv, line 2, column 2 (`income`)"),
        ("age,income\n1,\n", "line 2, column 2 (`income`): found ``, expected a number: the cell"),
        ("age,income\n1,1e39\n", "found `1e39`, expected a number that fits a 32-bit float"),
        ("age,income\n1,1e300\n", "a number that fits a 32-bit float"),
        ("age,income\n1,1e999\n", "line 2, column 2 (`income`)"),
        ("age,income\n1,2\n1,2,3\n", "line 3: the row has 3 cells, the header 2"),
        ("age,income\n1,\u{0}\n", "line 2, column 2 (`income`)"),
        ("age\n1\n", "found 1 feature columns, the model has 2; missing `income`"),
        ("x0,income\n1,2\n", "column 2: found `income`, expected a feature of the model: `x0`"),
        ("age,income,age\n1,2,1\n", "column 3: `age` is there twice"),
        (",age,income\n0,1,2\n", "column 1: the column has no name"),
        ("age\tincome\n1\t2\n", "expected columns with commas between them"),
        ("age,income,height\n1,2,3\n", "column 3: found `height`"),
        (
            "ages,weight,height\n1,2,3\n",
            "found `ages`, expected a feature of the model: `age`, `income`; nor are `weight`, `height` features; missing \
             `age`, `income`; is `ages` meant as `age`?",
        ),
        ("label,age,income\n2,1,2\n", "column 1 (`label`): found `2`, expected a class"),
        ("", "points.csv: the file is empty"),
    ];
    for (text, fact) in points {
        scene.write("points.csv", text);
        for verb in ["predict", "bounds --eps 0.1 --method ibp"] {
            scene.refused(&format!("{verb} --model mlp.json --points points.csv"), &[fact]);
        }
    }
    scene.write("points.csv", "age,income\n1,2\n1,3e38\n");
    for options in ["", " --margin-bits"] {
        let call = format!("predict --model mlp.json --points points.csv{options}");
        scene.refused(&call, &["points.csv, line 3: the", "overflows"]);
    }
    scene.write("points.csv", "age,income\n1,nan\n");
    let message = scene.refused("predict --model mlp.json --points points.csv", &[]);
    crate::snapshot!("predict-refusal", message);
}

/// Keeps its label within half a unit of z.
const NEAR: &str =
    "property = \"local-invariance\"\nepsilon = \"0.2\"\ndelta = \"0.5\"\nsemantics = \"real\"\n";

#[test]
fn a_model_that_holds_stands_beside_the_natural_one() {
    let scene = Scene::new();
    scene.write("near.toml", NEAR);
    for family in ["trees", "mlp"] {
        let call = format!(
            "train --data tiny.csv --family {family} --hold near.toml --rows 20 --json --out {family}-held.json"
        );
        let json: serde_json::Value = serde_json::from_str(&scene.done(&call)).unwrap();
        for side in ["before", "after"] {
            for figures in [&json[side], &json["test"][side]] {
                assert!(figures["accuracy"].as_f64().unwrap() > 0.5, "{json}");
                assert!(figures["log_loss"].as_f64().unwrap().is_finite());
                let spec = &figures["specs"][0];
                assert_eq!(spec["spec"], "near.toml");
                let decided =
                    ["proved", "refuted", "undecided"].map(|key| spec[key].as_u64().unwrap());
                assert_eq!(decided.iter().sum::<u64>(), spec["n"].as_u64().unwrap());
            }
        }
        // networks come in two forms
        let tried = if family == "trees" { 2 } else { 3 };
        assert_eq!(json["tried"].as_array().unwrap().len(), tried);
        assert_ne!(json["tried"][0]["figures"], json["tried"][1]["figures"], "{json}");
        scene.done(&format!(
            "certify --model {family}-held.json --spec near.toml --data tiny.csv:validation --rows 20 --out c.jsonl"
        ));
    }
    let text = scene.done("train --data tiny.csv --hold near.toml --rows 20 --out again.json");
    assert!(text.contains("natural") && text.contains("near.toml"), "{text}");
    assert_eq!(
        scene.read("again.json"),
        scene.read("trees-held.json"),
        "trees are the usual family"
    );
}

#[test]
fn claims_about_two_points_are_met_by_moving_leaf_values() {
    let scene = Scene::new();
    scene.write("stable.toml", "property = 'stability'\nfeatures = ['income']\nbound = '1.5'\n");
    scene.write(
        "up.toml",
        "property = 'monotonicity'\nfeatures = ['income']\ndirection = 'increasing'\n",
    );
    let call = "train --data tiny.csv --hold stable.toml --hold up.toml --json --out held.json";
    let json: serde_json::Value = serde_json::from_str(&scene.done(call)).unwrap();
    // natural, leaf values moved, score made smaller
    assert_eq!(json["tried"].as_array().unwrap().len(), 3, "{json}");
    for at in 0..2 {
        let [before, after] = ["before", "after"].map(|side| &json[side]["specs"][at]);
        assert_eq!((&after["proved"], &after["n"]), (&before["n"], &before["n"]), "{json}");
    }
}

/// Pairs of points, pairs of rows, a whole domain and a direction; ensembles are trained for none of the first two.
#[test]
fn networks_hold_claims_about_two_points() {
    let scene = Scene::new();
    scene.write("pairs.toml", "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '0.2'\n");
    scene.write("rows.toml", "property = 'lipschitzness-t'\nconstant = '0.2'\n");
    scene.write("slow.toml", "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '6'\n");
    scene.write(
        "up.toml",
        "property = 'monotonicity'\nfeatures = ['income']\ndirection = 'increasing'\n",
    );
    let held = |specs: &str| -> serde_json::Value {
        let call =
            format!("train --data tiny.csv {specs} --rows 20 --json --out held.json --force");
        serde_json::from_str(&scene.done(&call)).unwrap()
    };
    let share = |json: &serde_json::Value, side: &str, at: usize| {
        let [proved, n] = ["proved", "n"].map(|key| json[side]["specs"][at][key].as_f64().unwrap());
        proved / n
    };
    let alone = ["--hold pairs.toml", "--hold rows.toml", "--family mlp --hold slow.toml"];
    for specs in alone {
        let json = held(specs);
        let [before, after] = ["before", "after"].map(|side| share(&json, side, 0));
        assert!(after > before, "{specs}: {json}");
    }
    let json = held("--family mlp --hold slow.toml --hold up.toml");
    assert!(json["tried"][1]["training"].as_str().unwrap().contains("dl2"), "{json}");
    assert_eq!(share(&json, "after", 1), 1.0, "{json}");
}

#[test]
fn what_cannot_be_held_is_refused_and_leaves_nothing() {
    let scene = Scene::new();
    scene.write("near.toml", NEAR);
    scene.write("pairs.toml", "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '1'\n");
    scene.write(
        "outputs.toml",
        "property = 'output-region'\nunits = 'raw'\nunsafe = [[{ y = ['1', '-1'], rhs = '-1' }]]\n[[input]]\nbox = [['0', '4'], ['0', '4']]\n",
    );
    scene.write(
        "no.toml",
        "property = 'monotonicity'\nfeatures = ['wealth']\ndirection = 'increasing'\n",
    );
    scene.write("stable.toml", "property = 'stability'\nfeatures = ['income']\nbound = '1'\n");
    scene.write("r.toml", "family = 'trees'\n[[property]]\nspec = 'stable.toml'\n");
    for (rest, parts) in [
        ("--family trees --hold pairs.toml", &["lipschitzness", "ensembles"][..]),
        ("--family mlp --hold stable.toml", &["stability", "network"]),
        ("--hold outputs.toml", &["output-region"]),
        ("--hold no.toml", &["wealth"]),
        ("--hold missing.toml", &["missing.toml"]),
        ("--hold near.toml --price 2", &["--price 2", "0 to 1"]),
        ("--price 0.1", &["--hold"]),
        ("--hold near.toml --recipe r.toml", &["--recipe"]),
        ("--recipe r.toml", &["r.toml", "stability", "--hold"]),
    ] {
        scene.refused(&format!("train --data tiny.csv {rest} --out m.json"), parts);
        assert!(!scene.path("m.json").exists(), "{rest}");
    }
}

#[test]
fn a_recipe_names_specs_beside_it() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("recipes")).unwrap();
    scene.write("near.toml", NEAR);
    for (family, more) in [("trees", "trees = 5"), ("mlp", "epochs = 4\nhidden = [5]")] {
        let recipe =
            |property: &str| format!("family = '{family}'\n{property}[training]\n{more}\n");
        scene.write("recipes/held.toml", recipe("[[property]]\nspec = '../near.toml'\n"));
        scene.write("recipes/natural.toml", recipe(""));
        for kind in ["held", "natural"] {
            scene.done(&format!(
                "train --data tiny.csv --recipe recipes/{kind}.toml --out {family}-{kind}.json"
            ));
        }
        let [held, natural] =
            ["held", "natural"].map(|kind| scene.read(&format!("{family}-{kind}.json")));
        assert_ne!(held, natural, "{family}");
    }
    scene.write("recipes/held.toml", "family = 'trees'\n[[property]]\nspec = 'near.toml'\n");
    let call = "train --data tiny.csv --recipe recipes/held.toml --out m.json";
    scene.refused(call, &["recipes/near.toml"]);
}

/// Labels in boxes and a claim about two points, long enough to be interrupted.
const LONG: &str = "family = 'mlp'\n[[property]]\nspec = 'near.toml'\n[[property]]\nspec = 'steep.toml'\nweight = 2.0\n\
    [training]\nhidden = [12]\nepochs = 200\ntrainer = 'mtl-ibp'\nweight = 0.3\n\
    counterexamples = { every = 40, rows = 4, nodes = 2 }\n";

const STEEP: &str = "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '0.2'\n";

/// Runs until the state of the training is there, and no further.
fn interrupt(scene: &Scene, words: &str) {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_propcert"))
        .current_dir(scene.path(""))
        .args(words.split_whitespace())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() && !scene.path("m.json.partial").exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    // a run that has ended by now is as good: its model is kept
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn an_interrupted_training_goes_on_to_the_same_bytes() {
    let scene = Scene::new();
    scene.write("near.toml", NEAR);
    scene.write("steep.toml", STEEP);
    scene.write("long.toml", LONG);
    let call = "train --data tiny.csv --recipe long.toml --seed 3";
    scene.done(&format!("{call} --out whole.json"));
    assert!(!scene.path("whole.json.partial").exists());
    interrupt(&scene, &format!("{call} --out m.json"));
    scene.done(&format!("{call} --resume --out m.json"));
    assert_eq!(scene.read("m.json"), scene.read("whole.json"));
    assert!(!scene.path("m.json.partial").exists());
}

#[test]
fn a_state_of_another_training_is_refused() {
    let scene = Scene::new();
    scene.write("near.toml", NEAR);
    scene.write("steep.toml", STEEP);
    scene.write("long.toml", LONG);
    scene.write("other.toml", LONG.replace("weight = 2.0", "weight = 3.0"));
    let call = "train --data tiny.csv --recipe long.toml --out m.json";
    interrupt(&scene, call);
    if !scene.path("m.json.partial").exists() {
        return; // the machine was too fast: there is no state
    }
    let state = scene.read("m.json.partial");
    for (other, what) in [
        (call.replace("long.toml", "other.toml"), "recipe"),
        (call.replace("tiny.csv", "spambase"), "data"),
        (format!("{call} --seed 1"), "seed"),
    ] {
        let fact = format!("another {what}");
        let fact = fact.replace("another recipe", "another family or recipe");
        scene.refused(&format!("{other} --resume"), &["m.json.partial", &fact]);
        assert_eq!(scene.read("m.json.partial"), state);
    }
    scene.write("m.json.partial", &state[..state.len() / 2]);
    scene.refused(&format!("{call} --resume"), &["unfinished training"]);
    scene.write("m.json.partial", "{}");
    scene.refused(&format!("{call} --resume"), &["no state of an interrupted training"]);
    assert!(!scene.path("m.json").exists());
}

#[test]
fn settings_of_properties_are_refused_where_they_say_nothing() {
    let scene = Scene::new();
    scene.write("near.toml", NEAR);
    scene.write("steep.toml", STEEP);
    let near = "[[property]]\nspec = 'near.toml'\n";
    let steep = "[[property]]\nspec = 'steep.toml'\n";
    for (recipe, parts) in [
        (format!("family = 'trees'\n{near}weight = 1.0\n"), ["`weight`", "trees"]),
        (format!("family = 'mlp'\n{near}bounds = 1.0\n"), ["`bounds`", "near.toml"]),
        (format!("family = 'mlp'\n{steep}loss = 'relax'\n"), ["`loss`", "steep.toml"]),
        (format!("family = 'mlp'\n{near}weight = 1.0\n"), ["`weight`", "dl2"]),
        (format!("family = 'mlp'\n{steep}[training]\ntrainer = 'ibp'\n"), ["`trainer`", "labels"]),
        (format!("family = 'mlp'\n{steep}price = 1.0\n"), ["price", "unknown"]),
        (format!("family = 'mlp'\n{steep}weight = -1.0\n"), ["weight", "-1"]),
        (
            format!(
                "family = 'mlp'\n{steep}[training]\ncounterexamples = {{ every = 0, rows = 5, nodes = 5 }}\n"
            ),
            ["counterexamples.every", "at least 1"],
        ),
        ("family = 'mlp'\n[monotone]\nheight = 'increasing'\n".to_owned(), ["height", "monotone"]),
    ] {
        scene.write("r.toml", &recipe);
        scene.refused("train --data tiny.csv --recipe r.toml --out m.json", &parts);
        assert!(!scene.path("m.json").exists(), "{recipe}");
    }
}

#[test]
fn a_network_is_monotone_by_construction_and_proved_at_the_root() {
    let scene = Scene::new();
    scene.write("r.toml", "family = 'mlp'\nmonotone = 'declared'\n[training]\nepochs = 20\n");
    scene.done("train --data tiny.csv --recipe r.toml --out m.json");
    let certified = scene.done(
        "certify --model m.json --spec monotone.toml --data tiny.csv --budget-nodes 1 --out c.jsonl",
    );
    assert!(
        certified.trim_end().ends_with("proved 1 refuted 0 undecided 0 of 1 (vacuous 0)"),
        "{certified}"
    );
    assert!(!scene.read("c.jsonl").contains("split"));
    scene.done(
        "check c.jsonl --model m.json --spec monotone.toml --data tiny.csv --exact --all-proved",
    );
}
