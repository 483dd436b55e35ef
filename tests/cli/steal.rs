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
             agreement_uniform,agreement_boundary,mse,f1"
        )
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let runs: Vec<(&str, &str)> = rows.iter().map(|row| (row[0], row[1])).collect();
    let names = ["attack", "without-inference", "same-steps"];
    let expected: Vec<(&str, &str)> =
        ["2", "3"].into_iter().flat_map(|seed| names.map(|name| (seed, name))).collect();
    assert_eq!(runs, expected);
    for row in &rows {
        let number = |column: usize| row[column].parse::<f64>().unwrap();
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
    scene.write("manifest.json", format!("{{\"certificates\":[{local},{local},{local}]}}"));
    let call = format!("{CALL} --certificates manifest.json --out stolen");
    let run = scene.propcert(&call).assert().code(0);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    let line = "manifest.json: 3 of 3 certificates are about another target: not used";
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
        ("attack = \"line_search\"\n", "line_search"),
        ("attack = \"random\"\n[inference]\nrule = \"certified\"\n", "random"),
        ("attack = \"masked_thief\"\n[inference]\nrule = \"length\"\n", "length"),
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
