//! The findings of an audit about one model, beside its certificates, attacks and defenses.
//!
//! Words such as [`LocalFinding::example`] quote points that the kernel has evaluated exactly; numbers in them are
//! rounded for reading.

use serde::{Deserialize, Serialize};

use super::{Counts, ModelReport, Run, Share};

/// The findings of an audit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFindings {
    /// The call that makes the audit again, with the files as they were given.
    pub command: String,
    /// Format that the model was imported from, and what the import says of it; absent for native models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<String>,
    /// Test rows of the largest class: the accuracy of a model that always answers it.
    pub majority: Share,
    /// The radius whose certificates are given to thieves, carried through defenses and drawn on the frontier.
    pub main_epsilon: String,
    /// The data as commands from the folder of the report name it; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Names of the classes, in class order; empty where the data tell none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The only label that test rows get, where no point with another label was found: there is nothing to steal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_label: Option<usize>,
    /// Query budgets of the attacks, ascending.
    pub budgets: Vec<u64>,
    /// The budget at which defenses are measured.
    pub defended_budget: u64,
    /// Local invariance at every radius, ascending.
    pub local: Vec<LocalFinding>,
    /// Every feature, in the order of the model; empty if it was left out.
    pub orders: Vec<OrderFinding>,
    /// Exact radii, for ensembles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radii: Option<RadiiFinding>,
    /// The largest changes of the score.
    pub changes: Vec<ChangeFinding>,
    /// Labels that a thief infers by intervals, by the threshold of their length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<IntervalFinding>,
    /// Posteriors seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<PosteriorFinding>,
    /// Parts that were asked for and are not there, with the reason, one sentence each.
    pub left_out: Vec<String>,
    /// The gates of the plan.
    pub gates: Vec<GateOutcome>,
    /// Changes since an earlier audit; absent if none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<RunAgainst>,
}

/// Figures that changed since an earlier audit, one sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAgainst {
    /// Those that got worse.
    pub worse: Vec<String>,
    /// Those that got better.
    pub better: Vec<String>,
    /// Those that both have, over different rows or under different claims: they are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<String>,
}

/// One audit of several on one page.
pub(super) struct AuditView<'a> {
    /// The model, with its data where several have its name.
    pub(super) name: String,
    pub(super) model: &'a ModelReport,
    pub(super) audited: &'a AuditFindings,
}

/// All audits of some runs.
pub(super) fn audits_of(runs: &[Run]) -> Vec<AuditView<'_>> {
    let models = || runs.iter().flat_map(|run| run.models.iter().map(move |model| (run, model)));
    let is_shared = |name: &str| models().filter(|(_, model)| model.name == name).count() > 1;
    let view = |(run, model): (&Run, &'_ ModelReport)| match is_shared(&model.name) {
        true => format!("{} ({})", model.name, run.data.name),
        false => model.name.clone(),
    };
    let audits = models().filter_map(|(run, model)| {
        let audited = model.audited.as_deref()?;
        Some(AuditView { name: view((run, model)), model, audited })
    });
    audits.collect()
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// The name of a label in class order: that of the data, else `label 1`. A name that is a number is written so too.
pub(crate) fn class_name(names: &[String], label: usize) -> String {
    match names.get(label) {
        Some(name) if name.parse::<f64>().is_err() => name.clone(),
        Some(number) => format!("label {number}"),
        None => format!("label {label}"),
    }
}

/// Local invariance at one radius.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalFinding {
    /// ε, as the spec states it.
    pub epsilon: String,
    /// Decisions of the kernel.
    pub counts: Counts,
    /// Refuted rows that the model classifies wrong as they are.
    pub wrong_already: u64,
    /// Refuted rows that it classifies right, but not as surely as the claim asks, as they are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unsure_already: u64,
    /// Refuted rows that keep the claim as they are: a point nearby gets another answer, or one that is not sure.
    pub attacked: u64,
    /// One of these points in words, with another label if there is one, and few features moved; absent if there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// Number of features that move there; 0 if there is none.
    pub moved: u64,
    /// The certificate, relative to the folder of the report.
    pub file: String,
}

/// Labels that a thief infers where an interval for the posterior is short, summed over repetitions. Measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalFinding {
    /// The threshold, as the plan states it.
    pub threshold: String,
    /// Inferred ones of the labels of made points; the others were paid.
    pub inferred: Share,
    /// Right ones of the inferred labels.
    pub right: Share,
}

/// The kernel's answer about one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderVerdict {
    /// The score never goes the other way.
    Proved,
    /// It does, at a point that was evaluated exactly.
    Refuted,
    /// Neither was shown.
    Open,
}

/// The directions of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFinding {
    /// The feature.
    pub feature: String,
    /// True if a greater value never lowers the score of class 1.
    pub increasing: OrderVerdict,
    /// True if a greater value never raises it.
    pub decreasing: OrderVerdict,
    /// The direction that data or plan ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    /// A step against the first, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_increasing: Option<String>,
    /// A step against the second, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_decreasing: Option<String>,
}

/// Distances of test rows to the nearest change of label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadiiFinding {
    /// Proved lower ends, ascending; rows whose label never changes are not among them.
    pub lower: Vec<f64>,
    /// Rows whose label never changes within the declared ranges.
    pub endless: u64,
    /// Rows whose ball and witness the kernel confirmed when it read their certificates.
    pub confirmed: Share,
    /// The nearest changes in words, nearest first.
    pub flips: Vec<FlipFinding>,
    /// True if whole-number features keep to whole numbers; absent in reports of earlier versions, where they did not.
    #[serde(default)]
    pub is_whole: bool,
}

/// A change of label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlipFinding {
    /// The test row.
    pub row: u64,
    /// An upper end of its radius.
    pub distance: f64,
    /// Number of features that move.
    pub moved: u64,
    /// The change in words.
    pub words: String,
    /// The certificate that refutes the ball, relative to the folder of the report.
    pub file: String,
}

/// The largest change of the score between two points that a claim binds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeFinding {
    /// The feature that moves alone, or `any, within ε 0.05`.
    pub moves: String,
    /// Some pair of points changes by at least this.
    pub least: f64,
    /// No pair changes by more: the kernel has shown it.
    pub most: f64,
    /// The certificate of the upper end, relative to the folder of the report; absent if it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Posteriors of class 1 (with more classes: of the winner) that were seen, and the width of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PosteriorFinding {
    /// Least and greatest on test rows.
    pub on_rows: [f64; 2],
    /// Least and greatest on uniform points of the domain.
    pub on_uniform: [f64; 2],
    /// Number of uniform points.
    pub uniform: u64,
    /// The distance from the least to the greatest score on the domain: at least and at most; ensembles only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_span: Option<[f64; 2]>,
}

/// A gate with its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateOutcome {
    /// The figure.
    pub name: String,
    /// The demand, as the plan states it.
    pub demand: String,
    /// The figure found, in words.
    pub found: String,
    /// True if the demand is met.
    pub passed: bool,
}
