//! Points away from the data: those that are valid at all, and rows whose columns are shuffled.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::interval::Rational;
use crate::model::{Kind, Row, Schema};

use super::evenly;

/// Half-width, in standardised units, of the box of a feature without a declared range.
const UNDECLARED_REACH: f64 = 5.0;

/// The points that may be asked: declared ranges, rounded inward to floats, and the features that take
/// whole numbers only. A feature without a range takes five standardised units around its mean, a binary
/// one `[0, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidBox {
    sides: Vec<(f64, f64)>,
    is_whole: Vec<bool>,
}

impl ValidBox {
    /// The valid box of a schema.
    pub fn new(schema: &Schema) -> Self {
        let side = |feature: &crate::model::FeatureSpec| {
            let is_whole = feature.kind.is_whole();
            let inward = |low: &Rational, high: &Rational| {
                if is_whole {
                    let whole = |n| Rational::integer(n);
                    (whole(low.ceil()).up(), whole(high.floor()).down())
                } else {
                    (low.up(), high.down())
                }
            };
            let reach = UNDECLARED_REACH / f64::from(feature.scale);
            let mean = f64::from(feature.mean);
            let (low, high) = match (&feature.low, &feature.high) {
                (Some(low), Some(high)) => inward(low.value(), high.value()),
                (None, None) if feature.kind == Kind::Binary => (0.0, 1.0),
                (low, high) => (
                    low.as_ref().map_or(mean - reach, |low| low.value().up()),
                    high.as_ref().map_or(mean + reach, |high| high.value().down()),
                ),
            };
            if is_whole { (low.ceil(), high.floor()) } else { (low, high) }
        };
        Self {
            sides: schema.features().iter().map(side).collect(),
            is_whole: schema.features().iter().map(|f| f.kind.is_whole()).collect(),
        }
    }

    /// Lower and upper raw ends per feature.
    pub fn sides(&self) -> &[(f64, f64)] {
        &self.sides
    }

    /// Rounds whole features and clips to the box.
    pub fn snap(&self, raw: &mut [f64]) {
        for ((x, &(low, high)), &whole) in raw.iter_mut().zip(&self.sides).zip(&self.is_whole) {
            let rounded = if whole { x.round() } else { *x };
            *x = rounded.max(low).min(high) + 0.0;
        }
    }

    /// True if the point lies in the box and is whole where it must be.
    pub fn contains(&self, raw: &[f64]) -> bool {
        raw.len() == self.sides.len()
            && raw.iter().zip(&self.sides).zip(&self.is_whole).all(|((x, (low, high)), whole)| {
                low <= x && x <= high && (!whole || x.fract() == 0.0)
            })
    }

    /// A point drawn uniformly; whole features are rounded.
    pub fn uniform(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let draw = |&(low, high): &(f64, f64)| low + rng.random::<f64>() * (high - low);
        let mut raw: Vec<f64> = self.sides.iter().map(draw).collect();
        self.snap(&mut raw);
        raw
    }
}

/// Points with the values of at most so many rows at equal steps, each column in an order of its own.
pub fn shuffled(rows: &[Row], most: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let mut points: Vec<Vec<f64>> = evenly(rows, most).map(|(_, row)| row.values.clone()).collect();
    for column in 0..points.first().map_or(0, Vec::len) {
        let mut values: Vec<f64> = points.iter().map(|point| point[column]).collect();
        values.shuffle(rng);
        points.iter_mut().zip(values).for_each(|(point, value)| point[column] = value);
    }
    points
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use crate::model::Digest;

    use super::*;

    #[test]
    fn shuffling_keeps_every_column_and_parts_the_rows() {
        let row =
            |k: usize| Row { label: 0, values: vec![k as f64, -(k as f64)], key: Digest::of(b"") };
        let rows: Vec<Row> = (0..50).map(row).collect();
        let points = shuffled(&rows, 100, &mut ChaCha8Rng::seed_from_u64(1));
        for column in 0..2 {
            let mut found: Vec<f64> = points.iter().map(|point| point[column].abs()).collect();
            found.sort_by(f64::total_cmp);
            assert_eq!(found, (0..50).map(f64::from).collect::<Vec<_>>());
        }
        assert!(points.iter().any(|point| point[0] != -point[1]));
    }
}
