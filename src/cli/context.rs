//! What commands share: environment, settings, store, and the signal that stops them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::arguments::NetworkArguments;
use super::report::{Failure, Reporter, UsageError};
use crate::host::settings::{Environment, NetworkFlags, Settings};
use crate::host::signer::Secrets;
use crate::store::Store;

/// Builder id of the provenance where `HBUILD_BUILDER_ID` does not give one: some machine, nothing vouched for.
const LOCAL_BUILDER: &str = "https://hbuild.dev/builders/local/v1";

/// What is said when the command was stopped by a signal.
pub const STOPPED: &str = "hbuild: stopped";
/// The exit status then.
pub const STOPPED_STATUS: u8 = 130;

/// How often the flag that signals set is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a command may take to stop by itself. A read from a mirror that says nothing would take longer.
const GRACE: Duration = Duration::from_millis(500);

/// What is done, in order, before a process ends whose command did not stop by itself.
type Farewells = Arc<Mutex<Vec<Box<dyn FnMut() + Send>>>>;

/// The surroundings of one command.
pub struct Context {
    environment: Environment,
    cancel: Arc<AtomicBool>,
    farewells: Farewells,
    reporter: Reporter,
    secrets: Mutex<Secrets>,
}

impl Context {
    /// The context of this process. From now on the first interrupt or termination asks the command to stop,
    /// the second ends the process at once. `secrets` are what the environment held of them.
    pub fn new(reporter: Reporter, secrets: Secrets) -> Self {
        let cancel = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
        {
            // Registration fails for signals that cannot be caught only; none of these is one.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, cancel.clone());
            let _ = signal_hook::flag::register(signal, cancel.clone());
        }
        let farewells = Farewells::default();
        watch(cancel.clone(), farewells.clone());
        let secrets = Mutex::new(secrets);
        Self { environment: Environment::of_process(), cancel, farewells, reporter, secrets }
    }

    /// Where errors and warnings go.
    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// The secrets that the environment held, for whoever asks first.
    pub fn take_secrets(&self) -> Secrets {
        std::mem::take(&mut *self.secrets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has `farewell` done before the process ends when the command, asked to stop, does not in time.
    pub fn before_hard_stop(&self, farewell: impl FnMut() + Send + 'static) {
        self.farewells.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(farewell));
    }

    /// Set when the command is to stop.
    pub fn cancel(&self) -> Arc<AtomicBool> {
        self.cancel.clone()
    }

    /// Whether the command was asked to stop.
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The builder id.
    pub fn builder(&self) -> String {
        self.variable("HBUILD_BUILDER_ID").unwrap_or(LOCAL_BUILDER).to_owned()
    }

    /// `$HBUILD_STORE`, else `hbuild/store` in the XDG data directory.
    pub fn store_path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = self.variable("HBUILD_STORE") {
            return Ok(path.into());
        }
        let data = match (self.variable("XDG_DATA_HOME"), self.variable("HOME")) {
            (Some(data), _) if data.starts_with('/') => PathBuf::from(data),
            (_, Some(home)) => PathBuf::from(home).join(".local/share"),
            _ => return Err(Failure::new(UsageError::NoStore)),
        };
        Ok(data.join("hbuild/store"))
    }

    /// `hbuild` in the XDG cache directory, where there is one.
    pub fn cache_path(&self) -> Option<PathBuf> {
        let cache = match (self.variable("XDG_CACHE_HOME"), self.variable("HOME")) {
            (Some(cache), _) if cache.starts_with('/') => PathBuf::from(cache),
            (_, Some(home)) => PathBuf::from(home).join(".cache"),
            _ => return None,
        };
        Some(cache.join("hbuild"))
    }

    /// The store. What is not committed of it goes when the process has to end at once.
    pub fn store(&self) -> Result<Arc<Store>, Failure> {
        let store = Arc::new(Store::open(&self.store_path()?).map_err(Failure::new)?);
        let opened = Arc::downgrade(&store);
        self.before_hard_stop(move || {
            if let Some(store) = opened.upgrade() {
                store.abandon();
            }
        });
        Ok(store)
    }

    /// The network, with these authorities where they are given.
    pub fn network(&self, ca_file: Option<PathBuf>) -> Result<Settings, Failure> {
        let flags = NetworkFlags { ca_file, ..NetworkFlags::default() };
        Settings::load(&self.environment, &flags).map_err(Failure::new)
    }

    /// Mirrors and network.
    pub fn settings(&self, network: &NetworkArguments) -> Result<Settings, Failure> {
        let flags = NetworkFlags {
            mirrors: [
                ("debian".to_owned(), network.debian_mirror.clone()),
                ("debian-security".to_owned(), network.debian_security_mirror.clone()),
                ("alpine".to_owned(), network.alpine_mirror.clone()),
            ]
            .into(),
            ca_file: network.ca_file.clone(),
        };
        Settings::load(&self.environment, &flags).map_err(Failure::new)
    }
}

/// Ends the process a while after `cancel` was set, unless it ended by itself.
fn watch(cancel: Arc<AtomicBool>, farewells: Farewells) {
    let watcher = move || {
        while !cancel.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
        }
        std::thread::sleep(GRACE);
        for farewell in farewells.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            farewell();
        }
        eprintln!("{STOPPED}");
        std::process::exit(STOPPED_STATUS.into());
    };
    // Without a thread to be had, a second signal still ends the process.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(watcher);
}
