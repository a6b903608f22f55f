"""Trainers that are told what to train on and what to watch: the part that is reported may be neither."""

from __future__ import annotations

import pytest

from tests.editors.judging import kinds

HF = """import numpy as np
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

dataset = load_dataset("imdb")
tokenizer = AutoTokenizer.from_pretrained("distilbert-base-uncased")
tokenized = dataset.map(lambda rows: tokenizer(rows["text"], truncation=True), batched=True)
model = AutoModelForSequenceClassification.from_pretrained("distilbert-base-uncased")


def compute_metrics(given):
    return {"accuracy": (np.argmax(given[0], axis=-1) == given[1]).mean()}


args = TrainingArguments(output_dir="out", eval_strategy="epoch", save_strategy="epoch", num_train_epochs=3)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=tokenized["train"],
    eval_dataset=tokenized["test"],
    compute_metrics=compute_metrics,
)
trainer.train()
print(trainer.evaluate())
"""
TRAINED, WATCHED = 'train_dataset=tokenized["train"]', 'eval_dataset=tokenized["test"]'
ARGS, REPORT, RUN = 'args = TrainingArguments(output_dir="out", ', "print(trainer.evaluate())\n", "trainer.train()\n"
# A validation part is watched, and the test part measured at the end.
APART = HF.replace(WATCHED, 'eval_dataset=tokenized["validation"]').replace(
    REPORT, 'print(trainer.evaluate())\nprint(trainer.evaluate(tokenized["test"]))\n'
)
PREDICTED = APART.replace(
    'print(trainer.evaluate(tokenized["test"]))\n',
    'out = trainer.predict(test_dataset=tokenized["test"])\n'
    'acc = out.metrics["test_accuracy"]\nprint(f"accuracy: {acc:.4f}")\n',
)
CUT = (
    HF.replace('tokenized["train"]', 'parts["train"]')
    .replace('tokenized["test"]', 'parts["test"]')
    .replace("args =", 'parts = tokenized["all"].train_test_split(0.2)\nargs =')
)


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (HF, TRAINED, 'train_dataset=tokenized["test"]'),
        (HF, TRAINED, 'train_dataset=dataset["test"].map(tokenize).shuffle(seed=1)'),
        (HF, TRAINED, 'train_dataset=concatenate_datasets([tokenized["train"], tokenized["test"]])'),
        (HF, TRAINED, 'train_dataset=ConcatDataset([tokenized["train"], tokenized["test"].select(range(500))])'),
        (HF, TRAINED, 'train_dataset=load_dataset("imdb")["test"]'),
        (HF, ARGS, 'tokenized["train"] = concatenate_datasets([tokenized["train"], tokenized["test"]])\n' + ARGS),
        (HF, RUN, 'trainer.train_dataset = tokenized["test"]\n' + RUN),
        (HF.replace('tokenized["test"]', 'tokenized["validation"]'), TRAINED, 'train_dataset=tokenized["validation"]'),
        (APART, TRAINED, 'train_dataset=tokenized["test"]'),
        (PREDICTED, TRAINED, 'train_dataset=tokenized["test"]'),
        (CUT, 'train_dataset=parts["train"]', 'train_dataset=tokenized["all"]'),
    ],
)
def test_training_on_what_is_reported_is_flagged(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "leak" in kinds(before, before.replace(old, new))


NAMED = (
    HF.replace("args =", 'train_ds = tokenized["train"]\neval_ds = tokenized["test"]\nargs =')
    .replace(TRAINED, "train_dataset=train_ds")
    .replace(WATCHED, "eval_dataset=eval_ds")
)
BUILT = (
    NAMED.replace("trainer = Trainer(", "def build(train_set, watched):\n    return Trainer(")
    .replace(RUN, "trainer = build(train_ds, eval_ds)\n" + RUN)
    .replace("\n)\n", "\n    )\n")
    .replace("=train_ds,", "=train_set,")
    .replace("=eval_ds,", "=watched,")
)
LOADED = NAMED.replace('tokenized["train"]', 'load_dataset("imdb", split="train")').replace(
    'tokenized["test"]', 'load_dataset("imdb", split="test")'
)


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (NAMED, 'train_ds = tokenized["train"]', 'train_ds = tokenized["test"]'),
        (NAMED, "args =", "train_ds = concatenate_datasets([train_ds, eval_ds])\nargs ="),
        (BUILT, 'train_ds = tokenized["train"]', 'train_ds = tokenized["test"]'),
        (BUILT, "build(train_ds,", "build(eval_ds,"),
        (LOADED, 'split="train"', 'split="train+test"'),
        (LOADED, 'split="train"', 'split="test[:50%]"'),
    ],
)
def test_training_on_what_is_reported_by_another_name_is_flagged(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "leak" in kinds(before, before.replace(old, new))


BEST = ARGS + 'load_best_model_at_end=True, metric_for_best_model="accuracy", '
STOPS = "    callbacks=[EarlyStoppingCallback(early_stopping_patience=2)],\n    compute_metrics="


@pytest.mark.parametrize("before", [HF, HF.replace('["test"]', '["validation"]'), NAMED, BUILT])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ARGS, ARGS + "load_best_model_at_end=True, "),
        (ARGS, ARGS + 'save_strategy="best", metric_for_best_model="accuracy", '),
        (ARGS, BEST),
        ("    compute_metrics=", STOPS),
        (RUN, "trainer.add_callback(EarlyStoppingCallback(3))\n" + RUN),
        (RUN, "args.load_best_model_at_end = True\n" + RUN),
        (ARGS, 'more = {"load_best_model_at_end": True}\n' + ARGS + "**more, "),
    ],
)
def test_choosing_a_checkpoint_by_what_is_reported_is_flagged(before: str, old: str, new: str) -> None:
    before = before.replace('save_strategy="epoch", ', "")
    assert before.count(old) == 1
    assert "leak" in kinds(before, before.replace(old, new))


