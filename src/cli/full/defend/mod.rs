//! `propcert defend`: chooses a defense and carries certificates through it.

mod sweep;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::certificate::Subject;
use crate::certify::{CertifyError, Options, Selection, Task};
use crate::dataset::ValidBox;
use crate::defend::{
    ChangedElsewhere, Choice, DecoyModel, DecoyOutliers, DefendError, DefenseKind, Effect,
    changed_elsewhere, choose, effect, given,
};
use crate::defense::{Defense, DefenseError};
use crate::model::{DataSet, Digest, Model, Part};
use crate::report::{Counts, Share};
use crate::spec::LowerError;
use crate::store::Store;
use crate::study::{BUDGET_NODES, Loaded, Manifest, ManifestEntry, StudyError, certify, data_from};

use super::about::About;
use super::inputs::Inputs;
use super::interrupt;
use super::output::{Draft, Force, Leaves, ResultFolder};
use super::subject::{data_seen_from, ordered_as, read_classifier, read_whole};
use super::{Ending, Refusal, files};

/// Choose a defense for a model and certify what is still proved through it.
///
/// pp is prediction poisoning of two classes, vp of any number, am adaptive misinformation with a mirroring decoy or one that
/// --decoy names, mixture a
/// mixture with even answers, rounding gives few digits, brr draws labels where no proof is found that all points near have
/// the same. The strength is the largest that costs at most one accuracy point on
/// the validation rows, or what --parameters say. For every certificate of the manifest about this model, the claim is
/// certified anew of the defended model. Where no strength costs so little, nothing is defended and the
/// certificates stay those of the model.
///
/// DIR gets defense.json and metrics.json, defense.decoy.json if there is a decoy model, and, with a manifest, model.json, manifest.json, specs and
/// certificates, so that each can be checked from inside DIR. It is filled in DIR.partial and takes the
/// place of an earlier defense, or of nothing. Several strengths --alpha go one after the other into DIR/alpha-A, and
/// DIR/table.csv has the cost of each and what is still proved.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert defend --model mlp.json --data spambase --defense pp \\\n    --certificates demo-out/manifest.json --out defended"
)]
pub(crate) struct Arguments {
    /// The model (model/1).
    #[arg(long, alias = "target")]
    model: PathBuf,
    /// The data: validation rows choose the strength, test rows measure it.
    #[arg(long)]
    data: String,
    /// The defense: pp, vp, am, mixture, rounding or brr.
    #[arg(long)]
    defense: String,
    /// Its parameters instead of a budget: alpha=0.2 for pp; tau=0.7,nu=1000,decoy=mirror for am; alpha=0.3 for mixture;
    /// digits=2 for rounding; shift=0.1,epsilon=1,cell=0.01,units=standardised,key=HEX for brr, or confidence=0.9 in place of
    /// shift, and seed=0 in place of key; alpha=0.2,vertex=gradient,seed=0 for vp, or budget=0.3,norm=l1 in place of alpha.
    #[arg(long, conflicts_with = "points")]
    parameters: Option<String>,
    /// The strength of pp, mixture or vp, in short for --parameters alpha=A; several, separated by commas, make a table.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["points", "parameters"])]
    alpha: Vec<String>,
    /// The model that am answers by where the target is unsure: a file (model/1), or `train` for one of the target's family and
    /// size that is trained on turned labels.
    #[arg(long, value_name = "M|train")]
    decoy: Option<String>,
    /// The points away from the data on which `--decoy train` learns to be wrong, as many as there are training rows: uniform on
    /// the valid box, shuffled (rows whose columns are permuted apart) or none.
    #[arg(long, value_enum, default_value_t)]
    outliers: OutliersArgument,
    /// Largest loss of validation accuracy, in percentage points.
    #[arg(
        long = "accuracy-points",
        alias = "points",
        default_value_t = 1.0,
        value_name = "POINTS"
    )]
    points: f64,
    /// A manifest of certificates about the model.
    #[arg(long, alias = "manifest")]
    certificates: Option<PathBuf>,
    /// Nodes of a case distinction per obligation.
    #[arg(long, alias = "budget", default_value_t = BUDGET_NODES, value_name = "B")]
    budget_nodes: u64,
    /// Seed of the attack's random starts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder for everything that is made.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    /// Print the metrics as JSON.
    #[arg(long)]
    json: bool,
}

/// The points on which a decoy is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutliersArgument {
    /// Training rows only.
    None,
    /// Uniform on the valid box.
    #[default]
    Uniform,
    /// Rows whose columns are permuted apart.
    Shuffled,
}

