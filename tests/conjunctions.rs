//! Output regions that several rows make unsafe together, and inputs under conditions, through the search:
//! seeded networks, the answer compared with exact outputs on a fine grid.
#![cfg(feature = "full")]

mod cases;

use cases::draw::Draw;
use cases::{BOTH, network};
use propcert::certificate::{Kernel, Proof, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::interval::Rational;
use propcert::model::{Digest, Layer, Model, Point, Precision};
use propcert::spec::{Lowered, Spec};

/// A network of two inputs whose weights have few digits.
fn small(draw: &mut Draw, widths: &[usize]) -> Model {
    let mut inputs = 2;
    let mut layers = Vec::new();
    for &outputs in widths {
        let number =
            |draw: &mut Draw, size: f64| (draw.signed() * size * 64.0).round() / 64.0 + 0.0;
        let weights = (0..inputs * outputs).map(|_| number(draw, 1.5)).collect();
        let bias = (0..outputs).map(|_| number(draw, 0.5)).collect();
        layers.push(Layer { weights, bias, inputs });
        inputs = outputs;
    }
    network(layers, (-4.0, 4.0), Precision::F64)
}

/// The points of a grid over `[−1, 1]²`, each with its exact outputs.
fn grid(model: &Model) -> Vec<([f64; 2], Vec<Rational>)> {
    let ends = || (-16..=16).map(|k| f64::from(k) / 16.0);
    let points = ends().flat_map(|x| ends().map(move |y| [x, y]));
    points.map(|x| (x, model.exact_scores(&Point::from_floats(&x).unwrap()))).collect()
}

/// The search's proof of the obligation and what each arithmetic says of it.
fn answer(model: &Model, text: &str, options: Options) -> (Proof, [Verdict; 2]) {
    let spec = Spec::read(text.as_bytes()).unwrap();
    let lowered = Lowered::new(&spec, model, None, &[]).unwrap();
    let subject =
        Subject { model: (model, Digest::of(b"any")), spec: &spec, data: None, defense: None };
    let searcher = Searcher::new(subject, &lowered, &[], options);
    let mut found = None;
    let keep = |line: &propcert::certificate::Line, _: &_| {
        found = Some(line.proof.clone());
        Ok(())
    };
    searcher.run(0, keep).unwrap();
    let proof = found.expect("there is an obligation");
    let verdicts =
        BOTH.map(|arithmetic| Kernel::new(model, &lowered, arithmetic).check(0, &proof).unwrap());
    (proof, verdicts)
}

/// How the answers to a family of claims came out.
#[derive(Debug, Default)]
struct Tally {
    proved: usize,
    refuted: usize,
    open: usize,
    /// Proved with some row weighed against another.
    weighed: usize,
}

/// Proves or refutes; `value(x, f)` is above 0 exactly where a point is unsafe.
fn settle(
    tally: &mut Tally,
    model: &Model,
    text: &str,
    is_unsafe: impl Fn(&[f64; 2], &[Rational]) -> bool,
) {
    let (proof, verdicts) =
        answer(model, text, Options { budget_nodes: 2000, ..Options::default() });
    let is_reached = grid(model).iter().any(|(x, outputs)| is_unsafe(x, outputs));
    let is_proved = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Proved(_)));
    let is_refuted = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refuted(_)));
    assert!(!(is_proved && (is_reached || is_refuted)), "{text}");
    assert!(!is_reached || is_refuted, "a violation on the grid is found: {text}");
    tally.proved += usize::from(is_proved);
    tally.refuted += usize::from(is_refuted);
    tally.open += usize::from(!is_proved && !is_refuted);
    if let Some((_, hints)) = proof.as_split() {
        let is_mixed = |weights: &Vec<f64>| weights.iter().filter(|w| **w > 0.0).count() > 1;
        let mixed = hints.iter().flat_map(|hint| hint.hints()).any(|hint| is_mixed(&hint.weights));
        tally.weighed += usize::from(is_proved && mixed);
    }
}

fn exact(x: f64) -> Rational {
    Rational::from_f64(x).unwrap()
}

/// `Σ row_i·f_i`.
fn dot(row: &[i64], outputs: &[Rational]) -> Rational {
    let terms = row.iter().zip(outputs).map(|(c, f)| &Rational::integer(*c) * f);
    terms.fold(Rational::ZERO, |sum, term| &sum + &term)
}

