//! From what the language knows to what the protocol says.

use hbuild_lang::assist::{Completion, CompletionKind, Entry, EntryKind};
use hbuild_lang::syntax::ast::DeclarationKind;
use lsp_types::*;

use super::position::Lines;

/// A proposal.
pub fn completion(found: Completion, lines: &Lines<'_>, indent: &str, snippets: bool) -> CompletionItem {
    let (text, format) = match found.snippet.filter(|_| snippets) {
        Some(snippet) => (snippet, Some(InsertTextFormat::SNIPPET)),
        None => (found.insert, None),
    };
    // Editors that indent by themselves say so, and few do.
    let text = text.replace('\n', &format!("\n{indent}"));
    CompletionItem {
        kind: Some(match found.kind {
            CompletionKind::Keyword => CompletionItemKind::KEYWORD,
            CompletionKind::Field => CompletionItemKind::FIELD,
            CompletionKind::Function => CompletionItemKind::FUNCTION,
            CompletionKind::Module => CompletionItemKind::MODULE,
            CompletionKind::Variable => CompletionItemKind::VARIABLE,
            CompletionKind::Constant => CompletionItemKind::ENUM_MEMBER,
            CompletionKind::Item => CompletionItemKind::CLASS,
            CompletionKind::Property => CompletionItemKind::PROPERTY,
            CompletionKind::Package => CompletionItemKind::UNIT,
            CompletionKind::File => CompletionItemKind::FILE,
            CompletionKind::Value => CompletionItemKind::VALUE,
        }),
        detail: found.detail,
        documentation: found.doc.map(|value| Documentation::MarkupContent(markdown(value))),
        sort_text: Some(format!("{:03}{}", found.rank, found.label)),
        filter_text: Some(found.label.clone()),
        insert_text_format: format,
        insert_text_mode: Some(InsertTextMode::AS_IS),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit {
            range: lines.range(&found.range),
            new_text: text,
        })),
        label: found.label,
        ..CompletionItem::default()
    }
}

/// Text with marks.
pub fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}

/// The protocol's kind of a line of an outline.
pub fn symbol_kind(kind: EntryKind) -> SymbolKind {
    match kind {
        EntryKind::Module => SymbolKind::MODULE,
        EntryKind::Value => SymbolKind::CONSTANT,
        EntryKind::Function => SymbolKind::FUNCTION,
        EntryKind::Axis => SymbolKind::ENUM,
        EntryKind::Item(DeclarationKind::Image) => SymbolKind::CLASS,
        EntryKind::Item(DeclarationKind::Build) => SymbolKind::METHOD,
        EntryKind::Item(DeclarationKind::Source) => SymbolKind::FILE,
        EntryKind::Item(DeclarationKind::Repository) => SymbolKind::PACKAGE,
        EntryKind::Part => SymbolKind::EVENT,
    }
}

/// A line of an outline with what is in it.
#[allow(deprecated, reason = "the protocol's type has the field all the same")]
pub fn document_symbol(entry: Entry, lines: &Lines<'_>) -> DocumentSymbol {
    let inside: Vec<DocumentSymbol> =
        entry.inside.into_iter().map(|entry| document_symbol(entry, lines)).collect();
    DocumentSymbol {
        name: entry.name,
        detail: Some(entry.detail),
        kind: symbol_kind(entry.kind),
        tags: None,
        deprecated: None,
        range: lines.range(&entry.whole),
        selection_range: lines.range(&entry.range),
        children: (!inside.is_empty()).then_some(inside),
    }
}

/// A line of an outline for editors that know no levels, and those in it behind it.
#[allow(deprecated, reason = "the protocol's type has the field all the same")]
pub fn flat_symbols(
    entry: Entry,
    within: Option<&str>,
    lines: &Lines<'_>,
    uri: &Uri,
) -> Vec<SymbolInformation> {
    let mut found = vec![SymbolInformation {
        name: entry.name.clone(),
        kind: symbol_kind(entry.kind),
        tags: None,
        deprecated: None,
        location: Location { uri: uri.clone(), range: lines.range(&entry.range) },
        container_name: within.map(str::to_owned),
    }];
    for inner in entry.inside {
        found.extend(flat_symbols(inner, Some(&entry.name), lines, uri));
    }
    found
}
