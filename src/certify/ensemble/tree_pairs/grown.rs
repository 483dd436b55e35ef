//! A growing tree of cases.

use crate::certificate::{Cut, Leaf, Step};

/// A tree of cases, at first a single leaf.
#[derive(Debug)]
pub(super) struct Grown {
    nodes: Vec<GrownNode>,
}

#[derive(Debug)]
struct GrownNode {
    /// The parent node; the root is its own parent.
    above: usize,
    /// The cut, and the place of its low part; the high part comes next.
    cut: Option<(Cut, usize)>,
}

impl Default for Grown {
    fn default() -> Self {
        Self { nodes: vec![GrownNode { above: 0, cut: None }] }
    }
}

impl Grown {
    /// Cuts a leaf; returns the place of the low part. The high part comes next.
    pub(super) fn cut(&mut self, leaf: usize, cut: Cut) -> usize {
        let low = self.nodes.len();
        self.nodes[leaf].cut = Some((cut, low));
        self.nodes.extend([0, 1].map(|_| GrownNode { above: leaf, cut: None }));
        low
    }

    /// The cuts above a node, from the root on, each with true if the node lies in its high part.
    pub(super) fn path(&self, mut place: usize) -> Vec<(Cut, bool)> {
        let mut path = Vec::new();
        while place != 0 {
            let above = self.nodes[place].above;
            if let Some((cut, low)) = self.nodes[above].cut {
                path.push((cut, place != low));
            }
            place = above;
        }
        path.reverse();
        path
    }

    /// The steps in the order of the format.
    pub(super) fn steps(&self) -> Vec<Step> {
        let (mut steps, mut stack) = (Vec::new(), vec![0]);
        while let Some(place) = stack.pop() {
            match self.nodes[place].cut {
                Some((cut, low)) => {
                    steps.push(Step::Cut { cut, refresh: None });
                    stack.extend([low + 1, low]);
                }
                None => steps.push(Step::Leaf { leaf: Leaf::Pairs, refresh: None, hint: None }),
            }
        }
        steps
    }
}
