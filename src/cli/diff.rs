//! `hbuild diff`.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::image::ImageSource;
use super::registry::RegistryArguments;
use super::report::{Failure, OutputError, UsageError};
use super::{print, print_json, target};
use crate::audit::diff::{
    self, Cancelled, DiffError, Difference, Ignored, Options, Side, SideName, diff_images, diff_locks,
    diff_recipes, read_archive, read_images,
};
use crate::build::{ArchChoice, Filter, select};
use crate::host::folder_tree::read_folder;
use crate::host::spool::TemporarySpool;
use crate::image::read::{Archive, Image, ImageFiles, Layout, ReadError};
use crate::lock::Lock;

/// How many files are looked into where not all are asked for.
const LOOKED_INTO: usize = 200;

/// Longer locks are none.
const MOST_LOCK_BYTES: u64 = 256 << 20;

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "A and B are two of one kind:\n  \
    image   a layout folder or an OCI archive, with :REFERENCE where it holds several, or a registry reference\n  \
    tree    another folder, such as an unpacked root file system, or a tar archive of one\n  \
    recipe  FILE.hb, or FILE.hb#NAME for one image or build of it: what it comes to, variant by variant\n  \
    lock    an hbuild.lock\n\n\
    It ends with 0 where both are the same, with 1 where they differ.")]
pub struct DiffArguments {
    /// The first: an image, a tree, a recipe or a lock
    #[arg(value_name = "A")]
    left: String,
    /// The second, of the same kind
    #[arg(value_name = "B")]
    right: String,
    /// What both are, where that is not what their names and contents say
    #[arg(long = "as", value_name = "KIND", value_enum)]
    kind: Option<Kind>,
    /// The platform of images that have several, `amd64` or `arm64`; the host's by default
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Do not compare these of files: mode, owner, time, xattrs
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    ignore: Vec<What>,
    /// Look into every file, and print all that differs
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Registries
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Kinds of what is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A layout, an archive or a registry reference
    Image,
    /// A folder or a tar archive
    Tree,
    /// A recipe
    Recipe,
    /// A lock
    Lock,
}

/// What of files is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Permission bits
    Mode,
    /// Owner and group
    Owner,
    /// Modification times
    Time,
    /// Extended attributes
    Xattrs,
}

/// Prints in what both differ, and fails silently where they do.
pub fn run(arguments: &DiffArguments, context: &Context) -> Result<(), Failure> {
    let kind = match arguments.kind {
        Some(kind) => kind,
        None => common_kind(&arguments.left, &arguments.right)?,
    };
    let cancel = context.cancel();
    let cancelled = || cancel.load(Ordering::Relaxed);
    match kind {
        Kind::Image => images(arguments, context, &cancelled),
        Kind::Tree => trees(arguments, &cancelled),
        Kind::Recipe => recipes(arguments, context),
        Kind::Lock => locks(arguments),
    }
}

fn images(arguments: &DiffArguments, context: &Context, cancelled: Cancelled<'_>) -> Result<(), Failure> {
    let open = |name: &str| ImageSource::open(name, &arguments.registry, context);
    let sources = [open(&arguments.left)?, open(&arguments.right)?];
    let layouts = [sources[0].layout()?, sources[1].layout()?];
    let image = |side: usize| image(&layouts[side], sources[side].reference(), arguments);
    let images = [image(0)?, image(1)?];
    if images[0].digest == images[1].digest {
        let name = |name: &str| SideName { name: name.to_owned(), manifest: Some(images[0].digest) };
        let difference = Difference::none(name(&arguments.left), name(&arguments.right));
        return print_difference(arguments, "image", &difference, true);
    }
    let source = |side: usize, name: &str| diff::ImageSource {
        name: name.to_owned(),
        layout: &layouts[side],
        image: &images[side],
    };
    let sides = read_images(source(0, &arguments.left), source(1, &arguments.right), cancelled);
    finish(arguments, "image", sides.map_err(Failure::new)?, cancelled)
}

/// The image that is meant: of an index with several platforms that of the host, unless another is asked for.
fn image(layout: &Layout<'_>, reference: Option<&str>, arguments: &DiffArguments) -> Result<Image, Failure> {
    let arch = arguments.arch.as_deref().map(target::arch).transpose()?;
    let found = match layout.image(reference, arch) {
        Err(ReadError::Ambiguous { .. }) if arch.is_none() => {
            layout.image(reference, Some(target::host_arch()))
        }
        found => found,
    };
    found.map_err(Failure::new)
}

fn trees(arguments: &DiffArguments, cancelled: Cancelled<'_>) -> Result<(), Failure> {
    let side = |name: &str| tree(name, cancelled).map_err(Failure::new);
    let (left, right) = rayon::join(|| side(&arguments.left), || side(&arguments.right));
    finish(arguments, "tree", [left?, right?], cancelled)
}

fn tree<'a>(name: &str, cancelled: Cancelled<'a>) -> Result<Side<'a>, DiffError> {
    let path = Path::new(name).to_owned();
    let unreadable = |source| DiffError::Unreadable { path: name.to_owned(), source };
    let metadata = path.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return read_folder(name, &path, cancelled);
    }
    let open = move || Ok(Box::new(File::open(&path)?) as Box<dyn Read + Send>);
    read_archive(name, metadata.len(), Box::new(open), cancelled)
}

