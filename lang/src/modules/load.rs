//! Loading: the entry, then its imports, depth first, each file once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{FileId, LoadedFile, Program, Reports, Site, names, standard};
use crate::diagnostic::{Diagnostic, line_starts};
use crate::syntax::{self, LENGTH_LIMIT, ast};
use crate::{FileError, Files};

/// How many files a program may have.
const FILES_LIMIT: usize = 256;
/// Modules of the standard library that hold defaults of the edition and cannot be imported.
const EDITION: [&str; 3] = ["edition/effects", "edition/packages", "edition/paths"];

/// The program that begins at `entry`, with what its parsing found. A file that cannot be had is an error at
/// its import; an entry that cannot be had, the returned error.
pub fn load(
    files: &dyn Files,
    entry: &str,
    reports: &mut Reports,
) -> Result<(Program, Vec<Diagnostic>), FileError> {
    let mut loader =
        Loader { files, program: Program::default(), syntax: Vec::new(), open: Vec::new(), reports };
    let file = read(files, entry)?;
    let folder = entry.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    loader.add(entry, file, None, &folder);
    Ok((loader.program, loader.syntax))
}

/// The program of the modules that hold the edition's defaults.
pub fn edition(reports: &mut Reports) -> Program {
    let program = Program::default();
    let mut loader = Loader { files: &NoFiles, program, syntax: Vec::new(), open: Vec::new(), reports };
    for name in EDITION {
        if let Some(module) = standard_module(name) {
            loader.add(&format!("std/{name}"), module, None, "");
        }
    }
    loader.program
}

/// For programs that are modules of the standard library alone.
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError { path: path.to_owned(), reason: "the standard library reads no files".to_owned() })
    }
}

/// A file's text and what parsing made of it.
struct Parsed {
    text: String,
    tree: Arc<ast::File>,
    diagnostics: Vec<Diagnostic>,
    /// See [`LoadedFile::lost`].
    lost: BTreeSet<String>,
}

/// The file as it stands, or why it cannot be had. Where it is not UTF-8, U+FFFD stands in its text.
fn read(files: &dyn Files, path: &str) -> Result<Parsed, FileError> {
    let bytes = files.read(path)?;
    if bytes.len() > LENGTH_LIMIT {
        return Err(FileError { path: path.to_owned(), reason: "it is larger than 4 MiB".to_owned() });
    }
    let parse = syntax::parse_bytes(&bytes);
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let (tree, diagnostics) = (Arc::new(parse.file()), parse.diagnostics().to_vec());
    Ok(Parsed { text, tree, diagnostics, lost: parse.lost_words() })
}

/// A module of the standard library, which has no syntax errors.
fn standard_module(path: &str) -> Option<Parsed> {
    let text = standard::module(path)?.to_owned();
    Some(Parsed { text, tree: standard::tree(path)?, diagnostics: Vec::new(), lost: BTreeSet::new() })
}

struct Loader<'a> {
    files: &'a dyn Files,
    program: Program,
    syntax: Vec<Diagnostic>,
    /// The files whose imports are being loaded.
    open: Vec<FileId>,
    reports: &'a mut Reports,
}

