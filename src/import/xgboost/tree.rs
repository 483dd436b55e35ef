//! One tree: parallel arrays over slots, of which the root, slot 0, reaches some.
//!
//! Slots of pruned nodes stay in the file and are counted in `num_deleted`. The walk from the root
//! numbers the slots it reaches breadth first and refuses to meet a slot twice. The slots it does not reach
//! must be exactly the deleted ones.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_NODES, MAX_TREE_DEPTH, TreePlace};
use crate::import::{ImportError, NodeProblem};
use crate::model::{Feature, Node, Tree};

use super::declared::{Declared, expect_length};

type FieldColumn<T> = Bounded<T, MAX_NODES>;

/// A tree of the file. Floats are read straight to f32.
#[derive(Deserialize)]
pub(super) struct BoosterTreeFile<'a> {
    /// Number of the tree. XGBoost puts a tree at this number, wherever it stands in the file.
    id: Option<u64>,
    left_children: FieldColumn<i64>,
    right_children: FieldColumn<i64>,
    split_indices: FieldColumn<i64>,
    split_conditions: FieldColumn<f32>,
    default_left: FieldColumn<Flag>,
    /// Absent in files older than categorical splits.
    split_type: Option<FieldColumn<u8>>,
    #[serde(borrow)]
    tree_param: TreeParameters<'a>,
}

#[derive(Deserialize)]
struct TreeParameters<'a> {
    #[serde(borrow)]
    num_nodes: Declared<'a>,
    #[serde(borrow)]
    num_deleted: Option<Declared<'a>>,
    #[serde(borrow)]
    size_leaf_vector: Option<Declared<'a>>,
}

/// One entry of each array.
#[derive(Clone, Copy)]
struct ArrayEntry {
    left: i64,
    right: i64,
    feature: i64,
    /// Threshold of a split, value of a leaf.
    condition: f32,
    default_left: bool,
    is_categorical: bool,
}

impl<'a> BoosterTreeFile<'a> {
    /// Reads the text of tree number `tree`.
    pub(super) fn read(text: &'a str, tree: usize) -> Result<Self, ImportError> {
        let place = || format!("tree {tree}");
        serde_json::from_str(text).map_err(|reason| ImportError::Json { place: place(), reason })
    }

    /// The native tree that adds to `output`. Its leaves are multiplied by `weight` in f32, if there is one.
    pub(super) fn into_tree(
        self,
        place: TreePlace,
        weight: Option<f32>,
        output: usize,
    ) -> Result<Tree, ImportError> {
        let TreePlace { tree, .. } = place;
        if let Some(id) = self.id.filter(|&id| id != tree as u64) {
            let (place, found) = (format!("id of tree {tree}"), id.to_string());
            return Err(ImportError::Stated {
                place,
                found,
                expected: "trees numbered from 0, in order",
            });
        }
        let leaf_values = self.tree_param.size_leaf_vector;
        if leaf_values.map_or(Ok(0), |size| size.whole("size_leaf_vector"))? > 1 {
            let (what, expected) =
                (format!("a vector leaf (tree {tree})"), "leaves have one value");
            return Err(ImportError::Unsupported { what, expected });
        }
        let deleted = self.tree_param.num_deleted;
        let deleted = deleted.map_or(Ok(0), |deleted| deleted.whole("num_deleted"))?;
        let slots = Slots { slots: self.into_slots(tree)?, weight: weight.unwrap_or(1.0), place };
        let nodes = slots.walk()?;
        let found = slots.slots.len() - nodes.len();
        if found != deleted {
            return Err(ImportError::Unreachable { tree, found, deleted });
        }
        Ok(Tree { output, nodes })
    }

    /// The arrays side by side; all have the declared length, which is at least one.
    fn into_slots(self, tree: usize) -> Result<Vec<ArrayEntry>, ImportError> {
        let nodes = self.tree_param.num_nodes.whole("num_nodes")?.max(1);
        let left = column("left_children", self.left_children, tree, nodes)?;
        let right = column("right_children", self.right_children, tree, nodes)?;
        let feature = column("split_indices", self.split_indices, tree, nodes)?;
        let condition = column("split_conditions", self.split_conditions, tree, nodes)?;
        let default_left = column("default_left", self.default_left, tree, nodes)?;
        let split_type = match self.split_type {
            Some(split_type) => column("split_type", split_type, tree, nodes)?,
            None => vec![0; nodes],
        };
        let children = left.into_iter().zip(right);
        let tests = feature.into_iter().zip(condition);
        let kinds = default_left.into_iter().zip(split_type);
        let slot = |(((left, right), (feature, condition)), (Flag(default_left), kind))| {
            let is_categorical = kind != 0;
            ArrayEntry { left, right, feature, condition, default_left, is_categorical }
        };
        Ok(children.zip(tests).zip(kinds).map(slot).collect())
    }
}

