//! The keys of XGBoost's files, versions 1.0 to 3.4, as its `SaveModel` functions write them.
//!
//! | key | since | why nothing depends on it |
//! |---|---|---|
//! | `attributes` | 1.0 | texts of the user's and of the wrappers; `best_iteration` is read |
//! | `feature_types`, `cats` | 1.4, 3.1 | categories of data frames: no split that is read has any |
//! | `boost_from_average` | 1.6 | training only: the base score is stated |
//! | parameters of objectives | 1.0 | losses and weights of training; sums are read as they are |
//! | `leaf_child_counts` | 1.0 to 1.2 | statistics, as `base_weights`, `loss_changes`, `sum_hessian` |
//! | `parents` | 1.0 | what the children say |
//! | `categories…` | 1.3 | of categorical splits, which are refused |
//! | `num_feature` of a tree | 1.0 | the model's is read |
//!
//! All other keys below are read.

use crate::import::keys::{Inside, KnownKeys};

use Inside::{Any, Object, Objects};

/// The whole file.
pub(super) const FILE: &KnownKeys = &[("learner", Object(LEARNER)), ("version", Any)];

const LEARNER: &KnownKeys = &[
    ("attributes", Any),
    ("feature_names", Any),
    ("feature_types", Any),
    ("gradient_booster", Object(BOOSTER)),
    ("learner_model_param", Object(PARAMETERS)),
    ("objective", Object(OBJECTIVE)),
];

const PARAMETERS: &KnownKeys = &[
    ("base_score", Any),
    ("boost_from_average", Any),
    ("num_class", Any),
    ("num_feature", Any),
    ("num_target", Any),
];

/// Keys of the objectives that are read.
const OBJECTIVE: &KnownKeys = &[
    ("name", Any),
    ("reg_loss_param", Object(&[("scale_pos_weight", Any)])),
    ("softmax_multiclass_param", Object(&[("num_class", Any)])),
    ("pseudo_huber_param", Object(&[("huber_slope", Any)])),
    ("quantile_loss_param", Object(&[("quantile_alpha", Any)])),
];

/// Keys of a `gbtree`, and of a `dart` up to 3.2, which holds a `gbtree`.
const BOOSTER: &KnownKeys = &[
    ("name", Any),
    ("model", Object(MODEL)),
    ("gbtree", Object(&[("name", Any), ("model", Object(MODEL))])),
    ("weight_drop", Any),
];

const MODEL: &KnownKeys = &[
    ("cats", Object(&[("enc", Any), ("feature_segments", Any), ("sorted_idx", Any)])),
    (
        "gbtree_model_param",
        Object(&[("num_parallel_tree", Any), ("num_trees", Any), ("size_leaf_vector", Any)]),
    ),
    ("iteration_indptr", Any),
    ("tree_info", Any),
    ("trees", Objects(TREE)),
    ("weight_drop", Any),
];

const TREE: &KnownKeys = &[
    ("base_weights", Any),
    ("categories", Any),
    ("categories_nodes", Any),
    ("categories_segments", Any),
    ("categories_sizes", Any),
    ("default_left", Any),
    ("id", Any),
    ("leaf_child_counts", Any),
    ("left_children", Any),
    ("loss_changes", Any),
    ("parents", Any),
    ("right_children", Any),
    ("split_conditions", Any),
    ("split_indices", Any),
    ("split_type", Any),
    ("sum_hessian", Any),
    (
        "tree_param",
        Object(&[
            ("num_deleted", Any),
            ("num_feature", Any),
            ("num_nodes", Any),
            ("size_leaf_vector", Any),
        ]),
    ),
];
