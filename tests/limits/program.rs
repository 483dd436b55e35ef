//! Hostile files given to the program, in bounded memory.

use std::path::Path;
use std::process::{Command, Output};

use crate::{MLP, PROVED, SPEC, TREES, changed, header, repeated, tree, with_layers, with_trees};

/// Seconds of processor time, however loaded the machine is: a refusal takes less than one, slow machines more.
const SECONDS: u64 = 2;

/// Runs the program in a folder, in so many KiB of address space; it is killed, and has no exit code, after
/// some seconds.
pub fn limited(folder: &Path, kib: u64, arguments: &[&str]) -> Output {
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {kib} && ulimit -t {SECONDS} && exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_propcert"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Runs `check` in a folder with so many KiB of address space; gives its message.
fn refused_by_program(folder: &Path, certificate: &str, model: &str, kib: u64) -> String {
    let call = ["check", certificate, "--model", model, "--spec", "spec.toml"];
    let output = limited(folder, kib, &call);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{certificate}, {model}: {message}");
    assert!(message.starts_with("propcert: ") && !message.contains("panicked"), "{message}");
    assert!(message.len() < 2100, "{} bytes", message.len());
    message
}

/// A folder with a model, its spec and a certificate that are all in order.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{}{{\"at\":0,\"rule\":\"jacobian\"}}\n{PROVED}", header(MLP, SPEC));
    for (name, text) in [("mlp.json", MLP), ("spec.toml", SPEC), ("fine.jsonl", &line)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// 64 MiB beyond what the program needs to start.
pub const KIB: u64 = 128 << 10;

#[test]
fn declared_sizes_cost_neither_time_nor_memory() {
    let folder = folder();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let digits = "1".repeat(10_000_000);
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("10^9 classes", changed(MLP, "\"classes\":2", "\"classes\":1000000000").into()),
        ("feature 10^9", changed(TREES, "\"feature\":[0,", "\"feature\":[1000000000,").into()),
        ("a child 10^9", changed(TREES, "\"left\":[1,", "\"left\":[1000000000,").into()),
        ("an output 10^9", changed(TREES, "\"output\":0", "\"output\":1000000000").into()),
        ("deep arrays", with_layers(&"[".repeat(100_000)).into()),
        ("deep objects", "{\"format\":".repeat(100_000).into()),
        ("10^7 digits", changed(MLP, "[[1.0]]", &format!("[[{digits}]]")).into()),
        ("10^7 digits in a range", changed(MLP, "\"-1\"", &format!("\"{digits}\"")).into()),
        (
            "10^5 digits in a range",
            changed(MLP, "\"-1\"", &format!("\"{}\"", &digits[..100_000])).into(),
        ),
        ("10^5 trees", with_trees(&repeated(&tree(&[-1], &[-1]), 100_000)).into()),
        ("10^6 layers", with_layers(&repeated("{}", 1_000_000)).into()),
        (
            "10^6 features",
            changed(MLP, "[{\"name\"", &format!("[{},{{\"name\"", repeated("{}", 1_000_000)))
                .into(),
        ),
        ("a byte order mark", format!("\u{feff}{MLP}").into()),
        ("UTF-16", utf16(MLP)),
        ("packed", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
    ];
    for (case, bytes) in attacks {
        std::fs::write(folder.path().join("bad"), bytes).unwrap();
        let message = refused_by_program(folder.path(), "fine.jsonl", "bad", KIB);
        assert!(!message.contains("memory"), "{case}: {message}");
    }
    let header = header(MLP, SPEC);
    for (case, text) in [
        (
            "a long tree",
            format!(
                "{header}{{\"at\":0,\"rule\":\"split\",\"tree\":\"{}",
                "i0:0x1p-1 ".repeat(1 << 20)
            ),
        ),
        ("an endless line", format!("{header}{}", " ".repeat(40 << 20))),
        ("10^6 anchors", header.clone() + &"{\"at\":0,\"rule\":\"jacobian\"}\n".repeat(1_000_000)),
        ("deep arrays", format!("{header}{}\n", "[".repeat(100_000))),
        ("10^9 rows", changed(&header, "\"budget\"", "\"rows\":1000000000,\"budget\"")),
    ] {
        std::fs::write(folder.path().join("bad"), text).unwrap();
        let message = refused_by_program(folder.path(), "bad", "mlp.json", KIB);
        assert!(!message.contains("memory"), "{case}: {message}");
    }
    let fine = Command::new(env!("CARGO_BIN_EXE_propcert"))
        .args(["check", "fine.jsonl", "--model", "mlp.json", "--spec", "spec.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(fine.status.code(), Some(0), "{fine:?}");
}

/// A pipe nobody writes to, a folder, a loop of links, an endless device.
#[test]
fn only_regular_files_are_read() {
    let folder = folder();
    let path = folder.path();
    assert!(Command::new("mkfifo").arg(path.join("pipe")).status().unwrap().success());
    std::fs::create_dir(path.join("folder")).unwrap();
    std::os::unix::fs::symlink("loop", path.join("loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path.join("zeros")).unwrap();
    for name in ["pipe", "folder", "loop", "zeros", "/dev/zero", "/dev/null", "nowhere"] {
        refused_by_program(path, "fine.jsonl", name, KIB);
        refused_by_program(path, name, "mlp.json", KIB);
    }
}

/// A model of short numbers, which take more room as floats than as text.
fn wide_model(bytes: usize) -> String {
    let width = 1_000;
    let row = |k: usize| format!("[{}]", repeated(["0.5", "-2", "1e9", "1.5"][k % 4], width));
    let rows: Vec<String> = (0..bytes / row(0).len()).map(row).collect();
    let last = format!("[[{}],[{}]]", repeated("1", rows.len()), repeated("-1", rows.len()));
    let first =
        format!("{{\"weights\":[{}],\"bias\":[{}]}}", rows.join(","), repeated("0", rows.len()));
    let features = (0..width).map(|k| format!("{{\"name\":\"x{k}\",\"kind\":\"real\"}}"));
    let features: Vec<String> = features.collect();
    format!(
        "{{\"format\":\"model/1\",\"family\":\"mlp\",\"precision\":\"f64\",\"classes\":2,\"features\":[{}],\
         \"layers\":[{first},{{\"weights\":{last},\"bias\":[0,0]}}]}}",
        features.join(",")
    )
}

/// The largest memory that a run held, in KiB, as the system counts it.
fn peak(folder: &Path, arguments: &[&str]) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_propcert"))
        .args(arguments)
        .current_dir(folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let found = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        most = most.max(found.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert_eq!(ended.code(), Some(0));
    most
}

/// Beside what any check needs, a model takes at most 8 times the room of its file: in either arithmetic, also of
/// claims about two copies of a network.
#[test]
fn memory_is_in_proportion_to_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = wide_model(6 << 20);
    let box_of = repeated("[\"0\",\"1\"]", 1_000);
    let spec = format!(
        "property = 'output-region'\ncopies = 2\nunits = 'raw'\n\
         unsafe = [[{{y = ['1', '0', '0', '1'], rhs = '-1e300'}}]]\n[[input]]\nbox = [{box_of}]\n"
    );
    let totals =
        "{\"totals\":{\"proved\":1,\"refuted\":0,\"undecided\":0,\"vacuous\":0,\"invalid\":0}}\n";
    let text = format!("{}{{\"at\":0,\"rule\":\"interval\"}}\n{totals}", header(&model, &spec));
    for (name, text) in [("wide.json", &model), ("spec.toml", &spec), ("c.jsonl", &text)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let call = ["check", "c.jsonl", "--model", "wide.json", "--spec", "spec.toml"];
    let rest = 16 << 10;
    for exact in [&[][..], &["--exact"]] {
        let kib = peak(folder.path(), &[&call, exact].concat());
        let file = model.len() as u64 >> 10;
        println!("{exact:?}: {kib} KiB for a model of {file} KiB");
        assert!(kib > file, "nothing was measured");
        assert!(kib < 8 * file + rest, "{exact:?}: {kib} KiB for a model of {file} KiB");
    }
}
