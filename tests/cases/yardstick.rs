//! Published ensembles with exact answers about them, if `PROPCERT_DATA` holds them (`xgboost/`).

#![allow(dead_code, reason = "every file that uses it uses its own part")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use propcert::import::Format;
use propcert::model::Model;
use propcert::spec::Norm;

/// The folder.
pub struct Yardstick(PathBuf);

/// A line about one point.
pub struct Line {
    pub row: String,
    pub label: usize,
    /// The exact radius, where it is known.
    pub radius: Option<f64>,
    /// At most the radius.
    pub lower: f64,
    pub published_seconds: f64,
    pub published_nodes: f64,
    /// NaN where there is none.
    pub veritas_seconds: f64,
}

/// The lines about one model in one norm.
pub struct Family {
    pub norm: Norm,
    pub data: String,
    pub config: String,
    pub lines: Vec<Line>,
}

/// A line about a constrained feature.
pub struct Constrained {
    pub feature: usize,
    pub is_rising: bool,
    pub thresholds: usize,
    pub holds: usize,
    pub violated: usize,
    pub seconds: f64,
}

impl Yardstick {
    /// `None` where it is not there.
    pub fn open() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("PROPCERT_DATA")?).join("xgboost");
        folder.is_dir().then_some(Self(folder))
    }

    fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap();
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    /// `DATA_CONFIG.json`, packed or not, imported.
    pub fn model(&self, data: &str, config: &str) -> Model {
        let plain = self.0.join(format!("{data}_{config}.json"));
        let packed = self.0.join(format!("{data}_{config}.json.gz"));
        let bytes = std::fs::read(plain).or_else(|_| std::fs::read(packed)).unwrap();
        Format::Xgboost.read(&bytes, None).unwrap()
    }

    /// The points of a data set by the name of their row; their values are floats of 32 bits.
    pub fn points(&self, data: &str) -> BTreeMap<String, Vec<f64>> {
        let value = |cell: &String| f64::from(cell.parse::<f32>().unwrap());
        let point = |cells: Vec<String>| (cells[0].clone(), cells[2..].iter().map(value).collect());
        self.rows(&format!("points/{data}.csv")).into_iter().map(point).collect()
    }

    /// The radii, model by model.
    pub fn radii(&self) -> Vec<Family> {
        let mut families: Vec<Family> = Vec::new();
        for cells in self.rows("radii.csv") {
            let norm = match cells[0].as_str() {
                "linf" => Norm::Linf,
                "l1" => Norm::L1,
                _ => Norm::L2,
            };
            let number = |at: usize| cells[at].parse::<f64>().ok();
            let line = Line {
                row: cells[3].clone(),
                label: cells[4].parse().unwrap(),
                radius: number(5),
                lower: number(6).unwrap(),
                published_seconds: number(7).unwrap_or(f64::NAN),
                published_nodes: number(8).unwrap_or(f64::NAN),
                veritas_seconds: number(9).unwrap_or(f64::NAN),
            };
            let (data, config) = (cells[1].clone(), cells[2].clone());
            match families.last_mut() {
                Some(last) if (last.norm, &last.data, &last.config) == (norm, &data, &config) => {
                    last.lines.push(line);
                }
                _ => families.push(Family { norm, data, config, lines: vec![line] }),
            }
        }
        families
    }

    /// The constrained features of every model, by `DATA CONFIG`.
    pub fn monotonicity(&self) -> BTreeMap<String, Vec<Constrained>> {
        let mut models: BTreeMap<String, Vec<Constrained>> = BTreeMap::new();
        for cells in self.rows("monotonicity.csv") {
            let number = |at: usize| cells[at].parse().unwrap();
            let line = Constrained {
                feature: number(3),
                is_rising: cells[4] == "1",
                thresholds: number(5),
                holds: number(6),
                violated: number(8),
                seconds: cells[13].parse().unwrap(),
            };
            let name = format!("{} {}_{}", cells[0], cells[1], cells[2]);
            models.entry(name).or_default().push(line);
        }
        models
    }
}
