//! `search`: finds people by name or address.

use clap::{Args, builder::NonEmptyStringValueParser};
use serde::Serialize;
use skype_p2p::Person;

use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    json_line::{self, LineFormat, VERSION},
    session::{Session, SessionOptions, address, refused},
    timeline::printable,
};

/// The options of `search`.
#[derive(Debug, Args)]
pub struct Search {
    /// The name or the address, or a part of it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub query: String,
    /// The largest number of results, at most 100
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The JSON object of a person.
#[derive(Serialize)]
struct Json {
    version: u32,
    event: &'static str,
    uri: String,
    name: String,
    title: Option<String>,
    department: Option<String>,
    company: Option<String>,
    office: Option<String>,
    emails: Vec<String>,
    phone_numbers: Vec<Phone>,
}

#[derive(Serialize)]
struct Phone {
    kind: String,
    number: String,
}

pub(crate) async fn run(
    args: Search,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    let session = Session::new(&args.session, settings, console)?;
    let manager = session.application().persons_and_groups_manager();
    session
        .run(async |output| {
            let found = manager.search(&args.query, args.limit).await;
            let found = found.map_err(|reason| refused("Cannot search", &reason))?;
            for person in &found.persons {
                output.line(if args.lines.json {
                    object(person)
                } else {
                    text(person)
                });
            }
            if found.more_available {
                console.notice("There are more results. --limit allows up to 100.");
            }
            if found.persons.is_empty() {
                console.notice("No person was found.");
                return Ok(End::NotDone);
            }
            Ok(End::Well)
        })
        .await
}

fn text(person: &Person) -> String {
    let mut line = format!("{:<24} {}", address(person), person.display_name().get());
    for part in [
        person.title().get(),
        person.department().get(),
        person.office().get(),
    ] {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            line.push_str(", ");
            line.push_str(&part);
        }
    }
    printable(&line)
}

fn object(person: &Person) -> String {
    let phone_numbers = person.phone_numbers().get().into_iter();
    let json = Json {
        version: VERSION,
        event: "person",
        uri: person.id().get(),
        name: person.display_name().get(),
        title: person.title().get(),
        department: person.department().get(),
        company: person.company().get(),
        office: person.office().get(),
        emails: person.emails().get(),
        phone_numbers: phone_numbers
            .map(|phone| Phone {
                kind: phone.kind,
                number: phone.number,
            })
            .collect(),
    };
    json_line::line(&json)
}
