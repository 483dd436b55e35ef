//! The promises of attacks, on a planted ensemble: the label is 1 iff enough thresholds of `a` and
//! `b` are passed.

use proptest::prelude::*;

use crate::certificate::{Arithmetic, Kernel, Proof, Proved, Verdict};
use crate::dataset::ValidBox;
use crate::defense::Defense;
use crate::model::{
    Digest, Ensemble, Family, Feature, FeatureSpec, Kind, Layer, Link, Mlp, Model, Node, Precision,
    Row, Schema, Tie, Tree,
};
use crate::oracle::{Answering, Oracle, Response, exact_label};
use crate::spec::{Bonds, Claim, Lowered, Spec};

use super::inference::{FloatRegion, Ledger, Trend};
use super::leakage::settle;
use super::metrics::wrong_inferences;
use super::*;

/// Features `a`, `c` real and `b` whole, all in `[0, 10]`, `z = x`.
pub(super) fn schema() -> Schema {
    let feature = |(name, kind): (&str, Kind)| FeatureSpec {
        name: name.to_owned(),
        kind,
        low: Some("0".parse().unwrap()),
        high: Some("10".parse().unwrap()),
        mean: 0.0,
        scale: 1.0,
    };
    let kinds = [("a", Kind::Real), ("b", Kind::Integer), ("c", Kind::Real)];
    Schema::new(kinds.map(feature).to_vec()).unwrap()
}

/// Real features in `[−3, 3]` of standardised space.
pub(super) fn plain_schema(features: usize) -> Schema {
    let feature = |index: usize| FeatureSpec {
        name: format!("x{index}"),
        kind: Kind::Real,
        low: Some("-3".parse().unwrap()),
        high: Some("3".parse().unwrap()),
        mean: 0.0,
        scale: 1.0,
    };
    Schema::new((0..features).map(feature).collect()).unwrap()
}

/// `before` below the threshold, `after` from it on.
fn stump(feature: usize, threshold: f64, before: f64, after: f64) -> Tree {
    let feature = Feature(feature);
    let root = Node::Split { feature, threshold, left: 1, right: 2, default_left: false };
    Tree { output: 0, nodes: vec![root, Node::Leaf(before), Node::Leaf(after)] }
}

