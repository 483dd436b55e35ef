//! The page and the table of claims.

use std::collections::BTreeMap;

use minijinja::{Value, context};

use crate::report::{ReportError, filled};
use crate::text::csv_of;

use super::super::formula::FigureName;
use super::ruling::{ClaimComparison, ClaimFinding, ClaimSide, ClaimsFindings, Ruling};
use super::sheet::{ClaimSheet, Expect, SheetClaim};

/// The template. Names and sentences come from the sheet, whose author is the reader.
const TEMPLATE: &str = include_str!("claims.md.j2");

/// The columns of the table of comparisons.
pub const CLAIMS_COLUMNS: [&str; 12] = [
    "claim",
    "ruling",
    "seed",
    "data",
    "comparison",
    "side",
    "mean",
    "sd",
    "n",
    "low",
    "high",
    "missing",
];

/// The page, as Markdown: a claim per section, and a table of all rulings in front. Studies of several seeds stand beside
/// each other; a claim on which they disagree cannot be decided.
///
/// # Errors
/// The template cannot be filled in. This is a defect of the program.
pub fn claims_page(sheet: &ClaimSheet, studies: &[ClaimsFindings]) -> Result<String, ReportError> {
    let claims = sheet.claims.iter().enumerate();
    let claims: Vec<Value> = claims.map(|(at, claim)| claim_view(claim, at, studies)).collect();
    let figures: Vec<Value> =
        FigureName::meanings().map(|(name, meaning)| context! { name, meaning }).collect();
    let studies: Vec<Value> = studies.iter().map(study_view).collect();
    let digest = sheet.digest.to_string();
    filled("claims.md", TEMPLATE, context! { claims, figures, digest, studies })
}

fn study_view(study: &ClaimsFindings) -> Value {
    context! {
        seed => study.seed, data => study.data.join(", "), repetitions => study.repetitions,
        tool => study.tool.as_str(), grid => study.grid.to_string(),
    }
}

fn claim_view(claim: &SheetClaim, at: usize, studies: &[ClaimsFindings]) -> Value {
    let findings: Vec<&ClaimFinding> =
        studies.iter().filter_map(|study| study.claims.get(at)).collect();
    let ruling = Ruling::of_all(findings.iter().map(|finding| finding.ruling));
    let all = || findings.iter().flat_map(|finding| &finding.comparisons);
    let seeds = studies.iter().zip(&findings);
    let seeds = seeds.map(|(study, finding)| {
        context! {
            seed => study.seed, ruling => finding.ruling.words(),
            counts => counts(finding.comparisons.iter()), mean => overall(finding),
        }
    });
    let measure = claim.measure.as_ref();
    let reasons: BTreeMap<&str, usize> = all().filter_map(|one| one.missing.as_deref()).fold(
        BTreeMap::new(),
        |mut reasons, reason| {
            *reasons.entry(reason).or_default() += 1;
            reasons
        },
    );
    let missing: Vec<Value> =
        reasons.into_iter().map(|(reason, count)| context! { reason, count }).collect();
    context! {
        name => claim.name.as_str(),
        says => claim.says.as_str(),
        ruling => ruling.words(),
        published => claim.published.as_deref(),
        control => claim.control.as_deref(),
        formula => measure.map(|measure| measure.text.as_str()),
        only_where => measure.and_then(|measure| measure.only_where.as_ref()).map(|(text, _)| text.as_str()),
        expected => measure.map(|measure| expected(measure.expect)),
        because => claim.without.as_ref().map(|without| without.because.as_str()),
        tests => claim.without.as_ref().map(|without| without.tests.join(", ")),
        counts => counts(all()),
        seeds => seeds.collect::<Vec<_>>(),
        groups => groups(all().collect()),
        missing,
    }
}

/// The mean over all comparisons with its interval.
fn overall(finding: &ClaimFinding) -> Option<String> {
    let mean = finding.mean?.mean;
    Some(match finding.mean_interval {
        Some([low, high]) => format!("{mean:+.4} [{low:+.4}, {high:+.4}]"),
        None => format!("{mean:+.4}"),
    })
}

