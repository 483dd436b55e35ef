//! Disjunctive normal form: an `or` of `and`s, with a limit.
//!
//! ```text
//! file  =  inputs ∧ outputs ∧ mixed        asserts, by the variables they are about
//!       =  ⋁ over m in mixed:  (inputs ∧ mₓ) ∧ (outputs ∧ m_y)
//! ```
//!
//! Every case `m` then is some input boxes and some unsafe blocks, any box with any block.

use crate::model::{LimitError, at_most};

use super::atom::Atom;
use super::error::VnnlibError;
use super::formula::Formula;
use super::tensors::NetworkEnd;

/// Most boxes, and most blocks.
pub(super) const MAX_CASES: usize = 10_000;
/// Most comparisons in all conjunctions of one normal form.
const MAX_MEMBERS: usize = 1 << 20;

/// Positions of comparisons that hold together.
pub(super) type Conjunction = Vec<usize>;

/// A normal form; the comparisons that all its conjunctions share are kept apart.
#[derive(Clone, Debug)]
pub(super) struct Disjunction {
    pub(super) common: Conjunction,
    pub(super) cases: Vec<Conjunction>,
}

impl Disjunction {
    /// The condition that always holds.
    fn empty() -> Self {
        Self { common: Vec::new(), cases: vec![Vec::new()] }
    }
}

/// Conditions on inputs and conditions on outputs.
#[derive(Debug)]
pub(super) struct Normal {
    pub(super) inputs: Disjunction,
    pub(super) outputs: Disjunction,
    /// Further conditions on inputs and on outputs, case by case; one empty case if there are none.
    pub(super) mixed: Vec<(Conjunction, Conjunction)>,
}

impl Normal {
    pub(super) fn new(asserts: Vec<Formula>, atoms: &[Atom]) -> Result<Self, VnnlibError> {
        let (mut inputs, mut outputs) = (Disjunction::empty(), Disjunction::empty());
        let mut mixed = vec![Conjunction::new()];
        for formula in conjuncts(asserts) {
            let side = side(&formula, atoms);
            match (formula, side) {
                (Formula::Atom(atom), Some(NetworkEnd::Input)) => inputs.common.push(atom),
                (Formula::Atom(atom), _) => outputs.common.push(atom),
                (formula, Some(NetworkEnd::Input)) => {
                    inputs.cases = product(&inputs.cases, &disjuncts(&formula)?)?;
                }
                (formula, Some(NetworkEnd::Output)) => {
                    outputs.cases = product(&outputs.cases, &disjuncts(&formula)?)?;
                }
                (formula, None) => mixed = product(&mixed, &disjuncts(&formula)?)?,
            }
        }
        let is_input =
            |atom: &usize| atoms.get(*atom).is_some_and(|a| a.side() == NetworkEnd::Input);
        let mixed = mixed.into_iter().map(|case| case.into_iter().partition(is_input)).collect();
        Ok(Self { inputs, outputs, mixed })
    }
}

/// The parts of an `and` of `and`s.
fn conjuncts(formulas: Vec<Formula>) -> Vec<Formula> {
    let mut parts = Vec::new();
    for formula in formulas {
        match formula {
            Formula::And(inner) => parts.extend(conjuncts(inner)),
            // an `or` of one formula
            Formula::Or(inner) if inner.len() == 1 => parts.extend(conjuncts(inner)),
            formula => parts.push(formula),
        }
    }
    parts
}

/// The side that a formula is about; `None` if it is about both.
fn side(formula: &Formula, atoms: &[Atom]) -> Option<NetworkEnd> {
    match formula {
        Formula::Atom(atom) => atoms.get(*atom).map(Atom::side),
        Formula::And(parts) | Formula::Or(parts) => {
            let mut sides = parts.iter().map(|part| side(part, atoms));
            let first = sides.next().flatten();
            if sides.all(|side| side == first) { first } else { None }
        }
    }
}

/// The conjunctions of a formula.
fn disjuncts(formula: &Formula) -> Result<Vec<Conjunction>, VnnlibError> {
    match formula {
        Formula::Atom(atom) => Ok(vec![vec![*atom]]),
        Formula::Or(parts) => {
            let (mut cases, mut members) = (Vec::new(), 0);
            for part in parts {
                let of_part = disjuncts(part)?;
                members += count_members(&of_part);
                check(cases.len() + of_part.len(), members)?;
                cases.extend(of_part);
            }
            Ok(cases)
        }
        Formula::And(parts) => {
            // parts with one case are gathered: to multiply them one by one would copy everything at each step
            let mut common = Conjunction::new();
            let mut cases = vec![Conjunction::new()];
            for part in parts {
                let mut of_part = disjuncts(part)?;
                match of_part.pop() {
                    Some(only) if of_part.is_empty() => common.extend(only),
                    Some(last) => {
                        of_part.push(last);
                        cases = product(&cases, &of_part)?;
                    }
                    None => {}
                }
            }
            product(&[common], &cases)
        }
    }
}

/// `(⋁ a) ∧ (⋁ b) = ⋁ (a ∧ b)`
fn product(left: &[Conjunction], right: &[Conjunction]) -> Result<Vec<Conjunction>, VnnlibError> {
    let members = count_members(left) * right.len() + count_members(right) * left.len();
    check(left.len() * right.len(), members)?;
    let both = |a: &Conjunction, b: &Conjunction| a.iter().chain(b).copied().collect();
    Ok(left.iter().flat_map(|a| right.iter().map(move |b| both(a, b))).collect())
}

fn count_members(cases: &[Conjunction]) -> usize {
    cases.iter().map(Vec::len).sum()
}

fn check(cases: usize, members: usize) -> Result<(), LimitError> {
    at_most("boxes or blocks of the disjunctive normal form", cases, MAX_CASES)?;
    at_most("comparisons of the disjunctive normal form", members, MAX_MEMBERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn or(atoms: std::ops::Range<usize>) -> Formula {
        Formula::Or(atoms.map(Formula::Atom).collect())
    }

    #[test]
    fn an_and_of_ors_is_multiplied_out() {
        let formula = Formula::And(vec![or(0..2), Formula::Atom(7), or(2..4)]);
        let expected = vec![vec![7, 0, 2], vec![7, 0, 3], vec![7, 1, 2], vec![7, 1, 3]];
        assert_eq!(disjuncts(&formula).unwrap(), expected);
        let nested = Formula::Or(vec![formula, Formula::Atom(9)]);
        assert_eq!(disjuncts(&nested).unwrap().len(), 5);
    }

    #[test]
    fn what_grows_over_the_limit_is_refused_before_it_is_there() {
        let wide = Formula::And((0..60).map(|k| or(2 * k..2 * k + 2)).collect());
        assert!(matches!(disjuncts(&wide), Err(VnnlibError::Limit(_))), "2^60 cases");
        let long =
            Formula::And(vec![or(0..10_000), Formula::And((0..200).map(Formula::Atom).collect())]);
        assert!(matches!(disjuncts(&long), Err(VnnlibError::Limit(_))), "2 million comparisons");
        assert_eq!(disjuncts(&or(0..10_000)).unwrap().len(), 10_000);
        assert!(disjuncts(&or(0..10_001)).is_err());
    }
}
