//! `propcert completions` and `propcert man`: this command line for shells and manuals.

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::super::Cli;
use super::{Ending, Refusal, files};

/// Print completions of this command line for a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  propcert completions bash > ~/.local/share/bash-completion/completions/propcert"
)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

/// Print the manual page of the program, or of a verb.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propcert man > propcert.1\n  propcert man certify | man -l -")]
pub(crate) struct ManArguments {
    /// The verb, with its own verb behind it where it has some [default: the program].
    verb: Vec<String>,
}

/// Runs the verb.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<Ending, Refusal> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "propcert", &mut text);
    files::print(&String::from_utf8(text)?)?;
    Ok(Ending::AsStated)
}

/// Runs the verb.
pub(crate) fn man(arguments: &ManArguments) -> Result<Ending, Refusal> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let command = arguments.verb.iter().try_fold(program, |command, verb| below(&command, verb))?;
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    files::print(&String::from_utf8(text)?)?;
    Ok(Ending::AsStated)
}

/// A verb of a command, under its whole name.
fn below(command: &Command, verb: &str) -> Result<Command, Refusal> {
    let found = command.find_subcommand(verb).ok_or_else(|| {
        let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let near = crate::near::advice(verb, known.iter().copied());
        let known = known.join(", ");
        Refusal::new(format!("`{verb}` is no verb of {}{near}; known: {known}", command.get_name()))
    })?;
    Ok(found
        .clone()
        .display_name(format!("{}-{verb}", command.get_display_name().unwrap_or("propcert"))))
}
