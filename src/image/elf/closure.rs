//! The closure: every file's needs, resolved as the loader would when it starts each program.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::search::{Loaded, Rules};
use super::{ElfFacts, ElfFile, ElfKind, ElfLink, ElfProblem, Priority};
use crate::image::follow::follow;
use crate::tree::{Tree, TreePath};

/// The ELF files of a tree.
pub(super) struct Objects<'a> {
    pub tree: &'a Tree,
    pub facts: BTreeMap<TreePath, ElfFacts>,
    pub rules: Rules<'a>,
}

/// Where the loader found something: the path it opened and the file behind it.
struct Found<'a> {
    path: String,
    real: &'a TreePath,
}

/// One object in the address space of a program being started.
struct Node<'a> {
    loaded: Loaded<'a>,
    real: &'a TreePath,
    loader: Option<usize>,
}

/// What is known of each file so far: its links and declared libraries as first resolved, and what is missing.
#[derive(Default)]
struct Answers {
    files: BTreeMap<TreePath, ElfFile>,
    problems: BTreeSet<ElfProblem>,
}

impl<'a> Objects<'a> {
    /// Whether the file has the class and machine of the image.
    fn fits(&self, facts: &ElfFacts) -> bool {
        let machine = match self.rules.arch {
            hbuild_lang::recipe::Arch::Amd64 => object::elf::EM_X86_64,
            hbuild_lang::recipe::Arch::Arm64 => object::elf::EM_AARCH64,
        };
        facts.wide && facts.machine == machine.0
    }