/// Score `⌊a⌋/2 + ⌊b⌋/2 ± 1/4 − 4.125`, the sign from `c < 5`.
pub(super) fn monotone_target() -> Model {
    let steps = (1..=9).flat_map(|t| [0, 1].map(|f| stump(f, f64::from(t), 0.0, 0.5)));
    let trees = steps.chain([stump(2, 5.0, 0.25, -0.25)]).collect();
    Model {
        schema: schema(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes: 2,
        link: Link::Softmax,
        family: Family::Ensemble(Ensemble { base: vec![-4.125], trees }),
    }
}

/// Logits `[0, a + b/2 − c − 2]` over the same features.
pub(super) fn linear_target() -> Model {
    let weights = vec![0.0, 0.0, 0.0, 1.0, 0.5, -1.0];
    let layer = Layer { weights, bias: vec![0.0, -2.0], inputs: 3 };
    Model { family: Family::Mlp(Mlp { layers: vec![layer] }), ..monotone_target() }
}

/// The same with a pit at `6 <= a < 7`.
pub(super) fn pitted_target() -> Model {
    let mut model = monotone_target();
    if let Family::Ensemble(ensemble) = &mut model.family {
        ensemble.trees.extend([stump(0, 6.0, 0.0, -64.0), stump(0, 7.0, 0.0, 64.0)]);
    }
    model
}

fn row(model: &Model, values: &[f64]) -> Row {
    Row { values: values.to_vec(), label: model.label(values), key: Digest::of(b"") }
}

pub(super) fn rows(model: &Model, count: usize, seed: u64) -> Vec<Row> {
    let mut rng = stream(seed, StealStream::SeedRows);
    let valid = ValidBox::new(&model.schema);
    (0..count).map(|_| row(model, &valid.uniform(&mut rng))).collect()
}

const ORDER: &str = "property = \"monotonicity\"\nfeatures = [\"a\", \"b\"]\n\
                     direction = \"increasing\"\n";
const BALLS: &str = "property = \"label\"\nepsilon = \"0.4\"\nlabel = \"predicted\"\n";

/// The claims of `text` that the kernel proves by its cheapest rule.
pub(super) fn proved(
    model: &Model,
    text: &str,
    rows: &[Row],
    defense: Option<&Defense>,
) -> Vec<Proved> {
    let spec = Spec::read(text.as_bytes()).unwrap();
    let lowered = Lowered::new(&spec, model, defense, rows).unwrap();
    let kernel = Kernel::new(model, &lowered, Arithmetic::Rounded);
    let prove = |at: usize| {
        let proof = match lowered.obligation(at).unwrap().claim {
            Claim::Pair(_) => Proof::jumps(Default::default()),
            _ => Proof::interval(),
        };
        match kernel.check(at, &proof).unwrap() {
            Verdict::Proved(proved) => Some(proved),
            _ => None,
        }
    };
    (0..kernel.len()).filter_map(prove).collect()
}

/// The order of `a` and `b`, assumed on the whole domain without proof.
fn assumed_order(model: &Model) -> CertifiedLabels {
    let spec = Spec::read(ORDER.as_bytes()).unwrap();
    let lowered = Lowered::new(&spec, model, None, &[]).unwrap();
    let trend = |at: usize| Trend {
        feature: at,
        sign: 1.0,
        region: FloatRegion::new(&lowered.obligation(at).unwrap().region),
    };
    CertifiedLabels::assumed(vec![trend(0), trend(1)])
}

pub(super) fn knowledge<'a>(
    model: &'a Model,
    valid: &'a ValidBox,
    seeds: &'a [Row],
    proved: &'a [Proved],
) -> Knowledge<'a> {
    let (schema, family) = (&model.schema, model.family_name());
    Knowledge {
        schema,
        classes: 2,
        family,
        valid,
        seeds,
        proved,
        proofs_about: None,
        defense: None,
    }
}

fn thief(generator: Generator) -> StealLoop {
    let substitute = SubstituteOptions { trees: 5, ..Default::default() };
    StealLoop { generator, inference: Inference::Certified, cap_factor: 3, substitute }
}

/// Runs MaskedThief on the planted target with everything proved.
fn steal_planted(generator: Generator, seed: u64) -> (Model, Substitute, usize) {
    let model = monotone_target();
    let (valid, seeds) = (ValidBox::new(&model.schema), rows(&model, 20, 1));
    let proofs = [proved(&model, ORDER, &[], None), proved(&model, BALLS, &seeds, None)].concat();
    assert!(proofs.len() > 8, "{} proofs", proofs.len());
    let mut oracle = Oracle::new(&model, None, Response::Label, 60, 0);
    let known = knowledge(&model, &valid, &seeds, &proofs);
    let substitute = thief(generator).steal(&mut oracle, &known, seed).unwrap();
    let queries = oracle.queries();
    (model, substitute, queries)
}

#[test]
fn certified_inference_is_never_wrong_on_a_planted_monotone_ensemble() {
    for generator in [
        Generator::Along { radius: 3.0 },
        Generator::Neighbour { radius: 0.5 },
        Generator::Uniform { radius: 10.0 },
    ] {
        let (model, substitute, queries) = steal_planted(generator.clone(), 3);
        let (paid, inferred) =
            (substitute.sample.count(Source::Paid), substitute.sample.count(Source::Inferred));
        assert_eq!(paid, queries);
        assert!(queries <= 60 && paid + inferred <= 180);
        assert_eq!(wrong_inferences(Answering::Model(&model, None), &substitute.sample), Ok(0));
        if generator.needs_base() {
            assert!(inferred > 20, "{}: {inferred} inferred", generator.name());
        }
    }
}

