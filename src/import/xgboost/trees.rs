//! `gradient_booster`: the trees of a `gbtree` or `dart`, the weight of each, and the rounds they make.
//!
//! Up to 3.2 a `dart` holds a `gbtree` and `weight_drop` beside it. From 3.3 on there is only `gbtree`, and
//! `weight_drop` stands in its model.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_TREES, TreePlace};
use crate::import::{ImportError, Rounds, Taken};
use crate::model::Tree;

use super::declared::{Best, Declared, SumMeaning, expect_length};
use super::tree::BoosterTreeFile;

/// The booster. Its content depends on its name, so it is read later.
#[derive(Deserialize)]
pub(super) struct Booster<'a> {
    name: String,
    /// The model of a `gbtree`.
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    /// The `gbtree` of a `dart`; the weights of its trees follow.
    #[serde(borrow)]
    gbtree: Option<&'a RawValue>,
    weight_drop: Option<Weights>,
}

type Weights = Bounded<f32, MAX_TREES>;

/// `gradient_booster.gbtree` of a `dart`.
#[derive(Deserialize)]
struct Dropped<'a> {
    #[serde(borrow)]
    model: &'a RawValue,
}

/// `model` of a `gbtree`.
#[derive(Deserialize)]
struct GbtreeModel<'a> {
    #[serde(borrow)]
    gbtree_model_param: Option<ForestParameters<'a>>,
    iteration_indptr: Option<Bounded<usize, { MAX_TREES + 1 }>>,
    #[serde(borrow)]
    trees: Bounded<&'a RawValue, MAX_TREES>,
    tree_info: Bounded<u64, MAX_TREES>,
    weight_drop: Option<Weights>,
}

#[derive(Deserialize)]
struct ForestParameters<'a> {
    #[serde(borrow)]
    num_trees: Option<Declared<'a>>,
    #[serde(borrow)]
    num_parallel_tree: Option<Declared<'a>>,
}

/// The trees in file order with weighted leaves, and the rounds they make.
pub(super) struct Trees {
    pub(super) trees: Vec<Tree>,
    /// True if they are the trees of a `dart`.
    pub(super) is_dropped: bool,
    /// The index of the first tree of each round, and the end of the last round (2.0 and later).
    starts: Option<Vec<usize>>,
    /// Trees of a round and class (1.6 and later).
    parallel: Option<usize>,
}

