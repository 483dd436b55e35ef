//! `propcert steal`: attacks on a target, with figures that can be paired.

use std::path::PathBuf;

use crate::certificate::Proved;
use crate::model::{Digest, Part};
use crate::oracle::{Oracle, Response};
use crate::steal::{
    AttackSpec, CertifiedLabels, Classifier, Evaluation, Figures, Knowledge, Repetition, Scene,
    SeedRows, ValidBox, run as repeat,
};
use crate::store::Store;
use crate::study::Manifest;

use super::about::About;
use super::inputs::Inputs;
use super::output::{Force, Leaves, ResultFolder};
use super::subject::{ordered_as, read_classifier, read_defense, read_whole};
use super::{Ending, Refusal, files};

/// Steal a model by queries and measure what was reached.
///
/// Each repetition runs the attack, the same attack with every label paid, and that again with as
/// many gradient steps (left out where one run saw a single class and took none).
///
/// Every certificate of the manifest that is about the target behind this very defense, or behind none,
/// is given to the attacker, whatever rows it was made for; all are checked again before use. So the
/// manifest decides what the attacker knows: in the demo, boxes around the attacker's own points
/// (`D:auxiliary`) and monotone order. A label is inferred in a proved box only after one paid query
/// there.
///
/// DIR gets metrics.json (with what it is about, and the number of certified boxes and monotone features
/// given), metrics.csv, and transcript and substitute of the first repetition. It is filled in DIR.partial
/// and takes the place of an earlier theft, or of nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert steal --target trees.json --attack attacks/masked-thief.toml --data spambase \\\n    --budget 200 --seeds 50 --seed 1 --repetitions 5 --certificates demo-out/manifest.json --out stolen"
)]
pub(crate) struct Arguments {
    /// The target (model/1).
    #[arg(long)]
    target: PathBuf,
    /// The attack (TOML).
    #[arg(long)]
    attack: PathBuf,
    /// The data: seeds come from its auxiliary (X) or training (P) rows, figures from its test rows.
    #[arg(long)]
    data: String,
    /// Queries in all, seeds included [default: the attack's].
    #[arg(long)]
    budget: Option<usize>,
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
    #[arg(long)]
    certificates: Option<PathBuf>,
    /// A defense in front of the target (defense/1).
    #[arg(long)]
    defense: Option<PathBuf>,
    /// The folder for everything that is made.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// Print the metrics as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    if !(1..=10_000).contains(&arguments.repetitions) {
        let text =
            format!("--repetitions {}: expected at least 1, at most 10000", arguments.repetitions);
        return Err(Refusal::new(text));
    }
    let place = place(arguments)?;
    let (model, digest) = read_classifier(&arguments.target)?;
    let data = ordered_as(read_whole(&arguments.data)?, &model)?;
    let attack = attack(arguments)?;
    if attack.response != Response::Label && !model.has_posterior() {
        return Err(Refusal::new(format!(
            "response `{}`: the target's link is `none`: its scores have no posterior; ask for labels",
            attack.response.name()
        )));
    }
    let defense = arguments.defense.as_deref().map(read_defense).transpose()?;
    if let Some((defense, _)) = &defense
        && defense.target != digest
    {
        return Err(Refusal::new("the defense was made for another model"));
    }
    if let Some((defense, _)) = &defense {
        defense.check_model(&model)?;
    }
    let proved = proofs(arguments, digest, defense.as_ref().map(|(_, digest)| *digest))?;
    let named = defense.as_ref().map(|(defense, digest)| (defense, *digest));
    let about = About::new((&arguments.target, digest), &data, named);
    let defense = defense.as_ref().map(|(defense, _)| defense);
    if proved.is_empty() && attack.inference == crate::steal::Inference::Certified {
        eprintln!("propcert: no certificates: no label can be inferred, every one is paid");
    }
    let valid = ValidBox::new(&model.schema);
    let (training, test) = (data.part(Part::Train), data.part(Part::Test));
    let evaluation = Evaluation::new(&model, training, test, &valid, 1000, arguments.seed)?;
    let pool = match attack.seeds {
        SeedRows::P => training,
        SeedRows::X | SeedRows::Nothing => data.part(Part::Auxiliary),
    };
    expect_seeds(arguments, &attack, pool.len())?;
    let scene = Scene {
        evaluation: &evaluation,
        defense,
        pool,
        valid: &valid,
        proved: &proved,
        proofs_about: defense,
    };
    let repetitions = repeat(&scene, &attack, arguments.repetitions, arguments.seed)?;
    let draft = place.begin(false)?;
    let store = draft.store()?;
    let labels = CertifiedLabels::new(&proved, model.classes);
    let metrics = serde_json::json!({
        "verb": "steal", "about": about, "seed": arguments.seed, "budget": attack.queries,
        "certified": {
            "boxes": labels.patches(), "monotone-features": labels.monotone_features().len(),
        },
        "attack": toml::from_str::<serde_json::Value>(&attack.to_toml())?,
        "repetitions": repetitions,
    });
    store.write("metrics.json", format!("{metrics:#}\n").as_bytes())?;
    store.write("metrics.csv", &table(&repetitions)?)?;
    keep_first(&scene, &attack, arguments.seed, &store)?;
    draft.finish()?;
    let text =
        if arguments.json { format!("{metrics}\n") } else { about.line() + &summary(&repetitions) };
    files::print(&text)?;
    Ok(Ending::AsStated)
}

