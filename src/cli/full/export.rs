//! `propcert export`: native models for others to serve.

use std::path::PathBuf;

use crate::import::Format;
use crate::model::{Family, Model};

use super::inputs::Inputs;
use super::output::{FileKind, Force, SingleResult};
use super::subject::read_model;
use super::{Ending, Refusal};

/// The formats that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// XGBoost JSON: binary:logistic over raw features; two-class ensembles of precision f32.
    Xgboost,
    /// ONNX: raw float32 features in, logits out; networks of precision f32.
    Onnx,
}

impl From<ExportFormat> for Format {
    fn from(argument: ExportFormat) -> Self {
        match argument {
            ExportFormat::Xgboost => Self::Xgboost,
            ExportFormat::Onnx => Self::Onnx,
        }
    }
}

/// Write a model in a foreign format, for others to serve.
///
/// ONNX: input `input`, raw features as float32 [batch, features], standardised inside; output `logits`,
/// float32 [batch, classes]. Every number keeps its bits, so that what is proved under served-f32 holds
/// for a float32 execution of the file, and `import onnx` gives the same model back.
///
/// XGBoost: `Booster.load_model` of 1.7 and later gives the margins of `predict --margin-bits`. The base
/// becomes the probability with that margin; where there is none, a first tree of one leaf. The file
/// names the features: give the DMatrix the same names, or predict with `validate_features=False`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert export onnx model.json --out model.onnx\n  propcert export xgboost trees.json --out booster.json"
)]
pub(crate) struct Arguments {
    /// What is written.
    format: ExportFormat,
    /// The model (model/1).
    model: PathBuf,
    /// Where the file goes; - is standard output.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// The figures as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let Arguments { format, model: path, out, force, json } = arguments;
    let (kind, inputs) = (Format::from(*format), Inputs::default().file("the model", Some(path)));
    let result = SingleResult::new(out, FileKind::Foreign(kind), *force, &inputs)?;
    let (model, _) = read_model(path)?;
    let bytes = kind.write(&model).map_err(Refusal::from).map_err(Refusal::about(path))?;
    result.write(&bytes)?;
    result.tell(&summary(&model, bytes.len(), *json))?;
    Ok(Ending::AsStated)
}

fn summary(model: &Model, bytes: usize, as_json: bool) -> String {
    let (family, features, classes) = (model.family_name(), model.schema.len(), model.classes);
    if as_json {
        let mut figures = serde_json::json!({
            "family": family, "features": features, "classes": classes, "bytes": bytes,
        });
        match &model.family {
            Family::Mlp(mlp) => figures["layers"] = mlp.layers.len().into(),
            Family::Ensemble(ensemble) => figures["trees"] = ensemble.trees.len().into(),
        }
        return format!("{figures}\n");
    }
    match &model.family {
        Family::Mlp(mlp) => format!(
            "{family} with {} layers, float32: input [batch, {features}] raw features, logits \
             [batch, {classes}]; {bytes} bytes\n",
            mlp.layers.len()
        ),
        Family::Ensemble(ensemble) => format!(
            "{family} with {} trees over {features} raw features, float32 margins; {bytes} bytes\n",
            ensemble.trees.len()
        ),
    }
}
