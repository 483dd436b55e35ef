//! The demonstration: dataset → train → model → certify → certificate → steal / defend → report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::certificate::Subject;
use crate::certify::{Options, Selection, Task};
use crate::dataset;
use crate::defense::Defense;
use crate::model::{DataSet, Digest, Family, Model, Part, Row};
use crate::report::{
    CertificateReport, DataSummary, ModelReport, PartRows, RadiiReport, Report, Run, grouped,
    render_html, to_json,
};
use crate::spec::{Property, Spec};
use crate::store::Store;
use crate::train::{Fit, Recipe};

use super::consume::{self, Defended, Stolen, Target};
use super::{Certified, Manifest, ManifestEntry, StudyError, certify, radii};

/// Nodes of a case distinction per obligation, in the demonstration and behind a defense.
pub const BUDGET_NODES: u64 = 100;

/// The same number for the boundary property. There is no case distinction, since every case bounds every axis, and
/// bounds it once more in exact integers.
const FUZZ_NODES: u64 = 1;

/// The size of the demonstration.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Test rows that are certified.
    pub rows: usize,
    /// Test rows for the boundary property.
    pub fuzz_rows: usize,
    /// Leading obligations of every certificate that are checked in exact arithmetic too.
    pub exact: usize,
    /// Radius of local invariance, in standard deviations.
    pub epsilon: String,
    /// Effort of the search.
    pub options: Options,
    /// Repetitions of every attack.
    pub repetitions: usize,
    /// Queries of one attack, seeds included.
    pub budget: usize,
    /// Seed rows of one attack.
    pub seeds: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rows: 200,
            fuzz_rows: 100,
            exact: 50,
            epsilon: "0.05".to_owned(),
            options: Options { budget_nodes: BUDGET_NODES, ..Options::default() },
            repetitions: 5,
            budget: 200,
            seeds: 50,
            seed: 0,
        }
    }
}

impl Plan {
    /// The radius as a float, for generating points.
    pub(super) fn radius(&self) -> f64 {
        self.epsilon.parse().unwrap_or(0.1)
    }
}

/// A trained model with the name of its file.
struct TrainedModel {
    name: &'static str,
    model: Model,
    digest: Digest,
    file: String,
}

/// One study in progress.
struct Study<'a> {
    data: &'a DataSet,
    data_name: &'a str,
    plan: &'a Plan,
    store: &'a Store,
    manifest: Manifest,
    /// Models to which even the weakest defense would cost too much accuracy.
    undefended: Vec<&'static str>,
}

/// Runs the demonstration on `data` into `store`, and tells `stage` the step that comes next.
pub fn demo(
    data: &DataSet,
    data_name: &str,
    plan: &Plan,
    store: &Store,
    stage: &mut dyn FnMut(&str),
) -> Result<(Report, Manifest), StudyError> {
    let mut study = Study {
        data,
        data_name,
        plan,
        store,
        manifest: Manifest::default(),
        undefended: Vec::new(),
    };
    let mut models = Vec::new();
    for left_out in omissions(data) {
        stage(&left_out);
    }
    for (name, recipe) in recipes(data) {
        stage(&format!("train {name}"));
        let made = study.train(name, &recipe)?;
        models.push(study.examine(&made, stage)?);
    }
    stage("write the report");
    let report = Report::new(format!("propcert on {}", data.meta().name), vec![study.run(models)]);
    store.write("manifest.json", study.manifest.to_json().as_bytes())?;
    store.write("report.json", to_json(&report)?.as_bytes())?;
    store.write("report.html", render_html(&report)?.as_bytes())?;
    Ok((report, study.manifest))
}

/// The files of an earlier demonstration in `folder`, from its manifest; empty if there is no manifest.
pub fn files_of_demo(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(manifest) = Manifest::read(&folder.join("manifest.json")) else {
        return BTreeSet::new();
    };
    let entries = manifest.certificates.into_iter().flat_map(|entry| {
        [Some(entry.certificate), Some(entry.model), Some(entry.spec), entry.defense]
    });
    let reports = ["manifest.json", "report.json", "report.html"].map(PathBuf::from);
    entries.flatten().map(PathBuf::from).chain(reports).collect()
}

/// Natural network, natural trees, and monotone trees where the data declares directions.
fn recipes(data: &DataSet) -> Vec<(&'static str, Recipe)> {
    let mut recipes = vec![("natural-mlp", Recipe::mlp())];
    if data.classes() == 2 {
        recipes.push(("natural-trees", Recipe::trees()));
        if !data.meta().monotone.is_empty() {
            recipes.push(("monotone-trees", Recipe::monotone_trees()));
        }
    }
    recipes
}

