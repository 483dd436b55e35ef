//! Unfriendly numbers: nothing that any rule proves in either arithmetic is refuted by a point.

use std::collections::BTreeMap;

use propcert::certificate::{Hint, Kernel, Proof, Verdict};
use propcert::model::{Layer, Precision};
use propcert::spec::{Lowered, Property};
use proptest::prelude::*;

use crate::cases::extremes::{Fate, Scene, examine};
use crate::cases::{BOTH, network, row, spec};
use crate::config;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40 * config().cases, ..config() })]

    #[test]
    fn nothing_is_proved_and_refuted(seed in any::<u64>()) {
        if let Err(contradiction) = examine(seed) {
            prop_assert!(false, "{contradiction}");
        }
    }
}

/// The property would hold of a kernel that decides nothing.
#[test]
fn of_every_property_some_claims_are_proved_and_some_refuted() {
    let mut seen = BTreeMap::<&str, Fate>::new();
    for (property, fate) in (0..2000).map(|seed| examine(seed).unwrap()) {
        let sum = seen.entry(property).or_default();
        sum.obligations += fate.obligations;
        sum.refuted += fate.refuted;
        sum.proved.iter_mut().zip(fate.proved).for_each(|(sum, more)| *sum += more);
    }
    assert_eq!(seen.len(), Property::NAMES.len());
    for (property, Fate { proved, refuted, obligations }) in seen {
        let is_mixed = proved.iter().all(|&proved| proved > 5) && refuted > 0;
        assert!(is_mixed, "{property}: {proved:?} proved, {refuted} refuted of {obligations}");
    }
}

/// Scenes would be harmless if nothing in them were large, small, or at the edge.
#[test]
fn scenes_are_unfriendly() {
    let [mut huge, mut tiny, mut edge] = [0; 3];
    for scene in (0..1000).map(Scene::new) {
        let text = scene.model.to_json();
        huge += usize::from(text.contains("e+3") || text.contains("e+2") || text.contains("e30"));
        tiny += usize::from(text.contains("e-3"));
        edge += usize::from(text.contains("\"low\":\"0\"") || text.contains("\"high\":\"0\""));
    }
    assert!(huge > 50 && tiny > 50 && edge > 200, "{huge} {tiny} {edge}");
}

/// A neuron whose bound is 0 exactly is on in integers and open where bounds are rounded, so that a hint is worth
/// more here than there, as the page says. Neither verdict contradicts the other.
#[test]
fn a_hint_may_be_worth_more_in_one_arithmetic() {
    // z = 0.2·x − 0.1·y + 20·u − 10·v is at least 0 over [1, 2]⁴, and 0 in a corner, where the float sum of
    // its terms is rounded; m = relu(z) − relu(z + 5) + 5.1 is 0.1 everywhere
    let z = [0.2, -0.1, 20.0, -10.0];
    let layers = vec![
        Layer { weights: [z, z].concat(), bias: vec![0.0, 5.0], inputs: 4 },
        Layer { weights: vec![0.0, 0.0, 1.0, -1.0], bias: vec![0.0, 5.1], inputs: 2 },
    ];
    let model = network(layers, (1.0, 2.0), Precision::F64);
    let spec = spec("property = 'label'\nepsilon = '1'\nunits = 'raw'\nsemantics = 'real'");
    let rows = [row(&[1.0; 4], 1)];
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    // a slope of 0 says relu(z) >= 0 where the neuron is open, and nothing where it is on
    let proof = Proof::linear(vec![Hint { slopes: vec![(0, 0, 0.0)], ..Hint::default() }]);
    let verdicts = BOTH.map(|arithmetic| {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        let corner = Proof::Counterexample { points: vec![vec!["1".to_owned(); 4]] };
        assert!(!matches!(kernel.check(0, &corner), Ok(Verdict::Refuted(_))));
        matches!(kernel.check(0, &proof), Ok(Verdict::Proved(_)))
    });
    assert_eq!(verdicts, [false, true]);
}
