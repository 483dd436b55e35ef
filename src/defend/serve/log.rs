//! The answers as an ordinary certificate: of the claim that no point within Δ of an answered one has another label than
//! the answer, over the answered points. Each answer that was not drawn has its proof; for the others nothing is claimed.

use std::collections::BTreeSet;

use crate::certificate::{Proof, Subject};
use crate::certify::{Options, Selection, Task};
use crate::interval::Decimal;
use crate::model::{CsvFile, DataSet, Digest, Files, Meta, Model, Part};
use crate::text::csv_of;

use super::super::DefendError;
use super::{AnswerGround, ServedAnswer, Server};

/// The texts of a log: a certificate, and the spec, rows and meta data that it is about.
#[derive(Clone, Debug)]
pub struct ServedLog {
    /// The certificate.
    pub certificate: String,
    /// The spec.
    pub spec: String,
    /// The answered points, with the answers as labels.
    pub rows: Vec<u8>,
    /// The meta data of the rows.
    pub meta: Vec<u8>,
}

impl Server<'_> {
    /// The log of answers; `target` is the digest of the model's file, `file` the name of the rows' file.
    ///
    /// # Errors
    /// No points, a zone without proofs, points that no data set holds.
    pub fn log(
        &self,
        target: Digest,
        file: &str,
        points: &[Vec<f64>],
        answers: &[ServedAnswer],
    ) -> Result<ServedLog, DefendError> {
        let (spec, text) = self.zone.spec().ok_or(DefendError::NoProofs)?;
        if points.is_empty() {
            return Err(DefendError::NoPoints);
        }
        let meta = meta(self.model, file, points);
        let rows = table(&meta, points, answers);
        let meta = serde_json::to_vec_pretty(&meta).expect("meta data has only text keys");
        let data = DataSet::read(&meta, &[CsvFile { name: file, bytes: &rows }])?;
        let proofs: Vec<Proof> = answers.iter().map(|answer| proof(&answer.ground)).collect();
        let task = Task {
            subject: Subject {
                model: (self.model, target),
                spec,
                data: Some(&data),
                defense: None,
            },
            selection: Selection { part: Part::Served, rows: None },
            options: Options { budget_nodes: super::zone::NODES, ..Options::default() },
        };
        let certificate = task.state(&proofs)?.text;
        Ok(ServedLog { certificate, spec: text.to_owned(), rows, meta })
    }
}

fn proof(ground: &AnswerGround) -> Proof {
    match ground {
        AnswerGround::Plain(Some(proof)) => proof.clone(),
        AnswerGround::Plain(None) | AnswerGround::Drawn | AnswerGround::Remembered => Proof::None,
    }
}

/// Meta data of answered points. Ranges are the model's; those that it does not declare are the points' own.
fn meta(model: &Model, file: &str, points: &[Vec<f64>]) -> Meta {
    let features = model.schema.features();
    let names: BTreeSet<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    let mut label = "label".to_owned();
    while names.contains(label.as_str()) {
        label.push('_');
    }
    let end = |declared: &Option<Decimal>, feature: usize, pick: fn(f64, f64) -> f64| {
        let values = points.iter().filter_map(|point| point.get(feature).copied());
        let own = || Decimal::from_f64(values.reduce(pick)?);
        declared.clone().or_else(own).expect("points are finite")
    };
    let range = |(at, feature): (usize, &crate::model::FeatureSpec)| {
        (end(&feature.low, at, f64::min), end(&feature.high, at, f64::max))
    };
    Meta {
        name: file.strip_suffix(".csv").unwrap_or(file).to_owned(),
        label,
        features: features.iter().map(|feature| feature.name.clone()).collect(),
        kinds: features.iter().map(|feature| feature.kind).collect(),
        ranges: features.iter().enumerate().map(range).collect(),
        files: Files { served: Some(file.to_owned()), ..Files::default() },
        synthetic: false,
        source: None,
        classes: Vec::new(),
        auxiliary: None,
        monotone: Default::default(),
        category_codes: Default::default(),
    }
}

/// The CSV of answered points.
fn table(meta: &Meta, points: &[Vec<f64>], answers: &[ServedAnswer]) -> Vec<u8> {
    let header: Vec<String> = std::iter::once(&meta.label).chain(&meta.features).cloned().collect();
    let record = |(point, answer): (&Vec<f64>, &ServedAnswer)| -> Vec<String> {
        let values = point.iter().map(f64::to_string);
        std::iter::once(answer.label.to_string()).chain(values).collect()
    };
    csv_of(std::iter::once(header).chain(points.iter().zip(answers).map(record))).into_bytes()
}
