//! Pluggable HTTP transports with recording and replay on HAR files.
