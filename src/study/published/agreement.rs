//! How far two columns of numbers go together.

use super::compared::PublishedFinding;

/// The numbers of a table beside the figures of studies, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct TableAgreement {
    /// Numbers that have a figure; all that follows is about these.
    pub(super) with: usize,
    /// Mean of the printed numbers.
    pub(super) published: Option<f64>,
    /// Mean of the figures.
    pub(super) here: Option<f64>,
    /// Mean of the absolute differences.
    pub(super) distance: Option<f64>,
    /// Numbers of one sign on both sides; `None` if none is negative.
    pub(super) signs: Option<usize>,
    /// Figures with an interval.
    pub(super) judged: usize,
    /// Intervals that do not hold the printed number.
    pub(super) apart: usize,
    /// Spearman's rank correlation; `None` where one side is constant.
    pub(super) rank: Option<f64>,
}

impl TableAgreement {
    /// Sums up a table.
    pub(super) fn of(findings: &[PublishedFinding]) -> Self {
        let pairs: Vec<(f64, f64)> =
            findings.iter().filter_map(|one| Some((one.published, one.here?.mean))).collect();
        let mean = |value: &dyn Fn(&(f64, f64)) -> f64| {
            let sum: f64 = pairs.iter().map(value).sum();
            (!pairs.is_empty()).then(|| sum / pairs.len() as f64)
        };
        let is_negative = |&(published, here): &(f64, f64)| published < 0.0 || here < 0.0;
        let is_one_sign = |&&(published, here): &&(f64, f64)| (published < 0.0) == (here < 0.0);
        let judged = findings.iter().filter_map(PublishedFinding::is_apart);
        Self {
            with: pairs.len(),
            published: mean(&|pair| pair.0),
            here: mean(&|pair| pair.1),
            distance: mean(&|pair| (pair.0 - pair.1).abs()),
            signs: pairs.iter().any(is_negative).then(|| pairs.iter().filter(is_one_sign).count()),
            judged: judged.clone().count(),
            apart: judged.filter(|is_apart| *is_apart).count(),
            rank: rank_correlation(&pairs),
        }
    }
}

/// Pearson's correlation of the ranks (Spearman 1904); equal numbers share the mean of their ranks.
fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let one = ranks(pairs.iter().map(|pair| pair.0).collect());
    let other = ranks(pairs.iter().map(|pair| pair.1).collect());
    let middle = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let spread = product(&one, &one) * product(&other, &other);
    (spread > 0.0).then(|| product(&one, &other) / spread.sqrt())
}

/// The rank of each number from 0, equal ones at the mean of their places.
fn ranks(values: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut ranks, mut first) = (vec![0.0; values.len()], 0);
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = first as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|&at| ranks[at] = rank);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_that_are_equal_share_their_mean() {
        assert_eq!(ranks(vec![3.0, 1.0, 3.0, -2.0]), [2.5, 1.0, 2.5, 0.0]);
    }

    #[test]
    fn correlation_knows_order_alone() {
        let pairs =
            |other: [f64; 4]| [1.0, 2.0, 3.0, 4.0].into_iter().zip(other).collect::<Vec<_>>();
        assert_eq!(rank_correlation(&pairs([1.0, 10.0, 11.0, 1e9])), Some(1.0));
        assert_eq!(rank_correlation(&pairs([4.0, 3.0, 2.0, 1.0])), Some(-1.0));
        // by hand: ranks 0 1 2 3 and 1 0 3 2 have the covariance 3 of the variance 5
        assert_eq!(rank_correlation(&pairs([2.0, 1.0, 4.0, 3.0])), Some(0.6));
        assert_eq!(rank_correlation(&pairs([7.0; 4])), None);
        assert_eq!(rank_correlation(&[]), None);
    }
}
