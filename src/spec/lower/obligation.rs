//! The statements that the kernel understands: claims about every point, or pair of points, of a region.

use std::sync::Arc;

use crate::interval::{Rational, ln};

use super::super::RawRegion;
use super::{Aim, Bonds, OutputBlock, Pair, PairBound};

/// An enclosure of a real threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// At most the threshold.
    pub below: Rational,
    /// At least the threshold.
    pub above: Rational,
}

impl Threshold {
    /// The score of class 1, less that of class 0, at which its posterior is `p`: `σ(m) >= p ⇔ m >= ln(p/(1 − p))`.
    /// `None` beyond ±60.
    pub(in crate::spec) fn of_posterior(p: &Rational) -> Option<Self> {
        let (below, above) = ln(&(p / &(&Rational::ONE - p))?)?;
        let limit = Rational::integer(60);
        let is_small = |end: &Rational| end.clone().abs() <= limit;
        (is_small(&below) && is_small(&above)).then_some(Self { below, above })
    }
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
    /// All pairs of points that are bound to each other meet an aim.
    Pair(Pair),
    /// No point (pair of points, with two copies) reaches any of the blocks.
    Avoid {
        /// The unsafe sets of outputs.
        blocks: Arc<[OutputBlock]>,
        /// Number of copies of the network that the region and the blocks are about: 1 or 2.
        copies: usize,
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
    /// `F_y > 1 − δ` with the label still to be filled in; `None` if the threshold is beyond ±60.
    pub(in crate::spec) fn posterior(delta: &Rational) -> Option<Self> {
        let rest = &Rational::ONE - delta;
        let odds = (delta / &rest)?;
        Some(Self::Posterior { label: 0, threshold: Threshold::of_posterior(&rest)?, odds })
    }

    /// The label whose margins decide the claim, and the threshold that they must exceed if it is not 0; `None`
    /// for claims that are not about one label.
    pub fn label(&self) -> Option<(usize, Option<&Threshold>)> {
        match self {
            Self::Label { label } => Some((*label, None)),
            Self::Posterior { label, threshold, .. } => Some((*label, Some(threshold))),
            Self::Pair(_) | Self::Avoid { .. } | Self::AllPairs { .. } => None,
        }
    }

    /// The statement about two points, if the claim is one.
    pub fn pair(&self) -> Option<&Pair> {
        match self {
            Self::Pair(pair) => Some(pair),
            Self::Label { .. } | Self::Posterior { .. } => None,
            Self::Avoid { .. } | Self::AllPairs { .. } => None,
        }
    }

    /// Number of copies of the model that its points are inputs of: 2 for output regions of pairs.
    pub fn copies(&self) -> usize {
        match self {
            Self::Avoid { copies, .. } => *copies,
            Self::Label { .. } | Self::Posterior { .. } | Self::Pair(_) | Self::AllPairs { .. } => {
                1
            }
        }
    }

    /// True if a case may end at the whole numbers of this feature (index in the input, of all copies one after
    /// the other). A claim that a rule proves along the segment between two points also needs the values
    /// between whole numbers.
    pub fn lets_tighten(&self, index: usize) -> bool {
        match self {
            Self::Pair(pair) => match &pair.bonds {
                Bonds::Raised(feature) => feature.0 != index,
                Bonds::Free | Bonds::Moved(_) => false,
                // with a flip as aim the cases are boxes of points alone
                Bonds::Within { .. } => matches!(pair.aim, Aim::Flip { .. }),
                Bonds::Shifted(_) => true,
            },
            Self::AllPairs { .. } => false,
            Self::Label { .. } | Self::Posterior { .. } | Self::Avoid { .. } => true,
        }
    }

    /// True if no point can be the partner that the claim speaks of, whatever the model.
    pub(super) fn has_no_partners(&self) -> bool {
        self.pair().is_some_and(Pair::has_no_partners)
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
