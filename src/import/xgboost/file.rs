//! The layout of the file, and what in it decides whether it can be imported.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_CLASSES, MAX_FEATURES, MAX_TREES, Place};
use crate::model::{LimitError, Tree};

use super::base;
use super::tree::TreeFile;

/// Versions whose predictions were compared bit for bit lie in this range.
const VERSIONS: std::ops::RangeInclusive<u64> = 1..=3;

/// The whole file. Keys that prediction does not need are skipped, here and below.
#[derive(Deserialize)]
pub(super) struct ModelFile<'a> {
    version: [u64; 3],
    #[serde(borrow)]
    learner: &'a RawValue,
}

/// `learner`.
#[derive(Deserialize)]
pub(super) struct Learner<'a> {
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

/// `gradient_booster`; its content differs by name, so it is read later.
#[derive(Deserialize)]
struct Booster<'a> {
    name: String,
    /// Of a `gbtree`.
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    /// Of a `dart`: the trees, and what each is multiplied by.
    #[serde(borrow)]
    gbtree: Option<&'a RawValue>,
    weight_drop: Option<Bounded<f32, MAX_TREES>>,
}

/// `gradient_booster.gbtree` of a `dart`.
#[derive(Deserialize)]
struct Dropped<'a> {
    #[serde(borrow)]
    model: &'a RawValue,
}

/// `model` of a `gbtree`.
#[derive(Deserialize)]
struct Forest<'a> {
    #[serde(borrow)]
    gbtree_model_param: Option<ForestParameters<'a>>,
    #[serde(borrow)]
    trees: Bounded<&'a RawValue, MAX_TREES>,
    tree_info: Bounded<u64, MAX_TREES>,
}

#[derive(Deserialize)]
struct ForestParameters<'a> {
    #[serde(borrow)]
    num_trees: Option<Declared<'a>>,
}

/// A number as the file spells it: bare, in a string, or (3.1 and later) as a list in a string.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct Declared<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> Declared<'a> {
    /// The text without quotes.
    pub(super) fn text(self) -> &'a str {
        self.0.get().trim_matches('"')
    }

    /// The whole number it is.
    pub(super) fn whole(self, key: &'static str) -> Result<usize, ImportError> {
        let refused = || ImportError::Declared { key, found: self.text().to_owned() };
        self.text().parse().map_err(|_| refused())
    }
}

impl<'a> ModelFile<'a> {
    /// Reads the file down to the parameters; refuses other versions.
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

/// What the sums mean; decided by the objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outputs {
    /// One sum, the margin of class 1.
    Logistic,
    /// One sum, a plain score: regression.
    Score,
    /// One sum per class, of which there are at least three.
    Softmax {
        /// Number of classes.
        classes: usize,
    },
}

/// Objectives of regression whose prediction is the sum, `reg:linear` an old name of the first. Not
/// `count:poisson` and others that predict its exponential.
const REGRESSIONS: [&str; 5] = [
    "reg:squarederror",
    "reg:linear",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
];

impl Outputs {
    /// Number of sums.
    pub(super) fn sums(self) -> usize {
        match self {
            Self::Logistic | Self::Score => 1,
            Self::Softmax { classes } => classes,
        }
    }

    /// Number of classes; 1 for a plain score, which has none.
    pub(super) fn classes(self) -> usize {
        match self {
            Self::Score => 1,
            Self::Logistic => 2,
            Self::Softmax { classes } => classes,
        }
    }
}

