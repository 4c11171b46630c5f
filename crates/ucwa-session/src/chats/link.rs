//! The hrefs of the sub-resources of a conversation. A server puts them below the href of the conversation, which has a hundred
//! characters. A link shares these characters with the conversation, so it takes only the memory of its last segments.

use std::borrow::Cow;
use std::sync::Arc;

use super::conversation::Address;

/// An href as the server wrote it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// The href of the conversation, if this href begins with it.
    base: Option<Arc<str>>,
    rest: Box<str>,
}

impl Link {
    /// An href of a conversation at this address.
    pub(super) fn new(href: &str, conversation: Option<&Address>) -> Self {
        let below = conversation.and_then(|conversation| {
            let rest = href.strip_prefix(&*conversation.href)?;
            Some((Arc::clone(&conversation.href), rest))
        });
        match below {
            Some((base, rest)) => Self {
                base: Some(base),
                rest: rest.into(),
            },
            None => Self {
                base: None,
                rest: href.into(),
            },
        }
    }

    pub(super) fn href(&self) -> Cow<'_, str> {
        match &self.base {
            Some(base) => format!("{base}{}", self.rest).into(),
            None => (&*self.rest).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::config::{Root, SessionConfig};
    use crate::core::Core;

    #[test]
    fn a_link_below_the_conversation_shares_its_href_and_every_link_keeps_its_text() {
        let root = Root::Url("https://pool.contoso.com/".to_owned());
        let mut core = Core::new(SessionConfig::new(root, 1, SystemTime::UNIX_EPOCH));
        core.base = ucwa_proto::Origin::of("https://pool.contoso.com/").ok();
        let conversation = Address::of(&core, "/Conversations/1").unwrap();
        for href in [
            "/Conversations/1",
            "/Conversations/1/messaging",
            "/other",
            "",
        ] {
            assert_eq!(Link::new(href, Some(&conversation)).href(), href);
            assert_eq!(Link::new(href, None).href(), href);
        }
        let below = Link::new("/Conversations/1/messaging", Some(&conversation));
        assert!(Arc::ptr_eq(&below.base.unwrap(), &conversation.href));
        assert_eq!(&*below.rest, "/messaging");
    }
}
