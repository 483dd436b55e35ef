//! Rounds of every generator on planted targets: points are valid, budgets are kept, moves go where they should.

use std::collections::BTreeMap;

use crate::dataset::ValidBox;
use crate::model::{Family, argmax, softmax};
use crate::oracle::{Oracle, Response, bits};
use crate::steal::tests::{knowledge, linear_target, monotone_target, rows};
use crate::steal::{
    Attack, AttackName, AttackSpec, Classifier, Inference, Knowledge, Labelled, Source, StealLoop,
    Substitute, SubstituteOptions,
};

use super::jacobian::{Steps, loss, loss_slopes};
use super::*;

fn small() -> SubstituteOptions {
    SubstituteOptions { hidden: vec![12], epochs: 120, trees: 10, ..Default::default() }
}

fn steal(
    model: &crate::model::Model,
    generator: Generator,
    seeds: usize,
    queries: usize,
) -> (Substitute, usize) {
    let valid = ValidBox::new(&model.schema);
    let seeds = rows(model, seeds, 1);
    let known = knowledge(model, &valid, &seeds, &[]);
    let mut oracle = Oracle::new(model, None, Response::Label, queries, 0);
    let attack =
        StealLoop { generator, inference: Inference::None, cap_factor: 1, substitute: small() };
    let substitute = attack.steal(&mut oracle, &known, 7).unwrap();
    (substitute, oracle.queries())
}

fn generators() -> Vec<Generator> {
    let jacobian =
        |against| Generator::Jacobian { epsilon: 0.8, steps: 5, difference: 0.01, against };
    vec![
        Generator::LineSearch { radius: 10.0, stop: 0.1, local: false },
        Generator::LineSearch { radius: 10.0, stop: 0.1, local: true },
        jacobian(false),
        jacobian(true),
        Generator::Committee { radius: 0.5, members: 3, candidates: 50, batch: 10 },
    ]
}

#[test]
fn every_point_is_valid_and_distinct_and_the_budget_is_used_exactly() {
    for model in [monotone_target(), linear_target()] {
        let valid = ValidBox::new(&model.schema);
        for generator in generators() {
            let (substitute, queries) = steal(&model, generator.clone(), 20, 70);
            let points = &substitute.sample.points;
            assert!(points.iter().all(|p| valid.contains(&p.values)), "{generator:?}");
            let distinct: std::collections::BTreeSet<_> =
                points.iter().map(|p| bits(&p.values)).collect();
            assert_eq!((distinct.len(), queries), (points.len(), points.len()));
            assert_eq!(queries, 70, "{} on {}", generator.name(), model.family_name());
            assert_eq!(steal(&model, generator, 20, 70).0, substitute, "the seed decides");
        }
    }
}

#[test]
fn line_search_comes_close_to_the_boundary() {
    let model = linear_target();
    let near = |values: &[f64]| model.margin(values).abs() < 0.4;
    let search = Generator::LineSearch { radius: 10.0, stop: 0.1, local: false };
    let (searched, _) = steal(&model, search, 0, 80);
    let (random, _) = steal(&model, Generator::Uniform { radius: 10.0 }, 0, 80);
    let count = |one: &Substitute| one.sample.points.iter().filter(|p| near(&p.values)).count();
    assert!(count(&searched) > 2 * count(&random) + 5, "{} {}", count(&searched), count(&random));
    // a quarter of the budget is random, in the order of the same stream
    let first = |one: &Substitute| one.sample.points[..20].to_vec();
    assert_eq!(first(&searched), first(&random));
}

#[test]
fn a_pair_costs_the_logarithm_of_its_distance() {
    // one real feature decides: labels of a pair are bisected without rounding
    let model = linear_target();
    let search = Generator::LineSearch { radius: 10.0, stop: 0.1, local: false };
    let (searched, _) = steal(&model, search, 0, 40);
    let points = &searched.sample.points;
    let [a, b] = [0, 1].map(|label| points[..10].iter().find(|p| p.label == label));
    assert!(a.is_some() && b.is_some());
    let most = (distance(&model.schema, &[0.0; 3], &[10.0; 3]) / 0.1).log2().ceil() as usize;
    // within so many queries some point lies within the stop of one of the other label
    let close = |p: &Labelled, q: &Labelled| {
        p.label != q.label && distance(&model.schema, &p.values, &q.values) <= 0.6
    };
    let found = &points[..10 + most];
    assert!(found.iter().any(|p| found.iter().any(|q| close(p, q))));
}

#[test]
fn the_slope_of_the_loss_is_its_central_difference() {
    let (substitute, _) = steal(&linear_target(), Generator::Uniform { radius: 10.0 }, 0, 60);
    let Classifier::Model(model) = substitute.classifier else { panic!("two classes") };
    let Family::Mlp(mlp) = &model.family else { panic!("a network") };
    let at = |z: &[f64], label: usize| -softmax(&mlp.forward(&1.0, z.to_vec()))[label].ln();
    for (z, label) in [([3.3, 4.2, 5.1], 0), ([8.7, 1.9, 2.2], 1), ([5.2, 6.4, 7.7], 1)] {
        let slopes = loss_slopes(mlp, &z, label);
        assert!((loss(&mlp.forward(&1.0, z.to_vec()), label) - at(&z, label)).abs() < 1e-9);
        for (index, slope) in slopes.iter().enumerate() {
            let h = 1e-6;
            let shifted = |by: f64| {
                let mut z = z;
                z[index] += by;
                at(&z, label)
            };
            let difference = (shifted(h) - shifted(-h)) / (2.0 * h);
            assert!((slope - difference).abs() < 1e-5, "{index}: {slope} or {difference}");
        }
    }
}

