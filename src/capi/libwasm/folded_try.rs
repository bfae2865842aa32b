//! Legacy exceptions in the text format: their folded form, which the parser does not know, made one that it does.
//!
//! ```text
//! (try $l (result i32) (do A) (catch $e B) (catch_all C))    (end try $l (result i32) A catch $e B catch_all C)
//! (try (do A) (delegate $l))                                 (delegate $l try A)
//! ```
//!
//! An instruction in parentheses comes behind those that follow it there, so the `end` and the `delegate` come where they belong, and
//! what stood in parentheses may do so still. All else keeps its place: what goes becomes blanks, and what is inserted is known, so
//! that errors name the line and the column of the text that was given.
//!
//! Depends on nothing else of the library: the driver of the official suite, which reads whole scripts, has this file too.

use std::borrow::Cow;
use wast::Error;
use wast::lexer::{Lexer, Token, TokenKind};
use wast::token::Span;

/// A text without folded `try`.
#[derive(Debug)]
pub struct Unfolded<'a> {
    pub text: Cow<'a, str>,
    /// What was inserted: where, in the text as it was, and how many bytes.
    insertions: Vec<(usize, usize)>,
}

impl Unfolded<'_> {
    /// Where in the text as it was a place of the unfolded one is.
    pub fn original(&self, offset: usize) -> usize {
        let mut inserted = 0;
        for &(at, length) in &self.insertions {
            if offset < at + inserted {
                break;
            }
            if offset < at + inserted + length {
                return at;
            }
            inserted += length;
        }
        offset - inserted
    }
}

/// A list in parentheses that is open.
enum List {
    /// `(try`, with the place of what is inserted before it among the insertions, and what has been read of it.
    Try(usize, Part),
    /// `(do`, `(catch` or `(catch_all` in such a list.
    Clause,
    /// `(delegate` in such a list, and whether its label has been read.
    Delegate(bool),
    /// An annotation: what is in it means nothing here.
    Annotation,
    Other,
}

/// What has been read of a folded `try`.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Part {
    Label,
    Type,
    Body,
    Catch,
    Last,
}

/// The text that `lexer` reads, with folded `try`s unfolded. What is not well-formed otherwise is left to the parser.
pub fn unfold<'a>(lexer: &Lexer<'a>) -> Result<Unfolded<'a>, Error> {
    let text = lexer.input();
    if !text.contains("try") {
        return Ok(Unfolded { text: text.into(), insertions: Vec::new() });
    }
    let mut unfolder = Unfolder { text, bytes: text.as_bytes().to_vec(), lists: Vec::new(), insertions: Vec::new() };
    let (mut opened, mut annotations) = (None, 0usize);
    for token in lexer.iter(0) {
        let Ok(token) = token else { break };
        match token.kind {
            TokenKind::LineComment | TokenKind::BlockComment | TokenKind::Whitespace => continue,
            TokenKind::LParen => {
                unfolder.check_list_in_list(token, opened)?;
                unfolder.lists.push(List::Other);
                opened = Some(token);
                continue;
            }
            TokenKind::RParen => match unfolder.lists.pop() {
                Some(List::Annotation) => annotations -= 1,
                Some(list) => unfolder.close(list, token)?,
                None => break,
            },
            TokenKind::Annotation => {
                // The parenthesis before it is a token of its own.
                if let Some(list) = unfolder.lists.last_mut() {
                    *list = List::Annotation;
                    annotations += 1;
                }
            }
            _ if annotations > 0 => {}
            _ => match opened {
                Some(paren) => unfolder.open(paren, token)?,
                None => unfolder.plain(token)?,
            },
        }
        opened = None;
    }
    Ok(unfolder.finish())
}

struct Unfolder<'a> {
    text: &'a str,
    bytes: Vec<u8>,
    lists: Vec<List>,
    insertions: Vec<(usize, String)>,
}

fn unexpected(token: Token, expected: &str) -> Error {
    Error::new(Span::from_offset(token.offset), format!("unexpected token, expected {expected}"))
}

/// What may follow, in words.
fn expected(part: Part) -> &'static str {
    match part {
        Part::Label | Part::Type => "`(do`",
        Part::Body => "`(catch`, `(catch_all`, `(delegate` or `)`",
        Part::Catch => "`(catch`, `(catch_all` or `)`",
        Part::Last => "`)`",
    }
}

