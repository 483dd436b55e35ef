//! Tokens with their places. Nothing is copied, and only the current token is held.

use super::error::{Place, VnnlibError};

/// A token; comments (`;` to the end of the line) and white space lie between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `,`
    Comma,
    /// A name, a number, or an operator. A run of `<`, `>`, `=` and `!` ends any other word.
    Word(&'a str),
    /// A text in double quotes, without them.
    Text(&'a str),
    /// The end of the file.
    End,
}

impl Token<'_> {
    /// The name of the token in messages.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::OpenBracket => "`[`".to_owned(),
            Self::CloseBracket => "`]`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Word(word) => format!("`{word:.60}`"),
            Self::Text(text) => format!("\"{text:.60}\""),
            Self::End => "the end of the file".to_owned(),
        }
    }
}

/// Reads tokens and looks one token ahead.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    /// The text after the current token.
    rest: &'a str,
    /// The place at which `rest` starts.
    place: Place,
    /// The current token, and the place at which it starts.
    ahead: (Token<'a>, Place),
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let place = Place { line: 1, column: 1 };
        let mut lexer = Self { rest: text, place, ahead: (Token::End, place) };
        lexer.advance();
        lexer
    }

    /// The next token, without taking it.
    pub(super) fn peek(&self) -> Token<'a> {
        self.ahead.0
    }

    /// The place at which the next token starts.
    pub(super) fn place(&self) -> Place {
        self.ahead.1
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.advance();
        token
    }

    /// Takes the next token, which must be `token`.
    pub(super) fn expect(
        &mut self,
        token: Token<'_>,
        expected: &'static str,
    ) -> Result<(), VnnlibError> {
        if self.peek() != token {
            return Err(self.unexpected(expected));
        }
        self.advance();
        Ok(())
    }

    /// Takes a word.
    pub(super) fn word(&mut self, expected: &'static str) -> Result<&'a str, VnnlibError> {
        let Token::Word(word) = self.peek() else { return Err(self.unexpected(expected)) };
        self.advance();
        Ok(word)
    }

    /// The refusal of the next token as a syntax error.
    pub(super) fn unexpected(&self, expected: &'static str) -> VnnlibError {
        VnnlibError::Syntax { place: self.place(), found: self.peek().describe(), expected }
    }

    /// The refusal of a part of the language at the next token.
    pub(super) fn unsupported(&self, what: String, expected: &'static str) -> VnnlibError {
        VnnlibError::Unsupported { place: self.place(), what, expected }
    }

    fn advance(&mut self) {
        self.skip_blanks();
        let place = self.place;
        let length = length_of_token(self.rest.as_bytes());
        let text = self.take(length);
        let token = match text.as_bytes().first() {
            None => Token::End,
            Some(b'(') => Token::Open,
            Some(b')') => Token::Close,
            Some(b'[') => Token::OpenBracket,
            Some(b']') => Token::CloseBracket,
            Some(b',') => Token::Comma,
            Some(b'"') if text.len() > 1 => Token::Text(text.trim_matches('"')),
            Some(_) => Token::Word(text),
        };
        self.ahead = (token, place);
    }

    fn skip_blanks(&mut self) {
        loop {
            let blanks = self.rest.bytes().take_while(u8::is_ascii_whitespace).count();
            self.take(blanks);
            if !self.rest.starts_with(';') {
                return;
            }
            let comment = self.rest.bytes().take_while(|byte| *byte != b'\n').count();
            self.take(comment);
        }
    }

    /// Takes the next `length` bytes, which must end between two characters.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.place = after(self.place, taken.as_bytes());
        taken
    }
}

/// The place after `bytes`, which start at `place`.
pub(super) fn after(place: Place, bytes: &[u8]) -> Place {
    bytes.iter().fold(place, |Place { line, column }, byte| match byte {
        b'\n' => Place { line: line + 1, column: 1 },
        // a byte inside a character
        0x80..0xc0 => Place { line, column },
        _ => Place { line, column: column + 1 },
    })
}

/// Number of bytes of the token at the start.
fn length_of_token(bytes: &[u8]) -> usize {
    let run = |inside: fn(&u8) -> bool| bytes.iter().take_while(|byte| inside(byte)).count();
    match bytes.first() {
        None => 0,
        Some(b'(' | b')' | b'[' | b']' | b',') => 1,
        Some(b'"') => match bytes.iter().skip(1).position(|b| matches!(b, b'"' | b'\n')) {
            Some(end) if bytes.get(end + 1) == Some(&b'"') => end + 2,
            // an open quote is a word of its own, which is refused later
            _ => 1,
        },
        Some(byte) if is_comparison(byte) => run(is_comparison),
        Some(_) => run(is_inside_word),
    }
}

fn is_comparison(byte: &u8) -> bool {
    matches!(byte, b'<' | b'>' | b'=' | b'!')
}

fn is_inside_word(byte: &u8) -> bool {
    let ends = matches!(byte, b'(' | b')' | b'[' | b']' | b',' | b';' | b'"');
    !ends && !byte.is_ascii_whitespace() && !is_comparison(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(String, u32, u32)> {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        while lexer.peek() != Token::End {
            let place = lexer.place();
            found.push((lexer.next().describe(), place.line, place.column));
        }
        found
    }

    #[test]
    fn tokens_carry_lines_and_columns() {
        let found = tokens("(<2.0> ; ä (\r\n é\"a b\" Y[1,2]<=-0.5)\n \"open");
        let expected = [
            ("`(`", 1, 1),
            ("`<`", 1, 2),
            ("`2.0`", 1, 3),
            ("`>`", 1, 6),
            ("`é`", 2, 2),
            ("\"a b\"", 2, 3),
            ("`Y`", 2, 9),
            ("`[`", 2, 10),
            ("`1`", 2, 11),
            ("`,`", 2, 12),
            ("`2`", 2, 13),
            ("`]`", 2, 14),
            ("`<=`", 2, 15),
            ("`-0.5`", 2, 17),
            ("`)`", 2, 21),
            ("`\"`", 3, 2),
            ("`open`", 3, 3),
        ];
        assert_eq!(found, expected.map(|(text, line, column)| (text.to_owned(), line, column)));
    }
}