/// A spec of the study: its name, its text and the rows it is about.
struct DemoSpec {
    name: String,
    text: String,
    selection: Selection,
    /// True if an attacker is given the proofs: those around its own rows, and of monotone order.
    is_for_thief: bool,
}

impl Study<'_> {
    fn train(&self, name: &'static str, recipe: &Recipe) -> Result<TrainedModel, StudyError> {
        let schema = dataset::schema(self.data)?;
        let fit = Fit::of(self.data, &schema, self.plan.seed);
        let model = recipe.fit(&fit, &mut |_| {})?;
        let (text, file) = (model.to_json(), format!("models/{name}.json"));
        self.store.write(&file, text.as_bytes())?;
        Ok(TrainedModel { name, model, digest: Digest::of(text.as_bytes()), file })
    }

    /// Certifies, steals and defends one model.
    fn examine(
        &mut self,
        made: &TrainedModel,
        stage: &mut dyn FnMut(&str),
    ) -> Result<ModelReport, StudyError> {
        let questions = self.questions();
        let names: Vec<&str> = questions.iter().map(|question| question.name.as_str()).collect();
        stage(&format!("certify {}: {}", made.name, names.join(", ")));
        let mut certificates = Vec::new();
        let (mut published, mut thief) = (Vec::new(), Vec::new());
        for (question, certified) in questions.iter().zip(self.certify_all(made, &questions, None)?)
        {
            certificates.push(certified.report);
            if question.is_for_thief {
                thief.extend(certified.proved.iter().cloned());
            }
            published.extend(certified.proved);
        }
        stage(&format!("steal {}", made.name));
        let target = Target::new(&made.model, made.digest, self.data, thief, self.plan.seed)?;
        let stolen = consume::steal(&target, self.plan)?;
        let defenses = if made.model.classes == 2 {
            stage(&format!("defend {}", made.name));
            Vec::from_iter(self.defend(made, &target, &certificates, &stolen)?)
        } else {
            Vec::new()
        };
        let first = certificates.first();
        let gives_away =
            first.map(|first| consume::gives_away(&target, first, &published, self.plan));
        Ok(ModelReport {
            name: made.name.to_owned(),
            family: made.model.family_name().to_owned(),
            size: size_of(&made.model),
            file: Some(made.file.clone()),
            digest: Some(made.digest.to_string()),
            accuracy: target.accuracy(),
            f1: target.f1(),
            baselines: stolen.baselines,
            attacks: stolen.attacks,
            gives_away,
            radii: self.radii(made),
            certificates,
            defenses,
        })
    }

    /// A summary of the radii of as many test rows as are certified.
    fn radii(&self, made: &TrainedModel) -> Option<RadiiReport> {
        let test = self.data.part(Part::Test);
        radii::summary(&made.model, &test[..self.plan.rows.min(test.len())])
    }

    /// The specs of the demonstration.
    fn questions(&self) -> Vec<DemoSpec> {
        let epsilon = &self.plan.epsilon;
        let rows = |part, rows: usize| Selection {
            part,
            rows: Some(rows.min(self.data.part(part).len())),
        };
        let invariance = format!(
            "property = \"local-invariance\"\nepsilon = \"{epsilon}\"\ndelta = \"0.5\"\nnorm = \"linf\"\n"
        );
        let mut questions = vec![
            DemoSpec {
                name: format!("local-invariance-{epsilon}"),
                text: invariance.clone(),
                selection: rows(Part::Test, self.plan.rows),
                is_for_thief: false,
            },
            DemoSpec {
                name: format!("local-invariance-{epsilon}-auxiliary"),
                text: invariance.replace("norm =", "label = \"predicted\"\nnorm ="),
                selection: rows(Part::Auxiliary, usize::MAX),
                is_for_thief: true,
            },
        ];
        let test = rows(Part::Test, self.plan.fuzz_rows);
        for direction in ["increasing", "decreasing"] {
            let features = self.declared(direction);
            if !features.is_empty() {
                questions.push(DemoSpec {
                    name: format!("monotone-{direction}"),
                    text: format!(
                        "property = \"monotonicity\"\nfeatures = {}\ndirection = \"{direction}\"\n",
                        serde_json::json!(features)
                    ),
                    selection: test,
                    is_for_thief: true,
                });
            }
        }
        if self.data.classes() == 2 {
            questions.push(DemoSpec {
                name: "boundary-fuzz-0.1".to_owned(),
                text: format!(
                    "property = \"boundary-fuzz\"\nshift = \"0.1\"\nepsilon = \"0.1\"\nradius = \"{epsilon}\"\n"
                ),
                selection: test,
                is_for_thief: false,
            });
        }
        questions
    }

    /// Names of the features that the data declares monotone in a direction.
    fn declared(&self, direction: &str) -> Vec<String> {
        let meta = self.data.meta();
        let name = |key: &String| {
            let by_index = key.parse().ok().and_then(|index: usize| meta.features.get(index));
            by_index.unwrap_or(key).clone()
        };
        let declared = meta.monotone.iter().filter(|(_, found)| *found == direction);
        declared.map(|(key, _)| name(key)).collect()
    }

    /// Certifies several specs of one model, defended or not, side by side, and adds them to the
    /// manifest in order.
    fn certify_all(
        &mut self,
        made: &TrainedModel,
        questions: &[DemoSpec],
        defense: Option<(&Defense, &str)>,
    ) -> Result<Vec<Certified>, StudyError> {
        let outcomes: Vec<_> =
            questions.par_iter().map(|question| self.certify(made, question, defense)).collect();
        let mut certified = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let (one, entry) = outcome?;
            self.manifest.certificates.push(entry);
            certified.push(one);
        }
        Ok(certified)
    }

    fn certify(
        &self,
        made: &TrainedModel,
        question: &DemoSpec,
        defense: Option<(&Defense, &str)>,
    ) -> Result<(Certified, ManifestEntry), StudyError> {
        let spec = Spec::read(question.text.as_bytes())?;
        let spec_file = format!("specs/{}.toml", question.name);
        self.store.write(&spec_file, question.text.as_bytes())?;
        let defended =
            defense.map(|(defense, _)| (defense, Digest::of(defense.to_json().as_bytes())));
        let is_about_rows = spec.property.is_about_rows();
        let options = &self.plan.options;
        let is_fuzz = matches!(spec.property, Property::BoundaryFuzz(_));
        let budget_nodes = if is_fuzz { FUZZ_NODES } else { options.budget_nodes };
        let task = Task {
            subject: Subject {
                model: (&made.model, made.digest),
                spec: &spec,
                data: Some(self.data),
                defense: defended,
            },
            selection: question.selection,
            options: Options { seed: self.plan.seed, budget_nodes, ..*options },
        };
        let folder = if defense.is_some() {
            format!("{}-defended", made.name)
        } else {
            made.name.to_owned()
        };
        let file = format!("certificates/{folder}/{}.jsonl", question.name);
        let certified = certify(&task, self.plan.exact, self.store, &file)?;
        let entry = ManifestEntry {
            certificate: file,
            model: made.file.clone(),
            spec: spec_file,
            data: is_about_rows.then(|| self.data_name.to_owned()),
            defense: defense.map(|(_, file)| file.to_owned()),
        };
        Ok((certified, entry))
    }

    /// Chooses prediction poisoning by the one-point budget, and certifies the claims through it.
    fn defend(
        &mut self,
        made: &TrainedModel,
        target: &Target,
        before: &[CertificateReport],
        stolen: &Stolen,
    ) -> Result<Option<crate::report::DefenseReport>, StudyError> {
        let Some(chosen) = consume::choose(target)? else {
            self.undefended.push(made.name);
            return Ok(None);
        };
        let file = format!("defenses/{}.json", made.name);
        self.store.write(&file, chosen.defense.to_json().as_bytes())?;
        let questions = self.questions();
        let after = self.certify_all(made, &questions, Some((&chosen.defense, &file)))?;
        let (mut still, mut proved) = (Vec::new(), Vec::new());
        for ((question, before), after) in questions.iter().zip(before).zip(after) {
            still.push((before.clone(), after.report));
            if question.is_for_thief {
                proved.extend(after.proved);
            }
        }
        let defended = Defended { chosen: &chosen, file: &file, still, proved };
        consume::defense_report(target, defended, stolen, self.plan).map(Some)
    }

    fn run(&self, models: Vec<ModelReport>) -> Run {
        Run {
            data: summarise(self.data),
            seed: self.plan.seed,
            tool: Some(concat!("propcert ", env!("CARGO_PKG_VERSION")).to_owned()),
            models,
            notes: notes(self.data, self.plan)
                .into_iter()
                .chain(self.undefended.iter().map(|name| {
                    format!(
                        "{name} is not defended: even the weakest prediction poisoning costs more than one \
                         accuracy point on validation rows."
                    )
                }))
                .collect(),
        }
    }
}

