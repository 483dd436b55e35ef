//! Bounds and verdicts against exact values on random models. `PROPCERT_CASES` sets the number of
//! cases a property (default 48).

mod cases;

use std::collections::BTreeMap;

use cases::{BOTH, battery, ensemble, exact_margin, mlp, network, row, spec, split};
use propcert::certificate::{
    Arithmetic, Cut, Hint, Kernel, Leaf, LeafHint, Network, Proof, SplitTree, Step, Verdict,
};
use propcert::interval::{Exact, Form, Interval, Rational, Rounded};
use propcert::model::{Family, Kind, Layer, Model, Node, Precision, Tree};
use propcert::spec::Lowered;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPCERT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A small generator, so that one proptest seed makes a whole model.
struct Draw(u64);

impl Draw {
    /// SplitMix64.
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }
    fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap()
    }
    /// In [−1, 1).
    fn signed(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
    /// A coordinate of `[0, 1]`: an end, the middle, or any dyadic.
    fn share(&mut self) -> f64 {
        match self.below(4) {
            0 => 0.0,
            1 => 1.0,
            2 => 0.5,
            _ => self.signed().abs(),
        }
    }
}

/// Layers of scales 2⁻³⁰ … 2²⁵, with dead, duplicate and constant neurons and zero rows.
fn random_layers(
    draw: &mut Draw,
    inputs: usize,
    classes: usize,
    precision: Precision,
) -> Vec<Layer> {
    let depth = 1 + draw.index(3);
    let mut widths: Vec<usize> = (0..depth).map(|_| 1 + draw.index(4)).collect();
    widths.push(classes);
    let mut before = inputs;
    let mut layers = Vec::new();
    for outputs in widths {
        let power = if draw.below(3) == 0 { draw.index(56) as i32 - 30 } else { 0 };
        let scale = 2f64.powi(power);
        let number = |draw: &mut Draw| {
            let x = if draw.below(6) == 0 { 0.0 } else { draw.signed() * scale };
            if precision == Precision::F32 { f64::from(x as f32) } else { x }
        };
        let mut weights: Vec<f64> = (0..outputs * before).map(|_| number(draw)).collect();
        let mut bias: Vec<f64> = (0..outputs).map(|_| number(draw)).collect();
        match draw.below(5) {
            0 => weights[..before].fill(0.0),
            1 if outputs > 1 => {
                weights.copy_within(..before, before);
                bias[1] = bias[0];
            }
            2 => bias[0] = -8.0 * scale * before as f64,
            3 => bias.fill(0.0),
            _ => {}
        }
        layers.push(Layer { weights, bias, inputs: before });
        before = outputs;
    }
    layers
}

struct NetworkCase {
    model: Model,
    centre: Vec<f64>,
    epsilon: f64,
}

fn network_case(seed: u64) -> (NetworkCase, Draw) {
    let mut draw = Draw(seed);
    let inputs = 1 + draw.index(3);
    let classes = 2 + draw.index(2);
    let precision = if draw.below(2) == 0 { Precision::F32 } else { Precision::F64 };
    let layers = random_layers(&mut draw, inputs, classes, precision);
    let centre: Vec<f64> = (0..inputs).map(|_| draw.signed()).collect();
    let epsilon = [0.0, 2f64.powi(-20), 0.0625, 0.25, 1.0][draw.index(5)];
    (NetworkCase { model: network(layers, (-4.0, 4.0), precision), centre, epsilon }, draw)
}

impl NetworkCase {
    /// The ends of a side as f64; exact, since centre and ε have few digits or rounding is kept.
    fn points(&self, draw: &mut Draw, count: usize) -> Vec<Vec<f64>> {
        let inside = |x: f64, share: f64| {
            let (low, high) = (self.low(x), self.high(x));
            let y = low + (high - low) * share;
            y.clamp(low, high)
        };
        let corners = (0..1usize << self.centre.len()).map(|mask| {
            let end = |(i, &x): (usize, &f64)| inside(x, f64::from((mask >> i & 1) as u8));
            self.centre.iter().enumerate().map(end).collect()
        });
        let mut points: Vec<Vec<f64>> = corners.chain([self.centre.clone()]).collect();
        for _ in 0..count {
            points.push(self.centre.iter().map(|&x| inside(x, draw.share())).collect());
        }
        points
    }

