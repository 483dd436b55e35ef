//! Small files as XGBoost writes them, from slots laid out by hand.

use serde_json::{Value, json};

/// The number that XGBoost writes for the parent of the root and for the split index of a deleted node.
const NONE: i64 = 2_147_483_647;

/// A slot of a tree.
#[derive(Clone, Debug)]
pub(crate) enum TreeSlot {
    /// Feature, threshold, children.
    Split(i64, f32, i64, i64),
    /// A leaf with its value.
    Leaf(f32),
    /// A pruned node.
    Deleted,
}

/// `x₀ < 0.5 ? 1 : (x₁ < −2 ? −0.25 : 0.75)`.
pub(crate) fn two_splits() -> Vec<TreeSlot> {
    use TreeSlot::{Leaf, Split};
    vec![Split(0, 0.5, 1, 2), Leaf(1.0), Split(1, -2.0, 3, 4), Leaf(-0.25), Leaf(0.75)]
}

/// A tree as in the file. `base_weights` are not the leaf values, as for `tree_method=exact`.
pub(crate) fn tree(slots: &[TreeSlot]) -> Value {
    let column =
        |entry: &dyn Fn(&TreeSlot) -> Value| -> Value { slots.iter().map(entry).collect() };
    let child = |pick: fn(i64, i64) -> i64| {
        column(&move |slot| match slot {
            TreeSlot::Split(_, _, left, right) => json!(pick(*left, *right)),
            _ => json!(-1),
        })
    };
    let deleted = slots.iter().filter(|slot| matches!(slot, TreeSlot::Deleted)).count();
    json!({
        "base_weights": column(&|_| json!(1000.5)),
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": column(&|slot| json!(u8::from(matches!(slot, TreeSlot::Split(..))))),
        "id": 0,
        "left_children": child(|left, _| left),
        "right_children": child(|_, right| right),
        "loss_changes": column(&|_| json!(1.5)),
        "parents": column(&|_| json!(NONE)),
        "split_conditions": column(&|slot| match slot {
            TreeSlot::Split(_, condition, ..) | TreeSlot::Leaf(condition) => json!(condition),
            TreeSlot::Deleted => json!(0.0),
        }),
        "split_indices": column(&|slot| match slot {
            TreeSlot::Split(feature, ..) => json!(feature),
            TreeSlot::Leaf(_) => json!(0),
            TreeSlot::Deleted => json!(NONE),
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
pub(crate) fn file(trees: &[Value]) -> Value {
    let mut trees = trees.to_vec();
    for (number, tree) in trees.iter_mut().enumerate() {
        tree["id"] = json!(number);
    }
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
pub(crate) fn small() -> Value {
    file(&[tree(&two_splits())])
}

/// [`small`] with the value at `pointer` replaced; the last key may be new.
pub(crate) fn edited(pointer: &str, value: Value) -> Value {
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
pub(crate) fn without(pointer: &str) -> Value {
    let mut file = small();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    file
}

/// [`small`] as a `dart` with these weights.
pub(crate) fn dart(weights: &[f32]) -> Value {
    let mut file = small();
    let booster = &mut file["learner"]["gradient_booster"];
    let trees = booster.take();
    *booster = json!({ "name": "dart", "gbtree": trees, "weight_drop": weights });
    file
}

/// A file of three classes: one tree of a single leaf for each entry, which adds to that output.
pub(crate) fn three_classes(base: &str, outputs: &[usize], leaves: &[f32]) -> Value {
    let trees: Vec<Value> = leaves.iter().map(|&leaf| tree(&[TreeSlot::Leaf(leaf)])).collect();
    let mut file = file(&trees);
    file["learner"]["gradient_booster"]["model"]["tree_info"] = json!(outputs);
    file["learner"]["learner_model_param"]["num_class"] = json!("3");
    file["learner"]["learner_model_param"]["base_score"] = json!(base);
    file["learner"]["objective"]["name"] = json!("multi:softprob");
    file
}

/// The same content as UBJSON: arrays of floats, of integers and of 0 and 1 are typed, as XGBoost does.
pub(crate) fn ubjson(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    bytes
}

fn length(length: usize, bytes: &mut Vec<u8>) {
    bytes.push(b'L');
    bytes.extend((length as u64).to_be_bytes());
}

fn write(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(b'Z'),
        Value::Bool(is_true) => bytes.push(if *is_true { b'T' } else { b'F' }),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => {
                bytes.push(b'L');
                bytes.extend(whole.to_be_bytes());
            }
            None => {
                bytes.push(b'd');
                bytes.extend((number.as_f64().unwrap() as f32).to_be_bytes());
            }
        },
        Value::String(text) => {
            bytes.push(b'S');
            length(text.len(), bytes);
            bytes.extend(text.bytes());
        }
        Value::Array(entries) => array(entries, bytes),
        Value::Object(entries) => {
            bytes.push(b'{');
            for (key, entry) in entries {
                length(key.len(), bytes);
                bytes.extend(key.bytes());
                write(entry, bytes);
            }
            bytes.push(b'}');
        }
    }
}

fn array(entries: &[Value], bytes: &mut Vec<u8>) {
    bytes.push(b'[');
    let marker = if entries.is_empty() || !entries.iter().all(Value::is_number) {
        entries.iter().for_each(|entry| write(entry, bytes));
        bytes.push(b']');
        return;
    } else if entries.iter().any(Value::is_f64) {
        b'd'
    } else if entries.iter().all(|entry| entry.as_u64().is_some_and(|entry| entry < 2)) {
        b'U'
    } else {
        b'l'
    };
    bytes.extend([b'$', marker, b'#']);
    length(entries.len(), bytes);
    for entry in entries {
        match marker {
            b'd' => bytes.extend((entry.as_f64().unwrap() as f32).to_be_bytes()),
            b'U' => bytes.push(entry.as_u64().unwrap() as u8),
            _ => bytes.extend((entry.as_i64().unwrap() as i32).to_be_bytes()),
        }
    }
}
