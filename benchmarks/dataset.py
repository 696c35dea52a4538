"""A dataset of flow records: how fast it is made, how large it is, and how long questions take.

    python benchmarks/dataset.py CAPTURE --flows 10000000 --folder /tmp/flows

The flows of a capture are repeated, each time an interval later, with other addresses inside their
networks and other ports, until there are so many; times and sizes stay as the capture has them.
Needs pyarrow and duckdb. Times are CPU seconds of this process; of queries, wall time too.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import duckdb
import numpy as np

import sensor
from sensor.ecs.dataset import dataset_table
from sensor.ecs.flow_batch import FlowBatch
from sensor.sinks.dataset_places import open_place
from sensor.sinks.flow_dataset import FlowDataset

STEP_NS = 1200 * 10**9
QUERIES = {
    "count": "select count(*) from flows",
    "talkers": "select source_ip, sum(source_bytes + destination_bytes) as octets from flows"
               " group by 1 order by 2 desc limit 10",
    "accepted from outside": "select source_ip, destination_ip, destination_port, count(*)"
                             " from flows where sensor_flow_verdict = 'accepted'"
                             " and network_direction = 'inbound' group by all order by 4 desc"
                             " limit 10",
    "longest": "select source_ip, destination_ip,"
               " epoch_ns(event_end) - epoch_ns(event_start) as lasted from flows"
               " order by lasted desc limit 3",
    "first seen": "select source_ip, min(event_start) as first from flows group by 1"
                  " order by first desc limit 10",
    "one address": "select count(*) from flows where source_ip = '10.0.0.77'",
    "a network": "select count(*) from flows where destination_ip4 between 167772160 and 167772415",
    "scanners": "select source_ip, destination_port, count(distinct destination_ip) as hosts"
                " from flows where sensor_flow_verdict in ('denied', 'dropped', 'attempted')"
                " group by all having hosts >= 10 order by hosts desc limit 10",
    "beacons of a day": "with asked as (select destination_ip, destination_port, epoch(event_start)"
                        " - lag(epoch(event_start)) over (partition by destination_ip,"
                        " destination_port order by event_start) as gap from flows"
                        " where date = '2026-01-03')"
                        " select destination_ip, destination_port, count(*) from asked"
                        " where gap is not null group by all"
                        " having count(*) >= 3 and stddev(gap) < 0.1 * avg(gap)",
    "services": "select destination_ip, destination_port, any_value(network_protocol) from flows"
                " where sensor_flow_verdict = 'accepted' and network_transport = 'tcp'"
                " group by all limit 10",
}


def columns_rate(batch: FlowBatch) -> float:
    """Flows a CPU second that become columns, best of five."""
    best = float("inf")
    for _ in range(5):
        start_s = time.process_time()
        dataset_table(batch)
        best = min(best, time.process_time() - start_s)
    return len(batch) / best


def write(batch: FlowBatch, count: int, folder: str) -> None:
    """Write so many flows, made of those of a capture."""
    sink = FlowDataset(open_place(f"{folder}/", "flows"), "bench")
    random = np.random.default_rng(1)
    for turn in range(-(-count // len(batch))):
        records = batch.records.copy()
        for name in ("first_ns", "last_ns", "known_ns", "decided_ns"):
            records[name] += turn * STEP_NS
        records["orig_port"] = random.integers(1024, 65536, len(records))
        if turn % 4:
            records["orig_lo"] ^= random.integers(0, 256, len(records), dtype=np.uint64)
        sink.write(FlowBatch(records, batch.context))
    sink.close()
    assert sink.error is None, sink.error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("capture")
    parser.add_argument("--flows", type=int, default=1_000_000)
    parser.add_argument("--folder", required=True)
    given = parser.parse_args()
    batch = sensor.flows(given.capture)
    print(f"columns: {columns_rate(batch):,.0f} flows/s of CPU")
    print(f"to_arrow: {arrow_rate(batch):,.0f} flows/s of CPU")
    start_s = time.process_time()
    write(batch, given.flows, given.folder)
    elapsed_s = time.process_time() - start_s
    files = list(Path(given.folder).rglob("*.parquet"))
    connection = duckdb.connect()
    connection.execute(f"create view flows as select * from read_parquet("
                       f"'{given.folder}/**/*.parquet', hive_partitioning = true)")
    ((count,),) = connection.execute("select count(*) from flows").fetchall()
    size = sum(path.stat().st_size for path in files)
    print(f"written: {count:,} flows, {len(files)} files, {size / count:.1f} octets a flow,"
          f" {count / elapsed_s:,.0f} flows/s of CPU")
    for name, query in QUERIES.items():
        times = []
        for _ in range(2):
            start_s, start_cpu_s = time.perf_counter(), time.process_time()
            connection.execute(query).fetchall()
            times.append((time.perf_counter() - start_s, time.process_time() - start_cpu_s))
        print(f"{name:24} {min(times)[0]:6.2f} s, {min(times)[1]:6.2f} s of CPU", flush=True)


def arrow_rate(batch: FlowBatch) -> float:
    """Flows a CPU second that `to_arrow` takes."""
    batch.to_arrow()
    start_s = time.process_time()
    batch.to_arrow()
    return len(batch) / (time.process_time() - start_s)


if __name__ == "__main__":
    main()
