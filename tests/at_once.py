"""Several threads that do the same at the same time."""

import threading
from collections.abc import Callable


def all_at_once(count: int, call: Callable[[], object]) -> list[Exception]:
    """Call in so many threads, none before all are there; what they raised."""
    gate, errors = threading.Barrier(count), list[Exception]()

    def one() -> None:
        gate.wait()
        try:
            call()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
