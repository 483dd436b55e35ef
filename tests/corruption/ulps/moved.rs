//! Everything that is one ulp away: of a certificate, a spec, a model and rows.

use propcert::interval::{format_hexadecimal, parse_hexadecimal};
use propcert::model::{Family, Model, Node};

/// The text with each of its numbers in turn moved by one ulp, or by one, up and down.
pub(super) fn numbers_moved(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(|c| !is_part(c)) {
        let bare = word.trim_end_matches(|c| !is_part(c));
        // `i0:0x1p0!2#1`: the prefix of a cut is a word of its own
        for new in neighbours(bare) {
            found.push([&text[..at], &new, &text[at + bare.len()..]].concat());
        }
        at += word.len();
    }
    found
}

/// A hexadecimal float or a decimal one ulp up and down, a whole number by one; nothing for other words.
fn neighbours(word: &str) -> Vec<String> {
    if let Some(x) = word.contains("0x").then(|| parse_hexadecimal(word)).flatten() {
        return [x.next_up(), x.next_down()].map(format_hexadecimal).to_vec();
    }
    if let Ok(n) = word.parse::<i64>() {
        return [n + 1, n - 1].map(|n| n.to_string()).to_vec();
    }
    let is_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match word.parse::<f64>() {
        Ok(x) if is_number => [x.next_up(), x.next_down()].map(|x| format!("{x:?}")).to_vec(),
        _ => Vec::new(),
    }
}

/// The spec with each of its quoted decimals in turn moved by one ulp, up and down.
pub(super) fn decimals_moved(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('\'').collect();
    let mut found = Vec::new();
    for (k, part) in parts.iter().enumerate().skip(1).step_by(2) {
        let Ok(x) = part.parse::<f64>() else { continue };
        for new in [x.next_up(), x.next_down()] {
            let mut parts = parts.clone();
            let new = new.to_string();
            parts[k] = &new;
            found.push(parts.join("'"));
        }
    }
    found
}

/// The model with each of its numbers in turn moved by one ulp of f32, up and down.
pub(super) fn models_moved(model: &Model) -> Vec<Model> {
    let up = |x: f64| f64::from((x as f32).next_up());
    let down = |x: f64| f64::from((x as f32).next_down());
    let count = numbers(&mut model.clone()).len();
    let moved = |k: usize, step: &dyn Fn(f64) -> f64| {
        let mut other = model.clone();
        let place = &mut numbers(&mut other)[k];
        **place = step(**place);
        other
    };
    (0..count).flat_map(|k| [moved(k, &up), moved(k, &down)]).collect()
}

/// Weights and biases; or the base, thresholds and leaves.
fn numbers(model: &mut Model) -> Vec<&mut f64> {
    match &mut model.family {
        Family::Mlp(mlp) => {
            let layers = mlp.layers.iter_mut();
            layers.flat_map(|l| l.weights.iter_mut().chain(&mut l.bias)).collect()
        }
        Family::Ensemble(ensemble) => {
            let nodes = ensemble.trees.iter_mut().flat_map(|tree| &mut tree.nodes);
            let values = nodes.map(|node| match node {
                Node::Split { threshold, .. } => threshold,
                Node::Leaf(value) => value,
            });
            ensemble.base.iter_mut().chain(values).collect()
        }
    }
}

/// The rows with each of their values in turn moved by one ulp, up and down.
pub(super) fn rows_moved(rows: &[(Vec<f64>, usize)]) -> Vec<Vec<(Vec<f64>, usize)>> {
    let moved = |row: usize, feature: usize, step: fn(f64) -> f64| {
        let mut rows = rows.to_vec();
        rows[row].0[feature] = step(rows[row].0[feature]);
        rows
    };
    let places = (0..rows.len()).flat_map(|row| [(row, 0), (row, 1)]);
    places.flat_map(|(r, f)| [moved(r, f, f64::next_up), moved(r, f, f64::next_down)]).collect()
}