    /// The smallest float of the side `[x − ε, x + ε]`.
    fn low(&self, x: f64) -> f64 {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        (&exact(x) - &exact(self.epsilon)).up()
    }

    fn high(&self, x: f64) -> f64 {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        (&exact(x) + &exact(self.epsilon)).down()
    }

    fn sides(&self) -> Vec<Interval> {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        let side = |&x: &f64| {
            let (c, e) = (exact(x), exact(self.epsilon));
            Interval::enclosing(&(&c - &e), &(&c + &e)).unwrap()
        };
        self.centre.iter().map(side).collect()
    }
}

/// Slopes and multipliers, in and out of their ranges.
fn random_hint(draw: &mut Draw, layers: &[Layer]) -> Hint {
    let mut hint = Hint::default();
    for (layer, weights) in layers[..layers.len() - 1].iter().enumerate() {
        for neuron in 0..weights.outputs() {
            if draw.below(2) == 0 {
                hint.slopes.push((layer, neuron, 3.0 * draw.signed()));
            }
        }
    }
    let rows = 3 * layers.iter().map(Layer::outputs).sum::<usize>();
    for index in 0..rows {
        if draw.below(3) > 0 {
            let size = [20, 21, 30, 50][draw.index(4)];
            hint.multipliers.push((index, (draw.signed() * 2f64.powi(size)) as i64));
        }
    }
    hint
}

/// A random split of the box around the centre, three cuts at most, every kind of leaf.
fn random_tree(draw: &mut Draw, case: &NetworkCase, hints: usize) -> SplitTree {
    let mut steps = Vec::new();
    let mut open = vec![(case.sides(), 0)];
    while let Some((sides, depth)) = open.pop() {
        let refresh = (draw.below(3) == 0 && mlp(&case.model).layers.len() > 1).then_some(0);
        if depth < 3 && draw.below(3) > 0 {
            let feature = draw.index(sides.len());
            let (lo, hi) = (sides[feature].lo(), sides[feature].hi());
            let at = (lo + (hi - lo) * draw.share()).clamp(lo, hi);
            // keep off the outward rounded ends
            if at > lo && at < hi {
                let (mut low, mut high) = (sides.clone(), sides);
                low[feature] = Interval::new(lo, at).unwrap();
                high[feature] = Interval::new(at, hi).unwrap();
                steps.push(Step::Cut { cut: Cut::Input { copy: 0, feature, at }, refresh });
                open.push((high, depth + 1));
                open.push((low, depth + 1));
                continue;
            }
        }
        let leaf = [Leaf::Interval, Leaf::Linear, Leaf::Dual][draw.index(3)];
        let hint = (hints > 0 && leaf != Leaf::Interval).then(|| draw.index(hints));
        steps.push(Step::Leaf { leaf, refresh, hint });
    }
    SplitTree::new(steps).unwrap()
}

/// Bounds of one arithmetic contain the exact value at every point, and per-operation intervals.
fn contains_points<F: Form>(case: &NetworkCase, points: &[Vec<f64>], hint: &Hint) {
    let mlp = mlp(&case.model);
    let prepared = Network::<F>::new(mlp);
    let input = case.sides();
    for hidden in [prepared.interval_bounds(&input), prepared.linear_bounds(&input)] {
        let Some(hidden) = hidden else { continue };
        for label in 0..case.model.classes {
            let other = (label + 1) % case.model.classes;
            let mut line = vec![0.0; case.model.classes];
            (line[label], line[other]) = (1.0, -1.0);
            let bounds = [
                prepared.interval_margin(F::new(&line), &hidden),
                prepared.linear_margin(F::new(&line), &hidden, None, &[]),
                prepared.linear_margin(F::new(&line), &hidden, Some(hint), &[]),
            ];
            for z in points {
                let truth = exact_margin(mlp, z, label, other);
                let slow = mlp.forward(
                    &Interval::point(1.0),
                    z.iter().map(|&x| Interval::point(x)).collect(),
                );
                for bound in bounds.iter().filter_map(|b| Rational::from_f64(*b)) {
                    assert!(bound <= truth, "{bound:?} above {truth:?}");
                }
                let above = slow[label] + slow[other].scale(-1.0);
                assert!(above.contains_exactly(&truth));
                assert!(bounds.iter().all(|b| *b <= above.hi()));
            }
        }
        for neuron in pre_activations(mlp, points) {
            let (layer, index, value) = neuron;
            let bounds = hidden.layers().nth(layer).unwrap()[index];
            assert!(bounds.contains_exactly(&value), "layer {layer}, neuron {index}");
        }
    }
}

