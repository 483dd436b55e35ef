//! Answers behind maps that choose for each point: poisoning of any number of classes, by the choice of the point that
//! answers move to, and misinformation by a decoy that is a model.
//!
//! ```text
//! G = gradients of log S₀(x)ₖ by the last layer of a surrogate S₀:  row k = (eₖ − S₀(x)) ⊗ h(x)
//! G'y = (y − S₀) ⊗ h                                                 since Σ y = 1
//! v = argmax over candidates of ‖G'v/‖G'v‖ − G'F/‖G'F‖‖
//!   = the candidate whose direction v − S₀ is furthest from F − S₀   h cancels
//! ```
//!
//! The surrogate is random and never trained, as published. Without the norms the best vertex is that of the least
//! likely class for every surrogate, since `‖eₖ − F‖² = 1 − 2Fₖ + ‖F‖²`. Candidates that keep the label are the means of
//! subsets of the classes with it, and a little more of it; beyond ten classes the subset grows class by class.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::defense::{Asked, Defense, PoisonNorm, PoisonStep, VertexChoice, VertexPoisoning};
use crate::interval::{Rational, exp};
use crate::model::{Digest, Model, Point, argmax, softmax};

use super::decoy::{is_kept, misinformed};

/// Neurons of the surrogate's hidden layer.
const HIDDEN: usize = 32;
/// Share that a label has more than the other classes of its subset.
const EXTRA: f64 = 1e-5;
/// Most classes for which all subsets are tried.
const MOST_CLASSES: usize = 10;

/// The posterior that a defense answers at a raw point, in `f64`; of answers that are drawn, their probabilities.
pub fn defended_posterior(model: &Model, defense: &Defense, raw: &[f64]) -> Vec<f64> {
    let asked = AskedPoint { raw, posterior: model.posterior(raw), own: model.label(raw) };
    let decoy = defense.misinformation().zip(defense.decoy());
    match (defense.vertices(), decoy) {
        (Some(map), _) => asked.poisoned(model, map),
        (None, Some((map, decoy))) => {
            misinformed(map, &asked.posterior, asked.own, &decoy.posterior(raw))
        }
        (None, None) => defense.apply(&asked.posterior, asked.own),
    }
}

/// The label that a defense answers at a raw point, decided exactly wherever claims are carried. `None` for a map that is not
/// for so many classes, and at points that are not finite. Of an answer that is drawn it is the label that the draw is about.
pub fn defended_label(model: &Model, defense: &Defense, raw: &[f64]) -> Option<usize> {
    if !defense.takes(model.classes) {
        return None;
    }
    let scores = model.exact_scores(&Point::from_floats(raw)?);
    let own = argmax(&scores, model.tie);
    if defense.randomised().is_some() {
        return Some(own);
    }
    if defense.vertices().is_none() {
        let label = defense.label(scores.as_slice().try_into().ok()?, model.tie);
        return match defense.misinformation().zip(defense.decoy()) {
            Some((map, decoy)) if label != own => {
                is_kept(map, &scores, own, (decoy, raw)).map(|kept| if kept { own } else { label })
            }
            Some(_) | None => Some(label),
        };
    }
    let is_kept = match defense.carry(&Asked::Label) {
        Some(Asked::Confidence { delta }) => is_above(&scores, own, &delta),
        Some(_) => true,
        None => false,
    };
    let served = || argmax(&defended_posterior(model, defense, raw), model.tie);
    Some(if is_kept { own } else { served() })
}

/// True if the posterior of `own` exceeds `1 − δ` for certain.
fn is_above(scores: &[Rational], own: usize, delta: &Rational) -> bool {
    let rest = scores.iter().enumerate().filter(|(class, _)| *class != own);
    // F = 1/(1 + Σ exp(s_j − s_own)) > 1 − δ  ⇔  Σ < δ/(1 − δ)
    let sum = rest.map(|(_, score)| exp(&(score - &scores[own])).1);
    let sum = sum.into_iter().try_fold(Rational::ZERO, |sum, term| Some(&sum + &term?));
    let odds = delta / &(&Rational::ONE - delta);
    sum.zip(odds).is_some_and(|(sum, odds)| sum < odds)
}

