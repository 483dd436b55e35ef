//! `audit`: everything that it leaves, its gates, and going on after an interruption.

use crate::defend::check_call;
use crate::scene::{Scene, killed};

/// A few of everything, in a blink.
const PLAN: &str = r#"rows = 12
radii-rows = 6
boundary-rows = 4
own-rows = 10
budget-nodes = 20
exact = 2
epsilons = ["0.1", "0.25"]
budgets = [12, 40]
repetitions = 2
attacks = ["thief.toml", "random.toml"]
"#;

/// Attacks whose substitutes are trained in a blink.
const THIEF: &str = r#"attack = "masked_thief"
substitute = { family = "trees", trees = 3, depth = 2 }
"#;
const RANDOM: &str = r#"attack = "random"
substitute = { family = "trees", trees = 3, depth = 2 }
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("thief.toml", THIEF);
    scene.write("random.toml", RANDOM);
    scene.write("plan.toml", PLAN);
    scene
}

fn gated(scene: &Scene, name: &str, gates: &str) {
    scene.write(name, format!("{PLAN}\n[gate]\n{gates}\n"));
}

const TREES: &str = "audit --model trees.json --data tiny.csv --plan plan.toml --seed 5";
const MLP: &str = "audit --model mlp.json --data tiny.csv --plan plan.toml --seed 5";

fn every_entry_checks(scene: &Scene, folder: &str, least: usize) {
    let manifest: serde_json::Value =
        serde_json::from_str(&scene.read(&format!("{folder}/manifest.json"))).unwrap();
    let entries = manifest["certificates"].as_array().unwrap();
    assert!(entries.len() >= least, "{} entries", entries.len());
    for entry in entries {
        scene.propcert_in(folder, &check_call(entry)).assert().code(0);
    }
    assert!(entries.iter().any(|entry| entry["defense"].is_string()));
}

#[test]
fn an_audit_of_trees_leaves_the_same_bytes_and_every_entry_checks() {
    let scene = scene();
    let text = scene.done(&format!("{TREES} --threads 1 --out one"));
    scene.done(&format!("{TREES} --threads 2 --out two"));
    assert_eq!(scene.files("one"), scene.files("two"));
    assert_eq!(scene.read("one/report.txt"), text);
    crate::snapshot!("audit-trees", text);
    every_entry_checks(&scene, "one", 20);
    let page = scene.read("one/report.html");
    for part in ["prefers-color-scheme: dark", "<details>", "Exact radii", "Security against theft"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script") && !page.contains("src=\"http"));
    // the grid makes every cell again
    scene.propcert_in("one", "study run grid.toml --out ../again").assert().code(0);
    assert_eq!(scene.read("again/cells.jsonl"), scene.read("one/cells.jsonl"));
    // an earlier audit is replaced as a whole, and two stand side by side
    scene.done(&format!("{TREES} --out one"));
    let both = scene.done("report one two --out both");
    assert!(both.contains("tiny, one") && both.contains("tiny, two"), "{both}");
    let page = scene.read("both/report.html");
    assert!(page.contains("overview-frontier") && page.contains("<dt>trees (tiny, one)</dt>"));
    assert_eq!(page.matches("Right on 80.0% (32 of 40) of test rows.").count(), 2);
    let report: serde_json::Value = serde_json::from_str(&scene.read("one/report.json")).unwrap();
    let audited = &report["runs"][0]["models"][0]["audited"];
    let orders: Vec<(&str, &str)> = audited["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| (order["increasing"].as_str().unwrap(), order["decreasing"].as_str().unwrap()))
        .collect();
    assert_eq!(
        orders,
        [("proved", "proved"), ("proved", "refuted")],
        "age is not used, income rises"
    );
    assert!(audited["radii"]["flips"][0]["words"].as_str().unwrap().contains("income from"));
}

