//! The JSON form: nodes inside one another.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_FEATURES, MAX_NODES, MAX_TREE_DEPTH, MAX_TREES, Stated};
use crate::import::keys::refuse_unknown;
use crate::model::{at_most, check_json_to_depth};

use super::{BoosterFile, Missing, categorical, keys, linear, split, zero_is_missing};

/// Nesting of a tree with the longest path: the file, `tree_info`, its entry, and a level per node.
const MAX_DEPTH: usize = MAX_TREE_DEPTH + 4;

/// Numbers beyond this size are written as this one, infinity too.
const CLIPPED: f64 = 1e300;

/// The whole file. Keys that prediction does not need are skipped, here and below; [`super::keys`] says which
/// there may be.
#[derive(Deserialize)]
struct DumpFile<'a> {
    version: String,
    objective: String,
    #[serde(default)]
    average_output: bool,
    num_class: usize,
    num_tree_per_iteration: usize,
    max_feature_idx: usize,
    feature_names: Bounded<String, MAX_FEATURES>,
    #[serde(borrow)]
    tree_info: Bounded<&'a RawValue, MAX_TREES>,
}

#[derive(Deserialize)]
struct LightgbmTree {
    num_leaves: usize,
    tree_structure: NodeFile,
}

/// A leaf has a value, an inner node the rest.
#[derive(Deserialize)]
struct NodeFile {
    leaf_value: Option<f64>,
    #[serde(default)]
    leaf_const: Option<f64>,
    split_feature: Option<i64>,
    /// A number, or a text for categories.
    threshold: Option<serde_json::Value>,
    decision_type: Option<String>,
    default_left: Option<bool>,
    missing_type: Option<String>,
    left_child: Option<Box<NodeFile>>,
    right_child: Option<Box<NodeFile>>,
}

/// Reads the JSON.
pub(super) fn read(bytes: &[u8]) -> Result<BoosterFile, ImportError> {
    check_json_to_depth(bytes, MAX_DEPTH)?;
    let expected = "the finite numbers and the keys of LightGBM's `dump_model`";
    let refused = |reason| ImportError::Document { reason, expected };
    let file: DumpFile = serde_json::from_slice(bytes).map_err(refused)?;
    let convert = |(tree, text): (usize, &&RawValue)| {
        let file: LightgbmTree = serde_json::from_str(text.get()).map_err(refused)?;
        at_most("leaves of a tree", file.num_leaves, MAX_NODES / 2 + 1)?;
        let mut walk = Walk { tree, nodes: Vec::new() };
        walk.push(file.tree_structure)?;
        let leaves = walk.nodes.len() / 2 + 1;
        if leaves != file.num_leaves {
            let (place, found) = (format!("leaves of tree {tree}"), leaves);
            return Err(ImportError::Length { place, found, expected: file.num_leaves });
        }
        Ok(walk.nodes)
    };
    let trees = file.tree_info.all("trees")?;
    let booster = BoosterFile {
        version: file.version,
        objective: file.objective,
        is_averaged: file.average_output,
        num_class: file.num_class,
        trees_per_iteration: file.num_tree_per_iteration,
        max_feature: file.max_feature_idx,
        names: file.feature_names.all("feature names")?,
        trees: trees.iter().enumerate().map(convert).collect::<Result<_, _>>()?,
    };
    // an averaged model is refused for being averaged, not for its keys
    if !booster.is_averaged {
        refuse_unknown(bytes, keys::FILE)?;
    }
    Ok(booster)
}

struct Walk {
    tree: usize,
    /// A node stands before its left part, and the left part before the right part.
    nodes: Vec<Stated>,
}

impl Walk {
    /// Adds a node and everything below it; it recurses as deep as the JSON, whose depth is limited.
    fn push(&mut self, file: NodeFile) -> Result<(), ImportError> {
        let (tree, node) = (self.tree, self.nodes.len());
        if file.leaf_const.is_some() {
            return Err(linear(tree));
        }
        let other = |place: String, found: String, expected| {
            Err(ImportError::Stated {
                place: format!("tree {tree}, node {node}{place}"),
                found,
                expected,
            })
        };
        let (feature, left, right) = match (file.split_feature, file.left_child, file.right_child) {
            (None, None, None) => match file.leaf_value {
                Some(value) => {
                    self.nodes.push(Stated::Leaf(value));
                    return Ok(());
                }
                None => return other(String::new(), "no keys".to_owned(), "a leaf or a split"),
            },
            (Some(feature), Some(left), Some(right)) => (feature, left, right),
            _ => return other(String::new(), "some keys".to_owned(), "a feature and two children"),
        };
        let decision = file.decision_type.unwrap_or_default();
        match decision.as_str() {
            "<=" => {}
            "==" => return Err(categorical(tree, node)),
            _ => return other(", decision_type".to_owned(), decision, "`<=`"),
        }
        let missing = match file.missing_type.unwrap_or_default().as_str() {
            "None" => Missing::None,
            "NaN" => Missing::Nan,
            "Zero" => return Err(zero_is_missing(tree, node)),
            found => return other(", missing_type".to_owned(), found.to_owned(), "None or NaN"),
        };
        let Some(threshold) = file.threshold.as_ref().and_then(serde_json::Value::as_f64) else {
            let found = file.threshold.map_or("nothing".to_owned(), |found| found.to_string());
            return other(", threshold".to_owned(), found, "a number");
        };
        if threshold.abs() >= CLIPPED {
            let (place, found) = (", threshold".to_owned(), format!("{threshold:e}"));
            return other(
                place,
                found,
                "one below 1e300, beyond which dump_model writes 1e300: take save_model's text",
            );
        }
        self.nodes.push(Stated::Leaf(0.0));
        let first = self.nodes.len() as i64;
        self.push(*left)?;
        let children = [first, self.nodes.len() as i64];
        self.push(*right)?;
        let missing = (missing, file.default_left.unwrap_or(false));
        if let Some(place) = self.nodes.get_mut(node) {
            *place = split(feature, threshold, children, missing);
        }
        Ok(())
    }
}
