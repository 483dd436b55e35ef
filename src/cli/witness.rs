//! Counterexamples in words: the answers of the model, and their points.
//!
//! Numbers are rounded for printing; the certificate has the points exactly.

use std::fmt::Write;

use crate::certificate::{Decided, Proof, Verdict};
use crate::interval::Rational;
use crate::model::{Model, Point, Row, argmax};
use crate::spec::{Aim, Bonds, Claim, On, Pair, Semantics};

/// Most features of a counterexample that are shown.
const FEATURES: usize = 10;

/// A point with its name.
type NamedPoint = (&'static str, Point);

/// A counterexample with the claim that it violates.
pub(crate) struct ShownWitness<'a> {
    model: &'a Model,
    claim: &'a Claim,
    decided: &'a Decided<'a>,
    /// The row it is about, if it is about one.
    row: Option<usize>,
    points: Vec<NamedPoint>,
}

impl<'a> ShownWitness<'a> {
    /// The counterexample to an obligation; `None` if none refuted it. `rows` are those of the certificate's part.
    pub(crate) fn of(model: &'a Model, rows: &[Row], decided: &'a Decided<'a>) -> Option<Self> {
        let (Verdict::Refuted(refuted), Proof::Counterexample { points }) =
            (decided.verdict, decided.proof)
        else {
            return None;
        };
        let claim = &refuted.obligation().claim;
        let points = points.iter().map(|texts| Point::parse(texts, texts.len()).ok());
        let points: Vec<Point> = points.collect::<Option<_>>()?;
        let row = decided.row.and_then(|index| Some((index, rows.get(index)?)));
        let points = named(model, claim, row.map(|(_, row)| row), &points);
        Some(Self { model, claim, decided, row: row.map(|(index, _)| index), points })
    }

    /// In words: the violation, the model's answer at each point, and the features that differ most, or with
    /// `is_whole` all of them.
    pub(crate) fn text(&self, is_whole: bool) -> String {
        let Self { model, claim, decided, row, points } = self;
        let Decided { at, header, .. } = decided;
        let mut text = format!("\nobligation {at} is refuted: {}", shows(model, claim));
        if let (Some(index), Some(part)) = (row, header.part) {
            let _ = write!(text, " (row {index} of part {})", part.name());
        }
        text.push('\n');
        if header.defense.is_some() {
            text += "  without the defense:\n";
        }
        for (name, point) in points {
            let answer = answer(model, claim, header.semantics, point);
            let _ = writeln!(text, "  {name:<9}  {answer}");
        }
        text += &apart(model, claim, points);
        text + &if is_whole { whole(model, points) } else { features(model, points) }
    }

    /// For machines: every point whole, with its values as the nearest floats.
    pub(crate) fn json(&self) -> serde_json::Value {
        let Self { model, claim, decided, row, points } = self;
        let names = model.schema.features().iter().map(|feature| feature.name.clone());
        let point = |(name, point): &NamedPoint| {
            let values = point.values().iter().map(|value| serde_json::json!(nearest(value)));
            let values: serde_json::Map<_, _> = names.clone().zip(values).collect();
            let answer = answer(model, claim, decided.header.semantics, point);
            serde_json::json!({ "name": name, "answer": answer, "values": values })
        };
        let points: Vec<serde_json::Value> = points.iter().map(point).collect();
        serde_json::json!({ "shows": shows(model, claim), "row": row, "points": points })
    }
}

/// The way in which the answers violate the claim.
fn shows(model: &Model, claim: &Claim) -> String {
    match claim {
        Claim::Label { label } => format!("label {label} is not answered"),
        Claim::Posterior { label, .. } => format!("label {label} is not answered that surely"),
        Claim::Avoid { .. } => "outputs are reached that are to be avoided".to_owned(),
        Claim::Pair(pair) => shows_of_pair(model, pair),
        // the obligation is counted pair by pair, and no counterexample is given
        Claim::AllPairs { .. } => "pairs of rows are not bound".to_owned(),
    }
}

