//! Scripts of this folder, run by a Python that may not be there.

use std::io::Write;
use std::path::Path;
use std::process::Command;

fn python() -> Command {
    let name = std::env::var_os("PROPCERT_PYTHON").filter(|name| !name.is_empty());
    Command::new(name.unwrap_or_else(|| "python3".into()))
}

/// Whether these packages are there; says SKIPPED past the harness, which keeps what passing tests
/// print.
pub fn has(packages: &str, test: &str) -> bool {
    let probe = python().args(["-c", &format!("import {packages}")]).output();
    let is_there = probe.is_ok_and(|output| output.status.success());
    if !is_there {
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: Python has not all of {packages}");
    }
    is_there
}

/// What a script prints.
pub fn run(script: &str, arguments: &[&Path]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(script);
    // -I: the script's folder is not searched for packages
    let output = python().arg("-I").arg(script).args(arguments).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of a CSV.
pub fn lines(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// The points of a folder: `points.csv` without its header.
pub fn points(folder: &Path) -> Vec<Vec<f64>> {
    let number = |text: &String| text.parse().unwrap();
    let lines = lines(&folder.join("points.csv"));
    lines.iter().skip(1).map(|line| line.iter().map(number).collect()).collect()
}
