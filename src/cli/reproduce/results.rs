//! What `reproduce` writes and prints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::{fs, io};

use serde::Serialize;

use super::super::context::Context;
use super::super::report::{Failure, OutputError};
use super::super::{print, print_json};
use super::ReproduceArguments;
use crate::audit::diff::{Difference, Ignored, ImageSource, Options, diff_images, read_images};
use crate::audit::reproduction::{
    Claim, Comparison, EvidenceComparison, Outcome, Pair, own_provenance, policy, resource_uri, summary,
};
use crate::build::Planned;
use crate::build::reproduce::{
    IndexJudgement, Judgement, PlatformJudgement, Rebuild, Verdict, judge, rebuilt, shown_name,
};
use crate::evidence::signing::{Signer, sign_statement};
use crate::host::folder::HostFolder;
use crate::host::image_folder::ImageFolder;
use crate::host::spool::TemporarySpool;
use crate::image::layout::Folder;
use crate::image::read::{ImageFiles, Layout};

/// How many files are looked into.
const LOOKED_INTO: usize = 200;

/// What was built.
pub struct Built<'a> {
    rebuild: &'a Rebuild<'a>,
    /// The layout's folder, and its files; `None` where nothing could be built.
    layout: Option<(PathBuf, ImageFolder)>,
    /// Registry and repository of the image that is reproduced.
    registry: Option<String>,
}

impl<'a> Built<'a> {
    /// What `rebuild` became below `place`; `registry` is where the image stands.
    pub fn open(rebuild: &'a Rebuild<'a>, place: &Path, registry: Option<String>) -> Result<Self, Failure> {
        let path = rebuild.whole.images.first().map(|planned| place.join("out").join(&planned.image.name));
        let open = |path: PathBuf| Ok((path.clone(), ImageFolder::open(&path).map_err(Failure::new)?));
        Ok(Self { rebuild, layout: path.map(open).transpose()?, registry })
    }

    /// Holds it against the image.
    pub fn judge(&self, image: (&Layout<'_>, Option<&str>), claims: &[Claim]) -> Result<Judgement, Failure> {
        let files = self.layout.as_ref().map(|(_, files)| files as &dyn ImageFiles);
        judge(image, claims, self.rebuild, files).map_err(Failure::new)
    }
}

impl Built<'_> {
    /// The image that a judgement is about.
    fn planned(&self, platform: &PlatformJudgement) -> &Planned<'_> {
        let is_it = |planned: &&Planned<'_>| shown_name(planned.image) == platform.name;
        self.rebuild.whole.images.iter().find(is_it).expect("it was judged by what it became")
    }

    /// In what each image that is another one differs from what was built, file by file.
    fn differences<'j>(
        &self,
        image: &Layout<'_>,
        (claims, judgement): (&[Claim], &'j Judgement),
        context: &Context,
    ) -> Result<BTreeMap<&'j str, Difference>, Failure> {
        let mut found = BTreeMap::new();
        let Some((_, files)) = &self.layout else { return Ok(found) };
        let layout = Layout::open(files).map_err(Failure::new)?;
        let cancel = context.cancel();
        let cancelled = || cancel.load(Ordering::Relaxed);
        let ignored = Ignored { mode: false, owner: false, time: false, xattrs: false };
        let options = Options { contents: LOOKED_INTO, ignored, cancelled: &cancelled };
        for (claim, platform) in claims.iter().zip(&judgement.platforms) {
            if platform.result != Verdict::Different {
                continue;
            }
            let again = rebuilt(&layout, self.planned(platform)).map_err(Failure::new)?;
            let one = ImageSource { name: platform.name.clone(), layout: image, image: &claim.image };
            let other = ImageSource { name: "built again".to_owned(), layout: &layout, image: &again.image };
            let sides = read_images(one, other, &cancelled).map_err(Failure::new)?;
            let spool = TemporarySpool::new();
            let difference = diff_images(&sides[0], &sides[1], &spool, &options).map_err(Failure::new)?;
            found.insert(platform.name.as_str(), difference);
        }
        Ok(found)
    }

    /// Puts the layout that was built into `output`; its place there.
    fn keep(&self, output: &Path) -> Result<Option<PathBuf>, Failure> {
        let Some((layout, _)) = &self.layout else { return Ok(None) };
        let place = output.join(layout.file_name().unwrap_or_default());
        let failed = |source| Failure::new(OutputError { source });
        // Only what this command itself put there makes room.
        if place.join("oci-layout").is_file() {
            fs::remove_dir_all(&place).map_err(failed)?;
        }
        copy(layout, &place).map_err(failed)?;
        Ok(Some(place))
    }
}

