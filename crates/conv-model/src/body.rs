//! The body of a message.

use std::fmt;

use crate::states::MessageFormat;

/// The body of a message, in the format in which it was written. Debug output does not show the text.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageBody {
    /// Plain text.
    Text(String),
    /// HTML. Incoming HTML is untrusted.
    Html(String),
    /// The content of an incoming message in another format. It is shown as plain text.
    #[non_exhaustive]
    Other {
        /// The media type, such as `multipart/alternative`. Empty if the content could not be read.
        media_type: String,
        /// The content, undecoded.
        raw: String,
    },
}

impl MessageBody {
    /// An [`Other`](Self::Other) with this media type and content.
    #[must_use]
    pub fn other(media_type: impl Into<String>, raw: impl Into<String>) -> Self {
        Self::Other {
            media_type: media_type.into(),
            raw: raw.into(),
        }
    }

    /// The format. Content in another format counts as text.
    #[must_use]
    pub const fn format(&self) -> MessageFormat {
        match self {
            Self::Text(_) | Self::Other { .. } => MessageFormat::Text,
            Self::Html(_) => MessageFormat::Html,
        }
    }

    /// The characters of the body.
    #[must_use]
    pub fn raw(&self) -> &str {
        match self {
            Self::Text(raw) | Self::Html(raw) | Self::Other { raw, .. } => raw,
        }
    }
}

impl From<&str> for MessageBody {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for MessageBody {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.format(), self.raw().len())
    }
}
