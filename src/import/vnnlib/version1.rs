//! VNN-LIB 1.0 declares every input and output on its own: `(declare-const X_0 Real)` or
//! `(declare-fun X_0 () Real)`.

use super::error::VnnlibError;
use super::lexer::Token;
use super::reader::Reader;
use super::tensors::NetworkEnd;

impl Reader<'_> {
    /// Reads the rest of a `(declare-const`, or of a `(declare-fun`, which has an empty list
    /// of arguments. The names are `X_0`, `X_1`, … and `Y_0`, `Y_1`, … in this order.
    pub(super) fn declare_const(&mut self, is_function: bool) -> Result<(), VnnlibError> {
        let place = self.lexer.place();
        let expected = "X_0, X_1, … and Y_0, Y_1, … in this order";
        let Token::Word(name) = self.lexer.peek() else {
            return Err(self.lexer.unexpected(expected));
        };
        let side = if *name == *format!("X_{}", self.tensors.inputs()) {
            NetworkEnd::Input
        } else if *name == *format!("Y_{}", self.tensors.outputs()) {
            NetworkEnd::Output
        } else {
            return Err(self.lexer.unexpected(expected));
        };
        self.lexer.next();
        self.tensors.declare((name, place), side, Vec::new())?;
        if is_function {
            self.lexer.expect(Token::Open, "`()`: an input or output takes no arguments")?;
            self.lexer.expect(Token::Close, "`)`: an input or output takes no arguments")?;
        }
        self.real()
    }

    /// Reads the type of real numbers.
    pub(super) fn real(&mut self) -> Result<(), VnnlibError> {
        match self.lexer.peek() {
            Token::Word("Real" | "real") => {
                self.lexer.next();
                Ok(())
            }
            Token::Word(word) => {
                let expected = "inputs and outputs are real";
                Err(self.lexer.unsupported(format!("type `{word:.60}`"), expected))
            }
            _ => Err(self.lexer.unexpected("`Real`")),
        }
    }
}
