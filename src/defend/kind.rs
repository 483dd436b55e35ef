//! Kinds of defenses by their names, and the steps in which a budget raises them.

use crate::defense::{
    Decoy, Defense, DefenseError, PoisonStep, ResponseUnits, ResponseZone, VertexChoice,
};
use crate::interval::Decimal;
use crate::model::Digest;

use super::parameters::{GivenParameters, key_of};
use super::{DecoyModel, DefendError};

/// Steepness ν of adaptive misinformation unless another is asked for: a step at τ, nearly.
const STEEPNESS: &str = "1000";
/// ε of randomised response unless another is asked for.
pub(super) const EPSILON: &str = "1";
/// Width of a cell unless another is asked for.
pub(super) const CELL: &str = "0.01";
/// Δ of randomised response, in hundredths, step by step.
const SHIFTS: [u32; 9] = [1, 2, 5, 10, 15, 20, 30, 40, 50];
/// Most digits of rounding.
const MOST_DIGITS: u32 = 15;

/// A kind of defense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefenseKind {
    /// Prediction poisoning, by α.
    PredictionPoisoning,
    /// Adaptive misinformation with a mirroring decoy, by τ.
    AdaptiveMisinformation,
    /// A mixture with even answers, by α.
    Mixture,
    /// Answers rounded to k digits.
    Rounding,
    /// Labels drawn in a zone near the boundary, by Δ.
    RandomisedResponse,
    /// Prediction poisoning of any number of classes, by α.
    VertexPoisoning,
}

