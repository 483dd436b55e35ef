//! The demands that specs make on a model, told by the claims that they lower to: which rows keep their label in
//! which boxes, and in which features the score has a direction.

use std::collections::BTreeMap;

use crate::model::{
    Digest, Ensemble, Family, Feature, Layer, Link, Mlp, Model, Precision, Row, Schema, Tie,
};
use crate::spec::{Aim, Bonds, Claim, Direction, Lowered, Spec};

use super::held::HeldSpec;
use super::{RowBoxes, TrainError};

/// The demands of some specs on models of one schema.
#[derive(Clone, Debug, Default)]
pub struct HoldDemands {
    /// Specs about the label, or the posterior of the label, of every point near a row.
    local: Vec<Spec>,
    /// Specs of the boundary property around rows, which hold where the label is the same in the boxes of both points.
    unturned: Vec<Spec>,
    /// The largest score by which the label must win there: ln((1 − δ)/δ).
    pub(super) threshold: f64,
    /// Features in which the score of class 1 must go one way.
    pub(super) directions: BTreeMap<Feature, Direction>,
    /// The specs that ask for them.
    ordered: Vec<Spec>,
    /// Other specs about two points, which the leaf values of an ensemble can be moved to meet.
    pub(super) by_repair: Vec<Spec>,
    /// Those among them that no rule proves of a network: a moved feature, or answers that stay.
    of_ensembles: Vec<Spec>,
    /// Specs about pairs of rows or of points near them, for which networks alone are trained.
    of_networks: Vec<Spec>,
    /// The specs that a network is trained for by points that break them, each with its usual weights.
    terms: Vec<HeldSpec>,
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
            let rows = if spec.property.is_about_rows() { &sample[..] } else { &[] };
            demands.add(spec, &blank(schema, classes), rows)?;
        }
        Ok(demands)
    }

    fn add(&mut self, spec: &Spec, blank: &Model, rows: &[Row]) -> Result<(), TrainError> {
        let (mut needs_repair, mut needs_ensemble, mut needs_network) = (false, false, false);
        let mut weights = None;
        let refused = |reason: &str| {
            Err(TrainError::Property { property: spec.property.name(), reason: reason.to_owned() })
        };
        let lowered = match Lowered::new(spec, blank, None, rows) {
            Ok(lowered) => lowered,
            Err(error) => return refused(&error.to_string()),
        };
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
                    // bounds on all slopes decide it without cases
                    (Bonds::Within { .. }, Aim::Close { .. }) => {
                        (needs_repair, weights) = (true, Some((0.5, 0.1)));
                    }
                    // these bounds too, without pairs that break it
                    (Bonds::Shifted(_) | Bonds::Within { .. }, Aim::Flip { .. }) => {
                        let is_about_rows = spec.property.is_about_rows();
                        (needs_repair, weights) = (!is_about_rows, Some((0.0, 0.1)));
                        if is_about_rows && at == 0 {
                            self.unturned.push(spec.clone());
                        }
                    }
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
                    (_, Aim::Stays(_)) | (Bonds::Moved(_), Aim::Close { .. }) => {
                        (needs_repair, needs_ensemble) = (true, true);
                    }
                    (
                        Bonds::Free
                        | Bonds::Within { .. }
                        | Bonds::Moved(_)
                        | Bonds::Raised(_)
                        | Bonds::Shifted(_),
                        Aim::Close { .. } | Aim::Flip { .. } | Aim::Order { .. },
                    ) => (needs_repair, weights) = (true, Some((1.0, 0.0))),
                    (_, Aim::Lipschitz { .. }) => {
                        (needs_network, weights) = (true, Some((5.0, 0.0)));
                    }
                },
                Claim::AllPairs { .. } => (needs_network, weights) = (true, Some((5.0, 0.0))),
                Claim::Avoid { .. } => return refused("no trainer holds claims about outputs"),
            }
        }
        if needs_ensemble {
            self.of_ensembles.push(spec.clone());
        }
        if needs_network {
            self.of_networks.push(spec.clone());
        }
        if let Some((weight, bounds)) = weights {
            self.terms.push(HeldSpec::weighted(spec.clone(), weight, bounds));
        }
        if needs_repair {
            self.by_repair.push(spec.clone());
        }
        Ok(())
    }

    /// Refuses specs for which networks alone are trained.
    pub(super) fn expect_no_network(&self) -> Result<(), TrainError> {
        refuse_first(self.of_networks.iter(), "no trainer of ensembles holds it; train a network")
    }

    /// True if some of the specs can be trained for in networks alone.
    pub(super) fn needs_network(&self) -> bool {
        !self.of_networks.is_empty()
    }

    /// The specs that a network is trained for by points that break them, with so many times their usual weights; the
    /// others are about labels or directions.
    pub(super) fn terms(&self, times: f64) -> impl Iterator<Item = HeldSpec> + '_ {
        self.terms.iter().map(move |term| term.times(times))
    }

    /// The directions, by the names of the features.
    pub(super) fn named_directions(&self, schema: &Schema) -> BTreeMap<String, Direction> {
        let named = |(feature, direction): (&Feature, &Direction)| {
            let feature = schema.features().get(feature.0)?;
            Some((feature.name.clone(), *direction))
        };
        self.directions.iter().filter_map(named).collect()
    }

    /// Refuses specs that the kernel has no rule for, of networks.
    pub(super) fn expect_rules_of_networks(&self) -> Result<(), TrainError> {
        let reason = "no rule proves it of a network; leave out --family, or take trees";
        refuse_first(self.of_ensembles.iter(), reason)
    }

    /// Refuses specs that leaf values are moved to meet, for that reason.
    pub(super) fn expect_no_repair(&self, reason: &str) -> Result<(), TrainError> {
        refuse_first(self.by_repair.iter(), reason)
    }

    /// The specs that leaf values are moved to meet: those about two points, with directions, which moving the values
    /// could lose.
    pub(super) fn of_repair(&self) -> Vec<Spec> {
        self.by_repair.iter().chain(&self.ordered).cloned().collect()
    }

    /// Specs about labels near rows.
    pub(super) fn local(&self) -> &[Spec] {
        &self.local
    }

    /// True if rows must keep their label nearby.
    pub(super) fn is_local(&self) -> bool {
        !self.local.is_empty()
    }

    /// True if rows of an ensemble must keep their label nearby, for specs about labels or for the boundary property.
    pub(super) fn has_boxes(&self) -> bool {
        self.is_local() || !self.unturned.is_empty()
    }

    /// The boxes in which rows must keep their label: those of all specs together.
    pub(super) fn moves(
        &self,
        schema: &Schema,
        classes: usize,
        rows: &[Row],
    ) -> Result<RowBoxes, TrainError> {
        let mut moves = RowBoxes::none(rows);
        for spec in self.local.iter().chain(&self.unturned) {
            moves.widen(spec, &blank(schema, classes), rows)?;
        }
        Ok(moves)
    }
}

fn refuse_first<'a>(
    mut specs: impl Iterator<Item = &'a Spec>,
    reason: &str,
) -> Result<(), TrainError> {
    let refused = |spec: &Spec| TrainError::Property {
        property: spec.property.name(),
        reason: reason.to_owned(),
    };
    specs.next().map_or(Ok(()), |spec| Err(refused(spec)))
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
