//! The goal of a case, in the arithmetic of the search.

use std::cell::LazyCell;
use std::sync::Arc;

use crate::certificate::{
    Block, Coupling, Hidden, Hint, Hurdle, Leaf, Network, Rate, Sign, competitors, least_slope,
    margin_row, monotone_rows,
};
use crate::interval::{Form, Rounded};
use crate::spec::{Aim, Bonds, Claim, Halfspace, Obligation, OutputBlock};

use super::super::alpha::Demand;
use crate::certify::Searcher;

/// The demands of one part; a weighted sum of them is enough.
type Demands = Arc<[Demand]>;

/// The condition that all points of a case must satisfy.
pub(super) enum Goal<'a> {
    /// The margins of a label clear a hurdle.
    Margins {
        hurdle: Hurdle,
        /// One for each competing class, with the approximate value that its margin must exceed (exactly enough
        /// with two classes).
        demands: Vec<Demands>,
    },
    /// Every block is left by a weighted sum of its rows.
    Blocks {
        blocks: &'a [Block<Rounded>],
        /// Per block, one for each row.
        demands: Vec<Demands>,
        /// The relation that binds the copies to each other.
        coupling: Option<Coupling<'a, Rounded>>,
    },
    /// No slope of a row along a feature is negative.
    Slope { feature: usize, rows: Vec<Vec<f64>> },
    /// A gradient is small.
    Rate { rate: Rate, row: Vec<f64> },
}

/// The state of a goal over a case.
pub(super) struct GoalStanding {
    /// True if the kernel will be convinced.
    pub(super) is_reached: bool,
    /// The amount by which the worst part is missed or cleared.
    pub(super) bound: f64,
    /// The form over the inputs that gives the worst bound; `None` for slopes.
    pub(super) worst: Option<Rounded>,
    /// The row of the worst part.
    pub(super) row: Vec<f64>,
    /// The parts of the goal, each with true if it is reached.
    pub(super) parts: Vec<GoalPart>,
}

/// One margin or one block.
#[derive(Clone, Debug)]
pub(super) struct GoalPart {
    /// The rows of logits that are bounded, in a weighted sum.
    pub(super) demands: Demands,
    /// True if the bound is enough.
    pub(super) is_reached: bool,
}

impl GoalPart {
    /// The excess at which an ascent may end.
    pub(super) fn target(&self) -> f64 {
        self.demands.iter().map(Demand::slack).fold(0.0, f64::max)
    }
}

impl<'a> Goal<'a> {
    /// The goal of an obligation on a network; `None` for claims that are not split this way.
    pub(super) fn new(searcher: &'a Searcher<'a>, obligation: &Obligation) -> Option<Self> {
        let (kernel, model) = (&searcher.kernel, searcher.subject.model.0);
        let claim = obligation.sufficient.as_ref()?;
        let rows_of = |label: usize| -> Vec<Vec<f64>> {
            competitors(label, model.classes)
                .map(|class| margin_row(label, class, model.classes))
                .collect()
        };
        let margins = |label, required| {
            let hurdle = kernel.hurdle(obligation)?;
            let rows = rows_of(label).into_iter();
            let demands = rows.map(|row| Arc::from([Demand::new(row, required)])).collect();
            Some(Self::Margins { hurdle, demands })
        };
        Some(match claim {
            Claim::Label { label } => margins(*label, 0.0)?,
            Claim::Posterior { label, threshold, .. } => margins(*label, threshold.above.up())?,
            Claim::Pair(pair) => match (&pair.bonds, &pair.aim) {
                (Bonds::Raised(feature), Aim::Order { direction, class }) => {
                    let rows = monotone_rows(*class, model.classes, *direction);
                    Self::Slope { feature: feature.0, rows }
                }
                _ => {
                    let rate = Rate::of(claim, &model.schema)?;
                    Self::Rate { rate, row: margin_row(1, 0, 2) }
                }
            },
            Claim::Avoid { .. } => {
                let (_, blocks) = kernel.network()?;
                let coupling = kernel.coupling(obligation);
                let is_coupled = coupling.is_some();
                let demands = searcher.blocks().iter().map(|block| demands_of(block, is_coupled));
                let demands = demands.collect();
                Self::Blocks { blocks, demands, coupling }
            }
            Claim::AllPairs { .. } => return None,
        })
    }

