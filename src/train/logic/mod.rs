//! Constraints as formulas, and what it costs to break them (DL2: Fischer et al. 2019).
//!
//! A formula speaks of a row `x` and of a point `x'` that may be anywhere near it. With `r(v) = max(0, v)` and
//! ξ = 10⁻⁵:
//!
//! ```text
//!              loss                   violation
//! a <= b       r(a − b)               a − b
//! a < b        r(a − b + ξ)           a − b
//! a = b        |a − b|                |a − b|
//! A and B      sum                    the larger
//! A or B       product, or the less   the smaller
//! A => B       (not A) or B
//! not A        pushed inward to the comparisons
//! ```
//!
//! The loss is at least 0, and 0 iff the formula holds, but for strict comparisons: there a loss of 0 implies it.
//! Training minimises the loss; points are sought by climbing the violation, which is never flat where the
//! formula is broken. [`LogicConstraint::is_satisfied`] is exact on its values: no tolerance.
//!
//! | file | what it holds |
//! |---|---|
//! | `dual` | numbers with their slopes |
//! | `parse` | formulas as text |

mod dual;
mod parse;
#[cfg(test)]
mod tests;

pub use dual::Dual;
pub use parse::ConstraintError;

/// ξ: the margin by which strict comparisons are trained.
const STRICT: f64 = 1e-5;

/// A row, or the point near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// `x`.
    Row,
    /// `x'`.
    Near,
}

/// A number that depends on the model's answers at both places.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerTerm {
    /// A constant.
    Number(f64),
    /// The score of the row's class less that of the best other.
    Margin(Spot),
    /// The posterior of the row's class against the best other, `σ(margin)`: with two classes `F_y`.
    Posterior(Spot),
    /// `‖x − x'‖₂` in standardised units.
    Distance,
    /// `−a`.
    Negated(Box<AnswerTerm>),
    /// `|a|`.
    Absolute(Box<AnswerTerm>),
    /// `a + b`.
    Sum(Box<AnswerTerm>, Box<AnswerTerm>),
    /// `a·b`.
    Product(Box<AnswerTerm>, Box<AnswerTerm>),
}

/// The comparison of two terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermRelation {
    /// `a <= b`.
    AtMost,
    /// `a < b`.
    Below,
    /// `a = b`.
    Equal,
}

/// A constraint.
#[derive(Clone, Debug, PartialEq)]
pub enum LogicConstraint {
    /// A comparison.
    Compare(AnswerTerm, TermRelation, AnswerTerm),
    /// All hold.
    All(Vec<LogicConstraint>),
    /// One holds.
    Any(Vec<LogicConstraint>),
    /// The second holds where the first does.
    Implies(Box<LogicConstraint>, Box<LogicConstraint>),
    /// It does not hold.
    Not(Box<LogicConstraint>),
}

/// The loss of a disjunction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrLoss {
    /// The product of the losses.
    #[default]
    Product,
    /// The least loss.
    Min,
}

/// The answers at both places, per row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerPair {
    /// The margin of the row's class at `x`.
    pub row: f64,
    /// The same at `x'`.
    pub near: f64,
    /// Their distance, not negative.
    pub distance: f64,
}

impl AnswerTerm {
    fn value(&self, at: &AnswerPair) -> Dual {
        match self {
            Self::Number(number) => Dual::constant(*number),
            Self::Margin(place) => Dual::margin(at, *place),
            Self::Posterior(place) => Dual::margin(at, *place).sigmoid(),
            Self::Distance => Dual::distance(at),
            Self::Negated(a) => a.value(at).times(-1.0),
            Self::Absolute(a) => a.value(at).abs(),
            Self::Sum(a, b) => a.value(at).plus(b.value(at)),
            Self::Product(a, b) => a.value(at).product(b.value(at)),
        }
    }
}

