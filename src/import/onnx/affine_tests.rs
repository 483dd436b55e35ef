//! Graphs that spell a chain of affine maps in other ways, and the nodes after the logits.

use super::fixture::{GraphWriter, float, int};
use super::wire::Writer;
use super::*;
use crate::interval::Rational;
use crate::model::Point;

pub(super) const W: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// No sum of their products is a float of 32 bits.
const ROUGH: [f32; 6] = [0.1, 0.3, -0.7, 1.1, -1.3, 1.7];

pub(super) fn read(graph: GraphWriter) -> Result<Model, ImportError> {
    onnx(&graph.model(), None)
}

fn layers(model: &Model) -> &[Layer] {
    let Family::Mlp(mlp) = &model.family else { panic!("not a network") };
    &mlp.layers
}

fn exact(number: f64) -> Rational {
    Rational::from_f64(number).unwrap()
}

/// `Σ wᵢ·xᵢ + b` for each output; `weights` `[inputs][outputs]`.
fn affine(x: &[Rational], weights: &[f32], bias: &[f32]) -> Vec<Rational> {
    let output = |(column, b): (usize, &f32)| {
        let rows = x.iter().zip(weights.chunks(bias.len()));
        rows.fold(exact(f64::from(*b)), |sum, (x, row)| {
            &sum + &(x * &exact(f64::from(row[column])))
        })
    };
    bias.iter().enumerate().map(output).collect()
}

/// Points with both signs of everything.
fn points() -> impl Iterator<Item = [f64; 2]> {
    let ends = [-3.25, -0.1, 0.0, 0.7, 2.5];
    ends.into_iter().flat_map(move |a| ends.map(|b| [a, b]))
}

/// The function that a graph computes from the outputs of its first matrix.
type Function<'a> = &'a dyn Fn(&[Rational]) -> Vec<Rational>;

#[test]
fn affine_maps_in_a_row_are_exact() {
    let rough =
        |graph: GraphWriter| graph.tensor("V", &[2, 2], &ROUGH[..4]).tensor("c", &[2], &ROUGH[4..]);
    let start = || {
        let graph = GraphWriter::new(&[1, 2]).tensor("U", &[2, 2], &ROUGH[1..5]);
        rough(graph).node("MatMul", &["x", "U"], "u")
    };
    let none = [0.0f32; 2];
    let graphs: [(&str, GraphWriter, Function); 4] = [
        ("matrix", start().node("MatMul", &["u", "V"], "y"), &|u| affine(u, &ROUGH[..4], &none)),
        (
            "two biases",
            start().tensor("d", &[2], &[1e-7, 3.0]).node("Add", &["u", "c"], "a").node(
                "Add",
                &["a", "d"],
                "y",
            ),
            &|u| {
                let by = [f64::from(ROUGH[4]), f64::from(ROUGH[5])];
                let more = [f64::from(1e-7f32), 3.0];
                (0..2).map(|k| &(&u[k] + &exact(by[k])) + &exact(more[k])).collect()
            },
        ),
        ("scaled", start().node("Mul", &["u", "c"], "y"), &|u| {
            (0..2).map(|k| &u[k] * &exact(f64::from(ROUGH[4 + k]))).collect()
        }),
        (
            "alpha",
            start().node_with(
                "Gemm",
                &["u", "V", "c"],
                "y",
                &[float("alpha", 0.3), float("beta", -2.0)],
            ),
            &|u| {
                let product = affine(u, &ROUGH[..4], &none);
                let beta = |k: usize| exact(-2.0 * f64::from(ROUGH[4 + k]));
                let alpha = exact(f64::from(0.3f32));
                (0..2).map(|k| &(&product[k] * &alpha) + &beta(k)).collect()
            },
        ),
    ];
    for (case, graph, expected) in graphs {
        let file = graph.model();
        let Imported { model, notes } = onnx_outputs(&file, None, Outputs::AsTheGraphEnds).unwrap();
        assert!(notes.len() == 1 && notes[0].to_string().contains("doubled"), "{case}: {notes:?}");
        let numbers = onnx_outputs(&file, None, Outputs::Numbers).unwrap().model;
        assert_eq!(numbers, model, "{case}");
        for x in points() {
            let u = affine(&x.map(exact), &ROUGH[1..5], &none);
            let point = Point::from_floats(&x).unwrap();
            assert_eq!(model.exact_scores(&point), expected(&u), "{case} at {x:?}");
        }
        assert_eq!(onnx(&to_onnx(&model).unwrap(), None).unwrap(), model, "{case}");
    }
}

