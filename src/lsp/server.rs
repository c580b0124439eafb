//! The loop: messages in, answers and diagnostics out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::{Diagnostic, PublishDiagnosticsParams};
use serde::Serialize;

use super::capabilities::Client;
use super::diagnostics;
use super::documents::Documents;
use super::packages::Catalogue;
use super::project::Project;
use super::wire::{Incoming, write, write_malformed};
use crate::host::files::standard_module;

/// How long diagnostics may take before typing is waited for.
const PROMPT: Duration = Duration::from_millis(20);
/// How long typing is waited for at most.
const PATIENCE: Duration = Duration::from_millis(400);

/// What the server needs of the machine.
#[derive(Debug, Default)]
pub struct Settings {
    /// The store, where the indexes of locked repositories are.
    pub store: Option<PathBuf>,
    /// The folder where modules of the standard library are put, so that an editor can open them.
    pub standard: Option<PathBuf>,
}

/// Answers messages until it is told to end, or there are no more; whether it was told so in the right order.
pub fn serve(incoming: &Receiver<Incoming>, output: &mut dyn Write, settings: Settings) -> io::Result<bool> {
    let mut server = Server::new(settings, output);
    loop {
        let next = match server.queue.pop_front() {
            Some(next) => next,
            None if server.dirty.is_empty() => match incoming.recv() {
                Ok(next) => next,
                Err(_) => return Ok(server.stopping),
            },
            None => match incoming.recv_timeout(server.patience()) {
                Ok(next) => next,
                Err(RecvTimeoutError::Timeout) => {
                    server.publish_next()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(server.stopping),
            },
        };
        server.queue.extend(incoming.try_iter());
        match next {
            Incoming::Malformed(reason) => write_malformed(server.output, &reason)?,
            Incoming::Message(Message::Request(request)) => server.request(request)?,
            Incoming::Message(Message::Notification(notification)) => {
                if notification.method == "exit" {
                    return Ok(server.stopping);
                }
                server.notification(notification)?;
            }
            Incoming::Message(Message::Response(_)) => {}
        }
    }
}

/// The state of the server.
pub struct Server<'o> {
    output: &'o mut dyn Write,
    queue: VecDeque<Incoming>,
    /// What the editor can do; `None` before it said so.
    pub client: Option<Client>,
    stopping: bool,
    /// The folders that the editor has open.
    pub folders: Vec<PathBuf>,
    /// The open documents.
    pub documents: Documents,
    /// The names of packages.
    pub catalogue: Catalogue,
    standard: Option<PathBuf>,
    projects: BTreeMap<PathBuf, Rc<Project>>,
    /// The open documents whose diagnostics are old.
    dirty: BTreeSet<PathBuf>,
    /// What is wrong with the files that each open document takes part of.
    found: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<Diagnostic>>>,
    /// What the editor was told last.
    told: BTreeMap<PathBuf, Vec<Diagnostic>>,
    /// How long the last diagnostics took.
    took: Duration,
    requests: i32,
}

impl<'o> Server<'o> {
    fn new(settings: Settings, output: &'o mut dyn Write) -> Self {
        Self {
            output,
            queue: VecDeque::new(),
            client: None,
            stopping: false,
            folders: Vec::new(),
            documents: Documents::default(),
            catalogue: Catalogue::new(settings.store),
            standard: settings.standard,
            projects: BTreeMap::new(),
            dirty: BTreeSet::new(),
            found: BTreeMap::new(),
            told: BTreeMap::new(),
            took: Duration::ZERO,
            requests: 0,
        }
    }

    /// How long to wait for more typing: not at all where an answer is there at once.
    fn patience(&self) -> Duration {
        if self.took <= PROMPT { Duration::ZERO } else { (self.took * 2).min(PATIENCE) }
    }

    /// What the editor can do; nothing special before it said so.
    pub fn client(&self) -> Client {
        self.client.clone().unwrap_or_default()
    }

