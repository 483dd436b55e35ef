//! Help.

use crate::scene::{Scene, program};

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

/// Options have one name each; older names, and those of the same thing elsewhere, are taken as well and not shown.
#[test]
fn older_and_guessed_names_of_options_work() {
    let scene = Scene::new();
    scene.write("points.csv", "age,income\n1,1\n");
    scene.write("random.toml", "attack = \"random\"\n");
    scene.done("certify --model trees.json --spec monotone.toml --manifest m.json --out a.jsonl");
    for [shown, others @ ..] in [
        [
            "bounds --model mlp.json --points points.csv --method ibp --epsilon 0.1",
            "bounds --target mlp.json --points points.csv --method ibp --eps 0.1",
        ],
        [
            "predict --model mlp.json --points points.csv",
            "predict --target mlp.json --points points.csv",
        ],
        [
            "certify --model trees.json --spec monotone.toml --budget-nodes 9 --manifest n.json --out b.jsonl",
            "certify --target trees.json --spec monotone.toml --budget 9 --certificates o.json --out b.jsonl",
        ],
        [
            "steal --target trees.json --attack random.toml --data tiny.csv --certificates m.json --out s",
            "steal --model trees.json --attack random.toml --data tiny.csv --manifest m.json --out s",
        ],
        [
            "defend --model trees.json --data tiny.csv --defense pp --accuracy-points 2 --certificates m.json --budget-nodes 9 --out d",
            "defend --target trees.json --data tiny.csv --defense pp --points 2 --manifest m.json --budget 9 --out d",
        ],
    ] {
        let told = scene.done(shown);
        others.iter().for_each(|other| assert_eq!(scene.done(other), told, "{other}"));
    }
    let help = program().args(["defend", "--help"]).assert().code(0);
    let help = String::from_utf8(help.get_output().stdout.clone()).unwrap();
    assert!(help.contains("--accuracy-points") && !help.contains("--points"), "{help}");
    scene.refused(
        "predict --model gone.json --points points.csv",
        &["--model gone.json: there is no"],
    );
}

/// A file of the root that a command of the README writes is not offered to git.
#[test]
fn what_the_readme_writes_is_ignored() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let (readme, ignored) = (read("README.md"), read(".gitignore"));
    let is_ignored = |name: &str| {
        ignored.lines().filter_map(|line| line.strip_prefix('/')).any(|line| {
            let line = line.trim_end_matches('/');
            match line.split_once('*') {
                Some((before, after)) => name.starts_with(before) && name.ends_with(after),
                None => name == line,
            }
        })
    };
    let mut written = 0;
    for line in readme.lines().filter(|line| line.contains("--out ") || line.contains("propcert "))
    {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
        for pair in
            words.windows(2).filter(|pair| ["--out", "--log", "--memory", ">"].contains(&pair[0]))
        {
            let name = pair[1].trim_matches(['`', ',', '.', ';']);
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('/');
            if is_name {
                assert!(is_ignored(name), "{name}: {line}");
                written += 1;
            }
        }
    }
    assert!(written > 20, "{written}");
}
