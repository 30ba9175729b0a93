"""The sentence about a run's progress."""

from tasks.report.progress import Progress


def test_rate_and_time_left_count_from_the_first_page():
    now = [100.0]
    progress = Progress(clock=lambda: now[0])
    progress.expect(1000)
    now[0] = 160.0
    progress.page_rendered()
    now[0] = 170.0
    for _ in range(50):
        progress.page_read()
    assert progress.sentence() == "50 of 1,000 pages read (5 %), 1 rendered, 5.0 pages/s, about 3 min left"


def test_nothing_known_yet():
    assert Progress().sentence() == "0 of 0 pages read (100 %), 0 rendered"
