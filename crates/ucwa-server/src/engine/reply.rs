//! The results of handlers, and the responses made of them.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderName, HeaderValue, LOCATION,
};
use http::{Response, StatusCode};
use ucwa_proto::{Problem, Representation, Resource};

use super::Engine;
use super::events::spell_dates;

/// The header with the correlation ID, by which the logs of client and server name a request. Every response has it.
pub(super) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-id");

/// The result of a handler that succeeded.
#[derive(Debug)]
pub(super) enum Reply {
    /// No body.
    Done,
    /// No body, and the location of the operation that was started.
    Created(String),
    /// A resource. Its `etag` property is also sent as a header.
    Resource(Box<Resource<'static>>),
    /// 200 with a resource that existed before, where the documented status is 201.
    Existing(Box<Resource<'static>>),
    /// A complete response with its own status.
    Ready(Response<Bytes>),
    /// No response yet: a pending GET that waits.
    Parked,
}

impl From<()> for Reply {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Resource<'static>> for Reply {
    fn from(resource: Resource<'static>) -> Self {
        Self::Resource(Box::new(resource))
    }
}

/// The result of a handler that failed: an HTTP status and UCWA's code, subcode and message (`ErrorsAndInformationalMessages`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) subcode: Option<&'static str>,
    pub(super) message: &'static str,
}

impl Refusal {
    const fn new(
        status: StatusCode,
        code: &'static str,
        subcode: Option<&'static str>,
        message: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            subcode,
            message,
        }
    }

    pub(super) const fn bad_request(subcode: &'static str, message: &'static str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            Some(subcode),
            message,
        )
    }

    /// A field is missing, too long or invalid.
    pub(super) const fn parameter(message: &'static str) -> Self {
        Self::bad_request("ParameterValidationFailure", message)
    }

    pub(super) const fn conflict(subcode: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", Some(subcode), message)
    }

    pub(super) const FORBIDDEN: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        None,
        "The application belongs to another user.",
    );
    pub(super) const ANONYMOUS_NOT_ALLOWED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        Some("AnonymousNotAllowed"),
        "This isn't for guests.",
    );
    pub(super) const ANOTHER_CONFERENCE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        None,
        "The token is for another conference.",
    );
    pub(super) const NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        None,
        "There is no such resource.",
    );
    pub(super) const APPLICATION_NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        Some("ApplicationNotFound"),
        "The application doesn't exist.",
    );
    pub(super) const LIMIT_EXCEEDED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        Some("LimitExceeded"),
        "The application watches too many people.",
    );
    pub(super) const NO_ENTERPRISE_VOICE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        None,
        "The user has no enterprise voice.",
    );
    pub(super) const API_VERSION_NOT_SUPPORTED: Self = Self::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        Some("APIVersionNotSupported"),
        "The server doesn't have this revision of the resource.",
    );
    pub(super) const TOO_MANY_LISTED: Self =
        Self::conflict("LimitExceeded", "The contact list is full.");
    pub(super) const TOO_MANY_DELEGATES: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        Some("LimitExceeded"),
        "The user has too many delegates.",
    );
    pub(super) const TOO_MANY_GROUPS: Self =
        Self::conflict("TooManyGroups", "The contact list has too many groups.");
    pub(super) const TOO_MANY_CONTACTS: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        Some("TooManyContacts"),
        "The group has too many members.",
    );
    pub(super) const CONTACT_EXISTS: Self =
        Self::conflict("AlreadyExists", "The contact list has it already.");
    pub(super) const GROUP_EXISTS: Self =
        Self::conflict("AlreadyExists", "Another group has this name.");
    pub(super) const OPERATION_NOT_SUPPORTED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        Some("OperationNotSupported"),
        "The group has no memberships, and no contact can be added to it.",
    );
    pub(super) const NOT_THE_USERS_GROUP: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        None,
        "The group belongs to the organization.",
    );
    pub(super) const MAKE_ME_AVAILABLE_REQUIRED: Self = Self::conflict(
        "MakeMeAvailableRequired",
        "The application has to be made available first.",
    );
    pub(super) const CONVERSATION_NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        Some("ConversationNotFound"),
        "The conversation doesn't exist.",
    );
    pub(super) const TOO_MANY_APPLICATIONS: Self = Self::new(
        StatusCode::GONE,
        "Gone",
        Some("TooManyApplications"),
        "The user has too many applications.",
    );
    pub(super) const APPLICATION_EXPIRED: Self = Self::new(
        StatusCode::GONE,
        "Gone",
        Some("InactiveApplicationExpired"),
        "The application was inactive for too long.",
    );
    pub(super) const NOT_LEADING: Self = Self::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        None,
        "Only leaders can do this.",
    );
    pub(super) const MEETING_NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        Some("DestinationNotFound"),
        "The conference doesn't exist.",
    );
    pub(super) const METHOD_NOT_ALLOWED: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        None,
        "The resource doesn't take this method.",
    );
    pub(super) const NOT_ACCEPTABLE: Self = Self::new(
        StatusCode::NOT_ACCEPTABLE,
        "NotAcceptable",
        None,
        "Neither JSON nor XML is acceptable to the client.",
    );
    pub(super) const UNSUPPORTED_MEDIA_TYPE: Self = Self::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        None,
        "The content-type isn't supported.",
    );
    pub(super) const MALFORMED: Self = Self::bad_request(
        "DeserializationFailure",
        "The body couldn't be deserialized.",
    );
    pub(super) const NOT_IN_A_BATCH: Self = Self::bad_request(
        "ParameterValidationFailure",
        "The part is no request, or one that can't be made in a batch.",
    );
    pub(super) const TOO_MANY_REQUESTS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        None,
        "Too many requests are outstanding; none was executed.",
    );
    pub(super) const PRECONDITION_REQUIRED: Self = Self::new(
        StatusCode::PRECONDITION_REQUIRED,
        "PreconditionRequired",
        None,
        "A PUT needs an If-Match header.",
    );
    pub(super) const PRECONDITION_FAILED: Self = Self::new(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailed",
        None,
        "The resource has changed since it was read.",
    );
    pub(super) const PGET_REPLACED: Self = Self::conflict(
        "PGetReplaced",
        "Another pending GET took the place of this one.",
    );

    pub(super) fn problem(self) -> Problem<'static> {
        problem(self.code, self.subcode, self.message)
    }
}

