"""Give the submission a second name, which could be written to after it was looked at."""

# expect: refused
import os
import shutil

try:
    os.link("data/sample_submission.csv", "submission.csv")
except OSError:
    shutil.copyfile("data/sample_submission.csv", "other.csv")
    os.link("other.csv", "submission.csv")
