//! The ID of a message at the server. The IDs of one conversation are paths in the same folder, which they share: an ID with a
//! hundred characters then takes as much memory as its last segment.

use std::fmt;

use crate::sync::Arc;

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RemoteId {
    folder: Arc<Folder>,
    name: Box<str>,
}

/// The text of an ID up to the last slash.
#[derive(PartialEq, Eq)]
pub(crate) struct Folder(Box<str>);

impl RemoteId {
    /// `last` is the folder of the last ID of the conversation.
    pub(crate) fn new(text: &str, last: &mut Option<Arc<Folder>>) -> Self {
        let (folder, name) = text.split_at(text.rfind('/').map_or(0, |slash| slash + 1));
        let folder = match last {
            Some(last) if *last.0 == *folder => Arc::clone(last),
            _ => Arc::clone(last.insert(Arc::new(Folder(folder.into())))),
        };
        let name = name.into();
        Self { folder, name }
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.folder.0, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_folder_share_it_and_every_id_keeps_its_text() {
        let mut last = None;
        let one = RemoteId::new("/messages/1", &mut last);
        let two = RemoteId::new("/messages/2", &mut last);
        assert!(Arc::ptr_eq(&one.folder, &two.folder));
        assert!(one != two);
        for text in ["/chat/messages/1", "7", "", "/", "/messages/1"] {
            assert_eq!(RemoteId::new(text, &mut last).to_string(), text);
        }
        assert!(one == RemoteId::new("/messages/1", &mut None));
    }
}
