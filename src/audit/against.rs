//! Two audits beside each other: the figures that got worse, and those that got better.
//!
//! Decisions of the kernel are compared exactly. Agreement is a mean over a few repetitions, so it got worse only where
//! it lies above the 95% interval of the old one (with a single repetition: above its mean), and better only below it.

use super::changes::CHANGES;
use crate::report::{
    Counts, Estimate, ModelReport, OrderVerdict, Report, RunAgainst, Share, observed, percent_of,
};

/// Reasons why two audits cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgainstError {
    /// A report of something else.
    #[error("is a report of {found}; expected that of an audit, with one model")]
    NoAudit {
        /// Its content in words.
        found: String,
    },
    /// A report about other data.
    #[error(
        "is about the data `{found}` ({old:.12}…), this audit about `{now}` ({new:.12}…): figures on different rows are not compared"
    )]
    OtherData {
        /// The name of its data.
        found: String,
        /// Its digest.
        old: String,
        /// The name of the data now.
        now: String,
        /// The digest now.
        new: String,
    },
}

/// One figure in two audits.
struct FigurePair {
    name: String,
    change: FigureChange,
}

/// The change of one figure.
enum FigureChange {
    Worse(String),
    Better(String),
    Same,
}

/// The audited model of a report.
///
/// # Errors
/// A report that is not of an audit.
fn audited(report: &Report) -> Result<&ModelReport, AgainstError> {
    let models: Vec<&ModelReport> = report.runs.iter().flat_map(|run| &run.models).collect();
    match models.as_slice() {
        [only] if only.audited.is_some() => Ok(only),
        several => {
            let found = format!("{} models, title `{}`", several.len(), report.title);
            Err(AgainstError::NoAudit { found })
        }
    }
}

/// Checks before work starts that an earlier report can be compared with an audit on data with that name and digest.
///
/// # Errors
/// A report of something else, or about other data.
pub fn expect_comparable(old: &Report, data: (&str, &str)) -> Result<(), AgainstError> {
    audited(old)?;
    let run = &old.runs[0].data;
    let digest = run.digest.clone().unwrap_or_default();
    match digest == data.1 {
        true => Ok(()),
        false => Err(AgainstError::OtherData {
            found: run.name.clone(),
            old: digest,
            now: data.0.to_owned(),
            new: data.1.to_owned(),
        }),
    }
}

/// The figures of both audits that differ.
///
/// # Errors
/// A report that is not of an audit.
pub fn compare(old: &Report, new: &Report) -> Result<RunAgainst, AgainstError> {
    let (old, new) = (audited(old)?, audited(new)?);
    let mut pairs = vec![FigurePair {
        name: "accuracy".to_owned(),
        change: share_change(old.accuracy, new.accuracy),
    }];
    pairs.extend(certificates(old, new));
    pairs.extend(orders(old, new));
    pairs.extend(radii(old, new));
    pairs.extend(attacks(old, new));
    let mut against = RunAgainst::default();
    for FigurePair { name, change } in pairs {
        match change {
            FigureChange::Worse(words) => against.worse.push(format!("{name}: {words}")),
            FigureChange::Better(words) => against.better.push(format!("{name}: {words}")),
            FigureChange::Same => {}
        }
    }
    Ok(against)
}

/// Compares two figures of which more is better, exactly.
fn ordered(old: u128, new: u128, words: String) -> FigureChange {
    match new.cmp(&old) {
        std::cmp::Ordering::Less => FigureChange::Worse(words),
        std::cmp::Ordering::Greater => FigureChange::Better(words),
        std::cmp::Ordering::Equal => FigureChange::Same,
    }
}

fn share_change(old: Share, new: Share) -> FigureChange {
    let words = format!("{} → {}", observed(old), observed(new));
    let scaled = |share: Share, other: Share| u128::from(share.count) * u128::from(other.of);
    ordered(scaled(old, new), scaled(new, old), words)
}

/// The certificates of both, by the ends of their files: proved shares.
fn certificates(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let property = |file: &Option<String>| {
        let name = file.as_ref()?.rsplit('/').next()?.strip_suffix(".jsonl")?;
        Some(name.to_owned())
    };
    let proved = |counts: Counts| Share::new(counts.proved, counts.n());
    let found = old.certificates.iter().filter_map(|before| {
        let name = property(&before.file)?;
        // the bound of these follows the figure: see the changes of the score
        if CHANGES.contains(&name.as_str()) {
            return None;
        }
        let now = new.certificates.iter().find(|one| property(&one.file).as_ref() == Some(&name));
        let change = match now {
            Some(now) => share_change(proved(before.counts), proved(now.counts)),
            None => FigureChange::Worse("is no longer certified".to_owned()),
        };
        Some(FigurePair { name: format!("{name}, proved"), change })
    });
    found.collect()
}

/// Features that were proved in a direction.
fn orders(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let of = |model: &ModelReport| {
        model.audited.as_ref().map(|audited| audited.orders.clone()).unwrap_or_default()
    };
    let now = of(new);
    let mut pairs = Vec::new();
    for before in of(old) {
        let Some(after) = now.iter().find(|order| order.feature == before.feature) else {
            continue;
        };
        for (direction, old, new) in [
            ("increasing", before.increasing, after.increasing),
            ("decreasing", before.decreasing, after.decreasing),
        ] {
            let value = |verdict| u128::from(verdict == OrderVerdict::Proved);
            let words = match new {
                OrderVerdict::Proved => "is proved now",
                OrderVerdict::Refuted => "was proved and is refuted now",
                OrderVerdict::Open => "was proved and is open now",
            };
            let change = ordered(value(old), value(new), words.to_owned());
            pairs.push(FigurePair { name: format!("{} {direction}", before.feature), change });
        }
    }
    pairs
}

/// The median radius.
fn radii(old: &ModelReport, new: &ModelReport) -> Option<FigurePair> {
    let median = |model: &ModelReport| model.radii.as_ref()?.quartiles[1];
    let (before, after) = (median(old)?, median(new)?);
    let words = format!("{before:.4} → {after:.4}");
    let change = match after.total_cmp(&before) {
        std::cmp::Ordering::Less => FigureChange::Worse(words),
        std::cmp::Ordering::Greater => FigureChange::Better(words),
        std::cmp::Ordering::Equal => FigureChange::Same,
    };
    Some(FigurePair { name: "radius-median".to_owned(), change })
}

/// The best thief at each budget.
fn attacks(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let best = |model: &ModelReport, budget: u64| -> Option<Estimate> {
        Some(model.best_attack(budget)?.agreement.heldout)
    };
    let budgets = old.audited.iter().flat_map(|audited| audited.budgets.clone());
    let pair = |budget: u64| {
        let (before, after) = (best(old, budget)?, best(new, budget)?);
        let [low, high] = before.interval().unwrap_or([before.mean; 2]);
        let words = format!("best thief {} → {}", percent_of(before.mean), percent_of(after.mean));
        let change = match after.mean {
            mean if mean > high => FigureChange::Worse(words),
            mean if mean < low => FigureChange::Better(words),
            _ => FigureChange::Same,
        };
        Some(FigurePair { name: format!("agreement-{budget}"), change })
    };
    budgets.filter_map(pair).collect()
}
