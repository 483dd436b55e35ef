//! Certificates about rows at equal steps: the rows that the header names are decided, and no others.

use propcert::certificate::{
    Arithmetic, CheckError, Decided, Settings, Subject, Totals, check_file,
};
use propcert::model::{CsvFile, DataSet, Digest, Model, Part};
use propcert::spec::Spec;

use crate::models::small_network;

const SPEC: &str = "property = 'label'\nepsilon = '0'\nsemantics = 'real'\n";
/// No row is taken out of the part.
const META: &str = r#"{"name":"made","label":"y","features":["x0","x1"],"kinds":["real","real"],
"ranges":[["-4","4"],["-4","4"]],"files":{"test":"test.csv"},"auxiliary":0,"synthetic":true}"#;
const ROWS: usize = 24;

/// The label is the model's at every third row, and the other one at all others.
fn scene() -> (Model, DataSet) {
    let model = small_network();
    let row = |k: usize| {
        let values = vec![k as f64 / 8.0 - 1.0, 1.0 - k as f64 / 16.0];
        let label = (model.label(&values) + usize::from(!k.is_multiple_of(3))) % 2;
        (values, label)
    };
    let line = |(x, label): (Vec<f64>, usize)| format!("{},{},{label}\n", x[0], x[1]);
    let csv = "x0,x1,y\n".to_owned() + &(0..ROWS).map(|k| line(row(k))).collect::<String>();
    let files = [CsvFile { name: "test.csv", bytes: csv.as_bytes() }];
    let data = DataSet::read(META.as_bytes(), &files).unwrap();
    (model, data)
}

/// A certificate that proves every row of a step by intervals.
fn text(model: &Model, data: &DataSet, every: &str, rows: usize) -> String {
    let model = Digest::of(model.to_json().as_bytes());
    let spec = Digest::of(SPEC.as_bytes());
    let header = format!(
        "{{\"schema\":\"certificate/1\",\"tool\":\"steps\",\"model\":\"{model}\",\"spec\":\"{spec}\",\"data\":\"{}\",\
         \"part\":\"test\",{every}\"rows\":{rows},\"semantics\":\"real\",\"integers\":\"respect\",\"budget\":{{\"nodes\":1}}}}\n",
        data.digest()
    );
    let lines = (0..rows).map(|at| format!("{{\"at\":{at},\"rule\":\"interval\"}}\n"));
    let proved = Totals { proved: rows as u64, ..Totals::default() };
    header + &lines.collect::<String>() + &proved.line()
}

/// True if the text holds as stated in both arithmetics; gives the rows that were seen.
fn decided(model: &Model, data: &DataSet, text: &str) -> Result<(bool, Vec<usize>), CheckError> {
    let spec = Spec::read(SPEC.as_bytes()).unwrap();
    let subject = Subject::new(model, &spec, data);
    let (mut holds, mut rows) = (true, Vec::new());
    for arithmetic in [Arithmetic::Rounded, Arithmetic::Exact] {
        rows.clear();
        let mut watch = |one: Decided| rows.extend(one.row);
        let settings = Settings { arithmetic, ..Settings::default() };
        let checked = check_file(&subject, &mut text.as_bytes(), settings, &mut watch)?;
        holds &= checked.is_as_stated();
    }
    Ok((holds, rows))
}

#[test]
fn the_rows_of_the_step_are_decided_and_no_others() {
    let (model, data) = scene();
    let (holds, rows) = decided(&model, &data, &text(&model, &data, "\"every\":3,", 8)).unwrap();
    assert!(holds);
    assert_eq!(rows, (0..8).map(|at| 3 * at).collect::<Vec<_>>());
    // a step of 6 takes true ones only, too; 2, 4, and none at all do not
    let found = |every: &str, rows| decided(&model, &data, &text(&model, &data, every, rows));
    assert!(found("\"every\":6,", 4).unwrap().0);
    assert!(found("\"every\":100,", 1).unwrap().0);
    for (every, rows) in [("", 8), ("", 2), ("\"every\":2,", 8), ("\"every\":4,", 6)] {
        assert!(!found(every, rows).unwrap().0, "{every} {rows}");
    }
}

#[test]
fn data_at_a_step_are_for_certificates_at_that_step() {
    let (model, data) = scene();
    let step = |step: usize| std::num::NonZeroUsize::new(step).unwrap();
    let thinned = data.every(Part::Test, step(3));
    assert_eq!((thinned.step(Part::Test).get(), thinned.digest()), (3, data.digest()));
    // other parts stay whole
    assert_eq!(thinned.step(Part::Train).get(), 1);
    assert_eq!(thinned.every(Part::Test, step(2)).step(Part::Test).get(), 6);
    let (holds, rows) = decided(&model, &thinned, &text(&model, &data, "\"every\":3,", 8)).unwrap();
    assert!(holds);
    assert_eq!(rows, (0..8).collect::<Vec<_>>());
    for every in ["", "\"every\":2,", "\"every\":6,"] {
        let error = decided(&model, &thinned, &text(&model, &data, every, 1)).unwrap_err();
        assert!(matches!(error, CheckError::Other { what: "step between rows", .. }), "{error}");
    }
}

#[test]
fn steps_that_are_none_and_rows_that_are_not_there_are_refused() {
    let (model, data) = scene();
    let found = |every: &str, rows| decided(&model, &data, &text(&model, &data, every, rows));
    for every in ["\"every\":0,", "\"every\":1,"] {
        assert!(matches!(found(every, 1), Err(CheckError::Step { .. })), "{every}");
    }
    for (every, rows) in [("\"every\":3,", 9), ("\"every\":2,", 13), ("\"every\":100,", 2)] {
        let error = found(every, rows).unwrap_err();
        assert!(matches!(error, CheckError::Other { what: "number of rows", .. }), "{error}");
    }
    for every in ["\"every\":-3,", "\"every\":3.0,", "\"every\":\"3\",", "\"every\":1e30,"] {
        assert!(matches!(found(every, 1), Err(CheckError::Format { line: 1, .. })), "{every}");
    }
}
