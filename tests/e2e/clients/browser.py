"""Look at a page with the Chromium of this machine; tell as JSON what it finds.

`browser.py CHROMIUM URL PROFILE AXE [FOLDER]`: once for each width and colour scheme. AXE is the
path of axe's source; with a folder it leaves screenshots there.
"""

import json
import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-gpu",
    "--disable-quic", "--disable-sync", "--no-first-run", "--no-sandbox",
]  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
VIOLATIONS = """(rules) => axe.run(document, rules).then((result) => result.violations
  .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html).join(" ")}`))"""
MEASURE = """() => {
  const box = (node) => { const {left, right, top, bottom} = node.getBoundingClientRect();
    return {left, right, top, bottom}; };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const name = (node) => `${node.tagName} ${node.className} ${node.textContent.slice(0, 40)}`;
  const main = document.querySelector("main");
  const style = getComputedStyle(main);
  const column = {left: box(main).left + parseFloat(style.paddingLeft),
                  right: box(main).right - parseFloat(style.paddingRight)};
  const outside = (node) => box(node).left < column.left - 1 || box(node).right > column.right + 1;
  const scrolls = (node) => node.closest("pre, .scroll") !== null;
  const luminance = (colour) => colour.match(/[\\d.]+/g).slice(0, 3)
    .reduce((sum, part) => sum + Number(part) / 3, 0);
  return {
    scrollWidth: document.documentElement.scrollWidth,
    innerWidth,
    height: document.documentElement.scrollHeight,
    column,
    sections: all("section").map((node) => ({id: node.id, ...box(node), inside: !outside(node)})),
    outside: all("main *").filter((n) => shown(n) && !scrolls(n) && outside(n)).map(name),
    paper: luminance(getComputedStyle(document.body).backgroundColor),
    ink: luminance(getComputedStyle(document.body).color),
    blocks: all("pre").filter(shown).length,
    buttons: all(".code > button").filter(shown).length,
    cut: all("pre, .scroll").filter((node) => shown(node) && node.scrollWidth > node.clientWidth
      && !getComputedStyle(node).backgroundImage.includes("gradient")).map(name),
    links: all('a[href^="#"]').filter((a) => !document.querySelector(a.hash)).map((a) => a.hash),
  };
}"""


def violations(page, axe):
    """Return what axe has against the page as it is."""
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(Path(axe).read_text())
    return page.evaluate(VIOLATIONS, RULES)


def copied(page):
    """Return what the first button copies, and what it says then."""
    page.locator(".code > button").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def looked_at(browser, given, width, scheme):
    url, axe, folder = given
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        permissions=["clipboard-read", "clipboard-write"],
    )
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(url)
    found = page.evaluate(MEASURE)
    if folder:
        page.screenshot(path=folder / f"{width}-{scheme}.png", full_page=True)
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    found["unfolded"] = page.evaluate(MEASURE)
    found["violations"] = violations(page, axe)
    found["copied"] = copied(page)
    found["first"] = page.locator("pre").first.inner_text()
    found["complaints"] = complaints
    context.close()
    return {"width": width, "scheme": scheme} | found


def main(chromium, url, profile, axe, folder=None):
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=chromium, args=FLAGS, env={"HOME": profile}, timeout=60_000
        )
        given = url, axe, Path(folder) if folder else None
        looks = [looked_at(browser, given, *each) for each in product(WIDTHS, SCHEMES)]
        browser.close()
    sys.stdout.write(json.dumps(looks))


if __name__ == "__main__":
    main(*sys.argv[1:])
