//! Files made to break the reader: seeded mutants of good files, some with wrong lengths, some with right
//! lengths around wrong values.

use super::super::chance::Chance;
use super::super::effort::Effort;
use super::fixture::{GraphWriter, float, int, tensor};
use super::wire::{Fields, Value, Writer};
use super::*;

const W: [f32; 6] = [1.0, -2.0, 3.0, 4.0, 0.5, 6.0];

/// Good files that between them use everything that is read.
fn good() -> Vec<Vec<u8>> {
    let matmuls = GraphWriter::new(&[0, 2])
        .tensor("W0", &[2, 3], &W)
        .tensor("b0", &[3], &W[..3])
        .tensor("W1", &[3, 2], &W)
        .node("MatMul", &["x", "W0"], "p")
        .node("Add", &["p", "b0"], "z")
        .node("Relu", &["z"], "h")
        .node("MatMul", &["h", "W1"], "y");
    let shaped = GraphWriter::new(&[1, 1, 2])
        .tensor("m", &[1, 1, 2], &[1.5, -2.0])
        .tensor("s", &[2], &[0.5, 4.0])
        .whole("shape", &[0, -1])
        .tensor("W", &[2, 3], &W)
        .node("Sub", &["x", "m"], "c")
        .node("Div", &["c", "s"], "n")
        .node("Reshape", &["n", "shape"], "r")
        .node("Identity", &["r"], "i")
        .node("MatMul", &["i", "W"], "y");
    let constant = Writer::default().bytes(1, "value").bytes(5, tensor("", &[3, 2], &W));
    let constants = GraphWriter::new(&[0, 2])
        .node_with("Constant", &[], "W", &[constant])
        .node_with("Flatten", &["x"], "f", &[int("axis", 1)])
        .node_with("Gemm", &["f", "W"], "y", &[int("transB", 1)]);
    let ended = GraphWriter::new(&[0, 2])
        .tensor("W", &[2, 2], &W[..4])
        .tensor("s", &[2], &[0.1, 0.3])
        .tensor("one", &[1], &[1.0])
        .tensor("V", &[2, 1], &W[..2])
        .node_with("Cast", &["x"], "c", &[int("to", 1)])
        .node_with("Gemm", &["c", "W"], "g", &[float("alpha", 0.3), int("transB", 1)])
        .node("BatchNormalization", &["g", "s", "s", "s", "s"], "n")
        .node("Relu", &["n"], "h")
        .node("Mul", &["h", "s"], "m")
        .node("MatMul", &["m", "V"], "z")
        .node("Sigmoid", &["z"], "p")
        .node("Sub", &["one", "p"], "q")
        .node_with("Concat", &["q", "p"], "y", &[int("axis", 1)]);
    let mut files = vec![matmuls.model(), shaped.model(), constants.model(), ended.model()];
    for file in files.clone() {
        files.push(to_onnx(&onnx(&file, None).unwrap()).unwrap());
    }
    files
}

const NUMBERS: [u64; 10] =
    [0, 1, 2, 127, 1_000_000_000, 1 << 31, 1 << 32, 1 << 62, 1 << 63, u64::MAX];

/// A varint.
fn varint(value: u64) -> Vec<u8> {
    Writer::default().number(1, value).into_bytes().split_off(1)
}

/// Bytes flipped, cut, inserted, or a huge length: most lengths are wrong.
fn torn(file: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut mutant = file.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(mutant.len());
        match chance.below(4) {
            0 => mutant[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << chance.below(8)),
            1 => mutant.truncate(at),
            2 => drop(mutant.splice(at..at, (0..=chance.below(9)).map(|k| (k * 37) as u8))),
            _ => {
                let end = (at + 1).min(mutant.len());
                drop(mutant.splice(at..end, varint(chance.of(&NUMBERS))));
            }
        }
    }
    mutant
}

