//! The text form: `key=value` lines, a block per tree.
//!
//! Inner nodes are numbered from 0; a negative child `c` is leaf `−c − 1`.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::import::ImportError;
use crate::import::forest::{MAX_NODES, MAX_TREES, Stated};
use crate::model::at_most;

use super::{BoosterFile, Missing, categorical, keys, linear, split, zero_is_missing};

/// The line that ends the trees; a file without it was cut.
const END: &str = "end of trees";

/// Reads the text.
pub(super) fn read(bytes: &[u8]) -> Result<BoosterFile, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| stated("the file", format!("byte {}", error.valid_up_to()), "UTF-8"))?;
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some("tree") {
        let found = text.lines().next().unwrap_or_default();
        return Err(stated("line 1", found, "`tree`, or the JSON of `dump_model`"));
    }
    // before a block of each takes memory
    let trees = text.lines().filter(|line| line.trim_start().starts_with("Tree=")).count();
    at_most("trees", trees, MAX_TREES)?;
    let mut blocks = blocks(lines)?.into_iter();
    let head = blocks.next().unwrap_or_default();
    head.refuse_unknown("the head", &keys::HEAD)?;
    let number = |key| head.number("the head", key);
    Ok(BoosterFile {
        version: head.value("the head", "version")?.to_owned(),
        objective: head.value("the head", "objective")?.to_owned(),
        is_averaged: head.0.contains_key("average_output"),
        num_class: number("num_class")?,
        trees_per_iteration: number("num_tree_per_iteration")?,
        max_feature: number("max_feature_idx")?,
        names: head.value("the head", "feature_names")?.split(' ').map(str::to_owned).collect(),
        trees: blocks
            .enumerate()
            .map(|(index, block)| block.tree(index))
            .collect::<Result<_, _>>()?,
    })
}

fn stated(place: &str, found: impl Into<String>, expected: &'static str) -> ImportError {
    ImportError::Stated { place: place.to_owned(), found: found.into(), expected }
}

/// The lines of the head or of a tree, by key.
#[derive(Default)]
struct KeyedLines<'a>(BTreeMap<&'a str, &'a str>);

/// The head, then the trees in file order.
fn blocks<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<KeyedLines<'a>>, ImportError> {
    let mut blocks = vec![KeyedLines::default()];
    for line in lines {
        if line == END {
            return Ok(blocks);
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key == "Tree" {
            if value != (blocks.len() - 1).to_string() {
                return Err(stated("Tree=", value, "trees numbered from 0, in order"));
            }
            blocks.push(KeyedLines::default());
        } else if let Some(block) = blocks.last_mut()
            && !key.is_empty()
            && block.0.insert(key, value).is_some()
        {
            return Err(stated(key, "the key twice", "every key once in the head or a tree"));
        }
    }
    Err(stated("the last line", "the end of the file", "`end of trees`: the whole file"))
}

impl<'a> KeyedLines<'a> {
    fn refuse_unknown(&self, place: &str, known: &[&str]) -> Result<(), ImportError> {
        match self.0.keys().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => {
                let (place, key) = (place.to_owned(), (*key).to_owned());
                Err(ImportError::Key { place, key })
            }
        }
    }

    fn value(&self, place: &str, key: &str) -> Result<&'a str, ImportError> {
        let missing = || {
            let place = format!("{place}, {key}");
            stated(&place, "no line of this key", "the keys of `save_model`")
        };
        self.0.get(key).copied().ok_or_else(missing)
    }

    fn number<T: FromStr>(&self, place: &str, key: &str) -> Result<T, ImportError> {
        let text = self.value(place, key)?;
        text.parse().map_err(|_| stated(&format!("{place}, {key}"), text, "a number"))
    }

    /// A list of exactly `count` numbers.
    fn numbers<T: FromStr>(
        &self,
        place: &str,
        key: &str,
        count: usize,
    ) -> Result<Vec<T>, ImportError> {
        let texts: Vec<&str> = self.value(place, key)?.split_ascii_whitespace().collect();
        if texts.len() != count {
            let (place, found) = (format!("{place}, {key}"), texts.len());
            return Err(ImportError::Length { place, found, expected: count });
        }
        let number = |text: &&str| {
            text.parse().map_err(|_| stated(&format!("{place}, {key}"), *text, "a number"))
        };
        texts.iter().map(number).collect()
    }

    /// The nodes of this block: inner ones first, then the leaves.
    fn tree(&self, index: usize) -> Result<Vec<Stated>, ImportError> {
        let place = format!("tree {index}");
        self.refuse_unknown(&place, &keys::TREE)?;
        let leaves: usize = self.number(&place, "num_leaves")?;
        at_most("leaves of a tree", leaves, MAX_NODES / 2 + 1)?;
        if self.0.get("is_linear").is_some_and(|&is_linear| is_linear != "0") {
            return Err(linear(index));
        }
        let values = self.numbers::<f64>(&place, "leaf_value", leaves)?;
        let inner = leaves.saturating_sub(1);
        let mut nodes = Vec::with_capacity(inner + leaves);
        if inner > 0 {
            let features = self.numbers::<i64>(&place, "split_feature", inner)?;
            let thresholds = self.numbers::<f64>(&place, "threshold", inner)?;
            let decisions = self.numbers::<u8>(&place, "decision_type", inner)?;
            let left = self.numbers::<i64>(&place, "left_child", inner)?;
            let right = self.numbers::<i64>(&place, "right_child", inner)?;
            let tests = features.into_iter().zip(thresholds).zip(decisions);
            let children = left.into_iter().zip(right);
            for (node, (((feature, threshold), decision), (left, right))) in
                tests.zip(children).enumerate()
            {
                let missing = missing(decision, index, node)?;
                let children = [left, right].map(|child| slot(child, inner));
                nodes.push(split(feature, threshold, children, missing));
            }
        }
        nodes.extend(values.into_iter().map(Stated::Leaf));
        Ok(nodes)
    }
}

/// The node that a child number means; leaves come after the inner nodes. An inner
/// number that does not exist must not become the number of a leaf.
fn slot(child: i64, inner: usize) -> i64 {
    match usize::try_from(child) {
        Ok(node) if node < inner => child,
        Ok(_) => -1,
        Err(_) => (inner as i64).saturating_add(-(child + 1)),
    }
}

/// Reads `decision_type`: bit 0 means categorical, bit 1 that a missing value goes left;
/// bits 2 and 3 say which values are missing.
fn missing(decision: u8, tree: usize, node: usize) -> Result<(Missing, bool), ImportError> {
    let is_left = decision & 2 != 0;
    match (decision & 1, decision >> 2) {
        (1, _) => Err(categorical(tree, node)),
        (_, 0) => Ok((Missing::None, is_left)),
        (_, 1) => Err(zero_is_missing(tree, node)),
        (_, 2) => Ok((Missing::Nan, is_left)),
        _ => {
            let place = format!("tree {tree}, node {node}, decision_type");
            Err(stated(&place, decision.to_string(), "a number below 12"))
        }
    }
}
