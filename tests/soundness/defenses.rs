//! Claims behind maps of answers, against answers computed from the formulas in floats.

use propcert::certificate::{Kernel, Proof, Verdict};
use propcert::defense::{
    Decoy, Defense, PoisonNorm, PoisonStep, ResponseUnits, ResponseZone, VertexChoice,
};
use propcert::model::{Digest, Layer, Model, Point, Precision};
use propcert::spec::{Lowered, Spec};
use proptest::prelude::*;

use crate::cases::{BOTH, battery, exact_margin, mlp, network, row, spec};
use crate::networks::{decimal, network_case};
use crate::{Draw, config};

/// A map, and its answer for a class with posterior `p`, whose label wins or not.
struct Answered {
    defense: Defense,
    answer: Box<dyn Fn(f64, bool) -> f64>,
}

fn misinformation(nu: f64, tau: f64, decoy: Decoy) -> Answered {
    let target = Digest::of(b"any");
    let steps = [nu, tau].map(|x| format!("{x}").parse().unwrap());
    let [steepness, step] = steps;
    let defense = Defense::adaptive_misinformation(target, (steepness, step), decoy).unwrap();
    let answer = move |p: f64, wins: bool| {
        let top = if wins { p } else { 1.0 - p };
        let a = 1.0 / (1.0 + (nu * (top - tau)).exp());
        let other = match decoy {
            Decoy::Uniform => 0.5,
            Decoy::Mirror => 1.0 - p,
            Decoy::Model(_) => unreachable!("its answers are any"),
        };
        (1.0 - a) * p + a * other
    };
    Answered { defense, answer: Box::new(answer) }
}

/// Misinformation by a model. The answer is the worst that may come: the other class for certain.
fn behind_model(nu: f64, tau: f64) -> Answered {
    let target = Digest::of(b"any");
    let [steepness, step] = [nu, tau].map(|x| format!("{x}").parse().unwrap());
    let defense =
        Defense::adaptive_misinformation(target, (steepness, step), Decoy::Model(target)).unwrap();
    let answer = move |p: f64, _| p / (1.0 + (nu * (tau - p.max(1.0 - p))).exp());
    Answered { defense, answer: Box::new(answer) }
}

/// A mixture; `eta` is the share of class 0.
fn mixture(alpha: f64, eta: f64, label: usize) -> Answered {
    let target = Digest::of(b"any");
    let shares = [eta, 1.0 - eta].map(|x| format!("{x}").parse().unwrap());
    let defense = Defense::mixture(target, format!("{alpha}").parse().unwrap(), shares).unwrap();
    let own = if label == 0 { eta } else { 1.0 - eta };
    Answered { defense, answer: Box::new(move |p, _| (1.0 - alpha) * p + alpha * own) }
}

fn rounding(digits: u32) -> Answered {
    let defense = Defense::rounding(Digest::of(b"any"), digits).unwrap();
    let unit = 10_f64.powi(digits as i32);
    Answered { defense, answer: Box::new(move |p, _| (unit * p + 0.5).floor() / unit) }
}

/// Labels that are drawn up to a confidence of `tau`. The answer is the worst that may come: none for the label there.
fn randomised(tau: f64) -> Answered {
    let number = |x: f64| format!("{x}").parse().unwrap();
    let (zone, grid) =
        (ResponseZone::Band { confidence: number(tau) }, (number(0.5), ResponseUnits::Raw));
    let target = Digest::of(b"any");
    let defense = Defense::randomised_response(target, number(1.0), zone, grid, target).unwrap();
    Answered { defense, answer: Box::new(move |p, _| if p > tau { 1.0 } else { 0.0 }) }
}

/// One of the maps, or labels that are drawn.
fn drawn_or_not(draw: &mut Draw, label: usize) -> Answered {
    match draw.index(5) {
        0 => randomised([0.525, 0.625, 0.75][draw.index(3)]),
        _ => drawn(draw, label),
    }
}

/// One of the maps.
fn drawn(draw: &mut Draw, label: usize) -> Answered {
    match draw.index(8) {
        0 => misinformation(50.0, 0.75, Decoy::Uniform),
        1 => misinformation(8.0, 0.5, Decoy::Uniform),
        2 => misinformation(1000.0, 0.625, Decoy::Mirror),
        3 => misinformation(8.0, 0.75, Decoy::Mirror),
        4 => mixture(0.25, 0.5, label),
        5 => mixture(0.5, 0.75, label),
        6 => rounding(1),
        _ => rounding(3),
    }
}

