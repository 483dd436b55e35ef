//! `export`: what is written, read back, and what ONNX Runtime makes of it.

use std::process::Command;

use propcert::import::to_onnx;
use propcert::model::{
    Family, FeatureSpec, Kind, Layer, Link, Mlp, Model, Point, Precision, Schema, Tie,
};

use crate::chance::Chance;
use crate::scene::{MLP, Scene};

#[test]
fn what_is_exported_is_imported_as_the_same_model() {
    let scene = Scene::new();
    let text = scene.done("export onnx mlp.json --out mlp.onnx");
    assert!(text.contains("2 layers") && text.contains("logits [batch, 2]"), "{text}");
    scene.done("import onnx mlp.onnx --out back.json");
    let read = |name: &str| Model::read(scene.read(name).as_bytes()).unwrap();
    assert_eq!(read("back.json"), read("mlp.json"));
    // the data set is the one in the file
    scene.done("import onnx mlp.onnx --schema tiny.csv --out given.json");
    assert_eq!(read("given.json"), read("mlp.json"));
    let json: serde_json::Value =
        serde_json::from_str(&scene.done("export onnx mlp.json --json --out again.onnx")).unwrap();
    let bytes = std::fs::read(scene.path("mlp.onnx")).unwrap();
    assert_eq!(json["bytes"], bytes.len());
    assert_eq!(std::fs::read(scene.path("again.onnx")).unwrap(), bytes, "same model, same bytes");
}

#[test]
fn an_exported_ensemble_is_imported_as_the_same_model() {
    let scene = Scene::new();
    let text = scene.done("export xgboost trees.json --out booster.json");
    assert!(text.starts_with("ensemble with 2 trees over 2 raw features"), "{text}");
    scene.done("import xgboost booster.json --schema tiny.csv --out back.json");
    let read = |name: &str| Model::read(scene.read(name).as_bytes()).unwrap();
    assert_eq!(read("back.json").family, read("trees.json").family);
    let json = scene.done("export xgboost trees.json --json --out again.json");
    assert!(json.contains("\"trees\":2"), "{json}");
    assert_eq!(scene.read("again.json"), scene.read("booster.json"), "same model, same bytes");
}

#[test]
fn bad_calls_are_refused_and_nothing_is_written() {
    let scene = Scene::new();
    let changed = |old: &str, new: &str| MLP.replacen(old, new, 1);
    scene.write("f64.json", changed("\"f32\"", "\"f64\"").replacen("2.0,2.0", "0.1,2.0", 1));
    scene.write("upper.json", changed("\"lower\"", "\"upper\""));
    std::fs::create_dir(scene.path("folder")).unwrap();
    let before = scene.files("");
    scene.refused("export xgboost mlp.json --out f", &["network", "export onnx"]);
    scene.refused("export onnx trees.json --out f", &["ensemble", "export xgboost"]);
    scene.refused("export onnx f64.json --out f", &["layers[0].weights", "0.1", "f32"]);
    scene.refused("export onnx upper.json --out f", &["upper", "lower"]);
    scene.refused("export onnx missing.json --out f", &["missing.json"]);
    scene.refused("export onnx tiny.csv --out f", &["tiny.csv"]);
    scene.refused("export onnx mlp.json --out no/such/f", &["no/such"]);
    scene.refused("export onnx mlp.json --out folder", &["folder"]);
    scene.refused("export onnx mlp.json", &["--out"]);
    scene.refused("export pickle mlp.json --out f", &["pickle"]);
    assert!(scene.files("") == before);
}

/// Weights of the size of trained ones.
fn network(widths: &[usize], is_standardised: bool) -> Model {
    let mut chance = Chance(widths.iter().sum::<usize>() as u64);
    let feature = |(index, mean): (usize, f32)| FeatureSpec {
        name: format!("f{index}"),
        kind: Kind::Real,
        low: None,
        high: None,
        mean: if is_standardised { mean * 3.0 } else { 0.0 },
        scale: if is_standardised { mean.abs() + 0.1 } else { 1.0 },
    };
    let means: Vec<f32> = (0..widths[0]).map(|_| chance.signed()).collect();
    let features = means.into_iter().enumerate().map(feature).collect();
    let layer = |pair: &[usize]| {
        let size = (pair[0] as f32).sqrt();
        let mut numbers = |n: usize| (0..n).map(|_| f64::from(chance.signed() / size)).collect();
        Layer { weights: numbers(pair[0] * pair[1]), bias: numbers(pair[1]), inputs: pair[0] }
    };
    let layers: Vec<Layer> = widths.windows(2).map(layer).collect();
    Model {
        schema: Schema::new(features).unwrap(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes: *widths.last().unwrap(),
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers }),
    }
}