fn size_of(model: &Model) -> String {
    match &model.family {
        Family::Mlp(mlp) => {
            let widths: Vec<String> = std::iter::once(model.schema.len())
                .chain(mlp.layers.iter().map(crate::model::Layer::outputs))
                .map(|width| width.to_string())
                .collect();
            let parameters: usize = mlp.layers.iter().map(|l| l.weights.len() + l.bias.len()).sum();
            let parameters = grouped(parameters as u64);
            format!("[{}] ReLU, {parameters} parameters", widths.join(", "))
        }
        Family::Ensemble(ensemble) => {
            let leaves: usize = ensemble.trees.iter().map(|tree| tree.leaves().count()).sum();
            format!("{} trees, {} leaves", ensemble.trees.len(), grouped(leaves as u64))
        }
    }
}

fn summarise(data: &DataSet) -> DataSummary {
    let rows = |part| data.part(part).len() as u64;
    let all = || Part::ALL.into_iter().flat_map(|part| data.part(part));
    let class_rows = (0..data.classes())
        .map(|class| all().filter(|row| row.label == class).count() as u64)
        .collect();
    let seen: std::collections::BTreeSet<Digest> = [Part::Train, Part::Validation]
        .into_iter()
        .flat_map(|part| data.part(part))
        .map(|row: &Row| row.key)
        .collect();
    let repeated = data.part(Part::Test).iter().filter(|row| seen.contains(&row.key)).count();
    DataSummary {
        name: data.meta().name.clone(),
        digest: Some(data.digest().to_string()),
        synthetic: data.meta().synthetic,
        source: data.meta().source.clone().unwrap_or_default(),
        features: data.meta().features.len() as u64,
        class_rows,
        rows: PartRows {
            train: rows(Part::Train),
            validation: rows(Part::Validation),
            test: rows(Part::Test),
            auxiliary: rows(Part::Auxiliary),
        },
        repeated_in_test: repeated as u64,
    }
}

