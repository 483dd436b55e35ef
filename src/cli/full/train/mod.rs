//! `propcert train`: natural training, a recipe, or specs to hold.

mod hold;
mod record;

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};

use crate::dataset;
use crate::model::{DataSet, Model, Part, Row};
use crate::store::{partial_name, write_whole};
use crate::text::Share;
use crate::train::mlp::Checkpoints;
use crate::train::{Fit, HoldFamily, HoldOptions, Progress, Recipe};

use super::inputs::Inputs;
use super::interrupt::{self, KeptRun};
use super::output::{FileKind, Force, expect_own, is_standard_output};
use super::progress::bar;
use super::subject::{read_model, read_whole};
use super::{Ending, Refusal, files};

use self::hold::NamedSpec;
use self::record::{Record, record_name, remove_state};

/// A model family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FamilyArgument {
    /// A ReLU network.
    Mlp,
    /// Boosted trees.
    Trees,
}

/// Train a model on the training part of a data set.
///
/// Without a recipe: natural training with good defaults, of a network unless --family says trees
/// (networks 64-64, 50 trees of depth 6).
/// Validation rows decide when a network stops; test rows are only used to print what was reached.
/// OUT.training says what the model was trained with, for --resume.
///
/// With --hold the model is trained to hold one or more specs: about labels or posteriors near rows
/// (`local-invariance`, `label`) by robust boosting or a certified loss; about directions (`monotonicity`) by
/// construction; about two points (`small-neighborhood`, `boundary-fuzz`; `stability`, `high-confidence`, `redundancy` for
/// ensembles alone; `lipschitzness`, `lipschitzness-t`, `local-invariance-t` for networks alone). Of an ensemble, leaf
/// values are moved until nothing is refuted, or the score is made smaller, which costs confidence instead of labels and
/// is told by the log-loss; a network is trained at pairs that break the claim. It stands beside the natural model:
/// accuracy, F1, log-loss, and what the kernel decided of each spec, on validation rows, by which a model is chosen,
/// and on test rows, which choose nothing. Without --price the usual training is taken, whatever it costs; with
/// --price several are tried, and the natural model is kept if none proves more at that price.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").args(["family", "recipe"]),
    after_help = "Examples:\n  propcert train --data spambase --out mlp.json\n  propcert train --data spambase --family trees --out trees.json\n  propcert train --data spambase --recipe recipes/monotone-trees.toml --out trees.json\n  propcert train --data spambase --hold specs/local-invariance-0.05.toml --price 0.01 --out held.json"
)]
pub(crate) struct Arguments {
    /// The data: a name, a folder or a CSV.
    #[arg(long)]
    data: String,
    /// Which family, with default settings [default: mlp, without a recipe].
    #[arg(long)]
    family: Option<FamilyArgument>,
    /// A recipe (TOML).
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// A spec (TOML) that the model is trained to hold; may be given several times.
    #[arg(long, value_name = "SPEC", conflicts_with = "recipe")]
    hold: Vec<PathBuf>,
    /// The share of validation accuracy that holding may cost, for instance 0.01 [default: any].
    #[arg(long, value_name = "SHARE", requires = "hold")]
    price: Option<f64>,
    /// First rows of the validation and of the test part on which specs are certified.
    #[arg(long, value_name = "N", requires = "hold", default_value_t = HoldOptions::default().rows)]
    rows: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Keep a finished model that is already there, and go on with a network where an interrupted run kept its state
    /// (OUT.partial, every 5 epochs), to the same bytes; one of other data, another recipe or seed is refused.
    #[arg(long)]
    resume: bool,
    /// Where the model goes, beside the record of its training; - is standard output, without that record.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// The figures as JSON.
    #[arg(long)]
    json: bool,
}

/// Epochs between two states that are kept.
const EPOCHS: usize = 5;

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    interrupt::listen();
    expect_place(arguments)?;
    let data = read_whole(&arguments.data)?;
    // a fault of the data is found before the recipe is read, so that it is not blamed on the recipe
    dataset::schema(&data)?;
    if !arguments.hold.is_empty() {
        return run_hold(arguments, &data);
    }
    if is_standard_output(&arguments.out) {
        return run_to_output(arguments, &data);
    }
    let recipe = recipe(arguments)?;
    let record = Record::new(&data, &recipe, arguments.seed);
    let model = match finished(arguments, &record)? {
        Some(model) => model,
        None => {
            let from = if arguments.resume { record.state_at(&arguments.out)? } else { None };
            let keeping = KeptTraining { record: &record, out: &arguments.out, from };
            let trained = fit(&data, &recipe, arguments.seed, Some(keeping));
            let model = about_recipe(arguments, trained)?;
            record.write(&arguments.out, &model)?;
            write_whole(&arguments.out, model.to_json().as_bytes())?;
            remove_state(&arguments.out)?;
            model
        }
    };
    let shares = Part::ALL.map(|part| (part.name(), PartFigures::of(&model, data.part(part))));
    files::print(&summary(&model, &shares, arguments.json))?;
    Ok(Ending::AsStated)
}

