//! Certificate files: `certificate/1`, JSON Lines.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{Digest, LimitError, Object, Part, check_json, object, optional_object};
use crate::spec::{Integers, Semantics};

use crate::certificate::proof::{MOST_WITNESSES, Shift};
use crate::certificate::{CaseRule, Cases, Hint, LeafHint, Proof, Rejection, SplitTree, Totals};

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// `certificate/1`.
    pub schema: String,
    /// Name and version of the writer; the check ignores it.
    pub tool: String,
    /// Digest of the model file.
    pub model: Digest,
    /// Digest of the spec file.
    pub spec: Digest,
    /// Digest of the data, where rows are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Digest>,
    /// The part whose rows are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The step between rows of the part, from its first; absent for 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// Number of its first rows, at that step, that are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Must equal the effective semantics.
    pub semantics: Semantics,
    /// Must equal the spec's.
    pub integers: Integers,
    /// Budget of the search; the check ignores it.
    #[serde(deserialize_with = "object")]
    pub budget: Budget,
    /// Digest of the defense file, if the claim is about the defended model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defense: Option<Digest>,
}

/// The budget of a search per obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Most nodes of a split tree.
    pub nodes: u64,
    /// Seed of the attacks.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(seed: &u64) -> bool {
    *seed == 0
}

/// A line between header and totals.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Index of the obligation.
    pub at: usize,
    /// The proof offered for it.
    pub proof: Proof,
}

/// A line, a part of one, or the totals.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// About one obligation.
    Line(Line),
    /// A part of the tree of a `split` line that is too long for one; see [`crate::certificate::Assembler`].
    Piece(Piece),
    /// The end.
    Totals(Totals),
}

/// A part of a `split` line.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Index of the obligation.
    pub at: usize,
    /// Number of the part, from 0.
    pub number: usize,
    /// Number of all parts.
    pub of: usize,
    /// Whole tokens of the tree, with single spaces between them.
    pub tree: String,
    /// The next hints of the leaves.
    pub hints: Vec<LeafHint>,
}

/// The error for a line that is no line of a certificate.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Not the JSON of a certificate line.
    #[error("not a certificate line: {0}")]
    Json(#[from] serde_json::Error),
    /// Another schema.
    #[error("schema is `{0}`, this version checks `certificate/1`")]
    Schema(String),
    /// An unknown rule.
    #[error("rule `{0}` is unknown")]
    Rule(String),
    /// A key that does not belong to the rule.
    #[error("rule `{rule}` does not take `{key}`")]
    Key {
        /// The rule.
        rule: String,
        /// The key.
        key: &'static str,
    },
    /// A key that the rule needs.
    #[error("rule `{rule}` needs `{key}`")]
    Missing {
        /// The rule.
        rule: String,
        /// The key.
        key: &'static str,
    },
    /// A part that does not continue the part before it.
    #[error("piece {number} of {of} of obligation {at}: expected {expected}")]
    Piece {
        /// The obligation.
        at: usize,
        /// Number of the part.
        number: usize,
        /// Number of all parts.
        of: usize,
        /// The part expected here.
        expected: String,
    },
    /// A proof that does not parse.
    #[error(transparent)]
    Proof(#[from] Rejection),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineFile {
    at: Option<usize>,
    rule: Option<String>,
    piece: Option<(usize, usize)>,
    tree: Option<String>,
    #[serde(default, deserialize_with = "distinct")]
    trees: Option<BTreeMap<usize, String>>,
    hints: Option<Vec<LeafHint>>,
    points: Option<Vec<Vec<String>>>,
    shifts: Option<Vec<Vec<Shift>>>,
    witnesses: Option<Vec<(usize, usize)>>,
    #[serde(default, deserialize_with = "optional_object")]
    totals: Option<Totals>,
}

/// Reads a map and refuses a key that occurs twice, or that is not a plain number.
fn distinct<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<usize, String>>, D::Error> {
    struct Distinct;
    impl<'de> Visitor<'de> for Distinct {
        type Value = BTreeMap<usize, String>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a map from indexes to trees")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut trees = BTreeMap::new();
            while let Some((key, tree)) = map.next_entry::<String, String>()? {
                let index = key.parse().ok().filter(|index: &usize| index.to_string() == key);
                let index = index.ok_or_else(|| A::Error::custom("a tree index is a number"))?;
                if trees.insert(index, tree).is_some() {
                    return Err(A::Error::custom("a tree index occurs twice"));
                }
            }
            Ok(trees)
        }
    }
    deserializer.deserialize_map(Distinct).map(Some)
}

