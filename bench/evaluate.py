"""The test NLL of a model, micro and macro, by PyTorch: no code in common with `npm run evaluate`, the same numbers.

    pip install torch scipy safetensors
    python bench/evaluate.py models/jsb/gru.safetensors data/music/JSB_Chorales.mat
    python bench/evaluate.py models/jsb/gru-nade.safetensors data/music/JSB_Chorales.mat
"""

import sys

import scipy.io
import torch
from safetensors.torch import load_file

w = {name: tensor.double() for name, tensor in load_file(sys.argv[1]).items()}
W, U, b, A, a = (w[name] for name in ("rnn.W", "rnn.U", "rnn.b", "head.A", "head.a"))
H, sigmoid, tanh = len(U), torch.sigmoid, torch.tanh


def step(xWb, h, c):
    if W.shape[1] == H:
        return tanh(xWb + h @ U), c
    if W.shape[1] == 3 * H:
        z, r = sigmoid(xWb[: 2 * H] + h @ U[:, : 2 * H]).chunk(2)
        return (1 - z) * h + z * tanh(xWb[2 * H :] + (r * h) @ U[:, 2 * H :]), c
    (i, f, g, o), (Vi, Vf, Vo) = (xWb + h @ U).chunk(4), w["rnn.V"]
    c = sigmoid(f + Vf * c) * c + sigmoid(i + Vi * c) * tanh(g)
    return sigmoid(o + Vo * c) * tanh(c), c


def nll(piece):
    # Column 0 of the file is MIDI pitch 21; column 0 of a model is pitch 1, and its last the highest pitch of its set.
    x = torch.nn.functional.pad(torch.as_tensor(piece).double(), (20, 0))[:, : len(W)]
    h, c, hidden = torch.zeros(H).double(), torch.zeros(H).double(), []
    for xWb in x[:-1] @ W + b:
        h, c = step(xWb, h, c)
        hidden.append(h)
    logits = torch.stack(hidden) @ A + a
    if "nade.C" in w:
        # A pitch also depends on those below it: s = c + h C, and s += W_n after each sounding pitch n (nade.W).
        below = (x[1:, :, None] * w["nade.W"]).cumsum(1).roll(1, 1)
        below[:, 0] = 0
        s = (torch.stack(hidden) @ w["nade.C"] + w["nade.c"])[:, None] + below
        logits = logits + (w["nade.V"] * tanh(s)).sum(2)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, x[1:], reduction="none").sum(1)


with torch.no_grad():
    pieces = [nll(piece) for piece in scipy.io.loadmat(sys.argv[2])["testdata"].squeeze()]
print(f"micro {torch.cat(pieces).mean():.6f}, macro {torch.stack([piece.mean() for piece in pieces]).mean():.6f}")