#[test]
fn exact_compositions_are_one_layer() {
    let start = || {
        GraphWriter::new(&[1, 2])
            .tensor("W", &[2, 2], &W[..4])
            .tensor("b", &[2], &W[..2])
            .tensor("k", &[], &[0.5])
            .node_with("Gemm", &["x", "W", "b"], "u", &[float("alpha", 0.5), float("beta", 4.0)])
    };
    // 0.5·(x·W) + 4·b
    let one = read(start().node("Identity", &["u"], "y")).unwrap();
    assert_eq!(
        (&layers(&one)[0].weights[..], &layers(&one)[0].bias[..]),
        (&[0.5, 1.5, 1.0, 2.0][..], &[4.0, 8.0][..])
    );
    let shifted = read(start().node("Add", &["u", "k"], "y")).unwrap();
    assert_eq!(layers(&shifted)[0].bias, [4.5, 8.5]);
    let twice = read(start().node("MatMul", &["u", "W"], "y")).unwrap();
    assert_eq!(layers(&twice).len(), 1);
    // (x·W/2 + 4b)·W with W = [[1, 2], [3, 4]]
    assert_eq!(layers(&twice)[0].weights, [3.5, 7.5, 5.0, 11.0]);
    assert_eq!(layers(&twice)[0].bias, [28.0, 40.0]);
    let scaled = read(start().node("Mul", &["u", "k"], "y")).unwrap();
    assert_eq!(layers(&scaled)[0].weights, [0.25, 0.75, 0.5, 1.0]);
}

#[test]
fn a_matrix_may_stand_on_the_left_and_operands_may_be_left_out() {
    let left = |dimensions: &[u64]| {
        let graph = GraphWriter::new(dimensions).tensor("W", &[3, 2], &W);
        read(graph.node("MatMul", &["W", "x"], "y"))
    };
    for dimensions in [&[2][..], &[2, 1]] {
        let model = left(dimensions).unwrap();
        assert_eq!(layers(&model)[0].weights, W.map(f64::from));
    }
    for dimensions in [&[1, 2][..], &[3], &[2, 2], &[2, 1, 1]] {
        let refusal = left(dimensions).unwrap_err().to_string();
        assert!(refusal.contains("behind a matrix with 2 inputs"), "{dimensions:?}: {refusal}");
    }
    let start = |dimensions: &[u64]| GraphWriter::new(dimensions).tensor("W", &[2, 3], &W);
    let plain = read(start(&[1, 2]).node("Gemm", &["x", "W"], "y")).unwrap();
    assert_eq!(read(start(&[1, 2]).node("Gemm", &["x", "W", ""], "y")).unwrap(), plain);
    let column = start(&[2, 1]).node_with("Gemm", &["x", "W"], "y", &[int("transA", 1)]);
    assert_eq!(read(column).unwrap(), plain);
    let dropped = start(&[1, 2]).tensor("r", &[], &[0.5]).node("Dropout", &["x", "r"], "d");
    assert_eq!(read(dropped.node("MatMul", &["d", "W"], "y")).unwrap(), plain);
    let cast = start(&[1, 2]).node_with("Cast", &["x"], "d", &[int("to", 1)]);
    assert_eq!(read(cast.node("MatMul", &["d", "W"], "y")).unwrap(), plain);
}

