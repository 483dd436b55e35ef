//! Certification inside a study: search, write, check twice, count.

use crate::certificate::{Arithmetic, Checked, Decision, Proved, Settings, Subject, Tally, Totals};
use crate::certify::{Certificate, Options, Task};
use crate::model::Digest;
use crate::report::{CertificateReport, PropertyName, Sampled, Share};
use crate::spec::{Integers, Semantics};

use super::StudyError;
use crate::store::Store;

/// A certificate that was written and checked again.
pub struct Certified {
    /// The certificate's entry in the report.
    pub report: CertificateReport,
    /// Digest of the certificate file.
    pub digest: Digest,
    /// Facts that the kernel proved when it read the file.
    pub proved: Vec<Proved>,
}

/// Searches, writes the certificate as `file` into the store, and checks the written certificate in both
/// arithmetics, the first `exact` obligations in integers.
pub fn certify(
    task: &Task,
    exact: usize,
    store: &Store,
    file: &str,
) -> Result<Certified, StudyError> {
    let Task { subject, options, .. } = task;
    let Certificate { text, written } = task.certify(&mut |_, _| {})?;
    store.write(file, text.as_bytes())?;

    let Decision { checked, proved } = subject.decide(&text, Settings::default())?;
    let first = exact.min(task.lowered(task.rows()?)?.len());
    let settings =
        Settings { arithmetic: Arithmetic::Exact, first: Some(first), ..Settings::default() };
    let exactly = subject.decide(&text, settings)?.checked;
    let all = written.tally.all;
    let mut report = describe(subject, &checked, file);
    report.part = checked.header.part.map(|part| part.name().to_owned());
    report.every = checked.header.every;
    let is_premise_met = task.is_premise_met()?;
    report.premise_unreachable = is_premise_met.map(|is_met| if is_met { 0 } else { all.proved });
    report.sampled = sampled(&all, written.refuted_by_attack, options, subject);
    report.checked = checked.is_as_stated() && exactly.is_as_stated();
    report.checked_exactly = (exactly.is_as_stated() && first > 0).then_some(first as u64);
    Ok(Certified { report, digest: Digest::of(text.as_bytes()), proved })
}

fn describe(subject: &Subject, checked: &Checked, file: &str) -> CertificateReport {
    let Tally { all, distinct, rules, .. } = &checked.tally;
    let spec = subject.spec;
    CertificateReport {
        claim: PropertyName::new(spec.property.name(), spec.parameters(subject.model.0)),
        semantics: match checked.header.semantics {
            Semantics::Real => "real".to_owned(),
            Semantics::ServedF32 => "served-f32".to_owned(),
        },
        integers: match spec.integers {
            Integers::Respect => "respect".to_owned(),
            Integers::Relax => "relax".to_owned(),
        },
        part: None,
        every: None,
        unit: spec.property.counted_by(),
        counts: *all,
        distinct: *distinct,
        premise_unreachable: None,
        sampled: None,
        closed_by: rules.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect(),
        checked: checked.is_as_stated(),
        checked_exactly: None,
        file: Some(file.to_owned()),
    }
}

/// The share of obligations that the attack alone did not refute.
fn sampled(totals: &Totals, refuted: u64, options: &Options, subject: &Subject) -> Option<Sampled> {
    let n = totals.n();
    let how = if subject.spec.property.direction().is_some() {
        "walks along the feature through 40 points".to_owned()
    } else {
        let starts = options.attack_starts;
        format!(
            "projected gradient descent from the row and {starts} random starts (ensembles: random points)"
        )
    };
    let how = format!("{how}, seed {}", options.seed);
    (n > 0).then(|| Sampled { satisfied: Share::new(n - refuted, n), how })
}