/// Trains a model and prints it; the figures go to standard error. Nothing is kept beside it.
fn run_to_output(arguments: &Arguments, data: &DataSet) -> Result<Ending, Refusal> {
    tell!("propcert: note: {LEFT_OUT}");
    let model = about_recipe(arguments, fit(data, &recipe(arguments)?, arguments.seed, None))?;
    files::print_bytes(model.to_json().as_bytes())?;
    let shares = Part::ALL.map(|part| (part.name(), PartFigures::of(&model, data.part(part))));
    tell!("{}", summary(&model, &shares, arguments.json).trim_end());
    Ok(Ending::AsStated)
}

/// Said where a model goes to standard output.
const LEFT_OUT: &str = "standard output has room for the model alone: the record of its training, which --resume and \
                        `audit` look for beside a file, is left out";

/// A fault of the training, with the recipe that it is about.
fn about_recipe<T>(arguments: &Arguments, trained: Result<T, Refusal>) -> Result<T, Refusal> {
    match &arguments.recipe {
        Some(path) => trained.map_err(Refusal::about(path)),
        None => trained,
    }
}

/// Trains a model to hold specs.
fn run_hold(arguments: &Arguments, data: &DataSet) -> Result<Ending, Refusal> {
    let specs = arguments.hold.iter().map(|path| NamedSpec::read(path));
    let specs: Vec<NamedSpec> = specs.collect::<Result<_, _>>()?;
    let options = HoldOptions {
        family: arguments.family.map(|family| match family {
            FamilyArgument::Mlp => HoldFamily::Mlp,
            FamilyArgument::Trees => HoldFamily::Trees,
        }),
        price: arguments.price,
        rows: arguments.rows,
        seed: arguments.seed,
        ..HoldOptions::default()
    };
    let digests: Vec<_> = specs.iter().map(|named| named.spec().digest).collect();
    let record = Record::of(data, format!("hold {digests:?} {options:?}"), arguments.seed);
    if finished(arguments, &record)?.is_some() {
        return Ok(Ending::AsStated);
    }
    let held = hold::train(data, &specs, &options)?;
    if is_standard_output(&arguments.out) {
        tell!("propcert: note: {LEFT_OUT}");
        files::print_bytes(held.model.to_json().as_bytes())?;
        tell!("{}", hold::summary(&held, &specs, &options, arguments.json).trim_end());
        return Ok(Ending::AsStated);
    }
    record.write(&arguments.out, &held.model)?;
    write_whole(&arguments.out, held.model.to_json().as_bytes())?;
    files::print(&hold::summary(&held, &specs, &options, arguments.json))?;
    Ok(Ending::AsStated)
}

/// Checks, before the work, the places of the model and its record.
fn expect_place(arguments: &Arguments) -> Result<(), Refusal> {
    let Arguments { out, force, .. } = arguments;
    if is_standard_output(out) {
        if arguments.resume {
            let text =
                "keeps nothing that --resume could continue; name a file, or leave out --resume";
            return Err(Refusal::new(format!("--out {}: {text}", out.display())));
        }
        return Ok(());
    }
    let mut inputs = Inputs::default()
        .file("--recipe", arguments.recipe.as_ref())
        .data("--data", Some(&arguments.data));
    for spec in &arguments.hold {
        inputs = inputs.file("--hold", Some(spec));
    }
    let (record, partial) = (record_name(out), partial_name(out));
    inputs.expect_apart(out)?;
    inputs.expect_apart(&record)?;
    inputs.expect_apart(&partial)?;
    files::expect_folder("--out", out)?;
    files::expect_plain(&record)?;
    files::expect_plain(&partial)?;
    expect_own(out, FileKind::Model, *force)?;
    expect_own(&record, FileKind::Record, *force)
}

/// The recipe by which the model is trained.
fn recipe(arguments: &Arguments) -> Result<Recipe, Refusal> {
    match (&arguments.recipe, arguments.family) {
        (Some(path), _) => Recipe::open(path).map_err(Refusal::from).map_err(Refusal::about(path)),
        (None, Some(FamilyArgument::Trees)) => Ok(Recipe::trees()),
        (None, _) => Ok(Recipe::mlp()),
    }
}

