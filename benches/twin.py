"""The networks of benches/heads.rs as one writes them in PyTorch, run eagerly: what our own are measured against.

It reads the name of a piece of work and a number of repetitions from each line of its input and answers with their times in
milliseconds. The first argument is the number of threads.
"""

import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CHUNK, ACTION, WIDTH, TOKENS = 16, 6, 64, 4


class Waves(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width

    def forward(self, at):
        half = self.width // 2
        steps = torch.exp(torch.arange(half, device=at.device) * -(math.log(10000) / (half - 1)))
        angles = at[:, None] * steps[None, :]
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


class Step(nn.Module):
    def __init__(self, inputs, outputs, kernel=5, groups=8):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.GroupNorm(groups, outputs), nn.Mish()
        )

    def forward(self, x):
        return self.net(x)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, condition):
        super().__init__()
        self.first, self.second = Step(inputs, outputs), Step(outputs, outputs)
        self.film = nn.Sequential(nn.Mish(), nn.Linear(condition, 2 * outputs))
        self.past = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, condition):
        scale, shift = self.film(condition).unsqueeze(-1).chunk(2, dim=1)
        return self.second(scale * self.first(x) + shift) + self.past(x)


class Unet(nn.Module):
    def __init__(self, widths=(64, 128, 256), time_width=128):
        super().__init__()
        self.time = nn.Sequential(
            Waves(time_width), nn.Linear(time_width, 4 * time_width), nn.Mish(), nn.Linear(4 * time_width, time_width)
        )
        condition = time_width + WIDTH
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        inputs = ACTION
        for level, outputs in enumerate(widths):
            last = level == len(widths) - 1
            halve = nn.Identity() if last else nn.Conv1d(outputs, outputs, 3, 2, 1)
            self.down.append(nn.ModuleList([Residual(inputs, outputs, condition), Residual(outputs, outputs, condition), halve]))
            inputs = outputs
        self.middle = nn.ModuleList([Residual(inputs, inputs, condition) for _ in range(2)])
        for narrow, wide in reversed(list(zip(widths[:-1], widths[1:]))):
            double = nn.ConvTranspose1d(narrow, narrow, 4, 2, 1)
            self.up.append(nn.ModuleList([Residual(2 * wide, narrow, condition), Residual(narrow, narrow, condition), double]))
        self.last = nn.Sequential(Step(widths[0], widths[0]), nn.Conv1d(widths[0], ACTION, 1))

    def forward(self, x, times, seen):
        x = x.transpose(1, 2)
        condition = torch.cat([self.time(times), seen], dim=-1)
        kept = []
        for first, second, halve in self.down:
            x = second(first(x, condition), condition)
            kept.append(x)
            x = halve(x)
        for block in self.middle:
            x = block(x, condition)
        for first, second, double in self.up:
            x = torch.cat((x, kept.pop()), dim=1)
            x = double(second(first(x, condition), condition))
        return self.last(x).transpose(1, 2)


class Attending(nn.Module):
    """A layer with its norms after (ACT) or before (the denoiser) its parts."""

    def __init__(self, width, heads, inner, crossing, before):
        super().__init__()
        self.before = before
        self.own = nn.MultiheadAttention(width, heads, batch_first=True)
        self.other = nn.MultiheadAttention(width, heads, batch_first=True) if crossing else None
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3 if crossing else 2)])

    def part(self, number, x, work):
        norm = self.norms[number]
        return x + work(norm(x)) if self.before else norm(x + work(x))

    def forward(self, x, memory=None, mask=None, padding=None):
        own = lambda x: self.own(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False)[0]
        x = self.part(0, x, own)
        if self.other is not None:
            x = self.part(1, x, lambda x: self.other(x, memory, memory, need_weights=False)[0])
        return self.part(-1, x, self.mlp)


class Act(nn.Module):
    def __init__(self, width=192, heads=4, inner=768, layers=4, recognizers=4, latent=32):
        super().__init__()
        layer = lambda crossing: Attending(width, heads, inner, crossing, False)
        self.latent = latent
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.known, self.shown = nn.Linear(WIDTH, width), nn.Linear(ACTION, width)
        self.recognizer_places = nn.Parameter(torch.randn(2 + CHUNK, width) * 0.02)
        self.recognizer = nn.ModuleList([layer(False) for _ in range(recognizers)])
        self.latent_out, self.latent_in = nn.Linear(width, 2 * latent), nn.Linear(latent, width)
        self.seen = nn.Linear(WIDTH, width)
        self.places = nn.Parameter(torch.randn(1 + TOKENS, width) * 0.02)
        self.encoder = nn.ModuleList([layer(False) for _ in range(layers)])
        self.queries = nn.Embedding(CHUNK, width)
        self.decoder = layer(True)
        self.out = nn.Linear(width, ACTION)

    def decode(self, tokens, latent):
        x = torch.cat([self.latent_in(latent)[:, None], self.seen(tokens)], 1) + self.places
        for block in self.encoder:
            x = block(x)
        queries = self.queries.weight.unsqueeze(0).expand(x.shape[0], -1, -1)
        return self.out(self.decoder(queries, x))

    def loss(self, tokens, pooled, actions, real):
        batch = actions.shape[0]
        x = torch.cat([self.cls.expand(batch, -1, -1), self.known(pooled)[:, None], self.shown(actions)], 1)
        x = x + self.recognizer_places
        padding = torch.cat([torch.zeros(batch, 2, dtype=torch.bool), real < 0.5], 1)
        for block in self.recognizer:
            x = block(x, padding=padding)
        mean, log_variance = self.latent_out(x[:, 0]).chunk(2, 1)
        latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        l1 = ((self.decode(tokens, latent) - actions).abs() * real[..., None]).sum((1, 2)) / (real.sum(1) * ACTION)
        kl = (-0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp())).sum(1)
        return (l1 + 10.0 * kl).mean()


