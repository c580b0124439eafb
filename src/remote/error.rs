//! What goes wrong with a registry.

use std::path::PathBuf;

use crate::digest::Sha256;
use crate::host::fetch::FetchError;
use crate::host::registry::AuthorizationError;
use crate::image::layout::{FolderError, LayoutError};
use crate::image::read::ReadError;

/// Why an image could not be pushed, pulled or read from its registry.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RemoteError {
    /// No reference.
    #[error("`{text}` is no reference to an image in a registry: {why}")]
    #[diagnostic(
        code(hbuild::remote::bad_reference),
        help("write registry and repository, and a tag or a digest: `ghcr.io/team/app:1.0`")
    )]
    Reference {
        /// As given.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A name that registries cannot have as a tag.
    #[error("`{name}` cannot be a tag")]
    #[diagnostic(
        code(hbuild::remote::bad_tag),
        help("name a tag of your own: `hbuild push IMAGE REPOSITORY:TAG`")
    )]
    Tag {
        /// The name.
        name: String,
    },
    /// No connection, or one that broke off time and again.
    #[error("{what}: the registry cannot be reached: {reason}")]
    #[diagnostic(
        code(hbuild::remote::unreachable),
        help(
            "check the name of the registry, the network, the proxy (`https_proxy`) and, for a private authority, `--ca-file`"
        )
    )]
    Unreachable {
        /// What was asked for.
        what: String,
        /// What came of it.
        reason: String,
    },
    /// Not allowed.
    #[error("{what}: the registry refuses access{detail}")]
    #[diagnostic(
        code(hbuild::remote::denied),
        help("log in with `docker login` or `podman login`, and check that the account may do this")
    )]
    Denied {
        /// What was asked for.
        what: String,
        /// What the registry says.
        detail: String,
    },
    /// Not there.
    #[error("{what}: the registry has no such thing")]
    #[diagnostic(code(hbuild::remote::not_found), help("check name, tag and digest"))]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// Any other refusal.
    #[error("{what}: the registry answers {status}{detail}")]
    #[diagnostic(
        code(hbuild::remote::refused),
        help(
            "where this is 429 or above 500, try again later; else the registry does not take what was sent"
        )
    )]
    Refused {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// What the registry says.
        detail: String,
    },
    /// Another digest than the bytes have.
    #[error(
        "{what}: the registry's answer has the digest sha256:{found} where sha256:{expected} is expected"
    )]
    #[diagnostic(
        code(hbuild::remote::wrong_digest),
        help(
            "the registry is damaged, or someone changes what it says on the way: nothing of the answer was used"
        )
    )]
    WrongDigest {
        /// What was asked for.
        what: String,
        /// What it is.
        found: Sha256,
        /// What it should be.
        expected: Sha256,
    },
    /// A blob that is longer or shorter than its descriptor says.
    #[error("{what}: the registry's blob has {found} bytes, its descriptor says {expected}")]
    #[diagnostic(
        code(hbuild::remote::wrong_size),
        help("the registry is damaged, or someone means harm: nothing of the blob was kept")
    )]
    WrongSize {
        /// What was asked for.
        what: String,
        /// The length announced, or had when it was enough.
        found: u64,
        /// The length in the descriptor.
        expected: u64,
    },
    /// A document without measure.
    #[error("{what}: the registry's document is longer than {limit} bytes")]
    #[diagnostic(
        code(hbuild::remote::too_large),
        help("no manifest or index is that long, and registries need not take one: someone means harm")
    )]
    TooLarge {
        /// What was asked for.
        what: String,
        /// What is read at most.
        limit: u64,
    },
    /// A redirect to where nothing is fetched from.
    #[error("{what}: the registry redirects to a place without TLS, to a file, or in a circle")]
    #[diagnostic(
        code(hbuild::remote::unsafe_redirect),
        help("the registry is set up wrongly, or someone means harm; nobody was asked there")
    )]
    UnsafeRedirect {
        /// What was asked for.
        what: String,
    },
    /// An upload that is to go where nothing is sent.
    #[error("{what}: the registry names no usable place for the upload")]
    #[diagnostic(
        code(hbuild::remote::bad_location),
        help(
            "its answer has no `Location`, or one without TLS; the registry is set up wrongly, or someone means harm"
        )
    )]
    Location {
        /// What was to be sent.
        what: String,
    },
    /// Referrers without end.
    #[error("{what}: the registry's list of referrers does not end")]
    #[diagnostic(
        code(hbuild::remote::endless_referrers),
        help(
            "its pages lead to each other, or are more than {} referrers: the registry is damaged, or someone means harm",
            super::listing::MOST_REFERRERS
        )
    )]
    EndlessReferrers {
        /// What was asked for.
        what: String,
    },
    /// A document that is none.
    #[error("{what}: the registry's answer is not as specified: {reason}")]
    #[diagnostic(
        code(hbuild::remote::bad_answer),
        help("the image was made by a tool that hbuild cannot follow, or the registry is damaged")
    )]
    Answer {
        /// What was asked for.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// A tag that means something else.
    #[error("{reference} is there and is another image, sha256:{there}")]
    #[diagnostic(
        code(hbuild::remote::tag_exists),
        help(
            "a tag that people pull does not change under them: push another tag, or move this one with `--move-tags`"
        )
    )]
    TagExists {
        /// The tag.
        reference: String,
        /// What it names.
        there: Sha256,
    },
    /// A referrers tag that others write without pause.
    #[error("the referrers of {what} were written by others each time")]
    #[diagnostic(
        code(hbuild::remote::referrers_contended),
        help("run the command again when the others are done: it sends what is missing")
    )]
    Contended {
        /// The subject.
        what: String,
    },
    /// An image without a name under which it could be pushed.
    #[error("nothing in the image has a name to push it under")]
    #[diagnostic(code(hbuild::remote::nothing_named), help("name a tag: `hbuild push IMAGE REPOSITORY:TAG`"))]
    NothingNamed,
    /// A reference that says which image and yet is to be given one.
    #[error("{reference} has a digest, and a push makes its own")]
    #[diagnostic(code(hbuild::remote::push_to_digest), help("leave `@sha256:…` out"))]
    PushToDigest {
        /// As given.
        reference: String,
    },
    /// A blob could not be kept.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(
        code(hbuild::remote::cannot_keep),
        help(
            "check that the folder may be written and that the disk has room; what is there is used by the next try"
        )
    )]
    Keep {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error("stopped")]
    #[diagnostic(
        code(hbuild::remote::stopped),
        help("run the command again: what was sent or had is not moved again")
    )]
    Cancelled,
    /// Credentials.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Authorization(#[from] AuthorizationError),
    /// How registries are reached.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// The image here.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// The layout here.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
}

impl From<FolderError> for RemoteError {
    fn from(error: FolderError) -> Self {
        Self::Layout(error.into())
    }
}
