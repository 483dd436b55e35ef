//! The figures of an audit that gates and comparisons are about, each under one name.

use crate::model::{DataSet, Family, Model};
use crate::report::{Counts, ModelReport, OrderFinding, OrderVerdict};

use super::findings::direction_of;
use super::gate::{GateFigure, GateKind};
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
    let mut known = vec![(ACCURACY.to_owned(), GateKind::Plain)];
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
        add(RADIUS_MEDIAN.to_owned(), GateKind::Plain);
    }
    if plan.makes(AuditPart::Stealing) {
        plan.budgets.iter().for_each(|budget| add(format!("{AGREEMENT}{budget}"), GateKind::Plain));
    }
    if plan.makes(AuditPart::Leakage) && plan.makes(AuditPart::LocalInvariance) {
        add(GIVEN_AWAY.to_owned(), GateKind::Plain);
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
    for gate in &plan.gates {
        match known.iter().find(|(name, _)| *name == gate.name) {
            Some((_, kind)) if *kind == gate.kind() => {}
            Some((_, kind)) => {
                let expected = match kind {
                    GateKind::Counts => {
                        "a demand on obligations, such as \">= 0.9 proved\" or \"all proved\""
                    }
                    GateKind::Plain => "a demand on a number, such as \">= 0.9\" or \"<= 0.9\"",
                };
                return Err(PlanError::Value {
                    line: gate.line,
                    key: gate.name.clone(),
                    found: format!("\"{}\"", gate.demand),
                    expected: expected.to_owned(),
                });
            }
            None => {
                let why = if gate.name == MONOTONICITY {
                    ", since neither the data nor [monotone] in the plan asks for a direction"
                } else {
                    ""
                };
                let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                return Err(PlanError::Gate {
                    line: gate.line,
                    name: gate.name.clone(),
                    why: why.to_owned(),
                    known: names.join(", "),
                });
            }
        }
    }
    Ok(())
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
