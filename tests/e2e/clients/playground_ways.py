"""What people do in the playground, one way after the other; each returns what it found."""

import base64
import re
import time
from pathlib import Path

PROMPT = "Slow pan over the valley, clouds drift by"
MARKUP = f"<img src=x onerror=alert(1)> [[render:tiny]] {'W' * 200} <script>alert(1)</script>"
DROPPED = """([data, name]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type: "image/png" }));
  return transfer;
}"""
PAINTED = """() => new Promise((done) => new PerformanceObserver(
  (list) => done(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true }))"""
NAMES = "[...document.querySelectorAll('#gallery .name')].map((name) => name.title)"
TYPED = "input[type=url]:visible, textarea:visible, select:visible"
SIZES = "(all) => all.map((each) => parseFloat(getComputedStyle(each).fontSize))"
SCRIPTS = "link[rel=modulepreload], script[src]"


def make(page):
    page.get_by_role("button", name="Make the video").click()


def mouse(visit, width, scheme):
    """The whole way by mouse: a file, a prompt, the price, the video, a download."""
    seen = visit(width=int(width), scheme=scheme)
    page = seen.open()
    seen.look("empty")
    found = {"letters": page.eval_on_selector_all(TYPED, SIZES)}
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(seen.given["photo"])
    page.get_by_label("What happens in it?").fill(PROMPT + seen.given.get("time", ""))
    page.locator("label.pill", has_text="6 s").click()
    page.locator("#price", has_text="6 s").wait_for()
    seen.look("filled")
    found["price"] = page.locator("#price").inner_text()
    make(page)
    # A look may come late, and find that it is over.
    seen.until(
        "document.querySelector('#stage-bar')?.value > 0 || document.querySelector('#stage video')"
    )
    page.wait_for_timeout(500)  # the bar moves there
    seen.look("running")
    seen.heading("Your video is ready")
    found["plays"] = seen.playing()
    found["about"] = page.locator("#stage-about").inner_text()
    page.locator("#gallery img").first.wait_for()
    seen.look("done")
    found["saved"] = seen.saved(page.get_by_role("link", name="Download").click)
    page.get_by_text("Do the same from code").click()
    page.locator("#snippet", has_text="curl").wait_for()
    page.locator("#code").scroll_into_view_if_needed()
    seen.look("code")
    page.locator("#gallery").scroll_into_view_if_needed()
    seen.look("gallery")
    return found


def keyboard(visit, width, scheme):
    """The same without a mouse: a sample, an option, the video, again, delete."""
    seen = visit(width=int(width), scheme=scheme, reduced_motion="reduce")
    page, press = seen.open(), visit_keys(seen)
    press("Use a sample", "Enter")
    seen.until("document.activeElement.ariaLabel === 'Remove: Picture'")
    seen.tab_to("What happens in it?")
    page.keyboard.press("ControlOrMeta+a")
    prompt = f"By keyboard, {width} {scheme}, {time.time():.0f}"
    page.keyboard.type(prompt)
    press("4 s", "ArrowRight")
    found = {"chosen": seen.focused()}
    press("Make the video", "Enter")
    page.locator("#stage[data-status=pending], #stage[data-status=processing]").wait_for()
    found["follows"] = page.evaluate("document.activeElement.id")
    seen.heading("Your video is ready")
    found["begins by itself"] = not page.eval_on_selector("#stage video", "(video) => video.paused")
    found["said"] = page.locator("#said").inner_text()
    seen.tab_to("Download")
    found["saved"] = seen.saved(lambda: page.keyboard.press("Enter"))
    press("Again, with changes", "Enter")
    seen.until("document.activeElement.id === 'prompt'")
    found["again"] = page.get_by_label("What happens in it?").input_value()
    found["picture again"] = page.locator(".large .name").inner_text()
    found["length again"] = page.locator("[name=seconds]:checked").input_value()
    press(f"Delete: {prompt}", "Enter")
    page.locator("dialog[open]").wait_for()
    found["asked"] = seen.focused()
    seen.look("delete")
    press("Delete it", "Enter")
    seen.until(f"!{NAMES}.includes('{prompt}')")
    found["left"] = page.evaluate("document.activeElement !== document.body")
    return found


def visit_keys(seen):
    def press(name, key):
        seen.tab_to(name)
        seen.page.keyboard.press(key)

    return press


