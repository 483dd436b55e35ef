//! The attacks that an audit knows by name: the files of `attacks/`.

use super::plan::PlannedAttack;

/// Attacks by the length of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PresetScope {
    /// A few that tell most.
    Few,
    /// One of every kind.
    Usual,
    /// All.
    All,
}

macro_rules! presets {
    ($($name:literal $scope:ident),* $(,)?) => {
        /// Every preset: its name, the shortest audit that runs it, its TOML.
        const PRESETS: &[(&str, PresetScope, &str)] = &[
            $(($name, PresetScope::$scope, include_str!(concat!("../../attacks/", $name, ".toml")))),*
        ];
    };
}

presets! {
    "random-uniform" Few,
    "random-gaussian" Usual,
    "line-search" Usual,
    "line-search-local" All,
    "jacobian-x" Few,
    "jacobian-p" All,
    "committee" Usual,
    "band-aware" All,
    "repetition" All,
    "recovery" All,
    "masked-thief" Few,
    "masked-thief-along" Usual,
    "masked-thief-line-search" Usual,
    "masked-thief-uniform" All,
    "masked-thief-gaussian" All,
    "masked-thief-jacobian-x" All,
    "masked-thief-jacobian-p" All,
    "masked-thief-exclude" All,
    "masked-thief-endpoints" All,
    "masked-thief-monotone" All,
    "masked-thief-local-invariance" All,
    "masked-thief-local-invariance-t" All,
    "masked-thief-small-neighborhood" All,
    "mixmatch-uniform" All,
    "mixmatch-gaussian" All,
    "mixmatch-line-search" All,
    "mixmatch-jacobian-x" All,
    "mixmatch-jacobian-p" All,
    "equations" Usual,
    "thresholds" Usual,
    "paths" All,
}

fn planned((name, _, text): &(&str, PresetScope, &str)) -> PlannedAttack {
    PlannedAttack { name: (*name).to_owned(), text: (*text).to_owned() }
}

/// The presets of an audit of some length.
pub(super) fn of(scope: PresetScope) -> Vec<PlannedAttack> {
    PRESETS.iter().filter(|(_, least, _)| *least <= scope).map(planned).collect()
}

/// The preset of that name.
pub(super) fn named(name: &str) -> Option<PlannedAttack> {
    PRESETS.iter().find(|(known, ..)| *known == name).map(planned)
}

/// All names.
pub(super) fn names() -> String {
    PRESETS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::steal::AttackSpec;

    use super::*;

    #[test]
    fn every_preset_is_an_attack() {
        for attack in of(PresetScope::All) {
            AttackSpec::read(attack.text.as_bytes()).expect(&attack.name);
        }
        assert!(of(PresetScope::Few).len() < of(PresetScope::Usual).len());
        assert_eq!(of(PresetScope::All).len(), PRESETS.len());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/attacks");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        for file in files {
            let file = file.into_string().unwrap();
            let name = file.strip_suffix(".toml").unwrap();
            assert!(named(name).is_some(), "{name} is no preset");
        }
        assert!(named("thresholds").is_some() && named("threshold").is_none());
    }
}
