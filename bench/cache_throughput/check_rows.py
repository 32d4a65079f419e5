"""Whether the JSON of cache_throughput has the rows that its readers rely on (docs/reference/benchmarks.md).

  check_rows.py PROGRAM    runs PROGRAM --quick; prints what is missing and exits 1 when anything is
"""

import json
import pathlib
import subprocess
import sys
import tempfile

THROUGHPUT_CASES = (
    ["read-1t", "read-2t", "read-2t-write-1t", "write-1t"]
    + [f"read-{threads}t" for threads in (4, 8, 16)]
    + ["read-3t-write-1t", "read-6t-write-2t", "read-12t-write-4t"]
    + [f"write-{threads}t" for threads in (2, 4, 8, 16)]
)
EVICTION_CASES = [f"evict-{threads}t" for threads in (1, 2, 4, 8, 16)]
LATENCIES = [f"{call} {share}" for call in ("insert", "get") for share in ("p50", "p99", "p99.9")]
VARIANTS = ["statistics", "time to live", "time to idle", "string keys", "weigher"]
# sharded_lru is the peer that is always there.
SUBJECTS = ["lodestar", "sharded_lru"]


def wanted_rows():
    for subject in SUBJECTS:
        for case in THROUGHPUT_CASES:
            yield subject, case, "throughput", "Mops/s"
        for case in EVICTION_CASES:
            for latency in LATENCIES:
                yield subject, case, latency, "ns"
    for variant in VARIANTS:
        for case in THROUGHPUT_CASES:
            yield f"lodestar, {variant} / lodestar", case, "ratio to the plain one", ""


def rows_of(program):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "rows.json")
        subprocess.run([program, "--quick", "--json", file], check=True, stdout=subprocess.DEVNULL)
        rows = json.loads(file.read_text())["rows"]
    return {(row["subject"], row["case"], row["metric"], row["unit"]): row["value"] for row in rows}


def main():
    rows = rows_of(sys.argv[1])
    bad = [row for row in wanted_rows() if not rows.get(row, 0) > 0]
    for row in bad:
        print("missing, or 0:", ", ".join(row))
    sys.exit(1 if bad else 0)


main()
