//! Sizes of certificates, the work they ask for, and the integers of exact arithmetic.

use std::fmt::Write;

use propcert::certificate::{
    CheckError, Checked, FormatError, Limits, Rejection, Settings, Subject, check_file,
};
use propcert::interval::{Exact, Form, Interval, Sizes};
use propcert::model::{Digest, Model};
use propcert::spec::{Spec, SpecError};

use crate::{MLP, PROVED, SPEC, TREES, header};

/// The file with these lines about obligation 0 of a model.
fn check(model_text: &str, body: &str, max_work: u64) -> Result<Checked, CheckError> {
    check_with(model_text, body, Settings { max_work, ..Settings::default() })
}

fn check_with(model: &str, body: &str, settings: Settings) -> Result<Checked, CheckError> {
    check_text(model, SPEC, &(header(model, SPEC) + body), settings)
}

fn check_text(
    model_text: &str,
    spec_text: &str,
    text: &str,
    settings: Settings,
) -> Result<Checked, CheckError> {
    let model = Model::read(model_text.as_bytes()).unwrap();
    let spec = Spec::read(spec_text.as_bytes()).unwrap();
    let subject = Subject {
        model: (&model, Digest::of(model_text.as_bytes())),
        spec: &spec,
        data: None,
        defense: None,
    };
    check_file(&subject, &mut text.as_bytes(), settings, &mut |_| ())
}

/// So many cuts, each inside the low side of the one before.
fn deep_tree(depth: i32) -> String {
    let cuts = (1..=depth).fold(String::new(), |mut text, k| {
        write!(text, "i0:0x1p-{k} ").unwrap();
        text
    });
    cuts + &vec!["J"; depth as usize + 1].join(" ")
}

#[test]
fn split_trees_go_512_deep_and_no_deeper() {
    let line = |depth| {
        let tree = deep_tree(depth);
        format!("{{\"at\":0,\"rule\":\"split\",\"tree\":\"{tree}\"}}\n{PROVED}")
    };
    assert!(check(MLP, &line(512), u64::MAX).unwrap().is_as_stated());
    let refused = check(MLP, &line(513), u64::MAX);
    let Err(CheckError::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(rejection, Rejection::Tree { problem: "deeper than 512", .. }));
}

