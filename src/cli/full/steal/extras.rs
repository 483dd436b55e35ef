//! Figures of a theft that are made on request: angles of gradients, and the fewest queries that settle a share.

use serde_json::Value;

use crate::certificate::Proved;
use crate::dataset::evenly;
use crate::model::Row;
use crate::oracle::Answering;
use crate::steal::{
    AngleReading, AttackSpec, Labelled, Scene, Source, Substitute, angles as measure,
    fewest as bound,
};

use super::super::Refusal;

/// Rows of the reference whose labels are to be settled.
const REFERENCE: usize = 200;

/// Refuses what cannot be measured, before anything is asked.
pub(super) fn expect(
    angles: Option<usize>,
    settle: Option<f64>,
    target: Answering,
) -> Result<(), Refusal> {
    if let Some(count) = angles
        && !(1..=2000).contains(&count)
    {
        return Err(Refusal::new(format!("--angles {count}: expected from 1 to 2000")));
    }
    match (settle, target) {
        (Some(share), _) if !(share > 0.0 && share <= 1.0) => {
            let text = format!("--settle {share}: expected a share above 0, at most 1");
            Err(Refusal::new(text))
        }
        (Some(_), Answering::Outside(_)) => {
            Err(Refusal::new("--settle: nothing is proved of a command; give a --target"))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// The angles between gradients on test rows, at equal distances, and on the first points that the attack made, in both readings.
pub(super) fn angles(
    scene: &Scene,
    attack: &AttackSpec,
    substitute: &Substitute,
    (test, count): (&[Row], usize),
) -> Result<Value, Refusal> {
    let rows: Vec<Vec<f64>> = evenly(test, count).map(|(_, row)| row.values.clone()).collect();
    let answers = scene.evaluation.target().undefended(&rows)?;
    let label = |(values, (label, _)): (Vec<f64>, (usize, Vec<f64>))| Labelled {
        values,
        label,
        source: Source::Paid,
        posterior: None,
    };
    let benign: Vec<Labelled> = rows.into_iter().zip(answers).map(label).collect();
    let made = substitute.sample.points.iter().skip(attack.seed_rows).take(count);
    let made: Vec<Labelled> = made.cloned().collect();
    let known = scene.knowledge(&[]);
    let of = |reading| measure(&known, &attack.substitute, (&benign, &made), reading, 0);
    let found: Result<Vec<_>, _> =
        [AngleReading::Drift, AngleReading::Fixed].into_iter().map(of).collect();
    Ok(serde_json::to_value(found?)?)
}

/// The fewest queries that settle a share of test rows, at equal distances, between two ends.
pub(super) fn fewest(
    target: Answering,
    test: &[Row],
    proved: &[Proved],
    share: f64,
) -> Result<Value, Refusal> {
    let Answering::Model(model, _) = target else {
        return Err(Refusal::new("--settle: nothing is proved of a command; give a --target"));
    };
    let reference: Vec<Vec<f64>> =
        evenly(test, REFERENCE).map(|(_, row)| row.values.clone()).collect();
    Ok(serde_json::to_value(bound(model, &reference, proved, share))?)
}

/// The same in words; empty if nothing was asked for.
pub(super) fn words(metrics: &Value) -> String {
    let mut text = String::new();
    for found in metrics["angles"].as_array().into_iter().flatten() {
        text += &format!(
            "angles, {} weights: mean {} degrees, above 90: {}, gradients of 0: {}\n",
            found["reading"].as_str().unwrap_or_default(),
            found["mean"],
            found["above-90"],
            found["zero"]
        );
    }
    if let Some(found) = metrics.get("fewest") {
        text += &format!(
            "fewest queries that settle {} of {} test rows: at least {}, at most {}, exactly {}\n",
            found["points"], found["total"], found["at_least"], found["at_most"], found["exact"]
        );
    }
    text
}
