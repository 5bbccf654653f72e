"""Draw the figures of ``docs/network.md`` from the network's own numbers.

Run ``python docs/figures/network.py``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from torch.nn.functional import layer_norm

from napari_scd.model import PRESETS, build_network
from napari_scd.model.embedding import sincos_positions
from napari_scd.model.keep import count_tokens
from napari_scd.model.pruning import split_top_through

IMAGES = Path(__file__).parents[1] / "images"
STAGE = ("#9aa5b1", "#2b6cb0", "#e8a33d", "#d62728")
INK, PALE, ENCODER, ASSEMBLY, DECODER = "#1f2933", "#eef1f4", "#cfe0f3", "#d8efe0", "#f6e0d3"
BTCV = PRESETS["paper-btcv"]


def box(axes, x, y, w, h, text="", colour=PALE, size=9, **style):
    """Draw a rounded box with centred text; `x`, `y` is its lower left corner."""
    shape = FancyBboxPatch(
        (x, y), w, h, boxstyle="round,pad=0,rounding_size=0.06", fc=colour, ec=INK, lw=0.8, **style
    )
    axes.add_patch(shape)
    centred = {"ha": "center", "va": "center", "linespacing": 1.35}
    axes.text(x + w / 2, y + h / 2, text, fontsize=size, color=INK, **centred)


def arrow(axes, start, end, colour=INK, **style):
    """Draw an arrow between two points."""
    options = {"arrowstyle": "-|>", "mutation_scale": 11, "lw": 1.1, "color": colour}
    options |= {"shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(start, end, **(options | style)))


def canvas(width, height, x, y):
    """Make a figure without axes whose units are our own."""
    figure, axes = plt.subplots(figsize=(width, height))
    axes.set(xlim=(0, x), ylim=(0, y))
    axes.axis("off")
    return figure, axes


def save(figure, name):
    """Write one PNG."""
    figure.savefig(IMAGES / f"network-{name}.png", dpi=130, bbox_inches="tight", pad_inches=0.08)
    plt.close(figure)


def overview():
    """Draw the way from window to logits; heights of blocks follow the living tokens at keep 0.5."""
    figure, axes = canvas(12, 5.6, 24, 11.2)
    counts = count_tokens(BTCV.n_tokens, (0.5,) * 3)
    mid, full = 7.4, 4.6
    axes.text(0.1, 10.7, "sparse encoding", fontsize=11, weight="bold", color=INK)
    box(axes, 0.1, mid - 1.1, 2.0, 2.2, "window\n1 × 96³", DECODER)
    box(axes, 2.7, mid - full / 2, 1.7, full, "patches 8³\nConv3d\n+ CLS\n+ position", PALE)
    arrow(axes, (2.1, mid), (2.7, mid))
    x, heights = 5.0, [full * (count / counts[0]) ** 0.5 for count in counts]
    arrow(axes, (4.4, mid), (x, mid))
    for stage, height in enumerate(heights):
        axes.text(x, mid + height / 2 + 0.2, f"{counts[stage]} tokens", fontsize=8.5, color=INK)
        for block in range(3 * stage, 3 * stage + 3):
            box(axes, x, mid - height / 2, 0.62, height, str(block), ENCODER, size=8)
            x += 0.76
        if stage < 3:
            axes.add_patch(funnel(x, mid, height, heights[stage + 1], STAGE[stage]))
            axes.text(x + 0.26, mid, "STP", rotation=90, ha="center", va="center", fontsize=8, color="white")
            arrow(axes, (x + 0.2, mid - height / 2), (x + 0.2, 3.9), STAGE[stage])
            axes.text(
                x + 0.4, 4.3, f"{counts[stage] - counts[stage + 1]} leave", fontsize=8.5, color=STAGE[stage]
            )
            arrow(axes, (x + 0.52, mid), (x + 1.5, mid))
            x += 1.5
    arrow(axes, (x - 0.14, mid), (x + 0.4, mid), STAGE[3])
    arrow(axes, (x + 0.4, mid), (x + 0.4, 3.9), STAGE[3])
    axes.text(x + 0.55, 4.3, f"{counts[3]} survive, + CLS", fontsize=8.5, color=STAGE[3])
    mixing = "back in grid order, + sin-cos position, one block, LayerNorm, Linear, CLS dropped"
    box(axes, 5.0, 2.5, x + 1.4 - 5.0, 1.4, f"a Linear and a mark for each group,\n{mixing}", ASSEMBLY)
    axes.text(x + 1.6, 3.05, "token completion (MTA)", fontsize=11, weight="bold", color=INK)
    box(
        axes,
        8.2,
        0.2,
        7.6,
        1.5,
        "UNETR-style decoder: the completed map\n768 × 12³ goes into every token branch",
        DECODER,
    )
    arrow(axes, (12.0, 2.5), (12.0, 1.7))
    arrow(axes, (1.1, mid - 1.1), (8.2, 0.95), connectionstyle="angle,angleA=-90,angleB=0,rad=4")
    axes.text(2.2, 1.15, "raw image branch", fontsize=8.5, color=INK)
    arrow(axes, (15.8, 0.95), (16.8, 0.95))
    box(axes, 16.8, 0.2, 2.4, 1.5, "logits\n14 × 96³", DECODER)
    axes.text(19.5, 0.85, "dense decoding", fontsize=11, weight="bold", color=INK)
    save(figure, "overview")


def funnel(x, mid, before, after, colour):
    """Build the shape of a stage: as high as the tokens before it, then as those after it."""
    corners = [
        (x, mid - before / 2),
        (x, mid + before / 2),
        (x + 0.52, mid + after / 2),
        (x + 0.52, mid - after / 2),
    ]
    return plt.Polygon(corners, closed=True, fc=colour, ec=INK, lw=0.8)


def stage():
    """Draw one pruning stage: scorer, choice, and the two ways out with their gradient."""
    figure = plt.figure(figsize=(12, 4.4))
    axes = figure.add_axes((0, 0, 0.36, 1))
    axes.set(xlim=(0, 10), ylim=(0, 12))
    axes.axis("off")
    steps = ["LayerNorm · Linear(d, d) · GELU", "", "Linear(d, d/2) · GELU", "Linear(d/2, d/4) · GELU",
             "Linear(d/4, 1) · log sigmoid"]  # fmt: skip
    axes.text(5, 11.5, "scorer: living tokens (b, L, d), CLS excluded", ha="center", fontsize=9.5)
    for row, text in enumerate(steps):
        y = 9.4 - 2.05 * row
        arrow(axes, (5, y + 1.85), (5, y + 1.25))
        if text:
            box(axes, 1.2, y, 7.6, 1.25, text, ENCODER)
        else:
            box(axes, 1.2, y, 3.7, 1.25, "own half", ENCODER)
            box(axes, 5.1, y, 3.7, 1.25, "other half: mean\nover the living", ASSEMBLY, size=8.5)
    axes.text(5, 0.35, "score (b, L) ≤ 0", ha="center", fontsize=9.5)

    rng = np.random.default_rng(4)
    chart = figure.add_axes((0.42, 0.14, 0.25, 0.7))
    scores = torch.from_numpy(rng.normal(-1.2, 0.7, 16).astype(np.float32)).clamp(max=-0.05)
    noise = torch.from_numpy(rng.gumbel(0, 0.6, 16).astype(np.float32))
    order = (scores + noise).argsort(descending=True)
    best = set(order[:8].tolist())
    colours = [STAGE[3] if i in best else STAGE[0] for i in range(16)]
    chart.bar(range(16), scores + noise + 3.2, bottom=-3.2, color=colours, width=0.75)
    chart.plot(range(16), scores, "_", color=INK, markersize=9, markeredgewidth=1.6, label="score")
    chart.axhline(float((scores + noise)[order[7]]) - 0.03, color=INK, lw=0.8, ls=":")
    chart.set(xticks=[], ylim=(-3.2, 2.6), title="training: score + Gumbel noise, best k stay")
    chart.title.set_fontsize(9.5)
    chart.legend(fontsize=8, frameon=False, loc="upper left")
    chart.set_xlabel("tokens   (inference: no noise)", fontsize=8.5)
    chart.tick_params(labelsize=7.5)
    chart.spines[["top", "right"]].set_visible(False)

    axes = figure.add_axes((0.69, 0, 0.31, 1))
    axes.set(xlim=(0, 10), ylim=(0, 12))
    axes.axis("off")
    ours, theirs = gradients()
    box(axes, 0.3, 8.6, 4.2, 1.6, "survivors × f\nto the next block", "#f3c6c6")
    box(axes, 5.2, 8.6, 4.6, 1.6, "leavers: LayerNorm, × f\nto the assembly", "#dde2e7")
    axes.text(5, 10.9, "f = 1 forwards; backwards the softmax", ha="center", fontsize=9.5)
    chart = figure.add_axes((0.735, 0.14, 0.23, 0.36))
    chart.barh([1, 0], [ours, theirs], color=[STAGE[1], STAGE[0]], height=0.5)
    chart.set(yticks=[1, 0], xscale="log", xlim=(theirs / 4, ours * 3))
    chart.set_yticklabels(["× f after\nthe norm\n(ours)", "× f before\nthe norm"], fontsize=8)
    chart.set_title("gradient at the scores, leavers' side", fontsize=9)
    chart.tick_params(axis="x", labelsize=7.5)
    chart.spines[["top", "right"]].set_visible(False)
    save(figure, "stage")


def gradients():
    """Measure the scores' gradient from the leavers, with the factor after and before their norm."""
    torch.manual_seed(0)
    scores = torch.randn(4, 32).requires_grad_()
    tokens, weight = torch.randn(4, 16, 96), torch.randn(4, 16, 96)
    factor = split_top_through(scores, 16).pruned_factor[..., None]
    found = []
    for out in (layer_norm(tokens, (96,), eps=1e-6) * factor, layer_norm(tokens * factor, (96,), eps=1e-6)):
        (gradient,) = torch.autograd.grad((out * weight).sum(), scores, retain_graph=True)
        found.append(float(gradient.norm()))
    return found