/// One field somewhere is changed, doubled or left out, and all lengths around it are right.
fn rewritten(message: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut rest = Fields::new(message, 0);
    loop {
        match rest.next() {
            Ok(Some(field)) => fields.push(field),
            Ok(None) => break,
            // a text or numbers
            Err(_) => return torn(message, chance),
        }
    }
    let chosen = chance.below(fields.len());
    let mut written = Writer::default();
    for (index, (number, value)) in fields.into_iter().enumerate() {
        let is_chosen = index == chosen;
        let (times, number) = match chance.below(12) {
            0 if is_chosen => (0, number),
            1 if is_chosen => (2, number),
            2 if is_chosen => (9_000, number),
            3 if is_chosen => (1, 1 + chance.below(16) as u32),
            _ => (1, number),
        };
        for _ in 0..times {
            written = match value {
                Value::Varint(_) if is_chosen => written.number(number, chance.of(&NUMBERS)),
                Value::Bytes(bytes, _) if is_chosen && times < 3 => {
                    written.bytes(number, rewritten(bytes, chance))
                }
                Value::Varint(value) => written.number(number, value),
                Value::Bytes(bytes, _) => written.bytes(number, bytes),
                Value::Four(bytes) => written.float(number, f32::from_le_bytes(bytes)),
                // our own files hold no doubles
                Value::Eight(_) => written,
            };
        }
    }
    written.into_bytes()
}

#[test]
fn mutants_are_refused_or_read_within_a_second() {
    let mut chance = Chance(1);
    let (mut read, mut refused) = (0, 0);
    let files = good();
    for round in 0..4_000 {
        let file = &files[round % files.len()];
        let mutant =
            if round % 2 == 0 { torn(file, &mut chance) } else { rewritten(file, &mut chance) };
        let effort = Effort::start();
        let result = onnx(&mutant, None);
        assert!(effort.seconds() < 1.0, "round {round}: {} s", effort.seconds());
        let Ok(model) = result else {
            refused += 1;
            continue;
        };
        read += 1;
        let again = Model::read(model.to_json().as_bytes()).unwrap();
        assert_eq!(again, model, "round {round}");
        if model.precision == Precision::F32 {
            assert_eq!(onnx(&to_onnx(&model).unwrap(), None).unwrap(), model, "round {round}");
        }
    }
    assert!(read > 100 && refused > 1_000, "{read} read, {refused} refused");
}

#[test]
fn files_that_end_early_are_refused_at_every_byte() {
    for file in good().into_iter().take(4) {
        for cut in 0..file.len() {
            assert!(onnx(&file[..cut], None).is_err(), "cut at {cut}");
        }
    }
}

/// Small files that declare, or repeat, what would take gigabytes.
#[test]
fn declared_sizes_cost_nothing() {
    const HUGE: u64 = 1_000_000_000;
    let long: Vec<i64> = [vec![1; 60_000], vec![2]].concat();
    let wide = vec![0.5; 10_000];
    let chain = |mut graph: GraphWriter, operator: &str, operand: &str| {
        let mut before = "x".to_owned();
        for index in 0..9_000 {
            let name = format!("v{index}");
            graph = graph.node(operator, &[&before, operand], &name);
            before = name;
        }
        graph.node("Relu", &[&before], "y").model()
    };
    let empty = (0..9_000).fold(Writer::default(), |graph, _| graph.bytes(1, "").bytes(5, ""));
    let packed = Writer::default().number(2, 7).bytes(7, vec![0; 8 << 20]).bytes(8, "p");
    let unknown = tensor("t", &[2, 3], &W).number(2, 999);
    let cases = [
        (
            "10⁹ columns",
            GraphWriter::new(&[1, HUGE])
                .tensor("W", &[HUGE, HUGE], &W)
                .node("MatMul", &["x", "W"], "y")
                .model(),
        ),
        (
            "10⁹ inputs spread",
            GraphWriter::new(&[1, HUGE])
                .tensor("c", &[1], &[0.5])
                .node("Add", &["x", "c"], "y")
                .model(),
        ),
        (
            "2⁶⁴ numbers",
            GraphWriter::new(&[1 << 32, 1 << 32])
                .tensor("c", &[1], &[0.5])
                .node("Add", &["x", "c"], "y")
                .model(),
        ),
        (
            "0 rows",
            GraphWriter::new(&[1, 2])
                .tensor("W", &[0, u64::MAX], &[])
                .node("MatMul", &["x", "W"], "y")
                .model(),
        ),
        ("long shapes", chain(GraphWriter::new(&[1, 2]).whole("s", &long), "Reshape", "s")),
        (
            "one tensor many times",
            chain(GraphWriter::new(&[1, 10_000]).tensor("c", &[10_000], &wide), "Add", "c"),
        ),
        (
            "packed numbers",
            Writer::default().bytes(7, Writer::default().bytes(5, packed)).into_bytes(),
        ),
        (
            "a type that is none",
            Writer::default().bytes(7, Writer::default().bytes(5, unknown)).into_bytes(),
        ),
        ("empty nodes and tensors", Writer::default().bytes(7, empty).into_bytes()),
        (
            "deep messages",
            (0..2_000)
                .fold(Writer::default(), |inner, _| Writer::default().bytes(7, inner))
                .into_bytes(),
        ),
    ];
    for (case, file) in cases {
        let effort = Effort::start();
        let error = onnx(&file, None).expect_err(case);
        assert!(effort.seconds() < 1.0, "{case}");
        assert!(error.to_string().len() < 2_000, "{case}");
    }
}

