//! What the editor can do, and what the server can.

use hbuild_lang::assist::TOKENS;
use lsp_types::*;
use serde_json::Value;

use super::position::Encoding;

/// What the editor can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What the characters of positions count.
    pub encoding: Encoding,
    /// Whether a proposal can have places to fill in.
    pub snippets: bool,
    /// Whether it shows a definition with all of it.
    pub links: bool,
    /// Whether outlines can have levels.
    pub levels: bool,
    /// Whether it can be asked to watch files.
    pub watches: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self { encoding: Encoding::Utf16, snippets: false, links: false, levels: false, watches: false }
    }
}

impl Client {
    /// What `initialize` says of it.
    pub fn new(params: &Value) -> Self {
        let has = |path: &str| params.pointer(path).and_then(Value::as_bool).unwrap_or(false);
        let encodings = params.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let utf8 = encodings.is_some_and(|all| all.iter().any(|one| one.as_str() == Some("utf-8")));
        Self {
            encoding: if utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
            snippets: has("/capabilities/textDocument/completion/completionItem/snippetSupport"),
            links: has("/capabilities/textDocument/definition/linkSupport"),
            levels: has("/capabilities/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            watches: has("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
        }
    }
}

/// What the server can do for such an editor.
pub fn server(client: &Client) -> ServerCapabilities {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    ServerCapabilities {
        position_encoding: Some(match client.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: words(&[".", "\"", "/"]),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: words(&["(", ","]),
            ..SignatureHelpOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        inlay_hint_provider: Some(OneOf::Left(true)),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: SemanticTokensLegend {
                    token_types: TOKENS.iter().map(|name| SemanticTokenType::new(name)).collect(),
                    token_modifiers: MODIFIERS.iter().map(|name| SemanticTokenModifier::new(name)).collect(),
                },
                full: Some(SemanticTokensFullOptions::Bool(true)),
                range: Some(true),
                ..SemanticTokensOptions::default()
            },
        )),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

/// Modifiers of semantic tokens, by bit.
const MODIFIERS: &[&str] = &["declaration", "readonly", "defaultLibrary", "documentation"];