impl From<OutliersArgument> for DecoyOutliers {
    fn from(argument: OutliersArgument) -> Self {
        match argument {
            OutliersArgument::None => Self::None,
            OutliersArgument::Uniform => Self::Uniform,
            OutliersArgument::Shuffled => Self::Shuffled,
        }
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    interrupt::listen();
    let parameters = match arguments.alpha.as_slice() {
        [] => arguments.parameters.clone(),
        [alpha] => Some(format!("alpha={alpha}")),
        _ => return sweep::run(arguments),
    };
    let DefenseOutcome { text, metrics, .. } =
        DefenseCall { arguments, parameters, out: &arguments.out }.run()?;
    files::print(&if arguments.json { format!("{metrics}\n") } else { text })?;
    Ok(Ending::AsStated)
}

/// The call of one defense.
struct DefenseCall<'a> {
    arguments: &'a Arguments,
    /// Parameters in place of a budget.
    parameters: Option<String>,
    out: &'a Path,
}

/// The outcome of one defense.
struct DefenseOutcome {
    /// The figures in words.
    text: String,
    metrics: serde_json::Value,
    /// The effect on test rows.
    effect: Effect,
}

impl DefenseCall<'_> {
    fn run(&self) -> Result<DefenseOutcome, Refusal> {
        let Self { arguments, parameters, .. } = self;
        let kind = kind(&arguments.defense)?;
        let place = self.place()?;
        let (model, digest) = read_classifier(&arguments.model)?;
        let data = ordered_as(read_whole(&arguments.data)?, &model)?;
        let validation = data.part(Part::Validation);
        let decoy = self.decoy(&model, &data)?;
        let decoy = decoy.as_ref();
        let choice = match parameters {
            Some(text) => given(kind.with(digest, text, decoy)?, &model, validation),
            None => choose((kind, decoy), (&model, digest), validation, arguments.points),
        };
        let choice = choice.map_err(|error| match error {
            DefendError::Defense(error @ DefenseError::NoPosterior { .. }) => {
                Refusal::about(&arguments.model)(error.into())
            }
            error => error.into(),
        })?;
        let defense = choice.defense.clone();
        let effect = effect(&model, &defense, data.part(Part::Test))?;
        let away = changed_elsewhere(
            (&model, &defense),
            &ValidBox::new(&model.schema),
            data.part(Part::Test),
            arguments.seed,
        )?;
        let about = About::new(
            (&arguments.model, digest),
            &data,
            Some((&defense, Digest::of(defense.to_json().as_bytes()))),
        );
        // everything that can be refused is read before anything is written
        let claims = claims(arguments, digest)?;
        let draft = place.begin(false)?;
        let store = draft.store()?;
        if let Some(decoy) = decoy.filter(|_| defense.decoy().is_some()) {
            store.write("defense.decoy.json", &decoy.text)?;
        }
        store.write("defense.json", defense.to_json().as_bytes())?;
        let mut text = about.line() + &words(arguments, &choice, &effect, &away);
        let mut still = Vec::new();
        if arguments.certificates.is_some() {
            let defended = DefendedModel {
                model: (&model, digest),
                defense: &defense,
                store: &store,
                draft: &draft,
                is_identity: choice.is_identity,
            };
            still = defended.carry(&claims, arguments, &mut text)?;
            text += &format!("budget: {} nodes per obligation\n", arguments.budget_nodes);
        }
        let metrics = serde_json::json!({
            "verb": "defend", "about": about, "seed": arguments.seed, "points": arguments.points,
            "identity": choice.is_identity,
            "choice": choice, "effect": effect, "changed-elsewhere": away, "budget-nodes": arguments.budget_nodes,
            "still-proved": still,
        });
        store.write("metrics.json", format!("{metrics:#}\n").as_bytes())?;
        draft.finish()?;
        Ok(DefenseOutcome { text, metrics, effect })
    }

    /// The decoy model that is asked for.
    fn decoy(&self, model: &Model, data: &DataSet) -> Result<Option<DecoyModel>, Refusal> {
        let Arguments { decoy, outliers, seed, .. } = self.arguments;
        match decoy.as_deref() {
            None => Ok(None),
            Some("train") => Ok(Some(DecoyModel::train(model, data, (*outliers).into(), *seed)?)),
            Some(path) => {
                let path = Path::new(path);
                let read = DecoyModel::read(files::read(path)?);
                Ok(Some(read.map_err(Refusal::from).map_err(Refusal::about(path))?))
            }
        }
    }

    /// The result folder DIR. An input is refused if it lies where one of the folder's files goes.
    fn place(&self) -> Result<ResultFolder, Refusal> {
        let Self { arguments, out, .. } = self;
        let decoy = arguments.decoy.as_deref().filter(|decoy| *decoy != "train");
        let decoy = decoy.map(PathBuf::from);
        let inputs = Inputs::default()
            .file("--model", Some(&arguments.model))
            .file("--certificates", arguments.certificates.as_ref())
            .file("--decoy", decoy.as_ref())
            .data("--data", Some(&arguments.data));
        let made =
            ["defense.json", "defense.decoy.json", "metrics.json", "model.json", "manifest.json"];
        made.iter().try_for_each(|name| inputs.expect_apart(&out.join(name)))?;
        ResultFolder::new(out, Leaves::Defend, &inputs, arguments.force)
    }
}