/// A point that an answer is asked for.
struct AskedPoint<'a> {
    raw: &'a [f64],
    /// F, undefended.
    posterior: Vec<f64>,
    /// The undefended label.
    own: usize,
}

impl AskedPoint<'_> {
    /// `(1 − a)·F + a·v`.
    fn poisoned(&self, model: &Model, map: &VertexPoisoning) -> Vec<f64> {
        let v = self.target(model, map);
        let both = || self.posterior.iter().zip(&v);
        let share = match map.step() {
            PoisonStep::Fixed(alpha) => alpha.value().down(),
            PoisonStep::Budget(budget, norm) => {
                let length = length(both().map(|(p, v)| p - v), *norm);
                if length > 0.0 { (budget.value().down() / length).min(1.0) } else { 0.0 }
            }
        };
        both().map(|(p, v)| (1.0 - share) * p + share * v).collect()
    }

    /// v, the point that the answer moves to.
    fn target(&self, model: &Model, map: &VertexPoisoning) -> Vec<f64> {
        let Self { raw, posterior, own } = self;
        let (choice, seed) = map.choice();
        let classes = posterior.len();
        let less = |least, class| if posterior[class] < posterior[least] { class } else { least };
        let least = (0..classes).fold(0, less);
        let surrogate = || surrogate(&model.schema.standardise(raw), classes, seed);
        match choice {
            VertexChoice::Argmin => vertex(classes, least),
            VertexChoice::Random => vertex(classes, drawn(seed, raw, classes)),
            VertexChoice::Gradient => {
                let candidates = (0..classes).map(|class| vertex(classes, class));
                let best = furthest(candidates, posterior, &surrogate());
                best.unwrap_or_else(|| vertex(classes, least))
            }
            VertexChoice::Keeping => keeping(posterior, *own, &surrogate()),
        }
    }
}

fn length(changes: impl Iterator<Item = f64>, norm: PoisonNorm) -> f64 {
    match norm {
        PoisonNorm::L1 => changes.map(f64::abs).sum(),
        PoisonNorm::L2 => changes.map(|d| d * d).sum::<f64>().sqrt(),
    }
}

fn vertex(classes: usize, class: usize) -> Vec<f64> {
    (0..classes).map(|other| if other == class { 1.0 } else { 0.0 }).collect()
}

/// A class drawn for a point, the same for every repetition.
fn drawn(seed: u64, raw: &[f64], classes: usize) -> usize {
    let bits: Vec<u8> = raw.iter().flat_map(|x| (x + 0.0).to_bits().to_le_bytes()).collect();
    let digest = Digest::of_all([seed.to_le_bytes().as_slice(), &bits]);
    ChaCha8Rng::from_seed(*digest.bytes()).random_range(0..classes)
}

/// The posterior of a random network with one hidden layer; weights are uniform with variance `1/inputs` per layer.
fn surrogate(z: &[f64], classes: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut layer = |inputs: &[f64], outputs: usize| -> Vec<f64> {
        let reach = (3.0 / inputs.len().max(1) as f64).sqrt();
        let mut sum = || inputs.iter().map(|x| x * rng.random_range(-reach..=reach)).sum();
        (0..outputs).map(|_| sum()).collect()
    };
    let hidden: Vec<f64> = layer(z, HIDDEN).into_iter().map(|z: f64| z.max(0.0)).collect();
    softmax(&layer(&hidden, classes))
}

/// The cosine between `v − S` and `F − S`; `None` if one of them is 0.
fn cosine(v: &[f64], posterior: &[f64], surrogate: &[f64]) -> Option<f64> {
    let (mut product, mut a, mut b) = (0.0, 0.0, 0.0);
    for ((v, p), s) in v.iter().zip(posterior).zip(surrogate) {
        product += (v - s) * (p - s);
        a += (v - s) * (v - s);
        b += (p - s) * (p - s);
    }
    (a > 0.0 && b > 0.0).then(|| product / (a * b).sqrt())
}

