//! The cost of checking a proof, known before the proof is looked at.

use crate::model::{Family, Model};
use crate::spec::Aim;

use super::{ByArithmetic, Kernel};
use crate::certificate::ensemble::{Forest, Score};
use crate::certificate::{CaseRule, Cases, Leaf, Proof};

/// Cost of a side of a box of pairs, in nodes visited: about 0.3 µs, in rational numbers.
const SIDE: u64 = 100;
/// Cost of a side of any box wherever one is made, shifted, widened or looked up, and of a coordinate of a
/// point that is evaluated: rational numbers again.
const ENDS: u64 = 100;
/// Cost of sharing out and comparing a bound, in nodes visited: about 3 µs, in rational numbers of 2,000 bits.
const JUDGED: u64 = 1_000;
/// The same cost if posteriors are compared: about 30 µs, six exponentials among them.
const JUDGED_POSTERIORS: u64 = 10_000;

/// Cost of an input in the best multiplier of a condition, in multiply-adds: it is sorted and added.
const PULL: u64 = 32;

impl Kernel<'_> {
    /// The approximate upper limit of the multiply-adds (nodes visited, for ensembles) that a proof may cost.
    pub fn work(&self, proof: &Proof) -> u64 {
        if let (Proof::AllPairs { .. }, Some(pairs)) = (proof, self.pairs()) {
            return pairs.work();
        }
        let is_of_posteriors = self.lowered.aim().is_some_and(Aim::compares_posteriors);
        let judged = if is_of_posteriors { JUDGED_POSTERIORS } else { JUDGED };
        let price = Price { evaluations: self.evaluations(), judged };
        let work = match &self.engine {
            ByArithmetic::Rounded(..) | ByArithmetic::Exact(..) => self.network_work(proof),
            ByArithmetic::Small(forests, _) => forest_work(&forests.claimed, proof, price),
            ByArithmetic::Big(forests, _) => forest_work(&forests.claimed, proof, price),
        };
        // the region of an obligation is made whatever is offered for it
        work.saturating_add(ENDS.saturating_mul(self.model.schema.len() as u64))
    }

    /// Number of points that may have to be evaluated for a counterexample; for the boundary property every
    /// shifted copy counts.
    fn evaluations(&self) -> u64 {
        if self.is_flip() { 2 * self.model.schema.len() as u64 + 1 } else { 1 }
    }

    fn is_flip(&self) -> bool {
        matches!(self.lowered.aim(), Some(Aim::Flip { .. }))
    }

    fn network_work(&self, proof: &Proof) -> u64 {
        let (parameters, neurons) = network_size(self.model);
        let inputs = self.model.schema.len() as u64;
        let rows = self.lowered.blocks().map_or(0, |(blocks, copies)| {
            // both copies side by side are four times as large, and copies bound to each other bound a row
            // three times
            let times = if copies == 2 { 12 } else { 1 };
            times * blocks.iter().map(|b| b.rows.len() as u64).sum::<u64>()
        });
        let forms = 2 * neurons + 4 + rows;
        // every form over the inputs meets every condition
        let copies = self.lowered.blocks().map_or(1, |(_, copies)| copies as u64);
        let met = (PULL * copies * inputs).saturating_mul(self.lowered.conditions() as u64);
        let linear =
            parameters.saturating_add(met).saturating_mul(forms).saturating_add(ENDS * inputs);
        match proof {
            Proof::None | Proof::AllPairs { .. } => parameters,
            // exact integers grow with every layer
            Proof::Counterexample { .. } => {
                let once = parameters.saturating_mul(4 * network_depth(self.model));
                once.saturating_add(ENDS * inputs).saturating_mul(self.evaluations())
            }
            Proof::Cases(Cases { rule: CaseRule::Interval, .. }) => parameters.saturating_mul(4),
            Proof::Cases(cases) => {
                let is_close = matches!(self.lowered.aim(), Some(Aim::Close { .. }));
                let is_order = matches!(self.lowered.aim(), Some(Aim::Order { .. }));
                let times = if self.is_flip() {
                    // every shifted copy is bounded
                    3 * inputs + 1
                } else if is_order || is_close && cases.has_leaf(Leaf::Linear) {
                    // bounds of the network, of the change or of slopes by lines, and the gradient
                    3
                } else {
                    1
                };
                linear.saturating_mul(steps(cases) + 1).saturating_mul(times)
            }
            Proof::Range => linear,
            // refused for networks
            Proof::TreeDual { .. } => linear,
        }
    }
}

