//! The decisions of the kernel, the sampled figure apart from them, and the facts that the proofs give away.

use super::{Column, Section, Table, Topic, count_cells, file};
use crate::report::format::{NONE, claim, integer, of, share};
use crate::report::{CertificateReport, GivesAway, ModelReport, Run};
use crate::spec::CountedBy;

const PROVED_COLUMNS: [Column; 10] = [
    Column::text("model"),
    Column::claim("claim"),
    Column::number("n"),
    Column::number("proved"),
    Column::number("refuted"),
    Column::number("undecided"),
    Column::number("vac."),
    Column::number("inv."),
    Column::number("CA ≥"),
    Column::number("CA ≤"),
];

const CERTIFICATE_COLUMNS: [Column; 8] = [
    Column::text("model"),
    Column::claim("claim"),
    Column::text("one per"),
    Column::text("function"),
    Column::text("integers"),
    Column::text("decided by"),
    Column::text("checked"),
    Column::file("file"),
];

pub(super) fn proved(run: &Run) -> Section {
    let each = |rows: fn(&CertificateReport) -> Vec<Vec<String>>| -> Vec<Vec<String>> {
        let of_model = |model: &ModelReport| {
            let name = model.name.clone();
            let rows = model.certificates.iter().flat_map(rows);
            rows.map(|row| [vec![name.clone()], row].concat()).collect::<Vec<_>>()
        };
        run.models.iter().flat_map(of_model).collect()
    };
    Section {
        topic: Topic::Proved,
        title: "Constraint accuracy",
        evidence: "decided by the kernel",
        intro: "The share of obligations that hold lies between CA ≥ (proved / n, rounded down) and \
                CA ≤ (1 − refuted / n, rounded up; left open if nothing was refuted). \
                Undecided obligations are the gap between the two.",
        tables: vec![
            Table::new(confirmation(run), &PROVED_COLUMNS, each(count_rows)),
            Table::details("The certificates", &CERTIFICATE_COLUMNS, each(certificate_rows)),
        ],
    }
}

/// One row over all obligations, and one over the distinct rows where obligations are rows.
fn count_rows(certificate: &CertificateReport) -> Vec<Vec<String>> {
    let row = |name: String, counts| [vec![name], count_cells(counts)].concat();
    let all = row(claim(&certificate.claim), certificate.counts);
    let distinct = certificate.distinct.map(|counts| row("  … distinct rows".to_owned(), counts));
    [Some(all), distinct].into_iter().flatten().collect()
}

fn certificate_rows(certificate: &CertificateReport) -> Vec<Vec<String>> {
    let unit = match &certificate.part {
        Some(part) => format!("{} of {part}", subject(certificate.unit)),
        None => subject(certificate.unit).to_owned(),
    };
    let unit = match certificate.every {
        Some(step) => format!("{unit}, one in {step}"),
        None => unit,
    };
    vec![vec![
        claim(&certificate.claim),
        unit,
        certificate.semantics.clone(),
        certificate.integers.clone(),
        decided_by(certificate),
        checked(certificate),
        file(&certificate.file),
    ]]
}

/// The subject of one obligation, in the singular.
fn subject(unit: CountedBy) -> &'static str {
    match unit {
        CountedBy::Rows => "row",
        CountedBy::RowFeatures => "row and feature",
        CountedBy::Features => "feature",
        CountedBy::Pairs => "pair of rows",
        CountedBy::Groups => "feature group",
        CountedBy::InputBoxes => "input box",
        CountedBy::Domain => "domain",
    }
}

fn decided_by(certificate: &CertificateReport) -> String {
    let mut closed = certificate.closed_by.clone();
    if certificate.counts.refuted > 0 {
        closed.entry("counterexample".to_owned()).or_insert(certificate.counts.refuted);
    }
    let rules = closed.iter().map(|(rule, count)| format!("{rule} {}", integer(*count)));
    let unreachable = certificate
        .premise_unreachable
        .map(|count| format!("(premise never reached: {})", integer(count)));
    rules.collect::<Vec<_>>().join(", ")
        + &unreachable.map(|text| format!(" {text}")).unwrap_or_default()
}

fn checked(certificate: &CertificateReport) -> String {
    match (certificate.checked, certificate.checked_exactly) {
        (false, _) => "NOT CONFIRMED".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(first)) => format!("yes; first {} also exactly", integer(first)),
    }
}

