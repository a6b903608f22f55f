"""Hand in one value that is not a number."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows[len(rows) // 2][-1] = "NaN"
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