/// A large layer that is multiplied, normalised or composed again and again.
#[test]
fn one_layer_is_not_made_of_any_number_of_maps() {
    let wide = vec![1.0; 700 * 700];
    let graph = GraphWriter::new(&[1, 700])
        .tensor("W", &[700, 700], &wide)
        .tensor("two", &[], &[2.0])
        .tensor("n", &[700], &wide[..700])
        .node("MatMul", &["x", "W"], "v");
    for (operator, operands) in
        [("Mul", &["two"][..]), ("BatchNormalization", &["n", "n", "n", "n"]), ("MatMul", &["W"])]
    {
        let (mut graph, mut before) = (graph.clone(), "v".to_owned());
        for index in 0..1_000 {
            let name = format!("v{index}");
            graph = graph.node(operator, &[&[before.as_str()], operands].concat(), &name);
            before = name;
        }
        let file = graph.node("Identity", &[&before], "y").model();
        let effort = Effort::start();
        assert!(onnx(&file, None).is_err(), "{operator}");
        assert!(effort.seconds() < 4.0, "{operator}: {} s", effort.seconds());
    }
}

#[test]
fn metadata_of_features_are_read_strictly() {
    let file = |metadata: &[&str]| {
        let entry = |file: Writer, text: &&str| {
            file.bytes(14, Writer::default().bytes(1, proto::FEATURES).bytes(2, text))
        };
        let plain = Writer::default().bytes(14, Writer::default().bytes(1, "a").bytes(2, [0xff]));
        metadata.iter().fold(plain, entry).into_bytes()
    };
    let graph = good().swap_remove(0);
    let read = |text: &str| onnx(&[graph.clone(), file(&[text])].concat(), None);
    let named =
        r#"[{"name":"a","kind":"integer","low":"0","high":"4"},{"name":"b","kind":"real"}]"#;
    let model = read(named).unwrap();
    assert_eq!(model.schema.features()[0].name, "a");
    assert!(model.schema.features()[0].high.is_some());
    let deep = "[".repeat(100_000);
    let many = format!("[{}1]", "1,".repeat(100_000));
    for (case, text) in [
        ("no JSON", "a,b"),
        ("expected 2", r#"[{"name":"a","kind":"real"}]"#),
        ("twice", r#"[{"name":"a","kind":"real"},{"name":"a","kind":"real"}]"#),
        ("unknown field", r#"[{"name":"a","kind":"real","mean":1},{"name":"b","kind":"real"}]"#),
        ("unknown variant", r#"[{"name":"a","kind":"complex"},{"name":"b","kind":"real"}]"#),
        (
            "larger",
            r#"[{"name":"a","kind":"real","low":"1","high":"0"},{"name":"b","kind":"real"}]"#,
        ),
        ("control", r#"[{"name":"a\n","kind":"real"},{"name":"b","kind":"real"}]"#),
        ("nesting", &deep),
        ("invalid type", &many),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(case == "no JSON" || error.contains(case), "{case}: {error}");
    }
}
