//! The promises of training a network.

use crate::train::tests::{plain_schema, row};

use super::*;
use crate::train::logic::{AnswerPair, LogicConstraint};
use crate::train::{HoldDemands, RowBoxes};

/// Two interleaved curves that no line separates: class 1 iff `x₁ > sin(2 x₀)`.
fn waves(rows: usize) -> Vec<Row> {
    let point = |k: usize| {
        let x = (k as f64 * 0.618_034).fract() * 6.0 - 3.0;
        let y = (k as f64 * 0.414_214).fract() * 3.0 - 1.5;
        row(&[x, y], usize::from(y > (2.0 * x).sin()))
    };
    (1..=rows).map(point).collect()
}

fn small() -> MlpOptions {
    MlpOptions {
        hidden: vec![16, 16],
        epochs: 60,
        batch: 20,
        learning_rate: 5e-3,
        ..Default::default()
    }
}

fn fit(rows: &[Row], held_out: &[Row], options: &MlpOptions) -> Result<Model, TrainError> {
    train(&plain_schema(2), 2, rows, held_out, options, &mut |_| {})
}

fn accuracy_on(model: &Model, rows: &[Row]) -> f64 {
    let hits = rows.iter().filter(|row| model.label(&row.values) == row.label).count();
    hits as f64 / rows.len() as f64
}

#[test]
fn a_curved_boundary_is_learned() {
    let rows = waves(600);
    let (train, test) = rows.split_at(400);
    let model = fit(train, &[], &small()).unwrap();
    assert!(accuracy_on(&model, test) > 0.93, "{}", accuracy_on(&model, test));
}

#[test]
fn three_classes_are_learned() {
    let label = |r: &Row| usize::from(r.values[0] > -1.0) + usize::from(r.values[0] > 1.0);
    let rows: Vec<Row> = waves(300).iter().map(|r| row(&r.values, label(r))).collect();
    let model = train(&plain_schema(2), 3, &rows, &[], &small(), &mut |_| {}).unwrap();
    assert_eq!(model.scores(&[0.0, 0.0]).len(), 3);
    assert!(accuracy_on(&model, &rows) > 0.95);
}

#[test]
fn every_stored_number_is_an_f32() {
    let model = fit(&waves(100), &[], &small()).unwrap();
    let Family::Mlp(mlp) = &model.family else { panic!("a network was trained") };
    let numbers = mlp.layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.bias));
    assert!(numbers.into_iter().all(|w| f64::from(*w as f32) == *w));
    assert_eq!(model.precision, Precision::F32);
}

#[test]
fn the_seed_decides_the_bits() {
    let (rows, held_out) = (waves(100), waves(30));
    let seeded = |seed| fit(&rows, &held_out, &MlpOptions { seed, ..small() }).unwrap();
    assert_eq!(seeded(3), seeded(3));
    assert_ne!(seeded(3), seeded(4));
}

#[test]
fn exactly_as_many_steps_as_asked_for() {
    // 100 rows in batches of 20: 13 steps are two epochs and a part of the third.
    let options = MlpOptions { max_steps: Some(13), patience: Some(0), ..small() };
    let mut seen = Vec::new();
    let mut follow = |progress: Progress| seen.push((progress.done, progress.total));
    train(&plain_schema(2), 2, &waves(100), &waves(20), &options, &mut follow).unwrap();
    assert_eq!(seen, [(5, 13), (10, 13), (13, 13)]);
}

#[test]
fn without_validation_rows_nothing_stops_early() {
    let mut seen = Vec::new();
    let options = MlpOptions { epochs: 9, patience: Some(0), ..small() };
    train(&plain_schema(2), 2, &waves(50), &[], &options, &mut |p| seen.push(p)).unwrap();
    assert_eq!(seen.len(), 9);
    assert!(seen.iter().all(|progress| progress.validation_accuracy.is_none()));
}

