//! Limits of what is read: every size over its limit, and every model or certificate that is none,
//! is a typed error; and the program refuses hostile files soon and in little memory, whatever
//! sizes they declare.

mod certificates;
#[cfg(all(target_os = "linux", feature = "full"))]
#[path = "../cases/chance.rs"]
mod chance;
#[cfg(all(target_os = "linux", feature = "full"))]
mod foreign;
mod models;
mod mutants;
#[cfg(all(target_os = "linux", feature = "full"))]
mod onnx;
#[cfg(target_os = "linux")]
mod program;

use propcert::model::Digest;

pub const MLP: &str = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,
"features":[{"name":"x","kind":"real","low":"-1","high":"1"}],
"layers":[{"weights":[[1.0]],"bias":[0.0]},{"weights":[[0.0],[1.0]],"bias":[0.0,0.0]}]}
"#;

pub const TREES: &str = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower","classes":2,
"features":[{"name":"x","kind":"real","low":"-1","high":"1"}],"base":[0.0],
"trees":[{"output":0,"feature":[0,0,0],"threshold":[0.5,0.0,0.0],"left":[1,-1,-1],"right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0.0,-1.0,1.0]}]}
"#;

pub const SPEC: &str = "property = 'monotonicity'\nfeatures = [0]\ndirection = 'increasing'\n";

/// The first `old` replaced.
pub fn changed(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

pub fn repeated(item: &str, count: usize) -> String {
    vec![item; count].join(",")
}

pub fn with_layers(layers: &str) -> String {
    let from = MLP.find("[{\"w").unwrap();
    format!("{}[{layers}]}}", &MLP[..from])
}

pub fn layer(weights: &str, bias: &str) -> String {
    format!("{{\"weights\":[{weights}],\"bias\":[{bias}]}}")
}

/// One tree per text of its columns: feature, left, right; thresholds and leaves are 0.
pub fn with_trees(trees: &str) -> String {
    let from = TREES.find("[{\"output").unwrap();
    format!("{}[{trees}]}}", &TREES[..from])
}

pub fn tree(left: &[i64], right: &[i64]) -> String {
    let zeros = repeated("0", left.len());
    format!(
        "{{\"output\":0,\"feature\":[{zeros}],\"threshold\":[{zeros}],\"left\":{left:?},\
         \"right\":{right:?},\"default-left\":[{zeros}],\"leaf\":[{zeros}]}}"
    )
}

/// A path of so many splits, with a leaf at each.
pub fn chain(depth: i64) -> String {
    let child = |k: i64, side: i64| if k < 2 * depth && k % 2 == 0 { k + side } else { -1 };
    let column = |side| (0..=2 * depth).map(|k| child(k, side)).collect::<Vec<i64>>();
    tree(&column(1), &column(2))
}

pub fn header(model: &str, spec: &str) -> String {
    format!(
        "{{\"schema\":\"certificate/1\",\"tool\":\"limits\",\"model\":\"{}\",\"spec\":\"{}\",\
         \"semantics\":\"real\",\"integers\":\"respect\",\"budget\":{{\"nodes\":1}}}}\n",
        Digest::of(model.as_bytes()),
        Digest::of(spec.as_bytes())
    )
}

pub const PROVED: &str =
    "{\"totals\":{\"proved\":1,\"refuted\":0,\"undecided\":0,\"vacuous\":0,\"invalid\":0}}\n";