/// What one f32 execution may be off at a point (`certificate::served`), per logit: `e⁰`, then `eˡ`.
fn allowance(model: &Model, raw: &[f64]) -> Vec<f64> {
    let Family::Mlp(mlp) = &model.family else { panic!("a network") };
    let gamma = |k: usize| k as f64 * 2f64.powi(-24) / (1.0 - k as f64 * 2f64.powi(-24));
    let tiny = f64::from(f32::MIN_POSITIVE);
    let features = model.schema.features().iter().zip(raw);
    let mut errors: Vec<f64> = features
        .map(|(f, x)| {
            let (mean, scale) = (f64::from(f.mean), f64::from(f.scale));
            gamma(3) * scale * (x.abs() + mean.abs()) + (2.0 + scale) * tiny
        })
        .collect();
    let mut values = model.schema.standardise(raw);
    for layer in &mlp.layers {
        let reach = |row: &[f64], sizes: &dyn Fn(usize) -> f64| -> f64 {
            row.iter().enumerate().map(|(j, w)| w.abs() * sizes(j)).sum()
        };
        let error = |(row, bias): (&[f64], &f64)| {
            let all = reach(row, &|j| values[j].abs() + errors[j]) + bias.abs();
            let n = layer.inputs + 1;
            reach(row, &|j| errors[j]) + gamma(n) * all + n as f64 * tiny
        };
        let next_errors = layer.rows().zip(&layer.bias).map(error).collect();
        let affine = |(row, bias): (&[f64], &f64)| -> f64 {
            bias + row.iter().zip(&values).map(|(w, x)| w * x).sum::<f64>()
        };
        let sums: Vec<f64> = layer.rows().zip(&layer.bias).map(affine).collect();
        // as if every sum were followed by a ReLU: the last values are not used
        (values, errors) = (sums.into_iter().map(|z| z.max(0.0)).collect(), next_errors);
    }
    errors
}

const SERVE: &str = "\
import sys, numpy, onnxruntime
model, points, logits = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
[given], [left] = session.get_inputs(), session.get_outputs()
assert (given.name, given.type, given.shape[0]) == ('input', 'tensor(float)', 'batch'), given
assert (left.name, left.type, left.shape[0]) == ('logits', 'tensor(float)', 'batch'), left
x = numpy.fromfile(points, '<f4').reshape(-1, given.shape[1])
session.run(None, {'input': x})[0].astype('<f4').tofile(logits)
";

fn has_onnx_runtime() -> bool {
    let probe = Command::new("python3").args(["-c", "import numpy, onnxruntime"]).output();
    probe.is_ok_and(|output| output.status.success())
}

/// Two f32 executions of one network: each within its allowance of the real logits.
#[test]
fn onnx_runtime_serves_what_was_exported() {
    if !has_onnx_runtime() {
        eprintln!("SKIPPED onnx_runtime_serves_what_was_exported: python3 has no onnxruntime");
        return;
    }
    let scene = Scene::new();
    const POINTS: usize = 500;
    let (mut labels, mut equal) = (0, 0);
    for (widths, is_standardised) in [
        (&[7, 16, 16, 2][..], true),
        (&[7, 16, 16, 2], false),
        (&[5, 3], true),
        (&[25, 64, 64, 4], true),
        (&[1, 8, 2], true),
    ] {
        let model = network(widths, is_standardised);
        let mut chance = Chance(7);
        let points: Vec<f32> = (0..POINTS * widths[0]).map(|_| 4.0 * chance.signed()).collect();
        let bytes =
            |numbers: &[f32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
        scene.write("served.onnx", to_onnx(&model).unwrap());
        scene.write("points.bin", bytes(&points));
        let run = Command::new("python3")
            .args(["-c", SERVE, "served.onnx", "points.bin", "logits.bin"])
            .current_dir(scene.path(""))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let logits = std::fs::read(scene.path("logits.bin")).unwrap();
        let logits: Vec<f32> =
            logits.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        assert_eq!(logits.len(), POINTS * model.classes);
        for (raw, found) in points.chunks(widths[0]).zip(logits.chunks(model.classes)) {
            let raw: Vec<f64> = raw.iter().copied().map(f64::from).collect();
            let served = model.served_scores(&Point::from_floats(&raw).unwrap());
            // computed in f64: a little more
            let bounds = allowance(&model, &raw).into_iter().map(|e| 2.0 * e * (1.0 + 1e-6));
            let bounds: Vec<f64> = bounds.collect();
            for ((a, b), bound) in served.iter().zip(found).zip(&bounds) {
                let off = (f64::from(*a) - f64::from(*b)).abs();
                assert!(off <= *bound, "{widths:?}, {raw:?}: {a} and {b}, allowed {bound}");
                equal += usize::from(a == b);
            }
            let label = |scores: &[f32]| propcert::model::argmax(scores, Tie::Lower);
            let mut sorted = served.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let largest = bounds.iter().fold(0f64, |a, b| a.max(*b));
            if f64::from(sorted[0]) - f64::from(sorted[1]) > 2.0 * largest {
                assert_eq!(label(&served), label(found), "{widths:?}, {raw:?}");
                labels += 1;
            }
        }
    }
    eprintln!("{labels} labels agree, {equal} logits are equal to the last bit");
    assert!(labels > 2000, "{labels}");
}
