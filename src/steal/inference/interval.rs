//! MaskedThief's inference: an interval for the posterior of a new point from the labels of its neighbours.
//!
//! ```text
//! neighbours in order of distance; K = min(K′, their number);  for k = 1 … K
//!   μ_k = mean of yᵢ over the first k
//!   w_k = mean of ξᵢ over the first k + √(ln(2K/(1 − η)) / 2k)
//! l = max(0, max_k μ_k − w_k),   r = min(1, min_k μ_k + w_k)
//!
//! length     ask if l >= r or r − l >= T;  else 1 iff (l + r)/2 > p     p = share of class 1 among paid points
//! endpoints  ask if l >= r or r − l >= T;  else 1 if l > p, 0 if r < p, else ask
//! exclude    1 if l > ½, 0 if r < ½, else ask
//! ```
//!
//! The paper's argument asks for independent draws from the posterior. Labels are no draws, and generated points depend
//! on earlier labels: η is no coverage, and nothing here is guaranteed. Two classes.

use serde::{Deserialize, Serialize};

use crate::model::Schema;
use crate::steal::{Knowledge, StealError};

use super::deviation::{AnsweredNeighbour, Deviation, DeviationForm, SecurityProperty};
use super::tuning;

/// Least points labelled between two choices of parameters. A search takes rounds of a single point.
const BETWEEN: usize = 10;

/// The rule that turns an interval into a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleName {
    /// The middle of a short interval, compared with the share of class 1.
    Length,
    /// The ends of a short interval, compared with the share of class 1.
    Endpoints,
    /// The interval excludes one half.
    Exclude,
}

impl RuleName {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Endpoints => "endpoints",
            Self::Exclude => "exclude",
        }
    }
}

/// The number in the logarithm: all levels (a union bound), or that of the level, as the listing prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogTerm {
    /// K, the number of levels.
    #[default]
    K,
    /// k, the level; the coverage is then smaller than η even for independent draws.
    #[serde(rename = "k")]
    Level,
}

/// The points that are neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NeighbourSource {
    /// Paid points only.
    #[default]
    Paid,
    /// Inferred ones too, as in the published listing; errors spread.
    All,
}

/// The choice of the parameters of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleChoice {
    /// The values in the file.
    #[default]
    Fixed,
    /// On the paid points, each from the others: of the settings with few errors the one that infers most.
    LeaveOneOut,
}

/// A rule with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRule {
    /// The rule.
    pub rule: RuleName,
    /// The property that the attacker believes in.
    pub property: SecurityProperty,
    /// The form of its bound.
    pub form: DeviationForm,
    /// λ of the published forms.
    pub lambda: f64,
    /// η, below 1.
    pub eta: f64,
    /// The number in the logarithm.
    pub log: LogTerm,
    /// T: a longer interval says nothing (rules `length` and `endpoints`).
    pub threshold: f64,
    /// K′: most neighbours.
    pub neighbours: usize,
    /// The points that are neighbours.
    pub from: NeighbourSource,
    /// The choice of the parameters.
    pub choice: RuleChoice,
}

impl IntervalRule {
    /// The rule with its default settings.
    pub fn new(rule: RuleName, property: SecurityProperty) -> Self {
        Self {
            rule,
            property,
            form: DeviationForm::Published,
            lambda: 2.0,
            eta: 0.9,
            log: LogTerm::K,
            threshold: 0.5,
            neighbours: 50,
            from: NeighbourSource::Paid,
            choice: RuleChoice::Fixed,
        }
    }

    /// `[l, r]` from the labels (1 or 0) and bounds of the nearest points, nearest first.
    pub(super) fn interval(&self, neighbours: &[(f64, f64)]) -> (f64, f64) {
        let levels = neighbours.len().min(self.neighbours);
        let (mut low, mut high) = (0.0f64, 1.0f64);
        let (mut labels, mut bounds) = (0.0, 0.0);
        for (before, (label, bound)) in neighbours.iter().take(levels).enumerate() {
            let k = (before + 1) as f64;
            (labels, bounds) = (labels + label, bounds + bound);
            let counted = match self.log {
                LogTerm::K => levels as f64,
                LogTerm::Level => k,
            };
            let chance = ((2.0 * counted / (1.0 - self.eta)).ln() / (2.0 * k)).sqrt();
            let (mean, width) = (labels / k, bounds / k + chance);
            low = low.max(mean - width);
            high = high.min(mean + width);
        }
        (low, high)
    }

