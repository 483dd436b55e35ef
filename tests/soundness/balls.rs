//! Balls on ensembles: what lies in the box of a ball and not in the ball is no part of the claim.

use propcert::certificate::{Kernel, Leaf, Proof, SplitTree, Step, Verdict};
use propcert::interval::Rational;
use propcert::model::{Kind, Model, Tree};
use propcert::spec::{Lowered, Norm, Semantics};
use proptest::prelude::*;

use crate::cases::forests::{random_ensemble, wholes};
use crate::cases::nearest::{Place, nearest_change};
use crate::cases::{self, BOTH, ensemble, row, spec, split};
use crate::ensembles::full_split;
use crate::{Draw, config};

/// Whether every point of the first obligation's region has the label.
fn is_kept(model: &Model, lowered: &Lowered, label: usize) -> bool {
    let region = lowered.obligation(0).unwrap().region;
    let ball = region.as_ball().unwrap();
    let ends = region.sides().iter().map(|(low, high)| (Some(low.clone()), Some(high.clone())));
    let place = Place { centre: ball.centre, weights: ball.weights, norm: ball.norm };
    let ends: Vec<_> = ends.collect();
    let limit = match ball.norm {
        Norm::L2 => ball.epsilon * ball.epsilon,
        _ => ball.epsilon.clone(),
    };
    let nearest = nearest_change(model, &place, &ends, region.is_whole(), label);
    nearest.is_none_or(|(distance, is_open)| distance > limit || (is_open && distance == limit))
}

fn cells_of(model: &Model, lowered: &Lowered) -> Vec<(usize, usize)> {
    let kernel = Kernel::new(model, lowered, BOTH[0]);
    kernel.cells(&lowered.obligation(0).unwrap()).unwrap().sides().to_vec()
}

proptest! {
    #![proptest_config(config())]

    /// A split down to single cells decides the claim on a ball, also at its rim.
    #[test]
    fn a_full_split_decides_a_ball(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let classes = 2 + draw.index(2);
        let mut model = random_ensemble(&mut draw, classes);
        let mut features = model.schema.features().to_vec();
        for feature in &mut features {
            feature.scale = [1.0, 0.5, 0.1, 3.0][draw.index(4)];
        }
        model.schema = propcert::model::Schema::new(features).unwrap();
        let respect = draw.is_heads();
        let centre: Vec<f64> = wholes(&model, respect)
            .iter()
            .map(|&whole| if whole { draw.index(4) as f64 } else { draw.index(13) as f64 / 4.0 })
            .collect();
        let label = model.label(&centre);
        let norm = ["l1", "l2", "linf"][draw.index(3)];
        let epsilon = ["0", "0.25", "0.5", "0.75", "1", "1.25", "1.5", "2"][draw.index(8)];
        let units = ["raw", "standardised"][draw.index(2)];
        let text = format!(
            "property = 'label'\nepsilon = '{epsilon}'\nnorm = '{norm}'\nsemantics = 'real'\nunits = '{units}'\nintegers = '{}'",
            if respect { "respect" } else { "relax" });
        let spec = spec(&text);
        let rows = [row(&centre, label)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        let truth = is_kept(&model, &lowered, label);
        let tree = full_split(&cells_of(&model, &lowered));
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let proof = Proof::split(tree.clone(), Vec::new());
            let is_proved = matches!(kernel.check(0, &proof).unwrap(), Verdict::Proved(_));
            prop_assert_eq!(is_proved, truth, "{} {:?}", &text, &centre);
            for proof in cases::battery(&model, &centre) {
                let is_proved = matches!(kernel.check(0, &proof), Ok(Verdict::Proved(_)));
                prop_assert!(!is_proved || truth, "{proof:?}");
            }
        }
    }
}

/// A step at 1 along the only feature, and the proof that tells its two sides apart.
fn step() -> (Model, Proof) {
    let nodes = vec![
        split(0, 1.0, 1, 2),
        propcert::model::Node::Leaf(-1.0),
        propcert::model::Node::Leaf(1.0),
    ];
    let model = ensemble(&[Kind::Real], (-4.0, 4.0), vec![0.0], vec![Tree { output: 0, nodes }]);
    let cut = propcert::certificate::Cut::Cell { copy: 0, feature: 0, number: 0 };
    let steps = vec![
        Step::Cut { cut, refresh: None },
        cases::leaf(Leaf::Interval),
        cases::leaf(Leaf::Interval),
    ];
    (model, Proof::split(SplitTree::new(steps).unwrap(), Vec::new()))
}

/// Verdicts on the ball of radius ε around `x`, which has the label of its side.
fn verdicts(x: f64, epsilon: &str, norm: &str, semantics: Semantics) -> Vec<Option<bool>> {
    let (model, proof) = step();
    let text = format!("property = 'label'\nepsilon = '{epsilon}'\nnorm = '{norm}'\nunits = 'raw'");
    let spec = propcert::spec::Spec { semantics: Some(semantics), ..spec(&text) };
    let rows = [row(&[x], model.label(&[x]))];
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    BOTH.iter()
        .map(|&arithmetic| {
            let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, &proof);
            // where the region does not reach the threshold there is nothing to cut
            verdict.ok().map(|verdict| matches!(verdict, Verdict::Proved(_)))
        })
        .collect()
}