/// The body of an error, or the reason of an event.
pub(super) fn problem(
    code: &'static str,
    subcode: Option<&'static str>,
    message: &'static str,
) -> Problem<'static> {
    let problem = Problem::new(code).with_message(message);
    match subcode {
        Some(subcode) => problem.with_subcode(subcode),
        None => problem,
    }
}

impl Engine {
    /// The response for the result of a handler, with this status of success. `None` for a pending GET that waits.
    pub(super) fn response(
        &self,
        answer: Result<Reply, Refusal>,
        status: StatusCode,
        representation: Representation,
    ) -> Option<Response<Bytes>> {
        match answer {
            Ok(Reply::Done) => Some(self.bare(status)),
            Ok(Reply::Created(location)) => {
                let mut response = self.bare(status);
                set(&mut response, LOCATION, &location);
                Some(response)
            }
            Ok(Reply::Resource(resource)) => {
                Some(self.with_resource(status, *resource, representation))
            }
            Ok(Reply::Existing(resource)) => {
                Some(self.with_resource(StatusCode::OK, *resource, representation))
            }
            Ok(Reply::Ready(response)) => Some(response),
            Ok(Reply::Parked) => None,
            Err(refusal) => Some(self.refusal(refusal, representation)),
        }
    }

    fn with_resource(
        &self,
        status: StatusCode,
        mut resource: Resource<'static>,
        representation: Representation,
    ) -> Response<Bytes> {
        spell_dates(&mut resource, representation);
        let mut response = self.with_body(status, representation, resource.encode(representation));
        if let Some(etag) = resource.etag() {
            set(&mut response, ETAG, &format!("\"{etag}\""));
        }
        response
    }

    pub(super) fn refusal(
        &self,
        refusal: Refusal,
        representation: Representation,
    ) -> Response<Bytes> {
        let body = refusal.problem().encode(representation);
        self.with_body(refusal.status, representation, body)
    }

    pub(super) fn with_body(
        &self,
        status: StatusCode,
        representation: Representation,
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        self.with_content(
            status,
            &format!("{}; charset=utf-8", representation.content_type()),
            body,
        )
    }

    pub(super) fn with_content(
        &self,
        status: StatusCode,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        let mut response = self.bare(status);
        set(&mut response, CONTENT_TYPE, content_type);
        *response.body_mut() = body.into();
        response
    }

    /// A response without a body, with the headers of every response.
    pub(super) fn bare(&self, status: StatusCode) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        set(&mut response, CACHE_CONTROL, "no-cache");
        set(&mut response, DATE, &httpdate::fmt_http_date(self.wall()));
        set(
            &mut response,
            HeaderName::from_static("x-ms-server-fqdn"),
            &self.fqdn(),
        );
        response
    }
}

/// The ETag of content that has no version: the FNV-1a hash of its bytes.
pub(super) fn checksum(bytes: &[u8]) -> String {
    let checksum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    checksum.to_string()
}

/// Sets a header. Does nothing if the value is not a valid header value.
pub(super) fn set(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Removes the body of a response to HEAD, and sets its length.
pub(super) fn leave_out_body(response: &mut Response<Bytes>) {
    let length = std::mem::take(response.body_mut()).len();
    set(response, CONTENT_LENGTH, &length.to_string());
}

/// Adds a value to a header.
pub(super) fn append(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}
