//! The kernel: certificates, and the only code that may call a claim proved or refuted.
//!
//! A certificate holds *hints*. Regions, thresholds, labels, relaxations and totals are derived
//! again from model, spec and rows, so a wrong hint makes a weaker bound and never a false theorem:
//!
//! > For every byte string offered as a certificate: if the kernel says *proved*, the claim is
//! > true of the model; if it says *refuted*, it is false.
//!
//! | file | rule |
//! |---|---|
//! | `linear` | interval and backward linear bounds of networks |
//! | `dual` | weak duality on the triangle relaxation |
//! | `jacobian` | signs and sizes of gradients |
//! | `boxes` | sums over trees of the extreme reachable leaf |
//! | `distance` | boxes of cells that a ball does not meet |
//! | `shares` | weak duality on the leaves of ensembles |
//! | `jumps` | monotone ensembles, threshold by threshold |
//! | `avoid` | unsafe blocks of outputs |
//! | `coupling` | of these, where two copies are bound to each other: lines of their difference |
//! | `fuzz` | the boundary property by cheap rules |
//! | `step` | of these, the one over two copies of a network that share a point |
//! | `narrow` | what the sign of one neuron says of the others |
//! | `split` | case distinctions, walked with an explicit stack |
//! | `pairs` | every pair of rows, in floats where they suffice |
//! | `rates` | how fast answers change between two points, and how far those over two boxes lie apart |
//! | `difference` | how far the margin changes between two close points |
//! | `twins` | two bound points of an ensemble, by the pairs of leaves they reach |
//! | `witness` | counterexamples, evaluated exactly |
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

mod accuracy;
mod avoid;
mod boxes;
mod claims;
mod coupling;
mod difference;
mod distance;
mod dual;
mod file;
mod forest;
mod format;
mod fuzz;
mod jacobian;
mod jumps;
mod kernel;
mod linear;
mod narrow;
mod network;
mod pairs;
mod pieces;
mod proof;
mod rates;
mod served;
mod shares;
mod sign;
mod split;
mod step;
mod tally;
mod twins;
mod verdict;
mod witness;

pub use accuracy::Share;
pub use avoid::Block;
pub use claims::{Hurdle, competitors, margin_row};
pub use coupling::{Coupled, Coupling};
pub use file::{CheckError, Checked, Decided, Limits, Settings, Subject, check_file};
pub use forest::CellBox;
pub use format::{Budget, Entry, FormatError, Header, Line, Piece, Totals};
pub use jacobian::gradient;
pub use kernel::{Arithmetic, Kernel};
pub use network::{Hidden, Network, Signed};
pub use pairs::Pairs;
pub use pieces::Assembler;
pub use proof::{Cut, Hint, Leaf, LeafHint, Proof, SplitTree, Step};
pub use rates::Rate;
pub use shares::Shift;
pub use sign::Sign;
pub use split::MAX_DEPTH;
pub use tally::{Counter, Tally};
pub use twins::{Pairing, Questions, TwinBox};
pub use verdict::{Bounds, Proved, Refuted, Rejection, Verdict};
