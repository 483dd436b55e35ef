//! `certify`: the same bytes for any number of threads, interrupted or not; whole or not at all.

use crate::scene::{SMALL_MLP, Scene};

/// A network on real data whose rows need every rung of the search.
fn spambase_scene() -> Scene {
    let scene = Scene::new();
    scene.write("recipe.toml", SMALL_MLP);
    scene.done("train --data spambase --recipe recipe.toml --out net.json");
    scene
}

const CALL: &str =
    "certify --model net.json --spec local.toml --data spambase --rows 16 --budget-nodes 20";

/// Data that has training rows only: the part that specs are about by default is empty.
#[test]
fn a_part_without_rows_is_refused_with_those_that_have_some() {
    let scene = Scene::new();
    let meta = scene.read("tiny.meta.json").replace("\"all\"", "\"train\"");
    std::fs::copy(scene.path("tiny.csv"), scene.path("only.csv")).unwrap();
    scene.write("only.meta.json", meta.replace("tiny.csv", "only.csv"));
    let call = "certify --model trees.json --spec local.toml --out c.jsonl --data only.csv";
    scene.refused(
        call,
        &["the test part of tiny has no rows", "--data NAME:train or NAME:validation"],
    );
    assert!(!scene.has("c.jsonl"));
    scene.done(&format!("{call}:train --rows 3"));
}

#[test]
fn threads_do_not_change_a_byte() {
    let scene = spambase_scene();
    let one = scene.done(&format!("{CALL} --threads 1 --out one.jsonl"));
    let two = scene.done(&format!("{CALL} --threads 2 --out two.jsonl"));
    assert_eq!(one, two);
    assert_eq!(scene.read("one.jsonl"), scene.read("two.jsonl"));
}

#[test]
fn an_interrupted_run_continues_to_the_same_bytes() {
    let scene = spambase_scene();
    let stated = scene.done(&format!("{CALL} --out whole.jsonl"));
    let whole = scene.read("whole.jsonl");
    let ends: Vec<usize> = whole.match_indices('\n').map(|(end, _)| end + 1).collect();
    assert_eq!(ends.len(), 18, "header, 16 rows, totals");
    let cuts = [
        ("nothing", 0),
        ("within the header", 100),
        ("the header", ends[0]),
        ("some lines", ends[7]),
        ("within a line", ends[7] + 9),
        ("a line without its end", ends[8] - 1),
        ("everything but the totals", ends[16]),
        ("within the totals", ends[16] + 5),
        ("everything", ends[17]),
    ];
    for (case, cut) in cuts {
        scene.write("c.jsonl.partial", &whole[..cut]);
        let again = scene.done(&format!("{CALL} --resume --out c.jsonl"));
        assert_eq!(again, stated, "{case}");
        assert_eq!(scene.read("c.jsonl"), whole, "{case}");
        assert!(!scene.has("c.jsonl.partial"), "{case}");
    }
}

/// Ten of a dozen rows are proved, the others refuted: by the attack, whoever writes their lines.
#[test]
fn what_is_sampled_is_of_all_rows_interrupted_or_not() {
    let scene = Scene::new();
    let stated = scene.certify_local();
    assert!(stated.contains("sampled: ") && stated.contains(" of 12) survive"), "{stated}");
    let call = "certify --model mlp.json --spec local.toml --data tiny.csv --rows 12 --resume --out c.jsonl";
    let whole = scene.read("local.jsonl");
    for (end, _) in whole.match_indices('\n') {
        scene.write("c.jsonl.partial", &whole[..=end]);
        assert_eq!(scene.done(call), stated);
        assert_eq!(scene.read("c.jsonl"), whole);
    }
}

