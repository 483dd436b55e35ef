//! Draws against the bound that they promise, proofs against points, and memories that were torn.

use proptest::prelude::*;

use crate::certificate::{Settings, Subject, Verdict, check_file};
use crate::defense::{ResponseUnits, ResponseZone};
use crate::interval::Decimal;
use crate::model::{CsvFile, DataSet};
use crate::spec::Spec;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Logits `[0, x + y]`, so the boundary has the normal `(1, 1)`.
fn diagonal() -> Model {
    let text = r#"{"format":"model/1","family":"mlp","precision":"f64","tie":"lower","classes":2,
        "features":[{"name":"x","kind":"real","low":"-9","high":"9"},{"name":"y","kind":"real","low":"-9","high":"9"}],
        "layers":[{"weights":[[0.0,0.0],[1.0,1.0]],"bias":[0,0]}]}"#;
    Model::read(text.as_bytes()).unwrap()
}

/// Three stumps: a change of label at x = 1 and another at y = 2.
fn stairs() -> Model {
    let text = r#"{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower","classes":2,
        "features":[{"name":"x","kind":"real","low":"-9","high":"9"},{"name":"y","kind":"real","low":"-9","high":"9"}],
        "base":[0.25],"trees":[
        {"output":0,"feature":[0,0,0],"threshold":[1,0,0],"left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,-1,1]},
        {"output":0,"feature":[1,0,0],"threshold":[2,0,0],"left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,0.5,-2]},
        {"output":0,"feature":[1,0,0],"threshold":[-3,0,0],"left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,0.125,0]}]}"#;
    Model::read(text.as_bytes()).unwrap()
}

fn ball(shift: &str, cell: &str, key: &[u8]) -> Defense {
    let zone = ResponseZone::Ball { shift: decimal(shift) };
    let grid = (decimal(cell), ResponseUnits::Standardised);
    Defense::randomised_response(Digest::of(b""), decimal("1"), zone, grid, Digest::of(key))
        .unwrap()
}

fn band(confidence: &str) -> Defense {
    let zone = ResponseZone::Band { confidence: decimal(confidence) };
    let grid = (decimal("0.25"), ResponseUnits::Standardised);
    Defense::randomised_response(Digest::of(b""), decimal("1"), zone, grid, Digest::of(b""))
        .unwrap()
}

fn labels(answers: &[ServedAnswer]) -> Vec<usize> {
    answers.iter().map(|answer| answer.label).collect()
}

fn answers(model: &Model, defense: &Defense, points: &[Vec<f64>]) -> Vec<ServedAnswer> {
    let mut memory = ResponseMemory::default();
    Server::new(model, defense).unwrap().answer(points, &mut memory).unwrap()
}

/// The example of a boundary with the normal `(1, 1)`: a point at 0.9·Δ (2-norm) from it, a neighbour on its side, and
/// their mirror images.
const SIDES: [[f64; 2]; 3] = [[0.6364, 0.6364], [0.5, 0.625], [-0.6364, -0.6364]];

/// 10⁶ draws. In the first reading the ratio of agreements is `cosh ε`, in the second that of single pairs is `e^ε`.
#[test]
fn draws_in_the_zone_keep_both_readings_of_the_bound() {
    let (model, defense) = (diagonal(), ball("1", "0.01", b""));
    let points = SIDES.map(|point| point.to_vec());
    let placed = Server::new(&model, &defense).unwrap().place(&points).unwrap();
    assert!(placed.iter().all(|placed| matches!(placed, Placed::Near { .. })), "{placed:?}");
    let coin = Coin::new(&decimal("1"));
    const KEYS: u32 = 333_334;
    let (mut same, mut across, mut ones, mut both) = (0_u32, 0_u32, 0_u32, 0_u32);
    for key in 0..KEYS {
        let key = Digest::of(&key.to_le_bytes());
        let [a, b, c] =
            [0, 1, 2].map(|at: usize| coin.answer(&key, &points[at], usize::from(at < 2)));
        same += u32::from(a == b);
        across += u32::from(a == c);
        ones += u32::from((a, b) == (1, 1));
        both += u32::from((a, c) == (1, 1));
    }
    let bound = 1_f64.exp();
    let agreements = f64::from(same) / f64::from(across);
    assert!((agreements - 1_f64.cosh()).abs() < 0.02, "{agreements}");
    assert!(agreements < bound && agreements > 1.0 / bound);
    let pairs = f64::from(ones) / f64::from(both);
    assert!(pairs < 1.02 * bound && pairs > 0.98 * bound, "{pairs}");
}

/// The published test moves a point along one axis by Δ. Here no such move crosses the boundary, though it is nearer than
/// Δ, so the answers would be plain: those on one side always agree, those on both never do, and no ratio is bounded.
#[test]
fn the_axis_test_misses_a_point_of_the_zone_and_breaks_the_bound() {
    let model = diagonal();
    let [point, neighbour, mirrored] = SIDES;
    assert!(point.iter().map(|x| x * x).sum::<f64>().sqrt() < 1.0);
    for at in [point, mirrored] {
        let own = model.label(&at);
        let moves = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        assert!(moves.iter().all(|by| model.label(&[at[0] + by[0], at[1] + by[1]]) == own));
    }
    assert_eq!(model.label(&point), model.label(&neighbour));
    assert_ne!(model.label(&point), model.label(&mirrored));
    // the ball has the point
    let drawn = answers(&model, &ball("1", "0.01", b""), &[point.to_vec(), mirrored.to_vec()]);
    assert!(drawn.iter().all(|answer| answer.ground == AnswerGround::Drawn), "{drawn:?}");
}

/// Two points of one cell on different sides. They share the answer; had they shared the coin, they would never agree,
/// and the ratio of two answers that agree would be 0, below every `e^−ε`.
#[test]
fn a_shared_coin_would_break_the_bound_and_a_shared_answer_does_not() {
    let model = diagonal();
    let coin = Coin::new(&decimal("1"));
    let (mut agree, mut with_coin, mut first) = (0, 0, [0, 0]);
    for key in 0..400_u32 {
        let defense = ball("1", "0.5", &key.to_le_bytes());
        let across = [vec![-0.2, 0.25], vec![-0.25, 0.2]];
        let sides: Vec<usize> = across.iter().map(|point| model.label(point)).collect();
        assert_eq!(sides, [1, 0]);
        let served = answers(&model, &defense, &across);
        assert_eq!(
            (&served[0].ground, &served[1].ground),
            (&AnswerGround::Drawn, &AnswerGround::Remembered)
        );
        let served = labels(&served);
        agree += u32::from(served[0] == served[1]);
        first[served[0]] += 1;
        // one coin for the cell: the draw of its first point, turned for those on the other side
        let key = Digest::of(&key.to_le_bytes());
        let is_right = coin.answer(&key, &across[0], 1) == 1;
        let [a, b] = [1, 0].map(|label: usize| if is_right { label } else { 1 - label });
        with_coin += u32::from(a == b);
    }
    assert_eq!((agree, with_coin), (400, 0));
    // e/(1 + e) = 0.731 of the first answers are right
    assert!((240..340).contains(&first[1]), "{first:?}");
}

#[test]
fn the_same_point_has_the_same_answer_without_any_memory() {
    let (model, defense) = (stairs(), ball("0.5", "0.01", b"k"));
    let points: Vec<Vec<f64>> = (0..50).map(|k| vec![0.6 + f64::from(k) * 0.02, 0.0]).collect();
    let forward = answers(&model, &defense, &points);
    let reversed: Vec<_> = points.iter().rev().cloned().collect();
    let mut backward = answers(&model, &defense, &reversed);
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(
        answers(&model, &defense, &[vec![-0.0, 1.9]]),
        answers(&model, &defense, &[vec![0.0, 1.9]])
    );
    let drawn = |answer: &&ServedAnswer| answer.ground == AnswerGround::Drawn;
    // x = 1 is within 0.5 of 0.6 to 1.5, and plain from 1.52 on
    assert!((44..=46).contains(&forward.iter().filter(drawn).count()), "{forward:?}");
}

/// A point that cannot be proved because it is none of the domain is drawn.
#[test]
fn points_outside_the_domain_are_drawn() {
    for model in [stairs(), diagonal()] {
        let served = answers(&model, &ball("0.5", "0.01", b""), &[vec![9.5, 9.5], vec![5.0, 5.0]]);
        let grounds =
            served.iter().map(|answer| matches!(answer.ground, AnswerGround::Plain(Some(_))));
        assert_eq!(grounds.collect::<Vec<_>>(), [false, true]);
    }
}

#[test]
fn a_band_is_its_closed_form() {
    let model = diagonal();
    // σ(2.197) = 0.9
    let served = answers(&model, &band("0.9"), &[vec![2.0, 0.2], vec![2.0, 0.19], vec![-2.2, 0.0]]);
    let grounds: Vec<AnswerGround> = served.iter().map(|answer| answer.ground.clone()).collect();
    assert_eq!(
        grounds,
        [AnswerGround::Plain(None), AnswerGround::Drawn, AnswerGround::Plain(None)]
    );
    assert_eq!((served[0].label, served[2].label), (1, 0));
    assert!(matches!(
        Server::new(&model, &band("0.9")).unwrap().log(Digest::of(b""), "l.csv", &[], &[]),
        Err(DefendError::NoProofs)
    ));
    let mixture = Defense::mixture(Digest::of(b""), decimal("0"), ["1", "0"].map(decimal)).unwrap();
    assert!(matches!(Server::new(&model, &mixture), Err(DefendError::NotDrawn { .. })));
}

/// The log of points around both boundaries, with what reads it back.
fn logged(model: &Model, defense: &Defense, points: &[Vec<f64>]) -> (ServedLog, Vec<ServedAnswer>) {
    let served = answers(model, defense, points);
    let target = Digest::of(model.to_json().as_bytes());
    let server = Server::new(model, defense).unwrap();
    (server.log(target, "l.csv", points, &served).unwrap(), served)
}

/// The kernel's verdicts on the lines of a log: proved or not; `None` if it is not as stated.
fn checked(model: &Model, log: &ServedLog) -> Option<Vec<bool>> {
    let data = DataSet::read(&log.meta, &[CsvFile { name: "l.csv", bytes: &log.rows }]).unwrap();
    let spec = Spec::read(log.spec.as_bytes()).unwrap();
    let subject = Subject::new(model, &spec, &data);
    let mut verdicts = Vec::new();
    let mut watch = |decided: crate::certificate::Decided| {
        verdicts.push(matches!(decided.verdict, Verdict::Proved(_)));
    };
    let mut bytes = log.certificate.as_bytes();
    let checked = check_file(&subject, &mut bytes, Settings::default(), &mut watch).unwrap();
    checked.is_as_stated().then_some(verdicts)
}

#[test]
fn a_log_is_a_certificate_of_what_was_not_drawn() {
    let points: Vec<Vec<f64>> =
        (0..40).map(|k| vec![f64::from(k) * 0.1 - 1.0, f64::from(k % 7) * 0.5]).collect();
    for model in [stairs(), diagonal()] {
        let (log, served) = logged(&model, &ball("0.25", "0.01", b""), &points);
        let plain: Vec<bool> = served
            .iter()
            .map(|answer| matches!(answer.ground, AnswerGround::Plain(Some(_))))
            .collect();
        assert!(plain.iter().any(|is| *is) && !plain.iter().all(|is| *is));
        assert_eq!(checked(&model, &log), Some(plain.clone()));
        // another answer where one was plain, with the digest pasted in
        let at = plain.iter().position(|is_plain| *is_plain).unwrap();
        let text = String::from_utf8(log.rows.clone()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let turned = if lines[at + 1].starts_with('1') { "0" } else { "1" };
        lines[at + 1].replace_range(..1, turned);
        let rows = (lines.join("\n") + "\n").into_bytes();
        let digest = |rows: &[u8]| Digest::of_all([rows, log.meta.as_slice()]).to_string();
        let certificate = log.certificate.replace(&digest(&log.rows), &digest(&rows));
        assert_ne!(certificate, log.certificate);
        let wrong = ServedLog { certificate, rows, ..log };
        assert_eq!(checked(&model, &wrong), None);
    }
}

#[test]
fn a_memory_that_lost_its_end_answers_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let (path, name) = (folder.path().join("answers.jsonl"), Digest::of(b"defense"));
    let (model, defense) = (diagonal(), ball("1", "0.05", b""));
    let points: Vec<Vec<f64>> =
        (0..30).map(|k| vec![f64::from(k) * 0.02, -f64::from(k) * 0.02]).collect();
    let server = Server::new(&model, &defense).unwrap();
    let serve = |points: &[Vec<f64>]| {
        let mut memory = ResponseMemory::open(&path, name).unwrap();
        let served = server.answer(points, &mut memory).unwrap();
        memory.keep().unwrap();
        (labels(&served), memory.len())
    };
    let (first, cells) = serve(&points);
    assert!(cells > 5 && cells < 30, "near points share a cell: {cells}");
    let whole = std::fs::read(&path).unwrap();
    // in any order, since answers are kept
    let order: Vec<usize> = (0..30).rev().collect();
    let reversed: Vec<_> = order.iter().map(|at| points[*at].clone()).collect();
    let (again, same) = serve(&reversed);
    assert_eq!((order.iter().map(|at| first[*at]).collect::<Vec<_>>(), cells), (again, same));
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    let line = 1 + whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
    for length in (line..whole.len()).chain([0, 1, 20]) {
        std::fs::write(&path, &whole[..length]).unwrap();
        if length >= line {
            let memory = ResponseMemory::open(&path, name).unwrap();
            assert_eq!(memory.len(), cells - 1, "{length}");
        }
        assert_eq!(serve(&points), (first.clone(), cells), "{length}");
        assert_eq!(std::fs::read(&path).unwrap(), whole, "{length}");
    }
}

#[test]
fn memories_of_others_and_damaged_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.jsonl");
    let [name, other] = [b"one".as_slice(), b"two"].map(Digest::of);
    let mut memory = ResponseMemory::open(&path, name).unwrap();
    assert!(matches!(ResponseMemory::open(&path, name), Err(MemoryError::Busy { .. })));
    memory.add(Digest::of(b"a"), 1);
    memory.add(Digest::of(b"b"), 0);
    memory.keep().unwrap();
    drop(memory);
    let message = ResponseMemory::open(&path, other).unwrap_err().to_string();
    assert!(
        message.contains(&name.to_string()) && message.contains(&other.to_string()),
        "{message}"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (damaged, part) in [
        (text.replace("answers/1", "answers/2"), "line 1: found `{\"format\":\"answers/2\""),
        ("label,x\n1,2\n".to_owned(), "line 1: found `label,x`"),
        ("label".to_owned(), "line 1: found `label`"),
        (text.replace("\"label\":1", "\"label\":2"), "line 2"),
        (text.replace("\"label\":1", "\"label\":"), "line 2"),
        (format!("{text}{}\n", lines[1]), "line 4"),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        let message = ResponseMemory::open(&path, name).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged, "a refusal changes nothing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// No point within Δ of a plain one has another label.
    #[test]
    fn plain_answers_have_no_other_label_near(
        at in prop::array::uniform2(-4.0..4.0_f64),
        moves in prop::collection::vec(prop::array::uniform2(-1.0..=1.0_f64), 40),
    ) {
        for model in [stairs(), diagonal()] {
            let served = answers(&model, &ball("0.375", "0.01", b""), &[at.to_vec()]);
            let AnswerGround::Plain(proof) = &served[0].ground else { continue };
            prop_assert!(proof.is_some());
            for by in &moves {
                // to the corners, too
                let ends = [*by, by.map(f64::signum)];
                for by in ends {
                    let near = [at[0] + 0.375 * by[0], at[1] + 0.375 * by[1]];
                    prop_assert_eq!(model.label(&near), served[0].label, "{:?} {:?}", at, near);
                }
            }
        }
    }
}
