#!/usr/bin/env python3
"""Compares Convoy's training steps with PyTorch's on whole networks, in one sitting: time and memory.

See README.md beside this file.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys

from compare import CONVOY, machine, positive, progress
from layers import Failure

# Those of torch_zoo.py, which would import PyTorch.
NETWORKS = [
    "alexnet", "squeezenet-1.1", "mobilenet-v2", "shufflenet-v1?groups=3", "shufflenet-v2",
    "resnext-50", "resnet-50", "regnet-x-400mf"]
LAYOUTS = {"PyTorch": "contiguous_format", "PyTorch channels-last": "channels_last"}
STEP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_step.py")
MIB = 1 << 20


def output(command):
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise Failure(f"{' '.join(command)}: {last}")
    return run.stdout


class Convoy:
    """The command, a process a turn.

    The peak that it reports begins from the memory of the process that starts it: so this one imports no
    PyTorch.
    """

    def __init__(self, options):
        if not os.access(options.convoy, os.X_OK):
            raise Failure(f"There is no convoy command at {options.convoy}; build it, or use --convoy.")
        self.path = os.path.abspath(options.convoy)
        self.options = options
        self.version = output([self.path, "--version"]).strip()

    def parameters(self, name):
        return json.loads(output([self.path, "cost", f"zoo:{name}", "--json"]))["parameters"]

    def turn(self, name):
        row = json.loads(output([
            self.path, "bench", f"zoo:{name}", "--direction", "training", "--json",
            "--batch", str(self.options.batch), "--threads", str(self.options.threads)]))
        return {
            "seconds": row["milliseconds"] * 1e-3, "peakBytes": row["peakBytes"],
            "arenaBytes": row["arenaBytes"], "weightBytes": row["weightBytes"],
            "percentOfPeak": row["percentOfPeak"]}


def torch_turn(name, engine, options, steps, seconds):
    return json.loads(output([sys.executable, STEP, json.dumps({
        "name": name, "layout": LAYOUTS[engine], "threads": options.threads,
        "batch": options.batch, "steps": steps, "seconds": seconds})]))


def compare(name, convoy, options):
    """Both engines' times, in turn, several times round; then PyTorch's memory."""
    times = {engine: [] for engine in ["Convoy", *LAYOUTS]}
    own = []
    memory = {engine: torch_turn(name, engine, options, 1, 0) for engine in LAYOUTS}
    parameters = convoy.parameters(name)
    for row in memory.values():
        if row["parameters"] != parameters:
            raise Failure(
                f"{name} has {parameters} parameters in Convoy's zoo, {row['parameters']} in "
                "torch_zoo.py: these are not the same network.")
    for _ in range(options.repeat):
        own.append(convoy.turn(name))
        times["Convoy"].append(own[-1]["seconds"])
        for engine in LAYOUTS:
            times[engine].append(torch_turn(name, engine, options, 10, 1)["seconds"])
    best = min(LAYOUTS, key=lambda engine: min(times[engine]))
    peak = {engine: row["peakBytes"] for engine, row in memory.items()}
    peak["Convoy"] = max(row["peakBytes"] for row in own)
    return {
        "name": name, "parameters": parameters, "seconds": times, "bestPeer": best,
        "percentOfPeak": max(row["percentOfPeak"] for row in own),
        "ratio": min(times[best]) / min(times["Convoy"]),
        "peakBytes": peak, "arenaBytes": own[0]["arenaBytes"], "weightBytes": own[0]["weightBytes"],
        "importedBytes": min(row["importedBytes"] for row in memory.values()),
        "version": memory["PyTorch"]["version"]}


def show(results):
    print("| network | Convoy, ms | PyTorch, ms | channels-last, ms | of peak | ratio "
          "| Convoy, MiB | PyTorch, MiB | after import, MiB | ratio |")
    print("|---|" + "--:|" * 9)
    rows = results["networks"]
    for row in rows:
        times = " | ".join(f"{min(times) * 1e3:.0f}" for times in row["seconds"].values())
        own, peer = row["peakBytes"]["Convoy"], least(row)
        print(f"| {row['name']} | {times} | {row['percentOfPeak']:.0f} % | **{row['ratio']:.2f}** "
              f"| {own / MIB:.0f} | {peer / MIB:.0f} | {row['importedBytes'] / MIB:.0f} "
              f"| {peer / own:.2f} |")
    print(f"\nGeometric means of {len(rows)}: time {mean(row['ratio'] for row in rows):.2f}, memory "
          f"{mean(least(row) / row['peakBytes']['Convoy'] for row in rows):.2f}. Training steps, "
          f"{results['threads']} thread(s), batch {results['batch']}, fp32; {results['machine']}; "
          + ", ".join(f"{name} {version}" for name, version in results["versions"].items())
          + f"; {results['date']}.")


def least(row):
    """PyTorch's memory in the layout that takes less."""
    return min(row["peakBytes"][engine] for engine in LAYOUTS)


def mean(ratios):
    logarithms = [math.log(ratio) for ratio in ratios]
    return math.exp(sum(logarithms) / len(logarithms))


def arguments():
    parser = argparse.ArgumentParser(
        description="Compares Convoy's training steps with PyTorch's on whole networks.",
        epilog="Example: training.py --only shufflenet --threads 2")
    parser.add_argument("--only", help="only networks whose name contains this")
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--batch", type=positive, default=16)
    parser.add_argument("--repeat", type=positive, default=3, help="rounds; minima are taken")
    parser.add_argument("--convoy", default=CONVOY, help=f"the command; {CONVOY} by default")
    parser.add_argument("--output", default="peers", help="the folder for results")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        convoy = Convoy(options)
        chosen = [name for name in NETWORKS if options.only is None or options.only in name]
        if not chosen:
            raise Failure(f"No network's name contains ‘{options.only}’.")
        results = {
            "date": datetime.date.today().isoformat(), "machine": machine(),
            "threads": options.threads, "batch": options.batch,
            "versions": {"Convoy": convoy.version}, "networks": []}
        os.makedirs(options.output, exist_ok=True)
        for index, name in enumerate(chosen):
            progress(f"{index + 1} of {len(chosen)}: {name}")
            row = compare(name, convoy, options)
            results["networks"].append(row)
            results["versions"]["PyTorch"] = row["version"]
            # A large network takes minutes: what is known is kept.
            with open(os.path.join(options.output, "training.json"), "w") as file:
                json.dump(results, file, indent=1)
        progress("")
        show(results)
    except Failure as failure:
        progress("")
        sys.exit(f"training.py: {failure}")


if __name__ == "__main__":
    main()
