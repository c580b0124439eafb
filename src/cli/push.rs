//! `hbuild push`.

use clap::Args;

use super::context::Context;
use super::image::ImageSource;
use super::registry::RegistryArguments;
use super::report::Failure;
use super::table;
use super::{print, print_json};
use crate::remote::{Access, PushOptions, Pushed, Reference, TagState, push, targets};

/// Arguments of `push`.
#[derive(Debug, Args)]
pub struct PushArguments {
    /// A layout folder, an archive or a reference, optionally with `:REF`, such as `out/hello:2.10-debian12`
    pub image: String,
    /// Where it goes, such as `ghcr.io/team/hello:2.10`; without a tag every variant goes there under its own names
    #[arg(value_name = "REF")]
    pub to: String,
    /// Give tags that are there another image
    #[arg(long)]
    pub move_tags: bool,
    /// Send nothing, only say what would be sent
    #[arg(long)]
    pub dry_run: bool,
    /// A repository of the same registry that may have layers already
    #[arg(long, value_name = "REPOSITORY")]
    pub mount_from: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// Sends an image with its evidence to a registry.
pub fn run(arguments: &PushArguments, context: &Context) -> Result<(), Failure> {
    let to = Reference::parse(&arguments.to).map_err(Failure::new)?;
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let targets = targets(&source.layout()?, source.reference(), &to).map_err(Failure::new)?;
    let mut mount_from = arguments.mount_from.clone();
    // What comes from the same registry need not go over the network.
    mount_from.extend(
        source.remote().filter(|from| from.registry == to.registry).map(|from| from.repository.clone()),
    );
    let client = arguments.registry.client(context)?;
    let repository = client.repository(&to, Access::Write(mount_from.clone()));
    let options = PushOptions { move_tags: arguments.move_tags, dry_run: arguments.dry_run, mount_from };
    let pushed = push(source.files(), &targets, &repository, &options).map_err(Failure::new)?;
    if context.reporter().for_people() {
        eprintln!("{}", summary(&pushed));
    }
    if arguments.json {
        return print_json(&pushed);
    }
    let line = |tag: &crate::remote::PushedTag| format!("{}@{}\n", tag.reference, tag.digest);
    print(&pushed.tags.iter().map(line).collect::<String>())
}

/// What was sent, in one line.
fn summary(pushed: &Pushed) -> String {
    let Pushed { blobs, manifests, evidence, .. } = pushed;
    let there = blobs.there + manifests.there + evidence.there;
    let count = |state: TagState| pushed.tags.iter().filter(|tag| tag.state == state).count();
    if pushed.is_unchanged() {
        return format!("nothing to send: the registry has all of it ({there} there)");
    }
    format!(
        "{}: {} blobs ({}), {} manifests, {} pieces of evidence; {} mounted, {there} there; tags: {} new, {} moved",
        if pushed.dry_run { "would be sent" } else { "sent" },
        blobs.sent,
        table::size(pushed.bytes),
        manifests.sent,
        evidence.sent,
        blobs.mounted,
        count(TagState::New),
        count(TagState::Moved),
    )
}
