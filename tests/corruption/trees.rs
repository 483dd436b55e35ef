//! Corruptions of case distinctions.

use propcert::certificate::{Cut, Proof, SplitTree, Step};

use crate::cases::draw::Draw;
use crate::certificates::Certified;
use crate::lanes::{Mutant, mutant, proof, with_lines};

fn has_tree(proof: &Proof) -> bool {
    matches!(proof, Proof::Cases(cases) if !cases.trees.is_empty())
}

/// The steps of one tree are edited; they must still make a tree.
pub fn steps(
    c: &Certified,
    draw: &mut Draw,
    edit: impl Fn(&mut Vec<Step>, &mut Draw),
) -> Option<Mutant> {
    let edited = |tree: &SplitTree, draw: &mut Draw| {
        let mut steps = tree.steps().to_vec();
        edit(&mut steps, draw);
        SplitTree::new(steps)
    };
    let edit = |proof: &Proof, draw: &mut Draw| {
        let mut proof = proof.clone();
        let Proof::Cases(cases) = &mut proof else { return None };
        let tree = cases.trees.values_mut().next()?;
        *tree = edited(tree, draw)?;
        Some(proof)
    };
    with_lines(c, &proof(c, draw, has_tree, edit)?)
}

/// The words of one tree are edited, whether they make a tree or not.
pub fn tokens(
    c: &Certified,
    draw: &mut Draw,
    edit: impl Fn(&mut Vec<String>, &mut Draw),
) -> Option<Mutant> {
    let text = String::from_utf8(c.text()).unwrap();
    let trees: Vec<String> = c
        .lines
        .iter()
        .filter_map(|line| match &line.proof {
            Proof::Cases(cases) => cases.trees.values().next().map(SplitTree::text),
            _ => None,
        })
        .collect();
    let tree = draw.pick(&trees)?;
    let mut words: Vec<String> = tree.split(' ').map(str::to_owned).collect();
    edit(&mut words, draw);
    let places: Vec<usize> = text.match_indices(&tree).map(|(at, _)| at).collect();
    let at = draw.pick(&places)?;
    mutant(c, [&text[..at], &words.join(" "), &text[at + tree.len()..]].concat().into_bytes())
}

/// Where the subtree at `at` ends.
fn end(steps: &[Step], at: usize) -> usize {
    let mut missing = 1;
    let mut next = at;
    while missing > 0 {
        missing = missing - 1 + if steps[next].is_inner() { 2 } else { 0 };
        next += 1;
    }
    next
}

pub fn swap_children(steps: &mut [Step], draw: &mut Draw) {
    let at = draw.index(steps.len());
    if steps[at].is_inner() {
        let middle = end(steps, at + 1) - (at + 1);
        let last = end(steps, at);
        steps[at + 1..last].rotate_left(middle);
    }
}

/// The tree becomes its first leaf.
pub fn cut_short(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    steps(c, draw, |steps, _| {
        if let Some(at) = steps.iter().position(|step| matches!(step, Step::Leaf { .. })) {
            *steps = vec![steps[at].clone()];
        }
    })
}

pub fn cut(c: &Certified, draw: &mut Draw, edit: impl Fn(&mut Cut, &mut Draw)) -> Option<Mutant> {
    steps(c, draw, |steps, draw| {
        let at = draw.index(steps.len());
        if let Step::Cut { cut, .. } = &mut steps[at] {
            edit(cut, draw);
        }
    })
}

pub fn move_cut(cut: &mut Cut, by: i16) {
    match cut {
        Cut::Input { at, .. } => *at += f64::from(by) / 8.0,
        Cut::Cell { number, .. } | Cut::Relu { neuron: number, .. } => {
            *number = number.saturating_add_signed(by.into());
        }
    }
}
