//! Labels without a query: one file for each rule.

mod certified;

pub use certified::CertifiedLabels;
#[cfg(test)]
pub(super) use certified::{FloatRegion, Trend};
pub(super) use certified::{Ledger, PlacedPoint};
