//! The boxes of a claim's points for the rows of a batch: around rows, or parts of the domain.

use ndarray::{Array1, Array2, Axis, NdFloat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{Row, Schema};
use crate::spec::{BallRadius, Label, Lowered, Norm, Property, RawRegion, Spec};
use crate::train::TrainError;
use crate::train::demand::blank;
use crate::violation::FloatBox;

use super::super::examples::Batch;
use super::super::network::float;

/// The half side of the part of the domain in which a first point moves, in standard deviations.
const PART: f64 = 1.0;

/// The places at which a claim is made.
pub(super) enum ClaimPlace<F> {
    /// The box around each row.
    Rows([Array2<F>; 2]),
    /// The whole domain.
    Domain([Array1<F>; 2]),
}

/// The boxes of a batch, shape `[rows][features]`.
pub(super) struct BatchBoxes<F> {
    pub(super) near: [Array2<F>; 2],
    pub(super) far: [Array2<F>; 2],
}

impl<F: NdFloat> BatchBoxes<F> {
    pub(super) fn new(rows: usize, features: usize) -> Self {
        let zeros = || Array2::zeros((rows, features));
        Self { near: [zeros(), zeros()], far: [zeros(), zeros()] }
    }
}

/// A region's box in standardised floats.
pub(super) fn standardised<F: NdFloat>(region: &RawRegion, schema: &Schema) -> [Array1<F>; 2] {
    let reach = FloatBox::new(region);
    [reach.lo(), reach.hi()].map(|end| {
        schema.standardise(end).into_iter().map(|z| F::from(z).unwrap_or_else(F::zero)).collect()
    })
}

impl<F: NdFloat> ClaimPlace<F> {
    /// The boxes around rows in which a spec makes its claims; a row outside the domain does not move.
    pub(super) fn around(spec: &Spec, schema: &Schema, rows: &[Row]) -> Result<Self, TrainError> {
        let spec = around_one_row(spec);
        let model = blank(schema, 2);
        let lowered = Lowered::new(&spec, &model, None, rows).map_err(|error| {
            TrainError::Property { property: spec.property.name(), reason: error.to_string() }
        })?;
        let per_row = lowered.len() / rows.len().max(1);
        let mut ends = [0, 1].map(|_| Array2::<F>::zeros((rows.len(), schema.len())));
        for (at, row) in rows.iter().enumerate() {
            let own: Array1<F> = schema.standardise(&row.values).into_iter().map(float).collect();
            let obligation = lowered.obligation(at * per_row);
            let region = obligation.filter(|it| it.standing == crate::spec::Standing::Open);
            let sides = region.map(|it| standardised(&it.region, schema));
            let sides = sides.unwrap_or_else(|| [own.clone(), own.clone()]);
            // a row that is rounded lies in its box all the same
            let [lo, hi] = &sides;
            for (i, z) in own.iter().enumerate() {
                ends[0][[at, i]] = lo[i].min(*z);
                ends[1][[at, i]] = hi[i].max(*z);
            }
        }
        Ok(Self::Rows(ends))
    }

    /// Fills the boxes of a batch, of both points alike, with the share `growth` of the reach.
    pub(super) fn fill(
        &self,
        batch: &Batch<F>,
        growth: f64,
        boxes: &mut BatchBoxes<F>,
        rng: &mut ChaCha8Rng,
    ) {
        let share = float::<F>(growth);
        match self {
            Self::Rows(ends) => {
                for (end, slot) in ends.iter().zip(&mut boxes.near) {
                    for (at, row) in batch.chosen.iter().enumerate() {
                        let inputs = batch.inputs.index_axis(Axis(0), at);
                        for (i, x) in inputs.iter().enumerate() {
                            slot[[at, i]] = *x + share * (end[[*row, i]] - *x);
                        }
                    }
                }
                boxes.far = boxes.near.clone();
            }
            Self::Domain([lo, hi]) => {
                let part = share * float(PART);
                for at in 0..batch.chosen.len() {
                    // a third of the points lie at rows, the others anywhere, most of them near rows
                    let far = if at % 3 == 0 { 0.0 } else { rng.random::<f64>().powi(3) };
                    for i in 0..lo.len() {
                        let x = batch.inputs[[at, i]].max(lo[i]).min(hi[i]);
                        let random = lo[i] + (hi[i] - lo[i]) * float(rng.random::<f64>());
                        let x = x + float::<F>(far) * (random - x);
                        boxes.near[0][[at, i]] = (x - part).max(lo[i]);
                        boxes.near[1][[at, i]] = (x + part).min(hi[i]);
                        boxes.far[0][[at, i]] = lo[i];
                        boxes.far[1][[at, i]] = hi[i];
                    }
                }
            }
        }
    }
}

/// A spec whose boxes are those of each row alone: of two rows, each has its own.
fn around_one_row(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    if let Property::Lipschitzness(lipschitzness) = &spec.property {
        let epsilon = lipschitzness.epsilon.clone();
        spec.property =
            Property::Label(Label { epsilon: BallRadius::Same(epsilon), norm: Norm::Linf });
    }
    spec
}
