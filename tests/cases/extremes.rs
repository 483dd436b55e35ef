//! Unfriendly scenes: numbers from 2⁻¹⁰⁷⁴ to 2¹⁰²³, runs of layers that overflow on the way and come back,
//! neurons that cancel, sides that end at exactly 0. Of every property; and what the kernel says of it.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::BTreeMap;

use propcert::certificate::{Kernel, LeafHint, Proof, SplitTree, Verdict};
use propcert::defense::Defense;
use propcert::interval::{Decimal, Rational};
use propcert::model::{Digest, Kind, Layer, Link, Mlp, Model, Point, Precision, Row, Schema, Tie};
use propcert::model::{Ensemble, Family};
use propcert::spec::{Lowered, Obligation, Property, Spec};

use super::draw::Draw;
use super::{BOTH, battery, feature, forests, row, uniform_hint};

/// A model, what is claimed of it, and the rows that the claim is about.
pub struct Scene {
    pub model: Model,
    pub property: &'static str,
    pub text: String,
    pub rows: Vec<Row>,
    pub defense: Option<Defense>,
}

/// What became of the obligations of a scene.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fate {
    /// Proved by some proof, in `f64` and in integers.
    pub proved: [u64; 2],
    /// Refuted by some point.
    pub refuted: u64,
    /// All of them.
    pub obligations: u64,
}

/// `±(1 + f)·2^e` with `|e| <= spread`, 0, ±1, the least and the largest floats.
pub fn number(draw: &mut Draw, spread: i64, precision: Precision) -> f64 {
    let sign = if draw.is_heads() { 1.0 } else { -1.0 };
    let least = if precision == Precision::F32 { f64::from(f32::from_bits(1)) } else { 5e-324 };
    let size = match draw.below(14) {
        0 | 1 => 0.0,
        2 => 1.0,
        3 => least * (1 + draw.below(3)) as f64,
        4 if spread > 500 => f64::MAX,
        _ => {
            let e = draw.below(2 * spread.unsigned_abs() + 1) as i64 - spread;
            let fraction = match draw.below(3) {
                0 => 1.0,
                1 => 1.5,
                _ => 1.0 + draw.signed().abs(),
            };
            fraction * power(e)
        }
    };
    at_precision(sign * size, precision)
}

/// `2^e`, down to the least float.
fn power(e: i64) -> f64 {
    let half = e / 2;
    2f64.powi(half as i32) * 2f64.powi((e - half) as i32)
}

/// The number as it is stored; what would be infinite is the largest float.
fn at_precision(x: f64, precision: Precision) -> f64 {
    let x = match precision {
        Precision::F32 => f64::from(x.clamp(-f64::from(f32::MAX), f64::from(f32::MAX)) as f32),
        Precision::F64 => x.clamp(-f64::MAX, f64::MAX),
    };
    x + 0.0
}

fn precision(draw: &mut Draw) -> Precision {
    if draw.below(3) == 0 { Precision::F32 } else { Precision::F64 }
}

/// How far exponents reach, for a whole model.
fn spread(draw: &mut Draw, precision: Precision) -> i64 {
    match precision {
        Precision::F32 => [3, 30, 120][draw.index(3)],
        Precision::F64 => [3, 30, 300, 1000][draw.index(4)],
    }
}

/// A range that often ends at 0.
fn range(draw: &mut Draw, spread: i64, precision: Precision) -> (f64, f64) {
    let size = number(draw, spread, precision).abs();
    match draw.below(5) {
        0 => (-size, 0.0),
        1 => (0.0, size),
        2 => (-size, size),
        3 => (0.0, 0.0),
        _ => {
            let other = number(draw, spread, precision);
            (other.min(size), other.max(size))
        }
    }
}

