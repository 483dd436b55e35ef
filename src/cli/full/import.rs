//! `propcert import`: models trained elsewhere.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::json;

use crate::dataset;
use crate::import::{
    Format, Imported, Note, Outputs, Recentred, Rounds, SKLEARN_DUMP, gather, onnx_outputs,
    recentre,
};
use crate::model::{
    Cells, Ensemble, Family, Feature, FeatureSpec, Layer, Mlp, Model, Node, Part, Precision, Row,
    Schema,
};
use crate::text::counted;

use super::inputs::Inputs;
use super::output::{FileKind, Force, SingleResult};
use super::subject::{ordered_as, read_whole};
use super::verify::{Verified, verify};
use super::{Ending, Refusal, files};

/// The formats that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormatArgument {
    /// XGBoost JSON or UBJSON, packed or not: gbtree or dart, binary:logistic, reg:logistic,
    /// multi:softprob, multi:softmax or a regression whose prediction is the sum (a plain score: squarederror,
    /// absoluteerror, pseudohubererror, quantileerror), numeric splits.
    Xgboost,
    /// LightGBM text or the JSON of dump_model: binary, multiclass or regression, numeric splits; f64 sums.
    Lightgbm,
    /// A JSON dump of GradientBoosting, HistGradientBoosting, RandomForest, ExtraTrees, DecisionTree or ExtraTree,
    /// each Classifier or Regressor, or of an MLP (relu or identity), alone or in a Pipeline after a StandardScaler
    /// or MinMaxScaler; the function that writes it stands below. f64 sums; sums of a forest are no posteriors.
    Sklearn,
    /// Rules (rule-ensemble-v1) or trees (tree-ensemble-v1) in the JSON of published models: each rule
    /// becomes a tree of one path, a score of 0 is of the class that the file says.
    RuleEnsemble,
    /// ONNX, packed or not: a ReLU network, standardisation first. A Sigmoid, Softmax or label at the end is
    /// left out (scores are logits); one output without a Sigmoid is a plain score, see --classes. Weights may lie in
    /// files of the same folder, as PyTorch writes them.
    Onnx,
}

impl From<FormatArgument> for Format {
    fn from(argument: FormatArgument) -> Self {
        match argument {
            FormatArgument::Xgboost => Self::Xgboost,
            FormatArgument::Lightgbm => Self::Lightgbm,
            FormatArgument::Sklearn => Self::Sklearn,
            FormatArgument::RuleEnsemble => Self::RuleEnsemble,
            FormatArgument::Onnx => Self::Onnx,
        }
    }
}

const EXAMPLES: &str = "Examples:
  propcert import xgboost booster.json --schema spambase --out trees.json
  propcert import lightgbm booster.txt --out trees.json
  propcert import sklearn dump.json --out trees.json
  propcert import onnx network.onnx --classes 2 --out network.json
  propcert import xgboost booster.json --schema spambase --recentre spambase --out trees.json
  propcert import xgboost booster.json --rounds all --verify points.csv --expect margins.csv --out trees.json

This Python function writes what `import sklearn` reads (no pickles: reading one runs it):
";