def assembly():
    """Draw groups that left at different stages, back in grid order, with the position code."""
    figure = plt.figure(figsize=(12, 3.9))
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:6, :8]
    worth = -((y - 2.6) ** 2 / 4 + (x - 4.2) ** 2 / 7) + rng.normal(0, 0.35, (6, 8))
    exits = np.full((6, 8), 3)
    order, at = worth.ravel().argsort(), 0
    for stage_, left in enumerate((24, 12, 6)):
        exits.ravel()[order[at : at + left]] = stage_
        at += left
    axes = figure.add_axes((0, 0, 0.44, 1))
    axes.set(xlim=(0, 14), ylim=(0, 10))
    axes.axis("off")
    titles = ("left at stage 1", "left at stage 2", "left at stage 3", "survived, and CLS")
    for group, title in enumerate(titles):
        row = 8.0 - 2.2 * group
        places = np.flatnonzero(exits.ravel() == group)
        axes.text(0.1, row + 1.08, f"{title}: {len(places)}", fontsize=9, color=STAGE[group])
        for column in range(min(len(places), 18)):
            axes.add_patch(Rectangle((0.1 + 0.36 * column, row), 0.3, 0.8, fc=STAGE[group], ec="white"))
        if len(places) > 18:
            axes.text(6.7, row + 0.2, "…", fontsize=12, color=STAGE[group])
        arrow(axes, (7.3, row + 0.4), (8.0, row + 0.4))
        box(axes, 8.0, row - 0.1, 3.3, 1.0, f"Linear {group + 1} + mark {group + 1}", ASSEMBLY, size=8.5)
        arrow(axes, (11.3, row + 0.4), (13.6, 5.0))
    axes.text(9.65, 9.35, "(b, m, d) to (b, m, dc)", fontsize=8.5, ha="center")
    grid = figure.add_axes((0.445, 0.13, 0.19, 0.72))
    grid.imshow(exits, cmap=ListedColormap(STAGE), vmin=0, vmax=3)
    grid.set(xticks=[], yticks=[])
    grid.set_title("in grid order (b, n, dc)", fontsize=9)
    for edge in range(7):
        grid.axhline(edge - 0.5, color="white", lw=1)
    for edge in range(9):
        grid.axvline(edge - 0.5, color="white", lw=1)
    code = figure.add_axes((0.675, 0.13, 0.12, 0.72))
    code.imshow(sincos_positions((4, 6, 4), 96)[0], aspect="auto", cmap="RdBu_r", interpolation="nearest")
    code.set_title("+ sin-cos (1 + n, dc)", fontsize=9)
    code.set(xticks=[8 + 16 * i for i in range(6)], yticks=[])
    code.set_xticklabels(["sin\nz", "cos\nz", "sin\ny", "cos\ny", "sin\nx", "cos\nx"], fontsize=7.5)
    figure.text(0.655, 0.49, "+", fontsize=14, ha="center", va="center")
    axes = figure.add_axes((0.80, 0, 0.20, 1))
    axes.set(xlim=(0, 6), ylim=(0, 10))
    axes.axis("off")
    steps = ("transformer block\n(completion_depth)", "LayerNorm", "Linear(dc, d)", "drop CLS")
    for row, text in enumerate(steps):
        top = 7.2 - 2.0 * row
        box(axes, 0.9, top, 4.6, 1.25, text, ASSEMBLY, size=8.5)
        if row:
            arrow(axes, (3.2, top + 2.0), (3.2, top + 1.25))
    arrow(axes, (0.0, 7.8), (0.9, 7.8))
    axes.text(3.2, 0.45, "completed (b, n, d)", fontsize=9, ha="center")
    save(figure, "assembly")


