//! The plan of an audit: what is looked at, how thoroughly, and what the figures must come to.
//!
//! ```toml
//! leave-out   = ["defenses"]
//! epsilons    = ["0.01", "0.05", "0.1"]
//! budgets     = [50, 200, 800]
//! attacks     = ["random-uniform", "mine.toml"]
//! [monotone]
//! char_freq_dollar = "increasing"
//! [gate]
//! local-invariance-0.05 = ">= 0.90 proved"
//! ```
//!
//! What a plan does not say is that of the pace. Reading is strict: unknown keys and values out of range are refused
//! with their line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::defend::DefenseKind;
use crate::interval::Decimal;
use crate::source::read_regular;

use super::gate::Gate;
use super::plan_file::{self, MAX_SETTINGS};
use super::presets::{self, PresetScope};

/// The pace of an audit, which is the default of everything that a plan does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditPace {
    /// Few rows, attacks and repetitions.
    Quick,
    /// One attack of every kind.
    #[default]
    Usual,
    /// As long as it takes.
    Thorough,
}

/// A part of an audit that a plan may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditPart {
    /// Answers near rows.
    LocalInvariance,
    /// Distances to the nearest change of label.
    Radii,
    /// Every feature in either direction.
    Monotonicity,
    /// The largest changes of the score.
    Changes,
    /// Posteriors near the boundary between labels.
    Boundary,
    /// The posteriors that are reached.
    Posterior,
    /// Attacks.
    Stealing,
    /// Facts that certificates give away.
    Leakage,
    /// Defenses.
    Defenses,
}

impl AuditPart {
    /// All parts, in the order of the report.
    pub const ALL: [Self; 9] = [
        Self::LocalInvariance,
        Self::Radii,
        Self::Monotonicity,
        Self::Changes,
        Self::Boundary,
        Self::Posterior,
        Self::Stealing,
        Self::Leakage,
        Self::Defenses,
    ];

    /// The name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalInvariance => "local-invariance",
            Self::Radii => "radii",
            Self::Monotonicity => "monotonicity",
            Self::Changes => "changes",
            Self::Boundary => "boundary",
            Self::Posterior => "posterior",
            Self::Stealing => "stealing",
            Self::Leakage => "leakage",
            Self::Defenses => "defenses",
        }
    }
}

/// Reasons why a plan is refused. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file was not read.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// The file is not UTF-8.
    #[error("a plan is UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not the TOML of a plan.
    #[error("not a plan: {0}")]
    Toml(#[from] toml::de::Error),
    /// A value out of range.
    #[error("line {line}: `{key}` is {found:.80}; expected {expected}")]
    Value {
        /// The line.
        line: usize,
        /// The key.
        key: String,
        /// The value found.
        found: String,
        /// The values expected.
        expected: String,
    },
    /// A gate on a figure that the audit does not make.
    #[error(
        "line {line}: gate `{name:.80}`: the audit makes no such figure{why}; it makes {known}"
    )]
    Gate {
        /// The line.
        line: usize,
        /// The name of the gate.
        name: String,
        /// Reason, if it is known, after a colon.
        why: String,
        /// The figures that can be gated.
        known: String,
    },
}

/// An attack of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedAttack {
    /// The name.
    pub name: String,
    /// The bytes of its TOML.
    pub text: String,
}

