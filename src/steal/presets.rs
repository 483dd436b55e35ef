//! Attacks of papers as settings of the one loop. Their TOML is that of `attack_file`.

use serde::{Deserialize, Serialize};

use crate::oracle::Response;

use super::attack_file::{AttackFile, AttackNumbers};
use super::{
    Attack, AttackSpecError, EquationSolving, Generator, Inference, LengthChoice, PathSearch,
    StealLoop, SubstituteOptions, ThresholdSearch,
};

/// The name of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackName {
    /// Synthesised points; every label is paid.
    Random,
    /// Midpoints between points of opposite labels.
    LineSearch,
    /// Points moved along the gradient of the substitute's loss.
    Jacobian,
    /// Points on which substitutes disagree.
    Committee,
    /// Thresholds of a monotone target, by bisection.
    Thresholds,
    /// Thresholds of any target that is constant on boxes, by bisection between points of different labels.
    Paths,
    /// Equations from posteriors.
    Equations,
    /// Some labels are inferred.
    MaskedThief,
}

impl AttackName {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Random,
        Self::LineSearch,
        Self::Jacobian,
        Self::Committee,
        Self::Thresholds,
        Self::Paths,
        Self::Equations,
        Self::MaskedThief,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::LineSearch => "line_search",
            Self::Jacobian => "jacobian",
            Self::Committee => "committee",
            Self::Thresholds => "thresholds",
            Self::Paths => "paths",
            Self::Equations => "equations",
            Self::MaskedThief => "masked_thief",
        }
    }

    /// True if the attack may infer labels; the others pay every one.
    pub(super) fn infers(self) -> bool {
        match self {
            Self::MaskedThief => true,
            Self::Random
            | Self::LineSearch
            | Self::Jacobian
            | Self::Committee
            | Self::Thresholds
            | Self::Paths
            | Self::Equations => false,
        }
    }
}

/// The rows that the attacker starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeedRows {
    /// Rows the target was trained on.
    P,
    /// Rows of the same distribution, never trained on.
    X,
    /// No rows.
    #[serde(rename = "none")]
    Nothing,
}

/// The choice of the attack's parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChoiceName {
    /// The values in the file.
    #[default]
    Fixed,
}

/// An attack with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackSpec {
    /// The name of the attack.
    pub attack: AttackName,
    /// The rows that it starts from.
    pub seeds: SeedRows,
    /// Number of these rows, drawn anew per repetition (all, if there are no more).
    pub seed_rows: usize,
    /// The kind of the oracle's answers.
    pub response: Response,
    /// The query budget Q, seed rows included.
    pub queries: usize,
    /// B / Q: most labelled points per query.
    pub cap_factor: usize,
    /// The source of new points.
    pub generator: Generator,
    /// The method of inferring labels.
    pub inference: Inference,
    /// The training of the substitute.
    pub substitute: SubstituteOptions,
    /// Lengths of the generator to choose from; `None` takes its own.
    pub choose: Option<LengthChoice>,
}

impl AttackSpec {
    /// The defaults of an attack.
    pub fn new(attack: AttackName) -> Self {
        let generator = match attack {
            // all but the first make their points themselves
            AttackName::Random
            | AttackName::Thresholds
            | AttackName::Paths
            | AttackName::Equations => Generator::Uniform { radius: 2.0 },
            AttackName::LineSearch => {
                Generator::LineSearch { radius: 2.0, stop: 0.1, local: false }
            }
            AttackName::Jacobian => {
                Generator::Jacobian { epsilon: 0.3, steps: 5, difference: 0.01, against: false }
            }
            AttackName::Committee => {
                Generator::Committee { radius: 0.2, members: 5, candidates: 1000, batch: 25 }
            }
            AttackName::MaskedThief => Generator::Neighbour { radius: 0.1 },
        };
        let (seeds, seed_rows) = match attack {
            AttackName::Random
            | AttackName::LineSearch
            | AttackName::Thresholds
            | AttackName::Equations => (SeedRows::Nothing, 0),
            AttackName::Jacobian
            | AttackName::Committee
            | AttackName::Paths
            | AttackName::MaskedThief => (SeedRows::X, 50),
        };
        Self {
            attack,
            seeds,
            seed_rows,
            response: match attack {
                AttackName::Equations => Response::Posterior,
                AttackName::Random
                | AttackName::LineSearch
                | AttackName::Jacobian
                | AttackName::Committee
                | AttackName::Thresholds
                | AttackName::Paths
                | AttackName::MaskedThief => Response::Label,
            },
            queries: 200,
            cap_factor: 3,
            generator,
            inference: if attack.infers() { Inference::Certified } else { Inference::None },
            substitute: SubstituteOptions::default(),
            choose: None,
        }
    }

