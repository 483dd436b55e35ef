//! The demands that specs make on a model, told by the claims that they lower to: which rows keep their label in
//! which boxes, and in which features the score has a direction.

use std::collections::BTreeMap;

use crate::model::{
    Digest, Ensemble, Family, Feature, Layer, Link, Mlp, Model, Precision, Row, Schema, Tie,
};
use crate::spec::{Aim, Bonds, Claim, Direction, Lowered, Spec};

use super::{RowBoxes, TrainError};

/// The demands of some specs on models of one schema.
#[derive(Clone, Debug, Default)]
pub struct HoldDemands {
    /// Specs about the label, or the posterior of the label, of every point near a row.
    local: Vec<Spec>,
    /// The largest score by which the label must win there: ln((1 − δ)/δ).
    pub(super) threshold: f64,
    /// Features in which the score of class 1 must go one way.
    pub(super) directions: BTreeMap<Feature, Direction>,
    /// The specs that ask for them.
    ordered: Vec<Spec>,
    /// Other specs about two points, which the leaf values of an ensemble can be moved to meet.
    pub(super) by_repair: Vec<Spec>,
}

impl HoldDemands {
    /// The demands of `specs`.
    ///
    /// # Errors
    /// A spec that says nothing about models of the schema, or that no trainer here can hold.
    pub fn of(specs: &[Spec], schema: &Schema, classes: usize) -> Result<Self, TrainError> {
        let mut demands = Self::default();
        let sample = sample(schema);
        for spec in specs {
            let rows = if spec.property.is_about_rows() { &sample[..1] } else { &[] };
            demands.add(spec, &blank(schema, classes), rows)?;
        }
        Ok(demands)
    }

    fn add(&mut self, spec: &Spec, blank: &Model, rows: &[Row]) -> Result<(), TrainError> {
        let mut needs_repair = false;
        let refused = |reason: &str| {
            Err(TrainError::Property { property: spec.property.name(), reason: reason.to_owned() })
        };
        let lowered = match Lowered::new(spec, blank, None, rows) {
            Ok(lowered) => lowered,
            Err(error) => return refused(&error.to_string()),
        };
        if lowered.is_empty() {
            return refused("no trainer holds claims about pairs of rows");
        }
        for at in 0..lowered.len() {
            let Some(obligation) = lowered.obligation(at) else { continue };
            match &obligation.claim {
                Claim::Label { .. } if at == 0 => self.local.push(spec.clone()),
                Claim::Posterior { threshold, .. } if at == 0 => {
                    self.threshold = self.threshold.max(threshold.above.up());
                    self.local.push(spec.clone());
                }
                Claim::Label { .. } | Claim::Posterior { .. } => {}
                Claim::Pair(pair) => match (&pair.bonds, &pair.aim) {
                    (Bonds::Raised(feature), Aim::Order { direction, class }) => {
                        if blank.classes != 2 {
                            return refused("directions are trained with two classes");
                        }
                        let direction = match (*class, direction) {
                            (1, direction) => *direction,
                            (_, Direction::Increasing) => Direction::Decreasing,
                            (_, Direction::Decreasing) => Direction::Increasing,
                        };
                        let known = self.directions.insert(*feature, direction);
                        if known.is_some_and(|known| known != direction) {
                            return refused("another spec asks for the other direction");
                        }
                        if at == 0 {
                            self.ordered.push(spec.clone());
                        }
                    }
                    (
                        Bonds::Free
                        | Bonds::Within { .. }
                        | Bonds::Moved(_)
                        | Bonds::Raised(_)
                        | Bonds::Shifted(_),
                        Aim::Close { .. } | Aim::Stays(_) | Aim::Flip { .. } | Aim::Order { .. },
                    ) => needs_repair = true,
                    (_, Aim::Lipschitz { .. }) => {
                        return refused("no trainer holds claims about pairs of rows");
                    }
                },
                Claim::Avoid { .. } | Claim::AllPairs { .. } => {
                    return refused("no trainer holds claims of this kind");
                }
            }
        }
        if needs_repair {
            self.by_repair.push(spec.clone());
        }
        Ok(())
    }

    /// Refuses directions, which the training of a network does not hold.
    pub(super) fn expect_no_directions(&self) -> Result<(), TrainError> {
        let reason = "of a network no trainer holds directions; train trees".to_owned();
        match self.directions.is_empty() {
            true => Ok(()),
            false => Err(TrainError::Property { property: "monotonicity", reason }),
        }
    }

    /// Refuses specs that leaf values are moved to meet, for that reason.
    pub(super) fn expect_no_repair(&self, reason: &str) -> Result<(), TrainError> {
        let reason = reason.to_owned();
        match self.by_repair.first() {
            None => Ok(()),
            Some(spec) => Err(TrainError::Property { property: spec.property.name(), reason }),
        }
    }

    /// The specs that leaf values are moved to meet: those about two points, with directions, which moving the values
    /// could lose.
    pub(super) fn of_repair(&self) -> Vec<Spec> {
        self.by_repair.iter().chain(&self.ordered).cloned().collect()
    }

    /// True if rows must keep their label nearby.
    pub(super) fn is_local(&self) -> bool {
        !self.local.is_empty()
    }

    /// The boxes in which rows must keep their label: those of all specs together.
    pub(super) fn moves(
        &self,
        schema: &Schema,
        classes: usize,
        rows: &[Row],
    ) -> Result<RowBoxes, TrainError> {
        let mut moves = RowBoxes::none(rows);
        for spec in &self.local {
            moves.widen(spec, &blank(schema, classes), rows)?;
        }
        Ok(moves)
    }
}

/// Two rows that decide nothing: claims are alike for all rows.
pub(super) fn sample(schema: &Schema) -> [Row; 2] {
    ["a", "b"].map(|key| Row {
        values: schema.features().iter().map(|feature| f64::from(feature.mean)).collect(),
        label: 0,
        key: Digest::of(key.as_bytes()),
    })
}

/// A model that says nothing, on which a spec can be lowered before there is a model.
pub(super) fn blank(schema: &Schema, classes: usize) -> Model {
    let family = if classes == 2 {
        Family::Ensemble(Ensemble { base: vec![0.0], trees: Vec::new() })
    } else {
        let weights = vec![0.0; schema.len() * classes];
        let layer = Layer { weights, bias: vec![0.0; classes], inputs: schema.len() };
        Family::Mlp(Mlp { layers: vec![layer] })
    };
    let (precision, tie, link) = (Precision::F32, Tie::Lower, Link::Softmax);
    Model { schema: schema.clone(), precision, tie, classes, link, family }
}