/// The same numbers in other units are another claim.
#[test]
fn the_unit_of_distances_is_named() {
    let scene = Scene::new();
    let text = scene.certify_local();
    assert!(text.starts_with("unit of distances: standard deviations\n"), "{text}");
    scene.write("raw.toml", format!("{}units = \"raw\"\n", crate::scene::LOCAL));
    let call = "certify --model mlp.json --spec raw.toml --data tiny.csv --rows 12 --out raw.jsonl";
    assert!(scene.done(call).starts_with("unit of distances: raw units\n"));
    let json: serde_json::Value =
        serde_json::from_str(&scene.done(&format!("{call} --json"))).unwrap();
    assert_eq!(json["unit"], "raw units");
    // without scales standardised is raw
    let bare = scene.read("trees.json").replace("\"mean\":2.0,\"scale\":0.5", "\"scale\":1.0");
    scene.write("bare.json", bare.replace(",\"mean\":2.0,\"scale\":1.0", ""));
    let call =
        "certify --model bare.json --spec local.toml --data tiny.csv --rows 2 --out bare.jsonl";
    assert!(scene.done(call).starts_with("unit of distances: raw units\n"));
    // what measures no distance has no unit
    assert!(!scene.certify_monotone().contains("unit"));
}

#[test]
fn another_seed_does_not_go_on() {
    let scene = spambase_scene();
    let call = CALL.replace("--rows 16", "--rows 400") + " --seed 3 --out c.jsonl";
    crate::scene::killed(&scene, &call, |scene| {
        scene.has("c.jsonl.partial") && scene.read("c.jsonl.partial").lines().count() > 64
    });
    for (seed, found) in [("4", "found 3, now 4"), ("0", "found 3, now nothing")] {
        let other = call.replace("--seed 3", &format!("--seed {seed}"));
        scene.refused(&format!("{other} --resume"), &["c.jsonl.partial", found]);
    }
    let resumed = scene.done(&format!("{call} --resume"));
    assert!(!scene.has("c.jsonl.partial"));
    assert_eq!(resumed, scene.done(&call.replace("c.jsonl", "whole.jsonl")));
    assert_eq!(scene.read("c.jsonl"), scene.read("whole.jsonl"));
}

#[test]
fn a_damaged_line_is_decided_again() {
    let scene = Scene::new();
    scene.certify_local();
    let whole = scene.read("local.jsonl");
    // the second row's rule is made to claim what is not so, or is no rule at all
    for line in ["{\"at\":5,\"rule\":\"interval\"}", "{\"at\":5,\"rule\":\"magic\"}", "\0\0"] {
        let damaged = |old: &str| if old.starts_with("{\"at\":5,") { line } else { old }.to_owned();
        let partial: String = whole.lines().take(9).map(|old| damaged(old) + "\n").collect();
        scene.write("c.jsonl.partial", partial);
        scene.done("certify --model mlp.json --spec local.toml --data tiny.csv --rows 12 --resume --out c.jsonl");
        assert_eq!(scene.read("c.jsonl"), whole, "{line}");
    }
}

#[test]
fn a_partial_of_another_run_is_refused_and_kept() {
    let scene = Scene::new();
    scene.certify_local();
    let partial = &scene.read("local.jsonl")[..600];
    let calls = [
        ("certify --model mlp.json --spec local.toml --data tiny.csv --rows 13", "`rows`"),
        (
            "certify --model mlp.json --spec local.toml --data tiny.csv --rows 12 --budget-nodes 7",
            "`budget.nodes`",
        ),
        ("certify --model mlp.json --spec predicted.toml --data tiny.csv --rows 12", "`spec`"),
        ("certify --model mlp.json --spec local.toml --data tiny.csv:train --rows 12", "`part`"),
        ("certify --model trees.json --spec local.toml --data tiny.csv --rows 12", "`model`"),
    ];
    for (call, key) in calls {
        scene.write("c.jsonl.partial", partial);
        let call = format!("{call} --resume --out c.jsonl");
        let message =
            scene.refused(&call, &["c.jsonl.partial", "an interrupted run with another", key]);
        assert!(!scene.has("c.jsonl"), "{message}");
        assert_eq!(scene.read("c.jsonl.partial"), partial);
        // and nothing is lost by the way
        scene.refused(&call.replace("--resume", ""), &["c.jsonl.partial", "--resume"]);
        assert_eq!(scene.read("c.jsonl.partial"), partial);
    }
}

