//! What a fresh installation would call, in order.

use std::collections::BTreeMap;

use super::parse::{Command, Item, List};
use super::test_command::{compare_versions, test};
use super::{Part, ShellError, Word, parse};

/// A call of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name and arguments; `None` for one that is not known.
    pub words: Vec<Option<String>>,
    /// The file its output goes to: `Some(None)` where that is not known.
    pub writes: Option<Option<String>>,
    /// Whether it happens for certain.
    pub certain: bool,
}

impl Call {
    /// The program's name without its folder, when it is known.
    pub fn program(&self) -> Option<&str> {
        let name = self.words.first()?.as_deref()?;
        Some(name.rsplit('/').next().unwrap_or(name))
    }

    /// All words, when every one is known.
    pub fn literal(&self) -> Option<Vec<&str>> {
        self.words.iter().map(Option::as_deref).collect()
    }
}

/// A script as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The calls in order.
    pub calls: Vec<Call>,
    /// Whether they are all: a script can be too long to follow.
    pub complete: bool,
}

/// How many commands of one script are followed.
const STEPS: usize = 20_000;

/// Reads `text` as the script that a package runs with the arguments `argument` and an empty second one.
pub fn read_script(text: &str, package: &str, argument: &str) -> Result<Script, ShellError> {
    let list = parse(text)?;
    let known =
        [("1", argument), ("2", ""), ("3", ""), ("DPKG_ROOT", ""), ("DPKG_MAINTSCRIPT_PACKAGE", package)];
    let variables =
        known.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
    let script = Script { calls: Vec::new(), complete: true };
    let mut run = Run { script, variables, functions: BTreeMap::new(), steps: 0, depth: 0, certain: true };
    run.list(&list);
    run.script.complete = run.steps < STEPS;
    Ok(run.script)
}

type Variables = BTreeMap<String, Option<String>>;

/// Whether what follows still happens.
enum Flow {
    /// The status of the last command, where it is known.
    On(Option<bool>),
    /// The function, or the script, ends here.
    Return,
    /// The script ends here.
    Exit,
}

struct Run<'a> {
    script: Script,
    variables: Variables,
    functions: BTreeMap<String, &'a List>,
    steps: usize,
    depth: usize,
    certain: bool,
}

impl<'a> Run<'a> {
    fn list(&mut self, list: &'a List) -> Flow {
        let mut status = Some(true);
        let mut at = 0;
        while let Some(item) = list.get(at) {
            at += 1;
            let skipped = item.after.is_some_and(|and| status == Some(!and));
            if skipped {
                continue;
            }
            let doubtful = item.after.is_some() && status.is_none();
            match if doubtful { self.doubtful(|run| run.item(item)) } else { self.item(item) } {
                Flow::On(new) => {
                    // After a doubtful command the status is that of either.
                    status = if doubtful { None } else { new };
                }
                stop if !doubtful => return stop,
                _ => status = None,
            }
        }
        Flow::On(status)
    }

    fn item(&mut self, item: &'a Item) -> Flow {
        self.command(&item.command)
    }

    /// Runs `body` as what may or may not happen: what it sets is unknown afterwards.
    fn doubtful(&mut self, body: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let (before, certain) = (self.variables.clone(), self.certain);
        self.certain = false;
        let flow = body(self);
        self.certain = certain;
        for (name, value) in &mut self.variables {
            if before.get(name) != Some(value) {
                *value = None;
            }
        }
        flow
    }

    fn command(&mut self, command: &'a Command) -> Flow {
        self.steps += 1;
        if self.steps > STEPS {
            return Flow::Exit;
        }
        match command {
            Command::Simple { assignments, words, writes } => {
                self.simple(assignments, words, writes.as_ref())
            }
            Command::Pipeline(commands) => {
                let mut last = Flow::On(None);
                for command in commands {
                    last = self.command(command);
                }
                last
            }
            Command::Not(command) => match self.command(command) {
                Flow::On(status) => Flow::On(status.map(|truth| !truth)),
                other => other,
            },
            Command::Group(list) => self.list(list),
            Command::If(branches, otherwise) => self.conditional(branches, otherwise),
            Command::Case(word, arms) => self.case(word, arms),
            Command::While(condition, body) => self.doubtful(|run| {
                run.list(condition);
                run.list(body);
                Flow::On(None)
            }),
            Command::For(name, words, body) => self.each(name, words, body),
            Command::Function(name, body) => {
                self.functions.insert(name.clone(), body);
                Flow::On(Some(true))
            }
        }
    }

    fn conditional(&mut self, branches: &'a [(List, List)], otherwise: &'a List) -> Flow {
        let Some(((condition, body), rest)) = branches.split_first() else {
            return self.list(otherwise);
        };
        match self.list(condition) {
            Flow::On(Some(true)) => self.list(body),
            Flow::On(Some(false)) => self.conditional(rest, otherwise),
            Flow::On(None) => {
                self.doubtful(|run| run.list(body));
                self.doubtful(|run| run.conditional(rest, otherwise));
                Flow::On(None)
            }
            stop => stop,
        }
    }

    fn case(&mut self, word: &'a Word, arms: &'a [(Vec<Word>, List)]) -> Flow {
        let value = self.expand_whole(word);
        for (patterns, list) in arms {
            let matches = patterns.iter().map(|pattern| self.matches(value.as_deref(), pattern));
            let matched = matches.fold(Some(false), super::test_command::either);
            match matched {
                Some(true) => return self.list(list),
                Some(false) => {}
                None => {
                    self.doubtful(|run| run.list(list));
                }
            }
        }
        Flow::On(None)
    }

