//! LightGBM and scikit-learn: labels, and sums in f64 to the last bit.

use std::path::Path;

use propcert::import::{lightgbm, sklearn};
use propcert::model::Model;

use crate::python::{has, lines, points, run};

/// Label, then the bits of as many sums as are expected.
fn computed(model: &Model, point: &[f64], sums: usize) -> Vec<String> {
    let scores = model.scores(point);
    let own = if model.classes <= 2 { &scores[1..] } else { &scores[..] };
    // numpy starts at 0.0 and the first addition keeps −0 out, as here
    let bits = own.iter().take(sums).map(|score| format!("{:016x}", (score + 0.0).to_bits()));
    std::iter::once(model.label(point).to_string()).chain(bits).collect()
}

fn compare(folder: &Path, name: &str, model: &Model) -> usize {
    let expected = lines(&folder.join(format!("{name}.csv")));
    let points = points(folder);
    assert_eq!(expected.len(), points.len());
    let differing = points
        .iter()
        .zip(&expected)
        .filter(|(point, expected)| computed(model, point, expected.len() - 1) != **expected);
    assert_eq!(differing.count(), 0, "{name}");
    assert_eq!(&Model::read(model.to_json().as_bytes()).unwrap(), model, "{name}");
    points.len()
}

#[test]
fn lightgbm_keeps_every_bit() {
    if !has("numpy, lightgbm", "lightgbm_keeps_every_bit") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let printed = run("train_lightgbm.py", &[folder]);
    let mut names = printed.split_whitespace();
    let version = names.next().unwrap();
    let mut compared = 0;
    for name in names {
        let read = |ending: &str| {
            let bytes = std::fs::read(folder.join(format!("{name}.{ending}"))).unwrap();
            lightgbm(&bytes, None)
        };
        let (model, again) = (read("txt").unwrap(), read("json"));
        compared += compare(folder, name, &model);
        // in JSON an infinite threshold, which parts missing values from all others, is written as 1e300
        if name == "missing" {
            assert!(again.is_err_and(|refused| refused.to_string().contains("1e300")));
            continue;
        }
        let again = again.unwrap();
        assert_eq!(again.scores(&[0.0; 5]), model.scores(&[0.0; 5]), "{name}: both forms");
        compared += compare(folder, name, &again);
    }
    eprintln!("LightGBM {version}: {compared} rows are equal to the last bit");
}

#[test]
fn scikit_learn_keeps_labels_and_sums() {
    if !has("numpy, sklearn", "scikit_learn_keeps_labels_and_sums") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/sklearn/dump.py");
    let printed = run("train_sklearn.py", &[folder, &script]);
    let mut names = printed.split_whitespace();
    let version = names.next().unwrap();
    let mut compared = 0;
    for name in names {
        let bytes = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        compared += compare(folder, name, &sklearn(&bytes, None).unwrap());
    }
    eprintln!("scikit-learn {version}: {compared} rows agree");
}
