//! The frame of an SMT-LIB script, as some files of version 1.0 have it:
//!
//! ```text
//! (set-logic QF_LRA) (set-info :status sat)   declarations, asserts   (check-sat) (get-model) (exit)
//! ```
//!
//! The frame says nothing about inputs and outputs. A file that goes on with asserts or declarations after
//! `check-sat` asks another question, and is refused.

use super::error::VnnlibError;
use super::lexer::Token;
use super::reader::Reader;

/// Progress through a script.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// True once the question is asked.
    is_asked: bool,
}

impl Reader<'_> {
    /// Skips a command of the frame, up to its closing parenthesis; `false` if the command is not one of the frame.
    pub(super) fn frame(&mut self, script: &mut Script) -> Result<bool, VnnlibError> {
        match self.lexer.peek() {
            Token::Word("check-sat" | "get-model" | "exit") => {
                script.is_asked = true;
                self.lexer.next();
                Ok(true)
            }
            Token::Word("set-logic" | "set-info" | "set-option") => {
                self.lexer.next();
                self.skip()?;
                Ok(true)
            }
            Token::Word(word @ ("assert" | "declare-const" | "declare-fun")) if script.is_asked => {
                let expected = "a file asks one question, and `check-sat` ends it";
                Err(self.lexer.unsupported(format!("`{word}` after `check-sat`"), expected))
            }
            _ => Ok(false),
        }
    }

    /// Skips words and texts up to a closing parenthesis; none of them needs parentheses.
    fn skip(&mut self) -> Result<(), VnnlibError> {
        while let Token::Word(_) | Token::Text(_) = self.lexer.peek() {
            self.lexer.next();
        }
        match self.lexer.peek() {
            Token::Close => Ok(()),
            _ => Err(self.lexer.unexpected("a word, a text or `)`")),
        }
    }
}
