//! Bounds at ε = 0 against exact values: a bound of any method, alone or in a batch, that is beyond the
//! margin at its own point is false. With nothing to relax, only paid-for rounding keeps them apart.
//!
//! On the published network if `PROPCERT_DATA` holds `mlp/`, else on a made one; 300 points, or
//! 10,000 with `PROPCERT_BENCHMARKS=all` (best with `--release`).
#![cfg(feature = "full")]

#[path = "cases/published.rs"]
mod published;

use propcert::certificate::{Hint, Network};
use propcert::certify::network::alpha::Ascent;
use propcert::certify::network::batch::Engine;
use propcert::certify::network::lp;
use propcert::interval::{Dyadic, Form, Interval, Rational, Rounded};
use propcert::model::{Layer, Mlp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The margin of class 1, and that of class 0.
const ROWS: [[f64; 2]; 2] = [[-1.0, 1.0], [1.0, -1.0]];
const WIDTHS: [usize; 4] = [25, 64, 64, 2];

fn made(rng: &mut ChaCha8Rng) -> Mlp {
    let layer = |pair: &[usize]| {
        let reach = (6.0 / pair[0] as f64).sqrt();
        let mut draw = |count: usize| -> Vec<f64> {
            (0..count).map(|_| reach * (2.0 * rng.random::<f64>() - 1.0)).collect()
        };
        Layer { weights: draw(pair[0] * pair[1]), bias: draw(pair[1]), inputs: pair[0] }
    };
    Mlp { layers: WIDTHS.windows(2).map(layer).collect() }
}

/// The margin of class 1 at a point, exactly.
fn margin(mlp: &Mlp, point: &[Interval]) -> Rational {
    let exact = |x: f64| Dyadic::from_f64(x).unwrap();
    let logits = mlp.forward(&exact(1.0), point.iter().map(|side| exact(side.lo())).collect());
    &logits[1].to_rational() - &logits[0].to_rational()
}

/// Lower and upper bound of the margin of class 1.
fn both(lower: impl Fn(&[f64]) -> f64) -> Interval {
    Interval::new(lower(&ROWS[0]), -lower(&ROWS[1])).expect("a lower bound above an upper one")
}

/// The bounds of the methods that bound one box at a time, by name.
fn alone(
    mlp: &Mlp,
    kernel: &Network<Rounded>,
    input: &[Interval],
) -> [(&'static str, Interval); 4] {
    let forward = kernel.interval_bounds(input).unwrap();
    let hidden = kernel.linear_bounds(input).unwrap();
    let hinted = |row: &[f64], hint: Option<&Hint>| {
        kernel.linear_margin(Rounded::new(row), &hidden, hint, &[])
    };
    let ascent = Ascent { mlp, hidden: &hidden, signs: &[] };
    [
        ("interval", both(|row| kernel.interval_margin(Rounded::new(row), &forward))),
        ("crown", both(|row| hinted(row, None))),
        ("alpha", both(|row| hinted(row, Some(&ascent.climb(row, None, 20, f64::INFINITY).hint)))),
        ("lp", both(|row| hinted(row, lp::solve(mlp, &hidden, input, row).as_ref()))),
    ]
}

#[test]
fn no_method_is_on_the_wrong_side_of_the_exact_margin() {
    let is_whole = std::env::var("PROPCERT_BENCHMARKS").is_ok_and(|choice| choice == "all");
    let count = if is_whole { 10_000 } else { 300 };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mlp = published::network().unwrap_or_else(|| made(&mut rng));
    let boxes: Vec<Vec<Interval>> = (0..count)
        .map(|_| (0..WIDTHS[0]).map(|_| Interval::point(rng.random::<f64>())).collect())
        .collect();
    let engine = Engine::new(&mlp, &[ROWS[0].to_vec()]);
    let kernel = Network::<Rounded>::new(&mlp);
    let (interval, crown) = (engine.interval(&boxes), engine.linear(&boxes));
    let mut wrong = Vec::new();
    for (at, input) in boxes.iter().enumerate() {
        let truth = margin(&mlp, input);
        let batched = [
            ("interval, batched", interval[at][0]),
            ("crown, batched", crown[at][0]),
            ("interval, batch of 1", engine.interval(&boxes[at..=at])[0][0]),
            ("crown, batch of 1", engine.linear(&boxes[at..=at])[0][0]),
        ];
        for (method, bounds) in batched.into_iter().chain(alone(&mlp, &kernel, input)) {
            let width = bounds.hi() - bounds.lo();
            assert!(width < 1e-9, "point {at}, {method}: bounds a point by {bounds:?}");
            if !bounds.contains_exactly(&truth) {
                wrong.push((at, method, bounds));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} points: {wrong:?}", wrong.len());
}
