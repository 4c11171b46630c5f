//! Where in the text of a HAR file a parser stopped.

use std::fmt;

/// A place in the text of a HAR file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HarPlace {
    /// The line, counted from 1.
    pub line: usize,
    /// The byte in the line, counted from 1.
    pub column: usize,
    /// The entry, counted from 1; none outside of the entries.
    pub entry: Option<usize>,
    /// The members that lead to the place, `response.content.text`; those of an entry start at the entry.
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
    /// The place of a byte that a parser names by line and column.
    pub(super) fn at(text: &str, line: usize, column: usize) -> Self {
        let before = text.split_inclusive('\n').take(line.saturating_sub(1));
        let start: usize = before.map(str::len).sum();
        let end = start.saturating_add(column).min(text.len());
        let mut path = Path::default();
        for byte in text.as_bytes().get(..end).unwrap_or_default() {
            path.take(*byte);
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

/// The path to where a reader of JSON is.
#[derive(Default)]
struct Path {
    around: Vec<Container>,
    /// The string that is being read, or that was read last.
    string: Vec<u8>,
    in_string: bool,
    escaped: bool,
}

enum Container {
    /// The member whose value is being read.
    Object(Option<String>),
    /// The item that is being read, counted from 0.
    Array(usize),
}

impl Path {
    fn take(&mut self, byte: u8) {
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
            b'{' => self.around.push(Container::Object(None)),
            b'[' => self.around.push(Container::Array(0)),
            b'}' | b']' => {
                self.around.pop();
            }
            b':' => {
                let name = String::from_utf8_lossy(&self.string).into_owned();
                if let Some(Container::Object(member)) = self.around.last_mut() {
                    *member = Some(name);
                }
            }
            b',' => match self.around.last_mut() {
                Some(Container::Object(member)) => *member = None,
                Some(Container::Array(item)) => *item += 1,
                None => {}
            },
            _ => {}
        }
    }

    fn describe(&self) -> (Option<usize>, String) {
        let mut entry = None;
        let mut members: Vec<String> = Vec::new();
        for container in &self.around {
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
