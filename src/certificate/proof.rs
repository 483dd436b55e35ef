//! Proofs: rules with hints, and the split trees they may hang on.

#[cfg(any(test, feature = "advice"))]
mod offered;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::interval::parse_hexadecimal;
use crate::model::{Object, object};

use crate::certificate::Rejection;

/// Most steps of split trees, of one line and of a whole file; each tree that a sum names counts as one.
pub(super) const MAX_STEPS: usize = 1 << 24;

/// Most witnesses of a claim about all pairs.
pub(super) const MOST_WITNESSES: usize = 1000;

/// `[tree, feature, cut, n]`.
pub type Shift = (usize, usize, usize, i64);

/// The proof that a certificate gives for one obligation.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Proof {
    /// No proof.
    #[default]
    None,
    /// A case distinction, of one case or of many.
    Cases(Cases),
    /// Weak duality on the leaves of an ensemble.
    TreeDual {
        /// One list of shifts per margin row.
        shifts: Vec<Vec<Shift>>,
    },
    /// The ranges of the answers over two boxes are close, measured by the distance of the boxes.
    Range,
    /// Every pair of rows, decided by the kernel.
    AllPairs {
        /// Some pairs of row indices that violate the claim.
        witnesses: Vec<(usize, usize)>,
    },
    /// Points that violate the claim.
    Counterexample {
        /// Raw feature values as text.
        points: Vec<Vec<String>>,
    },
}

/// A case distinction: a tree for each question of a claim. A question without one is a single case, closed by the leaf of
/// the rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Cases {
    /// The rule that files name.
    pub rule: CaseRule,
    /// The trees, by index of the question: of `jumps` the threshold, of `tree-pairs` the shift of a boundary
    /// property, else 0.
    pub trees: BTreeMap<usize, SplitTree>,
    /// Hints of the leaves, by number; a single case takes the first.
    pub hints: Vec<LeafHint>,
}

/// The rules of files that are case distinctions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseRule {
    /// Forward bounds decide; on an ensemble, the box of reachable leaves.
    Interval,
    /// Backward linear bounds.
    Linear,
    /// The gradient interval has the sign.
    Jacobian,
    /// Cheap rules of the boundary property.
    Fuzz,
    /// The linear rule on the change between two close points, over the whole domain; in a split it closes
    /// leaves `L`.
    Difference,
    /// A tree that is written out, with leaves of any kind.
    Split,
    /// The thresholds of a feature of an ensemble.
    Jumps,
    /// Pairs of leaves that the two points of a claim reach in an ensemble.
    TreePairs,
}

impl CaseRule {
    const ALL: [(&'static str, Self, Leaf); 8] = [
        ("interval", Self::Interval, Leaf::Interval),
        ("linear", Self::Linear, Leaf::Linear),
        ("jacobian", Self::Jacobian, Leaf::Jacobian),
        ("fuzz", Self::Fuzz, Leaf::Fuzz),
        ("difference", Self::Difference, Leaf::Linear),
        ("split", Self::Split, Leaf::Interval),
        ("jumps", Self::Jumps, Leaf::Interval),
        ("tree-pairs", Self::TreePairs, Leaf::Pairs),
    ];

    /// The rule of that name in files.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, ..)| *known == name).map(|(_, rule, _)| rule)
    }

    /// The name in files, and the leaf of a question without a tree.
    fn row(self) -> (&'static str, Leaf) {
        let row = Self::ALL.into_iter().find(|(_, rule, _)| *rule == self);
        row.map_or(("split", Leaf::Interval), |(name, _, leaf)| (name, leaf))
    }
}

