//! The TOML of an attack: read strictly, with all defaults written out.

use serde::{Deserialize, Serialize};

use crate::oracle::Response;

use super::presets::{AttackName, AttackSpec, SeedRows};
use super::{
    DeviationForm, Generator, Inference, IntervalRule, LearningMethod, LengthChoice, LogTerm,
    NeighbourSource, RuleChoice, RuleName, SecurityProperty, SmoothOptions, SubstituteOptions,
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AttackFile {
    attack: AttackName,
    seeds: Option<SeedRows>,
    seed_rows: Option<usize>,
    response: Option<Response>,
    queries: Option<usize>,
    cap_factor: Option<usize>,
    generator: Option<Generator>,
    inference: Option<InferenceTable>,
    substitute: Option<SubstituteOptions>,
    choose: Option<LengthChoice>,
}

/// The word in a file for a method of inference.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuleWord {
    None,
    Certified,
    Length,
    Endpoints,
    Exclude,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct InferenceTable {
    rule: RuleWord,
    form: Option<DeviationForm>,
    lambda: Option<f64>,
    eta: Option<f64>,
    log: Option<LogTerm>,
    threshold: Option<f64>,
    neighbours: Option<usize>,
    from: Option<NeighbourSource>,
    choice: Option<RuleChoice>,
    property: Option<SecurityProperty>,
}

/// Numbers that take the place of those of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttackNumbers {
    /// The query budget.
    pub queries: Option<usize>,
    /// The seed rows, of an attack that has some.
    pub seed_rows: Option<usize>,
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
    /// The seed rows alone use more than the budget.
    #[error("`seed-rows` is {seeds}; each costs a query, and `queries` is {queries}")]
    SeedsOverBudget {
        /// Seed rows.
        seeds: usize,
        /// Queries allowed.
        queries: usize,
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

fn conflict<T>(
    first: String,
    second: &'static str,
    instead: &'static str,
) -> Result<T, AttackSpecError> {
    Err(AttackSpecError::Conflict { first, second, instead })
}

fn unless(
    allowed: bool,
    key: &'static str,
    found: f64,
    expected: &'static str,
) -> Result<(), AttackSpecError> {
    if allowed { Ok(()) } else { Err(AttackSpecError::Setting { key, found, expected }) }
}

fn positive(key: &'static str, found: f64) -> Result<(), AttackSpecError> {
    unless(found > 0.0 && found.is_finite(), key, found, "positive and finite")
}

impl AttackFile {
    /// Reads and checks an attack with these numbers; absent settings take their defaults.
    pub(super) fn read(
        bytes: &[u8],
        numbers: AttackNumbers,
    ) -> Result<AttackSpec, AttackSpecError> {
        let file: Self = toml::from_str(std::str::from_utf8(bytes)?)?;
        let default = AttackSpec::new(file.attack);
        let seeds = file.seeds.unwrap_or(default.seeds);
        let seed_rows = match seeds {
            SeedRows::Nothing => file.seed_rows.unwrap_or(0),
            SeedRows::P | SeedRows::X => numbers.seed_rows.or(file.seed_rows).unwrap_or(50),
        };
        let spec = AttackSpec {
            attack: file.attack,
            seeds,
            seed_rows,
            response: file.response.unwrap_or(default.response),
            queries: numbers.queries.or(file.queries).unwrap_or(default.queries),
            cap_factor: file.cap_factor.unwrap_or(default.cap_factor),
            generator: file.generator.unwrap_or(default.generator),
            inference: match file.inference {
                Some(table) => table.inference()?,
                None => default.inference,
            },
            substitute: file.substitute.unwrap_or(default.substitute),
            choose: file.choose,
        };
        spec.check()?;
        Ok(spec)
    }

    /// All settings of an attack.
    pub(super) fn of(spec: &AttackSpec) -> Self {
        Self {
            attack: spec.attack,
            seeds: Some(spec.seeds),
            seed_rows: Some(spec.seed_rows),
            response: Some(spec.response),
            queries: Some(spec.queries),
            cap_factor: Some(spec.cap_factor),
            generator: Some(spec.generator.clone()),
            inference: Some(InferenceTable::of(&spec.inference)),
            substitute: Some(spec.substitute.clone()),
            choose: spec.choose.clone(),
        }
    }

    /// The TOML.
    pub(super) fn text(&self) -> String {
        toml::to_string(self).expect("plain data has a TOML text")
    }
}

impl InferenceTable {
    /// Every setting of a method.
    fn of(inference: &Inference) -> Self {
        let bare = |rule| Self {
            rule,
            form: None,
            lambda: None,
            eta: None,
            log: None,
            threshold: None,
            neighbours: None,
            from: None,
            choice: None,
            property: None,
        };
        let rule = match inference {
            Inference::None => return bare(RuleWord::None),
            Inference::Certified => return bare(RuleWord::Certified),
            Inference::Interval(rule) => rule,
        };
        Self {
            rule: match rule.rule {
                RuleName::Length => RuleWord::Length,
                RuleName::Endpoints => RuleWord::Endpoints,
                RuleName::Exclude => RuleWord::Exclude,
            },
            form: Some(rule.form),
            lambda: Some(rule.lambda),
            eta: Some(rule.eta),
            log: Some(rule.log),
            threshold: Some(rule.threshold),
            neighbours: Some(rule.neighbours),
            from: Some(rule.from),
            choice: Some(rule.choice),
            property: Some(rule.property.clone()),
        }
    }

    /// The method that the table describes.
    fn inference(self) -> Result<Inference, AttackSpecError> {
        let rule = match self.rule {
            RuleWord::None => return self.without_settings("none", Inference::None),
            RuleWord::Certified => return self.without_settings("certified", Inference::Certified),
            RuleWord::Length => RuleName::Length,
            RuleWord::Endpoints => RuleName::Endpoints,
            RuleWord::Exclude => RuleName::Exclude,
        };
        let Some(property) = self.property else {
            let (first, second) = (format!("rule `{}`", rule.name()), "no property");
            return conflict(
                first,
                second,
                "say what the target is believed to have in [inference.property]",
            );
        };
        let default = IntervalRule::new(rule, property);
        Ok(Inference::Interval(Box::new(IntervalRule {
            form: self.form.unwrap_or(default.form),
            lambda: self.lambda.unwrap_or(default.lambda),
            eta: self.eta.unwrap_or(default.eta),
            log: self.log.unwrap_or(default.log),
            threshold: self.threshold.unwrap_or(default.threshold),
            neighbours: self.neighbours.unwrap_or(default.neighbours),
            from: self.from.unwrap_or(default.from),
            choice: self.choice.unwrap_or(default.choice),
            ..default
        })))
    }

    /// Refuses settings that belong to the interval rules.
    fn without_settings(
        &self,
        rule: &'static str,
        inference: Inference,
    ) -> Result<Inference, AttackSpecError> {
        let keys = [
            ("form", self.form.is_some()),
            ("lambda", self.lambda.is_some()),
            ("eta", self.eta.is_some()),
            ("log", self.log.is_some()),
            ("threshold", self.threshold.is_some()),
            ("neighbours", self.neighbours.is_some()),
            ("from", self.from.is_some()),
            ("choice", self.choice.is_some()),
            ("property", self.property.is_some()),
        ];
        match keys.into_iter().find(|(_, is_set)| *is_set) {
            None => Ok(inference),
            Some((key, _)) => conflict(
                format!("[inference] `{key}`"),
                rule,
                "it is a setting of the rules length, endpoints and exclude",
            ),
        }
    }
}

impl AttackSpec {
    fn check(&self) -> Result<(), AttackSpecError> {
        self.check_numbers()?;
        self.check_learning()?;
        let rule = format!("[inference] rule = \"{}\"", self.inference.name());
        let infers = self.inference != Inference::None;
        if infers && !self.attack.infers() {
            let rule = format!("{rule} of attack = \"{}\"", self.attack.name());
            return conflict(rule, "paying every label", "use attack = \"masked_thief\"");
        }
        if self.inference == Inference::Certified && self.response.is_drawn() {
            return conflict(rule, "drawn labels", "use response = \"label\"");
        }
        let is_same_point =
            matches!(self.generator, Generator::Repeat { spread, .. } if spread == 0.0);
        if is_same_point && self.response != Response::SampledAfresh {
            let (what, why) = ("spread = 0.0", "answers that are remembered");
            return conflict(what.to_owned(), why, "use response = \"sampled-afresh\"");
        }
        if self.attack == AttackName::Equations && self.response != Response::Posterior {
            let response = format!("response = \"{}\"", self.response.name());
            return conflict(response, "equations of posteriors", "use response = \"posterior\"");
        }
        let is_extraction = matches!(self.attack, AttackName::Equations | AttackName::Thresholds);
        if is_extraction && self.seeds != SeedRows::Nothing {
            let attack = format!("attack = \"{}\"", self.attack.name());
            return conflict(attack, "seed rows", "it has no seed rows: use seeds = \"none\"");
        }
        let has_generator = !is_extraction && self.attack != AttackName::Paths;
        if !has_generator && self.choose.is_some() {
            let attack = format!("attack = \"{}\"", self.attack.name());
            return conflict(attack, "[choose]", "it has no generator with a length: leave it out");
        }
        if self.generator.needs_base() && self.seeds == SeedRows::Nothing {
            let generator = format!("generator `{}`", self.generator.name());
            return conflict(generator, "seeds = \"none\"", "use seeds = \"X\" or \"P\"");
        }
        match &self.inference {
            Inference::None | Inference::Certified => Ok(()),
            Inference::Interval(rule) => rule.check(),
        }
    }

    fn check_numbers(&self) -> Result<(), AttackSpecError> {
        for (key, length) in self.generator.lengths() {
            positive(key, length)?;
            unless(length <= 1e6, key, length, "at most 1000000 standard deviations")?;
        }
        for (key, count, least) in self.generator.counts() {
            let expected = if least == 2 { "from 2 to 100000" } else { "from 1 to 100000" };
            unless((least..=100_000).contains(&count), key, count as f64, expected)?;
        }
        if let Some(choice) = &self.choose {
            let count = choice.values.len();
            unless((2..=32).contains(&count), "values", count as f64, "from 2 to 32 lengths")?;
            for (at, &length) in choice.values.iter().enumerate() {
                positive("values", length)?;
                unless(length <= 1e6, "values", length, "at most 1000000 standard deviations")?;
                let is_new = !choice.values[..at].contains(&length);
                unless(is_new, "values", length, "there once")?;
            }
        }
        let within = |key, found: usize, most: usize, expected| {
            unless((1..=most).contains(&found), key, found as f64, expected)
        };
        within("queries", self.queries, 1_000_000, "at least 1 and at most 1000000")?;
        within("cap-factor", self.cap_factor, 1_000, "at least 1 and at most 1000")?;
        let seeds = self.seed_rows;
        if seeds > self.queries {
            return Err(AttackSpecError::SeedsOverBudget { seeds, queries: self.queries });
        }
        let is_counted = (seeds > 0) == (self.seeds != SeedRows::Nothing);
        unless(is_counted, "seed-rows", seeds as f64, "0 with seeds = \"none\", else at least 1")
    }

    fn check_learning(&self) -> Result<(), AttackSpecError> {
        let SubstituteOptions { epochs, batch, trees, depth, .. } = self.substitute;
        for (key, found) in
            [("epochs", epochs), ("batch", batch), ("trees", trees), ("depth", depth)]
        {
            unless(found > 0, key, found as f64, "at least 1")?;
        }
        positive("learning-rate", self.substitute.learning_rate)?;
        positive("eta", self.substitute.eta)?;
        let mixing = match &self.substitute.learner {
            LearningMethod::Fit => return Ok(()),
            LearningMethod::Smooth(SmoothOptions { neighbours, .. }) => {
                let (found, expected) = (*neighbours as f64, "from 1 to 10000");
                return unless((1..=10_000).contains(neighbours), "neighbours", found, expected);
            }
            LearningMethod::Recover if self.response != Response::Posterior => {
                let response = format!("response = \"{}\"", self.response.name());
                let instead = "use response = \"posterior\"";
                return conflict(response, "posteriors that are recovered", instead);
            }
            LearningMethod::Recover => return Ok(()),
            LearningMethod::MixMatch(mixing) => mixing,
        };
        let count = mixing.augmentations;
        unless((1..=1000).contains(&count), "augmentations", count as f64, "from 1 to 1000")?;
        positive("temperature", mixing.temperature)?;
        positive("alpha", mixing.alpha)?;
        let zero_or_more = |found: f64| found >= 0.0 && found.is_finite();
        let expected = "0 or positive, and finite";
        unless(zero_or_more(mixing.weight), "weight", mixing.weight, expected)?;
        unless(zero_or_more(mixing.noise), "noise", mixing.noise, expected)
    }
}

impl IntervalRule {
    fn check(&self) -> Result<(), AttackSpecError> {
        let zero_or_more = |key, found: f64| {
            unless(found >= 0.0 && found.is_finite(), key, found, "0 or positive, and finite")
        };
        for (key, found) in self.property.numbers() {
            zero_or_more(key, found)?;
        }
        zero_or_more("lambda", self.lambda)?;
        unless(self.eta < 1.0 && self.eta.is_finite(), "eta", self.eta, "below 1, and finite")?;
        positive("threshold", self.threshold)?;
        let neighbours = self.neighbours;
        let expected = "from 1 to 10000";
        unless((1..=10_000).contains(&neighbours), "neighbours", neighbours as f64, expected)?;
        match &self.property {
            SecurityProperty::Monotonicity { features, .. } if features.is_empty() => {
                conflict("monotonicity".to_owned(), "no features", "name at least one")
            }
            SecurityProperty::SmallNeighborhood { epsilon, .. } => positive("epsilon", *epsilon),
            SecurityProperty::Monotonicity { .. }
            | SecurityProperty::Lipschitz { .. }
            | SecurityProperty::LocalInvariance { .. }
            | SecurityProperty::LocalInvarianceT { .. } => Ok(()),
        }
    }
}
