//! The boxes in which rows may move: what a local property says about every point near a row.

use crate::interval::Rational;
use crate::model::{Model, Row};
use crate::spec::{Aim, Bonds, Lowered, Spec};

use super::TrainError;

/// Rows with the boxes in which they may move.
#[derive(Clone, Copy, Debug)]
pub struct MovableRows<'a> {
    /// The rows.
    pub rows: &'a [Row],
    /// A box for each.
    pub moves: &'a RowBoxes,
}

/// A box around each of some rows, raw: the least and the greatest value per feature. Boxes stay within the
/// declared ranges, and features that take whole numbers only have whole ends; but for the partners of the boundary
/// property, which lie anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct RowBoxes {
    features: usize,
    /// Row-major, shape `[rows][features]`.
    lo: Vec<f64>,
    hi: Vec<f64>,
}

impl RowBoxes {
    /// The boxes of rows that do not move.
    pub fn none(rows: &[Row]) -> Self {
        let features = rows.first().map_or(0, |row| row.values.len());
        let values: Vec<f64> = rows.iter().flat_map(|row| row.values.iter().copied()).collect();
        Self { features, lo: values.clone(), hi: values }
    }

    /// Widens the boxes to hold those in which `spec` makes its claims about `model`, which stands for every model
    /// of its schema; with the boundary property those of both points. A value outside the declared range does not move.
    pub(super) fn widen(
        &mut self,
        spec: &Spec,
        model: &Model,
        rows: &[Row],
    ) -> Result<(), TrainError> {
        let lowered = Lowered::new(spec, model, None, rows).map_err(|error| {
            TrainError::Property { property: spec.property.name(), reason: error.to_string() }
        })?;
        let Some(strides) = RowStride::all(&lowered) else { return Ok(()) };
        for (at, row) in rows.iter().enumerate() {
            for (feature, (stride, &x)) in strides.iter().zip(&row.values).enumerate() {
                let (lo, hi) = stride.around(x);
                let slot = at * self.features + feature;
                if lo <= x && x <= hi {
                    self.lo[slot] = self.lo[slot].min(lo - stride.further);
                    self.hi[slot] = self.hi[slot].max(hi + stride.further);
                }
            }
        }
        Ok(())
    }

    /// The least and the greatest values of a row's box.
    pub fn row(&self, row: usize) -> (&[f64], &[f64]) {
        let range = row * self.features..(row + 1) * self.features;
        (&self.lo[range.clone()], &self.hi[range])
    }
}

/// How far a row may move in one feature. In floats: the exact ends, a rounding error away, took longer than some
/// trainings, and no proof rests on them.
struct RowStride {
    reach: f64,
    low: f64,
    high: f64,
    is_whole: bool,
    /// How far the partner of a point lies beyond it, in the range or not, whole or not.
    further: f64,
}

impl RowStride {
    /// One per feature; `None` if the claims are not made around rows.
    fn all(lowered: &Lowered) -> Option<Vec<Self>> {
        let domain = lowered.domain();
        let ends = domain.sides().iter().map(|(low, high)| {
            let low = low.as_ref().map_or(f64::NEG_INFINITY, Rational::up);
            (low, high.as_ref().map_or(f64::INFINITY, Rational::down))
        });
        let further = partner_reach(lowered);
        let further = |feature: usize| further.as_ref().map_or(0.0, |further| further[feature]);
        let reach = lowered.reach()?.iter().map(Rational::down);
        let sides = reach.zip(ends).zip(domain.is_whole()).enumerate();
        let stride = |(feature, ((reach, (low, high)), &is_whole))| {
            let further = further(feature);
            Self { reach, low, high, is_whole, further }
        };
        Some(sides.map(stride).collect())
    }

    /// The ends around `x` of the first point; the lower one is the larger where there is no room.
    fn around(&self, x: f64) -> (f64, f64) {
        let (lo, hi) = ((x - self.reach).max(self.low), (x + self.reach).min(self.high));
        if self.is_whole { (lo.ceil(), hi.floor()) } else { (lo, hi) }
    }
}

/// How far the second point of the boundary property lies from the first, per feature; `None` for other claims.
fn partner_reach(lowered: &Lowered) -> Option<Vec<f64>> {
    let obligation = lowered.obligation(0)?;
    let pair = obligation.claim.pair()?;
    let (Bonds::Shifted(reach) | Bonds::Within { reach, .. }, Aim::Flip { .. }) =
        (&pair.bonds, &pair.aim)
    else {
        return None;
    };
    Some(reach.iter().map(Rational::down).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Part;
    use crate::train::demand::blank;
    use crate::violation::FloatBox;

    /// The boxes are those that the kernel decides on, up to rounding.
    #[test]
    fn boxes_are_those_of_the_obligations() {
        let data = crate::dataset::open("spambase").unwrap();
        let schema = crate::dataset::schema(&data).unwrap();
        let rows = &data.part(Part::Train)[..50];
        let text = b"property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'";
        let (spec, model) = (Spec::read(text).unwrap(), blank(&schema, 2));
        let mut moves = RowBoxes::none(rows);
        moves.widen(&spec, &model, rows).unwrap();
        let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
        let mut moved = 0;
        for at in 0..rows.len() {
            let exact = FloatBox::new(&lowered.obligation(at).unwrap().region);
            let (lo, hi) = moves.row(at);
            let ends = lo.iter().zip(exact.lo()).chain(hi.iter().zip(exact.hi()));
            for (found, exact) in ends {
                assert!((found - exact).abs() <= 1e-12 * exact.abs(), "{found}, not {exact}");
            }
            moved += lo.iter().zip(hi).filter(|(lo, hi)| lo < hi).count();
        }
        assert!(moved > 50 * 50);
    }

    /// Labels that are kept in the boxes of both points are turned by no step of the boundary property: a partner lies a shift
    /// beyond the first point's box, whether that is a whole number, in the declared range, or not.
    #[test]
    fn boxes_of_the_boundary_property_hold_both_points() {
        let data = crate::dataset::open("spambase").unwrap();
        let schema = crate::dataset::schema(&data).unwrap();
        let rows = &data.part(Part::Train)[..20];
        let read = |text: &str| Spec::read(text.as_bytes()).unwrap();
        let boxes = |text: &str| {
            let mut moves = RowBoxes::none(rows);
            moves.widen(&read(text), &blank(&schema, 2), rows).unwrap();
            moves
        };
        assert!(schema.features().iter().any(|feature| feature.kind.is_whole()));
        for zone in ["axis", "ball"] {
            let text = format!(
                "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nradius = '0.05'\nzone = '{zone}'"
            );
            let (both, spec, model) = (boxes(&text), read(&text), blank(&schema, 2));
            let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
            for at in 0..rows.len() {
                let obligation = lowered.obligation(at).unwrap();
                let (Bonds::Shifted(shifts) | Bonds::Within { reach: shifts, .. }) =
                    &obligation.claim.pair().unwrap().bonds
                else {
                    panic!("another claim");
                };
                let first = FloatBox::new(&obligation.region);
                let (lo, hi) = both.row(at);
                for (feature, shift) in shifts.iter().map(Rational::down).enumerate() {
                    let expected = [first.lo()[feature] - shift, first.hi()[feature] + shift];
                    let is_near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
                    assert!(is_near(lo[feature], expected[0]) && is_near(hi[feature], expected[1]));
                }
            }
        }
    }
}
