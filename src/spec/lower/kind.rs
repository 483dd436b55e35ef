//! A property, ready for one obligation after the other.

use std::sync::Arc;

use crate::interval::Rational;
use crate::model::{Feature, Model, Row};

use super::super::property::distinct;
use super::super::region::Metric;
use super::super::{
    BoundaryFuzz, Direction, Domain, Label, Lipschitzness, LocalInvariance, Monotonicity, Norm,
    OutputRegion, Property, RawRegion, Spec,
};
use super::change::ChangedFeatures;
use super::posterior::posterior_claim;
use super::{Claim, LowerError, avoid, fuzz, monotone, pairs};

/// The part of lowering that differs between properties, with everything computed once.
#[derive(Debug)]
pub(super) enum Lowering {
    Label {
        metric: Arc<Metric>,
    },
    Posterior {
        metric: Arc<Metric>,
        claim: Claim,
    },
    Monotone {
        metric: Option<Arc<Metric>>,
        features: Vec<Feature>,
        direction: Direction,
        class: usize,
    },
    Fuzz {
        metric: Option<Arc<Metric>>,
        claim: Claim,
    },
    Avoid {
        claim: Claim,
        regions: Vec<RawRegion>,
    },
    AllPairs {
        claim: Claim,
    },
    Near {
        claim: Claim,
    },
    /// One claim per changed feature, or group of features.
    Change {
        changes: ChangedFeatures,
    },
    Lipschitz {
        metric: Arc<Metric>,
        norm: Norm,
        constant: Rational,
        /// Positions of the distinct rows.
        distinct: Vec<usize>,
    },
}

impl Lowering {
    /// Checks that the property makes sense for the model. A claim about two points that a defense loses makes
    /// none.
    pub(super) fn new(
        spec: &Spec,
        model: &Model,
        is_lost: bool,
        domain: &Domain,
        rows: &[Row],
    ) -> Result<Self, LowerError> {
        let metric = |norm, epsilon: &Rational| {
            Arc::new(Metric::new(&model.schema, spec.units, norm, epsilon))
        };
        Ok(match &spec.property {
            Property::Label(Label { epsilon, norm }) => {
                Lowering::Label { metric: metric(*norm, epsilon.value()) }
            }
            Property::LocalInvariance(LocalInvariance { epsilon, delta, norm }) => {
                let beyond = || LowerError::Delta { delta: delta.to_string() };
                Lowering::Posterior {
                    metric: metric(*norm, epsilon.value()),
                    claim: posterior_claim(delta.value()).ok_or_else(beyond)?,
                }
            }
            Property::Monotonicity(Monotonicity {
                features, direction, class, epsilon, ..
            }) => Lowering::Monotone {
                metric: epsilon.as_ref().map(|epsilon| metric(Norm::Linf, epsilon.value())),
                features: monotone::resolve(model, features)?,
                direction: *direction,
                class: monotone::target_class(model, *class)?,
            },
            Property::BoundaryFuzz(BoundaryFuzz { radius, norm, .. }) => Lowering::Fuzz {
                metric: radius.as_ref().map(|radius| metric(*norm, radius.value())),
                claim: fuzz::claim(spec, model)?,
            },
            Property::OutputRegion(OutputRegion { copies, input, unsafe_blocks }) => {
                Lowering::Avoid {
                    claim: Claim::Avoid {
                        blocks: avoid::blocks(model, *copies, unsafe_blocks)?,
                        copies: *copies,
                    },
                    regions: input
                        .iter()
                        .map(|input| avoid::region(model, domain, spec.units, *copies, input))
                        .collect::<Result<_, _>>()?,
                }
            }
            Property::LocalInvarianceT(_) | Property::LipschitznessT(_) => {
                pairs::expect_decidable(spec, model, is_lost)?;
                Lowering::AllPairs { claim: pairs::all_pairs(spec, model)? }
            }
            Property::SmallNeighborhood(_) => {
                pairs::expect_decidable(spec, model, is_lost)?;
                Lowering::Near { claim: pairs::near(spec, model)? }
            }
            Property::Lipschitzness(Lipschitzness { epsilon, constant, norm }) => {
                pairs::expect_decidable(spec, model, is_lost)?;
                Lowering::Lipschitz {
                    metric: metric(Norm::Linf, epsilon.value()),
                    norm: *norm,
                    constant: constant.value().clone(),
                    distinct: distinct(rows),
                }
            }
            Property::Stability(_) | Property::HighConfidence(_) | Property::Redundancy(_) => {
                Lowering::Change { changes: ChangedFeatures::new(spec, model, is_lost, domain)? }
            }
        })
    }
}
