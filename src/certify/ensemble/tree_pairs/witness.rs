//! Two points of a box of pairs, as near to each other as the box allows.

use crate::certificate::TwinBox;
use crate::model::{Cells, Feature};
use crate::spec::{Bonds, Claim, RawRegion};

/// The floats of cells, for both points.
pub(super) struct Ground<'a> {
    pub(super) grids: [&'a Cells; 2],
    /// The regions of both points; `None`: anywhere.
    pub(super) regions: [Option<&'a RawRegion>; 2],
}

impl Ground<'_> {
    /// The least and the largest float of a run of cells.
    fn ends(&self, copy: usize, feature: usize, (lo, hi): (usize, usize)) -> (f64, f64) {
        let thresholds = self.grids[copy].thresholds(Feature(feature));
        let side = self.regions[copy].map(|region| &region.sides()[feature]);
        let from = lo.checked_sub(1).map_or(f64::MIN, |number| thresholds[number]);
        let to = thresholds.get(hi).map_or(f64::MAX, |&t| {
            if self.grids[copy].is_whole(Feature(feature)) { t - 1.0 } else { t.next_down() }
        });
        match side {
            Some((low, high)) => (from.max(low.up()), to.min(high.down())),
            None => (from, to),
        }
    }

    /// A pair of points of the box. `shift` is the feature along which the claim shifts the second point, and by
    /// how much.
    pub(super) fn pair(&self, here: &TwinBox, shift: Option<(usize, f64)>) -> [Vec<f64>; 2] {
        let features = self.grids[0].features();
        let along = |feature: usize| {
            let (a, b) = (
                self.ends(0, feature, here.side(0, feature)),
                self.ends(1, feature, here.side(1, feature)),
            );
            match shift {
                Some((moved, by)) if moved == feature => {
                    let (lo, hi) = (a.0.max(b.0 - by), a.1.min(b.1 - by));
                    let x = self.between(feature, lo, hi);
                    (x, x + by)
                }
                // their ranges meet
                _ if a.0.max(b.0) <= a.1.min(b.1) => {
                    let x = self.between(feature, a.0.max(b.0), a.1.min(b.1));
                    (x, x)
                }
                _ if a.1 < b.0 => (a.1, b.0),
                _ => (a.0, b.1),
            }
        };
        let pairs: Vec<(f64, f64)> = (0..features).map(along).collect();
        [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()]
    }

    /// A value between two ends, preferably not an end, whole where it must be.
    fn between(&self, feature: usize, lo: f64, hi: f64) -> f64 {
        let middle = if lo == f64::MIN {
            hi.min(0.0)
        } else if hi == f64::MAX {
            lo.max(0.0)
        } else {
            lo + (hi - lo) / 2.0
        };
        if self.grids[0].is_whole(Feature(feature)) {
            middle.floor().max(lo.ceil())
        } else {
            middle
        }
    }
}

/// The shift of question `number` of a boundary property with zone `axis`.
pub(super) fn shift(claim: &Claim, number: usize) -> Option<(usize, f64)> {
    let Bonds::Shifted(shifts) = &claim.pair()?.bonds else { return None };
    let size = shifts.get(number / 2)?.down();
    Some((number / 2, if number.is_multiple_of(2) { size } else { -size }))
}
