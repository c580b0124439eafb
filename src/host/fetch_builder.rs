//! The builder of fetches: the file with the SHA-256 or the checksum that the lock states, from wherever it is to be had; for a
//! commit, the archive of its tree.

use std::io::{self, Read, Write};
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

use super::fetch::{Content, FetchError as SourceError, Fetched, Fetcher, Progress, Sink, Wanted};
use super::git::{Git, GitError};
use super::mirror::Mirrors;
use super::registry::{Part, Registry, RegistryError};
use super::url::{ParseUrlError, Url};
use crate::digest::Sha256;
use crate::distro::alpine::archive::Identity;
use crate::distro::alpine::signature::Keyring;
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder, ObjectRef};
use crate::graph::{Action, Derivation, Fetch, FixedOutput, Location, outputs};
use crate::lock::GitKey;
use crate::store::{PartialFile, Store, StoreError};
use crate::tree::ContentError;

/// The most that a file of unknown length may have: 8 GiB.
const LIMIT: u64 = 8 << 30;

/// Bytes copied at once.
const COPY_BYTES: usize = 256 * 1024;

/// Fetches files into the store. One that is kept there as a blob is not fetched; a transfer that is cut off goes
/// on where it was, in the next run too.
pub struct FetchBuilder<'a> {
    /// Where the bytes go.
    pub store: &'a Store,
    /// What fetches.
    pub fetcher: &'a Fetcher,
    /// Where from.
    pub mirrors: &'a Mirrors,
    /// Whether only files of this host may be used.
    pub offline: bool,
    /// What is asked before any mirror.
    pub inputs: Option<&'a dyn Inputs>,
}

/// Where inputs are at hand, such as a bundle. What it gives is held against what is wanted like what a mirror gives.
pub trait Inputs: Sync {
    /// The bytes that `derivation`, whose action is `fetch`, is to give; `None` where it has none, and mirrors are
    /// asked. An error where they must not be.
    fn open(&self, derivation: &Derivation, fetch: &Fetch) -> Result<Option<AtHand<'_>>, BuildError>;
}

/// Bytes at hand.
pub struct AtHand<'a> {
    /// The bytes.
    pub reader: Box<dyn Read + Send + 'a>,
    /// The error where they are not what is wanted, for a reason in words; without it mirrors are asked then.
    pub wrong: Option<WrongBytes<'a>>,
}

/// Makes an error of a reason.
pub type WrongBytes<'a> = Box<dyn Fn(String) -> BuildError + 'a>;

/// Why a file was not fetched, besides what the network said.
#[derive(Debug, Error, Diagnostic)]
pub enum FetchError {
    /// The network may not be used.
    #[error("{what} is not in the store, and the network may not be used")]
    #[diagnostic(
        code(hbuild::exec::offline),
        help("run the command once without `--offline`, or name a `file:` mirror")
    )]
    Offline {
        /// What was to be fetched.
        what: String,
    },
    /// A place is no URL.
    #[error("{what} has a place that is no URL")]
    #[diagnostic(
        code(hbuild::exec::bad_location),
        help("give `http://…`, `https://…` or `file:/…` in the recipe's `url`")
    )]
    Location {
        /// What was to be fetched.
        what: String,
        /// What is wrong.
        #[source]
        source: ParseUrlError,
    },
}

impl Builder for FetchBuilder<'_> {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Fetch(fetch) = &derivation.action else {
            unreachable!("the scheduler gives a builder only its own kind of action")
        };
        let kept = match &fetch.content {
            FixedOutput::Sha256(sha256) => self.store.blob_object(sha256),
            FixedOutput::Apk { .. } => None,
        };
        let kept = match kept {
            Some(object) => Some(object),
            None => self.at_hand(derivation, fetch, context)?,
        };
        let object = match (kept, &fetch.content, fetch.locations.first()) {
            (Some(object), ..) => object,
            (None, FixedOutput::Sha256(sha256), Some(Location::Git { url, commit, submodules })) => {
                let key = (url.clone(), commit.clone(), *submodules);
                self.fetch_commit(&key, *sha256, context)?
            }
            (None, FixedOutput::Sha256(sha256), Some(Location::Registry { name, manifest })) => {
                let part = Part { name, sha256: *sha256, size: fetch.size, manifest: *manifest };
                self.fetch_blob(part, context)?
            }
            _ => {
                let wanted = self.wanted(derivation, fetch)?;
                self.keep(&fetch.content, context, |sink, progress| {
                    self.fetcher.fetch(&wanted, sink, progress).map_err(failed)
                })?
            }
        };
        Ok(BuildOutputs::from([(outputs::FILE.to_owned(), object)]))
    }
}

