//! One case: its bounds, its result (closed or violated), and the parts of a case that is cut.

use std::sync::Arc;

use crate::certificate::{Cut, Hidden, Hint, Leaf, LeafHint, Network, Sign, Signed};
use crate::interval::{Form, Interval, Rounded};
use crate::model::Mlp;
use crate::spec::{Claim, LinearCondition, Obligation, RawRegion};

use super::super::alpha::{Ascent, Summit};
use super::super::search::{Look, Stowed, hint_bytes};
use super::super::side::{FEW_INPUTS, region_bytes};
use super::cut::{Ascended, Cutter};
use super::goal::{Goal, GoalStanding};
use crate::certify::{Searcher, attack};

/// Steps of the ascent, per case.
const STEPS: usize = 12;
/// With more movable inputs than this, halving them seldom closes all boxes even if rows are weighed. Where two
/// rows were unsafe together, over 14 inputs and 64 neurons, 5,056 cases were enough; more than 70,000 were not
/// when neurons were cut.
const SOME_INPUTS: usize = 16;
/// Layers of a network up to which rows are weighed where inputs are cut. With the seven of acasxu, the cases
/// saved (at most a fifth) do not pay for it.
const SHALLOW: usize = 4;
/// Number of neurons that are tried where the sign of a slope is asked, in cases less deep than this: near the root a good
/// choice saves most. Of 840 monotone claims on Spambase, 54 stayed open instead of 56. Tried everywhere, eight
/// took twelve times the time of none, and closed one more.
const TRIED: usize = 8;
const TRIED_DEPTH: usize = 4;
/// Deepest path tried.
const MAX_DEPTH: usize = 500;

/// A box of inputs with the signs of some neurons.
pub(super) struct SignedBox {
    region: Arc<RawRegion>,
    signs: Vec<Sign>,
    /// The parent's hidden bounds; `None` at the root.
    parent: Option<Hidden>,
    /// True if it came from halving an input's side, false if from the sign of a neuron.
    is_half: bool,
    /// The parent's hints, one per part of the goal.
    hints: Option<Arc<LeafHint>>,
}

impl SignedBox {
    pub(super) fn root(obligation: &Obligation) -> Self {
        let region = Arc::new(obligation.region.clone());
        Self { region, signs: Vec::new(), parent: None, is_half: false, hints: None }
    }

    /// The sign that its parent did not have.
    fn new_sign(&self) -> Option<Sign> {
        self.signs.last().copied().filter(|_| !self.is_half)
    }
}

/// Bytes that the bounds of a neuron take up, with all that follows from them.
const NEURON_BYTES: usize = 96;

impl Stowed for SignedBox {
    fn bytes(&self) -> usize {
        let neurons = |hidden: &Hidden| hidden.layers().map(<[_]>::len).sum::<usize>();
        let hidden = self.parent.as_ref().map_or(0, |hidden| NEURON_BYTES * neurons(hidden));
        let hints = self.hints.as_ref().map_or(0, |hint| hint_bytes(hint));
        let region = if self.is_half { region_bytes(&self.region) } else { 0 };
        // bounds and hints are those of both parts
        (hidden + hints) / 2 + region + size_of_val(&self.signs[..])
    }
}

/// A case that its bounds leave open.
struct OpenCase {
    depth: usize,
    hidden: Hidden,
    refresh: Option<usize>,
    bound: f64,
    /// The hints that its parts start with.
    hints: Option<Arc<LeafHint>>,
}

/// The data that all looks share.
pub(super) struct Looker<'a> {
    searcher: &'a Searcher<'a>,
    obligation: &'a Obligation,
    network: &'a Network<Rounded>,
    mlp: &'a Mlp,
    cutter: Cutter<'a>,
    goal: Goal<'a>,
    /// The conditions between inputs.
    conditions: Arc<[LinearCondition]>,
    /// True to cut inputs only; else neurons are cut, unless gradients must close the leaves.
    cuts_inputs: bool,
    /// True to optimise slopes and multipliers where inputs are cut, too.
    ascends: bool,
}

impl<'a> Looker<'a> {
    pub(super) fn new(searcher: &'a Searcher<'a>, obligation: &'a Obligation) -> Option<Self> {
        let model = searcher.subject.model.0;
        let network = searcher.network()?;
        let goal = Goal::new(searcher, obligation)?;
        let root = obligation.region.standardised(&model.schema)?;
        let free = root.sides().iter().filter(|side| side.lo() < side.hi()).count();
        // a bound input of one copy is cut together with that of the other copy, so the two count once
        let few = if goal.is_sum() { SOME_INPUTS } else { FEW_INPUTS };
        let cuts_inputs = free <= if goal.is_coupled() { 2 * few } else { few };
        let copies = obligation.claim.copies();
        let (mlp, features) = (searcher.mlp()?, model.schema.len());
        let cutter = Cutter { network, mlp, features, copies };
        let conditions = obligation.region.linear_conditions(&model.schema);
        // the sums over rows of a shallow network are cheap beside its bounds
        let is_shallow = network.depth() <= SHALLOW;
        let ascends = !conditions.is_empty() || goal.is_sum() && is_shallow;
        Some(Self {
            searcher,
            obligation,
            network,
            mlp,
            cutter,
            goal,
            conditions,
            cuts_inputs,
            ascends,
        })
    }

