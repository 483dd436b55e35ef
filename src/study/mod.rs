//! Studies: compositions of the other rooms, in the order of the one line on the front page.
//!
//! [`demo`] is the standing study. Three models are trained on one data set; their properties are
//! certified and checked again; the models are stolen with and without the certificates, and defended. Everything
//! lands in one folder with a manifest, from which each certificate can be checked again.
//! [`radii`] keeps the proofs of exact radii. [`benchmark`] answers instances of the verification competition.

pub mod benchmark;
mod certificates;
mod consume;
mod demo;
mod error;
mod manifest;
pub mod radii;

pub use certificates::{Certified, certify};
pub use demo::{BUDGET_NODES, Plan, demo, files_of_demo};
pub use error::StudyError;
pub use manifest::{Loaded, Manifest, ManifestEntry, data_from};
