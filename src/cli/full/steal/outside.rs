//! The target of `--target-exec`.

use std::time::Duration;

use crate::dataset;
use crate::model::DataSet;
use crate::oracle::{Exchange, OutsideTarget};

use super::super::Refusal;
use super::TheftCall;
use super::progress::AnswerLog;

/// The command as a target. Its features are those of the data, standardised by the training rows.
pub(super) fn target(
    theft: &TheftCall,
    command: &str,
    data: &DataSet,
    log: AnswerLog,
) -> Result<OutsideTarget, Refusal> {
    let seconds = theft.arguments.time_limit;
    if !(1..=86_400).contains(&seconds) {
        let text = format!("--time-limit {seconds}: expected from 1 to 86400 seconds");
        return Err(Refusal::new(text));
    }
    let schema = dataset::schema(data)?;
    let (limit, AnswerLog { known, file }) = (Duration::from_secs(seconds), log);
    let keep = move |answers: &[Exchange]| {
        let lines: String = answers.iter().map(Exchange::line).collect();
        file.add(&lines).map_err(|error| error.to_string())
    };
    Ok(OutsideTarget::new(command, schema, data.classes(), limit, known, Box::new(keep)))
}
