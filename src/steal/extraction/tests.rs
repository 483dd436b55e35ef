//! Extraction is exact on targets of its kind.

use crate::dataset::ValidBox;
use crate::model::{Family, Layer, Mlp, Model};
use crate::oracle::{Oracle, Response};
use crate::steal::tests::{knowledge, linear_target, monotone_target, pitted_target, proved, rows};
use crate::steal::{Attack, Classifier, StealError, StealStream, SubstituteOptions, stream};

use super::*;

/// The target with the features that it does not use moved out of the way: `c` decides nothing.
fn two_features() -> Model {
    let mut model = monotone_target();
    if let Family::Ensemble(ensemble) = &mut model.family {
        ensemble.trees.truncate(18);
    }
    model
}

const ORDER: &str = "property = \"monotonicity\"\nfeatures = [\"a\", \"b\", \"c\"]\n\
                     direction = \"increasing\"\n";

fn extract(model: &Model, queries: usize) -> (Substitute, usize) {
    let valid = ValidBox::new(&model.schema);
    let proofs = proved(model, ORDER, &[], None);
    assert_eq!(proofs.len(), 3);
    let known = knowledge(model, &valid, &[], &proofs);
    let mut oracle = Oracle::new(model, None, Response::Label, queries, 0);
    let substitute = ThresholdSearch.steal(&mut oracle, &known, 0).unwrap();
    (substitute, oracle.queries())
}

use crate::steal::Substitute;

#[test]
fn a_monotone_ensemble_is_extracted_exactly() {
    let model = two_features();
    let (substitute, queries) = extract(&model, 20_000);
    assert!(queries < 20_000, "{queries}");
    let mut rng = stream(3, StealStream::Evaluation);
    let valid = ValidBox::new(&model.schema);
    for _ in 0..2000 {
        let mut point = valid.uniform(&mut rng);
        assert_eq!(substitute.classifier.label(&point), model.label(&point), "{point:?}");
        // at a threshold itself too
        point[0] = point[0].floor();
        assert_eq!(substitute.classifier.label(&point), model.label(&point), "{point:?}");
        point[0] = f64::from((point[0] as f32).next_down()).max(0.0);
        assert_eq!(substitute.classifier.label(&point), model.label(&point), "{point:?}");
    }
}

#[test]
fn a_budget_that_is_too_small_is_kept_and_gives_a_part() {
    let model = two_features();
    for queries in [1, 2, 7, 60] {
        let (substitute, asked) = extract(&model, queries);
        assert_eq!(asked, queries);
        assert_eq!(substitute.sample.points.len(), queries);
    }
}

/// Boxes of any shape, with nothing proved: exact away from the corners that no reference point met, thresholds to the float.
#[test]
fn an_ensemble_that_is_not_monotone_is_read_off_its_labels() {
    for model in [pitted_target(), two_features()] {
        let valid = ValidBox::new(&model.schema);
        let known = knowledge(&model, &valid, &[], &[]);
        let agreement = |queries: usize| {
            let mut oracle = Oracle::new(&model, None, Response::Label, queries, 0);
            let substitute = PathSearch.steal(&mut oracle, &known, 1).unwrap();
            assert!(oracle.queries() <= queries);
            let mut rng = stream(3, StealStream::Evaluation);
            let points = (0..2000).map(|_| valid.uniform(&mut rng));
            points.filter(|x| substitute.classifier.label(x) == model.label(x)).count()
        };
        let found = [100, 6000].map(agreement);
        assert!(found[0] < 2000, "{found:?}");
        assert_eq!(found[1], 2000, "{found:?}");
    }
}

#[test]
fn without_an_order_in_every_feature_nothing_is_extracted() {
    let model = monotone_target();
    let valid = ValidBox::new(&model.schema);
    let known = knowledge(&model, &valid, &[], &[]);
    let mut oracle = Oracle::new(&model, None, Response::Label, 10, 0);
    let refused = ThresholdSearch.steal(&mut oracle, &known, 0);
    assert_eq!(refused, Err(StealError::NotMonotone { found: 0, features: 3 }));
    assert_eq!(oracle.queries(), 0);
}

fn solve(
    model: &Model,
    queries: usize,
    (response, seed): (Response, u64),
) -> Result<(Substitute, usize), StealError> {
    let valid = ValidBox::new(&model.schema);
    let known = knowledge(model, &valid, &[], &[]);
    let known = crate::steal::Knowledge { classes: model.classes, ..known };
    let mut oracle = Oracle::new(model, None, response, queries, 0);
    let substitute = SubstituteOptions { hidden: vec![12], epochs: 200, ..Default::default() };
    let stolen = EquationSolving { substitute }.steal(&mut oracle, &known, seed)?;
    Ok((stolen, oracle.queries()))
}

#[test]
fn a_layer_is_solved_exactly_with_few_queries() {
    let mut three = linear_target();
    three.classes = 3;
    let weights = vec![0.1, 0.2, -0.1, 0.3, -0.2, 0.1, -0.2, 0.1, 0.25];
    let layer = Layer { weights, bias: vec![0.5, -1.0, 0.25], inputs: 3 };
    three.family = Family::Mlp(Mlp { layers: vec![layer] });
    for model in [linear_target(), three] {
        let (stolen, queries) = solve(&model, 60, (Response::Posterior, 1)).unwrap();
        assert!(queries <= 4 + 20 + 5 + 6, "{queries}");
        let Classifier::Model(own) = &stolen.classifier else { panic!("a model") };
        for row in rows(&linear_target(), 200, 9) {
            let (p, q) = (model.posterior(&row.values), own.posterior(&row.values));
            assert!(p.iter().zip(&q).all(|(p, q)| (p - q).abs() < 1e-9), "{p:?} {q:?}");
        }
    }
}

#[test]
fn a_deeper_target_is_fitted_by_its_logits() {
    let model = monotone_target();
    let rows = rows(&model, 200, 9);
    let same = |seed| {
        let (stolen, queries) = solve(&model, 120, (Response::Posterior, seed)).unwrap();
        assert_eq!(queries, 120);
        rows.iter().filter(|row| stolen.classifier.label(&row.values) == row.label).count()
    };
    let found: Vec<usize> = (1..=10).map(same).collect();
    assert!(found.iter().sum::<usize>() >= 1700, "{found:?} of 200");
}

#[test]
fn labels_are_not_enough_to_solve_equations() {
    let refused = solve(&linear_target(), 60, (Response::Label, 1));
    assert_eq!(refused, Err(StealError::NeedsPosteriors { found: "label" }));
}
