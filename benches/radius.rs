//! Exact radii of ensembles and exact monotonicity, beside published figures.
//!
//! `cargo bench --bench radius` with `PROPCERT_DATA` set: for every model of `xgboost/radii.csv` the radii of its
//! points in every norm listed there, and for every line of `xgboost/monotonicity.csv` its thresholds. Each answer is
//! compared with the published one; the run ends with a panic if one differs. One thread, wall time, the least of three
//! samples. The published seconds are processor time measured elsewhere.

#[path = "../tests/cases/yardstick.rs"]
mod yardstick;

use std::time::Instant;

use propcert::certify::ensemble::Radii;
use propcert::certify::ensemble::jumps::Census;
use propcert::model::{Family, Feature};
use propcert::spec::{Direction, Norm};

use yardstick::{Constrained, Yardstick};

/// Nodes per point: more than any published point needs.
const BUDGET: u64 = 100_000_000;

fn main() {
    let Some(yardstick) = Yardstick::open() else {
        eprintln!("PROPCERT_DATA names no folder with `xgboost`; nothing is measured");
        return;
    };
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    println!(
        "| norm, model | points | zero | mean ms | median ms | largest ms | nodes, mean | published mean ms, nodes | Veritas, mean ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for family in yardstick.radii() {
        let name = format!("{:?} {}_{}", family.norm, family.data, family.config).to_lowercase();
        if !named.is_empty() && !named.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let model = yardstick.model(&family.data, &format!("{}_nat", family.config));
        let points = yardstick.points(&family.data);
        let radii = Radii::new(&model, family.norm).expect("an ensemble");
        let (mut spent, mut nodes, mut zero) = (Vec::new(), 0, 0);
        for line in &family.lines {
            let point = &points[&line.row];
            let (radius, ms) = timed(|| radii.at(point, BUDGET));
            spent.push(ms);
            let radius = radius.expect("a finite point");
            nodes += radius.nodes;
            zero += usize::from(radius.upper == 0.0);
            assert!(radius.is_exact && radius.label == line.label, "{name} {}", line.row);
            match line.radius {
                Some(published) => assert!(
                    (radius.lower - published).abs() <= 1e-12 * published.abs(),
                    "{name} row {}: {} or {published}",
                    line.row,
                    radius.lower
                ),
                None => assert!(radius.upper >= line.lower),
            }
        }
        spent.sort_by(f64::total_cmp);
        let count = spent.len() as f64;
        let mean = |f: fn(&yardstick::Line) -> f64| {
            let values: Vec<f64> =
                family.lines.iter().filter(|l| l.radius.is_some()).map(f).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        println!(
            "| {name} | {count} | {zero} | {:.3} | {:.3} | {:.2} | {:.0} | {:.3}, {:.0} | {:.2} |",
            spent.iter().sum::<f64>() / count,
            spent[spent.len() / 2],
            spent[spent.len() - 1],
            nodes as f64 / count,
            mean(|line| 1e3 * line.published_seconds),
            mean(|line| line.published_nodes),
            mean(|line| 1e3 * line.veritas_seconds),
        );
    }
    if named.is_empty() || named.iter().any(|name| name == "sums") {
        sums(&yardstick);
    }
    if named.is_empty() || named.iter().any(|name| name == "monotone") {
        monotone(&yardstick);
    }
}

/// L1 and L2 where no radii are published: 50 trees, the points of the published L-infinity radii.
fn sums(yardstick: &Yardstick) {
    println!("\n| norm, model | points | exact | mean ms | median ms | largest ms | nodes, mean |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let families = yardstick.radii();
    let family = families.iter().find(|family| family.config == "50x6").expect("it is published");
    let model = yardstick.model(&family.data, "50x6_nat");
    let points = yardstick.points(&family.data);
    for norm in [Norm::L1, Norm::L2] {
        let radii = Radii::new(&model, norm).expect("an ensemble");
        let measure = |line: &yardstick::Line| timed(|| radii.at(&points[&line.row], BUDGET));
        let measured: Vec<_> = family.lines.iter().map(measure).collect();
        let mut spent: Vec<f64> = measured.iter().map(|(_, ms)| *ms).collect();
        spent.sort_by(f64::total_cmp);
        let found = || measured.iter().filter_map(|(radius, _)| radius.as_ref());
        let count = spent.len();
        println!(
            "| {norm:?} {}_50x6 | {count} | {} | {:.3} | {:.3} | {:.2} | {:.0} |",
            family.data,
            found().filter(|radius| radius.is_exact).count(),
            spent.iter().sum::<f64>() / count as f64,
            spent[count / 2],
            spent[count - 1],
            found().map(|radius| radius.nodes).sum::<u64>() as f64 / count as f64,
        );
    }
}

/// Every threshold of every constrained feature.
fn monotone(yardstick: &Yardstick) {
    println!("\n| monotonicity of | features | thresholds | violated | nodes | s | published s |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (name, lines) in yardstick.monotonicity() {
        let (data, config) = name.rsplit_once(' ').expect("two words");
        let model = yardstick.model(data, config);
        let Family::Ensemble(ensemble) = &model.family else { unreachable!("an ensemble") };
        let take = |line: &Constrained| {
            let direction =
                if line.is_rising { Direction::Increasing } else { Direction::Decreasing };
            let (feature, features) = (Feature(line.feature), model.schema.len());
            Census::take(ensemble, features, feature, direction, BUDGET)
        };
        let (all, ms) = timed(|| lines.iter().map(take).collect::<Vec<_>>());
        let mut total = Census::default();
        for (line, census) in lines.iter().zip(all) {
            let found = (census.thresholds, census.holds, census.violated);
            assert_eq!(
                found,
                (line.thresholds, line.holds, line.violated),
                "{name} {}",
                line.feature
            );
            total.thresholds += census.thresholds;
            total.violated += census.violated;
            total.nodes += census.nodes;
        }
        let published: f64 = lines.iter().map(|line| line.seconds).sum();
        let Census { thresholds, violated, nodes, .. } = total;
        println!(
            "| {name} | {} | {thresholds} | {violated} | {nodes} | {:.4} | {published:.3} |",
            lines.len(),
            1e-3 * ms,
        );
    }
}

/// What `work` gives, and the milliseconds that it takes: the least of three samples, since other work on the
/// machine only adds.
fn timed<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let mut sample = || {
        let start = Instant::now();
        let given = work();
        (given, 1e3 * start.elapsed().as_secs_f64())
    };
    let (given, first) = sample();
    (given, first.min(sample().1).min(sample().1))
}