#[test]
fn intervals_are_counted_for_every_generated_point_and_hold_what_they_hold() {
    let model = linear_target();
    let (valid, seeds) = (ValidBox::new(&model.schema), rows(&model, 20, 1));
    let known = knowledge(&model, &valid, &seeds, &[]);
    let figures = |l: f64, eta: f64| {
        let property = SecurityProperty::Lipschitz { l, norm: Default::default() };
        let rule = IntervalRule { eta, ..IntervalRule::new(RuleName::Exclude, property) };
        let attack = StealLoop {
            inference: Inference::Interval(Box::new(rule)),
            ..thief(Generator::Uniform { radius: 3.0 })
        };
        let mut oracle = Oracle::new(&model, None, Response::Label, 60, 0);
        let sample = attack.steal(&mut oracle, &known, 3).unwrap().sample;
        assert_eq!(sample.intervals.len(), sample.points.len() - seeds.len());
        IntervalFigures::new(&sample, Answering::Model(&model, None)).unwrap().unwrap()
    };
    let wide = figures(1e9, 0.9);
    assert_eq!((wide.holding, wide.saying_nothing), (1.0, 1.0));
    // labels alone, and hardly any allowance for chance: shares of labels are no posteriors
    let narrow = figures(0.0, -10.0);
    assert!(narrow.holding < 0.9 && narrow.saying_nothing < 0.5, "{narrow:?}");
    assert!(narrow.points >= 40);
    let plain = Sample::default();
    assert_eq!(IntervalFigures::new(&plain, Answering::Model(&model, None)), Ok(None));
}

#[test]
fn a_false_order_over_a_planted_pit_is_counted_wrong() {
    let model = pitted_target();
    assert!(proved(&model, ORDER, &[], None).iter().all(|p| {
        let pair = p.obligation().claim.pair();
        pair.is_none_or(|pair| pair.bonds != Bonds::Raised(Feature(0)))
    }));
    let (valid, seeds) = (ValidBox::new(&model.schema), rows(&model, 20, 1));
    let known = knowledge(&model, &valid, &seeds, &[]);
    let labels = assumed_order(&model);
    let mut oracle = Oracle::new(&model, None, Response::Label, 60, 0);
    let thief = thief(Generator::Along { radius: 3.0 });
    let (sample, _) = thief.collect(&mut oracle, &known, &labels, 3).unwrap();
    assert!(wrong_inferences(Answering::Model(&model, None), &sample).unwrap() > 0);

    assert!(settle(&model, &comparable(&model), &labels, 20).at(20).wrong > 0);
}

#[test]
fn every_generated_point_is_valid_and_distinct() {
    let (model, substitute, _) = steal_planted(Generator::Neighbour { radius: 2.0 }, 4);
    let valid = ValidBox::new(&model.schema);
    let points = &substitute.sample.points;
    assert!(points.iter().all(|point| valid.contains(&point.values)));
    let is_new = |(k, p): (usize, &Labelled)| points[..k].iter().all(|q| q.values != p.values);
    assert!(points.iter().enumerate().all(is_new));
}

#[test]
fn the_seed_decides_everything() {
    let generator = || Generator::Along { radius: 3.0 };
    let (_, first, _) = steal_planted(generator(), 3);
    assert_eq!(first, steal_planted(generator(), 3).1);
    assert_ne!(first.sample, steal_planted(generator(), 4).1.sample);
}

#[test]
fn only_paid_answers_spread_and_only_inside_a_paid_region() {
    let model = monotone_target();
    let centres = [row(&model, &[9.5, 9.0, 1.5]), row(&model, &[0.5, 1.0, 1.5])];
    let proofs = proved(&model, BALLS, &centres, None);
    assert_eq!(proofs.len(), 2);
    let labels = CertifiedLabels::new(&proofs, 2);
    let mut ledger = Ledger::new(&labels);
    assert_eq!(ledger.infer(&[9.5, 9.0, 1.5]), None);
    ledger.record(&[9.75, 9.0, 1.5], 1).unwrap();
    assert_eq!(ledger.infer(&[9.25, 9.0, 1.75]), Some(1));
    // outside the ball, not whole, in the other ball
    assert_eq!(ledger.infer(&[9.0, 9.0, 1.5]), None);
    assert_eq!(ledger.infer(&[9.5, 9.25, 1.5]), None);
    assert_eq!(ledger.infer(&[0.5, 1.0, 1.5]), None);
}