fn schema(draw: &mut Draw, spread: i64, precision: Precision, kinds: &[Kind]) -> Schema {
    let is_plain = draw.below(3) > 0;
    let declared = |(index, &kind): (usize, &Kind)| {
        let (low, high) = match kind {
            Kind::Real => range(draw, spread, precision),
            _ => (0.0, draw.below(3) as f64),
        };
        let mut spec = feature(format!("x{index}"), kind, (low, high));
        if !is_plain {
            spec.mean = number(draw, spread.min(100), Precision::F32) as f32;
            let scale = number(draw, spread.min(100), Precision::F32).abs() as f32;
            spec.scale = if scale > 0.0 { scale } else { 1.0 };
        }
        spec
    };
    Schema::new(kinds.iter().enumerate().map(declared).collect()).unwrap()
}

/// One layer whose neurons often repeat each other times ±½, 1 or 2, and often flip inside the box.
fn layer(
    draw: &mut Draw,
    inputs: usize,
    outputs: usize,
    centre: i64,
    spread: i64,
    p: Precision,
) -> Layer {
    let (mut weights, mut bias): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for neuron in 0..outputs {
        let factor = [1.0, -1.0, 0.5, 2.0, 0.99][draw.index(5)];
        if neuron > 0 && draw.is_heads() {
            let from = (neuron - 1) * inputs;
            let row: Vec<f64> = weights[from..from + inputs].to_vec();
            weights.extend(row.iter().map(|w| at_precision(w * factor, p)));
            bias.push(at_precision(bias[neuron - 1] * factor, p));
            continue;
        }
        for _ in 0..inputs {
            weights.push(at_precision(number(draw, spread.min(20), p) * power(centre), p));
        }
        let own = number(draw, spread.min(20), p) * power(centre);
        bias.push(if draw.is_heads() { 0.0 } else { at_precision(own, p) });
    }
    Layer { weights, bias, inputs }
}

/// Neurons whose paths to the margin overflow with opposite signs, over a range so small, and ending at 0, that
/// no value on the way does.
fn clash(draw: &mut Draw) -> Model {
    let first = draw.below(900) as i64 + 60;
    let second = 1030 - first + draw.below(60) as i64;
    let neurons = 2 + draw.index(2);
    let share = |draw: &mut Draw| [1.0, 0.5, -1.0, 0.75, 1.25][draw.index(5)];
    let factors = |draw: &mut Draw, e: i64| -> Vec<f64> {
        (0..neurons)
            .map(|_| at_precision(share(draw) * power(e.min(1023)), Precision::F64))
            .collect()
    };
    let (weights, out) = (factors(draw, first), factors(draw, second));
    let size = power(-first - draw.below(40) as i64);
    // of neurons that are on, off or undecided
    let bias = |draw: &mut Draw, w: f64| [0.0, 0.0, w.abs() * size, w * size][draw.index(4)];
    let layers = vec![
        Layer { bias: weights.iter().map(|w| bias(draw, *w)).collect(), weights, inputs: 1 },
        Layer {
            weights: [vec![0.0; neurons], out].concat(),
            bias: vec![0.0, number(draw, 300, Precision::F64)],
            inputs: neurons,
        },
    ];
    let (low, high) = if draw.is_heads() { (-size, 0.0) } else { (0.0, size) };
    let feature = feature("x0".to_owned(), Kind::Real, (low, high));
    Model {
        schema: Schema::new(vec![feature]).unwrap(),
        precision: Precision::F64,
        tie: Tie::Lower,
        classes: 2,
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers }),
    }
}

