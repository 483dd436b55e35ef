//! Texts that are no model, and sizes of models.

use propcert::model::{Model, ModelError};

use crate::{MLP, TREES, chain, changed, layer, repeated, tree, with_layers, with_trees};

/// Which kind of error a text is refused with.
fn refusal(text: &str) -> (&'static str, String) {
    let error = Model::read(text.as_bytes()).expect_err("the text is no model");
    let kind = match &error {
        ModelError::Limit(_) => "limit",
        ModelError::Json(_) => "json",
        ModelError::Format(_) => "format",
        ModelError::Family(_) => "family",
        ModelError::Key { .. } => "key",
        ModelError::Schema(_) => "schema",
        ModelError::NotFinite { .. } => "not finite",
        ModelError::Length { .. } => "length",
        ModelError::Classes { .. } => "classes",
        ModelError::Tree { .. } => "tree",
    };
    (kind, error.to_string())
}

/// Each case is refused with that kind of error, and its message has the words.
fn refuse_all(cases: Vec<(&str, String, &str, &str)>) {
    for (case, text, kind, words) in cases {
        let (found, message) = refusal(&text);
        assert_eq!(found, kind, "{case}: {message}");
        assert!(message.contains(words), "{case}: `{words}` is not in `{message}`");
    }
}

#[test]
fn the_models_that_are_broken_below_are_read_whole() {
    assert!(Model::read(MLP.as_bytes()).is_ok());
    assert!(Model::read(TREES.as_bytes()).is_ok());
}

#[test]
fn texts_that_are_no_model_are_refused() {
    let mlp = |old: &str, new: &str| changed(MLP, old, new);
    refuse_all(vec![
        ("malformed", mlp("]}]}", "]}]"), "json", ""),
        ("trailing data", format!("{MLP}1"), "json", "trailing"),
        ("a key twice", mlp("\"classes\":2", "\"classes\":2,\"classes\":2"), "json", "duplicate"),
        (
            "a key of a layer twice",
            mlp("\"bias\":[0.0]", "\"bias\":[0.0],\"bias\":[0.0]"),
            "json",
            "duplicate",
        ),
        (
            "unknown field",
            mlp("\"classes\":2", "\"classes\":2,\"note\":2"),
            "json",
            "unknown field",
        ),
        (
            "unknown field of a layer",
            mlp("\"bias\":[0.0]", "\"bias\":[0.0],\"note\":0"),
            "json",
            "unknown field",
        ),
        ("1e400", mlp("[[1.0]]", "[[1e400]]"), "json", "out of range"),
        ("1e39 as f32", mlp("[[1.0]]", "[[1e39]]"), "json", "out of range"),
        ("NaN", mlp("[[1.0]]", "[[NaN]]"), "json", ""),
        ("null", mlp("[[1.0]]", "[[null]]"), "json", "null"),
        (
            "a layer that is missing",
            mlp(",{\"weights\":[[0.0],[1.0]],\"bias\":[0.0,0.0]}", ""),
            "classes",
            "",
        ),
        ("no layers", changed(MLP, &MLP[MLP.find("[{\"w").unwrap()..], "[]}"), "key", "layers"),
        ("a row too many", mlp("[[1.0]]", "[[1.0],[1.0]]"), "length", "layers[0].weights"),
        ("a weight too many", mlp("[[1.0]]", "[[1.0,1.0]]"), "length", "weights[0]"),
        ("a class too many", mlp("\"classes\":2", "\"classes\":3"), "classes", "3"),
        ("10^9 classes", mlp("\"classes\":2", "\"classes\":1000000000"), "limit", "classes"),
        ("trees in a network", mlp("\"layers\"", "\"trees\":[],\"layers\""), "key", "trees"),
        ("a NUL in a name", mlp("\"x\"", "\"x\\u0000\""), "schema", "control character"),
        (
            "a name twice",
            mlp("[{\"name\"", "[{\"name\":\"x\",\"kind\":\"real\"},{\"name\""),
            "schema",
            "",
        ),
    ]);
}