#[test]
fn the_exit_code_is_0_whatever_the_verdicts() {
    let scene = Scene::new();
    scene.write("wide.toml", crate::scene::LOCAL.replace("0.25", "9"));
    let text = scene
        .done("certify --model mlp.json --spec wide.toml --data tiny.csv --rows 3 --out c.jsonl");
    let last = "proved 0 refuted 3 undecided 0 of 3 (vacuous 0)\n";
    assert!(
        text.ends_with(last) && text.contains("CA = 0%") && text.contains("sampled: 0%"),
        "{text}"
    );
    let json = scene.done(
        "certify --model mlp.json --spec wide.toml --data tiny.csv --rows 3 --json --out c.jsonl",
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["totals"]["refuted"], 3);
    let ends = &json["constraint-accuracy"];
    assert_eq!((ends["upper"].as_f64(), ends["refuted"].as_u64()), (Some(0.0), Some(3)));
    assert_eq!(ends["text"], "CA = 0%");
}

#[test]
fn bad_calls_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    let specs = [
        ("unknown property", "property = \"beauty\"\n", "beauty"),
        (
            "not built",
            "property = \"stability\"\nfeatures = [\"age\"]\nbound = \"1\"\n",
            "stability",
        ),
        (
            "unknown key",
            "property = \"label\"\nepsilon = \"0.1\"\nnorm = \"linf\"\nmore = 1\n",
            "more",
        ),
        ("key twice", "property = \"label\"\nepsilon = \"0.1\"\nepsilon = \"0.1\"\n", "epsilon"),
        ("a float for a bound", "property = \"label\"\nepsilon = 0.1\n", "epsilon"),
        ("negative", "property = \"label\"\nepsilon = \"-0.1\"\n", "-0.1"),
        ("no number", "property = \"label\"\nepsilon = \"nan\"\n", "nan"),
        ("huge exponent", "property = \"label\"\nepsilon = \"1e999999999\"\n", ""),
        ("unknown norm", "property = \"label\"\nepsilon = \"0.1\"\nnorm = \"l7\"\n", "l7"),
        (
            "delta too small",
            "property = \"local-invariance\"\nepsilon = \"0.1\"\ndelta = \"1e-40\"\n",
            "delta",
        ),
        (
            "unknown feature",
            "property = \"monotonicity\"\nfeatures = [\"height\"]\ndirection = \"increasing\"\n",
            "height",
        ),
        (
            "a range twice",
            "property = \"label\"\nepsilon = \"0.1\"\n[domain]\nage = [\"0\", \"1\"]\n0 = [\"0\", \"2\"]\n",
            "twice",
        ),
        (
            "feature twice",
            "property = \"monotonicity\"\nfeatures = [\"age\", \"age\"]\ndirection = \"increasing\"\n",
            "age",
        ),
    ];
    let before = scene.files("");
    for (case, text, fact) in specs {
        scene.write("spec.toml", text);
        let call = "certify --model mlp.json --spec spec.toml --data tiny.csv --out c.jsonl";
        let message = scene.refused(call, &[fact]);
        assert!(!message.contains("panicked"), "{case}");
        std::fs::remove_file(scene.path("spec.toml")).unwrap();
        assert_eq!(scene.files(""), before, "{case}");
    }
    let call = "certify --model mlp.json --spec local.toml";
    scene.refused(&format!("{call} --out c.jsonl"), &["--data"]);
    scene.refused(&format!("{call} --data tiny.csv --rows 41 --out c.jsonl"), &["41", "40"]);
    let facts = ["--rows 0: expected at least 1"];
    scene.refused(&format!("{call} --data tiny.csv --rows 0 --out c.jsonl"), &facts);
    scene.refused(&format!("{call} --data spambase --out c.jsonl"), &["feature"]);
    scene.refused(&format!("{call} --data tiny.csv --out no/such/c.jsonl"), &["no/such"]);
    for threads in ["0", "1025", "1000000000000"] {
        let call = format!("{call} --data tiny.csv --threads {threads} --out c.jsonl");
        scene.refused(&call, &["--threads", threads, "1 to 1024"]);
    }
    assert_eq!(scene.files(""), before);
    let message = scene.refused(&format!("{call} --data tiny.csv --rows 41 --out c.jsonl"), &[]);
    crate::snapshot!("certify-refusal", message);
}

