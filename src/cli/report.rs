//! Errors for people, on standard error, and the exit status they lead to.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use hbuild_lang::Checked;
use hbuild_lang::diagnostic::{self, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// How a command ended other than well.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    reports: Vec<miette::Report>,
}

impl Failure {
    /// A failure that has been said already, by `check` or a comparison.
    pub fn silent() -> Self {
        Self { status: 1, reports: Vec::new() }
    }

    /// A failure by one error; its code decides the exit status.
    pub fn new(error: impl miette::Diagnostic + Send + Sync + 'static) -> Self {
        let status = status_of(&error);
        Self { status, reports: vec![miette::Report::new(error)] }
    }

    /// A failure that needs no words, with the status of what was run.
    pub fn status(status: u8) -> Self {
        Self { status, reports: Vec::new() }
    }

    /// A failure by one error, whatever it is; its code decides the exit status.
    pub fn boxed(error: Box<dyn miette::Diagnostic + Send + Sync>) -> Self {
        Self { status: status_of(&*error), reports: vec![miette::Report::new_boxed(error)] }
    }

    /// This failure and another: the reports of both, the graver status.
    pub fn and(mut self, other: Self) -> Self {
        self.status = self.status.max(other.status);
        self.reports.extend(other.reports);
        self
    }

    /// Prints what there is to say; returns the exit status.
    pub fn finish(self) -> ExitCode {
        for report in &self.reports {
            eprint!("{}", render(report.as_ref()));
        }
        ExitCode::from(self.status)
    }
}

/// The exit status that an error's code leads to; of several failures in one the gravest.
fn status_of(error: &dyn miette::Diagnostic) -> u8 {
    let of = |error: &dyn miette::Diagnostic| Some(super::status::of_code(&error.code()?.to_string()));
    let related = error.related().into_iter().flatten().filter_map(of);
    of(error).into_iter().chain(related).max().unwrap_or(1)
}

/// The text of a report as it stands on standard error: with colours and lines on a terminal, plain otherwise.
pub fn render(error: &dyn miette::Diagnostic) -> String {
    use std::io::IsTerminal;
    let terminal = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if terminal { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(width());
    let mut out = String::new();
    match handler.render_report(&mut out, error) {
        Ok(()) => out,
        Err(fmt::Error) => format!("{error}\n"),
    }
}

/// How wide reports are: as the terminal, but no wider than is read well.
fn width() -> usize {
    const WIDEST: usize = 110;
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    // Terminals that nobody looks at have no width.
    match size.map_or(0, |size| usize::from(size.ws_col)) {
        0 => WIDEST,
        columns => columns.clamp(40, WIDEST),
    }
}

/// What the language says of one recipe, with the texts that it is about.
pub struct Texts<'a> {
    /// What is put before the names of files that are not of `std`: the recipe's folder as it was given.
    folder: String,
    entry: String,
    checked: &'a Checked,
}

impl<'a> Texts<'a> {
    /// What was found in the recipe at `path`.
    pub fn new(path: &Path, checked: &'a Checked) -> Self {
        let (folder, entry) = crate::build::split(path);
        let folder = if folder == Path::new(".") { String::new() } else { format!("{}/", folder.display()) };
        Self { folder, entry, checked }
    }

    /// Everything found, on standard error.
    pub fn print(&self) {
        for diagnostic in &self.checked.diagnostics {
            eprint!("{}", render(&self.locate(diagnostic)));
        }
    }

    /// Everything found, as a failure of the recipe.
    pub fn failure(&self) -> Failure {
        let diagnostics = &self.checked.diagnostics;
        let reports = diagnostics.iter().map(|found| miette::Report::new(self.locate(found))).collect();
        Failure { status: 1, reports }
    }

