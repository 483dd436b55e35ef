//! `check`: what is as stated, what is not, and what is refused.

use crate::scene::{LOCAL, MLP, Scene};

const LOCAL_CALL: &str = "check local.jsonl --model mlp.json --spec local.toml --data tiny.csv";
const MONOTONE_CALL: &str = "check monotone.jsonl --model trees.json --spec monotone.toml";

/// The last line of what was printed.
fn last(text: &str) -> &str {
    text.lines().last().unwrap()
}

#[test]
fn a_certificate_is_as_stated_in_both_arithmetics() {
    let scene = Scene::new();
    let stated = scene.certify_local();
    assert_eq!(last(&stated), "proved 10 refuted 2 undecided 0 of 12 (vacuous 0)");
    let text = scene.done(LOCAL_CALL);
    assert_eq!(last(&text), last(&stated));
    assert_eq!(scene.done(&format!("{LOCAL_CALL} --exact")), text);
    assert_eq!(last(&scene.certify_monotone()), last(&scene.done(MONOTONE_CALL)));
    crate::snapshot!("check-local", text);
}

#[test]
fn refutations_are_told_in_words() {
    let scene = Scene::new();
    scene.certify_local();
    let text = scene.done(&format!("{LOCAL_CALL} --witnesses"));
    assert_eq!(text.matches(" is refuted: ").count(), 2);
    crate::snapshot!("check-witnesses", text);
    let first = scene.done(&format!("{LOCAL_CALL} --witnesses=1"));
    assert!(text.starts_with(&first) && first.matches(" is refuted: ").count() == 1, "{first}");
    let whole = scene.done(&format!("{LOCAL_CALL} --witnesses=1 --whole"));
    assert!(whole.contains("  all features (row -> point):\n    age  "), "{whole}");
    assert!(whole.contains("\n    income  ") && !whole.contains("features differ"), "{whole}");
    scene.refused(&format!("{LOCAL_CALL} --whole"), &["--witnesses"]);
    let lines = scene.done(&format!("{LOCAL_CALL} --witnesses=1 --json"));
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines.iter().filter(|line| line["witness"].is_object()).collect();
    let [one] = told.as_slice() else { panic!("one witness: {told:?}") };
    assert_eq!(one["verdict"], "refuted");
    let points = one["witness"]["points"].as_array().unwrap();
    assert_eq!((points.len(), &points[0]["name"]), (2, &"row".into()));
    assert!(points.iter().all(|point| point["values"]["income"].is_f64()), "{points:?}");

    let falling = scene.read("monotone.toml").replace("increasing", "decreasing");
    scene.write("falling.toml", falling);
    scene.done("certify --model trees.json --spec falling.toml --out falling.jsonl");
    let call = "check falling.jsonl --model trees.json --spec falling.toml --witnesses";
    crate::snapshot!("check-witnesses-pair", scene.done(call));
}