    /// True if the goal is about two copies that are bound to each other.
    pub(super) fn is_coupled(&self) -> bool {
        matches!(self, Self::Blocks { coupling: Some(_), .. })
    }

    /// True if several rows of a block may be weighed against each other.
    pub(super) fn is_sum(&self) -> bool {
        let Self::Blocks { demands, coupling: None, .. } = self else { return false };
        demands.iter().any(|rows| rows.len() > 1)
    }

    /// The rule that closes a case.
    pub(super) fn leaf(&self) -> Leaf {
        match self {
            Self::Slope { .. } | Self::Rate { .. } => Leaf::Jacobian,
            Self::Margins { .. } | Self::Blocks { .. } => Leaf::Linear,
        }
    }

    /// The weight of each of `inputs` inputs in the gradient of the goal; `None` for other goals.
    pub(super) fn directions(&self, inputs: usize) -> Option<Vec<f64>> {
        match self {
            Self::Slope { feature, .. } => {
                Some((0..inputs).map(|input| f64::from(u8::from(input == *feature))).collect())
            }
            Self::Rate { rate, .. } => Some(rate.units().0.to_vec()),
            Self::Margins { .. } | Self::Blocks { .. } => None,
        }
    }

    /// The state of the goal with these hidden bounds; `hints` is empty, or has one entry per part.
    pub(super) fn standing(
        &self,
        network: &Network<Rounded>,
        hidden: &Hidden,
        signs: &[Sign],
        hints: &[Hint],
    ) -> GoalStanding {
        let place = BoundedCase { network, hidden, signs };
        match self {
            Self::Margins { hurdle, demands } => margins(&place, hints, demands, hurdle),
            Self::Blocks { blocks, demands, coupling } => {
                block_bounds(&place, hints, (blocks, demands), coupling.as_ref())
            }
            Self::Slope { feature, rows } => slopes(network, hidden, *feature, rows),
            Self::Rate { rate, row } => {
                let (is_reached, bound) = rate.decide(network, hidden, signs);
                let (row, parts) = (row.clone(), Vec::new());
                GoalStanding { is_reached, bound, worst: None, row, parts }
            }
        }
    }
}

/// The demands of a block: of one size, unless they are taken one by one.
fn demands_of(block: &OutputBlock, is_coupled: bool) -> Demands {
    let is_sum = block.rows.len() > 1 && !is_coupled;
    let demand = |row: &Halfspace| Demand::new(row.y.clone(), row.rhs.up());
    let demands = block.rows.iter().map(demand);
    demands.map(|demand| if is_sum { demand.scaled() } else { demand }).collect()
}

/// The bounds of a case, and its signs.
struct BoundedCase<'a> {
    network: &'a Network<Rounded>,
    hidden: &'a Hidden,
    signs: &'a [Sign],
}

impl BoundedCase<'_> {
    /// The lower bound of a form over the logits, and the form over the inputs that gives it.
    fn bound(&self, form: Rounded, hint: Option<&Hint>) -> Option<(f64, Rounded)> {
        let form = self.network.input_form(form, self.hidden, hint, self.signs)?;
        Some((self.hidden.least(&form), form))
    }
}

fn margins(
    place: &BoundedCase,
    hints: &[Hint],
    demands: &[Demands],
    hurdle: &Hurdle,
) -> GoalStanding {
    let mut parts = Vec::with_capacity(demands.len());
    let mut bounds = Vec::with_capacity(demands.len());
    let mut worst: Option<(f64, Rounded, Vec<f64>)> = None;
    for (index, demands) in demands.iter().enumerate() {
        let [demand] = &**demands else { continue };
        let found = place.bound(Rounded::new(demand.row()), hints.get(index));
        let bound = found.as_ref().map_or(f64::NEG_INFINITY, |(bound, _)| *bound);
        let excess = bound - demand.required();
        let is_reached = bound > demand.required();
        parts.push(GoalPart { demands: Arc::clone(demands), is_reached });
        bounds.push(bound);
        if let Some((_, form)) = found
            && worst.as_ref().is_none_or(|(least, ..)| excess < *least)
        {
            worst = Some((excess, form, demand.row().to_vec()));
        }
    }
    let is_reached = hurdle.is_cleared(&bounds);
    let (bound, form, row) = match worst {
        Some((bound, form, row)) => (bound, Some(form), row),
        None => (f64::NEG_INFINITY, None, first_row(demands)),
    };
    GoalStanding { is_reached, bound, worst: form, row, parts }
}

