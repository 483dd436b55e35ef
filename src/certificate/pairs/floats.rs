//! Comparisons in floats, for the many pairs that are not close to a limit.

use std::cmp::Ordering;

use crate::interval::Rational;

use super::exact::Relation;
use super::site::Site;

/// How far apart two sides must be, relatively, to be compared in floats.
const SLACK: f64 = 1.0 / (1 << 19) as f64;
/// Squares outside `[LEAST, 1/LEAST]` are decided exactly: inside nothing underflows or overflows.
const LEAST: f64 = 1e-140;

/// A float within `radius` of an exact value; an infinite or NaN radius says nothing.
#[derive(Clone, Copy)]
pub(super) struct Ball {
    pub(super) centre: f64,
    pub(super) radius: f64,
}

impl Ball {
    pub(super) fn around(low: &Rational, high: &Rational) -> Self {
        let (low, high) = (low.down(), high.up());
        let centre = low / 2.0 + high / 2.0;
        let (below, above) = (centre - low, high - centre);
        Self { centre, radius: if below > above { below } else { above }.next_up() }
    }
}

/// Coordinates in the units of the distance, from that of the first site, rounded once.
pub(super) struct Coordinates {
    /// `[features][sites]`
    pub(super) columns: Vec<Vec<f64>>,
    /// At least the distance by which rounding moves two sites relative to each other.
    pub(super) error: f64,
    /// The column along which sites ascend, and what it adds to [`Coordinates::error`].
    sorted: (usize, f64),
    /// How many.
    sites: usize,
}

impl Coordinates {
    /// The coordinates of the sites, and the sites sorted along the widest.
    pub(super) fn new<'a>(weights: &[Rational], sites: Vec<Site<'a>>) -> (Self, Vec<Site<'a>>) {
        let origin: Vec<Rational> = sites.first().map_or(Vec::new(), |site| {
            site.values.iter().filter_map(|&x| Rational::from_f64(x)).collect()
        });
        let place = |site: &Site| -> Vec<f64> {
            let axes = weights.iter().zip(&origin).zip(site.values);
            let length = |((weight, origin), &x): ((&Rational, &Rational), &f64)| {
                Rational::from_f64(x).map_or(f64::NAN, |x| (weight * &(&x - origin)).down())
            };
            axes.map(length).collect()
        };
        let mut placed: Vec<(Vec<f64>, Site)> =
            sites.into_iter().map(|site| (place(&site), site)).collect();
        let largest = |axis: usize| {
            placed
                .iter()
                .filter_map(|(at, _)| at.get(axis))
                .fold(0.0, |top: f64, x| if x.abs() > top { x.abs() } else { top })
        };
        let sizes: Vec<f64> = (0..weights.len()).map(largest).collect();
        // each coordinate is at most a unit in the last place away; twice that for two sites
        let errors: Vec<f64> =
            sizes.iter().map(|size| 4.0 * (size * f64::EPSILON + f64::from_bits(1))).collect();
        let error = 2.0 * errors.iter().sum::<f64>();
        let widest = (0..sizes.len()).max_by(|&a, &b| {
            let size = |axis| sizes.get(axis).copied().unwrap_or(0.0);
            size(a).total_cmp(&size(b))
        });
        let axis = widest.unwrap_or(0);
        let along = |at: &[f64]| at.get(axis).copied().unwrap_or(0.0);
        placed.sort_by(|(a, _), (b, _)| along(a).total_cmp(&along(b)));
        let column = |axis: usize| {
            placed.iter().map(|(at, _)| at.get(axis).copied().unwrap_or(f64::NAN)).collect()
        };
        let columns = (0..weights.len()).map(column).collect();
        let sorted = (axis, errors.get(axis).copied().unwrap_or(f64::NAN));
        let sites: Vec<Site> = placed.into_iter().map(|(_, site)| site).collect();
        (Self { columns, error, sorted, sites: sites.len() }, sites)
    }

    /// The end of the sites from `i` on that may be closer than `reach` along the sorted axis.
    pub(super) fn last_within(&self, i: usize, reach: &Rational) -> usize {
        let (axis, error) = self.sorted;
        let Some(column) = self.columns.get(axis) else { return self.sites };
        let own = column.get(i).copied().unwrap_or(f64::NAN);
        let end = (own + (reach.up() + 2.0 * error).next_up()).next_up();
        // an end that is NaN leaves nothing out
        column.partition_point(|x| x.partial_cmp(&end) != Some(Ordering::Greater))
    }
}

