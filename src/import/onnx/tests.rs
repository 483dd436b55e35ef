//! ONNX files that are read, and files that are refused.

use std::io::Write;
use std::path::PathBuf;

use super::fixture::{GraphWriter, float, int, tensor};
use super::*;
use crate::import::onnx::wire::Writer;

const W: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

/// `x (2) → 3 → relu → 2`, weights `[inputs][outputs]`.
fn matmuls() -> GraphWriter {
    GraphWriter::new(&[0, 2])
        .tensor("W0", &[2, 3], &W)
        .tensor("b0", &[3], &[0.5, -0.0, 1.5])
        .tensor("W1", &[3, 2], &W)
        .node("MatMul", &["x", "W0"], "p")
        .node("Add", &["p", "b0"], "z")
        .node("Relu", &["z"], "h")
}

fn read(graph: GraphWriter) -> Result<Model, ImportError> {
    onnx(&graph.model(), None)
}

fn layers(model: &Model) -> &[Layer] {
    let Family::Mlp(mlp) = &model.family else { panic!("not a network") };
    &mlp.layers
}

#[test]
fn matmul_is_transposed_and_gemm_is_not() {
    let model = read(matmuls().node("MatMul", &["h", "W1"], "y")).unwrap();
    let [first, second] = layers(&model) else { panic!("two layers") };
    assert_eq!(first.weights, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(first.bias, [0.5, 0.0, 1.5]);
    assert!(first.bias[1].is_sign_positive());
    assert_eq!(
        (second.weights.as_slice(), second.bias.as_slice()),
        (&[1.0, 3.0, 5.0, 2.0, 4.0, 6.0][..], &[0.0; 2][..])
    );
    assert_eq!((model.classes, model.precision), (2, Precision::F32));

    let gemm = |attributes: &[Writer], dimensions: &[u64]| {
        let graph =
            GraphWriter::new(&[1, 3]).tensor("W", dimensions, &W).tensor("b", &[1, 2], &[7.0, 8.0]);
        read(graph.node_with("Gemm", &["x", "W", "b"], "y", attributes)).unwrap()
    };
    let one = gemm(&[int("transB", 1), float("alpha", 1.0)], &[2, 3]);
    assert_eq!(
        (&layers(&one)[0].weights[..], &layers(&one)[0].bias[..]),
        (&W.map(f64::from)[..], &[7.0, 8.0][..])
    );
    let two = gemm(&[int("transA", 0)], &[3, 2]);
    assert_eq!(layers(&two)[0].weights, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
}

#[test]
fn what_stands_before_the_first_layer_becomes_the_schema() {
    let graph = GraphWriter::new(&[1, 1, 2])
        .tensor("m", &[1, 1, 2], &[1.5, -2.0])
        .tensor("s", &[2], &[0.5, 4.0])
        .whole("shape", &[0, -1])
        .tensor("W", &[2, 3], &W)
        .node("Sub", &["x", "m"], "c")
        .node("Mul", &["s", "c"], "n")
        .node("Reshape", &["n", "shape"], "r")
        .node("Identity", &["r"], "i")
        .node("MatMul", &["i", "W"], "y");
    let model = read(graph).unwrap();
    let features = model.schema.features();
    assert_eq!((features[0].mean, features[0].scale), (1.5, 0.5));
    assert_eq!((features[1].mean, features[1].scale), (-2.0, 4.0));
    assert_eq!(features[1].name, "x1");
    // z = (0.5·(2.5 − 1.5), 4·(0 + 2)) = (0.5, 8)
    assert_eq!(model.scores(&[2.5, 0.0]), [0.5 + 32.0, 1.0 + 40.0, 1.5 + 48.0]);
    // and the model can be written and read again
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
}

#[test]
fn constants_may_be_nodes() {
    let constant = Writer::default().bytes(1, "value").bytes(5, tensor("", &[2, 2], &W[..4]));
    let graph = GraphWriter::new(&[0, 2])
        .node_with("Constant", &[], "W", &[constant])
        .node_with("Flatten", &["x"], "f", &[int("axis", 1)])
        .node("MatMul", &["f", "W"], "y");
    assert_eq!(layers(&read(graph).unwrap())[0].weights, [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn other_graphs_are_refused_by_name() {
    let wide = |n: u64| vec![0.5; n as usize];
    let table = [
        ("Tanh", matmuls().node("MatMul", &["h", "W1"], "z1").node("Tanh", &["z1"], "y")),
        (
            "a Sigmoid of 2 outputs",
            matmuls().node("MatMul", &["h", "W1"], "z1").node("Sigmoid", &["z1"], "y"),
        ),
        ("a Relu at the output", matmuls().node("Identity", &["h"], "y")),
        ("no computed value with a stored tensor", matmuls().node("Add", &["h", "z"], "y")),
        ("a stored tensor as operand 0", matmuls().node("Relu", &["W0"], "y")),
        ("`missing`", matmuls().node("MatMul", &["h", "missing"], "y")),
        (
            "dimensions [1, 3] for a matrix with 2 inputs",
            matmuls().node("MatMul", &["h", "W0"], "y"),
        ),
        ("a graph with 2 inputs", matmuls().input("u", None).node("MatMul", &["h", "W1"], "y")),
        ("two stored tensors `W0`", matmuls().tensor("W0", &[1], &[1.0])),
        ("no computed value with a stored tensor", matmuls().node("Div", &["b0", "h"], "y")),
        ("`z` again", matmuls().node("Relu", &["h"], "z")),
        ("a value computed", matmuls()),
        (
            "alpha inf",
            matmuls().node_with("Gemm", &["h", "W1"], "y", &[float("alpha", f32::INFINITY)]),
        ),
        (
            "dimensions [3, 1] for a matrix with 3 inputs",
            matmuls().node_with("Gemm", &["h", "W1"], "y", &[int("transA", 1)]),
        ),
        ("finite", matmuls().tensor("N", &[3, 2], &[f32::NAN; 6]).node("MatMul", &["h", "N"], "y")),
        ("5 numbers", matmuls().tensor("N", &[3, 2], &W[..5]).node("MatMul", &["h", "N"], "y")),
        (
            "as many numbers before and after",
            GraphWriter::new(&[1, 2]).whole("s", &[1, 3]).node("Reshape", &["x", "s"], "y"),
        ),
        (
            "neurons of a layer",
            GraphWriter::new(&[1, 1]).tensor("W", &[1, 70_000], &wide(70_000)).node(
                "MatMul",
                &["x", "W"],
                "y",
            ),
        ),
    ];
    for (fact, graph) in table {
        let error = read(graph).unwrap_err().to_string();
        assert!(error.contains(fact), "{fact}: {error}");
    }
}

/// `x (2) → 2`, by one node with attributes.
fn gemm(attributes: &[Writer]) -> Result<Model, ImportError> {
    let graph = GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]).tensor("b", &[2], &W[..2]);
    read(graph.node_with("Gemm", &["x", "W", "b"], "y", attributes))
}

/// `x (1×2) + c`, and a matrix.
fn sum(dimensions: &[u64], attributes: &[Writer]) -> Result<Model, ImportError> {
    let graph = GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]);
    let graph = graph.tensor("c", dimensions, &W[..2]);
    let graph = graph.node_with("Add", &["x", "c"], "z", attributes);
    read(graph.node("MatMul", &["z", "W"], "y"))
}

#[test]
fn attributes_that_change_nothing_are_read() {
    let plain = gemm(&[]).unwrap();
    for attributes in [
        &[int("broadcast", 1)][..],
        &[int("transA", 0), int("transB", 0), float("alpha", 1.0), float("beta", 1.0)],
    ] {
        assert_eq!(gemm(attributes).unwrap(), plain);
    }
    let (plain, last) = (sum(&[2], &[]).unwrap(), -1i64);
    for attributes in [
        &[int("broadcast", 1)][..],
        &[int("broadcast", 0)],
        &[int("axis", 1), int("broadcast", 1)],
        &[int("axis", last.cast_unsigned()), int("broadcast", 1)],
    ] {
        assert_eq!(sum(&[2], attributes).unwrap(), plain);
    }
    assert_eq!(sum(&[1, 2], &[int("axis", 0)]).unwrap(), plain);
}

#[test]
fn attributes_that_are_not_read_are_refused_by_name() {
    let through = |operator: &str, attributes: &[Writer]| {
        let graph = GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]).whole("s", &[1, 2]);
        let operands: &[&str] = if operator == "Reshape" { &["x", "s"] } else { &["x"] };
        let graph = graph.node_with(operator, operands, "z", attributes);
        read(graph.node("MatMul", &["z", "W"], "y"))
    };
    let constant = |attributes: &[Writer]| {
        let graph = GraphWriter::new(&[1, 2]).node_with("Constant", &[], "W", attributes);
        read(graph.node("MatMul", &["x", "W"], "y"))
    };
    let value = || Writer::default().bytes(1, "value").bytes(5, tensor("", &[2, 2], &W[..4]));
    let minimum = i64::MIN.cast_unsigned();
    let table = [
        ("`transB` twice", gemm(&[int("transB", 0), int("transB", 1)])),
        ("`alpha` twice", gemm(&[float("alpha", 1.0), float("alpha", 2.0)])),
        ("beta inf", gemm(&[float("beta", f32::INFINITY)])),
        ("alpha NaN", gemm(&[float("alpha", f32::NAN)])),
        ("broadcast 2", gemm(&[int("broadcast", 2)])),
        ("`axis`", gemm(&[int("axis", 1)])),
        ("attribute alpha of another type", gemm(&[int("alpha", 1)])),
        ("attribute transB of another type", gemm(&[float("transB", 1.0)])),
        ("axis 0", sum(&[2], &[int("axis", 0), int("broadcast", 1)])),
        ("axis 1", sum(&[1, 2], &[int("axis", 1), int("broadcast", 1)])),
        ("axis -9223372036854775808", sum(&[2], &[int("axis", minimum)])),
        ("broadcast 7", sum(&[2], &[int("broadcast", 7)])),
        ("`axis` twice", sum(&[2], &[int("axis", 1), int("axis", 1)])),
        ("`consumed_inputs`", sum(&[2], &[int("consumed_inputs", 0)])),
        ("`axis` twice", through("Flatten", &[int("axis", 1), int("axis", 0)])),
        ("axis 3", through("Flatten", &[int("axis", 3)])),
        ("`start`", through("Flatten", &[int("start", 0)])),
        ("allowzero", through("Reshape", &[int("allowzero", 1)])),
        ("`shape`", through("Reshape", &[int("shape", 1)])),
        ("`alpha`", through("Relu", &[float("alpha", 0.1)])),
        ("`value` twice", constant(&[value(), value()])),
        ("value_float", constant(&[value(), float("value_float", 1.0)])),
        ("the attributes []", constant(&[])),
        ("no number in `value_float`", constant(&[int("value_float", 1)])),
        ("`value_string`", constant(&[int("value_string", 1)])),
    ];
    for (fact, model) in table {
        let error = model.unwrap_err().to_string();
        assert!(error.contains(fact), "{fact}: {error}");
    }
    let graph = GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]);
    let error = read(graph.node("MatMul", &["x", "W", "W"], "y")).unwrap_err().to_string();
    assert!(error.contains("3 operands"), "{error}");
}