/// A claim about features needs no rows, yet an attack looks at those that are given.
#[test]
fn data_of_another_model_are_refused_whatever_the_claim() {
    let scene = Scene::new();
    scene.certify_monotone();
    let before = scene.files("");
    let subject = "--model trees.json --spec monotone.toml --data spambase";
    let facts = ["missing `age`, `income`; not in the model `capital", "and 52 more"];
    scene.refused(&format!("certify {subject} --out c.jsonl"), &facts);
    scene.refused(&format!("check monotone.jsonl {subject}"), &facts);
    assert_eq!(scene.files(""), before);
    let own = subject.replace("spambase", "tiny.csv");
    scene.done(&format!("certify {own} --out c.jsonl"));
    scene.done(&format!("check c.jsonl {own}"));
}

/// Columns are found by name: in another order in the file, and in the meta data as well.
#[test]
fn columns_may_stand_in_any_order() {
    let scene = Scene::new();
    let swapped = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{},{}\n", cells[2], cells[0], cells[1])
    };
    scene.write("swapped.csv", scene.read("tiny.csv").lines().map(swapped).collect::<String>());
    let meta = scene.read("tiny.meta.json").replace("tiny.csv", "swapped.csv");
    let turned = meta.replace("[\"age\",\"income\"]", "[\"income\",\"age\"]");
    let turned = turned.replace("[\"integer\",\"real\"]", "[\"real\",\"integer\"]");
    assert_ne!(meta, turned);
    let subject = "--model mlp.json --spec local.toml --data swapped.csv";
    let mut outcomes = Vec::new();
    for meta in [meta.clone(), turned] {
        scene.write("swapped.meta.json", meta);
        outcomes.push(scene.done(&format!("certify {subject} --out c.jsonl")));
        scene.done(&format!("check c.jsonl {subject}"));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert!(outcomes[0].contains("proved"), "{outcomes:?}");
    for (from, to) in [("age", "size"), ("income", "age")] {
        let rename = |text: String| text.replace(from, to);
        scene.write("other.csv", rename(scene.read("tiny.csv")));
        let meta = rename(scene.read("tiny.meta.json")).replace("tiny.csv", "other.csv");
        scene.write("other.meta.json", meta);
        let call = "certify --model mlp.json --spec local.toml --data other.csv --out o.jsonl";
        let facts = match to {
            "size" => ["missing `age`", "not in the model `size`"],
            _ => ["other.csv, line 1, column 3", "found `age`, expected `each name once`"],
        };
        scene.refused(call, &facts);
    }
}

#[cfg(unix)]
#[test]
fn a_link_at_the_place_of_the_certificate_is_not_followed() {
    let scene = Scene::new();
    scene.write("precious", "mine");
    std::os::unix::fs::symlink(scene.path("precious"), scene.path("c.jsonl.partial")).unwrap();
    let call = "certify --model mlp.json --spec local.toml --data tiny.csv --out c.jsonl";
    scene.refused(call, &["c.jsonl.partial", "no plain file"]);
    scene.refused(&format!("{call} --resume"), &["c.jsonl.partial", "no plain file"]);
    assert_eq!(scene.read("precious"), "mine");
    std::fs::create_dir(scene.path("folder")).unwrap();
    let call = call.replace("c.jsonl", "folder");
    scene.refused(&call, &["folder", "is a folder"]);
}

