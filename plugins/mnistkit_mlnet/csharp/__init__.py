"""A C# project that loads an export, trains on it, evaluates, saves the model and predicts.

The files beside this one are templates: ``$name`` stands for what a dataset decides, such as its shape.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from string import Template

from mnistkit.codecs.text import SEPARATORS
from mnistkit.dataset import DatasetInfo, SplitInfo
from mnistkit.naming import file_stem, split_order
from mnistkit_mlnet import SUFFIXES, MlNetWriteOptions

#: The release that the project file asks for, and a .NET that it runs on.
MLNET_VERSION, FRAMEWORK = "5.0.0", "net8.0"

#: With one class there is nothing to tell apart; with more than these, one learner a class never ends.
CLASSES = range(2, 10_001)


def project_files(info: DatasetInfo, options: MlNetWriteOptions) -> dict[str, str]:
    """Return the files of the project by name; none where no split has classes to learn."""
    labelled = sorted((s for s in info.splits if s.labelled and s.length), key=lambda s: split_order(s.name))
    if not labelled or info.classes not in CLASSES:
        return {}
    train = labelled[0]
    test = next((s for s in labelled[1:] if s.shape == train.shape), None)
    words = _words(info, train, test, options)
    names = {"ModelInput.cs": "ModelInput.cs", "Program.cs": "Program.cs", "README.md": "README.md"}
    names[f"{file_stem(info.name)}.csproj"] = "project.csproj"
    return {name: Template(_template(template)).substitute(words) for name, template in names.items()}


def _template(name: str) -> str:
    return (files(__name__) / name).read_text("utf-8")


def _words(
    info: DatasetInfo, train: SplitInfo, test: SplitInfo | None, options: MlNetWriteOptions
) -> dict[str, str]:
    is_text = options.label_kind == "text" and info.class_names is not None
    suffix = SUFFIXES[options.separator]
    return {
        "dataset": file_stem(info.name),
        "namespace": _identifier(info.name),
        "shape": " x ".join(map(str, train.shape)),
        "order": _ORDER[len(train.shape)],
        "pixels": str(train.values),
        "classes": str(info.classes),
        "class_names": _class_names(info),
        "separator": _SPELLED.get(options.separator, SEPARATORS[options.separator].decode()),
        "sparse": str(options.sparse).lower(),
        "train": train.name + suffix,
        "loading": _loading(train.name + suffix, test.name + suffix if test else None),
        "loading_note": ", whose schema the files carry" if options.schema else "",
        "loading_options": "" if options.schema else ", Program.LoaderOptions()",
        "label_meaning": _meaning(info, options),
        "mlnet": MLNET_VERSION,
        "framework": FRAMEWORK,
        **(_TEXT_LABEL if is_text else _key_label(info.classes)),
    }


_ORDER = {2: "row by row", 3: "row by row, the channels of a pixel side by side"}
_SPELLED = {"tab": r"\t"}

#: Where the label is a class name.
_TEXT_LABEL = {
    "label_type": "string",
    "key_type": "",
    "label_column": 'new TextLoader.Column("Label", DataKind.String, 0),',
    "names": """// Keys in the order of ClassNames, not of occurrence: Score[i] is for class i of the data.
            IDataView names = mlContext.Data.LoadFromEnumerable(
                ClassNames.Select(name => new ClassName { Label = name }));
            """,
    "first_step": """mlContext.Transforms.Conversion.MapValueToKey("Label", keyData: names)
                .Append(mlContext.Transforms.NormalizeMinMax("Features"))""",
    "first_label": "first.Label",
    "class_name_row": """

    public class ClassName
    {
        public string Label { get; set; }
    }""",
}


def _key_label(classes: int) -> dict[str, str]:
    """Where the label is a number."""
    return {
        "label_type": "uint",
        "key_type": f"\n        [KeyType({classes})]",
        "label_column": """// The text "0" becomes key 1 and so on; what is no class becomes key 0, "missing".
                    new TextLoader.Column(
                        "Label",
                        DataKind.UInt32,
                        new[] { new TextLoader.Range(0) },
                        new KeyCount(ClassCount)),""",
        "names": "",
        "first_step": 'mlContext.Transforms.NormalizeMinMax("Features")',
        "first_label": "NameOf(first.Label)",
        "class_name_row": "",
    }


def _loading(train: str, test: str | None) -> str:
    """Spell how train and test are loaded; without a test split, one image in five is kept for it."""
    load = 'mlContext.Data.LoadFromTextFile(Path.Combine(folder, "{}"), LoaderOptions())'
    if test:
        both = {"train": train, "test": test}
        lines = [f"IDataView {name} = {load.format(file)};" for name, file in both.items()]
    else:
        lines = [
            "// One image in five is kept for the test.",
            f"var parts = mlContext.Data.TrainTestSplit({load.format(train)}, testFraction: 0.2);",
            "IDataView train = parts.TrainSet;",
            "IDataView test = parts.TestSet;",
        ]
    return "\n            ".join(lines)


def _meaning(info: DatasetInfo, options: MlNetWriteOptions) -> str:
    classes = info.classes
    if options.label_kind == "single":
        return f"the number of the class, from 0 to {classes - 1}, of type `Single`"
    if options.label_kind == "text":
        word = "name" if info.class_names else "number"
        return (
            f"the {word} of the class, of type `String`; `Program.cs` makes the key of it that trainers want"
        )
    return f'a key of {classes} classes: class 0 is key 1, and so on, for ML.NET keeps 0 for "missing"'


def _class_names(info: DatasetInfo) -> str:
    """Spell the names as C# literals: the escapes of JSON are C#'s too."""
    if info.class_names is None:
        return "Enumerable.Range(0, ClassCount).Select(label => label.ToString()).ToArray()"
    literals = "".join(f"            {json.dumps(name)},\n" for name in info.class_names)
    return "{\n" + literals + "        }"


def _identifier(name: str) -> str:
    """Turn a dataset's name into a namespace: ``emnist/letters`` into ``EmnistLettersModel``."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return ("" if joined[:1].isalpha() else "Data") + joined + "Model"