/// The steps of all trees that are written out.
fn steps(cases: &Cases) -> u64 {
    cases.trees.values().map(|tree| tree.steps().len() as u64).sum()
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

/// Costs of a claim on an ensemble, besides the nodes.
#[derive(Clone, Copy)]
struct Price {
    /// Number of points that may have to be evaluated for a counterexample.
    evaluations: u64,
    /// Cost of judging a box of pairs.
    judged: u64,
}

fn forest_work<N: Score>(forest: &Forest<N>, proof: &Proof, price: Price) -> u64 {
    let (nodes, features) = (forest.nodes() as u64 + 1, forest.features() as u64);
    match proof {
        Proof::Counterexample { .. } => {
            nodes.saturating_add(ENDS * features).saturating_mul(price.evaluations)
        }
        Proof::Cases(cases) if cases.is_of_pairs() => {
            // at most two shifts per feature are questions; a split has one
            let most = if cases.rule == CaseRule::TreePairs { 2 * features } else { 1 };
            box_of_pairs(forest, price).saturating_mul(most + steps(cases))
        }
        Proof::Cases(cases) if cases.rule == CaseRule::Jumps => {
            // the thresholds, for every other class; a cut copies the box of both sides
            let questions = nodes.saturating_mul(forest.outputs() as u64) + steps(cases);
            questions.saturating_mul(nodes + 2 * features)
        }
        // bounds, and the distance of the box
        Proof::Cases(cases) => nodes.saturating_add(features).saturating_mul(steps(cases) + 1),
        // every leaf looks at its tree's shares; scanning one costs its steps
        Proof::TreeDual { shifts } => {
            let shifts = shifts.iter().map(|list| list.len() as u64 + 1).sum::<u64>();
            nodes.saturating_mul(shifts)
        }
        Proof::None | Proof::AllPairs { .. } => nodes,
        // refused for ensembles
        Proof::Range => nodes,
    }
}

/// Cost of a box of pairs: its pairs of nodes, its sides, and judging it.
fn box_of_pairs<N: Score>(forest: &Forest<N>, price: Price) -> u64 {
    let sides = SIDE * forest.features() as u64;
    forest.pairs_of_nodes().saturating_add(sides).saturating_add(price.judged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Arithmetic, SplitTree};
    use crate::model::{Digest, Row};
    use crate::spec::{Lowered, Spec};

    #[test]
    fn what_every_pair_and_every_copy_cost_is_counted() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower",
            "classes":2,"features":[{"name":"x","kind":"real","low":"0","high":"1"},
            {"name":"y","kind":"real","low":"0","high":"1"}],"base":[1],"trees":[]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        let row = |k: u8| Row { values: vec![0.5, 0.5], label: 0, key: Digest::of(&[k]) };
        let rows: Vec<Row> = (0..100).map(row).collect();
        let work = |spec: &str, rows: &[Row], proof: Proof| {
            let spec = Spec::read(spec.as_bytes()).unwrap();
            let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
            Kernel::new(&model, &lowered, Arithmetic::Rounded).work(&proof)
        };
        let pairs = Proof::AllPairs { witnesses: Vec::new() };
        assert!(work("property = 'lipschitzness-t'\nconstant = '1'", &rows, pairs) >= 100 * 99 / 2);
        let point = || Proof::Counterexample { points: vec![vec!["0".to_owned(); 2]] };
        let near = "property = 'small-neighborhood'\nepsilon = '1'\nconstant = '1'";
        let fuzz = "property = 'boundary-fuzz'\nscope = 'domain'\nshift = '1'\nepsilon = '1'";
        // beside the region, which either has
        let region = ENDS * 2;
        // a split is of one question, `tree-pairs` may be of two per feature
        let tree = || SplitTree::parse("T").unwrap();
        let split = work(near, &[], Proof::split(tree(), Vec::new())) - region;
        let pairs = work(near, &[], Proof::tree_pairs([(0, tree())].into())) - region;
        assert_eq!(2 * pairs, 5 * split);
        assert_eq!(work(fuzz, &[], point()) - region, 5 * (work(near, &[], point()) - region));
    }
}
