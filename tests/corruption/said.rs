//! The statement about two points that a property makes, said again in the symbols of the paper: the oracles of
//! these tests go by it, and not by the shapes that the kernel reads.

use propcert::interval::Rational;
use propcert::model::Feature;
use propcert::spec::{
    Aim, Bonds, Claim, Confidence, Direction, Norm, On, Pair, RawRegion, Regions, Threshold,
};

pub enum Said<'a> {
    Near {
        reach: &'a [Rational],
        bound: &'a Rational,
        on: On,
    },
    Stable {
        moved: &'a [bool],
        bound: &'a Rational,
        on: On,
    },
    Confident {
        moved: &'a [bool],
        partners: &'a RawRegion,
        scores: &'a Confidence,
    },
    Lipschitz {
        units: &'a [Rational],
        norm: Norm,
        constant: &'a Rational,
        boxes: &'a [RawRegion; 2],
    },
    Monotone {
        feature: Feature,
        direction: Direction,
    },
    /// With zone `ball` or `axis`.
    Fuzz {
        margin: &'a Threshold,
        shifts: &'a [Rational],
        is_ball: bool,
    },
    Other,
}

/// What a claim says of two points.
pub fn said(claim: &Claim) -> Said<'_> {
    let Claim::Pair(Pair { bonds, regions, aim }) = claim else { return Said::Other };
    match (bonds, regions, aim) {
        (Bonds::Within { reach, is_strict }, Regions::Both, Aim::Close { bound, on, .. }) => {
            assert_eq!(*is_strict, *on == On::Posterior);
            Said::Near { reach, bound, on: *on }
        }
        (Bonds::Moved(moved), Regions::Both, Aim::Close { bound, on, is_strict: false }) => {
            Said::Stable { moved, bound, on: *on }
        }
        (Bonds::Moved(moved), Regions::Own(partners), Aim::Stays(scores)) => {
            Said::Confident { moved, partners, scores }
        }
        (Bonds::Free, Regions::Each(boxes), Aim::Lipschitz { units, norm, constant }) => {
            Said::Lipschitz { units, norm: *norm, constant, boxes }
        }
        (Bonds::Raised(feature), Regions::Both, Aim::Order { direction, .. }) => {
            Said::Monotone { feature: *feature, direction: *direction }
        }
        (Bonds::Shifted(shifts), Regions::First, Aim::Flip { margin, ball: None }) => {
            Said::Fuzz { margin, shifts, is_ball: false }
        }
        (Bonds::Within { .. }, Regions::First, Aim::Flip { margin, ball: Some((shifts, _)) }) => {
            Said::Fuzz { margin, shifts, is_ball: true }
        }
        _ => panic!("no property says this: {claim:?}"),
    }
}
