//! `propcert spec`: specs to start from.

mod list;
mod new;

use super::{Ending, Refusal};

/// List the properties, and write specs to start from.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  propcert spec list\n  propcert spec new local-invariance --model model.json --out spec.toml"
)]
pub(crate) enum SpecVerb {
    /// List the properties that a spec can name, one a line.
    #[command(after_help = "Example:\n  propcert spec list")]
    List(list::Arguments),
    New(new::Arguments),
}

/// Runs the verb.
pub(crate) fn run(verb: &SpecVerb) -> Result<Ending, Refusal> {
    match verb {
        SpecVerb::List(arguments) => list::run(arguments),
        SpecVerb::New(arguments) => new::run(arguments),
    }
}