impl DefenseKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::PredictionPoisoning,
        Self::AdaptiveMisinformation,
        Self::Mixture,
        Self::Rounding,
        Self::RandomisedResponse,
        Self::VertexPoisoning,
    ];

    /// The short name, as `--defense` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PredictionPoisoning => "pp",
            Self::AdaptiveMisinformation => "am",
            Self::Mixture => "mixture",
            Self::Rounding => "rounding",
            Self::RandomisedResponse => "brr",
            Self::VertexPoisoning => "vp",
        }
    }

    /// The name in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::PredictionPoisoning => "prediction poisoning",
            Self::AdaptiveMisinformation => "adaptive misinformation",
            Self::Mixture => "a mixture with even answers",
            Self::Rounding => "rounding",
            Self::RandomisedResponse => "boundary randomised response",
            Self::VertexPoisoning => "prediction poisoning of any number of classes",
        }
    }

    /// All short names, for messages.
    pub const NAMES: &str = "pp, am, mixture, rounding, brr or vp";

    /// The kind of that short name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The defenses that a budget chooses from, each stronger than the one before.
    pub(super) fn ladder(
        self,
        target: Digest,
        decoy: Option<&DecoyModel>,
    ) -> Result<Vec<Defense>, DefendError> {
        self.expect_decoy(decoy)?;
        let steps: Vec<u32> = match self {
            Self::PredictionPoisoning | Self::VertexPoisoning => (1..=49).collect(),
            Self::AdaptiveMisinformation => (50..=99).collect(),
            Self::Mixture => (1..=99).collect(),
            Self::Rounding => (1..=MOST_DIGITS).rev().collect(),
            Self::RandomisedResponse => SHIFTS.to_vec(),
        };
        let by = decoy.map_or(Decoy::Mirror, |decoy| Decoy::Model(decoy.digest()));
        let at = |step: u32| match self {
            Self::PredictionPoisoning => Defense::prediction_poisoning(target, hundredths(step)),
            Self::AdaptiveMisinformation => {
                let steepness = STEEPNESS.parse().expect("a whole number is a decimal");
                Defense::adaptive_misinformation(target, (steepness, hundredths(step)), by)
            }
            Self::Mixture => Defense::mixture(target, hundredths(step), [50, 50].map(hundredths)),
            Self::Rounding => Defense::rounding(target, step),
            Self::RandomisedResponse => {
                let fixed = |text: &str| text.parse().expect("a number is a decimal");
                let (epsilon, grid) = (fixed(EPSILON), (fixed(CELL), ResponseUnits::default()));
                let zone = ResponseZone::Ball { shift: hundredths(step) };
                Defense::randomised_response(target, epsilon, zone, grid, key_of(target, "0"))
            }
            Self::VertexPoisoning => {
                let step = PoisonStep::Fixed(hundredths(step));
                Defense::vertex_poisoning(target, step, VertexChoice::Gradient, 0)
            }
        };
        let attached = |defense| match decoy {
            Some(decoy) => decoy.attach(defense),
            None => Ok(defense),
        };
        steps.into_iter().map(|step| Ok(at(step).and_then(attached)?)).collect()
    }

    /// True if labels turn below some confidence, without chance.
    pub fn turns_labels(self) -> bool {
        match self {
            Self::PredictionPoisoning | Self::AdaptiveMisinformation => true,
            Self::Mixture | Self::Rounding | Self::RandomisedResponse | Self::VertexPoisoning => {
                false
            }
        }
    }

    /// True if a model may stand in for the target where it is unsure.
    pub fn takes_decoy(self) -> bool {
        match self {
            Self::AdaptiveMisinformation => true,
            Self::PredictionPoisoning
            | Self::Mixture
            | Self::Rounding
            | Self::RandomisedResponse
            | Self::VertexPoisoning => false,
        }
    }

    /// Refuses a decoy model for a kind that has none.
    fn expect_decoy(self, decoy: Option<&DecoyModel>) -> Result<(), DefendError> {
        match decoy.is_none() || self.takes_decoy() {
            true => Ok(()),
            false => Err(DefendError::NoDecoy { kind: self.name() }),
        }
    }

    /// The defense that changes nothing, in the form of this kind where it has one.
    pub(super) fn identity(self, target: Digest) -> Result<Defense, DefenseError> {
        match self {
            Self::PredictionPoisoning => Defense::prediction_poisoning(target, hundredths(0)),
            Self::VertexPoisoning => {
                let step = PoisonStep::Fixed(hundredths(0));
                Defense::vertex_poisoning(target, step, VertexChoice::Gradient, 0)
            }
            Self::AdaptiveMisinformation
            | Self::Mixture
            | Self::Rounding
            | Self::RandomisedResponse => {
                Defense::mixture(target, hundredths(0), [50, 50].map(hundredths))
            }
        }
    }

    /// The defense with given parameters, `alpha=0.2` or `tau=0.7,nu=50,decoy=uniform`; a decoy model takes the place of the
    /// parameter `decoy`.
    ///
    /// # Errors
    /// A parameter that is missing, unknown, given twice or out of its range.
    pub fn with(
        self,
        target: Digest,
        parameters: &str,
        decoy: Option<&DecoyModel>,
    ) -> Result<Defense, DefendError> {
        self.expect_decoy(decoy)?;
        let mut given = GivenParameters::read(self, parameters)?;
        let defense = match self {
            Self::PredictionPoisoning => {
                Defense::prediction_poisoning(target, given.decimal("alpha", None)?)
            }
            Self::AdaptiveMisinformation => {
                let steps = (given.decimal("nu", Some(STEEPNESS))?, given.decimal("tau", None)?);
                let by = match decoy {
                    Some(decoy) => Decoy::Model(decoy.digest()),
                    None => given.decoy()?,
                };
                Defense::adaptive_misinformation(target, steps, by)
            }
            Self::Mixture => {
                let alpha = given.decimal("alpha", None)?;
                let zero = given.decimal("eta-0", Some("0.5"))?;
                let one = given.decimal("eta-1", Some("0.5"))?;
                Defense::mixture(target, alpha, [zero, one])
            }
            Self::Rounding => {
                let text = given.text("digits", None)?;
                let expected = "a whole number from 1 to 15";
                let digits = text.parse().map_err(|_| given.bad("digits", &text, expected))?;
                Defense::rounding(target, digits)
            }
            Self::RandomisedResponse => given.randomised_response(target)?,
            Self::VertexPoisoning => given.vertex_poisoning(target)?,
        };
        given.expect_empty()?;
        Ok(match decoy {
            Some(decoy) => decoy.attach(defense?)?,
            None => defense?,
        })
    }

    /// The keys of its parameters.
    pub(super) fn keys(self) -> &'static str {
        match self {
            Self::PredictionPoisoning => "alpha",
            Self::AdaptiveMisinformation => "tau, nu (1000), decoy (mirror or uniform; mirror)",
            Self::Mixture => "alpha, eta-0 (0.5), eta-1 (0.5)",
            Self::Rounding => "digits",
            Self::RandomisedResponse => {
                "shift or confidence, epsilon (1), cell (0.01), units (standardised or raw; standardised), key (64 \
                 hexadecimal digits), or seed (0) of one"
            }
            Self::VertexPoisoning => {
                "alpha, or budget and norm (l1 or l2), vertex (gradient, keeping, random or argmin; gradient), seed (0)"
            }
        }
    }
}

