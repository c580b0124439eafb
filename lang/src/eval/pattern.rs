//! Patterns: which values a constant or a constructor takes.

use super::machine::{Eval, Machine, Stop};
use super::value::{Kind, Value};
use super::version::Version;
use crate::modules::builtin::{self, Constant};
use crate::modules::{FileId, Site};
use crate::recipe::Family;
use crate::syntax::ast::{self, PatternKind};

/// The names that can begin a pattern.
pub const PATTERN_NAMES: [&str; 7] = ["alpine", "amd64", "arm64", "debian", "dev", "runtime", "version"];

/// Whether the pattern takes the value. A pattern of another type than the value's is reported.
pub fn matches(machine: &mut Machine<'_>, value: &Value, pattern: &ast::Pattern, file: FileId) -> Eval<bool> {
    let site = file.site(pattern.span);
    let constant = match &pattern.kind {
        PatternKind::Missing => return Err(Stop),
        PatternKind::Any => return Ok(true),
        PatternKind::None => Kind::None,
        PatternKind::Bool(condition) => Kind::Bool(*condition),
        PatternKind::Int(number) => Kind::Int(i64::try_from(*number).unwrap_or(i64::MAX)),
        PatternKind::String(text) => Kind::Text(text.as_str().into()),
        PatternKind::Name { name, arguments: None } => match named(machine, name, file)? {
            Constant::Family(family) => return of_family(machine, value, family, None, site),
            Constant::Arch(arch) => Kind::Arch(arch),
            Constant::Flavor(flavor) => Kind::Flavor(flavor),
            Constant::Rule(_) | Constant::Resolve(_) | Constant::AnyArch | Constant::Loopback => {
                return unknown(machine, name, file);
            }
        },
        PatternKind::Name { name, arguments: Some(arguments) } => {
            let Some(argument) = text_argument(arguments) else {
                let message = format!("the pattern `{}` takes one string", name.text);
                return machine.stop("hbuild::lang::wrong_pattern", site, message, "write `debian(\"13\")`");
            };
            match name.text.as_str() {
                "alpine" => return of_family(machine, value, Family::Alpine, Some(argument), site),
                "debian" => return of_family(machine, value, Family::Debian, Some(argument), site),
                "version" => match Version::new(argument) {
                    Some(version) => Kind::Version(version),
                    None => {
                        let message = format!("`{argument}` is not a version");
                        let help = "a version begins with a digit and has no blanks";
                        return machine.stop("hbuild::lang::bad_version", site, message, help);
                    }
                },
                _ => return unknown(machine, name, file),
            }
        }
    };
    match value.equals(&Value { kind: constant, site }) {
        Some(equal) => Ok(equal),
        None => wrong(machine, value, site),
    }
}

fn named(machine: &mut Machine<'_>, name: &ast::Name, file: FileId) -> Eval<Constant> {
    match builtin::constant(&name.text) {
        Some(constant) => Ok(constant),
        None => unknown(machine, name, file),
    }
}

fn unknown<T>(machine: &mut Machine<'_>, name: &ast::Name, file: FileId) -> Eval<T> {
    let message = format!("`{}` is no pattern", name.text);
    let report = machine.error("hbuild::lang::wrong_pattern", file.site(name.span), message);
    report.meant(&name.text, PATTERN_NAMES, "patterns");
    Err(Stop)
}

fn wrong<T>(machine: &mut Machine<'_>, value: &Value, site: Site) -> Eval<T> {
    let message = format!("this pattern never takes {}", value.describe());
    let help = "patterns are of the type of what is looked at";
    machine.stop("hbuild::lang::wrong_pattern", site, message, help)
}

fn of_family(
    machine: &mut Machine<'_>,
    value: &Value,
    family: Family,
    release: Option<&str>,
    site: Site,
) -> Eval<bool> {
    match &value.kind {
        Kind::Distro(distro) => {
            Ok(distro.family == family && release.is_none_or(|release| release == distro.release))
        }
        Kind::None => Ok(false),
        _ => wrong(machine, value, site),
    }
}

fn text_argument(arguments: &[ast::Pattern]) -> Option<&str> {
    match arguments {
        [ast::Pattern { kind: PatternKind::String(text), .. }] => Some(text),
        _ => None,
    }
}
