//! Claims about a defended model, and the claims about the undefended one that they need.

use crate::defense::{Asked, Closeness, Defense};
use crate::interval::Rational;

use super::super::{Norm, On, RawRegion};
use super::{Aim, Claim, Pair, Regions, norm_squared};

/// The claim on the undefended model that suffices.
#[derive(Debug)]
pub(super) enum Carried {
    /// The same claim.
    Itself,
    /// A claim about the posterior of the label; the label is still to be filled in.
    Posterior(Claim),
    /// The same claim with another limit on the distance of posteriors.
    Closer(Closeness),
    /// No claim suffices.
    Lost,
}

impl Carried {
    /// `asked` is the statement that the property makes about answers.
    pub(super) fn new(asked: Asked, defense: Option<&Defense>) -> Self {
        let Some(defense) = defense else { return Self::Itself };
        match defense.carry(&asked) {
            Some(Asked::Confidence { delta }) => {
                Claim::posterior(&delta).map_or(Self::Lost, Self::Posterior)
            }
            Some(same) if same == asked => Self::Itself,
            Some(Asked::Closeness(limit)) => Self::Closer(limit),
            Some(_) | None => Self::Lost,
        }
    }
}

/// A claim about posteriors of two points with the limit that `by` asks for; `None` if there is none, or for other
/// claims.
pub(super) fn closer(by: &Closeness, claim: &Claim) -> Option<Claim> {
    let pair = claim.pair()?;
    let aim = match (&pair.aim, &pair.regions) {
        // that a strict claim stays one: a jump is a multiple of √2, which no bound meets
        (Aim::Close { bound, on: On::Posterior, is_strict }, _) => {
            let bound = by.of_limit(bound)?;
            Aim::Close { bound, on: On::Posterior, is_strict: *is_strict }
        }
        (Aim::Lipschitz { units, norm, constant }, Regions::Each(boxes)) => {
            let constant = match by.scale() {
                Some(factor) => factor * constant,
                // L·‖x − x′‖ grows with the distance, and what a limit becomes grows with the limit
                None => {
                    let nearest = least_distance(boxes, units, *norm)?;
                    (&by.of_limit(&(constant * &nearest))? / &nearest)?
                }
            };
            Aim::Lipschitz { units: units.clone(), norm: *norm, constant }
        }
        _ => return None,
    };
    Some(Claim::Pair(Pair { aim, ..pair.clone() }))
}

/// A lower bound, above 0, of the distance of a point of one box from one of the other; `None` if there is none.
fn least_distance(boxes: &[RawRegion; 2], units: &[Rational], norm: Norm) -> Option<Rational> {
    let [first, second] = boxes.each_ref().map(RawRegion::sides);
    let gaps = first.iter().zip(second).map(|((low, high), (other_low, other_high))| {
        (other_low - high).max(low - other_high).max(Rational::ZERO)
    });
    let lengths = gaps.zip(units).map(|(gap, unit)| &gap / unit);
    let square = norm_squared(&lengths.collect::<Option<Vec<_>>>()?, norm)?;
    let root = Rational::from_f64(square.down().sqrt().next_down())?;
    (root > Rational::ZERO && &root * &root <= square).then_some(root)
}

#[cfg(test)]
mod tests {
    use crate::certificate::{Arithmetic, Kernel, Proof, Verdict};
    use crate::defense::Defense;
    use crate::model::{Digest, Model, Row};
    use crate::spec::{Lowered, Property, Spec};

    const MODELS: [&str; 2] = [
        r#"{"format":"model/1","family":"mlp","precision":"f64","classes":2,
            "features":[{"name":"x","kind":"real","low":"-1","high":"1"}],
            "layers":[{"weights":[[0.0],[1.0]],"bias":[0,3]}]}"#,
        r#"{"format":"model/1","family":"ensemble","precision":"f64","classes":2,
            "features":[{"name":"x","kind":"real","low":"-1","high":"1"}],"base":[3],"trees":[]}"#,
    ];

    /// True of both models, and so proved without a defense.
    const TRUE: [&str; 12] = [
        "property = 'label'\nepsilon = '0.1'",
        "property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'",
        "property = 'local-invariance-t'\nepsilon-1 = '9'\nepsilon-2 = '9'",
        "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '50'",
        "property = 'lipschitzness-t'\nconstant = '50'",
        "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '50'",
        "property = 'monotonicity'\nfeatures = ['x']\ndirection = 'increasing'",
        "property = 'boundary-fuzz'\nscope = 'domain'\nshift = '0.1'\nepsilon = '0.1'",
        "property = 'stability'\nfeatures = ['x']\nbound = '9'",
        "property = 'high-confidence'\nfeatures = ['x']\nconfidence = '0.9'\ncutoff = '0.5'",
        "property = 'redundancy'\ngroups = [['x']]\nconfidence = '0.9'\ncutoff = '0.5'",
        "property = 'output-region'\nunits = 'raw'\nunsafe = [[{y = ['0', '1'], rhs = '0'}]]\n[[input]]\nbox = [['0', '1']]",
    ];

    fn proofs() -> Vec<Proof> {
        let trees = Default::default();
        vec![
            Proof::interval(),
            Proof::linear(Vec::new()),
            Proof::jacobian(),
            Proof::Range,
            Proof::difference(),
            Proof::fuzz(),
            Proof::jumps(Default::default()),
            Proof::tree_pairs(trees),
            Proof::AllPairs { witnesses: Vec::new() },
        ]
    }

    /// Number of obligations that are proved; `None` if the claim is refused.
    fn proved(spec: &Spec, model: &Model, defense: Option<&Defense>) -> Option<usize> {
        let row = |x: f64| Row { values: vec![x], label: 1, key: Digest::of(&x.to_le_bytes()) };
        let rows = [row(0.0), row(0.5)];
        let lowered = Lowered::new(spec, model, defense, &rows).ok()?;
        let kernel = Kernel::new(model, &lowered, Arithmetic::Rounded);
        let is_proved = |at| {
            let mut answers = proofs().into_iter().map(|proof| kernel.check(at, &proof));
            answers.any(|answer| match answer {
                Ok(Verdict::Proved(_)) => true,
                Ok(Verdict::Counted(totals)) => totals.proved > 0,
                _ => false,
            })
        };
        Some((0..lowered.len()).filter(|&at| is_proved(at)).count())
    }

    #[test]
    fn a_map_that_carries_nothing_loses_every_claim() {
        let models = MODELS.map(|text| Model::read(text.as_bytes()).unwrap());
        let mute = Defense::mute();
        let mut names = Vec::new();
        for text in TRUE {
            let spec = Spec::read(text.as_bytes()).unwrap();
            let counts: Vec<_> =
                models.iter().filter_map(|model| proved(&spec, model, None)).collect();
            assert!(counts.iter().any(|&count| count > 0), "{text}: {counts:?}");
            for model in &models {
                assert!(matches!(proved(&spec, model, Some(&mute)), None | Some(0)), "{text}");
            }
            names.push(spec.property.name());
        }
        assert!(Property::NAMES.iter().all(|name| names.contains(name)), "{names:?}");
    }
}