    /// Bounds a case and closes it if the bounds suffice; else looks for a counterexample and for a cut.
    pub(super) fn look(&self, case: &SignedBox, depth: usize) -> Look<SignedBox> {
        let leaf = self.goal.leaf();
        let held = match self.inherit(case) {
            Signed::Empty => return Look::closed(Leaf::Interval),
            Signed::Unknown => return Look::Stuck,
            Signed::Bounds(hidden) => hidden,
        };
        let standing = self.goal.standing(self.network, &held, &case.signs, &[]);
        if standing.is_reached {
            return Look::closed(leaf);
        }
        let (hidden, refresh, standing) = match self.refresh(case, &held) {
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
        let open = OpenCase { depth, hidden, refresh, bound: standing.bound, hints: None };
        let cut = if self.cuts_inputs && !self.ascends {
            self.cutter.steepest_input(&standing, &open.hidden)
        } else if let Some(directions) = self.goal.directions(open.hidden.input().len()) {
            let reached =
                |held: &Hidden| self.goal.standing(self.network, held, &case.signs, &[]).bound;
            let is_slope = matches!(self.goal, Goal::Slope { .. });
            let tried = if is_slope && depth < TRIED_DEPTH { TRIED } else { 1 };
            self.cutter.widest_neuron(&directions, &standing, &open.hidden, tried, reached)
        } else {
            return self.ascend_or_cut(case, &standing, open);
        };
        self.cut(case, cut, open)
    }

    /// Optimises slopes and multipliers part by part. Closes the case, or cuts it where the worst part
    /// is loosest.
    fn ascend_or_cut(
        &self,
        case: &SignedBox,
        standing: &GoalStanding,
        open: OpenCase,
    ) -> Look<SignedBox> {
        let OpenCase { depth, hidden, refresh, .. } = &open;
        let is_reached =
            |hints| self.goal.standing(self.network, hidden, &case.signs, hints).is_reached;
        let closed = |hint| Look::Closed { leaf: self.goal.leaf(), refresh: *refresh, hint };
        // the parent's hints come first: a hint that serves several leaves is written once
        if case.hints.as_ref().is_some_and(|hint| is_reached(hint.hints())) {
            return closed(case.hints.clone());
        }
        let (hints, worst) = self.ascend(case, standing, hidden);
        if is_reached(&hints) {
            return closed(Some(Arc::new(LeafHint::PerRow(hints))));
        }
        if self.cuts_inputs {
            let bound = worst.map_or(open.bound, |(bound, _)| bound);
            let hints = Some(Arc::new(LeafHint::PerRow(hints)));
            let cut = self.cutter.steepest_input(standing, hidden);
            return self.cut(case, cut, OpenCase { bound, hints, ..open });
        }
        let cut = worst.and_then(|(bound, summit)| {
            let ascended = Ascended {
                signs: &case.signs,
                depth: *depth,
                is_half: case.is_half,
                hidden,
                parts: &standing.parts,
                hints: &hints,
                bound,
                summit,
            };
            Some((self.cutter.neuron_or_half(&ascended)?, bound))
        });
        match cut {
            Some((cut, bound)) => {
                let hints = Some(Arc::new(LeafHint::PerRow(hints)));
                self.cut(case, Some(cut), OpenCase { bound, hints, ..open })
            }
            None => self.cut(case, self.cutter.steepest_input(standing, hidden), open),
        }
    }

    /// Slopes and multipliers of each part, and the bound of the worst part with the end of its ascent.
    fn ascend(
        &self,
        case: &SignedBox,
        standing: &GoalStanding,
        hidden: &Hidden,
    ) -> (Vec<Hint>, Option<(f64, Summit)>) {
        let ascent = Ascent { mlp: self.mlp, hidden, signs: &case.signs };
        let mut hints = Vec::with_capacity(standing.parts.len());
        let mut worst: Option<(f64, Summit)> = None;
        for (index, part) in standing.parts.iter().enumerate() {
            if part.is_reached {
                hints.push(Hint::default());
                continue;
            }
            let start = case.hints.as_ref().and_then(|hint| hint.hints().get(index));
            let summit = ascent.climb_sum(&part.demands, start, STEPS, part.target());
            let bound = summit.bound;
            if worst.as_ref().is_none_or(|(least, _)| bound < *least) {
                worst = Some((bound, summit.clone()));
            }
            hints.push(summit.hint);
        }
        (hints, worst)
    }

    /// The bounds of the case; below the root, without new derivations.
    fn inherit(&self, case: &SignedBox) -> Signed {
        if let (Some(parent), Some(sign)) = (&case.parent, case.new_sign()) {
            return self.network.signed_bounds(parent, sign, None);
        }
        let Some(input) = case.region.standardised(&self.searcher.subject.model.0.schema) else {
            return Signed::Empty;
        };
        let hidden = match &case.parent {
            Some(parent) => self.network.inherited_bounds(parent, input.sides(), None),
            None => {
                let conditions = Arc::clone(&self.conditions);
                self.network.linear_bounds_under(input.sides(), conditions)
            }
        };
        hidden.map_or(Signed::Unknown, Signed::Bounds)
    }

    /// Bounds derived anew by the linear rule, and the first layer of these; `None` at the root.
    fn refresh(&self, case: &SignedBox, held: &Hidden) -> Option<(Hidden, usize)> {
        let (parent, sign) = (case.parent.as_ref()?, case.new_sign());
        // without conditions, the first layer has no better rule than intervals
        let first = usize::from(self.conditions.is_empty());
        let first = sign.map_or(first, |sign| sign.layer + 1);
        if first >= self.network.depth() - 1 {
            return None;
        }
        let hidden = match sign {
            None => self.network.inherited_bounds(held, held.input(), Some(first))?,
            Some(sign) => match self.network.signed_bounds(parent, sign, Some(first)) {
                Signed::Bounds(hidden) => hidden,
                Signed::Empty | Signed::Unknown => return None,
            },
        };
        Some((hidden, first))
    }

    /// A counterexample in the case that the kernel confirms.
    fn violation(
        &self,
        case: &SignedBox,
        standing: &GoalStanding,
        hidden: &Hidden,
    ) -> Option<Vec<Vec<String>>> {
        let corner = standing.worst.as_ref().map(|form| corner(form, hidden.input()));
        // a sign leaves the box as it is, and its middle was looked at
        if corner.is_none() && case.new_sign().is_some() {
            return None;
        }
        let region = &case.region;
        let candidates = if let Claim::Avoid { copies, .. } = &self.obligation.claim {
            let middle = hidden.input().iter().map(|z| z.lo() + (z.hi() - z.lo()) / 2.0);
            let places: Vec<Vec<f64>> = corner.into_iter().chain([middle.collect()]).collect();
            attack::unsafe_points(self.searcher, region, &places, *copies)
        } else {
            attack::candidates_in(self.searcher, self.obligation, region, corner.as_deref())
        };
        self.searcher.refuted(self.obligation.at, candidates)
    }

    /// Cuts an open case; stuck if there is nothing to cut.
    fn cut(&self, case: &SignedBox, cut: Option<Cut>, open: OpenCase) -> Look<SignedBox> {
        let Some(cut) = cut.filter(|_| open.depth < MAX_DEPTH) else { return Look::Stuck };
        let OpenCase { refresh, bound, .. } = open;
        let parts = self.parts(case, cut, &open);
        parts.map_or(Look::Lost, |parts| Look::Cut { cut, refresh, bound, parts })
    }

    /// The low and the high part of a case.
    fn parts(
        &self,
        case: &SignedBox,
        cut: Cut,
        OpenCase { hidden, hints, .. }: &OpenCase,
    ) -> Option<[SignedBox; 2]> {
        let is_half = matches!(cut, Cut::Input { .. });
        let part = |region, signs| {
            let (parent, hints) = (Some(hidden.clone()), hints.clone());
            SignedBox { region, signs, parent, is_half, hints }
        };
        let schema = &self.searcher.subject.model.0.schema;
        match cut {
            Cut::Input { copy, feature, at } => {
                let index = copy * schema.len() + feature;
                let is_tight = self.obligation.claim.lets_tighten(index);
                let (low, high) = case.region.halved(schema, index, at, is_tight)?;
                Some([low, high].map(|half| part(Arc::new(half), case.signs.clone())))
            }
            Cut::Relu { .. } => {
                let signs = [self.cutter.sign_of(cut, false)?, self.cutter.sign_of(cut, true)?];
                Some(signs.map(|sign| {
                    let signs = case.signs.iter().copied().chain([sign]).collect();
                    part(Arc::clone(&case.region), signs)
                }))
            }
            Cut::Cell { .. } => None,
        }
    }
}

/// The corner at which the form is least.
fn corner(form: &Rounded, input: &[Interval]) -> Vec<f64> {
    let end = |(a, side): (&f64, &Interval)| if *a >= 0.0 { side.lo() } else { side.hi() };
    form.coefficients().iter().zip(input).map(end).collect()
}
