//! Models in `f64`: scores, labels and posteriors for training, attacks and tables. No verdict rests on them, and the
//! checker is built without them.

use crate::interval::format_hexadecimal;

use super::{
    Ensemble, Family, FeatureSpec, Layer, Link, Mlp, Model, Node, Point, Schema, Tree, argmax,
};

impl Model {
    /// True if some splits send missing values left and others right, as in models that were trained with
    /// missing values. No claim is about missing values.
    pub fn has_missing_directions(&self) -> bool {
        let Family::Ensemble(ensemble) = &self.family else { return false };
        let nodes = || ensemble.trees.iter().flat_map(|tree| &tree.nodes);
        let some_go = |left: bool| {
            nodes().any(
                |node| matches!(node, Node::Split { default_left, .. } if *default_left == left),
            )
        };
        some_go(true) && some_go(false)
    }

    /// True if the scores have a posterior. Otherwise they have labels only, or not even labels.
    pub fn has_posterior(&self) -> bool {
        self.link == Link::Softmax && !self.is_plain_score()
    }

    /// Scores at a raw point in round-to-nearest `f64`, for training, attacks and tables. One per output for a
    /// network or a multi-class ensemble; an ensemble with one output gives `[0, output]`. Not a proof of
    /// anything.
    pub fn scores(&self, raw: &[f64]) -> Vec<f64> {
        match &self.family {
            Family::Mlp(mlp) => mlp.forward(&1.0, self.schema.standardise(raw)),
            Family::Ensemble(ensemble) => {
                let outputs = ensemble.scores(raw);
                if outputs.len() == 1 { vec![0.0, outputs.iter().sum()] } else { outputs }
            }
        }
    }

    /// Score of class 1 minus score of class 0, or the plain score, in round-to-nearest `f64`.
    pub fn margin(&self, raw: &[f64]) -> f64 {
        match self.scores(raw).as_slice() {
            [first, second, ..] => second - first,
            [only] => *only,
            _ => f64::NAN,
        }
    }

    /// The class with the largest score; ties by [`Tie`](super::Tie). It means nothing for a plain score; nor does
    /// [`Model::posterior`].
    pub fn label(&self, raw: &[f64]) -> usize {
        argmax(&self.scores(raw), self.tie)
    }

    /// Softmax of the scores, in `f64`.
    pub fn posterior(&self, raw: &[f64]) -> Vec<f64> {
        softmax(&self.scores(raw))
    }
}

/// `exp(s_c) / Σ exp(s)`, shifted by the largest score so that nothing overflows.
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}

impl Ensemble {
    /// The scores at a raw point, summed in tree order in `f64`.
    pub fn scores(&self, raw: &[f64]) -> Vec<f64> {
        let mut scores = self.base.clone();
        for tree in &self.trees {
            if let Some(score) = scores.get_mut(tree.output) {
                *score += tree.value(raw);
            }
        }
        scores
    }
}

impl Tree {
    /// The value of the leaf that the raw point reaches.
    pub fn value(&self, raw: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes.get(at) {
                Some(&Node::Split { feature, threshold, left, right, .. }) => {
                    at = if raw.get(feature.0).is_some_and(|x| *x < threshold) {
                        left
                    } else {
                        right
                    };
                }
                Some(&Node::Leaf(value)) => return value,
                None => return f64::NAN,
            }
        }
    }
}

impl Mlp {
    /// Two copies side by side: inputs, neurons and outputs of the first, then those of the second.
    pub fn twice(&self) -> Self {
        Self { layers: self.layers.iter().map(Layer::twice).collect() }
    }
}

impl Layer {
    /// The block-diagonal layer of two copies.
    fn twice(&self) -> Self {
        let nothing = || std::iter::repeat_n(0.0, self.inputs);
        let mut weights = Vec::with_capacity(4 * self.weights.len());
        self.rows().for_each(|row| weights.extend(row.iter().copied().chain(nothing())));
        self.rows().for_each(|row| weights.extend(nothing().chain(row.iter().copied())));
        Self { weights, bias: self.bias.repeat(2), inputs: 2 * self.inputs }
    }
}

impl Schema {
    /// `scale·(x − mean)` per feature in round-to-nearest `f64`; for training and display.
    pub fn standardise(&self, raw: &[f64]) -> Vec<f64> {
        let standardise =
            |(f, x): (&FeatureSpec, &f64)| f64::from(f.scale) * (x - f64::from(f.mean));
        self.features().iter().zip(raw).map(standardise).collect()
    }

    /// The inverse of [`Schema::standardise`], in `f64`.
    pub fn destandardise(&self, standardised: &[f64]) -> Vec<f64> {
        let undo = |(f, z): (&FeatureSpec, &f64)| z / f64::from(f.scale) + f64::from(f.mean);
        self.features().iter().zip(standardised).map(undo).collect()
    }
}

impl Point {
    /// The texts that [`Point::parse`] reads, for a point of floats.
    pub fn texts(raw: &[f64]) -> Vec<String> {
        raw.iter().map(|&x| format_hexadecimal(x)).collect()
    }
}
