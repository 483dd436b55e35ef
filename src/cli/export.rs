//! `propcert export`: native models for others to serve.

use std::path::PathBuf;

use crate::import::{ExportError, Format};
use crate::model::{Family, Model};

use super::subject::read_model;
use super::{Ending, Refusal, files};

/// The formats that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormatArgument {
    /// Refused by this version.
    Xgboost,
    /// ONNX: raw float32 features in, logits out; networks of precision f32.
    Onnx,
}

impl From<FormatArgument> for Format {
    fn from(argument: FormatArgument) -> Self {
        match argument {
            FormatArgument::Xgboost => Self::Xgboost,
            FormatArgument::Onnx => Self::Onnx,
        }
    }
}

/// Write a model in a foreign format, for others to serve.
///
/// ONNX: input `input`, raw features as float32 [batch, features], standardised inside; output `logits`,
/// float32 [batch, classes]. Every number keeps its bits, so that what is proved under served-f32 holds
/// for a float32 execution of the file, and `import onnx` gives the same model back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  propcert export onnx model.json --out model.onnx")]
pub(crate) struct Arguments {
    /// What is written.
    format: FormatArgument,
    /// The model (model/1).
    model: PathBuf,
    /// Where the file goes.
    #[arg(long)]
    out: PathBuf,
    /// The figures as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let Arguments { format, model: path, out, json } = arguments;
    // by name, whatever the model is
    if *format == FormatArgument::Xgboost {
        return Err(ExportError::Format { format: "xgboost" }.into());
    }
    let (model, _) = read_model(path)?;
    let bytes =
        Format::from(*format).write(&model).map_err(Refusal::from).map_err(Refusal::about(path))?;
    crate::study::write_whole(out, &bytes)?;
    files::print(&summary(&model, bytes.len(), *json))?;
    Ok(Ending::AsStated)
}

fn summary(model: &Model, bytes: usize, as_json: bool) -> String {
    let (family, features, classes) = (model.family_name(), model.schema.len(), model.classes);
    let layers = match &model.family {
        Family::Mlp(mlp) => mlp.layers.len(),
        Family::Ensemble(_) => 0,
    };
    if as_json {
        let figures = serde_json::json!({
            "family": family, "features": features, "classes": classes, "layers": layers,
            "bytes": bytes,
        });
        return format!("{figures}\n");
    }
    format!(
        "{family} with {layers} layers, float32: input [batch, {features}] raw features, logits \
         [batch, {classes}]; {bytes} bytes\n"
    )
}