    /// `diagnostic` with the text it is about.
    pub fn locate(&self, diagnostic: &diagnostic::Diagnostic) -> Located {
        let primary = diagnostic.primary();
        let file = primary.and_then(|label| label.file.clone()).unwrap_or_else(|| self.entry.clone());
        let in_file = |label: &diagnostic::Label| *label.file.as_ref().unwrap_or(&self.entry) == file;
        let labels = diagnostic.labels.iter().filter(|label| in_file(label)).map(|label| {
            let text = Some(label.text.clone()).filter(|text| !text.is_empty());
            let span = (label.range.start, label.range.len());
            match label.primary {
                true => LabeledSpan::new_primary_with_span(text, span),
                false => LabeledSpan::new_with_span(text, span),
            }
        });
        let elsewhere = diagnostic.labels.iter().filter(|label| !in_file(label)).map(|label| {
            let file = label.file.clone().unwrap_or_else(|| self.entry.clone());
            Located {
                message: label.text.clone(),
                code: None,
                severity: miette::Severity::Advice,
                help: None,
                source: self.source(&file),
                labels: vec![LabeledSpan::new_with_span(None, (label.range.start, label.range.len()))],
                elsewhere: Vec::new(),
            }
        });
        Located {
            message: diagnostic.message.clone(),
            code: Some(diagnostic.code),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: diagnostic.help.clone(),
            source: self.source(&file),
            labels: labels.collect(),
            elsewhere: elsewhere.collect(),
        }
    }

    fn source(&self, file: &str) -> NamedSource<String> {
        let text = self.checked.texts.get(file).cloned().unwrap_or_default();
        let shown = if file.starts_with("std/") { file.to_owned() } else { format!("{}{file}", self.folder) };
        NamedSource::new(shown, text)
    }
}

/// A diagnostic of the recipe language with the text it is about.
#[derive(Debug)]
pub struct Located {
    message: String,
    code: Option<&'static str>,
    severity: miette::Severity,
    help: Option<String>,
    source: NamedSource<String>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Located>,
}

impl fmt::Display for Located {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Located {}

impl miette::Diagnostic for Located {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(self.elsewhere.iter().map(|other| other as &dyn miette::Diagnostic)))
    }
}

/// Wrong usage that clap cannot see.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum UsageError {
    /// A target is neither a recipe nor a folder.
    #[error("there is no recipe at `{target}`")]
    #[diagnostic(
        code(hbuild::usage::no_recipe),
        help("name a file that ends in `.hb`, or a folder with such files below it")
    )]
    NoRecipe {
        /// As given.
        target: String,
    },
    /// Neither a layout folder nor an archive.
    #[error("there is no image at `{image}`")]
    #[diagnostic(
        code(hbuild::usage::no_image_file),
        help(
            "name a layout folder or an OCI archive, with `:REFERENCE` behind it where it holds several images"
        )
    )]
    NoImage {
        /// As given.
        image: String,
    },
    /// The image came without the statement that is needed.
    #[error("the image has no statement of the type {predicate}")]
    #[diagnostic(
        code(hbuild::usage::no_evidence),
        help("ask of a layout folder that `hbuild build` wrote: its referrers hold the statements")
    )]
    NoEvidence {
        /// The type.
        predicate: String,
    },
    /// Nothing says where the store is.
    #[error("there is no place for the store: neither HBUILD_STORE, XDG_DATA_HOME nor HOME is set")]
    #[diagnostic(code(hbuild::usage::no_store), help("set HBUILD_STORE to a folder"))]
    NoStore,
    /// An axis, or a label of it, that no recipe has.
    #[error("no recipe named here has `--{axis} {label}`")]
    #[diagnostic(code(hbuild::usage::no_such_axis), help("{choices}"))]
    NoSuchAxis {
        /// The axis.
        axis: String,
        /// The label.
        label: String,
        /// What there is.
        choices: String,
    },
    /// An `--axis` without `=`.
    #[error("`--axis {text}` is not NAME=LABEL")]
    #[diagnostic(code(hbuild::usage::bad_axis), help("write `--axis release=8.8`, or `--release 8.8`"))]
    BadAxis {
        /// As given.
        text: String,
    },
    /// No error has this code.
    #[error("there is no error with the code `{code}`")]
    #[diagnostic(code(hbuild::usage::no_such_code), help("{help}"))]
    NoSuchCode {
        /// As given.
        code: String,
        /// What there is.
        help: String,
    },
    /// Another option's value is wrong.
    #[error("{message}")]
    #[diagnostic(code(hbuild::usage::bad_value), help("{help}"))]
    BadValue {
        /// What is wrong.
        message: String,
        /// What to write.
        help: String,
    },
}

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot write to standard output")]
#[diagnostic(
    code(hbuild::host::output),
    help("check where standard output goes, and that the disk has room")
)]
pub struct OutputError {
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}