/// Obligation 0 of a spec behind a defense, in both arithmetics: proved by one of the proofs, and refuted at each
/// of the points.
fn decided(
    (spec, model, label): (&Spec, &Model, usize),
    defense: &Defense,
    (centre, points): (&[f64], &[Vec<f64>]),
) -> Vec<(bool, Vec<bool>)> {
    let rows = [row(centre, label)];
    let lowered = Lowered::new(spec, model, Some(defense), &rows).unwrap();
    let decide = |arithmetic| {
        let kernel = Kernel::new(model, &lowered, arithmetic);
        let is_proved = |proof| matches!(kernel.check(0, proof), Ok(Verdict::Proved(_)));
        let is_refuted = |z: &Vec<f64>| {
            let proof = Proof::Counterexample { points: vec![Point::texts(z)] };
            matches!(kernel.check(0, &proof).unwrap(), Verdict::Refuted(_))
        };
        let proved = battery(model, centre).iter().any(is_proved);
        (proved, points.iter().map(is_refuted).collect())
    };
    BOTH.map(decide).to_vec()
}

proptest! {
    #![proptest_config(config())]

    /// Each answer behind a map is on the side of the claim that the kernel says.
    #[test]
    fn confidence_behind_a_map_is_that_of_its_formula(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        if case.model.classes != 2 {
            return Ok(());
        }
        let label = draw.index(2);
        let Answered { defense, answer } = drawn(&mut draw, label);
        let delta = [0.25, 0.5, 0.8][draw.index(3)];
        let spec = spec(&format!(
            "property = 'local-invariance'\nepsilon = '{}'\ndelta = '{delta}'\nsemantics = 'real'",
            decimal(case.epsilon)));
        let points = case.points(&mut draw, 20);
        let answers: Vec<f64> = points.iter().map(|z| {
            let m = exact_margin(mlp(&case.model), z, label, 1 - label).down();
            answer(1.0 / (1.0 + (-m).exp()), m > 0.0 || (m == 0.0 && label == 0))
        }).collect();
        let subject = (&spec, &case.model, label);
        for (proved, refuted) in decided(subject, &defense, (&case.centre, &points)) {
            for (answer, refuted) in answers.iter().zip(refuted) {
                let (low, high) = (answer - 1e-9, answer + 1e-9);
                prop_assert!(!proved || high > 1.0 - delta, "{defense}: {answer}");
                prop_assert!(!refuted || low <= 1.0 - delta, "{defense}: {answer} refuted");
                prop_assert!(refuted || high > 1.0 - delta, "{defense}: {answer} not refuted");
            }
        }
    }

    /// The label that is proved behind a map has the larger answer everywhere.
    #[test]
    fn labels_behind_a_map_are_those_of_its_formula(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        if case.model.classes != 2 {
            return Ok(());
        }
        let label = draw.index(2);
        let Answered { defense, answer } = drawn_or_not(&mut draw, label);
        let spec = spec(&format!(
            "property = 'label'\nepsilon = '{}'\nsemantics = 'real'", decimal(case.epsilon)));
        let points = case.points(&mut draw, 20);
        let subject = (&spec, &case.model, label);
        for (proved, refuted) in decided(subject, &defense, (&case.centre, &points)) {
            for (z, refuted) in points.iter().zip(refuted) {
                let m = exact_margin(mlp(&case.model), z, label, 1 - label).down();
                let own = answer(1.0 / (1.0 + (-m).exp()), m > 0.0 || (m == 0.0 && label == 0));
                prop_assert!(!proved || own >= 0.5 - 1e-9, "{defense}: {own}");
                prop_assert!(!refuted || own <= 0.5 + 1e-9, "{defense}: {own} refuted");
            }
        }
    }
}

