//! Parameters of a defense as a user gives them, `alpha=0.2` or `tau=0.7,nu=50`: each taken once, or refused by name.

use std::collections::BTreeMap;

use crate::defense::{
    Decoy, Defense, DefenseError, PoisonNorm, PoisonStep, ResponseUnits, ResponseZone, VertexChoice,
};
use crate::interval::Decimal;
use crate::model::Digest;

use super::kind::{CELL, EPSILON};
use super::{DefendError, DefenseKind};

/// Parameters that were given, each taken once.
pub(super) struct GivenParameters {
    kind: DefenseKind,
    values: BTreeMap<String, String>,
}

impl GivenParameters {
    pub(super) fn read(kind: DefenseKind, text: &str) -> Result<Self, DefendError> {
        let mut given = Self { kind, values: BTreeMap::new() };
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(given.problem(format!("`{pair:.60}` is not KEY=VALUE")));
            };
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            if given.values.insert(key.clone(), value).is_some() {
                return Err(given.problem(format!("`{key:.60}` is given twice")));
            }
        }
        Ok(given)
    }

    fn problem(&self, problem: String) -> DefendError {
        let (kind, keys) = (self.kind.name(), self.kind.keys());
        DefendError::Parameters { kind, problem, keys }
    }

    pub(super) fn bad(&self, key: &str, found: &str, expected: &str) -> DefendError {
        self.problem(format!("{key} is `{found:.60}`, expected {expected}"))
    }

    pub(super) fn text(&mut self, key: &str, default: Option<&str>) -> Result<String, DefendError> {
        let given = self.values.remove(key).or(default.map(str::to_owned));
        given.ok_or_else(|| self.problem(format!("`{key}` is missing")))
    }

    pub(super) fn decimal(
        &mut self,
        key: &str,
        default: Option<&str>,
    ) -> Result<Decimal, DefendError> {
        let text = self.text(key, default)?;
        text.parse().map_err(|_| self.bad(key, &text, "a decimal number"))
    }

    pub(super) fn decoy(&mut self) -> Result<Decoy, DefendError> {
        match self.text("decoy", Some("mirror"))?.as_str() {
            "mirror" => Ok(Decoy::Mirror),
            "uniform" => Ok(Decoy::Uniform),
            other => Err(self.bad("decoy", other, "mirror or uniform")),
        }
    }

    pub(super) fn randomised_response(
        &mut self,
        target: Digest,
    ) -> Result<Result<Defense, DefenseError>, DefendError> {
        let zone = match (self.take("shift")?, self.take("confidence")?) {
            (Some(shift), None) => ResponseZone::Ball { shift },
            (None, Some(confidence)) => ResponseZone::Band { confidence },
            _ => return Err(self.problem("one of `shift` and `confidence` is needed".to_owned())),
        };
        let epsilon = self.decimal("epsilon", Some(EPSILON))?;
        let cell = self.decimal("cell", Some(CELL))?;
        let units = match self.text("units", Some("standardised"))?.as_str() {
            "standardised" => ResponseUnits::Standardised,
            "raw" => ResponseUnits::Raw,
            other => return Err(self.bad("units", other, "standardised or raw")),
        };
        let key = match (self.values.remove("key"), self.values.remove("seed")) {
            (Some(_), Some(_)) => {
                return Err(
                    self.problem("`key` and `seed` are both given; one makes the key".to_owned())
                );
            }
            (Some(text), None) => text
                .parse()
                .map_err(|_| self.bad("key", "…", "64 lower-case hexadecimal digits"))?,
            (None, seed) => key_of(target, seed.as_deref().unwrap_or("0")),
        };
        Ok(Defense::randomised_response(target, epsilon, zone, (cell, units), key))
    }

    pub(super) fn vertex_poisoning(
        &mut self,
        target: Digest,
    ) -> Result<Result<Defense, DefenseError>, DefendError> {
        let step = match (self.take("alpha")?, self.take("budget")?) {
            (Some(alpha), None) => PoisonStep::Fixed(alpha),
            (None, Some(budget)) => match self.text("norm", None)?.as_str() {
                "l1" => PoisonStep::Budget(budget, PoisonNorm::L1),
                "l2" => PoisonStep::Budget(budget, PoisonNorm::L2),
                other => return Err(self.bad("norm", other, "l1 or l2")),
            },
            _ => return Err(self.problem("one of `alpha` and `budget` is needed".to_owned())),
        };
        let choice = match self.text("vertex", Some("gradient"))?.as_str() {
            "gradient" => VertexChoice::Gradient,
            "keeping" => VertexChoice::Keeping,
            "random" => VertexChoice::Random,
            "argmin" => VertexChoice::Argmin,
            other => return Err(self.bad("vertex", other, "gradient, keeping, random or argmin")),
        };
        let seed = self.text("seed", Some("0"))?;
        let seed = seed.parse().map_err(|_| self.bad("seed", &seed, "a whole number"))?;
        Ok(Defense::vertex_poisoning(target, step, choice, seed))
    }

    /// A decimal that may be absent.
    fn take(&mut self, key: &str) -> Result<Option<Decimal>, DefendError> {
        match self.values.contains_key(key) {
            true => self.decimal(key, None).map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn expect_empty(&self) -> Result<(), DefendError> {
        match self.values.keys().next() {
            Some(key) => Err(self.problem(format!("there is no parameter `{key:.60}`"))),
            None => Ok(()),
        }
    }
}

/// The key that a seed stands for. Whoever guesses the seed knows it, so it is for measurements, not for serving.
pub(super) fn key_of(target: Digest, seed: &str) -> Digest {
    Digest::of_all([b"key of randomised response, ", target.bytes().as_slice(), seed.as_bytes()])
}
