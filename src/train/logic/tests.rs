//! The promises of formulas.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> LogicConstraint {
    LogicConstraint::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn values(row: f64, near: f64, distance: f64) -> AnswerPair {
    AnswerPair { row, near, distance }
}

#[test]
fn formulas_mean_what_they_say() {
    let at = values(2.0, -1.0, 0.5);
    for (text, holds) in [
        ("margin(x) > 0", true),
        ("margin(x') > 0", false),
        ("distance(x, x') < 0.3 => margin(x') > 0", true),
        ("distance(x, x') <= 0.5 => margin(x') > 0", false),
        ("not margin(x') > 0 and margin(x) = 2", true),
        ("(margin(x) - 1) * 3 = 3 or margin(x') > 0", true),
        ("(margin(x') > 0 or margin(x) > 3) => 1 < 0", true),
        ("abs(posterior(x) - posterior(x')) <= 0.3 * distance(x, x')", false),
        ("-margin(x') + -(-1) = 2", true),
        ("1 < 2 => 2 < 1 => 3 < 1", true),
        ("1e-3 < 2.5E+2 and 3 - 1e1 < 0", true),
    ] {
        assert_eq!(read(text).is_satisfied(&at), holds, "{text}");
        assert_eq!(read(text).pushed().is_satisfied(&at), holds, "{text}");
    }
}

#[test]
fn what_is_no_formula_is_refused_with_its_place() {
    for (text, column, part) in [
        ("", 1, "the end"),
        ("margin(x)", 10, "comparison"),
        ("margin(y) > 0", 8, "x or x'"),
        ("margin(x) > ", 12, "the end"),
        ("logit(x) > 0", 1, "raw score"),
        ("margin(x) > 0 margin(x)", 15, "`margin`"),
        ("(margin(x) > 0", 15, "the end"),
        ("speed(x) > 0", 1, "`speed`"),
        ("margin(x) > 1e999", 13, "1e999"),
        ("margin(x) ? 0", 11, "`?`"),
        ("distance(x', x) > 0", 10, "`x'`"),
    ] {
        let message = LogicConstraint::parse(text).unwrap_err().to_string();
        assert!(message.contains(&format!("column {column}:")), "{text}: {message}");
        assert!(message.contains(part), "{text}: {message}");
    }
    let deep = format!("{}1 < 2{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(LogicConstraint::parse(&deep), Err(ConstraintError::Depth));
    let long = format!("0{} < 1", "+0".repeat(100_000));
    assert_eq!(LogicConstraint::parse(&long), Err(ConstraintError::Length));
    let negations = format!("{} 1 < 2", "not ".repeat(900));
    assert_eq!(LogicConstraint::parse(&negations), Err(ConstraintError::Depth));
}

#[test]
fn the_gradient_of_a_product_is_each_gradient_times_the_other_losses() {
    let (a, b) = (read("margin(x) >= 3"), read("margin(x') >= 1"));
    let at = values(1.0, -1.0, 0.0);
    let usual = OrLoss::Product;
    let both = LogicConstraint::Any(vec![a.clone(), b.clone()]).loss(&at, usual);
    let (a, b) = (a.loss(&at, usual), b.loss(&at, usual));
    let expected: [f64; 3] = std::array::from_fn(|i| a.slopes[i] * b.value + b.slopes[i] * a.value);
    assert_eq!((both.value, both.slopes), (a.value * b.value, expected));
    let least = LogicConstraint::Any(vec![read("margin(x) >= 3"), read("margin(x') >= 0.5")]);
    assert_eq!(least.loss(&at, OrLoss::Min).value, 1.5);
}

fn term() -> impl Strategy<Value = AnswerTerm> {
    let leaf = prop_oneof![
        (-3i8..4).prop_map(|n| AnswerTerm::Number(f64::from(n))),
        Just(AnswerTerm::Margin(Spot::Row)),
        Just(AnswerTerm::Margin(Spot::Near)),
        Just(AnswerTerm::Posterior(Spot::Near)),
        Just(AnswerTerm::Distance),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let pair = || (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|a| AnswerTerm::Negated(Box::new(a))),
            inner.clone().prop_map(|a| AnswerTerm::Absolute(Box::new(a))),
            pair().prop_map(|(a, b)| AnswerTerm::Sum(Box::new(a), Box::new(b))),
            pair().prop_map(|(a, b)| AnswerTerm::Product(Box::new(a), Box::new(b))),
        ]
    })
}

