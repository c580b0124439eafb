//! Two sides to what differs: trees and documents first, then what the contents that differ are about.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::entries::{self, Ignored};
use super::report::{Attribute, Change, Difference, FileDifference, SideName};
use super::side::{Side, Spool};
use super::{Cancelled, DiffError, content, fields, packages};
use crate::digest::Digest;

/// How much is compared.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How many files are looked into whose contents differ.
    pub contents: usize,
    /// What of entries is not compared.
    pub ignored: Ignored,
    /// Asks whether the command is being stopped.
    pub cancelled: Cancelled<'a>,
}

/// In what two images differ, or two trees, which have no documents. Contents wait in `spool`.
pub fn diff_images(
    left: &Side<'_>,
    right: &Side<'_>,
    spool: &dyn Spool,
    options: &Options<'_>,
) -> Result<Difference, DiffError> {
    let name = |side: &Side<'_>| SideName { name: side.name.clone(), manifest: side.manifest };
    let mut difference = Difference::none(name(left), name(right));
    for (document, value) in &left.documents {
        let other = right.documents.get(document).unwrap_or(&serde_json::Value::Null);
        fields::compare(document, value, other, &mut difference.fields);
    }
    let mut files = entries::compare(&left.tree, &right.tree, options.ignored);
    let databases = packages::databases(&files);
    let compared = content_differs(&files, options.contents);
    fetch([left, right], &files, &databases, &compared, spool)?;
    difference.packages = packages::compare(&mut files, &databases, spool.contents())?;
    let parts: Vec<(usize, content::Pair)> =
        compared.into_iter().filter_map(|at| Some((at, content::Pair::of(&files[at])?))).collect();
    let parts: Vec<_> = parts
        .into_par_iter()
        .with_max_len(1)
        .map(|(at, pair)| match (options.cancelled)() {
            true => Err(DiffError::Cancelled),
            false => Ok((at, content::compare_stored(&pair, spool.contents())?)),
        })
        .collect::<Result<_, _>>()?;
    for (at, part) in parts {
        files[at].content = Some(part);
    }
    difference.files = files;
    Ok(difference)
}

/// The first `most` files whose contents differ.
fn content_differs(files: &[FileDifference], most: usize) -> Vec<usize> {
    let differs = |file: &FileDifference| file.attributes.contains(&Attribute::Content);
    let at = files.iter().enumerate().filter(|(_, file)| differs(file)).map(|(at, _)| at);
    at.take(most).collect()
}

/// Fetches what is needed of both sides.
fn fetch(
    sides: [&Side<'_>; 2],
    files: &[FileDifference],
    databases: &[usize],
    compared: &[usize],
    spool: &dyn Spool,
) -> Result<(), DiffError> {
    let digest = |at: usize, left: bool| -> Option<Digest> {
        let facts = if left { &files[at].left } else { &files[at].right };
        facts.as_ref()?.digest
    };
    let wanted = |left: bool| -> BTreeSet<Digest> {
        let all = databases.iter().chain(compared);
        all.filter_map(|at| digest(*at, left)).collect()
    };
    let first = wanted(true);
    let mut second = wanted(false);
    // What the first side has, the second need not be asked for.
    second.retain(|digest| !first.contains(digest));
    let (one, other) =
        rayon::join(|| sides[0].contents.fetch(&first, spool), || sides[1].contents.fetch(&second, spool));
    one.and(other)
}

impl FileDifference {
    /// Whether only one side has it.
    pub fn is_on_one_side(&self) -> bool {
        self.change != Change::Changed
    }
}
