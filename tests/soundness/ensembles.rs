//! Verdicts on ensembles against all cells of a grid.

use std::collections::BTreeMap;

use propcert::certificate::{Cut, Kernel, Leaf, Proof, Shift, SplitTree, Step, Verdict};
use propcert::model::{Family, Kind, Model, Node, Tree};
use propcert::spec::Lowered;
use proptest::prelude::*;

use crate::cases::forests::{grid, random_ensemble, wholes};
use crate::cases::{self, BOTH, battery, ensemble, row, spec, split};
use crate::{Draw, config};

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
            let verdict = kernel.check(0, &Proof::interval()).unwrap();
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

    /// Any shares give a bound; none give that of the box rule.
    #[test]
    fn shares_are_sound_whatever_they_are(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let classes = 2 + draw.index(2);
        let model = random_ensemble(&mut draw, classes);
        let label = draw.index(classes);
        let text = "property = 'label'\nepsilon = '9'\nsemantics = 'real'\nunits = 'raw'\nintegers = 'relax'";
        let spec = spec(text);
        let rows = [row(&vec![1.0; model.schema.len()], label)];
        let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
        let sides = vec![(0.0, 3.0, false); model.schema.len()];
        let all = grid(&sides).iter().all(|x| model.label(x) == label);
        let is_proved = |proof: &Proof| BOTH.map(|arithmetic| {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            matches!(kernel.check(0, proof).unwrap(), Verdict::Proved(_))
        });
        let none = Proof::TreeDual { shifts: vec![Vec::new(); classes - 1] };
        prop_assert_eq!(is_proved(&none), is_proved(&Proof::interval()));
        for _ in 0..8 {
            let proof = Proof::TreeDual { shifts: random_shifts(&model, &mut draw) };
            let [rounded, exact] = is_proved(&proof);
            prop_assert!(rounded == exact && (!rounded || all), "{proof:?}");
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
            let proof = Proof::split(tree.clone(), Vec::new());
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
            let bare = kernel.check(0, &Proof::jumps(BTreeMap::new())).unwrap();
            prop_assert!(!(matches!(bare, Verdict::Proved(_)) && (falls || !never_against)));
            let full = kernel.check(0, &Proof::jumps(trees.clone())).unwrap();
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
        let pairs = Proof::tree_pairs(Default::default());
        for arithmetic in BOTH {
            let kernel = Kernel::new(&model, &lowered, arithmetic);
            let is_proved = matches!(kernel.check(0, &pairs).unwrap(), Verdict::Proved(_));
            prop_assert!(!(is_proved && fails));
        }
    }
}

/// What a share takes from a leaf that lies on both sides of a cut counts, not what it leaves it on one.
#[test]
fn a_leaf_on_both_sides_of_a_cut_has_its_least_share() {
    let step =
        Tree { output: 0, nodes: vec![split(0, 1.0, 1, 2), Node::Leaf(1.0), Node::Leaf(-1.0)] };
    let level = Tree { output: 0, nodes: vec![Node::Leaf(0.5)] };
    let model = ensemble(&[Kind::Real], (0.0, 3.0), vec![0.0], vec![step, level]);
    let spec = spec("property = 'label'\nepsilon = '9'\nsemantics = 'real'\nunits = 'raw'");
    let rows = [row(&[0.0], 1)];
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    let two = 2 << 20;
    // the step is filled up, and the level pays for it beyond the cut
    let proof = Proof::TreeDual { shifts: vec![vec![(0, 0, 0, two), (1, 0, 0, -two)]] };
    for arithmetic in BOTH {
        let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, &proof).unwrap();
        assert!(!matches!(verdict, Verdict::Proved(_)), "the margin is −½ at 2");
    }
}

/// Steps of a quarter or a half at some of the places there are, one list per rival.
fn random_shifts(model: &Model, draw: &mut Draw) -> Vec<Vec<Shift>> {
    let Family::Ensemble(ensemble) = &model.family else { unreachable!() };
    let cells = propcert::model::Cells::new(ensemble, &vec![false; model.schema.len()]);
    let mut list = || {
        let mut shifts = Vec::new();
        for tree in 0..ensemble.trees.len() {
            for feature in 0..model.schema.len() {
                for cut in 0..cells.thresholds(propcert::model::Feature(feature)).len() {
                    if draw.is_heads() {
                        let step = (draw.index(5) as i64 - 2) << 18;
                        shifts.push((tree, feature, cut, step));
                    }
                }
            }
        }
        shifts
    };
    (1..model.classes).map(|_| list()).collect()
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
        steps.push(Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None });
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

pub fn full_split(boxes: &[(usize, usize)]) -> SplitTree {
    full_split_except(boxes, None)
}

/// A full split of the other features for every counted threshold of `feature`.
pub fn full_jumps(model: &Model, feature: usize, whole: &[bool]) -> BTreeMap<usize, SplitTree> {
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
