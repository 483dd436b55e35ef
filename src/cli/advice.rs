//! Advice on misspelled keys and values. Readers name what they know; what was probably meant is added here, once
//! for every file that is read strictly.

use crate::near::advice;

/// The ways in which readers of JSON and TOML call a name that they do not know, and what it is called here.
const UNKNOWN: [(&str, &str); 2] =
    [("unknown field `", "unknown key `"), ("unknown variant `", "unknown value `")];

/// The text of a refusal, with the near name behind every name that is not known.
pub(super) fn advised(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(advised_line).collect();
    in_words(&lines.join("\n"))
}

/// The types of numbers as readers call them, and as people do.
const TYPES: [(&str, &str); 9] = [
    ("usize", "a whole number, 0 or more"),
    ("u64", "a whole number, 0 or more"),
    ("u32", "a whole number, 0 or more"),
    ("u16", "a whole number, 0 or more"),
    ("u8", "a whole number, 0 or more"),
    ("i64", "a whole number"),
    ("f64", "a number"),
    ("f32", "a number"),
    ("a boolean", "true or false"),
];

/// The text with words for the types of numbers.
fn in_words(text: &str) -> String {
    let mut parts = text.split("expected ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let named = TYPES.iter().find_map(|(theirs, ours)| {
            let rest = part.strip_prefix(theirs).filter(|rest| is_word(rest))?;
            Some(format!("{ours}{rest}"))
        });
        words += "expected ";
        words += named.as_deref().unwrap_or(part);
    }
    words
}

/// The system's words for a file that is not there.
const MISSING: &str = ": No such file or directory (os error 2)";

/// The text of a refusal; one about a file that is not there names the option, among the words of the command line, that
/// names the file.
pub(super) fn of_option(text: &str, words: &[String]) -> String {
    let Some(path) = text.strip_suffix(MISSING) else { return text.to_owned() };
    let is_option = |word: &str| word.starts_with("--") && word.len() > 2;
    let option = words.iter().enumerate().find_map(|(at, word)| {
        if let Some((option, _)) = word.split_once('=').filter(|(_, value)| *value == path) {
            return Some(option).filter(|option| is_option(option));
        }
        let before = words.get(..at)?.iter().rev();
        let mut options = before.map(String::as_str).filter(|word| is_option(word));
        (word == path).then(|| options.next()).flatten()
    });
    let option = option.map(|option| format!("{option} ")).unwrap_or_default();
    format!("{option}{path}: there is no such file")
}

fn advised_line(line: &str) -> String {
    let unknown = UNKNOWN.iter().find_map(|(theirs, ours)| {
        let (before, rest) = line.split_once(theirs)?;
        let (name, expected) = rest.split_once("`, expected ")?;
        let known = expected.split('`').skip(1).step_by(2);
        let near = advice(name, known);
        let end = if near.is_empty() { ", expected " } else { " expected " };
        Some(format!("{before}{ours}{name}`{near}{end}{expected}"))
    });
    unknown.or_else(|| advised_value(line)).unwrap_or_else(|| line.to_owned())
}

/// The same for `` `key` is value; expected one, another or a third``.
fn advised_value(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("` is ")?;
    let (found, expected) = rest.split_once("; expected ")?;
    let bare = |word: &'_ str| word.trim_matches(['"', '\'', '`', ' ']).to_owned();
    let is_name = |word: &String| {
        word.starts_with(char::is_alphabetic) && !word.contains(char::is_whitespace)
    };
    let found_name = Some(bare(found)).filter(is_name)?;
    let listed = expected.strip_prefix("some of ").unwrap_or(expected);
    let words = listed.split(", ").flat_map(|word| word.split(" or "));
    let known: Vec<String> = words.map(bare).filter(is_name).collect();
    let near = advice(&found_name, known.iter().map(String::as_str));
    (!near.is_empty()).then(|| format!("{before}` is {found}{near} expected {expected}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn types_of_numbers_are_said_in_words() {
        for (theirs, ours) in [
            (
                "invalid type: string \"x\", expected usize at line 3",
                "expected a whole number, 0 or more at line 3",
            ),
            ("invalid value: integer `-1`, expected u64", "expected a whole number, 0 or more"),
            ("invalid type: string \"x\", expected f64\nin `a`", "expected a number\nin `a`"),
            ("expected f32s", "expected f32s"),
            ("nothing at all", "nothing at all"),
        ] {
            let told = super::advised(theirs);
            assert!(told.ends_with(ours), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_its_option() {
        let words = "propcert steal --target a.json b.json --data=c.csv d.json --json";
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        for (path, told) in [
            ("a.json", "--target a.json"),
            ("b.json", "--target b.json"),
            ("c.csv", "--data c.csv"),
            ("e.json", "e.json"),
        ] {
            let found = super::of_option(&format!("{path}{}", super::MISSING), &words);
            assert_eq!(found, format!("{told}: there is no such file"));
        }
        assert_eq!(super::of_option("a.json: broken", &words), "a.json: broken");
    }

    use super::*;

    #[test]
    fn near_names_are_added_and_nothing_else_changes() {
        for (text, expected) in [
            (
                "a.toml: not a spec: TOML parse error at line 2\n  |\nunknown field `epsilonn`, expected one of `delta`, `epsilon`",
                "a.toml: not a spec: TOML parse error at line 2\n  |\nunknown key `epsilonn`; did you mean `epsilon`? expected one of `delta`, `epsilon`",
            ),
            (
                "unknown variant `reel`, expected `real` or `binary` at line 1 column 7",
                "unknown value `reel`; did you mean `real`? expected `real` or `binary` at line 1 column 7",
            ),
            ("unknown field `speed`, expected `norm`", "unknown key `speed`, expected `norm`"),
            (
                "line 3: `leave-out` is \"radi\"; expected some of monotonicity, radii",
                "line 3: `leave-out` is \"radi\"; did you mean `radii`? expected some of monotonicity, radii",
            ),
            ("`copies` is 3; expected 1 or 2", "`copies` is 3; expected 1 or 2"),
            ("unknown field `x`, there are no fields", "unknown field `x`, there are no fields"),
            ("m.json: unknown field `", "m.json: unknown field `"),
            ("", ""),
        ] {
            assert_eq!(advised(text), expected);
        }
    }
}
