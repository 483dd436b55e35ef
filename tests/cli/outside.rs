//! `steal --target-exec`: a command as the target.
#![cfg(unix)]

use crate::scene::Scene;

const ATTACK: &str = "attack = \"jacobian\"\n[substitute]\nepochs = 20\n";

/// Answers by income, and writes down every row that it is asked.
const SIGN: &str = "exec 3>>asked.txt\nwhile IFS=, read -r age income; do echo $age,$income >&3; case $income in [234]*) echo 1;; *) echo 0;; esac; done\n";

fn scene(script: &str) -> Scene {
    let scene = Scene::new();
    scene.write("attack.toml", ATTACK);
    scene.write("serve.sh", script);
    scene
}

fn call(scene: &Scene, more: &str) -> assert_cmd::Command {
    let words = format!(
        "steal --attack attack.toml --data tiny.csv --budget 40 --seeds 10 --repetitions 2 --out stolen{more}"
    );
    let mut command = scene.propcert(&words);
    command.args(["--target-exec", "sh serve.sh"]);
    command
}

#[test]
fn a_command_is_stolen_like_a_model_and_asked_nothing_twice() {
    let scene = scene(SIGN);
    call(&scene, "").assert().code(0);
    let metrics: serde_json::Value =
        serde_json::from_str(&scene.read("stolen/metrics.json")).unwrap();
    let attack = &metrics["repetitions"][0]["attack"];
    assert_eq!((&attack["queries"], &attack["labelled"]), (&40.into(), &40.into()));
    assert!(attack["scores"]["agreement"]["held_out"].as_f64().unwrap() > 0.8, "{attack}");
    assert_eq!(metrics["about"]["target"]["name"], "sh serve.sh");
    let asked = scene.read("asked.txt");
    let distinct: std::collections::BTreeSet<&str> = asked.lines().collect();
    assert_eq!(distinct.len(), asked.lines().count());
    assert!(!scene.has("stolen.answers.partial") && !scene.has("stolen.repetitions.partial"));
}

#[test]
fn a_run_that_ended_early_goes_on_without_asking_twice() {
    // the first start answers 400 rows and ends
    let limited = SIGN.replace(
        "while IFS=, read -r age income; do",
        "while [ $n -gt 0 ] && IFS=, read -r age income; do n=$((n - 1));",
    );
    let script = format!("n=1000000; [ -e started ] || n=400; touch started\n{limited}");
    let scene = scene(&script);
    let output = call(&scene, "").assert().code(2).get_output().stderr.clone();
    let message = String::from_utf8_lossy(&output).into_owned();
    assert!(message.contains("sh serve.sh") && message.contains("answers"), "{message}");
    assert!(!scene.has("stolen") && scene.has("stolen.answers.partial"));
    let before = scene.read("asked.txt").lines().count();
    let kept = scene.read("stolen.answers.partial").lines().count() - 1;
    let message = call(&scene, "").assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&message).contains("--resume"));
    call(&scene, " --resume").assert().code(0);
    let asked = scene.read("asked.txt");
    let again: Vec<&str> = asked.lines().skip(before).collect();
    let first: std::collections::BTreeSet<&str> = asked.lines().take(kept).collect();
    assert!(again.iter().all(|row| !first.contains(row)), "asked twice");
    let whole = Scene::new();
    whole.write("attack.toml", ATTACK);
    whole.write("serve.sh", SIGN);
    call(&whole, "").assert().code(0);
    assert_eq!(scene.files("stolen"), whole.files("stolen"));
}

#[test]
fn bad_commands_are_told_what_is_wrong() {
    for (script, facts) in [
        ("while read -r row; do echo 7; done", ["`7`", "from 0 to 1"]),
        ("while read -r row; do echo spam; done", ["`spam`", "line 1"]),
        ("read -r row", ["ended after 0", "sh serve.sh"]),
        ("while read -r row; do echo 0.5,0.5,0; done", ["0.5,0.5,0", "2 numbers"]),
    ] {
        let scene = scene(script);
        let output = call(&scene, "").assert().code(2).get_output().stderr.clone();
        let message = String::from_utf8_lossy(&output).into_owned();
        assert!(facts.iter().all(|fact| message.contains(fact)), "{script}: {message}");
        assert!(!message.contains("panicked") && !scene.has("stolen"), "{message}");
        assert!(!scene.has("stolen.answers.partial") && !scene.has("stolen.repetitions.partial"));
    }
    let scene = scene("sleep 30");
    let output = call(&scene, " --time-limit 1").assert().code(2).get_output().stderr.clone();
    let message = String::from_utf8_lossy(&output).into_owned();
    assert!(message.contains("in 1 s") && message.contains("flush"), "{message}");
    call(&scene, " --time-limit 0").assert().code(2);
}