/// Exact values of all hidden pre-activations at the points.
fn pre_activations(
    mlp: &propcert::model::Mlp,
    points: &[Vec<f64>],
) -> Vec<(usize, usize, Rational)> {
    let mut values = Vec::new();
    for depth in 1..mlp.layers.len() {
        let part = propcert::model::Mlp { layers: mlp.layers[..depth].to_vec() };
        for z in points {
            let exact = |x: f64| propcert::interval::Dyadic::from_f64(x).unwrap();
            let outputs = part.forward(&exact(1.0), z.iter().map(|&x| exact(x)).collect());
            let numbered = outputs.iter().enumerate();
            values.extend(numbered.map(|(index, v)| (depth - 1, index, v.to_rational())));
        }
    }
    values
}

/// A decimal string of a float, exactly: the floats used here have short expansions.
fn decimal(x: f64) -> String {
    format!("{x}")
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bounds_of_networks_hold_at_points(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        let hint = random_hint(&mut draw, &mlp(&case.model).layers);
        let points = case.points(&mut draw, 12);
        contains_points::<Rounded>(&case, &points, &hint);
        contains_points::<Exact>(&case, &points, &hint);
    }

    #[test]
    fn verdicts_on_networks_hold_at_points(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        let net = mlp(&case.model);
        let label = draw.index(case.model.classes);
        let rows = [row(&case.centre, label)];
        let epsilon = decimal(case.epsilon);
        let kind = ["label", "local-invariance"][draw.index(2)];
        let delta = if kind == "label" { "" } else { "delta = '0.5'\n" };
        let text = format!(
            "property = '{kind}'\nepsilon = '{epsilon}'\n{delta}integers = 'relax'\nsemantics = 'real'");
        let spec = spec(&text);
        let lowered = Lowered::new(&spec, &case.model, None, &rows).unwrap();
        let hints: Vec<Hint> = (0..2).map(|_| random_hint(&mut draw, &net.layers)).collect();
        let mut proofs = battery(&case.model, &case.centre);
        for hint in &hints {
            proofs.push(Proof::Linear { hints: vec![hint.clone()] });
            proofs.push(Proof::Dual { hints: vec![hint.clone()] });
        }
        for _ in 0..4 {
            let tree = random_tree(&mut draw, &case, hints.len());
            proofs.push(Proof::Split { tree, hints: hints.iter().cloned().map(LeafHint::Shared).collect() });
        }
        let points = case.points(&mut draw, 20);
        let is_violated = |z: &Vec<f64>| {
            let classes = (0..case.model.classes).filter(|c| *c != label);
            let margins: Vec<_> = classes.map(|c| (c, exact_margin(net, z, label, c))).collect();
            let loses = margins.iter().any(|(c, m)| *m < Rational::ZERO
                || (*m == Rational::ZERO && (*c < label || kind != "label")));
            // F <= ½ with one rival at least as strong
            loses
        };
        let violating = points.iter().find(|z| is_violated(z));
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            for proof in &proofs {
                let is_proved = matches!(kernel.check(0, proof), Ok(Verdict::Proved(_)));
                prop_assert!(!(is_proved && violating.is_some()), "{arithmetic:?} {proof:?}");
            }
            if let Some(z) = violating {
                let points = vec![propcert::model::Point::texts(z)];
                let refuted = kernel.check(0, &Proof::Counterexample { points });
                prop_assert!(matches!(refuted, Ok(Verdict::Refuted(_))));
            }
        }
    }

    #[test]
    fn monotone_networks_do_not_step_back(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        let net = mlp(&case.model);
        let direction = ["increasing", "decreasing"][draw.index(2)];
        let class = if case.model.classes > 2 { "class = 1\n" } else { "" };
        let feature = draw.index(case.centre.len());
        let text = format!(
            "property = 'monotonicity'\nscope = 'local'\nepsilon = '{}'\n{class}features = [{feature}]\n\
             direction = '{direction}'", decimal(case.epsilon));
        let spec = spec(&text);
        let rows = [row(&case.centre, 0)];
        let lowered = Lowered::new(&spec, &case.model, None, &rows).unwrap();
        let steps_back = case.points(&mut draw, 10).iter().any(|a| {
            let mut b = a.clone();
            b[feature] = case.high(case.centre[feature]);
            let others: Vec<usize> = (0..case.model.classes).filter(|c| *c != 1).collect();
            // every margin moves the wrong way: F does for certain
            others.iter().all(|&c| {
                let (from, to) = (exact_margin(net, a, 1, c), exact_margin(net, &b, 1, c));
                if direction == "increasing" { to < from } else { to > from }
            })
        });
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            for proof in battery(&case.model, &case.centre) {
                let is_proved = matches!(kernel.check(0, &proof), Ok(Verdict::Proved(_)));
                prop_assert!(!(is_proved && steps_back), "{arithmetic:?} {proof:?}");
            }
        }
    }

    #[test]
    fn the_boundary_property_of_networks_holds_at_points(seed in any::<u64>()) {
        let (mut case, mut draw) = network_case(seed);
        if case.model.classes != 2 {
            return Ok(());
        }
        case.epsilon = case.epsilon.min(0.25);
        let zone = ["axis", "ball"][draw.index(2)];
        let norm = ["linf", "l1", "l2"][draw.index(3)];
        let norm = if zone == "ball" { format!("\nzone-norm = '{norm}'") } else { String::new() };
        let text = format!(
            "property = 'boundary-fuzz'\nscope = 'local'\nradius = '{}'\nshift = '0.125'\nepsilon = '0.1'\n\
             zone = '{zone}'{norm}", decimal(case.epsilon));
        let spec = spec(&text);
        let rows = [row(&case.centre, 0)];
        let lowered = Lowered::new(&spec, &case.model, None, &rows).unwrap();
        let candidates: Vec<Vec<Vec<String>>> = case.points(&mut draw, 30).iter().flat_map(|x| {
            let mut moved = Vec::new();
            for index in 0..x.len() {
                for shift in [0.125, -0.125] {
                    let mut y = x.clone();
                    y[index] += shift;
                    let pair = [x, &y].map(|p| propcert::model::Point::texts(p));
                    moved.push(if zone == "axis" { vec![pair[0].clone()] } else { pair.to_vec() });
                }
            }
            moved
        }).collect();
        let mut verdicts = Vec::new();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            let is_proved = matches!(kernel.check(0, &Proof::Fuzz), Ok(Verdict::Proved(_)));
            let is_refuted = candidates.iter().any(|points| {
                let proof = Proof::Counterexample { points: points.clone() };
                matches!(kernel.check(0, &proof), Ok(Verdict::Refuted(_)))
            });
            verdicts.push((is_proved, is_refuted));
        }
        let proved = verdicts.iter().any(|v| v.0);
        let refuted = verdicts.iter().any(|v| v.1);
        prop_assert!(!(proved && refuted), "{verdicts:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    /// What is proved of the model behind prediction poisoning holds of its answers.
    #[test]
    fn claims_about_poisoned_models_hold_at_points(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        if case.model.classes != 2 {
            return Ok(());
        }
        let label = draw.index(2);
        let rows = [row(&case.centre, label)];
        let alpha = ["0", "0.1", "0.4"][draw.index(3)];
        let digest = propcert::model::Digest::of(b"any");
        let defense = propcert::model::Defense::prediction_poisoning(digest, alpha.parse().unwrap());
        let defense = defense.unwrap();
        let (delta, alpha): (f64, f64) =
            ([0.25, 0.5, 0.75][draw.index(3)], alpha.parse().unwrap());
        let text = format!(
            "property = 'local-invariance'\nepsilon = '{}'\ndelta = '{delta}'\nsemantics = 'real'",
            decimal(case.epsilon));
        let spec = spec(&text);
        let lowered = Lowered::new(&spec, &case.model, Some(&defense), &rows).unwrap();
        let points = case.points(&mut draw, 20);
        let answer = |z: &Vec<f64>| {
            let m = exact_margin(mlp(&case.model), z, label, 1 - label).down();
            let wins = m > 0.0 || (m == 0.0 && label == 0);
            (1.0 - alpha) / (1.0 + (-m).exp()) + if wins { 0.0 } else { alpha }
        };
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            for proof in battery(&case.model, &case.centre) {
                if let Ok(Verdict::Proved(_)) = kernel.check(0, &proof) {
                    let least = points.iter().map(answer).fold(1.0, f64::min);
                    prop_assert!(least > 1.0 - delta - 1e-12, "{least}");
                }
            }
            for z in &points {
                let points = vec![propcert::model::Point::texts(z)];
                let verdict = kernel.check(0, &Proof::Counterexample { points }).unwrap();
                if matches!(verdict, Verdict::Refuted(_)) {
                    prop_assert!(answer(z) <= 1.0 - delta + 1e-12);
                } else {
                    prop_assert!(answer(z) > 1.0 - delta - 1e-12);
                }
            }
        }
    }
}

