//! Certificates, verdicts and bounds as text, for files and for people. Nothing here decides anything: whoever reads a
//! certificate decides it again.

mod accuracy;
mod certificate;
pub mod digits;
mod records;

pub use accuracy::{Share, grouped};
pub use records::csv_of;

/// The line, from 1, of a byte of a text: for messages about settings.
pub fn line_of(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or_default().matches('\n').count() + 1
}
