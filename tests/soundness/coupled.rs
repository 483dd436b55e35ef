//! Two copies whose inputs are bound to each other, against exact outputs at pairs of points.

use propcert::certificate::{Kernel, Proof, SplitTree, Verdict};
use propcert::interval::Interval;
use propcert::model::{Layer, Model, Point, Precision};
use propcert::spec::Lowered;
use proptest::prelude::*;

use crate::cases::{BOTH, mlp, network, spec};
use crate::networks::{NetworkCase, network_case};
use crate::regions::{count_proved, outputs, row_text};
use crate::{Draw, config};

/// What binds a feature of both copies, as `x′ − x` in `[least, most]`.
type Gap = (f64, f64);

fn gaps(draw: &mut Draw, features: usize) -> Vec<Option<Gap>> {
    let gap = |draw: &mut Draw| match draw.below(6) {
        0 => None,
        1 => Some((0.0, f64::INFINITY)),
        2 => Some((f64::NEG_INFINITY, -0.0625)),
        3 => Some((-0.03125, 0.03125)),
        4 => Some((0.125, 0.25)),
        _ => Some((0.0, 0.0)),
    };
    (0..features).map(|_| gap(draw)).collect()
}

/// Conditions that say so, each multiplied by some number.
fn conditions(draw: &mut Draw, gaps: &[Option<Gap>]) -> String {
    let mut rows = Vec::new();
    for (feature, gap) in gaps.iter().enumerate() {
        let Some((least, most)) = *gap else { continue };
        for (sign, bound) in [(1.0, most), (-1.0, -least)] {
            if bound.is_finite() {
                let times = [1.0, 0.75, 3.0][draw.index(3)];
                let mut x = vec![0.0; 2 * gaps.len()];
                (x[feature], x[gaps.len() + feature]) = (-sign * times, sign * times);
                let x: Vec<String> = x.iter().map(|x| format!("'{}'", x + 0.0)).collect();
                rows.push(format!("{{x = [{}], rhs = '{}'}}", x.join(", "), times * bound + 0.0));
            }
        }
    }
    format!("rows = [{}]", rows.join(", "))
}

/// Pairs that are bound as they should be; some may be outside.
fn pairs(case: &NetworkCase, draw: &mut Draw, gaps: &[Option<Gap>]) -> Vec<[Vec<f64>; 2]> {
    let points = case.points(draw, 12);
    let mut pair = || {
        let first = points[draw.index(points.len())].clone();
        let mut second = points[draw.index(points.len())].clone();
        for ((x, other), gap) in first.iter().zip(&mut second).zip(gaps) {
            if let Some((least, most)) = *gap {
                *other = match draw.below(3) {
                    0 => x + least.max(-1.0),
                    1 => x + most.min(1.0),
                    _ => other.clamp(x + least, x + most),
                };
            }
        }
        [first, second]
    };
    (0..80).map(|_| pair()).collect()
}

/// A random tree over both copies, three cuts deep at most.
fn tree(draw: &mut Draw, sides: Vec<Interval>, layers: &[Layer], depth: usize) -> String {
    let refresh = if draw.below(3) == 0 && layers.len() > 1 { "!0" } else { "" };
    let copy = draw.index(2);
    let prefix = ["", "1/"][copy];
    if depth < 3 && layers.len() > 1 && draw.below(3) == 0 {
        let layer = draw.index(layers.len() - 1);
        let neuron = draw.index(layers[layer].outputs());
        let halves = [sides.clone(), sides].map(|sides| tree(draw, sides, layers, depth + 1));
        return format!("{prefix}r{layer}.{neuron}{refresh} {}", halves.join(" "));
    }
    let feature = draw.index(sides.len() / 2);
    let side = sides[copy * sides.len() / 2 + feature];
    let at = side.lo() + (side.hi() - side.lo()) / 2.0;
    if depth < 3 && draw.below(3) > 0 && side.lo() < at && at < side.hi() {
        let halves = [(side.lo(), at), (at, side.hi())].map(|(lo, hi)| {
            let mut half = sides.clone();
            half[copy * sides.len() / 2 + feature] = Interval::new(lo, hi).unwrap();
            tree(draw, half, layers, depth + 1)
        });
        let at = propcert::interval::format_hexadecimal(at);
        return format!("{prefix}i{feature}:{at}{refresh} {}", halves.join(" "));
    }
    format!("L{refresh}")
}

