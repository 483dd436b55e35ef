//! The goal of a case, in the arithmetic of the search.

use std::cell::LazyCell;

use crate::certificate::{
    Block, Coupling, Hidden, Hint, Hurdle, Leaf, Network, Rate, Sign, competitors, gradient,
    margin_row,
};
use crate::interval::{Form, Rounded};
use crate::spec::{Aim, Bonds, Claim, Direction, Obligation, OutputBlock};

use crate::certify::Searcher;

/// The condition that all points of a case must satisfy.
pub(super) enum Goal<'a> {
    /// The margins of a label clear a hurdle.
    Margins {
        /// One row of logits per competing class.
        rows: Vec<Vec<f64>>,
        hurdle: Hurdle,
        /// Approximate value that each margin must exceed (exactly enough with two classes).
        required: f64,
    },
    /// Every block is left by one of its rows.
    Blocks {
        blocks: &'a [Block<Rounded>],
        rows: &'a [OutputBlock],
        /// The relation that binds the copies to each other.
        coupling: Option<Coupling<'a, Rounded>>,
    },
    /// A gradient has a sign.
    Slope { feature: usize, direction: Direction, rows: Vec<Vec<f64>> },
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
    /// The row of logits that is bounded.
    pub(super) row: Vec<f64>,
    /// Value that its bound must exceed.
    pub(super) required: f64,
    /// True if the bound exceeds it.
    pub(super) is_reached: bool,
}

impl GoalPart {
    /// A little more than required, for rounding and for slopes in units of 2⁻⁸.
    pub(super) fn target(&self) -> f64 {
        self.required + 1e-3 * (1.0 + self.required.abs())
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
        Some(match claim {
            Claim::Label { label } => {
                let hurdle = kernel.hurdle(obligation)?;
                Self::Margins { rows: rows_of(*label), hurdle, required: 0.0 }
            }
            Claim::Posterior { label, threshold, .. } => {
                let (hurdle, required) = (kernel.hurdle(obligation)?, threshold.above.up());
                Self::Margins { rows: rows_of(*label), hurdle, required }
            }
            Claim::Pair(pair) => match (&pair.bonds, &pair.aim) {
                (Bonds::Raised(feature), Aim::Order { direction, class }) => {
                    let (feature, direction) = (feature.0, *direction);
                    Self::Slope { feature, direction, rows: rows_of(*class) }
                }
                _ => {
                    let rate = Rate::of(claim, &model.schema)?;
                    Self::Rate { rate, row: margin_row(1, 0, 2) }
                }
            },
            Claim::Avoid { .. } => {
                let (_, blocks) = kernel.network()?;
                let coupling = kernel.coupling(obligation);
                Self::Blocks { blocks, rows: searcher.blocks(), coupling }
            }
            Claim::AllPairs { .. } => return None,
        })
    }

    /// True if the goal is about two copies that are bound to each other.
    pub(super) fn is_coupled(&self) -> bool {
        matches!(self, Self::Blocks { coupling: Some(_), .. })
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
        match self {
            Self::Margins { rows, hurdle, required } => {
                margins(network, hidden, signs, hints, rows, hurdle, *required)
            }
            Self::Blocks { blocks, rows, coupling } => {
                let pairs = (*blocks, *rows);
                block_bounds(network, hidden, signs, hints, pairs, coupling.as_ref())
            }
            Self::Slope { feature, direction, rows } => {
                slopes(network, hidden, *feature, *direction, rows)
            }
            Self::Rate { rate, row } => {
                let (is_reached, bound) = rate.decide(network, hidden, signs);
                let (row, parts) = (row.clone(), Vec::new());
                GoalStanding { is_reached, bound, worst: None, row, parts }
            }
        }
    }
}

