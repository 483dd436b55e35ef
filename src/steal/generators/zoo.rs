//! Moves without gradients (ZOO, Chen et al. 2017), for substitutes that are ensembles of trees.
//!
//! ```text
//! gᵢ = (CE(S(x + h·eᵢ), y) − CE(S(x − h·eᵢ), y)) / 2h      for every feature i that S splits
//! g = 0 ⇒ h doubles, up to the width of the domain
//! still 0 ⇒ the move of one feature to its nearest threshold that changes the score most
//! ```
//!
//! An ensemble is a step function: at small `h` most points have `g = 0`, and would stay where they are. The
//! substitute alone is evaluated; nothing costs a query.

use crate::dataset::ValidBox;
use crate::model::{Cells, Ensemble, Feature, Model};
use crate::steal::Labelled;

use super::jacobian::{Steps, loss};
use super::maker::{MoveCounts, View};

/// An ensemble with the features and thresholds of its splits.
pub(super) struct Differences<'m> {
    model: &'m Model,
    valid: &'m ValidBox,
    cells: Cells,
    /// Features with a split, ascending.
    split: Vec<usize>,
}

impl<'m> Differences<'m> {
    pub(super) fn new(view: &View<'m>, model: &'m Model, ensemble: &Ensemble) -> Self {
        let features = view.known.schema.features();
        let is_whole: Vec<bool> = features.iter().map(|f| f.kind.is_whole()).collect();
        let cells = Cells::new(ensemble, &is_whole);
        let has_split = |index: &usize| !cells.thresholds(Feature(*index)).is_empty();
        let split = (0..features.len()).filter(has_split).collect();
        Self { model, valid: view.known.valid, cells, split }
    }

    /// `base` after all steps, in raw units.
    pub(super) fn moved(
        &self,
        steps: &Steps,
        base: &Labelled,
        sides: &[(f64, f64)],
        counts: &mut MoveCounts,
    ) -> Vec<f64> {
        let centre = self.model.schema.standardise(&base.values);
        let width = sides.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
        let mut z = centre.clone();
        let mut raw = base.values.clone();
        let mut is_doubled = false;
        for _ in 0..steps.steps {
            let mut h = steps.difference;
            let mut slopes = self.slopes(&raw, base.label, h);
            while slopes.iter().all(|g| *g == 0.0) && 2.0 * h <= width {
                (h, is_doubled) = (2.0 * h, true);
                slopes = self.slopes(&raw, base.label, h);
            }
            if slopes.iter().all(|g| *g == 0.0) {
                return self.to_threshold(steps, base, raw, counts);
            }
            steps.step(&mut z, &centre, &slopes, sides);
            raw = self.raw(&z, &centre, &base.values);
        }
        *if is_doubled { &mut counts.doubled } else { &mut counts.gradient } += 1;
        raw
    }

    /// Raw values; features that did not move keep their bits.
    fn raw(&self, z: &[f64], centre: &[f64], before: &[f64]) -> Vec<f64> {
        let raw = self.model.schema.destandardise(z);
        let kept = raw.into_iter().zip(before).zip(z.iter().zip(centre));
        kept.map(|((x, before), (z, c))| if z == c { *before } else { x }).collect()
    }

    /// Central differences of the loss per standardised feature.
    fn slopes(&self, raw: &[f64], label: usize, h: f64) -> Vec<f64> {
        let mut slopes = vec![0.0; raw.len()];
        let mut point = raw.to_vec();
        for &index in &self.split {
            let (Some(feature), Some(&x)) =
                (self.model.schema.features().get(index), raw.get(index))
            else {
                continue;
            };
            let by = h / f64::from(feature.scale);
            let mut at = |value: f64| {
                if let Some(slot) = point.get_mut(index) {
                    *slot = value;
                }
                loss(&self.model.scores(&point), label)
            };
            let difference = at(x + by) - at(x - by);
            at(x);
            if let Some(slot) = slopes.get_mut(index) {
                *slot = difference / (2.0 * h);
            }
        }
        slopes
    }

    /// The move of one feature past its nearest threshold, on either side, that changes the loss most in the
    /// direction asked for.
    fn to_threshold(
        &self,
        steps: &Steps,
        base: &Labelled,
        raw: Vec<f64>,
        counts: &mut MoveCounts,
    ) -> Vec<f64> {
        let before = loss(&self.model.scores(&raw), base.label);
        let mut best = (0.0, raw.clone());
        for &index in &self.split {
            for value in self.past_thresholds(Feature(index), &raw) {
                let mut point = raw.clone();
                if let Some(slot) = point.get_mut(index) {
                    *slot = value;
                }
                if !self.valid.contains(&point) {
                    continue;
                }
                let gain = steps.sign * (loss(&self.model.scores(&point), base.label) - before);
                if gain > best.0 {
                    best = (gain, point);
                }
            }
        }
        *if best.0 > 0.0 { &mut counts.threshold } else { &mut counts.none } += 1;
        best.1
    }

    /// The nearest values of a feature in the cells above and below.
    fn past_thresholds(&self, feature: Feature, raw: &[f64]) -> Vec<f64> {
        let Some(&x) = raw.get(feature.0) else { return Vec::new() };
        let (thresholds, cell) = (self.cells.thresholds(feature), self.cells.cell(feature, x));
        let below = cell.checked_sub(1).and_then(|below| thresholds.get(below));
        let less = |t: &f64| if self.cells.is_whole(feature) { t - 1.0 } else { t.next_down() };
        thresholds.get(cell).copied().into_iter().chain(below.map(less)).collect()
    }
}
