//! The answers of the kernel.

mod totals;

pub use totals::Totals;

use crate::spec::Obligation;

use crate::certificate::Proof;

/// The kernel's answer to one obligation and one proof.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// True of the model.
    Proved(Proved),
    /// False of the model.
    Refuted(Refuted),
    /// Neither was shown.
    Undecided(Bounds),
    /// The row is no member of the domain: nothing is claimed.
    Invalid,
    /// A claim about all pairs of rows: the numbers of pairs by outcome.
    Counted(Totals),
}

/// An obligation that holds; made by the kernel only.
#[derive(Clone, Debug)]
pub struct Proved {
    obligation: Obligation,
    rule: &'static str,
}

/// An obligation that fails; made by the kernel only.
#[derive(Clone, Debug)]
pub struct Refuted {
    obligation: Obligation,
}

impl Proved {
    pub(super) fn new(obligation: Obligation, proof: &Proof) -> Self {
        Self { obligation, rule: proof.rule() }
    }

    /// The obligation that is proved.
    pub fn obligation(&self) -> &Obligation {
        &self.obligation
    }

    /// The rule that proved it.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

impl Refuted {
    pub(super) fn new(obligation: Obligation) -> Self {
        Self { obligation }
    }

    /// The obligation that is refuted.
    pub fn obligation(&self) -> &Obligation {
        &self.obligation
    }
}

/// The bound that a proof reached, and the bound it needed: `reached > required` (or `>=`, as the claim says).
/// For a split these are the numbers of the case, or of the part of a sum, that misses by most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The best lower bound; −∞ if none.
    pub reached: f64,
    /// The bound that it had to exceed.
    pub required: f64,
}

impl Bounds {
    /// Nothing was tried, or nothing came out.
    pub const NONE: Self = Self { reached: f64::NEG_INFINITY, required: 0.0 };
}

/// The reason why an offered proof is not looked at any further. The file is then unreadable (exit 2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The rule exists but says nothing about this claim or this family.
    #[error("rule `{rule}` does not apply here: {why}")]
    Inapplicable {
        /// The rule.
        rule: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// A split tree that does not parse.
    #[error("tree: {problem} at token {token}")]
    Tree {
        /// Position of the token.
        token: usize,
        /// The problem found.
        problem: &'static str,
    },
    /// A cut outside the box it cuts.
    #[error("tree: the cut at token {token} lies outside its box")]
    CutOutside {
        /// Position of the token.
        token: usize,
    },
    /// An index that does not exist.
    #[error("{what} {index} does not exist")]
    Index {
        /// Name of the thing indexed.
        what: &'static str,
        /// The index.
        index: usize,
    },
    /// An index given twice.
    #[error("{what} {index} is given twice")]
    Twice {
        /// Name of the thing indexed.
        what: &'static str,
        /// The index.
        index: usize,
    },
    /// A count that does not fit.
    #[error("{what}: found {found}, expected {expected}")]
    Count {
        /// Name of the things counted.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Number expected.
        expected: usize,
    },
    /// A point that cannot be read.
    #[error(transparent)]
    Point(#[from] crate::model::PointError),
    /// No obligation of that index.
    #[error("there is no obligation {at}")]
    NoObligation {
        /// The index.
        at: usize,
    },
    /// The allowed work is used up.
    #[error("more work than allowed ({limit} multiply-adds); raise --max-work")]
    Work {
        /// The limit.
        limit: u64,
    },
}