impl LogicConstraint {
    /// Reads a formula, for instance `distance(x, x') < 0.3 => margin(x') > 0`.
    ///
    /// # Errors
    /// Text that is no formula, with the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        parse::formula(text)
    }

    /// `margin(x') > threshold`.
    pub fn wins_by(threshold: f64) -> Self {
        Self::Compare(
            AnswerTerm::Number(threshold),
            TermRelation::Below,
            AnswerTerm::Margin(Spot::Near),
        )
    }

    /// The formula without implications and negations, which are pushed inward to the comparisons.
    pub fn pushed(&self) -> Self {
        self.push(true)
    }

    /// The formula itself, or its opposite.
    fn push(&self, holds: bool) -> Self {
        let all = |parts: &[Self], holds| parts.iter().map(|part| part.push(holds)).collect();
        match (self, holds) {
            (Self::Not(part), _) => part.push(!holds),
            (Self::All(parts), true) | (Self::Any(parts), false) => Self::All(all(parts, holds)),
            (Self::Any(parts), true) | (Self::All(parts), false) => Self::Any(all(parts, holds)),
            (Self::Implies(a, b), true) => Self::Any(vec![a.push(false), b.push(true)]),
            (Self::Implies(a, b), false) => Self::All(vec![a.push(true), b.push(false)]),
            (Self::Compare(..), true) => self.clone(),
            (Self::Compare(a, comparison, b), false) => opposite(a, *comparison, b),
        }
    }

    /// True if the formula holds for these values, exactly as floats compare; not a number compares as false.
    pub fn is_satisfied(&self, at: &AnswerPair) -> bool {
        match self {
            Self::Compare(a, comparison, b) => {
                let (a, b) = (a.value(at).value, b.value(at).value);
                match comparison {
                    TermRelation::AtMost => a <= b,
                    TermRelation::Below => a < b,
                    TermRelation::Equal => a == b,
                }
            }
            Self::All(parts) => parts.iter().all(|part| part.is_satisfied(at)),
            Self::Any(parts) => parts.iter().any(|part| part.is_satisfied(at)),
            Self::Implies(a, b) => !a.is_satisfied(at) || b.is_satisfied(at),
            Self::Not(part) => !part.is_satisfied(at),
        }
    }

    /// The loss with its slopes. Call it on a formula that is [`LogicConstraint::pushed`]: negations and implications are
    /// pushed again each time otherwise.
    pub fn loss(&self, at: &AnswerPair, disjunction: OrLoss) -> Dual {
        match self {
            Self::Compare(a, comparison, b) => {
                let excess = a.value(at).plus(b.value(at).times(-1.0));
                match comparison {
                    TermRelation::AtMost => excess.positive(),
                    TermRelation::Below => excess.plus(Dual::constant(STRICT)).positive(),
                    TermRelation::Equal => excess.abs(),
                }
            }
            Self::All(parts) => parts
                .iter()
                .map(|part| part.loss(at, disjunction))
                .fold(Dual::constant(0.0), Dual::plus),
            Self::Any(parts) => {
                let losses = parts.iter().map(|part| part.loss(at, disjunction));
                let combine = match disjunction {
                    OrLoss::Product => Dual::product,
                    OrLoss::Min => Dual::min,
                };
                losses.reduce(combine).unwrap_or(Dual::constant(f64::INFINITY))
            }
            Self::Implies(..) | Self::Not(_) => self.pushed().loss(at, disjunction),
        }
    }

    /// The amount by which the formula is broken, with its slopes: positive only if it is.
    pub fn violation(&self, at: &AnswerPair) -> Dual {
        match self {
            Self::Compare(a, comparison, b) => {
                let excess = a.value(at).plus(b.value(at).times(-1.0));
                if *comparison == TermRelation::Equal { excess.abs() } else { excess }
            }
            Self::All(parts) => {
                let worst = parts.iter().map(|part| part.violation(at)).reduce(Dual::max);
                worst.unwrap_or(Dual::constant(f64::NEG_INFINITY))
            }
            Self::Any(parts) => {
                let best = parts.iter().map(|part| part.violation(at)).reduce(Dual::min);
                best.unwrap_or(Dual::constant(f64::INFINITY))
            }
            Self::Implies(..) | Self::Not(_) => self.pushed().violation(at),
        }
    }
}

/// The comparison that holds iff the given one does not.
fn opposite(a: &AnswerTerm, comparison: TermRelation, b: &AnswerTerm) -> LogicConstraint {
    let below = |a: &AnswerTerm, b: &AnswerTerm| {
        LogicConstraint::Compare(a.clone(), TermRelation::Below, b.clone())
    };
    match comparison {
        TermRelation::AtMost => below(b, a),
        TermRelation::Below => LogicConstraint::Compare(b.clone(), TermRelation::AtMost, a.clone()),
        TermRelation::Equal => LogicConstraint::Any(vec![below(a, b), below(b, a)]),
    }
}