impl FetchBuilder<'_> {
    /// The file from what is at hand, if it is there and right.
    fn at_hand(
        &self,
        derivation: &Derivation,
        fetch: &Fetch,
        context: &dyn BuildContext,
    ) -> Result<Option<ObjectRef>, BuildError> {
        let Some(inputs) = self.inputs else { return Ok(None) };
        let Some(mut found) = inputs.open(derivation, fetch)? else { return Ok(None) };
        match (copy_checked(&mut found.reader, fetch, context)?, found.wrong) {
            (Ok(object), _) => Ok(Some(object)),
            (Err(reason), Some(wrong)) => Err(wrong(reason)),
            (Err(reason), None) => {
                tracing::debug!(label = derivation.label, reason, "not used");
                Ok(None)
            }
        }
    }

    fn fetch_blob(&self, part: Part<'_>, context: &dyn BuildContext) -> Result<ObjectRef, BuildError> {
        let registry = Registry::new(self.fetcher, self.mirrors, self.offline);
        self.keep(&FixedOutput::Sha256(part.sha256), context, |sink, progress| {
            registry.fetch(part, sink, progress).map_err(|error| match error {
                RegistryError::Fetch(error) => failed(error),
                other => BuildError::action(other),
            })
        })
    }

    /// Keeps what `fetch` gives; what it gave before it failed is there for the next try.
    fn keep(
        &self,
        content: &FixedOutput,
        context: &dyn BuildContext,
        fetch: impl FnOnce(&mut dyn Sink, Progress<'_>) -> Result<Fetched, BuildError>,
    ) -> Result<ObjectRef, BuildError> {
        let file = self.store.partial(content).map_err(ContentError::from)?;
        let mut sink = PartialSink { file, context };
        let fetched = fetch(&mut sink, &|done, total| context.progress(done, total))?;
        let object = sink.file.finish().map_err(ContentError::from)?;
        context.keep_sha256(object, fetched.sha256);
        Ok(object)
    }

    fn fetch_commit(
        &self,
        key: &GitKey,
        expected: Sha256,
        context: &dyn BuildContext,
    ) -> Result<ObjectRef, BuildError> {
        let (url, commit, _) = key;
        if self.offline && !url.starts_with("file:") {
            let what = format!("the commit {commit} of {url}");
            return Err(BuildError::action(FetchError::Offline { what }));
        }
        let cancelled = || context.cancelled();
        let git = Git { store: self.store, network: self.fetcher.options(), cancelled: &cancelled };
        match git.archive(key) {
            Ok((object, found)) if found == expected => Ok(object),
            Ok((_, found)) => {
                let (url, commit) = (url.clone(), commit.clone());
                Err(BuildError::action(GitError::Changed { url, commit, found, expected }))
            }
            Err(GitError::Cancelled { .. }) => Err(BuildError::Cancelled),
            Err(GitError::Store(error)) => Err(BuildError::Content(error.into())),
            Err(error) => Err(BuildError::action(error)),
        }
    }

    fn wanted(&self, derivation: &Derivation, fetch: &Fetch) -> Result<Wanted, BuildError> {
        let what = derivation.label.strip_prefix("fetch ").unwrap_or(&derivation.label).to_owned();
        let mut urls: Vec<Url> = Vec::new();
        for location in &fetch.locations {
            let found = self
                .urls(location)
                .map_err(|source| BuildError::action(FetchError::Location { what: what.clone(), source }))?;
            urls.extend(found);
        }
        if self.offline {
            urls.retain(|url| matches!(url, Url::File(_)));
            if urls.is_empty() {
                return Err(BuildError::action(FetchError::Offline { what }));
            }
        }
        let (content, size) = (Some(content_of(fetch)?), fetch.size);
        Ok(Wanted { what, urls, content, size, limit: LIMIT, headers: Vec::new() })
    }

    fn urls(&self, location: &Location) -> Result<Vec<Url>, ParseUrlError> {
        match location {
            Location::Mirror { repository, path, date, url } => {
                let date = date.as_deref().and_then(|date| date.parse().ok());
                self.mirrors.urls(repository, url.as_deref(), path, date)
            }
            Location::Url(url) => Ok(vec![url.parse()?]),
            Location::Local(path) => Ok(vec![Url::File(path.clone())]),
            Location::Git { .. } | Location::Registry { .. } => Ok(Vec::new()),
        }
    }
}

