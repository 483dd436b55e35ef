use proptest::prelude::*;

use super::*;
use crate::certificate::Network;
use crate::interval::{Dyadic, Form, Rational, Rounded};
use crate::model::{Layer, Mlp};

/// The kind of a neuron: ordinary (`None`) or odd.
#[derive(Clone, Copy, Debug)]
enum Oddity {
    None,
    /// No weights, no bias.
    Zero,
    /// A bias alone, below 0.
    Dead,
    /// The weights of the neuron before.
    Twin,
}

fn layer(inputs: usize, outputs: usize) -> impl Strategy<Value = Layer> {
    let oddity = prop_oneof![
        5 => Just(Oddity::None), 1 => Just(Oddity::Zero), 1 => Just(Oddity::Dead),
        1 => Just(Oddity::Twin)
    ];
    let weights = proptest::collection::vec(-1f64..1.0, inputs * outputs);
    let bias = proptest::collection::vec(prop_oneof![Just(0.0), -1f64..1.0], outputs);
    let scale = prop_oneof![4 => Just(0), 1 => -30..25i32].prop_map(|e| 2f64.powi(e));
    let odd = proptest::collection::vec(oddity, outputs);
    (weights, bias, scale, odd).prop_map(move |(mut weights, mut bias, scale, odd)| {
        weights.iter_mut().for_each(|w| *w *= scale);
        for (neuron, odd) in odd.into_iter().enumerate() {
            let own = neuron * inputs..(neuron + 1) * inputs;
            match odd {
                Oddity::Zero | Oddity::Dead => {
                    weights[own].fill(0.0);
                    bias[neuron] = if matches!(odd, Oddity::Dead) { -0.5 } else { 0.0 };
                }
                Oddity::Twin if neuron > 0 => {
                    weights.copy_within(own.start - inputs..own.start, own.start);
                }
                _ => (),
            }
        }
        Layer { weights, bias, inputs }
    })
}

fn network() -> impl Strategy<Value = Mlp> {
    proptest::collection::vec(1..10usize, 0..4).prop_flat_map(|hidden| {
        let widths: Vec<_> = std::iter::once(3).chain(hidden).chain([2]).collect();
        let layers: Vec<_> =
            widths.windows(2).map(|pair| layer(pair[0], pair[1]).boxed()).collect();
        layers.prop_map(|layers| Mlp { layers })
    })
}

/// A box and where in it the points lie, from 0 to 1 per side.
fn cut() -> impl Strategy<Value = (Vec<Interval>, Vec<f64>)> {
    let radius = prop_oneof![Just(0.0), Just(1e-9), 0f64..1.0];
    let side = (-2f64..2.0, radius).prop_map(|(c, r)| Interval::new(c - r, c + r).unwrap());
    (proptest::collection::vec(side, 3), proptest::collection::vec(0f64..=1.0, 3))
}

/// `row · logits` at a point, exactly.
fn exact(mlp: &Mlp, row: &[f64], point: &[f64]) -> Rational {
    let one = Dyadic::from_f64(1.0).unwrap();
    let point = point.iter().map(|&x| Dyadic::from_f64(x).unwrap()).collect();
    let logits = mlp.forward(&one, point);
    let terms =
        row.iter().zip(&logits).map(|(&c, z)| &Rational::from_f64(c).unwrap() * &z.to_rational());
    terms.fold(Rational::ZERO, |sum, term| &sum + &term)
}

/// Both ends of every side, and a point between.
fn points(input: &[Interval], at: &[f64]) -> [Vec<f64>; 3] {
    let between = |(side, t): (&Interval, &f64)| {
        (side.lo() + t * (side.hi() - side.lo())).clamp(side.lo(), side.hi())
    };
    [
        input.iter().map(|side| side.lo()).collect(),
        input.iter().map(|side| side.hi()).collect(),
        input.iter().zip(at).map(between).collect(),
    ]
}

proptest! {
    #[test]
    fn no_bound_is_beyond_the_exact_value(
        mlp in network(),
        cuts in proptest::collection::vec(cut(), 1..6),
        row in prop_oneof![Just(vec![-1.0, 1.0]), proptest::collection::vec(-3f64..3.0, 2)],
    ) {
        let rows = [row, vec![1.0, 0.0]];
        let engine = Engine::new(&mlp, &rows);
        let boxes: Vec<_> = cuts.iter().map(|(input, _)| input.clone()).collect();
        let (interval, linear) = (engine.interval(&boxes), engine.linear(&boxes));
        for (index, (input, at)) in cuts.iter().enumerate() {
            let alone = &boxes[index..=index];
            let found = [&interval[index], &linear[index], &engine.interval(alone)[0], &engine.linear(alone)[0]];
            for point in points(input, at) {
                for (which, row) in rows.iter().enumerate() {
                    let truth = exact(&mlp, row, &point);
                    for (rule, bounds) in found.iter().enumerate() {
                        let bound = bounds[which];
                        prop_assert!(bound.is_finite(), "rule {rule}: {bound:?}");
                        prop_assert!(bound.contains_exactly(&truth), "rule {rule}: {bound:?}, {truth:?}");
                    }
                }
            }
        }
    }
}

/// A network whose weights come and go like waves, about He's in size.
fn waves(widths: &[usize]) -> Mlp {
    let wave = |k: usize| ((k * 7919 + 13) % 1009) as f64 / 504.5 - 1.0;
    let layer = |(index, pair): (usize, &[usize])| Layer {
        weights: (0..pair[0] * pair[1])
            .map(|k| (6.0 / pair[0] as f64).sqrt() * wave(k + 100_000 * index))
            .collect(),
        bias: (0..pair[1]).map(|k| 0.1 * wave(k + 777)).collect(),
        inputs: pair[0],
    };
    Mlp { layers: widths.windows(2).enumerate().map(layer).collect() }
}

