//! Commands in finished images, in sandboxes of this machine.
//!
//! The image's files are a temporary folder, mounted read-only. Each command has a sandbox of its own, so that none
//! sees what another wrote.

use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use super::executor::{of_sandbox, of_store};
use super::executor_shell::interact;
use super::{
    Attachment, Command, Console, Ends, ExecutorError, Inside, Limits, Running, SandboxError, Sandboxes,
    Specification, StageOptions, StepFailure,
};
use crate::exec::{End, ExecutionError, FinishedImage, ImageRunner, Ran, Written};
use crate::store::{NewRoot, Store, TemporaryRoot};
use crate::tree::{Entry, EntryKind, MemoryContents, Tree, TreePath};

/// Bytes kept of each stream of a command.
const MOST_OUTPUT: usize = 4 << 20;
/// Seconds that a test may take where nothing else is said.
const SECONDS: u64 = 60;
/// Processes that a test may have.
const PROCESSES: u64 = 1024;
/// The time of the root's own folder, and of what is made for it.
const EPOCH: i64 = 315_532_800;

/// Runs commands in finished images on this machine.
pub struct LocalImages<'a> {
    store: &'a Store,
    options: StageOptions,
    limits: Limits,
    sandboxes: OnceLock<Sandboxes>,
}

impl Limits {
    /// What one test may use of what a build may: fewer processes, and by default a minute.
    #[must_use]
    pub fn of_test(self, seconds: Option<u64>) -> Self {
        let processes = self.processes.map_or(PROCESSES, |most| most.min(PROCESSES));
        Self { processes: Some(processes), seconds: Some(seconds.unwrap_or(SECONDS)), ..self }
    }
}

impl<'a> LocalImages<'a> {
    /// Starts nothing yet. The folder of roots in `options` is not used: images have one of their own.
    pub fn new(store: &'a Store, options: StageOptions, limits: Limits) -> Self {
        Self { store, options, limits, sandboxes: OnceLock::new() }
    }

