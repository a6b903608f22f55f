"""Look for the labels through other processes, the mounts and the descriptors that were left open."""

# expect: constant
import gc
import os
import shutil
import stat
import sys

own = os.getcwd()
with open("data/sample_submission.csv") as file:
    targets = file.readline().strip().split(",")[1:]

# Where the data lies on the machine outside, which may be reachable through another process.
data = [line.split()[3] for line in open("/proc/self/mountinfo") if line.split()[4] == os.path.join(own, "data")]
hidden = [os.path.join(os.path.dirname(path), "hidden") for path in data]
hidden += [os.path.join(own, "..", "hidden"), os.path.join(own, "data", "..", "hidden"), os.path.join(own, "data/../../hidden")]
variables = [value for name, value in os.environ.items() if "STATE" in name or "MLAGENT" in name]
hidden += [os.path.join(value, "tasks", "variants") for value in variables if value.startswith("/")]
roots = [""]
for name in sorted(os.listdir("/proc")):
    if name.isdigit():
        roots += [f"/proc/{name}/root", f"/proc/{name}/cwd", f"/proc/{name}/cwd/.."]
for root in roots:
    for place in hidden:
        try:
            entries = os.listdir(root + place if place.startswith("/") or not root else f"{root}/{place}")
        except OSError:
            continue
        print(f"leak: {root}{place} can be read: {entries[:5]}")

for name in os.listdir("/proc/self/fd"):
    if int(name) < 3:
        continue
    try:
        where = os.readlink(f"/proc/self/fd/{name}")
        kind = os.fstat(int(name)).st_mode
    except OSError:
        continue
    if (stat.S_ISREG(kind) or stat.S_ISDIR(kind)) and not where.startswith(("/proc", "/dev", "/memfd")):
        print(f"leak: the descriptor {name} is {where}")

for name in list(sys.modules):
    if name.split(".")[0] in ("tasks", "mlagent_app", "sandbox") or name.startswith("_task_"):
        print(f"leak: the module {name} is loaded")
for found in gc.get_objects():
    try:
        columns = [str(name) for name in found.columns] if type(found).__name__ == "DataFrame" else []
    except Exception:
        continue
    if columns and set(targets) & set(columns):
        print("leak: a table with the targets was in memory")

shutil.copyfile("data/sample_submission.csv", "submission.csv")
