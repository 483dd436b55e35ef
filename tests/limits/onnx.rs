//! Hostile ONNX files given to the program, in bounded memory.

use crate::program::{KIB, limited};

/// A field that is a text or a message.
fn field(number: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&[number << 3 | 2][..], &varint(bytes.len() as u64), bytes].concat()
}

/// A field that is a number.
fn number(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3][..], &varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// An input `x` of these dimensions.
fn input(dimensions: &[u64]) -> Vec<u8> {
    let shape = dimensions.iter().map(|&size| field(1, number(1, size))).collect::<Vec<_>>();
    field(11, [field(1, "x"), field(2, field(1, field(2, shape.concat())))].concat())
}

/// A chain of so many nodes on `x` and a stored tensor `t`, to `y`.
fn nodes(operator: &str, count: usize) -> Vec<u8> {
    let name = |at: usize| match at {
        0 => "x".to_owned(),
        at if at == count => "y".to_owned(),
        at => at.to_string(),
    };
    let node = |at: usize| {
        let inputs = [field(1, name(at)), field(1, "t")].concat();
        field(1, [inputs, field(2, name(at + 1)), field(4, operator)].concat())
    };
    (0..count).map(node).collect::<Vec<_>>().concat()
}

fn tensor(dimensions: &[u64], kind: u64, raw: &[u8]) -> Vec<u8> {
    let dimensions = dimensions.iter().map(|&size| number(1, size)).collect::<Vec<_>>().concat();
    field(5, [dimensions, number(2, kind), field(8, "t"), field(9, raw)].concat())
}

#[test]
fn declared_and_repeated_sizes_cost_neither_time_nor_memory() {
    const HUGE: u64 = 1_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let half = 0.5f32.to_le_bytes();
    let ones: Vec<u8> = (0..60_000).flat_map(|_| 1u64.to_le_bytes()).collect();
    let long_shape = [ones, 2u64.to_le_bytes().to_vec()].concat();
    let attributes = field(1, field(5, "").repeat(32));
    let output = field(12, field(1, "y"));
    let attacks = [
        (
            "10^9 columns",
            vec![input(&[1, HUGE]), tensor(&[HUGE, HUGE], 1, &half), nodes("MatMul", 1)],
        ),
        ("10^9 features", vec![input(&[1, HUGE]), tensor(&[1], 1, &half), nodes("Add", 1)]),
        ("10^9 dimensions", vec![field(5, field(1, vec![1; 1 << 20]))]),
        (
            "long shapes",
            vec![input(&[1, 2]), tensor(&[60_001], 7, &long_shape), nodes("Reshape", 9_999)],
        ),
        (
            "one tensor many times",
            vec![
                input(&[1, 10_000]),
                tensor(&[10_000], 1, &half.repeat(10_000)),
                nodes("Add", 9_999),
            ],
        ),
        ("packed numbers", vec![field(5, [number(2, 7), field(7, vec![0; 16 << 20])].concat())]),
        ("many attributes", vec![attributes.repeat(10_001)]),
        ("many empty tensors", vec![field(5, "").repeat(1_000_000)]),
        ("many empty nodes", vec![field(1, "").repeat(1_000_000)]),
    ];
    for (case, parts) in attacks {
        let file = field(7, [parts.concat(), output.clone()].concat());
        std::fs::write(folder.path().join("bad"), file).unwrap();
        let call = ["--threads", "1", "import", "onnx", "bad", "--out", "out.json"];
        let output = limited(folder.path(), KIB, &call);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{case}: {message}");
        assert!(
            message.starts_with("propcert: bad: ") && message.len() < 2_100,
            "{case}: {message}"
        );
        assert!(!message.contains("panicked") && !message.contains("memory"), "{case}: {message}");
        assert!(!folder.path().join("out.json").exists(), "{case}");
    }
}
