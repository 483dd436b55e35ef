//! Attacks that answer a defense, from their files, against a target whose boundary is known.
#![cfg(feature = "full")]

use std::path::Path;

use propcert::dataset::ValidBox;
use propcert::defense::{Defense, ResponseUnits, ResponseZone};
use propcert::model::{Digest, Model, Row};
use propcert::oracle::{Oracle, Response};
use propcert::steal::{AttackNumbers, AttackSpec, Evaluation, Generator, Scene, run};

/// Logits `[0, s·(x + y)]` on `[−2, 2]²`.
fn target(slope: f64) -> Model {
    let text = format!(
        r#"{{"format":"model/1","family":"mlp","precision":"f64","tie":"lower","classes":2,
        "features":[{{"name":"x","kind":"real","low":"-2","high":"2"}},{{"name":"y","kind":"real","low":"-2","high":"2"}}],
        "layers":[{{"weights":[[0.0,0.0],[{slope},{slope}]],"bias":[0,0]}}]}}"#
    );
    Model::read(text.as_bytes()).unwrap()
}

fn attack(name: &str, queries: usize) -> AttackSpec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks").join(name);
    let numbers = AttackNumbers { queries: Some(queries), seed_rows: Some(20) };
    let text = std::fs::read_to_string(path).unwrap();
    // a substitute that is trained in a blink
    let small = "[substitute]\nfamily = \"trees\"\ntrees = 30\n";
    let learner = "[substitute.learner]";
    let text = match text.contains(learner) {
        true => text.replace(learner, &format!("{small}{learner}")),
        false => text + small,
    };
    AttackSpec::read_with(text.as_bytes(), numbers).unwrap()
}

/// A grid of rows.
fn rows(model: &Model) -> Vec<Row> {
    let row = |k: u32| {
        let values = vec![f64::from(k % 20) / 5.0 - 1.9, f64::from(k / 20) / 5.0 - 1.9];
        Row { label: model.label(&values), values, key: Digest::of(&k.to_le_bytes()) }
    };
    (0..400).map(row).collect()
}

/// Mean agreement on the grid of an attack behind a defense.
fn agreement(model: &Model, defense: Option<&Defense>, attack: &AttackSpec) -> f64 {
    let (rows, valid) = (rows(model), ValidBox::new(&model.schema));
    let evaluation = Evaluation::new(model, &rows, &rows, &valid, 200, 1).unwrap();
    let scene = Scene {
        evaluation: &evaluation,
        defense,
        pool: &rows,
        valid: &valid,
        proved: &[],
        proofs_about: None,
    };
    let repetitions = run(&scene, attack, 6, 5).unwrap();
    let sum: f64 = repetitions.iter().map(|one| one.attack.scores.agreement.held_out).sum();
    sum / repetitions.len() as f64
}

/// Labels turned in a band of |x + y| < 0.46: the attack that knows of the band does better than one that does not.
#[test]
fn the_band_aware_attack_sees_through_turned_labels() {
    let model = target(2.0);
    let defense = Defense::prediction_poisoning(Digest::of(b""), "0.3".parse().unwrap()).unwrap();
    let [plain, aware] = ["random-uniform.toml", "band-aware.toml"]
        .map(|name| agreement(&model, Some(&defense), &attack(name, 400)));
    println!("plain {plain:.4}, band-aware {aware:.4}");
    assert!(aware > plain + 0.01, "{aware} {plain}");
}

/// Wrong answers of an oracle in groups of points that are nearly the same, and groups whose majority is wrong.
fn groups(oracle: &mut Oracle, model: &Model) -> (usize, usize) {
    groups_apart(oracle, model, 1e-5)
}

/// The same of points so far from each other.
fn groups_apart(oracle: &mut Oracle, model: &Model, apart: f64) -> (usize, usize) {
    let (mut wrong, mut wrong_groups) = (0, 0);
    for k in 0..100_u32 {
        let at = [f64::from(k % 10) * 0.05 + 0.12, f64::from(k / 10) * 0.05 + 0.12];
        let answers = (0..9).map(|by| {
            let point = [at[0] + f64::from(by) * apart, at[1]];
            usize::from(oracle.label(&point).unwrap() != model.label(&point))
        });
        let mistakes: usize = answers.sum();
        wrong += mistakes;
        wrong_groups += usize::from(mistakes > 4);
    }
    (wrong, wrong_groups)
}

