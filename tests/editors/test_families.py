"""What the scikit-learn, constant, argument and configuration families offer, by example."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from mlagent_app.editors.catalogue import Catalogue, NoSuchEdit
from tests.editors.corpus import CONFIGS, SCRIPTS, after, edits_of, instructions, texts

LOGISTIC = """from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = LogisticRegression(random_state=7)
model.fit(X, y)
print(model.score(X, y))
"""


@pytest.mark.parametrize(
    ("instruction", "line"),
    [
        ("set C of LogisticRegression to 10", "model = LogisticRegression(random_state=7, C=10)"),
        ("set C of LogisticRegression to 7", "model = LogisticRegression(random_state=7, C=7)"),
        (
            "replace LogisticRegression with ExtraTreesClassifier",
            "model = ExtraTreesClassifier(n_estimators=200, random_state=7)",
        ),
        (
            "add PCA before the model",
            "model = make_pipeline(PCA(n_components=0.95), LogisticRegression(random_state=7))",
        ),
        (
            "vote with ExtraTreesClassifier",
            'model = VotingClassifier([("first", LogisticRegression(random_state=7)), '
            '("second", ExtraTreesClassifier(n_estimators=200, random_state=7))], voting="soft")',
        ),
        ("bag the model", "model = BaggingClassifier(LogisticRegression(random_state=7), n_estimators=10, random_state=7)"),
    ],
)
def test_a_model_is_edited_in_place(instruction: str, line: str) -> None:
    changed = after(instruction, LOGISTIC)
    assert line in changed.split("\n")
    assert changed.split("\n")[-3:] == LOGISTIC.split("\n")[-3:]
    compile(changed, "train.py", "exec")


def test_a_step_goes_into_the_pipeline_that_is_there() -> None:
    text = (
        "from sklearn.pipeline import Pipeline\nfrom sklearn.svm import SVC\nfrom sklearn.preprocessing import RobustScaler\n"
        "m = Pipeline([\n    ('scale', RobustScaler()),  # robust\n    ('svc', SVC()),\n])\n"
    )
    changed = after("add PCA before the model", text)
    assert "    ('scale', RobustScaler()),  # robust\n    ('pca', PCA(n_components=0.95)),\n    ('svc', SVC()),\n" in changed
    removed = after("remove RobustScaler", text)
    assert "('svc', SVC())" in removed
    assert "RobustScaler()" not in removed


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_comment_stays_with_its_argument(newline: str) -> None:
    text = "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(\n    C=1.0,  # strength, tuned\n)\n"
    wanted = text.replace("tuned\n", "tuned\n    max_iter=200\n").replace("\n", newline)
    assert after("set max_iter of LogisticRegression to 200", text.replace("\n", newline)) == wanted
    text = text.replace("linear_model", "svm").replace("LogisticRegression", "SVC")
    both = text.replace("tuned\n", 'tuned\n    kernel="poly",\n    coef0=1.0\n').replace("\n", newline)
    assert after("set kernel of SVC to poly and coef0 to 1", text.replace("\n", newline)) == both


STEPS = """from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
"""
NAMED = f'{STEPS}pipe = Pipeline([("scale", StandardScaler()), ("pca", PCA()), ("clf", LogisticRegression())])\n'
MADE = f"{STEPS}pipe = make_pipeline(StandardScaler(), PCA(), LogisticRegression())\n"


@pytest.mark.parametrize(
    ("text", "removable"),
    [
        (NAMED, {"PCA", "StandardScaler"}),
        (MADE, {"PCA", "StandardScaler"}),
        (f'{NAMED}print(pipe.named_steps["pca"].explained_variance_ratio_)\n', {"StandardScaler"}),
        (f"{NAMED}print(pipe.named_steps.pca.components_)\n", {"StandardScaler"}),
        (f"{NAMED}print(pipe['scale'].mean_)\n", {"PCA"}),
        (f"{NAMED}print(f\"mean {{pipe['scale'].mean_}}\")\n", {"PCA"}),
        (f"{NAMED}tuned(pipe, pca__n_components=3)\n", {"StandardScaler"}),
        (f"{NAMED}tuned(pipe, {{'model__pca__n_components': 3}})\n", {"StandardScaler"}),
        (f'{MADE}print(pipe["pca"].components_, pipe.named_steps["standardscaler"].mean_)\n', ()),
        # The same names in another pipeline, a keyword, or a longer text get at no step.
        (f'{NAMED}other = Pipeline([("pca", wanted()), ("clf", LogisticRegression())])\n', {"PCA", "StandardScaler"}),
        (f'{NAMED}plot(scale=2, title="pca and scale")\n', {"PCA", "StandardScaler"}),
        (f'NAME = "pca"\n{NAMED.replace("(" + chr(34) + "pca" + chr(34), "(NAME")}pipe[NAME]\n', {"StandardScaler"}),
    ],
)
def test_a_step_that_the_script_gets_at_by_name_stays(text: str, removable: Collection[str]) -> None:
    offered = {line.removeprefix("remove ") for line in instructions(text) if line.startswith("remove ")}
    assert offered == set(removable)


def test_a_literal_behind_a_name_is_changed_where_it_stands() -> None:
    text = "from sklearn.svm import SVC\nREG = 1.0  # C\nm = SVC(C=REG)\n"
    assert after("set C of SVC to 10", text) == text.replace("REG = 1.0", "REG = 10.0")
    # The constant has one edit a value, under the more telling name; its own name leads there as well.
    assert not any(line.startswith("set REG") for line in instructions(text))
    assert Catalogue().resolve("set REG to 10", {"a.py": text}).instruction == "set C of SVC to 10"


def test_places_with_the_same_words_are_numbered() -> None:
    text = "from sklearn.svm import SVC\na, b = SVC(C=1), SVC(C=10)\n"
    assert "C=1), SVC(C=30)" in after("set C of SVC to 30 #2", text)
    with pytest.raises(NoSuchEdit, match=r"fits 2 places; say which: #1, #2"):
        Catalogue().resolve("set C of SVC to 30", {"a.py": text})


def test_files_with_the_same_words_are_named() -> None:
    files = {"a.py": "LR = 0.1\n", "b/c.py": "LR = 0.1\n", "d.py": "EPOCHS = 2\nrun(EPOCHS)\n"}
    found = [edit.instruction for edit in Catalogue().enumerate(files)]
    assert "set LR to 0.3 in a.py" in found
    assert "set LR to 0.3 in b/c.py" in found
    assert "set EPOCHS to 4" in found
    edit = Catalogue().resolve("set LR to 0.25 in b/c.py", files)
    assert (edit.file, edit.instruction, edit.apply(files["b/c.py"])) == ("b/c.py", "set LR to 0.25 in b/c.py", "LR = 0.25\n")


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("make it better", "is not an instruction; expected one like"),
        ("set C of SVC to 1", "nothing in these files fits it"),
        ("set C of LogisticRegression to 1", "is 1 already"),
        ("set C of LogisticRegression to many", "expected a number from 0.0001 to 10000"),
        ("set solver of LogisticRegression to best", "expected lbfgs or newton-cg or saga"),
        ("replace LogisticRegression with Nothing", "nothing in these files fits it"),
    ],
)
def test_an_unknown_instruction_is_answered_with_the_nearest(instruction: str, message: str) -> None:
    with pytest.raises(NoSuchEdit, match=message) as caught:
        Catalogue().resolve(instruction, {"train.py": LOGISTIC})
    assert caught.value.nearest in instructions(LOGISTIC)
    assert repr(caught.value.nearest) in str(caught.value)


def test_no_files_and_no_edits() -> None:
    assert Catalogue().enumerate({}) == []
    with pytest.raises(NoSuchEdit, match="no edit for these files"):
        Catalogue().resolve("set LR to 1", {"a.py": "x = 1\n"})


@pytest.mark.parametrize(
    "line",
    [
        "SEED = 3",
        "RANDOM_STATE = 3",
        "TEST_SIZE = 0.3",
        "N_SPLITS = 5",
        "CV = 5",
        "VERBOSE = 1",
        "N_JOBS = 4",
        "NUM_WORKERS = 4",
        "DATA_PATH = 3",
        "N_SAMPLES = 100",
        "NUM_CLASSES = 10",
        "EVAL_BATCH_SIZE = 10",
        "LOG_EVERY = 10",
        "VAL_FRACTION = 0.2",
        "K = 5\nKFold(K)",
        "N = 50\nX = make_moons(N)",
        "TOP_K = 3\nprint(TOP_K)",
        "TOLERANCE = 40\nprint((abs(error) < TOLERANCE).mean())",
        "BOUND = 40\nprint((abs(error) <= 2 * BOUND).mean())",
        "KEEP = 100\nframe = frame[:KEEP]",
        "AHEAD = 3\ny = y.shift(-AHEAD)",
        "def recall_at(ranked, k=10):\n    return ranked[:k].mean()",
        "IOU_THRESHOLD = 0.5\nprint(IOU_THRESHOLD)",
        "EPOCHS = 5\nEPOCHS = 6",
        "CFG = {'seed': 1, 'test_size': 0.3, 'eval': {'epochs': 3}}",
        "p.add_argument('--seed', default=3)",
        "p.add_argument('--test-size', default=0.3, type=float)",
        "p.add_argument('--dataset', default='a', choices=['a', 'b'])",
        "p.add_argument('--top-k', default=5, type=int)",
        "p.add_argument('--horizon', default=24, type=int)",
        "p.add_argument('--far', default=24, type=int)\nprint((error < args.far).mean())",
        "from sklearn.model_selection import KFold\nk = KFold(n_splits=5)",
        "from sklearn.metrics import f1_score\nf1_score(a, b, average='macro')",
    ],
)
def test_seeds_splits_data_and_metrics_are_never_offered(line: str) -> None:
    assert instructions(f"{line}\n") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("LR = 0.1", "set LR to 0.01"),
        ("lr = 0.1", "set lr to 0.01"),
        ("EPOCHS = 5", "set EPOCHS to 10"),
        ("batch_size = 32", "set batch_size to 64"),
        ("HIDDEN_DIM = 1024", "set HIDDEN_DIM to 512"),
        ("DROPOUT = 0", "set DROPOUT to 0.1"),
        ("WEIGHT_DECAY = 0.0", "set WEIGHT_DECAY to 0.0001"),
        ("USE_SCALER = False", "set USE_SCALER to True"),
        ("THINGS = 4", "set THINGS to 8"),
        ("lr, epochs = 0.1, 5", "set epochs to 10"),
        ("def main():\n    n_estimators = 100", "set n_estimators to 200"),
        ("def train(epochs=5): pass", "set epochs to 10"),
        ("CFG = dict(opt={'lr': 0.1})", "set CFG.opt.lr to 0.01"),
        ("p.add_argument('--learning-rate', default=0.1)", "set learning_rate to 0.01"),
        ("p.add_argument('--model', default='a', choices=['a', 'b'])", "set model to b"),
        ("from dataclasses import dataclass\n@dataclass\nclass A:\n    lr: float = 0.1", "set lr to 0.01"),
    ],
)
def test_settings_are_offered_by_what_their_names_say(line: str, expected: str) -> None:
    name = line.partition(" ")[0]
    used = f"print({name})\n" if name.isupper() else ""
    assert expected in instructions(f"{line}\n{used}")


@pytest.mark.parametrize(
    ("shared", "setting"),
    [
        ("print(top_k_accuracy_score(y, p, k=K))", "n_neighbors of KNeighborsClassifier"),
        ("folds = KFold(K)", "n_neighbors of KNeighborsClassifier"),
        ("X = X[:K]", "n_neighbors of KNeighborsClassifier"),
    ],
)
def test_what_a_model_shares_with_the_data_or_the_metric_is_left_alone(shared: str, setting: str) -> None:
    imports = (
        "from sklearn.metrics import top_k_accuracy_score\nfrom sklearn.model_selection import KFold\n"
        "from sklearn.neighbors import KNeighborsClassifier\n"
    )
    model = "K = 5\nmodel = KNeighborsClassifier(n_neighbors=K)\nmodel.fit(X, y)\n"
    assert any(f"set {setting} to" in edit for edit in instructions(imports + model))
    assert not any(setting in edit for edit in instructions(f"{imports}{model}{shared}\n"))


@pytest.mark.parametrize(
    ("line", "present"),
    [("HIDDEN = 1024", 1024), ("N_ESTIMATORS = 800", 800), ("EPOCHS = 40", 400), ("HIDDEN = 8", 80)],
)
def test_what_gets_heavy_is_capped(line: str, present: int) -> None:
    name = line.split()[0]
    for text in instructions(f"{line}\n"):
        assert int(text.rpartition(" ")[2]) <= present, name


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("m = LogisticRegression()\nm.fit(X, y)\nprint(m.coef_)", "replace LogisticRegression with SVC"),
        ("m = LogisticRegression()\nm.fit(X, y)\nprint(m.coef_)", "bag the model"),
        ("m = LogisticRegression()\nprint(m.fit(X, y).predict_proba(X))", "replace LogisticRegression with SVC"),
        ("m = LogisticRegression(**unknown)", "set C of LogisticRegression to 10"),
        ("m = LogisticRegression(penalty='l1', solver='saga')", "set solver of LogisticRegression to lbfgs"),
        ("s = GridSearchCV(LogisticRegression(), {})", "replace LogisticRegression with SVC"),
        ("s = make_pipeline(StandardScaler(), LogisticRegression())", "add MinMaxScaler before the model"),
    ],
)
def test_what_would_fail_is_not_offered(code: str, without: str) -> None:
    head = (
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.model_selection import GridSearchCV\n"
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
    )
    assert without not in instructions(f"{head}{code}\n")


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name.startswith("boost_")])
def test_boosters_are_edited_by_name(name: str) -> None:
    owners = {edit.instruction.split(" of ")[1].split()[0] for edit in edits_of(name) if " of " in edit.instruction}
    assert owners & {"XGBClassifier", "xgboost", "lightgbm", "CatBoostClassifier", "LGBMClassifier"}


def test_pairs_are_set_together() -> None:
    text = "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(penalty='l2')\n"
    changed = after("set penalty of LogisticRegression to l1 and solver to saga", text)
    assert "LogisticRegression(penalty='l1', solver='saga')" in changed


@pytest.mark.parametrize(
    ("name", "instruction", "old", "new"),
    [
        ("configs/base.yaml", "set model.C to 1", "C: 0.1           # inverse", "C: 1.0           # inverse"),
        ("configs/base.yaml", "set train.lr to 0.01", "lr: 1e-3,", "lr: 0.01,"),
        ("configs/base.yaml", "set model.normalize to True", "normalize: false", "normalize: true"),
        ("configs/train.yml", "set encoder.layers to 3", "layers: 2\r\n", "layers: 3\r\n"),
        ("configs/params.toml", "set optim.sgd.lr to 0.1", "lr = 1e-2\n", "lr = 0.1\n"),
        ("configs/params.toml", "set model.hidden to 128", "hidden = 64          #", "hidden = 128          #"),
        ("configs/hparams.json", "set model.dropout to 0.2", '"dropout": 0.0,', '"dropout": 0.2,'),
        ("configs/hparams.json", "set early_stopping to False", '"early_stopping": true', '"early_stopping": false'),
    ],
)
def test_one_value_of_a_configuration_changes(name: str, instruction: str, old: str, new: str) -> None:
    text = texts()[name]
    assert after(instruction, text, name) == text.replace(old, new)
    assert text.count(old) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.json", '{"lr": 0.1}'),
        ("pyproject.toml", "[tool.x]\nlr = 0.1\n"),
        ("package.json", '{"lr": 0.1}'),
        (".github/config.yaml", "lr: 0.1\n"),
        ("config.yaml", "a: &x 0.1\nlr: *x\nb: {lr: *x}\n"),
        ("config.yaml", "seed: 1\ndata: {test_size: 0.2}\neval: {epochs: 3}\n"),
        ("config.yaml", "lr: '0.1'\n"),
        ("config.yaml", "lr: [0.1, 0.2]\n"),
        ("config.yaml", "lr: 0.1\n---\nlr: 0.2\n"),
        ("config.json", '{"lr": 0.1, "lr": 0.2}'),
        ("config.toml", 'text = """\nlr = 0.1\n"""\n'),
        ("config.txt", "lr: 0.1\n"),
    ],
)
def test_other_files_and_values_are_left_alone(name: str, text: str) -> None:
    assert instructions(text, name) == []


def test_corpus_configurations_are_offered() -> None:
    assert {name for name in CONFIGS if edits_of(name)} == {
        "configs/base.yaml",
        "configs/hparams.json",
        "configs/params.toml",
        "configs/train.yml",
    }


def test_a_constant_that_nothing_reads_any_more_is_not_offered() -> None:
    alive = "DEPTH = 3\n\nmodel = build(DEPTH)\n"
    dead = "DEPTH = 3\n\nmodel = build(3)\n"
    catalogue = Catalogue()
    assert any("DEPTH" in edit.instruction for edit in catalogue.enumerate({"train.py": alive}))
    assert not catalogue.enumerate({"train.py": dead})
    elsewhere = {"settings.py": "DEPTH = 3\n", "train.py": "from settings import DEPTH\n\nmodel = build(DEPTH)\n"}
    assert any(edit.file == "settings.py" for edit in catalogue.enumerate(elsewhere))


@pytest.mark.parametrize("line", ["smoothing = 2.0", "dropout = 5", "subsample = 200"])
def test_what_is_no_share_is_not_taken_for_one(line: str) -> None:
    assert instructions(f"{line}\n") == []


@pytest.mark.parametrize(
    "steps",
    [
        "make_pipeline(LinearDiscriminantAnalysis(), SVC())",
        "Pipeline([('project', LinearDiscriminantAnalysis()), ('model', SVC())])",
        "Pipeline(steps=[('project', LinearDiscriminantAnalysis()), ('model', SVC())])",
        "make_pipeline(make_union('passthrough', LinearDiscriminantAnalysis()), SVC())",
    ],
)
def test_a_class_that_projects_is_not_the_model(steps: str) -> None:
    """Linear discriminants are a classifier; as a step before another one they are not what is replaced or joined."""
    head = (
        "from sklearn.discriminant_analysis import LinearDiscriminantAnalysis\nfrom sklearn.svm import SVC\n"
        "from sklearn.pipeline import Pipeline, make_pipeline, make_union\n"
    )
    offered = instructions(f"{head}m = {steps}\nm.fit(X, y)\n")
    assert not [item for item in offered if item.startswith("replace LinearDiscriminantAnalysis") or "#" in item]
    assert "replace SVC with LogisticRegression" in offered
    alone = instructions(f"{head}m = make_pipeline(LinearDiscriminantAnalysis())\nm.fit(X, y)\n")
    assert "replace LinearDiscriminantAnalysis with SVC" in alone


@pytest.mark.parametrize(
    ("before", "instruction", "back"),
    [
        ("make_pipeline(StandardScaler(), SVC())", "add PCA before the model", "remove PCA"),
        ("SVC()", "add StandardScaler before the model", "remove StandardScaler"),
        (
            "make_pipeline(StandardScaler(), SVC())",
            "replace StandardScaler with MinMaxScaler",
            "replace MinMaxScaler with StandardScaler",
        ),
        ("SVC()", "set C of SVC to 10", "set C of SVC to 1"),
        ("SVC(C=3)", "replace SVC with LogisticRegression", ""),
        ("SVC()", "vote with LogisticRegression", ""),
    ],
)
def test_the_way_back_makes_the_program_that_was_there(before: str, instruction: str, back: str) -> None:
    script = f"""from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
