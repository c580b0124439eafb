//! Matching findings with the recipe's waivers.

use globset::{GlobBuilder, GlobMatcher};
use hbuild_lang::recipe::Waiver;

use super::{Finding, PolicyError, UnusedWaiver, Waived, rule};

/// The recipe's waivers, with their globs compiled and what each has matched so far.
pub(super) struct Waivers<'a> {
    waivers: Vec<Compiled<'a>>,
}

/// One waiver: each glob with whether it has matched, and whether the waiver has covered anything.
struct Compiled<'a> {
    waiver: &'a Waiver,
    globs: Vec<(GlobMatcher, bool)>,
    used: bool,
}

impl<'a> Waivers<'a> {
    /// The waivers, checked: each names a rule and has globs that parse. In a glob `*` does not match `/`.
    pub(super) fn new(waivers: &'a [Waiver]) -> Result<Self, PolicyError> {
        let mut compiled = Vec::with_capacity(waivers.len());
        for waiver in waivers {
            let place = waiver.place.to_string();
            if rule(&waiver.rule).is_none() {
                return Err(PolicyError::UnknownRule { rule: waiver.rule.clone(), place });
            }
            let mut globs = Vec::with_capacity(waiver.paths.len());
            for glob in &waiver.paths {
                let parsed = GlobBuilder::new(glob).literal_separator(true).build();
                let failed = |source| PolicyError::Glob { glob: glob.clone(), place: place.clone(), source };
                globs.push((parsed.map_err(failed)?.compile_matcher(), false));
            }
            compiled.push(Compiled { waiver, globs, used: false });
        }
        Ok(Self { waivers: compiled })
    }

    /// The finding with the reason of the first waiver that covers it, or the finding alone.
    pub(super) fn apply(&mut self, found: Finding) -> Result<Waived, Finding> {
        let mut because = None;
        for Compiled { waiver, globs, used } in &mut self.waivers {
            if waiver.rule != found.rule {
                continue;
            }
            let mut covers = globs.is_empty();
            if let Some(path) = &found.path {
                let path = path.absolute();
                for (_, matched) in globs.iter_mut().filter(|(glob, _)| glob.is_match(&path)) {
                    (*matched, covers) = (true, true);
                }
            }
            if covers {
                *used = true;
                because.get_or_insert_with(|| waiver.because.clone());
            }
        }
        match because {
            Some(because) => Ok(Waived { finding: found, because }),
            None => Err(found),
        }
    }

    /// The waivers and globs that covered nothing, sorted.
    pub(super) fn unused(&self) -> Vec<UnusedWaiver> {
        let mut unused = Vec::new();
        for Compiled { waiver, globs, used } in &self.waivers {
            let rule = &waiver.rule;
            if globs.is_empty() && !used {
                unused.push(UnusedWaiver { rule: rule.clone(), glob: None });
            }
            let idle = waiver.paths.iter().zip(globs).filter(|(_, (_, matched))| !matched);
            unused
                .extend(idle.map(|(glob, _)| UnusedWaiver { rule: rule.clone(), glob: Some(glob.clone()) }));
        }
        unused.sort();
        unused.dedup();
        unused
    }
}
