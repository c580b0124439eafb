//! hbuild's side of sandboxes: starts stages, keeps idle ones, and speaks with the inits of their sandboxes.

use std::io::{self, BufWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::error::ended;
use super::mounts::EMPTY_ROOT;
use super::running::{Conversation, Ends};
use super::wire::{Request, StageReport, Stream, hear, tell};
use super::{Attachment, Finished, STAGE_ARGUMENT, SandboxError, Specification, fill};

/// Users that root becomes, the first that its user namespace has. Of the first no system gives away any: it lies
/// behind what distributions use, systemd's dynamic users and containers included.
const USERS: [u32; 2] = [872_415_232, 65_534];

/// How stages are started.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// The program of hbuild.
    pub program: PathBuf,
    /// The folder of exploded exec roots.
    pub roots: PathBuf,
    /// Whether best-effort parts are demanded.
    pub strict: bool,
}

/// Sandboxes of this machine. Each that runs has a stage of its own; idle stages are kept.
pub struct Sandboxes {
    options: StageOptions,
    /// The user that stages become where hbuild is root.
    user: Option<u32>,
    idle: Mutex<Vec<Stage>>,
}

/// What stages differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    other_machine: bool,
    terminal: bool,
    /// User and group inside.
    ids: (u32, u32),
}

/// A stage's process.
pub(super) struct Stage {
    kind: Kind,
    process: Child,
    socket: Option<OwnedFd>,
}

impl Sandboxes {
    /// Starts nothing yet.
    pub fn new(options: StageOptions) -> Self {
        let user = rustix::process::geteuid().is_root().then(|| USERS.into_iter().find(|id| mapped(*id)));
        Self { options, user: user.flatten(), idle: Mutex::default() }
    }

    /// The user whom the files of exec roots must belong to, so that root and ordinary users see the same inside;
    /// `None` for one's own.
    pub fn owner(&self) -> Option<u32> {
        self.user
    }

    /// A sandbox of `specification`, to be filled and run.
    pub fn start(&self, specification: &Specification) -> Result<Running<'_>, SandboxError> {
        let kind = Kind {
            other_machine: specification.other_machine,
            terminal: specification.attachment == Attachment::Terminal,
            ids: specification.ids(),
        };
        let (own, control) = pair().map_err(|error| ended("no socket", &error))?;
        let request = Request { specification: specification.clone(), strict: self.options.strict };
        let descriptors = [control.as_fd()];
        // An idle stage may have been killed since.
        if let Some(stage) = self.take_idle(kind)
            && tell(stage.socket(), &request, &descriptors).is_ok()
        {
            return Ok(Running::new(self, stage, own, specification.limits.log));
        }
        let stage = self.start_stage(kind)?;
        tell(stage.socket(), &request, &descriptors).map_err(|error| ended("request", &error))?;
        Ok(Running::new(self, stage, own, specification.limits.log))
    }

    fn take_idle(&self, kind: Kind) -> Option<Stage> {
        let mut idle = self.idle.lock().expect("nothing panics while it is held");
        let at = idle.iter().rposition(|stage| stage.kind == kind)?;
        Some(idle.swap_remove(at))
    }

    fn keep_idle(&self, stage: Stage) {
        self.idle.lock().expect("nothing panics while it is held").push(stage);
    }

    fn start_stage(&self, kind: Kind) -> Result<Stage, SandboxError> {
        let StageOptions { program, roots, .. } = &self.options;
        let failed =
            |source| SandboxError::NoStage { program: program.clone(), roots: roots.clone(), source };
        make_empty(&roots.join(EMPTY_ROOT));
        let (socket, other) = pair().map_err(failed)?;
        let user = self.user.map(|user| if kind.other_machine && mapped(user + 1) { user + 1 } else { user });
        let process = Command::new(program)
            .arg(STAGE_ARGUMENT)
            .arg(user.map_or("-".to_owned(), |user| user.to_string()))
            .arg(if kind.terminal { "terminal" } else { "-" })
            .arg(if kind.other_machine { "other" } else { "-" })
            .args([kind.ids.0, kind.ids.1].map(|id| id.to_string()))
            .env_clear()
            .current_dir(roots)
            .stdin(Stdio::from(other))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let stage = Stage { kind, process, socket: Some(socket) };
        match hear(stage.socket()) {
            Ok(Some((StageReport::Ready, _))) => Ok(stage),
            Ok(Some((StageReport::Fault(fault), _))) => Err(fault.into()),
            Ok(_) => Err(ended("stage", &io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(ended("stage", &error)),
        }
    }
}

impl Stage {
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_ref().expect("there until dropped").as_fd()
    }
}

impl Drop for Stage {
    /// The stage kills what runs when its socket closes. Waited for, so that no process is left afterwards.
    fn drop(&mut self) {
        self.socket = None;
        let _ = self.process.wait();
    }
}

