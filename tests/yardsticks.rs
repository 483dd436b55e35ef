//! Published bounds of a small network, if `PROPCERT_DATA` holds them (`mlp/`): interval and linear
//! bounds in float64, the optimum of the triangle relaxation to about 1e-7, and for some boxes the
//! exact minimum.
#![cfg(feature = "full")]

#[path = "cases/published.rs"]
mod published;

use std::io::Write;
use std::path::Path;

use propcert::certificate::{Hidden, Network};
use propcert::certify::network::alpha::Ascent;
use propcert::certify::network::batch::Engine;
use propcert::certify::network::lp;
use propcert::interval::{Form, Interval, Rounded};

fn rows(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn number(cell: &str) -> Option<f64> {
    if cell.is_empty() { None } else { Some(cell.parse().unwrap()) }
}

/// One line of the table: a box and what is published of it.
struct Yardstick {
    input: Vec<Interval>,
    row: [f64; 2],
    interval: f64,
    linear: f64,
    program: Option<f64>,
    exact: Option<f64>,
}

fn yardsticks(folder: &Path) -> Vec<Yardstick> {
    let points = rows(folder, "points.csv");
    let yardstick = |cells: &Vec<String>| {
        let eps: f32 = cells[0].parse().unwrap();
        let point = &points[cells[1].parse::<usize>().unwrap()];
        let side = |cell: &String| {
            let x: f32 = cell.parse().unwrap();
            Interval::new(f64::from(x - eps), f64::from(x + eps)).unwrap()
        };
        Yardstick {
            input: point[2..].iter().map(side).collect(),
            row: if cells[2] == "0" { [1.0, -1.0] } else { [-1.0, 1.0] },
            interval: number(&cells[3]).unwrap(),
            linear: number(&cells[5]).unwrap(),
            program: number(&cells[7]),
            exact: number(&cells[8]),
        }
    };
    rows(folder, "bounds.csv").iter().map(yardstick).collect()
}

/// Says that nothing was tested, past the harness, which keeps what passing tests print.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

#[test]
fn bounds_are_the_published_ones_and_never_beyond_the_truth() {
    let Some((folder, mlp)) = published::folder().zip(published::network()) else {
        skipped("PROPCERT_DATA names no folder with `mlp`; no bounds are compared");
        return;
    };
    let kernel = Network::<Rounded>::new(&mlp);
    let (mut programs, mut exact) = (0, 0);
    let yardsticks = yardsticks(&folder);
    let boxes: Vec<_> = yardsticks.iter().map(|yard| yard.input.clone()).collect();
    let engine = Engine::new(&mlp, &[vec![1.0, -1.0], vec![-1.0, 1.0]]);
    let batched = engine.interval(&boxes).into_iter().zip(engine.linear(&boxes));
    for (yard, (interval, linear)) in yardsticks.iter().zip(batched) {
        let own = usize::from(yard.row[0] < 0.0);
        for (bound, published) in [(interval[own], yard.interval), (linear[own], yard.linear)] {
            assert!((bound.lo() - published).abs() < 1e-9, "batched: {bound:?} or {published}");
        }
        let Yardstick { input, row, .. } = yard;
        let forward = kernel.interval_bounds(input).unwrap();
        let interval = kernel.interval_margin(Rounded::new(row), &forward);
        let hidden: Hidden = kernel.linear_bounds(input).unwrap();
        let linear = kernel.linear_margin(Rounded::new(row), &hidden, None, &[]);
        assert!((interval - yard.interval).abs() < 1e-9, "{interval} or {}", yard.interval);
        assert!((linear - yard.linear).abs() < 1e-9, "{linear} or {}", yard.linear);
        let Some(published) = yard.program else { continue };
        programs += 1;
        let ascent = Ascent { mlp: &mlp, hidden: &hidden, signs: &[] };
        let ascent = ascent.climb(row, None, 20, f64::INFINITY).hint;
        let ascent = kernel.linear_margin(Rounded::new(row), &hidden, Some(&ascent), &[]);
        let program = lp::solve(&mlp, &hidden, input, row).unwrap();
        let program = kernel.linear_margin(Rounded::new(row), &hidden, Some(&program), &[]);
        assert!((program - published).abs() < 1e-6, "{program} or {published}");
        assert!(linear <= ascent + 1e-9 && ascent <= program + 1e-6, "{linear} {ascent} {program}");
        if let Some(truth) = yard.exact {
            exact += 1;
            assert!(program <= truth + 1e-7, "{program} above {truth}");
        }
    }
    assert!(programs >= 100 && exact >= 10, "{programs} programs, {exact} exact minima");
}
