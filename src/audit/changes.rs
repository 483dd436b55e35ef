//! The largest changes of the score: by one feature alone, and between two points close to each other.
//!
//! Every end is the kernel's: an upper end is a bound that it has shown, a lower end one that it has refuted (or, of an
//! ensemble, a change that some pair of points attains). A spec states a bound in few digits, so what it claims is not
//! quite what was asked for: ends are those of the claim, rounded outward. The bound of the certificate that is kept is
//! chosen after these.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::certificate::{Subject, Verdict};
use crate::certify::{Options, Selection, Task};
use crate::interval::{Decimal, Rational};
use crate::model::{Family, Part};
use crate::report::{CertificateReport, ChangeFinding};
use crate::spec::Spec;
use crate::store::Store;
use crate::study::{Certified, ManifestEntry, StudyError, certify};
use crate::text::digits::above;

use super::plan::AuditPlan;
use super::run::AuditSubject;

/// Boxes of pairs of points, for one nodes of other searches.
const BOXES: u64 = 20;
/// Least and greatest bound that is stated.
const LEAST: f64 = 1e-6;
const GREATEST_STATED: f64 = 1e15;
/// Greatest bound that is tried, as a power of two.
const GREATEST: i32 = 24;
/// Halvings between the last bound that is refuted and the first that is proved.
const HALVINGS: u32 = 3;

/// The claims whose bounds are sought: one feature alone, and all of them close by.
pub(super) const CHANGES: [&str; 2] = ["stability", "small-neighborhood"];

/// The results of the part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ChangesPart {
    pub(super) findings: Vec<ChangeFinding>,
    pub(super) certificates: Vec<CertificateReport>,
    pub(super) entries: Vec<ManifestEntry>,
    /// The distance from the least to the greatest score of an ensemble: at least and at most.
    pub(super) score_span: Option<[f64; 2]>,
    pub(super) left_out: Vec<String>,
}

/// The least and the most that is known of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ChangeEnds {
    least: f64,
    most: f64,
}

/// Bounds the changes, and keeps a certificate of each kind in the store.
pub(super) fn changes(
    subject: &AuditSubject,
    plan: &AuditPlan,
    store: &Store,
) -> Result<ChangesPart, StudyError> {
    let mut part = ChangesPart::default();
    let features: Vec<String> =
        subject.model.schema.features().iter().map(|feature| feature.name.clone()).collect();
    let quoted = serde_json::json!(features);
    let stability = |bound: f64| {
        let bound = decimal_above(bound);
        let text = format!("property = \"stability\"\nfeatures = {quoted}\nbound = \"{bound}\"\n");
        BoundSpec { text, claimed: bound.value().clone() }
    };
    let epsilon = plan.main_epsilon();
    let near = |bound: f64| {
        let constant = decimal_above((bound / epsilon.value().down()).next_up());
        let text = format!(
            "property = \"small-neighborhood\"\nepsilon = \"{epsilon}\"\nconstant = \"{constant}\"\non = \"score\"\n"
        );
        BoundSpec { text, claimed: epsilon.value() * constant.value() }
    };
    let any = vec![format!("all features at once, within {epsilon} sd")];
    for (name, names, spec) in [
        (CHANGES[0], features.clone(), &stability as &dyn Fn(f64) -> BoundSpec),
        (CHANGES[1], any, &near),
    ] {
        if name == CHANGES[0] && matches!(subject.model.family, Family::Mlp(_)) {
            let reason = "stability: single features are bounded for ensembles; of a network the small neighbourhood is.";
            part.left_out.push(reason.to_owned());
            continue;
        }
        let bounds = ChangeBound { subject, plan, store, spec };
        match bounds.run(name, &names, &mut part) {
            Err(error) if error.leaves_out() => part.left_out.push(format!("{name}: {error}.")),
            outcome => outcome?,
        }
    }
    Ok(part)
}

/// A spec that states a bound: at least the one asked for.
struct BoundSpec {
    text: String,
    /// The most that a change may be by the spec, exactly.
    claimed: Rational,
}

impl BoundSpec {
    fn read(&self) -> Result<Spec, StudyError> {
        Ok(Spec::read(self.text.as_bytes())?)
    }
}

/// A bound as a decimal of three significant digits, not below it; beyond [`GREATEST_STATED`] that one.
fn decimal_above(bound: f64) -> Decimal {
    // what is no number is not above
    let bound = if bound > LEAST { bound } else { LEAST };
    // digits without an exponent, as specs have them
    let text = format!("{}", above(bound.min(GREATEST_STATED), 3));
    text.parse().expect("digits are a decimal")
}

/// A kind of claim whose bound is sought.
struct ChangeBound<'a> {
    subject: &'a AuditSubject<'a>,
    plan: &'a AuditPlan,
    store: &'a Store,
    spec: &'a dyn Fn(f64) -> BoundSpec,
}

