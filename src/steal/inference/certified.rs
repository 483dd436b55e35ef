//! Certified inference: labels that follow from proofs and paid answers.
//!
//! ```text
//! patch   every point of R has one label (proved),   x ∈ R asked: y(x) = c,  x′ ∈ R   ⇒ y(x′) = c
//! order   m(x) never falls along sⱼ·xⱼ for j ∈ M     y(x) = 1, x′ above x in M, the rest equal
//!         within R (proved)                                                            ⇒ y(x′) = 1
//!                                                    y(x) = 0, x′ below x              ⇒ y(x′) = 0
//! ```
//!
//! A label claim gives a patch, and so does `F_y > 1 − δ` with δ <= ½, since then `F_y > ½`.
//! The order follows from proofs about one feature at a time. Their regions are boxes (the domain, or L∞
//! balls in it), so changing the differing coordinates one after the other never leaves them. Membership
//! is decided exactly, and answers are exact real labels. Only *paid* answers are spread, so the error is
//! zero.

use crate::certificate::Proved;
use crate::interval::Rational;
use crate::model::Point;
use crate::spec::{Aim, Bonds, Claim, Direction, Pair, RawRegion};

use crate::steal::StealError;

/// The statements of the proofs about labels.
#[derive(Clone, Debug, Default)]
pub struct CertifiedLabels {
    patches: Vec<Patch>,
    trends: Vec<Trend>,
}

/// A region whose points all have the same label.
#[derive(Clone, Debug)]
struct Patch {
    region: FloatRegion,
    label: usize,
}

/// Within the region, moving `feature` alone with `sign` never lowers the margin of class 1.
#[derive(Clone, Debug)]
pub(in crate::steal) struct Trend {
    pub(in crate::steal) feature: usize,
    pub(in crate::steal) sign: f64,
    pub(in crate::steal) region: FloatRegion,
}

/// A region with its box rounded outward to floats, for a quick negative answer.
#[derive(Clone, Debug)]
pub(in crate::steal) struct FloatRegion {
    exact: RawRegion,
    outer: Vec<(f64, f64)>,
}

impl FloatRegion {
    pub(in crate::steal) fn new(exact: &RawRegion) -> Self {
        let outer = exact.sides().iter().map(|(low, high)| (low.down(), high.up())).collect();
        Self { exact: exact.clone(), outer }
    }

    /// True if the region contains the point, exactly.
    fn contains(&self, raw: &[f64]) -> bool {
        raw.iter().zip(&self.outer).all(|(x, (low, high))| low <= x && x <= high)
            && Point::from_floats(raw).is_some_and(|point| self.exact.contains(&point))
    }
}

impl CertifiedLabels {
    /// Keeps the claims of `proved` that say something about labels of further points. Monotone claims do so
    /// with two classes only.
    pub fn new(proved: &[Proved], classes: usize) -> Self {
        let mut labels = Self::default();
        for obligation in proved.iter().map(Proved::obligation) {
            let region = || FloatRegion::new(&obligation.region);
            match &obligation.claim {
                Claim::Label { label } => {
                    labels.patches.push(Patch { region: region(), label: *label });
                }
                // δ/(1−δ) <= 1  ⇔  δ <= ½
                Claim::Posterior { label, odds, .. } if *odds <= Rational::ONE => {
                    labels.patches.push(Patch { region: region(), label: *label });
                }
                Claim::Pair(Pair {
                    bonds: Bonds::Raised(feature),
                    aim: Aim::Order { direction, class },
                    ..
                }) if classes == 2 => {
                    let is_rising = (*direction == Direction::Increasing) == (*class == 1);
                    let sign = if is_rising { 1.0 } else { -1.0 };
                    labels.trends.push(Trend { feature: feature.0, sign, region: region() });
                }
                // claims about no label, or about a label that a threshold does not single out
                Claim::Posterior { .. } | Claim::Avoid { .. } | Claim::AllPairs { .. } => {}
                // other claims compare two answers, and neither is known
                Claim::Pair(_) => {}
            }
        }
        labels
    }

    /// The features proved monotone, ascending, with the sign that raises the score of class 1.
    /// A feature proved in both directions appears once, with the sign proved first.
    pub fn monotone_features(&self) -> Vec<(usize, f64)> {
        let mut features: Vec<(usize, f64)> =
            self.trends.iter().map(|trend| (trend.feature, trend.sign)).collect();
        features.sort_by_key(|(feature, _)| *feature);
        features.dedup_by_key(|(feature, _)| *feature);
        features
    }