    /// The label by the rule; `None`: ask. `share` = share of class 1 among the paid points.
    pub(super) fn decide(&self, (low, high): (f64, f64), share: f64) -> Option<usize> {
        let is_long = low >= high || high - low >= self.threshold;
        match self.rule {
            RuleName::Length | RuleName::Endpoints if is_long => None,
            RuleName::Length => Some(usize::from((low + high) / 2.0 > share)),
            RuleName::Endpoints if low > share => Some(1),
            RuleName::Endpoints if high < share => Some(0),
            RuleName::Endpoints => None,
            RuleName::Exclude if low > 0.5 => Some(1),
            RuleName::Exclude if high < 0.5 => Some(0),
            RuleName::Exclude => None,
        }
    }
}

/// The labelled points so far, and the rule in use.
pub(in crate::steal) struct Neighbourhood {
    schema: Schema,
    given: IntervalRule,
    deviation: Deviation,
    /// The rule in use with its bound; `None`: nothing is inferred.
    active: Option<(IntervalRule, Deviation)>,
    paid: Vec<AnsweredNeighbour>,
    inferred: Vec<AnsweredNeighbour>,
    /// Labelled points, and their number when parameters were chosen last.
    labelled: usize,
    tuned_at: Option<usize>,
}

impl Neighbourhood {
    /// # Errors
    /// Other than two classes; a property about a feature that is not there.
    pub(super) fn new(rule: &IntervalRule, known: &Knowledge) -> Result<Self, StealError> {
        if known.classes != 2 {
            let (rule, found) = (rule.rule.name(), known.classes);
            return Err(StealError::TwoClasses { rule, found });
        }
        let deviation = Deviation::new(&rule.property, rule.form, rule.lambda, known)?;
        let active = match rule.choice {
            RuleChoice::Fixed => Some((rule.clone(), deviation.clone())),
            RuleChoice::LeaveOneOut => None,
        };
        let (schema, given) = (known.schema.clone(), rule.clone());
        let (paid, inferred, labelled, tuned_at) = (Vec::new(), Vec::new(), 0, None);
        Ok(Self { schema, given, deviation, active, paid, inferred, labelled, tuned_at })
    }

    pub(super) fn record(&mut self, raw: &[f64], label: usize, posterior: Option<&[f64]>) {
        let one = posterior.and_then(|p| p.get(1).copied()).unwrap_or(label as f64);
        self.paid.push(AnsweredNeighbour { z: self.schema.standardise(raw), label, one });
        self.labelled += 1;
    }

    pub(super) fn note(&mut self, raw: &[f64], label: usize) {
        self.labelled += 1;
        if self.given.from == NeighbourSource::All {
            let z = self.schema.standardise(raw);
            self.inferred.push(AnsweredNeighbour { z, label, one: label as f64 });
        }
    }

    /// The interval of a point's posterior, and the label that the rule makes of it; `None` if no rule is in use.
    pub(super) fn infer(&self, raw: &[f64]) -> Option<([f64; 2], Option<usize>)> {
        let (rule, deviation) = self.active.as_ref()?;
        let z = self.schema.standardise(raw);
        let all = self.paid.iter().chain(&self.inferred);
        let nearest = nearest(deviation, all, &z, rule.neighbours);
        let bound = |&(apart, neighbour): &(f64, &AnsweredNeighbour)| {
            (neighbour.label as f64, deviation.bound(neighbour, &z, apart))
        };
        let neighbours: Vec<(f64, f64)> = nearest.iter().map(bound).collect();
        let (low, high) = rule.interval(&neighbours);
        Some(([low, high], rule.decide((low, high), share_of_ones(&self.paid))))
    }

    /// Chooses the parameters on the paid points, if they are to be chosen and enough points were labelled since.
    pub(super) fn tune(&mut self) {
        let is_due = self.tuned_at.is_none_or(|before| self.labelled >= before + BETWEEN);
        if self.given.choice == RuleChoice::LeaveOneOut && is_due {
            self.tuned_at = Some(self.labelled);
            self.active = tuning::tuned(&self.given, &self.deviation, &self.paid);
        }
    }
}

/// Share of class 1; 0 without points.
pub(super) fn share_of_ones(paid: &[AnsweredNeighbour]) -> f64 {
    let ones = paid.iter().filter(|point| point.label == 1).count();
    ones as f64 / paid.len().max(1) as f64
}

