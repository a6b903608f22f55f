"""Hand in the sample submission with time stamps of the past and of the future, beside copies of other ages."""

# expect: constant
import os
import shutil
import time

now = time.time()
for name, moment in [("submission.csv", now + 10**9), ("submission_old.csv", 0), ("best_submission.csv", now - 10**6)]:
    shutil.copyfile("data/sample_submission.csv", name)
    os.utime(name, (moment, moment))
os.utime("submission.csv", (0, 0))
try:
    os.utime("data/sample_submission.csv", (now, now))
    print("leak: the time stamps of the data can be set")
except OSError:
    pass
