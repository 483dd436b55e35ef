//! The layout of both formats.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_FEATURES, MAX_NODES, MAX_TREE_DEPTH, MAX_TREES, Stated};
use crate::interval::Decimal;
use crate::model::{Model, Schema, Tie, Tree};

use super::{RulesHead, TreePlace, grow};

/// A file of either format; the formats differ in having rules or trees.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnsembleFile<'a> {
    format: String,
    #[serde(rename = "name", default)]
    _name: IgnoredAny,
    features: Bounded<String, MAX_FEATURES>,
    integer_features: Bounded<u64, MAX_FEATURES>,
    #[serde(borrow)]
    lower_bounds: Option<Bounded<&'a RawValue, MAX_FEATURES>>,
    #[serde(borrow)]
    upper_bounds: Option<Bounded<&'a RawValue, MAX_FEATURES>>,
    bias: f64,
    link: String,
    decision: String,
    rules: Option<Bounded<Rule, MAX_TREES>>,
    trees: Option<Bounded<RuleTreeFile, MAX_TREES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(rename = "id", default)]
    _id: IgnoredAny,
    value: f64,
    atoms: Bounded<Comparison, MAX_TREE_DEPTH>,
}

/// The comparison `x[feature] op threshold`; the keys `raw_*` say where the threshold comes from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comparison {
    feature: i64,
    op: Op,
    threshold: f64,
    int_cut: Option<i64>,
    int_below: Option<bool>,
    #[serde(rename = "raw_op", default)]
    _raw_op: IgnoredAny,
    #[serde(rename = "raw_weight", default)]
    _raw_weight: IgnoredAny,
    #[serde(rename = "raw_eta", default)]
    _raw_eta: IgnoredAny,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Op {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTreeFile {
    nodes: Bounded<RuleNodeFile, MAX_NODES>,
}

/// A leaf has `leaf`, an inner node the other four.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleNodeFile {
    feature: Option<i64>,
    threshold: Option<f64>,
    left: Option<i64>,
    right: Option<i64>,
    leaf: Option<f64>,
}

impl EnsembleFile<'_> {
    /// The model. Its schema is the file's, unless another is given.
    pub(super) fn into_model(mut self, given: Option<&Schema>) -> Result<Model, ImportError> {
        let (rules, trees) = (self.rules.take(), self.trees.take());
        let format = std::mem::take(&mut self.format);
        let head = self.into_head()?;
        let trees = match (format.as_str(), rules, trees) {
            ("rule-ensemble-v1", Some(rules), None) => {
                let chain = |(index, rule): (usize, Rule)| rule.into_tree(index, &head.is_integer);
                rules.all("rules")?.into_iter().enumerate().map(chain).collect::<Result<_, _>>()?
            }
            ("tree-ensemble-v1", None, Some(trees)) => {
                let features = head.names.len();
                let grow = |(tree, file): (usize, RuleTreeFile)| {
                    file.into_tree(TreePlace { tree, features })
                };
                trees.all("trees")?.into_iter().enumerate().map(grow).collect::<Result<_, _>>()?
            }
            _ => {
                return Err(ImportError::Unsupported {
                    what: format!("format `{format:.60}`"),
                    expected: "`rule-ensemble-v1` with `rules` and `tree-ensemble-v1` with `trees` \
                               are read",
                });
            }
        };
        head.into_model(trees, given)
    }

    /// Refuses by name a score or decision of another kind, and expands lists to one entry per feature.
    fn into_head(self) -> Result<RulesHead, ImportError> {
        if self.link != "sigmoid" {
            let what = format!("link `{:.60}`", self.link);
            return Err(ImportError::Unsupported { what, expected: "`sigmoid` is read" });
        }
        let tie = match self.decision.as_str() {
            "score >= 0 is class 1" => Tie::Upper,
            "score > 0 is class 1" => Tie::Lower,
            other => {
                let what = format!("decision `{other:.60}`");
                let expected = "`score >= 0 is class 1` and `score > 0 is class 1` are read";
                return Err(ImportError::Unsupported { what, expected });
            }
        };
        let names = self.features.all("features")?;
        let mut is_integer = vec![false; names.len()];
        for index in self.integer_features.all("entries of integer_features")? {
            let entry = usize::try_from(index).ok().and_then(|index| is_integer.get_mut(index));
            let refused = || ImportError::Stated {
                place: "integer_features".to_owned(),
                found: index.to_string(),
                expected: "indexes of features",
            };
            *entry.ok_or_else(refused)? = true;
        }
        let low = bounds("lower_bounds", self.lower_bounds, names.len())?;
        let high = bounds("upper_bounds", self.upper_bounds, names.len())?;
        let ranges = low.into_iter().zip(high).map(|(low, high)| [low, high]).collect();
        Ok(RulesHead { names, is_integer, ranges, bias: self.bias, tie })
    }
}

