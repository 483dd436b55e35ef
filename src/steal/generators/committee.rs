//! Query by committee: the candidates on which substitutes disagree most.
//!
//! ```text
//! member k     trained on D (networks: with weights and order of its own; trees: on a bootstrap sample of D)
//! candidate    a + t·(b − a) + noise,   a, b random labelled points,  t uniform in [0, 1]
//! disagreement entropy of the mean posterior − mean entropy of the posteriors (Houlsby et al. 2011)
//! ```

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Generator;
use super::maker::View;
use crate::oracle::bits;
use crate::steal::{Classifier, Labelled, StealError, StealStream};

/// Labelled points for each query of a round: rounds grow with the sample, so that as many are needed for ten times the
/// budget as there are steps in its logarithm.
const PER_QUERY: usize = 20;

/// The most disputed of the candidates, `batch` of them or one for every twenty labelled points if that is more, at most
/// `most`; ties by the order of drawing.
pub(super) fn disputed(
    view: &View,
    generator: &Generator,
    most: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<Vec<f64>>, StealError> {
    let Generator::Committee { members, candidates, batch, .. } = *generator else {
        return Ok(Vec::new());
    };
    let committee = train(view, members)?;
    let mut seen = std::collections::BTreeSet::new();
    let mut pool: Vec<(f64, Vec<f64>)> = Vec::with_capacity(candidates);
    for _ in 0..candidates {
        let point = candidate(view, generator, rng);
        if view.label_of(&point).is_none() && seen.insert(bits(&point)) {
            pool.push((disagreement(&committee, &point), point));
        }
    }
    pool.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(pool
        .into_iter()
        .map(|(_, point)| point)
        .take(batch.max(view.points.len() / PER_QUERY).min(most))
        .collect())
}

/// The members, each trained on the points so far.
pub(super) fn train(view: &View, members: usize) -> Result<Vec<Classifier>, StealError> {
    let is_network = view.substitute.is_network(view.known);
    let member = |index: usize| {
        let seed = view.seed.wrapping_add((index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let sample = if is_network { view.points.to_vec() } else { resampled(view.points, seed) };
        Classifier::fit(&sample, view.known, view.substitute, seed).map(|fitted| fitted.0)
    };
    (0..members).map(member).collect()
}

/// As many points, drawn with replacement.
fn resampled(points: &[Labelled], seed: u64) -> Vec<Labelled> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(StealStream::Bootstrap as u64);
    let draw = |_| points.get(rng.random_range(0..points.len())).cloned();
    (0..points.len()).filter_map(draw).collect()
}

fn candidate(view: &View, generator: &Generator, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut pick = || view.points.get(rng.random_range(0..view.points.len().max(1)));
    let (Some(a), Some(b)) = (pick(), pick()) else { return Vec::new() };
    let t: f64 = rng.random();
    let between: Vec<f64> = a.values.iter().zip(&b.values).map(|(x, y)| x + t * (y - x)).collect();
    generator.point(view.known.schema, view.known.valid, &between, &[], rng)
}

/// The information about the label that the choice of a member carries, in nats.
pub(super) fn disagreement(committee: &[Classifier], point: &[f64]) -> f64 {
    let posteriors: Vec<Vec<f64>> = committee.iter().map(|member| member.answer(point).1).collect();
    let count = posteriors.len() as f64;
    let classes = posteriors.first().map_or(0, Vec::len);
    let mean = |c: usize| posteriors.iter().filter_map(|p| p.get(c)).sum::<f64>() / count;
    let together = entropy((0..classes).map(mean));
    let apart = posteriors.iter().map(|p| entropy(p.iter().copied())).sum::<f64>() / count;
    together - apart
}

fn entropy(posterior: impl Iterator<Item = f64>) -> f64 {
    posterior.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum()
}
