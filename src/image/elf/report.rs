//! The report about the ELF files of an image.

use hbuild_lang::recipe::{Arch, Family};
use serde::{Deserialize, Serialize};

use super::{DlopenNote, ElfKind, Hardening};
use crate::tree::TreePath;

/// The document `document` of an ELF derivation, schema 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ElfReport {
    /// 1.
    pub schema: u32,
    /// The architecture all files must have.
    pub arch: Arch,
    /// Whose loader's rules were followed.
    pub family: Family,
    /// Every program and shared object, sorted by path.
    pub files: Vec<ElfFile>,
    /// What is missing or wrong, sorted by path and rule.
    pub problems: Vec<ElfProblem>,
    /// What is opened by name at run time, and so is not covered by `files`; sorted.
    pub not_proven: Vec<NotProven>,
}

/// One program or shared object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ElfFile {
    /// Where it is.
    pub path: TreePath,
    /// What it is.
    pub kind: ElfKind,
    /// Its `DT_SONAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soname: Option<String>,
    /// The interpreter it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<ElfLink>,
    /// Its `DT_NEEDED` entries in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<ElfLink>,
    /// What its `.note.dlopen` declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dlopen: Vec<DlopenNote>,
    /// Directories of `DT_RPATH`, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rpath: Vec<String>,
    /// Directories of `DT_RUNPATH`, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runpath: Vec<String>,
    /// How it is hardened.
    pub hardening: Hardening,
}

/// A name that a file asks for, with the path at which the loader finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ElfLink {
    /// The name.
    pub name: String,
    /// The path as the loader opens it (symlinks not followed), or `None` where it finds nothing.
    pub path: Option<String>,
}

/// Something missing or wrong, under the code of a policy rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ElfProblem {
    /// The file.
    pub path: TreePath,
    /// `elf-arch`, `elf-interpreter`, `elf-library`, `elf-dlopen`.
    pub rule: String,
    /// What is missing or wrong, for people.
    pub detail: String,
}

/// Something opened by name at run time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NotProven {
    /// `nss`, `gconv`, `openssl`, `pam`, or `dlopen` for a program or library that calls it.
    pub kind: String,
    /// The file, folder or service it is about.
    pub subject: String,
    /// What was found, for people.
    pub detail: String,
}