impl<'a> Learner<'a> {
    /// What the sums mean; every other objective is refused.
    pub(super) fn outputs(&self) -> Result<Outputs, ImportError> {
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
            "binary:logistic" | "reg:logistic" if classes <= 1 => Ok(Outputs::Logistic),
            "multi:softprob" | "multi:softmax" if classes > MAX_CLASSES => {
                let (found, limit) = (classes as u64, MAX_CLASSES as u64);
                Err(LimitError { what: "classes", found, limit }.into())
            }
            "multi:softprob" | "multi:softmax" if classes > 2 => Ok(Outputs::Softmax { classes }),
            "binary:logistic" | "reg:logistic" | "multi:softprob" | "multi:softmax" => unsupported(
                format!("objective `{objective}` with num_class {classes}"),
                "two classes are read as `binary:logistic`, three or more as `multi:softprob` or \
                 `multi:softmax`",
            ),
            _ if REGRESSIONS.contains(&objective) && classes <= 1 => Ok(Outputs::Score),
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

    /// The number of features, within limits.
    pub(super) fn features(&self) -> Result<usize, ImportError> {
        let found = self.learner_model_param.num_feature.whole("num_feature")?;
        if found > MAX_FEATURES {
            let (found, limit) = (found as u64, MAX_FEATURES as u64);
            return Err(LimitError { what: "features", found, limit }.into());
        }
        Ok(found)
    }

    /// The sums before the first tree.
    pub(super) fn base(&self, outputs: Outputs) -> Result<Vec<f32>, ImportError> {
        base::margins(self.learner_model_param.base_score.text(), outputs)
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

    /// The trees in file order.
    pub(super) fn trees(
        &mut self,
        features: usize,
        outputs: Outputs,
    ) -> Result<Vec<Tree>, ImportError> {
        let (model, weights) = self.gradient_booster.forest()?;
        let in_model = |reason| ImportError::Json { place: "model".to_owned(), reason };
        let forest: Forest = serde_json::from_str(model).map_err(in_model)?;
        let sums = forest.tree_info.all("entries of tree_info")?;
        let trees = forest.trees.all("trees")?;
        expect_length(|| "tree_info".to_owned(), sums.len(), trees.len())?;
        if let Some(count) = forest.gbtree_model_param.and_then(|parameters| parameters.num_trees) {
            expect_length(|| "trees".to_owned(), trees.len(), count.whole("num_trees")?)?;
        }
        if let Some(weights) = &weights {
            expect_length(|| "weight_drop".to_owned(), weights.len(), trees.len())?;
        }
        let weights = weights.into_iter().flatten().map(Some).chain(std::iter::repeat(None));
        let convert = |(index, ((tree, output), weight)): (usize, ((&&RawValue, u64), _))| {
            let output = usize::try_from(output).ok().filter(|&output| output < outputs.sums());
            let output = output.ok_or(ImportError::Output { tree: index, sums: outputs.sums() })?;
            TreeFile::read(tree.get(), index)?.into_tree(
                Place { tree: index, features },
                weight,
                output,
            )
        };
        trees.iter().zip(sums).zip(weights).enumerate().map(convert).collect()
    }
}

impl<'a> Booster<'a> {
    /// The text of the trees, and what each is multiplied by, if anything.
    fn forest(&mut self) -> Result<(&'a str, Option<Vec<f32>>), ImportError> {
        match self.name.as_str() {
            "gbtree" => Ok((self.model.map_or("null", RawValue::get), None)),
            "dart" => {
                let text = self.gbtree.map_or("null", RawValue::get);
                let in_gbtree = |reason| ImportError::Json { place: "gbtree".to_owned(), reason };
                let trees: Dropped = serde_json::from_str(text).map_err(in_gbtree)?;
                let weights = self.weight_drop.take().unwrap_or_default();
                Ok((trees.model.get(), Some(weights.all("entries of weight_drop")?)))
            }
            other => {
                let what = format!("booster `{other:.60}`");
                Err(ImportError::Unsupported { what, expected: "read are `gbtree` and `dart`" })
            }
        }
    }
}

/// Refuses a list of another length.
pub(super) fn expect_length(
    place: impl Fn() -> String,
    found: usize,
    expected: usize,
) -> Result<(), ImportError> {
    if found == expected {
        return Ok(());
    }
    Err(ImportError::Length { place: place(), found, expected })
}
