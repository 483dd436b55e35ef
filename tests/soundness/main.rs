//! Bounds and verdicts against exact values on random models. `PROPCERT_CASES` sets the number of
//! cases a property (default 48).

mod balls;
#[path = "../cases/mod.rs"]
mod cases;
mod conditions;
mod coupled;
mod defenses;
mod ensembles;
mod extremes;
mod networks;
mod regions;
mod served;
mod twins;

use std::collections::BTreeMap;

use cases::draw::Draw;
use cases::{battery, row, spec};
use propcert::certificate::{Arithmetic, Kernel, Proof, Verdict};
use propcert::model::{Model, Row};
use propcert::spec::Lowered;
use proptest::prelude::ProptestConfig;

use cases::forests::{random_ensemble, wholes};
use ensembles::full_jumps;
use networks::{decimal, network_case, random_tree};
use served::uneven_ensemble;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPCERT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What is proved of obligation 0, by family, semantics and rule.
#[derive(Default)]
struct Count(BTreeMap<(&'static str, &'static str), usize>);

impl Count {
    fn add(
        &mut self,
        kind: &'static str,
        text: &str,
        model: &Model,
        rows: &[Row],
        proofs: &[Proof],
    ) {
        let spec = spec(text);
        let lowered = Lowered::new(&spec, model, None, rows).unwrap();
        let kernel = Kernel::new(model, &lowered, Arithmetic::Rounded);
        for proof in proofs {
            if let Ok(Verdict::Proved(proved)) = kernel.check(0, proof) {
                *self.0.entry((kind, proved.rule())).or_default() += 1;
            }
        }
    }
}

/// The properties would hold of a kernel that proves nothing.
#[test]
fn proofs_are_not_rare() {
    let mut count = Count::default();
    for seed in 0..200 {
        let (case, mut draw) = network_case(seed);
        let model = &case.model;
        let rows = [row(&case.centre, model.label(&case.centre))];
        let mut proofs = battery(model, &case.centre);
        let tree = random_tree(&mut draw, &case, 0);
        proofs.push(Proof::split(tree, Vec::new()));
        let epsilon = decimal(case.epsilon);
        let label = format!("property = 'label'\nepsilon = '{epsilon}'\n");
        count.add("network", &format!("{label}semantics = 'real'"), model, &rows, &proofs);
        if model.precision == propcert::model::Precision::F32 {
            count.add("served network", &label, model, &rows, &proofs);
        }
        if model.classes == 2 {
            let local = format!("scope = 'local'\nepsilon = '{epsilon}'\nfeatures = [0]\n");
            let rising = format!("property = 'monotonicity'\n{local}direction = 'increasing'");
            count.add("network", &rising, model, &rows, &proofs);
            for zone in ["axis", "ball"] {
                let fuzz = format!(
                    "property = 'boundary-fuzz'\nradius = '{epsilon}'\nshift = '0.125'\n\
                     epsilon = '0.1'\nzone = '{zone}'"
                );
                count.add("network", &fuzz, model, &rows, &proofs);
            }
        }
        count_ensemble(&mut count, Draw(seed));
    }
    for expected in [
        ("network", "interval"),
        ("network", "linear"),
        ("network", "split"),
        ("network", "jacobian"),
        ("network", "fuzz"),
        ("served network", "interval"),
        ("served network", "linear"),
        ("served network", "split"),
        ("ensemble", "interval"),
        ("ensemble", "split"),
        ("ensemble", "jumps"),
        ("ensemble", "tree-pairs"),
        ("served ensemble", "interval"),
        ("served ensemble", "split"),
    ] {
        let found = count.0.get(&expected).copied().unwrap_or(0);
        assert!(found > 10, "{expected:?}: {found} of {:?}", count.0);
    }
}

fn count_ensemble(count: &mut Count, mut draw: Draw) {
    let model = random_ensemble(&mut draw, 2);
    let centre = vec![1.0; model.schema.len()];
    let rows = [row(&centre, model.label(&centre))];
    let mut proofs = battery(&model, &centre);
    let whole = wholes(&model, true);
    proofs.push(Proof::jumps(full_jumps(&model, 0, &whole)));
    let label = "property = 'label'\nepsilon = '0.5'\nunits = 'raw'\nsemantics = 'real'";
    let rising = "property = 'monotonicity'\nfeatures = [0]\ndirection = 'increasing'";
    let fuzz = "property = 'boundary-fuzz'\nradius = '0.25'\nshift = '0.25'\nepsilon = '0.1'\nunits = 'raw'";
    for text in [label, rising, fuzz] {
        count.add("ensemble", text, &model, &rows, &proofs);
    }
    let model = uneven_ensemble(&mut draw, 2);
    let centre = vec![1.0; model.schema.len()];
    let rows = [row(&centre, model.label(&centre))];
    let served = "property = 'label'\nepsilon = '0.25'\nunits = 'raw'\nsemantics = 'served-f32'";
    count.add("served ensemble", served, &model, &rows, &battery(&model, &centre));
}
