//! The page that says which files something new touches is true of what is there: one of each kind is followed
//! through the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A kind of thing that is added, and one that is there.
struct Followed {
    kind: &'static str,
    /// The words by which sources name it.
    words: &'static [&'static str],
    /// The names that the page leaves open, with those of this one.
    open: &'static [(&'static str, &'static str)],
}

const FOLLOWED: [Followed; 6] = [
    Followed {
        kind: "a property",
        words: &["Stability", "stability"],
        open: &[("<name>", "stability")],
    },
    Followed {
        kind: "a proof rule",
        words: &["TreeDual", "tree_dual", "tree-dual"],
        open: &[("<family>", "ensemble"), ("<rule>", "tree_dual")],
    },
    Followed {
        kind: "a defense",
        words: &["AdaptiveMisinformation", "adaptive_misinformation"],
        open: &[("<map>", "adaptive_misinformation")],
    },
    Followed { kind: "an attack", words: &["MaskedThief"], open: &[] },
    Followed { kind: "a loss for networks", words: &["Sabr"], open: &[] },
    Followed { kind: "a model format", words: &["lightgbm"], open: &[("<format>", "lightgbm")] },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All sources below `src` but tests, without comments and without their tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut paths = Vec::new();
    walk(&root(), &mut paths);
    let is_test = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.contains("test") || matches!(name, "fixture.rs" | "measured.rs" | "refusals.rs")
    };
    let sources = paths.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let text = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        code.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let name =
        |path: &PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    sources.filter(|path| !is_test(path)).map(|path| (name(path), text(path))).collect()
}

/// The files and folders of the row of the page, with its open names filled in.
fn listed(kind: &str, open: &[(&str, &str)]) -> Vec<String> {
    let page = std::fs::read_to_string(root().join("additions.md")).unwrap();
    let row = page.lines().find(|line| line.starts_with(&format!("| {kind} |")));
    let row = row.unwrap_or_else(|| panic!("no row for {kind}"));
    let row = open.iter().fold(row.to_owned(), |row, (name, value)| row.replace(name, value));
    let cell = row.split('|').nth(2).unwrap().to_owned();
    let mut files: Vec<String> = Vec::new();
    for word in cell.split('`').skip(1).step_by(2) {
        // `mod.rs` alone is that of the folder named before
        match (word, files.last()) {
            ("mod.rs", Some(before)) => {
                let folder = Path::new(before.trim_end_matches('/')).parent().unwrap();
                files.push(folder.join("mod.rs").to_str().unwrap().to_owned());
            }
            _ => files.push(word.to_owned()),
        }
    }
    files
}

#[test]
fn one_of_each_kind_touches_the_files_that_the_page_names() {
    let (sources, mut wrong) = (sources(), Vec::new());
    for Followed { kind, words, open } in FOLLOWED {
        let listed = listed(kind, open);
        let is_listed = |file: &str| {
            listed.iter().any(|listed| {
                file == listed || (listed.ends_with('/') && file.starts_with(listed.as_str()))
            })
        };
        let named = |text: &str| words.iter().any(|word| text.contains(word));
        let touched: BTreeSet<&str> = sources
            .iter()
            .filter(|(file, text)| named(text) || named(file))
            .map(|(file, _)| file.as_str())
            .collect();
        let unlisted: Vec<_> = touched.iter().filter(|file| !is_listed(file)).collect();
        if !unlisted.is_empty() {
            wrong.push(format!("{kind}: the page does not name {unlisted:?}"));
        }
        for listed in &listed {
            assert!(root().join(listed).exists(), "{kind}: there is no {listed}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
