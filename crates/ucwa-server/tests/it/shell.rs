//! The shell over loopback.
