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
use std::fmt;
use std::path::Path;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use crate::defend::DefenseKind;
use crate::interval::{Decimal, Rational};
use crate::source::read_regular;
use crate::steal::AttackSpec;
use crate::text::line_of;

use super::gate::Gate;
use super::presets::{self, PresetScope};

/// Largest plan and attack, in bytes.
const MAX_SETTINGS: u64 = 1 << 20;
/// Largest number of rows, nodes, queries and repetitions that a plan may ask for.
const MANY: u64 = 1_000_000_000;

/// The pace of an audit, which is the default of everything that a plan does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditPace {
    /// Within a minute on data of the size of Spambase.
    Quick,
    /// Within five minutes.
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
    /// What certificates give away.
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

/// The shape of a plan's TOML; unknown keys are refused.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PlanFile {
    leave_out: Vec<Spanned<String>>,
    epsilons: Option<Spanned<Vec<Spanned<Decimal>>>>,
    delta: Option<Spanned<Decimal>>,
    rows: Option<Spanned<u64>>,
    radii_rows: Option<Spanned<u64>>,
    boundary_rows: Option<Spanned<u64>>,
    own_rows: Option<Spanned<u64>>,
    budget_nodes: Option<Spanned<u64>>,
    exact: Option<Spanned<u64>>,
    budgets: Option<Spanned<Vec<u64>>>,
    repetitions: Option<Spanned<u64>>,
    attacks: Option<Spanned<Vec<Spanned<String>>>>,
    defenses: Option<Vec<Spanned<String>>>,
    points: Option<Spanned<f64>>,
    monotone: BTreeMap<String, Spanned<DottedText>>,
    gate: BTreeMap<String, Spanned<DottedText>>,
}

/// A text below a key, which may have dots: TOML reads `local-invariance-0.05 = "…"` as a table in a table.
enum DottedText {
    Text(String),
    Deeper(BTreeMap<String, Spanned<DottedText>>),
}

impl<'de> Deserialize<'de> for DottedText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct EitherVisitor;
        impl<'de> Visitor<'de> for EitherVisitor {
            type Value = DottedText;

            fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
                to.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<DottedText, E> {
                Ok(DottedText::Text(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<DottedText, M::Error> {
                let mut below = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    below.insert(key, value);
                }
                Ok(DottedText::Deeper(below))
            }
        }
        from.deserialize_any(EitherVisitor)
    }
}

/// The texts below whole keys, each with its place in the file, in the order of the file.
fn texts(table: BTreeMap<String, Spanned<DottedText>>) -> Vec<(String, Spanned<String>)> {
    fn walk(
        above: &str,
        table: BTreeMap<String, Spanned<DottedText>>,
        found: &mut Vec<(String, Spanned<String>)>,
    ) {
        for (key, value) in table {
            let (key, span) = (format!("{above}{key}"), value.span());
            match value.into_inner() {
                DottedText::Text(text) => found.push((key, Spanned::new(span, text))),
                DottedText::Deeper(table) => walk(&format!("{key}."), table, found),
            }
        }
    }
    let mut found = Vec::new();
    walk("", table, &mut found);
    found.sort_by_key(|(_, text)| text.span().start);
    found
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
        let text = std::str::from_utf8(bytes)?;
        let file: PlanFile = toml::from_str(text)?;
        PlanReader { text, folder }.read(file, pace)
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

/// The text of a plan with the place of the files that it names.
struct PlanReader<'a> {
    text: &'a str,
    folder: &'a Path,
}

