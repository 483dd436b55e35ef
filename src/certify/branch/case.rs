//! One case: its bounds, whether it is closed, and where it is cut.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::certificate::{
    Cut, Hidden, Hint, Leaf, LeafHint, Network, Proof, Sign, Signed, Verdict, gradient,
};
use crate::interval::{Form, Interval, Rounded};
use crate::model::Mlp;
use crate::spec::{Claim, Obligation, RawRegion};

use super::super::alpha::{Ascent, Summit};
use super::super::{Searcher, reach, refute};
use super::goal::{Goal, Part, Standing};
use super::steep::widest_slope;
use super::tree::Slot;

/// With more inputs that can move than this, neurons are cut, unless gradients must close the leaves.
const FEW_INPUTS: usize = 10;
/// Steps of the ascent per case.
const STEPS: usize = 12;
/// By how much the halving of an input must promise more than the sign of a neuron: a sign settles
/// its neuron for good, while the next halving gains less. With 1, 2, 4 and 8, tried at every case, lines
/// 5, 25, 49, 57 and 86 of safenlp had 91, 73, 78 and 83 thousand cases; without halving, 121.
const HALF_PREMIUM: f64 = 2.0;
/// At depths that are multiples of this both kinds of cut are tried; in between a case is cut the way its
/// parent was.
const TRIALS: usize = 4;

/// The order of open cases: worst bound first, then the older one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Priority {
    bound: f64,
    slot: Slot,
}

impl Priority {
    pub(super) const FIRST: Self = Self { bound: f64::NEG_INFINITY, slot: 0 };

    pub(super) fn new(bound: f64, slot: Slot) -> Self {
        Self { bound, slot }
    }
}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound).then(self.slot.cmp(&other.slot))
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Priority {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Priority {}

/// Hidden bounds that a case begins with.
#[derive(Clone)]
enum Held {
    Nothing,
    /// The parent's, for a box of its own.
    Box(Hidden),
    /// The parent's, with one sign more.
    Sign(Hidden, Sign),
}

/// A case to be looked at.
pub(super) struct Case {
    pub(super) slot: Slot,
    pub(super) depth: usize,
    region: Arc<RawRegion>,
    signs: Vec<Sign>,
    held: Held,
    /// Whether it came by the halving of an input's side, rather than by the sign of a neuron.
    is_half: bool,
    /// The parent's, one per part of the goal, or none.
    hints: Vec<Hint>,
}

impl Case {
    pub(super) fn root(obligation: &Obligation, slot: Slot) -> Self {
        let region = Arc::new(obligation.region.clone());
        let (signs, hints) = (Vec::new(), Vec::new());
        Self { slot, depth: 0, region, signs, held: Held::Nothing, is_half: false, hints }
    }
}

/// What a look at a case shows.
pub(super) enum Look {
    /// It is closed.
    Closed { leaf: Leaf, refresh: Option<usize>, hint: Option<LeafHint> },
    /// It holds a counterexample, which the kernel has confirmed.
    Violated(Vec<Vec<String>>),
    /// It stays open and is cut.
    Open { cut: Cut, refresh: Option<usize>, hidden: Hidden, bound: f64, hints: Vec<Hint> },
    /// There is nothing left to cut, or nothing is known.
    Stuck,
}

/// What all looks share.
pub(super) struct Looker<'a> {
    searcher: &'a Searcher<'a>,
    obligation: &'a Obligation,
    network: &'a Network<Rounded>,
    mlp: &'a Mlp,
    goal: Goal<'a>,
    cuts_inputs: bool,
    /// Cases.
    budget: u64,
}

impl<'a> Looker<'a> {
    pub(super) fn new(
        searcher: &'a Searcher<'a>,
        obligation: &'a Obligation,
        budget: u64,
    ) -> Option<Self> {
        let model = searcher.subject.model.0;
        let claim = obligation.sufficient.as_ref()?;
        let (network, blocks) = searcher.kernel.network()?;
        let rows = searcher.lowered.blocks().map_or(&[][..], |(rows, _)| rows);
        let kernel = &searcher.kernel;
        let (hurdle, coupling) = (kernel.hurdle(obligation), kernel.coupling(obligation));
        let is_bound = coupling.is_some();
        let goal = Goal::new(claim, model, hurdle, blocks, rows, coupling)?;
        let root = obligation.region.standardised(&model.schema)?;
        let free = root.sides().iter().filter(|side| side.lo() < side.hi()).count();
        // an input that is bound to its copy's moves with it
        let cuts_inputs = free <= if is_bound { 2 * FEW_INPUTS } else { FEW_INPUTS };
        let mlp = searcher.mlp.as_deref()?;
        Some(Self { searcher, obligation, network, mlp, goal, cuts_inputs, budget })
    }