/// The answers at a posterior, for each of the points that they may be moved to: every vertex, the middle, and where they are.
fn moved(posterior: &[f64], step: &PoisonStep) -> Vec<Vec<f64>> {
    let classes = posterior.len();
    let vertex = |k: usize| (0..classes).map(|c| if c == k { 1.0 } else { 0.0 }).collect();
    let mut targets: Vec<Vec<f64>> = (0..classes).map(vertex).collect();
    targets.extend([vec![1.0 / classes as f64; classes], posterior.to_vec()]);
    let answer = |v: &Vec<f64>| {
        let changes = || posterior.iter().zip(v).map(|(p, v)| p - v);
        let a = match step {
            PoisonStep::Fixed(alpha) => alpha.value().up(),
            PoisonStep::Budget(budget, PoisonNorm::L1) => {
                budget.value().up() / changes().map(f64::abs).sum::<f64>()
            }
            PoisonStep::Budget(budget, PoisonNorm::L2) => {
                budget.value().up() / changes().map(|d| d * d).sum::<f64>().sqrt()
            }
        };
        let a = if a.is_finite() { a.min(1.0) } else { 0.0 };
        posterior.iter().zip(v).map(|(p, v)| (1.0 - a) * p + a * v).collect()
    };
    targets.iter().map(answer).collect()
}

