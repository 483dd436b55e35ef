//! The page of keys is whole: every key that a reader knows stands in its table, and no other.
#![cfg(feature = "full")]

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use propcert::model::{Files, Meta};
use propcert::spec::{Property, Spec};
use propcert::steal::AttackSpec;
use propcert::study::claims::ClaimSheet;
use propcert::study::published::PublishedSheet;
use propcert::study::{Manifest, ManifestEntry, StudyGrid};
use propcert::train::Recipe;
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

const PAGE: &str = include_str!("../src/keys.md");

/// A key that nobody knows.
const STRANGE: &str = "no-such-key";

/// The names in ticks in the first column of the table of that head, below a title.
fn listed(title: &str, head: &str) -> BTreeSet<String> {
    let start = PAGE.find(&format!("# {title}\n")).unwrap_or_else(|| panic!("no {title}"));
    let below = &PAGE[start..];
    let head = format!("| {head} |");
    let table = below.find(&head).unwrap_or_else(|| panic!("{title}: no table {head}"));
    let rows = below[table..].lines().take_while(|line| line.starts_with('|')).skip(2);
    let keys: Vec<String> = rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect();
    let set: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(set.len(), keys.len(), "{title}, {head}: a key stands there twice");
    set
}

/// The keys that a message of a reader names as those it knows.
fn known(message: &str) -> BTreeSet<String> {
    let (_, expected) = message
        .split_once(&format!("unknown field `{STRANGE}`, expected "))
        .unwrap_or_else(|| panic!("no list of keys: {message}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The values that a message of a reader names.
fn values(message: &str) -> BTreeSet<String> {
    let (_, expected) = message.split_once("unknown variant").unwrap();
    expected.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

/// A message, as soon as a reader has one.
fn refusal<T, E: fmt::Display>(read: Result<T, E>, text: &str) -> String {
    match read {
        Ok(_) => panic!("{text}: was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_keys_of_specs_are_all_there() {
    let text = format!("property = 'label'\n{STRANGE} = 1");
    let message = refusal(Spec::read(text.as_bytes()), &text);
    assert_eq!(known(&message), listed("Spec", "key"));
    for name in Property::NAMES {
        let needed = Property::needed_by(name).iter();
        let row = |key: &&&str| PAGE.contains(&format!("| `{key}` |"));
        assert!(needed.clone().all(|key| row(&key)), "{name}");
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_keys_of_recipes_are_all_there() {
    for (before, head) in [
        ("", "key"),
        ("[training]\n", "key of `[training]`"),
        ("[training.counterexamples]\n", "key of `[training.counterexamples]`"),
        ("[training.outlier-exposure]\n", "key of `[training.outlier-exposure]`"),
        ("[[property]]\n", "key of `[[property]]`"),
    ] {
        let text = format!("family = 'mlp'\n{before}{STRANGE} = 1");
        let message = refusal(Recipe::read(text.as_bytes()), &text);
        assert_eq!(known(&message), listed("Recipe", head), "{head}");
    }
}

#[test]
fn the_keys_of_attacks_are_all_there() {
    let read = |text: &str| refusal(AttackSpec::read(text.as_bytes()), text);
    let start = "attack = 'masked_thief'\n";
    for (before, head) in [
        ("", "key"),
        ("[inference]\nrule = 'length'\n", "key of `[inference]`"),
        ("[substitute]\n", "key of `[substitute]`"),
        ("[choose]\n", "key of `[choose]`"),
    ] {
        let message = read(&format!("{start}{before}{STRANGE} = 1"));
        assert_eq!(known(&message), listed("Attack", head), "{head}");
    }
    // tables whose keys are those of a kind
    for (table, tag, head) in [
        ("[generator]\n", "kind", "key of `[generator]`"),
        (
            "[inference]\nrule = 'length'\n[inference.property]\n",
            "name",
            "key of `[inference.property]`",
        ),
        ("[substitute.learner]\n", "kind", "key of `[substitute.learner]`"),
    ] {
        let kinds = values(&read(&format!("{start}{table}{tag} = 'none-such'")));
        assert!(kinds.len() > 3, "{head}: {kinds:?}");
        let mut keys = BTreeSet::from([tag.to_owned()]);
        for kind in kinds {
            assert!(PAGE.contains(&format!("`{kind}`")), "{head}: {kind}");
            let text = format!("{start}{table}{tag} = '{kind}'\n{STRANGE} = 1");
            // a kind without keys takes none, or ignores what it does not have
            let error = AttackSpec::read(text.as_bytes()).err().map(|error| error.to_string());
            let message = error.filter(|error| error.contains("`, expected "));
            keys.extend(message.iter().flat_map(|message| known(message)));
        }
        assert_eq!(keys, listed("Attack", head), "{head}");
    }
}

#[test]
fn the_keys_of_grids_are_all_there() {
    let read = |text: &str| refusal(StudyGrid::read(text.as_bytes(), Path::new("")), text);
    for (before, head) in [
        ("", "key"),
        ("[gives-away]\n", "key of `[gives-away]`"),
        ("[[model]]\n", "key of `[[model]]`"),
        ("[[property]]\n", "key of `[[property]]`"),
        ("[[attack]]\n", "key of `[[attack]]`"),
        ("[[defense]]\n", "key of `[[defense]]`"),
    ] {
        let message = read(&format!("data = ['d']\n{before}{STRANGE} = 1"));
        assert_eq!(known(&message), listed("Grid", head), "{head}");
    }
}

#[test]
fn the_keys_of_claims_are_all_there() {
    for (before, head) in [("", "key"), ("[[claim]]\n", "key of `[[claim]]`")] {
        let text = format!("{before}{STRANGE} = 1");
        let message = refusal(ClaimSheet::read(text.as_bytes()), &text);
        assert_eq!(known(&message), listed("Claims", head), "{head}");
    }
}

#[test]
fn the_keys_of_published_tables_are_all_there() {
    for (before, head) in [("", "key"), ("source = 's'\n[[table]]\n", "key of `[[table]]`")] {
        let text = format!("{before}{STRANGE} = 1");
        let message =
            refusal(PublishedSheet::read(text.as_bytes(), &mut |_| Ok(Vec::new())), &text);
        assert_eq!(known(&message), listed("Published tables", head), "{head}");
    }
}

#[test]
fn the_keys_of_manifests_and_meta_files_are_all_there() {
    assert_eq!(fields::<Manifest>(), listed("Manifest", "key"));
    assert_eq!(fields::<ManifestEntry>(), listed("Manifest", "key of an entry"));
    let message = refusal(Meta::read(format!("{{\"{STRANGE}\":1}}").as_bytes()), STRANGE);
    let known = known(&message);
    assert_eq!(known, listed("Meta file", "key"));
    assert!(fields::<Meta>().is_subset(&known), "{known:?}");
    assert_eq!(fields::<Files>(), listed("Meta file", "key of `files`"));
}

/// The keys that a type asks its reader for.
fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    match T::deserialize(FieldProbe) {
        Err(Asked(fields)) => fields.iter().map(|field| (*field).to_owned()).collect(),
        Ok(_) => unreachable!("nothing was given"),
    }
}

/// A reader that gives nothing, and refuses with the keys that it is asked for.
struct FieldProbe;

#[derive(Debug)]
struct Asked(&'static [&'static str]);

impl fmt::Display for Asked {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{:?}", self.0)
    }
}

impl std::error::Error for Asked {}

impl serde::de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldProbe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
