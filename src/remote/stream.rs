//! A blob read while it is fetched, for those that are too large to be kept.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Repository;
use crate::digest::Sha256;
use crate::host::fetch::Sink;

/// Pieces that wait to be read.
const WAITING: usize = 16;

/// A reader over a blob; it ends with an error where the bytes are not those of the digest.
pub(super) struct Stream {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Stream {
    /// Begins to fetch the blob.
    pub fn new(repository: Repository, digest: Sha256, size: u64) -> Self {
        let (sender, pieces) = sync_channel(WAITING);
        std::thread::spawn(move || {
            let mut sink = Pipe { sender, sent: false };
            if let Err(error) = repository.fetch_blob(digest, size, &mut sink) {
                let _ = sink.sender.send(Err(io::Error::other(error.to_string())));
            }
        });
        Self { pieces, piece: Vec::new(), at: 0 }
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.pieces.recv() {
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = out.len().min(self.piece.len() - self.at);
        out[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

struct Pipe {
    sender: SyncSender<io::Result<Vec<u8>>>,
    sent: bool,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent = true;
        let gone = |_| io::Error::other("nobody reads it any more");
        self.sender.send(Ok(bytes.to_vec())).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Pipe {
    fn present(&mut self, _: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        // What was read cannot be taken back.
        if self.sent { Err(io::Error::other("its bytes are not what the digest says")) } else { Ok(()) }
    }
}
