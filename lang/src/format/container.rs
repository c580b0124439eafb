//! From the children of a node with brackets to rows: parts with the comments and blank lines around them.

use std::borrow::Cow;

use super::doc::*;
use crate::syntax::SyntaxKind;
use crate::syntax::green::{GreenChild, GreenText, GreenView};

/// What stands between brackets, or in a file.
pub(super) struct Content<'text> {
    pub rows: Vec<Row<'text>>,
    pub opening: Option<Trailing<'text>>,
    /// Whether there was a line feed.
    pub broken: bool,
}

/// What the makers of a row's content share.
pub(super) struct Hoisted<'text> {
    /// The whole text.
    pub source: &'text str,
    /// Comments from places where none can be printed; they go before the row.
    comments: Vec<&'text str>,
}

impl<'text> Hoisted<'text> {
    pub fn new(source: &'text str) -> Self {
        Self { source, comments: Vec::new() }
    }

    /// Takes the comments among a node's own tokens.
    pub fn take_from(&mut self, node: GreenView<'text>) {
        for child in node.children() {
            if let GreenChild::Token(token) = child {
                self.take(token);
            }
        }
    }

    pub fn take(&mut self, token: GreenText<'text>) {
        if is_comment(token.kind) {
            self.comments.push(token.text.trim_end());
        }
    }
}

pub(super) fn is_comment(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::Comment | SyntaxKind::DocComment)
}

/// What turns a child node into the content of a row.
pub(super) type MakeRow<'text> = fn(GreenView<'text>, &mut Hoisted<'text>) -> RowContent<'text>;

/// The rows of a node's children. `separator`: what separates rows on one line, `None` as written.
pub(super) fn content<'text>(
    node: GreenView<'text>,
    source: &'text str,
    separator: Option<&'static str>,
    make: MakeRow<'text>,
) -> Content<'text> {
    let mut reader = Reader { source, rows: Vec::new(), opening: None, broken: false, feeds: 1, spaces: 0 };
    let file = node.kind() == SyntaxKind::File;
    let mut opened = file;
    for child in node.children() {
        match child {
            GreenChild::Token(token) if !opened && !token.kind.is_trivia() => {
                opened = true;
                reader.feeds = 0;
            }
            GreenChild::Token(token) => reader.token(token, separator),
            GreenChild::Node(node) => reader.node(node, make),
        }
    }
    if let Some(last) = reader.rows.last_mut() {
        last.separator = "";
    }
    Content { rows: reader.rows, opening: reader.opening, broken: reader.broken }
}

struct Reader<'text> {
    source: &'text str,
    rows: Vec<Row<'text>>,
    opening: Option<Trailing<'text>>,
    broken: bool,
    /// Line feeds since the last row.
    feeds: usize,
    /// Spaces since the last token.
    spaces: usize,
}

impl<'text> Reader<'text> {
    fn token(&mut self, token: GreenText<'text>, separator: Option<&'static str>) {
        match token.kind {
            SyntaxKind::Newline => {
                self.feeds += token.text.bytes().filter(|&byte| byte == b'\n').count();
                self.broken = true;
            }
            SyntaxKind::Whitespace => {
                self.spaces = if token.text.contains('\t') { 2 } else { token.text.len() };
                return;
            }
            SyntaxKind::Comment | SyntaxKind::DocComment => self.comment(token.text.trim_end()),
            SyntaxKind::Comma | SyntaxKind::Semicolon => {
                let written = if token.kind == SyntaxKind::Comma { ", " } else { "; " };
                if let Some(last) = self.rows.last_mut() {
                    last.separator = separator.unwrap_or(written);
                }
            }
            _ => {}
        }
        self.spaces = 0;
    }

    fn comment(&mut self, text: &'text str) {
        if self.feeds > 0 {
            let blank = self.blank();
            return self.rows.push(Row::comment(blank, text));
        }
        let trailing = Trailing { spaces: self.spaces.max(2), text };
        match self.rows.last_mut() {
            Some(last) => last.trailing = Some(trailing),
            None => self.opening = Some(trailing),
        }
    }

    fn blank(&mut self) -> bool {
        let blank = self.feeds > 1 && !self.rows.is_empty();
        self.feeds = 0;
        blank
    }

    fn node(&mut self, node: GreenView<'text>, make: MakeRow<'text>) {
        // Between records on one line no separator is needed where a line feed stood.
        if let Some(last) = self.rows.last_mut()
            && last.separator.is_empty()
        {
            last.separator = ", ";
        }
        let mut blank = self.blank();
        self.spaces = 0;
        blank = self.leading_comments(node, blank);
        let mut hoisted = Hoisted::new(self.source);
        let content = make(node, &mut hoisted);
        for comment in hoisted.comments {
            self.rows.push(Row::comment(std::mem::take(&mut blank), ordinary(comment)));
        }
        self.rows.push(Row { blank, separator: "", content, trailing: None });
    }

    /// The comments that the node itself begins with: its doc comments, and those between them.
    fn leading_comments(&mut self, node: GreenView<'text>, mut blank: bool) -> bool {
        let mut feeds = 0;
        for child in node.children() {
            match child {
                GreenChild::Token(token) if is_comment(token.kind) => {
                    self.rows.push(Row::comment(blank, token.text.trim_end()));
                    feeds = 0;
                    blank = false;
                }
                GreenChild::Token(token) if token.kind.is_trivia() => {
                    feeds += token.text.bytes().filter(|&byte| byte == b'\n').count();
                    blank = feeds > 1;
                }
                _ => break,
            }
        }
        blank
    }
}

/// The comment as one that documents nothing: on a line of its own `##` would.
fn ordinary(comment: &str) -> Cow<'_, str> {
    if comment.starts_with("##") && !comment.starts_with("###") {
        Cow::Borrowed(&comment[1..])
    } else {
        Cow::Borrowed(comment)
    }
}
