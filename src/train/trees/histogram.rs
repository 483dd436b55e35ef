//! Sums of derivatives per feature and bin.
//!
//! Derivatives are whole multiples of 2⁻³⁰, so sums are exact. A histogram obtained by subtraction equals
//! the one obtained by adding rows, an empty bin is exactly empty, and the order of rows never changes a
//! tree. 2³³ rows fit into 64 bits.

use std::iter::Sum;
use std::ops::{AddAssign, Sub, SubAssign};

use super::bins::Binned;

const UNIT: f64 = 1.0 / (1u64 << 30) as f64;

/// First and second derivative of one row's loss by its margin, in units of 2⁻³⁰.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Derivatives {
    gradient: i32,
    hessian: i32,
}

impl Derivatives {
    /// The derivatives of the logistic loss: `p − y` and `p(1 − p)`, the latter at least one unit.
    pub(super) fn logistic(margin: f64, label: usize) -> Self {
        Self::weighted(margin, label, 1.0)
    }

    /// Those of the logistic loss times a weight in `[0, 1]`; with a weight of 0 the row is as good as absent.
    pub(super) fn weighted(margin: f64, label: usize, weight: f64) -> Self {
        let p = 1.0 / (1.0 + (-margin).exp());
        let target = if label == 1 { 1.0 } else { 0.0 };
        // to the nearest; `round` is a call where the processor is not known to have it
        let units = |x: f64| (x * weight / UNIT + 0.5f64.copysign(x)) as i32;
        let least = if weight > 0.0 { 1 } else { 0 };
        Self { gradient: units(p - target), hessian: units(p * (1.0 - p)).max(least) }
    }
}

/// Sums over rows, in units of 2⁻³⁰.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowSums {
    gradient: i64,
    hessian: i64,
}

impl RowSums {
    /// `Σ g`.
    pub(super) fn gradient(self) -> f64 {
        self.gradient as f64 * UNIT
    }

    /// `Σ h`; zero iff there are no rows.
    pub(super) fn hessian(self) -> f64 {
        self.hessian as f64 * UNIT
    }

    /// True if these are sums over no rows.
    pub(super) fn is_empty(self) -> bool {
        self.hessian == 0
    }
}

impl AddAssign<Derivatives> for RowSums {
    fn add_assign(&mut self, row: Derivatives) {
        self.gradient += i64::from(row.gradient);
        self.hessian += i64::from(row.hessian);
    }
}

impl AddAssign for RowSums {
    fn add_assign(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
    }
}

impl SubAssign for RowSums {
    fn sub_assign(&mut self, other: Self) {
        self.gradient -= other.gradient;
        self.hessian -= other.hessian;
    }
}

impl Sub for RowSums {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl Sum<Derivatives> for RowSums {
    fn sum<I: Iterator<Item = Derivatives>>(rows: I) -> Self {
        rows.fold(Self::default(), |mut sums, row| {
            sums += row;
            sums
        })
    }
}

/// The sums of a node's rows, per feature and code.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    features: Vec<[RowSums; 256]>,
}

impl Histogram {
    /// The histogram of `rows`, with their derivatives at the same place in the slice.
    pub(super) fn new(binned: &Binned, rows: &[u32], derivatives: &[Derivatives]) -> Self {
        let mut histogram = Self::empty(binned.features());
        for &row in rows {
            let codes = binned.row(row as usize).iter().copied();
            histogram.add(codes, derivatives[row as usize]);
        }
        histogram
    }

    /// The histogram of no rows.
    pub(super) fn empty(features: usize) -> Self {
        Self { features: vec![[RowSums::default(); 256]; features] }
    }

    /// Adds a row with its code per feature.
    pub(super) fn add(&mut self, codes: impl Iterator<Item = u8>, derivatives: Derivatives) {
        for (bins, code) in self.features.iter_mut().zip(codes) {
            bins[usize::from(code)] += derivatives;
        }
    }

    /// A node's histogram without that of a child.
    pub(super) fn without(mut self, child: &Self) -> Self {
        for (bins, others) in self.features.iter_mut().zip(&child.features) {
            bins.iter_mut().zip(others).for_each(|(bin, other)| *bin -= *other);
        }
        self
    }

    /// The sums of a feature by code.
    pub(super) fn feature(&self, feature: usize) -> &[RowSums; 256] {
        &self.features[feature]
    }
}

/// The histograms of a left and a right child: that with fewer rows from its rows, `of` its side (0 or 1), the other
/// from the parent's by subtraction.
pub(super) fn of_children<H>(
    parent: H,
    rows: [usize; 2],
    of: impl FnOnce(usize) -> H,
    without: impl FnOnce(H, &H) -> H,
) -> [H; 2] {
    let is_left_small = rows[0] <= rows[1];
    let small = of(usize::from(!is_left_small));
    let large = without(parent, &small);
    if is_left_small { [small, large] } else { [large, small] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::train::tests::row;
    use crate::train::trees::logistic_loss;

    #[test]
    fn derivatives_are_central_differences() {
        for margin in [-5.0, -0.3, 0.0, 1.0, 8.0] {
            for label in [0, 1] {
                let loss = |by: f64| logistic_loss(margin + by, label);
                let (h, found) = (1e-4, Derivatives::logistic(margin, label));
                let first = (loss(h) - loss(-h)) / (2.0 * h);
                let second = (loss(h) - 2.0 * loss(0.0) + loss(-h)) / (h * h);
                assert!((f64::from(found.gradient) * UNIT - first).abs() < 1e-7);
                assert!((f64::from(found.hessian) * UNIT - second).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn saturated_rows_still_count() {
        for margin in [-1e300, -700.0, 700.0, 1e300] {
            assert_eq!(Derivatives::logistic(margin, 0).hessian, 1);
        }
        assert_eq!(Derivatives::logistic(-1e300, 1).gradient, -(1 << 30));
    }

    proptest! {
        #[test]
        fn subtraction_leaves_exactly_the_other_rows(
            rows in prop::collection::vec((0u8..5, 0u8..3, -9.0..9.0f64, any::<bool>()), 2..60),
        ) {
            let values: Vec<_> =
                rows.iter().map(|r| row(&[f64::from(r.0), f64::from(r.1)], 0)).collect();
            let derivatives: Vec<_> =
                rows.iter().map(|r| Derivatives::logistic(r.2, usize::from(r.3))).collect();
            let binned = Binned::new(&values, 2, 256);
            let of = |indexes: &[u32]| Histogram::new(&binned, indexes, &derivatives);
            let all: Vec<u32> = (0..rows.len() as u32).collect();
            let (some, others) = all.split_at(rows.len() / 3);
            prop_assert_eq!(of(&all).without(&of(some)), of(others));
        }
    }
}