/// A whole feature whose declared range holds no float, or none at all: nothing to walk along.
#[test]
fn a_range_without_floats_is_no_reason_to_panic() {
    let scene = Scene::new();
    for (low, high) in
        [("9007199254740993", "9007199254740993"), ("1e400", "2e400"), ("-1e400", "2e400")]
    {
        let rising =
            "property = \"monotonicity\"\nfeatures = [\"age\"]\ndirection = \"increasing\"\n";
        scene.write("far.toml", format!("{rising}[domain]\nage = [\"{low}\", \"{high}\"]\n"));
        for model in ["mlp.json", "trees.json"] {
            let subject = format!("--model {model} --spec far.toml");
            scene.done(&format!("certify {subject} --budget-nodes 20 --out far.jsonl"));
            scene.done(&format!("check far.jsonl {subject}"));
        }
    }
}

/// Scores of the ensemble are −1.5, 0.5 and 1.5, and σ(1.5) is 0.82.
#[test]
fn what_a_claim_about_two_points_is_to_be_compared_with_is_told() {
    let scene = Scene::new();
    let call = "certify --model trees.json --spec two.toml --out two.jsonl";
    let told = |spec: &str| {
        scene.write("two.toml", spec);
        let json: serde_json::Value =
            serde_json::from_str(&scene.done(&format!("{call} --json"))).unwrap();
        (scene.done(call), json)
    };
    let (text, json) = told("property = 'stability'\nfeatures = ['age']\nbound = '0'\n");
    assert!(text.contains("age: the score changes by at most 0, and by 0 somewhere\n"));
    assert!(text.contains("in all, the score goes over 3 on the domain\n"), "{text}");
    assert_eq!((&json["score-span"]["most"], &json["premise-met"]), (&3.0.into(), &().into()));
    for (confidence, said, is_met) in [
        ("0.8", "some point of the domain has that confidence\n", true),
        ("0.9", "no point of the domain has that confidence: the claim holds emptily\n", false),
    ] {
        for change in ["high-confidence'\nfeatures = ['age']", "redundancy'\ngroups = [['age']]"] {
            let (text, json) = told(&format!(
                "property = '{change}\nconfidence = '{confidence}'\ncutoff = '0.5'\n"
            ));
            assert!(text.contains(said) && text.contains("proved 1 refuted 0"), "{text}");
            assert_eq!((&json["premise-met"], &json["score-span"]), (&is_met.into(), &().into()));
        }
    }
}

/// A model `near.json` and a claim `near.toml` whose bound some boxes do not decide.
fn near_the_largest_change() -> Scene {
    let scene = Scene::new();
    let spec =
        "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '73.5'\non = 'score'\n";
    scene.write("near.toml", spec);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/certificates/spambase-trees/model.json");
    scene.write("near.json", std::fs::read_to_string(model).unwrap());
    scene
}

/// Where the budget ends before the largest change is known, what it lies between is told.
#[test]
fn a_budget_that_ends_leaves_an_interval() {
    let scene = near_the_largest_change();
    let told = |budget: u32| -> serde_json::Value {
        let call = format!(
            "certify --model near.json --spec near.toml --budget-nodes {budget} --out near.jsonl"
        );
        serde_json::from_str(&scene.done(&format!("{call} --json"))).unwrap()
    };
    let (few, many) = (told(60), told(20_000));
    let ends = |json: &serde_json::Value| {
        let change = &json["largest-change"][0];
        (change["least"].as_f64().unwrap(), change["most"].as_f64().unwrap())
    };
    let ((low, high), (least, most)) = (ends(&few), ends(&many));
    assert_eq!(many["largest-change"][0]["is-exact"], true);
    assert_eq!(few["largest-change"][0]["is-exact"], false);
    assert!(low <= least && most < high && high - low > 0.1, "{few} {many}");
    assert_eq!((&few["totals"]["undecided"], &many["totals"]["proved"]), (&1.into(), &1.into()));
}

/// Trained with monotone constraints, in float64: most thresholds have leaves of equal value on both sides.
#[test]
fn plateaus_of_monotone_boosters_are_proved() {
    let scene = Scene::new();
    scene.find("lgb-monotone-plateau");
    scene.done("import lightgbm booster.txt --out m.json");
    let subject = "--model m.json --spec spec.toml";
    scene.done(&format!("certify {subject} --out c.jsonl"));
    let checked = scene.done(&format!("check c.jsonl {subject} --exact --all-proved"));
    assert!(checked.contains("proved 1 refuted 0 undecided 0"), "{checked}");
}

