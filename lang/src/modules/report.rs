//! Findings while loading, checking and evaluating, with their places by file number. The last step turns them into
//! [`crate::Diagnostic`]s, in stable order.

use std::collections::{BTreeMap, BTreeSet};

use super::{FileId, Site};
use crate::check::suggest;

/// One finding.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Whether it is an error; a warning otherwise.
    pub error: bool,
    /// The last part of its code.
    pub code: &'static str,
    /// What it is about.
    pub site: Site,
    /// What is wrong.
    pub message: String,
    /// What stands at the place, where that is not plain from the message.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<(Site, String)>,
    /// What would mend it: a title, and what to put in the place of each site.
    pub suggestions: Vec<(String, Vec<(Site, String)>)>,
    /// The word that stands at the place, and the one that was probably meant.
    pub meant: Option<(String, String)>,
}

impl Report {
    /// Says what stands at the place.
    pub fn label(&mut self, text: impl Into<String>) -> &mut Self {
        self.label = Some(text.into());
        self
    }

    /// Says what to do.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to do about `word`, which nobody knows: write the candidate that was probably meant, else one of
    /// `what` can stand here.
    pub fn meant<'a>(
        &mut self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        what: &str,
    ) -> &mut Self {
        let candidates: Vec<&str> = candidates.into_iter().collect();
        self.help = Some(suggest::help(word, candidates.iter().copied(), what));
        self.meant = suggest::meant(word, candidates).map(|found| (word.to_owned(), found.to_owned()));
        self
    }

    /// Adds to what there is to do, unless it is plain what was meant.
    pub fn otherwise(&mut self, text: &str) -> &mut Self {
        if let (None, Some(help)) = (&self.meant, &mut self.help) {
            help.push_str("; ");
            help.push_str(text);
        }
        self
    }

    /// Points to another place.
    pub fn related(&mut self, site: Site, text: impl Into<String>) -> &mut Self {
        self.related.push((site, text.into()));
        self
    }

    /// Offers to replace what stands at `site` by `text`; the title is a command, "write `packages`".
    pub fn suggest(&mut self, title: impl Into<String>, site: Site, text: impl Into<String>) -> &mut Self {
        self.suggestions.push((title.into(), vec![(site, text.into())]));
        self
    }
}

/// All findings so far. One code at one place is kept once, however many points of the axes meet it.
#[derive(Debug, Default)]
pub struct Reports {
    list: Vec<Report>,
    seen: BTreeSet<(Site, &'static str)>,
    unlisted: Option<Report>,
    /// Where in the list it says what a file lacks.
    lacking: BTreeMap<(FileId, String), usize>,
    /// Codes that are no longer listed.
    muted: &'static [&'static str],
}

impl Reports {
    /// From here on errors with these codes are dropped: they are consequences of what is known already.
    pub fn mute(&mut self, codes: &'static [&'static str]) {
        self.muted = codes;
    }

    /// Adds an error.
    pub fn error(&mut self, code: &'static str, site: Site, message: impl Into<String>) -> &mut Report {
        self.add(true, code, site, message.into())
    }

    /// Adds an error about something that `file` lacks. Where it is lacking again is a further place of the first one.
    pub fn lacking(
        &mut self,
        code: &'static str,
        what: (FileId, String),
        site: Site,
        message: impl Into<String>,
    ) -> &mut Report {
        const SHOWN: usize = 8;
        if let Some(first) = self.lacking.get(&what).and_then(|first| self.list.get_mut(*first)) {
            let known = first.site == site || first.related.iter().any(|(place, _)| *place == site);
            if !known && first.related.len() < SHOWN {
                first.related(site, "and here");
            }
            let message = message.into();
            return self.unlisted.insert(Report { error: true, code, site, message, ..Report::default() });
        }
        let before = self.list.len();
        self.add(true, code, site, message.into());
        if self.list.len() == before {
            return self.unlisted.as_mut().expect("what is not listed was put there");
        }
        self.lacking.insert(what, before);
        &mut self.list[before]
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: &'static str, site: Site, message: impl Into<String>) -> &mut Report {
        self.add(false, code, site, message.into())
    }

    fn add(&mut self, error: bool, code: &'static str, site: Site, message: String) -> &mut Report {
        let report = Report { error, code, site, message, ..Report::default() };
        if !self.seen.insert((site, code)) || self.muted.contains(&code) {
            return self.unlisted.insert(report);
        }
        self.list.push(report);
        self.list.last_mut().expect("just pushed")
    }

    /// Whether one is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|report| report.error)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Whether one has this code.
    pub fn has(&self, code: &str) -> bool {
        self.list.iter().any(|report| report.code == code)
    }

    /// All of them by file, place and code.
    pub fn into_sorted(mut self) -> Vec<Report> {
        self.list.sort_by(|left, right| (left.site, left.code).cmp(&(right.site, right.code)));
        self.list
    }
}
