//! Split trees that go over several lines.
//!
//! A long tree is cut between tokens into `n >= 2` parts on consecutive lines of the same obligation,
//! `"piece":[k,n]` with `k` from 0. The parts joined by single spaces are the tree; their hints one after the
//! other are its hints.

use std::collections::BTreeMap;

use crate::certificate::{CaseRule, Cases, Entry, FormatError, Line, Piece, Proof, SplitTree};

/// Puts the parts of a line together. Holds no more than was read.
#[derive(Debug, Default)]
pub struct Assembler {
    /// The parts of a line read so far, and the number of the next part.
    open: Option<(Piece, usize)>,
}

impl Assembler {
    /// Takes the next entry. Returns it whole, or nothing until its last part is there.
    pub fn take(&mut self, entry: Entry) -> Result<Option<Entry>, FormatError> {
        let piece = match (entry, &self.open) {
            (Entry::Piece(piece), _) => piece,
            (entry, None) => return Ok(Some(entry)),
            (_, Some((open, next))) => return Err(unexpected(open, *next, "this part")),
        };
        let (mut open, next) = match self.open.take() {
            Some((open, next)) => {
                let continues = (piece.at, piece.number, piece.of) == (open.at, next, open.of);
                if !continues {
                    let expected = format!("piece {next} of {}", open.of);
                    return Err(unexpected(&piece, piece.number, &expected));
                }
                (open, next)
            }
            None if piece.number == 0 && piece.of >= 2 => {
                self.open = Some((piece, 1));
                return Ok(None);
            }
            None => return Err(unexpected(&piece, piece.number, "piece 0 of at least 2")),
        };
        open.tree.push(' ');
        open.tree.push_str(&piece.tree);
        open.hints.extend(piece.hints);
        if next + 1 < open.of {
            self.open = Some((open, next + 1));
            return Ok(None);
        }
        let trees = BTreeMap::from([(0, SplitTree::parse(&open.tree)?)]);
        let cases = Cases { rule: CaseRule::Split, trees, hints: open.hints };
        Ok(Some(Entry::Line(Line { at: open.at, proof: Proof::Cases(cases) })))
    }

    /// True if a line has begun and not ended.
    #[cfg(any(test, feature = "advice"))]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

fn unexpected(piece: &Piece, number: usize, expected: &str) -> FormatError {
    FormatError::Piece { at: piece.at, number, of: piece.of, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Cut, Hint, Leaf, LeafHint, Step};

    /// A comb of cuts whose text is longer than a line holds.
    fn long_line() -> Line {
        let leaf = Step::Leaf { leaf: Leaf::Linear, refresh: None, hint: Some(0) };
        let mut steps = Vec::new();
        for k in 0..60_000u32 {
            let cut = Cut::Input { copy: 0, feature: 3, at: f64::from(k) / 7.0 };
            steps.push(Step::Cut { cut, refresh: Some(0) });
            steps.push(leaf.clone());
        }
        steps.push(leaf);
        let hint = |k| Hint { slopes: vec![(0, k, 0.25)], ..Hint::default() };
        let hints = (0..1000).map(|k| LeafHint::Shared(hint(k))).collect();
        Line { at: 7, proof: Proof::split(SplitTree::new(steps).unwrap(), hints) }
    }

    fn assemble(text: &str) -> Result<Vec<Entry>, FormatError> {
        let mut assembler = Assembler::default();
        let mut entries = Vec::new();
        for line in text.lines() {
            entries.extend(assembler.take(Entry::parse(line.as_bytes())?)?);
        }
        assert!(!assembler.is_open(), "a part is missing");
        Ok(entries)
    }

    #[test]
    fn a_long_tree_goes_over_several_lines_and_comes_back() {
        let (line, text) = (long_line(), long_line().line());
        assert!(text.lines().count() >= 3, "{} lines", text.lines().count());
        assert!(text.lines().all(|line| line.len() < 1 << 20));
        assert_eq!(assemble(&text).unwrap(), [Entry::Line(line)]);
    }

    #[test]
    fn parts_out_of_place_are_refused() {
        let text = long_line().line();
        let lines: Vec<&str> = text.lines().collect();
        let none = r#"{"at":8,"rule":"none"}"#;
        let last = lines.len() - 1;
        let changed = |old: &str, new: &str| lines[1].replacen(old, new, 1);
        let other_line = changed("\"at\":7", "\"at\":8");
        let other_count = changed(&format!("[1,{}]", lines.len()), "[1,9]");
        for (case, text) in [
            ("begins late", vec![lines[1]]),
            ("one left out", vec![lines[0], lines[2]]),
            ("one twice", vec![lines[0], lines[0]]),
            ("interrupted", vec![lines[0], none]),
            ("another obligation", vec![lines[0], &other_line]),
            ("another count", vec![lines[0], &other_count]),
            ("one too many", [&lines[..], &lines[last..]].concat()),
        ] {
            let found = assemble(&text.join("\n"));
            assert!(matches!(found, Err(FormatError::Piece { .. })), "{case}: {found:?}");
        }
        for line in [
            r#"{"at":0,"rule":"split","piece":[0,1],"tree":"I"}"#,
            r#"{"at":0,"rule":"split","piece":[0,0],"tree":"I"}"#,
            r#"{"at":0,"rule":"interval","piece":[0,2]}"#,
            r#"{"at":0,"rule":"split","piece":[0,2]}"#,
        ] {
            assert!(assemble(line).is_err(), "{line}");
        }
    }
}
