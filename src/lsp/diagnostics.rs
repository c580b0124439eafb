//! Errors and warnings as editors show them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use hbuild_lang::diagnostic::{Label, Severity};
use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    NumberOrString, Uri,
};

use super::documents::Documents;
use super::position::{Encoding, Lines};
use super::project::Project;

/// Where the book stands.
const BOOK: &str = "https://hbuild.dev/book";

/// What the language says of single characters and words, without knowing the rest, is on its own page.
const SYNTAX: &str = "hbuild::syntax::";

/// The entry of the book about a code.
pub fn page_of(code: &str) -> Option<Uri> {
    let page = if code.starts_with(SYNTAX) { "syntax" } else { "language" };
    let anchor: String = code.chars().filter(|letter| *letter != ':').collect();
    Uri::from_str(&format!("{BOOK}/errors/{page}.html#{anchor}")).ok()
}

/// What is wrong with the files of a project, by path; a file that nothing is wrong with is there, too.
pub fn of_project(
    project: &Project,
    documents: &Documents,
    standard: &dyn Fn(&str) -> Option<PathBuf>,
    encoding: Encoding,
) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
    let mut found: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
    let (diagnostics, texts): (&[_], Vec<(&str, &str)>) = match &project.analysis {
        Ok(analysis) => (analysis.diagnostics(), analysis.texts().collect()),
        Err(diagnostics) => (diagnostics, vec![(project.entry.as_str(), "")]),
    };
    let path_of = |name: &str| project.path(name).or_else(|| standard(name));
    let places = Places {
        lines: texts.iter().map(|(name, text)| (*name, Lines::new(text, encoding))).collect(),
        uris: texts.iter().filter_map(|(name, _)| Some((*name, documents.uri(&path_of(name)?)))).collect(),
        entry: &project.entry,
    };
    for (name, _) in &texts {
        found.extend(path_of(name).map(|path| (path, Vec::new())));
    }
    for diagnostic in diagnostics {
        let Some(primary) = diagnostic.primary() else { continue };
        let Some(path) = path_of(primary.file.as_deref().unwrap_or(&project.entry)) else { continue };
        let Some(place) = places.location(primary) else { continue };
        found.entry(path).or_default().push(convert(diagnostic, primary, place, &places));
    }
    found
}

/// Where the labels of a project's diagnostics lie.
struct Places<'a> {
    lines: BTreeMap<&'a str, Lines<'a>>,
    uris: BTreeMap<&'a str, Uri>,
    entry: &'a str,
}

impl Places<'_> {
    fn location(&self, label: &Label) -> Option<Location> {
        let file = label.file.as_deref().unwrap_or(self.entry);
        Some(Location { uri: self.uris.get(file)?.clone(), range: self.lines.get(file)?.range(&label.range) })
    }
}

fn convert(
    diagnostic: &hbuild_lang::Diagnostic,
    primary: &Label,
    place: Location,
    places: &Places<'_>,
) -> Diagnostic {
    let mut message = diagnostic.message.clone();
    for more in [Some(&primary.text), diagnostic.help.as_ref()].into_iter().flatten() {
        if !more.is_empty() {
            message.push('\n');
            message.push_str(more);
        }
    }
    let others = diagnostic.labels.iter().filter(|label| !std::ptr::eq(*label, primary));
    let related: Vec<DiagnosticRelatedInformation> = others
        .filter_map(|label| {
            let location = places.location(label)?;
            Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
        })
        .collect();
    Diagnostic {
        range: place.range,
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_owned())),
        code_description: page_of(diagnostic.code).map(|href| CodeDescription { href }),
        source: Some("hbuild".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: tag_of(diagnostic.code).map(|tag| vec![tag]),
        data: None,
    }
}

fn tag_of(code: &str) -> Option<DiagnosticTag> {
    let name = code.rsplit("::").next().unwrap_or_default();
    if name.starts_with("unused_") {
        Some(DiagnosticTag::UNNECESSARY)
    } else {
        name.starts_with("deprecated").then_some(DiagnosticTag::DEPRECATED)
    }
}

/// Whether a diagnostic says that something is not used: another recipe may use it.
pub fn is_unused(diagnostic: &Diagnostic) -> bool {
    matches!(&diagnostic.code, Some(NumberOrString::String(code)) if code.contains("::unused_"))
}
