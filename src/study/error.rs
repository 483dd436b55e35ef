//! Why a study ends early.

/// Why a study ends early.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A file could not be written or read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A certificate of a manifest that does not hold as stated.
    #[error("{certificate}: not as stated: {finding}")]
    NotAsStated {
        /// The certificate.
        certificate: String,
        /// The first finding.
        finding: String,
    },
    /// Something in a manifest that cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file of a manifest that was not opened.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// The data.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
    /// Training.
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// A spec of the study.
    #[error(transparent)]
    Spec(#[from] crate::spec::SpecError),
    /// A spec that does not fit its model.
    #[error(transparent)]
    Lower(#[from] crate::spec::LowerError),
    /// Certifying.
    #[error(transparent)]
    Certify(#[from] crate::certify::CertifyError),
    /// Checking.
    #[error(transparent)]
    Check(#[from] crate::certificate::CheckError),
    /// Attacks.
    #[error(transparent)]
    Steal(#[from] crate::steal::StealError),
    /// The settings of an attack.
    #[error(transparent)]
    Attack(#[from] crate::steal::AttackSpecError),
    /// Measuring attacks.
    #[error(transparent)]
    Metrics(#[from] crate::steal::MetricsError),
    /// Defenses.
    #[error(transparent)]
    Defend(#[from] crate::defend::DefendError),
    /// A file of a benchmark that cannot be read.
    #[error("{0}")]
    Benchmark(String),
    /// A model of another tool.
    #[error(transparent)]
    Import(#[from] crate::import::ImportError),
    /// A target without a boundary.
    #[error("the target answers one label everywhere: there is no boundary to steal")]
    NoBoundary,
    /// Reporting.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
}

impl StudyError {
    pub(super) fn file(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self {
        move |error| Self::File { path: path.display().to_string(), error }
    }
}
