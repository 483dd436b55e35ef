//! How far the score goes on the whole domain, by claims that the kernel decides.
//!
//! `local-invariance` around a row of class 0, with a radius beyond the domain, says `F_0 > 1 − δ`
//! everywhere, that is `m < ln(δ/(1 − δ))`: a proof bounds the score from above, a counterexample attains
//! one from below, and halving brings both together. Class 1 gives the other end.

use propcert::certificate::{Proof, Subject, Verdict};
use propcert::certify::{Options, Searcher};
use propcert::model::{DataSet, Digest, Family, Model, Part, Point, Row};
use propcert::spec::{Lowered, Spec};

/// An end of the range of a score, or of what it is the negative of.
#[derive(Clone, Copy)]
pub struct End {
    /// Some point has this score or a greater one.
    pub attained: f64,
    /// No point has a greater one.
    pub proved: f64,
}

/// How near the two sides of an end are brought.
const STEP: f64 = 0.01;
/// Greatest size of a score that a claim about posteriors can state.
const LARGEST: f64 = 59.5;

/// What is known of a claim about every point.
enum Known {
    Holds,
    /// A point where it fails.
    Fails(Vec<f64>),
    Open,
}

/// A model whose score is asked for.
pub struct Scores<'a> {
    pub model: &'a Model,
    pub data: &'a DataSet,
    pub budget_nodes: u64,
}

impl Scores<'_> {
    /// The greatest score; with `is_negated`, of the negated score.
    pub fn most(&self, is_negated: bool) -> End {
        let (label, sign) = if is_negated { (1, -1.0) } else { (0, 1.0) };
        let value = |x: &[f64]| sign * self.model.margin(x);
        let rows = self.data.part(Part::Test).iter().map(|row| value(&row.values));
        let attained = self.climb(label, &value, rows.fold(f64::NEG_INFINITY, f64::max));
        let proved = self.sum_of_largest(sign).min(LARGEST) + STEP;
        match self.ask(label, &posterior(proved)) {
            Known::Holds => self.close_in(label, &value, End { attained, proved }),
            _ => End { attained, proved: f64::INFINITY },
        }
    }

    /// Greater scores from counterexample to counterexample, in steps that halve where none is found.
    fn climb(&self, label: usize, value: &dyn Fn(&[f64]) -> f64, from: f64) -> f64 {
        let (mut attained, mut step) = (from, 1.0);
        while step >= STEP {
            match self.ask(label, &posterior(attained + step)) {
                Known::Fails(x) => attained = value(&x),
                Known::Holds | Known::Open => step /= 2.0,
            }
        }
        attained
    }

    /// Halves between what is attained and what is proved.
    fn close_in(&self, label: usize, value: &dyn Fn(&[f64]) -> f64, end: End) -> End {
        let End { mut attained, mut proved } = end;
        // below here nothing is left to prove, or nothing was proved
        let mut open_from = attained;
        while proved - open_from > STEP {
            let middle = proved / 2.0 + open_from / 2.0;
            match self.ask(label, &posterior(middle)) {
                Known::Holds => proved = middle,
                Known::Fails(x) => {
                    attained = attained.max(value(&x));
                    open_from = middle.max(attained);
                }
                Known::Open => open_from = middle,
            }
        }
        End { attained, proved }
    }

    /// Whether some point has a posterior of class 1 of at least `confidence`; `None`: not decided.
    pub fn is_reached(&self, confidence: &str) -> Option<bool> {
        match self.ask(0, confidence) {
            Known::Holds => Some(false),
            Known::Fails(_) => Some(true),
            Known::Open => None,
        }
    }

    /// The largest leaf of every tree, which is an upper end whatever the boxes of leaves.
    fn sum_of_largest(&self, sign: f64) -> f64 {
        let Family::Ensemble(ensemble) = &self.model.family else { unreachable!("an ensemble") };
        let base: f64 = ensemble.base.iter().map(|base| sign * base).sum();
        let largest = ensemble
            .trees
            .iter()
            .map(|tree| tree.leaves().map(|leaf| sign * leaf).fold(f64::NEG_INFINITY, f64::max));
        base + largest.sum::<f64>()
    }

    /// Whether `F_label > 1 − δ` everywhere.
    fn ask(&self, label: usize, delta: &str) -> Known {
        let text = format!(
            "property = 'local-invariance'\nepsilon = '1e12'\ndelta = '{delta}'\nsemantics = 'real'\n"
        );
        let spec = Spec::read(text.as_bytes()).expect("a spec");
        let mut rows = self.data.part(Part::Test).iter();
        let row: &Row = rows.find(|row| row.label == label).expect("both classes have test rows");
        let rows = std::slice::from_ref(row);
        let lowered = Lowered::new(&spec, self.model, None, rows).expect("a claim");
        let model = (self.model, Digest::of(b""));
        let subject = Subject { model, spec: &spec, data: None, defense: None };
        let options = Options { budget_nodes: self.budget_nodes, ..Options::default() };
        let mut known = Known::Open;
        let run = Searcher::new(subject, &lowered, rows, options).run(0, |line, answer| {
            known = match (&answer.verdict, &line.proof) {
                (Verdict::Proved(_), _) => Known::Holds,
                (Verdict::Refuted(_), Proof::Counterexample { points }) => {
                    Known::Fails(floats(&points[0]))
                }
                (Verdict::Invalid, _) => unreachable!("rows lie in their ranges"),
                _ => Known::Open,
            };
            Ok(())
        });
        run.expect("nothing is written");
        known
    }
}

fn floats(texts: &[String]) -> Vec<f64> {
    Point::parse(texts, texts.len()).expect("a point").values().iter().map(|x| x.down()).collect()
}

/// `σ(m)` as a decimal; its distance from 1 keeps its digits, too.
fn posterior(m: f64) -> String {
    let unit: u128 = 10_u128.pow(38);
    let rare = 1.0 / (1.0 + m.abs().exp());
    let rare = (rare * 1e38) as u128;
    format!("0.{:038}", if m > 0.0 { unit - rare } else { rare })
}
