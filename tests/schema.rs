//! `certificates/certificate.schema.json`, generated: what each line of a certificate looks like.
//!
//! The types below say again, one variant a rule, what `certificate/file/format.rs` reads; a test reads every
//! committed certificate as both, so that neither can drift.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;

/// A line of a certificate: the first is a header, the last the totals, the others are obligations
/// in ascending order.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "read for its shape")]
enum AnyLine {
    Header(Header),
    Totals(TotalsLine),
    Obligation(Obligation),
}

/// Line 1.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct Header {
    /// `certificate/1`.
    schema: String,
    /// Name and version of the writer; means nothing.
    tool: String,
    /// BLAKE3 of the model file.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    model: String,
    /// BLAKE3 of the spec file.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    spec: String,
    /// BLAKE3 of the data, where rows are used.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    data: Option<String>,
    /// The part whose first rows are meant.
    part: Option<Part>,
    /// Every which of its rows, from its first; 1 if absent.
    #[schemars(range(min = 2))]
    every: Option<u64>,
    /// How many of these.
    rows: Option<u64>,
    semantics: Semantics,
    integers: Integers,
    /// What the search was allowed; means nothing.
    budget: Budget,
    /// BLAKE3 of the defense file, if the claims are about the defended model.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    defense: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Part {
    Train,
    Validation,
    Test,
    Auxiliary,
    Served,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Semantics {
    Real,
    #[serde(rename = "served-f32")]
    ServedF32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Integers {
    Respect,
    Relax,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct Budget {
    nodes: u64,
    seed: Option<u64>,
}

/// The last line.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct TotalsLine {
    totals: Totals,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct Totals {
    proved: u64,
    refuted: u64,
    undecided: u64,
    vacuous: u64,
    invalid: u64,
}

/// What is offered for one obligation.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
enum Obligation {
    /// Nothing; counts as undecided, or invalid.
    None { at: u64 },
    /// Forward interval bounds; on an ensemble, the box of reachable leaves.
    Interval { at: u64 },
    /// Backward linear bounds.
    Linear { at: u64, hints: Option<Vec<Hint>> },
    /// Signs of the gradient interval.
    Jacobian { at: u64 },
    /// A case distinction: cuts and leaves in preorder, or a part `[k, n]` of a long one.
    Split { at: u64, piece: Option<(u64, u64)>, tree: String, hints: Option<Vec<LeafHint>> },
    /// One case distinction per counted threshold; absent: a single leaf `I`.
    Jumps { at: u64, trees: Option<BTreeMap<String, String>> },
    /// Weak duality on the leaves of an ensemble: tree, feature, cut, units of 2^-20; a list per margin row.
    TreeDual { at: u64, shifts: Vec<Vec<(u64, u64, u64, i64)>> },
    /// Pairs of leaves that two points reach, one case distinction per question; absent: a single leaf `T`.
    TreePairs { at: u64, trees: Option<BTreeMap<String, String>> },
    /// The cheap rules of the boundary property.
    Fuzz { at: u64 },
    /// The answers over two boxes are close, measured by the distance of the boxes.
    Range { at: u64 },
    /// The linear rule on the change between two close points.
    Difference { at: u64 },
    /// All pairs of rows; the witnesses violate the claim.
    AllPairs { at: u64, witnesses: Vec<(u64, u64)> },
    /// Points (raw feature values, hexadecimal floats or exact decimals) that violate the claim.
    Counterexample { at: u64, points: Vec<Vec<String>> },
}

/// Numbers that may tighten a bound and cannot make it false.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape")]
struct Hint {
    /// Lower slopes of unstable neurons: layer, neuron, value.
    #[serde(default)]
    slopes: Vec<(u64, u64, f64)>,
    /// Multipliers of the signs of a case: layer, neuron, value.
    #[serde(default)]
    split: Vec<(u64, u64, f64)>,
    /// How much each row of an unsafe block counts.
    #[serde(default)]
    weights: Vec<f64>,
    /// Multipliers of the conditions between inputs: condition, value.
    #[serde(default)]
    conditions: Vec<(u64, f64)>,
}

/// What a leaf names by number.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "read for its shape")]
enum LeafHint {
    /// One for all rows.
    Shared(Hint),
    /// One per row.
    PerRow(Vec<Hint>),
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("certificates")
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<AnyLine>();
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = folder().join("certificate.schema.json");
    if std::env::var_os("RENEW_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "renew it: RENEW_SCHEMA=1 cargo test --test schema");
}

/// A rule that the kernel reads and the schema does not have, or the other way round.
#[test]
fn the_schema_has_every_rule_and_no_other() {
    let text = std::fs::read_to_string(folder().join("certificate.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut rules = Vec::new();
    let mut open = vec![&schema];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(map) => {
                let rule = map.get("rule").and_then(|rule| rule.get("const"));
                rules.extend(rule.and_then(|rule| rule.as_str()));
                open.extend(map.values());
            }
            serde_json::Value::Array(all) => open.extend(all),
            _ => {}
        }
    }
    rules.sort_unstable();
    let mut expected = propcert::certificate::Proof::RULES;
    expected.sort_unstable();
    assert_eq!(rules, expected);
}

#[test]
fn every_committed_line_has_the_shape() {
    let mut lines = 0;
    for model in std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        for file in model.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "jsonl") {
                for line in std::fs::read_to_string(&file).unwrap().lines() {
                    let read = serde_json::from_str::<AnyLine>(line);
                    assert!(read.is_ok(), "{}: {line:.200}", file.display());
                    lines += 1;
                }
            }
        }
    }
    assert!(lines > 100, "only {lines} lines were found");
}