/// The result folder DIR. An input is refused if it lies where one of the folder's files goes.
fn place(arguments: &Arguments) -> Result<ResultFolder, Refusal> {
    let inputs = Inputs::default()
        .file("--target", Some(&arguments.target))
        .file("--attack", Some(&arguments.attack))
        .file("--certificates", arguments.certificates.as_ref())
        .file("--defense", arguments.defense.as_ref())
        .data("--data", Some(&arguments.data));
    let made = ["metrics.json", "metrics.csv", "transcript.jsonl", "substitute.json"];
    made.iter().try_for_each(|name| inputs.expect_apart(&arguments.out.join(name)))?;
    ResultFolder::new(&arguments.out, Leaves::Steal, &inputs, arguments.force)
}

/// Checks that there are as many rows as seeds. If the command line asks for more, that is refused; if the attack's
/// file asks for more, a message says so.
fn expect_seeds(arguments: &Arguments, attack: &AttackSpec, found: usize) -> Result<(), Refusal> {
    let asked = attack.seed_rows;
    if asked <= found {
        return Ok(());
    }
    let part = if attack.seeds == SeedRows::P { "train" } else { "auxiliary" };
    if arguments.seeds.is_some() || found == 0 {
        return Err(Refusal::new(format!(
            "--seeds {asked}: part {part} of {} has {found} rows to start from",
            arguments.data
        )));
    }
    eprintln!("propcert: {asked} seed rows are asked for, part {part} has {found}: all are used");
    Ok(())
}

/// The attack of the file, with the numbers of the command line.
fn attack(arguments: &Arguments) -> Result<AttackSpec, Refusal> {
    let bytes = files::read_settings(&arguments.attack)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(Refusal::from)
        .map_err(Refusal::about(&arguments.attack))?;
    let mut table: toml::Table =
        toml::from_str(text).map_err(Refusal::from).map_err(Refusal::about(&arguments.attack))?;
    let number = |value: usize| toml::Value::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    if let Some(budget) = arguments.budget {
        table.insert("queries".to_owned(), number(budget));
    }
    let has_seeds = table.get("seeds").is_none_or(|seeds| seeds.as_str() != Some("none"))
        && table.get("attack").is_none_or(|attack| attack.as_str() != Some("random"));
    if arguments.seeds.is_some() && !has_seeds {
        eprintln!("propcert: --seeds is left out: this attack starts from no rows");
    }
    if let Some(seeds) = arguments.seeds.filter(|_| has_seeds) {
        table.insert("seed-rows".to_owned(), number(seeds));
    }
    let text = toml::to_string(&table)?;
    AttackSpec::read(text.as_bytes())
        .map_err(Refusal::from)
        .map_err(Refusal::about(&arguments.attack))
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
            eprintln!("propcert: {path}: {count} of {all} certificates are about {what}: not used");
        }
    }
    let proved: Vec<Proved> = fitting.into_iter().flat_map(|entry| entry.proved).collect();
    if proved.is_empty() {
        eprintln!("propcert: {}: nothing is proved of this target", path.display());
    }
    Ok(proved)
}

