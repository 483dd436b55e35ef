//! The setting that a property is lowered on: a model, its domain and rows, and the choices of the spec.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::defense::Asked;
use crate::interval::{Decimal, Rational};
use crate::model::{Family, Feature, Model, Point, Row, argmax};

use super::super::region::Metric;
use super::super::{BallRadius, Domain, FeatureName, LabelSource, Norm, RawRegion, Spec};
use super::carried::Carried;
use super::{Claim, LowerError, Lowering, PairBound, Places, Variation, unsupported};

#[derive(Debug)]
pub(in crate::spec) struct Setting<'a> {
    pub(in crate::spec) spec: &'a Spec,
    pub(in crate::spec) model: &'a Model,
    pub(in crate::spec) rows: &'a [Row],
    pub(in crate::spec) domain: Domain,
    pub(super) carried: Carried,
}

impl Setting<'_> {
    /// A distance in the units of the spec, with a radius.
    pub(in crate::spec) fn metric(&self, norm: Norm, radius: &Rational) -> Arc<Metric> {
        Arc::new(Metric::new(&self.model.schema, self.spec.units, norm, radius))
    }

    /// The balls of a radius around rows, or the boxes of one per feature.
    pub(in crate::spec) fn ball_of(
        &self,
        norm: Norm,
        radius: &BallRadius,
    ) -> Result<Arc<Metric>, LowerError> {
        let radii = match radius {
            BallRadius::Same(radius) => return Ok(self.metric(norm, radius.value())),
            BallRadius::PerFeature(radii) => radii,
        };
        let names: Vec<FeatureName> = radii.keys().cloned().map(FeatureName::Name).collect();
        let mut reach = vec![Rational::ZERO; self.model.schema.len()];
        for (feature, radius) in self.features(&names)?.into_iter().zip(radii.values()) {
            let known = || LowerError::no_features(&self.model.schema, &[]);
            *reach.get_mut(feature.0).ok_or_else(known)? = radius.value().clone();
        }
        Ok(Arc::new(Metric::of_box(reach)))
    }

    /// The balls of that radius around rows; without a radius the whole domain.
    pub(in crate::spec) fn around(&self, norm: Norm, radius: Option<&Decimal>) -> Places {
        radius.map_or(Places::Domain, |radius| Places::Rows(self.metric(norm, radius.value())))
    }

    /// The claim that a bound holds for all pairs of rows.
    pub(in crate::spec) fn all_pairs(&self, bound: PairBound) -> Result<Lowering, LowerError> {
        self.expect_two_points()?;
        let weights = Arc::clone(self.metric(Norm::L2, &Rational::ZERO).weights());
        let claim = Claim::AllPairs { bound, weights };
        Ok(Lowering { places: Places::Bare, claim, variation: Variation::Same })
    }

    /// The whole domain; refused if a feature has no range.
    pub(in crate::spec) fn whole_domain(&self) -> Result<RawRegion, LowerError> {
        self.domain.region().ok_or_else(|| {
            let sides = self.domain.sides().iter().zip(self.model.schema.features());
            let open = sides.filter(|((low, high), _)| low.is_none() || high.is_none());
            let names = open.map(|(_, feature)| feature.name.clone()).collect();
            LowerError::Unbounded { names, has_domain: !self.spec.domain.is_empty() }
        })
    }

    /// The features of those names, each once.
    pub(in crate::spec) fn features(
        &self,
        names: &[FeatureName],
    ) -> Result<Vec<Feature>, LowerError> {
        let schema = &self.model.schema;
        let unknown: Vec<String> = names
            .iter()
            .filter(|name| name.find(schema).is_none())
            .map(FeatureName::to_string)
            .collect();
        let mut seen = BTreeSet::new();
        let find = |name: &FeatureName| {
            let refused = || LowerError::no_features(schema, &unknown);
            let feature = name.find(schema).ok_or_else(refused)?;
            let twice = || LowerError::Twice { name: name.to_string() };
            seen.insert(feature).then_some(feature).ok_or_else(twice)
        };
        names.iter().map(find).collect()
    }

    /// The features of those names, each in a group of its own.
    pub(in crate::spec) fn one_by_one(
        &self,
        names: &[FeatureName],
    ) -> Result<Vec<Vec<Feature>>, LowerError> {
        Ok(self.features(names)?.into_iter().map(|feature| vec![feature]).collect())
    }

    /// Refuses claims about two points with more than two classes. They are decided with two classes and for a plain score.
    pub(in crate::spec) fn expect_two_points(&self) -> Result<(), LowerError> {
        if self.model.classes > 2 {
            let why = "it is decided for two";
            return Err(unsupported(self.property("with more than two classes"), why));
        }
        Ok(())
    }

    /// Refuses claims that nothing decides behind a defense: about scores, which it does not answer, or about rows whose
    /// answers it draws.
    pub(super) fn expect_decided(&self, asked: &Asked) -> Result<(), LowerError> {
        match (&self.carried, asked) {
            (Carried::Lost, Asked::Change | Asked::Rows) => {
                let why = "the defense carries no such claim";
                Err(unsupported(self.property("behind this defense"), why))
            }
            _ => Ok(()),
        }
    }

    /// Refuses claims about a point and a changed copy of it that are not decided.
    pub(in crate::spec) fn expect_changes(&self) -> Result<(), LowerError> {
        self.expect_two_points()?;
        match self.model.family {
            Family::Ensemble(_) => Ok(()),
            Family::Mlp(_) => {
                Err(unsupported(self.property("of a network"), "it is decided for ensembles only"))
            }
        }
    }

    /// The property, in words of an error.
    pub(super) fn property(&self, more: &str) -> String {
        format!("property `{}` {more}", self.spec.property.name())
    }

    /// The label that an obligation about a row is made for.
    pub(super) fn label(&self, index: usize) -> Option<usize> {
        let row = self.rows.get(index)?;
        match self.spec.label {
            LabelSource::True => Some(row.label),
            LabelSource::Predicted => self.predicted(index),
        }
    }

    /// The label of the model at a row, evaluated exactly.
    pub(super) fn predicted(&self, index: usize) -> Option<usize> {
        let point = Point::from_floats(&self.rows.get(index)?.values)?;
        Some(argmax(&self.model.exact_scores(&point), self.model.tie))
    }

    /// Refuses labels that the model does not know. A claim about a plain score does not look at the labels of
    /// rows.
    pub(super) fn expect_labels(&self) -> Result<(), LowerError> {
        let classes = self.model.classes;
        let is_unknown = |row: &Row| !self.model.is_plain_score() && row.label >= classes;
        let unknown = self.rows.iter().enumerate().find(|(_, row)| is_unknown(row));
        unknown.map_or(Ok(()), |(index, row)| {
            Err(LowerError::Label { row: index, label: row.label, classes })
        })
    }

    /// The ball around a row, and true if its centre lies in the domain.
    pub(super) fn ball(&self, row: usize, metric: &Arc<Metric>) -> Option<(bool, RawRegion)> {
        let centre = Point::from_floats(&self.rows.get(row)?.values)?;
        let ball = RawRegion::ball(&centre, metric, &self.domain);
        Some((self.domain.contains(&centre), ball))
    }
}
