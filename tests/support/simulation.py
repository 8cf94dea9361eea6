"""One deployment of the service on fakes: "command in, state out".

Every effect is announced at `Simulation.at`, where a test lets a worker die or somebody else act.
"""

import itertools
from collections import deque
from contextlib import suppress
from dataclasses import replace
from functools import partial

import httpx

from tests.support.fake_relay import FakeRelay, next_of
from tests.support.fakes import (
    Clock,
    Crash,
    FakeFiles,
    FakeForecasts,
    FakeQueue,
    FakeRouteRests,
    FakeStore,
    task_of,
)
from tests.support.movies import mp4
from tests.support.receiver import Receiver
from videoapi.accounts.rate_limits import Limiter
from videoapi.api.openai.responses import openai_video
from videoapi.domain import ledger
from videoapi.domain.ids import new_task_id
from videoapi.domain.tasks import WEBHOOKS, GenerationRequest, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.errors import ServiceError
from videoapi.metrics import Metrics
from videoapi.net.downloads import Fetcher
from videoapi.providers.openai_compatible.client import RelayProvider
from videoapi.settings import Settings
from videoapi.usecases.cancellation import Cancellation
from videoapi.usecases.input_images import InputImages
from videoapi.usecases.submission import Submissions
from videoapi.webhooks.delivery import Delivery as Notifier
from videoapi.webhooks.reminders import Reminders
from videoapi.webhooks.slow_receivers import SlowReceivers
from videoapi.worker.delivery import Delivery
from videoapi.worker.generation import Generation
from videoapi.worker.lease import Message
from videoapi.worker.preparation import OrderBuilder
from videoapi.worker.recovery import Recovery
from videoapi.worker.routing import Routing

OWNER = "anonymous"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FUNCTION_SECONDS = 900
DEFAULTS = Settings(veo3_base_url="https://relay.example.com")


class FakeLog:
    """What was logged, as (level, message, fields)."""

    def __init__(self):
        self.lines, self.keys = [], {}

    def append_keys(self, **keys):
        self.keys.update(keys)

    def debug(self, message, **fields):
        self.lines.append(("debug", message, fields))

    def info(self, message, **fields):
        self.lines.append(("info", message, fields))

    def warning(self, message, **fields):
        self.lines.append(("warning", message, fields))

    def error(self, message, **fields):
        self.lines.append(("error", message, fields))

    def exception(self, message, **fields):
        self.lines.append(("exception", message, fields))

    @property
    def steps(self):
        return [fields["step"] for _, message, fields in self.lines if message == "step"]


