//! The aim of a box of pairs of points: the statement that it must show.

use std::sync::Arc;

use crate::interval::{Rational, sigmoid};
use crate::model::Tie;
use crate::spec::{Aim, Norm, On, norm_squared};

use crate::certificate::Bounds;
use crate::certificate::claims::Outcome;

/// The statement that the margins of two points must show.
#[derive(Clone, Debug)]
pub(super) enum PairAim {
    /// `m − m′ <= limit`. Enough for `|m − m′| <= limit` where the points can change places.
    Change { limit: Rational },
    /// `2·(σ(m) − σ(m′))² <= square` where `m >= m′`, or below it if strict; for points that can change
    /// places.
    Posterior { square: Rational, is_strict: bool },
    /// `2·(σ(m) − σ(m′))² <= square·‖x − x′‖²`.
    Lipschitz { units: Arc<[Rational]>, norm: Norm, square: Rational },
    /// `m >= floor ⇒ m′ >= cutoff`.
    Stays { floor: Rational, cutoff: Rational },
    /// `|m| >= margin` ⇒ the labels agree. With a ball, only pairs that lie in it count.
    Flip { margin: Rational, tie: Tie, ball: Option<(Arc<[Rational]>, Norm)> },
    /// Nothing shows it.
    Never,
}

/// `[least, most]` over the pairs of a box.
pub(super) struct Sums<'a> {
    /// The range of `m(x)`.
    pub(super) first: (Rational, Rational),
    /// The range of `m(x′)`.
    pub(super) second: (Rational, Rational),
    /// The range of `m(x) − m(x′)`.
    pub(super) change: (Rational, Rational),
    /// The least `|x_j − x′_j|` along a feature.
    pub(super) gap: &'a dyn Fn(usize) -> Rational,
}

impl PairAim {
    /// The aim of a claim, with the ends of thresholds that proofs must clear.
    pub(super) fn new(aim: &Aim, tie: Tie) -> Self {
        match aim {
            // `<` is no bound of a change: only posteriors are asked about so
            Aim::Close { on: On::Score, is_strict: true, .. } => Self::Never,
            Aim::Close { bound, on: On::Score, .. } => Self::Change { limit: bound.clone() },
            Aim::Close { bound, on: On::Posterior, is_strict } => {
                Self::Posterior { square: bound * bound, is_strict: *is_strict }
            }
            Aim::Lipschitz { units, norm, constant } => {
                let (units, square) = (Arc::clone(units), constant * constant);
                Self::Lipschitz { units, norm: *norm, square }
            }
            Aim::Stays(scores) => {
                let (floor, cutoff) = (scores.floor.below.clone(), scores.cutoff.above.clone());
                Self::Stays { floor, cutoff }
            }
            Aim::Flip { margin, ball } => {
                Self::Flip { margin: margin.below.clone(), tie, ball: ball.clone() }
            }
            Aim::Order { .. } => Self::Never,
        }
    }

    /// True if the points of a box are too far apart for the claim to speak of them; `gap` gives their least
    /// difference by feature.
    pub(super) fn is_out_of_reach(&self, gap: impl Fn(usize) -> Rational) -> bool {
        let Self::Flip { ball: Some((shifts, norm)), .. } = self else { return false };
        square_of_gaps(shifts, *norm, gap).is_some_and(|square| square > Rational::ONE)
    }

    /// Decides whether the sums show the claim; if not, gives the approximate bounds that miss it.
    pub(super) fn judge(&self, sums: &Sums) -> Outcome {
        let (holds, reached, required) = match self {
            Self::Change { limit } => {
                let most = &sums.change.1;
                (most <= limit, -most.up(), -limit.down())
            }
            Self::Posterior { square, is_strict } => {
                let reached = twice_square(&largest_rise(sums));
                let holds = if *is_strict { reached < *square } else { reached <= *square };
                (holds, -reached.up(), -square.down())
            }
            Self::Lipschitz { units, norm, square } => {
                let limit = square_of_gaps(units, *norm, sums.gap).map(|gap| square * &gap);
                let reached = twice_square(&largest_rise(sums).max(largest_fall(sums)));
                let slack = limit.as_ref().map_or(f64::NEG_INFINITY, |l| (l - &reached).down());
                (limit.is_some_and(|limit| reached <= limit), slack, 0.0)
            }
            Self::Stays { floor, cutoff } => {
                // no premise; or m′ >= c; or m′ >= m − (k − c)
                let holds = sums.first.1 < *floor
                    || sums.second.0 >= *cutoff
                    || sums.change.1 <= floor - cutoff;
                (holds, sums.second.0.down(), cutoff.up())
            }
            Self::Flip { margin, tie, .. } => {
                let (least, most) = &sums.second;
                let (zero, wins) = (Rational::ZERO, *tie == Tie::Upper);
                let stays = |is_above: bool, is_at: bool, wins: bool| is_above || (is_at && wins);
                let positive = sums.first.1 < *margin
                    || stays(*least > zero, *least == zero, wins)
                    || sums.change.1 < *margin;
                let negative = -sums.first.0.clone() < *margin
                    || stays(*most < zero, *most == zero, !wins)
                    || -sums.change.0.clone() < *margin;
                (positive && negative, f64::NEG_INFINITY, margin.down())
            }
            Self::Never => return Outcome::Open(Bounds::NONE),
        };
        if holds { Outcome::Holds } else { Outcome::Open(Bounds { reached, required }) }
    }
}

/// An upper bound of `σ(m) − σ(m′)` that is at least 0. It uses the ends of both margins, and their difference:
/// for a given difference the rise is largest around 0.
fn largest_rise(sums: &Sums) -> Rational {
    rise(&sums.change.1, (&sums.first.1, &sums.second.0))
}

/// An upper bound of `σ(m′) − σ(m)` that is at least 0.
fn largest_fall(sums: &Sums) -> Rational {
    rise(&-sums.change.0.clone(), (&sums.second.1, &sums.first.0))
}

fn rise(change: &Rational, (top, bottom): (&Rational, &Rational)) -> Rational {
    if *change <= Rational::ZERO {
        return Rational::ZERO;
    }
    // σ(d/2) − σ(−d/2) = 2σ(d/2) − 1
    let half = change * &Rational::from_f64(0.5).unwrap_or(Rational::ONE);
    let by_change = &(&sigmoid(&half).1 * &Rational::integer(2)) - &Rational::ONE;
    let by_ends = &sigmoid(top).1 - &sigmoid(bottom).0;
    by_change.min(by_ends).max(Rational::ZERO)
}

fn twice_square(x: &Rational) -> Rational {
    &(x * x) * &Rational::integer(2)
}

/// The square of the least distance, in units per feature.
fn square_of_gaps(
    units: &[Rational],
    norm: Norm,
    gap: impl Fn(usize) -> Rational,
) -> Option<Rational> {
    let lengths = units.iter().enumerate().map(|(feature, unit)| &gap(feature) / unit);
    norm_squared(&lengths.collect::<Option<Vec<_>>>()?, norm)
}
