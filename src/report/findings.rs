//! What is reported of one model: certificates, attacks, defenses, and what a certificate gives away.
//!
//! Every figure is one of three kinds, and its type says which: [`Counts`] were decided by the
//! kernel, a [`Share`] was observed on the rows named, an [`Estimate`] is a mean over repetitions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counts, Difference, Estimate, PerSet, Share};

/// One model of a run and everything found out about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// One per property certified.
    pub certificates: Vec<CertificateReport>,
    /// Of an ensemble, how far test rows lie from the nearest change of label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radii: Option<RadiiReport>,
    /// What a thief reaches without an attack; compare attacks with it.
    pub baselines: Vec<Baseline>,
    /// One per attack setting.
    pub attacks: Vec<AttackReport>,
    /// One per defense.
    pub defenses: Vec<DefenseReport>,
    /// What publishing the certificates tells a thief.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_away: Option<GivesAway>,
}

/// Distances of rows to the nearest change of label: in L-infinity, in standardised units, over real inputs
/// within the declared ranges. The search counts in exact integers, but nothing of it was put before the
/// kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadiiReport {
    /// Rows measured: the first of the test part, without those outside the declared ranges.
    pub rows: u64,
    /// Rows whose search closed; of the others a lower bound is counted below.
    pub exact: u64,
    /// Rows on a threshold: they change their label by a move as small as one likes.
    pub zero: u64,
    /// The radii of which a quarter, a half and three quarters of the rows have at most as much; absent
    /// where the label never changes.
    pub quartiles: [Option<f64>; 3],
}

/// A property as it is named on the page.
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

/// What one obligation of a property is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A row of the part.
    Rows,
    /// A row and one of the property's features.
    RowFeatures,
    /// A feature over the whole domain.
    Features,
    /// A pair of rows.
    Pairs,
    /// A group of features.
    Groups,
    /// A box of inputs.
    InputBoxes,
    /// The whole domain, once.
    Domain,
}

impl Unit {
    /// As in `one obligation per row`.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Rows => "row",
            Self::RowFeatures => "row and feature",
            Self::Features => "feature",
            Self::Pairs => "pair of rows",
            Self::Groups => "feature group",
            Self::InputBoxes => "input box",
            Self::Domain => "domain",
        }
    }
}

/// One certificate: what is claimed, what the kernel decided, and a sampled figure beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateReport {
    /// What is claimed.
    pub claim: PropertyName,
    /// Which function is claimed: `real` or `served-f32`.
    pub semantics: String,
    /// `respect` (whole-number features take whole values) or `relax` (real boxes).
    pub integers: String,
    /// Part of the data the obligations come from; absent for claims without rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What one obligation is about.
    pub unit: Unit,
    /// Decided by the kernel, over all obligations.
    pub counts: Counts,
    /// The same over distinct rows; absent where obligations are not rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Counts>,
    /// Of the proved: those whose premise the model never reaches; absent if not computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub premise_unreachable: Option<u64>,
    /// The figure the literature reports; not a proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
    /// Rule → obligations it decided (`linear` → 812).
    pub closed_by: BTreeMap<String, u64>,
    /// Whether `check` read the certificate again and confirmed every line.
    pub checked: bool,
    /// Number of leading obligations confirmed again in exact arithmetic; absent if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_exactly: Option<u64>,
    /// Certificate file, relative to the folder of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Obligations that no sampled point violated: an optimistic figure, called sampled wherever shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Obligations without a violation among the points tried.
    pub satisfied: Share,
    /// How the points were drawn: `100 uniform points per row, seed 1`.
    pub how: String,
}

