//! Classifiers with security properties: trained, certified, stolen, defended, reported.
//!
//! > dataset → train → model → certify(spec) → certificate → steal / defend consume → report
//!
//! Every figure called *proved* comes from a small kernel that recomputes it; searchers, solvers,
//! floats and trainers only advise. A certificate holds hints, so anybody with the model, the spec
//! and the data can decide it again, with this crate's checker or with their own.
//!
//! | floor | room | what it does |
//! |--:|---|---|
//! | 0 | [`interval`] | numbers that never lie: rationals, dyadics, intervals, affine forms with paid-for rounding |
//! | 1 | [`model`] | models, feature schemas, rows: plain data, strict reading, exact evaluation |
//! | 2 | [`defense`] | maps of answers, and what each carries of a claim |
//! | 3 | [`spec`] | what is claimed, and its lowering to obligations |
//! | 4 | [`certificate`] | the kernel: proof rules, certificate files, verdicts |
//! | 5 | [`source`], `store`, [`text`] | where data sets are found; results appear whole or not at all; certificates and verdicts as text |
//! | 6 | `dataset` | statistics, synthetic sets, imports of CSV |
//! | 7 | `import` | foreign models, read and written |
//! | 7 | `violation` | a statement in floats with its gradient: for attacks on claims, training losses, sampled accuracy |
//! | 8 | `certify` | finds proofs and counterexamples |
//! | 9 | `train` | networks and boosted trees, natural or trained to hold specs |
//! | 10 | `defend` | chooses defenses |
//! | 11 | `oracle` | the only door to a target |
//! | 12 | `steal` | attacks |
//! | 13 | `report` | data first, rendering second |
//! | 14 | `study` | experiments: grids of cells, lines of results, tables, rulings on claims |
//! | 15 | `audit` | one model, one data set, one page: a grid, and what is no cell of it |
//! | 16 | [`cli`] | verbs |
//!
//! A room uses rooms on lower floors only. Floors 0 to 4 are trusted; they and the command `check`
//! build alone with `--no-default-features`. What they have for the rooms above, and no verdict rests on
//! (models in floats, defenses as they are served, hints for searches, texts of files), is behind the
//! feature `advice`.
//!
//! ```
#![cfg_attr(feature = "full", doc = include_str!("../tests/whole.rs"))]
//! ```
//!
//! The keys of specs, recipes, attacks, manifests and meta files stand in [`keys`].
//!
//! The kernel alone, with a proof by hand:
//!
//! ```
#![doc = include_str!("../tests/simple.rs")]
//! ```

#![doc = include_str!("additions.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(
    clippy::test_attr_in_doctest,
    reason = "the example above is an integration test of its own, run as one"
)]

#[cfg(any(test, feature = "advice"))]
#[doc(inline)]
pub use certificate::check;
#[cfg(feature = "full")]
#[doc(inline)]
pub use certify::certify;
#[cfg(feature = "full")]
#[doc(inline)]
pub use steal::steal;

#[cfg(feature = "full")]
pub mod audit;
pub mod certificate;
#[cfg(feature = "full")]
pub mod certify;
pub mod cli;
#[cfg(feature = "full")]
pub mod dataset;
#[cfg(feature = "full")]
pub mod defend;
pub mod defense;
#[cfg(feature = "full")]
pub mod import;
pub mod interval;
#[doc = include_str!("keys.md")]
pub mod keys {}
pub mod model;
mod near;
#[cfg(feature = "full")]
pub mod oracle;
#[cfg(feature = "full")]
pub mod report;
#[cfg(feature = "full")]
pub mod sketch;
pub mod source;
pub mod spec;
#[cfg(feature = "full")]
pub mod steal;
#[cfg(feature = "full")]
pub mod store;
#[cfg(feature = "full")]
pub mod study;
pub mod text;
#[cfg(feature = "full")]
pub mod train;
#[cfg(feature = "full")]
pub mod violation;