    /// The file behind an absolute path, if it is an ELF file that fits.
    fn at(&self, path: &str) -> Option<Found<'_>> {
        let entry = follow(self.tree, path.as_bytes())?;
        let (real, facts) = self.facts.get_key_value(&entry.path)?;
        self.fits(facts).then(|| Found { path: path.to_owned(), real })
    }

    /// Every file with its links, and all that is missing or wrong.
    pub(super) fn resolve(&self) -> (Vec<ElfFile>, Vec<ElfProblem>) {
        let mut answers = Answers::default();
        let fitting = |(_, facts): &(&TreePath, &ElfFacts)| self.fits(facts);
        for (path, facts) in self.facts.iter().filter(|file| !fitting(file)) {
            answers.files.insert(path.clone(), unresolved(path, facts));
            let detail = format!("is not for {}: its machine is {}", self.rules.arch, machine_name(facts));
            answers.problem("elf-arch", path, detail);
        }
        // Programs first: what they load is searched with their RPATH and beside their other libraries.
        for (path, _) in self.facts.iter().filter(fitting).filter(|(_, facts)| facts.kind != ElfKind::Shared)
        {
            self.start(path, &mut answers);
        }
        for (path, _) in self.facts.iter().filter(fitting) {
            if !answers.files.contains_key(path) {
                self.start(path, &mut answers);
            }
        }
        self.made_for_glibc(&mut answers);
        (answers.files.into_values().collect(), answers.problems.into_iter().collect())
    }

    /// Loads the file at `root` with all it needs, breadth first as loaders do.
    fn start(&self, root: &'a TreePath, answers: &mut Answers)
    where
        Self: 'a,
    {
        let mut nodes: Vec<Node<'_>> = Vec::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([0]);
        let loaded = Loaded { path: root.absolute(), facts: &self.facts[root] };
        nodes.push(Node { loaded, real: root, loader: None });
        let interpreter = self.interpreter(root, answers);
        if let Some(found) = interpreter {
            let loaded = Loaded { path: found.path, facts: &self.facts[found.real] };
            names.extend(self.soname(loaded.facts).map(|soname| (soname, 1)));
            nodes.push(Node { loaded, real: found.real, loader: None });
        }
        while let Some(number) = queue.pop_front() {
            let facts = nodes[number].loaded.facts;
            let mut links = Vec::new();
            for name in &facts.needed {
                let known = names.get(name).copied();
                let target = known.or_else(|| {
                    let found = self.search(name, &nodes, number)?;
                    let same = nodes.iter().position(|node| node.real == found.real);
                    let target = same.unwrap_or_else(|| {
                        let loaded = Loaded { path: found.path, facts: &self.facts[found.real] };
                        nodes.push(Node { loaded, real: found.real, loader: Some(number) });
                        queue.push_back(nodes.len() - 1);
                        nodes.len() - 1
                    });
                    names.insert(name.clone(), target);
                    names.extend(self.soname(nodes[target].loaded.facts).map(|soname| (soname, target)));
                    Some(target)
                });
                if target.is_none() {
                    let detail = self.missing(name, &nodes[number], &nodes[0]);
                    answers.problem("elf-library", nodes[number].real, detail);
                }
                links.push(ElfLink {
                    name: name.clone(),
                    path: target.map(|target| nodes[target].loaded.path.clone()),
                });
            }
            self.answer(number, &nodes, links, &names, answers);
        }
    }

    /// The interpreter of the program at `path`; a problem where it asks for one that is not there.
    fn interpreter(&self, path: &TreePath, answers: &mut Answers) -> Option<Found<'_>> {
        let facts = &self.facts[path];
        let name = facts.interpreter.as_ref()?;
        let found = if name.starts_with('/') { self.at(name) } else { None };
        if found.is_none() && facts.kind != ElfKind::Shared {
            let detail = match self.rules.foreign(name) {
                Some(advice) => format!("asks for {name}: {advice}"),
                None => format!("asks for {name}, which is not in the image"),
            };
            answers.problem("elf-interpreter", path, detail);
        }
        found
    }

    /// Names libraries that are made for glibc in an image of musl. musl takes `libc.so.6` for itself, so they fail
    /// only when a function or a layout is not there; what brings glibc's loader has a way of its own.
    fn made_for_glibc(&self, answers: &mut Answers) {
        let Some(loader) = self.rules.glibc_loader() else { return };
        if follow(self.tree, loader.as_bytes()).is_some() {
            return;
        }
        let of_glibc = |(_, facts): &(&TreePath, &ElfFacts)| facts.glibc && facts.kind == ElfKind::Shared;
        for (path, _) in self.facts.iter().filter(of_glibc).filter(|(_, facts)| self.fits(facts)) {
            let advice = self.rules.foreign(loader).unwrap_or_default();
            answers.problem("elf-library", path, format!("needs glibc: {advice}"));
        }
    }

    fn search(&self, name: &str, nodes: &[Node<'_>], asking: usize) -> Option<Found<'_>> {
        let mut chain = Vec::new();
        let mut next = Some(asking);
        while let Some(number) = next {
            chain.push(&nodes[number].loaded);
            next = nodes[number].loader;
        }
        let candidates = self.rules.candidates(name, &chain);
        if self.rules.takes_the_first() {
            let is_file = |path: &&String| {
                follow(self.tree, path.as_bytes()).is_some_and(|entry| !entry.is_directory())
            };
            return candidates.iter().find(is_file).and_then(|path| self.at(path));
        }
        candidates.iter().find_map(|path| self.at(path))
    }

    /// The name by which `facts` is known once it is loaded.
    fn soname(&self, facts: &ElfFacts) -> Option<String> {
        facts.soname.clone().filter(|_| self.rules.knows_sonames())
    }

    /// Records what node `number` was linked to, unless an earlier program's start did.
    fn answer(
        &self,
        number: usize,
        nodes: &[Node<'_>],
        links: Vec<ElfLink>,
        names: &BTreeMap<String, usize>,
        answers: &mut Answers,
    ) {
        let node = &nodes[number];
        if answers.files.contains_key(node.real) {
            return;
        }
        let mut file = unresolved(node.real, node.loaded.facts);
        file.needed = links;
        if let Some(interpreter) = &mut file.interpreter {
            interpreter.path = self.at(&interpreter.name).map(|found| found.path);
        }
        for note in &mut file.dlopen {
            let loaded = |name: &String| names.get(name).map(|target| nodes[*target].loaded.path.clone());
            note.path = note.soname.iter().find_map(|name| {
                loaded(name).or_else(|| self.search(name, nodes, number).map(|found| found.path))
            });
            if note.path.is_none() && note.priority == Priority::Required {
                let detail =
                    format!("declares that it opens {} ({})", note.soname.join(" or "), note.feature);
                answers.problem("elf-dlopen", node.real, detail);
            }
        }
        answers.files.insert(node.real.clone(), file);
    }

    /// What to say of a library that is not found.
    fn missing(&self, name: &str, node: &Node<'_>, program: &Node<'_>) -> String {
        let mut text = format!("needs {name}, which the loader does not find");
        if program.real != node.real && program.loaded.facts.kind != ElfKind::Shared {
            text.push_str(&format!(" when it starts {}", program.loaded.path));
        }
        let elsewhere: Vec<String> = self
            .facts
            .keys()
            .filter(|path| path.file_name() == name.as_bytes())
            .map(|path| path.absolute())
            .collect();
        if !elsewhere.is_empty() {
            text.push_str(&format!("; there is {} outside its search path", elsewhere.join(", ")));
        }
        text
    }
}

impl Answers {
    fn problem(&mut self, rule: &str, path: &TreePath, detail: String) {
        let known = |other: &ElfProblem| {
            other.path == *path && other.rule == rule && {
                // The same library missing in another program's start is one problem.
                other.detail.split(',').next() == detail.split(',').next()
            }
        };
        if !self.problems.iter().any(known) {
            self.problems.insert(ElfProblem { path: path.clone(), rule: rule.to_owned(), detail });
        }
    }
}

fn unresolved(path: &TreePath, facts: &ElfFacts) -> ElfFile {
    ElfFile {
        path: path.clone(),
        kind: facts.kind,
        soname: facts.soname.clone(),
        interpreter: facts.interpreter.clone().map(|name| ElfLink { name, path: None }),
        needed: facts.needed.iter().map(|name| ElfLink { name: name.clone(), path: None }).collect(),
        dlopen: facts.dlopen.clone(),
        rpath: facts.rpath.clone(),
        runpath: facts.runpath.clone(),
        hardening: facts.hardening.clone(),
    }
}

fn machine_name(facts: &ElfFacts) -> String {
    let name = match object::elf::Machine(facts.machine) {
        object::elf::EM_X86_64 => "x86-64",
        object::elf::EM_AARCH64 => "arm64",
        object::elf::EM_386 => "i386",
        object::elf::EM_ARM => "arm",
        object::elf::EM_RISCV => "riscv",
        _ => return format!("number {}", facts.machine),
    };
    format!("{name}{}", if facts.wide { "" } else { ", 32 bit or big endian" })
}
