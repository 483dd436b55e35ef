//! Case distinctions. Two children cover their parent by construction (of a region under conditions:
//! its points that meet them); the tree is walked with an explicit stack, low child first.
//!
//! *Networks.* A cut `i F:T` keeps both closed halves `z_F <= T` and `z_F >= T`; the ends of
//! features that take whole numbers move inward, except along the feature that a monotone claim
//! moves: there the segments of the two halves must meet. A child inherits its parent's hidden
//! bounds, intersected with the interval rule on its own box, unless it refreshes them. A cut `r L.J`
//! keeps `z <= 0` and `z >= 0` of a hidden neuron: the bounds of later layers follow, of the first
//! layer those of its other neurons as well, and the linear rule may use the sign with a multiplier.
//!
//! *Boxes.* Where leaves bound further copies of a point, which lie around its box, only inputs are
//! cut and nothing is inherited ([`walk_boxes`]).
//!
//! *Ensembles.* A cut `c F.K` separates the cells up to `K` from the others.

use std::rc::Rc;

use crate::interval::{Form, Rational, Region};
use crate::model::{Model, Schema};
use crate::spec::{Claim, Obligation, RawRegion};

use super::avoid::Avoidance;
use super::claims::{Outcome, decide, label_of};
use super::coupling::Coupling;
use super::forest::{CellBox, Forest, Score};
use super::linear::check_hints;
use super::{
    Block, Bounds, Cut, Hidden, Hint, Leaf, LeafHint, Network, Rejection, Sign, Signed, SplitTree,
    Step, avoid, boxes, jacobian, linear, rates,
};

/// Deepest path of a split tree.
pub(super) const MAX_DEPTH: usize = 512;

/// A network, a claim and what a served copy may lose of each margin.
pub(super) struct NetworkCase<'a, F: Form> {
    pub(super) network: &'a Network<F>,
    pub(super) model: &'a Model,
    pub(super) claim: &'a Claim,
    /// Of a claim about output regions.
    pub(super) blocks: &'a [Block<F>],
    pub(super) coupling: Option<&'a Coupling<'a, F>>,
    pub(super) allowances: &'a [Rational],
}

/// A case on its way to be looked at: a box, and the signs of some neurons.
#[derive(Clone)]
struct Case {
    region: Rc<RawRegion>,
    signs: Vec<Sign>,
    depth: usize,
    /// What is known of the case before its own step says more.
    held: Held,
}

/// Hidden bounds of a case.
#[derive(Clone)]
enum Held {
    /// No point is in the case.
    Empty,
    /// Nothing is known.
    Unknown,
    /// The parent's, for a box of its own.
    Inherited(Hidden),
    /// The parent's, with one sign more.
    Signed(Hidden, Sign),
    /// Those of the root.
    Root(Hidden),
}