#[test]
fn the_best_epoch_is_kept_and_patience_ends_training() {
    // Half of the validation labels contradict the training rows: accuracy does not improve for long.
    let rows = waves(200);
    let held_out: Vec<Row> = waves(60)
        .iter()
        .enumerate()
        .map(|(k, r)| row(&r.values, if k % 2 == 0 { r.label } else { 1 - r.label }))
        .collect();
    let options = MlpOptions { epochs: 200, patience: Some(5), ..small() };
    let mut seen = Vec::new();
    let mut follow =
        |progress: Progress| seen.push(progress.validation_accuracy.expect("there are rows"));
    let model = train(&plain_schema(2), 2, &rows, &held_out, &options, &mut follow).unwrap();
    let best = seen.iter().copied().fold(0.0, f64::max);
    let first_best = seen.iter().position(|accuracy| *accuracy == best).unwrap();
    assert_eq!(accuracy_on(&model, &held_out), best);
    assert!(seen.len() < 200, "{} epochs", seen.len());
    assert!(seen.len() >= first_best + 6);
    assert!(best > seen[seen.len() - 1], "the last epoch was the best: nothing was shown");
}

#[test]
fn fewer_rows_than_a_batch_are_one_batch() {
    let options = MlpOptions { batch: 1000, epochs: 3, ..small() };
    let mut last = None;
    let mut follow = |progress: Progress| last = Some(progress.done);
    train(&plain_schema(2), 2, &waves(10), &[], &options, &mut follow).unwrap();
    assert_eq!(last, Some(3));
}

#[test]
fn a_network_exposed_to_outliers_is_unsure_away_from_the_data() {
    let rows = waves(600);
    let near: Vec<Row> = rows.iter().filter(|r| r.values[0].abs() < 0.5).cloned().collect();
    let far: Vec<&Row> = rows.iter().filter(|r| r.values[0].abs() > 1.5).collect();
    let exposed = |points| {
        let outlier_exposure = Some(OutlierExposure { weight: 1.0, points });
        fit(&near, &[], &MlpOptions { outlier_exposure, ..small() }).unwrap()
    };
    let sure = |model: &Model| {
        far.iter().map(|r| model.margin(&r.values).abs()).sum::<f64>() / far.len() as f64
    };
    let natural = fit(&near, &[], &small()).unwrap();
    let uniform = exposed(OutlierPoints::Uniform);
    assert!(accuracy_on(&uniform, &near) > 0.9, "{}", accuracy_on(&uniform, &near));
    assert!(4.0 * sure(&uniform) < sure(&natural), "{} {}", sure(&uniform), sure(&natural));
    assert_ne!(exposed(OutlierPoints::Shuffled), uniform);
    let weight = OutlierExposure { weight: -1.0, points: OutlierPoints::Uniform };
    let options = MlpOptions { outlier_exposure: Some(weight), ..small() };
    let refused = fit(&near, &[], &options);
    assert!(
        matches!(refused, Err(TrainError::Setting { option: "outlier-exposure.weight", .. })),
        "{refused:?}"
    );
}

#[test]
fn the_rate_falls_after_three_quarters() {
    let plan = descend::Schedule::new(100, &MlpOptions { max_steps: Some(8), ..small() });
    let rates: Vec<f64> = (0..8).map(|done| plan.rate(done) / 5e-3).collect();
    assert_eq!(rates, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.2, 0.2]);
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let refused = |options: MlpOptions| match fit(&waves(50), &[], &options) {
        Err(TrainError::Setting { option, .. }) => option,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused(MlpOptions { hidden: vec![4, 0], ..small() }), "hidden");
    assert_eq!(refused(MlpOptions { epochs: 0, ..small() }), "epochs");
    assert_eq!(refused(MlpOptions { batch: 0, ..small() }), "batch");
    for learning_rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(MlpOptions { learning_rate, ..small() }), "learning_rate");
    }
}

#[test]
fn divergence_is_an_error_and_no_model() {
    let options = MlpOptions { learning_rate: 1e38, ..small() };
    let refused = fit(&waves(50), &[], &options);
    assert!(matches!(refused, Err(TrainError::Diverged { .. })), "{refused:?}");
}

