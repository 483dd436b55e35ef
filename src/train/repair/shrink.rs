//! The score made smaller until bounds on it hold: base and leaf values times one factor.
//!
//! Labels, their order by the score, and directions stay as they are; confidence is lost, which the log-loss tells.
//! A claim about the score is met so at a price that accuracy does not show (`logic_ensemble`'s published models do
//! the same), so it stands beside other repairs and never in their place.

use crate::certificate::Totals;
use crate::certify::CertifyError;
use crate::model::{DataSet, Ensemble, Family, Model, Node};
use crate::spec::Spec;

use super::{LeafNumbers, RepairOptions, decide};

/// Halvings of the factor that are tried, and steps between the last two.
const HALVINGS: i32 = 16;
const STEPS: usize = 6;

/// The model with the largest factor tried under which all `specs` are proved; `None` if there is none, or for a
/// network.
pub(in crate::train) fn shrink(
    model: &Model,
    specs: &[Spec],
    data: &DataSet,
    options: &RepairOptions,
) -> Result<Option<Model>, CertifyError> {
    let Family::Ensemble(ensemble) = &model.family else { return Ok(None) };
    let scaled =
        |factor: f64| Model { family: Family::Ensemble(times(ensemble, factor)), ..model.clone() };
    let holds = |factor: f64| -> Result<bool, CertifyError> {
        let found = decide(&scaled(factor), specs, data, (&LeafNumbers::default(), options))?;
        let is_met = |totals: &Totals| totals.refuted == 0 && totals.undecided == 0;
        Ok(found.totals.iter().all(is_met))
    };
    let (mut high, mut low) = (1.0, None);
    for halving in 0..=HALVINGS {
        let factor = 0.5_f64.powi(halving);
        if holds(factor)? {
            low = Some(factor);
            break;
        }
        high = factor;
    }
    let Some(mut low) = low else { return Ok(None) };
    for _ in 0..STEPS {
        let middle = (low + high) / 2.0;
        if low < high && holds(middle)? { low = middle } else { high = middle }
    }
    Ok(Some(scaled(low)))
}

/// Base and leaf values times a factor, rounded to f32.
fn times(ensemble: &Ensemble, factor: f64) -> Ensemble {
    let rounded = |x: f64| f64::from((factor * x) as f32);
    let mut scaled = ensemble.clone();
    scaled.base.iter_mut().for_each(|base| *base = rounded(*base));
    for node in scaled.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
        if let Node::Leaf(value) = node {
            *value = rounded(*value);
        }
    }
    scaled
}
