"""Writes heads.json: losses, gradients and samples of every head, computed with PyTorch from the papers' equations.

It shares no code with src/: networks are written with PyTorch's own operations in its own layouts (`conv1d`, softmax attention
without a cache), samplers in full. What both sides have to agree on is the name and form of every weight, and the order in
which noise is drawn. How to run it: see README.md beside it.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

from networks import Store, denoiser, linear, mlp, norm, block, trunk
from noise import Noise

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

BATCH, CHUNK, ACTION, WIDTH, TOKENS = 3, 6, 3, 10, 4
FROZEN, PROMISED = 2, 4
SHARES = torch.tensor([1.0, 0.5, 2.0])
QUANTILES = [[(number + 1) * (place / 8) ** 1.5 - 1.0 for place in range(9)] for number in range(ACTION)]


def normal(noise, *dims):
    return torch.tensor([noise.normal() for _ in range(math.prod(dims))]).reshape(dims)


def unit(noise, *dims):
    return torch.tensor([noise.unit() for _ in range(math.prod(dims))]).reshape(dims)


class Seen:
    def __init__(self):
        noise = Noise(1)
        self.tokens = normal(noise, BATCH, TOKENS, WIDTH).requires_grad_()
        self.pooled = normal(noise, BATCH, WIDTH).requires_grad_()


class Target:
    """The second sample ends two steps early; in the third, three steps are promised."""

    def __init__(self, promised):
        self.actions = 0.5 * normal(Noise(2), BATCH, CHUNK, ACTION)
        self.real = torch.ones(BATCH, CHUNK)
        self.real[1, 4:] = 0.0
        count = torch.tensor([0, 1, 3]) if promised else torch.zeros(BATCH, dtype=torch.int64)
        self.given = (torch.arange(CHUNK) < count[:, None]).double()
        self.counted = self.real * (1 - self.given)
        self.held = self.actions.clone()
        self.held[1, 4:] = self.actions[1, 3]

    def prefix(self):
        return torch.cat([self.actions * self.given[..., None], self.given[..., None]], 2)

    def mean(self, errors):
        return (errors * self.counted[..., None]).sum((1, 2)) / (self.counted.sum(1).clamp(min=1) * ACTION)


class Promise:
    """Four promised steps, of which two are frozen; or none at all."""

    def __init__(self, there):
        self.there = there
        self.actions = 0.5 * normal(Noise(3), BATCH, PROMISED, ACTION)
        self.given = torch.zeros(BATCH, CHUNK)
        if there:
            self.given[:, :FROZEN] = 1.0
        self.whole = F.pad(self.actions, (0, 0, 0, CHUNK - PROMISED))

    def prefix(self):
        return torch.cat([self.whole * self.given[..., None], self.given[..., None]], 2)

    def keep(self, chunk):
        return torch.where(self.given[..., None] > 0, self.whole, chunk) if self.there else chunk

    def weights(self, known):
        """Real-time chunking's soft mask."""
        values = []
        for step in range(CHUNK):
            c = (PROMISED - step) / (PROMISED - FROZEN + 1)
            full = 0.0 if known else 1.0
            values.append(full if step < FROZEN else c * (math.exp(c) - 1) / (math.e - 1) if step < PROMISED else 0.0)
        return torch.tensor(values)[None, :, None]


def entry(w, config, seen, prefix):
    x = torch.cat([seen.pooled, prefix.flatten(1)], 1) if config.get("prefixes") else seen.pooled
    return linear(w, "entry", x, config["width"])


def mse(config):
    def forward(w, seen, prefix):
        x = trunk(w, "trunk", entry(w, config, seen, prefix), config["layers"], CHUNK * ACTION)
        return x.reshape(BATCH, CHUNK, ACTION)

    def loss(w, seen, target, noise):
        return target.mean((forward(w, seen, target.prefix()) - target.actions) ** 2), {}

    def sample(w, seen, promise, noise):
        chunk = forward(w, seen, promise.prefix())
        return promise.keep(chunk) if config.get("prefixes") else chunk

    return loss, sample