/// Import a model trained elsewhere.
///
/// XGBoost's float32 margins and the float64 sums of LightGBM and of scikit-learn's boosting keep their
/// last bit, ONNX weights are taken over bit for bit; what cannot be reproduced is refused by name.
/// Splits x <= t of other tools become the same split x < t', for every float64 x. A model trained on
/// scaled inputs stays a function of scaled inputs.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{SKLEARN_DUMP}"))]
pub(crate) struct Arguments {
    /// What the file is.
    format: FormatArgument,
    /// The model.
    file: PathBuf,
    /// Names, kinds, ranges and scales of the features: a data set [default: as in the file].
    #[arg(long, value_name = "DATA")]
    schema: Option<String>,
    /// `onnx`: how many classes the outputs are; 2 makes a single output the logit of class 1, beside a logit
    /// 0 [default: as the graph ends].
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// Move each threshold to the middle of the two neighbouring values among the training and validation
    /// rows of a data set, in the units of the model; no prediction on those rows changes.
    #[arg(long, value_name = "DATA")]
    recentre: Option<String>,
    /// How many rounds of boosting to take: a number, `all`, or `best`: those up to the `best_iteration` of early
    /// stopping where the file names one (as XGBClassifier predicts), else all.
    #[arg(long, value_name = "N|best|all", default_value = "best")]
    rounds: RoundsArgument,
    /// Points, as for `predict`, to compare the model at with what --expect says of them; where a row differs the
    /// exit code is 1 and nothing is written.
    #[arg(long, value_name = "POINTS.csv", requires = "expect")]
    verify: Option<PathBuf>,
    /// What the other tool says of these points, a row each below a header: `label`, `margin` (of class 1 over
    /// class 0, or the score), or both; with more than two classes `margin_0`, `margin_1`, … Margins are decimals
    /// with all their digits, or the 8 hexadecimal digits of `predict --margin-bits`; they must be equal.
    #[arg(long, value_name = "EXPECT.csv", requires = "verify")]
    expect: Option<PathBuf>,
    /// Where the model goes; - is standard output.
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
    let Arguments {
        format,
        file,
        schema,
        classes,
        recentre,
        rounds,
        verify: points,
        expect,
        out,
        force,
        json,
    } = arguments;
    let inputs = Inputs::default()
        .file("the model to import", Some(file))
        .file("--verify", points.as_ref())
        .file("--expect", expect.as_ref())
        .data("--schema", schema.as_deref())
        .data("--recentre", recentre.as_deref());
    let result = SingleResult::new(out, FileKind::Model, *force, &inputs)?;
    let schema = match schema {
        Some(data) => Some(dataset::schema(&read_whole(data)?)?),
        None => None,
    };
    let bytes = files::read(file)?;
    let imported = if *format == FormatArgument::Onnx {
        let folder = file.parent().unwrap_or(Path::new(""));
        let bytes = gather(&bytes, folder).map_err(Refusal::from).map_err(Refusal::about(file))?;
        network(&bytes, schema.as_ref(), *classes, rounds.0)
    } else if classes.is_some() {
        Err(Refusal::new("--classes: is for onnx; other files say it themselves"))
    } else {
        Format::from(*format).take(&bytes, schema.as_ref(), rounds.0).map_err(Refusal::from)
    };
    let Imported { mut model, notes } = imported.map_err(Refusal::about(file))?;
    notes.iter().for_each(|note| tell!("propcert: note: {note}"));
    let recentred = match recentre {
        Some(data) => Some(recentre_between(&mut model, data)?),
        None => None,
    };
    // the comparison is with the model that is written
    let agreement = match points.as_ref().zip(expect.as_ref()) {
        Some((points, expect)) => Some(verify(&model, points, expect)?),
        None => None,
    };
    if let Some(agreement) = agreement.as_ref().filter(|agreement| !agreement.is_whole()) {
        result.tell(&agreement.text())?;
        return Ok(Ending::NotAsStated);
    }
    result.write(model.to_json().as_bytes())?;
    result.tell(&summary(&model, recentred, agreement.as_ref(), *json))?;
    Ok(Ending::AsStated)
}

/// Reads a network with so many classes.
fn network(
    bytes: &[u8],
    schema: Option<&Schema>,
    classes: Option<usize>,
    rounds: Rounds,
) -> Result<Imported, Refusal> {
    rounds.whole()?;
    let outputs = if classes == Some(2) { Outputs::Logits } else { Outputs::AsTheGraphEnds };
    let mut imported = onnx_outputs(bytes, schema, outputs)?;
    if classes.is_none() && imported.model.is_plain_score() {
        imported.notes.push(Note::Graph(
            "one output without a Sigmoid is read as a plain score, which has no label; if it is the logit of class \
             1 (as for BCEWithLogitsLoss), give --classes 2",
        ));
    }
    if let Some(wanted) = classes.filter(|&wanted| wanted != imported.model.classes) {
        let found = imported.model.classes;
        return Err(Refusal::new(format!(
            "--classes {wanted}: the graph makes {found} of its outputs; expected {found}, or 2 for a single \
             output that is a logit"
        )));
    }
    Ok(imported)
}

/// Moves thresholds between the rows of both parts that a trainer elsewhere may have fitted to.
fn recentre_between(model: &mut Model, data: &str) -> Result<Recentred, Refusal> {
    let data = ordered_as(read_whole(data)?, model)?;
    let parts = [Part::Train, Part::Validation];
    let rows: Vec<&Row> = parts.iter().flat_map(|&part| data.part(part)).collect();
    Ok(recentre(model, &rows)?)
}

/// The value of `--rounds`: `best`, `all` or a number.
#[derive(Clone, Copy, Debug)]
struct RoundsArgument(Rounds);

impl FromStr for RoundsArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rounds = match text {
            "best" => Rounds::Best,
            "all" => Rounds::All,
            _ => Rounds::First(text.parse().map_err(|_| "expected a number, `best` or `all`")?),
        };
        Ok(Self(rounds))
    }
}

