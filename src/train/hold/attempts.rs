//! The trainings that are tried: natural, the usual one that holds the specs, and others if a price is asked.

use crate::spec::Spec;
use crate::train::mlp::{RobustOptions, Trainer};
use crate::train::{HoldDemands, Recipe, TrainError};

/// A family that can be trained to hold specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldFamily {
    /// A ReLU network.
    Mlp,
    /// Boosted trees.
    Trees,
}

impl HoldFamily {
    /// Ensembles with two classes: they hold local claims at the smallest price and are decided exactly.
    pub(super) fn usual(classes: usize) -> Self {
        if classes == 2 { Self::Trees } else { Self::Mlp }
    }

    /// Refuses demands that no training of the family meets.
    pub(super) fn expect(self, demands: &HoldDemands) -> Result<(), TrainError> {
        if self == Self::Trees {
            return Ok(());
        }
        demands.expect_no_directions()?;
        demands
            .expect_no_repair("of a network no trainer holds it; leave out --family, or take trees")
    }

    fn natural(self) -> Recipe {
        match self {
            Self::Mlp => Recipe::mlp(),
            Self::Trees => Recipe::trees(),
        }
    }
}

/// One training, and the work on its model: each makes a candidate.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) words: String,
    pub(super) recipe: Recipe,
    pub(super) afterwards: Vec<Afterwards>,
}

/// The work on a trained ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    Nothing,
    /// Leaf values are moved.
    Repair,
    /// The score is made smaller.
    Shrink,
}

impl Afterwards {
    /// The words for a model of a training with that name.
    pub(super) fn words(self, training: &str) -> String {
        match self {
            Self::Nothing => training.to_owned(),
            Self::Repair => format!("{training}, leaf values moved"),
            Self::Shrink => format!("{training}, score made smaller"),
        }
    }
}

/// The weights of a row's worst case beside the row itself; first the usual one, which costs little and holds nearly
/// as much as 1.
const WORST_CASES: [f64; 5] = [0.4, 1.0, 0.7, 0.2, 0.1];

/// The weights of interval bounds beside attacked points.
const WEIGHTS: [f64; 3] = [0.3, 0.1, 0.02];

/// The natural training first, whose model as it is comes before all others; then those that hold `specs`, which are
/// what the demands ask of a training.
pub(super) fn of(
    family: HoldFamily,
    demands: &HoldDemands,
    specs: &[Spec],
    has_price: bool,
) -> Vec<Attempt> {
    let held = match demands.by_repair.is_empty() {
        true => vec![Afterwards::Nothing],
        false => vec![Afterwards::Repair, Afterwards::Shrink],
    };
    let mut natural = Attempt {
        words: "natural".to_owned(),
        recipe: family.natural(),
        afterwards: vec![Afterwards::Nothing],
    };
    if specs.is_empty() {
        natural.afterwards.extend(held);
        return vec![natural];
    }
    let trainings = trainings(family, demands, has_price).into_iter();
    let trainings = trainings.map(|(words, recipe)| Attempt {
        words,
        recipe: recipe.holding(specs.iter().cloned()),
        afterwards: held.clone(),
    });
    std::iter::once(natural).chain(trainings).collect()
}

/// The trainings that hold local claims and directions, with their names; the usual one first.
fn trainings(family: HoldFamily, demands: &HoldDemands, has_price: bool) -> Vec<(String, Recipe)> {
    if !demands.is_local() {
        return vec![("with directions".to_owned(), family.natural())];
    }
    let mut trainings: Vec<(String, Recipe)> = match family {
        HoldFamily::Trees => WORST_CASES
            .map(|share| {
                let words = format!("robust boosting, worst case {share}");
                (words, Recipe::trees().with_worst_case(share))
            })
            .into(),
        HoldFamily::Mlp => {
            let weighted = WEIGHTS.map(|weight| {
                let robust = RobustOptions { weight, ..RobustOptions::of(Trainer::MtlIbp) };
                (format!("mtl-ibp, weight {weight}"), Recipe::mlp().with_robust(robust))
            });
            let pgd = Recipe::mlp().with_robust(RobustOptions::of(Trainer::Pgd));
            weighted.into_iter().chain([("pgd".to_owned(), pgd)]).collect()
        }
    };
    if !has_price {
        trainings.truncate(1);
    }
    trainings
}
