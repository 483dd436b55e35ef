//! `vnncomp`: instances of a benchmark, with certificates that `check` accepts.

use propcert::model::Model;

use crate::chance::Chance;
use crate::scene::Scene;

/// Over age and income in [1, 3]: the score is 2·income + age − 6.
const BOX: &str = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n\
    (declare-const Y_1 Real)\n(assert (>= X_0 1))\n(assert (<= X_0 3))\n(assert (>= X_1 1))\n\
    (assert (<= X_1 3))\n";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.done("export onnx mlp.json --out net.onnx");
    // never above 4 and a little; sometimes above 2
    scene.write("never.vnnlib", format!("{BOX}(assert (>= Y_1 4.5))\n"));
    scene.write("some.vnnlib", format!("{BOX}(assert (>= Y_1 2.0))\n"));
    scene.write("instances.csv", "net.onnx,never.vnnlib,60\nnet.onnx,some.vnnlib,60\n");
    scene
}

#[test]
fn answers_have_their_columns_and_certificates_check() {
    let scene = scene();
    let text = scene.done("vnncomp instances.csv --out results.csv --certificates kept");
    assert_eq!(text, "sat 1 unsat 1 unknown 0 timeout 0 error 0 of 2 (checked 2)\n");
    let table = scene.read("results.csv");
    let mut lines = table.lines();
    assert_eq!(
        lines.next().unwrap(),
        "line,onnx,vnnlib,result,seconds,nodes,certificate,checked,check_seconds,replayed"
    );
    assert!(lines.next().unwrap().starts_with("1,net.onnx,never.vnnlib,unsat,"), "{table}");
    assert!(lines.next().unwrap().contains(",sat,"), "{table}");
    for line in [1, 2] {
        let subject = format!("--model kept/{line}.model.json --spec kept/{line}.spec.toml");
        for arithmetic in ["", " --exact"] {
            scene.done(&format!("check kept/{line}.jsonl {subject}{arithmetic}"));
        }
    }
    assert!(scene.read("kept/2.witness.txt").contains("(Y_1 "));
    assert!(!scene.has("results.csv.partial"));
}

#[test]
fn one_line_alone_and_what_was_interrupted_goes_on() {
    let scene = scene();
    let text = scene.done("vnncomp instances.csv --line 2 --out two.csv");
    assert_eq!(text, "sat 1 unsat 0 unknown 0 timeout 0 error 0 of 1 (checked 1)\n");
    scene.write("results.csv.partial", log(&scene).replace("\"sat\"", "\"unknown\""));
    scene.refused("vnncomp instances.csv --out results.csv", &["an interrupted run has kept"]);
    let text = scene.done("vnncomp instances.csv --out results.csv --resume");
    assert_eq!(text, "sat 0 unsat 1 unknown 1 timeout 0 error 0 of 2 (checked 2)\n");
}

/// Lines of a benchmark that are answered one by one share their folder; a whole run leaves nothing else.
#[test]
fn the_certificates_of_other_lines_stay() {
    let scene = scene();
    for line in [1, 2, 2] {
        let call = "vnncomp instances.csv --out r.csv --certificates kept";
        scene.done(&format!("{call} --line {line}"));
    }
    let apart = scene.files("kept");
    scene.write("kept/7.jsonl", scene.read("kept/1.jsonl"));
    scene.done("vnncomp instances.csv --out r.csv --certificates kept");
    assert_eq!(scene.files("kept"), apart);
    assert!(!scene.has("kept.partial"));
    // the table may lie among them
    for _ in 0..2 {
        scene.done("vnncomp instances.csv --out kept/r.csv --certificates kept");
        assert_eq!(scene.files("kept").len(), apart.len() + 1);
    }
    // and those of another list do not come among them
    scene.write("others.csv", scene.read("instances.csv").replace("60", "50"));
    let before = scene.files("");
    let call = "vnncomp others.csv --line 2 --out r.csv --certificates kept --force";
    scene.refused(call, &["kept: `1.", "is about another list than others.csv"]);
    assert_eq!(scene.files(""), before);
}

