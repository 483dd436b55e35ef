//! The rows of a run, their table, and the summary at the end.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::certify::ensemble::Radius;
use crate::spec::DistanceUnit;
use crate::study::ManifestEntry;
use crate::text::csv_of;

use super::super::invalid::RowsOutside;

/// A row of the table; its numbers are written as the table shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Measured {
    /// Position of the point in its file, from 0.
    pub(super) at: usize,
    /// Lower and upper bound; `None` for a point outside the domain.
    bounds: Option<[String; 2]>,
    exact: bool,
    nodes: u64,
    seconds: String,
    /// Certificates of the row, where they are kept.
    pub(super) kept: Option<Confirmed>,
}

/// The certificates of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Confirmed {
    pub(super) entries: Vec<ManifestEntry>,
    /// True if the kernel confirms them.
    pub(super) by_kernel: bool,
}

impl Measured {
    pub(super) fn new(
        at: usize,
        radius: Option<&Radius>,
        seconds: f64,
        kept: Option<Confirmed>,
    ) -> Self {
        Self {
            at,
            bounds: radius.map(|radius| [radius.lower, radius.upper].map(|end| end.to_string())),
            exact: radius.is_some_and(|radius| radius.is_exact),
            nodes: radius.map_or(0, |radius| radius.nodes),
            seconds: format!("{seconds:.6}"),
            kept,
        }
    }

    /// True if the certificates that a run into this folder keeps of the row are still there.
    pub(super) fn is_all_there(&self, folder: Option<&Path>) -> bool {
        let Some(folder) = folder else { return true };
        let files = |kept: &Confirmed| -> Vec<PathBuf> {
            let names = kept.entries.iter().flat_map(|entry| {
                [Some(&entry.certificate), Some(&entry.spec), entry.data.as_ref()]
            });
            names.flatten().map(|name| folder.join(name)).collect()
        };
        match &self.kept {
            Some(kept) => files(kept).iter().all(|file| file.is_file()),
            // a point outside the domain has no certificates
            None => self.bounds.is_none(),
        }
    }
}

/// The columns of the table.
pub(super) const COLUMNS: [&str; 6] = ["row", "lower", "upper", "exact", "nodes", "seconds"];

/// The table as CSV.
pub(super) fn table(names: &[String], rows: &[Measured]) -> String {
    let record = |(name, row): (&String, &Measured)| {
        let [lower, upper] = row.bounds.clone().unwrap_or_default();
        let (exact, nodes) = (row.exact.to_string(), row.nodes.to_string());
        [name.clone(), lower, upper, exact, nodes, row.seconds.clone()]
    };
    let header = COLUMNS.map(str::to_owned);
    csv_of(std::iter::once(header).chain(names.iter().zip(rows).map(record)))
}

/// The counts for the summary at the end.
pub(super) struct Counts {
    exact: usize,
    bounded: usize,
    invalid: usize,
    pub(super) zero: usize,
    /// The rows that are not measured.
    outside: RowsOutside,
    /// Number of rows whose certificates the kernel confirms, where they are kept.
    confirmed: Option<usize>,
    /// Unit of the distances.
    unit: DistanceUnit,
}

impl Counts {
    pub(super) fn of(
        rows: &[Measured],
        is_kept: bool,
        unit: DistanceUnit,
        outside: RowsOutside,
    ) -> Self {
        let bounds = || rows.iter().filter_map(|row| row.bounds.as_ref());
        let by_kernel = |row: &&Measured| row.kept.as_ref().is_some_and(|kept| kept.by_kernel);
        let exact = rows.iter().filter(|row| row.exact).count();
        Self {
            exact,
            bounded: bounds().count() - exact,
            invalid: rows.len() - bounds().count(),
            zero: bounds().filter(|[_, upper]| upper == "0").count(),
            outside,
            confirmed: is_kept.then(|| rows.iter().filter(by_kernel).count()),
            unit,
        }
    }

    /// True if the kernel confirms every row whose certificates are kept.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed.is_none_or(|confirmed| confirmed == self.measured())
    }

    fn measured(&self) -> usize {
        self.exact + self.bounded
    }

    pub(super) fn text(&self) -> String {
        let Self { exact, bounded, invalid, zero, confirmed, unit, outside } = self;
        let n = self.measured();
        let confirmed = confirmed
            .map(|confirmed| format!("confirmed by the kernel: {confirmed} of {n}\n"))
            .unwrap_or_default();
        let open = match bounded {
            0 => String::new(),
            _ => format!(", {bounded} not closed"),
        };
        format!(
            "{confirmed}unit of distances: {}\n{}zero radii: {zero} of {n}{open}\nexact {exact} bounded {bounded} of {n} (invalid {invalid})\n",
            unit.name(),
            outside.text()
        )
    }

    pub(super) fn json(&self) -> String {
        let Self { exact, bounded, invalid, zero, confirmed, unit, outside } = self;
        let json = serde_json::json!({
            "exact": exact, "bounded": bounded, "invalid": invalid, "zero": zero,
            "confirmed": confirmed, "unit": unit, "outside": outside.json(),
        });
        format!("{json}\n")
    }
}
