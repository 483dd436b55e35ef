//! Case distinctions on the inputs of a network, depth first within a budget of nodes.
//!
//! The side is cut in the middle whose gradient times width is largest; hidden bounds are derived
//! anew in every case (`!0`). Leaves close by the linear rule, for monotone claims by the Jacobian.

use crate::certificate::{
    Cut, Hidden, Hurdle, Leaf, Network, Proof, SplitTree, Step, competitors, gradient, margin_row,
};
use crate::interval::{Interval, Rounded};
use crate::model::Model;
use crate::spec::{Claim, Direction, Obligation};

use super::{Searcher, refute};

/// Deepest path that is tried.
const MAX_DEPTH: usize = 200;

/// A split proof or a counterexample; `None` when the budget ends first.
pub(super) fn search(searcher: &Searcher, obligation: &Obligation) -> Option<Proof> {
    let model = searcher.subject.model.0;
    let network = searcher.network.as_ref()?;
    let claim = obligation.sufficient.as_ref()?;
    let root = obligation.region.standardised(&model.schema)?;
    let hidden = network.linear_bounds(root.sides())?;
    let hurdle = searcher.kernel.hurdle(obligation);
    let mut case = Case { model, network, claim, hurdle, steps: Vec::new(), refresh: None };
    let mut stack = vec![(obligation.region.clone(), hidden, 0usize)];
    let mut nodes = 0;
    while let Some((region, parent, depth)) = stack.pop() {
        nodes += 1;
        if nodes > searcher.options.budget_nodes || depth > MAX_DEPTH {
            return None;
        }
        let Some(input) = region.standardised(&model.schema) else {
            case.close();
            continue;
        };
        case.refresh = (depth > 0 && network.depth() > 1).then_some(0);
        let hidden = network.inherited_bounds(&parent, input.sides(), case.refresh)?;
        if case.holds(&hidden, input.sides()) {
            case.close();
            continue;
        }
        if let Some(points) = refute::centre_of(searcher, obligation, &region) {
            return Some(Proof::Counterexample { points });
        }
        let (feature, at) = case.widest(&hidden, input.sides())?;
        let moved = matches!(claim, Claim::Monotone { feature: f, .. } if f.0 == feature);
        let (low, high) = region.halved(&model.schema, feature, at, !moved)?;
        case.steps.push(Step::Cut { cut: Cut::Input { feature, at }, refresh: case.refresh });
        stack.push((high, hidden.clone(), depth + 1));
        stack.push((low, hidden, depth + 1));
    }
    Some(Proof::Split { tree: SplitTree::new(case.steps)?, hints: Vec::new() })
}

/// The claim on one box, and the tree so far.
struct Case<'a> {
    model: &'a Model,
    network: &'a Network<Rounded>,
    claim: &'a Claim,
    /// For claims about one label.
    hurdle: Option<Hurdle>,
    steps: Vec<Step>,
    refresh: Option<usize>,
}

impl Case<'_> {
    fn close(&mut self) {
        let leaf = match self.claim {
            Claim::Monotone { .. } => Leaf::Jacobian,
            _ => Leaf::Linear,
        };
        self.steps.push(Step::Leaf { leaf, refresh: self.refresh, hint: None });
    }

    /// Whether the leaf rule would clear, judged in floats.
    fn holds(&self, hidden: &Hidden, input: &[Interval]) -> bool {
        match self.claim {
            Claim::Monotone { feature, direction, class } => {
                competitors(*class, self.model.classes).all(|other| {
                    let row = margin_row(*class, other, self.model.classes);
                    let slope = gradient(self.network, &row, hidden)
                        .and_then(|slopes| slopes.get(feature.0).copied());
                    slope.is_some_and(|slope| match direction {
                        Direction::Increasing => slope.lo() >= 0.0,
                        Direction::Decreasing => slope.hi() <= 0.0,
                    })
                })
            }
            Claim::Label { label } | Claim::Posterior { label, .. } => {
                let margins: Vec<f64> = competitors(*label, self.model.classes)
                    .map(|other| margin_row(*label, other, self.model.classes))
                    .map(|row| self.network.linear_margin(&row, hidden, input, None))
                    .collect();
                self.hurdle.as_ref().is_some_and(|hurdle| hurdle.is_cleared(&margins))
            }
            Claim::Fuzz { .. } => false,
        }
    }

    /// The side whose cut promises most, and its middle.
    fn widest(&self, hidden: &Hidden, input: &[Interval]) -> Option<(usize, f64)> {
        let (plus, minus) = match self.claim {
            Claim::Label { label } | Claim::Posterior { label, .. } => {
                (*label, usize::from(*label == 0))
            }
            Claim::Monotone { class, .. } => (*class, usize::from(*class == 0)),
            Claim::Fuzz { .. } => return None,
        };
        let row = margin_row(plus, minus, self.model.classes);
        let slopes = gradient(self.network, &row, hidden)?;
        let gain =
            |(side, slope): (&Interval, &Interval)| (side.hi() - side.lo()) * slope.magnitude();
        let gains: Vec<f64> = input.iter().zip(&slopes).map(gain).collect();
        let best = (0..gains.len()).max_by(|&a, &b| {
            let at = |index: usize| gains.get(index).copied().unwrap_or(0.0);
            at(a).total_cmp(&at(b)).then(b.cmp(&a))
        })?;
        let side = input.get(best)?;
        let middle = side.lo() + (side.hi() - side.lo()) / 2.0;
        (side.lo() < middle && middle < side.hi()).then_some((best, middle))
    }
}
