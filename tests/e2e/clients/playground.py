"""Use the playground as people do, with this machine's Chromium; tell as JSON what they find.

`playground.py SETTINGS`, JSON: `chromium`, `url`, `home`, `shots` (a folder), `axe` (the path of
its source), `photo`, `tall`, `beside` and `large` (of pictures), `key`, `prompt`, `time` (a token
of the simulator), `ways` (functions of the modules beside this one). A way that breaks off tells
why, and leaves a screenshot.
"""

import json
import re
import sys
import traceback
from pathlib import Path

import playground_mistakes
import playground_troubles
import playground_ways
from browser import FLAGS, violations
from playwright.sync_api import Error, sync_playwright

WAYS = vars(playground_ways) | vars(playground_troubles) | vars(playground_mistakes)
WAIT = 60_000  # milliseconds for anything
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
FOCUSED = """() => { const at = document.activeElement;
  const named = at.labels?.length ? at.labels[0].textContent : at.textContent;
  return (at.getAttribute("aria-label") || named || "").trim(); }"""


class Visit:
    """A page in a browser of its own, and what it complained of."""

    def __init__(self, browser, given, way, width=1280, scheme="light", **options):
        self.given, self.way, self.complaints, self.looks = given, way, [], []
        self.deleted = ""  # addresses
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        self.context.set_default_timeout(WAIT)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request):
        if request.method == "DELETE":
            self.deleted += f"{request.url} "

    def _said(self, message):
        """Keep what is no other browser's doing: all show the same videos, and delete theirs."""
        if message.type not in ("error", "warning"):
            return
        gone = (
            re.search("vid_[a-z2-7]+", message.location["url"]) if "404" in message.text else None
        )
        if not gone or gone[0] in self.deleted:
            self.complaints.append(f"{message.text} {message.location['url']}")

    def open(self):
        self.page.goto(self.given["url"])
        self.page.locator("#fields[aria-busy=false]").wait_for()
        return self.page

    def close(self):
        """Close the browser's window, whatever a route still does for its page."""
        for page in self.context.pages:
            page.unroute_all(behavior="ignoreErrors")
        self.context.close()

    def until(self, expression):
        """Wait for the page. Playwright's own way is `eval`, which the page's policy forbids."""
        for _ in range(WAIT // 100):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(expression)

    def heading(self, name):
        self.page.get_by_role("heading", name=name, exact=True).wait_for()

    def look(self, state):
        """Take a screenshot, and have axe look at the page as it is."""
        self.page.screenshot(path=Path(self.given["shots"]) / f"{self.way}-{state}.png")
        found = violations(self.page, self.given["axe"])
        wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        self.looks += [f"{state}: {violation}" for violation in found]
        self.looks += [f"{state}: scrolls sideways"] if wide else []

    def tab_to(self, name):
        """Press Tab until what has the focus is called so; as people do, not without end."""
        for _ in range(80):
            if self.page.evaluate(FOCUSED).startswith(name):
                return
            self.page.keyboard.press("Tab")
        message = f"Tab does not come to {name}"
        raise AssertionError(message)

    def focused(self):
        return self.page.evaluate(FOCUSED)

    def playing(self):
        """Return whether the video of the stage plays, loops and has pixels."""
        self.until("document.querySelector('#stage video')?.currentTime > 0.1")
        return self.page.eval_on_selector(
            "#stage video", "(video) => !video.paused && video.loop && video.videoWidth > 0"
        )

    def saved(self, press):
        """Return name and size of what is downloaded."""
        with self.page.expect_download() as download:
            press()
        return [
            download.value.suggested_filename,
            Path(download.value.path()).stat().st_size,
        ]


def taken(browser, given, way):
    """Return what a way found, or why it broke off."""
    visits = []

    def visit(**options):
        visits.append(Visit(browser, given, way, **options))
        return visits[-1]

    try:
        name, *more = way.split("-")
        found = WAYS[name](visit, *more)
    except (Error, AssertionError, LookupError):
        visits[-1].page.screenshot(path=Path(given["shots"]) / f"{way}-broken.png")
        found = {"broken": traceback.format_exc(limit=-4)}
    found["complaints"] = [each for visit in visits for each in visit.complaints]
    found["looks"] = [each for visit in visits for each in visit.looks]
    for each in visits:
        each.close()
    return found


def main(settings):
    given = json.loads(settings)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=given["chromium"],
            args=FLAGS,
            env={"HOME": given["home"]},
            timeout=60_000,
        )
        found = {way: taken(browser, given, way) for way in given["ways"]}
        browser.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