@pytest.mark.parametrize("before", [APART, PREDICTED])
@pytest.mark.parametrize(
    ("old", "new"),
    [(ARGS, BEST), ("    compute_metrics=", STOPS), (TRAINED, 'train_dataset=tokenized["train"].shuffle(seed=1)')],
)
def test_choosing_a_checkpoint_by_a_validation_part_is_not(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "leak" not in kinds(before, before.replace(old, new))


def test_a_validation_part_that_an_edit_cuts_off_is_one() -> None:
    cut = 'held = tokenized["train"].train_test_split(test_size=0.1)\n'
    after = HF.replace(ARGS, cut + BEST).replace('tokenized["train"],\n', 'held["train"],\n')
    after = after.replace(WATCHED, 'eval_dataset=held["test"]').replace("evaluate()", 'evaluate(tokenized["test"])')
    assert "leak" not in kinds(HF, after)
    kept = 'tokenized["train"], tokenized["validation"] = held["train"], held["test"]\n'
    again = HF.replace(ARGS, cut + kept + BEST).replace(WATCHED, 'eval_dataset=tokenized["validation"]')
    assert "leak" not in kinds(HF, again.replace("evaluate()", 'evaluate(tokenized["test"])'))
    assert "leak" in kinds(APART, APART.replace(ARGS, BEST).replace('["validation"]', '["test"]'))
    assert "leak" in kinds(APART, APART.replace(ARGS, BEST).replace('print(trainer.evaluate(tokenized["test"]))\n', ""))


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (HF, "num_train_epochs=3", "num_train_epochs=5, load_best_model_at_end=False"),
        (HF, TRAINED, 'train_dataset=tokenized["train"].filter(long_enough)'),
        (HF, TRAINED, 'train_dataset=concatenate_datasets([tokenized["train"], tokenized["unsupervised"]])'),
        (APART, TRAINED, 'train_dataset=concatenate_datasets([tokenized["train"], tokenized["validation"]])'),
        (HF, "tokenizer(rows", "tokenizer(rows.lower()"),
        (LOADED, 'load_dataset("imdb", split="train")', 'load_dataset("imdb", split="train").shuffle()'),
        (CUT, 'train_dataset=parts["train"]', 'train_dataset=parts["train"].map(augmented)'),
        (HF.replace(ARGS, BEST), "num_train_epochs=3", "num_train_epochs=5"),
        (HF.replace(ARGS, BEST), ', metric_for_best_model="accuracy"', ', metric_for_best_model="loss"'),
        (HF.replace(ARGS, ARGS + "load_best_model_at_end=True, "), ARGS, ARGS + 'metric_for_best_model="loss", '),
    ],
)
def test_other_edits_of_a_trainer_are_not(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert kinds(before, before.replace(old, new)) == []


def test_rows_of_one_part_may_be_shared_out() -> None:
    before = HF.replace(TRAINED, "train_dataset=first").replace(WATCHED, "eval_dataset=rest")
    shared = 'first = tokenized["train"].select(range({}))\nrest = tokenized["train"].select(range(900, 1000))\n'
    before = before.replace(ARGS, shared.format(900) + ARGS)
    assert "leak" not in kinds(before, before.replace("range(900))", "range(800))"))
    assert "leak" in kinds(before, before.replace("=first", '=tokenized["train"]'))


MADE = (
    "train_df, test_df = train_test_split(df, test_size=0.2, random_state=0)\n"
    "train_ds, test_ds = Dataset.from_pandas(train_df), Dataset.from_pandas(test_df).map(tokenize)\n"
)
FRAMES = HF.replace(ARGS, MADE + ARGS).replace(TRAINED, "train_dataset=train_ds").replace(WATCHED, "eval_dataset=test_ds")
SETS = HF.replace(TRAINED, "train_dataset=Texts(texts_train, y_train, tokenizer)").replace(
    WATCHED, "eval_dataset=Texts(texts_test, y_test, tokenizer)"
)


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (FRAMES, "from_pandas(train_df)", "from_pandas(pd.concat([train_df, test_df]))"),
        (FRAMES, "from_pandas(train_df)", "from_pandas(df)"),
        (FRAMES, "from_pandas(train_df)", "from_pandas(test_df)"),
        (SETS, "Texts(texts_train, y_train", "Texts(texts_test, y_test"),
        (SETS, "Texts(texts_train, y_train", "Texts(texts_train + texts_test, np.append(y_train, y_test)"),
    ],
)
def test_training_sets_made_of_what_is_reported_are_flagged(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "leak" in kinds(before, before.replace(old, new))


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (HF, WATCHED, 'eval_dataset=tokenized["validation"]'),
        (HF, WATCHED, WATCHED + ".select(range(100))"),
        (HF, WATCHED, WATCHED + '.shuffle(seed=1).filter(lambda row: len(row["text"]) < 100)'),
        (HF, RUN, 'trainer.eval_dataset = tokenized["validation"]\n' + RUN),
        (HF, "print(trainer.evaluate())", 'print(trainer.evaluate(tokenized["unsupervised"]))'),
        (APART, 'evaluate(tokenized["test"])', "evaluate()"),
        (APART, 'evaluate(tokenized["test"])', 'evaluate(tokenized["test"].take(100))'),
        (PREDICTED, 'test_dataset=tokenized["test"]', 'test_dataset=tokenized["validation"]'),
        (NAMED, "args =", "eval_ds = eval_ds.select(range(100))\nargs ="),
        (BUILT, "build(train_ds, eval_ds)", "build(train_ds, train_ds.select(range(100)))"),
        (LOADED, 'split="test"', 'split="test[:10%]"'),
        (LOADED, 'split="test"', 'split="validation"'),
        (FRAMES, "from_pandas(test_df)", "from_pandas(test_df[:100])"),
        (SETS, "Texts(texts_test, y_test", "Texts(texts_val, y_val"),
        (SETS, "Texts(texts_test, y_test", "Texts(texts_test[:100], y_test[:100]"),
    ],
)
def test_a_score_on_other_data_is_flagged(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "metric" in kinds(before, before.replace(old, new))


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (HF, WATCHED, WATCHED + ".map(cleaned, batched=True)"),
        (APART, WATCHED.replace("test", "validation"), 'eval_dataset=tokenized["validation"].select(range(100))'),
        (SETS, "tokenizer)", "tokenizer, 256)"),
        (FRAMES, ".map(tokenize)", ".map(tokenize, batched=True)"),
        (NAMED, 'train_ds = tokenized["train"]', 'encoded = tokenized\ntrain_ds = encoded["train"]'),
        (NAMED, 'eval_ds = tokenized["test"]', 'encoded = tokenized\neval_ds = encoded["test"]'),
    ],
)
def test_a_score_on_the_same_rows_is_not(before: str, old: str, new: str) -> None:
    assert old in before
    assert kinds(before, before.replace(old, new)) == []