def given(visit):
    """A picture by drop, by paste and by an address, and what is said of one that cannot be."""
    seen = visit()
    page = seen.open()
    found = {"moved by its price": moved_by_its_price(page)}
    photo = base64.b64encode(Path(seen.given["photo"]).read_bytes()).decode()
    name = page.locator(".large .name")
    transfer = page.evaluate_handle(DROPPED, [photo, "dropped.png"])
    for event in ("dragover", "drop"):
        page.dispatch_event(".large", event, {"dataTransfer": transfer})
    name.wait_for()
    found["drop"] = name.inner_text()
    page.get_by_role("button", name="Remove: Picture").click()
    page.evaluate_handle(
        """(transfer) => document.body.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))""",
        page.evaluate_handle(DROPPED, [photo, "pasted.png"]),
    )
    name.wait_for()
    found["paste"] = name.inner_text()
    page.get_by_role("button", name="Remove: Picture").click()
    page.get_by_label("Picture: address", exact=True).fill("https://example.com/a.jpg")
    below = page.locator("#prompt")
    place = below.bounding_box()
    page.keyboard.press("Enter")
    name.wait_for()
    found["moved"] = below.bounding_box()["y"] - place["y"]
    page.get_by_role("button", name="Remove: Picture").click()
    note = page.evaluate_handle(DROPPED, [base64.b64encode(b"no picture").decode(), "note.txt"])
    page.dispatch_event("body", "drop", {"dataTransfer": note})
    page.get_by_text("This is no JPEG").wait_for()
    found["problem"] = page.locator(".large .problem").inner_text()
    page.get_by_label("Picture: address", exact=True).fill("http://127.0.0.1/a.jpg")
    page.keyboard.press("Enter")
    found["address"] = name.inner_text()
    make(page)
    page.locator(".large .problem", has_text=re.compile(r"\w")).wait_for()
    found["refused"] = page.locator(".large .problem").inner_text()
    found["focus"] = seen.focused()
    seen.look("problem")
    return found


def moved_by_its_price(page):
    """Return by how many pixels the button moves as the price comes, where it is not sticky."""
    held = []
    dry_run = "**/v1/videos?dry_run=true"
    page.route(dry_run, lambda route: held.append(route))  # noqa: PLW0108 — no builtin
    page.get_by_label("What happens in it?").fill("Soon")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    while not held:
        page.wait_for_timeout(100)
    before = page.locator("#go").bounding_box()["y"]
    for route in held:
        route.continue_()
    page.locator("#price", has_text="4 s").wait_for()
    page.unroute(dry_run)
    return page.locator("#go").bounding_box()["y"] - before


def large(visit):
    """A picture over 4 MB goes to the bucket at once; the order names it."""
    seen = visit()
    page = seen.open()
    sent, bars = [], []
    page.on("request", lambda each: sent.append([each.method, each.url, each.post_data_buffer]))
    page.expose_function("bar", lambda value: bars.append(value))  # noqa: PLW0108 — no builtin
    page.evaluate(
        """() => new MutationObserver(() => {
          const shown = document.querySelector(".large progress:not([hidden])");
          if (shown) bar(shown.value);
        }).observe(document.querySelector(".large"), { attributes: true, subtree: true })"""
    )
    page.locator(".large input[type=file]").set_input_files(seen.given["large"])
    page.get_by_label("What happens in it?").fill(MARKUP)
    make(page)  # while it is on its way
    seen.heading("Your video is ready")
    seen.look("markup")
    orders = [body for method, url, body in sent if method == "POST" and url.endswith("/v1/videos")]
    return {
        "size": page.locator(".large .size").inner_text(),
        "bars": bars,
        "uploads": len([url for method, url, _ in sent if url.endswith("/api/v1/uploads")]),
        "orders": [len(body) for body in orders],
        "by reference": [b"upload_" in body for body in orders],
    }


def hanging(visit):
    """The API hangs: the page is painted, and a picture can be given."""
    seen = visit()
    page = seen.page
    page.route("**/v1/models", lambda _route: None)
    page.goto(seen.given["url"])
    page.get_by_role("button", name="Use a sample").click()
    page.locator(".large img").wait_for()
    seen.look("waiting")
    found = {"painted": page.evaluate(PAINTED)}
    scripts = [page.request.get(f"{seen.given['url']}{path}").body() for path in scripts_of(page)]
    return found | {"bytes": sum(map(len, scripts)), "scripts": len(scripts)}


def scripts_of(page):
    path = "(each.getAttribute('href') ?? each.getAttribute('src')).slice(1)"
    return page.eval_on_selector_all(SCRIPTS, f"(all) => all.map((each) => {path})")


