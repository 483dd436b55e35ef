//! The source of new points, and the points that may be asked at all.
//!
//! | file | points |
//! |---|---|
//! | `mod` | random points, neighbours of labelled points, steps along a proved order |
//! | `line_search` | midpoints between points of opposite labels |
//! | `jacobian`, `zoo` | labelled points moved to where the substitute's loss is larger |
//! | `committee` | points on which several substitutes disagree |
//! | `maker` | the rounds of one attack |
//!
//! Every generated point is mapped to the raw space, its whole features are rounded, and it is clipped
//! to the valid box *before* it is asked. The point asked is the point trained on.

mod committee;
mod jacobian;
mod line_search;
mod maker;
#[cfg(test)]
mod tests;
mod zoo;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::dataset::ValidBox;
use crate::model::Schema;

pub use maker::MoveCounts;
pub(super) use maker::{Maker, Proposal, View};

/// The way of making points. Lengths are in standardised units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Generator {
    /// Each feature uniform in `[−radius, radius]`.
    Uniform {
        /// Half-width.
        radius: f64,
    },
    /// Each feature from `N(0, sigma²)`.
    Gaussian {
        /// Standard deviation.
        sigma: f64,
        /// The values are cut to `[−clip, clip]`; absent: not cut.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<f64>,
    },
    /// Groups of points that are nearly the same, around uniform ones: what a group is answered is averaged by a learner,
    /// against labels that are drawn anew for each point.
    Repeat {
        /// Half-width of the uniform points.
        radius: f64,
        /// Points of a group.
        #[serde(default = "five")]
        times: usize,
        /// Half-width of a group; features that take whole numbers only stay.
        #[serde(default = "spread")]
        spread: f64,
    },
    /// A labelled point plus uniform noise in `[−radius, radius]` on every feature. Our own: it stays
    /// where proved boxes around the attacker's rows can reach.
    Neighbour {
        /// Half-width of the noise; a whole feature stays fixed if that is below half a raw unit.
        radius: f64,
    },
    /// A labelled point moved by up to `radius` on a random choice of the features proved
    /// monotone, all of them upwards or all downwards in the proved order. Our own.
    Along {
        /// Longest move of one feature; a whole feature moves by at least one raw unit.
        radius: f64,
    },
    /// Midpoints between points of opposite labels, until a pair is close (Tramèr et al. 2016). A
    /// quarter of the budget are uniform points before.
    LineSearch {
        /// Half-width of the uniform points.
        radius: f64,
        /// A pair at most this far apart (2-norm) is done.
        #[serde(default = "close")]
        stop: f64,
        /// True: pairs are bisected on the substitute, and only their ends are asked.
        #[serde(default)]
        local: bool,
    },
    /// Labelled points moved within `±epsilon` to where the loss of the substitute is larger (Papernot et al. 2017;
    /// Juuti et al. 2019): by signs of gradients for networks (I-FGSM), of differences for trees (ZOO).
    Jacobian {
        /// Largest move of a feature.
        epsilon: f64,
        /// Number of steps, each `epsilon / steps` long.
        #[serde(default = "five")]
        steps: usize,
        /// ZOO: half the distance over which differences are taken.
        #[serde(default = "difference")]
        difference: f64,
        /// True: steps go to where the loss is smaller.
        #[serde(default)]
        against: bool,
    },
    /// Query by committee (Seung et al. 1992): of many candidates those on which substitutes disagree most.
    /// Candidates lie between two labelled points, with uniform noise in `[−radius, radius]`.
    Committee {
        /// Half-width of the noise.
        radius: f64,
        /// Number of substitutes.
        #[serde(default = "five")]
        members: usize,
        /// Candidates per round.
        #[serde(default = "candidates")]
        candidates: usize,
        /// Queries per round; a twentieth of the labelled points where that is more.
        #[serde(default = "batch")]
        batch: usize,
    },
}

fn close() -> f64 {
    0.1
}

fn spread() -> f64 {
    1e-4
}

fn five() -> usize {
    5
}

fn difference() -> f64 {
    0.01
}

fn candidates() -> usize {
    1000
}

fn batch() -> usize {
    25
}

