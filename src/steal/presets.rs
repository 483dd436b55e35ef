//! Attacks of papers as settings of the one loop, in TOML that is read strictly; all defaults can be printed.

use serde::{Deserialize, Serialize};

use crate::oracle::Response;

use super::{Attack, Generator, StealLoop, SubstituteOptions};

/// The name of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackName {
    /// Synthesised points; every label is paid.
    Random,
    /// Some labels are inferred.
    MaskedThief,
}

impl AttackName {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::MaskedThief => "masked_thief",
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

/// The method of inferring labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inference {
    /// No inference.
    None,
    /// By proof.
    Certified,
}

impl Inference {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Certified => "certified",
        }
    }
}

/// The choice of the attack's parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChoiceName {
    /// The values in the file.
    #[default]
    Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InferenceTable {
    rule: Inference,
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
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AttackFile {
    attack: AttackName,
    seeds: Option<SeedRows>,
    seed_rows: Option<usize>,
    response: Option<Response>,
    queries: Option<usize>,
    cap_factor: Option<usize>,
    generator: Option<Generator>,
    inference: Option<InferenceTable>,
    substitute: Option<SubstituteOptions>,
}

/// Reasons why a file is no attack.
#[derive(Debug, thiserror::Error)]
pub enum AttackSpecError {
    /// The file is not UTF-8.
    #[error("an attack is UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not the TOML of an attack.
    #[error("not an attack: {0}")]
    Toml(#[from] toml::de::Error),
    /// The name is known but not built.
    #[error("{what} `{name}` is not built yet; this version has {built}")]
    NotBuilt {
        /// The kind of the named thing.
        what: &'static str,
        /// The name.
        name: &'static str,
        /// The names that are built.
        built: &'static str,
    },
    /// Two settings conflict.
    #[error("{first} does not go with {second}: {instead}")]
    Conflict {
        /// One setting.
        first: String,
        /// The other.
        second: &'static str,
        /// A remedy.
        instead: &'static str,
    },
    /// A number is out of its range.
    #[error("`{key}` is {found}; it must be {expected}")]
    Setting {
        /// The key.
        key: &'static str,
        /// The value found.
        found: f64,
        /// The allowed values.
        expected: &'static str,
    },
}

impl AttackSpec {
    /// The defaults of an attack.
    pub fn new(attack: AttackName) -> Self {
        let (seeds, seed_rows, generator, inference) = match attack {
            AttackName::Random => {
                (SeedRows::Nothing, 0, Generator::Uniform { radius: 2.0 }, Inference::None)
            }
            AttackName::MaskedThief => {
                (SeedRows::X, 50, Generator::Neighbour { radius: 0.1 }, Inference::Certified)
            }
        };
        Self {
            attack,
            seeds,
            seed_rows,
            response: Response::Label,
            queries: 200,
            cap_factor: 3,
            generator,
            inference,
            substitute: SubstituteOptions::default(),
        }
    }

    /// Reads an attack; absent settings take their defaults.
    ///
    /// # Errors
    /// Unknown keys and names, names that are not built yet, settings that conflict or are out
    /// of range.
    pub fn read(bytes: &[u8]) -> Result<Self, AttackSpecError> {
        let file: AttackFile = toml::from_str(std::str::from_utf8(bytes)?)?;
        let default = Self::new(file.attack);
        let seeds = file.seeds.unwrap_or(default.seeds);
        let seed_rows = if seeds == SeedRows::Nothing { 0 } else { 50 };
        let spec = Self {
            attack: file.attack,
            seeds,
            seed_rows: file.seed_rows.unwrap_or(seed_rows),
            response: file.response.unwrap_or(default.response),
            queries: file.queries.unwrap_or(default.queries),
            cap_factor: file.cap_factor.unwrap_or(default.cap_factor),
            generator: file.generator.unwrap_or(default.generator),
            inference: file.inference.map_or(default.inference, |table| table.rule),
            substitute: file.substitute.unwrap_or(default.substitute),
        };
        spec.check()?;
        Ok(spec)
    }

    /// All settings as TOML, which [`AttackSpec::read`] reads back.
    pub fn to_toml(&self) -> String {
        let file = AttackFile {
            attack: self.attack,
            seeds: Some(self.seeds),
            seed_rows: Some(self.seed_rows),
            response: Some(self.response),
            queries: Some(self.queries),
            cap_factor: Some(self.cap_factor),
            generator: Some(self.generator.clone()),
            inference: Some(InferenceTable { rule: self.inference }),
            substitute: Some(self.substitute.clone()),
        };
        toml::to_string(&file).expect("plain data has a TOML text")
    }

    /// The defaults of an attack as TOML.
    pub fn default_toml(attack: AttackName) -> String {
        Self::new(attack).to_toml()
    }

    /// The attack itself: the loop, set as the name says.
    pub fn attack(&self) -> Box<dyn Attack + Sync> {
        let is_paid = self.attack == AttackName::Random;
        Box::new(StealLoop {
            generator: self.generator.clone(),
            infers: self.inference == Inference::Certified,
            // every label is paid: no more points than queries
            cap_factor: if is_paid { 1 } else { self.cap_factor },
            substitute: self.substitute.clone(),
        })
    }

    /// The same attack with every label paid.
    pub fn without_inference(&self) -> Self {
        Self { inference: Inference::None, ..self.clone() }
    }

    fn check(&self) -> Result<(), AttackSpecError> {
        self.check_built()?;
        self.check_numbers()?;
        let conflict = |first: String, second, instead| {
            Err(AttackSpecError::Conflict { first, second, instead })
        };
        let rule = format!("[inference] rule = \"{}\"", self.inference.name());
        if self.inference == Inference::Certified && self.attack == AttackName::Random {
            return conflict(rule, "attack = \"random\"", "use attack = \"masked_thief\"");
        }
        if self.inference == Inference::Certified && self.response == Response::SampledLabel {
            return conflict(rule, "drawn labels", "use response = \"label\"");
        }
        if self.generator.needs_base() && self.seeds == SeedRows::Nothing {
            let generator = format!("generator `{}`", self.generator.name());
            return conflict(generator, "seeds = \"none\"", "use seeds = \"X\" or \"P\"");
        }
        Ok(())
    }

    fn check_built(&self) -> Result<(), AttackSpecError> {
        if self.response == Response::Posterior {
            // substitutes train on labels; requesting more and dropping it would be a quiet lie
            let (what, name) = ("training on response", "posterior");
            return Err(AttackSpecError::NotBuilt { what, name, built: "label and sampled-label" });
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), AttackSpecError> {
        let unless = |allowed, key, found, expected| {
            if allowed { Ok(()) } else { Err(AttackSpecError::Setting { key, found, expected }) }
        };
        let positive = |key, found: f64| {
            unless(found > 0.0 && found.is_finite(), key, found, "positive and finite")
        };
        for (key, length) in self.generator.lengths() {
            positive(key, length)?;
            unless(length <= 1e6, key, length, "at most 1000000 standard deviations")?;
        }
        let within = |key, found: usize, most: usize, expected| {
            unless((1..=most).contains(&found), key, found as f64, expected)
        };
        within("queries", self.queries, 1_000_000, "at least 1 and at most 1000000")?;
        within("cap-factor", self.cap_factor, 1_000, "at least 1 and at most 1000")?;
        let seeds = self.seed_rows;
        unless(seeds <= self.queries, "seed-rows", seeds as f64, "at most `queries`")?;
        let is_counted = (seeds > 0) == (self.seeds != SeedRows::Nothing);
        unless(is_counted, "seed-rows", seeds as f64, "0 with seeds = \"none\", else at least 1")?;
        let SubstituteOptions { epochs, batch, trees, depth, .. } = self.substitute;
        for (key, found) in
            [("epochs", epochs), ("batch", batch), ("trees", trees), ("depth", depth)]
        {
            unless(found > 0, key, found as f64, "at least 1")?;
        }
        positive("learning-rate", self.substitute.learning_rate)?;
        positive("eta", self.substitute.eta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        AttackSpec::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_printed_and_read_back() {
        for attack in [AttackName::Random, AttackName::MaskedThief] {
            let text = AttackSpec::default_toml(attack);
            let spec = AttackSpec::read(text.as_bytes()).unwrap();
            assert_eq!(spec, AttackSpec::new(attack), "{text}");
            let shortest = format!("attack = \"{}\"", attack.name());
            assert_eq!(AttackSpec::read(shortest.as_bytes()).unwrap(), spec);
        }
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
        for name in ["line_search", "jacobian", "mixmatch"] {
            let text = refusal(&format!("attack = \"{name}\""));
            assert!(text.contains(name) && text.contains("`masked_thief`"), "{text}");
        }
        for rule in ["length", "endpoints", "exclude"] {
            let text = format!("attack = \"masked_thief\"\n[inference]\nrule = \"{rule}\"");
            assert!(refusal(&text).contains(rule) && refusal(&text).contains("`certified`"));
        }
        for choice in ["heldout", "oracle"] {
            let text = format!("attack = \"random\"\n[substitute]\nchoice = \"{choice}\"");
            assert!(refusal(&text).contains(choice) && refusal(&text).contains("fixed"));
        }
        assert!(refusal("attack = \"random\"\nresponse = \"posterior\"").contains("not built"));
    }

    #[test]
    fn settings_that_conflict_or_are_out_of_range_are_refused() {
        for (text, part) in [
            ("attack = \"random\"\n[inference]\nrule = \"certified\"", "masked_thief"),
            ("attack = \"masked_thief\"\nresponse = \"sampled-label\"", "drawn labels"),
            ("attack = \"masked_thief\"\nseeds = \"none\"", "generator `neighbour`"),
            ("attack = \"random\"\n[generator]\nkind = \"uniform\"\nradius = nan", "`radius`"),
            ("attack = \"random\"\n[generator]\nkind = \"gaussian\"\nsigma = 0.0", "`sigma`"),
            ("attack = \"masked_thief\"\nqueries = 20", "`seed-rows`"),
            ("attack = \"random\"\nqueries = 0", "`queries`"),
            ("attack = \"random\"\nseed-rows = 5", "`seed-rows`"),
            ("attack = \"random\"\n[substitute]\nbatch = 0", "`batch`"),
        ] {
            assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
        }
    }
}
