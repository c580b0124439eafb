//! Why a bundle is refused, or could not be written.

use std::io;

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum BundleError {
    /// It is something else.
    #[error("this is no bundle: it does not begin with a `manifest.json` as hbuild writes it")]
    #[diagnostic(
        code(hbuild::bundle::not_a_bundle),
        help("name a file that `hbuild bundle TARGET -o FILE` wrote")
    )]
    NotABundle,
    /// It ends too early.
    #[error("the bundle is cut off: `{path}` ends at byte {end}, the file at byte {length}")]
    #[diagnostic(code(hbuild::bundle::truncated), help("copy it again, whole"))]
    Truncated {
        /// What is not whole.
        path: String,
        /// Where it would end.
        end: u64,
        /// How long the file is.
        length: u64,
    },
    /// The manifest is not one.
    #[error("the bundle's manifest cannot be used: {reason}")]
    #[diagnostic(
        code(hbuild::bundle::bad_manifest),
        help(
            "the bundle was damaged or made by something else than `hbuild bundle`: get it again, or make it again"
        )
    )]
    Manifest {
        /// What is wrong with it.
        reason: String,
    },
    /// It is of another format.
    #[error("the bundle has the format `{found}`; this hbuild reads `{known}`")]
    #[diagnostic(code(hbuild::bundle::other_format), help("use the hbuild that made it, or a newer one"))]
    Format {
        /// Its format.
        found: String,
        /// The format known.
        known: &'static str,
    },
    /// A path that no bundle has.
    #[error("the bundle has an entry `{path}`, which is no path of a bundle")]
    #[diagnostic(
        code(hbuild::bundle::bad_path),
        help("somebody made this bundle by hand, to write where it should not: do not use it")
    )]
    Path {
        /// The path.
        path: String,
    },
    /// An entry stands in it twice.
    #[error("the bundle has `{path}` twice, or not in its place")]
    #[diagnostic(
        code(hbuild::bundle::duplicate_entry),
        help("two programs could read it differently: do not use it; make it again with `hbuild bundle`")
    )]
    Order {
        /// The path.
        path: String,
    },
    /// An entry is not what the manifest says.
    #[error("the bundle does not have the file `{path}` of {size} bytes where its manifest says")]
    #[diagnostic(
        code(hbuild::bundle::other_entry),
        help("an entry was put in, taken out or replaced: get the bundle again, or make it again")
    )]
    Entry {
        /// The path.
        path: String,
        /// The length that the manifest says.
        size: u64,
    },
    /// Something follows its end.
    #[error("the bundle goes on behind its end, at byte {end}")]
    #[diagnostic(code(hbuild::bundle::trailing_bytes), help("get the bundle again, or make it again"))]
    Trailing {
        /// Its end.
        end: u64,
    },
    /// A content is not what its digest says.
    #[error("`{path}` in the bundle was altered: it does not have the SHA-256 that {said_by} says")]
    #[diagnostic(
        code(hbuild::bundle::altered),
        help("nothing of it was used: get the bundle again from whom you have it, or make it again")
    )]
    Altered {
        /// The entry.
        path: String,
        /// Whose digest it is.
        said_by: &'static str,
    },
    /// Something that is read whole is too much for that.
    #[error("`{path}` in the bundle has {size} bytes; a recipe, a lock or a local source has at most {most}")]
    #[diagnostic(
        code(hbuild::bundle::too_large),
        help("give a local source of this size a place that `url` can name, with its digest")
    )]
    TooLarge {
        /// The entry.
        path: String,
        /// Its length.
        size: u64,
        /// The most.
        most: u64,
    },
    /// A package is not the one that the lock pins.
    #[error("`{path}` in the bundle is not the package that the lock pins: {reason}")]
    #[diagnostic(
        code(hbuild::bundle::other_package),
        help(
            "the bundle was altered, its manifest too: get it again from whom you have it, or make it again"
        )
    )]
    Package {
        /// The entry.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A build needs what is not in it.
    #[error("the bundle has no {what}")]
    #[diagnostic(
        code(hbuild::bundle::no_input),
        help(
            "it was made for another target, or an entry was taken out: make it again with `hbuild bundle`"
        )
    )]
    NoInput {
        /// What is missing.
        what: String,
    },
    /// An item that its recipe does not have.
    #[error("the bundle is of {item}, which its recipe `{recipe}` does not have")]
    #[diagnostic(
        code(hbuild::bundle::unknown_item),
        help(
            "the bundle was made by another version of hbuild, or altered: make it again with `hbuild bundle`"
        )
    )]
    UnknownItem {
        /// What it is of.
        item: String,
        /// The recipe.
        recipe: String,
    },
    /// Nothing of it is meant.
    #[error("the bundle has nothing that matches {wanted}")]
    #[diagnostic(code(hbuild::bundle::nothing_meant), help("it has: {there}"))]
    NothingMeant {
        /// The options given.
        wanted: String,
        /// What it has.
        there: String,
    },
    /// A file cannot be put into a bundle.
    #[error("`{path}` cannot stand in a bundle: {reason}")]
    #[diagnostic(
        code(hbuild::bundle::unfit_path),
        help("give the file a shorter path of UTF-8 below the recipe's folder")
    )]
    Unfit {
        /// Its path.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// The file cannot be read or written.
    #[error("cannot {action} the bundle")]
    #[diagnostic(
        code(hbuild::bundle::io),
        help("check that the file is there, that you may use it, and that the disk has room")
    )]
    Io {
        /// `read`, `write`.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It was to stop.
    #[error("stopped")]
    #[diagnostic(
        code(hbuild::bundle::stopped),
        help("run the command again; no bundle was left half written")
    )]
    Stopped,
}