impl ChangeBound<'_> {
    fn run(&self, name: &str, names: &[String], part: &mut ChangesPart) -> Result<(), StudyError> {
        let ends = match self.subject.model.family {
            Family::Ensemble(_) => self.of_ensemble(part)?,
            Family::Mlp(_) => self.of_network(names.len())?,
        };
        let most = ends.iter().filter_map(|ends| ends.map(|ends| ends.most)).reduce(f64::max);
        let is_whole = ends.iter().all(Option::is_some);
        let file = match most {
            Some(most) if is_whole => self.keep(name, most, part)?,
            _ => None,
        };
        for (moves, ends) in names.iter().zip(&ends) {
            match ends {
                Some(ChangeEnds { least, most }) => part.findings.push(ChangeFinding {
                    moves: moves.clone(),
                    least: *least,
                    most: *most,
                    file: file.clone(),
                }),
                None => part.left_out.push(format!("{name}, {moves}: no bound was found.")),
            }
        }
        Ok(())
    }

    fn task<'t>(&'t self, spec: &'t Spec) -> Task<'t> {
        Task {
            subject: Subject {
                model: (self.subject.model, self.subject.digest),
                spec,
                data: Some(self.subject.data),
                defense: None,
            },
            selection: Selection { part: Part::Test, rows: None },
            options: Options {
                budget_nodes: self.plan.budget_nodes,
                seed: self.subject.seed,
                ..Options::default()
            },
        }
    }

    /// The largest changes that a search over pairs of boxes finds and the kernel shows.
    fn of_ensemble(&self, part: &mut ChangesPart) -> Result<Vec<Option<ChangeEnds>>, StudyError> {
        use rayon::prelude::*;
        let spec = (self.spec)(1.0).read()?;
        let mut task = self.task(&spec);
        task.options.budget_nodes = BOXES * self.plan.budget_nodes;
        let (ends, span) = task.prepare(|searcher| {
            let largest = |at: usize| {
                let found = searcher.largest_change(at)?;
                Some(ChangeEnds { least: found.least, most: found.most })
            };
            let ends: Vec<_> = (0..searcher.len()).into_par_iter().map(largest).collect();
            (ends, searcher.score_span(0).map(|span| [span.least, span.most]))
        })?;
        part.score_span = part.score_span.or(span);
        Ok(ends)
    }

    /// The last bound that is refuted and the first that is proved among powers of two, then some halvings.
    fn of_network(&self, count: usize) -> Result<Vec<Option<ChangeEnds>>, StudyError> {
        let mut tried = TriedBounds { least: vec![0.0; count], most: vec![f64::INFINITY; count] };
        let mut bound = 1.0;
        while bound <= f64::powi(2.0, GREATEST) && !tried.is_bounded() {
            self.try_bound(bound, &mut tried)?;
            bound *= 2.0;
        }
        for _ in 0..HALVINGS {
            let (least, most) = tried.widest();
            let middle = if least > 0.0 { (least * most).sqrt() } else { most / 4.0 };
            if most.is_finite() && middle > least {
                self.try_bound(middle, &mut tried)?;
            }
        }
        let ends = tried.least.iter().zip(&tried.most);
        let ends =
            ends.map(|(&least, &most)| most.is_finite().then_some(ChangeEnds { least, most }));
        Ok(ends.collect())
    }

    /// Has the kernel decide one bound for every obligation.
    fn try_bound(&self, bound: f64, tried: &mut TriedBounds) -> Result<(), StudyError> {
        let stated = (self.spec)(bound);
        let spec = stated.read()?;
        let BoundSpec { claimed, .. } = &stated;
        let mut verdicts = BTreeMap::new();
        self.task(&spec).certify(&mut |at, answer| {
            verdicts.insert(at, matches!(answer.verdict, Verdict::Proved(_)));
            if let Verdict::Refuted(_) = answer.verdict {
                tried.refuted(at, claimed.down());
            }
        })?;
        for (at, _) in verdicts.into_iter().filter(|(_, is_proved)| *is_proved) {
            tried.proved(at, claimed.up());
        }
        Ok(())
    }

    /// Certifies the claim at the least bound of few digits that is not below this one, for good. The file of the
    /// certificate, if it proves the claim.
    fn keep(
        &self,
        name: &str,
        bound: f64,
        part: &mut ChangesPart,
    ) -> Result<Option<String>, StudyError> {
        let stated = (self.spec)(bound);
        let spec = stated.read()?;
        let model = self.subject.name;
        let (spec_file, file) =
            (format!("specs/{name}.toml"), format!("certificates/{model}/{name}.jsonl"));
        self.store.write(&spec_file, stated.text.as_bytes())?;
        let mut task = self.task(&spec);
        if matches!(self.subject.model.family, Family::Ensemble(_)) {
            task.options.budget_nodes = 2 * BOXES * self.plan.budget_nodes;
        }
        let Certified { report, .. } = certify(&task, 0, self.store, &file)?;
        let is_proved = report.checked && report.counts.proved == report.counts.n();
        part.certificates.push(report);
        part.entries.push(ManifestEntry {
            certificate: file.clone(),
            model: format!("models/{model}.json"),
            spec: spec_file,
            data: None,
            defense: None,
        });
        if !is_proved {
            let reason =
                format!("{name}: the budget was not enough for a certificate of the bound.");
            part.left_out.push(reason);
        }
        Ok(is_proved.then_some(file))
    }
}

/// For every obligation the greatest bound refuted and the least bound proved.
struct TriedBounds {
    least: Vec<f64>,
    most: Vec<f64>,
}

impl TriedBounds {
    fn refuted(&mut self, at: usize, bound: f64) {
        if let Some(least) = self.least.get_mut(at) {
            *least = least.max(bound);
        }
    }

    fn proved(&mut self, at: usize, bound: f64) {
        if let Some(most) = self.most.get_mut(at) {
            *most = most.min(bound);
        }
    }

    fn is_bounded(&self) -> bool {
        self.most.iter().all(|most| most.is_finite())
    }

    /// The ends of the obligation with the greatest upper end.
    fn widest(&self) -> (f64, f64) {
        let ends = self.least.iter().copied().zip(self.most.iter().copied());
        ends.fold((0.0, 0.0), |widest, ends| if ends.1 > widest.1 { ends } else { widest })
    }
}
