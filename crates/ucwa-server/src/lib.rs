//! A UCWA 2.0 server in memory, for development and tests.
