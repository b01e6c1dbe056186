"""PyTorch: nn.RNN (tanh), nn.LSTM or nn.GRU over dense frames, a linear head and RMSprop.

Reads a task as one line of JSON, answers with its version; then reads numbers of updates, one a line, and answers each
with the seconds they took and the NLL per frame of the last. nn.LSTM has no peepholes and nn.GRU applies the reset gate
after the product, so both do slightly different work than the models here.
"""

import json
import sys
import time

import torch
from torch import nn

torch.manual_seed(1)

task = json.loads(sys.stdin.readline())
torch.set_num_threads(task["threads"])
steps, batch, columns, rule = task["steps"], task["batch"], task["columns"], task["rule"]


def dense(first):
    x = torch.zeros(steps, batch, columns)
    for s, frames in enumerate(task["pieces"]):
        for t in range(steps):
            x[t, s, frames[first + t]] = 1
    return x


x, targets = dense(0), dense(1)
cell = {"tanh": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[task["cell"]](columns, task["units"])
head = nn.Linear(task["units"], columns)
parameters = [*cell.parameters(), *head.parameters()]
optimiser = torch.optim.RMSprop(
    parameters, lr=rule["learningRate"], alpha=rule["decay"], momentum=rule["momentum"], eps=rule["floor"]
)
nll = nn.BCEWithLogitsLoss(reduction="sum")


def update():
    optimiser.zero_grad()
    hidden, _ = cell(x)
    loss = nll(head(hidden), targets) / (steps * batch)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, rule["maxNorm"])
    optimiser.step()
    return loss


print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        loss = update()
    print(json.dumps({"seconds": time.perf_counter() - start, "sink": loss.item()}), flush=True)
