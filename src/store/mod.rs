//! The store: objects by their BLAKE3 digest, records by key, and what leads to them.
//!
//! The file system is the truth; several processes use one store at a time. Nothing that can be read is wrong at
//! any instant, whatever process died: see [`commit`](Store::commit). `docs/src/store.md` is the reference of
//! the folders and files. The store never looks at what a derivation does, and never executes one.

mod access;
mod blobs;
mod commit;
mod committer;
mod error;
mod exec_roots;
mod explode;
mod failed;
mod gc;
mod info;
mod layout;
mod locks;
mod logs;
mod lookup;
mod object;
mod pack;
mod partial;
mod read;
mod record;
mod roots;
mod scratch;
mod temporary_contents;
mod temporary_roots;
mod usage;
mod verify;
mod write;

pub use access::Store;
pub use committer::Finished;
pub use error::StoreError;
pub use exec_roots::ExecRoot;
pub use failed::FailedFile;
pub use gc::{GcOptions, GcReport};
pub use info::StoreInfo;
pub use locks::{KeyLock, StoreLock};
pub use object::ObjectRef;
pub use pack::{Pack, PackWriter, Packs};
pub use partial::PartialFile;
pub use record::{Applied, Execution, Record, Usage};
pub use roots::Root;
pub use temporary_contents::TemporaryContents;
pub use temporary_roots::{NewRoot, TemporaryRoot};
pub use verify::{Damage, DamageKind, Outcome, Refetch, VerifyReport};
pub use write::ObjectFile;
