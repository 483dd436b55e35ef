//! Writes a native ensemble of two classes, or of a plain score, as the JSON that XGBoost serves.
//!
//! The sum of a regression starts at the base score. The sum of a logistic model starts at a margin that XGBoost
//! computes from a probability. The base of a native model may be any float, and for many floats there is no
//! probability with this margin that all versions take. Then the file starts at probability ½, whose margin is 0,
//! and a first tree of one leaf adds the base: `0 + base = base`.
//! Either way every partial sum is the native one, bit for bit. The same model gives the same bytes.

use std::fmt::Write;

use serde_json::json;

use crate::import::{ExportError, single};
use crate::model::{Family, Model, Node, Precision, Tie, Tree};

use super::base::margin;

/// The number that stands for the parent of a root.
const NO_PARENT: usize = 2_147_483_647;
/// Search radius around the rounded logistic of the base, in floats, for the probability of that base.
const NEIGHBOURS: usize = 1024;

/// The bytes of a `.json` file that XGBoost 1.7 and later load, with the margins of the model.
///
/// Names of features are written; kinds, ranges and scales have no place in the format.
///
/// # Errors
/// Networks, more than two classes, precision f64, ties that go to class 1, and numbers that are no
/// finite 32-bit floats.
pub fn to_xgboost(model: &Model) -> Result<Vec<u8>, ExportError> {
    let Family::Ensemble(ensemble) = &model.family else { return Err(ExportError::Network) };
    let &[base] = ensemble.base.as_slice() else {
        return Err(ExportError::Classes { classes: model.classes });
    };
    if model.precision != Precision::F32 {
        return Err(ExportError::Precision);
    }
    let base = single(base, || "base".to_owned())?;
    let (objective, stated) = if model.is_plain_score() {
        ("reg:squarederror", Some(base))
    } else if model.tie == Tie::Upper {
        return Err(ExportError::TieAtZero);
    } else {
        // without any tree XGBoost would serve the probability itself as the margin
        ("binary:logistic", probability(base).filter(|_| !ensemble.trees.is_empty()))
    };
    let first = Tree { output: 0, nodes: vec![Node::Leaf(f64::from(base))] };
    let first = stated.is_none().then_some(&first);
    let trees: Vec<&Tree> = first.into_iter().chain(&ensemble.trees).collect();
    let names: Vec<&str> = model.schema.features().iter().map(|f| f.name.as_str()).collect();
    let mut text = head(&names, trees.len());
    for (index, tree) in trees.iter().enumerate() {
        let end = if index + 1 < trees.len() { "," } else { "\n" };
        text.push('\n');
        text.push_str(&tree_json(index, tree, names.len())?);
        text.push_str(end);
    }
    text.push_str(&tail(objective, stated.unwrap_or(0.5), names.len()));
    Ok(text.into_bytes())
}

/// A probability whose margin is the base, if there is one nearby.
fn probability(base: f32) -> Option<f32> {
    let guess = (1.0 / (1.0 + (-f64::from(base)).exp())) as f32;
    let below = std::iter::successors(Some(guess), |p| Some(p.next_down()));
    let above = std::iter::successors(Some(guess), |p| Some(p.next_up()));
    let mut near = below.zip(above).take(NEIGHBOURS).flat_map(|(below, above)| [below, above]);
    near.find(|&p| margin(p) == Some(base))
}

/// The file up to its trees, with keys in XGBoost's order. Without any tree its list must be `[]`: XGBoost reads no
/// blank there.
fn head(names: &[&str], trees: usize) -> String {
    let rounds: Vec<usize> = (0..=trees).collect();
    let outputs = vec![0; trees];
    format!(
        "{{\"learner\":{{\"attributes\":{{}},\"feature_names\":{},\"feature_types\":[],\n\
         \"gradient_booster\":{{\"model\":{{\
         \"gbtree_model_param\":{{\"num_parallel_tree\":\"1\",\"num_trees\":\"{trees}\",\"size_leaf_vector\":\"0\"}},\n\
         \"iteration_indptr\":{},\n\"tree_info\":{},\n\"trees\":[",
        json!(names),
        json!(rounds),
        json!(outputs)
    )
}

