//! The trusted rooms hold what a verdict rests on, and little else: the checker calls their functions. What they have for
//! other rooms stands behind the feature `advice`, which the checker is built without.

mod copied;

use std::path::{Path, PathBuf};
use std::process::Command;

use copied::{crate_copy, root};

/// The rooms that a verdict rests on.
const TRUSTED: [&str; 5] = ["interval", "model", "defense", "spec", "certificate"];

/// Most lines of code in them. More of them is a decision, made here.
const MOST_LINES: usize = 12_550;

/// Gates of what the checker is built without.
const GATES: [&str; 2] = ["#[cfg(test)]", "#[cfg(any(test, feature = \"advice\"))]"];

/// Functions and constants that say what a value is, to whoever holds it, and that the checker does not ask.
const DESCRIBE: [&str; 7] =
    ["classes", "obligation", "SUMMARY", "summary_of", "in_table", "direction", "default_part"];

/// The checker as a program without a library: in one, whatever is public counts as called.
fn program_alone() -> tempfile::TempDir {
    let folder = crate_copy();
    let library = folder.path().join("src/lib.rs");
    let text = std::fs::read_to_string(&library).unwrap();
    let is_of_docs = |line: &&str| line.starts_with("//!") || line.contains("include_str!");
    let private = |line: &str| match line.strip_prefix("pub ") {
        Some(rest) => rest.to_owned() + "\n",
        None => line.to_owned() + "\n",
    };
    let text: String = text.lines().filter(|line| !is_of_docs(line)).map(private).collect();
    std::fs::remove_file(&library).unwrap();
    let main = "\nfn main() -> std::process::ExitCode { cli::main() }\n";
    std::fs::write(folder.path().join("src/main.rs"), text + main).unwrap();
    folder
}

/// The warnings of the compiler about code of the trusted rooms that nothing calls.
fn uncalled() -> Vec<String> {
    let folder = program_alone();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--no-default-features", "--offline", "--bin", "propcert"])
        .arg("--message-format=json")
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("trusted"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let dead = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let message = &message["message"];
        (message["code"]["code"] == "dead_code").then(|| message.clone())
    };
    let all: Vec<_> = messages.lines().filter_map(dead).collect();
    assert!(!all.is_empty(), "the compiler tells nothing, though `DESCRIBE` are not called");
    all.iter().flat_map(places).collect()
}

/// The places of a warning about functions, types and constants; data may hold more than one reader asks for.
fn places(message: &serde_json::Value) -> Vec<String> {
    let says = message["message"].as_str().unwrap_or_default();
    let is_data = says.starts_with("field") || says.starts_with("variant");
    let spans = message["spans"].as_array().into_iter().flatten();
    let place = |span: &serde_json::Value| {
        let file = span["file_name"].as_str()?;
        let text = span["text"][0]["text"].as_str()?.trim();
        let room = file.strip_prefix("src/")?.split('/').next()?;
        let is_of = |name: &str| ["fn ", "const "].map(|kind| format!("{kind}{name}"));
        let is_known =
            DESCRIBE.iter().any(|name| is_of(name).iter().any(|word| text.contains(word)));
        let is_meant = span["is_primary"] == true && TRUSTED.contains(&room) && !is_data;
        (is_meant && !is_known).then(|| format!("{file}: {text}"))
    };
    spans.filter_map(place).collect()
}

#[test]
fn nothing_in_the_trusted_rooms_is_there_for_other_rooms_alone() {
    let uncalled = uncalled();
    assert!(uncalled.is_empty(), "behind the feature `advice`, or away:\n{}", uncalled.join("\n"));
}

/// The number of lines of code of a file that the checker is built with: neither blank nor a comment.
fn lines_of_code(text: &str) -> usize {
    let mut lines = text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if !GATES.contains(&bare) {
            count += usize::from(!bare.is_empty() && !bare.starts_with("//"));
            continue;
        }
        // the item that the gate is of: up to the end of its first line, or to the brace below its own column
        let indent = &line[..line.len() - bare.len()];
        let first = lines.find(|line| !line.trim_start().starts_with("#["));
        let is_whole = |first: &str| first.ends_with([';', ',']) || first.ends_with("}");
        if first.is_some_and(|first| !is_whole(first)) {
            let ends = ["}", "};", "},"].map(|end| format!("{indent}{end}"));
            let _ = lines.find(|line| ends.iter().any(|end| end == line));
        }
    }
    count
}

/// True if the module of this file is one that the checker is built without.
fn is_gated(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let owners = [file.with_file_name("mod.rs"), file.parent().unwrap().with_extension("rs")];
    let texts = owners.map(|owner| std::fs::read_to_string(owner).unwrap_or_default());
    let gated = GATES.map(|gate| format!("{gate}\nmod {name};\n"));
    gated.iter().any(|module| texts.iter().any(|text| text.contains(module)))
}

fn lines_below(folder: &Path) -> usize {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let lines = |path: PathBuf| match path.is_dir() {
        true => lines_below(&path),
        false if is_gated(&path) => 0,
        false => lines_of_code(&std::fs::read_to_string(path).unwrap()),
    };
    paths.map(lines).sum()
}

#[test]
fn trusted_lines_do_not_grow_unnoticed() {
    let rooms = TRUSTED.map(|room| (room, lines_below(&root().join("src").join(room))));
    let total: usize = rooms.iter().map(|(_, lines)| lines).sum();
    println!("trusted lines: {total}, {rooms:?}");
    assert!(total <= MOST_LINES, "{total} lines, more than {MOST_LINES}: {rooms:?}");
}

#[test]
fn lines_behind_gates_are_not_counted() {
    let text = "//! Docs.\n\nmod a;\n#[cfg(test)]\nmod tests;\n\nimpl A {\n    fn b() {}\n\n    \
                #[cfg(any(test, feature = \"advice\"))]\n    #[must_use]\n    fn c() {\n        d();\n    }\n}\n\
                #[cfg(test)]\nmod more {\n    fn e() {}\n}\n";
    assert_eq!(lines_of_code(text), 4, "mod a, impl A, fn b and its brace");
}
