//! The ensembles: trained here, by the script `train_xgboost.py` on the same rows, and those of the yardstick
//! on rows in its units.

use std::fmt::Write;
use std::path::Path;

use propcert::import::Format;
use propcert::model::{CsvFile, DataSet, MAX_BYTES, Model, Part};
use propcert::train::{Fit, Recipe};
use propcert::{dataset, source};

use crate::yardstick::Yardstick;

/// Models of one data set.
pub struct Group {
    pub name: String,
    pub data: DataSet,
    /// By their names, which are `TREESxDEPTH KIND`.
    pub models: Vec<(String, Model)>,
}

/// Trees, depth, and the factor of a leaf, as those of the yardstick have them.
const SIZES: [(usize, usize, &str); 3] = [(10, 5, "0.3"), (50, 6, "0.3"), (200, 6, "0.1")];

/// Without constraints, and in the directions that the data declares.
const KINDS: [(&str, &str); 2] = [("natural", ""), ("monotone", "monotone = 'declared'\n")];

/// Natural and monotone ensembles of the three sizes, those whose name is `wanted`.
pub fn trained(name: &str, data: DataSet, wanted: &dyn Fn(&str) -> bool) -> Group {
    let schema = dataset::schema(&data).expect("the data has a schema");
    let mut models = Vec::new();
    for (kind, constraint) in KINDS {
        for (trees, depth, eta) in SIZES {
            let model_name = format!("{trees}x{depth} {kind}");
            if !wanted(&model_name) {
                continue;
            }
            let recipe = format!(
                "family = 'trees'\n{constraint}[training]\ntrees = {trees}\ndepth = {depth}\neta = {eta}\n"
            );
            let recipe = Recipe::read(recipe.as_bytes()).expect("a recipe");
            let model = recipe.fit(&Fit::of(&data, &schema, 0), &mut |_| {});
            models.push((model_name, model.expect("the data can be trained on")));
        }
    }
    Group { name: name.to_owned(), data, models }
}

/// The models `DATA_SIZE_KIND.json` of a folder, as `import xgboost --schema DATA` reads them, of the same
/// names as those trained here; what cannot be read is left out and said.
pub fn imported(name: &str, data: DataSet, folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Group {
    let schema = dataset::schema(&data).expect("the data has a schema");
    let read = |path: &Path| {
        let bytes = source::read_regular(path, MAX_BYTES)
            .map_err(|error| format!("{error}; `python benches/train_xgboost.py` writes it"))?;
        let model = Format::Xgboost.read(&bytes, Some(&schema));
        model.map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut models = Vec::new();
    for (kind, _) in KINDS {
        for (trees, depth, _) in SIZES {
            let model_name = format!("{trees}x{depth} {kind}");
            if !wanted(&model_name) {
                continue;
            }
            match read(&folder.join(format!("{name}_{trees}x{depth}_{kind}.json"))) {
                Ok(model) => models.push((model_name, model)),
                Err(reason) => eprintln!("left out: {reason}"),
            }
        }
    }
    Group { name: format!("{name}, models of XGBoost on raw features"), data, models }
}

/// The models of the yardstick about a data set.
const PUBLISHED: [(&str, &[&str]); 2] = [
    ("cryptojacker", &["10x5_nat", "10x5_mono"]),
    ("social_honeypot", &["10x5_nat", "50x6_nat", "200x6_nat", "10x5_mono", "50x6_mono"]),
];

/// The yardstick's models of `name`; their features are raw values over published deviations, as `f32`.
pub fn published(name: &str, folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Option<Group> {
    let (_, configs) = PUBLISHED.iter().find(|(data, _)| *data == name)?;
    let yardstick = Yardstick::open()?;
    let first = yardstick.model(name, configs[0]);
    let names: Vec<String> = first.schema.features().iter().map(|f| f.name.clone()).collect();
    let data = scaled(name, folder, &names);
    let schema = dataset::schema(&data).expect("the data has a schema");
    let model = |config: &&str| {
        let model = Model { schema: schema.clone(), ..yardstick.model(name, config) };
        (config.replace("_nat", " natural").replace("_mono", " monotone"), model)
    };
    let models = configs.iter().map(model).filter(|(name, _)| wanted(name)).collect();
    Some(Group { name: format!("{name}, models of XGBoost"), data, models })
}

/// The rows in units of the yardstick. Ranges are scaled like values, so that every row stays inside.
fn scaled(name: &str, folder: &Path, names: &[String]) -> DataSet {
    let data = source::read(name, Some(folder)).expect("the data of the models");
    let text = std::fs::read(folder.join(name).join("meta.json")).expect("it was read just now");
    let meta: serde_json::Value = serde_json::from_slice(&text).expect("it was read just now");
    let deviation = |index: usize| meta["feature_std"][index].as_f64().expect("it is published");
    let scale = |index: usize, x: f64| (x / deviation(index)) as f32;
    let rows = |parts: [Part; 2]| {
        let mut csv = format!("{},label\n", names.join(","));
        for row in parts.iter().flat_map(|part| data.part(*part)) {
            for (index, x) in row.values.iter().enumerate() {
                let _ = write!(csv, "{},", scale(index, *x));
            }
            let _ = writeln!(csv, "{}", row.label);
        }
        csv
    };
    let ranges = data.meta().ranges.iter().enumerate().map(|(index, (low, high))| {
        [low, high].map(|end| scale(index, end.to_string().parse().expect("a number")).to_string())
    });
    let meta = serde_json::json!({
        "name": name, "label": "label", "features": names, "synthetic": false,
        "kinds": vec!["real"; names.len()], "ranges": ranges.collect::<Vec<_>>(),
        "files": {"train": "train.csv", "test": "test.csv"}, "monotone": meta["monotone"],
    });
    let (train, test) =
        (rows([Part::Train, Part::Validation]), rows([Part::Test, Part::Auxiliary]));
    let files = [("train.csv", &train), ("test.csv", &test)];
    let files = files.map(|(name, text)| CsvFile { name, bytes: text.as_bytes() });
    DataSet::read(meta.to_string().as_bytes(), &files).expect("rows of the data")
}
