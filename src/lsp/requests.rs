//! Which request is answered by what, and what notifications change.

use std::io;
use std::path::PathBuf;

use lsp_server::{ErrorCode, Notification, Request};
use lsp_types::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::capabilities::{Client, server};
use super::documents::Document;
use super::server::Server;
use super::uri::path_of;

/// Why a request has no answer.
#[derive(Debug)]
pub struct Refusal {
    /// The protocol's code.
    pub code: ErrorCode,
    /// Why.
    pub message: String,
}

impl Refusal {
    /// A request that is understood and cannot be done.
    pub fn failed(message: impl ToString) -> Self {
        Self { code: ErrorCode::RequestFailed, message: message.to_string() }
    }
}

/// An answer, or why there is none.
pub type Answer<T> = Result<T, Refusal>;

impl Server<'_> {
    /// The result of `initialize`.
    pub fn initialize(&mut self, params: Value) -> Result<Value, String> {
        if !params.is_object() {
            return Err("`initialize` has no parameters".to_owned());
        }
        let client = Client::new(&params);
        let uri = |value: &Value| serde_json::from_value::<Uri>(value.clone()).ok();
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let folders = folders.into_iter().flatten().filter_map(|folder| uri(folder.get("uri")?));
        self.folders = folders.map(|uri| path_of(&uri)).collect();
        if self.folders.is_empty()
            && let Some(root) = params.get("rootUri").and_then(uri)
        {
            self.folders.push(path_of(&root));
        }
        let capabilities = server(&client);
        self.set_client(client);
        let info = json!({ "name": "hbuild", "version": env!("CARGO_PKG_VERSION") });
        Ok(json!({ "capabilities": capabilities, "serverInfo": info }))
    }

    /// The answer to a request.
    pub fn ask(&mut self, request: Request) -> Answer<Value> {
        let Request { method, params, .. } = request;
        match method.as_str() {
            "textDocument/hover" => self.answer_to(params, Self::hover),
            "textDocument/definition" => self.answer_to(params, Self::definition),
            "textDocument/references" => self.answer_to(params, Self::references),
            "textDocument/documentHighlight" => self.answer_to(params, Self::highlights),
            "textDocument/documentSymbol" => self.answer_to(params, Self::document_symbols),
            "workspace/symbol" => self.answer_to(params, Self::workspace_symbols),
            "textDocument/completion" => self.answer_to(params, Self::completion),
            "textDocument/signatureHelp" => self.answer_to(params, Self::signature),
            "textDocument/formatting" => self.answer_to(params, Self::formatting),
            "textDocument/foldingRange" => self.answer_to(params, Self::folding),
            "textDocument/selectionRange" => self.answer_to(params, Self::selection),
            "textDocument/prepareRename" => self.answer_to(params, Self::prepare_rename),
            "textDocument/rename" => self.answer_to(params, Self::rename),
            "textDocument/codeAction" => self.answer_to(params, Self::code_actions),
            "textDocument/inlayHint" => self.answer_to(params, Self::hints),
            "textDocument/semanticTokens/full" => self.answer_to(params, Self::tokens),
            "textDocument/semanticTokens/range" => self.answer_to(params, Self::tokens_of_range),
            _ => {
                let message = format!("hbuild does not know `{method}`");
                Err(Refusal { code: ErrorCode::MethodNotFound, message })
            }
        }
    }

    fn answer_to<P: DeserializeOwned, R: Serialize>(
        &mut self,
        params: Value,
        answer: fn(&mut Self, P) -> Answer<R>,
    ) -> Answer<Value> {
        let params = serde_json::from_value(params)
            .map_err(|error| Refusal { code: ErrorCode::InvalidParams, message: error.to_string() })?;
        serde_json::to_value(answer(self, params)?).map_err(Refusal::failed)
    }

    /// What a notification changes. One that is malformed or unknown changes nothing.
    pub fn noted(&mut self, notification: Notification) -> io::Result<()> {
        let Notification { method, params } = notification;
        match method.as_str() {
            "initialized" => self.watch()?,
            "textDocument/didOpen" => {
                if let Some(opened) = read::<DidOpenTextDocumentParams>(params) {
                    let TextDocumentItem { uri, version, text, .. } = opened.text_document;
                    let path = path_of(&uri);
                    self.documents.put(path.clone(), Document { uri, version, text });
                    self.changed(&path);
                }
            }
            "textDocument/didChange" => {
                if let Some(changed) = read::<DidChangeTextDocumentParams>(params) {
                    let path = path_of(&changed.text_document.uri);
                    let encoding = self.client().encoding;
                    let version = changed.text_document.version;
                    self.documents.change(&path, version, changed.content_changes, encoding);
                    self.changed(&path);
                }
            }
            "textDocument/didClose" => {
                if let Some(closed) = read::<DidCloseTextDocumentParams>(params) {
                    let path = path_of(&closed.text_document.uri);
                    self.documents.close(&path);
                    self.closed(&path)?;
                }
            }
            "textDocument/didSave" => {
                if let Some(saved) = read::<DidSaveTextDocumentParams>(params) {
                    self.changed(&path_of(&saved.text_document.uri));
                }
            }
            "workspace/didChangeWatchedFiles" => {
                if let Some(changed) = read::<DidChangeWatchedFilesParams>(params) {
                    changed.changes.iter().for_each(|change| self.changed(&path_of(&change.uri)));
                }
            }
            "workspace/didChangeWorkspaceFolders" => {
                if let Some(changed) = read::<DidChangeWorkspaceFoldersParams>(params) {
                    let paths = |folders: &[WorkspaceFolder]| -> Vec<PathBuf> {
                        folders.iter().map(|folder| path_of(&folder.uri)).collect()
                    };
                    let removed = paths(&changed.event.removed);
                    self.folders.retain(|folder| !removed.contains(folder));
                    self.folders.extend(paths(&changed.event.added));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks the editor to say when recipes or locks change on the disk.
    fn watch(&mut self) -> io::Result<()> {
        if !self.client().watches {
            return Ok(());
        }
        let watchers = json!([{ "globPattern": "**/*.hb" }, { "globPattern": "**/hbuild.lock" }]);
        let registration = json!({
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        self.ask_client("client/registerCapability", json!({ "registrations": [registration] }))
    }
}

fn read<P: DeserializeOwned>(params: Value) -> Option<P> {
    serde_json::from_value(params).inspect_err(|error| tracing::warn!("malformed notification: {error}")).ok()
}
