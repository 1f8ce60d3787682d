"""Runs inside ML.NET: reads one job as JSON from standard input and prints as JSON what ML.NET handed back.

Only the Python that ``setup.py`` made can run it; ``client.py`` is who asks.  A job::

    {"views": {name: VIEW, …}, "train": name, "test": name}       both of "train" and "test", or neither

    VIEW = {"path": …, "as": "text" | "binary" | "images",
            "options": OPTIONS, null for none at all: LoadFromTextFile(path),
            "folder": …, "width": …, "height": …                  of images alone
            "values": true to have labels and pixels themselves,
            "passes": how many passes to time,
            "save": {"text" | "sparse" | "binary": path, …}}      what ML.NET shall write of the view

    OPTIONS = {"header": …, "separator": …, "sparse": …, "input_size": …,
               "columns": [[name, DataKind, first, last, number of classes of a key or 0], …]}

The answer has ``views`` by name (see ``look``) and, if it trained, ``accuracy``,
``log_loss`` and ``fit_seconds``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pythonnet
from clr_loader import get_coreclr

HOME = Path(sys.executable).parents[2]
SEED = 1
ROWS = 1000  # taken out of .NET before they are looked at

pythonnet.set_runtime(
    get_coreclr(runtime_config=HOME / "mlnet.runtimeconfig.json", dotnet_root=HOME / "dotnet")
)

import clr

for _name in ("DataView", "Core", "CpuMath", "Data", "StandardTrainers", "Transforms", "ImageAnalytics"):
    clr.AddReference(str(HOME / f"mlnet/Microsoft.ML.{_name}.dll"))

import System
from Microsoft.ML import (
    BinaryLoaderSaverCatalog,
    ConversionsExtensionsCatalog,
    ImageEstimatorsCatalog,
    LoggingEventArgs,
    MLContext,
    NormalizationCatalog,
    StandardTrainersCatalog,
    TextLoaderSaverCatalog,
)
from Microsoft.ML.Data import (
    ColumnCursorExtensions,
    DataKind,
    KeyCount,
    KeyDataViewType,
    TextLoader,
    VBuffer,
    VectorDataViewType,
)
from Microsoft.ML.Trainers import LinearBinaryModelParameters
from Microsoft.ML.Transforms.Image import ImagePixelExtractingEstimator
from System.Collections.Concurrent import ConcurrentQueue
from System.Linq.Expressions import Expression, ParameterExpression


def main() -> str:
    """Do the job and return the answer as JSON; with ``--version`` return the versions of what runs here."""
    if "--version" in sys.argv:
        return version()
    job = json.load(sys.stdin)
    answer = trained(job) if job.get("train") else {}
    return json.dumps({**answer, "views": {name: look(view) for name, view in job["views"].items()}})


def version() -> str:
    """Return the names and versions of what runs here."""
    MLContext(SEED)
    file = str(HOME / "mlnet/Microsoft.ML.Data.dll")
    found = System.Diagnostics.FileVersionInfo.GetVersionInfo(file).FileVersion
    return f"ML.NET {found} on .NET {System.Environment.Version}"


# Loading


def load(context, view: dict):
    """Load a view as a user of ML.NET would."""
    path = str(Path(view["path"]).resolve(strict=True))
    if view["as"] == "binary":
        return BinaryLoaderSaverCatalog.LoadFromBinary(context.Data, path)
    data = TextLoaderSaverCatalog.LoadFromTextFile(context.Data, path, text_options(view.get("options")))
    return with_pixels(context, data, view) if view["as"] == "images" else data


def text_options(given: dict | None):
    """Return the loader's options; ``None`` leaves everything to the file."""
    if given is None:
        return None
    options = TextLoader.Options()
    options.HasHeader = given.get("header", False)
    options.AllowSparse = given.get("sparse", False)
    options.Separators = System.Array[System.Char]([given.get("separator", "\t")])
    if "input_size" in given:
        options.InputSize = given["input_size"]
    options.Columns = System.Array[TextLoader.Column]([text_column(*column) for column in given["columns"]])
    return options


def text_column(name: str, kind: str, first: int, last: int, classes: int):
    """Return one column of the loader's options: a vector if it ends further on, a key if it has classes."""
    span = TextLoader.Range(first) if first == last else TextLoader.Range(first, last)
    spans = System.Array[TextLoader.Range]([span])
    if classes:
        return TextLoader.Column(name, getattr(DataKind, kind), spans, KeyCount(classes))
    return TextLoader.Column(name, getattr(DataKind, kind), spans)


