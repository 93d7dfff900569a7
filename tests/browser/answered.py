"""Whether a page has been answered: what a click asks for is on its way before Streamlit's page says that it runs.

Streamlit shows its script's state as the server tells it. Between a click and the server's word the page still says
`notRunning`, for as long as a busy machine takes; who looks then sees the page as it was before the click. So each
page counts for itself, from what goes through its socket: asked with the last request to run, answered by the end of
a run that began after it. A part that draws itself again every second asks for itself, and is not counted.
"""

import itertools
from typing import Any

from playwright.sync_api import Browser, BrowserContext

# Field numbers of Streamlit's BackMsg, of the ClientState in it, and of ForwardMsg.
RERUN_SCRIPT, IS_AUTO_RERUN, NEW_SESSION, SCRIPT_FINISHED = 11, 6, 4, 6
FINISHED_EARLY = 2  # for another run, which follows
DROPPED = 15_000  # ms after which a request counts as refused: the fragment that it was for is gone
LISTEN = f"""
(() => {{
  // The fields of a message of protocol buffers: number, value or length, and where it begins.
  const fields = (bytes) => {{
    const found = [];
    let at = 0;
    const number = () => {{
      let value = 0, factor = 1, byte;
      do {{
        byte = bytes[at++];
        value += (byte & 127) * factor;
        factor *= 128;
      }} while (byte > 127);
      return value;
    }};
    while (at < bytes.length) {{
      const tag = number(), kind = tag % 8, value = kind === 0 || kind === 2 ? number() : 0;
      found.push([Math.floor(tag / 8), value, at]);
      at += {{ 0: 0, 1: 8, 2: value, 5: 4 }}[kind] ?? bytes.length;
    }}
    return found;
  }};
  window.asks = 0;  // how often the server was asked
  window.unanswered = null;  // when the server was asked, and whether what it has begun is the answer
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {{
    constructor(...said) {{
      super(...said);
      window.unanswered = null;
      this.addEventListener('message', ({{ data }}) => {{
        if (!window.unanswered || !(data instanceof ArrayBuffer)) return;
        for (const [field, value] of fields(new Uint8Array(data))) {{
          if (field === {NEW_SESSION}) window.unanswered.begun = true;
          const ended = field === {SCRIPT_FINISHED} && value !== {FINISHED_EARLY};
          if (ended && window.unanswered.begun) {{
            window.unanswered = null;
            return;
          }}
        }}
      }});
    }}

    send(data) {{
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      const asks = ([field, length, at]) => field === {RERUN_SCRIPT} &&
        !fields(bytes.subarray(at, at + length)).some(([inner, value]) => inner === {IS_AUTO_RERUN} && value);
      if (bytes instanceof Uint8Array && fields(bytes).some(asks)) {{
        window.asks += 1;
        window.unanswered = {{ since: performance.now(), begun: false }};
      }}
      super.send(data);
    }}
  }};
}})();
"""
# Asked in every frame, with what tells one waiting from another: three in which nothing is unanswered, in which a click
# becomes a request and the page draws what it was told; and that nothing runs.
QUIET = f"""(call) => {{
  const app = document.querySelector('[data-testid=stApp]');
  if (window.quiet?.call !== call) window.quiet = {{ call, frames: 0 }};
  const waits = window.unanswered && performance.now() - window.unanswered.since < {DROPPED};
  window.quiet.frames = app && !waits ? window.quiet.frames + 1 : 0;
  return window.quiet.frames > 3 && app.dataset.testScriptState === 'notRunning';
}}"""
CALLS = itertools.count()


def listening(browser: Browser, patience: float) -> Browser:
    """Let the pages of a browser count what they have asked, and be waited for so many milliseconds."""
    plain = browser.new_context

    def new_context(**options: Any) -> BrowserContext:
        context = plain(**options)
        context.set_default_timeout(patience)
        context.add_init_script(LISTEN)
        return context

    browser.new_context = new_context  # type: ignore[method-assign]
    return browser
