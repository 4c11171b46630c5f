#!/usr/bin/env python3
"""The user of a scenario, played by a page in Chromium.

    chromium.py ROOT_URL SCENARIO

ROOT_URL is where discovery begins, SCENARIO a scenario.toml, and SKYPE_P2P_PASSWORD holds the password of its user. The page
(chat.js) does the user's steps; then the developer tools of Chromium export what they saw in their network panel, as their
menu does ("Save all as HAR with content"), to standard output. It needs Chromium (or CHROMIUM, a path) and nothing of Python
but its standard library.
"""

import json
import os
import pathlib
import sys
import time
import tomllib
import urllib.parse

from devtools import Page, chromium, open_page

# The exporter of the developer tools' own network panel. Its progress bar is not there.
EXPORT = """(async () => {
  const har = await import('./models/har/har.js');
  const logs = await import('./models/logs/logs.js');
  const requests = logs.NetworkLog.NetworkLog.instance().requests();
  const bar = { canceled: false, isCanceled: () => false, done() {}, createSubProgress: () => bar,
    setTotalWork() {}, setTitle() {}, setWorked() {}, incrementWorked() {} };
  let file = '';
  const stream = { write: async (text) => { file += text; return true; } };
  await har.Writer.Writer.write(stream, requests, { sanitize: false }, bar);
  return file;
})()"""

# The network panel listens, and knows the page.
LISTENS = """import('./core/sdk/sdk.js').then((sdk) =>
  sdk.TargetManager.TargetManager.instance().models(sdk.NetworkManager.NetworkManager).length > 0)"""


def exported(tools, root, script):
    target = open_page(tools, "about:blank")
    page = Page(target["webSocketDebuggerUrl"])
    socket_of_page = target["webSocketDebuggerUrl"].removeprefix("ws://")
    panel = Page(open_page(tools, f"{tools}/devtools/devtools_app.html?ws={socket_of_page}")["webSocketDebuggerUrl"])
    panel.until("location.pathname.startsWith('/devtools/') && document.readyState == 'complete'")
    panel.until(LISTENS)

    # Any page of the server's gives the script its origin; this is the one meant for it.
    page.call("Page.navigate", url=urllib.parse.urljoin(root, "/Autodiscover/XFrame/XFrame.html"))
    page.until(f"location.href.startsWith({json.dumps(root)}) && document.readyState == 'complete'")
    page.evaluate(script)
    # The panel hears of the last answers a moment later.
    time.sleep(1)
    return panel.evaluate(EXPORT)


def main():
    root, path = sys.argv[1:]
    scenario = tomllib.loads(pathlib.Path(path).read_text())
    user, other = scenario["user"], scenario["other"]
    part = [root, user["address"], os.environ["SKYPE_P2P_PASSWORD"], other["address"], user["steps"]]
    client = pathlib.Path(__file__).with_name("chat.js").read_text()
    script = f"{client}\nplay({', '.join(map(json.dumps, part))})"

    with chromium() as tools:
        print(exported(tools, root, script))


if __name__ == "__main__":
    main()
