//! Tables of verdicts and of what they cost.

use std::collections::BTreeMap;

use propcert::certificate::Totals;
use propcert::model::Model;

use crate::measured::{Asked, Measured, Rungs};

/// Proved / refuted / undecided.
pub fn verdict(totals: &Totals) -> String {
    let Totals { proved, refuted, undecided, invalid, .. } = totals;
    let invalid = if *invalid > 0 { format!(" ({invalid} invalid)") } else { String::new() };
    format!("{proved}/{refuted}/{undecided}{invalid}")
}

fn head<'a>(first: &str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<&str> = names.collect();
    println!("| {first} | {} |", names.join(" | "));
}

/// Proved, refuted and undecided per claim and model.
pub fn verdicts(models: &[(String, Model)], all: &[Asked], measured: &[Vec<Measured>]) {
    head("proved/refuted/undecided", models.iter().map(|(name, _)| name.as_str()));
    println!("|---|{}", "--:|".repeat(models.len()));
    for (at, asked) in all.iter().enumerate() {
        let cells: Vec<String> = measured.iter().map(|of| verdict(&of[at].totals)).collect();
        println!("| {}, {} | {} |", asked.property, asked.settings, cells.join(" | "));
    }
    println!();
}

/// Seconds and bytes per property and model, and what closed the obligations of all models.
pub fn costs(models: &[(String, Model)], all: &[Asked], measured: &[Vec<Measured>]) {
    let names = models.iter().map(|(name, _)| name.as_str());
    head("search s + check s, kB | closed by", names);
    println!("|---|---|{}", "--:|".repeat(models.len()));
    let mut properties: Vec<&str> = all.iter().map(|asked| asked.property).collect();
    properties.dedup();
    for property in properties {
        let mut rungs = Rungs::default();
        let cells: Vec<String> = measured
            .iter()
            .map(|of| {
                let of_property =
                    all.iter().zip(of).filter(|(asked, _)| asked.property == property);
                let (mut search, mut check, mut bytes) = (0.0, 0.0, 0);
                for (_, measured) in of_property {
                    rungs.add(&measured.rungs);
                    search += measured.search;
                    check += measured.check;
                    bytes += measured.bytes;
                }
                format!("{search:.1} + {check:.1}, {}", bytes.div_ceil(1000))
            })
            .collect();
        println!("| {property} | {rungs} | {} |", cells.join(" | "));
    }
    println!();
}

/// Proved, refuted and undecided of all data sets, by property and kind of model.
#[derive(Default)]
pub struct Summary {
    certificates: usize,
    properties: Vec<&'static str>,
    columns: Vec<(String, BTreeMap<&'static str, Totals>)>,
}

impl Summary {
    /// Adds what became of a claim about a model.
    pub fn add(&mut self, model: &str, property: &'static str, more: &Totals) {
        self.certificates += 1;
        if !self.properties.contains(&property) {
            self.properties.push(property);
        }
        let at = self.columns.iter().position(|(name, _)| name == model).unwrap_or_else(|| {
            self.columns.push((model.to_owned(), BTreeMap::new()));
            self.columns.len() - 1
        });
        let totals = self.columns[at].1.entry(property).or_default();
        totals.proved += more.proved;
        totals.refuted += more.refuted;
        totals.undecided += more.undecided;
        totals.invalid += more.invalid;
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("## All data sets\n");
        head("proved/refuted/undecided", self.columns.iter().map(|(name, _)| name.as_str()));
        println!("|---|{}", "--:|".repeat(self.columns.len()));
        for property in &self.properties {
            let cell = |(_, of): &(String, BTreeMap<&'static str, Totals>)| {
                of.get(property).map_or_else(|| "–".to_owned(), verdict)
            };
            let cells: Vec<String> = self.columns.iter().map(cell).collect();
            println!("| {property} | {} |", cells.join(" | "));
        }
        let count = self.certificates;
        println!("\n{count} certificates, each as stated when the kernel read it anew.");
    }
}
