"""What the encoders compute, by PyTorch: writes `encoders.json` beside itself.

    pip install torch==2.11.0 && python3 tests/golden/encoders.py

Nothing here is taken from the crate: the networks are built from PyTorch's own modules after the papers, and only the
names of weights are shared, because both sides fill a weight with numbers that follow from its name and nothing else.
Of every case the file has the tokens, what is pooled, and of the gradient of each weight its norm and eight entries.
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def numbers(name, *dims):
    """Numbers between -1 and 1 that follow from a name."""
    phase = sum(name.encode()) % 97
    flat = [math.sin(0.7 * i + 0.001 * (i * i % 10007) + phase) for i in range(math.prod(dims))]
    return torch.tensor(flat).reshape(dims)


def weight(name, *dims):
    values = numbers(name, *dims)
    if len(dims) > 1:
        return values * (1.5 / math.sqrt(math.prod(dims[1:])))
    return values * 0.1 + (1.0 if name.endswith("norm.weight") or ".norm." in name and name.endswith("weight") else 0.0)


class Weights(dict):
    """Weights that are made when they are first asked for."""

    def get(self, name, *dims):
        if name not in self:
            self[name] = weight(name, *dims).requires_grad_()
        assert tuple(self[name].shape) == dims, name
        return self[name]


def linear(w, name, x, outputs):
    return F.linear(x, w.get(name + ".weight", outputs, x.shape[-1]), w.get(name + ".bias", outputs))


def mlp(w, name, x, *widths):
    for number, width in enumerate(widths):
        x = linear(w, f"{name}.{number}", x if number == 0 else F.gelu(x), width)
    return x


def group_norm(w, name, x):
    channels = x.shape[1]
    groups = channels // 16 if channels % 16 == 0 else 1
    return F.group_norm(x, groups, w.get(name + ".weight", channels), w.get(name + ".bias", channels))


def normed(w, name, x, outputs, side, stride):
    kernel = w.get(name + ".conv.weight", outputs, x.shape[1], side, side)
    return group_norm(w, name + ".norm", F.conv2d(x, kernel, stride=stride, padding=side // 2))


def spatial_softmax(w, name, x, points):
    maps = F.conv2d(x, w.get(name + ".maps.weight", points, x.shape[1], 1, 1))
    share = torch.softmax(maps.reshape(*maps.shape[:2], -1), -1).reshape(maps.shape)
    across = (share.sum(2) * torch.linspace(-1, 1, maps.shape[3])).sum(-1)
    down = (share.sum(3) * torch.linspace(-1, 1, maps.shape[2])).sum(-1)
    return torch.stack([across, down], -1).flatten(1)


def resnet(w, name, x, channels, points):
    x = F.max_pool2d(torch.relu(normed(w, name + ".stem", x, channels, 7, 2)), 3, 2, 1)
    for stage in range(4):
        outputs = channels * 2**stage
        for number in range(2):
            block, stride = f"{name}.stages.{stage}.{number}", 2 if stage and not number else 1
            out = torch.relu(normed(w, block + ".first", x, outputs, 3, stride))
            out = normed(w, block + ".second", out, outputs, 3, 1)
            around = x if x.shape == out.shape else normed(w, block + ".around", x, outputs, 1, stride)
            x = torch.relu(out + around)
    return spatial_softmax(w, name + ".points", x, points)


def convnet(w, name, x, channels, points):
    for number, (outputs, side, stride) in enumerate(zip(channels, (7, 5, 5), (2, 2, 1))):
        kernel = w.get(f"{name}.layers.{number}.weight", outputs, x.shape[1], side, side)
        bias = w.get(f"{name}.layers.{number}.bias", outputs)
        x = torch.relu(F.conv2d(x, kernel, bias, stride, side // 2))
    return spatial_softmax(w, name + ".points", x, points)


def lstm(w, name, x, layers):
    width = x.shape[-1]
    module = nn.LSTM(width, width, layers, batch_first=True)
    theirs = {"weight_ih": "weight_in", "weight_hh": "weight_back", "bias_ih": "bias_in", "bias_hh": "bias_back"}
    values = {}
    for parameter, value in module.named_parameters():
        kind, number = parameter.rsplit("_l", 1)
        values[parameter] = w.get(f"{name}.{number}.{theirs[kind]}", *value.shape)
    return torch.func.functional_call(module, values, x)[0]


def layer_norm(w, name, x):
    return F.layer_norm(x, x.shape[-1:], w.get(name + ".weight", x.shape[-1]), w.get(name + ".bias", x.shape[-1]))


def causal(w, name, x, heads):
    batch, steps, width = x.shape
    asked = linear(w, name + ".own.inward", layer_norm(w, name + ".norm.0", x), 3 * width)
    q, k, v = (part.reshape(batch, steps, heads, -1).transpose(1, 2) for part in asked.chunk(3, -1))
    score = q @ k.transpose(-1, -2) / math.sqrt(width // heads)
    score = score.masked_fill(torch.ones(steps, steps).tril() == 0, -torch.inf)
    told = (torch.softmax(score, -1) @ v).transpose(1, 2).reshape(batch, steps, width)
    x = x + linear(w, name + ".own.outward", told, width)
    return x + mlp(w, name + ".mlp", layer_norm(w, name + ".norm.1", x), 4 * width, width)


def remember(w, case, steps, goal):
    """`steps` is [B, H, N, E]; what it gives are tokens and what is pooled."""
    width, memory = case["width"], case["memory"]
    if memory == "stack":
        tokens = steps.flatten(1, 2)
        if goal is not None:
            tokens = torch.cat([tokens, goal.unsqueeze(1)], 1)
        pooled = mlp(w, "memory.pool", tokens.flatten(1), width, width)
        return tokens + w.get("memory.places", *tokens.shape[1:]), pooled
    steps = steps.flatten(2)
    if goal is not None:
        steps = torch.cat([steps, goal.unsqueeze(1).repeat(1, steps.shape[1], 1)], -1)
    steps = linear(w, "memory.joint", steps, width)
    if memory == "lstm":
        tokens = lstm(w, "memory.layers", steps, case["layers"])
    else:
        tokens = steps + w.get("memory.places", *steps.shape[1:])
        for number in range(case["layers"]):
            tokens = causal(w, f"memory.blocks.{number}", tokens, case["heads"])
        tokens = layer_norm(w, "memory.norm", tokens)
    return tokens, tokens[:, -1]


def encode(w, case):
    batch, history, width = case["batch"], case["history"], case["width"]
    row = numbers("state", batch, history, case["state"])
    if case["past"]:
        past = numbers("past", batch, history, case["action"])
        row = torch.cat([row, past], -1)
    tokens = [mlp(w, "numbers", row, width, width)]
    for number, (channels, height, across) in enumerate(case["cameras"]):
        picture = numbers(f"camera {number}", batch * history, channels, height, across) * 0.5 + 0.5
        eye = f"eyes.{0 if case['shared'] else number}"
        points = case["keypoints"]
        if case["eye"] == "resnet":
            seen = resnet(w, eye, picture * 2 - 1, case["channels"], points)
        else:
            seen = convnet(w, eye, picture * 2 - 1, case["channels"], points)
        seen = linear(w, f"cameras.{number}", seen, width)
        tokens.append(seen.reshape(batch, history, width))
    goal = mlp(w, "goal", numbers("goal", batch, case["goal"]), width, width) if case["goal"] else None
    return remember(w, case, torch.stack(tokens, 2), goal)


def entries(values):
    flat = values.detach().flatten()
    return [flat[number * len(flat) // 8].item() for number in range(8)]


def case(**settings):
    w = Weights()
    tokens, pooled = encode(w, settings)
    loss = (tokens * numbers("to tokens", *tokens.shape)).sum() + (pooled * numbers("to pooled", *pooled.shape)).sum()
    loss.backward()
    gradients = {name: {"norm": value.grad.norm().item(), "entries": entries(value.grad)} for name, value in w.items()}
    shaped = lambda x: {"shape": list(x.shape), "values": x.detach().flatten().tolist()}
    return {**settings, "tokens": shaped(tokens), "pooled": shaped(pooled), "gradients": gradients}


CASES = [
    case(batch=2, history=2, state=5, action=3, goal=2, past=False, width=8, eye="resnet", shared=False, channels=4,
         keypoints=3, cameras=[[3, 40, 48], [1, 33, 35]], memory="stack", layers=0, heads=0),
    case(batch=3, history=3, state=4, action=2, goal=2, past=True, width=8, eye="convnet", shared=True,
         channels=[4, 6, 5], keypoints=4, cameras=[[3, 20, 24], [3, 24, 20]], memory="lstm", layers=2, heads=0),
    case(batch=2, history=4, state=6, action=2, goal=0, past=True, width=12, eye="blind", shared=False, channels=0,
         keypoints=0, cameras=[], memory="transformer", layers=2, heads=3),
]

out = pathlib.Path(__file__).with_name("encoders.json")
out.write_text("[\n" + ",\n".join(json.dumps(made) for made in CASES) + "\n]\n")
