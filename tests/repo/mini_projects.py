# The files of each project stand on few lines, so that the list can be read as one.
# ruff: noqa: E501
"""Small repositories of many shapes, as people lay them out, and the command that a reader would run."""

from __future__ import annotations

from dataclasses import dataclass, field

TRAIN = '''"""Train."""
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score


def main():
    model = LogisticRegression(C=1.0).fit([[0.0], [1.0]], [0, 1])
    print("accuracy:", accuracy_score([0, 1], model.predict([[0.0], [1.0]])))


if __name__ == "__main__":
    main()
'''
PLAIN = """import numpy as np
from sklearn.svm import SVC
clf = SVC(C=1.0)
clf.fit([[0.0], [1.0]], [0, 1])
print("val acc", clf.score([[0.0]], [0]))
"""
SILENT = """import pickle
from sklearn.svm import SVC
model = SVC().fit([[0.0], [1.0]], [0, 1])
pickle.dump(model, open("model.pkl", "wb"))
"""
EVALUATE = """import pickle
model = pickle.load(open("model.pkl", "rb"))
print("test accuracy:", model.score([[0.0]], [0]))
"""
PREDICT = """import sys
import pickle
print(pickle.load(open("model.pkl", "rb")).predict([[float(sys.argv[1])]]))
"""
MODEL = "from sklearn.svm import SVC\n\n\ndef build():\n    return SVC(C=1.0)\n"
LIBRARY = "def load():\n    return [[0.0], [1.0]], [0, 1]\n"


def trained(imports: str, argparse: str = "", guard: bool = True) -> str:
    """A training script with these imports and arguments."""
    body = f"{imports}\n\n\ndef main():\n{argparse}    model = build().fit([[0.0], [1.0]], [0, 1])\n    print('val_f1:', 0.5)\n"
    return body + ("\n\nif __name__ == '__main__':\n    main()\n" if guard else "")


OPTIONAL = "    parser = argparse.ArgumentParser()\n    parser.add_argument('--lr', type=float, default=0.1)\n    args = parser.parse_args()\n"
REQUIRED = (
    "    parser = argparse.ArgumentParser()\n    parser.add_argument('--data', required=True)\n    args = parser.parse_args()\n"
)
HYDRA = """import hydra
from omegaconf import DictConfig
from sklearn.svm import SVC


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig):
    model = SVC(C=cfg.model.C).fit([[0.0], [1.0]], [0, 1])
    print("val_acc:", model.score([[0.0]], [0]))


if __name__ == "__main__":
    main()
"""
KERAS = """import tensorflow as tf
(x, y), (xt, yt) = tf.keras.datasets.mnist.load_data()
model = tf.keras.Sequential([tf.keras.layers.Dense(10)])
model.compile(optimizer="adam", loss="mse", metrics=["accuracy"])
model.fit(x, y, epochs=5, validation_data=(xt, yt))
print(model.evaluate(xt, yt))
"""
TYPER = """import typer
from sklearn.svm import SVC
app = typer.Typer()


@app.command()
def main(c: float = 1.0):
    print("score:", SVC(C=c).fit([[0.0], [1.0]], [0, 1]).score([[0.0]], [0]))


if __name__ == "__main__":
    app()
"""


@dataclass(frozen=True)
class Mini:
    """`command` is what has to be chosen, `source` a part of where it is said to come from; `edits` are files among the editable."""

    id: str
    files: dict[str, str]
    command: str
    source: str = ""
    edits: tuple[str, ...] = ()
    not_edits: tuple[str, ...] = field(default=())