#[test]
fn jacobian_doubles_the_sample_and_moves_within_epsilon_where_the_loss_is_larger() {
    let model = linear_target();
    let jacobian = Generator::Jacobian { epsilon: 0.8, steps: 5, difference: 0.01, against: false };
    let (stolen, queries) = steal(&model, jacobian, 20, 40);
    let points = &stolen.sample.points;
    assert_eq!((points.len(), queries), (40, 40));
    for (base, moved) in points[..20].iter().zip(&points[20..]) {
        let most = base.values.iter().zip(&moved.values).map(|(x, y)| (x - y).abs());
        // the whole feature is rounded, by half at most
        assert!(most.fold(0.0, f64::max) <= 1.0, "{base:?} {moved:?}");
    }
    let of = |label: usize| {
        points[..20].iter().zip(&points[20..]).filter(move |(b, _)| b.label == label)
    };
    // `a` speaks for class 1: against it when the label is 1
    let falls = of(1).filter(|(base, moved)| moved.values[0] <= base.values[0]).count();
    assert!(falls * 10 >= of(1).count() * 8, "{falls} of {}", of(1).count());
    assert_eq!(stolen.sample.moves.gradient, 20);
}

/// A step function: at a small distance nothing changes, and the point must move all the same.
/// The facts of a round after these points, with ten queries left.
fn view<'v>(
    known: &'v Knowledge,
    (points, places): (&'v [Labelled], &'v BTreeMap<Vec<u64>, usize>),
    substitute: &'v SubstituteOptions,
) -> View<'v> {
    View { known, trends: &[], points, places, remaining: 10, substitute, seed: 0 }
}

#[test]
fn differences_of_a_step_function_double_or_jump_to_a_threshold() {
    let model = monotone_target();
    let jacobian = Generator::Jacobian { epsilon: 0.5, steps: 5, difference: 1e-4, against: false };
    let (stolen, _) = steal(&model, jacobian, 20, 70);
    let moves = stolen.sample.moves;
    assert!(moves.doubled > 0, "{moves:?}");
    assert_eq!(moves.none, 0, "{moves:?}");

    let valid = ValidBox::new(&model.schema);
    let known = knowledge(&model, &valid, &[], &[]);
    let (points, places, substitute) = (Vec::new(), Default::default(), small());
    let view = view(&known, (&points, &places), &substitute);
    let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
    let search = zoo::Differences::new(&view, &model, ensemble);
    // the whole feature stands at no threshold
    let values = vec![4.5, 0.0, 1.0];
    let label = argmax(&model.scores(&values), model.tie);
    let base = Labelled { values, label, source: Source::Paid, posterior: None };
    // sides of no width leave no room to double
    let steps = Steps { epsilon: 0.5, steps: 5, difference: 1e-4, sign: 1.0 };
    let mut counts = MoveCounts::default();
    let moved = search.moved(&steps, &base, &[(0.0, 0.0); 3], &mut counts);
    assert_eq!((counts.threshold, valid.contains(&moved)), (1, true));
    let changed = moved.iter().zip(&base.values).filter(|(x, y)| x != y).count();
    let at = |x: &[f64]| loss(&model.scores(x), base.label);
    assert!(changed == 1 && at(&moved) > at(&base.values), "{moved:?}");
}

#[test]
fn a_committee_asks_where_its_members_disagree() {
    let constant = |class: usize| Classifier::Constant { class, classes: 2 };
    let split = committee::disagreement(&[constant(0), constant(1)], &[0.0; 3]);
    assert!((split - 2f64.ln()).abs() < 1e-12);
    assert_eq!(committee::disagreement(&[constant(1), constant(1)], &[0.0; 3]), 0.0);

    let model = linear_target();
    let valid = ValidBox::new(&model.schema);
    let known = knowledge(&model, &valid, &[], &[]);
    let labelled = |row: crate::model::Row| {
        let (values, label) = (row.values, row.label);
        Labelled { values, label, source: Source::Paid, posterior: None }
    };
    let points: Vec<Labelled> = rows(&model, 20, 1).into_iter().map(labelled).collect();
    let (places, substitute) = (Default::default(), small());
    let view = view(&known, (&points, &places), &substitute);
    let members = committee::train(&view, 3).unwrap();
    let mean = |candidates: usize| {
        let generator = Generator::Committee { radius: 0.5, members: 3, candidates, batch: 10 };
        let mut rng = crate::steal::stream(5, crate::steal::StealStream::Points);
        let asked = committee::disputed(&view, &generator, 10, &mut rng).unwrap();
        assert_eq!(asked.len(), 10);
        asked.iter().map(|point| committee::disagreement(&members, point)).sum::<f64>() / 10.0
    };
    assert!(mean(300) > 1.5 * mean(10), "{} {}", mean(300), mean(10));
}

/// Every file of `attacks/` is read, and its comment says what it is.
#[test]
fn the_files_of_attacks_are_attacks_and_every_name_has_one() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.starts_with("# "), "{text}");
        let spec = AttackSpec::read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(AttackSpec::read(spec.to_toml().as_bytes()).unwrap(), spec);
        names.push(spec.attack);
    }
    assert!(AttackName::ALL.iter().all(|name| names.contains(name)), "{names:?}");
}
