//! Thresholds moved to the middle between the training values on either side.
//!
//! Histogram boosting puts thresholds *on* training values. Since the test is `x < t`, a row that lies on
//! its threshold falls to the other side by the smallest move, and its radius is 0. Any threshold in
//! `(a, b]`, with `a` the largest training value below `t` and `b` the smallest one at or above it, decides
//! every training row alike; the middle of `a` and `b` leaves most room.
//!
//! The moved model is the old one after an order-preserving map of each feature, so monotone models stay monotone.

use std::collections::BTreeMap;

use crate::model::{Ensemble, Family, Feature, Model, Node, Point, Precision, Row};

/// Counts of the distinct thresholds of a model that were moved or kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recentred {
    /// Thresholds that are now in the middle.
    pub moved: usize,
    /// Thresholds left in place: already in the middle, no training value on one side, or no float between.
    pub kept: usize,
}

/// Why thresholds were not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecentreError {
    /// A network.
    #[error("a network has no thresholds to recentre; expected an ensemble")]
    Network,
    /// No rows, so there is no middle.
    #[error("there are no training rows to recentre thresholds between")]
    NoRows,
    /// A row that does not fit the model.
    #[error("training row {row} has {found} values, the model has {expected} features")]
    Length {
        /// Index of the row.
        row: usize,
        /// Values found.
        found: usize,
        /// Features of the model.
        expected: usize,
    },
    /// A prediction that would change.
    #[error("training row {row} would get other scores; nothing was changed")]
    Changed {
        /// Index of the row.
        row: usize,
    },
}

/// Moves every threshold to the middle of the two neighbouring training values of its feature, rounded
/// to a float of the model's precision. A threshold moves only if every training value keeps its side,
/// both as it is and, in precision f32, rounded to float32. Every training row is evaluated before and
/// after: either all sums are the same, in f64 and as served in f32, or the model stays as it was.
pub fn recentre(model: &mut Model, rows: &[&Row]) -> Result<Recentred, RecentreError> {
    let Family::Ensemble(ensemble) = &model.family else { return Err(RecentreError::Network) };
    if rows.is_empty() {
        return Err(RecentreError::NoRows);
    }
    let expected = model.schema.len();
    if let Some(row) = rows.iter().position(|row| row.values.len() != expected) {
        let found = rows.get(row).map_or(0, |row| row.values.len());
        return Err(RecentreError::Length { row, found, expected });
    }
    let (centred, count) = moved(ensemble, &columns(rows, expected), model.precision);
    let centred = Model { family: Family::Ensemble(centred), ..model.clone() };
    match rows.iter().position(|row| scores(model, row) != scores(&centred, row)) {
        Some(row) => Err(RecentreError::Changed { row }),
        None => {
            *model = centred;
            Ok(count)
        }
    }
}

/// The bits of all sums: in f64 and, in precision f32, also as served.
fn scores(model: &Model, row: &Row) -> (Vec<u64>, Vec<u32>) {
    let point = Point::from_floats(&row.values).filter(|_| model.precision == Precision::F32);
    let served = point.map(|point| model.served_scores(&point));
    let single = served.unwrap_or_default().iter().map(|score| score.to_bits()).collect();
    (model.scores(&row.values).iter().map(|score| score.to_bits()).collect(), single)
}

/// The values of each feature, ascending.
fn columns(rows: &[&Row], features: usize) -> Vec<Vec<f64>> {
    let column = |feature: usize| {
        let mut values: Vec<f64> =
            rows.iter().filter_map(|row| row.values.get(feature).copied()).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    (0..features).map(column).collect()
}

fn moved(ensemble: &Ensemble, columns: &[Vec<f64>], precision: Precision) -> (Ensemble, Recentred) {
    let mut centred = ensemble.clone();
    let mut count = Recentred::default();
    let mut centres: BTreeMap<(Feature, u64), f64> = BTreeMap::new();
    for node in centred.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
        let Node::Split { feature, threshold, .. } = node else { continue };
        let centre = *centres.entry((*feature, threshold.to_bits())).or_insert_with(|| {
            let values = columns.get(feature.0).map_or(&[][..], Vec::as_slice);
            let centre = centre(values, *threshold, precision);
            let is_moved = centre.is_some_and(|centre| centre != *threshold);
            if is_moved {
                count.moved += 1
            } else {
                count.kept += 1
            }
            centre.unwrap_or(*threshold)
        });
        *threshold = centre;
    }
    (centred, count)
}

