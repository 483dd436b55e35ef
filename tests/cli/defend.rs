//! `defend`, and certificates about the defended model.

use propcert::model::Digest;

use crate::scene::Scene;

const MANIFEST: &str = r#"{"certificates":[
 {"certificate":"local.jsonl","model":"mlp.json","spec":"local.toml","data":"tiny.csv"},
 {"certificate":"train.jsonl","model":"mlp.json","spec":"local.toml","data":"tiny.csv"},
 {"certificate":"monotone.jsonl","model":"trees.json","spec":"monotone.toml"}]}"#;

const CALL: &str = "defend --model mlp.json --data tiny.csv --defense pp --certificates manifest.json --out defended/pp";

fn published() -> Scene {
    let scene = Scene::new();
    scene.write("manifest.json", MANIFEST);
    scene.certify_local();
    scene.certify_monotone();
    scene.done("certify --model mlp.json --spec local.toml --data tiny.csv:train --rows 5 --out train.jsonl");
    scene
}

/// The entries of a manifest.
fn entries(scene: &Scene, manifest: &str) -> Vec<serde_json::Value> {
    let manifest: serde_json::Value = serde_json::from_str(&scene.read(manifest)).unwrap();
    manifest["certificates"].as_array().unwrap().clone()
}

/// The call that checks an entry from inside the manifest's folder.
pub fn check_call(entry: &serde_json::Value) -> String {
    let text = |key: &str| entry[key].as_str();
    let mut call = format!("check {}", text("certificate").unwrap());
    for key in ["model", "spec", "data", "defense"] {
        if let Some(value) = text(key) {
            call.push_str(&format!(" --{key} {value}"));
        }
    }
    call
}

#[test]
fn what_is_still_proved_checks_from_inside_the_folder() {
    let scene = published();
    let text = scene.done(CALL);
    assert!(text.contains("local: proved 10 refuted 2 undecided 0 of 12"), "{text}");
    assert!(text.contains("local-2: "), "one spec, two parts: {text}");
    let entries = entries(&scene, "defended/pp/manifest.json");
    assert_eq!(entries.len(), 2, "the other model's certificate is left out");
    assert_ne!(entries[0]["certificate"], entries[1]["certificate"]);
    for entry in &entries {
        let call = check_call(entry);
        scene.propcert_in("defended/pp", &call).assert().code(0);
        scene.propcert_in("defended/pp", &format!("{call} --exact")).assert().code(0);
        let without = call.replace(" --defense defense.json", "");
        scene.propcert_in("defended/pp", &without).assert().code(2);
    }
    assert!(scene.has("defended/pp/metrics.json"));
}

/// No strength is free where every row counts: what remains is the identity, and proofs stay as they are.
#[test]
fn the_identity_is_no_defense_and_loses_no_proof() {
    let scene = published();
    let weak = scene.read("mlp.json").replace("[0.0,1.0],[1.0,0.0]", "[0.0,0.001],[0.001,0.0]");
    scene.write("weak.json", weak);
    scene.done(
        "certify --model weak.json --spec local.toml --data tiny.csv --rows 12 --out local.jsonl",
    );
    scene.done("certify --model weak.json --spec monotone.toml --out monotone.jsonl");
    let manifest = MANIFEST.replace("mlp.json", "weak.json").replace("trees.json", "weak.json");
    let entries: Vec<&str> =
        manifest.lines().filter(|line| !line.contains("train.jsonl")).collect();
    scene.write("manifest.json", entries.join("\n"));
    let call = CALL.replace("mlp.json", "weak.json");
    let text = scene.done(&format!("{call} --points 0"));
    assert!(text.contains("identity: nothing is defended"), "{text}");
    let monotone = "monotone: proved 1 refuted 0 undecided 0 of 1 (vacuous 0) -> kept";
    assert!(text.contains(monotone), "{text}");
    assert_eq!(scene.read("defended/pp/certificates/local.jsonl"), scene.read("local.jsonl"));
    for entry in self::entries(&scene, "defended/pp/manifest.json") {
        assert!(entry["defense"].is_null());
        scene.propcert_in("defended/pp", &check_call(&entry)).assert().code(0);
    }
    let metrics: serde_json::Value =
        serde_json::from_str(&scene.read("defended/pp/metrics.json")).unwrap();
    assert_eq!(metrics["identity"], true);
}

#[test]
fn metrics_name_what_they_are_about() {
    let scene = published();
    let text = scene.done(CALL);
    assert!(text.starts_with("target mlp.json ("), "{text}");
    let metrics: serde_json::Value =
        serde_json::from_str(&scene.read("defended/pp/metrics.json")).unwrap();
    let about = &metrics["about"];
    let digest = |name: &str| Digest::of(scene.read(name).as_bytes()).to_string();
    assert_eq!(about["target"]["digest"], digest("mlp.json").as_str());
    assert_eq!(about["defense"]["digest"], digest("defended/pp/defense.json").as_str());
    assert_eq!((&about["data"]["name"], &metrics["seed"]), (&"tiny".into(), &0.into()));
    assert!(about["tool"].as_str().unwrap().starts_with("propcert "));
}

