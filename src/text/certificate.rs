//! Certificates as text: the lines that the kernel's room reads. Whatever is written here is decided again when
//! it is read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::certificate::{
    CaseRule, Cases, Cut, Header, Leaf, LeafHint, Line, Proof, Shift, SplitTree, Step, Totals,
};
use crate::interval::format_hexadecimal;
use crate::model::Point;

/// A line; what is absent is not written.
#[derive(Default, Serialize)]
struct LineText {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    piece: Option<(usize, usize)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trees: Option<BTreeMap<usize, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hints: Option<Vec<LeafHint>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shifts: Option<Vec<Vec<Shift>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witnesses: Option<Vec<(usize, usize)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
}

impl Header {
    /// The first line, with its line end.
    pub fn line(&self) -> String {
        text(self)
    }
}

impl Totals {
    /// The last line, with its line end.
    pub fn line(&self) -> String {
        text(&LineText { totals: Some(*self), ..LineText::default() })
    }
}

impl Line {
    /// The line, with its line end; several lines if a split tree is longer than a string may be.
    pub fn line(&self) -> String {
        if let Some((tree, hints)) = self.proof.as_split() {
            let text = tree.text();
            if text.len() > LONGEST_PART || hints.len() > HINTS_OF_A_PART {
                return pieces(self.at, &text, hints);
            }
        }
        let mut file = LineText {
            at: Some(self.at),
            rule: Some(self.proof.rule().to_owned()),
            ..LineText::default()
        };
        let some = |hints: Vec<LeafHint>| (!hints.is_empty()).then_some(hints);
        match &self.proof {
            Proof::Cases(Cases { rule, trees, hints }) => {
                let texts = trees.iter().map(|(&index, tree)| (index, tree.text()));
                match rule {
                    CaseRule::Split => file.tree = texts.map(|(_, text)| text).next(),
                    CaseRule::Interval
                    | CaseRule::Linear
                    | CaseRule::Jacobian
                    | CaseRule::Fuzz
                    | CaseRule::Difference
                    | CaseRule::Jumps
                    | CaseRule::TreePairs => {
                        file.trees = Some(texts.collect()).filter(|_| !trees.is_empty());
                    }
                }
                // the hints of a single case, row by row
                let rows = || hints.iter().flat_map(LeafHint::hints).cloned();
                file.hints = some(match *rule == CaseRule::Linear {
                    true => rows().map(LeafHint::Shared).collect(),
                    false => hints.clone(),
                });
            }
            Proof::Counterexample { points } => file.points = Some(points.clone()),
            Proof::TreeDual { shifts } => file.shifts = Some(shifts.clone()),
            Proof::AllPairs { witnesses } => file.witnesses = Some(witnesses.clone()),
            Proof::None | Proof::Range => {}
        }
        text(&file)
    }
}

impl Proof {
    /// True if a line can hold the proof in a form that a reader takes. The trees of `jumps` and `tree-pairs`
    /// and the shifts of `tree-dual` must fit one line, and a search may find more of them; points must be
    /// numbers.
    pub fn is_writable(&self) -> bool {
        match self {
            // a long tree of a split goes over several lines
            Self::Cases(cases) if cases.rule == CaseRule::Split => true,
            Self::Cases(cases) => {
                let mut lengths = cases.trees.values().map(|tree| tree.text().len());
                let total = lengths.try_fold(0usize, |total, length| {
                    (length <= 2 * LONGEST_PART).then(|| total.saturating_add(length))
                });
                total.is_some_and(|total| total <= LONGEST_LINE)
            }
            Self::TreeDual { shifts } => {
                shifts.iter().map(Vec::len).sum::<usize>() <= LONGEST_LINE / SHIFT_BYTES
            }
            // between huge ends, a point sought in floats may hold a value that is no number
            Self::Counterexample { points } => {
                points.iter().all(|texts| Point::parse(texts, texts.len()).is_ok())
            }
            Self::None | Self::Range | Self::AllPairs { .. } => true,
        }
    }
}

/// Longest trees or shifts on one line, in bytes; a line may be twice as long.
const LONGEST_LINE: usize = 1 << 23;
/// Most bytes of a shift as text.
const SHIFT_BYTES: usize = 48;
/// Longest text of a tree on one line, in bytes; half of what a reader takes.
const LONGEST_PART: usize = 1 << 19;
/// Most hints on one line.
const HINTS_OF_A_PART: usize = 256;

/// The lines of a long split tree, cut between tokens, each with its share of the hints.
fn pieces(at: usize, tree: &str, hints: &[LeafHint]) -> String {
    let parts = parts(tree, hints.len().div_ceil(HINTS_OF_A_PART));
    let mut shares = hints.chunks(hints.len().div_ceil(parts.len()).max(1));
    let lines = parts.iter().enumerate().map(|(number, part)| {
        text(&LineText {
            at: Some(at),
            rule: Some("split".to_owned()),
            piece: Some((number, parts.len())),
            tree: Some((*part).to_owned()),
            hints: shares.next().map(<[_]>::to_vec),
            ..LineText::default()
        })
    });
    lines.collect()
}

/// The text of a tree in at least `least` parts (if it has as many tokens), none of them long.
fn parts(tree: &str, least: usize) -> Vec<&str> {
    let longest = LONGEST_PART.min(tree.len() / least.max(1));
    let mut parts = Vec::new();
    let mut rest = tree;
    while rest.len() > longest {
        let end = rest.get(..longest).and_then(|head| head.rfind(' '));
        let end = end.or_else(|| rest.find(' '));
        let Some((head, tail)) = end.and_then(|end| rest.split_at_checked(end)) else { break };
        parts.push(head);
        rest = tail.trim_start();
    }
    parts.push(rest);
    parts
}

impl SplitTree {
    /// The text that [`SplitTree::parse`] reads.
    pub fn text(&self) -> String {
        let words: Vec<String> = self.steps().iter().map(step_text).collect();
        words.join(" ")
    }
}

fn step_text(step: &Step) -> String {
    let prefix = |copy: usize| if copy == 0 { "" } else { "1/" };
    let suffix =
        |refresh: &Option<usize>| refresh.map_or(String::new(), |layer| format!("!{layer}"));
    match step {
        Step::Cut { cut: Cut::Input { copy, feature, at }, refresh } => {
            let prefix = prefix(*copy);
            format!("{prefix}i{feature}:{}{}", format_hexadecimal(*at), suffix(refresh))
        }
        Step::Cut { cut: Cut::Relu { copy, layer, neuron }, refresh } => {
            format!("{}r{layer}.{neuron}{}", prefix(*copy), suffix(refresh))
        }
        Step::Cut { cut: Cut::Cell { copy, feature, number }, refresh } => {
            format!("{}c{feature}.{number}{}", prefix(*copy), suffix(refresh))
        }
        Step::Sum { most, trees } => {
            let trees: Vec<String> = trees.iter().map(usize::to_string).collect();
            format!("s{}:{}", format_hexadecimal(*most), trees.join("."))
        }
        Step::Leaf { leaf, refresh, hint } => {
            let letter = match leaf {
                Leaf::Interval => "I",
                Leaf::Linear => "L",
                Leaf::Jacobian => "J",
                Leaf::Fuzz => "F",
                Leaf::Pairs => "T",
            };
            let hint = hint.map_or(String::new(), |number| format!("#{number}"));
            format!("{letter}{}{hint}", suffix(refresh))
        }
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).map_or_else(|_| String::new(), |text| text + "\n")
}
