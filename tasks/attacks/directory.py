"""Put a directory where the submission should be."""

# expect: refused
import os
import shutil

os.mkdir("submission.csv")
shutil.copyfile("data/sample_submission.csv", "submission.csv/submission.csv")
