// A chat client for browsers and Node.js. It follows the links of UCWA with fetch(), and does the steps of a scenario's user.
//
// The client shares no code with this project. It generates its own endpointId, operationId and sessionContext. In a browser it runs
// in a page of the server's origin, as an application of this kind does in a hidden frame.

async function play(root, user, password, other, steps) {
  const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));
  const events = new EventTarget();
  const closing = new AbortController();
  const incoming = [];
  let token, application, conversation, sendMessage, invitation;

  async function ask(method, href, { body, type, signal } = {}) {
    const headers = { Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (type) headers["Content-Type"] = type;
    const url = new URL(href, root);
    const response = await fetch(url, { method, headers, body, signal, cache: "no-store" });
    const text = await response.text();
    const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
    return { response, page: isJson ? JSON.parse(text) : undefined };
  }

  const json = (value) => ({ body: JSON.stringify(value), type: "application/json" });
  const link = (resource, rel) => resource._links[rel].href;

  function until(condition) {
    return new Promise((done) => {
      const look = () => condition() && (events.removeEventListener("page", look), done());
      events.addEventListener("page", look);
      look();
    });
  }

  // One request for events at a time, and the next one before anything else.
  async function listen(href) {
    while (true) {
      let page;
      try {
        ({ page } = await ask("GET", href, { signal: closing.signal }));
      } catch {
        return;
      }
      href = link(page, "next");
      setTimeout(() => heed(page));
    }
  }

  function heed(page) {
    for (const sender of page.sender ?? []) {
      for (const event of sender.events) {
        const { rel, href } = event.link;
        const resource = event._embedded?.[rel];
        if (rel === "participant" && event.type === "added" && !resource) ask("GET", href);
        if (rel === "conversation") conversation = event.type === "deleted" ? undefined : href;
        if (rel === "messagingInvitation" && resource?._links.accept) invitation = resource;
        if (rel === "messaging") sendMessage = resource?._links.sendMessage?.href;
        if (rel === "message" && resource?.direction === "Incoming") {
          const [, text] = link(resource, "plainMessage").split(/,(.*)/s);
          incoming.push(decodeURIComponent(text.replaceAll("+", " ")));
        }
      }
    }
    events.dispatchEvent(new Event("page"));
  }

  const doing = {
    async sign_in() {
      const discovered = await ask("GET", "/");
      const home = link(discovered.page, "user");
      const challenged = await ask("GET", home);
      // Firefox hides a header WWW-Authenticate that a response has twice. Then the token service is at its usual address.
      const challenge = challenged.response.headers.get("WWW-Authenticate");
      const [, tickets] = challenge?.match(/MsRtcOAuth href="([^"]*)"/) ?? [, "/WebTicket/oauthtoken"];
      const form = new URLSearchParams({ grant_type: "password", username: user.replace("sip:", ""), password });
      const ticket = await ask("POST", tickets, { body: form.toString(), type: "application/x-www-form-urlencoded" });
      token = ticket.page.access_token;
      const found = await ask("GET", home);
      const created = await ask("POST", link(found.page, "applications"), json({
        userAgent: "A page with a chat",
        endpointId: crypto.randomUUID(),
        culture: "en-US",
      }));
      await ask("POST", link(created.page._embedded.me, "makeMeAvailable"), json({
        supportedModalities: ["Messaging"],
        supportedMessageFormats: ["Plain", "Html"],
        signInAs: "Online",
      }));
      const self = link(created.page, "self");
      ({ page: application } = await ask("GET", self));
      listen(link(application, "events"));
    },

    async send({ text }) {
      if (conversation) {
        await until(() => sendMessage);
        const href = `${sendMessage}?operationId=${crypto.randomUUID()}`;
        await ask("POST", href, { body: text, type: "text/plain;charset=utf-8" });
        return;
      }
      const bytes = new TextEncoder().encode(text);
      const first = `data:text/plain;base64,${btoa(String.fromCharCode(...bytes))}`;
      await ask("POST", link(application._embedded.communication, "startMessaging"), json({
        importance: "Normal",
        sessionContext: crypto.randomUUID(),
        to: other,
        operationId: crypto.randomUUID(),
        _links: { message: { href: first } },
      }));
      await until(() => sendMessage);
    },

    async accept() {
      await until(() => invitation);
      await ask("POST", link(invitation, "accept"));
      await until(() => sendMessage);
    },

    async see({ event, new: text }) {
      if (event !== "messages.added") throw new Error(`a page cannot see ${event}`);
      await until(() => incoming.includes(text));
    },

    async see_end() {
      await until(() => !conversation);
    },

    async leave() {
      const left = conversation;
      await ask("DELETE", left);
      await until(() => conversation !== left);
    },

    async sign_out() {
      await ask("DELETE", link(application, "self"));
      closing.abort();
    },

    wait: ({ seconds: count }) => seconds(count),
  };

  for (const { do: name, ...step } of steps) {
    if (!doing[name]) throw new Error(`a page cannot ${name}`);
    // The program that drives the page reads it.
    globalThis.step = name;
    await doing[name](step);
  }
}
