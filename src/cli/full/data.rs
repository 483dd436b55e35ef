//! `propcert data`: list, describe, show, make and import data sets.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::dataset;
use crate::model::Part;

use super::import_data::ImportArguments;
use super::inputs::Inputs;
use super::output::{FileKind, Force, expect_own, is_standard_output};
use super::subject::{read_data, read_whole};
use super::{Ending, Refusal, files};

/// List, describe, show, make and import data sets.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  propcert data list\n  propcert data describe spambase\n  propcert data rows spambase:train > train.csv\n  propcert data make customer_churn --rows 5000 --seed 1 --out churn.csv\n  propcert data import mails.csv --label spam --out mails-canonical.csv"
)]
pub(crate) enum DataVerb {
    /// List what can be named: built in, in PROPCERT_DATA, and the shapes of synthetic sets.
    #[command(after_help = "Example:\n  propcert data list")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Describe a data set: rows, classes, duplicates, conflicts, ranges, parts, and what differs
    /// from the table of "Stolen Risks of Models with Security Properties" (CCS 2023).
    #[command(after_help = "Example:\n  propcert data describe spambase")]
    Describe {
        /// A name, a folder or a CSV.
        name: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the rows of a part as CSV: `label`, then the features in raw units.
    ///
    /// A model that was trained elsewhere on `NAME:train` has seen none of the rows that figures are
    /// reported on. Verbs that take --points read it.
    #[command(after_help = "Example:\n  propcert data rows spambase:train > train.csv")]
    Rows {
        /// A name, a folder or a CSV, and the part: `NAME:train`, `NAME:validation`, `NAME:test` or
        /// `NAME:auxiliary`.
        name: String,
    },
    /// Make a synthetic data set in the shape of one of the five of "Stolen Risks of Models with
    /// Security Properties" (CCS 2023), called synthetic everywhere.
    #[command(
        after_help = "Example:\n  propcert data make customer_churn --rows 5000 --seed 1 --out churn.csv"
    )]
    Make {
        /// The shape; `data list` shows them.
        shape: String,
        /// Number of rows [default: as many as the paper has].
        #[arg(long)]
        rows: Option<usize>,
        /// Seed of everything random.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Where the CSV goes; its meta data goes beside it. - is standard output, without the meta data.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        force: Force,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Turn a CSV with a label column into a data set; what is inferred is printed.
    ///
    /// All that is in the way is said at once, with the options that mend it. Labels of any kind become class numbers.
    /// Kinds and ranges are those of the training rows; the meta file beside the result can be edited.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Box<ImportArguments>),
}

const IMPORT_EXAMPLES: &str = "Examples:\n  propcert data import mails.csv --label spam --out mails-canonical.csv\n  \
    propcert data import anrufe.csv --label betrug --encoding windows-1252 --separator ';' --decimal comma \\\n      \
    --drop id --encode land=one-hot --encode tarif=ordinal --fill median --monotone dauer=increasing --out calls.csv";

/// Runs the verb.
pub(crate) fn run(verb: DataVerb) -> Result<Ending, Refusal> {
    match verb {
        DataVerb::List { json } => show(&dataset::list()?, json),
        DataVerb::Describe { name, json } => show(&dataset::describe(&read_whole(&name)?), json),
        DataVerb::Rows { name } => print_rows(&name),
        DataVerb::Make { shape, rows, seed, out, force, json } => {
            let place = place_of(&out);
            if place.is_some() {
                expect_own(&out, FileKind::Data, force)?;
            }
            let made = dataset::make(&shape, rows, seed, place)?;
            show_beside(&made, place.is_none().then_some(&made.written.text), json)
        }
        DataVerb::Import(arguments) => import(*arguments),
    }
}

fn import(arguments: ImportArguments) -> Result<Ending, Refusal> {
    let ImportArguments { file, out, force, json, .. } = &arguments;
    let place = place_of(out);
    if let Some(out) = place {
        Inputs::default().file("the CSV to import", Some(file)).expect_apart(out)?;
        expect_own(out, FileKind::Data, *force)?;
    }
    let inference = dataset::import(file, &arguments.options(), place)?;
    for warning in &inference.warnings {
        tell!("propcert: warning: {warning}");
    }
    show_beside(&inference, place.is_none().then_some(&inference.written.text), *json)
}

/// The file of a data set; `None` for standard output.
fn place_of(out: &Path) -> Option<&Path> {
    (!is_standard_output(out)).then_some(out)
}

/// Shows what is told about a data set; where its rows go to standard output, on standard error.
fn show_beside(
    told: &(impl Display + Serialize),
    rows: Option<&Vec<u8>>,
    json: bool,
) -> Result<Ending, Refusal> {
    let Some(rows) = rows else { return show(told, json) };
    files::print_bytes(rows)?;
    let text = if json { serde_json::to_string(told)? } else { told.to_string() };
    tell!("{}", text.trim_end());
    tell!(
        "propcert: note: standard output has room for the rows alone: the meta file (kinds, ranges), without which the \
         CSV is no data set, is left out"
    );
    Ok(Ending::AsStated)
}

fn print_rows(name: &str) -> Result<Ending, Refusal> {
    let (data, part) = read_data(name)?;
    let Some(part) = part else {
        let parts = Part::ALL.map(|part| format!("{name}:{}", part.name())).join(", ");
        return Err(Refusal::new(format!("{name}: the rows of which part? Write one of {parts}")));
    };
    files::print(&dataset::rows(&data, part))?;
    Ok(Ending::AsStated)
}

fn show(value: &(impl Display + Serialize), json: bool) -> Result<Ending, Refusal> {
    let text = if json { serde_json::to_string(value)? } else { value.to_string() };
    files::print(&format!("{}\n", text.trim_end()))?;
    Ok(Ending::AsStated)
}
