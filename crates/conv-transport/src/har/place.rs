//! Positions in the text of a HAR file, for error messages.

use std::fmt;

use super::read::text;

/// A position in the text of a HAR file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HarPlace {
    /// The line, counted from 1.
    pub line: usize,
    /// The position in the line in bytes, counted from 1.
    pub column: usize,
    /// The number of the entry, counted from 1. `None` if the position is not in an entry.
    pub entry: Option<usize>,
    /// The path of the member, such as `response.content.text`. If the position is in an entry, the path starts at the entry.
    pub member: String,
}

impl fmt::Display for HarPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        if let Some(entry) = self.entry {
            write!(f, ", entry {entry}")?;
        }
        if !self.member.is_empty() {
            write!(f, ", member {}", self.member)?;
        }
        Ok(())
    }
}

impl HarPlace {
    /// Finds the value of a member in the text of a file.
    ///
    /// `entry` is the number of the entry, counted from 1. `member` is the path of the member in the entry. If the entry has no such
    /// member, returns the position of the entry. If the file has no such entry, returns `None`.
    #[must_use]
    pub fn find(file: &[u8], entry: Option<usize>, member: &str) -> Option<Self> {
        Self::find_in(&text(file), entry, member)
    }

    pub(super) fn find_in(text: &str, entry: Option<usize>, member: &str) -> Option<Self> {
        let mut path = Path::default();
        let mut place = None;
        for (at, byte) in text.bytes().enumerate() {
            path.advance(byte);
            // A value begins after each of these characters.
            if path.in_string || !b":[,".contains(&byte) {
                continue;
            }
            let found = path.describe();
            if found.0 != entry {
                continue;
            }
            if found.1 == member {
                place = Some(at + 1);
                break;
            }
            if found.1.is_empty() && place.is_none() {
                place = Some(at + 1);
            }
        }
        let rest = text.get(place?..)?;
        let start = text.len() - rest.trim_start().len();
        let mut found = Self::at_byte(text, start);
        found.entry = entry;
        found.member = member.to_owned();
        Some(found)
    }

    /// Returns the position of the first byte that is not white space.
    pub(super) fn start(text: &str) -> Self {
        Self::at_byte(text, text.len() - text.trim_start().len())
    }

    /// Returns the position of the byte with index `at`.
    fn at_byte(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: at - line_start + 1,
            entry: None,
            member: String::new(),
        }
    }

    /// Returns the position at the line and column of a parser's error.
    pub(super) fn at(text: &str, line: usize, column: usize) -> Self {
        let before = text.split_inclusive('\n').take(line.saturating_sub(1));
        let start: usize = before.map(str::len).sum();
        let end = start.saturating_add(column).min(text.len());
        let mut path = Path::default();
        for byte in text.as_bytes().get(..end).unwrap_or_default() {
            path.advance(*byte);
        }
        let (entry, member) = path.describe();
        Self {
            line,
            column,
            entry,
            member,
        }
    }
}

/// The path from the root of a JSON text to a position in it.
#[derive(Default)]
struct Path {
    /// The objects and arrays that contain the position, the outermost first.
    containers: Vec<Container>,
    /// The string at the position, or the last string before the position.
    string: Vec<u8>,
    in_string: bool,
    escaped: bool,
}

enum Container {
    /// The name of the member at the position.
    Object(Option<String>),
    /// The index of the item at the position, counted from 0.
    Array(usize),
}

impl Path {
    /// Moves the position behind `byte`.
    fn advance(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                b'"' if !self.escaped => self.in_string = false,
                _ => self.string.push(byte),
            }
            self.escaped = byte == b'\\' && !self.escaped;
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.string.clear();
            }
            b'{' => self.containers.push(Container::Object(None)),
            b'[' => self.containers.push(Container::Array(0)),
            b'}' | b']' => {
                self.containers.pop();
            }
            b':' => {
                let name = String::from_utf8_lossy(&self.string).into_owned();
                if let Some(Container::Object(member)) = self.containers.last_mut() {
                    *member = Some(name);
                }
            }
            b',' => match self.containers.last_mut() {
                Some(Container::Object(member)) => *member = None,
                Some(Container::Array(item)) => *item += 1,
                None => {}
            },
            _ => {}
        }
    }

    /// Returns the number of the entry, and the path of the member.
    fn describe(&self) -> (Option<usize>, String) {
        let mut entry = None;
        let mut members: Vec<String> = Vec::new();
        for container in &self.containers {
            match container {
                Container::Object(Some(member)) => members.push(member.clone()),
                Container::Object(None) => {}
                Container::Array(item) if members == ["log", "entries"] && entry.is_none() => {
                    entry = Some(item + 1);
                    members.clear();
                }
                Container::Array(item) => {
                    if let Some(member) = members.last_mut() {
                        member.push_str(&format!("[{item}]"));
                    }
                }
            }
        }
        (entry, members.join("."))
    }
}
