//! Bounds on the slopes of the margin that hold at all inputs, and the loss of what they do not show.
//!
//! The derivative of relu lies in `[0, 1]`, so from the last layer down, with `w` its difference of rows:
//!
//! ```text
//! [l, u] = [w, w];   per layer below:  [l, u] ← [min(l, 0), max(u, 0)]·W     in interval arithmetic
//! M_j = max(−l_j, u_j)   bounds |∂m/∂z_j| everywhere
//!
//! change within reach    Σ reach_j·M_j <= bound                   (posteriors: times √2/4)
//! Lipschitz              √2/4·‖(unit_j·M_j)‖ dual norm <= L
//! labels turn where      shift_j·M_j <= μ for every j, or within a ball ‖(shift_j·M_j)‖ dual norm <= μ:
//! the model is unsure    then |m| <= |m − m′| <= μ wherever m and m′ have two signs
//! order in feature j     l_j >= 0, or u_j <= 0
//! ```
//!
//! The loss is `r` of the excess. Where it is 0 the kernel proves the claim without cases, but for rounding.

use ndarray::NdFloat;
use std::f64::consts::SQRT_2;

use crate::model::Schema;
use crate::spec::{Aim, Bonds, Claim, Direction, Lowered, Norm, On, PairBound};
use crate::train::TrainError;
use crate::train::demand::{blank, sample};

use super::super::network::{FloatNetwork, float};
use super::TrainedClaim;
use super::bonds::FloatBonds;
use super::place::standardised;

/// The largest slope of σ, and that of `‖F‖₂` by the margin.
const STEEPEST: f64 = SQRT_2 / 4.0;
/// The share of a bound that training aims at, so that rounding does not decide.
const AIM: f64 = 0.98;

/// The demand on bounds of slopes.
enum SlopeDemand {
    /// A norm of the scaled slopes is at most so much.
    AtMost { lengths: Vec<f64>, norm: Norm, limit: f64 },
    /// The slope in a coordinate has that sign.
    Sign { coordinate: usize, sign: f64 },
}

/// Bounds on slopes, and the demands on them.
pub(super) struct SlopesTerm<F> {
    demands: Vec<SlopeDemand>,
    weight: f64,
    /// Per layer from the first: the bounds on the slopes by its outputs, after relu's.
    masked: Vec<[Vec<F>; 2]>,
    /// The same before relu's; those by the inputs come first.
    bounds: Vec<[Vec<F>; 2]>,
}

impl<F: NdFloat> SlopesTerm<F> {
    pub(super) fn new(trained: &TrainedClaim, schema: &Schema) -> Result<Self, TrainError> {
        let model = blank(schema, 2);
        let some = sample(schema);
        let is_about_rows = trained.spec.property.is_about_rows();
        let few = if is_about_rows { &some[..] } else { &[] };
        let lowered = Lowered::new(&trained.spec, &model, None, few)
            .map_err(|error| trained.refused(error.to_string()))?;
        let mut demands = Vec::new();
        for at in 0..lowered.len() {
            let Some(obligation) = lowered.obligation(at) else { continue };
            let side = standardised::<f64>(&obligation.region, schema);
            let sides = || side[1].iter().zip(&side[0]).map(|(hi, lo)| hi - lo).collect();
            let whole = lowered.is_whole();
            let implied = implying(&obligation.claim, schema, (whole, &sides));
            demands.extend(implied.ok_or_else(|| {
                trained.refused("bounds on slopes do not decide it; leave out `bounds`".to_owned())
            })?);
        }
        Ok(Self { demands, weight: trained.bounds, masked: Vec::new(), bounds: Vec::new() })
    }

