"""The networks of the heads in PyTorch's own operations and layouts, for the golden files.

Weights are made by name: each is filled from a stream of noise of its own that its name tells, so that both sides have the
same ones without a file of them.
"""

import math

import torch
import torch.nn.functional as F

from noise import Noise

SPREAD = 0.4


def named(name):
    """FNV-1a over the name: the number of its stream."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


class Store:
    def __init__(self):
        self.made = {}

    def __call__(self, name, *dims):
        if name not in self.made:
            noise = Noise(5, named(name))
            # Norms keep what they are there for: their weights lie around one.
            middle = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            values = [middle + SPREAD * noise.normal() for _ in range(math.prod(dims))]
            self.made[name] = torch.tensor(values).reshape(dims).requires_grad_()
        return self.made[name]


def linear(w, site, x, outputs):
    return F.linear(x, w(f"{site}.weight", outputs, x.shape[-1]), w(f"{site}.bias", outputs))


def norm(w, site, x):
    width = x.shape[-1]
    return F.layer_norm(x, (width,), w(f"{site}.weight", width), w(f"{site}.bias", width))


def mlp(w, site, x, widths):
    for number, width in enumerate(widths):
        x = linear(w, f"{site}.{number}", x, width)
        if number + 1 < len(widths):
            x = F.gelu(x)
    return x


def trunk(w, site, x, layers, outputs):
    width = x.shape[-1]
    for layer in range(layers):
        inner = norm(w, f"{site}.layer.{layer}.norm", x)
        x = x + mlp(w, f"{site}.layer.{layer}.mlp", inner, [width, width])
    return linear(w, f"{site}.out", F.gelu(norm(w, f"{site}.norm", x)), outputs)


def attention(queries, keys, values, heads, mask):
    split = lambda x: x.unflatten(2, (heads, -1)).transpose(1, 2)
    q, k, v = split(queries), split(keys), split(values)
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2)


def block(w, site, x, size, order, mask=None, memory=None):
    """A layer of a transformer: `order` says where its norms are."""
    (heads, inner), width = size, x.shape[-1]

    def own(x):
        q, k, v = linear(w, f"{site}.own.inward", x, 3 * width).chunk(3, 2)
        return linear(w, f"{site}.own.outward", attention(q, k, v, heads, mask), width)

    def other(x):
        k, v = linear(w, f"{site}.other.told", memory, 2 * width).chunk(2, 2)
        q = linear(w, f"{site}.other.asking", x, width)
        return linear(w, f"{site}.other.outward", attention(q, k, v, heads, None), width)

    parts = [own] + ([other] if memory is not None else []) + [lambda x: mlp(w, f"{site}.mlp", x, [inner, width])]
    for number, part in enumerate(parts):
        if order == "before":
            x = x + part(norm(w, f"{site}.norm.{number}", x))
        else:
            x = norm(w, f"{site}.norm.{number}", x + part(x))
    return x


def waves(at, width):
    half = width // 2
    angles = at[:, None] * torch.exp(-math.log(10000.0) * torch.arange(half) / (half - 1))
    return torch.cat([torch.sin(angles), torch.cos(angles)], 1)


def denoiser(w, config, seen, x, times, outputs):
    if "unet" in config:
        return unet(w, config["unet"], seen, x, times, outputs)
    if "perceptron" in config:
        return perceptron(w, config["perceptron"], seen, x, times, outputs)
    return transformer(w, config["transformer"], seen, x, times, outputs)


def perceptron(w, config, seen, x, times, outputs):
    width, site = config["width"], "perceptron"
    steps, noisy = x.shape[1], x.flatten(1)
    known = linear(w, f"{site}.time", waves(times, width), width) + linear(w, f"{site}.seen", seen.pooled, width)
    out = trunk(w, f"{site}.trunk", linear(w, f"{site}.entry", noisy, width) + known, config["layers"], steps * outputs)
    return (out + linear(w, f"{site}.around", noisy, steps * outputs)).reshape(-1, steps, outputs)


def transformer(w, config, seen, x, times, outputs):
    width, site = config["width"], "transformer"
    size = (config["heads"], config["inner"] * width)
    time = linear(w, f"{site}.time", waves(times, width), width)[:, None]
    told = linear(w, f"{site}.seen", seen.tokens, width) + w(f"{site}.seen_places", seen.tokens.shape[1], width)
    memory = torch.cat([time, told], 1)
    steps = x.shape[1]
    causal = torch.ones(steps, steps).tril() > 0
    x = linear(w, f"{site}.entry", x, width) + w(f"{site}.places", steps, width)
    for layer in range(config["layers"]):
        x = block(w, f"{site}.block.{layer}", x, size, "before", mask=causal, memory=memory)
    return linear(w, f"{site}.out", norm(w, f"{site}.norm", x), outputs)


def conv(w, site, x, outputs, kernel, stride=1):
    weight = w(f"{site}.weight", outputs, kernel * x.shape[1]).view(outputs, kernel, x.shape[1]).transpose(1, 2)
    return F.conv1d(x, weight, w(f"{site}.bias", outputs), stride, kernel // 2)


def unet(w, config, seen, x, times, outputs):
    """`x` is [B, steps, inputs]; within, sequences are [B, channels, steps]."""
    widths, kernel, groups, wide = config["widths"], config["kernel"], config["groups"], config["time"]
    time = F.mish(linear(w, "unet.time.0", waves(times, wide), 4 * wide))
    time = linear(w, "unet.time.1", time, wide)
    condition = F.mish(torch.cat([time, seen.pooled], 1))
    levels = len(widths)
    order = [to for to in widths for _ in range(2)] + [widths[-1]] * 2
    order += [widths[level] for level in range(levels - 2, -1, -1) for _ in range(2)]
    films = linear(w, "unet.film", condition, 2 * sum(order)).split([2 * to for to in order], 1)
    taken = iter(films)

    def step(site, x, to):
        x = conv(w, f"{site}.conv", x, to, kernel)
        return F.mish(F.group_norm(x, groups, w(f"{site}.norm.weight", to), w(f"{site}.norm.bias", to)))

    def residual(site, x, to):
        scale, shift = next(taken)[..., None].chunk(2, 1)
        inner = step(f"{site}.second", scale * step(f"{site}.first", x, to) + shift, to)
        past = x if x.shape[1] == to else linear(w, f"{site}.past", x.transpose(1, 2), to).transpose(1, 2)
        return inner + past

    steps, whole = x.shape[1], 2 ** (levels - 1)
    x = F.pad(x.transpose(1, 2), (0, -steps % whole))
    kept = []
    for level, to in enumerate(widths):
        x = residual(f"unet.down.{level}.second", residual(f"unet.down.{level}.first", x, to), to)
        kept.append(x)
        if level + 1 < levels:
            x = conv(w, f"unet.down.{level}.halve", x, to, 3, 2)
    for name in ("first", "second"):
        x = residual(f"unet.middle.{name}", x, widths[-1])
    for level in range(levels - 2, -1, -1):
        site, to = f"unet.up.{level}", widths[level]
        x = torch.cat([x, kept.pop()], 1)
        x = residual(f"{site}.second", residual(f"{site}.first", x, to), to)
        weight = w(f"{site}.double.weight", 4 * to, to).view(4, to, to).permute(2, 1, 0)
        x = F.conv_transpose1d(x, weight, w(f"{site}.double.bias", to), 2, 1)
    x = step("unet.last", x, widths[0])[..., :steps].transpose(1, 2)
    return linear(w, "unet.out", x, outputs)
