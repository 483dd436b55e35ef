//! What the benches of properties share: their data, their words, and claims that are certified, read anew
//! by the kernel, and counted.

#![allow(dead_code, reason = "every bench that uses it uses its own part")]

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use propcert::certificate::{
    CaseRule, Checked, Entry, Proof, Settings, Subject, Tally, Totals, Verdict, check_file,
};
use propcert::certify::{Options, Selection, Task};
use propcert::model::{DataSet, Digest, Model};
use propcert::spec::Spec;

/// The data sets of the paper and the built-in one.
pub const DATA: [&str; 6] = [
    "spambase",
    "cryptojacker",
    "social_honeypot",
    "customer_churn",
    "medical_insurance",
    "twitter_spam_url",
];

/// What was asked for on the command line; cargo itself adds `--bench`.
pub fn words() -> Vec<String> {
    std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect()
}

/// The names that some words choose; without a word of their kind all are meant.
pub fn chosen<'a>(words: &[String], names: &[&'a str]) -> Vec<&'a str> {
    let named: Vec<_> = names.iter().copied().filter(|n| words.iter().any(|w| w == n)).collect();
    if named.is_empty() { names.to_vec() } else { named }
}

/// A data set; one that is not there is told and left out.
pub fn opened(name: &str) -> Option<DataSet> {
    propcert::dataset::open(name).map_err(|error| eprintln!("left out: {error}")).ok()
}

/// The folder that a variable names, if it is set and not empty: `PROPCERT_DATA` that of data sets.
pub fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Has everything done on one thread.
pub fn on_one_thread() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool is there yet");
}

/// A property, its settings as shown, its spec without the line that names the property, and how many
/// rows of the default part it is about (`None`: all).
pub struct Asked {
    pub property: &'static str,
    pub settings: String,
    pub keys: String,
    pub rows: Option<usize>,
}

impl Asked {
    fn text(&self, more: &str) -> String {
        format!("property = '{}'\n{more}{}\n", self.property, self.keys)
    }

    /// The spec, with `more` keys before its own.
    pub fn spec(&self, more: &str) -> Spec {
        Spec::read(self.text(more).as_bytes()).expect("a spec of the table")
    }
}

/// A model and the data that claims about it are made on.
pub struct Site<'a> {
    pub model: &'a Model,
    digest: Digest,
    pub data: &'a DataSet,
}

/// What became of one claim.
pub struct Measured {
    pub totals: Totals,
    pub rungs: Rungs,
    /// [`seconds`] of search, and of the kernel reading the certificate anew.
    pub search: f64,
    pub check: f64,
    /// Length of the certificate.
    pub bytes: usize,
}

impl<'a> Site<'a> {
    pub fn new(model: &'a Model, data: &'a DataSet) -> Self {
        Self { model, digest: Digest::of(model.to_json().as_bytes()), data }
    }

    /// Certifies one claim and has the kernel read the certificate: a panic if it is not as stated.
    pub fn measure(&self, asked: &Asked, more: &str, budget_nodes: u64) -> Measured {
        let spec = asked.spec(more);
        let subject = Subject {
            model: (self.model, self.digest),
            spec: &spec,
            data: Some(self.data),
            defense: None,
        };
        let (certificate, found_by_search, search) = certify(&subject, asked.rows, budget_nodes);
        let start = seconds();
        let checked =
            check_file(&subject, &mut certificate.as_bytes(), Settings::default(), &mut |_| {})
                .expect("the certificate can be read");
        let check = seconds() - start;
        let Asked { property, settings, .. } = asked;
        assert!(checked.is_as_stated(), "{property} {settings}: {:?}", checked.findings);
        let rungs = Rungs::count(&certificate, &checked, found_by_search);
        Measured { totals: checked.tally.all, rungs, search, check, bytes: certificate.len() }
    }
}

