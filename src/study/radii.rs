//! Radii with their proofs: for each point a `label` claim on a closed ball that holds, and one on a
//! slightly larger ball that a witness refutes. Also a summary of the radii of many rows.

use rayon::prelude::*;

use crate::certificate::{Proof, Settings, Subject, check_file};
use crate::certify::ensemble::{Radii, Radius};
use crate::certify::{Certificate, CertifyError, Options, Selection, Task};
use crate::interval::Decimal;
use crate::model::{CsvFile, DataSet, Digest, FeatureSpec, Files, Meta, Model, Part, Point, Row};
use crate::report::RadiiReport;
use crate::spec::{Norm, Spec};
use crate::text::csv_of;

use super::{ManifestEntry, StudyError};

/// Most boxes looked at per row of a report.
const BUDGET_NODES: u64 = 100_000;

/// A summary of the radii of rows; `None` for a model without radii.
pub fn summary(model: &Model, rows: &[Row]) -> Option<RadiiReport> {
    let radii = Radii::new(model, Norm::Linf).ok()?;
    let at = |row: &Row| radii.at(&radii.served(&row.values), BUDGET_NODES);
    let measured: Vec<Radius> = rows.par_iter().filter_map(at).collect();
    Some(summarise(&measured))
}

/// A summary of radii that were measured.
pub fn summarise(measured: &[Radius]) -> RadiiReport {
    let mut lower: Vec<f64> = measured.iter().map(|radius| radius.lower).collect();
    lower.sort_by(f64::total_cmp);
    let count =
        |is_counted: fn(&&Radius) -> bool| measured.iter().filter(is_counted).count() as u64;
    let quartile = |quarters: usize| {
        let rank = (quarters * lower.len()).div_ceil(4);
        lower.get(rank.checked_sub(1)?).copied().filter(|radius| radius.is_finite())
    };
    RadiiReport {
        rows: measured.len() as u64,
        exact: count(|radius| radius.is_exact),
        zero: count(|radius| radius.upper == 0.0),
        quartiles: [1, 2, 3].map(quartile),
    }
}

/// The files kept for the radius of one point.
#[derive(Debug)]
pub struct Kept {
    /// The files, by name and text.
    pub files: Vec<(String, String)>,
    /// The manifest entries of the certificates among them.
    pub entries: Vec<ManifestEntry>,
    /// True if the kernel, reading them anew, proves the ball and confirms the witness, if there is one.
    pub is_checked: bool,
}

/// Endings of the file names of a point.
pub const ENDINGS: [&str; 6] = ["toml", "jsonl", "flip.toml", "flip.jsonl", "csv", "meta.json"];

/// A point whose radius is kept.
pub struct Anchor<'a> {
    /// The model with the digest of its file, and the name of that file in a manifest.
    pub model: (&'a Model, Digest, &'a str),
    /// The radii of the model.
    pub radii: &'a Radii<'a>,
    /// The start of the names of its files.
    pub name: &'a str,
    /// The raw point.
    pub raw: &'a [f64],
}

/// The row that a claim about one point is made for. It is taken from `train`, because validation takes one of
/// several rows away; every row is the same point.
const SELECTION: Selection = Selection { part: Part::Train, rows: Some(1) };

/// The certificates of a radius: `NAME.jsonl` proves the ball of radius [`Radius::epsilon`], and
/// `NAME.flip.jsonl` holds the witness, which refutes the ball that just reaches it. `NAME.csv` holds the point
/// once for every class, because a data set has rows of all classes; the claimed label is the
/// predicted one.
pub fn keep(anchor: &Anchor, radius: &Radius, budget: u64) -> Result<Kept, StudyError> {
    let Anchor { name, raw, radii, .. } = anchor;
    let (meta, csv) = data_of(anchor);
    let csv_name = format!("{name}.csv");
    let files = [CsvFile { name: &csv_name, bytes: csv.as_bytes() }];
    let data = DataSet::read(meta.as_bytes(), &files).map_err(CertifyError::from)?;
    let mut kept = Kept { files: Vec::new(), entries: Vec::new(), is_checked: true };
    let epsilon = if radius.epsilon.is_finite() { radius.epsilon } else { radii.span(raw) };
    let options = Options { budget_nodes: budget, attack_starts: 0, ..Options::default() };
    let proof = BallClaim { anchor, data: &data, options, epsilon };
    kept.add(&proof, "", None)?;
    // smaller distances have no decimal that a spec takes; distances larger than all floats have no decimal at all
    let distance = |witness: &Vec<f64>| radii.distance_up(raw, witness).max(SMALLEST);
    let flip = radius.witness.as_ref().map(|witness| (witness, distance(witness)));
    if let Some((witness, epsilon)) = flip.filter(|(_, epsilon)| epsilon.is_finite()) {
        kept.add(&BallClaim { epsilon, ..proof }, ".flip", Some(witness))?;
    }
    kept.files.push((csv_name, csv));
    kept.files.push((format!("{name}.meta.json"), meta));
    Ok(kept)
}

/// A claim about the ball of one radius.
struct BallClaim<'a> {
    anchor: &'a Anchor<'a>,
    data: &'a DataSet,
    options: Options,
    epsilon: f64,
}

