//! A folder with a tiny data set, two models written by hand and their specs.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

use crate::chance::Chance;

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Scores 2·income + age − 6 in raw units, by hidden neurons that are open or shut.
pub const MLP: &str = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,
"features":[{"name":"age","kind":"integer","low":"0","high":"4","mean":2.0,"scale":0.5},
 {"name":"income","kind":"real","low":"0","high":"4","mean":2.0,"scale":1.0}],
"layers":[{"weights":[[2.0,2.0],[-2.0,-2.0]],"bias":[0.0,0.0]},{"weights":[[0.0,1.0],[1.0,0.0]],"bias":[0.0,0.0]}]}
"#;

/// Two stumps, both increasing in income.
pub const TREES: &str = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower","classes":2,
"features":[{"name":"age","kind":"integer","low":"0","high":"4","mean":2.0,"scale":0.5},
 {"name":"income","kind":"real","low":"0","high":"4","mean":2.0,"scale":1.0}],
"base":[0.0],"trees":[
 {"output":0,"feature":[1,0,0],"threshold":[2.0,0.0,0.0],"left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0.0,-1.0,1.0]},
 {"output":0,"feature":[1,0,0],"threshold":[3.0,0.0,0.0],"left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0.0,-0.5,0.5]}]}
"#;

/// Within a quarter of a standard deviation of a row, the row's own label is given.
pub const LOCAL: &str =
    "property = \"local-invariance\"\nepsilon = \"0.25\"\ndelta = \"0.5\"\nnorm = \"linf\"\n";

/// More income never speaks for class 0.
pub const MONOTONE: &str =
    "property = \"monotonicity\"\nfeatures = [\"income\"]\ndirection = \"increasing\"\n";

/// The same as [`LOCAL`] around predicted labels, as an attacker has them.
pub const PREDICTED: &str = "property = \"local-invariance\"\nepsilon = \"0.25\"\ndelta = \"0.5\"\nnorm = \"linf\"\nlabel = \"predicted\"\n";

const META: &str = r#"{"name":"tiny","label":"label","features":["age","income"],"kinds":["integer","real"],
"ranges":[["0","4"],["0","4"]],"files":{"all":"tiny.csv"},"synthetic":true,"monotone":{"income":"increasing"}}
"#;

/// Rows of [`Scene::data`].
pub const ROWS: usize = 300;

/// Trains in a blink.
pub const SMALL_MLP: &str = "family = \"mlp\"\n[training]\nhidden = [4]\nepochs = 3\n";
/// Trains in a blink.
pub const SMALL_TREES: &str = "family = \"trees\"\n[training]\ntrees = 3\ndepth = 2\n";

/// A folder of its own for one test.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// Data `tiny.csv`, models `mlp.json` and `trees.json`, specs `local.toml`, `predicted.toml`
    /// and `monotone.toml`.
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        scene.write("tiny.csv", table());
        scene.write("tiny.meta.json", META);
        scene.write("mlp.json", MLP);
        scene.write("trees.json", TREES);
        scene.write("local.toml", LOCAL);
        scene.write("predicted.toml", PREDICTED);
        scene.write("monotone.toml", MONOTONE);
        scene
    }

    /// The program with these words (split at spaces), run inside the folder.
    pub fn propcert(&self, words: &str) -> Command {
        self.propcert_in("", words)
    }

    /// The same inside a folder of the folder.
    pub fn propcert_in(&self, folder: &str, words: &str) -> Command {
        let mut command = program();
        command.current_dir(self.path(folder)).args(words.split_whitespace());
        command
    }

    /// Runs to exit code 0 and gives what was printed.
    pub fn done(&self, words: &str) -> String {
        let output = self.propcert(words).assert().code(0).get_output().stdout.clone();
        String::from_utf8(output).unwrap()
    }

    /// Runs to exit code 2 with every one of `facts` in the message, and no panic.
    pub fn refused(&self, words: &str, facts: &[&str]) -> String {
        let output = self.propcert(words).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}: {message}");
        assert!(!message.contains("panicked"), "{words}: {message}");
        for fact in facts {
            assert!(message.contains(fact), "{words}: `{fact}` is not in `{message}`");
        }
        message
    }

    /// Certifies the network's rows: `local.jsonl`.
    pub fn certify_local(&self) -> String {
        self.done(
            "certify --model mlp.json --spec local.toml --data tiny.csv --rows 12 --out local.jsonl",
        )
    }

    /// Certifies the ensemble's order: `monotone.jsonl`.
    pub fn certify_monotone(&self) -> String {
        self.done("certify --model trees.json --spec monotone.toml --out monotone.jsonl")
    }

    /// The path of a file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Copies every file of a folder of `tests/fixtures/found/wild`.
    pub fn find(&self, folder: &str) {
        let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/found/wild");
        for entry in std::fs::read_dir(found.join(folder)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), self.folder.path().join(entry.file_name())).unwrap();
        }
    }

    /// The text of a file of the folder.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Whether there is such a file or folder.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Every file of the folder with its bytes, by path, sorted.
    pub fn files(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.path(folder);
        let mut files = Vec::new();
        collect(&root, &mut files);
        files.sort();
        files
            .into_iter()
            .map(|path| {
                (path.strip_prefix(&root).unwrap().to_owned(), std::fs::read(&path).unwrap())
            })
            .collect()
    }
}

/// The program; it sees no data folder.
pub fn program() -> Command {
    let mut command = Command::cargo_bin("propcert").unwrap();
    command.env_remove("PROPCERT_DATA").timeout(PATIENCE);
    command
}

/// Starts a run and kills it as soon as `is_under_way` says so.
pub fn killed(scene: &Scene, words: &str, is_under_way: impl Fn(&Scene) -> bool) {
    let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin("propcert"))
        .current_dir(scene.path(""))
        .args(words.split_whitespace())
        .env_remove("PROPCERT_DATA")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    while !is_under_way(scene) {
        assert!(start.elapsed() < PATIENCE, "{words} is not under way");
        assert!(run.try_wait().unwrap().is_none(), "{words} ended first");
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

/// Labels follow the network of [`MLP`], but every ninth is the other one.
fn table() -> String {
    let mut text = "label,age,income\n".to_owned();
    let mut chance = Chance(12_345);
    for row in 0..ROWS {
        let (age, thousandths) = (chance.below(5), chance.below(4001));
        let is_one = (age * 1000 + 2 * thousandths > 6000) != (row % 9 == 8);
        let (whole, rest) = (thousandths / 1000, thousandths % 1000);
        writeln!(text, "{},{age},{whole}.{rest:03}", u8::from(is_one)).unwrap();
    }
    text
}