impl Generator {
    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "uniform",
            Self::Gaussian { .. } => "gaussian",
            Self::Repeat { .. } => "repeat",
            Self::Neighbour { .. } => "neighbour",
            Self::Along { .. } => "along",
            Self::LineSearch { .. } => "line-search",
            Self::Jacobian { .. } => "jacobian",
            Self::Committee { .. } => "committee",
        }
    }

    /// True if points are made from labelled points only, so that the attacker must have some.
    pub fn needs_base(&self) -> bool {
        match self {
            Self::Neighbour { .. }
            | Self::Along { .. }
            | Self::Jacobian { .. }
            | Self::Committee { .. } => true,
            Self::Uniform { .. }
            | Self::Gaussian { .. }
            | Self::Repeat { .. }
            | Self::LineSearch { .. } => false,
        }
    }

    /// The lengths of the generator, by key.
    pub(super) fn lengths(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::Uniform { radius }
            | Self::Neighbour { radius }
            | Self::Along { radius }
            | Self::Committee { radius, .. } => vec![("radius", radius)],
            Self::Gaussian { sigma, clip } => {
                [("sigma", sigma)].into_iter().chain(clip.map(|clip| ("clip", clip))).collect()
            }
            // the same point, asked again
            Self::Repeat { radius, spread: 0.0, .. } => vec![("radius", radius)],
            Self::Repeat { radius, spread, .. } => vec![("radius", radius), ("spread", spread)],
            Self::LineSearch { radius, stop, .. } => vec![("radius", radius), ("stop", stop)],
            Self::Jacobian { epsilon, difference, .. } => {
                vec![("epsilon", epsilon), ("difference", difference)]
            }
        }
    }

    /// The same generator with another radius, sigma or epsilon.
    pub(super) fn with_length(&self, length: f64) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Uniform { radius }
            | Self::Neighbour { radius }
            | Self::Along { radius }
            | Self::Committee { radius, .. }
            | Self::Repeat { radius, .. }
            | Self::LineSearch { radius, .. } => *radius = length,
            Self::Gaussian { sigma, .. } => *sigma = length,
            Self::Jacobian { epsilon, .. } => *epsilon = length,
        }
        other
    }

    /// The counts of the generator, by key, each with its least value.
    pub(super) fn counts(&self) -> Vec<(&'static str, usize, usize)> {
        match *self {
            Self::Jacobian { steps, .. } => vec![("steps", steps, 1)],
            Self::Repeat { times, .. } => vec![("times", times, 2)],
            Self::Committee { members, candidates, batch, .. } => {
                vec![("members", members, 2), ("candidates", candidates, 1), ("batch", batch, 1)]
            }
            Self::Uniform { .. }
            | Self::Gaussian { .. }
            | Self::Neighbour { .. }
            | Self::Along { .. }
            | Self::LineSearch { .. } => Vec::new(),
        }
    }

    /// A new valid raw point, if the generator keeps nothing in mind between points; else a uniform one within its
    /// radius. `base` is the labelled point that it starts from (random points ignore it). `trends` are the features
    /// proved monotone, with the sign that raises the score of class 1.
    pub(super) fn point(
        &self,
        schema: &Schema,
        valid: &ValidBox,
        base: &[f64],
        trends: &[(usize, f64)],
        rng: &mut ChaCha8Rng,
    ) -> Vec<f64> {
        let mut around = |centre: &[f64], radius: f64| -> Vec<f64> {
            centre.iter().map(|z| z + rng.random_range(-radius..=radius)).collect()
        };
        let origin = vec![0.0; schema.len()];
        let mut raw = match *self {
            Self::Uniform { radius }
            | Self::Repeat { radius, .. }
            | Self::LineSearch { radius, .. } => schema.destandardise(&around(&origin, radius)),
            Self::Neighbour { radius } | Self::Committee { radius, .. } => {
                schema.destandardise(&around(&schema.standardise(base), radius))
            }
            Self::Jacobian { epsilon, .. } => {
                schema.destandardise(&around(&schema.standardise(base), epsilon))
            }
            Self::Gaussian { sigma, clip } => {
                let limit = clip.unwrap_or(f64::INFINITY);
                let draw = |_: &f64| {
                    let normal: f64 = StandardNormal.sample(rng);
                    (sigma * normal).clamp(-limit, limit)
                };
                schema.destandardise(&origin.iter().map(draw).collect::<Vec<f64>>())
            }
            Self::Along { radius } => along(schema, base, trends, radius, rng),
        };
        valid.snap(&mut raw);
        raw
    }
}

/// `base` moved up or down in the proved order; features that do not move keep their bits.
fn along(
    schema: &Schema,
    base: &[f64],
    trends: &[(usize, f64)],
    radius: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<f64> {
    let upward = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let surely = rng.random_range(0..trends.len().max(1));
    let mut raw = base.to_vec();
    for (index, &(feature, sign)) in trends.iter().enumerate() {
        let step = rng.random_range(0.0..=radius);
        let moves = rng.random_bool(0.5) || index == surely;
        if let (true, Some(x), Some(spec)) =
            (moves, raw.get_mut(feature), schema.features().get(feature))
        {
            let raw_step = step / f64::from(spec.scale);
            *x += upward * sign * if spec.kind.is_whole() { raw_step.ceil() } else { raw_step };
        }
    }
    raw
}

/// The standardised Euclidean distance of raw points.
pub(super) fn distance(schema: &Schema, a: &[f64], b: &[f64]) -> f64 {
    let square = |((f, x), y): ((&crate::model::FeatureSpec, &f64), &f64)| {
        (f64::from(f.scale) * (x - y)).powi(2)
    };
    schema.features().iter().zip(a).zip(b).map(square).sum::<f64>().sqrt()
}

/// The valid point in the middle.
pub(super) fn midpoint(valid: &ValidBox, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut middle: Vec<f64> = a.iter().zip(b).map(|(x, y)| x + (y - x) / 2.0).collect();
    valid.snap(&mut middle);
    middle
}
