//! `hbuild show` of an image.

use std::fmt::Write;
use std::path::Path;

use super::context::Context;
use super::image::ImageSource;
use super::report::Failure;
use super::report::UsageError;
use super::sbom::arch;
use super::show::ShowArguments;
use super::target::host_arch;
use super::{print, print_json, table};
use crate::audit::summary::{Run, Summary};
use crate::remote::Reference;

/// Whether what is to be shown is an image, not a recipe: a folder with a layout in it, a file that is no recipe, or
/// what can only be in a registry.
pub fn is_image(targets: &[String]) -> bool {
    let [target] = targets else { return false };
    let is_layout = |path: &Path| path.join("index.json").is_file() && path.join("oci-layout").is_file();
    let is_archive = |path: &Path| path.is_file() && path.extension().is_none_or(|it| it != "hb");
    let fits = |path: &Path| is_layout(path) || is_archive(path);
    let path = Path::new(target);
    if path.exists() {
        return fits(path);
    }
    // A misspelt recipe is none in a registry: `recipes.d/app.hb#app`.
    let in_registry = Reference::is_meant(target) && !target.contains(".hb") && !target.contains('#');
    in_registry || target.rsplit_once(':').is_some_and(|(path, _)| fits(Path::new(path)))
}

/// Prints what is in the image.
pub fn run(arguments: &ShowArguments, context: &Context) -> Result<(), Failure> {
    let bad = |message: String| UsageError::BadValue {
        message: format!("`--arch`: {message}"),
        help: "name the platform of the image index that is to be shown".to_owned(),
    };
    let arch = match &arguments.selection.arch {
        Some(text) => arch(text).map_err(|message| Failure::new(bad(message)))?,
        None => host_arch(),
    };
    let source = ImageSource::open(&arguments.selection.targets[0], &arguments.registry, context)?;
    let summary = Summary::of(&source.layout()?, source.reference(), arch).map_err(Failure::new)?;
    if arguments.json {
        return print_json(&summary);
    }
    let mut page = String::new();
    render(&mut page, &summary).expect("writing to a string never fails");
    print(&page)
}

fn render(page: &mut String, summary: &Summary) -> std::fmt::Result {
    let mut line = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(page, "{name:<12} {}", one_line(value)) }
    };
    line("digest", &summary.digest)?;
    line("index", summary.index.as_deref().unwrap_or_default())?;
    line("platform", &format!("{}/{}", summary.os, summary.arch))?;
    line("created", summary.created.as_deref().unwrap_or_default())?;
    line(
        "size",
        &format!(
            "{} to transfer, {} installed in {} files",
            table::size(summary.size),
            table::size(summary.installed_size),
            summary.files
        ),
    )?;
    let Run { user, entrypoint, cmd, env, work_dir, ports, volumes, stop_signal } = &summary.run;
    line("user", if user.is_empty() { "root (none is set)" } else { user })?;
    line("entrypoint", &entrypoint.join(" "))?;
    line("cmd", &cmd.join(" "))?;
    env.iter().try_for_each(|variable| line("env", variable))?;
    line("work-dir", work_dir)?;
    ports.iter().try_for_each(|port| line("port", port))?;
    volumes.iter().try_for_each(|volume| line("volume", volume))?;
    line("stop-signal", stop_signal.as_deref().unwrap_or_default())?;
    summary.labels.iter().try_for_each(|(name, value)| line("label", &format!("{name}={}", value)))?;
    match &summary.waived {
        None => line("waived", "unknown: the image carries no policy report")?,
        Some(waived) if waived.is_empty() => line("waived", "nothing")?,
        Some(waived) => waived.iter().try_for_each(|one| {
            line("waived", &format!("{} {}: {}", one.finding.rule, one.finding.place(), one.because))
        })?,
    }
    let signed = match summary.signatures {
        0 => "none".to_owned(),
        count => format!("{count} present, not verified here"),
    };
    line("signatures", &signed)?;
    lists(page, summary)
}

fn lists(page: &mut String, summary: &Summary) -> std::fmt::Result {
    let layer = |layer: &crate::audit::summary::LayerSummary| {
        vec![layer.digest.clone(), table::size(layer.size), one_line(&layer.created_by)]
    };
    let layers: Vec<_> = summary.layers.iter().map(layer).collect();
    writeln!(page, "\n{}", table::render(&["layer", "size", ""], &layers, &[1]))?;
    match &summary.contents {
        None => writeln!(page, "contents unknown: the image carries no statement of origins\n")?,
        Some(contents) => {
            let row = |one: &crate::audit::summary::ContentSummary| {
                let version = one.version.clone().unwrap_or_default();
                vec![
                    one.name.clone(),
                    version,
                    one.kind.to_owned(),
                    one.files.to_string(),
                    table::size(one.size),
                ]
            };
            let rows: Vec<_> = contents.iter().map(row).collect();
            let header = ["content", "version", "kind", "files", "installed"];
            writeln!(page, "{}", table::render(&header, &rows, &[3, 4]))?;
        }
    }
    if summary.evidence.is_empty() {
        return writeln!(page, "no document is attached");
    }
    let row = |one: &crate::audit::summary::DocumentSummary| {
        let predicate = one.predicate_type.clone().unwrap_or_default();
        vec![one.about.to_owned(), one.artifact_type.clone(), predicate]
    };
    let rows: Vec<_> = summary.evidence.iter().map(row).collect();
    write!(page, "{}", table::render(&["about", "document", "predicate"], &rows, &[]))
}

/// Text of the image, which may hold anything, on one line without control characters.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "\u{fffd}")
}