// --- ensembles -------------------------------------------------------------------------------

/// Thresholds are halves, so that whole features meet whole and fractional cuts.
fn random_tree_of(draw: &mut Draw, features: usize, output: usize) -> Tree {
    let mut nodes = vec![Node::Leaf(0.0)];
    let mut open = vec![(0usize, 0)];
    while let Some((at, depth)) = open.pop() {
        if depth < 3 && draw.below(4) > 0 {
            let (left, right) = (nodes.len(), nodes.len() + 1);
            let threshold = (draw.index(9) as f64 - 1.0) / 2.0;
            nodes[at] = split(draw.index(features), threshold, left, right);
            nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
            open.extend([(left, depth + 1), (right, depth + 1)]);
        } else {
            nodes[at] = Node::Leaf((draw.index(9) as f64 - 4.0) / 4.0);
        }
    }
    Tree { output, nodes }
}

fn random_ensemble(draw: &mut Draw, classes: usize) -> Model {
    let features = 1 + draw.index(3);
    let kinds: Vec<Kind> =
        (0..features).map(|_| [Kind::Real, Kind::Integer][draw.index(2)]).collect();
    let outputs = if classes == 2 { 1 } else { classes };
    let count = 1 + draw.index(4);
    let trees = (0..count)
        .map(|_| {
            let output = draw.index(outputs);
            random_tree_of(draw, features, output)
        })
        .collect();
    let base = (0..outputs).map(|_| (draw.index(5) as f64 - 2.0) / 8.0).collect();
    ensemble(&kinds, (0.0, 3.0), base, trees)
}

