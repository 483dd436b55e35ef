//! A grid as an array job of Slurm: the shards give the bytes of a run in one piece, also when jobs are sent again.
//!
//! Optional: runs where `PROPCERT_SLURM` is set, as root, with Debian's packages slurm-wlm and munge; `one_node.sh` makes
//! a cluster of one node for the test and touches no Slurm that is there.

#![cfg(all(target_os = "linux", feature = "full"))]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

const GRID: &str = "data = ['spambase']\nrepetitions = 3\n\
    [[model]]\nname = 'small'\nrecipe = '''\nfamily = 'trees'\n[training]\ntrees = 3\ndepth = 2\n'''\n\
    [[property]]\nname = 'local'\nrows = 20\nspec = '''\nproperty = 'label'\nepsilon = '0.05'\n'''\n\
    [[attack]]\nname = 'random'\nattack = '''\nattack = 'random'\nqueries = 60\nsubstitute = { family = 'trees', trees = 3, depth = 2 }\n'''\n";
/// As the README has it, with three jobs.
const ARRAY: [&str; 2] = [
    "--array=1-3",
    "--wrap=K=$SLURM_ARRAY_TASK_ID; propcert study run grid.toml --shard $K/3 --resume --out part$K",
];

/// A cluster that ends with the test.
struct OneNode(PathBuf);

impl OneNode {
    fn start(folder: &Path) -> Self {
        let node = Self(folder.join("cluster"));
        let status = node.script(&[]);
        assert!(status.success(), "{status}");
        node
    }

    fn script(&self, more: &[&str]) -> ExitStatus {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/one_node.sh");
        Command::new("sh").arg(script).arg(&self.0).args(more).status().unwrap()
    }

    /// Sends the array job and waits until it has ended.
    fn send(&self, folder: &Path) {
        let program = Path::new(env!("CARGO_BIN_EXE_propcert")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let sent = Command::new("sbatch")
            .arg("--wait")
            .args(ARRAY)
            .env("SLURM_CONF", self.0.join("slurm.conf"))
            .env("PATH", path)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
}

impl Drop for OneNode {
    fn drop(&mut self) {
        // a test that failed tells why by itself
        let _ = self.script(&["stop"]);
    }
}

fn propcert(folder: &Path, call: &str) {
    let mut run = Command::new(env!("CARGO_BIN_EXE_propcert"));
    let output = run.args(call.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{call}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_array_job_gives_the_bytes_of_one_run() {
    if std::env::var_os("PROPCERT_SLURM").is_none() {
        println!("SKIPPED: PROPCERT_SLURM is not set");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("grid.toml"), GRID).unwrap();
    let node = OneNode::start(folder);
    node.send(folder);
    // a shard that is lost is made again, the others are found whole
    std::fs::remove_dir_all(folder.join("part2")).unwrap();
    node.send(folder);
    propcert(folder, "study merge part1 part2 part3 --out merged");
    propcert(folder, "study run grid.toml --out whole");
    for file in ["cells.jsonl", "study.json"] {
        let bytes = |study: &str| std::fs::read(folder.join(study).join(file)).unwrap();
        assert_eq!(bytes("merged"), bytes("whole"), "{file}");
    }
}
