//! Writing of `model/1`: numbers read back to the same bits.

use std::fmt::Write;

use serde_json::json;

use super::{Ensemble, Family, FeatureSpec, Link, Mlp, Model, Node, Precision, Tree};

impl Model {
    /// The text of the file: one line per feature, layer and tree.
    pub fn to_json(&self) -> String {
        let precision = self.precision;
        let link = match self.link {
            Link::Softmax => String::new(),
            Link::None => ",\"link\":\"none\"".to_owned(),
        };
        let mut text = format!(
            "{{\"format\":\"model/1\",\"family\":{},\"precision\":{},\"tie\":{},\"classes\":{}{link},\n\"features\":[\n",
            json!(self.family_name()),
            json!(precision),
            json!(self.tie),
            self.classes,
        );
        let features = self.schema.features().iter().map(feature_json);
        push_lines(&mut text, features);
        match &self.family {
            Family::Mlp(mlp) => {
                text.push_str("],\n\"layers\":[\n");
                push_lines(&mut text, layers_json(mlp, precision));
            }
            Family::Ensemble(Ensemble { base, trees }) => {
                let _ = write!(text, "],\n\"base\":{},\n\"trees\":[\n", numbers(base, precision));
                push_lines(&mut text, trees.iter().map(|tree| tree_json(tree, precision)));
            }
        }
        text.push_str("]}\n");
        text
    }
}

fn push_lines(text: &mut String, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index > 0 {
            text.push_str(",\n");
        }
        text.push_str(&line);
    }
    text.push('\n');
}

fn feature_json(feature: &FeatureSpec) -> String {
    let FeatureSpec { name, kind, low, high, mean, scale } = feature;
    let mut line = format!("{{\"name\":{},\"kind\":{}", json!(name), json!(kind));
    for (key, end) in [("low", low), ("high", high)] {
        if let Some(end) = end {
            let _ = write!(line, ",\"{key}\":{}", json!(end));
        }
    }
    let both = [f64::from(*mean), f64::from(*scale)];
    let [mean, scale] = both.map(|value| number(value, Precision::F32));
    let _ = write!(line, ",\"mean\":{mean},\"scale\":{scale}}}");
    line
}

/// The shortest decimal that reads back to the same float of that precision.
fn number(value: f64, precision: Precision) -> String {
    let text = match precision {
        Precision::F32 => serde_json::to_string(&(value as f32)),
        Precision::F64 => serde_json::to_string(&value),
    };
    text.expect("a float has a JSON text")
}

fn numbers(values: &[f64], precision: Precision) -> String {
    let texts: Vec<String> = values.iter().map(|&value| number(value, precision)).collect();
    format!("[{}]", texts.join(","))
}

fn layers_json(mlp: &Mlp, precision: Precision) -> impl Iterator<Item = String> {
    mlp.layers.iter().map(move |layer| {
        let rows: Vec<String> = layer.rows().map(|row| numbers(row, precision)).collect();
        let bias = numbers(&layer.bias, precision);
        format!("{{\"weights\":[\n{}],\n\"bias\":{bias}}}", rows.join(",\n"))
    })
}

fn tree_json(tree: &Tree, precision: Precision) -> String {
    let column = |value: &dyn Fn(&Node) -> String| {
        let texts: Vec<String> = tree.nodes.iter().map(value).collect();
        format!("[{}]", texts.join(","))
    };
    let feature = column(&|node| match node {
        Node::Split { feature, .. } => feature.0.to_string(),
        Node::Leaf(_) => "0".to_owned(),
    });
    let threshold = column(&|node| match node {
        Node::Split { threshold, .. } => number(*threshold, precision),
        Node::Leaf(_) => "0".to_owned(),
    });
    let left = column(&|node| match node {
        Node::Split { left, .. } => left.to_string(),
        Node::Leaf(_) => "-1".to_owned(),
    });
    let right = column(&|node| match node {
        Node::Split { right, .. } => right.to_string(),
        Node::Leaf(_) => "-1".to_owned(),
    });
    let default_left = column(&|node| match node {
        Node::Split { default_left, .. } => u8::from(*default_left).to_string(),
        Node::Leaf(_) => "0".to_owned(),
    });
    let leaf = column(&|node| match node {
        Node::Split { .. } => "0".to_owned(),
        Node::Leaf(value) => number(*value, precision),
    });
    format!(
        "{{\"output\":{},\"feature\":{feature},\"threshold\":{threshold},\"left\":{left},\"right\":{right},\"default-left\":{default_left},\"leaf\":{leaf}}}",
        tree.output
    )
}