/// Draws for each point are averaged out by groups of points that are nearly the same; answers shared by a cell are not.
#[test]
fn repetition_averages_draws_and_not_answers_of_cells() {
    let model = target(1.0);
    let mut drawn = Oracle::new(&model, None, Response::SampledLabel, 2000, 3);
    let (wrong, wrong_groups) = groups(&mut drawn, &model);
    assert!(wrong > 150 && wrong_groups < wrong / 18, "{wrong} {wrong_groups}");
    // the very same points: averaged out without memory, and not with it
    let mut afresh = Oracle::new(&model, None, Response::SampledAfresh, 2000, 3);
    let (wrong, wrong_groups) = groups_apart(&mut afresh, &model, 0.0);
    assert!(wrong > 150 && wrong_groups < wrong / 18, "{wrong} {wrong_groups}");
    assert_eq!(afresh.queries(), 900);
    let mut remembered = Oracle::new(&model, None, Response::SampledLabel, 2000, 3);
    let (wrong, wrong_groups) = groups_apart(&mut remembered, &model, 0.0);
    assert_eq!((wrong, remembered.queries()), (9 * wrong_groups, 100));
    assert!(wrong_groups > 10, "{wrong_groups}");
    let number = |text: &str| text.parse().unwrap();
    let zone = ResponseZone::Ball { shift: number("3") };
    let grid = (number("0.05"), ResponseUnits::Standardised);
    let target = Digest::of(b"");
    let defense = Defense::randomised_response(target, number("1"), zone, grid, target).unwrap();
    let mut shared = Oracle::new(&model, Some(&defense), Response::Label, 2000, 3);
    let (wrong, wrong_groups) = groups(&mut shared, &model);
    // 1/(1 + e) = 0.27 of the groups, all of their points
    assert_eq!(wrong, 9 * wrong_groups);
    assert!((15..40).contains(&wrong_groups), "{wrong_groups}");
}

/// The attack of the file, against labels drawn from the posterior and against draws that cells share.
#[test]
fn the_repetition_attack_gains_on_draws_and_not_on_cells() {
    let model = target(1.0);
    let repeating = attack("repetition.toml", 500);
    assert!(matches!(repeating.generator, Generator::Repeat { times: 5, .. }));
    let sampled = |spec: AttackSpec| AttackSpec { response: Response::SampledLabel, ..spec };
    let [once, averaged] = [attack("random-uniform.toml", 500), repeating.clone()]
        .map(|spec| agreement(&model, None, &sampled(spec)));
    println!("drawn: once {once:.4}, averaged {averaged:.4}");
    assert!(averaged > once, "{averaged} {once}");
    let number = |text: &str| text.parse().unwrap();
    let zone = ResponseZone::Ball { shift: number("3") };
    let grid = (number("0.05"), ResponseUnits::Standardised);
    let key = Digest::of(b"");
    let defense = Defense::randomised_response(key, number("1"), zone, grid, key).unwrap();
    let [once, averaged] = [attack("random-uniform.toml", 500), repeating]
        .map(|spec| agreement(&model, Some(&defense), &spec));
    println!("cells: once {once:.4}, averaged {averaged:.4}");
    assert!(averaged < once + 0.02, "{averaged} {once}");
}

/// A mixture that speaks for class 0: recovered posteriors put the boundary back.
#[test]
fn recovery_undoes_a_known_map_of_posteriors() {
    let model = target(1.5);
    let [alpha, zero, one] = ["0.5", "0.9", "0.1"].map(|text| text.parse().unwrap());
    let defense = Defense::mixture(Digest::of(b""), alpha, [zero, one]).unwrap();
    let recovering = attack("recovery.toml", 300);
    let plain = AttackSpec::read_with(
        b"attack = \"random\"\nresponse = \"posterior\"\nsubstitute = { family = \"trees\", trees = 30 }",
        AttackNumbers { queries: Some(300), seed_rows: None },
    )
    .unwrap();
    let [before, after] = [plain, recovering].map(|spec| agreement(&model, Some(&defense), &spec));
    println!("plain {before:.4}, recovered {after:.4}");
    assert!(after > before, "{after} {before}");
}

/// Query by committee, with the networks that it trains by default, finds more of the boundary than uniform points do.
#[test]
fn disagreement_of_a_committee_finds_the_boundary() {
    let model = target(2.0);
    let as_it_is = |name: &str| {
        let family = propcert::steal::SubstituteOptions::default();
        AttackSpec { substitute: family, ..attack(name, 60) }
    };
    let [uniform, committee] = ["random-uniform.toml", "committee.toml"]
        .map(|name| agreement(&model, None, &as_it_is(name)));
    println!("uniform {uniform:.4}, committee {committee:.4}");
    assert!(committee > uniform - 0.01, "{committee} {uniform}");
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let refused =
        AttackSpec::read(b"attack = \"random\"\n[substitute.learner]\nkind = \"recover\"");
    assert!(refused.unwrap_err().to_string().contains("use response = \"posterior\""));
    let refused = AttackSpec::read(
        b"attack = \"random\"\n[substitute.learner]\nkind = \"smooth\"\nneighbours = 0",
    );
    assert!(refused.unwrap_err().to_string().contains("from 1 to 10000"));
    let refused = AttackSpec::read(
        b"attack = \"random\"\n[generator]\nkind = \"repeat\"\nradius = 2.0\ntimes = 1",
    );
    assert!(refused.unwrap_err().to_string().contains("from 2 to 100000"));
}
