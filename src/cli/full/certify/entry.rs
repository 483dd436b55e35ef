//! The entry of a certificate in a manifest, by which other verbs find it with its subject.

use std::path::Path;

use crate::store::write_whole;
use crate::study::{Manifest, ManifestEntry};

use super::super::inputs::Inputs;
use super::super::output::is_standard_output;
use super::super::subject::{SubjectArguments, data_seen_from, way_from};
use super::super::{Refusal, files};

/// A certificate that is to be listed in a manifest once it is written.
pub(super) struct Listed<'a> {
    manifest: &'a Path,
    subject: &'a SubjectArguments,
    certificate: &'a Path,
}

impl<'a> Listed<'a> {
    /// Checks before long work that the manifest can be read, or made, and that its place is its own.
    pub(super) fn new(
        manifest: &'a Path,
        subject: &'a SubjectArguments,
        certificate: &'a Path,
        inputs: &Inputs,
    ) -> Result<Self, Refusal> {
        if is_standard_output(certificate) {
            let text = "--manifest with --out -: a manifest lists files; name one with --out";
            return Err(Refusal::new(text));
        }
        files::expect_folder("--manifest", manifest)?;
        files::expect_plain(manifest)?;
        let results = Inputs::default().file("--out", Some(&certificate.to_owned()));
        inputs.expect_apart(manifest)?;
        results.expect_apart(manifest)?;
        if subject.semantics.is_some() {
            return Err(Refusal::new(
                "--semantics with --manifest: a manifest has a spec and no flags; write `semantics = \"…\"` into the spec",
            ));
        }
        earlier(manifest)?;
        Ok(Self { manifest, subject, certificate })
    }

    /// Adds the entry to what the manifest holds by now; an earlier entry of this certificate is replaced.
    pub(super) fn write(&self) -> Result<(), Refusal> {
        let mut manifest = earlier(self.manifest)?;
        let entry = self.entry()?;
        manifest.certificates.retain(|other| other.certificate != entry.certificate);
        manifest.certificates.push(entry);
        Ok(write_whole(self.manifest, manifest.to_json().as_bytes())?)
    }

    fn entry(&self) -> Result<ManifestEntry, Refusal> {
        let SubjectArguments { model, spec, data, defense, .. } = self.subject;
        let folder = folder_of(self.manifest);
        let data = data.as_deref().map(|data| data_seen_from(data, folder));
        let defense = defense.as_deref().map(|defense| way_from(folder, defense));
        Ok(ManifestEntry {
            certificate: way_from(folder, self.certificate)?,
            model: way_from(folder, model)?,
            spec: way_from(folder, spec)?,
            data: data.transpose()?,
            defense: defense.transpose()?,
        })
    }
}

/// The folder that the paths of a manifest lead from.
fn folder_of(manifest: &Path) -> &Path {
    let parent = manifest.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// The manifest that is there, or an empty one.
fn earlier(path: &Path) -> Result<Manifest, Refusal> {
    if std::fs::symlink_metadata(path).is_err() {
        return Ok(Manifest::default());
    }
    Manifest::read(path).map_err(|error| {
        let way = "name another place for --manifest, or mend the file";
        Refusal::new(format!("{error}; nothing is added to a manifest that cannot be read: {way}"))
    })
}
