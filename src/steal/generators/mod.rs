//! The source of new points, and the points that may be asked at all.
//!
//! Every generated point is mapped to the raw space, its whole features are rounded, and it is clipped
//! to the valid box *before* it is asked. The point asked is the point trained on.

mod valid;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::model::Schema;

pub use valid::ValidBox;

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
}

impl Generator {
    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "uniform",
            Self::Gaussian { .. } => "gaussian",
            Self::Neighbour { .. } => "neighbour",
            Self::Along { .. } => "along",
        }
    }

    /// True if points are made from labelled points.
    pub fn needs_base(&self) -> bool {
        matches!(self, Self::Neighbour { .. } | Self::Along { .. })
    }

    /// The lengths of the generator, by key.
    pub(super) fn lengths(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::Uniform { radius } | Self::Neighbour { radius } | Self::Along { radius } => {
                vec![("radius", radius)]
            }
            Self::Gaussian { sigma, clip } => {
                [("sigma", sigma)].into_iter().chain(clip.map(|clip| ("clip", clip))).collect()
            }
        }
    }

    /// A new valid raw point. `base` is the labelled point that it starts from (the two random generators
    /// ignore it). `trends` are the features proved monotone, with the sign that raises the score of class 1.
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
            Self::Uniform { radius } => schema.destandardise(&around(&origin, radius)),
            Self::Neighbour { radius } => {
                schema.destandardise(&around(&schema.standardise(base), radius))
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
