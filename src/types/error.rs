//! Why an operation gave NULL or false.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is. Numbers are part of `libwasm.h` and only ever appended.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ErrorKind {
    /// The binary or text is malformed or does not validate.
    Invalid = 1,
    /// Valid WebAssembly, but a feature this build does not have, or a machine it cannot run on.
    Unsupported = 2,
    /// A limit of the implementation or of the embedder was reached.
    Limit = 3,
    /// An import is missing or does not match.
    Link = 4,
    /// An artifact that is damaged or was made by another version, CPU or configuration.
    Artifact = 5,
    /// Memory or address space ran out.
    OutOfMemory = 6,
    /// An argument that cannot be used: NULL, a wrong kind, out of range, of another store.
    Argument = 7,
    /// The store is in use on another thread.
    Busy = 8,
    /// A defect of this library: a panic that was caught at the boundary.
    Internal = 9,
    /// Instantiation trapped in an active segment or the start function.
    Trap = 10,
    /// A file that cannot be opened, read or written.
    File = 11,
}

/// A failure: its kind, a message whose facts stand at its end, and the byte offset in the module's binary, or in the artifact,
/// where there is one.
///
/// One pointer wide, so that results stay small.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    offset: Option<usize>,
}

impl Error {
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), offset: None }))
    }

    #[cold]
    pub fn invalid(message: impl Into<String>, offset: usize) -> Error {
        Error(Box::new(Inner { kind: ErrorKind::Invalid, message: message.into(), offset: Some(offset) }))
    }

    /// The offset is one in the artifact.
    #[cold]
    pub fn artifact(message: impl Into<String>, offset: usize) -> Error {
        Error(Box::new(Inner { kind: ErrorKind::Artifact, message: message.into(), offset: Some(offset) }))
    }

    #[cold]
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message)
    }

    #[cold]
    pub fn limit(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit, message)
    }

    #[cold]
    pub fn argument(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Argument, message)
    }

    #[cold]
    pub fn out_of_memory(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::OutOfMemory, message)
    }

    /// The same failure, at the same offset, of another kind and in other words.
    #[cold]
    pub fn with_words(self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), offset: self.0.offset }))
    }

    /// The same failure, in a part of the binary that starts here, if it has no place of its own.
    #[cold]
    pub fn within(mut self, start: usize) -> Error {
        self.0.offset.get_or_insert(start);
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The byte offset in the module's binary or in the artifact, where the failure has one.
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.offset {
            Some(offset) => write!(f, "{} (at offset {offset:#x})", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

const _: () = assert!(size_of::<Error>() == size_of::<usize>());
