//! The costs of a defense, the certificates it keeps, and the losses it causes to thieves.

use std::collections::BTreeSet;

use super::{Column, Section, Table, Topic, accuracy_ends, file};
use crate::report::format::{NONE, claim, difference, integer, of, share};
use crate::report::{DefendedAttack, DefenseReport, Run, StillProved};

pub(super) fn defenses(run: &Run) -> Section {
    let each = |rows: fn(&str, &DefenseReport) -> Vec<Vec<String>>| -> Vec<Vec<String>> {
        let all = run.models.iter().flat_map(|model| {
            model.defenses.iter().flat_map(move |defense| rows(&model.name, defense))
        });
        all.collect()
    };
    let mut tables = vec![
        Table::new("What it costs (measured on the test part)", &COST_COLUMNS, each(cost_rows)),
        Table::new(kept_caption(run), &KEPT_COLUMNS, each(kept_rows)),
        Table::new(
            "What the best of the thieves gets (measured; mean agreement on held-out rows)",
            &BEST_COLUMNS,
            each(best_rows),
        ),
    ];
    tables.extend(run.models.iter().flat_map(|model| {
        model.defenses.iter().map(move |defense| taken_table(&model.name, defense))
    }));
    tables.push(Table::details("The defenses", &CHOICE_COLUMNS, each(choice_rows)));
    Section {
        topic: Topic::Defenses,
        title: "Defenses",
        evidence: "each table says which",
        intro: "A defense changes the answers of the deployed model. It costs accuracy, keeps some of what \
                was proved, and should lower the agreement a thief reaches.",
        tables,
    }
}

const COST_COLUMNS: [Column; 6] = [
    Column::text("model"),
    Column::text("defense"),
    Column::number("accuracy"),
    Column::number("defended"),
    Column::number("labels changed"),
    Column::number("mean shift"),
];

fn cost_rows(model: &str, defense: &DefenseReport) -> Vec<Vec<String>> {
    vec![vec![
        model.to_owned(),
        defense_name(defense),
        share(defense.accuracy_before),
        share(defense.accuracy_after),
        of(defense.label_flips),
        defense.posterior_shift.map_or_else(|| NONE.to_owned(), |shift| format!("{shift:.4}")),
    ]]
}

const KEPT_COLUMNS: [Column; 9] = [
    Column::text("model"),
    Column::text("defense"),
    Column::claim("claim"),
    Column::number("n"),
    Column::number("proved"),
    Column::number("still"),
    Column::number("CA ≥"),
    Column::number("CA ≤"),
    Column::text("checked"),
];

fn kept_rows(model: &str, defense: &DefenseReport) -> Vec<Vec<String>> {
    let row = |kept: &StillProved| {
        let [lower, upper] = accuracy_ends(kept.after);
        vec![
            model.to_owned(),
            format!("{} {}", initials(&defense.kind), defense.strength),
            claim(&kept.claim),
            integer(kept.after.n()),
            integer(kept.before.proved),
            integer(kept.after.proved),
            lower,
            upper,
            if kept.checked { "yes" } else { "NOT CONFIRMED" }.to_owned(),
        ]
    };
    defense.certificates.iter().map(row).collect()
}

const BEST_COLUMNS: [Column; 6] = [
    Column::text("model"),
    Column::text("defense"),
    Column::text("without it, by"),
    Column::number("agreement"),
    Column::text("with it, by"),
    Column::number("agreement"),
];

/// The largest agreement over all attacks, without the defense and with it: a thief takes the best.
fn best_rows(model: &str, defense: &DefenseReport) -> Vec<Vec<String>> {
    let row = |[before, after]: [(&str, f64); 2]| {
        let figure = |mean: f64| format!("{:.1}%", 100.0 * mean);
        let name = (model.to_owned(), defense_name(defense));
        let (without, with) = (before.0.to_owned(), after.0.to_owned());
        vec![name.0, name.1, without, figure(before.1), with, figure(after.1)]
    };
    defense.best_thieves().map(row).into_iter().collect()
}

/// The loss of a thief to one defense of one model.
fn taken_table(model: &str, defense: &DefenseReport) -> Table {
    let columns = [
        Column::text("attack"),
        Column::number("held-out"),
        Column::number("uniform"),
        Column::number("boundary"),
    ];
    let row = |attack: &DefendedAttack| {
        let mut row = vec![attack.attack.clone()];
        row.extend(attack.decrease.named().map(|(_, set)| difference(set)));
        row
    };
    let caption = format!(
        "What {} takes from thieves of {model} (measured; agreement without minus with, in points \
         [95% interval])",
        defense_name(defense)
    );
    Table::new(caption, &columns, defense.attacks.iter().map(row).collect())
}

const CHOICE_COLUMNS: [Column; 4] = [
    Column::text("model"),
    Column::text("defense"),
    Column::text("strength chosen by"),
    Column::file("file"),
];

fn choice_rows(model: &str, defense: &DefenseReport) -> Vec<Vec<String>> {
    let name = defense_name(defense);
    vec![vec![model.to_owned(), name, defense.chosen.clone(), file(&defense.file)]]
}

/// `pp` for `prediction-poisoning`: the name that `defend --defense` takes, for places with little room.
fn initials(kind: &str) -> String {
    match kind.contains('-') {
        true => kind.split('-').filter_map(|word| word.chars().next()).collect(),
        false => kind.to_owned(),
    }
}

fn kept_caption(run: &Run) -> String {
    let defenses = run.models.iter().flat_map(|model| &model.defenses);
    let kinds: BTreeSet<&str> = defenses.map(|defense| defense.kind.as_str()).collect();
    let kinds: Vec<String> =
        kinds.iter().map(|kind| format!("; {}: {kind}", initials(kind))).collect();
    format!("What it keeps (decided by the kernel{})", kinds.concat())
}

fn defense_name(defense: &DefenseReport) -> String {
    format!("{} {}", defense.kind, defense.strength)
}
