//! `MLPClassifier` and `MLPRegressor`, alone or after a scaler. Their function is taken over; its last bits
//! depend on the library of linear algebra that scikit-learn adds up with.
//!
//! A network takes `(x − mean)/std`. The schema standardises with `scale·(x − m)`, where its own numbers are the
//! nearest float32 or those of the given data set. The first layer makes up for the difference:
//!
//! ```text
//! w' = w / (std·scale),    b' = b + Σ w·(m − mean)/std
//! ```
//!
//! The one logit of a classifier of two classes stands against 0. The value of a regressor is a plain score. Layers
//! without activation are joined into one layer.

use serde::Deserialize;

use crate::import::bounded::Bounded;
use crate::import::forest::{MAX_CLASSES, MAX_FEATURES};
use crate::import::{ImportError, Imported, Note, Rounds, features};
use crate::model::{
    Family, FeatureSpec, Kind, Layer, Link, Mlp, Model, Precision, Schema, Tie, at_most,
};

/// The name of the layout.
pub(super) const FORMAT: &str = "sklearn-mlp/1";
/// Most layers, as in native models.
const MAX_LAYERS: usize = 64;

type Vector = Bounded<f64, MAX_FEATURES>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MlpFile {
    #[serde(rename = "format")]
    _format: String,
    model: String,
    classes: usize,
    features: Bounded<String, MAX_FEATURES>,
    activation: String,
    /// The function of the last sums that scikit-learn predicts.
    output: Option<String>,
    /// A row per output.
    weights: Bounded<Bounded<Vector, MAX_FEATURES>, MAX_LAYERS>,
    bias: Bounded<Vector, MAX_LAYERS>,
    mean: Vector,
    std: Vector,
}

/// Reads the network.
pub(super) fn read(
    text: &[u8],
    schema: Option<&Schema>,
    rounds: Rounds,
) -> Result<Imported, ImportError> {
    rounds.whole()?;
    let expected = "the JSON that the lines of Python in `import --help` write";
    let refused = |reason| ImportError::Document { reason, expected };
    serde_json::from_slice::<MlpFile>(text).map_err(refused)?.into_model(schema)
}

impl MlpFile {
    fn into_model(self, given: Option<&Schema>) -> Result<Imported, ImportError> {
        let logits = self.logits()?;
        let names = self.features.all("features")?;
        let (mean, std) = (self.mean.all("means")?, self.std.all("deviations")?);
        expect_length("mean", mean.len(), names.len())?;
        expect_length("std", std.len(), names.len())?;
        if mean.iter().chain(&std).any(|number| !number.is_finite())
            || std.iter().any(|&std| std <= 0.0)
        {
            return Err(stated(
                "mean, std",
                "a number that does not scale",
                "finite numbers, std above 0",
            ));
        }
        let mut layers = layers(self.weights, self.bias, names.len())?;
        if self.activation == "identity" {
            layers = vec![joined(layers)?];
        }
        expect_length(
            "outputs of the last layer",
            layers.last().map_or(0, Layer::outputs),
            logits,
        )?;
        let schema = match given {
            Some(given) => features::fit(Some(&names), names.len(), given)?,
            None => scaled(names, &mean, &std)?,
        };
        if let Some(first) = layers.first_mut() {
            take_up(first, &schema, &mean, &std)?;
        }
        // the one logit of a classifier stands against 0; the value of a regressor is a plain score
        if self.classes == 2
            && let Some(last) = layers.last_mut()
        {
            against_zero(last);
        }
        let (classes, family) = (self.classes, Family::Mlp(Mlp { layers }));
        let model = Model {
            schema,
            precision: Precision::F64,
            tie: Tie::Lower,
            classes,
            link: Link::Softmax,
            family,
        };
        Ok(Imported { model, notes: vec![Note::Folded] })
    }

    /// Number of outputs of the network; other models are refused by name.
    fn logits(&self) -> Result<usize, ImportError> {
        let unsupported = |what, expected| Err(ImportError::Unsupported { what, expected });
        if !["relu", "identity"].contains(&self.activation.as_str()) {
            let what = format!("activation `{:.60}`", self.activation);
            return unsupported(what, "`relu` and `identity` are read");
        }
        at_most("classes", self.classes, MAX_CLASSES)?;
        let (logits, output) = match (self.model.as_str(), self.classes) {
            ("MLPClassifier", 2) => (1, "logistic"),
            ("MLPRegressor", 1) => (1, "identity"),
            ("MLPClassifier", classes) if classes > 2 => (classes, "softmax"),
            (model, classes) => {
                return unsupported(
                    format!("a `{model:.60}` of {classes} classes"),
                    "read are MLPClassifier of two or more, MLPRegressor of one",
                );
            }
        };
        match self.output.as_deref() {
            Some(found) if found == output => Ok(logits),
            Some(found) => unsupported(
                format!("a `{:.60}` that predicts the {found:.60} of its sums", self.model),
                "read are logistic of two classes, softmax of more, identity of a regressor",
            ),
            // such dumps may also hold the mean of a scaler that subtracts none
            None => unsupported(
                format!("a dump of a `{:.60}` without `output`", self.model),
                "write it anew by the lines of Python in `import --help`",
            ),
        }
    }
}

