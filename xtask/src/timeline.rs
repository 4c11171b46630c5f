//! `cargo xtask timeline`: a recording as a table that a person can read.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use conv_transport::{Entry, Har};
use jiff::Timestamp;
use ucwa_proto::{EventPage, Limits, Representation, Resource};

use crate::traffic;

/// Events are the last column, and some pages have many.
const HEADINGS: [&str; 6] = ["time", "lane", "method", "rel", "status", "events"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The HAR file
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match traffic::read(&arguments.file) {
        Ok(har) => {
            // Whoever reads it may have seen enough.
            let _ = io::stdout().write_all(table(&har).as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A line per exchange, in the order of sending: when it was sent, in seconds; its lane; its method; the relation by which
/// the server had named its path before, or else the path; its status; and the events of the page that came. No text of a
/// message is in it.
fn table(har: &Har) -> String {
    let entries: Vec<&Entry> = traffic::in_order(har).iter().map(|it| it.entry).collect();
    let started = |entry: &Entry| entry.started_date_time.parse::<Timestamp>().ok();
    let began = entries.iter().filter_map(|entry| started(entry)).min();
    let mut rels = Rels::default();
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for entry in entries {
        let seconds = started(entry)
            .zip(began)
            .map(|(at, began)| at.duration_since(began).as_secs_f64());
        let path = traffic::path_and_query(&entry.request.url);
        let rel = rels.of(&path);
        rows.push([
            seconds.map_or("-".to_owned(), |seconds| format!("{seconds:.3}")),
            traffic::lane(entry).to_owned(),
            entry.request.method.clone(),
            rel,
            traffic::status(entry),
            rels.learn(entry).join(", "),
        ]);
    }
    aligned(&rows)
}

fn aligned(rows: &[[String; 6]]) -> String {
    let mut widths = [0; 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// By which relation the server has named each path.
#[derive(Default)]
struct Rels(BTreeMap<String, String>);

impl Rels {
    fn of(&self, path: &str) -> String {
        let without_query = path.split('?').next().unwrap_or_default();
        let rel = self.0.get(path).or_else(|| self.0.get(without_query));
        rel.cloned().unwrap_or_else(|| path.to_owned())
    }

    /// The first name stays: it is the one by which the client came to know the path.
    fn add(&mut self, href: &str, rel: &str) {
        if rel != "self" && !rel.is_empty() && !href.starts_with("data:") {
            let path = traffic::path_and_query(href);
            self.0.entry(path).or_insert_with(|| rel.to_owned());
        }
    }

    /// Learns what the response names, and tells the events in it.
    fn learn(&mut self, entry: &Entry) -> Vec<String> {
        if let Some(href) = entry.response.headers.iter().find_map(|header| {
            header
                .value
                .split_once("href=\"")
                .filter(|_| header.name.eq_ignore_ascii_case("www-authenticate"))
        }) {
            self.add(href.1.split('"').next().unwrap_or_default(), "token");
        }
        let kind = entry.response.content.mime_type.as_str();
        let (Some(representation), Ok(body)) = (
            Representation::from_content_type(kind),
            entry.response.body(),
        ) else {
            return Vec::new();
        };
        let limits = Limits::default();
        if let Ok(page) = EventPage::decode(&body, representation, &limits)
            && let Some(follow) = &page.follow
        {
            self.add(follow.href(), follow.rel());
            return page
                .events()
                .map(|(sender, event)| {
                    self.add(&sender.href, &sender.rel);
                    self.add(&event.link.href, &event.link.rel);
                    if let Some(resource) = event.resource() {
                        self.resource(resource);
                    }
                    let status = event.status.as_ref().map(|status| format!(" {status}"));
                    let status = status.unwrap_or_default();
                    format!("{} {}{status}", event.link.rel, event.kind)
                })
                .collect();
        }
        if let Ok(resource) = Resource::decode(&body, representation, &limits) {
            self.resource(&resource);
        }
        Vec::new()
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        if let (Some(rel), Some(href)) = (resource.rel(), resource.href()) {
            self.add(href, rel);
        }
        for (rel, links) in &resource.links {
            for link in links.as_slice() {
                self.add(&link.href, rel);
            }
        }
        for (rel, embedded) in &resource.embedded {
            for resource in embedded.as_slice() {
                if let Some(href) = resource.href() {
                    self.add(href, rel);
                }
                self.resource(resource);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Fixture};

    fn lines(name: &str) -> Vec<Vec<String>> {
        let har = Fixture::read(&fixture::fixtures().join(name))
            .unwrap()
            .traffic;
        let cells = |line: &str| {
            let cells = line
                .split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty());
            cells.map(str::to_owned).collect()
        };
        table(&har).lines().map(cells).collect()
    }

    #[test]
    fn tells_the_story_in_both_representations_alike() {
        let json = lines("outgoing-declined-json");
        assert_eq!(json, lines("outgoing-declined-xml"));
        let has = |wanted: &[&str]| {
            json.iter()
                .any(|line| line.get(1..).is_some_and(|cells| cells == wanted))
        };
        assert_eq!(json[0], HEADINGS);
        for wanted in [
            &["commands", "POST", "token", "200"][..],
            &["commands", "POST", "applications", "201"],
            &["commands", "POST", "startMessaging", "201"],
            &["commands", "DELETE", "application", "204"],
        ] {
            assert!(has(wanted), "{wanted:?}: {json:#?}");
        }
        let declined = json.iter().flatten().find(|cell| cell.contains("Failure"));
        assert!(
            declined.is_some_and(|cell| cell.contains("messagingInvitation completed Failure")),
            "{json:#?}"
        );
    }

    #[test]
    fn holds_no_text_of_a_message() {
        let har = Fixture::read(&fixture::fixtures().join("outgoing-delivered-json"))
            .unwrap()
            .traffic;
        let table = table(&har);
        assert!(
            !table.contains("Lunch") && !table.contains("THVuY2"),
            "{table}"
        );
        assert_eq!(table.lines().count(), har.log.entries.len() + 1);
    }
}