impl Header {
    /// Reads the first line.
    pub fn parse(line: &[u8]) -> Result<Self, FormatError> {
        check_json(line)?;
        let Object(header): Object<Self> = serde_json::from_slice(line)?;
        if header.schema != "certificate/1" {
            return Err(FormatError::Schema(header.schema));
        }
        Ok(header)
    }
}

/// A case distinction with the keys that its rule takes.
fn cases(rule: CaseRule, name: &str, file: &mut LineFile) -> Result<Cases, FormatError> {
    let (mut trees, mut hints) = (BTreeMap::new(), Vec::new());
    match rule {
        CaseRule::Split => {
            let missing = || FormatError::Missing { rule: name.to_owned(), key: "tree" };
            trees.insert(0, SplitTree::parse(&file.tree.take().ok_or_else(missing)?)?);
            hints = file.hints.take().unwrap_or_default();
        }
        CaseRule::Linear => {
            let plain = plain_hints(file.hints.take().unwrap_or_default(), name)?;
            hints.extend((!plain.is_empty()).then_some(LeafHint::PerRow(plain)));
        }
        CaseRule::Jumps | CaseRule::TreePairs => {
            for (index, text) in file.trees.take().unwrap_or_default() {
                trees.insert(index, SplitTree::parse(&text)?);
            }
        }
        CaseRule::Interval | CaseRule::Jacobian | CaseRule::Fuzz | CaseRule::Difference => {}
    }
    Ok(Cases { rule, trees, hints })
}

/// The hints of a rule without a tree: one for all rows, or one per row.
fn plain_hints(hints: Vec<LeafHint>, rule: &str) -> Result<Vec<Hint>, FormatError> {
    let plain = |hint| match hint {
        LeafHint::Shared(hint) => Ok(hint),
        LeafHint::PerRow(_) => {
            Err(FormatError::Key { rule: rule.to_owned(), key: "hints of a leaf" })
        }
    };
    hints.into_iter().map(plain).collect()
}

impl Entry {
    /// Reads a line after the first.
    pub fn parse(line: &[u8]) -> Result<Self, FormatError> {
        check_json(line)?;
        let Object(mut file): Object<LineFile> = serde_json::from_slice(line)?;
        let rule = file.rule.take();
        if let (Some(totals), None, None) = (file.totals, &rule, file.at) {
            file.totals = None;
            return nothing_left(&file, "totals").map(|()| Self::Totals(totals));
        }
        let rule = rule.ok_or(FormatError::Missing { rule: String::new(), key: "rule" })?;
        let missing = |key| FormatError::Missing { rule: rule.clone(), key };
        let at = file.at.take().ok_or(missing("at"))?;
        if let (Some((number, of)), "split") = (file.piece, rule.as_str()) {
            file.piece = None;
            let tree = file.tree.take().ok_or(missing("tree"))?;
            let hints = file.hints.take().unwrap_or_default();
            nothing_left(&file, &rule)?;
            return Ok(Self::Piece(Piece { at, number, of, tree, hints }));
        }
        let proof = match rule.as_str() {
            "none" => Proof::None,
            "range" => Proof::Range,
            "tree-dual" => Proof::TreeDual { shifts: file.shifts.take().ok_or(missing("shifts"))? },
            "all-pairs" => Proof::AllPairs {
                witnesses: limited(file.witnesses.take().ok_or(missing("witnesses"))?)?,
            },
            "counterexample" => {
                Proof::Counterexample { points: file.points.take().ok_or(missing("points"))? }
            }
            name => match CaseRule::named(name) {
                Some(rule) => Proof::Cases(cases(rule, name, &mut file)?),
                None => return Err(FormatError::Rule(rule)),
            },
        };
        nothing_left(&file, &rule)?;
        Ok(Self::Line(Line { at, proof }))
    }
}

fn limited(witnesses: Vec<(usize, usize)>) -> Result<Vec<(usize, usize)>, FormatError> {
    let (found, limit) = (witnesses.len() as u64, MOST_WITNESSES as u64);
    if found > limit {
        return Err(LimitError { what: "witnesses", found, limit }.into());
    }
    Ok(witnesses)
}

/// Refuses keys that the rule has not taken.
fn nothing_left(file: &LineFile, rule: &str) -> Result<(), FormatError> {
    let keys = [
        ("piece", file.piece.is_some()),
        ("tree", file.tree.is_some()),
        ("trees", file.trees.is_some()),
        ("hints", file.hints.is_some()),
        ("points", file.points.is_some()),
        ("shifts", file.shifts.is_some()),
        ("witnesses", file.witnesses.is_some()),
        ("totals", file.totals.is_some()),
    ];
    match keys.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(FormatError::Key { rule: rule.to_owned(), key }),
        None => Ok(()),
    }
}
