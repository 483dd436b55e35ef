//! Counterexamples in words: what the model answers, and where.
//!
//! What is shown is the exact value rounded to the nearest numbers that can be printed; the certificate has
//! the points exactly.

use std::fmt::Write;

use crate::certificate::{Checked, Decided, Proof, Verdict};
use crate::interval::Rational;
use crate::model::{FeatureSpec, Model, Point, Row, argmax};
use crate::spec::{Claim, Semantics, Zone};

/// Most features of a counterexample that are shown.
const FEATURES: usize = 10;

/// What a counterexample shows of a claim.
fn shows(claim: &Claim) -> &'static str {
    match claim {
        Claim::Label { .. } => "another label is answered",
        Claim::Posterior { .. } => "the answer is not that sure",
        Claim::Monotone { .. } => "the answer moves the other way",
        Claim::Fuzz { zone: Zone::Axis, .. } => {
            "a sure answer is flipped by a shift of one feature"
        }
        Claim::Fuzz { .. } => "a sure answer is another one close by",
        Claim::Avoid { .. } => "the outputs are among those to avoid",
        Claim::Near { .. } => "close points get answers that are too far apart",
        Claim::Stable { .. } => "the answers are too far apart",
        Claim::Confident { .. } => "a confident answer does not stay one",
        Claim::Lipschitz { .. } => "the answers are too far apart for that distance",
        Claim::AllPairs { .. } => "some pairs are not bound",
    }
}

/// A refuted obligation with the points that refute it, as the certificate spells them.
pub(crate) struct Witness {
    /// What it shows.
    shows: &'static str,
    /// Index of the obligation.
    at: usize,
    /// Index of the row it is about, in its part.
    row: Option<usize>,
    /// One point, or two.
    points: Vec<Vec<String>>,
}

/// A point under its name.
type Named = (String, Point);

impl Witness {
    /// Of a decided obligation, if a counterexample refuted it.
    pub(crate) fn of(decided: &Decided) -> Option<Self> {
        let Decided { at, row, proof, verdict, .. } = *decided;
        match (verdict, proof) {
            (Verdict::Refuted(refuted), Proof::Counterexample { points }) => {
                let shows = shows(&refuted.obligation().claim);
                Some(Self { shows, at, row, points: points.clone() })
            }
            _ => None,
        }
    }

    /// A headline, what the model answers at each point, and the features that differ most.
    pub(crate) fn describe(&self, model: &Model, rows: &[Row], checked: &Checked) -> String {
        let header = &checked.header;
        let mut text = format!("\nobligation {} is refuted: {}", self.at, self.shows);
        if let (Some((index, row)), Some(part)) = (self.row_among(rows), header.part) {
            let _ = write!(text, "; it is about row {index} of part {}", part.name());
            if !model.is_plain_score() {
                let _ = write!(text, ", label {}", row.label);
            }
        }
        text.push('\n');
        if header.defense.is_some() {
            text += "  answers without the defense:\n";
        }
        let points = self.named_points(rows);
        for (name, point) in &points {
            let _ = writeln!(text, "  {name:<9}  {}", answer(model, header.semantics, point));
        }
        text + &features(model, &points)
    }

    fn row_among<'a>(&self, rows: &'a [Row]) -> Option<(usize, &'a Row)> {
        self.row.and_then(|index| Some((index, rows.get(index)?)))
    }

    /// Two points, or one after the row that it lies near.
    fn named_points(&self, rows: &[Row]) -> Vec<Named> {
        let parse = |texts: &Vec<String>| Point::parse(texts, texts.len()).ok();
        if let [texts] = self.points.as_slice() {
            let row = self.row_among(rows).and_then(|(_, row)| Point::from_floats(&row.values));
            let row = row.map(|row| ("the row".to_owned(), row));
            let point = parse(texts).map(|point| ("the point".to_owned(), point));
            return row.into_iter().chain(point).collect();
        }
        let points = self.points.iter().filter_map(parse).enumerate();
        points.map(|(index, point)| (format!("point {}", index + 1), point)).collect()
    }
}

/// Label and margin: of class 1 over class 0, with more classes of the winner over the runner-up; of a model
/// without classes the score.
fn answer(model: &Model, semantics: Semantics, point: &Point) -> String {
    let scores: Option<Vec<Rational>> = match semantics {
        Semantics::Real => Some(model.exact_scores(point)),
        Semantics::ServedF32 => {
            let served = model.served_scores(point).into_iter();
            served.map(|score| Rational::from_f64(f64::from(score))).collect()
        }
    };
    let Some(scores) = scores else { return "the scores overflow a 32-bit float".to_owned() };
    let label = argmax(&scores, model.tie);
    if let [zero, one] = scores.as_slice() {
        let margin = shown((one - zero).down());
        return if model.is_plain_score() {
            format!("score {margin}")
        } else {
            format!("label {label}, margin {margin}")
        };
    }
    let ahead = scores.iter().enumerate().filter(|(class, _)| *class != label);
    let ahead = ahead.filter_map(|(_, score)| Some((scores.get(label)? - score).down()));
    format!(
        "label {label}, margin {} over the next class",
        shown(ahead.fold(f64::INFINITY, f64::min))
    )
}

/// A margin in a few digits.
fn shown(margin: f64) -> String {
    if margin == 0.0 || margin.abs() >= 1e-4 {
        format!("{margin:.6}")
    } else {
        format!("{margin:.3e}")
    }
}

/// The features in which the two points differ, those first that differ most in units of their scale; of one
/// point alone its features, those first that are furthest from their mean.
fn features(model: &Model, points: &[Named]) -> String {
    let (before, after) = match points {
        [(_, one)] => (None, one),
        [(_, one), (_, other)] => (Some(one), other),
        _ => return String::new(),
    };
    let mut lines: Vec<(f64, String)> = Vec::new();
    for (index, (spec, value)) in model.schema.features().iter().zip(after.values()).enumerate() {
        let FeatureSpec { name, mean, scale, .. } = spec;
        let to = value.down();
        let from = match before {
            None => f64::from(*mean),
            Some(before) => match before.values().get(index) {
                Some(from) if from != value => from.down(),
                _ => continue,
            },
        };
        let line = if before.is_some() {
            format!("{name}  {from} -> {to}")
        } else {
            format!("{name}  {to}")
        };
        lines.push((((to - from) / f64::from(*scale)).abs(), line));
    }
    lines.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let (count, all) = (lines.len(), model.schema.len());
    if count == 0 {
        return "  the row itself refutes it\n".to_owned();
    }
    let mut text = match before {
        None => format!("  its {all} features, furthest from their means first:\n"),
        Some(_) => format!(
            "  {count} of {all} features differ, the largest differences in units of scale first:\n"
        ),
    };
    for (_, line) in lines.iter().take(FEATURES) {
        let _ = writeln!(text, "    {line}");
    }
    if count > FEATURES {
        let _ = writeln!(text, "    and {} more", count - FEATURES);
    }
    text
}
