//! What is to be printed: texts and the places where lines may break, with the width each part has when it
//! stands on one line.

use std::borrow::Cow;

/// The width of what cannot stand on one line. Sums of it stay above every line width.
pub(super) const BROKEN: u32 = 1 << 24;

/// A part of the output.
pub(super) struct Doc<'text> {
    /// Its width on one line, in characters; [`BROKEN`] or more when it needs several.
    pub flat: u32,
    pub kind: DocKind<'text>,
}

pub(super) enum DocKind<'text> {
    Text(Cow<'text, str>),
    /// Parts with nothing between them.
    Sequence(Vec<Doc<'text>>),
    /// A string of several lines, its indentation stripped.
    BlockString {
        open: &'text str,
        body: String,
        close: &'text str,
    },
    /// `{ … }`
    Braces(Braces<'text>),
    /// `[ … ]` or `( … )`
    Elements(Elements<'text>),
    /// Operands with the operators before all but the first.
    Chain(Vec<Link<'text>>),
    /// Parts that stand on one line or each on its own, behind the first by one level of indentation.
    Lines {
        open: &'static str,
        parts: Vec<Doc<'text>>,
        close: &'static str,
    },
}

/// `{ … }` of a block, a record or a `match`.
pub(super) struct Braces<'text> {
    pub rows: Vec<Row<'text>>,
    /// The comment behind the `{`.
    pub opening: Option<Trailing<'text>>,
}

/// A line, or several: a comment on its own line, or a part with what sticks to it.
pub(super) struct Row<'text> {
    /// Whether a blank line stands before it.
    pub blank: bool,
    /// The separator behind it when all stands on one line.
    pub separator: &'static str,
    pub content: RowContent<'text>,
    pub trailing: Option<Trailing<'text>>,
}

pub(super) enum RowContent<'text> {
    Comment(Cow<'text, str>),
    Part(Doc<'text>),
    /// `key = value`, whose sign, with a space on both sides, may be aligned with its neighbours'.
    Field {
        key: Doc<'text>,
        sign: &'static str,
        value: Doc<'text>,
    },
}

/// A comment behind something on its line.
pub(super) struct Trailing<'text> {
    /// How many spaces stand before it.
    pub spaces: usize,
    pub text: &'text str,
}

/// Elements separated by commas.
pub(super) struct Elements<'text> {
    pub open: &'static str,
    pub close: &'static str,
    pub rows: Vec<Row<'text>>,
    pub opening: Option<Trailing<'text>>,
    /// Whether several elements may share a line when one line does not hold all.
    pub fill: bool,
}

/// An operand with its operator.
pub(super) struct Link<'text> {
    /// Comments before the operator: whether on the line before, and the text.
    pub comments: Vec<(bool, &'text str)>,
    /// `+ `, empty for the first.
    pub operator: &'static str,
    pub operand: Doc<'text>,
}

impl<'text> Doc<'text> {
    pub fn text(text: impl Into<Cow<'text, str>>) -> Self {
        let text = text.into();
        Self { flat: width(&text), kind: DocKind::Text(text) }
    }

    pub fn sequence(parts: Vec<Doc<'text>>) -> Self {
        Self { flat: sum(parts.iter().map(|part| part.flat)), kind: DocKind::Sequence(parts) }
    }

    pub fn block_string(open: &'text str, body: String, close: &'text str) -> Self {
        Self { flat: BROKEN, kind: DocKind::BlockString { open, body, close } }
    }

    /// `broken`: whether the author wrote several lines.
    pub fn braces(rows: Vec<Row<'text>>, opening: Option<Trailing<'text>>, broken: bool) -> Self {
        let inner = sum(rows.iter().map(Row::flat));
        let flat = if rows.is_empty() { 2 } else { inner + 4 };
        let flat = if (broken && !rows.is_empty()) || opening.is_some() { BROKEN } else { flat.min(BROKEN) };
        Self { flat, kind: DocKind::Braces(Braces { rows, opening }) }
    }

    pub fn elements(elements: Elements<'text>) -> Self {
        let inner = sum(elements.rows.iter().map(Row::flat));
        let flat = if elements.opening.is_some() { BROKEN } else { (inner + 2).min(BROKEN) };
        Self { flat, kind: DocKind::Elements(elements) }
    }

    pub fn chain(links: Vec<Link<'text>>) -> Self {
        let widths = links.iter().enumerate().map(|(index, link)| {
            let comments = if link.comments.is_empty() { 0 } else { BROKEN };
            comments + width(link.operator) + link.operand.flat + u32::from(index > 0)
        });
        Self { flat: sum(widths), kind: DocKind::Chain(links) }
    }

    /// Parts that follow each other with a space, or each on a line of its own.
    pub fn lines(open: &'static str, parts: Vec<Doc<'text>>, close: &'static str) -> Self {
        let inner = sum(parts.iter().map(|part| part.flat + 1)) - 1;
        let flat = (inner + width(open) + width(close)).min(BROKEN);
        Self { flat, kind: DocKind::Lines { open, parts, close } }
    }

    /// The width of what stands on its first line at least, and whether that is all of it.
    pub fn lead(&self) -> (u32, bool) {
        match &self.kind {
            DocKind::Text(_) => (self.flat, true),
            DocKind::Sequence(parts) => {
                let mut lead = 0;
                for part in parts {
                    let (width, whole) = part.lead();
                    lead += width;
                    if !whole {
                        return (lead, false);
                    }
                }
                (lead, true)
            }
            DocKind::BlockString { open, .. } => (width(open), false),
            DocKind::Braces(braces) if braces.rows.is_empty() && braces.opening.is_none() => (2, true),
            DocKind::Elements(list) if list.rows.is_empty() && list.opening.is_none() => (2, true),
            DocKind::Braces(_) | DocKind::Elements(_) => (1, false),
            DocKind::Lines { open, .. } => (width(open), false),
            DocKind::Chain(links) => (links.first().map_or(0, |link| link.operand.lead().0), false),
        }
    }

    /// Where it ends in braces, a string of several lines or, if `lists`, a list, and so may begin behind other
    /// things and go on below them: the width of its first line then, with all that stands before that end.
    pub fn hanging(&self, lists: bool) -> Option<u32> {
        match &self.kind {
            DocKind::Braces(braces) if !braces.rows.is_empty() => Some(1),
            DocKind::BlockString { open, .. } => Some(width(open)),
            DocKind::Elements(elements) if lists && elements.open == "[" && !elements.rows.is_empty() => {
                Some(1)
            }
            DocKind::Sequence(parts) => {
                let (last, others) = parts.split_last()?;
                let before = sum(others.iter().map(|part| part.flat));
                last.hanging(lists).map(|width| width + before)
            }
            _ => None,
        }
    }
}

impl<'text> Row<'text> {
    pub fn comment(blank: bool, text: impl Into<Cow<'text, str>>) -> Self {
        Self { blank, separator: "", content: RowContent::Comment(text.into()), trailing: None }
    }

    /// Its width on one line with its separator.
    pub fn flat(&self) -> u32 {
        let content = match &self.content {
            RowContent::Comment(_) => BROKEN,
            RowContent::Part(doc) => doc.flat,
            RowContent::Field { key, sign, value } => key.flat + width(sign) + value.flat,
        };
        let comment = if self.trailing.is_some() { BROKEN } else { 0 };
        content.saturating_add(comment).saturating_add(width(self.separator)).min(BROKEN)
    }
}

/// The width of a text in characters.
pub(super) fn width(text: &str) -> u32 {
    let count = if text.is_ascii() { text.len() } else { text.chars().count() };
    u32::try_from(count).unwrap_or(BROKEN).min(BROKEN)
}

fn sum(widths: impl Iterator<Item = u32>) -> u32 {
    widths.fold(0u32, u32::saturating_add).min(BROKEN)
}
