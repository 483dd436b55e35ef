//! Texts for the reader beside the tables: the sentences on top, the alarms, and the guide to reading.

use super::format::{NONE, claim, integer, observed, of, percent, share};
use super::{AttackReport, DefenseReport, Difference, Estimate, ModelReport, Run};

/// Terms of the page, each explained in a sentence or two.
pub(super) const GLOSSARY: [(&str, &str); 14] = [
    (
        "proved",
        "A proof is stored in the certificate, and a small kernel recomputed every number of it with \
         rounding on the safe side. It holds for every point of the region, not only for points tried.",
    ),
    ("refuted", "A concrete violating input is stored, and the kernel evaluated it."),
    (
        "undecided",
        "Neither was found within the budget of nodes. It counts against the lower end of constraint \
         accuracy and never for it.",
    ),
    (
        "vac. (vacuous), inv. (invalid)",
        "Obligations that say nothing, and rows outside the declared domain. Both are left out of n.",
    ),
    (
        "CA, constraint accuracy",
        "The share of obligations that hold: proved / n ≤ CA ≤ 1 − refuted / n. The left end is rounded \
         down, the right end up; where nothing is undecided both are proved / n. 100% is \
         printed only where all n are proved, and – for an end that says nothing.",
    ),
    (
        "sd, raw",
        "Units of distances such as epsilon: standard deviations of the training rows, or units of the inputs \
         themselves. The same number in the other unit is another claim.",
    ),
    ("distinct rows", "The same figures with each repeated row counted once."),
    (
        "sampled",
        "No violation among the points tried. It is never a proof and never shares a table with one.",
    ),
    (
        "radius",
        "Distance to the nearest input with another label. A radius of 0 is no mistake: trees compare with \
         thresholds that are often values of rows, and such a row changes sides by any move to the left.",
    ),
    (
        "agreement",
        "Share of points on which a stolen substitute decides as the undefended target, on three sets. \
         held-out: rows nobody trained on (saturates on easy data). uniform: points of the whole input \
         box, mostly far from any row; where the target gives one class nearly everywhere there, a \
         constant scores near 100 or near 0, so read it beside the majority baseline. boundary: points \
         on both sides of the target's decision boundary, very close to it; 50 is a coin.",
    ),
    (
        "asked, free, wrong",
        "Queries paid; labels inferred without a query; inferred labels that were wrong. With certified \
         inference wrong is 0, or something is broken.",
    ),
    ("MSE", "Mean squared difference of the posteriors over held-out points and classes."),
    (
        "still proved",
        "Obligations proved of the defended model, through the kernel's rule for that defense.",
    ),
    (
        "given away",
        "Labels of the target that follow from the certificate itself, for no query or for few. A label \
         that was asked for is not given away and not counted.",
    ),
];

/// The explanations that a reader of the terminal needs most; the page has the whole glossary.
pub(super) const IN_SHORT: [&str; 6] = [
    "proved: recomputed by the kernel, for every point of the region. refuted: a stored input violates \
     it. undecided: neither.",
    "CA ≥ and CA ≤: ends of constraint accuracy, proved / n and 1 − refuted / n, rounded outward, or \
     one share, rounded both ways, where nothing is undecided; – is an end that says nothing. vac. and inv. are not part of n.",
    "sampled: no violation among the points tried; not a proof.",
    "asked, free, wrong: queries paid, labels inferred without one, wrong ones among those (0 if \
     certified).",
    "held-out, uniform, boundary: agreement with the undefended target, in percent, mean ± standard \
     deviation. uniform is mostly far from any row: compare with the majority class. boundary: 50 is a \
     coin.",
    "Every certified figure can be decided again with propcert check.",
];

/// Alarms about facts that must not be; they are shown before anything else.
pub(super) fn alarms(run: &Run) -> Vec<String> {
    run.models.iter().flat_map(model_alarms).collect()
}

fn model_alarms(model: &ModelReport) -> Vec<String> {
    let name = &model.name;
    let unconfirmed =
        model.certificates.iter().filter(|certificate| !certificate.checked).map(|certificate| {
            format!(
                "{name}: check did not confirm the certificate of {}.",
                claim(&certificate.claim)
            )
        });
    let defended = model.defenses.iter().flat_map(|defense| &defense.certificates);
    let undefended = defended.filter(|kept| !kept.checked).map(|kept| {
        format!(
            "{name}, defended: check did not confirm the certificate of {}.",
            claim(&kept.claim)
        )
    });
    let wrong =
        model.attacks.iter().filter(|attack| is_certified_and_wrong(attack)).map(|attack| {
            let (count, are) = match attack.inferred_wrong {
                1 => ("1 label".to_owned(), "is"),
                many => (format!("{} labels", integer(many)), "are"),
            };
            format!("{name}, {}: {count} inferred by proof {are} wrong; must be 0.", attack.name)
        });
    let settled = model.gives_away.iter().flat_map(|gives_away| &gives_away.settled);
    let unsettled = settled.filter_map(|curve| curve.points.last()).filter(|last| last.wrong > 0);
    let unsettled = unsettled.map(|last| {
        format!("{name}: {} settled labels are wrong; must be 0.", integer(last.wrong))
    });
    unconfirmed.chain(undefended).chain(wrong).chain(unsettled).collect()
}

fn is_certified_and_wrong(attack: &AttackReport) -> bool {
    attack.inference == "certified" && attack.inferred_wrong > 0
}