fn boxes(count: usize, inputs: usize, radius: f64) -> Vec<Vec<Interval>> {
    let centre = |k: usize| ((k * 6101 + 7) % 997) as f64 / 997.0;
    let side = |c: f64| Interval::new(c - radius, c + radius).unwrap();
    (0..count).map(|b| (0..inputs).map(|i| side(centre(b * inputs + i))).collect()).collect()
}

#[test]
fn bounds_are_those_of_the_kernel() {
    let mlp = waves(&[6, 20, 17, 3]);
    let rows = [vec![1.0, -1.0, 0.0], vec![0.0, -1.0, 1.0]];
    let engine = Engine::new(&mlp, &rows);
    let kernel = Network::<Rounded>::new(&mlp);
    let mut open = 0;
    for radius in [0.0, 0.02, 0.1] {
        let boxes = boxes(70, 6, radius);
        let (interval, linear) = (engine.interval(&boxes), engine.linear(&boxes));
        for (input, (interval, linear)) in boxes.iter().zip(interval.iter().zip(&linear)) {
            let forward = kernel.interval_bounds(input).unwrap();
            let hidden = kernel.linear_bounds(input).unwrap();
            open += hidden.layers().flatten().filter(|z| z.lo() < 0.0 && z.hi() > 0.0).count();
            for (at, row) in rows.iter().enumerate() {
                let negated: Vec<_> = row.iter().map(|c| -c).collect();
                let both = |lower: &dyn Fn(&[f64]) -> f64| (lower(row), -lower(&negated));
                let forward = both(&|row| kernel.interval_margin(Rounded::new(row), &forward));
                let linearly =
                    |row: &[f64]| kernel.linear_margin(Rounded::new(row), &hidden, None, &[]);
                let backward = both(&linearly);
                for (found, (lo, hi)) in [(interval[at], forward), (linear[at], backward)] {
                    let is_near =
                        (found.lo() - lo).abs() < 1e-11 && (found.hi() - hi).abs() < 1e-11;
                    assert!(is_near, "{found:?} or {lo}, {hi}");
                }
            }
        }
    }
    assert!(open > 1000, "{open}");
}

#[test]
fn bounds_do_not_depend_on_the_number_of_threads() {
    let engine = Engine::new(&waves(&[6, 20, 17, 2]), &[vec![-1.0, 1.0]]);
    let boxes = boxes(INTERVAL_CHUNK * 2 + LINEAR_CHUNK / 2 + 1, 6, 0.05);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (engine.interval(&boxes), engine.linear(&boxes)))
    };
    let bits = |bounds: &[Vec<Interval>]| -> Vec<_> {
        bounds.iter().flatten().map(|b| (b.lo().to_bits(), b.hi().to_bits())).collect()
    };
    let ((a, b), (c, d)) = (with(1), with(2));
    assert_eq!(a.len(), boxes.len());
    assert_eq!((bits(&a), bits(&b)), (bits(&c), bits(&d)));
}

#[test]
fn overflow_bounds_nothing_and_harms_no_other_box() {
    let mut mlp = waves(&[3, 8, 8, 2]);
    mlp.layers[0].weights.iter_mut().for_each(|w| *w *= 1e200);
    mlp.layers[1].weights.iter_mut().for_each(|w| *w *= 1e100);
    let engine = Engine::new(&mlp, &[vec![-1.0, 1.0]]);
    let (far, near) = (Interval::new(-1e30, 1e30).unwrap(), Interval::point(1e-200));
    let boxes = [vec![far; 3], vec![near; 3], vec![Interval::WHOLE; 3], vec![near; 2]];
    for bounds in [engine.interval(&boxes), engine.linear(&boxes)] {
        let known: Vec<_> = bounds.iter().map(|b| b[0].is_finite()).collect();
        assert_eq!(known, [false, true, false, false], "{bounds:?}");
        for unknown in [0, 2, 3] {
            assert_eq!(bounds[unknown], [Interval::WHOLE]);
        }
    }
}

#[test]
fn an_underflowed_coefficient_is_paid_times_its_variable() {
    // 2⁻⁶⁰⁰ · 2⁻⁶⁰⁰ underflows to 0, yet the variable reaches 2¹⁰⁰⁰
    let tiny = 2f64.powi(-600);
    let layer = || Layer { weights: vec![tiny], bias: vec![0.0], inputs: 1 };
    let mlp = Mlp { layers: vec![layer(), layer()] };
    let engine = Engine::new(&mlp, &[vec![1.0]]);
    let input = [vec![Interval::new(-1.0, 2f64.powi(1000)).unwrap()]];
    for bounds in [engine.interval(&input), engine.linear(&input)] {
        assert!(bounds[0][0].hi() >= 2f64.powi(-200), "{bounds:?}");
    }
}

#[test]
fn a_row_of_another_length_and_no_boxes_are_no_panic() {
    let engine = Engine::new(&waves(&[3, 4, 2]), &[vec![1.0], vec![1.0, 0.0]]);
    assert_eq!(engine.linear(&[]), Vec::<Vec<Interval>>::new());
    for bounds in [engine.interval(&boxes(1, 3, 0.1)), engine.linear(&boxes(1, 3, 0.1))] {
        assert_eq!(bounds[0][0], Interval::WHOLE);
        assert!(bounds[0][1].is_finite());
    }
}
