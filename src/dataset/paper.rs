//! The paper's five data sets, as the paper states them.
//!
//! "Stolen Risks of Models with Security Properties" (CCS 2023), table 1. Positive rows are as in its
//! text; for Spam URL, a share of the 359,270 rows that the text mentions.

/// The paper's figures on one data set.
#[derive(Clone, Copy, Debug)]
pub(super) struct PaperSet {
    /// The name used here; `synthetic_` is put before it for a set of the same shape.
    pub(super) name: &'static str,
    /// The paper's name.
    pub(super) title: &'static str,
    /// Number of rows.
    pub(super) rows: usize,
    /// Training rows.
    pub(super) train: usize,
    /// Test rows.
    pub(super) test: usize,
    /// Rows that an attacker is given.
    pub(super) auxiliary: usize,
    /// Number of features.
    pub(super) features: usize,
    /// Rows of class 1, and the number of rows they are counted in.
    pub(super) positive: (usize, usize),
}

/// Number of classes of every data set of the paper.
pub(super) const CLASSES: usize = 2;

/// Table 1.
pub(super) const PAPER_SETS: [PaperSet; 5] = [
    PaperSet {
        name: "medical_insurance",
        title: "Medical Insurance",
        rows: 3275,
        train: 2293,
        test: 932,
        auxiliary: 50,
        features: 8,
        positive: (384, 3275),
    },
    PaperSet {
        name: "cryptojacker",
        title: "Cryptojacking",
        rows: 4000,
        train: 2800,
        test: 1150,
        auxiliary: 50,
        features: 7,
        positive: (2004, 4000),
    },
    PaperSet {
        name: "customer_churn",
        title: "Customer Churn",
        rows: 10_126,
        train: 7088,
        test: 2988,
        auxiliary: 50,
        features: 19,
        positive: (1626, 10_126),
    },
    PaperSet {
        name: "social_honeypot",
        title: "Spam Account",
        rows: 39_980,
        train: 27_986,
        test: 11_944,
        auxiliary: 50,
        features: 15,
        positive: (20_726, 39_980),
    },
    PaperSet {
        name: "twitter_spam_url",
        title: "Spam URL",
        rows: 359_218,
        train: 251_488,
        test: 107_730,
        auxiliary: 50,
        features: 25,
        positive: (158_704, 359_270),
    },
];

/// The paper's data set with that name, or the one whose shape `synthetic_NAME` has.
pub(super) fn paper_set(name: &str) -> Option<&'static PaperSet> {
    let name = name.strip_prefix("synthetic_").unwrap_or(name);
    PAPER_SETS.iter().find(|set| set.name == name)
}