    /// Adds the gradient of the loss, times the weight; returns that loss.
    pub(super) fn backward(
        &mut self,
        network: &FloatNetwork<F>,
        gradient: &mut FloatNetwork<F>,
    ) -> f64 {
        self.forward(network);
        let mut by = [0, 1].map(|k| vec![0.0; self.bounds[0][k].len()]);
        let loss = self.loss(AIM, &mut by);
        let mut by = by.map(|slopes| {
            slopes.into_iter().map(|d| float::<F>(self.weight * d)).collect::<Vec<F>>()
        });
        let last = network.layers.len() - 1;
        for index in 0..last {
            let weights = &network.layers[index].weights;
            let slot = &mut gradient.layers[index].weights;
            let [lo, hi] = &self.masked[index];
            let mut above = [0, 1].map(|_| vec![F::zero(); lo.len()]);
            for (i, row) in weights.rows().into_iter().enumerate() {
                for (k, w) in row.iter().enumerate() {
                    // the lower end takes the lower one by a positive weight, else the upper one
                    let (low, high) = if *w > F::zero() { (0, 1) } else { (1, 0) };
                    let ends = [lo[i], hi[i]];
                    slot[[i, k]] += by[0][k] * ends[low] + by[1][k] * ends[high];
                    above[low][i] += *w * by[0][k];
                    above[high][i] += *w * by[1][k];
                }
            }
            let [lo, hi] = &self.bounds[index + 1];
            for i in 0..lo.len() {
                above[0][i] = if lo[i] < F::zero() { above[0][i] } else { F::zero() };
                above[1][i] = if hi[i] > F::zero() { above[1][i] } else { F::zero() };
            }
            by = above;
        }
        let slot = &mut gradient.layers[last].weights;
        for k in 0..slot.ncols() {
            let slope = by[0][k] + by[1][k];
            slot[[0, k]] -= slope;
            slot[[1, k]] += slope;
        }
        self.weight * loss
    }

    /// True if the bounds show what is asked.
    pub(super) fn holds(&mut self, network: &FloatNetwork<F>) -> bool {
        self.forward(network);
        let mut by = [0, 1].map(|k| vec![0.0; self.bounds[0][k].len()]);
        self.loss(1.0, &mut by) <= 0.0
    }

    /// The bounds on the slopes by the inputs, lower and upper.
    #[cfg(test)]
    pub(super) fn by_inputs(&mut self, network: &FloatNetwork<F>) -> &[Vec<F>; 2] {
        self.forward(network);
        &self.bounds[0]
    }

    /// Bounds the slopes, layer by layer downwards.
    fn forward(&mut self, network: &FloatNetwork<F>) {
        let (last, hidden) = network.layers.split_last().expect("a network has a layer");
        let top = &last.weights.row(1) - &last.weights.row(0);
        let mut bounds = [top.to_vec(), top.to_vec()];
        self.masked.clear();
        self.bounds = vec![bounds.clone()];
        for layer in hidden.iter().rev() {
            let masked = [
                bounds[0].iter().map(|l| l.min(F::zero())).collect::<Vec<F>>(),
                bounds[1].iter().map(|u| u.max(F::zero())).collect::<Vec<F>>(),
            ];
            let mut below = [0, 1].map(|_| vec![F::zero(); layer.weights.ncols()]);
            for (i, row) in layer.weights.rows().into_iter().enumerate() {
                for (k, w) in row.iter().enumerate() {
                    let (low, high) = if *w > F::zero() { (0, 1) } else { (1, 0) };
                    below[0][k] += *w * masked[low][i];
                    below[1][k] += *w * masked[high][i];
                }
            }
            self.masked.push(masked);
            self.bounds.push(below.clone());
            bounds = below;
        }
        self.masked.reverse();
        self.bounds.reverse();
    }

    /// The sum of the excesses over a share of the limits; adds its slopes by both ends of the bounds.
    fn loss(&self, share: f64, by: &mut [Vec<f64>; 2]) -> f64 {
        let ends = |k: usize, j: usize| self.bounds[0][k][j].to_f64().unwrap_or(f64::NAN);
        let mut loss = 0.0;
        for demand in &self.demands {
            match demand {
                SlopeDemand::Sign { coordinate, sign } => {
                    let end = usize::from(*sign < 0.0);
                    let excess = -sign * ends(end, *coordinate);
                    if excess > 0.0 {
                        loss += excess;
                        by[end][*coordinate] -= sign;
                    }
                }
                SlopeDemand::AtMost { lengths, norm, limit } => {
                    let steep = |j: usize| (-ends(0, j)).max(ends(1, j));
                    let scaled: Vec<f64> =
                        lengths.iter().enumerate().map(|(j, l)| l * steep(j)).collect();
                    let (size, slopes) = size(&scaled, *norm);
                    if size > share * limit {
                        loss += size - share * limit;
                        for (j, slope) in slopes.into_iter().enumerate() {
                            let end = usize::from(ends(1, j) >= -ends(0, j));
                            let way = if end == 0 { -1.0 } else { 1.0 };
                            by[end][j] += way * slope * lengths[j];
                        }
                    }
                }
            }
        }
        loss
    }
}

