//! The shape of a lowered property: one claim, the points that it is made about, and what differs between its
//! obligations.

use std::sync::Arc;

use crate::interval::Rational;
use crate::model::Feature;

use super::super::RawRegion;
use super::super::region::Metric;
use super::{Bonds, Claim, Regions};

/// A lowered property. At every place the claim is made once per change.
#[derive(Debug)]
pub(in crate::spec) struct Lowering {
    pub(in crate::spec) places: Places,
    /// Still without the label, the bonds or the boxes that an obligation's row or change tells.
    pub(in crate::spec) claim: Claim,
    pub(in crate::spec) variation: Variation,
}

/// The points that the claims are about.
#[derive(Debug)]
pub(in crate::spec) enum Places {
    /// The balls around rows.
    Rows(Arc<Metric>),
    /// The balls around any two distinct rows.
    PairsOfRows {
        metric: Arc<Metric>,
        /// Positions of the distinct rows.
        distinct: Vec<usize>,
    },
    /// The whole domain.
    Domain,
    /// The regions of the spec.
    Boxes(Vec<RawRegion>),
    /// No region: the claim is about the rows themselves.
    Bare,
}

/// The bonds between the two points of the claims at one place.
#[derive(Debug)]
pub(in crate::spec) enum Variation {
    /// One claim, with the bonds that it has.
    Same,
    /// One claim per feature, which is raised.
    Raised(Vec<Feature>),
    /// One claim per group of features, which move together.
    Moved {
        groups: Vec<Vec<Feature>>,
        /// The values that the moved features may take; `None`: all of the domain.
        range: Option<(Rational, Rational)>,
    },
}

impl Lowering {
    /// Number of obligations.
    pub(super) fn len(&self, rows: usize) -> usize {
        let places = match &self.places {
            Places::Rows(_) => rows,
            Places::PairsOfRows { distinct, .. } => {
                distinct.len() * distinct.len().saturating_sub(1) / 2
            }
            Places::Domain | Places::Bare => 1,
            Places::Boxes(regions) => regions.len(),
        };
        places * self.per_place()
    }

    fn per_place(&self) -> usize {
        match &self.variation {
            Variation::Same => 1,
            Variation::Raised(features) => features.len(),
            Variation::Moved { groups, .. } => groups.len(),
        }
    }

    /// The position of the place of an obligation.
    pub(super) fn place_of(&self, at: usize) -> usize {
        at / self.per_place().max(1)
    }

    /// The claim of an obligation with its bonds filled in. They list every feature of the model, so they are
    /// made only when they are asked for.
    pub(super) fn claim_of(&self, at: usize, features: usize) -> Option<Claim> {
        let index = at % self.per_place().max(1);
        let mut claim = self.claim.clone();
        let Claim::Pair(pair) = &mut claim else { return Some(claim) };
        match &self.variation {
            Variation::Same => {}
            Variation::Raised(features) => pair.bonds = Bonds::Raised(*features.get(index)?),
            Variation::Moved { groups, range } => {
                let mut moved = vec![false; features];
                for feature in groups.get(index)? {
                    *moved.get_mut(feature.0)? = true;
                    if let (Regions::Own(partners), Some(range)) = (&mut pair.regions, range) {
                        Arc::make_mut(partners).narrow(feature.0, range.clone());
                    }
                }
                pair.bonds = Bonds::Moved(moved.into());
            }
        }
        Some(claim)
    }
}
