//! Help.

use crate::scene::program;

const VERBS: [&str; 27] = [
    "demo",
    "audit",
    "data",
    "data list",
    "data describe",
    "data rows",
    "data make",
    "data import",
    "train",
    "predict",
    "spec",
    "spec list",
    "spec new",
    "certify",
    "check",
    "bounds",
    "steal",
    "defend",
    "report",
    "radius",
    "vnncomp",
    "import",
    "export",
    "study",
    "study run",
    "study merge",
    "study tables",
];

#[test]
fn every_verb_has_help_with_an_example() {
    for verb in VERBS {
        let run = program().args(verb.split(' ')).arg("--help").assert().code(0);
        let text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
        assert!(text.contains("Example"), "{verb}: {text}");
        assert!(run.get_output().stderr.is_empty(), "{verb}");
    }
}

#[test]
fn every_verb_is_listed() {
    let run = program().arg("--help").assert().code(0);
    let text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    for verb in VERBS.iter().filter(|verb| !verb.contains(' ')) {
        assert!(text.contains(&format!("\n  {verb} ")), "{verb}: {text}");
    }
}

#[test]
fn words_that_mean_nothing_are_refused() {
    for call in ["", "prove", "check", "check --no-such-option c", "data", "--threads 0 data list"]
    {
        let run = program().args(call.split_whitespace()).assert().code(2);
        assert!(!run.get_output().stderr.is_empty(), "{call}");
        assert!(run.get_output().stdout.is_empty(), "{call}");
    }
}