    /// Whether the budget of cases or the time is used up.
    pub(super) fn is_over(&self, nodes: u64) -> bool {
        nodes > self.budget || self.searcher.is_late()
    }

    /// Bounds a case, closes it if they suffice, else looks for a counterexample and for a cut.
    pub(super) fn look(&self, case: &Case) -> Look {
        let leaf = self.goal.leaf();
        let (held, is_fresh) = match self.inherit(case) {
            Signed::Empty => {
                return Look::Closed { leaf: Leaf::Interval, refresh: None, hint: None };
            }
            Signed::Unknown => return Look::Stuck,
            Signed::Bounds(hidden) => (hidden, matches!(case.held, Held::Nothing)),
        };
        let standing = self.goal.standing(self.network, &held, &case.signs, &[]);
        if standing.is_reached {
            return Look::Closed { leaf, refresh: None, hint: None };
        }
        let (hidden, refresh, standing) = match self.refresh(case, &held, is_fresh) {
            None => (held, None, standing),
            Some((hidden, layer)) => {
                let standing = self.goal.standing(self.network, &hidden, &case.signs, &[]);
                if standing.is_reached {
                    return Look::Closed { leaf, refresh: Some(layer), hint: None };
                }
                (hidden, Some(layer), standing)
            }
        };
        if let Some(points) = self.violation(case, &standing, &hidden) {
            return Look::Violated(points);
        }
        if self.cuts_inputs {
            return self.cut_input(&standing, hidden, refresh);
        }
        match self.goal.directions(hidden.input().len()) {
            Some(directions) => self.cut_slope(&directions, &standing, hidden, refresh),
            None => self.ascend_or_cut(case, standing, hidden, refresh),
        }
    }

    /// Cuts the neuron that widens the gradient most.
    fn cut_slope(
        &self,
        directions: &[f64],
        standing: &Standing,
        hidden: Hidden,
        refresh: Option<usize>,
    ) -> Look {
        let Some((layer, neuron)) = widest_slope(self.mlp, &hidden, &standing.row, directions)
        else {
            return self.cut_input(standing, hidden, refresh);
        };
        let cut = Cut::Relu { copy: 0, layer, neuron };
        Look::Open { cut, refresh, hidden, bound: standing.bound, hints: Vec::new() }
    }

    /// The bounds that the case has without deriving any anew.
    fn inherit(&self, case: &Case) -> Signed {
        let bounds = |hidden: Option<Hidden>| hidden.map_or(Signed::Unknown, Signed::Bounds);
        let input = || case.region.standardised(&self.searcher.subject.model.0.schema);
        match &case.held {
            Held::Sign(parent, sign) => self.network.signed_bounds(parent, *sign, None),
            Held::Nothing => match input() {
                None => Signed::Empty,
                Some(input) => bounds(self.network.linear_bounds(input.sides())),
            },
            Held::Box(parent) => match input() {
                None => Signed::Empty,
                Some(input) => bounds(self.network.inherited_bounds(parent, input.sides(), None)),
            },
        }
    }

    /// Bounds derived anew by the linear rule, and from which layer on.
    fn refresh(&self, case: &Case, held: &Hidden, is_fresh: bool) -> Option<(Hidden, usize)> {
        let hidden_layers = self.network.depth() - 1;
        // the first layer has no better rule than intervals
        let first = match &case.held {
            Held::Sign(_, sign) => sign.layer + 1,
            _ => 1,
        };
        if is_fresh || first >= hidden_layers {
            return None;
        }
        let hidden = match &case.held {
            Held::Nothing => return None,
            Held::Box(_) => self.network.inherited_bounds(held, held.input(), Some(first)),
            Held::Sign(parent, sign) => {
                match self.network.signed_bounds(parent, *sign, Some(first)) {
                    Signed::Bounds(hidden) => Some(hidden),
                    Signed::Empty | Signed::Unknown => None,
                }
            }
        };
        hidden.map(|hidden| (hidden, first))
    }

