"""Hand in the sample submission as it is."""

# expect: constant
import shutil

shutil.copyfile("data/sample_submission.csv", "submission.csv")