fn expected(expect: Expect) -> String {
    match expect {
        Expect::Positive => "above 0".to_owned(),
        Expect::Negative => "below 0".to_owned(),
        Expect::Within(most) => format!("between −{most} and {most}"),
        Expect::SomePositive => "above 0 somewhere".to_owned(),
    }
}

/// True if the two sides are exactly equal, which speaks against one being larger.
fn is_tie(one: &ClaimComparison) -> bool {
    one.side == ClaimSide::Against
        && one.estimate.is_some_and(|estimate| estimate.mean == 0.0)
        && one.interval.is_none_or(|ends| ends == [0.0, 0.0])
}

/// The comparisons by side, and the mean of their means.
fn counts<'c>(comparisons: impl Iterator<Item = &'c ClaimComparison> + Clone) -> Value {
    let count = |side: ClaimSide| comparisons.clone().filter(|one| one.side == side).count();
    let means: Vec<f64> = comparisons.clone().filter_map(|one| Some(one.estimate?.mean)).collect();
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let range = means.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], mean| {
        [low.min(*mean), high.max(*mean)]
    });
    let text = |value: f64| format!("{value:+.4}");
    let is_some = !means.is_empty();
    context! {
        of => means.len(),
        is_for => count(ClaimSide::For),
        is_against => count(ClaimSide::Against),
        ties => comparisons.clone().filter(|one| is_tie(one)).count(),
        is_open => count(ClaimSide::Open),
        is_missing => count(ClaimSide::Missing),
        mean => is_some.then(|| text(mean)),
        low => is_some.then(|| text(range[0])),
        high => is_some.then(|| text(range[1])),
    }
}

/// The comparisons by data set, and by the names of each variable, where these part them in another way.
fn groups(comparisons: Vec<&ClaimComparison>) -> Vec<Value> {
    let name = |one: &'_ ClaimComparison, variable: &str| match variable {
        "data" => one.data.clone(),
        _ => one.choice.get(variable).cloned().unwrap_or_default(),
    };
    let first = comparisons.first().map(|one| one.choice.keys().map(String::as_str));
    let variables = std::iter::once("data").chain(first.into_iter().flatten());
    let mut seen: Vec<Vec<usize>> = Vec::new();
    let mut groups = Vec::new();
    for variable in variables {
        let mut names: Vec<String> = Vec::new();
        let mut places = Vec::new();
        for one in &comparisons {
            let name = name(one, variable);
            let place = names.iter().position(|known| *known == name);
            places.push(place.unwrap_or(names.len()));
            if place.is_none() {
                names.push(name);
            }
        }
        if names.len() < 2 || seen.contains(&places) {
            continue;
        }
        groups.extend(names.iter().enumerate().map(|(number, name)| {
            let part = comparisons.iter().zip(&places).filter(|(_, place)| **place == number);
            let part: Vec<&ClaimComparison> = part.map(|(one, _)| *one).collect();
            context! { variable, name, counts => counts(part.iter().copied()) }
        }));
        seen.push(places);
    }
    groups
}

/// All comparisons, as CSV.
pub fn claims_csv(studies: &[ClaimsFindings]) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |study: &ClaimsFindings, claim: &ClaimFinding, one: &ClaimComparison| {
        let choice = one.choice.iter().map(|(name, value)| format!("{name}={value}"));
        let (estimate, interval) = (one.estimate, one.interval);
        [
            claim.name.clone(),
            claim.ruling.words().to_owned(),
            study.seed.to_string(),
            one.data.clone(),
            choice.collect::<Vec<_>>().join(" "),
            one.side.word().to_owned(),
            number(estimate.map(|estimate| estimate.mean)),
            number(estimate.and_then(|estimate| estimate.sd)),
            estimate.map_or(String::new(), |estimate| estimate.n.to_string()),
            number(interval.map(|[low, _]| low)),
            number(interval.map(|[_, high]| high)),
            one.missing.clone().unwrap_or_default(),
        ]
    };
    let mut rows = vec![CLAIMS_COLUMNS.map(str::to_owned)];
    for study in studies {
        for claim in &study.claims {
            rows.extend(claim.comparisons.iter().map(|one| row(study, claim, one)));
        }
    }
    csv_of(rows)
}
