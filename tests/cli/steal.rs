//! `steal`: certificates are checked before use, and no inferred label is wrong.

use propcert::model::Digest;

use crate::scene::Scene;

const THIEF: &str = "attack = \"masked_thief\"\nseeds = \"X\"\n[generator]\nkind = \"neighbour\"\nradius = 0.2\n[inference]\nrule = \"certified\"\n";

const MANIFEST: &str = r#"{"certificates":[
 {"certificate":"aux.jsonl","model":"trees.json","spec":"predicted.toml","data":"tiny.csv"},
 {"certificate":"monotone.jsonl","model":"trees.json","spec":"monotone.toml"}]}"#;

const CALL: &str = "steal --target trees.json --attack thief.toml --data tiny.csv --budget 40 --seeds 15 --seed 2 --repetitions 2";

/// Certificates of the ensemble around the attacker's own rows and of its order, in a manifest.
fn published() -> Scene {
    let scene = Scene::new();
    scene.write("thief.toml", THIEF);
    scene.write("manifest.json", MANIFEST);
    scene.certify_monotone();
    scene.done("certify --model trees.json --spec predicted.toml --data tiny.csv:auxiliary --out aux.jsonl");
    scene
}

#[test]
fn figures_have_their_columns_and_no_inferred_label_is_wrong() {
    let scene = published();
    scene.done(&format!("{CALL} --certificates manifest.json --out stolen"));
    let metrics = scene.read("stolen/metrics.csv");
    let mut lines = metrics.lines();
    assert_eq!(
        lines.next(),
        Some(
            "seed,run,queries,labelled,inferred,wrong,duplicates,steps,agreement_heldout,\
             agreement_uniform,agreement_boundary,mse,f1,inference_rate,label_accuracy,\
             majority_accuracy,nearest_accuracy,nearest5_accuracy,substitute_accuracy,\
             intervals,intervals_holding,intervals_saying_nothing"
        )
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let runs: Vec<(&str, &str)> = rows.iter().map(|row| (row[0], row[1])).collect();
    let names = ["attack", "without-inference", "same-steps", "ceiling", "majority", "seeds-only"];
    let expected: Vec<(&str, &str)> =
        ["2", "3"].into_iter().flat_map(|seed| names.map(|name| (seed, name))).collect();
    assert_eq!(runs, expected);
    for row in &rows {
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        if ["ceiling", "majority", "seeds-only"].contains(&row[1]) {
            assert!(row[2..8].iter().all(|cell| cell.is_empty()), "{row:?}");
            (8..13).for_each(|column| assert!((0.0..=1.0).contains(&number(column)), "{row:?}"));
            continue;
        }
        if row[1] == "attack" {
            assert_eq!(number(14), 1.0, "labels by proof: {row:?}");
            (13..19).for_each(|column| assert!((0.0..=1.0).contains(&number(column)), "{row:?}"));
        }
        assert!(number(2) <= 40.0, "within the budget: {row:?}");
        assert_eq!(number(5), 0.0, "wrong: {row:?}");
        assert_eq!(number(4) > 0.0, row[1] == "attack", "inferred: {row:?}");
        (8..13).for_each(|column| assert!((0.0..=1.0).contains(&number(column)), "{row:?}"));
    }
    let transcript = scene.read("stolen/transcript.jsonl");
    let asked = transcript.lines().filter(|line| line.contains("\"label\"")).count();
    assert!(asked > 0 && asked <= 40, "{transcript}");
    let metrics: serde_json::Value =
        serde_json::from_str(&scene.read("stolen/metrics.json")).unwrap();
    let given = &metrics["certified"];
    assert!(given["boxes"].as_u64().unwrap() > 10, "{given}");
    assert_eq!(given["monotone-features"], 1);
    let target = Digest::of(scene.read("trees.json").as_bytes()).to_string();
    assert_eq!(metrics["about"]["target"]["digest"], target.as_str());
    assert_eq!(
        (&metrics["about"]["data"]["name"], &metrics["about"]["defense"]),
        (&"tiny".into(), &().into())
    );
    assert_eq!((&metrics["seed"], &metrics["budget"]), (&2.into(), &40.into()));
    assert_eq!(metrics["guarantee"], "proved");
    assert!(scene.has("stolen/metrics.json") && scene.has("stolen/substitute.json"));
}

#[test]
fn threads_do_not_change_a_byte() {
    let scene = published();
    scene.done(&format!("{CALL} --certificates manifest.json --threads 1 --out one"));
    scene.done(&format!("{CALL} --certificates manifest.json --threads 2 --out two"));
    assert_eq!(scene.files("one"), scene.files("two"));
}

#[test]
fn without_certificates_nothing_is_inferred() {
    let scene = published();
    let text = scene.done(&format!("{CALL} --out stolen"));
    assert!(text.contains(" inferred 0 wrong 0 "), "{text}");
}

#[test]
fn a_manifest_with_a_certificate_that_was_tampered_with_is_refused() {
    let scene = published();
    let call = format!("{CALL} --certificates manifest.json --out stolen");
    let (good, monotone) = (scene.read("aux.jsonl"), scene.read("monotone.jsonl"));
    let refuted = good.lines().find(|line| line.contains("counterexample")).unwrap();
    let (at, _) = refuted.split_once(",\"rule\"").unwrap();
    let claimed = format!("{at},\"rule\":\"interval\"}}");
    let tampered = [
        ("a refuted row called proved", good.replace(refuted, &claimed)),
        ("totals", good.replace("\"undecided\":0", "\"undecided\":1")),
        ("torn", good[..good.len() - 3].to_owned()),
        ("a line gone", good.replacen("{\"at\":3,\"rule\":\"interval\"}\n", "", 1)),
        ("another model", good.replacen("\"model\":\"", "\"model\":\"f", 1)),
    ];
    for (case, text) in tampered {
        assert_ne!(text, good, "{case}");
        scene.write("aux.jsonl", text);
        scene.refused(&call, &[]);
        assert!(!scene.has("stolen"), "{case}");
    }
    scene.write("aux.jsonl", good);
    scene.write("monotone.jsonl", monotone.replace("\"proved\":1", "\"proved\":2"));
    let message = scene.refused(&call, &["monotone.jsonl", "not as stated"]);
    crate::snapshot!("steal-refusal", message);
}

#[test]
fn certificates_about_something_else_are_counted() {
    let scene = published();
    scene.certify_local();
    let local = "{\"certificate\":\"local.jsonl\",\"model\":\"mlp.json\",\"spec\":\"local.toml\",\"data\":\"tiny.csv\"}";
    scene.write("others.json", format!("{{\"certificates\":[{local},{local}]}}"));
    let refused =
        scene.refused(&format!("{CALL} --certificates others.json --out stolen"), &["others.json"]);
    let digests = ["mlp.json", "trees.json"].map(|file| {
        propcert::model::Digest::of(scene.read(file).as_bytes()).to_string()[..12].to_owned()
    });
    assert!(digests.iter().all(|digest| refused.contains(digest)), "{refused}");
    assert!(!scene.has("stolen"));
    let monotone =
        "{\"certificate\":\"monotone.jsonl\",\"model\":\"trees.json\",\"spec\":\"monotone.toml\"}";
    scene.write(
        "manifest.json",
        format!("{{\"certificates\":[{local},{local},{local},{monotone}]}}"),
    );
    let call = format!("{CALL} --certificates manifest.json --out stolen");
    let run = scene.propcert(&call).assert().code(0);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    let line = "manifest.json: 3 of 4 certificates are about another target: not used";
    assert_eq!(told.matches("not used").count(), 1, "{told}");
    assert!(told.contains(line), "{told}");
}

#[test]
fn bad_manifests_are_refused() {
    let scene = published();
    let call = format!("{CALL} --certificates manifest.json --out stolen");
    let bad = [
        (MANIFEST.replace("aux.jsonl", "missing.jsonl"), "missing.jsonl"),
        (MANIFEST.replace("aux.jsonl", "."), "regular file"),
        (MANIFEST.replace("tiny.csv", "nowhere"), "nowhere"),
        (MANIFEST.replacen("trees.json", "mlp.json", 1), "another model"),
        (MANIFEST.replace("\"data\"", "\"date\""), "date"),
        (MANIFEST.replacen("trees.json", "local.toml", 1), "local.toml"),
        ("{}".to_owned(), "certificates"),
        ("[".repeat(100_000), "manifest.json"),
    ];
    for (text, fact) in bad {
        scene.write("manifest.json", text);
        scene.refused(&call, &[fact]);
        assert!(!scene.has("stolen"));
    }
    if cfg!(unix) {
        let made = std::process::Command::new("mkfifo").arg(scene.path("pipe")).status().unwrap();
        assert!(made.success());
        scene.write("manifest.json", MANIFEST.replace("aux.jsonl", "pipe"));
        scene.refused(&call, &["pipe", "regular file"]);
    }
}

#[test]
fn bad_attacks_and_numbers_are_refused() {
    let scene = published();
    let attacks = [
        ("attack = \"guess\"\n", "guess"),
        ("attack = \"copycat\"\n", "copycat"),
        ("attack = \"jacobian\"\nseeds = \"none\"\n", "generator `jacobian`"),
        ("attack = \"random\"\n[inference]\nrule = \"certified\"\n", "random"),
        ("attack = \"masked_thief\"\n[inference]\nrule = \"length\"\n", "[inference.property]"),
        ("attack = \"masked_thief\"\nseeds = \"none\"\n", "none"),
        ("attack = \"masked_thief\"\n[generator]\nkind = \"neighbour\"\nradius = nan\n", "NaN"),
        ("attack = \"masked_thief\"\nmore = 1\n", "more"),
    ];
    for (text, fact) in attacks {
        scene.write("bad.toml", text);
        let call = CALL.replace("thief.toml", "bad.toml").replace(" --seeds 15", "");
        scene.refused(&format!("{call} --out stolen"), &[fact]);
    }
    let call = |old: &str, new: &str| format!("{} --out stolen", CALL.replace(old, new));
    scene.refused(&call("--repetitions 2", "--repetitions 0"), &["--repetitions 0"]);
    scene.refused(&call("--budget 40", "--budget 0"), &["queries"]);
    let huge = "--repetitions 1000000000000";
    scene.refused(&call("--repetitions 2", huge), &[huge, "at most 10000"]);
    scene.refused(&call("--budget 40", "--budget 1000000000000"), &["queries", "at most 1000000"]);
    scene.refused(&call("--seeds 15", "--seeds 41"), &["seed-rows"]);
    let many = call("--budget 40 --seeds 15", "--budget 80 --seeds 51");
    scene.refused(&many, &["--seeds 51", "auxiliary", "50 rows"]);
    scene.refused(&call("tiny.csv", "tiny.csv:train"), &["part `train` cannot be named here"]);
    scene.refused(&call("tiny.csv", "spambase"), &["feature"]);
    assert!(!scene.has("stolen"));
}

/// Settings of a substitute that no network has, by every way of training and measuring one.
#[test]
fn substitutes_that_cannot_be_are_refused_and_leave_nothing() {
    let scene = published();
    let mixed = "learner = { kind = \"mixmatch\" }";
    for (setting, fact) in [
        ("hidden = [0]", "`hidden` is 0"),
        ("hidden = [1000000000000]", "65,536 a layer"),
        ("epochs = 9223372036854775807", "1 to 1,000,000"),
    ] {
        for (response, more) in [("label", ""), ("posterior", ""), ("label", mixed)] {
            let text = format!(
                "attack = \"jacobian\"\nseed-rows = 20\nresponse = \"{response}\"\n\
                 [substitute]\nfamily = \"mlp\"\n{setting}\n{more}\n"
            );
            scene.write("bad.toml", &text);
            let call = "steal --target mlp.json --attack bad.toml --data tiny.csv --budget 40 --out stolen";
            scene.refused(call, &[fact]);
            assert!(!scene.has("stolen") && !scene.has("stolen.repetitions.partial"), "{text}");
        }
        let trees = format!("attack = \"random\"\n[substitute]\nfamily = \"trees\"\n{setting}\n");
        scene.write("trees.toml", &trees);
        let call = "steal --target mlp.json --attack trees.toml --data tiny.csv --budget 40 --angles 3 --out stolen";
        scene.refused(call, &[fact]);
    }
}

const DEFENDED: &str = r#"{"certificate":"NAME.jsonl","model":"trees.json","spec":"predicted.toml","data":"tiny.csv","defense":"NAME.json"}"#;

/// Two defenses of the ensemble: the strong one turns the labels for incomes from 2 to 3, the weak
/// one none. Around the attacker's rows something is proved behind each.
fn defended() -> Scene {
    let scene = published();
    let target = Digest::of(scene.read("trees.json").as_bytes());
    for (name, alpha) in [("weak", "0.1"), ("strong", "0.3")] {
        let defense = format!(
            "{{\"format\":\"defense/1\",\"target\":\"{target}\",\"kind\":\"prediction-poisoning\",\"alpha\":\"{alpha}\"}}\n"
        );
        scene.write(&format!("{name}.json"), defense);
        let call = "certify --model trees.json --spec predicted.toml --data tiny.csv:auxiliary --defense PLACE.json --out PLACE.jsonl";
        scene.done(&call.replace("PLACE", name));
        let manifest = format!("{{\"certificates\":[{}]}}", DEFENDED.replace("NAME", name));
        scene.write(&format!("{name}-manifest.json"), manifest);
    }
    scene
}

/// Labels inferred by the attack runs, and those that were wrong.
fn inferred(scene: &Scene, folder: &str) -> (u64, u64) {
    let metrics = scene.read(&format!("{folder}/metrics.csv"));
    let attacks = metrics.lines().filter(|line| line.contains(",attack,"));
    attacks.fold((0, 0), |(inferred, wrong), line| {
        let cells: Vec<&str> = line.split(',').collect();
        (inferred + cells[4].parse::<u64>().unwrap(), wrong + cells[5].parse::<u64>().unwrap())
    })
}

#[test]
fn what_is_proved_behind_a_defense_is_true_of_its_answers() {
    let scene = defended();
    for name in ["weak", "strong"] {
        let call = format!("{CALL} --defense {name}.json --certificates {name}-manifest.json");
        scene.done(&format!("{call} --out {name}"));
        let (inferred, wrong) = inferred(&scene, name);
        assert!(inferred > 0 && wrong == 0, "{name}: {inferred} inferred, {wrong} wrong");
    }
    let answers = |name: &str| scene.read(&format!("{name}/transcript.jsonl"));
    assert_ne!(answers("weak"), answers("strong"), "the strong defense turns labels");
}

#[test]
fn proofs_about_one_defense_are_not_used_against_another() {
    let scene = defended();
    for (defense, manifest) in [
        (" --defense strong.json", "weak-manifest.json"),
        (" --defense weak.json", "strong-manifest.json"),
        (" --defense strong.json", "manifest.json"),
        ("", "strong-manifest.json"),
    ] {
        let call = format!("{CALL}{defense} --certificates {manifest} --out stolen");
        let output = scene.propcert(&call).assert().code(0).get_output().clone();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        let fact = "certificates are about this target behind another defense, or none: not used";
        assert!(message.contains(fact), "{message}");
        assert_eq!(inferred(&scene, "stolen"), (0, 0), "{call}");
    }
    // beside the right one they change nothing
    let entry = |name: &str| DEFENDED.replace("NAME", name);
    let both = format!("{{\"certificates\":[{},{}]}}", entry("weak"), entry("strong"));
    scene.write("both.json", both);
    scene.done(&format!("{CALL} --defense strong.json --certificates both.json --out both"));
    let alone = "--certificates strong-manifest.json --out alone";
    scene.done(&format!("{CALL} --defense strong.json {alone}"));
    assert_eq!(scene.files("both"), scene.files("alone"));
}

/// Attacks of every kind, each with few queries.
const ATTACKS: [(&str, &str); 7] = [
    ("uniform", "attack = \"random\"\n"),
    ("search", "attack = \"line_search\"\n"),
    ("jacobian", "attack = \"jacobian\"\nseeds = \"P\"\n"),
    (
        "committee",
        "attack = \"committee\"\n[generator]\nkind = \"committee\"\nradius = 0.2\nmembers = 2\ncandidates = 30\nbatch = 10\n",
    ),
    ("mixed", "attack = \"jacobian\"\n[substitute.learner]\nkind = \"mixmatch\"\n"),
    ("posterior", "attack = \"jacobian\"\nresponse = \"posterior\"\n"),
    ("drawn", "attack = \"jacobian\"\nresponse = \"sampled-label\"\n"),
];

#[test]
fn every_attack_keeps_its_budget_on_both_families_and_is_replayed() {
    let scene = Scene::new();
    for (name, text) in ATTACKS {
        let text = if text.contains("[substitute") {
            text.to_owned()
        } else {
            format!("{text}[substitute]\n")
        };
        let text = text.replace("[substitute]\n", "[substitute]\nepochs = 20\n");
        scene.write("attack.toml", text);
        for target in ["trees", "mlp"] {
            let seeds = if matches!(name, "uniform" | "search") { "" } else { " --seeds 10" };
            let out = format!("{name}-{target}");
            scene.done(&format!(
                "steal --target {target}.json --attack attack.toml --data tiny.csv --budget 40{seeds} --out {out}"
            ));
            let transcript = scene.read(&format!("{out}/transcript.jsonl"));
            let asked = transcript.lines().count();
            assert!((10..=40).contains(&asked), "{out}: {asked}");
            let text = scene.done(&format!("steal --target {target}.json --replay {out}"));
            assert!(
                text.contains(&format!("replayed {asked} queries of {asked} stated")),
                "{text}"
            );
        }
    }
}

#[test]
fn a_transcript_that_was_changed_is_noticed() {
    let scene = published();
    scene.done(&format!("{CALL} --out stolen"));
    let whole = scene.read("stolen/transcript.jsonl");
    let replay = "steal --target trees.json --replay stolen";
    let changed = |from: &str, to: &str| {
        let line = whole.lines().nth(4).unwrap();
        whole.replacen(line, &line.replace(from, to), 1)
    };
    let turned = if whole.lines().nth(4).unwrap().contains("\"label\":1") {
        changed("\"label\":1", "\"label\":0")
    } else {
        changed("\"label\":0", "\"label\":1")
    };
    let short = whole.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    let twice = whole.replacen(whole.lines().nth(1).unwrap(), whole.lines().next().unwrap(), 1);
    for (case, text) in [("turned", turned), ("short", short), ("twice", twice)] {
        scene.write("stolen/transcript.jsonl", text);
        scene.propcert(replay).assert().code(1);
        assert!(!case.is_empty());
    }
    scene.write("stolen/transcript.jsonl", whole.replacen("{", "[", 1));
    scene.refused(replay, &["transcript.jsonl", "line 1"]);
    scene.write("stolen/transcript.jsonl", &whole);
    scene.refused("steal --target mlp.json --replay stolen", &["mlp.json", "target"]);
    scene.refused("steal --target trees.json --replay nowhere", &["nowhere"]);
    scene.done(replay);
}

#[test]
fn guesses_guarantee_nothing_and_say_so_beside_simple_guesses() {
    let scene = Scene::new();
    for (rule, property) in [
        ("length", "name = \"lipschitz\"\nl = 0.1\n"),
        ("exclude", "name = \"local-invariance\"\nepsilon = 1.0\ndelta = 0.01\n"),
        ("endpoints", "name = \"small-neighborhood\"\nepsilon = 1.0\nl = 0.01\n"),
        (
            "length",
            "name = \"monotonicity\"\nfeatures = [\"income\"]\ndirection = \"increasing\"\n",
        ),
    ] {
        scene.write("guess.toml", format!("attack = \"masked_thief\"\n[generator]\nkind = \"neighbour\"\nradius = 0.5\n[inference]\nrule = \"{rule}\"\neta = 0.5\nthreshold = 0.95\n[inference.property]\n{property}"));
        let text = scene.done("steal --target trees.json --attack guess.toml --data tiny.csv --budget 60 --seeds 40 --out stolen");
        let metrics: serde_json::Value =
            serde_json::from_str(&scene.read("stolen/metrics.json")).unwrap();
        assert_eq!(metrics["guarantee"], "none");
        let attack = &metrics["repetitions"][0]["attack"];
        if attack["inferred"].as_u64().unwrap() > 0 {
            let beside = "label accuracy";
            assert!(text.contains("guarantee none") && text.contains(beside), "{text}");
            let found = &attack["inference"];
            let keys = ["rate", "accuracy", "majority", "nearest", "nearest-5", "substitute"];
            assert!(keys.iter().all(|key| found[key].is_number()), "{found}");
            let (wrong, all) =
                (attack["wrong"].as_f64().unwrap(), attack["inferred"].as_f64().unwrap());
            assert!((found["accuracy"].as_f64().unwrap() - (1.0 - wrong / all)).abs() < 1e-9);
            assert!(metrics["repetitions"][0]["ceiling"].is_object());
        }
    }
    scene.write("guess.toml", "attack = \"masked_thief\"\n[inference]\nrule = \"length\"\n[inference.property]\nname = \"monotonicity\"\nfeatures = [\"wealth\"]\ndirection = \"increasing\"\n");
    let call = "steal --target trees.json --attack guess.toml --data tiny.csv --budget 60 --seeds 40 --out again";
    scene.refused(call, &["wealth", "age, income"]);
    assert!(!scene.has("again") && !scene.has("again.repetitions.partial"));
}

#[test]
fn defaults_are_printed_and_are_an_attack() {
    let scene = Scene::new();
    let all = scene.done("steal --print-defaults");
    for part in all.split("# ---") {
        scene.write("all.toml", part);
        assert_eq!(scene.done("steal --print-defaults --attack all.toml").trim(), part.trim());
    }
    for word in
        ["epsilon = 0.3", "members = 5", "stop = 0.1", "learning-rate", "[substitute.learner]"]
    {
        assert!(all.contains(word), "{word}: {all}");
    }
    scene.refused("steal --attack all.toml --data tiny.csv --out x", &["--target"]);
}

#[test]
fn an_interrupted_theft_goes_on_with_the_same_bytes() {
    let scene = published();
    let call = "steal --target mlp.json --attack thief.toml --data tiny.csv --budget 40 --seeds 15 --repetitions 12";
    scene.done(&format!("{call} --out whole"));
    crate::scene::killed(&scene, &format!("{call} --threads 1 --out part"), |scene| {
        let kept = std::fs::read_to_string(scene.path("part.repetitions.partial"));
        kept.is_ok_and(|text| text.lines().count() > 2)
    });
    assert!(!scene.has("part"));
    scene.refused(&format!("{call} --out part"), &["part.repetitions.partial", "--resume"]);
    let other = call.replace("--budget 40", "--budget 41");
    scene.refused(&format!("{other} --resume --out part"), &["another `attack`"]);
    scene.done(&format!("{call} --resume --out part"));
    assert_eq!(scene.files("whole"), scene.files("part"));
    assert!(!scene.has("part.repetitions.partial"));
}

#[test]
fn angles_and_the_fewest_queries_are_given_on_request() {
    let scene = published();
    scene.write("jacobian.toml", "attack = \"jacobian\"\n[substitute]\nepochs = 20\n");
    let call = "steal --target trees.json --attack jacobian.toml --data tiny.csv --budget 40 --seeds 10 --certificates manifest.json --out stolen";
    let text = scene.done(&format!("{call} --angles 20 --settle 0.9"));
    assert!(text.contains("angles, drift weights") && text.contains("fewest queries"), "{text}");
    let metrics: serde_json::Value =
        serde_json::from_str(&scene.read("stolen/metrics.json")).unwrap();
    assert_eq!(metrics["angles"][1]["benign"], 20);
    let fewest = &metrics["fewest"];
    let number = |key: &str| fewest[key].as_u64().unwrap();
    assert!(number("at_least") <= number("at_most") && number("at_most") <= number("points"));
    scene.refused(&format!("{call} --settle 0"), &["--settle 0"]);
    scene.refused(&format!("{call} --angles 0"), &["--angles 0"]);
}

#[test]
fn extraction_needs_what_it_reads() {
    let scene = published();
    scene.write("thresholds.toml", "attack = \"thresholds\"\n");
    let call = "steal --target trees.json --attack thresholds.toml --data tiny.csv --budget 500 --out stolen";
    scene.refused(
        &format!("{call} --certificates manifest.json"),
        &["1 of 2 features", "or use paths"],
    );
    scene.write("both.toml", "property = \"monotonicity\"\nfeatures = [\"age\", \"income\"]\ndirection = \"increasing\"\n");
    scene.done("certify --model trees.json --spec both.toml --out both.jsonl");
    scene.write("manifest.json", r#"{"certificates":[{"certificate":"both.jsonl","model":"trees.json","spec":"both.toml"}]}"#);
    let text = scene.done(&format!("{call} --certificates manifest.json"));
    assert!(text.contains("agreement 1.0000"), "{text}");
    scene.write("equations.toml", "attack = \"equations\"\n[substitute]\nepochs = 20\n");
    let call = call.replace("thresholds", "equations");
    scene.done(&call);
    scene.write("equations.toml", "attack = \"equations\"\nresponse = \"label\"\n");
    scene.refused(&call, &["response = \"label\"", "posterior"]);
}

#[test]
fn several_targets_and_budgets_make_one_table() {
    let scene = published();
    let call = "steal --target trees.json mlp.json --attack thief.toml --data tiny.csv --budget 20,40 --seeds 15 \
                --seed 2 --repetitions 2 --certificates manifest.json --out swept";
    let text = scene.done(call);
    assert!(text.contains("mean of 2 [95% interval]"), "{text}");
    let table = scene.read("swept/table.csv");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let starts: Vec<[&str; 2]> = rows[1..].iter().map(|row| [row[0], row[1]]).collect();
    assert_eq!(starts, [["trees", "20"], ["trees", "40"], ["mlp", "20"], ["mlp", "40"]]);
    for row in &rows[1..] {
        let [mean, low, high] = [6, 7, 8].map(|column: usize| row[column].parse::<f64>().unwrap());
        assert!(low <= mean && mean <= high, "{row:?}");
    }
    // each theft is that of a call of its own
    scene.done(&format!("{CALL} --certificates manifest.json --out stolen"));
    assert_eq!(scene.read("swept/trees-40/metrics.json"), scene.read("stolen/metrics.json"));
    assert_eq!(scene.done(call), text, "an earlier table is replaced");
    let json: serde_json::Value =
        serde_json::from_str(&scene.done(&format!("{call} --json"))).unwrap();
    assert_eq!(json["thefts"][3]["budget"], 40);
    scene.refused(&call.replace("swept", "stolen"), &["holds a single result"]);
    scene.refused(&call.replace("mlp.json", "./trees.json"), &["trees.json", "twice"]);
    scene.refused(&call.replace("20,40", "20,20"), &["--budget 20", "twice"]);
    scene.refused(&call.replace("20,40", "20,5"), &["seed-rows"]);
}

#[test]
fn repetitions_alone_give_their_mean_too() {
    let scene = published();
    let call = "steal --target mlp.json --attack thief.toml --data tiny.csv --budget 40 --seeds 15 --out stolen";
    let one = scene.done(call);
    assert!(!one.contains("mean of"), "{one}");
    let several = scene.done(&format!("{call} --repetitions 3"));
    let line = several.lines().find(|line| line.starts_with("mean of 3 [95% interval]: asked "));
    let line = line.unwrap_or_else(|| panic!("{several}"));
    assert!(line.contains("agreement held-out ") && line.contains("% ["), "{line}");
}