/// The nearest points with their distances, nearest first; ties by order.
pub(super) fn nearest<'p>(
    deviation: &Deviation,
    points: impl Iterator<Item = &'p AnsweredNeighbour>,
    z: &[f64],
    most: usize,
) -> Vec<(f64, &'p AnsweredNeighbour)> {
    let with_distance = |point: &'p AnsweredNeighbour| (deviation.distance(&point.z, z), point);
    let mut all: Vec<(f64, &AnsweredNeighbour)> = points.map(with_distance).collect();
    // a stable sort keeps the order of equal ones
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(rule: RuleName) -> IntervalRule {
        IntervalRule::new(rule, SecurityProperty::Lipschitz { l: 1.0, norm: Default::default() })
    }

    /// Unanimous or turning label sequences at ξ = 0: first `turn` labels are 1, those up to `end` are 0.
    fn turning(turn: usize, end: usize) -> Vec<(f64, f64)> {
        (0..end).map(|at| (if at < turn { 1.0 } else { 0.0 }, 0.0)).collect()
    }

    /// The largest `l − r` of all sequences that turn once, with exactly `levels` neighbours.
    fn widest_gap(rule: &IntervalRule, levels: usize) -> f64 {
        let gap = |turn: usize| {
            // unclipped ends: sequences that turn once keep them within [0, 1]
            let (low, high) = rule.interval(&turning(turn, levels));
            low - high
        };
        (0..=levels).map(gap).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Fact 1 of the published interval.
    #[test]
    fn an_interval_of_fifty_levels_is_never_empty_at_ninety_percent() {
        let at = |eta: f64, levels: usize, log: LogTerm| {
            let rule = IntervalRule { eta, neighbours: levels, log, ..rule(RuleName::Length) };
            widest_gap(&rule, levels)
        };
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 0.0006, "{found}, expected {expected}");
        };
        near(at(0.9, 50, LogTerm::K), -0.038);
        near(at(0.8, 50, LogTerm::K), 0.002);
        near(at(0.9, 100, LogTerm::K), 0.170);
        near(at(0.9, 50, LogTerm::Level), 0.0225);
        near(at(0.95, 50, LogTerm::Level), -0.022);
    }

    /// Fact 2.
    #[test]
    fn the_half_width_and_the_number_of_unanimous_neighbours_are_as_computed() {
        for (eta, width, needed) in [(0.9, 0.263, 14), (0.95, 0.276, 16), (0.99, 0.303, 19)] {
            let rule = IntervalRule { eta, ..rule(RuleName::Exclude) };
            let half: f64 = (f64::ln(2.0 * 50.0 / (1.0 - eta)) / 100.0).sqrt();
            assert!((half - width).abs() < 0.0006, "{half}");
            // of fifty neighbours, the first `ones` are unanimous and the others say nothing
            let decides = |ones: usize| {
                let quiet = (0..50).map(|at| (1.0, if at < ones { 0.0 } else { 1.0 }));
                let neighbours: Vec<(f64, f64)> = quiet.collect();
                rule.decide(rule.interval(&neighbours), 0.5).is_some()
            };
            assert_eq!((1..=50).find(|ones| decides(*ones)), Some(needed), "η {eta}");
        }
    }

    /// Fact 5: with few points and a wide interval, `length` labels by the share alone; T guards.
    #[test]
    fn the_interval_of_all_points_meets_their_share() {
        for (ones, all) in [(3usize, 20usize), (10, 40), (25, 50)] {
            let rule = rule(RuleName::Length);
            let (low, high) = rule.interval(&turning(ones, all));
            let share = ones as f64 / all as f64;
            let half = (f64::ln(2.0 * all as f64 / 0.1) / (2.0 * all as f64)).sqrt();
            assert!(low <= share + half && high >= share - half);
        }
        let vague: Vec<(f64, f64)> = (0..20).map(|at| (f64::from(at < 2), 1.0)).collect();
        let mut rule = rule(RuleName::Length);
        assert_eq!(rule.interval(&vague), (0.0, 1.0));
        assert_eq!(rule.decide((0.0, 1.0), 0.1), None);
        rule.threshold = 1.5;
        assert_eq!(rule.decide((0.0, 1.0), 0.1), Some(1), "by the share of class 1 alone");
        assert_eq!(rule.decide((0.0, 1.0), 0.9), Some(0));
    }

    #[test]
    fn rules_decide_as_they_say() {
        let (length, ends, exclude) =
            (rule(RuleName::Length), rule(RuleName::Endpoints), rule(RuleName::Exclude));
        assert_eq!(length.decide((0.1, 0.5), 0.2), Some(1));
        assert_eq!(length.decide((0.1, 0.5), 0.4), Some(0));
        assert_eq!(ends.decide((0.1, 0.5), 0.2), None);
        assert_eq!(ends.decide((0.3, 0.5), 0.2), Some(1));
        assert_eq!(ends.decide((0.1, 0.5), 0.6), Some(0));
        assert_eq!(exclude.decide((0.1, 0.5), 0.2), None);
        assert_eq!(exclude.decide((0.6, 1.0), 0.9), Some(1));
        assert_eq!(exclude.decide((0.0, 0.4), 0.1), Some(0));
        for rule in [&length, &ends] {
            assert_eq!(rule.decide((0.5, 0.5), 0.2), None, "an empty interval");
        }
    }
}
