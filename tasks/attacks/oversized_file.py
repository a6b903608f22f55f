"""Hand in a file that is larger than anything should be."""

# expect: refused
import shutil

shutil.copyfile("data/sample_submission.csv", "submission.csv")
try:
    with open("submission.csv", "ab") as file:
        for _ in range(64):
            file.write(b"0" * 2**20)
except OSError as error:
    print(f"stopped: {error}")
