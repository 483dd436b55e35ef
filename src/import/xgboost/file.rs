//! The layout of the file, and the parts of it that decide whether it can be imported.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_CLASSES, MAX_FEATURES};
use crate::model::LimitError;

use super::base;
use super::declared::{Best, Declared, SumMeaning, expect_length};
use super::trees::{Booster, Trees};

/// The versions whose predictions were compared bit for bit lie in this range.
const VERSIONS: std::ops::RangeInclusive<u64> = 1..=3;

/// The whole file. Keys that prediction does not need are skipped, here and below; [`super::keys`] says which
/// there may be.
#[derive(Deserialize)]
pub(super) struct XgboostFile<'a> {
    version: [u64; 3],
    #[serde(borrow)]
    learner: &'a RawValue,
}

/// `learner`.
#[derive(Deserialize)]
pub(super) struct Learner<'a> {
    #[serde(borrow, default)]
    attributes: Attributes<'a>,
    #[serde(default)]
    feature_names: Bounded<String, MAX_FEATURES>,
    #[serde(borrow)]
    gradient_booster: Booster<'a>,
    #[serde(borrow)]
    learner_model_param: Parameters<'a>,
    objective: Objective,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

/// `learner_model_param`: numbers, mostly inside strings.
#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow)]
    base_score: Declared<'a>,
    #[serde(borrow)]
    num_feature: Declared<'a>,
    #[serde(borrow)]
    num_class: Option<Declared<'a>>,
    #[serde(borrow)]
    num_target: Option<Declared<'a>>,
}

/// The parts of `attributes` that are read; anybody may store texts there.
#[derive(Default, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    best_iteration: Option<Declared<'a>>,
    /// Trees of one class in the rounds up to the best one; written up to 1.7.
    #[serde(borrow)]
    best_ntree_limit: Option<Declared<'a>>,
}

impl<'a> XgboostFile<'a> {
    /// Reads the file down to the parameters, and refuses other versions.
    pub(super) fn read(text: &'a [u8]) -> Result<Learner<'a>, ImportError> {
        let in_file = |reason| ImportError::Json { place: "the file".to_owned(), reason };
        let Self { version: [major, minor, patch], learner } =
            serde_json::from_slice(text).map_err(in_file)?;
        if !VERSIONS.contains(&major) {
            let what = format!("a file of XGBoost {major}.{minor}.{patch}");
            return Err(ImportError::Unsupported { what, expected: "versions 1 to 3 are read" });
        }
        let in_learner = |reason| ImportError::Json { place: "learner".to_owned(), reason };
        serde_json::from_str(learner.get()).map_err(in_learner)
    }
}

/// Objectives of regression whose prediction is the sum; `reg:linear` is an old name of the first. `count:poisson`
/// and others, which predict the exponential of the sum, are left out.
const REGRESSIONS: [&str; 5] = [
    "reg:squarederror",
    "reg:linear",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
];

impl<'a> Learner<'a> {
    /// The meaning of the sums; refuses every other objective.
    pub(super) fn outputs(&self) -> Result<SumMeaning, ImportError> {
        let unsupported = |what, expected| Err(ImportError::Unsupported { what, expected });
        let parameters = &self.learner_model_param;
        let declared = |key, value: Option<Declared>| value.map_or(Ok(0), |value| value.whole(key));
        let targets = declared("num_target", parameters.num_target)?;
        if targets > 1 {
            return unsupported(format!("a model with num_target {targets}"), "one target is read");
        }
        let classes = declared("num_class", parameters.num_class)?;
        let objective = self.objective.name.as_str();
        match objective {
            "binary:logistic" | "reg:logistic" if classes <= 1 => Ok(SumMeaning::Logistic),
            "multi:softprob" | "multi:softmax" if classes > MAX_CLASSES => {
                let (found, limit) = (classes as u64, MAX_CLASSES as u64);
                Err(LimitError { what: "classes", found, limit }.into())
            }
            "multi:softprob" | "multi:softmax" if classes > 2 => {
                Ok(SumMeaning::Softmax { classes })
            }
            "binary:logistic" | "reg:logistic" | "multi:softprob" | "multi:softmax" => unsupported(
                format!("objective `{objective}` with num_class {classes}"),
                "two classes are read as `binary:logistic`, three or more as `multi:softprob` or \
                 `multi:softmax`",
            ),
            _ if REGRESSIONS.contains(&objective) && classes <= 1 => Ok(SumMeaning::Score),
            _ if REGRESSIONS.contains(&objective) => unsupported(
                format!("objective `{objective}` with num_class {classes}"),
                "regression has no classes",
            ),
            _ => unsupported(
                format!("objective `{objective:.60}`"),
                "read are `binary:logistic`, `reg:logistic`, `multi:softprob`, `multi:softmax`, and regression \
                 whose prediction is the sum: `reg:squarederror`, `reg:absoluteerror`, \
                 `reg:pseudohubererror`, `reg:quantileerror`",
            ),
        }
    }

    /// The number of features, which must be within its limit.
    pub(super) fn features(&self) -> Result<usize, ImportError> {
        let found = self.learner_model_param.num_feature.whole("num_feature")?;
        if found > MAX_FEATURES {
            let (found, limit) = (found as u64, MAX_FEATURES as u64);
            return Err(LimitError { what: "features", found, limit }.into());
        }
        Ok(found)
    }

    /// The sums before the first tree; `is_bare` says that the model has no tree at all.
    pub(super) fn base(&self, outputs: SumMeaning, is_bare: bool) -> Result<Vec<f32>, ImportError> {
        let text = self.learner_model_param.base_score.text();
        match (outputs, is_bare) {
            (SumMeaning::Logistic, true) => base::of_no_trees(text),
            _ => base::margins(text, outputs),
        }
    }

    /// The names of the features, if the file has them.
    pub(super) fn feature_names(self, features: usize) -> Result<Option<Vec<String>>, ImportError> {
        let names = self.feature_names.all("feature names")?;
        if names.is_empty() {
            return Ok(None);
        }
        expect_length(|| "feature_names".to_owned(), names.len(), features)?;
        Ok(Some(names))
    }

    /// The trees, with the facts that the file states about them.
    pub(super) fn trees(
        &mut self,
        features: usize,
        outputs: SumMeaning,
    ) -> Result<Trees, ImportError> {
        self.gradient_booster.trees(features, outputs)
    }

    /// The best round and its trees, if early stopping was on.
    pub(super) fn best(&self) -> Result<Option<Best>, ImportError> {
        let Attributes { best_iteration, best_ntree_limit } = &self.attributes;
        let Some(round) = best_iteration else { return Ok(None) };
        let round = round.whole("best_iteration")?;
        let trees = best_ntree_limit.map(|trees| trees.whole("best_ntree_limit")).transpose()?;
        Ok(Some(Best { round, trees }))
    }
}