impl PlanReader<'_> {
    fn read(&self, file: PlanFile, pace: AuditPace) -> Result<AuditPlan, PlanError> {
        let mut plan = AuditPlan::of_pace(pace);
        for name in &file.leave_out {
            plan.parts.remove(&self.part(name)?);
        }
        if let Some(epsilons) = &file.epsilons {
            plan.epsilons = self.epsilons(epsilons)?;
        }
        if let Some(delta) = &file.delta {
            let value = delta.get_ref().value();
            if !(*value > Rational::ZERO && *value < Rational::ONE) {
                return Err(self.refused(delta, "delta", "a decimal between 0 and 1"));
            }
            plan.delta = delta.get_ref().clone();
        }
        for (given, key, place, least) in [
            (&file.rows, "rows", &mut plan.rows, 1),
            (&file.radii_rows, "radii-rows", &mut plan.radii_rows, 1),
            (&file.boundary_rows, "boundary-rows", &mut plan.boundary_rows, 1),
            (&file.own_rows, "own-rows", &mut plan.own_rows, 1),
            (&file.budget_nodes, "budget-nodes", &mut plan.budget_nodes, 0),
            (&file.exact, "exact", &mut plan.exact, 0),
            (&file.repetitions, "repetitions", &mut plan.repetitions, 1),
        ] {
            *place = self.count(given.as_ref(), key, *place, least)?;
        }
        if let Some(budgets) = &file.budgets {
            plan.budgets = self.budgets(budgets)?;
        }
        if let Some(attacks) = &file.attacks {
            plan.attacks = self.attacks(attacks)?;
        }
        if let Some(defenses) = &file.defenses {
            let kind = |name: &Spanned<String>| {
                let expected = "pp, am, mixture or rounding";
                DefenseKind::named(name.get_ref())
                    .ok_or_else(|| self.refused(name, "defenses", expected))
            };
            plan.defenses = defenses.iter().map(kind).collect::<Result<_, _>>()?;
        }
        if let Some(points) = &file.points {
            plan.points = *points.get_ref();
            if !(plan.points >= 0.0 && plan.points.is_finite()) {
                return Err(self.refused(points, "points", "0 or more, and finite"));
            }
        }
        plan.monotone = self.monotone(file.monotone)?;
        plan.gates = self.gates(file.gate)?;
        Ok(plan)
    }

    fn line<T>(&self, value: &Spanned<T>) -> usize {
        line_of(self.text, value.span().start)
    }

    /// The refusal of a value, which is quoted as it stands in the file.
    fn refused<T>(&self, value: &Spanned<T>, key: &str, expected: impl Into<String>) -> PlanError {
        let found = self.text.get(value.span()).unwrap_or_default().to_owned();
        let (line, key) = (self.line(value), key.to_owned());
        PlanError::Value { line, key, found, expected: expected.into() }
    }

    fn part(&self, name: &Spanned<String>) -> Result<AuditPart, PlanError> {
        let found = AuditPart::ALL.into_iter().find(|part| part.name() == name.get_ref());
        found.ok_or_else(|| {
            let all = AuditPart::ALL.map(AuditPart::name).join(", ");
            self.refused(name, "leave-out", format!("some of {all}"))
        })
    }

    fn count(
        &self,
        given: Option<&Spanned<u64>>,
        key: &str,
        usual: u64,
        least: u64,
    ) -> Result<u64, PlanError> {
        match given {
            Some(given) if !(least..=MANY).contains(given.get_ref()) => {
                Err(self.refused(given, key, format!("{least} to {MANY}")))
            }
            Some(given) => Ok(*given.get_ref()),
            None => Ok(usual),
        }
    }

    fn epsilons(&self, given: &Spanned<Vec<Spanned<Decimal>>>) -> Result<Vec<Decimal>, PlanError> {
        let mut found: Vec<Decimal> = Vec::new();
        for epsilon in given.get_ref() {
            let value = epsilon.get_ref().value();
            let is_last = found.last().is_none_or(|last| last.value() < value);
            if !(*value > Rational::ZERO && *value <= Rational::integer(1000) && is_last) {
                let expected = "ascending decimals above 0, at most 1000, such as \"0.05\"";
                return Err(self.refused(epsilon, "epsilons", expected));
            }
            found.push(epsilon.get_ref().clone());
        }
        match found.is_empty() {
            true => Err(self.refused(given, "epsilons", "at least one decimal")),
            false => Ok(found),
        }
    }

    fn budgets(&self, given: &Spanned<Vec<u64>>) -> Result<Vec<u64>, PlanError> {
        let budgets = given.get_ref().clone();
        let is_ascending = budgets.is_sorted_by(|a, b| a < b);
        if budgets.is_empty()
            || budgets[0] < 2
            || !is_ascending
            || budgets.iter().any(|b| *b > MANY)
        {
            return Err(self.refused(given, "budgets", "ascending numbers of queries from 2 on"));
        }
        Ok(budgets)
    }

    /// The attacks: presets by name, and files beside the plan.
    fn attacks(
        &self,
        given: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<Vec<PlannedAttack>, PlanError> {
        let mut found: Vec<PlannedAttack> = Vec::new();
        for name in given.get_ref() {
            let attack = self.attack(name)?;
            let is_new = |other: &PlannedAttack| !other.name.eq_ignore_ascii_case(&attack.name);
            if !found.iter().all(is_new) {
                return Err(self.refused(name, "attacks", "every attack once"));
            }
            found.push(attack);
        }
        match found.is_empty() {
            true => {
                let expected = "at least one attack; leave-out = [\"stealing\"] makes none";
                Err(self.refused(given, "attacks", expected))
            }
            false => Ok(found),
        }
    }

    fn attack(&self, given: &Spanned<String>) -> Result<PlannedAttack, PlanError> {
        let name = given.get_ref();
        if let Some(preset) = presets::named(name) {
            return Ok(preset);
        }
        let Some(path) = name.ends_with(".toml").then(|| self.folder.join(name)) else {
            let expected = format!("{}, or a file that ends in .toml", presets::names());
            return Err(self.refused(given, "attacks", expected));
        };
        let refused =
            |reason: String| self.refused(given, "attacks", format!("an attack: {reason}"));
        let bytes = read_regular(&path, MAX_SETTINGS).map_err(|e| refused(e.to_string()))?;
        AttackSpec::read(&bytes).map_err(|error| refused(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if stem.len() > 40 || !stem.chars().all(is_plain) || stem.is_empty() {
            return Err(refused("its name is up to 40 letters, digits, -, _ or .".to_owned()));
        }
        Ok(PlannedAttack { name: stem, text })
    }

    fn monotone(
        &self,
        given: BTreeMap<String, Spanned<DottedText>>,
    ) -> Result<BTreeMap<String, (String, usize)>, PlanError> {
        let direction = |(feature, direction): (String, Spanned<String>)| {
            if !matches!(direction.get_ref().as_str(), "increasing" | "decreasing") {
                let expected = "\"increasing\" or \"decreasing\"";
                return Err(self.refused(&direction, &feature, expected));
            }
            let line = self.line(&direction);
            Ok((feature, (direction.into_inner(), line)))
        };
        texts(given).into_iter().map(direction).collect()
    }

    fn gates(&self, given: BTreeMap<String, Spanned<DottedText>>) -> Result<Vec<Gate>, PlanError> {
        let gate = |(name, demand): (String, Spanned<String>)| {
            Gate::read(&name, demand.get_ref(), self.line(&demand))
                .ok_or_else(|| self.refused(&demand, &name, super::gate::EXPECTED))
        };
        texts(given).into_iter().map(gate).collect()
    }
}
