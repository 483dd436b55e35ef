//! Planted defects: each is put into a copy of the sources, and the tests of that copy must fail.
//!
//! The kernel itself has no switches. `cargo test --test planted` only shows that every defect
//! still has its place; `cargo test --test planted -- --ignored` builds and tests each copy.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A defect: its name, the file below `src`, the right text and the wrong one.
struct Defect(&'static str, &'static str, &'static str, &'static str);

const DEFECTS: [Defect; 16] = [
    Defect(
        "the sign of a coefficient picks the wrong line",
        "interval/rounded.rs",
        "let slope = if *a >= 0.0 {",
        "let slope = if *a <= 0.0 {",
    ),
    Defect("a slope is not clipped", "interval/form.rs", "s.clamp(0.0, 1.0)", "s"),
    Defect(
        "the upper line is too low",
        "interval/form.rs",
        "if at_low > at_high { at_low } else { at_high }",
        "0.5 * if at_low > at_high { at_low } else { at_high }",
    ),
    Defect(
        "a bias is forgotten",
        "interval/rounded.rs",
        "            self.constant.add_product(a, b);\n            for",
        "            let _ = b;\n            for",
    ),
    Defect(
        "rounding is free",
        "interval/rounded.rs",
        "let loss = INFLATE * (sum.error() + self.loss);",
        "let loss = 0.0 * INFLATE * (sum.error() + self.loss);",
    ),
    Defect(
        "an underflowed product has no sign",
        "interval/rounded.rs",
        "(a > 0.0) == (b > 0.0)",
        "term >= 0.0",
    ),
    Defect(
        "a multiplier of an inequality may be negative",
        "certificate/dual.rs",
        "let clip = |w: f64| if w > 0.0 { w } else { 0.0 };",
        "let clip = |w: f64| w;",
    ),
    Defect(
        "an unstable neuron passes its slope on",
        "certificate/jacobian.rs",
        "slope.hull(Interval::point(0.0))",
        "slope",
    ),
    Defect("floor for ceil", "model/ensemble.rs", "threshold.ceil()", "threshold.floor()"),
    Defect(
        "< for <= at a threshold",
        "model/ensemble.rs",
        "partition_point(|t| *t <= x)",
        "partition_point(|t| *t < x)",
    ),
    Defect(
        "a threshold at the upper end is left out",
        "certificate/jumps.rs",
        "(lo..hi).map(",
        "(lo..hi.saturating_sub(1)).map(",
    ),
    Defect(
        "a child is forgotten",
        "certificate/split.rs",
        "worst = worst.and(outcome);",
        "worst = outcome;",
    ),
    Defect(
        "one direction of a shift only",
        "certificate/fuzz.rs",
        "[shift.clone(), -shift.clone()]",
        "[shift.clone(), shift.clone()]",
    ),
    Defect(
        "every label wins its ties",
        "certificate/claims.rs",
        "(wins_tie && *m == Rational::ZERO)",
        "((wins_tie || !wins_tie) && *m == Rational::ZERO)",
    ),
    Defect(
        "poisoning costs nothing",
        "spec/lower.rs",
        "(&(delta - alpha) / &(&Rational::ONE - alpha))?",
        "(delta / &Rational::ONE)?",
    ),
    Defect(
        "a served copy loses nothing",
        "certificate/claims.rs",
        ".map(|(m, e)| m - e)",
        ".map(|(m, _)| m.clone())",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_defect_has_its_place() {
    for Defect(name, file, right, wrong) in DEFECTS {
        let text = std::fs::read_to_string(root().join("src").join(file)).unwrap();
        assert_eq!(text.matches(right).count(), 1, "{name}: `{right}` in {file}");
        assert!(!text.contains(wrong) || right.contains(wrong), "{name}: {file} has it already");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// The tests of the trusted rooms on the sources in `folder`. `target` is a build cache of its own:
/// cargo would take the copy's artefacts for those of this crate.
fn tests_pass(folder: &Path, target: &Path) -> bool {
    let output = Command::new(env!("CARGO"))
        .args([
            "test",
            "--no-default-features",
            "--offline",
            "--test",
            "refusals",
            "--test",
            "soundness",
        ])
        .args(["--test", "corruption"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("could not compile"), "{told}");
    output.status.success()
}

#[test]
#[ignore = "builds the crate once per defect"]
fn every_planted_defect_is_found() {
    let scratch = tempfile::tempdir().unwrap();
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("planted");
    for folder in ["src", "tests", "benches", "data"] {
        copy(&root().join(folder), &scratch.path().join(folder));
    }
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        std::fs::copy(root().join(file), scratch.path().join(file)).unwrap();
    }
    assert!(tests_pass(scratch.path(), &target), "the sound copy fails");
    let mut missed = Vec::new();
    for Defect(name, file, right, wrong) in DEFECTS {
        let path = scratch.path().join("src").join(file);
        let sound = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, sound.replacen(right, wrong, 1)).unwrap();
        let is_found = !tests_pass(scratch.path(), &target);
        eprintln!("{name}: {}", if is_found { "found" } else { "MISSED" });
        if !is_found {
            missed.push(name);
        }
        std::fs::write(&path, sound).unwrap();
    }
    assert!(missed.is_empty(), "{missed:?}");
}
