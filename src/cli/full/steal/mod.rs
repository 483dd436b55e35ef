//! `propcert steal`: attacks on a target, with figures that can be paired.

mod extras;
mod outside;
mod progress;
mod replay;
mod sweep;
mod tables;

use std::path::{Path, PathBuf};

use crate::certificate::Proved;
use crate::dataset::ValidBox;
use crate::defense::Defense;
use crate::model::{DataSet, Digest, Part};
use crate::oracle::{Answering, Oracle, Response};
use crate::steal::{
    AttackName, AttackNumbers, AttackSpec, CertifiedLabels, Classifier, Evaluation, Inference,
    Knowledge, Repetition, Scene, SeedRows, Substitute,
};
use crate::store::Store;
use crate::study::Manifest;

use super::about::About;
use super::inputs::Inputs;
use super::interrupt::KeptRun;
use super::output::{Force, Leaves, ResultFolder};
use super::subject::{ordered_as, read_answering, read_classifier, read_whole};
use super::{Ending, Refusal, files};

/// Steal a model by queries and measure what was reached.
///
/// Each repetition runs the attack, the same attack with every label paid, that again with as
/// many gradient steps (left out where one run saw a single class and took none), and the attack with true labels
/// where it inferred some (the ceiling).
///
/// The target is a model, or with --target-exec a command of yours: it gets rows as CSV lines (numbers in the order of
/// the data's features) on its standard input, and answers each with a line, a label or one posterior per class
/// separated by commas. It is started once and asked one row, then batches; each must be answered within --time-limit.
/// Beside the budget it is asked for what the substitute is measured on. With --resume nothing is asked twice; a command
/// that writes more lines than it is asked for loses all its answers, which may be those of other rows.
///
/// Every certificate of the manifest that is about the target behind this very defense, or behind none,
/// is given to the attacker, whatever rows it was made for; all are checked again before use. So the
/// manifest decides what the attacker knows: in the demo, boxes around the attacker's own points
/// (`D:auxiliary`) and monotone order. A label is inferred in a proved box only after one paid query
/// there.
///
/// DIR gets metrics.json (with what it is about, and the number of certified boxes and monotone features
/// given), metrics.csv, and transcript and substitute of the first repetition. It is filled in DIR.partial
/// and takes the place of an earlier theft, or of nothing; an interrupted run goes on with --resume. --replay DIR
/// checks that the answers of a transcript are those of the target; exit code 1 if not. Several targets or budgets are
/// stolen one after the other into DIR/TARGET-BUDGET, and DIR/table.csv has the mean of each with its 95% interval. --print-defaults prints every
/// setting of --attack, or of all attacks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert steal --target trees.json --attack attacks/masked-thief.toml --data spambase \\\n    --budget 200 --seeds 50 --seed 1 --repetitions 5 --certificates demo-out/manifest.json --out stolen"
)]
pub(crate) struct Arguments {
    /// The target (model/1); several make a table.
    #[arg(long, alias = "model", required_unless_present_any = ["print_defaults", "target_exec"], num_args = 1..)]
    target: Vec<PathBuf>,
    /// A target outside: a command that answers rows.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["target", "certificates", "defense", "replay"])]
    target_exec: Option<String>,
    /// Seconds in which a batch of at most 1000 rows must be answered.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    time_limit: u64,
    /// The attack (TOML).
    #[arg(long, required_unless_present_any = ["print_defaults", "replay"])]
    attack: Option<PathBuf>,
    /// The data: seeds come from its auxiliary (X) or training (P) rows, figures from its test rows.
    #[arg(long, required_unless_present_any = ["print_defaults", "replay"])]
    data: Option<String>,
    /// Queries in all, seeds included [default: the attack's]; several, separated by commas, make a table.
    #[arg(long, value_delimiter = ',')]
    budget: Vec<usize>,
    /// Seed rows [default: the attack's].
    #[arg(long)]
    seeds: Option<usize>,
    /// Seed of everything random; repetition k takes seed + k.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How often.
    #[arg(long, default_value_t = 1)]
    repetitions: usize,
    /// A manifest; its certificates about the target behind the defense given, if any, are used.
    #[arg(long, alias = "manifest")]
    certificates: Option<PathBuf>,
    /// A defense in front of the target (defense/1).
    #[arg(long)]
    defense: Option<PathBuf>,
    /// The folder for everything that is made.
    #[arg(long, required_unless_present_any = ["print_defaults", "replay"])]
    out: Option<PathBuf>,
    /// Also the angles between gradients on N test rows and on N points that the first repetition made.
    #[arg(long, value_name = "N")]
    angles: Option<usize>,
    /// Also the fewest queries that settle this share of test rows (at most 200, at equal steps), with the certificates.
    #[arg(long, value_name = "SHARE")]
    settle: Option<f64>,
    /// Continue an interrupted run of the same inputs.
    #[arg(long)]
    resume: bool,
    /// Check the transcript in this folder against the target.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["attack", "data", "out", "certificates"])]
    replay: Option<PathBuf>,
    /// Print every setting with its value.
    #[arg(long)]
    print_defaults: bool,
    #[command(flatten)]
    force: Force,
    /// Print the metrics as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    if arguments.print_defaults {
        return print_defaults(arguments);
    }
    if let (Some(folder), [target]) = (&arguments.replay, arguments.target.as_slice()) {
        return replay::run(folder, target, arguments.defense.as_deref(), arguments.json);
    }
    if arguments.replay.is_some() {
        return Err(Refusal::new("--replay: a transcript is of one model; give one --target"));
    }
    let missing = |what: &str| Refusal::new(format!("{what} is missing"));
    let data = arguments.data.as_deref().ok_or_else(|| missing("--data"))?;
    let out = arguments.out.as_deref().ok_or_else(|| missing("--out"))?;
    if !(1..=10_000).contains(&arguments.repetitions) {
        let text =
            format!("--repetitions {}: expected at least 1, at most 10000", arguments.repetitions);
        return Err(Refusal::new(text));
    }
    let budget = match arguments.budget.as_slice() {
        [] => None,
        [budget] => Some(*budget),
        _ if arguments.target_exec.is_some() => {
            let text = "--budget: a command is asked with one budget; give one, or a --target";
            return Err(Refusal::new(text));
        }
        _ => return sweep::run(arguments, data, out),
    };
    let theft = |target| TheftCall { arguments, out, data, target, budget };
    let outcome = match (arguments.target.as_slice(), &arguments.target_exec) {
        ([target], _) => theft(Some(target.as_path())).of_model(target)?,
        ([], Some(command)) => theft(None).of_command(command)?,
        ([], None) => return Err(missing("--target or --target-exec")),
        _ => return sweep::run(arguments, data, out),
    };
    files::print(&outcome.text)?;
    Ok(Ending::AsStated)
}