fn formula(comparisons: &'static [TermRelation]) -> impl Strategy<Value = LogicConstraint> {
    let leaf = (term(), prop::sample::select(comparisons), term())
        .prop_map(|(a, comparison, b)| LogicConstraint::Compare(a, comparison, b));
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(LogicConstraint::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(LogicConstraint::Any),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| LogicConstraint::Implies(Box::new(a), Box::new(b))),
            inner.prop_map(|a| LogicConstraint::Not(Box::new(a))),
        ]
    })
}

fn some_values() -> impl Strategy<Value = AnswerPair> {
    let margin = || prop_oneof![(-3i8..4).prop_map(f64::from), -4.0..4.0f64];
    (margin(), margin(), prop_oneof![Just(0.0), 0.0..3.0f64])
        .prop_map(|(row, near, distance)| values(row, near, distance))
}

const ALL: &[TermRelation] = &[TermRelation::AtMost, TermRelation::Below, TermRelation::Equal];
/// Strict comparisons arise from these only under a negation, so those are left out below.
const CLOSED: &[TermRelation] = &[TermRelation::AtMost, TermRelation::Equal];

fn has_strict(formula: &LogicConstraint) -> bool {
    match formula {
        LogicConstraint::Compare(_, comparison, _) => *comparison == TermRelation::Below,
        LogicConstraint::All(parts) | LogicConstraint::Any(parts) => parts.iter().any(has_strict),
        LogicConstraint::Implies(..) | LogicConstraint::Not(_) => true,
    }
}

proptest! {
    #[test]
    fn a_loss_of_zero_is_a_formula_that_holds(formula in formula(ALL), at in some_values()) {
        let pushed = formula.pushed();
        for disjunction in [OrLoss::Product, OrLoss::Min] {
            let loss = pushed.loss(&at, disjunction).value;
            prop_assert!(loss >= 0.0);
            // a product of small losses may vanish by underflow alone
            if loss == 0.0 {
                prop_assert!(formula.is_satisfied(&at));
            } else if !has_strict(&pushed) {
                prop_assert!(!formula.is_satisfied(&at));
            }
        }
    }

    #[test]
    fn formulas_without_strict_comparisons_cost_nothing_where_they_hold(
        formula in formula(CLOSED), at in some_values(),
    ) {
        let pushed = formula.pushed();
        if !has_strict(&pushed) && formula.is_satisfied(&at) {
            prop_assert_eq!(pushed.loss(&at, OrLoss::Product).value, 0.0);
        }
    }

    #[test]
    fn a_positive_violation_is_a_formula_that_is_broken(
        formula in formula(ALL), at in some_values(),
    ) {
        let violation = formula.pushed().violation(&at).value;
        if violation > 0.0 {
            prop_assert!(!formula.is_satisfied(&at));
        }
        if violation < 0.0 {
            prop_assert!(formula.is_satisfied(&at));
        }
    }

    #[test]
    fn a_double_negation_is_the_formula(formula in formula(ALL), at in some_values()) {
        let twice = LogicConstraint::Not(Box::new(LogicConstraint::Not(Box::new(formula.clone()))));
        prop_assert_eq!(twice.pushed(), formula.pushed());
        prop_assert_eq!(formula.pushed().pushed(), formula.pushed());
        prop_assert_eq!(formula.pushed().is_satisfied(&at), formula.is_satisfied(&at));
    }

    #[test]
    fn slopes_are_central_differences(formula in formula(ALL), at in some_values()) {
        let pushed = formula.pushed();
        let h = 1e-6;
        for kind in [0, 1] {
            let of = |at: &AnswerPair| match kind {
                0 => pushed.violation(at),
                _ => pushed.loss(at, OrLoss::Product),
            };
            let here = of(&at);
            let moved = |i: usize, by: f64| {
                let mut moved = at;
                *[&mut moved.row, &mut moved.near, &mut moved.distance][i] += by;
                of(&moved)
            };
            for i in 0..3 {
                let (low, high) = (moved(i, -h), moved(i, h));
                // at a kink the two sides have different slopes
                let is_smooth = low.slopes.iter().zip(&high.slopes).all(|(a, b)| (a - b).abs() < 1e-3 * (1.0 + a.abs()));
                if is_smooth && here.value.is_finite() && here.value.abs() < 1e4 {
                    let difference = (high.value - low.value) / (2.0 * h);
                    let error = (difference - here.slopes[i]).abs();
                    prop_assert!(error < 2e-3 * (1.0 + difference.abs()), "{difference} or {:?}", here);
                }
            }
        }
    }
}
