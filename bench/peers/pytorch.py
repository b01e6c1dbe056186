"""PyTorch: nn.RNN (tanh), nn.LSTM or nn.GRU over dense frames, a linear or NADE head, and RMSprop.

Reads a task as one line of JSON, answers with its version and the NLL per frame of the task's weights; then reads numbers
of repetitions, one a line, and answers each with the seconds they took and the NLL per frame of the last. nn.LSTM has no
peepholes and nn.GRU applies the reset gate after the product, so both do slightly different work than the models here.
"""

import json
import sys
import time

import torch
from torch import nn

task = json.loads(sys.stdin.readline())
torch.set_num_threads(task["threads"])
steps, batch, columns, units, rule = task["steps"], len(task["pieces"]), task["columns"], task["units"], task["rule"]
w = {name: torch.tensor(values) for name, values in task["tensors"].items()}


def dense(first):
    x = torch.zeros(steps, batch, columns)
    for s, frames in enumerate(task["pieces"]):
        for t in range(steps):
            x[t, s, frames[first + t]] = 1
    return x


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = {"tanh": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[task["cell"]](columns, units)
        self.head = nn.Linear(units, columns)
        self.nade = nn.ParameterDict({name: nn.Parameter(w[name]) for name in "CcNM"} if task["hidden"] else {})

    def load(self):
        """The task's weights: matrices by columns, and the GRU's gates z, r, h, whose z weighs the new state."""
        W, U, b = w["W"].view(columns, -1).T, w["U"].view(units, -1).T, w["b"]
        if task["cell"] == "gru":
            W, U, b = (torch.cat([t[units : 2 * units], -t[:units], t[2 * units :]]) for t in (W, U, b))
        self.cell.weight_ih_l0.copy_(W)
        self.cell.weight_hh_l0.copy_(U)
        self.cell.bias_ih_l0.copy_(b)
        self.cell.bias_hh_l0.zero_()
        self.head.weight.copy_(w["A"].view(units, columns).T)
        self.head.bias.copy_(w["a"])

    def forward(self, x, targets):
        hidden, _ = self.cell(x)
        logits = self.head(hidden)
        if task["hidden"]:
            C, c, N, M = (self.nade[name] for name in "CcNM")
            K = task["hidden"]
            below = (targets[..., None] * N.view(columns, K)).cumsum(-2)[..., :-1, :]
            s = (hidden @ C.view(units, K) + c)[..., None, :] + nn.functional.pad(below, (0, 0, 1, 0))
            logits = logits + (M.view(columns, K) * s.tanh()).sum(-1)
        return nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / (steps * batch)


x, targets, model = dense(0), dense(1), Model()
optimiser = torch.optim.RMSprop(
    model.parameters(), lr=rule["learningRate"], alpha=rule["decay"], momentum=rule["momentum"], eps=rule["floor"]
)


def train():
    optimiser.zero_grad()
    loss = model(x, targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), rule["maxNorm"])
    optimiser.step()
    return loss


@torch.no_grad()
def score():
    return model(x, targets)


with torch.no_grad():
    model.load()
work = {"train": train, "score": score}[task["work"]]
print(json.dumps({"version": torch.__version__, "nll": score().item()}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        loss = work()
    print(json.dumps({"seconds": time.perf_counter() - start, "sink": loss.item()}), flush=True)
