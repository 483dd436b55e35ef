//! Every verb run from outside, with good and with bad input: exit codes, files, texts.
//!
//! Exit code 0: done and as stated; 1: read and run, but not as stated; 2: could not be read,
//! refused or over a limit. Results go to standard output, messages to standard error, and a file
//! appears whole or not at all.
#![cfg(feature = "full")]

mod audit;
mod bounds;
mod certify;
#[path = "../cases/chance.rs"]
mod chance;
mod check;
mod claims;
mod data;
mod defend;
mod demo;
mod export;
mod found;
mod help;
mod hostile;
mod import;
mod interrupt;
mod manifest;
mod messy;
mod near;
mod output;
mod outside;
mod pairs;
mod places;
mod radius;
mod scene;
mod serve;
mod spec;
mod steal;
mod study;
mod train;
mod vnncomp;

/// Compares with `tests/snapshots/NAME.snap`.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "../snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}
pub(crate) use snapshot;