LATTICE = {
    "deep8 · UNETRx8_decoderv2": (
        {0: "raw\nbasic", 1: "tok\nPrUp 1", 2: "tok\nPrUp 0", 3: "tok\nbasic", 4: "tok\npool"},
        ("f", "2f", "4f", "8f", "d"),
    ),
    "shallow8 · UNETRx8_decoder": (
        {0: "raw\nbasic", 1: "tok\nPrUp 1", 2: "tok\nPrUp 0", 3: "tok"},
        ("f", "2f", "4f", "d"),
    ),
    "unetr16 · UNETR_decoder": (
        {0: "raw\nbasic", 1: "tok\nPrUp 2", 2: "tok\nPrUp 1", 3: "tok\nPrUp 0", 4: "tok"},
        ("f", "2f", "4f", "8f", "d"),
    ),
    "unetr4 · ours": (
        {0: "raw\nbasic", 1: "tok\nPrUp 0", 2: "tok\nbasic", 3: "tok\npool"},
        ("f", "2f", "4f", "d"),
    ),
    "half · ours, for laptops": (
        {1: "raw\nconv 2³\nbasic", 3: "tok\nbasic"},
        ("out", "f", "2f", "4f"),
    ),
}


def decoders():
    """Draw branches by level and the way up, one panel a decoder."""
    figure, panels = plt.subplots(2, 3, figsize=(12, 6.2))
    for axes, (title, (branches, widths)) in zip(panels.flat, LATTICE.items(), strict=False):
        axes.set(xlim=(-0.3, 10.6), ylim=(0, 7.4))
        axes.axis("off")
        axes.text(5, 7.0, title, ha="center", fontsize=10, weight="bold", color=INK)
        for level, width in enumerate(widths):
            x = 2.1 * level
            scale = "1" if not level else f"1/{2**level}"
            axes.text(x + 0.8, 6.2, scale, ha="center", fontsize=8.5, color="#52606d")
            if level in branches:
                raw = branches[level].startswith("raw")
                box(axes, x, 4.1, 1.6, 1.7, branches[level], DECODER if raw else ASSEMBLY, size=8)
            last = level == len(widths) - 1
            if not last:
                box(axes, x, 1.2, 1.6, 1.4, up_text(title, level, width), ENCODER, size=7.3)
                arrow(axes, (x + 2.1, 1.9), (x + 1.6, 1.9))
                if level in branches:
                    arrow(axes, (x + 0.8, 4.1), (x + 0.8, 2.6))
            else:
                axes.text(x + 0.8, 1.9, width, ha="center", va="center", fontsize=9)
                arrow(axes, (x + 0.8, 4.1), (x + 0.8, 2.3))
        if not title.startswith("half"):
            axes.text(0.8, 0.5, "out", ha="center", fontsize=8.5)
            arrow(axes, (0.8, 1.2), (0.8, 0.85))
    notes = panels.flat[-1]
    notes.axis("off")
    notes.text(
        0, 0.95,
        "columns: size as a share of the window\n\n"
        "raw: the image, without tokens (part of the prefix)\n"
        "tok: the completed map, d channels on the token grid\n"
        "PrUp n: a transposed convolution, then n times\n  transposed convolution + residual block\n"
        "basic: residual block of two 3³ convolutions\n"
        "pool: average, kernel 3, stride 2\n"
        "lower row: doubled, beside its skip, residual block\n\n"
        "f = features (paper: 16), d = embed_dim (paper: 768)",
        va="top", fontsize=9.5, color=INK, transform=notes.transAxes, linespacing=1.5,
    )  # fmt: skip
    figure.tight_layout(pad=0.4)
    save(figure, "decoders")


