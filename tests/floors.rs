//! The floors of the house: a room uses lower rooms only, and the trusted rooms use few crates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rooms by floor. What is not listed stands at the top.
const FLOORS: [(&str, usize); 21] = [
    ("near", 0),
    ("interval", 0),
    ("model", 1),
    ("defense", 2),
    ("spec", 3),
    ("certificate", 4),
    ("source", 5),
    ("store", 5),
    ("text", 5),
    ("dataset", 6),
    ("import", 7),
    ("sketch", 7),
    ("violation", 7),
    ("certify", 8),
    ("train", 9),
    ("defend", 10),
    ("oracle", 11),
    ("steal", 12),
    ("report", 13),
    ("study", 14),
    ("audit", 15),
];

/// `cli`, `main` and `lib`.
const TOP: usize = 16;

/// Crates that the trusted rooms may use, with the only place where each is used (`""`: anywhere).
const TRUSTED_CRATES: [(&str, &str); 9] = [
    ("dashu_int", ""),
    ("serde", ""),
    ("thiserror", ""),
    ("serde_json", ""),
    ("toml", "spec/"),
    ("strsim", "near.rs"),
    ("csv", "model/table.rs"),
    ("flate2", "model/table.rs"),
    ("blake3", "model/digest.rs"),
];

/// What the kernel must not reach for.
const NOT_IN_THE_KERNEL: [&str; 8] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::time",
    "std::env",
    "std::process",
    "rand",
    "rayon",
];

struct Source {
    /// Below `src`, with `/`.
    path: String,
    /// Without comments and without what follows `#[cfg(test)]`.
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !is_of_tests(&path) {
                files.push(read(&root, &path));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Whether a file is the module of tests of the file that its folder is named after: that one says so.
fn is_of_tests(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let owners = [folder.with_extension("rs"), folder.join("mod.rs")];
    let says_so = |owner: &PathBuf| {
        let text = std::fs::read_to_string(owner).unwrap_or_default();
        text.contains("#[cfg(test)]\nmod tests;\n")
    };
    path.file_name().is_some_and(|name| name == "tests.rs") && owners.iter().any(says_so)
}

fn read(root: &Path, path: &Path) -> Source {
    let parts = path.strip_prefix(root).unwrap().iter().map(|part| part.to_str().unwrap());
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    Source { path: parts.collect::<Vec<_>>().join("/"), text: lines.collect::<Vec<_>>().join("\n") }
}

/// The first part of a path: the room of a file.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor(room: &str) -> usize {
    FLOORS.iter().find(|(name, _)| *name == room).map_or(TOP, |(_, floor)| *floor)
}

/// The rooms named after `crate::`, groups included: `crate::{model::A, spec::{B, C}}`.
fn rooms_used(text: &str) -> Vec<String> {
    let after = text.split("crate::").skip(1);
    after
        .flat_map(|rest| {
            if let Some(group) = rest.strip_prefix('{') { heads(group) } else { vec![word(rest)] }
        })
        .collect()
}

/// The first words of the entries of a group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut found, mut is_start) = (1, Vec::new(), true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => is_start = true,
            _ if letter.is_alphabetic() && is_start => {
                found.push(word(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Words before `::` that start a path: crates and modules.
fn path_heads(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("::") {
        let head: String = text[..at]
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let before = text[..at - head.len()].chars().next_back();
        if !head.is_empty() && before != Some(':') {
            found.push(head);
        }
    }
    found
}

#[test]
fn a_room_uses_lower_rooms_only() {
    for source in sources() {
        let own = room(&source.path);
        for used in rooms_used(&source.text) {
            // items of the crate root (types re-exported there) belong to nobody
            let is_room = used.chars().next().is_some_and(char::is_lowercase);
            let is_allowed = used == own || floor(&used) < floor(own);
            assert!(!is_room || is_allowed, "src/{} uses crate::{used}", source.path);
        }
    }
}

/// The crates that Cargo.toml lists, as they are written in paths.
fn dependencies() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    let tables = ["dependencies", "dev-dependencies"].map(|key| manifest[key].as_table().unwrap());
    tables.iter().flat_map(|table| table.keys()).map(|name| name.replace('-', "_")).collect()
}

#[test]
fn trusted_rooms_use_few_crates() {
    let crates = dependencies();
    assert!(crates.iter().any(|name| name == "dashu_int"));
    for source in sources().iter().filter(|s| floor(room(&s.path)) <= floor("certificate")) {
        for head in path_heads(&source.text).iter().filter(|head| crates.contains(head)) {
            let allowed = TRUSTED_CRATES.iter().find(|(name, _)| name == head);
            let is_allowed = allowed.is_some_and(|(_, place)| source.path.starts_with(place));
            assert!(is_allowed, "src/{} uses `{head}`", source.path);
        }
    }
}

/// Names of types that several files define, with a reason to.
const SHARED_NAMES: [&str; 3] = ["Arguments", "Link", "Loaded"];

/// Names of the types that a file defines, but for those inside functions and traits.
fn types(text: &str) -> Vec<String> {
    let defined = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
        let kind = words.find(|word| !word.ends_with(')') && *word != "in")?;
        let is_type = matches!(kind, "struct" | "enum" | "trait" | "type" | "union");
        words.next().filter(|_| is_type).map(word)
    };
    text.lines().filter(|line| !line.starts_with(' ')).filter_map(defined).collect()
}

#[test]
fn a_type_name_stands_for_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in types(&source.text) {
            places.entry(name).or_default().push(source.path.clone());
        }
    }
    assert!(places.len() > 500, "{} types were found", places.len());
    places.retain(|_, paths| paths.len() > 1);
    let names: Vec<&str> = places.keys().map(String::as_str).collect();
    assert_eq!(names, SHARED_NAMES, "{places:?}");
}

#[test]
fn the_kernel_has_no_files_threads_clocks_or_chance() {
    for source in sources().iter().filter(|s| room(&s.path) == "certificate") {
        let words: Vec<String> = path_heads(&source.text);
        for banned in NOT_IN_THE_KERNEL {
            let is_used = if banned.contains("::") {
                source.text.contains(banned)
            } else {
                words.iter().any(|w| w == banned)
            };
            assert!(!is_used, "src/{} uses {banned}", source.path);
        }
        assert!(!source.text.contains("std::{"), "src/{}: one `use std::` a line", source.path);
    }
}

#[test]
fn the_reader_of_paths_reads_groups() {
    let text = "use crate::{model::{A, B}, spec::C};\nuse crate::interval::D;";
    assert_eq!(rooms_used(text), ["model", "spec", "interval"]);
    assert_eq!(path_heads("dashu_int::IBig; a.b(std::mem::take(x))"), ["dashu_int", "std"]);
    assert_eq!((floor("interval"), floor("cli")), (0, TOP));
    let text =
        "pub(in crate::a) struct A<'a> {\n    b: B,\n}\nenum C;\npub trait D: E {\n    type F;\n";
    assert_eq!(types(text), ["A", "C", "D"]);
}
