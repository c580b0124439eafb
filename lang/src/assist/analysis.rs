//! A recipe as it is now, with all that one pass over it found.

use crate::Files;
use crate::check::definitions::Definitions;
use crate::check::{self, Checker};
use crate::diagnostic::Diagnostic;
use crate::modules::{FileId, LoadedFile, Program, Reports};
use crate::recipe::Recipe;
use crate::session::{self, Run};

/// A recipe, loaded from its entry, checked and evaluated.
pub struct Analysis {
    pub(super) program: Program,
    pub(super) definitions: Definitions,
    recipe: Option<Recipe>,
    diagnostics: Vec<Diagnostic>,
}

/// The entry, which offsets are of.
pub(super) const ENTRY: FileId = FileId(0);

impl Analysis {
    /// The recipe that begins at the file `entry`; where that cannot be read, what is to be said about it.
    pub fn new(files: &dyn Files, entry: &str) -> Result<Self, Vec<Diagnostic>> {
        let Run { program, definitions, recipe, diagnostics } =
            session::run(files, entry).map_err(|unreadable| unreadable.diagnostics)?;
        Ok(Self { program, definitions, recipe: Some(recipe), diagnostics })
    }

    /// The recipe that begins at the file `entry`, loaded and no more: it has no diagnostics and no value.
    pub fn loaded(files: &dyn Files, entry: &str) -> Option<Self> {
        let mut reports = Reports::default();
        let (program, _) = crate::modules::load(files, entry, &mut reports).ok()?;
        let definitions = Definitions::new(&program, &mut reports);
        Some(Self { program, definitions, recipe: None, diagnostics: Vec::new() })
    }

    /// Errors and warnings of all files.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Its value; incomplete where there is an error.
    pub fn recipe(&self) -> Option<&Recipe> {
        self.recipe.as_ref()
    }

    /// The name of the entry.
    pub fn entry(&self) -> &str {
        &self.file(ENTRY).name
    }

    /// The text of the entry.
    pub fn text(&self) -> &str {
        &self.file(ENTRY).text
    }

    /// The name and text of every file that the recipe takes part of, the entry first.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.program.files.iter().map(|file| (&*file.name, file.text.as_str()))
    }

    /// The text of the file called `name`.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.texts().find(|(known, _)| *known == name).map(|(_, text)| text)
    }

    pub(super) fn file(&self, id: FileId) -> &LoadedFile {
        self.program.file(id)
    }

    /// Calls `ask` with what tells types.
    pub(super) fn typing<T>(&self, ask: impl FnOnce(&mut Checker<'_>) -> T) -> T {
        let mut reports = Reports::default();
        ask(&mut check::typing(&self.program, &self.definitions, &mut reports))
    }

    /// The labels of an axis of the entry, where the recipe was evaluated.
    pub(super) fn labels(&self, file: FileId, axis: &str) -> Vec<String> {
        let axes = self.recipe.iter().filter(|_| file == ENTRY).flat_map(|recipe| &recipe.axes);
        let mut named = axes.filter(|known| known.name == axis);
        named.next().map(|axis| axis.labels.clone()).unwrap_or_default()
    }
}
