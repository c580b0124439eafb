//! `hbuild verify`: whether an image is whole, who signed it, what its evidence says, and whether a policy allows
//! that.
//!
//! Receives the files of an image, public keys, a policy and the present moment; returns what holds, what does not,
//! and what was not looked at. It fetches nothing, reads no clock and believes nothing that is not signed by a key
//! which the caller trusts: a key, a hint or a certificate that comes with the image never counts.

mod blob;
mod document;
mod evidence;
mod fault;
mod judge;
mod keys;
mod page;
mod policy;
mod problem;
mod report;
mod walk;

use std::collections::BTreeMap;

use hbuild_lang::recipe::Arch;
use rayon::prelude::*;

use crate::digest::Sha256;
use crate::evidence::media;
use crate::image::read::ImageFiles;
use crate::timestamp::Timestamp;
use blob::Blob;
use evidence::{Examined, Vouched, examine};
use judge::{Case, in_time, judge};
use report::Findings;
use walk::{Entry, Walk, walk};

pub use fault::Fault;
pub use keys::TrustedKey;
pub use policy::{
    Globs, KINDS, KeyTime, Licences, Policy, PolicyError, SIGNATURE, Sandbox, Threshold, Wanted,
};
pub use problem::Problem;
pub use report::{
    Check, Claim, EvidenceReport, EvidenceState, KeyUsed, NotChecked, PolicyUsed, SubjectReport, Verification,
};

/// What an image is held against.
#[derive(Debug)]
pub struct Options<'a> {
    /// The image as it was asked for, for the page.
    pub image: &'a str,
    /// Keys given besides those of the policy.
    pub keys: &'a [TrustedKey],
    /// The policy.
    pub policy: &'a Policy,
    /// The present moment.
    pub now: Timestamp,
    /// Whether layers are unpacked and held against the config's diff IDs.
    pub deep: bool,
    /// Of an index, the one platform that is meant; all where it is absent.
    pub arch: Option<Arch>,
}

/// Verifies the image that `reference` names among `files`.
pub fn verify(files: &dyn ImageFiles, reference: Option<&str>, options: &Options<'_>) -> Verification {
    let keys = keys::joined(options.keys, &options.policy.keys);
    let mut findings = Findings::default();
    let found = match walk::entry(files, reference) {
        Ok((entry, layout)) => {
            let found = walk(files, &entry, &layout, options.arch);
            Some((entry, found))
        }
        Err(problem) => {
            findings.fails(Check::Integrity, None, problem);
            None
        }
    };
    let mut subjects = Vec::new();
    let digest = found.as_ref().map(|(entry, _)| entry.digest.to_oci());
    if let Some((entry, found)) = found {
        subjects = examined(files, &entry, found, &keys, options, &mut findings);
    }
    not_made(options, &mut findings);
    let used = |key: &TrustedKey| KeyUsed {
        name: key.name.clone(),
        fingerprint: key.key.fingerprint(),
        builder: key.builder.clone(),
        unusable: key.usable(options.now).err().map(|fault| fault.to_string()),
    };
    let Findings { claims, not_checked, problems } = findings;
    Verification {
        schema: 1,
        image: options.image.to_owned(),
        digest,
        holds: problems.is_empty(),
        time: options.now,
        policy: PolicyUsed {
            sha256: options.policy.digest,
            builders: options.policy.threshold.0,
            time: options.policy.time,
        },
        keys: keys.iter().map(used).collect(),
        subjects,
        claims,
        not_checked,
        problems,
    }
}

/// Everything after the walk: blobs and evidence at once, then the judgement of each subject.
fn examined(
    files: &dyn ImageFiles,
    entry: &Entry,
    mut found: Walk,
    keys: &[TrustedKey],
    options: &Options<'_>,
    findings: &mut Findings,
) -> Vec<SubjectReport> {
    let mut blobs: Vec<&Blob> = found.blobs.values().collect();
    blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    let subjects = &mut found.subjects;
    let (damaged, evidence) = rayon::join(
        || hash_all(files, &blobs, options.deep),
        || subjects.par_iter_mut().map(|subject| examine_all(files, subject, keys)).collect::<Vec<_>>(),
    );
    let (mut count, mut bytes) = found.read;
    count += blobs.len();
    bytes += blobs.iter().map(|blob| blob.size).sum::<u64>();
    let layers = blobs.iter().filter(|blob| blob.layer.is_some()).count();
    found.problems.extend(damaged);
    let mut reports = Vec::new();
    let mut judged = Vec::new();
    for (subject, (examined, problems, signed)) in found.subjects.iter().zip(evidence) {
        count += signed.0;
        bytes += signed.1;
        found.problems.extend(problems);
        judged.push((subject, examined));
    }
    integrity(entry, &found, (count, bytes, layers), options, findings);
    for problem in std::mem::take(&mut found.problems) {
        let check = if matches!(problem, Problem::DiffId { .. }) { Check::DiffIds } else { Check::Integrity };
        findings.fails(check, None, problem);
    }
    let asserted = asserted_times(&judged, keys.len());
    for (subject, examined) in judged {
        let (counted, faults) = weighed(examined, keys, options, &asserted);
        reports.push(report_of(subject, &counted, &faults, keys));
        let statements = counted.iter().collect();
        let case = Case { subject, statements, keys, policy: options.policy, now: options.now };
        let faults = faults.into_iter().map(|(_, kind, _, fault)| (kind, fault)).collect();
        judge(&case, faults, findings);
    }
    unsigned(&reports, findings);
    reports
}

