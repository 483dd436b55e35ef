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
    let epsilon = if radius.epsilon.is_finite() { below(radius.epsilon) } else { radii.span(raw) };
    let options = Options { budget_nodes: budget, attack_starts: 0, ..Options::default() };
    let proof = BallClaim { anchor, data: &data, options, epsilon };
    kept.add(&proof, "", None)?;
    // a distance larger than all floats is rounded up to infinity, which is no radius of a ball
    let distance = |witness: &Vec<f64>| radii.distance_up(raw, witness);
    let flip = radius.witness.as_ref().map(|witness| (witness, distance(witness)));
    if let Some((witness, epsilon)) = flip.filter(|(_, epsilon)| epsilon.is_finite()) {
        kept.add(&BallClaim { epsilon: above(epsilon), ..proof }, ".flip", Some(witness))?;
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
    epsilon: Decimal,
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
        let text = spec_text(epsilon, anchor.radii);
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

/// The spec that the real function has the point's label on the closed ball of radius ε.
fn spec_text(epsilon: &Decimal, radii: &Radii) -> String {
    let (norm, integers) = (radii.norm(), radii.integers());
    format!(
        "property = \"label\"\nepsilon = \"{epsilon}\"\nnorm = \"{norm}\"\nlabel = \"predicted\"\n\
         semantics = \"real\"\nintegers = \"{integers}\"\n"
    )
}

/// The decimal that equals a finite float; for a float too small to have one, a decimal just below.
fn below(x: f64) -> Decimal {
    Decimal::exactly(x).or_else(|| Decimal::at_most(x)).expect(FINITE)
}

/// The same with a decimal just above.
fn above(x: f64) -> Decimal {
    Decimal::exactly(x).or_else(|| Decimal::at_least(x)).expect(FINITE)
}

const FINITE: &str = "the shortest text of a finite float is a decimal";

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

/// The declared range of a feature. An end that the model does not declare is the value of the point, or
/// just beyond it where that has no decimal.
fn range_of((feature, x): (&FeatureSpec, &f64)) -> (Decimal, Decimal) {
    let end = |declared: &Option<Decimal>, own: fn(f64) -> Decimal| {
        declared.clone().unwrap_or_else(|| own(*x))
    };
    (end(&feature.low, below), end(&feature.high, above))
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

    /// Label 1 if `below ≥ 0` left of 0, and right of it; another threshold lies at 1.7e308.
    fn far_apart(below: &str) -> (Model, Digest) {
        let text = format!(
            r#"{{"format":"model/1","family":"ensemble","precision":"f64","tie":"upper","classes":2,
            "features":[{{"name":"x","kind":"real"}}],"base":[0],"trees":[{{"output":0,
            "feature":[0,0,0,0,0],"threshold":[0,0,1.7e308,0,0],"left":[1,-1,3,-1,-1],
            "right":[2,-1,4,-1,-1],"default-left":[0,0,0,0,0],"leaf":[0,{below},0,1e300,1e300]}}]}}"#
        );
        (Model::read(text.as_bytes()).unwrap(), Digest::of(text.as_bytes()))
    }

    /// The radius at 1, unless another one is stated, and its certificates.
    fn kept_of(below: &str, norm: Norm, stated: Option<Radius>) -> (Radius, Kept) {
        let (model, digest) = far_apart(below);
        let radii = Radii::new(&model, norm).unwrap();
        let anchor =
            Anchor { model: (&model, digest, "m.json"), radii: &radii, name: "0", raw: &[1.0] };
        let radius = stated.or_else(|| radii.at(&[1.0], 10_000)).unwrap();
        let kept = keep(&anchor, &radius, 1000).unwrap();
        (radius, kept)
    }

    #[test]
    fn numbers_that_lie_far_apart_have_true_radii() {
        for norm in [Norm::Linf, Norm::L1, Norm::L2] {
            let (radius, kept) = kept_of("-1e-300", norm, None);
            assert_eq!((radius.lower, radius.upper, radius.label), (1.0, 1.0, 1));
            assert!(kept.is_checked && kept.entries.len() == 2);
        }
    }

    /// Its ball reaches all cells, though the length is no float.
    #[test]
    fn an_infinite_radius_is_confirmed_by_all_cells() {
        for norm in [Norm::Linf, Norm::L1, Norm::L2] {
            let (never, kept) = kept_of("1e-300", norm, None);
            assert_eq!((never.lower, never.epsilon), (f64::INFINITY, f64::INFINITY));
            assert!(kept.is_checked, "{norm}: {:?}", kept.files);
            let (_, kept) = kept_of("-1e-300", norm, Some(never));
            assert!(!kept.is_checked, "{norm}: {:?}", kept.files);
        }
    }

    #[test]
    fn tiny_lengths_have_decimals_on_either_side() {
        for x in [0.0, 5e-324, 1e-300, 3e-310, 0.1, f64::MAX] {
            let exact = crate::interval::Rational::from_f64(x).unwrap();
            assert!(*below(x).value() <= exact && exact <= *above(x).value(), "{x:e}");
            assert!(x < 1e-320 || below(x).value().up() >= x.next_down(), "{x:e}");
        }
    }

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