/// More nodes are offered where they may help, and only there.
#[test]
fn a_budget_is_named_where_it_ended() {
    let scene = near_the_largest_change();
    let told = |budget: u32| {
        let call = "certify --model near.json --spec near.toml --out near.jsonl";
        let run = scene.propcert(&format!("{call} --budget-nodes {budget}")).output().unwrap();
        String::from_utf8(run.stderr).unwrap()
    };
    assert!(told(60).contains("1 undecided within --budget-nodes 60: more may decide them"));
    assert!(!told(20_000).contains("note"));
}

/// A model whose splits send missing values both ways was trained with some, and no claim is about them.
#[test]
fn missing_values_are_said_to_be_outside() {
    let scene = Scene::new();
    let word = "missing values are outside every claim";
    assert!(!scene.certify_monotone().contains(word));
    let one = r#""leaf":[0.0,-1.0,1.0]"#;
    let model = crate::scene::TREES.replace(
        &format!("\"default-left\":[0,0,0],{one}"),
        &format!("\"default-left\":[1,0,0],{one}"),
    );
    assert_ne!(model, crate::scene::TREES);
    scene.write("missing.json", model);
    let call = "certify --model missing.json --spec monotone.toml --out missing.jsonl";
    assert!(scene.done(call).contains(word));
    let json = scene.done(&format!("{call} --json"));
    assert!(json.contains("\"missing-values-outside\":true"), "{json}");
}

/// All features without a range are named at once, in lines that a spec takes.
#[test]
fn missing_ranges_can_be_pasted() {
    let scene = Scene::new();
    let bare = scene.read("trees.json").replace(",\"low\":\"0\",\"high\":\"4\"", "");
    scene.write("bare.json", bare.replace("\"age\"", "\"Age (days), \\\"x\\\"\""));
    let call = |spec: &str| format!("certify --model bare.json --spec {spec} --out bare.jsonl");
    let message = scene.refused(&call("monotone.toml"), &["2 features have no declared range"]);
    let (_, block) = message.split_once("\n[domain]\n").unwrap();
    assert_eq!(block, "'Age (days), \"x\"' = [\"0\", \"1\"]\n\"income\" = [\"0\", \"1\"]\n");
    scene.write("pasted.toml", format!("{}[domain]\n{block}", scene.read("monotone.toml")));
    scene.done(&call("pasted.toml"));
    let some = format!("{}[domain]\nincome = [\"0\", \"7.5\"]\n", scene.read("monotone.toml"));
    scene.write("some.toml", &some);
    let facts = &["feature `Age (days), \"x\"` has no declared range", "below its line `[domain]`"];
    let message = scene.refused(&call("some.toml"), facts);
    let line = message.lines().last().unwrap();
    scene.write("all.toml", format!("{some}{line}\n"));
    scene.done(&call("all.toml"));
}

/// The verdicts of a certificate, in order.
fn verdicts(scene: &Scene, certificate: &str, more: &str) -> Vec<String> {
    let call = format!(
        "check {certificate} --model mlp.json --spec local.toml --data tiny.csv --json {more}"
    );
    let verdict = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        Some(line.get("verdict")?.as_str()?.to_owned())
    };
    scene.done(&call).lines().filter_map(verdict).collect()
}

