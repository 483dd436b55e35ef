//! Why a study ends early.

use crate::certify::CertifyError;
use crate::steal::StealError;

use super::grid::GridError;
use super::merge::MergeError;

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
    /// No model could be trained to hold specs.
    #[error(transparent)]
    Hold(#[from] crate::train::HoldError),
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
    /// A file that is no grid.
    #[error("{path}: {error}")]
    Grid {
        /// The file.
        path: String,
        /// The fault.
        error: GridError,
    },
    /// A cell that says nothing here.
    #[error("{0}")]
    LeftOut(String),
    /// A cell of the demonstration that ended early.
    #[error("{key}: {reason}")]
    Cell {
        /// The key of the cell.
        key: String,
        /// Reason why it ended.
        reason: String,
    },
    /// The log of an interrupted study.
    #[error(transparent)]
    Log(#[from] crate::store::LogError),
    /// Results that cannot be put together.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A target without a boundary.
    #[error("the target answers one label everywhere: there is no boundary to steal")]
    NoBoundary,
    /// A failure of reporting.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
}

impl StudyError {
    /// True if the question of a cell says nothing about its model or data, which is no failure.
    pub fn leaves_out(&self) -> bool {
        matches!(
            self,
            Self::LeftOut(_)
                | Self::Lower(_)
                | Self::Certify(CertifyError::Lower(_))
                | Self::Defend(_)
                | Self::Steal(
                    StealError::NothingMonotone
                        | StealError::NotMonotone { .. }
                        | StealError::NeedsPosteriors { .. }
                        | StealError::Substitute { .. }
                        | StealError::TwoClasses { .. }
                )
        )
    }
}