model = {before}
model.fit(X, y)
print(model.score(X_dev, y_dev))
"""
    files, catalogue = {"train.py": script}, Catalogue()
    assert catalogue.way_back(catalogue.resolve(instruction, files), files) == back


@pytest.mark.parametrize(
    ("model", "offered"),
    [("Ridge()", False), ("Ridge(fit_intercept=False)", True), ("KNeighborsRegressor()", False), ("SVR()", True)],
)
def test_a_target_is_standardised_where_that_changes_anything(model: str, offered: bool) -> None:
    text = (
        "from sklearn.linear_model import Ridge\nfrom sklearn.neighbors import KNeighborsRegressor\n"
        f"from sklearn.svm import SVR\nm = {model}\nm.fit(X, y)\nprint(m.score(X, y))\n"
    )
    assert ("standardise the target" in instructions(text)) == offered


def test_no_way_back_is_known_in_a_file_that_is_nested_too_deep_to_compare() -> None:
    deep = "+".join(["1"] * 900)
    text = f"from sklearn.svm import SVC\nx = {deep}\nmodel = SVC()\nmodel.fit(X, y)\nprint(model.score(X_dev, y_dev))\n"
    files, catalogue = {"train.py": text}, Catalogue()
    assert catalogue.way_back(catalogue.resolve("add StandardScaler before the model", files), files) in (
        "",
        "remove StandardScaler",
    )
