//! The attack: points that look like counterexamples in floats. The kernel evaluates them exactly.
//!
//! Networks: sign-gradient descent on the margin of violation from the row and from random starts
//! (projected gradient descent, Madry et al. 2018). Ensembles: random points. What no attack finds is not
//! thereby proved.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::model::{Family, FeatureSpec, Mlp, Model, Point, Schema};
use crate::spec::{Claim, Obligation, RawRegion};

use super::{Searcher, boundary, monotone, nearby, reach};

/// Steps of a descent.
const STEPS: usize = 12;

/// The largest box of floats inside a region, raw. Where a side holds no float, `lo > hi` there.
pub(super) struct FloatBox {
    lo: Vec<f64>,
    hi: Vec<f64>,
    is_whole: Vec<bool>,
}

impl FloatBox {
    pub(super) fn new(region: &RawRegion) -> Self {
        let lo = region.sides().iter().map(|(lo, _)| lo.up()).collect();
        let hi = region.sides().iter().map(|(_, hi)| hi.down()).collect();
        Self { lo, hi, is_whole: region.is_whole().to_vec() }
    }

    /// The nearest member of the box, whole where it must be.
    pub(super) fn clip(&self, raw: &mut [f64]) {
        for (index, x) in raw.iter_mut().enumerate() {
            if self.is_whole[index] {
                *x = x.round();
            }
            // an end that no float reaches leaves an empty side: any value is then refused later
            *x = x.max(self.lo[index]).min(self.hi[index].max(self.lo[index])) + 0.0;
        }
    }

    /// The member nearest to a standardised point (of both copies, with two).
    pub(super) fn nearest(&self, schema: &Schema, standardised: &[f64]) -> Vec<f64> {
        let features = schema.features().iter().cycle().zip(standardised);
        let raw = |(f, z): (&FeatureSpec, &f64)| z / f64::from(f.scale) + f64::from(f.mean);
        let mut point = features.map(raw).collect::<Vec<_>>();
        self.clip(&mut point);
        point
    }

    /// Which coordinates take whole numbers only.
    pub(super) fn is_whole(&self) -> &[bool] {
        &self.is_whole
    }

    pub(super) fn lo(&self) -> &[f64] {
        &self.lo
    }

    pub(super) fn hi(&self) -> &[f64] {
        &self.hi
    }

    pub(super) fn middle(&self) -> Vec<f64> {
        let ends = self.lo.iter().zip(&self.hi);
        let mut middle: Vec<f64> = ends.map(|(lo, hi)| lo + (hi - lo) / 2.0).collect();
        self.clip(&mut middle);
        middle
    }

    pub(super) fn random(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let ends = self.lo.iter().zip(&self.hi);
        let mut point: Vec<f64> =
            ends.map(|(lo, hi)| lo + (hi - lo) * rng.random::<f64>()).collect();
        self.clip(&mut point);
        point
    }
}

/// Sets of points to offer as counterexamples, few and promising.
pub(super) fn candidates(searcher: &Searcher, obligation: &Obligation) -> Vec<Vec<Vec<String>>> {
    let mut rng = ChaCha8Rng::seed_from_u64(searcher.options.seed);
    rng.set_stream(obligation.at as u64);
    let space = FloatBox::new(&obligation.region);
    let start = match searcher.lowered.row_of(obligation.at) {
        Some(row) => searcher.rows[row].values.clone(),
        None => space.middle(),
    };
    let found = match &obligation.claim {
        Claim::Avoid { copies, .. } => {
            let blocks = searcher.blocks();
            return reach::candidates(searcher, obligation, *copies, blocks, 0..=0, &mut rng);
        }
        Claim::AllPairs { .. } => None,
        Claim::Near { .. } | Claim::Lipschitz { .. } => {
            nearby::steepest(searcher, obligation, &space, &mut rng)
        }
        Claim::Monotone { feature, direction, .. } => {
            monotone::walk(searcher, obligation, &space, feature.0, *direction, &mut rng)
        }
        Claim::Label { .. } | Claim::Posterior { .. } => {
            descend(searcher, obligation, &space, start, &mut rng).map(|point| vec![point])
        }
        Claim::Fuzz { .. } => {
            let mut point = descend(searcher, obligation, &space, start, &mut rng);
            if point.is_none() && searcher.lowered.row_of(obligation.at).is_none() {
                point = boundary::barely_confident(searcher, obligation, &space, &mut rng);
            }
            let model = searcher.subject.model.0;
            point.and_then(|point| boundary::witness(model, &obligation.claim, point))
        }
    };
    found.map(|points| texts(&points)).into_iter().collect()
}

/// Points of a region that look like counterexamples: its middle and the point `corner`
/// (standardised); for claims about two points a step across its middle.
pub(super) fn candidates_in(
    searcher: &Searcher,
    obligation: &Obligation,
    region: &RawRegion,
    corner: Option<&[f64]>,
) -> Vec<Vec<Vec<String>>> {
    let model = searcher.subject.model.0;
    let space = FloatBox::new(region);
    if let Claim::Monotone { .. } = &obligation.claim {
        let found = monotone::across(searcher, obligation, &space);
        return found.map(|points| texts(&points)).into_iter().collect();
    }
    let middle = space.middle();
    if let Claim::Near { .. } | Claim::Lipschitz { .. } = &obligation.claim {
        let found = nearby::across(searcher, obligation, &middle);
        return found.map(|points| texts(&points)).into_iter().collect();
    }
    let corner = corner.map(|z| space.nearest(&model.schema, z));
    let points = std::iter::once(middle).chain(corner);
    let hits = points.filter(|point| excess(searcher, obligation, point) <= 0.0);
    let witnesses = hits.filter_map(|point| match &obligation.claim {
        claim @ Claim::Fuzz { .. } => boundary::witness(model, claim, point),
        _ => Some(vec![point]),
    });
    witnesses.map(|points| texts(&points)).collect()
}

