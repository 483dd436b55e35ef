//! How fast training is: `cargo bench --bench training`.
//!
//! One thread, wall time, a quiet machine; median and fastest of the repetitions. The data are
//! made up, in the shape of social_honeypot (36,000 rows, 15 skewed features).

use std::collections::BTreeMap;
use std::time::Instant;

use propcert::model::{Digest, Feature, FeatureSpec, Kind, Row, Schema};
use propcert::spec::Direction;
use propcert::train::mlp::{self, MlpOptions};
use propcert::train::trees::{self, TreeOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STEPS: u64 = 5_000;

fn main() {
    let wide = made_up(10_000, 25);
    let steps = MlpOptions { max_steps: Some(STEPS), ..MlpOptions::default() };
    let network = || {
        mlp::train(&schema(25), 2, &wide, &[], &steps, &mut |_| {}).expect("the rows are fine");
    };
    let [median, fastest] = time(7, network).map(|seconds| STEPS as f64 / seconds);
    println!("mlp 25-64-64-2, batch 128, f32: {median:.0} steps/s, fastest {fastest:.0}");

    let rows = made_up(36_000, 15);
    let natural = TreeOptions::default();
    let trends =
        [(0, Direction::Increasing), (3, Direction::Increasing), (4, Direction::Decreasing)];
    let monotone: BTreeMap<_, _> = trends.map(|(f, trend)| (Feature(f), trend)).into();
    let monotone = TreeOptions { monotone, ..TreeOptions::default() };
    for (name, options) in [("natural", natural), ("monotone", monotone)] {
        let ensemble = || {
            trees::train(&schema(15), 2, &rows, &[], &options, &mut |_| {})
                .expect("the rows are fine");
        };
        let [median, fastest] = time(7, ensemble);
        println!("trees 50x6, 36,000x15, {name}: {median:.3} s, fastest {fastest:.3} s");
    }
}

/// Median and smallest duration of `run`, in seconds.
fn time(repetitions: usize, mut run: impl FnMut()) -> [f64; 2] {
    let mut once = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    let mut seconds: Vec<f64> = (0..repetitions).map(|_| once()).collect();
    seconds.sort_by(f64::total_cmp);
    [seconds[repetitions / 2], seconds[0]]
}

fn schema(features: usize) -> Schema {
    let feature = |index| FeatureSpec {
        name: format!("x{index}"),
        kind: Kind::Real,
        low: None,
        high: None,
        mean: 1.0,
        scale: 1.0,
    };
    Schema::new((0..features).map(feature).collect()).expect("names are distinct")
}

/// Rows of exponential features, a third of them whole numbers; noisy labels of a curved rule.
fn made_up(rows: usize, features: usize) -> Vec<Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut row = || {
        let mut value = |feature: usize| {
            let x = -(1.0 - rng.random::<f64>()).ln();
            if feature.is_multiple_of(3) { (30.0 * x).floor() / 30.0 } else { x }
        };
        let values: Vec<f64> = (0..features).map(&mut value).collect();
        let score = values[0] + values[1] * values[2] - values[3] * values[4] - values[5];
        let noise = 2.0 * rng.random::<f64>() - 1.0;
        Row { values, label: usize::from(score + noise > 0.0), key: Digest::of(b"") }
    };
    (0..rows).map(|_| row()).collect()
}