/// A plan with everything that it leaves to its pace.
#[derive(Clone, Debug)]
pub struct AuditPlan {
    /// The pace.
    pub pace: AuditPace,
    /// The parts that are made.
    pub parts: BTreeSet<AuditPart>,
    /// Radii of local invariance, ascending, at least one; in standard deviations.
    pub epsilons: Vec<Decimal>,
    /// δ of local invariance.
    pub delta: Decimal,
    /// Test rows for local invariance.
    pub rows: u64,
    /// Test rows whose radii are searched.
    pub radii_rows: u64,
    /// Test rows for the boundary property.
    pub boundary_rows: u64,
    /// Rows of the auxiliary part whose boxes a thief is given.
    pub own_rows: u64,
    /// Nodes of a case distinction per obligation.
    pub budget_nodes: u64,
    /// Leading obligations that are decided in exact arithmetic too.
    pub exact: u64,
    /// Query budgets, ascending, at least one.
    pub budgets: Vec<u64>,
    /// Repetitions of every attack.
    pub repetitions: u64,
    /// The attacks.
    pub attacks: Vec<PlannedAttack>,
    /// True if the angles of gradients of one attack are measured, where target and substitute are networks.
    pub angles: bool,
    /// Lengths of an interval below which a thief infers labels, ascending; for figures of inference alone.
    pub interval_thresholds: Vec<Decimal>,
    /// The defenses.
    pub defenses: Vec<DefenseKind>,
    /// Accuracy points that a defense may cost on validation rows.
    pub points: f64,
    /// Directions asked for, by feature, each with its line in the plan.
    pub monotone: BTreeMap<String, (String, usize)>,
    /// The demands, in the order of the file.
    pub gates: Vec<Gate>,
}

impl AuditPlan {
    /// The plan that leaves everything to its pace.
    pub fn of_pace(pace: AuditPace) -> Self {
        let (rows, few, repetitions, nodes) = match pace {
            AuditPace::Quick => (100, 50, 3, 50),
            AuditPace::Usual => (200, 100, 3, 100),
            AuditPace::Thorough => (1_000, 500, 10, 2_000),
        };
        let decimals = |texts: &[&str]| {
            let decimal = |text: &&str| text.parse().expect("the radii of a pace are decimals");
            texts.iter().map(decimal).collect::<Vec<Decimal>>()
        };
        let (epsilons, budgets, scope): (&[&str], &[u64], _) = match pace {
            AuditPace::Quick => (&["0.01", "0.05", "0.1"], &[50, 200], PresetScope::Few),
            AuditPace::Usual => (&["0.01", "0.05", "0.1"], &[50, 200, 800], PresetScope::Usual),
            AuditPace::Thorough => (
                &["0.01", "0.02", "0.05", "0.1", "0.2"],
                &[25, 50, 100, 200, 400, 800, 1600],
                PresetScope::All,
            ),
        };
        Self {
            pace,
            parts: AuditPart::ALL.into_iter().collect(),
            epsilons: decimals(epsilons),
            delta: "0.5".parse().expect("one half is a decimal"),
            rows,
            radii_rows: few,
            boundary_rows: few,
            own_rows: rows,
            budget_nodes: nodes,
            exact: 20,
            budgets: budgets.to_vec(),
            repetitions,
            attacks: presets::of(scope),
            angles: pace != AuditPace::Quick,
            interval_thresholds: match pace {
                AuditPace::Quick => Vec::new(),
                AuditPace::Usual | AuditPace::Thorough => {
                    decimals(&["0.4", "0.45", "0.5", "0.6", "0.8"])
                }
            },
            defenses: DefenseKind::ALL.to_vec(),
            points: 1.0,
            monotone: BTreeMap::new(),
            gates: Vec::new(),
        }
    }

    /// Reads the plan at `path`; attacks that it names lie beside it.
    ///
    /// # Errors
    /// A file that cannot be read or is not understood, with its line.
    pub fn open(path: &Path, pace: AuditPace) -> Result<Self, PlanError> {
        let bytes = read_regular(path, MAX_SETTINGS)?;
        Self::read(&bytes, path.parent().unwrap_or(Path::new("")), pace)
    }

    /// Reads the text of a plan; attacks that it names are looked for in `folder`.
    ///
    /// # Errors
    /// A text that is not understood, with its line.
    pub fn read(bytes: &[u8], folder: &Path, pace: AuditPace) -> Result<Self, PlanError> {
        plan_file::read(bytes, folder, pace)
    }

    /// True if a part is made.
    pub fn makes(&self, part: AuditPart) -> bool {
        self.parts.contains(&part)
    }

    /// The radius that is given to thieves and carried through defenses: the middle one, of two the greater.
    pub fn main_epsilon(&self) -> &Decimal {
        &self.epsilons[self.epsilons.len() / 2]
    }

    /// The budget at which defenses are measured: the middle one, of two the greater.
    pub fn defended_budget(&self) -> u64 {
        self.budgets[self.budgets.len() / 2]
    }
}