impl Cases {
    /// The tree of a question.
    pub(super) fn tree(&self, question: usize) -> Cow<'_, SplitTree> {
        let hint = (!self.hints.is_empty()).then_some(0);
        let leaf = || Step::Leaf { leaf: self.rule.row().1, refresh: None, hint };
        match self.trees.get(&question) {
            Some(tree) => Cow::Borrowed(tree),
            None => Cow::Owned(SplitTree { steps: vec![leaf()] }),
        }
    }

    /// Refuses the tree of a question that is not among the first `count`.
    pub(super) fn expect_questions(
        &self,
        count: usize,
        what: &'static str,
    ) -> Result<(), Rejection> {
        match self.trees.range(count..).next() {
            Some((&index, _)) => Err(Rejection::Index { what, index }),
            None => Ok(()),
        }
    }

    /// True if one of the leaves is of this kind.
    pub(super) fn has_leaf(&self, kind: Leaf) -> bool {
        let is_kind = |step: &Step| matches!(step, Step::Leaf { leaf, .. } if *leaf == kind);
        match self.trees.is_empty() {
            true => self.rule.row().1 == kind,
            false => self.trees.values().flat_map(SplitTree::steps).any(is_kind),
        }
    }

    /// True if its cases are pairs of points of an ensemble.
    pub(super) fn is_of_pairs(&self) -> bool {
        self.rule == CaseRule::TreePairs
            || self.rule == CaseRule::Split && self.has_leaf(Leaf::Pairs)
    }
}

impl Proof {
    /// Number of steps of its trees, and of trees that their sums name.
    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Cases(cases) => cases.trees.values().map(SplitTree::size).sum(),
            Self::None
            | Self::TreeDual { .. }
            | Self::Range
            | Self::AllPairs { .. }
            | Self::Counterexample { .. } => 0,
        }
    }

    /// The name in files.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cases(cases) => cases.rule.row().0,
            Self::TreeDual { .. } => "tree-dual",
            Self::Range => "range",
            Self::AllPairs { .. } => "all-pairs",
            Self::Counterexample { .. } => "counterexample",
        }
    }
}

/// Numbers that may tighten a bound and cannot make it false.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Lower slopes of unstable neurons that differ from the default: `[layer, neuron, value]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slopes: Vec<(usize, usize, f64)>,
    /// Multipliers of the signs that the cases give neurons: `[layer, neuron, value]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<(usize, usize, f64)>,
    /// Weights of the rows of an unsafe block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
    /// Multipliers of the conditions between inputs: `[condition, value]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<(usize, f64)>,
}

/// The hint that a leaf names by number: one for all rows of the obligation, or one per row.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum LeafHint {
    /// For all rows.
    #[serde(deserialize_with = "object")]
    Shared(Hint),
    /// One per row, in the order of the rows.
    #[serde(deserialize_with = "objects")]
    PerRow(Vec<Hint>),
}

fn objects<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Hint>, D::Error> {
    let hints = Vec::<Object<Hint>>::deserialize(from)?;
    Ok(hints.into_iter().map(|Object(hint)| hint).collect())
}

impl LeafHint {
    /// One hint, or one per row.
    pub fn hints(&self) -> &[Hint] {
        match self {
            Self::Shared(hint) => std::slice::from_ref(hint),
            Self::PerRow(hints) => hints,
        }
    }
}

/// A binary tree of cases in preorder, low child first.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitTree {
    steps: Vec<Step>,
}

/// A node of a split tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Two cases; the next two subtrees are the low and the high one.
    Cut {
        /// The cut.
        cut: Cut,
        /// Refresh hidden bounds from this layer on, before cutting.
        refresh: Option<usize>,
    },
    /// The change of a sum of trees, in two parts. The next two subtrees are about the trees named here, and
    /// about the others, which get the rest of the bound.
    Sum {
        /// The most that the trees named here may change by.
        most: f64,
        /// Their numbers, ascending.
        trees: Vec<usize>,
    },
    /// A case closed by a rule.
    Leaf {
        /// The rule.
        leaf: Leaf,
        /// Refresh hidden bounds from this layer on.
        refresh: Option<usize>,
        /// Number of the hint.
        hint: Option<usize>,
    },
}

impl Step {
    /// True if two subtrees follow.
    pub fn is_inner(&self) -> bool {
        !matches!(self, Self::Leaf { .. })
    }

    /// Its count towards the limit of steps: it takes room for each tree that it names.
    fn size(&self) -> usize {
        match self {
            Self::Sum { trees, .. } => 1 + trees.len(),
            Self::Cut { .. } | Self::Leaf { .. } => 1,
        }
    }

    /// The layer from which on hidden bounds are refreshed.
    pub(super) fn refresh(&self) -> Option<usize> {
        match self {
            Self::Cut { refresh, .. } | Self::Leaf { refresh, .. } => *refresh,
            Self::Sum { .. } => None,
        }
    }
}

