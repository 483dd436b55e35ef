//! The TOML of a plan: read strictly, every refusal with its line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::defend::DefenseKind;
use crate::interval::{Decimal, Rational};
use crate::source::read_regular;
use crate::steal::AttackSpec;
use crate::text::line_of;

use super::gate::Gate;
use super::plan::{AuditPace, AuditPart, AuditPlan, PlanError, PlannedAttack};
use super::presets;

/// Largest plan and attack, in bytes.
pub(super) const MAX_SETTINGS: u64 = 1 << 20;
/// Largest number of rows, nodes, queries and repetitions that a plan may ask for.
const MANY: u64 = 1_000_000_000;

/// Reads the text of a plan; attacks that it names are looked for in `folder`.
pub(super) fn read(bytes: &[u8], folder: &Path, pace: AuditPace) -> Result<AuditPlan, PlanError> {
    let text = std::str::from_utf8(bytes)?;
    let file: PlanFile = toml::from_str(text)?;
    PlanReader { text, folder }.read(file, pace)
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
    angles: Option<bool>,
    interval_thresholds: Option<Spanned<Vec<Spanned<Decimal>>>>,
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
        plan.angles = file.angles.unwrap_or(plan.angles);
        if let Some(thresholds) = &file.interval_thresholds {
            plan.interval_thresholds = self.thresholds(thresholds)?;
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
                DefenseKind::named(name.get_ref())
                    .ok_or_else(|| self.refused(name, "defenses", DefenseKind::NAMES))
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
            // it is part of names
            let is_short = epsilon.get_ref().to_string().len() <= 16;
            let is_fit = *value > Rational::ZERO && *value <= Rational::integer(1000);
            if !(is_fit && is_short && is_last) {
                let expected = "ascending decimals above 0, at most 1000, of up to 16 characters, such as \"0.05\"";
                return Err(self.refused(epsilon, "epsilons", expected));
            }
            found.push(epsilon.get_ref().clone());
        }
        match found.is_empty() {
            true => Err(self.refused(given, "epsilons", "at least one decimal")),
            false => Ok(found),
        }
    }

    fn thresholds(
        &self,
        given: &Spanned<Vec<Spanned<Decimal>>>,
    ) -> Result<Vec<Decimal>, PlanError> {
        let mut found: Vec<Decimal> = Vec::new();
        for threshold in given.get_ref() {
            let value = threshold.get_ref().value();
            let is_last = found.last().is_none_or(|last| last.value() < value);
            let is_short = threshold.get_ref().to_string().len() <= 16;
            if !(*value > Rational::ZERO && *value <= Rational::ONE && is_short && is_last) {
                let expected = "ascending decimals above 0, at most 1, such as \"0.5\"";
                return Err(self.refused(threshold, "interval-thresholds", expected));
            }
            found.push(threshold.get_ref().clone());
        }
        Ok(found)
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
