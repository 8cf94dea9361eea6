"""Many kills at many points at once, and what became of each task."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tests.fault_injection.scenarios import COMPLETED, CRASHED, UNKNOWN, Point
from tests.fault_injection.stack import ENDED, task_id

LOOK_EVERY = 0.2  # seconds
SAY_EVERY = 5.0  # seconds
SUBMIT_AT_ONCE = 4
ENDINGS = {  # the task's error, as far as it matters
    COMPLETED: None,
    UNKNOWN: {"code": "upstream_submit_unknown", "retryable": True, "maybe_charged": True},
    CRASHED: {"code": "worker_crashed", "retryable": True, "maybe_charged": False},
}


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    `recovery` is the longest time from a kill to the next claim, where that was to be measured.
    """

    point: Point
    retry: bool
    name: str
    kills: int
    completed: bool
    unknown: bool
    paid: int
    recovery: float | None
    wrong: str | None

    @property
    def allowed(self):
        """How many paid jobs are no duplicates; a second one may be the caller's own choice."""
        return self.point.again if self.retry else max(self.point.paid, 1)


class KillRunner:
    """Runs of kills on one stack; `say` gets a line for each."""

    def __init__(self, fault_stack, say=lambda _: None, *, seed=4, runs=0):
        """`runs` is the number before the first run's: it is part of the tasks' names."""
        self._fault_stack = fault_stack
        self._say = say
        self._random = random.Random(seed)  # noqa: S311 — the order of submits
        self._runs = runs

    def run(self, points, times, *, retry=False, measured=False, within=600):
        """Kill the workers of `times` tasks at each point, all tasks alive at once."""
        self._runs += 1
        victims = [
            Victim(self._fault_stack, point, f"kill-{self._runs}-{number}-{which}")
            for number, point in enumerate(points)
            for which in range(times)
        ]
        self._random.shuffle(victims)
        victims.sort(key=lambda victim: victim.point.kills, reverse=True)  # they take longest
        for victim in victims:
            self._fault_stack.traps.set(task_id(victim.name), *victim.point.traps)
        with ThreadPoolExecutor(SUBMIT_AT_ONCE) as threads:
            submitted = [
                threads.submit(
                    self._fault_stack.submit,
                    each.name,
                    each.point.tokens,
                    model=each.point.model,
                )
                for each in victims
            ]
            self._watch(victims, submitted, time.monotonic() + within)
        relay = self._fault_stack.relay()["tasks"]
        return [victim.outcome(relay, retry=retry, measured=measured) for victim in victims]

    def _watch(self, victims, submitted, until):
        last_said = 0.0
        while time.monotonic() < until and not all(victim.settled() for victim in victims):
            for each in submitted:
                if each.done():
                    each.result()  # raises what a submit raised
            waiting = [victim for victim in victims if victim.awaits_the_relay()]
            if waiting:
                seen = _seen(self._fault_stack.relay())
                for victim in waiting:
                    if seen[victim.name, victim.point.relay_saw]:
                        victim.kill()
            if time.monotonic() - last_said > SAY_EVERY:
                last_said = time.monotonic()
                kills = sum(victim.kills() for victim in victims)
                settled = sum(victim.settled() for victim in victims)
                self._say(f"  {kills} kills, {settled} of {len(victims)} tasks through")
            time.sleep(LOOK_EVERY)


class Victim:
    """One task whose worker is killed as its point says."""

    def __init__(self, fault_stack, point, name):
        self.point = point
        self.name = name
        self._fault_stack = fault_stack
        self._task = None  # once it has ended and its last message has been dealt with

    def kills(self):
        return sum(1 for entry in self._story() if entry.what == "killed")

    def awaits_the_relay(self):
        return self.point.relay_saw is not None and not self.kills()

    def kill(self):
        """Kill the worker that holds the task, from outside."""
        pid = self._fault_stack.journal.holder(task_id(self.name))
        if pid is not None:
            self._fault_stack.kill(
                pid, task_id(self.name), where=f"the relay saw {self.point.relay_saw}"
            )

    def settled(self):
        """Whether all kills happened, and a later worker has ended the task or found it ended."""
        if self._task is None:
            story = self._story()
            last = max((i for i, e in enumerate(story) if e.what == "killed"), default=None)
            if last is None or self.kills() < self.point.kills:
                return False
            back = any(entry.what == "returned" for entry in story[last:])
            if back or self.point.ends == CRASHED:
                task = self._fault_stack.task(self.name)
                self._task = task if task["status"] in ENDED else None
        return self._task is not None

    def outcome(self, relay, *, retry, measured):
        task = self._task or self._fault_stack.task(self.name)
        error = task["error"] or {}
        outcome = Outcome(
            point=self.point,
            retry=retry,
            name=self.name,
            kills=self.kills(),
            completed=task["status"] == "completed",
            unknown=error.get("code") == "upstream_submit_unknown",
            paid=relay.get(self.name, {}).get("accepted", 0),
            recovery=self._recovery() if measured else None,
            wrong=None,
        )
        return replace(outcome, wrong=self._wrong(outcome, task))

    def _wrong(self, outcome, task):
        """Say what is not as it must be, None if nothing."""
        paid = self.point.again if outcome.retry else self.point.paid
        if self._task is None or outcome.kills < self.point.kills:
            return f"{outcome.kills} kills, then {task['status']}\n{self._story_text()}"
        if outcome.paid != paid:
            return f"paid {outcome.paid} times, not {paid}\n{self._story_text()}"
        error = task["error"] and {name: task["error"][name] for name in ENDINGS[UNKNOWN]}
        if error != ENDINGS[COMPLETED if outcome.retry else self.point.ends]:
            return f"ended as {task}\n{self._story_text()}"
        return None if error or self._whole(task["result"]["result"]) else "its video is not whole"

    def _whole(self, result):
        video = self._fault_stack.video(self.name)
        return video[4:8] == b"ftyp" and result.get("size_bytes") in {None, len(video)}

    def _recovery(self):
        story, worst = self._story(), None
        for number, entry in enumerate(story):
            if entry.what == "killed":
                claims = [e.at for e in story[number:] if e.is_step("claimed")]
                if claims:
                    worst = max(worst or 0.0, claims[0] - entry.at - self.point.pause)
        return worst

    def _story(self):
        return self._fault_stack.journal.of(task_id(self.name))

    def _story_text(self):
        return "\n".join(map(str, self._story()))


def _seen(report):
    """Return counts of the relay by task and name of the count."""
    seen = Counter()
    for name, counts in report["tasks"].items():
        seen[name, "posts"] = counts["posts"]
    for job in report["jobs"]:
        seen[job["key"], "polls"] += len(job["polls"])
        seen[job["key"], "file_reads"] += job["file_reads"]
    return seen