#[test]
fn a_value_that_overflows_when_standardised_is_refused() {
    let mut features = plain_schema(2).features().to_vec();
    features[1].scale = 1e10;
    let schema = Schema::new(features).unwrap();
    let rows = [row(&[0.0, 1.0], 0), row(&[0.0, 1e30], 1)];
    let refused = train(&schema, 2, &rows, &[], &small(), &mut |_| {});
    assert!(matches!(refused, Err(TrainError::Value { row: 1, .. })), "{refused:?}");
}

/// A training with nothing beside it but progress.
pub(super) fn course(progress: &mut dyn FnMut(Progress)) -> Course<'_, 'static> {
    Course { progress, checkpoints: None, source: None }
}

/// Rows of the waves with boxes of that half width.
fn movable(rows: &[Row], epsilon: f64) -> RowBoxes {
    let text = format!("property = 'local-invariance'\nepsilon = '{epsilon}'\ndelta = '0.5'");
    let specs = [crate::spec::Spec::read(text.as_bytes()).unwrap()];
    let schema = plain_schema(2);
    HoldDemands::of(&specs, &schema, 2).unwrap().moves(&schema, 2, rows).unwrap()
}

fn keep(rows: &[Row], held_out: &[Row], epsilon: f64, options: &MlpOptions) -> Model {
    let (near, far) = (movable(rows, epsilon), movable(held_out, epsilon));
    let keeping = Keeping { train: &near, validation: &far, threshold: 0.0 };
    let demands = MlpDemands { keeping: Some(keeping), claims: &[] };
    let schema = plain_schema(2);
    train_to_hold(&schema, 2, [rows, held_out], demands, options, &mut course(&mut |_| {})).unwrap()
}

/// Rows that keep their label at the corners of their box.
fn holding(model: &Model, rows: &[Row], epsilon: f64) -> usize {
    let corners = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];
    let holds = |row: &&Row| {
        corners.iter().all(|[a, b]| {
            let moved = [row.values[0] + a * epsilon, row.values[1] + b * epsilon];
            model.label(&moved) == row.label
        })
    };
    rows.iter().filter(holds).count()
}

#[test]
fn every_loss_keeps_more_labels_where_rows_may_move_than_natural_training() {
    let rows = waves(600);
    let (train, test) = rows.split_at(400);
    let natural = fit(train, &[], &small()).unwrap();
    let before = holding(&natural, test, 0.2);
    for trainer in [Trainer::Pgd, Trainer::Ibp, Trainer::Sabr, Trainer::MtlIbp, Trainer::Dl2] {
        let mut robust = RobustOptions::of(trainer);
        if trainer == Trainer::Dl2 {
            robust.weight = 5.0;
        }
        let options = MlpOptions { robust, ..small() };
        let after = holding(&keep(train, &[], 0.2, &options), test, 0.2);
        assert!(after > before, "{trainer:?}: {after} of {} after, {before} before", test.len());
    }
}

#[test]
fn training_under_moves_twice_gives_the_same_model() {
    let rows = waves(200);
    let options = MlpOptions { epochs: 6, ..small() };
    let model = |seed| keep(&rows, &rows[..50], 0.1, &MlpOptions { seed, ..options.clone() });
    assert_eq!(model(1), model(1));
    assert_ne!(model(1), model(2));
}

/// A formula holds more often where it is trained for: here that answers change slowly with the distance.
#[test]
fn a_formula_is_met_more_often_after_training_by_it() {
    let text = "abs(posterior(x) - posterior(x')) <= 0.4 * distance(x, x')";
    let formula = LogicConstraint::parse(text).unwrap();
    let rows = waves(400);
    let dl2 = RobustOptions { weight: 5.0, ..RobustOptions::of(Trainer::Dl2) };
    let weighted = |weight| {
        let constraint = Some(formula.clone());
        let robust = RobustOptions { weight, constraint, ..dl2.clone() };
        keep(&rows, &[], 0.3, &MlpOptions { robust, ..small() })
    };
    let met = |model: &Model| {
        let holds = |row: &&Row| {
            let near = [row.values[0] + 0.2, row.values[1] - 0.2];
            let sign = if row.label == 1 { 1.0 } else { -1.0 };
            let margin = |point: &[f64]| sign * model.margin(point);
            let (row, near) = (margin(&row.values), margin(&near));
            formula.is_satisfied(&AnswerPair { row, near, distance: 0.08f64.sqrt() })
        };
        rows.iter().filter(holds).count()
    };
    let (before, after) = (met(&weighted(0.0)), met(&weighted(20.0)));
    assert!(after > before + 20, "{after} after, {before} before");
}

