import json

from common.runs.metrics_log import MetricsLog


def test_log_rows_read_back(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.log(1, 0.5, {"loss/a": 0.25})
    log.log(2, 0.75, {"loss/a": float("nan"), "loss/b": float("inf")})
    assert log.read() == [
        {"step": 1, "time_s": 0.5, "loss/a": 0.25},
        {"step": 2, "time_s": 0.75, "loss/a": None, "loss/b": None},
    ]


def test_cut_after_drops_later_rows_and_a_half_line(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in range(5):
        log.log(step, 0.0, {})
    with log.path.open("a") as file:
        file.write('{"step": 5, "ti')
    log.cut_after(2)
    assert [json.loads(line)["step"] for line in log.path.read_text().splitlines()] == [0, 1, 2]