impl Loader<'_> {
    /// Adds a file, then its imports, and collects its names.
    fn add(&mut self, name: &str, file: Parsed, imported_by: Option<Site>, folder: &str) -> FileId {
        let id = FileId(u32::try_from(self.program.files.len()).expect("there are few files"));
        let Parsed { text, tree, diagnostics, lost } = file;
        self.program.files.push(LoadedFile {
            name: name.into(),
            lines: line_starts(&text),
            text,
            tree: Arc::clone(&tree),
            standard: name.starts_with("std/"),
            imported_by,
            imports: Default::default(),
            names: Default::default(),
            lost,
        });
        for diagnostic in diagnostics {
            let placed = diagnostic.in_file(name);
            self.syntax.push(self.program.with_import_chain(placed, id));
        }
        self.open.push(id);
        for (index, item) in tree.items.iter().enumerate() {
            if let ast::Item::Import(import) = item
                && let Some(found) = self.import(id, import, folder)
            {
                self.program.files[id.index()].imports.insert(index, found);
            }
        }
        self.open.pop();
        let found = names::collect(&self.program, id, self.reports);
        self.program.files[id.index()].names = found;
        id
    }

    fn import(&mut self, from: FileId, import: &ast::Import, folder: &str) -> Option<FileId> {
        let site = from.site(import.path_span);
        // A path that cannot be imported is reported by the syntax.
        import.name.as_ref()?;
        let (name, text) = match &import.path {
            ast::ImportPath::Module(words) => {
                let path = words.join("/");
                (path.clone(), Err(path))
            }
            ast::ImportPath::File(path) => match self.relative(from, path, folder) {
                Some(path) => (path.clone(), Ok(path)),
                None => {
                    let message = format!("`{path}` is outside of the recipe's folder");
                    self.reports.error("hbuild::lang::import_outside", site, message).help(
                        "an import is relative to the file that imports and stays below the entry's folder",
                    );
                    return None;
                }
            },
        };
        if let Some(known) = self.program.named(&name) {
            return self.known(known, site);
        }
        if self.program.files.len() >= FILES_LIMIT {
            let message = format!("the recipe imports more than {FILES_LIMIT} files");
            self.reports.error("hbuild::lang::too_many_files", site, message).help("put modules together");
            return None;
        }
        let text = match text {
            Ok(path) => self.read(&path, site)?,
            Err(module) => self.module(&module, site)?,
        };
        Some(self.add(&name, text, Some(site), folder))
    }

    fn known(&mut self, known: FileId, site: Site) -> Option<FileId> {
        let Some(start) = self.open.iter().position(|open| *open == known) else { return Some(known) };
        let chain: Vec<String> =
            self.open[start..].iter().map(|id| format!("`{}`", self.program.file(*id).name)).collect();
        let message = format!("`{}` imports itself", self.program.file(known).name);
        self.reports
            .error("hbuild::lang::import_cycle", site, message)
            .label(format!("closes the circle {}", chain.join(" → ")))
            .help("move what both need into a third file");
        None
    }

    fn read(&mut self, path: &str, site: Site) -> Option<Parsed> {
        match read(self.files, path) {
            Ok(file) => Some(file),
            Err(error) => {
                self.reports
                    .error("hbuild::lang::import_unreadable", site, error.to_string())
                    .help("an import is relative to the file that imports");
                None
            }
        }
    }

    fn module(&mut self, path: &str, site: Site) -> Option<Parsed> {
        let found =
            path.strip_prefix("std/").filter(|name| standard::modules().any(|module| module == *name));
        if let Some(text) = found.and_then(standard_module) {
            return Some(text);
        }
        let all: Vec<String> = standard::modules().map(|name| format!("std/{name}")).collect();
        self.reports
            .error("hbuild::lang::unknown_module", site, format!("there is no module `{path}`"))
            .meant(path, all.iter().map(String::as_str), "modules")
            .otherwise("a file of your own is imported by its path in quotes");
        None
    }

    /// The import's path from the root that [`Files`] reads below; `None` where it leaves the entry's folder.
    fn relative(&self, from: FileId, path: &str, folder: &str) -> Option<String> {
        if path.is_empty() || path.starts_with('/') || path.contains(['\\', '\0']) {
            return None;
        }
        let from = self.program.file(from);
        let base = if from.standard { "" } else { from.name.rsplit_once('/').map_or("", |(base, _)| base) };
        let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let absolute = if base.starts_with('/') { "/" } else { "" };
        let joined = format!("{absolute}{}", parts.join("/"));
        let inside =
            folder.is_empty() || joined.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        inside.then_some(joined)
    }
}
