//! Reads what `strace` writes about a process's files.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// What a process does to the files below a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Call {
    /// A file is opened for writing, and made or emptied where that was asked for.
    Open { file: String, empty: bool },
    /// Octets are put at an offset.
    Write {
        file: String,
        offset: usize,
        octets: Vec<u8>,
    },
    /// A file gets a length.
    SetLength { file: String, length: usize },
    /// A directory is made.
    MakeDirectory { name: String },
    /// A file gets another name.
    Rename { from: String, to: String },
    /// A name is taken away.
    Remove { name: String },
    /// A file, or a directory's list of names, is to be on the disk.
    Sync { name: String },
}

/// The beginning or the end of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Event {
    Begin { thread: u32, call: Call },
    End { thread: u32, succeeded: bool },
}

/// Reads a trace line by line.
#[derive(Debug)]
pub(super) struct Reader {
    root: PathBuf,
    /// Where a file is written to next that is written without an offset, by its descriptor.
    positions: HashMap<String, usize>,
    /// The first halves of lines, by thread.
    unfinished: HashMap<u32, String>,
}

impl Reader {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            positions: HashMap::new(),
            unfinished: HashMap::new(),
        }
    }

    /// What a line says. A call that is reported as a whole begins and ends at once.
    ///
    /// # Panics
    ///
    /// For a call that changes a file in a way that is not known here: a proof that overlooks
    /// writes proves nothing.
    pub(super) fn read(&mut self, line: &str) -> Vec<Event> {
        let Some((thread, text)) = line.split_once(' ') else {
            return Vec::new();
        };
        let thread = thread.parse().expect("a line begins with its thread");
        let text = text.trim_start();
        if let Some(begun) = text.strip_suffix("<unfinished ...>") {
            // What a file is opened as is known by the end only, and nothing happens before.
            self.unfinished.insert(thread, begun.trim_end().to_owned());
            let call = self.call(begun);
            let begin = call.map(|call| Event::Begin { thread, call });
            return begin.into_iter().collect();
        }
        let (whole, events) = match self.unfinished.remove(&thread) {
            Some(begun) if text.starts_with("<... ") => {
                let (_, rest) = text.split_once("resumed>").expect("strace says so");
                (begun + rest, Vec::new())
            }
            _ => {
                let begin = self.call(text).map(|call| Event::Begin { thread, call });
                (text.to_owned(), begin.into_iter().collect())
            }
        };
        let result = result(&whole);
        self.move_position(&whole, result);
        let mut events: Vec<Event> = events;
        let succeeded = result.is_some_and(|number| number >= 0);
        events.push(Event::End { thread, succeeded });
        events
    }

    /// The call that a line begins with, where it changes something below the root.
    fn call(&self, text: &str) -> Option<Call> {
        let (name, arguments) = text.split_once('(')?;
        let by_descriptor = || self.below(path_of(arguments)?);
        let call = match name {
            "openat" => {
                let file = self.below(quoted(arguments, 0)?)?;
                let flags = arguments.split(", ").nth(2)?;
                let made = flags.contains("O_CREAT");
                let empty = flags.contains("O_TRUNC");
                (made || empty).then_some(Call::Open { file, empty })?
            }
            "pwrite64" => {
                let (octets, rest) = data(arguments);
                Call::Write {
                    file: by_descriptor()?,
                    offset: number(rest, 1),
                    octets,
                }
            }
            "write" => Call::Write {
                file: by_descriptor()?,
                offset: *self.positions.get(descriptor(arguments)).unwrap_or(&0),
                octets: data(arguments).0,
            },
            "ftruncate" => Call::SetLength {
                file: by_descriptor()?,
                length: number(arguments, 1),
            },
            "fsync" | "fdatasync" => Call::Sync {
                name: by_descriptor()?,
            },
            "mkdir" => Call::MakeDirectory {
                name: self.below(quoted(arguments, 0)?)?,
            },
            "unlink" => Call::Remove {
                name: self.below(quoted(arguments, 0)?)?,
            },
            "rename" => Call::Rename {
                from: self.below(quoted(arguments, 0)?)?,
                to: self.below(quoted(arguments, 1)?)?,
            },
            "mmap" => {
                let shared = arguments.contains("MAP_SHARED") && arguments.contains("PROT_WRITE");
                let file = arguments.split(", ").nth(4).and_then(path_of);
                let file = file.and_then(|path| self.below(path))?;
                assert!(!shared, "{file} is written unseen: {text}");
                return None;
            }
            // Reports nothing and promises nothing.
            "sync_file_range" => return None,
            _ => {
                let ours = text.contains(&*self.root.to_string_lossy());
                assert!(!ours || !WRITING.contains(&name), "not known here: {text}");
                return None;
            }
        };
        Some(call)
    }

    fn move_position(&mut self, whole: &str, result: Option<i64>) {
        let Some((name, arguments)) = whole.split_once('(') else {
            return;
        };
        let Some(result) = result.and_then(|result| usize::try_from(result).ok()) else {
            return;
        };
        match name {
            "openat" => {
                assert!(
                    !arguments.contains("O_APPEND")
                        || !whole.contains(&*self.root.to_string_lossy())
                );
                self.positions.insert(result.to_string(), 0);
            }
            "write" => {
                *self
                    .positions
                    .entry(descriptor(arguments).to_owned())
                    .or_default() += result;
            }
            "lseek" => {
                self.positions
                    .insert(descriptor(arguments).to_owned(), result);
            }
            _ => {}
        }
    }

    /// A path below the root; the root itself is the empty one.
    fn below(&self, path: &str) -> Option<String> {
        let path = Path::new(path).strip_prefix(&self.root).ok()?;
        let plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        assert!(plain, "{}", path.display());
        let path = path.to_str().expect("names are plain text");
        // Nobody finds again what has no name any more; and SQLite's index of its log is made anew
        // after a crash, whatever is in it.
        let counts = !path.ends_with(" (deleted)") && !path.ends_with("-shm");
        counts.then(|| path.to_owned())
    }
}