/// Of three classes the margin is that over the next one.
#[test]
fn answers_of_several_classes_are_told() {
    let scene = Scene::new();
    let leaf = r#""feature":[0],"threshold":[0],"left":[-1],"right":[-1],"default-left":[0]"#;
    let tree = format!(r#""base":[0.0,1.0,2.5],"trees":[{{"output":0,{leaf},"leaf":[0.25]}}]"#);
    let model = crate::scene::TREES.replace("\"classes\":2", "\"classes\":3");
    let model = format!("{}{tree}}}", &model[..model.find("\"base\"").unwrap()]);
    scene.write("three.json", model);
    let subject = "--model three.json --spec local.toml --data tiny.csv";
    scene.done(&format!("certify {subject} --out three.jsonl"));
    let text = scene.done(&format!("check three.jsonl {subject} --witnesses=1"));
    assert!(text.contains("label 2, margin 1.500000 over the next class"), "{text}");
    let more = scene.done(&format!("check three.jsonl {subject} --witnesses=9"));
    assert!(more.starts_with(&text) && more.len() > text.len(), "{more}");
}

/// Of committed certificates: labels, outputs, shifted copies, and features of very different scales.
#[test]
fn refutations_of_many_features_are_told_in_words() {
    let root = env!("CARGO_MANIFEST_DIR");
    let told = |model: &str, claim: &str| {
        let call = format!(
            "check {root}/certificates/{model}/{claim}.jsonl --model {root}/certificates/{model}/model.json \
             --spec {root}/specs/{claim}.toml --data spambase --witnesses=1"
        );
        let text = Scene::new().done(&call);
        text[text.find("\nobligation").unwrap()..].to_owned()
    };
    crate::snapshot!(
        "check-witnesses-spambase",
        [
            told("spambase-mlp", "label-0.05"),
            told("spambase-mlp", "output-region-few-words"),
            told("spambase-mlp", "lipschitzness-0.05"),
            told("spambase-trees", "boundary-fuzz-0.1"),
        ]
        .concat()
    );
}

#[test]
fn the_first_obligations_alone_can_be_decided() {
    let scene = Scene::new();
    scene.certify_local();
    let text = scene.done(&format!("{LOCAL_CALL} --exact --first 3"));
    assert_eq!(last(&text), "proved 3 refuted 0 undecided 0 of 3 (vacuous 0)");
    scene.refused(&format!("{LOCAL_CALL} --first 3 --all-proved"), &["--all-proved"]);
}

#[test]
fn every_obligation_is_a_line_of_json() {
    let scene = Scene::new();
    scene.certify_local();
    let text = scene.done(&format!("{LOCAL_CALL} --json"));
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(lines[5]["verdict"], "refuted");
    assert_eq!(lines[12]["as-stated"], true);
    assert_eq!(lines[12]["totals"]["proved"], 10);
}

#[test]
fn all_proved_demands_every_obligation_and_at_least_one() {
    let scene = Scene::new();
    scene.certify_monotone();
    scene.done(&format!("{MONOTONE_CALL} --all-proved"));
    scene.certify_local();
    scene.propcert(&format!("{LOCAL_CALL} --all-proved")).assert().code(1);
    scene.write("local.jsonl", of_nothing(&scene.read("local.jsonl")));
    let text = scene.done(LOCAL_CALL);
    assert_eq!(last(&text), "proved 0 refuted 0 undecided 0 of 0 (vacuous 0)");
    scene.propcert(&format!("{LOCAL_CALL} --all-proved")).assert().code(1);
}

/// The certificate with its rows taken out: `certify` writes none of no rows, another tool may.
fn of_nothing(certificate: &str) -> String {
    let (header, _) = certificate.split_once('\n').unwrap();
    let header = header.replacen("\"rows\":12", "\"rows\":0", 1);
    let totals = certificate.lines().last().unwrap();
    let counts = ["proved", "refuted", "undecided", "vacuous", "invalid"];
    let totals = counts.iter().fold(totals.to_owned(), |totals, count| {
        let Some((before, after)) = totals.split_once(&format!("\"{count}\":")) else {
            return totals;
        };
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{before}\"{count}\":0{rest}")
    });
    format!("{header}\n{totals}\n")
}

/// Nothing was claimed, or only of rows outside the domain: no share is printed, least of all 100%.
#[test]
fn without_obligations_there_is_no_percentage() {
    let scene = Scene::new();
    scene.write("nowhere.toml", format!("{LOCAL}[domain]\nincome = [\"100\", \"200\"]\n"));
    for (spec, is_emptied, counts) in [
        ("local.toml", true, "proved 0 refuted 0 undecided 0 of 0 (vacuous 0)"),
        ("nowhere.toml", false, "proved 0 refuted 0 undecided 0 of 0 (vacuous 0) (invalid 12)"),
    ] {
        let subject = format!("--model mlp.json --spec {spec} --data tiny.csv");
        let mut made = scene.done(&format!("certify {subject} --rows 12 --out none.jsonl"));
        if is_emptied {
            scene.write("none.jsonl", of_nothing(&scene.read("none.jsonl")));
            made = scene.done(&format!("check none.jsonl {subject}"));
        }
        let text = scene.done(&format!("check none.jsonl {subject} --exact"));
        for shown in [&made, &text] {
            assert_eq!(last(shown), counts);
            assert!(shown.contains("there are none") && !shown.contains('%'), "{shown}");
        }
        let text = scene.done(&format!("check none.jsonl {subject} --json"));
        let summary: serde_json::Value = serde_json::from_str(last(&text)).unwrap();
        let ends = &summary["constraint-accuracy"];
        assert!(ends["lower"].is_null() && ends["upper"].is_null() && ends["of"] == 0, "{ends}");
        let refused = scene.propcert(&format!("check none.jsonl {subject} --all-proved"));
        refused_all_proved(refused);
    }
}

