//! Gates: what figures of an audit must come to.
//!
//! ```text
//! local-invariance-0.05 = ">= 0.90 proved"     a share of obligations, decided by the kernel
//! monotonicity          = "all proved"         the directions that data or plan ask for
//! agreement-200         = "<= 0.95"            the best thief with so many queries, on held-out rows
//! ```
//!
//! Shares of obligations are compared exactly: `proved >= bound·n` in rationals.

use std::fmt;

use crate::interval::{Decimal, Rational};
use crate::report::{Counts, GateOutcome};
use crate::text::Share;

/// The demands that are taken.
pub(super) const EXPECTED: &str = "\"all proved\", \"none refuted\", \">= 0.9 proved\", \"<= 0.1 refuted\" or, of a plain \
                                   figure, \">= 0.9\" or \"<= 0.9\"";

/// A demand on one figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The name of the figure.
    pub name: String,
    /// The demand, as it stands in the plan.
    pub demand: String,
    /// Its line there.
    pub line: usize,
    bound: GateBound,
}

/// The kind of obligations that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GateCount {
    Proved,
    Refuted,
    Undecided,
}

/// The demand, understood.
#[derive(Clone, Debug, PartialEq)]
enum GateBound {
    All(GateCount),
    None(GateCount),
    Share { is_least: bool, bound: Decimal, of: GateCount },
    Plain { is_least: bool, bound: Decimal },
}

/// A figure that can be gated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GateFigure {
    /// Decisions of the kernel.
    Counts(Counts),
    /// An observed share.
    Observed(Share),
    /// A number.
    Number(f64),
}

/// The kind of a figure that can be gated, known before work starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateKind {
    /// Decisions of the kernel.
    Counts,
    /// A share.
    Share,
    /// A length, which is 0 or more.
    Length,
}

impl Gate {
    /// Reads a demand; `None` if it is none.
    pub(super) fn read(name: &str, demand: &str, line: usize) -> Option<Self> {
        let words: Vec<&str> = demand.split_whitespace().collect();
        let count = |word: &str| match word {
            "proved" => Some(GateCount::Proved),
            "refuted" => Some(GateCount::Refuted),
            "undecided" => Some(GateCount::Undecided),
            _ => None,
        };
        let side = |word: &str| match word {
            ">=" => Some(true),
            "<=" => Some(false),
            _ => None,
        };
        let bound = match words.as_slice() {
            ["all", of] => GateBound::All(count(of)?),
            ["none", of] => GateBound::None(count(of)?),
            [is_least, bound, of] => GateBound::Share {
                is_least: side(is_least)?,
                bound: bound.parse().ok()?,
                of: count(of)?,
            },
            [is_least, bound] => {
                GateBound::Plain { is_least: side(is_least)?, bound: bound.parse().ok()? }
            }
            _ => return None,
        };
        let (name, demand) = (name.to_owned(), demand.to_owned());
        Some(Self { name, demand, line, bound })
    }

    /// True if the demand can be made of a kind of figure.
    pub fn is_about(&self, kind: GateKind) -> bool {
        match self.bound {
            GateBound::All(_) | GateBound::None(_) | GateBound::Share { .. } => {
                kind == GateKind::Counts
            }
            GateBound::Plain { .. } => kind != GateKind::Counts,
        }
    }

    /// True if no figure of a kind can reach the bound, or every one does: a share outside of 0 to 1, a length
    /// below 0.
    pub fn is_impossible(&self, kind: GateKind) -> bool {
        let (GateBound::Share { bound, .. } | GateBound::Plain { bound, .. }) = &self.bound else {
            return false;
        };
        let is_above = *bound.value() > Rational::ONE && kind != GateKind::Length;
        *bound.value() < Rational::ZERO || is_above
    }

    /// The outcome for a figure; without one, for a reason if it is known, the demand is not met.
    pub fn outcome(&self, figure: Option<GateFigure>, missing: Option<&str>) -> GateOutcome {
        let passed = figure.is_some_and(|figure| self.is_met(figure));
        let none = || match missing {
            Some(reason) => format!("there is no such figure: {reason}"),
            None => "there is no such figure".to_owned(),
        };
        let found = figure.map_or_else(none, |figure| figure.to_string());
        let (name, demand) = (self.name.clone(), self.demand.clone());
        GateOutcome { name, demand, found, passed }
    }

