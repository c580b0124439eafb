//! The page for a person: what holds and what that rests on, what does not, what was not checked and why.

use std::fmt;

use super::Problem;
use super::report::{Check, Claim, EvidenceState, Verification};

/// Columns that text is broken at.
const WIDTH: usize = 100;
/// Where texts begin.
const INDENT: usize = 13;

impl Check {
    fn title(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::DiffIds => "diff IDs",
            Self::Signature => "signature",
            Self::Evidence => "evidence",
            Self::Provenance => "provenance",
            Self::Source => "source",
            Self::Waivers => "waivers",
            Self::Licences => "licences",
            Self::Age => "age",
            Self::Sandbox => "sandbox",
            Self::Rebuild => "rebuild",
        }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.holds {
            true => "holds",
            false if self.problems.iter().all(Problem::is_absence) => {
                "CANNOT BE VERIFIED: not all of it is there"
            }
            false => "DOES NOT HOLD",
        };
        writeln!(out, "{} {verdict}", self.image)?;
        if let Some(digest) = &self.digest {
            entry(out, "digest", digest)?;
        }
        let policy = match &self.policy.sha256 {
            Some(digest) => format!("the policy sha256:{digest}"),
            None => "no policy: signatures, provenance and an SBOM are wanted".to_owned(),
        };
        entry(out, "judged", &format!("at {}, by {policy}", self.time))?;
        for key in &self.keys {
            let builder = key.builder.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
            let state = key.unusable.as_ref().map(|why| format!("; counts for nothing: {why}"));
            let state = state.unwrap_or_default();
            entry(out, "key", &format!("{}{builder}, sha256:{}{state}", key.name, key.fingerprint))?;
        }
        self.claims(out, "Does not hold", false)?;
        self.claims(out, "Holds", true)?;
        self.disregarded(out)?;
        writeln!(out, "\nNot checked")?;
        for one in &self.not_checked {
            wrapped(out, "  - ", 4, &format!("{}: {}", one.what, one.why))?;
        }
        Ok(())
    }
}

impl Verification {
    fn claims(&self, out: &mut fmt::Formatter<'_>, title: &str, holds: bool) -> fmt::Result {
        let mut claims: Vec<&Claim> = self.claims.iter().filter(|claim| claim.holds == holds).collect();
        if claims.is_empty() {
            return Ok(());
        }
        claims.sort_by_key(|claim| claim.check);
        writeln!(out, "\n{title}")?;
        for (at, claim) in claims.iter().enumerate() {
            let again = at > 0 && claims[at - 1].check == claim.check;
            entry(out, if again { "" } else { claim.check.title() }, &claim.says)?;
            // Equal grounds of several platforms are said once, after the last.
            let same = |next: &&Claim| next.check == claim.check && next.rests_on == claim.rests_on;
            if let Some(ground) = claim.rests_on.as_ref().filter(|_| !claims.get(at + 1).is_some_and(same)) {
                entry(out, "", &format!("rests on {ground}"))?;
            }
            if let Some(code) = &claim.code {
                entry(out, "", code)?;
            }
        }
        Ok(())
    }

    fn disregarded(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let evidence = self.subjects.iter().flat_map(|subject| {
            subject.evidence.iter().map(move |evidence| (subject.name.as_str(), evidence))
        });
        let mut begun = false;
        for (subject, evidence) in evidence.filter(|(_, one)| one.state == EvidenceState::Disregarded) {
            if !begun {
                writeln!(out, "\nDisregarded")?;
                begun = true;
            }
            let why = evidence.why.as_deref().unwrap_or_default();
            wrapped(out, "  - ", 4, &format!("{} of {subject}: {why}", evidence.kind))?;
        }
        Ok(())
    }
}

fn entry(out: &mut fmt::Formatter<'_>, title: &str, text: &str) -> fmt::Result {
    wrapped(out, &format!("  {title:<width$}", width = INDENT - 2), INDENT, text)
}

/// `text` behind `lead`, its further lines `indent` columns in.
fn wrapped(out: &mut fmt::Formatter<'_>, lead: &str, indent: usize, text: &str) -> fmt::Result {
    let mut line = lead.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        let length = line.chars().count() + 1 + word.chars().count();
        if !empty && length > WIDTH {
            writeln!(out, "{line}")?;
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}
