//! Claims that close points get close answers. Two classes, `p = F₁(a)` and `q = F₁(b)`:
//!
//! ```text
//! near         |m(a) − m(b)| − Lε   or   √2·|p − q| − Lε
//! Lipschitz    √2·|p − q| − L·‖a − b‖
//! ```

use std::f64::consts::SQRT_2;

use crate::interval::Rational;
use crate::model::{Model, softmax};
use crate::spec::{Aim, Claim, Norm, On};

use super::slopes::{Sloped, margin, margin_row, margin_slopes};

/// A bound on the change between two points that are bound to each other, which is the caller's affair. Its
/// violation is in units of scores or of posteriors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearClaim {
    /// The bound: Lε, for points less than ε apart.
    bound: f64,
    on: On,
}

impl NearClaim {
    /// Returns `None` for other claims.
    pub fn of(claim: &Claim) -> Option<Self> {
        let Aim::Close { bound, on, .. } = &claim.pair()?.aim else { return None };
        Some(Self { bound: bound.down(), on: *on })
    }

    /// The answers that are compared.
    pub fn on(&self) -> On {
        self.on
    }

    /// The violation by answered posteriors, as behind a defense; −∞ for a claim about scores.
    pub fn by_answers(&self, pair: [&[f64]; 2]) -> f64 {
        match self.on {
            On::Score => f64::NEG_INFINITY,
            On::Posterior => apart(pair) - self.bound,
        }
    }

    /// The violation, and its slopes by the scores at both points.
    pub fn by_scores(&self, pair: [&[f64]; 2]) -> Sloped<2> {
        let Sloped { value, slopes } = match self.on {
            On::Score => change_of_score(pair),
            On::Posterior => change_of_posterior(pair),
        };
        Sloped { value: value - self.bound, slopes }
    }
}

/// A bound on the change by the distance. Its violation is in units of posteriors.
#[derive(Clone, Debug, PartialEq)]
pub struct LipschitzClaim {
    /// Raw length of a unit of the distance, per feature.
    units: Vec<f64>,
    norm: Norm,
    /// L.
    constant: f64,
}

impl LipschitzClaim {
    /// Returns `None` for other claims.
    pub fn of(claim: &Claim) -> Option<Self> {
        let Aim::Lipschitz { units, norm, constant } = &claim.pair()?.aim else { return None };
        let units = units.iter().map(Rational::down).collect();
        Some(Self { units, norm: *norm, constant: constant.up() })
    }

    /// L.
    pub fn constant(&self) -> f64 {
        self.constant
    }

    /// The norm of the distance.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// The raw length of a unit of the distance, per feature.
    pub fn units(&self) -> &[f64] {
        &self.units
    }

    /// The same claim with distances in L2, whose slopes lie in every coordinate: to climb by.
    pub fn in_l2(&self) -> Self {
        Self { norm: Norm::L2, ..self.clone() }
    }

    /// The violation at two raw points; −∞ if the answers are equal.
    pub fn at(&self, model: &Model, [a, b]: [&[f64]; 2]) -> f64 {
        self.by_scores([&model.scores(a), &model.scores(b)], self.distance([a, b])).value
    }

    /// The violation of points at a distance, and its slopes by the scores at both points. −∞ if the answers
    /// are equal.
    pub fn by_scores(&self, pair: [&[f64]; 2], distance: f64) -> Sloped<2> {
        let Sloped { value, slopes } = change_of_posterior(pair);
        let excess = value - self.constant * distance;
        Sloped { value: if value > 0.0 { excess } else { f64::NEG_INFINITY }, slopes }
    }

    /// The violation of answered posteriors at points at a distance, as behind a defense.
    pub fn by_answers(&self, pair: [&[f64]; 2], distance: f64) -> f64 {
        apart(pair) - self.constant * distance
    }

    /// `‖a − b‖`, in units of the distance.
    pub fn distance(&self, [a, b]: [&[f64]; 2]) -> f64 {
        let lengths = a.iter().zip(b).zip(&self.units);
        let lengths = lengths.map(|((a, b), unit)| (a - b).abs() / unit);
        match self.norm {
            Norm::Linf => lengths.fold(0.0, f64::max),
            Norm::L1 => lengths.sum(),
            Norm::L2 => lengths.map(|l| l * l).sum::<f64>().sqrt(),
        }
    }

    /// The slopes of `√2·sign·(p − q) − L·‖a − b‖` by both points, raw: those of the violation if `sign` is
    /// the sign of `p − q`.
    pub fn slopes(&self, model: &Model, pair: [&[f64]; 2], sign: f64) -> [Vec<f64>; 2] {
        let (along, length) = self.apart(pair);
        [(pair[0], 1.0), (pair[1], -1.0)].map(|(point, side)| {
            let steep = steepness(&model.scores(point), side * sign);
            let coordinate = |(slope, along): (f64, &f64)| {
                let run = if length > 0.0 { side * self.constant * along / length } else { 0.0 };
                steep * slope - run
            };
            margin_slopes(model, point).into_iter().zip(&along).map(coordinate).collect()
        })
    }

    /// A direction and a length whose quotient is `∂‖a − b‖/∂a`; both 0 if the points are equal.
    fn apart(&self, [a, b]: [&[f64]; 2]) -> (Vec<f64>, f64) {
        let steps = a.iter().zip(b).map(|(a, b)| a - b);
        let sign = |step: f64| if step == 0.0 { 0.0 } else { step.signum() };
        let length = self.distance([a, b]);
        let one = if length > 0.0 { 1.0 } else { 0.0 };
        match self.norm {
            Norm::L2 => {
                let along: Vec<f64> = steps.zip(&self.units).map(|(s, u)| s / (u * u)).collect();
                let squares = a.iter().zip(b).zip(&along).map(|((a, b), s)| (a - b) * s);
                let length = squares.sum::<f64>().sqrt();
                (along, length)
            }
            Norm::L1 => (steps.zip(&self.units).map(|(s, u)| sign(s) / u).collect(), one),
            Norm::Linf => {
                let share =
                    |(s, u): (f64, &f64)| if s.abs() / u < length { 0.0 } else { sign(s) / u };
                (steps.zip(&self.units).map(share).collect(), one)
            }
        }
    }
}

/// `|m(a) − m(b)|` and its slopes by the scores.
fn change_of_score([a, b]: [&[f64]; 2]) -> Sloped<2> {
    let change = margin(a) - margin(b);
    let sign = if change == 0.0 { 0.0 } else { change.signum() };
    Sloped { value: change.abs(), slopes: [margin_row(sign), margin_row(-sign)] }
}

/// The Euclidean distance of two posteriors.
fn apart([p, q]: [&[f64]; 2]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt()
}

/// `‖F(a) − F(b)‖₂` and its slopes by the scores.
fn change_of_posterior([a, b]: [&[f64]; 2]) -> Sloped<2> {
    let (p, q) = (softmax(a), softmax(b));
    let value = apart([&p, &q]);
    let sign = if value == 0.0 { 0.0 } else { (margin(a) - margin(b)).signum() };
    Sloped { value, slopes: [margin_row(steepness(a, sign)), margin_row(steepness(b, -sign))] }
}

/// `∂(√2·sign·p)/∂m` at the scores of a point.
fn steepness(scores: &[f64], sign: f64) -> f64 {
    let p = softmax(scores).last().copied().unwrap_or(0.0);
    SQRT_2 * p * (1.0 - p) * sign
}
