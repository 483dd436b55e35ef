//! The trainings that are tried, natural first, then from the strongest on.

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
        let reason =
            "of a network no trainer holds it; leave out --family, or take trees".to_owned();
        match demands.by_repair.first() {
            None => Ok(()),
            Some(spec) => Err(TrainError::Property { property: spec.property.name(), reason }),
        }
    }

    fn natural(self) -> Recipe {
        match self {
            Self::Mlp => Recipe::mlp(),
            Self::Trees => Recipe::trees(),
        }
    }
}

/// One training.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) words: String,
    recipe: Recipe,
    is_natural: bool,
    pub(super) after: Afterwards,
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

impl Attempt {
    fn natural(family: HoldFamily) -> Self {
        let (words, recipe) = ("natural".to_owned(), family.natural());
        Self { words, recipe, is_natural: true, after: Afterwards::Nothing }
    }

    fn held(words: String, recipe: Recipe, after: Afterwards) -> Self {
        Self { words, recipe, is_natural: false, after }
    }

    /// The recipe, with the specs if it is not the natural one.
    pub(super) fn recipe(&self, specs: &[Spec]) -> Recipe {
        let specs = if self.is_natural { &[][..] } else { specs };
        self.recipe.clone().holding(specs.iter().cloned())
    }
}

/// The weights of a row's worst case beside the row itself; first the usual one, which costs little and holds nearly
/// as much as 1.
const WORST_CASES: [f64; 5] = [0.4, 1.0, 0.7, 0.2, 0.1];

/// The weights of interval bounds beside attacked points.
const WEIGHTS: [f64; 3] = [0.3, 0.1, 0.02];

/// The natural training, the usual ones that hold the specs, and others if a price is asked.
pub(super) fn of(family: HoldFamily, demands: &HoldDemands, has_price: bool) -> Vec<Attempt> {
    let mut attempts = vec![Attempt::natural(family)];
    let afterwards: &[Afterwards] = match demands.by_repair.is_empty() {
        true => &[Afterwards::Nothing],
        false => &[Afterwards::Repair, Afterwards::Shrink],
    };
    for (words, recipe) in trainings(family, demands, has_price) {
        attempts.extend(afterwards.iter().map(|after| {
            let more = match after {
                Afterwards::Nothing => "",
                Afterwards::Repair => ", leaf values moved",
                Afterwards::Shrink => ", score made smaller",
            };
            Attempt::held(format!("{words}{more}"), recipe.clone(), *after)
        }));
    }
    attempts
}

/// The trainings that hold local claims and directions, with their names; the usual one first.
fn trainings(family: HoldFamily, demands: &HoldDemands, has_price: bool) -> Vec<(String, Recipe)> {
    if !demands.is_local() {
        let words = if demands.directions.is_empty() { "natural" } else { "with directions" };
        return vec![(words.to_owned(), family.natural())];
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
