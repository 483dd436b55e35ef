//! Every verb and every file it reads, with files made to break readers: exit code 2, no panic, and
//! nothing is left.

use crate::scene::{MLP, Scene, TREES};

/// Calls in which `bad` is the file that is hostile.
const CALLS: [&str; 26] = [
    "import onnx bad --out out",
    "import xgboost bad --out out",
    "import lightgbm bad --out out",
    "import sklearn bad --out out",
    "import rule-ensemble bad --out out",
    "export onnx bad --out out",
    "train --data tiny.csv --recipe bad --out out",
    "predict --model bad --points points.csv",
    "predict --model mlp.json --points bad",
    "certify --model bad --spec local.toml --data tiny.csv --out out",
    "certify --model mlp.json --spec bad --data tiny.csv --out out",
    "certify --model mlp.json --spec local.toml --data tiny.csv --defense bad --out out",
    "check bad --model mlp.json --spec local.toml --data tiny.csv",
    "check local.jsonl --model bad --spec local.toml --data tiny.csv",
    "check local.jsonl --model mlp.json --spec bad --data tiny.csv",
    "check local.jsonl --model mlp.json --spec local.toml --data tiny.csv --defense bad",
    "bounds --model bad --points points.csv --eps 0.1 --method ibp",
    "bounds --model mlp.json --points bad --eps 0.1 --method crown",
    "steal --target bad --attack random.toml --data tiny.csv --out out",
    "steal --target mlp.json --attack bad --data tiny.csv --out out",
    "steal --target mlp.json --attack random.toml --data tiny.csv --certificates bad --out out",
    "steal --target mlp.json --attack random.toml --data tiny.csv --defense bad --out out",
    "defend --model bad --data tiny.csv --defense pp --out out",
    "defend --model mlp.json --data tiny.csv --defense pp --certificates bad --out out",
    "data import bad --out out.csv",
    "train --data tiny.csv --family mlp --resume --out bad",
];

/// Calls that read the data set `bad.csv` with its `bad.meta.json`.
const DATA_CALLS: [&str; 7] = [
    "data describe bad.csv",
    "train --data bad.csv --family trees --out out",
    "certify --model mlp.json --spec local.toml --data bad.csv --out out",
    "check local.jsonl --model mlp.json --spec local.toml --data bad.csv",
    "steal --target mlp.json --attack random.toml --data bad.csv --out out",
    "defend --model mlp.json --data bad.csv --defense pp --out out",
    "demo --small --data bad.csv --out out",
];

fn scene() -> Scene {
    let scene = Scene::new();
    scene.certify_local();
    scene.write("points.csv", "age,income\n1,2\n");
    scene.write("random.toml", "attack = \"random\"\n");
    scene
}

/// Bytes that are nothing at all.
fn garbage() -> Vec<u8> {
    (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect()
}

/// Texts that no reader takes.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("garbage", garbage()),
        ("NUL bytes", vec![0; 5000]),
        ("torn JSON", MLP.as_bytes()[..MLP.len() / 2].to_vec()),
        ("deep JSON", "{\"a\":".repeat(100_000).into_bytes()),
        ("deep array", vec![b'['; 100_000]),
        ("deep TOML", format!("a = {}", "[".repeat(100_000)).into_bytes()),
        ("a long number", "1".repeat(100_000).into_bytes()),
        ("not UTF-8", b"property = \"\xff\xfe\"\n".to_vec()),
        ("a packed nothing", b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec()),
    ]
}

/// Runs every call on `bad`, which must be refused and leave nothing.
fn refuse_all(scene: &Scene, case: &str, calls: &[&str]) {
    let before = scene.files("");
    for call in calls {
        let message = scene.refused(call, &[]);
        assert!(message.starts_with("propcert: "), "{case}: {call}: {message}");
        assert!(message.len() < 2100, "{case}: {call}: {} bytes", message.len());
        let is_plain = |c: char| !c.is_control() || c == '\n';
        assert!(message.chars().all(is_plain), "{case}: {call}: {message:?}");
        assert!(!scene.has("out"), "{case}: {call}");
    }
    assert!(scene.files("") == before, "{case}: files have changed");
}

#[test]
fn hostile_files_are_refused_by_every_verb() {
    let scene = scene();
    for (case, bytes) in hostile() {
        scene.write("bad", bytes);
        refuse_all(&scene, case, &CALLS);
    }
}

#[test]
fn hostile_data_is_refused_by_every_verb() {
    let scene = scene();
    let (csv, meta) = (scene.read("tiny.csv"), scene.read("tiny.meta.json"));
    let meta = meta.replace("tiny.csv", "bad.csv");
    scene.write("bad.meta.json", &meta);
    for (case, bytes) in hostile() {
        scene.write("bad.csv", bytes);
        refuse_all(&scene, case, &DATA_CALLS);
    }
    for (case, text) in [
        ("NaN", csv.replacen(",1,", ",NaN,", 1)),
        ("infinity", csv.replacen(",1,", ",inf,", 1)),
        ("overflow", csv.replacen(",1,", ",1e39,", 1)),
        ("a huge label", csv.replacen("\n1,", "\n18446744073709551615,", 1)),
        ("a large label", csv.replacen("\n1,", "\n4000000000,", 1)),
        ("an open quote", csv.replacen("\n1,", "\n\"1,", 1)),
    ] {
        assert_ne!(text, csv, "{case}");
        scene.write("bad.csv", text);
        refuse_all(&scene, case, &DATA_CALLS);
    }
    scene.write("bad.csv", &csv);
    for (case, bytes) in hostile() {
        scene.write("bad.meta.json", bytes);
        refuse_all(&scene, case, &DATA_CALLS);
    }
    for (case, text) in [
        ("a way out", meta.replace("bad.csv", "../bad.csv")),
        ("range of no numbers", meta.replacen("[\"0\",\"4\"]", "[\"nan\",\"4\"]", 1)),
        ("range of a huge number", meta.replacen("\"4\"", "\"1e999999999\"", 1)),
        ("a kind too few", meta.replace("[\"integer\",\"real\"]", "[\"real\"]")),
    ] {
        assert_ne!(text, meta, "{case}");
        scene.write("bad.meta.json", text);
        refuse_all(&scene, case, &DATA_CALLS);
    }
    // ranges of the data count where a model is made; a claim has the model's
    scene.write("bad.meta.json", changed(&meta, "[\"0\",\"4\"]", "[\"4\",\"0\"]"));
    let makes = |call: &&str| call.starts_with("train") || call.starts_with("demo");
    let calls: Vec<&str> = DATA_CALLS.into_iter().filter(makes).collect();
    refuse_all(&scene, "range upside down", &calls);
}