impl Kept {
    /// Adds a spec with its certificate, and has the certificate checked.
    fn add(
        &mut self,
        claimed: &BallClaim,
        suffix: &str,
        witness: Option<&[f64]>,
    ) -> Result<(), StudyError> {
        let BallClaim { anchor, data, options, epsilon } = claimed;
        let (model, digest, model_name) = anchor.model;
        let text = spec_text(*epsilon, anchor.radii);
        let spec = Spec::read(text.as_bytes())?;
        let subject =
            Subject { model: (model, digest), spec: &spec, data: Some(data), defense: None };
        let task = Task { subject, selection: SELECTION, options: *options };
        let Certificate { text: certificate, .. } = match witness {
            Some(point) => {
                task.state(&[Proof::Counterexample { points: vec![Point::texts(point)] }])?
            }
            None => task.certify(&mut |_, _| {})?,
        };
        let mut bytes = certificate.as_bytes();
        let checked = check_file(&subject, &mut bytes, Settings::default(), &mut |_| {})?;
        let totals = checked.tally.all;
        let answered = if witness.is_some() { totals.refuted } else { totals.proved };
        self.is_checked &= checked.is_as_stated() && answered == 1;
        let file = |ending: &str| format!("{}{suffix}.{ending}", anchor.name);
        self.entries.push(ManifestEntry {
            certificate: file("jsonl"),
            model: model_name.to_owned(),
            spec: file("toml"),
            data: Some(format!("{}.csv", anchor.name)),
            defense: None,
        });
        self.files.push((file("toml"), text));
        self.files.push((file("jsonl"), certificate));
        Ok(())
    }
}

/// 2⁻⁶⁰⁰. A float at least as large has at most 700 decimal places.
const SMALLEST: f64 = f64::from_bits((1023 - 600) << 52);

/// The spec that the real function has the point's label on the closed ball of radius ε.
fn spec_text(epsilon: f64, radii: &Radii) -> String {
    let (norm, integers) = (radii.norm(), radii.integers());
    format!(
        "property = \"label\"\nepsilon = \"{}\"\nnorm = \"{norm}\"\nlabel = \"predicted\"\n\
         semantics = \"real\"\nintegers = \"{integers}\"\n",
        decimal(epsilon)
    )
}

/// The decimal that equals this float; 0 for a float below all decimals that a spec takes.
fn decimal(x: f64) -> String {
    Decimal::exactly(x).map_or_else(|| "0".to_owned(), |decimal| decimal.to_string())
}

/// Meta data and table of the data set of a single point.
fn data_of(anchor: &Anchor) -> (String, String) {
    let features = anchor.model.0.schema.features();
    let names: Vec<String> = features.iter().map(|f| f.name.clone()).collect();
    let mut label = "label".to_owned();
    while names.contains(&label) {
        label.push('_');
    }
    let csv = points_of(anchor, &names, &label);
    let meta = Meta {
        name: anchor.name.to_owned(),
        label,
        features: names,
        kinds: features.iter().map(|f| f.kind).collect(),
        ranges: features.iter().zip(anchor.raw).map(range_of).collect(),
        files: Files { train: Some(format!("{}.csv", anchor.name)), ..Files::default() },
        synthetic: false,
        source: None,
        classes: Vec::new(),
        auxiliary: None,
        monotone: Default::default(),
        category_codes: Default::default(),
    };
    let meta = serde_json::to_string(&meta).expect("texts and numbers have a JSON");
    (meta + "\n", csv)
}

/// The declared range of a feature. An end that the model does not declare is the value of the point.
fn range_of((feature, x): (&FeatureSpec, &f64)) -> (Decimal, Decimal) {
    let exact = || decimal(*x).parse().expect("the text of a decimal");
    let end = |declared: &Option<Decimal>| declared.clone().unwrap_or_else(exact);
    (end(&feature.low), end(&feature.high))
}

/// A table with the point once for every class.
fn points_of(anchor: &Anchor, names: &[String], label: &String) -> String {
    let header: Vec<String> = names.iter().chain([label]).cloned().collect();
    let record = |class: usize| -> Vec<String> {
        anchor.raw.iter().map(|x| format!("{x:?}")).chain([class.to_string()]).collect()
    };
    csv_of(std::iter::once(header).chain((0..anchor.model.0.classes).map(record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One cut at 1; rows on it, left and right of it, and outside the declared range.
    #[test]
    fn a_summary_counts_zeros_and_leaves_invalid_rows_out() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
            "classes":2,"features":[{"name":"x","kind":"real","low":"0","high":"4"}],"base":[0],
            "trees":[{"output":0,"feature":[0,0,0],"threshold":[1,0,0],"left":[1,-1,-1],
            "right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,-1,1]}]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        let row = |x: f64| Row { values: vec![x], label: 0, key: Digest::of(b"") };
        let summary = summary(&model, &[1.0, 0.5, 2.5, 4.0, 5.0].map(row)).unwrap();
        let quartiles = [Some(0.0), Some(0.5), Some(1.5)];
        assert_eq!(summary, RadiiReport { rows: 4, exact: 4, zero: 1, quartiles });
        let constant = Model::read(text.replace("-1,1]}", "1,1]}").as_bytes()).unwrap();
        let never = super::summary(&constant, &[row(1.0)]).unwrap();
        assert_eq!((never.exact, never.zero, never.quartiles), (1, 0, [None; 3]));
        assert_eq!(super::summary(&constant, &[]).unwrap().quartiles, [None; 3]);
    }
}
