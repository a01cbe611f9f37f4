"""One turn of PyTorch in a process of its own: training steps of a network, timed, or measured in memory.

    python torch_step.py '{"name": "resnet-50", "layout": "channels_last", "threads": 1, "batch": 16,
                           "steps": 10, "seconds": 1}'

prints a JSON object. Where "seconds" is 0, the steps are not timed, and the C library manages memory its own
way. `training.py` calls it.
"""

import json
import sys
import time


def most_memory():
    """The most bytes that this process held."""
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def main():
    turn = json.loads(sys.argv[1])
    if turn["seconds"] > 0:
        import peers

        peers.keep_memory()
    import torch

    imported = most_memory()
    import torch_zoo

    torch.set_num_threads(turn["threads"])
    layout = getattr(torch, turn["layout"])
    make, size = torch_zoo.NETWORKS[turn["name"]]
    network = make().train().to(memory_format=layout)
    images = torch.rand(turn["batch"], 3, size, size).mul_(2).sub_(1).contiguous(memory_format=layout)
    labels = torch.randint(1000, (turn["batch"],))
    optimizer = torch.optim.SGD([
        {"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": 1e-4},
        {"params": [p for p in network.parameters() if p.dim() == 1]}],
        lr=1e-4, momentum=0.9, fused=True)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    # As `convoy bench` does: for some time, but at least so many steps, after two that warm it up.
    times = []
    for _ in range(2):
        step()
    while len(times) < turn["steps"] or sum(times) < turn["seconds"]:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({
        "seconds": min(times), "parameters": torch_zoo.parameter_count(network),
        "importedBytes": imported, "peakBytes": most_memory(), "version": torch.__version__}))


if __name__ == "__main__":
    main()