fn texts(row: &[i64]) -> String {
    row.iter().map(|c| format!("'{c}'")).collect::<Vec<_>>().join(", ")
}

/// Blocks of two or three rows whose thresholds lie a little beyond what the grid reaches together, or within.
fn conjunction(draw: &mut Draw, model: &Model, rows: usize, tally: &mut Tally) {
    let outputs = model.classes;
    let rows: Vec<Vec<i64>> = (0..rows)
        .map(|k| (0..outputs).map(|j| if j == k { 1 } else { draw.index(3) as i64 - 1 }).collect())
        .collect();
    // the least of the largest row over the grid: the rows meet just above
    let grid = grid(model);
    let largest = |outputs: &[Rational]| rows.iter().map(|row| dot(row, outputs)).max().unwrap();
    let least = grid.iter().map(|(_, outputs)| largest(outputs)).min().unwrap();
    let shift = [-0.25, -0.0625, 0.03125][draw.index(3)];
    let rhs = (&least + &exact(shift)).down();
    let stated: Vec<String> =
        rows.iter().map(|row| format!("{{y = [{}], rhs = '{rhs:e}'}}", texts(row))).collect();
    let text = format!(
        "property = 'output-region'\nunits = 'raw'\nunsafe = [[{}]]\n[[input]]\nbox = [['-1', '1'], ['-1', '1']]\n",
        stated.join(", ")
    );
    settle(tally, model, &text, |_, outputs| {
        rows.iter().all(|row| dot(row, outputs) <= exact(rhs))
    });
}

/// One row, over the points that meet one to three conditions.
fn conditioned(draw: &mut Draw, model: &Model, count: usize, tally: &mut Tally) {
    let conditions: Vec<(Vec<i64>, f64)> = (0..count)
        .map(|_| {
            let row = vec![[1, -1, 2][draw.index(3)], [1, -1, -3][draw.index(3)]];
            (row, [-0.5, 0.0, 0.25][draw.index(3)])
        })
        .collect();
    let meets =
        |x: &[f64; 2]| conditions.iter().all(|(row, rhs)| dot(row, &x.map(exact)) <= exact(*rhs));
    let grid = grid(model);
    let row: Vec<i64> =
        (0..model.classes).map(|j| if j == 0 { 1 } else { draw.index(3) as i64 - 1 }).collect();
    let reached =
        grid.iter().filter(|(x, _)| meets(x)).map(|(_, outputs)| dot(&row, outputs)).min();
    let shift = [-0.25, -0.0625, 0.03125][draw.index(3)];
    // where no point is left, anything may be claimed
    let rhs = reached.map_or(100.0, |reached| (&reached + &exact(shift)).down());
    let stated: Vec<String> = conditions
        .iter()
        .map(|(row, rhs)| format!("{{x = [{}], rhs = '{rhs}'}}", texts(row)))
        .collect();
    let text = format!(
        "property = 'output-region'\nunits = 'raw'\nunsafe = [[{{y = [{}], rhs = '{rhs:e}'}}]]\n\
         [[input]]\nbox = [['-1', '1'], ['-1', '1']]\nrows = [{}]\n",
        texts(&row),
        stated.join(", ")
    );
    if propcert::spec::Spec::read(text.as_bytes()).is_ok() {
        settle(tally, model, &text, |x, outputs| meets(x) && dot(&row, outputs) <= exact(rhs));
    }
}

#[test]
fn rows_that_hold_together_are_proved_and_refuted_as_the_grid_says() {
    let mut tally = Tally::default();
    for seed in 0..40 {
        let mut draw = Draw(seed);
        let hidden = [&[6, 4, 3][..], &[8, 3]][draw.index(2)];
        let model = small(&mut draw, hidden);
        let rows = 2 + draw.index(2);
        conjunction(&mut draw, &model, rows, &mut tally);
    }
    assert!(tally.proved > 15 && tally.refuted > 8 && tally.open < 3, "{tally:?}");
}

#[test]
fn what_conditions_leave_is_proved_and_refuted_as_the_grid_says() {
    let mut tally = Tally::default();
    for seed in 0..40 {
        let mut draw = Draw(1000 + seed);
        let hidden = [&[6, 4, 2][..], &[8, 2]][draw.index(2)];
        let model = small(&mut draw, hidden);
        let count = 1 + draw.index(3);
        conditioned(&mut draw, &model, count, &mut tally);
    }
    assert!(tally.proved > 15 && tally.refuted > 8 && tally.open < 3, "{tally:?}");
}
