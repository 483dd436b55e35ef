//! The layout of the file, and what in it decides whether it can be imported.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::model::{LimitError, Tree};

use super::tree::TreeFile;
use super::{MAX_FEATURES, MAX_TREES, base};

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
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

/// `gradient_booster.model` of a `gbtree`.
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
    /// Reads the file down to the parameters; refuses what is not imported.
    pub(super) fn read(text: &'a [u8]) -> Result<Learner<'a>, ImportError> {
        let in_file = |reason| ImportError::Json { place: "the file".to_owned(), reason };
        let Self { version: [major, minor, patch], learner } =
            serde_json::from_slice(text).map_err(in_file)?;
        if !VERSIONS.contains(&major) {
            let what = format!("a file of XGBoost {major}.{minor}.{patch}");
            return Err(ImportError::Unsupported { what, expected: "versions 1 to 3 are read" });
        }
        let in_learner = |reason| ImportError::Json { place: "learner".to_owned(), reason };
        let learner: Learner = serde_json::from_str(learner.get()).map_err(in_learner)?;
        learner.refuse_other_kinds()?;
        Ok(learner)
    }
}

impl<'a> Learner<'a> {
    fn refuse_other_kinds(&self) -> Result<(), ImportError> {
        let unsupported = |what, expected| Err(ImportError::Unsupported { what, expected });
        let booster = self.gradient_booster.name.as_str();
        if booster != "gbtree" {
            return unsupported(format!("booster `{booster:.60}`"), "only `gbtree` is read");
        }
        let parameters = &self.learner_model_param;
        for (key, outputs) in
            [("num_class", parameters.num_class), ("num_target", parameters.num_target)]
        {
            let outputs = outputs.map_or(Ok(0), |outputs| outputs.whole(key))?;
            if outputs > 1 {
                let what = format!("a model with {key} {outputs}");
                return unsupported(what, "only models with one output are read");
            }
        }
        let objective = self.objective.name.as_str();
        if !["binary:logistic", "reg:logistic"].contains(&objective) {
            let expected = "only `binary:logistic` and `reg:logistic` are read";
            return unsupported(format!("objective `{objective:.60}`"), expected);
        }
        Ok(())
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

    /// The margin before the first tree.
    pub(super) fn base_margin(&self) -> Result<f32, ImportError> {
        base::margin(self.learner_model_param.base_score.text())
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

    /// The trees in file order, all of which add to the one output.
    pub(super) fn trees(&self, features: usize) -> Result<Vec<Tree>, ImportError> {
        let model = self.gradient_booster.model.map_or("null", RawValue::get);
        let in_model = |reason| ImportError::Json { place: "model".to_owned(), reason };
        let forest: Forest = serde_json::from_str(model).map_err(in_model)?;
        let outputs = forest.tree_info.all("entries of tree_info")?;
        let trees = forest.trees.all("trees")?;
        expect_length(|| "tree_info".to_owned(), outputs.len(), trees.len())?;
        if let Some(count) = forest.gbtree_model_param.and_then(|parameters| parameters.num_trees) {
            expect_length(|| "trees".to_owned(), trees.len(), count.whole("num_trees")?)?;
        }
        if let Some(output) = outputs.iter().find(|&&output| output != 0) {
            let what = format!("a tree for output {output}");
            let expected = "only models with one output are read";
            return Err(ImportError::Unsupported { what, expected });
        }
        let convert = |(index, tree): (usize, &&RawValue)| {
            TreeFile::read(tree.get(), index)?.into_tree(index, features)
        };
        trees.iter().enumerate().map(convert).collect()
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