fn first_row(demands: &[Demands]) -> Vec<f64> {
    let first = demands.first().and_then(|demands| demands.first());
    first.map(|demand| demand.row().to_vec()).unwrap_or_default()
}

fn block_bounds(
    place: &BoundedCase,
    hints: &[Hint],
    (blocks, demands): (&[Block<Rounded>], &[Demands]),
    coupling: Option<&Coupling<Rounded>>,
) -> GoalStanding {
    let BoundedCase { hidden, signs, .. } = *place;
    let coupled = LazyCell::new(|| coupling?.over(hidden));
    let mut parts = Vec::with_capacity(blocks.len());
    let mut worst: Option<(f64, Rounded, Vec<f64>)> = None;
    for (index, (block, demands)) in blocks.iter().zip(demands).enumerate() {
        let hint = hints.get(index);
        let bound_of = |row| {
            let (mut bound, form) = place.bound(block.row(row), hint)?;
            if !block.is_left(row, bound)
                && let Some(coupled) = &*coupled
            {
                bound = bound.max(coupled.bound(block, row, hidden, hint, signs));
            }
            Some(RowBound { bound, form, row, is_left: block.is_left(row, bound) })
        };
        let weights = hint.map(|hint| hint.weights.as_slice()).filter(|all| !all.is_empty());
        let best = match weights {
            Some(weights) => weighted(place, block, hint, weights),
            None => best_row(block.rows(), bound_of),
        };
        let Some(RowBound { bound, form, row, is_left }) = best else {
            let demands = Arc::default();
            let part = GoalPart { demands, is_reached: false };
            return GoalStanding {
                is_reached: false,
                bound: f64::NEG_INFINITY,
                worst: None,
                row: Vec::new(),
                parts: vec![part; blocks.len()],
            };
        };
        let best = demands.get(row).cloned();
        // difference lines bound single rows only
        let demands = match (&best, coupling) {
            (Some(best), Some(_)) => Arc::from([best.clone()]),
            _ => Arc::clone(demands),
        };
        parts.push(GoalPart { demands, is_reached: is_left });
        if worst.as_ref().is_none_or(|(least, ..)| bound < *least) {
            worst = Some((bound, form, best.map(|best| best.row().to_vec()).unwrap_or_default()));
        }
    }
    let is_reached = parts.iter().all(|part| part.is_reached);
    match worst {
        Some((bound, form, row)) => {
            // for copies that are bound to each other, the gradient is more useful than a form of each
            let worst = Some(form).filter(|_| is_reached || coupled.is_none());
            GoalStanding { is_reached, bound, worst, row, parts }
        }
        // nothing is unsafe without blocks
        None => GoalStanding { is_reached, bound: 0.0, worst: None, row: Vec::new(), parts },
    }
}

/// A lower bound of a row of a block, or of a weighted sum of its rows.
struct RowBound {
    bound: f64,
    form: Rounded,
    /// The row; of a sum, that with the largest weight.
    row: usize,
    is_left: bool,
}

fn weighted(
    place: &BoundedCase,
    block: &Block<Rounded>,
    hint: Option<&Hint>,
    weights: &[f64],
) -> Option<RowBound> {
    let sum = block.weighted(place.network, place.hidden, weights);
    let (bound, form) = place.bound(sum, hint)?;
    let row = (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b]))?;
    Some(RowBound { bound, form, row, is_left: bound > 0.0 })
}

/// The first row that leaves its block, else the row that leaves it best.
fn best_row(rows: usize, bound_of: impl Fn(usize) -> Option<RowBound>) -> Option<RowBound> {
    let mut best: Option<RowBound> = None;
    for found in (0..rows).filter_map(bound_of) {
        if found.is_left {
            return Some(found);
        }
        if best.as_ref().is_none_or(|best| found.bound > best.bound) {
            best = Some(found);
        }
    }
    best
}

fn slopes(
    network: &Network<Rounded>,
    hidden: &Hidden,
    feature: usize,
    rows: &[Vec<f64>],
) -> GoalStanding {
    let slopes = rows.iter().map(|row| least_slope(network, row, feature, hidden));
    let bound = slopes.fold(f64::INFINITY, f64::min);
    let row = rows.first().cloned().unwrap_or_default();
    GoalStanding { is_reached: bound >= 0.0, bound, worst: None, row, parts: Vec::new() }
}
