//! Posteriors recovered from defended ones, by what the same defense does to a shadow model (as D-DAE, Chen et al. 2023,
//! here for two classes and by nearest neighbours).
//!
//! ```text
//! shadow S   trained on the labels answered
//! pairs      (D(S)(x), S(x)) at the points asked, D the defense, which the attacker knows
//! q          ↦ mean of S(x) over the pairs whose defended posterior is nearest to q
//! ```

use crate::defend::defended_posterior;
use crate::steal::{Knowledge, Labelled, StealError};

use super::{Classifier, SubstituteOptions};

/// Pairs that a recovered posterior is the mean of.
const NEAREST: usize = 5;

/// The points with recovered posteriors, and the labels of these. They stay as they are if there is no defense, its answers are
/// drawn, or only one class was answered.
pub(super) fn recovered(
    points: &[Labelled],
    known: &Knowledge,
    options: &SubstituteOptions,
    seed: u64,
) -> Result<Vec<Labelled>, StealError> {
    let defense = known.defense.filter(|defense| defense.randomised().is_none());
    let Some(defense) = defense else { return Ok(points.to_vec()) };
    let hard: Vec<Labelled> =
        points.iter().map(|point| Labelled { posterior: None, ..point.clone() }).collect();
    let (shadow, _) = Classifier::fit(&hard, known, options, seed)?;
    let Classifier::Model(shadow) = &shadow else { return Ok(points.to_vec()) };
    let pair = |point: &Labelled| {
        let defended = defended_posterior(shadow, defense, &point.values);
        Some((*defended.get(1)?, *shadow.posterior(&point.values).get(1)?))
    };
    let mut pairs: Vec<(f64, f64)> = points.iter().filter_map(pair).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let recover = |point: &Labelled| {
        let given = point.posterior.as_ref().and_then(|p| p.get(1)).filter(|_| known.classes == 2);
        let Some(p) = given.and_then(|q| nearest_mean(&pairs, *q)) else { return point.clone() };
        let label = usize::from(p > 0.5);
        Labelled { label, posterior: Some(vec![1.0 - p, p]), ..point.clone() }
    };
    Ok(points.iter().map(recover).collect())
}

/// The mean second number of the pairs whose first is nearest to `q`; pairs are sorted by it.
fn nearest_mean(pairs: &[(f64, f64)], q: f64) -> Option<f64> {
    let above = pairs.partition_point(|pair| pair.0 < q);
    let (mut from, mut to) = (above, above);
    while to - from < NEAREST.min(pairs.len()) {
        let below = from.checked_sub(1).map(|at| q - pairs[at].0);
        let next = pairs.get(to).map(|pair| pair.0 - q);
        match (below, next) {
            (Some(below), Some(next)) if below <= next => from -= 1,
            (_, Some(_)) => to += 1,
            (Some(_), None) => from -= 1,
            (None, None) => break,
        }
    }
    let near = &pairs[from..to];
    (!near.is_empty()).then(|| near.iter().map(|pair| pair.1).sum::<f64>() / near.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_pairs_are_found_on_both_sides() {
        let pairs: Vec<(f64, f64)> = (0..10).map(|k| (f64::from(k), 10.0 * f64::from(k))).collect();
        assert_eq!(nearest_mean(&pairs, 4.1), Some(40.0));
        assert_eq!(nearest_mean(&pairs, -3.0), Some(20.0));
        assert_eq!(nearest_mean(&pairs, 30.0), Some(70.0));
        assert_eq!(nearest_mean(&pairs[..2], 0.2), Some(5.0));
        assert_eq!(nearest_mean(&[], 0.2), None);
    }
}
