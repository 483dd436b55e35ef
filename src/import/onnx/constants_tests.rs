//! Constants that a graph computes, and scalings made of them.

use super::affine_tests::{W, read};
use super::fixture::GraphWriter;
use super::*;

/// An operator, its operands and its output.
type WrittenNode<'a> = (&'a str, &'a [&'a str], &'a str);

/// `(x − m)·f` with `f` computed by these nodes from `s` and `e`.
fn computed_factor(s: [f32; 2], e: f32, nodes: &[WrittenNode]) -> GraphWriter {
    let mut graph = GraphWriter::new(&[0, 2])
        .tensor("W", &[2, 2], &W[..4])
        .tensor("m", &[2], &[1.5, -2.0])
        .tensor("s", &[2], &s)
        .tensor("e", &[], &[e])
        .node("Sub", &["x", "m"], "c");
    for (operator, operands, output) in nodes {
        graph = graph.node(operator, operands, output);
    }
    graph.node("MatMul", &["z", "W"], "y")
}

#[test]
fn constants_of_stored_numbers_are_computed_as_they_are_served() {
    let (s, e) = ([3.0f32, 0.7], 1e-8f32);
    let rounded: [(&[WrittenNode], [f32; 2]); 3] = [
        (&[("Reciprocal", &["s"], "f"), ("Mul", &["c", "f"], "z")], s.map(|s| 1.0 / s)),
        (
            &[("Add", &["s", "e"], "d"), ("Div", &["e", "d"], "f"), ("Mul", &["c", "f"], "z")],
            s.map(|s| e / (s + e)),
        ),
        (
            &[("Sqrt", &["s"], "d"), ("Reciprocal", &["d"], "f"), ("Mul", &["c", "f"], "z")],
            s.map(|s| 1.0 / s.sqrt()),
        ),
    ];
    for (nodes, expected) in rounded {
        let file = computed_factor(s, e, nodes).model();
        let Imported { model, notes } = onnx_outputs(&file, None, Outputs::AsTheGraphEnds).unwrap();
        let scales = [0, 1].map(|feature| model.schema.features()[feature].scale);
        assert_eq!(scales, expected, "{nodes:?}");
        assert!(notes.len() == 1 && notes[0].to_string().contains("rounded"), "{notes:?}");
        let refused = onnx_outputs(&file, None, Outputs::Numbers).unwrap_err().to_string();
        assert!(refused.contains("another network"), "{refused}");
    }
    // powers of two are exact, also where they are computed
    let nodes: &[WrittenNode] = &[("Sqrt", &["e"], "d"), ("Div", &["c", "d"], "z")];
    let file = computed_factor(s, 0.25, nodes).model();
    let Imported { model, notes } = onnx_outputs(&file, None, Outputs::Numbers).unwrap();
    assert_eq!((model.schema.features()[0].scale, notes.len()), (2.0, 0));
}

#[test]
fn constants_that_are_no_numbers_are_refused_with_the_mend() {
    let table: [(&str, [f32; 2], &[WrittenNode]); 7] = [
        ("a division by 3", [3.0, 1.0], &[("Add", &["s", "e"], "d"), ("Div", &["c", "d"], "z")]),
        ("have the model multiply by 1/std", [3.0, 1.0], &[("Div", &["c", "s"], "z")]),
        ("standard deviation is 0", [0.0, 1.0], &[("Div", &["c", "s"], "z")]),
        (
            "standard deviation is 0",
            [1.0, 0.0],
            &[("Reciprocal", &["s"], "f"), ("Mul", &["c", "f"], "z")],
        ),
        ("becomes NaN", [-1.0, 1.0], &[("Sqrt", &["s"], "f"), ("Mul", &["c", "f"], "z")]),
        (
            "computed from the input, expected a constant",
            [1.0, 1.0],
            &[("Reciprocal", &["c"], "z")],
        ),
        (
            "dimensions [2] and [2, 2]",
            [1.0, 1.0],
            &[("Add", &["s", "W"], "d"), ("Mul", &["c", "d"], "z")],
        ),
    ];
    for (fact, s, nodes) in table {
        let refused = read(computed_factor(s, 1e-8, nodes)).unwrap_err().to_string();
        assert!(refused.contains(fact), "{fact}: {refused}");
    }
    // a name computed twice, once of constants
    let twice = computed_factor([1.0, 2.0], 1.0, &[("Neg", &["s"], "z"), ("Relu", &["c"], "z")]);
    assert!(read(twice).unwrap_err().to_string().contains("`z` again"));
}

#[test]
fn a_scaling_to_an_interval_is_referred_to_the_dump() {
    let nodes: &[WrittenNode] = &[("Mul", &["x", "s"], "p"), ("Add", &["p", "m"], "z")];
    let refused = read(computed_factor([3.0, 0.7], 1.0, nodes)).unwrap_err().to_string();
    assert!(refused.contains("MinMaxScaler") && refused.contains("import sklearn"), "{refused}");
}
