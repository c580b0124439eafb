//! The compressors of layers, each set up so that its bytes depend on its input, level and version alone.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use zstd::zstd_safe;

use super::LayerError;
use crate::exec::BuildError;
use crate::graph::{Algorithm, Compression};

/// How zlib-rs is named in keys and evidence; `Cargo.lock` pins it.
const ZLIB_RS: &str = "zlib-rs 0.6.8";
const MOST_WORKERS: usize = 8;
/// Bytes that one worker of zstd takes at a time, in MiB. Its own choice, 8 MiB, leaves most layers to one worker.
const JOB_MIB: u32 = 2;
const BLOCKS_IN_FLIGHT: usize = 16;

/// The compressor of this program for `algorithm`, at `level` or at its default: 3 for zstd, 6 for gzip.
pub fn compression(algorithm: Algorithm, level: Option<i32>) -> Compression {
    let (default, library) = match algorithm {
        Algorithm::None => (0, "none".to_owned()),
        Algorithm::Gzip => (6, ZLIB_RS.to_owned()),
        Algorithm::Zstd => (3, format!("libzstd {} (jobs of {JOB_MIB} MiB)", zstd_safe::version_string())),
    };
    Compression { algorithm, level: level.unwrap_or(default), library }
}

/// Runs `produce`, which hands blocks to the sink it is given, and writes what `compression` makes of them to
/// `out`. Returns what `produce` returned, and `out`.
///
/// - zstd: always the multi-threaded encoder, with `1 + spare_threads` workers, at least two because a layer may be
///   the last thing that a build waits for, at most eight (its output is the same for every number of workers but
///   zero), each of which takes jobs of 2 MiB; `size` is pledged exactly and stands in the frame header;
///   no checksum. The blocks are made on the calling thread meanwhile.
/// - gzip: one thread that compresses; mtime 0, OS byte 255, no name.
pub fn compress_with<T, W: Write + Send>(
    compression: &Compression,
    size: u64,
    spare_threads: usize,
    mut out: W,
    produce: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), BuildError>) -> Result<T, BuildError>,
) -> Result<(T, W), BuildError> {
    let have = self::compression(compression.algorithm, None).library;
    if have != compression.library {
        return Err(LayerError::OtherCompressor { wanted: compression.library.clone(), have }.into());
    }
    match compression.algorithm {
        Algorithm::None => {
            let made = produce(&mut |block| out.write_all(block).map_err(failed))?;
            Ok((made, out))
        }
        Algorithm::Zstd => {
            let workers = (1 + spare_threads).clamp(2, MOST_WORKERS) as u32;
            let mut encoder = zstd_encoder(compression.level, size, workers, out).map_err(failed)?;
            let made = produce(&mut |block| encoder.write_all(block).map_err(failed))?;
            Ok((made, encoder.finish().map_err(failed)?))
        }
        Algorithm::Gzip => gzip(compression.level, out, produce),
    }
}

fn failed(source: io::Error) -> BuildError {
    LayerError::Compress { source }.into()
}

fn zstd_encoder<W: Write>(
    level: i32,
    size: u64,
    workers: u32,
    out: W,
) -> io::Result<zstd::Encoder<'static, W>> {
    let range = zstd::compression_level_range();
    if level == 0 || !range.contains(&level) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("level {level}")));
    }
    let mut encoder = zstd::Encoder::new(out, level)?;
    encoder.multithread(workers)?;
    encoder.set_parameter(zstd_safe::CParameter::JobSize(JOB_MIB << 20))?;
    encoder.include_checksum(false)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(size))?;
    Ok(encoder)
}

fn gzip<T, W: Write + Send>(
    level: i32,
    out: W,
    produce: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), BuildError>) -> Result<T, BuildError>,
) -> Result<(T, W), BuildError> {
    let level = u32::try_from(level).ok().filter(|level| *level <= 9);
    let level = level.ok_or_else(|| failed(io::Error::from(io::ErrorKind::InvalidInput)))?;
    let builder = flate2::GzBuilder::new().mtime(0).operating_system(255);
    let encoder = builder.write(out, flate2::Compression::new(level));
    std::thread::scope(|scope| {
        let (blocks, received): (SyncSender<Vec<u8>>, Receiver<Vec<u8>>) = sync_channel(BLOCKS_IN_FLIGHT);
        let compressor = scope.spawn(move || {
            let mut encoder = encoder;
            for block in received {
                encoder.write_all(&block)?;
            }
            encoder.finish()
        });
        // A send fails only when the compressor has given up; its own error is the one to report.
        let made = produce(&mut |block| {
            let gone = |_| failed(io::Error::from(io::ErrorKind::BrokenPipe));
            blocks.send(block.to_vec()).map_err(gone)
        });
        drop(blocks);
        let out = compressor.join().expect("the compressor does not panic").map_err(failed);
        match (made, out) {
            (Ok(made), Ok(out)) => Ok((made, out)),
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_named_is_the_version_linked() {
        let lock: toml::Table = include_str!("../../../Cargo.lock").parse().unwrap();
        let packages = lock["package"].as_array().unwrap();
        let zlib = packages.iter().find(|package| package["name"].as_str() == Some("zlib-rs")).unwrap();
        assert_eq!(ZLIB_RS, format!("zlib-rs {}", zlib["version"].as_str().unwrap()));
    }

    #[test]
    fn a_foreign_compressor_and_an_absurd_level_are_refused() {
        let mut foreign = compression(Algorithm::Zstd, None);
        foreign.library = "libzstd 1.0.0".into();
        for compression in
            [foreign, compression(Algorithm::Zstd, Some(99)), compression(Algorithm::Gzip, Some(10))]
        {
            let done = compress_with(&compression, 0, 0, Vec::new(), |_| Ok(()));
            assert!(matches!(done, Err(BuildError::Action(_))), "{compression:?}");
        }
    }
}
