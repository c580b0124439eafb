//! What hbuild and the process with the key say to each other: frames of a length and bytes over a stream socket.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::evidence::signing::KeyFault;

/// Longest frame: statements with a whole SBOM in them are the largest.
const LONGEST: u32 = 256 << 20;

/// What the process says when it has the key, or has none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Greeting {
    /// It signs.
    Ready {
        /// The public key, PEM.
        public_key: String,
        /// Whether the key's file was encrypted.
        encrypted: bool,
    },
    /// The file holds no usable key.
    Fault(KeyFault),
    /// The file cannot be read: what the system said.
    Unreadable(String),
    /// The user broke off.
    Stopped,
}

/// Writes one frame.
pub(super) fn tell(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)
}

/// Reads one frame; `None` where the other side is gone.
pub(super) fn hear(mut from: impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Zeroizing::new(vec![0; length as usize]);
    from.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// A secret that there may be, as a frame.
pub(super) fn tell_secret(to: impl Write, secret: Option<&[u8]>) -> io::Result<()> {
    let Some(secret) = secret else { return tell(to, &[0]) };
    // Of that capacity from the beginning, so that no copy is left behind.
    let mut frame = Zeroizing::new(Vec::with_capacity(secret.len() + 1));
    frame.push(1);
    frame.extend_from_slice(secret);
    tell(to, &frame)
}

/// A secret that [`tell_secret`] sent.
pub(super) fn hear_secret(from: impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let frame = hear(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(match frame.first() {
        Some(1) => Some(Zeroizing::new(frame[1..].to_vec())),
        _ => None,
    })
}
