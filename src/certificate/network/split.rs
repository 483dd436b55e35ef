//! Cases of a network: a box of inputs, and the signs of some neurons.

use std::rc::Rc;

use crate::interval::{Form, Rational};
use crate::model::Model;
use crate::spec::{Aim, Bonds, Claim, Obligation, RawRegion};

use super::avoid::{self, Avoidance};
use super::coupling::Coupling;
use super::linear;
use super::{jacobian, range};
use crate::certificate::cases::{Visited, preorder};
use crate::certificate::claims::{Outcome, decide, label_of};
use crate::certificate::{
    Block, Bounds, Cut, Hidden, Hint, Leaf, LeafHint, Network, Rejection, Sign, Signed, SplitTree,
    Step,
};

/// A network, a claim, and the most that a served copy may lose of each margin.
pub(in crate::certificate) struct NetworkCase<'a, F: Form> {
    pub(in crate::certificate) network: &'a Network<F>,
    pub(in crate::certificate) model: &'a Model,
    pub(in crate::certificate) claim: &'a Claim,
    /// The unsafe blocks of a claim about output regions.
    pub(in crate::certificate) blocks: &'a [Block<F>],
    pub(in crate::certificate) coupling: Option<&'a Coupling<'a, F>>,
    pub(in crate::certificate) allowances: &'a [Rational],
}

/// A case that is still to be looked at: a box, and the signs of some neurons.
#[derive(Clone)]
struct Case {
    region: Rc<RawRegion>,
    signs: Vec<Sign>,
    /// The bounds of the case that are known before its own step adds more.
    held: Held,
}

/// Hidden bounds of a case.
#[derive(Clone)]
enum Held {
    /// No point is in the case.
    Empty,
    /// Nothing is known.
    Unknown,
    /// The parent's bounds, for a case with a box of its own.
    Inherited(Hidden),
    /// The parent's bounds, for a case with one more sign.
    Signed(Hidden, Sign),
    /// The case's own bounds.
    Known(Hidden),
}

impl<F: Form> NetworkCase<'_, F> {
    /// Decides the claim on one case by one rule.
    fn close(
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
            (Leaf::Jacobian, Claim::Pair(pair)) => Ok(match (&pair.bonds, &pair.aim) {
                (Bonds::Raised(feature), Aim::Order { direction, class }) => {
                    jacobian::monotone(self.network, hidden, feature.0, *class, *direction)
                }
                _ => range::decide(self.network, &self.model.schema, self.claim, hidden, signs),
            }),
            _ => {
                let label = label_of(self.claim)?;
                let margins = linear::margins(self.network, leaf, label, hidden, signs, hints)?;
                decide(self.claim, self.model.tie, self.model.classes, &margins, self.allowances)
            }
        }
    }

    /// Walks the tree over the obligation's region, whose bounds are `root`. Hints are those that [`linear::check_hints`] lets
    /// pass.
    pub(in crate::certificate) fn walk(
        &self,
        obligation: &Obligation,
        root: Hidden,
        tree: &SplitTree,
        hints: &[LeafHint],
    ) -> Result<Outcome, Rejection> {
        let region = Rc::new(obligation.region.clone());
        let whole = Case { region, signs: vec![], held: Held::Known(root) };
        preorder(whole, tree, |token, step, mut case| {
            let refresh = step.refresh();
            if refresh.is_some_and(|layer| layer + 1 >= self.network.depth()) {
                let problem = "a refresh of a layer that is not hidden";
                return Err(Rejection::Tree { token, problem });
            }
            case.held = self.bounded(&case, refresh);
            match step {
                Step::Cut { cut, .. } => self.cut(case, cut, token).map(Visited::Cut),
                Step::Sum { .. } => {
                    Err(Rejection::Tree { token, problem: "a sum of trees in a network" })
                }
                Step::Leaf { leaf, hint, .. } => {
                    let hint = hint_at(hints, *hint)?;
                    let outcome = match &case.held {
                        // an empty case holds
                        Held::Empty => Outcome::Holds,
                        Held::Known(hidden) => self.close(*leaf, hidden, &case.signs, hint)?,
                        Held::Unknown | Held::Inherited(_) | Held::Signed(..) => {
                            Outcome::Open(Bounds::NONE)
                        }
                    };
                    Ok(Visited::Leaf(outcome))
                }
            }
        })
    }

    /// The bounds of a case after its refresh: empty, unknown or known.
    fn bounded(&self, case: &Case, refresh: Option<usize>) -> Held {
        let known = |hidden: Option<Hidden>| hidden.map_or(Held::Unknown, Held::Known);
        match &case.held {
            Held::Empty => Held::Empty,
            Held::Unknown => Held::Unknown,
            Held::Known(hidden) => match refresh {
                None => Held::Known(hidden.clone()),
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
                    Signed::Bounds(hidden) => Held::Known(hidden),
                }
            }
        }
    }

    /// The low and the high case.
    fn cut(&self, case: Case, cut: &Cut, token: usize) -> Result<(Case, Case), Rejection> {
        let Case { region, signs, held } = case;
        match *cut {
            Cut::Input { copy, feature, at } => {
                self.check_copy(copy, token)?;
                if feature >= self.model.schema.len() {
                    return Err(Rejection::CutOutside { token });
                }
                let index = copy * self.model.schema.len() + feature;
                let is_tight = self.claim.lets_tighten(index);
                let halves = region.halved(&self.model.schema, index, at, is_tight);
                let (low, high) = halves.ok_or(Rejection::CutOutside { token })?;
                let held = match held {
                    Held::Known(hidden) => Held::Inherited(hidden),
                    less
                    @ (Held::Empty | Held::Unknown | Held::Inherited(_) | Held::Signed(..)) => less,
                };
                let low = Case { region: Rc::new(low), signs: signs.clone(), held: held.clone() };
                Ok((low, Case { region: Rc::new(high), signs, held }))
            }
            Cut::Relu { copy, layer, neuron } => {
                self.check_copy(copy, token)?;
                let widths = self.network.widths();
                let hidden = widths.split_last().map_or(&[][..], |(_, hidden)| hidden);
                let width = hidden.get(layer).map_or(0, |width| width / self.claim.copies());
                if neuron >= width {
                    return Err(Rejection::Index { what: "hidden neuron", index: neuron });
                }
                let neuron = copy * width + neuron;
                let signed = |is_on| {
                    let sign = Sign { layer, neuron, is_on };
                    let held = match &held {
                        Held::Known(hidden) => Held::Signed(hidden.clone(), sign),
                        Held::Empty | Held::Unknown | Held::Inherited(_) | Held::Signed(..) => {
                            held.clone()
                        }
                    };
                    let signs = signs.iter().copied().chain([sign]).collect();
                    Case { region: Rc::clone(&region), signs, held }
                };
                Ok((signed(false), signed(true)))
            }
            Cut::Cell { .. } => Err(Rejection::Tree { token, problem: "a cell cut on a network" }),
        }
    }

    fn check_copy(&self, copy: usize, token: usize) -> Result<(), Rejection> {
        if copy < self.claim.copies() {
            return Ok(());
        }
        Err(Rejection::Tree { token, problem: "a cut of a copy that the claim does not have" })
    }
}

/// The hints of that number; none if a leaf names none.
fn hint_at(hints: &[LeafHint], number: Option<usize>) -> Result<&[Hint], Rejection> {
    let Some(index) = number else { return Ok(&[]) };
    hints.get(index).map(LeafHint::hints).ok_or(Rejection::Index { what: "hint", index })
}
