"""Hand in one cell of three million characters, and the quote that opens it never closed."""

# expect: refused
import shutil

shutil.copyfile("data/sample_submission.csv", "submission.csv")
with open("submission.csv", "ab") as file:
    file.write(b'"' + b"9" * 3_000_000)
