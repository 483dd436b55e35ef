//! Rigorous bounds per CPU second: the batched rules beside the kernel's, and the ascent of slopes.
//!
//! A bound is the lower and the upper bound of the margin over one box. Seeded networks; where
//! `PROPCERT_DATA` holds `mlp/`, the published network and its points. One thread; CPU time of that
//! thread where the system tells it (`/proc/thread-self/schedstat`), else wall time. Rates are medians.

#[path = "../tests/cases/published.rs"]
mod published;

use std::hint::black_box;
use std::time::{Duration, Instant};

use propcert::certificate::Network;
use propcert::certify::network::alpha::Ascent;
use propcert::certify::network::batch::Engine;
use propcert::certify::network::lp;
use propcert::interval::{Form, Interval, Rounded};
use propcert::model::{Layer, Mlp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Half the side of a box.
const EPS: f32 = 0.05;
/// The margin of class 1.
const ROW: [f64; 2] = [-1.0, 1.0];

/// Weights by He initialisation, normal with variance 2 / inputs; no biases.
fn network(widths: &[usize], rng: &mut ChaCha8Rng) -> Mlp {
    let mut normal = || {
        let (a, b) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    };
    let layer = |pair: &[usize]| {
        let deviation = (2.0 / pair[0] as f64).sqrt();
        let mut draw = || f64::from((deviation * normal()) as f32);
        let weights = (0..pair[0] * pair[1]).map(|_| draw()).collect();
        Layer { weights, bias: vec![0.0; pair[1]], inputs: pair[0] }
    };
    Mlp { layers: widths.windows(2).map(layer).collect() }
}

/// The box around a point, its ends rounded to f32.
fn around(point: impl IntoIterator<Item = f32>) -> Vec<Interval> {
    let side = |x: f32| Interval::new(f64::from(x - EPS), f64::from(x + EPS));
    point.into_iter().map(|x| side(x).unwrap_or(Interval::WHOLE)).collect()
}

/// Boxes around seeded points of `[0, 1]^inputs`.
fn boxes(inputs: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<Interval>> {
    (0..count).map(|_| around((0..inputs).map(|_| rng.random::<f32>()))).collect()
}

/// The published network and the boxes around its points.
fn published_boxes() -> Option<(Mlp, Vec<Vec<Interval>>)> {
    let mlp = published::network()?;
    let text = std::fs::read_to_string(published::folder()?.join("points.csv")).ok()?;
    let point = |line: &str| around(line.split(',').skip(2).filter_map(|cell| cell.parse().ok()));
    Some((mlp, text.lines().skip(1).map(point).collect()))
}

/// CPU time of this thread so far.
fn cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// Seconds that `work` takes: of CPU time, else of wall time.
fn seconds(work: impl FnOnce()) -> f64 {
    let (start, before) = (Instant::now(), cpu());
    work();
    let spent = before.zip(cpu()).map(|(before, after)| after.saturating_sub(before));
    spent.unwrap_or_else(|| start.elapsed()).as_secs_f64()
}

/// Units of work per second: the median of seven samples of at least 0.15 s.
fn rate(units: usize, mut work: impl FnMut()) -> f64 {
    let mut rates: Vec<f64> = (0..7)
        .map(|_| {
            let (mut done, start) = (0, Instant::now());
            let spent = seconds(|| {
                while done == 0 || start.elapsed() < Duration::from_millis(150) {
                    work();
                    done += units;
                }
            });
            done as f64 / spent
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn line(method: &str, batch: &str, rate: f64, asked: &str) {
    println!("{method:<22} {batch:>6} {rate:>12.0}   {asked}");
}

/// A table of one network. `asked`: per method and batch, the rate that it should reach.
fn table(name: &str, mlp: &Mlp, boxes: &[Vec<Interval>], asked: &[(&str, usize, &str)]) {
    println!("\n{name}, eps {EPS}\n{:<22} {:>6} {:>12}   goal", "method", "batch", "bounds/s");
    let engine = Engine::new(mlp, &[ROW.to_vec()]);
    let wanted = |method: &str, batch: usize| {
        asked.iter().find(|(m, b, _)| *m == method && *b == batch).map_or("", |(_, _, asked)| asked)
    };
    for batch in [1, 128, boxes.len()] {
        let per_second = rate(boxes.len(), || {
            boxes.chunks(batch).for_each(|batch| _ = black_box(engine.interval(batch)));
        });
        line("interval", &batch.to_string(), per_second, wanted("interval", batch));
    }
    let few = &boxes[..boxes.len().min(256)];
    for batch in [1, 128] {
        let per_second = rate(few.len(), || {
            few.chunks(batch).for_each(|batch| _ = black_box(engine.linear(batch)));
        });
        line("crown", &batch.to_string(), per_second, wanted("crown", batch));
    }
    kernel(mlp, few);
}

/// What the kernel does, box by box.
fn kernel(mlp: &Mlp, boxes: &[Vec<Interval>]) {
    let network = Network::<Rounded>::new(mlp);
    let rows = [ROW, [-ROW[0], -ROW[1]]];
    let forward = |input: &Vec<Interval>| {
        let hidden = network.interval_bounds(input)?;
        Some(rows.map(|row| network.interval_margin(Rounded::new(&row), &hidden)))
    };
    let backward = |input: &Vec<Interval>| {
        let hidden = network.linear_bounds(input)?;
        Some(rows.map(|row| network.linear_margin(Rounded::new(&row), &hidden, None, &[])))
    };
    let per_second = rate(boxes.len(), || {
        boxes.iter().for_each(|input| _ = black_box(forward(input)));
    });
    line("interval, kernel", "1", per_second, "");
    let few = &boxes[..boxes.len().min(16)];
    let per_second = rate(few.len(), || {
        few.iter().for_each(|input| _ = black_box(backward(input)));
    });
    line("crown, kernel", "1", per_second, "");
}

/// The ascent of slopes: its time, and how far its bound stays below the optimum of the triangle
/// relaxation, which the slopes of the linear program reach. Hidden bounds are given to both.
fn ascents(name: &str, mlp: &Mlp, boxes: &[Vec<Interval>]) {
    println!("\n{name}, eps {EPS}: ascent of slopes, {} boxes, lower bound", boxes.len());
    println!(
        "{:>6} {:>14} {:>12} {:>12}   goal",
        "steps", "ms an ascent", "mean gap", "largest gap"
    );
    let network = Network::<Rounded>::new(mlp);
    let hidden: Vec<_> = boxes.iter().filter_map(|input| network.linear_bounds(input)).collect();
    let margin =
        |hidden, hint: Option<&_>| network.linear_margin(Rounded::new(&ROW), hidden, hint, &[]);
    let optima: Vec<f64> = hidden
        .iter()
        .map(|hidden| margin(hidden, lp::solve(mlp, hidden, hidden.input(), &ROW).as_ref()))
        .collect();
    for steps in [1, 20, 100, 300] {
        let climb = |hidden| {
            let ascent = Ascent { mlp, hidden, signs: &[] };
            ascent.climb(&ROW, None, steps, f64::INFINITY).hint
        };
        let per_second = rate(hidden.len(), || {
            hidden.iter().for_each(|hidden| _ = black_box(climb(hidden)));
        });
        let gaps = hidden.iter().zip(&optima);
        let gaps: Vec<f64> =
            gaps.map(|(hidden, optimum)| optimum - margin(hidden, Some(&climb(hidden)))).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let most = gaps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!("{steps:>6} {:>14.3} {mean:>12.2e} {most:>12.2e}   3 ms", 1e3 / per_second);
    }
}

/// Both bounds of a margin with slopes by ascent, hidden bounds included.
fn ascent_rate(mlp: &Mlp, boxes: &[Vec<Interval>]) -> f64 {
    let network = Network::<Rounded>::new(mlp);
    let bound = |input: &Vec<Interval>| {
        let hidden = network.linear_bounds(input)?;
        let ascent = Ascent { mlp, hidden: &hidden, signs: &[] };
        Some([ROW, [-ROW[0], -ROW[1]]].map(|row| {
            let hint = ascent.climb(&row, None, 20, f64::INFINITY).hint;
            network.linear_margin(Rounded::new(&row), &hidden, Some(&hint), &[])
        }))
    };
    rate(boxes.len(), || boxes.iter().for_each(|input| _ = black_box(bound(input))))
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    if let Err(error) = pool {
        println!("no pool of one thread: {error}");
        return;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut small = network(&[25, 64, 64, 2], &mut rng);
    let large = network(&[25, 256, 256, 256, 2], &mut rng);
    let mut points = boxes(25, 4096, &mut rng);
    let large_points = boxes(25, 256, &mut rng);
    let mut name = "25-64-64-2, seeded";
    if let Some((mlp, own)) = published_boxes() {
        (small, name) = (mlp, "25-64-64-2, published");
        points = own.iter().cycle().take(4096).cloned().collect();
    }
    let clock = if cpu().is_some() { "CPU" } else { "wall" };
    println!("both bounds of a margin per {clock} second, one thread, median of 7");
    let asked = [("interval", 4096, "400,000"), ("crown", 1, "5,000"), ("crown", 128, "20,000")];
    table(name, &small, &points, &asked);
    line("alpha (20 steps)", "1", ascent_rate(&small, &points[..256]), "2,000");
    table("25-256-256-256-2, seeded", &large, &large_points, &[("crown", 128, "300")]);
    ascents(name, &small, &points[..64]);
}
