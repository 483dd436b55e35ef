//! The reasons why an oracle gives no answer.

/// Reasons why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// Another distinct point would exceed the budget.
    #[error("all {budget} queries are used; ask fewer points or raise the budget")]
    BudgetExhausted {
        /// Queries allowed.
        budget: usize,
    },
    /// Posteriors are not given in this mode.
    #[error("this oracle answers with `{response}`; posteriors need response = \"posterior\"")]
    NoPosteriors {
        /// The mode.
        response: &'static str,
    },
    /// A point of another length.
    #[error("a point of {found} values was asked, the target has {expected} features")]
    Length {
        /// Values found.
        found: usize,
        /// Features.
        expected: usize,
    },
    /// A defense without answers for this many classes.
    #[error("the defense in front of the target is for 2 classes, the target has {found}")]
    Classes {
        /// Classes of the target.
        found: usize,
    },
    /// The command answers labels only.
    #[error(
        "the command answers labels, and response = \"{response}\" needs posteriors: let it answer one number per class, or ask for labels"
    )]
    OnlyLabels {
        /// The mode.
        response: &'static str,
    },
    /// The command could not be started.
    #[error("`{command}` could not be started: {reason}")]
    NotStarted {
        /// The command.
        command: String,
        /// The system's words.
        reason: String,
    },
    /// The command ended before it had answered.
    #[error(
        "`{command}` ended after {found} of {expected} answers; it must answer a line per row, and read on until its input ends"
    )]
    Ended {
        /// The command.
        command: String,
        /// Answers of the batch.
        found: usize,
        /// Rows of the batch.
        expected: usize,
    },
    /// The command took too long.
    #[error(
        "`{command}` gave {found} of {expected} answers in {seconds} s; it must answer each row as it comes (read a line, write its answer, flush), or be given more time"
    )]
    Late {
        /// The command.
        command: String,
        /// The limit of a batch.
        seconds: u64,
        /// Answers of the batch.
        found: usize,
        /// Rows of the batch.
        expected: usize,
    },
    /// A line is no answer.
    #[error("`{command}`, line {number} of its answers: found `{found}`, expected {expected}")]
    BadAnswer {
        /// The command.
        command: String,
        /// Number of the line, from 1.
        number: usize,
        /// The line.
        found: String,
        /// The allowed lines.
        expected: String,
    },
    /// The command wrote more lines than it was asked for.
    #[error("`{command}` answered `{found}` without a row; it must answer one line per row")]
    Unasked {
        /// The command.
        command: String,
        /// The line.
        found: String,
    },
    /// The answers could not be written down.
    #[error("the answers could not be kept: {reason}")]
    NotKept {
        /// The reason.
        reason: String,
    },
    /// The serving side of a defense refuses.
    #[error("the defense in front of the target cannot answer: {reason}")]
    NotServed {
        /// The reason.
        reason: String,
    },
    /// A value is NaN or infinite.
    #[error("feature {feature} of the point asked is not finite")]
    NotFinite {
        /// Index of the feature.
        feature: usize,
    },
}