/// Points as a certificate writes them.
pub(super) fn texts(points: &[Vec<f64>]) -> Vec<Vec<String>> {
    points.iter().map(|point| Point::texts(point)).collect()
}

/// By how much the claim holds at a raw point, in floats; at most 0 looks like a violation. In units of
/// the claim: margins, posteriors, or nothing but a sign; infinite for claims about two points and regions.
pub(super) fn excess(searcher: &Searcher, obligation: &Obligation, raw: &[f64]) -> f64 {
    let model = searcher.subject.model.0;
    if let Some((defense, _)) = searcher.subject.defense {
        let answer = defense.apply(&model.posterior(raw), model.label(raw));
        return match &obligation.claim {
            Claim::Label { label } => answer[*label] - 0.5,
            Claim::Posterior { label, odds, .. } => answer[*label] - 1.0 / (1.0 + odds.down()),
            _ => f64::INFINITY,
        };
    }
    match &obligation.claim {
        Claim::Label { label } => margin_of(model, *label, raw),
        Claim::Posterior { label, threshold, .. } if model.classes == 2 => {
            margin_of(model, *label, raw) - threshold.below.up()
        }
        Claim::Posterior { label, odds, .. } => {
            model.posterior(raw)[*label] - 1.0 / (1.0 + odds.down())
        }
        claim @ Claim::Fuzz { margin, .. } => {
            let confidence = model.margin(raw).abs() - margin.above.up();
            let is_sensitive = confidence >= 0.0 && boundary::flip(model, raw, claim).is_some();
            if is_sensitive { 0.0 } else { 1.0 + confidence.abs() }
        }
        Claim::Monotone { .. } | Claim::Avoid { .. } => f64::INFINITY,
        Claim::Near { .. } | Claim::Lipschitz { .. } | Claim::AllPairs { .. } => f64::INFINITY,
    }
}

/// The smallest score difference of the label to another class.
fn margin_of(model: &Model, label: usize, raw: &[f64]) -> f64 {
    let scores = model.scores(raw);
    let others = scores.iter().enumerate().filter(|(class, _)| *class != label);
    others.map(|(_, score)| scores[label] - score).fold(f64::INFINITY, f64::min)
}

/// Descends from the row and from random starts until something looks like a violation.
fn descend(
    searcher: &Searcher,
    obligation: &Obligation,
    space: &FloatBox,
    start: Vec<f64>,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<f64>> {
    let model = searcher.subject.model.0;
    let is_hit = |point: &[f64]| {
        excess(searcher, obligation, point) <= 0.0
            && Point::from_floats(point).is_some_and(|p| obligation.region.contains(&p))
    };
    if is_hit(&start) {
        return Some(start);
    }
    for attempt in 0..=searcher.options.attack_starts {
        let mut point = if attempt == 0 { start.clone() } else { space.random(rng) };
        let Family::Mlp(mlp) = &model.family else {
            if is_hit(&point) {
                return Some(point);
            }
            continue;
        };
        let towards = downhill(obligation, model)?;
        for step in 0..STEPS {
            let gradient = slopes(mlp, &model.schema.standardise(&point), &towards);
            let share = 0.5 * (1.0 - step as f64 / STEPS as f64) + 0.02;
            for (index, slope) in gradient.iter().enumerate() {
                let width = space.hi[index] - space.lo[index];
                // raw and standardised slopes have the same sign
                point[index] -= share * width * if *slope == 0.0 { 0.0 } else { slope.signum() };
            }
            space.clip(&mut point);
            if is_hit(&point) {
                return Some(point);
            }
        }
    }
    None
}

/// The row of logits whose decrease violates the claim (for two classes; else against class 0 or 1).
fn downhill(obligation: &Obligation, model: &Model) -> Option<Vec<f64>> {
    let label = match &obligation.claim {
        Claim::Label { label } | Claim::Posterior { label, .. } => *label,
        Claim::Fuzz { .. } => 1,
        Claim::Monotone { .. } | Claim::Avoid { .. } => return None,
        Claim::Near { .. } | Claim::Lipschitz { .. } | Claim::AllPairs { .. } => return None,
    };
    let share = -1.0 / (model.classes - 1) as f64;
    Some((0..model.classes).map(|class| if class == label { 1.0 } else { share }).collect())
}

/// `∂(row·logits)/∂z` at a standardised point, in floats.
pub(super) fn slopes(mlp: &Mlp, standardised: &[f64], row: &[f64]) -> Vec<f64> {
    let mut activations = vec![standardised.to_vec()];
    for layer in &mlp.layers {
        let inputs = &activations[activations.len() - 1];
        let dot = |weights: &[f64]| weights.iter().zip(inputs).map(|(w, x)| w * x).sum::<f64>();
        let outputs = layer.rows().zip(&layer.bias).map(|(w, b)| (dot(w) + b).max(0.0)).collect();
        activations.push(outputs);
    }
    let mut gradient = row.to_vec();
    for (index, layer) in mlp.layers.iter().enumerate().rev() {
        let mut below = vec![0.0; layer.inputs];
        for (weights, g) in layer.rows().zip(&gradient) {
            for (sum, w) in below.iter_mut().zip(weights) {
                *sum += g * w;
            }
        }
        if index > 0 {
            for (g, h) in below.iter_mut().zip(&activations[index]) {
                if *h <= 0.0 {
                    *g = 0.0;
                }
            }
        }
        gradient = below;
    }
    gradient
}