MINIS = [
    Mini("train.py", {"train.py": TRAIN, "README.md": "# A project\n"}, "python train.py", "train.py", ("train.py",)),
    Mini("main beside helpers", {"main.py": trained("from model import build"), "model.py": MODEL, "utils.py": LIBRARY},
         "python main.py", "main.py", ("main.py", "model.py"), ("utils.py",)),
    Mini("odd name", {"titanic_v2.py": PLAIN, "helpers.py": LIBRARY}, "python titanic_v2.py", "titanic_v2.py"),
    Mini("file name with a space", {"my model.py": PLAIN}, "python 'my model.py'", "my model.py"),
    Mini("makefile recipe", {"Makefile": "PYTHON ?= python3\n.PHONY: train\ninstall:\n\tpip install -r requirements.txt\n"
                             "train: install\n\t@$(PYTHON) main.py --lr 0.1\ntest:\n\tpytest\n", "main.py": trained("import argparse", OPTIONAL)},
         "python main.py --lr 0.1", "Makefile, target train", ("main.py",)),
    Mini("makefile with steps", {"Makefile": "all: features train\nfeatures:\n\tpython features.py\ntrain: features\n\tpython fit.py\n",
                                 "features.py": LIBRARY + "load()\n", "fit.py": PLAIN}, "make train", "Makefile"),
    Mini("makefile without training", {"Makefile": "test:\n\tpytest tests\nlint:\n\truff check .\n", "train.py": TRAIN}, "python train.py"),
    Mini("readme block", {"README.md": "# X\n\nInstall:\n\n```bash\n$ git clone https://example.org/x && cd x\n$ pip install -r requirements.txt\n"
                          "$ python run_model.py --epochs 3  # takes a minute\n```\n", "run_model.py": trained("import argparse", OPTIONAL)},
         "python run_model.py --epochs 3", "README.md, line 8"),
    Mini("readme continuation", {"README.md": "```sh\npython train.py \\\n  --lr 0.1 \\\n  --epochs 2\n```\n", "train.py": TRAIN},
         "python train.py --lr 0.1 --epochs 2", "README.md"),
    Mini("readme of a predictor", {"README.md": "```\npython predict.py 3\n```\n", "predict.py": PREDICT, "train.py": TRAIN}, "python train.py"),
    Mini("readme placeholder", {"README.md": "```\npython train.py --data /path/to/data\n```\n", "train.py": TRAIN}, "python train.py"),
    Mini("readme rst", {"README.rst": "Usage\n=====\n\n.. code-block:: bash\n\n    python fit_model.py\n", "fit_model.py": PLAIN},
         "python fit_model.py", "README.rst"),
    Mini("readme inline", {"README.md": "To train the model run `python src/learn.py`.\n", "src/learn.py": PLAIN}, "python src/learn.py", "README.md"),
    Mini("readme with cd", {"README.md": "```\ncd code\npython train.py\n```\n", "code/train.py": PLAIN}, "cd code && python train.py", "README.md",
         ("code/train.py",)),
    Mini("readme with cd to the clone", {"README.md": "```\ncd my-project\npython train.py\n```\n", "train.py": PLAIN}, "python train.py", "README.md"),
    Mini("windows line ends", {"README.md": "# X\r\n\r\n```bash\r\npython go.py\r\n```\r\n", "go.py": PLAIN.replace("\n", "\r\n")},
         "python go.py", "README.md, line 4", ("go.py",)),
    Mini("pyproject script", {"pyproject.toml": '[project]\nname = "x"\n[project.scripts]\nx-train = "xlib.cli:main"\n',
                              "xlib/__init__.py": "", "xlib/cli.py": trained("from xlib.model import build"), "xlib/model.py": MODEL},
         "python -m xlib.cli", "pyproject.toml", ("xlib/cli.py", "xlib/model.py")),
    Mini("pyproject function", {"pyproject.toml": '[project]\nname = "x"\n[project.scripts]\ntrain = "x.cli:run"\n', "src/x/__init__.py": "",
                                "src/x/cli.py": "from x.model import build\n\n\ndef run():\n    build().fit([[0.0]], [0])\n    print('score', 1.0)\n",
                                "src/x/model.py": MODEL},
         "PYTHONPATH=src python -c 'from x.cli import run; run()'", "pyproject.toml", ("src/x/cli.py", "src/x/model.py")),
    Mini("poetry script", {"pyproject.toml": '[tool.poetry]\nname = "x"\n[tool.poetry.scripts]\nfit = "x.fit:main"\n', "x/__init__.py": "",
                           "x/fit.py": trained("from .model import build"), "x/model.py": MODEL,
                           "README.md": "```\npoetry install\npoetry run fit\n```\n"},
         "python -m x.fit", "pyproject.toml"),
    Mini("package train module", {"digits/__init__.py": "", "digits/train.py": trained("from .model import build"), "digits/model.py": MODEL,
                                  "tests/test_train.py": "def test(): pass\n", "setup.py": "from setuptools import setup\nsetup()\n"},
         "python -m digits.train", "digits/train.py", ("digits/train.py", "digits/model.py"), ("setup.py", "tests/test_train.py")),
    Mini("src layout", {"pyproject.toml": "[project]\nname = 'p'\n", "src/p/__init__.py": "", "src/p/train.py": trained("from p.model import build"),
                        "src/p/model.py": MODEL},
         "PYTHONPATH=src python src/p/train.py", "src/p/train.py", ("src/p/train.py", "src/p/model.py")),
    Mini("src layout, relative", {"src/p/__init__.py": "", "src/p/__main__.py": trained("from .model import build"), "src/p/model.py": MODEL},
         "PYTHONPATH=src python -m p", "src/p/__main__.py", ("src/p/__main__.py", "src/p/model.py")),
    Mini("script in a folder", {"scripts/train.py": trained("from mylib.model import build"), "mylib/__init__.py": "", "mylib/model.py": MODEL},
         "PYTHONPATH=. python scripts/train.py", "scripts/train.py", ("scripts/train.py", "mylib/model.py")),
    Mini("uv project", {"pyproject.toml": "[project]\nname = 'x'\n", "uv.lock": "", "README.md": "```console\n$ uv sync\n$ uv run train.py --lr 1\n```\n",
                        "train.py": trained("import argparse", OPTIONAL)}, "python train.py --lr 1", "README.md"),
    Mini("uv with options", {"README.md": "```\nuv run --with scikit-learn python -m pkg.fit\n```\n", "pkg/__init__.py": "", "pkg/fit.py": PLAIN},
         "python -m pkg.fit", "README.md"),
    Mini("conda run", {"README.md": "```\nconda run -n ml python3 train.py\n```\n", "train.py": TRAIN}, "python train.py", "README.md"),
    Mini("AGENTS.md block", {"AGENTS.md": "# Notes\nKeep it small.\n\n```bash\npip install -e .\npython bench.py --fast\npytest\n```\n",
                             "README.md": "```\npython train.py\n```\n", "train.py": TRAIN, "bench.py": PLAIN}, "python bench.py --fast", "AGENTS.md, line 6"),
    Mini("AGENTS.md line", {"AGENTS.md": "- Train: `python -m app.fit`\n- Test: `pytest`\n", "app/__init__.py": "", "app/fit.py": PLAIN,
                            "main.py": "print('hello')\n"}, "python -m app.fit", "AGENTS.md"),
    Mini("hydra", {"train.py": HYDRA, "conf/config.yaml": "model:\n  C: 1.0\n", "conf/model/svc.yaml": "C: 1\n", "other/unused.yaml": "a: 1\n"},
         "python train.py", "train.py", ("train.py", "conf/config.yaml", "conf/model/svc.yaml"), ("other/unused.yaml",)),
    Mini("yaml config", {"train.py": "import yaml\ncfg = yaml.safe_load(open('configs/base.yaml'))\n" + PLAIN, "configs/base.yaml": "lr: 0.1\n",
                         "configs/unused.yaml": "lr: 1\n", ".github/workflows/ci.yml": "on: push\n"},
         "python train.py", "train.py", ("train.py", "configs/base.yaml"), ("configs/unused.yaml", ".github/workflows/ci.yml")),
    Mini("config in the command", {"README.md": "```\npython train.py --config configs/small.yaml\n```\n", "configs/small.yaml": "lr: 1\n",
                                   "train.py": trained("import argparse", REQUIRED.replace("--data", "--config"))},
         "python train.py --config configs/small.yaml", "README.md", ("configs/small.yaml",)),
    Mini("required argument", {"train.py": trained("import argparse", REQUIRED), "quick.py": PLAIN}, "python quick.py"),
    Mini("required argument given", {"train.py": trained("import argparse", REQUIRED), "quick.py": PLAIN,
                                     "README.md": "```\npython train.py --data digits\n```\n"}, "python train.py --data digits", "README.md"),
    Mini("train and evaluate", {"train.py": SILENT, "evaluate.py": EVALUATE}, "python train.py && python evaluate.py", "train.py and evaluate.py",
         ("train.py",)),
    Mini("train and evaluate in the readme", {"README.md": "```\npython train.py\npython evaluate.py\n```\n", "train.py": SILENT, "evaluate.py": EVALUATE},
         "python train.py && python evaluate.py", "README.md"),
    Mini("train reports itself", {"train.py": TRAIN, "evaluate.py": EVALUATE}, "python train.py"),
    Mini("keras", {"mnist_cnn.py": KERAS, "plot_history.py": "import matplotlib.pyplot as plt\nplt.show()\n"}, "python mnist_cnn.py"),
    Mini("typer", {"cli.py": TYPER}, "python cli.py"),
    Mini("shell script", {"run.sh": "#!/bin/bash\nset -e\npython learn.py --epochs 2\n", "learn.py": trained("import argparse", REQUIRED)},
         "bash run.sh", "run.sh", ("learn.py",)),
    Mini("web app beside", {"app.py": "import flask\napp = flask.Flask(__name__)\napp.run()\n", "experiments/run_cv.py": PLAIN}, "python experiments/run_cv.py"),
    Mini("byte order mark", {"train.py": "\ufeff" + PLAIN}, "python train.py"),
    Mini("broken helper", {"train.py": trained("from model import build"), "model.py": "def build(:\n"}, "python train.py"),
]  # fmt: skip
