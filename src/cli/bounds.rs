//! `propcert bounds`: rigorous bounds of margins over boxes around points.

use std::fmt::Write;
use std::path::PathBuf;

use crate::certificate::Network;
use crate::certify::alpha::Ascent;
use crate::certify::lp;
use crate::interval::{Form, Interval, Rounded};
use crate::model::{Family, Mlp, Model};

use super::predict::read_points;
use super::subject::read_model;
use super::{Ending, Refusal, files};

/// Which bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Interval bounds.
    Ibp,
    /// Backward linear bounds.
    Crown,
    /// Backward linear bounds with slopes from 20 steps of gradient ascent.
    Alpha,
    /// Backward linear bounds with slopes from the triangle linear program.
    Lp,
}

/// Print rigorous lower and upper bounds of the margin over a box around every point.
///
/// The box is [x − E, x + E] taken in float32, not clipped; the margin is that of the label column,
/// of --label, or of the predicted label, over the other class.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert bounds --model model.json --points points.csv --eps 0.05 --method crown"
)]
pub(crate) struct Arguments {
    /// The model (model/1), a network with two classes.
    #[arg(long)]
    model: PathBuf,
    /// The points.
    #[arg(long)]
    points: PathBuf,
    /// Half width of the box, in raw units.
    #[arg(long, allow_hyphen_values = true)]
    eps: f32,
    /// Which bounds.
    #[arg(long)]
    method: Method,
    /// The class whose margin is meant.
    #[arg(long)]
    label: Option<usize>,
}

/// Steps of the ascent of `alpha`.
const STEPS: usize = 20;

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    if !(arguments.eps >= 0.0 && arguments.eps.is_finite()) {
        return Err(Refusal::new(format!(
            "--eps {}: expected a finite number >= 0",
            arguments.eps
        )));
    }
    let (model, _) = read_model(&arguments.model)?;
    let Family::Mlp(mlp) = &model.family else {
        return Err(Refusal::new("bounds are for networks; this model is an ensemble"));
    };
    if model.classes != 2 {
        return Err(Refusal::new(format!(
            "bounds are for two classes; this model has {}",
            model.classes
        )));
    }
    let points = read_points(&arguments.points, &model)?;
    let network = Network::<Rounded>::new(mlp);
    let mut text = "row,lower,upper\n".to_owned();
    for (index, (name, raw)) in points.names.iter().zip(&points.rows).enumerate() {
        let given = points.labels.as_ref().and_then(|labels| labels.get(index).copied());
        let label = arguments.label.or(given).unwrap_or_else(|| model.label(raw));
        if label > 1 {
            return Err(Refusal::new(format!("label {label}: expected 0 or 1")));
        }
        let (lower, upper) = margin_bounds(&model, mlp, &network, raw, label, arguments)?;
        let _ = writeln!(text, "{name},{lower},{upper}");
    }
    files::print(&text)?;
    Ok(Ending::AsStated)
}

fn margin_bounds(
    model: &Model,
    mlp: &Mlp,
    network: &Network<Rounded>,
    raw: &[f64],
    label: usize,
    arguments: &Arguments,
) -> Result<(f64, f64), Refusal> {
    let eps = arguments.eps;
    let side = |(feature, x): (&crate::model::FeatureSpec, &f64)| {
        let x = *x as f32;
        let end = |raw: f32| crate::interval::Rational::from_f64(f64::from(raw));
        let (low, high) = (end(x - eps)?, end(x + eps)?);
        Interval::enclosing(&feature.standardise_exactly(&low), &feature.standardise_exactly(&high))
    };
    let sides = model.schema.features().iter().zip(raw).map(side).collect::<Option<Vec<_>>>();
    let input = sides.ok_or_else(|| Refusal::new("the box is not finite in float32"))?;
    let hidden = match arguments.method {
        Method::Ibp => network.interval_bounds(&input),
        _ => network.linear_bounds(&input),
    };
    let Some(hidden) = hidden else { return Ok((f64::NEG_INFINITY, f64::INFINITY)) };
    let lower = |sign: f64| {
        let own = if label == 1 { [-sign, sign] } else { [sign, -sign] };
        match arguments.method {
            Method::Ibp => network.interval_margin(Rounded::new(&own), &hidden),
            Method::Crown => network.linear_margin(Rounded::new(&own), &hidden, None, &[]),
            Method::Alpha => {
                let ascent = Ascent { mlp, hidden: &hidden, signs: &[] };
                let hint = ascent.climb(&own, None, STEPS, f64::INFINITY).hint;
                network.linear_margin(Rounded::new(&own), &hidden, Some(&hint), &[])
            }
            // a solver that fails gives no slopes: the default ones remain
            Method::Lp => {
                let hint = lp::solve(mlp, &hidden, &input, &own);
                network.linear_margin(Rounded::new(&own), &hidden, hint.as_ref(), &[])
            }
        }
    };
    Ok((lower(1.0), -lower(-1.0)))
}
