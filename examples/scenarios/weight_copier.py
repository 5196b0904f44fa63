"""A validator that asks nobody and copies the median, by stake, of the rows that others showed last.

The same attack as weight_copier.star, as a program: one line of JSON in, one line out.
"""
import json
import sys

try:
    import numpy as np
except ImportError:
    np = None


def on_ask(ctx, question):
    return {"act": "drop"}


def on_weights(ctx, honest):
    row = consensus(ctx)
    return {"act": "replace", "value": row, "fired": ["copied"]} if row else {}


def consensus(ctx):
    stakes = {neuron["hotkey"]: neuron["stake"] for neuron in ask("neurons")}
    rows = [(share(row["weights"]), stakes.get(row["hotkey"], 0.0)) for row in ask("rows") if row["hotkey"] != ctx["me"]]
    uids = sorted({uid for row, stake in rows for uid in row}, key=int)
    return {uid: median([(row.get(uid, 0.0), stake) for row, stake in rows]) for uid in uids}


def share(weights):
    total = sum(weights[uid] for uid in sorted(weights, key=int))
    return {uid: weight / total for uid, weight in weights.items()} if total else {}


def median(votes):
    if np is not None:
        weights, stakes = np.array(sorted(votes)).T
        below = np.cumsum(stakes)
        return float(weights[np.searchsorted(below, below[-1] / 2)])
    half, below = sum(stake for weight, stake in votes) / 2, 0.0
    for weight, stake in sorted(votes):
        below += stake
        if below >= half:
            return weight
    return 0.0


def say(message):
    print(json.dumps(message), flush=True)


def ask(question, **fields):
    say({"ask": question, **fields})
    return json.loads(sys.stdin.readline())["answer"]


HOOKS = {"on_ask": on_ask, "on_weights": on_weights}

for line in sys.stdin:
    asked = json.loads(line)
    if "init" in asked:
        say({"init_ok": {"hooks": list(HOOKS)}})
    else:
        say({"in_reply_to": asked["id"], **HOOKS[asked["hook"]](asked["ctx"], **asked["args"])})
