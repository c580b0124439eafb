use std::io::Read;

use super::*;
use crate::digest::Digest;
use crate::exec::MemoryContext;
use crate::graph::{DerivationId, Input};
use crate::image::layer::compression;
use crate::tree::{ContentError, ContentSink, Contents, Entry, EntryKind, MemoryContents, Origin, TreePath};

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

/// Bytes that compress neither well nor badly, the same every time.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        b"0123456789abcdef"[(state >> 60) as usize]
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn sample(contents: &mut MemoryContents) -> Tree {
    let mut put = |name: &str, bytes: &[u8]| {
        let digest = contents.keep_bytes(bytes).unwrap();
        Entry::file(path(name), digest, bytes.len() as u64, 0o644, 1_700_000_000)
    };
    let mut linked = [put("usr/bin/one", b"linked"), put("usr/bin/two", b"linked")];
    for entry in &mut linked {
        let EntryKind::File { link, .. } = &mut entry.kind else { unreachable!() };
        *link = Some(0);
    }
    let [one, two] = linked;
    let mut strange = put("usr/bin/capable", b"x");
    strange.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2, b'\n', 0]);
    (strange.uid, strange.mtime) = (3_000_000, -5);
    let long =
        put(&format!("usr/share/{}/é", "directory-with-a-long-name/".repeat(8).trim_end_matches('/')), b"");
    let big = put("usr/lib/big", &noise(9 << 20, 7));
    let small = put("usr/lib/small", &noise(512, 1));
    let entries = vec![
        Entry::directory(path("usr"), 1),
        Entry::symlink(path("bin"), "usr/bin", 2),
        one,
        two,
        strange,
        long,
        big,
        small,
    ];
    Tree::new(entries).unwrap()
}

struct Chunked<'a>(&'a MemoryContents, usize);

impl Contents for Chunked<'_> {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        struct Slow<'b>(Box<dyn Read + Send + 'b>, usize);
        impl Read for Slow<'_> {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                let most = out.len().min(self.1);
                self.0.read(&mut out[..most])
            }
        }
        Ok(Box::new(Slow(self.0.open(digest)?, self.1)))
    }
}

fn pack(tree: &Tree, contents: &dyn Contents, algorithm: Algorithm, spare: usize) -> Vec<u8> {
    let compression = compression(algorithm, None);
    let size = archive_size(tree).unwrap();
    let (archive, bytes) = compress_with(&compression, size, spare, Vec::new(), |sink| {
        write_archive(tree, contents, &mut |block| sink(block))
    })
    .unwrap();
    assert_eq!(archive.size, size);
    bytes
}

#[test]
fn bytes_depend_neither_on_threads_nor_on_read_sizes() {
    let mut contents = MemoryContents::default();
    let tree = with_parents(&sample(&mut contents), 0);
    let plain = pack(&tree, &contents, Algorithm::None, 0);
    for algorithm in [Algorithm::None, Algorithm::Gzip, Algorithm::Zstd] {
        let first = pack(&tree, &contents, algorithm, 0);
        for (spare, chunk) in [(0, 4093), (1, 1 << 20), (3, 65_537), (7, 511)] {
            let again = pack(&tree, &Chunked(&contents, chunk), algorithm, spare);
            assert!(first == again, "{algorithm:?} with {spare} spare threads, reads of {chunk}");
        }
        let unpacked = match algorithm {
            Algorithm::None => first,
            Algorithm::Gzip => {
                assert_eq!(first[4..10], [0, 0, 0, 0, 0, 255], "no time, default level, unknown system");
                let mut bytes = Vec::new();
                flate2::read::GzDecoder::new(&first[..]).read_to_end(&mut bytes).unwrap();
                bytes
            }
            Algorithm::Zstd => zstd::decode_all(&first[..]).unwrap(),
        };
        assert!(unpacked == plain, "{algorithm:?}");
    }
}

#[test]
fn the_archive_is_pinned() {
    let mut contents = MemoryContents::default();
    let tree = with_parents(&sample(&mut contents), 315_532_800);
    let bytes = pack(&tree, &contents, Algorithm::None, 0);
    assert_eq!(
        Sha256::of(&bytes).to_string(),
        "cf23547ffce1dc57fe4168df43821913ed7b3c6887d6d63bddef8283df2bcbf7",
        "a change of these bytes changes every layer"
    );
}

#[test]
fn a_content_that_is_not_what_the_tree_says_is_damage() {
    let mut contents = MemoryContents::default();
    let good = Entry::file(path("a"), contents.keep_bytes(b"good").unwrap(), 4, 0o644, 0);
    for (bytes, size) in [(&b"goot"[..], 4), (b"goo", 4), (b"goodness", 4), (b"good", 5), (b"good", 3)] {
        let EntryKind::File { digest, .. } = &good.kind else { unreachable!() };
        let damaged = MemoryContents { blobs: [(*digest, bytes.to_vec())].into() };
        let tree = Tree::new(vec![Entry::file(path("a"), *digest, size, 0o644, 0)]).unwrap();
        let done = write_archive(&tree, &damaged, &mut |_| Ok(()));
        assert!(matches!(done, Err(BuildError::Content(ContentError::Damaged(_)))), "{bytes:?}");
    }
}

#[test]
fn the_builder_describes_what_it_wrote() {
    let mut context = MemoryContext::default();
    let digest = context.keep_content(b"hello");
    let tree = Tree::new(vec![Entry::file(path("usr/hello"), digest, 5, 0o755, 0)]).unwrap();
    let origins = OriginMap::uniform([path("usr/hello")], &Origin("deb:hello=2.10-3:amd64".into()));
    let names = ["layer-0.origins".to_owned(), "layer-0.tree".to_owned()];
    let objects = [context.put_origins(origins).unwrap(), context.put_tree(tree).unwrap()];
    context.inputs = vec![names.clone().into_iter().zip(objects).collect()];
    let layer = Layer { compression: compression(Algorithm::Zstd, None), epoch: 315_532_800 };
    let derivation = Derivation {
        label: "layer".into(),
        action: Action::Layer(layer),
        inputs: vec![Input { derivation: DerivationId(Digest::of(b"")), outputs: names.to_vec() }],
    };
    let made = LayerBuilder.build(&derivation, &context).unwrap();
    let blob = context.bytes(made[outputs::LAYER]).unwrap();
    let descriptor: LayerDescriptor =
        serde_json::from_slice(&context.bytes(made[outputs::DESCRIPTOR]).unwrap()).unwrap();
    let plain = zstd::decode_all(&blob[..]).unwrap();
    assert_eq!(descriptor.digest, Sha256::of(&blob));
    assert_eq!(descriptor.blob, Digest::of(&blob));
    assert_eq!(descriptor.diff_id, Sha256::of(&plain));
    assert_eq!((descriptor.size, descriptor.uncompressed_size), (blob.len() as u64, plain.len() as u64));
    assert_eq!(descriptor.created_by, "hbuild: hello 2.10-3");
    let mut archive = tar::Archive::new(&plain[..]);
    let names: Vec<_> =
        archive.entries().unwrap().map(|entry| entry.unwrap().path_bytes().into_owned()).collect();
    assert_eq!(names, [b"usr/".to_vec(), b"usr/hello".to_vec()]);
}