fn recipes(arguments: &DiffArguments, context: &Context) -> Result<(), Failure> {
    let items = |name: &str| -> Result<Vec<serde_json::Value>, Failure> {
        let projects = target::load(&[name.to_owned()], context.reporter())?;
        let filter = Filter { arch: ArchChoice::All, builds: true, ..Filter::default() };
        let chosen = select(&projects, &filter).map_err(Failure::new)?;
        let value = |item| serde_json::to_value(item).expect("evaluated recipes serialise to JSON");
        Ok(chosen.iter().map(|(_, item)| value(*item)).collect())
    };
    let (left, right) = (items(&arguments.left)?, items(&arguments.right)?);
    let difference = diff_recipes((&arguments.left, left), (&arguments.right, right));
    print_difference(arguments, "recipe", &difference, difference.is_empty())
}

fn locks(arguments: &DiffArguments) -> Result<(), Failure> {
    let read = |name: &str| -> Result<Lock, Failure> {
        let unreadable = |source| Failure::new(DiffError::Unreadable { path: name.to_owned(), source });
        // A lock may come through a pipe: `<(git show HEAD:hbuild.lock)`.
        let mut text = String::new();
        let file = File::open(name).map_err(unreadable)?;
        file.take(MOST_LOCK_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Lock::parse(&text).map_err(Failure::new)
    };
    let (left, right) = (read(&arguments.left)?, read(&arguments.right)?);
    let difference = diff_locks((&arguments.left, &left), (&arguments.right, &right));
    print_difference(arguments, "lock", &difference, difference.is_empty())
}

/// Compares two sides and prints the difference.
fn finish(
    arguments: &DiffArguments,
    kind: &'static str,
    sides: [Side<'_>; 2],
    cancelled: Cancelled<'_>,
) -> Result<(), Failure> {
    let ignored = |what: What| arguments.ignore.contains(&what);
    let options = Options {
        contents: if arguments.all { usize::MAX } else { LOOKED_INTO },
        ignored: Ignored {
            mode: ignored(What::Mode),
            owner: ignored(What::Owner),
            time: ignored(What::Time),
            xattrs: ignored(What::Xattrs),
        },
        cancelled,
    };
    let spool = TemporarySpool::new();
    let difference = diff_images(&sides[0], &sides[1], &spool, &options).map_err(Failure::new)?;
    print_difference(arguments, kind, &difference, difference.is_empty())
}

/// A difference as a document.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a, T> {
    /// What was compared.
    kind: &'static str,
    /// Whether nothing differs.
    equal: bool,
    #[serde(flatten)]
    difference: &'a T,
}

fn print_difference<T: serde::Serialize + std::fmt::Display>(
    arguments: &DiffArguments,
    kind: &'static str,
    difference: &T,
    equal: bool,
) -> Result<(), Failure> {
    match (arguments.json, arguments.all) {
        (true, _) => print_json(&Document { kind, equal, difference })?,
        (false, true) => print(&format!("{difference:#}"))?,
        (false, false) => print(&difference.to_string())?,
    }
    if equal { Ok(()) } else { Err(Failure::silent()) }
}

/// The kind that both are of.
fn common_kind(left: &str, right: &str) -> Result<Kind, Failure> {
    let kinds = [kind_of(left)?, kind_of(right)?];
    if kinds[0] == kinds[1] {
        return Ok(kinds[0]);
    }
    let name = |kind: Kind| match kind {
        Kind::Image => "an image",
        Kind::Tree => "a tree",
        Kind::Recipe => "a recipe",
        Kind::Lock => "a lock",
    };
    let [one, other] = kinds.map(name);
    Err(Failure::new(UsageError::OtherKinds {
        left: format!("`{left}` is {one}"),
        right: format!("`{right}` is {other}"),
    }))
}

/// What a name stands for.
fn kind_of(name: &str) -> Result<Kind, Failure> {
    let path = Path::new(name);
    let recipe = name.rsplit_once('#').map_or(name, |(path, _)| path);
    if (recipe.ends_with(".hb") && Path::new(recipe).exists()) || name.ends_with(".hb") {
        return Ok(Kind::Recipe);
    }
    if path.is_dir() {
        let layout = ["oci-layout", "index.json"].iter().any(|file| path.join(file).is_file());
        return Ok(if layout { Kind::Image } else { Kind::Tree });
    }
    if name.ends_with(".lock") {
        return Ok(Kind::Lock);
    }
    if !path.exists() {
        return Ok(Kind::Image);
    }
    let file = File::open(path).map_err(|source| Failure::new(OutputError { source }))?;
    let Ok(archive) = Archive::new(file) else { return Ok(Kind::Tree) };
    let has = |file: &str| matches!(archive.open(file), Ok(Some(_)));
    let image = ["oci-layout", "index.json", "manifest.json"].into_iter().any(has);
    Ok(if image { Kind::Image } else { Kind::Tree })
}
