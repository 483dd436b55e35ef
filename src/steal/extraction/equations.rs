//! Equation solving (Tramèr et al. 2016, section 4.1), where posteriors are answered.
//!
//! ```text
//! one layer    ln(p_c / p_0) = w_c·z + b_c − (w_0·z + b_0):  d + 1 points give every coefficient
//! otherwise    the rest of the budget on uniform points, and a network by least squares on centred logits
//! ```
//!
//! The points are one inner point and, per feature, that point with the feature moved. A few further points tell
//! the first case from the second. The layer that is read off has class 0 at 0; posteriors are those of the target up
//! to the rounding of floats.

use rand_chacha::ChaCha8Rng;

use crate::model::{Family, Layer, Link, Mlp, Model, Precision, Tie};
use crate::oracle::{Oracle, Response};
use crate::steal::{
    Attack, Classifier, Knowledge, StealError, StealStream, Substitute, SubstituteOptions, stream,
};

/// Points that test a layer.
const TESTS: usize = 5;
/// Uniform points among which an inner one is looked for.
const STARTS: usize = 20;
/// Posteriors nearer to 0 than this are too coarse to solve with.
const SMALLEST: f64 = 1e-6;
/// Largest difference of a tested posterior.
const SLACK: f64 = 1e-6;

/// The attack; the network of the second case is trained as `substitute` says.
#[derive(Clone, Debug, PartialEq)]
pub struct EquationSolving {
    /// The training of a network.
    pub substitute: SubstituteOptions,
}

impl Attack for EquationSolving {
    fn expect(&self, oracle: &Oracle, _: &Knowledge) -> Result<(), StealError> {
        match oracle.response() {
            Response::Posterior => Ok(()),
            other @ (Response::Label | Response::SampledLabel | Response::SampledAfresh) => {
                Err(StealError::NeedsPosteriors { found: other.name() })
            }
        }
    }

    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        seed: u64,
    ) -> Result<Substitute, StealError> {
        self.expect(oracle, known)?;
        let mut rng = stream(seed, StealStream::Points);
        if let Some(model) = solve(oracle, known, &mut rng)?
            && holds(oracle, known, &model, &mut rng)?
        {
            let classifier = Classifier::Model(Box::new(model));
            return Ok(Substitute { classifier, sample: super::paid(oracle), steps: 0 });
        }
        while oracle.remaining() > 0 {
            oracle.posterior(&known.valid.uniform(&mut rng))?;
        }
        let sample = super::paid(oracle);
        let (classifier, steps) =
            Classifier::fit_logits(&sample.points, known, &self.substitute, seed)?;
        Ok(Substitute { classifier, sample, steps })
    }
}

/// `ln(p_c / p_0)` for every class.
fn logits(posterior: &[f64]) -> Vec<f64> {
    let first = posterior.first().copied().unwrap_or(1.0);
    posterior.iter().map(|p| (p / first).ln()).collect()
}

fn is_inner(posterior: &[f64]) -> bool {
    posterior.iter().all(|p| *p >= SMALLEST)
}

/// The one layer through the answers at `d + 1` points; `None` if the budget or the posteriors do not suffice.
fn solve(
    oracle: &mut Oracle,
    known: &Knowledge,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Model>, StealError> {
    let mut start = None;
    for _ in 0..STARTS {
        if start.is_none() && oracle.remaining() > known.schema.len() + TESTS {
            let point = known.valid.uniform(rng);
            let posterior = oracle.posterior(&point)?;
            start = is_inner(&posterior).then_some((point, posterior));
        }
    }
    let Some((start, posterior)) = start else { return Ok(None) };
    let origin = logits(&posterior);
    let z = known.schema.standardise(&start);
    let mut columns = Vec::with_capacity(z.len());
    for feature in 0..z.len() {
        let Some(column) = column(oracle, known, (&start, &origin), feature)? else {
            return Ok(None);
        };
        columns.push(column);
    }
    let classes = known.classes;
    let row = |class: usize| columns.iter().map(move |column| column[class]);
    let weights: Vec<f64> = (0..classes).flat_map(row).collect();
    let dot = |class: usize| row(class).zip(&z).map(|(w, z)| w * z).sum::<f64>();
    let bias = (0..classes).map(|class| origin[class] - dot(class)).collect();
    let layer = Layer { weights, bias, inputs: z.len() };
    Ok(Some(Model {
        schema: known.schema.clone(),
        precision: Precision::F64,
        tie: Tie::Lower,
        classes,
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers: vec![layer] }),
    }))
}

/// The coefficients of a feature, one per class. The feature is moved less and less until no posterior is too small.
fn column(
    oracle: &mut Oracle,
    known: &Knowledge,
    (start, origin): (&[f64], &[f64]),
    feature: usize,
) -> Result<Option<Vec<f64>>, StealError> {
    let spec = &known.schema.features()[feature];
    let (low, high) = known.valid.sides()[feature];
    if low == high {
        // it never moves: its coefficient is part of the bias
        return Ok(Some(vec![0.0; known.classes]));
    }
    let is_up = high - start[feature] >= start[feature] - low;
    let mut step = if is_up { high - start[feature] } else { start[feature] - low };
    step = step.min(1.0 / f64::from(spec.scale)).max(if spec.kind.is_whole() { 1.0 } else { 0.0 });
    while oracle.remaining() > 0 {
        let mut point = start.to_vec();
        point[feature] += if is_up { step } else { -step };
        known.valid.snap(&mut point);
        if point[feature] == start[feature] {
            return Ok(None);
        }
        let posterior = oracle.posterior(&point)?;
        if is_inner(&posterior) {
            let moved = f64::from(spec.scale) * (point[feature] - start[feature]);
            let slope = |(l, o): (f64, &f64)| (l - o) / moved;
            return Ok(Some(logits(&posterior).into_iter().zip(origin).map(slope).collect()));
        }
        step /= 4.0;
    }
    Ok(None)
}

/// True if the layer answers further points as the target does.
fn holds(
    oracle: &mut Oracle,
    known: &Knowledge,
    model: &Model,
    rng: &mut ChaCha8Rng,
) -> Result<bool, StealError> {
    for _ in 0..TESTS.min(oracle.remaining()) {
        let point = known.valid.uniform(rng);
        let found = oracle.posterior(&point)?;
        let own = model.posterior(&point);
        if found.iter().zip(&own).any(|(a, b)| (a - b).abs() > SLACK) {
            return Ok(false);
        }
    }
    Ok(true)
}
