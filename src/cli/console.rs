//! The terminal of a shell in a sandbox, or the pipes that stand for it.
//!
//! The sandbox has a terminal of its own. hbuild puts the user's in raw mode and passes on what is typed and shown, so
//! that nothing inside can reach the user's terminal by itself.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use super::context::Context;
use crate::sandbox::{Console, Ends, Place};

/// Where a shell's input and output come from and go to.
pub struct Terminal {
    interactive: bool,
    /// How the user's terminal was, as long as it is in raw mode.
    before: Saved,
    /// Takes progress off the terminal.
    clear: Mutex<Option<Box<dyn FnMut() + Send>>>,
    /// Passes on standard error.
    errors: Mutex<Option<JoinHandle<()>>>,
}

type Saved = Arc<Mutex<Option<Termios>>>;

impl Terminal {
    /// The terminal that standard input is, or else pipes. Where the process has to end at once, it is left as it was.
    pub fn new(context: &Context) -> Self {
        Self::of(context, io::stdin().is_terminal())
    }

    /// As [`Terminal::new`], but pipes also where standard output or error goes elsewhere: they stay apart then.
    pub fn for_command(context: &Context) -> Self {
        let all = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
        Self::of(context, all)
    }

    fn of(context: &Context, interactive: bool) -> Self {
        let before = Saved::default();
        let saved = before.clone();
        context.before_hard_stop(move || restore(&saved));
        let (clear, errors) = (Mutex::default(), Mutex::default());
        Self { interactive, before, clear, errors }
    }

    /// Has `clear` called when the shell begins, or does not.
    pub fn show_until_begun(&self, clear: impl FnMut() + Send + 'static) {
        *lock(&self.clear) = Some(Box::new(clear));
    }

    /// Takes off what was shown until the shell began.
    pub fn begun(&self) {
        if let Some(mut clear) = lock(&self.clear).take() {
            clear();
        }
    }

    /// Puts the user's terminal in raw mode, gives its settings and its size to that of the sandbox, and passes on
    /// what is typed.
    fn attach_terminal(&self, ends: Ends) -> io::Result<()> {
        let terminal = io::stdin();
        let settings = tcgetattr(&terminal)?;
        tcsetattr(&ends.input, OptionalActions::Now, &settings)?;
        let (resized, signalled) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGWINCH, signalled)?;
        copy_size(&ends);
        *lock(&self.before) = Some(settings.clone());
        let mut raw = settings;
        raw.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &raw)?;
        std::thread::Builder::new().name("typed".to_owned()).spawn(move || pass_on_typed(&ends, &resized))?;
        Ok(())
    }
}

impl Console for Terminal {
    fn is_terminal(&self) -> bool {
        self.interactive
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let terminal = std::env::var("TERM").ok().filter(|_| self.interactive);
        terminal.map(|terminal| ("TERM".to_owned(), terminal)).into_iter().collect()
    }

    fn begin(&self, place: &Place) {
        self.begun();
        let Place { label, step, how, again, outputs } = place;
        match how {
            Some(how) => eprintln!("hbuild: {label}, as its step `{step}` left it, which {how}"),
            None => eprintln!("hbuild: {label}, before its first step `{step}`"),
        }
        let further = outputs.iter().skip(1).map(|path| format!(", {path}")).collect::<String>();
        eprintln!("hbuild: sources are in $SRC, /build/src; what is built belongs in $OUT, /out{further}");
        if !again.is_empty() {
            eprintln!("hbuild: {again} runs the step; nothing that is done here is kept");
        }
    }

    fn attach(&self, ends: Ends) -> io::Result<()> {
        if self.interactive {
            return self.attach_terminal(ends);
        }
        let Ends { input, error } = ends;
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        // Ends with the process: nobody knows when there will be more to read.
        spawn("input").spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut std::fs::File::from(input));
        })?;
        if let Some(error) = error {
            let copy = move || {
                let _ = io::copy(&mut std::fs::File::from(error), &mut io::stderr());
            };
            *lock(&self.errors) = Some(spawn("errors").spawn(copy)?);
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            // The shell goes on for those who read no more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore(&self.before);
        if let Some(errors) = lock(&self.errors).take() {
            let _ = errors.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn restore(saved: &Mutex<Option<Termios>>) {
    if let Some(settings) = lock(saved).take() {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &settings);
    }
}

fn copy_size(ends: &Ends) {
    if let Ok(size) = tcgetwinsize(io::stdin()) {
        let _ = tcsetwinsize(&ends.input, size);
    }
}

/// Passes on what is typed, and every change of the terminal's size, until either end is gone.
fn pass_on_typed(ends: &Ends, mut resized: &UnixStream) {
    let terminal = io::stdin();
    let mut buffer = [0; 4096];
    loop {
        let mut polled = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(resized, PollFlags::IN)];
        if poll(&mut polled, None).is_err() {
            continue;
        }
        let [typed, size] = polled.map(|polled| !polled.revents().is_empty());
        if size {
            let _ = resized.read(&mut buffer);
            copy_size(ends);
        }
        if !typed {
            continue;
        }
        let Ok(length @ 1..) = rustix::io::read(terminal.as_fd(), &mut buffer) else { return };
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            match rustix::io::retry_on_intr(|| rustix::io::write(&ends.input, rest)) {
                Ok(written) => rest = &rest[written..],
                Err(_) => return,
            }
        }
    }
}
