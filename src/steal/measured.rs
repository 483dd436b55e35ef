//! The invariants on published rows, and the figures they give:
//! `PROPCERT_DATA=DIR cargo test --lib steal::measured -- --nocapture`.

use std::io::Write;
use std::path::Path;

use crate::certificate::Proved;
use crate::dataset::ValidBox;
use crate::interval::Decimal;
use crate::model::{CsvFile, DataSet, Feature, FeatureSpec, Meta, Model, Part, Row, Schema};
use crate::spec::Direction;
use crate::train::trees;

use super::tests::proved;
use super::*;

/// Reports that nothing was tested; writes past the harness, which keeps the output of passing tests.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Cryptojacker, if its data is present.
fn cryptojacker() -> Option<DataSet> {
    let Some(root) = std::env::var_os("PROPCERT_DATA") else {
        skipped("set PROPCERT_DATA to the folder of data sets to measure attacks");
        return None;
    };
    let folder = Path::new(&root).join("cryptojacker");
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file of the data set");
    let meta = read("meta.json");
    let names: Vec<String> = Meta::read(&meta).unwrap().files.names().map(str::to_owned).collect();
    let files: Vec<Vec<u8>> = names.iter().map(|name| read(name)).collect();
    let files: Vec<CsvFile> =
        names.iter().zip(&files).map(|(name, bytes)| CsvFile { name, bytes }).collect();
    Some(DataSet::read(&meta, &files).unwrap())
}

/// Declared ranges, standardised by the mean and deviation of the training rows.
fn schema(data: &DataSet) -> Schema {
    let (meta, rows) = (data.meta(), data.part(Part::Train));
    let feature = |index: usize| {
        let column = || rows.iter().map(|row| row.values[index]);
        let mean = column().sum::<f64>() / rows.len() as f64;
        let variance = column().map(|x| (x - mean).powi(2)).sum::<f64>() / rows.len() as f64;
        let (low, high): (Decimal, Decimal) = meta.ranges[index].clone();
        FeatureSpec {
            name: meta.features[index].clone(),
            kind: meta.kinds[index],
            low: Some(low),
            high: Some(high),
            mean: mean as f32,
            scale: if variance > 0.0 { (1.0 / variance.sqrt()) as f32 } else { 1.0 },
        }
    };
    Schema::new((0..meta.features.len()).map(feature).collect()).unwrap()
}

fn target(data: &DataSet, is_monotone: bool) -> Model {
    let schema = schema(data);
    let mut options = trees::TreeOptions::default();
    if is_monotone {
        options.monotone = (0..schema.len()).map(|j| (Feature(j), Direction::Increasing)).collect();
    }
    trees::train(&schema, 2, data.part(Part::Train), &[], &options, &mut |_| {}).unwrap()
}

/// Order of all features on the domain, and balls around the attacker's rows.
fn certificate(model: &Model, auxiliary: &[Row]) -> (Vec<Proved>, usize) {
    let names: Vec<String> =
        model.schema.features().iter().map(|f| format!("\"{}\"", f.name)).collect();
    let order = format!(
        "property = \"monotonicity\"\nfeatures = [{}]\ndirection = \"increasing\"\n",
        names.join(", ")
    );
    let balls = "property = \"label\"\nepsilon = \"0.2\"\nlabel = \"predicted\"\n";
    let order = proved(model, &order, &[], None);
    let features = order.len();
    (order.into_iter().chain(proved(model, balls, auxiliary, None)).collect(), features)
}

#[test]
fn nothing_inferred_on_published_rows_is_wrong() {
    let Some(data) = cryptojacker() else { return };
    for is_monotone in [true, false] {
        let model = target(&data, is_monotone);
        let (pool, test) = (data.part(Part::Auxiliary), data.part(Part::Test));
        let (proofs, features) = certificate(&model, pool);
        assert!(!is_monotone || features == model.schema.len(), "{features} features");
        let valid = ValidBox::new(&model.schema);
        let train = data.part(Part::Train);
        let evaluation = Evaluation::new(&model, train, test, &valid, 500, 0).unwrap();
        let scene = Scene {
            evaluation: &evaluation,
            defense: None,
            pool,
            valid: &valid,
            proved: &proofs,
            proofs_about: None,
        };
        let along = Generator::Along { radius: 1.0 };
        let neighbour = Generator::Neighbour { radius: 0.5 };
        let generators = if features > 0 { vec![along, neighbour] } else { vec![neighbour] };
        for generator in generators {
            let mut attack = AttackSpec::new(AttackName::MaskedThief);
            attack.generator = generator;
            for run in run(&scene, &attack, 2, 1).unwrap() {
                assert_eq!(run.attack.wrong, 0);
                let name = attack.generator.name();
                let line = serde_json::to_string(&run).unwrap();
                eprintln!("{features} features, {} proofs, {name}: {line}", proofs.len());
            }
        }
        let reference: Vec<Vec<f64>> = test.iter().map(|row| row.values.clone()).collect();
        let settled = settled(&model, &reference, &proofs, 100).at(100);
        eprintln!("{settled:?}");
        assert_eq!(settled.wrong, 0);
        assert!(settled.settled >= settled.queries);
    }
}
