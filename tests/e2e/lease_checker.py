# SPDX-License-Identifier: MIT
"""Judges the history of a lease torture from the clients' logs. Knows nothing of Baton but what its
contract says: one exclusive holder per slot, sharers only among themselves, fences that rise, first
come first served. All times are of the machine's one monotonic clock.
"""
import collections
import json

Hold = collections.namedtuple(
    "Hold", "lease client environment slot mode fence asked begins ends queued acknowledged")


def read_logs(paths):
    events = []
    for path in paths:
        for line in open(path, encoding="utf-8"):
            if line.endswith("\n"):
                events.append(json.loads(line))
    return sorted(events, key=lambda event: event["at"])


def holds_of(events, killed):
    """killed: pid → when it was killed: it used nothing after that."""
    until, leaves, queued_at, held = {}, {}, {}, []
    for event in events:
        lease = event.get("lease")
        if event["event"] == "queued":
            queued_at[lease] = event["at"]
        elif event["event"] == "held":
            held.append(event)
            until[lease] = event["until"]
        elif event["event"] == "renewed":
            until[lease] = max(until[lease], event["until"])
        elif event["event"] == "leaves":
            leaves[lease] = event["at"]
    holds = []
    for event in held:
        lease = event["lease"]
        ends = min(until[lease], leaves.get(lease, float("inf")), killed.get(event["pid"], float("inf")))
        for slot in event["slots"]:
            holds.append(Hold(lease, event["client"], event["environment"], slot, event["mode"],
                              event["fence"], event["asked"], event["at"], ends, event["queued"],
                              queued_at.get(lease)))
    return holds


def overlaps(holds):
    problems = []
    slots = collections.defaultdict(list)
    for hold in holds:
        slots[hold.environment, hold.slot].append(hold)
    for where, list_ in slots.items():
        list_.sort(key=lambda hold: hold.begins)
        active = []
        for hold in list_:
            if hold.ends <= hold.begins:
                continue  # it heard of its grant when that was over already, and used nothing
            active = [other for other in active if other.ends > hold.begins]
            for other in active:
                if "exclusive" in (hold.mode, other.mode):
                    problems.append(f"{where}: {hold.lease} begins {other.ends - hold.begins:.3f} s "
                                    f"before {other.lease} ends")
            active.append(hold)
    return problems


def fences(holds):
    problems = []
    by_lease = {hold.lease: hold for hold in holds}
    known = {}
    for hold in by_lease.values():
        if hold.fence in known:
            problems.append(f"{hold.lease} and {known[hold.fence]} have the fence {hold.fence}")
        known[hold.fence] = hold.lease
    # Whoever asked after another held has a higher fence, on whatever environment.
    highest, held = 0, sorted(by_lease.values(), key=lambda hold: hold.begins)
    at = 0
    for hold in sorted(by_lease.values(), key=lambda hold: hold.asked):
        while at < len(held) and held[at].begins < hold.asked:
            highest = max(highest, held[at].fence)
            at += 1
        if hold.fence <= highest:
            problems.append(f"{hold.lease} asked after the fence {highest} was given and has {hold.fence}")
    return problems


def order(holds):
    """On environments with one slot: who was told to wait before another asked gets it before."""
    problems = []
    environments = collections.defaultdict(list)
    for hold in holds:
        if hold.environment != "t3" and hold.queued and hold.acknowledged is not None:
            environments[hold.environment].append(hold)
    for list_ in environments.values():
        told = sorted(list_, key=lambda hold: hold.acknowledged)
        at, highest = 0, None
        for hold in sorted(list_, key=lambda hold: hold.asked):
            while at < len(told) and told[at].acknowledged < hold.asked:
                if highest is None or told[at].fence > highest.fence:
                    highest = told[at]
                at += 1
            if highest is not None and highest.fence > hold.fence:
                problems.append(f"{hold.lease} came after {highest.lease} and was served before it")
    return problems


def handovers(holds):
    return len({hold.lease for hold in holds if hold.queued})


def check(events, killed):
    holds = holds_of(events, killed)
    return overlaps(holds) + fences(holds) + order(holds), holds
