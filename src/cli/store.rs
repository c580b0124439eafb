//! `hbuild store`.

use super::arguments::{StoreArguments, StoreCommand};
use super::context::Context;
use super::report::{Failure, UsageError};
use super::{print, print_json, table};
use crate::digest::Digest;
use crate::host::limits::parse_size;
use crate::store::{DamageKind, GcOptions, Outcome, Store, StoreInfo, VerifyReport};

/// Looks after the store.
pub fn run(arguments: &StoreArguments, context: &Context) -> Result<(), Failure> {
    let store = context.store()?;
    match &arguments.command {
        StoreCommand::Info { json } => info(&store.info().map_err(Failure::new)?, *json),
        StoreCommand::Verify { repair } => verify(&store, *repair),
        StoreCommand::Gc { max_size, dry_run } => {
            let max_size = max_size.as_deref().map(bytes).transpose()?;
            let options = GcOptions { max_size, wait: true, dry_run: *dry_run };
            let report = store.gc(&options, &context.cancel()).map_err(Failure::new)?;
            let would = if *dry_run { "would remove" } else { "removed" };
            print(&format!(
                "{would} {} records and {} objects, {}, and {} exec roots; {} left\n",
                report.records,
                report.objects,
                table::size(report.freed),
                report.exec_roots,
                table::size(report.kept)
            ))
        }
        StoreCommand::Path { digest } => {
            let digest: Digest = digest.parse().map_err(|error| {
                Failure::new(UsageError::BadValue {
                    message: format!("{error}"),
                    help: "name an object by its BLAKE3 digest".to_owned(),
                })
            })?;
            print(&format!("{}\n", store.path(&digest).map_err(Failure::new)?.display()))
        }
    }
}

fn info(info: &StoreInfo, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(info);
    }
    print(&format!(
        "path      {}\nobjects   {}, {}\nrecords   {}\nmemo      {}\nblobs     {}\nroots     {}\nexec      {} roots, {} failed\npartial   {}, {}\n",
        info.path.display(),
        info.objects,
        table::size(info.object_bytes),
        info.records,
        info.memo,
        info.blobs,
        info.roots,
        info.exec_roots,
        info.failed,
        info.partial,
        table::size(info.partial_bytes)
    ))
}

fn verify(store: &Store, repair: bool) -> Result<(), Failure> {
    let report = if repair { store.repair(None) } else { store.verify() }.map_err(Failure::new)?;
    let VerifyReport { objects, bytes, records, .. } = &report;
    let looked_at = format!("{objects} objects, {}, and {records} records read", table::size(*bytes));
    if report.damages.is_empty() {
        return print(&format!("{looked_at}: no damage\n"));
    }
    let mut text = String::new();
    for damage in &report.damages {
        let kind = match damage.kind {
            DamageKind::Object => "object with other bytes than its name says",
            DamageKind::Record => "damaged record",
            DamageKind::LostOutput => "record whose output is lost",
            DamageKind::Memo => "memo entry that leads nowhere",
            DamageKind::Blob => "blob entry that leads nowhere",
            DamageKind::Root => "damaged root",
            DamageKind::ExecRoot => "exec root with other files than its tree says",
            DamageKind::Stray => "no part of a store",
        };
        let outcome = match damage.outcome {
            Outcome::Found => "still there",
            Outcome::Restored => "restored",
            Outcome::Removed => "removed, the next build makes it again",
        };
        text.push_str(&format!("{}: {kind}; {outcome}\n", damage.path.display()));
    }
    print(&text)?;
    eprintln!("{looked_at}: {} damaged", report.damages.len());
    if report.damages.iter().any(|damage| damage.outcome == Outcome::Found) {
        eprintln!("run `hbuild store verify --repair`");
        return Err(Failure::silent());
    }
    Ok(())
}

/// The number of bytes that `--max-size` gives.
fn bytes(text: &str) -> Result<u64, Failure> {
    parse_size(text).map_err(|help| {
        Failure::new(UsageError::BadValue { message: format!("`--max-size {text}` is no size"), help })
    })
}
