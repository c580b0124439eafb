//! What the maintainer scripts of packages would do, done natively.
//!
//! Three kinds: calls that are read from the scripts' text and stand in them literally (alternatives,
//! diversions, accounts); effects that the table of `std` gives a package by name; and the rest, which is
//! reported. No script ever runs.

mod accounts;
mod alternatives;
mod applets;
mod base_files;
mod busybox_accounts;
mod ca_bundle;
mod certificate;
mod diversions;
mod elf;
mod ld_cache;
mod ld_so_cache;
mod plain;
mod scripts;
pub mod shell;
mod sysusers;
mod unknown;

pub use accounts::{Accounts, make_accounts};
pub use alternatives::{Alternative, Choice, read_alternatives, set_alternatives};
pub use applets::make_applets;
pub use certificate::{PemCertificate, subject_hash};
pub use diversions::{Diversion, read_diversions};
pub use ld_cache::{CacheEntry, encode_cache};
pub use ld_so_cache::make_ld_so_cache;
pub use plain::add_shells;
pub use scripts::{PackageScript, read_scripts};
pub use unknown::report_unknown;

use super::merge::{MergeError, Workspace, did_you_mean};

/// Every name that the effect table may give a package.
pub const EFFECTS: [&str; 11] = [
    "accounts",
    "applets",
    "base-files",
    "ca-bundle",
    "ld-so-cache",
    "netbase",
    "no-effect",
    "nsswitch",
    "pam",
    "shells",
    "time-zone",
];

/// Makes the effects that do not depend on what the recipe drops: all but alternatives, applets and `ld.so.cache`.
pub fn make_effects(workspace: &mut Workspace<'_>, accounts: &Accounts) -> Result<(), MergeError> {
    check_table(workspace)?;
    type Effect = fn(&mut Workspace<'_>, &Accounts) -> Result<(), MergeError>;
    let makers: [(&str, Effect); 7] = [
        ("base-files", base_files::make),
        ("ca-bundle", ca_bundle::make),
        ("netbase", plain::netbase),
        ("nsswitch", plain::nsswitch),
        ("pam", plain::pam),
        ("shells", plain::shells),
        ("time-zone", plain::time_zone),
    ];
    for (name, make) in makers {
        if workspace.has_effect(name) {
            make(workspace, accounts)?;
        }
    }
    Ok(())
}

fn check_table(workspace: &Workspace<'_>) -> Result<(), MergeError> {
    for (package, effects) in &workspace.parameters.effects {
        for name in effects {
            if !EFFECTS.contains(&name.as_str()) {
                let (package, name) = (package.clone(), name.clone());
                let help = did_you_mean(&name, EFFECTS);
                return Err(MergeError::UnknownEffect { package, name, help });
            }
        }
    }
    Ok(())
}