/// A column with an entry per node.
fn column<T>(
    key: &str,
    entries: FieldColumn<T>,
    tree: usize,
    nodes: usize,
) -> Result<Vec<T>, ImportError> {
    let entries = entries.all("nodes of a tree")?;
    expect_length(|| format!("{key} of tree {tree}"), entries.len(), nodes)?;
    Ok(entries)
}

/// The slots of one tree.
struct Slots {
    slots: Vec<ArrayEntry>,
    /// The weight of a tree of a `dart`; otherwise 1, which changes no bit.
    weight: f32,
    place: TreePlace,
}

impl Slots {
    /// The nodes that the root reaches, breadth first.
    fn walk(&self) -> Result<Vec<Node>, ImportError> {
        let mut is_reached = vec![false; self.slots.len()];
        // index of the slot and depth of each node, in the order of the new numbers
        let mut reached = vec![(0, 0)];
        let mut nodes = Vec::new();
        while let Some(&(index, depth)) = reached.get(nodes.len()) {
            let problem =
                |problem| ImportError::Node { tree: self.place.tree, node: index, problem };
            let (Some(slot), Some(seen)) = (self.slots.get(index), is_reached.get_mut(index))
            else {
                break; // `children` looks at every index before it is pushed
            };
            if std::mem::replace(seen, true) {
                return Err(problem(NodeProblem::ReachedTwice));
            }
            if depth > MAX_TREE_DEPTH {
                return Err(problem(NodeProblem::Depth { limit: MAX_TREE_DEPTH }));
            }
            let Some(children) = self.children(slot).map_err(problem)? else {
                nodes.push(Node::Leaf(self.leaf(slot).map_err(problem)?));
                continue;
            };
            if slot.is_categorical {
                let what = format!("a categorical split (tree {}, node {index})", self.place.tree);
                let expected = "only splits x < threshold are read";
                return Err(ImportError::Unsupported { what, expected });
            }
            let feature = self.feature(slot).map_err(problem)?;
            let (left, right) = (reached.len(), reached.len() + 1);
            // −0 becomes 0, as in every native model; no comparison tells them apart
            let threshold = f64::from(slot.condition) + 0.0;
            let default_left = slot.default_left;
            nodes.push(Node::Split { feature, threshold, left, right, default_left });
            reached.extend(children.map(|child| (child, depth + 1)));
        }
        Ok(nodes)
    }

    /// The slots of both children; `None` for a leaf.
    fn children(&self, slot: &ArrayEntry) -> Result<Option<[usize; 2]>, NodeProblem> {
        let &ArrayEntry { left, right, .. } = slot;
        if (left, right) == (-1, -1) {
            return Ok(None);
        }
        let nodes = self.slots.len();
        let child = |index| usize::try_from(index).ok().filter(|&index| index < nodes);
        match (child(left), child(right)) {
            (Some(left), Some(right)) => Ok(Some([left, right])),
            _ => Err(NodeProblem::Children { left, right, nodes }),
        }
    }

    /// The value that a leaf adds; −0 becomes 0.
    fn leaf(&self, slot: &ArrayEntry) -> Result<f64, NodeProblem> {
        let value = slot.condition * self.weight;
        if value.is_finite() { Ok(f64::from(value) + 0.0) } else { Err(NodeProblem::Overflow) }
    }

    fn feature(&self, slot: &ArrayEntry) -> Result<Feature, NodeProblem> {
        let (found, features) = (slot.feature, self.place.features);
        let known = usize::try_from(found).ok().filter(|&index| index < features);
        known.map(Feature).ok_or(NodeProblem::Feature { found, features })
    }
}

/// `false` or `true`, or 0 or 1.
#[derive(Clone, Copy, Debug)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0, 1, false or true")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
        match value {
            0 | 1 => Ok(Flag(value == 1)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
        }
    }
}
