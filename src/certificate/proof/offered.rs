//! Proofs as a search offers them. No verdict rests on it, and the checker is built without it.

use std::collections::BTreeMap;

use super::{CaseRule, Cases, Hint, LeafHint, Proof, SplitTree, Step};

impl Proof {
    /// The names of all rules, as in files.
    pub const RULES: [&'static str; 13] = [
        "none",
        "interval",
        "linear",
        "jacobian",
        "split",
        "jumps",
        "tree-dual",
        "tree-pairs",
        "fuzz",
        "range",
        "difference",
        "all-pairs",
        "counterexample",
    ];

    /// Rule `interval`.
    pub fn interval() -> Self {
        CaseRule::Interval.into()
    }

    /// Rule `linear` with hints: one per margin row, or one for all; none: default slopes.
    pub fn linear(hints: Vec<Hint>) -> Self {
        let hints = if hints.is_empty() { Vec::new() } else { vec![LeafHint::PerRow(hints)] };
        Self::Cases(Cases { hints, ..CaseRule::Linear.into() })
    }

    /// Rule `jacobian`.
    pub fn jacobian() -> Self {
        CaseRule::Jacobian.into()
    }

    /// Rule `fuzz`.
    pub fn fuzz() -> Self {
        CaseRule::Fuzz.into()
    }

    /// Rule `difference`.
    pub fn difference() -> Self {
        CaseRule::Difference.into()
    }

    /// Rule `split`, with the hints of its leaves.
    pub fn split(tree: SplitTree, hints: Vec<LeafHint>) -> Self {
        let trees = BTreeMap::from([(0, tree)]);
        Self::Cases(Cases { rule: CaseRule::Split, trees, hints })
    }

    /// Rule `jumps`, with trees by threshold.
    pub fn jumps(trees: BTreeMap<usize, SplitTree>) -> Self {
        Self::Cases(Cases { trees, ..CaseRule::Jumps.into() })
    }

    /// Rule `tree-pairs`, with trees by question.
    pub fn tree_pairs(trees: BTreeMap<usize, SplitTree>) -> Self {
        Self::Cases(Cases { trees, ..CaseRule::TreePairs.into() })
    }

    /// The tree and the hints of rule `split`; `None` for other rules.
    pub fn as_split(&self) -> Option<(&SplitTree, &[LeafHint])> {
        match self {
            Self::Cases(Cases { rule: CaseRule::Split, trees, hints }) => {
                trees.get(&0).map(|tree| (tree, hints.as_slice()))
            }
            Self::Cases(_) | Self::None | Self::TreeDual { .. } | Self::Range => None,
            Self::AllPairs { .. } | Self::Counterexample { .. } => None,
        }
    }
}

/// The rule with single cases, and without hints.
impl From<CaseRule> for Cases {
    fn from(rule: CaseRule) -> Self {
        Self { rule, trees: BTreeMap::new(), hints: Vec::new() }
    }
}

impl From<CaseRule> for Proof {
    fn from(rule: CaseRule) -> Self {
        Self::Cases(rule.into())
    }
}

impl SplitTree {
    /// A tree from its steps; `None` unless every cut and sum has two subtrees and nothing is left over.
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let mut missing = 1usize;
        for step in &steps {
            missing = missing.checked_sub(1)? + if step.is_inner() { 2 } else { 0 };
        }
        (missing == 0).then_some(Self { steps })
    }
}
