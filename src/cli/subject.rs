//! The subject of a certificate, read from files: model, spec, data, defense.

use std::path::{Path, PathBuf};

use crate::certificate::Subject;
use crate::defense::Defense;
use crate::model::{DataError, DataSet, Digest, Model, Part};
use crate::source;
use crate::spec::{Semantics, Spec};

use super::{Refusal, files};

/// `real` or `served-f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SemanticsArgument {
    /// The real function of the stored numbers.
    Real,
    /// Every f32 execution of it.
    #[value(name = "served-f32")]
    ServedF32,
}

impl From<SemanticsArgument> for Semantics {
    fn from(argument: SemanticsArgument) -> Self {
        match argument {
            SemanticsArgument::Real => Self::Real,
            SemanticsArgument::ServedF32 => Self::ServedF32,
        }
    }
}

/// What a certificate is about.
#[derive(Debug, clap::Args)]
pub(crate) struct SubjectArguments {
    /// The model (model/1).
    #[arg(long, alias = "target")]
    pub(crate) model: PathBuf,
    /// The spec (TOML); examples are in specs/, every property and key in certificates/README.md.
    #[arg(long)]
    pub(crate) spec: PathBuf,
    /// The data: a name, a folder or a CSV, with `:part` if another than test is meant; `check` takes part and
    /// rows from the certificate.
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// The defense (defense/1), where the claim is about the defended model.
    #[arg(long)]
    pub(crate) defense: Option<PathBuf>,
    /// Which function is meant [default: the spec's; where it names none, served-f32 for claims about
    /// one point of an f32 model, else real].
    #[arg(long)]
    pub(crate) semantics: Option<SemanticsArgument>,
}

/// The files of a subject after reading.
pub(crate) struct Loaded {
    pub(crate) model: (Model, Digest),
    pub(crate) spec: Spec,
    pub(crate) data: Option<(DataSet, Option<Part>)>,
    pub(crate) defense: Option<(Defense, Digest)>,
}

impl Loaded {
    /// Reads every file that is named.
    pub(crate) fn read(named: &SubjectArguments) -> Result<Self, Refusal> {
        let model = read_model(&named.model)?;
        let mut spec = read_spec(&named.spec)?;
        if let Some(semantics) = named.semantics {
            spec.semantics = Some(semantics.into());
        }
        let data = match named.data.as_deref().map(read_data).transpose()? {
            Some((data, part)) => Some((ordered_as(data, &model.0)?, part)),
            None => None,
        };
        let defense = named.defense.as_deref().map(read_defense).transpose()?;
        Ok(Self { model, spec, data, defense })
    }

    /// The subject in the form that the kernel takes.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            model: (&self.model.0, self.model.1),
            spec: &self.spec,
            data: self.data.as_ref().map(|(data, _)| data),
            defense: self.defense.as_ref().map(|(defense, digest)| (defense, *digest)),
        }
    }
}

/// The data with its features in the order of the model; each feature is found by its name.
pub(crate) fn ordered_as(data: DataSet, model: &Model) -> Result<DataSet, Refusal> {
    let name = data.meta().name.clone();
    data.ordered_as(&model.schema).map_err(|error| {
        let blanks = if differs_in_blanks(&error) { BLANKS } else { "" };
        Refusal::new(format!("data set `{name}`: {error}{blanks}"))
    })
}

/// The mend of names that differ in blanks.
pub(crate) const BLANKS: &str = "; LightGBM writes `_` for blanks in names: import its model with `--schema`, which \
                                 keeps the names of the data";

/// True if the model has names of the data with `_` for blanks.
fn differs_in_blanks(error: &DataError) -> bool {
    let DataError::Features { missing, extra } = error else { return false };
    let extra: Vec<String> = extra.iter().map(|name| name.replace(' ', "_")).collect();
    missing.iter().any(|name| extra.contains(name))
}

/// Reads a model and the digest of its file.
pub(crate) fn read_model(path: &Path) -> Result<(Model, Digest), Refusal> {
    let bytes = files::read(path)?;
    let refused = |error| Refusal::new(format!("{error}{}", hint(&bytes)));
    let model = Model::read(&bytes).map_err(refused).map_err(Refusal::about(path))?;
    Ok((model, Digest::of(&bytes)))
}

/// Advice on a model of another tool.
fn hint(bytes: &[u8]) -> &'static str {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    match bytes {
        [0x1f, 0x8b, ..] => "; it is packed with gzip: unpack it first",
        [b't', b'r', b'e', b'e', b'\n' | b'\r', ..] => {
            "; it looks like LightGBM's: `propcert import lightgbm FILE --out model.json` reads it"
        }
        [b'{', ..] if has(b"\"gradient_booster\"") => {
            "; it looks like XGBoost's: `propcert import xgboost FILE --out model.json` reads it"
        }
        _ => "",
    }
}

/// Reads a spec.
pub(crate) fn read_spec(path: &Path) -> Result<Spec, Refusal> {
    Spec::read(&files::read(path)?).map_err(Refusal::from).map_err(Refusal::about(path))
}

/// Reads a defense and the digest of its file.
pub(crate) fn read_defense(path: &Path) -> Result<(Defense, Digest), Refusal> {
    let bytes = files::read(path)?;
    let defense = Defense::read(&bytes).map_err(Refusal::from).map_err(Refusal::about(path))?;
    Ok((defense, Digest::of(&bytes)))
}

/// Reads a data set, and a part of it if one is named: `NAME` or `NAME:part`.
pub(crate) fn read_data(argument: &str) -> Result<(DataSet, Option<Part>), Refusal> {
    let (name, part) = split_part(argument);
    let folder = data_folder();
    if let (None, Some((name, found))) = (part, argument.rsplit_once(':'))
        && (name == source::BUILT_IN || source::locate(name, folder.as_deref()).is_ok())
        && source::locate(argument, folder.as_deref()).is_err()
    {
        let parts = Part::ALL.map(Part::name).join(", ");
        let text = format!("--data {argument}: unknown part `{found}`; the parts are {parts}");
        return Err(Refusal::new(text));
    }
    let data = source::read(name, folder.as_deref()).map_err(|error| match &folder {
        Some(folder) if !folder.is_dir() => Refusal::new(format!(
            "{error}; PROPCERT_DATA names `{}`, which is no folder",
            folder.display()
        )),
        _ => error.into(),
    })?;
    Ok((data, part))
}

/// The folder that `PROPCERT_DATA` names.
pub(super) fn data_folder() -> Option<PathBuf> {
    std::env::var_os("PROPCERT_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Splits the part off `NAME:part`.
pub(crate) fn split_part(argument: &str) -> (&str, Option<Part>) {
    let found = argument.rsplit_once(':').and_then(|(name, suffix)| {
        Part::ALL.into_iter().find(|part| part.name() == suffix).map(|part| (name, part))
    });
    found.map_or((argument, None), |(name, part)| (name, Some(part)))
}
