//! The grammar of the shell language, as far as maintainer scripts use it.

use super::word::{self, Word};

/// A script that the parser does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the script uses the shell in a way that is not read")]
pub struct ShellError;

/// Commands in order, each with what leads to the next.
pub type List = Vec<Item>;

/// One pipeline or compound command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub command: Command,
    /// Whether it stands behind `&&` (true) or `||` (false), or begins anew.
    pub after: Option<bool>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Assignments, words, and whether it writes to a file.
    Simple {
        /// `NAME=word`.
        assignments: Vec<(String, Word)>,
        /// Name and arguments.
        words: Vec<Word>,
        /// Where its output goes, when that is a file.
        writes: Option<Word>,
    },
    /// `a | b | c`; the status is that of the last.
    Pipeline(Vec<Command>),
    /// `! command`.
    Not(Box<Command>),
    /// `{ … }` or `( … )`.
    Group(List),
    /// `if`: conditions with their branches, and `else`.
    If(Vec<(List, List)>, List),
    /// `case`: the word, and each arm's patterns with its list.
    Case(Word, Vec<(Vec<Word>, List)>),
    /// `while` and `until`: condition and body.
    While(List, List),
    /// `for NAME in words`.
    For(String, Vec<Word>, List),
    /// A function.
    Function(String, List),
}

/// How deep commands may nest.
const DEPTH: usize = 100;