/// The middle of the gap that holds the threshold, between two neighbours of the
/// ascending values; `None` if there is no such float.
fn centre(values: &[f64], threshold: f64, precision: Precision) -> Option<f64> {
    let at = values.partition_point(|value| *value < threshold);
    let (&below, &above) = (values.get(at.checked_sub(1)?)?, values.get(at)?);
    let (below, above) = match precision {
        Precision::F64 => (below, above),
        Precision::F32 => {
            // a served copy compares the rounded values; rounding keeps order, so these two are the closest as well
            let [low, high] = [below, above].map(|value| f64::from(value as f32));
            if low >= threshold || high < threshold {
                return None;
            }
            (below.max(low), above.min(high))
        }
    };
    let middle = below / 2.0 + above / 2.0;
    let middle = match precision {
        Precision::F64 => middle,
        Precision::F32 => f64::from(middle as f32),
    } + 0.0;
    (below < middle && middle <= above).then_some(middle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Digest, FeatureSpec, Kind, Layer, Link, Mlp, Schema, Tie, Tree};

    fn stumps(thresholds: &[f64], precision: Precision) -> Model {
        let feature = |name: &str| FeatureSpec {
            name: name.to_owned(),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale: 1.0,
        };
        let stump = |(index, &threshold): (usize, &f64)| Tree {
            output: 0,
            nodes: vec![
                Node::Split {
                    feature: Feature(0),
                    threshold,
                    left: 1,
                    right: 2,
                    default_left: true,
                },
                Node::Leaf(-1.0),
                Node::Leaf(index as f64 + 1.0),
            ],
        };
        let trees = thresholds.iter().enumerate().map(stump).collect();
        Model {
            schema: Schema::new(vec![feature("x")]).unwrap(),
            precision,
            tie: Tie::Lower,
            classes: 2,
            link: Link::Softmax,
            family: Family::Ensemble(Ensemble { base: vec![0.0], trees }),
        }
    }

    fn rows(values: &[f64]) -> Vec<Row> {
        let row = |&value| Row { values: vec![value], label: 0, key: Digest::of(b"") };
        values.iter().map(row).collect()
    }

    fn thresholds(model: &Model) -> Vec<f64> {
        let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
        let root = |tree: &Tree| match tree.nodes[0] {
            Node::Split { threshold, .. } => threshold,
            Node::Leaf(_) => panic!("a split"),
        };
        ensemble.trees.iter().map(root).collect()
    }

    fn recentred(model: &mut Model, values: &[f64]) -> Result<Recentred, RecentreError> {
        let rows = rows(values);
        recentre(model, &rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_threshold_on_a_training_value_moves_to_the_middle_below_it() {
        let mut model = stumps(&[3.0, 2.0, 3.0, 0.5, 9.0], Precision::F32);
        let count = recentred(&mut model, &[7.0, 3.0, 1.0]).unwrap();
        assert_eq!(thresholds(&model), [2.0, 2.0, 2.0, 0.5, 9.0]);
        assert_eq!(count, Recentred { moved: 1, kept: 3 });
    }

    #[test]
    fn values_that_float32_does_not_tell_apart_keep_their_threshold() {
        // 0.1 and its float32 differ; the threshold is the float32, and so is what a copy compares
        let single = f64::from(0.1f32);
        let mut model = stumps(&[single], Precision::F32);
        recentred(&mut model, &[0.1, 0.5]).unwrap();
        assert_eq!(thresholds(&model), [single], "0.1 is below as it is, and not as served");
        let mut double = stumps(&[single], Precision::F64);
        recentred(&mut double, &[0.1, 0.5]).unwrap();
        assert_eq!(thresholds(&double), [0.05 + 0.25]);
    }

    #[test]
    fn what_has_no_thresholds_or_rows_is_refused() {
        let mut model = stumps(&[1.0], Precision::F32);
        assert_eq!(recentre(&mut model, &[]), Err(RecentreError::NoRows));
        let short = Row { values: vec![], label: 0, key: Digest::of(b"") };
        let length = RecentreError::Length { row: 0, found: 0, expected: 1 };
        assert_eq!(recentre(&mut model, &[&short]), Err(length));
        let layers = vec![Layer { weights: vec![1.0, 1.0], bias: vec![0.0; 2], inputs: 1 }];
        model.family = Family::Mlp(Mlp { layers });
        assert_eq!(recentred(&mut model, &[1.0]), Err(RecentreError::Network));
    }

    proptest! {
        /// Thresholds and values close together, so that many coincide or are neighbouring floats.
        #[test]
        fn no_training_row_changes(
            values in proptest::collection::vec((-3..3i32, 0..3u32), 1..12),
            cuts in proptest::collection::vec((-3..3i32, 0..3u32), 1..6),
            is_single in proptest::bool::ANY,
        ) {
            let near = |(whole, ulps): (i32, u32)| {
                let start = whole as f32 / 3.0;
                f64::from((0..ulps).fold(start, |x, _| x.next_up()))
            };
            let precision = if is_single { Precision::F32 } else { Precision::F64 };
            let cuts: Vec<f64> = cuts.into_iter().map(near).collect();
            let values: Vec<f64> =
                values.into_iter().map(|value| near(value) + f64::from(value.1) * 1e-9).collect();
            let before = stumps(&cuts, precision);
            let mut after = before.clone();
            recentred(&mut after, &values).unwrap();
            for row in rows(&values) {
                prop_assert_eq!(scores(&before, &row), scores(&after, &row));
            }
            prop_assert!(Model::read(after.to_json().as_bytes()).unwrap() == after);
        }
    }
}