    /// Number of regions with one label.
    pub fn patches(&self) -> usize {
        self.patches.len()
    }

    #[cfg(test)]
    pub(in crate::steal) fn assumed(trends: Vec<Trend>) -> Self {
        Self { patches: Vec::new(), trends }
    }

    /// Finds the regions that contain a point.
    pub(in crate::steal) fn locate(&self, raw: &[f64]) -> PlacedPoint {
        let inside = |regions: &mut dyn Iterator<Item = &FloatRegion>| {
            let hits = regions.enumerate().filter(|(_, region)| region.contains(raw));
            hits.map(|(index, _)| index).collect()
        };
        PlacedPoint {
            values: raw.to_vec(),
            patches: inside(&mut self.patches.iter().map(|patch| &patch.region)),
            trends: inside(&mut self.trends.iter().map(|trend| &trend.region)),
        }
    }

    /// True if the answer `label` at `base` spreads to `other` by the order: `other` lies above `base` for label
    /// 1, below it for label 0, and equals it outside the monotone features. Equal points do not spread.
    fn spreads(&self, base: &PlacedPoint, label: usize, other: &PlacedPoint) -> bool {
        // an upward move in the order raises the features of sign +1 and lowers those of sign -1
        let is_towards = |feature: usize, (x, y): (&f64, &f64)| {
            let sign = if (x < y) == (label == 1) { 1.0 } else { -1.0 };
            x == y || self.has_trend(feature, sign, base, other)
        };
        let mut pairs = base.values.iter().zip(&other.values).enumerate();
        label < 2
            && base.values != other.values
            && pairs.all(|(feature, pair)| is_towards(feature, pair))
    }

    /// True if a trend of that feature and sign covers both points.
    fn has_trend(
        &self,
        feature: usize,
        sign: f64,
        base: &PlacedPoint,
        other: &PlacedPoint,
    ) -> bool {
        base.trends.iter().filter(|index| other.trends.binary_search(index).is_ok()).any(|&index| {
            self.trends.get(index).is_some_and(|t| t.feature == feature && t.sign == sign)
        })
    }

    /// True if the paid answer `label` at `base` settles `other`.
    pub(in crate::steal) fn settles(
        &self,
        base: &PlacedPoint,
        label: usize,
        other: &PlacedPoint,
    ) -> bool {
        base.patches.iter().any(|index| other.patches.binary_search(index).is_ok())
            || self.spreads(base, label, other)
    }
}

/// A point, and the regions that contain it, in ascending order.
#[derive(Clone, Debug)]
pub(in crate::steal) struct PlacedPoint {
    pub(in crate::steal) values: Vec<f64>,
    patches: Vec<usize>,
    trends: Vec<usize>,
}

/// The paid answers so far, and the labels that follow from them.
#[derive(Debug)]
pub(in crate::steal) struct Ledger<'a> {
    labels: &'a CertifiedLabels,
    paid: Vec<(PlacedPoint, usize)>,
}

impl<'a> Ledger<'a> {
    pub(in crate::steal) fn new(labels: &'a CertifiedLabels) -> Self {
        Self { labels, paid: Vec::new() }
    }

    /// Notes a paid answer.
    ///
    /// # Errors
    /// [`StealError::Contradiction`] if a proof contradicts the answer.
    pub(in crate::steal) fn record(
        &mut self,
        raw: &[f64],
        answer: usize,
    ) -> Result<(), StealError> {
        let place = self.labels.locate(raw);
        let proved = place.patches.iter().filter_map(|&index| self.labels.patches.get(index));
        if let Some(patch) = proved.into_iter().find(|patch| patch.label != answer) {
            return Err(StealError::Contradiction { answer, proved: patch.label });
        }
        self.paid.push((place, answer));
        Ok(())
    }

    /// The label of a point that follows from proofs and paid answers; `None` if it must be asked.
    pub(in crate::steal) fn infer(&self, raw: &[f64]) -> Option<usize> {
        let place = self.labels.locate(raw);
        if place.patches.is_empty() && place.trends.is_empty() {
            return None;
        }
        let settling =
            |(base, label): &&(PlacedPoint, usize)| self.labels.settles(base, *label, &place);
        self.paid.iter().find(settling).map(|(_, label)| *label)
    }
}
