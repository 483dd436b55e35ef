//! Output regions under linear conditions between inputs, against exact outputs at points that meet them.

use propcert::certificate::{Arithmetic, Hint, Kernel, LeafHint, Proof, Verdict};
use propcert::interval::Rational;
use propcert::model::{Model, Point};
use propcert::spec::Lowered;
use proptest::prelude::*;

use crate::cases::{mlp, spec};
use crate::networks::{NetworkCase, network_case, random_hint, random_tree};
use crate::regions::{count_proved, outputs, row_text};
use crate::{Draw, config};

/// Conditions that a point meets, some of them just so; coefficients that are floats and others.
fn condition_text(draw: &mut Draw, meets: &[f64]) -> String {
    let x: Vec<&str> =
        meets.iter().map(|_| ["0", "1", "-1", "0.1", "-2.5"][draw.index(5)]).collect();
    let coefficient = |text: &&str| text.parse::<propcert::interval::Decimal>().unwrap();
    let terms = x.iter().map(coefficient).zip(meets);
    let terms = terms.map(|(c, x)| c.value() * &Rational::from_f64(*x).unwrap());
    let value = terms.fold(Rational::ZERO, |sum, term| &sum + &term);
    let room = Rational::from_f64([0.0, 0.0, 1e-9, 0.125, 1.0][draw.index(5)]).unwrap();
    let x: Vec<String> = x.iter().map(|x| format!("'{x}'")).collect();
    format!("{{x = [{}], rhs = '{:e}'}}", x.join(", "), (&value + &room).up())
}

fn proofs(case: &NetworkCase, draw: &mut Draw, rows: usize, conditions: usize) -> Vec<Proof> {
    let hint = |draw: &mut Draw| {
        let mut hint = random_hint(draw, &mlp(&case.model).layers);
        let odd = [f64::NAN, f64::INFINITY, -1.0, 1e300];
        hint.conditions = (0..conditions)
            .map(|index| match draw.below(4) {
                0 => (index, odd[draw.index(4)]),
                _ => (index, 2.0 * draw.signed()),
            })
            .collect();
        if draw.below(2) == 0 {
            hint.weights = (0..rows).map(|_| 2.0 * draw.signed()).collect();
        }
        hint
    };
    let hints: Vec<LeafHint> = (0..3).map(|_| LeafHint::Shared(hint(draw))).collect();
    let mut proofs = vec![Proof::interval(), Proof::linear(Vec::new())];
    proofs.push(Proof::linear(vec![hint(draw)]));
    for _ in 0..4 {
        let tree = random_tree(draw, case, hints.len());
        proofs.push(Proof::split(tree, hints.clone()));
    }
    proofs
}

/// Checks a case; how many proofs cleared.
fn checked(seed: u64) -> Result<usize, TestCaseError> {
    let (case, mut draw) = network_case(seed);
    let case = if draw.below(2) == 0 { case.scaled(&mut draw) } else { case };
    let points = case.points(&mut draw, 24);
    let meets = points[draw.index(points.len())].clone();
    let conditions: Vec<String> =
        (0..1 + draw.index(3)).map(|_| condition_text(&mut draw, &meets)).collect();
    let near = points[draw.index(points.len())].clone();
    let near = outputs(&case.model, &[if draw.below(2) == 0 { meets.clone() } else { near }]);
    let rows: Vec<String> = (0..1 + draw.index(2)).map(|_| row_text(&mut draw, &near)).collect();
    let sides = case.centre.iter().map(|&x| format!("['{:e}', '{:e}']", case.low(x), case.high(x)));
    let text = format!(
        "property = 'output-region'\nunits = 'raw'\nunsafe = [[{}]]\n[[input]]\nbox = [{}]\nrows = [{}]\n",
        rows.join(", "),
        sides.collect::<Vec<_>>().join(", "),
        conditions.join(", ")
    );
    let spec = spec(&text);
    let lowered = Lowered::new(&spec, &case.model, None, &[]).unwrap();
    let (blocks, _) = lowered.blocks().unwrap();
    let region = lowered.obligation(0).unwrap().region;
    // points that meet the conditions are few: those on the way to the one that does are added
    let between = points.iter().flat_map(|point| {
        let meets = &meets;
        [0.03, 0.3].map(|share| {
            point.iter().zip(meets).map(|(x, y)| y + share * (x - y)).collect::<Vec<f64>>()
        })
    });
    let some: Vec<Vec<f64>> =
        between.chain(points.iter().cloned()).chain([meets.clone()]).collect();
    let is_reached = some.iter().any(|point| {
        region.contains(&Point::from_floats(point).unwrap())
            && blocks
                .iter()
                .any(|block| block.contains(&outputs(&case.model, std::slice::from_ref(point))))
    });
    let proofs = proofs(&case, &mut draw, rows.len(), conditions.len());
    count_proved(&case.model, &lowered, &proofs, is_reached, &format!("{seed}: {text}"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_proved_under_conditions_is_not_reached_under_them(seed: u64) {
        checked(seed)?;
    }
}

#[test]
fn proofs_under_conditions_are_not_rare() {
    let proved: usize = (0..300).map(|seed| checked(seed).unwrap()).sum();
    assert!(proved > 300, "{proved}");
}

/// A tenth is no float, and near −2⁵⁰ its rest is worth a tenth: the point 9 − 2⁵⁰ meets the condition and reaches 9.
#[test]
fn the_rest_of_a_coefficient_counts_where_inputs_are_large() {
    let model = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,
        "features":[{"name":"a","kind":"real"}],
        "layers":[{"weights":[[1.0]],"bias":[1125899906842624.0]},
        {"weights":[[1.0],[0.0]],"bias":[0.0,0.0]}]}"#;
    let model = Model::read(model.as_bytes()).unwrap();
    let proved = |least: &str, arithmetic| {
        let spec = spec(&format!(
            "property = 'output-region'\nunsafe = [[{{y = ['-1', '0'], rhs = '-{least}'}}]]\n[[input]]\n\
             box = [['-1125899906842624', '-1125899906842608']]\n\
             rows = [{{x = ['0.1'], rhs = '-112589990684261.5'}}]"
        ));
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let hint = Hint { conditions: vec![(0, 10.0)], ..Hint::default() };
        let verdict =
            Kernel::new(&model, &lowered, arithmetic).check(0, &Proof::linear(vec![hint])).unwrap();
        matches!(verdict, Verdict::Proved(_))
    };
    assert!(!proved("8.95", Arithmetic::Rounded));
    assert!(!proved("8.95", Arithmetic::Exact));
    assert!(proved("9.1", Arithmetic::Exact));
}