#[test]
fn trees_that_are_no_trees_are_refused() {
    let trees = |old: &str, new: &str| changed(TREES, old, new);
    refuse_all(vec![
        ("a cycle", trees("\"left\":[1,", "\"left\":[0,"), "tree", "cycle"),
        (
            "a long cycle",
            trees("\"left\":[1,-1,-1],\"right\":[2,-1,-1]", "\"left\":[1,2,-1],\"right\":[2,0,-1]"),
            "tree",
            "",
        ),
        ("a shared child", trees("\"left\":[1,", "\"left\":[2,"), "tree", "shared"),
        (
            "unreachable nodes",
            trees(
                "\"left\":[1,-1,-1],\"right\":[2,-1,-1]",
                "\"left\":[-1,-1,-1],\"right\":[-1,-1,-1]",
            ),
            "tree",
            "",
        ),
        ("one child only", trees("\"right\":[2,", "\"right\":[-1,"), "tree", "child"),
        (
            "a child index that is the count",
            trees("\"left\":[1,", "\"left\":[3,"),
            "tree",
            "out of range",
        ),
        (
            "a child index near 2^63",
            trees("\"left\":[1,", "\"left\":[9223372036854775807,"),
            "tree",
            "out of range",
        ),
        (
            "a child index near 2^64",
            trees("\"left\":[1,", "\"left\":[18446744073709551615,"),
            "json",
            "",
        ),
        ("an infinite threshold", trees("[0.5,", "[1e39,"), "json", "out of range"),
        ("an infinite leaf", trees("-1.0,1.0]", "-1.0,1e39]"), "json", "out of range"),
        ("an infinite base", trees("\"base\":[0.0]", "\"base\":[1e39]"), "json", "out of range"),
        (
            "a feature that is the count",
            trees("\"feature\":[0,", "\"feature\":[1,"),
            "tree",
            "feature",
        ),
        ("feature 10^9", trees("\"feature\":[0,", "\"feature\":[1000000000,"), "tree", "feature"),
        ("an output that is the count", trees("\"output\":0", "\"output\":1"), "tree", "output"),
        (
            "an unknown field",
            trees("\"output\":0", "\"output\":0,\"note\":0"),
            "json",
            "unknown field",
        ),
        (
            "no nodes",
            trees(
                &TREES[TREES.find("{\"output").unwrap()..],
                "{\"output\":0,\"feature\":[],\"threshold\":[],\"left\":[],\"right\":[],\"default-left\":[],\"leaf\":[]}]}",
            ),
            "tree",
            "at least one",
        ),
        ("no base", trees("\"base\":[0.0]", "\"base\":[]"), "tree", "output"),
    ]);
    for key in ["threshold", "left", "right", "default-left", "leaf"] {
        let text = changed(TREES, &format!("\"{key}\":["), &format!("\"{key}\":[0,"));
        assert_eq!(refusal(&text).0, "length", "{key}");
    }
}

#[test]
fn sizes_of_models_are_limited() {
    let wide = layer(&repeated("[0]", 4000), &repeated("0", 4000));
    let declared = layer("", &repeated("0", 4000));
    let feature = r#"{"name":"y","kind":"real"}"#;
    let first = &MLP[MLP.find("{\"name").unwrap()..MLP.find("],\n\"layers").unwrap()];
    refuse_all(vec![
        ("65 layers", with_layers(&repeated(&layer("[0]", "0"), 65)), "limit", "layers"),
        ("65,537 neurons", with_layers(&layer("", &repeated("0", 65_537))), "limit", "neurons"),
        (
            "16 million parameters",
            with_layers(&format!("{wide},{declared}")),
            "limit",
            "parameters",
        ),
        ("65,537 features", changed(MLP, first, &repeated(feature, 65_537)), "limit", "features"),
        ("10,001 trees", with_trees(&repeated(&tree(&[-1], &[-1]), 10_001)), "limit", "trees"),
        ("65,536 nodes", with_trees(&tree(&[-1; 65_536], &[-1; 65_536])), "limit", "nodes"),
        ("a path of 65", with_trees(&chain(65)), "tree", "deeper than 64"),
        (
            "17 brackets",
            with_layers(&format!("{}{}", "[".repeat(17), "]".repeat(17))),
            "limit",
            "depth",
        ),
        (
            "a name of 1 MiB and one",
            changed(MLP, "\"x\"", &format!("\"{}\"", "x".repeat((1 << 20) + 1))),
            "limit",
            "string",
        ),
        (
            "a number of 10^5 digits",
            changed(MLP, "[[1.0]]", &format!("[[{}]]", "1".repeat(100_000))),
            "limit",
            "number",
        ),
    ]);
    // the limits themselves are fine
    let layers: Vec<String> =
        (0..63).map(|_| layer("[0]", "0")).chain([layer("[0],[0]", "0,0")]).collect();
    assert!(Model::read(with_layers(&layers.join(",")).as_bytes()).is_ok());
    assert!(Model::read(with_trees(&repeated(&tree(&[-1], &[-1]), 10_000)).as_bytes()).is_ok());
    assert!(Model::read(with_trees(&chain(64)).as_bytes()).is_ok());
}