#[test]
fn rows_at_equal_steps_get_the_verdicts_that_they_get_among_all() {
    let scene = Scene::new();
    let call = "certify --model mlp.json --spec local.toml --data tiny.csv";
    scene.done(&format!("{call} --out all.jsonl"));
    let all = verdicts(&scene, "all.jsonl", "");
    for step in [1, 2, 3, 7, 39, 1000] {
        scene.done(&format!("{call} --every {step} --out some.jsonl --force"));
        let expected: Vec<String> = all.iter().step_by(step).cloned().collect();
        assert_eq!(verdicts(&scene, "some.jsonl", ""), expected, "{step}");
        assert_eq!(verdicts(&scene, "some.jsonl", "--exact"), expected, "{step}");
        assert_eq!(scene.read("some.jsonl").contains("\"every\""), step > 1);
    }
    scene.done(&format!("{call} --every 3 --rows 5 --out five.jsonl"));
    assert_eq!(
        verdicts(&scene, "five.jsonl", ""),
        all.iter().step_by(3).take(5).cloned().collect::<Vec<_>>()
    );
    let checked = scene.done("check five.jsonl --model mlp.json --spec local.toml --data tiny.csv");
    assert!(checked.contains("part test rows 5 every 3"), "{checked}");
    assert!(checked.contains("5 rows of test, one in 3"), "{checked}");
}

#[test]
fn steps_that_mean_nothing_are_refused() {
    let scene = Scene::new();
    let call = "certify --model mlp.json --spec local.toml --data tiny.csv";
    scene.refused(&format!("{call} --every 0 --out c.jsonl"), &["--every 0: expected 1"]);
    scene.refused(&format!("{call} --every 3 --rows 20 --out c.jsonl"), &["20", "14 rows"]);
    let call =
        "certify --model mlp.json --spec monotone.toml --data tiny.csv --every 2 --out c.jsonl";
    scene.refused(call, &["--every 2: property `monotonicity` is not about rows"]);
    assert!(!scene.has("c.jsonl"));
    let call = "certify --model mlp.json --spec local.toml --data tiny.csv --every 2 --out c.jsonl";
    scene.done(call);
    let text = scene.read("c.jsonl");
    let check = "check bad.jsonl --model mlp.json --spec local.toml --data tiny.csv";
    for (step, fact) in [
        ("0", "`every` is 0; expected 2 or more"),
        ("1", "`every` is 1; expected 2 or more"),
        // twenty rows at a step of 3 are not there
        ("3", "number of rows"),
        ("18446744073709551615", "number of rows"),
        ("-1", "line 1"),
        ("2.5", "line 1"),
    ] {
        scene.write("bad.jsonl", text.replace("\"every\":2", &format!("\"every\":{step}")));
        scene.refused(check, &[fact]);
    }
    scene.write("bad.jsonl", text.replace("\"every\":2,", ""));
    let code = scene.propcert(check).assert().get_output().status.code();
    assert_eq!(code, Some(1));
    scene.done("certify --model mlp.json --spec monotone.toml --out m.jsonl");
    let text = scene.read("m.jsonl").replace("\"semantics\"", "\"every\":2,\"semantics\"");
    scene.write("bad.jsonl", text);
    let check = "check bad.jsonl --model mlp.json --spec monotone.toml";
    scene.refused(check, &["`every` is for claims about rows"]);
}

#[test]
fn a_radius_per_feature_is_a_box() {
    let scene = Scene::new();
    let spec = |epsilon: &str| format!("property = 'label'\nunits = 'raw'\nepsilon = {epsilon}\n");
    let counts = |name: &str, epsilon: &str| {
        scene.write("radii.toml", spec(epsilon));
        for model in ["mlp", "trees"] {
            let call = format!("--model {model}.json --spec radii.toml --data tiny.csv");
            scene.done(&format!("certify {call} --out {name}-{model}.jsonl"));
            scene.done(&format!("check {name}-{model}.jsonl {call} --exact"));
        }
        ["mlp", "trees"].map(|model| {
            let text = scene.read(&format!("{name}-{model}.jsonl"));
            text.lines().last().unwrap().to_owned()
        })
    };
    // the same box, whatever it is called; names and indices name features
    let same = counts("same", "'0.5'");
    assert_eq!(counts("table", "{ age = '0.5', income = '0.5' }"), same);
    assert_eq!(counts("index", "{ 0 = '0.5', 1 = '0.5' }"), same);
    // what is not named does not move
    let still = counts("still", "{ income = '0' }");
    assert_eq!(still, counts("zero", "'0'"));
    assert_ne!(counts("income", "{ income = '1' }"), counts("age", "{ age = '1' }"));
    let call = "certify --model mlp.json --spec radii.toml --data tiny.csv --out bad.jsonl";
    for (epsilon, fact) in [
        ("{ incme = '1' }", "did you mean `income`?"),
        ("{ income = '1', 1 = '2' }", "feature `income` is named twice"),
    ] {
        scene.write("radii.toml", spec(epsilon));
        scene.refused(call, &[fact]);
    }
    scene.write("radii.toml", spec("{ income = '0.5', age = '1' }"));
    let call = "--model mlp.json --spec radii.toml --data tiny.csv";
    scene.done(&format!("certify {call} --out words.jsonl"));
    let words = scene.done(&format!("check words.jsonl {call}"));
    assert!(
        words.contains("label (epsilon [age 1, income 0.5], norm linf; in raw units"),
        "{words}"
    );
}