/// A sentence with the number of certificates that `check` confirmed.
fn confirmation(run: &Run) -> String {
    let all: Vec<_> = run.models.iter().flat_map(|model| &model.certificates).collect();
    let confirmed = all.iter().filter(|certificate| certificate.checked).count();
    let exactly: u64 = all.iter().filter_map(|certificate| certificate.checked_exactly).sum();
    format!(
        "Read again and confirmed by check: {confirmed} of {} certificates; {} obligations also in \
         exact arithmetic.",
        all.len(),
        integer(exactly)
    )
}

pub(super) fn sampled(run: &Run) -> Section {
    let columns = [
        Column::text("model"),
        Column::claim("claim"),
        Column::number("no violation found"),
        Column::number("sampled"),
    ];
    let rows = run.models.iter().flat_map(|model| {
        model.certificates.iter().filter_map(|certificate| {
            let sampled = certificate.sampled.as_ref()?;
            let figures = [of(sampled.satisfied), share(sampled.satisfied)];
            Some([vec![model.name.clone(), claim(&certificate.claim)], figures.to_vec()].concat())
        })
    });
    Section {
        topic: Topic::Sampled,
        title: "Constraint accuracy, sampled",
        evidence: "sampled, not proved",
        intro: "The figure the literature reports: obligations for which none of the points tried was a \
                violation. It can only be too high; nothing follows from it.",
        tables: vec![Table::new(tried(run), &columns, rows.collect())],
    }
}

/// The points that were tried, in one sentence per property.
fn tried(run: &Run) -> String {
    let certificates = run.models.iter().flat_map(|model| &model.certificates);
    let mut ways: Vec<(&str, Vec<&str>)> = Vec::new();
    for certificate in certificates {
        let Some(sampled) = &certificate.sampled else { continue };
        let property = certificate.claim.property.as_str();
        match ways.iter_mut().find(|(how, _)| *how == sampled.how) {
            Some((_, properties)) if properties.contains(&property) => {}
            Some((_, properties)) => properties.push(property),
            None => ways.push((&sampled.how, vec![property])),
        }
    }
    let sentence =
        |(how, properties): &(&str, Vec<&str>)| format!("{}: {how}.", properties.join(", "));
    ways.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

const SETTLED_COLUMNS: [Column; 7] = [
    Column::text("model"),
    Column::text("what is settled"),
    Column::number("queries"),
    Column::number("settled unasked"),
    Column::number("share"),
    Column::number("without proofs"),
    Column::number("wrong"),
];

const HOW_COLUMNS: [Column; 3] =
    [Column::text("model"), Column::text("what is settled"), Column::text("how")];

pub(super) fn gives_away(run: &Run) -> Section {
    let each = |rows: fn(&str, &GivesAway) -> Vec<Vec<String>>| -> Vec<Vec<String>> {
        let all = run.models.iter().flat_map(|model| {
            model.gives_away.iter().flat_map(move |gives_away| rows(&model.name, gives_away))
        });
        all.collect()
    };
    Section {
        topic: Topic::GivesAway,
        title: "What the certificate gives away",
        evidence: "proved boxes, counted",
        intro: "A published certificate with true labels hands out labels of the target: those of the \
                published rows without a query, and those of whole boxes for one query inside each. \
                A thief can learn at least this much. Points that were asked are left out of the count: \
                settled unasked are points nobody paid for, of all such points. Without proofs stands \
                beside it what as many answers settle alone (copies of the points asked); the rest is \
                the certificate's.",
        tables: vec![
            Table::new("", &SETTLED_COLUMNS, each(settled_rows)),
            Table::details("How it was counted", &HOW_COLUMNS, each(how_rows)),
        ],
    }
}

fn settled_rows(model: &str, gives_away: &GivesAway) -> Vec<Vec<String>> {
    let row = |what: String, queries: u64, settled, alone: String, wrong: String| {
        vec![model.to_owned(), what, integer(queries), of(settled), share(settled), alone, wrong]
    };
    let none = || NONE.to_owned();
    let published = row("published rows".to_owned(), 0, gives_away.published, none(), none());
    let curves = gives_away.settled.iter().filter_map(|curve| {
        let last = curve.points.last()?;
        let (alone, wrong) = (share(last.unasked_by_answers_alone()), integer(last.wrong));
        Some(row(curve.reference.clone(), last.queries, last.unasked(), alone, wrong))
    });
    std::iter::once(published).chain(curves).collect()
}

fn how_rows(model: &str, gives_away: &GivesAway) -> Vec<Vec<String>> {
    let row = |what: &str, how: String| vec![model.to_owned(), what.to_owned(), how];
    let published = row("published rows", gives_away.published_how.clone());
    let curves = gives_away
        .settled
        .iter()
        .map(|curve| row(&curve.reference, format!("{}; {}", claim(&curve.claim), curve.how)));
    std::iter::once(published).chain(curves).collect()
}