#[test]
fn at_its_radius_a_right_hand_flip_is_in_the_ball_and_a_left_hand_one_is_not() {
    for norm in ["l1", "l2"] {
        // the threshold is 1 away on either side
        assert_eq!(verdicts(0.0, "1", norm, Semantics::Real), [Some(false); 2], "{norm}");
        assert_eq!(verdicts(2.0, "1.0000001", norm, Semantics::Real), [Some(false); 2], "{norm}");
        assert_eq!(verdicts(0.0, "0.9999999", norm, Semantics::Real), [None; 2], "{norm}");
        assert_eq!(verdicts(2.0, "1", norm, Semantics::Real), [None; 2], "{norm}");
    }
}

/// A point of the ball that rounds to the threshold falls on its other side.
#[test]
fn a_served_copy_leaves_the_ball() {
    // 1 − 2⁻³⁰ rounds to 1 as an f32
    let epsilon = Rational::from_f64(1.0 - 2f64.powi(-30)).unwrap().decimal_text().unwrap();
    for norm in ["l1", "l2", "linf"] {
        assert_eq!(verdicts(0.0, &epsilon, norm, Semantics::ServedF32), [Some(false); 2], "{norm}");
    }
}

/// Label 1 where both features lie between 1 and 2 only; the cells there are not told apart from those
/// beyond. The near corner of their box lies in the ball, the far one does not.
#[test]
fn a_box_is_as_near_as_its_nearest_corner() {
    use propcert::model::Node::Leaf as Value;
    let nodes = vec![
        split(0, 1.0, 1, 2),
        Value(-1.0),
        split(0, 2.0, 3, 4),
        split(1, 1.0, 5, 6),
        Value(-1.0),
        Value(-1.0),
        split(1, 2.0, 7, 8),
        Value(1.0),
        Value(-1.0),
    ];
    let trees = vec![Tree { output: 0, nodes }];
    let model = ensemble(&[Kind::Real, Kind::Real], (-9.0, 9.0), vec![0.0], trees);
    // the box is on the high sides of both cuts, or on the low ones
    for (x, tree) in [(0.0, "c0.0 I c1.0 I I"), (3.0, "c0.1 c1.1 I I I")] {
        for norm in ["l1", "l2"] {
            let text = format!(
                "property = 'label'\nepsilon = '2.5'\nnorm = '{norm}'\nunits = 'raw'\nsemantics = 'real'"
            );
            let spec = spec(&text);
            let rows = [row(&[x, x], 0)];
            let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
            let tree = SplitTree::parse(tree).unwrap();
            let proof = Proof::split(tree, Vec::new());
            for arithmetic in BOTH {
                let kernel = Kernel::new(&model, &lowered, arithmetic);
                let verdict = kernel.check(0, &proof).unwrap();
                assert!(!matches!(verdict, Verdict::Proved(_)), "{x} {norm}");
            }
        }
    }
}

/// The box of radii per feature, in the domain, at whole numbers where they must be.
#[test]
fn radii_per_feature_make_a_box() {
    let leaf = vec![propcert::model::Node::Leaf(1.0)];
    let kinds = [Kind::Real, Kind::Integer, Kind::Real, Kind::Real];
    let trees = vec![Tree { output: 0, nodes: leaf }];
    let model = ensemble(&kinds, (-4.0, 4.0), vec![0.0], trees);
    let names: Vec<&str> = model.schema.features().iter().map(|one| one.name.as_str()).collect();
    let text = format!(
        "property = 'label'\nunits = 'raw'\nsemantics = 'real'\nepsilon = {{ {} = '0.1', {} = '1.5', {} = '9' }}",
        names[0], names[1], names[2]
    );
    let centre = [0.25, 1.0, 3.5, -1.0];
    let (spec, rows) = (spec(&text), [row(&centre, 1)]);
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    let region = lowered.obligation(0).unwrap().region;
    assert!(region.as_ball().is_none());
    let decimal = |text: &str| text.parse::<propcert::interval::Decimal>().unwrap().value().clone();
    let ends = |low: &str, high: &str| (decimal(low), decimal(high));
    // 0.1 is a tenth, not its float; whole numbers; the domain; what is not named stays
    let expected = [ends("0.15", "0.35"), ends("0", "2"), ends("-4", "4"), ends("-1", "-1")];
    assert_eq!(region.sides(), expected);
    let holds = |texts: [&str; 4]| {
        let texts = texts.map(str::to_owned);
        region.contains(&propcert::model::Point::parse(&texts, 4).unwrap())
    };
    assert!(holds(["0.35", "2", "-4", "-1"]) && holds(["0.15", "0", "4", "-1"]));
    for outside in [
        ["0.35000000000000000001", "2", "4", "-1"],
        ["0.25", "3", "4", "-1"],
        ["0.25", "0.5", "4", "-1"],
        ["0.25", "1", "4.5", "-1"],
        ["0.25", "1", "4", "-1.0000001"],
    ] {
        assert!(!holds(outside), "{outside:?}");
    }
}