    /// The same attack with another length of its generator, and none to choose from.
    pub fn with_length(&self, length: f64) -> Self {
        let generator = self.generator.with_length(length);
        Self { generator, choose: None, ..self.clone() }
    }

    /// Reads an attack; absent settings take their defaults.
    ///
    /// # Errors
    /// Unknown keys and names, settings that conflict or are out of range.
    pub fn read(bytes: &[u8]) -> Result<Self, AttackSpecError> {
        Self::read_with(bytes, AttackNumbers::default())
    }

    /// Reads an attack, with these numbers in place of its own.
    ///
    /// # Errors
    /// As [`AttackSpec::read`].
    pub fn read_with(bytes: &[u8], numbers: AttackNumbers) -> Result<Self, AttackSpecError> {
        AttackFile::read(bytes, numbers)
    }

    /// All settings as TOML, which [`AttackSpec::read`] reads back.
    pub fn to_toml(&self) -> String {
        AttackFile::of(self).text()
    }

    /// The defaults of an attack as TOML.
    pub fn default_toml(attack: AttackName) -> String {
        Self::new(attack).to_toml()
    }

    /// The attack itself: the loop, set as the name says, or an extraction.
    pub fn attack(&self) -> Box<dyn Attack + Sync> {
        match self.attack {
            AttackName::Thresholds => Box::new(ThresholdSearch),
            AttackName::Paths => Box::new(PathSearch),
            AttackName::Equations => {
                Box::new(EquationSolving { substitute: self.substitute.clone() })
            }
            AttackName::Random
            | AttackName::LineSearch
            | AttackName::Jacobian
            | AttackName::Committee
            | AttackName::MaskedThief => Box::new(self.steal_loop()),
        }
    }

    fn steal_loop(&self) -> StealLoop {
        StealLoop {
            generator: self.generator.clone(),
            inference: self.inference.clone(),
            // where every label is paid, there are no more points than queries
            cap_factor: if self.attack.infers() { self.cap_factor } else { 1 },
            substitute: self.substitute.clone(),
        }
    }

