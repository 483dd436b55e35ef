//! The figures of an audit that gates and comparisons are about, each under one name.

use crate::model::{DataSet, Family, Model};
use crate::report::{Counts, ModelReport, OrderFinding, OrderVerdict};

use super::findings::direction_of;
use super::gate::{Gate, GateFigure, GateKind};
use super::grid::{BOUNDARY, ORDERS, local_name};
use super::plan::{AuditPart, AuditPlan, PlanError};

/// The accuracy on test rows.
const ACCURACY: &str = "accuracy";
/// The directions that data or plan ask for.
const MONOTONICITY: &str = "monotonicity";
/// The median radius.
const RADIUS_MEDIAN: &str = "radius-median";
/// Published rows whose labels certificates tell.
const GIVEN_AWAY: &str = "given-away";
/// The best thief at a budget.
const AGREEMENT: &str = "agreement-";

/// The names of figures that the audit of a plan makes, with their kinds.
fn known(plan: &AuditPlan, model: &Model, data: &DataSet) -> Vec<(String, GateKind)> {
    let mut known = vec![(ACCURACY.to_owned(), GateKind::Share)];
    let mut add = |name: String, kind| known.push((name, kind));
    if plan.makes(AuditPart::LocalInvariance) {
        for epsilon in &plan.epsilons {
            add(local_name(model, epsilon), GateKind::Counts);
        }
    }
    if plan.makes(AuditPart::Monotonicity) && model.classes == 2 {
        ORDERS.iter().for_each(|(name, _)| add((*name).to_owned(), GateKind::Counts));
        let features = model.schema.features().iter();
        if features.into_iter().any(|f| direction_of(&f.name, data, plan).is_some()) {
            add(MONOTONICITY.to_owned(), GateKind::Counts);
        }
    }
    if plan.makes(AuditPart::Boundary) && model.classes == 2 && model.has_posterior() {
        add(BOUNDARY.to_owned(), GateKind::Counts);
    }
    if plan.makes(AuditPart::Radii) && matches!(model.family, Family::Ensemble(_)) {
        add(RADIUS_MEDIAN.to_owned(), GateKind::Length);
    }
    if plan.makes(AuditPart::Stealing) {
        plan.budgets.iter().for_each(|budget| add(format!("{AGREEMENT}{budget}"), GateKind::Share));
    }
    if plan.makes(AuditPart::Leakage) && plan.makes(AuditPart::LocalInvariance) {
        add(GIVEN_AWAY.to_owned(), GateKind::Share);
    }
    known
}

/// Refuses a gate on a figure that the audit does not make, and a demand of the wrong kind; also directions of features
/// that the model does not have.
///
/// # Errors
/// The first of these, with its line.
pub fn expect_gates(plan: &AuditPlan, model: &Model, data: &DataSet) -> Result<(), PlanError> {
    let names: Vec<&str> = model.schema.features().iter().map(|f| f.name.as_str()).collect();
    for (feature, (direction, line)) in &plan.monotone {
        if !names.contains(&feature.as_str()) {
            return Err(PlanError::Value {
                line: *line,
                key: feature.clone(),
                found: format!("\"{direction}\""),
                expected: format!("a feature of the model: {}", names.join(", ")),
            });
        }
    }
    let known = known(plan, model, data);
    plan.gates.iter().try_for_each(|gate| expect_gate(gate, &known))
}

/// Refuses a gate on a figure that is not known, a demand of the wrong kind, and a bound that no figure has.
fn expect_gate(gate: &Gate, known: &[(String, GateKind)]) -> Result<(), PlanError> {
    let Some((_, kind)) = known.iter().find(|(name, _)| *name == gate.name) else {
        return Err(unknown(gate, known));
    };
    let expected = match kind {
        GateKind::Counts if !gate.is_about(*kind) => {
            "a demand on obligations, such as \">= 0.9 proved\" or \"all proved\""
        }
        GateKind::Share | GateKind::Length if !gate.is_about(*kind) => {
            "a demand on a number, such as \">= 0.9\" or \"<= 0.9\""
        }
        GateKind::Length if gate.is_impossible(*kind) => "a length of 0 or more",
        GateKind::Counts | GateKind::Share if gate.is_impossible(*kind) => {
            "a share from 0 to 1: for 95% write 0.95"
        }
        GateKind::Counts | GateKind::Share | GateKind::Length => return Ok(()),
    };
    Err(PlanError::Value {
        line: gate.line,
        key: gate.name.clone(),
        found: format!("\"{}\"", gate.demand),
        expected: expected.to_owned(),
    })
}

/// The refusal of a gate on a figure that the audit does not make, with a name that is near.
fn unknown(gate: &Gate, known: &[(String, GateKind)]) -> PlanError {
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let why = match gate.name.as_str() {
        MONOTONICITY => {
            ", since neither the data nor [monotone] in the plan asks for a direction".to_owned()
        }
        // figures with other numbers are near too, but nothing was misspelled
        name if name.contains(|c: char| c.is_ascii_digit()) && is_numbered(name, &names) => {
            String::new()
        }
        name => crate::near::advice(name, names.iter().copied()),
    };
    PlanError::Gate { line: gate.line, name: gate.name.clone(), why, known: names.join(", ") }
}

/// True if a name differs from a known one in its number alone.
fn is_numbered(name: &str, known: &[&str]) -> bool {
    let stem =
        |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    known.iter().any(|one| stem(one) == stem(name))
}

/// True for the names of figures about thieves.
pub(super) fn is_agreement(name: &str) -> bool {
    name.starts_with(AGREEMENT)
}

/// The figure of that name; `None` if the report does not have it.
pub(super) fn figure(name: &str, model: &ModelReport) -> Option<GateFigure> {
    let audited = model.audited.as_ref()?;
    if let Some(budget) = name.strip_prefix(AGREEMENT) {
        let budget: u64 = budget.parse().ok()?;
        let best = model.best_attack(budget);
        return best.map(|best| GateFigure::Number(best.agreement.heldout.mean));
    }
    match name {
        ACCURACY => Some(GateFigure::Observed(model.accuracy)),
        MONOTONICITY => Some(GateFigure::Counts(declared_counts(&audited.orders))),
        RADIUS_MEDIAN => model.radii.as_ref()?.quartiles[1].map(GateFigure::Number),
        GIVEN_AWAY => Some(GateFigure::Observed(model.gives_away.as_ref()?.published)),
        _ => certificate_counts(name, model).map(GateFigure::Counts),
    }
}

/// The counts of the certificate of a property of the grid.
fn certificate_counts(name: &str, model: &ModelReport) -> Option<Counts> {
    let ending = format!("/{name}.jsonl");
    let found = model
        .certificates
        .iter()
        .find(|certificate| certificate.file.as_ref().is_some_and(|file| file.ends_with(&ending)));
    found.map(|certificate| certificate.counts)
}

/// The directions that are asked for, by the kernel's answers.
pub(super) fn declared_counts(orders: &[OrderFinding]) -> Counts {
    let mut counts = Counts::default();
    for order in orders {
        let verdict = match order.declared.as_deref() {
            Some("increasing") => order.increasing,
            Some(_) => order.decreasing,
            None => continue,
        };
        match verdict {
            OrderVerdict::Proved => counts.proved += 1,
            OrderVerdict::Refuted => counts.refuted += 1,
            OrderVerdict::Open => counts.undecided += 1,
        }
    }
    counts
}
