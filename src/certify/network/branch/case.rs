//! One case: its bounds, its result (closed or violated), and the parts of a case that is cut.

use std::sync::Arc;

use crate::certificate::{Cut, Hidden, Hint, Leaf, LeafHint, Network, Sign, Signed};
use crate::interval::{Form, Interval, Rounded};
use crate::model::Mlp;
use crate::spec::{Claim, Obligation, RawRegion};

use super::super::alpha::{Ascent, Summit};
use super::super::side::FEW_INPUTS;
use super::cut::{Ascended, Cutter};
use super::goal::{Goal, GoalStanding};
use super::tree::Slot;
use crate::certify::{Searcher, attack};

/// Steps of the ascent, per case.
const STEPS: usize = 12;

/// The hidden bounds that a case starts with.
#[derive(Clone)]
enum Inherited {
    Nothing,
    /// The parent's bounds, for a box of its own.
    Box(Hidden),
    /// The parent's bounds, with one more sign.
    Sign(Hidden, Sign),
}

/// A case that waits.
pub(super) struct OpenCase {
    pub(super) slot: Slot,
    pub(super) depth: usize,
    region: Arc<RawRegion>,
    signs: Vec<Sign>,
    held: Inherited,
    /// True if it came from halving an input's side, false if from the sign of a neuron.
    is_half: bool,
    /// The parent's hints, one per part of the goal.
    hints: Option<Arc<LeafHint>>,
}

impl OpenCase {
    pub(super) fn root(obligation: &Obligation, slot: Slot) -> Self {
        let region = Arc::new(obligation.region.clone());
        let signs = Vec::new();
        Self {
            slot,
            depth: 0,
            region,
            signs,
            held: Inherited::Nothing,
            is_half: false,
            hints: None,
        }
    }
}

/// The result of looking at a case.
pub(super) enum Look {
    /// The case is closed.
    Closed { leaf: Leaf, refresh: Option<usize>, hint: Option<Arc<LeafHint>> },
    /// The case holds a counterexample, which the kernel has confirmed.
    Violated(Vec<Vec<String>>),
    /// The case stays open and is cut.
    Open {
        cut: Cut,
        refresh: Option<usize>,
        hidden: Hidden,
        bound: f64,
        /// The hints that its parts start with.
        hints: Option<Arc<LeafHint>>,
    },
    /// There is nothing left to cut, or nothing is known.
    Stuck,
}

impl Look {
    /// A case that stays open without hints; stuck if there is nothing to cut.
    fn open(cut: Option<Cut>, refresh: Option<usize>, hidden: Hidden, bound: f64) -> Self {
        let open = |cut| Self::Open { cut, refresh, hidden, bound, hints: None };
        cut.map_or(Self::Stuck, open)
    }
}

/// The data that all looks share.
pub(super) struct Looker<'a> {
    searcher: &'a Searcher<'a>,
    obligation: &'a Obligation,
    network: &'a Network<Rounded>,
    mlp: &'a Mlp,
    cutter: Cutter<'a>,
    goal: Goal<'a>,
    /// True to cut inputs only; else neurons are cut, unless gradients must close the leaves.
    cuts_inputs: bool,
    /// Largest number of cases.
    budget: u64,
}

impl<'a> Looker<'a> {
    pub(super) fn new(
        searcher: &'a Searcher<'a>,
        obligation: &'a Obligation,
        budget: u64,
    ) -> Option<Self> {
        let model = searcher.subject.model.0;
        let network = searcher.network()?;
        let goal = Goal::new(searcher, obligation)?;
        let root = obligation.region.standardised(&model.schema)?;
        let free = root.sides().iter().filter(|side| side.lo() < side.hi()).count();
        // a bound input of one copy is cut together with that of the other copy, so the two count once
        let cuts_inputs = free <= if goal.is_coupled() { 2 * FEW_INPUTS } else { FEW_INPUTS };
        let copies = obligation.claim.copies();
        let (mlp, features) = (searcher.mlp()?, model.schema.len());
        let cutter = Cutter { network, mlp, features, copies };
        Some(Self { searcher, obligation, network, mlp, cutter, goal, cuts_inputs, budget })
    }

    /// True if the budget of cases or the time is used up.
    pub(super) fn is_over(&self, nodes: u64) -> bool {
        nodes > self.budget || self.searcher.is_late()
    }

    /// Bounds a case and closes it if the bounds suffice; else looks for a counterexample and for a cut.
    pub(super) fn look(&self, case: &OpenCase) -> Look {
        let leaf = self.goal.leaf();
        let (held, is_fresh) = match self.inherit(case) {
            Signed::Empty => {
                return Look::Closed { leaf: Leaf::Interval, refresh: None, hint: None };
            }
            Signed::Unknown => return Look::Stuck,
            Signed::Bounds(hidden) => (hidden, matches!(case.held, Inherited::Nothing)),
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
            let cut = self.cutter.steepest_input(&standing, &hidden);
            return Look::open(cut, refresh, hidden, standing.bound);
        }
        match self.goal.directions(hidden.input().len()) {
            Some(directions) => {
                let cut = self.cutter.widest_neuron(&directions, &standing, &hidden);
                Look::open(cut, refresh, hidden, standing.bound)
            }
            None => self.ascend_or_cut(case, standing, hidden, refresh),
        }
    }