    /// Runs `command` in `image` attached to `console`, until it ends; returns its exit status. It may use what it
    /// likes of the time.
    pub fn interact(
        &self,
        image: &FinishedImage<'_>,
        command: &[String],
        (console, loopback): (&dyn Console, bool),
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<u8, ExecutionError> {
        let root = self.root(image, cancelled)?;
        let mut specification = self.specification(image, &root, command);
        specification.attachment =
            if console.is_terminal() { Attachment::Terminal } else { Attachment::Pipes };
        specification.loopback = loopback;
        specification.limits.seconds = None;
        if let Some(command) = specification.commands.first_mut() {
            command.environment.extend(console.environment());
        }
        let mut running = self.sandboxes()?.start(&specification).map_err(of_sandbox)?;
        fill(&mut running, image)?;
        interact(running, console, |how| ExecutorError::Command { how }, cancelled)
    }

    fn sandboxes(&self) -> Result<&Sandboxes, ExecutionError> {
        if let Some(sandboxes) = self.sandboxes.get() {
            return Ok(sandboxes);
        }
        let roots = self.store.temporary_roots().map_err(|error| of_store(error.into()))?;
        let options = StageOptions { roots, ..self.options.clone() };
        Ok(self.sandboxes.get_or_init(|| Sandboxes::new(options)))
    }

    /// The files of `image` as a folder.
    fn root(
        &self,
        image: &FinishedImage<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<TemporaryRoot, ExecutionError> {
        let owner = self.sandboxes()?.owner();
        let new = NewRoot { tree: image.tree, epoch: EPOCH, owner, threads: image.threads, cancelled };
        self.store.temporary_root(&new, image.contents).map_err(of_store)
    }

    /// The sandbox of one command.
    fn specification(
        &self,
        image: &FinishedImage<'_>,
        root: &TemporaryRoot,
        command: &[String],
    ) -> Specification {
        let (user, group) = image.ids;
        let command = Command {
            name: "command".to_owned(),
            arguments: command.to_vec(),
            environment: image.environment.clone(),
            directory: image.directory.to_owned(),
        };
        Specification {
            root: root.name(),
            directories: Vec::new(),
            outputs: Vec::new(),
            commands: vec![command],
            // A server that checks its configuration binds its port.
            loopback: true,
            epoch: EPOCH,
            limits: Limits { log: u64::MAX, ..self.limits.clone() },
            one_processor: false,
            other_machine: false,
            attachment: Attachment::Pipes,
            inside: Inside::Image { user, group, writable: image.writable.to_vec() },
        }
    }
}

impl ImageRunner for LocalImages<'_> {
    fn available(&self) -> Result<(), ExecutionError> {
        let folder =
            |name: &str| Entry::directory(TreePath::new(name.as_bytes()).expect("a plain name"), EPOCH);
        let image = FinishedImage {
            tree: &Tree::new(["dev", "proc"].map(folder).to_vec()).expect("two names"),
            contents: &MemoryContents::default(),
            writable: &[],
            ids: (65_532, 65_532),
            environment: &Default::default(),
            directory: "/",
            threads: 1,
        };
        let root = self.root(&image, &|| false)?;
        let mut specification = self.specification(&image, &root, &[]);
        specification.commands.clear();
        specification.attachment = Attachment::Log;
        let running = self.sandboxes()?.start(&specification).map_err(of_sandbox)?;
        running.run(&mut io::sink(), &|| false).map_err(of_sandbox).map(drop)
    }

    fn run(
        &self,
        image: &FinishedImage<'_>,
        commands: &[Vec<String>],
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<Ran>, ExecutionError> {
        let root = self.root(image, cancelled)?;
        let run = |command: &Vec<String>| {
            let specification = self.specification(image, &root, command);
            let mut running = self.sandboxes()?.start(&specification).map_err(of_sandbox)?;
            fill(&mut running, image)?;
            capture(running, cancelled)
        };
        commands.iter().map(run).collect()
    }
}

/// Puts what the image has in its writable directories in their places.
fn fill(running: &mut Running<'_>, image: &FinishedImage<'_>) -> Result<(), ExecutionError> {
    let at = |path: &TreePath| Specification::writable_at(&path.absolute()).into_bytes();
    for folder in image.writable {
        let path = TreePath::new(folder.trim_start_matches('/').as_bytes());
        let Some(top) = path.ok().and_then(|path| image.tree.get(&path)) else { continue };
        let inside = || image.tree.entries().iter().filter(|entry| entry.path.is_within(&top.path));
        for entry in inside() {
            let path = at(&entry.path);
            match &entry.kind {
                EntryKind::Directory => running.directory(&path),
                EntryKind::Symlink { target } => running.symlink(&path, target),
                EntryKind::File { digest, size, .. } => {
                    let mut content = image.contents.open(digest)?;
                    running.file(&path, false, *size, &mut content)
                }
            }
            .map_err(of_sandbox)?;
        }
        // From below: nothing can be changed any more in a folder that may not be entered.
        let inside: Vec<&Entry> = inside().collect();
        for entry in inside.into_iter().rev().chain([top]) {
            let done = running.metadata(&at(&entry.path), u32::from(entry.mode), entry.mtime);
            done.map_err(of_sandbox)?;
        }
    }
    Ok(())
}

/// What a sandbox's one command wrote, and how it ended.
fn capture(running: Running<'_>, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Ran, ExecutionError> {
    let (mut stdout, too_much) = (Keep::default(), std::sync::Arc::new(AtomicBool::new(false)));
    let mut errors: Option<JoinHandle<Keep>> = None;
    let mut attach = |Ends { input, error }: Ends| {
        // Whoever reads finds the end.
        drop(input);
        let (Some(error), too_much) = (error, too_much.clone()) else { return Ok(()) };
        let read = move || Keep::all(&mut std::fs::File::from(error), &too_much);
        errors = Some(Builder::new().name("errors".to_owned()).spawn(read)?);
        Ok(())
    };
    let stop = || cancelled() || too_much.load(Ordering::Relaxed);
    let mut watched = Watched { keep: &mut stdout, too_much: &too_much };
    let finished = running.interact(&mut watched, &mut attach, &stop);
    // Every process that could write is dead.
    let stderr = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let end = match finished {
        Ok(finished) => match finished.failure {
            None => End::Status { status: 0, how: "exited with status 0".to_owned() },
            Some(StepFailure { status: Some(status), how, .. }) => End::Status { status, how },
            Some(failure) => End::Otherwise(failure.how),
        },
        Err(SandboxError::Cancelled) if too_much.load(Ordering::Relaxed) && !cancelled() => {
            End::Otherwise("was stopped".to_owned())
        }
        Err(error) => return Err(of_sandbox(error)),
    };
    Ok(Ran { stdout: stdout.0, stderr: stderr.0, end })
}

/// What is kept of a stream.
#[derive(Default)]
struct Keep(Written);

impl Keep {
    fn take(&mut self, bytes: &[u8], too_much: &AtomicBool) {
        let room = MOST_OUTPUT - self.0.bytes.len();
        self.0.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        if bytes.len() > room {
            self.0.too_much = true;
            too_much.store(true, Ordering::Relaxed);
        }
    }

    /// What `stream` gives up to its end.
    fn all(stream: &mut impl Read, too_much: &AtomicBool) -> Self {
        let (mut keep, mut buffer) = (Self::default(), vec![0; 1 << 16]);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return keep,
                Ok(length) => keep.take(&buffer[..length], too_much),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return keep,
            }
        }
    }
}

struct Watched<'a> {
    keep: &'a mut Keep,
    too_much: &'a AtomicBool,
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keep.take(bytes, self.too_much);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