#[test]
fn an_audit_of_a_network_goes_on_to_the_same_bytes() {
    let scene = scene();
    let text = scene.done(&format!("{MLP} --out whole"));
    crate::snapshot!("audit-mlp", text);
    every_entry_checks(&scene, "whole", 8);
    let call = format!("{MLP} --out out");
    let log = "out.partial/new/cells.jsonl.partial";
    let lines = |scene: &Scene| if scene.has(log) { scene.read(log).lines().count() } else { 0 };
    killed(&scene, &call, |scene| lines(scene) > 4);
    assert!(!scene.has("out"));
    scene.refused(&call, &["out.partial: is what an interrupted audit has kept", "--resume"]);
    for (other, key) in [
        (call.replace("--seed 5", "--seed 6"), "`grid`"),
        (call.replace("mlp.json", "trees.json"), "`model`"),
    ] {
        let other = scene.propcert(&format!("{other} --resume")).output().unwrap();
        let message = String::from_utf8_lossy(&other.stderr).into_owned();
        // another name is another model file
        assert!(other.status.code() == Some(2), "{key}: {message}");
    }
    scene.done(&format!("{call} --resume --threads 1"));
    assert_eq!(scene.files("out"), scene.files("whole"));
    assert!(!scene.has("out.partial"));
}

#[test]
fn gates_decide_the_exit_code_and_stand_in_every_report() {
    let scene = scene();
    gated(
        &scene,
        "met.toml",
        "local-invariance-0.25 = \">= 0.1 proved\"\nmonotonicity = \"all proved\"\nagreement-40 = \"<= 1\"\n\
         accuracy = \">= 0.5\"\nmonotone-increasing = \"none refuted\"\nradius-median = \">= 0\"\ngiven-away = \"<= 1\"",
    );
    let call = |plan: &str, out: &str| TREES.replace("plan.toml", plan) + " --out " + out;
    let text = scene.done(&call("met.toml", "met"));
    assert!(
        text.contains("monotonicity all proved: met (proved 1, refuted 0, undecided 0 of 1)"),
        "{text}"
    );
    let junit = scene.read("met/junit.xml");
    assert!(junit.contains("tests=\"7\" failures=\"0\""), "{junit}");
    gated(
        &scene,
        "short.toml",
        "local-invariance-0.25 = \"all proved\"\nagreement-40 = \"<= 0.1\"",
    );
    let run = scene.propcert(&call("short.toml", "short")).assert().code(1);
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(text.contains("agreement-40 <= 0.1: FELL SHORT"), "{text}");
    let junit = scene.read("short/junit.xml");
    assert!(junit.contains("tests=\"2\" failures=\"2\"") && junit.contains("&lt;= 0.1"), "{junit}");
    assert!(scene.read("short/report.html").contains("2 of 2 gates fell short"));
}

#[test]
fn an_earlier_audit_shows_what_got_worse() {
    let scene = scene();
    scene.write(
        "short.toml",
        format!("{PLAN}leave-out = [\"stealing\", \"defenses\", \"changes\"]\n"),
    );
    let call = TREES.replace("plan.toml", "short.toml");
    let text = scene.done(&format!("{call} --out old"));
    assert!(text.contains("stealing: left out by the plan."), "{text}");
    let same = scene.done(&format!("{call} --against old/report.json --out same"));
    assert!(same.contains("nothing changed"), "{same}");
    // the other direction of income
    scene.write("bent.json", crate::scene::TREES.replace("0.0,-0.5,0.5", "0.0,0.5,-0.5"));
    let bent = call.replace("trees.json", "bent.json");
    let run =
        scene.propcert(&format!("{bent} --against old/report.json --out new")).assert().code(1);
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(text.contains("worse: income increasing: was proved and is refuted now"), "{text}");
    let back =
        scene.propcert(&format!("{call} --against new/report.json --out back")).output().unwrap();
    let text = String::from_utf8_lossy(&back.stdout).into_owned();
    assert!(text.contains("better: income increasing: is proved now"), "{text}");
}

#[test]
fn models_of_other_tools_are_known_by_their_content() {
    let scene = scene();
    scene.write(
        "short.toml",
        format!("{PLAN}leave-out = [\"stealing\", \"defenses\", \"boundary\", \"leakage\"]\n"),
    );
    scene.done("export xgboost trees.json --out booster.json");
    scene.done("export onnx mlp.json --out network.onnx");
    for (model, words) in [("booster.json", "XGBoost"), ("network.onnx", "ONNX")] {
        scene.done(&format!(
            "audit --model {model} --data tiny.csv --plan short.toml --out {words}"
        ));
        let report = scene.read(&format!("{words}/report.json"));
        assert!(report.contains(&format!("imported from {words}")), "{report}");
        let name = model.split('.').next().unwrap();
        assert!(scene.has(&format!("{words}/models/{name}.json")));
    }
}

