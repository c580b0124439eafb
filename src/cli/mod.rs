//! The command line: arguments to settings, one library call, and its result for people or programs.
//!
//! One file for each command. Standard output holds results, standard error is for people.

mod arguments;
mod axes;
mod build;
mod bundle;
mod check;
mod console;
mod context;
mod derivation;
mod diff;
mod doctor;
mod explain;
mod fmt;
mod graph;
mod image;
mod import;
mod init;
mod keygen;
mod limits;
mod lock;
mod log;
mod lsp;
mod pages;
mod progress;
mod pull;
mod push;
mod registry;
mod report;
mod reproduce;
mod run;
mod sbom;
mod shell;
mod show;
mod show_image;
mod sign;
mod signer;
mod status;
mod store;
mod table;
mod target;
mod test;
mod verify;
mod version;
mod why;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use zeroize::Zeroizing;

use arguments::{Arguments, Command};
use context::Context;
use report::{Failure, Reporter};

use crate::host::signer::{KEY_ARGUMENT, Secrets, key_main};
use crate::sandbox::{STAGE_ARGUMENT, diagnose, stage_main, take_variable};

/// Runs hbuild with `arguments`, the program's name first; returns the exit status of design section 11.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let [_, hidden, probe] = arguments.as_slice()
        && hidden == diagnose::PROBE_ARGUMENT
    {
        return diagnose::probe_main(&probe.to_string_lossy());
    }
    if arguments.get(1).is_some_and(|word| word == STAGE_ARGUMENT) {
        stage_main(&arguments[2..]);
    }
    if arguments.get(1).is_some_and(|word| word == KEY_ARGUMENT) {
        return key_main(&arguments[2..]);
    }
    // While there is one thread, and before anything is read: no other process is to find it, whatever the command.
    let passphrase = take_variable("HBUILD_PASSPHRASE");
    let command = Arguments::command();
    let arguments = axes::rewrite(&command, arguments);
    let parsed = command.try_get_matches_from(arguments).and_then(|it| Arguments::from_arg_matches(&it));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap's own status for the others is 2.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let secrets = secrets(&arguments.command, passphrase);
    init_log();
    let reporter = Reporter::new(arguments.error_format, arguments.command.reports());
    let context = Context::new(reporter, secrets);
    match dispatch(arguments.command, &context) {
        Ok(()) => {
            context.reporter().finish(0);
            ExitCode::SUCCESS
        }
        Err(_) if context.cancelled() => {
            eprintln!("{}", context::STOPPED);
            ExitCode::from(context::STOPPED_STATUS)
        }
        Err(failure) => failure.finish(context.reporter()),
    }
}

/// The secrets that `command` needs; others are forgotten.
fn secrets(command: &Command, passphrase: Option<Zeroizing<Vec<u8>>>) -> Secrets {
    match (command.signer(), command) {
        (Some(signer), _) => Secrets { passphrase, key: signer.variable().and_then(take_variable) },
        (None, Command::Keygen(_)) => Secrets { passphrase, key: None },
        _ => Secrets::default(),
    }
}

fn dispatch(command: Command, context: &Context) -> Result<(), Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments, context),
        Command::Fmt(arguments) => fmt::run(&arguments, context),
        Command::Show(arguments) => show::run(&arguments, context),
        Command::Lock(arguments) => lock::run(&arguments, context),
        Command::Build(arguments) => build::run(&arguments, context),
        Command::Bundle(arguments) => bundle::run(&arguments, context),
        Command::Reproduce(arguments) => reproduce::run(&arguments, context),
        Command::Graph(arguments) => graph::run(&arguments, context),
        Command::Log(arguments) => log::run(&arguments, context),
        Command::Shell(arguments) => shell::run(&arguments, context),
        Command::Push(arguments) => push::run(&arguments, context),
        Command::Pull(arguments) => pull::run(&arguments, context),
        Command::Run(arguments) => run::run(&arguments, context),
        Command::Test(arguments) => test::run(&arguments, context),
        Command::Why(arguments) => why::run(&arguments, context),
        Command::Diff(arguments) => diff::run(&arguments, context),
        Command::Verify(arguments) => verify::run(&arguments, context),
        Command::Sbom(arguments) => sbom::run(&arguments, context),
        Command::Import(arguments) => import::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments, context),
        Command::Sign(arguments) => sign::run(&arguments, context),
        Command::Store(arguments) => store::run(&arguments, context),
        Command::Doctor(arguments) => doctor::run(&arguments, context),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Lsp => lsp::run(context),
        Command::Version { json } => version::run(json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "hbuild", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Writes a result to standard output. A reader that went away is no failure of the command.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(report::OutputError { source: error }))
        }
        _ => Ok(()),
    }
}

/// Prints a value as one JSON document.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).expect("results serialise to JSON");
    text.push('\n');
    print(&text)
}

/// Logs go to standard error where `HBUILD_LOG` asks for them (`HBUILD_LOG=debug`).
fn init_log() {
    let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("HBUILD_LOG") else { return };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