#[test]
fn a_beta_that_rounds_is_refused() {
    let graph =
        GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]).tensor("b", &[2], &ROUGH[..2]);
    let refusal = read(graph.node_with("Gemm", &["x", "W", "b"], "y", &[float("beta", 0.3)]));
    let refusal = refusal.unwrap_err().to_string();
    assert!(refusal.contains("beta 0.3") && refusal.contains("are floats"), "{refusal}");
}

#[test]
fn constants_may_be_attributes() {
    let floats: Vec<u8> = W[..2].iter().flat_map(|x| x.to_le_bytes()).collect();
    let floats = Writer::default().bytes(1, "value_floats").bytes(7, floats);
    let ints = Writer::default().bytes(1, "value_ints").number(8, 0).number(8, u64::MAX);
    let graph = GraphWriter::new(&[1, 1, 2])
        .tensor("W", &[2, 2], &W[..4])
        .node_with("Constant", &[], "b", &[floats])
        .node_with("Constant", &[], "k", &[float("value_float", 0.5)])
        .node_with("Constant", &[], "s", &[ints])
        .node("Reshape", &["x", "s"], "r")
        .node("Mul", &["r", "k"], "h")
        .node("MatMul", &["h", "W"], "p")
        .node("Add", &["p", "b"], "y");
    let model = read(graph).unwrap();
    assert_eq!(
        (&layers(&model)[0].bias[..], model.schema.features()[0].scale),
        (&[1.0, 2.0][..], 0.5)
    );
}

/// `x (2) → z (2) → normalised → relu → z`.
fn normalised(numbers: [&[f32]; 4], attributes: &[Writer]) -> GraphWriter {
    let mut graph = GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]);
    for (name, numbers) in ["g", "b", "m", "v"].iter().zip(numbers) {
        graph = graph.tensor(name, &[numbers.len() as u64], numbers);
    }
    let operands = ["z", "g", "b", "m", "v"];
    let graph = graph.node("MatMul", &["x", "W"], "z").node_with(
        "BatchNormalization",
        &operands,
        "n",
        attributes,
    );
    graph.node("Relu", &["n"], "h").node("MatMul", &["h", "W"], "y")
}

#[test]
fn a_batch_normalisation_is_folded_and_rounding_is_said() {
    let none = float("epsilon", 0.0);
    let smooth: [&[f32]; 4] = [&[1.0, -2.0], &[0.5, 0.0], &[1.0, 2.0], &[4.0, 0.25]];
    let graph = normalised(smooth, std::slice::from_ref(&none)).model();
    for outputs in [Outputs::AsTheGraphEnds, Outputs::Numbers] {
        let Imported { model, notes } = onnx_outputs(&graph, None, outputs).unwrap();
        assert_eq!(notes.len(), 0);
        // (z₀ − 1)/2 + ½ and −4·(z₁ − 2)
        assert_eq!(layers(&model)[0].weights, [0.5, 1.5, -8.0, -16.0]);
        assert_eq!(layers(&model)[0].bias, [0.0, 8.0]);
    }
    let rough: [&[f32]; 4] = [&[1.0, -2.0], &[0.5, 0.0], &[1.0, 2.0], &[3.0, 0.3]];
    let graph = normalised(rough, &[]).model();
    let Imported { model, notes } = onnx_outputs(&graph, None, Outputs::AsTheGraphEnds).unwrap();
    assert!(notes.len() == 1 && notes[0].to_string().contains("rounded"), "{notes:?}");
    let factor = 1.0 / (3.0 + f64::from(1e-5f32)).sqrt();
    assert!((layers(&model)[0].weights[1] - 3.0 * factor).abs() < 1e-6);
    let refusal = onnx_outputs(&graph, None, Outputs::Numbers).unwrap_err().to_string();
    assert!(
        refusal.contains("BatchNormalization") && refusal.contains("another network"),
        "{refusal}"
    );
    for (fact, numbers, attributes) in [
        ("a variance 0", [&[1.0, 1.0][..], &[0.0; 2], &[0.0; 2], &[0.0, 1.0]], vec![none.clone()]),
        ("a variance -1", [&[1.0, 1.0], &[0.0; 2], &[0.0; 2], &[-1.0, 1.0]], vec![]),
        ("training_mode 1", smooth, vec![int("training_mode", 1)]),
        ("spatial 0", smooth, vec![int("spatial", 0)]),
        ("`is_test`", smooth, vec![int("is_test", 1)]),
        ("dimensions [1]", [&[1.0][..], &[0.0], &[0.0], &[1.0]], vec![]),
    ] {
        let refusal = read(normalised(numbers, &attributes)).unwrap_err().to_string();
        assert!(refusal.contains(fact), "{fact}: {refusal}");
    }
}