def with_pixels(context, data, view: dict):
    """Load the images that a column names; their first channel becomes ``Features``."""
    images, transforms = ImageEstimatorsCatalog, context.Transforms
    red = ImagePixelExtractingEstimator.ColorBits.Red
    # ExtractPixels wants a size known beforehand: from ResizeImages, which changes nothing at that size.
    for step in (
        images.LoadImages(transforms, "Image", view["folder"], "ImagePath"),
        images.ResizeImages(transforms, "Image", view["width"], view["height"], "Image"),
        images.ExtractPixels(transforms, "Features", "Image", red),
    ):
        data = step.Fit(data).Transform(data)
    return data


# Looking


def look(view: dict) -> dict:
    """Load a view and tell all that ML.NET hands back of it, and whatever it said meanwhile."""
    context = MLContext(SEED)
    queue = listen(context)
    data = load(context, view)
    columns = {column.Name: column for column in data.Schema if not column.IsHidden}
    answer = {
        "schema": {name: column.Type.ToString() for name, column in columns.items()},
        **labels(data, columns.get("Label"), values=view.get("values", False)),
        **features(data, columns["Features"], values=view.get("values", False)),
    }
    answer["messages"] = list(dict.fromkeys(text for text in map(str, queue) if "Kind=Trace" not in text))
    answer["pass_seconds"] = [one_pass(context, data) for _ in range(view.get("passes", 0))]
    for kind, path in view.get("save", {}).items():
        save(context, data, kind, path)
    return answer


def labels(data, column, *, values: bool) -> dict:
    """Tell the labels, numbers from 0 as in the text; ``missing`` are those that ML.NET could not read."""
    if column is None:
        return {"labels_sha256": None, "labels": None}
    kind, is_key = item_of(column)
    if kind == "String":
        texts = list(ColumnCursorExtensions.GetColumn[System.String](data, column))
        return {"labels": [str(text) for text in texts], "missing": texts.count(""), "key_values": None}
    found = np.array(list(ColumnCursorExtensions.GetColumn[getattr(System, kind)](data, column)), "f8")
    found = np.where(found == 0, np.nan, found - 1) if is_key else found
    return {
        "labels_sha256": sha256_as_bytes(found),
        "label_sum": float(np.nansum(found)),
        "missing": int(np.isnan(found).sum()),
        "key_values": annotation(column, "KeyValues"),
        "labels": found.tolist() if values and not np.isnan(found).any() else None,
    }


def features(data, column, *, values: bool) -> dict:
    """Tell the pixels, a thousand rows at a time; ``bad`` are those that ML.NET could not read."""
    dtype = {"Single": "<f4", "Byte": "u1"}[item_of(column)[0]]
    as_bytes, as_float = hashlib.sha256(), hashlib.sha256()
    rows, bad, total, whole, kept = 0, 0, 0.0, True, []
    for block in blocks(data, column, dtype):
        rows += len(block)
        bad += int(np.isnan(block).sum())
        total += float(np.nansum(block, dtype="f8"))
        as_float.update(block.astype("<f4").tobytes())
        small = np.nan_to_num(block).astype("u1", casting="unsafe")
        whole = whole and bool((small == block).all())
        as_bytes.update(small.tobytes())
        kept += block.tolist() if values else []
    return {
        "rows": rows,
        "bad": bad,
        "pixel_sum": total,
        "pixels_sha256": as_bytes.hexdigest() if whole else None,
        "float_pixels_sha256": as_float.hexdigest(),
        "slot_names": annotation(column, "SlotNames"),
        "pixels": kept if values else None,
    }


def blocks(data, column, dtype: str) -> Iterator[np.ndarray]:
    """Yield the rows of a vector column, (n, values)."""
    block = []
    kind = System.Single if dtype == "<f4" else System.Byte
    for row in ColumnCursorExtensions.GetColumn[System.Array[kind]](data, column):
        block.append(np.frombuffer(memoryview(row), dtype))
        if len(block) == ROWS:
            yield np.stack(block)
            block = []
    if block:
        yield np.stack(block)


def item_of(column) -> tuple[str, bool]:
    """Return the name of .NET's type of a column's items, and whether it is a key."""
    kind = column.Type
    kind = kind.ItemType if isinstance(kind, VectorDataViewType) else kind
    name = kind.RawType.Name
    return "String" if name.startswith("ReadOnlyMemory") else name, isinstance(kind, KeyDataViewType)


def annotation(column, name: str) -> list[str] | None:
    """Return the texts of an annotation, such as the names of the slots; ``None`` where there is none."""
    if name not in [found.Name for found in column.Annotations.Schema]:
        return None
    kind = VBuffer[System.ReadOnlyMemory[System.Char]]
    # What .NET takes by reference, pythonnet returns.
    texts = column.Annotations.GetValue[kind](name, System.Activator.CreateInstance(clr.GetClrType(kind)))
    return [text.ToString() for text in texts.DenseValues()]


