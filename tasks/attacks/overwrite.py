"""Change what grades, what describes the task, the data, and what the next run will import."""

# expect: constant
import glob
import os
import shutil
import sys

HARMLESS = (os.getcwd(), "/tmp")


def try_to_change(path):
    """Whether a file can be written to, after its rights were changed as well."""
    try:
        os.chmod(path, 0o666)
    except OSError:
        pass
    try:
        open(path, "r+b").close()
        return True
    except OSError:
        return False


def try_to_add(directory):
    """Whether a file can be put into a directory."""
    path = os.path.join(directory, "attack.tmp")
    try:
        open(path, "x").close()
        os.remove(path)
        return True
    except OSError:
        return False


for path in glob.glob("data/**/*", recursive=True):
    if os.path.isfile(path) and try_to_change(path):
        print(f"leak: {path} can be changed")
if try_to_add("data"):
    print("leak: files can be added to data/")

for directory in sys.path:
    if not directory or directory.startswith(HARMLESS) or not os.path.isdir(directory):
        continue
    if try_to_add(directory):
        print(f"leak: files can be added to {directory}")
    for name in ("random.py", "site.py", "tasks/grading.py", "mlagent_app/__init__.py", "numpy/__init__.py"):
        if try_to_change(os.path.join(directory, name)):
            print(f"leak: {os.path.join(directory, name)} can be written")
for name in ("grader.py", "task.toml", "description.md", "mlagent.toml"):
    with open(name, "w") as file:
        file.write("def grade(predicted, truth):\n    return 1.0\n")
os.makedirs("tasks/held_in", exist_ok=True)
with open("tasks/__init__.py", "w") as file:
    file.write("raise SystemExit(0)\n")
shutil.copyfile("data/sample_submission.csv", "submission.csv")
