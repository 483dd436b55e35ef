//! Declarations inferred from training rows.

use super::InferredFeature;
use crate::interval::Decimal;
use crate::model::{Kind, Meta, Row};

const WITHIN: &str = "the reader keeps values within the range of an f32";

/// Kind and range of one column by its training rows; with a fraction in any part it is no column of whole numbers.
pub(super) fn infer(rows: &[Row], parts: &[&[Row]], feature: usize) -> (Kind, (Decimal, Decimal)) {
    let column = || rows.iter().filter_map(|row| row.values.get(feature).copied());
    if column().all(|x| x == 0.0 || x == 1.0) {
        return (Kind::Binary, (decimal(0.0), decimal(1.0)));
    }
    let mut all = parts.iter().copied().flatten().filter_map(|row| row.values.get(feature));
    let kind = if all.all(|x| x.fract() == 0.0) { Kind::Integer } else { Kind::Real };
    let low = column().fold(f64::INFINITY, f64::min);
    let high = column().fold(f64::NEG_INFINITY, f64::max);
    let ends = Decimal::at_most(low).zip(Decimal::at_least(high));
    (kind, ends.expect(WITHIN))
}

pub(super) fn decimal(value: f64) -> Decimal {
    Decimal::from_f64(value).expect(WITHIN)
}

pub(super) fn inferred(meta: &Meta) -> Vec<InferredFeature> {
    let declared = meta.features.iter().zip(&meta.kinds).zip(&meta.ranges);
    declared
        .map(|((name, &kind), (low, high))| InferredFeature {
            name: name.clone(),
            kind,
            range: (low.to_string(), high.to_string()),
        })
        .collect()
}