/// A norm of non-negative numbers with its slopes.
fn size(numbers: &[f64], norm: Norm) -> (f64, Vec<f64>) {
    match norm {
        Norm::L1 => (numbers.iter().sum(), vec![1.0; numbers.len()]),
        Norm::L2 => {
            let length = numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
            let slope = |x: &f64| if length > 0.0 { x / length } else { 0.0 };
            (length, numbers.iter().map(slope).collect())
        }
        Norm::Linf => {
            let most = numbers.iter().copied().fold(0.0, f64::max);
            let mut is_first = true;
            let slope = |x: &f64| {
                let is_most = *x == most && std::mem::take(&mut is_first);
                f64::from(u8::from(is_most))
            };
            (most, numbers.iter().map(slope).collect())
        }
    }
}

/// The demands that together imply a claim; `None` if none do.
fn implying(
    claim: &Claim,
    schema: &Schema,
    (is_whole, sides): (&[bool], &dyn Fn() -> Vec<f64>),
) -> Option<Vec<SlopeDemand>> {
    let lipschitz = |units: Vec<f64>, norm: Norm, constant: f64| {
        let lengths = units.into_iter().map(|unit| STEEPEST * unit).collect();
        Some(vec![SlopeDemand::AtMost { lengths, norm: dual(norm), limit: constant }])
    };
    let pair = match claim {
        Claim::Pair(pair) => pair,
        Claim::AllPairs { bound: PairBound::Lipschitz { constant }, weights } => {
            let features = weights.iter().zip(schema.features());
            let units = features.map(|(weight, f)| f64::from(f.scale) / weight.up()).collect();
            return lipschitz(units, Norm::L2, constant.down());
        }
        Claim::AllPairs { .. }
        | Claim::Label { .. }
        | Claim::Posterior { .. }
        | Claim::Avoid { .. } => return None,
    };
    match (&pair.bonds, &pair.aim) {
        (bonds, Aim::Close { bound, on, .. }) => {
            let steep = match on {
                On::Score => 1.0,
                On::Posterior => STEEPEST,
            };
            let reach: Vec<f64> = match (FloatBonds::<f64>::of(pair, schema, is_whole), bonds) {
                (FloatBonds::Within { reach, .. }, _) => reach,
                (_, Bonds::Moved(moved)) => {
                    let sides = sides().into_iter().zip(moved.iter());
                    sides.map(|(side, moved)| if *moved { side } else { 0.0 }).collect()
                }
                _ => return None,
            };
            let lengths = reach.into_iter().map(|reach| steep * reach).collect();
            Some(vec![SlopeDemand::AtMost { lengths, norm: Norm::L1, limit: bound.down() }])
        }
        (_, Aim::Lipschitz { units, norm, constant }) => {
            lipschitz(FloatBonds::lengths(units, schema), *norm, constant.down())
        }
        (Bonds::Raised(feature), Aim::Order { direction, class }) => {
            let rises = (*direction == Direction::Increasing) == (*class == 1);
            let sign = if rises { 1.0 } else { -1.0 };
            Some(vec![SlopeDemand::Sign { coordinate: feature.0, sign }])
        }
        (Bonds::Shifted(shifts), Aim::Flip { margin, ball: None }) => {
            let limit = margin.below.down();
            let along = |(axis, shift)| {
                let lengths = (0..schema.len()).map(|j| if j == axis { shift } else { 0.0 });
                SlopeDemand::AtMost { lengths: lengths.collect(), norm: Norm::Linf, limit }
            };
            let shifts = FloatBonds::<f64>::lengths(shifts, schema);
            Some(shifts.into_iter().enumerate().map(along).collect())
        }
        (_, Aim::Flip { margin, ball: Some((radii, norm)) }) => {
            let lengths = FloatBonds::lengths(radii, schema);
            let limit = margin.below.down();
            Some(vec![SlopeDemand::AtMost { lengths, norm: dual(*norm), limit }])
        }
        (_, Aim::Order { .. } | Aim::Stays(_) | Aim::Flip { ball: None, .. }) => None,
    }
}

/// The norm of slopes that bounds changes along a direction of that norm 1.
fn dual(norm: Norm) -> Norm {
    match norm {
        Norm::L1 => Norm::Linf,
        Norm::L2 => Norm::L2,
        Norm::Linf => Norm::L1,
    }
}
