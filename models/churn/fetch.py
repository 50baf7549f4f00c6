#!/usr/bin/env python3
"""Writes customers.csv, the table `mlc_churn` of the R package modeldata, out of Debian's package r-cran-modeldata.

Needs apt-get and dpkg-deb (Debian or Ubuntu). `train.py` does not need it: customers.csv is in the repository.
"""

import lzma
import pathlib
import subprocess
import tempfile

import rdata

FOLDER = pathlib.Path(__file__).parent
PACKAGE, TABLE = "r-cran-modeldata", "mlc_churn"
DATABASE = "usr/lib/R/site-library/modeldata/data/Rdata"
XZ = 3


def unpack(folder):
    """Downloads the package into `folder` and unpacks it there; returns the base name of its lazy-load database."""
    subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
    (package,) = folder.glob("*.deb")
    print(f"package: {package.name}")
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return folder / DATABASE


def read_table(database):
    """The table as a data frame.

    R's lazy-load database is an index (.rdx: a gzipped RDS of the offset and length of each object) and a file of
    serialized objects (.rdb): the unpacked length (four bytes, big-endian), `Z` for raw LZMA2, and the packed bytes."""
    index = rdata.read_rds(database.with_suffix(".rdx"))
    if list(index["compressed"]) != [XZ]:
        raise SystemExit(f"{database}: compression {index['compressed']} is not known here")
    offset, length = map(int, index["variables"][TABLE])
    packed = database.with_suffix(".rdb").read_bytes()[offset : offset + length]
    if packed[4:5] != b"Z":
        raise SystemExit(f"{database}: {TABLE} is of type {packed[4:5]}, not raw LZMA2")
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
    serialized = lzma.decompress(packed[5:], lzma.FORMAT_RAW, filters=filters)
    if len(serialized) != int.from_bytes(packed[:4]):
        raise SystemExit(f"{database}: {TABLE} is {len(serialized)} bytes long, not as long as it says")
    return rdata.conversion.convert(rdata.parser.parse_data(serialized))


def main():
    with tempfile.TemporaryDirectory() as folder:
        table = read_table(unpack(pathlib.Path(folder)))
    path = FOLDER / "customers.csv"
    table.to_csv(path, index=False, lineterminator="\n")
    print(f"{path.name}: {len(table)} rows, {len(table.columns)} columns, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