/// The effect of the defense, in words.
fn words(
    arguments: &Arguments,
    choice: &Choice,
    effect: &Effect,
    away: &ChangedElsewhere,
) -> String {
    let Choice { defense, accuracy_before, accuracy_after, .. } = choice;
    if choice.is_identity {
        return format!(
            "identity: nothing is defended: even the weakest {} costs more than {} points of accuracy on \
             validation rows; --accuracy-points P allows more\n",
            arguments.defense, arguments.points
        );
    }
    let drawn = match effect.drawn {
        Some(drawn) => format!("; {drawn:.4} of the answers are drawn"),
        None => String::new(),
    };
    let share = |share: Share| share.counted().unwrap_or_default();
    let figures = format!(
        "{} costs {accuracy_before:.4} -> {accuracy_after:.4} accuracy on validation rows, {:.4} \
         -> {:.4} on {} test rows, F1 {:.4} -> {:.4}; {:.4} of the labels change{drawn}\n\
         away from the data labels change on {} of uniform points, {} of shuffled rows, {} of far points\n",
        defense.parameters(),
        effect.accuracy_before,
        effect.accuracy_after,
        effect.rows,
        effect.f1_before,
        effect.f1_after,
        effect.flipped,
        share(away.uniform),
        share(away.shuffled),
        share(away.far)
    );
    match defense.randomised() {
        Some(_) => figures,
        None => figures + "no privacy: the same point always has the same answer\n",
    }
}

fn kind(name: &str) -> Result<DefenseKind, Refusal> {
    DefenseKind::named(name).ok_or_else(|| {
        let known: Vec<String> = DefenseKind::ALL
            .iter()
            .map(|kind| format!("{} ({})", kind.name(), kind.words()))
            .collect();
        Refusal::new(format!(
            "--defense {name:.60}: there is no such defense; expected {}",
            known.join(", ")
        ))
    })
}

/// The claim of a certificate of the manifest about the undefended model.
struct ClaimedBefore {
    /// The certificate file.
    path: PathBuf,
    /// A name for files, different from that of every other claim.
    name: String,
    /// Name of the data, as seen from here.
    data_name: Option<String>,
    loaded: Loaded,
}

/// The manifest's certificates about this model, each of them checked again.
fn claims(arguments: &Arguments, digest: Digest) -> Result<Vec<ClaimedBefore>, Refusal> {
    let Some(path) = &arguments.certificates else { return Ok(Vec::new()) };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut claims: Vec<ClaimedBefore> = Vec::new();
    let about = |loaded: &Loaded| loaded.is_about(digest, None);
    for loaded in Manifest::load(path)?.into_iter().filter(about) {
        let spec = Path::new(&loaded.entry.spec);
        let stem = spec.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        claims.push(ClaimedBefore {
            path: folder.join(&loaded.entry.certificate),
            name: free_name(&stem, &claims),
            data_name: loaded.entry.data.as_deref().map(|name| data_from(name, folder)),
            loaded,
        });
    }
    Ok(claims)
}

