//! The target of `--target-exec`.

use std::time::Duration;

use crate::dataset;
use crate::model::DataSet;
use crate::oracle::{Exchange, Heard, OutsideTarget, Response};

use super::super::Refusal;
use super::TheftCall;
use super::progress::{AnswerLog, MISPLACED};

/// The command as a target. Its features are those of the data, standardised by the training rows.
pub(super) fn target(
    theft: &TheftCall,
    command: &str,
    data: &DataSet,
    (log, response): (AnswerLog, Response),
) -> Result<OutsideTarget, Refusal> {
    let seconds = theft.arguments.time_limit;
    if !(1..=86_400).contains(&seconds) {
        let text = format!("--time-limit {seconds}: expected from 1 to 86400 seconds");
        return Err(Refusal::new(text));
    }
    let schema = dataset::schema(data)?;
    let (limit, AnswerLog { known, file }) = (Duration::from_secs(seconds), log);
    let keep = move |news: Heard| {
        let lines: String = match news {
            Heard::Answers(answers) => answers.iter().map(Exchange::line).collect(),
            Heard::Misplaced => MISPLACED.to_owned() + "\n",
        };
        file.add(&lines).map_err(|error| error.to_string())
    };
    let keep = Box::new(keep);
    let target = OutsideTarget::new(command, schema, data.classes(), limit, known, keep);
    Ok(target.answering(response))
}
