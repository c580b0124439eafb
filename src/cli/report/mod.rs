//! What went wrong, for people or for programs, and the exit status it leads to.
//!
//! Everything that a command reports goes through one [`Reporter`], which `--error-format` makes: text with the place
//! in the recipe, one JSON object a line, or one SARIF document.

mod excerpt;
mod finding;
mod located;
mod sarif;
mod usage;

use std::fmt;
use std::io::Write;
use std::mem::take;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use miette::{GraphicalReportHandler, GraphicalTheme};

pub use finding::Finding;
pub use located::{Located, Texts};
pub use usage::{OutputError, UsageError};

use super::arguments::ErrorFormat;

/// How many errors and warnings people are shown; what is mended first is seldom further down.
const MOST: usize = 100;

/// One thing to report.
#[derive(Debug)]
pub enum Report {
    /// Of the recipe language.
    Recipe(Located),
    /// Of any other stage.
    Other(miette::Report),
}

impl Report {
    /// For people.
    fn text(&self, look: &Look) -> String {
        match self {
            Report::Recipe(located) => look.render(&located.for_people()),
            Report::Other(report) => look.render(report.as_ref()),
        }
    }

    fn is_error(&self) -> bool {
        match self {
            Report::Recipe(located) => located.is_error(),
            Report::Other(report) => {
                report.severity().is_none_or(|severity| severity == miette::Severity::Error)
            }
        }
    }
}

/// Where reports go, and as what.
pub struct Reporter {
    format: ErrorFormat,
    /// Whether reports are the command's result.
    result: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shown: usize,
    errors: usize,
    warnings: usize,
    /// What the document at the end holds.
    findings: Vec<Finding>,
}

impl Reporter {
    /// Reports in `format`; what programs read goes to standard output where it is the command's `result`.
    pub fn new(format: ErrorFormat, result: bool) -> Self {
        Self { format, result, state: Mutex::default() }
    }

    /// Whether people read it; otherwise nothing else may stand among the reports.
    pub fn for_people(&self) -> bool {
        self.format == ErrorFormat::Human
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says it, or keeps it for the document at the end.
    pub fn report(&self, report: &Report) {
        let mut state = self.state();
        match self.format {
            ErrorFormat::Human if state.shown < MOST => {
                state.shown += 1;
                eprint!("{}", report.text(&Look::of_terminal()));
            }
            ErrorFormat::Human if report.is_error() => state.errors += 1,
            ErrorFormat::Human => state.warnings += 1,
            ErrorFormat::Json => {
                let line = serde_json::to_string(&Finding::of(report)).expect("findings serialise to JSON");
                self.write(&format!("{line}\n"));
            }
            ErrorFormat::Sarif => state.findings.push(Finding::of(report)),
        }
    }

    /// Says all that was found in a recipe.
    pub fn texts(&self, texts: &Texts) {
        texts.reports().for_each(|report| self.report(&report));
    }

    /// Ends the reports of a command that ended with `status`.
    pub fn finish(&self, status: u8) {
        if self.format == ErrorFormat::Sarif {
            self.write(&sarif::document(&self.state().findings, status));
        }
        self.left_out();
    }

    /// Says how many people were not shown.
    pub fn left_out(&self) {
        let mut state = self.state();
        let (errors, warnings) = (take(&mut state.errors), take(&mut state.warnings));
        if errors + warnings > 0 {
            let more = super::check::counts(errors, warnings);
            eprintln!("… and {more} more, which `--error-format json` lists");
        }
    }

    fn write(&self, text: &str) {
        // A reader that went away wants no more.
        let _ = match self.result {
            true => std::io::stdout().lock().write_all(text.as_bytes()),
            false => std::io::stderr().lock().write_all(text.as_bytes()),
        };
    }
}

/// How a command ended other than well.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    reports: Vec<Report>,
}

impl Failure {
    /// A failure that has been said already, by `check` or a comparison.
    pub fn silent() -> Self {
        Self { status: 1, reports: Vec::new() }
    }

    /// A failure by one error; its code decides the exit status.
    pub fn new(error: impl miette::Diagnostic + Send + Sync + 'static) -> Self {
        let status = status_of(&error);
        Self { status, reports: vec![Report::Other(miette::Report::new(error))] }
    }

    /// A failure that needs no words, with the status of what was run.
    pub fn status(status: u8) -> Self {
        Self { status, reports: Vec::new() }
    }

    /// A failure by one error, whatever it is; its code decides the exit status.
    pub fn boxed(error: Box<dyn miette::Diagnostic + Send + Sync>) -> Self {
        Self { status: status_of(&*error), reports: vec![Report::Other(miette::Report::new_boxed(error))] }
    }

    /// A failure of the recipe, by all that was found in it.
    pub fn recipe(texts: &Texts) -> Self {
        Self { status: 1, reports: texts.reports().collect() }
    }

    /// This failure and another: the reports of both, the graver status.
    pub fn and(mut self, other: Self) -> Self {
        self.status = self.status.max(other.status);
        self.reports.extend(other.reports);
        self
    }

    /// This failure with another status.
    pub fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// Says what there is to say; returns the exit status.
    pub fn finish(self, reporter: &Reporter) -> ExitCode {
        self.reports.iter().for_each(|report| reporter.report(report));
        reporter.finish(self.status);
        ExitCode::from(self.status)
    }
}

/// The exit status that an error's code leads to; of several failures in one the gravest.
fn status_of(error: &dyn miette::Diagnostic) -> u8 {
    let of = |error: &dyn miette::Diagnostic| Some(super::status::of_code(&error.code()?.to_string()));
    let related = error.related().into_iter().flatten().filter_map(of);
    of(error).into_iter().chain(related).max().unwrap_or(1)
}

/// How text for people looks.
struct Look {
    coloured: bool,
    width: usize,
}

impl Look {
    /// With colours on a terminal that wants them, as wide as it is, but no wider than is read well.
    fn of_terminal() -> Self {
        use std::io::IsTerminal;
        const WIDEST: usize = 110;
        let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let size = rustix::termios::tcgetwinsize(std::io::stderr());
        // Terminals that nobody looks at have no width.
        let width = match size.map_or(0, |size| usize::from(size.ws_col)) {
            0 => WIDEST,
            columns => columns.clamp(40, WIDEST),
        };
        Self { coloured, width }
    }

    fn render(&self, error: &dyn miette::Diagnostic) -> String {
        let theme = if self.coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(self.width);
        let mut out = String::new();
        match handler.render_report(&mut out, error) {
            Ok(()) => out,
            Err(fmt::Error) => format!("{error}\n"),
        }
    }
}
