//! What this machine and this program are, for the run attestation.

use std::fs::File;
use std::io::{self, Read};

use sha2::Digest as _;

use crate::digest::Sha256;
use crate::evidence::HostV1;

/// This machine.
pub fn host() -> HostV1 {
    let name = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    HostV1 {
        name: text(name.nodename()),
        kernel: format!("{} {}", text(name.sysname()), text(name.release())),
        machine: text(name.machine()),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

/// SHA-256 of the program that runs.
pub fn program() -> io::Result<Sha256> {
    let mut file = File::open("/proc/self/exe")?;
    let (mut hasher, mut buffer) = (sha2::Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