def mog(config):
    modes = config["modes"]

    def forward(w, seen, prefix):
        size = CHUNK * ACTION
        out = trunk(w, "trunk", entry(w, config, seen, prefix), config["layers"], modes * (1 + 2 * size))
        shares, means, spread = out.split([modes, modes * size, modes * size], 1)
        form = (BATCH, modes, CHUNK, ACTION)
        return torch.softmax(shares, 1), means.reshape(form), F.softplus(spread.reshape(form)) + config["least"]

    def loss(w, seen, target, noise):
        shares, means, spread = forward(w, seen, target.prefix())
        density = torch.distributions.Normal(means, spread).log_prob(target.actions[:, None])
        each = (density * target.counted[:, None, :, None]).sum((2, 3))
        return -torch.log((shares * each.exp()).sum(1)) / (target.counted.sum(1) * ACTION), {}

    def sample(w, seen, promise, noise):
        shares, means, spread = forward(w, seen, promise.prefix())
        places, drawn = unit(noise, BATCH), normal(noise, BATCH, CHUNK, ACTION)
        rows = []
        for row in range(BATCH):
            mode = int((shares[row].cumsum(0) < places[row]).sum())
            rows.append(means[row, mode] + spread[row, mode] * drawn[row] * config["carried_out"])
        chunk = torch.stack(rows)
        return promise.keep(chunk) if config.get("prefixes") else chunk

    return loss, sample


def act(config):
    width, size = config["width"], (config["heads"], config["inner"])

    def recognize(w, seen, target):
        known = linear(w, "recognizer.seen_in", seen.pooled, width)[:, None]
        shown = linear(w, "recognizer.actions_in", target.actions, width)
        x = torch.cat([w("recognizer.class", 1, 1, width).expand(BATCH, 1, width), known, shown], 1)
        x = x + w("recognizer.places", 2 + CHUNK, width)
        visible = torch.cat([torch.ones(BATCH, 2), target.real], 1) > 0
        for layer in range(config["recognizers"]):
            x = block(w, f"recognizer.block.{layer}", x, size, "after", mask=visible[:, None, None, :])
        return linear(w, "recognizer.out", x[:, 0], 2 * config["latent"]).chunk(2, 1)

    def decode(w, seen, latent, prefix):
        first = linear(w, "latent_in", latent, width)[:, None]
        x = torch.cat([first, linear(w, "seen_in", seen.tokens, width)], 1) + w("places", 1 + TOKENS, width)
        for layer in range(config["layers"]):
            x = block(w, f"encoder.{layer}", x, size, "after")
        queries = w("queries", CHUNK, width).expand(BATCH, CHUNK, width)
        if config.get("prefixes"):
            queries = queries + linear(w, "given_in", prefix, width)
        for layer in range(config["decoders"]):
            queries = block(w, f"decoder.{layer}", queries, size, "after", memory=x)
        return linear(w, "out", queries, ACTION)

    def loss(w, seen, target, noise):
        mean, log_variance = recognize(w, seen, target)
        spread = torch.exp(log_variance / 2)
        latent = mean + spread * normal(noise, BATCH, config["latent"])
        l1 = target.mean((decode(w, seen, latent, target.prefix()) - target.actions).abs())
        normals = torch.distributions.Normal
        kl = torch.distributions.kl_divergence(normals(mean, spread), normals(0.0, 1.0)).sum(1)
        return l1 + config["kl"] * kl, {"l1": l1, "kl": kl}

    def sample(w, seen, promise, noise):
        latent = normal(noise, BATCH, config["latent"]) * config.get("temperature", 0.0)
        chunk = decode(w, seen, latent, promise.prefix())
        return promise.keep(chunk) if config.get("prefixes") else chunk

    return loss, sample


def guided(x, promise, config, estimate, signal, rest):
    """The chunk that comes of x and the correction of its direction (Black et al. 2025, equations 2 to 4)."""
    x = x.detach().requires_grad_()
    coming = estimate(x)
    wrong = (promise.whole - coming.detach()) * promise.weights(config.get("prefixes"))
    (way,) = torch.autograd.grad((coming * wrong).sum(), x)
    strength = config["guidance"] if signal == 0 else min(config["guidance"], rest / (signal * rest**2 / (signal**2 + rest**2)))
    return coming.detach(), strength * way


def given_beside(x, prefix, config):
    if not config.get("prefixes"):
        return x
    given = prefix[..., -1:]
    return torch.cat([torch.where(given > 0, prefix[..., :-1], x), given], 2)


