//! Running `git` without the user's configuration, and stopping it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{Git, GitError};
use crate::host::fetch::{FetchOptions, basic_authorization};

/// Longest pause between two looks at a running git.
const TICK: Duration = Duration::from_millis(20);
/// Lines of what git said that stand in a message.
const LINES: usize = 5;
/// Variables that git and what it starts may see.
const PASSED: [&str; 10] = [
    "PATH",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "TMPDIR",
];
/// All configuration that there is. Repositories of other users are read: a commit is what it is, whoever has it.
const CONFIGURATION: &str = "[safe]\n\tdirectory = *\n[protocol]\n\tversion = 2\n[gc]\n\tauto = 0\n\
     [uploadpack]\n\tallowAnySHA1InWant = true\n[http]\n\tlowSpeedLimit = 1000\n\tlowSpeedTime = 60\n";

/// Git with an empty repository of its own. Dropped, all of it is gone.
pub(super) struct Program<'a> {
    folder: PathBuf,
    url: &'a str,
    network: &'a FetchOptions,
    cancelled: &'a dyn Fn() -> bool,
}

/// How a run ended.
pub(super) struct Outcome {
    pub success: bool,
    /// Standard output, where it was asked for.
    pub output: Vec<u8>,
    /// The last lines of standard error.
    pub said: String,
}

/// A running git; dropped, it is killed with all it started.
pub(super) struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let group = rustix::process::Pid::from_child(&self.0);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl<'a> Program<'a> {
    /// Git for commits like `commit`, of the repository `url` and its submodules.
    pub fn new(git: &'a Git<'_>, url: &'a str, commit: &str) -> Result<Self, GitError> {
        let folder = git.store.scratch()?.path();
        fs::create_dir(&folder)?;
        let program = Self { folder, url, network: git.network, cancelled: git.cancelled };
        fs::write(program.folder.join(".gitconfig"), CONFIGURATION)?;
        if let Some(authorities) = &git.network.authorities {
            fs::write(program.folder.join("authorities"), authorities)?;
        }
        let format = if commit.len() == 64 { "--object-format=sha256" } else { "--object-format=sha1" };
        let outcome = program.run(&["init", "-q", "--bare", "--template=", format])?;
        match outcome.success {
            true => Ok(program),
            false => Err(GitError::Failed { command: "init".to_owned(), said: outcome.said }),
        }
    }

    /// Runs git to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Outcome, GitError> {
        self.finish(arguments, Stdio::null())
    }

    /// Runs git to its end, with its standard output.
    pub fn output(&self, arguments: &[&str]) -> Result<Outcome, GitError> {
        let path = self.folder.join("output");
        let outcome = self.finish(arguments, File::create(&path)?.into())?;
        Ok(Outcome { output: fs::read(&path)?, ..outcome })
    }

    /// Starts git with these bytes as standard input and a pipe for standard output.
    pub fn start(&self, arguments: &[&str], input: &[u8]) -> Result<Running, GitError> {
        let path = self.folder.join("input");
        File::create(&path)?.write_all(input)?;
        self.spawn(arguments, File::open(&path)?.into(), Stdio::piped())
    }

    /// Fails where the caller wants no more.
    pub fn check_cancelled(&self) -> Result<(), GitError> {
        match (self.cancelled)() {
            true => Err(GitError::Cancelled { url: self.url.to_owned() }),
            false => Ok(()),
        }
    }

    /// What git said on standard error: its last lines.
    pub fn said(&self) -> String {
        let bytes = fs::read(self.folder.join("said")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        if last.is_empty() { "it said nothing".to_owned() } else { last.join("\n") }
    }

    fn finish(&self, arguments: &[&str], output: Stdio) -> Result<Outcome, GitError> {
        let mut running = self.spawn(arguments, Stdio::null(), output)?;
        let status = self.wait(&mut running)?;
        Ok(Outcome { success: status.success(), output: Vec::new(), said: self.said() })
    }

    /// Waits for the end of `running`.
    pub fn wait(&self, running: &mut Running) -> Result<ExitStatus, GitError> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = running.0.try_wait()? {
                return Ok(status);
            }
            self.check_cancelled()?;
            std::thread::sleep(pause);
            pause = (pause * 2).min(TICK);
        }
    }

    fn spawn(&self, arguments: &[&str], input: Stdio, output: Stdio) -> Result<Running, GitError> {
        self.check_cancelled()?;
        let mut command = Command::new("git");
        command.env_clear();
        command.envs(PASSED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
        command.envs(self.environment());
        command.args(arguments).current_dir(&self.folder).process_group(0);
        command.stdin(input).stdout(output).stderr(File::create(self.folder.join("said"))?);
        match command.spawn() {
            Ok(child) => Ok(Running(child)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(GitError::NoGit { url: self.url.to_owned() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What git sees besides [`PASSED`]. Credentials stand here, where only the user's own processes see them.
    fn environment(&self) -> Vec<(String, std::ffi::OsString)> {
        let of = |name: &str, value: &Path| (name.to_owned(), value.as_os_str().to_owned());
        let text = |name: &str, value: &str| (name.to_owned(), value.into());
        // A submodule may lead to another server, never from one to this machine's files.
        let protocols = if self.url.starts_with("file:") { "https:ssh:file" } else { "https:ssh" };
        let mut all = vec![
            of("HOME", &self.folder),
            of("GIT_DIR", &self.folder.join("repository")),
            text("GIT_CONFIG_NOSYSTEM", "1"),
            text("GIT_ATTR_NOSYSTEM", "1"),
            text("GIT_NO_REPLACE_OBJECTS", "1"),
            text("GIT_TERMINAL_PROMPT", "0"),
            text("GIT_ALLOW_PROTOCOL", protocols),
            text("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30"),
            text("LC_ALL", "C"),
        ];
        if self.network.authorities.is_some() {
            all.push(of("GIT_SSL_CAINFO", &self.folder.join("authorities")));
        }
        for (number, (host, credential)) in self.network.credentials.iter().enumerate() {
            let header = basic_authorization(&credential.username, &credential.password);
            let key = format!("http.https://{host}/.extraHeader");
            all.push(text(&format!("GIT_CONFIG_KEY_{number}"), &key));
            all.push(text(&format!("GIT_CONFIG_VALUE_{number}"), &format!("Authorization: {header}")));
        }
        all.push(text("GIT_CONFIG_COUNT", &self.network.credentials.len().to_string()));
        all
    }
}