#[test]
fn the_same_call_leaves_the_same_bytes() {
    let scene = published();
    scene.done(&format!("{CALL} --threads 1"));
    scene.done(&format!("{} --threads 2", CALL.replace("/pp", "/qq")));
    assert_eq!(scene.files("defended/pp"), scene.files("defended/qq"));
}

#[test]
fn a_defense_of_another_target_is_refused() {
    let scene = published();
    scene.done(CALL);
    let (mlp, trees) = (
        Digest::of(scene.read("mlp.json").as_bytes()),
        Digest::of(scene.read("trees.json").as_bytes()),
    );
    let defense = scene.read("defended/pp/defense.json");
    let other = defense.replace(&mlp.to_string(), &trees.to_string());
    assert_ne!(defense, other);
    scene.write("other.json", &other);
    let certify = "certify --model mlp.json --spec local.toml --data tiny.csv --defense other.json --out c.jsonl";
    scene.refused(certify, &["another model"]);
    // a certificate that names it all the same
    let (old, new) = (Digest::of(defense.as_bytes()), Digest::of(other.as_bytes()));
    let text = scene.read("defended/pp/certificates/local.jsonl");
    scene.write("c.jsonl", text.replace(&old.to_string(), &new.to_string()));
    let check = "check c.jsonl --model mlp.json --spec local.toml --data tiny.csv";
    scene.refused(&format!("{check} --defense other.json"), &["target of the defense"]);
    scene.refused(&format!("{check} --defense defended/pp/defense.json"), &["another defense"]);
    scene.write("random.toml", "attack = \"random\"\n");
    let steal = "steal --target mlp.json --attack random.toml --data tiny.csv --defense other.json --out stolen";
    scene.refused(steal, &["another model"]);
    assert!(!scene.has("stolen"));
}

#[test]
fn bad_calls_are_refused_and_nothing_is_written() {
    let scene = published();
    for (old, new, fact) in [
        ("--defense pp", "--defense pp --parameters alpha=0.5", "alpha is 0.5"),
        ("--defense pp", "--defense pp --parameters alpha=0.1,tau=1", "no parameter `tau`"),
        ("--defense pp", "--defense am --parameters nu=5", "`tau` is missing"),
        ("--defense pp", "--defense pp --parameters alpha=0.1 --points 2", "cannot be used with"),
        ("--defense pp", "--defense foo", "foo: there is no such defense"),
        ("tiny.csv", "spambase", "feature"),
        ("--data tiny.csv", "--data tiny.csv --points nan", "NaN"),
        ("--data tiny.csv", "--data tiny.csv --points=-1", "-1"),
    ] {
        scene.refused(&CALL.replacen(old, new, 1), &[fact]);
        assert!(!scene.has("defended"), "{new}");
    }
    let stated = scene.read("local.jsonl");
    scene.write("local.jsonl", stated.replace("\"proved\":10", "\"proved\":11"));
    let message = scene.refused(CALL, &["local.jsonl", "not as stated"]);
    assert!(!scene.has("defended"));
    crate::snapshot!("defend-refusal", message);
}

#[test]
fn several_strengths_make_one_table() {
    let scene = published();
    let call = CALL.replace("--out defended/pp", "--alpha 0.1,0.2 --out swept");
    let text = scene.done(&call);
    assert!(text.contains("still proved"), "{text}");
    let table = scene.read("swept/table.csv");
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[1].starts_with("0.1,") && rows[2].starts_with("0.2,"), "{table}");
    // each is that of a call of its own
    scene.done(&CALL.replace("--out", "--parameters alpha=0.2 --out"));
    assert_eq!(scene.files("swept/alpha-0.2"), scene.files("defended/pp"));
    assert_eq!(scene.done(&call), text, "an earlier table is replaced");
    scene.refused(&call.replace("swept", "defended/pp"), &["holds a single result"]);
    scene.refused(&call.replace("0.1,0.2", "0.1,0.1"), &["--alpha 0.1", "twice"]);
    scene.refused(&call.replace("0.1,0.2", "0.1,x"), &["--alpha x", "decimals"]);
    scene.refused(&call.replace("--alpha", "--points 1 --alpha"), &["cannot be used with"]);
}

