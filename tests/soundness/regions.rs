//! Output regions against exact outputs at points: one network, and two copies of it.

use propcert::certificate::{Kernel, LeafHint, Proof, Verdict};
use propcert::interval::Rational;
use propcert::model::{Model, Point};
use propcert::spec::{Lowered, OutputBlock};
use proptest::prelude::*;

use crate::cases::{BOTH, mlp, spec};
use crate::networks::{NetworkCase, network_case, random_hint, random_tree};
use crate::{Draw, config};

/// Exact scores of a point, or of a pair one after the other.
pub fn outputs(model: &Model, copies: &[Vec<f64>]) -> Vec<Rational> {
    let scores = |x: &Vec<f64>| model.exact_scores(&Point::from_floats(x).unwrap());
    copies.iter().flat_map(scores).collect()
}

/// A row of coefficients and a right-hand side near a value that the row takes.
pub fn row_text(draw: &mut Draw, outputs: &[Rational]) -> String {
    let mut y: Vec<i64> = outputs.iter().map(|_| [-1, 0, 1, 2][draw.index(4)]).collect();
    // a row names an output
    if y.iter().all(|y| *y == 0) {
        y[0] = 1;
    }
    let terms = y.iter().zip(outputs).map(|(y, f)| &Rational::integer(*y) * f);
    let value = terms.fold(Rational::ZERO, |sum, term| &sum + &term);
    let shift = [0.0, -1e-9, -0.1, 1e-3, -4.0][draw.index(5)];
    let rhs = (&value + &Rational::from_f64(shift * (1.0 + value.up().abs())).unwrap()).down();
    let y: Vec<String> = y.iter().map(|y| format!("'{y}'")).collect();
    let strict = ["", ", strict = true"][draw.index(2)];
    format!("{{y = [{}], rhs = '{rhs:e}'{strict}}}", y.join(", "))
}

/// A spec whose blocks are nearly reached, over the ball around the centre.
fn region_text(case: &NetworkCase, draw: &mut Draw, copies: usize) -> String {
    let points = case.points(draw, 2);
    let mut blocks = Vec::new();
    for _ in 0..1 + draw.index(2) {
        let some: Vec<Vec<f64>> =
            (0..copies).map(|_| points[draw.index(points.len())].clone()).collect();
        let reached = outputs(&case.model, &some);
        let rows: Vec<String> = (0..1 + draw.index(2)).map(|_| row_text(draw, &reached)).collect();
        blocks.push(format!("[{}]", rows.join(", ")));
    }
    let sides = case.centre.iter().map(|&x| format!("['{:e}', '{:e}']", case.low(x), case.high(x)));
    let sides: Vec<String> = sides.collect();
    format!(
        "property = 'output-region'\ncopies = {copies}\nunsafe = [{}]\n[[input]]\nbox = [{}]\n",
        blocks.join(", "),
        sides.join(", ")
    )
}

fn proofs(
    case: &NetworkCase,
    draw: &mut Draw,
    blocks: &[OutputBlock],
    copies: usize,
) -> Vec<Proof> {
    let network = if copies == 2 { mlp(&case.model).twice() } else { mlp(&case.model).clone() };
    let hint = |draw: &mut Draw, is_weighted: bool| {
        let mut hint = random_hint(draw, &network.layers);
        if is_weighted {
            // one list serves all blocks only if they are as long
            let length = blocks[0].rows.len();
            if blocks.iter().all(|block| block.rows.len() == length) {
                hint.weights = (0..length).map(|_| 2.0 * draw.signed()).collect();
            }
        }
        hint
    };
    let hints: Vec<LeafHint> = (0..3).map(|k| LeafHint::Shared(hint(draw, k > 0))).collect();
    let mut proofs = vec![Proof::interval(), Proof::linear(Vec::new())];
    proofs.push(Proof::linear(vec![hint(draw, true)]));
    for _ in 0..4 {
        let tree = random_tree(draw, case, hints.len());
        proofs.push(Proof::split(tree, hints.clone()));
    }
    proofs
}

/// How many of the proofs clear, in either arithmetic; none may if unsafe outputs are reached.
pub fn count_proved(
    model: &Model,
    lowered: &Lowered,
    proofs: &[Proof],
    is_reached: bool,
    text: &str,
) -> Result<usize, TestCaseError> {
    let mut proved = 0;
    for arithmetic in BOTH {
        let kernel = Kernel::new(model, lowered, arithmetic);
        for proof in proofs {
            // odd hints may be refused, and a cut may lie outside of what whole numbers leave of its box
            if let Ok(Verdict::Proved(_)) = kernel.check(0, proof) {
                prop_assert!(!is_reached, "{proof:?}\n{text}");
                proved += 1;
            }
        }
    }
    Ok(proved)
}

/// Checks a case; how many proofs cleared.
fn checked(seed: u64, copies: usize) -> Result<usize, TestCaseError> {
    let (case, mut draw) = network_case(seed);
    let text = region_text(&case, &mut draw, copies);
    let spec = spec(&text);
    let lowered = Lowered::new(&spec, &case.model, None, &[]).unwrap();
    let (blocks, _) = lowered.blocks().unwrap();
    let points = case.points(&mut draw, 12);
    let is_reached = (0..60).any(|_| {
        let some: Vec<Vec<f64>> =
            (0..copies).map(|_| points[draw.index(points.len())].clone()).collect();
        let reached = outputs(&case.model, &some);
        blocks.iter().any(|block| block.contains(&reached))
    });
    let proofs = proofs(&case, &mut draw, blocks, copies);
    count_proved(&case.model, &lowered, &proofs, is_reached, &format!("{seed}: {text}"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn regions_that_are_proved_are_not_reached(seed: u64) {
        checked(seed, 1)?;
    }

    #[test]
    fn regions_of_two_copies_that_are_proved_are_not_reached(seed: u64) {
        checked(seed, 2)?;
    }
}

/// The properties above would hold of a kernel that proves nothing.
#[test]
fn proofs_of_regions_are_not_rare() {
    for copies in [1, 2] {
        let proved: usize = (0..200).map(|seed| checked(seed, copies).unwrap()).sum();
        assert!(proved > 200, "{copies} copies: {proved}");
    }
}