/// Copies a folder of plain files and folders.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

/// The document that `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    image: &'a str,
    #[serde(flatten)]
    judgement: &'a Judgement,
    /// What differs, of each image that is another one.
    differences: BTreeMap<&'a str, Difference>,
    /// The files and folders that were written.
    written: Vec<PathBuf>,
}

/// Writes the statements about what came again, and where something else came what was built; prints what there is to
/// say.
pub fn finish(
    arguments: &ReproduceArguments,
    (built, image): (&Built<'_>, &Layout<'_>),
    (claims, judgement): (&[Claim], &Judgement),
    signer: Option<&dyn Signer>,
    context: &Context,
) -> Result<(), Failure> {
    let folder = HostFolder::new(&arguments.output);
    let mut written = Vec::new();
    for (claim, platform) in claims.iter().zip(&judgement.platforms) {
        let outcome = match platform.result {
            Verdict::Identical => Outcome::Identical,
            Verdict::SameContent => Outcome::SameContent,
            _ => continue,
        };
        for (name, bytes) in documents(built, (claim, platform), (outcome, signer), context)? {
            let mut file = folder.create(&name).map_err(Failure::new)?;
            std::io::Write::write_all(&mut file, &bytes)
                .map_err(|source| Failure::new(OutputError { source }))?;
            file.finish().map_err(Failure::new)?;
            written.push(arguments.output.join(name));
        }
    }
    let differences = built.differences(image, (claims, judgement), context)?;
    if !differences.is_empty() {
        written.extend(built.keep(&arguments.output)?);
    }
    let report = Report { image: &arguments.image, judgement, differences, written };
    match arguments.json {
        true => print_json(&report)?,
        false => print(&text(&report))?,
    }
    match judgement.result {
        Verdict::Identical | Verdict::SameContent => Ok(()),
        Verdict::EvidenceDiffers | Verdict::Different => Err(Failure::silent()),
        Verdict::NotReproduced => Err(Failure::status(3)),
    }
}

/// The files about an image that came again: names and bytes.
fn documents(
    built: &Built<'_>,
    (claim, platform): (&Claim, &PlatformJudgement),
    (outcome, signer): (Outcome, Option<&dyn Signer>),
    context: &Context,
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let Some((_, files)) = &built.layout else { return Ok(Vec::new()) };
    let layout = Layout::open(files).map_err(Failure::new)?;
    let planned = built.planned(platform);
    let rebuilt = rebuilt(&layout, planned).map_err(Failure::new)?;
    let verifier = context.builder();
    let provenance = own_provenance(&rebuilt.provenance, &verifier).map_err(Failure::new)?;
    let uri =
        resource_uri(&planned.image.name, platform.manifest, planned.image.arch, built.registry.as_deref());
    let summary =
        summary(&verifier, outcome, (&platform.name, uri), (platform.manifest, claim.digest)).to_json();
    let stem = platform.name.replace(['/', ':'], "-");
    let mut all = Vec::new();
    for (kind, document) in [("provenance", provenance), ("summary", summary)] {
        if let Some(signer) = signer {
            let bundle = sign_statement(signer, &document).map_err(Failure::new)?;
            all.push((format!("{stem}.{kind}.sigstore.json"), bundle));
        }
        all.push((format!("{stem}.{kind}.json"), document));
    }
    all.push((format!("{stem}.policy.json"), policy(outcome).1));
    Ok(all)
}

