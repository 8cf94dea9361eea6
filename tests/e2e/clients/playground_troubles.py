"""What goes wrong in the playground: lost answers, refusals, failures; each says what it found."""

import re

from playground_ways import make

OPEN = "#stage[data-status=pending], #stage[data-status=processing]"
ENDED = ("completed", "failed", "cancelled")
KEPT = """() => new Promise((done) => {
  indexedDB.open("video-api-playground", 1).onsuccess = ({ target: { result } }) => {
    result.transaction("orders").objectStore("orders").count().onsuccess = (event) =>
      done(event.target.result);
  };
})"""


def losing(keys, *, answers, late=None):
    """Return what loses the answers to orders until `answers` of them have been sent.

    The order that is answered goes on when `late`, given the task's id, returns.
    """
    made = []

    def lose(route):
        if route.request.method != "POST":
            return route.continue_()
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > answers:
            if late:
                late(*made)
            return route.continue_()
        if len(keys) == 1:
            made.append(route.fetch().json()["id"])  # it arrives
        return route.abort()

    return lose


def lost(visit):
    """The answer to an order is lost; sent again, with the same key, it finds the video made."""
    seen = visit()
    page, keys = seen.open(), []

    def until_ended(task):
        for _ in range(600):
            read = page.request.get(f"{seen.given['url']}api/v1/tasks/{task}")
            if read.json()["status"] in ENDED:
                return
            page.wait_for_timeout(100)
        raise AssertionError(task)

    page.route("**/v1/videos", losing(keys, answers=1, late=until_ended))
    page.get_by_role("button", name="Use a sample").click()
    page.locator(".large img").wait_for()  # its prompt has come by then
    page.get_by_label("What happens in it?").fill("[[key:lost]] A lost answer [[render:tiny]]")
    page.get_by_role("button", name="Make the video").dblclick()
    page.locator("#stage", has_text="The same order goes again").wait_for()
    seen.look("again")
    seen.heading("Your video is ready")
    return {"keys": len(keys), "different": len(set(keys)), "plays": seen.playing()}


def cancel(page):
    page.locator("#stage").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()


def reloaded(visit):
    """The answer is lost, the page reloaded: the order is taken up again, then its progress."""
    seen = visit()
    page, keys = seen.open(), []
    page.route("**/v1/videos", losing(keys, answers=2))
    page.get_by_role("button", name="Use a sample").click()
    page.locator(".large img").wait_for()  # its prompt has come by then
    page.get_by_label("What happens in it?").fill("[[key:reloaded]] [[time:60]] Reloaded")
    make(page)
    page.locator("#stage", has_text="The same order goes again").wait_for()
    page.reload()
    page.locator(OPEN).wait_for()
    found = {"prompt": page.get_by_label("What happens in it?").input_value()}
    page.reload()
    own = page.locator("#gallery li", has_text="Reloaded")  # others order here, too
    own.and_(page.locator("[data-status=processing]")).wait_for()
    own.get_by_role("button", name="Show").click()
    seen.heading("Being made")
    cancel(page)
    seen.heading("Cancelled")
    found["cards"] = own.count()
    return found | {"different": len(set(keys))}


def rekeyed(visit):
    """The answer to an order is lost, then the key is revoked and another one given."""
    seen = visit()
    page, orders = seen.open(), []

    def lose_then_revoke(route):
        if route.request.method != "POST" or "dry_run" in (route.request.post_data or ""):
            return route.fallback()
        orders.append(route.request.headers.get("idempotency-key"))
        return route.abort() if len(orders) == 1 else route.fulfill(status=401, json={})

    page.route("**/v1/videos", lose_then_revoke)
    page.get_by_label("What happens in it?").fill("Rekeyed [[render:tiny]]")
    make(page)
    page.locator("#key-form").wait_for()
    sent = len(orders)
    page.locator("#key").fill("another")
    page.locator("#key").press("Enter")
    page.locator("#stage", has_text="a second order, paid again").wait_for()
    seen.look("rekeyed")
    return {"sent since": len(orders) - sent}


def forgotten(visit):
    """An order waits to be sent again, and its key is forgotten: no other key pays for it."""
    seen, keys = visit(), []
    seen.page.clock.install()
    seen.page.add_init_script("sessionStorage.setItem('video-api-key', 'forgotten')")
    page = seen.open()

    def refuse(route):
        keys.append(route.request.headers["authorization"])
        route.fulfill(status=503, headers={"Retry-After": "30"}, json={})

    page.route("**/v1/videos", refuse)
    page.get_by_label("What happens in it?").fill("Forgotten")
    make(page)
    page.locator("#stage", has_text="The same order goes again").wait_for()
    page.get_by_role("button", name="Forget").click()
    page.locator("#stage[data-status=empty]").wait_for()
    page.clock.run_for(40_000)
    page.locator("#go[aria-disabled=false]", has_text="Make the video").wait_for()
    page.locator("#price[aria-busy=false]").wait_for(state="attached")  # an empty form has none
    return {"sent": len(keys), "kept": page.evaluate(KEPT)}