/// A name for files: `stem`, or `stem-2`, `stem-3`, … where one spec is claimed of several parts.
fn free_name(stem: &str, claims: &[ClaimedBefore]) -> String {
    let is_free = |name: &String| claims.iter().all(|claim| claim.name != *name);
    let numbered = (2..).map(|number: usize| format!("{stem}-{number}"));
    std::iter::once(stem.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// Reasons why a claim has no certificate behind a defense.
enum ClaimError {
    /// The defense has no claims of its kind.
    Lost(LowerError),
    /// Anything else.
    Refused(Refusal),
}

impl<E: Into<Refusal>> From<E> for ClaimError {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// A model with its defense, and the place for the certificates of the defended model.
struct DefendedModel<'a> {
    model: (&'a Model, Digest),
    defense: &'a Defense,
    store: &'a Store,
    draft: &'a Draft,
    /// True if the defense changes nothing.
    is_identity: bool,
}

impl DefendedModel<'_> {
    /// Certifies the claims about the model again, for the defended model.
    fn carry(
        &self,
        claims: &[ClaimedBefore],
        arguments: &Arguments,
        text: &mut String,
    ) -> Result<Vec<serde_json::Value>, Refusal> {
        self.store.write("model.json", &files::read(&arguments.model)?)?;
        let (mut written, mut still) = (Manifest::default(), Vec::new());
        for claim in claims {
            let (name, before) = (&claim.name, claim.loaded.checked.tally.all);
            let made = match self.is_identity {
                true => self.keep(claim),
                false => self.certify(claim, arguments),
            };
            let (counts, entry) = match made {
                Ok(made) => made,
                // the claim was decided of the model, so it is the defense that has no such claims
                Err(ClaimError::Lost(reason)) => {
                    text.push_str(&format!("{name}: {before} -> lost: {reason}\n"));
                    let lost = reason.to_string();
                    still.push(serde_json::json!({ "spec": name, "before": before, "lost": lost }));
                    continue;
                }
                Err(ClaimError::Refused(refusal)) => return Err(refusal),
            };
            let after = match self.is_identity {
                true => "kept: nothing is defended".to_owned(),
                false => format!(
                    "defended: proved {} refuted {} undecided {}",
                    counts.proved, counts.refuted, counts.undecided
                ),
            };
            text.push_str(&format!("{name}: {before} -> {after}\n"));
            still.push(serde_json::json!({ "spec": name, "before": before, "after": counts }));
            written.certificates.push(entry);
        }
        self.store.write("manifest.json", written.to_json().as_bytes())?;
        Ok(still)
    }

    /// Keeps the certificate of one claim, for a defense that changes nothing.
    fn keep(&self, claim: &ClaimedBefore) -> Result<(Counts, ManifestEntry), ClaimError> {
        let entry = self.entry(claim, None)?;
        self.store.write(&entry.spec, &claim.loaded.spec_bytes)?;
        self.store.write(&entry.certificate, &files::read(&claim.path)?)?;
        Ok((claim.loaded.checked.tally.all, entry))
    }

    fn entry(
        &self,
        claim: &ClaimedBefore,
        defense: Option<&str>,
    ) -> Result<ManifestEntry, Refusal> {
        let here = claim.data_name.as_ref();
        let data = here.map(|here| data_seen_from(here, self.draft.stand_in()));
        Ok(ManifestEntry {
            certificate: format!("certificates/{}.jsonl", claim.name),
            model: "model.json".to_owned(),
            spec: format!("specs/{}.toml", claim.name),
            data: data.transpose()?,
            defense: defense.map(str::to_owned),
        })
    }

    /// Writes the spec and the certificate of one claim.
    fn certify(
        &self,
        claim: &ClaimedBefore,
        arguments: &Arguments,
    ) -> Result<(Counts, ManifestEntry), ClaimError> {
        let header = &claim.loaded.checked.header;
        let part = header.part.unwrap_or(Part::Test);
        let thinned = header.every.and_then(NonZeroUsize::new).zip(claim.loaded.data.as_deref());
        let thinned = thinned.map(|(step, data)| data.every(part, step));
        let defense = Digest::of(self.defense.to_json().as_bytes());
        let task = Task {
            subject: Subject {
                model: self.model,
                spec: &claim.loaded.spec,
                data: thinned.as_ref().or(claim.loaded.data.as_deref()),
                defense: Some((self.defense, defense)),
            },
            selection: Selection { part, rows: header.rows },
            options: Options {
                budget_nodes: arguments.budget_nodes,
                seed: arguments.seed,
                ..Options::default()
            },
        };
        let entry = self.entry(claim, Some("defense.json"))?;
        self.store.write(&entry.spec, &claim.loaded.spec_bytes)?;
        match certify(&task, 0, self.store, &entry.certificate) {
            Ok(certified) => Ok((certified.report.counts, entry)),
            Err(StudyError::Certify(CertifyError::Lower(reason))) => Err(ClaimError::Lost(reason)),
            Err(error) => Err(ClaimError::Refused(error.into())),
        }
    }
}
