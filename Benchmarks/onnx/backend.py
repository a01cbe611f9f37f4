#!/usr/bin/env python3
"""Runs the node tests of the onnx package through `convoy run`, beside ONNX Runtime, and counts by operator.

A test is taken if its inputs and outputs are tensors of floats, half-precision floats, integers or truth values. It
is passed, refused (an error with a sentence), or wrong: other numbers, another shape or type, or a crash. Where the
numbers are others than the test's, but ONNX Runtime's, they are counted by themselves. Needs the packages onnx and onnxruntime; see README.md beside this file.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnx
from onnx.backend.test.case.node import collect_testcases

KINDS = "fiub"


def arrays(data):
    """A data set's tensors as arrays; None where one is of another kind."""
    result = []
    for value in data:
        if isinstance(value, onnx.TensorProto):
            value = onnx.numpy_helper.to_array(value)
        value = numpy.asarray(value) if numpy.isscalar(value) else value
        if not isinstance(value, numpy.ndarray) or value.dtype.kind not in KINDS:
            return None
        # Types that only onnx knows, such as bfloat16, have the kinds of others.
        if value.dtype.type.__module__ != "numpy":
            return None
        result.append(value)
    return result


def difference(got, want, rtol, atol):
    """What is wrong with an output; None if nothing."""
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if got.dtype != want.dtype:
        return f"type {got.dtype}, expected {want.dtype}"
    if want.dtype == numpy.float16:
        # Convoy computes in single precision and rounds once: a unit in the last place may differ.
        rtol = max(rtol, 2 * numpy.finfo(numpy.float16).eps)
    if want.dtype.kind in "iub":
        return None if (got == want).all() else "integers differ"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if numpy.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
            return None
        return f"differs by {numpy.nanmax(numpy.abs(got - want)):.3g}"


def run_convoy(convoy, model, names, inputs, outputs, folder):
    """The outputs of `convoy run`, or a verdict and a message."""
    command = [convoy, "run", model, "--output", folder + "/out"]
    for index, (name, array) in enumerate(zip(names, inputs)):
        path = f"{folder}/in-{index}.npy"
        numpy.save(path, array)
        command += ["--input", f"{name}={path}"]
    if not inputs:
        return None, "refused", "it has no inputs"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None, "wrong", "no answer in a minute"
    if done.returncode:
        message = (done.stderr.strip().splitlines() or [""])[-1]
        return None, "refused" if done.returncode in (1, 64) else "wrong", message
    files = [f"{folder}/out/{re.sub('[^A-Za-z0-9_.-]', '_', name)}.npy" for name in outputs]
    if missing := [file for file in files if not os.path.exists(file)]:
        return None, "wrong", f"no {missing[0]}"
    return [numpy.load(file) for file in files], None, None


def run_runtime(model, names, inputs, outputs):
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return session.run(outputs, dict(zip(names, inputs))), None, None
    except Exception as error:
        return None, "refused", str(error).splitlines()[0]


def verdict(results, status, message, wanted, rtol, atol):
    if results is None:
        return status, message
    wrong = next(filter(None, (difference(numpy.asarray(g), w, rtol, atol)
                               for g, w in zip(results, wanted))), None)
    return ("wrong", wrong) if wrong else ("passed", "")


def check(case, convoy):
    """Verdicts of Convoy and of ONNX Runtime on a test's first data set; None where it is not taken."""
    inputs, wanted = (arrays(data) for data in case.data_sets[0])
    if inputs is None or wanted is None:
        return None
    names = [value.name for value in case.model.graph.input]
    outputs = [value.name for value in case.model.graph.output]
    rtol, atol = case.rtol or 1e-3, max(case.atol or 0, 1e-6)
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/model.onnx"
        onnx.save(case.model, path)
        ours = run_convoy(convoy, path, names, inputs, outputs, folder)
        theirs = run_runtime(path, names, inputs, outputs)
    ours_verdict = verdict(*ours, wanted, rtol, atol)
    if ours[0] and theirs[0] and ours_verdict[0] == "wrong":
        if verdict(*ours, [numpy.asarray(array) for array in theirs[0]], rtol, atol)[0] == "passed":
            ours_verdict = ("as ONNX Runtime", ours_verdict[1])
    return ours_verdict, verdict(*theirs, wanted, rtol, atol)


def operator(case, by_name):
    """The operator that a test is of; that of an expanded function is the function."""
    base = by_name.get(re.sub(r"_expanded(_ver\d+)?$", "", case.name), case)
    node = base.model.graph.node[0]
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--convoy", default=".build/release/convoy", help="the command")
    parser.add_argument("--only", action="append", help="an operator; can be given again")
    parser.add_argument("--jobs", type=int, default=2, help="tests at once")
    parser.add_argument("--list", action="store_true", help="list what did not pass, with its message")
    arguments = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    by_name = {case.name: case for case in cases}
    if arguments.only:
        cases = [case for case in cases if operator(case, by_name) in arguments.only]
    counts = collections.defaultdict(collections.Counter)
    convoy = str(pathlib.Path(arguments.convoy).resolve())
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for case, result in zip(cases, pool.map(lambda case: check(case, convoy), cases)):
            if result is None:
                continue
            name = operator(case, by_name)
            (ours, message), (theirs, _) = result
            counts[name].update(["tests", ours, "runtime " + theirs])
            if arguments.list and ours != "passed":
                beside = "" if theirs == "passed" else f" (ONNX Runtime: {theirs})"
                print(f"{ours} {case.name}{beside}: {message}", file=sys.stderr)
    columns = ["tests", "passed", "as ONNX Runtime", "refused", "wrong", "runtime passed"]
    print("| operator | tests | passed | as ONNX Runtime | refused | wrong | ONNX Runtime passes |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in sorted(counts):
        print(f"| {name} | " + " | ".join(str(counts[name][column]) for column in columns) + " |")
    total = sum(counts.values(), collections.Counter())
    print("| all | " + " | ".join(str(total[column]) for column in columns) + " |")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
