//! `propcert bounds`: rigorous bounds of margins over boxes around points.

use std::fmt::Write;
use std::path::PathBuf;

use crate::certificate::Network;
use crate::certify::network::alpha::Ascent;
use crate::certify::network::batch::Engine;
use crate::certify::network::lp;
use crate::interval::{Form, Interval, Rational, Rounded};
use crate::model::{Family, FeatureSpec, Mlp, Model};

use super::points::read_points;
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
/// The box is [x − E, x + E] taken in float32, not clipped. The margin is that of the label given by
/// --label, of the label column, or of the predicted label, over the other class, in the order of these;
/// `predict` prints that of class 1 over class 0. The bounds are of the real function of the stored
/// numbers. The output is CSV, `row,lower,upper`, so there is no --json.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert bounds --model model.json --points points.csv --epsilon 0.05 --method crown"
)]
pub(crate) struct Arguments {
    /// The model (model/1), a network with two classes.
    #[arg(long, alias = "target")]
    model: PathBuf,
    /// The points.
    #[arg(long)]
    points: PathBuf,
    /// Half width of the box, in raw units.
    #[arg(long, alias = "eps", allow_hyphen_values = true)]
    epsilon: f32,
    /// Which bounds.
    #[arg(long)]
    method: Method,
    /// The class whose margin is meant.
    #[arg(long)]
    label: Option<usize>,
}

/// Steps of gradient ascent for the method `alpha`.
const STEPS: usize = 20;
/// The margin of class 1 as a function of the logits.
const MARGIN: [f64; 2] = [-1.0, 1.0];

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    if !(arguments.epsilon >= 0.0 && arguments.epsilon.is_finite()) {
        return Err(Refusal::new(format!(
            "--epsilon {}: expected a finite number >= 0",
            arguments.epsilon
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
    let boxes = points.rows.iter().map(|raw| around(&model, raw, arguments.epsilon));
    let boxes = boxes.collect::<Option<Vec<_>>>();
    let boxes = boxes.ok_or_else(|| Refusal::new("the box is not finite in float32"))?;
    let margins = margins(mlp, &boxes, arguments.method);
    let mut text = "row,lower,upper\n".to_owned();
    for (index, ((name, raw), margin)) in
        points.names.iter().zip(&points.rows).zip(margins).enumerate()
    {
        let given = points.labels.as_ref().and_then(|labels| labels.get(index).copied());
        let (lower, upper) = match arguments.label.or(given).unwrap_or_else(|| model.label(raw)) {
            0 => (-margin.hi(), -margin.lo()),
            1 => (margin.lo(), margin.hi()),
            label => return Err(Refusal::new(format!("label {label}: expected 0 or 1"))),
        };
        let _ = writeln!(text, "{name},{lower},{upper}");
    }
    files::print(&text)?;
    Ok(Ending::AsStated)
}

/// `[x − eps, x + eps]` in float32, standardised and rounded outward; `None` if it is not finite.
fn around(model: &Model, raw: &[f64], eps: f32) -> Option<Vec<Interval>> {
    let side = |(feature, x): (&FeatureSpec, &f64)| {
        let (low, high) = (f64::from(*x as f32 - eps), f64::from(*x as f32 + eps));
        if feature.mean == 0.0 && feature.scale == 1.0 {
            return Interval::new(low, high).filter(|side| side.is_finite());
        }
        let end = |raw| Some(feature.standardise_exactly(&Rational::from_f64(raw)?));
        Interval::enclosing(&end(low)?, &end(high)?)
    };
    model.schema.features().iter().zip(raw).map(side).collect()
}

/// Bounds of the margin of class 1 over every box.
fn margins(mlp: &Mlp, boxes: &[Vec<Interval>], method: Method) -> Vec<Interval> {
    let engine = Engine::new(mlp, &[MARGIN.to_vec()]);
    let only = |bounds: Vec<Vec<Interval>>| bounds.into_iter().flatten().collect();
    match method {
        Method::Ibp => only(engine.interval(boxes)),
        Method::Crown => only(engine.linear(boxes)),
        Method::Alpha | Method::Lp => {
            let network = Network::<Rounded>::new(mlp);
            boxes.iter().map(|input| with_slopes(mlp, &network, input, method)).collect()
        }
    }
}

/// Bounds of the margin of class 1 with slopes found separately for each bound.
fn with_slopes(
    mlp: &Mlp,
    network: &Network<Rounded>,
    input: &[Interval],
    method: Method,
) -> Interval {
    let Some(hidden) = network.linear_bounds(input) else { return Interval::WHOLE };
    let lower = |row: [f64; 2]| {
        let hint = match method {
            // a solver that fails gives no slopes, and the default ones remain
            Method::Lp => lp::solve(mlp, &hidden, input, &row),
            Method::Ibp | Method::Crown | Method::Alpha => {
                let ascent = Ascent { mlp, hidden: &hidden, signs: &[] };
                Some(ascent.climb(&row, None, STEPS, f64::INFINITY).hint)
            }
        };
        network.linear_margin(Rounded::new(&row), &hidden, hint.as_ref(), &[])
    };
    let negated = MARGIN.map(|c| -c);
    Interval::new(lower(MARGIN), -lower(negated)).unwrap_or(Interval::WHOLE)
}
