"""CSV and Parquet files, one or a glob, opened by DuckDB out of core."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from workbench.core.errors import DataError, near_matches, shown
from workbench.core.frame import BLOCK, Again, Engine, Frame, from_duckdb, quoted
from workbench.core.reading import MOST_IN_A_LINE, meaning
from workbench.load.footer import check_footer
from workbench.load.remote import filesystems, is_remote, local, opened, place
from workbench.load.remote import found as found_remotely

_NEVER = "\ue000 no such field \ue000"  # the reader wants some token for "missing"
_TYPES = ["BIGINT", "DOUBLE", "TIMESTAMP", "DATE", "TIME", "VARCHAR"]
_LONG_LINES = {"max_line_size": MOST_IN_A_LINE, "buffer_size": MOST_IN_A_LINE}

Reader = Callable[[Any, list[str], "Options"], Any]


class Options:
    """How a text file is read: tokens that mean missing, everything as text, delimiter."""

    def __init__(
        self, null_values: Sequence[str] = (), text_columns: bool = False, delimiter: str | None = None
    ) -> None:
        self.null_values = list(dict.fromkeys(("", *null_values)))
        self.text_columns = text_columns
        self.delimiter = delimiter


def name_of(source: Any) -> str:
    """Return a source's name, or those of several, for others to read: of files without folders, of URIs all."""
    parts = source if isinstance(source, list | tuple) else [source]
    return ", ".join(str(p) if "://" in str(p) else Path(p).name for p in parts)


def _csv(con: Any, files: list[str], options: Options) -> Any:
    settings: dict[str, Any] = {
        "header": True,
        "sample_size": -1,
        "null_padding": False,
        "nullstr": [_NEVER] if options.text_columns else options.null_values,
        "all_varchar": options.text_columns,
        "union_by_name": len(files) > 1,
    }
    # Left to guess, the reader skips lines or takes another dialect until a broken file looks whole.
    settings |= {"delim": options.delimiter or _delimiter(files[0]), "quote": '"', "escape": '"', "skip": 0}
    settings |= _LONG_LINES
    if not options.text_columns:
        # Without BOOLEAN among the candidates Yes/No and t/f stay words; true/false are made booleans below.
        settings["auto_type_candidates"] = _TYPES
    relation = _call(con, "read_csv", files, settings)
    return relation if options.text_columns else _with_words(relation)


