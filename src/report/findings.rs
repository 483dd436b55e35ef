//! The findings about one model: certificates, attacks, defenses, and the facts that a certificate gives away.
//!
//! Every figure is one of three kinds, and its type says which: [`Counts`] were decided by the
//! kernel, a [`Share`] was observed on the rows named, an [`Estimate`] is a mean over repetitions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::CountedBy;

use super::{AuditFindings, Counts, Difference, Estimate, PerSet, Share};

/// One model of a run and everything found out about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelReport {
    /// Unique within its run: `natural-mlp`, `natural-trees`, `monotone-trees`.
    pub name: String,
    /// `mlp`, `ensemble` or `rules`.
    pub family: String,
    /// Size in words, for example `2 x 50 ReLU, 5,502 parameters`.
    pub size: String,
    /// Model file, relative to the folder of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Digest of the model file; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Correct predictions on the test part.
    pub accuracy: Share,
    /// F1 on the test part, positive class = the minority class of the training rows; in `[0, 1]`.
    pub f1: f64,
    /// The certificates, one per certified property.
    pub certificates: Vec<CertificateReport>,
    /// For an ensemble, the distances of test rows to the nearest change of label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radii: Option<RadiiReport>,
    /// Results of a thief without an attack, to compare attacks with.
    pub baselines: Vec<Baseline>,
    /// The attacks, one per setting.
    pub attacks: Vec<AttackReport>,
    /// The defenses, one entry each.
    pub defenses: Vec<DefenseReport>,
    /// Facts that publishing the certificates gives to a thief.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_away: Option<GivesAway>,
    /// The further findings of an audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audited: Option<Box<AuditFindings>>,
}

/// Distances of rows to the nearest change of label: in L-infinity, in standardised units, over real inputs
/// within the declared ranges. The search counts in exact integers, but none of it was put before the
/// kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadiiReport {
    /// Rows measured: the first of the test part, without those outside the declared ranges.
    pub rows: u64,
    /// Rows whose search closed; each other row counts below with its lower bound.
    pub exact: u64,
    /// Rows on a threshold: an arbitrarily small move changes their label.
    pub zero: u64,
    /// The quartiles: a quarter, a half and three quarters of the rows have at most these radii; absent
    /// where the label never changes.
    pub quartiles: [Option<f64>; 3],
}

/// A property under the name it has on the page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyName {
    /// Kebab-case name of the spec: `local-invariance`.
    pub property: String,
    /// Its parameters as text: `epsilon 0.1, delta 0.5, linf`.
    pub parameters: String,
}

impl PropertyName {
    /// A property and its parameters.
    pub fn new(property: impl Into<String>, parameters: impl Into<String>) -> Self {
        Self { property: property.into(), parameters: parameters.into() }
    }
}

/// One certificate: the claim, the decisions of the kernel, and a sampled figure beside them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateReport {
    /// The claim.
    pub claim: PropertyName,
    /// The claimed function: `real` or `served-f32`.
    pub semantics: String,
    /// `respect` (whole-number features take whole values) or `relax` (real boxes).
    pub integers: String,
    /// Part of the data the obligations come from; absent for claims without rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The step between its rows; absent for 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// The subject of one obligation.
    pub unit: CountedBy,
    /// Counts of the kernel's decisions over all obligations.
    pub counts: Counts,
    /// The same counts over distinct rows; absent where obligations are not rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Counts>,
    /// Proved obligations whose premise the model never reaches; absent if not computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub premise_unreachable: Option<u64>,
    /// The figure the literature reports; not a proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
    /// For each rule, the number of obligations it decided (`linear` → 812).
    pub closed_by: BTreeMap<String, u64>,
    /// True if `check` read the certificate again and confirmed every line.
    pub checked: bool,
    /// Number of leading obligations confirmed again in exact arithmetic; absent if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_exactly: Option<u64>,
    /// Certificate file, relative to the folder of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Obligations that no sampled point violated. The figure is optimistic, and is called
/// sampled wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Obligations without a violation among the points tried.
    pub satisfied: Share,
    /// Text on the drawing of the points: `100 uniform points per row, seed 1`.
    pub how: String,
}

/// A substitute model made without an attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// `majority class` or `50 seeds only`.
    pub name: String,
    /// Agreement with the undefended target.
    pub agreement: PerSet<Estimate>,
    /// Mean over held-out points *and classes* of the squared posterior difference.
    pub mse: Estimate,
    /// F1 of the substitute against true labels of the test part.
    pub f1: Estimate,
}

/// One attack setting, repeated. Counts are sums over all repetitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackReport {
    /// Unique within its model: `random-uniform`, `masked-thief-certified`.
    pub name: String,
    /// Text on the synthesis of points: `uniform, r 2`.
    pub generator: String,
    /// `none`, `certified` or a heuristic rule (`exclude`, …).
    pub inference: String,
    /// Query budget Q of one repetition, seeds included.
    pub budget: u64,
    /// Seed rows of one repetition.
    pub seeds: u64,
    /// Number of repetitions.
    pub repetitions: u64,
    /// Number of queries paid.
    pub asked: u64,
    /// Number of labels inferred without a query.
    pub inferred_free: u64,
    /// Number of inferred labels that differ from the target's, measured outside the budget. It must be 0 for
    /// certified inference.
    pub inferred_wrong: u64,
    /// Optimiser steps or boosting rounds spent on substitutes.
    pub gradient_steps: u64,
    /// Share of points on which the substitute decides as the undefended target does.
    pub agreement: PerSet<Estimate>,
    /// Mean over held-out points *and classes* of the squared posterior difference.
    pub mse: Estimate,
    /// F1 of the substitute against true labels of the test part.
    pub f1: Estimate,
    /// Paired comparisons with other attacks of this model; the first is the one to read.
    pub versus: Vec<Paired>,
    /// Mean angles of gradients on test rows and on the points that the attack makes; absent where they are not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<MeanAngles>,
}