impl<F: Form> NetworkCase<'_, F> {
    /// Decides the claim on one case by one rule.
    pub(super) fn close(
        &self,
        leaf: Leaf,
        hidden: &Hidden,
        signs: &[Sign],
        hints: &[Hint],
    ) -> Result<Outcome, Rejection> {
        match (leaf, self.claim) {
            (_, Claim::Avoid { .. }) => {
                let Self { network, blocks, coupling, .. } = *self;
                avoid::decide(&Avoidance { network, blocks, coupling }, leaf, hidden, signs, hints)
            }
            (Leaf::Jacobian, Claim::Monotone { feature, direction, class }) => {
                Ok(jacobian::monotone(self.network, hidden, feature.0, *class, *direction))
            }
            (Leaf::Jacobian, Claim::Near { .. } | Claim::Lipschitz { .. }) => {
                Ok(rates::decide(self.network, &self.model.schema, self.claim, hidden, signs))
            }
            _ => {
                let label = label_of(self.claim)?;
                let margins = linear::margins(self.network, leaf, label, hidden, signs, hints)?;
                decide(self.claim, self.model.tie, self.model.classes, &margins, self.allowances)
            }
        }
    }

    /// Walks the tree over the obligation's region, whose linear bounds are `root`.
    pub(super) fn walk(
        &self,
        obligation: &Obligation,
        region: &Region,
        root: Hidden,
        tree: &SplitTree,
        hints: &[LeafHint],
    ) -> Result<Outcome, Rejection> {
        hints.iter().try_for_each(|hint| check_hints(hint.hints(), self.network.widths()))?;
        debug_assert_eq!(region.sides(), root.input());
        let region = Rc::new(obligation.region.clone());
        let mut stack = vec![Case { region, signs: vec![], depth: 0, held: Held::Root(root) }];
        let mut worst = Outcome::Holds;
        for (token, step) in tree.steps().iter().enumerate() {
            let Some(mut case) = stack.pop() else {
                return Err(Rejection::Tree { token, problem: "no box left" });
            };
            if case.depth > MAX_DEPTH {
                return Err(Rejection::Tree { token, problem: "deeper than 512" });
            }
            let (Step::Cut { refresh, .. } | Step::Leaf { refresh, .. }) = step;
            if refresh.is_some_and(|layer| layer + 1 >= self.network.depth()) {
                let problem = "a refresh of a layer that is not hidden";
                return Err(Rejection::Tree { token, problem });
            }
            case.held = self.bounded(&case, *refresh);
            match step {
                Step::Cut { cut, .. } => {
                    let (low, high) = self.cut(case, cut, token)?;
                    stack.push(high);
                    stack.push(low);
                }
                Step::Leaf { leaf, hint, .. } => {
                    let hint = match hint {
                        Some(index) => hints
                            .get(*index)
                            .ok_or(Rejection::Index { what: "hint", index: *index })?
                            .hints(),
                        None => &[],
                    };
                    let outcome = match &case.held {
                        // an empty case holds
                        Held::Empty => Outcome::Holds,
                        Held::Root(hidden) => self.close(*leaf, hidden, &case.signs, hint)?,
                        _ => Outcome::Open(Bounds::NONE),
                    };
                    worst = worst.and(outcome);
                }
            }
        }
        Ok(worst)
    }

    /// The bounds of a case after its refresh: empty, unknown, or known as at a root.
    fn bounded(&self, case: &Case, refresh: Option<usize>) -> Held {
        let known = |hidden: Option<Hidden>| hidden.map_or(Held::Unknown, Held::Root);
        match &case.held {
            Held::Empty => Held::Empty,
            Held::Unknown => Held::Unknown,
            Held::Root(hidden) => match refresh {
                None => Held::Root(hidden.clone()),
                Some(_) => known(self.network.inherited_bounds(hidden, hidden.input(), refresh)),
            },
            Held::Inherited(parent) => match case.region.standardised(&self.model.schema) {
                None => Held::Empty,
                Some(input) => known(self.network.inherited_bounds(parent, input.sides(), refresh)),
            },
            Held::Signed(parent, sign) => {
                match self.network.signed_bounds(parent, *sign, refresh) {
                    Signed::Empty => Held::Empty,
                    Signed::Unknown => Held::Unknown,
                    Signed::Bounds(hidden) => Held::Root(hidden),
                }
            }
        }
    }

    /// The low and the high case.
    fn cut(&self, case: Case, cut: &Cut, token: usize) -> Result<(Case, Case), Rejection> {
        let Case { region, signs, depth, held } = case;
        let child = |region, signs, held| Case { region, signs, depth: depth + 1, held };
        match *cut {
            Cut::Input { copy, feature, at } => {
                self.check_copy(copy, token)?;
                if feature >= self.model.schema.len() {
                    return Err(Rejection::CutOutside { token });
                }
                let index = copy * self.model.schema.len() + feature;
                let is_tight = !self.is_about_segments() && self.moved_feature() != Some(index);
                let halves = region.halved(&self.model.schema, index, at, is_tight);
                let (low, high) = halves.ok_or(Rejection::CutOutside { token })?;
                let held = match held {
                    Held::Root(hidden) => Held::Inherited(hidden),
                    other => other,
                };
                let low = child(Rc::new(low), signs.clone(), held.clone());
                Ok((low, child(Rc::new(high), signs, held)))
            }
            Cut::Relu { copy, layer, neuron } => {
                self.check_copy(copy, token)?;
                let widths = self.network.widths();
                let hidden = widths.split_last().map_or(&[][..], |(_, hidden)| hidden);
                let width = hidden.get(layer).map_or(0, |width| width / self.copies());
                if neuron >= width {
                    return Err(Rejection::Index { what: "hidden neuron", index: neuron });
                }
                let neuron = copy * width + neuron;
                let signed = |is_on| {
                    let sign = Sign { layer, neuron, is_on };
                    let held = match &held {
                        Held::Root(hidden) => Held::Signed(hidden.clone(), sign),
                        other => other.clone(),
                    };
                    let signs = signs.iter().copied().chain([sign]).collect();
                    child(Rc::clone(&region), signs, held)
                };
                Ok((signed(false), signed(true)))
            }
            Cut::Cell { .. } => Err(Rejection::Tree { token, problem: "a cell cut on a network" }),
        }
    }

    fn check_copy(&self, copy: usize, token: usize) -> Result<(), Rejection> {
        if copy < self.copies() {
            return Ok(());
        }
        Err(Rejection::Tree { token, problem: "a cut of a copy that the claim does not have" })
    }

    fn copies(&self) -> usize {
        match self.claim {
            Claim::Avoid { copies, .. } => *copies,
            _ => 1,
        }
    }

    /// Whether the claim holds along the segments between points: all of them must stay in the cases,
    /// also where they are not whole.
    fn is_about_segments(&self) -> bool {
        matches!(self.claim, Claim::Near { .. } | Claim::Lipschitz { .. })
    }

    fn moved_feature(&self) -> Option<usize> {
        match self.claim {
            Claim::Monotone { feature, .. } => Some(feature.0),
            _ => None,
        }
    }
}