#[test]
fn hostile_models_are_refused_by_every_verb() {
    let scene = scene();
    let calls: Vec<&str> = CALLS
        .into_iter()
        .filter(|call| call.contains("--model bad") || call.contains("--target bad"))
        .collect();
    assert_eq!(calls.len(), 6);
    let mlp = |old: &str, new: &str| changed(MLP, old, new);
    let trees = |old: &str, new: &str| changed(TREES, old, new);
    for (case, text) in [
        ("torn by one byte", MLP.trim_end()[..MLP.trim_end().len() - 1].to_owned()),
        ("a byte order mark", format!("\u{feff}{MLP}")),
        ("a tail", format!("{MLP}{{}}")),
        ("NaN weight", mlp("[2.0,2.0]", "[NaN,2.0]")),
        ("infinite weight", mlp("[2.0,2.0]", "[1e999,2.0]")),
        ("f32 overflow", mlp("[2.0,2.0]", "[1e39,2.0]")),
        ("null weight", mlp("[2.0,2.0]", "[null,2.0]")),
        ("ragged weights", mlp("[2.0,2.0]", "[2.0]")),
        ("no layers", mlp("\"layers\":[", "\"layers\":[],\"more\":[")),
        ("huge classes", mlp("\"classes\":2", "\"classes\":18446744073709551615")),
        ("many classes", mlp("\"classes\":2", "\"classes\":4000000000")),
        ("no classes", mlp("\"classes\":2", "\"classes\":0")),
        ("scale 0", mlp("\"scale\":1.0", "\"scale\":0.0")),
        ("negative scale", mlp("\"scale\":1.0", "\"scale\":-1.0")),
        ("range upside down", mlp("\"low\":\"0\"", "\"low\":\"5\"")),
        ("a huge exponent", mlp("\"low\":\"0\"", "\"low\":\"-1e999999999\"")),
        ("unknown key", mlp("\"tie\"", "\"note\":1,\"tie\"")),
        ("unknown format", mlp("model/1", "model/9")),
        ("unknown precision", mlp("\"f32\"", "\"f16\"")),
        ("unknown tie", mlp("\"lower\"", "\"random\"")),
        ("a family not built", mlp("\"mlp\"", "\"forest\"")),
        ("key twice", mlp("\"tie\"", "\"classes\":2,\"tie\"")),
        ("NaN threshold", trees("[2.0,0.0,0.0]", "[NaN,0.0,0.0]")),
        ("a child far away", trees("\"left\":[1,", "\"left\":[4000000000,")),
        ("a loop", trees("\"left\":[1,", "\"left\":[0,")),
        ("a child twice", trees("\"left\":[1,", "\"left\":[2,")),
        ("a negative child", trees("\"left\":[1,", "\"left\":[-7,")),
        ("a feature too many", trees("\"feature\":[1,", "\"feature\":[2,")),
        ("an output too many", trees("\"output\":0", "\"output\":9")),
        ("arrays of different length", trees("\"leaf\":[0.0,", "\"leaf\":[")),
        ("an empty tree", trees("\"feature\":[1,0,0]", "\"feature\":[]")),
    ] {
        scene.write("bad", text);
        refuse_all(&scene, case, &calls);
    }
}

/// A file that declares more than 1 GiB and holds nothing: refused before a byte is read.
#[test]
fn files_over_a_gibibyte_are_refused_by_every_verb() {
    let scene = scene();
    let sparse = |name: &str| {
        let file = std::fs::File::create(scene.path(name)).unwrap();
        file.set_len((1 << 30) + 1).unwrap();
    };
    sparse("bad");
    let fact = "1073741825 bytes; the limit is";
    for call in CALLS.iter().filter(|call| !call.contains("--resume")) {
        scene.refused(call, &["bad", fact]);
    }
    let entry = r#"{"certificate":"local.jsonl","model":"mlp.json","spec":"local.toml","data":"tiny.csv","defense":"defense.json"}"#;
    for name in ["local.jsonl", "mlp.json", "local.toml", "defense.json"] {
        let manifest = format!("{{\"certificates\":[{entry}]}}").replace(name, "bad");
        let without = manifest.replace(",\"defense\":\"defense.json\"", "");
        scene.write("manifest.json", without);
        let call = "steal --target mlp.json --attack random.toml --data tiny.csv --certificates manifest.json --out out";
        scene.refused(call, &["bad", fact]);
    }
    scene.write("bad.meta.json", scene.read("tiny.meta.json").replace("tiny.csv", "bad.csv"));
    sparse("bad.csv");
    for call in DATA_CALLS {
        scene.refused(call, &["bad.csv", fact]);
    }
    assert!(!scene.has("out"));
}

/// The first `old` replaced.
fn changed(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}