/// Seconds that the processor has spent on this process; where `/proc` does not tell, of the clock.
pub fn seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    // fields 14 and 15, in ticks of 1/100 s, as Linux has them; the second field, a name, may hold spaces
    let ticks = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        Some(fields.next()?.ok()? + fields.next()?.ok()?)
    });
    match ticks {
        Some(ticks) => ticks as f64 / 100.0,
        None => START.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

/// The certificate, how many of its counterexamples the search found, and its [`seconds`]. `rows` beyond
/// those of the part mean all.
fn certify(subject: &Subject, rows: Option<usize>, budget_nodes: u64) -> (String, u64, f64) {
    let start = seconds();
    let property = &subject.spec.property;
    let part = property.default_part();
    let there = subject.data.map_or(0, |data| data.part(part).len());
    let selection = Selection { part, rows: rows.filter(|rows| *rows < there) };
    let options = Options { budget_nodes, ..Options::default() };
    let mut found_by_search = 0;
    let task = Task { subject: *subject, selection, options };
    let certificate = task.certify(&mut |_, answer| {
        let is_late = matches!(answer.verdict, Verdict::Refuted(_)) && !answer.is_refuted_by_attack;
        found_by_search += u64::from(is_late);
    });
    let text = certificate.expect("there are so many rows, and a claim about them").text;
    (text, found_by_search, seconds() - start)
}

/// Lines of certificates by what closed them, of claims about all pairs the pairs.
#[derive(Clone, Debug, Default)]
pub struct Rungs(BTreeMap<(usize, &'static str), u64>);

impl Rungs {
    /// Those of one certificate; the kernel has confirmed all of its lines.
    fn count(certificate: &str, checked: &Checked, found_by_search: u64) -> Self {
        let mut counts: BTreeMap<(usize, &str), u64> = BTreeMap::new();
        let lines = certificate.lines().skip(1);
        let entry = |line: &str| Entry::parse(line.as_bytes()).expect("a line of a certificate");
        for entry in lines.map(entry) {
            let rung = match &entry {
                Entry::Line(line) => rung(&line.proof),
                // of a long tree the first piece counts
                Entry::Piece(piece) if piece.number == 0 => Some((6, "split")),
                _ => None,
            };
            if let Some(rung) = rung {
                *counts.entry(rung).or_default() += 1;
            }
        }
        let Tally { all, .. } = &checked.tally;
        if let Some(pairs) = counts.get_mut(&ALL_PAIRS) {
            *pairs = all.proved + all.refuted;
        }
        if let Some(refuted) = counts.remove(&ATTACK) {
            let by_attack = refuted - found_by_search;
            counts.extend([(ATTACK, by_attack), (SEARCH, found_by_search)]);
        }
        counts.retain(|_, count| *count > 0);
        Self(counts)
    }

    /// Adds those of another certificate.
    pub fn add(&mut self, other: &Self) {
        for (rung, count) in &other.0 {
            *self.0.entry(*rung).or_default() += count;
        }
    }
}

impl fmt::Display for Rungs {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("–");
        }
        for (place, ((_, rung), count)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{rung} {count}")?;
        }
        Ok(())
    }
}

const ATTACK: (usize, &str) = (0, "attack");
const SEARCH: (usize, &str) = (9, "counterexample of the search");
const ALL_PAIRS: (usize, &str) = (8, "all-pairs");

/// What closed a line, with its place in the table; `None` where nothing did.
fn rung(proof: &Proof) -> Option<(usize, &'static str)> {
    Some(match proof {
        Proof::None => return None,
        Proof::Counterexample { .. } => ATTACK,
        Proof::Cases(cases) => match cases.rule {
            CaseRule::Interval => (1, "interval"),
            CaseRule::Linear if cases.hints.is_empty() => (2, "linear"),
            CaseRule::Linear => (3, "slopes"),
            CaseRule::Jacobian => (5, "jacobian"),
            CaseRule::Fuzz => (5, "fuzz"),
            CaseRule::Difference => (5, "difference"),
            CaseRule::TreePairs => (6, "tree pairs"),
            CaseRule::Split => (6, "split"),
            CaseRule::Jumps => (6, "jumps"),
        },
        Proof::Range => (5, "range"),
        Proof::TreeDual { .. } => (4, "tree dual"),
        Proof::AllPairs { .. } => ALL_PAIRS,
    })
}
