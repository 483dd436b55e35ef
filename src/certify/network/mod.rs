//! Networks: bounds, their optimised slopes and multipliers, and searches over cases.
//!
//! | file | what it holds |
//! |---|---|
//! | `alpha/` | slopes and sign multipliers by gradient ascent on the linear bound |
//! | `lp` | the triangle relaxation as a linear program |
//! | `search/` | the one search over cases, with its queue and its tree |
//! | `branch/` | branch and bound over boxes and signs of neurons |
//! | `changes` | small neighbourhoods box by box |
//! | `halving` | the boundary property box by box |
//! | `side` | the side of a box that is halved |
//! | `batch/` | bounds of many boxes at once |

pub mod alpha;
pub mod batch;
pub(super) mod branch;
pub(super) mod changes;
pub(super) mod halving;
pub mod lp;
pub(super) mod search;
mod side;
