//! The types of the table of resources in `routes.rs`, and the search for the row of a path.

use http::StatusCode;
use ucwa_proto::Representation;

use super::Engine;
use super::exchange::Exchange;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::reply::{Refusal, Reply};
use super::routes;

/// The path of `applications`; below it are the resources of each application.
pub(super) const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

/// The maximum number of segments of a path below the application, or of another path of the server.
const DEEPEST: usize = 8;

/// A resource: its path and its methods.
pub(super) struct Row {
    /// The rel, in snake case.
    pub(super) name: &'static str,
    /// The path, for resources of an application the part below the application. A segment in braces is a parameter.
    pub(super) template: &'static str,
    /// The number of segments of the template.
    pub(super) length: usize,
    pub(super) operations: &'static [Operation],
}

/// A method of a resource.
pub(super) struct Operation {
    pub(super) method: &'static str,
    /// The documented status of success.
    pub(super) status: StatusCode,
    /// The media type of the response, if it is neither JSON nor XML.
    pub(super) content: Option<&'static str>,
    pub(super) handler: Handler,
}

/// The handler of a method.
pub(super) enum Handler {
    /// Needs no token.
    Open(fn(&mut Engine, &Exchange<'_>) -> Result<Reply, Refusal>),
    /// Needs the token of a user, and gets the user's address.
    User(fn(&mut Engine, &Exchange<'_>, &str) -> Result<Reply, Refusal>),
    /// Needs the token of the user of the application.
    Application(fn(&mut Engine, &At<'_>) -> Result<Reply, Refusal>),
}

impl Row {
    /// Whether the resource needs no token.
    pub(super) fn is_open(&self) -> bool {
        let mut operations = self.operations.iter();
        operations.all(|operation| matches!(operation.handler, Handler::Open(_)))
    }

    /// The operation of a method. HEAD has the operation of GET.
    pub(super) fn operation(&self, method: &str) -> Option<&'static Operation> {
        let method = if method == "HEAD" { "GET" } else { method };
        self.operations
            .iter()
            .find(|operation| operation.method == method)
    }

    /// The methods as an `Allow` header lists them.
    pub(super) fn methods(&self) -> String {
        let methods = self.operations.iter().map(|operation| operation.method);
        methods.collect::<Vec<_>>().join(", ")
    }

    fn serves(&self, segments: &[&str]) -> bool {
        self.length == segments.len()
            && self
                .template
                .split('/')
                .skip(1)
                .zip(segments)
                .all(|(own, given)| is_parameter(own) || own.eq_ignore_ascii_case(given))
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// The number of segments of a template.
pub(super) const fn length(template: &str) -> usize {
    let mut left = template.as_bytes();
    let mut count = 0;
    while let [first, rest @ ..] = left {
        if *first == b'/' {
            count += 1;
        }
        left = rest;
    }
    count
}

/// The status with this number.
pub(super) const fn status(number: u16) -> StatusCode {
    match number {
        201 => StatusCode::CREATED,
        204 => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    }
}

/// A path in lower case, percent-decoded: like IIS, the server ignores case, and `%40` means `@`. `None` if the path is not
/// UTF-8.
pub(super) fn normalized(path: &str) -> Option<String> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8();
    Some(path.ok()?.to_lowercase())
}

/// The row of a path.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) row: &'static Row,
    /// The application, if the resource is below one.
    pub(super) application: Option<ApplicationId>,
    segments: [&'a str; DEEPEST],
}

impl<'a> Route<'a> {
    /// Finds the row of a normalized path: the first one that serves it.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let below = path
            .strip_prefix(APPLICATIONS)
            .and_then(|below| below.strip_prefix('/'))
            .filter(|below| !below.is_empty());
        let (application, rows, path) = match below {
            None => (None, routes::SERVER, path),
            Some(below) => {
                let (id, path) = below.split_once('/').unwrap_or((below, ""));
                (Some(ApplicationId::parse(id)?), routes::APPLICATION, path)
            }
        };
        let mut segments = [""; DEEPEST];
        let mut length = 0;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            *segments.get_mut(length)? = segment;
            length += 1;
        }
        let given = segments.get(..length)?;
        let row = rows.iter().find(|row| row.serves(given))?;
        Some(Self {
            row,
            application,
            segments,
        })
    }

    fn parameters(&self) -> impl Iterator<Item = &'a str> {
        let own = self.row.template.split('/').skip(1);
        own.zip(self.segments)
            .filter(|(own, _)| is_parameter(own))
            .map(|(_, given)| given)
    }
}

/// A request to a resource of an application.
pub(super) struct At<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) application: ApplicationId,
    pub(super) representation: Representation,
    pub(super) route: Route<'a>,
}

impl<'a> At<'a> {
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'a str> {
        self.route.parameters()
    }
}