/// Points of `[low, high]` that meet every cell: the ends, the thresholds, and points between.
fn representatives(low: f64, high: f64, is_whole: bool) -> Vec<f64> {
    let step = if is_whole { 1.0 } else { 0.25 };
    let count = ((high - low) / step) as usize;
    (0..=count).map(|k| low + k as f64 * step).collect()
}

fn grid(sides: &[(f64, f64, bool)]) -> Vec<Vec<f64>> {
    sides.iter().fold(vec![Vec::new()], |points, &(low, high, whole)| {
        let values = representatives(low, high, whole);
        let longer = |p: &Vec<f64>| {
            values.iter().map(|&v| [p.as_slice(), &[v]].concat()).collect::<Vec<_>>()
        };
        points.iter().flat_map(longer).collect()
    })
}

fn wholes(model: &Model, respect: bool) -> Vec<bool> {
    model.schema.features().iter().map(|f| respect && f.kind == Kind::Integer).collect()
}

proptest! {
    #![proptest_config(config())]

    /// One tree: the box rule is exact there, so the verdict is the truth; with more it is sound.
    #[test]
    fn the_box_rule_agrees_with_all_cells(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let classes = 2 + draw.index(2);
        let model = random_ensemble(&mut draw, classes);
        let respect = draw.below(2) == 0;
        let whole = wholes(&model, respect);
        let centre: Vec<f64> = whole.iter().map(|_| draw.index(4) as f64).collect();
        let epsilon = [0.0, 0.5, 1.0][draw.index(3)];
        let label = draw.index(classes);
        let text = format!(
            "property = 'label'\nepsilon = '{epsilon}'\nsemantics = 'real'\nunits = 'raw'\nintegers = '{}'",
            if respect { "respect" } else { "relax" });
        let spec = spec(&text);
        let rows = [row(&centre, label)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        let sides: Vec<_> = centre.iter().zip(&whole).map(|(&c, &w)| {
            let (low, high) = ((c - epsilon).max(0.0), (c + epsilon).min(3.0));
            if w { (low.ceil(), high.floor(), true) } else { (low, high, false) }
        }).collect();
        let all = grid(&sides).iter().all(|x| model.label(x) == label);
        let Family::Ensemble(trees) = &model.family else { unreachable!() };
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let verdict = kernel.check(0, &Proof::Interval).unwrap();
            let is_proved = matches!(verdict, Verdict::Proved(_));
            prop_assert!(!is_proved || all);
            if trees.trees.len() == 1 && classes == 2 {
                prop_assert_eq!(is_proved, all);
            }
            for proof in battery(&model, &centre) {
                let is_proved = matches!(kernel.check(0, &proof), Ok(Verdict::Proved(_)));
                prop_assert!(!is_proved || all, "{proof:?}");
            }
        }
    }

    #[test]
    fn a_full_split_decides(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let model = random_ensemble(&mut draw, 2);
        let label = draw.index(2);
        let spec = spec("property = 'label'\nepsilon = '9'\nsemantics = 'real'\nunits = 'raw'\nintegers = 'relax'");
        let rows = [row(&vec![1.0; model.schema.len()], label)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        let sides = vec![(0.0, 3.0, false); model.schema.len()];
        let all = grid(&sides).iter().all(|x| model.label(x) == label);
        let Family::Ensemble(trees) = &model.family else { unreachable!() };
        let cells = propcert::model::Cells::new(trees, &vec![false; model.schema.len()]);
        let boxes: Vec<(usize, usize)> = (0..model.schema.len()).map(|f| {
            let thresholds = cells.thresholds(propcert::model::Feature(f));
            let count = |x: f64| thresholds.iter().filter(|t| **t <= x).count();
            (count(0.0), count(3.0))
        }).collect();
        let tree = full_split(&boxes);
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let proof = Proof::Split { tree: tree.clone(), hints: Vec::new() };
            let is_proved = matches!(kernel.check(0, &proof).unwrap(), Verdict::Proved(_));
            prop_assert_eq!(is_proved, all);
        }
    }

    #[test]
    fn jumps_agree_with_all_cells(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let classes = if draw.below(4) == 0 { 3 } else { 2 };
        let model = random_ensemble(&mut draw, classes);
        let respect = draw.below(2) == 0;
        let whole = wholes(&model, respect);
        let feature = draw.index(whole.len());
        let direction = ["increasing", "decreasing"][draw.index(2)];
        let class = if classes > 2 { "class = 2\n" } else { "" };
        let text = format!(
            "property = 'monotonicity'\nfeatures = [{feature}]\n{class}direction = '{direction}'\nintegers = '{}'",
            if respect { "respect" } else { "relax" });
        let spec = spec(&text);
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let sides: Vec<_> = whole.iter().map(|&w| (0.0, 3.0, w)).collect();
        let step = if whole[feature] { 1.0 } else { 0.25 };
        let margins = |x: &[f64]| -> Vec<f64> {
            let s = model.scores(x);
            let own = if classes > 2 { 2 } else { 1 };
            (0..classes).filter(|c| *c != own).map(|c| s[own] - s[c]).collect()
        };
        let steps: Vec<Vec<f64>> = grid(&sides).iter().filter(|x| x[feature] + step <= 3.0).map(|x| {
            let mut y = x.clone();
            y[feature] += step;
            let change = margins(x).iter().zip(margins(&y)).map(|(a, b)| b - a).collect::<Vec<_>>();
            change.iter().map(|c| if direction == "increasing" { *c } else { -c }).collect()
        }).collect();
        let falls = steps.iter().any(|s| s.iter().all(|d| *d < 0.0));
        let never_against = steps.iter().flatten().all(|d| *d >= 0.0);
        let trees = full_jumps(&model, feature, &whole);
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let bare = kernel.check(0, &Proof::Jumps { trees: BTreeMap::new() }).unwrap();
            prop_assert!(!(matches!(bare, Verdict::Proved(_)) && (falls || !never_against)));
            let full = kernel.check(0, &Proof::Jumps { trees: trees.clone() }).unwrap();
            prop_assert_eq!(matches!(full, Verdict::Proved(_)), never_against, "full split");
        }
    }

    #[test]
    fn the_boundary_property_of_ensembles_agrees_with_points(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let model = random_ensemble(&mut draw, 2);
        let whole = wholes(&model, true);
        let text = "property = 'boundary-fuzz'\nscope = 'domain'\nunits = 'raw'\nshift = '0.25'\nepsilon = '0.1'";
        let spec = spec(text);
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let sides: Vec<_> = whole.iter().map(|&w| (0.0, 3.0, w)).collect();
        // μ(0.1) = 0.4547…; all margins are multiples of ⅛
        let fails = grid(&sides).iter().any(|x| {
            model.margin(x).abs() > 0.4547 && (0..x.len()).any(|i| [0.25, -0.25].iter().any(|s| {
                let mut y = x.clone();
                y[i] += s;
                model.label(&y) != model.label(x)
            }))
        });
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let is_proved = matches!(kernel.check(0, &Proof::Fuzz).unwrap(), Verdict::Proved(_));
            prop_assert!(!(is_proved && fails));
        }
    }
}

