//! The verbs beyond `check`: everything that trains, searches, steals, defends and reports.

mod about;
mod audit;
mod bounds;
mod certify;
mod data;
mod defend;
mod demo;
mod export;
mod files;
mod import;
mod import_data;
mod inputs;
mod interrupt;
mod output;
mod points;
mod predict;
mod progress;
mod radius;
mod report;
mod served;
mod shell;
mod spec;
mod steal;
mod study;
mod subject;
mod train;
mod verify;
mod vnncomp;

use clap::Subcommand;

use super::{Ending, Refusal, check, invalid};

/// GlobalOptions of every verb.
#[derive(Debug, clap::Args)]
pub(super) struct GlobalOptions {
    /// Threads to use; results do not depend on it [default: all].
    #[arg(long, global = true)]
    threads: Option<usize>,
}

/// Verbs in the order of work, which `--help` keeps.
#[derive(Debug, Subcommand)]
pub(super) enum FullVerb {
    #[command(display_order = 0)]
    Demo(demo::Arguments),
    #[command(display_order = 1)]
    Audit(audit::Arguments),
    #[command(display_order = 2)]
    #[command(subcommand)]
    Data(data::DataVerb),
    #[command(display_order = 3)]
    Train(train::Arguments),
    #[command(display_order = 4)]
    Import(import::Arguments),
    #[command(display_order = 5)]
    Predict(predict::Arguments),
    #[command(display_order = 6)]
    #[command(subcommand)]
    Spec(spec::SpecVerb),
    #[command(display_order = 7)]
    Certify(certify::Arguments),
    #[command(display_order = 9)]
    Radius(radius::Arguments),
    #[command(display_order = 10)]
    Bounds(bounds::Arguments),
    #[command(display_order = 11)]
    Steal(steal::Arguments),
    #[command(display_order = 12)]
    Defend(defend::Arguments),
    #[command(display_order = 13)]
    Report(report::Arguments),
    #[command(display_order = 14)]
    #[command(subcommand)]
    Study(study::StudyVerb),
    #[command(display_order = 15)]
    Export(export::Arguments),
    #[command(display_order = 16)]
    Vnncomp(vnncomp::Arguments),
    #[command(hide = true)]
    Completions(shell::CompletionsArguments),
    #[command(hide = true)]
    Man(shell::ManArguments),
}

/// Runs a verb.
pub(super) fn run(verb: FullVerb, options: &GlobalOptions) -> Result<Ending, Refusal> {
    set_threads(options.threads)?;
    match verb {
        FullVerb::Demo(arguments) => demo::run(&arguments),
        FullVerb::Audit(arguments) => audit::run(&arguments),
        FullVerb::Data(verb) => data::run(verb),
        FullVerb::Train(arguments) => train::run(&arguments),
        FullVerb::Import(arguments) => import::run(&arguments),
        FullVerb::Export(arguments) => export::run(&arguments),
        FullVerb::Predict(arguments) => predict::run(&arguments),
        FullVerb::Spec(verb) => spec::run(&verb),
        FullVerb::Certify(arguments) => certify::run(&arguments),
        FullVerb::Bounds(arguments) => bounds::run(&arguments),
        FullVerb::Steal(arguments) => steal::run(&arguments),
        FullVerb::Defend(arguments) => defend::run(&arguments),
        FullVerb::Report(arguments) => report::run(&arguments),
        FullVerb::Radius(arguments) => radius::run(&arguments),
        FullVerb::Vnncomp(arguments) => vnncomp::run(&arguments),
        FullVerb::Study(verb) => study::run(&verb),
        FullVerb::Completions(arguments) => shell::completions(&arguments),
        FullVerb::Man(arguments) => shell::man(&arguments),
    }
}

/// Most threads; more would only wait for one another.
const MOST_THREADS: usize = 1024;

fn set_threads(threads: Option<usize>) -> Result<(), Refusal> {
    if let Some(threads) = threads.filter(|threads| !(1..=MOST_THREADS).contains(threads)) {
        let text = format!("--threads {threads}: expected 1 to {MOST_THREADS}");
        return Err(Refusal::new(text));
    }
    // one thread is the one that is there: another would only take room beside it
    let alone = threads == Some(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    let pool = if alone { pool.use_current_thread() } else { pool };
    pool.build_global().map_err(Refusal::from)
}
