//! The sentences of an audit's page: what is proved, what is refuted, what a thief gets, what each defense does.

use super::audited::class_name;
use std::cmp::Ordering;

use super::format::{integer, observed, percent_of};
use super::{
    AuditFindings, Counts, DefenseReport, ModelReport, OrderFinding, OrderVerdict, Run, Share,
};
use crate::text::counted;
use crate::text::digits::{above, below, shortest};

/// Agreement from which a model counts as stolen.
const STOLEN: f64 = 0.9;
/// Features of a list that are named.
const NAMED: usize = 6;

/// The model in one sentence.
pub(super) fn model_sentence(run: &Run, model: &ModelReport, audited: &AuditFindings) -> String {
    let kind = match model.family.as_str() {
        "mlp" => "A network",
        "ensemble" => "An ensemble of trees",
        other => other,
    };
    format!(
        "{kind} ({}), right on {} of the test rows of {}; always answering the largest class would be right on {}.",
        model.size,
        observed(model.accuracy),
        run.data.name,
        observed(audited.majority)
    )
}

/// The proved findings, a sentence each.
pub(super) fn proved(model: &ModelReport, audited: &AuditFindings) -> Vec<String> {
    let mut told = Vec::new();
    for local in &audited.local {
        if local.epsilon == audited.main_epsilon {
            told.push(format!(
                "{} of test rows keep their right answer whatever changes by at most {} standard deviations.",
                share_of(local.counts.proved, local.counts),
                local.epsilon
            ));
        }
    }
    let one = class_name(&audited.classes, 1);
    told.extend(orders_proved(&audited.orders, &one));
    // without a certificate nobody can decide it again
    let certified = audited.changes.iter().filter(|change| change.file.is_some());
    let single = certified.filter(|change| !change.moves.starts_with("all "));
    if let Some(most) = single.map(|change| change.most).reduce(f64::max) {
        told.push(format!("No single feature moves the score by more than {}.", at_most(most)));
    }
    let checked = model.certificates.iter().filter(|one| one.checked).count() as u64;
    let all = model.certificates.len() as u64;
    told.push(format!(
        "{} certificates, read again by the checking kernel, hold as stated.",
        if checked == all { format!("All {all}") } else { observed(Share::new(checked, all)) }
    ));
    told
}

fn share_of(count: u64, counts: Counts) -> String {
    observed(Share::new(count, counts.n()))
}

/// Names of the features for which something is so.
fn names(orders: &[OrderFinding], is_so: impl Fn(&OrderFinding) -> bool) -> Vec<&str> {
    orders.iter().filter(|order| is_so(order)).map(|order| order.feature.as_str()).collect()
}

/// Some names, and how many more.
fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn orders_proved(orders: &[OrderFinding], one: &str) -> Vec<String> {
    let is = |verdict| verdict == OrderVerdict::Proved;
    let still = names(orders, |order| is(order.increasing) && is(order.decreasing));
    let up = names(orders, |order| is(order.increasing) && !is(order.decreasing));
    let down = names(orders, |order| is(order.decreasing) && !is(order.increasing));
    let mut told = Vec::new();
    for (names, what) in [
        (&up, format!("more never speaks against {one}")),
        (&down, format!("more never speaks for {one}")),
        (&still, "nothing changes at all: the model does not use it".to_owned()),
    ] {
        if !names.is_empty() {
            let count = names.len();
            let features = counted(orders.len(), "feature");
            told.push(format!("{count} of {features}: {what} ({}).", listed(names)));
        }
    }
    if told.is_empty() && !orders.is_empty() {
        told.push(format!(
            "None of {} is monotone on the whole domain.",
            counted(orders.len(), "feature")
        ));
    }
    told
}

/// The refuted ones, a sentence each, an example with few moved features first.
pub(super) fn refuted(audited: &AuditFindings) -> Vec<String> {
    let mut told = Vec::new();
    told.extend(example_of(audited));
    for local in audited.local.iter().filter(|local| local.epsilon == audited.main_epsilon) {
        let unsure = match local.unsure_already {
            0 => String::new(),
            unsure => format!(" and {} that are right but not sure", integer(unsure)),
        };
        told.push(format!(
            "Within {} standard deviations {} of test rows lose their right and sure answer, besides {} that are wrong{unsure} as they are.",
            local.epsilon,
            share_of(local.attacked, local.counts),
            integer(local.wrong_already)
        ));
    }
    let asked = audited.orders.iter().filter_map(|order| {
        let (verdict, words) = match order.declared.as_deref()? {
            "increasing" => (order.increasing, &order.against_increasing),
            _ => (order.decreasing, &order.against_decreasing),
        };
        let words = words.as_ref().filter(|_| verdict == OrderVerdict::Refuted)?;
        Some(format!("Against the direction asked of {}: {words}.", order.feature))
    });
    told.extend(asked.take(2));
    let both = |order: &OrderFinding| {
        [order.increasing, order.decreasing].iter().all(|one| *one == OrderVerdict::Refuted)
    };
    let neither = names(&audited.orders, both);
    if !neither.is_empty() {
        told.push(format!(
            "{} of {} {} both ways, depending on the others.",
            neither.len(),
            counted(audited.orders.len(), "feature"),
            if neither.len() == 1 { "goes" } else { "go" }
        ));
    }
    told
}

