//! Reading of a grid: its values are checked, and the files that it names are read.

mod defense;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;

use crate::defend::DefenseKind;
use crate::model::{Digest, MAX_BYTES, Model, Part};
use crate::source::read_regular;
use crate::spec::Spec;
use crate::steal::AttackSpec;
use crate::text::line_of;
use crate::train::{Recipe, RecipeError};

use super::super::cell::is_name;
use super::file::{AttackEntry, GridFile, LeakFile, ModelEntry, PropertyEntry};
use super::{
    GridAttack, GridData, GridError, GridModel, GridProperty, Leak, MAX_CELLS, MAX_SETTINGS,
    ModelSource, StudyGrid,
};

/// Reads the text of a grid; files that it names lie in `folder`.
pub(super) fn read(bytes: &[u8], folder: &Path) -> Result<StudyGrid, GridError> {
    let text = std::str::from_utf8(bytes)?;
    let file: GridFile = toml::from_str(text)?;
    let mut reader = EntryReader {
        text,
        folder,
        files: BTreeMap::new(),
        stated: Vec::new(),
        properties: Vec::new(),
        defenses: Vec::new(),
    };
    let repetitions = reader.repetitions(file.repetitions.as_ref())?;
    let data = reader.data(&file.data)?;
    reader.expect_models(&file)?;
    let properties =
        reader.each("property", file.property, |entry| &entry.name, EntryReader::property)?;
    reader.stated = properties.iter().filter(|one| one.declared.is_none()).cloned().collect();
    reader.properties = properties.iter().map(|one| one.name.clone()).collect();
    let models = reader.each("model", file.model, |entry| &entry.name, EntryReader::model)?;
    let attacks = reader.each("attack", file.attack, |entry| &entry.name, EntryReader::attack)?;
    let defenses =
        reader.each("defense", file.defense, |entry| &entry.name, EntryReader::defense)?;
    let leak = file.gives_away.map(|leak| reader.leak(&leak, &properties)).transpose()?;
    let grid = StudyGrid {
        data,
        models,
        properties,
        attacks,
        defenses,
        repetitions,
        skips_missing_data: file.skip_missing_data,
        seed: file.seed.unwrap_or(0),
        budget_nodes: file.budget_nodes.unwrap_or(500),
        exact: file.exact.unwrap_or(0),
        radii_rows: file.radii_rows.unwrap_or(0),
        leak,
        digest: Digest::of(bytes),
        files: reader.files,
    };
    for (kind, is_missing) in
        [("data set", grid.data.is_empty()), ("[[model]]", grid.models.is_empty())]
    {
        if is_missing {
            return Err(GridError::Nothing(kind));
        }
    }
    let layout = grid.layout();
    if let Some(folder) = layout.shared_folder() {
        return Err(GridError::Folder(folder));
    }
    match layout.count() {
        Some(count) if count <= MAX_CELLS => Ok(grid),
        _ => Err(GridError::Cells { most: MAX_CELLS }),
    }
}

/// The text of a grid with the place of the files that it names.
struct EntryReader<'a> {
    text: &'a str,
    folder: &'a Path,
    /// Digests of the files read so far.
    files: BTreeMap<String, Digest>,
    /// The properties that the grid states without looking at data.
    stated: Vec<GridProperty>,
    /// The names of all properties.
    properties: Vec<String>,
    /// The defenses that were read, for those after them.
    defenses: Vec<(String, DefenseKind)>,
}

/// The kind and name of an entry with its line.
#[derive(Clone, Copy)]
struct EntryName<'e> {
    kind: &'static str,
    name: &'e Spanned<String>,
}

