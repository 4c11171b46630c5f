#!/usr/bin/env python3
"""The package for web pages and the chat page, in Chromium.

    web_pages.py PROGRAM [SCREENSHOTS]

PROGRAM is `skype-p2p`, built with the feature `web`. SCREENSHOTS is a folder for pictures of the chat page. Each step that has
succeeded prints a line. The script needs Chromium (or CHROMIUM, a path), and only the standard library of Python.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from web_accessibility import keyboard_and_screen_reader
from web_chat import chat_pages, hostile_messages, photos, the_archive, the_demo
from web_memory import flat_memory
from web_origins import a_server_without_cors, script_of_the_cdn, snippets_and_origins, ways_to_sign_in
from web_servers import HERE, passes
from web_speed import first_message

TYPES = """import type { Application, Conversation, Disposable } from "./index";
declare const content: { querySelector(selector: string): HTMLInputElement };
declare const application: Application;
declare const listeners: Disposable[];
let conversation: Conversation;
"""


# Errors of the compiler about names that a file does not define, import or export, or that it defines twice.
UNKNOWN_NAMES = re.compile("error TS(2300|2304|2305|2552)")


def declarations():
    """Proof 5: the declarations of the package, with the snippets in TypeScript. Also the names in the modules of the package."""
    if shutil.which("npm") is None:
        return passes("5: skipped: npm is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", name, "typescript@5"]
        if subprocess.run(install, capture_output=True, timeout=300).returncode != 0:
            return passes("5: skipped: TypeScript cannot be installed")
        for file in (HERE.parent.parent / "crates/skype-p2p-web/js").glob("*.[jt]s"):
            shutil.copy(file, folder)
        snippets = TYPES + (HERE / "snippets.js").read_text()

        def errors(file, *options):
            compiler = [folder / "node_modules/.bin/tsc", "--noEmit", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", *options, folder / file]
            return subprocess.run(compiler, capture_output=True, text=True).stdout

        def errors_of(source):
            (folder / "page.ts").write_text(source)
            return errors("page.ts", "--strict")

        assert errors_of(snippets) == "", errors_of(snippets)
        assert "TS2345" in errors_of(snippets.replace("message.value", "42")), "a message that is a number compiles"
        unknown = [line for line in errors("skype.js", "--allowJs", "--checkJs").splitlines() if UNKNOWN_NAMES.search(line)]
        assert unknown == [], unknown
    return passes("5: the declarations compile with the snippets")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program, screenshots = sys.argv[1], sys.argv[2:]
    snippets_and_origins(program)
    a_server_without_cors(program)
    script_of_the_cdn(program)
    ways_to_sign_in(program)
    chat_pages(program, screenshots[0] if screenshots else None)
    photos(program)
    keyboard_and_screen_reader(program)
    the_demo(program)
    the_archive(program)
    declarations()
    hostile_messages(program)
    flat_memory(program)
    first_message(program)


if __name__ == "__main__":
    main()
