//! Networks: bounds, their optimised slopes and multipliers, and searches over cases.
//!
//! | file | what it holds |
//! |---|---|
//! | `alpha/` | slopes and sign multipliers by gradient ascent on the linear bound |
//! | `lp` | the triangle relaxation as a linear program |
//! | `branch/` | branch and bound over boxes and signs of neurons |
//! | `halving` | the boundary property box by box |
//! | `side` | the side of a box that is halved |
//! | `batch/` | bounds of many boxes at once |

pub mod alpha;
pub mod batch;
pub(super) mod branch;
pub(super) mod halving;
pub mod lp;
mod side;