/// Cuts every feature at every cell; `skip` is left alone.
fn full_split_except(boxes: &[(usize, usize)], skip: Option<usize>) -> SplitTree {
    fn push(steps: &mut Vec<Step>, boxes: &[(usize, usize)], skip: Option<usize>) {
        let open = (0..boxes.len()).find(|&f| Some(f) != skip && boxes[f].0 < boxes[f].1);
        let Some(feature) = open else {
            steps.push(cases::leaf(Leaf::Interval));
            return;
        };
        let number = boxes[feature].0;
        steps.push(Step::Cut { cut: Cut::Cell { feature, number }, refresh: None });
        let mut low = boxes.to_vec();
        low[feature].1 = number;
        push(steps, &low, skip);
        let mut high = boxes.to_vec();
        high[feature].0 = number + 1;
        push(steps, &high, skip);
    }
    let mut steps = Vec::new();
    push(&mut steps, boxes, skip);
    SplitTree::new(steps).unwrap()
}

fn full_split(boxes: &[(usize, usize)]) -> SplitTree {
    full_split_except(boxes, None)
}

/// A full split of the other features for every counted threshold of `feature`.
fn full_jumps(model: &Model, feature: usize, whole: &[bool]) -> BTreeMap<usize, SplitTree> {
    let Family::Ensemble(trees) = &model.family else { unreachable!() };
    let cells = propcert::model::Cells::new(trees, &vec![false; whole.len()]);
    let boxes: Vec<(usize, usize)> = whole
        .iter()
        .enumerate()
        .map(|(f, &w)| {
            let moved = |t: &f64| if w { t.ceil() } else { *t };
            let mut list: Vec<f64> =
                cells.thresholds(propcert::model::Feature(f)).iter().map(moved).collect();
            list.dedup();
            let count = |x: f64| list.iter().filter(|t| **t <= x).count();
            (count(0.0), count(3.0))
        })
        .collect();
    let tree = full_split_except(&boxes, Some(feature));
    let pairs = model.classes - 1;
    let questions = pairs * (boxes[feature].1 - boxes[feature].0);
    (0..questions).map(|index| (index, tree.clone())).collect()
}

