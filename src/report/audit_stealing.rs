//! Tables of stealing on an audit's page: inside and outside the data, inferred labels, angles of gradients.

use super::audit_sections::table;
use super::format::{observed, percent_of};
use super::sections::{Column, Table};
use super::{AttackReport, AuditFindings, Estimate, IntervalFinding, ModelReport};

/// The tables that have rows.
pub(super) fn stealing_tables(model: &ModelReport, audited: &AuditFindings) -> Vec<Table> {
    [gaps(model, audited), inference(audited), angles(model)].concat()
}

/// Agreement on rows like those of the data, and elsewhere.
fn gaps(model: &ModelReport, audited: &AuditFindings) -> Vec<Table> {
    const COLUMNS: [Column; 4] = [
        Column::text("attack"),
        Column::number("held-out rows"),
        Column::number("uniform points"),
        Column::number("gap, points"),
    ];
    let budget = audited.defended_budget;
    let attacks = model.attacks.iter().filter(|attack| attack.budget == budget);
    let row = |attack: &AttackReport| {
        let [inside, outside] = [attack.agreement.heldout.mean, attack.agreement.uniform.mean];
        let gap = format!("{:+.2}", 100.0 * (inside - outside));
        vec![attack.name.clone(), percent_of(inside), percent_of(outside), gap]
    };
    let caption =
        "Inside and outside the data: mean agreement on held-out rows minus that on uniform points";
    table(caption, &COLUMNS, attacks.map(row).collect())
}

/// The labels that intervals infer, and the right ones among them.
fn inference(audited: &AuditFindings) -> Vec<Table> {
    const COLUMNS: [Column; 3] = [
        Column::text("longest interval"),
        Column::number("labels inferred"),
        Column::number("right ones of them"),
    ];
    let row = |one: &IntervalFinding| {
        vec![one.threshold.clone(), observed(one.inferred), observed(one.right)]
    };
    let caption =
        "Labels that a thief infers from neighbours, by the longest interval that it believes";
    table(caption, &COLUMNS, audited.intervals.iter().map(row).collect())
}

/// Angles of gradients on test rows and on made points.
fn angles(model: &ModelReport) -> Vec<Table> {
    const COLUMNS: [Column; 3] = [
        Column::text("attack"),
        Column::number("first 50 points, degrees"),
        Column::number("all points, degrees"),
    ];
    let row = |attack: &AttackReport| {
        let angles = attack.angles?;
        let degrees = |estimate: Estimate| match estimate.interval() {
            Some([low, high]) => format!("{:.1} [{low:.1}, {high:.1}]", estimate.mean),
            None => format!("{:.1}", estimate.mean),
        };
        Some(vec![attack.name.clone(), degrees(angles.first), degrees(angles.all)])
    };
    let caption = "Mean angle between the gradients of a test row and of a point that the attack makes [95% interval]; \
                   90 is unrelated";
    table(caption, &COLUMNS, model.attacks.iter().filter_map(row).collect())
}