def diffusion(config):
    steps, says = config["steps"], config["target"]
    wave = lambda at: math.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = [min(1 - wave((t + 1) / steps) / wave(t / steps), 0.999) for t in range(steps)]
    kept = torch.cumprod(1 - torch.tensor(betas), 0)

    def loss(w, seen, target, noise):
        t = torch.tensor([noise.below(steps) for _ in range(BATCH)])
        drawn = normal(noise, BATCH, CHUNK, ACTION)
        a, s = kept[t].sqrt()[:, None, None], (1 - kept[t]).sqrt()[:, None, None]
        noisy = given_beside(a * target.held + s * drawn, target.prefix(), config)
        out = denoiser(w, config["network"], seen, noisy, t.double(), ACTION)
        wanted = {"epsilon": drawn, "sample": target.held, "velocity": a * drawn - s * target.held}[says]
        return target.mean((out - wanted) ** 2), {}

    def chunk_of(x, out, k):
        a, s = k.sqrt(), (1 - k).sqrt()
        return {"epsilon": (x - s * out) / a, "sample": out, "velocity": a * x - s * out}[says]

    def sample(w, seen, promise, noise):
        few = "ddim" in config["sampler"]
        count = config["sampler"]["ddim"]["steps"] if few else steps
        way = [math.ceil(steps * (count - number) / count) - 1 for number in range(count)]
        x = normal(noise, BATCH, CHUNK, ACTION)
        for number, t in enumerate(way):
            k = kept[t]
            after = kept[way[number + 1]] if number + 1 < count else torch.tensor(1.0)

            def estimate(x):
                told = given_beside(x, promise.prefix(), config)
                return chunk_of(x, denoiser(w, config["network"], seen, told, torch.full((BATCH,), float(t)), ACTION), k)

            if promise.there and config["guidance"] > 0:
                # As a flow: tau of it is signal, its noisy chunk is ours over their sum; then back again.
                both = float(k.sqrt() + (1 - k).sqrt())
                signal, rest = float(k.sqrt()) / both, float((1 - k).sqrt()) / both
                coming, way_x = guided(x, promise, config, estimate, signal, rest)
                coming = coming + rest * (way_x * both)
            else:
                coming = estimate(x).detach()
            coming = coming.clamp(-config["clip"], config["clip"])
            if few:
                left = (x - k.sqrt() * coming) / (1 - k).sqrt()
                x = after.sqrt() * coming + (1 - after).sqrt() * left
            else:
                alpha = k / after
                mean = after.sqrt() * (1 - alpha) / (1 - k) * coming + alpha.sqrt() * (1 - after) / (1 - k) * x
                x = mean
                if number + 1 < count:
                    x = x + ((1 - after) / (1 - k) * (1 - alpha)).sqrt() * normal(noise, BATCH, CHUNK, ACTION)
        return promise.keep(x)

    return loss, sample


def flow(config):
    whole = config.get("target") == "sample"

    def network(w, seen, x, time):
        return denoiser(w, config["network"], seen, x, 1000 * time, ACTION)

    def loss(w, seen, target, noise):
        times = [noise.unit() for _ in range(BATCH)]
        if "beta" in config["times"]:
            beta = config["times"]["beta"]
            times = [beta["most"] * (1 - u ** (1 / beta["alpha"])) for u in times]
        tau, drawn = torch.tensor(times), normal(noise, BATCH, CHUNK, ACTION)
        noisy = (1 - tau[:, None, None]) * drawn + tau[:, None, None] * target.held
        out = network(w, seen, given_beside(noisy, target.prefix(), config), tau)
        return target.mean((out - (target.held if whole else target.held - drawn)) ** 2), {}

    def sample(w, seen, promise, noise):
        def direction(x, tau):
            def velocity(x):
                out = network(w, seen, given_beside(x, promise.prefix(), config), torch.full((BATCH,), tau))
                return (out - x) / (1 - tau) if whole else out

            if promise.there and config["guidance"] > 0:
                coming, way = guided(x, promise, config, lambda x: x + (1 - tau) * velocity(x), tau, 1 - tau)
                return (coming - x) / (1 - tau) + way
            return velocity(x).detach()

        x, h = normal(noise, BATCH, CHUNK, ACTION), 1 / config["steps"]
        for step in range(config["steps"]):
            if config["solver"] == "midpoint":
                x = x + h * direction(x + h / 2 * direction(x, step * h), step * h + h / 2)
            else:
                x = x + h * direction(x, step * h)
        return promise.keep(x)

    return loss, sample


def knots_of(count):
    """As many steps, spread evenly; halves are rounded up."""
    return [math.floor(knot * (CHUNK - 1) / (count - 1) + 0.5) for knot in range(count)]