REFUSALS = {
    "budget": (402, "budget_exceeded", {}, {"details": {"resets_at": "2030-01-02T00:00:00Z"}}),
    "busy": (429, "rate_limited", {"Retry-After": "7"}, {}),
    "field": (400, "unsupported_value", {}, {"param": "seconds"}),
}


def refused(visit):
    """What the page says of an order that is refused, and where."""
    seen, found = visit(), {}
    page = seen.open()
    page.get_by_label("What happens in it?").fill("Refused")
    for name, (status, code, headers, more) in REFUSALS.items():
        error = {"message": "It says no", "type": "error", "param": None, "code": code} | more
        page.route("**/v1/videos", answering(status, headers, error))
        make(page)
        place = page.locator("#seconds-problem" if name == "field" else "#form-problem")
        place.filter(has_text=re.compile(r"\w")).wait_for()
        found[name] = place.inner_text()
        seen.look(name)
        page.unroute("**/v1/videos")
    return found


def answering(status, headers, error):
    return lambda route: route.fulfill(status=status, headers=headers, json={"error": error})


def away(visit):
    """Nothing answers, however often the order is sent: it is kept, or given up."""
    seen, keys = visit(), []
    seen.page.clock.install()
    page = seen.open()
    page.get_by_label("What happens in it?").fill("Away")

    def refuse(route):
        keys.append(route.request.headers["idempotency-key"])
        route.fulfill(status=503, json={"error": {"message": "It is away", "code": "away"}})

    def pass_time(button):
        while not page.get_by_role("button", name=button).count():
            page.clock.run_for(10_000)
            page.evaluate("new Promise((done) => requestIdleCallback(done))")

    page.route("**/v1/videos", refuse)
    make(page)
    pass_time("Send the order again")
    seen.look("unanswered")
    found = {"said": page.locator("#stage .words").inner_text()}
    page.get_by_role("button", name="Send the order again").click()
    page.locator("#stage[data-status=sending]").wait_for()
    pass_time("Give it up")
    page.get_by_role("button", name="Give it up").click()
    page.locator("#go", has_text="Make the video").wait_for()
    return found | {"sent": len(keys), "different": len(set(keys))}


def vanished(visit):
    """A video is deleted elsewhere while it is shown, and about to be read by the page."""
    seen, held = visit(), []
    page, url = seen.page, seen.given["url"]
    prompt = {"prompt": "[[time:0]] [[render:tiny]] Vanished"}
    task = page.request.post(f"{url}v1/videos", data=prompt).json()["id"]
    path = f"{url}api/v1/tasks/{task}"
    seen.deleted = path
    while page.request.get(path).json()["status"] not in ENDED:
        page.wait_for_timeout(100)
    page.route(path, lambda route: held.append(route))  # noqa: PLW0108 — no builtin
    seen.open()
    card = page.locator("#gallery li", has_text="Vanished")
    card.get_by_role("button", name="Show").click()
    page.eval_on_selector("#stage video", "(video) => (video.src = '/nothing.mp4')")
    while len(held) < 2:  # the page's, for its card, and the player's, for a fresh link
        page.wait_for_timeout(100)
    for route in held:
        route.fulfill(status=404, json={})
    card.wait_for(state="detached")
    page.locator("#stage[data-status=empty]").wait_for()
    return {}


def failing(visit):
    """A video that the provider refuses, one that is cancelled, and more than a page of them."""
    seen, found = visit(), {}
    url, request = seen.given["url"], seen.page.request
    for number in range(13):  # more than a page; cancelled, they cost nothing
        made = request.post(f"{url}v1/videos", data={"prompt": f"Frame {number}"})
        request.delete(f"{url}api/v1/tasks/{made.json()['id']}")
    page = seen.open()
    page.get_by_label("What happens in it?").fill("[[fail:CONTENT_POLICY_VIOLATION]] Refused")
    make(page)
    seen.heading("It did not work out")
    found["reason"] = page.locator("#stage .reason").inner_text()
    seen.look("failed")
    page.get_by_label("What happens in it?").fill("[[time:60]] A cancelled one")
    make(page)
    seen.heading("Being made")
    cancel(page)
    seen.heading("Cancelled")
    found["cancelled"] = page.locator("#stage .reason").inner_text()
    found["first page"] = page.locator("#gallery li").count()
    page.get_by_role("button", name="Show more").click()
    seen.until(f"document.querySelectorAll('#gallery li').length > {found['first page']}")
    found["both pages"] = page.locator("#gallery li").count()
    return found
