//! Small files as XGBoost writes them, from slots laid out by hand.

use serde_json::{Value, json};

/// What XGBoost writes for the parent of the root and the split index of a deleted node.
const NONE: i64 = 2_147_483_647;

/// A slot of a tree.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// Feature, threshold, children.
    Split(i64, f32, i64, i64),
    /// Its value.
    Leaf(f32),
    /// A pruned node.
    Deleted,
}

/// `x₀ < 0.5 ? 1 : (x₁ < −2 ? −0.25 : 0.75)`.
pub(super) fn two_splits() -> Vec<Slot> {
    use Slot::{Leaf, Split};
    vec![Split(0, 0.5, 1, 2), Leaf(1.0), Split(1, -2.0, 3, 4), Leaf(-0.25), Leaf(0.75)]
}

/// A tree as in the file. `base_weights` are not the leaf values, as for `tree_method=exact`.
pub(super) fn tree(slots: &[Slot]) -> Value {
    let column = |entry: &dyn Fn(&Slot) -> Value| -> Value { slots.iter().map(entry).collect() };
    let child = |pick: fn(i64, i64) -> i64| {
        column(&move |slot| match slot {
            Slot::Split(_, _, left, right) => json!(pick(*left, *right)),
            _ => json!(-1),
        })
    };
    let deleted = slots.iter().filter(|slot| matches!(slot, Slot::Deleted)).count();
    json!({
        "base_weights": column(&|_| json!(1000.5)),
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": column(&|slot| json!(u8::from(matches!(slot, Slot::Split(..))))),
        "id": 0,
        "left_children": child(|left, _| left),
        "right_children": child(|_, right| right),
        "loss_changes": column(&|_| json!(1.5)),
        "parents": column(&|_| json!(NONE)),
        "split_conditions": column(&|slot| match slot {
            Slot::Split(_, condition, ..) | Slot::Leaf(condition) => json!(condition),
            Slot::Deleted => json!(0.0),
        }),
        "split_indices": column(&|slot| match slot {
            Slot::Split(feature, ..) => json!(feature),
            Slot::Leaf(_) => json!(0),
            Slot::Deleted => json!(NONE),
        }),
        "split_type": column(&|_| json!(0)),
        "sum_hessian": column(&|_| json!(2.0)),
        "tree_param": {
            "num_deleted": deleted.to_string(), "num_feature": "2",
            "num_nodes": slots.len().to_string(), "size_leaf_vector": "1",
        },
    })
}

/// A file of XGBoost 3.2 over two features, with base score 0.5.
pub(super) fn file(trees: &[Value]) -> Value {
    json!({
        "learner": {
            "attributes": {}, "feature_names": [], "feature_types": [],
            "gradient_booster": {
                "model": {
                    "cats": { "enc": [], "feature_segments": [], "sorted_idx": [] },
                    "gbtree_model_param": {
                        "num_parallel_tree": "1", "num_trees": trees.len().to_string(),
                    },
                    "iteration_indptr": (0..=trees.len()).collect::<Vec<_>>(),
                    "tree_info": vec![0; trees.len()],
                    "trees": trees,
                },
                "name": "gbtree",
            },
            "learner_model_param": {
                "base_score": "[5E-1]", "boost_from_average": "1", "num_class": "0",
                "num_feature": "2", "num_target": "1",
            },
            "objective": {
                "name": "binary:logistic", "reg_loss_param": { "scale_pos_weight": "1" },
            },
        },
        "version": [3, 2, 0],
    })
}

/// The file with one tree, [`two_splits`].
pub(super) fn small() -> Value {
    file(&[tree(&two_splits())])
}

/// [`small`] with the value at `pointer` replaced; the last key may be new.
pub(super) fn edited(pointer: &str, value: Value) -> Value {
    let mut file = small();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match file.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Array(entries) => entries[key.parse::<usize>().unwrap()] = value,
        Value::Object(entries) => drop(entries.insert(key.to_owned(), value)),
        other => panic!("{other} has no entries"),
    }
    file
}

/// [`small`] without the value at `pointer`.
pub(super) fn without(pointer: &str) -> Value {
    let mut file = small();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    file
}