#[test]
fn an_answer_against_a_proof_is_a_contradiction() {
    let model = monotone_target();
    let proofs = proved(&model, BALLS, &[row(&model, &[9.5, 9.0, 1.5])], None);
    let labels = CertifiedLabels::new(&proofs, 2);
    let refused = Ledger::new(&labels).record(&[9.5, 9.0, 1.5], 0);
    assert_eq!(refused, Err(StealError::Contradiction { answer: 0, proved: 1 }));
}

#[test]
fn a_posterior_claim_gives_a_label_only_up_to_one_half() {
    let model = monotone_target();
    let rows = [row(&model, &[9.5, 9.0, 1.5])];
    let count = |delta: &str| {
        let text =
            format!("property = \"local-invariance\"\nepsilon = \"0.1\"\ndelta = \"{delta}\"\n");
        let proofs = proved(&model, &text, &rows, None);
        assert_eq!(proofs.len(), 1, "delta {delta}");
        CertifiedLabels::new(&proofs, 2).patches()
    };
    assert_eq!(["0.1", "0.5", "0.50001", "0.9"].map(count), [1, 1, 0, 0]);
}

#[test]
fn the_order_asks_for_equal_values_elsewhere_and_the_right_side() {
    let model = monotone_target();
    let labels = assumed_order(&model);
    let mut ledger = Ledger::new(&labels);
    ledger.record(&[4.0, 5.0, 1.0], 1).unwrap();
    assert_eq!(ledger.infer(&[4.5, 6.0, 1.0]), Some(1));
    assert_eq!(ledger.infer(&[4.0, 6.0, 1.0]), Some(1));
    assert_eq!(ledger.infer(&[4.5, 6.0, 1.5]), None);
    assert_eq!(ledger.infer(&[4.5, 4.0, 1.0]), None);
    assert_eq!(ledger.infer(&[3.5, 5.0, 1.0]), None);
    assert_eq!(ledger.infer(&[11.0, 5.0, 1.0]), None);
    assert_eq!(ledger.infer(&[4.5, 5.5, 1.0]), None);
    ledger.record(&[2.0, 2.0, 1.0], 0).unwrap();
    assert_eq!(ledger.infer(&[1.0, 2.0, 1.0]), Some(0));
    assert_eq!(ledger.infer(&[3.0, 2.0, 1.0]), None);
}

/// `infer.rs` walks from one corner of a monotone region to another.
#[test]
fn a_local_monotone_region_is_a_box() {
    let model = monotone_target();
    let text = format!("{ORDER}scope = \"local\"\nepsilon = \"1.5\"\n");
    let spec = Spec::read(text.as_bytes()).unwrap();
    let rows = [row(&model, &[9.5, 5.0, 5.0])];
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    let region = lowered.obligation(0).unwrap().region;
    for corner in 0..8usize {
        let pick = |(k, (low, high)): (usize, &(crate::interval::Rational, _))| {
            if corner >> k & 1 == 0 { low.down() } else { crate::interval::Rational::up(high) }
        };
        let values: Vec<f64> = region.sides().iter().enumerate().map(pick).collect();
        assert!(region.contains(&crate::model::Point::from_floats(&values).unwrap()));
    }
}

