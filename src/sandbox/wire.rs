//! What hbuild, its stages and their inits say to each other: frames of JSON over stream sockets, with descriptors.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, send, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Specification, StepFailure};
use crate::store::{Applied, Usage};

/// Most descriptors of one frame.
const DESCRIPTORS: usize = 4;
/// Longest frame: scripts are the largest part, and the kernel takes no longer arguments.
const LONGEST: usize = 64 << 20;

/// hbuild to a stage: make a sandbox. Descriptor: the init's end of the control socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) specification: Specification,
    pub(super) strict: bool,
}

/// A stage to hbuild.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StageReport {
    /// It takes requests.
    Ready,
    /// It cannot be a stage, and ends.
    Fault(Fault),
    /// No process of the sandbox asked for is left. Holds the wait status of its init.
    Gone(i32),
}

/// An init to hbuild, over the control socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum InitReport {
    /// The sandbox stands. Descriptors: its writable file system, and the end of the log to read from, or of the
    /// commands' output; with pipes then the ends of their input and their error. A terminal's is one for both ways.
    Ready,
    /// It could not be made, or not filled.
    Fault(Fault),
    /// The commands ran.
    Finished(Box<Outcome>),
}

/// What came of the commands.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) failure: Option<StepFailure>,
    pub(super) applied: Applied,
    pub(super) usage: Usage,
}

/// A system call that failed, and what it was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) step: Step,
    pub(super) what: String,
    pub(super) errno: i32,
}

/// Parts of making a sandbox, as far as people are told different things about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Becoming an unprivileged user.
    User,
    /// Namespaces.
    Namespaces,
    /// Mounts.
    Mounts,
    /// The mount of procfs.
    Proc,
    /// The root's folder.
    Root,
    /// A copy of the root.
    Copy,
    /// A mount point in the root.
    MountPoint,
    /// Capabilities, seccomp and the like.
    Restrictions,
    /// Best-effort parts that `--strict` demands.
    Strict,
    /// Files put into it.
    Filling,
    /// Talk with hbuild.
    Talk,
}

/// Turns the failure of a system call to a [`Fault`].
pub(super) trait At<T> {
    fn at(self, step: Step, what: &str) -> Result<T, Fault>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, step: Step, what: &str) -> Result<T, Fault> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            Fault { step, what: what.to_owned(), errno: error.raw_os_error().unwrap_or(libc::EIO) }
        })
    }
}

/// Sends `value` with `descriptors`.
pub(super) fn tell(
    socket: impl AsFd,
    value: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(value).map_err(io::Error::from)?;
    let head = (body.len() as u32).to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let parts = [IoSlice::new(&head), IoSlice::new(&body)];
    let sent = rustix::io::retry_on_intr(|| sendmsg(&socket, &parts, &mut ancillary, SendFlags::NOSIGNAL))?;
    // The head is written with the first bytes: a stream socket takes at least one buffer whole.
    let mut rest = &body[sent.saturating_sub(head.len())..];
    while !rest.is_empty() {
        let sent = rustix::io::retry_on_intr(|| send(&socket, rest, SendFlags::NOSIGNAL))?;
        rest = &rest[sent..];
    }
    Ok(())
}

/// What [`tell`] sent at the other end; `None` where that is closed.
pub(super) fn hear<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut head = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL;
        recvmsg(&socket, &mut [IoSliceMut::new(&mut head)], &mut ancillary, flags)
    })?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    let length = u32::from_le_bytes(head) as usize;
    if received.bytes != head.len() || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    Stream(socket.as_fd()).read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, descriptors)))
}

/// A socket as reader and writer that raises no signal.
pub(super) struct Stream<T>(pub(super) T);

impl<T: AsFd> Read for Stream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut *buffer))?)
    }
}

impl<T: AsFd> io::Write for Stream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| send(&self.0, bytes, SendFlags::NOSIGNAL))?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