def straight(x, knots):
    """The chunk that runs straight from knot to knot of `x`, which is [B, knots, action]."""
    steps = []
    for step in range(CHUNK):
        after = next(place for place, knot in enumerate(knots) if knot >= step)
        before = max(after - 1, 0)
        share = 1.0 if after == 0 else (step - knots[before]) / (knots[after] - knots[before])
        steps.append((1 - share) * x[:, before] + share * x[:, after])
    return torch.stack(steps, 1)


def tokens(config):
    width, count = config["width"], config["levels"]
    levels = torch.stack([F.interpolate(torch.tensor(q)[None, None], count, mode="linear", align_corners=True)[0, 0] for q in QUANTILES])
    between = (levels[:, 1:] + levels[:, :-1]) / 2
    edges = F.pad(between, (1, 1))
    edges[:, 0], edges[:, -1] = -1e6, 1e6
    size = (config["heads"], config["inner"] * width)
    knots = knots_of(config.get("knots", CHUNK))
    places = len(knots) * ACTION
    numbers = [place % ACTION for place in range(places)]

    def values_of(words):
        return torch.stack([levels[numbers[place]][words[:, place]] for place in range(words.shape[1])], 1) if words.shape[1] else torch.zeros(BATCH, 0)

    def words_of(actions):
        return (actions[..., None] - levels).abs().argmin(-1)

    def scores(w, seen, said):
        """Of every word after the numbers `said`: [B, said + 1, levels]."""
        outline = mlp(w, "outline", seen.pooled, [4 * width, 4 * width, places * width]).reshape(BATCH, places, width)
        memory = linear(w, "seen", seen.tokens, width) + w("seen_places", TOKENS, width)
        heard = mlp(w, "word", said[..., None], [width, width])
        x = torch.cat([w("start", 1, 1, width).expand(BATCH, 1, width), heard], 1)
        about = (w("step_places", len(knots), 1, width) + w("number_places", 1, ACTION, width)).reshape(-1, width)
        x = x + (about + outline)[:, : x.shape[1]]
        causal = torch.ones(x.shape[1], x.shape[1]).tril() > 0
        for layer in range(config["layers"]):
            x = block(w, f"block.{layer}", x, size, "before", mask=causal, memory=memory)
        weight, middle, spread = linear(w, "out", norm(w, "norm", x), 3 * config["hills"]).chunk(3, 2)
        at = [numbers[place] for place in range(x.shape[1])]
        upto = torch.sigmoid((edges[at][:, None] - middle[..., None]) / (F.softplus(spread) + config["least"])[..., None])
        return (torch.softmax(weight, 2)[..., None] * upto.diff(dim=3)).sum(2).log()

    def loss(w, seen, target, noise):
        shown = target.held[:, knots]
        words = words_of(shown).flatten(1)
        each = F.cross_entropy(scores(w, seen, shown.flatten(1)[:, :-1]).transpose(1, 2), words, reduction="none")
        each = each.reshape(BATCH, len(knots), ACTION).mean(2)
        counted = target.counted[:, knots]
        return (each * counted).sum(1) / counted.sum(1).clamp(min=1.0), {}

    def sample(w, seen, promise, noise):
        frozen = [knot for knot in knots if knot < FROZEN]
        chances, forced = unit(noise, places, BATCH), words_of(promise.actions[:, frozen]).flatten(1)
        words = torch.zeros(BATCH, 0, dtype=torch.int64)
        for place in range(places):
            if promise.there and place < len(frozen) * ACTION:
                word = forced[:, place]
            else:
                word = torch.tensor([
                    drawn(torch.softmax(row / config["temperature"], 0), float(chances[place, number]), config["top_p"])
                    for number, row in enumerate(scores(w, seen, values_of(words))[:, -1])
                ])
            words = torch.cat([words, word[:, None]], 1)
        words = words.reshape(BATCH, len(knots), ACTION)
        said = torch.stack([levels[number][words[..., number]] for number in range(ACTION)], 2)
        return promise.keep(straight(said, knots))

    return loss, sample


def drawn(shares, place, top_p):
    """The word at `place` among the likeliest that together have the probability."""
    shares = shares.detach()
    order = sorted(range(len(shares)), key=lambda word: -float(shares[word]))
    among, total = [], 0.0
    for word in order:
        if total >= top_p:
            break
        among.append(word)
        total += float(shares[word])
    upto = 0.0
    for word in among:
        upto += float(shares[word])
        if upto >= place * total:
            return word
    return among[-1]


