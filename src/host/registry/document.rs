//! Index, manifest and config of an image, as far as they say what is in it. All of it was written by anyone.

use std::fmt;

use hbuild_lang::recipe::Arch;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::digest::Sha256;

/// More layers than any runtime mounts.
const MOST_LAYERS: usize = 1000;

/// Layers that are read.
const LAYERS: [&str; 5] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
];
/// Configs of images.
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Why a document is not that of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentFault {
    /// No JSON, or without what it needs.
    Malformed(String),
    /// Both index and manifest.
    Ambiguous,
    /// The first version of Docker's manifests.
    Schema1,
    /// A manifest of something else, by its config's media type.
    Artifact(String),
    /// A layer that is not read.
    Layer(String),
    /// Too many layers.
    TooManyLayers(usize),
    /// Another operating system, or an architecture that hbuild has no name for.
    Platform(String),
    /// An index entry and the config of its manifest disagree.
    OtherPlatform {
        /// What the index says.
        index: String,
        /// What the config says.
        config: String,
    },
    /// Manifest and config disagree about the number of layers.
    LayerCount,
    /// An index without any image for Linux.
    Nothing,
}

impl DocumentFault {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Artifact(_) => "it is an artifact, such as a chart or a signature: name the image itself",
            Self::Schema1 => "push the image again with a tool of this decade, and take the new digest",
            Self::Platform(_) | Self::Nothing => "hbuild takes images for Linux on amd64 and arm64",
            Self::Layer(_) => "hbuild reads tar, tar+gzip and tar+zstd layers that the registry itself has",
            _ => "the image was made by a tool that hbuild cannot follow, or by someone who means harm",
        }
    }
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(out, "a document of it is not as specified: {why}"),
            Self::Ambiguous => write!(out, "its document is index and manifest at once"),
            Self::Schema1 => write!(out, "its manifest has schema version 1"),
            Self::Artifact(media_type) => write!(out, "its config is `{media_type}`"),
            Self::Layer(media_type) => write!(out, "a layer of it is `{media_type}`"),
            Self::TooManyLayers(count) => write!(out, "it has {count} layers"),
            Self::Platform(platform) => write!(out, "it is for {platform}"),
            Self::OtherPlatform { index, config } => {
                write!(out, "its index says {index}, and its config {config}")
            }
            Self::LayerCount => write!(out, "its manifest and its config have different numbers of layers"),
            Self::Nothing => write!(out, "its index has no image for Linux"),
        }
    }
}

/// A digest with a length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub sha256: Sha256,
    pub size: u64,
}

/// What a digest can be of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Top {
    /// An index: its manifests for the architectures that hbuild knows, one each.
    Index(Vec<(Arch, Descriptor)>),
    Manifest(Manifest),
}

/// A manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTop {
    schema_version: u32,
    manifests: Option<Vec<RawDescriptor>>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<RawPlatform>,
}

#[derive(Deserialize)]
struct RawPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
struct RawConfig {
    os: String,
    architecture: String,
    rootfs: RawRoot,
}

