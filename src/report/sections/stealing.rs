//! Results of attacks: settings, measured agreement, paired comparisons.

use super::{Column, Section, Table, Topic};
use crate::report::format::{NONE, averages, difference, estimate_percent, integer, squared};
use crate::report::{AttackReport, Baseline, ModelReport, Run};

pub(super) fn stealing(run: &Run) -> Section {
    let mut tables: Vec<Table> = run.models.iter().map(attack_table).collect();
    tables.extend(run.models.iter().map(comparison_table));
    tables.push(setting_table(run));
    Section {
        topic: Topic::Stealing,
        title: "Model stealing",
        evidence: "measured",
        intro: "A substitute is trained from the target's answers; agreement is the share of points where \
                it decides as the undefended target, in percent, mean ± standard deviation over \
                repetitions. Queries and labels are per repetition.",
        tables,
    }
}

const ATTACK_COLUMNS: [Column; 9] = [
    Column::text("attack"),
    Column::number("asked"),
    Column::number("free"),
    Column::number("wrong"),
    Column::number("held-out"),
    Column::number("uniform"),
    Column::number("boundary"),
    Column::number("MSE"),
    Column::number("F1"),
];

fn attack_table(model: &ModelReport) -> Table {
    let baselines = model.baselines.iter().map(baseline_row);
    let totals = |total: fn(&AttackReport) -> u64| {
        averages(model.attacks.iter().map(|attack| (total(attack), attack.repetitions)))
    };
    let (asked, free) = (totals(|attack| attack.asked), totals(|attack| attack.inferred_free));
    let attacks = model.attacks.iter().zip(asked).zip(free);
    let attacks = attacks.map(|((attack, asked), free)| attack_row(attack, asked, free));
    let rows = baselines.chain(attacks).collect();
    Table::new(format!("Stealing {}", model.name), &ATTACK_COLUMNS, rows)
}

fn baseline_row(baseline: &Baseline) -> Vec<String> {
    let mut row = vec![format!("({})", baseline.name)];
    row.extend([NONE; 3].map(str::to_owned));
    row.extend(baseline.agreement.named().map(|(_, agreement)| estimate_percent(agreement)));
    row.extend([squared(&baseline.mse), format!("{:.3}", baseline.f1.mean)]);
    row
}

fn attack_row(attack: &AttackReport, asked: String, free: String) -> Vec<String> {
    let mut row = vec![attack.name.clone(), asked, free];
    row.push(integer(attack.inferred_wrong));
    row.extend(attack.agreement.named().map(|(_, agreement)| estimate_percent(agreement)));
    row.extend([squared(&attack.mse), format!("{:.3}", attack.f1.mean)]);
    row
}

const SETTING_COLUMNS: [Column; 8] = [
    Column::text("model"),
    Column::text("attack"),
    Column::text("generator"),
    Column::text("inference"),
    Column::number("budget"),
    Column::number("of it seeds"),
    Column::number("repetitions"),
    Column::number("training steps"),
];

fn setting_table(run: &Run) -> Table {
    let row = |model: &str, attack: &AttackReport| {
        vec![
            model.to_owned(),
            attack.name.clone(),
            attack.generator.clone(),
            attack.inference.clone(),
            integer(attack.budget),
            integer(attack.seeds),
            integer(attack.repetitions),
            averages([(attack.gradient_steps, attack.repetitions)]).concat(),
        ]
    };
    let rows = run
        .models
        .iter()
        .flat_map(|model| model.attacks.iter().map(move |attack| row(&model.name, attack)));
    Table::details("The attacks", &SETTING_COLUMNS, rows.collect())
}

fn comparison_table(model: &ModelReport) -> Table {
    let columns = [
        Column::text("attack − reference"),
        Column::number("held-out"),
        Column::number("uniform"),
        Column::number("boundary"),
    ];
    let rows = model.attacks.iter().flat_map(|attack| {
        attack.versus.iter().map(|paired| {
            let mut row = vec![format!("{} − {}", attack.name, paired.reference)];
            row.extend(paired.agreement.named().map(|(_, set)| difference(set)));
            row
        })
    });
    let caption = format!(
        "Stealing {}, paired differences of agreement in points [95% interval]",
        model.name
    );
    Table::new(caption, &columns, rows.collect())
}