def energy(config):
    count, width, spread = config["knots"], config["width"], 0.3
    knots = knots_of(count)
    far = config["deviation"] * config["shrink"] ** torch.arange(config["rounds"] + 1.0)

    def context(w, seen):
        return trunk(w, "context", linear(w, "seen", seen.pooled, width), config["layers"], width)

    def restored(w, context, x, rounds):
        """Scaled as Karras et al. 2022: in, past the network, and out."""
        sigma = far[rounds][:, None, None]
        inner = context + w("round", config["rounds"], width)[rounds]
        inner = inner[:, None] + linear(w, "entry", x / torch.sqrt(spread**2 + sigma**2), width)
        out = trunk(w, "judge", inner, config["judging"], count * ACTION)
        return spread**2 / (spread**2 + sigma**2) * x + sigma * spread / torch.sqrt(spread**2 + sigma**2) * out

    def energies(off, rounds):
        near, wide = far[rounds + 1][:, None], far[rounds][:, None]
        return (off**2).sum(2) / 2 * (1 / near**2 - 1 / wide**2)

    def both_sides(noise, pairs, deviation):
        off = normal(noise, BATCH, pairs, count * ACTION) * deviation[:, None, None]
        return torch.cat([off, -off], 1)

    def loss(w, seen, target, noise):
        shown = torch.cat([target.held[:, knot] for knot in knots], 1)[:, None]
        rounds = torch.tensor([noise.below(config["rounds"]) for _ in range(BATCH)])
        positives = shown + both_sides(noise, config["positives"], far[rounds + 1])
        x = torch.cat([positives, shown + both_sides(noise, config["negatives"], far[rounds])], 1)
        back = restored(w, context(w, seen), x, rounds)
        counted = torch.stack([target.counted[:, knot] for knot in knots], 1).repeat_interleave(ACTION, 1)[:, None]
        scores = -energies((x - back) * counted, rounds)
        many = 2 * config["positives"]
        told = 0
        for place in range(many):
            among = torch.cat([scores[:, place : place + 1], scores[:, many:]], 1)
            told = told + F.cross_entropy(among, torch.zeros(BATCH, dtype=torch.int64), reduction="none") / many
        sigma = far[rounds][:, None, None]
        scale = sigma * spread / torch.sqrt(spread**2 + sigma**2)
        restoring = ((((back - shown) / scale) ** 2).mean(1) * counted[:, 0]).sum(1) / counted[:, 0].sum(1)
        return told + config["restoring"] * restoring, {"contrast": told, "restored": restoring}

    def sample(w, seen, promise, noise):
        wanted = [promise.actions[:, knot] for knot in knots if promise.there and knot < FROZEN]
        fixed = len(wanted) * ACTION
        wanted = torch.cat(wanted, 1)[:, None] if wanted else torch.zeros(BATCH, 1, 0)
        drawn, known = normal(noise, BATCH, config["samples"], count * ACTION), context(w, seen)
        x, total = far[0] * drawn, 0
        for step in range(config["rounds"]):
            x = torch.cat([wanted + far[step] * drawn[..., :fixed], x[..., fixed:]], 2)
            rounds = torch.full((BATCH,), step)
            back = restored(w, known, x, rounds)
            total = total + energies(x - back, rounds)
            x = back if step + 1 == config["rounds"] else (1 - config["shrink"]) * back + config["shrink"] * x
        best = torch.stack([x[row, total[row].argmin()] for row in range(BATCH)])
        x = torch.cat([wanted[:, 0], best[:, fixed:]], 1).reshape(BATCH, count, ACTION)
        return promise.keep(straight(x, knots))

    return loss, sample


HEADS = {"mse": mse, "mog": mog, "act": act, "diffusion": diffusion, "flow": flow, "tokens": tokens, "energy": energy}


