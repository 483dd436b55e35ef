//! The statements that the kernel understands: claims about every point, or pair of points, of a region.

use std::sync::Arc;

use crate::interval::Rational;
use crate::model::Feature;

use super::super::{Direction, Norm, On, RawRegion, Zone};
use super::{OutputBlock, PairBound};

/// An enclosure of a real threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// At most the threshold.
    pub below: Rational,
    /// At least the threshold.
    pub above: Rational,
}

/// The score from which on an answer is confident, and the score that it must keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confidence {
    /// k: the score of the confidence.
    pub floor: Threshold,
    /// c: the score of the cutoff.
    pub cutoff: Threshold,
}

/// A claim about every point (or pair of points) of a region.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The label wins: its margin over every other class is > 0, or >= 0 where it wins the tie.
    Label {
        /// The class.
        label: usize,
    },
    /// `F_label > 1 − δ`, strictly.
    Posterior {
        /// The class.
        label: usize,
        /// `ln((1−δ)/δ)`: with two classes the margin must exceed it.
        threshold: Threshold,
        /// `δ/(1−δ)`: with more classes `Σ_j exp(−m_j)` must stay below it.
        odds: Rational,
    },
    /// Raising one feature alone never moves `F_class` against `direction`.
    Monotone {
        /// The feature.
        feature: Feature,
        /// The direction of the move.
        direction: Direction,
        /// The class whose posterior moves.
        class: usize,
    },
    /// `|m| < μ` wherever a shift flips the label. Two classes.
    Fuzz {
        /// μ.
        margin: Threshold,
        /// Raw length of the shift, per feature.
        shifts: Arc<[Rational]>,
        /// The shifts that count.
        zone: Zone,
        /// The norm of the ball zone.
        zone_norm: Norm,
    },
    /// No point (pair of points, with two copies) reaches any of the blocks.
    Avoid {
        /// The unsafe sets of outputs.
        blocks: Arc<[OutputBlock]>,
        /// Number of copies of the network that the region and the blocks are about: 1 or 2.
        copies: usize,
    },
    /// Two points that are close get answers that are close: `d < ε ⇒ ‖F(x) − F(x′)‖₂ < Lε`, or
    /// `d <= ε ⇒ |m(x) − m(x′)| <= Lε`, with `d = max_i |x_i − x′_i|/(reach_i/ε)`. Two classes.
    Near {
        /// Raw length of ε, per feature.
        reach: Arc<[Rational]>,
        /// Lε.
        bound: Rational,
        /// The answers that are compared: `F` or `m`.
        on: On,
    },
    /// Points that differ in the moved features only get answers that are close: `|m(x) − m(x′)| <= b`,
    /// or `‖F(x) − F(x′)‖₂ <= b`. Two classes.
    Stable {
        /// Per feature, true if it may differ.
        moved: Arc<[bool]>,
        /// b.
        bound: Rational,
        /// The answers that are compared: `F` or `m`.
        on: On,
    },
    /// A confident answer survives a change of the moved features: `m(x) >= k ⇒ m(x′) >= c` for `x′` of
    /// `partners` that equals `x` in the other features. Two classes.
    Confident {
        /// Per feature, true if it may differ.
        moved: Arc<[bool]>,
        /// The region of `x′`.
        partners: Arc<RawRegion>,
        /// k and c.
        scores: Arc<Confidence>,
    },
    /// `‖F(a) − F(b)‖₂ <= L·‖a − b‖` for `a` of the first and `b` of the second box; the region is
    /// their hull. Two classes.
    Lipschitz {
        /// Raw length of a unit of the distance, per feature.
        units: Arc<[Rational]>,
        /// The norm of the distance.
        norm: Norm,
        /// L.
        constant: Rational,
        /// The boxes around the two rows.
        boxes: Arc<[RawRegion; 2]>,
    },
    /// Every pair of rows is bound. Two classes; the obligation has no region.
    AllPairs {
        /// The bound on two rows.
        bound: PairBound,
        /// Length of a raw unit, per feature.
        weights: Arc<[Rational]>,
    },
}

impl Claim {
    /// The label whose margins decide the claim, and the threshold that they must exceed if it is not 0; `None`
    /// for claims that are not about one label.
    pub fn label(&self) -> Option<(usize, Option<&Threshold>)> {
        match self {
            Self::Label { label } => Some((*label, None)),
            Self::Posterior { label, threshold, .. } => Some((*label, Some(threshold))),
            Self::Monotone { .. }
            | Self::Fuzz { .. }
            | Self::Avoid { .. }
            | Self::Near { .. }
            | Self::Stable { .. }
            | Self::Confident { .. }
            | Self::Lipschitz { .. }
            | Self::AllPairs { .. } => None,
        }
    }

    /// Number of copies of the model that its points are inputs of: 2 for output regions of pairs.
    pub fn copies(&self) -> usize {
        match self {
            Self::Avoid { copies, .. } => *copies,
            Self::Label { .. }
            | Self::Posterior { .. }
            | Self::Monotone { .. }
            | Self::Fuzz { .. }
            | Self::Near { .. }
            | Self::Stable { .. }
            | Self::Confident { .. }
            | Self::Lipschitz { .. }
            | Self::AllPairs { .. } => 1,
        }
    }

    /// True if a case may end at the whole numbers of this feature (index in the input, of all copies one after
    /// the other). A claim that a rule proves along the segment between two points also needs the values
    /// between whole numbers.
    pub fn lets_tighten(&self, index: usize) -> bool {
        match self {
            Self::Monotone { feature, .. } => feature.0 != index,
            Self::Near { .. } | Self::Lipschitz { .. } => false,
            // not decided on networks
            Self::Stable { .. } | Self::Confident { .. } | Self::AllPairs { .. } => false,
            Self::Label { .. }
            | Self::Posterior { .. }
            | Self::Fuzz { .. }
            | Self::Avoid { .. } => true,
        }
    }

    /// True if no point can be the partner that the claim speaks of, whatever the model.
    pub(super) fn has_no_partners(&self) -> bool {
        match self {
            Self::Confident { partners, .. } => partners.is_empty(),
            Self::Label { .. }
            | Self::Posterior { .. }
            | Self::Monotone { .. }
            | Self::Fuzz { .. }
            | Self::Avoid { .. }
            | Self::Near { .. }
            | Self::Stable { .. }
            | Self::Lipschitz { .. }
            | Self::AllPairs { .. } => false,
        }
    }
}

/// The standing of an obligation: there is something to prove, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A claim that can be proved or refuted.
    Open,
    /// The row is no member of the domain, or the claim speaks of no point at all. It is never proved, and is
    /// counted apart.
    Invalid,
}

/// One statement for the kernel.
#[derive(Clone, Debug)]
pub struct Obligation {
    /// Index in the certificate.
    pub at: usize,
    /// The standing: there is something to prove, or nothing.
    pub standing: Standing,
    /// The claim about the (defended) model; a counterexample refutes it.
    pub claim: Claim,
    /// A claim on the undefended model that implies `claim`; equal to it without a defense,
    /// `None` if the defense preserves nothing.
    pub sufficient: Option<Claim>,
    /// The points that the claim is about.
    pub region: RawRegion,
}