fn network(draw: &mut Draw) -> Model {
    if draw.below(5) == 0 {
        return clash(draw);
    }
    let precision = precision(draw);
    let spread = spread(draw, precision);
    let inputs = 1 + draw.index(2);
    let classes = if draw.below(6) == 0 { 3 } else { 2 };
    let widths: Vec<usize> =
        (0..draw.index(4)).map(|_| 1 + draw.index(3)).chain([classes]).collect();
    let (mut layers, mut before, mut centre) = (Vec::new(), inputs, 0);
    for width in widths {
        // a run: what one layer raises the next often lowers again
        let by = draw.below(2 * spread.unsigned_abs() + 1) as i64 - spread;
        centre = if draw.is_heads() { -centre } else { by };
        layers.push(layer(draw, before, width, centre, spread, precision));
        before = width;
    }
    let kinds: Vec<Kind> =
        (0..inputs).map(|_| [Kind::Real, Kind::Real, Kind::Integer][draw.index(3)]).collect();
    Model {
        schema: schema(draw, spread, precision, &kinds),
        precision,
        tie: [Tie::Lower, Tie::Upper][draw.index(2)],
        classes,
        link: Link::Softmax,
        family: Family::Mlp(Mlp { layers }),
    }
}

fn forest(draw: &mut Draw) -> Model {
    let precision = precision(draw);
    let spread = spread(draw, precision);
    let features = 1 + draw.index(2);
    let classes = if draw.below(6) == 0 { 3 } else { 2 };
    let outputs = if classes == 2 { 1 } else { classes };
    // few thresholds, so that trees share them
    let some: Vec<f64> =
        (0..3).map(|_| number(draw, spread, precision)).chain([0.0, 1.0]).collect();
    let threshold = |draw: &mut Draw| draw.pick(&some).unwrap();
    let leaf = |draw: &mut Draw| number(draw, spread, precision);
    let trees = (0..draw.index(5))
        .map(|_| {
            let output = draw.index(outputs);
            forests::random_tree(draw, features, output, threshold, leaf)
        })
        .collect();
    let base = (0..outputs).map(|_| number(draw, spread, precision)).collect();
    let kinds: Vec<Kind> = (0..features)
        .map(|_| [Kind::Real, Kind::Real, Kind::Integer, Kind::Binary][draw.index(4)])
        .collect();
    Model {
        schema: schema(draw, spread, precision, &kinds),
        precision,
        tie: [Tie::Lower, Tie::Upper][draw.index(2)],
        classes,
        link: Link::Softmax,
        family: Family::Ensemble(Ensemble { base, trees }),
    }
}

/// The declared ends of a feature.
fn ends(model: &Model, feature: usize) -> (f64, f64) {
    let feature = &model.schema.features()[feature];
    let end = |end: &Option<Decimal>, other: f64| {
        end.as_ref().map_or(other, |end| end.to_string().parse().unwrap())
    };
    (end(&feature.low, -1.0), end(&feature.high, 1.0))
}

/// A row of the domain.
fn some_row(draw: &mut Draw, model: &Model) -> Vec<f64> {
    (0..model.schema.len())
        .map(|feature| {
            let (low, high) = ends(model, feature);
            match draw.below(4) {
                0 => low,
                1 => high,
                2 if low <= 0.0 && high >= 0.0 => 0.0,
                _ => (low / 2.0 + high / 2.0).clamp(low, high),
            }
        })
        .map(|x| x + 0.0)
        .collect()
}

/// A length near the sides of the domain, or any.
fn length(draw: &mut Draw, model: &Model) -> f64 {
    let (low, high) = ends(model, 0);
    let size = match draw.below(4) {
        0 => 0.0,
        1 => (high / 2.0 - low / 2.0).abs(),
        2 => number(draw, 300, Precision::F64).abs(),
        _ => low.abs().max(high.abs()),
    };
    if size < 1e300 { size } else { 1e300 }
}

fn decimal(x: f64) -> String {
    format!("{x:e}")
}