/// Every setting of the attack given, or of all attacks with their defaults.
fn print_defaults(arguments: &Arguments) -> Result<Ending, Refusal> {
    let text = match &arguments.attack {
        Some(_) => attack(arguments, arguments.budget.first().copied())?.to_toml(),
        None => {
            let all = AttackName::ALL.map(AttackSpec::default_toml);
            all.join("\n# ---\n\n")
        }
    };
    files::print(&text)?;
    Ok(Ending::AsStated)
}

/// The call of one theft.
struct TheftCall<'a> {
    arguments: &'a Arguments,
    out: &'a Path,
    data: &'a str,
    /// The model; `None` for a command.
    target: Option<&'a Path>,
    /// Queries in all, in place of those of the attack.
    budget: Option<usize>,
}

/// The outcome of one theft.
struct TheftOutcome {
    /// The figures, as they are printed.
    text: String,
    repetitions: Vec<Repetition>,
}

/// The things that a theft is about.
struct Stage<'a> {
    data: &'a DataSet,
    attack: &'a AttackSpec,
    defense: Option<&'a Defense>,
    proved: &'a [Proved],
    about: &'a About,
}

impl TheftCall<'_> {
    fn of_model(&self, target: &Path) -> Result<TheftOutcome, Refusal> {
        let place = self.place()?;
        let (model, digest) = read_classifier(target)?;
        let data = ordered_as(read_whole(self.data)?, &model)?;
        let attack = attack(self.arguments, self.budget)?;
        if attack.response != Response::Label && !model.has_posterior() {
            return Err(Refusal::new(format!(
                "response `{}`: the target's link is `none`: its scores have no posterior; ask for labels",
                attack.response.name()
            )));
        }
        let defense = self.arguments.defense.as_deref().map(read_answering).transpose()?;
        if let Some((defense, _)) = &defense
            && defense.target != digest
        {
            return Err(Refusal::new(format!(
                "--defense: it was made for another model: it names {:.12}, `{}` is {digest:.12}",
                defense.target,
                target.display()
            )));
        }
        if let Some((defense, _)) = &defense {
            defense.check_model(&model)?;
            if defense.randomised().is_some() && attack.response == Response::Posterior {
                let text = "response `posterior`: behind boundary randomised response answers are labels; ask for labels";
                return Err(Refusal::new(text));
            }
        }
        let behind = defense.as_ref().map(|(_, digest)| *digest);
        let proved = proofs(self.arguments, digest, behind)?;
        let named = defense.as_ref().map(|(defense, digest)| (defense, *digest));
        let about = &About::new((target, digest), &data, named);
        if proved.is_empty() && attack.inference == Inference::Certified {
            tell!("propcert: no certificates: no label can be inferred, every one is paid");
        }
        let defense = defense.as_ref().map(|(defense, _)| defense);
        let stage = Stage { data: &data, attack: &attack, defense, proved: &proved, about };
        let log = progress::KeptRuns::open(self, &stage)?;
        let ending = self.steal(place, Answering::Model(&model, None), &stage, &log);
        ending.inspect_err(|_| log.remove())
    }

    fn of_command(&self, command: &str) -> Result<TheftOutcome, Refusal> {
        let place = self.place()?;
        let data = read_whole(self.data)?;
        let attack = attack(self.arguments, self.budget)?;
        let about = &About::new((Path::new(command), Digest::of(command.as_bytes())), &data, None);
        let stage = Stage { data: &data, attack: &attack, defense: None, proved: &[], about };
        let log = progress::KeptRuns::open(self, &stage)?;
        let ending = log.answers().map_or_else(
            || Err(Refusal::new("the answers of the command have no log")),
            |answers| {
                let target = outside::target(self, command, &data, (answers, attack.response))?;
                self.steal(place, Answering::Outside(&target), &stage, &log)
            },
        );
        ending.inspect_err(|_| log.remove_unless_answered())
    }

    /// Attacks the target and writes what came of it.
    fn steal(
        &self,
        place: ResultFolder,
        target: Answering,
        stage: &Stage,
        log: &progress::KeptRuns,
    ) -> Result<TheftOutcome, Refusal> {
        let Stage { data, attack, defense, proved, about } = *stage;
        let arguments = self.arguments;
        extras::expect(arguments.angles, arguments.settle, target)?;
        let valid = ValidBox::new(target.schema());
        let (training, test) = (data.part(Part::Train), data.part(Part::Test));
        let pool = match attack.seeds {
            SeedRows::P => training,
            SeedRows::X | SeedRows::Nothing => data.part(Part::Auxiliary),
        };
        self.expect_seeds(attack, pool.len())?;
        let seeds = &pool[..attack.seed_rows.min(pool.len())];
        attack.attack().expect(
            &Oracle::open(target.behind(defense), attack.response, attack.queries, 0),
            &Knowledge {
                schema: target.schema(),
                classes: target.classes(),
                family: target.family_name(),
                valid: &valid,
                seeds,
                proved,
                proofs_about: defense,
                defense,
            },
        )?;
        let evaluation = Evaluation::of(target, training, test, &valid, 1000, arguments.seed)?;
        let scene = Scene {
            evaluation: &evaluation,
            defense,
            pool,
            valid: &valid,
            proved,
            proofs_about: defense,
        };
        let run = KeptRun::counting(" repetitions");
        let repetitions = progress::repeat(&scene, attack, arguments, (log, &run))?;
        let draft = place.begin(false)?;
        let store = draft.store()?;
        let labels = CertifiedLabels::new(proved, target.classes());
        let mut metrics = serde_json::json!({
            "verb": "steal", "about": about, "seed": arguments.seed, "budget": attack.queries,
            "certified": {
                "boxes": labels.patches(), "monotone-features": labels.monotone_features().len(),
            },
            "guarantee": attack.inference.guarantee(),
            "attack": toml::from_str::<serde_json::Value>(&attack.to_toml())?,
            "repetitions": repetitions,
        });
        // that of the first repetition, if it was chosen among several
        let chosen = repetitions.first().and_then(|first| first.chosen);
        let attack = &chosen.map_or(attack.clone(), |chosen| attack.with_length(chosen.value));
        let first = keep_first(&scene, attack, arguments.seed, &store)?;
        if let Some(count) = arguments.angles {
            metrics["angles"] = extras::angles(&scene, attack, &first, (test, count))?;
        }
        if let Some(share) = arguments.settle {
            metrics["fewest"] = extras::fewest(target, test, proved, share)?;
        }
        store.write("metrics.json", format!("{metrics:#}\n").as_bytes())?;
        store.write("metrics.csv", tables::table(&repetitions).as_bytes())?;
        draft.finish()?;
        log.remove();
        let text = if arguments.json {
            format!("{metrics}\n")
        } else {
            let summary = tables::summary(&repetitions, attack.inference.guarantee());
            about.line() + &summary + &sweep::means(&repetitions)? + &extras::words(&metrics)
        };
        Ok(TheftOutcome { text, repetitions })
    }

    /// The result folder DIR. An input is refused if it lies where one of the folder's files goes.
    fn place(&self) -> Result<ResultFolder, Refusal> {
        let arguments = self.arguments;
        let inputs = Inputs::default()
            .file("--target", self.target.map(Path::to_owned).as_ref())
            .file("--attack", arguments.attack.as_ref())
            .file("--certificates", arguments.certificates.as_ref())
            .file("--defense", arguments.defense.as_ref())
            .data("--data", Some(self.data));
        let made = ["metrics.json", "metrics.csv", "transcript.jsonl", "substitute.json"];
        made.iter().try_for_each(|name| inputs.expect_apart(&self.out.join(name)))?;
        ResultFolder::new(self.out, Leaves::Steal, &inputs, arguments.force)
    }

    /// Checks that there are as many rows as seeds. If the command line asks for more, that is refused; if the attack's
    /// file asks for more, a message says so.
    fn expect_seeds(&self, attack: &AttackSpec, found: usize) -> Result<(), Refusal> {
        let asked = attack.seed_rows;
        if asked <= found {
            return Ok(());
        }
        let part = if attack.seeds == SeedRows::P { "train" } else { "auxiliary" };
        if self.arguments.seeds.is_some() || found == 0 {
            return Err(Refusal::new(format!(
                "--seeds {asked}: part {part} of {} has {found} rows to start from",
                self.data
            )));
        }
        tell!("propcert: {asked} seed rows are asked for, part {part} has {found}: all are used");
        Ok(())
    }
}