impl EntryReader<'_> {
    fn line<T>(&self, value: &Spanned<T>) -> usize {
        line_of(self.text, value.span().start)
    }

    /// The part of the data; answers that were served are a data set of their own, which no grid has.
    fn part(&self, entry: &PropertyEntry) -> Result<Option<Part>, GridError> {
        match &entry.part {
            Some(part) if *part.get_ref() == Part::Served => {
                self.value(part, "part", "`train`, `validation`, `test` or `auxiliary`")
            }
            part => Ok(part.as_ref().map(|part| *part.get_ref())),
        }
    }

    /// True if rows are taken from the whole part; refused without a number of rows.
    fn spread(&self, entry: &PropertyEntry) -> Result<bool, GridError> {
        match &entry.spread {
            Some(spread) if *spread.get_ref() && entry.rows.is_none() => {
                self.value(spread, "spread", "`rows` beside it: all rows need no step")
            }
            spread => Ok(spread.as_ref().is_some_and(|spread| *spread.get_ref())),
        }
    }

    /// The number of the property that an attack's substitutes are certified for.
    fn certified(&self, entry: &AttackEntry) -> Result<Option<usize>, GridError> {
        let Some(name) = &entry.certify else { return Ok(None) };
        match self.properties.iter().position(|one| one == name.get_ref()) {
            Some(number) => Ok(Some(number)),
            None => self.value(name, "certify", "the name of a [[property]]"),
        }
    }

    /// Refuses names of models in `only` that the grid does not have.
    fn expect_models(&self, file: &GridFile) -> Result<(), GridError> {
        let names = file.property.iter().flat_map(|entry| &entry.only);
        let names = names.chain(file.attack.iter().flat_map(|entry| &entry.only));
        let mut names = names.chain(file.defense.iter().flat_map(|entry| &entry.only));
        let is_there = |name: &Spanned<String>| {
            file.model.iter().any(|model| model.name.get_ref() == name.get_ref())
        };
        match names.find(|name| !is_there(name)) {
            Some(name) => self.value(name, "only", "names of [[model]] entries of the grid"),
            None => Ok(()),
        }
    }

    fn value<T, U>(
        &self,
        value: &Spanned<T>,
        key: &'static str,
        expected: &'static str,
    ) -> Result<U, GridError>
    where
        T: std::fmt::Debug,
    {
        let found = format!("{:?}", value.get_ref());
        Err(GridError::Value { line: self.line(value), key, found, expected })
    }

    fn repetitions(&self, given: Option<&Spanned<u64>>) -> Result<u64, GridError> {
        match given {
            Some(given) if !(1..=10_000).contains(given.get_ref()) => {
                self.value(given, "repetitions", "at least 1, at most 10000")
            }
            Some(given) => Ok(*given.get_ref()),
            None => Ok(REPETITIONS),
        }
    }

    /// The data sets. A path stands in keys under the name of its file.
    fn data(&self, given: &[Spanned<String>]) -> Result<Vec<GridData>, GridError> {
        let mut seen = BTreeSet::new();
        let one = |text: &Spanned<String>| {
            let argument = text.get_ref();
            let file = argument.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let stem = file.strip_suffix(".gz").unwrap_or(file);
            let name = stem.strip_suffix(".csv").unwrap_or(stem).to_owned();
            if !is_name(&name) {
                return self.value(text, "data", NAME);
            }
            if !seen.insert(name.to_ascii_lowercase()) {
                let line = self.line(text);
                return Err(GridError::Twice { line, kind: "data", name });
            }
            Ok(GridData { name, argument: argument.clone() })
        };
        given.iter().map(one).collect()
    }

    /// All entries of a kind; their names are checked first.
    fn each<E, T>(
        &mut self,
        kind: &'static str,
        entries: Vec<E>,
        name: impl Fn(&E) -> &Spanned<String>,
        read: impl Fn(&mut Self, EntryName, &E) -> Result<T, GridError>,
    ) -> Result<Vec<T>, GridError> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::with_capacity(entries.len());
        for entry in &entries {
            let name = name(entry);
            // `none` stands in keys for no defense
            if !is_name(name.get_ref()) || name.get_ref() == "none" {
                return self.value(name, "name", NAME);
            }
            if !seen.insert(name.get_ref().to_ascii_lowercase()) {
                let (line, name) = (self.line(name), name.get_ref().clone());
                return Err(GridError::Twice { line, kind, name });
            }
            found.push(read(self, EntryName { kind, name }, entry)?);
        }
        Ok(found)
    }

    fn unreadable(&self, at: EntryName, reason: impl ToString) -> GridError {
        let EntryName { kind, name } = at;
        let (line, name, reason) = (self.line(name), name.get_ref().clone(), reason.to_string());
        GridError::Entry { line, kind, name, reason }
    }

    /// Checks that exactly one of some keys is given.
    fn expect_one(
        &self,
        at: EntryName,
        keys: &'static str,
        given: &[bool],
    ) -> Result<(), GridError> {
        match given.iter().filter(|is_given| **is_given).count() {
            1 => Ok(()),
            found => Err(self.origin(at, keys, found)),
        }
    }

    fn origin(&self, at: EntryName, keys: &'static str, found: usize) -> GridError {
        let EntryName { kind, name } = at;
        let (line, name) = (self.line(name), name.get_ref().clone());
        GridError::Origin { line, kind, name, found, keys }
    }

    /// The bytes of a file that the grid names.
    fn file(&mut self, at: EntryName, name: &str, most: u64) -> Result<Vec<u8>, GridError> {
        let bytes = read_regular(&self.folder.join(name), most);
        let bytes = bytes.map_err(|error| self.unreadable(at, error))?;
        self.files.insert(name.to_owned(), Digest::of(&bytes));
        Ok(bytes)
    }

    /// The text given in the grid, or that of the file named there.
    fn text(
        &mut self,
        at: EntryName,
        text: Option<&String>,
        file: Option<&String>,
    ) -> Result<String, GridError> {
        match (text, file) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(file)) => String::from_utf8(self.file(at, file, MAX_SETTINGS)?)
                .map_err(|error| self.unreadable(at, error)),
            (None, None) => Ok(String::new()),
        }
    }

    /// The recipe of a file whose text has been read; the specs that it names belong to the grid as well.
    fn recipe(
        &mut self,
        at: EntryName,
        name: &str,
        text: &[u8],
    ) -> Result<Result<Recipe, RecipeError>, GridError> {
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        for spec in Recipe::spec_files(text).unwrap_or_default() {
            self.file(at, &folder.join(spec).display().to_string(), MAX_SETTINGS)?;
        }
        Ok(Recipe::open(&self.folder.join(name)))
    }

    fn model(&mut self, at: EntryName, entry: &ModelEntry) -> Result<GridModel, GridError> {
        let ModelEntry { recipe, recipe_file, file, hold, family, seed, needs, .. } = entry;
        let given = [recipe.is_some(), recipe_file.is_some(), file.is_some(), hold.is_some()];
        self.expect_one(at, "`recipe`, `recipe-file`, `file`, `hold`", &given)?;
        if let Some(family) = family.as_ref().filter(|_| hold.is_none()) {
            return self.value(family, "family", "nothing: it stands beside `hold` only");
        }
        let source = match (file, hold) {
            (Some(name), _) => {
                let bytes = self.file(at, name, MAX_BYTES)?;
                Model::read(&bytes).map_err(|error| self.unreadable(at, error))?;
                ModelSource::File(self.folder.join(name))
            }
            (None, Some(hold)) => {
                ModelSource::Hold(self.held(at, hold)?, family.as_ref().map(|f| *f.get_ref()))
            }
            (None, None) => {
                let text = self.text(at, recipe.as_ref(), recipe_file.as_ref())?;
                let recipe = match recipe_file {
                    Some(name) => self.recipe(at, name, text.as_bytes())?,
                    None => Recipe::read(text.as_bytes()),
                };
                ModelSource::Recipe(recipe.map_err(|error| self.unreadable(at, error))?)
            }
        };
        let name = at.name.get_ref().clone();
        Ok(GridModel { name, source, needs: needs.clone(), seed: *seed })
    }

    /// The specs that a model is trained to hold.
    fn held(&mut self, at: EntryName, hold: &Spanned<Vec<String>>) -> Result<Vec<Spec>, GridError> {
        if hold.get_ref().is_empty() {
            return self.value(
                hold,
                "hold",
                "at least one file of a spec, or name of a [[property]]",
            );
        }
        let read = |name: &String| {
            if let Some(stated) = self.stated.iter().find(|stated| stated.name == *name) {
                return stated.check().map_err(|error| self.unreadable(at, error));
            }
            let bytes = self.file(at, name, MAX_SETTINGS)?;
            Spec::read(&bytes).map_err(|error| self.unreadable(at, format!("{name}: {error}")))
        };
        hold.get_ref().iter().map(read).collect()
    }

    fn property(
        &mut self,
        at: EntryName,
        entry: &PropertyEntry,
    ) -> Result<GridProperty, GridError> {
        let given = [entry.spec.is_some(), entry.spec_file.is_some()];
        self.expect_one(at, "`spec`, `spec-file`", &given)?;
        if let Some(rows) = entry.rows.as_ref().filter(|rows| *rows.get_ref() == 0) {
            return self.value(rows, "rows", "at least 1");
        }
        if let Some(found) = &entry.declared
            && !matches!(found.get_ref().as_str(), "increasing" | "decreasing")
        {
            return self.value(found, "declared", "\"increasing\" or \"decreasing\"");
        }
        let property = GridProperty {
            name: at.name.get_ref().clone(),
            text: self.text(at, entry.spec.as_ref(), entry.spec_file.as_ref())?,
            declared: entry.declared.as_ref().map(|direction| direction.get_ref().clone()),
            part: self.part(entry)?,
            rows: entry.rows.as_ref().map(|rows| *rows.get_ref()),
            is_spread: self.spread(entry)?,
            budget_nodes: entry.budget_nodes,
            is_for_thief: entry.for_attackers,
            is_behind_defenses: entry.behind_defenses.unwrap_or(true),
            only: only(&entry.only),
            needs: entry.needs.clone(),
        };
        property.check().map_err(|error| self.unreadable(at, error))?;
        Ok(property)
    }

    fn attack(&mut self, at: EntryName, entry: &AttackEntry) -> Result<GridAttack, GridError> {
        let given = [entry.attack.is_some(), entry.attack_file.is_some()];
        self.expect_one(at, "`attack`, `attack-file`", &given)?;
        let text = self.text(at, entry.attack.as_ref(), entry.attack_file.as_ref())?;
        let spec = AttackSpec::read(text.as_bytes()).map_err(|error| self.unreadable(at, error))?;
        Ok(GridAttack {
            name: at.name.get_ref().clone(),
            spec,
            is_behind_defenses: entry.behind_defenses.unwrap_or(true),
            has_angles: entry.angles,
            certified: self.certified(entry)?,
            only: only(&entry.only),
            needs: entry.needs.clone(),
        })
    }

    fn leak(&self, leak: &LeakFile, properties: &[GridProperty]) -> Result<Leak, GridError> {
        let name = leak.published.get_ref();
        let Some(published) = properties.iter().position(|property| property.name == *name) else {
            return self.value(&leak.published, "published", "the name of a [[property]]");
        };
        let queries = leak.queries.get_ref().clone();
        if queries.is_empty() || queries.contains(&0) {
            return self.value(
                &leak.queries,
                "queries",
                "numbers of queries, at least one of 1 or more",
            );
        }
        Ok(Leak { published, queries })
    }
}

