//! The table of cases that must be refused, as models, specs and rows read from the fixtures.

use propcert::certificate::Arithmetic;
use propcert::model::{Model, Row};
use propcert::spec::{Semantics, Spec};

use super::{proving_rules, refutes, row};

pub const REAL: Option<Semantics> = Some(Semantics::Real);
pub const SERVED: Option<Semantics> = Some(Semantics::ServedF32);

pub fn fixture(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/refusals");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn model(name: &str) -> Model {
    Model::read(&fixture(&format!("{name}.json"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub fn spec(name: &str) -> Spec {
    Spec::read(&fixture(&format!("{name}.toml"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A case: model, spec, the rows (none for domain-wide claims), semantics.
pub struct Case {
    pub model: Model,
    pub spec: Spec,
    pub rows: Vec<Row>,
    pub semantics: Option<Semantics>,
}

pub fn case(
    name: &str,
    claim: &str,
    rows: &[(&[f64], usize)],
    semantics: Option<Semantics>,
) -> Case {
    let rows = rows.iter().map(|(values, label)| row(values, *label)).collect();
    Case { model: model(name), spec: spec(claim), rows, semantics }
}

impl Case {
    fn proved_by(&self) -> Vec<(Arithmetic, &'static str)> {
        proving_rules(&self.model, &self.spec, &self.rows, self.semantics)
    }

    pub fn is_not_proved(&self) -> &Self {
        assert_eq!(self.proved_by(), [], "a false claim is proved");
        self
    }

    pub fn is_proved(&self) -> &Self {
        let found = self.proved_by();
        for arithmetic in super::BOTH {
            assert!(found.iter().any(|(a, _)| *a == arithmetic), "{arithmetic:?}: {found:?}");
        }
        self
    }

    pub fn is_refuted_by(&self, points: &[&[&str]]) -> &Self {
        let texts: Vec<Vec<String>> =
            points.iter().map(|p| p.iter().map(|x| (*x).to_owned()).collect()).collect();
        assert!(refutes(&self.model, &self.spec, &self.rows, self.semantics, &texts));
        self
    }
}