#[test]
fn proofs_about_another_function_than_the_answering_one_are_refused() {
    let model = monotone_target();
    let (valid, seeds) = (ValidBox::new(&model.schema), rows(&model, 5, 1));
    let poisoning = |alpha: &str| {
        Defense::prediction_poisoning(Digest::of(b""), alpha.parse().unwrap()).unwrap()
    };
    let (weak, strong) = (poisoning("0.1"), poisoning("0.3"));
    let attempt = |proofs_about, defense, response| {
        let about = proved(&model, BALLS, &seeds, proofs_about);
        let mut known = knowledge(&model, &valid, &seeds, &about);
        known.proofs_about = proofs_about;
        let mut oracle = Oracle::new(&model, defense, response, 30, 0);
        thief(Generator::Neighbour { radius: 0.3 }).steal(&mut oracle, &known, 0)
    };
    let refused = |proofs, oracle| Err(StealError::OtherTarget { proofs, oracle });
    let label = Response::Label;
    assert_eq!(attempt(None, Some(&weak), label), refused("undefended", "defended"));
    assert_eq!(attempt(Some(&weak), None, label), refused("defended", "undefended"));
    let other = refused("defended", "otherwise defended");
    assert_eq!(attempt(Some(&weak), Some(&strong), label), other);
    let drawn = Err(StealError::DrawnLabels { found: "sampled-label" });
    assert_eq!(attempt(None, None, Response::SampledLabel), drawn);
    let stolen = attempt(Some(&weak), Some(&weak), label).unwrap();
    assert!(stolen.sample.count(Source::Inferred) > 0);
    let target = Answering::Model(&model, Some(&weak));
    assert_eq!(wrong_inferences(target, &stolen.sample), Ok(0));
}

#[test]
fn attacks_without_what_they_start_from_are_refused() {
    let model = monotone_target();
    let (valid, seeds) = (ValidBox::new(&model.schema), rows(&model, 5, 1));
    let mut oracle = Oracle::new(&model, None, Response::Label, 4, 0);
    let known = knowledge(&model, &valid, &seeds, &[]);
    let along = thief(Generator::Along { radius: 1.0 });
    let refused = along.steal(&mut oracle, &known, 0);
    assert_eq!(refused, Err(StealError::SeedsOverBudget { seeds: 5, budget: 4 }));
    let mut oracle = Oracle::new(&model, None, Response::Label, 9, 0);
    assert_eq!(along.steal(&mut oracle, &known, 0), Err(StealError::NothingMonotone));
    let known = knowledge(&model, &valid, &[], &[]);
    let refused = thief(Generator::Neighbour { radius: 1.0 }).steal(&mut oracle, &known, 0);
    assert_eq!(refused, Err(StealError::NoSeeds { what: "neighbour" }));
    let mut mixing = thief(Generator::Uniform { radius: 1.0 });
    let augment = Augmentation::Gradient;
    mixing.substitute.learner =
        LearningMethod::MixMatch(MixMatchOptions { augment, ..Default::default() });
    let refused = mixing.steal(&mut oracle, &known, 0).unwrap_err().to_string();
    assert!(refused.contains("gradient") && refused.contains("trees"), "{refused}");
    assert_eq!(oracle.queries(), 0);
}

#[test]
fn one_class_gives_that_constant() {
    let mut model = monotone_target();
    if let Family::Ensemble(ensemble) = &mut model.family {
        ensemble.base = vec![100.0];
    }
    let valid = ValidBox::new(&model.schema);
    let known = knowledge(&model, &valid, &[], &[]);
    let mut oracle = Oracle::new(&model, None, Response::Label, 20, 0);
    let attack = AttackSpec::new(AttackName::Random).attack();
    let substitute = attack.steal(&mut oracle, &known, 0).unwrap();
    assert_eq!(substitute.classifier, Classifier::Constant { class: 1, classes: 2 });
    assert_eq!((substitute.steps, oracle.queries()), (0, 20));
}

/// Both paired specs of the planted target, small.
fn paired(family: SubstituteFamily) -> Vec<Repetition> {
    let model = monotone_target();
    let (valid, pool) = (ValidBox::new(&model.schema), rows(&model, 30, 1));
    let proofs = proved(&model, ORDER, &[], None);
    let held_out = rows(&model, 100, 5);
    let evaluation = Evaluation::new(&model, &held_out, &held_out, &valid, 60, 7).unwrap();
    let mut attack = AttackSpec::new(AttackName::MaskedThief);
    attack.generator = Generator::Along { radius: 4.0 };
    (attack.queries, attack.seed_rows) = (60, 20);
    attack.substitute.family = family;
    attack.substitute.epochs = 20;
    let scene = Scene {
        evaluation: &evaluation,
        defense: None,
        pool: &pool,
        valid: &valid,
        proved: &proofs,
        proofs_about: None,
    };
    run(&scene, &attack, 2, 11).unwrap()
}