#[derive(Deserialize)]
struct RawRoot {
    #[serde(default)]
    diff_ids: Vec<String>,
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentFault> {
    serde_json::from_slice(bytes).map_err(|error| DocumentFault::Malformed(error.to_string()))
}

fn descriptor(raw: &RawDescriptor) -> Result<Descriptor, DocumentFault> {
    let hex = raw.digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
    let sha256 = hex.ok_or_else(|| DocumentFault::Malformed("a digest in it is no SHA-256".to_owned()))?;
    Ok(Descriptor { sha256, size: raw.size })
}

fn known(os: &str, architecture: &str) -> Option<Arch> {
    [Arch::Amd64, Arch::Arm64].into_iter().find(|arch| os == "linux" && architecture == arch.as_str())
}

/// The index or manifest in `bytes`.
pub(super) fn top(bytes: &[u8]) -> Result<Top, DocumentFault> {
    let raw: RawTop = parse(bytes)?;
    if raw.schema_version == 1 {
        return Err(DocumentFault::Schema1);
    }
    match (raw.manifests, raw.config, raw.layers) {
        (Some(manifests), None, None) => Ok(Top::Index(platforms(&manifests)?)),
        (None, Some(config), Some(layers)) => Ok(Top::Manifest(manifest(&config, &layers)?)),
        (None, ..) => Err(DocumentFault::Malformed("it is neither index nor manifest".to_owned())),
        _ => Err(DocumentFault::Ambiguous),
    }
}

/// The manifests of an index for Linux; of several for one architecture the one that all of its machines run.
fn platforms(manifests: &[RawDescriptor]) -> Result<Vec<(Arch, Descriptor)>, DocumentFault> {
    let mut found = Vec::new();
    for arch in [Arch::Amd64, Arch::Arm64] {
        let fits = |raw: &&RawDescriptor| {
            raw.platform.as_ref().is_some_and(|it| known(&it.os, &it.architecture) == Some(arch))
        };
        let rank = |raw: &&RawDescriptor| match raw
            .platform
            .as_ref()
            .and_then(|platform| platform.variant.as_deref())
        {
            None | Some("") => 0,
            Some("v1" | "v8") => 1,
            Some(_) => 2,
        };
        if let Some(raw) = manifests.iter().filter(fits).min_by_key(rank) {
            found.push((arch, descriptor(raw)?));
        }
    }
    if found.is_empty() { Err(DocumentFault::Nothing) } else { Ok(found) }
}

fn manifest(config: &RawDescriptor, layers: &[RawDescriptor]) -> Result<Manifest, DocumentFault> {
    if !CONFIGS.contains(&config.media_type.as_str()) {
        return Err(DocumentFault::Artifact(config.media_type.clone()));
    }
    if layers.len() > MOST_LAYERS {
        return Err(DocumentFault::TooManyLayers(layers.len()));
    }
    if let Some(odd) = layers.iter().find(|layer| !LAYERS.contains(&layer.media_type.as_str())) {
        return Err(DocumentFault::Layer(odd.media_type.clone()));
    }
    let layers = layers.iter().map(descriptor).collect::<Result<_, _>>()?;
    Ok(Manifest { config: descriptor(config)?, layers })
}

/// The architecture in a config that goes with `manifest`, which an index may have given for `expected`.
pub(super) fn architecture(
    bytes: &[u8],
    manifest: &Manifest,
    expected: Option<Arch>,
) -> Result<Arch, DocumentFault> {
    let raw: RawConfig = parse(bytes)?;
    if raw.rootfs.diff_ids.len() != manifest.layers.len() {
        return Err(DocumentFault::LayerCount);
    }
    let shown = format!("{}/{}", raw.os, raw.architecture);
    let arch = known(&raw.os, &raw.architecture);
    match (arch, expected) {
        (Some(arch), None) => Ok(arch),
        (Some(arch), Some(expected)) if arch == expected => Ok(arch),
        (None, None) => Err(DocumentFault::Platform(shown)),
        (_, Some(expected)) => {
            Err(DocumentFault::OtherPlatform { index: format!("linux/{expected}"), config: shown })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(media_type: &str, extra: &str) -> String {
        let digest = "0".repeat(64);
        format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{digest}","size":3{extra}}}"#)
    }

    fn platform(arch: &str, more: &str) -> String {
        entry("x", &format!(r#","platform":{{"os":"linux","architecture":"{arch}"{more}}}"#))
    }

    #[test]
    fn of_an_index_the_plainest_entry_for_each_architecture() {
        let unknown = entry("x", r#","platform":{"os":"unknown","architecture":"unknown"}"#);
        let entries = [
            platform("arm", r#","variant":"v7""#),
            platform("arm64", r#","variant":"v9""#).replace("\"size\":3", "\"size\":9"),
            platform("arm64", r#","variant":"v8""#),
            unknown,
        ];
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
        let Top::Index(found) = top(text.as_bytes()).unwrap() else { panic!() };
        assert_eq!(found, [(Arch::Arm64, Descriptor { sha256: "0".repeat(64).parse().unwrap(), size: 3 })]);
        let none = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, platform("s390x", ""));
        assert_eq!(top(none.as_bytes()), Err(DocumentFault::Nothing));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let layer = entry(LAYERS[1], "");
        let manifest = |config: &str, layers: &str| {
            format!(r#"{{"schemaVersion":2,"config":{},"layers":[{layers}]}}"#, entry(config, ""))
        };
        assert!(top(manifest(CONFIGS[0], &layer).as_bytes()).is_ok());
        let chart = "application/vnd.cncf.helm.config.v1+json";
        assert_eq!(top(manifest(chart, &layer).as_bytes()), Err(DocumentFault::Artifact(chart.to_owned())));
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        let found = top(manifest(CONFIGS[1], &entry(foreign, "")).as_bytes());
        assert_eq!(found, Err(DocumentFault::Layer(foreign.to_owned())));
        let many = vec![layer.as_str(); 1001].join(",");
        assert_eq!(top(manifest(CONFIGS[0], &many).as_bytes()), Err(DocumentFault::TooManyLayers(1001)));
        let both = manifest(CONFIGS[0], &layer).replace("\"layers\"", "\"manifests\":[],\"layers\"");
        assert_eq!(top(both.as_bytes()), Err(DocumentFault::Ambiguous));
        assert_eq!(top(br#"{"schemaVersion":1}"#), Err(DocumentFault::Schema1));
        for text in ["", "{}", "[]", r#"{"schemaVersion":2}"#] {
            assert!(matches!(top(text.as_bytes()), Err(DocumentFault::Malformed(_))), "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(top(deep.as_bytes()).is_err());
    }
}