/// The file after its trees.
fn tail(objective: &str, base: f32, features: usize) -> String {
    format!(
        "]}},\"name\":\"gbtree\"}},\n\
         \"learner_model_param\":{{\"base_score\":\"{base:E}\",\"boost_from_average\":\"1\",\
         \"num_class\":\"0\",\"num_feature\":\"{features}\",\"num_target\":\"1\"}},\n\
         \"objective\":{{\"name\":\"{objective}\",\"reg_loss_param\":{{\"scale_pos_weight\":\"1\"}}}}}},\n\
         \"version\":[1,7,6]}}\n"
    )
}

/// A tree as parallel arrays. Statistics of training are not known and become zeros.
fn tree_json(index: usize, tree: &Tree, features: usize) -> Result<String, ExportError> {
    let nodes = &tree.nodes;
    let mut parents = vec![NO_PARENT; nodes.len()];
    for (parent, node) in nodes.iter().enumerate() {
        let children = children(node).into_iter().flatten();
        children.for_each(|child| parents.get_mut(child).into_iter().for_each(|p| *p = parent));
    }
    let mut conditions = Vec::with_capacity(nodes.len());
    for node in nodes {
        let (&Node::Split { threshold: number, .. } | &Node::Leaf(number)) = node;
        // with an exponent the number is no integer, whatever its value
        conditions.push(format!("{:E}", single(number, || format!("trees[{index}]"))?));
    }
    let column = |entry: &dyn Fn(&Node) -> i64| json!(nodes.iter().map(entry).collect::<Vec<_>>());
    let child =
        |side: usize| column(&|node| children(node).map_or(-1, |children| children[side] as i64));
    let zeros = vec!["0E0"; nodes.len()].join(",");
    let mut text = format!("{{\"base_weights\":[{}],", conditions.join(","));
    let _ = write!(
        text,
        "\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[],\
         \"default_left\":{},\"id\":{index},\"left_children\":{},\"loss_changes\":[{zeros}],\
         \"parents\":{},\"right_children\":{},\"split_conditions\":[{}],\"split_indices\":{},\
         \"split_type\":{},\"sum_hessian\":[{zeros}],\"tree_param\":{{\"num_deleted\":\"0\",\
         \"num_feature\":\"{features}\",\"num_nodes\":\"{}\",\"size_leaf_vector\":\"0\"}}}}",
        column(&|node| i64::from(matches!(node, Node::Split { default_left: true, .. }))),
        child(0),
        json!(parents),
        child(1),
        conditions.join(","),
        column(&|node| match node {
            Node::Split { feature, .. } => feature.0 as i64,
            Node::Leaf(_) => 0,
        }),
        column(&|_| 0),
        nodes.len(),
    );
    Ok(text)
}