#[test]
fn paired_runs_share_the_budget_and_the_third_the_steps() {
    let runs = paired(SubstituteFamily::Mlp);
    assert_eq!(runs.iter().map(|r| r.seed).collect::<Vec<_>>(), [11, 12]);
    for run in &runs {
        assert!(run.attack.inferred > 0 && run.attack.wrong == 0);
        assert_eq!(run.without_inference.inferred, 0);
        assert_eq!(run.without_inference.labelled, run.without_inference.queries);
        assert_eq!(run.without_inference.queries, 60);
        assert!(run.attack.steps > run.without_inference.steps);
        assert_eq!(run.same_steps.unwrap().steps, run.attack.steps);
        assert!(run.seeds_only.is_some());
        assert!(run.attack.scores.agreement.held_out > run.majority.agreement.held_out);
    }
    assert_eq!(runs, paired(SubstituteFamily::Mlp));
}

#[test]
fn trees_take_the_same_rounds_in_every_run() {
    for run in paired(SubstituteFamily::Target) {
        assert_eq!(run.attack.steps, 50);
        assert_eq!(run.same_steps, Some(run.without_inference));
    }
}

/// One run saw a single class and trained nothing: there is no number of steps to make equal.
#[test]
fn a_run_without_steps_has_no_twin_of_equal_steps() {
    let figures = |steps, label| {
        let model = monotone_target();
        let (valid, held_out) = (ValidBox::new(&model.schema), rows(&model, 50, 5));
        let evaluation = Evaluation::new(&model, &held_out, &held_out, &valid, 20, 0).unwrap();
        let mut oracle = Oracle::new(&model, None, Response::Label, 1, 0);
        oracle.label(&[1.0, 1.0, 1.0]).unwrap();
        let classifier = Classifier::Constant { class: label, classes: 2 };
        let substitute = Substitute { classifier, sample: Sample::default(), steps };
        Figures::new(&evaluation, &substitute, &oracle).unwrap()
    };
    use super::paired::have_comparable_steps as comparable;
    assert!(comparable(&figures(90, 0), &figures(60, 0)));
    assert!(comparable(&figures(0, 0), &figures(0, 1)));
    assert!(!comparable(&figures(0, 0), &figures(60, 0)));
    assert!(!comparable(&figures(90, 0), &figures(0, 0)));
}

/// 200 points whose `c` takes two values, so that many are comparable.
fn comparable(model: &Model) -> Vec<Vec<f64>> {
    let coarse = |c: f64| if c < 5.0 { 1.0 } else { 9.0 };
    let point = |r: Row| vec![r.values[0], r.values[1], coarse(r.values[2])];
    rows(model, 200, 2).into_iter().map(point).collect()
}

#[test]
fn the_order_settles_more_points_than_are_asked() {
    let model = monotone_target();
    let reference = comparable(&model);
    let proofs = proved(&model, ORDER, &[], None);
    assert_eq!(proofs.len(), 2);
    let settling = settled(&model, &reference, &proofs, 200);
    let Settled { queries, settled: count, total, wrong } = settling.at(10);
    assert_eq!(settled(&model, &reference, &proofs, 10).at(10), settling.at(10));
    assert_eq!(settling.at(0).settled, 0);
    assert_eq!((queries, total, wrong), (10, 200, 0));
    assert!(count > 60, "{count} settled");
    let alone = settled(&model, &reference, &[], 10).at(10);
    assert_eq!((alone.settled, alone.wrong), (10, 0));
    assert_eq!(settling.at(200).settled, 200);
    assert!(settling.at(200).queries < 200, "it ends when everything is settled");
}