/// Mean angles between the gradients of all pairs of a test row and a made point, in degrees, at weights that take a
/// step after each point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanAngles {
    /// Over the first 50 of each.
    pub first: Estimate,
    /// Over all made points and as many test rows.
    pub all: Estimate,
}

/// This attack minus a reference attack, repetition by repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// Name of the reference attack, and the setting held equal: `random-uniform, equal steps`.
    pub reference: String,
    /// Difference of agreement.
    pub agreement: PerSet<Difference>,
}

/// The cost of one defense to the honest user, the certificates it keeps, and the loss it causes to the thief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefenseReport {
    /// Kind of the defense: `prediction-poisoning`, …
    pub kind: String,
    /// Strength as text: `alpha 0.05`.
    pub strength: String,
    /// Text on the choice of the strength: `one accuracy point on validation rows`.
    pub chosen: String,
    /// Defense file, relative to the folder of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Digest of the defense file; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Correct predictions on the test part without the defense.
    pub accuracy_before: Share,
    /// Correct predictions on the test part with the defense.
    pub accuracy_after: Share,
    /// Test rows whose label the defense changes.
    pub label_flips: Share,
    /// Mean 1-norm distance between defended and undefended posterior on the test part, in `[0, 2]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior_shift: Option<f64>,
    /// For each certificate, the counts still proved of the defended model.
    pub certificates: Vec<StillProved>,
    /// For each attack, the agreement without and with the defense.
    pub attacks: Vec<DefendedAttack>,
    /// The best thief without the defense beside the best with it; absent without attacks, and in reports of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestThieves>,
}

/// The best thieves on held-out rows, each against the target that it is best against. They may be different attacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestThieves {
    /// Name of the best attack without the defense.
    pub before: String,
    /// Name of the best attack through the defense.
    pub after: String,
    /// Agreement of the first minus that of the second, paired by repetition: both start from the same seed rows.
    pub decrease: Difference,
}

/// One property of the defended model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StillProved {
    /// The claim about both models.
    pub claim: PropertyName,
    /// Counts of the kernel's decisions about the undefended model.
    pub before: Counts,
    /// Counts of the kernel's decisions about the defended model.
    pub after: Counts,
    /// True if `check --defense` confirmed the certificate of the defended model.
    pub checked: bool,
    /// Certificate of the defended model, relative to the folder of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One attack on the defended model. Agreement is always with the *undefended* target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefendedAttack {
    /// Name of the attack, as in [`AttackReport::name`].
    pub attack: String,
    /// Agreement reached without the defense.
    pub before: PerSet<Estimate>,
    /// Agreement reached through the defense.
    pub after: PerSet<Estimate>,
    /// `before − after`, paired by repetition: the loss that the defense causes to the thief.
    pub decrease: PerSet<Difference>,
}

/// Facts that publishing the certificates gives to a thief who pays few queries or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivesAway {
    /// Published rows whose target label the certificate settles without any query.
    pub published: Share,
    /// Reason why these rows are settled, in a sentence.
    pub published_how: String,
    /// Labels settled by paid queries together with a certificate; one curve per reference set.
    pub settled: Vec<SettledCurve>,
}

/// The settled part of a reference distribution as queries are paid. It is a lower bound
/// on the knowledge of any thief with the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettledCurve {
    /// The certificate used.
    pub claim: PropertyName,
    /// The points to be settled: `10,000 points, uniform on the domain`.
    pub reference: String,
    /// Text on the placement of queries: `greedy, largest box first`.
    pub how: String,
    /// Points of the curve by rising number of queries; the last one is the whole budget.
    pub points: Vec<SettledPoint>,
}

/// One point of a [`SettledCurve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettledPoint {
    /// Queries paid so far.
    pub queries: u64,
    /// Reference points whose label is settled by answers and proofs together.
    pub settled: Share,
    /// Reference points that as many answers settle without any proof: the points asked and their copies.
    pub by_answers_alone: Share,
    /// Number of settled labels that differ from the target's. It must be 0.
    pub wrong: u64,
}

impl SettledPoint {
    /// The points not asked whose label follows from answers and proofs. The points asked are left out of both
    /// numbers of the share: their labels are paid, not given away.
    pub fn unasked(self) -> Share {
        self.without_asked(self.settled)
    }

    /// The points not asked that are settled without any proof: copies of the points asked.
    pub fn unasked_by_answers_alone(self) -> Share {
        self.without_asked(self.by_answers_alone)
    }

    fn without_asked(self, share: Share) -> Share {
        let rest = |points: u64| points.saturating_sub(self.queries);
        Share::new(rest(share.count), rest(share.of))
    }
}
