//! What a disk may hold after the loss of power, worked out from a trace of all that a process did.
//!
//! A write may be on the disk or not, in any of its sectors, until its file was synchronized; a new
//! name or the end of one, until its directory was. What was synchronized is there. Nothing else is
//! promised by POSIX, and nothing else is relied on here: not that writes arrive in their order,
//! nor that a file that is synchronized takes its name to the disk.

mod loss;
mod trace;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

pub use loss::Loss;
use trace::{Call, Event, Reader};

/// What is known of a directory on the disk.
#[derive(Debug)]
pub struct Disk {
    reader: Reader,
    files: Vec<File>,
    /// The names as the process sees them.
    seen: Names,
    /// The names that are on the disk for sure.
    durable: Names,
    /// Changes of names that may be on the disk or not.
    renamings: Vec<Uncertain<NameStep>>,
    /// How many steps there were.
    steps: usize,
    /// Calls that have begun and not ended, by thread.
    begun: HashMap<u32, Begun>,
    ignored: fn(&str) -> bool,
}

/// The names below the root, with the number of the file that each stands for.
type Names = BTreeMap<String, Entry>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Entry {
    Directory,
    File(usize),
}

#[derive(Debug, Default)]
struct File {
    /// What is on the disk for sure.
    durable: Vec<u8>,
    writes: Vec<Uncertain<Write>>,
}

#[derive(Debug)]
struct Uncertain<T> {
    /// Its number among all steps.
    number: usize,
    step: T,
    finished: bool,
}

#[derive(Clone, Debug)]
enum Write {
    SetLength(usize),
    Put(usize, Vec<u8>),
}

#[derive(Clone, Debug)]
enum NameStep {
    Add(String, Entry),
    Remove(String),
    Rename(String, String, Entry),
}

#[derive(Debug)]
enum Begun {
    Write { file: usize, number: usize },
    Names(Call),
    SyncOfFile { file: usize, numbers: Vec<usize> },
    SyncOfNames { numbers: Vec<usize> },
}

impl Disk {
    /// A disk on which a directory is for sure as it is now.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    #[must_use]
    pub fn holding(root: &Path) -> Self {
        let mut disk = Self {
            reader: Reader::new(root),
            files: Vec::new(),
            seen: Names::new(),
            durable: Names::new(),
            renamings: Vec::new(),
            steps: 0,
            begun: HashMap::new(),
            ignored: |_| false,
        };
        disk.load(root, "");
        disk.durable = disk.seen.clone();
        disk
    }

    /// The same disk under a program that does not synchronize certain files, or that pretends to.
    #[must_use]
    pub fn without_syncs_of(mut self, ignored: fn(&str) -> bool) -> Self {
        self.ignored = ignored;
        self
    }

    /// Takes a line of the trace in.
    ///
    /// # Panics
    ///
    /// Where it says something that is not understood.
    pub fn note(&mut self, line: &str) {
        for event in self.reader.read(line) {
            match event {
                Event::Begin { thread, call } => {
                    if let Some(begun) = self.begin(call) {
                        self.begun.insert(thread, begun);
                    }
                }
                Event::End { thread, succeeded } => {
                    if let Some(begun) = self.begun.remove(&thread) {
                        self.end(begun, succeeded);
                    }
                }
            }
        }
    }

    /// How many steps are not on the disk for sure.
    #[must_use]
    pub fn uncertain(&self) -> usize {
        let writes = self.files.iter().map(|file| file.writes.len());
        writes.sum::<usize>() + self.renamings.len()
    }

    /// Writes what the disk may hold if the power goes now.
    ///
    /// # Panics
    ///
    /// Where that fails.
    pub fn lose_power(&self, loss: Loss, to: &Path) {
        let mut loss = loss.begin(&self.numbers());
        let mut names = self.durable.clone();
        for renaming in &self.renamings {
            if loss.keeps(renaming.number) {
                renaming.step.apply(&mut names);
            }
        }
        for (name, entry) in &names {
            let path = to.join(name);
            // What lies in a directory that is lost is lost with it.
            if !path.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match entry {
                Entry::Directory => fs::create_dir(path).expect("it is new"),
                Entry::File(file) => {
                    let octets = self.files[*file].after(&mut loss);
                    fs::write(path, octets).expect("the directory is writable");
                }
            }
        }
    }

    fn load(&mut self, dir: &Path, prefix: &str) {
        for entry in fs::read_dir(dir).expect("the directory can be read") {
            let path = entry.expect("the directory can be read").path();
            let name = path.file_name().and_then(OsStr::to_str);
            let name = format!("{prefix}{}", name.expect("names are plain text"));
            if path.is_dir() {
                self.load(&path, &format!("{name}/"));
                self.seen.insert(name, Entry::Directory);
                continue;
            }
            let file = self.new_file();
            self.files[file].durable = fs::read(&path).expect("the file can be read");
            self.seen.insert(name, Entry::File(file));
        }
    }

    fn new_file(&mut self) -> usize {
        self.files.push(File::default());
        self.files.len() - 1
    }

    fn file(&self, name: &str) -> usize {
        match self.seen.get(name) {
            Some(Entry::File(file)) => *file,
            other => panic!("{name} is {other:?}"),
        }
    }

