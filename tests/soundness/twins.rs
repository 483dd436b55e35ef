//! Claims about two points of an ensemble against all points of a grid. Rule `tree-pairs` with every cut
//! there is decides them, so it must come to what the points say; so must the search, by fewer cuts.

use std::collections::BTreeMap;

use propcert::certificate::{Kernel, Proof, SplitTree, Step, Verdict};
use propcert::model::{Family, Model, Point, Row, Tie, Tree};
use propcert::spec::Lowered;
use proptest::prelude::*;

use crate::cases::forests::{full_pairs, grid, random_ensemble, wholes};
use crate::cases::{BOTH, row, spec};
use crate::{Draw, config};

/// Whether each obligation is proved when everything is cut.
fn proved(model: &Model, text: &str, rows: &[Row]) -> Vec<bool> {
    let spec = spec(text);
    let lowered = Lowered::new(&spec, model, None, rows).unwrap();
    let [rounded, exact] = BOTH.map(|arithmetic| {
        let kernel = Kernel::new(model, &lowered, arithmetic);
        let is_proved = |at: usize| {
            let obligation = lowered.obligation(at).unwrap();
            let full = full_pairs(&kernel, &obligation);
            let is_proved = |proof| matches!(kernel.check(at, proof), Ok(Verdict::Proved(_)));
            let bare = Proof::tree_pairs(BTreeMap::new());
            assert!(is_proved(&full) || !is_proved(&bare), "{text}");
            is_proved(&full)
        };
        (0..kernel.len()).map(is_proved).collect::<Vec<_>>()
    });
    assert_eq!(rounded, exact);
    #[cfg(feature = "full")]
    assert_eq!(rounded, searched(model, text, rows), "{text}");
    rounded
}

/// The same by the search, which leaves nothing open: what it does not prove it refutes.
#[cfg(feature = "full")]
fn searched(model: &Model, text: &str, rows: &[Row]) -> Vec<bool> {
    use propcert::certificate::{Line, Subject};
    use propcert::certify::{Options, Searcher};
    use propcert::model::Digest;

    let spec = spec(text);
    let lowered = Lowered::new(&spec, model, None, rows).unwrap();
    let digest = Digest::of(b"any");
    let subject = Subject { model: (model, digest), spec: &spec, data: None, defense: None };
    let options = Options { budget_nodes: 1_000_000, ..Options::default() };
    let searcher = Searcher::new(subject, &lowered, rows, options);
    let mut lines: Vec<Line> = Vec::new();
    let keep = |line: &Line, _: &_| {
        lines.push(line.clone());
        Ok(())
    };
    searcher.run(0, keep).unwrap();
    let kernel = Kernel::new(model, &lowered, BOTH[1]);
    let verdict = |line: &Line| match kernel.check(line.at, &line.proof) {
        Ok(Verdict::Proved(_)) => true,
        Ok(Verdict::Refuted(_)) => false,
        other => panic!("{text}\n{:?}: {other:?}", line.proof),
    };
    lines.iter().map(verdict).collect()
}

/// Some points are a counterexample to obligation `at` if and only if `violates` says so.
fn expect_witnesses(
    scene: &Scene,
    text: &str,
    at: usize,
    draw: &mut Draw,
    sets: &[&[Vec<f64>]],
    violates: impl Fn(&[Vec<f64>]) -> bool,
) {
    let spec = spec(text);
    let lowered = Lowered::new(&spec, &scene.model, None, &[]).unwrap();
    let kernel = Kernel::new(&scene.model, &lowered, BOTH[0]);
    for _ in 0..20 {
        let mut points: Vec<Vec<f64>> = sets.iter().map(|set| draw.pick(set).unwrap()).collect();
        if let [first, second] = points.as_mut_slice() {
            // points that differ everywhere are bound by few claims
            let pairs = first.iter().zip(second);
            pairs.filter(|_| draw.below(3) > 0).for_each(|(x, y)| *y = *x);
        }
        let texts = points.iter().map(|point| Point::texts(point)).collect();
        let verdict = kernel.check(at, &Proof::Counterexample { points: texts }).unwrap();
        let is_refuted = matches!(verdict, Verdict::Refuted(_));
        assert_eq!(is_refuted, violates(&points), "{text}\n{points:?}");
    }
}

/// A model and what its points are: coordinates of quarters, or whole numbers.
struct Scene {
    model: Model,
    whole: Vec<bool>,
    integers: &'static str,
}

