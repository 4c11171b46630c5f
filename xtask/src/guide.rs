//! The code blocks of README.md and of the guide in `docs/`, compiled and run as documentation tests.