def sha256_as_bytes(values: np.ndarray) -> str | None:
    """Return the SHA-256 of numbers as bytes, ``None`` if they are none."""
    small = np.nan_to_num(values, nan=-1).astype("u1", casting="unsafe")
    return hashlib.sha256(small.tobytes()).hexdigest() if (small == values).all() else None


def listen(context):
    """Return a queue of what a context says from now on.

    The handler must be .NET's own code: ML.NET's threads call it while this one waits for them and
    holds Python's lock, so that a Python function would wait for ever.
    """
    queue = ConcurrentQueue[System.String]()
    sender = Expression.Parameter(clr.GetClrType(System.Object), "sender")
    event = Expression.Parameter(clr.GetClrType(LoggingEventArgs), "event")
    message = System.Array[Expression]([Expression.Property(event, "Message")])
    call = Expression.Call(Expression.Constant(queue), queue.GetType().GetMethod("Enqueue"), message)
    handler = clr.GetClrType(System.EventHandler[LoggingEventArgs])
    parameters = System.Array[ParameterExpression]([sender, event])
    # Not "+=", with which pythonnet wraps even .NET's own delegates in Python.
    context.GetType().GetEvent("Log").AddEventHandler(
        context, Expression.Lambda(handler, call, parameters).Compile()
    )
    return queue


# Writing, timing, training


def save(context, data, kind: str, path: str) -> None:
    """Let ML.NET write a view: as its text, dense or as sparse as it likes, or as its binary format."""
    stream = System.IO.File.Create(path)
    if kind == "binary":
        BinaryLoaderSaverCatalog.SaveAsBinary(context.Data, data, stream, False)
    else:
        separator, header, schema, hidden = "\t", True, True, False
        dense = kind == "text"
        TextLoaderSaverCatalog.SaveAsText(
            context.Data, data, stream, separator, header, schema, hidden, dense
        )
    stream.Close()


def one_pass(context, data) -> float:
    """Return the seconds of one streaming pass over ``Features``: the fit of a min-max normalizer."""
    started = time.perf_counter()
    for step in scaling(context, data):
        data = step.Fit(data).Transform(data)
    return time.perf_counter() - started


def trained(job: dict) -> dict:
    """Train averaged perceptrons on one view, cached and scaled, and evaluate them on another.

    In a context of its own: each pass over the data draws from the context's random numbers.
    """
    context = MLContext(SEED)
    train, test = (load(context, job["views"][job[name]]) for name in ("train", "test"))
    started = time.perf_counter()
    for step in scaling(context, train):
        fitted = step.Fit(train)
        train, test = fitted.Transform(train), fitted.Transform(test)
    model = one_versus_all(context).Fit(context.Data.Cache(train))
    seconds = time.perf_counter() - started
    metrics = context.MulticlassClassification.Evaluate(model.Transform(test), "Label")
    return {"accuracy": metrics.MicroAccuracy, "log_loss": metrics.LogLoss, "fit_seconds": seconds}


def scaling(context, data) -> list:
    """Return the steps that make ``Features`` single floats, as trainers want them, and scale them to 1."""
    column = next(column for column in data.Schema if column.Name == "Features")
    steps = []
    if item_of(column)[0] != "Single":
        conversion = context.Transforms.Conversion
        # A step made in vain would change the random numbers that the trainer draws later.
        steps.append(ConversionsExtensionsCatalog.ConvertType(conversion, "Features", None, DataKind.Single))
    return [*steps, NormalizationCatalog.NormalizeMinMax(context.Transforms, "Features")]


def one_versus_all(context):
    """Return a trainer of one averaged perceptron a class."""
    binary = StandardTrainersCatalog.AveragedPerceptron(
        context.BinaryClassification.Trainers, "Label", "Features"
    )
    trainers = context.MulticlassClassification.Trainers
    return StandardTrainersCatalog.OneVersusAll[LinearBinaryModelParameters](trainers, binary, "Label")


def reasons(error: BaseException) -> str:
    """Return what went wrong and what caused that: .NET's exceptions are Python's here."""
    told, cause = [], error
    while cause is not None:
        told.append((str(cause).splitlines() or [type(cause).__name__])[0])
        cause = getattr(cause, "InnerException", None)
    return " <- ".join(dict.fromkeys(told))


if __name__ == "__main__":
    try:
        print(main(), flush=True)
        code = 0
    except Exception as error:  # noqa: BLE001 - whatever .NET throws is the answer
        print(reasons(error), file=sys.stderr, flush=True)
        code = 1
    os._exit(code)  # .NET's own threads are not waited for
