//! The server's side of the world: requests that arrive, responses that leave, and the faults of the server.

use bytes::Bytes;
use http::header::DATE;
use http::{Request, Response, StatusCode};
use std::time::Duration;
use ucwa_server::{Fault, Input, Output};

use super::{Outage, Site, World};
use crate::attacker::attacker_response;
use crate::coverage::CoveragePoint;
use crate::endpoint::EndpointId;
use crate::http_faults::{RequestDecision, page};
use crate::network::ExchangeId;

impl World {
    /// Injects a fault into the server.
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.trace
            .note(self.now, "server", format_args!("inject {fault:?}"));
        self.engine.inject(self.now, fault);
        self.forward_responses();
    }

    /// Sends the last pending GET of a session once more, as a second process with the same application would, and closes
    /// the connection.
    pub(crate) fn replace_poll(&mut self, id: EndpointId) {
        let poll = self.endpoints.get(id.0).and_then(|it| it.last_poll.clone());
        let Some(request) = poll else { return };
        let exchange = self.network.foreign_exchange();
        self.trace.note(
            self.now,
            "server",
            format_args!("{} replaces a pending GET", exchange.0),
        );
        let id = ucwa_server::RequestId(exchange.0);
        self.engine.handle(self.now, Input::Request { id, request });
        self.forward_responses();
        self.network.abort(self.now, exchange);
    }

    /// Begins an outage: connections are refused, or a proxy answers in place of the server.
    pub(crate) fn begin_outage(&mut self, length: Duration, behind_proxy: bool) {
        let until = self.now + length;
        let text = format_args!("outage until {until:?}");
        self.trace.note(self.now, "server", text);
        self.outage = Some(Outage {
            until,
            behind_proxy,
        });
    }

    /// Closes every connection to the server.
    pub(crate) fn cut_connections(&mut self) {
        self.trace
            .note(self.now, "network", format_args!("every connection closes"));
        self.network.cut_all(self.now);
    }

    pub(super) fn wake_engine(&mut self) {
        self.engine.handle(self.now, Input::Timeout);
        self.forward_responses();
    }

    pub(super) fn on_disconnect(&mut self, id: ExchangeId) {
        let id = ucwa_server::RequestId(id.0);
        self.engine.handle(self.now, Input::Disconnected { id });
        self.forward_responses();
    }

    pub(super) fn on_request(&mut self, id: ExchangeId, mut request: Request<Bytes>) {
        if self.exchanges.get(&id).map(|it| it.site) == Some(Some(Site::Attacker)) {
            let response = attacker_response(&request);
            return self.respond(id, response);
        }
        if let Some(outage) = self.outage.filter(|outage| self.now < outage.until) {
            return self.answer_during_outage(id, outage);
        }
        if self.malformed_pages.on_request(&request) {
            self.injected_faults
                .insert(id, CoveragePoint::ApplicationReread);
        }
        let wall = self.server_wall();
        match self.http_fault_injector.on_request(wall, &mut request) {
            RequestDecision::Forwarded => {}
            RequestDecision::TokenRemoved => {
                self.injected_faults.insert(id, CoveragePoint::Unauthorized);
            }
            RequestDecision::Answered(point, response) => {
                let text = format_args!("{} is refused: {}", id.0, response.status());
                self.trace.note(self.now, "fault", text);
                self.injected_faults.insert(id, point);
                return self.respond(id, response);
            }
        }
        let id = ucwa_server::RequestId(id.0);
        let input = Input::Request { id, request };
        self.trace
            .note(self.now, "server", format_args!("{input:?}"));
        self.engine.handle(self.now, input);
        self.forward_responses();
    }

    fn answer_during_outage(&mut self, id: ExchangeId, outage: Outage) {
        if outage.behind_proxy {
            self.injected_faults
                .insert(id, CoveragePoint::OutageBehindProxy);
            let response = page(StatusCode::SERVICE_UNAVAILABLE);
            self.respond(id, response);
        } else {
            self.injected_faults.insert(id, CoveragePoint::Outage);
            self.network.refuse_connection(self.now, id);
        }
    }

    /// The malformed page that arrives in place of a response, if the response is to a poll.
    fn malformed_page(
        &mut self,
        id: ExchangeId,
        response: &Response<Bytes>,
    ) -> Option<(CoveragePoint, Response<Bytes>)> {
        let poll = self.exchanges.get(&id)?.poll.as_ref()?;
        let (point, page) = self.malformed_pages.on_page(poll, response)?;
        if point == CoveragePoint::MalformedEvent {
            self.oracle.on_page_changed(id, &page);
        }
        Some((point, page))
    }

    /// Sends a response that is not the engine's.
    fn respond(&mut self, id: ExchangeId, mut response: Response<Bytes>) {
        self.date(&mut response);
        self.network.respond(self.now, id, response);
    }

    /// Adds the `Date` header.
    fn date(&self, response: &mut Response<Bytes>) {
        if self.date_headers
            && let Ok(date) = httpdate::fmt_http_date(self.server_wall()).parse()
        {
            response.headers_mut().insert(DATE, date);
        }
    }

    /// Passes the engine's responses to the network, with HTTP faults injected.
    fn forward_responses(&mut self) {
        loop {
            match self.engine.poll_output() {
                Output::Reply { id, response } => {
                    let id = ExchangeId(id.0);
                    self.trace.note(
                        self.now,
                        "server",
                        format_args!("reply {} {}", id.0, response.status()),
                    );
                    self.oracle.on_answered(id, &response);
                    let changed = self
                        .http_fault_injector
                        .on_response(&response, Self::POOL)
                        .or_else(|| self.malformed_page(id, &response));
                    if let Some((point, changed)) = &changed {
                        let text = format_args!("{} is {point}: {}", id.0, changed.status());
                        self.trace.note(self.now, "fault", text);
                        self.injected_faults.insert(id, *point);
                    }
                    let mut response = changed.map_or(response, |(_, changed)| changed);
                    self.date(&mut response);
                    if let Some(later) = self.http_fault_injector.duplicate_delay() {
                        let at = self.now + later;
                        self.network.duplicate(at, id, response.clone());
                    }
                    self.network.respond(self.now, id, response);
                }
                Output::Idle { wake_at } => {
                    self.engine_wake_at = wake_at;
                    return;
                }
                _ => {}
            }
        }
    }
}
