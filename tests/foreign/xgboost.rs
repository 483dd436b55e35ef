//! XGBoost: margins to the last bit, read and written.

use std::path::Path;

use propcert::import::{to_xgboost, xgboost};
use propcert::model::{Family, Model, Point, argmax};

use crate::python::{has, lines, points, run};

/// Label (the sign of a plain score), then the bits of every sum of an f32 execution.
fn served(model: &Model, point: &[f64]) -> Vec<String> {
    let scores = model.served_scores(&Point::from_floats(point).unwrap());
    let label = argmax(&scores, model.tie).to_string();
    let sums = if model.classes <= 2 { &scores[1..] } else { &scores[..] };
    let bits = sums.iter().map(|score| format!("{:08x}", score.to_bits()));
    std::iter::once(label).chain(bits).collect()
}

fn read(path: &Path) -> Model {
    xgboost(&std::fs::read(path).unwrap(), None).unwrap()
}

#[test]
fn trained_boosters_keep_every_bit() {
    if !has("numpy, xgboost", "trained_boosters_keep_every_bit") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let printed = run("train_xgboost.py", &[folder]);
    let mut names = printed.split_whitespace();
    let version = names.next().unwrap();
    let points = points(folder);
    let mut compared = 0;
    for name in names {
        let model = read(&folder.join(format!("{name}.json")));
        assert_eq!(read(&folder.join(format!("{name}.ubj"))), model, "{name}: both encodings");
        let expected = lines(&folder.join(format!("{name}.csv")));
        assert_eq!(expected.len(), points.len());
        let differing = points.iter().zip(&expected).filter(|(point, expected)| {
            compared += 1;
            served(&model, point) != **expected
        });
        assert_eq!(differing.count(), 0, "XGBoost {version}, {name}");
        let reread = Model::read(model.to_json().as_bytes()).unwrap();
        assert_eq!(reread, model, "{name}");
    }
    eprintln!("XGBoost {version}: {compared} rows are equal to the last bit");
}

/// A base with a probability and one without, bases far out, and trees that XGBoost trained itself.
#[test]
fn written_boosters_are_served_with_the_same_bits() {
    if !has("numpy, xgboost", "written_boosters_are_served_with_the_same_bits") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run("train_xgboost.py", &[folder]);
    let (points_file, written) = (folder.join("points.csv"), folder.join("written.json"));
    let points = points(folder);
    for (name, base) in [
        ("hist", None),
        ("base", None),
        ("dart", None),
        ("pruned", Some(0.1f32)),
        ("exact", Some(1e-9)),
        ("exact", Some(-30.25)),
        ("exact", Some(-0.847_297_9)),
        ("exact", Some(1234.567)),
        ("score", None),
        ("score-exact", Some(1e-9)),
    ] {
        let mut model = read(&folder.join(format!("{name}.json")));
        if let (Family::Ensemble(ensemble), Some(base)) = (&mut model.family, base) {
            ensemble.base = vec![f64::from(base)];
        }
        std::fs::write(&written, to_xgboost(&model).unwrap()).unwrap();
        let margins = run("serve_xgboost.py", &[&written, &points_file]);
        let expected: Vec<&str> = margins.lines().collect();
        let found: Vec<String> = points.iter().map(|x| served(&model, x)[1].clone()).collect();
        assert_eq!(found, expected, "{name}, base {base:?}");
    }
}

/// The boosters that `tree_properties` is given: six of a data set, each compared on its test rows.
#[test]
fn the_script_of_the_bench_finds_equal_bits() {
    if !has("numpy, xgboost", "the_script_of_the_bench_finds_equal_bits") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_propcert"));
    let arguments = [program, folder.path(), Path::new("spambase")];
    let printed = run("../../benches/train_xgboost.py", &arguments);
    let equal = printed.lines().filter(|line| line.contains(": 1331 of 1331 equal, "));
    assert_eq!(equal.count(), 6, "{printed}");
    let written = folder.path().join("spambase_10x5_monotone.json");
    let spambase = propcert::source::built_in().unwrap();
    let schema = propcert::dataset::schema(&spambase).unwrap();
    assert!(xgboost(&std::fs::read(written).unwrap(), Some(&schema)).is_ok());
}
