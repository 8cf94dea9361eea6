"""What people do wrong, or in another order; each way says what came of it."""

import re

from playground_troubles import answering
from playground_ways import fields, make

MODELS = {
    "plain": {"image_roles": ["first_frame"]},
    "rich": {
        "image_roles": ["first_frame", "last_frame", "reference"],
        "max_reference_images": 3,
        "seed": True,
    },
}
#: A folder, as a browser hands it out: a file that cannot be read.
FOLDER = """() => {
  const folder = new File([], "holiday");
  folder.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException("a folder")) });
  const event = new Event("drop", { bubbles: true, cancelable: true });
  event.dataTransfer = { files: [folder] };
  document.querySelector(".large").dispatchEvent(event);
}"""
PROBLEM, PRESSED = ".large .problem", "#form-problem"


def says(page, place):
    """Return what stands at a place of the page, once it does."""
    found = page.locator(place, has_text=re.compile(r"\w"))
    found.wait_for()
    return found.inner_text()


def give(field, path):
    field.locator("input[type=file]").set_input_files(path)


def describe(page, prompt):
    page.get_by_label("What happens in it?").fill(prompt)


def orders_of(page, answer):
    """Answer each order, but no dry run, by `answer(route)`; return the keys of what was sent."""
    keys = []

    def take(route):
        if route.request.method != "POST":
            return route.fallback()
        keys.append(route.request.headers["idempotency-key"])
        return answer(route)

    page.route("**/v1/videos", take)
    return keys


def deletions(answer):
    """Answer by `answer(route)` what would delete or cancel, and nothing else."""
    return lambda route: answer(route) if route.request.method == "DELETE" else route.fallback()


def models(visit):
    """What is chosen stays when the model changes, and the shape still follows the picture."""
    seen = visit()
    page, found = seen.page, {}
    told = [{"id": name, "object": "model", "video": video} for name, video in MODELS.items()]
    page.route("**/v1/models", lambda route: route.fulfill(json={"data": told}))
    seen.open()
    page.locator("label.pill", has_text="6 s").click()
    page.get_by_label("Model").select_option("rich")
    found["focus"] = seen.focused()
    found["length"] = page.locator("[name=seconds]:checked").input_value()
    give(page.locator(".large"), seen.given["tall"])
    page.locator("[name=size][value='720x1280']:checked").wait_for()
    page.get_by_text("Camera and more").click()
    page.get_by_label("Seed").fill("7")
    page.locator("summary", has_text="Last picture").click()
    last = page.locator("[data-field=last_frame]")
    give(last, seen.given["beside"])
    last.get_by_text("uploaded").wait_for()
    found["beside"] = last.locator(".size").inner_text()
    seen.look("models")
    page.get_by_label("Model").select_option("plain")
    found["plain"] = fields(page)
    page.get_by_label("Model").select_option("rich")
    return found | {"seed": page.get_by_label("Seed").input_value()}


def missing(visit):
    """A picture that was given and is not there: no order goes out without it at once."""
    seen = visit()
    page, found = seen.open(), {}
    error = {"message": "Nothing is made here", "code": "no"}
    orders = orders_of(page, answering(400, {}, error))
    page.evaluate(FOLDER)
    found["folder"] = says(page, PROBLEM)
    describe(page, "Of a folder")
    make(page)
    found["pressed"] = says(page, PRESSED)
    found["sent"] = len(orders)
    seen.look("missing")
    page.get_by_label("Picture: address", exact=True).fill("example.com/cat.jpg")
    make(page)
    found["address"] = says(page, PRESSED)
    found["sent then"] = len(orders)
    make(page)
    page.locator(PRESSED, has_text="Nothing is made here").wait_for()
    return found | {"sent at last": len(orders)}


def long(visit):
    """What is wrong with a prompt, and with another field, too, is said beside each of them."""
    seen = visit()
    page = seen.open()
    describe(page, "x" * 5001)
    found = {"said": says(page, "#prompt-problem")}
    found["characters"] = len(page.get_by_label("What happens in it?").input_value())
    seen.look("long")
    message = "prompt: Say less; size: Input should be smaller"
    error = {"message": message, "code": "invalid_value", "param": "prompt"}
    orders_of(page, answering(400, {}, error))
    describe(page, "Of two")
    make(page)
    found["two"] = [says(page, "#size-problem"), says(page, "#prompt-problem")]
    found["focus"] = page.evaluate("document.activeElement.id")
    return found


def throttled(visit):
    """After a lost answer a gateway throttles: that is no word on the order, which stays."""
    seen = visit()
    page = seen.open()

    def answer(route):
        if len(keys) == 1:
            return route.abort()
        if len(keys) == 2:
            return route.fulfill(status=429, json={"error": "Too Many Requests"})
        error = {"message": f"Not at: {'x' * 300}", "code": "no"}
        return route.fulfill(status=403, json={"error": error})

    keys = orders_of(page, answer)
    describe(page, "Throttled")
    make(page)
    found = {"said": says(page, PRESSED)}
    seen.look("unbroken")
    return found | {"sent": len(keys), "different": len(set(keys))}


def late(visit):
    """The lists come at last, after a failure: the form stays as it was filled meanwhile."""
    seen, failures = visit(), [503, 503]

    def fail(route):
        return route.fulfill(status=failures.pop(), json={}) if failures else route.fallback()

    seen.page.route("**/v1/videos?limit=*", fail)
    page = seen.open()
    page.locator("label.pill", has_text="6 s").click()
    page.locator("#notice", has_text="tries again").wait_for()
    page.locator("#notice").wait_for(state="hidden")
    return {
        "left": len(failures),
        "length": page.locator("[name=seconds]:checked").input_value(),
        "focus": page.evaluate("document.activeElement.value"),
    }


def uncancelled(visit):
    """A cancel is refused: that is said, and what was shown before an order comes back."""
    seen = visit()
    page, found = seen.open(), {}
    describe(page, "[[time:60]] Uncancelled")
    make(page)
    cancel = page.locator("#stage").get_by_role("button", name="Cancel")
    cancel.wait_for()
    refusal = answering(503, {}, {"message": "Away", "code": "away"})
    page.route("**/api/v1/tasks/*", deletions(refusal))
    cancel.click()
    page.get_by_role("button", name="Cancel it").click()
    found["said"] = says(page, "#stage-problem")
    page.unroute("**/api/v1/tasks/*")
    orders_of(page, answering(400, {}, {"message": "No", "code": "no"}))
    make(page)
    says(page, PRESSED)
    found["shown"] = page.locator("#stage .prompt").inner_text()
    cancel.click()
    page.get_by_role("button", name="Cancel it").click()
    seen.heading("Cancelled")
    return found


def ended(visit):
    """The link of a page that was left open has ended: the video is saved by a fresh one."""
    seen = visit()
    page = seen.open()
    describe(page, "[[time:1]] Ended [[render:tiny]]")
    make(page)
    seen.heading("Your video is ready")
    download = page.get_by_role("link", name="Download")
    link = download.get_attribute("href")

    def refresh(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(link, f"{link}?fresh=1"))

    page.route(lambda url: url == link, lambda route: route.fulfill(status=403))
    page.route("**/api/v1/tasks/*", refresh)
    return {"saved": seen.saved(download.click)}
