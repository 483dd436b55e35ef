//! Claims about a defended model, and the claims about the undefended one that they need.

use crate::defense::{Asked, Defense};

use super::Claim;

/// The claim on the undefended model that suffices.
#[derive(Debug)]
pub(super) enum Carried {
    /// The same claim.
    Itself,
    /// A claim about the posterior of the label; the label is still to be filled in.
    Posterior(Claim),
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
            Some(_) | None => Self::Lost,
        }
    }
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