impl Booster<'_> {
    /// All trees.
    pub(super) fn trees(
        &mut self,
        features: usize,
        outputs: SumMeaning,
    ) -> Result<Trees, ImportError> {
        let forest = self.forest()?;
        let sums = forest.tree_info.all("entries of tree_info")?;
        let trees = forest.trees.all("trees")?;
        expect_length(|| "tree_info".to_owned(), sums.len(), trees.len())?;
        let parameters = forest.gbtree_model_param;
        if let Some(count) = parameters.as_ref().and_then(|parameters| parameters.num_trees) {
            expect_length(|| "trees".to_owned(), trees.len(), count.whole("num_trees")?)?;
        }
        let weights = match forest.weight_drop {
            Some(weights) => {
                let weights = weights.all("entries of weight_drop")?;
                expect_length(|| "weight_drop".to_owned(), weights.len(), trees.len())?;
                Some(weights)
            }
            None => None,
        };
        let parallel = parameters.and_then(|parameters| parameters.num_parallel_tree);
        let starts =
            forest.iteration_indptr.map(|starts| starts.all("entries of iteration_indptr"));
        let weight = |index: usize| weights.as_ref().and_then(|all| all.get(index).copied());
        let convert = |(index, (text, sum)): (usize, (&&RawValue, u64))| {
            let output = usize::try_from(sum).ok().filter(|&output| output < outputs.sums());
            let output = output.ok_or(ImportError::Output { tree: index, sums: outputs.sums() })?;
            let place = TreePlace { tree: index, features };
            BoosterTreeFile::read(text.get(), index)?.into_tree(place, weight(index), output)
        };
        Ok(Trees {
            trees: trees.iter().zip(sums).enumerate().map(convert).collect::<Result<_, _>>()?,
            is_dropped: weights.is_some(),
            starts: starts.transpose()?,
            parallel: parallel.map(|count| count.whole("num_parallel_tree")).transpose()?,
        })
    }

    /// The model with the weights of its trees, which stand in one of two places.
    fn forest(&mut self) -> Result<GbtreeModel<'_>, ImportError> {
        let (place, text, is_dart) = match self.name.as_str() {
            "gbtree" => ("model", self.model.map_or("null", RawValue::get), false),
            "dart" => {
                let text = self.gbtree.map_or("null", RawValue::get);
                let in_gbtree = |reason| ImportError::Json { place: "gbtree".to_owned(), reason };
                let dropped: Dropped = serde_json::from_str(text).map_err(in_gbtree)?;
                ("model", dropped.model.get(), true)
            }
            other => {
                let what = format!("booster `{other:.60}`");
                return Err(ImportError::Unsupported {
                    what,
                    expected: "read are `gbtree` and `dart`",
                });
            }
        };
        let in_model = |reason| ImportError::Json { place: place.to_owned(), reason };
        let mut forest: GbtreeModel = serde_json::from_str(text).map_err(in_model)?;
        let beside = self.weight_drop.take();
        if (beside.is_some() && !is_dart) || (is_dart && forest.weight_drop.is_some()) {
            return Err(ImportError::Stated {
                place: "weight_drop".to_owned(),
                found: format!("a list at another place of a `{}`", self.name),
                expected: "beside the `gbtree` of a `dart` (up to 3.2) or in the model of a `gbtree` (from 3.3 on)",
            });
        }
        if is_dart {
            // a `dart` without a list of weights gets an empty list, which fits no trees
            forest.weight_drop = Some(beside.unwrap_or_default());
        }
        Ok(forest)
    }
}

impl Trees {
    /// Keeps the trees of the rounds asked for.
    pub(super) fn keep(
        &mut self,
        asked: Rounds,
        best: Option<Best>,
        outputs: SumMeaning,
    ) -> Result<Taken, ImportError> {
        // files before 1.6 do not state the parallel trees themselves
        self.parallel = self.parallel.or(best.and_then(Best::parallel));
        let best = best.map(|best| best.round);
        let is_part = matches!((asked, best), (Rounds::First(_), _) | (Rounds::Best, Some(_)));
        let starts = match (self.starts(outputs), is_part) {
            (Ok(starts), _) => starts,
            // if all trees are taken, it does not matter where rounds begin
            (Err(_), false) => vec![0, self.trees.len()],
            (Err(refusal), true) => return Err(refusal),
        };
        let taken = asked.take(starts.len().saturating_sub(1), best)?;
        self.trees.truncate(starts.get(taken.rounds()).copied().unwrap_or(self.trees.len()));
        Ok(taken)
    }

    /// The index of the first tree of each round, and the end of the last round.
    fn starts(&self, outputs: SumMeaning) -> Result<Vec<usize>, ImportError> {
        let end = self.trees.len();
        if let Some(starts) = &self.starts {
            if starts.first() == Some(&0) && starts.last() == Some(&end) && starts.is_sorted() {
                return Ok(starts.clone());
            }
            return Err(ImportError::Stated {
                place: "iteration_indptr".to_owned(),
                found: format!("{starts:?}"),
                expected: "where rounds begin, ascending from 0 to the number of trees; --rounds all takes all",
            });
        }
        let width = self.parallel.and_then(|parallel| parallel.checked_mul(outputs.sums()));
        match width {
            Some(width) if width > 0 && end.is_multiple_of(width) => {
                Ok((0..=end).step_by(width).collect())
            }
            _ => Err(ImportError::Stated {
                place: "num_parallel_tree".to_owned(),
                found: width
                    .map_or("nothing".to_owned(), |width| format!("{end} trees, {width} a round")),
                expected: "whole rounds; without it (before XGBoost 1.6) --rounds all takes all trees",
            }),
        }
    }
}
