//! Findings that are read off certificates: every certificate is decided by the kernel anew, and its counterexamples
//! are put in words.

use crate::certificate::{
    Arithmetic, Decided, Kernel, Proof, Settings, Subject, Verdict, check_file,
};
use crate::certify::Task;
use crate::interval::parse_hexadecimal;
use crate::model::{Point, Row};
use crate::report::{LocalFinding, OrderVerdict};
use crate::study::StudyError;

use super::words::{ClassNames, exact_label, flip, moved, moves, shrunk, simplest};

/// Most rows whose points are tried for an example.
const TRIED: usize = 20;

/// A point of a certificate as floats; `None` if it has values that are none.
fn floats(texts: &[String]) -> Option<Vec<f64>> {
    texts.iter().map(|text| parse_hexadecimal(text)).collect()
}

/// Local invariance in the words of a report, from the text of its certificate.
pub(super) fn local(
    task: &Task,
    text: &str,
    (epsilon, file): (String, String),
) -> Result<LocalFinding, StudyError> {
    let Subject { model: (model, _), .. } = task.subject;
    let rows = task.rows()?;
    let lowered = task.lowered(rows)?;
    let kernel = Kernel::new(model, &lowered, Arithmetic::Rounded);
    let mut points: Vec<(usize, Vec<f64>)> = Vec::new();
    let (mut wrong_already, mut unsure_already) = (0, 0);
    let mut see = |decided: Decided| {
        let (Verdict::Refuted(_), Some(at)) = (decided.verdict, decided.row) else { return };
        let Some(row) = rows.get(at) else { return };
        if exact_label(model, &row.values) != Some(row.label) {
            wrong_already += 1;
        } else if is_refuted(&kernel, at, &row.values) {
            unsure_already += 1;
        } else if let Proof::Counterexample { points: found } = decided.proof
            && let Some(point) = found.first().and_then(|texts| floats(texts))
        {
            points.push((at, point));
        }
    };
    let checked = check_file(&task.subject, &mut text.as_bytes(), Settings::default(), &mut see)?;
    let counts = checked.tally.all;
    let attacked = counts.refuted.saturating_sub(wrong_already + unsure_already);
    let (moved, example) = example(task, (&kernel, rows), &points).unzip();
    let moved = moved.unwrap_or(0) as u64;
    let finding = LocalFinding {
        epsilon,
        counts,
        wrong_already,
        unsure_already,
        attacked,
        example,
        moved,
        file,
    };
    Ok(finding)
}

/// True if a point is a counterexample to the claim about a row.
fn is_refuted(kernel: &Kernel, at: usize, point: &[f64]) -> bool {
    let proof = Proof::Counterexample { points: vec![Point::texts(point)] };
    matches!(kernel.check(at, &proof), Ok(Verdict::Refuted(_)))
}

/// One of some counterexamples in words, with the number of features that move: one with another label if there is one,
/// then the one that moves the fewest features. Features are put back, and the rest of the way is shortened, as long as
/// the kernel still refutes the claim.
fn example(
    task: &Task,
    (kernel, rows): (&Kernel, &[Row]),
    points: &[(usize, Vec<f64>)],
) -> Option<(usize, String)> {
    let model = task.subject.model.0;
    let classes = classes_of(task);
    let step = task.subject.data.map_or(1, |data| data.step(task.selection.part).get());
    let turns = |&at: &usize, point: &[f64]| {
        exact_label(model, point).is_some_and(|label| label != rows[at].label)
    };
    // those with another label first
    let (turned, unsure): (Vec<_>, Vec<_>) = points.iter().partition(|(at, p)| turns(at, p));
    let (tried, is_turned) = if turned.is_empty() { (unsure, false) } else { (turned, true) };
    let mut best: Option<(usize, String)> = None;
    for (at, point) in tried.into_iter().take(TRIED) {
        let (from, label) = (&rows[*at].values, rows[*at].label);
        let mut still =
            |point: &[f64]| is_refuted(kernel, *at, point) && turns(at, point) == is_turned;
        let found = simplest(&model.schema, from, point, &mut still);
        let found = shrunk(from, found, &mut still);
        let count = moved(from, &found);
        if best.as_ref().is_some_and(|(least, _)| *least <= count) {
            continue;
        }
        let words = match exact_label(model, &found) {
            Some(other) if other != label => {
                flip((&model.schema, classes), (from, &found), [label, other])
            }
            // a tie, or an answer that is not sure enough
            _ => {
                format!("{} makes {} unsure", moves(&model.schema, from, &found), classes.of(label))
            }
        };
        best = Some((count, format!("{words} (test row {})", at * step)));
    }
    best
}

/// The names of the classes in the data of a task.
fn classes_of<'a>(task: &Task<'a>) -> ClassNames<'a> {
    ClassNames(task.subject.data.map_or(&[], |data| &data.meta().classes))
}

/// The kernel's answers to a property of every feature, each with a step against it in words.
pub(super) fn orders(
    task: &Task,
    text: &str,
) -> Result<Vec<(OrderVerdict, Option<String>)>, StudyError> {
    let model = task.subject.model.0;
    let mut found = vec![(OrderVerdict::Open, None); model.schema.len()];
    let mut see = |decided: Decided| {
        let Some(place) = found.get_mut(decided.at) else { return };
        match decided.verdict {
            Verdict::Proved(_) => place.0 = OrderVerdict::Proved,
            Verdict::Refuted(_) => {
                let words = match decided.proof {
                    Proof::Counterexample { points } => step(task, points),
                    _ => None,
                };
                *place = (OrderVerdict::Refuted, words);
            }
            Verdict::Undecided(_) | Verdict::Invalid | Verdict::Counted(_) => {}
        }
    };
    check_file(&task.subject, &mut text.as_bytes(), Settings::default(), &mut see)?;
    Ok(found)
}

/// A step of the score between two points, in words.
fn step(task: &Task, points: &[Vec<String>]) -> Option<String> {
    let model = task.subject.model.0;
    let [one, other] = points else { return None };
    let (one, other) = (floats(one)?, floats(other)?);
    let margin = |raw: &[f64]| Some(model.exact_margin(&Point::from_floats(raw)?)?.down());
    let (before, after) = (margin(&one)?, margin(&other)?);
    let verb = if after > before { "raises" } else { "lowers" };
    let (before, after) = super::words::apart_texts(before, after);
    Some(format!(
        "{} {verb} the score of {} from {before} to {after}",
        moves(&model.schema, &one, &other),
        classes_of(task).of(1)
    ))
}
