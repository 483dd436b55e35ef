//! Verbs of the command line that this version refuses by name.

use super::{Ending, Refusal};

/// Whatever follows the verb.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example of what this version does instead:\n  propcert certify --model model.json --spec specs/local-invariance-0.05.toml \\\n    --data spambase --rows 200 --out certificate.jsonl"
)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

/// Says that the verb is not built, and what is.
pub(crate) fn refuse(verb: &str, instead: &str) -> Result<Ending, Refusal> {
    Err(Refusal::new(format!("`{verb}` is not built yet; {instead}")))
}
