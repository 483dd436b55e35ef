//! The trees of an ensemble over pairs of points, as trees over twice as many features: then what is known for
//! one point applies.

use propcert::certificate::{Pairing, TwinBox};
use propcert::model::{Cells, Ensemble, Family, Feature, Model, Node, Tree};

/// `m(x) − m(x′) − limit` as an ensemble over `x` and `x′`. What binds both points is known to each tree, whose
/// pairs of leaves meet it, and to nothing else.
pub fn doubled(model: &Model, (pairing, root): (&Pairing, &TwinBox), limit: f64) -> Model {
    let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
    let features = model.schema.features();
    let cells = Cells::new(ensemble, &vec![false; features.len()]);
    let trees = ensemble.trees.iter().map(|tree| {
        let mut doubled = Doubled { tree, cells: &cells, pairing, nodes: Vec::new() };
        doubled.build([0, 0], [0, 0], root.clone());
        Tree { output: 0, nodes: doubled.nodes }
    });
    let family = Family::Ensemble(Ensemble { base: vec![-limit], trees: trees.collect() });
    let twice = |copy: usize| {
        features.iter().map(move |feature| {
            let mut feature = feature.clone();
            feature.name = format!("{}.{copy}", feature.name);
            feature
        })
    };
    let schema = propcert::model::Schema::new(twice(0).chain(twice(1)).collect());
    Model { family, schema: schema.expect("distinct names"), ..model.clone() }
}

struct Doubled<'a> {
    tree: &'a Tree,
    cells: &'a Cells,
    pairing: &'a Pairing,
    nodes: Vec<Node>,
}

impl Doubled<'_> {
    /// Appends what lies below a pair of nodes, the node that lies less deep first, so that equal leaves come
    /// together; returns its place.
    fn build(&mut self, [a, b]: [usize; 2], depths: [usize; 2], here: TwinBox) -> usize {
        let nodes = &self.tree.nodes;
        let (copy, node) = match (&nodes[a], &nodes[b]) {
            (Node::Leaf(v), Node::Leaf(w)) => {
                self.nodes.push(Node::Leaf(v - w));
                return self.nodes.len() - 1;
            }
            (Node::Leaf(_), node) => (1, node),
            (Node::Split { .. }, node @ Node::Split { .. }) if depths[0] > depths[1] => (1, node),
            (node, _) => (0, node),
        };
        let mut below = depths;
        below[copy] += 1;
        let Node::Split { feature, threshold, left, right, .. } = *node else { unreachable!() };
        let number = self.cells.number(feature, threshold);
        let to = |child: usize| if copy == 0 { [child, b] } else { [a, child] };
        let part = |side| self.pairing.narrowed(here.clone(), copy, feature.0, side);
        match (part((0, number)), part((number + 1, usize::MAX))) {
            (Some(low), Some(high)) => {
                let place = self.nodes.len();
                self.nodes.push(Node::Leaf(0.0));
                let (left, right) =
                    (self.build(to(left), below, low), self.build(to(right), below, high));
                if let (Node::Leaf(v), Node::Leaf(w)) = (&self.nodes[left], &self.nodes[right])
                    && v == w
                {
                    let leaf = Node::Leaf(*v);
                    self.nodes.truncate(place);
                    self.nodes.push(leaf);
                    return place;
                }
                let feature = Feature(feature.0 + copy * self.pairing.features());
                self.nodes[place] =
                    Node::Split { feature, threshold, left, right, default_left: false };
                place
            }
            (Some(low), None) => self.build(to(left), below, low),
            (None, Some(high)) => self.build(to(right), below, high),
            (None, None) => unreachable!("a box has a pair"),
        }
    }
}