impl<'a> Unfolder<'a> {
    fn blank(&mut self, token: Token) {
        self.bytes[token.offset..token.offset + token.len as usize].fill(b' ');
    }

    /// A parenthesis right behind another one opens nothing that a `try` or `delegate` has.
    fn check_list_in_list(&self, token: Token, opened: Option<Token>) -> Result<(), Error> {
        let outer = self.lists.len().checked_sub(1 + usize::from(opened.is_some()));
        match outer.map(|index| &self.lists[index]) {
            Some(&List::Try(_, part)) if opened.is_some() => Err(unexpected(token, expected(part))),
            Some(List::Delegate(_)) => Err(unexpected(token, "a label and `)`")),
            _ => Ok(()),
        }
    }

    /// The first token behind a parenthesis.
    fn open(&mut self, paren: Token, token: Token) -> Result<(), Error> {
        let keyword = token.src(self.text);
        let new = match self.lists.len().checked_sub(2).map(|outer| &mut self.lists[outer]) {
            Some(List::Try(_, part)) => {
                let (list, next) = match (*part, keyword) {
                    (Part::Label | Part::Type, "param" | "result" | "type") => (List::Other, Part::Type),
                    (Part::Label | Part::Type, "do") => (List::Clause, Part::Body),
                    (Part::Body | Part::Catch, "catch") => (List::Clause, Part::Catch),
                    (Part::Body | Part::Catch, "catch_all") => (List::Clause, Part::Last),
                    (Part::Body, "delegate") => (List::Delegate(false), Part::Last),
                    (part, _) => return Err(unexpected(token, expected(part))),
                };
                *part = next;
                match list {
                    List::Clause | List::Delegate(_) => self.blank(paren),
                    _ => {}
                }
                if matches!(keyword, "do" | "delegate") {
                    self.blank(token);
                }
                list
            }
            _ if keyword == "try" => {
                self.insertions.push((token.offset, "end ".to_owned()));
                List::Try(self.insertions.len() - 1, Part::Label)
            }
            _ => List::Other,
        };
        if let Some(list) = self.lists.last_mut() {
            *list = new;
        }
        Ok(())
    }

    /// A token that does not stand behind a parenthesis.
    fn plain(&mut self, token: Token) -> Result<(), Error> {
        match self.lists.last_mut() {
            Some(List::Try(_, part @ Part::Label)) if token.kind == TokenKind::Id => {
                *part = Part::Type;
                Ok(())
            }
            Some(List::Try(_, part)) => Err(unexpected(token, expected(*part))),
            Some(List::Delegate(has_label @ false)) if matches!(token.kind, TokenKind::Id | TokenKind::Integer(_)) => {
                *has_label = true;
                let label = token.src(self.text);
                if let Some(&List::Try(index, _)) = self.lists.len().checked_sub(2).map(|outer| &self.lists[outer]) {
                    self.insertions[index].1 = format!("delegate {label} ");
                }
                self.blank(token);
                Ok(())
            }
            Some(List::Delegate(_)) => Err(unexpected(token, "a label and `)`")),
            _ => Ok(()),
        }
    }

    /// The end of a list.
    fn close(&mut self, list: List, token: Token) -> Result<(), Error> {
        match list {
            List::Try(_, part @ (Part::Label | Part::Type)) => Err(unexpected(token, expected(part))),
            List::Delegate(false) => Err(unexpected(token, "a label")),
            List::Clause | List::Delegate(true) => {
                self.blank(token);
                Ok(())
            }
            List::Try(..) | List::Annotation | List::Other => Ok(()),
        }
    }

    fn finish(self) -> Unfolded<'a> {
        let inserted: usize = self.insertions.iter().map(|(_, words)| words.len()).sum();
        let mut bytes = Vec::with_capacity(self.bytes.len() + inserted);
        let (mut done, mut insertions) = (0, Vec::with_capacity(self.insertions.len()));
        for (at, words) in self.insertions {
            bytes.extend_from_slice(&self.bytes[done..at]);
            bytes.extend_from_slice(words.as_bytes());
            insertions.push((at, words.len()));
            done = at;
        }
        bytes.extend_from_slice(&self.bytes[done..]);
        // Whole tokens became blanks, and whole words were inserted between tokens: nothing is lost here.
        let text = String::from_utf8_lossy(&bytes).into_owned().into();
        Unfolded { text, insertions }
    }
}
