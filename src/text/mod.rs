//! Certificates, verdicts and bounds as text, for files and for people. Nothing here decides anything: whoever reads a
//! certificate decides it again.

mod accuracy;
#[cfg(any(test, feature = "advice"))]
mod certificate;
#[cfg(any(test, feature = "advice"))]
pub mod digits;
#[cfg(any(test, feature = "advice"))]
mod records;

pub use accuracy::{Share, counted, grouped};
#[cfg(any(test, feature = "advice"))]
pub use records::csv_of;

/// The line, from 1, of a byte of a text: for messages about settings.
pub fn line_of(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or_default().matches('\n').count() + 1
}

/// The first names of several in ticks, and the number of the others: `` `a`, `b` and 3 more``.
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