fn only(names: &[Spanned<String>]) -> Vec<String> {
    names.iter().map(|name| name.get_ref().clone()).collect()
}

/// Repetitions of every attack if the grid names none: enough for an interval that means something.
const REPETITIONS: u64 = 20;

/// The names that are taken.
const NAME: &str = "a name of up to 64 letters, digits, -, _ or ., that begins with a letter or a digit and is not `none`";

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "data = ['d']\n[[model]]\nname = 'm'\nrecipe = \"family = 'mlp'\"\n";

    /// A recipe names its specs from its own folder on, and they belong to the grid.
    #[test]
    fn the_study_of_defenses_is_read_with_the_specs_of_its_recipes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("studies");
        let bytes = std::fs::read(folder.join("defenses.toml")).unwrap();
        let grid = read(&bytes, &folder).unwrap();
        let is_named = |name: &&String| name.ends_with("local-invariance-0.1.toml");
        assert_eq!(grid.files.keys().filter(is_named).count(), 1, "{:?}", grid.files.keys());
    }

    /// All but the grid that names a model which it says how to train.
    #[test]
    fn the_studies_that_ship_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("studies");
        for name in ["demo", "defenses", "training", "paper", "frontier"] {
            let bytes = std::fs::read(folder.join(format!("{name}.toml"))).unwrap();
            let grid = read(&bytes, &folder);
            assert!(grid.is_ok(), "{name}: {:?}", grid.err());
        }
    }

    fn refusal(text: &str) -> String {
        read(text.as_bytes(), Path::new("")).expect_err(text).to_string()
    }

    #[test]
    fn the_shortest_grid_has_one_cell() {
        let grid = read(START.as_bytes(), Path::new("")).unwrap();
        assert_eq!((grid.seed, grid.repetitions, grid.budget_nodes), (0, 20, 500));
        assert_eq!(grid.layout().count(), Some(1));
    }

    #[test]
    fn data_stand_in_keys_under_the_names_of_their_files() {
        let text = START.replace("['d']", "['spambase', 'mails/one.csv', 'two.csv.gz', 'three/']");
        let grid = read(text.as_bytes(), Path::new("")).unwrap();
        assert_eq!(grid.layout().data, ["spambase", "one", "two", "three"]);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let property = "[[property]]\nname = 'p'\n";
        let spec = "spec = \"property = 'label'\\nepsilon = '0.1'\"\n";
        let attack = "[[attack]]\nname = 'a'\n";
        let defense = "[[defense]]\nname = 'f'\n";
        for (more, facts) in [
            ("[[models]]\nname = 'n'", &["line 5", "unknown field `models`"] as &[&str]),
            ("[[model]]\nname = 'n'\nrecipes = ''", &["line 7", "unknown field `recipes`"]),
            ("[[model]]\nrecipe = ''", &["line 5", "missing field `name`"]),
            ("[[model]]\nname = 'n'", &["line 6: model `n` has 0", "`recipe-file`", "exactly one"]),
            ("[[model]]\nname = 'n'\nrecipe = ''\nfile = ''", &["line 6: model `n` has 2"]),
            ("[[model]]\nname = 'n'\nrecipe = \"family = 'zoo'\"", &["line 6: model `n`: `zoo`"]),
            ("[[model]]\nname = 'n'\nfile = 'no.json'", &["line 6: model `n`: no.json"]),
            ("[[model]]\nname = 'M'\nrecipe = \"family = 'mlp'\"", &["line 6: model `M` is named"]),
            ("[[model]]\nname = 'a/b'\nrecipe = ''", &["line 6: `name` is \"a/b\"", "letters"]),
            ("[[model]]\nname = 'n'\nneeds = ['luck']", &["line 7", "luck", "two-classes"]),
            (&format!("{property}{spec}rows = 0"), &["line 8: `rows` is 0; expected at least 1"]),
            (&format!("{property}{spec}part = 'served'"), &["line 8: `part` is Served", "`test`"]),
            (&format!("{property}{spec}spread = true"), &["line 8: `spread` is true", "`rows`"]),
            (&format!("{property}{spec}rows = -1"), &["line 8", "-1"]),
            (&format!("{property}{spec}part = 'all'"), &["line 8", "all", "auxiliary"]),
            (&format!("{property}{spec}{property}{spec}"), &["line 9: property `p` is named as"]),
            (&format!("{property}spec = ''"), &["line 6: property `p`: a spec needs the key"]),
            (&format!("{property}spec-file = 'no.toml'"), &["property `p`: no.toml"]),
            (
                &format!("{property}spec = \"property = 'label'\"\ndeclared = 'up'"),
                &["line 8: `declared` is \"up\"", "decreasing"],
            ),
            (&format!("{attack}attack = \"attack = 'guess'\""), &["attack `a`", "guess"]),
            (defense, &["line 6: defense `f` has 0 of the keys `points`, `parameters`"]),
            (&format!("{defense}kind = 'pq'\npoints = 1.0"), &["line 7: `kind` is \"pq\"", "am"]),
            (&format!("{defense}alpha = '0.1'\nparameters = 'alpha=0.1'"), &["has 2 of the keys"]),
            (&format!("{defense}kind = 'am'\nparameters = 'nu=5'"), &["`tau` is missing"]),
            (&format!("{defense}points = -1.0"), &["line 7: `points` is -1.0; expected 0 or more"]),
            (
                &format!("{defense}threshold-of = 'g'"),
                &["line 7: `threshold-of` is \"g\"", "before it"],
            ),
            (
                &format!("{defense}kind = 'mixture'\nthreshold-of = 'f'"),
                &["line 8: `threshold-of`", "`pp`"],
            ),
            (&format!("{defense}points = 1\nthreshold-of = 'f'"), &["has 2 of the keys"]),
            (&format!("{defense}points = nan"), &["line 7: `points` is NaN"]),
            (&format!("{defense}alpha = '0.5'"), &["defense `f`: alpha is 0.5"]),
            ("[[defense]]\nname = 'none'\npoints = 1.0", &["`name` is \"none\""]),
            (
                &format!("{attack}attack = \"attack = 'random'\"\ncertify = 'q'"),
                &["line 8: `certify` is \"q\"", "[[property]]"],
            ),
            ("[gives-away]\npublished = 'q'\nqueries = [1]", &["line 6", "[[property]]"]),
            (
                &format!("{property}{spec}[gives-away]\npublished = 'p'\nqueries = []"),
                &["line 10: `queries` is []"],
            ),
        ] {
            let message = refusal(&format!("{START}{more}\n"));
            for fact in facts {
                assert!(message.contains(fact), "{more}\n`{fact}` is not in\n{message}");
            }
        }
    }

    #[test]
    fn grids_without_anything_or_too_large_are_refused() {
        for (text, fact) in [
            ("", "missing field `data`"),
            ("data = []", "at least one data set"),
            ("data = ['d']", "at least one [[model]]"),
            ("data = ['d', 'x/D']", "line 1: data `D` is named"),
            ("data = ['none of these']", "letters, digits"),
            ("data = ['d']\nrepetitions = 0", "line 2: `repetitions` is 0; expected at least 1"),
            ("data = ['d']\nrepetitions = 10001", "at most 10000"),
            ("data = ['d']\nseed = -1", "line 2"),
            ("\u{0}", "not a grid"),
        ] {
            let message = refusal(text);
            assert!(message.contains(fact), "{text}\n{message}");
        }
        let shared = START.replace("'m'", "'m-f'")
            + "[[model]]\nname = 'm'\nrecipe = \"family = 'mlp'\"\n[[defense]]\nname = 'f'\npoints = 1";
        assert!(refusal(&shared).contains("folder `m-f`"), "{}", refusal(&shared));
    }
}
