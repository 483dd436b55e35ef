//! The places of sites, in floats.

use std::cmp::Ordering;

use crate::interval::Rational;

use super::site::Site;

/// Coordinates in the units of the distance, relative to the first site, rounded once.
pub(super) struct Coordinates {
    /// `[features][sites]`
    pub(super) columns: Vec<Vec<f64>>,
    /// At least the distance by which rounding moves two sites relative to each other.
    pub(super) error: f64,
    /// The column along which sites ascend, and what it adds to [`Coordinates::error`].
    sorted: (usize, f64),
    /// Number of sites.
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
