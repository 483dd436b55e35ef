//! Recognition of the files that a verb left in a folder: by its metrics, its manifest or its report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::audit::files_of_audit;
use crate::report::{REPORT_FILES, from_json};
use crate::study::{Manifest, ManifestEntry, files_of_demo, files_of_study};

use super::super::files;
use super::first_bytes;

/// The verbs that leave a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    Demo,
    Audit,
    Steal,
    Defend,
    Report,
    /// The certificates of `radius`.
    Radii,
    /// The certificates of `vnncomp`.
    Answers,
    /// The cells of `study`.
    Study,
}

impl Leaves {
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Audit => "audit",
            Self::Steal => "steal",
            Self::Defend => "defend",
            Self::Report => "report",
            Self::Radii => "radius",
            Self::Answers => "vnncomp",
            Self::Study => "study",
        }
    }

    /// The files in a folder, relative to it, that an earlier run of the verb left.
    pub(super) fn own(self, folder: &Path) -> BTreeSet<PathBuf> {
        let names = |names: &[&str]| names.iter().map(PathBuf::from).collect();
        let is_of_verb = || metrics_verb(folder).is_some_and(|verb| verb == self.verb());
        match self {
            Self::Demo => made_by_demo(folder),
            Self::Audit => files_of_audit(folder),
            Self::Report if is_report(folder) => names(&REPORT_FILES),
            Self::Steal if is_of_verb() => {
                names(&["metrics.json", "metrics.csv", "transcript.jsonl", "substitute.json"])
            }
            Self::Defend if is_of_verb() => {
                let mut own = made_by_demo(folder);
                own.extend(names(&[
                    "defense.json",
                    "defense.decoy.json",
                    "metrics.json",
                    "model.json",
                ]));
                own
            }
            Self::Radii => files_of_radii(folder),
            Self::Answers => files_of_answers(folder),
            Self::Study => files_of_study(folder),
            // the metrics are those of another verb, or there are none
            Self::Report | Self::Steal | Self::Defend => BTreeSet::new(),
        }
    }
}

/// The files of a manifest where a demonstration puts them; what `certify` lists there may lie anywhere.
fn made_by_demo(folder: &Path) -> BTreeSet<PathBuf> {
    let is_made = |file: &PathBuf| {
        let folders = ["models", "specs", "certificates", "defenses"];
        let files = REPORT_FILES.into_iter().chain(["manifest.json"]);
        folders.iter().any(|made| file.starts_with(made))
            || files.into_iter().any(|own| file == Path::new(own))
    };
    files_of_demo(folder).into_iter().filter(is_made).collect()
}

/// The verb that a folder's `metrics.json` names.
fn metrics_verb(folder: &Path) -> Option<String> {
    let bytes = files::read(&folder.join("metrics.json")).ok()?;
    let metrics: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(metrics.get("verb")?.as_str()?.to_owned())
}

fn is_report(folder: &Path) -> bool {
    let text = files::read(&folder.join("report.json")).ok();
    text.and_then(|text| String::from_utf8(text).ok()).is_some_and(|text| from_json(&text).is_ok())
}

/// Files of the certificates of points: each certificate with its spec and the data of the point.
fn files_of_radii(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(manifest) = Manifest::read(&folder.join("manifest.json")) else {
        return BTreeSet::new();
    };
    let points: Option<Vec<_>> = manifest.certificates.into_iter().map(files_of_point).collect();
    let files =
        points.map(|points| points.into_iter().flatten().chain(["manifest.json".to_owned()]));
    files.into_iter().flatten().map(PathBuf::from).collect()
}

/// A certificate named after its point, with the files beside it; `None` for any other certificate.
fn files_of_point(entry: ManifestEntry) -> Option<[String; 4]> {
    let data = entry.data?;
    let name = data.strip_suffix(".csv")?;
    let is_named = [".jsonl", ".flip.jsonl"].map(|ending| format!("{name}{ending}"));
    let meta = format!("{name}.meta.json");
    is_named.contains(&entry.certificate).then_some([entry.certificate, entry.spec, meta, data])
}

/// A file beside the answers with the digest of the list of instances that they are about.
pub(crate) const LIST: &str = "instances.digest";

/// Files that are named after a line of a benchmark: `7.jsonl`, `7-1.spec.toml`, …
fn files_of_answers(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name == LIST || is_answer(folder, name)).map(PathBuf::from).collect()
}

/// True if a file has the content that its name promises.
fn is_answer(folder: &Path, name: &str) -> bool {
    let start: &[u8] = match name.split_once('.') {
        Some((_, "jsonl")) => b"{\"schema\":\"certificate/1\"",
        Some((_, "model.json")) => b"{\"format\":\"model/1\"",
        Some((_, "spec.toml")) => b"property",
        Some((_, "witness.txt")) => b"(",
        _ => return false,
    };
    line_of_answer(name).is_some() && first_bytes(&folder.join(name)).starts_with(start)
}

/// The line of the benchmark that a file is named after.
pub(crate) fn line_of_answer(name: &str) -> Option<u64> {
    let (stem, ending) = name.split_once('.')?;
    let (line, part) = stem.split_once('-').unwrap_or((stem, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_answer = matches!(ending, "jsonl" | "spec.toml" | "model.json" | "witness.txt");
    (is_answer && is_number(line) && is_number(part)).then(|| line.parse().ok())?
}
