//! Why a study ends early.

/// Why a study ends early.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A file could not be written.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
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
        /// Reason why it cannot be read.
        reason: String,
    },
    /// A file of a manifest that was not opened.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// A failure of the data.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
    /// A failure of training.
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// A spec of the study that cannot be read.
    #[error(transparent)]
    Spec(#[from] crate::spec::SpecError),
    /// A spec that does not fit its model.
    #[error(transparent)]
    Lower(#[from] crate::spec::LowerError),
    /// A failure of certifying.
    #[error(transparent)]
    Certify(#[from] crate::certify::CertifyError),
    /// A failure of checking.
    #[error(transparent)]
    Check(#[from] crate::certificate::CheckError),
    /// A failure of an attack.
    #[error(transparent)]
    Steal(#[from] crate::steal::StealError),
    /// Settings of an attack that are refused.
    #[error(transparent)]
    Attack(#[from] crate::steal::AttackSpecError),
    /// A failure of measuring attacks.
    #[error(transparent)]
    Metrics(#[from] crate::steal::MetricsError),
    /// A failure of a defense.
    #[error(transparent)]
    Defend(#[from] crate::defend::DefendError),
    /// A file of a benchmark that cannot be read.
    #[error("{0}")]
    Benchmark(String),
    /// A model of another tool that is not imported.
    #[error(transparent)]
    Import(#[from] crate::import::ImportError),
    /// A target without a boundary.
    #[error("the target answers one label everywhere: there is no boundary to steal")]
    NoBoundary,
    /// A failure of reporting.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
}
