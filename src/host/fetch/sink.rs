//! Where fetched bytes go.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A place for the bytes of one file that may hold its beginning already.
pub trait Sink: Write {
    /// Gives the bytes that are there already to `each`, in order; what is written next comes behind them.
    fn present(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// Drops everything that is there.
    fn clear(&mut self) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn present(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        each(self);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        Vec::clear(self);
        Ok(())
    }
}

impl Sink for File {
    fn present(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => each(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn clear(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.seek(SeekFrom::Start(0)).map(drop)
    }
}
