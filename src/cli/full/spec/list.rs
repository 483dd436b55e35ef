//! `propcert spec list`: the properties, a line each.

use crate::spec::Property;

use super::super::{Ending, Refusal, files};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The list as JSON, with the keys that each property needs.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<Ending, Refusal> {
    files::print(&if arguments.json { json() } else { text() })?;
    Ok(Ending::AsStated)
}

fn text() -> String {
    let width = Property::NAMES.into_iter().map(str::len).max().unwrap_or(0);
    let line = |name: &str| format!("{name:width$}  {}\n", Property::summary_of(name));
    Property::NAMES.into_iter().map(line).collect()
}

fn json() -> String {
    let one = |name: &str| {
        let (claim, needs) = (Property::summary_of(name), Property::needed_by(name));
        serde_json::json!({ "property": name, "claim": claim, "needs": needs })
    };
    let all: Vec<_> = Property::NAMES.into_iter().map(one).collect();
    format!("{}\n", serde_json::json!({ "properties": all }))
}