/// A case distinction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// `z_feature <= at` and `z_feature >= at` (standardised), for networks.
    Input {
        /// Index of the copy of the network's input, 0 or 1.
        copy: usize,
        /// The feature.
        feature: usize,
        /// The standardised value.
        at: f64,
    },
    /// A pre-activation `<= 0` and `>= 0`, for networks.
    Relu {
        /// Index of the copy of the network, 0 or 1.
        copy: usize,
        /// The hidden layer.
        layer: usize,
        /// The neuron.
        neuron: usize,
    },
    /// Cells up to `number`, and from `number + 1` on, for ensembles.
    Cell {
        /// Index of the point, 0 or 1.
        copy: usize,
        /// The feature.
        feature: usize,
        /// The threshold number.
        number: usize,
    },
}

/// The rule that closes a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// `I`: interval rule, or box of leaves.
    Interval,
    /// `L`: linear rule (or the interval rule, if better).
    Linear,
    /// `J`: Jacobian rule.
    Jacobian,
    /// `F`: the cheap rules of the boundary property.
    Fuzz,
    /// `T`: pairs of leaves that two points reach.
    Pairs,
}

impl SplitTree {
    /// The steps in preorder.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Number of steps, and of trees that sums name.
    pub(super) fn size(&self) -> usize {
        self.steps.iter().map(Step::size).sum()
    }

    /// Reads the text of a tree: tokens with single spaces between them.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let mut steps = Vec::new();
        let (mut missing, mut size) = (1usize, 0usize);
        for (token, word) in text.split(' ').enumerate() {
            let problem = |problem| Rejection::Tree { token, problem };
            if missing == 0 {
                return Err(problem("the tree is complete before"));
            }
            let step = parse_step(word).map_err(problem)?;
            size = size.saturating_add(step.size());
            if size > MAX_STEPS {
                return Err(problem("too many nodes"));
            }
            missing = missing - 1 + if step.is_inner() { 2 } else { 0 };
            steps.push(step);
        }
        if missing == 0 {
            Ok(Self { steps })
        } else {
            Err(Rejection::Tree { token: steps.len(), problem: "the tree ends too early" })
        }
    }
}

fn parse_step(word: &str) -> Result<Step, &'static str> {
    let (word, hint) = match word.split_once('#') {
        Some((word, number)) => (word, Some(index(number).ok_or("a bad hint number")?)),
        None => (word, None),
    };
    let (word, refresh) = match word.split_once('!') {
        Some((word, layer)) => (word, Some(index(layer).ok_or("a bad layer number")?)),
        None => (word, None),
    };
    let leaf = match word {
        "I" => Some(Leaf::Interval),
        "L" => Some(Leaf::Linear),
        "J" => Some(Leaf::Jacobian),
        "F" => Some(Leaf::Fuzz),
        "T" => Some(Leaf::Pairs),
        "R" | "U" => return Err("a leaf rule that this version does not check"),
        _ => None,
    };
    if let Some(leaf) = leaf {
        return Ok(Step::Leaf { leaf, refresh, hint });
    }
    if hint.is_some() {
        return Err("a hint on what is no leaf");
    }
    if let (Some(sum), None) = (word.strip_prefix('s'), refresh) {
        return parse_sum(sum);
    }
    parse_cut(word).map(|cut| Step::Cut { cut, refresh })
}

fn parse_sum(word: &str) -> Result<Step, &'static str> {
    let (most, trees) = word.split_once(':').ok_or("a sum names a bound and trees")?;
    let most = parse_hexadecimal(most).ok_or("the bound of a sum is a hexadecimal float")?;
    let trees: Option<Vec<usize>> = trees.split('.').map(index).collect();
    let trees = trees.ok_or("a bad tree number")?;
    if !trees.is_sorted_by(|a, b| a < b) {
        return Err("the trees of a sum do not ascend");
    }
    Ok(Step::Sum { most, trees })
}