#[test]
fn one_distinct_row_makes_no_pair() {
    let scene = Scene::new();
    scene.write("pairs.toml", "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '1'\n");
    let call = "certify --model mlp.json --spec pairs.toml --data tiny.csv --rows 1 --out c.jsonl";
    scene.refused(call, &["no obligation about these rows", "give more rows"]);
    assert!(!scene.has("c.jsonl"));
}

#[test]
fn rows_from_the_front_of_a_sorted_file_are_told() {
    let scene = Scene::new();
    let row = |k: usize| format!("{},{}.{:03},{}\n", k % 5, k % 4, k, usize::from(k < 100));
    scene.write(
        "sorted.csv",
        "age,income,label\n".to_owned() + &(0..300).map(row).collect::<String>(),
    );
    scene.write("sorted.meta.json", scene.read("tiny.meta.json").replace("tiny", "sorted"));
    let call =
        "certify --model mlp.json --spec local.toml --data sorted.csv --rows 10 --out c.jsonl";
    let told = |call: &str| {
        let run = scene.propcert(call).assert().code(0);
        String::from_utf8_lossy(&run.get_output().stderr).into_owned()
    };
    let message = told(call);
    assert!(message.contains("of the 10 rows asked for"), "{message}");
    assert!(message.contains("--every 4 takes rows of the whole part"), "{message}");
    let message = told(&call.replace("--rows 10", "--rows 10 --every 4 --force"));
    assert!(!message.contains("asked for"), "{message}");
}

/// `m = 3 − 8·relu(x − 1/16)`: where the neuron is silent all slopes are 0, and yet a shift of 1 turns the label.
#[test]
fn a_flat_place_beside_a_turn_of_the_label_is_refuted() {
    let scene = Scene::new();
    scene.write(
        "flat.json",
        r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,"features":[
            {"name":"x","kind":"real","low":"-2","high":"2","mean":0.0,"scale":1.0}],"layers":[
            {"weights":[[1.0]],"bias":[-0.0625]},{"weights":[[0.0],[-8.0]],"bias":[0.0,3.0]}]}"#,
    );
    // one shift to the right of the negative ones the label is another
    let row = |k: usize| format!("{},{}\n", k % 2, f64::from(k as u32) / 200.0 - 0.5);
    scene.write("flat.csv", "label,x\n".to_owned() + &(0..90).map(row).collect::<String>());
    scene.write(
        "flat.meta.json",
        r#"{"name":"flat","label":"label","features":["x"],"kinds":["real"],"ranges":[["-2","2"]],
            "files":{"all":"flat.csv"},"synthetic":true}"#,
    );
    for radius in ["0", "0.03125"] {
        scene.write(
            "fuzz.toml",
            format!(
                "property = 'boundary-fuzz'\nepsilon = '0.1'\nshift = '1'\nradius = '{radius}'\nunits = 'raw'\n"
            ),
        );
        let call = "certify --model flat.json --spec fuzz.toml --data flat.csv:train --out flat.jsonl --force";
        let text = scene.done(call);
        assert!(text.contains("undecided 0 of") && !text.contains("refuted 0"), "{radius}: {text}");
    }
}
