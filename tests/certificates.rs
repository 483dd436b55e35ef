//! Every committed certificate is as stated, in both arithmetics, with the same verdicts.

use std::collections::BTreeSet;
use std::path::Path;

use propcert::certificate::{Arithmetic, Proof, Settings, Subject, check_file};
use propcert::model::{Digest, Model};
use propcert::source;
use propcert::spec::Spec;

#[test]
fn committed_certificates_hold_in_both_arithmetics() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = source::built_in().unwrap();
    let (mut checked, mut rules) = (0, BTreeSet::new());
    for model_name in ["spambase-mlp", "spambase-trees"] {
        let folder = root.join("certificates").join(model_name);
        let model_bytes = std::fs::read(folder.join("model.json")).unwrap();
        let model = Model::read(&model_bytes).unwrap();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            let name = path.file_stem().unwrap().to_str().unwrap();
            let spec_bytes = std::fs::read(root.join(format!("specs/{name}.toml"))).unwrap();
            let spec = Spec::read(&spec_bytes).unwrap();
            let subject = Subject {
                model: (&model, Digest::of(&model_bytes)),
                spec: &spec,
                data: Some(&data),
                defense: None,
            };
            let text = std::fs::read(&path).unwrap();
            let check = |arithmetic| {
                let settings = Settings { arithmetic, ..Settings::default() };
                let outcome = check_file(&subject, &mut text.as_slice(), settings, &mut |_| ());
                outcome.unwrap_or_else(|error| panic!("{model_name}/{name}: {error}"))
            };
            let (rounded, exact) = (check(Arithmetic::Rounded), check(Arithmetic::Exact));
            assert!(rounded.is_as_stated() && exact.is_as_stated(), "{model_name}/{name}");
            assert_eq!(rounded.tally, exact.tally, "{model_name}/{name}");
            assert!(rounded.tally.all.n() > 0);
            checked += 1;
            rules.extend(exact.tally.rules.keys().copied());
        }
    }
    assert!(checked >= 25, "only {checked} certificates were found");
    let proving =
        Proof::RULES.into_iter().filter(|rule| !["none", "counterexample"].contains(rule));
    assert_eq!(rules, proving.collect(), "every rule proves something");
}