fn hash_all(files: &dyn ImageFiles, blobs: &[&Blob], deep: bool) -> Vec<Problem> {
    let check = |blob: &&Blob| match blob.layer.as_ref().filter(|_| deep) {
        Some(layer) => blob.check_unpacked(layer, files).err(),
        None => blob.check(files).err(),
    };
    blobs.par_iter().with_max_len(1).filter_map(check).collect()
}

/// The bundles of a subject, what is wrong with their blobs, and number and bytes of these.
fn examine_all(
    files: &dyn ImageFiles,
    subject: &mut walk::Subject,
    keys: &[TrustedKey],
) -> (Vec<Examined>, Vec<Problem>, (usize, u64)) {
    let digest = subject.digest;
    let bundles: Vec<_> = subject.artifacts.iter_mut().filter(|artifact| artifact.is_bundle).collect();
    let size = (bundles.len(), bundles.iter().map(|artifact| artifact.document.size).sum());
    let results: Vec<Result<Examined, Problem>> =
        bundles.into_par_iter().map(|artifact| examine(files, artifact, digest, keys)).collect();
    let (mut examined, mut problems) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => examined.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    (examined, problems, size)
}

/// When the holder of each key says that it signed something of this image.
fn asserted_times(judged: &[(&walk::Subject, Vec<Examined>)], keys: usize) -> Vec<Vec<Timestamp>> {
    let mut times = vec![Vec::new(); keys];
    let vouched =
        judged.iter().flat_map(|(_, examined)| examined).filter_map(|one| one.outcome.as_ref().ok());
    for statement in vouched {
        times[statement.key].extend(judge::signing_time(statement));
    }
    times
}

/// A bundle that does not count: artifact, kind, key where one of the trusted made it, and why.
type Disregarded = (Sha256, String, Option<usize>, Fault);

/// The statements that count, and those that do not.
fn weighed(
    examined: Vec<Examined>,
    keys: &[TrustedKey],
    options: &Options<'_>,
    asserted: &[Vec<Timestamp>],
) -> (Vec<Vouched>, Vec<Disregarded>) {
    let (mut counted, mut faults) = (Vec::new(), Vec::new());
    for Examined { artifact, kind, outcome } in examined {
        let vouched = match outcome {
            Ok(vouched) => vouched,
            Err(fault) => {
                faults.push((artifact, kind, None, fault));
                continue;
            }
        };
        let key = &keys[vouched.key];
        let late = in_time(key, options.policy, options.now, &asserted[vouched.key]);
        match late.or_else(|| other_builder(key, &vouched)) {
            Some(fault) => faults.push((artifact, kind, Some(vouched.key), fault)),
            None => counted.push(vouched),
        }
    }
    (counted, faults)
}

/// A builder's key vouches for what that builder built and for nothing else.
fn other_builder(key: &TrustedKey, statement: &Vouched) -> Option<Fault> {
    let builder = key.builder.as_ref()?;
    if statement.predicate_type != media::PREDICATE_PROVENANCE {
        return None;
    }
    let found = judge::builder_of(statement).unwrap_or_default();
    let fault =
        || Fault::OtherBuilder { key: key.name.clone(), builder: builder.clone(), found: shown(&found) };
    (found != *builder).then(fault)
}

