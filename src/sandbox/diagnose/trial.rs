//! The last check: a sandbox, made and closed as for a build, in which nothing runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use miette::Diagnostic;

use super::checks::{BUILDS, Check, Status};
use crate::graph::paths;
use crate::sandbox::{Attachment, Inside, Limits, SandboxError, Sandboxes, Specification, StageOptions};
use crate::store::Applied;

/// Space and memory of the sandbox.
const LITTLE: u64 = 64 << 20;

/// Makes a sandbox by `program`, where the checks before allow one.
pub fn trial(program: &Path, checks: &[Check]) -> Check {
    let check = |found: String| Check::ok("sandbox", "a whole sandbox", found);
    if checks.iter().any(|check| check.status >= Status::Unknown) {
        let found = "not tried, as parts of it are refused".to_owned();
        return Check { status: Status::Unknown, ..check(found) };
    }
    match make(program) {
        Ok(applied) if applied.missing.is_empty() => check("made and closed, with every limit".to_owned()),
        Ok(applied) => {
            let found = format!("made and closed, without: {}", applied.missing.join(", "));
            check(found).with(Status::Limited, "what is named is not enforced", Vec::new())
        }
        Err(error) => {
            let fixes = error.help().map(|help| help.to_string()).into_iter().collect();
            check(error.to_string()).with(Status::Refused, BUILDS, fixes)
        }
    }
}

fn make(program: &Path) -> Result<Applied, SandboxError> {
    let failed =
        |source| SandboxError::NoStage { program: program.to_owned(), roots: std::env::temp_dir(), source };
    let folder = tempfile::tempdir().map_err(failed)?;
    let roots = folder.path().join("roots");
    for name in ["build", "dev", "out", "proc", "tmp"] {
        fs::create_dir_all(roots.join("root").join(name)).map_err(failed)?;
    }
    // The stage may be another user.
    for open in [roots.clone(), roots.join("root")] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    let sandboxes = Sandboxes::new(StageOptions { program: program.to_owned(), roots, strict: false });
    let specification = Specification {
        root: "root".to_owned(),
        directories: Vec::new(),
        outputs: vec![paths::OUT.to_owned()],
        commands: Vec::new(),
        loopback: false,
        epoch: 0,
        limits: Limits {
            memory: Some(LITTLE),
            processes: Some(16),
            space: LITTLE,
            seconds: Some(10),
            log: LITTLE,
        },
        one_processor: false,
        other_machine: false,
        attachment: Attachment::Log,
        inside: Inside::Build,
    };
    Ok(sandboxes.start(&specification)?.run(&mut std::io::sink(), &|| false)?.applied)
}