    fn matches(&self, value: Option<&str>, pattern: &Word) -> Option<bool> {
        if pattern.bare() == Some("*") {
            return Some(true);
        }
        let (value, pattern) = (value?, self.expand_whole(pattern)?);
        if pattern.contains(['*', '?', '[']) { None } else { Some(pattern == value) }
    }

    fn each(&mut self, name: &str, words: &'a [Word], body: &'a List) -> Flow {
        let mut values = Vec::new();
        for word in words {
            self.expand(word, &mut values);
        }
        let known =
            values.iter().all(|value| value.as_ref().is_some_and(|text| !text.contains(['*', '?', '['])));
        if known {
            for value in values {
                self.variables.insert(name.to_owned(), value);
                match self.list(body) {
                    Flow::On(_) => {}
                    stop => return stop,
                }
            }
            return Flow::On(None);
        }
        self.doubtful(|run| {
            run.variables.insert(name.to_owned(), None);
            run.list(body)
        });
        Flow::On(None)
    }

    fn simple(&mut self, assignments: &[(String, Word)], words: &'a [Word], writes: Option<&Word>) -> Flow {
        for (name, word) in assignments {
            let value = self.expand_whole(word);
            self.variables.insert(name.clone(), value);
        }
        let mut expanded = Vec::new();
        for word in words {
            self.expand(word, &mut expanded);
        }
        let writes = writes.map(|word| self.expand_whole(word));
        let Some(first) = expanded.first() else {
            if writes.is_some() {
                self.script.calls.push(Call { words: expanded, writes, certain: self.certain });
            }
            return Flow::On(assigned_status(assignments));
        };
        let name = first.clone().unwrap_or_default();
        if let Some(body) = self.functions.get(&name).copied() {
            return self.call_function(body, &expanded[1..]);
        }
        let arguments = &expanded[1..];
        let status = match name.as_str() {
            "exit" => return Flow::Exit,
            "return" => return Flow::Return,
            "true" | ":" => Some(true),
            "false" => Some(false),
            "test" => test(arguments),
            "[" => test(arguments.split_last().map_or(&[], |(_, rest)| rest)),
            "local" | "export" | "readonly" | "declare" | "typeset" => {
                self.declare(arguments);
                Some(true)
            }
            "shift" | "read" | "getopts" | "unset" => {
                self.variables.clear();
                None
            }
            "dpkg" if arguments.first().and_then(Option::as_deref) == Some("--compare-versions") => {
                compare_versions(&arguments[1..])
            }
            _ => None,
        };
        self.script.calls.push(Call { words: expanded, writes, certain: self.certain });
        Flow::On(status)
    }

    fn declare(&mut self, arguments: &[Option<String>]) {
        for argument in arguments.iter().flatten() {
            let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
            self.variables.insert(name.to_owned(), Some(value.to_owned()));
        }
        if arguments.contains(&None) {
            self.variables.values_mut().for_each(|value| *value = None);
        }
    }

    fn call_function(&mut self, body: &'a List, arguments: &[Option<String>]) -> Flow {
        if self.depth > 20 {
            return Flow::On(None);
        }
        self.depth += 1;
        let positions: Vec<String> = (1..10).map(|number| number.to_string()).collect();
        let saved: Vec<_> = positions.iter().map(|name| self.variables.get(name).cloned()).collect();
        for (number, name) in positions.iter().enumerate() {
            let value = arguments.get(number).cloned().unwrap_or_else(|| Some(String::new()));
            self.variables.insert(name.clone(), value);
        }
        let flow = self.list(body);
        for (name, value) in positions.into_iter().zip(saved) {
            match value {
                Some(value) => self.variables.insert(name, value),
                None => self.variables.remove(&name),
            };
        }
        self.depth -= 1;
        match flow {
            Flow::Return => Flow::On(None),
            other => other,
        }
    }

    /// The text of a word that stays one word.
    fn expand_whole(&self, word: &Word) -> Option<String> {
        word.parts.iter().try_fold(String::new(), |whole, part| Some(whole + &self.part(part)?))
    }

    /// The words that `word` becomes: what is not quoted is split at blanks.
    fn expand(&self, word: &Word, into: &mut Vec<Option<String>>) {
        let split = word.parts.iter().any(|part| matches!(part, Part::Variable { quoted: false, .. }));
        match self.expand_whole(word) {
            Some(text) if split => {
                into.extend(text.split_ascii_whitespace().map(|word| Some(word.to_owned())))
            }
            other => into.push(other),
        }
    }

    fn part(&self, part: &Part) -> Option<String> {
        match part {
            Part::Text { text, .. } => Some(text.clone()),
            Part::Variable { name, default, .. } => {
                let value = self.variables.get(name).cloned().flatten();
                match (value, default) {
                    (Some(value), Some(default)) if value.is_empty() => Some(default.clone()),
                    (value, _) => value,
                }
            }
            Part::Opaque => None,
        }
    }
}

/// A bare assignment succeeds.
fn assigned_status(assignments: &[(String, Word)]) -> Option<bool> {
    let plain = assignments.iter().all(|(_, word)| !word.parts.contains(&Part::Opaque));
    plain.then_some(true)
}
