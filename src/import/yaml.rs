//! YAML as a tree of texts with places: every scalar as it is written, never guessed to be a number or a date.
//!
//! YAML 1.2 with its traps taken out: `3.10`, `on` and `2026-05-25` are texts here, whoever reads a field says what
//! it takes. Keys that come twice are an error. What anchors and aliases expand to is bounded.

use std::cell::Cell;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Longest file in bytes.
pub const LONGEST: usize = 4 << 20;
/// Most nodes of a file, those that aliases stand for counted each time.
const NODES: usize = 200_000;
/// Deepest nesting.
const DEPTH: usize = 64;

/// A place in a file: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mark {
    /// Line.
    pub line: usize,
    /// Column in characters.
    pub column: usize,
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody looked at it.
    Unread,
    /// It was read, or said to be left out.
    Done,
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it begins.
    pub mark: Mark,
    /// What it is.
    pub kind: Kind,
    /// What became of it.
    pub state: Cell<State>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A text as written. Not quoted, it may stand for a number, a truth value or nothing.
    Scalar {
        /// The text.
        text: String,
        /// Whether it is written without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map in the order written.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone)]
pub struct Key {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub mark: Mark,
}

impl Node {
    /// Whether it is nothing: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(found, _)| found.text == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// Says that the node and all below it are done with.
    pub fn done(&self) {
        self.state.set(State::Done);
        match &self.kind {
            Kind::Scalar { .. } => {}
            Kind::List(list) => list.iter().for_each(Node::done),
            Kind::Map(map) => map.iter().for_each(|(_, node)| node.done()),
        }
    }

    /// The node on one line, as a person would write it.
    pub fn flow(&self) -> String {
        match &self.kind {
            Kind::Scalar { text, .. } => text.clone(),
            Kind::List(list) => format!("[{}]", list.iter().map(Node::flow).collect::<Vec<_>>().join(", ")),
            Kind::Map(map) => {
                let entries = map.iter().map(|(key, node)| format!("{}: {}", key.text, node.flow()));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Why a text is no YAML that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Where.
    pub mark: Mark,
    /// Why.
    pub reason: String,
}

fn invalid<T>(mark: Mark, reason: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid { mark, reason: reason.into() })
}

fn mark_of(span: Span) -> Mark {
    Mark { line: span.start.line(), column: span.start.col() + 1 }
}

/// The one document of a text; `None` where there is none.
pub fn parse(text: &str) -> Result<Option<Node>, Invalid> {
    if text.len() > LONGEST {
        return invalid(Mark { line: 1, column: 1 }, "the file is longer than 4 MiB");
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { anchors: BTreeMap::new(), nodes: 0 };
    let mut parser = Parser::new_from_str(text);
    let mut found = None;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(scan_error)?;
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
            event if found.is_some() => {
                drop(event);
                return invalid(mark_of(span), "the file has a second document");
            }
            event => found = Some(builder.node(&mut parser, event, span, 0)?),
        }
    }
    Ok(found.filter(|node| !node.is_null()))
}

fn scan_error(error: saphyr_parser::ScanError) -> Invalid {
    let mark = Mark { line: error.marker().line(), column: error.marker().col() + 1 };
    Invalid { mark, reason: error.info().to_owned() }
}

struct Builder {
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl Builder {
    fn count(&mut self, count: usize, mark: Mark) -> Result<(), Invalid> {
        self.nodes += count;
        if self.nodes > NODES {
            return invalid(mark, format!("the file has more than {NODES} values, aliases expanded"));
        }
        Ok(())
    }

    fn node<'input, I: saphyr_parser::Input>(
        &mut self,
        parser: &mut Parser<'input, I>,
        event: Event<'input>,
        span: Span,
        depth: usize,
    ) -> Result<Node, Invalid> {
        let mark = mark_of(span);
        self.count(1, mark)?;
        if depth > DEPTH {
            return invalid(mark, format!("values nest more than {DEPTH} deep"));
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                (Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }, anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(parser, depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(parser, depth)?, anchor),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return invalid(mark, "the alias stands inside of its own anchor");
                };
                self.count(size(&node), mark)?;
                return Ok(node);
            }
            _ => return invalid(mark, "the document ends in the middle"),
        };
        let node = Node { mark, kind, state: Cell::new(State::Unread) };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list<'input, I: saphyr_parser::Input>(
        &mut self,
        parser: &mut Parser<'input, I>,
        depth: usize,
    ) -> Result<Kind, Invalid> {
        let mut list = Vec::new();
        while let Some(event) = parser.next_event() {
            match event.map_err(scan_error)? {
                (Event::SequenceEnd, _) => break,
                (event, span) => list.push(self.node(parser, event, span, depth + 1)?),
            }
        }
        Ok(Kind::List(list))
    }

    fn map<'input, I: saphyr_parser::Input>(
        &mut self,
        parser: &mut Parser<'input, I>,
        depth: usize,
    ) -> Result<Kind, Invalid> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        let mut merged = Vec::new();
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(scan_error)?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(parser, event, span, depth + 1)?;
            let Kind::Scalar { text, plain } = key.kind else {
                return invalid(key.mark, "a key is a text");
            };
            let Some(value) = parser.next_event() else { break };
            let (event, span) = value.map_err(scan_error)?;
            let value = self.node(parser, event, span, depth + 1)?;
            if text == "<<" && plain {
                merged.push(value);
                continue;
            }
            if let Some((first, _)) = map.iter().find(|(known, _)| known.text == text) {
                return invalid(
                    key.mark,
                    format!("the key `{text}` stands in line {} already", first.mark.line),
                );
            }
            map.push((Key { text, mark: key.mark }, value));
        }
        merged.into_iter().for_each(|value| merge(&mut map, value));
        Ok(Kind::Map(map))
    }
}

/// Adds the keys that are not there yet, as `<<` says.
fn merge(map: &mut Vec<(Key, Node)>, value: Node) {
    match value.kind {
        Kind::Map(entries) => {
            for (key, node) in entries {
                if !map.iter().any(|(known, _)| known.text == key.text) {
                    map.push((key, node));
                }
            }
        }
        Kind::List(list) => list.into_iter().for_each(|value| merge(map, value)),
        Kind::Scalar { .. } => {}
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 1,
        Kind::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Kind::Map(map) => 1 + map.iter().map(|(_, node)| 1 + size(node)).sum::<usize>(),
    }
}