/// For a proved order: the minimal points of label 1 and the maximal ones of label 0 must be asked, and suffice.
#[test]
fn the_fewest_queries_of_an_order_are_its_extreme_points() {
    let model = monotone_target();
    let reference: Vec<Vec<f64>> = comparable(&model).into_iter().take(80).collect();
    let proofs = proved(&model, ORDER, &[], None);
    let found = fewest(&model, &reference, &proofs, 1.0);
    let below = |x: &[f64], y: &[f64]| x[0] <= y[0] && x[1] <= y[1] && x[2] == y[2];
    let label = |x: &Vec<f64>| model.label(x);
    let is_extreme = |x: &&Vec<f64>| {
        let mut others = reference.iter().filter(|y| y != x && label(y) == label(x));
        !others.any(|y| if label(x) == 1 { below(y, x) } else { below(x, y) })
    };
    let extreme = reference.iter().filter(is_extreme).count();
    assert_eq!(found.exact, Some(extreme));
    assert!(found.at_least == extreme && found.at_most >= extreme, "{found:?}");
    let half = fewest(&model, &reference, &proofs, 0.5);
    assert_eq!((half.points, half.exact), (40, None));
    assert!(half.at_least >= 1 && half.at_least <= half.at_most && half.at_most < extreme);
    let alone = fewest(&model, &reference, &[], 0.5);
    assert_eq!((alone.at_least, alone.at_most), (40, 40));
}

#[test]
fn boundary_points_and_majority_are_what_they_say() {
    let model = monotone_target();
    let valid = ValidBox::new(&model.schema);
    let held_out = rows(&model, 100, 5);
    let refused = Evaluation::new(&model, &[], &held_out, &valid, 5, 0);
    assert_eq!(refused.unwrap_err(), MetricsError::NoRows { part: "training" });
    let refused = Evaluation::new(&model, &held_out, &held_out, &valid, 0, 0);
    assert_eq!(refused.unwrap_err(), MetricsError::NoPoints);
    let evaluation = Evaluation::new(&model, &held_out, &held_out, &valid, 50, 0).unwrap();
    let itself = evaluation.scores(&Classifier::Model(Box::new(model.clone())));
    let agreement = Agreement { held_out: 1.0, uniform: 1.0, boundary: Some(1.0) };
    assert_eq!(itself, Scores { agreement, mse: 0.0, f1: 1.0 });
    assert_eq!(evaluation.majority_scores().f1, 0.0);
}

proptest! {
    #[test]
    fn points_are_rounded_and_clipped_before_they_are_asked(
        values in proptest::collection::vec(-30.0f64..30.0, 3), seed in 0u64..50,
    ) {
        let schema = schema();
        let valid = ValidBox::new(&schema);
        let mut base = values;
        valid.snap(&mut base);
        prop_assert!(valid.contains(&base));
        let mut rng = stream(seed, StealStream::Points);
        for generator in [
            Generator::Uniform { radius: 5.0 },
            Generator::Gaussian { sigma: 9.0, clip: None },
            Generator::Gaussian { sigma: 9.0, clip: Some(1.0) },
            Generator::Neighbour { radius: 4.0 },
            Generator::Along { radius: 4.0 },
        ] {
            let point = generator.point(&schema, &valid, &base, &[(0, 1.0), (1, -1.0)], &mut rng);
            prop_assert!(valid.contains(&point), "{:?}", point);
            if let Generator::Along { .. } = generator {
                prop_assert_eq!(point[2].to_bits(), base[2].to_bits());
                prop_assert!((point[0] - base[0]) * (point[1] - base[1]) <= 0.0);
            }
        }
    }

    #[test]
    fn whatever_the_ledger_infers_is_the_exact_label(
        paid in proptest::collection::vec((0.0f64..10.0, 0u8..11), 1..20),
        asked in proptest::collection::vec((0.0f64..10.0, 0u8..11), 20),
    ) {
        let model = monotone_target();
        let labels = CertifiedLabels::new(&proved(&model, ORDER, &[], None), 2);
        let mut ledger = Ledger::new(&labels);
        let point = |(a, b): &(f64, u8)| vec![*a, f64::from(*b), 2.0];
        for x in paid.iter().map(point) {
            ledger.record(&x, exact_label(&model, None, &x).unwrap()).unwrap();
        }
        for x in asked.iter().map(point) {
            if let Some(label) = ledger.infer(&x) {
                prop_assert_eq!(Some(label), exact_label(&model, None, &x));
            }
        }
    }
}
