//! Studies: the rooms composed in the order of the one line on the front page.
//!
//! [`demo`] is the standing one: three models are trained on one data set, their properties
//! certified and checked again, stolen with and without the certificates, and defended; everything
//! lands in one folder with a manifest, from which each certificate can be checked again.
//! [`radii`] keeps what proves exact radii. [`benchmark`] answers instances of the verification competition.

pub mod benchmark;
mod certificates;
mod consume;
mod demo;
mod error;
mod manifest;
pub mod radii;
mod store;

pub use certificates::{Certified, Claimed, certify, name_of};
pub use demo::{BUDGET_NODES, Plan, demo, files_of_demo};
pub use error::StudyError;
pub use manifest::{Loaded, Manifest, ManifestEntry, data_from};
pub use store::{Store, make_folder, write_whole};