/// The same for a statement about two points.
fn shows_of_pair(model: &Model, pair: &Pair) -> String {
    let moved = moved(model, &pair.bonds);
    match &pair.aim {
        Aim::Order { .. } => format!("more of {moved} moves the answer the other way"),
        Aim::Flip { ball: None, .. } => {
            "a shift of one feature flips an answer that is too sure for it".to_owned()
        }
        Aim::Flip { .. } => "a point close by flips an answer that is too sure for it".to_owned(),
        Aim::Close { .. } if moved.is_empty() => {
            "answers of close points are too far apart".to_owned()
        }
        Aim::Close { .. } => format!("{moved} alone moves the answer too far"),
        Aim::Stays(_) => format!("{moved} alone makes a confident answer another one"),
        Aim::Lipschitz { .. } => "answers are too far apart for that distance".to_owned(),
    }
}

/// The names of the features that move while all others stay; empty if any may move.
fn moved(model: &Model, bonds: &Bonds) -> String {
    let features = model.schema.features().iter().map(|feature| feature.name.as_str());
    match bonds {
        Bonds::Raised(feature) => features.skip(feature.0).take(1).collect(),
        Bonds::Moved(moved) => {
            let moved = features.zip(moved.iter()).filter(|(_, is_moved)| **is_moved);
            moved.map(|(name, _)| name).collect::<Vec<_>>().join(", ")
        }
        Bonds::Free | Bonds::Within { .. } | Bonds::Shifted(_) => String::new(),
    }
}

/// Names the points: two points, or one point after the row it lies near, or one before its shifted copy.
fn named(model: &Model, claim: &Claim, row: Option<&Row>, points: &[Point]) -> Vec<NamedPoint> {
    match points {
        [point] => {
            let flipped = flipped(model, claim, point).map(|copy| ("shifted", copy));
            let row = row.and_then(|row| Point::from_floats(&row.values)).map(|row| ("row", row));
            let row = row.filter(|_| flipped.is_none());
            row.into_iter().chain([("point", point.clone())]).chain(flipped).collect()
        }
        points => ["point 1", "point 2"].into_iter().zip(points.iter().cloned()).collect(),
    }
}

/// The first shifted copy of a point that has another label, for claims about such copies.
fn flipped(model: &Model, claim: &Claim, point: &Point) -> Option<Point> {
    let label = |point: &Point| argmax(&model.exact_scores(point), model.tie);
    let own = label(point);
    claim.pair()?.partners(point)?.find(|copy| label(copy) != own)
}

/// The scores that count for the claim; `None` if a served score overflows.
fn scores(model: &Model, semantics: Semantics, point: &Point) -> Option<Vec<Rational>> {
    match semantics {
        Semantics::Real => Some(model.exact_scores(point)),
        Semantics::ServedF32 => {
            let served = model.served_scores(point).into_iter();
            served.map(|score| Rational::from_f64(f64::from(score))).collect()
        }
    }
}

/// Label and margin. The margin is that of class 1 over class 0, or with more classes that of the winner over the
/// runner-up. A model without classes gives its score, and a claim about the outputs gives these.
fn answer(model: &Model, claim: &Claim, semantics: Semantics, point: &Point) -> String {
    let Some(scores) = scores(model, semantics, point) else {
        return "the scores overflow a 32-bit float".to_owned();
    };
    if let Claim::Avoid { .. } = claim {
        let outputs: Vec<String> = scores.iter().map(|score| shown(nearest(score))).collect();
        return format!("outputs {}", outputs.join(", "));
    }
    let label = argmax(&scores, model.tie);
    if let [zero, one] = scores.as_slice() {
        let margin = shown(nearest(&(one - zero)));
        return match model.is_plain_score() {
            true => format!("score {margin}"),
            false => format!("label {label}, margin {margin}"),
        };
    }
    let others = scores.iter().enumerate().filter(|(class, _)| *class != label);
    let ahead = others.filter_map(|(_, score)| Some(nearest(&(scores.get(label)? - score))));
    let least = shown(ahead.fold(f64::INFINITY, f64::min));
    format!("label {label}, margin {least} over the next class")
}