#[test]
fn one_tensor_used_many_times_does_not_fill_the_memory() {
    let mut graph = GraphWriter::new(&[1, 60_000]).tensor("c", &[1], &[0.5]);
    let names: Vec<String> = (0..5_000).map(|k| format!("v{k}")).collect();
    let mut before = "x";
    for name in &names {
        graph = graph.node("Add", &[before, "c"], name);
        before = name;
    }
    let error = read(graph.node("Relu", &[before], "y")).unwrap_err();
    assert!(matches!(error, ImportError::Limit(_)), "{error}");
}

/// Operators, each with its stored operand.
type Nodes = &'static [(&'static str, &'static str)];

/// `x` through nodes to a matrix.
fn standardised(nodes: Nodes, numbers: &[(&str, [f32; 2])]) -> Result<Model, ImportError> {
    let mut graph = GraphWriter::new(&[0, 2]).tensor("W", &[2, 3], &W);
    for (name, numbers) in numbers {
        graph = graph.tensor(name, &[2], numbers);
    }
    let mut before = "x".to_owned();
    for (index, (operator, operand)) in nodes.iter().enumerate() {
        let name = format!("v{index}");
        graph = graph.node(operator, &[&before, operand], &name);
        before = name;
    }
    read(graph.node("MatMul", &[&before, "W"], "y"))
}