impl Scene {
    fn new(draw: &mut Draw) -> Self {
        let mut model = random_ensemble(draw, 2);
        // all pairs of points are looked at
        while model.schema.len() > 2 {
            model = random_ensemble(draw, 2);
        }
        model.tie = [Tie::Lower, Tie::Upper][draw.index(2)];
        let respect = draw.is_heads();
        let whole = wholes(&model, respect);
        Self { model, whole, integers: if respect { "respect" } else { "relax" } }
    }

    /// All points of `[low, high]`; whole ones where a feature is whole.
    fn points(&self, low: f64, high: f64) -> Vec<Vec<f64>> {
        let sides: Vec<_> = self.whole.iter().map(|&whole| (low, high, whole)).collect();
        grid(&sides)
    }

    fn trees(&self) -> &[Tree] {
        let Family::Ensemble(ensemble) = &self.model.family else { panic!("an ensemble") };
        &ensemble.trees
    }

    /// Some of the trees alone.
    fn part(&self, trees: &[usize]) -> Model {
        let mut part = self.model.clone();
        let Family::Ensemble(ensemble) = &mut part.family else { panic!("an ensemble") };
        ensemble.trees = trees.iter().map(|&tree| self.trees()[tree].clone()).collect();
        part
    }

    fn spec(&self, property: &str, rest: &str) -> String {
        format!("property = '{property}'\nunits = 'raw'\nintegers = '{}'\n{rest}", self.integers)
    }
}

fn sigma(m: f64) -> f64 {
    1.0 / (1.0 + (-m).exp())
}

/// `‖F − F′‖₂`
fn apart(m: f64, n: f64) -> f64 {
    std::f64::consts::SQRT_2 * (sigma(m) - sigma(n)).abs()
}

