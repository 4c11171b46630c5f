//! Peer-to-peer chat on Skype for Business Server.