#[test]
fn standardisations_with_the_same_bits_are_read() {
    let numbers = [("a", [1.5, -2.0]), ("s", [0.5, 4.0]), ("c", [3.0, 0.0])];
    let table: [(Nodes, [(f32, f32); 2]); 8] = [
        (&[("Sub", "a"), ("Mul", "s")], [(1.5, 0.5), (-2.0, 4.0)]),
        (&[("Add", "a"), ("Mul", "s")], [(-1.5, 0.5), (2.0, 4.0)]),
        (&[("Sub", "a"), ("Div", "s")], [(1.5, 2.0), (-2.0, 0.25)]),
        // s·x − c = s·(x − c/s)
        (&[("Mul", "s"), ("Sub", "c")], [(6.0, 0.5), (0.0, 4.0)]),
        (&[("Mul", "s"), ("Add", "c")], [(-6.0, 0.5), (0.0, 4.0)]),
        (&[("Div", "s"), ("Sub", "c")], [(1.5, 2.0), (0.0, 0.25)]),
        (&[("Div", "s")], [(0.0, 2.0), (0.0, 0.25)]),
        (&[("Sub", "c")], [(3.0, 1.0), (0.0, 1.0)]),
    ];
    for (nodes, expected) in table {
        let model = standardised(nodes, &numbers).unwrap();
        let features = model.schema.features();
        let found = [0, 1].map(|index| (features[index].mean, features[index].scale));
        assert_eq!(found, expected, "{nodes:?}");
        assert_eq!(onnx(&to_onnx(&model).unwrap(), None).unwrap(), model, "{nodes:?}");
    }
}