fn notes(data: &DataSet, plan: &Plan) -> Vec<String> {
    let test = data.part(Part::Test).len();
    let covered = |what: &str, rows: usize| {
        if rows >= test {
            format!("{what} about test rows cover all {} of them.", grouped(test as u64))
        } else {
            let (rows, test) = (grouped(rows as u64), grouped(test as u64));
            format!("{what} about test rows cover the first {rows} of {test}.")
        }
    };
    let mut notes = vec![covered("Certificates of local invariance", plan.rows)];
    if data.classes() == 2 {
        notes.push(covered("Certificates of the boundary property", plan.fuzz_rows));
    }
    let behind = if data.classes() == 2 { ", before and behind the defense" } else { "" };
    notes.push(format!(
        "Case distinctions had {} nodes per obligation{behind}; the boundary property had none.",
        grouped(plan.options.budget_nodes)
    ));
    if data.meta().synthetic {
        notes.push("The rows of this data set are synthetic.".to_owned());
    }
    notes.extend(omissions(data));
    if data.classes() == 2 {
        notes.push(
            "Substitutes of ensembles are boosted in a fixed number of rounds, and random attacks \
             infer nothing: neither has a run with equal gradient steps to be compared with."
                .to_owned(),
        );
    }
    if data.classes() == 2 && !data.meta().monotone.is_empty() {
        notes.push(
            "masked-thief-along walks along proved monotone order: it is run only where that is \
             proved, and never through prediction poisoning, which keeps no order."
                .to_owned(),
        );
    }
    notes
}

/// Parts that the demonstration leaves out on this data, with the reason.
fn omissions(data: &DataSet) -> Vec<String> {
    let mut left_out = Vec::new();
    if data.classes() > 2 {
        let classes = data.classes();
        left_out.push(format!(
            "Left out with {classes} classes: natural-trees and monotone-trees (boosting here fits one \
             score), boundary-fuzz (its boundary lies between two classes), prediction poisoning (its \
             closed form is for two)."
        ));
    } else if data.meta().monotone.is_empty() {
        left_out.push("Left out: monotone-trees (the data declares no directions).".to_owned());
    }
    left_out
}
