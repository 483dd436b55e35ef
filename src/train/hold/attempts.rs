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
}

impl Attempt {
    fn natural(family: HoldFamily) -> Self {
        Self { words: "natural".to_owned(), recipe: family.natural(), is_natural: true }
    }

    fn held(words: String, recipe: Recipe) -> Self {
        Self { words, recipe, is_natural: false }
    }

    pub(super) fn is_natural(&self) -> bool {
        self.is_natural
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

/// The natural training, the usual one that holds the specs, and others if a price is asked.
pub(super) fn of(family: HoldFamily, demands: &HoldDemands, has_price: bool) -> Vec<Attempt> {
    let mut attempts = vec![Attempt::natural(family)];
    let held = |words: String, recipe: Recipe| Attempt::held(words, recipe);
    if !demands.is_local() {
        let words = match (demands.directions.is_empty(), demands.by_repair.is_empty()) {
            (false, true) => "with directions",
            (true, _) => "leaf values moved",
            (false, false) => "with directions, leaf values moved",
        };
        attempts.push(held(words.to_owned(), family.natural()));
        return attempts;
    }
    match family {
        HoldFamily::Trees => attempts.extend(WORST_CASES.map(|share| {
            let words = format!("robust boosting, worst case {share}");
            held(words, Recipe::trees().with_worst_case(share))
        })),
        HoldFamily::Mlp => {
            attempts.extend(WEIGHTS.map(|weight| {
                let robust = RobustOptions { weight, ..RobustOptions::of(Trainer::MtlIbp) };
                held(format!("mtl-ibp, weight {weight}"), Recipe::mlp().with_robust(robust))
            }));
            let robust = RobustOptions::of(Trainer::Pgd);
            attempts.push(held("pgd".to_owned(), Recipe::mlp().with_robust(robust)));
        }
    }
    if !has_price {
        attempts.truncate(2);
    }
    attempts
}
