"""The memory of a page whose listeners and conversations come and go. It stays flat only if the collector of the browser frees the handles."""

from devtools import chromium
from web_origins import sdk_page
from web_servers import OWN_SCRIPT, passes, serving, website

# Gives the memory of the module, which the package does not show, and the two loads. They need no server.
LOADS = """(async () => {
  const { instantiate } = WebAssembly;
  let memory;
  WebAssembly.instantiate = async (...values) => {
    const result = await instantiate(...values);
    memory = (result.instance ?? result).exports.memory;
    return result;
  };
  const api = await Skype.initialize({ apiKey: "any" });
  window.memoryOfModule = () => memory.buffer.byteLength;

  const { conversations, getConversation } = new api.application().conversationsManager;
  const { state } = getConversation("sip:lenea@contoso.com");
  window.register = (count) => {
    for (let number = 0; number < count; number += 1) state.changed(() => {}).dispose();
  };
  let begun = 0;
  window.converse = async (count) => {
    for (const end = begun + count; begun < end; begun += 1) {
      const conversation = getConversation(`sip:user${begun}@contoso.com`);
      conversation.state.changed(() => conversation.id());
      conversation.participants.added((participant) => participant.displayName());
      await conversations.remove(conversation);
    }
  };
})()"""

# The finalizers of the collected handles are tasks of the page. A finalizer can make further objects collectable.
LET_FINALIZERS_RUN = "new Promise((resolve) => setTimeout(resolve, 20))"
COLLECTIONS = 8


def growth(page, load, first, rounds):
    """The bytes by which the memory grows in these rounds of a load, after the first ones."""

    def play(count):
        for _ in range(count):
            page.evaluate(load)
            for _ in range(COLLECTIONS):
                page.call("HeapProfiler.collectGarbage")
                page.evaluate(LET_FINALIZERS_RUN)
        return page.evaluate("memoryOfModule()")

    before = play(first)
    return play(rounds) - before


def flat_memory(program):
    with serving(program) as root, website() as site, chromium() as tools:
        site.script = root.rstrip("/") + OWN_SCRIPT
        page = sdk_page(tools, site.origin)
        page.evaluate(LOADS)
        grown = growth(page, "register(10_000)", 1, 10)
        assert grown == 0, f"100,000 registrations and disposals leave {grown} bytes"
        passes("memory: 100,000 registrations and disposals leave it flat")
        grown = growth(page, "converse(500)", 4, 20)
        assert grown == 0, f"10,000 conversations that were begun and removed leave {grown} bytes"
        passes("memory: 10,000 conversations that were begun and removed leave it flat")