def code(visit):
    """The order as code, copied in each language; the picture is named as the folder has it."""
    seen = visit()
    page = seen.page
    page.goto(seen.given["url"])
    if seen.given["key"]:
        enter(seen)
    page.locator("#fields[aria-busy=false]").wait_for()
    page.locator(".large input[type=file]").set_input_files(seen.given["photo"])
    page.get_by_label("What happens in it?").fill(seen.given["prompt"])
    page.get_by_text("Camera and more").click()
    page.locator("label.pill", has_text="Zoom").click()
    page.get_by_text("Do the same from code").click()
    found = {}
    page.clock.install()
    for language in ("curl", "Python", "JavaScript"):
        page.get_by_role("radio", name=language, exact=True).check()
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        found[language] = page.evaluate("navigator.clipboard.readText()")
        page.clock.run_for(2_000)
        page.get_by_role("button", name="Copy", exact=True).wait_for()
    return found


def enter(seen, key=None):
    seen.page.get_by_label("API key").fill(key or seen.given["key"])
    seen.page.get_by_role("button", name="Use it").click()


def keyed(visit):
    """A key is asked for, kept in the tab alone, and forgotten."""
    seen = visit()
    page, found = seen.page, {}
    page.goto(seen.given["url"])
    page.get_by_role("heading", name="This service asks for a key").wait_for()
    page.get_by_label("What happens in it?").fill("Too early")
    make(page)
    found["early"] = [page.locator("#form-problem").inner_text(), seen.focused()]
    seen.look("key")
    enter(seen, "vak_nobody")
    page.locator("#key-problem", has_text=re.compile(r"\w")).wait_for()
    found["wrong"] = page.locator("#key-problem").inner_text()
    found["begins at"] = entered_and_typed_on(seen)
    found["models"] = page.locator("#model option").all_inner_texts()
    page.get_by_label("What happens in it?").fill("With a key")
    page.get_by_text("Camera and more").click()
    before = fields(page)
    page.get_by_label("Model").select_option("veo")
    found["fields"] = sorted(set(fields(page)) - set(before))
    page.locator("#price", has_text="$").wait_for()
    found["price"] = page.locator("#price").inner_text()
    found["ordered"] = page.locator("#gallery li").count()
    page.get_by_label("With sound").uncheck()
    page.locator("#price", has_not_text=found["price"]).wait_for()
    page.locator("#price", has_text="$").wait_for()
    found["silent"] = page.locator("#price").inner_text()
    seen.look("fields")
    make(page)
    seen.heading("Your video is ready")
    found["plays"] = seen.playing()
    seen.until("document.querySelector('#gallery img')?.naturalWidth > 0")
    page.reload()
    page.locator("#gallery img").wait_for()
    found["other tab"] = other_tab(seen)
    found["kept"] = page.evaluate("JSON.stringify([localStorage.length, document.cookie])")
    page.get_by_role("button", name="Forget the key").click()
    page.get_by_role("heading", name="This service asks for a key").wait_for()
    found["cards left"] = page.locator("#gallery li").count()
    found["storage left"] = page.evaluate("JSON.stringify(sessionStorage)")
    return found


def entered_and_typed_on(seen):
    """Give the key, and an address while the list is on its way; return what had the focus."""
    page, lists, videos = seen.page, [], "**/v1/videos?limit=*"
    page.route(videos, lambda route: lists.append(route))  # noqa: PLW0108 — no builtin
    enter(seen, f"{seen.given['key']}\u200b")  # as it is copied out of a chat
    page.locator("#fields[aria-busy=false]").wait_for()
    focused = page.evaluate("document.activeElement.id")
    address = page.get_by_label("Picture: address", exact=True)
    address.fill(f"{seen.given['url']}examples/mountains.jpg")
    while not lists:
        page.wait_for_timeout(50)
    for route in lists:
        route.continue_()
    page.unroute(videos)
    page.locator("#gallery-note", has_text="None yet").wait_for()
    page.keyboard.press("Enter")
    page.locator(".large .name").wait_for()
    return focused


def other_tab(seen):
    page = seen.context.new_page()
    page.goto(seen.given["url"])
    page.get_by_role("heading", name="This service asks for a key").wait_for()
    return "asked"


def fields(page):
    return page.eval_on_selector_all(
        "#form [name]:visible", "(all) => all.map((each) => each.name)"
    )
