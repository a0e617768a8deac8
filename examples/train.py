"""Fits sin(x) with a third-order polynomial; one process makes the data, another trains.

On a GPU if PyTorch sees one, else on the CPU, and without PyTorch in plain Python: which one it
was stands in the first line.
"""

import math
import random

STEPS = 2000
RATE = 1e-6


def data_generate(samples, count=2000):
    """Puts x, sin(x) and four random weights. As lists: the trainer picks its own device."""
    step = 2 * math.pi / (count - 1)
    x = [-math.pi + i * step for i in range(count)]
    y = [math.sin(value) for value in x]
    weights = [random.gauss(0, 1) for _ in range(4)]
    samples.put((x, y, weights))
    print(f"{count} samples are in the queue", flush=True)


def train(samples):
    """Gradient descent on the weights of a + b x + c x^2 + d x^3."""
    x, y, weights = samples.get()
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: training in plain Python", flush=True)
        weights = _train_plain(x, y, weights)
    else:
        weights = _train_torch(torch, x, y, weights)
    a, b, c, d = weights
    print(f"Result: y = {a} + {b} x + {c} x^2 + {d} x^3", flush=True)


def _train_torch(torch, x, y, weights):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    what = torch.cuda.get_device_name() if device == "cuda" else "the CPU, no GPU is visible"
    print(f"PyTorch {torch.__version__} on {what}", flush=True)
    x = torch.tensor(x, device=device)
    y = torch.tensor(y, device=device)
    weights = [torch.tensor(w, device=device, requires_grad=True) for w in weights]
    for step in range(STEPS):
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        if step % 100 == 99:
            print(step + 1, loss.item(), flush=True)
        loss.backward()
        with torch.no_grad():
            for weight in weights:
                weight -= RATE * weight.grad
                weight.grad = None
    return [weight.item() for weight in weights]


def _train_plain(x, y, weights):
    # The loss is quadratic in the weights, so its gradient needs only sums over the samples that
    # never change: one step costs a handful of products instead of a walk over all samples.
    powers = [sum(v**n for v in x) for n in range(7)]
    mixed = [sum(t * v**n for v, t in zip(x, y)) for n in range(4)]
    squares = sum(t * t for t in y)
    for step in range(STEPS):
        slopes = [sum(w * powers[i + j] for j, w in enumerate(weights)) for i in range(4)]
        if step % 100 == 99:
            fitted = sum(w * (s - 2 * m) for w, s, m in zip(weights, slopes, mixed))
            print(step + 1, fitted + squares, flush=True)
        weights = [w - RATE * 2 * (s - m) for w, s, m in zip(weights, slopes, mixed)]
    return weights
