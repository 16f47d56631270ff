"""What a running job takes of its machine. Torch is imported where a device is asked for only."""

import psutil
import streamlit as st

from taskviz.engines import DeviceUse, host_use, only_host
from taskviz.jobs import Job
from taskviz.ui.text import safe


def usage(job: Job) -> str:
    """Device, memory and processor of a job's worker, in a few words; "" where it is not here."""
    if job.pid is None or job.state != "running":
        return ""
    try:
        process = _process(job.pid)
        memory, busy = process.memory_info().rss, process.cpu_percent(None)
    except psutil.Error:
        return ""
    whole = psutil.virtual_memory().total
    words = [
        _device(job.device),
        f"{memory / 1e9:.2g} of {whole / 1e9:.3g} GB memory",
        f"{busy:.0f} % of one processor" if busy else "",
        _accelerator(job.device),
    ]
    return " · ".join(word for word in words if word)


def device_line() -> None:
    """Which device computes, its memory and its load, in one line."""
    use = host_use() if only_host() else _device_use()
    words = [
        safe(use.name),
        f"{use.used / 1e9:.2g} of {use.whole / 1e9:.3g} GB in use",
        ""
        if use.busy is None
        else f"{100 * use.busy:.0f}\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}busy",
    ]
    st.caption(":material/memory: " + " · ".join(word for word in words if word))


def _device_use() -> DeviceUse:
    from taskviz.engines import device_use, pick_device

    return device_use(pick_device("auto"))


def _process(pid: int) -> psutil.Process:
    # The same object each time: the load is that since it was last asked.
    held: dict[int, psutil.Process] = st.session_state.setdefault("job_processes", {})
    if pid not in held:
        held.clear()
        held[pid] = psutil.Process(pid)
    return held[pid]


def _device(name: str) -> str:
    import torch

    from taskviz.engines import describe_device

    try:
        return safe(describe_device(torch.device(name)))
    except (RuntimeError, ValueError):
        return safe(name)


def _accelerator(name: str) -> str:
    if not name.startswith("cuda"):
        return ""
    import torch

    if not torch.cuda.is_available():
        return ""
    free, whole = torch.cuda.mem_get_info(torch.device(name))
    return f"{(whole - free) / 1e9:.2g} of {whole / 1e9:.3g} GB on the device"