/// Writes transcript and substitute of the first repetition, which is made again from its seed.
fn keep_first(scene: &Scene, attack: &AttackSpec, seed: u64, store: &Store) -> Result<(), Refusal> {
    let target = scene.evaluation.target();
    let seeds = scene.seed_rows(attack, seed);
    let known: Knowledge = scene.knowledge(&seeds);
    let mut oracle = Oracle::new(target, scene.defense, attack.response, attack.queries, seed);
    let substitute = attack.attack().steal(&mut oracle, &known, seed)?;
    store.write("transcript.jsonl", oracle.transcript_json_lines().as_bytes())?;
    if let Classifier::Model(model) = &substitute.classifier {
        store.write("substitute.json", model.to_json().as_bytes())?;
    }
    Ok(())
}

fn table(repetitions: &[Repetition]) -> Result<Vec<u8>, Refusal> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "seed",
        "run",
        "queries",
        "labelled",
        "inferred",
        "wrong",
        "duplicates",
        "steps",
        "agreement_heldout",
        "agreement_uniform",
        "agreement_boundary",
        "mse",
        "f1",
    ])?;
    for repetition in repetitions {
        let runs = [
            ("attack", Some(repetition.attack)),
            ("without-inference", Some(repetition.without_inference)),
            ("same-steps", repetition.same_steps),
        ];
        for (name, figures) in runs.into_iter().filter_map(|(name, run)| Some((name, run?))) {
            let scores = figures.scores;
            let boundary = scores.agreement.boundary.map_or(String::new(), |b| b.to_string());
            writer.write_record([
                repetition.seed.to_string(),
                name.to_owned(),
                figures.queries.to_string(),
                figures.labelled.to_string(),
                figures.inferred.to_string(),
                figures.wrong.to_string(),
                figures.duplicates.to_string(),
                figures.steps.to_string(),
                scores.agreement.held_out.to_string(),
                scores.agreement.uniform.to_string(),
                boundary,
                scores.mse.to_string(),
                scores.f1.to_string(),
            ])?;
        }
    }
    writer.into_inner().map_err(|error| Refusal::new(error.to_string()))
}

fn summary(repetitions: &[Repetition]) -> String {
    let mut text = String::new();
    for repetition in repetitions {
        let figures = &repetition.attack;
        text.push_str(&format!(
            "seed {}: asked {} inferred {} wrong {} agreement {:.4}{} mse {:.4} f1 {:.4}\n",
            repetition.seed,
            figures.queries,
            figures.inferred,
            figures.wrong,
            figures.scores.agreement.held_out,
            compared(repetition),
            figures.scores.mse,
            figures.scores.f1,
        ));
    }
    text
}

/// The agreement of the runs that an attack is paired with, where they differ from it. Without inferred labels none
/// differs, and boosting takes no gradient steps that could be held equal.
fn compared(repetition: &Repetition) -> String {
    let Repetition { attack, without_inference: paid, same_steps, .. } = repetition;
    let held_out = |figures: &Figures| figures.scores.agreement.held_out;
    match (attack.inferred, same_steps) {
        (0, _) => String::new(),
        (_, Some(same_steps)) if same_steps != paid => format!(
            " (every label paid {:.4}, equal steps {:.4})",
            held_out(paid),
            held_out(same_steps)
        ),
        _ => format!(" (every label paid {:.4})", held_out(paid)),
    }
}
