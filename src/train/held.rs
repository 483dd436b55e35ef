//! The specs that a recipe names, with their settings.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::source::{SourceError, read_regular};
use crate::spec::Spec;
use crate::violation::FlipLoss;

use super::RecipeError;
use super::mlp::{MlpOptions, TrainedClaim, Trainer, USUAL_WEIGHT, is_claim};

/// Largest recipe or spec, in bytes.
const MAX_BYTES: u64 = 8 << 20;

/// `[[property]]` of a recipe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecipeProperty {
    spec: PathBuf,
    weight: Option<f64>,
    bounds: Option<f64>,
    loss: Option<FlipLoss>,
}

impl RecipeProperty {
    /// The file of the spec, as the recipe names it.
    pub(super) fn file(&self) -> &Path {
        &self.spec
    }
}

/// A spec that a model is trained to hold, with the settings of its loss; those left out are the usual ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HeldSpec {
    pub(super) spec: Spec,
    weight: Option<f64>,
    bounds: Option<f64>,
    loss: Option<FlipLoss>,
}

impl From<Spec> for HeldSpec {
    fn from(spec: Spec) -> Self {
        Self { spec, weight: None, bounds: None, loss: None }
    }
}

pub(super) fn read_text(path: &Path) -> Result<Vec<u8>, SourceError> {
    read_regular(path, MAX_BYTES)
}

impl RecipeProperty {
    /// Reads the spec, whose path is relative to `folder`.
    pub(super) fn open(self, folder: &Path) -> Result<HeldSpec, RecipeError> {
        let path = folder.join(&self.spec);
        let spec = Spec::read(&read_text(&path)?)
            .map_err(|error| RecipeError::Spec { path: path.clone(), error })?;
        let Self { weight, bounds, loss, .. } = self;
        let held = HeldSpec { spec, weight, bounds, loss };
        match held.misplaced() {
            None => Ok(held),
            Some((key, reason)) => Err(RecipeError::PropertySetting { path, key, reason }),
        }
    }
}

impl HeldSpec {
    /// A spec about two points, or pairs of rows, with the weights of its loss and of bounds on slopes.
    pub(super) fn weighted(spec: Spec, weight: f64, bounds: f64) -> Self {
        Self { spec, weight: Some(weight), bounds: Some(bounds), loss: None }
    }

    /// The same with so many times the weights that are given.
    pub(super) fn times(&self, times: f64) -> Self {
        let more = |weight: Option<f64>| weight.map(|weight| weight * times);
        Self { weight: more(self.weight), bounds: more(self.bounds), ..self.clone() }
    }

    /// True if it is about labels in the boxes of rows.
    fn is_local(&self) -> bool {
        !is_claim(&self.spec.property)
    }

    /// A setting that its property does not take, with the reason.
    fn misplaced(&self) -> Option<(&'static str, &'static str)> {
        let is_flip = matches!(self.spec.property, crate::spec::Property::BoundaryFuzz(_));
        if self.loss.is_some() && !is_flip {
            return Some(("loss", "the boundary property alone has a choice of losses"));
        }
        if self.bounds.is_some() && self.is_local() {
            return Some(("bounds", "a trainer with bounds holds labels: [training] trainer"));
        }
        None
    }

    /// The first setting that is given, whatever it is.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            ("weight", self.weight.is_some()),
            ("bounds", self.bounds.is_some()),
            ("loss", self.loss.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(key, _)| key)
    }
}

/// The specs about labels in the boxes of rows, to which the trainer's own loss belongs.
pub(super) fn local(held: &[HeldSpec]) -> Vec<Spec> {
    held.iter().filter(|it| it.is_local()).map(|it| it.spec.clone()).collect()
}

/// All specs: those about labels, then the others.
pub(super) fn in_order(held: &[HeldSpec]) -> Vec<Spec> {
    let others = held.iter().filter(|it| !it.is_local()).map(|it| it.spec.clone());
    local(held).into_iter().chain(others).collect()
}

/// The other specs, each a claim with its loss. The usual weight is that of `dl2`, if that is the trainer.
pub(super) fn claims(held: &[HeldSpec], options: &MlpOptions) -> Vec<TrainedClaim> {
    let is_dl2 = options.robust.trainer == Trainer::Dl2;
    let usual = if is_dl2 { options.robust.weight } else { USUAL_WEIGHT };
    let claim = |it: &HeldSpec| TrainedClaim {
        spec: it.spec.clone(),
        weight: it.weight.unwrap_or(usual),
        bounds: it.bounds.unwrap_or(0.0),
        flip: it.loss.unwrap_or_default(),
    };
    held.iter().filter(|it| !it.is_local()).map(claim).collect()
}

/// The weight that entries about labels ask of `dl2`: one for all of them. `Err`: another trainer, or several weights.
pub(super) fn label_weight(
    held: &[HeldSpec],
    trainer: Trainer,
) -> Result<Option<f64>, RecipeError> {
    let mut weights = held.iter().filter(|it| it.is_local()).filter_map(|it| it.weight);
    let Some(first) = weights.next() else { return Ok(None) };
    let is_alike = weights.all(|weight| weight == first);
    match is_alike && trainer == Trainer::Dl2 {
        true => Ok(Some(first)),
        false => Err(RecipeError::LabelWeight),
    }
}