#[test]
fn work_is_counted_before_it_is_done() {
    let line = format!("{{\"at\":0,\"rule\":\"jacobian\"}}\n{PROVED}");
    assert!(check(MLP, &line, 1000).unwrap().is_as_stated());
    let refused = check(MLP, &line, 10);
    let Err(CheckError::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(rejection, Rejection::Work { limit: 10 });
}

#[test]
fn lines_of_certificates_are_limited() {
    let limit = |body: String, what: &str| match check(MLP, &body, u64::MAX) {
        Err(CheckError::Format { error: FormatError::Limit(limit), line: 2 }) => {
            assert_eq!(limit.what, what);
        }
        other => panic!("{what}: {other:?}"),
    };
    let tree = |text: &str| format!("{{\"at\":0,\"rule\":\"split\",\"tree\":\"{text}\"}}\n");
    limit(tree(&"J ".repeat(1 << 20)), "bytes of a JSON string");
    limit(
        format!("{{\"at\":0,\"hints\":{}{}}}\n", "[".repeat(16), "]".repeat(16)),
        "depth of JSON nesting",
    );
    limit(format!("{{\"at\":{}}}\n", "1".repeat(1101)), "characters of a JSON number");
    let end = |body: &str| match check(MLP, body, u64::MAX) {
        Err(CheckError::End { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    assert!(end("").contains("no totals"));
    assert!(end(PROVED).contains("before the last"));
    assert!(end("{\"at\":0,\"rule\":\"none\"}").contains("torn"));
    let twice = format!("{{\"at\":0,\"rule\":\"jacobian\"}}\n{PROVED}{PROVED}");
    assert!(end(&twice).contains("follows the totals"));
}

/// Each limit holds to the last unit; the defaults are those of the format's page.
#[test]
fn sizes_of_a_file_are_limited_one_by_one() {
    let tree = "{\"at\":0,\"rule\":\"split\",\"tree\":\"i0:0x1p-1 J J\"}\n";
    let body = format!("{tree}{PROVED}");
    let file = (header(MLP, SPEC) + &body).len() as u64;
    let longest = header(MLP, SPEC).len() as u64;
    let exact = Limits { line_bytes: longest, bytes: file, lines: 3, steps: 3 };
    let check = |limits| check_with(MLP, &body, Settings { limits, ..Settings::default() });
    assert!(check(exact).unwrap().is_as_stated());
    for (limits, line, what, found) in [
        (Limits { line_bytes: longest - 1, ..exact }, 1, "bytes of a line", longest),
        (Limits { bytes: file - 1, ..exact }, 3, "bytes of a certificate", file),
        (Limits { lines: 2, ..exact }, 3, "lines of a certificate", 3),
        (Limits { steps: 2, ..exact }, 2, "steps of split trees", 3),
    ] {
        let refused = check(limits);
        let Err(CheckError::Limit { line: at, limit }) = refused else { panic!("{refused:?}") };
        assert_eq!((at, limit.what, limit.found), (line, what, found));
        assert_eq!(limit.limit, found - 1);
    }
    let defaults =
        Limits { line_bytes: 1 << 24, bytes: 1 << 30, lines: 10_000_000, steps: 1 << 24 };
    assert_eq!(Limits::default(), defaults);
    let long = check_with(MLP, &" ".repeat((16 << 20) + 1), Settings::default());
    assert!(matches!(long, Err(CheckError::Limit { line: 2, .. })), "{long:?}");
}

#[test]
fn a_claim_without_rows_names_none() {
    let body = format!("{{\"at\":0,\"rule\":\"jacobian\"}}\n{PROVED}");
    let digest = Digest::of(b"");
    for (key, value) in
        [("data", format!("\"{digest}\"")), ("part", "\"test\"".into()), ("rows", "1".into())]
    {
        let head =
            header(MLP, SPEC).replace("\"budget\"", &format!("\"{key}\":{value},\"budget\""));
        let refused = check_text(MLP, SPEC, &(head + &body), Settings::default());
        let Err(CheckError::Unexpected { key: found, property }) = refused else {
            panic!("{key}: {refused:?}")
        };
        assert_eq!((found, property), (key, "monotonicity"));
    }
}

#[test]
fn specs_are_at_most_8_mebibytes() {
    const SPEC_BYTES: usize = 8 << 20;
    let padded = |length: usize| format!("{SPEC}#{}", "x".repeat(length - SPEC.len() - 1));
    assert!(Spec::read(padded(SPEC_BYTES).as_bytes()).is_ok());
    let refused = Spec::read(padded(SPEC_BYTES + 1).as_bytes());
    assert!(matches!(refused, Err(SpecError::Size { found }) if found == SPEC_BYTES + 1));
}

/// Indexes and counts that a file declares lead to no allocation and no work.
#[test]
fn declared_indexes_are_refused() {
    for line in [
        "{\"at\":1000000000,\"rule\":\"none\"}",
        "{\"at\":18446744073709551615,\"rule\":\"none\"}",
        "{\"at\":18446744073709551616,\"rule\":\"none\"}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"J#999999999\"}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"J!999999999\"}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"i999999999:0x1p0 J J\"}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"i0:0x1p1 J J\"}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"J\",\"hints\":[{\"slopes\":[[0,999999999,0.5]]}]}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"J\",\"hints\":[{\"slopes\":[[9,0,0.5]]}]}",
        "{\"at\":0,\"rule\":\"split\",\"tree\":\"J\",\"hints\":[{\"slopes\":[[0,0,1e400]]}]}",
        "{\"at\":0,\"rule\":\"counterexample\",\"points\":[]}",
        "{\"at\":0,\"rule\":\"counterexample\",\"points\":[[\"0\"],[\"1e500\"]]}",
        "{\"at\":0,\"rule\":\"counterexample\",\"points\":[[\"0\"],[\"0x1p99999\"]]}",
        "{\"at\":0,\"rule\":\"counterexample\",\"points\":[[\"0\",\"0\"],[\"0\"]]}",
    ] {
        let found = check(MLP, &format!("{line}\n{PROVED}"), u64::MAX);
        assert!(found.is_err(), "{line}: {found:?}");
    }
    for line in [
        "{\"at\":0,\"rule\":\"jumps\",\"trees\":{\"999999999\":\"I\"}}",
        "{\"at\":0,\"rule\":\"jumps\",\"trees\":{\"0\":\"c0.999999999 I I\"}}",
        "{\"at\":0,\"rule\":\"jumps\",\"trees\":{\"0\":\"c999999999.0 I I\"}}",
        "{\"at\":0,\"rule\":\"jumps\",\"trees\":{\"0\":\"I\",\"0\":\"I\"}}",
    ] {
        let found = check(TREES, &format!("{line}\n{PROVED}"), u64::MAX);
        assert!(found.is_err(), "{line}: {found:?}");
    }
    let plain = format!("{{\"at\":0,\"rule\":\"jumps\"}}\n{PROVED}");
    assert!(check(TREES, &plain, u64::MAX).unwrap().is_as_stated());
}

/// Each layer adds about 2,000 bits to the integers of an exact form.
#[test]
fn exact_integers_beyond_16384_bits_bound_nothing() {
    let (large, small) = (2f64.powi(1000), 2f64.powi(-1000));
    let layer = Exact::layer(propcert::interval::Stored::new(
        &[large, small, small, large],
        &[0.0, 0.0],
        2,
    ));
    let side = Interval::point(1.0);
    let minimum = |layers: usize| {
        let form = (0..layers).fold(Exact::new(&[small, small]), |form, _| {
            form.through_layer(&layer, &Sizes::default())
        });
        form.minimum(&[side, side])
    };
    // 2^(−1000 + 1000·layers)·(1 + …) overflows f64 from the third on and is rounded down
    assert!(minimum(2) > 2f64.powi(1000));
    assert_eq!(minimum(7), f64::MAX);
    assert_eq!(minimum(12), f64::NEG_INFINITY);
}