/// `z = x·(1, 2)` and what follows.
fn logit() -> GraphWriter {
    let graph = GraphWriter::new(&[0, 2]).tensor("V", &[2, 1], &W[..2]).tensor("one", &[1], &[1.0]);
    graph.node("MatMul", &["x", "V"], "z")
}

/// `z = x·W`, two logits.
fn logits() -> GraphWriter {
    let graph = GraphWriter::new(&[0, 2]).tensor("W", &[2, 2], &W[..4]).tensor("one", &[1], &[1.0]);
    graph.node("MatMul", &["x", "W"], "z")
}

#[test]
fn one_output_is_a_score_or_a_logit() {
    let plain = logit().node("Identity", &["z"], "y").model();
    let as_it_ends = onnx(&plain, None).unwrap();
    assert!(as_it_ends.is_plain_score());
    assert_eq!((as_it_ends.scores(&[1.0, 1.0]), as_it_ends.margin(&[1.0, 1.0])), (vec![3.0], 3.0));
    assert_eq!(onnx(&to_onnx(&as_it_ends).unwrap(), None).unwrap(), as_it_ends);
    assert_eq!(Model::read(as_it_ends.to_json().as_bytes()).unwrap(), as_it_ends);
    let numbers = onnx_outputs(&plain, None, Outputs::Numbers).unwrap().model;
    assert_eq!(numbers, as_it_ends);
    let logit_of = onnx_outputs(&plain, None, Outputs::Logits).unwrap().model;
    assert_eq!((logit_of.classes, logit_of.scores(&[1.0, 1.0])), (2, vec![0.0, 3.0]));

    let ended = logit().node("Sigmoid", &["z"], "y").model();
    let Imported { model, notes } = onnx_outputs(&ended, None, Outputs::AsTheGraphEnds).unwrap();
    assert_eq!(model, logit_of);
    assert!(notes.len() == 1 && notes[0].to_string().contains("scores are logits"), "{notes:?}");
    let refusal = onnx_outputs(&ended, None, Outputs::Numbers).unwrap_err().to_string();
    assert!(refusal.contains("an activation"), "{refusal}");
}

#[test]
fn a_whole_answer_is_left_out() {
    let classes = |graph: GraphWriter| graph.whole("classes", &[0, 1]).whole("s", &[-1]);
    let binary = classes(logit())
        .node("Sigmoid", &["z"], "p")
        .node("Sub", &["one", "p"], "q")
        .node_with("Concat", &["q", "p"], "both", &[int("axis", 1)])
        .node_with("ArgMax", &["both"], "best", &[int("axis", 1)])
        .node_in("ai.onnx.ml", "ArrayFeatureExtractor", &["classes", "best"], "name")
        .node("Reshape", &["name", "s"], "flat")
        .node_with("Cast", &["flat"], "y", &[int("to", 7)])
        .output("both");
    let expected =
        onnx_outputs(&logit().node("Identity", &["z"], "y").model(), None, Outputs::Logits);
    assert_eq!(read(binary).unwrap(), expected.unwrap().model);
    let expected = read(logits().node("Identity", &["z"], "y")).unwrap();
    for graph in [
        logits().node_with("Softmax", &["z"], "y", &[int("axis", 1)]),
        logits().node("LogSoftmax", &["z"], "y"),
        logits().node_with("ArgMax", &["z"], "y", &[int("axis", 1), int("keepdims", 0)]),
        logits()
            .node("Softmax", &["z"], "p")
            .node_in("ai.onnx.ml", "ZipMap", &["p"], "y")
            .output("p"),
    ] {
        assert_eq!(read(graph).unwrap(), expected);
    }
}