#[test]
fn what_goes_on_is_of_the_same_instances() {
    let scene = scene();
    scene.done("vnncomp instances.csv --line 2 --out two.csv");
    scene.write("r.csv.partial", scene.read("two.csv"));
    scene.refused("vnncomp instances.csv --out r.csv --resume", &["r.csv.partial", "another `"]);
    scene.write("r.csv.partial", log(&scene));
    let fact = "r.csv.partial: an interrupted run with another `instances`";
    scene.refused("vnncomp instances.csv --out r.csv --resume --seed 1", &["another `seed`"]);
    for call in ["--timeout 7", "--line 2"] {
        scene.refused(&format!("vnncomp instances.csv --out r.csv --resume {call}"), &[fact]);
    }
    // the same names, another property
    let kept = scene.read("some.vnnlib");
    scene.write("some.vnnlib", format!("{kept}; another\n"));
    scene.refused("vnncomp instances.csv --out r.csv --resume", &[fact]);
    scene.write("some.vnnlib", kept);
    scene.done("vnncomp instances.csv --out r.csv --resume");
    assert!(!scene.has("r.csv.partial"));
}

/// The log of a run over the instances of the scene that was interrupted after line 2, which stands in `two.csv`.
fn log(scene: &Scene) -> String {
    let digest =
        |name: &str| propcert::model::Digest::of(&std::fs::read(scene.path(name)).unwrap());
    let instance = |(line, instance): (usize, &str)| {
        let fields: Vec<&str> = instance.split(',').collect();
        let seconds: f64 = fields[2].parse().unwrap();
        serde_json::json!([line + 1, seconds, [digest(fields[0]), digest(fields[1])]])
    };
    let instances: Vec<_> = scene.read("instances.csv").lines().enumerate().map(instance).collect();
    let (tool, instances) = (env!("CARGO_PKG_VERSION"), serde_json::json!(instances));
    let header =
        format!(r#"{{"tool":"{tool}","seed":0,"memory":2147483648,"instances":{instances}}}"#);
    let row: Vec<String> =
        scene.read("two.csv").lines().nth(1).unwrap().split(',').map(str::to_owned).collect();
    format!("{header}\n{}\n", serde_json::json!([2, row]))
}

#[test]
fn files_that_cannot_be_read_are_errors_of_their_line() {
    let scene = scene();
    scene.write("bad.vnnlib", format!("{BOX}(assert (>= Y_7 4.5))\n"));
    scene.write("instances.csv", "net.onnx,bad.vnnlib,60\nnet.onnx,never.vnnlib,60\n");
    let run = crate::scene::program()
        .current_dir(scene.path(""))
        .args("vnncomp instances.csv --out results.csv".split(' '))
        .assert()
        .code(2);
    let message = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(message.contains("1 of 2 lines could not be read"), "{message}");
    assert!(message.contains("bad.vnnlib") && message.contains("Y_7"), "{message}");
    let table = scene.read("results.csv");
    assert!(table.contains("1,net.onnx,bad.vnnlib,error,") && table.contains(",unsat,"), "{table}");
}

#[test]
fn what_cannot_be_read_is_named_once() {
    let scene = scene();
    let onnx = std::fs::read(scene.path("net.onnx")).unwrap();
    scene.write("torn.onnx", &onnx[..onnx.len() / 2]);
    for network in ["torn.onnx", "missing.onnx"] {
        scene.write("instances.csv", format!("{network},never.vnnlib,60\n"));
        let message =
            scene.refused("vnncomp instances.csv --out r.csv", &["line 1 never.vnnlib: error"]);
        assert_eq!(message.matches(network).count(), 1, "{message}");
    }
}

#[test]
fn a_time_limit_is_any_number_above_zero() {
    let scene = scene();
    for timeout in ["0", "-1", "nan", "1e300", "soon"] {
        let call = format!("vnncomp instances.csv --timeout {timeout} --out r.csv");
        scene.refused(&call, &["--timeout", "a number > 0"]);
        assert!(!scene.has("r.csv"), "{timeout}");
    }
    let text = scene.done("vnncomp instances.csv --timeout 99.5 --out r.csv");
    assert!(text.contains("sat 1 unsat 1 "), "{text}");
}

#[test]
fn bad_calls_are_refused_and_nothing_is_written() {
    let scene = scene();
    scene.write("empty.csv", "\n");
    scene.write("ragged.csv", "net.onnx,never.vnnlib\n");
    scene.write("header.csv", "onnx,vnnlib,timeout\nnet.onnx,never.vnnlib,60\n");
    for (call, parts) in [
        ("vnncomp none.csv --out r.csv", &["none.csv"][..]),
        ("vnncomp ragged.csv --out r.csv", &["ragged.csv", "line 1"]),
        ("vnncomp header.csv --out r.csv", &["header.csv", "line 1", "there is no header row"]),
        ("vnncomp empty.csv --out r.csv", &["empty.csv", "no rows"]),
        ("vnncomp instances.csv --line 9 --out r.csv", &["--line 9", "line 2"]),
        ("vnncomp instances.csv --out none/r.csv", &["none"]),
    ] {
        scene.refused(call, parts);
        assert!(!scene.has("r.csv"), "{call}");
    }
}

/// Published benchmarks and files in other words: what each line is answered, and what is said.
#[test]
fn files_as_they_are_found_are_answered() {
    let table = [
        ("one-output-network/instances.csv", &["unsat", "sat"][..], ""),
        ("packed-benchmarks/instances.csv", &["unsat"], ""),
        ("vnnlib-smt-header/instances.csv", &["unsat"], ""),
        ("vnnlib2-float32/instances.csv", &["unsat"], "about the real function"),
        ("strict-tight/instances.csv", &["unsat", "unsat"], ""),
        ("messages/bom.csv", &["unsat"], ""),
    ];
    for (instances, answers, said) in table {
        let scene = Scene::new();
        let run = crate::scene::program()
            .current_dir(scene.path(""))
            .arg("vnncomp")
            .arg(found(instances))
            .args(["--out", "r.csv", "--certificates", "kept"])
            .assert()
            .code(0);
        let message = String::from_utf8(run.get_output().stderr.clone()).unwrap();
        assert_eq!(message.matches("note: ").count(), usize::from(!said.is_empty()), "{message}");
        assert!(message.contains(said), "{message}");
        let table = scene.read("r.csv");
        let results = table.lines().skip(1).map(|line| line.split(',').nth(3).unwrap());
        assert_eq!(results.collect::<Vec<_>>(), answers, "{instances}: {table}");
        let kept = scene.files("kept").into_iter().map(|(name, _)| name.display().to_string());
        for certificate in kept.filter(|name| name.ends_with(".jsonl")) {
            let stem = certificate.trim_end_matches(".jsonl");
            let (line, _) = stem.split_once('-').unwrap_or((stem, ""));
            let subject = format!("--model kept/{line}.model.json --spec kept/{stem}.spec.toml");
            for arithmetic in ["", " --exact"] {
                scene.done(&format!("check kept/{certificate} {subject}{arithmetic}"));
            }
        }
    }
}

/// A file that the program should meet as it was found.
fn found(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/found/wild").join(name)
}

#[test]
fn counts_that_differ_name_both_files() {
    let scene = Scene::new();
    let run = crate::scene::program()
        .current_dir(scene.path(""))
        .arg("vnncomp")
        .arg(found("messages/extra.csv"))
        .args(["--out", "r.csv"])
        .assert()
        .code(2);
    let message = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    for part in ["extra_decl.vnnlib: declares 3 outputs; expected 2", "n.onnx"] {
        assert!(message.contains(part), "{message}");
    }
}

/// A property speaks of what the graph gives, so nothing after the last layer is left out.
#[test]
fn activations_at_the_end_are_refused() {
    let scene = scene();
    for (network, part) in [
        ("softmax_end.onnx", "an activation or a label after the last layer"),
        ("skmlp.onnx", "an activation or a label after the last layer"),
        ("bn.onnx", "another network"),
    ] {
        let from = found("onnx-valid-refused").join(network);
        std::fs::copy(from, scene.path(network)).unwrap();
        scene.write("instances.csv", format!("{network},never.vnnlib,60\n"));
        scene.refused("vnncomp instances.csv --out r.csv", &[network, part]);
    }
}

/// Ten inputs and two hidden layers of 48, weights from a small generator.
fn wide_network() -> String {
    let mut chance = Chance(1);
    let mut weight = || f64::from((chance.bits() >> 56) as u8) / 512.0 - 0.25;
    let mut layer = |inputs: usize, outputs: usize| {
        let rows: Vec<Vec<f64>> =
            (0..outputs).map(|_| (0..inputs).map(|_| weight()).collect()).collect();
        format!("{{\"weights\":{rows:?},\"bias\":{:?}}}", vec![0.0; outputs])
    };
    let layers = [layer(10, 48), layer(48, 48), layer(48, 2)].join(",");
    let feature =
        |k| format!("{{\"name\":\"x{k}\",\"kind\":\"real\",\"low\":\"-1\",\"high\":\"1\"}}");
    let features: Vec<String> = (0..10).map(feature).collect();
    format!(
        "{{\"format\":\"model/1\",\"family\":\"mlp\",\"precision\":\"f32\",\"tie\":\"lower\",\
         \"classes\":2,\"features\":[{}],\"layers\":[{layers}]}}\n",
        features.join(",")
    )
}

/// The largest second output that climbing along the axes finds.
fn climbed(model: &Model) -> f64 {
    let height = |x: &[f64]| model.scores(x)[1];
    let mut best = f64::NEG_INFINITY;
    for start in 0..32u32 {
        let mut x: Vec<f64> =
            (0..10).map(|k| if start >> (k % 5) & 1 == 1 { 1.0 } else { -1.0 }).collect();
        for k in (0..10).cycle().take(60) {
            for end in [-1.0, 0.0, 1.0] {
                let mut other = x.clone();
                other[k] = end;
                if height(&other) > height(&x) {
                    x = other;
                }
            }
        }
        best = best.max(height(&x));
    }
    best
}

/// Two boxes: a point's surroundings, and the whole domain, where what is asked is true but far from
/// being proved in a second.
#[test]
fn a_time_limit_answers_timeout_and_keeps_the_proofs() {
    let scene = scene();
    scene.write("wide.json", wide_network());
    scene.done("export onnx wide.json --out wide.onnx");
    let model = Model::read(wide_network().as_bytes()).unwrap();
    let limit = 1.5 * climbed(&model);
    let declared = |name: &str, count: usize| -> String {
        (0..count).map(|k| format!("(declare-const {name}_{k} Real)\n")).collect()
    };
    let within = |end: &str| -> String {
        (0..10).map(|k| format!("(>= X_{k} -{end}) (<= X_{k} {end}) ")).collect()
    };
    let text = format!(
        "{}{}(assert (or (and {}) (and {})))\n(assert (>= Y_1 {limit}))\n",
        declared("X", 10),
        declared("Y", 2),
        within("0.001"),
        within("1.0"),
    );
    scene.write("wide.vnnlib", text);
    scene.write("instances.csv", "wide.onnx,wide.vnnlib,1\n");
    let told = scene.done("vnncomp instances.csv --out results.csv --certificates kept");
    assert_eq!(told, "sat 0 unsat 0 unknown 0 timeout 1 error 0 of 1 (checked 0)\n");
    assert!(scene.read("results.csv").contains(",timeout,"));
    let subject = "--model kept/1.model.json --spec kept/1.spec.toml";
    for arithmetic in ["", " --exact"] {
        let told = scene.done(&format!("check kept/1.jsonl {subject}{arithmetic}"));
        assert!(told.contains("proved 1 refuted 0 undecided 1 of 2"), "{told}");
    }
}