def _delimiter(file: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", _first_line(file))
    return max(",;\t|", key=unquoted.count)


def _first_line(file: str) -> str:
    import gzip

    with opened(file) as raw:
        content = gzip.GzipFile(fileobj=raw) if file.lower().endswith(".gz") else raw
        try:
            # No readline: a store's files take no limit there.
            start: bytes = content.read(1_000_000)
        except (gzip.BadGzipFile, EOFError):
            raise DataError(f"{shown(Path(file).name)} is no whole gzip file: write it anew.") from None
    return start.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")


def _fault(con: Any, files: list[str], options: Options, error: Exception, source: object) -> tuple[Exception, object]:
    """Return an error that names the line, and its file, when reading everything as text meets one."""
    import duckdb

    for file in files:
        delimiter = options.delimiter or _delimiter(file)
        fields = _first_line(file).split(delimiter)
        columns = {f"c{i}": "VARCHAR" for i in range(len(fields))}
        settings = {"auto_detect": False, "header": True, "delim": delimiter, "quote": '"', "escape": '"'}
        try:
            _call(con, "read_csv", [file], {**settings, **_LONG_LINES, "columns": columns}).aggregate(
                "count(COLUMNS(*))"
            ).fetchall()
        except duckdb.Error as found:
            return found, file
    return error, source


def _call(con: Any, function: str, files: list[str], settings: dict[str, Any]) -> Any:
    names = ", ".join(f"{key} => ${key}" for key in settings)
    return con.sql(f"SELECT * FROM {function}($files, {names})", params={"files": files, **settings})  # noqa: S608


# The reader takes a column that begins with inf for text, and one of nothing but inf for dates.
_INFINITE = "-?(?i:inf|infinity)"
_NUMBER = rf"-?((0|[1-9][0-9]*)?([.][0-9]*)?([eE][-+]?[0-9]+)?|(?i:nan))|{_INFINITE}"


def _with_words(relation: Any) -> Any:
    """Make columns of the words true and false booleans, and columns of numbers with infinities numbers."""
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    texts = [c for c, t in kinds.items() if t in ("VARCHAR", "DATE")]
    if not texts:
        return relation
    tests = []
    for text in (f"CAST({quoted(c)} AS VARCHAR)" for c in texts):
        tests += [f"bool_and(lower({text}) IN ('true', 'false'))", f"bool_and(regexp_full_match({text}, '{_NUMBER}'))"]
        tests.append(f"bool_or(regexp_full_match({text}, '{_INFINITE}'))")
    answers = relation.aggregate(", ".join(tests)).fetchall()[0]
    casts = []
    for i, column in enumerate(texts):
        words, numbers, infinite = answers[3 * i : 3 * i + 3]
        kind = "BOOLEAN" if words else "DOUBLE" if numbers and infinite else None
        if kind is not None:
            casts.append(f"CAST(CAST({quoted(column)} AS VARCHAR) AS {kind}) AS {quoted(column)}")
    return relation.project(f"* REPLACE ({', '.join(casts)})") if casts else relation


def _parquet(con: Any, files: list[str], options: Options) -> Any:
    return _call(con, "read_parquet", files, {"union_by_name": len(files) > 1})


SOURCES: dict[str, tuple[str, Reader]] = {
    ".csv": (Engine.CSV, _csv),
    ".tsv": (Engine.CSV, _csv),
    ".csv.gz": (Engine.CSV, _csv),
    ".parquet": (Engine.PARQUET, _parquet),
    ".pq": (Engine.PARQUET, _parquet),
}
"""Suffix -> engine and reader: a new kind of file is one entry."""


def open_frame(
    source: str | Path | Sequence[str | Path],
    *,
    null_values: Sequence[str] = (),
    text_columns: bool = False,
    delimiter: str | None = None,
) -> Frame:
    """Open one file, a list of files or a glob; a field is missing when empty or one of `null_values`.

    Raises DataError when nothing is there, the kind is unknown, or the content is broken.
    """
    import duckdb

    files = _found(source)
    engine, reader = _reader_of(files)
    options = Options(null_values, text_columns, delimiter)
    rows = _refuse_broken(files, engine, options)
    con = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    con.execute("SET preserve_insertion_order = true; SET threads = 2")
    con.execute("SET enable_progress_bar = false")  # it goes to standard output, where readings over 2 s would draw it
    stores = filesystems([f for f in files if is_remote(f)])
    for store in stores:
        con.register_filesystem(store)
    try:
        frame = from_duckdb(reader(con, files, options), engine, con)
        frame.size = rows
        frame.again = Again(_opened, (source, tuple(null_values), text_columns, delimiter), tuple(files))
        return _RemoteFrame(frame, files) if stores else frame
    except duckdb.Error as error:
        plain = engine == Engine.CSV and not any(f.lower().endswith(".gz") for f in files)
        raise DataError(
            explained(*(_fault(con, files, options, error, source) if plain else (error, source)))
        ) from None


def _opened(source: Any, null_values: tuple[str, ...], text_columns: bool, delimiter: str | None) -> Frame:
    return open_frame(source, null_values=null_values, text_columns=text_columns, delimiter=delimiter)


class _RemoteFrame(Frame):
    """A frame that names its place when reading stops half-way, as a connection may."""

    def __init__(self, frame: Frame, files: Sequence[str]) -> None:
        self.__dict__.update(frame.__dict__)
        self._places = ", ".join(map(place, files[:3])) + (f" and {len(files) - 3} more" if len(files) > 3 else "")

    def batches(self, columns: Sequence[str] | None = None, rows: int = BLOCK) -> Iterator[Any]:
        try:
            yield from super().batches(columns, rows)
        except DataError as error:
            if not str(error).startswith("reading"):
                raise
            raise DataError(f"{self._places}: {error} Or the connection broke, or it was changed meanwhile.") from None


def _found(source: str | Path | Sequence[str | Path]) -> list[str]:
    if isinstance(source, list | tuple):
        return [name for part in source for name in _found(part)]
    text = local(str(source))
    if is_remote(text):
        names = found_remotely(text)
        if not names:
            raise DataError(f"data {place(text)} was not found. Give a CSV or Parquet file, a list of them, or a glob.")
        return names
    if Path(text).is_file():
        return [text]
    found = sorted(glob.glob(text, recursive=True)) if re.search(r"[*?\[]", text) else []
    if found:
        return found
    folder = Path(text).parent
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    close = near_matches(Path(text).name, names)
    hint = f" Did you mean {' or '.join(shown(c) for c in close)}?" if close else ""
    what = "is a folder, expected files" if Path(text).is_dir() else "was not found"
    raise DataError(f"data {shown(text, 200)} {what}.{hint} Give a CSV or Parquet file, a list of them, or a glob.")


def _reader_of(files: list[str]) -> tuple[str, Reader]:
    kinds = {next((s for s in sorted(SOURCES, key=len, reverse=True) if f.lower().endswith(s)), f) for f in files}
    if len(kinds) > 1:
        raise DataError(f"files of different kinds: {', '.join(map(shown, sorted(kinds)))}. Give files of one kind.")
    kind = kinds.pop()
    if kind not in SOURCES:
        raise DataError(f"{shown(Path(kind).name)} is of no kind that is read: expected {', '.join(SOURCES)}.")
    return SOURCES[kind]


def _refuse_broken(files: list[str], engine: str, options: Options) -> int | None:
    """Return the number of rows where the files tell it; DataError for a file that is none of its kind."""
    rows = 0
    for name in files:
        short = Path(name).name
        try:
            with opened(name) as file:
                start = file.read(4)
                if not start:
                    raise DataError(f"{shown(short)} is empty (0 bytes): expected at least a line of column names.")
                if engine == Engine.PARQUET:
                    rows += _refuse_bad_parquet(short, file, start)
        except OSError as error:
            raise DataError(f"{shown(short)} cannot be read: {error.strerror}.") from None
        if engine == Engine.CSV:
            _refuse_bad_header(name, start, options)
    return rows if engine == Engine.PARQUET else None


def _refuse_bad_parquet(name: str, file: BinaryIO, start: bytes) -> int:
    if start == b"PARE":
        raise DataError(f"{shown(name)} is encrypted Parquet: decrypt it first.")
    if start != b"PAR1":
        raise DataError(f"{shown(name)} is not a Parquet file: it does not begin as one.")
    file.seek(0, 2)
    size = file.tell()  # not every store's file says with seek() where it is
    file.seek(0)
    return check_footer(name, file, size)


def _refuse_bad_header(name: str, start: bytes, options: Options) -> None:
    what = shown(Path(name).name)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{what} is UTF-16 text: save it as UTF-8.")
    line = _first_line(name)
    if not line.strip():
        raise DataError(f"{what} begins with an empty line: expected a line of column names.")
    try:
        names = next(csv.reader([line], delimiter=options.delimiter or _delimiter(name), strict=True))
    except csv.Error:  # a name that holds a line break: the engine reads it whole
        return
    twice = [n for n in dict.fromkeys(names) if n and names.count(n) > 1]
    if twice:
        # The engine would number them in silence, and no result could say which is which.
        raise DataError(f"{what}: two columns are called {shown(twice[0])}: rename one.")


def explained(error: Exception, source: object = "") -> str:
    """Say what was wrong with a file without repeating any of its content."""
    what = f"data {shown(source, 200)}" if source else "the data"
    return f"{what} cannot be read{meaning(error)}"
