//! Recipes: the training of a model, as TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::dataset;
use crate::model::{DataSet, Feature, Model, Part, Row, Schema};
use crate::spec::{Direction, Spec};

use super::held::{self, HeldSpec, RecipeProperty, read_text};
use super::logic::{LogicConstraint, OrLoss};
use super::mlp::{
    self, Checkpoints, CounterexampleOptions, CounterexampleSource, Course, Keeping, MlpDemands,
    MlpOptions, OutlierExposure, RobustOptions, Trainer,
};
use super::trees::{self, TreeOptions};
use super::{HoldDemands, MovableRows, Progress, RecipeError, TrainError};

/// A family with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    kind: FamilyKind,
    /// The specs that the model is trained to hold.
    hold: Vec<HeldSpec>,
}

#[derive(Clone, Debug, PartialEq)]
enum FamilyKind {
    Mlp(Box<MlpOptions>, Monotone),
    Trees(TreeOptions, Monotone),
}

/// The features in which a monotone model is constrained.
#[derive(Clone, Debug, PartialEq)]
enum Monotone {
    /// The features that the data declares.
    Declared,
    /// These features, by name or index; none: unconstrained.
    Named(BTreeMap<String, Direction>),
}

/// The data that a model is fitted to.
pub struct Fit<'a> {
    /// Features with their standardisation.
    pub schema: &'a Schema,
    /// Number of classes.
    pub classes: usize,
    /// Rows to fit.
    pub train: &'a [Row],
    /// Rows that decide when to stop.
    pub validation: &'a [Row],
    /// Directions that the data declares, by feature name or index.
    pub monotone: &'a BTreeMap<String, String>,
    /// Seed of all random choices.
    pub seed: u64,
    /// The data, whose training part `train` is, for rounds of the verifier.
    pub data: Option<&'a DataSet>,
}