/// `L²` for comparisons in floats.
pub(super) struct RateLimits {
    /// Less than L².
    low: f64,
    /// More than L².
    high: f64,
    /// Squares of distances that are compared in floats.
    least: f64,
    most: f64,
}

impl RateLimits {
    pub(super) fn new(constant: &Rational, error: f64) -> Self {
        let rate = (constant * constant).down();
        let is_small = rate < LEAST && *constant != Rational::ZERO;
        Self {
            low: rate * (1.0 - SLACK),
            high: rate * (1.0 + SLACK),
            least: if is_small || rate > 1.0 / LEAST { f64::INFINITY } else { trusted_from(error) },
            most: 1.0 / LEAST,
        }
    }

    /// Whether `2·gap² <= L²·square` for certain, and whether it fails for certain, for every
    /// `gap` within `radius` of the given.
    pub(super) fn compare(&self, gap: f64, radius: f64, square: f64) -> (bool, bool) {
        let (top, bottom) = (gap + radius, gap - radius);
        let is_trusted = (square >= self.least) & (square <= self.most);
        let holds = is_trusted & (2.0 * top * top <= self.low * square);
        let fails = is_trusted & (bottom > 0.0) & (2.0 * bottom * bottom >= self.high * square);
        (holds, fails)
    }
}

/// The least square that is off by at most 2⁻²¹ of itself.
fn trusted_from(error: f64) -> f64 {
    let length = error * (1 << 24) as f64;
    let square = length * length;
    // NaN and infinity stay
    if square < LEAST { LEAST } else { square }
}

/// `ε₁²` for comparisons in floats.
pub(super) struct Zone {
    /// From here on a pair is vacuous for certain.
    far: f64,
    /// Up to here a pair is not, for certain.
    near: f64,
}

impl Zone {
    pub(super) fn new(reach: &Rational, error: f64) -> Self {
        let square = reach * reach;
        let (low, high) = (square.down() * (1.0 - SLACK), square.up() * (1.0 + SLACK));
        let trusted = trusted_from(error);
        Self {
            far: if high > trusted { high } else { trusted },
            // a square that is not trusted is at most 2·trusted
            near: if low > 4.0 * trusted { low } else { f64::NEG_INFINITY },
        }
    }

    pub(super) fn is_far(&self, square: f64) -> bool {
        square >= self.far && square <= 1.0 / LEAST
    }

    pub(super) fn is_near(&self, square: f64) -> bool {
        square <= self.near
    }
}

/// What the divergence needs of a site.
pub(super) struct Divergent {
    pub(super) margin: Ball,
    pub(super) posterior: Ball,
    pub(super) softplus: Ball,
}

impl Divergent {
    /// `A(m′) − A(m) − F·(m′ − m)` against `[below, above]` around the limit; `None` if too close.
    pub(super) fn compare(&self, other: &Self, (below, above): (f64, f64)) -> Option<Relation> {
        let step = other.margin.centre - self.margin.centre;
        let value = (other.softplus.centre - self.softplus.centre) - self.posterior.centre * step;
        let radii = other.softplus.radius
            + self.softplus.radius
            + other.margin.radius
            + self.margin.radius
            + self.posterior.radius * step.abs();
        let sizes = [self.softplus, other.softplus, self.margin, other.margin]
            .iter()
            .fold(0.0, |sum, ball| sum + ball.centre.abs());
        // doubled, which pays for the roundings of the error itself
        let error = 2.0 * (radii + 4.0 * f64::EPSILON * sizes) + LEAST;
        if value + error < below {
            Some(Relation::Holds)
        } else if value - error > above {
            Some(Relation::Fails)
        } else {
            None
        }
    }
}
