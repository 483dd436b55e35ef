//! Files that are read, files that are refused and the place of the fault, and the way back through a spec.

use std::path::{Path, PathBuf};

use crate::interval::{Decimal, Rational};
use crate::spec::{OutputRegion, Property, Spec};

use super::super::chance::Chance;
use super::super::effort::Effort;
use super::*;

/// Two inputs and two outputs.
const TWO: &str = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n\
                   (declare-const Y_0 Real)\n(declare-const Y_1 Real)\n";
/// The unit box and a block.
const UNIT: &str = "(assert (and (>= X_0 0) (<= X_0 1) (>= X_1 0) (<= X_1 1)))\n\
                    (assert (<= Y_0 Y_1))\n";
/// Two copies of a network with two inputs and one output.
const PAIR: &str = "(vnnlib-version <2.0>)\n\
    (declare-network f (declare-input X_f real [2]) (declare-output Y_f real [1]))\n\
    (declare-network g (equal-to f) (declare-input X_g real [2]) (declare-output Y_g real [1]))\n";

fn read(text: &str) -> Result<Vec<Query>, VnnlibError> {
    vnnlib(text.as_bytes())
}

fn one(text: &str) -> Query {
    let mut queries = read(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let query = queries.pop().unwrap();
    assert!(queries.is_empty(), "{text}");
    query
}

/// A query in short: `low..high` of every box with rows `x<=rhs`, then the rows of every block.
fn short(query: &Query) -> String {
    let row = |c: &[Decimal], rhs: &Decimal| {
        let c: Vec<String> = c.iter().map(Decimal::to_string).collect();
        format!("{}<={rhs}", c.join(","))
    };
    let input = |input: &Input| {
        let sides = input.set.sides.iter().map(|(low, high)| format!("{low}..{high}"));
        let rows = input.set.rows.iter().map(|r| row(&r.x, &r.rhs));
        sides.chain(rows).collect::<Vec<_>>().join(" ")
    };
    let block = |block: &UnsafeBlock| {
        block.rows.iter().map(|r| row(&r.y, &r.rhs)).collect::<Vec<_>>().join(" ")
    };
    let inputs: Vec<String> = query.inputs.iter().map(input).collect();
    let blocks: Vec<String> = query.blocks.iter().map(block).collect();
    format!("{} => {}", inputs.join(" | "), blocks.join(" | "))
}

fn assert_same_after_a_spec(query: &Query, name: &str) {
    let text = spec_text(query);
    let spec = Spec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let Property::OutputRegion(OutputRegion { copies, input, unsafe_blocks }) = spec.property
    else {
        panic!("{name}: another property")
    };
    assert_eq!(copies, query.copies, "{name}");
    let inputs: Vec<_> = query.inputs.iter().map(|input| input.set.clone()).collect();
    let blocks: Vec<_> = query.blocks.iter().map(|block| block.rows.clone()).collect();
    assert!(input == inputs && unsafe_blocks == blocks, "{name}");
}

#[test]
fn asserts_become_boxes_and_blocks() {
    let unit = "0..1 0..1";
    let table = [
        // the first block of UNIT stays
        ("", format!("{unit} => 1,-1<=0")),
        ("(assert (<= Y_0 3.50))", format!("{unit} => 1,-1<=0 1,0<=3.5")),
        ("(assert (>= Y_0 1e-05))", format!("{unit} => 1,-1<=0 -1,0<=-0.00001")),
        // the stronger bound stays
        ("(assert (<= X_0 0.5)) (assert (<= X_0 0.75))", "0..0.5 0..1 => 1,-1<=0".to_owned()),
        ("(assert (>= 0.5 X_0))", "0..0.5 0..1 => 1,-1<=0".to_owned()),
        ("(assert (= X_1 0.1))", "0..1 0.1..0.1 => 1,-1<=0".to_owned()),
        // arithmetic
        ("(assert (<= (* 4 X_0) 1))", "0..0.25 0..1 => 1,-1<=0".to_owned()),
        ("(assert (<= (- X_0) -0.5))", "0.5..1 0..1 => 1,-1<=0".to_owned()),
        ("(assert (<= (+ X_0 0.25 0.25) 1))", "0..0.5 0..1 => 1,-1<=0".to_owned()),
        // a third is no decimal: the condition stays a row
        ("(assert (<= (* 3 X_0) 1))", format!("{unit} 3,0<=1 => 1,-1<=0")),
        ("(assert (<= (+ X_0 (* 2 X_1)) 1))", format!("{unit} 1,2<=1 => 1,-1<=0")),
        (
            "(assert (<= (- (* Y_0 2 0.5) (* 0.3 (+ Y_1 1)) Y_0) 0.1))",
            format!("{unit} => 1,-1<=0 0,-0.3<=0.4"),
        ),
        // disjunctions
        (
            "(assert (or (<= X_0 0.25) (>= X_0 0.75)))",
            "0..0.25 0..1 | 0.75..1 0..1 => 1,-1<=0".to_owned(),
        ),
        (
            "(assert (or (and (<= Y_0 1) (<= Y_1 2)) (<= Y_0 3)))",
            format!("{unit} => 1,-1<=0 1,0<=1 0,1<=2 | 1,-1<=0 1,0<=3"),
        ),
        (
            "(assert (or (<= Y_0 1) (<= Y_0 2))) (assert (or (<= Y_1 3) (<= Y_1 4)))",
            format!(
                "{unit} => 1,-1<=0 1,0<=1 0,1<=3 | 1,-1<=0 1,0<=1 0,1<=4 | \
                 1,-1<=0 1,0<=2 0,1<=3 | 1,-1<=0 1,0<=2 0,1<=4"
            ),
        ),
        ("(assert (or (and (or (<= X_0 0.5)))))", "0..0.5 0..1 => 1,-1<=0".to_owned()),
    ];
    for (assert, expected) in table {
        let query = one(&format!("{TWO}{UNIT}{assert}"));
        assert_eq!((short(&query), query.copies), (expected, 1), "{assert}");
        assert_same_after_a_spec(&query, assert);
    }
}

#[test]
fn cases_of_inputs_and_outputs_are_paired() {
    let case = |low: &str, high: &str, output: &str| {
        format!("(and (>= X_0 {low}) (<= X_0 {high}) (<= Y_0 {output}))")
    };
    let common = "(assert (= X_1 0)) (assert (<= Y_1 9))";
    let queries = |cases: &[String]| -> Vec<String> {
        let text = format!("{TWO}{common}(assert (or {}))", cases.join(" "));
        read(&text).unwrap().iter().map(short).collect()
    };
    let (a, b) = (case("0", "1", "5"), case("2", "3", "6"));
    let expected = ["0..1 0..0 => 0,1<=9 1,0<=5", "2..3 0..0 => 0,1<=9 1,0<=6"];
    assert_eq!(queries(&[a.clone(), b.clone()]), expected);
    // cases with the same condition on outputs, or the same box, are one query
    let same_output = [a.clone(), b, case("2", "3", "5")];
    let expected = ["0..1 0..0 | 2..3 0..0 => 0,1<=9 1,0<=5", "2..3 0..0 => 0,1<=9 1,0<=6"];
    assert_eq!(queries(&same_output), expected);
    let same_box = [a, case("0.0", "1.0", "7")];
    assert_eq!(queries(&same_box), ["0..1 0..0 => 0,1<=9 1,0<=5 | 0,1<=9 1,0<=7"]);
}

#[test]
fn two_equal_networks_are_two_copies() {
    let text = "(assert (and (<= X_f[0] 1) (>= X_f[0] 0) (== X_f [1] 0.5)))
        (assert (X_f[0] <= X_g[0])) (assert (<= X_g[0] 2))
        (assert (== X_f[1] X_g[1]))
        (assert (Y_f[0] < Y_g[0]))";
    let query = one(&format!("{PAIR}{text}"));
    let rows = "1,0,-1,0<=0 0,1,0,-1<=0 0,-1,0,1<=0";
    // the lower end of X_g[0] and both of X_g[1] follow from the rows
    assert_eq!(short(&query), format!("0..1 0.5..0.5 0..2 0.5..0.5 {rows} => 1,-1<=0"));
    assert_eq!(query.copies, 2);
    assert_same_after_a_spec(&query, "two copies");
    assert!(spec_text(&query).contains("strict = true"));

    let single = "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1,2]) \
                  (declare-output Y real []))(assert (and (<= 0 X[0,0]) (<= X[0,0] 1) \
                  (== X[0,1] 0) (> Y 3)))";
    let query = one(single);
    assert_eq!((short(&query).as_str(), query.copies), ("0..1 0..0 => -1<=-3", 1));
}

#[test]
fn a_witness_satisfies_strict_conditions_strictly() {
    let query = one(&format!(
        "{TWO}(assert (and (> X_0 0) (<= X_0 1) (>= X_1 0) (<= X_1 1) (< X_0 X_1) (< Y_0 Y_1) (<= Y_0 2)))"
    ));
    assert!(query.is_strict() && !one(&format!("{TWO}{UNIT}")).is_strict());
    assert_eq!(query.inputs[0].strict, [Strict::Lower(0), Strict::Row(0)]);
    assert_eq!(
        query.blocks[0].rows.iter().map(|row| row.strict).collect::<Vec<_>>(),
        [true, false]
    );
    let table = [
        ([1, 2], [4, 5], true),
        ([0, 2], [4, 5], false),
        ([2, 2], [4, 5], false),
        ([1, 2], [5, 5], false),
        ([1, 4], [8, 9], true),
        ([1, 4], [9, 10], false),
        ([1, 5], [4, 5], false),
    ];
    let quarters = |n: [i64; 2]| n.map(|n| Rational::new(n.into(), 4.into()).unwrap());
    for (x, y, expected) in table {
        assert_eq!(query.is_witness(&quarters(x), &quarters(y)), expected, "{x:?} {y:?}");
    }
    assert!(!query.is_witness(&quarters([1, 2])[..1], &quarters([4, 5])));
    assert!(!query.is_witness(&quarters([1, 2]), &[]));
}

#[test]
fn refusals_name_the_place() {
    // lines count from the end of the declarations
    let first = TWO.lines().count() as u32;
    let table = [
        ("(assert (<= X_0 1)", (1, 19), "the end of the file, expected `)`"),
        ("(assert (<= X_0 1)))", (1, 20), "found `)`, expected `(`"),
        ("\n  (assert\n (<= X_0 one))", (3, 10), "`one` is not declared"),
        ("(assert (<= X_2 1))", (1, 13), "`X_2` is not declared"),
        ("(assert (<= X_0[0] 1))", (1, 13), "`X_0[0]` is not declared"),
        ("(assert (<= X_0 1 2))", (1, 19), "found `2`, expected `)`"),
        ("(assert (<= X_0))", (1, 16), "expected a number, a variable or `(`"),
        ("(assert (<= X_0 +1))", (1, 17), "a number such as"),
        ("(assert (<= X_0 1.5.2))", (1, 17), "a number such as"),
        ("(assert (<= X_0 1e999))", (1, 17), "a number such as"),
        ("(assert (X_0 1))", (1, 14), "found `1`, expected <=, >="),
        ("(assert true)", (1, 9), "expected a formula"),
        ("(assert (and))", (1, 13), "expected a formula"),
        ("(assert (not (<= X_0 1)))", (1, 10), "`not` cannot be imported"),
        ("(assert (!= X_0 1))", (1, 10), "`!=` cannot be imported"),
        ("(assert (<= (* X_0 X_1) 1))", (1, 20), "a product of two variables"),
        ("(assert (<= (/ X_0 2) 1))", (1, 14), "expected `+`, `-` or `*`"),
        ("(assert (<= X_0 Y_0))", (1, 9), "a comparison of inputs with outputs"),
        ("(assert (<= 0 1))", (1, 9), "a comparison without variables"),
        ("(assert (<= Y_0 Y_0))", (1, 9), "a comparison without variables"),
        ("(assert (<= Y_0 (* 1e-300 1e-300)))", (1, 9), "very many digits"),
        ("(declare-const X_0 Real)", (1, 16), "found `X_0`, expected X_0, X_1"),
        ("(declare-const X_3 Real)", (1, 16), "found `X_3`"),
        ("(declare-const X_2 Int)", (1, 20), "type `Int`"),
        ("(declare-fun X_2 Real)", (1, 18), "expected `()`"),
        ("(declare-fun X_2 (Real) Real)", (1, 19), "takes no arguments"),
        ("(declare-fun X_2 () float32)", (1, 21), "type `float32`"),
        ("(push 1)", (1, 2), "expected declare-const"),
        ("(set-info :status (sat))", (1, 19), "expected a word, a text or `)`"),
        ("(set-logic QF_LRA", (1, 18), "the end of the file"),
        ("(check-sat) (assert (<= X_0 1))", (1, 14), "`assert` after `check-sat`"),
        ("(exit) (declare-const X_2 Real)", (1, 9), "`declare-const` after `check-sat`"),
        ("(check-sat now)", (1, 12), "expected `)`"),
        ("(declare-network f)", (1, 2), "expected declare-const"),
        ("(vnnlib-version <2.0>)", (1, 2), "expected declare-const"),
        ("assert", (1, 1), "expected `(`"),
        ("; a comment\n\"text\"", (2, 1), "found \"text\""),
    ];
    for (text, (line, column), part) in table {
        let error = read(&format!("{TWO}{text}")).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert_eq!(error.place(), Some(Place { line: first + line, column }), "{text}: {error}");
    }
    let error = vnnlib(b"(assert\n \xff").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 2: not UTF-8 text; expected a VNN-LIB file");
}

/// A property over two inputs in [0, 1], with and without what says nothing of it.
#[test]
fn frames_marks_types_and_packing_change_nothing() {
    let body = "(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1) (<= X_1 1) (<= 2 Y_0)))";
    let plain = read(&format!("{TWO}{body}")).unwrap();
    assert!(!plain[0].has_floats);
    let function = |name: &str| format!("(declare-fun {name} () Real)\n");
    let functions: String = ["X_0", "X_1", "Y_0", "Y_1"].map(function).concat();
    let header = "(set-logic QF_LRA)(set-info :source \"a (b)\")(set-option :produce-models true)";
    let script = format!("{header}{functions}{body}(check-sat)(get-model)(exit)");
    let marked = format!("\u{feff}{TWO}{body}");
    for text in [&script, &marked] {
        assert_eq!(read(text).unwrap(), plain, "{text}");
    }
    assert_eq!(vnnlib(&gzip(marked.as_bytes())).unwrap(), plain);
    let second = |kind: &str| {
        read(&format!(
            "(vnnlib-version <2.0>)(declare-network N (declare-input X {kind} [1,2]) \
             (declare-output Y {kind} [2]))(assert (and (<= 0 X[0,0]) (<= X[0,0] 1) (<= 0 X[0,1]) \
             (<= X[0,1] 1) (<= 2 Y[0])))"
        ))
        .unwrap()
    };
    assert_eq!(second("real"), plain);
    for kind in ["float32", "float64"] {
        let [query] = &second(kind)[..] else { panic!("one query") };
        assert!(query.has_floats);
        assert_eq!((&query.inputs, &query.blocks), (&plain[0].inputs, &plain[0].blocks));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_files_that_are_none_are_refused() {
    let bomb = gzip(&vec![b' '; 60 << 20]);
    for (bytes, part) in [(&bomb[..], "unpacked"), (&bomb[..9], "gzip"), (&bomb[..2], "gzip")] {
        let error = vnnlib(bytes).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("expected a VNN-LIB file"), "{error}");
    }
}

#[test]
fn networks_that_are_no_copies_are_refused_by_name() {
    let f = "(declare-network f (declare-input X real [2]) (declare-output Y real [1]))\n";
    let table = [
        ("<1.0>)", (1, 18), "version 1.0 cannot be imported"),
        ("2.0)", (1, 17), "expected `<2.0>`"),
        ("<2.0>)(declare-const X_0 Real)", (1, 24), "expected declare-network or assert"),
        ("<2.0>)\n(declare-network f (isomorphic-to e))", (2, 21), "`isomorphic-to` cannot"),
        ("<2.0>)\n(declare-network f (equal-to f))", (2, 30), "the name of the first network"),
        (
            "<2.0>)\n(declare-network f (declare-hidden H real [2] \"h\"))",
            (2, 21),
            "`declare-hidden`",
        ),
        ("<2.0>)\n(declare-network f (declare-input X int8 [2]))", (2, 37), "type `int8`"),
        ("<2.0>)\n(check-sat)", (2, 2), "expected declare-network or assert"),
        ("<2.0>)\n(declare-network f (declare-input X real [0]))", (2, 42), "shape [0]"),
        (
            "<2.0>)\n(declare-network f (declare-input X real [2000,2000]))",
            (2, 42),
            "found 4000000",
        ),
        ("<2.0>)\n(declare-network f (declare-input X real [-2]))", (2, 43), "a whole number"),
        ("<2.0>)\n(declare-network f (declare-input X real [2] \"x\"))", (2, 46), "the name \"x\""),
        (
            "<2.0>)\n(declare-network f (declare-input X real [2]))",
            (2, 18),
            "without `declare-output`",
        ),
        (
            "<2.0>)\n(declare-network f (declare-input X real [2]) (declare-input Z real [2]))",
            (2, 48),
            "a second tensor",
        ),
        (
            "<2.0>)\n(declare-network f (declare-input X real [2]) (declare-output X real [2]))",
            (2, 63),
            "`X` is declared twice",
        ),
        (
            &format!(
                "<2.0>)\n{f}(declare-network g (declare-input U real [2]) (declare-output V real [1]))"
            ),
            (3, 18),
            "a second network `g`",
        ),
        (&format!("<2.0>)\n{f}(assert (<= X 1))"), (3, 13), "`X` is not declared"),
        (&format!("<2.0>)\n{f}(assert (<= X[2] 1))"), (3, 13), "`X[2]` is not declared"),
        (&format!("<2.0>)\n{f}(assert (<= X[0,0] 1))"), (3, 13), "`X[0, 0]` is not declared"),
    ];
    for (text, (line, column), part) in table {
        let error = read(&format!("(vnnlib-version {text}")).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert_eq!(error.place(), Some(Place { line, column }), "{text}: {error}");
    }
    let third =
        "(declare-network h (equal-to f) (declare-input U real [2]) (declare-output V real [1]))";
    assert!(read(&format!("{PAIR}{third}")).unwrap_err().to_string().contains("a third network"));
    let other = PAIR.replace("X_g real [2]", "X_g real [3]");
    assert!(read(&other).unwrap_err().to_string().contains("the shapes of the first network"));
}

#[test]
fn boxes_without_a_bound_and_empty_ones_are_refused() {
    let table = [
        ("(assert (<= Y_0 1))", "input box 0: `X_0` has no lower bound"),
        ("(assert (>= X_0 0)) (assert (<= Y_0 1))", "input box 0: `X_0` has no upper bound"),
        (
            "(assert (or (= X_0 1) (<= X_0 2))) (assert (= X_1 0)) (assert (<= Y_0 1))",
            "input box 1: `X_0` has no lower bound",
        ),
        (
            "(assert (and (>= X_0 2) (<= X_0 1.5) (= X_1 0) (<= Y_0 1)))",
            "input box 0 is empty: `X_0` is at least 2 and at most 1.5",
        ),
        ("(assert (and (= X_0 0) (= X_1 0)))", "without a condition on outputs"),
        (
            "(assert (and (= X_0 0) (= X_1 0))) (assert (or (<= X_0 0) (<= Y_0 0)))",
            "without a condition on outputs",
        ),
    ];
    for (text, part) in table {
        let error = read(&format!("{TWO}{text}")).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    for (text, part) in [("", "no input"), ("(declare-const X_0 Real)", "no output")] {
        assert!(read(text).unwrap_err().to_string().contains(part));
    }
    let error = read(&format!("{PAIR}(assert (== X_f[0] 0))(assert (< Y_f[0] 0))")).unwrap_err();
    assert!(error.to_string().contains("`X_f[1]` has no lower bound"), "{error}");
}

#[test]
fn many_strict_rows_are_written_soon() {
    let text = "(declare-const X_0 Real) (declare-const Y_0 Real) (assert (= X_0 0))".to_owned();
    let query = one(&(text + &"(assert (< Y_0 1))".repeat(100_000)));
    let effort = Effort::start();
    assert_eq!(spec_text(&query).matches("strict = true").count(), 100_000);
    assert!(query.is_witness(&[Rational::ZERO], &[Rational::ZERO]));
    assert!(effort.seconds() < 5.0, "{} s", effort.seconds());
}

/// Texts that are small for what they ask.
#[test]
fn large_demands_are_refused_soon() {
    let start = format!("{TWO}{UNIT}");
    let choice = |k: usize| format!("(assert (or (<= Y_0 {k}) (<= Y_1 {k})))");
    let wide: String = (0..900).map(|k| format!("(declare-const X_{} Real)", k + 2)).collect();
    let bounds: String = (0..900).map(|k| format!("(= X_{} 0)", k + 2)).collect();
    let choices = (0..9_000).map(|k| format!("(<= X_0 0.{k:05})")).collect::<String>();
    let table = [
        ("asserts", format!("{start}{}", "(assert (<= X_0 1))".repeat(3_000_000))),
        ("blocks", format!("{start}{}", (0..40).map(choice).collect::<String>())),
        ("numbers", format!("{TWO}{wide}{UNIT}(assert (and {bounds}))(assert (or {choices}))")),
        ("parentheses", format!("{start}(assert {}", "(and ".repeat(10_000_000))),
        ("terms", format!("{start}(assert (<= {}", "(- ".repeat(10_000_000))),
        ("factors", format!("{start}(assert (<= (* {} X_0) 1))", "1e-400 ".repeat(1_000_000))),
        ("summands", format!("{start}(assert (<= (+ {}) 1))", "1e-400 X_0 ".repeat(1_000_000))),
        ("digits", format!("{start}(assert (<= X_0 {}))", "1".repeat(30_000_000))),
        ("names", format!("{start}(assert (<= {} 1))", "X".repeat(30_000_000))),
        (
            "dimensions",
            format!(
                "(vnnlib-version <2.0>)(declare-network f (declare-input X real [{}]))",
                "9,".repeat(3_000_000)
            ),
        ),
        ("quotes", "\"".repeat(30_000_000)),
        ("bytes", " ".repeat(MAX_BYTES + 1)),
    ];
    for (name, text) in table {
        let effort = Effort::start();
        let error = read(&text).expect_err(name);
        assert!(error.to_string().len() < 300, "{name}: {error:.300}");
        let seconds = effort.seconds();
        assert!(seconds < 5.0, "{name}: {seconds} s");
        eprintln!("{name}: {seconds:.2} s, {error}");
    }
}

#[test]
fn mutated_files_never_panic() {
    let samples = [
        format!("{TWO}{UNIT}(assert (or (and (<= X_0 0.5) (>= Y_0 (* -2.5e-1 Y_1))) (< X_1 X_0)))"),
        format!(
            "{PAIR}(assert (and (== X_f[0] 1) (== X_f[1] 0) (X_f[0] <= X_g[0]) (== X_g[1] X_f[1])))\n(assert (or (Y_f[0] < Y_g[0]) (<= Y_f[0] (- (+ Y_g[0] 1)))))"
        ),
    ];
    let mut chance = Chance(1);
    let alphabet = b"()[],<>=!\";-+*019.eX_YZ \n\xc3";
    let mut read = 0;
    for k in 0..2_000 {
        let mut mutant = samples[k % 2].clone().into_bytes();
        if k % 5 == 0 {
            mutant.truncate(chance.below(mutant.len()));
        }
        for _ in 0..=chance.below(3) {
            let (byte, at) = (alphabet[chance.below(alphabet.len())], chance.below(mutant.len()));
            match chance.below(3) {
                0 => mutant.insert(at, byte),
                1 if at < mutant.len() => drop(mutant.remove(at)),
                _ => mutant.iter_mut().skip(at).take(1).for_each(|b| *b = byte),
            }
        }
        let effort = Effort::start();
        let queries = vnnlib(&mutant);
        assert!(effort.seconds() < 1.0, "{}", String::from_utf8_lossy(&mutant));
        for query in queries.into_iter().flatten() {
            assert_same_after_a_spec(&query, &String::from_utf8_lossy(&mutant));
            read += 1;
        }
    }
    assert!(read > 50, "only {read} mutants were read");
}

/// The folder of published benchmarks, if there is one.
fn benchmarks() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("PROPCERT_DATA")?).join("vnncomp");
    folder.exists().then_some(folder)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "vnnlib") {
            found.push(path);
        }
    }
}