/// Exit code 1, and the counts in the message.
fn refused_all_proved(mut command: assert_cmd::Command) {
    let output = command.assert().code(1).get_output().clone();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("--all-proved: proved 0"), "{message}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains('%'));
}

/// Replaces the line about an obligation.
fn with_line(text: &str, at: usize, line: &str) -> String {
    let replaced = |(index, old)| if index == at + 1 { line } else { old };
    text.lines().enumerate().map(replaced).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_readable_certificate_that_is_wrong_is_not_as_stated() {
    let scene = Scene::new();
    scene.certify_local();
    let good = scene.read("local.jsonl");
    let wrong = [
        ("one more proved", good.replace("\"proved\":10", "\"proved\":11")),
        (
            "refuted called proved",
            good.replace("\"proved\":10,\"refuted\":2", "\"proved\":12,\"refuted\":0"),
        ),
        ("a vacuous one more", good.replace("\"vacuous\":0", "\"vacuous\":1")),
        ("a rule that does not hold", with_line(&good, 5, r#"{"at":5,"rule":"interval"}"#)),
        ("a linear rule that does not hold", with_line(&good, 5, r#"{"at":5,"rule":"linear"}"#)),
        (
            "a witness that violates nothing",
            with_line(&good, 5, r#"{"at":5,"rule":"counterexample","points":[["4","4"]]}"#),
        ),
        ("a proof given up, totals kept", with_line(&good, 0, r#"{"at":0,"rule":"none"}"#)),
    ];
    for (case, text) in wrong {
        assert_ne!(text, good, "{case}");
        scene.write("local.jsonl", text);
        for exact in ["", "--exact"] {
            let run = scene.propcert(&format!("{LOCAL_CALL} {exact}")).output().unwrap();
            let message = String::from_utf8_lossy(&run.stderr).into_owned();
            assert_eq!(run.status.code(), Some(1), "{case} {exact}: {message}");
            assert!(message.contains("local") || message.contains("line"), "{case}: {message}");
        }
    }
}

#[test]
fn a_claim_on_an_invalid_row_is_not_as_stated() {
    let scene = Scene::new();
    // half the incomes lie outside what this model declares
    scene.write(
        "mlp.json",
        MLP.replace(
            "\"name\":\"income\",\"kind\":\"real\",\"low\":\"0\",\"high\":\"4\"",
            "\"name\":\"income\",\"kind\":\"real\",\"low\":\"0\",\"high\":\"2\"",
        ),
    );
    let stated = scene.certify_local();
    assert!(last(&stated).contains("(invalid "), "{stated}");
    assert_eq!(last(&scene.done(LOCAL_CALL)), last(&stated));
    let text = scene.read("local.jsonl");
    let at = text.lines().position(|line| line.ends_with("\"rule\":\"none\"}")).unwrap() - 1;
    let line = format!("{{\"at\":{at},\"rule\":\"interval\"}}");
    scene.write("local.jsonl", with_line(&text, at, &line));
    scene.propcert(LOCAL_CALL).assert().code(1);
}

#[test]
fn what_is_no_certificate_is_refused() {
    let scene = Scene::new();
    scene.certify_local();
    let good = scene.read("local.jsonl");
    let line = |at, line: &str| with_line(&good, at, line);
    let header = |old: &str, new: &str| {
        assert!(good.contains(old), "{old}");
        good.replacen(old, new, 1)
    };
    let without_totals = &good[..good.find("{\"totals\"").unwrap()];
    let bad: Vec<(&str, String, &str)> = vec![
        ("unknown rule", line(0, r#"{"at":0,"rule":"magic"}"#), "`magic`"),
        ("rule not built", line(0, r#"{"at":0,"rule":"range"}"#), "range"),
        ("rule of ensembles", line(0, r#"{"at":0,"rule":"jumps"}"#), "jumps"),
        ("unknown key", line(0, r#"{"at":0,"rule":"interval","more":1}"#), "more"),
        ("key of another rule", line(0, r#"{"at":0,"rule":"interval","tree":"I"}"#), "tree"),
        ("key twice", line(0, r#"{"at":0,"at":0,"rule":"interval"}"#), "at"),
        ("no rule", line(0, r#"{"at":0}"#), "rule"),
        ("negative index", line(0, r#"{"at":-1,"rule":"interval"}"#), "line 2"),
        ("huge index", line(0, r#"{"at":99999999999999999999,"rule":"interval"}"#), "line 2"),
        (
            "neuron out of range",
            line(0, r#"{"at":0,"rule":"linear","hints":[{"slopes":[[0,99,0.5]]}]}"#),
            "obligation 0",
        ),
        (
            "cut outside its parent",
            line(0, r#"{"at":0,"rule":"split","tree":"i1:0x1p10 I I"}"#),
            "obligation 0",
        ),
        ("torn tree", line(0, r#"{"at":0,"rule":"split","tree":"i1:0x0p0 I"}"#), "line 2"),
        (
            "witness of another size",
            line(5, r#"{"at":5,"rule":"counterexample","points":[["1"]]}"#),
            "obligation 5",
        ),
        (
            "witness that is no number",
            line(5, r#"{"at":5,"rule":"counterexample","points":[["1","nan"]]}"#),
            "obligation 5",
        ),
        (
            "a line twice",
            good.replace("{\"at\":1,", "{\"at\":0,\"rule\":\"interval\"}\n{\"at\":1,"),
            "expected 1",
        ),
        ("a line missing", good.replace("{\"at\":1,\"rule\":\"interval\"}\n", ""), "expected 1"),
        ("lines swapped", line(0, r#"{"at":1,"rule":"interval"}"#), "expected 0"),
        ("no totals", without_totals.to_owned(), "totals"),
        ("totals early", good.replace("{\"at\":11,\"rule\":\"interval\"}\n", ""), "totals"),
        ("a tail", format!("{good}{{}}\n"), "follows"),
        ("torn in the last line", good[..good.len() - 2].to_owned(), "torn"),
        ("torn in the middle", good[..good.len() / 2].to_owned(), "torn"),
        ("empty", String::new(), "empty"),
        ("byte order mark", format!("\u{feff}{good}"), "line 1"),
        ("NUL bytes", "\0".repeat(4096), "line 1"),
        ("deep", "[".repeat(100_000) + "\n", "depth"),
        ("deep in a line", line(0, &"{\"at\":".repeat(100_000)), "depth"),
        ("next schema", header("certificate/1", "certificate/2"), "certificate/2"),
        ("unknown key in the header", header("{\"schema\"", "{\"note\":1,\"schema\""), "note"),
        ("unknown part", header("\"part\":\"test\"", "\"part\":\"all\""), "all"),
        ("more rows than there are", header("\"rows\":12", "\"rows\":4000000000"), "rows"),
        ("negative rows", header("\"rows\":12", "\"rows\":-12"), "line 1"),
        ("other semantics", header("served-f32", "real"), "semantics"),
        ("other integers", header("respect", "relax"), "integers"),
        ("short digest", header("\"model\":\"", "\"model\":\"0"), "line 1"),
        (
            "a defense",
            header("\"budget\"", &format!("\"defense\":\"{}\",\"budget\"", "0".repeat(64))),
            "defense",
        ),
    ];
    for (case, text, fact) in bad {
        assert_ne!(text, good, "{case}");
        scene.write("local.jsonl", text);
        let message = scene.refused(LOCAL_CALL, &["local.jsonl", fact]);
        assert!(message.len() < 2100, "{case}: {} bytes", message.len());
    }
    let garbage: Vec<u8> =
        (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    scene.write("local.jsonl", garbage);
    scene.refused(LOCAL_CALL, &["line 1"]);
}

#[test]
fn a_certificate_made_for_something_else_is_refused() {
    let scene = Scene::new();
    scene.certify_local();
    scene.write("other-mlp.json", format!("{MLP}\n"));
    scene.write("other.toml", format!("# the same\n{LOCAL}"));
    scene.write(
        "other.csv",
        scene.read("tiny.csv").replacen("label,age,income\n0", "label,age,income\n1", 1)
            + "1,1,1.5\n",
    );
    scene.write("other.meta.json", scene.read("tiny.meta.json").replace("tiny.csv", "other.csv"));
    let call =
        |model, spec, data| format!("check local.jsonl --model {model} --spec {spec} {data}");
    let tiny = "--data tiny.csv";
    scene.refused(&call("trees.json", "local.toml", tiny), &["another model"]);
    scene.refused(&call("other-mlp.json", "local.toml", tiny), &["another model"]);
    scene.refused(&call("mlp.json", "other.toml", tiny), &["another spec"]);
    scene.refused(&call("mlp.json", "local.toml", "--data other.csv"), &["another data"]);
    scene.refused(&call("mlp.json", "local.toml", "--data spambase"), &["data"]);
    scene.refused(&call("mlp.json", "local.toml", ""), &["--data"]);
    scene.refused(&call("mlp.json", "local.toml", "--data tiny.csv:train"), &["part"]);
    scene.refused(&format!("{LOCAL_CALL} --semantics real"), &["semantics"]);
    let message = scene.refused(&call("mlp.json", "predicted.toml", tiny), &["another spec"]);
    crate::snapshot!("check-refusal", message);
}

#[test]
fn work_is_limited() {
    let scene = Scene::new();
    scene.certify_local();
    scene.refused(&format!("{LOCAL_CALL} --max-work 10"), &["10"]);
    scene.refused(&format!("{LOCAL_CALL} --max-work 0"), &["0"]);
    scene.refused(&format!("{LOCAL_CALL} --max-work=-1"), &[]);
}

#[test]
fn paths_that_are_no_files_are_refused() {
    let scene = Scene::new();
    scene.certify_local();
    std::fs::create_dir(scene.path("folder")).unwrap();
    let mut paths = vec![("folder", "regular file"), ("missing", "missing")];
    if cfg!(unix) {
        let made = std::process::Command::new("mkfifo").arg(scene.path("pipe")).status().unwrap();
        assert!(made.success());
        paths.extend([("pipe", "regular file"), ("/dev/zero", "regular file")]);
    }
    for (path, fact) in paths {
        for argument in ["local.jsonl", "mlp.json", "local.toml"] {
            scene.refused(&LOCAL_CALL.replacen(argument, path, 1), &[path, fact]);
        }
        scene.refused(&LOCAL_CALL.replacen("tiny.csv", path, 1), &[path]);
        scene.refused(&format!("{LOCAL_CALL} --defense {path}"), &[path, fact]);
    }
}

/// A domain that some rows are outside of: they are named with the value and the bound, by every verb.
#[test]
fn rows_outside_the_domain_are_named() {
    let scene = Scene::new();
    let narrow = crate::scene::LOCAL.to_owned() + "[domain]\nincome = [\"2\", \"4\"]\n";
    scene.write("narrow.toml", narrow);
    let subject = "--model mlp.json --spec narrow.toml --data tiny.csv";
    let made = scene.done(&format!("certify {subject} --every 3 --out n.jsonl"));
    let checked = scene.done(&format!("check n.jsonl {subject}"));
    for text in [&made, &checked] {
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("invalid: ")).collect();
        assert_eq!(lines.len(), 4, "{text}");
        let fault = "below the lowest declared value 2.0";
        assert!(lines[0].contains("`income` is ") && lines[0].ends_with(fault), "{text}");
        assert!(lines[3].ends_with(" more"), "{text}");
    }
    let json = scene.done(&format!("check n.jsonl {subject} --json"));
    let json: serde_json::Value = serde_json::from_str(last(&json)).unwrap();
    let first = &json["invalid"][0];
    assert_eq!((&first["feature"], &first["fault"]), (&"income".into(), &"below".into()));
    assert!(first["value"].as_f64().unwrap() < 2.0 && first["bound"] == 2.0, "{first}");
    // the row is that of the part, counted from 0, with the step
    let row: usize = first["row"].as_str().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(row % 3, 0);
    let rows = scene.done("data rows tiny.csv:test");
    let value = rows.lines().nth(row + 1).unwrap().split(',').nth(2).unwrap();
    assert_eq!(value.parse::<f64>().ok(), first["value"].as_f64());
}