/// Claims, boxes and validation rows: all that a state must hold.
fn interrupted(
    from: Option<String>,
    stop_after: usize,
    seed: u64,
) -> (Result<Model, TrainError>, Vec<String>) {
    let (rows, held_out, schema) = (waves(160), waves(40), plain_schema(2));
    let (near, far) = (movable(&rows, 0.1), movable(&held_out, 0.1));
    let keeping = Keeping { train: &near, validation: &far, threshold: 0.0 };
    let text = "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '0.3'";
    let spec = crate::spec::Spec::read(text.as_bytes()).unwrap();
    let claims = [TrainedClaim::usual(spec)];
    let demands = MlpDemands { keeping: Some(keeping), claims: &claims };
    let options = MlpOptions { epochs: 12, seed, ..small() };
    let mut states = Vec::new();
    let mut keep = |state: &str| {
        states.push(state.to_owned());
        let reason = "stopped".to_owned();
        if states.len() == stop_after { Err(TrainError::Checkpoint { reason }) } else { Ok(()) }
    };
    let mut checkpoints = Checkpoints { from, every: 3, keep: &mut keep };
    let checkpoints = Some(&mut checkpoints);
    let course = &mut Course { progress: &mut |_| {}, checkpoints, source: None };
    let model = train_to_hold(&schema, 2, [&rows, &held_out], demands, &options, course);
    (model, states)
}

#[test]
fn a_training_goes_on_to_the_same_bytes() {
    let (whole, states) = interrupted(None, usize::MAX, 1);
    let whole = whole.unwrap();
    assert_eq!(states.len(), 3);
    for stop in 1..=3 {
        let (stopped, kept) = interrupted(None, stop, 1);
        assert!(matches!(stopped, Err(TrainError::Checkpoint { .. })));
        assert_eq!(kept.last(), Some(&states[stop - 1]));
        let (resumed, rest) = interrupted(kept.last().cloned(), usize::MAX, 1);
        assert_eq!(resumed.unwrap().to_json(), whole.to_json());
        assert_eq!(rest, states[stop..]);
    }
    assert_ne!(interrupted(None, usize::MAX, 2).0.unwrap(), whole);
}

#[test]
fn a_torn_state_is_refused() {
    let (_, states) = interrupted(None, usize::MAX, 1);
    let torn = states[0][..states[0].len() / 2].to_owned();
    let refused = interrupted(Some(torn), usize::MAX, 1).0;
    assert!(matches!(refused, Err(TrainError::Checkpoint { .. })), "{refused:?}");
}

#[test]
fn signed_weights_make_a_monotone_model() {
    let monotone = [(Feature(1), Direction::Increasing)].into();
    let (rows, options) = (waves(400), MlpOptions { monotone, ..small() });
    let model = fit(&rows, &[], &options).unwrap();
    assert!(accuracy_on(&model, &rows) > 0.9, "{}", accuracy_on(&model, &rows));
    for k in 0..200 {
        let x = k as f64 * 0.05 - 5.0;
        let margins = (0..60).map(|i| model.margin(&[x, i as f64 * 0.1 - 3.0]));
        assert!(margins.collect::<Vec<_>>().is_sorted());
    }
    let beyond = [(Feature(2), Direction::Increasing)].into();
    let refused = fit(&rows, &[], &MlpOptions { monotone: beyond, ..small() });
    assert_eq!(refused, Err(TrainError::MonotoneFeature { found: 2, last: 1 }));
}
