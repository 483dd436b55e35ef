//! `propcert spec new`: a commented spec for a model.

use std::path::PathBuf;

use crate::model::Model;
use crate::sketch::{Sketched, sketch};
use crate::spec::{Lowered, Property, Spec};

use super::super::inputs::Inputs;
use super::super::output::{FileKind, Force, SingleResult};
use super::super::subject::{ordered_as, read_data, read_model};
use super::super::{Ending, Refusal};

/// Write a commented spec of a property for a model.
///
/// The spec names the model's features with their kinds, ranges and scales, and every key with its unit, range and
/// default. `certify` reads it as it stands; change the numbers to what is to be claimed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert spec new local-invariance --model model.json --out spec.toml\n  propcert spec new monotonicity --model model.json --data spambase"
)]
pub(crate) struct Arguments {
    /// The property; `propcert spec list` names all.
    #[arg(value_parser = Property::named)]
    property: &'static str,
    /// The model (model/1) that the spec is for.
    #[arg(long, alias = "target")]
    model: PathBuf,
    /// Data that tells of directions, and of ranges that the model does not declare.
    #[arg(long)]
    data: Option<String>,
    /// Where the spec goes; - is standard output.
    #[arg(long, default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let Arguments { property, model, data, out, force } = arguments;
    let inputs = Inputs::default().file("--model", Some(model)).data("--data", data.as_deref());
    let result = SingleResult::new(out, FileKind::Spec, *force, &inputs)?;
    let (model, _) = read_model(model)?;
    let data = data.as_deref().map(read_data).transpose()?;
    let data = data.map(|(data, _)| ordered_as(data, &model)).transpose()?;
    let text = sketch(property, &Sketched { model: &model, data: data.as_ref() })?;
    result.write(text.as_bytes())?;
    if let Some(reason) = undecided(&text, &model) {
        tell!("propcert: note: {reason}");
    }
    Ok(Ending::AsStated)
}

/// The reason why a spec says nothing that can be decided about a model, if there is one.
fn undecided(text: &str, model: &Model) -> Option<String> {
    let spec = Spec::read(text.as_bytes()).ok()?;
    Lowered::new(&spec, model, None, &[]).err().map(|error| error.to_string())
}