/// A parameter of a path. The ID of another application's object is not found.
pub(super) trait Parameter<'a>: Sized {
    fn read(text: &'a str, engine: &Engine, application: ApplicationId) -> Result<Self, Refusal>;
}

impl Parameter<'_> for MeetingId {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        Self::parse(text).ok_or(Refusal::NOT_FOUND)
    }
}

/// Reads the next parameter of a path.
pub(super) fn read<'a, P: Parameter<'a>>(
    parameters: &mut impl Iterator<Item = &'a str>,
    engine: &Engine,
    application: ApplicationId,
) -> Result<P, Refusal> {
    let text = parameters.next().ok_or(Refusal::NOT_FOUND)?;
    P::read(text, engine, application)
}

impl<'a> Parameter<'a> for &'a str {
    fn read(text: &'a str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        Ok(text)
    }
}

impl Parameter<'_> for u64 {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        text.parse().map_err(|_| Refusal::NOT_FOUND)
    }
}

impl Parameter<'_> for usize {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        text.parse().map_err(|_| Refusal::NOT_FOUND)
    }
}

impl Parameter<'_> for ConversationId {
    fn read(text: &str, engine: &Engine, application: ApplicationId) -> Result<Self, Refusal> {
        let id = Self::parse(text).ok_or(Refusal::NOT_FOUND)?;
        engine.check_conversation(application, id)?;
        Ok(id)
    }
}

impl Parameter<'_> for InvitationId {
    fn read(text: &str, engine: &Engine, application: ApplicationId) -> Result<Self, Refusal> {
        let id = Self::parse(text).ok_or(Refusal::NOT_FOUND)?;
        engine.check_invitation(application, id)?;
        Ok(id)
    }
}

/// Declares the table of resources.
///
/// A row has a name, parameters with their types, and a template of the path. Each method has the status of success and a handler.
/// For each row there is a function of the same name, which builds the href.
macro_rules! resources {
    (
        open { $(
            $(#[$open_attribute:meta])*
            $open:ident $open_template:literal {
                $($open_method:ident $open_status:literal $($open_content:literal)? => $open_handler:expr;)+
            }
        )+ }
        user { $(
            $user:ident $user_template:literal {
                $($user_method:ident $user_status:literal => $user_handler:expr;)+
            }
        )+ }
        application { $(
            $name:ident $parameters:tt $template:literal {
                $($method:ident $status:literal $($content:literal)? => |$engine:ident, $at:ident| $handle:expr;)+
            }
        )+ }
    ) => {
        $(
            $(#[$open_attribute])*
            pub(super) fn $open() -> &'static str {
                $open_template
            }
        )+
        $(
            pub(super) fn $user() -> &'static str {
                $user_template
            }
        )+
        $(
            resources!(@href $name $parameters $template);
        )+

        /// The resources of the server itself.
        pub(super) static SERVER: &[Row] = &[
            $(Row {
                name: stringify!($open),
                template: $open_template,
                length: routing::length($open_template),
                operations: &[$(Operation {
                    method: stringify!($open_method),
                    status: routing::status($open_status),
                    content: resources!(@content $($open_content)?),
                    handler: Handler::Open($open_handler),
                }),+],
            },)+
            $(Row {
                name: stringify!($user),
                template: $user_template,
                length: routing::length($user_template),
                operations: &[$(Operation {
                    method: stringify!($user_method),
                    status: routing::status($user_status),
                    content: None,
                    handler: Handler::User($user_handler),
                }),+],
            },)+
        ];

        /// The resources of each application.
        pub(super) static APPLICATION: &[Row] = &[
            $(Row {
                name: stringify!($name),
                template: $template,
                length: routing::length($template),
                operations: &[$(Operation {
                    method: stringify!($method),
                    status: routing::status($status),
                    content: resources!(@content $($content)?),
                    handler: resources!(@handler $parameters $engine $at $handle),
                }),+],
            },)+
        ];
    };
    (@href $name:ident ($($parameter:ident: $type:ty),*) $template:literal) => {
        pub(super) fn $name(application: ApplicationId, $($parameter: $type),*) -> String {
            below(application, format_args!($template))
        }
    };
    (@handler ($($parameter:ident: $type:ty),*) $engine:ident $at:ident $handle:expr) => {{
        #[allow(unused_mut, unused_variables, reason = "a row may have no parameters")]
        fn handle($engine: &mut Engine, $at: &At<'_>) -> Result<Reply, Refusal> {
            let mut parameters = $at.parameters();
            $(let $parameter: $type = routing::read(&mut parameters, $engine, $at.application)?;)*
            $handle.map(Reply::from)
        }
        Handler::Application(handle)
    }};
    (@content) => { None };
    (@content $content:literal) => { Some($content) };
}
pub(super) use resources;
