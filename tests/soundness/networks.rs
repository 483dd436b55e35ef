//! Bounds and verdicts of networks against exact values at points.

use propcert::certificate::{
    Cut, Hint, Kernel, Leaf, LeafHint, Network, Proof, Rejection, Sign, Signed, SplitTree, Step,
    Verdict,
};
use propcert::interval::{Exact, Form, Interval, Rational, Rounded};
use propcert::model::{Family, FeatureSpec, Kind, Layer, Mlp, Model, Point, Precision, Schema};
use propcert::spec::Lowered;
use proptest::prelude::*;

use crate::cases::{BOTH, battery, exact_margin, mlp, network, row, spec};
use crate::{Draw, config};

/// Layers of scales 2⁻³⁰ … 2²⁵, with dead, duplicate and constant neurons and zero rows.
pub fn random_layers(
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

pub struct NetworkCase {
    pub model: Model,
    pub centre: Vec<f64>,
    pub epsilon: f64,
}

pub fn network_case(seed: u64) -> (NetworkCase, Draw) {
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
    pub fn points(&self, draw: &mut Draw, count: usize) -> Vec<Vec<f64>> {
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

    /// The same network over features with drawn means and scales, some of them whole.
    pub fn scaled(mut self, draw: &mut Draw) -> Self {
        let mut features = self.model.schema.features().to_vec();
        for (feature, x) in features.iter_mut().zip(&mut self.centre) {
            feature.mean = draw.signed() as f32;
            feature.scale = [0.5, 1.0, 1.0 / 3.0, 4.0][draw.index(4)];
            if draw.below(4) == 0 {
                feature.kind = Kind::Integer;
                *x = x.round() + 0.0;
            }
        }
        self.model.schema = Schema::new(features).unwrap();
        self
    }

    /// The same network, its margin at the centre barely confident and scaled so that the margins of points
    /// within 0.125 differ by about as much.
    fn near_boundary(mut self, draw: &mut Draw) -> Self {
        let is_single = self.model.precision == Precision::F32;
        let Family::Mlp(mlp) = &mut self.model.family else { unreachable!() };
        let around = self.centre.iter().map(|x| x + 0.125 * draw.signed()).collect::<Vec<_>>();
        let margin = |mlp: &Mlp, z: &[f64]| exact_margin(mlp, z, 1, 0).down();
        let change = (margin(mlp, &around) - margin(mlp, &self.centre)).abs();
        // a power of two keeps weights single
        let gain = 2f64.powf((draw.signed() - change.log2()).round().clamp(-60.0, 60.0));
        let last = mlp.layers.last_mut().unwrap();
        last.weights.iter_mut().for_each(|w| *w *= gain);
        let excess = margin(mlp, &self.centre) - if draw.below(2) == 0 { 0.5 } else { -0.5 };
        let bias = &mut mlp.layers.last_mut().unwrap().bias[1];
        *bias = if is_single { f64::from((*bias - excess) as f32) } else { *bias - excess };
        self
    }

    /// Raw points of the ball around the centre in the domain; membership decided in rationals.
    fn raw_points(&self, norm: &str, draw: &mut Draw, count: usize) -> Vec<Vec<f64>> {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        let features = self.model.schema.features();
        let mut points = vec![self.centre.clone()];
        for _ in 0..count {
            // on one axis alone, where every norm reaches as far, or anywhere
            let only = (draw.below(3) == 0).then(|| draw.index(features.len()));
            let moved = features.iter().zip(&self.centre).enumerate().map(|(k, (f, &x))| {
                let reach = self.epsilon / f64::from(f.scale) * (2.0 * draw.share() - 1.0);
                let y = if only.is_none_or(|only| only == k) { x + reach } else { x };
                if f.kind == Kind::Integer { y.round() + 0.0 } else { y.clamp(-4.0, 4.0) }
            });
            points.push(moved.collect());
        }
        points.retain(|point: &Vec<f64>| {
            let away =
                features.iter().zip(point).zip(&self.centre).map(|((f, &y), &x)| {
                    (&exact(f64::from(f.scale)) * &(&exact(y) - &exact(x))).abs()
                });
            let sum = |terms: Vec<Rational>| terms.iter().fold(Rational::ZERO, |s, t| &s + t);
            let (away, epsilon) = (away.collect::<Vec<_>>(), exact(self.epsilon));
            point.iter().all(|y| y.abs() <= 4.0)
                && match norm {
                    "linf" => away.iter().all(|d| *d <= epsilon),
                    "l1" => sum(away) <= epsilon,
                    _ => sum(away.iter().map(|d| d * d).collect()) <= &epsilon * &epsilon,
                }
        });
        points
    }

    /// The smallest float of the side `[x − ε, x + ε]`.
    pub fn low(&self, x: f64) -> f64 {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        (&exact(x) - &exact(self.epsilon)).up()
    }

    pub fn high(&self, x: f64) -> f64 {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        (&exact(x) + &exact(self.epsilon)).down()
    }

    /// Sides of the ball in standardised units.
    fn sides(&self) -> Vec<Interval> {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        let side = |(f, &x): (&FeatureSpec, &f64)| {
            let z = &exact(f64::from(f.scale)) * &(&exact(x) - &exact(f64::from(f.mean)));
            let e = exact(self.epsilon);
            Interval::enclosing(&(&z - &e), &(&z + &e)).unwrap()
        };
        self.model.schema.features().iter().zip(&self.centre).map(side).collect()
    }
}

/// Slopes and multipliers, in and out of their ranges.
pub fn random_hint(draw: &mut Draw, layers: &[Layer]) -> Hint {
    let mut hint = Hint::default();
    for (layer, weights) in layers[..layers.len() - 1].iter().enumerate() {
        for neuron in 0..weights.outputs() {
            if draw.below(2) == 0 {
                hint.slopes.push((layer, neuron, 3.0 * draw.signed()));
            }
            if draw.below(2) == 0 {
                hint.split.push((layer, neuron, 4.0 * draw.signed()));
            }
        }
    }
    hint
}

/// A random split of the box around the centre, three cuts at most, every kind of leaf.
pub fn random_tree(draw: &mut Draw, case: &NetworkCase, hints: usize) -> SplitTree {
    let mut steps = Vec::new();
    let mut open = vec![(case.sides(), 0)];
    while let Some((sides, depth)) = open.pop() {
        let layers = &mlp(&case.model).layers;
        let refresh = (draw.below(3) == 0 && layers.len() > 1).then_some(0);
        if depth < 3 && layers.len() > 1 && draw.below(4) == 0 {
            let layer = draw.index(layers.len() - 1);
            let neuron = draw.index(layers[layer].outputs());
            steps.push(Step::Cut { cut: Cut::Relu { copy: 0, layer, neuron }, refresh });
            open.push((sides.clone(), depth + 1));
            open.push((sides, depth + 1));
            continue;
        }
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
        let leaf = [Leaf::Interval, Leaf::Linear][draw.index(2)];
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

/// A point stays in the bounds of the case to which the signs of its neurons lead, whichever are given. Of
/// the points, how many all signs kept; the others ended in an overflow.
fn keeps_points<F: Form>(case: &NetworkCase, points: &[Vec<f64>], draw: &mut Draw) -> usize {
    let mlp = mlp(&case.model);
    let mut kept = 0;
    let prepared = Network::<F>::new(mlp);
    'points: for z in points {
        let values = pre_activations(mlp, std::slice::from_ref(z));
        let Some(mut hidden) = prepared.linear_bounds(&case.sides()) else { continue };
        for _ in 0..values.len().min(4) {
            let (layer, neuron, value) = &values[draw.index(values.len())];
            let is_on = *value > Rational::ZERO || (*value == Rational::ZERO && draw.below(2) == 0);
            let sign = Sign { layer: *layer, neuron: *neuron, is_on };
            let refresh = (draw.below(2) == 0).then_some(0);
            match prepared.signed_bounds(&hidden, sign, refresh) {
                Signed::Bounds(narrower) => hidden = narrower,
                Signed::Unknown => continue 'points,
                Signed::Empty => panic!("{sign:?} is taken from a point that has it"),
            }
            for (layer, neuron, value) in &values {
                let bounds = hidden.layers().nth(*layer).unwrap()[*neuron];
                assert!(bounds.contains_exactly(value), "{sign:?} moves {neuron} of {layer}");
            }
        }
        kept += 1;
    }
    kept
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
pub fn decimal(x: f64) -> String {
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
    fn signs_of_neurons_keep_the_points_that_have_them(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        let points = case.points(&mut draw, 8);
        keeps_points::<Rounded>(&case, &points, &mut draw);
        keeps_points::<Exact>(&case, &points, &mut draw);
    }

    #[test]
    fn verdicts_on_networks_hold_at_points(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        let case = case.scaled(&mut draw);
        let classes = case.model.classes;
        let label = draw.index(classes);
        let rows = [row(&case.centre, label)];
        let norm = ["linf", "l1", "l2"][draw.index(3)];
        let delta = [None, Some(0.5), Some(0.25), Some(0.9), Some(0.001)][draw.index(5)];
        let text = format!(
            "property = '{}'\nepsilon = '{}'\n{}norm = '{norm}'\nsemantics = 'real'",
            if delta.is_none() { "label" } else { "local-invariance" },
            decimal(case.epsilon),
            delta.map_or(String::new(), |delta| format!("delta = '{delta}'\n")));
        let spec = spec(&text);
        let lowered = Lowered::new(&spec, &case.model, None, &rows).unwrap();
        let layers = &mlp(&case.model).layers;
        let hints: Vec<Hint> = (0..2).map(|_| random_hint(&mut draw, layers)).collect();
        let mut proofs = battery(&case.model, &case.model.schema.standardise(&case.centre));
        for hint in &hints {
            proofs.push(Proof::linear(vec![hint.clone()]));
        }
        for _ in 0..4 {
            let tree = random_tree(&mut draw, &case, hints.len());
            proofs.push(Proof::split(tree, hints.iter().cloned().map(LeafHint::Shared).collect()));
        }
        let is_violated = |x: &Vec<f64>| {
            let scores = case.model.exact_scores(&Point::from_floats(x).unwrap());
            let rivals = (0..classes).filter(|c| *c != label);
            let margins: Vec<(usize, Rational)> =
                rivals.map(|c| (c, &scores[label] - &scores[c])).collect();
            match delta {
                None => margins.iter().any(|(c, m)| {
                    *m < Rational::ZERO || (*m == Rational::ZERO && *c < label)
                }),
                // F <= ½ with one rival at least as strong
                Some(0.5) if margins.iter().any(|(_, m)| *m <= Rational::ZERO) => true,
                // beyond what the roundings of this sum could be
                Some(delta) => {
                    let sum: f64 = margins.iter().map(|(_, m)| (-m.up()).exp()).sum();
                    sum > delta / (1.0 - delta) * (1.0 + 1e-9)
                }
            }
        };
        let points = case.raw_points(norm, &mut draw, 40);
        prop_assert!(points.contains(&case.centre));
        let violating = points.iter().find(|x| is_violated(x));
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            for proof in &proofs {
                let is_proved = matches!(kernel.check(0, proof), Ok(Verdict::Proved(_)));
                prop_assert!(!(is_proved && violating.is_some()), "{arithmetic:?} {proof:?}");
            }
            if let Some(x) = violating {
                let points = vec![Point::texts(x)];
                let refuted = kernel.check(0, &Proof::Counterexample { points });
                prop_assert!(matches!(refuted, Ok(Verdict::Refuted(_))), "{refuted:?}");
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
        // μ(0.1) = 0.45474…
        let confident = Rational::from_f64(0.454_75).unwrap();
        let margin = |x: &Point| {
            let scores = case.model.exact_scores(x);
            &scores[1] - &scores[0]
        };
        let shift = Rational::from_f64(0.125).unwrap();
        let is_sensitive = |x: &Vec<f64>| {
            let x = Point::from_floats(x).unwrap();
            let own = margin(&x);
            let moves = (0..x.values().len())
                .flat_map(|k| [shift.clone(), -shift.clone()].map(|by| x.moved(k, &by)));
            own.clone().abs() >= confident
                && moves.into_iter().any(|y| {
                    (margin(&y) > Rational::ZERO) != (own > Rational::ZERO)
                })
        };
        let violating = case.points(&mut draw, 30).into_iter().find(is_sensitive);
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            let is_proved = matches!(kernel.check(0, &Proof::fuzz()), Ok(Verdict::Proved(_)));
            prop_assert!(!(is_proved && violating.is_some()), "{arithmetic:?} at {violating:?}");
            if let (Some(x), "axis") = (&violating, zone) {
                let points = vec![Point::texts(x)];
                let refuted = kernel.check(0, &Proof::Counterexample { points });
                prop_assert!(matches!(refuted, Ok(Verdict::Refuted(_))), "{refuted:?}");
            }
        }
    }
}

/// Bounds that are unknown keep nothing: the property would hold of a kernel that always gives up.
#[test]
fn nearly_all_points_are_kept() {
    let (mut asked, mut kept) = (0, [0, 0]);
    for seed in 0..100 {
        let (case, mut draw) = network_case(seed);
        let points = case.points(&mut draw, 8);
        asked += points.len();
        kept[0] += keeps_points::<Rounded>(&case, &points, &mut draw);
        kept[1] += keeps_points::<Exact>(&case, &points, &mut draw);
    }
    assert!(kept.iter().all(|kept| 10 * kept > 9 * asked), "{kept:?} of {asked}");
}

/// Cuts of a box of points and of the box of their partners, with leaves `F`.
fn random_pairs(draw: &mut Draw, own: Vec<Interval>, shift: f64) -> SplitTree {
    let widen = |side: &Interval| Interval::new(side.lo() - shift, side.hi() + shift).unwrap();
    let partners = own.iter().map(widen).collect();
    let mut steps = Vec::new();
    let mut open = vec![([own, partners], 0)];
    while let Some((boxes, depth)) = open.pop() {
        let (copy, feature) = (draw.index(2), draw.index(boxes[0].len()));
        let side = boxes[copy][feature];
        let at = side.lo() + (side.hi() - side.lo()) * draw.share();
        // keep off the outward rounded ends
        if depth < 3 && draw.below(4) > 0 && at > side.lo() && at < side.hi() {
            let part = |lo, hi| {
                let mut boxes = boxes.clone();
                boxes[copy][feature] = Interval::new(lo, hi).unwrap();
                (boxes, depth + 1)
            };
            open.extend([part(at, side.hi()), part(side.lo(), at)]);
            steps.push(Step::Cut { cut: Cut::Input { copy, feature, at }, refresh: None });
        } else {
            steps.push(Step::Leaf { leaf: Leaf::Fuzz, refresh: None, hint: None });
        }
    }
    SplitTree::new(steps).unwrap()
}

/// A point within 0.125 of `x` in the norm.
fn partner(draw: &mut Draw, x: &Point, norm: &str) -> Point {
    let features = x.values().len();
    let lengths: Vec<f64> = match norm {
        "linf" => (0..features).map(|_| 0.125 * draw.share()).collect(),
        // sums, and sums of squares, below those of 0.125
        "l1" => vec![0.0625, 0.0625],
        _ => vec![0.0749, 0.0999],
    };
    let is_single = norm != "linf" && draw.below(2) == 0;
    let lengths = if is_single { vec![0.125] } else { lengths };
    let first = draw.index(features);
    lengths.iter().take(features).enumerate().fold(x.clone(), |point, (k, length)| {
        let length = Rational::from_f64(*length).unwrap();
        let by = if draw.below(2) == 0 { -length } else { length };
        point.moved((first + k) % features, &by)
    })
}

/// A random split of points and their partners, and how it fares.
struct PairSplit {
    proof: Proof,
    /// Whether some pair within Δ violates the claim.
    is_violated: bool,
    /// By arithmetic, rounded first.
    verdicts: [Result<Verdict, Rejection>; 2],
}

/// `None` for networks of more than two classes.
fn pair_split(seed: u64) -> Option<PairSplit> {
    let (mut case, mut draw) = network_case(seed);
    if case.model.classes != 2 {
        return None;
    }
    case.epsilon = [0.0, case.epsilon.min(0.25)][draw.index(2)];
    let case = if draw.below(2) == 0 { case.near_boundary(&mut draw) } else { case };
    let norm = ["linf", "l1", "l2"][draw.index(3)];
    let text = format!(
        "property = 'boundary-fuzz'\nscope = 'local'\nradius = '{}'\nshift = '0.125'\nepsilon = '0.1'\n\
         zone = 'ball'\nzone-norm = '{norm}'",
        decimal(case.epsilon)
    );
    let (spec, rows) = (spec(&text), [row(&case.centre, 0)]);
    let lowered = Lowered::new(&spec, &case.model, None, &rows).unwrap();
    // μ(0.1) = 0.45474…
    let confident = Rational::from_f64(0.454_75).unwrap();
    let margin = |x: &Point| {
        let scores = case.model.exact_scores(x);
        &scores[1] - &scores[0]
    };
    let mut is_violated = false;
    for x in case.points(&mut draw, 30) {
        let x = Point::from_floats(&x).unwrap();
        let own = margin(&x);
        if own.clone().abs() >= confident {
            let others = (0..8).map(|_| margin(&partner(&mut draw, &x, norm)));
            let others: Vec<Rational> = others.collect();
            let is_positive = own > Rational::ZERO;
            is_violated |= others.iter().any(|m| (*m > Rational::ZERO) != is_positive);
        }
    }
    let tree = random_pairs(&mut draw, case.sides(), 0.125);
    let proof = Proof::split(tree, Vec::new());
    let check = |arithmetic| Kernel::new(&case.model, &lowered, arithmetic).check(0, &proof);
    let verdicts = BOTH.map(check);
    Some(PairSplit { proof, is_violated, verdicts })
}

proptest! {
    #![proptest_config(config())]

    /// What a split of points and partners proves holds at pairs within Δ.
    #[test]
    fn splits_of_pairs_hold_at_pairs(seed in any::<u64>()) {
        let Some(PairSplit { proof, is_violated, verdicts }) = pair_split(seed) else {
            return Ok(());
        };
        for verdict in verdicts {
            // a cut in the last bit of a side may miss the true one
            let is_read = matches!(verdict, Ok(_) | Err(Rejection::CutOutside { .. }));
            prop_assert!(is_read, "{verdict:?}");
            let is_proved = matches!(verdict, Ok(Verdict::Proved(_)));
            prop_assert!(!(is_proved && is_violated), "{proof:?}");
        }
    }
}

/// The property would hold of a kernel that proves nothing, and of pairs that violate nothing.
#[test]
fn splits_of_pairs_prove_some_claims_and_others_are_violated() {
    let cuts_partners =
        |proof: &Proof| proof.as_split().is_some_and(|(tree, _)| tree.text().contains("1/i"));
    let (mut proved, mut violated) = ([0, 0], 0);
    for split in (0..1000).filter_map(pair_split).filter(|split| cuts_partners(&split.proof)) {
        violated += usize::from(split.is_violated);
        for (count, verdict) in proved.iter_mut().zip(&split.verdicts) {
            *count += usize::from(matches!(verdict, Ok(Verdict::Proved(_))));
        }
    }
    assert!(violated > 10 && proved.iter().all(|count| *count > 10), "{proved:?}, {violated}");
}

/// `m = ½ − relu(x)` at the row 0, whose partners reach to ±0.4: neither lines nor gradients see that `m`
/// stays positive before the partners are cut at the kink.
#[test]
fn a_cut_of_partners_proves_what_the_whole_does_not() {
    let layers = vec![
        Layer { weights: vec![1.0, 3.0], bias: vec![0.0; 2], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 2.0, -1.0], bias: vec![0.0, 0.5], inputs: 2 },
    ];
    let model = network(layers, (-2.0, 2.0), Precision::F64);
    let tree = SplitTree::parse("1/i0:0x0p0 F F").unwrap();
    let by_cut = Proof::split(tree, Vec::new());
    for (shift, expected) in [("0.4", [false, true]), ("0.6", [false, false])] {
        let spec = spec(&format!(
            "property = 'boundary-fuzz'\nzone = 'ball'\nshift = '{shift}'\nepsilon = '0.1'\nradius = '0'"
        ));
        let rows = [row(&[0.0], 1)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let is_proved = |proof| matches!(kernel.check(0, proof), Ok(Verdict::Proved(_)));
            assert_eq!([&Proof::fuzz(), &by_cut].map(is_proved), expected, "{shift}");
        }
    }
}

/// `m = x` rises, and its poisoned posterior falls where the label turns.
#[test]
fn a_claim_that_a_defense_loses_is_not_proved() {
    let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
    let model = network(vec![layer], (-1.0, 1.0), Precision::F64);
    let spec = spec("property = 'monotonicity'\nfeatures = ['x0']\ndirection = 'increasing'");
    let digest = propcert::model::Digest::of(b"any");
    let defense = propcert::defense::Defense::prediction_poisoning(digest, "0.4".parse().unwrap());
    let defense = defense.unwrap();
    for (defense, expected) in [(None, [true, false]), (Some(&defense), [false, true])] {
        let lowered = Lowered::new(&spec, &model, defense, &[]).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let proved = kernel.check(0, &Proof::jacobian()).unwrap();
            let points = [-0.1, 0.1].map(|x| vec![format!("{x}")]).to_vec();
            let refuted = kernel.check(0, &Proof::Counterexample { points }).unwrap();
            let found =
                [matches!(proved, Verdict::Proved(_)), matches!(refuted, Verdict::Refuted(_))];
            assert_eq!(found, expected);
        }
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
        let defense = propcert::defense::Defense::prediction_poisoning(digest, alpha.parse().unwrap());
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

/// `m = gain·x`, written as two relus that meet at `kink`, over one feature in [−2, 2].
fn folded_line(gain: f64, kink: f64) -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, -1.0], bias: vec![-kink, kink], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, gain, -gain], bias: vec![0.0, gain * kink], inputs: 2 },
    ];
    network(layers, (-2.0, 2.0), Precision::F64)
}

