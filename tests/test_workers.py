import threading
import time
from threading import Event

import pytest

from seqlabel.workers import WAITING, Stopped, Workers


@pytest.mark.parametrize("num_workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_things_and_errors_with_theirs(num_workers: int) -> None:
    def work(thing: int) -> int:
        time.sleep(0.002 * (5 - thing % 5))
        if thing == 7:
            raise ValueError("seven")
        return thing * thing

    with Workers(work, num_workers, lambda: None) as workers:
        found = []
        for thing, result in workers.in_order(range(30)):
            if thing == 7:
                with pytest.raises(ValueError, match="seven"):
                    result()
            else:
                found.append((thing, result()))
    assert found == [(thing, thing * thing) for thing in range(30) if thing != 7]


def test_work_is_done_in_as_many_threads_each_prepared_once() -> None:
    prepared: list[int] = []
    both_there = threading.Barrier(2)

    def work(thing: int) -> int:
        both_there.wait(timeout=60)  # one thread alone would wait for ever
        return threading.get_ident()

    with Workers(work, 2, lambda: prepared.append(threading.get_ident())) as workers:
        found = {result() for _, result in workers.in_order(range(8))}
    assert sorted(prepared) == sorted(found) and len(found) == 2 and threading.get_ident() not in found


def test_work_that_nobody_waits_for_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    begun: list[int] = []
    first_is_begun = Event()

    def work(thing: int) -> None:
        begun.append(thing)
        first_is_begun.set()
        while True:
            workers.check()
            time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt), Workers(work, 2, lambda: None) as workers:
        _, _ = next(workers.in_order(range(100)))
        first_is_begun.wait()
        raise KeyboardInterrupt
    assert len(begun) <= 2
    with pytest.raises(Stopped):
        workers.check()


def test_no_more_is_begun_than_soon_asked_for() -> None:
    begun: list[int] = []
    with Workers(begun.append, 2, lambda: None) as workers:
        for thing, result in workers.in_order(range(50)):
            result()
            assert len(begun) <= thing + 2 + WAITING * 2
    assert sorted(begun) == list(range(50))
