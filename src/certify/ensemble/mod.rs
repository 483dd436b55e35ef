//! Ensembles: one exact search for every query about one copy of the input.
//!
//! | file | what it holds |
//! |---|---|
//! | `grid` | an ensemble on the grid of its thresholds; sums of its trees in whole units |
//! | `reduce` | trees cut down to a box |
//! | `axes` | the features that are cut inside a box, and their cuts |
//! | `leaves` | the leaves of one tree, and the cells that each of them reaches |
//! | `local` | a query inside a box of cells, laid out so that a child box costs little |
//! | `state` | the trees in the current box |
//! | `search` | depth first over boxes of cells |
//! | `distance` | distances of cells from a point |
//! | `around` | the distance of the current box from a point |
//! | `tree_dual/` | the relaxation with one variable per leaf |
//! | `label` | claims about one label |
//! | `radius` | the distance to the nearest change of label |
//! | `rounds` | the search for that distance around one point |
//! | `length` | distances as lengths in floats |
//! | `jumps` | monotone features, threshold by threshold |
//! | `proof` | cases as a split tree of the kernel |
//! | `tree_pairs/` | claims about two points |
//!
//! The search is exact but only advises: its findings become a verdict in the kernel.

mod around;
mod axes;
mod distance;
mod grid;
pub mod jumps;
pub(super) mod label;
mod leaves;
mod length;
mod local;
mod proof;
mod radius;
mod reduce;
mod rounds;
mod search;
mod state;
pub(super) mod tree_dual;
pub(super) mod tree_pairs;

pub(super) use grid::Grid;
pub use radius::{Radii, Radius, RadiusError};
pub use tree_pairs::LargestChange;
