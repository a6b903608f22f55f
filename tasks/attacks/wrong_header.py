"""Hand in columns of other names."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
header = [name.upper() + "_" for name in header]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