#[test]
fn posteriors_are_asked_of_commands_that_give_them() {
    let posteriors = "while IFS=, read -r age income; do case $income in [234]*) echo 0.25,0.75;; *) echo 0.875,0.125;; esac; done";
    let attack = format!("response = \"posterior\"\n{ATTACK}");
    let given = scene(posteriors);
    given.write("attack.toml", &attack);
    call(&given, "").assert().code(0);
    assert!(given.read("stolen/transcript.jsonl").contains("posterior"));
    let label_only = scene(SIGN);
    label_only.write("attack.toml", &attack);
    let output = call(&label_only, "").assert().code(2).get_output().stderr.clone();
    let message = String::from_utf8_lossy(&output).into_owned();
    assert!(message.contains("labels") && message.contains("posterior"), "{message}");
    let mut both = call(&given, "");
    both.args(["--target", "mlp.json"]);
    both.assert().code(2);
}

/// More lines than rows: no answer counts, whenever that shows, and none is left for a run that goes on.
#[test]
fn answers_that_may_be_those_of_other_rows_are_given_up() {
    let late = SIGN.replace("case $income", "n=$((n + 1)); [ $n = 30 ] && echo 1; case $income");
    let late = format!("n=0\n{late}");
    let doubled = SIGN.replace("esac; done", "esac; echo 0; done");
    let banner = format!("echo 0\n{SIGN}");
    for script in [late, doubled, banner] {
        let scene = scene(&script);
        let output = call(&scene, "").assert().code(2).get_output().stderr.clone();
        let message = String::from_utf8_lossy(&output).into_owned();
        assert!(message.contains("without a row"), "{script}: {message}");
        assert!(!scene.has("stolen.answers.partial") && !scene.has("stolen.repetitions.partial"));
        scene.write("serve.sh", SIGN);
        call(&scene, " --resume").assert().code(0);
        let whole = self::scene(SIGN);
        call(&whole, "").assert().code(0);
        assert_eq!(scene.files("stolen"), whole.files("stolen"), "{script}");
    }
}

/// Nothing is asked, and perhaps paid, for a theft that cannot be.
#[test]
fn settings_that_cannot_be_are_refused_before_a_row_is_asked() {
    let masked = "attack = \"masked_thief\"\n[inference]\nrule = \"length\"\neta = -4.0\nthreshold = 0.5\n[inference.property]\nname = \"monotonicity\"\nfeatures = [\"height\"]\ndirection = \"increasing\"\n";
    for (attack, more, fact) in [
        (ATTACK, " --settle 1.0", "nothing is proved of a command"),
        (ATTACK, " --angles 0", "from 1 to 2000"),
        ("attack = \"thresholds\"\n", "", "monotone"),
        (masked, "", "height"),
    ] {
        let scene = scene(SIGN);
        scene.write("attack.toml", attack);
        let output = call(&scene, more).assert().code(2).get_output().stderr.clone();
        let message = String::from_utf8_lossy(&output).into_owned();
        assert!(message.contains(fact), "{attack}{more}: {message}");
        assert!(!scene.has("asked.txt") && !scene.has("stolen.answers.partial"), "{attack}{more}");
    }
    // one row tells that there are no posteriors
    for attack in
        [format!("response = \"posterior\"\n{ATTACK}"), "attack = \"equations\"\n".to_owned()]
    {
        let scene = scene(SIGN);
        scene.write("attack.toml", attack);
        call(&scene, "").assert().code(2);
        assert_eq!(scene.read("asked.txt").lines().count(), 1);
    }
}