fn margins(
    network: &Network<Rounded>,
    hidden: &Hidden,
    signs: &[Sign],
    hints: &[Hint],
    rows: &[Vec<f64>],
    hurdle: &Hurdle,
    required: f64,
) -> GoalStanding {
    let mut parts = Vec::with_capacity(rows.len());
    let mut bounds = Vec::with_capacity(rows.len());
    let mut worst: Option<(f64, Rounded, Vec<f64>)> = None;
    for (index, row) in rows.iter().enumerate() {
        let form = network.input_form(Rounded::new(row), hidden, hints.get(index), signs);
        let bound = form.as_ref().map_or(f64::NEG_INFINITY, |f| f.minimum(hidden.input()));
        let is_reached = bound > required;
        parts.push(GoalPart { row: row.clone(), required, is_reached });
        bounds.push(bound);
        if let Some(form) = form
            && worst.as_ref().is_none_or(|(least, ..)| bound < *least)
        {
            worst = Some((bound, form, row.clone()));
        }
    }
    let is_reached = hurdle.is_cleared(&bounds);
    let (bound, form, row) = match worst {
        Some((bound, form, row)) => (bound - required, Some(form), row),
        None => (f64::NEG_INFINITY, None, rows.first().cloned().unwrap_or_default()),
    };
    GoalStanding { is_reached, bound, worst: form, row, parts }
}

fn block_bounds(
    network: &Network<Rounded>,
    hidden: &Hidden,
    signs: &[Sign],
    hints: &[Hint],
    (blocks, rows): (&[Block<Rounded>], &[OutputBlock]),
    coupling: Option<&Coupling<Rounded>>,
) -> GoalStanding {
    let coupled = LazyCell::new(|| coupling?.over(hidden));
    let mut parts = Vec::with_capacity(blocks.len());
    let mut worst: Option<(f64, Rounded, Vec<f64>)> = None;
    for (index, (block, rows)) in blocks.iter().zip(rows).enumerate() {
        let hint = hints.get(index);
        let bound_of = |row| {
            let form = network.input_form(block.row(row), hidden, hint, signs)?;
            let mut bound = form.minimum(hidden.input());
            if !block.is_left(row, bound)
                && let Some(coupled) = &*coupled
            {
                bound = bound.max(coupled.bound(block, row, (network, hidden), hint, signs));
            }
            Some((bound, form))
        };
        let Some((bound, form, row)) = best_row(block, bound_of) else {
            let part = GoalPart { row: Vec::new(), required: 0.0, is_reached: false };
            return GoalStanding {
                is_reached: false,
                bound: f64::NEG_INFINITY,
                worst: None,
                row: Vec::new(),
                parts: vec![part; blocks.len()],
            };
        };
        let half = &rows.rows[row];
        let required = half.rhs.up();
        parts.push(GoalPart {
            row: half.y.clone(),
            required,
            is_reached: block.is_left(row, bound),
        });
        if worst.as_ref().is_none_or(|(least, ..)| bound < *least) {
            worst = Some((bound, form, half.y.clone()));
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

/// The first row that leaves its block, else the row that leaves it best, with its bound and form.
fn best_row(
    block: &Block<Rounded>,
    bound_of: impl Fn(usize) -> Option<(f64, Rounded)>,
) -> Option<(f64, Rounded, usize)> {
    let mut best: Option<(f64, Rounded, usize)> = None;
    for row in 0..block.rows() {
        let Some((bound, form)) = bound_of(row) else { continue };
        if block.is_left(row, bound) {
            return Some((bound, form, row));
        }
        if best.as_ref().is_none_or(|(most, ..)| bound > *most) {
            best = Some((bound, form, row));
        }
    }
    best
}

fn slopes(
    network: &Network<Rounded>,
    hidden: &Hidden,
    feature: usize,
    direction: Direction,
    rows: &[Vec<f64>],
) -> GoalStanding {
    let rate = |row: &Vec<f64>| {
        let slope = gradient(network, row, hidden).and_then(|all| all.get(feature).copied());
        slope.map_or(f64::NEG_INFINITY, |slope| match direction {
            Direction::Increasing => slope.lo(),
            Direction::Decreasing => -slope.hi(),
        })
    };
    let rates: Vec<f64> = rows.iter().map(rate).collect();
    let bound = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let row = rows.first().cloned().unwrap_or_default();
    GoalStanding { is_reached: bound >= 0.0, bound, worst: None, row, parts: Vec::new() }
}
