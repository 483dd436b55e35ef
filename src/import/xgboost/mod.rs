//! XGBoost's JSON and UBJSON (`save_model("M.json")`, `save_model("M.ubj")`), versions 1.0 to 3.4: `gbtree`
//! and `dart` (from 3.3 on a `gbtree` with `weight_drop`); logistic, several classes or regression; numeric splits.
//!
//! The margin that XGBoost prints is, every step in f32,
//!
//! ```text
//! m ← −ln(1/p − 1)                     p = base_score
//! for every tree, in file order:  m ← m + leaf(tree, x)
//! label = 1 iff m > 0
//! ```
//!
//! With several classes there is a sum for each. `tree_info` says which sum a tree adds to, base scores
//! are margins already, and the first of the largest sums wins. Regression starts at `m = base_score`, and
//! `m` is a plain score without a label. A tree of a `dart` adds
//! `leaf·weight_drop`, rounded to f32: that product is the native leaf.
//!
//! A node sends `x` left iff `x[split_indices] < split_conditions`. The value of a leaf is its
//! `split_conditions` (`base_weights` is another number, not scaled by the learning rate when
//! `tree_method` is `exact`). The native ensemble adds in the same order, so its served margin has
//! XGBoost's bits.
//!
//! After early stopping the file names a best round, `best_iteration`. XGBoost's scikit-learn wrapper predicts with
//! the rounds up to it, and so does the native model unless other [`Rounds`] are asked for; `Booster.predict`
//! takes all rounds. The trees of a round are those that `iteration_indptr` states, or one for each class and
//! parallel tree.
//!
//! A logistic model without any tree is served by its probability as it stands in 3.1 and later, not by its margin.
//! Earlier versions gave the margin, so older files without trees are refused.
//!
//! Inputs have the units that the model was trained on: thresholds are taken over as they are. The direction
//! of missing values is taken over too, but rows of data sets and points have no missing values.

mod base;
mod declared;
mod export;
mod file;
#[cfg(test)]
mod fixture;
mod keys;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;
mod tree;
mod trees;
mod ubjson;

use crate::model::{Ensemble, Family, Link, MAX_BYTES, Model, Precision, Schema, Tie, check_json};

pub use export::to_xgboost;

use self::file::{Learner, XgboostFile};
use self::trees::Trees;
use super::keys::refuse_unknown;
use super::packed::unpack;
use super::{ImportError, Imported, Note, Rounds, features};

/// Reads an XGBoost model from the bytes of a `.json` or `.ubj` file, or of one of them in gzip.
///
/// With a schema, its features must be the model's: as many, and of the same names where the file
/// has names. Without one, features are named as in the file, or `f0`, `f1`, …, and are real, without
/// range, mean 0 and scale 1.
///
/// # Errors
/// Refused by name: the booster `gblinear`; objectives other than `binary:logistic`, `reg:logistic`,
/// `multi:softprob`, `multi:softmax` and regression whose prediction is the sum; several targets, vector leaves,
/// categorical splits, and dumps. Refused with the place: whatever is broken.
pub fn xgboost(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    take(bytes, schema, Rounds::Best).map(|imported| imported.model)
}

/// Reads so many rounds of an XGBoost model.
pub(super) fn take(
    bytes: &[u8],
    schema: Option<&Schema>,
    rounds: Rounds,
) -> Result<Imported, ImportError> {
    let mut text = unpack(bytes, MAX_BYTES)?;
    if ubjson::is_ubjson(&text) {
        text = ubjson::to_json(&text)?.into();
    }
    refuse_other_encodings(&text)?;
    check_json(&text)?;
    let mut learner = XgboostFile::read(&text)?;
    let outputs = learner.outputs()?;
    let features = learner.features()?;
    let mut trees = learner.trees(features, outputs)?;
    let taken = trees.keep(rounds, learner.best()?, outputs)?;
    let base = learner.base(outputs, trees.trees.is_empty())?.into_iter().map(f64::from).collect();
    refuse_unknown(&text, keys::FILE)?;
    let Trees { trees, is_dropped, .. } = trees;
    let model = Model {
        schema: schema_of(learner, features, schema)?,
        precision: Precision::F32,
        tie: Tie::Lower,
        classes: outputs.classes(),
        link: Link::Softmax,
        family: Family::Ensemble(Ensemble { base, trees }),
    };
    let mut imported = Imported::with_missing(model, Some(taken), 0);
    if is_dropped && taken.is_part() {
        imported.notes.push(Note::Dropped);
    }
    if imported.model.classes > 1 {
        imported.notes.push(Note::Posteriors);
    }
    Ok(imported)
}

/// Refuses other files of XGBoost and its neighbours than model JSON; the first bytes tell them apart.
fn refuse_other_encodings(bytes: &[u8]) -> Result<(), ImportError> {
    let save = "save it with `booster.save_model(\"model.json\")` or `\"model.ubj\"`";
    let (what, expected) = match bytes {
        [b'b', b'i', b'n', b'f', ..] => ("the old binary format", save),
        [b'[', ..] => ("a list of trees (`dump_model`, without the base score)", save),
        [b't', b'r', b'e', b'e', b'\n' | b'\r', ..] => {
            ("a LightGBM text model", "read it with `import lightgbm`")
        }
        _ => return Ok(()),
    };
    Err(ImportError::Unsupported { what: what.to_owned(), expected })
}

/// The given schema, if it fits, else one made of the names in the file.
fn schema_of(
    learner: Learner<'_>,
    features: usize,
    given: Option<&Schema>,
) -> Result<Schema, ImportError> {
    features::schema(learner.feature_names(features)?, features, given)
}