impl Scene {
    /// The scene of a seed.
    pub fn new(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let property = Property::NAMES[draw.index(Property::NAMES.len())];
        let model = match property {
            "output-region" => network(&mut draw),
            "stability" | "high-confidence" | "redundancy" => forest(&mut draw),
            _ if draw.is_heads() => network(&mut draw),
            _ => forest(&mut draw),
        };
        let centres: Vec<Vec<f64>> =
            (0..1 + draw.index(3)).map(|_| some_row(&mut draw, &model)).collect();
        let label = |draw: &mut Draw, x: &Vec<f64>| match draw.below(4) {
            0 => draw.index(model.classes),
            _ => model.label(x),
        };
        let rows = centres.iter().map(|x| row(x, label(&mut draw, x))).collect();
        let text = claim(&mut draw, property, &model);
        let is_defended = model.classes == 2 && draw.below(4) == 0;
        let defense = is_defended.then(|| defense(&mut draw));
        Self { model, property, text, rows, defense }
    }
}

/// A map of any kind, gentle, strong, or next to the end of what it may be.
fn defense(draw: &mut Draw) -> Defense {
    let digest = Digest::of(b"any");
    let alpha = ["0", "1e-300", "0.1", "0.4", "0.4999999999999999"][draw.index(5)];
    let rest = match draw.below(6) {
        0 | 1 => format!(r#""kind":"prediction-poisoning","alpha":"{alpha}""#),
        2 => {
            let eta = [r#""0.5","0.5""#, r#""0","1""#, r#""0.75","0.25""#][draw.index(3)];
            format!(r#""kind":"mixture","alpha":"{alpha}","eta":[{eta}]"#)
        }
        3 => format!(r#""kind":"rounding","digits":{}"#, [1, 3, 15][draw.index(3)]),
        4 => {
            let nu = ["1e-9", "10", "50", "1000000"][draw.index(4)];
            let tau = ["0.5", "0.7", "0.999999999"][draw.index(3)];
            let decoy = ["uniform", "mirror", &digest.to_string()][draw.index(3)].to_owned();
            format!(
                r#""kind":"adaptive-misinformation","nu":"{nu}","tau":"{tau}","decoy":"{decoy}""#
            )
        }
        _ => {
            let step = match draw.below(3) {
                0 => format!(r#""alpha":"{alpha}""#),
                1 => r#""budget":"0.1","norm":"l1""#.to_owned(),
                _ => r#""budget":"0.3","norm":"l2""#.to_owned(),
            };
            format!(r#""kind":"vertex-poisoning",{step},"vertex":"random","seed":1"#)
        }
    };
    let text = format!(r#"{{"format":"defense/1","target":"{digest}",{rest}}}"#);
    Defense::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The spec.
fn claim(draw: &mut Draw, property: &'static str, model: &Model) -> String {
    let mut text = format!("property = '{property}'\n");
    text += ["units = 'raw'\n", ""][draw.index(2)];
    text += ["integers = 'relax'\n", ""][draw.index(2)];
    let epsilon = decimal(length(draw, model));
    let positive = |draw: &mut Draw| decimal(length(draw, model).max(5e-324));
    let constant = decimal(number(draw, 300, Precision::F64).abs());
    let norm = ["linf", "l1", "l2"][draw.index(3)];
    let on = ["score", "posterior"][draw.index(2)];
    let share = ["0.3", "0.5", "0.9", "0.0001"][draw.index(4)];
    text += &match property {
        "label" => format!("epsilon = '{epsilon}'\nnorm = '{norm}'\n"),
        "local-invariance" => {
            format!("epsilon = '{epsilon}'\nnorm = '{norm}'\ndelta = '{share}'\n")
        }
        "local-invariance-t" => {
            format!("epsilon-1 = '{}'\nepsilon-2 = '{}'\n", positive(draw), positive(draw))
        }
        "lipschitzness" => {
            format!("epsilon = '{epsilon}'\nconstant = '{constant}'\nnorm = '{norm}'\n")
        }
        "lipschitzness-t" => format!("constant = '{constant}'\n"),
        "small-neighborhood" => {
            format!("epsilon = '{}'\nconstant = '{constant}'\non = '{on}'\n", positive(draw))
        }
        "monotonicity" => {
            let direction = ["increasing", "decreasing"][draw.index(2)];
            let local = [String::new(), format!("scope = 'local'\nepsilon = '{epsilon}'\n")];
            let class = if model.classes > 2 { "class = 1\n" } else { "" };
            format!("features = [0]\ndirection = '{direction}'\n{class}{}", local[draw.index(2)])
        }
        "boundary-fuzz" => {
            let zone =
                ["zone = 'axis'\n".to_owned(), format!("zone = 'ball'\nzone-norm = '{norm}'\n")];
            let scope = [
                "scope = 'domain'\n".to_owned(),
                format!("scope = 'local'\nradius = '{epsilon}'\n"),
            ];
            let (zone, scope) = (&zone[draw.index(2)], &scope[draw.index(2)]);
            format!("shift = '{}'\nepsilon = '0.1'\n{zone}{scope}", positive(draw))
        }
        "stability" => format!("features = [0]\nbound = '{constant}'\non = '{on}'\n"),
        "high-confidence" => {
            let (low, high) = (length(draw, model), length(draw, model));
            let range = [String::new(), format!("range = ['{:e}', '{:e}']\n", -low, high)];
            format!(
                "features = [0]\nconfidence = '0.7'\ncutoff = '{share}'\n{}",
                range[draw.index(2)]
            )
        }
        "redundancy" => format!("groups = [[0]]\nconfidence = '0.7'\ncutoff = '{share}'\n"),
        _ => output_region(draw, model),
    };
    if model.precision == Precision::F64 || draw.is_heads() {
        text = format!("semantics = 'real'\n{text}");
    }
    text
}

fn output_region(draw: &mut Draw, model: &Model) -> String {
    let copies = 1 + draw.index(2);
    let outputs = copies * model.classes;
    let reached = model.exact_scores(&Point::from_floats(&some_row(draw, model)).unwrap());
    let mut blocks = Vec::new();
    for _ in 0..1 + draw.index(2) {
        let rows = (0..1 + draw.index(2)).map(|_| {
            let y: Vec<i64> = (0..outputs).map(|_| [-1, 0, 1, 1, 2][draw.index(5)]).collect();
            let value = y.iter().zip(reached.iter().cycle());
            let value = value.map(|(y, f)| &Rational::integer(*y) * f);
            let value = value.fold(Rational::ZERO, |sum, term| &sum + &term).down();
            let rhs = match draw.below(3) {
                0 => 0.0,
                1 if value.is_finite() => value,
                _ => number(draw, 300, Precision::F64),
            };
            let rhs = if rhs.abs() < 1e300 { rhs } else { 1e300 };
            let y: Vec<String> = y.iter().map(|y| format!("'{y}'")).collect();
            format!("{{y = [{}], rhs = '{rhs:e}'}}", y.join(", "))
        });
        blocks.push(format!("[{}]", rows.collect::<Vec<_>>().join(", ")));
    }
    // the whole domain, in raw units
    let sides: Vec<String> = (0..model.schema.len())
        .map(|feature| {
            let (low, high) = ends(model, feature);
            format!("['{low:e}', '{high:e}']")
        })
        .collect();
    format!(
        "copies = {copies}\nunsafe = [{}]\n[[input]]\nbox = [{}]\n",
        blocks.join(", "),
        sides.join(", ")
    )
    .replace("'-0e0'", "'0e0'")
}

/// Values of each feature that a claim may stumble on: the ends of its region, 0, what lies beside.
fn values(draw: &mut Draw, obligation: &Obligation, reach: f64) -> Vec<Vec<f64>> {
    let side = |(low, high): &(Rational, Rational)| {
        let (low, high) = (low.up(), high.down());
        let middle = low / 2.0 + high / 2.0;
        let mut all = vec![low, high, middle, 0.0, low.next_up(), high.next_down()];
        all.extend([low + reach, low - reach, high + reach, high - reach, reach, -reach]);
        all.push(low + (high - low) * draw.share());
        all.retain(|x| x.is_finite());
        all.iter_mut().for_each(|x| *x += 0.0);
        all
    };
    obligation.region.sides().iter().map(side).collect()
}

/// Points, or pairs, that may be counterexamples.
fn attempts(draw: &mut Draw, obligation: &Obligation, width: usize, reach: f64) -> Vec<Proof> {
    let values = values(draw, obligation, reach);
    if values.is_empty() {
        return Vec::new();
    }
    let copies = (values.len() / width.max(1)).max(1);
    (0..16)
        .map(|_| {
            let mut first: Vec<f64> = values.iter().map(|v| draw.pick(v).unwrap_or(0.0)).collect();
            let points = if copies == 2 {
                let second = first.split_off(width);
                vec![first, second]
            } else if draw.is_heads() {
                vec![first]
            } else {
                let second = values
                    .iter()
                    .zip(&first)
                    .map(|(v, x)| if draw.is_heads() { *x } else { draw.pick(v).unwrap_or(*x) });
                let second = second.collect();
                vec![first, second]
            };
            Proof::Counterexample { points: points.iter().map(|p| Point::texts(p)).collect() }
        })
        .collect()
}

/// Proofs of every kind with plain and odd hints.
fn proofs(draw: &mut Draw, model: &Model, rows: &[Row]) -> Vec<Proof> {
    let middle = rows
        .first()
        .map_or(vec![0.0; model.schema.len()], |row| model.schema.standardise(&row.values));
    let mut all = battery(model, &middle);
    if let Family::Mlp(mlp) = &model.family {
        for _ in 0..3 {
            let mut hint = uniform_hint(mlp, draw.signed().abs());
            hint.split = (0..mlp.layers.len().saturating_sub(1))
                .map(|layer| (layer, 0, draw.signed().abs() * power(draw.below(600) as i64 - 300)))
                .collect();
            all.push(Proof::linear(vec![hint.clone()]));
            if mlp.layers.len() > 1 {
                let tree = SplitTree::parse("r0.0 L#0 L#0").unwrap();
                all.push(Proof::split(tree, vec![LeafHint::Shared(hint)]));
            }
            let tree = SplitTree::parse("r0.0 L!0 I").unwrap();
            all.push(Proof::split(tree, Vec::new()));
        }
    }
    // not all of them each time
    all.retain(|_| draw.below(3) > 0);
    all
}

/// Offers proofs and points; the text says what was proved and refuted.
pub fn examine(seed: u64) -> Result<(&'static str, Fate), String> {
    let scene = Scene::new(seed);
    let mut fate = Fate::default();
    let Ok(spec) = Spec::read(scene.text.as_bytes()) else { return Ok((scene.property, fate)) };
    let defense = scene.defense.as_ref();
    let Ok(lowered) = Lowered::new(&spec, &scene.model, defense, &scene.rows) else {
        return Ok((scene.property, fate));
    };
    let kernels = BOTH.map(|arithmetic| Kernel::new(&scene.model, &lowered, arithmetic));
    let mut draw = Draw(seed ^ 0x5eed);
    let told = |at: usize, what: &str| {
        let Scene { model, text, rows, defense, .. } = &scene;
        let rows: Vec<_> = rows.iter().map(|row| (&row.values, row.label)).collect();
        format!(
            "seed {seed}, obligation {at}: {what}\n{text}rows {rows:?} defense {}\n{}",
            defense.as_ref().map_or("none".to_owned(), Defense::to_string),
            model.to_json()
        )
    };
    if lowered.pair_bound().is_some() {
        return pairs(&kernels, &told).map(|fate| (scene.property, fate));
    }
    let searched = searched(&scene, &spec, &lowered, defense);
    let reach = spec_length(&scene.text);
    for at in 0..lowered.len().min(6) {
        let obligation = lowered.obligation(at).unwrap();
        fate.obligations += 1;
        let mut offered = proofs(&mut draw, &scene.model, &scene.rows);
        offered.extend(attempts(&mut draw, &obligation, scene.model.schema.len(), reach));
        offered.extend(searched.get(&at).cloned().into_iter().flatten());
        let mut proved: [Option<Proof>; 2] = [None, None];
        let mut refuted: Option<Proof> = None;
        for proof in &offered {
            for (kernel, proved) in kernels.iter().zip(&mut proved) {
                match kernel.check(at, proof) {
                    Ok(Verdict::Proved(_)) => *proved = Some(proof.clone()),
                    Ok(Verdict::Refuted(_)) => refuted = Some(proof.clone()),
                    _ => {}
                }
            }
        }
        if let (Some(points), Some(proof)) = (&refuted, proved.iter().flatten().next()) {
            return Err(told(at, &format!("{proof:?} proves, {points:?} refutes")));
        }
        fate.refuted += u64::from(refuted.is_some());
        for (count, proved) in fate.proved.iter_mut().zip(&proved) {
            *count += u64::from(proved.is_some());
        }
    }
    Ok((scene.property, fate))
}

/// A claim about all pairs of rows: what one arithmetic proves the other does not refute.
fn pairs(kernels: &[Kernel; 2], told: &dyn Fn(usize, &str) -> String) -> Result<Fate, String> {
    let nothing = Proof::AllPairs { witnesses: Vec::new() };
    let counts = kernels.each_ref().map(|kernel| match kernel.check(0, &nothing) {
        Ok(Verdict::Counted(totals)) => Some(totals),
        _ => None,
    });
    let [Some(rounded), Some(exact)] = counts else { return Ok(Fate::default()) };
    let n = rounded.n();
    let agree = rounded.proved + exact.refuted <= n
        && exact.proved + rounded.refuted <= n
        && (rounded.vacuous, rounded.invalid) == (exact.vacuous, exact.invalid);
    if !agree {
        return Err(told(0, &format!("{rounded:?} in f64, {exact:?} in integers")));
    }
    let proved = [rounded.proved, exact.proved];
    Ok(Fate { proved, refuted: exact.refuted.max(rounded.refuted), obligations: n })
}

/// ε, Δ or what else the claim calls its length.
fn spec_length(text: &str) -> f64 {
    let value = |line: &str| line.split('\'').nth(1).and_then(|value| value.parse().ok());
    let keys = ["shift", "epsilon", "radius"];
    let line = |key: &str| text.lines().find(|line| line.starts_with(&format!("{key} =")));
    keys.iter().find_map(|key| line(key).and_then(value)).unwrap_or(1.0)
}

/// What the search offers, by obligation.
#[cfg(feature = "full")]
fn searched(
    scene: &Scene,
    spec: &Spec,
    lowered: &Lowered,
    defense: Option<&Defense>,
) -> BTreeMap<usize, Vec<Proof>> {
    use propcert::certificate::{Line, Subject};
    use propcert::certify::{Options, Searcher};

    let digest = Digest::of(b"any");
    let subject = Subject {
        model: (&scene.model, digest),
        spec,
        data: None,
        defense: defense.map(|defense| (defense, digest)),
    };
    let options = Options { budget_nodes: 20, attack_starts: 1, ..Options::default() };
    let searcher = Searcher::new(subject, lowered, &scene.rows, options);
    let mut found: BTreeMap<usize, Vec<Proof>> = BTreeMap::new();
    let keep = |line: &Line, _: &_| {
        found.entry(line.at).or_default().push(line.proof.clone());
        Ok(())
    };
    searcher.run(0, keep).unwrap();
    found
}

#[cfg(not(feature = "full"))]
fn searched(_: &Scene, _: &Spec, _: &Lowered, _: Option<&Defense>) -> BTreeMap<usize, Vec<Proof>> {
    BTreeMap::new()
}