/// Classes may have names, but not those of one another.
#[test]
fn labels_name_the_classes_in_their_order() {
    let table = |labels: &[i64]| {
        logits()
            .whole("names", labels)
            .node_with("ArgMax", &["z"], "best", &[int("axis", 1)])
            .node_in("ai.onnx.ml", "ArrayFeatureExtractor", &["names", "best"], "y")
    };
    let map = |labels: &[i64]| {
        let list = Writer::default().bytes(1, "classlabels_int64s");
        let list = labels.iter().fold(list, |list, label| list.number(8, label.cast_unsigned()));
        logits().node("Softmax", &["z"], "p").map("p", "y", list)
    };
    let texts = |labels: &[&str]| {
        let list = Writer::default().bytes(1, "classlabels_strings");
        let list = labels.iter().fold(list, |list, label| list.bytes(9, label));
        logits().node("Softmax", &["z"], "p").map("p", "y", list)
    };
    let text_table = |labels: &[&str]| {
        logits()
            .texts("names", labels)
            .node_with("ArgMax", &["z"], "best", &[int("axis", 1)])
            .node_in("ai.onnx.ml", "ArrayFeatureExtractor", &["names", "best"], "y")
    };
    for (labels, notes) in [(&[0, 1], 1), (&[1, 2], 2), (&[-1, 1], 2)] {
        for graph in [table(labels), map(labels)] {
            let read = onnx_outputs(&graph.model(), None, Outputs::AsTheGraphEnds).unwrap();
            assert_eq!(read.notes.len(), notes, "{labels:?}: {:?}", read.notes);
        }
    }
    for labels in [[1, 0], [1, 1], [1, -1]] {
        for graph in [table(&labels), map(&labels)] {
            let refused = read(graph).unwrap_err().to_string();
            assert!(refused.contains("labels in another order"), "{refused}");
        }
    }
    for (labels, is_read) in [
        (["no", "yes"], true),
        (["yes", "no"], true),
        (["0", "1"], true),
        (["1", "0"], false),
        (["1", "2"], false),
        (["yes", "yes"], false),
    ] {
        assert_eq!(read(texts(&labels)).is_ok(), is_read, "{labels:?}");
        assert_eq!(read(text_table(&labels)).is_ok(), is_read, "{labels:?}");
    }
    let narrow = table(&[0, 1]);
    let narrow = narrow.node_with("Cast", &["y"], "b", &[int("to", 9)]).output("b");
    assert!(read(narrow).is_err());
}

/// Where the graph goes over another axis than that of the classes.
#[test]
fn the_classes_lie_along_the_last_of_the_dimensions() {
    let column = || {
        let graph = GraphWriter::new(&[3, 1]).tensor("W", &[2, 3], &W);
        graph.node("MatMul", &["W", "x"], "z")
    };
    let raised = |input: &[u64], bias: &[u64]| {
        let count = bias.iter().product::<u64>() as usize;
        let graph = GraphWriter::new(input).tensor("W", &[3, 2], &W).tensor("c", bias, &W[..count]);
        graph.node("MatMul", &["x", "W"], "l").node("Add", &["l", "c"], "z")
    };
    for (is_read, graph, operator, axis) in [
        (false, column(), "ArgMax", 1),
        (false, column(), "Softmax", u64::MAX),
        (false, raised(&[1, 3], &[1, 1, 1]), "ArgMax", 1),
        (true, raised(&[1, 3], &[1, 1, 1]), "ArgMax", 2),
        (false, raised(&[1, 3], &[1, 1, 1]), "Softmax", 1),
        (false, raised(&[3], &[1, 2]), "ArgMax", 0),
        (true, raised(&[3], &[1, 2]), "ArgMax", 1),
        (true, raised(&[3], &[2]), "ArgMax", 0),
    ] {
        let read = read(graph.node_with(operator, &["z"], "y", &[int("axis", axis)]));
        assert_eq!(read.is_ok(), is_read, "{operator} {axis}: {read:?}");
    }
}