/// A step of 0.1 takes a margin of `μ = 0.4547…` to 0 at a gain of 4.5. The slopes of a folded line may be
/// twice as large as they are; the two copies see that they are not.
#[test]
fn a_step_is_counted_from_the_confident_margin() {
    let is_proved = |gain: f64, kink: f64, radius: &str| {
        let spec = spec(&format!(
            "property = 'boundary-fuzz'\nscope = 'local'\nunits = 'raw'\nradius = '{radius}'\n\
             shift = '0.1'\nepsilon = '0.1'"
        ));
        let model = folded_line(gain, kink);
        let rows = [row(&[kink], 1)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        BOTH.map(|arithmetic| {
            let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, &Proof::fuzz());
            matches!(verdict, Ok(Verdict::Proved(_)))
        })
    };
    assert_eq!(is_proved(4.0, 0.107, "0.008"), [true; 2]);
    // 0.0999 has a margin of 0.4995, and its copy a negative one
    assert_eq!(is_proved(5.0, 0.095, "0.005"), [false; 2]);
}

/// m = x, asked at ½ of all points within 1: the label changes at 0, and no case distinction may hide that.
#[test]
fn no_cut_of_partners_hides_the_one_with_the_other_label() {
    let layers = vec![
        Layer { weights: vec![1.0, -1.0], bias: vec![0.0; 2], inputs: 1 },
        Layer { weights: vec![0.0, 0.0, 1.0, -1.0], bias: vec![0.0; 2], inputs: 2 },
    ];
    let model = network(layers, (-4.0, 4.0), Precision::F64);
    let asked = |shift: &str| {
        let text = "property = 'boundary-fuzz'\nradius = '0'\nepsilon = '0.1'\nzone = 'ball'";
        spec(&format!("{text}\nshift = '{shift}'"))
    };
    // the middle part meets neither label alone, the last holds 0.5 itself
    let trees = ["F", "1/i0:-0x1p-3 F 1/i0:0x1p-2 F F", "1/i0:0x0p0 F F"];
    let rows = [row(&[0.5], 1)];
    for (shift, is_true) in [("1", false), ("0.25", true)] {
        let spec = asked(shift);
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let proofs =
                trees.map(|tree| Proof::split(SplitTree::parse(tree).unwrap(), Vec::new()));
            let is_proved =
                |proof: &Proof| matches!(kernel.check(0, proof), Ok(Verdict::Proved(_)));
            assert_eq!(proofs.iter().any(is_proved), is_true, "{shift}");
        }
    }
}