#[test]
fn bad_calls_are_refused_before_anything_is_written() {
    let scene = scene();
    let plan = |name: &str, text: &str| scene.write(name, format!("{PLAN}{text}\n"));
    plan("key.toml", "epsilon = 1");
    plan("gate.toml", "[gate]\nlocal-invariance-0.3 = \"all proved\"");
    plan("gate-kind.toml", "[gate]\nagreement-40 = \"all proved\"");
    plan("gate-text.toml", "[gate]\nagreement-40 = \"at most 0.9\"");
    plan("part.toml", "leave-out = [\"theft\"]");
    plan("left-out.toml", "leave-out = [\"stealing\"]\n[gate]\nagreement-40 = \"<= 0.9\"");
    plan("monotone.toml", "[monotone]\nheight = \"increasing\"");
    plan("direction.toml", "[monotone]\nage = \"up\"");
    scene.write("empty-budgets.toml", PLAN.replace("[12, 40]", "[40, 12]"));
    scene.write("no-attack.toml", PLAN.replace("random.toml", "randomm"));
    scene.write("rows.toml", PLAN.replace("rows = 12", "rows = 0"));
    scene.write("binary.toml", b"\xff\xfe");
    scene.write("other.json", crate::scene::TREES.replace("\"age\"", "\"height\""));
    scene.write("noise.json", b"\x00\x01\x02");
    scene.write("old.json", "{}");
    let before = scene.files("");
    let mut first = None;
    for (options, facts) in [
        ("--plan key.toml", &["key.toml", "line 11", "epsilon", "epsilons"] as &[&str]),
        (
            "--plan gate.toml",
            &["gate.toml", "line 12", "local-invariance-0.3", "local-invariance-0.25"],
        ),
        ("--plan gate-kind.toml", &["line 12", "agreement-40", "<= 0.9"]),
        ("--plan gate-text.toml", &["line 12", "at most 0.9", "all proved"]),
        ("--plan part.toml", &["line 11", "theft", "stealing"]),
        ("--plan left-out.toml", &["line 13", "agreement-40", "no such figure"]),
        ("--plan monotone.toml", &["line 12", "height", "age, income"]),
        ("--plan direction.toml", &["line 12", "up", "decreasing"]),
        ("--plan empty-budgets.toml", &["line 8", "budgets", "[40, 12]", "ascending"]),
        ("--plan no-attack.toml", &["line 10", "randomm", "random-uniform"]),
        ("--plan rows.toml", &["line 1", "rows", "0", "1 to"]),
        ("--plan binary.toml", &["binary.toml", "UTF-8"]),
        ("--plan missing.toml", &["missing.toml"]),
        ("--model other.json", &["height", "age", "income"]),
        ("--model noise.json", &["noise.json", "model/1", "ONNX"]),
        ("--model missing.json", &["missing.json"]),
        ("--data nowhere", &["nowhere"]),
        ("--data tiny.csv:test", &["tiny.csv:test", "part"]),
        ("--against old.json", &["old.json", "report/1"]),
        ("--quick --thorough", &["--quick", "--thorough"]),
        ("--out tiny.csv", &["tiny.csv"]),
    ] {
        let mut call = vec!["audit".to_owned()];
        let usual = [("--model", "trees.json"), ("--data", "tiny.csv"), ("--out", "out")];
        for (key, value) in usual.into_iter().filter(|(key, _)| !options.contains(key)) {
            call.extend([key.to_owned(), value.to_owned()]);
        }
        let message = scene.refused(&format!("{} {options}", call.join(" ")), facts);
        first.get_or_insert(message);
        assert!(!scene.has("out"), "{options}");
    }
    assert_eq!(scene.files(""), before);
    crate::snapshot!("audit-refusal", first.unwrap());
}

/// The commands of a page, as the shell reads them.
fn commands(page: &str) -> Vec<String> {
    let codes = page.split("<code>").skip(1).filter_map(|rest| rest.split("</code>").next());
    let plain = |code: &str| code.replace("&#x2f;", "/").replace("&amp;", "&");
    let commands: Vec<String> =
        codes.map(plain).filter(|code| code.starts_with("propcert ")).collect();
    commands
}