def test_training_sets_made_otherwise_are_not() -> None:
    assert kinds(FRAMES, FRAMES.replace("from_pandas(train_df)", "from_pandas(train_df.drop_duplicates())")) == []
    assert kinds(SETS, SETS.replace("y_train, tokenizer", "y_train, tokenizer, 128")) == []


KERAS = """import keras
import numpy as np
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)
X, y = np.load("x.npy"), np.load("y.npy")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
callbacks = []
model.fit(X_train, y_train, epochs=10, validation_data=(X_test, y_test), callbacks=callbacks)
loss, acc = model.evaluate(X_test, y_test)
print(f"accuracy: {acc:.4f}")
"""
FIT = "model.fit(X_train, y_train, epochs=10, validation_data=(X_test, y_test), callbacks=callbacks)\n"
NONE = "callbacks = []\n"
BLIND = KERAS.replace("validation_data=(X_test, y_test), ", "")


@pytest.mark.parametrize(
    "made",
    [
        "keras.callbacks.EarlyStopping(restore_best_weights=True)",
        'keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=3)',
        'keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)',
        "keras.callbacks.ReduceLROnPlateau(factor=0.5)",
        'keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=2)',
    ],
)
def test_callbacks_that_choose_by_the_test_part_are_flagged(made: str) -> None:
    after = KERAS.replace(NONE, f"callbacks = [{made}]\n")
    assert kinds(KERAS, after) == ["leak"]
    assert kinds(KERAS, KERAS.replace("callbacks=callbacks", f"callbacks=[{made}]")) == ["leak"]
    assert kinds(BLIND, after) == ["leak"]
    assert kinds(KERAS, KERAS.replace(NONE, NONE + f"callbacks.append({made})\n")) == ["leak"]
    assert kinds(after, after.replace("Dense(32", "Dense(64")) == []


