//! What is proved of served copies, against f32 executions in every order.

use propcert::certificate::{Arithmetic, Kernel, Proof, Verdict};
use propcert::interval::Rational;
use propcert::model::{Family, FeatureSpec, Kind, Model, Node, Precision, Schema};
use propcert::spec::Lowered;
use proptest::prelude::*;

use crate::cases::forests::random_ensemble;
use crate::cases::{battery, exact_margin, mlp, network, row, spec};
use crate::networks::random_layers;
use crate::{Draw, config};

/// One f32 execution: a random order of summation, with or without fused multiply-add, with or
/// without flush-to-zero, either form of standardisation.
pub fn served_logits(model: &Model, raw: &[f64], draw: &mut Draw) -> Vec<f32> {
    let (fused, flush, folded) = (draw.below(2) == 0, draw.below(2) == 0, draw.below(2) == 0);
    let flushed = |x: f32| if flush && x.is_subnormal() { 0.0 } else { x };
    let mut values: Vec<f32> = model
        .schema
        .features()
        .iter()
        .zip(raw)
        .map(|(f, &x)| {
            let x = flushed(x as f32);
            if folded {
                flushed(flushed(f.scale * x) - flushed(f.scale * f.mean))
            } else {
                flushed(flushed(x - f.mean) * f.scale)
            }
        })
        .collect();
    let layers = &mlp(model).layers;
    for (index, layer) in layers.iter().enumerate() {
        let outputs = layer.rows().zip(&layer.bias).map(|(row, &bias)| {
            let mut order: Vec<usize> = (0..=values.len()).collect();
            for k in (1..order.len()).rev() {
                order.swap(k, draw.index(k + 1));
            }
            order.iter().fold(0f32, |sum, &k| {
                if k == values.len() {
                    return flushed(sum + bias as f32);
                }
                let (w, x) = (row[k] as f32, values[k]);
                flushed(if fused { w.mul_add(x, sum) } else { sum + flushed(w * x) })
            })
        });
        let outputs: Vec<f32> = outputs.collect();
        let is_last = index + 1 == layers.len();
        values = outputs.iter().map(|z| if is_last { *z } else { z.max(0.0) }).collect();
    }
    values
}

proptest! {
    #![proptest_config(config())]

    /// Whatever is proved under `served-f32` is what every execution answers.
    #[test]
    fn served_claims_hold_of_every_execution(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let inputs = 1 + draw.index(3);
        let layers = random_layers(&mut draw, inputs, 2, Precision::F32);
        let mut model = network(layers, (-4.0, 4.0), Precision::F32);
        let mut features = model.schema.features().to_vec();
        for feature in &mut features {
            feature.mean = draw.signed() as f32;
            feature.scale = 2f32.powi(draw.index(12) as i32 - 4) * (1.0 + draw.signed().abs() as f32);
        }
        model.schema = propcert::model::Schema::new(features).unwrap();
        let centre: Vec<f64> = (0..inputs).map(|_| draw.signed()).collect();
        for label in 0..2 {
            let text = "property = 'label'\nepsilon = '0.015625'\nunits = 'raw'\nsemantics = 'served-f32'";
            let spec = spec(text);
            let rows = [row(&centre, label)];
            let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
            let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
            let proof = Proof::linear(Vec::new());
            let Verdict::Proved(_) = kernel.check(0, &proof).unwrap() else { continue };
            for _ in 0..200 {
                let raw: Vec<f64> =
                    centre.iter().map(|c| c + (draw.share() - 0.5) / 32.0).collect();
                let logits = served_logits(&model, &raw, &mut draw);
                prop_assert_eq!(propcert::model::argmax(&logits, model.tie), label);
            }
        }
    }

    /// The margin less the allowance is what the kernel compares; it must lie below every execution.
    /// Asked for the class that does not win, a claim is never proved, and so tells its bound.
    #[test]
    fn executions_stay_inside_the_allowance(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let inputs = 1 + draw.index(4);
        let layers = random_layers(&mut draw, inputs, 2, Precision::F32);
        let model = network(layers, (-4.0, 4.0), Precision::F32);
        let centre: Vec<f64> = (0..inputs).map(|_| f64::from(draw.signed() as f32)).collect();
        let rises = exact_margin(mlp(&model), &centre, 1, 0) > Rational::ZERO;
        let (loser, winner) = if rises { (0, 1) } else { (1, 0) };
        let rows = [row(&centre, loser)];
        for proof in [Proof::interval(), Proof::linear(Vec::new())] {
            let reached = |semantics: &str| {
                let spec = spec(&format!("property = 'label'\nepsilon = '0'\nsemantics = '{semantics}'"));
                let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
                let kernel = Kernel::new(&model, &lowered, Arithmetic::Exact);
                match kernel.check(0, &proof).unwrap() {
                    Verdict::Undecided(bounds) => bounds.reached,
                    other => panic!("{semantics}: {other:?}"),
                }
            };
            let (real, served) = (reached("real"), reached("served-f32"));
            let truth = exact_margin(mlp(&model), &centre, loser, winner);
            // scales up to 2²⁵ a layer stay far from overflow
            prop_assert!(real.is_finite() && Rational::from_f64(real).unwrap() <= truth);
            prop_assert!(served <= real, "{served} above {real}");
            for _ in 0..40 {
                let logits = served_logits(&model, &centre, &mut draw);
                let margin = f64::from(logits[loser]) - f64::from(logits[winner]);
                prop_assert!(served <= margin, "{served} above an execution's {margin}");
            }
        }
    }

    /// The same for ensembles, next to thresholds, to zero and to a tie.
    #[test]
    fn served_claims_about_ensembles_hold_of_every_execution(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let classes = if draw.below(4) == 0 { 3 } else { 2 };
        let mut model = uneven_ensemble(&mut draw, classes);
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        for _ in 0..8 {
            let centre: Vec<f64> =
                (0..model.schema.len()).map(|feature| near_a_cut(&model, feature, &mut draw)).collect();
            if classes == 2 && draw.below(2) == 0 {
                let margin = model.margin(&centre);
                let Family::Ensemble(ensemble) = &mut model.family else { unreachable!() };
                ensemble.base[0] = f64::from((ensemble.base[0] - margin) as f32);
            }
            let label = model.label(&centre);
            let epsilon = [0.0, 2f64.powi(-26), 0.25][draw.index(3)];
            // 26 digits say 2⁻²⁶ exactly: a shorter text would leave its tie out of the region
            let text = format!(
                "property = 'label'\nepsilon = '{epsilon:.26}'\nunits = 'raw'\nsemantics = 'served-f32'");
            let spec = spec(&text);
            let rows = [row(&centre, label)];
            let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
            let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
            for proof in battery(&model, &centre) {
                let Ok(Verdict::Proved(_)) = kernel.check(0, &proof) else { continue };
                for _ in 0..20 {
                    let inside = |&c: &f64| {
                        let (c, e) = (exact(c), exact(epsilon));
                        let (low, high) = ((&c - &e).up().max(-3.0), (&c + &e).down().min(3.0));
                        (low + (high - low) * draw.share()).clamp(low, high)
                    };
                    let raw: Vec<f64> = centre.iter().map(inside).collect();
                    let scores = served_scores(&model, &raw, &mut draw);
                    prop_assert_eq!(propcert::model::argmax(&scores, model.tie), label, "{:?}", raw);
                }
            }
        }
    }
}

