//! Two audits beside each other: the figures that got worse, and those that got better.
//!
//! Decisions of the kernel are compared exactly. Agreement is a mean over a few repetitions, so it got worse only where
//! it lies above the 95% interval of the old one (with a single repetition: above its mean), and better only below it.
//! A figure that was there and is no longer made counts as worse. Figures over different rows are not compared.

use super::changes::CHANGES;
use crate::report::{
    CertificateReport, ChangeFinding, Counts, DefenseReport, Estimate, ModelReport, OrderVerdict,
    Report, RunAgainst, Share, observed, percent_of,
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
    /// The two are about different rows, or claim different things.
    Apart(String),
}

impl FigureChange {
    /// A figure that was there and is not.
    fn lost() -> Self {
        Self::Worse("is no longer measured".to_owned())
    }
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
    pairs.extend(changes(old, new));
    pairs.extend(radii(old, new));
    pairs.extend(attacks(old, new));
    pairs.extend(defenses(old, new));
    let mut against = RunAgainst::default();
    for FigurePair { name, change } in pairs {
        match change {
            FigureChange::Worse(words) => against.worse.push(format!("{name}: {words}")),
            FigureChange::Better(words) => against.better.push(format!("{name}: {words}")),
            FigureChange::Apart(words) => against.apart.push(format!("{name}: {words}")),
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
    let found = old.certificates.iter().filter_map(|before| {
        let name = property(&before.file)?;
        // the bound of these follows the figure: see the changes of the score
        if CHANGES.contains(&name.as_str()) {
            return None;
        }
        let now = new.certificates.iter().find(|one| property(&one.file).as_ref() == Some(&name));
        let change = match now {
            Some(now) if rows_of(before) != rows_of(now) => {
                FigureChange::Apart(format!("{} then, {} now", rows_of(before), rows_of(now)))
            }
            Some(now) => share_change(proved(before.counts), proved(now.counts)),
            None => FigureChange::Worse("is no longer certified".to_owned()),
        };
        Some(FigurePair { name: format!("{name}, proved"), change })
    });
    found.collect()
}

fn proved(counts: Counts) -> Share {
    Share::new(counts.proved, counts.n())
}

/// The claim of a certificate and the obligations that it is about, in words.
fn rows_of(certificate: &CertificateReport) -> String {
    let CertificateReport { claim, semantics, integers, part, every, counts, .. } = certificate;
    let step = every.map_or_else(String::new, |every| format!(", every {every}"));
    let part = part.as_ref().map_or_else(String::new, |part| format!(" of part {part}{step}"));
    let of = counts.n() + counts.invalid + counts.vacuous;
    format!("{of} obligations{part} ({}; {semantics}, whole numbers: {integers})", claim.parameters)
}

/// Features that were proved in a direction.
fn orders(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let of = |model: &ModelReport| {
        model.audited.as_ref().map(|audited| audited.orders.clone()).unwrap_or_default()
    };
    let now = of(new);
    let mut pairs = Vec::new();
    for before in of(old) {
        let after = now.iter().find(|order| order.feature == before.feature);
        for (direction, old, new) in [
            ("increasing", before.increasing, after.map(|order| order.increasing)),
            ("decreasing", before.decreasing, after.map(|order| order.decreasing)),
        ] {
            let name = format!("{} {direction}", before.feature);
            let Some(new) = new else {
                if old == OrderVerdict::Proved {
                    pairs.push(FigurePair { name, change: FigureChange::lost() });
                }
                continue;
            };
            let value = |verdict| u128::from(verdict == OrderVerdict::Proved);
            let words = match new {
                OrderVerdict::Proved => "is proved now",
                OrderVerdict::Refuted => "was proved and is refuted now",
                OrderVerdict::Open => "was proved and is open now",
            };
            let change = ordered(value(old), value(new), words.to_owned());
            pairs.push(FigurePair { name, change });
        }
    }
    pairs
}

/// The largest changes of the score: worse where some change is now greater than every change was shown to be.
fn changes(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let of = |model: &ModelReport| {
        model.audited.as_ref().map(|audited| audited.changes.clone()).unwrap_or_default()
    };
    let now = of(new);
    let pair = |before: ChangeFinding| {
        let after = now.iter().find(|change| change.moves == before.moves);
        let words = |after: &ChangeFinding| {
            let ends = |one: &ChangeFinding| format!("{:.4} to {:.4}", one.least, one.most);
            format!("{} → {}", ends(&before), ends(after))
        };
        let change = match after {
            None => FigureChange::lost(),
            Some(after) if after.least > before.most => FigureChange::Worse(words(after)),
            Some(after) if after.most < before.least => FigureChange::Better(words(after)),
            Some(_) => FigureChange::Same,
        };
        FigurePair { name: format!("change of the score, {}", before.moves), change }
    };
    of(old).into_iter().map(pair).collect()
}

/// The median radius.
fn radii(old: &ModelReport, new: &ModelReport) -> Option<FigurePair> {
    let about = |model: &ModelReport| {
        let is_whole = model.audited.as_ref()?.radii.as_ref()?.is_whole;
        Some((model.radii.as_ref()?.rows, is_whole))
    };
    let words = |(rows, is_whole): (u64, bool)| {
        format!("{rows} rows{}", if is_whole { ", whole features kept whole" } else { "" })
    };
    // where the label never changes a radius is endless
    let median =
        |model: &ModelReport| Some(model.radii.as_ref()?.quartiles[1].unwrap_or(f64::INFINITY));
    let before = about(old)?;
    let change = match about(new) {
        None => FigureChange::lost(),
        Some(after) if before != after => {
            FigureChange::Apart(format!("{} then, {} now", words(before), words(after)))
        }
        Some(_) => length_change(median(old)?, median(new)?),
    };
    Some(FigurePair { name: "radius-median".to_owned(), change })
}

/// Compares two lengths of which more is better.
fn length_change(before: f64, after: f64) -> FigureChange {
    let words = format!("{before:.4} → {after:.4}");
    match after.total_cmp(&before) {
        std::cmp::Ordering::Less => FigureChange::Worse(words),
        std::cmp::Ordering::Greater => FigureChange::Better(words),
        std::cmp::Ordering::Equal => FigureChange::Same,
    }
}

/// The best thief at each budget.
fn attacks(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let best = |model: &ModelReport, budget: u64| -> Option<Estimate> {
        Some(model.best_attack(budget)?.agreement.heldout)
    };
    let budgets = old.audited.iter().flat_map(|audited| audited.budgets.clone());
    let pair = |budget: u64| {
        let before = best(old, budget)?;
        let change = match best(new, budget) {
            Some(after) => thief_change(before, after),
            None => FigureChange::lost(),
        };
        Some(FigurePair { name: format!("agreement-{budget}"), change })
    };
    budgets.filter_map(pair).collect()
}

/// Compares the agreement of the best thieves.
fn thief_change(before: Estimate, after: Estimate) -> FigureChange {
    let [low, high] = before.interval().unwrap_or([before.mean; 2]);
    let words = format!("best thief {} → {}", percent_of(before.mean), percent_of(after.mean));
    match after.mean {
        mean if mean > high => FigureChange::Worse(words),
        mean if mean < low => FigureChange::Better(words),
        _ => FigureChange::Same,
    }
}

/// Every defense: the accuracy behind it, the proofs it keeps, and the best thief.
fn defenses(old: &ModelReport, new: &ModelReport) -> Vec<FigurePair> {
    let mut pairs = Vec::new();
    for before in &old.defenses {
        let mut add = |figure: &str, change| {
            pairs.push(FigurePair { name: format!("{}, {figure}", before.kind), change });
        };
        let Some(after) = new.defenses.iter().find(|one| one.kind == before.kind) else {
            add("as a whole", FigureChange::lost());
            continue;
        };
        add("accuracy", share_change(before.accuracy_after, after.accuracy_after));
        for kept in &before.certificates {
            let same = after.certificates.iter().find(|one| one.claim == kept.claim);
            let of = |counts: Counts| counts.n() + counts.invalid + counts.vacuous;
            let change = match same {
                // another claim or other rows are told of the model as it is
                Some(one) if of(one.after) == of(kept.after) => {
                    share_change(proved(kept.after), proved(one.after))
                }
                Some(_) | None => FigureChange::Same,
            };
            let name = format!("{} ({}), proved", kept.claim.property, kept.claim.parameters);
            add(&name, change);
        }
        let best = |defense: &DefenseReport| {
            let after = defense.attacks.iter().map(|attack| attack.after.heldout);
            after.reduce(|best, one| if one.mean > best.mean { one } else { best })
        };
        if let Some(old) = best(before) {
            let change = best(after).map_or_else(FigureChange::lost, |new| thief_change(old, new));
            add("agreement", change);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{AuditFindings, PropertyName, RadiiFinding, RadiiReport};
    use crate::spec::CountedBy;

    fn certificate(proved: u64, rows: u64) -> CertificateReport {
        CertificateReport {
            claim: PropertyName::new("local-invariance", "epsilon 0.1"),
            semantics: "served-f32".to_owned(),
            integers: "respect".to_owned(),
            part: Some("test".to_owned()),
            every: None,
            unit: CountedBy::Rows,
            counts: Counts { proved, refuted: rows - proved, ..Counts::default() },
            distinct: None,
            premise_unreachable: None,
            sampled: None,
            closed_by: Default::default(),
            checked: true,
            checked_exactly: None,
            file: Some("certificates/m/local-invariance-0.1.jsonl".to_owned()),
        }
    }

    fn model(certificates: Vec<CertificateReport>, median: Option<f64>, rows: u64) -> ModelReport {
        let audited = AuditFindings {
            radii: median.map(|_| RadiiFinding {
                lower: Vec::new(),
                endless: 0,
                confirmed: Share::new(rows, rows),
                flips: Vec::new(),
                is_whole: false,
            }),
            ..AuditFindings::default()
        };
        ModelReport {
            certificates,
            radii: median.map(|median| RadiiReport {
                rows,
                exact: rows,
                zero: 0,
                quartiles: [Some(median); 3],
            }),
            audited: Some(Box::new(audited)),
            ..ModelReport::default()
        }
    }

    fn told(pairs: impl IntoIterator<Item = FigurePair>) -> Vec<String> {
        let one = |FigurePair { name, change }| match change {
            FigureChange::Worse(words) => format!("worse {name}: {words}"),
            FigureChange::Better(words) => format!("better {name}: {words}"),
            FigureChange::Apart(words) => format!("apart {name}: {words}"),
            FigureChange::Same => format!("same {name}"),
        };
        pairs.into_iter().map(one).collect()
    }

    #[test]
    fn figures_over_other_rows_are_not_compared() {
        let of = |proved, rows| model(vec![certificate(proved, rows)], None, 0);
        let said = told(certificates(&of(18, 20), &of(30, 49)));
        assert!(
            said[0].starts_with("apart local-invariance-0.1, proved: 20 obligations"),
            "{said:?}"
        );
        let said = told(certificates(&of(18, 20), &of(17, 20)));
        assert!(said[0].starts_with("worse local-invariance-0.1"), "{said:?}");
        let of = |median, rows| model(Vec::new(), Some(median), rows);
        assert!(
            told(radii(&of(0.5, 20), &of(0.4, 49)))[0].starts_with("apart radius-median: 20 rows")
        );
        assert!(told(radii(&of(0.5, 20), &of(0.4, 20)))[0].starts_with("worse radius-median"));
    }

    #[test]
    fn a_figure_that_is_no_longer_made_is_worse() {
        let old = model(vec![certificate(18, 20)], Some(0.5), 20);
        let new = model(Vec::new(), None, 0);
        assert_eq!(told(radii(&old, &new)), ["worse radius-median: is no longer measured"]);
        let said = told(certificates(&old, &new));
        assert_eq!(said, ["worse local-invariance-0.1, proved: is no longer certified"]);
        assert!(radii(&new, &old).is_none());
    }
}