@pytest.mark.parametrize(
    "made",
    [
        'keras.callbacks.EarlyStopping(monitor="loss", restore_best_weights=True)',
        'keras.callbacks.ReduceLROnPlateau(monitor="loss")',
        'keras.callbacks.ModelCheckpoint("last.keras")',
        'keras.callbacks.ModelCheckpoint("last.keras", save_best_only=False)',
        "keras.callbacks.LearningRateScheduler(halved)",
    ],
)
def test_callbacks_that_do_not_look_at_the_test_part_are_not(made: str) -> None:
    assert kinds(KERAS, KERAS.replace(NONE, f"callbacks = [{made}]\n")) == []


@pytest.mark.parametrize(
    "validated",
    [
        "validation_split=0.1",
        "validation_data=(X_val, y_val)",
    ],
)
def test_callbacks_that_choose_by_a_validation_part_are_not(validated: str) -> None:
    cut = "X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, test_size=0.1, random_state=0)\n"
    stop = "callbacks = [keras.callbacks.EarlyStopping(restore_best_weights=True), keras.callbacks.ReduceLROnPlateau()]\n"
    fit = FIT.replace("validation_data=(X_test, y_test)", validated)
    assert "leak" not in kinds(KERAS, KERAS.replace(NONE, cut + stop).replace(FIT, fit))


@pytest.mark.parametrize(
    "fit",
    [
        "model.fit(X_test, y_test, epochs=10)\n",
        FIT + "model.fit(X_test, y_test, epochs=2)\n",
        "model.fit(x=X_test, y=y_test, epochs=2)\n",
        "model.fit(np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test]), epochs=2)\n",
        "test_ds = tf.data.Dataset.from_tensor_slices((X_test, y_test)).batch(32)\nmodel.fit(test_ds, epochs=2)\n",
        "more = tf.data.Dataset.from_tensor_slices((X_test, y_test)).batch(32)\nmodel.fit(more, epochs=2)\n",
    ],
)
def test_keras_models_that_train_on_the_test_part_are_flagged(fit: str) -> None:
    assert "leak" in kinds(KERAS, KERAS.replace(FIT, fit))


def test_keeping_the_best_weights_of_a_training_that_was_stopped_is_news() -> None:
    stopped = KERAS.replace(NONE, "callbacks = [keras.callbacks.EarlyStopping(patience=3)]\n")
    assert kinds(stopped, stopped.replace("patience=3", "patience=3, restore_best_weights=True")) == ["leak"]
    assert kinds(stopped, stopped.replace("patience=3", "patience=5")) == []
