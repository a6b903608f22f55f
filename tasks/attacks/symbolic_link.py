"""Let the submission point at where the machine that grades may keep the labels: the script cannot read there, the grader can."""

# expect: refused
import os

# The kernel tells where the data directory lies on the machine outside.
places = [line.split()[3] for line in open("/proc/self/mountinfo") if line.split()[4].endswith("/data")]
hidden = os.path.join(os.path.dirname((places or ["/data"])[0]), "hidden")
os.symlink(os.path.join(hidden, "labels.pkl"), "submission.csv")
os.symlink(hidden, "hidden")
