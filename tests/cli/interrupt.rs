//! Ctrl-C: the run says what it has kept.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{SMALL_MLP, Scene};

/// Starts a run, presses Ctrl-C once `is_under_way` says so, and gives the exit code and the message.
fn interrupted(
    scene: &Scene,
    words: &str,
    is_under_way: impl Fn() -> bool,
) -> (Option<i32>, String) {
    let mut run = Command::new(assert_cmd::cargo::cargo_bin("propcert"))
        .current_dir(scene.path(""))
        .args(words.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !is_under_way() {
        assert!(start.elapsed() < Duration::from_secs(60), "{words} is not under way");
        assert!(run.try_wait().unwrap().is_none(), "{words} ended first");
        std::thread::sleep(Duration::from_millis(1));
    }
    let pressed = Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(pressed.success());
    let output = run.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_is_kept_is_told_and_goes_on() {
    let scene = Scene::new();
    let call = "certify --model mlp.json --spec local.toml --data many.csv:train --out c.jsonl";
    // enough rows that the run is still at work when the first ones are kept
    let rows: String =
        scene.read("tiny.csv").lines().skip(1).map(|row| format!("{row}\n")).collect();
    scene.write("many.csv", "label,age,income\n".to_owned() + &rows.repeat(400));
    scene.write("many.meta.json", scene.read("tiny.meta.json").replace("tiny", "many"));
    let partial = scene.path("c.jsonl.partial");
    let lines = || std::fs::read_to_string(&partial).map_or(0, |text| text.lines().count());
    let (code, message) = interrupted(&scene, call, || lines() > 200);
    assert_eq!(code, Some(130), "{message}");
    assert!(
        message.contains("interrupted: kept ") && message.contains("go on with --resume"),
        "{message}"
    );
    let kept: usize =
        message.split("kept ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(kept > 0 && kept < lines(), "{kept} and the header of {}", lines());
    assert!(!scene.has("c.jsonl"));
    scene.refused(call, &["--resume continues it"]);
}

#[test]
fn written_files_have_the_mode_of_new_files() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.certify_local();
    scene.done("spec new label --model mlp.json --out new.toml");
    scene.write("plain", "");
    let mode = |name: &str| std::fs::metadata(scene.path(name)).unwrap().permissions().mode();
    for name in ["local.jsonl", "new.toml"] {
        assert_eq!(mode(name), mode("plain"), "{name}");
    }
}

#[test]
fn a_training_says_how_far_its_state_is() {
    let scene = Scene::new();
    let long = SMALL_MLP.replace("epochs = 3", "epochs = 20000\npatience = 20000");
    scene.write("long.toml", long);
    let call = "train --data tiny.csv --recipe long.toml --out m.json";
    let (code, message) = interrupted(&scene, call, || scene.has("m.json.partial"));
    assert_eq!(code, Some(130), "{message}");
    let is_told = message.contains(" steps; go on with --resume");
    assert!(message.contains("interrupted: kept ") && is_told, "{message}");
    assert!(!scene.has("m.json") && !scene.has("m.json.training"));
}

#[test]
fn a_theft_says_how_many_repetitions_are_kept() {
    let scene = Scene::new();
    scene.write("random.toml", "attack = \"random\"\n");
    let call = "steal --target mlp.json --attack random.toml --data tiny.csv --budget 40 --repetitions 400 --out stolen";
    let partial = scene.path("stolen.repetitions.partial");
    let lines = || std::fs::read_to_string(&partial).map_or(0, |text| text.lines().count());
    let (code, message) = interrupted(&scene, call, || lines() > 2);
    assert_eq!(code, Some(130), "{message}");
    let is_told = message.contains(" of 400 repetitions; go on with --resume");
    assert!(message.contains("interrupted: kept ") && is_told, "{message}");
    assert!(!scene.has("stolen") && !scene.has("stolen.partial"));
    scene.refused(call, &["--resume continues it"]);
}

#[test]
fn a_run_that_keeps_nothing_leaves_nothing() {
    let scene = Scene::new();
    let call = "demo --small --rows 12 --repetitions 1 --data tiny.csv --out out";
    let model = "out.partial/new/models/natural-mlp.json";
    let (code, message) = interrupted(&scene, call, || scene.has(model));
    assert_eq!(code, Some(130), "{message}");
    assert!(message.contains("interrupted: nothing was kept"), "{message}");
    assert!(!scene.has("out") && !scene.has("out.partial"), "a draft is left");
}