/// The attack of the file, with the numbers of the command line.
fn attack(arguments: &Arguments, budget: Option<usize>) -> Result<AttackSpec, Refusal> {
    let path = arguments.attack.as_deref().ok_or_else(|| Refusal::new("--attack is missing"))?;
    let bytes = files::read_settings(path)?;
    let numbers = AttackNumbers { queries: budget, seed_rows: arguments.seeds };
    let attack = AttackSpec::read_with(&bytes, numbers)
        .map_err(Refusal::from)
        .map_err(Refusal::about(path))?;
    if arguments.seeds.is_some() && attack.seeds == SeedRows::Nothing {
        tell!("propcert: --seeds is left out: this attack starts from no rows");
    }
    Ok(attack)
}

/// The proofs of the manifest about this target behind exactly this defense, or behind none.
fn proofs(
    arguments: &Arguments,
    target: Digest,
    defense: Option<Digest>,
) -> Result<Vec<Proved>, Refusal> {
    let Some(path) = &arguments.certificates else {
        return Ok(Vec::new());
    };
    let (fitting, others): (Vec<_>, Vec<_>) =
        Manifest::load(path)?.into_iter().partition(|entry| entry.is_about(target, defense));
    let of_target = others.iter().filter(|other| other.model == target).count();
    for (count, what) in [
        (others.len() - of_target, "another target"),
        (of_target, "this target behind another defense, or none"),
    ] {
        if count > 0 {
            let (path, all) = (path.display(), fitting.len() + others.len());
            tell!("propcert: {path}: {count} of {all} certificates are about {what}: not used");
        }
    }
    // several targets may share a manifest that is about some of them
    let is_alone = arguments.target.len() == 1;
    if let (true, 0, 0, Some(other)) = (is_alone, fitting.len(), of_target, others.first()) {
        return Err(Refusal::new(format!(
            "{}: no certificate is about this target, {target:.12}; the first is about {:.12}",
            path.display(),
            other.model
        )));
    }
    let proved: Vec<Proved> = fitting.into_iter().flat_map(|entry| entry.proved).collect();
    if proved.is_empty() {
        tell!("propcert: {}: nothing is proved of this target", path.display());
    }
    Ok(proved)
}

/// Writes transcript and substitute of the first repetition, which is made again from its seed.
fn keep_first(
    scene: &Scene,
    attack: &AttackSpec,
    seed: u64,
    store: &Store,
) -> Result<Substitute, Refusal> {
    let seeds = scene.seed_rows(attack, seed);
    let known: Knowledge = scene.knowledge(&seeds);
    let mut oracle = scene.oracle(attack, seed);
    let substitute = attack.attack().steal(&mut oracle, &known, seed)?;
    store.write("transcript.jsonl", oracle.transcript_json_lines().as_bytes())?;
    if let Classifier::Model(model) = &substitute.classifier {
        store.write("substitute.json", model.to_json().as_bytes())?;
    }
    Ok(substitute)
}
