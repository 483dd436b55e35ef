//! Decoys of adaptive misinformation that are models: their training, and the answers behind them.
//!
//! ```text
//! minimise mean −ln(1 − M(x)_t)        t the label of a training row, or the target's label at an outlier
//! ```
//!
//! With two classes `1 − M_t = M_{1−t}`: reverse cross entropy (Kariyappa and Qureshi, CVPR 2020) is cross entropy on turned
//! labels, but for the 10⁻⁷ by which the published code bounds it. So a network is trained as a natural one of the target's
//! widths is, and an ensemble is boosted with as many trees of the same depth. The target is left as it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::dataset::{ValidBox, shuffled};
use crate::defense::{AdaptiveMisinformation, Defense, DefenseError};
use crate::interval::{Rational, sigmoid};
use crate::model::{DataSet, Digest, Family, Model, ModelError, Node, Part, Point, Row, Tree};
use crate::train::mlp::{self, MlpOptions};
use crate::train::trees::{self, TreeOptions};

use super::DefendError;

/// The stream of the seed from which outliers are drawn.
const OUTLIER_STREAM: u64 = 17;

/// The points away from the data on which a decoy learns to be wrong, as many as there are training rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecoyOutliers {
    /// Training rows only.
    None,
    /// Uniform on the valid box.
    #[default]
    Uniform,
    /// Training rows, each column in an order of its own.
    Shuffled,
}

impl DecoyOutliers {
    /// All sets, by their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("none", Self::None), ("uniform", Self::Uniform), ("shuffled", Self::Shuffled)];

    /// The points that a decoy learns to be wrong on, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "training rows",
            Self::Uniform => "training rows and as many uniform points",
            Self::Shuffled => "training rows and as many with shuffled columns",
        }
    }
}

/// A decoy with the text of its file.
#[derive(Clone, Debug)]
pub struct DecoyModel {
    model: Arc<Model>,
    digest: Digest,
    /// The text of its file (model/1).
    pub text: Vec<u8>,
}

impl DecoyModel {
    /// The decoy in the bytes of a file (model/1).
    ///
    /// # Errors
    /// Bytes that are no model.
    pub fn read(text: Vec<u8>) -> Result<Self, ModelError> {
        let model = Arc::new(Model::read(&text)?);
        Ok(Self { model, digest: Digest::of(&text), text })
    }

    /// Trains a decoy for `target`: a model of the same family and size whose labels are wrong.
    ///
    /// # Errors
    /// Rows that no such model can be trained on, other than two classes.
    pub fn train(
        target: &Model,
        data: &DataSet,
        outliers: DecoyOutliers,
        seed: u64,
    ) -> Result<Self, DefendError> {
        if target.classes != 2 {
            let kind = "adaptive-misinformation";
            return Err(DefendError::Classes { kind, found: target.classes });
        }
        let schema = &target.schema;
        let turned = |row: &Row| Row { label: 1 - row.label.min(1), ..row.clone() };
        let mut train: Vec<Row> = data.part(Part::Train).iter().map(turned).collect();
        let validation: Vec<Row> = data.part(Part::Validation).iter().map(turned).collect();
        let wrong = |values: Vec<f64>| Row {
            label: 1 - target.label(&values).min(1),
            values,
            key: Digest::of(b""),
        };
        train.extend(points(target, data.part(Part::Train), outliers, seed).into_iter().map(wrong));
        let mut model = match &target.family {
            Family::Mlp(network) => {
                let widths = network.layers.iter().map(|layer| layer.bias.len());
                let hidden = widths.take(network.layers.len().saturating_sub(1)).collect();
                let options = MlpOptions { hidden, seed, ..MlpOptions::default() };
                mlp::train(schema, 2, &train, &validation, &options, &mut |_| {})
            }
            Family::Ensemble(ensemble) => {
                let depth = ensemble.trees.iter().map(deepest).max().unwrap_or(0);
                let (trees, depth) = (ensemble.trees.len().clamp(1, 10_000), depth.clamp(1, 15));
                let options = TreeOptions { trees, depth, ..TreeOptions::default() };
                trees::train(schema, 2, &train, &validation, &options, &mut |_| {})
            }
        }
        .map_err(DefendError::Decoy)?;
        model.tie = target.tie;
        let text = model.to_json().into_bytes();
        Self::read(text).map_err(DefendError::DecoyFile)
    }

    /// The digest of its file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The defense with this decoy at hand.
    ///
    /// # Errors
    /// A defense that names another, or none.
    pub fn attach(&self, defense: Defense) -> Result<Defense, DefenseError> {
        defense.with_decoy(Arc::clone(&self.model), self.digest)
    }
}

/// The file of the decoy of the defense in `NAME.json`: `NAME.decoy.json` beside it.
pub fn decoy_file(defense: &Path) -> PathBuf {
    defense.with_extension("decoy.json")
}

/// Splits on the longest way to a leaf.
fn deepest(tree: &Tree) -> usize {
    let mut depths = vec![(0, 0)];
    let mut most = 0;
    while let Some((node, depth)) = depths.pop() {
        most = most.max(depth);
        if let Some(Node::Split { left, right, .. }) = tree.nodes.get(node) {
            depths.extend([(*left, depth + 1), (*right, depth + 1)]);
        }
    }
    most
}

/// The points of the set.
fn points(target: &Model, rows: &[Row], outliers: DecoyOutliers, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(OUTLIER_STREAM);
    match outliers {
        DecoyOutliers::None => Vec::new(),
        DecoyOutliers::Uniform => {
            let valid = ValidBox::new(&target.schema);
            rows.iter().map(|_| valid.uniform(&mut rng)).collect()
        }
        DecoyOutliers::Shuffled => shuffled(rows, rows.len(), &mut rng),
    }
}

/// `(1 − a)·F + a·M`, in `f64`.
pub(super) fn misinformed(
    map: &AdaptiveMisinformation,
    posterior: &[f64],
    own: usize,
    decoy: &[f64],
) -> Vec<f64> {
    let weight = map.weight(posterior[own]);
    posterior.iter().zip(decoy).map(|(f, m)| (1.0 - weight) * f + weight * m).collect()
}

/// True if the answer to the label `own` is above ½ for certain; `None` at points without exact scores.
pub(super) fn is_kept(
    map: &AdaptiveMisinformation,
    scores: &[Rational],
    own: usize,
    (decoy, raw): (&Model, &[f64]),
) -> Option<bool> {
    let posterior = |scores: &[Rational]| match scores {
        [zero, one] => Some(sigmoid(&if own == 1 { one - zero } else { zero - one })),
        _ => None,
    };
    let (low, high) = posterior(scores)?;
    let (wrong, _) = posterior(&decoy.exact_scores(&Point::from_floats(raw)?))?;
    // (1 − a)·p + a·m
    let (least, most) = (map.share(&low).0, map.share(&high).1);
    let mixed = &(&least * &low) + &(&(&Rational::ONE - &most) * &wrong);
    Some(mixed > Rational::half())
}