/// What the file must be.
fn content_of(fetch: &Fetch) -> Result<Content, BuildError> {
    Ok(match &fetch.content {
        FixedOutput::Sha256(sha256) => Content::Sha256(*sha256),
        FixedOutput::Apk { checksum, keys } => {
            let keyring = Keyring::parse(keys.iter().map(|key| (key.name.as_str(), &*key.text)));
            Content::Apk(Identity::new(*checksum, Arc::new(keyring.map_err(BuildError::action)?)))
        }
    })
}

/// Keeps what `reader` gives as an object; else why it is not what `fetch` wants.
fn copy_checked(
    reader: &mut dyn Read,
    fetch: &Fetch,
    context: &dyn BuildContext,
) -> Result<Result<ObjectRef, String>, BuildError> {
    let content = content_of(fetch)?;
    let mut identity = match &content {
        Content::Apk(identity) => Some(identity.clone()),
        Content::Sha256(_) => None,
    };
    let mut file = context.create()?;
    let (mut block, mut size) = (vec![0; COPY_BYTES], 0);
    loop {
        if context.cancelled() {
            return Err(BuildError::Cancelled);
        }
        let count = match reader.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(error.to_string())),
        };
        size += count as u64;
        if size > fetch.size.unwrap_or(LIMIT) {
            return Ok(Err(format!("it has more than {} bytes", fetch.size.unwrap_or(LIMIT))));
        }
        if let Some(Err(problem)) = identity.as_mut().map(|identity| identity.update(&block[..count])) {
            return Ok(Err(problem.to_string()));
        }
        file.write_all(&block[..count]).map_err(ContentError::from)?;
        context.progress(size, fetch.size);
    }
    let (object, found) = file.finish()?;
    Ok(match (content, identity) {
        (Content::Sha256(expected), _) if found != expected => {
            Err(format!("its SHA-256 is {found}, not {expected}"))
        }
        (_, Some(identity)) => identity.finish().map(|()| object).map_err(|problem| problem.to_string()),
        _ => Ok(object),
    })
}

fn failed(error: SourceError) -> BuildError {
    match error {
        SourceError::Cancelled { .. } => BuildError::Cancelled,
        SourceError::Sink { source, .. } => BuildError::Content(source.into()),
        error if error.is_not_found() => BuildError::Absent(Box::new(error)),
        error => BuildError::action(error),
    }
}

/// A partial file that fails once the run is being stopped.
struct PartialSink<'a> {
    file: PartialFile<'a>,
    context: &'a dyn BuildContext,
}

impl Write for PartialSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.context.cancelled() {
            return Err(io::Error::other(BuildError::Cancelled));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for PartialSink<'_> {
    fn present(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.file.present(each).map_err(keepable)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.file.clear().map_err(keepable)
    }
}

/// The store's error as one of the system, from which [`StoreError::from_content`] gets it back.
fn keepable(error: StoreError) -> io::Error {
    match ContentError::from(error) {
        ContentError::Io(error) => error,
        other => io::Error::other(other),
    }
}
