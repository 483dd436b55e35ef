//! Seeded mutants of every kind of file, given to the program in bounded memory: read, or refused with
//! exit code 2 and a message; never a panic.

use std::path::Path;
use std::process::Output;

use crate::chance::Chance;
use crate::program::{KIB, limited};
use crate::{MLP, PROVED, SPEC, header};

/// Runs the program in a folder, 64 MiB beyond what it needs to start.
fn run(folder: &Path, call: &str) -> Output {
    let call: Vec<&str> = ["--threads", "1"].into_iter().chain(call.split(' ')).collect();
    limited(folder, KIB, &call)
}

/// Torn, with bytes changed, or with a piece many times.
fn mutant(good: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len());
        let Some(place) = bytes.get_mut(at) else { break };
        match chance.below(5) {
            0 => *place ^= 1 << chance.below(8),
            1 => *place = b"0919-.eE\"[{}]()\xff"[chance.below(16)],
            2 => bytes.truncate(at),
            3 => drop(bytes.splice(at..at, b"9".repeat(1 + chance.below(5_000)))),
            _ => {
                let end = (at + 1 + chance.below(40)).min(bytes.len());
                let piece = bytes[at..end].repeat(1 + chance.below(2_000));
                bytes.splice(at..end, piece);
            }
        }
    }
    bytes
}

const QUERY: &str = "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n\
    (assert (>= X_0 -0.5))\n(assert (<= X_0 0.5))\n(assert (or (and (>= Y_1 0.75)) (<= Y_0 -0.25)))\n";

#[test]
fn mutated_files_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let certificate = format!("{}{{\"at\":0,\"rule\":\"jacobian\"}}\n{PROVED}", header(MLP, SPEC));
    for (name, text) in [("mlp.json", MLP), ("spec.toml", SPEC), ("good.vnnlib", QUERY)] {
        std::fs::write(path.join(name), text).unwrap();
    }
    std::fs::write(path.join("instances.csv"), "good.onnx,bad,5\n").unwrap();
    assert_eq!(run(path, "export onnx mlp.json --out good.onnx").status.code(), Some(0));
    let network = std::fs::read(path.join("good.onnx")).unwrap();
    for (call, good) in [
        ("import onnx bad --out imported", network.as_slice()),
        ("vnncomp instances.csv --out answers", QUERY.as_bytes()),
        ("certify --model mlp.json --spec bad --out certified", SPEC.as_bytes()),
        ("check bad --model mlp.json --spec spec.toml", certificate.as_bytes()),
        ("check bad --model mlp.json --spec spec.toml --exact", certificate.as_bytes()),
    ] {
        std::fs::write(path.join("bad"), good).unwrap();
        assert_eq!(run(path, call).status.code(), Some(0), "{call}");
        let (mut chance, mut refused) = (Chance(call.len() as u64), 0);
        for round in 0..32 {
            std::fs::write(path.join("bad"), mutant(good, &mut chance)).unwrap();
            let output = run(path, call);
            let code = output.status.code();
            let message = String::from_utf8_lossy(&output.stderr);
            let case = format!("{call}: mutant {round}: {code:?}: {message}");
            assert!(matches!(code, Some(0..=2)) && !message.contains("panicked"), "{case}");
            if code == Some(2) {
                // before it stands what was wrong with a line of instances
                let is_told = message.lines().any(|line| line.starts_with("propcert: "));
                assert!(is_told && !message.contains("memory"), "{case}");
                assert!(message.len() < 4_200, "{case}");
                refused += 1;
            }
        }
        assert!(refused > 8, "{call}: only {refused} mutants are refused");
    }
}