class Simulation:
    """One deployment of the service. See the module."""

    clock_type = Clock
    log_type = FakeLog
    relay_type = FakeRelay

    def __init__(self, *routes, optimizer=None, **settings):
        """Order `veo_3_1` along `routes` (PROVIDER:NAME), each provider a `FakeRelay`."""
        if routes:
            providers = tuple(dict.fromkeys(route.partition(":")[0] for route in routes))
            settings |= {
                "video_providers": providers,
                "video_routes": f"veo_3_1={','.join(routes)}",
            }
        self.settings = replace(DEFAULTS, **settings)
        self.clock = self.clock_type()
        self.store, self.queue, self.files = self.adapters()
        self.webhooks = FakeQueue(self)
        self.relay, self.log = self.relay_type(self), self.log_type()
        self.measured = []  # (name, value, code)
        metrics = Metrics(self.emit)
        self.cdn = deque()  # answers to downloads of results and images, as in `FakeRelay`
        self.downloads = []
        self.events = []  # everything that was reached, in order
        self.at_event = {}  # what happens there: index into `events` → action
        self.jitter = 1.0
        self.key_away_until = 0.0
        self.address = "93.184.216.34"  # of every name that is looked up
        self._numbers = itertools.count(1)
        self.fetcher = Fetcher(
            allow_private=False,
            trusted_origins=("https://relay.example.com",),
            resolve=lambda _host, port, **_: [(2, 1, 6, "", (self.address, port))],
            transport=httpx.MockTransport(self._download),
        )
        self.relays = {"relay": self.relay}  # by provider
        for name in self.settings.video_providers:
            self.relays.setdefault(name, self.relay_type(self))
        self.asked_for = []
        # By name; at an older address it is the same one.
        self.providers = {name: self._provider(name) for name in self.relays}
        self.rests = FakeRouteRests()
        self.forecasts = self.forecast_adapter()
        self.routing = Routing(
            settings=self.settings,
            rests=self.rests,
            provider=self.provider,
            clock=self.clock,
            log=self.log,
            metrics=metrics,
        )
        self.order_builder = OrderBuilder(self.settings, self.files, self.fetcher, optimizer)
        self.delivery = Delivery(self.settings, self.files, self.fetcher, self.log)
        self.generation = Generation(
            settings=self.settings,
            store=self.store,
            queue=self.queue,
            webhooks=self.webhooks,
            forecasts=self.forecasts,
            routing=self.routing,
            order_builder=self.order_builder,
            delivery=self.delivery,
            clock=self.clock,
            sleep=self.clock.sleep,
            jitter=lambda: self.jitter,
            heartbeat=self.clock.run_heartbeat,
            log=self.log,
            metrics=metrics,
        )
        self.recovery = Recovery(
            self.settings,
            self.store,
            self.queue,
            self.webhooks,
            clock=self.clock,
            metrics=metrics,
            log=self.log,
        )
        self.submissions = Submissions(
            store=self.store,
            queue=self.queue,
            images=InputImages(files=self.files, links=None, allow_private=False),
            limiter=Limiter(self.store),
            metrics=metrics,
            relay_price_micros=self.settings.relay_price_micros,
            daily_budget=self.settings.daily_budget_micros,
        )
        self.cancellation = Cancellation(
            store=self.store,
            queue=self.queue,
            webhooks=self.webhooks,
            files=self.files,
            retention_seconds=self.settings.task_retention_hours * 3600,
            clock=self.clock,
            metrics=metrics,
        )

        self.receiver = Receiver(self.at)
        self.notifier = Notifier(
            store=self.store,
            queue=self.webhooks,
            slow_receivers=SlowReceivers(self.clock),
            callbacks=self.receiver,
            signing_secrets=self.signing_secrets,
            video=partial(openai_video, links=None, now=self.clock(), sdk_words=True),
            include_prompt=False,
            clock=self.clock,
            jitter=lambda: 0.0,
            log=self.log,
            metrics=metrics,
        )
        self.reminders = Reminders(self.store, self.webhooks, self.clock, self.log)

    def signing_secrets(self, _owner):
        """Return what signs events, once it can be read."""
        self.key()
        return [SECRET]

    def provider(self, name, address):
        """Return a provider; `asked_for` keeps for whom, and at which address."""
        self.asked_for.append((name, address))
        return self.providers[name]

    def _provider(self, name):
        base_url = self.settings.veo3_base_url
        return RelayProvider(
            httpx.MockTransport(self.relays[name]),
            base_url=base_url if name == "relay" else f"https://{name}.example.com",
            endpoint=self.settings.veo3_endpoint,
            key=self.key,
        )

    def paid(self, task_id):
        """Return a task's jobs at all providers, as `FakeRelay.paid` of each."""
        return [job for relay in self.relays.values() for job in relay.paid(task_id)]

    def jobs_of(self, task_id):
        """Return all jobs of a task, at all providers."""
        return [job for relay in self.relays.values() for job in relay.jobs_of(task_id)]

    def orders(self):
        """Return how many orders each provider has got; those that got none are left out."""
        return {name: len(each.orders) for name, each in self.relays.items() if each.orders}

    def key(self):
        """Return the relay's key, once it can be read."""
        if self.clock() < self.key_away_until:
            raise ServiceError("A key of this service cannot be read just now.")
        return "sk-relay-secret"

    def adapters(self):
        """Return the store, the queue and the files."""
        return FakeStore(self), FakeQueue(self), FakeFiles(self)

    def forecast_adapter(self):
        """Return what keeps the forecast."""
        return FakeForecasts()

    def emit(self, name, _unit, value, dimensions):
        """Keep a metric."""
        self.measured.append((name, value, dimensions.get("code")))

    def at(self, event):
        """Note that an effect is about to happen, or has just happened, and let others act."""
        self.events.append(event)
        action = self.at_event.pop(len(self.events) - 1, None) or self.at_event.pop(event, None)
        if action is not None:
            action()

    def submit(self, **fields):
        """Put a task and send its message, as `submission` does."""
        request = fields.pop("request", None) or GenerationRequest(model="veo_3_1", prompt="A fox")
        now = self.clock()
        task = Task(
            **{
                "task_id": new_task_id(),
                "owner": OWNER,
                "status": Status.PENDING,
                "created_at": timestamp(now),
                "updated_at": timestamp(now),
                "queued_at": timestamp(now),
                "due_at": timestamp(now + 60),
                "lease_until": timestamp(now),
                "request": request,
                **fields,
            }
        )
        entries = ledger.reserved(task, task.cost_reserved or 0, (None, None))
        self.store.create(task, *entries)
        self.queue.send(task.task_id)
        return task.task_id

    def task(self, task_id):
        return task_of(self.store.rows[task_id])

    def message(self, task_id, receipt="receipt", seconds=FUNCTION_SECONDS):
        """Return a delivery to an invocation that has `seconds` left."""
        end = self.clock() + seconds
        return Message(
            task_id=task_id,
            receipt_handle=receipt,
            request_id=f"request-{next(self._numbers)}",
            remaining=lambda: end - self.clock(),
        )

    def work(self, seconds=FUNCTION_SECONDS):
        """Receive one message and run a worker on it; return whether there was one."""
        letter = self.queue.receive()
        if letter is None:
            return False
        try:
            self.generation.run(self.message(letter.task_id, letter.receipt, seconds))
        except (Crash, ServiceError):
            return True  # the message comes back
        self.queue.delete(letter.receipt)
        return True

    def deliver(self):
        """Work on one message of the webhooks' queue; return whether there was one."""
        letter = self.webhooks.receive()
        if letter is None:
            return False
        try:
            self.notifier.deliver(letter.task_id)
        except (Crash, ServiceError):
            return True
        self.webhooks.delete(letter.receipt)
        return True

    def deliver_all(self, *, within=48 * 3600.0):
        """Let notifier and sweeper go on until nothing is owed."""
        end, swept = self.clock() + within, self.clock()
        while any(row.get("open") == WEBHOOKS for row in self.store.rows.values()):
            assert self.clock() < end, "an event is not delivered"
            if self.deliver():
                continue
            if self.clock() - swept >= 60:
                swept = self.clock()
                with suppress(ServiceError, Crash):
                    self.reminders.sweep(lambda: 50.0)
                continue
            coming = [letter.visible_at for letter in self.webhooks.letters]
            self.clock.now += max(min([*coming, swept + 60]) - self.clock(), 0.001)

    def tick(self):
        """Do what the schedule and the dead letters do; what fails is done the next time."""
        with suppress(ServiceError):
            while self.queue.dead:
                self.recovery.resolve_dead_letter(self.queue.dead[0])
                self.queue.dead.pop(0)
            self.recovery.sweep()

    def settle(self, *, within=7200.0):
        """Let workers, sweeper and dead letters go on until every task has ended."""
        end = self.clock() + within
        swept = self.clock()
        while any(row.get("open", WEBHOOKS) != WEBHOOKS for row in self.store.rows.values()):
            assert self.clock() < end, "a task does not end"
            if self.work():
                continue
            if self.clock() - swept >= 60:
                swept = self.clock()
                self.tick()
                continue
            coming = [letter.visible_at for letter in self.queue.letters]
            self.clock.advance(max(min([*coming, swept + 60]) - self.clock(), 0.001))

    def idle(self, seconds):
        """Let time pass with nothing but what is left in the queue."""
        until = self.clock() + seconds
        while self.clock() < until:
            self.work()
            self.tick()
            self.clock.advance(60)

    def run(self, **fields):
        """Submit a task, let it end, return it."""
        task_id = self.submit(**fields)
        self.settle()
        return self.task(task_id)

    def _download(self, request):
        self.downloads.append(request)
        self.at("download")
        return next_of(self.cdn, request) or httpx.Response(200, content=mp4())