#[test]
fn standardisations_that_round_otherwise_are_refused() {
    let numbers = [
        ("a", [1.5, -2.0]),
        ("s", [0.5, 4.0]),
        ("t", [3.0, 3.0]),
        ("n", [-1.0, 1.0]),
        ("z", [0.0, 1.0]),
        ("e", [1e-30, 1e30]),
        ("f", [1e30, 0.0]),
    ];
    let table: [(&str, Nodes); 7] = [
        ("a division by 3", &[("Sub", "a"), ("Div", "t")]),
        ("a division by 0", &[("Div", "z")]),
        ("3·x + 2,", &[("Mul", "t"), ("Sub", "a")]),
        ("·x + 1000000", &[("Mul", "e"), ("Add", "f")]),
        ("scale finite and positive", &[("Mul", "n")]),
        ("an addition after the input", &[("Sub", "a"), ("Mul", "s"), ("Add", "a")]),
        ("a multiplication after the input", &[("Mul", "s"), ("Mul", "s")]),
    ];
    for (fact, nodes) in table {
        let error = standardised(nodes, &numbers).unwrap_err().to_string();
        assert!(error.contains(fact), "{fact}: {error}");
    }
}

/// Says that nothing was tested, past the harness, which keeps what passing tests print.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// The folder of published benchmarks, if there is one.
fn benchmarks() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("PROPCERT_DATA")?).join("vnncomp");
    folder.exists().then_some(folder)
}

/// Outputs of ONNX Runtime at published counterexamples; f32 sums in another order differ by little.
#[test]
fn published_networks_answer_as_published() {
    let Some(folder) = benchmarks() else {
        skipped("PROPCERT_DATA names no folder with `vnncomp`; published networks are not read");
        return;
    };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let expected = text("expected.csv");
    let network = |family: &str, line: &str| -> Option<String> {
        let is_it = |row: &&str| row.starts_with(&format!("{family},{line},"));
        expected.lines().find(is_it)?.split(',').nth(2).map(str::to_owned)
    };
    let mut compared = 0;
    for row in text("witnesses.csv").lines().skip(1).step_by(5) {
        let cells: Vec<&str> = row.split(',').collect();
        let Some(file) = network(cells[0], cells[1]) else { continue };
        let bytes = std::fs::read(folder.join(cells[0]).join(file)).unwrap();
        let model = onnx(&bytes, None).unwrap();
        let numbers = |cell: &str| -> Vec<f64> {
            cell.split_whitespace().map(|x| x.parse().unwrap()).collect()
        };
        let (found, published) = (model.scores(&numbers(cells[2])), numbers(cells[3]));
        assert_eq!(found.len(), published.len(), "{row:.60}");
        let largest = published.iter().fold(1f64, |a, y| a.max(y.abs()));
        for (a, b) in found.iter().zip(&published) {
            assert!((a - b).abs() <= 1e-4 * largest, "{row:.60}: {found:?} or {published:?}");
        }
        compared += 1;
    }
    assert!(compared > 20, "only {compared} witnesses were compared");
}