/// A threshold of the feature, a float beside it, or next to nothing.
fn near_a_cut(model: &Model, feature: usize, draw: &mut Draw) -> f64 {
    let Family::Ensemble(ensemble) = &model.family else { panic!("not an ensemble") };
    let nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    let own = nodes.filter_map(|node| match node {
        Node::Split { feature: f, threshold, .. } if f.0 == feature => Some(*threshold),
        _ => None,
    });
    let own: Vec<f64> = own.chain([0.0]).collect();
    let at = own[draw.index(own.len())];
    let tiny = [1e-40, -1e-40][draw.index(2)];
    let places = [at, at.next_down(), at.next_up(), f64::from((at as f32).next_down()), tiny];
    places[draw.index(places.len())]
}

/// Thresholds and leaves that are f32 and nothing rounder, over real features.
pub fn uneven_ensemble(draw: &mut Draw, classes: usize) -> Model {
    let mut model = random_ensemble(draw, classes);
    let features = model.schema.features().iter().cloned();
    let low = Some("-3".parse().unwrap());
    let real = features.map(|f| FeatureSpec { kind: Kind::Real, low: low.clone(), ..f }).collect();
    model.schema = Schema::new(real).unwrap();
    let Family::Ensemble(ensemble) = &mut model.family else { unreachable!() };
    for node in ensemble.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
        match node {
            Node::Split { threshold, .. } => {
                let moved = [*threshold, *threshold / 3.0, 1e-30, 0.0][draw.index(4)];
                *threshold = f64::from(moved as f32);
            }
            Node::Leaf(value) => *value = f64::from((*value / 3.0) as f32),
        }
    }
    model
}

/// One f32 execution of an ensemble: inputs rounded to f32, subnormal ones flushed or not, the trees
/// of each output added to its base in a random order.
fn served_scores(model: &Model, raw: &[f64], draw: &mut Draw) -> Vec<f32> {
    let Family::Ensemble(ensemble) = &model.family else { panic!("not an ensemble") };
    let flush = draw.below(2) == 0;
    let flushed = |x: f32| if flush && x.is_subnormal() { 0.0 } else { x };
    let inputs: Vec<f32> = raw.iter().map(|&x| flushed(x as f32)).collect();
    let mut terms: Vec<(usize, f32)> =
        ensemble.base.iter().enumerate().map(|(output, &base)| (output, base as f32)).collect();
    terms.extend(ensemble.trees.iter().map(|tree| {
        let mut at = 0;
        loop {
            at = match &tree.nodes[at] {
                Node::Leaf(value) => return (tree.output, *value as f32),
                Node::Split { feature, threshold, left, right, .. } => {
                    if inputs[feature.0] < *threshold as f32 { *left } else { *right }
                }
            };
        }
    }));
    for k in (1..terms.len()).rev() {
        terms.swap(k, draw.index(k + 1));
    }
    let mut sums = vec![0f32; ensemble.base.len()];
    terms.iter().for_each(|(output, term)| sums[*output] = flushed(sums[*output] + term));
    if sums.len() == 1 { vec![0.0, sums[0]] } else { sums }
}
