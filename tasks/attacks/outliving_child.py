"""Hand in nonsense, and leave a process behind that replaces it when this one is gone."""

# expect: refused
import os
import sys
import time

with open("data/sample_submission.csv", "rb") as file:
    valid = file.read()
with open("submission.csv", "w") as file:
    file.write("nothing yet\n")
sys.stdout.flush()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(3):
            os.close(descriptor)
        for _ in range(100):
            time.sleep(0.2)
            with open("next.csv", "wb") as file:
                file.write(valid)
            os.replace("next.csv", "submission.csv")
    os._exit(0)
