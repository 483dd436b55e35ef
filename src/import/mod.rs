//! Models trained elsewhere become native ones.
//!
//! A model is imported when the native one gives the same bits as the tool it comes from. For forests the labels
//! are the same, and the means but for their last bits. A model is refused by name when that is not known to be
//! so: a quiet approximation would make every certificate about some other function. The formats read are the
//! ensembles of [`xgboost`], [`lightgbm`] and [`sklearn`] with numeric splits, published [`rules`], and the ReLU
//! networks of [`onnx`]. In the other direction, [`to_onnx`] writes a native network and [`to_xgboost`] a native
//! ensemble for others to serve; importing these files gives the same function back.
//!
//! [`vnnlib`] reads properties of the verification competition in the same spirit.
//!
//! Files are foreign and may be hostile. Sizes are checked while reading, so that the memory held is in proportion
//! to the bytes read. Everything that a file declares about itself is compared with its content, never believed.

mod bounded;
#[cfg(test)]
#[path = "../../tests/cases/chance.rs"]
mod chance;
#[cfg(test)]
#[path = "../../tests/cases/effort.rs"]
mod effort;
mod error;
mod features;
mod forest;
mod keys;
mod lightgbm;
mod note;
mod onnx;
mod packed;
mod recentre;
mod recognise;
mod rounds;
mod rules;
mod sklearn;
mod vnnlib;
mod xgboost;

pub use error::{ExportError, ImportError, NodeProblem};
pub use lightgbm::lightgbm;
pub use note::{Imported, Note};
pub use onnx::{Outputs, gather, onnx, onnx_outputs, to_onnx};
pub use recentre::{RecentreError, Recentred, recentre};
pub use recognise::recognise;
pub use rounds::{Rounds, Taken};
pub use rules::rules;
pub use sklearn::{SKLEARN_DUMP, sklearn};
pub use vnnlib::{
    End, Input, Instance, Place, Query, Strict, UnsafeBlock, VnnlibError, instances, spec_text,
    vnnlib,
};
pub use xgboost::{to_xgboost, xgboost};

use crate::model::{Model, Schema};

/// The formats that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// XGBoost's own JSON and UBJSON.
    Xgboost,
    /// LightGBM text or JSON.
    Lightgbm,
    /// A JSON dump of a scikit-learn ensemble; see [`SKLEARN_DUMP`].
    Sklearn,
    /// Overlapping rules, or trees, in the JSON of published property-trained models.
    RuleEnsemble,
    /// An ONNX graph.
    Onnx,
}

impl Format {
    /// Reads a model of this format; the reader of the same name says how `schema` is used.
    pub fn read(self, bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
        self.take(bytes, schema, Rounds::default()).map(|imported| imported.model)
    }

    /// Reads so many rounds of a model, with notes on it. Only boosting has rounds.
    pub fn take(
        self,
        bytes: &[u8],
        schema: Option<&Schema>,
        rounds: Rounds,
    ) -> Result<Imported, ImportError> {
        let all = |model: Result<Model, ImportError>| {
            rounds.whole()?;
            model.map(Imported::from)
        };
        packed::refuse_pickle(bytes)?;
        match self {
            Self::Xgboost => xgboost::take(bytes, schema, rounds),
            Self::Lightgbm => lightgbm::take(bytes, schema, rounds),
            Self::Sklearn => sklearn::take(bytes, schema, rounds),
            Self::RuleEnsemble => all(rules(bytes, schema)),
            Self::Onnx => {
                rounds.whole().and_then(|_| onnx_outputs(bytes, schema, Outputs::default()))
            }
        }
    }

    /// Writes a model in this format. Two formats are written; see [`to_onnx`] and [`to_xgboost`].
    pub fn write(self, model: &Model) -> Result<Vec<u8>, ExportError> {
        let format = match self {
            Self::Onnx => return to_onnx(model),
            Self::Xgboost => return to_xgboost(model),
            Self::Lightgbm => "lightgbm",
            Self::Sklearn => "sklearn",
            Self::RuleEnsemble => "rule-ensemble",
        };
        Err(ExportError::Format { format })
    }
}

/// The 32-bit float that a written format takes; refuses a number that is none.
fn single(value: f64, place: impl Fn() -> String) -> Result<f32, ExportError> {
    let single = value as f32;
    // NaN is not equal to itself
    if single.is_finite() && f64::from(single) == value {
        return Ok(single);
    }
    Err(ExportError::Number { place: place(), value })
}
