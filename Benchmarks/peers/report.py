"""What a comparison is shown as: a table, a page, a picture."""

import json
import math
import os

import layers as suite
from layers import Failure, Layer

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"


def load(path):
    try:
        with open(path) as file:
            return json.load(file)
    except OSError as error:
        raise Failure(f"The results cannot be read from {path}: {error.strerror}.")
    except ValueError:
        raise Failure(f"{path} is not a results.json that compare.py wrote.")


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def grouped(results):
    """The rows of each family, in order of report."""
    rows = {row["name"]: row for row in results["layers"]}
    shapes = [Layer(**row["shape"]) for row in results["layers"]]
    return {
        family: [rows[layer.name] for layer in members]
        for family, members in suite.families(shapes).items()
    }


def cells(results, row):
    speeds = row["gigaflopsPerSecond"]
    return [
        row["name"], *(f"{speeds[engine]:.0f}" for engine in results["versions"]),
        f"{100 * speeds['Convoy'] / row['peak']:.0f}", f"{row['ratio']:.2f}"]


def head(results):
    return ["layer", *results["versions"], "% of peak", "ratio"]


def means(results):
    """For each family, and last for all layers: the name, how many, the mean ratio."""
    found = [
        (family, len(rows), geometric_mean([row["ratio"] for row in rows]))
        for family, rows in grouped(results).items()]
    ratios = [row["ratio"] for row in results["layers"]]
    return found + [("all", len(ratios), geometric_mean(ratios))]


def caption(results):
    """What was measured, in sentences."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    threads, batch = results["threads"], results["batch"]
    direction = "forward" if results["direction"] == "forward" else "forward and backward"
    reorders = (
        "Convoy's figures leave out reordering at a network's two ends; the others' single-layer "
        "models include theirs."
        if results["reorders"] else
        "Reordering is left out: ONNX Runtime's and OpenVINO's profilers count the convolution alone.")
    return (
        f"GFLOP/s, {direction}, fp32, {threads} {'thread' if threads == 1 else 'threads'}, "
        f"batch {batch}; the best of {results['rounds']} rounds in turn. Per cent of peak is Convoy's, "
        f"of {max(row['peak'] for row in results['layers']):.0f} GFLOP/s measured beside it; the ratio "
        f"is Convoy's speed over the best peer's. {reorders} {results['machine']}; {versions}; "
        f"{results['date']}.")


def text(results):
    """For a terminal."""
    def aligned(rows):
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return [
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths)))
            for row in rows]

    lines = aligned([head(results)] + [cells(results, row) for row in results["layers"]])
    lines += ["", *aligned(
        [("family", "layers", "mean ratio")]
        + [(name, str(count), f"{mean:.2f}") for name, count, mean in means(results)])]
    return "\n".join([*lines, "", caption(results)])


def markdown(results):
    """For a page: layers by family, then the families' means."""
    def line(cells):
        return f"| {' | '.join(cells)} |"

    columns = head(results)
    lines = [line(columns), "|---" + "|---:" * (len(columns) - 1) + "|"]
    for rows in grouped(results).values():
        for row in rows:
            row_cells = cells(results, row)
            best = max(row["gigaflopsPerSecond"], key=row["gigaflopsPerSecond"].get)
            place = columns.index(best)
            row_cells[place] = f"**{row_cells[place]}**"
            lines.append(line(row_cells))
    lines += ["", line(["family", "layers", "geometric mean of the ratio"]), "|---|---:|---:|"]
    lines += [line([name, str(count), f"{mean:.2f}"]) for name, count, mean in means(results)]
    return "\n".join([*lines, "", caption(results), ""])


def write(results, folder):
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "results.json"), "w") as file:
            json.dump(results, file, indent=1, ensure_ascii=False)
        with open(os.path.join(folder, "table.md"), "w") as file:
            file.write(markdown(results))
        draw(results, os.path.join(folder, "ratios.svg"))
    except OSError as error:
        raise Failure(f"The results cannot be written to {folder}: {error.strerror}.")


def check_marks(path):
    try:
        with open(path) as file:
            page = file.read()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.")
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < begin:
        raise Failure(f"{path} should have the lines {BEGIN} and {END}, for the table to go between.")
    return page, begin + len(BEGIN), end


def replace_block(path, results):
    page, begin, end = check_marks(path)
    with open(path, "w") as file:
        file.write(f"{page[:begin]}\n{markdown(results)}{page[end:]}")


def draw(results, path):
    """A bar a layer: its ratio to the best peer, on a scale where twice and half are as far from 1."""
    try:
        import matplotlib
    except ImportError:
        raise Failure("The Python package matplotlib is missing: pip install matplotlib.")
    matplotlib.use("svg")
    from matplotlib import pyplot

    # Text stays text, and the same results give the same file.
    pyplot.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "convoy", "font.family": "sans-serif",
        "font.size": 9})
    faster, slower, ink = "#2a6f97", "#c8553d", "#333333"
    families = grouped(results)
    count = len(results["layers"]) + len(families)
    figure, axes = pyplot.subplots(figsize=(8.5, 1.2 + 0.21 * count), layout="constrained")
    places, names, place = [], [], 0
    ratios = [row["ratio"] for row in results["layers"]]
    low, high = min(0.5, min(ratios) / 1.3), max(2, max(ratios) * 2.2)
    for (family, rows), (_, _, mean) in zip(families.items(), means(results)):
        title = family if len(rows) == 1 else f"{family}: mean {mean:.2f}"
        axes.text(
            low, place, title, va="center", weight="bold", color=ink,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        for row in rows:
            place += 1
            ratio = row["ratio"]
            colour = faster if ratio >= 1 else slower
            axes.barh(place, ratio - 1, left=1, height=0.7, color=colour)
            axes.text(
                ratio * 1.03 if ratio >= 1 else 1.03, place, f"{ratio:.2f}  {row['bestPeer']}",
                va="center", fontsize=7.5, color=ink)
            places.append(place)
            names.append(row["name"])
        place += 1
    axes.axvline(1, color=ink, linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    axes.set_ylim(place - 0.4, -0.7)
    ticks = [
        2.0**power for power in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_yticks(places, names)
    axes.tick_params(left=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    threads = results["threads"]
    axes.set_title(
        f"Convoy's speed over the best peer's, {results['direction']}, batch {results['batch']}, "
        f"{threads} {'thread' if threads == 1 else 'threads'}; beside each bar, that peer",
        loc="left", fontsize=10)
    figure.savefig(path, metadata={"Date": results["date"]})
    pyplot.close(figure)
