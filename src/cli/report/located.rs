//! What the language says of a recipe, with the texts that it is about.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hbuild_lang::Checked;
use hbuild_lang::diagnostic::{Diagnostic, IMPORTED_HERE, Label, LineIndex, Severity, line_starts};
use miette::{LabeledSpan, SourceCode};

use super::Report;
use super::excerpt::Excerpt;

/// The files of a recipe by the names that labels have.
#[derive(Debug)]
pub struct Files {
    /// What is put before the names of files that are not of `std`: the recipe's folder as it was given.
    folder: String,
    entry: String,
    files: BTreeMap<String, File>,
}

/// One file.
#[derive(Debug)]
struct File {
    text: String,
    lines: Vec<usize>,
}

impl Files {
    /// The name of a label's file.
    pub fn name_of<'a>(&'a self, file: Option<&'a str>) -> &'a str {
        file.unwrap_or(&self.entry)
    }

    /// The file's path for people, and for programs that look for it.
    pub fn shown(&self, file: &str) -> String {
        if file.starts_with("std/") { file.to_owned() } else { format!("{}{file}", self.folder) }
    }

    /// The lines of a file; of the empty text where it could not be read.
    pub fn lines(&self, file: &str) -> LineIndex<'_> {
        match self.files.get(file) {
            Some(file) => LineIndex::known(&file.text, &file.lines),
            None => LineIndex::new(""),
        }
    }

    fn excerpt(&self, file: &str, labels: &[LabeledSpan]) -> (Excerpt, Vec<LabeledSpan>) {
        let text = self.files.get(file).map_or("", |file| file.text.as_str());
        Excerpt::new(self.shown(file), text, &self.lines(file), labels)
    }
}

/// What was found in one recipe.
pub struct Texts<'a> {
    files: Arc<Files>,
    checked: &'a Checked,
}

impl<'a> Texts<'a> {
    /// What was found in the recipe at `path`.
    pub fn new(path: &Path, checked: &'a Checked) -> Self {
        let (folder, entry) = crate::build::split(path);
        let folder = if folder == Path::new(".") { String::new() } else { format!("{}/", folder.display()) };
        let file = |(name, text): (&String, &String)| {
            (name.clone(), File { text: text.clone(), lines: line_starts(text) })
        };
        // A recipe without findings needs no texts.
        let files = match checked.diagnostics.is_empty() {
            true => BTreeMap::new(),
            false => checked.texts.iter().map(file).collect(),
        };
        Self { files: Arc::new(Files { folder, entry, files }), checked }
    }

    /// Everything found, in order.
    pub fn reports(&self) -> impl Iterator<Item = Report> + use<'_, 'a> {
        self.checked.diagnostics.iter().map(|diagnostic| {
            Report::Recipe(Located { diagnostic: diagnostic.clone(), files: self.files.clone() })
        })
    }
}

/// A diagnostic of the recipe language with the texts it is about.
#[derive(Debug, Clone)]
pub struct Located {
    /// What was found.
    pub diagnostic: Diagnostic,
    /// The recipe's files.
    pub files: Arc<Files>,
}

impl Located {
    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.diagnostic.is_error()
    }

    /// The place of an import in words.
    fn import(&self, label: &Label) -> String {
        let file = self.files.name_of(label.file.as_deref());
        let at = self.files.lines(file).line_column(label.range.start);
        format!("{}: {}:{}:{}", label.text, self.files.shown(file), at.line, at.column)
    }

    /// As miette shows it.
    pub fn for_people(&self) -> Shown {
        let diagnostic = &self.diagnostic;
        let file = self.files.name_of(diagnostic.primary().and_then(|label| label.file.as_deref()));
        let in_file = |label: &&Label| self.files.name_of(label.file.as_deref()) == file;
        let primary = diagnostic.primary().map(|label| &label.range);
        // A place is marked once.
        let once = |label: &&Label| label.primary || Some(&label.range) != primary;
        let labels = diagnostic.labels.iter().filter(in_file).filter(once);
        let labels: Vec<LabeledSpan> = labels.map(span).collect();
        let (imports, others): (Vec<&Label>, Vec<&Label>) = diagnostic
            .labels
            .iter()
            .filter(|label| !in_file(label))
            .partition(|label| label.text.ends_with(IMPORTED_HERE));
        let elsewhere = others.into_iter().map(|label| {
            let file = self.files.name_of(label.file.as_deref());
            let unnamed = LabeledSpan::new_with_span(None, (label.range.start, label.range.len()));
            let (source, labels) = self.files.excerpt(file, &[unnamed]);
            let (message, severity) = (label.text.clone(), miette::Severity::Advice);
            Shown { message, code: None, severity, help: None, source, labels, elsewhere: Vec::new() }
        });
        let (source, labels) = self.files.excerpt(file, &labels);
        Shown {
            message: diagnostic.message.clone(),
            code: Some(diagnostic.code),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: with_imports(diagnostic.help.as_deref(), imports.iter().map(|label| self.import(label))),
            source,
            labels,
            elsewhere: elsewhere.collect(),
        }
    }
}

/// The help line, and below it the way from the entry to the file.
fn with_imports(help: Option<&str>, imports: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<String> = help.map(str::to_owned).into_iter().chain(imports).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn span(label: &Label) -> LabeledSpan {
    let text = Some(label.text.clone()).filter(|text| !text.is_empty());
    let span = (label.range.start, label.range.len());
    match label.primary {
        true => LabeledSpan::new_primary_with_span(text, span),
        false => LabeledSpan::new_with_span(text, span),
    }
}

/// A diagnostic with the lines it is about.
#[derive(Debug)]
pub struct Shown {
    message: String,
    code: Option<&'static str>,
    severity: miette::Severity,
    help: Option<String>,
    source: Excerpt,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Shown>,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Shown {}

impl miette::Diagnostic for Shown {
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
