//! Rule ensembles (`rule-ensemble-v1`, `tree-ensemble-v1`): published models that were trained with
//! verified properties.
//!
//! ```text
//! score(x) = bias + Σ over rules of value·[all atoms hold],   class 1 iff score ≥ 0, or > 0: `decision`
//! ```
//!
//! Rules may overlap. Each rule becomes a tree of one path: an atom is a split, and where it holds the path goes
//! on, else a leaf of 0 ends it; the path ends in the rule's value. So everything that knows ensembles knows
//! rules, and the sum has the same terms in the same order.
//!
//! A native split is `x < t`, and `x ≤ t` becomes `x <` the next 64-bit float, which decides every row alike. On an
//! integer feature an atom may also state its cut of whole numbers, `int_cut`. It must be the one that the threshold
//! makes, and the threshold is kept: a schema may declare the feature real, and a claim may speak of real values. The
//! model has precision f32 if all its numbers are 32-bit floats, else f64.

mod file;
#[cfg(test)]
mod tests;

use crate::interval::Decimal;
use crate::model::{
    Ensemble, Family, FeatureSpec, Kind, Link, MAX_BYTES, Model, Node, Precision, Schema, Tie,
    Tree, check_json,
};

use self::file::EnsembleFile;
use super::forest::{TreePlace, grow};
use super::packed::unpack;
use super::{ImportError, features};

/// The formats expected, for messages about files that are not understood.
const EXPECTED: &str = "the JSON of `rule-ensemble-v1` or `tree-ensemble-v1`";

/// Reads a rule ensemble from the bytes of its JSON, or of its JSON in gzip.
///
/// Names, kinds and ranges are those of the file (`integer_features`, `lower_bounds`, `upper_bounds`), with
/// mean 0 and scale 1. A given schema replaces them; its names must be the file's.
///
/// # Errors
/// Another format, link or decision, by name; unknown keys; atoms whose integer cut contradicts their
/// threshold; nodes that do not form a tree.
pub fn rules(bytes: &[u8], schema: Option<&Schema>) -> Result<Model, ImportError> {
    let text = unpack(bytes, MAX_BYTES)?;
    check_json(&text)?;
    let refused = |reason| ImportError::Document { reason, expected: EXPECTED };
    serde_json::from_slice::<EnsembleFile>(&text).map_err(refused)?.into_model(schema)
}

/// The content of both formats besides rules or trees.
struct RulesHead {
    names: Vec<String>,
    is_integer: Vec<bool>,
    ranges: Vec<[Option<Decimal>; 2]>,
    bias: f64,
    tie: Tie,
}

impl RulesHead {
    /// A model of these trees. Its schema is the file's, unless another is given.
    fn into_model(self, trees: Vec<Tree>, given: Option<&Schema>) -> Result<Model, ImportError> {
        let Self { names, is_integer, ranges, bias, tie } = self;
        let schema = match given {
            Some(given) => features::fit(Some(&names), names.len(), given)?,
            None => {
                let kinds = is_integer.iter().map(|&whole| match whole {
                    true => Kind::Integer,
                    false => Kind::Real,
                });
                let feature = |((name, kind), [low, high]): (_, [Option<Decimal>; 2])| {
                    FeatureSpec { name, kind, low, high, mean: 0.0, scale: 1.0 }
                };
                Schema::new(names.into_iter().zip(kinds).zip(ranges).map(feature).collect())?
            }
        };
        if !bias.is_finite() {
            let (place, found) = ("bias".to_owned(), bias.to_string());
            return Err(ImportError::Stated { place, found, expected: "a finite number" });
        }
        let ensemble = Ensemble { base: vec![bias + 0.0], trees };
        let precision = precision(&ensemble);
        let (link, family) = (Link::Softmax, Family::Ensemble(ensemble));
        Ok(Model { schema, precision, tie, classes: 2, link, family })
    }
}

/// Precision f32 if every number is a 32-bit float, else f64.
fn precision(ensemble: &Ensemble) -> Precision {
    let is_single = |number: f64| f64::from(number as f32) == number;
    let mut nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    let are_single = nodes.all(|node| match *node {
        Node::Split { threshold: number, .. } | Node::Leaf(number) => is_single(number),
    });
    if are_single && ensemble.base.iter().all(|&base| is_single(base)) {
        return Precision::F32;
    }
    Precision::F64
}
