//! Means over repetitions, and paired differences with their Student-t interval.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::ReportError;

/// Mean and spread of a figure over the repetitions of an experiment. Measured, never proved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (divisor n − 1); absent for a single repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Number of repetitions.
    pub n: u64,
}

impl Estimate {
    /// Mean and standard deviation of `values`, one per repetition.
    ///
    /// # Errors
    /// No value at all, or one that is not finite.
    pub fn from_repetitions(values: &[f64]) -> Result<Self, ReportError> {
        if values.is_empty() {
            return Err(ReportError::NoRepetitions);
        }
        if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
            return Err(ReportError::NotFinite { value });
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Ok(Self { mean, sd, n: values.len() as u64 })
    }

    /// The 95% Student-t interval of the mean; `None` for a single repetition.
    pub fn interval(&self) -> Option<[f64; 2]> {
        let sd = self.sd.filter(|_| self.n > 1)?;
        let half_width = t_quantile(self.n - 1) * sd / (self.n as f64).sqrt();
        Some([self.mean - half_width, self.mean + half_width])
    }
}

/// Mean of paired differences `a − b` over repetitions that share data, seeds and target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Mean of the differences.
    pub mean: f64,
    /// 95% Student-t interval of the mean; absent for a single pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Number of pairs.
    pub n: u64,
}

impl Difference {
    /// `mean ± t(0.975, n − 1) · sd / √n` of `a[i] − b[i]`.
    ///
    /// # Errors
    /// Different lengths, no pair at all, or a value that is not finite.
    pub fn from_pairs(a: &[f64], b: &[f64]) -> Result<Self, ReportError> {
        if a.len() != b.len() {
            return Err(ReportError::Unpaired { left: a.len(), right: b.len() });
        }
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let Estimate { mean, sd, n } = Estimate::from_repetitions(&differences)?;
        let interval = sd.map(|sd| {
            let half_width = t_quantile(n - 1) * sd / (n as f64).sqrt();
            [mean - half_width, mean + half_width]
        });
        Ok(Self { mean, interval, n })
    }
}

/// The 0.975 quantile of Student's t with `freedom ≥ 1` degrees of freedom.
fn t_quantile(freedom: u64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64)
        .expect("location 0, scale 1 and at least one degree of freedom are valid")
        .inverse_cdf(0.975)
}

/// One figure on each of the three evaluation sets. The sets answer different questions and are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerSet<T> {
    /// Held-out rows of the data; saturates on easy data.
    pub heldout: T,
    /// Uniform points of the input box.
    pub uniform: T,
    /// Bisection midpoints on the target's decision boundary.
    pub boundary: T,
}

impl<T> PerSet<T> {
    /// The three figures with their names, in the order they are printed.
    pub fn named(&self) -> [(&'static str, &T); 3] {
        [("held-out", &self.heldout), ("uniform", &self.uniform), ("boundary", &self.boundary)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_sample_deviation_of_three() {
        let estimate = Estimate::from_repetitions(&[0.9, 0.94, 0.98]).unwrap();
        assert!((estimate.mean - 0.94).abs() < 1e-15);
        assert!((estimate.sd.unwrap() - 0.04).abs() < 1e-15);
        assert_eq!(estimate.n, 3);
    }

    #[test]
    fn one_repetition_has_no_spread() {
        assert_eq!(Estimate::from_repetitions(&[0.5]).unwrap().sd, None);
        assert_eq!(Difference::from_pairs(&[0.5], &[0.25]).unwrap().interval, None);
    }

    #[test]
    fn nothing_and_not_a_number_are_refused() {
        assert_eq!(Estimate::from_repetitions(&[]), Err(ReportError::NoRepetitions));
        let infinite = Estimate::from_repetitions(&[1.0, f64::INFINITY]);
        assert_eq!(infinite, Err(ReportError::NotFinite { value: f64::INFINITY }));
        assert!(Estimate::from_repetitions(&[f64::NAN]).is_err());
    }

    #[test]
    fn unequal_lengths_are_not_pairs() {
        let refused = Difference::from_pairs(&[1.0, 2.0], &[1.0]);
        assert_eq!(refused, Err(ReportError::Unpaired { left: 2, right: 1 }));
    }

    #[test]
    fn quantiles_agree_with_the_printed_table() {
        for (freedom, printed) in [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)] {
            assert!((t_quantile(freedom) - printed).abs() < 5e-4, "{freedom}: {printed}");
        }
    }

    #[test]
    fn interval_of_five_pairs() {
        // Differences 1..5: mean 3, sd √2.5, half-width 2.776·√2.5/√5 = 1.963.
        let a = [2.0, 4.0, 6.0, 8.0, 10.0];
        let difference = Difference::from_pairs(&a, &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let [low, high] = difference.interval.unwrap();
        assert!((difference.mean - 3.0).abs() < 1e-12);
        assert!((low - 1.0367).abs() < 1e-3 && (high - 4.9633).abs() < 1e-3);
    }
}
