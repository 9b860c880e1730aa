#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""charts.py CSV DIRECTORY: the charts of a run of the benchmark as SVG files, legible on light and on dark ground."""

import csv
import math
import os
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 80, 56

CHARTS = {
    "descriptors": ("Latency against open descriptors, all but three closed in the child",
                    "open descriptors of the caller"),
    "resident": ("Latency against resident size", "touched memory of the caller, MiB"),
    "idle": ("Latency against idle threads", "idle threads of the caller"),
    "spawning": ("Threads that spawn: time a program, all processors", "threads that spawn"),
}

# The first whose name begins so: class of the colour, shape of the mark, dashes. Never told by colour alone.
STYLES = [
    ("forkexec, a high", "f", "diamond", ""),
    ("forkexec", "a", "circle", ""),
    ("floor", "b", "square", "5 4"),
    ("posix_spawn", "c", "triangle", ""),
    ("vfork", "d", "diamond", "2 3"),
    ("fork", "e", "down", ""),
]
LIGHT = {"ground": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "grid": "#d9dee3", "a": "#0a5fc4", "b": "#5f6772",
         "c": "#b4500a", "d": "#187343", "e": "#8637ad", "f": "#0b7c82"}
DARK = {"ground": "#0d1117", "ink": "#e6edf3", "soft": "#9ba5b0", "grid": "#30363d", "a": "#5fa8ff", "b": "#a7b0bb",
        "c": "#ff9a57", "d": "#4cca8a", "e": "#cd91f2", "f": "#4fd0d6"}


def style_sheet():
    def rules(colours):
        lines = [f".ground{{fill:{colours['ground']}}}.ink{{fill:{colours['ink']}}}.soft{{fill:{colours['soft']}}}",
                 f".grid{{stroke:{colours['grid']}}}"]
        lines += [f".s{k}{{stroke:{colours[k]}}}.f{k}{{fill:{colours[k]}}}" for k in "abcdef"]
        return "".join(lines)
    return ("text{font:12px system-ui,sans-serif}.title{font-size:15px;font-weight:600}.line{fill:none;stroke-width:2}"
            f"{rules(LIGHT)}@media(prefers-color-scheme:dark){{{rules(DARK)}}}")


def mark(shape, x, y, colour):
    r = 4
    points = {
        "diamond": [(0, -r - 1), (r + 1, 0), (0, r + 1), (-r - 1, 0)],
        "triangle": [(0, -r - 1), (r + 1, r), (-r - 1, r)],
        "down": [(0, r + 1), (r + 1, -r), (-r - 1, -r)],
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
    }
    if shape == "circle":
        return f'<circle class="f{colour}" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    text = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points[shape])
    return f'<polygon class="f{colour}" points="{text}"/>'


def line(kind, x1, x2, y1, y2):
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def y_axis(low, high):
    """What the values lie between, the ticks, and whether the axis is logarithmic."""
    if high / low > 20:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return 10 ** first, 10 ** last, [10 ** n for n in range(first, last + 1)], True
    power = 10 ** math.floor(math.log10(high))
    step = next(part * power for part in (2, 1, 0.5, 0.25) if high / (part * power) > 3 or part == 0.25)
    top = math.ceil(high / step) * step
    return 0, top, [n * step for n in range(round(top / step) + 1)], False


def in_words(us):
    if us >= 1000:
        return f"{us / 1000:,g} ms"
    return f"{us:g} µs"