    fn request(&mut self, request: Request) -> io::Result<()> {
        let id = request.id.clone();
        if self.take_cancelled(&id) {
            return self.refuse(id, ErrorCode::RequestCanceled, "the request was cancelled");
        }
        match (request.method.as_str(), &self.client) {
            ("initialize", Some(_)) => {
                return self.refuse(id, ErrorCode::InvalidRequest, "the server is initialized already");
            }
            ("initialize", None) => {
                let result = self.initialize(request.params);
                return match result {
                    Ok(result) => self.answer(id, result),
                    Err(reason) => self.refuse(id, ErrorCode::InvalidParams, &reason),
                };
            }
            (_, None) => {
                return self.refuse(id, ErrorCode::ServerNotInitialized, "`initialize` comes first");
            }
            _ if self.stopping => {
                return self.refuse(id, ErrorCode::InvalidRequest, "the server is shutting down");
            }
            ("shutdown", _) => {
                self.stopping = true;
                return self.answer(id, serde_json::Value::Null);
            }
            _ => {}
        }
        // A defect in one answer is no reason to leave the editor without the others.
        let answered = catch_unwind(AssertUnwindSafe(|| self.ask(request)));
        match answered {
            Ok(Ok(result)) => self.answer(id, result),
            Ok(Err(failure)) => self.refuse(id, failure.code, &failure.message),
            Err(_) => self.refuse(id, ErrorCode::InternalError, "a defect in hbuild, see its standard error"),
        }
    }

    /// Whether a request that waits has been cancelled meanwhile.
    fn take_cancelled(&mut self, id: &RequestId) -> bool {
        let cancels = |incoming: &Incoming| match incoming {
            Incoming::Message(Message::Notification(found)) if found.method == "$/cancelRequest" => {
                found.params.get("id").is_some_and(|wanted| {
                    serde_json::from_value::<RequestId>(wanted.clone()).is_ok_and(|wanted| wanted == *id)
                })
            }
            _ => false,
        };
        self.queue.iter().any(cancels)
    }

    fn answer(&mut self, id: RequestId, result: serde_json::Value) -> io::Result<()> {
        write(self.output, &Message::Response(Response { id, response_result: Ok(result) }))
    }

    fn refuse(&mut self, id: RequestId, code: ErrorCode, message: &str) -> io::Result<()> {
        write(self.output, &Message::Response(Response::new_err(id, code as i32, message.to_owned())))
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: impl Serialize) -> io::Result<()> {
        let params = serde_json::to_value(params)?;
        write(self.output, &Message::Notification(Notification { method: method.to_owned(), params }))
    }

    /// Asks the editor for something whose answer does not matter.
    pub fn ask_client(&mut self, method: &str, params: impl Serialize) -> io::Result<()> {
        self.requests += 1;
        let params = serde_json::to_value(params)?;
        let id = RequestId::from(format!("hbuild-{}", self.requests));
        write(self.output, &Message::Request(Request { id, method: method.to_owned(), params }))
    }

    fn notification(&mut self, notification: Notification) -> io::Result<()> {
        if self.client.is_none() {
            return Ok(());
        }
        let method = notification.method.clone();
        match catch_unwind(AssertUnwindSafe(|| self.noted(notification))) {
            Ok(done) => done,
            Err(_) => {
                tracing::error!("a defect while hearing of {method}");
                Ok(())
            }
        }
    }

    /// The open document at `path`, analysed as it is now.
    pub fn project(&mut self, path: &Path) -> Rc<Project> {
        if let Some(known) = self.projects.get(path) {
            return known.clone();
        }
        let project = Rc::new(Project::new(&self.documents, path, self.standard.as_deref()));
        if self.documents.get(path).is_some() {
            self.projects.insert(path.to_owned(), project.clone());
        }
        project
    }

    /// Where modules of the standard library are put.
    pub fn standard_folder(&self) -> Option<&Path> {
        self.standard.as_deref()
    }

