//! The file of claims, read strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::model::Digest;
use crate::source::read_regular;
use crate::text::line_of;

use super::super::formula::{FigureOf, StudyFormula};
use super::ruling::Ruling;

/// Largest file of claims, in bytes.
const MAX_SHEET: u64 = 1 << 20;
/// Most comparisons of a claim on one data set.
const MAX_COMPARISONS: usize = 100_000;

/// Reasons why a file holds no claims. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The file was not opened.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// The file is not UTF-8.
    #[error("claims are UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not the TOML of claims.
    #[error("not a file of claims: {0}")]
    Toml(#[from] toml::de::Error),
    /// A group without members.
    #[error("[groups] `{group:.80}` has no members; a mean needs one")]
    Group {
        /// Its name.
        group: String,
    },
    /// A claim that says nothing that can be ruled on.
    #[error("line {line}: claim `{name:.80}`: {problem}")]
    Claim {
        /// The line.
        line: usize,
        /// The name of the claim.
        name: String,
        /// The fault, and what is expected.
        problem: String,
    },
}

/// A file of claims.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimSheet {
    pub(super) groups: BTreeMap<String, Vec<String>>,
    pub(super) claims: Vec<SheetClaim>,
    /// Digest of the file.
    pub(super) digest: Digest,
}

/// A claim as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SheetClaim {
    pub(super) name: String,
    pub(super) says: String,
    pub(super) published: Option<String>,
    pub(super) control: Option<String>,
    /// The data sets; all if there are none.
    pub(super) data: Vec<String>,
    pub(super) measure: Option<Measure>,
    pub(super) without: Option<WithoutMeasure>,
}

/// A formula with its variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) text: String,
    pub(super) formula: StudyFormula,
    pub(super) expect: Expect,
    /// A formula that must be below 0 for a comparison to count, with its text.
    pub(super) only_where: Option<(String, StudyFormula)>,
    /// The comparisons of one data set: names for all variables.
    pub(super) choices: Vec<BTreeMap<String, String>>,
}

/// The ruling of a claim that no figure decides.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WithoutMeasure {
    pub(super) ruling: Ruling,
    pub(super) because: String,
    /// Tests of the program that would fail if the argument did.
    pub(super) tests: Vec<String>,
}

/// The values of a formula for which a claim holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Expect {
    Positive,
    Negative,
    Within(f64),
    SomePositive,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SheetFile {
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    claim: Vec<Spanned<ClaimEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimEntry {
    name: String,
    says: String,
    published: Option<String>,
    control: Option<String>,
    #[serde(default)]
    data: Vec<String>,
    figure: Option<String>,
    expect: Option<String>,
    #[serde(rename = "where")]
    only_where: Option<String>,
    #[serde(default, rename = "for")]
    variables: BTreeMap<String, Vec<String>>,
    undecided: Option<String>,
    argued: Option<ArguedEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArguedEntry {
    ruling: Ruling,
    because: String,
    tests: Vec<String>,
}

impl ClaimSheet {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Text that cannot be read or is not understood, with its line.
    pub fn open(path: &Path) -> Result<Self, SheetError> {
        Self::read(&read_regular(path, MAX_SHEET)?)
    }

    /// Reads the text of a file of claims.
    ///
    /// # Errors
    /// Text that is not understood, with its line.
    pub fn read(bytes: &[u8]) -> Result<Self, SheetError> {
        let text = std::str::from_utf8(bytes)?;
        let SheetFile { groups, claim } = toml::from_str(text)?;
        if let Some((group, _)) = groups.iter().find(|(_, members)| members.is_empty()) {
            return Err(SheetError::Group { group: group.clone() });
        }
        let mut seen = BTreeSet::new();
        let read = |entry: Spanned<ClaimEntry>| {
            let line = line_of(text, entry.span().start);
            let entry = entry.into_inner();
            let name = entry.name.clone();
            let refused = |problem: String| SheetError::Claim { line, name: name.clone(), problem };
            if name.is_empty() || !seen.insert(name.clone()) {
                return Err(refused("give each claim a name of its own".to_owned()));
            }
            entry.read(&groups).map_err(refused)
        };
        let claims = claim.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { groups, claims, digest: Digest::of(bytes) })
    }

    /// The names of the claims, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|claim| claim.name.as_str())
    }

    /// The tests that arguments rest on.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        let argued = self.claims.iter().filter_map(|claim| claim.without.as_ref());
        argued.flat_map(|without| without.tests.iter().map(String::as_str))
    }
}