def up_text(title, level, width):
    """Put words into a box of the way up."""
    if title.startswith("half"):
        return {0: "conv T 2³\nto out", 1: f"join\n{width}", 2: f"up, basic\n{width}"}[level]
    return f"decoder{level + 2}\n{width}"


def cost():
    """Draw the multiply-accumulates of a window by part, over the keep ratio."""
    figure, panels = plt.subplots(1, 2, figsize=(12, 3.4))
    keeps = (1.0, 0.75, 0.5, 0.25, 0.1)
    for axes, name in zip(panels, ("paper-btcv", "house-12"), strict=True):
        with torch.device("meta"):
            network = build_network(name)
        parts = np.array([network.macs(keep) for keep in keeps]) / 1e9
        bottom = np.zeros(len(keeps))
        for column, (part, colour) in enumerate(
            (("encoder", "#2b6cb0"), ("assembly", "#4caf7a"), ("decoder", "#e08a5b"))
        ):
            axes.bar(range(len(keeps)), parts[:, column], bottom=bottom, color=colour, label=part, width=0.6)
            bottom += parts[:, column]
        for place in range(len(keeps)):
            saved = 1 - parts[place, 0] / parts[0, 0]
            text = f"{bottom[place]:.3g} G" + (f"\nencoder −{saved:.0%}" if place else "")
            axes.text(place, bottom[place] * 1.01, text, ha="center", va="bottom", fontsize=8.5)
        ends = [network.token_counts(keep)[-1] for keep in keeps]
        ticks = [f"{keep:g}\n1728 > {end}" for keep, end in zip(keeps, ends, strict=True)]
        axes.set_xticks(range(len(keeps)), ticks, fontsize=9)
        axes.tick_params(axis="x", length=0)
        axes.set(ylim=(0, bottom[0] * 1.22), ylabel="GMACs, one window of 96³")
        axes.set_title(f"{name}: keep per stage, tokens in > surviving", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=9)
    figure.tight_layout(pad=0.6)
    save(figure, "cost")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for draw in (overview, stage, assembly, decoders, cost):
        draw()
