//! Whole certificates in memory: for programs. The checker, which streams files, is built without it.

use super::{CheckError, Checked, Decided, Settings, Subject, check_file};
use crate::certificate::{Proved, Verdict};
use crate::model::{DataSet, Digest, Model};
use crate::spec::Spec;

impl<'a> Subject<'a> {
    /// A claim about a model as it is, on some data. The model's digest is that of the file that
    /// [`Model::to_json`] gives.
    pub fn new(model: &'a Model, spec: &'a Spec, data: &'a DataSet) -> Self {
        let digest = Digest::of(model.to_json().as_bytes());
        Self { model: (model, digest), spec, data: Some(data), defense: None }
    }

    /// Checks the text of a certificate, and keeps what is proved.
    pub fn decide(&self, certificate: &str, settings: Settings) -> Result<Decision, CheckError> {
        let mut proved = Vec::new();
        let mut keep = |decided: Decided| {
            if let Verdict::Proved(one) = decided.verdict {
                proved.push(one.clone());
            }
        };
        let checked = check_file(self, &mut certificate.as_bytes(), settings, &mut keep)?;
        Ok(Decision { checked, proved })
    }
}

/// A certificate that was checked, with what the kernel proved.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The counts, and what is not as stated.
    pub checked: Checked,
    /// The proved claims, in order.
    pub proved: Vec<Proved>,
}

/// Checks the text of a certificate about a model as it is. For files that are too large for memory, for defended
/// models, and for integers in place of floats there are [`Subject::decide`] and [`check_file`].
///
/// # Errors
/// A text that is no certificate, or one about something else. A line that does not hold is no error but a
/// finding: see [`Checked::is_as_stated`].
pub fn check(
    certificate: &str,
    model: &Model,
    spec: &Spec,
    data: &DataSet,
) -> Result<Decision, CheckError> {
    Subject::new(model, spec, data).decide(certificate, Settings::default())
}