// --- served copies ---------------------------------------------------------------------------

/// One f32 execution: a random order of summation, with or without fused multiply-add, with or
/// without flush-to-zero, either form of standardisation.
fn served_logits(model: &Model, raw: &[f64], draw: &mut Draw) -> Vec<f32> {
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
            let proof = Proof::Linear { hints: Vec::new() };
            let Verdict::Proved(_) = kernel.check(0, &proof).unwrap() else { continue };
            for _ in 0..200 {
                let raw: Vec<f64> =
                    centre.iter().map(|c| c + (draw.share() - 0.5) / 32.0).collect();
                let logits = served_logits(&model, &raw, &mut draw);
                prop_assert_eq!(propcert::model::argmax(&logits, model.tie), label);
            }
        }
    }

    /// The margin less the allowance is what the kernel compares; found by moving the bias of
    /// class 1 until the claim is no longer proved, it must lie below every execution.
    #[test]
    fn executions_stay_inside_the_allowance(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let inputs = 1 + draw.index(4);
        let layers = random_layers(&mut draw, inputs, 2, Precision::F32);
        let model = network(layers, (-4.0, 4.0), Precision::F32);
        let centre: Vec<f64> = (0..inputs).map(|_| f64::from(draw.signed() as f32)).collect();
        let rows = [row(&centre, 1)];
        let (real, served) = ["real", "served-f32"].map(|semantics| {
            let spec = spec(&format!("property = 'label'\nepsilon = '0'\nsemantics = '{semantics}'"));
            let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
            let kernel = Kernel::new(&model, &lowered, Arithmetic::Exact);
            match kernel.check(0, &Proof::Interval).unwrap() {
                Verdict::Undecided(bounds) => bounds.reached,
                _ => f64::NAN,
            }
        }).into();
        let truth = exact_margin(mlp(&model), &centre, 1, 0);
        if real.is_finite() {
            prop_assert!(Rational::from_f64(real).unwrap() <= truth);
        }
        if served.is_finite() {
            for _ in 0..40 {
                let logits = served_logits(&model, &centre, &mut draw);
                let margin = f64::from(logits[1]) - f64::from(logits[0]);
                prop_assert!(served <= margin, "{served} above an execution's {margin}");
            }
        }
    }
}