impl ClaimEntry {
    fn read(self, groups: &BTreeMap<String, Vec<String>>) -> Result<SheetClaim, String> {
        let without = match (self.undecided, self.argued) {
            (Some(_), Some(_)) => return Err("has `undecided` and `argued`; give one".to_owned()),
            (Some(because), None) => {
                Some(WithoutMeasure { ruling: Ruling::Undecided, because, tests: Vec::new() })
            }
            (None, Some(ArguedEntry { ruling, because, tests })) => {
                Some(WithoutMeasure { ruling, because, tests })
            }
            (None, None) => None,
        };
        let measure = match (self.figure, self.expect) {
            (Some(text), Some(expect)) => {
                Some(measure(text, &expect, self.only_where, &self.variables, groups)?)
            }
            (None, None) if self.only_where.is_some() => {
                return Err("`where` stands beside `figure` only".to_owned());
            }
            (None, None) if without.is_some() && self.variables.is_empty() => None,
            (None, None) => {
                return Err(
                    "gives no `figure` with `expect`, and neither `undecided` nor `argued`"
                        .to_owned(),
                );
            }
            _ => return Err("`figure` and `expect` stand together or not at all".to_owned()),
        };
        let Self { name, says, published, control, data, .. } = self;
        Ok(SheetClaim { name, says, published, control, data, measure, without })
    }
}

fn measure(
    text: String,
    expect: &str,
    only_where: Option<String>,
    variables: &BTreeMap<String, Vec<String>>,
    groups: &BTreeMap<String, Vec<String>>,
) -> Result<Measure, String> {
    let formula = StudyFormula::read(&text).map_err(|error| format!("`figure`, {error}"))?;
    let only_where = only_where.map(condition).transpose()?;
    let choices = choices(variables, groups)?;
    for name in choices.iter().flat_map(BTreeMap::keys) {
        if !formula.figures().iter().any(|(_, names)| names.contains(name)) {
            return Err(format!("the formula does not use the variable `{name}`"));
        }
    }
    Ok(Measure { formula, text, expect: expected(expect)?, only_where, choices })
}

/// A condition is about figures without repetitions, so that a comparison has all of its repetitions or none.
fn condition(text: String) -> Result<(String, StudyFormula), String> {
    let formula = StudyFormula::read(&text).map_err(|error| format!("`where`, {error}"))?;
    match formula.figures().iter().any(|(figure, _)| figure.of() == FigureOf::Theft) {
        true => {
            Err("`where` has a figure of attacks; name figures of models or certificates"
                .to_owned())
        }
        false => Ok((text, formula)),
    }
}

fn expected(text: &str) -> Result<Expect, String> {
    let refused = || {
        format!(
            "`expect` is {text:?}; expected \"positive\", \"negative\", \"some-positive\", or \"within X\" with X above 0"
        )
    };
    match (text, text.strip_prefix("within ")) {
        ("positive", _) => Ok(Expect::Positive),
        ("negative", _) => Ok(Expect::Negative),
        ("some-positive", _) => Ok(Expect::SomePositive),
        (_, Some(number)) => {
            let number: f64 = number.trim().parse().map_err(|_| refused())?;
            (number > 0.0 && number.is_finite())
                .then_some(Expect::Within(number))
                .ok_or_else(refused)
        }
        (_, None) => Err(refused()),
    }
}