impl RuleTreeFile {
    fn into_tree(self, place: TreePlace) -> Result<Tree, ImportError> {
        let nodes = self.nodes.all("nodes of a tree")?.into_iter().enumerate();
        let stated = nodes.map(|(node, file)| file.stated(place.tree, node));
        let stated = stated.collect::<Result<Vec<_>, _>>()?;
        Ok(Tree { output: 0, nodes: grow(&stated, place)? })
    }
}

/// The ends of ranges; `null` or a missing list means no end.
fn bounds(
    key: &'static str,
    list: Option<Bounded<&RawValue, MAX_FEATURES>>,
    features: usize,
) -> Result<Vec<Option<Decimal>>, ImportError> {
    let Some(list) = list else { return Ok(vec![None; features]) };
    let list = list.all("bounds of features")?;
    if list.len() != features {
        let (place, found) = (key.to_owned(), list.len());
        return Err(ImportError::Length { place, found, expected: features });
    }
    let end = |text: &&RawValue| match text.get() {
        "null" => Ok(None),
        text => text.parse().map(Some).map_err(|_| ImportError::Stated {
            place: key.to_owned(),
            found: text.to_owned(),
            expected: "a decimal or null",
        }),
    };
    list.iter().map(end).collect()
}

impl Rule {
    /// A tree of one path. Atom k is node 2k; a leaf of 0 and the rest of the path follow it.
    fn into_tree(self, index: usize, is_integer: &[bool]) -> Result<Tree, ImportError> {
        let atoms = self.atoms.all("atoms of a rule")?;
        let mut stated = Vec::with_capacity(2 * atoms.len() + 1);
        for (number, atom) in atoms.iter().enumerate() {
            let (threshold, is_below) = atom.cut(is_integer).map_err(|(found, expected)| {
                let place = format!("rule {index}, atom {number}");
                ImportError::Stated { place, found, expected }
            })?;
            let (off, on) = (2 * number as i64 + 1, 2 * number as i64 + 2);
            let (left, right) = if is_below { (on, off) } else { (off, on) };
            let (feature, default_left) = (atom.feature, false);
            stated.push(Stated::Split { feature, threshold, left, right, default_left });
            stated.push(Stated::Leaf(0.0));
        }
        stated.push(Stated::Leaf(self.value));
        let nodes = grow(&stated, TreePlace { tree: index, features: is_integer.len() })?;
        Ok(Tree { output: 0, nodes })
    }
}

/// Whole numbers up to this one are floats.
const LARGEST_CUT: i64 = 1 << 53;

impl Comparison {
    /// The atom as a threshold with true for `x < t` and false for `x ≥ t`, for every real value; as an error, the
    /// text found and the text expected.
    fn cut(&self, is_integer: &[bool]) -> Result<(f64, bool), (String, &'static str)> {
        let is_below = matches!(self.op, Op::Less | Op::LessOrEqual);
        let is_shifted = matches!(self.op, Op::LessOrEqual | Op::Greater);
        let index = usize::try_from(self.feature).ok();
        if index.and_then(|index| is_integer.get(index)).is_some_and(|&is| is) {
            self.expect_cut(is_below, is_shifted)?;
        }
        Ok((if is_shifted { self.threshold.next_up() } else { self.threshold }, is_below))
    }

    /// Refuses a stated cut of whole numbers that is another than the threshold's.
    fn expect_cut(&self, is_below: bool, is_shifted: bool) -> Result<(), (String, &'static str)> {
        // over whole numbers: x ≤ t iff x < ⌊t⌋ + 1, x < t iff x < ⌈t⌉
        let whole = if is_shifted { self.threshold.floor() + 1.0 } else { self.threshold.ceil() };
        let is_cut =
            |cut: i64| cut.unsigned_abs() <= LARGEST_CUT.unsigned_abs() && cut as f64 == whole;
        if self.int_cut.is_none_or(is_cut) && self.int_below.is_none_or(|below| below == is_below) {
            return Ok(());
        }
        let found = format!("int_cut {:?}, int_below {:?}", self.int_cut, self.int_below);
        Err((found, "the cut of whole numbers that op and threshold make"))
    }
}

impl RuleNodeFile {
    fn stated(self, tree: usize, node: usize) -> Result<Stated, ImportError> {
        match self {
            Self { leaf: Some(value), feature: None, threshold: None, left: None, right: None } => {
                Ok(Stated::Leaf(value))
            }
            Self {
                leaf: None,
                feature: Some(feature),
                threshold: Some(threshold),
                left: Some(left),
                right: Some(right),
            } => Ok(Stated::Split { feature, threshold, left, right, default_left: false }),
            _ => Err(ImportError::Stated {
                place: format!("tree {tree}, node {node}"),
                found: "another set of keys".to_owned(),
                expected: "`leaf` alone, or `feature`, `threshold`, `left` and `right`",
            }),
        }
    }
}