    /// The path of a file that a project calls `name`; a module of the standard library is put where an editor
    /// can open it.
    pub fn path_of(&self, project: &Project, name: &str) -> Option<PathBuf> {
        project.path(name).or_else(|| self.standard_path(name))
    }

    fn standard_path(&self, name: &str) -> Option<PathBuf> {
        let name = name.strip_prefix("std/")?;
        let text = hbuild_lang::assist::standard_text(name)?;
        standard_module(self.standard.as_deref()?, name, text).ok()
    }

    /// Forgets what is known of the file at `path` and of everything that depends on it.
    pub fn changed(&mut self, path: &Path) {
        let depends: Vec<PathBuf> = self
            .projects
            .iter()
            .filter(|(_, project)| project.reads.contains(path))
            .map(|(entry, _)| entry.clone())
            .collect();
        for entry in depends {
            self.projects.remove(&entry);
            if self.documents.get(&entry).is_some() {
                self.dirty.insert(entry);
            }
        }
        if self.documents.get(path).is_some() {
            self.dirty.insert(path.to_owned());
        }
    }

    /// Forgets a document that was closed.
    pub fn closed(&mut self, path: &Path) -> io::Result<()> {
        self.changed(path);
        self.projects.remove(path);
        self.dirty.remove(path);
        let targets = self.found.remove(path).unwrap_or_default();
        targets.into_keys().try_for_each(|target| self.tell(&target))
    }

    /// Looks at one of the documents whose diagnostics are old, and tells what is new.
    fn publish_next(&mut self) -> io::Result<()> {
        let Some(path) = self.dirty.pop_first() else { return Ok(()) };
        let begin = Instant::now();
        let analysed = catch_unwind(AssertUnwindSafe(|| {
            let project = self.project(&path);
            let encoding = self.client().encoding;
            diagnostics::of_project(&project, &self.documents, &|name| self.standard_path(name), encoding)
        }));
        let Ok(now) = analysed else {
            tracing::error!("a defect while looking at {}", path.display());
            return Ok(());
        };
        let before = self.found.insert(path, now.clone()).unwrap_or_default();
        let targets: BTreeSet<PathBuf> = before.into_keys().chain(now.into_keys()).collect();
        targets.into_iter().try_for_each(|target| self.tell(&target))?;
        self.took = begin.elapsed();
        Ok(())
    }

    /// Tells the editor what is wrong with the file at `target`, where that is not what it was told last.
    fn tell(&mut self, target: &Path) -> io::Result<()> {
        let imported = self.found.iter().any(|(entry, files)| entry != target && files.contains_key(target));
        let mut now: Vec<Diagnostic> = Vec::new();
        for (entry, files) in &self.found {
            for diagnostic in files.get(target).into_iter().flatten() {
                // Alone a module uses nothing of its own; whoever imports it does.
                let alone = entry == target && imported && diagnostics::is_unused(diagnostic);
                let same = |known: &Diagnostic| {
                    (known.range, &known.code, &known.message)
                        == (diagnostic.range, &diagnostic.code, &diagnostic.message)
                };
                if !alone && !now.iter().any(same) {
                    now.push(diagnostic.clone());
                }
            }
        }
        let open = self.documents.get(target);
        if self.told.get(target).map_or(now.is_empty() && open.is_none(), |told| *told == now) {
            return Ok(());
        }
        let params = PublishDiagnosticsParams {
            uri: self.documents.uri(target),
            version: open.map(|document| document.version),
            diagnostics: now.clone(),
        };
        if now.is_empty() && open.is_none() {
            self.told.remove(target);
        } else {
            self.told.insert(target.to_owned(), now);
        }
        self.notify("textDocument/publishDiagnostics", params)
    }

    /// Marks a request that the server is to end.
    pub fn set_client(&mut self, client: Client) {
        self.client = Some(client);
    }
}
