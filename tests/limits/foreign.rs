//! Hostile models of other tools, in bounded memory.

use std::io::Write;
use std::path::Path;

use crate::program::{KIB, limited};
use crate::repeated;

/// Imports `bad` in 64 MiB beyond what the program needs to start; it must be refused soon.
fn refused(folder: &Path, format: &str, case: &str, bytes: &[u8]) {
    std::fs::write(folder.join("bad"), bytes).unwrap();
    let call = ["--threads", "1", "import", format, "bad", "--out", "out.json"];
    let output = limited(folder, KIB, &call);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{format}, {case}: {message}");
    assert!(message.starts_with("propcert: bad: ") && message.len() < 2_100, "{case}: {message}");
    assert!(!message.contains("panicked") && !message.contains("memory"), "{case}: {message}");
    assert!(!folder.join("out.json").exists(), "{format}, {case}");
}

/// An XGBoost file with these trees, of so many features.
fn booster(trees: &str, count: usize, features: u64) -> String {
    format!(
        r#"{{"version":[3,2,0],"learner":{{"objective":{{"name":"binary:logistic"}},
"learner_model_param":{{"base_score":"5E-1","num_feature":"{features}"}},
"gradient_booster":{{"name":"gbtree","model":{{"tree_info":[{}],"trees":[{trees}]}}}}}}}}"#,
        repeated("0", count)
    )
}

/// A tree of XGBoost's with these children; feature 0, condition 0.5 everywhere.
fn tree(left: &[i64], right: &[i64]) -> String {
    let count = left.len();
    format!(
        r#"{{"left_children":{left:?},"right_children":{right:?},"split_indices":[{}],
"split_conditions":[{}],"default_left":[{}],"tree_param":{{"num_nodes":"{count}"}}}}"#,
        repeated("0", count),
        repeated("0.5", count),
        repeated("0", count)
    )
}

/// The start of a UBJSON file up to a value.
fn key(name: &str) -> Vec<u8> {
    [b"L", &(name.len() as u64).to_be_bytes()[..], name.as_bytes()].concat()
}

#[test]
fn boosters_that_lie_are_refused_soon() {
    let folder = tempfile::tempdir().unwrap();
    let leaf = tree(&[-1], &[-1]);
    let huge = i64::MAX.to_be_bytes();
    let long = [&b"{"[..], &key("learner"), b"[$d#L", &huge].concat();
    let counted = [&b"{"[..], &key("learner"), b"[#l\x00\x0f\x00\x00", &[b'Z'; 1_000_000]].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("10^5 trees", booster(&repeated(&leaf, 100_000), 100_000, 1).into()),
        ("10^6 trees", booster(&repeated("{}", 1_000_000), 1_000_000, 1).into()),
        ("10^9 features", booster(&leaf, 1, 1_000_000_000).into()),
        ("a cycle", booster(&tree(&[1, 0, -1], &[2, 2, -1]), 1, 1).into()),
        ("a shared child", booster(&tree(&[1, -1], &[1, -1]), 1, 1).into()),
        ("no such child", booster(&tree(&[1_000_000_000], &[7]), 1, 1).into()),
        ("orphans", booster(&tree(&[-1, -1], &[-1, -1]), 1, 1).into()),
        ("an infinite threshold", booster(&leaf.replace("0.5", "1e999"), 1, 1).into()),
        ("10^6 nodes", booster(&tree(&[-1; 1_000_000], &[-1; 1_000_000]), 1, 1).into()),
        ("UBJSON that claims 2^63 floats", long),
        ("UBJSON of nulls", counted),
        ("UBJSON that is deep", [&b"{"[..], &key("k"), &[b'['; 1_000_000]].concat()),
        ("UBJSON that ends", [&b"{"[..], &key("learner"), b"{"].concat()),
    ];
    for (case, bytes) in cases {
        refused(folder.path(), "xgboost", case, &bytes);
    }
}

#[test]
fn packed_files_that_swell_are_refused_soon() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let blank = vec![b' '; 1 << 20];
    (0..128).for_each(|_| packer.write_all(&blank).unwrap());
    let packed = packer.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for format in ["xgboost", "lightgbm", "sklearn", "rule-ensemble"] {
        refused(folder.path(), format, "128 MiB of blanks", &packed);
    }
}

#[test]
fn other_models_that_lie_are_refused_soon() {
    let folder = tempfile::tempdir().unwrap();
    let head = |features: &str| {
        format!(
            "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx={features}\n\
             objective=binary sigmoid:1\nfeature_names=x\n\n"
        )
    };
    let leaf = |tree: usize| format!("Tree={tree}\nnum_leaves=1\nleaf_value=1\n\n");
    let trees: String = (0..1_000_000).map(leaf).collect();
    let end = "end of trees\n";
    let split =
        "Tree=0\nnum_leaves=2\nsplit_feature=0\nthreshold=1\ndecision_type=0\nleaf_value=0 1\n";
    let nested = "{\"left_child\":".repeat(1_000_000);
    for (case, text) in [
        ("10^6 trees", format!("{}{trees}{end}", head("0"))),
        ("10^9 features", format!("{}{}{end}", head("999999999"), leaf(0))),
        ("a cycle", format!("{}{split}left_child=0\nright_child=-1\n{end}", head("0"))),
        ("10^9 leaves", format!("{}Tree=0\nnum_leaves=1000000000\n{end}", head("0"))),
        ("a cut file", format!("{}{}", head("0"), leaf(0))),
        ("a deep dump", nested),
    ] {
        refused(folder.path(), "lightgbm", case, text.as_bytes());
    }
    let dump = |features: &str, trees: &str| {
        format!(
            r#"{{"format":"sklearn-trees/1","model":"RandomForestClassifier","classes":2,
"features":[{features}],"trees":[{trees}]}}"#
        )
    };
    let leaf = r#"{"left":[-1],"right":[-1],"feature":[-2],"threshold":[-2],"value":[[0.5,0.5]]}"#;
    let cycle = r#"{"left":[0],"right":[0],"feature":[0],"threshold":[1],"value":[[0.5,0.5]]}"#;
    for (case, text) in [
        ("10^5 trees", dump("\"x\"", &repeated(leaf, 100_000))),
        ("10^5 features", dump(&repeated("\"x\"", 100_000), leaf)),
        ("a cycle", dump("\"x\"", cycle)),
        ("an infinite threshold", dump("\"x\"", &cycle.replace("[1]", "[1e999]"))),
        ("10^9 classes", dump("\"x\"", leaf).replace(":2,", ":1000000000,")),
    ] {
        refused(folder.path(), "sklearn", case, text.as_bytes());
    }
    let rules = |rules: &str| {
        format!(
            r#"{{"format":"rule-ensemble-v1","features":["x"],"integer_features":[],"bias":0,
"link":"sigmoid","decision":"score >= 0 is class 1","rules":[{rules}]}}"#
        )
    };
    let atom = r#"{"feature":0,"op":"<","threshold":1}"#;
    for (case, text) in [
        ("10^5 rules", rules(&repeated(r#"{"value":1,"atoms":[]}"#, 100_000))),
        ("10^5 atoms", rules(&format!(r#"{{"value":1,"atoms":[{}]}}"#, repeated(atom, 100_000)))),
        ("no such feature", rules(r#"{"value":1,"atoms":[{"feature":9,"op":"<","threshold":1}]}"#)),
    ] {
        refused(folder.path(), "rule-ensemble", case, text.as_bytes());
    }
}