#[test]
fn the_commands_of_a_page_run_in_its_folder() {
    let scene = scene();
    scene.write("page.toml", format!("{PLAN}leave-out = [\"defenses\"]\n"));
    scene.done(&format!("{} --out one", TREES.replace("plan.toml", "page.toml")));
    let page = scene.read("one/report.html");
    let checks = commands_of_checks(&page);
    assert!(checks.len() >= 4, "{checks:?}");
    for command in checks {
        scene.propcert_in("one", command.trim_start_matches("propcert ")).assert().code(0);
    }
    // the call itself keeps its paths
    let audit =
        "propcert audit --model trees.json --data tiny.csv --plan page.toml --seed 5 --out DIR";
    assert!(page.contains(audit), "{page}");
    assert!(page.contains("href=\"cells.jsonl\""));
    // seen from elsewhere they run there
    scene.done("report one --out two/deep");
    let page = scene.read("two/deep/report.html");
    for command in commands_of_checks(&page) {
        scene.propcert_in("two/deep", command.trim_start_matches("propcert ")).assert().code(0);
    }
}

fn commands_of_checks(page: &str) -> Vec<String> {
    commands(page).into_iter().filter(|one| one.starts_with("propcert check ")).collect()
}

#[test]
fn a_model_with_one_label_has_nothing_to_steal() {
    let scene = scene();
    let constant = crate::scene::TREES.replace("0.0,-1.0,1.0", "0.0,1.0,1.0");
    scene.write("trees.json", constant.replace("0.0,-0.5,0.5", "0.0,0.5,0.5"));
    gated(&scene, "gated.toml", "agreement-40 = \"<= 0.9\"");
    let call = TREES.replace("plan.toml", "gated.toml");
    let run = scene.propcert(&format!("{call} --out one")).assert().code(1);
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    let reason = "the model answers label 1 wherever it was asked, so one query tells all";
    assert!(text.contains(&format!("stealing: {reason}.")), "{text}");
    assert!(text.contains(&format!("FELL SHORT (there is no such figure: {reason})")), "{text}");
    let page = scene.read("one/report.html");
    assert!(page.contains("one query tells all, and there is nothing more to steal"));
    assert!(!page.contains("No attack tried"));
    assert!(page.contains("1 of 1 gate fell short"));
}

#[test]
fn impossible_bounds_and_misspelled_figures_are_refused() {
    let scene = scene();
    for (gate, facts) in [
        ("agreement-40 = \"<= 95\"", &["line 13", "<= 95", "write 0.95"] as &[&str]),
        ("accuracy = \">= 90\"", &["line 13", "accuracy", "write 0.95"]),
        ("accuracy = \">= -3\"", &["line 13", "from 0 to 1"]),
        ("local-invariance-0.25 = \">= 1.5 proved\"", &["line 13", "from 0 to 1"]),
        ("radius-median = \">= -1\"", &["line 13", "0 or more"]),
        ("acuracy = \">= 0.9\"", &["line 13", "did you mean `accuracy`?"]),
        ("monotone-increase = \"all proved\"", &["did you mean `monotone-increasing`?"]),
    ] {
        gated(&scene, "plan.toml", gate);
        scene.refused(&format!("{TREES} --out out"), facts);
        assert!(!scene.has("out"), "{gate}");
    }
}

#[test]
fn classes_have_their_names_and_a_lost_part_is_told() {
    let scene = scene();
    let meta = scene.read("tiny.meta.json");
    let named = "\"synthetic\":true,\"classes\":[\"ham\",\"spam\"]";
    scene.write("tiny.meta.json", meta.replace("\"synthetic\":true", named));
    let leave_out = "[\"stealing\", \"defenses\", \"local-invariance\"]";
    scene.write("short.toml", format!("{PLAN}leave-out = {leave_out}\n"));
    let text = scene.done(&format!("{} --out one", TREES.replace("plan.toml", "short.toml")));
    assert!(text.contains("turns ham into spam"), "{text}");
    let reason =
        "leakage: counted from the certificates of local-invariance, which the plan leaves out.";
    assert!(text.contains(reason), "{text}");
    let page = scene.read("one/report.html");
    assert!(page.contains("more never speaks against spam"), "{page}");
    // what was stolen before and is not now is worse
    let whole = format!("{PLAN}leave-out = [\"defenses\", \"local-invariance\"]\n");
    scene.write("whole.toml", whole);
    scene.done(&format!("{} --out old", TREES.replace("plan.toml", "whole.toml")));
    let call = TREES.replace("plan.toml", "short.toml");
    let run =
        scene.propcert(&format!("{call} --against old/report.json --out new")).assert().code(1);
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(text.contains("worse: agreement-40: is no longer measured"), "{text}");
    // fewer rows are other rows
    scene.write(
        "few.toml",
        format!("{}leave-out = {leave_out}\n", PLAN.replace("radii-rows = 6", "radii-rows = 3")),
    );
    let text = scene.done(&format!(
        "{} --against one/report.json --out few",
        TREES.replace("plan.toml", "few.toml")
    ));
    assert!(text.contains("not compared: radius-median: 6 rows"), "{text}");
}