/// One claim that a defense has no form of does not keep the others from being carried.
#[test]
fn a_claim_that_the_defense_has_no_form_of_is_lost_and_said_so() {
    let scene = published();
    scene.write(
        "near.toml",
        "property = \"small-neighborhood\"\non = \"score\"\nepsilon = \"0.1\"\nconstant = \"50\"\n",
    );
    scene.done("certify --model mlp.json --spec near.toml --data tiny.csv --out near.jsonl");
    let entry =
        r#"{"certificate":"near.jsonl","model":"mlp.json","spec":"near.toml","data":"tiny.csv"},"#;
    scene.write("manifest.json", MANIFEST.replacen("[\n", &format!("[\n{entry}\n"), 1));
    let text = scene.done(CALL);
    assert!(text.contains("-> lost: property `small-neighborhood` behind this defense"), "{text}");
    let kept = entries(&scene, "defended/pp/manifest.json");
    assert_eq!(kept.len(), 2, "{text}");
    let metrics: serde_json::Value =
        serde_json::from_str(&scene.read("defended/pp/metrics.json")).unwrap();
    let still = metrics["still-proved"].as_array().unwrap();
    assert_eq!(still.iter().filter(|one| one.get("lost").is_some()).count(), 1);
}

/// Claims about two points of a network, and of an ensemble, behind a map whose answers jump where labels turn: proved where the
/// limit leaves room for the jump, refuted by two points beside it where it does not, and checked in both arithmetics.
#[test]
fn claims_about_two_points_are_decided_behind_a_map_that_jumps() {
    let scene = Scene::new();
    let root = env!("CARGO_MANIFEST_DIR");
    for family in ["mlp", "trees"] {
        let model = format!("{root}/certificates/spambase-{family}/model.json");
        scene.done(&format!(
            "defend --model {model} --data spambase --defense pp --parameters alpha=0.2 --out pp-{family}"
        ));
        // √2·0.2 = 0.283
        for (name, spec, expected) in [
            (
                "wide",
                "property = 'small-neighborhood'\nepsilon = '0.01'\nconstant = '150'",
                "proved 1 refuted 0",
            ),
            (
                "tight",
                "property = 'small-neighborhood'\nepsilon = '0.01'\nconstant = '28'",
                "proved 0 refuted 1",
            ),
            ("steep", "property = 'lipschitzness-t'\nconstant = '0.0001'", "undecided 0 of"),
            (
                "sure",
                "property = 'boundary-fuzz'\nscope = 'domain'\nshift = '0.1'\nepsilon = '0.01'",
                "proved 0 refuted 1",
            ),
            (
                "unsure",
                "property = 'boundary-fuzz'\nscope = 'domain'\nzone = 'ball'\nshift = '0.1'\nepsilon = '0.01'",
                "proved 0 refuted 1",
            ),
        ] {
            scene.write(&format!("{name}.toml"), spec);
            let behind = format!(
                "--model {model} --spec {name}.toml --data spambase:test --rows 40 --defense pp-{family}/defense.json"
            );
            let behind = match name {
                "steep" => behind,
                _ => behind.replace(" --rows 40", ""),
            };
            let out = format!("{name}-{family}.jsonl");
            let text = scene.done(&format!("certify {behind} --out {out}"));
            assert!(text.contains(expected), "{name} {family}: {text}");
            assert!(!text.contains("score changes"), "a defense answers no score: {text}");
            for exact in ["", " --exact"] {
                scene.done(&format!("check {out} {behind}{exact}").replace(" --rows 40", ""));
            }
        }
    }
}

/// A model that is monotone for certain, behind maps that turn its label: raising the feature lowers the answer where the
/// score rises through the boundary.
#[test]
fn a_monotone_model_is_refuted_behind_a_map_that_turns_labels() {
    let scene = Scene::new();
    let root = env!("CARGO_MANIFEST_DIR");
    let model = format!("{root}/certificates/spambase-trees/model.json");
    let spec = format!("{root}/specs/monotone-increasing-char_freq_dollar.toml");
    let subject = format!("--model {model} --spec {spec} --data spambase");
    let bare = scene.done(&format!("certify {subject} --out bare.jsonl"));
    assert!(bare.contains("proved 1 refuted 0"), "{bare}");
    for (kind, parameters) in [("pp", "alpha=0.2"), ("am", "tau=0.7")] {
        scene.done(&format!(
            "defend --model {model} --data spambase --defense {kind} --parameters {parameters} --out {kind}"
        ));
        let behind = format!("{subject} --defense {kind}/defense.json");
        for seed in 0..3 {
            let out = format!("{kind}-{seed}.jsonl");
            let text = scene.done(&format!("certify {behind} --seed {seed} --out {out}"));
            assert!(text.contains("proved 0 refuted 1"), "{kind} {seed}: {text}");
            for exact in ["", " --exact"] {
                scene.done(&format!("check {out} {behind}{exact}"));
            }
        }
    }
}