/// Checks a case; how many proofs cleared.
fn checked(seed: u64) -> Result<usize, TestCaseError> {
    let (case, mut draw) = network_case(seed);
    let case = if draw.below(2) == 0 { case.scaled(&mut draw) } else { case };
    let gaps = gaps(&mut draw, case.centre.len());
    let some = pairs(&case, &mut draw, &gaps);
    let reached = outputs(&case.model, &some[0]);
    let rows: Vec<String> = (0..1 + draw.index(2)).map(|_| row_text(&mut draw, &reached)).collect();
    let sides = case.centre.iter().map(|&x| format!("['{:e}', '{:e}']", case.low(x), case.high(x)));
    let text = format!(
        "property = 'output-region'\nunits = 'raw'\ncopies = 2\nunsafe = [[{}]]\n[[input]]\nbox = [{}]\n{}\n",
        rows.join(", "),
        sides.collect::<Vec<_>>().join(", "),
        conditions(&mut draw, &gaps)
    );
    let spec = spec(&text);
    let lowered = Lowered::new(&spec, &case.model, None, &[]).unwrap();
    let (blocks, _) = lowered.blocks().unwrap();
    let obligation = lowered.obligation(0).unwrap();
    let is_reached = some.iter().any(|pair| {
        obligation.region.contains(&Point::from_floats(&pair.concat()).unwrap())
            && blocks.iter().any(|block| block.contains(&outputs(&case.model, pair)))
    });
    let mut proofs = vec![Proof::linear(Vec::new())];
    if let Some(box_) = obligation.region.standardised(&case.model.schema) {
        for _ in 0..4 {
            let text = tree(&mut draw, box_.sides().to_vec(), &mlp(&case.model).layers, 0);
            proofs.push(Proof::split(SplitTree::parse(&text).unwrap(), vec![]));
        }
    }
    count_proved(&case.model, &lowered, &proofs, is_reached, &format!("{seed}: {text}"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bound_copies_that_are_proved_apart_are_apart(seed: u64) {
        checked(seed)?;
    }
}

#[test]
fn proofs_of_bound_copies_are_not_rare() {
    let proved: usize = (0..300).map(|seed| checked(seed).unwrap()).sum();
    assert!(proved > 300, "{proved}");
}

/// `m = relu(x₀ + x₁) + relu(x₀ − x₁)`, its slope along x₀ between 0 and 2, along x₁ between −1 and 1.
fn tent() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 1.0, 1.0, -1.0], bias: vec![0.0, 0.0], inputs: 2 },
        Layer { weights: vec![0.0, 0.0, 1.0, 1.0], bias: vec![0.0, 0.0], inputs: 2 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// Whether rule and tree prove that pairs with `x′₀ − x₀` in the gap and `x₁ = x′₁` keep out of the rows.
fn said(rule: &str, (least, most): (&str, &str), rows: &str) -> Result<bool, String> {
    let text = format!(
        "property = 'output-region'\ncopies = 2\nunsafe = [[{rows}]]\n[[input]]\nbox = [['-1', '1'], ['-1', '1']]\n\
         rows = [{{x = ['-2', '0', '2', '0'], rhs = '{most}'}}, {{x = ['2', '0', '-2', '0'], rhs = '{least}'}}, \
         {{x = ['0', '1', '0', '-1'], rhs = '0'}}, {{x = ['0', '-1', '0', '1'], rhs = '0'}}]\n"
    );
    let (model, spec) = (tent(), spec(&text));
    let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
    let proof = match rule {
        "interval" => Proof::interval(),
        "linear" => Proof::linear(Vec::new()),
        tree => Proof::split(SplitTree::parse(tree).unwrap(), Vec::new()),
    };
    let found = BOTH.map(|arithmetic| {
        let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, &proof);
        verdict.map(|verdict| matches!(verdict, Verdict::Proved(_))).map_err(|e| e.to_string())
    });
    assert_eq!(found[0], found[1], "{rule} {rows}");
    found[0].clone()
}

fn proves(rule: &str, gap: (&str, &str), rows: &str) -> bool {
    said(rule, gap, rows).unwrap()
}

