//! Models trained elsewhere become native ones.
//!
//! A model is imported when the native one gives the same bits as the tool it comes from, and is
//! refused by name when that is not known to be so: a quiet approximation would make every
//! certificate about some other function. Today that is [`xgboost`], numeric splits, and [`onnx`],
//! ReLU networks. The other way round, [`to_onnx`] writes a native network and [`to_xgboost`] a native
//! ensemble for others to serve, and what they write is imported as the same function.
//!
//! [`vnnlib`] reads properties of the verification competition in the same spirit.
//!
//! Files are foreign and may be hostile. Sizes are checked while reading, so that what is held in
//! memory is in proportion to what was read; what a file declares about itself is compared, never
//! believed.

mod bounded;
#[cfg(test)]
#[path = "../../tests/cases/chance.rs"]
mod chance;
mod error;
mod features;
mod forest;
mod onnx;
mod packed;
mod rules;
mod vnnlib;
mod xgboost;

pub use error::{ExportError, ImportError, NodeProblem};
pub use onnx::{onnx, to_onnx};
pub use rules::rules;
pub use vnnlib::{
    Block, End, Input, Instance, Place, Query, Strict, VnnlibError, instances, spec_text, vnnlib,
};
pub use xgboost::{to_xgboost, xgboost};

use crate::model::{Model, Schema};

/// The formats that can be named; most are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// XGBoost's own JSON and UBJSON.
    Xgboost,
    /// LightGBM text or JSON.
    Lightgbm,
    /// A scikit-learn pickle or its JSON forms.
    Sklearn,
    /// Overlapping rules, or trees, in the JSON of published property-trained models.
    RuleEnsemble,
    /// An ONNX graph.
    Onnx,
}

impl Format {
    /// Refuses by name a format that is not read, before any file is looked at.
    pub fn expect_read(self) -> Result<(), ImportError> {
        match self {
            Self::Xgboost | Self::Onnx | Self::RuleEnsemble => Ok(()),
            Self::Lightgbm => Err(unread("LightGBM models")),
            Self::Sklearn => Err(unread("scikit-learn models")),
        }
    }

    /// Reads a model of this format; for `schema` see [`xgboost`] and [`onnx`].
    pub fn read(self, bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
        self.expect_read()?;
        match self {
            Self::Onnx => onnx(bytes, schema),
            Self::RuleEnsemble => rules(bytes, schema),
            _ => xgboost(bytes, schema),
        }
    }

    /// Writes a model in this format; see [`to_onnx`] and [`to_xgboost`], the two that are written.
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

fn unread(what: &str) -> ImportError {
    let expected = "read are XGBoost JSON (`import xgboost`) and ONNX (`import onnx`)";
    ImportError::Unsupported { what: what.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_read_are_refused_by_name() {
        let refused = [(Format::Lightgbm, "LightGBM"), (Format::Sklearn, "scikit-learn")];
        for (format, name) in refused {
            let error = format.read(b"{}", None).unwrap_err();
            assert!(matches!(&error, ImportError::Unsupported { what, .. } if what.contains(name)));
            assert!(error.to_string().contains("XGBoost JSON"), "says what is read instead");
        }
    }
}