/// All choices of the variables. A key may hold several names, and then each value holds as many.
fn choices(
    variables: &BTreeMap<String, Vec<String>>,
    groups: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<BTreeMap<String, String>>, String> {
    let mut found = vec![BTreeMap::new()];
    for (key, values) in variables {
        let names: Vec<&str> = key.split_whitespace().collect();
        if let Some(name) = names.iter().find(|name| groups.contains_key(**name)) {
            return Err(format!(
                "`{name}` is a variable and a group; give one of them another name"
            ));
        }
        let members = |value: &String| match groups.get(value) {
            Some(members) if names.len() == 1 => members.clone(),
            _ => vec![value.clone()],
        };
        let values: Vec<String> = values.iter().flat_map(members).collect();
        if values.is_empty() {
            return Err(format!("`for` gives `{key}` no values"));
        }
        let mut next = Vec::new();
        for (choice, value) in found.iter().flat_map(|one| values.iter().map(move |v| (one, v))) {
            let given: Vec<&str> = value.split_whitespace().collect();
            if given.len() != names.len() {
                return Err(format!(
                    "`for` gives `{key}` the value `{value}`; expected {} names",
                    names.len()
                ));
            }
            let mut choice: BTreeMap<String, String> = BTreeMap::clone(choice);
            choice.extend(names.iter().zip(given).map(|(n, v)| ((*n).to_owned(), v.to_owned())));
            next.push(choice);
        }
        if next.len() > MAX_COMPARISONS {
            return Err(format!("has more than {MAX_COMPARISONS} comparisons; name fewer values"));
        }
        found = next;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: &str = "[groups]\nplain = ['a', 'b']\n[[claim]]\nname = 'C1'\nsays = 'so'\n\
        figure = 'f1(m, none, x) - f1(n, none, plain)'\nexpect = 'positive'\n\
        for = { 'm n' = ['p q', 'r s'], x = ['plain', 'c'] }\n";

    #[test]
    fn variables_are_multiplied_out() {
        let sheet = ClaimSheet::read(SHEET.as_bytes()).unwrap();
        let choices = &sheet.claims[0].measure.as_ref().unwrap().choices;
        assert_eq!(choices.len(), 2 * 3);
        assert_eq!((choices[0]["m"].as_str(), choices[0]["n"].as_str()), ("p", "q"));
        assert_eq!(choices[5]["x"], "c");
    }

    #[test]
    fn faults_are_told_with_claim_and_line() {
        for (old, new, fact) in [
            ("says", "say", "unknown field `say`"),
            ("'positive'", "'more'", "line 3: claim `C1`: `expect` is \"more\"; expected"),
            ("'positive'", "'within 0'", "`expect` is \"within 0\""),
            ("f1(m", "f2(m", "`figure`, at character 1: expected a figure"),
            ("'p q'", "'p'", "the value `p`; expected 2 names"),
            ("'plain', 'c'", "", "gives `x` no values"),
            ("x = [", "plain = [", "a variable and a group"),
            ("x = [", "y = [", "does not use the variable `y`"),
            ("plain = ['a', 'b']", "plain = []", "`plain` has no members"),
            ("expect = 'positive'\n", "", "stand together"),
            ("expect", "where = 'f1(m, none, x)'\nexpect", "`where` has a figure of attacks"),
            ("expect", "where = 'accuracy(m'\nexpect", "`where`, at character 11: expected `,`"),
            (
                "figure = 'f1(m, none, x) - f1(n, none, plain)'\nexpect = 'positive'\n",
                "",
                "gives no `figure`",
            ),
        ] {
            let text = SHEET.replace(old, new);
            assert_ne!(text, SHEET);
            let error = ClaimSheet::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(fact), "{error}");
        }
        let twice = format!("{SHEET}[[claim]]\nname = 'C1'\nsays = 'no'\nundecided = 'why'\n");
        let error = ClaimSheet::read(twice.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 9") && error.contains("a name of its own"), "{error}");
    }
}
