//! Certificates and verdicts as text, for files and for people. Nothing here decides anything: whoever reads a
//! certificate decides it again.

mod accuracy;
mod certificate;

pub use accuracy::Share;
