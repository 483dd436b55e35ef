//! Labels set right by their neighbours, against defenses that turn or draw labels near the boundary.
//!
//! A band in which labels are turned shows as a shell of the other class on both sides of the boundary, and draws show
//! as single labels among others. A point takes the label of most of its nearest neighbours and itself, or is dropped
//! where one of its neighbours has another one, so that nothing near a crossing is left.

use serde::{Deserialize, Serialize};

use crate::model::Schema;
use crate::steal::Labelled;

/// The settings of the neighbours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmoothOptions {
    /// Number of nearest labelled points that are looked at, by the standardised 2-norm.
    pub neighbours: usize,
    /// True: a point is left out unless all its neighbours have its label; false: it gets the label of most.
    pub drop: bool,
}

impl Default for SmoothOptions {
    fn default() -> Self {
        Self { neighbours: 5, drop: false }
    }
}

/// The points with smoothed labels. Posteriors are left out where a label changes. If dropping would leave one class only,
/// nothing is dropped.
pub(super) fn smoothed(
    points: &[Labelled],
    schema: &Schema,
    classes: usize,
    options: &SmoothOptions,
) -> Vec<Labelled> {
    let places: Vec<Vec<f64>> = points.iter().map(|p| schema.standardise(&p.values)).collect();
    let most = |at: usize| {
        let mut near: Vec<(f64, usize)> = (0..points.len())
            .filter(|other| *other != at)
            .map(|other| (square(&places[at], &places[other]), other))
            .collect();
        let count = options.neighbours.min(near.len());
        if count > 0 && count < near.len() {
            near.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        let mut votes = vec![0_usize; classes];
        near[..count].iter().for_each(|(_, other)| votes[points[*other].label] += 1);
        votes
    };
    let votes: Vec<Vec<usize>> = (0..points.len()).map(most).collect();
    let winner = |votes: &[usize], own: usize| {
        (0..votes.len())
            .fold(own, |best, class| if votes[class] > votes[best] { class } else { best })
    };
    if options.drop {
        let is_kept = |(point, votes): &(&Labelled, &Vec<usize>)| {
            votes[point.label] == votes.iter().sum::<usize>()
        };
        let kept: Vec<Labelled> =
            points.iter().zip(&votes).filter(is_kept).map(|(point, _)| point.clone()).collect();
        let is_mixed = kept.iter().any(|point| point.label != kept[0].label);
        return if is_mixed { kept } else { points.to_vec() };
    }
    let relabel = |(point, votes): (&Labelled, &Vec<usize>)| {
        let mut votes = votes.clone();
        votes[point.label] += 1;
        match winner(&votes, point.label) {
            label if label == point.label => point.clone(),
            label => Labelled { label, posterior: None, ..point.clone() },
        }
    };
    points.iter().zip(&votes).map(relabel).collect()
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use crate::steal::Source;
    use crate::steal::tests::plain_schema;

    use super::*;

    /// Class 1 above 0, turned within 0.1 of it.
    fn shell() -> Vec<Labelled> {
        let point = |k: i32| {
            let x = f64::from(k) / 50.0;
            let label = usize::from((x > 0.0) != (x.abs() < 0.1));
            Labelled { values: vec![x], label, source: Source::Paid, posterior: None }
        };
        (-100..100).map(point).collect()
    }

    fn wrong(points: &[Labelled]) -> usize {
        points.iter().filter(|p| p.label != usize::from(p.values[0] > 0.0)).count()
    }

    #[test]
    fn a_shell_of_turned_labels_is_smoothed_away_or_dropped() {
        let (points, schema) = (shell(), plain_schema(1));
        assert!(wrong(&points) >= 8);
        let smooth =
            |neighbours, drop| smoothed(&points, &schema, 2, &SmoothOptions { neighbours, drop });
        let relabelled = smooth(20, false);
        assert_eq!(relabelled.len(), points.len());
        assert!(wrong(&relabelled) < wrong(&points), "{}", wrong(&relabelled));
        let kept = smooth(20, true);
        assert!(kept.len() < points.len() && wrong(&kept) < wrong(&points));
        // labels among their own stay as they are, whatever the number
        let clean: Vec<Labelled> =
            points.iter().filter(|p| p.values[0].abs() > 0.5).cloned().collect();
        for drop in [false, true] {
            let options = SmoothOptions { neighbours: 7, drop };
            assert_eq!(smoothed(&clean, &schema, 2, &options), clean);
        }
    }

    #[test]
    fn one_class_and_single_points_stay() {
        let schema = plain_schema(1);
        let one = vec![shell()[0].clone()];
        for drop in [false, true] {
            let options = SmoothOptions { neighbours: 5, drop };
            assert_eq!(smoothed(&one, &schema, 2, &options), one);
            assert_eq!(smoothed(&[], &schema, 2, &options), []);
        }
    }
}
