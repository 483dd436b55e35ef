//! `propcert train --hold`: models trained to hold specs, and what that costs.

use std::path::{Path, PathBuf};

use comfy_table::Table;
use serde_json::json;

use crate::certificate::Totals;
use crate::certify::LargestChange;
use crate::model::DataSet;
use crate::report::ruled;
use crate::spec::Spec;
use crate::train::{HeldModel, HoldFigures, HoldOptions, HoldProgress, hold};

use super::super::progress::bar;
use super::super::{Refusal, files};
use super::validation;

/// A spec with the path that it was read from.
pub(super) struct NamedSpec {
    path: PathBuf,
    spec: Spec,
}

impl NamedSpec {
    pub(super) fn read(path: &Path) -> Result<Self, Refusal> {
        let bytes = files::read_settings(path)?;
        let spec = Spec::read(&bytes).map_err(Refusal::from).map_err(Refusal::about(path))?;
        Ok(Self { path: path.to_owned(), spec })
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }
}

/// Trains with progress on standard error.
pub(super) fn train(
    data: &DataSet,
    specs: &[NamedSpec],
    options: &HoldOptions,
) -> Result<HeldModel, Refusal> {
    let progress = bar("train", 0);
    let mut training = String::new();
    let mut tell = |what: HoldProgress| match what {
        HoldProgress::Training(words) => training = words.to_owned(),
        HoldProgress::Certifying(words) => progress.set_message(format!("certify {words}")),
        HoldProgress::Repair(round) => {
            progress.set_message(format!("repair: {} refuted, {} rows", round.refuted, round.rows));
        }
        HoldProgress::Step(step) => {
            progress.set_length(step.total);
            progress.set_position(step.done);
            progress.set_message(format!("{training}: {}", validation(&step)));
        }
    };
    let specs: Vec<Spec> = specs.iter().map(|named| named.spec.clone()).collect();
    let held = hold(data, &specs, options, &mut tell)?;
    progress.finish_and_clear();
    Ok(held)
}

/// The figures before and after, for people or for machines.
pub(super) fn summary(
    held: &HeldModel,
    specs: &[NamedSpec],
    options: &HoldOptions,
    as_json: bool,
) -> String {
    if as_json {
        return format!("{:#}\n", in_json(held, specs, options));
    }
    let mut text = String::new();
    for (part, figures) in [("validation", held.validation()), ("test", held.test.each_ref())] {
        text.push_str(&format!("{part} rows\n{}\n", table(figures, specs)));
    }
    text.push_str(&verdict(held, options));
    text
}

fn table([before, after]: [&HoldFigures; 2], specs: &[NamedSpec]) -> Table {
    let mut table = ruled(["", "natural", "held"], 1);
    let decimals = |name: &str, before: f64, after: f64| {
        [name.to_owned(), format!("{before:.4}"), format!("{after:.4}")]
    };
    table.add_row(decimals("accuracy", before.accuracy(), after.accuracy()));
    table.add_row(decimals("F1", before.f1, after.f1));
    if let (Some(before), Some(after)) = (before.auc, after.auc) {
        table.add_row(["AUC".to_owned(), format!("{before:.5}"), format!("{after:.5}")]);
    }
    table.add_row(decimals("log-loss", before.log_loss, after.log_loss));
    for (at, named) in specs.iter().enumerate() {
        let name = named.path.display().to_string();
        let [before_held, after_held] = [before, after].map(|of| counted(of.specs[at]));
        table.add_row([name, before_held, after_held]);
        let scales = [before, after].map(|of| of.scales[at]);
        if let [Some(before), Some(after)] = scales.map(|scale| scale.span).map(|s| s.map(spanned))
        {
            table.add_row(["  score ranges over".to_owned(), before, after]);
        }
        if let [Some(before), Some(after)] = scales.map(|scale| scale.is_premise_met) {
            let reached = |is_met| if is_met { "yes" } else { "no: it holds emptily" }.to_owned();
            table.add_row(["  confidence is reached".to_owned(), reached(before), reached(after)]);
        }
    }
    table
}

fn counted(totals: Totals) -> String {
    let Totals { proved, refuted, undecided, .. } = totals;
    format!("proved {proved} refuted {refuted} undecided {undecided} of {}", totals.n())
}

/// The range of a score on the domain, or an enclosure of it.
fn spanned(span: LargestChange) -> String {
    match span.is_exact {
        true => format!("{:.2}", span.most),
        false => format!("{:.2} to {:.2}", span.least, span.most),
    }
}

/// The choice in words, with its price.
fn verdict(held: &HeldModel, options: &HoldOptions) -> String {
    let [before, after] = held.validation();
    let price = 100.0 * (before.accuracy() - after.accuracy());
    if held.is_natural() && options.price.is_none() {
        return "kept the natural model: no training held the specs\n".to_owned();
    }
    if held.is_natural() {
        return format!(
            "kept the natural model: none of {} trainings proves more for at most {} points of accuracy on \
             validation rows\n",
            held.tried.len() - 1,
            100.0 * options.price.unwrap_or(1.0)
        );
    }
    format!(
        "chosen: {}; {:.2} points of accuracy lost on validation rows, by which it was chosen\n",
        held.training(),
        price
    )
}

fn in_json(held: &HeldModel, specs: &[NamedSpec], options: &HoldOptions) -> serde_json::Value {
    let figures = |figures: &HoldFigures| {
        let decided = figures.specs.iter().zip(&figures.scales);
        let specs = specs.iter().zip(decided).map(|(named, (totals, scale))| {
            let span = scale.span.map(|span| {
                json!({ "at_least": span.least, "at_most": span.most, "is_exact": span.is_exact })
            });
            json!({
                "score_range": span, "confidence_is_reached": scale.is_premise_met,
                "spec": named.path, "proved": totals.proved, "refuted": totals.refuted,
                "undecided": totals.undecided, "vacuous": totals.vacuous, "invalid": totals.invalid,
                "n": totals.n(),
            })
        });
        json!({
            "accuracy": figures.accuracy(), "correct": figures.correct, "rows": figures.rows,
            "f1": figures.f1, "auc": figures.auc, "log_loss": figures.log_loss, "specs": specs.collect::<Vec<_>>(),
        })
    };
    let [before, after] = held.validation().map(figures);
    let [test_before, test_after] = held.test.each_ref().map(figures);
    let tried = held
        .tried
        .iter()
        .map(|tried| json!({ "training": tried.training, "figures": figures(&tried.figures) }));
    json!({
        "family": held.model.family_name(), "training": held.training(), "natural": held.is_natural(),
        "price": options.price, "seed": options.seed, "part": "validation",
        "before": before, "after": after,
        "test": { "before": test_before, "after": test_after },
        "tried": tried.collect::<Vec<_>>(),
    })
}
