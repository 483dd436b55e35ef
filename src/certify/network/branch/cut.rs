//! Cuts of a case: an input in the middle of its side, or a neuron by its sign.

use crate::certificate::{Cut, Hidden, Hint, Network, Sign, Signed};
use crate::interval::{Form, Interval, Rounded};
use crate::model::Mlp;

use super::super::alpha::{Ascent, Summit};
use super::super::side::{Side, middle, slope_sizes};
use super::goal::{GoalPart, GoalStanding};
use super::steep::widest_slopes;

/// The factor by which the promise of halving an input must exceed that of a neuron's sign: a sign
/// settles its neuron for good, while the next halving gains less. With 1, 2, 4 and 16, lines 49, 57,
/// 78, 86 and 132 of safenlp had 11,636, 11,554, 11,424 and 12,713 cases; without halving, 12,667.
const HALF_PREMIUM: f64 = 4.0;
/// At depths that are multiples of this, both kinds of cut are tried. In between, a case is cut like its
/// parent.
const TRIALS: usize = 4;

/// A case that its ascent left open.
pub(super) struct Ascended<'a> {
    pub(super) signs: &'a [Sign],
    pub(super) depth: usize,
    /// True if it came from halving an input's side.
    pub(super) is_half: bool,
    pub(super) hidden: &'a Hidden,
    pub(super) parts: &'a [GoalPart],
    /// One hint per part.
    pub(super) hints: &'a [Hint],
    /// The amount by which the worst part is missed, and the end of its ascent.
    pub(super) bound: f64,
    pub(super) summit: Summit,
}

/// A network, and the numbering of its inputs and neurons in cuts.
pub(super) struct Cutter<'a> {
    pub(super) network: &'a Network<Rounded>,
    pub(super) mlp: &'a Mlp,
    /// Number of inputs of one copy of the network.
    pub(super) features: usize,
    /// Number of copies of the network, side by side.
    pub(super) copies: usize,
}

impl Cutter<'_> {
    /// A cut in the middle of the input whose gradient times width is largest.
    pub(super) fn steepest_input(&self, standing: &GoalStanding, hidden: &Hidden) -> Option<Cut> {
        let input = hidden.input();
        let mut slopes: Vec<f64> = match &standing.worst {
            Some(form) => form.coefficients().iter().map(|a| a.abs()).collect(),
            None => slope_sizes(self.network, &standing.row, hidden)?,
        };
        // a side that the bound does not see may still keep the neurons open
        let least = 1e-3 * slopes.iter().copied().fold(0.0, f64::max);
        slopes.iter_mut().for_each(|slope| *slope += least);
        let side = Side::steepest(input, &slopes)?;
        Some(self.halving(side.input, side.at))
    }

    /// Of the `tried` neurons that widen the gradient along `directions` most, the one that promises most; if there
    /// is none, an input. `reached` bounds the goal over a part of the case.
    pub(super) fn widest_neuron(
        &self,
        directions: &[f64],
        standing: &GoalStanding,
        hidden: &Hidden,
        tried: usize,
        reached: impl Fn(&Hidden) -> f64,
    ) -> Option<Cut> {
        let widest = widest_slopes(self.mlp, hidden, &standing.row, directions);
        let cut = |&(layer, neuron): &(usize, usize)| Cut::Relu { copy: 0, layer, neuron };
        let cuts: Vec<Cut> = widest.iter().take(tried).map(cut).collect();
        match cuts[..] {
            [] => self.steepest_input(standing, hidden),
            [only] => Some(only),
            _ => {
                let promise = |cut| self.promise(cut, hidden, standing.bound, &reached);
                // of equals, the widest
                let promises = cuts.iter().rev().map(|&cut| (promise(cut), cut));
                promises.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, cut)| cut)
            }
        }
    }

    /// The loosest neuron of the worst part. With one hidden layer, its widest input if that promises
    /// more.
    pub(super) fn neuron_or_half(&self, open: &Ascended) -> Option<Cut> {
        let relu = open.summit.loosest.map(|(layer, neuron)| {
            let width = self.network.widths()[layer] / self.copies;
            Cut::Relu { copy: neuron / width, layer, neuron: neuron % width }
        });
        // with one hidden layer, the input that narrows the first layer narrows everything
        let widest = open.summit.widest.filter(|_| self.network.depth() == 2);
        let halving = widest.and_then(|index| {
            let at = middle(open.hidden.input()[index])?;
            Some(self.halving(index, at))
        });
        let (Some(relu), Some(halving)) = (relu, halving) else { return relu.or(halving) };
        let is_half = if open.depth.is_multiple_of(TRIALS) {
            let promise = |cut| {
                let reached = |held: &Hidden| self.reached(open, held);
                self.promise(cut, open.hidden, open.bound, reached)
            };
            promise(halving) > HALF_PREMIUM * promise(relu)
        } else {
            open.is_half
        };
        Some(if is_half { halving } else { relu })
    }

    fn halving(&self, input: usize, at: f64) -> Cut {
        Cut::Input { copy: input / self.features, feature: input % self.features, at }
    }

    /// The rise of `bound` in both parts of a cut, as a product (Achterberg, Koch and Martin 2005).
    fn promise(
        &self,
        cut: Cut,
        hidden: &Hidden,
        bound: f64,
        reached: impl Fn(&Hidden) -> f64,
    ) -> f64 {
        let gain = |half| match half {
            Signed::Bounds(held) => (reached(&held).min(0.0) - bound).max(1e-6 * bound.abs()),
            Signed::Empty => -bound,
            Signed::Unknown => 0.0,
        };
        self.halves(cut, hidden).into_iter().map(gain).product()
    }

    /// The bound of the worst part over a part of a case, with the current slopes.
    fn reached(&self, open: &Ascended, held: &Hidden) -> f64 {
        let ascent = Ascent { mlp: self.mlp, hidden: held, signs: open.signs };
        let reached = |(part, hint): (&GoalPart, &Hint)| {
            ascent.climb_sum(&part.demands, Some(hint), 1, part.target()).bound
        };
        let missed = open.parts.iter().zip(open.hints).filter(|(part, _)| !part.is_reached);
        missed.map(reached).fold(0.0, f64::min)
    }

    /// The hidden bounds in the low and the high part of a cut.
    fn halves(&self, cut: Cut, hidden: &Hidden) -> [Signed; 2] {
        [false, true].map(|is_high| match cut {
            Cut::Relu { .. } => match self.sign_of(cut, is_high) {
                Some(sign) => self.network.signed_bounds(hidden, sign, None),
                None => Signed::Unknown,
            },
            Cut::Input { copy, feature, at } => {
                let mut input = hidden.input().to_vec();
                let side = &mut input[copy * self.features + feature];
                let (lo, hi) = if is_high { (at, side.hi()) } else { (side.lo(), at) };
                *side = Interval::new(lo, hi).unwrap_or(*side);
                let held = self.network.inherited_bounds(hidden, &input, None);
                held.map_or(Signed::Unknown, Signed::Bounds)
            }
            Cut::Cell { .. } => Signed::Unknown,
        })
    }

    /// The sign that one part of a cut gives its neuron.
    pub(super) fn sign_of(&self, cut: Cut, is_on: bool) -> Option<Sign> {
        let Cut::Relu { copy, layer, neuron } = cut else { return None };
        let width = self.network.widths()[layer] / self.copies;
        Some(Sign { layer, neuron: copy * width + neuron, is_on })
    }
}