def cases():
    unet = {"unet": {"widths": [8, 8, 16], "kernel": 5, "groups": 4, "time": 8}}
    flat = {"unet": {"widths": [8, 16], "kernel": 3, "groups": 2, "time": 6}}
    attending = {"transformer": {"width": 8, "layers": 2, "heads": 2, "inner": 2}}
    small = {"width": 12, "layers": 2}
    acts = {"width": 8, "heads": 2, "inner": 12, "layers": 2, "decoders": 2, "recognizers": 2, "latent": 4, "kl": 10.0}
    noised = {"steps": 20, "clip": 1.0, "guidance": 5.0}
    few, all_of_them = {"ddim": {"steps": 6}}, {"ddpm": {}}
    flows = {"steps": 5, "guidance": 5.0}
    yield "mse", {"mse": small}
    yield "mse, prefixes", {"mse": {**small, "prefixes": True}}
    yield "mog", {"mog": {**small, "modes": 4, "least": 0.02, "carried_out": 0.1}}
    yield "mog, prefixes", {"mog": {**small, "modes": 3, "least": 0.02, "carried_out": 0.1, "prefixes": True}}
    yield "act", {"act": acts}
    yield "act, prefixes", {"act": {**acts, "decoders": 1, "temperature": 0.7, "prefixes": True}}
    yield "diffusion", {"diffusion": {**noised, "network": unet, "target": "epsilon", "sampler": few}}
    yield "diffusion, ddpm", {"diffusion": {**noised, "network": flat, "target": "epsilon", "sampler": all_of_them}}
    yield "diffusion, sample", {"diffusion": {**noised, "network": attending, "target": "sample", "sampler": all_of_them}}
    yield "diffusion, velocity", {"diffusion": {**noised, "network": attending, "target": "velocity", "sampler": few}}
    yield "diffusion, prefixes", {"diffusion": {**noised, "network": unet, "target": "sample", "sampler": few, "prefixes": True}}
    yield "flow", {"flow": {**flows, "network": unet, "solver": "euler", "times": {"even": {}}}}
    yield "flow, midpoint", {"flow": {**flows, "guidance": 3.0, "network": attending, "solver": "midpoint", "times": {"beta": {"alpha": 1.5, "most": 0.999}}}}
    yield "flow, sample", {"flow": {**flows, "network": attending, "target": "sample", "solver": "midpoint", "times": {"even": {}}}}
    yield "flow, prefixes", {"flow": {**flows, "network": attending, "solver": "euler", "times": {"even": {}}, "prefixes": True}}
    yield "flow, perceptron", {"flow": {**flows, "network": {"perceptron": {"width": 8, "layers": 2}}, "solver": "euler", "times": {"even": {}}}}
    yield "tokens", {"tokens": {"levels": 7, "hills": 3, "least": 0.1, "width": 8, "layers": 2, "heads": 2, "inner": 2, "temperature": 0.7, "top_p": 0.8}}
    searched = {"width": 12, "layers": 2, "judging": 1, "knots": 3, "positives": 2, "negatives": 3, "restoring": 0.7}
    yield "tokens, knots", {"tokens": {"knots": 3, "levels": 7, "hills": 3, "least": 0.1, "width": 8, "layers": 2, "heads": 2, "inner": 2, "temperature": 0.7, "top_p": 0.8}}
    yield "energy", {"energy": {**searched, "samples": 5, "rounds": 4, "deviation": 0.8, "shrink": 0.6}}


def digest(values):
    """Small tensors whole; of larger ones the largest entry, the norm, a random projection's value, and eight entries."""
    flat = values.flatten()
    if len(flat) <= 32:
        return flat.tolist()
    noise = Noise(9)
    along = torch.tensor([noise.normal() for _ in range(len(flat))])
    some = [flat[place * len(flat) // 8] for place in range(8)]
    return [float(x) for x in [flat.abs().max(), flat.norm(), (flat * along).sum(), *some]]


def computed(config):
    ((name, settings),) = config.items()
    loss, sample = HEADS[name](settings)
    prefixes = settings.get("prefixes", False)
    w, seen = Store(), Seen()
    each, parts = loss(w, seen, Target(prefixes or name == "tokens"), Noise(11))
    (each * SHARES).sum().backward()
    out = {"head": config, "each": each.tolist(), "parts": {part: values.tolist() for part, values in parts.items()}}
    inputs = {"tokens": seen.tokens, "pooled": seen.pooled}
    out["inputs"] = {name: digest(x.grad) for name, x in inputs.items() if x.grad is not None}
    out["gradients"] = {name: digest(x.grad) for name, x in sorted(w.made.items())}
    out["sample"] = sample(w, seen, Promise(False), Noise(12)).flatten().tolist()
    out["promised"] = sample(w, seen, Promise(True), Noise(12)).flatten().tolist()
    return out


def main():
    lines = [f"{json.dumps(name)}: {json.dumps(computed(config))}" for name, config in cases()]
    Path(__file__).with_name("heads.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