#[test]
fn proofs_are_not_rare() {
    // the properties above would hold of a kernel that proves nothing
    let mut proved: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..200 {
        let (case, mut draw) = network_case(seed);
        let label = (0..case.model.classes)
            .max_by(|a, b| {
                let scores = case.model.scores(&case.centre);
                scores[*a].total_cmp(&scores[*b])
            })
            .unwrap();
        let rows = [row(&case.centre, label)];
        let spec = spec(&format!(
            "property = 'label'\nepsilon = '{}'\nsemantics = 'real'",
            decimal(case.epsilon)
        ));
        let lowered = Lowered::new(&spec, &case.model, None, &rows).unwrap();
        let kernel = Kernel::new(&case.model, &lowered, Arithmetic::Rounded);
        let mut proofs = battery(&case.model, &case.centre);
        let tree = random_tree(&mut draw, &case, 0);
        proofs.push(Proof::Split { tree, hints: Vec::new() });
        for proof in proofs {
            if let Ok(Verdict::Proved(p)) = kernel.check(0, &proof) {
                *proved.entry(p.rule()).or_default() += 1;
            }
        }
    }
    for rule in ["interval", "linear", "dual", "split"] {
        assert!(proved.get(rule).is_some_and(|n| *n > 10), "{rule}: {proved:?}");
    }
}
