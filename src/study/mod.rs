//! Studies: a grid of cells in TOML → one line of results per cell → tables.
//!
//! ```text
//! grid.toml ── StudyGrid ── cells in order ──► run, model by model ──► cells.jsonl ──► tables, page
//!                              └─ shard I/N ─► run ─► cells.jsonl ─┐
//!                              └─ shard J/N ─► run ─► cells.jsonl ─┴─ merge: the same bytes
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `grid/` | the description: data × models × properties × attacks × defenses × repetitions |
//! | `cell` | the order of cells, their keys and files; shards |
//! | `line` | one line of results |
//! | `run` | the cells of a grid, model by model |
//! | `workbench` | a model on a data set, with everything that its cells share |
//! | `certificates`, `stealing`, `property_theft`, `defending`, `elsewhere`, `measuring`, `membership` | the work of the kinds of cells |
//! | `ledger` | the folder of a study, and the log of one that may be interrupted |
//! | `merge` | shards put together |
//! | `tables`, `assemble` | tables and reports over lines |
//! | `formula/` | formulas over the figures of lines, with intervals |
//! | `claims/` | sentences with a formula over the figures, and a ruling on each |
//! | `published/` | printed tables, number by number beside the figures |
//!
//! [`demo`] is the standing grid, `demo.toml`: three models are trained on one data set; their properties are
//! certified and checked again; the models are stolen with and without the certificates, and defended. Everything
//! lands in one folder with a manifest, from which each certificate can be checked again.
//! [`radii`] keeps the proofs of exact radii. [`benchmark`] answers instances of the verification competition.

mod assemble;
pub mod benchmark;
mod cell;
mod certificates;
pub mod claims;
mod defending;
mod demo;
mod error;
mod formula;
mod grid;
mod ledger;
mod line;
mod manifest;
mod measuring;
mod membership;
mod merge;
mod property_theft;
pub mod published;
pub mod radii;
mod run;
mod stealing;
mod tables;
mod workbench;

pub use assemble::{model_report, summarise};
pub use cell::{Cell, Layout, Shard, ShardError, Work};
pub use certificates::{Certified, certify};
pub use demo::{BUDGET_NODES, DEMO, Plan, demo, files_of_demo, manifest_entry};
pub use error::StudyError;
pub use grid::{GridError, Narrowed, Need, Strength, StudyGrid, declared};
pub use ledger::{CELLS, CellLog, StudyHeader, StudyLines, StudyVersion, files_of_study};
pub use line::{CellResult, CertifiedCell, DefendedCell, MeasuredCell, ResultLine, StolenCell};
pub use manifest::{Loaded, Manifest, ManifestEntry, data_from};
pub use merge::{MergeError, merge};
pub use run::{LineSink, OpenData, Pace, PaceSink, StudyRun};
pub use tables::{TABLES, TableKind, WrittenTables, tables};
