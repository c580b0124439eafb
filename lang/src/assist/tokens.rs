//! What each word of a text is, for colours.

use std::ops::Range;

use super::Analysis;
use super::analysis::ENTRY;
use super::symbol::{Occurrence, Symbol, occurrences};
use crate::modules::Binding;
use crate::syntax::{self, SyntaxKind, SyntaxToken};

/// The kinds of tokens, by the names that editors know.
pub const TOKENS: &[&str] = &[
    "comment",
    "string",
    "number",
    "keyword",
    "operator",
    "namespace",
    "function",
    "method",
    "parameter",
    "variable",
    "property",
    "enumMember",
    "class",
    "macro",
];

/// A word with what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its place; on one line.
    pub range: Range<usize>,
    /// Its place in [`TOKENS`].
    pub kind: usize,
    /// Whether it is defined here.
    pub declares: bool,
    /// Whether the language or its standard library defines it.
    pub standard: bool,
    /// Whether it is a doc comment.
    pub documents: bool,
}

/// Every word of the entry that has a colour, by place. No token goes over the end of a line.
pub fn tokens(analysis: &Analysis) -> Vec<Token> {
    let text = analysis.text();
    let known = occurrences(&analysis.program, ENTRY);
    let mut found = Vec::new();
    let root = syntax::parse(text).syntax();
    for token in root.descendants_with_tokens().filter_map(|element| element.into_token()) {
        let span = syntax::Span::from(token.text_range());
        let occurrence =
            known.binary_search_by_key(&span, |occurrence| occurrence.span).ok().map(|at| &known[at]);
        let (kind, declares, standard) = match occurrence {
            Some(occurrence) => (
                name_of(kind_of(analysis, occurrence)),
                occurrence.defines,
                is_standard(analysis, occurrence),
            ),
            None => match lexical(&token) {
                Some(kind) => (name_of(kind), false, false),
                None => continue,
            },
        };
        let documents = token.kind() == SyntaxKind::DocComment;
        for range in lines(text, span.range()) {
            found.push(Token { range, kind, declares, standard, documents });
        }
    }
    found
}

fn name_of(kind: &str) -> usize {
    TOKENS.iter().position(|name| *name == kind).unwrap_or_default()
}

/// What a token is by itself.
fn lexical(token: &SyntaxToken) -> Option<&'static str> {
    Some(match token.kind() {
        SyntaxKind::Comment | SyntaxKind::DocComment => "comment",
        SyntaxKind::StringOpen | SyntaxKind::StringText | SyntaxKind::StringClose => "string",
        SyntaxKind::InterpolationOpen | SyntaxKind::InterpolationClose => "macro",
        SyntaxKind::Int => "number",
        SyntaxKind::TrueWord | SyntaxKind::FalseWord | SyntaxKind::NoneWord => "keyword",
        kind if kind.is_reserved_word() => "keyword",
        SyntaxKind::Equal | SyntaxKind::PlusEqual | SyntaxKind::Arrow | SyntaxKind::Plus => "operator",
        kind if (SyntaxKind::EqualEqual..=SyntaxKind::GreaterEqual).contains(&kind) => "operator",
        SyntaxKind::Name | SyntaxKind::Word => {
            let first = token.parent().and_then(|parent| {
                let mut words = parent.children_with_tokens().filter_map(|child| child.into_token());
                words.find(|token| !token.kind().is_trivia()).map(|first| (parent.kind(), first))
            });
            match first {
                Some((SyntaxKind::Declaration | SyntaxKind::Nested | SyntaxKind::Edition, first))
                    if first.text_range() == token.text_range() =>
                {
                    "keyword"
                }
                Some((SyntaxKind::ModulePath, _)) => "namespace",
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn kind_of(analysis: &Analysis, occurrence: &Occurrence) -> &'static str {
    match &occurrence.symbol {
        Symbol::Global(file, name) => match analysis.file(*file).names.get(name) {
            Some(Binding::Import(_)) => "namespace",
            Some(Binding::Function(_)) => "function",
            Some(Binding::Declaration(_)) => "class",
            _ => "variable",
        },
        Symbol::Parameter(..) | Symbol::Argument(..) => "parameter",
        Symbol::Variable(..) => "variable",
        Symbol::Column(..) | Symbol::Member(_) | Symbol::Output(..) | Symbol::Field(..) => "property",
        Symbol::Constant(_) | Symbol::Rule(_) => "enumMember",
        Symbol::Function(_) => "function",
        Symbol::Method(_) => "method",
    }
}

fn is_standard(analysis: &Analysis, occurrence: &Occurrence) -> bool {
    match &occurrence.symbol {
        Symbol::Global(file, _) => analysis.file(*file).standard,
        Symbol::Constant(_) | Symbol::Function(_) | Symbol::Method(_) => true,
        _ => false,
    }
}

/// The parts of a range that lie on one line each, those without text left out.
fn lines(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        if end > start {
            found.push(start..end);
        }
        start += line.len();
    }
    found
}