#[test]
fn other_answers_are_refused() {
    let sigmoid = || logit().tensor("two", &[1], &[2.0]).node("Sigmoid", &["z"], "p");
    let both = || sigmoid().node("Sub", &["one", "p"], "q");
    let softmax = || logits().node("Softmax", &["z"], "p");
    let table = [
        ("a Softmax or ArgMax of one output", logit().node("Softmax", &["z"], "y")),
        (
            "a Softmax or ArgMax of one output",
            logit().node_with("ArgMax", &["z"], "y", &[int("axis", 1)]),
        ),
        ("axis 0", logits().node_with("Softmax", &["z"], "y", &[int("axis", 0)])),
        ("axis 0", logits().node("ArgMax", &["z"], "y")),
        (
            "select_last_index",
            logits().node_with(
                "ArgMax",
                &["z"],
                "y",
                &[int("axis", 1), int("select_last_index", 1)],
            ),
        ),
        ("1 less the posterior", sigmoid().node("Sub", &["two", "p"], "y")),
        ("1 less its posterior", sigmoid().node("Sub", &["one", "p"], "y")),
        ("Concat", both().node_with("Concat", &["p", "q"], "y", &[int("axis", 1)])),
        ("axis 0", both().node_with("Concat", &["q", "p"], "y", &[int("axis", 0)])),
        ("after the last layer", sigmoid().node("Relu", &["p"], "y")),
        ("after the last layer", sigmoid().node("MatMul", &["p", "one"], "y")),
        ("after the last layer", softmax().node("Sigmoid", &["p"], "y")),
        ("after the last layer", softmax().node("Mul", &["p", "one"], "y")),
        ("Cast of posteriors", softmax().node_with("Cast", &["p"], "y", &[int("to", 7)])),
        ("domain `ai.onnx.ml`", softmax().node_in("ai.onnx.ml", "Relu", &["p"], "y")),
        ("domain ``", softmax().node("ZipMap", &["p"], "y")),
        ("a graph with 2 outputs", softmax().node("Identity", &["z"], "y").output("p")),
        ("a graph with 2 outputs", logits().node("Identity", &["z"], "y").output("z")),
        ("to 7", logits().node_with("Cast", &["z"], "y", &[int("to", 7)])),
        ("no attribute `to`", logits().node("Cast", &["z"], "y")),
        ("training_mode", logits().node("Dropout", &["z", "", "one"], "y")),
        ("no attribute `offset`", logits().node_in("ai.onnx.ml", "Scaler", &["z"], "y")),
    ];
    for (fact, graph) in table {
        let error = read(graph).unwrap_err().to_string();
        assert!(error.contains(fact), "{fact}: {error}");
    }
}

#[test]
fn packed_networks_are_read_and_bombs_are_not() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let plain = logits().node("Identity", &["z"], "y").model();
    assert_eq!(onnx(&gzip(&plain), None).unwrap(), onnx(&plain, None).unwrap());
    let bomb = gzip(&vec![0; 64 << 20]);
    let error = onnx(&bomb, None).unwrap_err().to_string();
    assert!(error.contains("bytes of an unpacked file"), "{error}");
    assert!(onnx(&bomb[..20], None).unwrap_err().to_string().contains("gzip"));
}

