//! The rules and where each holds. `docs/src/policy.md` explains every one of them.

use hbuild_lang::recipe::Flavor;

use crate::tree::Origin;

/// What follows when an image does not hold to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The build fails unless the break is waived.
    Break,
    /// The report lists it.
    Report,
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The code that waivers and reports name it by.
    pub code: &'static str,
    /// What it asks, in one line.
    pub title: &'static str,
    runtime: Effect,
    dev: Effect,
    packages: Effect,
}

const fn strict(code: &'static str, title: &'static str) -> Rule {
    Rule { code, title, runtime: Effect::Break, dev: Effect::Break, packages: Effect::Break }
}

const fn runtime(code: &'static str, title: &'static str) -> Rule {
    Rule { dev: Effect::Report, ..strict(code, title) }
}

/// A rule that what this build compiled must hold to, and that packages are only reported for.
const fn own(code: &'static str, title: &'static str) -> Rule {
    Rule { packages: Effect::Report, ..strict(code, title) }
}

/// Every rule, sorted by code.
pub const RULES: &[Rule] = &[
    Rule {
        runtime: Effect::Report,
        dev: Effect::Report,
        ..strict("broken-symlink", "every symlink leads to something")
    },
    strict("elf-arch", "programs and libraries are for the image's architecture"),
    strict("elf-dlopen", "libraries declared as required in .note.dlopen are there"),
    strict("elf-exec-stack", "no program or library asks for an executable stack"),
    strict("elf-interpreter", "the interpreter of every program is there"),
    strict("elf-library", "every library that a program or library needs is found"),
    own("elf-pie", "programs are position-independent"),
    own("elf-relro", "relocated data is read-only while a program runs"),
    strict("elf-rpath", "libraries are searched only in system folders and beside the file"),
    own("elf-text-relocations", "code is not rewritten when it is loaded"),
    runtime("package-manager", "there is no package manager"),
    runtime("root-user", "the image does not run as root"),
    strict("secret-file", "there is no private key and no password file"),
    runtime("setuid", "no file is setuid, setgid or has capabilities"),
    runtime("shell", "there is no shell"),
    strict("world-writable", "nobody may write to files and folders of others"),
];

/// The rule with this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

impl Rule {
    /// What a break by a file of `origin` means in an image of this flavor.
    pub fn effect(&self, flavor: Flavor, origin: Option<&Origin>) -> Effect {
        let by_flavor = match flavor {
            Flavor::Runtime => self.runtime,
            Flavor::Dev => self.dev,
        };
        let from_package = origin.is_some_and(|origin| origin.package().is_some());
        if from_package && self.packages == Effect::Report { Effect::Report } else { by_flavor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_documented() {
        assert!(RULES.windows(2).all(|pair| pair[0].code < pair[1].code));
        let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(codes, hbuild_lang::POLICY_RULES, "what recipes can waive");
        let page = include_str!("../../../docs/src/policy.md");
        for rule in RULES {
            assert!(page.contains(&format!("### {}\n", rule.code)), "{} in docs/src/policy.md", rule.code);
        }
    }
}