/// The distance of two scores, and the largest distance that is claimed.
fn apart(model: &Model, claim: &Claim, points: &[NamedPoint]) -> String {
    let Some(Aim::Close { bound, on: On::Score, .. }) = claim.pair().map(|pair| &pair.aim) else {
        return String::new();
    };
    let [(_, a), (_, b)] = points else { return String::new() };
    let Some((a, b)) = model.exact_margin(a).zip(model.exact_margin(b)) else {
        return String::new();
    };
    let (gap, bound) = (shown(nearest(&(&a - &b).abs())), shown(nearest(bound)));
    format!("  {gap} apart, claimed is at most {bound}\n")
}

/// The float nearest to a number; of two nearest ones the lower.
pub(super) fn nearest(number: &Rational) -> f64 {
    let (below, above) = (number.down(), number.up());
    match Rational::from_f64(below).zip(Rational::from_f64(above)) {
        Some((lo, hi)) if &hi - number < number - &lo => above,
        _ => below,
    }
}

/// A number in a few digits.
fn shown(number: f64) -> String {
    let size = number.abs();
    match number == 0.0 || (1e-4..1e9).contains(&size) {
        true => format!("{number:.6}"),
        false => format!("{number:.6e}"),
    }
}

/// Every feature of the points, in the order of the model.
fn whole(model: &Model, points: &[NamedPoint]) -> String {
    let names: Vec<&str> = points.iter().map(|(name, _)| *name).collect();
    let mut text = format!("  all features ({}):\n", names.join(" -> "));
    for (index, spec) in model.schema.features().iter().enumerate() {
        let values = points.iter().filter_map(|(_, point)| point.values().get(index));
        let mut values: Vec<String> = values.map(|value| format!("{:?}", nearest(value))).collect();
        // the same at every point is said once
        values.dedup();
        let _ = writeln!(text, "    {}  {}", spec.name, values.join(" -> "));
    }
    text
}

/// The features in which the last two points differ, first those that differ most in standardised units. For
/// one point alone it gives the point's features, first those furthest from their mean.
fn features(model: &Model, points: &[NamedPoint]) -> String {
    let (before, after) = match points {
        [(_, one)] => (None, one),
        [.., (_, one), (_, other)] => (Some(one), other),
        [] => return String::new(),
    };
    let mut lines: Vec<(f64, String)> = Vec::new();
    for (index, (spec, value)) in model.schema.features().iter().zip(after.values()).enumerate() {
        let (name, to) = (&spec.name, nearest(value));
        let (from, line) = match before {
            None => (f64::from(spec.mean), format!("{name}  {to:?}")),
            Some(before) => match before.values().get(index) {
                Some(from) if from != value => {
                    let from = nearest(from);
                    (from, format!("{name}  {from:?} -> {to:?}"))
                }
                _ => continue,
            },
        };
        lines.push(((f64::from(spec.scale) * (to - from)).abs(), line));
    }
    lines.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let (count, all) = (lines.len(), model.schema.len());
    let mut text = match before {
        None => format!("  its {all} features, furthest from their means first:\n"),
        Some(_) if count == 0 => "  they are the same point\n".to_owned(),
        Some(_) => {
            format!("  {count} of {all} features differ, most in standardised units first:\n")
        }
    };
    for (_, line) in lines.iter().take(FEATURES) {
        let _ = writeln!(text, "    {line}");
    }
    if count > FEATURES {
        let _ = writeln!(text, "    and {} more", count - FEATURES);
    }
    text
}