/// Walks a tree of input cuts over the region of a claim whose leaves bound further copies of their
/// points, shifted ones or ones that are close. `decide` is given each leaf's box of points; their
/// copies may lie beyond it. A sign of a neuron says nothing about these copies, and bounds of a part
/// nothing about what lies around it, so only inputs are cut and nothing is inherited. All leaves must
/// be `rule`.
///
/// `partners` gives the box of all copies of a box's points, if the claim is about pairs and that box
/// may be cut too, as copy 1; a leaf then answers for the pairs of its two boxes.
pub(super) fn walk_boxes(
    schema: &Schema,
    region: &RawRegion,
    tree: &SplitTree,
    rule: Leaf,
    partners: impl Fn(&RawRegion) -> Option<RawRegion>,
    decide: impl Fn(&RawRegion, Option<&RawRegion>) -> Outcome,
) -> Result<Outcome, Rejection> {
    let root = Joint { region: region.clone(), partners: None };
    preorder(root, tree, |token, step, here| match step {
        Step::Cut { cut: Cut::Input { copy, feature, at }, refresh: None }
            if *feature < schema.len() && (*copy == 0 || partners(&here.region).is_some()) =>
        {
            let halves = match copy {
                0 => here.region_halved(schema, *feature, *at),
                _ => here.partners_halved(schema, *feature, *at, &partners),
            };
            halves.map(Part::Cut).ok_or(Rejection::CutOutside { token })
        }
        Step::Leaf { leaf, refresh: None, hint: None } if *leaf == rule => {
            let is_empty = here.region.is_empty();
            let outcome = || decide(&here.region, here.partners.as_ref());
            Ok(Part::Leaf(if is_empty { Outcome::Holds } else { outcome() }))
        }
        _ => {
            let problem = "this claim is split by input cuts (of copy 1 with zone `ball`) and leaves of \
                           one letter, `F` (boundary-fuzz) or `L` (small-neighborhood), only";
            Err(Rejection::Tree { token, problem })
        }
    })
}

/// A box of points, and the box of those partners that the case is about: all, until a cut of copy 1
/// says otherwise.
struct Joint {
    region: RawRegion,
    partners: Option<RawRegion>,
}

impl Joint {
    fn region_halved(self, schema: &Schema, feature: usize, at: f64) -> Option<(Self, Self)> {
        let (low, high) = self.region.halved(schema, feature, at, true)?;
        let part = |region| Self { region, partners: self.partners.clone() };
        Some((part(low), part(high)))
    }

    fn partners_halved(
        self,
        schema: &Schema,
        feature: usize,
        at: f64,
        all: impl Fn(&RawRegion) -> Option<RawRegion>,
    ) -> Option<(Self, Self)> {
        let Self { region, partners } = self;
        let partners = partners.or_else(|| all(&region))?;
        // a partner need not be whole
        let (low, high) = partners.halved(schema, feature, at, false)?;
        let part = |partners| Self { region: region.clone(), partners: Some(partners) };
        Some((part(low), part(high)))
    }
}

/// Walks the tree over a box of cells of an ensemble; every leaf must hold by the box rule.
pub(super) fn walk_cells<N: Score>(
    forest: &Forest<N>,
    model: &Model,
    claim: &Claim,
    allowances: &[Rational],
    cells: CellBox,
    tree: &SplitTree,
) -> Result<Outcome, Rejection> {
    let label = label_of(claim)?;
    preorder(cells, tree, |token, step, here| match step {
        Step::Cut { cut: Cut::Cell { feature, number }, refresh: None } => {
            here.cut(*feature, *number).map(Part::Cut).ok_or(Rejection::CutOutside { token })
        }
        Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None } => {
            let margins = boxes::margins(forest, label, model.classes, &here);
            decide(claim, model.tie, model.classes, &margins, allowances).map(Part::Leaf)
        }
        _ => Err(Rejection::Tree { token, problem: "not a step of a tree box" }),
    })
}

/// What a step of a tree makes of the region it stands at.
enum Part<R> {
    /// Its low and its high part, which cover it.
    Cut((R, R)),
    /// What its leaf shows.
    Leaf(Outcome),
}

/// Walks a tree from `root` with an explicit stack, low parts first; every leaf must hold.
fn preorder<R>(
    root: R,
    tree: &SplitTree,
    take: impl Fn(usize, &Step, R) -> Result<Part<R>, Rejection>,
) -> Result<Outcome, Rejection> {
    let mut stack = vec![(root, 0usize)];
    let mut all = Outcome::Holds;
    for (token, step) in tree.steps().iter().enumerate() {
        let Some((here, depth)) = stack.pop() else {
            return Err(Rejection::Tree { token, problem: "no box left" });
        };
        if depth > MAX_DEPTH {
            return Err(Rejection::Tree { token, problem: "deeper than 512" });
        }
        match take(token, step, here)? {
            Part::Cut((low, high)) => stack.extend([(high, depth + 1), (low, depth + 1)]),
            Part::Leaf(outcome) => all = all.and(outcome),
        }
    }
    Ok(all)
}

impl Outcome {
    /// Both must hold; else the worse bound is kept.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Holds, other) => other,
            (open, Self::Holds) => open,
            (Self::Open(a), Self::Open(b)) => {
                Self::Open(if a.reached <= b.reached { a } else { b })
            }
        }
    }
}
