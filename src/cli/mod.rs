//! The command line: arguments to settings, one library call, and its result for people or programs.
//!
//! One file for each command. Standard output holds results, standard error is for people.

mod arguments;
mod axes;
mod build;
mod check;
mod context;
mod doctor;
mod fmt;
mod graph;
mod lock;
mod progress;
mod report;
mod show;
mod status;
mod store;
mod table;
mod target;
mod version;
mod why;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use context::Context;
use report::Failure;

use crate::sandbox::{STAGE_ARGUMENT, diagnose, stage_main};

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