    /// Optimises slopes and multipliers part by part. Closes the case, or cuts it where the worst part
    /// is loosest.
    fn ascend_or_cut(
        &self,
        case: &OpenCase,
        standing: GoalStanding,
        hidden: Hidden,
        refresh: Option<usize>,
    ) -> Look {
        let is_reached =
            |hints| self.goal.standing(self.network, &hidden, &case.signs, hints).is_reached;
        let leaf = self.goal.leaf();
        // the parent's hints come first: a hint that serves several leaves is written once
        if case.hints.as_ref().is_some_and(|hint| is_reached(hint.hints())) {
            return Look::Closed { leaf, refresh, hint: case.hints.clone() };
        }
        let (hints, worst) = self.ascend(case, &standing, &hidden);
        if is_reached(&hints) {
            let hint = Some(Arc::new(LeafHint::PerRow(hints)));
            return Look::Closed { leaf, refresh, hint };
        }
        let parts = &standing.parts;
        let cut = worst.and_then(|(bound, summit)| {
            let open = Ascended {
                signs: &case.signs,
                depth: case.depth,
                is_half: case.is_half,
                hidden: &hidden,
                parts,
                hints: &hints,
                bound,
                summit,
            };
            Some((self.cutter.neuron_or_half(&open)?, bound))
        });
        match cut {
            Some((cut, bound)) => {
                let hints = Some(Arc::new(LeafHint::PerRow(hints)));
                Look::Open { cut, refresh, hidden, bound, hints }
            }
            None => {
                let cut = self.cutter.steepest_input(&standing, &hidden);
                Look::open(cut, refresh, hidden, standing.bound)
            }
        }
    }

    /// Slopes and multipliers of each part, and the bound of the worst part with the end of its ascent.
    fn ascend(
        &self,
        case: &OpenCase,
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
            let summit = ascent.climb(&part.row, start, STEPS, part.target());
            let bound = summit.bound - part.required;
            if worst.as_ref().is_none_or(|(least, _)| bound < *least) {
                worst = Some((bound, summit.clone()));
            }
            hints.push(summit.hint);
        }
        (hints, worst)
    }

    /// The bounds of the case without new derivations.
    fn inherit(&self, case: &OpenCase) -> Signed {
        let bounds = |hidden: Option<Hidden>| hidden.map_or(Signed::Unknown, Signed::Bounds);
        let input = || case.region.standardised(&self.searcher.subject.model.0.schema);
        match &case.held {
            Inherited::Sign(parent, sign) => self.network.signed_bounds(parent, *sign, None),
            Inherited::Nothing => match input() {
                None => Signed::Empty,
                Some(input) => bounds(self.network.linear_bounds(input.sides())),
            },
            Inherited::Box(parent) => match input() {
                None => Signed::Empty,
                Some(input) => bounds(self.network.inherited_bounds(parent, input.sides(), None)),
            },
        }
    }

    /// Bounds derived anew by the linear rule, and the first layer of these.
    fn refresh(&self, case: &OpenCase, held: &Hidden, is_fresh: bool) -> Option<(Hidden, usize)> {
        let hidden_layers = self.network.depth() - 1;
        // the first layer has no better rule than intervals
        let first = if let Inherited::Sign(_, sign) = &case.held { sign.layer + 1 } else { 1 };
        if is_fresh || first >= hidden_layers {
            return None;
        }
        let hidden = match &case.held {
            Inherited::Nothing => return None,
            Inherited::Box(_) => self.network.inherited_bounds(held, held.input(), Some(first)),
            Inherited::Sign(parent, sign) => {
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
        case: &OpenCase,
        standing: &GoalStanding,
        hidden: &Hidden,
    ) -> Option<Vec<Vec<String>>> {
        let corner = standing.worst.as_ref().map(|form| corner(form, hidden.input()));
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

    /// The low and the high part of a case that was cut.
    pub(super) fn children(
        &self,
        case: &OpenCase,
        slots: [Slot; 2],
        cut: Cut,
        hidden: Hidden,
        hints: Option<Arc<LeafHint>>,
    ) -> Option<[OpenCase; 2]> {
        let child = |slot, region: Arc<RawRegion>, signs: Vec<Sign>, held: Inherited| OpenCase {
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
                let is_tight = self.obligation.claim.lets_tighten(index);
                let (low, high) = case.region.halved(schema, index, at, is_tight)?;
                Some([(slots[0], low), (slots[1], high)].map(|(slot, half)| {
                    child(slot, Arc::new(half), case.signs.clone(), Inherited::Box(hidden.clone()))
                }))
            }
            Cut::Relu { .. } => {
                let signs = [self.cutter.sign_of(cut, false)?, self.cutter.sign_of(cut, true)?];
                Some([(slots[0], signs[0]), (slots[1], signs[1])].map(|(slot, sign)| {
                    let signs = case.signs.iter().copied().chain([sign]).collect();
                    child(
                        slot,
                        Arc::clone(&case.region),
                        signs,
                        Inherited::Sign(hidden.clone(), sign),
                    )
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
