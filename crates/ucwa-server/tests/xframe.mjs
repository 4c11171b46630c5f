// Takes the part of the parent page of the cross-domain frame: loads the script of the frame, sends the documented messages, and
// checks
// the answers. Arguments: the root URL, an allowed origin, a user and the password.

import assert from "node:assert";

const [root, page, user, password] = process.argv.slice(2);
const links = (await (await fetch(root)).json())._links;
const html = await (await fetch(links.xframe.href)).text();
const script = html.split("<script>")[1].split("</script>")[0];

// The members of a window that the script uses.
let listener;
const answers = [];
const parent = {
  postMessage: (text, target) => answers.push({ target, answer: JSON.parse(text) }),
};
const location = new URL(links.xframe.href);
const addEventListener = (_, added) => (listener = added);
new Function("parent", "location", "addEventListener", script)(parent, location, addEventListener);

async function post(data, { origin = page, source = parent } = {}) {
  answers.length = 0;
  await listener({ data, origin, source });
  return answers[0];
}
const send = async (request) => (await post(JSON.stringify(request))).answer;

// The challenge of the user resource, which a page can read.
let answer = await send({ url: links.user.href, type: "GET", accepts: "application/json", messageId: "1" });
assert.equal(answer.status, 401);
assert.equal(answer.messageId, "1");
assert.match(answer.headers, /^www-authenticate: .*MsRtcOAuth/m);

// A token. The form is a string.
const form = `grant_type=password&username=${user}&password=${encodeURIComponent(password)}`;
answer = await send({
  url: "/WebTicket/oauthtoken",
  type: "post",
  data: form,
  contentType: "application/x-www-form-urlencoded;charset=UTF-8",
  messageId: { any: "value" },
});
assert.equal(answer.status, 200);
assert.deepEqual(answer.messageId, { any: "value" });
const token = JSON.parse(answer.responseText).access_token;

// A header of the page, and a query in `data`.
answer = await send({
  url: links.user.href,
  data: { low: "1" },
  headers: { Authorization: `Bearer ${token}` },
});
assert.equal(answer.status, 200, answer.responseText);
assert.equal(typeof answer.statusText, "string");

// A POST without a body has a length.
answer = await send({ url: "/WebTicket/oauthtoken", type: "POST" });
assert.notEqual(answer.status, 411);

// Another server, and invalid URLs.
for (const url of ["https://evil.example/", "http://", "javascript:alert(1)"]) {
  answer = await send({ url, type: "GET", messageId: 7 });
  assert.equal(answer.status, 0, url);
  assert.equal(answer.messageId, 7);
}

// Other pages and windows, and messages that are not requests, get no answer.
const request = JSON.stringify({ url: links.user.href, type: "GET" });
assert.equal(await post(request, { origin: "https://evil.example" }), undefined);
assert.equal(await post(request, { origin: "null" }), undefined);
assert.equal(await post(request, { source: {} }), undefined);
for (const data of ["no JSON", "null", "7", undefined]) {
  assert.equal(await post(data), undefined, data);
}

// An answer is posted to the origin of the request only.
assert.equal((await post(request)).target, page);
console.log("ok");