/// A substitute made without an attack.
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
    /// How points are synthesised: `uniform, r 2`.
    pub generator: String,
    /// `none`, `certified` or a heuristic rule (`exclude`, …).
    pub inference: String,
    /// Query budget Q of one repetition, seeds included.
    pub budget: u64,
    /// Seed rows of one repetition.
    pub seeds: u64,
    /// Number of repetitions.
    pub repetitions: u64,
    /// Queries paid.
    pub asked: u64,
    /// Labels inferred without a query.
    pub inferred_free: u64,
    /// Inferred labels that differ from the target's, measured outside the budget. Must be 0 for
    /// certified inference.
    pub inferred_wrong: u64,
    /// Optimiser steps or boosting rounds spent on substitutes.
    pub gradient_steps: u64,
    /// Share of points where the substitute decides as the undefended target.
    pub agreement: PerSet<Estimate>,
    /// Mean over held-out points *and classes* of the squared posterior difference.
    pub mse: Estimate,
    /// F1 of the substitute against true labels of the test part.
    pub f1: Estimate,
    /// Paired comparisons with other attacks of this model; the first is the one to read.
    pub versus: Vec<Paired>,
}

/// This attack minus a reference attack, repetition by repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// Name of the reference attack, with what is held equal: `random-uniform, equal steps`.
    pub reference: String,
    /// Difference of agreement.
    pub agreement: PerSet<Difference>,
}

/// What one defense costs the honest user, keeps of the certificates, and takes from the thief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefenseReport {
    /// `prediction-poisoning`, …
    pub kind: String,
    /// Its strength as text: `alpha 0.05`.
    pub strength: String,
    /// How the strength was chosen: `one accuracy point on validation rows`.
    pub chosen: String,
    /// Defense file, relative to the folder of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Digest of the defense file; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Correct predictions on the test part without the defense.
    pub accuracy_before: Share,
    /// The same with it.
    pub accuracy_after: Share,
    /// Test rows whose label the defense changes.
    pub label_flips: Share,
    /// Mean 1-norm distance between defended and undefended posterior on the test part, in `[0, 2]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior_shift: Option<f64>,
    /// Certificate by certificate: what is still proved of the defended model.
    pub certificates: Vec<StillProved>,
    /// Attack by attack: agreement without and with the defense.
    pub attacks: Vec<DefendedAttack>,
}

/// One property of the defended model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StillProved {
    /// What is claimed, of both models.
    pub claim: PropertyName,
    /// Decided of the undefended model.
    pub before: Counts,
    /// Decided of the defended model.
    pub after: Counts,
    /// Whether `check --defense` confirmed the certificate of the defended model.
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
    /// Agreement reached through it.
    pub after: PerSet<Estimate>,
    /// `before − after`, paired by repetition: what the defense takes from the thief.
    pub decrease: PerSet<Difference>,
}

/// What publishing the certificates tells a thief who pays few queries or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivesAway {
    /// Published rows whose target label the certificate settles without any query.
    pub published: Share,
    /// Why those are settled, in a sentence.
    pub published_how: String,
    /// Labels settled by paid queries together with a certificate; one curve per reference set.
    pub settled: Vec<SettledCurve>,
}

/// How much of a reference distribution is settled as queries are paid: a lower bound on what any
/// thief with the certificate learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettledCurve {
    /// The certificate used.
    pub claim: PropertyName,
    /// What is settled: `10,000 points, uniform on the domain`.
    pub reference: String,
    /// How queries were placed: `greedy, largest box first`.
    pub how: String,
    /// By rising number of queries; the last point is the whole budget.
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
    /// Those that as many answers settle without any proof: the points asked and their copies.
    pub by_answers_alone: Share,
    /// Settled labels that differ from the target's. Must be 0.
    pub wrong: u64,
}

impl SettledPoint {
    /// Of the points that were not asked, those whose label follows from answers and proofs. The
    /// points asked are left out of both numbers: their labels are paid, not given away.
    pub fn unasked(self) -> Share {
        self.without_asked(self.settled)
    }

    /// The same without any proof: copies of the points asked.
    pub fn unasked_by_answers_alone(self) -> Share {
        self.without_asked(self.by_answers_alone)
    }

    fn without_asked(self, share: Share) -> Share {
        let rest = |points: u64| points.saturating_sub(self.queries);
        Share::new(rest(share.count), rest(share.of))
    }
}