#[test]
fn three_classes_are_defended_by_vertices() {
    let scene = scene();
    let table = scene.read("tiny.csv");
    let third = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        match cells[2].parse::<f64>() {
            Ok(income) => format!("{},{},{}", (income / 1.4) as u32, cells[1], cells[2]),
            Err(_) => line.to_owned(),
        }
    };
    let rows: Vec<String> = table.lines().map(third).collect();
    scene.write("tiny.csv", rows.join("\n") + "\n");
    let meta = scene.read("tiny.meta.json");
    scene.write("tiny.meta.json", meta.replace(",\"monotone\":{\"income\":\"increasing\"}", ""));
    let (head, _) = crate::scene::MLP.split_once("\"layers\"").unwrap();
    let layers =
        "\"layers\":[{\"weights\":[[0.0,-1.0],[0.0,0.0],[0.0,1.0]],\"bias\":[0.0,0.5,0.0]}]}";
    let model = head.replace("\"classes\":2", "\"classes\":3") + layers;
    scene.write("mlp.json", model);
    scene.write("net.toml", "attack = \"random\"\nsubstitute = { hidden = [4], epochs = 2 }\n");
    let plan = PLAN.replace("\"thief.toml\", \"random.toml\"", "\"net.toml\"");
    scene.write("plan.toml", plan.replace("rows = 12", "rows = 40"));
    let text = scene.done(&format!("{MLP} --out one"));
    assert!(text.contains("vertex-poisoning (alpha"), "{text}");
    assert!(!text.contains("vp: "), "{text}");
    assert!(text.contains("unsure already"), "{text}");
    assert!(text.contains("an example: ") && !text.contains("changing nothing"), "{text}");
    let page = scene.read("one/report.html");
    assert!(page.contains("vertex-poisoning"));
}

#[test]
fn a_thief_that_follows_gradients_has_its_angles_measured() {
    let scene = scene();
    let attack = "attack = \"jacobian\"\nsubstitute = { hidden = [4], epochs = 2 }\n";
    scene.write("jacobian.toml", attack);
    let plan =
        PLAN.replace("\"thief.toml\", \"random.toml\"", "\"random.toml\", \"jacobian.toml\"");
    scene.write("plan.toml", format!("{plan}leave-out = [\"defenses\", \"changes\"]\n"));
    let text = scene.done(&format!("{MLP} --out one"));
    assert!(text.contains("Angles between gradients"), "{text}");
    assert!(text.contains("jacobian-12: "), "{text}");
    let page = scene.read("one/report.html");
    assert!(page.contains("Mean angle between the gradients"));
    assert!(page.contains("Inside and outside the data"));
    scene.write(
        "plan.toml",
        format!("{plan}leave-out = [\"defenses\", \"changes\"]\nangles = false\n"),
    );
    let text = scene.done(&format!("{MLP} --out two"));
    assert!(!text.contains("Angles"), "{text}");
}

#[test]
fn whole_features_stay_whole_in_radii() {
    let scene = scene();
    let by_age = crate::scene::TREES.replace(
        "\"feature\":[1,0,0],\"threshold\":[2.0",
        "\"feature\":[0,0,0],\"threshold\":[2.0",
    );
    scene.write("trees.json", by_age);
    let leave_out = "leave-out = [\"stealing\", \"defenses\", \"leakage\", \"changes\"]\n";
    scene.write("short.toml", format!("{PLAN}{leave_out}"));
    let text = scene.done(&format!("{} --out one", TREES.replace("plan.toml", "short.toml")));
    assert!(text.contains("age from 2 to 1") || text.contains("age from 1 to 2"), "{text}");
    assert!(!text.contains("just below"), "{text}");
    let report: serde_json::Value = serde_json::from_str(&scene.read("one/report.json")).unwrap();
    let radii = &report["runs"][0]["models"][0]["audited"]["radii"];
    assert_eq!(radii["is_whole"], true);
    let file = radii["flips"][0]["file"].as_str().unwrap().replace(".jsonl", ".toml");
    assert!(scene.read(&format!("one/{file}")).contains("integers = \"respect\""));
}
