//! The result of the policy, as it goes into the evidence.

use hbuild_lang::recipe::Flavor;
use serde::{Deserialize, Serialize};

use super::{Effect, Rule};
use crate::image::elf::NotProven;
use crate::tree::{Origin, TreePath};

/// One place where a rule is not held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// Code of the rule.
    pub rule: String,
    /// The file, or `None` for what is true of the image as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<TreePath>,
    /// Where the file came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What is wrong, for people.
    pub detail: String,
}

/// A finding that the recipe waives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Waived {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// The recipe's reason.
    pub because: String,
}

/// A waiver, or one of its globs, that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnusedWaiver {
    /// Its rule.
    pub rule: String,
    /// The glob that matches nothing; `None` where the waiver has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
}

/// The document `document` of a policy derivation, schema 1. It exists only when nothing is broken without a
/// waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyReport {
    /// 1.
    pub schema: u32,
    /// The flavor whose rules held.
    pub flavor: Flavor,
    /// `Config.User` in numbers.
    pub user: String,
    /// Codes of the rules that would have failed the build.
    pub rules: Vec<String>,
    /// Breaks waived, sorted.
    pub waived: Vec<Waived>,
    /// What is reported and breaks nothing, sorted.
    pub reported: Vec<Finding>,
    /// Waivers that nothing needed, sorted.
    pub unused_waivers: Vec<UnusedWaiver>,
    /// What the ELF closure could not prove.
    pub not_proven: Vec<NotProven>,
}

impl Finding {
    /// The path with a leading slash, empty for the image as a whole.
    pub fn place(&self) -> String {
        self.path.as_ref().map_or_else(String::new, TreePath::absolute)
    }
}

/// Codes of the rules that fail a build of this flavor.
pub(super) fn rules_in_force(flavor: Flavor) -> Vec<String> {
    let breaks = |rule: &&Rule| rule.effect(flavor, None) == Effect::Break;
    super::RULES.iter().filter(breaks).map(|rule| rule.code.to_owned()).collect()
}