/// A number of hundredths below 1.
fn hundredths(step: u32) -> Decimal {
    let text = if step == 0 { "0".to_owned() } else { format!("0.{step:02}") };
    text.parse().expect("two digits after a point are a decimal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_is_climbed_from_its_weakest_step() {
        let target = Digest::of(b"");
        for (kind, first, last) in [
            (DefenseKind::PredictionPoisoning, "alpha 0.01", "alpha 0.49"),
            (
                DefenseKind::AdaptiveMisinformation,
                "nu 1000, tau 0.50, decoy mirror",
                "nu 1000, tau 0.99, decoy mirror",
            ),
            (
                DefenseKind::Mixture,
                "alpha 0.01, eta 0.50 and 0.50",
                "alpha 0.99, eta 0.50 and 0.50",
            ),
            (DefenseKind::Rounding, "digits 15", "digits 1"),
            (
                DefenseKind::RandomisedResponse,
                "epsilon 1, shift 0.01 linf, cell 0.01 sd",
                "epsilon 1, shift 0.50 linf, cell 0.01 sd",
            ),
            (
                DefenseKind::VertexPoisoning,
                "alpha 0.01, vertex gradient, seed 0",
                "alpha 0.49, vertex gradient, seed 0",
            ),
        ] {
            let ladder = kind.ladder(target, None).unwrap();
            let ends = [ladder.first(), ladder.last()].map(|end| end.unwrap().parameters());
            assert_eq!(ends, [first, last]);
            assert_eq!(DefenseKind::named(kind.name()), Some(kind));
            // the identity answers as the model does
            let identity = kind.identity(target).unwrap();
            assert_eq!(identity.apply(&[0.3, 0.7], 1), [0.3, 0.7]);
        }
    }

    #[test]
    fn messages_name_every_kind() {
        let names = DefenseKind::NAMES.replace(" or ", ", ");
        assert_eq!(names, DefenseKind::ALL.map(DefenseKind::name).join(", "));
    }

    #[test]
    fn parameters_are_read_or_refused_by_name() {
        let target = Digest::of(b"");
        let with = |kind: DefenseKind, text: &str| {
            kind.with(target, text, None).map(|d| d.to_string()).map_err(|e| e.to_string())
        };
        let am = DefenseKind::AdaptiveMisinformation;
        let brr = DefenseKind::RandomisedResponse;
        let vp = DefenseKind::VertexPoisoning;
        assert_eq!(
            with(brr, "confidence=0.9,epsilon=0.5,units=raw,cell=2").unwrap(),
            "boundary-randomised-response epsilon 0.5, confidence 0.9, cell 2 raw"
        );
        assert_eq!(
            with(am, "tau=0.7, decoy=uniform").unwrap(),
            "adaptive-misinformation nu 1000, tau 0.7, decoy uniform"
        );
        for (kind, text, part) in [
            (am, "", "`tau` is missing"),
            (am, "tau", "`tau` is not KEY=VALUE"),
            (am, "tau=0.7,tau=0.8", "`tau` is given twice"),
            (am, "tau=0.7,decoy=mask", "decoy is `mask`, expected mirror or uniform"),
            (am, "tau=high", "tau is `high`, expected a decimal number"),
            (am, "tau=0.4", "expected 0.5 <= tau < 1"),
            (DefenseKind::PredictionPoisoning, "alpha=0.1,tau=1", "there is no parameter `tau`"),
            (DefenseKind::Rounding, "digits=2.5", "digits is `2.5`, expected a whole number"),
            (brr, "", "one of `shift` and `confidence` is needed"),
            (brr, "shift=0.1,confidence=0.9", "one of `shift` and `confidence` is needed"),
            (brr, "shift=0", "shift is 0, expected 0 < shift <= 1000000"),
            (brr, "confidence=0.5", "confidence is 0.5, expected 0.5 < confidence < 1"),
            (brr, "confidence=1", "confidence is 1, expected 0.5 < confidence < 1"),
            (brr, "shift=0.1,epsilon=0", "epsilon is 0, expected 0 < epsilon <= 60"),
            (brr, "shift=0.1,epsilon=61", "epsilon is 61, expected 0 < epsilon <= 60"),
            (brr, "shift=0.1,cell=-1", "cell is -1, expected 0 < cell <= 1000000"),
            (brr, "shift=0.1,units=metres", "units is `metres`, expected standardised or raw"),
            (brr, "shift=0.1,key=12", "expected 64 lower-case hexadecimal digits"),
            (brr, "shift=0.1,key=12,seed=1", "`key` and `seed` are both given"),
            (vp, "", "one of `alpha` and `budget` is needed"),
            (vp, "alpha=0.5", "alpha is 0.5, expected 0 <= alpha < 0.5"),
            (vp, "budget=0.2", "`norm` is missing"),
            (vp, "budget=0.5,norm=l2", "budget is 0.5, expected 0 <= budget < 0.5"),
            (vp, "budget=0.2,norm=linf", "norm is `linf`, expected l1 or l2"),
            (vp, "alpha=0.2,norm=l1", "there is no parameter `norm`"),
            (
                vp,
                "alpha=0.2,vertex=best",
                "vertex is `best`, expected gradient, keeping, random or argmin",
            ),
            (vp, "alpha=0.2,seed=-1", "seed is `-1`, expected a whole number"),
        ] {
            let refused = with(kind, text).unwrap_err();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}