/// The first candidate with the least cosine.
fn furthest(
    candidates: impl Iterator<Item = Vec<f64>>,
    posterior: &[f64],
    surrogate: &[f64],
) -> Option<Vec<f64>> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for v in candidates {
        let Some(cosine) = cosine(&v, posterior, surrogate) else { continue };
        if best.as_ref().is_none_or(|(least, _)| cosine < *least) {
            best = Some((cosine, v));
        }
    }
    best.map(|(_, v)| v)
}

/// The mean of the vertices of a subset, with a little more of the label.
fn mean(is_in: &[bool], own: usize) -> Vec<f64> {
    let count = is_in.iter().filter(|is_in| **is_in).count() as f64;
    let even = (1.0 - EXTRA) / count;
    let of = |class: usize, is_in: bool| {
        (if is_in { even } else { 0.0 }) + if class == own { EXTRA } else { 0.0 }
    };
    is_in.iter().enumerate().map(|(class, is_in)| of(class, *is_in)).collect()
}

/// The best mean of a subset that has the label.
fn keeping(posterior: &[f64], own: usize, surrogate: &[f64]) -> Vec<f64> {
    let classes = posterior.len();
    let others: Vec<usize> = (0..classes).filter(|class| *class != own).collect();
    let subset = |chosen: &dyn Fn(usize) -> bool| {
        let is_in: Vec<bool> = (0..classes).map(|class| class == own || chosen(class)).collect();
        mean(&is_in, own)
    };
    if classes <= MOST_CLASSES {
        let all = (0..1_usize << others.len()).map(|number| {
            subset(&|class| {
                others.iter().position(|o| *o == class).is_some_and(|at| number >> at & 1 == 1)
            })
        });
        return furthest(all, posterior, surrogate).unwrap_or_else(|| vertex(classes, own));
    }
    let mut kept = vec![own];
    let mut best = subset(&|class| kept.contains(&class));
    loop {
        let grown = others
            .iter()
            .filter(|class| !kept.contains(class))
            .map(|&more| (more, subset(&|class| kept.contains(&class) || class == more)));
        let value = |v: &[f64]| cosine(v, posterior, surrogate).unwrap_or(1.0);
        let next = grown.fold(None, |next: Option<(usize, Vec<f64>)>, one| match next {
            Some(next) if value(&next.1) <= value(&one.1) => Some(next),
            _ => Some(one),
        });
        match next {
            Some((more, v)) if value(&v) < value(&best) => {
                kept.push(more);
                best = v;
            }
            _ => return best,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::interval::Decimal;

    use super::*;

    fn posterior(raw: &[f64]) -> Vec<f64> {
        softmax(raw)
    }

    fn map(step: PoisonStep, choice: VertexChoice, seed: u64) -> Defense {
        Defense::vertex_poisoning(Digest::of(b""), step, choice, seed).unwrap()
    }

    fn steps() -> Vec<PoisonStep> {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        vec![
            PoisonStep::Fixed(number("0.3")),
            PoisonStep::Budget(number("0.4"), PoisonNorm::L1),
            PoisonStep::Budget(number("0.25"), PoisonNorm::L2),
        ]
    }

    /// Three logits: `x`, `y` and 0.
    fn three() -> Model {
        let text = r#"{"format":"model/1","family":"mlp","precision":"f64","tie":"lower","classes":3,
            "features":[{"name":"x","kind":"real"},{"name":"y","kind":"real"}],
            "layers":[{"weights":[[1,0],[0,1],[0,0]],"bias":[0,0,0]}]}"#;
        Model::read(text.as_bytes()).unwrap()
    }

    const CHOICES: [VertexChoice; 4] =
        [VertexChoice::Gradient, VertexChoice::Keeping, VertexChoice::Random, VertexChoice::Argmin];

    proptest! {
        /// The answer is a posterior, no further than the budget, and the label stays where it must.
        #[test]
        fn answers_stay_within_their_budget(x in -4.0..4.0_f64, y in -4.0..4.0_f64, seed in 0u64..20) {
            let model = three();
            let before = model.posterior(&[x, y]);
            let own = model.label(&[x, y]);
            for step in steps() {
                for choice in CHOICES {
                    let defense = map(step.clone(), choice, seed);
                    let after = defended_posterior(&model, &defense, &[x, y]);
                    let label = defended_label(&model, &defense, &[x, y]).unwrap();
                    prop_assert!((after.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                    prop_assert!(after.iter().all(|p| *p >= 0.0));
                    let changes = || before.iter().zip(&after).map(|(p, q)| p - q);
                    let (found, most) = match &step {
                        PoisonStep::Fixed(_) => (length(changes(), PoisonNorm::L1), 0.6),
                        PoisonStep::Budget(budget, norm) => (length(changes(), *norm), budget.value().up()),
                    };
                    prop_assert!(found <= most + 1e-12, "{defense}: {found}");
                    if choice == VertexChoice::Keeping {
                        prop_assert_eq!(label, own);
                        prop_assert_eq!(argmax(&after, model.tie), own);
                    }
                    let kept = defense.carry(&Asked::Label);
                    if let Some(Asked::Confidence { delta }) = kept
                        && before[own] > (1.0 - delta.down()) + 1e-9
                    {
                        prop_assert_eq!((label, argmax(&after, model.tie)), (own, own), "{}", defense);
                    }
                }
            }
        }

        /// With two classes the normalised choice is in closed form: the vertex of class 1 iff `F₀ > S₀`.
        #[test]
        fn two_classes_have_a_closed_form(z in -4.0..4.0_f64, x in -3.0..3.0_f64, seed in 0u64..400) {
            let surrogate = surrogate(&[x], 2, seed);
            let posterior = posterior(&[0.0, z]);
            prop_assume!((posterior[0] - surrogate[0]).abs() > 1e-9);
            let v = furthest((0..2).map(|class| vertex(2, class)), &posterior, &surrogate).unwrap();
            prop_assert_eq!(v, vertex(2, usize::from(posterior[0] > surrogate[0])));
        }

        /// Without norms the best vertex is that of the least likely class, whatever the surrogate.
        #[test]
        fn without_norms_the_least_likely_class_is_best(scores in prop::collection::vec(-3.0..3.0_f64, 2..6)) {
            let p = posterior(&scores);
            let value = |class: usize| {
                vertex(p.len(), class).iter().zip(&p).map(|(v, p)| (v - p) * (v - p)).sum::<f64>()
            };
            let best = (0..p.len()).max_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap();
            prop_assert!(p.iter().all(|other| *other >= p[best]));
        }

        /// The greedy growth finds a mean that is no worse than the label alone, and all subsets one that is no worse.
        #[test]
        fn subsets_that_keep_the_label_turn_more_than_it_alone(
            scores in prop::collection::vec(-3.0..3.0_f64, 3..12),
            seed in 0u64..50,
        ) {
            let p = posterior(&scores);
            let own = argmax(&p, crate::model::Tie::Lower);
            let surrogate = surrogate(&scores, p.len(), seed);
            let v = keeping(&p, own, &surrogate);
            let alone = cosine(&mean(&vertex(p.len(), own).iter().map(|x| *x > 0.0).collect::<Vec<_>>(), own), &p, &surrogate);
            prop_assert!(cosine(&v, &p, &surrogate) <= alone);
            prop_assert!((v.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert_eq!(argmax(&v, crate::model::Tie::Lower), own);
        }
    }

    #[test]
    fn drawn_vertices_repeat_and_reach_every_class() {
        let mut seen = [0; 3];
        for k in 0..300 {
            let point = [f64::from(k), 0.0];
            let class = drawn(7, &point, 3);
            assert_eq!(class, drawn(7, &point, 3));
            seen[class] += 1;
        }
        assert!(seen.iter().all(|count| *count > 60), "{seen:?}");
    }
}