/// A bound that no difference of multiples of ⅛ meets.
fn odd(draw: &mut Draw, most: f64) -> f64 {
    (draw.index(40) as f64 + 0.37) / 40.37 * most
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn small_neighborhoods(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let scene = Scene::new(&mut draw);
        let reach = [0.5, 1.0, 1.5][draw.index(3)];
        let on_score = draw.is_heads();
        // on the score equality is met as well
        let bound = if on_score { draw.index(25) as f64 / 8.0 } else { odd(&mut draw, 1.2) };
        let on = if on_score { "score" } else { "posterior" };
        let text = scene.spec("small-neighborhood", &format!(
            "epsilon = '{reach}'\nconstant = '{}'\non = '{on}'", bound / reach));
        // constants must be exact decimals
        let constant = bound / reach;
        prop_assume!(!on_score || (constant * 1024.0).fract() == 0.0);
        let points = scene.points(0.0, 3.0);
        let margins: Vec<f64> = points.iter().map(|x| scene.model.margin(x)).collect();
        let agrees = |x: &[f64], y: &[f64], m: f64, n: f64| {
            let d = x.iter().zip(y).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            if on_score {
                d > reach || (m - n).abs() <= bound
            } else {
                d >= reach || apart(m, n) < constant * reach
            }
        };
        let pairs = || points.iter().zip(&margins);
        let holds = pairs().all(|(x, &m)| pairs().all(|(y, &n)| agrees(x, y, m, n)));
        expect_witnesses(&scene, &text, 0, &mut draw, &[&points, &points], |pair| {
            let [m, n] = [&pair[0], &pair[1]].map(|x| scene.model.margin(x));
            !agrees(&pair[0], &pair[1], m, n)
        });
        prop_assert_eq!(proved(&scene.model, &text, &[]), [holds], "{}", text);
    }

    /// A bound on the change that is shared out among the trees holds exactly where each share does.
    #[test]
    fn sums_of_parts(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let scene = Scene::new(&mut draw);
        let reach = [0.5, 1.0, 1.5][draw.index(3)];
        let points = scene.points(0.0, 3.0);
        let near =
            |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(p, q)| (p - q).abs() <= reach);
        let largest = |trees: &[usize]| {
            let part = scene.part(trees);
            let scored: Vec<_> = points.iter().map(|x| (x, part.margin(x))).collect();
            let pairs = scored.iter().flat_map(|one| scored.iter().map(move |other| (one, other)));
            let close = pairs.filter(|((x, _), (y, _))| near(x, y));
            close.map(|((_, m), (_, n))| m - n).fold(0.0, f64::max)
        };
        let mut named: [Vec<usize>; 3] = Default::default();
        (0..scene.trees().len()).for_each(|tree| named[draw.index(3)].push(tree));
        // some an eighth too low
        let shares = named.each_ref().map(|trees| {
            largest(trees) + [-0.125, 0.0, 0.0, 0.125][draw.index(4)]
        });
        let bound: f64 = shares.iter().sum();
        prop_assume!(bound >= 0.0 && (bound / reach * 1024.0).fract() == 0.0);
        let holds = named.iter().zip(shares).all(|(trees, most)| largest(trees) <= most);
        let constant = bound / reach;
        let text = scene.spec(
            "small-neighborhood",
            &format!("epsilon = '{reach}'\nconstant = '{constant}'\non = 'score'"),
        );
        let spec = spec(&text);
        let lowered = Lowered::new(&spec, &scene.model, None, &[]).unwrap();
        for arithmetic in BOTH {
            let kernel = Kernel::new(&scene.model, &lowered, arithmetic);
            let obligation = lowered.obligation(0).unwrap();
            let whole = full_pairs(&kernel, &obligation);
            let (full, _) = whole.as_split().expect("one question");
            let verdict = |sums: [(f64, &Vec<usize>); 2]| {
                let [first, second] =
                    sums.map(|(most, trees)| [Step::Sum { most, trees: trees.clone() }]);
                let full = full.steps();
                let steps = [&first[..], full, &second[..], full, full].concat();
                let tree = SplitTree::new(steps).unwrap();
                kernel.check(0, &Proof::split(tree, vec![]))
            };
            let shown = verdict([(shares[0], &named[0]), (shares[1], &named[1])]);
            prop_assert_eq!(matches!(shown, Ok(Verdict::Proved(_))), holds, "{} {:?}", text, shares);
            // a tree that is named has left the others
            if !named[0].is_empty() {
                let shown = verdict([(shares[0], &named[0]), (shares[1], &named[0])]);
                prop_assert!(shown.is_err(), "{:?}", shown);
                // and is named once
                let last = named[0].last().copied();
                let twice: Vec<usize> = named[0].iter().copied().chain(last).collect();
                let shown = verdict([(shares[0], &twice), (shares[1], &named[1])]);
                prop_assert!(shown.is_err(), "{:?}", shown);
            }
        }
    }

    #[test]
    fn stability(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let scene = Scene::new(&mut draw);
        let on_score = draw.is_heads();
        let bound = if on_score { draw.index(17) as f64 / 8.0 } else { odd(&mut draw, 1.0) };
        let on = if on_score { "score" } else { "posterior" };
        let features: Vec<usize> = (0..scene.whole.len()).collect();
        let text = scene.spec("stability", &format!("features = {features:?}\nbound = '{bound}'\non = '{on}'"));
        let points = scene.points(0.0, 3.0);
        let agrees = |moved: usize, x: &[f64], y: &[f64]| {
            let is_step = (0..x.len()).all(|i| i == moved || x[i] == y[i]);
            let (m, n) = (scene.model.margin(x), scene.model.margin(y));
            !is_step || if on_score { (m - n).abs() <= bound } else { apart(m, n) <= bound }
        };
        let holds: Vec<bool> = features.iter().map(|&moved| {
            points.iter().all(|x| points.iter().all(|y| agrees(moved, x, y)))
        }).collect();
        for moved in features {
            expect_witnesses(&scene, &text, moved, &mut draw, &[&points, &points], |pair| {
                !agrees(moved, &pair[0], &pair[1])
            });
        }
        prop_assert_eq!(proved(&scene.model, &text, &[]), holds, "{}", text);
    }

    #[test]
    fn confident_answers(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let scene = Scene::new(&mut draw);
        let features = scene.whole.len();
        let (confidence, cutoff) = ([0.55, 0.7, 0.8][draw.index(3)], [0.5, 0.4, 0.6][draw.index(3)]);
        let score = |p: f64| if p == 0.5 { 0.0 } else { (p / (1.0 - p)).ln() };
        let (floor, least) = (score(confidence), score(cutoff));
        let (low, high) = [(0.0, 3.0), (1.0, 2.0), (0.5, 5.0)][draw.index(3)];
        let is_group = draw.is_heads();
        let group: Vec<usize> = (0..features).filter(|_| draw.is_heads()).chain([0]).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let text = if is_group {
            scene.spec("redundancy", &format!("groups = [{group:?}]\nconfidence = '{confidence}'\ncutoff = '{cutoff}'"))
        } else {
            scene.spec("high-confidence", &format!("features = [0]\nconfidence = '{confidence}'\ncutoff = '{cutoff}'\nrange = ['{low}', '{high}']"))
        };
        let points = scene.points(0.0, 3.0);
        let is_moved = |i: usize| if is_group { group.contains(&i) } else { i == 0 };
        let agrees = |x: &[f64], y: &[f64]| {
            let is_change = (0..x.len()).all(|i| is_moved(i) || x[i] == y[i])
                && (is_group || (low <= y[0] && y[0] <= high));
            !is_change || scene.model.margin(x) < floor || scene.model.margin(y) >= least
        };
        let holds = points.iter().all(|x| points.iter().all(|y| agrees(x, y)));
        expect_witnesses(&scene, &text, 0, &mut draw, &[&points, &points], |pair| {
            !agrees(&pair[0], &pair[1])
        });
        prop_assert_eq!(proved(&scene.model, &text, &[]), [holds], "{}", text);
    }

    #[test]
    fn the_boundary_property(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let scene = Scene::new(&mut draw);
        let shift = [0.25, 0.5, 1.0][draw.index(3)];
        let is_ball = draw.is_heads();
        let shift = if is_ball { shift * 2.0 } else { shift };
        let epsilon = [0.02, 0.1, 0.5][draw.index(3)];
        let mu = 2.0 * f64::atanh(f64::tanh(epsilon / 2.0).sqrt());
        let zone = if is_ball { "zone = 'ball'\nzone-norm = 'linf'" } else { "" };
        let text = scene.spec("boundary-fuzz", &format!("scope = 'domain'\nshift = '{shift}'\nepsilon = '{epsilon}'\n{zone}"));
        let label = |x: &[f64]| scene.model.label(x);
        let around = Scene { model: scene.model.clone(), whole: vec![false; scene.whole.len()], integers: "" };
        let partners = if is_ball { around.points(-2.0, 5.0) } else { Vec::new() };
        let holds = scene.points(0.0, 3.0).iter().all(|x| {
            if scene.model.margin(x).abs() < mu {
                return true;
            }
            if is_ball {
                return partners.iter().all(|y| {
                    x.iter().zip(y).any(|(a, b)| (a - b).abs() > shift) || label(x) == label(y)
                });
            }
            (0..x.len()).all(|i| [shift, -shift].iter().all(|s| {
                let mut y = x.clone();
                y[i] += s;
                label(x) == label(&y)
            }))
        });
        prop_assert_eq!(proved(&scene.model, &text, &[]), [holds], "{}", text);
    }

    #[test]
    fn lipschitzness(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let scene = Scene::new(&mut draw);
        let constant = odd(&mut draw, 1.0);
        let norm = ["l1", "l2", "linf"][draw.index(3)];
        let centres: Vec<Vec<f64>> = (0..2).map(|_| scene.whole.iter().map(|_| draw.index(4) as f64).collect()).collect();
        prop_assume!(centres[0] != centres[1]);
        let rows: Vec<Row> = centres.iter().map(|centre| row(centre, 0)).collect();
        let epsilon = [0.0, 0.5, 1.0][draw.index(3)];
        let text = scene.spec("lipschitzness", &format!("epsilon = '{epsilon}'\nconstant = '{constant}'\nnorm = '{norm}'"));
        let around = |centre: &Vec<f64>| -> Vec<Vec<f64>> {
            let sides: Vec<_> = centre.iter().zip(&scene.whole).map(|(&c, &whole)| {
                let (low, high) = ((c - epsilon).max(0.0), (c + epsilon).min(3.0));
                if whole { (low.ceil(), high.floor(), true) } else { (low, high, false) }
            }).collect();
            grid(&sides)
        };
        let (first, second) = (around(&centres[0]), around(&centres[1]));
        // answers are constant from a quarter to the next or to the end of the box: what is between two
        // points may be less
        let end = |centre: &Vec<f64>, i: usize| (centre[i] + epsilon).min(3.0);
        let holds = first.iter().all(|x| second.iter().all(|y| {
            let lengths: Vec<f64> = (0..x.len()).map(|i| {
                let (a, b) = (x[i], y[i]);
                let step = if scene.whole[i] { 0.0 } else { 0.25 };
                if a < b {
                    (b - (a + step).min(end(&centres[0], i))).max(0.0)
                } else {
                    (a - (b + step).min(end(&centres[1], i))).max(0.0)
                }
            }).collect();
            let distance = match norm {
                "l1" => lengths.iter().sum::<f64>(),
                "l2" => lengths.iter().map(|l| l * l).sum::<f64>().sqrt(),
                _ => lengths.iter().fold(0.0, |a: f64, b| a.max(*b)),
            };
            apart(scene.model.margin(x), scene.model.margin(y)) <= constant * distance
        }));
        prop_assert_eq!(proved(&scene.model, &text, &rows), [holds], "{} {:?}", text, centres);
    }
}
