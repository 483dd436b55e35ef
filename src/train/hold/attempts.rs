//! The trainings that are tried: natural, the usual one that holds the specs, and others if a price is asked.

use crate::model::Schema;
use crate::spec::Spec;
use crate::train::mlp::{RobustOptions, Trainer};
use crate::train::{HoldDemands, Recipe, TrainError};

/// A family that can be trained to hold specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldFamily {
    /// A ReLU network.
    Mlp,
    /// Boosted trees.
    Trees,
}

impl HoldFamily {
    /// Ensembles with two classes: they hold local claims at the smallest price and are decided exactly. Networks
    /// for more classes, and where no trainer of ensembles holds a spec.
    pub(super) fn usual(classes: usize, demands: &HoldDemands) -> Self {
        if classes == 2 && !demands.needs_network() { Self::Trees } else { Self::Mlp }
    }

    /// Refuses demands that no training of the family meets.
    pub(super) fn expect(self, demands: &HoldDemands) -> Result<(), TrainError> {
        match self {
            Self::Trees => demands.expect_no_network(),
            Self::Mlp => demands.expect_rules_of_networks(),
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

impl Attempt {
    fn natural(recipe: Recipe) -> Self {
        Self { words: "natural".to_owned(), recipe, afterwards: vec![Afterwards::Nothing] }
    }
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

/// The weights of interval bounds beside attacked points; first the usual one.
const WEIGHTS: [f64; 3] = [0.2, 0.1, 0.02];

/// The hidden layers of networks that hold labels: some data is held better by the one, some by the other.
const FORMS: [(&str, &[usize]); 2] =
    [("one layer of 256", &[256]), ("two layers of 64", &[64, 64])];

/// Times the usual weights of claims about two points.
const TIMES: [f64; 4] = [1.0, 4.0, 0.25, 0.0625];

/// The natural training first, whose model as it is comes before all others; then those that hold `specs`.
pub(super) fn of(
    family: HoldFamily,
    (demands, schema): (&HoldDemands, &Schema),
    specs: &[Spec],
    has_price: bool,
) -> Vec<Attempt> {
    if family == HoldFamily::Mlp {
        return of_networks(demands, schema, has_price);
    }
    let held = match demands.by_repair.is_empty() {
        true => vec![Afterwards::Nothing],
        false => vec![Afterwards::Repair, Afterwards::Shrink],
    };
    // leaf values are moved to meet the others
    let specs: Vec<&Spec> = specs.iter().filter(|spec| !demands.by_repair.contains(spec)).collect();
    let mut natural = Attempt::natural(Recipe::trees());
    if specs.is_empty() {
        natural.afterwards.extend(held);
        return vec![natural];
    }
    let trainings = boostings(demands).into_iter().map(|(words, recipe)| Attempt {
        words,
        recipe: recipe.holding(specs.iter().copied().cloned()),
        afterwards: held.clone(),
    });
    std::iter::once(natural).chain(trainings.take(tried(has_price))).collect()
}

/// The number of trainings that are tried: without a price the usual one alone.
fn tried(has_price: bool) -> usize {
    if has_price { usize::MAX } else { 1 }
}

/// The boostings that hold local claims and directions, with their names; the usual one first.
fn boostings(demands: &HoldDemands) -> Vec<(String, Recipe)> {
    if !demands.has_boxes() {
        return vec![("with directions".to_owned(), Recipe::trees())];
    }
    let boosting = |share: f64| {
        let words = format!("robust boosting, worst case {share}");
        (words, Recipe::trees().with_worst_case(share))
    };
    WORST_CASES.map(boosting).into()
}

/// The trainings of networks. Directions are held by construction, labels by the boxes of rows, claims about two points
/// by points that break them.
fn of_networks(demands: &HoldDemands, schema: &Schema, has_price: bool) -> Vec<Attempt> {
    let with = |(words, recipe): (String, Recipe), times: f64| Attempt {
        words,
        recipe: recipe
            .with_directions(demands.named_directions(schema))
            .holding(demands.local().iter().cloned())
            .holding_weighted(demands.terms(times)),
        afterwards: vec![Afterwards::Nothing],
    };
    let attempts: Vec<Attempt> = if demands.is_local() {
        label_trainings().into_iter().map(|training| with(training, 1.0)).collect()
    } else if demands.terms(1.0).next().is_some() {
        let dl2 = || Recipe::mlp().with_robust(RobustOptions::of(Trainer::Dl2));
        TIMES.map(|times| with((format!("dl2, weight times {times}"), dl2()), times)).into()
    } else {
        vec![with(("with directions".to_owned(), Recipe::mlp()), 1.0)]
    };
    let tried = if demands.is_local() { FORMS.len() } else { 1 };
    let tried = if has_price { attempts.len() } else { tried };
    let natural = Attempt::natural(Recipe::mlp());
    std::iter::once(natural).chain(attempts.into_iter().take(tried)).collect()
}

/// The trainings of networks that hold labels, with their names; first the usual weight in every form.
fn label_trainings() -> Vec<(String, Recipe)> {
    let [usual, weaker @ ..] = WEIGHTS;
    let forms = FORMS.map(|(words, hidden)| {
        (format!("mtl-ibp, weight {usual}, {words}"), Recipe::bounded_mlp(hidden, usual))
    });
    let (words, hidden) = FORMS[0];
    let weaker = weaker.map(|weight| {
        (format!("mtl-ibp, weight {weight}, {words}"), Recipe::bounded_mlp(hidden, weight))
    });
    let pgd = Recipe::mlp().with_robust(RobustOptions::of(Trainer::Pgd));
    forms.into_iter().chain(weaker).chain([("pgd".to_owned(), pgd)]).collect()
}