#[test]
fn published_properties_are_read() {
    let Some(folder) = benchmarks() else {
        eprintln!(
            "SKIPPED: PROPCERT_DATA names no folder with `vnncomp`; published properties are not read"
        );
        return;
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    assert!(paths.len() > 200, "only {} files", paths.len());
    let query = |path: &Path| {
        let query = one(&std::fs::read_to_string(path).unwrap());
        assert_same_after_a_spec(&query, &path.display().to_string());
        query
    };
    paths.iter().for_each(|path| drop(query(path)));

    let shape = |name: &str| {
        let Query { copies, inputs, blocks, .. } = query(&folder.join(name));
        let rows: Vec<usize> = blocks.iter().map(|block| block.rows.len()).collect();
        (copies, inputs.len(), inputs[0].set.sides.len(), inputs[0].set.rows.len(), rows)
    };
    assert_eq!(shape("acasxu/vnnlib/prop_1.vnnlib"), (1, 1, 5, 0, vec![1]));
    assert_eq!(shape("acasxu/vnnlib/prop_6.vnnlib"), (1, 2, 5, 0, vec![1; 4]));
    assert_eq!(shape("acasxu/vnnlib/prop_7.vnnlib"), (1, 1, 5, 0, vec![3; 2]));
    assert_eq!(shape("mnist_fc/vnnlib/prop_2_0.03.vnnlib"), (1, 1, 784, 0, vec![1; 9]));
    assert_eq!(shape("monotonic_acasxu/monotone_y1.vnnlib"), (2, 1, 10, 9, vec![1]));
}

#[test]
fn published_instances_name_files_that_are_there() {
    let Some(folder) = benchmarks() else {
        eprintln!("SKIPPED: PROPCERT_DATA names no folder with `vnncomp`; instances are not read");
        return;
    };
    for (family, expected) in
        [("acasxu", 186), ("safenlp", 136), ("rl_benchmarks", 120), ("mnist_fc", 16)]
    {
        let folder = folder.join(family);
        let bytes = std::fs::read(folder.join("instances.csv")).unwrap();
        let rows = instances("instances.csv", &bytes).unwrap();
        assert_eq!(rows.len(), expected, "{family}");
        for row in rows {
            assert!(
                folder.join(&row.onnx).exists() && folder.join(&row.vnnlib).exists(),
                "{row:?}"
            );
        }
    }
}

/// Published counterexamples satisfy the property with the published outputs.
#[test]
fn published_witnesses_are_witnesses() {
    let Some(folder) = benchmarks() else {
        eprintln!("SKIPPED: PROPCERT_DATA names no folder with `vnncomp`; witnesses are not read");
        return;
    };
    let expected = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    let witnesses = std::fs::read_to_string(folder.join("witnesses.csv")).unwrap();
    let mut compared = 0;
    for row in witnesses.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let start = format!("{},{},", cells[0], cells[1]);
        let Some(line) = expected.lines().find(|line| line.starts_with(&start)) else { continue };
        let property = folder.join(cells[0]).join(line.split(',').nth(3).unwrap());
        let query = one(&std::fs::read_to_string(property).unwrap());
        let single = |x: &str| Rational::from_f64(f64::from(x.parse::<f32>().unwrap())).unwrap();
        let printed = |x: &str| x.parse::<Decimal>().unwrap().value().clone();
        let numbers = |cell: &str, number: &dyn Fn(&str) -> Rational| -> Vec<Rational> {
            cell.split_whitespace().map(number).collect()
        };
        let outputs = numbers(cells[3], &single);
        // Bounds of mnist_fc are f32 numbers cut to 17 digits: a witness on the boundary is outside
        // by 1e-18 as the f32 that was run, and inside as it is printed.
        let number: &dyn Fn(&str) -> Rational =
            if cells[0] == "mnist_fc" { &printed } else { &single };
        assert!(query.is_witness(&numbers(cells[2], number), &outputs), "{start}");
        compared += 1;
    }
    assert!(compared > 100, "only {compared} witnesses");
}
