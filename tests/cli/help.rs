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

#[test]
fn verbs_stand_in_the_order_of_work() {
    let run = program().arg("--help").assert().code(0);
    let text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    let places = [
        "demo", "audit", "data", "train", "import", "predict", "spec", "certify", "check",
        "radius", "bounds", "steal", "defend", "report", "study",
    ]
    .map(|verb| text.find(&format!("\n  {verb} ")).unwrap_or_else(|| panic!("{verb}: {text}")));
    assert!(places.is_sorted(), "{text}");
    assert!(!text.contains("\n  completions") && !text.contains("\n  man "), "{text}");
}

#[test]
fn shells_and_manuals_know_every_verb() {
    let told = |words: &str| {
        let run = program().args(words.split(' ')).assert().code(0);
        String::from_utf8(run.get_output().stdout.clone()).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let text = told(&format!("completions {shell}"));
        assert!(text.contains("certify") && text.contains("budget-nodes"), "{shell}");
    }
    assert!(told("man").contains("propcert\\-certify"), "{}", told("man"));
    let page = told("man data import");
    assert!(page.starts_with(".ie") && page.contains("propcert data import"), "{page}");
    let run = program().args(["man", "certifi"]).assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(message.contains("did you mean `certify`?"), "{message}");
}