impl<'a> Fit<'a> {
    /// The training part of a data set, with its validation part for stopping.
    pub fn of(data: &'a DataSet, schema: &'a Schema, seed: u64) -> Self {
        Self {
            schema,
            classes: data.classes(),
            train: data.part(Part::Train),
            validation: data.part(Part::Validation),
            monotone: &data.meta().monotone,
            seed,
            data: Some(data),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeFile {
    family: String,
    #[serde(default)]
    training: Training,
    monotone: Option<toml::Value>,
    #[serde(default)]
    property: Vec<RecipeProperty>,
    attack: Option<toml::Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Training {
    hidden: Option<Vec<usize>>,
    epochs: Option<usize>,
    batch: Option<usize>,
    learning_rate: Option<f64>,
    patience: Option<usize>,
    trees: Option<usize>,
    depth: Option<usize>,
    eta: Option<f64>,
    bins: Option<usize>,
    lambda: Option<f64>,
    min_child_weight: Option<f64>,
    gamma: Option<f64>,
    worst_case: Option<f64>,
    trainer: Option<Trainer>,
    weight: Option<f64>,
    ramp: Option<[f64; 2]>,
    steps: Option<usize>,
    constraint: Option<String>,
    disjunction: Option<OrLoss>,
    counterexamples: Option<CounterexampleOptions>,
    outlier_exposure: Option<OutlierExposure>,
}

impl Recipe {
    /// Natural training of a network with default settings.
    pub fn mlp() -> Self {
        let any = Monotone::Named(BTreeMap::new());
        Self::natural(FamilyKind::Mlp(Box::default(), any))
    }

    /// A network of such layers for local specs, trained in small batches by attacked points and, with that weight from
    /// 0 to 1, interval bounds. Thus `train --hold` does.
    pub fn bounded_mlp(hidden: &[usize], weight: f64) -> Self {
        let options = MlpOptions {
            hidden: hidden.to_vec(),
            epochs: 60,
            batch: 64,
            learning_rate: 2e-3,
            robust: RobustOptions {
                weight,
                ramp: [0.0, 0.6],
                ..RobustOptions::of(Trainer::MtlIbp)
            },
            ..MlpOptions::default()
        };
        let any = Monotone::Named(BTreeMap::new());
        Self::natural(FamilyKind::Mlp(Box::new(options), any))
    }

    /// Natural training of an ensemble with default settings.
    pub fn trees() -> Self {
        Self::natural(FamilyKind::Trees(TreeOptions::default(), Monotone::Named(BTreeMap::new())))
    }

    /// An ensemble that is monotone in every feature whose direction the data declares.
    pub fn monotone_trees() -> Self {
        Self::natural(FamilyKind::Trees(TreeOptions::default(), Monotone::Declared))
    }

    /// Reads a recipe without `[[property]]`. Unknown keys, and settings that this version does not train, are
    /// refused by name.
    pub fn read(bytes: &[u8]) -> Result<Self, RecipeError> {
        let (recipe, specs) = Self::parse(bytes)?;
        match specs.is_empty() {
            true => Ok(recipe),
            false => Err(RecipeError::Unsupported { what: "[[property]] of no file".to_owned() }),
        }
    }

    /// Reads a recipe file, with the specs that it names: `[[property]] spec = "…"`, relative to its folder.
    pub fn open(path: &Path) -> Result<Self, RecipeError> {
        let (mut recipe, entries) = Self::parse(&read_text(path)?)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let entries = entries.into_iter().map(|entry| entry.open(folder));
        recipe.hold = entries.collect::<Result<_, _>>()?;
        recipe.expect_settings_in_place()?;
        Ok(recipe)
    }

    /// The files of the specs that a recipe names, from its folder on.
    ///
    /// # Errors
    /// Text that is no recipe.
    pub(crate) fn spec_files(bytes: &[u8]) -> Result<Vec<PathBuf>, RecipeError> {
        let (_, entries) = Self::parse(bytes)?;
        Ok(entries.iter().map(|entry| entry.file().to_owned()).collect())
    }

    /// Takes the weight of labels from their specs, and refuses settings of specs that say nothing.
    fn expect_settings_in_place(&mut self) -> Result<(), RecipeError> {
        match &mut self.kind {
            FamilyKind::Mlp(options, _) => {
                let has_labels = self.hold.is_empty() || !held::local(&self.hold).is_empty();
                if let Some(key) = options.robust.labels_only().filter(|_| !has_labels) {
                    return Err(RecipeError::NoLabels { key });
                }
                let weight = held::label_weight(&self.hold, options.robust.trainer)?;
                options.robust.weight = weight.unwrap_or(options.robust.weight);
                Ok(())
            }
            FamilyKind::Trees(..) => match self.hold.iter().find_map(HeldSpec::given) {
                Some(key) => Err(RecipeError::Setting { key, family: "trees" }),
                None => Ok(()),
            },
        }
    }

    /// The recipe, and the specs that it names.
    fn parse(bytes: &[u8]) -> Result<(Self, Vec<RecipeProperty>), RecipeError> {
        let file: RecipeFile = toml::from_str(std::str::from_utf8(bytes)?)?;
        let unsupported = |what: &str| Err(RecipeError::Unsupported { what: what.to_owned() });
        if file.attack.is_some() {
            return unsupported("[attack]");
        }
        if file.property.is_empty() && file.training.is_about_moves() {
            return Err(RecipeError::NoSpec);
        }
        let kind = match (file.family.as_str(), file.monotone) {
            ("mlp", monotone) => {
                FamilyKind::Mlp(Box::new(file.training.mlp()?), read_monotone(monotone)?)
            }
            ("trees", monotone) => {
                FamilyKind::Trees(file.training.trees()?, read_monotone(monotone)?)
            }
            (other, _) => return unsupported(other),
        };
        Ok((Self::natural(kind), file.property))
    }

    fn natural(kind: FamilyKind) -> Self {
        Self { kind, hold: Vec::new() }
    }

    /// The same with another weight of a row's worst case, for ensembles that hold local specs: from 0 to 1.
    pub fn with_worst_case(mut self, share: f64) -> Self {
        if let FamilyKind::Trees(options, _) = &mut self.kind {
            options.worst_case = share;
        }
        self
    }

    /// The same with another loss, for networks that hold local specs.
    pub fn with_robust(mut self, robust: RobustOptions) -> Self {
        if let FamilyKind::Mlp(options, _) = &mut self.kind {
            options.robust = robust;
        }
        self
    }

    /// The same family and settings, with these directions by construction.
    pub fn with_directions(
        mut self,
        directions: impl IntoIterator<Item = (String, Direction)>,
    ) -> Self {
        let (FamilyKind::Mlp(_, monotone) | FamilyKind::Trees(_, monotone)) = &mut self.kind;
        *monotone = Monotone::Named(directions.into_iter().collect());
        self
    }

    /// The same family and settings, trained to hold these specs too.
    pub fn holding(self, specs: impl IntoIterator<Item = Spec>) -> Self {
        self.holding_weighted(specs.into_iter().map(HeldSpec::from))
    }

    pub(super) fn holding_weighted(mut self, specs: impl IntoIterator<Item = HeldSpec>) -> Self {
        self.hold.extend(specs);
        self
    }

    /// Trains a model on the training part of a data set; the validation part decides when to stop.
    ///
    /// # Errors
    /// Data that the recipe cannot be trained on.
    pub fn train(&self, data: &DataSet, seed: u64) -> Result<Model, TrainError> {
        let schema = dataset::schema(data)
            .map_err(|error| TrainError::Schema { reason: error.to_string() })?;
        self.fit(&Fit::of(data, &schema, seed), &mut |_| {})
    }

    /// Trains the model on rows with a schema of one's own, and tells `progress` of every step.
    pub fn fit(&self, fit: &Fit, progress: &mut dyn FnMut(Progress)) -> Result<Model, TrainError> {
        self.fit_kept(fit, None, progress)
    }

    /// The same with its state kept from time to time, if the family is that of networks, and going on from one that was
    /// kept of the same fit and recipe.
    ///
    /// # Errors
    /// Those of [`Recipe::fit`], and a state that is none of such a network.
    pub fn fit_kept(
        &self,
        fit: &Fit,
        checkpoints: Option<&mut Checkpoints>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Model, TrainError> {
        let Fit { schema, classes, train, validation, .. } = *fit;
        match &self.kind {
            FamilyKind::Mlp(options, monotone) => {
                let monotone = directions(monotone, fit)?;
                let options = MlpOptions { seed: fit.seed, monotone, ..(**options).clone() };
                let labels = HoldDemands::of(&held::local(&self.hold), schema, classes)?;
                let claims = held::claims(&self.hold, &options);
                let boxes = |rows| match labels.is_local() {
                    true => labels.moves(schema, classes, rows).map(Some),
                    false => Ok(None),
                };
                let (near, far) = (boxes(train)?, boxes(validation)?);
                let keeping = near.as_ref().zip(far.as_ref()).map(|(train, validation)| Keeping {
                    train,
                    validation,
                    threshold: labels.threshold,
                });
                let demands = MlpDemands { keeping, claims: &claims };
                let specs = held::in_order(&self.hold);
                let source = fit.data.map(|data| CounterexampleSource { data, specs: &specs });
                let course = &mut Course { progress, checkpoints, source };
                let rows = [train, validation];
                mlp::train_to_hold(schema, classes, rows, demands, &options, course)
            }
            FamilyKind::Trees(options, monotone) => {
                let specs: Vec<Spec> = self.hold.iter().map(|it| it.spec.clone()).collect();
                let demands = HoldDemands::of(&specs, schema, classes)?;
                demands.expect_no_network()?;
                demands.expect_no_repair("leaf values are moved afterwards; use `train --hold`")?;
                let mut monotone = directions(monotone, fit)?;
                monotone.extend(demands.directions.clone());
                let options = TreeOptions { monotone, ..options.clone() };
                if !demands.has_boxes() {
                    return trees::train(schema, classes, train, validation, &options, progress);
                }
                let moves = |rows| demands.moves(schema, classes, rows);
                let (near, far) = (moves(train)?, moves(validation)?);
                let train = MovableRows { rows: train, moves: &near };
                let validation = MovableRows { rows: validation, moves: &far };
                trees::train_under_moves(schema, classes, train, validation, &options, progress)
            }
        }
    }
}

fn read_monotone(value: Option<toml::Value>) -> Result<Monotone, RecipeError> {
    match value {
        None => Ok(Monotone::Named(BTreeMap::new())),
        Some(toml::Value::Table(none)) if none.is_empty() => {
            Err(RecipeError::Monotone { found: "{}".to_owned() })
        }
        Some(toml::Value::String(text)) if text == "declared" => Ok(Monotone::Declared),
        Some(value @ toml::Value::Table(_)) => Ok(Monotone::Named(value.try_into()?)),
        Some(other) => Err(RecipeError::Monotone { found: other.to_string() }),
    }
}

/// The constrained features; their names must exist and their directions be known.
fn directions(monotone: &Monotone, fit: &Fit) -> Result<BTreeMap<Feature, Direction>, TrainError> {
    let find = |name: &String| {
        let unknown = || TrainError::UnknownFeature { name: name.clone() };
        fit.schema.find(name).ok_or_else(unknown)
    };
    match monotone {
        Monotone::Named(named) => {
            named.iter().map(|(name, &direction)| Ok((find(name)?, direction))).collect()
        }
        // the result would be natural trees
        Monotone::Declared if fit.monotone.is_empty() => Err(TrainError::NoDirections),
        Monotone::Declared => fit
            .monotone
            .iter()
            .map(|(name, direction)| {
                let direction = match direction.as_str() {
                    "increasing" => Direction::Increasing,
                    "decreasing" => Direction::Decreasing,
                    other => {
                        return Err(TrainError::UnknownDirection {
                            name: name.clone(),
                            found: other.to_owned(),
                        });
                    }
                };
                Ok((find(name)?, direction))
            })
            .collect(),
    }
}

impl Training {
    /// True if a setting has no meaning for rows that do not move.
    fn is_about_moves(&self) -> bool {
        let of_networks = self.trainer.is_some() || self.weight.is_some() || self.ramp.is_some();
        let of_search = self.steps.is_some() || self.counterexamples.is_some();
        of_networks || of_search || self.worst_case.is_some()
    }

    fn mlp(self) -> Result<MlpOptions, RecipeError> {
        let other = [
            ("trees", self.trees.is_some()),
            ("depth", self.depth.is_some()),
            ("eta", self.eta.is_some()),
            ("bins", self.bins.is_some()),
            ("lambda", self.lambda.is_some()),
            ("min-child-weight", self.min_child_weight.is_some()),
            ("gamma", self.gamma.is_some()),
            ("worst-case", self.worst_case.is_some()),
        ];
        refuse_settings("mlp", &other)?;
        let default = MlpOptions::default();
        let robust = self.robust(default.robust.clone())?;
        Ok(MlpOptions {
            hidden: self.hidden.unwrap_or(default.hidden),
            epochs: self.epochs.unwrap_or(default.epochs),
            batch: self.batch.unwrap_or(default.batch),
            learning_rate: self.learning_rate.unwrap_or(default.learning_rate),
            patience: self.patience.or(default.patience),
            seed: default.seed,
            max_steps: default.max_steps,
            robust,
            monotone: default.monotone,
            counterexamples: self.counterexamples,
            outlier_exposure: self.outlier_exposure,
        })
    }

    /// The settings of a loss for rows that may move; those left out are the usual ones of the trainer.
    fn robust(&self, default: RobustOptions) -> Result<RobustOptions, RecipeError> {
        let usual = self.trainer.map_or(default, RobustOptions::of);
        let is_dl2 = usual.trainer == Trainer::Dl2;
        if !is_dl2 && (self.constraint.is_some() || self.disjunction.is_some()) {
            return Err(RecipeError::NoFormula);
        }
        let formula = |text: &String| {
            LogicConstraint::parse(text)
                .map_err(|error| RecipeError::LogicConstraint { text: text.clone(), error })
        };
        Ok(RobustOptions {
            constraint: self.constraint.as_ref().map(formula).transpose()?,
            disjunction: self.disjunction.unwrap_or(usual.disjunction),
            weight: self.weight.unwrap_or(usual.weight),
            ramp: self.ramp.unwrap_or(usual.ramp),
            steps: self.steps.unwrap_or(usual.steps),
            ..usual
        })
    }

    fn trees(self) -> Result<TreeOptions, RecipeError> {
        let other = [
            ("trainer", self.trainer.is_some()),
            ("weight", self.weight.is_some()),
            ("ramp", self.ramp.is_some()),
            ("steps", self.steps.is_some()),
            ("constraint", self.constraint.is_some()),
            ("disjunction", self.disjunction.is_some()),
            ("counterexamples", self.counterexamples.is_some()),
            ("outlier-exposure", self.outlier_exposure.is_some()),
            ("hidden", self.hidden.is_some()),
            ("epochs", self.epochs.is_some()),
            ("batch", self.batch.is_some()),
            ("learning-rate", self.learning_rate.is_some()),
        ];
        refuse_settings("trees", &other)?;
        let default = TreeOptions::default();
        Ok(TreeOptions {
            trees: self.trees.unwrap_or(default.trees),
            depth: self.depth.unwrap_or(default.depth),
            eta: self.eta.unwrap_or(default.eta),
            bins: self.bins.unwrap_or(default.bins),
            lambda: self.lambda.unwrap_or(default.lambda),
            min_child_weight: self.min_child_weight.unwrap_or(default.min_child_weight),
            gamma: self.gamma.unwrap_or(default.gamma),
            monotone: default.monotone,
            worst_case: self.worst_case.unwrap_or(default.worst_case),
            patience: self.patience,
        })
    }
}

fn refuse_settings(
    family: &'static str,
    settings: &[(&'static str, bool)],
) -> Result<(), RecipeError> {
    match settings.iter().find(|(_, is_set)| *is_set) {
        Some(&(key, _)) => Err(RecipeError::Setting { key, family }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_read() {
        assert_eq!(Recipe::read(b"family = 'mlp'").unwrap(), Recipe::mlp());
        assert_eq!(Recipe::read(b"family = 'trees'").unwrap(), Recipe::trees());
        let monotone = Recipe::read(b"family = 'trees'\nmonotone = 'declared'").unwrap();
        assert_eq!(monotone, Recipe::monotone_trees());
    }

    #[test]
    fn the_recipes_that_ship_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: PathBuf| {
            Recipe::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let held = paths.map(read).filter(|recipe| !recipe.hold.is_empty()).count();
        assert_eq!(held, 19);
    }

    #[test]
    fn what_is_not_trained_is_refused_by_name() {
        for (text, part) in [
            ("family = 'forest'", "forest"),
            ("family = 'mlp'\ntrainer = 'dl2'", "trainer"),
            ("family = 'mlp'\n[training]\ntrainer = 'dl2'", "[[property]]"),
            ("family = 'trees'\n[training]\nworst-case = 0.5", "[[property]]"),
            ("family = 'mlp'\n[[property]]\nspec = 'a.toml'", "property"),
            ("family = 'mlp'\n[training]\neta = 0.1", "eta"),
            ("family = 'mlp'\n[training]\nconstraint = 'margin(x) > 0'", "dl2"),
            (
                "family = 'mlp'\n[[property]]\nspec = 'a'\n[training]\ntrainer = 'dl2'\nconstraint = 'logit(x) > 0'",
                "raw score",
            ),
            ("family = 'mlp'\n[training]\ntrainer = 'trades'", "mtl-ibp"),
            ("family = 'trees'\n[training]\nhidden = [3]", "hidden"),
            ("family = 'trees'\nmonotone = 'all'", "declared"),
            ("family = 'trees'\nspeed = 1", "speed"),
        ] {
            let message = Recipe::read(text.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