fn parse_cut(word: &str) -> Result<Cut, &'static str> {
    let (copy, word) = word.strip_prefix("1/").map_or((0, word), |rest| (1, rest));
    if let Some((feature, at)) = word.strip_prefix('i').and_then(|rest| rest.split_once(':')) {
        let feature = index(feature).ok_or("a bad feature number")?;
        let at = parse_hexadecimal(at).ok_or("a cut is a hexadecimal float")?;
        return Ok(Cut::Input { copy, feature, at });
    }
    if let Some((layer, neuron)) = word.strip_prefix('r').and_then(|rest| rest.split_once('.')) {
        let layer = index(layer).ok_or("a bad layer number")?;
        let neuron = index(neuron).ok_or("a bad neuron number")?;
        return Ok(Cut::Relu { copy, layer, neuron });
    }
    if let Some((feature, number)) = word.strip_prefix('c').and_then(|rest| rest.split_once('.')) {
        let feature = index(feature).ok_or("a bad feature number")?;
        let number = index(number).ok_or("a bad cut number")?;
        return Ok(Cut::Cell { copy, feature, number });
    }
    Err("neither a cut nor a leaf")
}

/// A plain index: digits, no sign, no leading zero.
fn index(text: &str) -> Option<usize> {
    let is_plain =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain && text.len() <= 9 { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in [
            "I",
            "c3.17 I I",
            "1/c3.17 T T",
            "i3:0x1p-2 L!1#0 1/i0:-0x1.8p1!0 J L#2",
            "r1.4!0 1/r0.0 I L L#0",
            "s0x1.8p1:0.3.12 c3.17 T T s-0x1p-1:4 T T",
        ] {
            assert_eq!(SplitTree::parse(text).unwrap().text(), text);
        }
    }

    /// A rule without a name in the list would be left out by whoever goes by it.
    #[test]
    fn every_rule_is_listed() {
        let case =
            |(_, rule, _)| Proof::Cases(Cases { rule, trees: BTreeMap::new(), hints: Vec::new() });
        let mut rules: Vec<&str> = CaseRule::ALL.map(case).iter().map(Proof::rule).collect();
        let others = [
            Proof::None,
            Proof::TreeDual { shifts: Vec::new() },
            Proof::Range,
            Proof::AllPairs { witnesses: Vec::new() },
            Proof::Counterexample { points: Vec::new() },
        ];
        for proof in &others {
            // a new rule stops here, to be added above as well
            match proof {
                Proof::None | Proof::Cases(_) | Proof::TreeDual { .. } | Proof::Range => {}
                Proof::AllPairs { .. } | Proof::Counterexample { .. } => {}
            }
        }
        rules.extend(others.iter().map(Proof::rule));
        rules.sort_unstable();
        let mut listed = Proof::RULES;
        listed.sort_unstable();
        assert_eq!(rules, listed);
    }

    /// A sum takes room for every tree that it names, so these count as well.
    #[test]
    fn trees_that_sums_name_count_as_steps() {
        let tree = SplitTree::parse("s0x1p0:0.1.2 T s0x1p0:5 T T").unwrap();
        assert_eq!((tree.steps().len(), tree.size()), (5, 5 + 3 + 1));
        let named: Vec<String> = (0..4096).map(|tree| tree.to_string()).collect();
        let sum = format!("s0x1p0:{}", named.join("."));
        let count = MAX_STEPS / 4097 + 1;
        let text = [vec![sum.as_str(); count], vec!["T"; count + 1]].concat().join(" ");
        let refused = SplitTree::parse(&text).unwrap_err();
        assert!(matches!(refused, Rejection::Tree { problem: "too many nodes", .. }), "{refused}");
    }

    #[test]
    fn malformed_trees_are_refused() {
        for text in [
            "",
            "c3.17",
            "c3.17 I",
            "I I",
            "c3.17 I I I",
            "X",
            "c3 I I",
            "i3:0.25 I I",
            "c03.1 I I",
            "I#",
            "I#-1",
            "c1.1#0 I I",
            "r1 I I",
            "r1.x I I",
            "2/c0.0 I I",
            "U",
            " I",
            "I ",
            "c1.1  I I",
            "c1.+1 I I",
            "i0:0x1p0",
            "s0x1p0 T T",
            "s0x1p0: T T",
            "s0x1p0:1.1 T T",
            "s0x1p0:2.1 T T",
            "s0x1p0:1!0 T T",
            "s0x1p0:1#0 T T",
            "s1.5:1 T T",
            "1/s0x1p0:1 T T",
            "s0x1p0:1 T",
        ] {
            assert!(SplitTree::parse(text).is_err(), "{text:?}");
        }
    }
}