def chart(title, x_name, machine, run, series):
    xs = sorted({at for points in series.values() for at in points})
    lows = [point[1] for points in series.values() for point in points.values()]
    highs = [point[2] for points in series.values() for point in points.values()]
    bottom, top, ticks, logarithmic = y_axis(min(lows), max(highs))

    def place_x(x):
        span = math.log(xs[-1] / xs[0]) or 1
        return LEFT + 14 + (WIDTH - LEFT - RIGHT - 28) * math.log(x / xs[0]) / span

    def place_y(y):
        part = math.log(y / bottom) / math.log(top / bottom) if logarithmic else (y - bottom) / (top - bottom)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    middle = (LEFT + WIDTH - RIGHT) / 2
    out = ['<svg xmlns="http://www.w3.org/2000/svg" role="img" '
           f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
           f"<title>{escape(title)}</title><style>{style_sheet()}</style>",
           f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
           f'<text class="ink title" x="{LEFT}" y="24">{escape(title)}</text>',
           f'<text class="soft" x="{LEFT}" y="43">{escape(machine)}</text>',
           f'<text class="soft" x="{LEFT}" y="59">{escape(run)}</text>']
    for y in ticks:
        at = place_y(y)
        out.append(line("grid", LEFT, WIDTH - RIGHT, at, at))
        out.append(f'<text class="soft" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{in_words(y)}</text>')
    for x in xs:
        at = place_x(x)
        out.append(line("grid", at, at, HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5))
        out.append(f'<text class="soft" x="{at:.1f}" y="{HEIGHT - BOTTOM + 19}" text-anchor="middle">{x:,}</text>')
    out.append(f'<text class="ink" x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_name)} (log)</text>')
    name = "spawn and wait" + (" (log)" if logarithmic else "")
    turned = f"translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"
    out.append(f'<text class="ink" transform="{turned}" text-anchor="middle">{name}</text>')

    # The legend in the order of the lines' ends; ours is drawn last, on top.
    order = sorted(series, key=lambda peer: -series[peer][max(series[peer])][0])
    height = TOP + 12
    for peer in order:
        _, colour, shape, _ = next((s for s in STYLES if peer.startswith(s[0])), ("", "f", "circle", ""))
        last = series[peer][max(series[peer])][0]
        out.append(mark(shape, WIDTH - RIGHT + 20, height, colour))
        out.append(f'<text class="ink" x="{WIDTH - RIGHT + 32}" y="{height + 4}">{escape(peer)}</text>')
        value = f"{in_words(float(f'{last:.3g}'))} at {max(series[peer]):,}"
        out.append(f'<text class="soft" x="{WIDTH - RIGHT + 32}" y="{height + 19}">{value}</text>')
        height += 42
    for peer in sorted(series, key=lambda peer: peer.startswith("forkexec")):
        _, colour, shape, dashes = next((s for s in STYLES if peer.startswith(s[0])), ("", "f", "circle", ""))
        points = sorted(series[peer].items())
        path = " ".join(f"{place_x(x):.1f},{place_y(y[0]):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        out.append(f'<polyline class="line s{colour}"{dashed} points="{path}"/>')
        for x, (median, low, high) in points:
            at = place_x(x)
            out.append(line("s" + colour, at, at, place_y(low), place_y(high)))
            out.append(mark(shape, at, place_y(median), colour))
    out.append("</svg>\n")
    return "\n".join(out)


def main():
    source, directory = sys.argv[1:]
    facts, charts = {}, {}
    with open(source, encoding="utf-8") as file:
        lines = file.readlines()
    for text in lines:
        if text.startswith("# "):
            key, _, value = text[2:].strip().partition(": ")
            facts[key] = value
    for row in csv.DictReader(text for text in lines if not text.startswith("#")):
        if row["chart"] and not row["to"]:
            values = tuple(float(row[k]) for k in ("median", "quartile1", "quartile3"))
            charts.setdefault(row["chart"], {}).setdefault(row["peer"], {})[int(row["at"])] = values
    machine = f"{facts['kernel']}; {facts['processor']}; {facts['libc of posix_spawn']}"
    run = f"a tiny static program; medians and quartiles of {facts['rounds']} rounds in which all take turns"
    for name, (title, x_name) in CHARTS.items():
        # What has but one point (the rest was skipped) is no line.
        series = {peer: points for peer, points in charts.get(name, {}).items() if len(points) > 1}
        path = os.path.join(directory, name + ".svg")
        if series:
            with open(path, "w", encoding="utf-8") as file:
                file.write(chart(title, x_name, machine, run, series))
        elif os.path.exists(path):
            os.remove(path)


main()
