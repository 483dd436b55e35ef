//! The shortest way from a model and a spec to a proof.

use propcert::certificate::{Arithmetic, Kernel, Proof, Verdict};
use propcert::model::{Digest, Model, Row};
use propcert::spec::{Lowered, Spec};

#[test]
fn a_stump_is_proved_far_from_its_threshold_and_refuted_on_it()
-> Result<(), Box<dyn std::error::Error>> {
    // One tree: score −1 below 2, +1 from 2 on.
    let model = Model::read(
        br#"{"format":"model/1","family":"ensemble","precision":"f32","classes":2,
            "features":[{"name":"x","kind":"real","low":"0","high":"10"}],
            "base":[0],
            "trees":[{"output":0,"feature":[0,0,0],"threshold":[2,0,0],"left":[1,-1,-1],
                      "right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,-1,1]}]}"#,
    )?;
    // "Within 1 of the row, the probability of its label stays above one half."
    let spec = Spec::read(b"property = 'local-invariance'\nepsilon = '1'\ndelta = '0.5'")?;
    let row = |x, label| Row { values: vec![x], label, key: Digest::of(b"") };
    let rows = [row(5.0, 1), row(2.0, 1)];

    let lowered = Lowered::new(&spec, &model, None, &rows)?;
    let kernel = Kernel::new(&model, &lowered, Arithmetic::Exact);
    assert!(matches!(kernel.check(0, &Proof::interval())?, Verdict::Proved(_)));

    // The second row sits on the threshold: a point just left of it is a counterexample.
    let points = vec![vec!["1.5".to_owned()]];
    assert!(matches!(kernel.check(1, &Proof::Counterexample { points })?, Verdict::Refuted(_)));
    Ok(())
}
