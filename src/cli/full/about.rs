//! The subject of figures: target, data and defense with their digests, and the version that made them.

use std::path::Path;

use serde::Serialize;

use crate::defense::Defense;
use crate::model::{DataSet, Digest};

/// An entry of `metrics.json`. It has no paths, so the same call elsewhere leaves the same bytes.
#[derive(Debug, Serialize)]
pub(crate) struct About {
    tool: &'static str,
    target: NamedDigest,
    data: NamedDigest,
    /// `None` if the target answers as it is.
    defense: Option<NamedDigest>,
}

#[derive(Debug, Serialize)]
struct NamedDigest {
    name: String,
    digest: Digest,
}

impl About {
    /// Describes the file of a target, the rows, and the defense in front of the target.
    pub(crate) fn new(
        (target, digest): (&Path, Digest),
        data: &DataSet,
        defense: Option<(&Defense, Digest)>,
    ) -> Self {
        let name =
            target.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let defense =
            defense.map(|(defense, digest)| NamedDigest { name: defense.to_string(), digest });
        Self {
            tool: concat!("propcert ", env!("CARGO_PKG_VERSION")),
            target: NamedDigest { name, digest },
            data: NamedDigest { name: data.meta().name.clone(), digest: data.digest() },
            defense,
        }
    }

    /// The same facts in a line, with shortened digests.
    pub(crate) fn line(&self) -> String {
        let short = |NamedDigest { name, digest }: &NamedDigest| {
            format!("{name} ({:.12})", digest.to_string())
        };
        let defense = self.defense.as_ref().map_or_else(|| "none".to_owned(), short);
        format!("target {}, data {}, defense {defense}\n", short(&self.target), short(&self.data))
    }
}