    /// A counterexample in the case that the kernel confirms.
    fn violation(
        &self,
        case: &Case,
        standing: &Standing,
        hidden: &Hidden,
    ) -> Option<Vec<Vec<String>>> {
        let corner = standing.worst.as_ref().map(|form| corner(form, hidden.input()));
        let candidates = match &self.obligation.claim {
            Claim::Avoid { copies, .. } => {
                let middle = hidden.input().iter().map(|z| z.lo() + (z.hi() - z.lo()) / 2.0);
                let places: Vec<Vec<f64>> = corner.into_iter().chain([middle.collect()]).collect();
                let (searcher, region) = (self.searcher, &case.region);
                reach::candidates_in(searcher, self.obligation, region, &places, *copies)
            }
            _ => refute::candidates_in(
                self.searcher,
                self.obligation,
                &case.region,
                corner.as_deref(),
            ),
        };
        candidates.into_iter().find(|points| {
            let proof = Proof::Counterexample { points: points.clone() };
            let verdict = self.searcher.kernel.check(self.obligation.at, &proof);
            matches!(verdict, Ok(Verdict::Refuted(_)))
        })
    }

    /// Cuts the input whose gradient times width is largest, in the middle.
    fn cut_input(&self, standing: &Standing, hidden: Hidden, refresh: Option<usize>) -> Look {
        let input = hidden.input();
        let slopes: Option<Vec<f64>> = match &standing.worst {
            Some(form) => Some(form.coefficients().iter().map(|a| a.abs()).collect()),
            None => gradient(self.network, &standing.row, &hidden)
                .map(|slopes| slopes.iter().map(|slope| slope.magnitude()).collect()),
        };
        let Some(slopes) = slopes else { return Look::Stuck };
        let gain = |index: usize| {
            let width = input[index].hi() - input[index].lo();
            // a side that the bound does not see may still be what keeps the neurons open
            width * (slopes[index] + 1e-3 * slopes.iter().copied().fold(0.0, f64::max))
        };
        let best = (0..input.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b)).then(b.cmp(&a)));
        let Some(best) = best else { return Look::Stuck };
        let Some(cut) = self.halving(best, input[best]) else { return Look::Stuck };
        Look::Open { cut, refresh, hidden, bound: standing.bound, hints: Vec::new() }
    }

    /// Optimises slopes and multipliers part by part; closes the case, or cuts the loosest neuron or the
    /// widest input.
    fn ascend_or_cut(
        &self,
        case: &Case,
        standing: Standing,
        hidden: Hidden,
        refresh: Option<usize>,
    ) -> Look {
        let ascent = Ascent { mlp: self.mlp, hidden: &hidden, signs: &case.signs };
        let mut hints = Vec::with_capacity(standing.parts.len());
        let mut worst: Option<(f64, Summit)> = None;
        for (index, part) in standing.parts.iter().enumerate() {
            if part.is_reached {
                hints.push(Hint::default());
                continue;
            }
            let start = case.hints.get(index);
            let summit = ascent.climb(&part.row, start, STEPS, target(part));
            let bound = summit.bound - part.required;
            if worst.as_ref().is_none_or(|(least, _)| bound < *least) {
                worst = Some((bound, summit.clone()));
            }
            hints.push(summit.hint);
        }
        let after = self.goal.standing(self.network, &hidden, &case.signs, &hints);
        if after.is_reached {
            let hint = Some(LeafHint::PerRow(hints));
            return Look::Closed { leaf: self.goal.leaf(), refresh, hint };
        }
        let Some((bound, summit)) = worst else {
            return self.cut_input(&standing, hidden, refresh);
        };
        let relu = summit.loosest.map(|(layer, neuron)| {
            let width = self.network.widths()[layer] / self.copies();
            Cut::Relu { copy: neuron / width, layer, neuron: neuron % width }
        });
        // with one hidden layer the input that narrows the first layer narrows all there is
        let halving = summit
            .widest
            .filter(|_| self.network.depth() == 2)
            .and_then(|index| self.halving(index, hidden.input()[index]));
        let cut = match (relu, halving) {
            (None, None) => return self.cut_input(&standing, hidden, refresh),
            (Some(cut), None) | (None, Some(cut)) => cut,
            (Some(relu), Some(halving)) => {
                let promise =
                    |cut| self.promise(case, cut, &hidden, &hints, (&standing.parts, bound));
                let is_half = if case.depth.is_multiple_of(TRIALS) {
                    promise(halving) > HALF_PREMIUM * promise(relu)
                } else {
                    case.is_half
                };
                if is_half { halving } else { relu }
            }
        };
        Look::Open { cut, refresh, hidden, bound, hints }
    }

    /// The cut of an input in its middle, if there is a float between its ends.
    fn halving(&self, index: usize, side: Interval) -> Option<Cut> {
        let at = side.lo() + (side.hi() - side.lo()) / 2.0;
        let features = self.features();
        let cut = Cut::Input { copy: index / features, feature: index % features, at };
        (side.lo() < at && at < side.hi()).then_some(cut)
    }

    /// How far the bound rises in both parts of a cut, as a product (Achterberg, Koch and Martin 2005),
    /// with the slopes at hand; `bound` is that of the case.
    fn promise(
        &self,
        case: &Case,
        cut: Cut,
        hidden: &Hidden,
        hints: &[Hint],
        (parts, bound): (&[Part], f64),
    ) -> f64 {
        let open = || parts.iter().zip(hints).filter(|(part, _)| !part.is_reached);
        let gain = |(half, signs): (Signed, &[Sign])| match half {
            Signed::Bounds(held) => {
                let ascent = Ascent { mlp: self.mlp, hidden: &held, signs };
                let reached = |(part, hint): (&Part, &Hint)| {
                    ascent.climb(&part.row, Some(hint), 1, target(part)).bound - part.required
                };
                let least = open().map(reached).fold(0.0, f64::min);
                (least - bound).max(1e-6 * bound.abs())
            }
            Signed::Empty => -bound,
            Signed::Unknown => 0.0,
        };
        self.halves(cut, hidden).into_iter().map(|half| gain((half, &case.signs))).product()
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
                let side = &mut input[copy * self.features() + feature];
                let (lo, hi) = if is_high { (at, side.hi()) } else { (side.lo(), at) };
                *side = Interval::new(lo, hi).unwrap_or(*side);
                let held = self.network.inherited_bounds(hidden, &input, None);
                held.map_or(Signed::Unknown, Signed::Bounds)
            }
            Cut::Cell { .. } => Signed::Unknown,
        })
    }

    /// The sign that a part of a cut gives its neuron.
    fn sign_of(&self, cut: Cut, is_on: bool) -> Option<Sign> {
        let Cut::Relu { copy, layer, neuron } = cut else { return None };
        let width = self.network.widths()[layer] / self.copies();
        Some(Sign { layer, neuron: copy * width + neuron, is_on })
    }

    fn features(&self) -> usize {
        self.searcher.subject.model.0.schema.len()
    }

    fn copies(&self) -> usize {
        match &self.obligation.claim {
            Claim::Avoid { copies, .. } => *copies,
            _ => 1,
        }
    }

    /// The low and the high part of a case that was cut.
    pub(super) fn children(
        &self,
        case: &Case,
        slots: [Slot; 2],
        cut: Cut,
        hidden: Hidden,
        hints: Vec<Hint>,
    ) -> Option<[Case; 2]> {
        let child = |slot, region: Arc<RawRegion>, signs: Vec<Sign>, held: Held| Case {
            slot,
            depth: case.depth + 1,
            region,
            signs,
            held,
            is_half: matches!(cut, Cut::Input { .. }),
            hints: hints.clone(),
        };
        let schema = &self.searcher.subject.model.0.schema;
        match cut {
            Cut::Input { copy, feature, at } => {
                let index = copy * schema.len() + feature;
                let is_tight = match &self.obligation.claim {
                    Claim::Monotone { feature, .. } => feature.0 != index,
                    Claim::Near { .. } | Claim::Lipschitz { .. } => false,
                    _ => true,
                };
                let (low, high) = case.region.halved(schema, index, at, is_tight)?;
                Some([(slots[0], low), (slots[1], high)].map(|(slot, half)| {
                    child(slot, Arc::new(half), case.signs.clone(), Held::Box(hidden.clone()))
                }))
            }
            Cut::Relu { .. } => {
                let signs = [self.sign_of(cut, false)?, self.sign_of(cut, true)?];
                Some([(slots[0], signs[0]), (slots[1], signs[1])].map(|(slot, sign)| {
                    let signs = case.signs.iter().copied().chain([sign]).collect();
                    child(slot, Arc::clone(&case.region), signs, Held::Sign(hidden.clone(), sign))
                }))
            }
            Cut::Cell { .. } => None,
        }
    }
}

/// A little more than is asked for, for rounding and for slopes in units of 2⁻⁸.
fn target(part: &Part) -> f64 {
    part.required + 1e-3 * (1.0 + part.required.abs())
}

/// Where the form is least.
fn corner(form: &Rounded, input: &[Interval]) -> Vec<f64> {
    let end = |(a, side): (&f64, &Interval)| if *a >= 0.0 { side.lo() } else { side.hi() };
    form.coefficients().iter().zip(input).map(end).collect()
}