fn stated(place: &str, found: &str, expected: &'static str) -> ImportError {
    ImportError::Stated { place: place.to_owned(), found: found.to_owned(), expected }
}

fn expect_length(place: &str, found: usize, expected: usize) -> Result<(), ImportError> {
    if found == expected {
        return Ok(());
    }
    Err(ImportError::Length { place: place.to_owned(), found, expected })
}

/// Layers of finite numbers whose shapes fit one another.
fn layers(
    weights: Bounded<Bounded<Vector, MAX_FEATURES>, MAX_LAYERS>,
    bias: Bounded<Vector, MAX_LAYERS>,
    features: usize,
) -> Result<Vec<Layer>, ImportError> {
    let (weights, bias) = (weights.all("layers")?, bias.all("layers")?);
    expect_length("bias", bias.len(), weights.len())?;
    let mut inputs = features;
    let mut layers = Vec::with_capacity(weights.len());
    for (index, (rows, bias)) in weights.into_iter().zip(bias).enumerate() {
        let (rows, bias) = (rows.all("neurons of a layer")?, bias.all("neurons of a layer")?);
        expect_length(&format!("bias of layer {index}"), bias.len(), rows.len())?;
        let mut all = Vec::new();
        for row in rows {
            let row = row.all("inputs of a layer")?;
            expect_length(&format!("a row of layer {index}"), row.len(), inputs)?;
            all.extend(row.into_iter().map(|weight| weight + 0.0));
        }
        let bias: Vec<f64> = bias.into_iter().map(|bias| bias + 0.0).collect();
        if bias.is_empty() || inputs == 0 {
            return Err(stated(&format!("layer {index}"), "nothing", "inputs and neurons"));
        }
        let outputs = bias.len();
        layers.push(Layer { weights: all, bias, inputs });
        inputs = outputs;
    }
    Ok(layers)
}

/// Refuses a computed layer whose numbers are not all finite.
fn finite(layer: &Layer) -> Result<(), ImportError> {
    if layer.weights.iter().chain(&layer.bias).all(|number| number.is_finite()) {
        return Ok(());
    }
    Err(stated("weights", "a product that overflows", "products that are finite floats"))
}

/// One layer that does the same as all layers together, if there is no activation between them.
fn joined(layers: Vec<Layer>) -> Result<Layer, ImportError> {
    let mut layers = layers.into_iter();
    let first = layers.next().ok_or_else(|| stated("weights", "no layer", "at least one"))?;
    let joined = layers.fold(first, |before, after| {
        let mut all = Layer { weights: Vec::new(), bias: Vec::new(), inputs: before.inputs };
        for (row, &bias) in after.rows().zip(&after.bias) {
            let mut sum = vec![0.0; before.inputs];
            let mut constant = bias;
            for ((&weight, inner), &shift) in row.iter().zip(before.rows()).zip(&before.bias) {
                sum.iter_mut().zip(inner).for_each(|(sum, inner)| *sum += weight * inner);
                constant += weight * shift;
            }
            all.weights.extend(sum.into_iter().map(|sum| sum + 0.0));
            all.bias.push(constant + 0.0);
        }
        all
    });
    finite(&joined).map(|()| joined)
}

/// Features that are standardised as the scaler does it, in float32.
fn scaled(names: Vec<String>, mean: &[f64], std: &[f64]) -> Result<Schema, ImportError> {
    let feature = |((name, &mean), &std): ((String, &f64), &f64)| {
        let (mean, scale) = (mean as f32 + 0.0, (1.0 / std) as f32);
        let is_scale = mean.is_finite() && scale.is_normal();
        let (mean, scale) = if is_scale { (mean, scale) } else { (0.0, 1.0) };
        let kind = Kind::Real;
        FeatureSpec { name, kind, low: None, high: None, mean, scale }
    };
    Ok(Schema::new(names.into_iter().zip(mean).zip(std).map(feature).collect())?)
}

/// Makes the first layer take the schema's standardised inputs and give the result it had on the scaler's.
fn take_up(
    first: &mut Layer,
    schema: &Schema,
    mean: &[f64],
    std: &[f64],
) -> Result<(), ImportError> {
    let inputs = first.inputs;
    for (row, bias) in first.weights.chunks_exact_mut(inputs).zip(&mut first.bias) {
        for (weight, (feature, (mean, std))) in
            row.iter_mut().zip(schema.features().iter().zip(mean.iter().zip(std)))
        {
            let shift = f64::from(feature.mean) - mean;
            if shift != 0.0 {
                *bias += *weight * (shift / std);
            }
            *weight /= std * f64::from(feature.scale);
            *weight += 0.0;
        }
        *bias += 0.0;
    }
    finite(first)
}

/// Turns the one output of a layer into the second of two, the first of which is 0.
fn against_zero(last: &mut Layer) {
    let mut weights = vec![0.0; last.inputs];
    weights.append(&mut last.weights);
    last.weights = weights;
    last.bias.insert(0, 0.0);
}
