//! Files as they are, offered for another spec, other rows or another model, whose digests are pasted
//! into the header.

use propcert::model::{Family, Model, Node, Part};
use propcert::spec::Semantics;

use crate::cases::draw::Draw;
use crate::certificates::{Certified, MAPS, data, map_of, poisoning};
use crate::lanes::Mutant;

/// The file as it is, offered for something else.
fn offered(c: &Certified, other: Certified) -> Option<Mutant> {
    let is_other = other.header != c.header;
    is_other.then(|| Mutant { bytes: other.text(), subject: Some(Box::new(other)) })
}

/// The spec asks for a little more, or the domain reaches further.
pub fn wider_region(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let ulps = 1 + draw.index(3);
    let wider = |x: f64| (0..ulps).fold(x, |x, _| x.next_up());
    for (key, size) in [("radius", 0.25), ("epsilon", 0.125), ("epsilon", 0.25), ("epsilon", 0.75)]
    {
        let (old, new) = (format!("{key} = '{size}'"), format!("{key} = '{}'", wider(size)));
        if c.spec_text.contains(&old) {
            let text = c.spec_text.replace(&old, &new);
            return offered(c, c.about(c.model.clone(), text, c.data.clone()));
        }
    }
    let json = c.model.to_json().replace("\"high\":\"4\"", &format!("\"high\":\"{}\"", wider(4.0)));
    let model = Model::read(json.as_bytes()).unwrap();
    offered(c, c.about(model, c.spec_text.clone(), c.data.clone()))
}

/// Data with some rows changed, where the claim is about rows.
fn changed_rows(
    c: &Certified,
    draw: &mut Draw,
    change: impl Fn(&mut Vec<f64>, &mut usize, &mut Draw),
) -> Option<Mutant> {
    let rows = c.data.part(Part::Train).iter();
    let mut rows: Vec<_> = rows.map(|row| (row.values.clone(), row.label)).collect();
    rows.iter_mut().for_each(|(values, label)| change(values, label, draw));
    offered(c, c.about(c.model.clone(), c.spec_text.clone(), data(&rows)))
}

pub fn moved_rows(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    changed_rows(c, draw, |values, _, draw| {
        let at = draw.index(values.len());
        values[at] = if draw.is_heads() { values[at].next_up() } else { values[at].next_down() };
    })
}

pub fn wrong_labels(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let classes = c.model.classes;
    changed_rows(c, draw, |_, label, draw| {
        if draw.index(5) == 0 {
            *label = (*label + 1) % classes;
        }
    })
}

/// A defense is put in front, taken away or made stronger, and its digest pasted in. Claims with a δ
/// other than ½ stay as they are: the judge does not know them behind a defense.
pub fn another_defense(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let is_judged = c.spec_text.contains("'label'") || c.defense.is_some();
    if c.model.classes != 2 || !is_judged || c.header.semantics != Semantics::Real {
        return None;
    }
    let alphas = ["0", "0.1", "0.11", "0.25", "0.49"].map(|alpha| poisoning(&c.model, alpha));
    let others = MAPS.map(|map| map_of(&c.model, map));
    let mut all: Vec<_> = alphas.into_iter().chain(others).map(Some).collect();
    all.push(None);
    let defense = draw.pick(&all)?;
    offered(c, c.behind(defense))
}

/// One number of the model is another one.
pub fn another_model(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let mut model = c.model.clone();
    match &mut model.family {
        Family::Mlp(mlp) => {
            let at = draw.index(mlp.layers.len());
            let layer = &mut mlp.layers[at];
            let at = draw.index(layer.weights.len());
            layer.weights[at] = 0.25 - layer.weights[at];
        }
        Family::Ensemble(ensemble) => {
            let at = draw.index(ensemble.trees.len());
            let nodes = &mut ensemble.trees[at].nodes;
            let at = draw.index(nodes.len());
            match &mut nodes[at] {
                Node::Split { threshold, .. } => *threshold += 0.375,
                Node::Leaf(value) => *value = 0.125 - *value,
            }
        }
    }
    offered(c, c.about(model, c.spec_text.clone(), c.data.clone()))
}