/// The model of an earlier run with the same data, recipe and seed. Files appear whole, so a file that is
/// there is finished.
fn finished(arguments: &Arguments, record: &Record) -> Result<Option<Model>, Refusal> {
    let out = &arguments.out;
    if !arguments.resume || !out.exists() {
        return Ok(None);
    }
    let (model, digest) = read_model(out)?;
    record.expect_at(out, digest)?;
    tell!(
        "propcert: {} is there and whole, of the same data, recipe and seed: kept",
        out.display()
    );
    Ok(Some(model))
}

/// The figures on validation rows after a step; those of rows that may move are sampled and bounds in floats.
fn validation(step: &Progress) -> String {
    let accuracy = step.validation_accuracy.map(|it| format!("validation {it:.4}"));
    let holding = step.validation_holding.map(|[attacked, bounded]| {
        format!(", holding {attacked:.4} attacked, {bounded:.4} bounded")
    });
    let claims = step.validation_claims.map(|share| format!(", claims {share:.4} attacked"));
    accuracy.unwrap_or_default() + &holding.unwrap_or_default() + &claims.unwrap_or_default()
}

/// The states that a training keeps.
struct KeptTraining<'a> {
    record: &'a Record,
    out: &'a Path,
    /// The state of an interrupted training.
    from: Option<String>,
}

/// Trains with a progress bar; states of the training are kept if a place is given.
fn fit(
    data: &DataSet,
    recipe: &Recipe,
    seed: u64,
    keeping: Option<KeptTraining>,
) -> Result<Model, Refusal> {
    let schema = dataset::schema(data)?;
    let progress = bar("train", 0);
    // Ctrl-C says how much of a training is kept, once anything is
    let (steps, run) = (Cell::new((0, 0)), OnceCell::new());
    let begin = || KeptRun::counting(" steps");
    let mut keep = |state: &str| {
        let Some(KeptTraining { record, out, .. }) = &keeping else { return Ok(()) };
        record.keep(out, state)?;
        let (done, all) = steps.get();
        run.get_or_init(begin).note(done, all);
        Ok(())
    };
    let mut checkpoints = keeping.as_ref().map(|KeptTraining { from, .. }| {
        if from.is_some() {
            let _ = run.set(begin());
        }
        Checkpoints { from: from.clone(), every: EPOCHS, keep: &mut keep }
    });
    let mut watch = |step: Progress| {
        steps.set((step.done, step.total));
        progress.set_length(step.total);
        progress.set_position(step.done);
        progress.set_message(validation(&step));
    };
    let fit = Fit::of(data, &schema, seed);
    let model = recipe.fit_kept(&fit, checkpoints.as_mut(), &mut watch)?;
    progress.finish_and_clear();
    Ok(model)
}

/// The rows of a part that a model gets right, and those of the largest class.
struct PartFigures {
    correct: Share,
    largest: Share,
}

impl PartFigures {
    fn of(model: &Model, rows: &[Row]) -> Self {
        let count = |is_counted: &dyn Fn(&Row) -> bool| {
            rows.iter().filter(|row| is_counted(row)).count() as u64
        };
        let of_class = |class: usize| count(&|row| row.label == class);
        let of = rows.len() as u64;
        Self {
            correct: Share::new(count(&|row| model.label(&row.values) == row.label), of),
            largest: Share::new((0..model.classes).map(of_class).max().unwrap_or(0), of),
        }
    }
}

fn summary(model: &Model, shares: &[(&str, PartFigures)], as_json: bool) -> String {
    if as_json {
        let parts: serde_json::Map<_, _> = shares
            .iter()
            .map(|(part, PartFigures { correct, largest })| {
                let Share { count, of } = *correct;
                let figures = serde_json::json!({
                    "correct": count, "rows": of, "largest-class": largest.count,
                });
                ((*part).to_owned(), figures)
            })
            .collect();
        return format!(
            "{}\n",
            serde_json::json!({ "family": model.family_name(), "accuracy": parts })
        );
    }
    let mut text = format!("{} with {} features\n", model.family_name(), model.schema.len());
    for (part, PartFigures { correct, largest }) in shares {
        let figure = match (correct.counted(), largest.nearest()) {
            (Some(correct), Some(largest)) => {
                format!("{correct} correct; the largest class has {largest}")
            }
            _ => "no rows".to_owned(),
        };
        text.push_str(&format!("{part:>10}: {figure}\n"));
    }
    text
}
