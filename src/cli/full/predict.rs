//! `propcert predict`: labels, margins and posteriors of points.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::model::{Model, Point, Precision, argmax};

use super::points::read_points;
use super::served;
use super::subject::read_model;
use super::{Ending, Refusal, files};

/// Predict label and margin of every point of a CSV: the margin of class 1 over class 0, with more than two
/// classes of the winner over the runner-up. Of a model without classes, the score alone.
///
/// The CSV has a header and one column per feature, in any order, matched by name. A header of x0, x1, …
/// is taken by position where no feature is called so. Columns `row` or `idx`, and `label`, are passed
/// over. A value is a finite number: missing ones, which trees of other tools may know, are refused.
///
/// With --defense the answers are those of the defended model: labels, with --posterior its posteriors, and no margins. Behind
/// boundary randomised response (brr) they are labels. Those near the boundary are drawn by a secret key, the same for
/// the same point; --memory keeps them, so that points of one cell share an answer. The sum of what was drawn, and its cost
/// in ε, goes to standard error. --log L.jsonl leaves a certificate of every answer that was not drawn, with L.csv (points
/// and answers), L.meta.json and L.toml: `propcert check L.jsonl --model M --spec L.toml --data L.csv`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  propcert predict --model model.json --points points.csv --posterior\n  \
    propcert predict --model model.json --points points.csv --defense defended/defense.json \\\n    \
    --memory answers.jsonl --log served.jsonl"
)]
pub(crate) struct Arguments {
    /// The model (model/1).
    #[arg(long, alias = "target")]
    model: PathBuf,
    /// The points.
    #[arg(long)]
    points: PathBuf,
    /// Print label and margin of one f32 execution (an ensemble's trees in file order, which is XGBoost's;
    /// a network's sums in index order), the margin as 8 hexadecimal digits; with more than two classes
    /// one score per class, in columns bits0, bits1, …
    #[arg(long, conflicts_with = "defense")]
    margin_bits: bool,
    /// Print the posterior of every class too; a plain score has none.
    #[arg(long)]
    posterior: bool,
    /// One JSON object per point.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    served: served::ServingArguments,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    let (model, digest) = read_model(&arguments.model)?;
    if arguments.margin_bits && model.precision != Precision::F32 {
        let text = "--margin-bits: only models of precision f32 have served f32 margins";
        return Err(Refusal::new(text));
    }
    if arguments.posterior && model.is_plain_score() {
        return Err(Refusal::new("--posterior: a plain score has no classes, so no posterior"));
    }
    if arguments.posterior && !model.has_posterior() {
        let text = "--posterior: the model's link is `none`: its scores (votes of a forest, say) order the \
                    classes and have no posterior; leave it out for labels and margins";
        return Err(Refusal::new(text));
    }
    let points = read_points(&arguments.points, &model)?;
    if let Some(serving) = arguments.served.defense() {
        let asked =
            served::AnswerShape { has_posterior: arguments.posterior, is_json: arguments.json };
        return serving.run(
            (&arguments.model, &model, digest),
            (&arguments.points, &points),
            asked,
        );
    }
    let mut text = String::new();
    if !arguments.json {
        let label = (!model.is_plain_score()).then(|| "label".to_owned());
        let posterior = (0..model.classes).filter(|_| arguments.posterior);
        let columns = label.into_iter().chain(columns(&model, arguments));
        let columns: Vec<_> = columns.chain(posterior.map(|class| format!("p{class}"))).collect();
        let _ = writeln!(text, "{}", columns.join(","));
    }
    for (point, line) in points.rows.iter().zip(&points.lines) {
        let about = |text: String| format!("{}, line {line}: {text}", arguments.points.display());
        let shown = describe(&model, point, arguments).map_err(|text| Refusal::new(about(text)))?;
        let _ = writeln!(text, "{shown}");
    }
    files::print(&text)?;
    Ok(Ending::AsStated)
}

/// The columns between label and posterior.
fn columns(model: &Model, arguments: &Arguments) -> Vec<String> {
    if arguments.margin_bits && model.classes > 2 {
        return (0..model.classes).map(|class| format!("bits{class}")).collect();
    }
    vec![if model.is_plain_score() { "score" } else { "margin" }.to_owned()]
}

/// Label and margins of one execution in f32, whose bits are those of the imported tool.
fn served(model: &Model, point: &[f64]) -> Result<(usize, Vec<String>), String> {
    let exact = Point::from_floats(point).ok_or("the point is not finite")?;
    let scores = model.served_scores(&exact);
    let margins = match scores.as_slice() {
        [zero, one] => vec![one - zero],
        _ => scores.clone(),
    };
    if let Some(margin) = margins.iter().find(|margin| !margin.is_finite()) {
        return Err(format!("the served margin is {margin}: it overflows a 32-bit float"));
    }
    let digits = margins.iter().map(|margin| format!("{:08x}", margin.to_bits())).collect();
    Ok((argmax(&scores, model.tie), digits))
}

/// The margin of a point; with more than two classes it is that of the winner over the
/// runner-up, and for a plain score the score itself.
fn margin(model: &Model, point: &[f64]) -> f64 {
    if model.classes <= 2 {
        return model.margin(point);
    }
    let mut scores = model.scores(point);
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.first().zip(scores.get(1)).map_or(f64::NAN, |(a, b)| a - b)
}

/// Label and margin in 64-bit floats. A margin beyond the range of the model's own floats is refused,
/// not printed.
fn computed(model: &Model, point: &[f64]) -> Result<(usize, Vec<String>), String> {
    let margin = margin(model, point);
    let fits = match model.precision {
        Precision::F32 => (margin as f32).is_finite(),
        Precision::F64 => margin.is_finite(),
    };
    if !fits {
        return Err(format!("the margin {margin:e} overflows a float of the model"));
    }
    Ok((model.label(point), vec![format!("{margin}")]))
}

fn describe(model: &Model, point: &[f64], arguments: &Arguments) -> Result<String, String> {
    let (label, shown) =
        if arguments.margin_bits { served(model, point)? } else { computed(model, point)? };
    let posterior = model.posterior(point);
    if arguments.json {
        // the digits of --margin-bits are a text
        let number = |text: String| match text.parse::<f64>() {
            Ok(number) if !arguments.margin_bits => Value::from(number),
            _ => Value::from(text),
        };
        let columns = columns(model, arguments).into_iter().zip(shown.into_iter().map(number));
        let mut line: serde_json::Map<String, Value> = columns.collect();
        if !model.is_plain_score() {
            line.insert("label".to_owned(), label.into());
            line.insert("posterior".to_owned(), posterior.into());
        }
        return Ok(Value::from(line).to_string());
    }
    let label = (!model.is_plain_score()).then(|| label.to_string());
    let posterior = posterior.iter().filter(|_| arguments.posterior).map(f64::to_string);
    Ok(label.into_iter().chain(shown).chain(posterior).collect::<Vec<_>>().join(","))
}
