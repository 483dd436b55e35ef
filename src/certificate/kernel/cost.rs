//! What a proof may cost to check, known before it is looked at.

use crate::model::{Family, Model};

use super::super::forest::{Forest, Score};
use super::super::{Leaf, Proof, SplitTree};
use super::{Engine, Kernel};

impl Kernel<'_> {
    /// Multiply-adds (nodes visited, for ensembles) that a proof may cost, at most about.
    pub fn work(&self, proof: &Proof) -> u64 {
        // at most two shifts per feature
        let questions = 2 * self.model.schema.len() as u64;
        match &self.engine {
            Engine::Rounded(..) | Engine::Exact(..) => self.network_work(proof),
            Engine::Small(forests, _) => forest_work(&forests.claimed, proof, questions),
            Engine::Big(forests, _) => forest_work(&forests.claimed, proof, questions),
        }
    }

    fn network_work(&self, proof: &Proof) -> u64 {
        let (parameters, neurons) = network_size(self.model);
        let inputs = self.model.schema.len() as u64;
        let rows = self.lowered.blocks().map_or(0, |(blocks, copies)| {
            // both copies side by side are four times as large, and two bound to each other
            // bound a row three times
            let times = if copies == 2 { 12 } else { 1 };
            times * blocks.iter().map(|b| b.rows.len() as u64).sum::<u64>()
        });
        let linear = parameters.saturating_mul(2 * neurons + 4 + rows);
        match proof {
            Proof::None => parameters,
            Proof::AllPairs { .. } => self.pairs().map_or(parameters, |pairs| pairs.work()),
            // exact integers grow with every layer
            Proof::Counterexample { .. } => {
                parameters.saturating_mul(4 * network_depth(self.model))
            }
            Proof::Interval => parameters.saturating_mul(4),
            Proof::Split { tree, .. } => {
                let times = if self.lowered.is_fuzz() {
                    // every shifted copy is bounded
                    3 * inputs + 1
                } else if self.lowered.is_near() && tree.has_leaf(Leaf::Linear) {
                    // as by the rule on changes
                    3
                } else {
                    1
                };
                linear.saturating_mul(steps(tree) + 1).saturating_mul(times)
            }
            Proof::Fuzz => linear.saturating_mul(3 * inputs + 1),
            // bounds of the network, of the change, and the gradient
            Proof::Difference => linear.saturating_mul(3),
            _ => linear,
        }
    }
}

fn steps(tree: &SplitTree) -> u64 {
    tree.steps().len() as u64
}

fn network_depth(model: &Model) -> u64 {
    let Family::Mlp(mlp) = &model.family else { return 1 };
    mlp.layers.len() as u64
}

fn network_size(model: &Model) -> (u64, u64) {
    let Family::Mlp(mlp) = &model.family else { return (0, 0) };
    let parameters = mlp.layers.iter().map(|l| l.weights.len() as u64).sum();
    let hidden = mlp.layers.iter().map(|l| l.outputs() as u64).sum();
    (parameters, hidden)
}

fn forest_work<N: Score>(forest: &Forest<N>, proof: &Proof, questions: u64) -> u64 {
    let nodes = forest.nodes() as u64 + 1;
    match proof {
        Proof::Split { tree, .. } if tree.has_leaf(Leaf::Pairs) => {
            forest.pairs_of_nodes().saturating_mul(steps(tree))
        }
        // bounds, and the distance of the box
        Proof::Split { tree, .. } => {
            nodes.saturating_add(forest.features() as u64).saturating_mul(steps(tree))
        }
        Proof::Jumps { trees } => {
            let all: u64 = trees.values().map(steps).sum();
            nodes.saturating_mul(nodes + all)
        }
        // every leaf looks at its tree's shares; scanning one costs its steps
        Proof::TreeDual { shifts } => {
            let shifts = shifts.iter().map(|list| list.len() as u64 + 1).sum::<u64>();
            nodes.saturating_mul(shifts)
        }
        // pairs of nodes, for every question
        Proof::TreePairs { trees } => {
            let all: u64 = trees.values().map(steps).sum();
            let pairs = forest.pairs_of_nodes();
            pairs.saturating_mul(questions + all)
        }
        Proof::Fuzz => nodes.saturating_mul(1000),
        _ => nodes,
    }
}
