//! The code blocks of README.md and of the guide in `docs/`, compiled and run as documentation tests.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/alert.md")]
struct Alert;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/backend.md")]
struct Backend;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/bot.md")]
struct Bot;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/company.md")]
struct Company;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/conferences.md")]
struct Conferences;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/contacts.md")]
struct Contacts;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/crates.md")]
struct Crates;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/failures.md")]
struct Failures;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/first-chat.md")]
struct FirstChat;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/handover.md")]
struct Handover;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/history.md")]
struct History;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/model.md")]
struct Model;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/people.md")]
struct People;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/servers.md")]
struct Servers;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/testing.md")]
struct Testing;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/terminal.md")]
struct Terminal;

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/transports.md")]
struct Transports;