/// The commands of the script `text`.
pub fn parse(text: &str) -> Result<List, ShellError> {
    let text: Vec<char> = text.chars().collect();
    let mut parser = Parser { text: &text, at: 0, heredocs: Vec::new(), depth: 0 };
    let list = parser.list(&[])?;
    if parser.at < text.len() { Err(ShellError) } else { Ok(list) }
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
    /// Delimiters of the here-documents that begin at the next line.
    heredocs: Vec<String>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, wanted)| self.text.get(self.at + offset) == Some(&wanted))
    }

    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.text.get(self.at + 1) == Some(&'\n') => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|character| character != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips blanks and line breaks, and the here-documents that begin at one.
    fn lines(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some('\n') {
                return;
            }
            self.at += 1;
            for delimiter in std::mem::take(&mut self.heredocs) {
                while self.at < self.text.len() {
                    let end = self.text[self.at..].iter().position(|&character| character == '\n');
                    let end = end.map_or(self.text.len(), |offset| self.at + offset);
                    let line: String = self.text[self.at..end].iter().collect();
                    self.at = (end + 1).min(self.text.len());
                    if line.trim_start_matches('\t') == delimiter {
                        break;
                    }
                }
            }
        }
    }

    fn word(&mut self) -> Result<Option<Word>, ShellError> {
        self.blanks();
        let read = word::read(self.text, self.at)?;
        Ok(read.map(|(word, end)| {
            self.at = end;
            word
        }))
    }

    /// The bare word that comes next, without taking it.
    fn keyword(&mut self) -> Result<Option<String>, ShellError> {
        self.blanks();
        let read = word::read(self.text, self.at)?;
        Ok(read.and_then(|(word, _)| word.bare().map(str::to_owned)))
    }

    fn expect(&mut self, keyword: &str) -> Result<(), ShellError> {
        self.lines();
        match self.word()? {
            Some(word) if word.bare() == Some(keyword) => Ok(()),
            _ => Err(ShellError),
        }
    }

    /// Commands up to one of the keywords `until`, or a closing parenthesis or `;;`, which stay.
    fn list(&mut self, until: &[&str]) -> Result<List, ShellError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ShellError);
        }
        let mut list = Vec::new();
        let mut after = None;
        loop {
            self.lines();
            if self.peek().is_none_or(|character| character == ')') || self.starts(";;") {
                break;
            }
            if after.is_none() && self.keyword()?.is_some_and(|word| until.contains(&word.as_str())) {
                break;
            }
            let command = self.pipeline()?;
            list.push(Item { command, after });
            self.blanks();
            after = None;
            if self.starts("&&") || self.starts("||") {
                after = Some(self.starts("&&"));
                self.at += 2;
            } else if self.starts(";;") {
                break;
            } else if let Some(';' | '&') = self.peek() {
                self.at += 1;
            } else if self.peek().is_some_and(|character| character != '\n' && character != ')') {
                return Err(ShellError);
            }
        }
        self.depth -= 1;
        Ok(list)
    }

    fn pipeline(&mut self) -> Result<Command, ShellError> {
        let mut negated = false;
        while self.keyword()?.as_deref() == Some("!") {
            self.word()?;
            negated = !negated;
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.peek() != Some('|') || self.starts("||") {
                break;
            }
            self.at += 1;
            self.lines();
            commands.push(self.command()?);
        }
        let command = if commands.len() == 1 { commands.remove(0) } else { Command::Pipeline(commands) };
        Ok(if negated { Command::Not(Box::new(command)) } else { command })
    }

    fn command(&mut self) -> Result<Command, ShellError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ShellError);
        }
        let command = self.command_inside();
        self.depth -= 1;
        command
    }

    fn command_inside(&mut self) -> Result<Command, ShellError> {
        self.blanks();
        if self.peek() == Some('(') {
            self.at += 1;
            let list = self.list(&[])?;
            if self.peek() != Some(')') {
                return Err(ShellError);
            }
            self.at += 1;
            return self.redirected(Command::Group(list));
        }
        let compound = match self.keyword()?.as_deref() {
            Some("{") => {
                self.word()?;
                let list = self.list(&["}"])?;
                self.expect("}")?;
                Command::Group(list)
            }
            Some("if") => self.conditional()?,
            Some("case") => self.case()?,
            Some("while" | "until") => {
                self.word()?;
                let condition = self.list(&["do"])?;
                self.expect("do")?;
                let body = self.list(&["done"])?;
                self.expect("done")?;
                Command::While(condition, body)
            }
            Some("for") => self.each()?,
            Some("then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}" | "function" | "[[") => {
                return Err(ShellError);
            }
            _ => return self.simple(),
        };
        self.redirected(compound)
    }

    fn conditional(&mut self) -> Result<Command, ShellError> {
        let mut branches = Vec::new();
        self.word()?;
        loop {
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            let body = self.list(&["elif", "else", "fi"])?;
            branches.push((condition, body));
            match self.word()?.as_ref().and_then(Word::bare) {
                Some("elif") => {}
                Some("fi") => return Ok(Command::If(branches, Vec::new())),
                Some("else") => {
                    let otherwise = self.list(&["fi"])?;
                    self.expect("fi")?;
                    return Ok(Command::If(branches, otherwise));
                }
                _ => return Err(ShellError),
            }
        }
    }

    fn case(&mut self) -> Result<Command, ShellError> {
        self.word()?;
        let word = self.word()?.ok_or(ShellError)?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.lines();
            if self.keyword()?.as_deref() == Some("esac") {
                self.word()?;
                return Ok(Command::Case(word, arms));
            }
            if self.peek() == Some('(') {
                self.at += 1;
            }
            let mut patterns = Vec::new();
            loop {
                patterns.push(self.word()?.ok_or(ShellError)?);
                self.blanks();
                let next = self.peek();
                self.at += 1;
                match next {
                    Some('|') => {}
                    Some(')') => break,
                    _ => return Err(ShellError),
                }
            }
            arms.push((patterns, self.list(&["esac"])?));
            if self.starts(";;") {
                self.at += 2;
            }
        }
    }

    fn each(&mut self) -> Result<Command, ShellError> {
        self.word()?;
        let name = self.word()?.and_then(|word| word.literal()).ok_or(ShellError)?;
        self.expect("in")?;
        let mut words = Vec::new();
        while let Some(word) = self.word()? {
            words.push(word);
        }
        self.blanks();
        if self.peek() == Some(';') {
            self.at += 1;
        }
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(Command::For(name, words, body))
    }

    fn simple(&mut self) -> Result<Command, ShellError> {
        let (mut assignments, mut words, mut writes) = (Vec::new(), Vec::new(), None);
        loop {
            self.blanks();
            if self.redirection(&mut words, &mut writes)? {
                continue;
            }
            let Some(word) = self.word()? else { break };
            match assignment(&word).filter(|_| words.is_empty()) {
                Some(assignment) => assignments.push(assignment),
                None => words.push(word),
            }
            if words.len() == 1 && self.starts("()") {
                self.at += 2;
                self.lines();
                let name = words[0].literal().ok_or(ShellError)?;
                let body = self.command()?;
                return Ok(Command::Function(name, vec![Item { command: body, after: None }]));
            }
        }
        if self.peek() == Some('(') {
            // `name ()` with a blank.
            self.at += 1;
            self.blanks();
            if self.peek() != Some(')') || words.len() != 1 {
                return Err(ShellError);
            }
            self.at += 1;
            self.lines();
            let name = words[0].literal().ok_or(ShellError)?;
            let body = self.command()?;
            return Ok(Command::Function(name, vec![Item { command: body, after: None }]));
        }
        if words.is_empty() && assignments.is_empty() && writes.is_none() {
            return Err(ShellError);
        }
        Ok(Command::Simple { assignments, words, writes })
    }

    /// Redirections behind a compound command; one that writes a file becomes a command that does.
    fn redirected(&mut self, command: Command) -> Result<Command, ShellError> {
        let (mut none, mut writes) = (Vec::new(), None);
        loop {
            self.blanks();
            if !self.redirection(&mut none, &mut writes)? {
                break;
            }
        }
        let Some(writes) = writes else { return Ok(command) };
        let writer = Command::Simple { assignments: vec![], words: vec![], writes: Some(writes) };
        Ok(Command::Pipeline(vec![command, writer]))
    }

    /// Takes a redirection where one stands. A number before it was read as a word, and is taken back.
    fn redirection(&mut self, words: &mut Vec<Word>, writes: &mut Option<Word>) -> Result<bool, ShellError> {
        if self.peek() == Some('&') && self.text.get(self.at + 1) == Some(&'>') {
            self.at += 1;
        }
        let Some(direction @ ('<' | '>')) = self.peek() else { return Ok(false) };
        let before = self.at.checked_sub(1).and_then(|at| self.text.get(at));
        if before.is_some_and(char::is_ascii_digit)
            && words.last().and_then(Word::bare).is_some_and(|word| word.len() == 1)
        {
            words.pop();
        }
        self.at += 1;
        if direction == '<' && self.peek() == Some('<') {
            self.at += 1;
            if self.peek() == Some('-') {
                self.at += 1;
            }
            let delimiter = self.word()?.and_then(|word| word.literal()).ok_or(ShellError)?;
            self.heredocs.push(delimiter);
            return Ok(true);
        }
        if let Some('>' | '&' | '|') = self.peek() {
            let copies = self.peek() == Some('&');
            self.at += 1;
            if copies {
                self.word()?;
                return Ok(true);
            }
        }
        let target = self.word()?.ok_or(ShellError)?;
        if direction == '>' && target.literal().as_deref() != Some("/dev/null") {
            *writes = Some(target);
        }
        Ok(true)
    }
}

/// The name and value of a word that is an assignment.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let super::Part::Text { text, quoted: false } = word.parts.first()? else { return None };
    let (name, value) = text.split_once('=')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
        return None;
    }
    let mut parts = word.parts.clone();
    parts[0] = super::Part::Text { text: value.to_owned(), quoted: true };
    Some((name.to_owned(), Word { parts }))
}
