//! Unfriendly numbers: nothing that any rule proves in either arithmetic is refuted by a point.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::cases::extremes::{Fate, PROPERTIES, Scene, examine};
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
    assert_eq!(seen.len(), PROPERTIES.len());
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
