//! Giving a definition another name.

use super::Analysis;
use super::analysis::ENTRY;
use super::navigate::{Definition, defined_at};
use super::symbol::{Symbol, occurrence_at};
use crate::modules::{Binding, builtin};
use crate::syntax::SyntaxKind;
use crate::syntax::literal::is_name;

/// What a word stands for that cannot be given another name, or why a name cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// There is no name at the place.
    #[error("there is no name here")]
    NoName,
    /// The language defines it.
    #[error("`{0}` is a name of the language")]
    OfTheLanguage(String),
    /// The standard library defines it.
    #[error("`{0}` belongs to the standard library")]
    Standard(String),
    /// It is the name of a module.
    #[error("a module is called by the name of its file: rename the file")]
    Module,
    /// It is a column, whose uses are not all known.
    #[error("`{0}` is a column: its uses behind functions are not known")]
    Column(String),
    /// The new name is none.
    #[error("`{0}` is no name: lower-case letters and digits, with `-` between words")]
    Invalid(String),
    /// The new name is a word of the language.
    #[error("`{0}` is a word of the language")]
    Reserved(String),
    /// The new name is taken.
    #[error("`{name}` is defined already in `{file}`")]
    Taken {
        /// The new name.
        name: String,
        /// The file that has it.
        file: String,
    },
}

/// What would be renamed at the byte `offset` of the entry.
pub fn rename_at(analysis: &Analysis, offset: usize) -> Result<Definition, RenameError> {
    let at = u32::try_from(offset).map_err(|_| RenameError::NoName)?;
    let found = occurrence_at(&analysis.program, ENTRY, at).ok_or(RenameError::NoName)?;
    let word = || analysis.text().get(found.span.range()).unwrap_or_default().to_owned();
    match &found.symbol {
        Symbol::Global(file, name) => {
            if matches!(analysis.file(*file).names.get(name), Some(Binding::Import(_))) {
                return Err(RenameError::Module);
            }
        }
        Symbol::Column(..) | Symbol::Member(_) => return Err(RenameError::Column(word())),
        Symbol::Parameter(..) | Symbol::Variable(..) | Symbol::Output(..) => {}
        _ => return Err(RenameError::OfTheLanguage(word())),
    }
    let definition = defined_at(analysis, offset).ok_or(RenameError::NoName)?;
    if definition.standard && !analysis.file(ENTRY).standard {
        return Err(RenameError::Standard(word()));
    }
    Ok(definition)
}

/// Whether `name` can be what is defined at the byte `offset` of the entry, in every file of the recipe.
pub fn can_be_called(analysis: &Analysis, definition: &Definition, name: &str) -> Result<(), RenameError> {
    if SyntaxKind::of_reserved_word(name).is_some() {
        return Err(RenameError::Reserved(name.to_owned()));
    }
    if !is_name(name) {
        return Err(RenameError::Invalid(name.to_owned()));
    }
    if builtin::names().any(|known| known == name) {
        return Err(RenameError::Reserved(name.to_owned()));
    }
    let file = analysis.program.files.iter().find(|file| *file.name == *definition.file);
    let Some(file) = file else { return Ok(()) };
    let local = |item: &crate::syntax::ast::Item| super::symbol::locals_of(item).any(|local| local == name);
    if name != definition.name && (file.names.contains_key(name) || file.tree.items.iter().any(local)) {
        return Err(RenameError::Taken { name: name.to_owned(), file: definition.file.clone() });
    }
    Ok(())
}
