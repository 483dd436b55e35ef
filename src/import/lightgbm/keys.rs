//! The keys of LightGBM's files, versions v3 and v4, as its `SaveModelToString` and `DumpModel` write them.
//!
//! The keys that are not read hold statistics (`…_gain`, `…_weight`, `…_count`, `internal_value`), numbers that the
//! order gives (`tree_index`, `split_index`, `leaf_index`, `tree_sizes`), facts of training (`label_index`,
//! `monotone_constraints`, `feature_infos`, `feature_importances`) or of data frames (`pandas_categorical`), or a
//! factor that the values of the leaves already contain (`shrinkage`). Categories and linear leaves are refused
//! where a node uses them.

use crate::import::keys::{Inside, KnownKeys};

use Inside::{Any, Object, Objects};

/// Lines before the first tree.
pub(super) const HEAD: [&str; 11] = [
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "average_output",
    "feature_names",
    "monotone_constraints",
    "feature_infos",
    "tree_sizes",
];

/// Lines of a tree.
pub(super) const TREE: [&str; 22] = [
    "num_leaves",
    "num_cat",
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "cat_boundaries",
    "cat_threshold",
    "leaf_value",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "is_linear",
    "leaf_const",
    "num_features",
    "leaf_features",
    "leaf_coeff",
    "shrinkage",
];

/// The JSON form.
pub(super) const FILE: &KnownKeys = &[
    ("name", Any),
    ("version", Any),
    ("num_class", Any),
    ("num_tree_per_iteration", Any),
    ("label_index", Any),
    ("max_feature_idx", Any),
    ("objective", Any),
    ("average_output", Any),
    ("feature_names", Any),
    ("monotone_constraints", Any),
    ("feature_infos", Any),
    ("tree_info", Objects(TREE_INFO)),
    ("feature_importances", Any),
    ("pandas_categorical", Any),
];

const TREE_INFO: &KnownKeys = &[
    ("tree_index", Any),
    ("num_leaves", Any),
    ("num_cat", Any),
    ("shrinkage", Any),
    ("tree_structure", Object(&NODE)),
];

static NODE: [(&str, Inside); 19] = [
    ("split_index", Any),
    ("split_feature", Any),
    ("split_gain", Any),
    ("threshold", Any),
    ("decision_type", Any),
    ("default_left", Any),
    ("missing_type", Any),
    ("internal_value", Any),
    ("internal_weight", Any),
    ("internal_count", Any),
    ("left_child", Object(&NODE)),
    ("right_child", Object(&NODE)),
    ("leaf_index", Any),
    ("leaf_value", Any),
    ("leaf_weight", Any),
    ("leaf_count", Any),
    ("leaf_const", Any),
    ("leaf_features", Any),
    ("leaf_coeff", Any),
];
