//! The strength of a target's defense, and its cost.
//!
//! The maps are `defense`'s. A budget of accuracy on validation rows chooses the strength: it rises step by step while
//! the budget lasts.
//!
//! | file | what it holds |
//! |---|---|
//! | `kind` | the kinds by their names, and their steps |
//! | `parameters` | parameters as they are given |
//! | `choice` | the last step within a budget; the effect on rows |
//! | `decoy` | decoys that are trained to be wrong, and answers mixed with theirs |
//! | `elsewhere` | answers away from the data |
//! | `poison` | answers of maps that choose for each point, and of all that follow from the scores |
//! | `serve/` | answers that are drawn near the boundary, remembered, and logged as a certificate |

mod choice;
mod decoy;
mod elsewhere;
mod kind;
mod parameters;
mod poison;
mod serve;

pub use choice::{Choice, DefendError, Effect, choose, effect, given};
pub use decoy::{DecoyModel, DecoyOutliers, decoy_file};
pub use elsewhere::{ChangedElsewhere, changed_elsewhere};
pub use kind::DefenseKind;
pub use poison::{defended_label, defended_posterior};
pub use serve::{
    AnswerGround, MemoryError, Placed, ResponseMemory, ServedAnswer, ServedLog, Server,
};
