//! Manifests: which certificate is about which model, spec and data. Whoever consumes certificates
//! has every entry checked again.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::certificate::{Checked, Proved, Settings, Subject, Verdict, check_file};
use crate::dataset;
use crate::model::{DataSet, Defense, Digest, Model};
use crate::spec::Spec;

use super::StudyError;

/// The certificates of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// One entry per certificate.
    pub certificates: Vec<ManifestEntry>,
}

/// A certificate and what it is about; paths are relative to the manifest, `data` may be a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// The certificate file.
    pub certificate: String,
    /// The model file.
    pub model: String,
    /// The spec file.
    pub spec: String,
    /// The data, where rows are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The defense file, for a defended model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defense: Option<String>,
}

/// An entry, read and checked.
pub struct Loaded {
    /// The digest of the model it is about.
    pub model: Digest,
    /// Whether the defended model is meant.
    pub is_defended: bool,
    /// What is proved.
    pub proved: Vec<Proved>,
    /// The whole outcome.
    pub checked: Checked,
}

impl Manifest {
    /// The text of `manifest.json`.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data has a JSON text");
        text + "\n"
    }

    /// Reads a manifest and checks every entry; an entry that is not as stated is an error.
    pub fn load(path: &Path) -> Result<Vec<Loaded>, StudyError> {
        let bytes = read(path)?;
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(path, error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        manifest.certificates.iter().map(|entry| entry.load(folder)).collect()
    }
}

impl ManifestEntry {
    fn load(&self, folder: &Path) -> Result<Loaded, StudyError> {
        let (model_path, spec_path) = (folder.join(&self.model), folder.join(&self.spec));
        let (model_bytes, spec_bytes) = (read(&model_path)?, read(&spec_path)?);
        let model = Model::read(&model_bytes).map_err(|e| unreadable(&model_path, e))?;
        let spec = Spec::read(&spec_bytes).map_err(|e| unreadable(&spec_path, e))?;
        let data: Option<DataSet> =
            self.data.as_ref().map(|name| dataset::open(&data_from(name, folder))).transpose()?;
        let defense = match &self.defense {
            Some(name) => {
                let path = folder.join(name);
                let bytes = read(&path)?;
                let defense = Defense::read(&bytes).map_err(|e| unreadable(&path, e))?;
                Some((defense, Digest::of(&bytes)))
            }
            None => None,
        };
        let subject = Subject {
            model: (&model, Digest::of(&model_bytes)),
            spec: (&spec, Digest::of(&spec_bytes)),
            data: data.as_ref(),
            defense: defense.as_ref().map(|(defense, digest)| (defense, *digest)),
        };
        let path = folder.join(&self.certificate);
        expect_regular(&path)?;
        let file = std::fs::File::open(&path).map_err(StudyError::file(&path))?;
        let mut proved = Vec::new();
        let checked =
            check_file(&subject, &mut BufReader::new(file), Settings::default(), &mut |decided| {
                if let Verdict::Proved(one) = decided.verdict {
                    proved.push(one.clone());
                }
            })?;
        if let Some(finding) = checked.findings.first() {
            let certificate = path.display().to_string();
            return Err(StudyError::NotAsStated { certificate, finding: finding.clone() });
        }
        Ok(Loaded { model: subject.model.1, is_defended: defense.is_some(), proved, checked })
    }
}

/// What `data` of a manifest in `folder` means from here: a path beside the manifest, or a name.
pub fn data_from(name: &str, folder: &Path) -> String {
    let beside: PathBuf = folder.join(name);
    if beside.exists() { beside.to_string_lossy().into_owned() } else { name.to_owned() }
}

fn read(path: &Path) -> Result<Vec<u8>, StudyError> {
    expect_regular(path)?;
    std::fs::read(path).map_err(StudyError::file(path))
}

/// Asked before a file is opened: a pipe would block.
fn expect_regular(path: &Path) -> Result<(), StudyError> {
    let metadata = std::fs::metadata(path).map_err(StudyError::file(path))?;
    if metadata.is_file() && metadata.len() <= 1 << 30 {
        return Ok(());
    }
    Err(unreadable(path, "not a regular file of at most 1 GiB"))
}

fn unreadable(path: &Path, reason: impl ToString) -> StudyError {
    StudyError::Unreadable { path: path.display().to_string(), reason: reason.to_string() }
}