fn text(report: &Report<'_>) -> String {
    let mut text = String::new();
    for platform in &report.judgement.platforms {
        text.push_str(&format!("{}  {}\n", platform.name, platform.manifest.to_oci()));
        text.push_str(&format!("  {:<12} {}\n", "result", verdict(platform)));
        if let Some(comparison) = &platform.comparison {
            compared(&mut text, comparison);
        }
        if let Some(difference) = report.differences.get(platform.name.as_str()) {
            text.push_str(&format!("{difference}"));
        }
        if let Some(evidence) = &platform.evidence {
            text.push_str(&format!("  {:<12} {}\n", "evidence", documents_compared(evidence)));
        }
    }
    if let Some(index) = &report.judgement.index {
        let IndexJudgement { digests: Pair { image, rebuilt }, evidence, .. } = index;
        let said = match image == rebuilt {
            true => "identical".to_owned(),
            false => format!("DIFFERENT, built again {}", rebuilt.to_oci()),
        };
        let documents = documents_compared(evidence);
        text.push_str(&format!(
            "index  {}\n  {:<12} {said}\n  {:<12} {documents}\n",
            image.to_oci(),
            "result",
            "evidence"
        ));
    }
    for path in &report.written {
        text.push_str(&format!("wrote {}\n", path.display()));
    }
    text
}

fn verdict(platform: &PlatformJudgement) -> String {
    match platform.result {
        Verdict::Identical => "identical: every byte came again".to_owned(),
        Verdict::SameContent => {
            "same content under another compressor: config and diffIDs equal, layers packed differently"
                .to_owned()
        }
        Verdict::EvidenceDiffers => "the image is identical, its evidence is not".to_owned(),
        Verdict::Different => "DIFFERENT".to_owned(),
        Verdict::NotReproduced => {
            format!("not reproduced: {}", platform.because.as_deref().unwrap_or("it was not built again"))
        }
    }
}

fn compared(text: &mut String, comparison: &Comparison) {
    let mut line = |what: &str, same: bool, one: &str, other: &str| {
        let said =
            if same { format!("equal      {one}") } else { format!("different  {one}, built again {other}") };
        text.push_str(&format!("  {what:<12} {said}\n"));
    };
    let Comparison { manifest, config, layers, .. } = comparison;
    line(
        "manifest",
        manifest.image == manifest.rebuilt,
        &manifest.image.to_oci(),
        &manifest.rebuilt.to_oci(),
    );
    line("config", config.image == config.rebuilt, &config.image.to_oci(), &config.rebuilt.to_oci());
    for (number, layer) in (1..).zip(layers) {
        let shown = |digests: Option<crate::audit::reproduction::LayerDigests>| {
            digests.map_or("nothing".to_owned(), |it| {
                format!("{} (diffID {})", it.digest.to_oci(), it.diff_id.to_oci())
            })
        };
        let (one, other) = (shown(layer.digests.image), shown(layer.digests.rebuilt));
        line(&format!("layer {number}"), layer.result == Outcome::Identical, &one, &other);
    }
}

fn documents_compared(evidence: &EvidenceComparison) -> String {
    match evidence {
        EvidenceComparison::OtherImage => "not compared: it is about another image".to_owned(),
        EvidenceComparison::OtherVersion => "not compared: another version of hbuild made it".to_owned(),
        EvidenceComparison::Yes(documents) => {
            let missing = documents.iter().filter(|document| document.image.is_empty()).count();
            let differing: Vec<&str> = evidence.differing().map(|document| document.kind.as_str()).collect();
            let missing =
                if missing == 0 { String::new() } else { format!(", {missing} did not come with it") };
            match differing.is_empty() {
                true => format!(
                    "{} documents equal{missing}",
                    documents.iter().filter(|it| !it.image.is_empty()).count()
                ),
                false => format!("DIFFERENT: {}{missing}", differing.join(", ")),
            }
        }
    }
}