/// The gain of a thief, a sentence each.
pub(super) fn stolen(model: &ModelReport, audited: &AuditFindings) -> Vec<String> {
    let best = |budget: u64| model.best_attack(budget);
    let mut told = Vec::new();
    let enough = audited
        .budgets
        .iter()
        .find_map(|&budget| best(budget).filter(|attack| attack.agreement.heldout.mean >= STOLEN));
    match enough {
        Some(attack) => told.push(format!(
            "{} queries are enough: {} agrees with the model on {} of held-out rows.",
            integer(attack.budget),
            attack.name,
            percent_of(attack.agreement.heldout.mean)
        )),
        None if let Some(label) = audited.only_label => told.push(format!(
            "The model answers {} wherever it was asked: one query tells all, and there is nothing more to steal.",
            class_name(&audited.classes, label)
        )),
        None => told.extend(audited.budgets.last().filter(|_| !model.attacks.is_empty()).map(
            |most| {
                format!("No attack tried reaches 90% agreement with {} queries.", integer(*most))
            },
        )),
    }
    let curve: Vec<String> = audited
        .budgets
        .iter()
        .filter_map(|&budget| {
            let agreement = best(budget)?.agreement.heldout.mean;
            Some(format!("{} with {}", percent_of(agreement), integer(budget)))
        })
        .collect();
    if !curve.is_empty() {
        told.push(format!("The best thief at each budget: {}.", curve.join(", ")));
    }
    let floor = model.baselines.iter().map(|one| one.agreement.heldout.mean).reduce(f64::max);
    told.extend(
        floor.map(|floor| format!("Without any attack a thief agrees on {}.", percent_of(floor))),
    );
    if let Some(given) = &model.gives_away {
        told.push(format!(
            "Publishing the certificates tells the model's label of {} published rows, without a query.",
            observed(given.published)
        ));
    }
    told
}

/// One sentence of verdict about a model: what is proved of it, what the best thief gets, and the defense that takes most
/// from the thief.
pub(super) fn verdict_of(model: &ModelReport, audited: &AuditFindings) -> String {
    let main = audited.local.iter().find(|local| local.epsilon == audited.main_epsilon);
    let proved = main.map(|local| {
        let share = share_of(local.counts.proved, local.counts);
        format!("{share} of rows are proved within {} sd", local.epsilon)
    });
    let budget = audited.defended_budget;
    let thief = model.best_attack(budget).map(|best| {
        let agreement = percent_of(best.agreement.heldout.mean);
        format!("the best thief with {} queries agrees on {agreement}", integer(budget))
    });
    let facts: Vec<String> = proved.into_iter().chain(thief).collect();
    let facts = match facts.is_empty() {
        true => String::new(),
        false => format!(" {}.", capital(&facts.join("; "))),
    };
    let after = |defense: &&DefenseReport| defense.best_thieves().map(|[_, after]| after.1);
    let with = model.defenses.iter().filter(|defense| after(defense).is_some());
    let best = with.min_by(|a, b| after(a).partial_cmp(&after(b)).unwrap_or(Ordering::Equal));
    let defense = best.map_or_else(String::new, |best| {
        format!(" The defense that leaves a thief least: {}", best.verdict(budget))
    });
    format!("Right on {} of test rows.{facts}{defense}", observed(model.accuracy))
}

/// An example against a model in words, if there is one.
pub(super) fn example_of(audited: &AuditFindings) -> Option<String> {
    let flips = audited.radii.iter().flat_map(|radii| &radii.flips);
    let flip = flips.filter(|flip| flip.distance > 0.0).min_by_key(|flip| flip.moved);
    let local = audited.local.iter().filter(|local| local.example.is_some());
    let local = local.min_by_key(|local| local.moved).and_then(|local| local.example.clone());
    match (flip, local) {
        (Some(flip), _) => Some(format!("{} (test row {}).", capital(&flip.words), flip.row)),
        (None, Some(example)) => Some(format!("{}.", capital(&example))),
        (None, None) => None,
    }
}

/// An upper end in three digits, rounded up.
pub(super) fn at_most(number: f64) -> String {
    shortest(above(number, 3))
}

/// A lower end in three digits, rounded down.
pub(super) fn at_least(number: f64) -> String {
    shortest(below(number, 3))
}

/// The first letter as a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
