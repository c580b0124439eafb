//! `hbuild doctor`.

use std::io::IsTerminal;
use std::path::PathBuf;

use serde_json::json;

use super::arguments::DoctorArguments;
use super::context::Context;
use super::report::Failure;
use super::{print, print_json};
use crate::host::settings::{Environment, NetworkFlags, Settings};
use crate::sandbox::diagnose::{self, Check, Place, Status};

/// Says what this machine allows of builds, and what to do where it refuses; fails where builds are refused.
pub fn run(arguments: &DoctorArguments, context: &Context) -> Result<(), Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let place = Place {
        program: PathBuf::from("/proc/self/exe"),
        store: context.store_path()?,
        kubernetes: set("KUBERNETES_SERVICE_HOST").is_some(),
        container: set("container"),
    };
    let mut checks = diagnose::checks(&diagnose::find(&place));
    checks.push(diagnose::trial(&place.program, &checks));
    checks.push(mirrors("debian", ("mirrors", "Debian mirrors")));
    checks.push(mirrors("alpine", ("alpine-mirrors", "Alpine mirrors")));
    let refused = checks.iter().any(|check| check.status >= Status::Unknown);
    let limited = checks.iter().any(|check| check.status == Status::Limited);
    if arguments.json {
        let builds = match (refused, limited) {
            (true, _) => Status::Refused,
            (false, true) => Status::Limited,
            (false, false) => Status::Ok,
        };
        print_json(&json!({ "builds": builds, "checks": checks }))?;
    } else {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        print(&render(&checks, coloured))?;
    }
    if refused { Err(Failure::silent()) } else { Ok(()) }
}

/// Where the packages of a distribution come from. Addresses are shown without what they may hold of credentials.
fn mirrors(repository: &str, (id, title): (&'static str, &'static str)) -> Check {
    let check = |found: String| Check::ok(id, title, found);
    let settings = Settings::load(&Environment::of_process(), &NetworkFlags::default());
    let bases = settings.map_err(|error| error.to_string()).and_then(|settings| {
        settings.mirrors.bases(repository, None, None).map_err(|error| error.to_string())
    });
    match bases {
        Ok(bases) => check(bases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ")),
        Err(error) => {
            let fixes =
                vec!["correct it: the manual's page on the lock tells what may stand there".to_owned()];
            check(error).with(Status::Limited, "nothing can be fetched", fixes)
        }
    }
}

/// A line for each check, aligned, with what is lost and what to do below it, and the sum of it at the end.
fn render(checks: &[Check], coloured: bool) -> String {
    let width = checks.iter().map(|check| check.title.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        let (word, colour) = match check.status {
            Status::Ok => ("ok", "32"),
            Status::Limited => ("limited", "33"),
            Status::Unknown => ("unknown", "33"),
            Status::Refused => ("refused", "31;1"),
        };
        let word = format!("{word:<7}");
        let word = if coloured { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word };
        out.push_str(format!("{word}  {:<width$}  {}", check.title, check.found).trim_end());
        out.push('\n');
        let mut below = |label: &str, text: &str| {
            out.push_str(&format!("{:9}{:width$}  {label}: {text}\n", "", ""));
        };
        check.loses.into_iter().for_each(|text| below("loses", text));
        check.fixes.iter().for_each(|text| below("fix", text));
    }
    let worst = checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok);
    out.push_str(match worst {
        Status::Ok => "\nBuilds from source are possible here, with every limit.\n",
        Status::Limited => {
            "\nBuilds from source are possible here, but for what is limited; `--strict` refuses them.\n"
        }
        Status::Unknown | Status::Refused => {
            "\nBuilds from source are refused here. Images made of packages alone still build.\n"
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_the_last_one_sums_up() {
        let checks = [
            Check::ok("kernel", "kernel", "Linux 6.12"),
            Check::ok("landlock", "Landlock", "refused").with(
                Status::Limited,
                "a line",
                vec!["a kernel".into()],
            ),
        ];
        let text = render(&checks, false);
        assert_eq!(
            text,
            "ok       kernel    Linux 6.12\n\
             limited  Landlock  refused\n                   loses: a line\n                   fix: a kernel\n\n\
             Builds from source are possible here, but for what is limited; `--strict` refuses them.\n"
        );
        assert!(render(&checks, true).starts_with("\u{1b}[32mok     \u{1b}[0m  kernel"));
    }
}
