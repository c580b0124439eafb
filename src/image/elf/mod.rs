//! The ELF closure: what every program and library of a merged tree needs at run time, and whether it is there.
//!
//! Receives the tree and the contents of its files; gives a report. It loads nothing and runs nothing: the
//! dynamic loader's rules of search are followed on the tree, and what a program opens by a name it makes up at
//! run time is listed as not proven.

mod builder;
mod cache;
mod closure;
mod parse;
mod report;
mod runtime;
mod search;

pub use builder::{ElfBuilder, elf_report};
pub use parse::{DlopenNote, ElfFacts, ElfKind, Hardening, Priority, Relro, parse};
pub use report::{ElfFile, ElfLink, ElfProblem, ElfReport, NotProven};