proptest! {
    #![proptest_config(config())]

    /// What is proved behind vertices holds wherever the answers are moved to, for any number of classes.
    #[test]
    fn claims_behind_vertices_hold_for_every_choice(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        let classes = case.model.classes;
        let label = draw.index(classes);
        let number = |text: &str| text.parse::<propcert::interval::Decimal>().unwrap();
        let step = match draw.index(4) {
            0 => PoisonStep::Fixed(number("0.1")),
            1 => PoisonStep::Fixed(number("0.3")),
            2 => PoisonStep::Budget(number("0.2"), PoisonNorm::L1),
            _ => PoisonStep::Budget(number("0.2"), PoisonNorm::L2),
        };
        let target = Digest::of(b"any");
        let defense = Defense::vertex_poisoning(target, step.clone(), VertexChoice::Gradient, 0).unwrap();
        let delta = [0.25, 0.5, 0.8][draw.index(3)];
        let epsilon = decimal(case.epsilon);
        let points = case.points(&mut draw, 20);
        for property in ["'label'".to_owned(), format!("'local-invariance'\ndelta = '{delta}'")] {
            let spec = spec(&format!("property = {property}\nepsilon = '{epsilon}'\nsemantics = 'real'"));
            let subject = (&spec, &case.model, label);
            for (proved, refuted) in decided(subject, &defense, (&case.centre, &points)) {
                prop_assert!(classes == 2 || !refuted.contains(&true));
                for z in points.iter().filter(|_| proved) {
                    let odds = |c: usize| match c == label {
                        true => 1.0,
                        false => (-exact_margin(mlp(&case.model), z, label, c).down()).exp(),
                    };
                    let odds: Vec<f64> = (0..classes).map(odds).collect();
                    let sum: f64 = odds.iter().sum();
                    let posterior: Vec<f64> = odds.iter().map(|odds| odds / sum).collect();
                    for answers in moved(&posterior, &step) {
                        let own = answers[label];
                        let others = answers.iter().enumerate().filter(|(c, _)| *c != label);
                        let most = others.map(|(_, p)| *p).fold(0.0, f64::max);
                        let is_label = property == "'label'";
                        prop_assert!(!is_label || own >= most - 1e-9, "{defense}: {answers:?}");
                        prop_assert!(is_label || own > 1.0 - delta - 1e-9, "{defense}: {answers:?}");
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    /// What is proved behind a decoy that is a model holds whatever it answers, and so does what is refuted.
    #[test]
    fn claims_behind_a_decoy_hold_for_all_its_answers(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        if case.model.classes != 2 {
            return Ok(());
        }
        let label = draw.index(2);
        let [nu, tau] = [[0.5, 0.5], [8.0, 0.625], [50.0, 0.75], [1000.0, 0.625], [1e6, 0.96875]][draw.index(5)];
        let steps = [nu, tau].map(|x| format!("{x}").parse().unwrap());
        let [steepness, step] = steps;
        let target = Digest::of(b"any");
        let decoy = Decoy::Model(Digest::of(b"decoy"));
        let defense = Defense::adaptive_misinformation(target, (steepness, step), decoy).unwrap();
        let delta = [0.25, 0.5, 0.8][draw.index(3)];
        let epsilon = decimal(case.epsilon);
        let points = case.points(&mut draw, 20);
        for property in ["'label'".to_owned(), format!("'local-invariance'\ndelta = '{delta}'")] {
            let bound = if property == "'label'" { 0.5 } else { 1.0 - delta };
            let spec = spec(&format!("property = {property}\nepsilon = '{epsilon}'\nsemantics = 'real'"));
            let subject = (&spec, &case.model, label);
            for (proved, refuted) in decided(subject, &defense, (&case.centre, &points)) {
                for (z, refuted) in points.iter().zip(refuted) {
                    let m = exact_margin(mlp(&case.model), z, label, 1 - label).down();
                    let p = 1.0 / (1.0 + (-m).exp());
                    let a = 1.0 / (1.0 + (nu * (p.max(1.0 - p) - tau)).exp());
                    let [least, most] = [0.0, 1.0].map(|other| (1.0 - a) * p + a * other);
                    prop_assert!(!proved || least >= bound - 1e-9, "{defense}: {least}");
                    prop_assert!(!refuted || most <= bound + 1e-9, "{defense}: {most} refuted");
                    prop_assert!(property == "'label'" || refuted || most > bound - 1e-9, "{defense}: {most}");
                }
            }
        }
    }
}

/// `m = x` on [−4, 4]: what is proved and refuted of a row, behind each map.
#[test]
fn maps_carry_as_much_as_they_keep() {
    let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
    let model = network(vec![layer], (-4.0, 4.0), Precision::F64);
    let label = spec("property = 'label'\nepsilon = '0.25'\nunits = 'raw'\nsemantics = 'real'");
    // σ(0.5) = 0.622, σ(0.75) = 0.679, σ(1) = 0.731
    for (map, x, expected) in [
        (misinformation(50.0, 0.75, Decoy::Uniform), 0.5, [true, false]),
        (misinformation(1000.0, 0.625, Decoy::Mirror), 1.0, [true, false]),
        (misinformation(1000.0, 0.75, Decoy::Mirror), 0.5, [false, true]),
        (behind_model(1000.0, 0.625), 1.0, [true, false]),
        (behind_model(1000.0, 0.75), 0.5, [false, false]),
        (mixture(0.25, 0.5, 1), 0.5, [true, false]),
        (mixture(0.5, 0.75, 1), 0.5, [false, true]),
        (rounding(1), 0.5, [true, false]),
        (rounding(1), 0.25, [false, false]),
        (randomised(0.625), 1.0, [true, false]),
        (randomised(0.75), 1.0, [false, false]),
    ] {
        let points = [vec![x]];
        for (proved, refuted) in decided((&label, &model, 1), &map.defense, (&[x], &points)) {
            assert_eq!([proved, refuted[0]], expected, "{} at {x}", map.defense);
        }
    }
    // σ(0.75) = 0.679 > 1/(2·0.75) = 0.667, and less than 1/(2·0.7) = 0.714
    let vertices = |alpha: &str, choice| {
        let step = PoisonStep::Fixed(alpha.parse().unwrap());
        Defense::vertex_poisoning(Digest::of(b"any"), step, choice, 0).unwrap()
    };
    for (alpha, choice, expected) in [
        ("0.25", VertexChoice::Random, true),
        ("0.3", VertexChoice::Random, false),
        ("0.3", VertexChoice::Keeping, true),
    ] {
        for (proved, _) in decided((&label, &model, 1), &vertices(alpha, choice), (&[1.0], &[])) {
            assert_eq!(proved, expected, "{alpha} {choice:?}");
        }
    }
    // from 0.51 to 0.54 both answers are 0.5 with one digit, and the tie is the other class's
    let near = spec("property = 'label'\nepsilon = '0.05'\nunits = 'raw'\nsemantics = 'real'");
    for (digits, expected) in [(1, false), (3, true)] {
        for (proved, _) in decided((&near, &model, 1), &rounding(digits).defense, (&[0.1], &[])) {
            assert_eq!(proved, expected, "{digits}");
        }
    }
    // an answer above ½ is kept where the label is, one above 0.6 where the misinformation is weak
    let [even, sure] = ["0.5", "0.4"].map(|delta| {
        spec(&format!(
            "property = 'local-invariance'\nepsilon = '0.25'\nunits = 'raw'\ndelta = '{delta}'\nsemantics = 'real'"
        ))
    });
    for (x, expected) in [(0.5, [true, false]), (1.5, [true, true])] {
        let map = misinformation(50.0, 0.75, Decoy::Uniform);
        for (spec, expected) in [&even, &sure].into_iter().zip(expected) {
            for (proved, _) in decided((spec, &model, 1), &map.defense, (&[x], &[])) {
                assert_eq!(proved, expected, "{x}");
            }
        }
    }
    // an order is kept by all but the mirror
    let order = spec("property = 'monotonicity'\nfeatures = ['x0']\ndirection = 'increasing'");
    for (map, expected) in [
        (misinformation(50.0, 0.75, Decoy::Uniform), true),
        (misinformation(1000.0, 0.625, Decoy::Mirror), false),
        (mixture(0.5, 0.75, 1), true),
        (rounding(1), true),
    ] {
        let lowered = Lowered::new(&order, &model, Some(&map.defense), &[]).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let proved = kernel.check(0, &Proof::jacobian()).unwrap();
            assert_eq!(matches!(proved, Verdict::Proved(_)), expected, "{}", map.defense);
        }
    }
}

/// With a ball nothing is claimed, not even of a point that is far from any other label; and nothing is refuted.
#[test]
fn drawn_answers_in_a_ball_are_not_claimed() {
    let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
    let model = network(vec![layer], (-4.0, 4.0), Precision::F64);
    let [one, tenth] = ["1", "0.1"].map(|x| x.parse::<propcert::interval::Decimal>().unwrap());
    let target = Digest::of(b"any");
    let zone = ResponseZone::Ball { shift: tenth.clone() };
    let grid = (tenth, ResponseUnits::Standardised);
    let defense = Defense::randomised_response(target, one, zone, grid, target).unwrap();
    for property in ["property = 'label'", "property = 'local-invariance'\ndelta = '0.5'"] {
        let spec =
            spec(&format!("{property}\nepsilon = '0.25'\nunits = 'raw'\nsemantics = 'real'"));
        for x in [3.0, 0.1, -3.0] {
            let points = [vec![x]];
            for (proved, refuted) in decided((&spec, &model, 1), &defense, (&[x], &points)) {
                assert_eq!((proved, refuted), (false, vec![false]), "{property} at {x}");
            }
        }
    }
}

/// The least and the greatest answer for class 1, at a posterior `p` of it, whatever the map may choose.
fn answers(map: &Map, p: f64) -> (f64, f64) {
    match map {
        Map::Exact(map) => {
            let answer = (map.answer)(p, p > 0.5);
            (answer, answer)
        }
        Map::Moved(step) => {
            let moved = moved(&[1.0 - p, p], step).into_iter().map(|answer| answer[1]);
            moved.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), answer| {
                (low.min(answer), high.max(answer))
            })
        }
    }
}

/// A map with answers by formula, or with answers that it may choose.
enum Map {
    Exact(Box<Answered>),
    Moved(PoisonStep),
}

/// Maps for claims about two points; none of them draws.
fn map(draw: &mut Draw) -> (Defense, Map) {
    let target = Digest::of(b"any");
    let exact = |map: Answered| (map.defense.clone(), Map::Exact(Box::new(map)));
    match draw.index(4) {
        0 => {
            let step = match draw.index(3) {
                0 => PoisonStep::Fixed("0.0625".parse().unwrap()),
                1 => PoisonStep::Budget("0.0625".parse().unwrap(), PoisonNorm::L1),
                _ => PoisonStep::Budget("0.0625".parse().unwrap(), PoisonNorm::L2),
            };
            let choice = VertexChoice::Gradient;
            let defense = Defense::vertex_poisoning(target, step.clone(), choice, 0).unwrap();
            (defense, Map::Moved(step))
        }
        1 => {
            let alpha = [0.03125, 0.25][draw.index(2)];
            let text = format!("{alpha}").parse().unwrap();
            let defense = Defense::prediction_poisoning(target, text).unwrap();
            let answer =
                move |p: f64, wins: bool| (1.0 - alpha) * p + if wins { 0.0 } else { alpha };
            exact(Answered { defense, answer: Box::new(answer) })
        }
        _ => exact(drawn(draw, 1)),
    }
}

proptest! {
    #![proptest_config(config())]

    /// Of two points, the answers behind a map are as close as the kernel proves, and no closer than it refutes.
    #[test]
    fn answers_to_two_points_behind_a_map_are_as_the_kernel_says(seed in any::<u64>()) {
        let (case, mut draw) = network_case(seed);
        if case.model.classes != 2 {
            return Ok(());
        }
        let (defense, map) = map(&mut draw);
        let constant = [0.25, 1.0, 4.0, 16.0][draw.index(4)];
        let epsilon = [0.015625, 0.25, 1.0][draw.index(3)];
        let is_far = draw.index(2) == 0;
        let property = if is_far { "lipschitzness" } else { "small-neighborhood" };
        let spec = spec(&format!(
            "property = '{property}'\nepsilon = '{epsilon}'\nconstant = '{constant}'\nunits = 'raw'"));
        let mut points = case.points(&mut draw, 12);
        let rows = [row(&points[0], 0), row(&points[points.len() - 1], 1)];
        let near = |x: &Vec<f64>, draw: &mut Draw| {
            x.iter().map(|x| (x + epsilon * 0.99 * draw.signed()).clamp(-4.0, 4.0)).collect::<Vec<f64>>()
        };
        let pairs: Vec<[Vec<f64>; 2]> = if is_far {
            (0..16).map(|_| [0, 1].map(|i| near(&rows[i].values, &mut draw))).collect()
        } else {
            points.drain(..).map(|x| { let y = near(&x, &mut draw); [x, y] }).collect()
        };
        let lowered = Lowered::new(&spec, &case.model, Some(&defense), &rows).unwrap();
        if lowered.is_empty() {
            return Ok(());
        }
        let posterior = |x: &Vec<f64>| {
            let m = exact_margin(mlp(&case.model), x, 1, 0).down();
            1.0 / (1.0 + (-m).exp())
        };
        for arithmetic in BOTH {
            let kernel = Kernel::new(&case.model, &lowered, arithmetic);
            let proved = battery(&case.model, &case.centre).iter()
                .any(|proof| matches!(kernel.check(0, proof), Ok(Verdict::Proved(_))));
            for [x, y] in &pairs {
                let distance = x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                let limit = if is_far { constant * distance } else { constant * epsilon };
                let [(low, high), (other_low, other_high)] = [x, y].map(|x| answers(&map, posterior(x)));
                let root = std::f64::consts::SQRT_2;
                let most = root * (high - other_low).max(other_high - low);
                let least = root * (low - other_high).max(other_low - high).max(0.0);
                prop_assert!(!proved || most <= limit + 1e-9, "{defense} {property}: {most} {limit}");
                let proof = Proof::Counterexample { points: vec![Point::texts(x), Point::texts(y)] };
                let refuted = matches!(kernel.check(0, &proof).unwrap(), Verdict::Refuted(_));
                prop_assert!(!refuted || most >= limit - 1e-9, "{defense} {property}: {most} {limit} refuted");
                let is_exact = matches!(map, Map::Exact(_));
                prop_assert!(refuted || !is_exact || least <= limit + 1e-9, "{defense} {property}: {least} {limit} not refuted");
            }
        }
    }
}

/// `m = x` on [−4, 4]: how close answers are proved and refuted to be, behind each map.
#[test]
fn closeness_behind_maps_is_proved_up_to_what_they_move() {
    let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
    let model = network(vec![layer], (-4.0, 4.0), Precision::F64);
    let target = Digest::of(b"any");
    let poisoned = Defense::prediction_poisoning(target, "0.1".parse().unwrap()).unwrap();
    let step = PoisonStep::Fixed("0.1".parse().unwrap());
    let moved = Defense::vertex_poisoning(target, step, VertexChoice::Random, 0).unwrap();
    // ‖F − F′‖ <= √2/4·ε; a jump of √2·0.1 = 0.141
    for (defense, epsilon, constant, expected) in [
        (&mixture(0.5, 0.75, 1).defense, "0.5", "0.18", [true, false]),
        (&mixture(0.5, 0.75, 1).defense, "0.5", "0.17", [false, true]),
        (&poisoned, "0.5", "0.33", [true, false]),
        (&poisoned, "0.5", "0.28", [false, true]),
        (&poisoned, "0.0625", "2", [false, true]),
        (&moved, "0.5", "0.61", [true, false]),
        (&moved, "0.5", "0.59", [false, false]),
        (&rounding(1).defense, "0.5", "0.65", [true, false]),
        (&rounding(1).defense, "0.5", "0.27", [false, true]),
        // answers change by at most 7.4 times as much
        (&misinformation(50.0, 0.75, Decoy::Mirror).defense, "0.0625", "3", [true, false]),
        (&misinformation(50.0, 0.75, Decoy::Mirror).defense, "0.0625", "2", [false, false]),
        (&behind_model(50.0, 0.75).defense, "0.5", "2", [false, false]),
    ] {
        let near = spec(&format!(
            "property = 'small-neighborhood'\nepsilon = '{epsilon}'\nconstant = '{constant}'\nunits = 'raw'"
        ));
        let lowered = Lowered::new(&near, &model, Some(defense), &[]).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let proved = matches!(kernel.check(0, &Proof::difference()), Ok(Verdict::Proved(_)));
            // across the boundary at once, by nearly ε, and over it
            let pairs = [[-1e-9, 1e-9], [-0.249, 0.249], [0.1, 0.4]];
            let refuted = pairs.iter().any(|pair| {
                let points = pair.iter().map(|x| Point::texts(&[*x])).collect();
                let proof = Proof::Counterexample { points };
                matches!(kernel.check(0, &proof).unwrap(), Verdict::Refuted(_))
            });
            assert_eq!([proved, refuted], expected, "{defense} {constant}");
        }
    }
}

/// `m = x`: of points near the boundary the answer is unsure, behind poisoning it is as sure as α makes it.
#[test]
fn an_answer_that_is_sure_beside_the_boundary_refutes_behind_a_map() {
    let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
    let model = network(vec![layer], (-4.0, 4.0), Precision::F64);
    // μ = 0.455: σ(μ) = 0.612
    let fuzz = "property = 'boundary-fuzz'\nscope = 'domain'\nunits = 'raw'\nshift = '0.25'\nepsilon = '0.1'";
    for (zone, points) in [
        ("axis", vec![vec![0.125]]),
        ("ball", vec![vec![0.0078125], vec![-0.0078125]]),
        ("ball", vec![vec![0.0078125], vec![0.015625]]),
    ] {
        let spec = spec(&format!("{fuzz}\nzone = '{zone}'"));
        for (alpha, is_sure) in [("0.1", false), ("0.4", true)] {
            let alpha = alpha.parse().unwrap();
            let defense = Defense::prediction_poisoning(Digest::of(b"any"), alpha).unwrap();
            let lowered = Lowered::new(&spec, &model, Some(&defense), &[]).unwrap();
            // the points of the last pair have one label
            let expected = is_sure && !(points.len() == 2 && points[1][0] > 0.0);
            for arithmetic in BOTH {
                let kernel = Kernel::new(&model, &lowered, arithmetic);
                let points = points.iter().map(|x| Point::texts(x)).collect();
                let verdict = kernel.check(0, &Proof::Counterexample { points }).unwrap();
                assert_eq!(matches!(verdict, Verdict::Refuted(_)), expected, "{zone} {defense}");
            }
        }
    }
}

/// `m = x`, boxes from ±0.75 to ±1.25: answers are farther apart than the model's by what the map moves them, over a distance of
/// at least 1.5.
#[test]
fn rates_behind_a_map_pay_for_its_moves_by_the_least_distance() {
    let layer = Layer { weights: vec![0.0, 1.0], bias: vec![0.0, 0.0], inputs: 1 };
    let model = network(vec![layer], (-4.0, 4.0), Precision::F64);
    let target = Digest::of(b"any");
    let step = PoisonStep::Fixed("0.1".parse().unwrap());
    let moved = Defense::vertex_poisoning(target, step, VertexChoice::Random, 0).unwrap();
    let poisoned = Defense::prediction_poisoning(target, "0.1".parse().unwrap()).unwrap();
    let strong = Defense::prediction_poisoning(target, "0.499".parse().unwrap()).unwrap();
    // √2·(σ(1.25) − σ(−1.25)) / 1.5 = 0.5226
    for (defense, rows, constant, expected) in [
        (&moved, [-1.0, 1.0], "0.57", true),
        (&moved, [-1.0, 1.0], "0.55", false),
        (&moved, [0.75, 1.0], "9", false),
        (&poisoned, [-1.0, 1.0], "0.48", true),
        (&poisoned, [-1.0, 1.0], "0.46", false),
        // √2·0.499/1.5 = 0.4705
        (&strong, [-1.0, 1.0], "0.48", true),
        (&strong, [-1.0, 1.0], "0.46", false),
    ] {
        let rows = rows.map(|x| row(&[x], 0));
        let spec = spec(&format!(
            "property = 'lipschitzness'\nepsilon = '0.25'\nconstant = '{constant}'\nunits = 'raw'"
        ));
        let lowered = Lowered::new(&spec, &model, Some(defense), &rows).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let verdict = kernel.check(0, &Proof::Range);
            let proved = matches!(verdict, Ok(Verdict::Proved(_)));
            assert_eq!(proved, expected, "{defense} {constant}: {verdict:?}");
        }
    }
}
