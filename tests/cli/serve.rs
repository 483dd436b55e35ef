//! `predict --defense`: answers of defended models, drawn ones among them, with their log and memory.

use propcert::model::Digest;

use crate::scene::Scene;

const DEFEND: &str = "defend --model mlp.json --data tiny.csv --defense brr --parameters shift=0.25,cell=0.125,seed=3 --out defended";
const SERVE: &str = "predict --model mlp.json --points points.csv --defense defended/defense.json";
const CHECK: &str = "check served.jsonl --model mlp.json --spec served.toml --data served.csv";

/// Points on both sides of the boundary, some of them in one cell.
fn points() -> String {
    let mut text = "age,income\n".to_owned();
    for k in 0..60 {
        text += &format!("{},{}\n", k % 5, f64::from(k) / 15.0);
        text += &format!("{},{}\n", k % 5, f64::from(k) / 15.0 + 1e-6);
    }
    text
}

fn defended() -> Scene {
    let scene = Scene::new();
    scene.write("points.csv", points());
    scene.done(DEFEND);
    scene
}

/// Exit code 0, with standard output and standard error.
fn both(scene: &Scene, words: &str) -> (String, String) {
    let output = scene.propcert(words).assert().code(0).get_output().clone();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (out, err)
}

#[test]
fn the_log_of_served_answers_is_a_certificate() {
    let scene = defended();
    let (answers, said) = both(&scene, &format!("{SERVE} --log served.jsonl"));
    assert_eq!(answers.lines().count(), 121);
    assert_eq!(answers.lines().next(), Some("label"));
    for part in
        ["120 answers: ", " proved, ", " drawn at epsilon 1 (privacy spent: ", " remembered"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let proved: usize =
        said.split("answers: ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(proved > 20 && proved < 120, "{said}");
    for exact in ["", " --exact"] {
        let text = scene.done(&format!("{CHECK}{exact}"));
        assert!(text.contains("part served rows 120"), "{text}");
        let totals = format!("proved {proved} refuted 0 undecided {} of 120", 120 - proved);
        assert!(text.contains(&totals), "{text}");
    }
    // the answers are those of the log
    let logged = scene.read("served.csv");
    let labels = logged.lines().skip(1).map(|line| line.split(',').next().unwrap());
    assert!(answers.lines().skip(1).eq(labels));
    // an answer that is not the proved one
    let turned: String = logged
        .lines()
        .enumerate()
        .map(|(at, line)| match line.strip_prefix("0,") {
            Some(rest) if at > 0 => format!("1,{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let digest = |rows: &str| {
        Digest::of_all([rows.as_bytes(), scene.read("served.meta.json").as_bytes()]).to_string()
    };
    let certificate = scene.read("served.jsonl").replace(&digest(&logged), &digest(&turned));
    scene.refused(&CHECK.replace("served.jsonl", "served.toml"), &["served.toml"]);
    scene.write("served.csv", &turned);
    scene.refused(CHECK, &["data"]);
    scene.write("served.jsonl", certificate);
    let output = scene.propcert(CHECK).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&output).contains("does not hold"));
}

/// The same call leaves the same bytes for any number of threads, and over its own log.
#[test]
fn answers_are_the_same_for_any_number_of_threads() {
    let scene = defended();
    let first = scene.done(&format!("{SERVE} --log served.jsonl --threads 1"));
    let log = scene.read("served.jsonl");
    assert_eq!(scene.done(&format!("{SERVE} --log served.jsonl --threads 2")), first);
    assert_eq!(scene.read("served.jsonl"), log);
    let json = scene.done(&format!("{SERVE} --json"));
    assert_eq!(json.lines().count(), 120);
    assert!(json.starts_with("{\"label\":"), "{json}");
}

#[test]
fn a_memory_answers_for_its_cells_and_survives_a_tear() {
    let scene = defended();
    let serve = format!("{SERVE} --memory answers.jsonl");
    let (first, said) = both(&scene, &serve);
    let whole = scene.read("answers.jsonl");
    let cells = whole.lines().count() - 1;
    assert!(said.contains(&format!("all {cells} cells drawn so far")), "{said}");
    let (again, said) = both(&scene, &serve);
    assert_eq!(again, first);
    assert!(said.contains(" 0 drawn at epsilon 1 (privacy spent: 0.000000)"), "{said}");
    // near-duplicates, the second of each pair alone
    let all = points();
    let seconds: Vec<&str> =
        all.lines().enumerate().filter(|(k, _)| k % 2 == 0).map(|(_, l)| l).collect();
    scene.write("seconds.csv", seconds.join("\n") + "\n");
    let answers = scene.done(&serve.replace("points.csv", "seconds.csv"));
    let expected: Vec<&str> =
        first.lines().enumerate().filter(|(k, _)| k % 2 == 0).map(|(_, line)| line).collect();
    assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
    // torn in its last line
    for lost in [1, 20, 60] {
        scene.write("answers.jsonl", &whole[..whole.len() - lost]);
        let (answers, said) = both(&scene, &serve);
        assert_eq!(answers, first, "{lost}");
        assert!(said.contains(" 1 drawn at epsilon 1"), "{said}");
        assert_eq!(scene.read("answers.jsonl"), whole);
    }
    // damaged elsewhere
    scene.write("answers.jsonl", whole.replacen("\"label\":", "\"lable\":", 1));
    scene.refused(&serve, &["answers.jsonl", "line 2", "a cell and its label"]);
    // of another defense
    scene.write("answers.jsonl", &whole);
    scene.done(&DEFEND.replace("seed=3", "seed=4"));
    let own = Digest::of(scene.read("defended/defense.json").as_bytes()).to_string();
    scene.refused(&serve, &["answers.jsonl", "is the memory of the defense", &own]);
    assert_eq!(scene.read("answers.jsonl"), whole);
}

#[test]
fn maps_answer_labels_and_their_posteriors() {
    let scene = defended();
    scene.done(
        "defend --model mlp.json --data tiny.csv --defense pp --parameters alpha=0.25 --out pp",
    );
    let serve = "predict --model mlp.json --points points.csv --defense pp/defense.json";
    let (plain, defended) = (
        scene.done("predict --model mlp.json --points points.csv --posterior"),
        scene.done(&format!("{serve} --posterior")),
    );
    assert_eq!(defended.lines().next(), Some("label,p0,p1"));
    for (plain, defended) in plain.lines().zip(defended.lines()).skip(1) {
        let number =
            |line: &str, at: usize| line.split(',').nth(at).unwrap().parse::<f64>().unwrap();
        // label,margin,p0,p1
        let (before, after) = (number(plain, 3), number(defended, 2));
        let raised = if number(plain, 0) == 1.0 { 0.0 } else { 0.25 };
        assert!((after - (0.75 * before + raised)).abs() < 1e-12, "{plain} {defended}");
        let label =
            if after > 0.5 || (after == 0.5 && number(plain, 0) == 0.0) { 1.0 } else { 0.0 };
        assert_eq!(number(defended, 0), label, "{plain} {defended}");
    }
    for (option, fact) in [
        (
            "--memory answers.jsonl",
            "--memory: the answers of prediction-poisoning follow from the point",
        ),
        ("--log served.jsonl", "--log: the answers of prediction-poisoning follow from the point"),
        ("--margin-bits", "cannot be used with"),
    ] {
        scene.refused(&format!("{serve} {option}"), &[fact]);
    }
}

#[test]
fn bad_calls_of_serving_are_refused_and_nothing_is_left() {
    let scene = defended();
    let log = format!("{SERVE} --log served.jsonl");
    for (words, fact) in [
        (log.replace("--model mlp.json", "--model trees.json"), "for another model: it names"),
        (log.replace("defended/defense.json", "mlp.json"), "not a defense/1 file"),
        (format!("{SERVE} --posterior"), "answers are labels"),
        (log.replace("served.jsonl", "served"), "expected a name that ends in .jsonl"),
        (log.replace("served.jsonl", "points.jsonl"), "points.csv: is there and is not"),
        (log.replace("served.jsonl", "nowhere/served.jsonl"), "there is no folder nowhere"),
        (format!("{SERVE} --memory points.csv"), "is the file that is read as --points"),
        (format!("{SERVE} --memory ."), "is there and is no plain file"),
        (
            "predict --model mlp.json --points points.csv --memory answers.jsonl".to_owned(),
            "--defense",
        ),
    ] {
        scene.refused(&words, &[fact]);
    }
    scene.done(&DEFEND.replace("shift=0.25", "confidence=0.75"));
    scene.refused(&log, &["a band of confidence proves none", "`shift`"]);
    for left in ["served.jsonl", "served.csv", "served.toml", "served.meta.json", "answers.jsonl"] {
        assert!(!scene.has(left), "{left}");
    }
    assert_eq!(scene.read("points.csv"), points());
    let (_, said) = both(&scene, SERVE);
    assert!(said.contains(" beyond the band, "), "{said}");
}

/// Parameters outside their ranges, keys that are missing, maps for two classes before three.
#[test]
fn defenses_that_are_none_are_refused_by_name() {
    let scene = defended();
    let good = scene.read("defended/defense.json");
    let mirror = good.replace("boundary-randomised-response", "adaptive-misinformation");
    let target = Digest::of(scene.read("mlp.json").as_bytes());
    let am = |rest: &str| {
        format!(
            "{{\"format\":\"defense/1\",\"target\":\"{target}\",\"kind\":\"adaptive-misinformation\",{rest}}}"
        )
    };
    let digest = Digest::of(b"a decoy");
    for (text, fact) in [
        (
            good.replace("\"epsilon\":\"1\"", "\"epsilon\":\"0\""),
            "epsilon is 0, expected 0 < epsilon",
        ),
        (good.replace("\"shift\":\"0.25\"", "\"shift\":\"-1\""), "shift is -1, expected 0 < shift"),
        (good.replace("\"cell\":\"0.125\"", "\"cell\":\"0\""), "cell is 0, expected 0 < cell"),
        (
            good.replace(",\"norm\":\"linf\"", ""),
            "the zone is `shift`, expected `confidence`, or `shift` with `norm`",
        ),
        (good.replace("\"linf\"", "\"l2\""), "unknown value `l2`"),
        (good.replace("\"shift\":\"0.25\",\"norm\":\"linf\",", ""), "the zone is missing"),
        (
            good.replace("\"shift\"", "\"confidence\":\"0.9\",\"shift\""),
            "`confidence` with `shift` with `norm`",
        ),
        (good.replace("\"key\":\"", "\"key\":\"zz"), "64 lower-case hexadecimal digits"),
        (good.replace("\"units\":\"standardised\"", "\"units\":\"m\""), "unknown value `m`"),
        (mirror, "not a defense/1 file"),
        (am("\"nu\":\"10\",\"tau\":\"0.7\""), "missing field `decoy`"),
        (
            am(&format!("\"nu\":\"10\",\"tau\":\"0.7\",\"decoy\":\"{digest}\"")),
            "put its file at `bad.decoy.json`",
        ),
        (am("\"nu\":\"10\",\"tau\":\"0.7\",\"decoy\":\"mask\""), "the digest of a model"),
        (
            am("\"nu\":\"10\",\"tau\":\"1.7\",\"decoy\":\"mirror\""),
            "tau is 1.7, expected 0.5 <= tau < 1",
        ),
        (good.replace("boundary-randomised-response", "rot13"), "kind `rot13` has no rule"),
    ] {
        assert_ne!(text, good, "{fact}");
        scene.write("bad.json", &text);
        let words = SERVE.replace("defended/defense.json", "bad.json");
        scene.refused(&words, &["bad.json", fact]);
    }
    let three = scene.read("mlp.json").replace("\"classes\":2", "\"classes\":3").replace(
        "[[0.0,1.0],[1.0,0.0]],\"bias\":[0.0,0.0]",
        "[[0.0,1.0],[1.0,0.0],[0.5,0.5]],\"bias\":[0.0,0.0,0.0]",
    );
    scene.write("three.json", &three);
    let before = Digest::of(three.as_bytes()).to_string();
    scene.write("bad.json", good.replace(&target.to_string(), &before));
    let words = "predict --model three.json --points points.csv --defense bad.json";
    scene.refused(words, &["bad.json", "built for 2 classes, the model has 3"]);
}

/// What a map does not carry is not proved, and `--all-proved` says which map and which property.
#[test]
fn a_claim_that_is_lost_is_named_where_all_must_be_proved() {
    let scene = defended();
    scene.certify_local();
    for (parameters, property) in
        [("shift=0.25", "local-invariance"), ("confidence=0.9", "local-invariance")]
    {
        scene.done(&DEFEND.replace("shift=0.25", parameters));
        let subject =
            "--model mlp.json --spec local.toml --data tiny.csv --defense defended/defense.json";
        scene.done(&format!("certify {subject} --rows 5 --out lost.jsonl"));
        let check = format!("check lost.jsonl {subject}");
        assert!(scene.done(&check).contains("proved 0 refuted 0 undecided 5 of 5"));
        let output = scene.propcert(&format!("{check} --all-proved")).assert().code(1);
        let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        let expected = format!("keeps no claim of `{property}`");
        assert!(
            said.contains(&expected) && said.contains("boundary-randomised-response"),
            "{said}"
        );
    }
    // a label far above the band is kept
    scene.write("label.toml", "property = \"label\"\nepsilon = \"0.01\"\nlabel = \"predicted\"\n");
    let subject =
        "--model mlp.json --spec label.toml --data tiny.csv --defense defended/defense.json";
    scene.done(&format!("certify {subject} --rows 20 --out kept.jsonl"));
    let text = scene.done(&format!("check kept.jsonl {subject}"));
    assert!(!text.contains("proved 0 "), "{text}");
}

const MISINFORM: &str = "defend --model mlp.json --data tiny.csv --defense am --parameters tau=0.9,nu=50 --out misinformed";

/// Label and posterior of each answer.
fn answers(scene: &Scene, call: &str) -> Vec<(usize, [f64; 2])> {
    let text = scene.done(&format!("{call} --points points.csv --posterior"));
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |back: usize| cells[cells.len() - back].parse().unwrap();
        (cells[0].parse().unwrap(), [number(2), number(1)])
    };
    text.lines().skip(1).map(line).collect()
}

/// Answers are `(1 − a)·F + a·M`, and their labels those of the larger one.
#[test]
fn a_trained_decoy_answers_where_the_target_is_unsure() {
    let scene = Scene::new();
    scene.write("points.csv", points());
    for outliers in ["none", "uniform", "shuffled"] {
        scene.done(&format!("{MISINFORM} --decoy train --outliers {outliers} --force"));
        let target = answers(&scene, "predict --model mlp.json");
        let decoy = answers(&scene, "predict --model misinformed/defense.decoy.json");
        let served = answers(&scene, "predict --model mlp.json --defense misinformed/defense.json");
        let mut turned = 0;
        for (((own, f), (_, m)), (label, answer)) in target.iter().zip(&decoy).zip(&served) {
            let a = 1.0 / (1.0 + (50.0 * (f[*own] - 0.9)).exp());
            for class in [0, 1] {
                let expected = (1.0 - a) * f[class] + a * m[class];
                assert!((answer[class] - expected).abs() < 1e-9, "{answer:?} {expected}");
            }
            let top = usize::from(answer[1] > answer[0]);
            assert!((answer[0] - answer[1]).abs() < 1e-9 || *label == top, "{answer:?} {label}");
            turned += usize::from(label != own);
        }
        assert!(turned > 0, "{outliers}: no answer is turned");
    }
    // a file is as good as a training, and the same call leaves the same bytes
    let made = scene.read("misinformed/defense.decoy.json");
    scene.write("decoy.json", &made);
    scene.done(&MISINFORM.replace("--out misinformed", "--decoy decoy.json --out by-file"));
    for file in ["defense.json", "defense.decoy.json"] {
        let [one, other] =
            ["misinformed", "by-file"].map(|folder| scene.read(&format!("{folder}/{file}")));
        assert_eq!(one, other, "{file}");
    }
}

/// Claims behind a decoy are decided without it; answers are not.
#[test]
fn a_decoy_that_is_missing_or_another_is_refused_by_answers_only() {
    let scene = Scene::new();
    scene.write("points.csv", points());
    scene.done(&format!("{MISINFORM} --decoy train"));
    let decoy = scene.read("misinformed/defense.decoy.json");
    scene.write("alone.json", scene.read("misinformed/defense.json"));
    let subject = "--model mlp.json --spec local.toml --data tiny.csv --defense alone.json";
    let made = scene.done(&format!("certify {subject} --out alone.jsonl"));
    assert!(made.contains("proved"), "{made}");
    for exact in ["", " --exact"] {
        scene.done(&format!("check alone.jsonl {subject}{exact}"));
    }
    let serve = "predict --model mlp.json --points points.csv --defense alone.json";
    scene.refused(serve, &["alone.json", "decoy model", "alone.decoy.json"]);
    scene.write(
        "thief.toml",
        "attack = \"random\"\nseeds = \"none\"\n[generator]\nkind = \"uniform\"\nradius = 2.0\n",
    );
    let theft = "steal --target mlp.json --data tiny.csv --attack thief.toml --budget 40 --defense";
    scene.refused(&format!("{theft} alone.json --out stolen"), &["alone.decoy.json"]);
    scene.done(&format!("{theft} misinformed/defense.json --out stolen"));
    let other = scene.read("mlp.json");
    for (text, fact) in [
        (other.as_str(), "the decoy has digest"),
        (&decoy[..decoy.len() / 2], "alone.decoy.json"),
        ("{}", "alone.decoy.json"),
    ] {
        scene.write("alone.decoy.json", text);
        scene.refused(serve, &["alone.decoy.json", fact]);
    }
    for (call, fact) in [
        (MISINFORM.replace("--defense am", "--defense pp"), "answers by no decoy"),
        (MISINFORM.replace("tau=0.9", "tau=0.9,decoy=mirror"), "there is no parameter `decoy`"),
        (format!("{MISINFORM} --outliers far"), "possible values: none, uniform, shuffled"),
    ] {
        scene.refused(&format!("{call} --decoy train --force"), &[fact]);
    }
    scene.refused(&format!("{MISINFORM} --decoy nowhere.json --force"), &["nowhere.json"]);
    scene.refused(&format!("{MISINFORM} --decoy tiny.csv --force"), &["tiny.csv"]);
}