/// Bounded each on its own, the copies may differ by as much as `m` does over the box; their difference
/// by what the gap between `x₀` and `x′₀` can do.
#[test]
fn lines_of_the_difference_see_what_two_copies_have_in_common() {
    let risen = "{y = ['1', '-1', '-1', '1'], rhs = '-0.0001'}";
    // x′₀ >= x₀: m′ − m cannot be below 0
    assert!(proves("linear", ("0", "100"), risen));
    assert!(!proves("linear", ("0.01", "100"), risen), "x′₀ may be less");
    assert!(!proves("interval", ("0", "100"), risen), "no line is drawn");
    assert!(!proves("i0:0x0p0 I I", ("0", "100"), risen));
    // the same inputs have the same outputs
    assert!(proves("linear", ("0", "0"), "{y = ['0', '1', '0', '-1'], rhs = '-1e-300'}"));
    assert!(!proves("linear", ("0", "0"), "{y = ['0', '1', '0', '-1'], rhs = '0'}"));
    // along x₀ by at most ½·0.2: by at most 0.2
    let moved = |rhs: &str| format!("{{y = ['0', '1', '0', '-1'], rhs = '-{rhs}'}}");
    assert!(proves("linear", ("0", "0.2"), &moved("0.2001")));
    assert!(!proves("linear", ("0", "0.2"), &moved("0.1999")));
    // a sum of both: 3·f₁ − f₁′ = 2·f₁ − Δ, where Δ <= 0.2
    assert!(proves("linear", ("0", "0.2"), "{y = ['0', '3', '0', '-1'], rhs = '-0.2001'}"));
    // a sign is of its own copy: in both cases m′ may be above m by 0.2, or by 0.1 where x is off
    for tree in ["r0.0 L L", "1/r0.0 L L", "r0.0 1/r0.0 L L L", "i0:0x0p0 L 1/i0:0x0p0 L L"] {
        assert!(!proves(tree, ("0", "0.2"), &moved("0.1999")), "{tree}");
        assert!(proves(tree, ("0", "0.2"), &moved("0.2001")), "{tree}");
    }
}

/// `x₀` and `x′₀` are cut together: what is left of one bounds the other, and a cut beyond is refused.
#[test]
fn a_cut_of_one_copy_cuts_the_other() {
    let some = "{y = ['0', '1', '0', '-1'], rhs = '-9'}";
    for (tree, is_inside) in [
        ("i0:0x0p0 1/i0:-0x1p-1 L L L", true),
        ("i0:0x0p0 1/i0:0x1p-1 L L L", false),
        ("i0:0x0p0 L 1/i0:-0x1p-1 L L", false),
        ("1/i0:0x0p0 i0:0x1p-1 L L L", false),
        ("1/i0:0x0p0 L i0:0x1p-1 L L", true),
        ("i1:0x0p0 1/i1:0x1p-1 L L L", false),
    ] {
        assert_eq!(said(tree, ("0", "0.2"), some).is_ok(), is_inside, "{tree}");
    }
    // x′₀ <= x₀ + 0.1
    assert!(said("i0:0x0p0 1/i0:0x1.9p-4 L L L", ("100", "0.2"), some).is_ok());
    assert!(said("i0:0x0p0 1/i0:0x1.ap-4 L L L", ("100", "0.2"), some).is_err());
}

/// All neurons are off at `x` and may be on at `x′`, 1 to 1.2 further on: `f₁` rises by at most 1.4, from 0.
#[test]
fn each_copy_has_neurons_of_its_own() {
    let proves = |rise: &str, is_back: bool| {
        let [first, second] = ["['-1', '-0.5'], ['0', '0']", "['-0.5', '1'], ['0', '0']"];
        // backwards the copies change places
        let (sides, y, gap) = match is_back {
            false => (format!("{first}, {second}"), "'0', '1', '0', '-1'", ["1.2", "-1"]),
            true => (format!("{second}, {first}"), "'0', '-1', '0', '1'", ["-1", "1.2"]),
        };
        let text = format!(
            "property = 'output-region'\ncopies = 2\nunsafe = [[{{y = [{y}], rhs = '-{rise}'}}]]\n\
             [[input]]\nbox = [{sides}]\nrows = [{{x = ['-1', '0', '1', '0'], rhs = '{}'}}, \
             {{x = ['1', '0', '-1', '0'], rhs = '{}'}}]\n",
            gap[0], gap[1]
        );
        let (model, spec) = (tent(), spec(&text));
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let found = BOTH.map(|arithmetic| {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let verdict = kernel.check(0, &Proof::linear(Vec::new()));
            matches!(verdict, Ok(Verdict::Proved(_)))
        });
        assert_eq!(found[0], found[1], "{rise} {is_back}");
        found[0]
    };
    for is_back in [false, true] {
        assert!(!proves("1.3999", is_back));
        assert!(!proves("0.5", is_back));
        assert!(proves("2.0001", is_back), "a copy alone tells as much");
    }
}
