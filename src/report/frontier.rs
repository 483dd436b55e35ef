//! The frontier between security and theft: what is proved of each model, and what the best thief gets of it.

use super::{ModelReport, PropertyName, Run, Share};

/// The frontier of a run.
pub(super) struct Frontier {
    /// The claim whose proved share is taken.
    pub(super) claim: PropertyName,
    /// The models in order, each followed by its defended selves.
    pub(super) points: Vec<FrontierPoint>,
}

/// A model, as it is or behind a defense.
pub(super) struct FrontierPoint {
    pub(super) model: String,
    /// Kind and strength of the defense.
    pub(super) defense: Option<String>,
    /// Kind of the defense.
    pub(super) kind: Option<String>,
    /// Obligations of the claim that are proved.
    pub(super) proved: Share,
    /// The attack with the largest mean agreement on held-out rows, of those with the largest budget.
    pub(super) thief: (String, f64),
    /// Correct predictions on the test part.
    pub(super) accuracy: Share,
    /// The place of the undefended model.
    pub(super) from: Option<usize>,
}

/// The frontier by the first claim about rows that most models have. `None` if fewer than two points are to be had.
pub(super) fn frontier_points(run: &Run) -> Option<Frontier> {
    let claim = common_claim(run)?;
    let mut points = Vec::new();
    for model in &run.models {
        add(model, &claim, &mut points);
    }
    (points.len() > 1).then_some(Frontier { claim, points })
}

/// The claim about rows that most models have a certificate of; the first of equals.
fn common_claim(run: &Run) -> Option<PropertyName> {
    let of_rows = |model: &ModelReport| -> Vec<PropertyName> {
        let rows = model.certificates.iter().filter(|one| one.part.is_some() && one.counts.n() > 1);
        rows.map(|one| one.claim.clone()).collect()
    };
    let claims: Vec<PropertyName> = run.models.iter().flat_map(of_rows).collect();
    let count = |claim: &PropertyName| claims.iter().filter(|other| *other == claim).count();
    let most = claims.iter().map(count).max()?;
    claims.iter().find(|claim| count(claim) == most).cloned()
}

fn add(model: &ModelReport, claim: &PropertyName, points: &mut Vec<FrontierPoint>) {
    let certificate = model.certificates.iter().find(|one| one.claim == *claim);
    let budget = model.attacks.iter().map(|attack| attack.budget).max();
    let best = budget.and_then(|budget| model.best_attack(budget));
    let (Some(certificate), Some(best)) = (certificate, best) else { return };
    let from = points.len();
    points.push(FrontierPoint {
        model: model.name.clone(),
        defense: None,
        kind: None,
        proved: Share::new(certificate.counts.proved, certificate.counts.n()),
        thief: (best.name.clone(), best.agreement.heldout.mean),
        accuracy: model.accuracy,
        from: None,
    });
    for defense in &model.defenses {
        let kept = defense.certificates.iter().find(|kept| kept.claim == *claim);
        let (Some(kept), Some([_, (name, mean)])) = (kept, defense.best_thieves()) else {
            continue;
        };
        points.push(FrontierPoint {
            model: model.name.clone(),
            defense: Some(format!("{} {}", defense.kind, defense.strength)),
            kind: Some(defense.kind.clone()),
            proved: Share::new(kept.after.proved, kept.after.n()),
            thief: (name.to_owned(), mean),
            accuracy: defense.accuracy_after,
            from: Some(from),
        });
    }
}
