//! What a sandbox's init gives up before it runs anything: capabilities, system calls, limits, and with Landlock once
//! more all writing outside the writable folders.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::wire::{At, Fault, Step};
use super::{Specification, sys};
use crate::store::Applied;

/// Processes of the user namespace that are no commands: the stage and the init.
const OWN_PROCESSES: u64 = 2;

/// Restricts this process and all it will start, and notes how in `applied`.
pub(super) fn restrict(
    specification: &Specification,
    filter: &[libc::sock_filter],
    applied: &mut Applied,
) -> Result<(), Fault> {
    limit(specification, applied).at(Step::Restrictions, "resource limits")?;
    if specification.one_processor {
        take_one_processor().at(Step::Restrictions, "one processor")?;
    }
    applied.fixed_addresses = sys::fix_addresses();
    if !applied.fixed_addresses {
        applied.missing.push("fixed addresses".to_owned());
    }
    drop_capabilities().at(Step::Restrictions, "capabilities")?;
    rustix::thread::set_no_new_privs(true).at(Step::Restrictions, "no_new_privs")?;
    applied.landlock = sys::landlock_abi().filter(|_| landlock(specification).is_ok());
    if applied.landlock.is_none() {
        applied.missing.push("Landlock".to_owned());
    }
    sys::install_filter(filter).at(Step::Restrictions, "seccomp")
}

/// Sets all limits to the same values whoever runs hbuild, as far as its own allow.
fn limit(specification: &Specification, applied: &mut Applied) -> io::Result<()> {
    let limits = &specification.limits;
    let set = |resource, soft: Option<u64>, hard: Option<u64>| {
        let most = getrlimit(resource).maximum;
        let least = |value: Option<u64>| [value, most].into_iter().flatten().min();
        setrlimit(resource, Rlimit { current: least(soft), maximum: least(hard) })
    };
    set(Resource::Core, Some(0), Some(0))?;
    set(Resource::Memlock, Some(0), Some(0))?;
    set(Resource::Msgqueue, Some(0), Some(0))?;
    set(Resource::Nofile, Some(1024), Some(65536))?;
    set(Resource::Stack, Some(8 << 20), None)?;
    // By default it depends on how much memory the machine has.
    set(Resource::Sigpending, Some(1024), Some(1024))?;
    for resource in [Resource::As, Resource::Cpu, Resource::Data, Resource::Fsize] {
        set(resource, None, None)?;
    }
    if let Some(processes) = limits.processes {
        let all = Some(processes + OWN_PROCESSES);
        set(Resource::Nproc, all, all)?;
        applied.limits.insert("processes".to_owned(), format!("{processes} by rlimit"));
    }
    applied.limits.insert("space".to_owned(), format!("{} by tmpfs", limits.space));
    applied.limits.insert("log".to_owned(), format!("{} by its reader", limits.log));
    Ok(())
}

fn take_one_processor() -> io::Result<()> {
    let mut allowed = rustix::thread::sched_getaffinity(None)?;
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).unwrap_or_default();
    allowed.clear();
    allowed.set(first);
    Ok(rustix::thread::sched_setaffinity(None, &allowed)?)
}

/// Empties the set of capabilities that programs can gain. The stage does so once, for all it starts: it keeps those
/// it has.
pub(super) fn bound_capabilities() -> io::Result<()> {
    for bit in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // Behind the last one that this kernel has.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn drop_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Everything may be read and executed, the writable folders and device nodes written; nothing else, and no TCP where
/// there is no network, no signal and no abstract socket to the outside.
fn landlock(specification: &Specification) -> Result<(), landlock::RulesetError> {
    let abi = ABI::V6;
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    rules = rules.handle_access(AccessFs::from_all(abi))?.scope(Scope::from_all(abi))?;
    if !specification.loopback {
        rules = rules.handle_access(AccessNet::from_all(abi))?;
    }
    let open = |path: &str| PathFd::new(path).ok();
    let mut rules = rules.create()?;
    if let Some(root) = open("/") {
        rules = rules.add_rule(PathBeneath::new(root, AccessFs::from_read(abi)))?;
    }
    let device = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    for path in ["/dev", "/proc"] {
        if let Some(folder) = open(path) {
            rules = rules.add_rule(PathBeneath::new(folder, device))?;
        }
    }
    let folders = specification.folders().into_iter().map(|(_, path, _)| path);
    for path in folders.chain(specification.outputs.iter().cloned()) {
        if let Some(folder) = open(&path) {
            rules = rules.add_rule(PathBeneath::new(folder, AccessFs::from_all(abi)))?;
        }
    }
    rules.restrict_self().map(drop)
}