fn children(node: &Node) -> Option<[usize; 2]> {
    match node {
        Node::Split { left, right, .. } => Some([*left, *right]),
        Node::Leaf(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{edited, file, small, tree, two_splits};
    use super::super::xgboost;
    use super::*;
    use crate::import::chance::Chance;
    use crate::model::{Ensemble, Layer, Mlp, Point};

    fn model() -> Model {
        xgboost(file(&[tree(&two_splits()), tree(&two_splits())]).to_string().as_bytes(), None)
            .unwrap()
    }

    fn ensemble(model: &mut Model) -> &mut Ensemble {
        match &mut model.family {
            Family::Ensemble(ensemble) => ensemble,
            Family::Mlp(_) => panic!("an ensemble"),
        }
    }

    fn back(model: &Model) -> Model {
        xgboost(&to_xgboost(model).unwrap(), None).unwrap()
    }

    #[test]
    fn what_is_written_is_read_as_the_same_model() {
        for base in ["5E-1", "3E-1", "9.99999E-1", "1E-3", "4.9714285E-1"] {
            let file = edited("/learner/learner_model_param/base_score", json!(base));
            let model = xgboost(file.to_string().as_bytes(), None).unwrap();
            assert_eq!(back(&model), model, "{base}");
        }
        for base in ["-2.75E0", "0E0", "1E30"] {
            let mut file = edited("/learner/learner_model_param/base_score", json!(base));
            file["learner"]["objective"]["name"] = json!("reg:squarederror");
            let model = xgboost(file.to_string().as_bytes(), None).unwrap();
            assert_eq!((back(&model), model.classes), (model.clone(), 1), "{base}");
        }
        let mut empty = Model { classes: 1, ..model() };
        ensemble(&mut empty).trees.clear();
        assert_eq!(back(&empty), empty);
        let text = String::from_utf8(to_xgboost(&empty).unwrap()).unwrap();
        assert!(text.contains("\"trees\":[]"), "{text}");
        let named = edited("/learner/feature_names", json!(["é \"age\"", "b"]));
        let named = xgboost(named.to_string().as_bytes(), None).unwrap();
        assert_eq!(back(&named), named);
        assert_eq!(to_xgboost(&model()), to_xgboost(&model()), "same bytes");
    }

    /// Whatever the base is, its margins come back: as a probability or as a first tree.
    #[test]
    fn every_base_keeps_its_bits() {
        let mut chance = Chance(5);
        let (mut folded, mut extra) = (0, 0);
        for _ in 0..200 {
            let mut model = model();
            let base = chance.signed() * [1e-8, 0.1, 3.0, 20.0, 1e30][chance.below(5)];
            ensemble(&mut model).base = vec![f64::from(base)];
            let mut back = back(&model);
            for x in [[0.0, 0.0], [0.5, -3.0], [0.5, 0.0]] {
                let x = Point::from_floats(&x).unwrap();
                let bits = |model: &Model| model.served_scores(&x)[1].to_bits();
                assert_eq!(bits(&back), bits(&model), "{base}");
                assert_eq!(back.exact_scores(&x), model.exact_scores(&x), "{base}");
            }
            if ensemble(&mut back).trees.len() == 2 { folded += 1 } else { extra += 1 }
        }
        assert!(folded > 30 && extra > 30, "{folded} probabilities, {extra} trees");
    }

    #[test]
    fn what_xgboost_cannot_hold_is_refused() {
        let upper = Model { tie: Tie::Upper, ..model() };
        assert_eq!(to_xgboost(&upper), Err(ExportError::TieAtZero));
        let double = Model { precision: Precision::F64, ..model() };
        assert_eq!(to_xgboost(&double), Err(ExportError::Precision));
        let mut classes = Model { classes: 3, ..model() };
        ensemble(&mut classes).base = vec![0.0; 3];
        assert_eq!(to_xgboost(&classes), Err(ExportError::Classes { classes: 3 }));
        let layers = vec![Layer { weights: vec![1.0; 4], bias: vec![0.0; 2], inputs: 2 }];
        let network = Model { family: Family::Mlp(Mlp { layers }), ..model() };
        assert_eq!(to_xgboost(&network), Err(ExportError::Network));
        for value in [0.1, f64::NAN, 1e39] {
            let mut odd = model();
            ensemble(&mut odd).trees[1].nodes[1] = Node::Leaf(value);
            let refused = to_xgboost(&odd);
            let is_it = |error: &ExportError| match error {
                ExportError::Number { place, .. } => place == "trees[1]",
                _ => false,
            };
            assert!(refused.as_ref().is_err_and(is_it), "{refused:?}");
        }
        assert!(to_xgboost(&xgboost(small().to_string().as_bytes(), None).unwrap()).is_ok());
    }
}