    /// The same attack with every label paid.
    pub fn without_inference(&self) -> Self {
        Self { inference: Inference::None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use crate::steal::{IntervalRule, RuleName, SecurityProperty};

    use super::*;

    fn refusal(text: &str) -> String {
        AttackSpec::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_printed_and_read_back() {
        for attack in AttackName::ALL {
            let text = AttackSpec::default_toml(attack);
            let spec = AttackSpec::read(text.as_bytes()).unwrap();
            assert_eq!(spec, AttackSpec::new(attack), "{text}");
            let shortest = format!("attack = \"{}\"", attack.name());
            assert_eq!(AttackSpec::read(shortest.as_bytes()).unwrap(), spec);
        }
    }

    /// A budget of the command line is measured against the seed rows of the command line.
    #[test]
    fn other_numbers_take_the_place_of_those_of_the_file() {
        let with = |text: &str, queries, seed_rows| {
            let numbers = AttackNumbers { queries, seed_rows };
            AttackSpec::read_with(text.as_bytes(), numbers).map(|it| (it.queries, it.seed_rows))
        };
        let thief = "attack = \"masked_thief\"\nqueries = 20";
        assert_eq!(with(thief, Some(300), None).unwrap(), (300, 50));
        assert_eq!(with(thief, None, Some(5)).unwrap(), (20, 5));
        assert!(with(thief, None, None).is_err());
        assert!(with(thief, Some(usize::MAX), Some(5)).is_err());
        assert_eq!(with("attack = \"random\"", Some(7), Some(5)).unwrap(), (7, 0));
        assert_eq!(with("attack = \"random\"\nseeds = \"P\"", None, Some(5)).unwrap(), (200, 5));
    }

    #[test]
    fn a_part_of_a_table_keeps_the_other_defaults() {
        let text = "attack = \"random\"\n[substitute]\nfamily = \"trees\"\ntrees = 7\n";
        let spec = AttackSpec::read(text.as_bytes()).unwrap();
        assert_eq!((spec.substitute.trees, spec.substitute.depth), (7, 4));
        let text = "attack = \"random\"\n[generator]\nkind = \"gaussian\"\nsigma = 1.5\n";
        let spec = AttackSpec::read(text.as_bytes()).unwrap();
        assert_eq!(spec.generator, Generator::Gaussian { sigma: 1.5, clip: None });
    }

    #[test]
    fn unknown_keys_and_names_are_refused() {
        for text in [
            "",
            "attack = \"randomm\"",
            "attack = \"random\"\nquerys = 3",
            "attack = \"random\"\nqueries = -3",
            "attack = \"random\"\n[generator]\nkind = \"uniform\"",
            "attack = \"random\"\n[generator]\nkind = \"uniform\"\nradius = 1.0\nsigma = 1.0",
            "attack = \"random\"\n[generator]\nkind = \"zoo\"\nradius = 1.0",
            "attack = \"random\"\n[inference]\nrule = \"none\"\nT = 0.3",
            "attack = \"random\"\n[substitute]\nmax-steps = 3",
            "attack = \"random\"\nresponse = \"Label\"",
        ] {
            assert!(refusal(text).starts_with("not an attack"), "{text}: {}", refusal(text));
        }
    }

    #[test]
    fn names_that_are_not_built_are_refused_with_those_that_are() {
        for name in ["copycat", "knockoff", "mixmatch"] {
            let text = refusal(&format!("attack = \"{name}\""));
            assert!(text.contains(name) && text.contains("`masked_thief`"), "{text}");
        }
        let text = refusal("attack = \"masked_thief\"\n[inference]\nrule = \"median\"");
        assert!(text.contains("median") && text.contains("`certified`"), "{text}");
        for choice in ["heldout", "oracle"] {
            let text = format!("attack = \"random\"\n[substitute]\nchoice = \"{choice}\"");
            assert!(refusal(&text).contains(choice) && refusal(&text).contains("fixed"));
        }
    }

    const LENGTH: &str = "attack = \"masked_thief\"\n[inference]\nrule = \"length\"\n";
    const LIPSCHITZ: &str = "[inference.property]\nname = \"lipschitz\"\nl = 0.1\n";

    #[test]
    fn interval_rules_are_read_and_written_with_all_their_settings() {
        let spec = AttackSpec::read(format!("{LENGTH}{LIPSCHITZ}").as_bytes()).unwrap();
        let property = SecurityProperty::Lipschitz { l: 0.1, norm: Default::default() };
        let rule = IntervalRule::new(RuleName::Length, property);
        assert_eq!(spec.inference, Inference::Interval(Box::new(rule)));
        let text = spec.to_toml();
        for key in ["lambda", "eta", "log", "threshold", "neighbours", "from", "choice", "form"] {
            assert!(text.contains(&format!("\n{key} = ")), "{key}: {text}");
        }
        assert_eq!(AttackSpec::read(text.as_bytes()).unwrap(), spec);
    }

    #[test]
    fn interval_rules_without_a_property_or_with_foreign_keys_are_refused() {
        let certified = "attack = \"masked_thief\"\n[inference]\nrule = \"certified\"\neta = 0.9\n";
        for (text, parts) in [
            (LENGTH.to_owned(), ["`length`", "[inference.property]"]),
            (certified.to_owned(), ["`eta`", "certified"]),
            (format!("{LENGTH}eta = 1.0\n{LIPSCHITZ}"), ["`eta`", "below 1"]),
            (format!("{LENGTH}{LIPSCHITZ}k = 3\n"), ["not an attack", "k"]),
            (LENGTH.replace("masked_thief", "jacobian") + LIPSCHITZ, ["length", "masked_thief"]),
            (format!("{LENGTH}{}", LIPSCHITZ.replace("0.1", "-0.1")), ["`l`", "-0.1"]),
        ] {
            let found = refusal(&text);
            assert!(parts.iter().all(|part| found.contains(part)), "{text}: {found}");
        }
    }

    #[test]
    fn settings_that_conflict_or_are_out_of_range_are_refused() {
        for (text, part) in [
            ("attack = \"random\"\n[inference]\nrule = \"certified\"", "masked_thief"),
            ("attack = \"masked_thief\"\nresponse = \"sampled-label\"", "drawn labels"),
            ("attack = \"masked_thief\"\nresponse = \"sampled-afresh\"", "drawn labels"),
            (
                "attack = \"random\"\n[generator]\nkind = \"repeat\"\nradius = 2.0\ntimes = 5\nspread = 0.0",
                "sampled-afresh",
            ),
            ("attack = \"jacobian\"\nseeds = \"none\"", "generator `jacobian`"),
            ("attack = \"masked_thief\"\nseeds = \"none\"", "generator `neighbour`"),
            ("attack = \"random\"\n[generator]\nkind = \"uniform\"\nradius = nan", "`radius`"),
            ("attack = \"random\"\n[generator]\nkind = \"gaussian\"\nsigma = 0.0", "`sigma`"),
            ("attack = \"masked_thief\"\nqueries = 20", "`seed-rows`"),
            ("attack = \"random\"\nqueries = 0", "`queries`"),
            ("attack = \"random\"\nseed-rows = 5", "`seed-rows`"),
            ("attack = \"equations\"\nresponse = \"label\"", "posteriors"),
            ("attack = \"thresholds\"\nseeds = \"X\"", "no seed rows"),
            ("attack = \"random\"\n[substitute]\nbatch = 0", "`batch`"),
        ] {
            assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
        }
    }
}