    fn numbers(&self) -> Vec<usize> {
        let writes = self.files.iter().flat_map(|file| &file.writes);
        let mut numbers: Vec<usize> = writes.map(|write| write.number).collect();
        numbers.extend(self.renamings.iter().map(|renaming| renaming.number));
        numbers.sort_unstable();
        numbers
    }

    fn begin(&mut self, call: Call) -> Option<Begun> {
        match call {
            Call::Write {
                file,
                offset,
                octets,
            } => Some(self.begin_write(&file, Write::Put(offset, octets))),
            Call::SetLength { file, length } => {
                Some(self.begin_write(&file, Write::SetLength(length)))
            }
            Call::Sync { name } if (self.ignored)(&name) => None,
            Call::Sync { name } => Some(self.begin_sync(&name)),
            names => Some(Begun::Names(names)),
        }
    }

    fn begin_write(&mut self, name: &str, step: Write) -> Begun {
        let file = self.file(name);
        self.steps += 1;
        self.files[file].writes.push(Uncertain {
            number: self.steps,
            step,
            finished: false,
        });
        Begun::Write {
            file,
            number: self.steps,
        }
    }

    fn begin_sync(&self, name: &str) -> Begun {
        if let Some(Entry::File(file)) = self.seen.get(name) {
            let writes = self.files[*file].writes.iter();
            let finished = writes.filter(|write| write.finished);
            return Begun::SyncOfFile {
                file: *file,
                numbers: finished.map(|write| write.number).collect(),
            };
        }
        let renamings = self.renamings.iter();
        let within = renamings.filter(|renaming| renaming.step.directory() == name);
        Begun::SyncOfNames {
            numbers: within.map(|renaming| renaming.number).collect(),
        }
    }

    fn end(&mut self, begun: Begun, succeeded: bool) {
        match begun {
            Begun::Write { file, number } => {
                let mut writes = self.files[file].writes.iter_mut();
                let write = writes.find(|write| write.number == number);
                write
                    .expect("no synchronization takes what goes on")
                    .finished = true;
            }
            // What a call that has failed has changed is not known.
            _ if !succeeded => {}
            Begun::Names(call) => self.rename(call),
            Begun::SyncOfFile { file, numbers } => {
                let file = &mut self.files[file];
                for write in take(&mut file.writes, &numbers) {
                    write.step.apply(&mut file.durable);
                }
            }
            Begun::SyncOfNames { numbers } => {
                for renaming in take(&mut self.renamings, &numbers) {
                    renaming.step.apply(&mut self.durable);
                }
            }
        }
    }

    fn rename(&mut self, call: Call) {
        let step = match call {
            Call::Open { file, empty } => {
                if self.seen.contains_key(&file) {
                    if empty {
                        let begun = self.begin_write(&file, Write::SetLength(0));
                        self.end(begun, true);
                    }
                    return;
                }
                let number = self.new_file();
                NameStep::Add(file, Entry::File(number))
            }
            Call::MakeDirectory { name } => NameStep::Add(name, Entry::Directory),
            Call::Remove { name } => NameStep::Remove(name),
            Call::Rename { from, to } => {
                let entry = Entry::File(self.file(&from));
                NameStep::Rename(from, to, entry)
            }
            Call::Write { .. } | Call::SetLength { .. } | Call::Sync { .. } => {
                unreachable!("these change no names")
            }
        };
        self.steps += 1;
        step.apply(&mut self.seen);
        self.renamings.push(Uncertain {
            number: self.steps,
            step,
            finished: true,
        });
    }
}

/// Takes the steps with certain numbers out.
fn take<T>(from: &mut Vec<Uncertain<T>>, numbers: &[usize]) -> Vec<Uncertain<T>> {
    let (taken, left) = std::mem::take(from)
        .into_iter()
        .partition(|step| numbers.contains(&step.number));
    *from = left;
    taken
}

impl File {
    fn after(&self, loss: &mut loss::Choice) -> Vec<u8> {
        let mut octets = self.durable.clone();
        for write in &self.writes {
            loss.apply(write, &mut octets);
        }
        octets
    }
}

impl Write {
    fn apply(&self, octets: &mut Vec<u8>) {
        match self {
            Self::SetLength(length) => octets.resize(*length, 0),
            Self::Put(offset, new) => {
                let end = offset + new.len();
                if octets.len() < end {
                    octets.resize(end, 0);
                }
                octets[*offset..end].copy_from_slice(new);
            }
        }
    }
}

impl NameStep {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(name, entry) => {
                names.insert(name.clone(), *entry);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename(from, to, entry) => {
                names.remove(from);
                names.insert(to.clone(), *entry);
            }
        }
    }

    /// The directory whose synchronization it waits for.
    fn directory(&self) -> &str {
        let (Self::Add(name, _) | Self::Remove(name) | Self::Rename(_, name, _)) = self;
        name.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

/// The arguments with which `strace` writes such a trace to a file.
#[must_use]
pub fn strace(trace: &Path) -> Vec<String> {
    let words = [
        "strace",
        "-f",
        // Nothing is injected here, and calls that are not traced cost nothing.
        "--seccomp-bpf",
        "--decode-fds=path",
        "--strings-in-hex=non-ascii",
        "--string-limit=16777216",
        "-e",
        trace::TRACED,
        "-o",
    ];
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    words.push(trace.display().to_string());
    words
}

#[cfg(test)]
mod tests;