/// A diagonal layer after every Relu, or a doubled one after every matrix, is stopped by the limits.
#[test]
fn layers_that_grow_are_limited() {
    let wide = vec![0.1; 4_000];
    let graph =
        GraphWriter::new(&[1, 1]).tensor("W", &[1, 4_000], &wide).tensor("c", &[4_000], &wide);
    let graph = graph.node("MatMul", &["x", "W"], "z");
    let error = read(graph.clone().node("Mul", &["z", "c"], "y")).unwrap_err().to_string();
    assert!(error.contains("parameters"), "{error}");
    let error = read(graph.node("Relu", &["z"], "h").node("Add", &["h", "c"], "y")).unwrap_err();
    assert!(error.to_string().contains("parameters"), "{error}");
    let mut deep = logits().tensor("c", &[2], &ROUGH[..2]);
    let names: Vec<String> = (0..2_000).map(|k| format!("v{k}")).collect();
    let mut before = "z";
    for name in &names {
        deep = deep.node("Mul", &[before, "c"], name);
        before = name;
    }
    let error = read(deep.node("Identity", &[before], "y")).unwrap_err().to_string();
    assert!(error.contains("layers"), "{error}");
}

/// As models with a normalisation for a scaler have it: `(x − mean)/√variance` with a mean that is no scale's multiple.
#[test]
fn a_batch_normalisation_of_the_input_is_folded_into_the_first_layer() {
    let numbers: [&[f32]; 4] = [&[1.0, 1.0], &[0.25, 0.0], &[0.1, 2.0], &[3.0, 0.3]];
    let graph = |between: &str| {
        let mut graph = GraphWriter::new(&[1, 2]).tensor("W", &[2, 2], &W[..4]);
        for (name, numbers) in ["g", "b", "m", "v"].iter().zip(numbers) {
            graph = graph.tensor(name, &[2], numbers);
        }
        let graph = graph.node("BatchNormalization", &["x", "g", "b", "m", "v"], "n");
        match between {
            "nothing" => graph.node("MatMul", &["n", "W"], "y"),
            _ => graph.node(between, &["n", "v"], "z").node("MatMul", &["z", "W"], "y"),
        }
    };
    let bytes = graph("nothing").model();
    let Imported { model, notes } = onnx_outputs(&bytes, None, Outputs::AsTheGraphEnds).unwrap();
    assert!(notes.len() == 1 && notes[0].to_string().contains("rounded"), "{notes:?}");
    for x in [[0.0, 0.0], [1.0, -1.0], [0.3, 7.5]] {
        let normalised = |k: usize| {
            let [g, b, m, v] = numbers.map(|list| f64::from(list[k]));
            g * (x[k] - m) / (v + f64::from(1e-5f32)).sqrt() + b
        };
        let z = [normalised(0), normalised(1)];
        for (class, score) in model.scores(&x).iter().enumerate() {
            let expected = z[0] * f64::from(W[class]) + z[1] * f64::from(W[2 + class]);
            assert!((score - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{x:?}");
        }
    }
    let refused = onnx_outputs(&bytes, None, Outputs::Numbers).unwrap_err().to_string();
    assert!(refused.contains("another network"), "{refused}");
    for between in ["Add", "Mul", "Relu"] {
        assert!(read(graph(between)).is_err(), "{between}");
    }
}

#[test]
fn dimensions_of_one_are_dropped() {
    let graph = |axes: Option<&[i64]>| {
        let graph = GraphWriter::new(&[0, 2]).tensor("W", &[2, 1], &W[..2]).node(
            "MatMul",
            &["x", "W"],
            "z",
        );
        match axes {
            None => graph.node("Squeeze", &["z"], "y"),
            Some(axes) => graph.whole("axes", axes).node("Squeeze", &["z", "axes"], "y"),
        }
    };
    for axes in [None, Some(&[-1][..]), Some(&[1]), Some(&[0, 1]), Some(&[])] {
        let model = read(graph(axes)).unwrap();
        assert_eq!(layers(&model)[0].weights, [1.0, 2.0], "{axes:?}");
    }
    for (axes, fact) in [
        (&[2][..], "[2]"),
        (&[-3], "-1"),
        (&[i64::MIN], "dimension 1"),
        (&[i64::MAX], "dimension 1"),
    ] {
        let refused = read(graph(Some(axes))).unwrap_err().to_string();
        assert!(refused.contains(fact), "{axes:?}: {refused}");
    }
    let wide = GraphWriter::new(&[0, 2])
        .tensor("W", &[2, 2], &W[..4])
        .whole("axes", &[1])
        .node("Squeeze", &["x", "axes"], "s")
        .node("MatMul", &["s", "W"], "y");
    assert!(read(wide).unwrap_err().to_string().contains("dimension 1"));
}

#[test]
fn trees_are_referred_to_their_own_tools() {
    let trees =
        GraphWriter::new(&[0, 2]).node_in("ai.onnx.ml", "TreeEnsembleClassifier", &["x"], "y");
    let refused = read(trees).unwrap_err().to_string();
    assert!(refused.contains("scikit-learn") && refused.contains("import --help"), "{refused}");
}

/// Traced with two rows, and no number of rows left free.
#[test]
fn a_graph_of_several_rows_is_read_as_one_of_one_row() {
    let graph = |bias: &[u64]| {
        let numbers: u64 = bias.iter().product();
        GraphWriter::new(&[2, 3])
            .tensor("W", &[3, 2], &W)
            .tensor("b", bias, &W[..numbers as usize])
            .node("MatMul", &["x", "W"], "z")
            .node("Add", &["z", "b"], "y")
    };
    let bytes = graph(&[2]).model();
    let Imported { model, notes } = onnx_outputs(&bytes, None, Outputs::AsTheGraphEnds).unwrap();
    assert!(notes.len() == 1 && notes[0].to_string().contains("several rows"), "{notes:?}");
    assert_eq!((model.schema.len(), &layers(&model)[0].bias[..]), (3, &[1.0, 2.0][..]));
    let ended = |operator, shape: &[i64], attributes: &[Writer], more: &[Writer]| {
        let graph = GraphWriter::new(&[2, 3]).tensor("W", &[3, 2], &W).whole("s", shape);
        let inputs: &[&str] = if shape.is_empty() { &["z"] } else { &["z", "s"] };
        graph
            .node("MatMul", &["x", "W"], "z")
            .node_with(operator, inputs, "f", attributes)
            .node_with("ArgMax", &["f"], "y", more)
    };
    for (is_read, graph) in [
        (true, ended("Flatten", &[], &[], &[int("axis", 1)])),
        (false, ended("Flatten", &[], &[int("axis", 0)], &[int("axis", 1)])),
        (true, ended("Reshape", &[0, 2], &[], &[int("axis", 1)])),
        (true, ended("Reshape", &[-1, 2], &[], &[int("axis", 1)])),
        (true, ended("Reshape", &[-1, 1, 2], &[], &[int("axis", 2)])),
        (false, ended("Reshape", &[-1], &[], &[int("axis", 0)])),
        (false, ended("Reshape", &[1, -1], &[], &[int("axis", 1)])),
        (false, ended("Squeeze", &[], &[], &[int("axis", 0)])),
    ] {
        let read = read(graph);
        assert_eq!(read.is_ok(), is_read, "{read:?}");
    }
    let raised = GraphWriter::new(&[2, 3])
        .tensor("W", &[3, 2], &W)
        .tensor("c", &[1, 1, 1], &[0.5])
        .node("MatMul", &["x", "W"], "z")
        .node("Add", &["z", "c"], "y");
    assert!(read(raised).is_err());
    // a number of its own for each row
    assert!(read(graph(&[2, 2])).unwrap_err().to_string().contains("[2, 3]"));
    assert!(onnx_outputs(&bytes, None, Outputs::Numbers).is_err());
}