/// Makes the folder `path`, which everybody may read. Where it cannot be made, roots are mounted in another way.
fn make_empty(path: &Path) {
    let _ = std::fs::create_dir(path);
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755));
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// Whether this process's user namespace has `id` as user and as group.
fn mapped(id: u32) -> bool {
    ["/proc/self/uid_map", "/proc/self/gid_map"].into_iter().all(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| {
            let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
            let (first, _, count) = (numbers.next(), numbers.next(), numbers.next());
            first.zip(count).is_some_and(|(first, count)| (first..first + count).contains(&u64::from(id)))
        })
    })
}

/// A sandbox that is being filled.
pub struct Running<'a> {
    sandboxes: &'a Sandboxes,
    /// There until [`Running::run`] gives it back; what is dropped is killed.
    stage: Option<Stage>,
    control: BufWriter<Stream<OwnedFd>>,
    log_limit: u64,
}

impl<'a> Running<'a> {
    fn new(sandboxes: &'a Sandboxes, stage: Stage, control: OwnedFd, log_limit: u64) -> Self {
        let control = BufWriter::with_capacity(1 << 16, Stream(control));
        Self { sandboxes, stage: Some(stage), control, log_limit }
    }

    /// Makes the directory `path`, whose parent is there.
    pub fn directory(&mut self, path: &[u8]) -> Result<(), SandboxError> {
        let written = fill::directory(&mut self.control, path);
        written.map_err(|error| self.refused(&error))
    }

    /// Makes a file of the `size` bytes that `content` gives.
    pub fn file(
        &mut self,
        path: &[u8],
        executable: bool,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<(), SandboxError> {
        let written = fill::file(&mut self.control, path, executable, size);
        written.map_err(|error| self.refused(&error))?;
        let mut rest = size;
        let mut buffer = [0; 1 << 14];
        while rest > 0 {
            let wanted = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            let read = match content.read(&mut buffer[..wanted]) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other,
            };
            let read = read.map_err(|source| {
                let path = String::from_utf8_lossy(path).into_owned();
                SandboxError::Content { path, source }
            })?;
            self.control.write_all(&buffer[..read]).map_err(|error| self.refused(&error))?;
            rest -= read as u64;
        }
        Ok(())
    }

    /// Makes a symbolic link with `target` as written.
    pub fn symlink(&mut self, path: &[u8], target: &[u8]) -> Result<(), SandboxError> {
        let written = fill::symlink(&mut self.control, path, target);
        written.map_err(|error| self.refused(&error))
    }

    /// Makes `path` one more name of the file `target`, which is there.
    pub fn hard_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), SandboxError> {
        let written = fill::hard_link(&mut self.control, path, target);
        written.map_err(|error| self.refused(&error))
    }

    /// Gives the file or directory `path` this mode and time. Into a directory whose mode forbids it, nothing can be
    /// put afterwards.
    pub fn metadata(&mut self, path: &[u8], mode: u32, time: i64) -> Result<(), SandboxError> {
        let written = fill::metadata(&mut self.control, path, mode, time);
        written.map_err(|error| self.refused(&error))
    }

    /// Runs the commands; `log` gets what they write, in order. No process of the sandbox is left when it returns.
    /// `cancelled` is asked about fifty times a second.
    pub fn run(
        mut self,
        log: &mut dyn Write,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Finished, SandboxError> {
        let written = fill::end(&mut self.control).and_then(|()| self.control.flush());
        if let Err(error) = written {
            return Err(self.refused(&error));
        }
        let stage = self.stage.take().expect("taken here alone");
        let talk = Conversation::new(self.control.get_ref().0.as_fd(), stage.socket(), self.log_limit);
        let (result, gone) = talk.until_gone(log, cancelled);
        if gone {
            self.sandboxes.keep_idle(stage);
        }
        result
    }

    /// Runs the commands as [`Running::run`] does, attached as the specification says: `output` gets what they write
    /// to standard output, and `attach`, before anything runs, the other ends.
    pub fn interact(
        mut self,
        output: &mut dyn Write,
        attach: &mut dyn FnMut(Ends) -> io::Result<()>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Finished, SandboxError> {
        if let Err(error) = self.control.flush() {
            return Err(self.refused(&error));
        }
        let stage = self.stage.take().expect("taken here alone");
        let control = self.control.get_ref().0.try_clone().map_err(|error| ended("sandbox", &error))?;
        let mut talk = Conversation::new(control.as_fd(), stage.socket(), self.log_limit);
        if let Some(ends) = talk.ends()? {
            attach(ends).map_err(|error| ended("terminal", &error))?;
            let written = fill::end(&mut self.control).and_then(|()| self.control.flush());
            written.map_err(|error| ended("sandbox", &error))?;
        }
        let (result, gone) = talk.until_gone(output, cancelled);
        if gone {
            self.sandboxes.keep_idle(stage);
        }
        result
    }

    /// Why the init takes nothing more: it says so itself, if it can.
    fn refused(&mut self, error: &io::Error) -> SandboxError {
        let Some(stage) = &self.stage else { return ended("sandbox", error) };
        let talk = Conversation::new(self.control.get_ref().0.as_fd(), stage.socket(), self.log_limit);
        match talk.until_gone(&mut io::sink(), &|| false).0 {
            Err(fault) => fault,
            Ok(_) => ended("sandbox", error),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // What is buffered is for nobody, and the stage kills the init when it goes.
        drop(self.stage.take());
    }
}
