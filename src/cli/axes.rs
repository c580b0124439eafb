//! `--NAME LABEL` for axes that the recipe named: rewritten to `--axis NAME=LABEL` before clap sees it.

use std::ffi::OsString;

use clap::Command;

/// The arguments of the program `root` with every long option that the command does not know turned into an `--axis`, where the
/// command has axes at all. Everything behind `--` stays.
pub fn rewrite(root: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let found = arguments.iter().enumerate().skip(1).find_map(|(index, argument)| {
        Some((index, argument.to_str().and_then(|name| root.find_subcommand(name))?))
    });
    let Some((at, command)) = found else { return arguments };
    let options = root.get_arguments().chain(command.get_arguments());
    let known: Vec<&str> = options.filter_map(|argument| argument.get_long()).collect();
    if !known.contains(&"axis") {
        return arguments;
    }
    let mut out = Vec::with_capacity(arguments.len());
    let mut rest = arguments.into_iter();
    out.extend(rest.by_ref().take(at + 1));
    while let Some(argument) = rest.next() {
        if argument == "--" {
            out.push(argument);
            break;
        }
        let Some((name, value)) = unknown_option(&argument, &known) else {
            out.push(argument);
            continue;
        };
        let value = match value {
            Some(value) => value,
            None => match rest.next().and_then(|next| next.into_string().ok()) {
                Some(value) => value,
                None => {
                    out.push(argument);
                    continue;
                }
            },
        };
        out.push("--axis".into());
        out.push(format!("{name}={value}").into());
    }
    out.extend(rest);
    out
}

/// Name and, where `=` stands in it, value of a long option that is not in `known`.
fn unknown_option(argument: &OsString, known: &[&str]) -> Option<(String, Option<String>)> {
    let text = argument.to_str()?.strip_prefix("--")?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let taken = known.contains(&name) || matches!(name, "help" | "version" | "");
    (!taken).then(|| (name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::arguments::Arguments;
    use super::*;

    fn rewritten(line: &str) -> String {
        let out = rewrite(&Arguments::command(), line.split(' ').map(OsString::from).collect());
        out.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn unknown_options_are_axes() {
        assert_eq!(rewritten("hbuild build x --release 8.8 -o d"), "hbuild build x --axis release=8.8 -o d");
        assert_eq!(rewritten("hbuild build --release=8.8 --json"), "hbuild build --axis release=8.8 --json");
        assert_eq!(rewritten("hbuild build --arch all -- --x y"), "hbuild build --arch all -- --x y");
        assert_eq!(rewritten("hbuild lock --release 8.8"), "hbuild lock --release 8.8");
        let global = "hbuild --error-format json build --error-format sarif --axis a=b";
        assert_eq!(rewritten(global), global);
    }
}
