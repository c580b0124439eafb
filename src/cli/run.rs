//! `hbuild run`.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::arguments::NetworkArguments;
use super::build::image_runner;
use super::console::Terminal;
use super::context::Context;
use super::image::ImageSource;
use super::registry::RegistryArguments;
use super::report::Failure;
use super::target;
use super::test::TestTime;
use crate::build::{ImageCommand, run_in_image};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// A layout folder or an archive, optionally with `:REF`, such as `out/hello:2.10-debian12-amd64`
    pub image: String,
    /// The command, behind `--`, in place of entry point and command of the image
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Who runs it, as `uid[:gid]` or names of the image; the image's user by default
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// A variable of its environment besides the image's
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// Its working directory; the image's by default
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// The network that it has
    #[arg(long, value_enum, default_value_t = NetworkArgument::None)]
    pub network: NetworkArgument,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// The network of a command in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NetworkArgument {
    /// None at all
    None,
    /// A loopback interface of its own
    Loopback,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// Runs a command in an image. Ends with its status.
pub fn run(arguments: &RunArguments, context: &Context) -> Result<(), Failure> {
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let layout = source.layout()?;
    let here = target::host_arch();
    let image = layout.image(source.reference(), Some(here)).map_err(Failure::new)?;
    let wanted = ImageCommand {
        command: arguments.command.clone(),
        user: arguments.user.clone(),
        environment: arguments.env.iter().cloned().collect::<BTreeMap<_, _>>(),
        directory: arguments.workdir.clone(),
        loopback: arguments.network == NetworkArgument::Loopback,
    };
    let settings = context.settings(&NetworkArguments::default())?;
    let store = context.store()?;
    let images = image_runner(&store, settings.build, TestTime::default());
    let console = Terminal::for_command(context);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let surroundings = (&*store, &images, &console as _);
    let status =
        run_in_image((&layout, &image), &wanted, surroundings, (here, threads), &|| context.cancelled());
    drop(console);
    match status.map_err(Failure::new)? {
        0 => Ok(()),
        status => Err(Failure::status(status)),
    }
}