class Transformer(nn.Module):
    def __init__(self, width=128, layers=4, heads=4, inner=4):
        super().__init__()
        self.time = nn.Sequential(Waves(width), nn.Linear(width, width))
        self.seen, self.entry = nn.Linear(WIDTH, width), nn.Linear(ACTION, width)
        self.seen_places = nn.Parameter(torch.randn(TOKENS, width) * 0.02)
        self.places = nn.Parameter(torch.randn(CHUNK, width) * 0.02)
        self.blocks = nn.ModuleList([Attending(width, heads, inner * width, True, True) for _ in range(layers)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, ACTION)
        self.register_buffer("mask", ~torch.ones(CHUNK, CHUNK, dtype=torch.bool).tril())

    def forward(self, x, times, tokens):
        memory = torch.cat([self.time(times)[:, None], self.seen(tokens) + self.seen_places], 1)
        x = self.entry(x) + self.places
        for block in self.blocks:
            x = block(x, memory, mask=self.mask)
        return self.out(self.norm(x))


def cosine(steps=100):
    wave = lambda at: math.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = torch.tensor([min(1 - wave((t + 1) / steps) / wave(t / steps), 0.999) for t in range(steps)])
    return torch.cumprod(1 - betas, 0)


torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
KEPT = cosine()
unet, act, field = Unet(), Act(), Transformer()


def batch(size):
    return torch.randn(size, TOKENS, WIDTH), torch.randn(size, WIDTH), torch.randn(size, CHUNK, ACTION).clamp(-1, 1)


def backward(network, loss):
    network.zero_grad(set_to_none=True)
    loss.backward()


def diffusion_step(data=batch(64)):
    _, pooled, actions = data
    t = torch.randint(0, 100, (64,))
    drawn, k = torch.randn_like(actions), KEPT[t][:, None, None]
    noisy = k.sqrt() * actions + (1 - k).sqrt() * drawn
    backward(unet, F.mse_loss(unet(noisy, t, pooled), drawn))


@torch.inference_mode()
def diffusion_chunk(data=batch(1)):
    x = torch.randn(1, CHUNK, ACTION)
    for t in range(99, 0, -10):
        k, after = KEPT[t], KEPT[t - 10] if t >= 10 else torch.tensor(1.0)
        coming = ((x - (1 - k).sqrt() * unet(x, torch.full((1,), t), data[1])) / k.sqrt()).clamp(-1, 1)
        x = after.sqrt() * coming + (1 - after).sqrt() * (x - k.sqrt() * coming) / (1 - k).sqrt()


def act_step(data=batch(8), real=torch.ones(8, CHUNK)):
    backward(act, act.loss(*data, real))


@torch.inference_mode()
def act_chunk(data=batch(1)):
    act.decode(data[0], torch.zeros(1, act.latent))


def flow_step(data=batch(64)):
    tokens, _, actions = data
    t, drawn = torch.rand(64), torch.randn_like(actions)
    noisy = (1 - t[:, None, None]) * drawn + t[:, None, None] * actions
    backward(field, F.mse_loss(field(noisy, 1000 * t, tokens), actions - drawn))


@torch.inference_mode()
def flow_chunk(data=batch(1)):
    x = torch.randn(1, CHUNK, ACTION)
    for step in range(10):
        x = x + field(x, torch.full((1,), 100.0 * step), data[0]) / 10


def main():
    count = lambda network: sum(weight.numel() for weight in network.parameters())
    print(f"torch {torch.__version__}, weights {count(unet)} {count(act)} {count(field)}", flush=True)
    for line in sys.stdin:
        name, repetitions = line.split()
        work, times = globals()[name], []
        for _ in range(int(repetitions)):
            start = time.perf_counter()
            work()
            times.append(1000 * (time.perf_counter() - start))
        print(" ".join(f"{spent:.4f}" for spent in times), flush=True)


main()
