//! The command line of skype-p2p.
fn main() {}