fn report_of(
    subject: &walk::Subject,
    counted: &[Vouched],
    faults: &[Disregarded],
    keys: &[TrustedKey],
) -> SubjectReport {
    use miette::Diagnostic;
    let name = |key: usize| keys[key].name.clone();
    let plain = |artifact: Sha256, kind: &str, state| EvidenceReport {
        artifact: artifact.to_oci(),
        kind: kind.to_owned(),
        state,
        key: None,
        code: None,
        why: None,
    };
    let mut all: Vec<EvidenceReport> = counted
        .iter()
        .map(|one| EvidenceReport {
            key: Some(name(one.key)),
            ..plain(one.artifact, &shown(&one.predicate_type), EvidenceState::Counted)
        })
        .collect();
    all.extend(faults.iter().map(|(artifact, kind, key, fault)| EvidenceReport {
        key: key.map(name),
        code: fault.code().map(|code| code.to_string()),
        why: Some(report::with_causes(fault)),
        ..plain(*artifact, kind, EvidenceState::Disregarded)
    }));
    for artifact in subject.artifacts.iter().filter(|artifact| !artifact.is_bundle) {
        let same =
            counted.iter().any(|one| one.holds_document(artifact.document.digest, artifact.document.size));
        let state = if same { EvidenceState::SameAsSigned } else { EvidenceState::Unsigned };
        all.push(plain(artifact.manifest, &artifact.kind, state));
    }
    SubjectReport { name: subject.label.clone(), digest: subject.digest.to_oci(), evidence: all }
}

fn integrity(
    entry: &Entry,
    found: &Walk,
    (count, bytes, layers): (usize, u64, usize),
    options: &Options<'_>,
    findings: &mut Findings,
) {
    if found.problems.is_empty() {
        let says = format!(
            "all {count} blobs, {} in all, have the digest and length that the {} leads to",
            size(bytes),
            if found.subjects.first().is_some_and(|subject| subject.is_index) { "index" } else { "manifest" },
        );
        findings.holds(
            Check::Integrity,
            None,
            says,
            "SHA-256, from the image's own digest down to every blob",
        );
        if options.deep {
            let says = format!("all {layers} layers unpack to the diff IDs of their configs");
            findings.holds(Check::DiffIds, None, says, "SHA-256 of the unpacked layers");
        }
    }
    if !options.deep {
        let why =
            "every byte of a layer is covered by its digest; `--deep` unpacks them to compare these too";
        findings.unchecked("diff IDs of the layers", why);
    }
    if !found.left_out.is_empty() {
        findings.unchecked(format!("the images for {}", found.left_out.join(", ")), "`--arch` names another");
    }
    let walked: Vec<String> = found.subjects.iter().map(|subject| subject.digest.to_oci()).collect();
    let others = entry.others.iter().filter(|other| !walked.contains(other)).count();
    if others > 0 {
        findings.unchecked("other images of this layout", format!("{others} entries were not asked for"));
    }
}

fn unsigned(reports: &[SubjectReport], findings: &mut Findings) {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let evidence = reports.iter().flat_map(|subject| &subject.evidence);
    for one in evidence.filter(|one| one.state == EvidenceState::Unsigned) {
        *kinds.entry(one.kind.as_str()).or_default() += 1;
    }
    if !kinds.is_empty() {
        let kinds: Vec<&str> = kinds.into_keys().collect();
        let what = format!("documents that no trusted key signed ({})", kinds.join(", "));
        findings.unchecked(what, "anyone can attach such a document: do not rely on what it says");
    }
}

/// What `verify` never looks at.
fn not_made(options: &Options<'_>, findings: &mut Findings) {
    let policy = options.policy;
    let absent: Vec<&str> = [
        ("builder", policy.builders.is_none()),
        ("recipe", policy.recipes.is_none()),
        ("source", policy.sources.is_none()),
        ("waivers", policy.waivers.is_none()),
        ("licences", policy.licences.is_none()),
        ("age", policy.most_days.is_none()),
        ("sandbox", policy.sandbox.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, absent)| absent.then_some(name))
    .collect();
    if !absent.is_empty() {
        findings.unchecked(absent.join(", "), "the policy says nothing of them");
    }
    findings.unchecked(
        "when it was signed",
        "nobody but the holder of the key says so: there is no timestamp authority offline",
    );
    findings
        .unchecked("that the recipe gives these bits", "`hbuild reproduce` builds them again and compares");
    findings.unchecked(
        "the archive's signatures behind each package",
        "`hbuild why` follows a file to its signed index, and checks it again where that is at hand",
    );
    findings.unchecked("vulnerabilities", "what is known of them changes from day to day; ask a scanner");
}

/// `text` as it may stand on a terminal: what was written by anyone is cut and has no control characters.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let plain = |c: char| if c.is_control() || is_invisible(c) { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(MOST).map(plain).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that turn or hide what stands beside them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `12.3 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
