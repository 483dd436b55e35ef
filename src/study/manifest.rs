//! Manifests: the model, spec and data that each certificate is about. Every consumer of certificates
//! has each entry checked again.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::certificate::{Checked, Proved, Settings, Subject, Verdict, check_file};
use crate::dataset;
use crate::defense::Defense;
use crate::model::{DataSet, Digest, MAX_BYTES, Model, check_json};
use crate::source::{open_regular, read_regular};
use crate::spec::Spec;

use super::StudyError;

/// The certificates of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// One entry per certificate.
    pub certificates: Vec<ManifestEntry>,
}

/// A certificate with its subject. Paths are relative to the manifest; `data` may be a name.
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

/// An entry, read and checked, with the files it was checked against.
pub struct Loaded {
    /// The entry as it stands in the manifest.
    pub entry: ManifestEntry,
    /// The digest of the model that the certificate is about.
    pub model: Digest,
    /// The bytes of the spec file.
    pub spec_bytes: Vec<u8>,
    /// The spec.
    pub spec: Spec,
    /// The data, where rows are used; entries of one name share it.
    pub data: Option<Arc<DataSet>>,
    /// The defense with the digest of its file, if the certificate is about the defended model.
    pub defense: Option<(Defense, Digest)>,
    /// The proved obligations.
    pub proved: Vec<Proved>,
    /// The whole outcome of the check.
    pub checked: Checked,
}

impl Loaded {
    /// True if the certificate is about this model behind this defense, or, for `None`, behind none.
    pub fn is_about(&self, model: Digest, defense: Option<Digest>) -> bool {
        self.model == model && self.defense.as_ref().map(|(_, digest)| *digest) == defense
    }
}

impl Manifest {
    /// The text of `manifest.json`.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data has a JSON text");
        text + "\n"
    }

    /// Reads a manifest without checking its entries.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bytes = read_regular(path, MAX_BYTES)?;
        check_json(&bytes).map_err(|error| unreadable(path, error))?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(path, error))
    }

    /// Reads a manifest and checks every entry; an entry that is not as stated is an error.
    pub fn load(path: &Path) -> Result<Vec<Loaded>, StudyError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut data = Opened { folder, sets: BTreeMap::new() };
        let entries = Self::read(path)?.certificates.into_iter();
        entries.map(|entry| entry.load(folder, &mut data)).collect()
    }
}

/// The data sets that a manifest names, each opened once.
struct Opened<'a> {
    folder: &'a Path,
    sets: BTreeMap<String, Arc<DataSet>>,
}

impl Opened<'_> {
    fn get(&mut self, name: &str) -> Result<Arc<DataSet>, StudyError> {
        if let Some(set) = self.sets.get(name) {
            return Ok(set.clone());
        }
        let set = Arc::new(dataset::open(&data_from(name, self.folder))?);
        self.sets.insert(name.to_owned(), set.clone());
        Ok(set)
    }
}

impl ManifestEntry {
    fn load(self, folder: &Path, data: &mut Opened) -> Result<Loaded, StudyError> {
        let (model, model_digest) = read_as(&folder.join(&self.model), Model::read)?;
        let spec_bytes = read_regular(&folder.join(&self.spec), MAX_BYTES)?;
        let spec = Spec::read(&spec_bytes).map_err(|e| unreadable(&folder.join(&self.spec), e))?;
        let data = self.data.as_ref().map(|name| data.get(name)).transpose()?;
        let read_defense = |name| read_as(&folder.join(name), Defense::read);
        let defense = self.defense.as_ref().map(read_defense).transpose()?;
        let subject = Subject {
            model: (&model, model_digest),
            spec: &spec,
            data: data.as_deref(),
            defense: defense.as_ref().map(|(defense, digest)| (defense, *digest)),
        };
        let path = folder.join(&self.certificate);
        let (checked, proved) = check(&subject, &path)?;
        Ok(Loaded {
            entry: self,
            model: model_digest,
            spec_bytes,
            spec,
            data,
            defense,
            proved,
            checked,
        })
    }
}

/// Checks a certificate file, and refuses a certificate that is not as stated.
fn check(subject: &Subject, path: &Path) -> Result<(Checked, Vec<Proved>), StudyError> {
    let mut file = BufReader::new(open_regular(path, MAX_BYTES)?);
    let mut proved = Vec::new();
    let checked = check_file(subject, &mut file, Settings::default(), &mut |decided| {
        if let Verdict::Proved(one) = decided.verdict {
            proved.push(one.clone());
        }
    });
    let checked = checked.map_err(|error| unreadable(path, error))?;
    match checked.findings.first() {
        None => Ok((checked, proved)),
        Some(finding) => {
            let certificate = path.display().to_string();
            Err(StudyError::NotAsStated { certificate, finding: finding.clone() })
        }
    }
}

/// The parsed content of a regular file of limited size, with its digest.
fn read_as<T, E: ToString>(
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<(T, Digest), StudyError> {
    let bytes = read_regular(path, MAX_BYTES)?;
    let value = parse(&bytes).map_err(|error| unreadable(path, error.to_string()))?;
    Ok((value, Digest::of(&bytes)))
}

/// The data that `data` of a manifest in `folder` means here: a path beside the manifest, or a name.
pub fn data_from(name: &str, folder: &Path) -> String {
    let beside: PathBuf = folder.join(name);
    if beside.exists() { beside.to_string_lossy().into_owned() } else { name.to_owned() }
}

fn unreadable(path: &Path, reason: impl ToString) -> StudyError {
    StudyError::Unreadable { path: path.display().to_string(), reason: reason.to_string() }
}