fn summary(
    model: &Model,
    recentred: Option<Recentred>,
    agreement: Option<&Verified>,
    as_json: bool,
) -> String {
    let features = model.schema.len();
    let agreed = agreement.map(Verified::text).unwrap_or_default();
    let (base, trees) = match &model.family {
        Family::Ensemble(Ensemble { base, trees }) => (base, trees),
        Family::Mlp(mlp) => return summary_of_network(model, mlp, agreement, as_json),
    };
    let count = |is_counted: fn(&Node) -> bool| {
        trees.iter().flat_map(|tree| &tree.nodes).filter(|node| is_counted(node)).count()
    };
    let leaves = count(|node| matches!(node, Node::Leaf(_)));
    let splits = count(|node| matches!(node, Node::Split { .. }));
    let trees = trees.len();
    let base: Vec<String> = base.iter().map(|&base| shortest(base, model.precision)).collect();
    if as_json {
        let base: Vec<f64> = base.iter().filter_map(|base| base.parse().ok()).collect();
        let base = base.first().filter(|_| base.len() == 1).map_or(json!(base), |base| json!(base));
        let mut figures = json!({
            "family": model.family_name(), "trees": trees, "leaves": leaves, "splits": splits,
            "features": features, "classes": model.classes, "base": base,
        });
        if let Some(Recentred { moved, kept }) = recentred {
            figures["recentred"] = json!({ "moved": moved, "kept": kept });
        }
        if let Some(Verified { agree, of, .. }) = agreement {
            figures["verified"] = json!({ "agree": agree, "of": of });
        }
        return format!("{figures}\n");
    }
    let classes = match model.classes {
        1 => ", a plain score".to_owned(),
        2 => String::new(),
        classes => format!(", {classes} classes"),
    };
    let base = match base.as_slice() {
        [base] if model.is_plain_score() => format!("base score {base}"),
        [base] => format!("base margin {base}"),
        several => format!("base margins {}", several.join(" ")),
    };
    let recentred = recentred.map_or_else(String::new, |Recentred { moved, kept }| {
        format!("{moved} thresholds moved to the middle between training values, {kept} kept\n")
    });
    let note = note(model);
    let [trees, features] = [counted(trees, "tree"), counted(features, "feature")];
    let leaves = if leaves == 1 { "1 leaf".to_owned() } else { format!("{leaves} leaves") };
    format!("{trees} with {leaves} over {features}{classes}, {base}\n{note}{recentred}{agreed}")
}

fn summary_of_network(
    model: &Model,
    mlp: &Mlp,
    agreement: Option<&Verified>,
    as_json: bool,
) -> String {
    let (features, family) = (model.schema.len(), model.family_name());
    let widths: Vec<usize> = mlp.layers.iter().map(Layer::outputs).collect();
    if as_json {
        let mut figures = json!({
            "family": family, "features": features, "widths": widths, "classes": model.classes,
        });
        if let Some(Verified { agree, of, .. }) = agreement {
            figures["verified"] = json!({ "agree": agree, "of": of });
        }
        return format!("{figures}\n");
    }
    let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
    let widths = widths.join("-");
    let score = if model.is_plain_score() { ", a plain score" } else { "" };
    let agreed = agreement.map(Verified::text).unwrap_or_default();
    format!("{family} with {features} features and layers of {widths} neurons{score}\n{agreed}")
}

/// A note on facts that are easily overlooked: nothing is declared, or the declarations belong to other inputs.
fn note(model: &Model) -> String {
    let features = model.schema.features();
    let is_bare = |f: &FeatureSpec| f.low.is_none() && f.high.is_none() && f.scale == 1.0;
    if features.iter().all(is_bare) {
        return "note: no ranges and scales are declared: distances are in raw units, and inputs have no \
                bounds; --schema DATA gives both\n"
            .to_owned();
    }
    let Family::Ensemble(ensemble) = &model.family else { return String::new() };
    let cells = Cells::new(ensemble, &vec![false; features.len()]);
    let (mut outside, mut all) = (0, 0);
    for (index, feature) in features.iter().enumerate() {
        let is_outside = |t: &&f64| {
            feature.low.as_ref().is_some_and(|low| **t < low.value().down())
                || feature.high.as_ref().is_some_and(|high| **t > high.value().up())
        };
        let thresholds = cells.thresholds(Feature(index));
        all += thresholds.len();
        outside += thresholds.iter().filter(is_outside).count();
    }
    if outside * 10 < all || outside == 0 {
        return String::new();
    }
    format!(
        "note: {outside} of {all} thresholds lie outside the declared ranges: was the model trained on \
         scaled features? The ranges and scales of --schema are those of raw ones\n"
    )
}

/// A number in as many digits as its precision needs.
fn shortest(number: f64, precision: Precision) -> String {
    match precision {
        Precision::F32 => (number as f32).to_string(),
        Precision::F64 => number.to_string(),
    }
}
