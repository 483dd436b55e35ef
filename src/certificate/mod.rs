//! The kernel: certificates, and the only code that may call a claim proved or refuted.
//!
//! A certificate holds *hints*. Regions, thresholds, labels, relaxations and totals are derived
//! again from model, spec and rows, so a wrong hint makes a weaker bound and never a false theorem:
//!
//! > For every byte string offered as a certificate: if the kernel says *proved*, the claim is
//! > true of the model; if it says *refuted*, it is false.
//!
//! | room | rules |
//! |---|---|
//! | `network/` | `linear` (and `interval`), `jacobian`, `range`, `difference`, `fuzz`, `split`; unsafe blocks of outputs (`avoid`, `coupling`), `step` of the boundary property, the signs of neurons (`sign`, `narrow`) |
//! | `ensemble/` | `interval`, `tree_dual`, `jumps`, `tree_pairs`, `split`; balls and cells (`distance`) |
//! | `rows/` | `all_pairs`: every pair of rows, in floats where they suffice |
//! | `witness` | counterexamples, evaluated exactly |
//!
//! | room | what it is |
//! |---|---|
//! | `proof`, `verdict/`, `claims` | hints, answers, and what margins must clear |
//! | `cases` | case distinctions, walked with an explicit stack |
//! | `kernel/` | the door: one obligation, one proof, one verdict; what served copies may lose; work counted |
//! | `file/` | certificates: read, written, checked line by line |
//!
//! No solver, no randomness, no clock, no threads, no file system. A case that is not handled is
//! a rejection.
//!
//! Trusted.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::wildcard_enum_match_arm
    )
)]

mod cases;
mod claims;
mod ensemble;
mod file;
mod kernel;
mod network;
mod proof;
mod rows;
mod verdict;
mod witness;

pub use cases::MAX_DEPTH;
pub use claims::{competitors, margin_row};
#[cfg(any(test, feature = "advice"))]
pub use ensemble::Questions;
pub use ensemble::{CellBox, Pairing, TwinBox};
pub use file::{Assembler, Budget, Counter, Entry, FormatError, Header, Line, Piece, Tally};
pub use file::{CheckError, Checked, Decided, Limits, Settings, Subject, check_file};
#[cfg(any(test, feature = "advice"))]
pub use file::{Decision, check};
#[cfg(any(test, feature = "advice"))]
pub use kernel::Hurdle;
pub use kernel::{Arithmetic, Kernel};
pub use network::{Block, Coupled, Coupling, Hidden, Network, Rate, Sign, Signed, gradient};
pub use network::{least_slope, monotone_rows};
pub use proof::{CaseRule, Cases, Cut, Hint, Leaf, LeafHint, Proof, Shift, SplitTree, Step};
pub use rows::Pairs;
pub use verdict::{Bounds, Proved, Refuted, Rejection, Totals, Verdict};
