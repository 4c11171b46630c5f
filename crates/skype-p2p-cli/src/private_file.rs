//! Files that only their owner can read.

use std::fs::{File, OpenOptions};

/// Options with which a new file gets the mode 0600. On Windows the folder of the user has that protection.
pub(crate) fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "the mode"))]
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}
