//! The environment of executions.

use std::collections::BTreeMap;

use super::paths;

/// The environment that every execution has, for [`Exec::env`](super::Exec::env); `JOBS` comes to it when executed.
pub fn environment(epoch: i64, outputs: &[String]) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([
        ("HOME".to_owned(), paths::BUILD.to_owned()),
        ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
        ("OUT".to_owned(), paths::OUT.to_owned()),
        ("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("SOURCE_DATE_EPOCH".to_owned(), epoch.to_string()),
        ("SRC".to_owned(), paths::SOURCES.to_owned()),
        ("TMPDIR".to_owned(), paths::TEMPORARY.to_owned()),
        ("TZ".to_owned(), "UTC".to_owned()),
    ]);
    for name in outputs {
        let variable = format!("OUT_{}", name.to_uppercase().replace('-', "_"));
        environment.insert(variable, paths::output(name));
    }
    environment
}
