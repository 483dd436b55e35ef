//! The rounds of points of one attack.
//!
//! ```text
//! random points     as many fresh points as there are labelled ones
//! neighbours        one around each labelled point
//! repetitions       groups of points that are nearly the same, around fresh ones
//! line search       one midpoint; the label decides the next
//! Jacobian          train S; one step from each labelled point
//! committee         train the members; the most disputed candidates
//! ```

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::line_search::Brackets;
use super::{Generator, committee, jacobian};
use crate::oracle::bits;
use crate::steal::{Classifier, Knowledge, Labelled, StealError, SubstituteOptions};

/// Fresh points in the first round, if there are no seeds to count.
const FIRST_ROUND: usize = 50;

/// A point to label.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::steal) struct Proposal {
    pub(in crate::steal) point: Vec<f64>,
    /// True if the label decides the points to come, so that a guess could bend the search.
    pub(in crate::steal) steers: bool,
}

impl Proposal {
    pub(super) fn new(point: Vec<f64>) -> Self {
        Self { point, steers: false }
    }
}

/// The facts that a round is made from.
#[derive(Clone, Copy)]
pub(in crate::steal) struct View<'v> {
    pub(in crate::steal) known: &'v Knowledge<'v>,
    /// Features proved monotone, with the sign that raises the score of class 1.
    pub(in crate::steal) trends: &'v [(usize, f64)],
    /// The labelled points so far.
    pub(in crate::steal) points: &'v [Labelled],
    /// Maps the bits of labelled points to their places.
    pub(in crate::steal) places: &'v BTreeMap<Vec<u64>, usize>,
    /// Queries left.
    pub(in crate::steal) remaining: usize,
    /// The training of substitutes.
    pub(in crate::steal) substitute: &'v SubstituteOptions,
    /// The seed of the attack.
    pub(in crate::steal) seed: u64,
}

impl View<'_> {
    /// The label of a point, if it has one.
    pub(super) fn label_of(&self, point: &[f64]) -> Option<usize> {
        self.places.get(&bits(point)).and_then(|place| self.points.get(*place)).map(|p| p.label)
    }

    /// A substitute trained on the points so far.
    pub(super) fn train(&self) -> Result<Classifier, StealError> {
        let fitted = Classifier::fit(self.points, self.known, self.substitute, self.seed)?;
        Ok(fitted.0)
    }

    pub(super) fn fresh(&self, generator: &Generator, rng: &mut ChaCha8Rng) -> Vec<f64> {
        generator.point(self.known.schema, self.known.valid, &[], self.trends, rng)
    }
}

/// Points moved with the help of a substitute, by the kind of the move. The points of a last round that were not asked
/// any more count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MoveCounts {
    /// By a gradient, or by differences over the distance asked for.
    pub gradient: usize,
    /// By differences over a longer distance, since the first ones were 0.
    pub doubled: usize,
    /// To the nearest threshold of the substitute, since all differences were 0.
    pub threshold: usize,
    /// Not at all, since nothing changes the loss.
    pub none: usize,
}

/// A generator with its state.
pub(in crate::steal) struct Maker<'g> {
    generator: &'g Generator,
    budget: usize,
    brackets: Brackets,
    moves: MoveCounts,
}

impl<'g> Maker<'g> {
    /// A generator before its first round; `budget` = all queries of the attack.
    pub(in crate::steal) fn new(generator: &'g Generator, budget: usize) -> Self {
        let (brackets, moves) = (Brackets::default(), MoveCounts::default());
        Self { generator, budget, brackets, moves }
    }

    /// The points of a round, each valid.
    pub(in crate::steal) fn round(
        &mut self,
        view: &View,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Proposal>, StealError> {
        let generator = self.generator;
        match *generator {
            Generator::Uniform { .. }
            | Generator::Gaussian { .. }
            | Generator::Neighbour { .. }
            | Generator::Along { .. } => Ok(self.one_each(view, rng)),
            Generator::Repeat { times, spread, .. } => Ok(self.groups(view, times, spread, rng)),
            Generator::LineSearch { stop, local, .. } => {
                let fresh = |rng: &mut ChaCha8Rng| view.fresh(generator, rng);
                if local {
                    self.brackets.local_round(view, stop, self.budget, &fresh, rng)
                } else {
                    Ok(self.brackets.round(view, stop, self.budget, &fresh, rng))
                }
            }
            Generator::Jacobian { .. } => {
                let substitute = view.train()?;
                let bases = bases(view, rng);
                let points = jacobian::moved(view, generator, &substitute, &bases, &mut self.moves);
                Ok(points.into_iter().map(Proposal::new).collect())
            }
            Generator::Committee { .. } => {
                let points = committee::disputed(view, generator, view.remaining, rng)?;
                Ok(points.into_iter().map(Proposal::new).collect())
            }
        }
    }

    /// Groups of `times` points around fresh ones, about as many points as there are labelled ones.
    fn groups(
        &self,
        view: &View,
        times: usize,
        spread: f64,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Proposal> {
        let near = Generator::Neighbour { radius: spread };
        let (schema, valid) = (view.known.schema, view.known.valid);
        let mut round = Vec::new();
        for _ in 0..view.points.len().max(FIRST_ROUND).div_ceil(times) {
            let centre = view.fresh(self.generator, rng);
            let around = (1..times).map(|_| near.point(schema, valid, &centre, view.trends, rng));
            let group: Vec<Vec<f64>> = around.collect();
            round.extend(std::iter::once(centre).chain(group).map(Proposal::new));
        }
        round
    }

    /// One point per labelled point, or a first round of fresh points.
    fn one_each(&self, view: &View, rng: &mut ChaCha8Rng) -> Vec<Proposal> {
        let none: &[f64] = &[];
        let count = if view.points.is_empty() { FIRST_ROUND } else { view.points.len() };
        let (schema, valid) = (view.known.schema, view.known.valid);
        let point = |index: usize| {
            let base = view.points.get(index).map_or(none, |point| &point.values);
            Proposal::new(self.generator.point(schema, valid, base, view.trends, rng))
        };
        (0..count).map(point).collect()
    }

    /// Hears the label of a point of the round, in order.
    pub(in crate::steal) fn hear(&mut self, label: usize) {
        self.brackets.hear(label);
    }

    /// `wanted` further points of the generator, which are not asked.
    pub(in crate::steal) fn unlabelled(
        &mut self,
        view: &View,
        wanted: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Vec<f64>>, StealError> {
        let mut points = Vec::with_capacity(wanted);
        let moves = self.moves;
        while points.len() < wanted {
            let view = View { remaining: wanted - points.len(), ..*view };
            // midpoints need labels: fresh points instead
            let is_search = matches!(self.generator, Generator::LineSearch { .. });
            let round = if is_search { self.one_each(&view, rng) } else { self.round(&view, rng)? };
            if round.is_empty() {
                break;
            }
            points.extend(round.into_iter().map(|proposal| proposal.point));
        }
        self.moves = moves;
        points.truncate(wanted);
        Ok(points)
    }

    /// The moves so far.
    pub(in crate::steal) fn moves(&self) -> MoveCounts {
        self.moves
    }
}

/// The labelled points that a round starts from: all, or a random choice of as many as may be asked.
fn bases<'v>(view: &View<'v>, rng: &mut ChaCha8Rng) -> Vec<&'v Labelled> {
    let mut bases: Vec<&Labelled> = view.points.iter().collect();
    if view.remaining < bases.len() {
        bases.shuffle(rng);
    }
    bases
}