    fn is_met(&self, figure: GateFigure) -> bool {
        match (&self.bound, figure) {
            // a claim about nothing is no claim
            (_, GateFigure::Counts(counts)) if counts.n() == 0 => false,
            (GateBound::All(of), GateFigure::Counts(counts)) => of.of(counts) == counts.n(),
            (GateBound::None(of), GateFigure::Counts(counts)) => of.of(counts) == 0,
            (GateBound::Share { is_least, bound, of }, GateFigure::Counts(counts)) => {
                let wanted = bound.value() * &whole(counts.n());
                holds(*is_least, &whole(of.of(counts)), &wanted)
            }
            (GateBound::Plain { is_least, bound }, GateFigure::Observed(share)) => {
                let wanted = bound.value() * &whole(share.of);
                share.of > 0 && holds(*is_least, &whole(share.count), &wanted)
            }
            (GateBound::Plain { is_least, bound }, GateFigure::Number(number)) => {
                // a mean of floats that is the bound but for its last bit counts as the bound
                let bound = bound.value();
                if *is_least { number >= bound.down() } else { number <= bound.up() }
            }
            (GateBound::All(_) | GateBound::None(_) | GateBound::Share { .. }, _) => false,
            (GateBound::Plain { .. }, GateFigure::Counts(_)) => false,
        }
    }
}

fn whole(number: u64) -> Rational {
    Rational::integer(number)
}

fn holds(is_least: bool, found: &Rational, wanted: &Rational) -> bool {
    if is_least { found >= wanted } else { found <= wanted }
}

impl GateCount {
    fn of(self, counts: Counts) -> u64 {
        match self {
            Self::Proved => counts.proved,
            Self::Refuted => counts.refuted,
            Self::Undecided => counts.undecided,
        }
    }
}

impl fmt::Display for GateFigure {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Counts(counts) => {
                let Counts { proved, refuted, undecided, .. } = counts;
                write!(
                    to,
                    "proved {proved}, refuted {refuted}, undecided {undecided} of {}",
                    counts.n()
                )
            }
            Self::Observed(share) => write!(to, "{} of {}", share.count, share.of),
            Self::Number(number) => write!(to, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(demand: &str) -> Gate {
        Gate::read("g", demand, 1).expect(demand)
    }

    fn counts(proved: u64, refuted: u64, undecided: u64) -> Option<GateFigure> {
        let counts = Counts { proved, refuted, undecided, vacuous: 3, invalid: 4 };
        Some(GateFigure::Counts(counts))
    }

    #[test]
    fn shares_are_compared_exactly() {
        for (demand, figure, passes) in [
            ("all proved", counts(3, 0, 0), true),
            ("all proved", counts(3, 0, 1), false),
            ("all proved", counts(0, 0, 0), false),
            ("none refuted", counts(0, 0, 5), true),
            ("none refuted", counts(4, 1, 0), false),
            (">= 0.90 proved", counts(9, 1, 0), true),
            (">= 0.9000001 proved", counts(9, 1, 0), false),
            ("<= 0.1 refuted", counts(9, 1, 0), true),
            ("<= 0 undecided", counts(9, 0, 1), false),
            ("<= 0.95", Some(GateFigure::Number(0.95)), true),
            ("<= 0.95", Some(GateFigure::Number(0.950_000_1)), false),
            (">= 0.95", Some(GateFigure::Observed(Share::new(19, 20))), true),
            (">= 0.95", Some(GateFigure::Observed(Share::new(0, 0))), false),
            (">= 0.95", Some(GateFigure::Number(f64::NAN)), false),
            ("<= 1", counts(1, 0, 0), false),
            ("all proved", Some(GateFigure::Number(1.0)), false),
            ("all proved", None, false),
        ] {
            assert_eq!(gate(demand).outcome(figure, None).passed, passes, "{demand} {figure:?}");
        }
    }

    #[test]
    fn a_bound_that_no_share_has_is_impossible() {
        for (demand, kind, is_impossible) in [
            ("<= 95", GateKind::Share, true),
            (">= 90", GateKind::Share, true),
            (">= -3", GateKind::Share, true),
            (">= -3", GateKind::Length, true),
            (">= 1.5 proved", GateKind::Counts, true),
            (">= 1 proved", GateKind::Counts, false),
            ("<= 0 refuted", GateKind::Counts, false),
            ("all proved", GateKind::Counts, false),
            (">= 1.5", GateKind::Length, false),
            (">= 0.9", GateKind::Share, false),
        ] {
            assert_eq!(gate(demand).is_impossible(kind), is_impossible, "{demand}");
        }
    }

    #[test]
    fn a_figure_that_is_missing_is_told_with_its_reason() {
        let outcome = gate("<= 0.9").outcome(None, Some("one label everywhere"));
        assert!(!outcome.passed && outcome.found.ends_with(": one label everywhere"));
    }

    #[test]
    fn other_demands_are_none() {
        for demand in ["", "all", "all of them", ">= proved", "> 0.9 proved", ">= 0.9 shown", "0.9"]
        {
            assert!(Gate::read("g", demand, 1).is_none(), "{demand}");
        }
    }
}
