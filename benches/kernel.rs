//! What a user waits for when certifying and checking: bounds of networks, in both arithmetics.
//!
//! Prints medians of CPU-bound loops on a seeded 25-64-64-2 network; nothing is compared with a clock.

use std::time::Instant;

use propcert::certificate::Network;
use propcert::interval::{Exact, Form, Interval, Rounded};
use propcert::model::{Layer, Mlp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn network(widths: &[usize], rng: &mut ChaCha8Rng) -> Mlp {
    let layers = widths
        .windows(2)
        .map(|pair| {
            let reach = (6.0 / pair[0] as f64).sqrt();
            let mut draw = |count: usize| -> Vec<f64> {
                (0..count)
                    .map(|_| f64::from((reach * (2.0 * rng.random::<f64>() - 1.0)) as f32))
                    .collect()
            };
            Layer { weights: draw(pair[0] * pair[1]), bias: draw(pair[1]), inputs: pair[0] }
        })
        .collect();
    Mlp { layers }
}

/// Boxes of half width 0.05 around seeded points.
fn boxes(inputs: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<Interval>> {
    let side = |x: f64| Interval::new(x - 0.05, x + 0.05).unwrap_or(Interval::WHOLE);
    (0..count)
        .map(|_| (0..inputs).map(|_| side(4.0 * rng.random::<f64>() - 2.0)).collect())
        .collect()
}

/// Bounds per second: the median over repetitions.
fn rate(count: usize, mut work: impl FnMut()) -> f64 {
    let mut rates: Vec<f64> = (0..7)
        .map(|_| {
            let start = Instant::now();
            work();
            count as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn measure<F: Form>(name: &str, mlp: &Mlp, points: &[Vec<Interval>]) {
    let network = Network::<F>::new(mlp);
    let row = [1.0, -1.0];
    let mut sum = 0.0;
    let interval = rate(points.len(), || {
        for input in points {
            let hidden = network.interval_bounds(input);
            sum += hidden.map_or(0.0, |hidden| network.interval_margin(F::new(&row), &hidden));
        }
    });
    let linear = rate(points.len(), || {
        for input in points {
            let hidden = network.linear_bounds(input);
            sum += hidden
                .map_or(0.0, |hidden| network.linear_margin(F::new(&row), &hidden, None, &[]));
        }
    });
    println!(
        "{name:>8}: interval {interval:9.1} bounds/s, linear {linear:9.1} bounds/s ({sum:.3e})"
    );
}

fn main() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mlp = network(&[25, 64, 64, 2], &mut rng);
    let points = boxes(25, 200, &mut rng);
    println!("25-64-64-2, eps 0.05, one thread, median of 7");
    measure::<Rounded>("rounded", &mlp, &points);
    measure::<Exact>("exact", &mlp, &points[..5]);
}