/// The main results, model by model, for a reader in a hurry.
pub(super) fn headlines(run: &Run) -> Vec<(String, Vec<String>)> {
    let of_model = |model: &ModelReport| {
        let mut sentences = vec![format!(
            "Right on {} test rows; the largest class has {} of all rows.",
            observed(model.accuracy),
            share(run.data.largest_class())
        )];
        sentences.extend(model.certificates.iter().map(|certificate| {
            let counts = certificate.counts;
            format!(
                "{}: proved {}, {}.",
                claim(&certificate.claim),
                of(super::Share::new(counts.proved, counts.n())),
                counts.constraint_accuracy()
            )
        }));
        sentences.extend(best_attack(model));
        sentences.extend(given_away(model));
        sentences.extend(model.defenses.iter().map(defense_in_short));
        (model.name.clone(), sentences)
    };
    run.models.iter().map(of_model).collect()
}

fn best_attack(model: &ModelReport) -> Option<String> {
    let attacks = model.attacks.iter().map(|attack| (&attack.name, &attack.agreement.heldout));
    let baselines = model.baselines.iter().map(|one| (&one.name, &one.agreement.heldout));
    let best = |found: &mut dyn Iterator<Item = (&String, &Estimate)>| {
        found
            .map(|(name, agreement)| (name.clone(), agreement.mean))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (name, agreement) = best(&mut attacks.into_iter())?;
    let budget = integer(model.attacks.iter().map(|attack| attack.budget).max()?);
    let beside = match best(&mut baselines.into_iter()) {
        Some((name, least)) if agreement <= least => {
            format!(", no better than without any attack ({name}: {}%)", percent(least))
        }
        Some((name, least)) => format!("; without any attack ({name}): {}%", percent(least)),
        None => String::new(),
    };
    Some(format!(
        "Best thief on held-out rows, at most {budget} queries: {name}, {}% agreement{beside}.",
        percent(agreement)
    ))
}

fn given_away(model: &ModelReport) -> Option<String> {
    let gives_away = model.gives_away.as_ref()?;
    Some(format!(
        "Publishing the certificates hands out the target's label of {} published rows.",
        observed(gives_away.published)
    ))
}

fn defense_in_short(defense: &DefenseReport) -> String {
    let before: u64 = defense.certificates.iter().map(|kept| kept.before.proved).sum();
    let after: u64 = defense.certificates.iter().map(|kept| kept.after.proved).sum();
    let kept = match before {
        0 => NONE.to_owned(),
        _ => of(super::Share::new(after, before)),
    };
    format!(
        "{} ({}, {}): accuracy {} → {} on test rows, proofs kept {kept}.{}",
        defense.kind,
        defense.strength,
        defense.chosen,
        share(defense.accuracy_before),
        share(defense.accuracy_after),
        helped_thieves(defense)
    )
}

/// A sentence on the thieves that reach more through a defense than without it; empty if there are none.
fn helped_thieves(defense: &DefenseReport) -> String {
    let gains = defense.attacks.iter().flat_map(|attack| {
        let sets = attack.decrease.named().into_iter();
        let gains = sets.filter(|(_, taken)| is_loss(taken));
        gains.map(|(set, taken)| format!("{} {:+.2} on {set}", attack.attack, -100.0 * taken.mean))
    });
    match gains.collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        gains => format!(" It HELPS a thief, in points of agreement: {}.", gains.join("; ")),
    }
}

/// True if a decrease is an increase. An increase that chance may have made does not count.
fn is_loss(taken: &Difference) -> bool {
    taken.interval.is_some_and(|[_, most]| most < 0.0)
}

/// Facts about the data of a run, as name and text.
pub(super) fn data_facts(run: &Run) -> Vec<(&'static str, String)> {
    let data = &run.data;
    let classes: Vec<String> = data.class_rows.iter().map(|&rows| integer(rows)).collect();
    let rows = format!(
        "train {}, validation {}, test {}, auxiliary {}",
        integer(data.rows.train),
        integer(data.rows.validation),
        integer(data.rows.test),
        integer(data.rows.auxiliary)
    );
    let repeated =
        format!("{} test rows also occur in train or validation", integer(data.repeated_in_test));
    let mut facts = vec![
        ("rows", rows),
        ("features", integer(data.features)),
        ("classes", format!("{} with {} rows", data.class_rows.len(), classes.join(" / "))),
        ("repeated", repeated),
        ("seed", run.seed.to_string()),
    ];
    if !data.source.is_empty() {
        facts.push(("source", data.source.clone()));
    }
    facts.extend(run.tool.iter().map(|tool| ("made by", tool.clone())));
    facts
}

/// Digests of the files that the figures are about. Only the page shows them, since
/// nobody reads them on a terminal.
pub(super) fn digests(run: &Run) -> Vec<(&'static str, String)> {
    let data = run.data.digest.iter().map(|digest| ("data", format!("digest {digest}")));
    let mut facts: Vec<_> = data.collect();
    for model in &run.models {
        let name = &model.name;
        facts.extend(
            model.digest.iter().map(|digest| ("model", format!("{name}, digest {digest}"))),
        );
        facts.extend(model.defenses.iter().filter_map(|defense| {
            let digest = defense.digest.as_ref()?;
            Some(("defense", format!("of {name}, digest {digest}")))
        }));
    }
    facts
}

/// The origin of the rows: a warning that stands beside every heading if the set is synthetic.
pub(super) fn provenance(run: &Run) -> &'static str {
    if run.data.synthetic { "SYNTHETIC DATA" } else { "collected data" }
}