/// The number that a call has returned.
fn result(whole: &str) -> Option<i64> {
    let (_, result) = whole.rsplit_once(" = ")?;
    let end = result.find([' ', '<']).unwrap_or(result.len());
    result[..end].parse().ok()
}

/// The descriptor that arguments begin with.
fn descriptor(arguments: &str) -> &str {
    let end = arguments.find('<').unwrap_or(arguments.len());
    &arguments[..end]
}

/// The path behind the descriptor that some text begins with.
fn path_of(text: &str) -> Option<&str> {
    let (descriptor, rest) = text.split_once('<')?;
    descriptor.parse::<u32>().ok()?;
    let (path, _) = rest.split_once('>')?;
    Some(path)
}

/// A text in quotation marks, by its place.
fn quoted(arguments: &str, place: usize) -> Option<&str> {
    arguments.split('"').nth(2 * place + 1)
}

/// The argument of a place, which is a number.
fn number(arguments: &str, place: usize) -> usize {
    let words = arguments.split([',', ')']).map(str::trim);
    let mut words = words.filter(|word| !word.is_empty());
    let number = words.nth(place).and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("no number: {arguments}"))
}

/// The octets that are written, and the text behind them.
fn data(arguments: &str) -> (Vec<u8>, &str) {
    let (_, rest) = arguments.split_once('"').expect("what is written");
    // Octets that are not all plain text are in hexadecimal, all of them.
    let hexadecimal = rest.starts_with("\\x");
    let end = if hexadecimal {
        rest.find('"').expect("its end")
    } else {
        end_of_text(rest)
    };
    let (text, rest) = (&rest[..end], &rest[end + 1..]);
    assert!(!rest.starts_with("..."), "strace has left something out");
    let octets = if hexadecimal {
        let digits = text.as_bytes().chunks(4);
        digits
            .map(|digits| 16 * digit(digits[2]) + digit(digits[3]))
            .collect()
    } else {
        unescape(text)
    };
    (octets, rest)
}

fn digit(letter: u8) -> u8 {
    let value = char::from(letter).to_digit(16).expect("hexadecimal");
    u8::try_from(value).expect("a digit is small")
}

fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (place, octet) in text.bytes().enumerate() {
        match octet {
            b'"' if !escaped => return place,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    panic!("no end: {text}")
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut letters = text.bytes();
    while let Some(letter) = letters.next() {
        octets.push(match letter {
            b'\\' => match letters.next().expect("something follows") {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 0x0b,
                b'f' => 0x0c,
                other => other,
            },
            other => other,
        });
    }
    octets
}

/// What `strace` has to trace for it: all by which a file can be changed.
pub(super) const TRACED: &str = "trace=openat,open,creat,pwrite64,write,writev,pwritev,pwritev2,\
    ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,mkdir,mkdirat,unlink,unlinkat,\
    rename,renameat,renameat2,link,linkat,symlink,symlinkat,mmap,lseek,sendfile,copy_file_range,\
    splice,rmdir";

/// Ways of writing that are not known here.
const WRITING: [&str; 19] = [
    "copy_file_range",
    "creat",
    "fallocate",
    "link",
    "linkat",
    "mkdirat",
    "open",
    "pwritev",
    "pwritev2",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "splice",
    "symlink",
    "symlinkat",
    "truncate",
    "unlinkat",
    "writev",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_with_all_that_it_writes() {
        let mut reader = Reader::new(Path::new("/d"));
        let line = r#"7 pwrite64(5</d/db>, "\x00\xff", 2, 512) = 2"#;
        let call = Call::Write {
            file: "db".to_owned(),
            offset: 512,
            octets: vec![0, 255],
        };
        let end = Event::End {
            thread: 7,
            succeeded: true,
        };
        assert_eq!(
            reader.read(line),
            [Event::Begin { thread: 7, call }, end.clone()]
        );
        let other = r#"7 pwrite64(5</e/db>, "\x00", 1, 512) = 1"#;
        assert_eq!(reader.read(other), [end]);
    }

    #[test]
    fn a_call_may_end_in_a_later_line() {
        let mut reader = Reader::new(Path::new("/d"));
        let call = Call::Sync {
            name: "db".to_owned(),
        };
        assert_eq!(
            reader.read("7 fdatasync(5</d/db> <unfinished ...>"),
            [Event::Begin { thread: 7, call }]
        );
        assert_eq!(
            reader.read("7 <... fdatasync resumed>) = -1 EIO (Input/output error)"),
            [Event::End {
                thread: 7,
                succeeded: false
            }]
        );
    }

    #[test]
    fn writes_without_an_offset_follow_one_another() {
        let mut reader = Reader::new(Path::new("/d"));
        reader.read(
            r#"7 openat(AT_FDCWD</>, "/d/conf", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4</d/conf>"#,
        );
        reader.read(r#"7 write(4</d/conf>, "a\"b\n", 4) = 4"#);
        let events = reader.read(r#"7 write(4</d/conf>, "\\c", 2) = 2"#);
        let call = Call::Write {
            file: "conf".to_owned(),
            offset: 4,
            octets: b"\\c".to_vec(),
        };
        assert_eq!(events[0], Event::Begin { thread: 7, call });
    }

    #[test]
    #[should_panic(expected = "not known here")]
    fn a_way_of_writing_that_is_not_known_is_not_passed_over() {
        Reader::new(Path::new("/d")).read("7 fallocate(5</d/db>, 0, 0, 4096) = 0");
    }
}
