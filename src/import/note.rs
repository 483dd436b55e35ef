//! Notes on an imported model: facts that its file holds and the model does not take over.

use std::fmt;

use crate::model::{Family, Model, Node};

use super::Taken;

/// A model and its notes.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// The notes, a line each.
    pub notes: Vec<Note>,
}

/// One line about an imported model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Not all rounds are taken, or a number of rounds other than others would serve.
    Rounds(Taken),
    /// Rounds of a `dart` whose weights stand for all of its rounds.
    Dropped,
    /// Splits that send a missing value to the other side than a 0.
    Missing {
        /// Number of such splits.
        splits: usize,
        /// Number of all splits.
        of: usize,
    },
    /// Posteriors that their tool rounds to f32 before it compares them.
    Posteriors,
    /// A network whose sums its tool adds in another order, after scaling in other steps.
    Folded,
    /// Votes, which have labels and no posterior.
    Votes,
    /// A part of a network's graph that is left out, folded or rounded.
    Graph(&'static str),
}

impl Imported {
    /// A model of a tool that knows missing values, with a note if these go elsewhere than a 0. `parted` splits that
    /// send them right and all others left are not in the model.
    pub(super) fn with_missing(model: Model, taken: Option<Taken>, parted: usize) -> Self {
        let rounds = taken.filter(|taken| !taken.is_plain()).map(Note::Rounds);
        let missing = missing(&model, parted);
        Self { model, notes: rounds.into_iter().chain(missing).collect() }
    }
}

impl From<Model> for Imported {
    fn from(model: Model) -> Self {
        Self { model, notes: Vec::new() }
    }
}

/// Counts the splits that send a missing value elsewhere than a 0. Rows have no missing
/// values; where a 0 stands for one, as with XGBoost's `missing=0` and sparse matrices,
/// such a split may send it elsewhere than `0 < threshold` says.
fn missing(model: &Model, parted: usize) -> Option<Note> {
    let Family::Ensemble(ensemble) = &model.family else { return None };
    let (mut splits, mut of) = (parted, parted);
    for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
        if let Node::Split { threshold, default_left, .. } = *node {
            of += 1;
            splits += usize::from(default_left != (0.0 < threshold));
        }
    }
    (splits > 0).then_some(Note::Missing { splits, of })
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounds(taken) => write!(f, "{taken}"),
            Self::Dropped => f.write_str(
                "the weights of a dart's trees are those after all rounds, as XGBoost serves the first ones",
            ),
            Self::Missing { splits, of } => write!(
                f,
                "{splits} of {of} splits send a missing value to the other side than 0: rows here have \
                 no missing values, and a 0 is 0; of a model trained on sparse matrices or with \
                 missing=0, whose zeros are missing, this is another function"
            ),
            Self::Posteriors => f.write_str(
                "labels are those of the margins: XGBClassifier compares f32 posteriors, which round to a tie and so to \
                 the lower class for margins about as small as 1e-8",
            ),
            Self::Votes => f.write_str(
                "sums of votes have labels and no posterior (link `none`): claims and verbs that need one are refused",
            ),
            Self::Graph(what) => f.write_str(what),
            Self::Folded => f.write_str(
                "labels but for the last bits: scaling is folded into the weights, which rounds, and \
                 scikit-learn adds in an order of its own",
            ),
        }
    }
}
